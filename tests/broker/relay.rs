//! The whole way: the simulated Klarna signs a notice, the relay's binary receives it, mosquitto
//! carries a hint, a terminal reads Klarna, confirms, and its till knows.

use crate::line::topics;
use crate::mosquitto::{Mosquitto, free_port};
use crate::shop::{PATIENCE, Terminal};
use crate::terminal::{reads, terminal};
use klarna_terminald::broker::Settings;
use klarna_terminald::payment::event::Event;
use klarna_terminald::simulator::ShopperAction::{Approve, Open};
use klarna_terminald::simulator::{DeliveryState, PushFault};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const LOOK: Duration = Duration::from_millis(20);
const RARELY_MS: &str = "15000";

/// The binary as a relay, its files in the terminal's folder.
struct Relay {
    process: Child,
    port: u16,
}

impl Relay {
    /// Starts it; the account at Klarna is set up by the command line, as an engineer does.
    fn start(terminal: &Terminal, broker: &Settings) -> Self {
        let (port, at) = (free_port(), |name: &str| terminal.path(name));
        let files = &broker.files;
        let config = format!(
            "[relay]\naccount_id = \"krn:partner:global:account:test:SIMULATOR\"\n\
             environment = \"test\"\n\
             [webhook]\nlisten = \"127.0.0.1:{port}\"\nkeys_file = {:?}\ndatabase = {:?}\n\
             [broker]\naddress = \"localhost:{}\"\nca_file = {:?}\ncertificate_file = {:?}\n\
             key_file = {:?}\nreconnect_max_s = 1\n",
            at("signing-keys.json"),
            at("notices.sqlite"),
            broker.port,
            files.ca.as_deref().expect("an authority"),
            files.certificate,
            files.key,
        );
        std::fs::write(at("relay.toml"), config).expect("relay.toml");
        provision(terminal, &["signing-keys", "create"]);
        let relay = Self { process: run(terminal), port };
        relay.listens();
        let url = format!("http://127.0.0.1:{port}/klarna/webhooks");
        provision(terminal, &["webhooks", "create", "--url", &url]);
        relay
    }

    fn listens(&self) {
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(Instant::now() < until, "the relay does not listen");
            std::thread::sleep(LOOK);
        }
    }

    fn kill(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it has ended");
    }

    fn rise(&mut self, terminal: &Terminal) {
        self.process = run(terminal);
        self.listens();
    }

    /// As its service manager does; it ends well.
    fn stop(mut self) {
        kill_process(Pid::from_child(&self.process), Signal::TERM).expect("it runs");
        assert!(self.process.wait().expect("it has ended").success());
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn run(terminal: &Terminal) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(terminal.path("relay.log"));
    Command::new(env!("CARGO_BIN_EXE_klarna-terminald"))
        .args(["relay", "--config"])
        .arg(terminal.path("relay.toml"))
        .stdin(Stdio::null())
        .stdout(log.expect("a log"))
        .spawn()
        .expect("the binary")
}

