//! One shop from opening to closing: what happens next, in true time, one thing after another.

use super::books;
use super::canary::Canary;
// The scenarios' words; by their path, because the tool has no scenarios.
#[path = "../../scenario/show.rs"]
#[allow(dead_code, clippy::duplicate_mod)]
pub mod show;

use super::faults::{Faults, SECOND};
use super::faulty::Faulty;
use super::klarna::{Klarna, Stage};
use super::push::Pushes;
use super::random::Random;
use super::story::Story;
use super::terminal::{Death, Disk, Terminal, policy};
use super::till::Till;
use super::zvt::Counter;
use super::{Millis, Settings};
use klarna_terminald::acquirer::Quotas;
use klarna_terminald::id::{CallId, PaymentId, PosReference, RequestId, TransactionId};
use klarna_terminald::payment::effect::{Ended, Outcome, QueuedCall, RequestState};
use klarna_terminald::payment::found::{Found, NotFound};
use klarna_terminald::payment::retry::Plan;
use klarna_terminald::payment::screen::Screen;
use klarna_terminald::payment::state::State;
use klarna_terminald::payment::vocabulary::{Reply, Request};
use klarna_terminald::payment::{CapturePolicy, Input, Payment, Policy};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// When the client stops waiting for an answer.
pub(super) const ANSWER_WAIT: Millis = 15 * SECOND;
/// How long the daemon waits after a failed commit.
pub(super) const DISK_PAUSE: Millis = 5 * SECOND;
/// The cashier's day starts after the terminal's.
const OPENING: Millis = 30 * SECOND;
/// Things that may happen in one run of the usual length; more means that something goes round in
/// circles.
const HAPPENINGS_MAX: usize = 2_000_000;

/// The same with a bug put in, so that it is noticed soon.
const HAPPENINGS_OF_CANARY_MAX: usize = 200_000;

/// The number in the story of what is about no payment that is known.
const NO_PAYMENT: u32 = u32::MAX;

