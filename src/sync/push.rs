//! How far hints from outside are relied on: never for money, only for how often is read.
//!
//! A hint makes one read happen at once. While the line that brings hints stands and has missed
//! nothing, reads that nobody asked for are fewer; the first sign of trouble ends that. Time is an
//! argument.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Changes in a row that reading found first, after which hints are not relied on.
const MISSES_MAX: u32 = 2;
/// A hint that comes this long after reading found the change was on its way and is no miss.
const LATE: Duration = Duration::from_secs(5);
/// Two reads of one request begin within this time at most, whoever asks for them: a bit more than
/// the second that Klarna's quotas are counted in.
const TWO_READS: Duration = Duration::from_millis(1_020);
/// Late hints that are waited for; more payment requests are never open at a time.
const FOUND_MAX: usize = 64;

/// What the acquirer calls a payment request that waits to be scanned.
pub const SUBMITTED: &str = "payment.request.state-change.submitted";

/// A reason to read, from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// A payment request may have changed.
    Changed {
        /// Klarna's id of it.
        request: String,
        /// It is said to wait to be scanned: no news of one that was just made.
        is_submitted: bool,
        /// How long the hint has taken since it happened, if that is known.
        lag: Option<Duration>,
    },
    /// Whether hints are to be expected at all.
    Line(bool),
}

/// How well hints have done since the start, for metrics.
#[derive(Debug, Default)]
pub struct Figures {
    relied_on: AtomicBool,
    by_push: AtomicU64,
    by_reading: AtomicU64,
    lag_ms: AtomicU64,
    lags: AtomicU64,
}

impl Figures {
    /// Whether hints are relied on at the moment.
    pub fn is_relied_on(&self) -> bool {
        self.relied_on.load(Ordering::Relaxed)
    }

    /// Changes that a hint told of first, and those that reading found first.
    pub fn found(&self) -> (u64, u64) {
        (self.by_push.load(Ordering::Relaxed), self.by_reading.load(Ordering::Relaxed))
    }

    /// How many hints said when it happened, and how long they took together.
    pub fn lag(&self) -> (u64, Duration) {
        let sum = Duration::from_millis(self.lag_ms.load(Ordering::Relaxed));
        (self.lags.load(Ordering::Relaxed), sum)
    }

    pub(super) fn note_trust(&self, relied_on: bool) {
        self.relied_on.store(relied_on, Ordering::Relaxed);
    }

    pub(super) fn note_found(&self, hinted: bool) {
        let count = if hinted { &self.by_push } else { &self.by_reading };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_lag(&self, lag: Duration) {
        let millis = u64::try_from(lag.as_millis()).unwrap_or(u64::MAX);
        self.lag_ms.fetch_add(millis, Ordering::Relaxed);
        self.lags.fetch_add(1, Ordering::Relaxed);
    }
}

/// What is known of the line that brings hints.
#[derive(Debug, Default)]
pub(super) struct Push {
    is_up: bool,
    misses: u32,
    /// What reading found first, and when.
    found: HashMap<String, Instant>,
}

impl Push {
    /// Takes note of whether the line stands; returns whether that is new.
    pub(super) fn line(&mut self, is_up: bool) -> bool {
        let changed = is_up != self.is_up;
        self.is_up = is_up;
        changed
    }

    /// Whether reads may be fewer.
    pub(super) fn is_relied_on(&self) -> bool {
        self.is_up && self.misses < MISSES_MAX
    }

    /// A hint about `request` has come.
    pub(super) fn hinted(&mut self, request: &str, now: Instant) {
        if self.found.remove(request).is_some_and(|found| now - found <= LATE) {
            self.misses = self.misses.saturating_sub(1);
        }
    }

    /// A read has found a change, asked for by a hint or not.
    pub(super) fn found(&mut self, request: &str, hinted: bool, now: Instant) {
        self.found.retain(|_, found| now - *found <= LATE);
        if hinted {
            self.misses = 0;
        } else if self.is_up {
            self.misses = (self.misses + 1).min(MISSES_MAX + 1);
            if self.found.len() < FOUND_MAX {
                self.found.insert(request.to_owned(), now);
            }
        }
    }
}

/// When one request was read, so that hints do not make it too often.
#[derive(Debug, Default)]
pub(super) struct Pace {
    last: Option<Instant>,
    before: Option<Instant>,
}

impl Pace {
    /// A read begins.
    pub(super) fn begins(&mut self, now: Instant) {
        self.before = self.last.replace(now);
    }

    /// When the next one may begin.
    pub(super) fn allows(&self, now: Instant) -> Instant {
        self.before.map_or(now, |before| now.max(before + TWO_READS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_changes_that_no_hint_told_of_end_the_trust_until_one_does() {
        let now = Instant::now();
        let mut push = Push::default();
        assert!(!push.is_relied_on());
        assert!(push.line(true) && !push.line(true) && push.is_relied_on());
        push.found("a", false, now);
        assert!(push.is_relied_on());
        push.found("b", false, now);
        assert!(!push.is_relied_on());
        push.found("c", true, now);
        assert!(push.is_relied_on());
        assert!(push.line(false) && !push.is_relied_on());
    }

    #[test]
    fn a_hint_that_was_only_slower_is_no_miss() {
        let now = Instant::now();
        let mut push = Push::default();
        push.line(true);
        push.found("a", false, now);
        push.found("b", false, now);
        push.hinted("b", now + Duration::from_secs(1));
        assert!(push.is_relied_on());
        push.found("c", false, now + Duration::from_secs(2));
        push.hinted("c", now + Duration::from_secs(30));
        assert!(!push.is_relied_on(), "that one was too late");
    }

    #[test]
    fn without_a_line_nothing_is_missed() {
        let now = Instant::now();
        let mut push = Push::default();
        for _ in 0..10 {
            push.found("a", false, now);
        }
        push.line(true);
        assert!(push.is_relied_on());
    }

    #[test]
    fn a_storm_of_hints_costs_two_reads_a_second() {
        let begin = Instant::now();
        let mut pace = Pace::default();
        let mut reads = Vec::new();
        for millis in 0..10_000 {
            let now = begin + Duration::from_millis(millis);
            if pace.allows(now) <= now {
                pace.begins(now);
                reads.push(now);
            }
        }
        assert!((18..=20).contains(&reads.len()), "{}", reads.len());
        assert!(reads.windows(3).all(|three| three[2] - three[0] > Duration::from_secs(1)));
        assert_eq!(reads[1] - reads[0], Duration::from_millis(1), "two at once are free");
    }
}
