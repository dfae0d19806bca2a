//! From the outbox to the acquirer and back: due rows become calls, answers become reports.
//!
//! It writes no database and holds nothing that matters: after a restart the outbox says what is to
//! be done. Which call may be sent again is asked of `payment::retry`.

mod watcher;

use crate::acquirer::Acquirer;
use crate::clock::{CLOCK_JUMP, Now, SystemClock, Wall};
use crate::id::{CallId, IdempotencyKey, PaymentId, RequestId};
use crate::payment::Watch;
use crate::payment::effect::{Delay, Outcome, QueuedCall, RequestState};
use crate::payment::retry::{self, Plan};
use crate::store::Reader;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Sender;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use watcher::Watcher;

/// Most calls under way at once for which nobody is waiting.
const PATIENT_CALLS_MAX: usize = 8;
/// Rows read from the outbox at a time, beyond those that are known to wait.
const ROWS_READ: usize = 32;
/// The outbox is looked through this often even if nobody says that it has changed.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// Longest pause of patient calls while the acquirer cannot be reached.
const OFFLINE_PAUSE_MAX: Duration = Duration::from_secs(15);
/// How long to wait before the outbox is read again after a read has failed.
const STORE_PAUSE: Duration = Duration::from_secs(5);
/// An outcome that is not recorded after this long was lost (the disk was full, say): the call is
/// sent again and gets the same answer.
const SETTLE_WAIT: Duration = Duration::from_secs(5);
/// Length of the queue of reports to the daemon.
pub const REPORTS_MAX: usize = 256;

/// What `sync` tells the daemon.
#[derive(Debug)]
pub enum Report {
    /// A call came back.
    Outcome {
        /// Which.
        call: CallId,
        /// How often it has failed in a row, this time included.
        attempts: u32,
        /// With what.
        outcome: Outcome,
    },
    /// A payment request was read.
    Observed {
        /// Whose.
        payment: PaymentId,
        /// Which.
        request: RequestId,
        /// What it says.
        state: RequestState,
    },
    /// Whether the acquirer can be reached has changed.
    Reachable(bool),
    /// The outbox cannot be read.
    StoreFailed(String),
}

/// Runs until the daemon drops its end of `wanted`. Whatever is sent there says two things: these
/// payment requests are to be read from now on, and the outbox may have changed. Keys first
/// attempted before `distrusted_until` are not relied on.
pub async fn run(
    reader: Reader,
    acquirer: Arc<Acquirer>,
    clock: SystemClock,
    distrusted_until: Option<Wall>,
    wanted: watch::Receiver<Vec<Watch>>,
    reports: Sender<Report>,
) {
    Sync {
        reader,
        acquirer: acquirer.clone(),
        clock,
        reports: reports.clone(),
        calls: JoinSet::new(),
        in_flight: HashMap::new(),
        settling: HashMap::new(),
        waiting: HashMap::new(),
        offline: None,
        watcher: Watcher::new(acquirer),
        jumps: ClockJumps { last: clock.now(), distrusted_until },
        started: Instant::now(),
    }
    .run(wanted)
    .await;
}

struct Sync {
    reader: Reader,
    acquirer: Arc<Acquirer>,
    clock: SystemClock,
    reports: Sender<Report>,
    calls: JoinSet<(QueuedCall, Outcome)>,
    /// Calls under way; true for those that somebody waits for.
    in_flight: HashMap<CallId, bool>,
    /// Calls whose outcome the daemon may not have recorded yet, with their key, and until when
    /// that is waited for.
    settling: HashMap<CallId, (IdempotencyKey, Instant)>,
    waiting: HashMap<CallId, Waiting>,
    offline: Option<Waiting>,
    watcher: Watcher,
    jumps: ClockJumps,
    started: Instant,
}

/// A pause after failures.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    attempts: u32,
    /// When the last attempt came back.
    sent: Instant,
    until: Instant,
}

impl Sync {
    async fn run(mut self, mut wanted: watch::Receiver<Vec<Watch>>) {
        // What was open at the start is no change, and has to be read all the same.
        self.watcher.watch(wanted.borrow_and_update().clone());
        loop {
            let look_again = self.send_due().await;
            tokio::select! {
                changed = wanted.changed() => match changed {
                    Ok(()) => self.watcher.watch(wanted.borrow_and_update().clone()),
                    Err(_) => return,
                },
                Some(done) = self.calls.join_next() => match done {
                    Ok((row, outcome)) => self.came_back(row, outcome).await,
                    Err(error) => tracing::error!(%error, "a call has ended abnormally"),
                },
                Some(report) = self.watcher.next() => {
                    self.reachable(!matches!(&report, Err(delay) if delay.offline)).await;
                    if let Ok((watch, state)) = report {
                        let Watch { payment, request, .. } = watch;
                        self.report(Report::Observed { payment, request, state }).await;
                    }
                },
                () = tokio::time::sleep_until(look_again) => {}
            }
        }
    }

    /// Sends whatever is due; returns when to look again.
    async fn send_due(&mut self) -> Instant {
        self.jumps.check(self.clock.now());
        let now = Instant::now();
        let busy = self.in_flight.len() + self.settling.len() + self.waiting.len();
        let rows = match self.reader.sendable(ROWS_READ + busy) {
            Ok(rows) => rows,
            Err(error) => {
                self.report(Report::StoreFailed(error.to_string())).await;
                return now + STORE_PAUSE;
            }
        };
        let known: HashSet<CallId> = rows.iter().map(|row| row.call.id).collect();
        self.waiting.retain(|call, _| known.contains(call));
        self.settling.retain(|call, (_, until)| known.contains(call) && *until > now);
        let mut look_again = now + LOOK_AGAIN;
        for row in rows {
            match self.due(&row, now) {
                Some(due) if due <= now => self.send(row),
                Some(due) => look_again = look_again.min(due),
                None => {}
            }
        }
        look_again
    }

