//! Reading payment requests again and again: at most one read of each at a time, slower after
//! failures and while hints are relied on, at once after a hint.

use super::push::{Figures, Hint, Pace, Push};
use crate::acquirer::Acquirer;
use crate::payment::Watch;
use crate::payment::effect::{Delay, RequestState};
use std::collections::HashMap;
use std::mem::{self, Discriminant};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{self, JoinSet};
use tokio::time::Instant;

/// Longest pause between two reads after failures.
const PAUSE_MAX: Duration = Duration::from_secs(15);

/// The result of one read.
pub(super) type Read = Result<(Watch, RequestState), Delay>;

pub(super) struct Watcher {
    acquirer: Arc<Acquirer>,
    watched: HashMap<String, Watched>,
    reads: JoinSet<Result<RequestState, Delay>>,
    /// What each read under way is about.
    reading: HashMap<task::Id, Watch>,
    push: Push,
    /// Between two reads of one request while hints are relied on.
    pace_with_push: Duration,
    figures: Arc<Figures>,
}

struct Watched {
    watch: Watch,
    next: Instant,
    failures: u32,
    reading: bool,
    /// What it said last, as far as is known.
    last: Discriminant<RequestState>,
    /// A hint has come since the last read began.
    is_hinted: bool,
    /// The read under way was asked for by a hint.
    because_hinted: bool,
    reads: Pace,
    /// The acquirer has asked to wait until then.
    not_before: Option<Instant>,
}

impl Watched {
    fn new(watch: Watch, next: Instant) -> Self {
        Self {
            last: mem::discriminant(&watch.known),
            watch,
            next,
            failures: 0,
            reading: false,
            is_hinted: false,
            because_hinted: false,
            reads: Pace::default(),
            not_before: None,
        }
    }

    fn read_well(&mut self, now: Instant, pace: Duration) {
        (self.failures, self.not_before) = (0, None);
        self.next = now + pace;
    }

    fn failed(&mut self, now: Instant, delay: &Delay) {
        self.failures += 1;
        if self.failures.is_power_of_two() {
            let (failures, reason) = (self.failures, &delay.reason);
            let payment = self.watch.payment;
            tracing::warn!(%payment, failures, reason, "a payment request cannot be read");
        }
        let slower = self.watch.every.saturating_mul(self.failures + 1) / 2;
        let asked = Duration::from_millis(delay.at_least_ms.unwrap_or(0));
        self.not_before = Some(now + asked);
        self.next = now + slower.max(self.watch.every).min(PAUSE_MAX).max(asked);
    }

    /// Reads no later than at `then`, or when the acquirer allows it.
    fn hurry(&mut self, then: Instant) {
        let soon = self.not_before.map_or(then, |asked| asked.max(then));
        self.next = self.next.min(soon);
    }
}

impl Watcher {
    pub(super) fn new(
        acquirer: Arc<Acquirer>,
        pace_with_push: Duration,
        figures: Arc<Figures>,
    ) -> Self {
        let (watched, reading) = (HashMap::new(), HashMap::new());
        let (reads, push) = (JoinSet::new(), Push::default());
        Self { acquirer, watched, reads, reading, push, pace_with_push, figures }
    }

    /// A reason to read from outside. It costs a read at most, and not more than a few a second.
    pub(super) fn hint(&mut self, hint: Hint) {
        let now = Instant::now();
        match hint {
            Hint::Changed { request, is_submitted, lag } => {
                self.push.hinted(&request, now);
                let Some(watched) = self.watched.get_mut(&request) else { return };
                if let Some(lag) = lag {
                    self.figures.note_lag(lag);
                }
                if is_submitted && watched.last == mem::discriminant(&RequestState::Submitted) {
                    return;
                }
                watched.is_hinted = true;
                watched.hurry(now);
            }
            Hint::Line(is_up) => {
                if self.push.line(is_up) {
                    self.set_pace(now);
                }
            }
        }
    }

    /// Between two reads that nobody asks for.
    fn pace(&self, every: Duration) -> Duration {
        if self.push.is_relied_on() { every.max(self.pace_with_push) } else { every }
    }

    /// Whoever waits longer than the pace of now allows waits no longer than that.
    fn set_pace(&mut self, now: Instant) {
        let relied_on = self.push.is_relied_on();
        self.figures.note_trust(relied_on);
        for watched in self.watched.values_mut().filter(|_| !relied_on) {
            watched.hurry(now + watched.watch.every);
        }
    }

    /// Replaces what is watched; a request that stays keeps its place in time, or comes earlier.
    pub(super) fn watch(&mut self, watches: Vec<Watch>) {
        let mut before = mem::take(&mut self.watched);
        for watch in watches {
            let id = watch.request.as_str().to_owned();
            let first = Instant::now() + self.pace(watch.every);
            let watched = match before.remove(&id) {
                Some(mut known) => {
                    if watch.every < known.watch.every {
                        known.hurry(first);
                    }
                    Watched { watch, ..known }
                }
                None => Watched::new(watch, first),
            };
            self.watched.insert(id, watched);
        }
    }

    /// The next result. Never ends; waits for ever while nothing is watched.
    pub(super) async fn next(&mut self) -> Option<Read> {
        loop {
            let next = self.start_due();
            tokio::select! {
                Some(read) = self.reads.join_next_with_id() => {
                    let (id, state) = match read {
                        Ok(read) => read,
                        Err(error) => (error.id(), Err(Delay::because("the read was cut short"))),
                    };
                    let Some(watch) = self.reading.remove(&id) else { continue };
                    if let Some(read) = self.done(watch, state) {
                        return Some(read);
                    }
                }
                () = sleep_until(next) => {}
            }
        }
    }

    fn start_due(&mut self) -> Option<Instant> {
        let now = Instant::now();
        for watched in self.watched.values_mut() {
            watched.next = watched.next.max(watched.reads.allows(now));
            if !watched.reading && watched.next <= now {
                watched.reading = true;
                watched.reads.begins(now);
                watched.because_hinted = mem::take(&mut watched.is_hinted);
                let (acquirer, watch) = (self.acquirer.clone(), watched.watch.clone());
                let task = self
                    .reads
                    .spawn(async move { acquirer.read(&watch.request, watch.amount).await });
                self.reading.insert(task.id(), watched.watch.clone());
            }
        }
        self.watched.values().filter(|watched| !watched.reading).map(|watched| watched.next).min()
    }

    fn done(&mut self, watch: Watch, state: Result<RequestState, Delay>) -> Option<Read> {
        let request = watch.request.as_str();
        let (now, was_relied_on) = (Instant::now(), self.push.is_relied_on());
        let watched = self.watched.get_mut(request)?;
        watched.reading = false;
        if let Ok(state) = &state {
            let said = mem::discriminant(state);
            if mem::replace(&mut watched.last, said) != said {
                self.push.found(request, watched.because_hinted, now);
                self.figures.note_found(watched.because_hinted);
                let (payment, hinted) = (watch.payment, watched.because_hinted);
                tracing::debug!(%payment, hinted, "a read has found a change");
            }
        }
        let pace = self.pace(self.watched.get(request)?.watch.every);
        let watched = self.watched.get_mut(request)?;
        match &state {
            Ok(_) => watched.read_well(now, pace),
            Err(delay) => watched.failed(now, delay),
        }
        if watched.is_hinted {
            watched.hurry(now);
        }
        if was_relied_on != self.push.is_relied_on() {
            self.set_pace(now);
        }
        Some(state.map(|state| (watch, state)))
    }
}

async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
