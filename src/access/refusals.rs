//! Refused tries and requests on their way into the audit journal: one entry a minute says how many
//! there were.
//!
//! So a hundred thousand of them neither fill the disk nor hide what else happened. What is written
//! when depends on the address alone, so that the time it takes tells nobody which names exist.
//! Knows nothing of why a try was refused, but whether it was looked at.

use super::actor::{Actor, Net, Peer};
use super::audit::Deed;
use super::user::UserName;
use crate::clock::{Mono, Now, Wall};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// Between two entries about the same address.
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses with an entry of their own in one minute; the others share one, so that there are at
/// most 17 a minute whatever comes.
const WINDOWS_MAX: usize = 16;
/// Users that are named in one entry; of the others only the tries are counted.
const NAMED_MAX: usize = 8;

/// What was asked for that is named in one entry; of the others only the requests are counted.
const PATHS_MAX: usize = 8;
/// How much is kept of what was asked for, in characters.
const PATH_LEN_MAX: usize = 64;

/// Why a request was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Misuse {
    /// The role does not have the right.
    NotAllowed,
    /// It was above what the role may give back.
    OverLimit,
    /// The form came from elsewhere, or without the session's own token.
    Forged,
    /// It was for a host name that is not the terminal's.
    WrongName,
    /// There were too many from that address.
    TooOften,
}

/// Why something came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Refusal {
    /// A PIN or code was wrong.
    Wrong,
    /// A PIN or code was not looked at: it came too soon.
    TooSoon,
    /// A request was turned away.
    Request(Misuse),
}

impl Refusal {
    fn code(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::TooSoon => "too_soon",
            Self::Request(Misuse::NotAllowed) => "not_allowed",
            Self::Request(Misuse::OverLimit) => "over_limit",
            Self::Request(Misuse::Forged) => "forged",
            Self::Request(Misuse::WrongName) => "wrong_name",
            Self::Request(Misuse::TooOften) => "too_often",
        }
    }
}

/// What is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// Wrong PINs and codes.
    SignIn,
    /// Requests that were turned away.
    Request,
}

impl Gate {
    fn action(self) -> &'static str {
        match self {
            Self::SignIn => "refused",
            Self::Request => "turned_away",
        }
    }

    fn refusals(self) -> &'static [Refusal] {
        match self {
            Self::SignIn => &[Refusal::Wrong, Refusal::TooSoon],
            Self::Request => &[
                Refusal::Request(Misuse::NotAllowed),
                Refusal::Request(Misuse::OverLimit),
                Refusal::Request(Misuse::Forged),
                Refusal::Request(Misuse::WrongName),
                Refusal::Request(Misuse::TooOften),
            ],
        }
    }
}

#[derive(Debug)]
struct Window {
    gate: Gate,
    /// None stands for all addresses for which there is no room.
    net: Option<Net>,
    began: Mono,
    last: Wall,
    peer: Peer,
    counted: BTreeMap<Refusal, u64>,
    /// How many tries were for users that exist. What was typed for nobody's name is not kept: it
    /// may be a PIN.
    named: BTreeMap<String, u64>,
    /// What was asked for.
    paths: BTreeMap<String, u64>,
}

/// Tries that have no entry yet.
#[derive(Debug)]
pub(super) struct Refusals {
    gate: Gate,
    windows: Vec<Window>,
}

/// Who is named in entries about refused tries: nobody knows who it was.
const BY: Actor = Actor::Terminal;

impl Window {
    fn new(gate: Gate, net: Option<Net>, now: Now, peer: Peer) -> Self {
        let (began, last) = (now.mono, now.wall);
        let (counted, named, paths) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { gate, net, began, last, peer, counted, named, paths }
    }

    fn is_over(&self, now: Mono) -> bool {
        now.left(self.began) >= WINDOW
    }

    fn has_counted(&self) -> bool {
        !self.counted.is_empty()
    }

    fn count(
        &mut self,
        now: Now,
        peer: Peer,
        name: Option<&UserName>,
        refusal: Refusal,
        what: &str,
    ) {
        (self.last, self.peer) = (now.wall, peer);
        *self.counted.entry(refusal).or_default() += 1;
        if let Some(name) = name {
            count_one(&mut self.named, NAMED_MAX, name.as_str().to_owned());
        }
        if !what.is_empty() {
            let path = what.chars().take(PATH_LEN_MAX).collect();
            count_one(&mut self.paths, PATHS_MAX, path);
        }
    }

    /// The entry for what has been counted, which begins a new minute.
    fn close(&mut self, now: Mono) -> Deed<'static> {
        let counted = std::mem::take(&mut self.counted);
        let mut detail = json!({ "names": std::mem::take(&mut self.named) });
        for refusal in self.gate.refusals() {
            detail[refusal.code()] = counted.get(refusal).copied().unwrap_or_default().into();
        }
        if self.gate == Gate::Request {
            detail["paths"] = json!(std::mem::take(&mut self.paths));
        }
        self.began = now;
        let peer = self.net.map(|_| self.peer);
        Deed { at: self.last, by: &BY, peer, action: self.gate.action(), detail }
    }
}

