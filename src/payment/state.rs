//! The life of one payment: its states with the data that exists in them, and ONE match that is the
//! whole protocol (`State::on`).
//!
//! No clock, no policy and no randomness: what an event means never depends on configuration, so a
//! replay years later ends in the same state.

use super::effect::{CallKind, Ended, Refusal};
use super::event::{Event, NotPaid, Sale, VoidReason};
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
        refused: Option<Refusal>,
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
        refused: Option<Refusal>,
    },
    /// Final: the whole authorisation was given back.
    Voided {
        /// Klarna's id.
        transaction: TransactionId,
        /// Why.
        reason: VoidReason,
        /// The till had acknowledged the result before.
        acknowledged: bool,
    },
    /// Final: an amount of 0, paid without a call.
    Free,
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

    /// The whole protocol: what `event` makes of this state. `about` names what never changes in
    /// the payment.
    ///
    /// # Errors
    /// [`IllegalEvent`] for every pair that is not listed; the payment is unchanged.
    pub(super) fn on(
        self,
        event: &Event,
        about: &About<'_>,
    ) -> Result<(State, Todo), IllegalEvent> {
        use State as S;
        let nothing = |state| Ok((state, Todo::Nothing));
        match (self, event) {
            // -- the request --------------------------------------------------------------------
            (S::Creating, Event::Created { request, url, descriptor }) => {
                let (id, url, descriptor) = (request.clone(), url.clone(), descriptor.clone());
                let request = OpenRequest { id, url, descriptor };
                nothing(S::AwaitingShopper { request, again: false })
            }
            (S::Creating, Event::Unavailable { request }) => {
                abandon(NotPaid::NotAvailable, request.clone(), about)
            }
            (S::Creating, Event::CreateRefused { refusal }) => {
                nothing(S::NotPaid { reason: about.not_paid(refusal) })
            }
            (S::Creating, Event::GivenUp { reason }) => {
                nothing(S::Abandoning { reason: *reason, request: None, refused: None })
            }
            // -- the shopper --------------------------------------------------------------------
            (S::AwaitingShopper { request, .. }, Event::ShopperOpened) => {
                nothing(S::ShopperPaying { request })
            }
            (S::ShopperPaying { request }, Event::ShopperLeft) => {
                nothing(S::AwaitingShopper { request, again: true })
            }
            (
                S::AwaitingShopper { request, .. } | S::ShopperPaying { request },
                Event::Approved { token },
            ) => confirm(request, token, about),
            (
                S::AwaitingShopper { request, .. } | S::ShopperPaying { request },
                Event::GivenUp { reason },
            ) => abandon(*reason, request.id, about),
            (
                S::AwaitingShopper { .. } | S::ShopperPaying { .. } | S::Confirming { .. },
                Event::RequestEnded { ended },
            ) => nothing(S::NotPaid { reason: ended_by_klarna(*ended) }),
            // -- the confirmation ---------------------------------------------------------------
            (
                S::Confirming { request, token, doubted: false, refused: None },
                Event::ConfirmDoubted,
            ) => nothing(S::Confirming { request, token, doubted: true, refused: None }),
            (
                S::Confirming { request, token, doubted, refused: None },
                Event::ConfirmRefused { refusal },
            ) => {
                let refused = Some(refusal.clone());
                nothing(S::Confirming { request, token, doubted, refused })
            }
            (S::Confirming { request, refused: Some(_), .. }, Event::ShopperLeft) => {
                nothing(S::AwaitingShopper { request, again: true })
            }
            (S::Confirming { request, refused: Some(_), .. }, Event::Approved { token }) => {
                confirm(request, token, about)
            }
            (S::Confirming { request, refused: Some(_), .. }, Event::GivenUp { reason }) => {
                abandon(*reason, request.id, about)
            }
            (
                S::AwaitingShopper { .. } | S::ShopperPaying { .. } | S::Confirming { .. },
                Event::Authorised { transaction, .. },
            ) => nothing(S::Authorised { transaction: transaction.clone() }),
            // -- the result ---------------------------------------------------------------------
            (S::Authorised { transaction }, Event::Acknowledged) => {
                nothing(S::Settling { transaction, ledger: Ledger::new(about.sale.amount) })
            }
            (S::Authorised { transaction }, Event::VoidDecided { reason, .. }) => {
                void(transaction, *reason, false, about)
            }
            // -- never to be confirmed ----------------------------------------------------------
            (
                S::Abandoning { reason, request: None, .. },
                Event::Created { request, .. } | Event::Unavailable { request },
            ) => abandon(reason, request.clone(), about),
            (S::Abandoning { reason, request: None, .. }, Event::CreateRefused { .. })
            | (
                S::Abandoning { reason, request: Some(_), refused: None },
                Event::RequestEnded { .. },
            ) => nothing(S::NotPaid { reason }),
            (
                S::Abandoning { reason, request: request @ Some(_), refused: None },
                Event::CallRefused { sequence, refusal },
            ) => {
                let refused = Some(refusal.clone());
                let state = S::Abandoning { reason, request, refused };
                Ok((state, Todo::Refuse(*sequence, refusal.clone())))
            }
            (
                S::Abandoning { reason, request: Some(_), refused: None },
                Event::Authorised { transaction, .. },
            ) => void(transaction.clone(), VoidReason::LatePayment(reason), false, about),
            // -- giving everything back ---------------------------------------------------------
            (
                S::Voiding { transaction, reason, acknowledged, refused: None },
                Event::Voided { .. },
            ) => nothing(S::Voided { transaction, reason, acknowledged }),
            (
                S::Voiding { transaction, reason, acknowledged, refused: None },
                Event::CallRefused { sequence, refusal },
            ) => {
                let refused = Some(refusal.clone());
                let state = S::Voiding { transaction, reason, acknowledged, refused };
                Ok((state, Todo::Refuse(*sequence, refusal.clone())))
            }
            // -- the money ----------------------------------------------------------------------
            (S::Settling { transaction, ledger }, Event::VoidDecided { reason, .. })
                if ledger.is_untouched() =>
            {
                void(transaction, *reason, true, about)
            }
            (
                S::Settling { transaction, ledger },
                Event::CaptureQueued { .. }
                | Event::RefundQueued { .. }
                | Event::ReleaseQueued { .. }
                | Event::Released { .. }
                | Event::Captured { .. }
                | Event::Refunded { .. }
                | Event::CallRefused { .. }
                | Event::Rekeyed { .. },
            ) => settle(transaction, ledger, event, about),
            // -- everything else cannot happen --------------------------------------------------
            (
                state,
                Event::SaleRequested { .. }
                | Event::Created { .. }
                | Event::Unavailable { .. }
                | Event::CreateRefused { .. }
                | Event::ShopperOpened
                | Event::ShopperLeft
                | Event::Approved { .. }
                | Event::ConfirmDoubted
                | Event::ConfirmRefused { .. }
                | Event::Authorised { .. }
                | Event::Acknowledged
                | Event::GivenUp { .. }
                | Event::RequestEnded { .. }
                | Event::VoidDecided { .. }
                | Event::Voided { .. }
                | Event::CaptureQueued { .. }
                | Event::Captured { .. }
                | Event::RefundQueued { .. }
                | Event::ReleaseQueued { .. }
                | Event::Released { .. }
                | Event::Refunded { .. }
                | Event::CallRefused { .. }
                | Event::Rekeyed { .. }
                | Event::ShiftEnded { .. },
            ) => Err(IllegalEvent { state: state.name(), event: event.name() }),
        }
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
            (Self::Settling { .. }, CallKind::Capture { .. } | CallKind::Refund { .. }) => true,
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
                | CallKind::Void { .. },
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

fn abandon(
    reason: NotPaid,
    request: RequestId,
    about: &About<'_>,
) -> Result<(State, Todo), IllegalEvent> {
    let call = CallKind::Cancel { request: request.clone(), amount: about.sale.amount };
    let state = State::Abandoning { reason, request: Some(request), refused: None };
    Ok((state, Todo::Queue(call)))
}

fn confirm(
    request: OpenRequest,
    token: &ConfirmationToken,
    about: &About<'_>,
) -> Result<(State, Todo), IllegalEvent> {
    let call = CallKind::Confirm {
        request: request.id.clone(),
        token: token.clone(),
        amount: about.sale.amount,
        payment_reference: about.payment_reference.clone(),
    };
    let state = State::Confirming { request, token: token.clone(), doubted: false, refused: None };
    Ok((state, Todo::Queue(call)))
}

fn void(
    transaction: TransactionId,
    reason: VoidReason,
    acknowledged: bool,
    about: &About<'_>,
) -> Result<(State, Todo), IllegalEvent> {
    let (amount, rest) = (about.sale.amount, false);
    let call = CallKind::Void { transaction: transaction.clone(), amount, rest };
    let state = State::Voiding { transaction, reason, acknowledged, refused: None };
    Ok((state, Todo::Queue(call)))
}

fn settle(
    transaction: TransactionId,
    mut ledger: Ledger,
    event: &Event,
    about: &About<'_>,
) -> Result<(State, Todo), IllegalEvent> {
    let todo = ledger
        .record(event, &transaction, about)
        .ok_or(IllegalEvent { state: "settling", event: event.name() })?;
    Ok((State::Settling { transaction, ledger }, todo))
}

fn ended_by_klarna(ended: Ended) -> NotPaid {
    match ended {
        Ended::Declined => NotPaid::Declined,
        Ended::Cancelled | Ended::Expired | Ended::Unknown => NotPaid::Expired,
    }
}

#[cfg(test)]
mod tests;
