//! Italian; shoppers are addressed as «tu».

use crate::i18n::Text;

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
    }
}
