//! Klarna's notices at a terminal that Klarna can reach itself (`[webhook]` of `run`): the real
//! binary, the simulated Klarna that signs and sends, and a till that hears what comes of it.

#[path = "../broker/account.rs"]
mod account;
#[path = "../broker/port.rs"]
mod port;

use crate::cli::{check, text};
use crate::console::{PIN, office_with};
use crate::office::asked;
use crate::terminal::{Program, Terminal, Wire};
use account::provision;
use klarna_terminald::acquirer::klarna::webhook::{SigningKeys, sign};
use klarna_terminald::clock::SystemClock;
use klarna_terminald::simulator::ShopperAction::{Approve, Open};
use port::free_port;
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;

/// As rarely as is allowed: what is found before was told by Klarna.
const RARELY_MS: &str = "15000";
/// What is told while a call is under way may come before or after the call's own answer, so tests
/// that count leave it out.
const EVENTS: &str =
    "payment.request.state-change.in-progress,payment.request.state-change.pending-confirmation";

/// A terminal, and where it receives notices.
struct Shop {
    terminal: Terminal,
    port: u16,
}

impl Shop {
    /// One with a signing key and a webhook that leads to it.
    async fn open() -> Self {
        let port = free_port();
        let mut terminal = prepared(port, RARELY_MS).await;
        let folder = terminal.directory.path().to_owned();
        provision(&folder, &["signing-keys", "create"]);
        let url = format!("http://127.0.0.1:{port}/klarna/webhooks");
        provision(&folder, &["webhooks", "create", "--url", &url, "--events", EVENTS]);
        terminal.switch_on().await;
        Self { terminal, port }
    }

