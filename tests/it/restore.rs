//! A damaged database: what is set aside, what is restored, what is never used twice, and who is
//! told.

use crate::terminal::Terminal;
use klarna_terminald::clock::Wall;
use klarna_terminald::id::PaymentId;
use klarna_terminald::payment::retry::{Plan, plan};
use klarna_terminald::store::{
    KEPT_MAX, Reader, Store, StoreError, open_or_restore, snapshots, take_snapshot,
};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// 2026-03-01T10:00:00Z.
fn now() -> Wall {
    Wall::from_millis(1_772_359_200_000)
}

fn anything(_: &Reader) -> Result<(), StoreError> {
    Ok(())
}

/// A database with `rows` rows in its journal, one payment each.
fn database(rows: u32) -> (TempDir, PathBuf) {
    let directory = TempDir::new().expect("temporary directory");
    let path = directory.path().join("terminal.sqlite");
    drop(Store::open(&path).expect("a new database"));
    add_rows(&path, 1, rows);
    (directory, path)
}

fn add_rows(path: &Path, from: u32, to: u32) {
    let connection = Connection::open(path).expect("sqlite");
    let sql = format!(
        "WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {to})
         INSERT INTO journal (payment, at_ms, event, body) SELECT i, 0, 'x', '{{}}' FROM n;
         INSERT INTO payment (id, open) SELECT payment, 0 FROM journal WHERE payment >= {from};
         PRAGMA wal_checkpoint(TRUNCATE);"
    );
    connection.execute_batch(&sql).expect("rows");
}

fn rows(path: &Path) -> i64 {
    let connection = Connection::open(path).expect("sqlite");
    connection.query_row("SELECT count(*) FROM journal", [], |row| row.get(0)).expect("a count")
}

fn payments(reader: &Reader) -> usize {
    reader.newest(1000).expect("a list").len()
}

/// All but the first page is overwritten, once nothing of it stands in the log any more.
fn damage(path: &Path) {
    let connection = Connection::open(path).expect("sqlite");
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("nothing is in the log");
    drop(connection);
    let mut bytes = std::fs::read(path).expect("the file");
    let whole = bytes.len();
    bytes[4096..whole].fill(0xA5);
    std::fs::write(path, bytes).expect("the file");
}

fn names_beside(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path.parent().expect("a directory")).expect("readable");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.expect("an entry").file_name().to_string_lossy().into_owned()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

#[test]
fn a_snapshot_is_one_whole_file_and_the_newest_are_kept() {
    let (_directory, path) = database(10);
    let store = Store::open(&path).expect("opens");
    for _ in 0..KEPT_MAX + 3 {
        take_snapshot(&path, now()).expect("a snapshot beside the writer");
    }
    drop(store);
    let kept = snapshots(&path).expect("a list");
    assert_eq!(kept.len(), KEPT_MAX);
    let newest = format!("{:06}-20260301T100000Z.sqlite", KEPT_MAX + 3);
    assert!(kept[0].ends_with(&newest), "{kept:?}");
    assert_eq!(names_beside(&kept[0]).len(), KEPT_MAX, "nothing else is left beside them");
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(&kept[0]).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(rows(&kept[0]), 10);
}

#[test]
fn a_damaged_database_gives_no_snapshot_and_takes_none_away() {
    let (_directory, path) = database(2000);
    take_snapshot(&path, now()).expect("a snapshot");
    damage(&path);
    let error = take_snapshot(&path, now()).expect_err("not of this one").to_string();
    assert!(error.contains("damaged"), "{error}");
    let kept = snapshots(&path).expect("a list");
    assert_eq!(kept.len(), 1);
    assert_eq!(names_beside(&kept[0]).len(), 1, "no half snapshot stays");
}

