//! Whether the audit journal is as it was written: read from the file, beside a running daemon.
//!
//! Trusts nothing in the file, and changes nothing in it.

use super::AccessError;
use super::audit::{AuditId, OLDEST_FIRST, Stored, last_number};
use super::digest::Hash;
use crate::clock::Wall;
use rusqlite::{Connection, OpenFlags};
use serde::Serialize;
use std::path::Path;

/// From one word about the progress to the next, in entries: some milliseconds.
pub const TOLD_EVERY: u64 = 1000;

/// A journal that is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// How many entries it has; at least one, the one it was begun with.
    pub entries: u64,
    /// The newest entry's hash. Whoever keeps it elsewhere can tell later with [`verify_with`]
    /// that nothing up to it was changed.
    pub head: Hash,
    /// When the oldest entry was written, by the terminal's clock.
    pub first: Wall,
    /// When the newest entry was written, by the terminal's clock.
    pub last: Wall,
}

/// The first place where a journal is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("audit entry {}: {why}; keep the file and ask who could write it", at.number())]
pub struct Broken {
    /// The entry that is wrong or missing; 0 where none could be read.
    pub at: AuditId,
    /// What is wrong.
    pub why: Why,
}

/// What is wrong with a journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// It is not there, though it was written.
    #[error("it is missing")]
    Missing,
    /// It does not fit its hash and the entry before.
    #[error("it or the one before it was changed")]
    Changed,
    /// The chain does not hold the head that was noted earlier.
    #[error("the chain up to here is not the one whose head was noted, or its end was cut off")]
    HeadGone,
    /// The file cannot be read.
    #[error("it cannot be read ({0})")]
    Unreadable(String),
}

/// Reads the whole journal of the file at `path`, as it is at one moment, and checks every link.
/// May run beside the daemon.
///
/// # Errors
/// [`Broken`] names the first entry that is not what was written.
pub fn verify(path: &Path) -> Result<Verified, Broken> {
    check(path, None, &mut |_| {})
}

/// As [`verify`], and that `earlier`, a head that was kept elsewhere, is still in the chain. This
/// shows an end that was cut off and a chain that was written anew, which the file alone cannot.
///
/// # Errors
/// [`Broken`], with [`Why::HeadGone`] where the chain is whole but another one.
pub fn verify_with(path: &Path, earlier: Hash) -> Result<Verified, Broken> {
    check(path, Some(earlier), &mut |_| {})
}

/// As [`verify`], or [`verify_with`] where there is an `earlier` head; tells after every
/// [`TOLD_EVERY`] entries how many were read.
///
/// # Errors
/// As [`verify_with`].
pub fn verify_telling(
    path: &Path,
    earlier: Option<Hash>,
    mut tell: impl FnMut(u64),
) -> Result<Verified, Broken> {
    check(path, earlier, &mut tell)
}

fn check(
    path: &Path,
    earlier: Option<Hash>,
    tell: &mut dyn FnMut(u64),
) -> Result<Verified, Broken> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags);
    let mut connection = opened.map_err(|error| unreadable(0, error))?;
    let patient = connection.busy_timeout(super::BUSY_WAIT);
    patient.map_err(|error| unreadable(0, error))?;
    let moment = connection.transaction().map_err(|error| unreadable(0, error))?;
    let mut chain = Chain { entries: 0, head: Hash::NONE, times: None, is_earlier_found: false };
    walk(&moment, |row| {
        chain.take(row, earlier)?;
        let entries = chain.entries.unsigned_abs();
        if entries.is_multiple_of(TOLD_EVERY) {
            tell(entries);
        }
        Ok(())
    })?;
    let given = last_number(&moment).map_err(|error| unreadable(chain.entries, error))?;
    chain.end(given, earlier)
}

fn walk(
    connection: &Connection,
    mut take: impl FnMut(Stored) -> Result<(), Broken>,
) -> Result<(), Broken> {
    let mut statement = connection.prepare(OLDEST_FIRST).map_err(|error| unreadable(0, error))?;
    let rows = statement.query_map([], Stored::read).map_err(|error| unreadable(0, error))?;
    for (number, row) in (1..).zip(rows) {
        take(row.map_err(|error| unreadable(number, error))?)?;
    }
    Ok(())
}

fn unreadable(at: i64, error: impl Into<AccessError>) -> Broken {
    Broken { at: AuditId::new(at), why: Why::Unreadable(error.into().to_string()) }
}

/// What has been read so far.
struct Chain {
    entries: i64,
    head: Hash,
    times: Option<(Wall, Wall)>,
    is_earlier_found: bool,
}

impl Chain {
    fn take(&mut self, row: Stored, earlier: Option<Hash>) -> Result<(), Broken> {
        let number = self.entries + 1;
        let broken = |why| Err(Broken { at: AuditId::new(number), why });
        if row.sequence != number {
            return broken(Why::Missing);
        }
        let hash = row.chained_to(&self.head);
        if row.hash() != Some(hash) {
            return broken(Why::Changed);
        }
        let at = Wall::from_millis(row.at_ms);
        self.times = Some((self.times.map_or(at, |(first, _)| first), at));
        self.is_earlier_found |= earlier == Some(hash);
        (self.entries, self.head) = (number, hash);
        Ok(())
    }

    fn end(self, given: i64, earlier: Option<Hash>) -> Result<Verified, Broken> {
        let missing = Broken { at: AuditId::new(self.entries + 1), why: Why::Missing };
        let (first, last) = self.times.ok_or_else(|| missing.clone())?;
        if self.entries != given {
            return Err(missing);
        }
        if earlier.is_some() && !self.is_earlier_found {
            return Err(Broken { at: AuditId::new(self.entries), why: Why::HeadGone });
        }
        Ok(Verified { entries: self.entries.unsigned_abs(), head: self.head, first, last })
    }
}
