//! Copies of the database beside it, in `<database>.snapshots/`: what is left when the file itself
//! is damaged.
//!
//! A snapshot is whole or absent: it is written under another name, checked, synced and only then
//! renamed. It is read from the journal as one moment, beside the writer.

use super::{StoreError, io_failed, is_whole, read_only, suffixed, utc};
use crate::clock::Wall;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// How many are kept: one or two a day let staff notice a damage over a long weekend, and more
/// would fill a terminal's small disk.
pub const KEPT_MAX: usize = 6;
/// What a snapshot leaves free on the disk, in bytes: payments come first, and this is the journal
/// of many days.
const SPACE_LEFT_MIN: u64 = 64 * 1024 * 1024;
/// A snapshot in the making; never taken for one.
const UNFINISHED: &str = "unfinished";

/// Copies the database at `path` as it is now, checks the copy and drops the oldest ones. When it
/// returns `Ok`, the copy is whole, on the disk and listed by [`snapshots`]; on an error there is
/// no new one and the others are untouched. Steps that are committed meanwhile are not held up.
///
/// # Errors
/// [`StoreError::Full`] when it would take the last space, [`StoreError::Damaged`] when the copy
/// is not whole (then the database is not either), [`StoreError::InUse`] while another process
/// makes one, or what the system said.
pub fn take_snapshot(path: &Path, at: Wall) -> Result<PathBuf, StoreError> {
    let source = read_only(path)?;
    let directory = directory(path);
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&directory);
    made.map_err(|error| io_failed(&directory, &error))?;
    check_space(path, &directory)?;
    let unfinished = directory.join(UNFINISHED);
    // Held until the copy has its name: the nightly check and the daemon may both make one.
    let file = locked(&unfinished)?;
    let copied = copy(&source, &unfinished, &file);
    if let Err(error) = copied {
        let _ = fs::remove_file(&unfinished);
        return Err(error);
    }
    let number = newest_number(path)? + 1;
    let finished = directory.join(format!("{number:06}-{}.sqlite", utc(at)));
    fs::rename(&unfinished, &finished).map_err(|error| io_failed(&finished, &error))?;
    sync_directory(&directory)?;
    for surplus in snapshots(path)?.split_off(KEPT_MAX.min(snapshots(path)?.len())) {
        fs::remove_file(&surplus).map_err(|error| io_failed(&surplus, &error))?;
    }
    Ok(finished)
}

/// The snapshots of the database at `path`, newest first. Their order is that of the numbers in
/// their names: a clock may have been set.
///
/// # Errors
/// [`StoreError::Open`] when the directory is there and cannot be read.
pub fn snapshots(path: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let directory = directory(path);
    let entries = match fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_failed(&directory, &error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| io_failed(&directory, &error))?.path();
        if let Some(number) = number(&path) {
            found.push((number, path));
        }
    }
    found.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

fn directory(path: &Path) -> PathBuf {
    suffixed(path, ".snapshots")
}

fn newest_number(path: &Path) -> Result<u64, StoreError> {
    Ok(snapshots(path)?.first().and_then(|path| number(path)).unwrap_or(0))
}

/// 17 for `000017-20260301T100000Z.sqlite`.
fn number(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?.strip_suffix(".sqlite")?;
    name.split_once('-')?.0.parse().ok()
}

fn check_space(path: &Path, directory: &Path) -> Result<(), StoreError> {
    let length = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    let needed = length(path) + length(&suffixed(path, "-wal")) + SPACE_LEFT_MIN;
    let disk = rustix::fs::statvfs(directory).map_err(|e| io_failed(directory, &e.into()))?;
    match disk.f_bavail.saturating_mul(disk.f_frsize) >= needed {
        true => Ok(()),
        false => Err(StoreError::Full),
    }
}

fn locked(path: &Path) -> Result<File, StoreError> {
    let failed = |error: std::io::Error| io_failed(path, &error);
    let file = File::options().create(true).write(true).truncate(false).mode(0o600).open(path);
    let file = file.map_err(failed)?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => return Err(StoreError::InUse(path.to_owned())),
        Err(error) => return Err(failed(error.into())),
    }
    // Whoever held the lock may have given the file its name meanwhile: then it is a finished copy.
    let (ours, there) = (file.metadata().map_err(failed)?, fs::metadata(path));
    if !there.is_ok_and(|there| there.ino() == ours.ino() && there.dev() == ours.dev()) {
        return Err(StoreError::InUse(path.to_owned()));
    }
    file.set_len(0).map_err(failed)?;
    Ok(file)
}

/// The whole database at one moment, in one file that needs no log beside it.
fn copy(source: &Connection, to: &Path, file: &File) -> Result<(), StoreError> {
    let mut copy = Connection::open(to)?;
    let result = Backup::new(source, &mut copy)?.step(-1)?;
    if result != StepResult::Done {
        return Err(StoreError::Damaged(format!("the copy stopped: {result:?}")));
    }
    copy.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    is_whole(&copy)?;
    drop(copy);
    file.sync_all().map_err(|error| io_failed(to, &error))
}

/// Looks through all of the database at `path`, such as a snapshot, indexes included. Reads every
/// page, so it is not for the loop that serves the till.
///
/// # Errors
/// [`StoreError::Damaged`] with the first thing that is wrong, or why it cannot be read.
pub fn examine(path: &Path) -> Result<(), StoreError> {
    let ask = |row: &rusqlite::Row<'_>| row.get(0);
    let verdict: String = read_only(path)?.query_row("PRAGMA integrity_check(1)", [], ask)?;
    match verdict.as_str() {
        "ok" => Ok(()),
        _ => Err(StoreError::Damaged(verdict)),
    }
}

/// A rename is durable once its directory is.
pub(super) fn sync_directory(directory: &Path) -> Result<(), StoreError> {
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|error| io_failed(directory, &error))
}
