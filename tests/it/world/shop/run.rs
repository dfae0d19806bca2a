//! One shop from opening to closing: what happens next, in true time, one thing after another.

use super::canary::Canary;
// The scenarios' words; by their path, because the tool has no scenarios.
#[path = "../../scenario/show.rs"]
#[allow(dead_code, clippy::duplicate_mod)]
pub mod show;

use super::faults::{Faults, HOUR, SECOND};
use super::faulty::Faulty;
use super::klarna::{Klarna, STRAY_MAX, Stage};
use super::random::Random;
use super::story::Story;
use super::terminal::{Death, Disk, Terminal, policy};
use super::till::Till;
use super::{Millis, Settings};
use crate::vfs;
use klarna_terminald::id::{CallId, IdempotencyKey, PaymentId, PosReference, RequestId};
use klarna_terminald::payment::effect::{
    CallKind, Delay, Effect, Ended, Line, OutboxChange, Outcome, QueuedCall, Refusal,
    RefusalReason, RequestState, Screen,
};
use klarna_terminald::payment::event::{Event, Record};
use klarna_terminald::payment::retry::Plan;
use klarna_terminald::payment::state::State;
use klarna_terminald::payment::vocabulary::{Reply, Request, SaleName};
use klarna_terminald::payment::{CapturePolicy, Input, Payment, Policy, Step, shift};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// When the client stops waiting for an answer.
const ANSWER_WAIT: Millis = 15 * SECOND;
/// How long the daemon waits after a failed commit.
const DISK_PAUSE: Millis = 5 * SECOND;
/// The cashier's day starts after the terminal's.
const OPENING: Millis = 30 * SECOND;
/// Things that may happen in one run; more means that something goes round in circles.
const HAPPENINGS_MAX: usize = 2_000_000;

/// The number in the story of what is about no payment that is known.
const NO_PAYMENT: u32 = u32::MAX;

/// What is going to happen.
enum Happening {
    /// A request reaches Klarna; the answer goes back to that run of the process, after that time.
    Arrives {
        row: QueuedCall,
        plan: Plan,
        answer: Option<(u32, Millis)>,
    },
    Answered {
        incarnation: u32,
        row: QueuedCall,
        outcome: Outcome,
    },
    /// A payment request is read.
    Reads {
        incarnation: u32,
        payment: PaymentId,
        request: RequestId,
    },
    Observed {
        incarnation: u32,
        payment: PaymentId,
        request: RequestId,
        state: RequestState,
    },
    TillActs,
    Shopper {
        request: String,
        act: Act,
    },
    Dies {
        incarnation: u32,
        death: Death,
    },
    Starts {
        death: Death,
        since: Millis,
    },
}

/// What a shopper does on Klarna's pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Opens,
    Approves,
    Declines,
    Leaves,
}

/// What happens to one call on its way, in a world that is played by the book.
pub struct Disturbance {
    pub operation: &'static str,
    /// Whether Klarna carries it out.
    pub arrives: bool,
    /// What the terminal gets instead of Klarna's answer; nothing means none, until it gives up.
    pub answer: Option<Outcome>,
}

pub struct Shop {
    pub t: Millis,
    queue: BTreeMap<(Millis, u64), Happening>,
    count: u64,
    pub random: Random,
    pub faults: Faults,
    canary: Option<Canary>,
    pub terminal: Terminal,
    pub klarna: Klarna,
    pub till: Till,
    pub story: Story,
    look_again: Millis,
    disk_full_until: Millis,
    disk_retry_at: Millis,
    pub line_down_until: Millis,
    pub till_down_until: Millis,
    watched: BTreeSet<String>,
    seen_codes: BTreeSet<String>,
    shown: Option<String>,
    /// True time of each record of the journal.
    pub recorded: Vec<Millis>,
    /// What must never be seen, with the payment's number.
    pub wrongs: Vec<(u32, String)>,
    pub faults_met: u64,
    happened: usize,
    /// The canary has forgotten once.
    forgotten: bool,
    by_the_book: bool,
    /// Both ways of the network in a world that is played by the book.
    round_trip: Millis,
    /// Whether payment requests are read in such a world.
    pub polls: bool,
    /// How long a call takes to find that the line is down.
    pub stall: Millis,
    /// How long the terminal is off in such a world.
    pub dark: Millis,
    pub disturbances: Vec<Disturbance>,
    /// In the commit of which event the power fails, and before which write or sync.
    pub cut_at: Option<(String, usize)>,
}

