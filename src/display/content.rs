//! What each screen says: one exhaustive match from `Screen` to words, icon and time.
//!
//! Knows no pixels, so that the pixel screens, the terminal preview and the voice say the same.

use super::Frame;
use super::icon::Icon;
use super::logo::Logo;
use super::text::clean;
use crate::clock::Mono;
use crate::i18n::{self, Lang, Text};
use crate::id::DistributionUrl;
use crate::money::Amount;
use crate::payment::screen::{Operator, Screen};
use std::sync::Arc;
use std::time::Duration;

/// What carries the message before any word is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visual<'s> {
    /// An icon on a disc.
    Icon(Icon, Tone),
    /// The shop's own picture.
    Logo(&'s Arc<Logo>),
    /// A QR code with a link for the shopper.
    Qr(&'s DistributionUrl),
    /// A QR code for those who look after the terminal.
    Support(String),
}

/// How loudly an icon speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Under way.
    Active,
    /// Success.
    Done,
    /// Over, and nothing happened.
    Neutral,
    /// A person is needed.
    Alert,
}

/// One line or paragraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The text, drawable.
    pub text: String,
    /// Given from outside, so it may be elided; our own words may not.
    pub foreign: bool,
}

/// A time limit that is running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Time {
    /// When it is over.
    pub due: Mono,
    /// From a full bar to an empty one, in seconds; at least 1.
    pub limit_s: u32,
    /// It is nearly over when fewer seconds are left.
    pub warning_s: u32,
    /// What runs.
    pub label: &'static str,
    /// What to say once it is nearly over.
    pub nearly_up: &'static str,
    /// There is room for the bar only.
    pub is_bare: bool,
}

/// What is left of a time limit at some point of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Left {
    /// Seconds, rounded up; at most 99 minutes and 59 seconds.
    pub seconds: u32,
    /// Share of the limit, 0 to 1.
    pub fraction: f32,
    /// It is nearly over.
    pub is_urgent: bool,
}

impl Time {
    /// What is left at `now`.
    pub fn left(&self, now: Mono) -> Left {
        let left = self.due.left(now);
        let seconds = left.as_millis().div_ceil(1000).min(99 * 60 + 59);
        let seconds = u32::try_from(seconds).unwrap_or_default();
        let fraction = (left.as_secs_f64() / f64::from(self.limit_s.max(1))).min(1.0) as f32;
        Left { seconds, fraction, is_urgent: seconds <= self.warning_s }
    }

    /// How long until the minutes and seconds read differently; `None` once nothing is left.
    pub fn until_next_second(&self, now: Mono) -> Option<Duration> {
        let left = self.due.left(now);
        let into = u64::from(left.subsec_nanos());
        let wait = Duration::from_nanos(if into == 0 { 1_000_000_000 } else { into });
        (!left.is_zero()).then_some(wait)
    }
}

impl Left {
    /// Minutes and seconds, `4:32`.
    pub fn text(&self) -> String {
        format!("{}:{:02}", self.seconds / 60, self.seconds % 60)
    }
}

/// Everything on one screen, in the order of reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content<'s> {
    /// The language of our own words.
    pub lang: Lang,
    /// Small, on top: the shop.
    pub merchant: Option<Words>,
    /// The icon or code.
    pub visual: Visual<'s>,
    /// Small, above the title.
    pub lead: Option<Words>,
    /// What is going on.
    pub title: Words,
    /// How much.
    pub amount: Option<Words>,
    /// What to do, or what it means.
    pub body: Option<Words>,
    /// What must not be done.
    pub warning: Option<Words>,
    /// A code for staff.
    pub code: Option<Words>,
    /// Lines for those who look after the terminal.
    pub facts: Vec<Words>,
    /// How long it still goes on.
    pub time: Option<Time>,
}

