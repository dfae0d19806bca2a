//! Klarna's notices at a terminal that Klarna can reach itself: they become hints like a relay's.

use super::pushed::Inward;
use crate::push::Noted;
use crate::relay::{Outbox, Parcel, ParcelId, Relay, Settings, Whom};
use crate::sync::Hint;
use std::time::Duration;

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
                        self.pass_on(parcel).await;
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
    async fn pass_on(&self, parcel: &Parcel) {
        let message = &parcel.message;
        let is_ours = match &message.whom {
            Whom::Everybody => false,
            Whom::Terminal(address) if *address == self.own => true,
            Whom::Terminal(address) => {
                let terminal = address.terminal();
                return tracing::debug!(terminal, "a notice is for another terminal");
            }
        };
        if let Some(notice) = message.notice() {
            // It stays in the file until the daemon has it; nobody is left when it has ended.
            let _ = self.notices.send(Noted { notice, is_ours }).await;
        } else if let Some(request) = &message.request {
            let lag = self.clock.now().wall.since(message.occurred_at);
            // A hint that finds no room is dropped: reading goes on without it.
            let _ =
                self.hints.try_send(Hint::Changed { request: request.as_str().to_owned(), lag });
        }
    }
}
