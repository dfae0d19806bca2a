//! Small parts of pages: amounts, times, states and lists of payments.

use crate::clock::{Wall, Zone};
use crate::console::words::Say;
use crate::i18n::{self, Lang};
use crate::money::Amount;
use crate::payment::Payment;
use crate::payment::event::NotPaid;
use crate::payment::state::State;
use crate::payment::vocabulary::{SaleOutcome, Stage};
use maud::{Markup, html};

/// An amount as the language writes it.
pub(super) fn amount(amount: Amount, lang: Lang) -> String {
    i18n::amount(amount, lang)
}

/// A time as the shop's clock on the wall shows it, and exactly for machines.
pub(super) fn time(at: Wall, zone: &Zone, lang: Lang) -> Markup {
    let civil = zone.civil(at).filter(|_| at >= Wall::SET_FROM);
    html! {
        @match civil {
            Some(civil) => time datetime=(at.iso8601()) { (i18n::date_time(&civil, lang)) },
            None => span.muted { (Say::TimeNotSet.of(lang)) },
        }
    }
}

/// How long it has been, in the two largest units.
pub(super) fn age(since: Wall, now: Wall, lang: Lang) -> String {
    match now.since(since) {
        Some(age) => duration(age.as_secs(), lang),
        None => Say::TimeNotSet.of(lang).to_owned(),
    }
}

pub(super) fn duration(seconds: u64, lang: Lang) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => Say::Seconds.with(lang, &[&seconds]),
        (0, 0, _) => Say::Minutes.with(lang, &[&minutes]),
        (0, _, _) => Say::HoursMinutes.with(lang, &[&hours, &(minutes % 60)]),
        _ => Say::DaysHours.with(lang, &[&days, &(hours % 24)]),
    }
}

/// How much attention a state asks for; a class of the style sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// Nothing is left to do.
    Good,
    /// It moves, or waits for something.
    Busy,
    /// Over, without money.
    Quiet,
    /// A person has to look.
    Alert,
}

impl Tone {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Busy => "busy",
            Self::Quiet => "quiet",
            Self::Alert => "alert",
        }
    }
}

/// A payment's state in a few words.
pub(super) fn state(payment: &Payment, lang: Lang) -> (Tone, String) {
    let money = payment.money_so_far();
    if money.refused > 0 {
        return (Tone::Alert, Say::StateNeedsPerson.of(lang).to_owned());
    }
    let plain = |tone, say: Say| (tone, say.of(lang).to_owned());
    let (tone, mut words) = match (&payment.state, payment.outcome()) {
        (State::Voiding { .. }, _) => plain(Tone::Busy, Say::StateVoiding),
        (State::Voided { .. }, _) => plain(Tone::Quiet, Say::StateVoided),
        (_, None) => match payment.stage() {
            Some(Stage::Unknown) => plain(Tone::Alert, Say::StateUnknown),
            Some(stage) => plain(Tone::Busy, stage_words(stage)),
            None => plain(Tone::Busy, Say::StateChecking),
        },
        (_, Some(SaleOutcome::NotPaid(reason))) => {
            let words = Say::StateNotPaid.with(lang, &[&not_paid(reason).of(lang)]);
            (Tone::Quiet, words)
        }
        (_, Some(SaleOutcome::Voided(_))) => plain(Tone::Quiet, Say::StateVoided),
        (State::Authorised { .. }, _) => plain(Tone::Busy, Say::StateUnacknowledged),
        (_, Some(SaleOutcome::Approved)) => match (money.captured, money.refunded) {
            (_, back) if !back.is_zero() && back == money.captured => {
                plain(Tone::Quiet, Say::StateReturned)
            }
            (_, back) if !back.is_zero() => plain(Tone::Good, Say::StatePartReturned),
            (taken, _) if taken.is_zero() && !payment.sale.amount.is_zero() => {
                plain(Tone::Busy, Say::StatePaid)
            }
            _ => plain(Tone::Good, Say::StateCaptured),
        },
    };
    if money.queued > 0 {
        words = format!("{words}, {}", Say::StateQueued.with(lang, &[&money.queued]));
        return (Tone::Busy, words);
    }
    (tone, words)
}

fn stage_words(stage: Stage) -> Say {
    match stage {
        Stage::Checking => Say::StateChecking,
        Stage::AwaitingShopper => Say::StateAwaiting,
        Stage::ScanAgain => Say::StateScanAgain,
        Stage::ShopperPaying => Say::StatePaying,
        Stage::Confirming | Stage::Completing => Say::StateConfirming,
        Stage::Unknown => Say::StateUnknown,
    }
}

pub(super) fn not_paid(reason: NotPaid) -> Say {
    match reason {
        NotPaid::AbortedByTill => Say::ReasonAborted,
        NotPaid::TimedOut => Say::ReasonTimedOut,
        NotPaid::NotAvailable => Say::ReasonNotAvailable,
        NotPaid::Refused => Say::ReasonRefused,
        NotPaid::NoConnection => Say::ReasonNoConnection,
        NotPaid::Declined => Say::ReasonDeclined,
        NotPaid::Expired => Say::ReasonExpired,
        NotPaid::ConfirmFailed => Say::ReasonConfirmFailed,
    }
}

pub(super) fn pill(payment: &Payment, lang: Lang) -> Markup {
    let (tone, words) = state(payment, lang);
    html! {
        span class={ "pill " (tone.class()) } { (words) }
        @if payment.is_disputed() {
            " " span.pill.busy { (Say::Disputed.of(lang)) }
        }
    }
}

/// A list of payments, newest first.
pub(super) fn payments(payments: &[Payment], zone: &Zone, now: Wall, lang: Lang) -> Markup {
    html! {
        table.list {
            thead { tr {
                th scope="col" { (Say::Number.of(lang)) }
                th scope="col" { (Say::When.of(lang)) }
                th scope="col" { (Say::Age.of(lang)) }
                th.money scope="col" { (Say::Amount.of(lang)) }
                th scope="col" { (Say::State.of(lang)) }
                th scope="col" { (Say::TillReference.of(lang)) }
            } }
            tbody {
                @for payment in payments {
                    tr {
                        th scope="row" {
                            a href={ "/payments/" (payment.id.number()) } { (payment.id) }
                        }
                        td { (time(payment.started, zone, lang)) }
                        td { (age(payment.started, now, lang)) }
                        td.money { (amount(payment.sale.amount, lang)) }
                        td { (pill(payment, lang)) }
                        td.text { (payment.sale.reference) }
                    }
                }
            }
        }
    }
}

/// What a page says of something that has no rows.
pub(super) fn nothing(say: Say, lang: Lang) -> Markup {
    html! { p.muted { (say.of(lang)) } }
}

/// Names and values.
pub(super) fn facts<'a>(rows: impl IntoIterator<Item = (&'a str, Markup)>) -> Markup {
    html! { dl.facts { @for (name, value) in rows { dt { (name) } dd { (value) } } } }
}
