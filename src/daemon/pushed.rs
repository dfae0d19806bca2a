//! Hints for `sync`, from a broker or from Klarna itself, and how the terminal stands for its
//! fleet.

use super::Daemon;
#[cfg(feature = "relay")]
use super::received::receive;
use crate::clock::SystemClock;
use crate::id::Address;
use crate::operations::{Exposition, Kind};
use crate::payment::alarm::Health;
use crate::payment::vocabulary::SaleName;
use crate::payment::{Input, Needed};
use crate::push::{self, Given, NOTICES_MAX, Noted, ORDERS_MAX, Outlets, Settings, Standing};
use crate::sync::{Figures, HINTS_MAX, Hint, Hints};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How long the last word to the broker may take.
const FAREWELL: Duration = Duration::from_secs(3);

/// Between two reads while hints are relied on, where Klarna reaches the terminal itself.
const PACE: Duration = Duration::from_secs(15);

/// How Klarna's notices come in here.
#[cfg(feature = "relay")]
pub(super) type Receiver = crate::relay::Settings;
/// This program has no receiver.
#[cfg(not(feature = "relay"))]
pub(super) enum Receiver {}

/// What a receiver needs of the terminal that it is part of.
#[cfg_attr(not(feature = "relay"), expect(dead_code, reason = "this program has no receiver"))]
pub(super) struct Inward {
    /// Whose notices count.
    pub(super) own: Address,
    pub(super) clock: SystemClock,
    pub(super) hints: mpsc::Sender<Hint>,
    pub(super) notices: mpsc::Sender<Noted>,
}

/// Those who bring hints, if there are any.
pub(super) struct Pushed(Vec<JoinHandle<()>>);

/// What comes in there, and what goes out.
pub(super) struct Ends {
    /// How the terminal stands.
    pub(super) fleet: Fleet,
    /// Reasons to read.
    pub(super) hints: Hints,
    /// What the fleet's operator has ordered; nothing ever comes where no order is taken.
    pub(super) orders: mpsc::Receiver<Given>,
    /// What people are to know.
    pub(super) notices: Notices,
}

/// What the terminal says of itself there, and how well hints have done.
#[derive(Debug)]
pub(super) struct Fleet {
    standing: watch::Sender<Standing>,
    /// `None` without a broker.
    figures: Option<Arc<Figures>>,
}

impl Pushed {
    /// Begins to listen. `own` is whose notices count.
    pub(super) fn begin(
        push: Option<Settings>,
        webhook: Option<Receiver>,
        own: Option<Address>,
        clock: SystemClock,
    ) -> (Self, Ends) {
        let (standing, stands) = watch::channel(Standing::begin());
        let (orders_in, orders) = mpsc::channel(ORDERS_MAX);
        let (notices_in, queue) = mpsc::channel(NOTICES_MAX);
        let notices = Notices { queue, unrecorded: None };
        if push.is_none() && webhook.is_none() {
            let fleet = Fleet { standing, figures: None };
            return (Self(Vec::new()), Ends { fleet, hints: Hints::none(), orders, notices });
        }
        let (hints_in, queue) = mpsc::channel(HINTS_MAX);
        let outlets = Outlets { hints: hints_in, orders: orders_in, notices: notices_in };
        let figures = Arc::<Figures>::default();
        let pace = push.as_ref().map_or(PACE, |settings| settings.pace);
        let says_line = push.is_none();
        let mut tasks = Vec::new();
        if let Some((settings, own)) = webhook.zip(own) {
            let (hints, notices) = (outlets.hints.clone(), outlets.notices.clone());
            let inward = Inward { own, clock, hints, notices };
            tasks.push(tokio::spawn(receive(settings, inward, says_line)));
        }
        if cfg!(feature = "push")
            && let Some(settings) = push
        {
            tasks.push(tokio::spawn(push::run(settings, clock, outlets, stands)));
        }
        let hear = Hints { queue: Some(queue), pace, figures: figures.clone() };
        let fleet = Fleet { standing, figures: Some(figures) };
        (Self(tasks), Ends { fleet, hints: hear, orders, notices })
    }

