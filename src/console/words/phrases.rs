// Every phrase in English, German, Swedish and French, in the order of the pages.

phrases! {
    // frame
    SkipToContent:
        "Skip to content",
        "Zum Inhalt springen",
        "Hoppa till innehållet",
        "Aller au contenu";
    Navigation: "Main", "Hauptmenü", "Huvudmeny", "Menu principal";
    SearchLabel: "Find a sale", "Verkauf suchen", "Sök ett köp", "Rechercher une vente";
    SearchHint:
        "Receipt number, reference, amount",
        "Belegnummer, Referenz, Betrag",
        "Kvittonummer, referens, belopp",
        "Numéro de ticket, référence, montant";
    Search: "Search", "Suchen", "Sök", "Rechercher";
    SignOut: "Sign out", "Abmelden", "Logga ut", "Se déconnecter";
    Today: "Today", "Heute", "I dag", "Aujourd’hui";
    Queue: "Queue", "Warteschlange", "Kö", "File d’attente";
    Shift: "Shift", "Schicht", "Skift", "Session de caisse";
    Health: "Health", "Zustand", "Status", "État";
    Users: "Users", "Benutzer", "Användare", "Utilisateurs";
    Audit: "Audit journal", "Audit-Protokoll", "Granskningslogg", "Journal d’audit";
    Settings: "Settings", "Einstellungen", "Inställningar", "Paramètres";
    Language: "Language", "Sprache", "Språk", "Langue";
    Change: "Change", "Ändern", "Ändra", "Changer";
    Independent:
        "Independent software, not made or endorsed by Klarna",
        "Unabhängige Software, von Klarna weder hergestellt noch empfohlen",
        "Oberoende programvara, varken utvecklad eller rekommenderad av Klarna",
        "Logiciel indépendant, ni conçu ni approuvé par Klarna";
    PinAgain:
        "Your PIN, to confirm",
        "Ihre PIN zur Bestätigung",
        "Din PIN-kod som bekräftelse",
        "Votre code PIN, pour confirmer";
    Reload: "Show what is new", "Neuen Stand anzeigen", "Visa det senaste", "Actualiser";
    Back: "Back", "Zurück", "Tillbaka", "Retour";
    Cancel: "Cancel", "Abbrechen", "Avbryt", "Annuler";
    Continue: "Continue", "Weiter", "Fortsätt", "Continuer";
    Older: "Older entries", "Ältere Einträge", "Äldre poster", "Entrées plus anciennes";
    BackToToday:
        "Back to the first page",
        "Zurück zur Startseite",
        "Tillbaka till startsidan",
        "Retour à la page d’accueil";
    // lists
    Number: "Number", "Nummer", "Nummer", "Numéro";
    When: "When", "Zeitpunkt", "Tidpunkt", "Date";
    Age: "Age", "Alter", "Ålder", "Ancienneté";
    Amount: "Amount", "Betrag", "Belopp", "Montant";
    State: "State", "Status", "Status", "État";
    TillReference: "Till's reference", "Kassenreferenz", "Kassans referens", "Référence caisse";
    TimeNotSet:
        "Time not set",
        "Uhrzeit nicht gestellt",
        "Klockan är inte ställd",
        "Heure non réglée";
    Seconds: "{} s", "{} s", "{} s", "{} s";
    Minutes: "{} min", "{} min", "{} min", "{} min";
    HoursMinutes: "{} h {} min", "{} h {} min", "{} tim {} min", "{} h {} min";
    DaysHours: "{} d {} h", "{} T {} h", "{} d {} tim", "{} j {} h";
    Never: "Never", "Nie", "Aldrig", "Jamais";
    Count: "Count", "Anzahl", "Antal", "Nombre";
    Sum: "Sum", "Summe", "Summa", "Total";
    Kind: "Kind", "Art", "Typ", "Type";
    What: "What", "Vorgang", "Åtgärd", "Opération";
    Who: "Who", "Wer", "Vem", "Auteur";
    Why: "Why", "Grund", "Orsak", "Motif";
    Since: "Since", "Seit", "Sedan", "Depuis";
    Details: "Details", "Details", "Detaljer", "Détails";
    // states of a payment
    StateChecking:
        "Asking Klarna",
        "Abfrage bei Klarna läuft",
        "Frågar Klarna",
        "Interrogation de Klarna";
    StateAwaiting:
        "Waits for the shopper",
        "Wartet auf den Kunden",
        "Väntar på kunden",
        "En attente du client";
    StateScanAgain:
        "Waits to be scanned again",
        "Wartet auf erneutes Scannen",
        "Väntar på ny skanning",
        "En attente d’un nouveau scan";
    StatePaying:
        "Shopper is paying",
        "Kunde bezahlt gerade",
        "Kunden betalar",
        "Le client est en train de payer";
    StateConfirming: "Being confirmed", "Wird bestätigt", "Bekräftas", "En cours de confirmation";
    StateUnknown:
        "Not known yet – do not take the money again",
        "Noch nicht bekannt – nicht erneut kassieren",
        "Ännu inte känt – ta inte betalt igen",
        "Pas encore connu – n’encaissez pas à nouveau";
    StateUnacknowledged:
        "Paid, till has not acknowledged yet",
        "Bezahlt, von der Kasse noch nicht quittiert",
        "Betald, ännu inte kvitterad av kassan",
        "Payé, la caisse n’a pas encore accusé réception";
    StatePaid:
        "Paid, not captured yet",
        "Bezahlt, noch nicht eingezogen",
        "Betald, ännu inte debiterad",
        "Payé, pas encore encaissé";
    StateCaptured: "Paid", "Bezahlt", "Betald", "Payé";
    StatePartReturned:
        "Paid, part returned",
        "Bezahlt, teilweise erstattet",
        "Betald, delvis återbetald",
        "Payé, remboursé en partie";
    StateReturned: "Returned", "Erstattet", "Återbetald", "Remboursé";
    StateVoiding: "Being given back", "Wird storniert", "Makuleras", "Annulation en cours";
    StateVoided: "Given back", "Storniert", "Makulerad", "Annulé";
    StateNotPaid: "Not paid: {}", "Nicht bezahlt: {}", "Ej betald: {}", "Non payé\u{a0}: {}";
    StateNeedsPerson:
        "Somebody has to see to it",
        "Manuell zu klären",
        "Kräver manuell åtgärd",
        "Intervention requise";
    StateQueued:
        "{} waiting for Klarna",
        "{} in Warteschlange zu Klarna",
        "{} väntar på Klarna",
        "{} en attente de Klarna";
    ReasonAborted:
        "stopped at the till",
        "an der Kasse abgebrochen",
        "avbröts i kassan",
        "interrompu à la caisse";
    ReasonTimedOut:
        "nobody paid in time",
        "niemand hat rechtzeitig bezahlt",
        "ingen betalade i tid",
        "personne n’a payé à temps";
    ReasonNotAvailable:
        "Klarna is not available for it",
        "Klarna ist dafür nicht verfügbar",
        "Klarna kan inte användas för köpet",
        "Klarna n’est pas disponible pour cet achat";
    ReasonRefused:
        "refused by Klarna",
        "von Klarna zurückgewiesen",
        "avvisades av Klarna",
        "rejeté par Klarna";
    ReasonNoConnection:
        "no connection to Klarna",
        "keine Verbindung zu Klarna",
        "ingen anslutning till Klarna",
        "pas de connexion à Klarna";
    ReasonDeclined:
        "declined by Klarna",
        "von Klarna abgelehnt",
        "nekades av Klarna",
        "refusé par Klarna";
    ReasonExpired:
        "expired at Klarna",
        "bei Klarna abgelaufen",
        "löpte ut hos Klarna",
        "expiré chez Klarna";
    ReasonConfirmFailed:
        "could not be confirmed",
        "Bestätigung nicht möglich",
        "kunde inte bekräftas",
        "confirmation impossible";
    // today and search
    NoPayments:
        "No payments yet. The first one appears here by itself.",
        "Noch keine Zahlungen. Die erste erscheint hier von selbst.",
        "Inga betalningar ännu. Den första visas här automatiskt.",
        "Aucun paiement pour l’instant. Le premier apparaîtra ici automatiquement.";
    KlarnaAway:
        "Klarna cannot be reached at present. What waits is sent by itself as soon as it can be.",
        "Klarna ist derzeit nicht erreichbar. Was wartet, wird automatisch gesendet, sobald es \
         möglich ist.",
        "Klarna kan inte nås just nu. Det som väntar skickas automatiskt så snart det går.",
        "Klarna est actuellement injoignable. Ce qui est en attente sera envoyé automatiquement \
         dès que possible.";
    DisplayTrouble:
        "The shopper's display does not work: {}",
        "Das Kundendisplay funktioniert nicht: {}",
        "Kunddisplayen fungerar inte: {}",
        "L’afficheur client ne fonctionne pas\u{a0}: {}";
    PersonNeeded: "{} to be seen to", "{} manuell zu klären", "{} att åtgärda", "{} à traiter";
    SearchedFor: "Searched for", "Gesucht nach", "Sökning efter", "Recherche de";
    NotOurs:
        "This terminal does not know the sale. It may have been sold at another terminal or \
         online: Klarna can be asked for it.",
        "Dieses Terminal kennt den Verkauf nicht. Er wurde möglicherweise an einem anderen \
         Terminal oder online getätigt: Er kann bei Klarna abgefragt werden.",
        "Den här terminalen känner inte till köpet. Det kan ha gjorts på en annan terminal eller \
         online: du kan hämta det från Klarna.",
        "Ce terminal ne connaît pas cette vente. Elle a peut-être été effectuée sur un autre \
         terminal ou en ligne\u{a0}: il est possible de la demander à Klarna.";
    ReadFromKlarna:
        "Read it from Klarna",
        "Von Klarna abrufen",
        "Hämta från Klarna",
        "Récupérer auprès de Klarna";
    NothingFound:
        "Nothing was found.",
        "Es wurde nichts gefunden.",
        "Inget hittades.",
        "Aucun résultat.";
    SearchHelp:
        "Try the number or code on the receipt, the till's reference, Klarna's transaction id, \
         or an amount with the time, such as 12.34 14:35.",
        "Versuchen Sie es mit der Nummer oder dem Code auf dem Beleg, der Kassenreferenz, der \
         Klarna-Transaktions-ID oder einem Betrag mit Uhrzeit, zum Beispiel 12,34 14:35.",
        "Prova med numret eller koden på kvittot, kassans referens, Klarnas transaktions-id \
         eller ett belopp med klockslag, till exempel 12,34 14:35.",
        "Essayez avec le numéro ou le code du ticket, la référence caisse, l’ID de transaction \
         Klarna ou un montant suivi de l’heure, par exemple 12,34 14:35.";
    // a payment
    PaymentTitle: "Payment {}", "Zahlung {}", "Betalning {}", "Paiement {}";
    PaymentLabel: "Payment", "Zahlung", "Betalning", "Paiement";
    WhatHappened: "What has happened", "Verlauf", "Händelser", "Historique";
    About: "About this sale", "Über diesen Verkauf", "Om köpet", "À propos de cette vente";
    Authorised: "Approved", "Autorisiert", "Godkänt", "Autorisé";
    Captured: "Captured", "Eingezogen", "Debiterat", "Encaissé";
    Refunded: "Given back", "Erstattet", "Återbetalt", "Remboursé";
    Released: "Released", "Freigegeben", "Frigjort", "Libéré";
    Capturable:
        "Can still be captured",
        "Noch einziehbar",
        "Kan ännu debiteras",
        "Peut encore être encaissé";
    Refundable:
        "Can still be given back",
        "Noch erstattbar",
        "Kan ännu återbetalas",
        "Peut encore être remboursé";
    CallWaits:
        "{} of {} waits for Klarna",
        "{} ({}) wartet auf Klarna",
        "{} ({}) väntar på Klarna",
        "{} ({}) en attente de Klarna";
    CallRefused:
        "Klarna has refused call {}; somebody has to see to it",
        "Klarna hat die Anfrage {} zurückgewiesen; jemand muss sich darum kümmern",
        "Klarna har avvisat anrop {}; någon måste åtgärda det",
        "Klarna a rejeté la requête {}\u{202f}; une intervention est nécessaire";
    OurReference: "Our reference", "Unsere Referenz", "Vår referens", "Notre référence";
    KlarnaId:
        "Klarna's transaction id",
        "Klarna-Transaktions-ID",
        "Klarnas transaktions-id",
        "ID de transaction Klarna";
    MerchantReference: "Order number", "Bestellnummer", "Ordernummer", "Numéro de commande";
    SoldBy: "Sold by", "Verkauft von", "Sålt av", "Vendu par";
    SoldElsewhere:
        "another terminal or the online shop",
        "einem anderen Terminal oder dem Onlineshop",
        "en annan terminal eller webbutiken",
        "un autre terminal ou la boutique en ligne";
    LineItems: "What was sold", "Verkaufte Artikel", "Sålda varor", "Articles vendus";
    Item: "Item", "Artikel", "Artikel", "Article";
    Quantity: "Quantity", "Menge", "Antal", "Quantité";
    OpCreate: "Payment request", "Zahlungsanforderung", "Betalningsbegäran", "Demande de paiement";
    OpCancel:
        "Closing of a payment request",
        "Schließen einer Zahlungsanforderung",
        "Stängning av betalningsbegäran",
        "Fermeture d’une demande de paiement";
    OpConfirm: "Confirmation", "Bestätigung", "Bekräftelse", "Confirmation";
    OpCapture: "Capture", "Einzug", "Debitering", "Encaissement";
    OpRefund: "Return", "Erstattung", "Återbetalning", "Remboursement";
    OpVoid: "Release", "Freigabe", "Frigöring", "Libération";
    OpUpdate:
        "New order number",
        "Neue Bestellnummer",
        "Nytt ordernummer",
        "Nouveau numéro de commande";
    OpCheck:
        "Comparison with Klarna",
        "Abgleich mit Klarna",
        "Avstämning mot Klarna",
        "Rapprochement avec Klarna";
    Return: "Return", "Rückgabe", "Återköp", "Rembourser";
    Receipt: "Receipt", "Beleg", "Kvitto", "Ticket";
    MerchantCopy: "Merchant copy", "Händlerbeleg", "Butikens kvitto", "Ticket commerçant";
    ReceiptTitle:
        "Receipt of payment {}",
        "Beleg zu Zahlung {}",
        "Kvitto för betalning {}",
        "Ticket du paiement {}";
    PrintPage: "Print this page", "Diese Seite drucken", "Skriv ut sidan", "Imprimer cette page";
    PrintReceipt:
        "Print on the receipt printer",
        "Auf dem Belegdrucker drucken",
        "Skriv ut på kvittoskrivaren",
        "Imprimer sur l’imprimante à tickets";
    PrintReport:
        "Print on the receipt printer",
        "Auf dem Belegdrucker drucken",
        "Skriv ut på kvittoskrivaren",
        "Imprimer sur l’imprimante à tickets";
    // what has happened
    HasSaleRequested:
        "The till asked for {}.",
        "Die Kasse hat {} angefordert.",
        "Kassan begärde {}.",
        "La caisse a demandé {}.";
    HasCreated:
        "The code was shown to the shopper.",
        "Der Code wurde dem Kunden angezeigt.",
        "Koden visades för kunden.",
        "Le code a été présenté au client.";
    HasUnavailable:
        "Klarna is not available for this purchase.",
        "Klarna ist für diesen Einkauf nicht verfügbar.",
        "Klarna kan inte användas för det här köpet.",
        "Klarna n’est pas disponible pour cet achat.";
    HasCreateRefused:
        "Klarna refused the payment request ({}).",
        "Klarna hat die Zahlungsanforderung zurückgewiesen ({}).",
        "Klarna avvisade betalningsbegäran ({}).",
        "Klarna a rejeté la demande de paiement ({}).";
    HasShopperOpened:
        "The shopper scanned the code.",
        "Der Kunde hat den Code gescannt.",
        "Kunden skannade koden.",
        "Le client a scanné le code.";
    HasShopperLeft:
        "The shopper left without paying; the code could be scanned again.",
        "Der Kunde hat abgebrochen, ohne zu bezahlen; der Code konnte erneut gescannt werden.",
        "Kunden lämnade utan att betala; koden kunde skannas igen.",
        "Le client est parti sans payer\u{202f}; le code pouvait être scanné à nouveau.";
    HasApproved:
        "The shopper approved; the payment was being confirmed.",
        "Der Kunde hat zugestimmt; die Bestätigung der Zahlung lief.",
        "Kunden godkände; betalningen höll på att bekräftas.",
        "Le client a donné son accord\u{202f}; le paiement était en cours de confirmation.";
    HasConfirmDoubted:
        "The answer to the confirmation was lost; Klarna was asked again.",
        "Die Antwort auf die Bestätigung ging verloren; Klarna wurde erneut gefragt.",
        "Svaret på bekräftelsen gick förlorat; Klarna tillfrågades igen.",
        "La réponse à la confirmation s’est perdue\u{202f}; Klarna a été interrogé à nouveau.";
    HasConfirmRefused:
        "Klarna refused the confirmation ({}); what is true was read.",
        "Klarna hat die Bestätigung zurückgewiesen ({}); der tatsächliche Stand wurde abgerufen.",
        "Klarna avvisade bekräftelsen ({}); det faktiska läget hämtades.",
        "Klarna a rejeté la confirmation ({})\u{202f}; l’état réel a été récupéré.";
    HasAuthorised:
        "Klarna confirmed {}.",
        "Klarna hat {} bestätigt.",
        "Klarna bekräftade {}.",
        "Klarna a confirmé {}.";
    HasAcknowledged:
        "The till acknowledged the result.",
        "Die Kasse hat das Ergebnis quittiert.",
        "Kassan kvitterade resultatet.",
        "La caisse a accusé réception du résultat.";
    HasGivenUp:
        "It was decided never to confirm: {}.",
        "Es wurde entschieden, nie zu bestätigen: {}.",
        "Det beslutades att aldrig bekräfta: {}.",
        "Il a été décidé de ne jamais confirmer\u{a0}: {}.";
    HasRequestEnded:
        "The payment request was closed; it can never be paid.",
        "Die Zahlungsanforderung wurde geschlossen; sie kann nie mehr bezahlt werden.",
        "Betalningsbegäran stängdes; den kan aldrig betalas.",
        "La demande de paiement a été fermée\u{202f}; elle ne pourra jamais être payée.";
    HasVoidNotAcknowledged:
        "The till did not acknowledge in time; all of it is given back.",
        "Die Kasse hat nicht rechtzeitig quittiert; der gesamte Betrag wird storniert.",
        "Kassan kvitterade inte i tid; hela beloppet makuleras.",
        "La caisse n’a pas accusé réception à temps\u{202f}; la totalité est annulée.";
    HasVoidRequested:
        "All of it is given back on request, before anything was captured.",
        "Der gesamte Betrag wird auf Anforderung storniert, bevor etwas eingezogen wurde.",
        "Hela beloppet makuleras på begäran, innan något har debiterats.",
        "La totalité est annulée sur demande, avant tout encaissement.";
    HasVoidLate:
        "The shopper paid after the till had been told “not paid”; all of it is given back.",
        "Der Kunde hat bezahlt, nachdem der Kasse „nicht bezahlt“ gemeldet worden war; der \
         gesamte Betrag wird storniert.",
        "Kunden betalade efter att kassan hade fått beskedet ”ej betald”; hela beloppet makuleras.",
        "Le client a payé après que «\u{a0}non payé\u{a0}» a été signalé à la caisse\u{202f}; la \
         totalité est annulée.";
    HasVoided:
        "Klarna released {}.",
        "Klarna hat {} freigegeben.",
        "Klarna frigjorde {}.",
        "Klarna a libéré {}.";
    HasCaptureQueued:
        "Capture of {} was queued.",
        "Der Einzug von {} wurde in die Warteschlange gestellt.",
        "Debiteringen av {} lades i kön.",
        "L’encaissement de {} a été mis en file d’attente.";
    HasCaptured:
        "Klarna captured {}.",
        "Klarna hat {} eingezogen.",
        "Klarna debiterade {}.",
        "Klarna a encaissé {}.";
    HasReleaseQueued:
        "Release of the rest, {}, was queued.",
        "Die Freigabe des Restbetrags von {} wurde in die Warteschlange gestellt.",
        "Frigöringen av återstående {} lades i kön.",
        "La libération du reste, {}, a été mise en file d’attente.";
    HasReleased:
        "Klarna released the rest, {}.",
        "Klarna hat den Restbetrag von {} freigegeben.",
        "Klarna frigjorde återstående {}.",
        "Klarna a libéré le reste, {}.";
    HasRefundQueued:
        "Return of {} was queued.",
        "Die Erstattung von {} wurde in die Warteschlange gestellt.",
        "Återbetalningen av {} lades i kön.",
        "Le remboursement de {} a été mis en file d’attente.";
    HasRefunded:
        "Klarna gave back {}.",
        "Klarna hat {} erstattet.",
        "Klarna återbetalade {}.",
        "Klarna a remboursé {}.";
    HasCallRefused:
        "Klarna refused a call ({}); somebody has to see to it.",
        "Klarna hat eine Anfrage zurückgewiesen ({}); jemand muss sich darum kümmern.",
        "Klarna avvisade ett anrop ({}); någon måste åtgärda det.",
        "Klarna a rejeté une requête ({})\u{202f}; une intervention est nécessaire.";
    HasRekeyed:
        "A call that had taken no effect was sent under a new key.",
        "Eine wirkungslos gebliebene Anfrage wurde mit einem neuen Schlüssel gesendet.",
        "Ett anrop som inte hade fått någon verkan skickades med en ny nyckel.",
        "Une requête restée sans effet a été envoyée avec une nouvelle clé.";
    HasCallRetried:
        "Somebody had a refused call sent again.",
        "Jemand hat eine zurückgewiesene Anfrage erneut senden lassen.",
        "Någon lät skicka ett avvisat anrop igen.",
        "Quelqu’un a fait renvoyer une requête rejetée.";
    HasCallResolved:
        "Somebody has seen to a refused call: {}",
        "Jemand hat sich um eine zurückgewiesene Anfrage gekümmert: {}",
        "Någon har åtgärdat ett avvisat anrop: {}",
        "Quelqu’un a traité une requête rejetée\u{a0}: {}";
    HasAdopted:
        "The sale of {} was read from Klarna.",
        "Der Verkauf über {} wurde von Klarna abgerufen.",
        "Köpet på {} hämtades från Klarna.",
        "La vente de {} a été récupérée auprès de Klarna.";
    HasUpdateQueued:
        "The new order number {} was queued.",
        "Die neue Bestellnummer {} wurde in die Warteschlange gestellt.",
        "Det nya ordernumret {} lades i kön.",
        "Le nouveau numéro de commande {} a été mis en file d’attente.";
    HasUpdated:
        "Klarna changed the order number.",
        "Klarna hat die Bestellnummer geändert.",
        "Klarna ändrade ordernumret.",
        "Klarna a modifié le numéro de commande.";
    HasCheckQueued:
        "A comparison with Klarna was queued.",
        "Ein Abgleich mit Klarna wurde in die Warteschlange gestellt.",
        "En avstämning mot Klarna lades i kön.",
        "Un rapprochement avec Klarna a été mis en file d’attente.";
    HasChecked:
        "Klarna's sums are ours.",
        "Die Beträge von Klarna stimmen mit unseren überein.",
        "Klarnas belopp stämmer med våra.",
        "Les montants de Klarna correspondent aux nôtres.";
    HasNotCompared:
        "Klarna's sums could not be compared.",
        "Die Beträge von Klarna konnten nicht abgeglichen werden.",
        "Klarnas belopp kunde inte stämmas av.",
        "Les montants de Klarna n’ont pas pu être comparés.";
    HasShiftEnded:
        "Shift {} was closed.",
        "Schicht {} wurde abgeschlossen.",
        "Skift {} avslutades.",
        "La session de caisse {} a été clôturée.";
    // returns
    ReturnTitle:
        "Return of payment {}",
        "Rückgabe zu Zahlung {}",
        "Återköp för betalning {}",
        "Remboursement du paiement {}";
    NothingToReturn:
        "Nothing of this sale can be given back.",
        "Von diesem Verkauf kann nichts erstattet werden.",
        "Inget av det här köpet kan återbetalas.",
        "Rien ne peut être remboursé sur cette vente.";
    WholeOnly:
        "Nothing has been captured yet, so only all of it can be given back.",
        "Es wurde noch nichts eingezogen, daher kann nur der gesamte Betrag erstattet werden.",
        "Inget har debiterats ännu, så bara hela beloppet kan återbetalas.",
        "Rien n’a encore été encaissé, seule la totalité peut donc être remboursée.";
    ChooseItems:
        "What comes back",
        "Zurückgegebene Artikel",
        "Varor som återlämnas",
        "Articles retournés";
    AmountBack:
        "Amount to give back, at most {}",
        "Zu erstattender Betrag, höchstens {}",
        "Belopp att återbetala, högst {}",
        "Montant à rembourser, au maximum {}";
    AmountHelp:
        "Leave it empty for what is chosen above, or for all that is left.",
        "Leer lassen für die oben gewählten Artikel oder für den gesamten Restbetrag.",
        "Lämna tomt för det som valts ovan eller för allt som återstår.",
        "Laissez vide pour ce qui est choisi ci-dessus, ou pour tout ce qui reste.";
    WrongAmount:
        "This amount cannot be given back. Give an amount above 0, not above what is left.",
        "Dieser Betrag kann nicht erstattet werden. Geben Sie einen Betrag über 0 an, höchstens \
         den Restbetrag.",
        "Det här beloppet kan inte återbetalas. Ange ett belopp över 0, högst det som återstår.",
        "Ce montant ne peut pas être remboursé. Indiquez un montant supérieur à 0, sans dépasser \
         ce qui reste.";
    Reason: "Reason", "Grund", "Orsak", "Motif";
    Note: "Note", "Bemerkung", "Anteckning", "Remarque";
    WrongNote:
        "Choose a reason; the note may have 200 plain characters.",
        "Wählen Sie einen Grund; die Bemerkung darf höchstens 200 einfache Zeichen enthalten.",
        "Välj en orsak; anteckningen får innehålla högst 200 vanliga tecken.",
        "Choisissez un motif\u{202f}; la remarque peut contenir jusqu’à 200 caractères simples.";
    WhyReturned: "Goods returned", "Ware zurückgegeben", "Vara återlämnad", "Marchandise retournée";
    WhyDamaged:
        "Damaged or defective",
        "Beschädigt oder defekt",
        "Skadad eller defekt",
        "Endommagé ou défectueux";
    WhyWrongPrice: "Wrong price", "Falscher Preis", "Fel pris", "Prix erroné";
    WhyGoodwill: "Goodwill", "Kulanz", "Goodwill", "Geste commercial";
    WhyOther: "Another reason", "Anderer Grund", "Annan orsak", "Autre motif";
    ReturnQuestion: "Give {} back?", "{} erstatten?", "Återbetala {}?", "Rembourser {}\u{202f}?";
    ReturnNow:
        "Give {} back now",
        "{} jetzt erstatten",
        "Återbetala {} nu",
        "Rembourser {} maintenant";
    ReturnWaits:
        "Klarna cannot be reached at present. The return is recorded now and carried out by \
         itself, once, when the connection is back.",
        "Klarna ist derzeit nicht erreichbar. Die Rückgabe wird jetzt erfasst und automatisch \
         genau einmal ausgeführt, sobald die Verbindung wieder besteht.",
        "Klarna kan inte nås just nu. Återköpet registreras nu och genomförs automatiskt, en \
         enda gång, när anslutningen är tillbaka.",
        "Klarna est actuellement injoignable. Le remboursement est enregistré maintenant et sera \
         exécuté automatiquement, une seule fois, au retour de la connexion.";
    OverLimit:
        "This is above your limit of {} for one sale; ask an admin.",
        "Dies übersteigt Ihr Limit von {} je Verkauf; wenden Sie sich an einen Administrator.",
        "Det här överskrider din gräns på {} per köp; fråga en administratör.",
        "Ceci dépasse votre limite de {} par vente\u{202f}; adressez-vous à un administrateur.";
    // queue
    WaitForKlarna:
        "Waiting for Klarna",
        "Wartet auf Klarna",
        "Väntar på Klarna",
        "En attente de Klarna";
    NeedPerson:
        "To be seen to by a person",
        "Manuell zu klären",
        "Att åtgärda manuellt",
        "À traiter manuellement";
    NothingWaits: "Nothing waits.", "Es wartet nichts.", "Inget väntar.", "Rien en attente.";
    TryAllNow:
        "Try all of it now",
        "Alles jetzt versuchen",
        "Försök med allt nu",
        "Tout essayer maintenant";
    Call: "Call", "Anfrage", "Anrop", "Requête";
    CallTitle: "Call {}", "Anfrage {}", "Anrop {}", "Requête {}";
    KlarnaSays: "Klarna says", "Antwort von Klarna", "Klarnas svar", "Réponse de Klarna";
    NextAttempt: "Next attempt", "Nächster Versuch", "Nästa försök", "Prochain essai";
    AsSoonAsPossible:
        "as soon as possible",
        "so bald wie möglich",
        "så snart som möjligt",
        "dès que possible";
    Key: "Idempotency key", "Idempotenzschlüssel", "Idempotensnyckel", "Clé d’idempotence";
    ErrorId:
        "Error id for Klarna's support",
        "Fehler-ID für den Klarna-Support",
        "Fel-id för Klarnas support",
        "ID d’erreur pour l’assistance Klarna";
    CallQueued: "Waits for Klarna", "Wartet auf Klarna", "Väntar på Klarna", "En attente de Klarna";
    CallNeedsPerson:
        "Refused, to be seen to by a person",
        "Zurückgewiesen, manuell zu klären",
        "Avvisat, kräver manuell åtgärd",
        "Rejetée, à traiter manuellement";
    CallClosed: "Done", "Erledigt", "Klart", "Terminée";
    Retry: "Send it again", "Erneut senden", "Skicka igen", "Renvoyer";
    RetryHelp:
        "Looks at Klarna whether it has taken effect after all, and sends it again only if not.",
        "Prüft bei Klarna, ob die Anfrage doch wirksam geworden ist, und sendet sie nur \
         andernfalls erneut.",
        "Kontrollerar hos Klarna om anropet ändå har fått verkan och skickar det igen bara om så \
         inte är fallet.",
        "Vérifie auprès de Klarna si la requête a malgré tout pris effet et ne la renvoie que \
         dans le cas contraire.";
    Resolve:
        "Take it off the list",
        "Von der Liste nehmen",
        "Ta bort från listan",
        "Retirer de la liste";
    ResolveHelp:
        "If it was seen to in another way, for example in cash or in Klarna's portal, say what \
         was done. Nothing is sent.",
        "Wenn es auf andere Weise erledigt wurde, zum Beispiel bar oder im Klarna-Portal, geben \
         Sie an, was getan wurde. Es wird nichts gesendet.",
        "Om det har åtgärdats på annat sätt, till exempel kontant eller i Klarnas portal, ange \
         vad som gjordes. Inget skickas.",
        "Si le cas a été réglé autrement, par exemple en espèces ou dans le portail Klarna, \
         indiquez ce qui a été fait. Rien n’est envoyé.";
    WhatWasDone: "What was done", "Was getan wurde", "Vad som gjordes", "Ce qui a été fait";
    // shift
    OpenShift:
        "Shift {}, open",
        "Schicht {}, offen",
        "Skift {}, öppet",
        "Session de caisse {}, ouverte";
    ClosedShift:
        "Shift {}, closed",
        "Schicht {}, abgeschlossen",
        "Skift {}, avslutat",
        "Session de caisse {}, clôturée";
    CloseShift:
        "Close the shift",
        "Schicht abschließen",
        "Avsluta skiftet",
        "Clôturer la session de caisse";
    CloseQuestion:
        "This closes shift {}. It cannot be opened again; what is sold from now on belongs to \
         the next one.",
        "Hiermit wird Schicht {} abgeschlossen. Sie kann nicht wieder geöffnet werden; was ab \
         jetzt verkauft wird, gehört zur nächsten.",
        "Det här avslutar skift {}. Det kan inte öppnas igen; det som säljs från och med nu hör \
         till nästa.",
        "Ceci clôture la session de caisse {}. Elle ne pourra pas être rouverte\u{202f}; ce qui \
         est vendu à partir de maintenant appartient à la suivante.";
    CloseNow:
        "Close shift {} now",
        "Schicht {} jetzt abschließen",
        "Avsluta skift {} nu",
        "Clôturer la session de caisse {} maintenant";
    History:
        "Earlier shifts",
        "Frühere Schichten",
        "Tidigare skift",
        "Sessions de caisse précédentes";
    NoTurnover:
        "Nothing has been sold in this shift yet.",
        "In dieser Schicht wurde noch nichts verkauft.",
        "Inget har sålts under det här skiftet ännu.",
        "Rien n’a encore été vendu pendant cette session de caisse.";
    NoShifts:
        "No shift has been closed yet.",
        "Es wurde noch keine Schicht abgeschlossen.",
        "Inget skift har avslutats ännu.",
        "Aucune session de caisse n’a encore été clôturée.";
    Sales: "Sales", "Verkäufe", "Köp", "Ventes";
    Voided: "Given back whole", "Storniert", "Makulerat", "Annulé";
    Net: "Net", "Saldo", "Netto", "Net";
    StillWaiting:
        "Apart from it, still waiting for Klarna",
        "Nicht enthalten, wartet noch auf Klarna",
        "Ej inräknat, väntar ännu på Klarna",
        "Non compris, encore en attente de Klarna";
    ClosedAt: "Closed", "Abgeschlossen", "Avslutat", "Clôturée";
    CapturesQueued:
        "Captures queued by the closing",
        "Durch den Abschluss eingereihte Einzüge",
        "Debiteringar som köades vid avslutet",
        "Encaissements mis en file d’attente par la clôture";
    Report: "Report", "Bericht", "Rapport", "Rapport";
    // health
    Reachable: "can be reached", "erreichbar", "kan nås", "joignable";
    Unreachable: "cannot be reached", "nicht erreichbar", "kan inte nås", "injoignable";
    LastAnswer:
        "Klarna's last answer",
        "Letzte Antwort von Klarna",
        "Klarnas senaste svar",
        "Dernière réponse de Klarna";
    Latency:
        "Time of the last exchange",
        "Dauer des letzten Austauschs",
        "Svarstid vid senaste utbytet",
        "Durée du dernier échange";
    Clock: "Clock", "Uhr", "Klocka", "Horloge";
    ClockOffset:
        "Klarna's clock is ahead by",
        "Klarnas Uhr geht vor um",
        "Klarnas klocka går före med",
        "L’horloge de Klarna avance de";
    OffBy: "{} s", "{} s", "{} s", "{} s";
    Storage: "Storage", "Speicher", "Lagring", "Stockage";
    Display: "Shopper's display", "Kundendisplay", "Kunddisplay", "Afficheur client";
    Till: "Till", "Kasse", "Kassa", "Caisse";
    Works: "works", "funktioniert", "fungerar", "fonctionne";
    Connected: "connected", "verbunden", "ansluten", "connectée";
    NotConnected: "not connected", "nicht verbunden", "inte ansluten", "non connectée";
    OldestWaits:
        "The oldest waits for",
        "Längste Wartezeit",
        "Längsta väntetid",
        "Attente la plus longue";
    Uncaptured:
        "Approved and not captured",
        "Autorisiert und nicht eingezogen",
        "Godkända och inte debiterade",
        "Autorisés et non encaissés";
    Lapsing: "About to lapse", "Kurz vor dem Verfall", "Förfaller snart", "Sur le point d’expirer";
    Version: "Version", "Version", "Version", "Version";
    Certificate: "Certificate", "Zertifikat", "Certifikat", "Certificat";
    SelfMade:
        "made by this terminal",
        "von diesem Terminal ausgestellt",
        "utfärdat av den här terminalen",
        "émis par ce terminal";
    ValidFromTo: "valid", "gültig", "giltigt", "valable";
    Expired: "expired", "abgelaufen", "utgånget", "expiré";
    Fingerprint:
        "Fingerprint (SHA-256)",
        "Fingerabdruck (SHA-256)",
        "Fingeravtryck (SHA-256)",
        "Empreinte (SHA-256)";
    ApiKeySince:
        "Klarna's key unchanged since",
        "Klarna-Schlüssel unverändert seit",
        "Klarnas nyckel oförändrad sedan",
        "Clé Klarna inchangée depuis";
    NoAlarms: "No alarms.", "Keine Alarme.", "Inga larm.", "Aucune alerte.";
    AlarmQueueOld:
        "A call has waited for Klarna for too long. Look at the network.",
        "Eine Anfrage wartet schon zu lange auf Klarna. Prüfen Sie das Netzwerk.",
        "Ett anrop har väntat på Klarna för länge. Kontrollera nätverket.",
        "Une requête attend Klarna depuis trop longtemps. Vérifiez le réseau.";
    AlarmQueueLong:
        "Too many calls wait for Klarna. Look at the network.",
        "Zu viele Anfragen warten auf Klarna. Prüfen Sie das Netzwerk.",
        "För många anrop väntar på Klarna. Kontrollera nätverket.",
        "Trop de requêtes attendent Klarna. Vérifiez le réseau.";
    AlarmNeedsPerson:
        "Klarna has refused a call. See to it in the queue.",
        "Klarna hat eine Anfrage zurückgewiesen. Kümmern Sie sich in der Warteschlange darum.",
        "Klarna har avvisat ett anrop. Åtgärda det i kön.",
        "Klarna a rejeté une requête. Traitez-la dans la file d’attente.";
    AlarmLapse:
        "Approved sales are about to lapse uncaptured. Capture or release them.",
        "Autorisierte Verkäufe verfallen demnächst ohne Einzug. Ziehen Sie sie ein oder geben \
         Sie sie frei.",
        "Godkända köp förfaller snart utan att ha debiterats. Debitera eller frigör dem.",
        "Des ventes autorisées sont sur le point d’expirer sans encaissement. Encaissez-les ou \
         libérez-les.";
    SettingsHelp:
        "The settings are in the terminal's configuration file; secrets are not shown.",
        "Die Einstellungen stehen in der Konfigurationsdatei des Terminals; geheime Werte werden \
         nicht angezeigt.",
        "Inställningarna finns i terminalens konfigurationsfil; hemligheter visas inte.",
        "Les paramètres se trouvent dans le fichier de configuration du terminal\u{202f}; les \
         secrets ne sont pas affichés.";
    // signing in
    SignIn: "Sign in", "Anmelden", "Logga in", "Se connecter";
    SetUp:
        "Set up the console",
        "Konsole einrichten",
        "Konfigurera konsolen",
        "Configurer la console";
    SetUpHelp:
        "There is no user yet. The terminal's own screen shows a code on its information page; \
         with it you make the first user, who may do everything.",
        "Es gibt noch keinen Benutzer. Der Bildschirm des Terminals zeigt auf seiner \
         Informationsseite einen Code; damit legen Sie den ersten Benutzer an, der alles darf.",
        "Det finns ingen användare ännu. Terminalens egen skärm visar en kod på \
         informationssidan; med den skapar du den första användaren, som får göra allt.",
        "Il n’y a encore aucun utilisateur. L’écran du terminal affiche un code sur sa page \
         d’informations\u{202f}; avec ce code, vous créez le premier utilisateur, qui a tous les \
         droits.";
    SetUpCode:
        "Code on the terminal's screen",
        "Code auf dem Bildschirm des Terminals",
        "Kod på terminalens skärm",
        "Code affiché sur l’écran du terminal";
    UserName: "User name", "Benutzername", "Användarnamn", "Nom d’utilisateur";
    Pin: "PIN", "PIN", "PIN-kod", "Code PIN";
    PinRules:
        "6 to 12 digits, not too easily guessed.",
        "6 bis 12 Ziffern, nicht zu leicht zu erraten.",
        "6 till 12 siffror, inte för lätt att gissa.",
        "6 à 12 chiffres, pas trop faciles à deviner.";
    PinRepeated:
        "The same PIN again",
        "Dieselbe PIN noch einmal",
        "Samma PIN-kod igen",
        "Le même code PIN à nouveau";
    PinsDiffer:
        "The two PINs are not the same.",
        "Die beiden PINs stimmen nicht überein.",
        "De två PIN-koderna är inte lika.",
        "Les deux codes PIN ne sont pas identiques.";
    PinNow: "Your PIN now", "Ihre jetzige PIN", "Din nuvarande PIN-kod", "Votre code PIN actuel";
    PinNew: "New PIN", "Neue PIN", "Ny PIN-kod", "Nouveau code PIN";
    ChangePin: "Change the PIN", "PIN ändern", "Byt PIN-kod", "Changer le code PIN";
    MyPin:
        "Your PIN and sessions",
        "Ihre PIN und Sitzungen",
        "Din PIN-kod och dina sessioner",
        "Votre code PIN et vos connexions";
    MustChangePin:
        "This is your first PIN. Choose one of your own.",
        "Dies ist Ihre Start-PIN. Wählen Sie eine eigene.",
        "Det här är din första PIN-kod. Välj en egen.",
        "Ceci est votre code PIN initial. Choisissez le vôtre.";
    SignOutEverywhere:
        "Sign out everywhere",
        "Überall abmelden",
        "Logga ut överallt",
        "Déconnecter partout";
    SignOutEverywhereHelp:
        "Ends all your sessions, on every device.",
        "Beendet alle Ihre Sitzungen auf allen Geräten.",
        "Avslutar alla dina sessioner, på alla enheter.",
        "Met fin à toutes vos connexions, sur tous les appareils.";
    // users
    Role: "Role", "Rolle", "Roll", "Rôle";
    RoleCashier: "Cashier", "Kassierer", "Kassör", "Caissier";
    RoleManager: "Manager", "Manager", "Butikschef", "Responsable";
    RoleAdmin: "Admin", "Administrator", "Administratör", "Administrateur";
    Locked: "locked", "gesperrt", "spärrad", "bloqué";
    FirstPinPending:
        "first PIN not changed yet",
        "Start-PIN noch nicht geändert",
        "första PIN-koden inte bytt ännu",
        "code PIN initial pas encore changé";
    LastSignIn: "Last signed in", "Letzte Anmeldung", "Senast inloggad", "Dernière connexion";
    AddUser: "Add a user", "Benutzer hinzufügen", "Lägg till användare", "Ajouter un utilisateur";
    ChangeRole: "Change the role", "Rolle ändern", "Byt roll", "Changer le rôle";
    NewPin: "New first PIN", "Neue Start-PIN", "Ny första PIN-kod", "Nouveau code PIN initial";
    Lock: "Lock", "Sperren", "Spärra", "Bloquer";
    Unlock: "Unlock", "Entsperren", "Häv spärren", "Débloquer";
    FirstPin: "First PIN", "Start-PIN", "Första PIN-kod", "Code PIN initial";
    FirstPinFor:
        "The first PIN of {} is:",
        "Die Start-PIN für {} lautet:",
        "Den första PIN-koden för {} är:",
        "Le code PIN initial pour {} est\u{a0}:";
    FirstPinHelp:
        "It is shown this once, has to be changed at the first sign-in, and is good for seven \
         days.",
        "Sie wird nur dieses eine Mal angezeigt, muss bei der ersten Anmeldung geändert werden \
         und gilt sieben Tage.",
        "Den visas bara den här gången, måste bytas vid första inloggningen och gäller i sju \
         dagar.",
        "Il n’est affiché que cette fois, doit être changé à la première connexion et reste \
         valable sept jours.";
    AuditWhole:
        "The journal is whole: {} entries, each linked to the one before. Its newest link:",
        "Das Protokoll ist lückenlos: {} Einträge, jeder mit dem vorherigen verkettet. Das \
         neueste Kettenglied:",
        "Loggen är obruten: {} poster, var och en länkad till den föregående. Den senaste länken:",
        "Le journal est intact\u{a0}: {} entrées, chacune liée à la précédente. Son maillon le \
         plus récent\u{a0}:";
    // troubles
    NotAllowed:
        "You may not do that",
        "Dazu sind Sie nicht berechtigt",
        "Du har inte behörighet till det",
        "Vous n’avez pas le droit de faire cela";
    NotAllowedAdvice:
        "Your role does not allow it. Ask a manager or an admin.",
        "Ihre Rolle erlaubt es nicht. Wenden Sie sich an einen Manager oder Administrator.",
        "Din roll tillåter det inte. Fråga en butikschef eller administratör.",
        "Votre rôle ne le permet pas. Adressez-vous à un responsable ou à un administrateur.";
    NotFound:
        "There is no such page",
        "Diese Seite gibt es nicht",
        "Sidan finns inte",
        "Cette page n’existe pas";
    NotFoundAdvice:
        "The link is old or the number is wrong. Search for the sale above or go back to the \
         first page.",
        "Der Link ist veraltet oder die Nummer ist falsch. Suchen Sie oben nach dem Verkauf oder \
         gehen Sie zurück zur Startseite.",
        "Länken är gammal eller numret är fel. Sök efter köpet ovan eller gå tillbaka till \
         startsidan.",
        "Le lien est périmé ou le numéro est erroné. Recherchez la vente ci-dessus ou revenez à \
         la page d’accueil.";
    WrongName:
        "This is not the terminal's name",
        "Dies ist nicht der Name des Terminals",
        "Det här är inte terminalens namn",
        "Ce n’est pas le nom du terminal";
    WrongNameAdvice:
        "Open the console by the terminal's address, or by a name that stands in its \
         configuration.",
        "Öffnen Sie die Konsole über die Adresse des Terminals oder über einen Namen, der in \
         seiner Konfiguration steht.",
        "Öppna konsolen via terminalens adress eller via ett namn som står i dess konfiguration.",
        "Ouvrez la console par l’adresse du terminal ou par un nom qui figure dans sa \
         configuration.";
    Forged:
        "This form was not sent by this page",
        "Dieses Formular wurde nicht von dieser Seite gesendet",
        "Formuläret skickades inte från den här sidan",
        "Ce formulaire n’a pas été envoyé par cette page";
    ForgedAdvice:
        "Nothing was done. Go back, load the page anew and try again.",
        "Es wurde nichts ausgeführt. Gehen Sie zurück, laden Sie die Seite neu und versuchen Sie \
         es erneut.",
        "Inget har utförts. Gå tillbaka, läs in sidan på nytt och försök igen.",
        "Rien n’a été effectué. Revenez en arrière, rechargez la page et réessayez.";
    BadForm:
        "The form cannot be read",
        "Das Formular kann nicht gelesen werden",
        "Formuläret kan inte läsas",
        "Le formulaire ne peut pas être lu";
    BadFormAdvice:
        "Nothing was done. Go back, check what you wrote and try again.",
        "Es wurde nichts ausgeführt. Gehen Sie zurück, prüfen Sie Ihre Eingaben und versuchen \
         Sie es erneut.",
        "Inget har utförts. Gå tillbaka, kontrollera vad du skrev och försök igen.",
        "Rien n’a été effectué. Revenez en arrière, vérifiez votre saisie et réessayez.";
    TooOften:
        "Too many requests",
        "Zu viele Anfragen",
        "För många förfrågningar",
        "Trop de demandes";
    TooOftenAdvice:
        "Wait a moment and try again.",
        "Warten Sie einen Moment und versuchen Sie es erneut.",
        "Vänta en stund och försök igen.",
        "Patientez un instant et réessayez.";
    TooSlow:
        "It took too long",
        "Es hat zu lange gedauert",
        "Det tog för lång tid",
        "L’opération a pris trop de temps";
    RefusedTitle:
        "It was refused",
        "Es wurde abgelehnt",
        "Det nekades",
        "L’opération a été refusée";
    RefusedAdvice:
        "Nothing was done.",
        "Es wurde nichts ausgeführt.",
        "Inget har utförts.",
        "Rien n’a été effectué.";
    WaitFor:
        "Too many wrong tries: wait {} and try again",
        "Zu viele Fehlversuche: Warten Sie {} und versuchen Sie es erneut",
        "För många felaktiga försök: vänta {} och försök igen",
        "Trop d’essais erronés\u{a0}: attendez {} et réessayez";
    NothingDone:
        "The terminal refused it",
        "Das Terminal hat es abgelehnt",
        "Terminalen nekade det",
        "Le terminal a refusé l’opération";
    NothingDoneAdvice:
        "Nothing was done and nothing has changed.",
        "Es wurde nichts ausgeführt und nichts hat sich geändert.",
        "Inget har utförts och inget har ändrats.",
        "Rien n’a été effectué et rien n’a changé.";
    NoAnswer:
        "The terminal has not answered",
        "Das Terminal hat nicht geantwortet",
        "Terminalen har inte svarat",
        "Le terminal n’a pas répondu";
    NoAnswerAdvice:
        "What is true is in the payment and in the queue: look there before you try again. \
         Nothing is ever done twice.",
        "Den tatsächlichen Stand finden Sie bei der Zahlung und in der Warteschlange: Sehen Sie \
         dort nach, bevor Sie es erneut versuchen. Nichts wird je doppelt ausgeführt.",
        "Det faktiska läget finns i betalningen och i kön: titta där innan du försöker igen. \
         Inget utförs någonsin två gånger.",
        "L’état réel se trouve dans le paiement et dans la file d’attente\u{a0}: regardez-y \
         avant de réessayer. Rien n’est jamais effectué deux fois.";
    Stale:
        "This has changed in the meantime",
        "Dies hat sich inzwischen geändert",
        "Det här har ändrats under tiden",
        "Ceci a changé entre-temps";
    StaleAdvice:
        "Something else was done with it since you opened the page, maybe in another window. \
         Nothing was done twice: look at it again.",
        "Seit Sie die Seite geöffnet haben, ist damit etwas anderes geschehen, vielleicht in \
         einem anderen Fenster. Nichts wurde doppelt ausgeführt: Sehen Sie es sich noch einmal an.",
        "Något annat har gjorts med det sedan du öppnade sidan, kanske i ett annat fönster. \
         Inget har utförts två gånger: titta på det igen.",
        "Autre chose a été fait depuis que vous avez ouvert la page, peut-être dans une autre \
         fenêtre. Rien n’a été effectué deux fois\u{a0}: regardez à nouveau.";
    StorageTrouble:
        "The terminal cannot read or write its journal",
        "Das Terminal kann sein Journal nicht lesen oder schreiben",
        "Terminalen kan inte läsa eller skriva i sin journal",
        "Le terminal ne peut pas lire ou écrire son journal";
    StorageAdvice:
        "Nothing was done. Ask for support.",
        "Es wurde nichts ausgeführt. Wenden Sie sich an den Support.",
        "Inget har utförts. Kontakta supporten.",
        "Rien n’a été effectué. Contactez l’assistance.";
    PrinterTrouble:
        "The receipt was not printed",
        "Der Beleg wurde nicht gedruckt",
        "Kvittot skrevs inte ut",
        "Le ticket n’a pas été imprimé";
    PrinterAdvice:
        "Look at the printer and try again.",
        "Prüfen Sie den Drucker und versuchen Sie es erneut.",
        "Kontrollera skrivaren och försök igen.",
        "Vérifiez l’imprimante et réessayez.";
    Defect:
        "This page has a defect",
        "Diese Seite hat einen Fehler",
        "Det är ett fel på den här sidan",
        "Cette page présente un défaut";
    DefectAdvice:
        "Payments go on. The terminal's log says more.",
        "Zahlungen laufen weiter. Näheres steht im Log des Terminals.",
        "Betalningar fungerar fortfarande. Mer information finns i terminalens logg.",
        "Les paiements continuent. Le fichier log du terminal en dit plus.";
}
