//! The whole daemon, from the till's line to Klarna's ledger: what a shop sees on a good day and on
//! the bad days that it can tell apart.

use crate::terminal::{Program, Terminal, Wire};
use klarna_terminald::simulator::ShopperAction::{Approve, Close, Decline, Open};
use klarna_terminald::simulator::{Availability, Fault};
use std::path::Path;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_over_a_serial_line_from_scan_to_capture() {
    let mut terminal = Terminal::serial(&[]).await;
    terminal.till.ask_sale("A-1", 1200).await;
    assert_eq!(terminal.scan().await, terminal.simulator.requests()[0].url);
    terminal.shopper(Open);
    terminal.till.stage("A-1", "shopper_paying").await;
    terminal.no_code().await;
    terminal.shopper(Approve);
    terminal.till.stage("A-1", "confirming").await;
    let result = terminal.till.result("A-1").await;
    assert_eq!(result["status"], "approved");
    assert_eq!(result["ack_required"], true);
    assert_eq!((&result["amount"], &result["currency"]), (&1200.into(), &"EUR".into()));
    let transaction = &terminal.simulator.transactions()[0];
    assert_eq!(result["transaction"], *transaction.id);
    assert_eq!(transaction.captured(), 0, "nothing is taken before the till knows");
    terminal.till.acknowledge("A-1").await;
    terminal.settled().await;
    assert_eq!(terminal.simulator.transactions()[0].captured(), 1200);
    let status = terminal.till.status("A-1").await;
    assert_eq!(status["money"]["captured"], 1200, "{status}");
    assert_eq!(status["result"], result_without_event(&result));
    terminal.finish().await;
}

