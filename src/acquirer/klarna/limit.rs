//! Token buckets that keep us below Klarna's quotas (Klarna: Rate limiting).
//!
//! A bucket never makes anyone wait: it says for how long a call has to be held back, and the call
//! goes back to the outbox, so no transaction blocks another one.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Which quota a call counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quota {
    /// Captures of payment transactions.
    Capture,
    /// Everything else about requests and transactions.
    Management,
}

/// Both buckets of one account.
#[derive(Debug)]
pub(super) struct Limits {
    capture: Mutex<Bucket>,
    management: Mutex<Bucket>,
}

impl Limits {
    /// Buckets of this many calls per second; 0 means no limit of ours.
    pub(super) fn new(captures_per_s: u32, management_per_s: u32) -> Self {
        let now = Instant::now();
        Self {
            capture: Mutex::new(Bucket::full(captures_per_s, now)),
            management: Mutex::new(Bucket::full(management_per_s, now)),
        }
    }

    /// Takes one call out of its quota.
    ///
    /// # Errors
    /// How long to hold the call back.
    pub(super) fn take(&self, quota: Quota) -> Result<(), Duration> {
        let bucket = match quota {
            Quota::Capture => &self.capture,
            Quota::Management => &self.management,
        };
        let mut bucket = bucket.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        bucket.take(Instant::now())
    }
}

/// One bucket: holds one second's worth of calls.
#[derive(Debug)]
struct Bucket {
    per_second: u32,
    /// Microseconds' worth of calls that are saved up; a call costs 1 000 000 / per_second.
    saved_us: u64,
    updated: Instant,
}

const SECOND_US: u64 = 1_000_000;

impl Bucket {
    fn full(per_second: u32, now: Instant) -> Self {
        Self { per_second, saved_us: SECOND_US, updated: now }
    }

    fn take(&mut self, now: Instant) -> Result<(), Duration> {
        if self.per_second == 0 {
            return Ok(());
        }
        let passed = now.saturating_duration_since(self.updated).as_micros();
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        self.saved_us = self.saved_us.saturating_add(passed).min(SECOND_US);
        self.updated = now;
        let cost = SECOND_US / u64::from(self.per_second);
        match self.saved_us.checked_sub(cost) {
            Some(rest) => {
                self.saved_us = rest;
                Ok(())
            }
            None => Err(Duration::from_micros(cost - self.saved_us)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_lets_its_rate_through_and_no_more() {
        let start = Instant::now();
        let mut bucket = Bucket::full(12, start);
        let mut passed = 0;
        for millisecond in 0..10_000 {
            passed += u32::from(bucket.take(start + Duration::from_millis(millisecond)).is_ok());
        }
        assert!((130..=132).contains(&passed), "{passed} of 12 saved up + 10 s at 12/s");
        let held_back = bucket.take(start + Duration::from_millis(9_999)).expect_err("empty");
        assert!(held_back <= Duration::from_millis(84), "{held_back:?}");
        assert!(Bucket::full(0, start).take(start).is_ok());
    }
}
