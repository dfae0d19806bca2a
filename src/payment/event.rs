//! What has happened: [`Event`], as it is journalled.
//!
//! An event says everything that replay needs: configuration may have changed since.

pub use super::reason::{ReturnReason, VoidReason, Why};

use super::effect::{Ended, Refusal};
use super::found::Found;
use super::notice::Notice;
use super::shift::ShiftReport;
use crate::clock::Wall;
use crate::id::{
    CaptureId, ConfirmationToken, DistributionUrl, Label, Locale, PaymentId, PaymentReference,
    PosReference, RefundId, RequestId, TransactionId,
};
use crate::money::Amount;

/// A sale as the till asked for it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sale {
    /// The till's own reference.
    pub reference: PosReference,
    /// What is to be paid; the sum of the line items where there are any.
    pub amount: Amount,
    /// The order number that the shopper sees in the Klarna app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant_reference: Option<Label>,
    /// What is sold; may be empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub line_items: Vec<LineItem>,
    /// The shopper's language and country, when the till knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// A pre-authorisation: nothing is captured until the till books it, whatever the shop's policy
    /// is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reserved: bool,
}

/// One line of a sale.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LineItem {
    /// What the shopper sees.
    pub name: Label,
    /// How many, at least 1.
    pub quantity: u32,
    /// For all of them, tax included; negative for a discount or gift card.
    pub total: Amount,
}

/// Most line items in one sale; keeps the request far below Klarna's 1 MB.
pub const LINE_ITEMS_MAX: usize = 500;

/// One entry of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Whom it is about; `None` for the terminal itself.
    pub payment: Option<PaymentId>,
    /// When it was recorded.
    pub at: Wall,
    /// What has happened.
    pub event: Event,
}

/// Something that has happened and can never un-happen.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The till wants to sell; the create call is queued (none for an amount of 0).
    SaleRequested {
        /// What.
        sale: Sale,
        /// Our name of it.
        payment_reference: PaymentReference,
    },
    /// The payment request exists; the QR code may be shown.
    Created {
        /// Klarna's id.
        request: RequestId,
        /// What the QR code carries.
        url: DistributionUrl,
        /// Klarna's words for the offer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        descriptor: Option<String>,
    },
    /// The payment request exists, but Klarna is not available for it; it is being cancelled.
    Unavailable {
        /// Klarna's id.
        request: RequestId,
    },
    /// There will be no payment request.
    CreateRefused {
        /// Why.
        refusal: Refusal,
    },
    /// The shopper has opened the page.
    ShopperOpened,
    /// The shopper has left the page without paying, or was declined; the code can be scanned
    /// again.
    ShopperLeft,
    /// The shopper has approved; the confirm call is queued.
    Approved {
        /// The approval.
        token: ConfirmationToken,
    },
    /// The confirm call may or may not have been processed.
    ConfirmDoubted,
    /// The confirm call was refused; a read decides what is true.
    ConfirmRefused {
        /// Why.
        refusal: Refusal,
    },
    /// The payment is authorised; the result goes to the till.
    Authorised {
        /// Klarna's id.
        transaction: TransactionId,
        /// How much.
        amount: Amount,
    },
    /// The till has acknowledged the result.
    Acknowledged,
    /// The durable decision never to confirm. The till may be told "not paid" from here on.
    GivenUp {
        /// Why.
        reason: NotPaid,
    },
    /// The payment request can never be paid any more.
    RequestEnded {
        /// How.
        ended: Ended,
    },
    /// The whole authorisation is to be given back; the void call is queued.
    VoidDecided {
        /// Why.
        reason: VoidReason,
        /// The till's reference, when the till asked for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operation: Option<PosReference>,
        /// What the shop says about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<ReturnReason>,
    },
    /// The authorisation was given back.
    Voided {
        /// How much was released.
        amount: Amount,
    },
    /// The capture call is queued.
    CaptureQueued {
        /// How much.
        amount: Amount,
        /// The till's reference, when the till asked for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operation: Option<PosReference>,
    },
    /// Money was taken.
    Captured {
        /// By which call.
        sequence: u32,
        /// How much.
        amount: Amount,
        /// Klarna's id, when the answer named it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        capture: Option<CaptureId>,
    },
    /// The call that releases what is not captured is queued; nothing can be captured any more.
    ReleaseQueued {
        /// How much is left to release.
        amount: Amount,
        /// The till's reference.
        operation: PosReference,
    },
    /// The rest was released.
    Released {
        /// By which call.
        sequence: u32,
        /// How much.
        amount: Amount,
    },
    /// A refund call is queued; several of them may serve one command of the till.
    RefundQueued {
        /// How much.
        amount: Amount,
        /// The till's reference.
        operation: PosReference,
        /// The capture that it is about, by its call's sequence; the transaction as a whole when it
        /// is absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        capture: Option<u32>,
        /// What the shop says about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<ReturnReason>,
    },
    /// Money was given back.
    Refunded {
        /// By which call.
        sequence: u32,
        /// How much.
        amount: Amount,
        /// Klarna's id, when the answer named it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refund: Option<RefundId>,
    },
    /// A capture, refund, void or cancel call was refused and waits for a person.
    CallRefused {
        /// Which call.
        sequence: u32,
        /// Why.
        refusal: Refusal,
    },
    /// A call that never took effect gets a new key.
    Rekeyed {
        /// Which call.
        sequence: u32,
    },
    /// A refused call is sent again, because a person has asked for it.
    CallRetried {
        /// Which call.
        sequence: u32,
    },
    /// A person has seen to a refused call.
    CallResolved {
        /// Which call.
        sequence: u32,
        /// What was done about it.
        reason: Label,
    },
    /// A transaction that this journal did not know, or what has become of it since: sold by
    /// another terminal or a web shop, read from the acquirer.
    Adopted {
        /// As the acquirer describes it.
        found: Found,
        /// Our name of it here.
        payment_reference: PaymentReference,
    },
    /// The call that changes the merchant reference is queued.
    UpdateQueued {
        /// The new one.
        merchant_reference: Label,
        /// The till's reference.
        operation: PosReference,
    },
    /// The merchant reference was changed.
    Updated {
        /// By which call.
        sequence: u32,
    },
    /// The call that compares the acquirer's sums with ours is queued.
    CheckQueued,
    /// The acquirer's sums are ours.
    Checked {
        /// By which call.
        sequence: u32,
    },
    /// The acquirer's answer did not let its sums be compared.
    NotCompared {
        /// By which call.
        sequence: u32,
    },
    /// The acquirer has told something that changes nothing here; about the terminal where no
    /// payment is known for it.
    Noted {
        /// What.
        notice: Notice,
    },
    /// The day is closed (about the terminal, not a payment).
    ShiftEnded {
        /// What the till is told.
        report: ShiftReport,
    },
}

