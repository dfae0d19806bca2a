//! A sale's result as lines to print, 32 columns wide at most: for the till, later for printers.
//!
//! Carries what a return needs (payment number, references) and says that it is no fiscal receipt.

use crate::clock::Zone;
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
    let amount = i18n::amount(result.amount, lang).replace(['\u{a0}', '\u{202f}'], " ");
    let outcome = match result.outcome {
        SaleOutcome::Approved => word(Printed::Paid).to_owned(),
        SaleOutcome::NotPaid(reason) => format!("{} ({})", word(Printed::NotPaid), reason.code()),
        SaleOutcome::Voided(reason) => format!("{} ({})", word(Printed::Voided), reason.code()),
    };
    let at = head.zone.civil(result.at).map_or(result.at.iso8601(), |civil| civil.to_string());
    let mut lines = wrap(&head.merchant);
    lines.extend(pair("Klarna", &amount));
    lines.extend(wrap(&outcome));
    lines.extend(pair(word(Printed::Time), &at));
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
    use crate::clock::Wall;
    use crate::i18n::LANGS;
    use crate::id::{PaymentId, PaymentReference, PosReference, TransactionId};
    use crate::money::{Amount, Currency};

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
            at: Wall::from_millis(1_700_000_000_123),
            locale: None,
            receipt: Vec::new(),
        }
    }

    fn head(merchant: &str, terminal: &str) -> Head {
        let (merchant, terminal) = (merchant.to_owned(), terminal.to_owned());
        Head { merchant, terminal, zone: Zone::UTC }
    }

    #[test]
    fn a_receipt_reads_like_one() {
        let text = lines(&result(), &head("Example Store", "S1-T1"), Lang::En).join("\n");
        assert_eq!(
            text,
            "\
Example Store
Klarna                 €1,234.56
PAID
Time     2023-11-14 22:13:20 UTC
Terminal                   S1-T1
Payment                   000007
Reference
S1-T1-20261121-000007-a1b2c3d4
Klarna ID
krn:payment:eu1:transaction:6c58
3364-786d-46c6-b5a7-0c8c88884038
This is not a fiscal receipt"
        );
    }

    #[test]
    fn no_line_is_wider_than_the_paper_in_any_language() {
        for lang in LANGS {
            let head = head(&"Grand Magasin ".repeat(9), "STORE-TERMINAL");
            for line in lines(&result(), &head, lang) {
                assert!(line.chars().count() <= COLUMNS, "{lang:?}: {line:?}");
            }
        }
    }
}