    /// When `row` may be sent; `None` while its turn depends on something else.
    fn due(&self, row: &QueuedCall, now: Instant) -> Option<Instant> {
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
        if self.plan(row) == Plan::ReadFirst {
            own = own.max(self.last_attempt(id) + retry::SETTLED_AFTER);
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

    fn plan(&self, row: &QueuedCall) -> Plan {
        retry::plan(row, self.clock.now().wall, self.jumps.distrusted_until)
    }

    /// When `call` may have been sent last; before a restart, for all we know, just before it.
    fn last_attempt(&self, call: CallId) -> Instant {
        self.waiting.get(&call).map_or(self.started, |waiting| waiting.sent)
    }

    fn send(&mut self, row: QueuedCall) {
        let plan = self.plan(&row);
        self.in_flight.insert(row.call.id, row.call.kind.is_urgent());
        let acquirer = self.acquirer.clone();
        self.calls.spawn(async move {
            let outcome = match plan {
                Plan::Send => acquirer.execute(&row.call).await,
                Plan::ReadFirst => acquirer.find_effect(&row.call).await,
            };
            (row, outcome)
        });
    }

    async fn came_back(&mut self, row: QueuedCall, outcome: Outcome) {
        let call = row.call.id;
        self.in_flight.remove(&call);
        let attempts = 1 + self.waiting.get(&call).map_or(0, |waiting| waiting.attempts);
        match &outcome {
            Outcome::Retry(delay) | Outcome::Unknown(delay) => {
                let pause = retry::pause(&row.call.kind, &row.call.key, attempts, delay);
                let until = Instant::now() + pause;
                self.waiting.insert(call, Waiting { attempts, sent: Instant::now(), until });
                self.note_failure(&row, attempts, pause, delay).await;
            }
            Outcome::Done(_) | Outcome::Refused(_) | Outcome::Absent => {
                self.waiting.remove(&call);
                let until = Instant::now() + SETTLE_WAIT;
                self.settling.insert(call, (row.call.key, until));
                self.reachable(true).await;
            }
        }
        self.report(Report::Outcome { call, attempts, outcome }).await;
    }

    /// A failure is logged when it is new, and then each time the number of failures has doubled.
    async fn note_failure(
        &mut self,
        row: &QueuedCall,
        attempts: u32,
        pause: Duration,
        delay: &Delay,
    ) {
        if attempts.is_power_of_two() {
            tracing::warn!(
                call = %row.call.id,
                operation = row.call.kind.operation(),
                attempts,
                pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
                reason = delay.reason,
                "a call has no answer yet and will be tried again with the same key"
            );
        }
        self.reachable(!delay.offline).await;
    }

    /// Notes whether the acquirer can be reached.
    async fn reachable(&mut self, reachable: bool) {
        let was_offline = self.offline.is_some();
        if reachable {
            self.offline = None;
            if was_offline {
                let now = Instant::now();
                self.waiting.values_mut().for_each(|waiting| waiting.until = now);
                self.report(Report::Reachable(true)).await;
            }
        } else {
            let attempts = 1 + self.offline.map_or(0, |offline| offline.attempts);
            let pause = Duration::from_secs(1 << attempts.min(5)).min(OFFLINE_PAUSE_MAX);
            let sent = Instant::now();
            self.offline = Some(Waiting { attempts, sent, until: sent + pause });
            if !was_offline {
                self.report(Report::Reachable(false)).await;
            }
        }
    }

    async fn report(&mut self, report: Report) {
        // The daemon drops its end only when everything stops.
        let _ = self.reports.send(report).await;
    }
}

/// Notices when the wall clock jumps against the monotonic one.
struct ClockJumps {
    last: Now,
    distrusted_until: Option<Wall>,
}

impl ClockJumps {
    /// Compares the clocks. Keys first attempted before `distrusted_until` cannot be told from old
    /// ones.
    fn check(&mut self, now: Now) {
        let expected = self.last.wall.after(now.mono.left(self.last.mono));
        let off = now.wall.since(expected).or_else(|| expected.since(now.wall));
        if off.is_some_and(|off| off > CLOCK_JUMP) {
            self.distrusted_until = Some(now.wall);
            tracing::warn!("the wall clock has jumped; old keys are not relied on any more");
        }
        self.last = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Mono;

    #[test]
    fn a_jump_in_either_direction_is_noticed_and_drift_is_not() {
        let at = |mono_s, wall_s: i64| Now {
            mono: Mono::new(Duration::from_secs(mono_s)),
            wall: Wall::from_millis(wall_s * 1000),
        };
        let mut jumps = ClockJumps { last: at(0, 1_000_000), distrusted_until: None };
        let mut check = |now| {
            jumps.check(now);
            jumps.distrusted_until
        };
        assert_eq!(check(at(3600, 1_003_601)), None);
        let back = at(3700, 0);
        assert_eq!(check(back), Some(back.wall));
        assert_eq!(check(at(3800, 100)), Some(back.wall));
        let forth = at(3900, 9_000_000);
        assert_eq!(check(forth), Some(forth.wall));
    }
}
