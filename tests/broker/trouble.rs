//! Brokers and senders that misbehave: payments are on time by reading, and nothing grows.

use crate::line::{End, topics};
use crate::mosquitto::Mosquitto;
use crate::port::free_port;
use crate::relay::{all_delivered, pay, relay};
use crate::shop::Terminal;
use crate::terminal::{terminal, terminal_with};
use klarna_terminald::simulator::Storm;
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What a broker that ends every second stands for.
const UP: Duration = Duration::from_millis(700);
const DOWN: Duration = Duration::from_millis(300);
/// More than a relay ever needs, and far less than what a storm brings in.
const MEMORY_MAX_KB: u64 = 200_000;

fn captured(terminal: &Terminal) -> usize {
    let transactions = terminal.simulator.transactions();
    transactions.iter().filter(|transaction| transaction.captured() == 1200).count()
}

/// The most memory that a process has had so far.
fn memory_kb(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
    line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
}

/// What the terminal says of itself.
fn metrics(port: u16) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it listens");
    let ask = b"GET /metrics HTTP/1.1\r\nHost: terminal\r\nConnection: close\r\n\r\n";
    stream.write_all(ask).expect("it reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it answers");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_accepts_and_forgets_is_found_out_with_the_second_payment() {
    let port = free_port();
    let listen = format!("\"127.0.0.1:{port}\"");
    let more = [("push.poll_ms", "3000"), ("metrics.listen", &listen)];
    let broker = Mosquitto::start("SIMULATOR");
    let operator = End::open(broker.settings("relay", "relay-1"), Vec::new(), None);
    let mut terminal = terminal_with(&broker.settings("S12/T3", "unused"), "500", &more).await;
    // A sign of life comes through, and no hint ever does.
    assert!(operator.say(topics("T3").alive(), b"{}", true).await);
    let relied_on = |figure: u8| {
        let line = format!("terminald_push_relied_on {figure}\n");
        move || metrics(port).contains(&line)
    };
    terminal.until("hints are relied on", relied_on(1)).await;
    for number in 0..2 {
        pay(&mut terminal, &format!("A-{number}")).await;
    }
    terminal.until("two were missed", relied_on(0)).await;
    for number in 2..4 {
        pay(&mut terminal, &format!("A-{number}")).await;
    }
    terminal.settled().await;
    assert_eq!(captured(&terminal), 4);
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_ends_every_second_holds_up_nobody() {
    let mut broker = Mosquitto::start("SIMULATOR");
    let mut terminal = terminal(&broker.settings("S12/T3", "unused"), "500").await;
    let relay = relay(&terminal, &broker.settings("relay", "unused"));
    let is_over = AtomicBool::new(false);
    let broken = async {
        while !is_over.load(Ordering::Relaxed) {
            tokio::time::sleep(UP).await;
            tokio::task::block_in_place(|| broker.kill());
            tokio::time::sleep(DOWN).await;
            tokio::task::block_in_place(|| broker.rise());
        }
    };
    let sold = async {
        for number in 0..6 {
            pay(&mut terminal, &format!("A-{number}")).await;
        }
        is_over.store(true, Ordering::Relaxed);
    };
    tokio::join!(broken, sold);
    all_delivered(&terminal).await;
    terminal.settled().await;
    assert_eq!(captured(&terminal), 6);
    relay.stop();
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_notices_about_nobodys_payments_holds_up_nobody_and_fills_nothing() {
    let broker = Mosquitto::start("SIMULATOR");
    let mut terminal = terminal(&broker.settings("S12/T3", "unused"), "500").await;
    let relay = relay(&terminal, &broker.settings("relay", "unused"));
    let storm = json!({"per_second": 1000, "seconds": 60});
    terminal.simulator.storm(Some(Storm::from_json(&storm).expect("a storm")));
    for number in 0..4 {
        pay(&mut terminal, &format!("A-{number}")).await;
    }
    terminal.simulator.storm(None);
    terminal.settled().await;
    assert_eq!(captured(&terminal), 4);
    let memory = memory_kb(relay.id());
    assert!(memory < MEMORY_MAX_KB, "{memory} kB");
    relay.stop();
    terminal.finish().await;
}
