//! What has happened ([`Event`], journalled), and the vocabulary that every till protocol maps to
//! ([`Request`] in, [`Reply`] out).
//!
//! An event says everything that replay needs: configuration may have changed since.

use super::effect::{Ended, Refusal};
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
    /// The refund call is queued.
    RefundQueued {
        /// How much.
        amount: Amount,
        /// The till's reference.
        operation: PosReference,
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
    /// The day is closed (about the terminal, not a payment).
    ShiftEnded {
        /// What the till is told.
        report: ShiftReport,
    },
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

/// Why an authorisation is given back as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoidReason {
    /// The till never acknowledged the result.
    NotAcknowledged,
    /// The till asked for it.
    RequestedByTill,
    /// The till had been told "not paid" for this reason before the authorisation was seen.
    LatePayment(NotPaid),
}

impl VoidReason {
    /// The code that the till gets.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotAcknowledged => "not_acknowledged",
            Self::RequestedByTill => "requested_by_till",
            Self::LatePayment(_) => "late_payment",
        }
    }
}

/// What a till can ask for, whatever its protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Take a payment.
    Sale(Sale),
    /// Stop a sale.
    Abort {
        /// The sale's reference.
        reference: PosReference,
    },
    /// What has become of a command?
    Status {
        /// The command's reference.
        reference: PosReference,
    },
    /// The till has stored the sale's result.
    Acknowledge {
        /// The sale's reference.
        reference: PosReference,
    },
    /// Take authorised money.
    Capture(Operation),
    /// Give captured money back.
    Refund(Operation),
    /// Release an authorisation.
    Void(Operation),
    /// Close the day.
    EndShift {
        /// The command's own reference.
        reference: PosReference,
    },
}

/// A command about an earlier sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The command's own reference.
    pub reference: PosReference,
    /// The sale's reference.
    pub sale: PosReference,
    /// How much; all that is left when it is absent.
    pub amount: Option<Amount>,
}

/// What a till is told, whatever its protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A sale goes on.
    Progress {
        /// The sale's reference.
        reference: PosReference,
        /// Where it is.
        stage: Stage,
    },
    /// A sale's result.
    Result(Box<SaleResult>),
    /// The acknowledgement was recorded.
    Acknowledged {
        /// The sale's reference.
        reference: PosReference,
    },
    /// Where a capture, refund or void stands.
    Operation(Box<OperationResult>),
    /// The answer to a status query.
    Status {
        /// The reference that was asked for.
        reference: PosReference,
        /// Its status.
        status: Status,
    },
    /// The closed shift.
    Shift(Box<ShiftReport>),
    /// A command that was not accepted; nothing has changed.
    Refused {
        /// The command's reference, when it could be read.
        reference: Option<PosReference>,
        /// Why.
        problem: Problem,
    },
}

/// The three answers to "did it go through?".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// With the original result and what has become of the money since.
    Done(Box<SaleResult>, MoneySoFar),
    /// A capture, refund or void; it says itself whether it still waits.
    Operation(Box<OperationResult>),
    /// A closed shift.
    Shift(Box<ShiftReport>),
    /// Still running.
    InProgress(Stage),
    /// Never heard of.
    NotKnown,
}

/// What has become of a sale's money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoneySoFar {
    /// Authorised by the shopper.
    pub authorised: Amount,
    /// Captured, as Klarna has confirmed.
    pub captured: Amount,
    /// Refunded, as Klarna has confirmed.
    pub refunded: Amount,
    /// Whether the rest was released, as Klarna has confirmed.
    pub voided: bool,
    /// Number of calls that Klarna has not answered yet.
    pub queued: usize,
    /// Number of calls that were refused and wait for a person.
    pub refused: usize,
}

/// Where a running sale is; each is a text on the cashier's screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Klarna is being asked.
    Checking,
    /// The QR code is on the terminal.
    AwaitingShopper,
    /// The shopper came back without paying; the QR code can be scanned again.
    ScanAgain,
    /// The shopper is in the flow.
    ShopperPaying,
    /// The shopper has approved.
    Confirming,
    /// An abort came too late; the true result follows.
    Completing,
    /// The outcome is not known yet; the terminal keeps asking.
    Unknown,
}

impl Stage {
    /// The code that the till gets.
    pub fn code(self) -> &'static str {
        match self {
            Self::Checking => "checking",
            Self::AwaitingShopper => "awaiting_shopper",
            Self::ScanAgain => "scan_again",
            Self::ShopperPaying => "shopper_paying",
            Self::Confirming => "confirming",
            Self::Completing => "completing",
            Self::Unknown => "unknown",
        }
    }
}

/// A sale's result: a function of the journal alone, so asking again gives the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaleResult {
    /// The till's reference.
    pub reference: PosReference,
    /// Paid or not.
    pub outcome: SaleOutcome,
    /// What was to be paid.
    pub amount: Amount,
    /// Our number of the payment, printed on the receipt.
    pub number: PaymentId,
    /// Our name of the payment at Klarna.
    pub payment_reference: PaymentReference,
    /// The order number, if the till gave one.
    pub merchant_reference: Option<Label>,
    /// Klarna's id, once authorised.
    pub transaction: Option<TransactionId>,
    /// When it was decided.
    pub at: Wall,
    /// The shopper's language, if the till gave one.
    pub locale: Option<Locale>,
    /// Lines to print; filled in on the way to the till.
    pub receipt: Vec<String>,
}

