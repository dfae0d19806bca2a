//! Answers a collector that asks over HTTP how the terminal stands.
//!
//! It has a thread of its own behind all others, and nobody waits for it: the daemon leaves a text
//! there when it has looked at itself, or leaves it if somebody is reading at this very moment. It
//! knows nothing of payments.

use super::health::Able;
use crate::clock::{Mono, SystemClock};
use crate::console::behind_all_others;
use crate::operations::{self, Asked, measured, said};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONNECTION, HeaderValue};
use axum::http::{Response, StatusCode};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// How long one connection lasts: a question and its answer.
const LASTS: Duration = Duration::from_secs(10);
/// What was said longer ago says nothing of now; the daemon looks at itself every few seconds.
const FRESH: Duration = Duration::from_secs(60);
/// Pause after the address could not be used.
const BIND_PAUSE: Duration = Duration::from_secs(10);

/// How the terminal stood when it looked at itself.
#[derive(Debug)]
pub(super) struct Told {
    /// Its metrics, OpenMetrics.
    pub(super) text: String,
    pub(super) able: Able,
    pub(super) at: Mono,
}

/// What was told last; nothing while the journal could not be used since the start.
type Latest = Arc<Mutex<Option<Told>>>;

/// Who answers; ends when this is dropped.
#[derive(Debug)]
pub(super) struct Collector {
    latest: Latest,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Collector {
    /// Begins to answer at `address`, if there is one. What goes wrong is in the log: payments do
    /// not depend on it.
    pub(super) fn open(address: Option<SocketAddr>, clock: SystemClock) -> Option<Self> {
        let address = address?;
        if !address.ip().is_loopback() {
            tracing::warn!(%address, "whoever reaches this address can read the metrics");
        }
        let (latest, (stop, stopped)) = (Latest::default(), oneshot::channel());
        let desk = Desk { latest: latest.clone(), clock };
        let thread = std::thread::Builder::new()
            .name("metrics".to_owned())
            .spawn(move || run(address, desk, stopped))
            .inspect_err(|error| tracing::error!(%error, "metrics cannot be asked for"));
        Some(Self { latest, stop: Some(stop), thread: Some(thread.ok()?) })
    }

    /// Never waits: what finds somebody reading is left out, and the next comes soon.
    pub(super) fn tell(&self, told: Told) {
        if let Ok(mut latest) = self.latest.try_lock() {
            *latest = Some(told);
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The address is free for the next one then.
            drop(thread.join());
        }
    }
}

fn run(address: SocketAddr, desk: Desk, stopped: oneshot::Receiver<()>) {
    if let Err(error) = behind_all_others() {
        tracing::warn!(%error, "answering a collector has the priority of payments");
    }
    // Its state is in the closure: a router of another type would be code of its own.
    let pages = Router::new().fallback(move |request| answer(desk.clone(), request));
    let serve = async {
        operations::serve(listen(address).await, pages, LASTS).await;
    };
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(async {
            tokio::select! {
                () = serve => {}
                _ = stopped => {}
            }
        }),
        Err(error) => tracing::error!(%error, "metrics cannot be asked for"),
    }
}

async fn listen(address: SocketAddr) -> TcpListener {
    let mut is_told = false;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => {
                tracing::info!(%address, "metrics can be asked for");
                return listener;
            }
            Err(error) if !is_told => {
                tracing::error!(%error, %address, "metrics cannot be asked for; trying again");
                is_told = true;
            }
            Err(_) => {}
        }
        tokio::time::sleep(BIND_PAUSE).await;
    }
}

/// What answers are made of.
#[derive(Clone)]
struct Desk {
    latest: Latest,
    clock: SystemClock,
}

async fn answer(desk: Desk, request: Request) -> Response<Body> {
    let now = desk.clock.now().mono;
    let mut answer = match Asked::of(&request) {
        Ok(asked) => desk.answer(asked, now),
        Err(refusal) => refusal.answer(),
    };
    // One question to a connection: nobody keeps a place for long.
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

impl Desk {
    fn answer(&self, asked: Asked, now: Mono) -> Response<Body> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let unwell = |word| said(StatusCode::SERVICE_UNAVAILABLE, word);
        let Some(told) = latest.as_ref() else { return unwell("not_started") };
        let is_late = told.at.after(FRESH) <= now;
        match (asked, is_late, told.able) {
            (Asked::Metrics, ..) => measured(told.text.clone()),
            (Asked::Health, true, _) => unwell("stuck"),
            (Asked::Health, false, Able::Well) => said(StatusCode::OK, "well"),
            (Asked::Health, false, Able::NotWritten) => unwell("not_written"),
            (Asked::Health, false, Able::NotShown) => unwell("not_shown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_is_what_was_said_last_and_not_long_ago() {
        let (clock, latest) = (SystemClock::start(), Latest::default());
        let desk = Desk { latest: latest.clone(), clock };
        let asked = |now| {
            [Asked::Health, Asked::Metrics].map(|asked| desk.answer(asked, now).status().as_u16())
        };
        let at = clock.now().mono;
        assert_eq!(asked(at), [503, 503], "nothing was said yet");
        for (able, health) in [(Able::Well, 200), (Able::NotWritten, 503), (Able::NotShown, 503)] {
            let told = Told { text: "# EOF\n".to_owned(), able, at };
            *latest.lock().expect("nobody has panicked") = Some(told);
            assert_eq!(asked(at), [health, 200], "{able:?}");
            assert_eq!(asked(at.after(FRESH)), [503, 200], "{able:?}, long ago");
        }
    }

    #[test]
    fn whoever_tells_never_waits_for_whoever_reads() {
        let collector = Collector { latest: Latest::default(), stop: None, thread: None };
        let told = |text: &str| {
            collector.tell(Told { text: text.to_owned(), able: Able::Well, at: Mono::default() });
        };
        told("one");
        let reading = collector.latest.lock().expect("nobody has panicked");
        told("two");
        assert_eq!(reading.as_ref().map(|told| told.text.as_str()), Some("one"));
        drop(reading);
        told("three");
        let latest = collector.latest.lock().expect("nobody has panicked");
        assert_eq!(latest.as_ref().map(|told| told.text.as_str()), Some("three"));
    }
}
