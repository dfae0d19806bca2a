//! The tables, and how older files become newer ones: append-only, one transaction per version.
//!
//! A migration never drops or rewrites a row.

use super::StoreError;
use crate::id::Installation;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};
use uuid::Uuid;

/// What turns version `n` into version `n + 1`. Entries are never changed, only added.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE meta (
        name  TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT;

    -- All that has happened. payment is NULL for what is about the terminal itself.
    CREATE TABLE journal (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        payment  INTEGER,
        at_ms    INTEGER NOT NULL,
        event    TEXT NOT NULL,
        body     TEXT NOT NULL
    ) STRICT;
    CREATE INDEX journal_by_payment ON journal (payment, sequence);
    CREATE TRIGGER journal_is_append_only_update BEFORE UPDATE ON journal
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
    CREATE TRIGGER journal_is_append_only_delete BEFORE DELETE ON journal
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

    -- Which payments may still move, so that a start need not read the others.
    CREATE TABLE payment (
        id   INTEGER PRIMARY KEY,
        open INTEGER NOT NULL CHECK (open IN (0, 1))
    ) STRICT;
    CREATE INDEX payment_open ON payment (id) WHERE open = 1;

    -- What the till's references mean. payment is NULL for a closed shift.
    CREATE TABLE reference (
        reference TEXT PRIMARY KEY,
        payment   INTEGER
    ) STRICT, WITHOUT ROWID;

    -- Calls at the acquirer. A row is there before the first byte of its request.
    CREATE TABLE outbox (
        payment          INTEGER NOT NULL,
        sequence         INTEGER NOT NULL,
        operation        TEXT NOT NULL,
        body             TEXT NOT NULL,
        key              TEXT NOT NULL UNIQUE,
        generation       INTEGER NOT NULL,
        queued_at_ms     INTEGER NOT NULL,
        first_attempt_ms INTEGER NOT NULL,
        state            TEXT NOT NULL CHECK (state IN ('queued', 'closed', 'refused')),
        refusal          TEXT,
        PRIMARY KEY (payment, sequence)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX outbox_open ON outbox (payment, sequence) WHERE state <> 'closed';
"];

/// The schema version that this binary writes.
pub(super) fn version() -> i64 {
    i64::try_from(MIGRATIONS.len()).expect("there are few migrations")
}

/// Whether the file holds a schema that [`migrate`] would change.
pub(super) fn is_older(connection: &Connection) -> Result<bool, StoreError> {
    Ok((1..version()).contains(&found(connection)?))
}

fn found(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// Brings the file to the newest version; an interrupted migration starts its version again.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    migrate_by(connection, MIGRATIONS)?;
    make_installation(connection)
}

fn migrate_by(connection: &mut Connection, migrations: &[&str]) -> Result<(), StoreError> {
    let found = found(connection)?;
    let done = usize::try_from(found).ok().filter(|done| *done <= migrations.len());
    let done = done.ok_or(StoreError::Newer { found, known: version() })?;
    for (version, migration) in (1_i64..).zip(migrations).skip(done) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

fn make_installation(connection: &Connection) -> Result<(), StoreError> {
    match meta(connection, INSTALLATION)? {
        Some(_) => Ok(()),
        None => set_installation(connection, Uuid::new_v4()),
    }
}

/// From here on keys and references are made with `id`; those that are stored stay as they are.
pub(super) fn set_installation(connection: &Connection, id: Uuid) -> Result<(), StoreError> {
    set_meta(connection, INSTALLATION, &id.to_string())
}

const INSTALLATION: &str = "installation";

/// The random number made with this journal.
pub(super) fn installation(connection: &Connection) -> Result<Installation, StoreError> {
    let text = meta(connection, INSTALLATION)?;
    let text = text.ok_or_else(|| StoreError::Damaged("it has no installation id".to_owned()))?;
    let uuid = Uuid::parse_str(&text).map_err(|error| StoreError::Damaged(error.to_string()))?;
    Ok(Installation::new(uuid))
}

/// A value noted about the database itself.
pub(super) fn meta(connection: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

/// Notes a value about the database itself; durable when it returns.
pub(super) fn set_meta(connection: &Connection, name: &str, value: &str) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO meta (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )?;
    statement.execute([name, value])?;
    Ok(())
}
