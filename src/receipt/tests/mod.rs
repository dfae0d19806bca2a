//! Documents as text: every one in five languages at every width, and what holds for all of them.
//!
//! `UPDATE_GOLDEN=1` writes the texts anew.

mod escpos;
mod html;
mod pdf;

use super::*;
use crate::i18n::LANGS;
use crate::id::{Label, PaymentId, PaymentReference, PosReference, TransactionId};
use crate::money::{Amount, Currency};
use crate::payment::effect::{Refusal, RefusalReason};
use crate::payment::event::{NotPaid, OperationProgress, VoidReason};
use crate::payment::shift::{ShiftReport, ShiftTotal};
use crate::payment::vocabulary::{OperationKind, OperationResult, SaleOutcome};

/// 21 November 2026, 17:45:11 UTC.
const AT: Wall = Wall::from_millis(1_795_283_111_000);
const GOLDENS: [(Lang, &str); 5] = [
    (Lang::En, include_str!("en.txt")),
    (Lang::De, include_str!("de.txt")),
    (Lang::Fr, include_str!("fr.txt")),
    (Lang::Sv, include_str!("sv.txt")),
    (Lang::El, include_str!("el.txt")),
];

fn eur(minor: i64) -> Amount {
    Amount::new(minor, Currency::new("EUR").expect("EUR"))
}

fn result() -> SaleResult {
    let id = "krn:payment:eu1:transaction:6c583364-786d-46c6-b5a7-0c8c88884038";
    SaleResult {
        reference: PosReference::new("R1").expect("reference"),
        outcome: SaleOutcome::Approved,
        amount: eur(123_456),
        number: PaymentId::new(7),
        payment_reference: PaymentReference::new("S1-T1-20261121-000007-a1b2c3d4")
            .expect("reference"),
        merchant_reference: None,
        transaction: Some(TransactionId::new(id).expect("id")),
        at: AT,
        locale: None,
        receipt: Vec::new(),
    }
}

fn head(merchant: &str, terminal: &str) -> Head {
    Head::new(merchant, terminal, Zone::UTC)
}

fn operation(kind: OperationKind, amount: Amount, progress: OperationProgress) -> OperationResult {
    OperationResult {
        reference: PosReference::new("G-2").expect("reference"),
        sale: PosReference::new("R1").expect("reference"),
        transaction: result().transaction,
        kind,
        amount,
        progress,
    }
}

fn refused() -> OperationProgress {
    OperationProgress::Refused(Refusal::new(RefusalReason::NotAllowed, "NOT_ALLOWED", "no"))
}

fn total(amount: fn(i64) -> Amount) -> ShiftTotal {
    ShiftTotal {
        sales: amount(1_234_567),
        sales_count: 42,
        voided: amount(1000),
        voided_count: 1,
        refunds: amount(2550),
        refunds_count: 2,
        released: Some(amount(17)),
    }
}

fn report() -> ShiftReport {
    let sek = |minor| Amount::new(minor, Currency::new("SEK").expect("SEK"));
    ShiftReport {
        reference: PosReference::new("Z-1").expect("reference"),
        shift: 12,
        totals: vec![total(eur), ShiftTotal { released: None, ..total(sek) }],
        captures_queued: 3,
        payments: Some((PaymentId::new(7), PaymentId::new(51))),
        at: Some(AT),
    }
}

fn waiting() -> Offline {
    Offline { captures: eur(4711), captures_count: 3, refunds: eur(550), refunds_count: 1 }
}

