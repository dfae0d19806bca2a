//! The simulated shop as a tool: `cargo run --release --example world -- --payments 100000`.
//!
//! `--till zvt` a till that speaks ZVT, `--seed N` first seed, `--payments M` how many,
//! `--canary NAME` with a bug put in, `--exhaustive D` all orders of D things, `--real-store`,
//! `--faulty-disk`, `--per-run K`, `--verbose` the story. `--books DIR` makes one run of all
//! payments and leaves in `DIR`, which it creates, the terminal's database and what Klarna holds of
//! its money; what counts as what is told in `tests/it/world/shop/books.rs`.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../tests/it/world/shop/mod.rs"]
mod shop;
#[path = "../tests/it/vfs.rs"]
#[allow(dead_code)]
mod vfs;

use shop::{Canary, Report, Settings, Till, exhaustive, run};
use std::path::PathBuf;
use std::time::Instant;

/// Violations shown in full; the others are counted.
const SHOWN_MAX: usize = 5;

struct Asked {
    seed: u64,
    payments: usize,
    depth: Option<u32>,
    settings: Settings,
}

fn main() {
    let asked = match parse(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(why) => {
            eprintln!("{why}");
            std::process::exit(2);
        }
    };
    std::panic::set_hook(Box::new(|_| {}));
    let begin = Instant::now();
    let report = match asked.depth {
        Some(depth) => exhaustive::all(depth, &asked.settings),
        None => seeds(&asked, begin),
    };
    for violation in report.violations.iter().take(SHOWN_MAX) {
        println!("VIOLATION {violation}");
    }
    summary(&report, begin);
    std::process::exit(i32::from(!report.violations.is_empty()));
}

fn seeds(asked: &Asked, begin: Instant) -> Report {
    let mut report = Report::default();
    let mut seed = asked.seed;
    let mut next_word = asked.payments / 10;
    while report.payments < asked.payments {
        let one = run(seed, &asked.settings);
        if asked.settings.verbose {
            println!("seed {seed}, story {:016x}\n{}", one.hash, one.story);
        }
        report.add(one);
        seed += 1;
        if report.payments >= next_word && next_word > 0 {
            let (payments, violations) = (report.payments, report.violations.len());
            let seconds = begin.elapsed().as_secs();
            println!("{payments} payments, {violations} violations, {seconds} s");
            next_word += asked.payments / 10;
        }
    }
    println!("seeds {} to {}", asked.seed, seed - 1);
    report
}

fn summary(report: &Report, begin: Instant) {
    println!(
        "runs {}, payments {}, authorised {}, calls under a new key {}, for a person {}, \
         taken over {}, looks {}, retried {}, resolved {}, checks {}, contradictions {}, \
         interventions {}, over the quota {}, faults {}, virtual time {} days, \
         story {:016x}, violations {}, wall time {:.1} s",
        report.runs,
        report.payments,
        report.authorised,
        report.calls_rekeyed,
        report.for_a_person,
        report.adopted,
        report.lookups,
        report.retried,
        report.resolved,
        report.checks,
        report.contradictions,
        report.interventions,
        report.throttled,
        report.faults,
        report.virtual_time / 86_400_000,
        report.hash,
        report.violations.len(),
        begin.elapsed().as_secs_f64(),
    );
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Asked, String> {
    let settings = Settings::default();
    let mut asked = Asked { seed: 0, payments: 10_000, depth: None, settings };
    while let Some(word) = words.next() {
        let mut number = || -> Result<u64, String> {
            let value = words.next().unwrap_or_default();
            value.parse().map_err(|_| format!("{word} needs a number, not {value:?}"))
        };
        match word.as_str() {
            "--seed" => asked.seed = number()?,
            "--payments" => asked.payments = usize::try_from(number()?).expect("64 bits"),
            "--per-run" => {
                asked.settings.payments_per_run = usize::try_from(number()?).expect("64 bits");
            }
            "--exhaustive" => asked.depth = u32::try_from(number()?).ok(),
            "--real-store" => asked.settings.real_store = true,
            "--faulty-disk" => asked.settings.faulty_disk = true,
            "--verbose" => asked.settings.verbose = true,
            "--books" => {
                let directory = PathBuf::from(words.next().unwrap_or_default());
                std::fs::create_dir(&directory)
                    .map_err(|error| format!("--books needs a new directory: {error}"))?;
                asked.settings.books = Some(directory);
            }
            "--till" => {
                let name = words.next().unwrap_or_default();
                asked.settings.till = match name.as_str() {
                    "core" => Till::Core,
                    "zvt" => Till::Zvt,
                    _ => return Err(format!("--till is core or zvt, not {name:?}")),
                };
            }
            "--canary" => {
                let name = words.next().unwrap_or_default();
                let names: Vec<&str> = Canary::ALL.iter().map(|(name, _)| *name).collect();
                let canary = Canary::named(&name);
                let canary = canary.ok_or_else(|| format!("--canary is one of {names:?}"))?;
                asked.settings.canary = Some(canary);
                if canary.is_at_the_counter() {
                    asked.settings.till = Till::Zvt;
                }
            }
            other => return Err(format!("unknown option {other:?}; see examples/world.rs")),
        }
    }
    if asked.settings.books.is_some() {
        asked.settings.payments_per_run = asked.payments;
        asked.payments = 1;
    }
    Ok(asked)
}
