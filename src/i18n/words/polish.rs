//! Polish; shoppers are told what to do in the singular.

use crate::i18n::Text;

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
    }
}
