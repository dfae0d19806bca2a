//! What the core says, what the till says to our blocks, and what time does to a dialogue.
//!
//! A result is final once the till has acknowledged it (PA00P015 §2.2.8). Whatever it has not
//! acknowledged is given back: refused, unanswered, or left by a new command or a cut connection.

use super::answer::{code_of, code_of_problem};
use super::outgoing::{Block, Meaning};
use super::{
    ASK_AGAIN, QUEUED_AFTER, RECORD_AGAIN, REFERENCE_PREFIX, Running, SILENT_SALE_MAX, Session,
    Wanted,
};
use crate::clock::Mono;
use crate::id::PosReference;
use crate::payment::event::OperationProgress;
use crate::payment::shift::ShiftReport;
use crate::payment::vocabulary::{
    Operation, OperationResult, Problem, Reply, Request, SaleName, SaleOutcome, SaleResult, Stage,
    Status,
};
use crate::pos::zvt::bcd::{MinorUnits, Receipt};
use crate::pos::zvt::code::Code;
use crate::pos::zvt::message::{Answer, Group, StatusInformation, Totals};

impl Session {
    pub(super) fn replied(&mut self, now: Mono, reply: &Reply) {
        match reply {
            Reply::Progress { reference, stage } => self.progress(now, reference, *stage),
            Reply::Result(result) => self.result(now, result),
            Reply::Acknowledged { reference } => self.recorded(reference),
            Reply::Operation(operation) => self.operation(now, operation),
            Reply::Status { reference, status } => self.last(now, reference, status),
            Reply::Shift(report) => self.shift(report),
            Reply::Refused { reference, problem } => {
                if let Some(reference) = reference {
                    self.refused(now, reference, problem);
                }
            }
            Reply::Noted { .. } => {}
        }
    }

    fn is_about(&self, reference: &PosReference) -> bool {
        self.running.as_ref().and_then(Running::sale) == Some(reference)
    }

    fn progress(&mut self, now: Mono, reference: &PosReference, stage: Stage) {
        if !self.is_about(reference) {
            // Nobody waits for it any more: left behind by a restart, or by the till.
            if is_ours(reference) && stage != Stage::Completing {
                self.ask(Request::Abort { reference: reference.clone() });
            }
            return;
        }
        match &mut self.running {
            Some(Running::Opening { .. }) => self.open(now, reference.clone()),
            Some(Running::Paying { aborting, .. }) if stage == Stage::Completing && *aborting => {
                *aborting = false;
                self.answer_abort(now, false);
            }
            _ => {}
        }
    }

    /// The core has taken the sale.
    fn open(&mut self, now: Mono, reference: PosReference) {
        self.answer(now, &Answer::Acknowledged);
        let abort_at = (!self.wants_progress()).then(|| now.after(SILENT_SALE_MAX));
        self.running = Some(Running::Paying { reference, abort_at, aborting: false });
        self.keep_alive_at = None;
    }

    fn result(&mut self, now: Mono, result: &SaleResult) {
        let approved = result.outcome == SaleOutcome::Approved;
        if !self.is_about(&result.reference) {
            let known = self.acknowledged.as_ref() == Some(&result.reference)
                || self.given_back.as_ref() == Some(&result.reference);
            if approved && is_ours(&result.reference) && !known {
                self.give_back(result.reference.clone());
            }
            return;
        }
        match &self.running {
            Some(Running::Opening { .. }) => {
                self.answer(now, &Answer::Acknowledged);
                self.tell(result);
            }
            Some(Running::Paying { aborting, .. }) => {
                if *aborting {
                    self.answer_abort(now, !approved);
                    if !approved {
                        // The abort was given instead of an answer to it.
                        self.out.clear_sent_progress();
                    }
                }
                self.tell(result);
            }
            // It was given back meanwhile: the till must not book it.
            Some(Running::Approved { .. } | Running::Acknowledging { .. }) if !approved => {
                self.out.clear_waiting();
                self.fail(code_of(result.outcome));
            }
            Some(Running::GivingBack { .. }) if !approved => self.fail(Code::ABORTED),
            _ => {}
        }
    }

    fn tell(&mut self, result: &SaleResult) {
        if result.outcome == SaleOutcome::Approved {
            self.running = Some(Running::Approved { result: Box::new(result.clone()) });
            self.tell_sale(result, Meaning::Approved);
        } else {
            self.fail(code_of(result.outcome));
        }
    }

    /// The core knows that the till knows.
    fn recorded(&mut self, reference: &PosReference) {
        self.unrecorded.take_if(|unrecorded| unrecorded == reference);
        if !self.is_about(reference) {
            return;
        }
        if let Some(Running::Acknowledging { result, .. }) = self.running.take_if(acknowledging) {
            self.print(&result.receipt);
            self.complete();
        }
    }

