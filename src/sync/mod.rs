//! From the outbox to the acquirer and back: due rows become calls, answers become reports.
//!
//! It writes no database and holds nothing that matters: after a restart the outbox says what is to
//! be done. What is sent when is decided by `schedule`, at the pace that `quota` allows; whether it
//! may be sent again, by `payment::retry`.

mod page;
mod push;
mod quota;
pub mod schedule;
mod watcher;

use crate::acquirer::Acquirer;
use crate::clock::{SystemClock, Wall};
use crate::id::{CallId, PaymentId, RequestId};
use crate::payment::effect::{Delay, Line, Outcome, QueuedCall, RequestState};
use crate::payment::retry::Plan;
use crate::payment::{Wanted, Watch};
use crate::store::Reader;
pub use push::{Figures, Hint, SUBMITTED};
use schedule::Schedule;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::watch;
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::Instant;
use watcher::Watcher;

/// How long to wait before the outbox is read again after a read has failed.
const STORE_PAUSE: Duration = Duration::from_secs(5);
/// Length of the queue of reports to the daemon.
pub const REPORTS_MAX: usize = 256;
/// Length of the queue of hints; those that find no room are dropped.
pub const HINTS_MAX: usize = 64;

/// Reasons to read that come from outside, and how rarely is read without one while they come.
#[derive(Debug)]
pub struct Hints {
    /// Where they come in; nothing ever does if it is `None`.
    pub queue: Option<Receiver<Hint>>,
    /// Between two reads of one payment request while hints are relied on.
    pub pace: Duration,
    /// Where is counted what they are worth.
    pub figures: Arc<Figures>,
}

impl Hints {
    /// There are none: it is read as often as the daemon says.
    pub fn none() -> Self {
        Self { queue: None, pace: Duration::ZERO, figures: Arc::default() }
    }

    async fn next(&mut self) -> Hint {
        loop {
            match &mut self.queue {
                Some(queue) => match queue.recv().await {
                    Some(hint) => return hint,
                    None => {
                        self.queue = None;
                        return Hint::Line(false);
                    }
                },
                None => std::future::pending().await,
            }
        }
    }
}

/// What `sync` tells the daemon.
#[derive(Debug)]
pub enum Report {
    /// A call came back.
    Outcome {
        /// Which.
        call: CallId,
        /// How often it has failed in a row, this time included.
        attempts: u32,
        /// How long it pauses before it is sent again, if it is.
        pause: Option<Duration>,
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
/// payment requests are to be read and these payments are waited for from now on, and the outbox
/// may have changed. Keys first attempted before `distrusted_until` are not relied on. A hint makes
/// a read happen earlier, and nothing else.
pub async fn run(
    reader: Reader,
    acquirer: Arc<Acquirer>,
    clock: SystemClock,
    distrusted_until: Option<Wall>,
    wanted: watch::Receiver<Wanted>,
    hints: Hints,
    reports: Sender<Report>,
) {
    Sync {
        reader,
        acquirer: acquirer.clone(),
        clock,
        reports: reports.clone(),
        calls: JoinSet::new(),
        rows: HashMap::new(),
        schedule: Schedule::new(clock.now(), distrusted_until, acquirer.quotas()),
        watcher: Watcher::new(acquirer, hints.pace, hints.figures.clone()),
        hints,
        urgent: Vec::new(),
        hurried: 0,
    }
    .run(wanted)
    .await;
}

struct Sync {
    reader: Reader,
    acquirer: Arc<Acquirer>,
    clock: SystemClock,
    reports: Sender<Report>,
    calls: JoinSet<Outcome>,
    /// The row of each call under way.
    rows: HashMap<task::Id, QueuedCall>,
    schedule: Schedule,
    watcher: Watcher,
    hints: Hints,
    /// The payments that somebody waits for.
    urgent: Vec<PaymentId>,
    /// How often it was asked so far that calls that pause be sent at once.
    hurried: u64,
}

impl Sync {
    async fn run(mut self, mut wanted: watch::Receiver<Wanted>) {
        // What was open at the start is no change, and has to be read all the same.
        self.attend_to(wanted.borrow_and_update().clone());
        loop {
            let look_again = self.send_due().await;
            tokio::select! {
                changed = wanted.changed() => match changed {
                    Ok(()) => self.attend_to(wanted.borrow_and_update().clone()),
                    Err(_) => return,
                },
                Some(done) = self.calls.join_next_with_id() => self.came_back(done).await,
                Some(read) = self.watcher.next() => {
                    let line = read.as_ref().map_or_else(|delay| delay.line, |_| Line::Up);
                    let news = self.schedule.line(self.clock.now(), line);
                    self.tell_reachable(news).await;
                    if let Ok((watch, state)) = read {
                        let Watch { payment, request, .. } = watch;
                        self.report(Report::Observed { payment, request, state }).await;
                    }
                },
                hint = self.hints.next() => self.watcher.hint(hint),
                () = tokio::time::sleep_until(look_again) => {}
            }
        }
    }

    fn attend_to(&mut self, wanted: Wanted) {
        self.watcher.watch(wanted.watches);
        self.urgent = wanted.urgent;
        if self.hurried != wanted.hurried {
            self.hurried = wanted.hurried;
            self.schedule.hurry(self.clock.now());
        }
    }

    /// Sends whatever is due; returns when to look again.
    async fn send_due(&mut self) -> Instant {
        let page = self.schedule.page(self.clock.now());
        let rows = match self.reader.sendable(&self.urgent, page.from, page.limit) {
            Ok(rows) => rows,
            Err(error) => {
                self.report(Report::StoreFailed(error.to_string())).await;
                return Instant::now() + STORE_PAUSE;
            }
        };
        let due = self.schedule.due(self.clock.now(), rows);
        for (row, plan) in due.calls {
            let (acquirer, call) = (self.acquirer.clone(), row.call.clone());
            let task = self.calls.spawn(async move {
                match plan {
                    Plan::Send => acquirer.execute(&call).await,
                    Plan::ReadFirst => acquirer.find_effect(&call).await,
                }
            });
            self.rows.insert(task.id(), row);
        }
        Instant::from_std(self.clock.instant(due.look_again))
    }

    async fn came_back(&mut self, done: Result<(task::Id, Outcome), JoinError>) {
        let (id, outcome) = match done {
            Ok(done) => done,
            // A defect in one call must not keep its row from being sent again.
            Err(error) => (error.id(), Outcome::Unknown(Delay::because("the call was cut short"))),
        };
        let Some(row) = self.rows.remove(&id) else { return };
        let back = self.schedule.came_back(self.clock.now(), &row, &outcome);
        if let (Some(pause), Outcome::Retry(delay) | Outcome::Unknown(delay)) =
            (back.pause, &outcome)
        {
            note_failure(&row, back.attempts, pause, delay);
        }
        self.tell_reachable(back.reachable).await;
        let (call, attempts) = (row.call.id, back.attempts);
        let pause = back.pause;
        self.report(Report::Outcome { call, attempts, pause, outcome }).await;
    }

    async fn tell_reachable(&mut self, news: Option<bool>) {
        if let Some(reachable) = news {
            self.report(Report::Reachable(reachable)).await;
        }
    }

    async fn report(&mut self, report: Report) {
        // The daemon drops its end only when everything stops.
        let _ = self.reports.send(report).await;
    }
}

/// A failure is logged when it is new, and then each time the number of failures has doubled.
fn note_failure(row: &QueuedCall, attempts: u32, pause: Duration, delay: &Delay) {
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
}
