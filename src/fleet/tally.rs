//! Refused orders on their way into the audit journal: one entry a minute says how many there were
//! and why, so that a flood of them neither fills the disk nor hides what else happened.

use super::refused::Refused;
use crate::clock::Mono;
use std::collections::BTreeMap;
use std::time::Duration;

/// Between two entries.
const WINDOW: Duration = Duration::from_secs(60);

/// How many were refused for each reason, by [`Refused::code`].
pub type Counts = BTreeMap<&'static str, u64>;

/// Orders that were refused and have no entry yet.
#[derive(Debug, Default)]
pub struct Tally {
    counts: Counts,
    /// When the next entry may be written; `None` if nothing was refused for a minute.
    next: Option<Mono>,
}

impl Tally {
    /// Counts one. The first one is to be written at once: what comes back.
    pub fn count(&mut self, refused: &Refused, now: Mono) -> Option<Counts> {
        *self.counts.entry(refused.code()).or_default() += 1;
        match self.next {
            Some(next) if next > now => None,
            _ => self.close(now),
        }
    }

    /// When there is something to be written.
    pub fn due(&self) -> Option<Mono> {
        self.next.filter(|_| !self.counts.is_empty())
    }

    /// What is to be written at `now`, or in any case at the end.
    pub fn close(&mut self, now: Mono) -> Option<Counts> {
        if self.counts.is_empty() {
            return None;
        }
        self.next = Some(now.after(WINDOW));
        Some(std::mem::take(&mut self.counts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_entry_a_minute_and_no_order_is_lost() {
        let at = |seconds| Mono::new(Duration::from_secs(seconds));
        let mut tally = Tally::default();
        let first = tally.count(&Refused::Signature, at(0)).expect("at once");
        assert_eq!(first, Counts::from([("wrong_signature", 1)]));
        assert_eq!(tally.due(), None);
        let more = (0..100_000).filter_map(|_| tally.count(&Refused::Signature, at(1))).count();
        assert_eq!(more, 0);
        assert_eq!(tally.count(&Refused::Expired, at(59)), None);
        assert_eq!(tally.due(), Some(at(60)));
        let minute = tally.close(at(60)).expect("counted");
        assert_eq!(minute, Counts::from([("wrong_signature", 100_000), ("expired", 1)]));
        assert_eq!(tally.close(at(61)), None);
        assert!(tally.count(&Refused::UnknownKey, at(119)).is_none(), "its minute is not over");
        assert!(tally.count(&Refused::UnknownKey, at(120)).is_some());
    }
}