fn result_without_event(result: &serde_json::Value) -> serde_json::Value {
    let mut object = result.clone();
    object.as_object_mut().expect("an object").remove("event");
    object
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declined_shopper_may_scan_again() {
    let mut terminal = Terminal::serial(&[]).await;
    terminal.till.ask_sale("A-1", 500).await;
    terminal.shopper(Open);
    terminal.till.stage("A-1", "shopper_paying").await;
    terminal.shopper(Decline);
    terminal.till.stage("A-1", "scan_again").await;
    assert_eq!(terminal.scan().await, terminal.simulator.requests()[0].url);
    terminal.shopper(Open);
    terminal.till.stage("A-1", "shopper_paying").await;
    terminal.shopper(Close);
    terminal.till.stage("A-1", "scan_again").await;
    terminal.shopper(Approve);
    assert_eq!(terminal.till.result("A-1").await["status"], "approved");
    terminal.till.acknowledge("A-1").await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abort_frees_the_till_at_once_and_closes_the_request() {
    let mut terminal = Terminal::tcp(&[]).await;
    terminal.till.ask_sale("A-1", 500).await;
    terminal.scan().await;
    terminal.simulator.set_offline(true);
    terminal.till.say(r#"{"op":"abort","ref":"A-1"}"#);
    let result = terminal.till.result("A-1").await;
    assert_eq!(
        (&result["status"], &result["reason"]),
        (&"not_paid".into(), &"aborted_by_till".into())
    );
    terminal.no_code().await;
    terminal.shopper(Approve);
    terminal.simulator.set_offline(false);
    terminal.settled().await;
    assert_eq!(terminal.simulator.requests()[0].state, "CANCELED");
    assert!(terminal.simulator.transactions().is_empty());
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abort_while_confirming_is_too_late_and_the_true_result_follows() {
    let mut terminal = Terminal::tcp(&[]).await;
    terminal.till.ask_sale("A-1", 500).await;
    terminal.simulator.fault("delay=1500:confirm:1".parse::<Fault>().expect("fault"));
    terminal.shopper(Approve);
    terminal.till.stage("A-1", "confirming").await;
    terminal.till.say(r#"{"op":"abort","ref":"A-1"}"#);
    terminal.till.stage("A-1", "completing").await;
    assert_eq!(terminal.till.result("A-1").await["status"], "approved");
    terminal.till.acknowledge("A-1").await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_pays_in_time() {
    let mut terminal =
        Terminal::tcp(&[("payment.timeout_s", "1"), ("payment.paying_extension_s", "1")]).await;
    terminal.till.ask_sale("A-1", 500).await;
    let result = terminal.till.result("A-1").await;
    assert_eq!((&result["status"], &result["reason"]), (&"not_paid".into(), &"timed_out".into()));
    terminal.settled().await;
    assert_eq!(terminal.simulator.requests()[0].state, "CANCELED");
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_that_the_till_never_acknowledges_is_given_back() {
    let mut terminal = Terminal::tcp(&[("till.ack_timeout_s", "1")]).await;
    assert_eq!(terminal.sell("A-1", 500).await["status"], "approved");
    let result = terminal.till.result("A-1").await;
    assert_eq!(
        (&result["status"], &result["reason"]),
        (&"voided".into(), &"not_acknowledged".into())
    );
    terminal.settled().await;
    terminal.till.say(r#"{"op":"ack","ref":"A-1"}"#);
    assert_eq!(terminal.till.result("A-1").await["status"], "voided");
    assert!(terminal.simulator.transactions()[0].voided);
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn klarna_is_not_available_for_this_purchase() {
    for availability in [Availability::Unsupported, Availability::Unknown] {
        let mut terminal = Terminal::tcp(&[]).await;
        terminal.simulator.set_availability(availability);
        terminal.till.say(&crate::terminal::sale("A-1", 500));
        let result = terminal.till.result("A-1").await;
        assert_eq!(result["reason"], "not_available", "{result}");
        terminal.settled().await;
        assert_eq!(terminal.simulator.requests()[0].state, "CANCELED");
        assert!(!terminal.till.transcript().contains("awaiting_shopper"), "never shown");
        terminal.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_network_the_till_is_told_so_and_no_request_is_left() {
    let mut terminal = Terminal::tcp(&[("payment.create_timeout_s", "1")]).await;
    terminal.simulator.set_offline(true);
    terminal.till.say(&crate::terminal::sale("A-1", 500));
    assert_eq!(terminal.till.result("A-1").await["reason"], "no_connection");
    terminal.simulator.set_offline(false);
    assert_eq!(terminal.sell("A-2", 500).await["status"], "approved");
    terminal.till.acknowledge("A-2").await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn capture_and_refund_wait_for_the_network_and_happen_once() {
    let mut terminal = Terminal::serial(&[]).await;
    assert_eq!(terminal.sell("A-1", 1000).await["status"], "approved");
    terminal.simulator.set_offline(true);
    terminal.till.acknowledge("A-1").await;
    terminal.till.say(r#"{"op":"refund","ref":"R-1","sale":"A-1","amount":400,"currency":"EUR"}"#);
    terminal.till.operation("R-1", "queued").await;
    terminal.till.say(r#"{"op":"refund","ref":"R-2","sale":"A-1","amount":700,"currency":"EUR"}"#);
    assert_eq!(terminal.till.error("R-2").await["code"], "exceeds_rest");
    let status = terminal.till.status("A-1").await;
    assert_eq!((&status["money"]["captured"], &status["money"]["queued"]), (&0.into(), &2.into()));
    terminal.switch_off().await;
    terminal.switch_on().await;
    terminal.simulator.set_offline(false);
    terminal.settled().await;
    let row = &terminal.simulator.transactions()[0];
    assert_eq!((row.captured(), row.refunded()), (1000, 400));
    let status = terminal.till.status("R-1").await;
    assert_eq!(status["operation"]["status"], "done", "{status}");
    terminal.till.say(r#"{"op":"refund","ref":"R-1","sale":"A-1","amount":400,"currency":"EUR"}"#);
    terminal.till.operation("R-1", "done").await;
    terminal.till.say(r#"{"op":"refund","ref":"R-3","sale":"A-1"}"#);
    assert_eq!(terminal.till.operation("R-3", "done").await["amount"], 600);
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_till_captures_in_parts_when_it_wants() {
    let mut terminal = Terminal::tcp(&[("payment.capture", "\"manual\"")]).await;
    terminal.sell_and_acknowledge("A-1", 1000).await;
    terminal.till.say(r#"{"op":"capture","ref":"C-1","sale":"A-1","amount":300}"#);
    terminal.till.operation("C-1", "done").await;
    assert_eq!(terminal.simulator.transactions()[0].captured(), 300);
    terminal.till.say(r#"{"op":"capture","ref":"C-2","sale":"A-1"}"#);
    assert_eq!(terminal.till.operation("C-2", "done").await["amount"], 700);
    terminal.till.say(r#"{"op":"capture","ref":"C-3","sale":"A-1"}"#);
    terminal.till.error("C-3").await;
    // More than the first capture holds: Klarna wants each part with its capture.
    terminal.till.say(r#"{"op":"refund","ref":"F-1","sale":"A-1","amount":400}"#);
    assert_eq!(terminal.till.operation("F-1", "done").await["amount"], 400);
    assert_eq!(terminal.simulator.transactions()[0].refunded(), 400);
    terminal.sell_and_acknowledge("A-2", 200).await;
    terminal.till.say(r#"{"op":"void","ref":"V-1","sale":"A-2"}"#);
    terminal.till.operation("V-1", "done").await;
    terminal.sell_and_acknowledge("A-3", 500).await;
    terminal.till.say(r#"{"op":"capture","ref":"C-4","sale":"A-3","amount":200}"#);
    terminal.till.operation("C-4", "done").await;
    terminal.till.say(r#"{"op":"release","ref":"L-1","sale":"A-3"}"#);
    assert_eq!(terminal.till.operation("L-1", "done").await["amount"], 300);
    terminal.till.say(r#"{"op":"refund","ref":"F-2","sale":"A-3"}"#);
    terminal.till.operation("F-2", "done").await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_the_shift_captures_what_was_sold() {
    let mut terminal = Terminal::tcp(&[("payment.capture", "\"end_of_shift\"")]).await;
    terminal.sell_and_acknowledge("A-1", 1000).await;
    terminal.sell_and_acknowledge("A-2", 250).await;
    assert!(terminal.simulator.transactions().iter().all(|row| row.captured() == 0));
    terminal.till.say(r#"{"op":"end_shift","ref":"Z-1"}"#);
    let shift = terminal.till.hear("the shift", |line| line["event"] == "shift").await;
    assert_eq!((&shift["captures_queued"], &shift["shift"]), (&2.into(), &1.into()));
    assert_eq!(shift["totals"][0]["sales"], 1250);
    let first = terminal.till.last_line().to_owned();
    terminal.settled().await;
    assert!(terminal.simulator.transactions().iter().all(|row| row.captured() == row.authorized));
    terminal.switch_off().await;
    terminal.switch_on().await;
    terminal.till.say(r#"{"op":"end_shift","ref":"Z-1"}"#);
    terminal.till.hear("the same shift", |line| line["event"] == "shift").await;
    assert_eq!(terminal.till.last_line(), first);
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_reference_gets_the_same_bytes_also_after_a_restart() {
    let mut terminal = Terminal::serial(&[]).await;
    assert_eq!(terminal.sell("A-1", 1000).await["status"], "approved");
    let first = terminal.till.last_line().to_owned();
    for restarted in [false, true, true] {
        if restarted {
            terminal.switch_off().await;
            terminal.switch_on().await;
        }
        terminal.till.say(&crate::terminal::sale("A-1", 1000));
        terminal.till.result("A-1").await;
        assert_eq!(terminal.till.last_line(), first);
    }
    terminal.till.acknowledge("A-1").await;
    terminal.till.say(&crate::terminal::sale("A-1", 1001));
    assert_eq!(terminal.till.error("A-1").await["code"], "reference_reused");
    assert_eq!(terminal.simulator.requests().len(), 1);
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_sale_at_a_time_and_its_result_first() {
    let mut terminal = Terminal::tcp(&[]).await;
    terminal.till.ask_sale("A-1", 1000).await;
    terminal.till.say(&crate::terminal::sale("A-2", 1000));
    assert_eq!(terminal.till.error("A-2").await["code"], "busy");
    terminal.shopper(Approve);
    terminal.till.result("A-1").await;
    terminal.till.say(&crate::terminal::sale("A-2", 1000));
    assert_eq!(terminal.till.error("A-2").await["code"], "unacknowledged");
    terminal.till.acknowledge("A-1").await;
    assert_eq!(terminal.till.status("A-2").await["status"], "not_known");
    assert_eq!(terminal.simulator.requests().len(), 1);
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_to_pay_is_paid_without_klarna() {
    let mut terminal = Terminal::tcp(&[]).await;
    terminal.till.say(&crate::terminal::sale("A-1", 0));
    let result = terminal.till.result("A-1").await;
    assert_eq!(result["status"], "approved");
    terminal.till.acknowledge("A-1").await;
    assert!(terminal.simulator.requests().is_empty());
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plug_that_is_pulled_and_put_back_costs_nothing() {
    let mut terminal = Terminal::start(Wire::Serial, Program::Binary, &[]).await;
    terminal.till.ask_sale("A-1", 1000).await;
    terminal.till.unplug();
    terminal.shopper(Approve);
    let reader = terminal.reader();
    let authorised = || reader.all_records().expect("journal").len() == 4;
    terminal.until("it is authorised without the till", authorised).await;
    let link = terminal.path("till");
    terminal.till.plug_in_again(&link);
    terminal.till.greet().await;
    assert_eq!(terminal.till.result("A-1").await["status"], "approved");
    terminal.till.acknowledge("A-1").await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_costs_few_commits_and_its_code_waits_for_two() {
    let mut terminal = Terminal::tcp(&[]).await;
    let log = terminal.path("terminal.sqlite-wal");
    let before = commits(&log);
    terminal.till.ask_sale("A-1", 1000).await;
    terminal.scan().await;
    assert!(commits(&log) - before <= 2, "{} before the code", commits(&log) - before);
    terminal.shopper(Open);
    terminal.till.stage("A-1", "shopper_paying").await;
    terminal.shopper(Approve);
    terminal.till.result("A-1").await;
    terminal.till.acknowledge("A-1").await;
    terminal.settled().await;
    assert!(commits(&log) - before <= 8, "{} in all", commits(&log) - before);
    terminal.finish().await;
}

/// Commits in a write-ahead log since it was begun anew (SQLite file format, section 4.1): frames
/// of the current salt that name the database's size.
fn commits(log: &Path) -> usize {
    let bytes = std::fs::read(log).expect("the write-ahead log");
    let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
    let page = usize::try_from(word(8)).expect("a page size");
    let salts = (word(16), word(20));
    let frames = (32..).step_by(24 + page).take_while(|at| at + 24 + page <= bytes.len());
    let current = frames.filter(|at| (word(at + 8), word(at + 12)) == salts);
    current.filter(|at| word(at + 4) != 0).count()
}

/// More commands in one packet than all queues hold: each gets its answer, and nothing stands still.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_commands_is_answered() {
    const COMMANDS: usize = 400;
    let mut terminal = Terminal::tcp(&[]).await;
    let flood: Vec<String> =
        (0..COMMANDS).map(|n| format!(r#"{{"op":"status","ref":"N-{n}"}}"#)).collect();
    terminal.till.say(&flood.join("\n"));
    let last = format!("N-{}", COMMANDS - 1);
    let answer = terminal.till.hear("the last answer", |line| line["ref"] == last.as_str()).await;
    assert_eq!(answer["status"], "not_known");
    terminal.sell_and_acknowledge("A-1", 100).await;
    terminal.finish().await;
}
