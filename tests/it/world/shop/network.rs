//! The way between the terminal and Klarna: what is sent when, what is lost, late or doubled.

use super::Millis;
use super::canary::Canary;
use super::faults::{HOUR, SECOND};
use super::klarna::STRAY_MAX;
use super::run::{ANSWER_WAIT, Happening, Shop};
use klarna_terminald::id::{CallId, IdempotencyKey, PaymentId, RequestId, TransactionId};
use klarna_terminald::payment::Input;
use klarna_terminald::payment::effect::{
    Call, CallKind, Delay, Effect, Line, Outcome, QueuedCall, Refusal, RefusalReason, Scope,
};
use klarna_terminald::payment::event::{Event, Record};
use klarna_terminald::payment::found::{Found, NotFound};
use klarna_terminald::payment::retry::Plan;
use klarna_terminald::payment::vocabulary::Request;

impl Shop {
    /// Sends what the schedule says, the way it says.
    pub(super) fn send_due(&mut self) {
        if !self.terminal.on {
            return;
        }
        let now = self.terminal.now(self.t);
        let page = self.terminal.schedule.page(now);
        let mut rows = self.terminal.disk.sendable();
        rows.retain(|row| row.call.kind.is_urgent() || row.call.id.payment >= page.from);
        rows.truncate(page.limit);
        let due = self.terminal.schedule.due(now, rows);
        for (row, plan) in due.calls {
            self.send(row, plan);
        }
        // An empty outbox, and one that waits for the end of a long outage, is not looked at every
        // half minute, only to save the simulation's time.
        let idle = self.terminal.disk.queued.is_empty() || self.stall >= HOUR;
        let next = self.terminal.at(due.look_again).max(self.t + 1);
        self.look_again = if idle { next.max(self.t + HOUR) } else { next };
    }

    pub(super) fn answered_over_the_line(&mut self, row: &QueuedCall, outcome: Outcome) {
        let waits = matches!(outcome, Outcome::Retry(_) | Outcome::Unknown(_));
        match self.by_the_book && self.t < self.line_down_until && !waits {
            true => self.answered(row, Outcome::Unknown(Delay::because("no answer"))),
            false => self.answered(row, outcome),
        }
    }

    pub(super) fn answered(&mut self, row: &QueuedCall, outcome: Outcome) {
        let lost = matches!(outcome, Outcome::Unknown(_));
        let checked = matches!(row.call.kind, CallKind::Check { .. });
        let outcome = match (self.canary, outcome) {
            (Some(Canary::UnknownIsRefused), _) if lost => {
                Outcome::Refused(Refusal::new(RefusalReason::NotAllowed, "LOST", "no answer"))
            }
            (Some(Canary::CheckFixes), Outcome::Refused(_)) if checked => {
                Outcome::Done(Effect::Checked)
            }
            (_, outcome) => outcome,
        };
        let now = self.terminal.now(self.t);
        let back = self.terminal.schedule.came_back(now, row, &outcome);
        self.look_again = self.t;
        let (call, attempts) = (row.call.id, back.attempts);
        self.input(Input::Outcome { call, attempts, outcome });
    }

