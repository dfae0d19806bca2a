//! A terminal that cannot start yet: its journal cannot be used, or the address for its till is not
//! there. It says so on its screen, to its till and to systemd, and tries again by itself; ending
//! would only have it started in a loop, with a till that hears nothing.

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
            None => Till::open(config.till.clone(), clock).await,
        };
        if !pause(Some(waiting.insert(Waiting { why, till })), orders).await {
            return Ok(None);
        }
    }
}

/// Opens the till's link with `registered` of an earlier run, for as long as that takes: a network
/// may come up after the terminal. `None`: the daemon was told to end meanwhile.
pub(super) async fn for_till(
    settings: &TillSettings,
    clock: SystemClock,
    registered: Option<Vec<u8>>,
    shown: &mut Shown,
    orders: &mut Receiver<Order>,
) -> Option<(Receiver<TillEvent>, Sender<Reply>, JoinHandle<()>)> {
    let mut is_told = false;
    loop {
        let (events_in, events) = mpsc::channel(pos::QUEUE_LEN_MAX);
        let (replies, replies_out) = mpsc::channel(pos::QUEUE_LEN_MAX);
        let settings = settings.clone();
        match pos::serve(settings, clock, registered.clone(), events_in, replies_out).await {
            Ok(link) => return Some((events, replies, tokio::spawn(link))),
            Err(error) if !is_told => {
                is_told = true;
                tracing::error!(%error, "out of service: the till's address cannot be used");
                let status = format!("out of service: the till's address: {error}");
                notify(&[NotifyState::Ready, NotifyState::Status(&status)]);
                shown.say(Screen::OutOfService { reason: "till address" });
            }
            Err(_) => {}
        }
        if !pause(None, orders).await {
            return None;
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
async fn pause(mut waiting: Option<&mut Waiting>, orders: &mut Receiver<Order>) -> bool {
    let retry = tokio::time::sleep(RETRY);
    let mut watchdog = tokio::time::interval(watchdog_pace());
    tokio::pin!(retry);
    loop {
        let heard = async {
            match &mut waiting {
                Some(waiting) => (waiting.till.heard().await, &waiting.why, &waiting.till),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = &mut retry => return true,
            // Nothing is open that would have to be waited for.
            Some(Order::Stop | Order::StopWhenIdle) = orders.recv() => return false,
            (event, why, till) = heard => till.answer(&event, why).await,
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
    /// None where the link cannot be opened either.
    link: Option<JoinHandle<()>>,
}

impl Till {
    async fn open(settings: TillSettings, clock: SystemClock) -> Self {
        let (events_in, events) = mpsc::channel(pos::QUEUE_LEN_MAX);
        let (replies, replies_out) = mpsc::channel(pos::QUEUE_LEN_MAX);
        let link = pos::serve(settings, clock, None, events_in, replies_out).await;
        let link = link.inspect_err(|error| tracing::error!(%error, "the till cannot be told"));
        Self { events, replies, link: link.ok().map(tokio::spawn) }
    }

    async fn heard(&mut self) -> TillEvent {
        match self.events.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }

    async fn answer(&self, event: &TillEvent, why: &str) {
        let TillEvent::Request(request) = event else { return };
        let problem = Problem::OutOfService(why.to_owned());
        let reference = Some(request.reference().clone());
        // Whoever has gone meanwhile asks again.
        let _ = self.replies.send(Reply::Refused { reference, problem }).await;
    }

    /// Gives the line or address free for those who come after.
    async fn close(self) {
        let Self { events, replies, link } = self;
        drop((events, replies));
        if let Some(link) = link {
            let stop = link.abort_handle();
            if tokio::time::timeout(CLOSING, link).await.is_err() {
                stop.abort();
            }
        }
    }
}
