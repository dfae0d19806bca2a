//! Files that hold secrets or say what is under way: of their owner alone, and on the disk before
//! anybody counts on them.
//!
//! It does not know what the secrets are for.

use anyhow::Context as _;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;
use uuid::Uuid;

/// Largest file that is read, in bytes.
const FILE_LEN_MAX: u64 = 64 * 1024;
/// Klarna keeps the first answer to an idempotency key for 24 hours (Integration resilience,
/// Idempotency); an hour less, because clocks differ.
const NONCE_LIFE: Duration = Duration::from_secs(23 * 3600);

/// The file `path` with `ending` behind its name.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

/// Writes a file anew: as a whole or not at all, mode 0600, with the owner of the file before or
/// of the folder. Where the group could read the file before, it still can: a service may depend
/// on it. It is on the disk when this returns.
pub(super) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let unfinished = beside(path, ".unfinished");
    let written = || -> std::io::Result<()> {
        match std::fs::remove_file(&unfinished) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&unfinished)?;
        keep_owner(&unfinished, owner(path));
        let before = std::fs::metadata(path).map_or(0, |found| found.mode());
        file.set_permissions(Permissions::from_mode(0o600 | (before & 0o040)))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&unfinished, path)?;
        sync_folder(path)
    };
    written().with_context(|| format!("{} cannot be written", path.display()))
}

/// Whose a file is, or would be.
pub(super) fn owner(path: &Path) -> Option<Metadata> {
    std::fs::metadata(path).or_else(|_| std::fs::metadata(folder(path))).ok()
}

/// Gives a file to whom the one before it belonged. Only the superuser can, and only there is it
/// needed: whoever else writes a file owns it.
pub(super) fn keep_owner(path: &Path, owner: Option<Metadata>) {
    if let Some(owner) = owner {
        chown(path, Some(owner.uid()), Some(owner.gid())).ok();
    }
}

/// Makes sure that a rename in the folder of `path` outlives a power cut.
pub(super) fn sync_folder(path: &Path) -> std::io::Result<()> {
    File::open(folder(path))?.sync_all()
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    }
}

/// Finds out whether `path` could be written, before there is a secret that needs it.
pub(super) fn must_be_writable(path: &Path) -> anyhow::Result<()> {
    let tried = || -> std::io::Result<()> {
        if path.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        let probe = beside(path, ".probe");
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&probe)?;
        std::fs::remove_file(probe)
    };
    let nothing = "nothing was changed at Klarna";
    tried().with_context(|| format!("{} cannot be written; {nothing}", path.display()))
}

/// The text of a small file, if it is there.
pub(super) fn read(path: &Path) -> anyhow::Result<Option<String>> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(FILE_LEN_MAX).read_to_string(&mut text));
    match read {
        Ok(_) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

/// A record that was written by [`note`], if it is there.
pub(super) fn noted<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Option<T>> {
    let parsed = read(path)?.map(|text| serde_json::from_str(&text));
    parsed.transpose().with_context(|| format!("{} cannot be understood", path.display()))
}

/// Writes a record of what is under way.
pub(super) fn note<T: Serialize>(path: &Path, record: &T) -> anyhow::Result<()> {
    write(path, &serde_json::to_vec(record)?)
}

/// Removes a file; it need not be there.
pub(super) fn remove(path: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        ended => ended.with_context(|| format!("{} cannot be removed", path.display())),
    }
}

/// The intent to make a secret: under its nonce Klarna says the same one again after a crash.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Intent {
    pub(super) nonce: Uuid,
    at: Timestamp,
}

impl Intent {
    /// The one that is noted beside `path` and that Klarna still remembers, or a new one. It is on
    /// the disk when this returns.
    pub(super) fn open(path: &Path) -> anyhow::Result<Intent> {
        let now = Timestamp::now();
        let noted: Option<Intent> = noted(&Self::file(path))?;
        let young = |intent: &Intent| now.duration_since(intent.at).unsigned_abs() < NONCE_LIFE;
        if let Some(intent) = noted.filter(young) {
            return Ok(intent);
        }
        let intent = Intent { nonce: Uuid::new_v4(), at: now };
        note(&Self::file(path), &intent)?;
        Ok(intent)
    }

    /// The secret is stored, or gone.
    pub(super) fn close(path: &Path) -> anyhow::Result<()> {
        remove(&Self::file(path))
    }

    fn file(path: &Path) -> PathBuf {
        beside(path, ".intent")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_its_owners_and_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        std::fs::write(&path, "before").expect("written");
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("changed");
        std::fs::write(beside(&path, ".unfinished"), "of a crash").expect("written");
        write(&path, b"after").expect("written");
        assert_eq!(read(&path).expect("read").as_deref(), Some("after"));
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o640, "the group still reads it, the world does not");
        let fresh = beside(&path, ".old");
        write(&fresh, b"new").expect("written");
        let mode = std::fs::metadata(&fresh).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::remove_file(fresh).expect("removed");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a list").count(), 1);
    }

    #[test]
    fn what_cannot_be_written_is_known_before() {
        let folder = tempfile::tempdir().expect("a folder");
        must_be_writable(&folder.path().join("key")).expect("it can");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a list").count(), 0);
        for wrong in [folder.path().to_owned(), folder.path().join("no/folder")] {
            let error = must_be_writable(&wrong).expect_err("it cannot");
            assert!(error.to_string().contains("nothing was changed"), "{error}");
        }
    }

    #[test]
    fn an_intent_lasts_as_long_as_klarna_remembers() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys");
        let first = Intent::open(&path).expect("made").nonce;
        assert_eq!(Intent::open(&path).expect("found").nonce, first);
        let at = Timestamp::now() - Duration::from_secs(24 * 3600);
        note(&Intent::file(&path), &Intent { nonce: first, at }).expect("noted");
        let second = Intent::open(&path).expect("made").nonce;
        assert_ne!(second, first);
        Intent::close(&path).expect("closed");
        Intent::close(&path).expect("closed already");
        assert_ne!(Intent::open(&path).expect("made").nonce, second);
    }
}
