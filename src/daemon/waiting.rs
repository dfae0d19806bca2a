//! A terminal that cannot start yet because its journal cannot be used. It says so on its screen,
//! to its till and to systemd, and tries again by itself; ending would only have it started in a
//! loop, with a till that hears nothing.

use super::orders::Order;
use super::shown::Shown;
use super::snapshots::Snapshots;
use super::start::{self, Memory};
use super::system::{notify, watchdog_pace};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::payment::screen::Screen;
use crate::payment::vocabulary::{Problem, Reply};
use crate::pos::{self, TillEvent, TillSettings};
use crate::store::StoreError;
use sd_notify::NotifyState;
use std::time::Duration;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;

/// What was wrong is looked at again at this pace; staff that has freed the disk waits no longer.
const RETRY: Duration = Duration::from_secs(3);
/// How long the till's link may take to close before it is opened for good.
const CLOSING: Duration = Duration::from_secs(2);

/// Opens the journal, for as long as that takes. `None`: the daemon was told to end meanwhile.
///
/// # Errors
/// When another daemon has the journal: the screen and the till are that one's.
pub(super) async fn for_journal(
    config: &Config,
    clock: SystemClock,
    shown: &mut Shown,
    orders: &mut Receiver<Order>,
) -> anyhow::Result<Option<(Memory, Snapshots)>> {
    let open = || {
        let memory = start::remember(&config.store_path, &config.policy, clock.now())?;
        let snapshots = Snapshots::new(&config.store_path, clock.now())?;
        anyhow::Ok((memory, snapshots))
    };
    let mut waiting: Option<Waiting> = None;
    loop {
        let error = match tokio::task::block_in_place(open) {
            Ok(opened) => {
                if let Some(waiting) = waiting {
                    tracing::info!("the journal can be used now");
                    waiting.till.close().await;
                }
                return Ok(Some(opened));
            }
            Err(error) => error,
        };
        let cause = error.downcast_ref::<StoreError>();
        if let Some(StoreError::InUse(_)) = cause {
            return Err(error);
        }
        shown.say(screen(cause));
        let why = format!("{error:#}");
        if waiting.as_ref().is_none_or(|waiting| waiting.why != why) {
            tracing::error!(why, "out of service: the journal cannot be used");
            notify(&[NotifyState::Ready, NotifyState::Status(&format!("out of service: {why}"))]);
        }
        let till = match waiting.take() {
            Some(waiting) => waiting.till,
            None => Till::open(config.till.clone(), clock),
        };
        if !pause(waiting.insert(Waiting { why, till }), orders).await {
            return Ok(None);
        }
    }
}

fn screen(cause: Option<&StoreError>) -> Screen {
    match cause {
        Some(StoreError::Full) => Screen::StorageFull,
        Some(StoreError::Newer { .. }) => Screen::OutOfService { reason: "old software" },
        _ => Screen::OutOfService { reason: "storage" },
    }
}

/// Waits until it is time to try again, and answers the till meanwhile; false when the daemon is to
/// end.
async fn pause(waiting: &mut Waiting, orders: &mut Receiver<Order>) -> bool {
    let retry = tokio::time::sleep(RETRY);
    let mut watchdog = tokio::time::interval(watchdog_pace());
    tokio::pin!(retry);
    loop {
        tokio::select! {
            () = &mut retry => return true,
            // Nothing is open that would have to be waited for.
            Some(Order::Stop | Order::StopWhenIdle) = orders.recv() => return false,
            event = waiting.till.heard() => waiting.till.answer(&event, &waiting.why).await,
            _ = watchdog.tick() => notify(&[NotifyState::Watchdog]),
        }
    }
}

/// What the terminal waits for, and who is told.
struct Waiting {
    why: String,
    till: Till,
}

/// A link over which every command is refused.
struct Till {
    events: Receiver<TillEvent>,
    replies: Sender<Reply>,
    link: JoinHandle<()>,
}

impl Till {
    fn open(settings: TillSettings, clock: SystemClock) -> Self {
        let (events_in, events) = mpsc::channel(pos::QUEUE_LEN_MAX);
        let (replies, replies_out) = mpsc::channel(pos::QUEUE_LEN_MAX);
        let link = tokio::spawn(pos::serve(settings, clock, None, events_in, replies_out));
        Self { events, replies, link }
    }

    async fn heard(&mut self) -> TillEvent {
        match self.events.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }

    async fn answer(&self, event: &TillEvent, why: &str) {
        let TillEvent::Request(request) = event else { return };
        // It may be about a sale that was paid before the journal could not be read any more.
        let why = format!("{why}; this says nothing of earlier sales, ask again");
        let problem = Problem::OutOfService(why);
        let reference = Some(request.reference().clone());
        // Whoever has gone meanwhile asks again.
        let _ = self.replies.send(Reply::Refused { reference, problem }).await;
    }

    /// Gives the line or address free for those who come after.
    async fn close(self) {
        let Self { events, replies, link } = self;
        drop((events, replies));
        let stop = link.abort_handle();
        if tokio::time::timeout(CLOSING, link).await.is_err() {
            stop.abort();
        }
    }
}
