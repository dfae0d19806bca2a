//! When the journal is copied: after each shift, daily, and soon after a start whose newest copy is
//! old; only while no sale runs. It knows nothing of what is in a copy.

use crate::clock::{Mono, Now};
use crate::store::{self, StoreError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};
use tokio::task::JoinHandle;

/// Between two copies of a terminal that is never closed for the day.
const DAILY: Duration = Duration::from_secs(24 * 3600);
/// After a copy has failed, and after a start: the shop opens first.
const SOON: Duration = Duration::from_secs(15 * 60);
/// One that is due waits this long for the one that is being made.
const TURN: Duration = Duration::from_secs(1);

/// The next copy, and the one that is being made.
pub(super) struct Snapshots {
    path: PathBuf,
    due: Mono,
    running: Option<JoinHandle<()>>,
    failed: Arc<AtomicBool>,
}

impl Snapshots {
    pub(super) fn new(path: &Path, now: Now) -> Result<Self, StoreError> {
        let newest = store::snapshots(path)?.into_iter().next();
        let made = newest.and_then(|file| file.metadata().and_then(|file| file.modified()).ok());
        // A copy of the future was made before the clock was set back: its age is not known.
        let age = made.and_then(|made| SystemTime::now().duration_since(made).ok());
        let wait = DAILY.saturating_sub(age.unwrap_or(DAILY)).max(SOON);
        let (due, failed) = (now.mono.after(wait), Arc::default());
        Ok(Self { path: path.to_owned(), due, running: None, failed })
    }

    pub(super) fn shift_ended(&mut self, now: Now) {
        self.due = now.mono;
    }

    /// When [`Snapshots::look`] has something to do.
    pub(super) fn due(&self) -> Mono {
        self.due
    }

    /// Starts a copy if one is due; the journal is written beside it as ever.
    pub(super) fn look(&mut self, now: Now) {
        if self.running.as_ref().is_some_and(|running| !running.is_finished()) {
            self.due = self.due.max(now.mono.after(TURN));
            return;
        }
        if self.failed.swap(false, Ordering::Relaxed) {
            self.due = self.due.min(now.mono.after(SOON));
        }
        if self.due > now.mono {
            return;
        }
        self.due = now.mono.after(DAILY);
        let (path, failed) = (self.path.clone(), self.failed.clone());
        self.running = Some(tokio::task::spawn_blocking(move || {
            match store::take_snapshot(&path, now.wall) {
                Ok(snapshot) => tracing::info!(
                    snapshot = %snapshot.display(),
                    "the journal has been copied"
                ),
                Err(error) => {
                    tracing::error!(%error, "the journal cannot be copied; the older copies stay");
                    failed.store(true, Ordering::Relaxed);
                }
            }
        }));
    }

    /// Waits for the copy that is being made.
    pub(super) async fn finish(&mut self) {
        if let Some(running) = self.running.take() {
            let _ = running.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Wall;
    use crate::store::{Store, snapshots};

    fn at(seconds: u64) -> Now {
        let since = Duration::from_secs(seconds);
        Now { mono: Mono::new(since), wall: Wall::from_millis(0).after(since) }
    }

    async fn copies_after(plan: &mut Snapshots, now: Now) -> usize {
        plan.look(now);
        plan.finish().await;
        snapshots(&plan.path).expect("a list").len()
    }

    const HOUR: u64 = 3600;

    #[tokio::test]
    async fn copies_are_made_after_a_start_after_a_shift_and_daily() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("terminal.sqlite");
        let _store = Store::open(&path).expect("a new database");
        let mut plan = Snapshots::new(&path, at(0)).expect("a plan");
        assert_eq!(copies_after(&mut plan, at(60)).await, 0, "the shop opens first");
        assert_eq!(copies_after(&mut plan, at(HOUR)).await, 1);
        assert_eq!(copies_after(&mut plan, at(24 * HOUR)).await, 1);
        assert_eq!(copies_after(&mut plan, at(25 * HOUR)).await, 2);
        plan.shift_ended(at(26 * HOUR));
        assert_eq!(copies_after(&mut plan, at(26 * HOUR)).await, 3);
        let plan = Snapshots::new(&path, at(0)).expect("a plan");
        assert!(plan.due() > at(23 * HOUR).mono, "the newest copy is young: {:?}", plan.due());
    }

    #[tokio::test]
    async fn a_copy_that_failed_is_tried_again_before_the_day_is_over() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("terminal.sqlite");
        let mut plan = Snapshots::new(&path, at(0)).expect("a plan");
        assert_eq!(copies_after(&mut plan, at(HOUR)).await, 0, "there is nothing to copy");
        let _store = Store::open(&path).expect("a new database");
        assert_eq!(copies_after(&mut plan, at(HOUR + 60)).await, 0);
        assert_eq!(copies_after(&mut plan, at(2 * HOUR)).await, 1);
    }
}
