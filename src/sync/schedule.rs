//! Which outbox rows are sent now, which wait and for how long: the decisions of `sync` without its
//! IO. Time is an argument, so a simulated world makes the same ones.

use crate::clock::{CLOCK_JUMP, Mono, Now, Wall};
use crate::id::{CallId, IdempotencyKey};
use crate::payment::effect::{Line, Outcome, QueuedCall};
use crate::payment::retry::{self, Plan};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// Most calls under way at once for which nobody is waiting.
const PATIENT_CALLS_MAX: usize = 8;
/// Rows read from the outbox at a time, beyond those that are known to wait.
const ROWS_READ: usize = 32;
/// The outbox is looked through this often even if nobody says that it has changed.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// Longest pause of patient calls while the acquirer cannot be reached.
const OFFLINE_PAUSE_MAX: Duration = Duration::from_secs(15);
/// An outcome that is not recorded after this long was lost (the disk was full, say): the call is
/// sent again and gets the same answer.
const SETTLE_WAIT: Duration = Duration::from_secs(5);

/// A pause that ended this long ago, of a row that was not seen since, is forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(3600);

/// What is under way and what waits. Nothing in it matters: after a restart it begins empty.
#[derive(Debug)]
pub struct Schedule {
    /// Calls under way; true for those that somebody waits for.
    in_flight: HashMap<CallId, bool>,
    /// Calls whose outcome may not be recorded yet, with their key, and until when that is waited
    /// for.
    settling: HashMap<CallId, (IdempotencyKey, Mono)>,
    waiting: HashMap<CallId, Waiting>,
    /// Keys that were given up because their calls never took effect, and when: whatever key such a
    /// call has now is younger, whatever the wall clock says.
    given_up: HashMap<CallId, (IdempotencyKey, Mono)>,
    offline: Option<Waiting>,
    started: Mono,
    last: Now,
    distrusted_until: Option<Wall>,
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
    pub fn new(now: Now, distrusted_until: Option<Wall>) -> Self {
        Self {
            in_flight: HashMap::new(),
            settling: HashMap::new(),
            waiting: HashMap::new(),
            given_up: HashMap::new(),
            offline: None,
            started: now.mono,
            last: now,
            distrusted_until,
        }
    }

    /// How many of the outbox's sendable rows [`Schedule::due`] should be shown.
    pub fn rows_wanted(&self) -> usize {
        ROWS_READ + self.in_flight.len() + self.settling.len() + self.waiting.len()
    }

    /// Decides about `rows`, the outbox's sendable ones in their order.
    pub fn due(&mut self, now: Now, rows: Vec<QueuedCall>) -> Due {
        self.compare_clocks(now);
        let known: HashSet<CallId> = rows.iter().map(|row| row.call.id).collect();
        // A row that is not among these may be waiting behind them, with its pause.
        self.waiting.retain(|call, waiting| {
            known.contains(call) || waiting.until.after(FORGET_AFTER) > now.mono
        });
        self.given_up.retain(|call, _| known.contains(call) || self.in_flight.contains_key(call));
        self.settling.retain(|call, (_, until)| known.contains(call) && *until > now.mono);
        let mut due = Due { calls: Vec::new(), look_again: now.mono.after(LOOK_AGAIN) };
        for row in rows {
            let plan = self.plan(&row, now);
            match self.turn(&row, plan, now.mono) {
                Some(turn) if turn <= now.mono => {
                    self.in_flight.insert(row.call.id, row.call.kind.is_urgent());
                    due.calls.push((row, plan));
                }
                Some(turn) => due.look_again = due.look_again.min(turn),
                None => {}
            }
        }
        due
    }

