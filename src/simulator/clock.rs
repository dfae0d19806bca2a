//! The simulator's time: real time plus whatever a test has skipped, or only the latter.
//! It never moves backwards.
//!
//! It does not know what expires.

use jiff::Timestamp;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The farthest that a test can skip: a hundred years keeps every date writable.
const AHEAD_MAX: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

pub(super) struct Clock {
    started_at: Timestamp,
    /// `None`: time stands still but for what is skipped.
    started: Option<Instant>,
    ahead: Mutex<Duration>,
}

impl Clock {
    pub(super) fn new(real_time: bool) -> Clock {
        let started = real_time.then(Instant::now);
        Clock { started_at: Timestamp::now(), started, ahead: Mutex::new(Duration::ZERO) }
    }

    pub(super) fn now(&self) -> Timestamp {
        let ahead = *self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = self.started.map_or(Duration::ZERO, |started| started.elapsed());
        self.started_at + elapsed + ahead
    }

    pub(super) fn advance(&self, by: Duration) {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        *ahead = ahead.saturating_add(by).min(AHEAD_MAX);
    }
}
