//! Swedish; shoppers are addressed as ”du”.

use crate::i18n::Text;

pub(super) fn text(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Välkommen",
        Text::PayHere => "Här kan du betala med Klarna",
        Text::Preparing => "Förbereder din betalning",
        Text::ScanToPay => "Skanna för att betala med Klarna",
        Text::ScanAgain => "Inte slutförd\u{a0}– skanna igen",
        Text::OnYourPhone => "Fortsätt i din mobil",
        Text::FinishOnPhone => "Godkänn betalningen hos Klarna",
        Text::Confirming => "Bekräftar din betalning",
        Text::OneMoment => "Ett ögonblick",
        Text::Paid => "Betalningen är godkänd",
        Text::ThankYou => "Tack",
        Text::Cancelled => "Betalningen avbröts",
        Text::NotCompleted => "Betalningen genomfördes inte",
        Text::NothingCharged => "Inga pengar har dragits",
        Text::NotAvailable => "Klarna kan inte användas för det här köpet",
        Text::NoConnection => "Ingen anslutning till Klarna",
        Text::PayAnotherWay => "Betala på ett annat sätt",
        Text::PleaseWait => "Vänligen vänta",
        Text::DoNotPayAgain => "Betala inte igen. Fråga personalen.",
        Text::OutOfService => "Ur funktion",
        Text::AskStaff => "Fråga personalen",
        Text::Code => "Kod",
    }
}
