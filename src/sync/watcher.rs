//! Reading payment requests again and again: at most one read of each at a time, slower after
//! failures.

use crate::acquirer::Acquirer;
use crate::payment::Watch;
use crate::payment::effect::{Delay, RequestState};
use std::collections::HashMap;
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
}

struct Watched {
    watch: Watch,
    next: Instant,
    failures: u32,
    reading: bool,
}

impl Watcher {
    pub(super) fn new(acquirer: Arc<Acquirer>) -> Self {
        let (watched, reading) = (HashMap::new(), HashMap::new());
        Self { acquirer, watched, reads: JoinSet::new(), reading }
    }

    /// Replaces what is watched; a request that stays keeps its place in time, or comes earlier.
    pub(super) fn watch(&mut self, watches: Vec<Watch>) {
        let mut before = std::mem::take(&mut self.watched);
        for watch in watches {
            let id = watch.request.as_str().to_owned();
            let first = Instant::now() + watch.every;
            let kept = before.remove(&id).map(|known| {
                let sooner = watch.every < known.watch.every;
                let next = if sooner { known.next.min(first) } else { known.next };
                Watched { watch: watch.clone(), next, ..known }
            });
            let new = Watched { watch, next: first, failures: 0, reading: false };
            self.watched.insert(id, kept.unwrap_or(new));
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
            if !watched.reading && watched.next <= now {
                watched.reading = true;
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
        let watched = self.watched.get_mut(watch.request.as_str())?;
        watched.reading = false;
        match state {
            Ok(state) => {
                watched.failures = 0;
                watched.next = Instant::now() + watched.watch.every;
                Some(Ok((watch, state)))
            }
            Err(delay) => {
                watched.failures += 1;
                let slower = watched.watch.every.saturating_mul(watched.failures + 1) / 2;
                let asked = Duration::from_millis(delay.at_least_ms.unwrap_or(0));
                watched.next =
                    Instant::now() + slower.max(watched.watch.every).min(PAUSE_MAX).max(asked);
                if watched.failures.is_power_of_two() {
                    let (failures, reason) = (watched.failures, &delay.reason);
                    let payment = watch.payment;
                    tracing::warn!(%payment, failures, reason, "a payment request cannot be read");
                }
                Some(Err(delay))
            }
        }
    }
}

async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
