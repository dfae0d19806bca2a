//! A sale's result as lines to print, 32 columns wide at most: for the till, later for printers.
//!
//! Carries what a return needs (payment number, references) and says that it is no fiscal receipt.

use crate::clock::{Wall, Zone};
use crate::i18n::{self, Lang, Printed, Text};
use crate::payment::vocabulary::{SaleOutcome, SaleResult};

/// Columns of the narrowest receipt printer (58 mm paper).
pub const COLUMNS: usize = 32;

/// What all receipts of a terminal have in common.
#[derive(Debug, Clone)]
pub struct Head {
    /// The shop's name.
    pub merchant: String,
    /// Store and terminal.
    pub terminal: String,
    /// In which the time is written.
    pub zone: Zone,
}

/// The lines for `result`, in `lang`. A function of its arguments alone: asking again gives the
/// same lines.
pub fn lines(result: &SaleResult, head: &Head, lang: Lang) -> Vec<String> {
    let word = |word| lang.printed(word);
    let amount = plain(&i18n::amount(result.amount, lang));
    let outcome = match result.outcome {
        SaleOutcome::Approved => word(Printed::Paid).to_owned(),
        SaleOutcome::NotPaid(reason) => format!("{} ({})", word(Printed::NotPaid), reason.code()),
        SaleOutcome::Voided(reason) => format!("{} ({})", word(Printed::Voided), reason.code()),
    };
    let mut lines = wrap(&head.merchant);
    lines.extend(pair("Klarna", &amount));
    lines.extend(wrap(&outcome));
    lines.extend(match time(result.at, &head.zone, lang) {
        Some(time) => pair(word(Printed::Time), &time),
        None => wrap(word(Printed::TimeNotSet)),
    });
    lines.extend(pair(lang.text(Text::Terminal), &head.terminal));
    lines.extend(pair(word(Printed::Payment), &result.number.to_string()));
    lines.extend(wrap(word(Printed::Reference)));
    lines.extend(wrap(result.payment_reference.as_str()));
    if let Some(transaction) = &result.transaction {
        lines.push("Klarna ID".to_owned());
        lines.extend(wrap(transaction.as_str()));
    }
    lines.extend(wrap(word(Printed::NotFiscal)));
    lines
}

/// When it was, with the zone's abbreviation; `None` where the terminal's clock cannot have been
/// set.
fn time(at: Wall, zone: &Zone, lang: Lang) -> Option<String> {
    let civil = zone.civil(at).filter(|_| at >= Wall::SET_FROM)?;
    Some(format!("{} {}", plain(&i18n::date_time(&civil, lang)), civil.zone))
}

/// Printers have one kind of space.
fn plain(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}'], " ")
}

/// `left` and `right` at the two margins; where they are too long together, `right` stands below.
fn pair(left: &str, right: &str) -> Vec<String> {
    let used = left.chars().count() + right.chars().count();
    if used < COLUMNS {
        return vec![format!("{left}{}{right}", " ".repeat(COLUMNS - used))];
    }
    let mut lines = wrap(left);
    lines.extend(wrap(right).iter().map(|line| format!("{line:>COLUMNS$}")));
    lines
}

/// `text` broken between words, and inside a word only where it is wider than the paper; no line
/// for a text without words.
fn wrap(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let chars: Vec<char> = word.chars().collect();
        for piece in chars.chunks(COLUMNS) {
            let piece: String = piece.iter().collect();
            match lines.last_mut() {
                Some(last) if last.chars().count() + 1 + piece.chars().count() <= COLUMNS => {
                    last.push(' ');
                    last.push_str(&piece);
                }
                Some(_) | None => lines.push(piece),
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::LANGS;
    use crate::id::{PaymentId, PaymentReference, PosReference, TransactionId};
    use crate::money::{Amount, Currency};
    use crate::payment::event::{NotPaid, VoidReason};

    fn result() -> SaleResult {
        let id = "krn:payment:eu1:transaction:6c583364-786d-46c6-b5a7-0c8c88884038";
        SaleResult {
            reference: PosReference::new("R1").expect("reference"),
            outcome: SaleOutcome::Approved,
            amount: Amount::new(123_456, Currency::new("EUR").expect("EUR")),
            number: PaymentId::new(7),
            payment_reference: PaymentReference::new("S1-T1-20261121-000007-a1b2c3d4")
                .expect("reference"),
            merchant_reference: None,
            transaction: Some(TransactionId::new(id).expect("id")),
            at: Wall::from_millis(1_795_283_111_000),
            locale: None,
            receipt: Vec::new(),
        }
    }

    fn head(merchant: &str, terminal: &str) -> Head {
        let (merchant, terminal) = (merchant.to_owned(), terminal.to_owned());
        Head { merchant, terminal, zone: Zone::UTC }
    }

    fn check(result: &SaleResult, head: &Head, lang: Lang, expected: &str) {
        assert_eq!(lines(result, head, lang).join("\n"), expected.trim_matches('\n'), "{lang:?}");
    }

    #[test]
    fn a_receipt_reads_like_one() {
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
    fn what_is_too_long_stands_below() {
        let amount = Amount::new(i64::MIN, Currency::new("CZK").expect("CZK"));
        let lines = lines(&SaleResult { amount, ..result() }, &head("", "S1-T1"), Lang::Cs);
        assert_eq!(lines[..2], ["Klarna", "   -92 233 720 368 547 758,08 Kč"]);
        let long = "A-VERY-LONG-NAME-OF-A-TERMINAL";
        assert_eq!(pair("Terminal", long), ["Terminal".to_owned(), format!("{long:>32}")]);
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
                let fits = |line: &String| line.chars().count() <= COLUMNS;
                assert!(lines.iter().all(fits), "{lang:?} {currency} {outcome:?}: {lines:?}");
                let empty = |line: &String| line.trim().is_empty();
                assert!(!lines.iter().any(empty), "{lang:?} {currency} {outcome:?}: {lines:?}");
            }
        }
    }

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
}
