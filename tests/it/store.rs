//! The database file as an operator may find it: how it is opened, what it refuses, and what the
//! terminal does while it cannot be written.

use crate::terminal::{Terminal, sale};
use klarna_terminald::simulator::ShopperAction::Approve;
use klarna_terminald::store::{Reader, Store};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn new_database() -> (TempDir, PathBuf) {
    let directory = TempDir::new().expect("temporary directory");
    let path = directory.path().join("terminal.sqlite");
    drop(Store::open(&path).expect("a new database"));
    (directory, path)
}

/// Opening must fail, and say this.
fn refuses(path: &Path, complaint: &str) {
    let error = Store::open(path).expect_err("it must not open").to_string();
    assert!(error.contains(complaint), "{error:?} does not say {complaint:?}");
}

#[test]
fn what_is_committed_is_on_the_disk() {
    let (_directory, path) = new_database();
    let connection = Connection::open(&path).expect("sqlite");
    let mode: String =
        connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).expect("mode");
    assert_eq!(mode, "wal");
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(&path).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else reads what people bought");
}

#[test]
fn the_journal_only_grows() {
    let (_directory, path) = new_database();
    let connection = Connection::open(&path).expect("sqlite");
    let insert = "INSERT INTO journal (payment, at_ms, event, body) VALUES (1, 0, 'x', '{}')";
    connection.execute(insert, []).expect("a row");
    for sql in ["UPDATE journal SET body = ''", "DELETE FROM journal"] {
        let error = connection.execute(sql, []).expect_err("refused").to_string();
        assert!(error.contains("the journal is append-only"), "{sql}: {error}");
    }
}

#[test]
fn one_daemon_at_a_time_and_readers_beside_it() {
    let (_directory, path) = new_database();
    let first = Store::open(&path).expect("opens");
    refuses(&path, "is in use by another klarna-terminald");
    Reader::open(&path).expect("a reader").newest(1).expect("reads");
    drop(first);
    Store::open(&path).expect("free again");
}

#[test]
fn a_probe_leaves_no_row_and_takes_the_room_of_a_step() {
    let (_directory, path) = new_database();
    let mut store = Store::open(&path).expect("opens");
    let reader = store.reader().expect("a reader");
    store.probe().expect("it can be written");
    assert!(reader.all_records().expect("journal").is_empty());
    let connection = Connection::open(&path).expect("sqlite");
    let sql = "SELECT length(value) FROM meta WHERE name = 'probe'";
    let length: i64 = connection.query_row(sql, [], |row| row.get(0)).expect("the probe");
    assert_eq!(length, 64 * 1024);
    fill(&connection, true);
    let error = store.probe().expect_err("full").to_string();
    assert!(error.contains("full"), "{error}");
    assert_eq!(reader.shift_records().expect("journal"), []);
}

#[test]
fn a_newer_schema_is_left_alone() {
    let (_directory, path) = new_database();
    let connection = Connection::open(&path).expect("sqlite");
    connection.pragma_update(None, "user_version", 99).expect("pragma");
    drop(connection);
    refuses(&path, "has schema 99, this version knows up to 2; install a newer one");
    let connection = Connection::open(&path).expect("sqlite");
    connection.pragma_update(None, "user_version", -1).expect("pragma");
    drop(connection);
    refuses(&path, "has schema -1");
}

#[test]
fn a_damaged_file_is_called_damaged() {
    let directory = TempDir::new().expect("temporary directory");
    let path = directory.path().join("terminal.sqlite");
    std::fs::write(&path, "this is a shopping list and no database ".repeat(100)).expect("file");
    refuses(&path, "is damaged");

    let (_directory, path) = new_database();
    let connection = Connection::open(&path).expect("sqlite");
    connection
        .execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
             INSERT INTO journal (payment, at_ms, event, body) SELECT i, 0, 'x', '{}' FROM n;
             PRAGMA wal_checkpoint(TRUNCATE);",
        )
        .expect("rows");
    drop(connection);
    let mut bytes = std::fs::read(&path).expect("the file");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xA5);
    std::fs::write(&path, bytes).expect("the file");
    refuses(&path, "is damaged");
}

