//! What the core says, what the till says to our blocks, and what time does to a dialogue.
//!
//! A result is final once the till has acknowledged it (PA00P015 §2.2.8). Whatever it has not
//! acknowledged is given back: refused, unanswered, or left by a new command or a cut connection.

use super::answer::{code_of, code_of_problem};
use super::outgoing::{Block, Meaning};
use super::settling::acknowledgement;
use super::{
    ASK_AGAIN, RECORD_AGAIN, REFERENCE_PREFIX, Running, SILENT_END, SILENT_SALE_MAX, Session,
    Wanted, text,
};
use crate::clock::Mono;
use crate::id::PosReference;
use crate::payment::vocabulary::{
    Operation, Problem, Reply, Request, SaleName, SaleOutcome, SaleResult, Stage,
};
use crate::pos::zvt::bcd::MinorUnits;
use crate::pos::zvt::code::Code;
use crate::pos::zvt::message::Answer;

impl Session {
    pub(super) fn replied(&mut self, now: Mono, reply: &Reply) {
        match reply {
            Reply::Progress { reference, stage } => self.progress(now, reference, *stage),
            Reply::Result(result) => self.result(now, result),
            Reply::Acknowledged { reference } => self.recorded(reference),
            Reply::Operation(operation) => self.operation(now, operation),
            Reply::Status { reference, status } => self.status(now, reference, status),
            Reply::Shift(report) | Reply::Totals(report) => self.shift(report),
            Reply::Refused { reference, problem } => {
                if let Some(reference) = reference {
                    self.refused(now, reference, problem);
                }
            }
            // Nothing that the till asks for; and what to print it asks for itself, with `06 20`.
            Reply::Noted { .. } | Reply::Print { .. } => {}
        }
    }

    fn is_about(&self, reference: &PosReference) -> bool {
        self.running.as_ref().and_then(Running::sale) == Some(reference)
    }

    fn progress(&mut self, now: Mono, reference: &PosReference, stage: Stage) {
        if !self.is_about(reference) {
            // Nobody waits for it any more: left behind by a restart, or by the till.
            if is_ours(reference) {
                self.unresolved = Some(reference.clone());
            }
            if is_ours(reference) && stage != Stage::Completing {
                self.ask(Request::Abort { reference: reference.clone() });
            }
            return;
        }
        match &mut self.running {
            Some(Running::Opening { .. }) => self.open(now, reference.clone(), stage),
            Some(Running::Paying { aborting, .. }) if stage == Stage::Completing && *aborting => {
                *aborting = false;
                self.answer_abort(now, false);
            }
            Some(Running::Paying { stage: before, .. })
                if text::during(*before) != text::during(stage) =>
            {
                // A till that shows our texts learns it at once.
                self.keep_alive_at = self.keep_alive_at.filter(|_| !self.registration.tlv);
                *before = stage;
            }
            _ => {}
        }
    }

    /// The core has taken the sale.
    fn open(&mut self, now: Mono, reference: PosReference, stage: Stage) {
        self.answer(now, &Answer::Acknowledged);
        self.unresolved = None;
        let abort_at = (!self.wants_progress()).then(|| now.after(SILENT_SALE_MAX));
        self.running =
            Some(Running::Paying { reference, stage, abort_at, overdue: false, aborting: false });
        self.keep_alive_at = None;
    }