    /// What the terminal answers to a notice with this body and signature.
    fn post(&self, body: &str, key_id: &str, signature: &str) -> String {
        let address = (Ipv4Addr::LOCALHOST, self.port);
        let mut stream = TcpStream::connect(address).expect("it listens");
        let head = format!(
            "POST /klarna/webhooks HTTP/1.1\r\nHost: terminal\r\nConnection: close\r\n\
             Klarna-Signature: {signature}\r\nKlarna-Signing-Key-ID: {key_id}\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + body).as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, word) = answer.split_once("\r\n\r\n").expect("a whole answer");
        let status = head.split(' ').nth(1).expect("a status");
        format!("{status} {word}")
    }
}

/// A terminal that is not switched on and is to receive notices at `port`.
async fn prepared(port: u16, pace: &str) -> Terminal {
    let listen = format!("\"127.0.0.1:{port}\"");
    let settings = [
        ("klarna.poll_ms", pace),
        ("log.filter", "\"info,klarna_terminald=debug\""),
        ("webhook.listen", &listen),
    ];
    let mut terminal = Terminal::prepare(Wire::Tcp, Program::Binary, &settings).await;
    let metrics = format!("{:?}", terminal.path("metrics.prom"));
    terminal.configure(&[("metrics.file", &metrics)]);
    terminal
}

fn file(terminal: &Terminal, name: &str) -> String {
    std::fs::read_to_string(terminal.path(name)).unwrap_or_default()
}

/// How often payment requests were read.
fn reads(terminal: &Terminal) -> usize {
    let calls = terminal.simulator.calls();
    let is_read = |route: &str| route.ends_with("/payment/requests/{id}");
    calls.iter().filter(|call| call.method == "GET" && is_read(&call.route)).count()
}

/// The shopper says yes to the open sale, and the terminal reads only what it is told of.
async fn pay(terminal: &mut Terminal) {
    terminal.shopper(Open);
    terminal.till.stage("A-1", "shopper_paying").await;
    terminal.shopper(Approve);
    assert_eq!(terminal.till.result("A-1").await["status"], "approved");
    terminal.till.acknowledge("A-1").await;
    assert_eq!(reads(terminal), 2, "one for each of Klarna's notices");
}

/// That this payment request waits to be confirmed, as a payment of this terminal.
fn notice(request: &str, terminal: &str) -> String {
    let at = SystemClock::start().now().wall.iso8601();
    let event_type = "payment.request.state-change.pending-confirmation";
    format!(r#"{{"metadata":{{"event_type":"{event_type}","event_id":"made-by-hand","#)
        + &format!(r#""event_version":"v1","occurred_at":"{at}","live":false}},"#)
        + &format!(r#""payload":{{"payment_request_id":"{request}","#)
        + &format!(r#""payment_reference":"S12-{terminal}-20260131-000001-0a1b2c3d"}}}}"#)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_till_knows_by_klarnas_notice_and_not_by_reading() {
    let Shop { mut terminal, .. } = Shop::open().await;
    terminal.till.ask_sale("A-1", 1200).await;
    pay(&mut terminal).await;
    let by_push = "terminald_changes_found_total{by=\"push\"} 2\n";
    let metrics = || file(&terminal, "metrics.prom");
    terminal.until("the metrics say so", || metrics().contains(by_push)).await;
    let metrics = metrics();
    for line in ["terminald_push_relied_on 1\n", "terminald_changes_found_total{by=\"poll\"} 0\n"] {
        assert!(metrics.contains(line), "{metrics}");
    }
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_forged_or_for_another_terminal_makes_nobody_read() {
    let mut shop = Shop::open().await;
    shop.terminal.till.ask_sale("A-1", 1200).await;
    let request = shop.terminal.simulator.newest_request().expect("a payment request");
    let keys = SigningKeys::load(&shop.terminal.path("signing-keys.json")).expect("keys");
    let key = keys.iter().next().expect("a key");
    let (ours, theirs) = (notice(&request, "T3"), notice(&request, "T4"));
    let wrong = sign(key, theirs.as_bytes());
    assert_eq!(shop.post(&ours, &key.id, &wrong), "400 forged");
    assert_eq!(shop.post(&ours, "krn:nobody", &sign(key, ours.as_bytes())), "400 forged");
    assert_eq!(shop.post(&theirs, &key.id, &wrong), "202 accepted");
    let ignored = "a notice is for another terminal";
    let log = || file(&shop.terminal, "log");
    shop.terminal.until(ignored, || log().contains(ignored)).await;
    pay(&mut shop.terminal).await;
    shop.terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_see_a_dispute_and_what_happens_to_the_account() {
    let port = free_port();
    let listen = format!("\"127.0.0.1:{port}\"");
    let set_up = |store: &Path| {
        let folder = store.parent().expect("a folder");
        provision(folder, &["signing-keys", "create"]);
        let url = format!("http://127.0.0.1:{port}/klarna/webhooks");
        provision(folder, &["webhooks", "create", "--url", &url]);
    };
    let (mut terminal, mut browser) = office_with(&[("webhook.listen", &listen)], set_up).await;
    browser.sign_in("chief", PIN).await;
    terminal.sell_and_acknowledge("A-1", 1200).await;
    terminal.settled().await;
    let before = terminal.klarna();
    let transaction = terminal.simulator.transactions()[0].id.clone();
    let (opened, blocked) = (
        "payment.dispute.state-change.initiated",
        "partner.account.product.payment.state-change.disabled",
    );
    let dispute = json!({"payment_dispute_id": "krn:d:1", "payment_transaction_id": transaction});
    for (kind, payload) in [(opened, dispute), (blocked, json!({}))] {
        assert!(terminal.simulator.tell(kind, payload), "there is no event {kind}");
    }
    browser.until("/", "Dispute").await;
    let page = browser.get("/payments/1").await;
    page.says(&format!("Klarna reports a dispute ({opened}, krn:d:1).")).says("merchant portal");
    browser.language = "de-DE";
    browser.get("/payments/1").await.says("Streitfall");
    browser.language = "en";
    browser.until("/health", blocked).await.says("What Klarna has told").says("No alarms.");
    let database = terminal.path("terminal.sqlite");
    let story = asked(&database, &["payments", "1"]);
    assert_eq!(story["payment"]["disputed"], true, "{story}");
    check(&["payments", "--database", text(&database)], 0, &["captured 12.00", "disputed"]);
    check(&["health", "--database", text(&database)], 0, &[&format!("noted {blocked}")]);
    assert_eq!(terminal.klarna(), before, "nothing was done because of it");
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_finds_its_port_taken_leaves_payments_to_reading() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let mut terminal = prepared(port, "500").await;
    terminal.switch_on().await;
    let said = "Klarna's notices cannot come in; it is read instead";
    terminal.until(said, || file(&terminal, "log").contains(said)).await;
    terminal.sell_and_acknowledge("A-1", 1200).await;
    terminal.finish().await;
}