/// Every kind of document there is, by name.
fn documents(head: &Head, lang: Lang) -> Vec<(&'static str, Document)> {
    let merchant_reference = Some(Label::new("Order 4711").expect("a label"));
    let not_paid = SaleResult {
        outcome: SaleOutcome::NotPaid(NotPaid::NoConnection),
        transaction: None,
        ..result()
    };
    let returned = |kind, progress, copy| {
        let operation = operation(kind, eur(2550), progress);
        returned(&operation, &result(), AT, copy, head, lang).expect("gives money back")
    };
    let (refund, void) = (OperationKind::Refund, OperationKind::Void);
    let ordered = SaleResult { merchant_reference, ..result() };
    let empty = ShiftReport { totals: Vec::new(), payments: None, captures_queued: 0, ..report() };
    vec![
        ("sale, customer", sale(&result(), Copy::Customer, head, lang)),
        ("sale, merchant", sale(&ordered, Copy::Merchant, head, lang)),
        ("sale, not paid", sale(&not_paid, Copy::Customer, head, lang)),
        ("refund, done", returned(refund, OperationProgress::Done, Copy::Customer)),
        ("refund, queued", returned(refund, OperationProgress::Queued, Copy::Customer)),
        ("refund, refused", returned(refund, refused(), Copy::Merchant)),
        ("void, done", returned(void, OperationProgress::Done, Copy::Customer)),
        ("X report", shift(&report(), Kind::X, head, lang, &[waiting()])),
        ("Z report", shift(&report(), Kind::Z, head, lang, &[waiting()])),
        ("Z report, nothing sold", shift(&empty, Kind::Z, head, lang, &[])),
    ]
}

#[test]
fn documents_read_as_they_should() {
    for (lang, golden) in GOLDENS {
        let mut text = String::new();
        for (name, document) in documents(&head("Example Store", "S1-T1"), lang) {
            for columns in Columns::ALL {
                text.push_str(&format!("== {name}, {} columns\n", columns.count()));
                for line in document.lines(columns) {
                    text.push_str(&format!("|{line:width$}|\n", width = columns.count()));
                }
            }
        }
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            let path = format!("src/receipt/tests/{}.txt", lang.tag());
            std::fs::write(path, &text).expect("a golden");
            continue;
        }
        for (now, written) in text.lines().zip(golden.lines()) {
            assert_eq!(now, written, "{lang:?}; UPDATE_GOLDEN=1 writes it anew");
        }
        assert_eq!(text.lines().count(), golden.lines().count(), "{lang:?}");
    }
}

fn check(result: &SaleResult, head: &Head, lang: Lang, expected: &str) {
    assert_eq!(lines(result, head, lang).join("\n"), expected.trim_matches('\n'), "{lang:?}");
}

#[test]
fn a_receipt_for_the_till_reads_like_one() {
    check(
        &result(),
        &head("Example Store", "S1-T1"),
        Lang::En,
        "
Example Store
Klarna                 €1,234.56
PAID
Time   21 Nov 2026, 17:45:11 UTC
Terminal                   S1-T1
Payment                   000007
Reference
S1-T1-20261121-000007-a1b2c3d4
Klarna ID
krn:payment:eu1:transaction:6c58
3364-786d-46c6-b5a7-0c8c88884038
This is not a fiscal receipt
",
    );
}

#[test]
fn a_receipt_speaks_the_shoppers_language() {
    let not_paid = SaleResult {
        outcome: SaleOutcome::NotPaid(NotPaid::NoConnection),
        transaction: None,
        ..result()
    };
    let head = head("Κατάστημα", "S1-T1");
    let greek = "
Κατάστημα
Klarna                1.234,56 €
ΔΕΝ ΠΛΗΡΩΘΗΚΕ (no_connection)
Ώρα     21/11/2026, 17:45:11 UTC
Τερματικό                  S1-T1
Πληρωμή                   000007
Κωδικός αναφοράς
S1-T1-20261121-000007-a1b2c3d4
Δεν αποτελεί φορολογική απόδειξη
";
    check(&not_paid, &head, Lang::El, greek);
}

#[test]
fn a_shop_has_its_own_width_and_last_words() {
    let head = Head {
        columns: Columns::C24,
        disclaimer: Some("Umtausch nur mit diesem Beleg".to_owned()),
        ..head("Example Store", "S1-T1")
    };
    let lines = lines(&result(), &head, Lang::De);
    assert_eq!(lines[1], "Klarna        1.234,56 €");
    assert_eq!(lines[lines.len() - 2..], ["Umtausch nur mit diesem", "Beleg"]);
    assert!(lines.iter().all(|line| !line.contains("Kassenbeleg")), "{lines:?}");
}

