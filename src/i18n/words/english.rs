//! English, British where it differs.

use crate::i18n::{Printed, Text};

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
        Text::TimeLeft => "Time left",
        Text::TimeNearlyUp => "Time is almost up",
        Text::Refunding => "Your return is being processed",
        Text::Refunded => "Refund complete",
        Text::RefundQueued => "Refund accepted",
        Text::RefundFollows => "The money will be sent as soon as Klarna can be reached",
        Text::MoneyGoesBack => "The money goes back the way you paid",
        Text::Updating => "Software update",
        Text::BackSoon => "We will be back in a few minutes",
        Text::NoTill => "No till connected",
        Text::ClockWrong => "The clock is wrong",
        Text::StorageFull => "Storage is full",
        Text::OpenLink => "Open this link to pay with Klarna",
        Text::TerminalInformation => "Terminal information",
        Text::Version => "Version",
        Text::Terminal => "Terminal",
        Text::Network => "Network",
        Text::Online => "Online",
        Text::Offline => "Offline",
        Text::Waiting => "Waiting",
        Text::LastSync => "Last sync",
        Text::Never => "Never",
        Text::Support => "Support code",
    }
}

pub(super) fn printed(word: Printed) -> &'static str {
    match word {
        Printed::Paid => "PAID",
        Printed::NotPaid => "NOT PAID",
        Printed::Voided => "VOIDED",
        Printed::Time => "Time",
        Printed::TimeNotSet => "Time not set",
        Printed::Payment => "Payment",
        Printed::Reference => "Reference",
        Printed::NotFiscal => "This is not a fiscal receipt",
    }
}
