//! Commands about earlier sales, from tills and from the terminal's own desk: capture, refund,
//! void, release, update, and what is to become of refused calls.
//!
//! A sale is named by the till's reference, by ours, or by Klarna's transaction, whoever has sold
//! it. Nothing here decides what Klarna is told; events do.

use super::account::Payment;
use super::draft::Draft;
use super::event::{Event, VoidReason};
use super::found::{Found, NotFound};
use super::ledger::RefundPart;
use super::state::State;
use super::till::Stop;
use super::vocabulary::{Operation, OperationKind, Problem, Reply, SaleName};
use crate::id::{CallId, Label, PosReference};
use crate::money::Amount;

impl Draft<'_> {
    pub(super) fn command(
        &mut self,
        kind: OperationKind,
        asked: &Operation,
        looked: Option<Result<Found, NotFound>>,
    ) -> Result<(), Stop> {
        if let Some(known) = self.known(&asked.reference)? {
            return self.repeat_command(&known, kind, asked);
        }
        if kind == OperationKind::Refund && !self.engine.policy.refund_offline {
            self.is_reachable(&asked.sale, &looked)?;
        }
        let payment = self.locate(&asked.sale, looked)?;
        let operation = asked.reference.clone();
        let part = asked.amount.is_some_and(|amount| amount != payment.sale.amount);
        let events = match (&payment.state, kind) {
            (State::Settling { .. } | State::Authorised { .. }, OperationKind::Void) if part => {
                let why = "it releases the whole amount; leave the amount out";
                return Err(Problem::NotAllowed(format!("void is not possible: {why}")).into());
            }
            (State::Settling { ledger, .. }, OperationKind::Capture) => {
                let amount = ledger.plan_capture(asked.amount)?;
                vec![Event::CaptureQueued { amount, operation: Some(operation) }]
            }
            // There is nothing to give back yet, so nothing will be taken.
            (State::Settling { ledger, .. }, OperationKind::Refund) if ledger.is_untouched() => {
                if part {
                    let why = "nothing was captured yet; void the sale, or capture what is to be \
                               paid and release the rest";
                    return Err(
                        Problem::NotAllowed(format!("refund is not possible: {why}")).into()
                    );
                }
                vec![void_by_till(asked)]
            }
            (State::Settling { ledger, .. }, OperationKind::Refund) => {
                let parts = ledger.plan_refund(asked.amount)?.into_iter();
                let refund = |RefundPart { amount, capture }| {
                    let (operation, why) = (operation.clone(), asked.why.clone());
                    Event::RefundQueued { amount, operation, capture, why }
                };
                parts.map(refund).collect()
            }
            (State::Settling { ledger, .. }, OperationKind::Release) if !ledger.is_untouched() => {
                let amount = ledger.plan_release()?;
                if asked.amount.is_some_and(|asked| asked != amount) {
                    let why = format!("it releases all that is left, {amount}");
                    return Err(
                        Problem::NotAllowed(format!("release is not possible: {why}")).into()
                    );
                }
                vec![Event::ReleaseQueued { amount, operation }]
            }
            (State::Settling { .. }, OperationKind::Release) => {
                let why = "nothing was captured; void it instead";
                return Err(Problem::NotAllowed(format!("release is not possible: {why}")).into());
            }
            (State::Settling { ledger, .. }, OperationKind::Void) if ledger.is_untouched() => {
                vec![void_by_till(asked)]
            }
            (State::Authorised { .. }, OperationKind::Void) => vec![void_by_till(asked)],
            (state, kind) => return Err(not_allowed(kind, state).into()),
        };
        self.step.references.push((asked.reference.clone(), Some(payment.id)));
        events.into_iter().try_for_each(|event| self.record(payment.id, event))?;
        Ok(())
    }

    /// Takes a part of an authorisation and releases the rest, in one step, so that neither is ever
    /// done without the other being recorded. Only once: a till that has lost the answer and asks
    /// again does not take more.
    pub(super) fn book(
        &mut self,
        asked: &Operation,
        is_released: bool,
        looked: Option<Result<Found, NotFound>>,
    ) -> Result<(), Stop> {
        let kind = OperationKind::Capture;
        if let Some(known) = self.known(&asked.reference)? {
            let amount = Some(booked(&known, asked.amount, is_released)?);
            let asked = Operation { amount, ..asked.clone() };
            return self.repeat_command(&known, kind, &asked);
        }
        let payment = self.locate(&asked.sale, looked)?;
        let (id, operation) = (payment.id, asked.reference.clone());
        let amount = booked(&payment, asked.amount, is_released)?;
        match &payment.state {
            State::Authorised { .. } => self.record(id, Event::Acknowledged)?,
            State::Settling { ledger, .. } if ledger.is_untouched() => {}
            State::Settling { .. } => {
                let why = "it was booked already, or money was captured otherwise";
                return Err(Problem::NothingLeft(format!("booking is not possible: {why}")).into());
            }
            state => return Err(not_allowed(kind, state).into()),
        }
        self.step.references.push((operation.clone(), Some(id)));
        let taken = Some(operation.clone());
        self.record(id, Event::CaptureQueued { amount, operation: taken })?;
        let rest = Amount::new(payment.sale.amount.minor() - amount.minor(), amount.currency());
        if !rest.is_zero() {
            self.record(id, Event::ReleaseQueued { amount: rest, operation })?;
        }
        if matches!(payment.state, State::Authorised { .. }) {
            self.reply(Reply::Acknowledged { reference: payment.sale.reference });
        }
        Ok(())
    }

    fn repeat_command(
        &mut self,
        known: &Payment,
        kind: OperationKind,
        asked: &Operation,
    ) -> Result<(), Stop> {
        let earlier = known.operation(&asked.reference).filter(|earlier| {
            let same_amount = asked.amount.is_none_or(|amount| amount == earlier.amount);
            // A refund of what was never captured has become a void.
            let voids = (kind, earlier.kind) == (OperationKind::Refund, OperationKind::Void);
            (earlier.kind == kind || voids) && is_about(known, &asked.sale) && same_amount
        });
        let Some(operation) = earlier else {
            let what = self.meaning(&asked.reference);
            return Err(Problem::ReferenceReused(asked.reference.clone(), what).into());
        };
        self.reply(Reply::Operation(Box::new(operation)));
        Ok(())
    }

    pub(super) fn update(
        &mut self,
        reference: PosReference,
        sale: &SaleName,
        merchant_reference: Label,
        looked: Option<Result<Found, NotFound>>,
    ) -> Result<(), Stop> {
        if let Some(known) = self.known(&reference)? {
            let same = known.update(&reference) == Some(&merchant_reference);
            let earlier = known.operation(&reference).filter(|_| same && is_about(&known, sale));
            let Some(operation) = earlier else {
                let what = self.meaning(&reference);
                return Err(Problem::ReferenceReused(reference, what).into());
            };
            self.reply(Reply::Operation(Box::new(operation)));
            return Ok(());
        }
        let payment = self.locate(sale, looked)?;
        match &payment.state {
            State::Settling { ledger, .. } => ledger.plan_update()?,
            state => return Err(not_allowed(OperationKind::Update, state).into()),
        }
        self.step.references.push((reference.clone(), Some(payment.id)));
        let event = Event::UpdateQueued { merchant_reference, operation: reference };
        Ok(self.record(payment.id, event)?)
    }

    /// Makes a sale known here, as it stands at the acquirer.
    pub(super) fn find(
        &mut self,
        reference: PosReference,
        sale: &SaleName,
        looked: Option<Result<Found, NotFound>>,
    ) -> Result<(), Stop> {
        self.locate(sale, looked)?;
        self.reply(Reply::Noted { reference });
        Ok(())
    }

    pub(super) fn retry(
        &mut self,
        reference: PosReference,
        call: Option<CallId>,
    ) -> Result<(), Stop> {
        let Some(call) = call else {
            self.step.hurry = true;
            self.reply(Reply::Noted { reference });
            return Ok(());
        };
        let Some(payment) = self.payment(call.payment) else {
            return Err(Problem::CallNotRefused(call).into());
        };
        if payment.open_calls().any(|(open, _)| open == call) {
            self.step.hurry = true;
        } else if !payment.refused_calls().any(|refused| refused == call) {
            return Err(Problem::CallNotRefused(call).into());
        } else {
            match &payment.state {
                State::Settling { ledger, .. } => {
                    ledger.plan_retry(call.sequence)?;
                    ledger.plan_late_update(call.sequence)?;
                }
                State::Abandoning { refused: Some(refused), .. }
                | State::Voiding { refused: Some(refused), .. }
                    if refused.sequence == call.sequence => {}
                _ => {
                    let why = "the sale was voided since; resolve the call instead";
                    return Err(Problem::NotAllowed(format!("retry is not possible: {why}")).into());
                }
            }
            self.record(call.payment, Event::CallRetried { sequence: call.sequence })?;
        }
        self.reply(Reply::Noted { reference });
        Ok(())
    }

    pub(super) fn resolve(
        &mut self,
        reference: PosReference,
        call: CallId,
        reason: Label,
    ) -> Result<(), Stop> {
        let payment = self.payment(call.payment);
        if !payment.is_some_and(|payment| payment.refused_calls().any(|refused| refused == call)) {
            return Err(Problem::CallNotRefused(call).into());
        }
        self.record(call.payment, Event::CallResolved { sequence: call.sequence, reason })?;
        self.reply(Reply::Noted { reference });
        Ok(())
    }

    /// Whether the acquirer has just answered; it is asked about the sale's transaction.
    fn is_reachable(
        &self,
        name: &SaleName,
        looked: &Option<Result<Found, NotFound>>,
    ) -> Result<(), Stop> {
        let transaction = self.engine.named(name).and_then(Payment::transaction);
        match (looked, transaction) {
            (Some(Err(NotFound::Unreachable(why))), _) => {
                Err(Problem::Offline(name.clone(), why.clone()).into())
            }
            (None, Some(transaction)) => Err(Stop::Look(transaction.clone())),
            _ => Ok(()),
        }
    }

    /// A transaction of one of our own sales whose confirmation has not come back yet is not to be
    /// taken over as somebody else's.
    fn is_nobodys_open_sale(&self, found: &Found) -> Result<(), Problem> {
        let name = found.payment_reference.clone().map(SaleName::Payment);
        let ours = name.and_then(|name| self.engine.named(&name)).filter(|ours| ours.is_open());
        match ours {
            None => Ok(()),
            Some(ours) => {
                let sale = &ours.sale.reference;
                let why = format!("it is sale {sale} of this terminal, which is not settled yet");
                Err(Problem::NotAllowed(why))
            }
        }
    }

    /// The payment that a command is about. One that others have a hand in is read at Klarna first;
    /// when Klarna cannot be asked, what the journal knows of it counts.
    fn locate(
        &mut self,
        name: &SaleName,
        looked: Option<Result<Found, NotFound>>,
    ) -> Result<Payment, Stop> {
        let known = match (name, &looked) {
            (SaleName::Till(reference), _) => Some(self.expect_sale(reference)?),
            (SaleName::Transaction(_), Some(Ok(found))) => {
                self.engine.named(&SaleName::Transaction(found.transaction.clone())).cloned()
            }
            _ => self.engine.named(name).cloned(),
        };
        let transaction = match name {
            SaleName::Transaction(id) => Some(id.clone()),
            SaleName::Till(_)
            | SaleName::Number(_)
            | SaleName::Receipt(_)
            | SaleName::Trace(_)
            | SaleName::Payment(_) => known.as_ref().and_then(Payment::transaction).cloned(),
        };
        match (known, transaction, looked) {
            (Some(payment), ..) if !needs_look(&payment) => Ok(payment),
            (Some(payment), _, Some(Ok(found))) if !can_tell(&payment, &found) => Ok(payment),
            (Some(payment), _, Some(Ok(found))) => {
                let payment_reference = payment.reference.clone();
                self.record(payment.id, Event::Adopted { found, payment_reference })?;
                Ok(self.payment(payment.id).cloned().unwrap_or(payment))
            }
            (Some(payment), _, Some(Err(_))) => Ok(payment),
            (_, Some(transaction), None) => Err(Stop::Look(transaction)),
            (None, _, Some(Ok(found))) => {
                self.is_nobodys_open_sale(&found)?;
                let id = self.adopt(found);
                let adopted = self.payment(id).cloned();
                adopted.ok_or_else(|| Problem::SaleNotKnown(name.clone()).into())
            }
            (None, _, Some(Err(NotFound::Unreachable(why)))) => {
                Err(Problem::Offline(name.clone(), why).into())
            }
            (None, _, Some(Err(NotFound::Unknown)) | None) | (Some(_), None, None) => {
                Err(Problem::SaleNotKnown(name.clone()).into())
            }
        }
    }
}

