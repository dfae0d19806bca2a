//! Klarna's notices at a terminal that Klarna can reach itself: they become hints like a relay's.

use super::pushed::Inward;
use crate::push::Noted;
use crate::relay::{Outbox, Parcel, ParcelId, Relay, Settings, Whom};
use crate::sync::{Hint, SUBMITTED};
use std::time::Duration;
use tokio::sync::oneshot::{self, error::RecvError};

/// Messages that are looked at together.
const BATCH: usize = 100;
/// After the file could not be read or written.
const PAUSE: Duration = Duration::from_secs(5);

/// Receives until nobody takes hints any more. A receiver that cannot start is said to be missing,
/// and Klarna is read as without one. With `says_line`, hints are to be expected while it runs.
pub(super) async fn receive(settings: Settings, inward: Inward, says_line: bool) {
    let relay = match Relay::start(settings).await {
        Ok(relay) => relay,
        Err(error) => {
            return tracing::error!(%error, "Klarna's notices cannot come in; it is read instead");
        }
    };
    if says_line {
        // The queue is empty at the start.
        let _ = inward.hints.try_send(Hint::Line(true));
    }
    let outbox = relay.outbox();
    tokio::select! {
        () = inward.hear(&outbox) => {}
        () = inward.hints.closed() => {}
    }
    relay.stop().await;
}

impl Inward {
    async fn hear(&self, outbox: &Outbox) {
        loop {
            let now = self.clock.now().wall;
            let done = match outbox.take(ParcelId::START, BATCH, now).await {
                Ok(parcels) if parcels.is_empty() => {
                    outbox.arrived().await;
                    continue;
                }
                Ok(parcels) => {
                    for parcel in &parcels {
                        // It stays in the file: the daemon has ended.
                        let Ok(()) = self.pass_on(parcel).await else { return };
                    }
                    outbox.published(parcels.into_iter().map(|parcel| parcel.id).collect()).await
                }
                Err(error) => Err(error),
            };
            if let Err(error) = done {
                tracing::warn!(%error, "the file of notices cannot be used");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// What is for other terminals is for a relay.
    ///
    /// # Errors
    /// When the daemon has ended before the notice was in its journal.
    async fn pass_on(&self, parcel: &Parcel) -> Result<(), RecvError> {
        let message = &parcel.message;
        let is_ours = match &message.whom {
            Whom::Everybody => false,
            Whom::Terminal(address) if *address == self.own => true,
            Whom::Terminal(address) => {
                let terminal = address.terminal();
                tracing::debug!(terminal, "a notice is for another terminal");
                return Ok(());
            }
        };
        if let Some(notice) = message.notice() {
            let (seen_to, seen) = oneshot::channel();
            // Where nobody takes it, nobody sees to it.
            let _ = self.notices.send(Noted { notice, is_ours, seen_to: Some(seen_to) }).await;
            return seen.await;
        }
        if let Some(request) = &message.request {
            let lag = self.clock.now().wall.since(message.occurred_at);
            let request = request.as_str().to_owned();
            let is_submitted = message.event_type.as_str() == SUBMITTED;
            // A hint that finds no room is dropped: reading goes on without it.
            let _ = self.hints.try_send(Hint::Changed { request, is_submitted, lag });
        }
        Ok(())
    }
}