fn provision(terminal: &Terminal, arguments: &[&str]) -> String {
    let keys = terminal.path("signing-keys.json");
    let config = terminal.path("terminal.toml");
    let output = Command::new(env!("CARGO_BIN_EXE_klarna-terminald"))
        .arg("provision")
        .args(arguments)
        .args([Path::new("--config"), &config, Path::new("--keys"), &keys])
        .stdin(Stdio::null())
        .output()
        .expect("the binary");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

async fn pay(terminal: &mut Terminal, reference: &str) {
    terminal.till.ask_sale(reference, 1200).await;
    terminal.shopper(Open);
    terminal.shopper(Approve);
    assert_eq!(terminal.till.result(reference).await["status"], "approved");
    terminal.till.acknowledge(reference).await;
}

async fn all_delivered(terminal: &Terminal) {
    let waits = |state| matches!(state, DeliveryState::Waiting | DeliveryState::Sending);
    terminal
        .until("all notices have arrived", || {
            terminal.simulator.deliveries().iter().all(|delivery| !waits(delivery.state))
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_shoppers_yes_to_the_till_by_push_also_after_broker_and_relay_were_killed() {
    let mut broker = Mosquitto::start("SIMULATOR");
    let device = broker.settings("S12/T3", "unused");
    let mut terminal = terminal(&device, RARELY_MS).await;
    let mut relay = Relay::start(&terminal, &broker.settings("relay", "unused"));
    pay(&mut terminal, "A-1").await;
    all_delivered(&terminal).await;
    let after_one = reads(&terminal);
    assert!((1..=4).contains(&after_one), "{after_one}");

    // The broker dies between the code and the shopper's yes, and comes back.
    terminal.till.ask_sale("A-2", 1200).await;
    terminal.shopper(Open);
    terminal.till.stage("A-2", "shopper_paying").await;
    broker.kill();
    terminal.shopper(Approve);
    all_delivered(&terminal).await;
    broker.rise();
    assert_eq!(terminal.till.result("A-2").await["status"], "approved");
    terminal.till.acknowledge("A-2").await;

    // So does the relay: what it has answered for is in its file.
    relay.kill();
    relay.rise(&terminal);
    pay(&mut terminal, "A-3").await;
    terminal.settled().await;
    assert_eq!(terminal.simulator.transactions().len(), 3);
    let log = broker.log();
    assert!(log.contains(&topics("T3").changed()), "{log}");
    relay.stop();
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_that_are_doubled_delayed_forged_lost_or_replayed_cost_nothing_but_time() {
    let broker = Mosquitto::start("SIMULATOR");
    let mut terminal = terminal(&broker.settings("S12/T3", "unused"), "500").await;
    let relay = Relay::start(&terminal, &broker.settings("relay", "unused"));
    let faults =
        ["duplicate=5", "delay=400", "lose", "forge", "reorder", "replay", "forge", "lose"];
    for (number, fault) in faults.iter().enumerate() {
        let fault: PushFault = format!("{fault}:payment.request.*:3").parse().expect("a fault");
        terminal.simulator.push_fault(fault);
        pay(&mut terminal, &format!("A-{number}")).await;
    }
    terminal.settled().await;
    let transactions = terminal.simulator.transactions();
    assert_eq!(transactions.len(), faults.len());
    assert!(transactions.iter().all(|transaction| transaction.captured() == 1200));
    relay.stop();
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_keys_change_while_notices_arrive_and_none_is_refused() {
    let broker = Mosquitto::start("SIMULATOR");
    let mut terminal = terminal(&broker.settings("S12/T3", "unused"), "500").await;
    let relay = Relay::start(&terminal, &broker.settings("relay", "unused"));
    for round in 0..4 {
        pay(&mut terminal, &format!("A-{round}-1")).await;
        let rotated = async {
            tokio::task::block_in_place(|| {
                provision(&terminal, &["signing-keys", "rotate", "--yes"])
            })
        };
        rotated.await;
        pay(&mut terminal, &format!("A-{round}-2")).await;
    }
    all_delivered(&terminal).await;
    let deliveries = terminal.simulator.deliveries();
    let keys: std::collections::BTreeSet<&str> =
        deliveries.iter().map(|delivery| delivery.signing_key_id.as_str()).collect();
    assert!(keys.len() >= 4, "{keys:?}");
    for delivery in &deliveries {
        assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Delivered, 1));
    }
    terminal.settled().await;
    relay.stop();
    terminal.finish().await;
}

/// What the terminal's journal says of notices: whose payment, what about, in which words.
fn noted(terminal: &Terminal) -> Vec<String> {
    let records = terminal.reader().all_records().expect("readable");
    let noted = records.iter().filter_map(|record| match &record.event {
        Event::Noted { notice } => {
            let payment = record.payment.map_or("the terminal".to_owned(), |id| id.to_string());
            Some(format!("{payment}: {}, {}", notice.concern.word(), notice.kind))
        }
        _ => None,
    });
    noted.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn disputes_and_news_of_the_account_reach_journal_and_people_and_nothing_else() {
    let broker = Mosquitto::start("SIMULATOR");
    let mut terminal = terminal(&broker.settings("S12/T3", "unused"), "500").await;
    let relay = Relay::start(&terminal, &broker.settings("relay", "unused"));
    pay(&mut terminal, "A-1").await;
    terminal.settled().await;
    all_delivered(&terminal).await;
    let before = terminal.klarna();

    let id = terminal.simulator.transactions()[0].id.clone();
    let opened = "payment.dispute.state-change.initiated";
    let closed = "payment.dispute.state-change.closed";
    let blocked = "partner.account.product.payment.state-change.disabled";
    let dispute = json!({"payment_dispute_id": "krn:d:1", "payment_transaction_id": id});
    let foreign = json!({"payment_dispute_id": "krn:d:2", "payment_transaction_id": "krn:t:other"});
    terminal.simulator.push_fault(format!("duplicate=3:{opened}").parse().expect("a fault"));
    for (kind, payload) in
        [(opened, dispute.clone()), (opened, foreign), (blocked, json!({})), (closed, dispute)]
    {
        assert!(terminal.simulator.tell(kind, payload), "there is no event {kind}");
    }
    terminal.until("the last of them is recorded", || noted(&terminal).len() >= 3).await;
    all_delivered(&terminal).await;
    let expected = [
        format!("000001: dispute, {opened}"),
        format!("the terminal: account, {blocked}"),
        format!("000001: dispute, {closed}"),
    ];
    let mut found = noted(&terminal);
    found.sort_by_key(|line| expected.iter().position(|expected| expected == line));
    assert_eq!(found, expected);

    // A sale of another day is no longer in memory; its dispute is found all the same.
    terminal.switch_off().await;
    assert!(terminal.simulator.tell(closed, json!({"payment_transaction_id": id})));
    all_delivered(&terminal).await;
    terminal.switch_on().await;
    terminal.until("what came meanwhile is recorded", || noted(&terminal).len() == 4).await;
    assert_eq!(terminal.klarna(), before, "nothing was done because of it");
    terminal.settled().await;
    relay.stop();
    terminal.finish().await;
}
