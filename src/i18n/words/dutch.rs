//! Dutch; shoppers are addressed as ‘u’.

use crate::i18n::Text;

pub(super) fn text(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Welkom",
        Text::PayHere => "Hier kunt u met Klarna betalen",
        Text::Preparing => "Uw betaling wordt voorbereid",
        Text::ScanToPay => "Scan om met Klarna te betalen",
        Text::ScanAgain => "Niet voltooid\u{a0}– scan opnieuw",
        Text::OnYourPhone => "Ga verder op uw telefoon",
        Text::FinishOnPhone => "Keur de betaling daar goed met Klarna",
        Text::Confirming => "Uw betaling wordt bevestigd",
        Text::OneMoment => "Een ogenblik alstublieft",
        Text::Paid => "Betaling geslaagd",
        Text::ThankYou => "Dank u wel",
        Text::Cancelled => "Betaling geannuleerd",
        Text::NotCompleted => "Betaling niet voltooid",
        Text::NothingCharged => "Er is niets afgeschreven",
        Text::NotAvailable => "Klarna is niet beschikbaar voor deze aankoop",
        Text::NoConnection => "Geen verbinding met Klarna",
        Text::PayAnotherWay => "Betaal op een andere manier",
        Text::PleaseWait => "Even geduld",
        Text::DoNotPayAgain => "Betaal niet opnieuw. Vraag het personeel om hulp.",
        Text::OutOfService => "Buiten gebruik",
        Text::AskStaff => "Vraag het personeel om hulp",
        Text::Code => "Code",
    }
}
