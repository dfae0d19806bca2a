//! What cashiers and their printers read, in German: whole words without umlauts, because tills
//! disagree about code pages more than about anything else.

use super::{Named, Settings};
use crate::money::Amount;
use crate::payment::shift::ShiftReport;
use crate::payment::vocabulary::{OperationKind, OperationResult, Stage};
use crate::pos::zvt::bcd::{Receipt, TerminalId, Trace};
use crate::pos::zvt::code::Code;

/// BMP 8B, and the beginning of every text.
pub(super) const KLARNA: &str = "Klarna";
/// Of what is recorded and not yet carried out.
const QUEUED: &str = "vorgemerkt";

/// What the till shows while a sale runs.
pub(super) fn during(stage: Stage) -> &'static str {
    match stage {
        Stage::Checking => "Bitte warten",
        Stage::AwaitingShopper => "Bitte QR-Code scannen",
        Stage::ScanAgain => "Nicht bezahlt: neu scannen oder abbrechen",
        Stage::ShopperPaying => "Kunde bezahlt am Telefon",
        Stage::Confirming | Stage::Completing => "Zahlung wird bestaetigt",
        Stage::Unknown => "Verbindung gestoert, bitte warten",
    }
}

/// What has gone wrong, for the cashier; empty where the till's own words for the code say it all.
pub(super) fn of(code: Code) -> &'static str {
    match code {
        Code::DECLINED => "Abgelehnt",
        Code::ABORTED => "Abgebrochen, nichts bezahlt",
        Code::WRONG_CURRENCY => "Falsche Waehrung",
        Code::NOT_READY => "Terminal ist noch beschaeftigt",
        Code::NO_CONNECTION => "Keine Verbindung zu Klarna",
        Code::ALREADY_REVERSED => "Schon ganz gebucht oder zurueckgegeben",
        Code::REVERSAL_NOT_POSSIBLE => "Nicht moeglich, Beleg und Betrag pruefen",
        Code::PRE_AUTHORISATION => "Reservierung nicht gefunden, oder schon gebucht",
        Code::AMOUNT_TOO_LARGE => "Betrag zu hoch",
        Code::AMOUNT_TOO_SMALL => "Betrag fehlt",
        Code::ACTIVATION_REQUIRED => "Klarna nimmt dieses Terminal nicht an",
        Code::SYSTEM_ERROR => "Terminal kann nichts aufzeichnen",
        _ => "",
    }
}

/// What became of a payment by a command, in BMP 3C.
pub(super) fn settled(kind: OperationKind, queued: bool) -> String {
    let what = what(kind);
    match queued {
        true => format!("{KLARNA} {what} {QUEUED}"),
        false => format!("{KLARNA} {what}"),
    }
}

fn what(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Capture => "Buchung",
        OperationKind::Refund => "Rueckgabe",
        OperationKind::Void => "Storno",
        OperationKind::Release => "Freigabe",
        OperationKind::Update => "Aenderung",
    }
}

/// The receipt of a reversal, refund or booking.
pub(super) fn settled_lines(
    operation: &OperationResult,
    named: Named,
    queued: bool,
    settings: &Settings,
) -> Vec<String> {
    let mut lines = vec![
        settings.merchant.clone(),
        format!("{KLARNA} {}", what(operation.kind)),
        pair("Betrag", amount(operation.amount)),
    ];
    lines.extend(numbers(settings.terminal, named.receipt, named.trace));
    if queued {
        lines.push(QUEUED.to_uppercase());
        lines.push("Wird ausgefuehrt, sobald Klarna erreichbar ist.".to_owned());
    }
    if let Some(transaction) = &operation.transaction {
        lines.push("Klarna ID".to_owned());
        lines.push(transaction.as_str().to_owned());
    }
    lines
}

/// By what a till and its cashier find a payment again.
pub(super) fn numbers(
    terminal: TerminalId,
    receipt: Option<Receipt>,
    trace: Option<Trace>,
) -> impl Iterator<Item = String> {
    let receipt = receipt.map(|receipt| pair("Beleg-Nr.", receipt));
    let trace = trace.map(|trace| pair("Trace-Nr.", trace));
    [Some(pair("Terminal-ID", terminal)), receipt, trace].into_iter().flatten()
}

/// A sum that has no place in a number without a sign.
pub(super) fn sum(net: Amount) -> String {
    format!("Summe {}", amount(net))
}

