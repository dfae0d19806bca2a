//! The life of one payment: its states with the data that exists in them. ONE match is the whole
//! protocol: `State::on`, in `transition`.
//!
//! No clock, no policy and no randomness: what an event means never depends on configuration, so a
//! replay years later ends in the same state.

use super::effect::{CallKind, Refusal};
use super::event::{NotPaid, Sale, VoidReason};
use super::found::Found;
use super::ledger::Ledger;
use crate::id::{ConfirmationToken, DistributionUrl, PaymentReference, RequestId, TransactionId};

/// A payment request that is open at Klarna and was made for the shopper who stands here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRequest {
    /// Klarna's id.
    pub id: RequestId,
    /// What the QR code carries.
    pub url: DistributionUrl,
    /// Klarna's words for the offer.
    pub descriptor: Option<String>,
}

/// Where a payment is. A state carries exactly the data that exists in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The create call is on its way.
    Creating,
    /// The QR code is on the screen.
    AwaitingShopper {
        /// What is shown.
        request: OpenRequest,
        /// The shopper was in the flow and came back.
        again: bool,
    },
    /// The shopper is in the flow.
    ShopperPaying {
        /// What was shown.
        request: OpenRequest,
    },
    /// The shopper has approved; the confirm call is on its way.
    Confirming {
        /// What was shown.
        request: OpenRequest,
        /// The approval.
        token: ConfirmationToken,
        /// An answer was lost: it may be authorised already.
        doubted: bool,
        /// The call was refused: a read decides.
        refused: Option<Refusal>,
    },
    /// Authorised; the till has not acknowledged the result yet.
    Authorised {
        /// Klarna's id.
        transaction: TransactionId,
    },
    /// The till has acknowledged; captures and refunds follow.
    Settling {
        /// Klarna's id.
        transaction: TransactionId,
        /// What has become of the money.
        ledger: Ledger,
    },
    /// Never to be confirmed; the till is released, the payment request is being closed.
    Abandoning {
        /// What the till was told.
        reason: NotPaid,
        /// Klarna's id; absent while the create call has no answer yet.
        request: Option<RequestId>,
        /// The cancel call was refused: a person must look.
        refused: Option<RefusedCall>,
    },
    /// Final: nothing was taken.
    NotPaid {
        /// What the till was told.
        reason: NotPaid,
    },
    /// The whole authorisation is being given back.
    Voiding {
        /// Klarna's id.
        transaction: TransactionId,
        /// Why.
        reason: VoidReason,
        /// The till had acknowledged the result before.
        acknowledged: bool,
        /// The void call was refused: a person must look.
        refused: Option<RefusedCall>,
    },
    /// Final: the whole authorisation was given back.
    Voided {
        /// Klarna's id.
        transaction: TransactionId,
        /// Why.
        reason: VoidReason,
        /// The till had acknowledged the result before.
        acknowledged: bool,
        /// Klarna refused it, and a person has seen to it instead.
        by_person: bool,
    },
    /// Final: an amount of 0, paid without a call.
    Free,
}

/// A call that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedCall {
    /// Which call of the payment.
    pub sequence: u32,
    /// Why.
    pub refusal: Refusal,
}

impl RefusedCall {
    fn new(sequence: u32, refusal: &Refusal) -> Self {
        Self { sequence, refusal: refusal.clone() }
    }
}

/// An event that cannot happen in this state: a defect or a damaged journal, never a till's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {event} cannot happen in state {state}")]
pub struct IllegalEvent {
    /// Name of the state.
    pub state: &'static str,
    /// Name of the event.
    pub event: &'static str,
}

/// What entering a state asks of the acquirer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Todo {
    /// Nothing.
    Nothing,
    /// One more call.
    Queue(CallKind),
    /// The refused call stays on the list.
    Refuse(u32, Refusal),
    /// The call gets a new key.
    Rekey(u32),
    /// The refused call leaves the list and is sent again.
    Retry(u32),
    /// The refused call leaves the list.
    Resolve(u32),
}