impl Shop {
    pub fn open(settings: &Settings, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let captures = [CapturePolicy::OnTillAck, CapturePolicy::Manual, CapturePolicy::EndOfShift];
        let capture = random.pick(&captures);
        let read_pace = Duration::from_secs(random.pick(&[2, 5, 20]));
        let mut faults = Faults::draw(&mut random);
        if settings.canary == Some(Canary::TrustsTheClock) {
            // It shows only after a long cut in the middle of a call, which is rare.
            (faults.cut_on_call, faults.power, faults.clock_stands) = (250, 700, 1000);
            faults.long = true;
        }
        let till = Till::new(settings.payments_per_run, capture, &mut random);
        let policy = policy(capture, read_pace);
        let mut shop = Self::with(random, faults, till, policy, settings);
        shop.after(OPENING, Happening::TillActs);
        shop
    }

    /// A world without chance: nobody acts but the caller.
    pub fn by_the_book(policy: Policy, round_trip: Millis, settings: &Settings) -> Self {
        let mut random = Random::new(0);
        let till = Till::new(0, policy.capture, &mut random);
        let mut shop = Self::with(random, Faults::default(), till, policy, settings);
        (shop.by_the_book, shop.round_trip) = (true, round_trip);
        shop
    }

    fn with(
        random: Random,
        faults: Faults,
        till: Till,
        policy: Policy,
        settings: &Settings,
    ) -> Self {
        let disk = if settings.real_store { Disk::with_store() } else { Disk::model() };
        let mut shop = Self {
            t: 0,
            queue: BTreeMap::new(),
            count: 0,
            random,
            faults,
            canary: settings.canary,
            terminal: Terminal::new(policy, disk),
            klarna: Klarna::default(),
            till,
            story: Story::new(),
            look_again: 0,
            disk_full_until: 0,
            disk_retry_at: 0,
            line_down_until: 0,
            till_down_until: 0,
            watched: BTreeSet::new(),
            seen_codes: BTreeSet::new(),
            shown: None,
            recorded: Vec::new(),
            wrongs: Vec::new(),
            faults_met: 0,
            happened: 0,
            forgotten: false,
            by_the_book: false,
            round_trip: 0,
            polls: false,
            stall: 50,
            dark: 300,
            disturbances: Vec::new(),
            cut_at: None,
        };
        shop.terminal.faulty = settings.faulty_disk.then(Faulty::new);
        shop.terminal.start(0, Death::Power, 0, false);
        shop
    }

    // -- time ------------------------------------------------------------------------------------

    fn after(&mut self, wait: Millis, happening: Happening) {
        self.count += 1;
        self.queue.insert((self.t.saturating_add(wait), self.count), happening);
    }

    /// When the terminal moves by itself: a deadline, or a look at the outbox.
    fn terminal_due(&self) -> Option<Millis> {
        let due = self.terminal.engine.poll_timeout().map(|due| self.terminal.at(due));
        let due = due.map_or(self.look_again, |due| due.max(self.disk_retry_at));
        self.terminal.on.then_some(due.min(self.look_again))
    }

    /// Lets the next thing happen, if it happens before `until`.
    pub fn step(&mut self, until: Millis) -> bool {
        let queued = self.queue.keys().next().map(|(at, _)| *at);
        let Some(next) = queued.into_iter().chain(self.terminal_due()).min() else { return false };
        if next > until {
            return false;
        }
        self.happened += 1;
        let (t, on) = (self.t, self.terminal.on);
        assert!(self.happened < HAPPENINGS_MAX, "too much happens: at {t} ms, terminal on: {on}");
        self.t = self.t.max(next);
        if queued == Some(next) {
            let (_, happening) = self.queue.pop_first().expect("there is one");
            self.happen(happening);
        }
        let due = self.terminal.engine.poll_timeout().map(|due| self.terminal.at(due));
        if self.terminal.on && due.is_some_and(|due| due.max(self.disk_retry_at) <= self.t) {
            self.input(Input::Tick);
        }
        if self.look_again <= self.t {
            self.send_due();
        }
        true
    }

