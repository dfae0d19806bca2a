//! What tills ask, whatever their protocol: sale, abort, status, acknowledgement, capture, refund,
//! void, end of shift.
//!
//! Every command has a reference of its own: the same again gives the same answer, another command
//! under the same reference is refused. Nothing here decides what Klarna is told; events do.

use super::CapturePolicy;
use super::account::Payment;
use super::engine::Draft;
use super::event::{Event, NotPaid, Record, Sale, ShiftReport, ShiftTotal, VoidReason};
use super::ledger::RefundPart;
use super::state::{IllegalEvent, State};
use super::vocabulary::{
    Operation, OperationKind, Problem, Reply, Request, SaleOutcome, Stage, Status,
};
use crate::id::{PaymentId, PosReference};
use crate::money::{Amount, KLARNA_AMOUNT_MAX};

impl Draft<'_> {
    pub(super) fn till(
        &mut self,
        request: Request,
        totals: Vec<ShiftTotal>,
    ) -> Result<(), IllegalEvent> {
        let reference = request.reference().clone();
        let done = match request {
            Request::Sale(sale) => self.sale(sale),
            Request::Abort { reference } => self.abort(&reference),
            Request::Status { reference } => self.status(&reference),
            Request::Acknowledge { reference } => self.acknowledge(&reference),
            Request::Capture(operation) => self.command(OperationKind::Capture, &operation),
            Request::Refund(operation) => self.command(OperationKind::Refund, &operation),
            Request::Void(operation) => self.command(OperationKind::Void, &operation),
            Request::Release(operation) => self.command(OperationKind::Release, &operation),
            Request::EndShift { reference } => self.end_shift(reference, totals),
        };
        match done {
            Ok(()) => Ok(()),
            Err(Stop::Problem(problem)) => {
                self.reply(Reply::Refused { reference: Some(reference), problem });
                Ok(())
            }
            Err(Stop::Illegal(illegal)) => Err(illegal),
        }
    }

    fn sale(&mut self, sale: Sale) -> Result<(), Stop> {
        if let Some(known) = self.known(&sale.reference)? {
            let same = known.sale.reference == sale.reference && known.sale.amount == sale.amount;
            let what = self.meaning(&sale.reference);
            return match same {
                true => self.repeat(known.id),
                false => Err(Problem::ReferenceReused(sale.reference, what).into()),
            };
        }
        self.check_sale(&sale)?;
        if let Some(active) = self.engine.active() {
            let reference = active.sale.reference.clone();
            return Err(match active.outcome() {
                Some(_) => Problem::Unacknowledged(reference).into(),
                None => Problem::Busy(reference).into(),
            });
        }
        self.begin(sale);
        Ok(())
    }

    fn check_sale(&self, sale: &Sale) -> Result<(), Stop> {
        let amount = sale.amount;
        let taken = &self.engine.policy.currencies;
        if !taken.contains(&amount.currency()) {
            let codes: Vec<&str> = taken.iter().map(|currency| currency.code()).collect();
            let (got, takes) = (amount.currency().to_string(), codes.join(", "));
            return Err(Problem::WrongCurrency(got, takes).into());
        }
        if !amount.is_zero() && !amount.fits_klarna() {
            let most = Amount::new(KLARNA_AMOUNT_MAX, amount.currency());
            return Err(Problem::AmountOutOfRange(amount, most).into());
        }
        if sale.line_items.is_empty() {
            return Ok(());
        }
        let totals = sale.line_items.iter().map(|item| item.total);
        let sum = totals.clone().try_fold(Amount::zero(amount.currency()), Amount::checked_add);
        match sum {
            Ok(sum) if sum == amount => Ok(()),
            Ok(sum) => Err(Problem::SumMismatch(sum, amount).into()),
            Err(error) => {
                let (field, wrong) = ("line_items".to_owned(), error.to_string());
                Err(Problem::BadField { field, wrong }.into())
            }
        }
    }

    fn abort(&mut self, reference: &PosReference) -> Result<(), Stop> {
        let payment = self.expect_sale(reference)?;
        match (&payment.state, payment.result()) {
            (State::Creating | State::AwaitingShopper { .. } | State::ShopperPaying { .. }, _) => {
                self.record(payment.id, Event::GivenUp { reason: NotPaid::AbortedByTill })?;
            }
            (_, Some(result)) => self.reply(Reply::Result(Box::new(result))),
            (_, None) => {
                let (reference, stage) = (reference.clone(), Stage::Completing);
                self.reply(Reply::Progress { reference, stage });
            }
        }
        Ok(())
    }

    fn status(&mut self, reference: &PosReference) -> Result<(), Stop> {
        let status = match (self.engine.shift_of(reference), self.payment_of(reference)) {
            (Some(report), _) => Status::Shift(Box::new(report)),
            (None, None) => Status::NotKnown,
            (None, Some(payment)) => match payment.operation(reference) {
                Some(operation) => Status::Operation(Box::new(operation)),
                None => match (payment.result(), payment.stage()) {
                    (Some(result), _) => Status::Done(Box::new(result), payment.money_so_far()),
                    (None, stage) => Status::InProgress(stage.unwrap_or(Stage::Checking)),
                },
            },
        };
        self.reply(Reply::Status { reference: reference.clone(), status });
        Ok(())
    }

    fn acknowledge(&mut self, reference: &PosReference) -> Result<(), Stop> {
        let payment = self.expect_sale(reference)?;
        let id = payment.id;
        let amount = payment.sale.amount;
        match (&payment.state, payment.result(), payment.stage()) {
            (State::Authorised { .. }, _, _) => {
                self.record(id, Event::Acknowledged)?;
                if self.engine.policy.capture == CapturePolicy::OnTillAck {
                    self.record(id, Event::CaptureQueued { amount, operation: None })?;
                }
            }
            (_, Some(result), _) if matches!(result.outcome, SaleOutcome::Voided(_)) => {
                self.reply(Reply::Result(Box::new(result)));
                return Ok(());
            }
            (_, Some(_), _) => {}
            (_, None, stage) => {
                let stage = stage.unwrap_or(Stage::Checking);
                return Err(Problem::NoResultYet(reference.clone(), stage).into());
            }
        }
        self.reply(Reply::Acknowledged { reference: reference.clone() });
        Ok(())
    }

    fn command(&mut self, kind: OperationKind, asked: &Operation) -> Result<(), Stop> {
        if let Some(known) = self.known(&asked.reference)? {
            return self.repeat_command(&known, kind, asked);
        }
        let payment = self.expect_sale(&asked.sale)?;
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
            (State::Settling { ledger, .. }, OperationKind::Refund) => {
                let parts = ledger.plan_refund(asked.amount)?.into_iter();
                let refund = |RefundPart { amount, capture }| {
                    let operation = operation.clone();
                    Event::RefundQueued { amount, operation, capture }
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
                vec![void_by_till(operation)]
            }
            (State::Authorised { .. }, OperationKind::Void) => vec![void_by_till(operation)],
            (state, kind) => return Err(not_allowed(kind, state).into()),
        };
        self.step.references.push((asked.reference.clone(), Some(payment.id)));
        events.into_iter().try_for_each(|event| self.record(payment.id, event))?;
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
            earlier.kind == kind && earlier.sale == asked.sale && same_amount
        });
        let Some(operation) = earlier else {
            let what = self.meaning(&asked.reference);
            return Err(Problem::ReferenceReused(asked.reference.clone(), what).into());
        };
        self.reply(Reply::Operation(Box::new(operation)));
        Ok(())
    }

    fn end_shift(&mut self, reference: PosReference, totals: Vec<ShiftTotal>) -> Result<(), Stop> {
        if let Some(report) = self.engine.shift_of(&reference) {
            self.reply(Reply::Shift(Box::new(report)));
            return Ok(());
        }
        if self.payment_of(&reference).is_some() {
            let what = self.meaning(&reference);
            return Err(Problem::ReferenceReused(reference, what).into());
        }
        if let Some(active) = self.engine.active() {
            return Err(Problem::Busy(active.sale.reference.clone()).into());
        }
        let captures_queued = match self.engine.policy.capture {
            CapturePolicy::EndOfShift => self.capture_all()?,
            CapturePolicy::OnTillAck | CapturePolicy::Manual => 0,
        };
        let shift = self.engine.shifts.keys().next_back().map_or(1, |last| last + 1);
        let report = ShiftReport { reference: reference.clone(), shift, totals, captures_queued };
        let event = Event::ShiftEnded { report: report.clone() };
        self.step.records.push(Record { payment: None, at: self.step.now().wall, event });
        self.step.references.push((reference, None));
        self.reply(Reply::Shift(Box::new(report)));
        Ok(())
    }

    fn capture_all(&mut self) -> Result<u32, IllegalEvent> {
        // What was refused once is a person's decision, not the next closing's.
        let uncaptured = |payment: &&Payment| match &payment.state {
            State::Settling { ledger, .. } => ledger.is_untouched() && ledger.so_far().refused == 0,
            _ => false,
        };
        let due: Vec<&Payment> = self.engine.payments.values().filter(uncaptured).collect();
        let mut queued = 0;
        for payment in due {
            let amount = payment.sale.amount;
            self.record(payment.id, Event::CaptureQueued { amount, operation: None })?;
            queued += 1;
        }
        Ok(queued)
    }

    fn repeat(&mut self, id: PaymentId) -> Result<(), Stop> {
        let Some(payment) = self.payment(id) else { return Ok(()) };
        let reference = payment.sale.reference.clone();
        let reply = match (payment.result(), payment.stage()) {
            (Some(result), _) => Reply::Result(Box::new(result)),
            (None, stage) => Reply::Progress { reference, stage: stage.unwrap_or(Stage::Checking) },
        };
        self.reply(reply);
        Ok(())
    }

    /// The payment that `reference` belongs to as a sale or a command; refuses a shift's.
    fn known(&self, reference: &PosReference) -> Result<Option<Payment>, Stop> {
        if self.engine.shift_of(reference).is_some() {
            let what = self.meaning(reference);
            return Err(Problem::ReferenceReused(reference.clone(), what).into());
        }
        Ok(self.payment_of(reference).cloned())
    }

    fn expect_sale(&self, reference: &PosReference) -> Result<Payment, Stop> {
        let payment = self.payment_of(reference);
        let sale = payment.filter(|payment| payment.sale.reference == *reference);
        sale.cloned().ok_or_else(|| Problem::NotKnown(reference.clone()).into())
    }

    fn payment_of(&self, reference: &PosReference) -> Option<&Payment> {
        self.engine.references.get(reference).and_then(|id| self.payment(*id))
    }

    /// What a reference was used for, in words.
    fn meaning(&self, reference: &PosReference) -> String {
        if let Some(report) = self.engine.shift_of(reference) {
            return format!("closing shift {}", report.shift);
        }
        match self.payment_of(reference) {
            Some(payment) => match payment.operation(reference) {
                Some(command) => {
                    let (kind, amount) = (command.kind.code(), command.amount);
                    format!("a {kind} of {amount} on sale {}", command.sale)
                }
                None => format!("a sale of {}", payment.sale.amount),
            },
            None => "something else".to_owned(),
        }
    }

    fn reply(&mut self, reply: Reply) {
        self.step.replies.push(reply);
    }
}

impl super::Engine {
    pub(super) fn shift_of(&self, reference: &PosReference) -> Option<ShiftReport> {
        self.shifts.values().rev().find(|report| report.reference == *reference).cloned()
    }
}

/// Why a command goes no further: the till's fault, or ours.
enum Stop {
    Problem(Problem),
    Illegal(IllegalEvent),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<IllegalEvent> for Stop {
    fn from(illegal: IllegalEvent) -> Self {
        Self::Illegal(illegal)
    }
}

fn void_by_till(operation: PosReference) -> Event {
    Event::VoidDecided { reason: VoidReason::RequestedByTill, operation: Some(operation) }
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
    Problem::NotAllowed(format!("{} is not possible: {why}", kind.code()))
}
