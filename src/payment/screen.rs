//! What the shopper's screen shows of a payment. It knows neither pixels nor words.

use super::account::Payment;
use super::effect::Screen;
use super::event::NotPaid;
use super::state::State;
use super::vocabulary::SaleOutcome;
use crate::clock::Now;

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