impl<'s> Content<'s> {
    /// The content of `screen` in the words of `lang` and with the shop's name of `frame`.
    pub fn new(screen: &'s Screen, frame: &'s Frame, lang: Lang) -> Self {
        let page = Page { frame, lang };
        let icon = |icon, tone, title| page.plain(Visual::Icon(icon, tone), title);
        match screen {
            Screen::Idle => page.idle(),
            Screen::Checking { amount } => {
                icon(Icon::Dots, Tone::Active, Text::Preparing).amount(&page, *amount)
            }
            Screen::Scan { url, amount, descriptor, again, due } => {
                let title = if *again { Text::ScanAgain } else { Text::ScanToPay };
                let plain = page.plain(Visual::Qr(url), title).amount(&page, *amount);
                let descriptor = descriptor.as_deref().filter(|_| !again && !frame.large_text);
                plain.described(descriptor).time(&page, *due)
            }
            Screen::ShopperPaying { amount, due } => {
                icon(Icon::Phone, Tone::Active, Text::OnYourPhone)
                    .amount(&page, *amount)
                    .body(&page, Text::FinishOnPhone)
                    .time(&page, *due)
            }
            Screen::Confirming { amount } => icon(Icon::Clock, Tone::Active, Text::Confirming)
                .amount(&page, *amount)
                .body(&page, Text::OneMoment),
            Screen::Approved { amount } => icon(Icon::Tick, Tone::Done, Text::Paid)
                .amount(&page, *amount)
                .body(&page, Text::ThankYou),
            Screen::Cancelled => {
                icon(Icon::Cross, Tone::Neutral, Text::Cancelled).body(&page, Text::NothingCharged)
            }
            Screen::NotCompleted => icon(Icon::Minus, Tone::Neutral, Text::NotCompleted)
                .body(&page, Text::NothingCharged),
            Screen::NotAvailable => {
                icon(Icon::Card, Tone::Neutral, Text::NotAvailable).body(&page, Text::PayAnotherWay)
            }
            Screen::NoConnection => icon(Icon::NoSignal, Tone::Neutral, Text::NoConnection)
                .body(&page, Text::PayAnotherWay),
            Screen::UnknownOutcome { amount } => icon(Icon::Warning, Tone::Alert, Text::PleaseWait)
                .amount(&page, *amount)
                .warning(&page, Text::DoNotPayAgain),
            Screen::Refunding { amount } => icon(Icon::Return, Tone::Active, Text::Refunding)
                .amount(&page, *amount)
                .body(&page, Text::OneMoment),
            Screen::RefundQueued { amount } => icon(Icon::Queue, Tone::Active, Text::RefundQueued)
                .amount(&page, *amount)
                .body(&page, Text::RefundFollows),
            Screen::Refunded { amount } => icon(Icon::Returned, Tone::Done, Text::Refunded)
                .amount(&page, *amount)
                .body(&page, Text::MoneyGoesBack),
            Screen::AskStaff { reason } => {
                icon(Icon::Person, Tone::Alert, Text::AskStaff).code(&page, reason)
            }
            Screen::NoTill => icon(Icon::Unplugged, Tone::Alert, Text::NoTill)
                .body(&page, Text::AskStaff)
                .code(&page, "till"),
            Screen::ClockWrong => icon(Icon::ClockWrong, Tone::Alert, Text::ClockWrong)
                .body(&page, Text::AskStaff)
                .code(&page, "clock"),
            Screen::StorageFull => icon(Icon::Storage, Tone::Alert, Text::StorageFull)
                .body(&page, Text::AskStaff)
                .code(&page, "storage_full"),
            Screen::Updating => {
                icon(Icon::Update, Tone::Active, Text::Updating).body(&page, Text::BackSoon)
            }
            Screen::OutOfService { reason } => icon(Icon::Plug, Tone::Alert, Text::OutOfService)
                .body(&page, Text::AskStaff)
                .code(&page, reason),
            Screen::Operator(operator) => page.operator(operator),
        }
    }

    /// The same screen with a link in place of a code that does not fit.
    pub fn linked(&self, code: &str) -> Self {
        let title = own(self.lang.text(Text::OpenLink));
        let code = Some(fact(self.lang, Text::Code, code));
        Self { title, code, body: None, ..self.clone() }
    }

    /// Everything that the voice reads out.
    pub fn spoken(&self) -> String {
        let parts = [
            Some(&self.title),
            self.amount.as_ref(),
            self.body.as_ref().filter(|words| !words.foreign),
            self.warning.as_ref(),
        ];
        let parts: Vec<&str> =
            parts.into_iter().flatten().map(|words| words.text.trim_end_matches('.')).collect();
        format!("{}.", parts.join(". "))
    }

