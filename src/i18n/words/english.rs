//! English, British where it differs.

use crate::i18n::Text;

pub(super) fn text(text: Text) -> &'static str {
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
