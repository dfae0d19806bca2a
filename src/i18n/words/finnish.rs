//! Finnish; shoppers are addressed as ”sinä”.

use crate::i18n::Text;

pub(super) fn text(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Tervetuloa",
        Text::PayHere => "Täällä voit maksaa Klarnalla",
        Text::Preparing => "Maksua valmistellaan",
        Text::ScanToPay => "Skannaa ja maksa Klarnalla",
        Text::ScanAgain => "Maksu jäi kesken\u{a0}– skannaa uudelleen",
        Text::OnYourPhone => "Jatka puhelimellasi",
        Text::FinishOnPhone => "Hyväksy maksu Klarnassa",
        Text::Confirming => "Maksua vahvistetaan",
        Text::OneMoment => "Pieni hetki",
        Text::Paid => "Maksu hyväksytty",
        Text::ThankYou => "Kiitos",
        Text::Cancelled => "Maksu peruutettu",
        Text::NotCompleted => "Maksua ei suoritettu",
        Text::NothingCharged => "Sinulta ei veloitettu mitään",
        Text::NotAvailable => "Klarnaa ei voi käyttää tässä ostoksessa",
        Text::NoConnection => "Ei yhteyttä Klarnaan",
        Text::PayAnotherWay => "Maksa toisella tavalla",
        Text::PleaseWait => "Odota hetki",
        Text::DoNotPayAgain => "Älä maksa uudelleen. Kysy henkilökunnalta.",
        Text::OutOfService => "Ei käytössä",
        Text::AskStaff => "Kysy henkilökunnalta",
        Text::Code => "Koodi",
    }
}
