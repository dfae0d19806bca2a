//! Who may do what at the manager's console, and what they did: users with PINs and roles,
//! sessions, lock-out, and an audit journal whose changes show.
//!
//! It has a SQLite file of its own and never sees the payments; it knows no HTTP and no pages. It
//! reads no clock: time is an argument. All of it blocks, for as long as a hash or a commit takes,
//! and may be shared between threads; the lock inside is never held while hashing.
//!
//! # What is kept where
//! | what | where | after a restart |
//! |---|---|---|
//! | users, hashes of PINs, audit journal | file | as before |
//! | lock-out of a name | memory, and the file from the first wait on | counts again, once |
//! | lock-out of an address, sessions, set-up code | memory | gone |
//!
//! # Who gets past the door
//! 1. An address or a name with too many wrong tries waits, before anything else.
//! 2. A third try at the same time is told that the terminal is busy.
//! 3. The try is counted as a wrong one; only a right PIN takes that back.
//! 4. The PIN is compared, in the same time whether there is such a user or not.

mod actor;
mod audit;
mod code;
mod digest;
mod door;
mod guessed;
mod inside;
mod lockout;
mod people;
mod pin;
mod refusals;
mod schema;
mod session;
mod user;
mod verify;

pub use actor::{Actor, Caller, LOCAL_NAME_LEN_MAX, Peer, UnknownPeer};
pub use audit::{AUDIT_LEN_MAX, AuditEntry, AuditId, DETAIL_LEN_MAX};
pub use code::CODE_LASTS;
pub use digest::{BadHash, Hash};
pub use lockout::WAIT_MAX;
pub use people::{FIRST_PIN_LASTS, USERS_MAX};
pub use pin::{FirstPin, PIN_LEN_MAX, PIN_LEN_MIN, Pin, WeakPin};
pub use refusals::Misuse;
pub use session::{
    AGE_MAX, GRACE, IDLE_MAX, OpenSession, SESSIONS_MAX, SESSIONS_OF_USER_MAX, Session, SessionId,
    SignedIn,
};
pub use user::{BadName, NAME_LEN_MAX, Right, Role, UnknownRole, User, UserId, UserName};
pub use verify::{Broken, TOLD_EVERY, Verified, Why, verify, verify_telling, verify_with};