/// Counts `text` if there is room for it or it is there already.
fn count_one(counts: &mut BTreeMap<String, u64>, most: usize, text: String) {
    if counts.len() < most || counts.contains_key(&text) {
        *counts.entry(text).or_default() += 1;
    }
}

impl Refusals {
    pub(super) fn at(gate: Gate) -> Self {
        Self { gate, windows: Vec::new() }
    }

    /// Counts a refusal, for a user of that name if there is one, of `what` if that is not empty;
    /// what comes back is to be written now.
    pub(super) fn count(
        &mut self,
        now: Now,
        peer: Peer,
        name: Option<&UserName>,
        refusal: Refusal,
        what: &str,
    ) -> Vec<Deed<'static>> {
        self.windows.retain(|window| !window.is_over(now.mono) || window.has_counted());
        let found = self.place(Some(peer.net())).or_else(|| {
            let is_full = self.windows.len() >= WINDOWS_MAX;
            self.place(None).filter(|_| is_full)
        });
        let index = found.unwrap_or_else(|| {
            let net = Some(peer.net()).filter(|_| self.windows.len() < WINDOWS_MAX);
            self.windows.push(Window::new(self.gate, net, now, peer));
            self.windows.len() - 1
        });
        let window = &mut self.windows[index];
        window.count(now, peer, name, refusal, what);
        // The first one at once: what goes on shall be seen while it does.
        let first = found.is_none().then(|| window.close(now.mono));
        first.into_iter().chain(self.due(now.mono)).collect()
    }

    fn place(&self, net: Option<Net>) -> Option<usize> {
        self.windows.iter().position(|window| window.net == net)
    }

    /// What was counted more than a minute ago and is to be written now.
    pub(super) fn due(&mut self, now: Mono) -> Vec<Deed<'static>> {
        let over = self.windows.iter_mut().filter(|window| window.is_over(now));
        over.filter(|window| window.has_counted()).map(|window| window.close(now)).collect()
    }

    /// Everything that was counted, at the end.
    pub(super) fn all(&mut self) -> Vec<Deed<'static>> {
        let counted = self.windows.iter_mut().filter(|window| window.has_counted());
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
        let mut refusals = Refusals::at(Gate::SignIn);
        let mut refuse = |seconds, refusal| {
            counts(&refusals.count(now(seconds), Peer::Socket, None, refusal, ""))
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
        let mut refusals = Refusals::at(Gate::SignIn);
        let mut written = 0;
        for number in 0..100_000_u32 {
            let peer = Peer::network(number.to_be_bytes().into());
            written += refusals.count(now(0), peer, None, Refusal::Wrong, "").len();
        }
        assert_eq!((written, refusals.windows.len()), (17, 17));
        assert_eq!(counts(&refusals.all()), [(100_000 - 17, 0)]);
    }

    #[test]
    fn what_is_written_when_does_not_depend_on_the_name() {
        let names: Vec<UserName> =
            (0..20).map(|n| UserName::new(&format!("u{n}")).expect("a name")).collect();
        let written = |named: bool| -> Vec<usize> {
            let mut refusals = Refusals::at(Gate::SignIn);
            let mut count = |(second, name): (u64, &UserName)| {
                let name = Some(name).filter(|_| named);
                refusals.count(now(second * 10), Peer::Socket, name, Refusal::Wrong, "").len()
            };
            (0..).zip(&names).map(&mut count).collect()
        };
        assert_eq!(written(true), written(false));
    }

    #[test]
    fn an_entry_names_users_up_to_a_bound() {
        let mut refusals = Refusals::at(Gate::SignIn);
        for number in 0..100 {
            let name = UserName::new(&format!("u{}", number % 20)).expect("a name");
            refusals.count(now(0), Peer::Socket, Some(&name), Refusal::Wrong, "");
        }
        let deeds = refusals.all();
        let names = deeds[0].detail["names"].as_object().expect("names");
        assert_eq!(names.len(), NAMED_MAX);
        assert_eq!(names["u3"], 5);
        assert_eq!(counts(&deeds), [(99, 0)]);
    }

    #[test]
    fn a_hundred_thousand_requests_that_were_turned_away_are_few_short_entries() {
        let mut refusals = Refusals::at(Gate::Request);
        let mut deeds = Vec::new();
        let kinds = Gate::Request.refusals();
        for number in 0..100_000_u32 {
            let peer = Peer::network(number.to_be_bytes().into());
            let what = format!("GET /{number}/{}", "\"".repeat(1000));
            let kind = kinds[number as usize % kinds.len()];
            deeds.extend(refusals.count(now(u64::from(number) / 1000), peer, None, kind, &what));
        }
        deeds.extend(refusals.all());
        // A hundred seconds are two minutes.
        assert!(deeds.len() <= 3 * 17, "{}", deeds.len());
        let sum = |code: &str| deeds.iter().filter_map(|deed| deed.detail[code].as_u64()).sum();
        for kind in kinds {
            let counted: u64 = sum(kind.code());
            assert_eq!(counted, 20_000, "{kind:?}");
        }
        for deed in deeds {
            assert_eq!((deed.action, deed.detail.get("wrong")), ("turned_away", None));
            assert!(deed.detail.to_string().len() <= super::super::DETAIL_LEN_MAX);
        }
    }
}
