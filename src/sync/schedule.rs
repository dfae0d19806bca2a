//! Which outbox rows are sent now, which wait and for how long: the decisions of `sync` without its
//! IO. Time is an argument, so a simulated world makes the same ones.

use super::page::Pages;
use super::quota::{Lanes, Quota, Wish};
use crate::acquirer::Quotas;
use crate::clock::{CLOCK_JUMP, Mono, Now, Wall};
use crate::id::{CallId, IdempotencyKey, PaymentId};
use crate::payment::effect::{Line, Outcome, QueuedCall};
use crate::payment::retry::{self, Plan};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

pub use super::page::Page;

/// The outbox is looked through this often even if nobody says that it has changed.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// Longest pause of patient calls while the acquirer cannot be reached.
const OFFLINE_PAUSE_MAX: Duration = Duration::from_secs(15);
/// An outcome that is not recorded after this long was lost (the disk was full, say): the call is
/// sent again and gets the same answer.
const SETTLE_WAIT: Duration = Duration::from_secs(5);

/// How many refused calls are remembered; more than a person will ever send again.
const ANSWERED_MAX: usize = 10_000;

/// What is under way and what waits. Nothing in it matters: after a restart it begins empty.
#[derive(Debug)]
pub struct Schedule {
    in_flight: HashMap<CallId, Flight>,
    /// Calls whose outcome may not be recorded yet, with their key, and until when that is waited
    /// for.
    settling: HashMap<CallId, (IdempotencyKey, Mono)>,
    waiting: HashMap<CallId, Waiting>,
    /// Keys that were given up because their calls never took effect, and when: whatever key such a
    /// call has now is younger, whatever the wall clock says.
    given_up: HashMap<CallId, (IdempotencyKey, Mono)>,
    /// Calls that were refused: nothing of them is under way any more, should they be sent again.
    answered: HashSet<CallId>,
    offline: Option<Waiting>,
    lanes: Lanes,
    pages: Pages,
    /// The quotas that rows at the head of the queue wait for.
    at_head: Vec<Quota>,
    started: Mono,
    last: Now,
    distrusted_until: Option<Wall>,
}

/// A call under way.
#[derive(Debug, Clone, Copy)]
struct Flight {
    sent: Mono,
    quota: Quota,
    /// Somebody waits for it.
    urgent: bool,
}

/// A pause after failures.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    attempts: u32,
    /// When the last attempt came back.
    sent: Mono,
    until: Mono,
    /// It waits for the line alone.
    offline: bool,
    /// The acquirer has asked not only this call to wait.
    asked: bool,
}

/// What is to be sent now, and when to look again.
#[derive(Debug, PartialEq, Eq)]
pub struct Due {
    /// Each with how it is to be sent; all of them count as under way from now on.
    pub calls: Vec<(QueuedCall, Plan)>,
    /// The latest time for the next look.
    pub look_again: Mono,
}

/// What an answer means for the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Back {
    /// How often the call has failed in a row, this time included.
    pub attempts: u32,
    /// How long it pauses, if it has to be sent again.
    pub pause: Option<Duration>,
    /// Whether the acquirer can be reached, if that is new.
    pub reachable: Option<bool>,
}

impl Schedule {
    /// Keys first attempted before `distrusted_until` are not relied on.
    pub fn new(now: Now, distrusted_until: Option<Wall>, quotas: Quotas) -> Self {
        Self {
            in_flight: HashMap::new(),
            settling: HashMap::new(),
            waiting: HashMap::new(),
            given_up: HashMap::new(),
            answered: HashSet::new(),
            offline: None,
            lanes: Lanes::new(quotas, now.mono),
            pages: Pages::new(now.mono),
            at_head: Vec::new(),
            started: now.mono,
            last: now,
            distrusted_until,
        }
    }

    /// Which of the outbox's sendable rows [`Schedule::due`] should be shown now, beside all urgent
    /// ones.
    pub fn page(&mut self, now: Now) -> Page {
        let busy = self.in_flight.len() + self.settling.len() + self.waiting.len();
        self.pages.next(now.mono, busy)
    }

