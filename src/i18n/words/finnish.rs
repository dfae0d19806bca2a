//! Finnish; shoppers are addressed as ”sinä”.

use crate::i18n::{Printed, Text};

pub(super) fn text(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Tervetuloa",
        Text::PayHere => "Tässä voit maksaa Klarnalla",
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
        Text::TimeLeft => "Aikaa jäljellä",
        Text::TimeNearlyUp => "Aika on loppumassa",
        Text::Refunding => "Palautustasi käsitellään",
        Text::Refunded => "Hyvitys suoritettu",
        Text::RefundQueued => "Hyvitys hyväksytty",
        Text::RefundFollows => "Rahat lähetetään heti, kun Klarnaan saadaan yhteys",
        Text::MoneyGoesBack => "Rahat palautetaan käyttämällesi maksutavalle",
        Text::Updating => "Ohjelmistopäivitys",
        Text::BackSoon => "Palaamme muutaman minuutin kuluttua",
        Text::NoTill => "Kassaa ei ole yhdistetty",
        Text::ClockWrong => "Kello on väärässä ajassa",
        Text::StorageFull => "Tallennustila on täynnä",
        Text::OpenLink => "Avaa tämä linkki ja maksa Klarnalla",
        Text::TerminalInformation => "Päätteen tiedot",
        Text::Version => "Versio",
        Text::Terminal => "Pääte",
        Text::Network => "Verkko",
        Text::Online => "Yhdistetty",
        Text::Offline => "Ei yhteyttä",
        Text::Waiting => "Jonossa",
        Text::LastSync => "Viimeksi synkronoitu",
        Text::Never => "Ei koskaan",
        Text::Support => "Tukikoodi",
    }
}

pub(super) fn printed(word: Printed) -> &'static str {
    match word {
        Printed::Paid => "MAKSETTU",
        Printed::NotPaid => "EI MAKSETTU",
        Printed::Voided => "PERUUTETTU",
        Printed::Time => "Aika",
        Printed::TimeNotSet => "Kelloa ei ole asetettu",
        Printed::Payment => "Maksu",
        Printed::Reference => "Viite",
        Printed::NotFiscal => "Tämä ei ole kassakuitti",
    }
}
