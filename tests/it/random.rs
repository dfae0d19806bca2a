//! Any sequence of inputs: nothing panics, nothing illegal comes of what a till, a read or time
//! does, and what must always hold (`scenario::world`) holds after every step.
//!
//! The sequences are lines of the scripts' language, so a failing one is a new scenario.

use crate::scenario::disk::Disk;
use crate::scenario::script::{Player, configured};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Strategy;

fn till() -> impl Strategy<Value = String> {
    let sale = select(vec!["R1", "R2", "R3", "R4"]);
    let command = select(vec!["F1", "F2", "F3", "F4", "R1"]);
    let amount = select(vec!["", "EUR 0.01", "EUR 4.00", "EUR 6.00", "EUR 10.00", "SEK 1.00"]);
    let price =
        select(vec!["EUR 10.00", "EUR 10.00", "EUR 0", "SEK 99.00", "USD 1.00", "EUR -1.00"]);
    let about = select(vec!["capture", "refund", "refund", "void", "release"]);
    prop_oneof![
        3 => (sale.clone(), price).prop_map(|(sale, price)| format!("till sale {sale} {price}")),
        1 => sale.clone().prop_map(|sale| format!("till abort {sale}")),
        1 => sale.clone().prop_map(|sale| format!("till status {sale}")),
        4 => sale.clone().prop_map(|sale| format!("till ack {sale}")),
        4 => (about, command, sale, amount)
            .prop_map(|(about, command, sale, amount)| {
                format!("till {about} {command} {sale} {amount}")
            }),
        1 => select(vec!["till end_shift Z1", "till end_shift Z2", "till back"])
            .prop_map(str::to_owned),
    ]
}

fn klarna() -> impl Strategy<Value = String> {
    let outcome = select(vec![
        "create done",
        "create done",
        "create unavailable",
        "create refused NOT_AVAILABLE",
        "cancel done",
        "cancel gone",
        "cancel authorised tx-late",
        "confirm done tx-1",
        "confirm done tx-1",
        "capture done",
        "refund done",
        "void done",
    ]);
    let call = select(vec!["create", "cancel", "confirm", "capture", "refund", "void"]);
    let failure = select(vec!["retry", "offline", "unknown", "refused OPERATION_FORBIDDEN"]);
    let seen = select(vec![
        "in_progress",
        "submitted",
        "pending T1",
        "pending T1",
        "pending T2",
        "authorised tx-1",
        "expired",
        "declined",
        "gone",
        "NEW",
    ]);
    let old = select(vec!["capture absent", "refund absent"]);
    prop_oneof![
        8 => outcome.prop_map(str::to_owned),
        2 => (call, failure).prop_map(|(call, failure)| format!("{call} {failure}")),
        5 => seen.clone().prop_map(|seen| format!("seen {seen}")),
        1 => (seen, 1..4_u32).prop_map(|(seen, of)| format!("seen {seen} of {of}")),
        1 => old.prop_map(str::to_owned),
    ]
}

fn time() -> impl Strategy<Value = String> {
    select(vec!["wait 1s", "wait 20s", "wait 70s", "wait 310s", "wait 1h", "restart", "clock -1y"])
        .prop_map(str::to_owned)
}

/// A sale that is paid, so that the money's states are met often.
fn prelude() -> impl Strategy<Value = Vec<String>> {
    let paid = ["till sale R1 EUR 10.00", "create done", "seen pending T1", "confirm done tx-1"];
    let acknowledged = [&paid[..], &["till ack R1"]].concat();
    let captured = [&acknowledged[..], &["capture done"]].concat();
    let lines = |lines: &[&str]| lines.iter().map(ToString::to_string).collect::<Vec<String>>();
    select(vec![Vec::new(), lines(&paid), lines(&acknowledged), lines(&captured)])
}

fn lines() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(prop_oneof![4 => till(), 6 => klarna(), 1 => time()], 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]
    #[test]
    fn no_sequence_of_inputs_breaks_a_rule(
        capture in select(vec!["on_till_ack", "manual", "end_of_shift"]),
        prelude in prelude(),
        lines in lines(),
    ) {
        let policy = configured(&format!("capture={capture}"));
        let mut player = Player::new(policy, Disk::model());
        for line in prelude.iter().chain(&lines) {
            let played = player.play(line);
            prop_assert!(played.is_ok(), "{:?} after {}: {:?}", line, lines.join("\n"), played);
        }
    }
}
