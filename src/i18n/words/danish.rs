//! Danish; shoppers are addressed as »du«.

use crate::i18n::Text;

pub(super) fn text(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Velkommen",
        Text::PayHere => "Her kan du betale med Klarna",
        Text::Preparing => "Forbereder din betaling",
        Text::ScanToPay => "Scan for at betale med Klarna",
        Text::ScanAgain => "Ikke gennemført\u{a0}– scan igen",
        Text::OnYourPhone => "Fortsæt på din mobil",
        Text::FinishOnPhone => "Godkend betalingen hos Klarna",
        Text::Confirming => "Bekræfter din betaling",
        Text::OneMoment => "Et øjeblik",
        Text::Paid => "Betalingen er godkendt",
        Text::ThankYou => "Tak",
        Text::Cancelled => "Betalingen er annulleret",
        Text::NotCompleted => "Betalingen blev ikke gennemført",
        Text::NothingCharged => "Der er ikke trukket noget beløb",
        Text::NotAvailable => "Klarna kan ikke bruges til dette køb",
        Text::NoConnection => "Ingen forbindelse til Klarna",
        Text::PayAnotherWay => "Betal på en anden måde",
        Text::PleaseWait => "Vent venligst",
        Text::DoNotPayAgain => "Betal ikke igen. Spørg personalet.",
        Text::OutOfService => "Ude af drift",
        Text::AskStaff => "Spørg personalet",
        Text::Code => "Kode",
    }
}
