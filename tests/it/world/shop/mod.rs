//! One seed is one run of a whole shop: till, shoppers, terminal, disk, clocks, network, Klarna.
//!
//! The engine, the schedule and (in some runs) the store are the real ones. All else is a model
//! that shares no decision with them. After each run everything works again until nothing moves,
//! and a judge compares the three books. The same code is a test and a tool (`examples/world.rs`).

pub mod books;
mod canary;
mod check;
mod commit;
pub mod exhaustive;
mod faults;
pub mod faulty;
pub mod klarna;
mod mishap;
mod network;
mod people;
mod push;
mod random;
pub mod run;
mod settlement;
pub mod story;
pub mod terminal;
pub mod till;
mod told;
pub mod transaction;
pub mod zvt;

pub use canary::Canary;

pub use check::judge;

use faults::{DAY, SECOND};
use run::Shop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

/// True time since the beginning of a run.
pub type Millis = u64;

/// What the till speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Till {
    /// The core's own words, without bytes.
    Core,
    /// ZVT, over a serial line or TCP.
    Zvt,
}

/// How a run is set up, beside its seed.
#[derive(Debug, Clone)]
pub struct Settings {
    pub till: Till,
    pub payments_per_run: usize,
    /// With the real SQLite store beside the model; the two are compared after each commit.
    pub real_store: bool,
    /// With the real store as well, and in the end with its database and Klarna's ledger left in
    /// this directory; the two are compared once, in the end.
    pub books: Option<PathBuf>,
    /// With the store alone, on a disk that loses what was not synced and refuses to write.
    pub faulty_disk: bool,
    pub canary: Option<Canary>,
    /// Keep the whole story, not only what is wrong.
    pub verbose: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            till: Till::Core,
            payments_per_run: 12,
            real_store: false,
            books: None,
            faulty_disk: false,
            canary: None,
            verbose: false,
        }
    }
}

/// What came of one or more runs.
#[derive(Debug, Default)]
pub struct Report {
    pub runs: usize,
    pub payments: usize,
    pub authorised: usize,
    pub calls_rekeyed: usize,
    pub for_a_person: usize,
    /// Transactions of others that were taken over, and looks for any.
    pub adopted: usize,
    pub lookups: u64,
    /// Refused calls that a person had sent again, or has seen to.
    pub retried: usize,
    pub resolved: usize,
    /// Comparisons with Klarna's sums, those that found other sums, and what others have done to
    /// our own transactions.
    pub checks: usize,
    pub contradictions: u64,
    pub interventions: u64,
    /// Calls that were more than Klarna's quota.
    pub throttled: u64,
    pub faults: u64,
    pub virtual_time: Millis,
    /// Each with its seed or name, and the story of its payment.
    pub violations: Vec<String>,
    pub hash: u64,
    pub story: String,
}

impl Report {
    pub fn add(&mut self, other: Report) {
        self.runs += other.runs;
        self.payments += other.payments;
        self.authorised += other.authorised;
        self.calls_rekeyed += other.calls_rekeyed;
        self.for_a_person += other.for_a_person;
        self.adopted += other.adopted;
        self.lookups += other.lookups;
        self.retried += other.retried;
        self.resolved += other.resolved;
        self.checks += other.checks;
        self.contradictions += other.contradictions;
        self.interventions += other.interventions;
        self.throttled += other.throttled;
        self.faults += other.faults;
        self.virtual_time += other.virtual_time;
        self.violations.extend(other.violations);
        self.hash = self.hash.rotate_left(5) ^ other.hash;
        self.story = other.story;
    }
}

/// How long a day of selling may last before it is closed, whatever is left.
const DAY_MAX: Millis = 500 * DAY;
/// How long the closing may last. Klarna's requests live two days, late shoppers as long.
const CLOSING_MAX: Millis = 40 * DAY;
/// Between two of the till's rounds of questions at the end.
const ROUND: Millis = 90 * SECOND;