    pub(super) fn send(&mut self, row: QueuedCall, plan: Plan) {
        let mut row = row;
        match self.canary {
            Some(Canary::NewKeyEachAttempt) => row.call.key = self.fresh_key(&row),
            Some(Canary::RefundsDouble) => double_refund(&mut row),
            _ => {}
        }
        let what = row.call.kind.operation();
        let (number, sequence) = (row.call.id.payment.number(), row.call.id.sequence);
        self.story.tell(self.t, number, format!("{plan:?} {what} {sequence}"));
        let incarnation = self.terminal.incarnation;
        if self.resolved.contains(&row.call.id) {
            self.wrongs.push((number, format!("call {sequence} was resolved, and is sent")));
        }
        let blind = match self.canary {
            Some(Canary::ReadsNothing) => true,
            Some(Canary::RetriesWithoutLooking) => self.retried.contains(&row.call.id),
            _ => false,
        };
        if blind && plan == Plan::ReadFirst {
            let outcome = Outcome::Absent;
            return self.after(200, Happening::Answered { incarnation, row, outcome });
        }
        if self.by_the_book && self.t >= self.line_down_until {
            return self.send_by_the_book(row, plan);
        }
        if self.t < self.line_down_until {
            // The longer the line is down, the longer a hanging connection takes to say so.
            let left = self.line_down_until - self.t;
            let long = left > HOUR && !self.by_the_book;
            let stall = if long { self.random.between(1, left / 20) } else { self.stall };
            let outcome = Outcome::Retry(Delay::offline("no route"));
            return self.after(stall, Happening::Answered { incarnation, row, outcome });
        }
        self.send_over_the_line(row, plan);
    }

    pub(super) fn send_over_the_line(&mut self, row: QueuedCall, plan: Plan) {
        let incarnation = self.terminal.incarnation;
        let there = self.random.between(20, 600);
        let back = self.random.between(20, 600);
        let lost = Outcome::Unknown(Delay::because("no answer"));
        let faults = self.faults.clone();
        if self.strikes(faults.throttled) {
            let scope = self.random.pick(&[Scope::Call, Scope::Quota, Scope::Account]);
            let outcome = Outcome::Retry(too_many(2_000, scope));
            return self.after(there + back, Happening::Answered { incarnation, row, outcome });
        }
        if self.strikes(faults.lost_before) {
            return self
                .after(ANSWER_WAIT, Happening::Answered { incarnation, row, outcome: lost });
        }
        if self.strikes(faults.duplicated) {
            let later = there + self.random.between(1, STRAY_MAX);
            let row = row.clone();
            self.after(later, Happening::Arrives { row, plan, answer: None });
        }
        let server_error = self.strikes(faults.server_error);
        let lost_after = self.strikes(faults.lost_after);
        if self.strikes(faults.delivered_late) {
            let late = ANSWER_WAIT + self.random.between(0, STRAY_MAX);
            let stray = row.clone();
            self.after(late, Happening::Arrives { row: stray, plan, answer: None });
            return self
                .after(ANSWER_WAIT, Happening::Answered { incarnation, row, outcome: lost });
        }
        let cut = self.strikes(faults.cut_on_call);
        if server_error || lost_after || cut {
            let executed = !server_error || self.random.chance(500);
            if executed {
                let sent = row.clone();
                self.after(there, Happening::Arrives { row: sent, plan, answer: None });
            }
            // The whole house may lose its power: the line and the terminal at once.
            if cut && self.strikes(faults.power) {
                let death = self.death();
                self.after(there + 1, Happening::Dies { incarnation, death });
            }
            if cut {
                self.line_down_until = self.t + there + self.faults.span(&mut self.random);
                self.story.tell(
                    self.t,
                    0,
                    format!("the line is down until {}", self.line_down_until),
                );
            }
            let wait = if server_error { there + back } else { ANSWER_WAIT };
            return self.after(wait, Happening::Answered { incarnation, row, outcome: lost });
        }
        let answer = Some((incarnation, back));
        self.after(there, Happening::Arrives { row, plan, answer });
    }

    pub(super) fn send_by_the_book(&mut self, row: QueuedCall, plan: Plan) {
        let half = self.round_trip / 2;
        let incarnation = self.terminal.incarnation;
        let operation = row.call.kind.operation();
        let disturbed = self.disturbances.iter().position(|d| d.operation == operation);
        if let Some(index) = disturbed {
            let disturbance = self.disturbances.remove(index);
            if disturbance.arrives {
                let sent = row.clone();
                self.after(half, Happening::Arrives { row: sent, plan, answer: None });
            }
            let wait = if disturbance.answer.is_some() { 2 * half } else { 2 * SECOND };
            let lost = Outcome::Unknown(Delay::because("no answer"));
            let outcome = disturbance.answer.unwrap_or(lost);
            return self.after(wait, Happening::Answered { incarnation, row, outcome });
        }
        self.after(half, Happening::Arrives { row, plan, answer: Some((incarnation, half)) });
    }