    /// Decides about `rows`: the urgent ones, then those of the page, each in their order.
    pub fn due(&mut self, now: Now, mut rows: Vec<QueuedCall>) -> Due {
        self.compare_clocks(now);
        self.pages.show(&rows);
        self.forget_gone(now.mono, &rows);
        self.put_first_who_asks(&mut rows);
        let mut due = Due { calls: Vec::new(), look_again: now.mono.after(LOOK_AGAIN) };
        let mut held_up = Vec::new();
        for row in rows {
            let (id, plan) = (row.call.id, self.plan(&row, now));
            let Some(own) = self.own_turn(&row, plan, now.mono) else { continue };
            let quota = Quota::of(&row.call.kind, plan);
            let patient = !row.call.kind.is_urgent();
            let turn = match patient && own <= now.mono {
                true => self.lane_opens(quota),
                false => Some(own),
            };
            if turn.is_some_and(|turn| turn <= now.mono) {
                if plan == Plan::Send {
                    self.answered.remove(&id);
                }
                self.send(id, Flight { sent: now.mono, quota, urgent: !patient });
                due.calls.push((row, plan));
                continue;
            }
            if patient && own <= now.mono {
                held_up.push((id.payment, quota));
            }
            due.look_again = turn.map_or(due.look_again, |turn| due.look_again.min(turn));
        }
        due.look_again = due.look_again.min(self.next_look(now.mono, &held_up));
        due
    }

    fn send(&mut self, call: CallId, flight: Flight) {
        if !flight.urgent {
            self.lanes.of_mut(flight.quota).take(flight.sent);
        }
        self.in_flight.insert(call, flight);
    }

    /// What is not in the outbox any more needs no memory.
    fn forget_gone(&mut self, now: Mono, rows: &[QueuedCall]) {
        let known: HashSet<CallId> = rows.iter().map(|row| row.call.id).collect();
        let pages = &self.pages;
        let kept = |call: &CallId| known.contains(call) || !pages.shows(call.payment);
        self.waiting.retain(|call, _| kept(call) || self.in_flight.contains_key(call));
        self.given_up.retain(|call, _| kept(call) || self.in_flight.contains_key(call));
        self.settling.retain(|call, (_, until)| kept(call) && *until > now);
    }

    /// Where one call has to find out whether a pause is over, it is not always the same one.
    fn put_first_who_asks(&self, rows: &mut [QueuedCall]) {
        rows.sort_by_key(|row| {
            let kind = &row.call.kind;
            let probes = self.lanes.of(Quota::of(kind, Plan::Send)).probes();
            let waiting = self.waiting.get(&row.call.id).filter(|_| probes && !kind.is_urgent());
            (!kind.is_urgent(), waiting.map(|waiting| waiting.sent))
        });
    }

    /// When the next page is due: at once when there is something to send behind this one.
    fn next_look(&mut self, now: Mono, held_up: &[(PaymentId, Quota)]) -> Mono {
        if !self.pages.is_round() {
            self.at_head = held_up.iter().map(|(_, quota)| *quota).collect();
        }
        let elsewhere = held_up.iter().filter(|(_, quota)| !self.at_head.contains(quota));
        let stay = elsewhere.filter_map(|(_, quota)| self.lane_opens(*quota)).min();
        let more = self.pages.looked(held_up.iter().map(|(payment, _)| *payment).min(), stay);
        let opens = [Quota::Capture, Quota::Management].map(|quota| self.lane_opens(quota));
        let opens = opens.into_iter().flatten().filter(|_| more).map(|opens| opens.max(now));
        let under_way = |call: &CallId| self.in_flight.contains_key(call);
        let pauses = self.waiting.iter().filter(|(call, _)| !under_way(call));
        let pauses = pauses.map(|(_, waiting)| waiting.until).filter(|until| *until > now);
        let looks = opens.chain(pauses).chain(self.pages.goes_on());
        looks.min().unwrap_or(now.after(LOOK_AGAIN))
    }

    /// Takes note of an answer.
    pub fn came_back(&mut self, now: Now, row: &QueuedCall, outcome: &Outcome) -> Back {
        let call = row.call.id;
        let before = self.waiting.get(&call).copied();
        let attempts = 1 + before.map_or(0, |before| before.attempts);
        if let Some(flight) = self.in_flight.remove(&call) {
            self.learn(now.mono, flight, before, outcome);
        }
        match outcome {
            Outcome::Retry(delay) | Outcome::Unknown(delay) => {
                let mut pause = retry::pause(&row.call.kind, &row.call.key, attempts, delay);
                let offline = delay.line == Line::Down;
                if offline {
                    // It may be the only one that can find out when the line is back.
                    pause = pause.min(OFFLINE_PAUSE_MAX);
                }
                let until = now.mono.after(pause);
                let asked = Wish::of(delay, now.mono).is_some();
                let waiting = Waiting { attempts, sent: now.mono, until, offline, asked };
                self.waiting.insert(call, waiting);
                Back { attempts, pause: Some(pause), reachable: self.line(now, delay.line) }
            }
            Outcome::Done(_) | Outcome::Refused(_) | Outcome::Absent => {
                self.waiting.remove(&call);
                if matches!(outcome, Outcome::Refused(_)) && self.answered.len() < ANSWERED_MAX {
                    self.answered.insert(call);
                }
                if *outcome == Outcome::Absent {
                    self.given_up.insert(call, (row.call.key, now.mono));
                }
                let until = now.mono.after(SETTLE_WAIT);
                self.settling.insert(call, (row.call.key, until));
                Back { attempts, pause: None, reachable: self.line(now, Line::Up) }
            }
        }
    }

