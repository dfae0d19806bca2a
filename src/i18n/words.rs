//! What the terminal says to shoppers, one language per function, for translators to read.
//!
//! Every function is an exhaustive match, so a text that is missing does not compile. Sentences
//! carry a full stop only where there are two of them; a dash never starts a line.

use super::Text;

pub(super) fn english(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Welcome",
        Text::PayHere => "You can pay with Klarna here",
        Text::Preparing => "Preparing your payment",
        Text::ScanToPay => "Scan to pay with Klarna",
        Text::ScanAgain => "Not completed\u{a0}– scan again",
        Text::OnYourPhone => "Continue on your phone",
        Text::FinishOnPhone => "Approve the payment with Klarna there",
        Text::Confirming => "Confirming your payment",
        Text::OneMoment => "One moment, please",
        Text::Paid => "Payment approved",
        Text::ThankYou => "Thank you",
        Text::Cancelled => "Payment cancelled",
        Text::NotCompleted => "Payment not completed",
        Text::NothingCharged => "Nothing has been charged",
        Text::NotAvailable => "Klarna is not available for this purchase",
        Text::NoConnection => "No connection to Klarna",
        Text::PayAnotherWay => "Please pay another way",
        Text::PleaseWait => "Please wait",
        Text::DoNotPayAgain => "Do not pay again. Please ask our staff.",
        Text::OutOfService => "Out of service",
        Text::AskStaff => "Please ask our staff",
        Text::Code => "Code",
    }
}

pub(super) fn german(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Willkommen",
        Text::PayHere => "Hier können Sie mit Klarna bezahlen",
        Text::Preparing => "Zahlung wird vorbereitet",
        Text::ScanToPay => "Scannen und mit Klarna bezahlen",
        Text::ScanAgain => "Nicht abgeschlossen\u{a0}– bitte erneut scannen",
        Text::OnYourPhone => "Weiter auf Ihrem Handy",
        Text::FinishOnPhone => "Bestätigen Sie die Zahlung dort mit Klarna",
        Text::Confirming => "Zahlung wird bestätigt",
        Text::OneMoment => "Einen Moment bitte",
        Text::Paid => "Zahlung erfolgreich",
        Text::ThankYou => "Vielen Dank",
        Text::Cancelled => "Zahlung abgebrochen",
        Text::NotCompleted => "Zahlung nicht abgeschlossen",
        Text::NothingCharged => "Es wurde nichts abgebucht",
        Text::NotAvailable => "Klarna ist für diesen Einkauf nicht verfügbar",
        Text::NoConnection => "Keine Verbindung zu Klarna",
        Text::PayAnotherWay => "Bitte zahlen Sie auf andere Weise",
        Text::PleaseWait => "Bitte warten",
        Text::DoNotPayAgain => "Bitte nicht erneut zahlen. Wenden Sie sich an das Personal.",
        Text::OutOfService => "Außer Betrieb",
        Text::AskStaff => "Bitte wenden Sie sich an das Personal",
        Text::Code => "Code",
    }
}

pub(super) fn swedish(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Välkommen",
        Text::PayHere => "Här kan du betala med Klarna",
        Text::Preparing => "Förbereder din betalning",
        Text::ScanToPay => "Skanna för att betala med Klarna",
        Text::ScanAgain => "Inte slutförd\u{a0}– skanna igen",
        Text::OnYourPhone => "Fortsätt i din mobil",
        Text::FinishOnPhone => "Godkänn betalningen med Klarna där",
        Text::Confirming => "Bekräftar din betalning",
        Text::OneMoment => "Ett ögonblick",
        Text::Paid => "Betalningen är godkänd",
        Text::ThankYou => "Tack",
        Text::Cancelled => "Betalningen avbröts",
        Text::NotCompleted => "Betalningen slutfördes inte",
        Text::NothingCharged => "Inget har dragits",
        Text::NotAvailable => "Klarna är inte tillgängligt för det här köpet",
        Text::NoConnection => "Ingen anslutning till Klarna",
        Text::PayAnotherWay => "Betala på ett annat sätt",
        Text::PleaseWait => "Vänta",
        Text::DoNotPayAgain => "Betala inte igen. Fråga personalen.",
        Text::OutOfService => "Ur funktion",
        Text::AskStaff => "Fråga personalen",
        Text::Code => "Kod",
    }
}

