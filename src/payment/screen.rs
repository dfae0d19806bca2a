//! What the shopper's screen shows of a payment. It knows neither pixels nor words.

use super::account::Payment;
use super::event::NotPaid;
use super::state::State;
use super::vocabulary::SaleOutcome;
use crate::clock::Now;
use crate::id::DistributionUrl;
use crate::money::Amount;

/// What the shopper's display shows. Two equal screens look the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screen {
    /// No payment: welcome, merchant name.
    Idle,
    /// A sale has come in; Klarna is being asked.
    Checking {
        /// What is to be paid.
        amount: Amount,
    },
    /// The QR code.
    Scan {
        /// What the code carries.
        url: DistributionUrl,
        /// What is to be paid.
        amount: Amount,
        /// Klarna's own words for the offer, if it gave any.
        descriptor: Option<String>,
        /// The shopper was in the flow and came back without paying.
        again: bool,
        /// Seconds until the sale times out.
        seconds_left: u32,
    },
    /// The shopper has opened the page on the phone.
    ShopperPaying {
        /// What is to be paid.
        amount: Amount,
        /// Seconds until the sale times out.
        seconds_left: u32,
    },
    /// The shopper has approved; the payment is being confirmed.
    Confirming {
        /// What is to be paid.
        amount: Amount,
    },
    /// Paid.
    Approved {
        /// What was paid.
        amount: Amount,
    },
    /// Cancelled at the till or by the shopper; nothing was taken.
    Cancelled,
    /// The payment was not completed in time or was declined; nothing was taken.
    NotCompleted,
    /// Klarna is not available for this purchase; pay in another way.
    NotAvailable,
    /// Klarna cannot be reached; pay in another way.
    NoConnection,
    /// The outcome is not known yet; the terminal keeps asking. Ask staff, do not pay again.
    UnknownOutcome {
        /// What may have been paid.
        amount: Amount,
    },
    /// The terminal cannot take payments.
    OutOfService {
        /// A short code that staff can look up, such as `storage`.
        reason: &'static str,
    },
}

/// While it runs.
pub(super) fn running_screen(payment: &Payment, now: Now) -> Screen {
    let amount = payment.sale.amount;
    let left = payment.due().map(|due| due.left(now.mono)).unwrap_or_default();
    let seconds_left = u32::try_from(left.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
    match &payment.state {
        State::Creating => Screen::Checking { amount },
        State::AwaitingShopper { request, again } => Screen::Scan {
            url: request.url.clone(),
            amount,
            descriptor: request.descriptor.clone(),
            again: *again,
            seconds_left,
        },
        State::ShopperPaying { .. } => Screen::ShopperPaying { amount, seconds_left },
        State::Confirming { doubted: false, refused: None, .. } => Screen::Confirming { amount },
        State::Confirming { .. } => Screen::UnknownOutcome { amount },
        State::Authorised { .. } => Screen::Approved { amount },
        State::Settling { .. }
        | State::Abandoning { .. }
        | State::NotPaid { .. }
        | State::Voiding { .. }
        | State::Voided { .. }
        | State::Free => Screen::Idle,
    }
}

/// Once it is decided.
pub(super) fn result_screen(payment: &Payment, outcome: SaleOutcome) -> Screen {
    match outcome {
        SaleOutcome::Approved => Screen::Approved { amount: payment.sale.amount },
        SaleOutcome::NotPaid(NotPaid::AbortedByTill) | SaleOutcome::Voided(_) => Screen::Cancelled,
        SaleOutcome::NotPaid(NotPaid::NotAvailable | NotPaid::Refused) => Screen::NotAvailable,
        SaleOutcome::NotPaid(NotPaid::NoConnection) => Screen::NoConnection,
        SaleOutcome::NotPaid(
            NotPaid::TimedOut | NotPaid::Declined | NotPaid::Expired | NotPaid::ConfirmFailed,
        ) => Screen::NotCompleted,
    }
}
