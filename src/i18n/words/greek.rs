//! Greek, with tonos except in capitals; shoppers are addressed in the plural.

use crate::i18n::{Printed, Text};

pub(super) fn text(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Καλώς ήρθατε",
        Text::PayHere => "Εδώ μπορείτε να πληρώσετε με Klarna",
        Text::Preparing => "Προετοιμασία πληρωμής",
        Text::ScanToPay => "Σαρώστε για πληρωμή με Klarna",
        Text::ScanAgain => "Δεν ολοκληρώθηκε\u{a0}– σαρώστε ξανά",
        Text::OnYourPhone => "Συνεχίστε στο κινητό σας",
        Text::FinishOnPhone => "Εγκρίνετε την πληρωμή στην Klarna",
        Text::Confirming => "Επιβεβαίωση πληρωμής",
        Text::OneMoment => "Μια στιγμή, παρακαλώ",
        Text::Paid => "Η πληρωμή εγκρίθηκε",
        Text::ThankYou => "Ευχαριστούμε",
        Text::Cancelled => "Η πληρωμή ακυρώθηκε",
        Text::NotCompleted => "Η πληρωμή δεν ολοκληρώθηκε",
        Text::NothingCharged => "Δεν έγινε καμία χρέωση",
        Text::NotAvailable => "Η Klarna δεν είναι διαθέσιμη για αυτήν την αγορά",
        Text::NoConnection => "Δεν υπάρχει σύνδεση με την Klarna",
        Text::PayAnotherWay => "Παρακαλούμε πληρώστε με άλλον τρόπο",
        Text::PleaseWait => "Παρακαλούμε περιμένετε",
        Text::DoNotPayAgain => "Μην πληρώσετε ξανά. Απευθυνθείτε στο προσωπικό.",
        Text::OutOfService => "Εκτός λειτουργίας",
        Text::AskStaff => "Απευθυνθείτε στο προσωπικό",
        Text::Code => "Κωδικός",
        Text::TimeLeft => "Υπολειπόμενος χρόνος",
        Text::TimeNearlyUp => "Ο χρόνος τελειώνει",
        Text::Refunding => "Η επιστροφή σας βρίσκεται σε επεξεργασία",
        Text::Refunded => "Η επιστροφή χρημάτων ολοκληρώθηκε",
        Text::RefundQueued => "Η επιστροφή χρημάτων έγινε δεκτή",
        Text::RefundFollows => "Τα χρήματα θα σταλούν μόλις υπάρξει σύνδεση με την Klarna",
        Text::MoneyGoesBack => "Τα χρήματα επιστρέφονται με τον τρόπο που πληρώσατε",
        Text::Updating => "Ενημέρωση λογισμικού",
        Text::BackSoon => "Θα επιστρέψουμε σε λίγα λεπτά",
        Text::NoTill => "Δεν έχει συνδεθεί ταμείο",
        Text::ClockWrong => "Το ρολόι δεν δείχνει τη σωστή ώρα",
        Text::StorageFull => "Ο χώρος αποθήκευσης είναι πλήρης",
        Text::OpenLink => "Ανοίξτε αυτόν τον σύνδεσμο για πληρωμή με Klarna",
        Text::TerminalInformation => "Πληροφορίες τερματικού",
        Text::Version => "Έκδοση",
        Text::Terminal => "Τερματικό",
        Text::Network => "Δίκτυο",
        Text::Online => "Σε σύνδεση",
        Text::Offline => "Εκτός σύνδεσης",
        Text::Waiting => "Σε αναμονή",
        Text::LastSync => "Τελευταίος συγχρονισμός",
        Text::Never => "Ποτέ",
        Text::Support => "Κωδικός υποστήριξης",
    }
}

pub(super) fn printed(word: Printed) -> &'static str {
    match word {
        Printed::Paid => "ΠΛΗΡΩΘΗΚΕ",
        Printed::NotPaid => "ΔΕΝ ΠΛΗΡΩΘΗΚΕ",
        Printed::Voided => "ΑΚΥΡΩΘΗΚΕ",
        Printed::Time => "Ώρα",
        Printed::TimeNotSet => "Η ώρα δεν έχει ρυθμιστεί",
        Printed::Payment => "Πληρωμή",
        Printed::Reference => "Κωδικός αναφοράς",
        Printed::NotFiscal => "Δεν αποτελεί φορολογική απόδειξη",
    }
}
