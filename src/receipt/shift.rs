//! What a shift's report says: an X report of the open shift, a Z report of a closed one.
//!
//! The sums come from the journal and are only written down here; what still waits for Klarna
//! stands apart from them.

use super::{Block, Document, Head, time_and_terminal};
use crate::i18n::{self, Lang, Printed};
use crate::money::Amount;
use crate::payment::shift::{ShiftReport, ShiftTotal};

/// Which report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Of the open shift; changes nothing.
    X,
    /// Of a shift that is closed.
    Z,
}

/// What is recorded in one currency and still waits for Klarna.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offline {
    /// Captures that wait.
    pub captures: Amount,
    /// Number of those.
    pub captures_count: u32,
    /// Refunds that wait; in the same currency.
    pub refunds: Amount,
    /// Number of those.
    pub refunds_count: u32,
}

/// The report of a shift in `lang`; `offline` has a row per currency in which something still
/// waits for Klarna, which is not in the shift's sums of refunds.
pub fn shift(
    report: &ShiftReport,
    kind: Kind,
    head: &Head,
    lang: Lang,
    offline: &[Offline],
) -> Document {
    let word = |word| lang.printed(word).to_owned();
    let (letter, state) = match kind {
        Kind::X => ("X", Printed::ShiftOpen),
        Kind::Z => ("Z", Printed::ShiftClosed),
    };
    let mut blocks = vec![
        Block::Title(head.merchant.clone()),
        Block::Title(format!("Klarna {} {letter}", word(Printed::ShiftReport))),
        Block::Emphasis(word(state)),
        Block::Pair(word(Printed::Shift), report.shift.to_string()),
    ];
    // Journals of early versions do not say when.
    blocks.extend(report.at.map(|at| time_and_terminal(at, head, lang)).into_iter().flatten());
    let payments = report.payments.map(|(first, last)| format!("{first} - {last}"));
    blocks.push(Block::Pair(word(Printed::Payments), payments.unwrap_or_else(none)));
    for total in &report.totals {
        blocks.push(Block::Rule);
        blocks.extend(of_currency(total, lang));
    }
    blocks.push(Block::Rule);
    if kind == Kind::Z {
        let queued = report.captures_queued.to_string();
        blocks.push(Block::Pair(word(Printed::CapturesByClosing), queued));
        blocks.push(Block::Rule);
    }
    blocks.extend(waiting(offline, lang));
    Document { title: format!("{} {letter} {}", head.terminal, report.shift), lang, blocks }
}

/// In place of a number where there is none.
fn none() -> String {
    "-".to_owned()
}

fn of_currency(total: &ShiftTotal, lang: Lang) -> Vec<Block> {
    let sum = |label, amount| pair(lang.printed(label).to_owned(), amount, lang);
    let counted = |label, count, amount| pair(counted(label, count, lang), amount, lang);
    let mut blocks = vec![
        Block::Title(total.sales.currency_code().to_owned()),
        counted(Printed::Sales, total.sales_count, total.sales),
        counted(Printed::VoidedSales, total.voided_count, total.voided),
        counted(Printed::Refunds, total.refunds_count, total.refunds),
    ];
    blocks.extend(total.released.map(|released| sum(Printed::Released, released)));
    blocks.push(sum(Printed::Balance, total.net()));
    blocks
}

/// A heading and a row per currency, or that nothing waits.
fn waiting(offline: &[Offline], lang: Lang) -> Vec<Block> {
    let heading = lang.printed(Printed::WaitingForKlarna).to_owned();
    let mut rows = Vec::new();
    for row in offline {
        for (label, count, amount) in [
            (Printed::Captures, row.captures_count, row.captures),
            (Printed::Refunds, row.refunds_count, row.refunds),
        ] {
            if count > 0 {
                rows.push(pair(counted(label, count, lang), amount, lang));
            }
        }
    }
    match rows.is_empty() {
        true => vec![Block::Pair(heading, none())],
        false => [vec![Block::Text(heading)], rows].concat(),
    }
}

fn counted(label: Printed, count: u32, lang: Lang) -> String {
    format!("{} ({count})", lang.printed(label))
}

fn pair(label: String, amount: Amount, lang: Lang) -> Block {
    Block::Pair(label, i18n::amount(amount, lang))
}
