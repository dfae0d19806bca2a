//! Orders from the operator's desk to a whole terminal over a real broker.

use crate::line::{End, topics};
use crate::mosquitto::Mosquitto;
use crate::shop::{Program, Terminal, Wire};
use klarna_terminald::broker::Account;
use klarna_terminald::console::access_beside;
use klarna_terminald::fleet::{Deed, Order, PrivateKey, Serial, seal};
use klarna_terminald::push::Standing;
use klarna_terminald::simulator::{Fault, ShopperAction};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A trial that does not end by itself while a test runs.
const LONG: &str = "3600";

/// The operator, with a key that the terminal knows.
struct Operator {
    broker: Mosquitto,
    key: PathBuf,
    status: End,
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a printable path")
}

/// Runs the real binary; what it prints.
fn fleet(arguments: &[&str]) -> String {
    let said = Command::new(env!("CARGO_BIN_EXE_klarna-terminald"))
        .arg("fleet")
        .args(arguments)
        .output()
        .expect("the binary");
    let errors = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(said.stdout).expect("text")
}

impl Operator {
    /// The operator and a terminal that has been greeted by its till.
    async fn with_terminal(trial_s: &str) -> (Self, Terminal) {
        let broker = Mosquitto::start("SIMULATOR");
        let key = broker.file("operator-signs.pem");
        let line = fleet(&["key", text(&key)]);
        let (_, keys) = line.split_once(" = ").expect("a line of configuration");
        let settings = broker.settings("S12/T3", "unused");
        let quoted = |path: &Path| format!("{:?}", path.display().to_string());
        let address = format!("\"localhost:{}\"", settings.port);
        let files = &settings.files;
        let terminal = Terminal::start(
            Wire::Tcp,
            Program::Binary,
            &[
                ("push.broker", address.as_str()),
                ("push.ca_file", &quoted(files.ca.as_deref().expect("an authority"))),
                ("push.certificate_file", &quoted(&files.certificate)),
                ("push.key_file", &quoted(&files.key)),
                ("push.reconnect_max_s", "1"),
                ("push.fleet_keys", keys.trim()),
                ("push.trial_s", trial_s),
            ],
        )
        .await;
        broker.settings("operator", "gives orders");
        let settings = broker.settings("operator-2", "watches");
        let mut status = End::open(settings, vec![topics("T3").status()], None);
        status.up().await;
        let mut operator = Self { broker, key, status };
        // It has subscribed to everything when it says how it stands.
        operator.told("it is there", |standing| standing.online).await;
        (operator, terminal)
    }

    /// Gives an order from the command line.
    fn order(&self, to: &str, what: &[&str]) -> String {
        let broker = format!("localhost:{}", self.broker.port());
        let at = |name: &str| self.broker.file(name);
        let (ca, certificate, key) = (at("ca.pem"), at("operator.pem"), at("operator.key"));
        let mut all = vec!["order", "--key", text(&self.key), "--broker", &broker];
        all.extend(["--ca", text(&ca), "--certificate", text(&certificate)]);
        all.extend(["--key-file", text(&key), "--account", "SIMULATOR", "--yes", "--to", to]);
        all.extend(what);
        fleet(&all)
    }

    /// Waits until the terminal says of itself what fits.
    async fn told(&mut self, what: &str, fits: impl Fn(&Standing) -> bool) -> Standing {
        loop {
            let heard = self.status.heard().await;
            let standing: Standing = serde_json::from_slice(&heard.payload).expect(what);
            if fits(&standing) {
                return standing;
            }
        }
    }

    /// Waits until settings have come to `state`; the whole report.
    async fn came_to(&mut self, state: &str) -> Value {
        let report = |standing: &Standing| json!(standing)["config"].clone();
        let told = self.told(state, |standing| report(standing)["state"] == state).await;
        report(&told)
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.broker.file(name);
        std::fs::write(&path, content).expect("a file");
        text(&path).to_owned()
    }
}

fn log(terminal: &Terminal) -> String {
    std::fs::read_to_string(terminal.path("log")).unwrap_or_default()
}

async fn logged(terminal: &Terminal, text: &str, times: usize) {
    terminal.until(text, || log(terminal).matches(text).count() >= times).await;
}