    /// Takes note of an answer.
    pub fn came_back(&mut self, now: Now, row: &QueuedCall, outcome: &Outcome) -> Back {
        let call = row.call.id;
        self.in_flight.remove(&call);
        let attempts = 1 + self.waiting.get(&call).map_or(0, |waiting| waiting.attempts);
        match outcome {
            Outcome::Retry(delay) | Outcome::Unknown(delay) => {
                let pause = retry::pause(&row.call.kind, &row.call.key, attempts, delay);
                let until = now.mono.after(pause);
                let offline = delay.line == Line::Down;
                self.waiting.insert(call, Waiting { attempts, sent: now.mono, until, offline });
                Back { attempts, pause: Some(pause), reachable: self.line(now, delay.line) }
            }
            Outcome::Done(_) | Outcome::Refused(_) | Outcome::Absent => {
                self.waiting.remove(&call);
                if *outcome == Outcome::Absent {
                    self.given_up.insert(call, (row.call.key, now.mono));
                }
                let until = now.mono.after(SETTLE_WAIT);
                self.settling.insert(call, (row.call.key, until));
                Back { attempts, pause: None, reachable: self.line(now, Line::Up) }
            }
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
                self.offline = Some(Waiting { attempts, sent, until, offline: true });
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

    /// When `row` may be sent; `None` while its turn depends on something else.
    fn turn(&self, row: &QueuedCall, plan: Plan, now: Mono) -> Option<Mono> {
        let id = row.call.id;
        if self.in_flight.contains_key(&id) {
            return None;
        }
        if let Some((key, until)) = self.settling.get(&id)
            && *key == row.call.key
        {
            return Some(*until);
        }
        let mut own = self.waiting.get(&id).map_or(now, |waiting| waiting.until);
        if plan == Plan::ReadFirst {
            own = own.max(self.last_attempt(id).after(retry::SETTLED_AFTER));
        }
        if row.call.kind.is_urgent() {
            return Some(own);
        }
        let patient = self.in_flight.values().filter(|urgent| !**urgent).count();
        let places = if self.offline.is_some() { 1 } else { PATIENT_CALLS_MAX };
        if patient >= places {
            return None;
        }
        Some(own.max(self.offline.map_or(now, |offline| offline.until)))
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
mod tests {
    use super::*;
    use crate::id::{EffectReference, Installation, PaymentId, TransactionId};
    use crate::money::{Amount, Currency};
    use crate::payment::effect::{Call, CallKind, Delay, Effect};

    fn at(mono_s: u64, wall_s: i64) -> Now {
        let mono = Mono::new(Duration::from_secs(mono_s));
        Now { mono, wall: Wall::from_millis(wall_s * 1000) }
    }

    fn capture(payment: u32, first_attempt_s: i64) -> QueuedCall {
        let amount = Amount::new(100, Currency::new("EUR").expect("EUR"));
        let id = CallId { payment: PaymentId::new(payment), sequence: 1 };
        let kind = CallKind::Capture {
            transaction: TransactionId::new("t").expect("id"),
            amount,
            reference: EffectReference::new("c").expect("reference"),
        };
        let installation = Installation::new(uuid::Uuid::from_u128(1));
        let key = IdempotencyKey::new(installation, id, "capture", amount, 0);
        let first_attempt = Wall::from_millis(first_attempt_s * 1000);
        QueuedCall { call: Call { id, kind, key, generation: 0 }, first_attempt }
    }

    #[test]
    fn a_jump_in_either_direction_is_noticed_and_drift_is_not() {
        let mut schedule = Schedule::new(at(0, 1_000_000), None);
        let mut distrusted = |now| {
            schedule.compare_clocks(now);
            schedule.distrusted_until
        };
        assert_eq!(distrusted(at(3600, 1_003_601)), None);
        let before = at(3700, 1_003_700).wall;
        assert!(distrusted(at(3700, 0)).is_some_and(|until| until >= before));
        assert!(distrusted(at(3800, 100)).is_some_and(|until| until >= before));
        let forth = at(3900, 9_000_000);
        assert_eq!(distrusted(forth), Some(forth.wall));
    }

    #[test]
    fn an_answer_that_is_not_recorded_is_asked_for_again() {
        let mut schedule = Schedule::new(at(0, 0), None);
        let row = capture(1, 0);
        assert_eq!(schedule.due(at(0, 0), vec![row.clone()]).calls.len(), 1);
        assert!(schedule.due(at(1, 1), vec![row.clone()]).calls.is_empty(), "it is under way");
        schedule.came_back(at(2, 2), &row, &Outcome::Done(Effect::Captured { capture: None }));
        assert!(schedule.due(at(3, 3), vec![row.clone()]).calls.is_empty(), "it is settling");
        assert_eq!(schedule.due(at(8, 8), vec![row]).calls.len(), 1, "the disk was full, say");
    }

    #[test]
    fn offline_one_call_asks_for_all_and_then_all_go() {
        let mut schedule = Schedule::new(at(0, 0), None);
        let rows: Vec<QueuedCall> = (1..=5).map(|payment| capture(payment, 0)).collect();
        assert_eq!(schedule.line(at(0, 0), Line::Down), Some(false));
        let probe = schedule.due(at(2, 2), rows.clone());
        assert_eq!(probe.calls.len(), 1);
        let offline = Outcome::Retry(Delay::offline("no route"));
        let back = schedule.came_back(at(2, 2), &probe.calls[0].0, &offline);
        assert_eq!(back.reachable, None);
        assert!(schedule.due(at(3, 3), rows.clone()).calls.is_empty());
        assert_eq!(schedule.line(at(4, 4), Line::Up), Some(true));
        assert_eq!(schedule.due(at(4, 4), rows).calls.len(), 5);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_make_an_old_key_young_when_it_has_caught_up() {
        let hours = |hours: i64| hours * 3600;
        let mut schedule = Schedule::new(at(0, hours(100)), None);
        let row = capture(1, hours(100));
        let offline = Outcome::Retry(Delay::offline("no route"));
        assert!(matches!(
            schedule.due(at(0, hours(100)), vec![row.clone()]).calls[..],
            [(_, Plan::Send)]
        ));
        schedule.came_back(at(1, hours(100) + 1), &row, &offline);
        let caught_up = at(32 * 3600, hours(122));
        let due = schedule.due(caught_up, vec![row.clone()]);
        assert!(matches!(due.calls[..], [(_, Plan::ReadFirst)]), "it is 32 hours old, not 22");
        schedule.came_back(caught_up, &row, &Outcome::Absent);
        let mut renewed = capture(1, hours(90));
        renewed.call.key = capture(2, 0).call.key;
        let due = schedule.due(caught_up, vec![renewed]);
        assert!(
            matches!(due.calls[..], [(_, Plan::Send)]),
            "its new key is new whatever the clock"
        );
    }

    #[test]
    fn an_old_key_is_looked_up_only_once_its_last_attempt_is_over() {
        let day = 86_400;
        let mut schedule = Schedule::new(at(0, 2 * day), None);
        let due = schedule.due(at(0, 2 * day), vec![capture(1, 0)]);
        assert!(due.calls.is_empty());
        assert_eq!(due.look_again, at(30, 0).mono);
        let due = schedule.due(at(120, 2 * day + 120), vec![capture(1, 0)]);
        assert!(matches!(due.calls[..], [(_, Plan::ReadFirst)]));
    }
}
