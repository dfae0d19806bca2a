//! Starting with a database that may be damaged: it is set aside, the newest good snapshot takes
//! its place, and everybody is told.
//!
//! What happened after the snapshot is not known here but may have happened at the acquirer. So a
//! restored journal makes new keys and references, skips payment numbers, and everything about its
//! payments is read at the acquirer before it is sent.

use super::snapshot::{snapshots, sync_directory};
use super::{
    Store, StoreError, io_failed, is_whole, journal, lock, prepare, schema, suffixed, utc,
};
use crate::clock::Wall;
use crate::id::PaymentId;
use crate::store::Reader;
use rusqlite::Connection;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// How many payment numbers are skipped after a restore: more payments than one terminal takes
/// between two snapshots, even if none could be taken for a week (one a minute, day and night).
const NUMBERS_SKIPPED: u32 = 10_080;
const RESTORED: &str = "restored";
const ACKNOWLEDGED: &str = "restored_acknowledged";

/// That this journal was restored from a snapshot, and when.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Restored {
    /// When.
    pub at: Wall,
    /// What was wrong with the database.
    pub why: String,
    /// The snapshot's file name.
    pub snapshot: String,
    /// The name under which the damaged database was kept.
    pub set_aside: String,
    /// Payments up to this number may have gone on after the snapshot.
    pub through: PaymentId,
    /// The newest journal row at that time.
    sequence: i64,
}

impl Restored {
    /// The newest payment number that may have been in use.
    pub(super) fn last_payment(&self) -> PaymentId {
        PaymentId::new(self.through.number().saturating_add(NUMBERS_SKIPPED))
    }
}

impl std::fmt::Display for Restored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the journal was restored at {} from snapshot {}; what happened between the two is \
             only in {} and at Klarna: compare the books",
            self.at.iso8601(),
            self.snapshot,
            self.set_aside
        )
    }
}

/// As [`Store::open`] for a journal that `check` accepts. A damaged database, or one that is gone
/// while its snapshots are there, is renamed to `*.corrupt-<UTC>` together with its log, never
/// deleted, and the newest snapshot that is whole and that `check` accepts takes its place, marked
/// as [`Restored`]. A power cut on the way leaves the way to be gone again.
///
/// A whole database that contradicts itself is a defect of this or an earlier version, not of the
/// disk: it is refused and never rewound, because it knows more than any snapshot.
///
/// # Errors
/// As [`Store::open`]; the damage itself when there is no good snapshot, and then nothing is
/// changed.
pub fn open_or_restore(
    path: &Path,
    at: Wall,
    check: &dyn Fn(&Reader) -> Result<(), StoreError>,
) -> Result<Store, StoreError> {
    let lock = lock(path)?;
    let opened = prepare(path).and_then(|connection| {
        check(&Reader::open(path)?)?;
        Ok(connection)
    });
    let connection = match opened {
        Ok(connection) => connection,
        Err(why) if why.is_damage() => {
            if !restore(path, at, &why, check)? {
                return Err(why);
            }
            prepare(path)?
        }
        Err(error) => return Err(error),
    };
    Store::new(connection, path, lock)
}

/// Ends the warning that [`Reader::restored`] gives.
///
/// # Errors
/// [`StoreError::Sqlite`] and what it stands for.
pub(super) fn acknowledge(connection: &Connection) -> Result<(), StoreError> {
    match schema::meta(connection, RESTORED)? {
        Some(restored) => schema::set_meta(connection, ACKNOWLEDGED, &restored),
        None => Ok(()),
    }
}

/// Whether this journal was ever restored; the newest time counts.
pub(super) fn restored(connection: &Connection) -> Result<Option<Restored>, StoreError> {
    let read = |text: String| {
        serde_json::from_str(&text).map_err(|error| StoreError::Damaged(error.to_string()))
    };
    schema::meta(connection, RESTORED)?.map(read).transpose()
}