    pub fn run_until(&mut self, until: Millis) {
        while self.step(until) {}
        self.t = self.t.max(until);
        self.look_at_screen();
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Arrives { row, plan, answer } => self.arrives(row, plan, answer),
            Happening::Answered { incarnation, row, outcome } => {
                if incarnation == self.terminal.incarnation && self.terminal.on {
                    self.answered_over_the_line(&row, outcome);
                }
            }
            Happening::Reads { incarnation, payment, request } => {
                self.reads(incarnation, payment, request);
            }
            Happening::Observed { incarnation, payment, request, state } => {
                if incarnation == self.terminal.incarnation {
                    self.input(Input::Observed { payment, request, state });
                }
            }
            Happening::TillActs => self.till_acts(),
            Happening::Shopper { request, act } => self.shopper(&request, act),
            Happening::Dies { incarnation, death } => {
                if incarnation == self.terminal.incarnation && self.terminal.on {
                    self.dies(death);
                }
            }
            Happening::Starts { death, since } => self.starts(death, since),
        }
    }

    // -- the terminal ----------------------------------------------------------------------------

    /// Handle, commit, accept, with a crash between any two.
    pub fn input(&mut self, input: Input) {
        if !self.terminal.on {
            return;
        }
        self.strike();
        if !self.terminal.on {
            return;
        }
        let now = self.terminal.now(self.t);
        let step = match self.terminal.engine.handle(now, input) {
            Ok(step) => step,
            Err(illegal) => return self.wrongs.push((0, illegal.to_string())),
        };
        if step.is_durable() && !self.commit(&step) {
            return;
        }
        let replies = self.terminal.engine.accept(step);
        // Sync is woken, the screen is drawn, the till is told.
        self.look_again = self.t;
        self.tell(&replies);
        self.look_at_screen();
        self.watch();
    }

    /// Whether the step is durable and the process still runs.
    fn commit(&mut self, step: &Step) -> bool {
        let gives_up = step.records.iter().any(|r| matches!(r.event, Event::GivenUp { .. }));
        if self.canary == Some(Canary::ForgetsNeverConfirm) && gives_up && !self.forgotten {
            self.forgotten = true;
            self.tell(&step.replies);
            self.dies(Death::Process);
            return false;
        }
        if self.canary == Some(Canary::SendsBeforeCommit) {
            self.send_early(step);
        }
        if self.is_cut(step) {
            return false;
        }
        if self.t < self.disk_full_until && self.is_taken(step) {
            self.note(step);
            return true;
        }
        if self.t < self.disk_full_until {
            self.disk_retry_at = self.t + DISK_PAUSE;
            if self.canary == Some(Canary::TellsBeforeCommit) {
                self.tell(&step.replies);
            }
            return false;
        }
        let crash = self.strikes(self.faults.crash);
        let before = crash && self.random.chance(500);
        let death = crash.then(|| self.death());
        if let Some(death) = death.filter(|death| before && self.within_commit(step, *death)) {
            self.dies(death);
            return false;
        }
        if !before {
            if let Some(faulty) = &mut self.terminal.faulty {
                assert!(faulty.commit(step, None), "a disk without a fault takes a commit");
            }
            self.note(step);
        }
        if let Some(death) = death {
            self.dies(death);
        }
        !crash
    }

    /// The step is durable.
    fn note(&mut self, step: &Step) {
        self.terminal.disk.commit(step);
        self.recorded.resize(self.terminal.disk.records.len(), self.t);
        for record in &step.records {
            let payment = record.payment.map_or(0, PaymentId::number);
            self.story.tell(self.t, payment, format!("recorded {}", show::event(&record.event)));
        }
    }

    /// On a faulty disk, a power cut before a commit is one in the middle of it.
    fn within_commit(&mut self, step: &Step, death: Death) -> bool {
        let Some(faulty) = self.terminal.faulty.as_mut().filter(|_| death != Death::Process) else {
            return false;
        };
        let (at, seed) = (self.random.between(0, 14), self.random.between(0, u64::MAX - 1));
        faulty.cut_within(step, usize::try_from(at).expect("a few"), seed);
        true
    }

    /// The power fails in the commit that the story names.
    fn is_cut(&mut self, step: &Step) -> bool {
        let named = |record: &Record| {
            self.cut_at.as_ref().is_some_and(|(name, _)| record.event.name() == name)
        };
        let Some(faulty) = self.terminal.faulty.as_mut() else { return false };
        if !step.records.iter().any(named) {
            return false;
        }
        let (_, at) = self.cut_at.take().expect("it was looked at");
        faulty.cut_within(step, at, at as u64);
        self.dies(Death::PowerAndClock);
        true
    }

    /// Whether a full or failing disk takes the step all the same, on a disk that fails in truth
    /// because the failing write was not needed.
    fn is_taken(&mut self, step: &Step) -> bool {
        let Some(faulty) = &mut self.terminal.faulty else { return false };
        let from = usize::try_from(self.random.between(0, 14)).expect("a few");
        let code = self.random.pick(&[vfs::FULL, vfs::IO_ERROR]);
        faulty.commit(step, Some(vfs::Fault { from, count: usize::MAX, code }))
    }

    fn tell(&mut self, replies: &[Reply]) {
        for reply in replies {
            if self.t < self.till_down_until {
                continue;
            }
            let number = self.number_of(reply);
            self.story.tell(self.t, number, format!("till hears {}", show::reply(reply)));
            self.till.hear(reply);
        }
        for wrong in self.till.wrongs.drain(..) {
            self.wrongs.push((0, wrong));
        }
    }

    fn number_of(&self, reply: &Reply) -> u32 {
        let sale = match reply {
            Reply::Progress { reference, .. }
            | Reply::Acknowledged { reference }
            | Reply::Noted { reference }
            | Reply::Status { reference, .. }
            | Reply::Refused { reference: Some(reference), .. } => reference,
            Reply::Result(result) => &result.reference,
            Reply::Operation(operation) => &operation.sale,
            Reply::Shift(_) | Reply::Refused { reference: None, .. } => return NO_PAYMENT,
        };
        self.number_of_sale(sale)
    }

    fn number_of_sale(&self, reference: &PosReference) -> u32 {
        let mut payments = self.terminal.engine.payments();
        let of_it = |payment: &&Payment| {
            payment.sale.reference == *reference || payment.operation(reference).is_some()
        };
        payments.find(of_it).map_or(NO_PAYMENT, |payment| payment.id.number())
    }

    /// A code on the screen belongs to the running sale, and to a request that can be paid.
    fn look_at_screen(&mut self) {
        if !self.terminal.on {
            self.shown = None;
            return;
        }
        let screen = self.terminal.engine.screen(self.terminal.now(self.t));
        let kept = self.canary == Some(Canary::KeepsTheCode);
        let url = match screen {
            Screen::Scan { url, .. } => Some(url.as_str().to_owned()),
            _ if kept => self.shown.take(),
            _ => None,
        };
        let Some(url) = url else {
            self.shown = None;
            return;
        };
        let id = url.trim_start_matches("https://pay.klarna.com/").to_owned();
        let request = &self.klarna.requests[&id];
        let payment = self.terminal.engine.payments().find(|p| p.reference.as_str() == request.of);
        let number = payment.map_or(0, |payment| payment.id.number());
        let running = payment.is_some_and(|p| matches!(p.state, State::AwaitingShopper { .. }));
        let told = payment.and_then(|p| self.till.sales.get(p.sale.reference.as_str()));
        let decided = told.is_some_and(|sold| !sold.told.is_empty());
        let closed = matches!(request.stage, Stage::Ended(Ended::Cancelled));
        if !running || decided || closed {
            self.wrongs.push((number, format!("the code of {id} is on the screen")));
        }
        if self.seen_codes.insert(id.clone()) && !self.by_the_book {
            self.draw_shopper(&id);
        }
        self.shown = Some(url);
    }

    /// New requests that are to be read are read from now on.
    fn watch(&mut self) {
        if self.by_the_book && !self.polls {
            return;
        }
        for watch in self.terminal.engine.watches() {
            if self.watched.insert(watch.request.to_string()) {
                let every = u64::try_from(watch.every.as_millis()).expect("a short time");
                let (payment, request) = (watch.payment, watch.request);
                let incarnation = self.terminal.incarnation;
                self.after(every, Happening::Reads { incarnation, payment, request });
            }
        }
    }

    /// Sends what the schedule says, the way it says.
    fn send_due(&mut self) {
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

    fn answered_over_the_line(&mut self, row: &QueuedCall, outcome: Outcome) {
        let waits = matches!(outcome, Outcome::Retry(_) | Outcome::Unknown(_));
        match self.by_the_book && self.t < self.line_down_until && !waits {
            true => self.answered(row, Outcome::Unknown(Delay::because("no answer"))),
            false => self.answered(row, outcome),
        }
    }

    fn answered(&mut self, row: &QueuedCall, outcome: Outcome) {
        let lost = matches!(outcome, Outcome::Unknown(_));
        let outcome = match self.canary {
            Some(Canary::UnknownIsRefused) if lost => {
                Outcome::Refused(Refusal::new(RefusalReason::NotAllowed, "LOST", "no answer"))
            }
            _ => outcome,
        };
        let now = self.terminal.now(self.t);
        let back = self.terminal.schedule.came_back(now, row, &outcome);
        self.look_again = self.t;
        let (call, attempts) = (row.call.id, back.attempts);
        self.input(Input::Outcome { call, attempts, outcome });
    }

    // -- the network -----------------------------------------------------------------------------

    fn send(&mut self, row: QueuedCall, plan: Plan) {
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
        if self.canary == Some(Canary::ReadsNothing) && plan == Plan::ReadFirst {
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

    fn send_over_the_line(&mut self, row: QueuedCall, plan: Plan) {
        let incarnation = self.terminal.incarnation;
        let there = self.random.between(20, 600);
        let back = self.random.between(20, 600);
        let lost = Outcome::Unknown(Delay::because("no answer"));
        let faults = self.faults.clone();
        if self.strikes(faults.throttled) {
            let delay = Delay { at_least_ms: Some(2_000), ..Delay::because("429") };
            let outcome = Outcome::Retry(delay);
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

    fn send_by_the_book(&mut self, row: QueuedCall, plan: Plan) {
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

    fn arrives(&mut self, row: QueuedCall, plan: Plan, answer: Option<(u32, Millis)>) {
        if self.by_the_book && self.t < self.line_down_until {
            // The line went down under it.
            let outcome = Outcome::Unknown(Delay::because("no answer"));
            if let Some((incarnation, _)) = answer {
                self.after(ANSWER_WAIT, Happening::Answered { incarnation, row, outcome });
            }
            return;
        }
        let outcome = match plan {
            Plan::ReadFirst => self.klarna.find(&row.call.kind),
            Plan::Send => {
                let unwilling = self.strikes(self.faults.refused);
                self.klarna.execute(self.t, &row.call, unwilling)
            }
        };
        let number = row.call.id.payment.number();
        let what = row.call.kind.operation();
        self.story.tell(self.t, number, format!("klarna {plan:?} {what}: {}", brief(&outcome)));
        for wrong in std::mem::take(&mut self.klarna.wrongs) {
            self.wrongs.push((number, wrong));
        }
        if let Some((incarnation, back)) = answer {
            self.after(back, Happening::Answered { incarnation, row, outcome });
        }
    }

    fn reads(&mut self, incarnation: u32, payment: PaymentId, request: RequestId) {
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
        self.after(every, Happening::Reads { incarnation, payment, request: request.clone() });
        let now = self.terminal.now(self.t);
        if self.t < self.line_down_until {
            self.terminal.schedule.line(now, Line::Down);
            return;
        }
        self.terminal.schedule.line(now, Line::Up);
        self.look_again = self.t;
        let state = self.klarna.read(self.t, &id);
        let mut back = 100;
        if self.strikes(self.faults.reads_disturbed) {
            back = self.random.between(1, 10 * SECOND);
            let (again, state, request) = (back + 7 * SECOND, state.clone(), request.clone());
            self.after(again, Happening::Observed { incarnation, payment, request, state });
        }
        self.after(back, Happening::Observed { incarnation, payment, request, state });
    }

    // -- people ----------------------------------------------------------------------------------

    fn till_acts(&mut self) {
        let busy = self.line_down_until.saturating_sub(self.t);
        let pause = if busy > HOUR { busy / 8 } else { self.random.between(500, 20_000) };
        // A cashier before a dark terminal loses interest.
        let pause = if self.terminal.on { pause } else { pause * 30 };
        if self.strikes(self.faults.till_lost) {
            self.till_down_until = self.t + self.random.between(SECOND, 200 * SECOND);
        }
        if let Some(request) = self.till.act(&mut self.random) {
            self.ask(request);
        }
        if !self.till.is_done() {
            self.after(pause, Happening::TillActs);
        }
    }

    /// The till asks; if nothing can answer, it asks again later.
    pub fn ask(&mut self, request: Request) {
        let linked = self.t >= self.till_down_until;
        if !linked || !self.terminal.on || self.t < self.disk_full_until {
            self.till.unheard(request);
            return;
        }
        let number = self.number_of_sale(sale_of(&request));
        self.story.tell(self.t, number, format!("till asks {}", brief_request(&request)));
        for needed in self.terminal.engine.needed(&request, None) {
            let records = self.terminal.disk.records_for(&needed);
            let now = self.terminal.now(self.t);
            self.terminal.engine.replay(now, &records).expect("the journal is whole");
        }
        let totals = match &request {
            Request::EndShift { .. } => shift::totals(&self.terminal.disk.shift_records()),
            _ => Vec::new(),
        };
        self.input(Input::Till(request.clone(), totals));
        if !self.terminal.on {
            self.till.unheard(request);
        }
    }

    /// Whoever stands before a new code makes up their mind.
    fn draw_shopper(&mut self, id: &str) {
        let mut at = self.random.between(500, 30 * SECOND);
        let late = self.random.chance(60);
        if late {
            at = self.random.between(100 * SECOND, 50 * HOUR);
        }
        let acts: &[Act] = match self.random.between(0, 9) {
            0 => &[],
            1 => &[Act::Opens, Act::Leaves],
            2 => &[Act::Opens, Act::Declines],
            3 => &[Act::Opens, Act::Leaves, Act::Opens, Act::Approves],
            4 => &[Act::Approves],
            5 => &[Act::Opens, Act::Approves, Act::Approves],
            _ => &[Act::Opens, Act::Approves],
        };
        for act in acts {
            let request = id.to_owned();
            self.after(at, Happening::Shopper { request, act: *act });
            at += self.random.between(500, 40 * SECOND);
        }
    }

    pub fn shopper(&mut self, id: &str, act: Act) {
        let t = self.t;
        let did = match act {
            Act::Opens => self.klarna.open(t, id),
            Act::Approves => self.klarna.approve(t, id),
            Act::Declines => self.klarna.decline(t, id),
            Act::Leaves => self.klarna.leave(t, id),
        };
        if did {
            self.story.tell(t, 0, format!("shopper of {id} {act:?}"));
        }
    }

    // -- what goes wrong -------------------------------------------------------------------------

    /// Whether a fault of this rate strikes now.
    fn strikes(&mut self, rate: u64) -> bool {
        let strikes = rate > 0 && self.random.chance(rate);
        self.faults_met += u64::from(strikes);
        strikes
    }

    /// What may go wrong at any moment.
    fn strike(&mut self) {
        if self.by_the_book {
            return;
        }
        if self.strikes(self.faults.outage) {
            self.line_down_until = self.t + self.faults.span(&mut self.random);
            self.story.tell(self.t, 0, format!("the line is down until {}", self.line_down_until));
        }
        if self.strikes(self.faults.clock_step) {
            let by = Faults::step_millis(&mut self.random);
            self.terminal.set_wall(by);
            self.story.tell(self.t, 0, format!("the clock is set by {by} ms"));
        }
        if self.strikes(self.faults.disk_full) {
            self.disk_full_until = self.t + self.random.between(SECOND, 400 * SECOND);
            self.story.tell(self.t, 0, "the disk is full".to_owned());
        }
        if self.strikes(self.faults.crash / 2) {
            let death = self.death();
            self.dies(death);
        }
    }

    fn death(&mut self) -> Death {
        if !self.random.chance(self.faults.power) {
            return Death::Process;
        }
        let stands = self.random.chance(self.faults.clock_stands);
        if stands { Death::PowerAndClock } else { Death::Power }
    }

    pub fn dies(&mut self, death: Death) {
        self.story.tell(self.t, 0, format!("the terminal dies: {death:?}"));
        let seeded = self.terminal.faulty.is_some();
        let seed = if seeded { self.random.between(0, u64::MAX - 1) } else { 0 };
        self.terminal.die(death, seed);
        self.watched.clear();
        let off = match death {
            Death::Process => 3 * SECOND,
            Death::Power | Death::PowerAndClock => 25 * SECOND + self.faults.span(&mut self.random),
        };
        let off = if self.by_the_book { self.dark } else { off };
        let since = self.t;
        self.after(off, Happening::Starts { death, since });
    }

    fn starts(&mut self, death: Death, since: Millis) {
        if self.t < self.disk_full_until {
            return self.after(DISK_PAUSE, Happening::Starts { death, since });
        }
        let trusting = self.canary == Some(Canary::TrustsTheClock);
        self.terminal.start(self.t, death, self.t - since, trusting);
        // What was under way when it died may be there after all.
        let found = self.terminal.disk.records.len() - self.recorded.len();
        if found > 0 {
            self.story.tell(self.t, 0, format!("{found} records of a commit under way are there"));
        }
        self.recorded.resize(self.terminal.disk.records.len(), since);
        self.look_again = self.t;
        self.story.tell(self.t, 0, "the terminal starts".to_owned());
        self.watch();
        self.look_at_screen();
    }

    /// Everything works again and stays so.
    pub fn heal(&mut self) {
        self.story.tell(self.t, 0, "everything works again".to_owned());
        self.faults = Faults::default();
        self.disk_full_until = self.t;
        self.line_down_until = self.t;
        self.till_down_until = self.t;
        let start = |happening: &Happening| matches!(happening, Happening::Starts { .. });
        let starts = self.queue.iter().find(|(_, happening)| start(happening)).map(|(at, _)| *at);
        if let Some(Happening::Starts { death, since }) =
            starts.and_then(|at| self.queue.remove(&at))
        {
            self.after(SECOND, Happening::Starts { death, since });
        }
    }

    /// What the till asks before it goes home.
    pub fn last_round(&mut self, end_shift: bool) -> Vec<Request> {
        self.till.last_round(&mut self.random, end_shift)
    }

    /// Whether nothing is under way and nothing will move by itself.
    pub fn is_quiet(&self) -> bool {
        let moving = |happening: &Happening| !matches!(happening, Happening::Observed { .. });
        let engine = &self.terminal.engine;
        let still = !engine.is_busy() && engine.poll_timeout().is_none();
        let empty = self.terminal.disk.queued.is_empty();
        self.terminal.on && still && empty && !self.queue.values().any(moving)
    }

    // -- canaries --------------------------------------------------------------------------------

    fn fresh_key(&mut self, row: &QueuedCall) -> IdempotencyKey {
        let sequence = u32::try_from(self.count % 1_000_000_000).expect("it fits");
        let id = CallId { payment: row.call.id.payment, sequence };
        let installation = klarna_terminald::id::Installation::new(uuid::Uuid::from_u128(7));
        IdempotencyKey::new(installation, id, "canary", row.call.kind.amount(), 0)
    }

    fn send_early(&mut self, step: &Step) {
        for change in &step.outbox {
            if let OutboxChange::Queue(call) = change {
                let row = QueuedCall { call: call.clone(), first_attempt: step.now().wall };
                self.arrives(row, Plan::Send, None);
            }
        }
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

fn brief_request(request: &Request) -> String {
    match request {
        Request::Sale(sale) => format!("sale {} {}", sale.reference, sale.amount),
        other => format!("{other:?}"),
    }
}

fn sale_of(request: &Request) -> &PosReference {
    match request {
        Request::Sale(sale) => &sale.reference,
        Request::Abort { reference }
        | Request::Status { reference }
        | Request::Acknowledge { reference }
        | Request::Last { reference, .. }
        | Request::EndShift { reference }
        | Request::Retry { reference, .. }
        | Request::Resolve { reference, .. } => reference,
        Request::Capture(_)
        | Request::Refund(_)
        | Request::Void(_)
        | Request::Release(_)
        | Request::Update { .. } => match request.sale() {
            Some(SaleName::Till(sale)) => sale,
            _ => request.reference(),
        },
    }
}
