//! Norwegian Bokmål; shoppers are addressed as «du».

use crate::i18n::Text;

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
    }
}
