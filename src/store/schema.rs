//! The tables, and how older files become newer ones: append-only, one transaction per version.
//!
//! A migration never drops or rewrites a row.

use super::StoreError;
use crate::id::Installation;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};
use uuid::Uuid;

/// What turns version `n` into version `n + 1`. Entries are never changed, only added.
pub(super) const MIGRATIONS: &[&str] = &[
    "
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
",
    "
    -- By which names at the acquirer a payment is found: ours (payment), and the part of the
    -- transaction's id that all spellings of it end in (transaction).
    CREATE TABLE name (
        kind    TEXT NOT NULL CHECK (kind IN ('payment', 'transaction')),
        name    TEXT NOT NULL,
        payment INTEGER NOT NULL,
        PRIMARY KEY (kind, name)
    ) STRICT, WITHOUT ROWID;
    INSERT OR IGNORE INTO name
        SELECT 'payment', json_extract(body, '$.payment_reference'), payment FROM journal
        WHERE event = 'sale_requested' AND json_valid(body)
          AND json_extract(body, '$.payment_reference') IS NOT NULL;
    INSERT OR IGNORE INTO name
        SELECT 'transaction', replace(id, rtrim(id, replace(id, ':', '')), ''), payment
        FROM (SELECT json_extract(body, '$.transaction') AS id, payment FROM journal
              WHERE event = 'authorised' AND json_valid(body))
        WHERE id IS NOT NULL;
",
];

/// Whether the file holds rows in a schema that [`migrate`] would change.
pub(super) fn is_older(connection: &Connection, migrations: &[&str]) -> Result<bool, StoreError> {
    Ok((1..newest(migrations)).contains(&found(connection)?))
}

/// Which schema the file has, and which one this program makes of it.
pub(super) fn versions(connection: &Connection) -> Result<(i64, i64), StoreError> {
    Ok((found(connection)?, newest(MIGRATIONS)))
}

fn newest(migrations: &[&str]) -> i64 {
    i64::try_from(migrations.len()).expect("there are few migrations")
}

fn found(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// Refuses a file that a newer version has written: what it says may mean something else there.
pub(super) fn check(connection: &Connection) -> Result<(), StoreError> {
    let (found, known) = (found(connection)?, newest(MIGRATIONS));
    match found > known {
        true => Err(StoreError::Newer { found, known }),
        false => Ok(()),
    }
}

/// Brings the file to the newest version; an interrupted migration starts its version again. Each
/// version is durable as a whole before the next one begins.
pub(super) fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), StoreError> {
    let found = found(connection)?;
    let done = usize::try_from(found).ok().filter(|done| *done <= migrations.len());
    let done = done.ok_or(StoreError::Newer { found, known: newest(migrations) })?;
    for (version, migration) in (1_i64..).zip(migrations).skip(done) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    make_installation(connection)
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

#[cfg(test)]
mod tests {
    use super::super::{Store, prepare_by, snapshots};
    use super::*;
    use std::path::Path;

    const BETTER: &str = "ALTER TABLE journal ADD COLUMN colour TEXT;
        UPDATE meta SET value = value || '+' WHERE name = 'mark';";
    const BROKEN: &str = "ALTER TABLE journal ADD COLUMN colour TEXT;
        UPDATE meta SET value = value || '+' WHERE name = 'mark';
        INSERT INTO nowhere VALUES (1);";

    /// A file of version 1 with one row in its journal.
    fn version_1(path: &Path) {
        let connection = prepare_by(path, &MIGRATIONS[..1]).expect("a new file");
        let row = "INSERT INTO journal (payment, at_ms, event, body) VALUES (1, 7, 'x', '{}')";
        connection.execute(row, []).expect("a row");
        set_meta(&connection, "mark", "1").expect("a mark");
    }

    fn state(path: &Path) -> (i64, i64, Option<String>) {
        let connection = Connection::open(path).expect("sqlite");
        let count = "SELECT count(*) FROM journal WHERE at_ms = 7";
        let rows = connection.query_row(count, [], |row| row.get(0)).expect("a count");
        (found(&connection).expect("a version"), rows, meta(&connection, "mark").expect("a mark"))
    }

    #[test]
    fn an_interrupted_migration_leaves_nothing_and_is_resumed() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("terminal.sqlite");
        version_1(&path);
        let steps = [MIGRATIONS[0], "UPDATE meta SET value = value || '-' WHERE name = 'mark'"];
        let broken = [&steps[..], &[BROKEN]].concat();
        prepare_by(&path, &broken).expect_err("the last step fails");
        assert_eq!(state(&path), (2, 1, Some("1-".to_owned())), "the second version is there");
        prepare_by(&path, &broken).expect_err("it fails again");
        assert_eq!(state(&path), (2, 1, Some("1-".to_owned())));
        let better = [&steps[..], &[BETTER]].concat();
        prepare_by(&path, &better).expect("it goes on where it stopped");
        assert_eq!(state(&path), (3, 1, Some("1-+".to_owned())));
    }

    #[test]
    fn an_older_file_is_copied_before_it_is_changed() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("terminal.sqlite");
        version_1(&path);
        assert!(snapshots(&path).expect("a list").is_empty(), "a new file has nothing to lose");
        let newer = [MIGRATIONS, &[BETTER]].concat();
        prepare_by(&path, &newer).expect("migrated");
        let copies = snapshots(&path).expect("a list");
        assert_eq!(copies.len(), 1);
        assert_eq!(state(&copies[0]), (1, 1, Some("1".to_owned())));
        prepare_by(&path, &newer).expect("opened");
        assert_eq!(snapshots(&path).expect("a list").len(), 1, "once");
        assert!(matches!(Store::open(&path), Err(StoreError::Newer { found: 3, .. })));
    }
}
