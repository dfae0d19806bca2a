//! Databases that earlier versions have left in shops, with calls that are not done: every row is
//! still there, and the terminal goes on from it.

use crate::scenario::world::policy;
use klarna_terminald::clock::{Mono, Now, Wall};
use klarna_terminald::payment::{Engine, Payment};
use klarna_terminald::store::{Reader, Store, StoreError, open_or_restore};
use rusqlite::Connection;
use rusqlite::types::Value;
use std::path::Path;

/// One for each version of the schema that was ever in a shop.
const VERSIONS: &[&str] =
    &[include_str!("../fixtures/store/v1.sql"), include_str!("../fixtures/store/v2.sql")];

/// The calls that wait in each of them.
const WAITING: &[&[&str]] =
    &[&["000001.5", "000002.2", "000005.2"], &["000001.5", "000002.2", "000005.2", "000006.1"]];

const TABLES: &[&str] = &["meta", "journal", "payment", "reference", "outbox"];

#[test]
fn every_row_of_every_version_is_there_and_is_understood() {
    for (index, dump) in VERSIONS.iter().enumerate() {
        let version = i64::try_from(index + 1).expect("few versions");
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("terminal.sqlite");
        let connection = Connection::open(&path).expect("sqlite");
        connection.execute_batch(dump).expect("the fixture");
        let found: i64 =
            connection.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a version");
        assert_eq!(found, version);
        drop(connection);
        let before = rows(&path);
        let store = open_or_restore(&path, Wall::from_millis(0), &replays).expect("it opens");
        assert_eq!(rows(&path), before, "version {version}");
        let reader = store.reader().expect("a reader");
        assert_eq!(reader.restored().expect("a mark"), None);
        let waiting: Vec<String> =
            reader.queued().expect("rows").iter().map(|row| row.call.id.to_string()).collect();
        assert_eq!(waiting, WAITING[index], "version {version}");
        assert_eq!(reader.refused().expect("rows").len(), 2, "version {version}");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("terminal.sqlite");
    drop(Store::open(&path).expect("a new database"));
    let connection = Connection::open(&path).expect("sqlite");
    let newest: isize =
        connection.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a version");
    assert_eq!(newest.unsigned_abs(), VERSIONS.len(), "a schema without a fixture");
}

/// The journal makes an engine that owes what the outbox says.
pub fn replays(reader: &Reader) -> Result<(), StoreError> {
    let installation = reader.installation()?;
    let mut engine = Engine::new(installation, policy(), reader.last_payment()?);
    let now = Now { mono: Mono::default(), wall: Wall::from_millis(0) };
    engine
        .replay(now, &reader.open_records()?)
        .map_err(|error| StoreError::Contradiction(error.to_string()))?;
    let queued = reader.queued()?;
    let owed: Vec<_> = engine.payments().flat_map(Payment::open_calls).collect();
    let rows: Vec<_> = queued.iter().map(|row| (row.call.id, &row.call.kind)).collect();
    assert_eq!(owed, rows);
    Ok(())
}

/// All that the tables hold.
fn rows(path: &Path) -> Vec<(String, Vec<Value>)> {
    let connection = Connection::open(path).expect("sqlite");
    let mut found = Vec::new();
    for table in TABLES {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).expect("a table");
        let width = statement.column_count();
        let mut rows = statement.query([]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            let values = (0..width).map(|column| row.get(column).expect("a value"));
            found.push((table.to_string(), values.collect()));
        }
    }
    found
}
