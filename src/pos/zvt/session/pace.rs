//! The rate of a serial line (`08 40`, PA00P016): changed when the till wants it, and changed back
//! when nothing but noise comes at the new one.

use crate::clock::Mono;
use std::time::Duration;

/// From the acknowledgement of `08 40`, which goes out at the old rate, to the new rate.
const CHANGE_AFTER: Duration = Duration::from_secs(2);
/// So much noise without a message, and the till has gone back to the rate of the settings: it was
/// started again.
const NOISE_MAX: Duration = Duration::from_secs(3);

/// Which rate the line is to have.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// What the till has asked for, and from when on.
    due: Option<(Mono, u32)>,
    /// It is not the one of the settings.
    changed: bool,
    /// Since when bytes have come, and nothing readable.
    noisy_since: Option<Mono>,
    /// The rate of the settings is to be set.
    back: bool,
}

/// A rate to be set: the one of `08 40`, or the one of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// Bits per second.
    Baud(u32),
    /// As in the settings.
    Configured,
}

impl Pace {
    pub(super) fn change(&mut self, now: Mono, rate: u32) {
        self.due = Some((now.after(CHANGE_AFTER), rate));
    }

    /// Bytes have come, with or without a message in them.
    pub(super) fn heard(&mut self, now: Mono, readable: bool) {
        if readable || !self.changed {
            self.noisy_since = None;
            return;
        }
        let since = *self.noisy_since.get_or_insert(now);
        if since.after(NOISE_MAX) <= now {
            (self.changed, self.noisy_since, self.back) = (false, None, true);
        }
    }

    pub(super) fn poll(&mut self, now: Mono) -> Option<Rate> {
        if let Some((_, rate)) = self.due.take_if(|(at, _)| *at <= now) {
            (self.changed, self.noisy_since) = (true, None);
            return Some(Rate::Baud(rate));
        }
        std::mem::take(&mut self.back).then_some(Rate::Configured)
    }

    pub(super) fn poll_timeout(&self) -> Option<Mono> {
        self.due.map(|(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono::new(Duration::from_secs(seconds))
    }

    #[test]
    fn a_rate_is_changed_and_noise_changes_it_back() {
        let mut pace = Pace::default();
        pace.heard(at(0), false);
        assert_eq!(pace.poll(at(9)), None, "the rate of the settings stays");
        pace.change(at(10), 115_200);
        assert_eq!((pace.poll(at(11)), pace.poll_timeout()), (None, Some(at(12))));
        assert_eq!(pace.poll(at(12)), Some(Rate::Baud(115_200)));
        pace.heard(at(13), false);
        pace.heard(at(14), true);
        pace.heard(at(20), false);
        assert_eq!(pace.poll(at(22)), None, "a message has come in between");
        pace.heard(at(23), false);
        assert_eq!(pace.poll(at(23)), Some(Rate::Configured));
        assert_eq!(pace.poll(at(60)), None);
    }
}