/// The audit journal's entries of this action, oldest first: who and what.
fn audited(terminal: &Terminal, action: &str) -> Vec<(String, Value)> {
    let path = access_beside(&terminal.path("terminal.sqlite"));
    let journal = rusqlite::Connection::open(path).expect("the users' file");
    let mut rows = journal
        .prepare("SELECT actor, detail FROM audit WHERE action = ?1 ORDER BY sequence")
        .expect("the audit journal");
    let row = |row: &rusqlite::Row<'_>| {
        let detail: String = row.get(1)?;
        Ok((row.get(0)?, serde_json::from_str(&detail).expect("JSON")))
    };
    let found = rows.query_map([action], row).expect("rows");
    found.map(|row| row.expect("a row")).collect()
}

async fn back(terminal: &mut Terminal, starts: usize) {
    logged(terminal, "the terminal is ready", starts).await;
    let address = terminal.address().to_owned();
    terminal.till.reconnect(&address).await;
    terminal.till.greet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_that_pauses_goes_out_when_the_operator_says_so() {
    let (operator, mut terminal) = Operator::with_terminal(LONG).await;
    terminal.simulator.fault("status-empty=503:capture:4".parse::<Fault>().expect("a fault"));
    terminal.sell_and_acknowledge("A-1", 1200).await;
    let tried = |terminal: &Terminal| {
        terminal.simulator.calls().iter().filter(|call| call.status == Some(503)).count()
    };
    terminal.until("it pauses for seconds", || tried(&terminal) == 4).await;
    operator.order("S12/T3", &["sync-now"]);
    let ordered = |terminal: &Terminal| audited(terminal, "ordered");
    terminal.until("it is answered", || ordered(&terminal).len() == 2).await;
    let [(by, given), (_, answered)] = &ordered(&terminal)[..] else { panic!("two entries") };
    assert!(by.starts_with(r#"{"fleet":{"key":""#), "{by}");
    assert_eq!((&given["order"], &given["to"]), (&json!("sync_now"), &json!("S12/T3")));
    assert_eq!(answered["answer"], "done");
    terminal.settled().await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_anew_waits_for_the_open_payment() {
    let (operator, mut terminal) = Operator::with_terminal(LONG).await;
    terminal.till.ask_sale("A-1", 500).await;
    operator.order("S12/*", &["restart"]);
    logged(&terminal, "an order from afar is accepted", 1).await;
    terminal.shopper(ShopperAction::Approve);
    assert_eq!(terminal.till.result("A-1").await["status"], "approved");
    terminal.till.acknowledge("A-1").await;
    assert_eq!(terminal.ended().await, Some(0));
    terminal.switch_on().await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_tried_and_bad_ones_leave_those_of_before() {
    let (mut operator, mut terminal) = Operator::with_terminal(LONG).await;
    let light = terminal.idle().await;
    let purple = operator.file("purple.toml", "display.theme = \"purple\"\n");
    operator.order("S12/T3", &["configure", "--toml", &purple]);
    let report = operator.came_to("refused").await;
    assert!(report["why"].as_str().is_some_and(|why| why.contains("purple")), "{report}");
    assert!(!terminal.path("fleet.toml").exists());
    terminal.sell_and_acknowledge("A-1", 700).await;

    let dark = operator.file("dark.toml", "display.theme = \"dark\"\n");
    terminal.till.ask_sale("A-2", 500).await;
    operator.order("S12/T3", &["configure", "--toml", &dark]);
    operator.came_to("staged").await;
    assert!(!terminal.path("fleet.toml").exists(), "a payment is open");
    terminal.shopper(ShopperAction::Approve);
    terminal.till.result("A-2").await;
    // It may start anew before its answer is out.
    terminal.till.say(r#"{"op":"ack","ref":"A-2"}"#);
    operator.came_to("trial").await;
    back(&mut terminal, 2).await;
    let settings = std::fs::read_to_string(terminal.path("fleet.toml")).expect("in force");
    assert_eq!(settings, "display.theme = \"dark\"\n");
    let screen = terminal.path("screen.png");
    let is_another = || std::fs::read(&screen).is_ok_and(|picture| picture != light);
    terminal.until("the welcome is dark", is_another).await;
    terminal.sell_and_acknowledge("A-3", 900).await;

    // What ends twice with them does not keep them.
    for _ in 0..2 {
        terminal.kill();
        terminal.switch_on().await;
    }
    let report = operator.came_to("rolled_back").await;
    assert!(report["why"].as_str().is_some_and(|why| why.contains("twice")), "{report}");
    assert!(!terminal.path("fleet.toml").exists());
    terminal.idle().await;
    let stages: Vec<Value> = audited(&terminal, "settings_from_afar")
        .into_iter()
        .map(|(_, detail)| detail["state"].clone())
        .collect();
    assert_eq!(stages, ["refused", "staged", "trial", "rolled_back"]);
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_kept_if_the_till_comes_back_and_given_up_if_it_does_not() {
    let (mut operator, mut terminal) = Operator::with_terminal("5").await;
    let light = terminal.idle().await;
    let dark = operator.file("dark.toml", "display.theme = \"dark\"\n");
    operator.order("S12/T3", &["configure", "--toml", &dark]);
    back(&mut terminal, 2).await;
    operator.came_to("kept").await;
    let overlay = terminal.path("fleet.toml");
    let in_force = || std::fs::read_to_string(&overlay).unwrap_or_default();
    assert_eq!(in_force(), "display.theme = \"dark\"\n");

    let none = operator.file("none.toml", "display.theme = \"light\"\n");
    operator.order("S12/T3", &["configure", "--toml", &none]);
    logged(&terminal, "the terminal is ready", 3).await;
    assert_eq!(in_force(), "display.theme = \"light\"\n", "on trial");
    // The till stays away.
    let report = operator.came_to("rolled_back").await;
    assert_eq!(report["why"], "the till did not come back");
    assert_eq!(in_force(), "display.theme = \"dark\"\n", "what was kept before");
    back(&mut terminal, 4).await;
    let screen = terminal.path("screen.png");
    let is_another = || std::fs::read(&screen).is_ok_and(|picture| picture != light);
    terminal.until("the welcome is dark again", is_another).await;
    terminal.sell_and_acknowledge("A-1", 700).await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_for_this_terminal_or_not_new_does_nothing() {
    let (operator, mut terminal) = Operator::with_terminal(LONG).await;
    let pem = std::fs::read_to_string(&operator.key).expect("a key");
    let ours = PrivateKey::from_pem(&pem).expect("a key");
    let theirs = PrivateKey::from_pem(&PrivateKey::random_pem().expect("made")).expect("a key");
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let account = Account::of("SIMULATOR").expect("fits");
    let order = |to: &str, serial| Order {
        serial: Serial::new(serial),
        account: account.clone(),
        to: to.parse().expect("an address"),
        until,
        deed: Deed::RestartWhenIdle,
    };
    let topic = topics("T3").order();
    let elsewhere = Order { account: Account::of("OTHER").expect("fits"), ..order("S12/T3", 4) };
    let tomorrow = u64::try_from(until.as_millisecond()).expect("after 1970") + 25 * 3_600_000;
    for envelope in [
        seal(&order("S12/T4", 1), &ours),
        seal(&order("S12/T3", tomorrow), &ours),
        seal(&elsewhere, &ours),
        seal(&order("S12/T3", 2), &theirs),
        b"{\"v\":1}".to_vec(),
    ] {
        assert!(operator.status.say(&topic, &envelope, false).await);
    }
    terminal.sell_and_acknowledge("A-1", 700).await;

    let envelope = seal(&order("*", 3), &ours);
    assert!(operator.status.say(&topic, &envelope, false).await);
    assert_eq!(terminal.ended().await, Some(0), "this one is");
    let refused: Vec<Value> =
        audited(&terminal, "orders_refused").into_iter().map(|(_, detail)| detail).collect();
    // The first one at once, the others together.
    let others = json!({
        "not_understood": 1, "other_account": 1, "too_far_ahead": 1, "unknown_key": 1,
    });
    assert_eq!(refused, [json!({ "not_for_us": 1 }), others]);
    terminal.switch_on().await;
    assert!(operator.status.say(&topic, &envelope, false).await);
    logged(&terminal, "order 3 is not newer than 3", 1).await;
    terminal.sell_and_acknowledge("A-2", 700).await;
    let table = {
        let broker = format!("localhost:{}", operator.broker.port());
        let at = |name: &str| operator.broker.file(name);
        let (ca, certificate, key) = (at("ca.pem"), at("operator.pem"), at("operator.key"));
        let mut all = vec!["status", "--broker", &broker, "--ca", text(&ca), "--account"];
        all.extend(["SIMULATOR", "--certificate", text(&certificate), "--key-file", text(&key)]);
        fleet(&all)
    };
    assert!(table.contains("S12/T3    yes"), "{table}");
    terminal.finish().await;
}
