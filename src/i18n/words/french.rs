//! French; shoppers are addressed as « vous ».

use crate::i18n::{Printed, Text};

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
        Text::TimeLeft => "Temps restant",
        Text::TimeNearlyUp => "Le temps est presque écoulé",
        Text::Refunding => "Votre retour est en cours de traitement",
        Text::Refunded => "Remboursement effectué",
        Text::RefundQueued => "Remboursement accepté",
        Text::RefundFollows => "Le remboursement sera envoyé dès que Klarna sera joignable",
        Text::MoneyGoesBack => "L’argent est reversé sur le moyen de paiement utilisé",
        Text::Updating => "Mise à jour du logiciel",
        Text::BackSoon => "Nous serons de retour dans quelques minutes",
        Text::NoTill => "Aucune caisse connectée",
        Text::ClockWrong => "L’horloge n’est pas à l’heure",
        Text::StorageFull => "L’espace de stockage est plein",
        Text::OpenLink => "Ouvrez ce lien pour payer avec Klarna",
        Text::TerminalInformation => "Informations du terminal",
        Text::Version => "Version",
        Text::Terminal => "Terminal",
        Text::Network => "Réseau",
        Text::Online => "En ligne",
        Text::Offline => "Hors ligne",
        Text::Waiting => "En attente",
        Text::LastSync => "Dernière synchro",
        Text::Never => "Jamais",
        Text::Support => "Code d’assistance",
    }
}

pub(super) fn printed(word: Printed) -> &'static str {
    match word {
        Printed::Paid => "PAYÉ",
        Printed::NotPaid => "NON PAYÉ",
        Printed::Voided => "ANNULÉ",
        Printed::Time => "Date",
        Printed::TimeNotSet => "Heure non réglée",
        Printed::Payment => "Paiement",
        Printed::Reference => "Référence",
        Printed::NotFiscal => "Ceci n'est pas un ticket de caisse",
    }
}
