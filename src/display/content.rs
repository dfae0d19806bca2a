//! What each screen says: one exhaustive match from `Screen` to words, icon and time.
//!
//! Knows no pixels, so that the pixel screens and the terminal preview say the same.

use super::Frame;
use super::icon::Icon;
use super::text::clean;
use crate::i18n::{self, Text};
use crate::id::DistributionUrl;
use crate::money::Amount;
use crate::payment::screen::Screen;

/// What carries the message before any word is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visual<'s> {
    /// An icon on a disc.
    Icon(Icon, Tone),
    /// A QR code.
    Qr(&'s DistributionUrl),
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

/// The time that is left.
#[derive(Debug, Clone, PartialEq)]
pub struct Time {
    /// Minutes and seconds, `4:32`.
    pub text: String,
    /// Share of the time limit that is left, 0 to 1.
    pub fraction: f32,
}

/// Everything on one screen, in the order of reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Content<'s> {
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
    /// How long it still goes on.
    pub time: Option<Time>,
}

impl<'s> Content<'s> {
    /// The content of `screen` in the words and with the shop's name of `frame`.
    pub fn new(screen: &'s Screen, frame: &Frame) -> Self {
        let icon = |icon, tone, title| Self::plain(frame, Visual::Icon(icon, tone), title);
        match screen {
            Screen::Idle => Self::idle(frame),
            Screen::Checking { amount } => {
                icon(Icon::Dots, Tone::Active, Text::Preparing).amount(frame, *amount)
            }
            Screen::Scan { url, amount, descriptor, again, seconds_left } => {
                let title = if *again { Text::ScanAgain } else { Text::ScanToPay };
                let plain = Self::plain(frame, Visual::Qr(url), title).amount(frame, *amount);
                let descriptor = descriptor.as_deref().filter(|_| !again);
                plain.described(descriptor).time(frame, *seconds_left)
            }
            Screen::ShopperPaying { amount, seconds_left } => {
                icon(Icon::Phone, Tone::Active, Text::OnYourPhone)
                    .amount(frame, *amount)
                    .body(frame, Text::FinishOnPhone)
                    .time(frame, *seconds_left)
            }
            Screen::Confirming { amount } => icon(Icon::Clock, Tone::Active, Text::Confirming)
                .amount(frame, *amount)
                .body(frame, Text::OneMoment),
            Screen::Approved { amount } => icon(Icon::Tick, Tone::Done, Text::Paid)
                .amount(frame, *amount)
                .body(frame, Text::ThankYou),
            Screen::Cancelled => {
                icon(Icon::Cross, Tone::Neutral, Text::Cancelled).body(frame, Text::NothingCharged)
            }
            Screen::NotCompleted => icon(Icon::Minus, Tone::Neutral, Text::NotCompleted)
                .body(frame, Text::NothingCharged),
            Screen::NotAvailable => {
                icon(Icon::Card, Tone::Neutral, Text::NotAvailable).body(frame, Text::PayAnotherWay)
            }
            Screen::NoConnection => icon(Icon::NoSignal, Tone::Neutral, Text::NoConnection)
                .body(frame, Text::PayAnotherWay),
            Screen::UnknownOutcome { amount } => icon(Icon::Warning, Tone::Alert, Text::PleaseWait)
                .amount(frame, *amount)
                .warning(frame, Text::DoNotPayAgain),
            Screen::OutOfService { reason } => icon(Icon::Plug, Tone::Alert, Text::OutOfService)
                .body(frame, Text::AskStaff)
                .code(frame, reason),
        }
    }

    /// The shop's name is the one thing on the idle screen.
    fn idle(frame: &Frame) -> Self {
        let plain = Self::plain(frame, Visual::Icon(Icon::Bag, Tone::Active), Text::Welcome)
            .body(frame, Text::PayHere);
        match plain.merchant.clone() {
            Some(merchant) => {
                Self { merchant: None, lead: Some(plain.title), title: merchant, ..plain }
            }
            None => plain,
        }
    }

    fn plain(frame: &Frame, visual: Visual<'s>, title: Text) -> Self {
        Self {
            merchant: foreign(&frame.merchant),
            visual,
            lead: None,
            title: own(frame.lang.text(title)),
            amount: None,
            body: None,
            warning: None,
            code: None,
            time: None,
        }
    }

