//! A terminal that cannot start yet says so and waits; one that runs reads its configuration again
//! and ends when no payment is open.

use crate::terminal::Terminal;
use klarna_terminald::simulator::ShopperAction;
use rusqlite::Connection;
use rustix::process::Signal;

fn set_schema(terminal: &Terminal, version: i64) -> i64 {
    let database = Connection::open(terminal.path("terminal.sqlite")).expect("the journal");
    let before = database.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a number");
    database.pragma_update(None, "user_version", version).expect("set");
    before
}

fn log(terminal: &Terminal) -> String {
    std::fs::read_to_string(terminal.path("log")).unwrap_or_default()
}

async fn refused(terminal: &mut Terminal, reference: &str) -> String {
    terminal
        .till
        .say(&format!(r#"{{"op":"sale","ref":"{reference}","amount":500,"currency":"EUR"}}"#));
    let refused = terminal.till.error(reference).await;
    assert_eq!(refused["code"], "out_of_service", "{refused}");
    refused["text"].as_str().expect("a text").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_of_newer_software_is_left_alone_until_it_fits() {
    let mut terminal = Terminal::binary(&[]).await;
    terminal.sell_and_acknowledge("A-1", 1200).await;
    terminal.settled().await;
    terminal.switch_off().await;
    let fitting = set_schema(&terminal, 99);
    terminal.switch_on().await;
    let why = refused(&mut terminal, "A-2").await;
    assert!(why.contains("schema 99") && why.contains("install a newer one"), "{why}");
    assert!(log(&terminal).contains("out of service"), "{}", log(&terminal));
    assert_eq!(set_schema(&terminal, fitting), 99, "it was not touched");
    let address = terminal.address().to_owned();
    let again = || log(&terminal).matches("the terminal is ready").count() == 2;
    terminal.until("the terminal goes on by itself", again).await;
    terminal.till.reconnect(&address).await;
    terminal.till.greet().await;
    terminal.sell_and_acknowledge("A-3", 700).await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_journal_without_a_copy_is_told_to_the_till() {
    let mut terminal = Terminal::binary(&[]).await;
    terminal.sell_and_acknowledge("A-1", 1200).await;
    terminal.settled().await;
    terminal.switch_off().await;
    let path = terminal.path("terminal.sqlite");
    // All that is in the log beside it goes into the file.
    Connection::open(&path).expect("the journal").execute_batch("VACUUM").expect("moved");
    let whole = std::fs::read(&path).expect("the journal");
    std::fs::write(&path, vec![0x5a; whole.len()]).expect("damaged");
    terminal.switch_on().await;
    let why = refused(&mut terminal, "A-2").await;
    assert!(why.contains("damaged"), "{why}");
    assert_eq!(std::fs::read(&path).expect("the journal"), vec![0x5a; whole.len()]);
    terminal.switch_off().await;
    std::fs::write(&path, whole).expect("mended");
    terminal.switch_on().await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_comes_late_is_waited_for() {
    let mut terminal = Terminal::binary(&[]).await;
    terminal.switch_off().await;
    let taken = std::net::TcpListener::bind(terminal.address()).expect("free now");
    terminal.switch_on_unheard();
    let waits = "the till's address cannot be used";
    terminal.until("it is told", || log(&terminal).contains(waits)).await;
    drop(taken);
    let address = terminal.address().to_owned();
    terminal.till.reconnect(&address).await;
    terminal.till.greet().await;
    terminal.sell_and_acknowledge("A-1", 1200).await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_counts_from_the_next_moment_without_a_payment() {
    let mut terminal = Terminal::binary(&[]).await;
    terminal.till.ask_sale("A-1", 500).await;
    terminal.configure(&[("terminal.merchant", "\"Other Store\"")]);
    terminal.signal(Signal::HUP);
    let accepted = "counts as soon as no payment is open";
    terminal.until("it is read", || log(&terminal).contains(accepted)).await;
    terminal.shopper(ShopperAction::Approve);
    let result = terminal.till.result("A-1").await;
    assert!(result["receipt"].to_string().contains("Test Store"), "{result}");
    terminal.till.say(r#"{"op":"ack","ref":"A-1"}"#);
    let twice = || log(&terminal).matches("the terminal is ready").count() == 2;
    terminal.until("it counts", twice).await;
    let address = terminal.address().to_owned();
    terminal.till.reconnect(&address).await;
    terminal.till.greet().await;
    let result = terminal.sell("A-2", 700).await;
    assert!(result["receipt"].to_string().contains("Other Store"), "{result}");
    terminal.till.acknowledge("A-2").await;

    // The second one would fail at a start only: its authority is no certificate.
    let refused = |terminal: &Terminal| log(terminal).matches("the old one stays in force").count();
    std::fs::write(terminal.path("broken.pem"), "-----BEGIN CERTIFICATE-----").expect("a file");
    let broken = format!("{:?}", terminal.path("broken.pem"));
    std::fs::write(terminal.path("terminal.toml"), "till = 5").expect("a file");
    terminal.signal(Signal::HUP);
    terminal.until("it is refused", || refused(&terminal) == 1).await;
    terminal.configure(&[("klarna.extra_ca_file", broken.as_str())]);
    terminal.signal(Signal::HUP);
    terminal.until("it is refused", || refused(&terminal) == 2).await;
    terminal.sell_and_acknowledge("A-3", 900).await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asked_to_start_anew_it_ends_after_the_open_payment() {
    let mut terminal = Terminal::binary(&[]).await;
    terminal.till.ask_sale("A-1", 500).await;
    terminal.signal(Signal::USR1);
    // What is asked for later does not bring it back.
    terminal.signal(Signal::HUP);
    let accepted = "counts as soon as no payment is open";
    terminal.until("it is read", || log(&terminal).contains(accepted)).await;
    terminal.shopper(ShopperAction::Approve);
    terminal.till.result("A-1").await;
    terminal.till.acknowledge("A-1").await;
    assert_eq!(terminal.ended().await, Some(0));
    terminal.switch_on().await;
    terminal.finish().await;
}
