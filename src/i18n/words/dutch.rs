//! Dutch; shoppers are addressed as ‘u’.

use crate::i18n::{Printed, Text};

pub(super) fn text(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Welkom",
        Text::PayHere => "Hier kunt u met Klarna betalen",
        Text::Preparing => "Uw betaling wordt voorbereid",
        Text::ScanToPay => "Scan om met Klarna te betalen",
        Text::ScanAgain => "Niet voltooid\u{a0}– scan opnieuw",
        Text::OnYourPhone => "Ga verder op uw telefoon",
        Text::FinishOnPhone => "Keur de betaling daar goed met Klarna",
        Text::Confirming => "Uw betaling wordt bevestigd",
        Text::OneMoment => "Een ogenblik alstublieft",
        Text::Paid => "Betaling geslaagd",
        Text::ThankYou => "Dank u wel",
        Text::Cancelled => "Betaling geannuleerd",
        Text::NotCompleted => "Betaling niet voltooid",
        Text::NothingCharged => "Er is niets afgeschreven",
        Text::NotAvailable => "Klarna is niet beschikbaar voor deze aankoop",
        Text::NoConnection => "Geen verbinding met Klarna",
        Text::PayAnotherWay => "Betaal op een andere manier",
        Text::PleaseWait => "Even geduld",
        Text::DoNotPayAgain => "Betaal niet opnieuw. Vraag het personeel om hulp.",
        Text::OutOfService => "Buiten gebruik",
        Text::AskStaff => "Vraag het personeel om hulp",
        Text::Code => "Code",
        Text::TimeLeft => "Resterende tijd",
        Text::TimeNearlyUp => "De tijd is bijna om",
        Text::Refunding => "Uw retour wordt verwerkt",
        Text::Refunded => "Terugbetaling voltooid",
        Text::RefundQueued => "Terugbetaling geaccepteerd",
        Text::RefundFollows => "Het bedrag wordt teruggestort zodra Klarna bereikbaar is",
        Text::MoneyGoesBack => "U krijgt het geld terug via dezelfde betaalmethode",
        Text::Updating => "Software-update",
        Text::BackSoon => "We zijn over enkele minuten terug",
        Text::NoTill => "Geen kassa verbonden",
        Text::ClockWrong => "De klok staat verkeerd",
        Text::StorageFull => "De opslag is vol",
        Text::OpenLink => "Open deze link om met Klarna te betalen",
        Text::TerminalInformation => "Terminalinformatie",
        Text::Version => "Versie",
        Text::Terminal => "Terminal",
        Text::Network => "Netwerk",
        Text::Online => "Online",
        Text::Offline => "Offline",
        Text::Waiting => "In de wachtrij",
        Text::LastSync => "Laatste sync",
        Text::Never => "Nooit",
        Text::Support => "Supportcode",
    }
}

pub(super) fn printed(word: Printed) -> &'static str {
    match word {
        Printed::Paid => "BETAALD",
        Printed::NotPaid => "NIET BETAALD",
        Printed::Voided => "GEANNULEERD",
        Printed::Time => "Tijd",
        Printed::TimeNotSet => "Tijd niet ingesteld",
        Printed::Payment => "Betaling",
        Printed::Reference => "Referentie",
        Printed::NotFiscal => "Dit is geen kassabon",
    }
}
