//! What must never happen to a shop again, as stories: each failure that other terminals are known
//! for is played, and Klarna's books are counted at its end.
//!
//! A story drives the simulated shop of `world`: the real engine, the real send decisions, the
//! real store on the fault-injecting disk, and a Klarna with books of its own. The transcript is a
//! golden text (`UPDATE_GOLDEN=1` writes it anew), but what counts does not depend on it:
//! `> expect` and `> until` lines are inputs, judged by the run and never rewritten, and at the end
//! of each story the judge of `world` compares what till, journal and Klarna say.

mod books;
mod player;
mod upgrade;

use player::Played;
use std::path::{Path, PathBuf};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/story")
}

/// Plays one file, compares its transcript and returns what was found wrong.
fn check(name: &str) -> Vec<String> {
    let path = directory().join(name);
    let script = std::fs::read_to_string(&path).expect("the story is there");
    let Played { transcript, mut wrongs, .. } = player::run(&script);
    if transcript != script && std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &transcript).expect("fixtures can be written");
    } else if transcript != script {
        let lines = script.lines().zip(transcript.lines());
        let at = lines.take_while(|(old, new)| old == new).count();
        let line = |text: &str| text.lines().nth(at).unwrap_or("(nothing)").to_owned();
        let (old, new) = (line(&script), line(&transcript));
        let advice = "UPDATE_GOLDEN=1 writes it anew";
        wrongs.push(format!("line {}: {advice}\n  written {old}\n  now     {new}", at + 1));
    }
    wrongs.into_iter().map(|wrong| format!("{name}: {wrong}")).collect()
}

fn holds(name: &str) {
    let wrongs = check(name);
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
}

#[test]
fn eight_orders_are_eight_charges() {
    holds("p1_eight_orders.txt");
}

#[test]
fn fifty_queued_refunds_survive_an_upgrade() {
    holds("p2_upgrade.txt");
}

#[test]
fn nobody_is_told_not_paid_while_the_money_is_held() {
    holds("p3_declined_but_taken.txt");
}

#[test]
fn a_push_that_never_comes_is_not_missed() {
    holds("p4_lost_push.txt");
}

#[test]
fn the_cashier_never_has_to_guess() {
    holds("p5_never_guess.txt");
}

#[test]
fn a_late_payer_gets_the_money_back_without_anybody_asking() {
    holds("p6_late_payer.txt");
}

#[test]
fn an_outage_longer_than_a_key_lives() {
    holds("outage.txt");
}

#[test]
fn sixty_days_with_five_thousand_refunds() {
    holds("outage_60_days.txt");
}

#[test]
fn a_clock_set_back_to_1970() {
    holds("clock.txt");
}

#[test]
fn power_fails_between_answer_and_commit() {
    holds("power.txt");
}

/// The same at every write and sync of that commit, and after it.
#[test]
fn power_fails_at_every_write_of_the_commit_after_an_answer() {
    let script = std::fs::read_to_string(directory().join("power.txt")).expect("the story");
    let (mut lost, mut kept) = (0, 0);
    for at in 0..=24 {
        let played = player::run(&script.replace(" at write 3", &format!(" at write {at}")));
        assert!(played.wrongs.is_empty(), "write {at}: {}", played.wrongs.join("\n"));
        let found = played.transcript.matches("of a commit under way are there").count();
        let cuts = played.transcript.matches("dies: Power").count();
        kept += found;
        lost += cuts - found;
    }
    assert!(lost > 5 && kept > 1, "{lost} commits under way were lost, {kept} were there");
}

#[test]
fn every_story_has_a_test_and_an_expectation() {
    let code = include_str!("story.rs");
    for entry in std::fs::read_dir(directory()).expect("the stories are there").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(code.contains(&format!("holds(\"{name}\")")), "{name} is played by no test");
        let script = std::fs::read_to_string(entry.path()).expect("UTF-8");
        for story in script.split("\n## ").skip(1) {
            assert!(story.contains("\n> expect klarna "), "{name}: {story:.40} counts nothing");
        }
    }
}

/// A story's expectations are judged, whatever its transcript says.
#[test]
fn a_wrong_count_is_noticed() {
    let script = "## One\n> sell R1 EUR 10.00\n> until outbox empty within 1m\n\
                  > expect klarna authorised 1 EUR 10.00; captured 2 EUR 20.00; \
                  refunded 0; voided 0; held EUR 0.00\n> until R1 voided within 1s\n";
    let wrongs = player::run(script).wrongs;
    assert_eq!(wrongs.len(), 2, "{wrongs:?}");
}
