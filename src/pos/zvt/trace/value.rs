//! Values as people write them.

use crate::money::Currency;
use crate::pos::zvt::bcd::{Bcd as _, CurrencyCode, MinorUnits};
use crate::pos::zvt::bmp::Body;
use crate::pos::zvt::code::{Code, TerminalStatus};
use crate::pos::zvt::message::{Progress, Totals};

pub(super) fn currency_of(body: &Body<'_>) -> Option<Currency> {
    let code: CurrencyCode = body.number(0x49).ok()??;
    code.currency()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
}

pub(super) fn digits(bytes: &[u8]) -> String {
    separated(bytes, "")
}

pub(super) fn separated(bytes: &[u8], separator: &str) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(separator)
}

pub(super) fn number(bytes: &[u8]) -> u64 {
    bytes.iter().take(4).fold(0, |number, byte| number * 256 + u64::from(*byte))
}

pub(super) fn money(units: MinorUnits, currency: Currency) -> String {
    format!("{} {currency}", units.amount(currency).decimal())
}

pub(super) fn amount(value: &[u8], currency: Currency) -> String {
    match MinorUnits::parse(value) {
        Ok(units) => format!("amount {}", money(units, currency)),
        Err(error) => format!("amount: {error}"),
    }
}

/// Groups without a payment are left out.
pub(super) fn totals(value: &[u8], currency: Currency) -> Vec<String> {
    let Ok(totals) = Totals::parse(value) else {
        return vec!["totals that cannot be read".to_owned()];
    };
    let mut words = vec![format!("receipts {} to {}", totals.receipt_first, totals.receipt_last)];
    for (number, group) in (1..).zip(totals.groups).filter(|(_, group)| group.count > 0) {
        words.push(format!("group {number}: {} of {}", group.count, money(group.total, currency)));
    }
    words
}

pub(super) fn in_words(code: Code) -> String {
    format!("{:02X} {}", code.0, code.meaning())
}

pub(super) fn progress_text(progress: Progress) -> String {
    match progress.text() {
        "" => String::new(),
        text => format!(" {text}"),
    }
}

pub(super) fn status_text(status: TerminalStatus) -> String {
    match status.text() {
        "" => String::new(),
        text => format!(" {text}"),
    }
}