impl Event {
    /// Whether it queues a call before which no comparison is of use any more.
    pub(super) fn ends_checks(&self) -> bool {
        matches!(
            self,
            Self::CaptureQueued { .. }
                | Self::RefundQueued { .. }
                | Self::ReleaseQueued { .. }
                | Self::UpdateQueued { .. }
                | Self::VoidDecided { .. }
                | Self::CallRetried { .. }
        )
    }

    /// Whether a shopper has to pay because of it.
    pub fn begins_a_payment(&self) -> bool {
        matches!(self, Self::SaleRequested { sale, .. } if !sale.amount.is_zero())
    }

    /// Whether it may change where a return stands, of captured money or of all of it before.
    pub(super) fn is_about_a_return(&self) -> bool {
        matches!(
            self,
            Self::RefundQueued { .. }
                | Self::Refunded { .. }
                | Self::VoidDecided { .. }
                | Self::Voided { .. }
                | Self::CallRefused { .. }
        )
    }

    /// One word for logs and the journal.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SaleRequested { .. } => "sale_requested",
            Self::Created { .. } => "created",
            Self::Unavailable { .. } => "unavailable",
            Self::CreateRefused { .. } => "create_refused",
            Self::ShopperOpened => "shopper_opened",
            Self::ShopperLeft => "shopper_left",
            Self::Approved { .. } => "approved",
            Self::ConfirmDoubted => "confirm_doubted",
            Self::ConfirmRefused { .. } => "confirm_refused",
            Self::Authorised { .. } => "authorised",
            Self::Acknowledged => "acknowledged",
            Self::GivenUp { .. } => "given_up",
            Self::RequestEnded { .. } => "request_ended",
            Self::VoidDecided { .. } => "void_decided",
            Self::Voided { .. } => "voided",
            Self::CaptureQueued { .. } => "capture_queued",
            Self::Captured { .. } => "captured",
            Self::RefundQueued { .. } => "refund_queued",
            Self::ReleaseQueued { .. } => "release_queued",
            Self::Released { .. } => "released",
            Self::Refunded { .. } => "refunded",
            Self::CallRefused { .. } => "call_refused",
            Self::Rekeyed { .. } => "rekeyed",
            Self::CallRetried { .. } => "call_retried",
            Self::CallResolved { .. } => "call_resolved",
            Self::Adopted { .. } => "adopted",
            Self::UpdateQueued { .. } => "update_queued",
            Self::Updated { .. } => "updated",
            Self::CheckQueued => "check_queued",
            Self::Checked { .. } => "checked",
            Self::NotCompared { .. } => "not_compared",
            Self::Noted { .. } => "noted",
            Self::ShiftEnded { .. } => "shift_ended",
        }
    }
}

/// Why a sale ended without money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotPaid {
    /// The till aborted it.
    AbortedByTill,
    /// Nobody paid in time.
    TimedOut,
    /// Klarna is not available for this purchase.
    NotAvailable,
    /// Klarna refused to make the payment request.
    Refused,
    /// Klarna could not be reached in time.
    NoConnection,
    /// Klarna declined it for good.
    Declined,
    /// The payment request was cancelled or expired at Klarna.
    Expired,
    /// The shopper approved, but the confirmation was refused or came too late.
    ConfirmFailed,
}

impl NotPaid {
    /// The code that the till gets.
    pub fn code(self) -> &'static str {
        match self {
            Self::AbortedByTill => "aborted_by_till",
            Self::TimedOut => "timed_out",
            Self::NotAvailable => "not_available",
            Self::Refused => "refused",
            Self::NoConnection => "no_connection",
            Self::Declined => "declined",
            Self::Expired => "expired",
            Self::ConfirmFailed => "confirm_failed",
        }
    }
}

/// How far a capture, refund or void is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationProgress {
    /// Durable here; goes to Klarna as soon as it can be reached.
    Queued,
    /// Klarna has done it.
    Done,
    /// Klarna has refused it; a person must decide.
    Refused(Refusal),
}
