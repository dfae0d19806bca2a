//! Swedish; shoppers are addressed as ”du”.

use crate::i18n::{Printed, Text};

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
        Text::PleaseWait => "Vänta",
        Text::DoNotPayAgain => "Betala inte igen. Fråga personalen.",
        Text::OutOfService => "Ur funktion",
        Text::AskStaff => "Fråga personalen",
        Text::Code => "Kod",
        Text::TimeLeft => "Tid kvar",
        Text::TimeNearlyUp => "Tiden är snart ute",
        Text::Refunding => "Din retur behandlas",
        Text::Refunded => "Återbetalningen är klar",
        Text::RefundQueued => "Återbetalningen är registrerad",
        Text::RefundFollows => "Pengarna skickas så snart Klarna kan nås",
        Text::MoneyGoesBack => "Pengarna återbetalas på samma sätt som du betalade",
        Text::Updating => "Programuppdatering",
        Text::BackSoon => "Vi är tillbaka om några minuter",
        Text::NoTill => "Ingen kassa ansluten",
        Text::ClockWrong => "Klockan går fel",
        Text::StorageFull => "Lagringsutrymmet är fullt",
        Text::OpenLink => "Öppna den här länken för att betala med Klarna",
        Text::TerminalInformation => "Terminalinformation",
        Text::Version => "Version",
        Text::Terminal => "Terminal",
        Text::Network => "Nätverk",
        Text::Online => "Online",
        Text::Offline => "Offline",
        Text::Waiting => "I kö",
        Text::LastSync => "Senast synkad",
        Text::Never => "Aldrig",
        Text::Support => "Supportkod",
    }
}

pub(super) fn printed(word: Printed) -> &'static str {
    match word {
        Printed::Paid => "BETALT",
        Printed::NotPaid => "EJ BETALT",
        Printed::Voided => "MAKULERAT",
        Printed::Time => "Tid",
        Printed::TimeNotSet => "Klockan är inte ställd",
        Printed::Payment => "Betalning",
        Printed::Reference => "Referens",
        Printed::NotFiscal => "Detta är inget kassakvitto",
    }
}