    /// Waits until all is closed, which it is once nobody takes hints any more.
    pub(super) async fn ends(self) {
        let until = Instant::now() + FAREWELL;
        for task in self.0 {
            let cut = task.abort_handle();
            if tokio::time::timeout_at(until, task).await.is_err() {
                cut.abort();
            }
        }
    }
}

#[cfg(not(feature = "relay"))]
async fn receive(settings: Receiver, _inward: Inward, _says_line: bool) {
    match settings {}
}

/// What people are to know and is not in the journal yet.
pub(super) struct Notices {
    queue: mpsc::Receiver<Noted>,
    /// One that could not be recorded so far.
    pub(super) unrecorded: Option<Noted>,
}

impl Notices {
    pub(super) async fn next(&mut self) -> Option<Noted> {
        match self.unrecorded.take() {
            Some(noted) => Some(noted),
            None => self.queue.recv().await,
        }
    }
}

impl Daemon {
    /// The last ones, for as long as an end may take: a broker has been told that they are here.
    pub(super) async fn last_notices(&mut self, mut notices: Notices) {
        notices.queue.close();
        let until = Instant::now() + FAREWELL;
        while self.fault.is_none()
            && Instant::now() < until
            && let Some(noted) = notices.next().await
        {
            self.noted(noted).await;
        }
    }

    /// Puts what people are to know into the journal. Whatever is wrong with it, nothing else is.
    /// It comes back where the journal cannot be written.
    pub(super) async fn noted(&mut self, noted: Noted) -> Option<Noted> {
        if let Some(id) = &noted.notice.transaction {
            let name = Needed::Name(SaleName::Transaction(id.clone()));
            if let Err(error) = self.load(&name) {
                tracing::error!(%error, event = %noted.notice.id, "a notice cannot be recorded");
                return None;
            }
        }
        let (notice, is_ours) = (noted.notice.clone(), noted.is_ours);
        self.dispatch(Input::Noted { notice, is_ours }, None).await;
        if self.fault.is_some() {
            return Some(noted);
        }
        // Nobody waits for it where a broker has brought it.
        let _ = noted.seen_to.map(|seen_to| seen_to.send(()));
        None
    }
}

impl Fleet {
    /// Says how the terminal stands, if that is new.
    pub(super) fn tell(&self, health: &Health, alarms: Vec<String>, klarna_reachable: bool) {
        let (queued, needs_person) = (health.backlog.queued, health.backlog.refused);
        self.standing.send_if_modified(|standing| {
            let config = standing.config.clone();
            let now = Standing {
                queued,
                needs_person,
                klarna_reachable,
                alarms,
                config,
                ..Standing::begin()
            };
            let is_new = *standing != now;
            *standing = now;
            is_new
        });
    }

    /// For saying what has become of settings from afar.
    pub(super) fn standing(&self) -> watch::Sender<Standing> {
        self.standing.clone()
    }

    /// Adds how well hints have done; nothing without any.
    pub(super) fn measure(&self, text: &mut Exposition) {
        let Some(figures) = &self.figures else { return };
        let ((by_push, by_reading), (lags, lag)) = (figures.found(), figures.lag());
        let relied_on = u64::from(figures.is_relied_on());
        text.gauge("push_relied_on", "1 while hints of the broker are relied on.", relied_on);
        let help = "Changes of payment requests by what told of them first.";
        let found = [("push", by_push), ("poll", by_reading)];
        text.labelled(Kind::Counter, ("changes_found", "by"), help, &found);
        let help = "From what happened at Klarna to the hint, by two clocks.";
        text.head(Kind::Summary, "push_lag_seconds", help);
        let (seconds, rest) = (lag.as_secs(), lag.subsec_millis());
        text.sample("push_lag_seconds_sum", "", &format_args!("{seconds}.{rest:03}"));
        text.sample("push_lag_seconds_count", "", &lags);
    }
}