#[test]
fn a_place_that_is_not_there_is_named() {
    refuses(Path::new("/nonexistent/terminal.sqlite"), "cannot open /nonexistent/terminal.sqlite");
    let error = Reader::open(Path::new("/nonexistent/x.sqlite")).expect_err("not there");
    assert!(error.to_string().starts_with("cannot open /nonexistent/x.sqlite"), "{error}");
}

/// A disk that is full stands in as a trigger that says what SQLite says of one.
fn fill(connection: &Connection, full: bool) {
    let sql = match full {
        true => {
            "CREATE TRIGGER full BEFORE INSERT ON journal
             BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END;"
        }
        false => "DROP TRIGGER full;",
    };
    connection.execute_batch(sql).expect("a trigger");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_journal_there_is_no_payment_and_it_heals_by_itself() {
    let mut terminal = Terminal::tcp(&[("payment.result_screen_s", "1")]).await;
    let meddler = Connection::open(terminal.path("terminal.sqlite")).expect("sqlite");
    terminal.sell_and_acknowledge("A-1", 500).await;
    terminal.settled().await;
    let screen = terminal.path("screen.png");
    let idle = terminal.idle().await;
    fill(&meddler, true);
    terminal.till.say(&sale("A-2", 500));
    assert_eq!(terminal.till.error("A-2").await["code"], "out_of_service");
    assert_eq!(terminal.till.status("A-1").await["status"], "done", "it still knows");
    let changed = || std::fs::read(&screen).is_ok_and(|picture| picture != idle);
    terminal.until("the screen says out of service", changed).await;
    assert_eq!(terminal.simulator.requests().len(), 1, "nothing was asked of Klarna");
    fill(&meddler, false);
    let as_before = || std::fs::read(&screen).is_ok_and(|picture| picture == idle);
    terminal.until("the screen is idle again, though nobody asked", as_before).await;
    terminal.sell_and_acknowledge("A-2", 500).await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_that_could_not_be_recorded_is_asked_for_again() {
    let mut terminal = Terminal::tcp(&[]).await;
    let meddler = Connection::open(terminal.path("terminal.sqlite")).expect("sqlite");
    terminal.till.ask_sale("A-1", 500).await;
    terminal.simulator.fault("delay=700:confirm:1".parse().expect("a fault"));
    terminal.shopper(Approve);
    terminal.till.stage("A-1", "confirming").await;
    fill(&meddler, true);
    let confirmed = || !terminal.simulator.transactions().is_empty();
    terminal.until("Klarna has confirmed", confirmed).await;
    terminal.till.say(r#"{"op":"ack","ref":"A-1"}"#);
    assert_eq!(terminal.till.error("A-1").await["code"], "no_result_yet");
    fill(&meddler, false);
    assert_eq!(terminal.till.result("A-1").await["status"], "approved");
    terminal.till.acknowledge("A-1").await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_runs_out_of_time_though_its_request_is_read_and_nothing_can_be_written() {
    let settings = [("payment.timeout_s", "2"), ("payment.paying_extension_s", "1")];
    let mut terminal = Terminal::tcp(&settings).await;
    let meddler = Connection::open(terminal.path("terminal.sqlite")).expect("sqlite");
    terminal.till.ask_sale("A-1", 500).await;
    fill(&meddler, true);
    terminal.till.say(r#"{"op":"abort","ref":"A-1"}"#);
    assert_eq!(terminal.till.error("A-1").await["code"], "out_of_service");
    terminal.no_code().await;
    let reads = terminal.simulator.calls().len();
    let still_read = || terminal.simulator.calls().len() >= reads + 6;
    terminal.until("the request is still read", still_read).await;
    fill(&meddler, false);
    let result = terminal.till.result("A-1").await;
    assert_eq!(result["reason"], "timed_out");
    terminal.settled().await;
    assert_eq!(terminal.simulator.requests()[0].state, "CANCELED");
    terminal.finish().await;
}