#[test]
fn a_long_amount_stands_below() {
    let amount = Amount::new(i64::MIN, Currency::new("CZK").expect("CZK"));
    let lines = lines(&SaleResult { amount, ..result() }, &head("", "S1-T1"), Lang::Cs);
    assert_eq!(lines[..2], ["Klarna", "   -92 233 720 368 547 758,08 Kč"]);
}

#[test]
fn a_clock_that_was_never_set_prints_no_date() {
    let at = |millis| {
        let result = SaleResult { at: Wall::from_millis(millis), ..result() };
        lines(&result, &head("", "S1-T1"), Lang::En)[2].clone()
    };
    assert_eq!(at(Wall::SET_FROM.millis()), "Time    1 Jan 2025, 00:00:00 UTC");
    for millis in [Wall::SET_FROM.millis() - 1, 0, i64::MIN, i64::MAX] {
        assert_eq!(at(millis), "Time not set");
    }
    for lang in LANGS {
        let result = SaleResult { at: Wall::from_millis(0), ..result() };
        let lines = lines(&result, &head("", "S1-T1"), lang);
        assert!(!lines.iter().any(|line| line.contains("1970")), "{lang:?}");
    }
}

#[test]
fn every_receipt_fits_the_paper() {
    let outcomes = [
        SaleOutcome::Approved,
        SaleOutcome::NotPaid(NotPaid::AbortedByTill),
        SaleOutcome::NotPaid(NotPaid::TimedOut),
        SaleOutcome::NotPaid(NotPaid::NotAvailable),
        SaleOutcome::NotPaid(NotPaid::Refused),
        SaleOutcome::NotPaid(NotPaid::NoConnection),
        SaleOutcome::NotPaid(NotPaid::Declined),
        SaleOutcome::NotPaid(NotPaid::Expired),
        SaleOutcome::NotPaid(NotPaid::ConfirmFailed),
        SaleOutcome::Voided(VoidReason::NotAcknowledged),
        SaleOutcome::Voided(VoidReason::RequestedByTill),
        SaleOutcome::Voided(VoidReason::LatePayment(NotPaid::TimedOut)),
    ];
    let head = head(&"Grand Magasin ".repeat(9), "STORE-TERMINAL");
    for (lang, currency) in LANGS.iter().flat_map(|lang| Currency::all().map(|c| (*lang, c))) {
        for (outcome, minor) in outcomes.iter().flat_map(|o| [(*o, 1), (*o, i64::MIN)]) {
            let amount = Amount::new(minor, currency);
            let lines = lines(&SaleResult { outcome, amount, ..result() }, &head, lang);
            let fits = |line: &String| line.chars().count() <= 32;
            assert!(lines.iter().all(fits), "{lang:?} {currency} {outcome:?}: {lines:?}");
            let empty = |line: &String| line.trim().is_empty();
            assert!(!lines.iter().any(empty), "{lang:?} {currency} {outcome:?}: {lines:?}");
        }
    }
}

/// Nothing is cut off either: without spaces and line ends, every document says the same at every
/// width.
#[test]
fn every_document_fits_every_paper_and_says_everything() {
    for lang in LANGS {
        for merchant in ["Shop", &"Grand Magasin ".repeat(9)] {
            for (name, document) in documents(&head(merchant, "STORE_OF_20_LETTERS-T1"), lang) {
                let said = |columns| {
                    let lines = document.lines(columns);
                    let fits = |line: &String| line.chars().count() <= columns.count();
                    assert!(lines.iter().all(fits), "{lang:?} {name}: {lines:#?}");
                    let letters = |line: &String| line.replace([' ', '-'], "");
                    lines.iter().map(letters).collect::<String>()
                };
                let all = Columns::ALL.map(said);
                assert!(all.iter().all(|text| *text == all[0]), "{lang:?} {name}: {all:#?}");
            }
        }
    }
}

