//! Polish; shoppers are told what to do in the singular.

use crate::i18n::{Printed, Text};

pub(super) fn text(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Witamy",
        Text::PayHere => "Tutaj zapłacisz z Klarną",
        Text::Preparing => "Przygotowujemy płatność",
        Text::ScanToPay => "Zeskanuj, aby zapłacić z Klarną",
        Text::ScanAgain => "Nie zakończono\u{a0}– zeskanuj ponownie",
        Text::OnYourPhone => "Kontynuuj na telefonie",
        Text::FinishOnPhone => "Zatwierdź płatność w Klarnie",
        Text::Confirming => "Potwierdzamy płatność",
        Text::OneMoment => "Proszę chwilę poczekać",
        Text::Paid => "Płatność zaakceptowana",
        Text::ThankYou => "Dziękujemy",
        Text::Cancelled => "Płatność anulowana",
        Text::NotCompleted => "Płatność nie doszła do skutku",
        Text::NothingCharged => "Nie pobrano żadnych środków",
        Text::NotAvailable => "Klarna jest niedostępna przy tym zakupie",
        Text::NoConnection => "Brak połączenia z Klarną",
        Text::PayAnotherWay => "Prosimy zapłacić w inny sposób",
        Text::PleaseWait => "Proszę czekać",
        Text::DoNotPayAgain => "Nie płać ponownie. Zapytaj obsługę.",
        Text::OutOfService => "Terminal nieczynny",
        Text::AskStaff => "Zapytaj obsługę",
        Text::Code => "Kod",
        Text::TimeLeft => "Pozostały czas",
        Text::TimeNearlyUp => "Czas dobiega końca",
        Text::Refunding => "Przetwarzamy Twój zwrot",
        Text::Refunded => "Zwrot zrealizowany",
        Text::RefundQueued => "Zwrot przyjęty",
        Text::RefundFollows => "Pieniądze zostaną wysłane, gdy tylko uda się połączyć z Klarną",
        Text::MoneyGoesBack => "Zwrot nastąpi tą samą metodą płatności",
        Text::Updating => "Aktualizacja oprogramowania",
        Text::BackSoon => "Wrócimy za kilka minut",
        Text::NoTill => "Brak podłączonej kasy",
        Text::ClockWrong => "Zegar jest źle ustawiony",
        Text::StorageFull => "Pamięć jest pełna",
        Text::OpenLink => "Otwórz ten link, aby zapłacić z Klarną",
        Text::TerminalInformation => "Informacje o terminalu",
        Text::Version => "Wersja",
        Text::Terminal => "Terminal",
        Text::Network => "Sieć",
        Text::Online => "Online",
        Text::Offline => "Offline",
        Text::Waiting => "Oczekujące",
        Text::LastSync => "Ostatnia synchronizacja",
        Text::Never => "Nigdy",
        Text::Support => "Kod serwisowy",
    }
}

pub(super) fn printed(word: Printed) -> &'static str {
    match word {
        Printed::Paid => "ZAPŁACONO",
        Printed::NotPaid => "NIE ZAPŁACONO",
        Printed::Voided => "ANULOWANO",
        Printed::Time => "Data",
        Printed::TimeNotSet => "Czas nie jest ustawiony",
        Printed::Payment => "Płatność",
        Printed::Reference => "Numer referencyjny",
        Printed::NotFiscal => "To nie jest paragon fiskalny",
    }
}