pub(super) fn norwegian(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Velkommen",
        Text::PayHere => "Her kan du betale med Klarna",
        Text::Preparing => "Forbereder betalingen",
        Text::ScanToPay => "Skann for å betale med Klarna",
        Text::ScanAgain => "Ikke fullført\u{a0}– skann på nytt",
        Text::OnYourPhone => "Fortsett på mobilen",
        Text::FinishOnPhone => "Godkjenn betalingen med Klarna der",
        Text::Confirming => "Bekrefter betalingen",
        Text::OneMoment => "Et øyeblikk",
        Text::Paid => "Betalingen er godkjent",
        Text::ThankYou => "Takk",
        Text::Cancelled => "Betalingen ble avbrutt",
        Text::NotCompleted => "Betalingen ble ikke fullført",
        Text::NothingCharged => "Ingenting er belastet",
        Text::NotAvailable => "Klarna er ikke tilgjengelig for dette kjøpet",
        Text::NoConnection => "Ingen forbindelse med Klarna",
        Text::PayAnotherWay => "Betal på en annen måte",
        Text::PleaseWait => "Vennligst vent",
        Text::DoNotPayAgain => "Ikke betal på nytt. Spør betjeningen.",
        Text::OutOfService => "Ute av drift",
        Text::AskStaff => "Spør betjeningen",
        Text::Code => "Kode",
    }
}

pub(super) fn danish(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Velkommen",
        Text::PayHere => "Her kan du betale med Klarna",
        Text::Preparing => "Forbereder din betaling",
        Text::ScanToPay => "Scan for at betale med Klarna",
        Text::ScanAgain => "Ikke gennemført\u{a0}– scan igen",
        Text::OnYourPhone => "Fortsæt på din mobil",
        Text::FinishOnPhone => "Godkend betalingen med Klarna der",
        Text::Confirming => "Bekræfter din betaling",
        Text::OneMoment => "Et øjeblik",
        Text::Paid => "Betalingen er godkendt",
        Text::ThankYou => "Tak",
        Text::Cancelled => "Betalingen er annulleret",
        Text::NotCompleted => "Betalingen blev ikke gennemført",
        Text::NothingCharged => "Der er ikke trukket noget",
        Text::NotAvailable => "Klarna er ikke tilgængelig for dette køb",
        Text::NoConnection => "Ingen forbindelse til Klarna",
        Text::PayAnotherWay => "Betal på en anden måde",
        Text::PleaseWait => "Vent venligst",
        Text::DoNotPayAgain => "Betal ikke igen. Spørg personalet.",
        Text::OutOfService => "Ude af drift",
        Text::AskStaff => "Spørg personalet",
        Text::Code => "Kode",
    }
}

pub(super) fn finnish(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Tervetuloa",
        Text::PayHere => "Täällä voit maksaa Klarnalla",
        Text::Preparing => "Maksua valmistellaan",
        Text::ScanToPay => "Skannaa ja maksa Klarnalla",
        Text::ScanAgain => "Maksu jäi kesken\u{a0}– skannaa uudelleen",
        Text::OnYourPhone => "Jatka puhelimellasi",
        Text::FinishOnPhone => "Hyväksy maksu siellä Klarnalla",
        Text::Confirming => "Maksua vahvistetaan",
        Text::OneMoment => "Hetki, ole hyvä",
        Text::Paid => "Maksu hyväksytty",
        Text::ThankYou => "Kiitos",
        Text::Cancelled => "Maksu peruutettu",
        Text::NotCompleted => "Maksua ei suoritettu",
        Text::NothingCharged => "Mitään ei ole veloitettu",
        Text::NotAvailable => "Klarna ei ole käytettävissä tälle ostokselle",
        Text::NoConnection => "Ei yhteyttä Klarnaan",
        Text::PayAnotherWay => "Maksa toisella tavalla",
        Text::PleaseWait => "Odota hetki",
        Text::DoNotPayAgain => "Älä maksa uudelleen. Kysy henkilökunnalta.",
        Text::OutOfService => "Ei käytössä",
        Text::AskStaff => "Kysy henkilökunnalta",
        Text::Code => "Koodi",
    }
}

pub(super) fn french(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Bienvenue",
        Text::PayHere => "Ici, vous pouvez payer avec Klarna",
        Text::Preparing => "Préparation de votre paiement",
        Text::ScanToPay => "Scannez pour payer avec Klarna",
        Text::ScanAgain => "Paiement inachevé\u{a0}– scannez à nouveau",
        Text::OnYourPhone => "Continuez sur votre téléphone",
        Text::FinishOnPhone => "Validez-y le paiement avec Klarna",
        Text::Confirming => "Confirmation de votre paiement",
        Text::OneMoment => "Un instant, s’il vous plaît",
        Text::Paid => "Paiement accepté",
        Text::ThankYou => "Merci",
        Text::Cancelled => "Paiement annulé",
        Text::NotCompleted => "Paiement non abouti",
        Text::NothingCharged => "Aucun montant n’a été débité",
        Text::NotAvailable => "Klarna n’est pas disponible pour cet achat",
        Text::NoConnection => "Pas de connexion à Klarna",
        Text::PayAnotherWay => "Veuillez payer d’une autre façon",
        Text::PleaseWait => "Veuillez patienter",
        Text::DoNotPayAgain => "Ne payez pas de nouveau. Adressez-vous au personnel.",
        Text::OutOfService => "Hors service",
        Text::AskStaff => "Adressez-vous au personnel",
        Text::Code => "Code",
    }
}

