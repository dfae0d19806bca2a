//! The relay's file: its tables, and how it is opened so that what is committed stays.
//!
//! It holds hints, no money: a file that is lost costs terminals some seconds.

use super::ShelfError;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::fs::{File, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a lock of somebody who looks at the file is waited for. Klarna waits for the answer
/// meanwhile.
const BUSY_WAIT: Duration = Duration::from_secs(2);
/// Pages of the log before they are carried into the file: 32 MiB, as ids come in no order and each
/// touches a page of its own.
const CHECKPOINT_PAGES: i64 = 8192;
/// Upper bound of the log after that, in bytes: what a burst has made of it is given back.
const LOG_LEN_MAX: i64 = 64 * 1024 * 1024;
/// Memory for pages, in KiB: the index of a million ids is about this large.
const CACHE_KIB: i64 = 64 * 1024;

/// What turns version `n` into version `n + 1`. Entries are never changed, only added.
const MIGRATIONS: &[&str] = &[
    "
    -- Notices that were taken in, by the id of their event. The oldest have the smallest ids.
    CREATE TABLE seen (
        id    INTEGER PRIMARY KEY,
        event TEXT NOT NULL UNIQUE,
        at_ms INTEGER NOT NULL
    ) STRICT;

    -- Messages that wait to be published.
    CREATE TABLE outbox (
        id             INTEGER PRIMARY KEY AUTOINCREMENT,
        store          TEXT NOT NULL,
        terminal       TEXT NOT NULL,
        event          TEXT NOT NULL,
        event_type     TEXT NOT NULL,
        request_id     TEXT,
        transaction_id TEXT,
        occurred_ms    INTEGER NOT NULL,
        at_ms          INTEGER NOT NULL,
        expires_ms     INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX outbox_by_end ON outbox (expires_ms);

    -- Whose transaction it is; name is what all spellings of its id end in.
    CREATE TABLE transactions (
        id         INTEGER PRIMARY KEY,
        name       TEXT NOT NULL UNIQUE,
        store      TEXT NOT NULL,
        terminal   TEXT NOT NULL,
        request_id TEXT
    ) STRICT;

    -- What is of no terminal: settlements, the account, disputes of unknown transactions.
    CREATE TABLE account_notices (
        id             INTEGER PRIMARY KEY,
        event          TEXT NOT NULL,
        event_type     TEXT NOT NULL,
        account        TEXT,
        transaction_id TEXT,
        dispute        TEXT,
        occurred_ms    INTEGER NOT NULL,
        at_ms          INTEGER NOT NULL
    ) STRICT;
",
    "
    -- What people are to know, and not only the terminal. A message for everybody has no store.
    ALTER TABLE outbox ADD COLUMN concern TEXT;
    ALTER TABLE outbox ADD COLUMN dispute TEXT;
",
];

/// The writing connection, with the file locked for as long as the second part lives.
pub(super) fn open(path: &Path) -> Result<(Connection, File), ShelfError> {
    let lock = lock(path)?;
    let cannot = |why: &dyn std::fmt::Display| cannot_open(path, why);
    let mut connection = Connection::open(path).map_err(|why| cannot(&why))?;
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(|why| cannot(&why))?;
    prepare(&mut connection).map_err(|error| match error {
        ShelfError::Sqlite(why) => cannot(&why),
        error => error,
    })?;
    Ok((connection, lock))
}

/// A connection for looking only.
pub(super) fn open_reader(path: &Path) -> Result<Connection, ShelfError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(path, flags).map_err(|why| cannot_open(path, &why))?;
    connection.busy_timeout(BUSY_WAIT)?;
    Ok(connection)
}

fn prepare(connection: &mut Connection) -> Result<(), ShelfError> {
    connection.busy_timeout(BUSY_WAIT)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let synchronous: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
    if mode != "wal" || synchronous != 2 {
        return Err(ShelfError::NotDurable(format!("{mode}, synchronous {synchronous}")));
    }
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    // These two answer with a row.
    for (pragma, value) in
        [("wal_autocheckpoint", CHECKPOINT_PAGES), ("journal_size_limit", LOG_LEN_MAX)]
    {
        connection.query_row(&format!("PRAGMA {pragma} = {value}"), [], |_| Ok(()))?;
    }
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(ShelfError::Damaged(verdict));
    }
    migrate(connection)
}

fn migrate(connection: &mut Connection) -> Result<(), ShelfError> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = i64::try_from(MIGRATIONS.len()).expect("there are few migrations");
    let done = usize::try_from(found).ok().filter(|done| *done <= MIGRATIONS.len());
    let done = done.ok_or(ShelfError::Newer { found, known })?;
    for (version, step) in (1_i64..).zip(MIGRATIONS).skip(done) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

/// SQLite itself would let two relays share the file, and each would count for itself.
fn lock(path: &Path) -> Result<File, ShelfError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = File::options()
        .create(true)
        .write(true)
        .truncate(false)
        .mode(0o600)
        .open(PathBuf::from(name))
        .map_err(|why| cannot_open(path, &why))?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| ShelfError::InUse(path.to_owned()))?;
    Ok(file)
}

fn cannot_open(path: &Path, why: &dyn std::fmt::Display) -> ShelfError {
    ShelfError::Open { path: path.to_owned(), why: why.to_string() }
}
