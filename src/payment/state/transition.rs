//! The whole protocol: what each event makes of each state.

use super::{About, IllegalEvent, OpenRequest, RefusedCall, State, Todo};
use crate::id::{ConfirmationToken, RequestId, TransactionId};
use crate::payment::effect::{CallKind, Ended};
use crate::payment::event::{Event, NotPaid, VoidReason};
use crate::payment::ledger::Ledger;

impl State {
    /// The whole protocol: what `event` makes of this state. `about` names what never changes in
    /// the payment.
    ///
    /// # Errors
    /// [`IllegalEvent`] for every pair that is not listed; the payment is unchanged.
    pub(in crate::payment) fn on(
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
                let refused = Some(RefusedCall::new(*sequence, refusal));
                let state = S::Abandoning { reason, request, refused };
                Ok((state, Todo::Refuse(*sequence, refusal.clone())))
            }
            (
                S::Abandoning { reason, request, refused: Some(refused) },
                Event::CallRetried { sequence },
            ) if refused.sequence == *sequence => {
                let state = S::Abandoning { reason, request, refused: None };
                Ok((state, Todo::Retry(*sequence)))
            }
            (
                S::Abandoning { reason, refused: Some(refused), .. },
                Event::CallResolved { sequence, .. },
            ) if refused.sequence == *sequence => {
                Ok((S::NotPaid { reason }, Todo::Resolve(*sequence)))
            }
            (
                S::Abandoning { reason, request: Some(_), refused: None },
                Event::Authorised { transaction, .. },
            ) => void(transaction.clone(), VoidReason::LatePayment(reason), false, about),
            // -- giving everything back ---------------------------------------------------------
            (
                S::Voiding { transaction, reason, acknowledged, refused: None },
                Event::Voided { .. },
            ) => nothing(S::Voided { transaction, reason, acknowledged, by_person: false }),
            (
                S::Voiding { transaction, reason, acknowledged, refused: None },
                Event::CallRefused { sequence, refusal },
            ) => {
                let refused = Some(RefusedCall::new(*sequence, refusal));
                let state = S::Voiding { transaction, reason, acknowledged, refused };
                Ok((state, Todo::Refuse(*sequence, refusal.clone())))
            }
            (
                S::Voiding { transaction, reason, acknowledged, refused: Some(refused) },
                Event::CallRetried { sequence },
            ) if refused.sequence == *sequence => {
                let state = S::Voiding { transaction, reason, acknowledged, refused: None };
                Ok((state, Todo::Retry(*sequence)))
            }
            (
                S::Voiding { transaction, reason, acknowledged, refused: Some(refused) },
                Event::CallResolved { sequence, .. },
            ) if refused.sequence == *sequence => {
                let state = S::Voided { transaction, reason, acknowledged, by_person: true };
                Ok((state, Todo::Resolve(*sequence)))
            }
            // A capture that was refused before the whole was given back is still on the list.
            (
                state @ (S::Voiding { .. } | S::Voided { .. }),
                Event::CallResolved { sequence, .. },
            ) => Ok((state, Todo::Resolve(*sequence))),
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
                | Event::UpdateQueued { .. }
                | Event::Updated { .. }
                | Event::CheckQueued
                | Event::Checked { .. }
                | Event::NotCompared { .. }
                | Event::Adopted { .. }
                | Event::CallRefused { .. }
                | Event::CallRetried { .. }
                | Event::CallResolved { .. }
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
                | Event::CallRetried { .. }
                | Event::CallResolved { .. }
                | Event::Adopted { .. }
                | Event::UpdateQueued { .. }
                | Event::Updated { .. }
                | Event::CheckQueued
                | Event::Checked { .. }
                | Event::NotCompared { .. }
                | Event::Rekeyed { .. }
                | Event::Noted { .. }
                | Event::ShiftEnded { .. },
            ) => Err(IllegalEvent { state: state.name(), event: event.name() }),
        }
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