    pub(super) fn arrives(&mut self, row: QueuedCall, plan: Plan, answer: Option<(u32, Millis)>) {
        if self.by_the_book && self.t < self.line_down_until {
            // The line went down under it.
            let outcome = Outcome::Unknown(Delay::because("no answer"));
            if let Some((incarnation, _)) = answer {
                self.after(ANSWER_WAIT, Happening::Answered { incarnation, row, outcome });
            }
            return;
        }
        let captures = plan == Plan::Send && matches!(row.call.kind, CallKind::Capture { .. });
        let outcome = match plan {
            _ if !self.klarna.takes(self.t, captures) => {
                Outcome::Retry(too_many(1_000, Scope::Quota))
            }
            Plan::ReadFirst => self.klarna.find(self.t, &row.call.kind),
            Plan::Send => {
                let unwilling = self.strikes(self.faults.refused);
                let denies = self.strikes(self.faults.denied);
                self.klarna.execute(self.t, &row.call, unwilling, denies)
            }
        };
        let number = row.call.id.payment.number();
        let what = row.call.kind.operation();
        self.story.tell(self.t, number, format!("klarna {plan:?} {what}: {}", brief(&outcome)));
        let wrongs = std::mem::take(&mut self.klarna.wrongs);
        let excused = self.is_overtaken(&row.call);
        self.wrongs.extend(wrongs.into_iter().filter(|_| !excused).map(|wrong| (number, wrong)));
        if let Some((incarnation, back)) = answer {
            self.after(back, Happening::Answered { incarnation, row, outcome });
        }
    }

    /// An update before which a person has sent a refused capture again: nobody could know that
    /// nothing would be left to update.
    fn is_overtaken(&self, call: &Call) -> bool {
        let is_update = matches!(call.kind, CallKind::Update { .. });
        let earlier = |record: &Record| match record.event {
            Event::CallRetried { sequence } => {
                record.payment == Some(call.id.payment) && sequence < call.id.sequence
            }
            _ => false,
        };
        is_update && self.terminal.disk.records.iter().any(earlier)
    }

    // -- looks for transactions ------------------------------------------------------------------

    /// The terminal wants to know more about the transaction that a command names.
    pub(super) fn looks_up(&mut self, request: Request, transaction: TransactionId) {
        self.story.tell(self.t, 0, format!("looks for {transaction}"));
        self.lookups += 1;
        let incarnation = self.terminal.incarnation;
        let unreachable = |why: &str| Some(Err(NotFound::Unreachable(why.to_owned())));
        let disturbed = self.strikes(self.faults.looks_disturbed);
        let there = self.random.between(20, if disturbed { 14 * SECOND } else { 600 });
        let lost = disturbed && self.random.chance(300);
        let under_way = |happening: &&Happening| match happening {
            Happening::LooksUp { incarnation: of, .. }
            | Happening::Looked { incarnation: of, .. } => *of == incarnation,
            _ => false,
        };
        let (wait, found) = if self.queue.values().filter(under_way).count() >= LOOKUPS_MAX {
            (0, unreachable("too many are being looked for"))
        } else if self.t < self.line_down_until {
            (self.stall, unreachable("no route"))
        } else if lost {
            (LOOKUP_PATIENCE, unreachable("it does not answer"))
        } else {
            (there, None)
        };
        let happening = match found {
            Some(found) => Happening::Looked { incarnation, request, found },
            None => Happening::LooksUp { incarnation, request, transaction },
        };
        self.after(wait, happening);
    }

    pub(super) fn is_looked_up(&mut self, incarnation: u32, request: Request, id: &TransactionId) {
        let found = match self.klarna.takes(self.t, false) {
            true => self.klarna.look_up(self.t, id),
            false => Err(NotFound::Unreachable("429".to_owned())),
        };
        let back = self.random.between(20, 600);
        self.after(back, Happening::Looked { incarnation, request, found });
    }

