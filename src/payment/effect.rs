//! What the core wants done: the calls at the acquirer with their outcomes, and the screen.
//!
//! Nothing here knows how: no HTTP, no pixels, no bytes to a till.

use super::event::Sale;
use super::found::Sums;
use crate::clock::Wall;
use crate::id::{
    CallId, CaptureId, ConfirmationToken, DistributionUrl, EffectReference, IdempotencyKey, Label,
    PaymentReference, RefundId, RequestId, TransactionId,
};
use crate::money::Amount;

/// One request that changes something at the acquirer, as it waits in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Which call of which payment.
    pub id: CallId,
    /// What is to be done.
    pub kind: CallKind,
    /// Stored before the first attempt and re-used by every repetition of this generation.
    pub key: IdempotencyKey,
    /// How many keys this call has had before.
    pub generation: u32,
}

/// What a call does. Everything it needs is in it, so that a row outlives configuration changes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum CallKind {
    /// Ask whether Klarna is available and make a payment request.
    Create {
        /// What the till wants to sell.
        sale: Sale,
        /// Our name of the payment.
        payment_reference: PaymentReference,
    },
    /// Close a payment request that shall never be confirmed.
    Cancel {
        /// Klarna's id.
        request: RequestId,
        /// What was requested.
        amount: Amount,
    },
    /// Turn the shopper's approval into a transaction.
    Confirm {
        /// Klarna's id, to read the state when an answer is lost.
        request: RequestId,
        /// The approval.
        token: ConfirmationToken,
        /// Exactly what was requested.
        amount: Amount,
        /// Our name of the payment.
        payment_reference: PaymentReference,
    },
    /// Take authorised money.
    Capture {
        /// Klarna's id.
        transaction: TransactionId,
        /// How much of it.
        amount: Amount,
        /// Ours, in the settlement file.
        reference: EffectReference,
    },
    /// Give captured money back.
    Refund {
        /// Klarna's id.
        transaction: TransactionId,
        /// Which capture; Klarna wants it named as soon as there can be more than one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        capture: Option<CaptureTarget>,
        /// How much of it.
        amount: Amount,
        /// Ours, in the settlement file.
        reference: EffectReference,
    },
    /// Release what is authorised and not captured.
    Void {
        /// Klarna's id.
        transaction: TransactionId,
        /// What is to be released.
        amount: Amount,
        /// Only the rest: something was captured.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        rest: bool,
    },
    /// Give the transaction another merchant reference.
    Update {
        /// Klarna's id.
        transaction: TransactionId,
        /// What the sale was about.
        amount: Amount,
        /// The new one.
        merchant_reference: Label,
    },
    /// Compare the acquirer's sums with ours; changes nothing.
    Check {
        /// Klarna's id.
        transaction: TransactionId,
        /// What was authorised.
        amount: Amount,
        /// What it must find.
        expected: Sums,
    },
}

/// A capture as a refund names it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CaptureTarget {
    /// Our reference of it, by which Klarna's id can be found.
    pub reference: EffectReference,
    /// Klarna's id, when it was known already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<CaptureId>,
}

impl CallKind {
    /// One word for keys, logs and lists.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Cancel { .. } => "cancel",
            Self::Confirm { .. } => "confirm",
            Self::Capture { .. } => "capture",
            Self::Refund { .. } => "refund",
            Self::Void { .. } => "void",
            Self::Update { .. } => "update",
            Self::Check { .. } => "check",
        }
    }

    /// The money it is about.
    pub fn amount(&self) -> Amount {
        match self {
            Self::Create { sale, .. } => sale.amount,
            Self::Confirm { amount, .. }
            | Self::Cancel { amount, .. }
            | Self::Capture { amount, .. }
            | Self::Refund { amount, .. }
            | Self::Void { amount, .. }
            | Self::Update { amount, .. }
            | Self::Check { amount, .. } => *amount,
        }
    }

    /// Whether a shopper or cashier stands waiting for it.
    pub fn is_urgent(&self) -> bool {
        match self {
            Self::Create { .. } | Self::Confirm { .. } => true,
            Self::Cancel { .. }
            | Self::Capture { .. }
            | Self::Refund { .. }
            | Self::Void { .. }
            | Self::Update { .. }
            | Self::Check { .. } => false,
        }
    }
}

/// How a call ended, or that it has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It took effect, now or earlier.
    Done(Effect),
    /// It was definitely refused and has no effect.
    Refused(Refusal),
    /// It was definitely not processed; try again with the same key.
    Retry(Delay),
    /// It may or may not have been processed; try again with the same key.
    Unknown(Delay),
    /// A look at the acquirer shows that it never took effect; it needs a new key.
    Absent,
}