#[test]
fn the_newest_good_snapshot_takes_the_place_of_a_damaged_database() {
    let (_directory, path) = database(1000);
    let before = Reader::open(&path).expect("a reader").installation().expect("an id");
    take_snapshot(&path, now()).expect("a snapshot");
    add_rows(&path, 1001, 2000);
    let bad = take_snapshot(&path, now()).expect("a snapshot");
    damage(&bad);
    damage(&path);
    let damaged = std::fs::read(&path).expect("the file");
    std::fs::write(path.with_extension("sqlite-wal"), "left over").expect("a log");

    let store = open_or_restore(&path, now(), &anything).expect("it starts");
    let reader = store.reader().expect("a reader");
    assert_eq!(payments(&reader), 1000);
    assert_ne!(store.installation(), before, "new calls never repeat a key");
    assert_eq!(reader.last_payment().expect("a number"), PaymentId::new(1000 + 10_080));
    let restored = reader.restored().expect("a mark").expect("staff is told");
    assert_eq!((restored.at, restored.through), (now(), PaymentId::new(1000)));
    assert!(restored.snapshot.starts_with("000001-"), "{restored:?}");
    let aside = path.with_file_name(&restored.set_aside);
    assert_eq!(restored.set_aside, "terminal.sqlite.corrupt-20260301T100000Z");
    assert_eq!(std::fs::read(&aside).expect("it is kept"), damaged);
    assert!(aside.with_file_name(format!("{}-wal", restored.set_aside)).exists());

    drop((store, reader));
    let mut store = open_or_restore(&path, now(), &anything).expect("it starts again");
    let again = store.reader().expect("a reader").restored().expect("a mark");
    assert_eq!(again, Some(restored), "nothing was restored twice");
    store.acknowledge_restore().expect("it can be written");
    assert_eq!(store.reader().expect("a reader").restored().expect("a mark"), None);
}

#[test]
fn a_shift_end_ends_the_warning() {
    let (_directory, path) = database(10);
    take_snapshot(&path, now()).expect("a snapshot");
    std::fs::write(&path, "no database").expect("the file");
    let store = open_or_restore(&path, now(), &anything).expect("it starts");
    let reader = store.reader().expect("a reader");
    assert!(reader.restored().expect("a mark").is_some());
    let sql =
        "INSERT INTO journal (payment, at_ms, event, body) VALUES (NULL, 0, 'shift_ended', '')";
    Connection::open(&path).expect("sqlite").execute(sql, []).expect("a row");
    assert_eq!(reader.restored().expect("a mark"), None);
}

#[test]
fn only_damage_rewinds_a_journal() {
    let (_directory, path) = database(10);
    take_snapshot(&path, now()).expect("a snapshot");
    add_rows(&path, 11, 20);
    let full = |_: &Reader| Err(StoreError::Full);
    assert!(matches!(open_or_restore(&path, now(), &full), Err(StoreError::Full)));
    let newer = |_: &Reader| Err(StoreError::BadRow { row: 1, why: "a newer event".to_owned() });
    assert!(matches!(open_or_restore(&path, now(), &newer), Err(StoreError::BadRow { .. })));
    // A defect of a new version must not take every terminal back to yesterday.
    let defect = |reader: &Reader| match payments(reader) {
        10 => Ok(()),
        rows => Err(StoreError::Contradiction(format!("{rows} rows"))),
    };
    let error = open_or_restore(&path, now(), &defect).expect_err("it is refused");
    assert!(error.to_string().contains("20 rows"), "{error}");
    assert_eq!(rows(&path), 20, "nothing has changed");
}

#[test]
fn a_database_that_is_gone_is_never_begun_anew_beside_its_snapshots() {
    let (_directory, path) = database(10);
    take_snapshot(&path, now()).expect("a snapshot");
    // As a power cut leaves it between the two renames of a restore.
    std::fs::rename(&path, path.with_extension("sqlite.corrupt-x")).expect("renamed");
    std::fs::write(path.with_extension("sqlite.restoring"), "half a copy").expect("a file");
    assert!(matches!(Store::open(&path), Err(StoreError::Damaged(_))));
    drop(open_or_restore(&path, now(), &anything).expect("restored"));
    assert_eq!(rows(&path), 10);

    let directory = TempDir::new().expect("temporary directory");
    let path = directory.path().join("terminal.sqlite");
    std::fs::write(path.with_extension("sqlite-wal"), "a log").expect("a file");
    assert!(matches!(open_or_restore(&path, now(), &anything), Err(StoreError::Damaged(_))));
    assert!(!path.exists(), "an empty journal is not made");
}