/// Whether others have a hand in it, so that Klarna knows more than the journal. While a call of
/// ours waits it would not be clear whether the answer counts it.
fn needs_look(payment: &Payment) -> bool {
    match &payment.state {
        State::Settling { ledger, .. } => ledger.is_adopted() && ledger.is_at_rest(),
        _ => false,
    }
}

fn can_tell(payment: &Payment, found: &Found) -> bool {
    match &payment.state {
        State::Settling { ledger, .. } => ledger.can_tell(found),
        _ => false,
    }
}

fn is_about(payment: &Payment, name: &SaleName) -> bool {
    match name {
        SaleName::Till(reference) => payment.sale.reference == *reference,
        SaleName::Number(number) => payment.id == *number,
        SaleName::Receipt(_) | SaleName::Trace(_) => payment.ends_in(name),
        SaleName::Payment(reference) => payment.reference == *reference,
        SaleName::Transaction(id) => {
            payment.transaction().is_some_and(|known| known.is_same(id.as_str()))
        }
    }
}

/// How much of the authorisation is taken when `asked` is named: as what is taken, or as what is
/// released.
fn booked(payment: &Payment, asked: Option<Amount>, is_released: bool) -> Result<Amount, Problem> {
    let whole = payment.sale.amount;
    let Some(asked) = asked else { return Ok(whole) };
    let Ok(rest) = whole.checked_sub(asked) else {
        let (got, sold) = (asked.currency().to_string(), whole.currency().to_string());
        return Err(Problem::WrongCurrency(got, sold));
    };
    if is_released && rest.is_zero() {
        let why = "partial reversal is not possible: it would release all; void the sale instead";
        return Err(Problem::NotAllowed(why.to_owned()));
    }
    let (taken, verb) = if is_released { (rest, "released") } else { (asked, "captured") };
    match 0 < taken.minor() && 0 <= asked.minor() && 0 <= rest.minor() {
        true => Ok(taken),
        false => Err(Problem::ExceedsRest { asked, left: whole, verb }),
    }
}

fn void_by_till(asked: &Operation) -> Event {
    let (reason, operation) = (VoidReason::RequestedByTill, Some(asked.reference.clone()));
    Event::VoidDecided { reason, operation, why: asked.why.clone() }
}

fn not_allowed(kind: OperationKind, state: &State) -> Problem {
    let why = match state {
        State::Creating
        | State::AwaitingShopper { .. }
        | State::ShopperPaying { .. }
        | State::Confirming { .. } => "the sale is still running; wait for its result or abort it",
        State::Authorised { .. } => "the sale's result was not acknowledged yet",
        State::Settling { .. } => {
            "money was captured or is queued to be; refund it, or release the rest"
        }
        State::Abandoning { .. } | State::NotPaid { .. } => "the sale was not paid",
        State::Voiding { .. } | State::Voided { .. } => "the sale was voided",
        State::Free => "the sale's amount was 0",
    };
    let why = format!("{} is not possible: {why}", kind.code());
    match state {
        State::Voiding { .. } | State::Voided { .. } => Problem::NothingLeft(why),
        _ => Problem::NotAllowed(why),
    }
}
