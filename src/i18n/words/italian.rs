//! Italian; shoppers are addressed as «tu».

use crate::i18n::{Printed, Text};

pub(super) fn text(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Benvenuti",
        Text::PayHere => "Qui puoi pagare con Klarna",
        Text::Preparing => "Preparazione del pagamento",
        Text::ScanToPay => "Scansiona per pagare con Klarna",
        Text::ScanAgain => "Non completato\u{a0}– scansiona di nuovo",
        Text::OnYourPhone => "Continua sul tuo telefono",
        Text::FinishOnPhone => "Approva il pagamento con Klarna",
        Text::Confirming => "Conferma del pagamento in corso",
        Text::OneMoment => "Un momento, per favore",
        Text::Paid => "Pagamento riuscito",
        Text::ThankYou => "Grazie",
        Text::Cancelled => "Pagamento annullato",
        Text::NotCompleted => "Pagamento non completato",
        Text::NothingCharged => "Non è stato addebitato alcun importo",
        Text::NotAvailable => "Klarna non è disponibile per questo acquisto",
        Text::NoConnection => "Nessuna connessione a Klarna",
        Text::PayAnotherWay => "Usa un altro metodo di pagamento",
        Text::PleaseWait => "Attendere prego",
        Text::DoNotPayAgain => "Non pagare di nuovo. Rivolgiti al personale.",
        Text::OutOfService => "Fuori servizio",
        Text::AskStaff => "Rivolgiti al personale",
        Text::Code => "Codice",
        Text::TimeLeft => "Tempo rimasto",
        Text::TimeNearlyUp => "Il tempo sta per scadere",
        Text::Refunding => "Il tuo reso è in elaborazione",
        Text::Refunded => "Rimborso completato",
        Text::RefundQueued => "Rimborso accettato",
        Text::RefundFollows => "Il denaro sarà inviato non appena Klarna sarà raggiungibile",
        Text::MoneyGoesBack => "Riceverai il rimborso con lo stesso metodo di pagamento",
        Text::Updating => "Aggiornamento software",
        Text::BackSoon => "Torneremo tra pochi minuti",
        Text::NoTill => "Nessuna cassa collegata",
        Text::ClockWrong => "L’ora non è corretta",
        Text::StorageFull => "La memoria è piena",
        Text::OpenLink => "Apri questo link per pagare con Klarna",
        Text::TerminalInformation => "Informazioni sul terminale",
        Text::Version => "Versione",
        Text::Terminal => "Terminale",
        Text::Network => "Rete",
        Text::Online => "Online",
        Text::Offline => "Offline",
        Text::Waiting => "In attesa",
        Text::LastSync => "Ultima sincronizzazione",
        Text::Never => "Mai",
        Text::Support => "Codice assistenza",
    }
}

pub(super) fn printed(word: Printed) -> &'static str {
    match word {
        Printed::Paid => "PAGATO",
        Printed::NotPaid => "NON PAGATO",
        Printed::Voided => "ANNULLATO",
        Printed::Time => "Data",
        Printed::TimeNotSet => "Ora non impostata",
        Printed::Payment => "Pagamento",
        Printed::Reference => "Riferimento",
        Printed::NotFiscal => "Questo non è un documento fiscale",
    }
}
