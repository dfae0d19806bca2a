//! Norwegian Bokmål; shoppers are addressed as «du».

use crate::i18n::{Printed, Text};

pub(super) fn text(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Velkommen",
        Text::PayHere => "Her kan du betale med Klarna",
        Text::Preparing => "Forbereder betalingen",
        Text::ScanToPay => "Skann for å betale med Klarna",
        Text::ScanAgain => "Ikke fullført\u{a0}– skann på nytt",
        Text::OnYourPhone => "Fortsett på mobilen",
        Text::FinishOnPhone => "Godkjenn betalingen hos Klarna",
        Text::Confirming => "Bekrefter betalingen",
        Text::OneMoment => "Et øyeblikk",
        Text::Paid => "Betalingen er godkjent",
        Text::ThankYou => "Takk",
        Text::Cancelled => "Betalingen ble avbrutt",
        Text::NotCompleted => "Betalingen ble ikke fullført",
        Text::NothingCharged => "Ingen penger er trukket",
        Text::NotAvailable => "Klarna kan ikke brukes til dette kjøpet",
        Text::NoConnection => "Ingen forbindelse med Klarna",
        Text::PayAnotherWay => "Betal på en annen måte",
        Text::PleaseWait => "Vennligst vent",
        Text::DoNotPayAgain => "Ikke betal på nytt. Spør betjeningen.",
        Text::OutOfService => "Ute av drift",
        Text::AskStaff => "Spør betjeningen",
        Text::Code => "Kode",
        Text::TimeLeft => "Tid igjen",
        Text::TimeNearlyUp => "Tiden er snart ute",
        Text::Refunding => "Returen din behandles",
        Text::Refunded => "Refusjonen er fullført",
        Text::RefundQueued => "Refusjonen er registrert",
        Text::RefundFollows => "Pengene sendes så snart vi får kontakt med Klarna",
        Text::MoneyGoesBack => "Du får pengene tilbake på samme måte som du betalte",
        Text::Updating => "Programvareoppdatering",
        Text::BackSoon => "Vi er tilbake om noen minutter",
        Text::NoTill => "Ingen kasse er tilkoblet",
        Text::ClockWrong => "Klokken går feil",
        Text::StorageFull => "Lagringsplassen er full",
        Text::OpenLink => "Åpne denne lenken for å betale med Klarna",
        Text::TerminalInformation => "Terminalinformasjon",
        Text::Version => "Versjon",
        Text::Terminal => "Terminal",
        Text::Network => "Nettverk",
        Text::Online => "Tilkoblet",
        Text::Offline => "Frakoblet",
        Text::Waiting => "I kø",
        Text::LastSync => "Sist synkronisert",
        Text::Never => "Aldri",
        Text::Support => "Supportkode",
    }
}

pub(super) fn printed(word: Printed) -> &'static str {
    match word {
        Printed::Paid => "BETALT",
        Printed::NotPaid => "IKKE BETALT",
        Printed::Voided => "ANNULLERT",
        Printed::Time => "Tid",
        Printed::TimeNotSet => "Klokken er ikke stilt",
        Printed::Payment => "Betaling",
        Printed::Reference => "Referanse",
        Printed::NotFiscal => "Dette er ikke en salgskvittering",
    }
}
