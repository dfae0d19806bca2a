//! Klarna's signing keys, as fresh as their file: a key that is added or taken away counts without
//! a restart, and without one notice refused in between.
//!
//! A file that cannot be read leaves the keys as they are. It knows nothing of notices.

use crate::acquirer::klarna::webhook::{KeysError, SigningKeys};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// From one look at the file to the next: whoever sends unknown key ids causes no more reading.
const PACE: Duration = Duration::from_secs(1);

/// The keys that are known now.
#[derive(Debug)]
pub struct Keyring {
    path: PathBuf,
    known: RwLock<Arc<SigningKeys>>,
    seen: Mutex<Seen>,
}

/// What was seen of the file, and when.
#[derive(Debug)]
struct Seen {
    stamp: Option<Stamp>,
    /// When the last look began.
    at: Instant,
    is_broken: bool,
}

/// What tells one content of the file from another: a file is replaced as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    len: u64,
    inode: u64,
}

impl Keyring {
    /// Reads the file at `path`; one that is not there yet holds no keys.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn open(path: &Path) -> Result<Self, KeysError> {
        let stamp = Stamp::of(path);
        let keys = SigningKeys::load(path)?;
        let seen = Seen { stamp, at: Instant::now(), is_broken: false };
        Ok(Self {
            path: path.to_owned(),
            known: RwLock::new(Arc::new(keys)),
            seen: Mutex::new(seen),
        })
    }

    /// The keys, after a look at whether the file has changed if the last one is a second ago.
    pub async fn keys(&self) -> Arc<SigningKeys> {
        // Whoever comes while somebody looks goes on with what is known.
        if let Ok(mut seen) = self.seen.try_lock()
            && seen.at.elapsed() >= PACE
        {
            self.look(&mut seen, false).await;
        }
        self.known()
    }

    /// The keys of a reading that begins after this call: at once, or a second after the last one.
    pub async fn renewed(&self) -> Arc<SigningKeys> {
        let asked = Instant::now();
        let mut seen = self.seen.lock().await;
        if seen.at <= asked {
            tokio::time::sleep_until(seen.at + PACE).await;
            self.look(&mut seen, true).await;
        }
        self.known()
    }

    fn known(&self) -> Arc<SigningKeys> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn look(&self, seen: &mut Seen, is_forced: bool) {
        seen.at = Instant::now();
        let (path, before) = (self.path.clone(), seen.stamp);
        // What failed may be well with the same stamp: a right that was given, a descriptor.
        let is_forced = is_forced || seen.is_broken;
        let looked = tokio::task::spawn_blocking(move || {
            let stamp = Stamp::of(&path);
            let is_same = stamp == before && !is_forced;
            (stamp, (!is_same && stamp.is_some()).then(|| SigningKeys::load(&path)))
        });
        let Ok((stamp, loaded)) = looked.await else { return };
        let is_gone = stamp.is_none() && before.is_some();
        match loaded {
            Some(Ok(keys)) => {
                if stamp != before || seen.is_broken {
                    let count = keys.iter().count();
                    tracing::info!(path = %self.path.display(), count, "signing keys were read");
                }
                (seen.stamp, seen.is_broken) = (stamp, false);
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
            }
            Some(Err(error)) => self.keep(seen, &error.to_string()),
            None if is_gone => self.keep(seen, "the file is gone"),
            None => {}
        }
    }

    fn keep(&self, seen: &mut Seen, error: &str) {
        if !seen.is_broken {
            let path = self.path.display();
            tracing::error!(%path, error, "signing keys cannot be read; those of before are kept");
        }
        seen.is_broken = true;
    }
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let found = std::fs::metadata(path).ok()?;
        Some(Self { modified: found.modified().ok()?, len: found.len(), inode: found.ino() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquirer::klarna::webhook::SigningKey;
    use tempfile::TempDir;

    fn save(folder: &TempDir, ids: &[&str]) -> PathBuf {
        let path = folder.path().join("keys.json");
        let mut keys = SigningKeys::default();
        for id in ids {
            let id = (*id).to_owned();
            keys.add(SigningKey { id, secret: "s".into(), created_at: None }).expect("room");
        }
        keys.save(&path).expect("written");
        path
    }

    #[tokio::test(start_paused = true)]
    async fn what_could_not_be_read_is_read_again_without_another_change() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = save(&folder, &["one", "two"]);
        let ring = Keyring::open(&path).expect("keys");
        save(&folder, &["two"]);
        let good = std::fs::read(&path).expect("read");
        let moment = SystemTime::UNIX_EPOCH;
        // The same file to whoever looks at its size, time and number only.
        let put = |bytes: &[u8]| {
            std::fs::write(&path, bytes).expect("written");
            let file = std::fs::File::options().write(true).open(&path).expect("there");
            file.set_modified(moment).expect("set");
        };
        put(&vec![b' '; good.len()]);
        tokio::time::advance(PACE).await;
        assert_eq!(ids(&*ring.keys().await), "one two", "it cannot be read");
        put(&good);
        tokio::time::advance(PACE).await;
        assert_eq!(ids(&*ring.keys().await), "two", "the deleted key does not stay");
    }

    fn ids(keys: &SigningKeys) -> String {
        keys.iter().map(|key| key.id.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[tokio::test(start_paused = true)]
    async fn a_changed_file_counts_within_a_second() {
        let folder = tempfile::tempdir().expect("a folder");
        let ring = Keyring::open(&save(&folder, &["old"])).expect("keys");
        save(&folder, &["old", "new"]);
        assert_eq!(ids(&*ring.keys().await), "old", "it was looked at just now");
        tokio::time::advance(PACE).await;
        assert_eq!(ids(&*ring.keys().await), "old new");
        save(&folder, &["new"]);
        tokio::time::advance(PACE).await;
        assert_eq!(ids(&*ring.keys().await), "new");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_for_a_new_key_waits_for_a_reading_and_causes_few() {
        let folder = tempfile::tempdir().expect("a folder");
        let ring = Keyring::open(&save(&folder, &["old"])).expect("keys");
        let begun = Instant::now();
        let all = async { tokio::join!(ring.renewed(), ring.renewed(), ring.renewed()) };
        let change = async { save(&folder, &["old", "new"]) };
        let ((one, two, three), _) = tokio::join!(all, change);
        assert_eq!([ids(&one), ids(&two), ids(&three)], ["old new"; 3]);
        assert_eq!(begun.elapsed().as_secs(), 1, "one reading for all three");
        tokio::time::advance(2 * PACE).await;
        let begun = Instant::now();
        ring.renewed().await;
        assert_eq!(begun.elapsed().as_secs(), 0, "the last reading is long ago");
    }

    #[tokio::test(start_paused = true)]
    async fn a_broken_file_leaves_the_keys_as_they_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = save(&folder, &["old"]);
        let ring = Keyring::open(&path).expect("keys");
        std::fs::write(&path, "{").expect("written");
        assert_eq!(ids(&*ring.renewed().await), "old");
        std::fs::remove_file(&path).expect("removed");
        tokio::time::advance(PACE).await;
        assert_eq!(ids(&*ring.keys().await), "old");
        save(&folder, &["new"]);
        tokio::time::advance(PACE).await;
        assert_eq!(ids(&*ring.keys().await), "new");
        save(&folder, &[]);
        assert_eq!(ids(&*ring.renewed().await), "", "a file without keys is not broken");
    }
}
