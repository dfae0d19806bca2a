//! French; shoppers are addressed as « vous ».

use crate::i18n::Text;

pub(super) fn text(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Bienvenue",
        Text::PayHere => "Vous pouvez payer ici avec Klarna",
        Text::Preparing => "Préparation de votre paiement",
        Text::ScanToPay => "Scannez pour payer avec Klarna",
        Text::ScanAgain => "Paiement inachevé\u{a0}– scannez à nouveau",
        Text::OnYourPhone => "Continuez sur votre téléphone",
        Text::FinishOnPhone => "Validez le paiement avec Klarna",
        Text::Confirming => "Confirmation de votre paiement",
        Text::OneMoment => "Un instant, s’il vous plaît",
        Text::Paid => "Paiement accepté",
        Text::ThankYou => "Merci",
        Text::Cancelled => "Paiement annulé",
        Text::NotCompleted => "Le paiement n’a pas abouti",
        Text::NothingCharged => "Aucun montant n’a été débité",
        Text::NotAvailable => "Klarna n’est pas disponible pour cet achat",
        Text::NoConnection => "Pas de connexion à Klarna",
        Text::PayAnotherWay => "Veuillez utiliser un autre moyen de paiement",
        Text::PleaseWait => "Veuillez patienter",
        Text::DoNotPayAgain => "Ne payez pas une seconde fois. Adressez-vous au personnel.",
        Text::OutOfService => "Hors service",
        Text::AskStaff => "Adressez-vous au personnel",
        Text::Code => "Code",
    }
}
