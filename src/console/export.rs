//! A shift for other programs and for paper: every movement as a line of CSV (RFC 4180), and the
//! report as a document.

use super::Office;
use super::book::{Shift, Waiting};
use super::page::trouble::Trouble;
use crate::i18n::Lang;
use crate::money::Amount;
use crate::payment::event::{Event, Record};
use crate::payment::shift::ShiftReport;
use crate::receipt::{Document, Kind, Offline, shift};

/// What spreadsheets take for the beginning of a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// X report of the open shift, Z report of a closed one.
pub(super) fn report(office: &Office, of: &Shift, lang: Lang) -> Document {
    let head = &office.context.head;
    match &of.closed {
        Some((_, report)) => shift(report, Kind::Z, head, lang, &[]),
        None => {
            let report = ShiftReport {
                reference: super::act::closing_reference(of.number),
                shift: of.number,
                totals: of.turnover.totals.clone(),
                captures_queued: 0,
                payments: of.turnover.payments,
                at: Some(office.now().wall),
            };
            shift(&report, Kind::X, head, lang, &offline(&of.waiting))
        }
    }
}

/// What waits for Klarna, in one row for each currency.
fn offline(waiting: &[Waiting]) -> Vec<Offline> {
    let mut rows: Vec<Offline> = Vec::new();
    for row in waiting {
        let none = Amount::zero(row.sum.currency());
        if !rows.iter().any(|found| found.captures.currency() == none.currency()) {
            rows.push(Offline {
                captures: none,
                captures_count: 0,
                refunds: none,
                refunds_count: 0,
            });
        }
        let of_currency = |found: &&mut Offline| found.captures.currency() == none.currency();
        let Some(found) = rows.iter_mut().find(of_currency) else { continue };
        match row.operation {
            "capture" => (found.captures, found.captures_count) = (row.sum, row.count),
            "refund" => (found.refunds, found.refunds_count) = (row.sum, row.count),
            _ => {}
        }
    }
    rows
}

/// Every movement of money in the shift, one line each, oldest first, then a line of sums for each
/// currency.
pub(super) fn csv(office: &Office, of: &Shift) -> Result<Vec<u8>, Trouble> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut line = |cells: [&str; 8]| writer.write_record(cells).map_err(|_| Trouble::Defect);
    line(["time", "payment", "kind", "amount", "currency", "count", "reference", "klarna"])?;
    let mut after = None;
    loop {
        let (records, next) = office.read(|book| book.shift_page(of.number, after))?;
        for record in &records {
            let Some((kind, amount, reference, klarna)) = movement(record) else { continue };
            let payment = record.payment.map(|id| id.to_string()).unwrap_or_default();
            let (at, amount_text) = (record.at.iso8601(), amount.decimal());
            let (reference, klarna) = (plain(&reference), plain(&klarna));
            line([
                &at,
                &payment,
                kind,
                &amount_text,
                amount.currency_code(),
                "1",
                &reference,
                &klarna,
            ])?;
        }
        match next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    for total in &of.turnover.totals {
        let currency = total.sales.currency();
        let mut sum = |kind: &str, amount: Amount, count: u32| {
            let count = count.to_string();
            line(["", "", kind, &amount.decimal(), currency.code(), &count, "", ""])
        };
        sum("total sales", total.sales, total.sales_count)?;
        sum("total voided", total.voided, total.voided_count)?;
        sum("total refunded", total.refunds, total.refunds_count)?;
        if let Some(released) = total.released {
            sum("total released", released, 0)?;
        }
        sum("total net", total.net(), 0)?;
    }
    writer.into_inner().map_err(|_| Trouble::Defect)
}

type Movement = (&'static str, Amount, String, String);

/// What counts in a shift's totals.
fn movement(record: &Record) -> Option<Movement> {
    match &record.event {
        Event::Authorised { transaction, amount } => {
            Some(("sale", *amount, String::new(), transaction.to_string()))
        }
        Event::Voided { amount } => Some(("void", *amount, String::new(), String::new())),
        Event::Released { amount, .. } => Some(("release", *amount, String::new(), String::new())),
        Event::Refunded { amount, refund, .. } => {
            let refund = refund.as_ref().map(ToString::to_string).unwrap_or_default();
            Some(("refund", *amount, String::new(), refund))
        }
        Event::Captured { amount, capture, .. } => {
            let capture = capture.as_ref().map(ToString::to_string).unwrap_or_default();
            Some(("capture", *amount, String::new(), capture))
        }
        _ => None,
    }
}

/// A cell that no spreadsheet takes for a formula.
fn plain(text: &str) -> String {
    match text.starts_with(FORMULA) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}
