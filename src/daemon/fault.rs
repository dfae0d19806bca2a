//! The journal cannot be written: no payment is accepted until it can be again.

use super::Daemon;
use crate::clock::Mono;
use crate::store::StoreError;
use std::time::Duration;

/// After a failed commit the database is tried at this pace until it can be written again.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// The database could not be written.
pub(super) struct Fault {
    pub(super) why: String,
    /// The disk is full.
    pub(super) is_full: bool,
    /// When to try again. A point in time, so that no stream of events can put it off.
    pub(super) retry_at: Mono,
}

impl Daemon {
    pub(super) fn store_failed(&mut self, error: &StoreError) {
        if self.fault.is_none() {
            tracing::error!(%error, "the journal cannot be written; no payment is accepted");
        }
        let now = self.clock.now().mono;
        let planned = self.fault.as_ref().map(|fault| fault.retry_at).filter(|at| *at > now);
        let retry_at = planned.unwrap_or(now.after(STORE_RETRY));
        let is_full = matches!(error, StoreError::Full);
        self.fault = Some(Fault { why: error.to_string(), is_full, retry_at });
        self.show();
    }

    pub(super) fn store_works(&mut self) {
        if self.fault.take().is_some() {
            tracing::info!("the journal can be written again");
        }
    }
}
