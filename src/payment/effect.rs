//! What the core wants done: the calls at the acquirer, and the screen for the shopper.
//!
//! Nothing here knows how: no HTTP, no pixels, no bytes to a till.

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
