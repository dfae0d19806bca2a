//! The payment core's tests are text: inputs after `> `, and below each what came of it.
//!
//! `check` runs a file's inputs and compares the whole transcript; `UPDATE_GOLDEN=1 cargo test`
//! writes it anew. A file holds several scenarios, each after a `## ` line. The language of the
//! inputs is in `script`, the shape of the answers in `show`.

pub mod disk;
pub mod script;
pub mod show;
pub mod world;

pub use script::run;
pub use show::label;

use klarna_terminald::payment::Input;
use klarna_terminald::payment::effect::{Outcome, Refusal, RefusalReason};
use klarna_terminald::store::Store;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// All scripts, by name.
pub fn fixtures() -> Vec<(String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scenario");
    let files = std::fs::read_dir(&directory).expect("the fixtures are there");
    let mut paths: Vec<PathBuf> = files.map(|file| file.expect("readable").path()).collect();
    paths.sort();
    let name = |path: &Path| path.file_stem().expect("a name").to_string_lossy().into_owned();
    let text = |path: &Path| std::fs::read_to_string(path).expect("UTF-8");
    paths.iter().map(|path| (name(path), text(path))).collect()
}

fn check(name: &str, script: &str) -> Result<(), String> {
    let transcript = run(script);
    if transcript == script {
        return Ok(());
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = root.join(format!("tests/fixtures/scenario/{name}.txt"));
        std::fs::write(path, transcript).expect("fixtures can be written");
        return Ok(());
    }
    let (old, new): (Vec<&str>, Vec<&str>) =
        (script.lines().collect(), transcript.lines().collect());
    let at = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let from = old[..at.min(old.len())].iter().rposition(|line| line.starts_with('>')).unwrap_or(0);
    let part = |lines: &[&str]| {
        lines[from.min(lines.len())..].iter().take(14).copied().collect::<Vec<_>>().join("\n")
    };
    Err(format!(
        "{name}.txt, line {}; UPDATE_GOLDEN=1 writes it anew\n-- written --\n{}\n-- now --\n{}",
        at + 1,
        part(&old),
        part(&new)
    ))
}

#[test]
fn every_script_gives_its_transcript() {
    let fixtures = fixtures();
    let checked = fixtures.iter().map(|(name, script)| check(name, script));
    let wrong: Vec<String> = checked.filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn sales_that_left_memory_are_still_known() {
    let mut player = script::Player::new(world::policy(), disk::Disk::with_store());
    for number in 0..100 {
        player.play(&format!("till sale R{number} EUR 0")).expect("legal");
    }
    assert!(player.world.engine.payments().count() < 100, "memory is bounded");
    player.world.lines.clear();
    player.play("till status R0").expect("legal");
    player.play("till sale R0 EUR 0").expect("legal");
    player.play("till sale R0 EUR 1").expect("legal");
    let expected = [
        "till R0 status done: approved EUR 0.00; authorised EUR 0.00, captured 0.00, refunded 0.00",
        "till R0 approved EUR 0.00",
        "till R0 error reference_reused: reference R0 was used for a sale of EUR 0.00; \
         use a new reference for a new command",
    ];
    assert_eq!(player.world.lines, expected);
}

#[test]
fn a_step_that_ends_a_call_the_outbox_does_not_have_is_not_committed() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("journal.sqlite");
    let mut store = Store::open(&path).expect("a new store");
    let mut player = script::Player::new(world::policy(), disk::Disk::model());
    player.play("till sale R1 EUR 12.34").expect("legal");
    let (world, call) = (&player.world, player.world.disk.sendable().remove(0).call.id);
    let outcome = Outcome::Refused(Refusal::new(RefusalReason::NotAvailable, "NO", "no"));
    let input = Input::Outcome { call, attempts: 1, outcome };
    let step = world.engine.handle(world.now, input).expect("legal");
    assert!(store.commit(&step).is_err(), "its call was never queued in this store");
    let reader = store.reader().expect("a reader");
    assert_eq!(reader.all_records().expect("records"), [], "nothing of it is there");
}

/// The table that `payment::state` holds itself to, pair by pair.
const TRANSITIONS: &str = include_str!("../fixtures/transitions.txt");

#[test]
fn every_transition_has_a_scenario() {
    let mut seen = BTreeSet::new();
    for (_, script) in fixtures() {
        for line in script.lines().filter_map(|line| line.trim().strip_prefix("journal ")) {
            let Some((event, states)) = line.split_once(": ") else { continue };
            let event = event.split([' ', '(']).nth(1).expect("a number, then the event");
            let (from, to) = states.split_once(" -> ").expect("from -> to");
            if event == "noted" {
                assert_eq!(from, to, "a notice changes nothing");
                continue;
            }
            seen.insert(format!("{from} + {event}"));
        }
    }
    let legal: BTreeSet<String> = TRANSITIONS.lines().map(str::to_owned).collect();
    let missing: Vec<_> = legal.difference(&seen).collect();
    let illegal: Vec<_> = seen.difference(&legal).collect();
    assert!(missing.is_empty(), "no scenario for {missing:#?}");
    assert!(illegal.is_empty(), "not in the table of transitions: {illegal:#?}");
}
