//! A whole shop, simulated: see `shop`. A failure names its seed; the tool tells its story:
//! `cargo run --release --example world -- --seed N --payments 1 --verbose`.

pub mod shop;

use shop::{Canary, Report, Settings, Till, exhaustive, run};

fn runs(seeds: std::ops::Range<u64>, settings: &Settings) -> Report {
    let mut report = Report::default();
    for seed in seeds {
        report.add(run(seed, settings));
    }
    report
}

#[test]
fn nothing_is_lost_doubled_or_unknown() {
    let report = runs(0..220, &Settings::default());
    assert!(report.violations.is_empty(), "{}", report.violations.join("\n"));
    assert!(report.payments >= 2000, "only {} payments", report.payments);
    assert!(report.authorised * 4 > report.payments, "only {} were paid", report.authorised);
    assert!(report.faults > 1000, "only {} faults", report.faults);
    assert!(report.calls_rekeyed > 10, "no key ever grew old");
    let counts = [
        ("sales of others taken over", report.adopted, 50),
        ("refused calls sent again", report.retried, 20),
        ("refused calls resolved", report.resolved, 20),
        ("comparisons", report.checks, 50),
        ("contradictions", usize::try_from(report.contradictions).expect("few"), 10),
        ("interventions", usize::try_from(report.interventions).expect("few"), 50),
        ("looks", usize::try_from(report.lookups).expect("few"), 300),
    ];
    for (what, count, least) in counts {
        assert!(count > least, "only {count} {what}");
    }
}

#[test]
fn the_real_store_tells_the_same() {
    let settings = Settings { real_store: true, payments_per_run: 4, ..Settings::default() };
    let report = runs(0..6, &settings);
    assert!(report.violations.is_empty(), "{}", report.violations.join("\n"));
    let model = runs(0..6, &Settings { real_store: false, ..settings });
    assert_eq!(report.hash, model.hash);
}

#[test]
fn nothing_is_lost_on_a_disk_that_fails_and_forgets() {
    let settings = Settings { faulty_disk: true, verbose: true, ..Settings::default() };
    let (mut power_cuts, mut found) = (0, 0);
    for seed in 350..410 {
        let report = run(seed, &settings);
        assert!(report.violations.is_empty(), "{}", report.violations.join("\n"));
        power_cuts += report.story.matches("dies: Power").count();
        found += report.story.matches("of a commit under way are there").count();
    }
    assert!(power_cuts > 30, "only {power_cuts} power cuts");
    assert!(found > 0, "no commit was ever found that had not returned");
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let settings = Settings { verbose: true, ..Settings::default() };
    let (first, second) = (run(7, &settings), run(7, &settings));
    assert_eq!(first.story, second.story);
    assert_eq!(first.hash, second.hash);
    assert_ne!(first.hash, run(8, &settings).hash);
}

#[test]
fn a_till_that_speaks_zvt_knows_the_truth() {
    let report = runs(0..50, &Settings { till: Till::Zvt, ..Settings::default() });
    assert!(report.violations.is_empty(), "{}", report.violations.join("\n"));
    assert!(report.payments > 400, "only {} payments", report.payments);
    assert!(report.authorised * 5 > report.payments, "only {} were paid", report.authorised);
    assert!(report.faults > 3000, "only {} faults", report.faults);
}

#[test]
fn every_order_of_four_things_ends_well() {
    let report = exhaustive::all(4, &Settings::default());
    assert!(report.violations.is_empty(), "{}", report.violations[..1].join("\n"));
    assert!(report.payments > 10_000, "only {} orders", report.payments);
}

/// Runs until the world notices the bug that was put in.
fn is_caught(canary: Canary) {
    let till = if canary.is_at_the_counter() { Till::Zvt } else { Till::Core };
    let settings = Settings { till, canary: Some(canary), ..Settings::default() };
    let caught = (0..100).any(|seed| !run(seed, &settings).violations.is_empty());
    assert!(caught, "{canary:?} was not noticed");
}

#[test]
fn a_forgotten_never_confirm_is_caught() {
    is_caught(Canary::ForgetsNeverConfirm);
}

#[test]
fn a_new_key_for_each_attempt_is_caught() {
    is_caught(Canary::NewKeyEachAttempt);
}

#[test]
fn writing_without_reading_first_is_caught() {
    is_caught(Canary::ReadsNothing);
}

#[test]
fn a_refund_beyond_the_decision_is_caught() {
    is_caught(Canary::RefundsDouble);
}

#[test]
fn a_call_before_its_commit_is_caught() {
    is_caught(Canary::SendsBeforeCommit);
}

#[test]
fn a_reply_before_its_commit_is_caught() {
    is_caught(Canary::TellsBeforeCommit);
}

#[test]
fn a_lost_answer_taken_for_a_refusal_is_caught() {
    is_caught(Canary::UnknownIsRefused);
}

#[test]
fn a_code_that_stays_is_caught() {
    is_caught(Canary::KeepsTheCode);
}

#[test]
fn a_clock_that_is_trusted_after_a_restart_is_caught() {
    is_caught(Canary::TrustsTheClock);
}

#[test]
fn a_retry_without_a_look_is_caught() {
    is_caught(Canary::RetriesWithoutLooking);
}

#[test]
fn a_look_at_somebody_elses_sale_that_is_ignored_is_caught() {
    is_caught(Canary::AdoptsStale);
}

#[test]
fn a_contradiction_that_is_agreed_to_is_caught() {
    is_caught(Canary::CheckFixes);
}

#[test]
fn a_push_that_is_believed_is_caught() {
    is_caught(Canary::BelievesPushes);
}

#[test]
fn an_acknowledgement_from_before_the_result_is_caught() {
    is_caught(Canary::StrayConfirms);
}

#[test]
fn a_result_that_is_kept_without_acknowledgement_is_caught() {
    is_caught(Canary::KeepsUnacknowledged);
}

#[test]
fn a_last_result_that_was_given_back_is_caught() {
    is_caught(Canary::RepeatsApproved);
}

#[test]
fn a_repeated_frame_that_sells_twice_is_caught() {
    is_caught(Canary::SellsTwice);
}

#[test]
fn a_return_that_is_told_and_not_made_is_caught() {
    is_caught(Canary::ForgetsReturns);
}

#[test]
fn the_tool_knows_every_canary_by_its_name() {
    for (name, canary) in Canary::ALL {
        assert_eq!(Canary::named(name), Some(canary));
    }
    assert_eq!(Canary::named("parrot"), None);
}
