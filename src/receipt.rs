//! A sale's result as lines to print, 32 columns wide at most: for the till, later for printers.
//!
//! Carries what a return needs (payment number, references) and says that it is no fiscal receipt.

use crate::clock::Zone;
use crate::i18n::{self, Lang};
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
    let words = Words::of(lang);
    let amount = i18n::amount(result.amount, lang).replace(['\u{a0}', '\u{202f}'], " ");
    let outcome = match result.outcome {
        SaleOutcome::Approved => words.paid.to_owned(),
        SaleOutcome::NotPaid(reason) => format!("{} ({})", words.not_paid, reason.code()),
        SaleOutcome::Voided(reason) => format!("{} ({})", words.voided, reason.code()),
    };
    let at = head.zone.civil(result.at).map_or(result.at.iso8601(), |civil| civil.text);
    let mut lines = wrap(&head.merchant);
    lines.push(pair("Klarna", &amount));
    lines.extend(wrap(&outcome));
    lines.push(pair(words.time, &at));
    lines.push(pair(words.terminal, &head.terminal));
    lines.push(pair(words.payment, &result.number.to_string()));
    lines.push(words.reference.to_owned());
    lines.extend(wrap(result.payment_reference.as_str()));
    if let Some(transaction) = &result.transaction {
        lines.push("Klarna ID".to_owned());
        lines.extend(wrap(transaction.as_str()));
    }
    lines.extend(wrap(words.not_fiscal));
    lines
}

/// The words of a receipt; every language has all of them.
struct Words {
    paid: &'static str,
    not_paid: &'static str,
    voided: &'static str,
    time: &'static str,
    terminal: &'static str,
    payment: &'static str,
    reference: &'static str,
    not_fiscal: &'static str,
}

impl Words {
    fn of(lang: Lang) -> Self {
        let [paid, not_paid, voided, time, terminal, payment, reference, not_fiscal] = match lang {
            Lang::En => [
                "PAID",
                "NOT PAID",
                "VOIDED",
                "Time",
                "Terminal",
                "Payment",
                "Reference",
                "This is not a fiscal receipt",
            ],
            Lang::De => [
                "BEZAHLT",
                "NICHT BEZAHLT",
                "STORNIERT",
                "Zeit",
                "Terminal",
                "Zahlung",
                "Referenz",
                "Dies ist kein Kassenbeleg",
            ],
            Lang::Sv => [
                "BETALT",
                "EJ BETALT",
                "MAKULERAT",
                "Tid",
                "Terminal",
                "Betalning",
                "Referens",
                "Detta är inget kassakvitto",
            ],
            Lang::Nb => [
                "BETALT",
                "IKKE BETALT",
                "ANNULLERT",
                "Tid",
                "Terminal",
                "Betaling",
                "Referanse",
                "Dette er ikke en salgskvittering",
            ],
            Lang::Da => [
                "BETALT",
                "IKKE BETALT",
                "ANNULLERET",
                "Tid",
                "Terminal",
                "Betaling",
                "Reference",
                "Dette er ikke en kassebon",
            ],
            Lang::Fi => [
                "MAKSETTU",
                "EI MAKSETTU",
                "PERUUTETTU",
                "Aika",
                "Pääte",
                "Maksu",
                "Viite",
                "Tämä ei ole kassakuitti",
            ],
            Lang::Fr => [
                "PAYÉ",
                "NON PAYÉ",
                "ANNULÉ",
                "Heure",
                "Terminal",
                "Paiement",
                "Référence",
                "Ceci n'est pas un ticket de caisse",
            ],
            Lang::Nl => [
                "BETAALD",
                "NIET BETAALD",
                "GEANNULEERD",
                "Tijd",
                "Terminal",
                "Betaling",
                "Referentie",
                "Dit is geen kassabon",
            ],
            Lang::It => [
                "PAGATO",
                "NON PAGATO",
                "ANNULLATO",
                "Ora",
                "Terminale",
                "Pagamento",
                "Riferimento",
                "Questo non è un documento fiscale",
            ],
            Lang::Es => [
                "PAGADO",
                "NO PAGADO",
                "ANULADO",
                "Hora",
                "Terminal",
                "Pago",
                "Referencia",
                "Este no es un recibo fiscal",
            ],
            Lang::Pl => [
                "ZAPŁACONO",
                "NIE ZAPŁACONO",
                "ANULOWANO",
                "Czas",
                "Terminal",
                "Płatność",
                "Numer",
                "To nie jest paragon fiskalny",
            ],
        };
        Self { paid, not_paid, voided, time, terminal, payment, reference, not_fiscal }
    }
}

/// `left` and `right` at the two margins, or one below the other joined when they are too long.
fn pair(left: &str, right: &str) -> String {
    let used = left.chars().count() + right.chars().count();
    let gap = COLUMNS.saturating_sub(used).max(1);
    let line: String = format!("{left}{}{right}", " ".repeat(gap));
    line.chars().take(COLUMNS).collect()
}

fn wrap(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let chars: Vec<char> = word.chars().collect();
        for piece in chars.chunks(COLUMNS) {
            let piece: String = piece.iter().collect();
            let last = lines.last_mut().expect("there is always a last line");
            let used = last.chars().count();
            if used == 0 {
                *last = piece;
            } else if used + 1 + piece.chars().count() <= COLUMNS {
                last.push(' ');
                last.push_str(&piece);
            } else {
                lines.push(piece);
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
