//! The terminal's memory: journal, outbox and till references in one SQLite file.
//!
//! The daemon is the only writer; everybody else reads over a connection of their own
//! ([`Reader`]). It knows nothing of what events mean.
//!
//! # What is durable when
//! | after | survives a power cut | survives a damaged file |
//! |---|---|---|
//! | [`Store::commit`] returned `Ok` | yes, all of it | from the next snapshot on |
//! | [`Store::commit`] failed, or had not returned | all of it or nothing of it | |
//! | [`take_snapshot`] returned `Ok` | yes | yes: [`open_or_restore`] finds it |
//!
//! What a restore cannot bring back is still in the file that it sets aside, and at the acquirer.

mod journal;
mod outbox;
mod reader;
mod restore;
mod schema;
mod snapshot;

pub use outbox::{OutboxRow, RefusedCall};
pub use reader::{LIST_LEN_MAX, PaymentRow, Reader, SEARCHED_PAYMENTS_MAX, ShiftRows};
pub use restore::{Restored, open_or_restore};
pub use snapshot::{KEPT_MAX, examine, snapshots, take_snapshot};

use crate::clock::{Boot, Wall};
use crate::id::{Installation, PaymentId};
use crate::payment::Step;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a reader or writer waits for the other's lock before it fails.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// Upper bound of the write-ahead log after a checkpoint, in bytes.
const WAL_SIZE_MAX: i64 = 4 * 1024 * 1024;
/// A lock outlives its holder for a moment, in a child that is just being started.
const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// What [`Store::probe`] writes, in bytes: more than any one step, so that the next one fits.
const PROBE_LEN: i64 = 64 * 1024;

/// Why the store cannot be used. Each variant is something else for staff to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened or made.
    #[error("cannot open {path}: {why}; check that the directory exists and is writable")]
    Open {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// Another daemon has it open.
    #[error("{0} is in use by another klarna-terminald; stop that one first")]
    InUse(PathBuf),
    /// SQLite would not promise durability on this file system.
    #[error("{setting} is {got:?} instead of {wanted:?}; put the database on a local disk")]
    NotDurable {
        /// Which pragma.
        setting: &'static str,
        /// What it answered.
        got: String,
        /// What it must answer.
        wanted: &'static str,
    },
    /// A newer version has written this file.
    #[error(
        "the database has schema {found}, this version knows up to {known}; install a newer one"
    )]
    Newer {
        /// In the file.
        found: i64,
        /// In this binary.
        known: i64,
    },
    /// The disk is full.
    #[error("the disk is full; free some space, the terminal goes on by itself")]
    Full,
    /// The file or file system cannot be written.
    #[error("the database is read-only; check the file system")]
    ReadOnly,
    /// The file is damaged.
    #[error("the database is damaged ({0}); keep the file and restore a backup")]
    Damaged(String),
    /// The file is whole, but what it says cannot have happened.
    #[error("the journal contradicts itself ({0}); keep the database and ask for support")]
    Contradiction(String),
    /// A row that this version did not write.
    #[error("journal row {row} cannot be read: {why}")]
    BadRow {
        /// Its sequence number.
        row: i64,
        /// What is wrong.
        why: String,
    },
    /// Anything else that SQLite says.
    #[error("database: {0}")]
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Sqlite(error),
        }
    }
}

impl StoreError {
    /// Whether the file's content is at fault, so that a snapshot of it may help. A row of a newer
    /// version, a full disk or a failing cable is no such fault.
    fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged(_))
    }
}

/// The one writing connection.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    installation: Installation,
    /// Payments up to this one may have gone on without this journal.
    restored_through: Option<PaymentId>,
    commits: u64,
    _lock: File,
}

impl Store {
    /// Opens or makes the database at `path`, migrates it and checks that what it commits is
    /// durable: WAL, `synchronous=FULL`, a quick check of the file, one daemon at a time.
    ///
    /// # Errors
    /// Every [`StoreError`]; no payment may be taken then.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        Self::new(prepare(path)?, path, lock)
    }

    fn new(connection: Connection, path: &Path, lock: File) -> Result<Self, StoreError> {
        let installation = schema::installation(&connection)?;
        keep_log(&connection, false)?;
        let restored = restore::restored(&connection)?;
        let restored_through = restored.map(|restored| restored.through);
        let path = path.to_owned();
        Ok(Self { connection, path, installation, restored_through, commits: 0, _lock: lock })
    }

    /// Writes all of `step` in one transaction. When it returns `Ok`, the events, the outbox rows
    /// and the references are on disk and survive a power cut; on an error nothing of it can be
    /// read. If the power fails right after an error, all of it may be there after all, as in any
    /// commit that was under way: what was refused for it may then be found begun.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::ReadOnly`], [`StoreError::Damaged`] or
    /// [`StoreError::Sqlite`].
    pub fn commit(&mut self, step: &Step) -> Result<(), StoreError> {
        if !step.is_durable() {
            return Ok(());
        }
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        journal::append(&transaction, step)?;
        outbox::apply(&transaction, &step.outbox, step.now().wall, self.restored_through)?;
        transaction.commit()?;
        self.commits += 1;
        Ok(())
    }

    /// Notes in which run of the machine the journal is being written; returns what was noted
    /// before. Durable when it returns.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn note_boot(&mut self, boot: Option<&Boot>) -> Result<Option<Boot>, StoreError> {
        let earlier = schema::meta(&self.connection, "boot")?;
        schema::set_meta(&self.connection, "boot", &journal::json(&boot))?;
        Ok(earlier.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Notes what the till has registered for. Durable when it returns.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn note_till(&mut self, registered: &[u8]) -> Result<(), StoreError> {
        schema::set_meta(&self.connection, "till", &journal::json(&registered))
    }

    /// What the till has registered for, if it has.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`].
    pub fn till(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let noted = schema::meta(&self.connection, "till")?;
        Ok(noted.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Tries whether the database can be written again after a failed commit: the journal takes a
    /// row (which is taken back), and there is room for the next step.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn probe(&mut self) -> Result<(), StoreError> {
        let mut transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let row = "INSERT INTO journal (payment, at_ms, event, body) VALUES (NULL, 0, 'probe', '')";
        let trial = transaction.savepoint()?;
        trial.execute(row, [])?;
        drop(trial);
        let room = "INSERT INTO meta (name, value) VALUES ('probe', printf('%.*c', ?1, ' '))
                    ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        transaction.execute(room, [PROBE_LEN])?;
        transaction.commit()?;
        Ok(())
    }

    /// Ends the warning that [`Reader::restored`] gives; durable when it returns.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn acknowledge_restore(&mut self) -> Result<(), StoreError> {
        restore::acknowledge(&self.connection)
    }

    /// The random number made with this journal.
    pub fn installation(&self) -> Installation {
        self.installation
    }

    /// How many durable commits there have been since it was opened.
    pub fn commits(&self) -> u64 {
        self.commits
    }

    /// A reading connection of its own.
    ///
    /// # Errors
    /// [`StoreError::Open`] or [`StoreError::Sqlite`].
    pub fn reader(&self) -> Result<Reader, StoreError> {
        Reader::open(&self.path)
    }
}