    pub(super) fn looked(&mut self, request: Request, found: Result<Found, NotFound>) {
        let found = match found {
            Ok(found) if self.canary == Some(Canary::AdoptsStale) => {
                let id = found.transaction.to_string();
                Ok(self.stale.entry(id).or_insert(found).clone())
            }
            other => other,
        };
        self.story.tell(self.t, 0, format!("found for {}: {}", request.reference(), told(&found)));
        self.remember(&request, found.as_ref().ok());
        self.input(Input::Looked { request: request.clone(), found });
        if !self.terminal.on {
            self.till.unheard(request);
        }
    }

    pub(super) fn reads(&mut self, incarnation: u32, payment: PaymentId, request: RequestId) {
        let id = request.to_string();
        let current = incarnation == self.terminal.incarnation && self.terminal.on;
        let watches = self.terminal.engine.watches();
        let watch = watches.into_iter().find(|watch| watch.request == request);
        let Some(watch) = watch.filter(|_| current) else {
            if current {
                self.watched.remove(&id);
            }
            return;
        };
        let every = u64::try_from(watch.every.as_millis()).expect("a short time");
        let pace = self.read_pace(every);
        self.after(pace, Happening::Reads { incarnation, payment, request: request.clone() });
        self.looks_at(incarnation, payment, request);
    }

    pub(super) fn looks_at(&mut self, incarnation: u32, payment: PaymentId, request: RequestId) {
        let now = self.terminal.now(self.t);
        if self.t < self.line_down_until {
            self.terminal.schedule.line(now, Line::Down);
            return;
        }
        self.terminal.schedule.line(now, Line::Up);
        self.look_again = self.t;
        let state = self.klarna.read(self.t, request.as_str());
        let mut back = 100;
        if self.strikes(self.faults.reads_disturbed) {
            back = self.random.between(1, 10 * SECOND);
            let (again, state, request) = (back + 7 * SECOND, state.clone(), request.clone());
            self.after(again, Happening::Observed { incarnation, payment, request, state });
        }
        self.after(back, Happening::Observed { incarnation, payment, request, state });
    }

    pub(super) fn fresh_key(&mut self, row: &QueuedCall) -> IdempotencyKey {
        let sequence = u32::try_from(self.count % 1_000_000_000).expect("it fits");
        let id = CallId { payment: row.call.id.payment, sequence };
        let installation = klarna_terminald::id::Installation::new(uuid::Uuid::from_u128(7));
        IdempotencyKey::new(installation, id, "canary", row.call.kind.amount(), 0)
    }
}

/// How long a till or desk waits for a look at most, and how many there are at once.
const LOOKUP_PATIENCE: Millis = 15 * SECOND;
const LOOKUPS_MAX: usize = 8;

fn too_many(at_least_ms: u64, scope: Scope) -> Delay {
    let line = Line::Up;
    Delay { at_least_ms: Some(at_least_ms), scope, line, ..Delay::because("429") }
}

fn told(found: &Result<Found, NotFound>) -> String {
    match found {
        Ok(found) => found.sums().map_or_else(|why| why.to_string(), |sums| sums.to_string()),
        Err(why) => format!("{why:?}"),
    }
}

fn double_refund(row: &mut QueuedCall) {
    if let CallKind::Refund { amount, .. } = &mut row.call.kind {
        *amount = amount.checked_add(*amount).expect("small amounts");
    }
}

fn brief(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done(Effect::Authorised { transaction }) => format!("authorised {transaction}"),
        Outcome::Done(Effect::Ended(ended)) => format!("{ended:?}"),
        Outcome::Done(_) => "done".to_owned(),
        Outcome::Refused(refusal) => format!("refused {}", refusal.code),
        Outcome::Absent => "not there".to_owned(),
        other => format!("{other:?}"),
    }
}