use crate::clock::Wall;
use audit::Deed;
use code::SetUpCode;
use lockout::Lockout;
use pin::{Cost, Hashing};
use refusals::{Gate, Refusals};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use session::Sessions;
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a reader or writer waits for the other's lock before it fails.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// Upper bound of the write-ahead log after a checkpoint, in bytes.
const WAL_SIZE_MAX: i64 = 1024 * 1024;
/// A lock outlives its holder for a moment, in a child that is just being started.
const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Why the users' file cannot be used. Payments go on without it.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The file cannot be opened or made.
    #[error("cannot open {path}: {why}; check that the directory exists and is writable")]
    Open {
        /// The users' file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// Another daemon has it open.
    #[error("{0} is in use by another klarna-terminald; stop that one first")]
    InUse(PathBuf),
    /// SQLite would not promise durability on this file system.
    #[error("journal_mode is {0:?} instead of \"wal\"; put the users' file on a local disk")]
    NotDurable(String),
    /// A newer version has written this file.
    #[error(
        "the users' file has schema {found}, this version knows up to {known}; install a newer one"
    )]
    Newer {
        /// In the file.
        found: i64,
        /// In this binary.
        known: i64,
    },
    /// The disk is full.
    #[error("the disk is full; free some space and try again")]
    Full,
    /// The file or file system cannot be written.
    #[error("the users' file is read-only; check the file system")]
    ReadOnly,
    /// The file is damaged.
    #[error("the users' file is damaged ({0}); keep it and restore a backup")]
    Damaged(String),
    /// A row that this version did not write.
    #[error("row {row} of {table} cannot be read: {why}; keep the users' file and ask for support")]
    BadRow {
        /// In which table.
        table: &'static str,
        /// Its number.
        row: i64,
        /// What is wrong.
        why: String,
    },
    /// A hash that cannot be made or compared with.
    #[error("a PIN cannot be hashed ({0}); have it reset, or free some memory")]
    BadHash(String),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes ({0}); restart the terminal")]
    NoRandomness(String),
    /// Anything else that SQLite says.
    #[error("users' file: {0}")]
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for AccessError {
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

/// Why something was not done. Each text says to whoever asked what to do.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There is no such user, the PIN is another one, or the user is locked: nobody is told which.
    #[error("the name or the PIN is wrong; try again, or ask an admin for a new PIN")]
    WrongNameOrPin,
    /// The set-up code is another one.
    #[error("the set-up code is wrong or too old; read it from the terminal again")]
    WrongCode,
    /// Too many wrong tries; this one was not looked at.
    #[error("there were too many wrong tries; wait {} seconds and try again", seconds(.0))]
    Wait(Duration),
    /// Others are just signing in; this try was not looked at and does not count.
    #[error("the terminal is busy with other sign-ins; try again in a moment")]
    Busy,
    /// There are no users yet.
    #[error("there are no users yet; make the first admin with the code that the terminal shows")]
    MustUseCode,
    /// There is an admin already.
    #[error("the set-up is done; sign in, or ask an admin to add you")]
    IsSetUp,
    /// The first PIN is right, but was not used in time.
    #[error("this first PIN was good for seven days; ask an admin for a new one")]
    FirstPinLapsed,
    /// The session has ended meanwhile.
    #[error("you are signed out; sign in again")]
    SignedOut,
    /// The PIN is too easily guessed.
    #[error(transparent)]
    WeakPin(#[from] WeakPin),
    /// The new PIN is the old one.
    #[error("the new PIN is the old one; choose another")]
    SamePin,
    /// Somebody else has that name.
    #[error("there is a user {0} already; choose another name")]
    NameTaken(UserName),
    /// There is no room for more.
    #[error("there are {USERS_MAX} users, which is the most; lock one that has left")]
    TooManyUsers,
    /// Nobody could undo it.
    #[error("this is the last admin with a PIN of their own; make another one first")]
    LastAdmin,
    /// There is no such user.
    #[error("there is no user with the number {0}; look at the list again")]
    NotKnown(UserId),
    /// Whoever asks may not do that.
    #[error("you may not do that; ask an admin")]
    NotAllowed,
    /// The file cannot be used.
    #[error(transparent)]
    Stopped(#[from] AccessError),
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        Self::Stopped(error.into())
    }
}

/// A second that has begun is waited for as a whole.
fn seconds(wait: &Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// The users' file, open for as long as the daemon runs. One per file and machine.
#[derive(Debug)]
pub struct Access {
    inner: Mutex<Inner>,
    hashing: Hashing,
    _lock: File,
}

#[derive(Debug)]
struct Inner {
    connection: Connection,
    sessions: Sessions,
    lockout: Lockout,
    refusals: Refusals,
    turned_away: Refusals,
    code: Option<SetUpCode>,
}

impl Access {
    /// Opens or makes the file at `path`, brings it to the newest schema and begins its journal.
    /// What is committed from here on survives a power cut (WAL, `synchronous=FULL`).
    ///
    /// # Errors
    /// Every [`AccessError`]; nobody can sign in then, and payments go on.
    pub fn open(path: &Path, now: Wall) -> Result<Self, AccessError> {
        Self::open_with(path, now, Cost::TODAY)
    }

    fn open_with(path: &Path, now: Wall, cost: Cost) -> Result<Self, AccessError> {
        let lock = lock(path)?;
        let mut connection = prepare(path)?;
        let users = people::start(&mut connection, now)?;
        let names = users.iter().map(|row| lockout::name_key(row.user.name.as_str())).collect();
        let lockout = Lockout::load(&connection, &names)?;
        let code = match users.iter().any(|row| people::is_admin(row, now)) {
            true => None,
            false => Some(SetUpCode::random()?),
        };
        let inner = Inner {
            connection,
            sessions: Sessions::default(),
            lockout,
            refusals: Refusals::at(Gate::SignIn),
            turned_away: Refusals::at(Gate::Request),
            code,
        };
        Ok(Self { inner: Mutex::new(inner), hashing: Hashing::new(cost)?, _lock: lock })
    }

    /// Adds what others did to the audit journal; durable when it returns. `detail` must hold no
    /// PIN, code or token; of one longer than [`DETAIL_LEN_MAX`] the beginning is kept.
    ///
    /// # Errors
    /// [`AccessError::Full`], [`AccessError::ReadOnly`], [`AccessError::Damaged`] or
    /// [`AccessError::Sqlite`].
    pub fn note(
        &self,
        at: Wall,
        by: &Actor,
        peer: &Peer,
        action: &'static str,
        detail: &serde_json::Value,
    ) -> Result<AuditId, AccessError> {
        let deed = Deed { at, by, peer: Some(*peer), action, detail: detail.clone() };
        self.lock().write(|transaction| audit::append(transaction, deed))
    }

    /// As [`Self::note`], of what came over the broker: nobody knows from where.
    ///
    /// # Errors
    /// As [`Self::note`].
    pub fn note_from_afar(
        &self,
        at: Wall,
        by: &Actor,
        action: &'static str,
        detail: serde_json::Value,
    ) -> Result<AuditId, AccessError> {
        let deed = Deed { at, by, peer: None, action, detail };
        self.lock().write(|transaction| audit::append(transaction, deed))
    }

    /// Entries of the audit journal, the newest first, beginning with `newest_first_from` (with
    /// the last one, if it is not given); at most [`AUDIT_LEN_MAX`]. Refused tries of the last
    /// minute may not be among them yet.
    ///
    /// # Errors
    /// [`AccessError::BadRow`] or [`AccessError::Sqlite`].
    pub fn audit(
        &self,
        newest_first_from: Option<AuditId>,
        count: u32,
    ) -> Result<Vec<AuditEntry>, AccessError> {
        audit::newest(&self.lock().connection, newest_first_from, count)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere must not lock the manager out; transactions undo themselves.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// All of `work` or nothing of it; durable when it returns `Ok`.
    fn write<T, E: From<rusqlite::Error>>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let behavior = TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }

    /// What was counted more than a minute ago and has no entry yet.
    fn due(&mut self, now: crate::clock::Mono) -> Vec<Deed<'static>> {
        let mut deeds = self.refusals.due(now);
        deeds.extend(self.turned_away.due(now));
        deeds
    }

    fn append_all(&mut self, deeds: Vec<Deed<'_>>) -> Result<(), AccessError> {
        if deeds.is_empty() {
            return Ok(());
        }
        self.write(|transaction| {
            deeds.into_iter().try_for_each(|deed| audit::append(transaction, deed).map(drop))
        })
    }
}

impl Drop for Inner {
    /// Refused tries that have no entry yet get one.
    fn drop(&mut self) {
        let mut deeds = self.refusals.all();
        deeds.extend(self.turned_away.all());
        if let Err(error) = self.append_all(deeds) {
            tracing::error!(%error, "refusals of the last minute are not in the audit journal");
        }
    }
}

fn prepare(path: &Path) -> Result<Connection, AccessError> {
    // Made before SQLite would, so that nobody else can ever read it; its log gets the same mode.
    let made = File::options().create(true).append(true).mode(0o600).open(path);
    let file = made.map_err(|why| cannot_open(path, &why))?;
    let private = rustix::fs::fchmod(&file, rustix::fs::Mode::from_raw_mode(0o600));
    private.map_err(|why| cannot_open(path, &why))?;
    let mut connection = Connection::open(path).map_err(|why| cannot_open(path, &why))?;
    connection.busy_timeout(BUSY_WAIT)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(AccessError::NotDurable(mode));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.query_row(&format!("PRAGMA journal_size_limit = {WAL_SIZE_MAX}"), [], |_| Ok(()))?;
    let whole: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if whole != "ok" {
        return Err(AccessError::Damaged(whole));
    }
    schema::migrate(&mut connection, schema::MIGRATIONS)?;
    Ok(connection)
}

/// What is counted in memory is counted once: there is one daemon per file.
fn lock(path: &Path) -> Result<File, AccessError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let file = File::options().create(true).append(true).mode(0o600).open(&beside);
    let file = file.map_err(|why| cannot_open(path, &why))?;
    for _ in 0..LOCK_TRIES {
        match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(_) => std::thread::sleep(LOCK_PAUSE),
        }
    }
    Err(AccessError::InUse(path.to_owned()))
}

fn cannot_open(path: &Path, why: &dyn std::fmt::Display) -> AccessError {
    AccessError::Open { path: path.to_owned(), why: why.to_string() }
}

#[cfg(test)]
mod tests;
