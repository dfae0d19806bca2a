//! Slovak; shoppers are addressed as „vy“.

use crate::i18n::{Printed, Text};

pub(super) fn text(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Vitajte",
        Text::PayHere => "Tu môžete zaplatiť s Klarnou",
        Text::Preparing => "Pripravujeme platbu",
        Text::ScanToPay => "Naskenujte a zaplaťte s Klarnou",
        Text::ScanAgain => "Nedokončené\u{a0}– naskenujte znova",
        Text::OnYourPhone => "Pokračujte v telefóne",
        Text::FinishOnPhone => "Schváľte platbu v Klarne",
        Text::Confirming => "Potvrdzujeme platbu",
        Text::OneMoment => "Moment, prosím",
        Text::Paid => "Platba schválená",
        Text::ThankYou => "Ďakujeme",
        Text::Cancelled => "Platba zrušená",
        Text::NotCompleted => "Platba nebola dokončená",
        Text::NothingCharged => "Nebola stiahnutá žiadna suma",
        Text::NotAvailable => "Klarna nie je pre tento nákup dostupná",
        Text::NoConnection => "Nie je spojenie s Klarnou",
        Text::PayAnotherWay => "Zaplaťte, prosím, iným spôsobom",
        Text::PleaseWait => "Čakajte, prosím",
        Text::DoNotPayAgain => "Neplaťte znova. Obráťte sa na obsluhu.",
        Text::OutOfService => "Mimo prevádzky",
        Text::AskStaff => "Obráťte sa na obsluhu",
        Text::Code => "Kód",
        Text::TimeLeft => "Zostávajúci čas",
        Text::TimeNearlyUp => "Čas čoskoro uplynie",
        Text::Refunding => "Vrátenie tovaru sa spracúva",
        Text::Refunded => "Vrátenie peňazí dokončené",
        Text::RefundQueued => "Vrátenie peňazí prijaté",
        Text::RefundFollows => "Peniaze odošleme, hneď ako bude Klarna dostupná",
        Text::MoneyGoesBack => "Peniaze sa vrátia rovnakým spôsobom, akým ste platili",
        Text::Updating => "Aktualizácia softvéru",
        Text::BackSoon => "O niekoľko minút sme späť",
        Text::NoTill => "Nie je pripojená pokladnica",
        Text::ClockWrong => "Hodiny nejdú správne",
        Text::StorageFull => "Úložisko je plné",
        Text::OpenLink => "Otvorte tento odkaz a zaplaťte s Klarnou",
        Text::TerminalInformation => "Informácie o termináli",
        Text::Version => "Verzia",
        Text::Terminal => "Terminál",
        Text::Network => "Sieť",
        Text::Online => "Online",
        Text::Offline => "Offline",
        Text::Waiting => "Čakajúce",
        Text::LastSync => "Posledná synchronizácia",
        Text::Never => "Nikdy",
        Text::Support => "Kód podpory",
    }
}

pub(super) fn printed(word: Printed) -> &'static str {
    match word {
        Printed::Paid => "ZAPLATENÉ",
        Printed::NotPaid => "NEZAPLATENÉ",
        Printed::Voided => "STORNOVANÉ",
        Printed::Time => "Čas",
        Printed::TimeNotSet => "Čas nie je nastavený",
        Printed::Payment => "Platba",
        Printed::Reference => "Referenčné číslo",
        Printed::NotFiscal => "Toto nie je pokladničný doklad",
    }
}
