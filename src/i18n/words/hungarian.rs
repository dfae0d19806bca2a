//! Hungarian; shoppers are addressed as „Ön”.

use crate::i18n::{Printed, Text};

pub(super) fn text(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Üdvözöljük",
        Text::PayHere => "Itt Klarnával is fizethet",
        Text::Preparing => "Előkészítjük a fizetést",
        Text::ScanToPay => "Olvassa be a kódot, és fizessen Klarnával",
        Text::ScanAgain => "Nem fejeződött be\u{a0}– olvassa be újra",
        Text::OnYourPhone => "Folytassa a telefonján",
        Text::FinishOnPhone => "Hagyja jóvá a fizetést a Klarnánál",
        Text::Confirming => "Megerősítjük a fizetést",
        Text::OneMoment => "Egy pillanat türelmet kérünk",
        Text::Paid => "Sikeres fizetés",
        Text::ThankYou => "Köszönjük",
        Text::Cancelled => "Fizetés megszakítva",
        Text::NotCompleted => "Sikertelen fizetés",
        Text::NothingCharged => "Nem történt terhelés",
        Text::NotAvailable => "Ehhez a vásárláshoz a Klarna nem érhető el",
        Text::NoConnection => "Nincs kapcsolat a Klarnával",
        Text::PayAnotherWay => "Kérjük, fizessen más módon",
        Text::PleaseWait => "Kérjük, várjon",
        Text::DoNotPayAgain => "Ne fizessen újra. Forduljon munkatársainkhoz.",
        Text::OutOfService => "Üzemen kívül",
        Text::AskStaff => "Forduljon munkatársainkhoz",
        Text::Code => "Kód",
        Text::TimeLeft => "Hátralévő idő",
        Text::TimeNearlyUp => "Hamarosan lejár az idő",
        Text::Refunding => "Feldolgozzuk a visszatérítést",
        Text::Refunded => "A visszatérítés megtörtént",
        Text::RefundQueued => "Visszatérítés elfogadva",
        Text::RefundFollows => "A pénzt elküldjük, amint a Klarna elérhető",
        Text::MoneyGoesBack => "A pénzt az eredeti fizetési módra térítjük vissza",
        Text::Updating => "Szoftverfrissítés",
        Text::BackSoon => "Néhány perc múlva visszatérünk",
        Text::NoTill => "Nincs csatlakoztatott pénztárgép",
        Text::ClockWrong => "Az óra rossz időt mutat",
        Text::StorageFull => "A tárhely megtelt",
        Text::OpenLink => "Nyissa meg ezt a linket, és fizessen Klarnával",
        Text::TerminalInformation => "Terminál adatai",
        Text::Version => "Verzió",
        Text::Terminal => "Terminál",
        Text::Network => "Hálózat",
        Text::Online => "Online",
        Text::Offline => "Offline",
        Text::Waiting => "Várakozó",
        Text::LastSync => "Utolsó szinkronizálás",
        Text::Never => "Soha",
        Text::Support => "Támogatási kód",
    }
}

pub(super) fn printed(word: Printed) -> &'static str {
    match word {
        Printed::Paid => "FIZETVE",
        Printed::NotPaid => "NINCS FIZETVE",
        Printed::Voided => "SZTORNÓZVA",
        Printed::Time => "Idő",
        Printed::TimeNotSet => "Az idő nincs beállítva",
        Printed::Payment => "Fizetés",
        Printed::Reference => "Hivatkozási szám",
        Printed::NotFiscal => "Nem adóügyi bizonylat",
    }
}