impl State {
    /// The state in which a sale begins, with its first call.
    pub(super) fn begin(sale: &Sale, payment_reference: &PaymentReference) -> (State, Todo) {
        if sale.amount.is_zero() {
            return (State::Free, Todo::Nothing);
        }
        let payment_reference = payment_reference.clone();
        (State::Creating, Todo::Queue(CallKind::Create { sale: sale.clone(), payment_reference }))
    }

    /// The state in which somebody else's transaction is taken over.
    pub(super) fn adopt(found: &Found) -> State {
        let mut ledger = Ledger::new(found.authorised);
        ledger.adopt(found);
        State::Settling { transaction: found.transaction.clone(), ledger }
    }

    /// Whether this state still waits for `call`; a call that nobody waits for is closed.
    pub(super) fn wants(&self, call: &CallKind) -> bool {
        match (self, call) {
            (Self::Creating | Self::Abandoning { request: None, .. }, CallKind::Create { .. }) => {
                true
            }
            (
                Self::Confirming { token, refused: None, .. },
                CallKind::Confirm { token: sent, .. },
            ) => token == sent,
            (
                Self::Abandoning { request: Some(id), refused: None, .. },
                CallKind::Cancel { request, .. },
            ) => id == request,
            (Self::Voiding { refused: None, .. }, CallKind::Void { rest, .. }) => !rest,
            (Self::Settling { .. }, CallKind::Void { rest, .. }) => *rest,
            (
                Self::Settling { .. },
                CallKind::Capture { .. }
                | CallKind::Refund { .. }
                | CallKind::Update { .. }
                | CallKind::Check { .. },
            ) => true,
            (
                Self::Creating
                | Self::AwaitingShopper { .. }
                | Self::ShopperPaying { .. }
                | Self::Confirming { .. }
                | Self::Authorised { .. }
                | Self::Settling { .. }
                | Self::Abandoning { .. }
                | Self::NotPaid { .. }
                | Self::Voiding { .. }
                | Self::Voided { .. }
                | Self::Free,
                CallKind::Create { .. }
                | CallKind::Cancel { .. }
                | CallKind::Confirm { .. }
                | CallKind::Capture { .. }
                | CallKind::Refund { .. }
                | CallKind::Void { .. }
                | CallKind::Update { .. }
                | CallKind::Check { .. },
            ) => false,
        }
    }

    /// Whether the terminal is taken by this payment: no other sale may start.
    pub fn occupies_terminal(&self) -> bool {
        match self {
            Self::Creating
            | Self::AwaitingShopper { .. }
            | Self::ShopperPaying { .. }
            | Self::Confirming { .. }
            | Self::Authorised { .. } => true,
            Self::Settling { .. }
            | Self::Abandoning { .. }
            | Self::NotPaid { .. }
            | Self::Voiding { .. }
            | Self::Voided { .. }
            | Self::Free => false,
        }
    }

    /// One word for logs and lists.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::AwaitingShopper { .. } => "awaiting_shopper",
            Self::ShopperPaying { .. } => "shopper_paying",
            Self::Confirming { .. } => "confirming",
            Self::Authorised { .. } => "authorised",
            Self::Settling { .. } => "settling",
            Self::Abandoning { .. } => "abandoning",
            Self::NotPaid { .. } => "not_paid",
            Self::Voiding { .. } => "voiding",
            Self::Voided { .. } => "voided",
            Self::Free => "free",
        }
    }
}

/// What never changes in a payment, as far as transitions need it.
pub(super) struct About<'a> {
    pub(super) sale: &'a Sale,
    pub(super) payment_reference: &'a PaymentReference,
}

impl About<'_> {
    fn not_paid(&self, refusal: &Refusal) -> NotPaid {
        use super::effect::RefusalReason as R;
        match refusal.reason {
            R::NotAvailable => NotPaid::NotAvailable,
            R::NotAllowed | R::Contradiction | R::TooLate => NotPaid::Refused,
        }
    }

    /// The reference of the payment's `number`-th capture (`C`) or refund (`R`).
    pub(super) fn effect_reference(
        &self,
        letter: char,
        number: usize,
    ) -> crate::id::EffectReference {
        crate::id::EffectReference::new(format!("{}-{letter}{number}", self.payment_reference))
            .expect("a payment reference leaves room for the suffix")
    }
}

mod transition;

#[cfg(test)]
mod tests;