/// Paid or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaleOutcome {
    /// The shopper has paid; the till must acknowledge.
    Approved,
    /// Nothing was taken, and nothing will be.
    NotPaid(NotPaid),
    /// It was approved and then given back.
    Voided(VoidReason),
}

/// Where a capture, refund or void stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationResult {
    /// The command's own reference.
    pub reference: PosReference,
    /// The sale's reference.
    pub sale: PosReference,
    /// What it does.
    pub kind: OperationKind,
    /// How much.
    pub amount: Amount,
    /// How far it is.
    pub progress: OperationProgress,
}

/// What a command about an earlier sale does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    /// Takes money.
    Capture,
    /// Gives captured money back.
    Refund,
    /// Releases an authorisation.
    Void,
}

impl OperationKind {
    /// The word in messages and the till protocol.
    pub fn code(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Refund => "refund",
            Self::Void => "void",
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

/// Totals of one shift: the sum of the journal since the last closing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ShiftReport {
    /// The command's own reference.
    pub reference: PosReference,
    /// Counts up from 1.
    pub shift: u32,
    /// One row per currency that occurred.
    pub totals: Vec<ShiftTotal>,
    /// Captures queued by this closing.
    pub captures_queued: u32,
}

/// Totals of one currency in a shift.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ShiftTotal {
    /// Authorised sales; those given back as a whole are in here and in `voided`.
    pub sales: Amount,
    /// Number of authorised sales.
    pub sales_count: u32,
    /// Given back as a whole.
    pub voided: Amount,
    /// Number of those.
    pub voided_count: u32,
    /// Refunded.
    pub refunds: Amount,
    /// Number of refunds.
    pub refunds_count: u32,
}

/// Why a command is not accepted. Nothing has changed; the code is for the till's program, the
/// text for the cashier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Another sale runs.
    #[error("the terminal is busy with sale {0}; wait for its result or abort it")]
    Busy(PosReference),
    /// The last sale's result was not acknowledged.
    #[error("the result of sale {0} was not acknowledged; ask for its status and acknowledge it")]
    Unacknowledged(PosReference),
    /// The reference was used for something else.
    #[error("reference {0} was used for {1}; use a new reference for a new command")]
    ReferenceReused(PosReference, String),
    /// Nothing is known under this reference.
    #[error("nothing is known under reference {0}")]
    NotKnown(PosReference),
    /// The terminal, or the earlier sale, has no such currency.
    #[error("currency {0} cannot be used here; use {1}")]
    WrongCurrency(String, String),
    /// Negative, or more than Klarna takes.
    #[error("amount {0} is out of range: 0 to {1}")]
    AmountOutOfRange(Amount, Amount),
    /// Line items and amount disagree.
    #[error("line items add up to {0}, but the amount is {1}")]
    SumMismatch(Amount, Amount),
    /// There is no result yet.
    #[error("sale {0} has no result yet; it is {stage}", stage = .1.code())]
    NoResultYet(PosReference, Stage),
    /// The sale's state does not allow it.
    #[error("{0}")]
    NotAllowed(String),
    /// More than what is left.
    #[error("{asked} is more than what is left: {left}")]
    ExceedsRest {
        /// What was asked for.
        asked: Amount,
        /// What is still possible.
        left: Amount,
    },
    /// The terminal cannot record anything.
    #[error("the terminal cannot take payments now: {0}")]
    OutOfService(String),
    /// The line is not a message of the protocol.
    #[error("{0}")]
    BadMessage(String),
    /// The message has a field that is missing or wrong.
    #[error("field {field:?}: {wrong}")]
    BadField {
        /// Which field.
        field: String,
        /// What is wrong with it.
        wrong: String,
    },
    /// The line was damaged on its way; send it again.
    #[error("{0}")]
    DamagedLine(String),
    /// There is no such command.
    #[error("unknown op {0:?}")]
    UnknownCommand(String),
}

impl Problem {
    /// The code that the till gets; stable across versions.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Busy(_) => "busy",
            Self::Unacknowledged(_) => "unacknowledged",
            Self::ReferenceReused(..) => "reference_reused",
            Self::NotKnown(_) => "not_known",
            Self::WrongCurrency(..) => "wrong_currency",
            Self::AmountOutOfRange(..) => "amount_out_of_range",
            Self::SumMismatch(..) => "sum_mismatch",
            Self::NoResultYet(..) => "no_result_yet",
            Self::NotAllowed(_) => "not_allowed",
            Self::ExceedsRest { .. } => "exceeds_rest",
            Self::OutOfService(_) => "out_of_service",
            Self::BadMessage(_) => "bad_message",
            Self::BadField { .. } => "bad_field",
            Self::DamagedLine(_) => "damaged_line",
            Self::UnknownCommand(_) => "unknown_op",
        }
    }
}
