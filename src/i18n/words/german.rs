//! German; shoppers are addressed as „Sie“.

use crate::i18n::Text;

pub(super) fn text(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Willkommen",
        Text::PayHere => "Hier können Sie mit Klarna bezahlen",
        Text::Preparing => "Zahlung wird vorbereitet",
        Text::ScanToPay => "Scannen und mit Klarna bezahlen",
        Text::ScanAgain => "Nicht abgeschlossen\u{a0}– bitte erneut scannen",
        Text::OnYourPhone => "Weiter auf Ihrem Handy",
        Text::FinishOnPhone => "Bestätigen Sie die Zahlung dort mit Klarna",
        Text::Confirming => "Zahlung wird bestätigt",
        Text::OneMoment => "Einen Moment bitte",
        Text::Paid => "Zahlung erfolgreich",
        Text::ThankYou => "Vielen Dank",
        Text::Cancelled => "Zahlung abgebrochen",
        Text::NotCompleted => "Zahlung nicht abgeschlossen",
        Text::NothingCharged => "Es wurde nichts abgebucht",
        Text::NotAvailable => "Klarna ist für diesen Einkauf nicht verfügbar",
        Text::NoConnection => "Keine Verbindung zu Klarna",
        Text::PayAnotherWay => "Bitte zahlen Sie auf andere Weise",
        Text::PleaseWait => "Bitte warten",
        Text::DoNotPayAgain => "Bitte nicht erneut zahlen. Wenden Sie sich an das Personal.",
        Text::OutOfService => "Außer Betrieb",
        Text::AskStaff => "Bitte wenden Sie sich an das Personal",
        Text::Code => "Code",
    }
}