    fn amount(self, page: &Page<'_>, amount: Amount) -> Self {
        Self { amount: Some(own(&i18n::amount(amount, page.lang))), ..self }
    }

    /// Klarna's own words stand below ours: alone they need not say what to do.
    fn described(self, descriptor: Option<&str>) -> Self {
        let body = descriptor.and_then(foreign).filter(|words| words.text != "Klarna");
        Self { body, ..self }
    }

    fn body(self, page: &Page<'_>, text: Text) -> Self {
        Self { body: Some(own(page.lang.text(text))), ..self }
    }

    fn warning(self, page: &Page<'_>, text: Text) -> Self {
        Self { warning: Some(own(page.lang.text(text))), ..self }
    }

    fn code(self, page: &Page<'_>, reason: &str) -> Self {
        Self { code: Some(fact(page.lang, Text::Code, reason)), ..self }
    }

    fn time(self, page: &Page<'_>, due: Mono) -> Self {
        let time = Time {
            due,
            limit_s: page.frame.time_limit_s.max(1),
            warning_s: page.frame.warning_s,
            label: page.lang.text(Text::TimeLeft),
            nearly_up: page.lang.text(Text::TimeNearlyUp),
            is_bare: false,
        };
        Self { time: Some(time), ..self }
    }
}

/// A shop and a language.
struct Page<'s> {
    frame: &'s Frame,
    lang: Lang,
}

impl<'s> Page<'s> {
    /// The shop's name is the one thing on the idle screen.
    fn idle(&self) -> Content<'s> {
        let visual = match &self.frame.logo {
            Some(logo) => Visual::Logo(logo),
            None => Visual::Icon(Icon::Bag, Tone::Active),
        };
        let plain = self.plain(visual, Text::Welcome).body(self, Text::PayHere);
        match plain.merchant.clone() {
            Some(merchant) => {
                Content { merchant: None, lead: Some(plain.title), title: merchant, ..plain }
            }
            None => plain,
        }
    }

    fn operator(&self, operator: &Operator) -> Content<'s> {
        let state = if operator.is_online { Text::Online } else { Text::Offline };
        let waiting = match operator.refused {
            0 => operator.queued.to_string(),
            refused => format!("{} + {refused} !", operator.queued),
        };
        let own_fact =
            |label, value: &str| Words { foreign: false, ..fact(self.lang, label, value) };
        let never = || self.lang.text(Text::Never).to_owned();
        let mut facts = vec![
            fact(self.lang, Text::Terminal, &operator.terminal),
            own_fact(Text::Version, operator.version),
            own_fact(Text::Network, self.lang.text(state)),
            own_fact(Text::Waiting, &waiting),
            own_fact(Text::LastSync, &operator.last_sync.clone().unwrap_or_else(never)),
            own_fact(Text::Support, &operator.support_code),
        ];
        if let Some(console) = &operator.console {
            facts.push(own_fact(Text::Console, &console.address));
            facts.push(own_fact(Text::Fingerprint, &in_groups(&console.fingerprint)));
            let code = console.set_up_code.as_deref();
            facts.extend(code.map(|code| own_fact(Text::SetUpCode, code)));
        }
        let support = format!(
            "klarna-terminald {}\n{}\n{}\nqueued {} refused {} {}\n{}",
            operator.version,
            operator.terminal,
            if operator.is_online { "online" } else { "offline" },
            operator.queued,
            operator.refused,
            operator.last_sync.as_deref().unwrap_or("never"),
            operator.support_code
        );
        let plain = self.plain(Visual::Support(support), Text::TerminalInformation);
        Content { facts, merchant: None, ..plain }
    }

    fn plain(&self, visual: Visual<'s>, title: Text) -> Content<'s> {
        Content {
            lang: self.lang,
            merchant: foreign(&self.frame.merchant),
            visual,
            lead: None,
            title: own(self.lang.text(title)),
            amount: None,
            body: None,
            warning: None,
            code: None,
            facts: Vec::new(),
            time: None,
        }
    }
}

fn fact(lang: Lang, label: Text, value: &str) -> Words {
    let text = clean(&format!("{}: {value}", lang.text(label)));
    Words { text, foreign: true }
}

fn own(text: &str) -> Words {
    Words { text: text.to_owned(), foreign: false }
}