/// What a call that took effect has brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A payment request exists and may be shown.
    Created {
        /// Klarna's id.
        request: RequestId,
        /// What the QR code carries.
        url: DistributionUrl,
        /// Klarna's words for the offer.
        descriptor: Option<String>,
    },
    /// A payment request exists, but must not be shown: Klarna is not available for it.
    CreatedUnavailable {
        /// Klarna's id.
        request: RequestId,
    },
    /// The payment request can never be paid any more.
    Ended(Ended),
    /// The payment is authorised.
    Authorised {
        /// Klarna's id.
        transaction: TransactionId,
    },
    /// Money was taken.
    Captured {
        /// Klarna's id, when the answer named it.
        capture: Option<CaptureId>,
    },
    /// Money was given back.
    Refunded {
        /// Klarna's id, when the answer named it.
        refund: Option<RefundId>,
    },
    /// The rest was released.
    Voided,
    /// The merchant reference is the new one.
    Updated,
    /// The acquirer's sums are ours.
    Checked,
    /// The acquirer's sums cannot be compared with ours: why.
    NotComparable(String),
}

/// How a payment request came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// By us.
    Cancelled,
    /// By its age.
    Expired,
    /// By Klarna's decision.
    Declined,
    /// Klarna does not know it.
    Unknown,
}

/// What a read or a push says of a payment request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestState {
    /// Waiting to be scanned.
    Submitted,
    /// The shopper is in the flow.
    InProgress,
    /// The shopper has approved.
    PendingConfirmation {
        /// The approval.
        token: ConfirmationToken,
    },
    /// Confirmed.
    Authorised {
        /// Klarna's id.
        transaction: TransactionId,
    },
    /// Final without payment.
    Ended(Ended),
    /// A state that this version does not know; never taken for paid.
    Other(String),
}

/// Why a call has to wait, and for how long at least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delay {
    /// For the log and the outbox list: what happened, without personal data.
    pub reason: String,
    /// The acquirer asked for at least this long, in milliseconds.
    pub at_least_ms: Option<u64>,
    /// Which calls have to wait for that long.
    pub scope: Scope,
    /// What it says of the line to the acquirer.
    pub line: Line,
}

/// Which calls have to wait when the acquirer asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The call that was answered.
    Call,
    /// Those that count against the same quota.
    Quota,
    /// All of the account.
    Account,
}

/// Whether the acquirer can be reached, as far as one exchange can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// It has answered.
    Up,
    /// There is no connection: no other call would fare better now.
    Down,
    /// Nothing was sent, or the answer is missing.
    Unsaid,
}

impl Delay {
    /// A delay because there is no connection.
    pub fn offline(reason: impl Into<String>) -> Self {
        Self { line: Line::Down, ..Self::because(reason) }
    }

    /// A delay of no particular length.
    pub fn because(reason: impl Into<String>) -> Self {
        let (reason, scope, line) = (reason.into(), Scope::Call, Line::Unsaid);
        Self { reason, at_least_ms: None, scope, line }
    }
}

/// A definite "no" of the acquirer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refusal {
    /// What kind of no.
    pub reason: RefusalReason,
    /// Klarna's `error_code`, or ours where there was none.
    pub code: String,
    /// For technical staff.
    pub text: String,
    /// Klarna's `error_id`, for a call to their support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_id: Option<String>,
}

impl Refusal {
    /// A refusal without an id of Klarna's.
    pub fn new(reason: RefusalReason, code: &str, text: impl Into<String>) -> Self {
        Self { reason, code: code.to_owned(), text: text.into(), error_id: None }
    }
}

/// The kinds of refusal that the core treats differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// Klarna is not available for this amount, currency or country.
    NotAvailable,
    /// The call is wrong or not allowed.
    NotAllowed,
    /// The answer does not belong to the question (other id, currency or amount).
    Contradiction,
    /// The time in which the call makes sense is over.
    TooLate,
}

/// An outbox row as `sync` needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedCall {
    /// The call.
    pub call: Call,
    /// When it was put into the outbox; it counts as the first attempt, because `sync` is woken in
    /// the same breath.
    pub first_attempt: Wall,
}

/// What one step changes in the outbox; committed together with the step's events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutboxChange {
    /// A new call, due at once.
    Queue(Call),
    /// The call has taken effect, or is no longer wanted and never will be sent again.
    Close(CallId),
    /// The call was refused; it stays on the list that asks a person.
    Refuse(CallId, Refusal),
    /// The call gets a new key, because the old one is too old to protect it.
    Rekey(Call),
    /// The refused call leaves the list and is sent again under a new key, once a look at the
    /// acquirer has shown that it never took effect.
    Retry(Call),
    /// The refused call leaves the list: a person has seen to it.
    Resolve(CallId),
}
