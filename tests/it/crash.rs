//! The real binary, killed after each row of its journal and started again: nothing is taken twice,
//! nothing is lost, and the till finds out by asking.
//!
//! Also its good ends: SIGTERM in every state, and a second daemon on the same database.

use crate::terminal::{Book, Program, Terminal, Wire, sale};
use klarna_terminald::simulator::ShopperAction::{Approve, Open};
use rusqlite::{Connection, OpenFlags};
use std::path::PathBuf;
use std::time::Duration;
use tokio::task::JoinSet;

/// Every answer of Klarna comes this late, so that a kill falls between a step and its answer.
const ANSWER_DELAY: Duration = Duration::from_millis(30);
/// Between two looks at the journal.
const GLANCE: Duration = Duration::from_millis(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    /// Sale, capture, refund.
    Paid,
    /// Sale, abort.
    Aborted,
    /// Sale, approval, and a till that never acknowledges.
    NotAcknowledged,
}

impl Story {
    /// Rows in the journal when it is over.
    fn rows(self) -> i64 {
        match self {
            Self::Paid => 9,
            Self::Aborted => 4,
            Self::NotAcknowledged => 6,
        }
    }

    fn books(self) -> Vec<Book> {
        let book = Book { authorised: 1200, ..Book::default() };
        match self {
            Self::Paid => vec![Book { captured: vec![1200], refunded: vec![1200], ..book }],
            Self::Aborted => Vec::new(),
            Self::NotAcknowledged => vec![Book { voided: true, ..book }],
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_every_row() {
    let mut cases = JoinSet::new();
    for story in [Story::Paid, Story::Aborted, Story::NotAcknowledged] {
        for rows in 1..=story.rows() {
            cases.spawn(kill_at(story, rows));
        }
    }
    cases.join_all().await;
}

async fn kill_at(story: Story, rows: i64) {
    let ack_timeout = if story == Story::NotAcknowledged { "1" } else { "60" };
    let settings = [("till.ack_timeout_s", ack_timeout)];
    let mut terminal = Terminal::prepare(Wire::Tcp, Program::Binary, &settings).await;
    terminal.simulator.set_delay(ANSWER_DELAY);
    let killer = journal_has(terminal.path("terminal.sqlite"), rows);
    tokio::select! {
        () = play(&mut terminal, story) => {}
        () = killer => {}
    }
    terminal.kill();
    play(&mut terminal, story).await;
    terminal.settled().await;
    let books: Vec<Book> = terminal.klarna().into_values().collect();
    assert_eq!(books, story.books(), "{story:?} killed at row {rows}\n{}", terminal.evidence());
    let found = terminal.reader().all_records().expect("journal").len();
    assert!(found >= usize::try_from(story.rows()).expect("few rows"), "{found} rows: {story:?}");
    terminal.finish().await;
}

/// Starts the terminal and goes through the story from wherever it stands; every step may be one
/// that was taken before.
async fn play(terminal: &mut Terminal, story: Story) {
    terminal.switch_on().await;
    terminal.till.expect_shopper("A-1");
    terminal.till.say(&sale("A-1", 1200));
    let mut word = terminal.till.word("A-1").await;
    if word["event"] != "result" {
        match story {
            Story::Paid | Story::NotAcknowledged => terminal.shopper_may(Approve),
            Story::Aborted => terminal.till.say(r#"{"op":"abort","ref":"A-1"}"#),
        }
    }
    while word["event"] != "result" {
        word = terminal.till.word("A-1").await;
    }
    match story {
        Story::Aborted => assert_eq!(word["reason"], "aborted_by_till"),
        Story::NotAcknowledged => {
            while word["status"] != "voided" {
                word = terminal.till.word("A-1").await;
            }
        }
        Story::Paid => {
            assert_eq!(word["status"], "approved", "{word}");
            terminal.till.acknowledge("A-1").await;
            terminal.till.say(r#"{"op":"refund","ref":"R-1","sale":"A-1"}"#);
            terminal.till.operation("R-1", "done").await;
        }
    }
}

/// Completes as soon as the journal has this many rows.
async fn journal_has(path: PathBuf, rows: i64) {
    let watching = tokio::task::spawn_blocking(move || {
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        while count(&path).unwrap_or(0) < rows && std::time::Instant::now() < deadline {
            std::thread::sleep(GLANCE);
        }
    });
    watching.await.expect("the watching thread");
}

fn count(path: &std::path::Path) -> Option<i64> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
    connection.query_row("SELECT count(*) FROM journal", [], |row| row.get(0)).ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_end_in_every_state() {
    let mut states = JoinSet::new();
    for state in 0..6 {
        states.spawn(end_in(state));
    }
    states.join_all().await;
}

/// SIGTERM, then a start, then the payment goes on.
async fn end_in(state: usize) {
    let mut terminal = Terminal::binary(&[]).await;
    if state >= 1 {
        terminal.till.ask_sale("A-1", 1200).await;
        terminal.scan().await;
    }
    if state >= 2 {
        terminal.shopper(Open);
        terminal.till.stage("A-1", "shopper_paying").await;
    }
    if state >= 3 {
        terminal.simulator.set_delay(Duration::from_millis(700));
        terminal.shopper(Approve);
        terminal.till.stage("A-1", "confirming").await;
    }
    if state >= 4 {
        terminal.till.result("A-1").await;
    }
    if state >= 5 {
        terminal.simulator.set_offline(true);
        terminal.till.acknowledge("A-1").await;
    }
    terminal.switch_off().await;
    assert_eq!(terminal.codes_on_screen(), Vec::<String>::new(), "state {state}");
    terminal.simulator.set_offline(false);
    terminal.simulator.set_delay(Duration::ZERO);
    if state > 0 {
        play(&mut terminal, Story::Paid).await;
    } else {
        terminal.switch_on().await;
    }
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_daemon_on_the_same_database_is_refused() {
    let terminal = Terminal::binary(&[]).await;
    let second = std::process::Command::new(env!("CARGO_BIN_EXE_klarna-terminald"))
        .args(["run", "--config"])
        .arg(terminal.path("terminal.toml"))
        .output()
        .expect("the binary");
    let complaint = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(1), "{complaint}");
    let wanted = "terminal.sqlite is in use by another klarna-terminald; stop that one first";
    assert!(complaint.contains(wanted), "{complaint}");
    terminal.finish().await;
}
