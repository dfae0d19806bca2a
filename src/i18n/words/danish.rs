//! Danish; shoppers are addressed as »du«.

use crate::i18n::{Printed, Text};

pub(super) fn text(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Velkommen",
        Text::PayHere => "Her kan du betale med Klarna",
        Text::Preparing => "Forbereder din betaling",
        Text::ScanToPay => "Scan for at betale med Klarna",
        Text::ScanAgain => "Ikke gennemført\u{a0}– scan igen",
        Text::OnYourPhone => "Fortsæt på din mobil",
        Text::FinishOnPhone => "Godkend betalingen hos Klarna",
        Text::Confirming => "Bekræfter din betaling",
        Text::OneMoment => "Et øjeblik",
        Text::Paid => "Betalingen er godkendt",
        Text::ThankYou => "Tak",
        Text::Cancelled => "Betalingen er annulleret",
        Text::NotCompleted => "Betalingen blev ikke gennemført",
        Text::NothingCharged => "Der er ikke trukket noget beløb",
        Text::NotAvailable => "Klarna kan ikke bruges til dette køb",
        Text::NoConnection => "Ingen forbindelse til Klarna",
        Text::PayAnotherWay => "Betal på en anden måde",
        Text::PleaseWait => "Vent venligst",
        Text::DoNotPayAgain => "Betal ikke igen. Spørg personalet.",
        Text::OutOfService => "Ude af drift",
        Text::AskStaff => "Spørg personalet",
        Text::Code => "Kode",
        Text::TimeLeft => "Tid tilbage",
        Text::TimeNearlyUp => "Tiden er ved at løbe ud",
        Text::Refunding => "Din retur behandles",
        Text::Refunded => "Refunderingen er gennemført",
        Text::RefundQueued => "Refunderingen er registreret",
        Text::RefundFollows => "Pengene sendes, så snart der er forbindelse til Klarna",
        Text::MoneyGoesBack => "Du får pengene tilbage på samme måde, som du betalte",
        Text::Updating => "Softwareopdatering",
        Text::BackSoon => "Vi er tilbage om få minutter",
        Text::NoTill => "Ingen kasse er tilsluttet",
        Text::ClockWrong => "Uret går forkert",
        Text::StorageFull => "Lagringspladsen er fuld",
        Text::OpenLink => "Åbn dette link for at betale med Klarna",
        Text::TerminalInformation => "Terminaloplysninger",
        Text::Version => "Version",
        Text::Terminal => "Terminal",
        Text::Network => "Netværk",
        Text::Online => "Online",
        Text::Offline => "Offline",
        Text::Waiting => "I kø",
        Text::LastSync => "Sidst synkroniseret",
        Text::Never => "Aldrig",
        Text::Support => "Supportkode",
    }
}

pub(super) fn printed(word: Printed) -> &'static str {
    match word {
        Printed::Paid => "BETALT",
        Printed::NotPaid => "IKKE BETALT",
        Printed::Voided => "ANNULLERET",
        Printed::Time => "Tid",
        Printed::TimeNotSet => "Uret er ikke stillet",
        Printed::Payment => "Betaling",
        Printed::Reference => "Reference",
        Printed::NotFiscal => "Dette er ikke en kassebon",
    }
}
