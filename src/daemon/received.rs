//! Klarna's notices at a terminal that Klarna can reach itself: they become hints like a relay's.

use crate::clock::SystemClock;
use crate::id::Address;
use crate::relay::{Outbox, Parcel, ParcelId, Relay, Settings};
use crate::sync::Hint;
use std::time::Duration;
use tokio::sync::mpsc;

/// Messages that are looked at together.
const BATCH: usize = 100;
/// After the file could not be read or written.
const PAUSE: Duration = Duration::from_secs(5);

/// Receives until nobody takes hints any more. A receiver that cannot start is said to be missing,
/// and Klarna is read as without one. With `says_line`, hints are to be expected while it runs.
pub(super) async fn receive(
    settings: Settings,
    own: Address,
    clock: SystemClock,
    hints: mpsc::Sender<Hint>,
    says_line: bool,
) {
    let relay = match Relay::start(settings).await {
        Ok(relay) => relay,
        Err(error) => {
            return tracing::error!(%error, "Klarna's notices cannot come in; it is read instead");
        }
    };
    if says_line {
        // The queue is empty at the start.
        let _ = hints.try_send(Hint::Line(true));
    }
    let outbox = relay.outbox();
    tokio::select! {
        () = hear(&outbox, &own, clock, &hints) => {}
        () = hints.closed() => {}
    }
    relay.stop().await;
}

async fn hear(outbox: &Outbox, own: &Address, clock: SystemClock, hints: &mpsc::Sender<Hint>) {
    loop {
        let now = clock.now().wall;
        let done = match outbox.take(ParcelId::START, BATCH, now).await {
            Ok(parcels) if parcels.is_empty() => {
                outbox.arrived().await;
                continue;
            }
            Ok(parcels) => {
                parcels.iter().for_each(|parcel| pass_on(parcel, own, clock, hints));
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
fn pass_on(parcel: &Parcel, own: &Address, clock: SystemClock, hints: &mpsc::Sender<Hint>) {
    let message = &parcel.message;
    if message.address != *own {
        let terminal = message.address.terminal();
        return tracing::debug!(terminal, "a notice is for another terminal");
    }
    if let Some(request) = &message.request {
        let lag = clock.now().wall.since(message.occurred_at);
        // A hint that finds no room is dropped: reading goes on without it.
        let _ = hints.try_send(Hint::Changed { request: request.as_str().to_owned(), lag });
    }
}
