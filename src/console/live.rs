//! Tells open pages that something has changed (server-sent events, HTML Living Standard, 9.2).
//!
//! It says nothing but that; the page asks for itself again, with its own rights.

use super::Office;
use super::visitor::Visitor;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;

/// A page hears of changes this often at most.
const PACE: Duration = Duration::from_millis(300);
/// Whether the visitor is still signed in is looked at this often; it also keeps the line alive.
const LOOK: Duration = Duration::from_secs(20);
/// How long one stream lasts at most; the page asks for another one.
const LASTS: Duration = Duration::from_secs(15 * 60);

pub(super) async fn live(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (sender, receiver) = mpsc::channel(1);
    let mut pulse = office.context.pulse.clone();
    pulse.mark_unchanged();
    tokio::spawn(async move {
        let end = tokio::time::Instant::now() + LASTS;
        while tokio::time::Instant::now() < end {
            tokio::select! {
                changed = pulse.changed() => {
                    // An event without data is none (9.2.6).
                    let told = sender.send(Ok(Event::default().event("changed").data("1")));
                    let told = tokio::time::timeout(LOOK, told).await;
                    if changed.is_err() || !matches!(told, Ok(Ok(()))) {
                        return;
                    }
                    tokio::time::sleep(PACE).await;
                }
                () = tokio::time::sleep(LOOK) => {
                    // An open page is no sign of life of the person in front of it.
                    if !office.access.is_signed_in(office.now(), &visitor.session) {
                        return;
                    }
                }
                () = sender.closed() => return,
            }
        }
    });
    Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::default())
}
