//! Czech; shoppers are addressed as „vy“.

use crate::i18n::{Printed, Text};

pub(super) fn text(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Vítejte",
        Text::PayHere => "Zde můžete zaplatit s Klarnou",
        Text::Preparing => "Připravujeme platbu",
        Text::ScanToPay => "Naskenujte a zaplaťte s Klarnou",
        Text::ScanAgain => "Nedokončeno\u{a0}– naskenujte znovu",
        Text::OnYourPhone => "Pokračujte v telefonu",
        Text::FinishOnPhone => "Schvalte platbu v Klarně",
        Text::Confirming => "Potvrzujeme platbu",
        Text::OneMoment => "Okamžik, prosím",
        Text::Paid => "Platba schválena",
        Text::ThankYou => "Děkujeme",
        Text::Cancelled => "Platba zrušena",
        Text::NotCompleted => "Platba nebyla dokončena",
        Text::NothingCharged => "Nebyla stržena žádná částka",
        Text::NotAvailable => "Klarna není pro tento nákup dostupná",
        Text::NoConnection => "Není spojení s Klarnou",
        Text::PayAnotherWay => "Zaplaťte prosím jiným způsobem",
        Text::PleaseWait => "Čekejte, prosím",
        Text::DoNotPayAgain => "Neplaťte znovu. Obraťte se na obsluhu.",
        Text::OutOfService => "Mimo provoz",
        Text::AskStaff => "Obraťte se na obsluhu",
        Text::Code => "Kód",
        Text::TimeLeft => "Zbývající čas",
        Text::TimeNearlyUp => "Čas brzy vyprší",
        Text::Refunding => "Vrácení zboží se zpracovává",
        Text::Refunded => "Vrácení peněz dokončeno",
        Text::RefundQueued => "Vrácení peněz přijato",
        Text::RefundFollows => "Peníze odešleme, jakmile bude Klarna dostupná",
        Text::MoneyGoesBack => "Peníze se vrátí stejným způsobem, jakým jste platili",
        Text::Updating => "Aktualizace softwaru",
        Text::BackSoon => "Za několik minut jsme zpět",
        Text::NoTill => "Není připojena pokladna",
        Text::ClockWrong => "Hodiny nejdou správně",
        Text::StorageFull => "Úložiště je plné",
        Text::OpenLink => "Otevřete tento odkaz a zaplaťte s Klarnou",
        Text::TerminalInformation => "Informace o terminálu",
        Text::Version => "Verze",
        Text::Terminal => "Terminál",
        Text::Network => "Síť",
        Text::Online => "Online",
        Text::Offline => "Offline",
        Text::Waiting => "Ve frontě",
        Text::LastSync => "Poslední synchronizace",
        Text::Never => "Nikdy",
        Text::Support => "Kód podpory",
    }
}

pub(super) fn printed(word: Printed) -> &'static str {
    match word {
        Printed::Paid => "ZAPLACENO",
        Printed::NotPaid => "NEZAPLACENO",
        Printed::Voided => "STORNOVÁNO",
        Printed::Time => "Čas",
        Printed::TimeNotSet => "Čas není nastaven",
        Printed::Payment => "Platba",
        Printed::Reference => "Referenční číslo",
        Printed::NotFiscal => "Toto není daňový doklad",
    }
}