    /// What an answer says of its quota.
    fn learn(&mut self, now: Mono, flight: Flight, before: Option<Waiting>, outcome: &Outcome) {
        let (line, wish) = match outcome {
            Outcome::Retry(delay) | Outcome::Unknown(delay) => (delay.line, Wish::of(delay, now)),
            Outcome::Done(_) | Outcome::Refused(_) | Outcome::Absent => (Line::Up, None),
        };
        match wish {
            Some(wish) => {
                let asked = before.filter(|before| before.asked).map(|before| before.sent);
                self.lanes.pause(now, wish, flight.quota, asked);
            }
            None if line == Line::Up => {
                self.lanes.of_mut(flight.quota).answered_well(now, flight.sent);
            }
            None => {}
        }
    }

    /// Ends all pauses but those that the acquirer has asked for.
    pub fn hurry(&mut self, now: Now) {
        let own = self.waiting.values_mut().filter(|waiting| !waiting.asked);
        own.for_each(|waiting| waiting.until = now.mono);
        if let Some(offline) = &mut self.offline {
            offline.until = now.mono;
        }
    }

    /// Takes note of what an exchange says of the line; returns whether the acquirer can be reached
    /// if that is new. Pauses that only waited for the line end; those that were asked for stay.
    pub fn line(&mut self, now: Now, line: Line) -> Option<bool> {
        let was_offline = self.offline.is_some();
        match line {
            Line::Up => {
                self.offline = None;
                let waiting = self.waiting.values_mut().filter(|waiting| waiting.offline);
                waiting.for_each(|waiting| waiting.until = now.mono);
            }
            Line::Down => {
                let attempts = 1 + self.offline.map_or(0, |offline| offline.attempts);
                let pause = Duration::from_secs(1 << attempts.min(5)).min(OFFLINE_PAUSE_MAX);
                let (sent, until) = (now.mono, now.mono.after(pause));
                self.offline = Some(Waiting { attempts, sent, until, offline: true, asked: false });
            }
            Line::Unsaid => {}
        }
        let is_offline = self.offline.is_some();
        (is_offline != was_offline).then_some(!is_offline)
    }

    fn plan(&self, row: &QueuedCall, now: Now) -> Plan {
        match self.given_up.get(&row.call.id) {
            Some((old, since)) if *old != row.call.key => {
                retry::plan_renewed(now.mono.left(*since))
            }
            _ => retry::plan(row, now.wall, self.distrusted_until),
        }
    }

    /// When `row` may be sent as far as it alone is concerned; `None` while it is under way.
    fn own_turn(&mut self, row: &QueuedCall, plan: Plan, now: Mono) -> Option<Mono> {
        let id = row.call.id;
        if self.in_flight.contains_key(&id) {
            return None;
        }
        if let Some((key, until)) = self.settling.get(&id)
            && *key == row.call.key
        {
            return Some(*until);
        }
        let earliest = match plan {
            Plan::Send => now,
            Plan::ReadFirst if self.answered.contains(&id) => now,
            Plan::ReadFirst => self.last_attempt(id).after(retry::SETTLED_AFTER),
        };
        let Some(waiting) = self.waiting.get_mut(&id) else { return Some(earliest) };
        waiting.until = waiting.until.max(earliest);
        Some(waiting.until)
    }

    /// When the next patient call of `quota` may be sent; `None` while others have to come back
    /// first.
    fn lane_opens(&self, quota: Quota) -> Option<Mono> {
        let patient = || self.in_flight.values().filter(|flight| !flight.urgent);
        let under_way = patient().filter(|flight| flight.quota == quota).count();
        let opens = self.lanes.of(quota).opens(under_way)?;
        match self.offline {
            None => Some(opens),
            Some(offline) => (patient().count() == 0).then_some(opens.max(offline.until)),
        }
    }

    /// When `call` may have been sent last; before a restart, for all we know, just before it.
    fn last_attempt(&self, call: CallId) -> Mono {
        self.waiting.get(&call).map_or(self.started, |waiting| waiting.sent)
    }

    /// Notices when the wall clock jumps against the monotonic one.
    fn compare_clocks(&mut self, now: Now) {
        let expected = self.last.wall.after(now.mono.left(self.last.mono));
        let off = now.wall.since(expected).or_else(|| expected.since(now.wall));
        if off.is_some_and(|off| off > CLOCK_JUMP) {
            // What was attempted before a clock was set back looks new once it has caught up.
            let newest = now.wall.max(expected);
            self.distrusted_until = self.distrusted_until.max(Some(newest));
        }
        self.last = now;
    }
}

#[cfg(test)]
mod tests;
