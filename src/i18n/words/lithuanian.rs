//! Lithuanian; shoppers are addressed as „jūs“. Names of companies stand in quotation marks.

use crate::i18n::{Printed, Text};

pub(super) fn text(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Sveiki atvykę",
        Text::PayHere => "Čia galite mokėti su „Klarna“",
        Text::Preparing => "Ruošiame mokėjimą",
        Text::ScanToPay => "Nuskaitykite ir mokėkite su „Klarna“",
        Text::ScanAgain => "Nebaigta\u{a0}– nuskaitykite dar kartą",
        Text::OnYourPhone => "Tęskite telefone",
        Text::FinishOnPhone => "Patvirtinkite mokėjimą su „Klarna“",
        Text::Confirming => "Tvirtiname mokėjimą",
        Text::OneMoment => "Vieną akimirką",
        Text::Paid => "Mokėjimas patvirtintas",
        Text::ThankYou => "Dėkojame",
        Text::Cancelled => "Mokėjimas atšauktas",
        Text::NotCompleted => "Mokėjimas neįvyko",
        Text::NothingCharged => "Pinigai nenuskaičiuoti",
        Text::NotAvailable => "Už šį pirkinį su „Klarna“ mokėti negalima",
        Text::NoConnection => "Nėra ryšio su „Klarna“",
        Text::PayAnotherWay => "Prašome mokėti kitu būdu",
        Text::PleaseWait => "Prašome palaukti",
        Text::DoNotPayAgain => "Nemokėkite dar kartą. Kreipkitės į darbuotoją.",
        Text::OutOfService => "Terminalas neveikia",
        Text::AskStaff => "Kreipkitės į darbuotoją",
        Text::Code => "Kodas",
        Text::TimeLeft => "Liko laiko",
        Text::TimeNearlyUp => "Laikas baigiasi",
        Text::Refunding => "Jūsų grąžinimas apdorojamas",
        Text::Refunded => "Pinigų grąžinimas atliktas",
        Text::RefundQueued => "Pinigų grąžinimas priimtas",
        Text::RefundFollows => "Pinigai bus išsiųsti, kai tik pavyks susisiekti su „Klarna“",
        Text::MoneyGoesBack => "Pinigai bus grąžinti tuo pačiu būdu, kuriuo mokėjote",
        Text::Updating => "Programinės įrangos naujinimas",
        Text::BackSoon => "Grįšime po kelių minučių",
        Text::NoTill => "Kasa neprijungta",
        Text::ClockWrong => "Laikrodis rodo neteisingą laiką",
        Text::StorageFull => "Atmintis pilna",
        Text::OpenLink => "Atverkite šią nuorodą ir mokėkite su „Klarna“",
        Text::TerminalInformation => "Terminalo informacija",
        Text::Version => "Versija",
        Text::Terminal => "Terminalas",
        Text::Network => "Tinklas",
        Text::Online => "Prisijungta",
        Text::Offline => "Neprisijungta",
        Text::Waiting => "Laukia",
        Text::LastSync => "Sinchronizuota",
        Text::Never => "Niekada",
        Text::Support => "Pagalbos kodas",
    }
}

pub(super) fn printed(word: Printed) -> &'static str {
    match word {
        Printed::Paid => "APMOKĖTA",
        Printed::NotPaid => "NEAPMOKĖTA",
        Printed::Voided => "ANULIUOTA",
        Printed::Time => "Laikas",
        Printed::TimeNotSet => "Laikas nenustatytas",
        Printed::Payment => "Mokėjimas",
        Printed::Reference => "Operacijos numeris",
        Printed::NotFiscal => "Tai nėra kasos čekis",
    }
}
