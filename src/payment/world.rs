//! What the world does to payments: time passes, calls come back, payment requests are read.
//!
//! Each becomes at most one event; what says nothing new becomes none and costs no commit.

use super::account::Payment;
use super::draft::Draft;
use super::effect::{CallKind, Effect, Ended, Outcome, Refusal, RefusalReason, RequestState};
use super::event::{Event, NotPaid, VoidReason};
use super::state::{IllegalEvent, State};
use crate::id::{CallId, ConfirmationToken, PaymentId, RequestId};

/// A confirmation that could not be sent this many times in a row is "unknown" to the cashier.
const DOUBT_AFTER_ATTEMPTS: u32 = 3;

impl Draft<'_> {
    pub(super) fn tick(&mut self) -> Result<(), IllegalEvent> {
        let now = self.step.now().mono;
        let is_due = |payment: &&Payment| payment.due().is_some_and(|due| due <= now);
        let due: Vec<&Payment> = self.engine.payments.values().filter(is_due).collect();
        for payment in due {
            let event = match &payment.state {
                State::Creating => Event::GivenUp { reason: NotPaid::NoConnection },
                State::AwaitingShopper { .. } | State::ShopperPaying { .. } => {
                    Event::GivenUp { reason: NotPaid::TimedOut }
                }
                State::Confirming { refused: None, .. } => {
                    Event::ConfirmRefused { refusal: too_late() }
                }
                // Nothing that Klarna says is understood, or it says nothing: closing the request
                // brings to light whether it was paid after all, and then it is given back.
                State::Confirming { refused: Some(_), .. } => {
                    Event::GivenUp { reason: NotPaid::ConfirmFailed }
                }
                State::Authorised { .. } => Event::VoidDecided {
                    reason: VoidReason::NotAcknowledged,
                    operation: None,
                    why: None,
                },
                State::Settling { .. }
                | State::Abandoning { .. }
                | State::NotPaid { .. }
                | State::Voiding { .. }
                | State::Voided { .. }
                | State::Free => continue,
            };
            self.record(payment.id, event)?;
        }
        Ok(())
    }

    pub(super) fn outcome(
        &mut self,
        id: CallId,
        attempts: u32,
        outcome: Outcome,
    ) -> Result<(), IllegalEvent> {
        let Some(payment) = self.engine.payments.get(&id.payment) else { return Ok(()) };
        let open = payment.open_calls().find(|(open, _)| *open == id);
        // A late answer to a call that was closed by a read or a decision says nothing new.
        let Some((_, kind)) = open else { return Ok(()) };
        let event = match outcome {
            Outcome::Done(effect) => Some(effect_event(id.sequence, kind, effect)?),
            Outcome::Refused(refusal) => Some(refusal_event(id.sequence, kind, refusal)),
            Outcome::Absent => Some(Event::Rekeyed { sequence: id.sequence }),
            Outcome::Retry(_) => unsent_event(&payment.state, kind, attempts),
            Outcome::Unknown(_) => unsent_event(&payment.state, kind, DOUBT_AFTER_ATTEMPTS)
                .filter(|event| *event == Event::ConfirmDoubted),
        };
        event.map_or(Ok(()), |event| self.record(id.payment, event))?;
        self.refuse_orphaned(id.payment)
    }

    /// What waited for a capture goes with it: a refund, because Klarna has nothing to give back; a
    /// release, because it would let go of what a person may still want to capture.
    fn refuse_orphaned(&mut self, id: PaymentId) -> Result<(), IllegalEvent> {
        while let Some(State::Settling { ledger, .. }) = self.payment(id).map(|p| &p.state) {
            let refund = ledger.uncovered_refund().map(|sequence| (sequence, "refund"));
            let release = || ledger.orphaned_release().map(|sequence| (sequence, "release"));
            let Some((sequence, what)) = refund.or_else(release) else { break };
            self.record(id, Event::CallRefused { sequence, refusal: not_captured(what) })?;
        }
        Ok(())
    }

    pub(super) fn observed(
        &mut self,
        id: PaymentId,
        looked_at: &RequestId,
        observed: RequestState,
    ) -> Result<(), IllegalEvent> {
        let Some(payment) = self.engine.payments.get(&id) else { return Ok(()) };
        let event = match &payment.state {
            State::AwaitingShopper { request, .. } | State::ShopperPaying { request }
                if request.id == *looked_at =>
            {
                seen_while_open(payment, observed)
            }
            State::Confirming { request, token, refused, .. } if request.id == *looked_at => {
                seen_while_confirming(payment, token, refused.is_some(), observed)
            }
            State::Creating
            | State::AwaitingShopper { .. }
            | State::ShopperPaying { .. }
            | State::Confirming { .. }
            | State::Authorised { .. }
            | State::Settling { .. }
            | State::Abandoning { .. }
            | State::NotPaid { .. }
            | State::Voiding { .. }
            | State::Voided { .. }
            | State::Free => None,
        };
        event.map_or(Ok(()), |event| self.record(id, event))
    }
}