    fn result(&mut self, now: Mono, result: &SaleResult) {
        self.unresolved.take_if(|open| *open == result.reference);
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
    pub(super) fn recorded(&mut self, reference: &PosReference) {
        self.unrecorded.take_if(|(unrecorded, _)| unrecorded == reference);
        if !self.is_about(reference) {
            return;
        }
        let acknowledged = self.running.take_if(acknowledging);
        if let Some(Running::Acknowledging { result, delivered, .. }) = acknowledged {
            self.print_sale(&result, delivered.map(|(_, amount)| amount));
            self.complete();
        }
    }

    /// It is being given back, or would be after a restart.
    pub(super) fn may_be_given_back(&self, result: &SaleResult) -> bool {
        let unrecorded = self.unrecorded.as_ref().map(|(sale, _)| sale);
        let mut doubtful = self.given_back.as_ref().into_iter().chain(unrecorded);
        let approved = result.outcome == SaleOutcome::Approved;
        approved && doubtful.any(|sale| *sale == result.reference)
    }

    fn refused(&mut self, now: Mono, reference: &PosReference, problem: &Problem) {
        self.unresolved.take_if(|open| open == reference);
        match &mut self.running {
            Some(Running::Opening { sale, again_at, .. }) if sale.reference == *reference => {
                match problem {
                    // Whatever is open is resolved first: two sales of one till never run at once.
                    Problem::Busy(open) | Problem::Unacknowledged(open) => {
                        *again_at = Some(now.after(ASK_AGAIN));
                        let open = open.clone();
                        self.unresolved = Some(open.clone()).filter(is_ours);
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
                self.fail(match problem {
                    // It was aborted before it had begun.
                    Problem::NotKnown(_) => Code::ABORTED,
                    problem => code_of_problem(problem),
                });
            }
            // Asked again when it is due; a sale that cannot be given back any more was.
            Some(Running::GivingBack { operation, .. })
                if operation == reference && !matches!(problem, Problem::OutOfService(_)) =>
            {
                self.fail(Code::ABORTED);
            }
            Some(
                Running::Last { reference: asked, .. } | Running::Reserved { reference: asked, .. },
            ) if asked == reference => {
                self.refuse_late(code_of_problem(problem));
            }
            Some(Running::Settling { reference: asked, is_booking, .. }) if asked == reference => {
                let is_booking = *is_booking;
                self.not_settled(problem, is_booking);
            }
            Some(Running::Adding { reference: asked, .. }) if asked == reference => {
                self.refuse_late(Code::END_OF_DAY_NOT_POSSIBLE);
            }
            _ => {}
        }
    }

    fn resolve(&mut self, open: PosReference, problem: &Problem) {
        if !is_ours(&open) {
            return;
        }
        // The till has its result, only the record of that is missing: what it has said is said
        // again, which may be that only a part was handed over.
        let unrecorded = self.unrecorded.clone().filter(|(sale, _)| *sale == open);
        match (problem, unrecorded) {
            (Problem::Unacknowledged(_), Some((_, again))) => self.ask(again),
            (Problem::Unacknowledged(_), None) => drop(self.give_back(open)),
            _ => self.ask(Request::Abort { reference: open }),
        }
    }

    /// The till has acknowledged a block.
    pub(super) fn taken(&mut self, now: Mono, block: Block) {
        match block.meaning {
            Meaning::Nothing | Meaning::Enquiry | Meaning::Print => {}
            Meaning::Settled => self.earlier_is_taken(),
            Meaning::End => self.running = self.running.take().filter(|now| !is_telling(now)),
            Meaning::Approved => {
                if let Some(Running::Approved { result }) = self.running.take_if(approved) {
                    self.acknowledge(now, result, None);
                }
            }
        }
    }

    /// The till has handed over only a part of what was paid.
    pub(super) fn partly_taken(&mut self, now: Mono, block: Block, delivered: MinorUnits) {
        if block.meaning == Meaning::Approved
            && let Some(Running::Approved { result }) = self.running.take_if(approved)
        {
            match self.partly_delivered(now, result, delivered) {
                Ok(()) => return,
                Err(result) => self.running = Some(Running::Approved { result }),
            }
        }
        self.not_taken(now, block);
    }

    /// The till has refused a block, or has not answered it.
    pub(super) fn not_taken(&mut self, now: Mono, block: Block) {
        match block.meaning {
            Meaning::Nothing | Meaning::Enquiry | Meaning::Settled => {}
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
            Some(Running::Paying { reference, .. }) => {
                self.unresolved = Some(reference.clone());
                self.ask(Request::Abort { reference });
            }
            Some(Running::Approved { result }) => drop(self.give_back(result.reference)),
            Some(
                Running::Telling
                | Running::Acknowledging { .. }
                | Running::GivingBack { .. }
                | Running::Last { .. }
                | Running::Settling { .. }
                | Running::Adding { .. }
                | Running::Reserved { .. },
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
            Some(Running::Paying { reference, abort_at, overdue, .. }) if !*overdue => {
                (*abort_at, *overdue) = (Some(now.after(SILENT_END)), true);
                let reference = reference.clone();
                self.ask(Request::Abort { reference });
            }
            // It is told while the till still listens; what may be approved later is given back.
            Some(Running::Paying { reference, .. }) => {
                self.unresolved = Some(reference.clone());
                self.fail(Code::ABORTED);
            }
            Some(Running::Acknowledging { result, delivered, again_at }) => {
                *again_at = now.after(RECORD_AGAIN);
                let again = acknowledgement(result, delivered.as_ref());
                self.ask(again);
            }
            Some(Running::GivingBack { reference, operation, again_at }) => {
                *again_at = now.after(RECORD_AGAIN);
                *operation = self.names.next();
                let (operation, sale) = (operation.clone(), SaleName::Till(reference.clone()));
                let void = Operation { reference: operation, sale, amount: None, why: None };
                self.ask(Request::Void(void));
            }
            Some(Running::Settling { named, queued: Some((_, queued)), .. }) => {
                let (named, queued) = (*named, queued.clone());
                self.tell_settled(&queued, named, true, Wanted::ALL);
            }
            Some(Running::Settling { .. }) => self.fail(Code::NO_CONNECTION),
            Some(Running::Last { .. } | Running::Adding { .. } | Running::Reserved { .. }) => {
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