    fn operation(&mut self, now: Mono, done: &OperationResult) {
        match &mut self.running {
            Some(Running::GivingBack { operation, .. }) if *operation == done.reference => {
                self.fail(Code::ABORTED);
            }
            Some(Running::Returning { reference, named, queued, .. })
                if *reference == done.reference =>
            {
                let named = *named;
                match &done.progress {
                    OperationProgress::Queued => {
                        let at = now.after(QUEUED_AFTER);
                        queued.get_or_insert((at, Box::new(done.clone())));
                    }
                    OperationProgress::Done => self.tell_returned(done, named, false),
                    OperationProgress::Refused(_) => self.fail(Code::REVERSAL_NOT_POSSIBLE),
                }
            }
            _ => {}
        }
    }

    fn last(&mut self, now: Mono, asked: &PosReference, status: &Status) {
        let Some(Running::Last { reference, wants, asked_again, until }) = &self.running else {
            return;
        };
        if reference != asked {
            return;
        }
        let (wants, asked_again, until) = (*wants, *asked_again, *until);
        match status {
            Status::Done(result, _) if self.may_be_given_back(result) && !asked_again => {
                let reference = asked.clone();
                self.ask(Request::Last { reference: reference.clone(), prefix: REFERENCE_PREFIX });
                self.running = Some(Running::Last { reference, wants, asked_again: true, until });
            }
            Status::Done(result, _) if self.may_be_given_back(result) => {
                self.refuse_late(Code::NOT_READY);
            }
            Status::Done(result, _) => self.repeat_result(result, wants),
            Status::InProgress(_) => self.refuse_late(Code::NOT_READY),
            Status::NotKnown | Status::Operation(_) | Status::Shift(_) => {
                self.refuse_late(Code::NOT_POSSIBLE);
            }
        }
        self.out.advance(now);
    }

    /// It is being given back, or would be after a restart.
    fn may_be_given_back(&self, result: &SaleResult) -> bool {
        let mut doubtful = [&self.given_back, &self.unrecorded].into_iter().flatten();
        let approved = result.outcome == SaleOutcome::Approved;
        approved && doubtful.any(|sale| *sale == result.reference)
    }

    fn repeat_result(&mut self, result: &SaleResult, wants: Wanted) {
        if wants.result {
            self.tell_sale(result, Meaning::Nothing);
        }
        if wants.receipt {
            self.print(&result.receipt);
        }
        self.complete();
    }

    /// `04 0F` with the shift's sums (BMP 60), in the currency of this till.
    fn shift(&mut self, report: &ShiftReport) {
        let ours = matches!(&self.running,
            Some(Running::Closing { reference, .. }) if *reference == report.reference);
        if !ours {
            return;
        }
        let currency = self.settings.currency;
        let row = report.totals.iter().find(|row| row.sales.currency() == currency);
        let mut group = Group { count: 0, total: MinorUnits::ZERO };
        if let Some(row) = row {
            let net =
                row.sales.checked_sub(row.voided).and_then(|net| net.checked_sub(row.refunds));
            let count = row.sales_count.saturating_sub(row.voided_count);
            group.count = u8::try_from(count).unwrap_or(u8::MAX);
            // More given back than taken has no place in an unsigned number.
            group.total = net.ok().and_then(|net| MinorUnits::of(net).ok()).unwrap_or(group.total);
        }
        let mut groups = [Group { count: 0, total: MinorUnits::ZERO }; 7];
        groups[Totals::OTHERS] = group;
        let receipt = Receipt::ZERO;
        let status = StatusInformation {
            amount: Some(group.total),
            terminal: Some(self.settings.terminal),
            totals: Some(Totals { receipt_first: receipt, receipt_last: receipt, groups }),
            ..StatusInformation::new(Code::OK)
        };
        self.push(Meaning::Nothing, &Answer::StatusInformation(Box::new(status)));
        self.complete();
    }

    fn refused(&mut self, now: Mono, reference: &PosReference, problem: &Problem) {
        match &mut self.running {
            Some(Running::Opening { sale, again_at, .. }) if sale.reference == *reference => {
                match problem {
                    // Whatever is open is resolved first: two sales of one till never run at once.
                    Problem::Busy(open) | Problem::Unacknowledged(open) => {
                        *again_at = Some(now.after(ASK_AGAIN));
                        let open = open.clone();
                        self.resolve(open, problem);
                    }
                    problem => {
                        let code = code_of_problem(problem);
                        self.answer(now, &Answer::Acknowledged);
                        self.fail(code);
                    }
                }
            }
            Some(Running::Paying { reference: sale, aborting, .. }) if sale == reference => {
                if *aborting {
                    self.answer_abort(now, true);
                }
                self.fail(code_of_problem(problem));
            }
            // Asked again when it is due; a sale that cannot be given back any more was.
            Some(Running::GivingBack { operation, .. })
                if operation == reference && !matches!(problem, Problem::OutOfService(_)) =>
            {
                self.fail(Code::ABORTED);
            }
            Some(Running::Last { reference: asked, .. }) if asked == reference => {
                self.refuse_late(code_of_problem(problem));
            }
            Some(Running::Returning { reference: asked, .. }) if asked == reference => {
                self.fail(code_of_problem(problem));
            }
            Some(Running::Closing { reference: asked, .. }) if asked == reference => {
                self.refuse_late(Code::END_OF_DAY_NOT_POSSIBLE);
            }
            _ => {}
        }
    }

