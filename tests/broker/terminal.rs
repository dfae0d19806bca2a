//! A whole terminal whose hints come over a real broker.

use crate::line::{End, topics};
use crate::mosquitto::Mosquitto;
use crate::shop::{Program, Setting, Terminal, Wire};
use klarna_terminald::broker::{Changed, Settings};
use klarna_terminald::simulator::ShopperAction::{Approve, Open};

/// As rarely as is allowed: what is found before was hinted at.
const RARELY_MS: &str = "15000";

/// A terminal that reads by itself every `pace` ms, and hardly ever while it relies on hints.
pub async fn terminal(settings: &Settings, pace: &str) -> Terminal {
    terminal_with(settings, pace, &[("push.poll_ms", "60000")]).await
}

/// The same with more settings.
pub async fn terminal_with(settings: &Settings, pace: &str, more: &[Setting<'_>]) -> Terminal {
    let files = &settings.files;
    let text = |path: &std::path::Path| format!("{:?}", path.display().to_string());
    let broker = format!("\"localhost:{}\"", settings.port);
    let (certificate, key) = (text(&files.certificate), text(&files.key));
    let ca = text(files.ca.as_deref().expect("an authority"));
    let mut all = vec![
        ("klarna.poll_ms", pace),
        ("push.broker", &broker),
        ("push.ca_file", &ca),
        ("push.certificate_file", &certificate),
        ("push.key_file", &key),
        ("push.reconnect_max_s", "1"),
    ];
    all.extend_from_slice(more);
    Terminal::start(Wire::Tcp, Program::Here, &all).await
}

/// How often payment requests were read.
pub fn reads(terminal: &Terminal) -> usize {
    let calls = terminal.simulator.calls();
    let is_read = |route: &str| route.ends_with("/payment/requests/{id}");
    calls.iter().filter(|call| call.method == "GET" && is_read(&call.route)).count()
}

async fn hint(relay: &End, terminal: &Terminal) {
    let request = terminal.simulator.newest_request();
    let kind = "payment.request.state-change.pending-confirmation".to_owned();
    let changed = Changed {
        v: 1,
        event: "e".to_owned(),
        kind,
        request,
        transaction: None,
        concern: None,
        dispute: None,
        at: None,
    };
    assert!(relay.say(&topics("T3").changed(), &changed.bytes(), false).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hint_makes_the_till_know_at_once() {
    let broker = Mosquitto::start("SIMULATOR");
    let relay = End::open(broker.settings("relay", "relay-1"), Vec::new(), None);
    let mut terminal = terminal(&broker.settings("S12/T3", "unused"), RARELY_MS).await;
    assert!(relay.say(topics("T3").alive(), b"{}", false).await);
    terminal.till.ask_sale("A-1", 1200).await;
    terminal.shopper(Open);
    hint(&relay, &terminal).await;
    terminal.till.stage("A-1", "shopper_paying").await;
    terminal.shopper(Approve);
    hint(&relay, &terminal).await;
    assert_eq!(terminal.till.result("A-1").await["status"], "approved");
    assert_eq!(reads(&terminal), 2, "one for each hint");
    terminal.till.acknowledge("A-1").await;
    terminal.settled().await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_late_and_doubled_hints_change_nothing_but_when_is_read() {
    let broker = Mosquitto::start("SIMULATOR");
    let relay = End::open(broker.settings("relay", "relay-1"), Vec::new(), None);
    let mut terminal = terminal(&broker.settings("S12/T3", "unused"), RARELY_MS).await;
    terminal.till.ask_sale("A-1", 1200).await;
    for _ in 0..50 {
        hint(&relay, &terminal).await;
    }
    for nonsense in
        ["", "{}", "[]", "{\"v\":1,\"event\":\"e\",\"kind\":\"k\",\"request\":\"nobody's\"}"]
    {
        assert!(relay.say(&topics("T3").changed(), nonsense.as_bytes(), false).await);
    }
    terminal.shopper(Approve);
    for _ in 0..3 {
        hint(&relay, &terminal).await;
    }
    assert_eq!(terminal.till.result("A-1").await["status"], "approved");
    hint(&relay, &terminal).await;
    terminal.till.acknowledge("A-1").await;
    terminal.settled().await;
    assert_eq!(terminal.simulator.transactions().len(), 1);
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_broker_the_till_knows_by_reading() {
    let mut broker = Mosquitto::start("SIMULATOR");
    let relay = End::open(broker.settings("relay", "relay-1"), Vec::new(), None);
    let mut terminal = terminal(&broker.settings("S12/T3", "unused"), "500").await;
    assert!(relay.say(topics("T3").alive(), b"{}", false).await);
    terminal.till.ask_sale("A-1", 1200).await;
    broker.kill();
    terminal.shopper(Approve);
    assert_eq!(terminal.till.result("A-1").await["status"], "approved");
    terminal.till.acknowledge("A-1").await;
    terminal.settled().await;
    terminal.finish().await;
}
