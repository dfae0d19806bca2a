//! Latvian; shoppers are addressed as “jūs”. Klarna is not declined.

use crate::i18n::{Printed, Text};

pub(super) fn text(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Laipni lūdzam",
        Text::PayHere => "Šeit varat maksāt ar Klarna",
        Text::Preparing => "Gatavojam maksājumu",
        Text::ScanToPay => "Noskenējiet, lai maksātu ar Klarna",
        Text::ScanAgain => "Nav pabeigts\u{a0}– noskenējiet vēlreiz",
        Text::OnYourPhone => "Turpiniet tālrunī",
        Text::FinishOnPhone => "Apstipriniet maksājumu ar Klarna",
        Text::Confirming => "Apstiprinām maksājumu",
        Text::OneMoment => "Vienu mirkli, lūdzu",
        Text::Paid => "Maksājums apstiprināts",
        Text::ThankYou => "Paldies",
        Text::Cancelled => "Maksājums atcelts",
        Text::NotCompleted => "Maksājums nav pabeigts",
        Text::NothingCharged => "Nauda netika noņemta",
        Text::NotAvailable => "Klarna šim pirkumam nav pieejama",
        Text::NoConnection => "Nav savienojuma ar Klarna",
        Text::PayAnotherWay => "Lūdzu, maksājiet citā veidā",
        Text::PleaseWait => "Lūdzu, uzgaidiet",
        Text::DoNotPayAgain => "Nemaksājiet vēlreiz. Vērsieties pie darbinieka.",
        Text::OutOfService => "Terminālis nedarbojas",
        Text::AskStaff => "Vērsieties pie darbinieka",
        Text::Code => "Kods",
        Text::TimeLeft => "Atlikušais laiks",
        Text::TimeNearlyUp => "Laiks drīz beigsies",
        Text::Refunding => "Jūsu preču atgriešana tiek apstrādāta",
        Text::Refunded => "Atmaksa pabeigta",
        Text::RefundQueued => "Atmaksa pieņemta",
        Text::RefundFollows => "Nauda tiks nosūtīta, tiklīdz Klarna būs sasniedzama",
        Text::MoneyGoesBack => "Naudu saņemsiet atpakaļ tāpat, kā maksājāt",
        Text::Updating => "Programmatūras atjaunināšana",
        Text::BackSoon => "Būsim atpakaļ pēc dažām minūtēm",
        Text::NoTill => "Kase nav pievienota",
        Text::ClockWrong => "Pulkstenis rāda nepareizu laiku",
        Text::StorageFull => "Krātuve ir pilna",
        Text::OpenLink => "Atveriet šo saiti, lai maksātu ar Klarna",
        Text::TerminalInformation => "Termināļa informācija",
        Text::Version => "Versija",
        Text::Terminal => "Terminālis",
        Text::Network => "Tīkls",
        Text::Online => "Tiešsaistē",
        Text::Offline => "Bezsaistē",
        Text::Waiting => "Gaida",
        Text::LastSync => "Pēdējā sinhronizācija",
        Text::Never => "Nekad",
        Text::Support => "Atbalsta kods",
    }
}

pub(super) fn printed(word: Printed) -> &'static str {
    match word {
        Printed::Paid => "SAMAKSĀTS",
        Printed::NotPaid => "NAV SAMAKSĀTS",
        Printed::Voided => "ANULĒTS",
        Printed::Time => "Laiks",
        Printed::TimeNotSet => "Laiks nav iestatīts",
        Printed::Payment => "Maksājums",
        Printed::Reference => "Atsauce",
        Printed::NotFiscal => "Šis nav kases čeks",
    }
}
