//! The tables, and how older files become newer ones: append-only, one transaction per version.
//!
//! A migration never drops or rewrites a row of the audit journal.

use super::AccessError;
use rusqlite::{Connection, TransactionBehavior};

/// What turns version `n` into version `n + 1`. Entries are never changed, only added.
pub(super) const MIGRATIONS: &[&str] = &["
    -- first_pin_ms: since when the PIN is one that was handed over and is to be changed.
    CREATE TABLE user (
        id              INTEGER PRIMARY KEY AUTOINCREMENT,
        name            TEXT NOT NULL UNIQUE,
        role            TEXT NOT NULL CHECK (role IN ('cashier', 'manager', 'admin')),
        is_locked       INTEGER NOT NULL DEFAULT 0 CHECK (is_locked IN (0, 1)),
        pin             TEXT NOT NULL,
        first_pin_ms    INTEGER,
        created_ms      INTEGER NOT NULL,
        last_sign_in_ms INTEGER
    ) STRICT;

    -- From where a user has signed in. address is a hash of both.
    CREATE TABLE known_address (
        user    INTEGER NOT NULL REFERENCES user (id),
        address BLOB NOT NULL,
        last_ms INTEGER NOT NULL,
        PRIMARY KEY (user, address)
    ) STRICT, WITHOUT ROWID;

    -- Wrong PINs, once they make somebody wait. name is a hash: what was typed there may have been
    -- a PIN. place is empty for all addresses together that are not known.
    CREATE TABLE lockout (
        name     BLOB NOT NULL,
        place    BLOB NOT NULL,
        failures INTEGER NOT NULL,
        PRIMARY KEY (name, place)
    ) STRICT, WITHOUT ROWID;

    -- All that was done. hash covers the hash before it.
    CREATE TABLE audit (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        at_ms    INTEGER NOT NULL,
        actor    TEXT NOT NULL,
        peer     TEXT NOT NULL,
        action   TEXT NOT NULL,
        detail   TEXT NOT NULL,
        hash     BLOB NOT NULL
    ) STRICT;
    CREATE TRIGGER audit_is_append_only_update BEFORE UPDATE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit journal is append-only'); END;
    CREATE TRIGGER audit_is_append_only_delete BEFORE DELETE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit journal is append-only'); END;
"];

/// Brings the file to the newest version; an interrupted migration starts its version again.
pub(super) fn migrate(connection: &mut Connection, steps: &[&str]) -> Result<(), AccessError> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = i64::try_from(steps.len()).expect("there are few migrations");
    let done = usize::try_from(found).ok().filter(|done| *done <= steps.len());
    let done = done.ok_or(AccessError::Newer { found, known })?;
    for (version, step) in (1_i64..).zip(steps).skip(done) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(connection: &Connection) -> i64 {
        connection.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a version")
    }

    #[test]
    fn an_interrupted_migration_leaves_nothing_and_is_resumed() {
        let mut connection = Connection::open_in_memory().expect("sqlite");
        let broken = "ALTER TABLE user ADD COLUMN colour TEXT; INSERT INTO nowhere VALUES (1);";
        migrate(&mut connection, &[MIGRATIONS[0], broken]).expect_err("the last step fails");
        assert_eq!(version(&connection), 1);
        let better = "ALTER TABLE user ADD COLUMN colour TEXT;";
        migrate(&mut connection, &[MIGRATIONS[0], better]).expect("it goes on where it stopped");
        assert_eq!(version(&connection), 2);
    }

    #[test]
    fn a_newer_file_is_refused() {
        let mut connection = Connection::open_in_memory().expect("sqlite");
        connection.pragma_update(None, "user_version", 9).expect("set");
        let refused = migrate(&mut connection, MIGRATIONS);
        assert!(matches!(refused, Err(AccessError::Newer { found: 9, known: 1 })));
    }
}