#[test]
fn without_a_snapshot_a_damaged_database_stays_where_it_is() {
    let (_directory, path) = database(2000);
    damage(&path);
    let before = std::fs::read(&path).expect("the file");
    let error =
        open_or_restore(&path, now(), &anything).expect_err("it must not start").to_string();
    assert!(error.contains("is damaged") && error.contains("keep the file"), "{error}");
    assert_eq!(std::fs::read(&path).expect("the file"), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happened_after_the_snapshot_happens_only_once() {
    let mut terminal = Terminal::binary(&[]).await;
    let path = terminal.path("terminal.sqlite");
    terminal.sell_and_acknowledge("A-1", 1200).await;
    terminal.settled().await;
    terminal.simulator.set_offline(true);
    terminal.till.say(r#"{"op":"refund","ref":"R-1","sale":"A-1","amount":200}"#);
    terminal.till.operation("R-1", "queued").await;
    terminal.till.say(r#"{"op":"end_shift","ref":"Z-1"}"#);
    terminal.until("the shift's snapshot", || !snapshots(&path).unwrap().is_empty()).await;
    let key = terminal.reader().queued().expect("outbox")[0].call.key;
    terminal.simulator.set_offline(false);
    terminal.settled().await;
    terminal.sell_and_acknowledge("A-2", 500).await;
    terminal.settled().await;
    assert_eq!(terminal.klarna().len(), 2);

    terminal.switch_off().await;
    damage(&path);
    terminal.switch_on().await;
    let log = std::fs::read_to_string(terminal.path("log")).expect("a log");
    assert!(log.contains("the journal was restored"), "{log}");
    let queued = terminal.reader().queued().expect("outbox");
    assert_eq!((queued.len(), queued[0].call.key), (1, key), "the stored key is kept");
    assert_eq!(plan(&queued[0], now(), None), Plan::ReadFirst, "it may have been done");

    // What is new does not wait for it, and cannot be taken for something old.
    terminal.sell("A-3", 700).await;
    let newest = terminal.reader().newest(1).expect("a list")[0].id;
    assert!(newest > PaymentId::new(10_080), "{newest}");
    let refund = r#"{"op":"refund","ref":"R-2","sale":"A-1","amount":100}"#;
    terminal.till.say(refund);
    terminal.till.operation("R-2", "queued").await;
    let queued = terminal.reader().queued().expect("outbox");
    let second = queued.iter().find(|row| row.call.id > queued[0].call.id).expect("R-2");
    assert_eq!(plan(second, now(), None), Plan::ReadFirst, "its like may have been done");
    let books = terminal.klarna();
    assert_eq!(books.len(), 3, "{books:?}");
    let refunded: Vec<i64> = books.values().flat_map(|book| book.refunded.clone()).collect();
    assert_eq!(refunded, [200], "nothing was given back twice");

    let warned = list(&terminal, "payments", &[]);
    assert!(warned.contains("! WARNING: the journal was restored at"), "{warned}");
    assert!(list(&terminal, "outbox", &[]).contains("looked for at Klarna before it is sent"));
    terminal.switch_off().await;
    let acknowledged = list(&terminal, "outbox", &["--acknowledge-restore"]);
    assert!(!acknowledged.contains("WARNING"), "{acknowledged}");
}

/// What a list says to people at a desk.
fn list(terminal: &Terminal, command: &str, flags: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_klarna-terminald"))
        .args([command, "--config"])
        .arg(terminal.path("terminal.toml"))
        .args(flags)
        .output()
        .expect("the binary");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
