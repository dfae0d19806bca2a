//! Refused tries on their way into the audit journal: one entry a minute says how many there were.
//!
//! So a hundred thousand tries neither fill the disk nor hide what else happened. Knows nothing of
//! why a try was refused, but whether it was looked at.

use super::actor::{Actor, Net, Peer};
use super::audit::Deed;
use super::user::UserId;
use crate::clock::{Mono, Now, Wall};
use serde_json::json;
use std::time::Duration;

/// Between two entries about the same user or address.
const WINDOW: Duration = Duration::from_secs(60);
/// Users and addresses with an entry of their own in one minute; the others share one, so that
/// there are at most 17 a minute whatever comes.
const WINDOWS_MAX: usize = 16;

/// Whom an entry is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    /// Somebody who exists. What was typed for nobody's name is not kept: it may be a PIN.
    User(UserId, String),
    /// Whoever is there.
    Address(Net),
    /// All for whom there is no room.
    Others,
}

/// Why a try came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It was wrong.
    Wrong,
    /// It was not looked at: it came too soon.
    TooSoon,
}

#[derive(Debug)]
struct Window {
    subject: Subject,
    began: Mono,
    last: Wall,
    peer: Peer,
    wrong: u64,
    too_soon: u64,
}

/// Tries that have no entry yet.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    windows: Vec<Window>,
}

/// Who is named in entries about refused tries: nobody knows who it was.
const BY: Actor = Actor::Terminal;

impl Window {
    fn is_over(&self, now: Mono) -> bool {
        now.left(self.began) >= WINDOW
    }

    /// The entry for what has been counted, which begins a new minute.
    fn close(&mut self, now: Mono) -> Deed<'static> {
        let name = match &self.subject {
            Subject::User(_, name) => Some(name),
            Subject::Address(_) | Subject::Others => None,
        };
        let detail = json!({ "name": name, "wrong": self.wrong, "too_soon": self.too_soon });
        (self.began, self.wrong, self.too_soon) = (now, 0, 0);
        let peer = Some(self.peer).filter(|_| self.subject != Subject::Others);
        Deed { at: self.last, by: &BY, peer, action: "refused", detail }
    }
}

impl Refusals {
    /// Counts a refused try; what comes back is to be written now.
    pub(super) fn count(
        &mut self,
        now: Now,
        peer: Peer,
        subject: Subject,
        refusal: Refusal,
    ) -> Vec<Deed<'static>> {
        let place = |windows: &[Window], subject: &Subject| {
            windows.iter().position(|window| window.subject == *subject)
        };
        self.windows
            .retain(|window| !window.is_over(now.mono) || window.wrong > 0 || window.too_soon > 0);
        let is_full = self.windows.len() >= WINDOWS_MAX;
        let subject = match place(&self.windows, &subject) {
            None if is_full => Subject::Others,
            Some(_) | None => subject,
        };
        let found = place(&self.windows, &subject);
        let index = found.unwrap_or_else(|| {
            let (began, last) = (now.mono, now.wall);
            self.windows.push(Window { subject, began, last, peer, wrong: 0, too_soon: 0 });
            self.windows.len() - 1
        });
        let window = &mut self.windows[index];
        (window.last, window.peer) = (now.wall, peer);
        match refusal {
            Refusal::Wrong => window.wrong += 1,
            Refusal::TooSoon => window.too_soon += 1,
        }
        let mut deeds = if found.is_none() { vec![window.close(now.mono)] } else { Vec::new() };
        deeds.extend(self.due(now.mono));
        deeds
    }

    /// What was counted more than a minute ago and is to be written now.
    pub(super) fn due(&mut self, now: Mono) -> Vec<Deed<'static>> {
        let over = self.windows.iter_mut().filter(|window| window.is_over(now));
        let counted = over.filter(|window| window.wrong > 0 || window.too_soon > 0);
        counted.map(|window| window.close(now)).collect()
    }

    /// Everything that was counted, at the end.
    pub(super) fn all(&mut self) -> Vec<Deed<'static>> {
        let counted = self.windows.iter_mut().filter(|w| w.wrong > 0 || w.too_soon > 0);
        counted.map(|window| window.close(window.began)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(seconds: u64) -> Now {
        let start = Now { mono: Mono::default(), wall: Wall::from_millis(0) };
        start.after(Duration::from_secs(seconds))
    }

    fn counts(deeds: &[Deed<'_>]) -> Vec<(u64, u64)> {
        let number = |deed: &Deed<'_>, name: &str| deed.detail[name].as_u64().expect("a count");
        deeds.iter().map(|deed| (number(deed, "wrong"), number(deed, "too_soon"))).collect()
    }

    #[test]
    fn there_is_one_entry_a_minute_and_no_try_is_lost() {
        let mut refusals = Refusals::default();
        let mut refuse = |seconds, refusal| {
            let anna = Subject::User(UserId::new(1), "anna".to_owned());
            counts(&refusals.count(now(seconds), Peer::Socket, anna, refusal))
        };
        assert_eq!(refuse(0, Refusal::Wrong), [(1, 0)], "the first one at once");
        assert_eq!(refuse(1, Refusal::Wrong), []);
        assert_eq!(refuse(59, Refusal::TooSoon), []);
        assert_eq!(refuse(60, Refusal::TooSoon), [(1, 2)]);
        assert_eq!(refuse(119, Refusal::TooSoon), []);
        assert_eq!(counts(&refusals.due(now(119).mono)), []);
        assert_eq!(counts(&refusals.due(now(120).mono)), [(0, 1)]);
        assert_eq!(counts(&refusals.all()), []);
    }

    #[test]
    fn many_addresses_share_one_entry() {
        let mut refusals = Refusals::default();
        let mut written = 0;
        for number in 0..100_000_u32 {
            let address = Subject::Address(Net::V4(number.to_be_bytes()));
            written += refusals.count(now(0), Peer::Socket, address, Refusal::Wrong).len();
        }
        assert_eq!((written, refusals.windows.len()), (17, 17));
        assert_eq!(counts(&refusals.all()), [(100_000 - 17, 0)]);
    }
}
