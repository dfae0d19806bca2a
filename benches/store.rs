//! The journal's own cost: durable commits beside those of bare SQLite in the same run, and a start
//! with a million rows beside one with none.
//!
//! `STORE_DIR` names the directory of the databases; the disk below it is what is measured.

#[path = "common/policy.rs"]
mod policy;
#[path = "common/years.rs"]
mod years;

use klarna_terminald::clock::{Mono, Now, Wall};
use klarna_terminald::id::{PaymentId, PosReference};
use klarna_terminald::money::{Amount, Currency};
use klarna_terminald::payment::effect::{OutboxChange, Outcome, Refusal, RefusalReason};
use klarna_terminald::payment::event::Sale;
use klarna_terminald::payment::shift::Turnover;
use klarna_terminald::payment::vocabulary::Request;
use klarna_terminald::payment::{CapturePolicy, Engine, Input, Step};
use klarna_terminald::store::{Store, take_snapshot};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Payments of two commits each, turn by turn with as many bare commits.
const PAYMENTS: u32 = 500;
/// Rows of a terminal that has taken payments for years, five for each.
const ROWS: u32 = 1_000_000;
/// Starts of which the median counts.
const STARTS: usize = 5;

fn main() {
    let place = std::env::var_os("STORE_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = TempDir::new_in(place).expect("a directory for the databases");
    println!("klarna-terminald, figures of the journal\n");
    commits(directory.path());
    starts(directory.path());
}

/// The product writes a step, bare SQLite one row of the same length; both are synced.
fn commits(directory: &Path) {
    let mut store = Store::open(&directory.join("product.sqlite")).expect("a new store");
    let mut engine =
        Engine::new(store.installation(), policy::usual(CapturePolicy::Manual), PaymentId::new(0));
    let bare = bare(&directory.join("bare.sqlite"));
    let (mut ours, mut bares) = (Duration::ZERO, Duration::ZERO);
    for number in 0..PAYMENTS {
        for _ in 0..2 {
            let step = next_step(&engine, number);
            let row = "x".repeat(step.records.iter().map(|r| format!("{:?}", r.event).len()).sum());
            let begun = Instant::now();
            store.commit(&step).expect("a commit");
            ours += begun.elapsed();
            let begun = Instant::now();
            bare.execute("INSERT INTO row (body) VALUES (?1)", [row]).expect("a commit");
            bares += begun.elapsed();
            let _ = engine.accept(step);
        }
    }
    let commits = f64::from(2 * PAYMENTS);
    let (ours, bares) = (commits / ours.as_secs_f64(), commits / bares.as_secs_f64());
    println!("durable commits of {commits} steps");
    println!("  product                       {ours:>10.0} /s");
    println!("  bare SQLite, one row          {bares:>10.0} /s");
    println!("  ratio                         {:>10.2}\n", ours / bares);
}

/// A sale, then its refusal by Klarna.
fn next_step(engine: &Engine, number: u32) -> Step {
    let open = engine.payments().flat_map(|payment| payment.open_calls()).next();
    let input = match open {
        Some((call, _)) => {
            let refusal = Refusal::new(RefusalReason::NotAllowed, "BENCH", "not today");
            Input::Outcome { call, attempts: 1, outcome: Outcome::Refused(refusal) }
        }
        None => {
            let reference = PosReference::new(format!("B-{number}")).expect("a reference");
            let euro = Currency::new("EUR").expect("EUR");
            let sale = Sale {
                reference,
                amount: Amount::new(4990, euro),
                merchant_reference: None,
                line_items: Vec::new(),
                locale: None,
                reserved: false,
            };
            Input::Till(Request::Sale(sale), Turnover::default())
        }
    };
    let step = engine.handle(now(), input).expect("a legal input");
    assert!(matches!(step.outbox[..], [OutboxChange::Queue(_) | OutboxChange::Close(_)]));
    step
}

fn now() -> Now {
    Now { mono: Mono::default(), wall: Wall::from_millis(1_772_359_200_000) }
}

/// SQLite as durable as the store is.
fn bare(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("sqlite");
    let set = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
               CREATE TABLE row (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;";
    connection.execute_batch(set).expect("a table");
    connection
}

fn starts(directory: &Path) {
    let (empty, big) = (directory.join("empty.sqlite"), directory.join("big.sqlite"));
    for path in [&empty, &big] {
        drop(Store::open(path).expect("a new store"));
    }
    years::fill(&big, ROWS);
    let size = std::fs::metadata(&big).expect("the file").len() / 1_000_000;
    println!("start with {ROWS} rows ({size} MB) of finished payments, median of {STARTS}");
    for (name, path) in [("empty store", &empty), ("big store", &big)] {
        let mut times: Vec<(Duration, Duration)> = (0..STARTS).map(|_| start(path)).collect();
        times.sort();
        let (check, replay) = times[STARTS / 2];
        println!("  {name:<12} check of the file {:>8.1} ms", check.as_secs_f64() * 1e3);
        println!("  {name:<12} reading, replay   {:>8.1} ms", replay.as_secs_f64() * 1e3);
        println!("  {name:<12} both              {:>8.1} ms", (check + replay).as_secs_f64() * 1e3);
    }
    let begun = Instant::now();
    take_snapshot(&big, Wall::from_millis(0)).expect("a snapshot");
    println!("  one snapshot of the big store   {:>8.1} ms", begun.elapsed().as_secs_f64() * 1e3);
}

/// Opening with its check of the whole file, then reading what a start reads and replaying it.
fn start(path: &Path) -> (Duration, Duration) {
    let begun = Instant::now();
    let store = Store::open(path).expect("it opens");
    let check = begun.elapsed();
    let begun = Instant::now();
    let reader = store.reader().expect("a reader");
    let last = reader.last_payment().expect("a number");
    let mut engine = Engine::new(store.installation(), policy::usual(CapturePolicy::Manual), last);
    engine.replay(now(), &reader.open_records().expect("records")).expect("a journal");
    assert!(reader.queued().expect("rows").is_empty());
    (check, begun.elapsed())
}