/// Opens the file, makes sure of its durability and content, and brings it to the newest schema.
/// A file of an older schema is copied first.
fn prepare(path: &Path) -> Result<Connection, StoreError> {
    prepare_by(path, schema::MIGRATIONS)
}

fn prepare_by(path: &Path, migrations: &[&str]) -> Result<Connection, StoreError> {
    if !path.exists() && (suffixed(path, "-wal").exists() || !snapshots(path)?.is_empty()) {
        let why = "the file is gone, and what was kept beside it is there";
        return Err(StoreError::Damaged(why.to_owned()));
    }
    let mut connection = Connection::open(path).map_err(|why| cannot_open(path, &why))?;
    keep_log(&connection, true)?;
    restrict_access(path)?;
    connection.busy_timeout(BUSY_WAIT)?;
    make_durable(&connection)?;
    is_whole(&connection)?;
    if schema::is_older(&connection, migrations)? {
        take_snapshot(path, journal::newest(&connection)?)?;
    }
    schema::migrate(&mut connection, migrations)?;
    Ok(connection)
}

/// SQLite would carry the log into the file when the last connection is closed, and delete it. A
/// file that is to be set aside is left as it was found.
fn keep_log(connection: &Connection, keep: bool) -> Result<(), StoreError> {
    let setting = rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    connection.set_db_config(setting, keep)?;
    Ok(())
}

/// SQLite's own check of the file's structure.
fn is_whole(connection: &Connection) -> Result<(), StoreError> {
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    match verdict.as_str() {
        "ok" => Ok(()),
        _ => Err(StoreError::Damaged(verdict)),
    }
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// For file names: `20260131T120000Z`.
fn utc(at: Wall) -> String {
    let text = at.iso8601();
    let seconds = text.split('.').next().unwrap_or_default();
    seconds.chars().filter(char::is_ascii_alphanumeric).chain(['Z']).collect()
}

fn io_failed(path: &Path, error: &std::io::Error) -> StoreError {
    match error.kind() {
        std::io::ErrorKind::StorageFull => StoreError::Full,
        std::io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly,
        _ => cannot_open(path, error),
    }
}

fn cannot_open(path: &Path, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Open { path: path.to_owned(), why: why.to_string() }
}

/// An advisory lock beside the database: SQLite itself would let two daemons share it.
fn lock(path: &Path) -> Result<File, StoreError> {
    let file = File::options()
        .create(true)
        .write(true)
        .truncate(false)
        .mode(0o600)
        .open(suffixed(path, ".lock"))
        .map_err(|why| cannot_open(path, &why))?;
    for _ in 0..LOCK_TRIES {
        match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(_) => std::thread::sleep(LOCK_PAUSE),
        }
    }
    Err(StoreError::InUse(path.to_owned()))
}

/// The journal names what people bought, so nobody but the daemon reads it.
fn restrict_access(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .map_err(|why| cannot_open(path, &why))
}

fn make_durable(connection: &Connection) -> Result<(), StoreError> {
    let journal_mode: String =
        connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if journal_mode != "wal" {
        let (setting, wanted) = ("journal_mode", "wal");
        return Err(StoreError::NotDurable { setting, got: journal_mode, wanted });
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.query_row(&format!("PRAGMA journal_size_limit = {WAL_SIZE_MAX}"), [], |_| Ok(()))?;
    let synchronous: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
    if synchronous != 2 {
        let (setting, wanted) = ("synchronous", "2 (FULL)");
        return Err(StoreError::NotDurable { setting, got: synchronous.to_string(), wanted });
    }
    Ok(())
}

fn read_only(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(path, flags).map_err(|why| cannot_open(path, &why))?;
    connection.busy_timeout(BUSY_WAIT)?;
    Ok(connection)
}
