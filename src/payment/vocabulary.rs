//! The words that every till protocol maps to: [`Request`] in, [`Reply`] out.
//!
//! Nothing of it is journalled; what follows from a request is an event.

pub use super::name::SaleName;
pub use super::problem::Problem;

use super::event::{NotPaid, OperationProgress, ReturnReason, Sale, VoidReason};
use super::shift::ShiftReport;
use crate::clock::Wall;
use crate::id::{CallId, Label, Locale, PaymentId, PaymentReference, PosReference, TransactionId};
use crate::money::Amount;

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
    /// What has become of the newest sale whose reference begins with `prefix`? Answered as a
    /// status.
    Last {
        /// The command's own reference.
        reference: PosReference,
        /// How the references of the till's sales begin.
        prefix: &'static str,
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
    /// Release a whole authorisation.
    Void(Operation),
    /// Release what is left of an authorisation after captures.
    Release(Operation),
    /// Take `amount` of an authorisation and release the rest, once; what is not acknowledged yet
    /// is with that.
    Book(Operation),
    /// The same, but `amount` is what is released.
    PartialReversal(Operation),
    /// Give the transaction another merchant reference.
    Update {
        /// The command's own reference.
        reference: PosReference,
        /// The sale.
        sale: SaleName,
        /// The new order number.
        merchant_reference: Label,
    },
    /// Read a sale of others at the acquirer, so that it is known here; changes no money.
    Find {
        /// The command's own reference.
        reference: PosReference,
        /// The sale.
        sale: SaleName,
    },
    /// Close the day.
    EndShift {
        /// The command's own reference.
        reference: PosReference,
        /// Which shift is meant; whichever is open when it is absent.
        shift: Option<u32>,
    },
    /// What are the sums of the open shift?
    Totals {
        /// The command's own reference.
        reference: PosReference,
    },
    /// Which pre-authorisation is open? Answered as a status of the oldest one.
    Reservation {
        /// The command's own reference.
        reference: PosReference,
    },
    /// Send a refused call again, or one that pauses at once.
    Retry {
        /// The command's own reference.
        reference: PosReference,
        /// Which call; every one that pauses when it is absent.
        call: Option<CallId>,
    },
    /// A person has seen to a refused call: it leaves the list.
    Resolve {
        /// The command's own reference.
        reference: PosReference,
        /// Which call.
        call: CallId,
        /// What was done about it, for whoever asks later.
        reason: Label,
    },
}

impl Request {
    /// The command's own reference; for abort, status and acknowledgement that of what they are
    /// about.
    pub fn reference(&self) -> &PosReference {
        match self {
            Self::Sale(sale) => &sale.reference,
            Self::Abort { reference }
            | Self::Status { reference }
            | Self::Last { reference, .. }
            | Self::Acknowledge { reference }
            | Self::Update { reference, .. }
            | Self::Find { reference, .. }
            | Self::EndShift { reference, .. }
            | Self::Totals { reference }
            | Self::Reservation { reference }
            | Self::Retry { reference, .. }
            | Self::Resolve { reference, .. } => reference,
            Self::Capture(operation)
            | Self::Refund(operation)
            | Self::Void(operation)
            | Self::Release(operation)
            | Self::Book(operation)
            | Self::PartialReversal(operation) => &operation.reference,
        }
    }

    /// The sale that a command names, for those that name one of their own.
    pub fn sale(&self) -> Option<&SaleName> {
        match self {
            Self::Capture(operation)
            | Self::Refund(operation)
            | Self::Void(operation)
            | Self::Release(operation)
            | Self::Book(operation)
            | Self::PartialReversal(operation) => Some(&operation.sale),
            Self::Update { sale, .. } | Self::Find { sale, .. } => Some(sale),
            Self::Sale(_)
            | Self::Abort { .. }
            | Self::Status { .. }
            | Self::Last { .. }
            | Self::Acknowledge { .. }
            | Self::EndShift { .. }
            | Self::Totals { .. }
            | Self::Reservation { .. }
            | Self::Retry { .. }
            | Self::Resolve { .. } => None,
        }
    }
}

/// A command about an earlier sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The command's own reference.
    pub reference: PosReference,
    /// The sale.
    pub sale: SaleName,
    /// How much; all that is left when it is absent.
    pub amount: Option<Amount>,
    /// What the shop says about a return.
    pub why: Option<ReturnReason>,
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
    /// What was asked about calls of the outbox is recorded, or under way.
    Noted {
        /// The command's reference.
        reference: PosReference,
    },
    /// The answer to a status query.
    Status {
        /// The reference that was asked for.
        reference: PosReference,
        /// Its status.
        status: Status,
    },
    /// The closed shift.
    Shift(Box<ShiftReport>),
    /// The open shift, as if it were closed now.
    Totals(Box<ShiftReport>),
    /// A document to be printed once more, which the till has not asked for; nothing has changed.
    Print {
        /// What it is about: a sale, a return or the end of a shift.
        reference: PosReference,
        /// The lines, from top to bottom.
        lines: Vec<String>,
    },
    /// A command that was not accepted; nothing has changed.
    Refused {
        /// The command's reference, when it could be read.
        reference: Option<PosReference>,
        /// Why.
        problem: Problem,
    },
}

impl Reply {
    /// The command that it answers, or whose fate it tells.
    pub fn reference(&self) -> Option<&PosReference> {
        match self {
            Self::Progress { reference, .. }
            | Self::Acknowledged { reference }
            | Self::Noted { reference }
            | Self::Print { reference, .. }
            | Self::Status { reference, .. } => Some(reference),
            Self::Result(result) => Some(&result.reference),
            Self::Operation(result) => Some(&result.reference),
            Self::Shift(report) | Self::Totals(report) => Some(&report.reference),
            Self::Refused { reference, .. } => reference.as_ref(),
        }
    }
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
    /// Whether all of it was given back before a capture, as Klarna has confirmed.
    pub voided: bool,
    /// What was released after captures, as Klarna has confirmed.
    pub released: Amount,
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
    /// Klarna's id of the sale's transaction.
    pub transaction: Option<TransactionId>,
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
    /// Releases a whole authorisation.
    Void,
    /// Releases what is left of an authorisation after captures.
    Release,
    /// Changes the merchant reference; moves no money.
    Update,
}

impl OperationKind {
    /// The word in messages and the till protocol.
    pub fn code(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Refund => "refund",
            Self::Void => "void",
            Self::Release => "release",
            Self::Update => "update",
        }
    }
}