/// One run.
pub fn run(seed: u64, settings: &Settings) -> Report {
    guarded(&format!("seed {seed}"), || {
        let mut shop = Shop::open(settings, seed);
        let day_max = DAY_MAX * books::factor(settings);
        while !shop.is_sold_out() && shop.step(day_max) {}
        close(&mut shop);
        if let Some(directory) = &settings.books {
            books::leave(&shop, directory);
        }
        shop
    })
    .told(settings.verbose)
}

impl Report {
    fn told(mut self, verbose: bool) -> Self {
        if !verbose {
            self.story.clear();
        }
        self
    }
}

/// Lets everything work, and time run until nothing moves.
pub fn close(shop: &mut Shop) {
    shop.heal();
    let last = shop.t + CLOSING_MAX;
    if shop.counter.is_some() {
        if !zvt::close(shop, last, ROUND, DAY) {
            shop.wrongs.push((0, "the counter is never closed".to_owned()));
        }
        return;
    }
    let (mut rounds, mut shift_ended) = (0, false);
    while shop.t < last {
        let mut quiet = shop.is_quiet();
        let ends_shift = rounds >= 3 && !shift_ended && !shop.terminal.engine.is_busy();
        shift_ended |= ends_shift;
        let requests = shop.last_round(ends_shift);
        for request in requests {
            shop.ask(request);
        }
        rounds += 1;
        quiet &= shop.is_quiet();
        if quiet && rounds > 5 {
            return;
        }
        // A round a minute while the counter is open, then whenever something happens.
        let until = shop.t + if rounds < 20 { ROUND } else { DAY };
        shop.run_until(until);
    }
    shop.wrongs.push((0, "it never comes to rest".to_owned()));
}

/// Plays and judges; a panic is a violation like any other.
fn guarded(name: &str, play: impl FnOnce() -> Shop) -> Report {
    match catch_unwind(AssertUnwindSafe(play)) {
        Ok(shop) => report(name, &shop),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            let text = text.unwrap_or_default();
            let violations = vec![format!("{name}: it panics: {text}\n")];
            Report { runs: 1, violations, ..Report::default() }
        }
    }
}

fn report(name: &str, shop: &Shop) -> Report {
    use klarna_terminald::payment::event::Event;
    let (judged, for_a_person) = judge(shop);
    let wrongs = shop.wrongs.iter().chain(&judged);
    let story = |number: u32| shop.story.about(number);
    let violations = wrongs
        .map(|(number, wrong)| format!("{name}, payment {number}: {wrong}\n{}", story(*number)));
    let records = &shop.terminal.disk.records;
    let count = |which: fn(&Event) -> bool| records.iter().filter(|r| which(&r.event)).count();
    Report {
        runs: 1,
        payments: count(|event| matches!(event, Event::SaleRequested { .. })),
        authorised: count(|event| matches!(event, Event::Authorised { .. })),
        calls_rekeyed: count(|event| matches!(event, Event::Rekeyed { .. })),
        for_a_person,
        adopted: {
            let payments = told::payments(records, &shop.recorded);
            payments.values().filter(|told| told.adopted.is_some()).count()
        },
        lookups: shop.lookups,
        retried: count(|event| matches!(event, Event::CallRetried { .. })),
        resolved: count(|event| matches!(event, Event::CallResolved { .. })),
        checks: count(|event| matches!(event, Event::CheckQueued)),
        contradictions: shop.klarna.contradictions,
        interventions: shop.interventions,
        throttled: shop.klarna.throttled,
        faults: shop.faults_met + shop.counter.as_ref().map_or(0, |c| c.faults_met()),
        virtual_time: shop.t,
        violations: violations.take(3).collect(),
        hash: shop.story.hash(),
        story: shop.story.whole()
            + &shop.counter.as_ref().map_or_else(String::new, |counter| counter.watch.whole()),
    }
}