/// As [`restored`], unless somebody has acknowledged it or closed a shift since.
pub(super) fn unacknowledged(connection: &Connection) -> Result<Option<Restored>, StoreError> {
    let Some(restored) = restored(connection)? else { return Ok(None) };
    let closed = "SELECT EXISTS (SELECT 1 FROM journal
                  WHERE payment IS NULL AND event = 'shift_ended' AND sequence > ?1)";
    let closed: bool = connection.query_row(closed, [restored.sequence], |row| row.get(0))?;
    let seen = schema::meta(connection, ACKNOWLEDGED)? == schema::meta(connection, RESTORED)?;
    Ok((!closed && !seen).then_some(restored))
}

/// Whether there was a good snapshot; if not, nothing has changed.
fn restore(
    path: &Path,
    at: Wall,
    why: &StoreError,
    check: &dyn Fn(&Reader) -> Result<(), StoreError>,
) -> Result<bool, StoreError> {
    let (set_aside, copy) = (free_name(path, at), suffixed(path, ".restoring"));
    for snapshot in snapshots(path)? {
        let mark = Restored {
            at,
            why: why.to_string(),
            snapshot: name(&snapshot),
            set_aside: name(&set_aside),
            through: PaymentId::new(0),
            sequence: 0,
        };
        match ready_copy(&snapshot, &copy, mark, check) {
            Ok(()) => {
                exchange(path, &set_aside, &copy)?;
                return Ok(true);
            }
            // This one does not help either; the one before it may.
            Err(error) if error.is_damage() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Copies `snapshot` to `copy` and makes it a database that may take the place of the damaged one.
fn ready_copy(
    snapshot: &Path,
    copy: &Path,
    mark: Restored,
    check: &dyn Fn(&Reader) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let failed = |error: std::io::Error| io_failed(copy, &error);
    for rest in [copy.to_owned(), suffixed(copy, "-journal"), suffixed(copy, "-wal")] {
        match fs::remove_file(&rest) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(error));
            }
            _ => {}
        }
    }
    fs::copy(snapshot, copy).map_err(failed)?;
    fs::set_permissions(copy, fs::Permissions::from_mode(0o600)).map_err(failed)?;
    let mut connection = Connection::open(copy)?;
    is_whole(&connection)?;
    schema::migrate(&mut connection, schema::MIGRATIONS)?;
    check(&Reader::open(copy)?)?;
    begin_anew(&mut connection, mark)?;
    drop(connection);
    File::open(copy).and_then(|file| file.sync_all()).map_err(failed)
}

/// From here on nothing repeats what may have been used after the snapshot: keys and references
/// come from a new installation, numbers skip ahead, and no open call's key is relied on.
fn begin_anew(connection: &mut Connection, mut mark: Restored) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    mark.through = super::reader::last_payment(&transaction)?;
    let newest = "SELECT coalesce(max(sequence), 0) FROM journal";
    mark.sequence = transaction.query_row(newest, [], |row| row.get(0))?;
    schema::set_installation(&transaction, Uuid::new_v4())?;
    schema::set_meta(&transaction, RESTORED, &journal::json(&mark))?;
    transaction
        .execute("UPDATE outbox SET first_attempt_ms = ?1 WHERE state = 'queued'", [LONG_AGO])?;
    transaction.commit()?;
    Ok(())
}

/// The first attempt of a call whose key may have been used at any time.
pub(super) const LONG_AGO: i64 = 0;

/// The copy becomes the database. Between any two of these lines a start finds either the damaged
/// file, or none beside its snapshots, and comes here again.
fn exchange(path: &Path, set_aside: &Path, copy: &Path) -> Result<(), StoreError> {
    for part in ["", "-wal", "-shm"] {
        let from = suffixed(path, part);
        match fs::rename(&from, suffixed(set_aside, part)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(io_failed(&from, &error));
            }
            _ => {}
        }
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    sync_directory(directory)?;
    fs::rename(copy, path).map_err(|error| io_failed(path, &error))?;
    sync_directory(directory)
}

fn free_name(path: &Path, at: Wall) -> PathBuf {
    let plain = suffixed(path, &format!(".corrupt-{}", utc(at)));
    let taken = |name: &PathBuf| name.exists() || suffixed(name, "-wal").exists();
    let numbered = (2..).map(|number| suffixed(&plain, &format!("-{number}")));
    std::iter::once(plain.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(plain)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