/// What stands before a value leaves room for it on the narrowest paper.
#[test]
fn labels_are_short() {
    use crate::i18n::Printed as Word;
    for lang in LANGS {
        for label in PRINTED_LABELS {
            let words = lang.printed(label);
            assert!(words.chars().count() <= 24, "{lang:?}: {words:?}");
        }
        let numbered = [Word::Sales, Word::VoidedSales, Word::Refunds, Word::Released];
        for label in numbered.into_iter().chain([Word::Balance, Word::Captures, Word::Shift]) {
            let words = lang.printed(label);
            assert!(words.chars().count() <= 16, "{lang:?}: {words:?}");
        }
    }
}

const PRINTED_LABELS: [Printed; 14] = [
    Printed::MerchantCopy,
    Printed::CustomerCopy,
    Printed::Duplicate,
    Printed::ReturnReceipt,
    Printed::ReturnRefused,
    Printed::OriginalPayment,
    Printed::TillReference,
    Printed::OrderNumber,
    Printed::ReturnCode,
    Printed::ShiftOpen,
    Printed::ShiftClosed,
    Printed::Payments,
    Printed::WaitingForKlarna,
    Printed::CapturesByClosing,
];

#[test]
fn a_shop_without_a_name_leaves_no_gap() {
    let lines = lines(&result(), &head(" ", "S1-T1"), Lang::De);
    assert!(lines[0].starts_with("Klarna "), "{lines:?}");
}

/// Labels and dates share a line in every language, summer time included.
#[test]
fn the_time_stays_beside_its_label() {
    let summer = SaleResult { at: Wall::from_millis(1_784_740_511_000), ..result() };
    let zones = ["Europe/Athens", "Europe/Berlin", "Europe/Lisbon"];
    for zone in zones.into_iter().filter_map(Zone::named) {
        for lang in LANGS {
            let head = Head { zone: zone.clone(), ..head("", "S1-T1") };
            let lines = lines(&summer, &head, lang);
            let label = lang.printed(Printed::Time);
            assert!(lines[2].starts_with(label), "{lang:?}: {lines:?}");
            assert!(lines[2].contains("2026") && lines[2] != label, "{lang:?}: {lines:?}");
        }
    }
}

#[test]
fn only_what_gives_money_back_has_a_receipt_of_a_return() {
    let head = head("Example Store", "S1-T1");
    for kind in [OperationKind::Capture, OperationKind::Release, OperationKind::Update] {
        let operation = operation(kind, eur(1), OperationProgress::Done);
        assert_eq!(returned(&operation, &result(), AT, Copy::Customer, &head, Lang::En), None);
    }
}

#[test]
fn what_is_printed_once_more_says_so_and_nothing_else_of_it_changes() {
    for lang in LANGS {
        for (name, document) in documents(&head("Example Store", "S1-T1"), lang) {
            let mut once_more = document.clone().once_more();
            let mark = Block::Emphasis(lang.printed(Printed::Duplicate).to_owned());
            let place = once_more.blocks.iter().position(|block| *block == mark);
            let place = place.unwrap_or_else(|| panic!("{lang:?} {name} is not marked"));
            assert!(
                matches!(once_more.blocks[place - 1], Block::Title(_)),
                "below the shop's name"
            );
            once_more.blocks.remove(place);
            assert_eq!(once_more, document, "{lang:?} {name}");
        }
    }
}

#[test]
fn the_till_gets_the_same_lines_without_a_code() {
    let head = head("Example Store", "S1-T1");
    for (name, document) in documents(&head, Lang::De) {
        let lines = document.for_till(head.columns);
        let plain = document.lines(head.columns);
        assert!(plain.starts_with(&lines), "{name}: {lines:?}");
        let has_code = document.blocks.iter().any(|block| matches!(block, Block::Code(_)));
        assert_eq!(lines != plain, has_code, "{name}: {lines:?}");
    }
}

#[test]
fn the_code_is_on_what_a_shopper_can_return() {
    let head = head("Example Store", "S1-T1");
    let with_code: Vec<_> = documents(&head, Lang::En)
        .into_iter()
        .filter(|(_, document)| document.blocks.iter().any(|b| matches!(b, Block::Code(_))))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(with_code, ["sale, customer", "refund, done", "refund, queued"]);
}
