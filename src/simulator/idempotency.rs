//! The memory behind `Klarna-Idempotency-Key`: for 24 hours the same key gets the first answer
//! again, whatever it asks for.
//!
//! It does not know what an answer means, only which ones are kept.

use jiff::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// How long a key is honoured.
pub(super) const KEY_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// Keys kept at most; the oldest goes first. About 2 KB each.
const KEYS_MAX: usize = 50_000;

/// What was asked, to notice a key that is used for something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    path: String,
    body: u64,
}

impl Asked {
    pub(super) fn new(path: &str, body: &[u8]) -> Asked {
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        Asked { path: path.to_owned(), body: hasher.finish() }
    }

    pub(super) fn same_path(&self, other: &Asked) -> bool {
        self.path == other.path
    }
}

/// The first answer to a key.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) asked: Asked,
    pub(super) status: u16,
    pub(super) body: Option<String>,
    at: Timestamp,
}

/// All keys of the last 24 hours.
#[derive(Default)]
pub(super) struct Keys {
    kept: HashMap<String, Kept>,
    oldest_first: VecDeque<String>,
}

impl Keys {
    /// The first answer to `key`, unless it is unknown or older than [`KEY_LIFE`].
    pub(super) fn find(&mut self, now: Timestamp, key: &str) -> Option<Kept> {
        while let Some(oldest) = self.oldest_first.front() {
            let young = self.kept.get(oldest).is_some_and(|kept| now < kept.at + KEY_LIFE);
            if young && self.oldest_first.len() <= KEYS_MAX {
                break;
            }
            self.kept.remove(oldest);
            self.oldest_first.pop_front();
        }
        self.kept.get(key).cloned()
    }

    /// Keeps the answer, if it is one that Klarna repeats: a success or a definite refusal.
    pub(super) fn keep(
        &mut self,
        now: Timestamp,
        key: &str,
        asked: Asked,
        status: u16,
        body: Option<&str>,
    ) {
        let repeats = status < 500 && status != 429 && status != 401;
        if !repeats || self.kept.contains_key(key) {
            return;
        }
        let body = body.map(str::to_owned);
        self.kept.insert(key.to_owned(), Kept { asked, status, body, at: now });
        self.oldest_first.push_back(key.to_owned());
    }
}