pub(super) fn dutch(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Welkom",
        Text::PayHere => "Hier kunt u met Klarna betalen",
        Text::Preparing => "Uw betaling wordt voorbereid",
        Text::ScanToPay => "Scan om te betalen met Klarna",
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
        Text::DoNotPayAgain => "Betaal niet opnieuw. Vraag het personeel.",
        Text::OutOfService => "Buiten gebruik",
        Text::AskStaff => "Vraag het personeel",
        Text::Code => "Code",
    }
}

pub(super) fn italian(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Benvenuti",
        Text::PayHere => "Qui puoi pagare con Klarna",
        Text::Preparing => "Preparazione del pagamento",
        Text::ScanToPay => "Scansiona per pagare con Klarna",
        Text::ScanAgain => "Non completato\u{a0}– scansiona di nuovo",
        Text::OnYourPhone => "Continua sul tuo telefono",
        Text::FinishOnPhone => "Approva lì il pagamento con Klarna",
        Text::Confirming => "Conferma del pagamento in corso",
        Text::OneMoment => "Un momento, per favore",
        Text::Paid => "Pagamento riuscito",
        Text::ThankYou => "Grazie",
        Text::Cancelled => "Pagamento annullato",
        Text::NotCompleted => "Pagamento non completato",
        Text::NothingCharged => "Nessun importo è stato addebitato",
        Text::NotAvailable => "Klarna non è disponibile per questo acquisto",
        Text::NoConnection => "Nessuna connessione a Klarna",
        Text::PayAnotherWay => "Paga in un altro modo",
        Text::PleaseWait => "Attendere prego",
        Text::DoNotPayAgain => "Non pagare di nuovo. Rivolgiti al personale.",
        Text::OutOfService => "Fuori servizio",
        Text::AskStaff => "Rivolgiti al personale",
        Text::Code => "Codice",
    }
}

pub(super) fn spanish(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Te damos la bienvenida",
        Text::PayHere => "Aquí puedes pagar con Klarna",
        Text::Preparing => "Preparando tu pago",
        Text::ScanToPay => "Escanea para pagar con Klarna",
        Text::ScanAgain => "No completado\u{a0}– escanea de nuevo",
        Text::OnYourPhone => "Continúa en tu móvil",
        Text::FinishOnPhone => "Aprueba allí el pago con Klarna",
        Text::Confirming => "Confirmando tu pago",
        Text::OneMoment => "Un momento, por favor",
        Text::Paid => "Pago aprobado",
        Text::ThankYou => "Gracias",
        Text::Cancelled => "Pago cancelado",
        Text::NotCompleted => "Pago no completado",
        Text::NothingCharged => "No se ha cobrado nada",
        Text::NotAvailable => "Klarna no está disponible para esta compra",
        Text::NoConnection => "Sin conexión con Klarna",
        Text::PayAnotherWay => "Paga de otra forma, por favor",
        Text::PleaseWait => "Espera, por favor",
        Text::DoNotPayAgain => "No pagues de nuevo. Pregunta al personal.",
        Text::OutOfService => "Fuera de servicio",
        Text::AskStaff => "Pregunta al personal",
        Text::Code => "Código",
    }
}

pub(super) fn polish(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Witamy",
        Text::PayHere => "Tutaj zapłacisz z Klarną",
        Text::Preparing => "Przygotowujemy płatność",
        Text::ScanToPay => "Zeskanuj, aby zapłacić z Klarną",
        Text::ScanAgain => "Nie ukończono\u{a0}– zeskanuj ponownie",
        Text::OnYourPhone => "Kontynuuj na telefonie",
        Text::FinishOnPhone => "Zatwierdź tam płatność w Klarnie",
        Text::Confirming => "Potwierdzamy płatność",
        Text::OneMoment => "Proszę chwilę poczekać",
        Text::Paid => "Płatność przyjęta",
        Text::ThankYou => "Dziękujemy",
        Text::Cancelled => "Płatność anulowana",
        Text::NotCompleted => "Płatność nieukończona",
        Text::NothingCharged => "Nic nie zostało pobrane",
        Text::NotAvailable => "Klarna jest niedostępna dla tego zakupu",
        Text::NoConnection => "Brak połączenia z Klarną",
        Text::PayAnotherWay => "Prosimy zapłacić w inny sposób",
        Text::PleaseWait => "Proszę czekać",
        Text::DoNotPayAgain => "Prosimy nie płacić ponownie. Zapytaj obsługę.",
        Text::OutOfService => "Terminal nieczynny",
        Text::AskStaff => "Zapytaj obsługę",
        Text::Code => "Kod",
    }
}