/// What stands on a receipt when only a part was handed over.
pub(super) fn delivered(amount_delivered: Amount) -> String {
    pair("Ausgegeben", amount(amount_delivered))
}

/// A shift's sums.
pub(super) fn shift_lines(
    report: &ShiftReport,
    settings: &Settings,
    is_closed: bool,
) -> Vec<String> {
    let title = if is_closed { "Kassenschnitt" } else { "Zwischensumme" };
    let mut lines = vec![
        settings.merchant.clone(),
        format!("{KLARNA} {title}"),
        pair("Terminal-ID", settings.terminal),
        pair("Schicht", report.shift),
    ];
    lines.extend(report.at.and_then(|at| settings.zone.civil(at)).map(|civil| civil.to_string()));
    if let Some((first, last)) = report.payments {
        lines.push(pair("Zahlungen", format!("{first} - {last}")));
    }
    for total in &report.totals {
        let counted = |what: &str, count| format!("{count} {what}");
        lines.push(pair(&counted("Verkaeufe", total.sales_count), amount(total.sales)));
        lines.push(pair(&counted("Stornos", total.voided_count), amount(total.voided)));
        lines.push(pair(&counted("Rueckgaben", total.refunds_count), amount(total.refunds)));
        lines.extend(total.released.map(|released| pair("Freigaben", amount(released))));
        lines.push(pair("Summe", amount(total.net())));
    }
    if report.totals.is_empty() {
        lines.push("Keine Umsaetze".to_owned());
    }
    lines
}

/// How the terminal is set up.
pub(super) fn configuration_lines(settings: &Settings) -> Vec<String> {
    vec![
        settings.merchant.clone(),
        concat!("klarna-terminald ", env!("CARGO_PKG_VERSION")).to_owned(),
        pair("Terminal-ID", settings.terminal),
        pair("Waehrung", settings.currency.code()),
        pair("Zahlart", KLARNA),
    ]
}

fn amount(amount: Amount) -> String {
    format!("{} {}", amount.decimal().replace('.', ","), amount.currency_code())
}

/// A word and what it says, as wide as the narrowest printers.
fn pair(name: &str, value: impl std::fmt::Display) -> String {
    const WIDTH: usize = 24;
    let value = value.to_string();
    let room = WIDTH.saturating_sub(name.chars().count() + 1);
    format!("{name} {value:>room$}")
}

#[cfg(test)]
mod tests {
    use super::super::Profile;
    use super::*;
    use crate::clock::{Wall, Zone};
    use crate::id::{PaymentId, PosReference};
    use crate::money::Currency;
    use crate::payment::shift::ShiftTotal;

    fn eur(minor: i64) -> Amount {
        Amount::new(minor, Currency::new("EUR").expect("EUR"))
    }

    #[test]
    fn a_closing_reads_like_one() {
        let total = ShiftTotal {
            sales: eur(123_456),
            sales_count: 12,
            voided: eur(1010),
            voided_count: 1,
            refunds: eur(500),
            refunds_count: 2,
            released: None,
        };
        let report = ShiftReport {
            reference: PosReference::new("Z1").expect("reference"),
            shift: 3,
            totals: vec![total],
            captures_queued: 0,
            payments: Some((PaymentId::new(7), PaymentId::new(21))),
            at: Some(Wall::from_millis(1_700_000_000_123)),
        };
        let settings = Settings {
            terminal: TerminalId::new(12_345_678).expect("eight digits"),
            currency: Currency::new("EUR").expect("EUR"),
            password: None,
            card_type: 120,
            profile: Profile::Standard,
            merchant: "Example Store".to_owned(),
            zone: Zone::UTC,
        };
        let expected = "\
Example Store
Klarna Kassenschnitt
Terminal-ID     12345678
Schicht                3
2023-11-14 22:13:20 UTC
Zahlungen 000007 - 000021
12 Verkaeufe 1234,56 EUR
1 Stornos      10,10 EUR
2 Rueckgaben    5,00 EUR
Summe        1219,46 EUR";
        assert_eq!(shift_lines(&report, &settings, true).join("\n"), expected);
    }

    #[test]
    fn texts_are_the_same_in_every_code_page() {
        for code in 0..=0xFF {
            assert!(of(Code(code)).is_ascii(), "{code:02X}");
        }
    }
}