    fn resolve(&mut self, open: PosReference, problem: &Problem) {
        if !is_ours(&open) {
            return;
        }
        match problem {
            // The till has its result, only the record of that is missing.
            Problem::Unacknowledged(_) if self.acknowledged.as_ref() == Some(&open) => {
                self.ask(Request::Acknowledge { reference: open });
            }
            Problem::Unacknowledged(_) => drop(self.give_back(open)),
            _ => self.ask(Request::Abort { reference: open }),
        }
    }

    /// The till has acknowledged a block.
    pub(super) fn taken(&mut self, now: Mono, block: Block) {
        match block.meaning {
            Meaning::Nothing | Meaning::Print => {}
            Meaning::End => self.running = self.running.take().filter(|now| !is_telling(now)),
            Meaning::Approved => {
                if let Some(Running::Approved { result }) = self.running.take_if(approved) {
                    let reference = result.reference.clone();
                    self.acknowledged = Some(reference.clone());
                    self.unrecorded = Some(reference.clone());
                    self.ask(Request::Acknowledge { reference });
                    let again_at = now.after(RECORD_AGAIN);
                    self.running = Some(Running::Acknowledging { result, again_at });
                }
            }
        }
    }

    /// The till has refused a block, or has not answered it.
    pub(super) fn not_taken(&mut self, now: Mono, block: Block) {
        match block.meaning {
            Meaning::Nothing => {}
            // The sale stands; its receipt can be had again.
            Meaning::Print => self.out.skip_prints(),
            Meaning::End => self.taken(now, block),
            Meaning::Approved => {
                if let Some(Running::Approved { result }) = self.running.take_if(approved) {
                    let reference = result.reference.clone();
                    let operation = self.give_back(reference.clone());
                    let again_at = now.after(RECORD_AGAIN);
                    self.running = Some(Running::GivingBack { reference, operation, again_at });
                    self.keep_alive_at = None;
                }
            }
        }
    }

    /// The till has left the dialogue, or is gone.
    pub(super) fn end_dialogue(&mut self) {
        match self.running.take() {
            Some(Running::Opening { sale, .. }) => {
                self.ask(Request::Abort { reference: sale.reference });
            }
            Some(Running::Paying { reference, .. }) => self.ask(Request::Abort { reference }),
            Some(Running::Approved { result }) => drop(self.give_back(result.reference)),
            Some(
                Running::Telling
                | Running::Acknowledging { .. }
                | Running::GivingBack { .. }
                | Running::Last { .. }
                | Running::Returning { .. }
                | Running::Closing { .. },
            )
            | None => {}
        }
        self.out.clear();
        self.keep_alive_at = None;
    }

    /// What goes on by itself.
    pub(super) fn time_passed(&mut self, now: Mono) {
        if self.running.as_ref().and_then(Running::due).is_none_or(|due| due > now) {
            return;
        }
        match &mut self.running {
            Some(Running::Opening { sale, until, .. }) if *until <= now => {
                let reference = sale.reference.clone();
                self.ask(Request::Abort { reference });
                self.answer(now, &Answer::Refused(Code::PLEASE_WAIT));
                self.running = None;
            }
            Some(Running::Opening { sale, again_at, .. }) => {
                *again_at = None;
                let sale = sale.clone();
                self.ask(Request::Sale(sale));
            }
            Some(Running::Paying { reference, abort_at, .. }) => {
                *abort_at = None;
                let reference = reference.clone();
                self.ask(Request::Abort { reference });
            }
            Some(Running::Acknowledging { result, again_at }) => {
                *again_at = now.after(RECORD_AGAIN);
                let reference = result.reference.clone();
                self.ask(Request::Acknowledge { reference });
            }
            Some(Running::GivingBack { reference, operation, again_at }) => {
                *again_at = now.after(RECORD_AGAIN);
                *operation = self.names.next();
                let (operation, sale) = (operation.clone(), SaleName::Till(reference.clone()));
                let void = Operation { reference: operation, sale, amount: None };
                self.ask(Request::Void(void));
            }
            Some(Running::Returning { named, queued: Some((_, queued)), .. }) => {
                let (named, queued) = (*named, queued.clone());
                self.tell_returned(&queued, named, true);
            }
            Some(Running::Returning { .. }) => self.fail(Code::NO_CONNECTION),
            Some(Running::Last { .. } | Running::Closing { .. }) => {
                self.refuse_late(Code::NOT_READY);
            }
            Some(Running::Telling | Running::Approved { .. }) | None => {}
        }
    }
}

fn is_ours(reference: &PosReference) -> bool {
    reference.as_str().starts_with(REFERENCE_PREFIX)
}

fn approved(running: &mut Running) -> bool {
    matches!(running, Running::Approved { .. })
}

fn acknowledging(running: &mut Running) -> bool {
    matches!(running, Running::Acknowledging { .. })
}

fn is_telling(running: &Running) -> bool {
    matches!(running, Running::Telling)
}
