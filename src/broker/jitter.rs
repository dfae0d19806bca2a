//! How long to wait before connecting again: anything up to a bound, so that ten thousand terminals
//! whose broker has restarted do not come back in the same second.
//!
//! A line that had stood was probably lost by many at once: its first pause is drawn from all that
//! is allowed. One that could not be made is tried again soon, and then less and less often.

use std::time::Duration;

/// The first bound where no line has stood yet.
const FIRST: Duration = Duration::from_secs(15);
/// A line that stood for less has not stood: a broker that ends each connection is left alone for
/// longer and longer.
const STOOD: Duration = Duration::from_secs(60);

/// Pauses between attempts.
#[derive(Debug)]
pub(super) struct Jitter {
    max: Duration,
    bound: Duration,
}

impl Jitter {
    pub(super) fn new(max: Duration) -> Self {
        Self { max, bound: FIRST.min(max) }
    }

    /// The next pause, after a line that stood for `stood`; `random` is drawn from all numbers.
    pub(super) fn pause(&mut self, stood: Duration, random: u32) -> Duration {
        if stood >= STOOD {
            self.bound = self.max;
        }
        let pause = self.bound.mul_f64(f64::from(random) / f64::from(u32::MAX));
        self.bound = self.bound.saturating_mul(2).min(self.max);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_spread_over_a_bound_that_doubles_or_over_all_after_a_line_that_stood() {
        let mut jitter = Jitter::new(Duration::from_secs(300));
        let bounds: Vec<u64> =
            (0..6).map(|_| jitter.pause(Duration::ZERO, u32::MAX).as_secs()).collect();
        assert_eq!(bounds, [15, 30, 60, 120, 240, 300]);
        assert_eq!(jitter.pause(Duration::ZERO, 0), Duration::ZERO);
        let mut jitter = Jitter::new(Duration::from_secs(300));
        assert_eq!(jitter.pause(STOOD, u32::MAX).as_secs(), 300, "many have lost it");
        let half = jitter.pause(STOOD, u32::MAX / 2);
        assert!(half > Duration::from_secs(149) && half < Duration::from_secs(151), "{half:?}");
    }
}
