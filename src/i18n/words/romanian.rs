//! Romanian; shoppers are addressed as „dumneavoastră”. Ș and ț carry a comma, never a cedilla.

use crate::i18n::{Printed, Text};

pub(super) fn text(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Bun venit",
        Text::PayHere => "Aici puteți plăti cu Klarna",
        Text::Preparing => "Pregătim plata",
        Text::ScanToPay => "Scanați pentru a plăti cu Klarna",
        Text::ScanAgain => "Plată nefinalizată\u{a0}– scanați din nou",
        Text::OnYourPhone => "Continuați pe telefon",
        Text::FinishOnPhone => "Aprobați plata cu Klarna",
        Text::Confirming => "Confirmăm plata",
        Text::OneMoment => "Un moment, vă rugăm",
        Text::Paid => "Plată aprobată",
        Text::ThankYou => "Vă mulțumim",
        Text::Cancelled => "Plată anulată",
        Text::NotCompleted => "Plata nu a fost finalizată",
        Text::NothingCharged => "Nu a fost debitată nicio sumă",
        Text::NotAvailable => "Klarna nu este disponibilă pentru această achiziție",
        Text::NoConnection => "Nu există conexiune cu Klarna",
        Text::PayAnotherWay => "Vă rugăm să plătiți în alt mod",
        Text::PleaseWait => "Vă rugăm să așteptați",
        Text::DoNotPayAgain => "Nu plătiți din nou. Adresați-vă personalului.",
        Text::OutOfService => "Terminal indisponibil",
        Text::AskStaff => "Adresați-vă personalului",
        Text::Code => "Cod",
        Text::TimeLeft => "Timp rămas",
        Text::TimeNearlyUp => "Timpul expiră în curând",
        Text::Refunding => "Returul este în curs de procesare",
        Text::Refunded => "Rambursare finalizată",
        Text::RefundQueued => "Rambursare acceptată",
        Text::RefundFollows => "Banii vor fi trimiși imediat ce Klarna poate fi contactată",
        Text::MoneyGoesBack => "Banii se întorc prin aceeași metodă de plată",
        Text::Updating => "Actualizare software",
        Text::BackSoon => "Revenim în câteva minute",
        Text::NoTill => "Nicio casă de marcat conectată",
        Text::ClockWrong => "Ceasul nu arată ora corectă",
        Text::StorageFull => "Spațiul de stocare este plin",
        Text::OpenLink => "Deschideți acest link pentru a plăti cu Klarna",
        Text::TerminalInformation => "Informații terminal",
        Text::Version => "Versiune",
        Text::Terminal => "Terminal",
        Text::Network => "Rețea",
        Text::Online => "Online",
        Text::Offline => "Offline",
        Text::Waiting => "În așteptare",
        Text::LastSync => "Ultima sincronizare",
        Text::Never => "Niciodată",
        Text::Support => "Cod de asistență",
    }
}

pub(super) fn printed(word: Printed) -> &'static str {
    match word {
        Printed::Paid => "PLĂTIT",
        Printed::NotPaid => "NEPLĂTIT",
        Printed::Voided => "ANULAT",
        Printed::Time => "Data",
        Printed::TimeNotSet => "Ora nu este setată",
        Printed::Payment => "Plată",
        Printed::Reference => "Referință",
        Printed::NotFiscal => "Acesta nu este un bon fiscal",
    }
}
