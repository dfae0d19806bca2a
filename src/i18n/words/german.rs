//! German; shoppers are addressed as „Sie“.

use crate::i18n::{Printed, Text};

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
        Text::TimeLeft => "Restzeit",
        Text::TimeNearlyUp => "Die Zeit läuft gleich ab",
        Text::Refunding => "Ihre Rückgabe wird bearbeitet",
        Text::Refunded => "Erstattung abgeschlossen",
        Text::RefundQueued => "Erstattung angenommen",
        Text::RefundFollows => "Das Geld wird erstattet, sobald Klarna erreichbar ist",
        Text::MoneyGoesBack => "Sie erhalten das Geld über dieselbe Zahlungsart zurück",
        Text::Updating => "Software-Update",
        Text::BackSoon => "In wenigen Minuten sind wir wieder für Sie da",
        Text::NoTill => "Keine Kasse verbunden",
        Text::ClockWrong => "Die Uhrzeit stimmt nicht",
        Text::StorageFull => "Der Speicher ist voll",
        Text::OpenLink => "Öffnen Sie diesen Link, um mit Klarna zu bezahlen",
        Text::TerminalInformation => "Terminalinformationen",
        Text::Version => "Version",
        Text::Terminal => "Terminal",
        Text::Network => "Netzwerk",
        Text::Online => "Online",
        Text::Offline => "Offline",
        Text::Waiting => "Ausstehend",
        Text::LastSync => "Letzter Abgleich",
        Text::Never => "Nie",
        Text::Support => "Support-Code",
    }
}

pub(super) fn printed(word: Printed) -> &'static str {
    match word {
        Printed::Paid => "BEZAHLT",
        Printed::NotPaid => "NICHT BEZAHLT",
        Printed::Voided => "STORNIERT",
        Printed::Time => "Zeit",
        Printed::TimeNotSet => "Uhrzeit nicht gestellt",
        Printed::Payment => "Zahlung",
        Printed::Reference => "Referenz",
        Printed::NotFiscal => "Dies ist kein Kassenbeleg",
    }
}