fn effect_event(sequence: u32, kind: &CallKind, effect: Effect) -> Result<Event, IllegalEvent> {
    let amount = kind.amount();
    Ok(match (kind, effect) {
        (CallKind::Create { .. }, Effect::Created { request, url, descriptor }) => {
            Event::Created { request, url, descriptor }
        }
        (CallKind::Create { .. }, Effect::CreatedUnavailable { request }) => {
            Event::Unavailable { request }
        }
        (CallKind::Cancel { .. }, Effect::Ended(ended)) => Event::RequestEnded { ended },
        (
            CallKind::Confirm { .. } | CallKind::Cancel { .. },
            Effect::Authorised { transaction },
        ) => Event::Authorised { transaction, amount },
        (CallKind::Capture { .. }, Effect::Captured { capture }) => {
            Event::Captured { sequence, amount, capture }
        }
        (CallKind::Refund { .. }, Effect::Refunded { refund }) => {
            Event::Refunded { sequence, amount, refund }
        }
        (CallKind::Void { rest: true, .. }, Effect::Voided) => Event::Released { sequence, amount },
        (CallKind::Void { rest: false, .. }, Effect::Voided) => Event::Voided { amount },
        (CallKind::Update { .. }, Effect::Updated) => Event::Updated { sequence },
        (CallKind::Check { .. }, Effect::Checked) => Event::Checked { sequence },
        (CallKind::Check { .. }, Effect::NotComparable(_)) => Event::NotCompared { sequence },
        (
            kind,
            Effect::Created { .. }
            | Effect::CreatedUnavailable { .. }
            | Effect::Ended(_)
            | Effect::Authorised { .. }
            | Effect::Captured { .. }
            | Effect::Refunded { .. }
            | Effect::Voided
            | Effect::Updated
            | Effect::Checked
            | Effect::NotComparable(_),
        ) => return Err(IllegalEvent { state: kind.operation(), event: "foreign effect" }),
    })
}

fn refusal_event(sequence: u32, kind: &CallKind, refusal: Refusal) -> Event {
    match kind {
        CallKind::Create { .. } => Event::CreateRefused { refusal },
        CallKind::Confirm { .. } => Event::ConfirmRefused { refusal },
        CallKind::Cancel { .. }
        | CallKind::Capture { .. }
        | CallKind::Refund { .. }
        | CallKind::Void { .. }
        | CallKind::Update { .. }
        | CallKind::Check { .. } => Event::CallRefused { sequence, refusal },
    }
}

/// What a failed attempt changes: a sale that was given up needs no request any more, and a
/// confirmation without an answer is in doubt.
fn unsent_event(state: &State, kind: &CallKind, attempts: u32) -> Option<Event> {
    match (state, kind) {
        (State::Abandoning { request: None, .. }, CallKind::Create { .. }) => {
            Some(Event::CreateRefused { refusal: too_late() })
        }
        (State::Confirming { doubted: false, .. }, CallKind::Confirm { .. })
            if attempts >= DOUBT_AFTER_ATTEMPTS =>
        {
            Some(Event::ConfirmDoubted)
        }
        _ => None,
    }
}

fn seen_while_open(payment: &Payment, observed: RequestState) -> Option<Event> {
    let paying = matches!(payment.state, State::ShopperPaying { .. });
    match observed {
        RequestState::Submitted => paying.then_some(Event::ShopperLeft),
        RequestState::InProgress => (!paying).then_some(Event::ShopperOpened),
        RequestState::PendingConfirmation { token } => Some(Event::Approved { token }),
        RequestState::Authorised { transaction } => {
            Some(Event::Authorised { transaction, amount: payment.sale.amount })
        }
        // A request that was made a moment ago may not be known everywhere yet.
        RequestState::Ended(Ended::Unknown) | RequestState::Other(_) => None,
        RequestState::Ended(ended) => Some(Event::RequestEnded { ended }),
    }
}

/// While the confirm call is on its way only final states count; once it was refused, the read
/// decides.
fn seen_while_confirming(
    payment: &Payment,
    token: &ConfirmationToken,
    refused: bool,
    observed: RequestState,
) -> Option<Event> {
    match observed {
        RequestState::Authorised { transaction } => {
            Some(Event::Authorised { transaction, amount: payment.sale.amount })
        }
        RequestState::Ended(ended @ (Ended::Cancelled | Ended::Expired | Ended::Declined)) => {
            Some(Event::RequestEnded { ended })
        }
        RequestState::Submitted | RequestState::InProgress if refused => Some(Event::ShopperLeft),
        RequestState::PendingConfirmation { token: seen } if refused && seen != *token => {
            Some(Event::Approved { token: seen })
        }
        // Closing it brings to light whether it was paid after all, and then it is given back.
        RequestState::PendingConfirmation { .. } | RequestState::Ended(Ended::Unknown)
            if refused =>
        {
            Some(Event::GivenUp { reason: NotPaid::ConfirmFailed })
        }
        RequestState::Submitted
        | RequestState::InProgress
        | RequestState::PendingConfirmation { .. }
        | RequestState::Ended(Ended::Unknown)
        | RequestState::Other(_) => None,
    }
}

fn too_late() -> Refusal {
    Refusal::new(RefusalReason::TooLate, "TOO_LATE", "the time for this call is over")
}

fn not_captured(what: &str) -> Refusal {
    let text = format!("the capture that this {what} waited for was refused");
    Refusal::new(RefusalReason::NotAllowed, "NOT_CAPTURED", text)
}
