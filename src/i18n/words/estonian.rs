//! Estonian; shoppers are addressed as „teie“.

use crate::i18n::{Printed, Text};

pub(super) fn text(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Tere tulemast",
        Text::PayHere => "Siin saate maksta Klarnaga",
        Text::Preparing => "Makset valmistatakse ette",
        Text::ScanToPay => "Skannige ja makske Klarnaga",
        Text::ScanAgain => "Makse jäi pooleli\u{a0}– skannige uuesti",
        Text::OnYourPhone => "Jätkake telefonis",
        Text::FinishOnPhone => "Kinnitage makse Klarnas",
        Text::Confirming => "Makset kinnitatakse",
        Text::OneMoment => "Üks hetk, palun",
        Text::Paid => "Makse õnnestus",
        Text::ThankYou => "Täname",
        Text::Cancelled => "Makse katkestatud",
        Text::NotCompleted => "Makse jäi lõpetamata",
        Text::NothingCharged => "Raha ei võetud",
        Text::NotAvailable => "Selle ostu eest ei saa Klarnaga maksta",
        Text::NoConnection => "Klarnaga puudub ühendus",
        Text::PayAnotherWay => "Palun makske muul viisil",
        Text::PleaseWait => "Palun oodake",
        Text::DoNotPayAgain => "Ärge makske uuesti. Pöörduge teenindaja poole.",
        Text::OutOfService => "Terminal ei tööta",
        Text::AskStaff => "Pöörduge teenindaja poole",
        Text::Code => "Kood",
        Text::TimeLeft => "Aega jäänud",
        Text::TimeNearlyUp => "Aeg hakkab läbi saama",
        Text::Refunding => "Teie tagastust töödeldakse",
        Text::Refunded => "Tagasimakse on tehtud",
        Text::RefundQueued => "Tagasimakse on vastu võetud",
        Text::RefundFollows => "Raha saadetakse kohe, kui Klarnaga on ühendus",
        Text::MoneyGoesBack => "Raha tagastatakse sama makseviisi kaudu",
        Text::Updating => "Tarkvarauuendus",
        Text::BackSoon => "Oleme tagasi mõne minuti pärast",
        Text::NoTill => "Kassa ei ole ühendatud",
        Text::ClockWrong => "Kell näitab valet aega",
        Text::StorageFull => "Salvestusruum on täis",
        Text::OpenLink => "Avage see link ja makske Klarnaga",
        Text::TerminalInformation => "Terminali teave",
        Text::Version => "Versioon",
        Text::Terminal => "Terminal",
        Text::Network => "Võrk",
        Text::Online => "Ühendatud",
        Text::Offline => "Ühenduseta",
        Text::Waiting => "Ootel",
        Text::LastSync => "Viimati sünkroonitud",
        Text::Never => "Mitte kunagi",
        Text::Support => "Tugikood",
    }
}

pub(super) fn printed(word: Printed) -> &'static str {
    match word {
        Printed::Paid => "MAKSTUD",
        Printed::NotPaid => "MAKSMATA",
        Printed::Voided => "TÜHISTATUD",
        Printed::Time => "Aeg",
        Printed::TimeNotSet => "Kell on seadistamata",
        Printed::Payment => "Makse",
        Printed::Reference => "Viide",
        Printed::NotFiscal => "See ei ole kassatšekk",
    }
}
