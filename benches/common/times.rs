//! Figures of many times.

use std::time::Duration;

/// The time that this part of all does not exceed, in milliseconds.
pub fn at(times: &[Duration], part: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() as f64 * part).ceil().max(1.0) as usize;
    sorted.get(rank - 1).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
}
