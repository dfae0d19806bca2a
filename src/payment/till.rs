//! What tills ask, whatever their protocol: sale, abort, status, acknowledgement, end of shift.
//! Commands about earlier sales are in `command`.
//!
//! Every command has a reference of its own: the same again gives the same answer, another command
//! under the same reference is refused. Nothing here decides what Klarna is told; events do.

use super::CapturePolicy;
use super::account::Payment;
use super::draft::Draft;
use super::event::{Event, NotPaid, Record, Sale};
use super::found::{Found, NotFound};
use super::shift::{ShiftReport, Turnover};
use super::state::{IllegalEvent, State};
use super::step::Step;
use super::vocabulary::{OperationKind, Problem, Reply, Request, SaleOutcome, Stage, Status};
use crate::id::{PaymentId, PosReference, TransactionId};
use crate::money::{Amount, KLARNA_AMOUNT_MAX};

impl Draft<'_> {
    pub(super) fn till(
        &mut self,
        request: Request,
        turnover: Turnover,
        looked: Option<Result<Found, NotFound>>,
    ) -> Result<(), IllegalEvent> {
        let reference = request.reference().clone();
        let done = match request {
            Request::Sale(sale) => self.sale(sale),
            Request::Abort { reference } => self.abort(&reference),
            Request::Status { reference } => self.status(&reference),
            Request::Last { reference, prefix } => {
                self.last(reference, prefix);
                Ok(())
            }
            Request::Acknowledge { reference } => self.acknowledge(&reference),
            Request::Capture(asked) => self.command(OperationKind::Capture, &asked, looked),
            Request::Refund(asked) => self.command(OperationKind::Refund, &asked, looked),
            Request::Void(asked) => self.command(OperationKind::Void, &asked, looked),
            Request::Release(asked) => self.command(OperationKind::Release, &asked, looked),
            Request::Update { reference, sale, merchant_reference } => {
                self.update(reference, &sale, merchant_reference, looked)
            }
            Request::Find { reference, sale } => self.find(reference, &sale, looked),
            Request::Book(asked) => self.book(&asked, false, looked),
            Request::PartialReversal(asked) => self.book(&asked, true, looked),
            Request::EndShift { reference, shift } => self.end_shift(reference, shift, turnover),
            Request::Totals { reference } => {
                let report = self.report(reference, turnover, 0);
                self.reply(Reply::Totals(Box::new(report)));
                Ok(())
            }
            Request::Reservation { reference } => {
                self.reservation(reference);
                Ok(())
            }
            Request::Retry { reference, call } => self.retry(reference, call),
            Request::Resolve { reference, call, reason } => self.resolve(reference, call, reason),
        };
        match done {
            Ok(()) => Ok(()),
            // What was drafted before the problem showed never happens.
            Err(Stop::Problem(problem)) => {
                self.step = Step::new(self.step.now());
                self.reply(Reply::Refused { reference: Some(reference), problem });
                Ok(())
            }
            Err(Stop::Look(transaction)) => {
                self.step = Step::new(self.step.now());
                self.step.lookup = Some(transaction);
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
                None => status_of(payment),
            },
        };
        self.reply(Reply::Status { reference: reference.clone(), status });
        Ok(())
    }

    fn last(&mut self, reference: PosReference, prefix: &str) {
        let is_it = |payment: &&Payment| payment.is_sold_as(prefix);
        let status = match self.engine.payments.values().rev().find(is_it) {
            Some(payment) => status_of(payment),
            None => Status::NotKnown,
        };
        self.reply(Reply::Status { reference, status });
    }

    fn acknowledge(&mut self, reference: &PosReference) -> Result<(), Stop> {
        let payment = self.expect_sale(reference)?;
        let id = payment.id;
        let amount = payment.sale.amount;
        match (&payment.state, payment.result(), payment.stage()) {
            (State::Authorised { .. }, _, _) => {
                self.record(id, Event::Acknowledged)?;
                let at_once = self.engine.policy.capture == CapturePolicy::OnTillAck;
                if at_once && !payment.sale.reserved {
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

    fn reservation(&mut self, reference: PosReference) {
        let is_open = |payment: &&Payment| match &payment.state {
            State::Settling { ledger, .. } => payment.sale.reserved && ledger.is_untouched(),
            _ => false,
        };
        let open = self.engine.payments.values().find(is_open);
        let status = open.map_or(Status::NotKnown, status_of);
        self.reply(Reply::Status { reference, status });
    }

    /// The open shift, as it would be closed.
    fn report(
        &self,
        reference: PosReference,
        turnover: Turnover,
        captures_queued: u32,
    ) -> ShiftReport {
        let shift = self.open_shift();
        let Turnover { totals, payments } = turnover;
        let at = Some(self.step.now().wall);
        ShiftReport { reference, shift, totals, captures_queued, payments, at }
    }

    /// The number of the shift that is open.
    fn open_shift(&self) -> u32 {
        self.engine.shifts.keys().next_back().map_or(1, |last| last + 1)
    }

    fn end_shift(
        &mut self,
        reference: PosReference,
        meant: Option<u32>,
        turnover: Turnover,
    ) -> Result<(), Stop> {
        if let Some(report) = self.engine.shift_of(&reference) {
            self.reply(Reply::Shift(Box::new(report)));
            return Ok(());
        }
        if self.payment_of(&reference).is_some() {
            let what = self.meaning(&reference);
            return Err(Problem::ReferenceReused(reference, what).into());
        }
        if let Some(meant) = meant.filter(|meant| *meant != self.open_shift()) {
            let why = format!("shift {meant} is not open; shift {} is", self.open_shift());
            return Err(Problem::NotAllowed(why).into());
        }
        if let Some(active) = self.engine.active() {
            return Err(Problem::Busy(active.sale.reference.clone()).into());
        }
        let captures_queued = match self.engine.policy.capture {
            CapturePolicy::EndOfShift => self.capture_all()?,
            CapturePolicy::OnTillAck | CapturePolicy::Manual => 0,
        };
        let report = self.report(reference.clone(), turnover, captures_queued);
        let event = Event::ShiftEnded { report: report.clone() };
        self.step.records.push(Record { payment: None, at: self.step.now().wall, event });
        self.step.references.push((reference, None));
        self.reply(Reply::Shift(Box::new(report)));
        Ok(())
    }

    fn capture_all(&mut self) -> Result<u32, IllegalEvent> {
        // What was refused once is a person's decision, not the next closing's; so is what a person
        // has seen to, and what somebody else has sold.
        let due = |payment: &Payment| match &payment.state {
            State::Settling { ledger, .. }
                if ledger.is_nobodys_concern_yet() && !payment.sale.reserved =>
            {
                ledger.plan_capture(None).ok().map(|amount| (payment.id, amount))
            }
            _ => None,
        };
        let due: Vec<(PaymentId, Amount)> = self.engine.payments.values().filter_map(due).collect();
        let mut queued = 0;
        for (id, amount) in due {
            self.record(id, Event::CaptureQueued { amount, operation: None })?;
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
    pub(super) fn known(&self, reference: &PosReference) -> Result<Option<Payment>, Stop> {
        if self.engine.shift_of(reference).is_some() {
            let what = self.meaning(reference);
            return Err(Problem::ReferenceReused(reference.clone(), what).into());
        }
        Ok(self.payment_of(reference).cloned())
    }

    pub(super) fn expect_sale(&self, reference: &PosReference) -> Result<Payment, Stop> {
        let payment = self.payment_of(reference);
        let sale = payment.filter(|payment| payment.sale.reference == *reference);
        sale.cloned().ok_or_else(|| Problem::NotKnown(reference.clone()).into())
    }

    fn payment_of(&self, reference: &PosReference) -> Option<&Payment> {
        self.engine.references.get(reference).and_then(|id| self.payment(*id))
    }

    /// What a reference was used for, in words.
    pub(super) fn meaning(&self, reference: &PosReference) -> String {
        if let Some(report) = self.engine.shift_of(reference) {
            return format!("closing shift {}", report.shift);
        }
        match self.payment_of(reference) {
            Some(payment) => match payment.operation(reference) {
                Some(command) => {
                    let (kind, amount) = (command.kind.code(), command.amount);
                    let article = if command.kind == OperationKind::Update { "an" } else { "a" };
                    format!("{article} {kind} of {amount} on sale {}", command.sale)
                }
                None => format!("a sale of {}", payment.sale.amount),
            },
            None => "something else".to_owned(),
        }
    }

    pub(super) fn reply(&mut self, reply: Reply) {
        self.step.replies.push(reply);
    }
}

fn status_of(payment: &Payment) -> Status {
    match (payment.result(), payment.stage()) {
        (Some(result), _) => Status::Done(Box::new(result), payment.money_so_far()),
        (None, stage) => Status::InProgress(stage.unwrap_or(Stage::Checking)),
    }
}

impl super::Engine {
    pub(super) fn shift_of(&self, reference: &PosReference) -> Option<ShiftReport> {
        self.shifts.values().rev().find(|report| report.reference == *reference).cloned()
    }
}

/// Why a command goes no further: the till's fault, or ours.
pub(super) enum Stop {
    Problem(Problem),
    Illegal(IllegalEvent),
    /// Klarna has to be asked about this transaction first.
    Look(TransactionId),
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