    fn amount(self, frame: &Frame, amount: Amount) -> Self {
        Self { amount: Some(own(&i18n::amount(amount, frame.lang))), ..self }
    }

    /// Klarna's own words stand below ours: alone they need not say what to do.
    fn described(self, descriptor: Option<&str>) -> Self {
        let body = descriptor.and_then(foreign).filter(|words| words.text != "Klarna");
        Self { body, ..self }
    }

    fn body(self, frame: &Frame, text: Text) -> Self {
        Self { body: Some(own(frame.lang.text(text))), ..self }
    }

    fn warning(self, frame: &Frame, text: Text) -> Self {
        Self { warning: Some(own(frame.lang.text(text))), ..self }
    }

    fn code(self, frame: &Frame, reason: &str) -> Self {
        let text = clean(&format!("{}: {reason}", frame.lang.text(Text::Code)));
        Self { code: Some(Words { text, foreign: true }), ..self }
    }

    fn time(self, frame: &Frame, seconds_left: u32) -> Self {
        let text = format!("{}:{:02}", seconds_left / 60, seconds_left % 60);
        let limit = frame.time_limit_s.max(1);
        let fraction = (f64::from(seconds_left) / f64::from(limit)).min(1.0) as f32;
        Self { time: Some(Time { text, fraction }), ..self }
    }
}

fn own(text: &str) -> Words {
    Words { text: text.to_owned(), foreign: false }
}

/// Foreign text, unless nothing legible is left of it.
fn foreign(text: &str) -> Option<Words> {
    let text = clean(text);
    (!text.is_empty()).then_some(Words { text, foreign: true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::theme::Theme;
    use crate::i18n::LANGS;
    use crate::money::Currency;

    fn frame(merchant: &str, lang: i18n::Lang) -> Frame {
        Frame { merchant: merchant.to_owned(), lang, theme: Theme::LIGHT, time_limit_s: 300 }
    }

    fn screens() -> Vec<Screen> {
        let amount = Amount::new(1234, Currency::new("EUR").expect("EUR"));
        vec![
            Screen::Idle,
            Screen::Checking { amount },
            Screen::ShopperPaying { amount, seconds_left: 9 },
            Screen::Confirming { amount },
            Screen::Approved { amount },
            Screen::Cancelled,
            Screen::NotCompleted,
            Screen::NotAvailable,
            Screen::NoConnection,
            Screen::UnknownOutcome { amount },
            Screen::OutOfService { reason: "storage" },
        ]
    }

    #[test]
    fn states_differ_without_colour() {
        for lang in LANGS {
            let (frame, screens) = (frame("", lang), screens());
            let mut seen: Vec<(Icon, String)> = Vec::new();
            for content in screens.iter().map(|screen| Content::new(screen, &frame)) {
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
        for lang in LANGS {
            let amount = Amount::new(1, Currency::new("EUR").expect("EUR"));
            let screen = Screen::UnknownOutcome { amount };
            let content = Content::new(&screen, &frame("Shop", lang));
            assert!(content.warning.is_some() && content.amount.is_some(), "{lang:?}");
        }
    }

    #[test]
    fn time_is_minutes_and_seconds() {
        let shown = |seconds, limit| {
            let frame = Frame { time_limit_s: limit, ..frame("", i18n::Lang::En) };
            let plain = Content::new(&Screen::Cancelled, &frame).time(&frame, seconds);
            plain.time.map(|time| (time.text, (time.fraction * 100.0) as u32))
        };
        assert_eq!(shown(272, 300), Some(("4:32".into(), 90)));
        assert_eq!(shown(0, 300), Some(("0:00".into(), 0)));
        assert_eq!(shown(600, 0), Some(("10:00".into(), 100)));
    }

    #[test]
    fn a_name_without_legible_letters_is_left_out() {
        let content = |merchant| Content::new(&Screen::Idle, &frame(merchant, i18n::Lang::En));
        assert_eq!(content("\u{202e}متجر").title.text, "Welcome");
        assert_eq!(content("Café 東京").title.text, "Café …");
    }
}