/// Foreign text, unless nothing legible is left of it.
fn foreign(text: &str) -> Option<Words> {
    let text = clean(text);
    (!text.is_empty()).then_some(Words { text, foreign: true })
}

/// The first digits of a fingerprint in groups of four: 96 bits cannot be made to fit.
fn in_groups(digits: &str) -> String {
    let digits: Vec<char> = digits.chars().take(24).collect();
    let groups: Vec<String> = digits.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::LANGS;
    use crate::money::Currency;

    fn frame(merchant: &str) -> Frame {
        Frame { merchant: merchant.to_owned(), ..Frame::default() }
    }

    fn screens() -> Vec<Screen> {
        let amount = Amount::new(1234, Currency::new("EUR").expect("EUR"));
        vec![
            Screen::Idle,
            Screen::Checking { amount },
            Screen::ShopperPaying { amount, due: Mono::default() },
            Screen::Confirming { amount },
            Screen::Approved { amount },
            Screen::Cancelled,
            Screen::NotCompleted,
            Screen::NotAvailable,
            Screen::NoConnection,
            Screen::UnknownOutcome { amount },
            Screen::Refunding { amount },
            Screen::RefundQueued { amount },
            Screen::Refunded { amount },
            Screen::AskStaff { reason: "refund" },
            Screen::NoTill,
            Screen::ClockWrong,
            Screen::StorageFull,
            Screen::Updating,
            Screen::OutOfService { reason: "storage" },
        ]
    }

    #[test]
    fn states_differ_without_colour() {
        let frame = frame("");
        for lang in LANGS {
            let screens = screens();
            let mut seen: Vec<(Icon, String)> = Vec::new();
            for content in screens.iter().map(|screen| Content::new(screen, &frame, lang)) {
                let Visual::Icon(icon, _) = content.visual else { panic!("no icon: {content:?}") };
                let fresh =
                    |(i, title): &(Icon, String)| *i != icon && *title != content.title.text;
                assert!(seen.iter().all(fresh), "{content:?} looks like another in {lang:?}");
                seen.push((icon, content.title.text));
            }
        }
    }

    #[test]
    fn the_unknown_outcome_warns_in_every_language() {
        let frame = frame("Shop");
        for lang in LANGS {
            let amount = Amount::new(1, Currency::new("EUR").expect("EUR"));
            let screen = Screen::UnknownOutcome { amount };
            let content = Content::new(&screen, &frame, lang);
            assert!(content.warning.is_some() && content.amount.is_some(), "{lang:?}");
        }
    }

    #[test]
    fn time_is_minutes_and_seconds() {
        let at = |millis, limit_s| {
            let due = Mono::new(Duration::from_millis(millis));
            let time =
                Time { due, limit_s, warning_s: 30, label: "", nearly_up: "", is_bare: false };
            let left = time.left(Mono::default());
            let wait = time.until_next_second(Mono::default()).map(|wait| wait.as_millis());
            (left.text(), (left.fraction * 100.0) as u32, left.is_urgent, wait)
        };
        assert_eq!(at(271_200, 300), ("4:32".into(), 90, false, Some(200)));
        assert_eq!(at(30_000, 300), ("0:30".into(), 10, true, Some(1000)));
        assert_eq!(at(0, 300), ("0:00".into(), 0, true, None));
        assert_eq!(at(600_000, 0), ("10:00".into(), 100, false, Some(1000)));
        assert_eq!(at(u64::MAX, 1).0, "99:59");
    }

    #[test]
    fn a_name_without_legible_letters_is_left_out() {
        let title = |merchant| {
            let frame = frame(merchant);
            Content::new(&Screen::Idle, &frame, Lang::En).title.text
        };
        assert_eq!(title("\u{202e}متجر"), "Welcome");
        assert_eq!(title("Café 東京"), "Café …");
    }

    #[test]
    fn the_voice_says_what_the_screen_says() {
        let amount = Amount::new(1234, Currency::new("EUR").expect("EUR"));
        let (frame, screen) = (frame("Shop"), Screen::UnknownOutcome { amount });
        let spoken = Content::new(&screen, &frame, Lang::En).spoken();
        assert_eq!(spoken, "Please wait. €12.34. Do not pay again. Please ask our staff.");
    }
}