/// What is going to happen.
pub(super) enum Happening {
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
    /// Klarna is asked about a transaction that a command names.
    LooksUp {
        incarnation: u32,
        request: Request,
        transaction: TransactionId,
    },
    Looked {
        incarnation: u32,
        request: Request,
        found: Result<Found, NotFound>,
    },
    TillActs,
    /// Somebody looks at the list of refused calls.
    PersonActs,
    /// Another shop, or somebody in Klarna's portal, does something.
    OthersAct,
    Shopper {
        request: String,
        act: Act,
    },
    /// Somebody says that a payment request has changed.
    Pushed {
        request: String,
        is_forged: bool,
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
    pub(super) queue: BTreeMap<(Millis, u64), Happening>,
    pub(super) count: u64,
    pub random: Random,
    pub faults: Faults,
    pub(super) pushes: Option<Pushes>,
    pub(super) canary: Option<Canary>,
    pub terminal: Terminal,
    pub klarna: Klarna,
    pub till: Till,
    /// In its place, a till that speaks ZVT.
    pub counter: Option<Box<Counter>>,
    pub story: Story,
    pub(super) look_again: Millis,
    pub(super) disk_full_until: Millis,
    pub(super) disk_retry_at: Millis,
    pub line_down_until: Millis,
    pub till_down_until: Millis,
    pub(super) watched: BTreeSet<String>,
    pub(super) seen_codes: BTreeSet<String>,
    pub(super) shown: Option<String>,
    /// True time of each record of the journal.
    pub recorded: Vec<Millis>,
    /// Things that may happen; more means that something goes round in circles.
    happenings_max: usize,
    /// What must never be seen, with the payment's number.
    pub wrongs: Vec<(u32, String)>,
    pub faults_met: u64,
    pub(super) happened: usize,
    /// The canary has forgotten once.
    pub(super) forgotten: bool,
    pub(super) by_the_book: bool,
    /// Both ways of the network in a world that is played by the book.
    pub(super) round_trip: Millis,
    /// Whether payment requests are read in such a world.
    pub polls: bool,
    /// How long a call takes to find that the line is down.
    pub stall: Millis,
    /// How long the terminal is off in such a world.
    pub dark: Millis,
    pub disturbances: Vec<Disturbance>,
    /// In the commit of which event the power fails, and before which write or sync.
    pub cut_at: Option<(String, usize)>,
    /// Calls that a person has resolved, and those that a person has had sent again.
    pub(super) resolved: BTreeSet<CallId>,
    pub(super) retried: BTreeSet<CallId>,
    /// What the canary has seen of transactions first.
    pub(super) stale: BTreeMap<String, Found>,
    pub lookups: u64,
    /// Acts of others on our transactions.
    pub interventions: u64,
    /// Commands of the desk so far.
    pub(super) desk_count: u32,
}

impl Shop {
    pub fn open(settings: &Settings, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let captures = [CapturePolicy::OnTillAck, CapturePolicy::Manual, CapturePolicy::EndOfShift];
        let capture = random.pick(&captures);
        let read_pace = Duration::from_secs(random.pick(&[2, 5, 20]));
        let mut faults = Faults::draw(&mut random);
        match settings.canary {
            Some(Canary::RetriesWithoutLooking) => faults.denied = 150,
            Some(Canary::CheckFixes) => (faults.portal, faults.crash) = (500, 80),
            _ => {}
        }
        if settings.canary == Some(Canary::TrustsTheClock) {
            // It shows only after a long cut in the middle of a call, which is rare.
            (faults.cut_on_call, faults.power, faults.clock_stands) = (250, 700, 1000);
            faults.long = true;
        }
        let till = Till::new(settings.payments_per_run, capture, &mut random);
        let policy = policy(capture, read_pace);
        let captures_per_s = random.pick(&[0, 1, 2, 50]);
        let management_per_s = random.pick(&[0, 2, 4, 50]);
        let strangers = random.pick(&[0, 2, 5]);
        let mut shop = Self::with(random, faults, till, policy, settings);
        shop.pushes = Pushes::draw(seed);
        shop.terminal.quotas = Quotas { captures_per_s, management_per_s };
        shop.klarna.quotas = shop.terminal.quotas;
        shop.put_counter(settings);
        shop.terminal.start(0, Death::Power, 0, false);
        shop.counter_starts();
        shop.after(OPENING, Happening::PersonActs);
        if shop.counter.is_some() {
            return shop;
        }
        for _ in 0..strangers {
            shop.klarna.sold_elsewhere(0, &mut shop.random);
        }
        shop.after(OPENING, Happening::TillActs);
        shop.after(OPENING, Happening::OthersAct);
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

    pub(super) fn with(
        random: Random,
        faults: Faults,
        till: Till,
        policy: Policy,
        settings: &Settings,
    ) -> Self {
        let disk = match &settings.books {
            Some(directory) => Disk::kept_at(&directory.join(books::DATABASE)),
            None if settings.real_store => Disk::with_store(),
            None => Disk::model(),
        };
        let mut shop = Self {
            t: 0,
            queue: BTreeMap::new(),
            count: 0,
            random,
            faults,
            pushes: None,
            canary: settings.canary,
            terminal: Terminal::new(policy, disk),
            klarna: Klarna::default(),
            till,
            counter: None,
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
            happenings_max: HAPPENINGS_MAX
                * usize::try_from(books::factor(settings)).expect("64 bits"),
            forgotten: false,
            by_the_book: false,
            round_trip: 0,
            polls: false,
            stall: 50,
            dark: 300,
            disturbances: Vec::new(),
            cut_at: None,
            resolved: BTreeSet::new(),
            retried: BTreeSet::new(),
            stale: BTreeMap::new(),
            lookups: 0,
            interventions: 0,
            desk_count: 0,
        };
        shop.terminal.faulty = settings.faulty_disk.then(Faulty::new);
        shop.terminal.start(0, Death::Power, 0, false);
        shop
    }

    // -- time ------------------------------------------------------------------------------------

    pub(super) fn after(&mut self, wait: Millis, happening: Happening) {
        self.count += 1;
        self.queue.insert((self.t.saturating_add(wait), self.count), happening);
    }

    /// When the terminal moves by itself: a deadline, or a look at the outbox.
    pub(super) fn terminal_due(&self) -> Option<Millis> {
        let due = self.terminal.engine.poll_timeout().map(|due| self.terminal.at(due));
        let due = due.map_or(self.look_again, |due| due.max(self.disk_retry_at));
        self.terminal.on.then_some(due.min(self.look_again))
    }

    /// Lets the next thing happen, if it happens before `until`.
    pub fn step(&mut self, until: Millis) -> bool {
        let queued = self.queue.keys().next().map(|(at, _)| *at);
        let counter = self.counter_due();
        let due = [queued, self.terminal_due(), counter];
        let Some(next) = due.into_iter().flatten().min() else { return false };
        if next > until {
            return false;
        }
        self.happened += 1;
        let (t, on) = (self.t, self.terminal.on);
        let canary = self.counter.is_some() && self.canary.is_some();
        let most = if canary { HAPPENINGS_OF_CANARY_MAX } else { self.happenings_max };
        assert!(self.happened < most, "too much happens: at {t} ms, terminal on: {on}");
        self.t = self.t.max(next);
        if queued == Some(next) {
            let (_, happening) = self.queue.pop_first().expect("there is one");
            self.happen(happening);
        }
        if counter.is_some_and(|due| due <= self.t) {
            self.counter_acts();
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

    pub(super) fn happen(&mut self, happening: Happening) {
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
            Happening::LooksUp { incarnation, request, transaction } => {
                self.is_looked_up(incarnation, request, &transaction);
            }
            Happening::Looked { incarnation, request, found } => {
                if incarnation == self.terminal.incarnation && self.terminal.on {
                    self.looked(request, found);
                }
            }
            Happening::TillActs => self.till_acts(),
            Happening::PersonActs => self.person_acts(),
            Happening::OthersAct => self.others_act(),
            Happening::Shopper { request, act } => self.shopper(&request, act),
            Happening::Pushed { request, is_forged } => self.pushed(&request, is_forged),
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
        let asked = match &input {
            Input::Till(request, _) | Input::Looked { request, .. } => Some(request.clone()),
            _ => None,
        };
        let step = match self.terminal.engine.handle(now, input) {
            Ok(step) => step,
            Err(illegal) => return self.wrongs.push((0, illegal.to_string())),
        };
        if step.is_durable() && !self.commit(&step) {
            return self.refuse_out_of_service(asked);
        }
        let lookup = step.lookup.clone();
        let replies = self.terminal.engine.accept(step);
        let hurried = self.terminal.engine.wanted().hurried;
        if self.terminal.hurried != hurried {
            self.terminal.hurried = hurried;
            self.terminal.schedule.hurry(self.terminal.now(self.t));
        }
        // Sync is woken, the screen is drawn, the till is told.
        self.look_again = self.t;
        self.tell(&replies);
        if let (Some(transaction), Some(request)) = (lookup, asked) {
            self.looks_up(request, transaction);
        }
        self.look_at_screen();
        self.watch();
    }

    pub(super) fn tell(&mut self, replies: &[Reply]) {
        let at_counter = self.tell_counter(replies);
        for reply in replies {
            if self.t < self.till_down_until {
                continue;
            }
            let number = self.number_of(reply);
            self.story.tell(self.t, number, format!("till hears {}", show::reply(reply)));
            if at_counter {
                continue;
            }
            self.till.hear(reply);
        }
        for wrong in self.till.wrongs.drain(..) {
            self.wrongs.push((0, wrong));
        }
    }

    pub(super) fn number_of(&self, reply: &Reply) -> u32 {
        let sale = match reply {
            Reply::Progress { reference, .. }
            | Reply::Acknowledged { reference }
            | Reply::Noted { reference }
            | Reply::Print { reference, .. }
            | Reply::Status { reference, .. }
            | Reply::Refused { reference: Some(reference), .. } => reference,
            Reply::Result(result) => &result.reference,
            Reply::Operation(operation) => &operation.sale,
            Reply::Shift(_) | Reply::Totals(_) | Reply::Refused { reference: None, .. } => {
                return NO_PAYMENT;
            }
        };
        self.number_of_sale(sale)
    }

    pub(super) fn number_of_sale(&self, reference: &PosReference) -> u32 {
        let mut payments = self.terminal.engine.payments();
        let of_it = |payment: &&Payment| {
            payment.sale.reference == *reference || payment.operation(reference).is_some()
        };
        payments.find(of_it).map_or(NO_PAYMENT, |payment| payment.id.number())
    }

    /// A code on the screen belongs to the running sale, and to a request that can be paid.
    pub(super) fn look_at_screen(&mut self) {
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
    pub(super) fn watch(&mut self) {
        if self.by_the_book && !self.polls {
            return;
        }
        for watch in self.terminal.engine.watches() {
            if self.watched.insert(watch.request.to_string()) {
                let every = u64::try_from(watch.every.as_millis()).expect("a short time");
                let (payment, request) = (watch.payment, watch.request);
                let incarnation = self.terminal.incarnation;
                let pace = self.read_pace(every);
                self.after(pace, Happening::Reads { incarnation, payment, request });
            }
        }
    }

    /// What the till asks before it goes home.
    pub fn last_round(&mut self, end_shift: bool) -> Vec<Request> {
        self.till.last_round(&mut self.random, end_shift)
    }

    /// Whether the till has sold all that it was to sell.
    pub fn is_sold_out(&self) -> bool {
        self.counter.as_ref().map_or(self.till.is_done(), |counter| counter.till.is_done())
    }

    /// Whether nothing is under way and nothing will move by itself.
    pub fn is_quiet(&self) -> bool {
        let late = |happening: &Happening| {
            matches!(happening, Happening::Observed { .. } | Happening::Pushed { .. })
        };
        let moving = |happening: &Happening| !late(happening);
        let engine = &self.terminal.engine;
        let still = !engine.is_busy() && engine.poll_timeout().is_none();
        let empty = self.terminal.disk.queued.is_empty();
        self.terminal.on && still && empty && !self.queue.values().any(moving)
    }
}
