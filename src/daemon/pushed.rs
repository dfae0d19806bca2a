//! Hints for `sync`, from a broker or from Klarna itself, and how the terminal stands for its
//! fleet.

#[cfg(feature = "relay")]
use super::received::receive;
use crate::clock::SystemClock;
use crate::id::Address;
use crate::operations::{Exposition, Kind};
use crate::payment::alarm::Health;
use crate::push::{self, Given, ORDERS_MAX, Settings, Standing};
use crate::sync::{Figures, HINTS_MAX, Hints};
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
        if push.is_none() && webhook.is_none() {
            let fleet = Fleet { standing, figures: None };
            return (Self(Vec::new()), Ends { fleet, hints: Hints::none(), orders });
        }
        let (hints, queue) = mpsc::channel(HINTS_MAX);
        let figures = Arc::<Figures>::default();
        let pace = push.as_ref().map_or(PACE, |settings| settings.pace);
        let says_line = push.is_none();
        let mut tasks = Vec::new();
        if let Some((settings, own)) = webhook.zip(own) {
            let hints = hints.clone();
            tasks.push(tokio::spawn(receive(settings, own, clock, hints, says_line)));
        }
        if cfg!(feature = "push")
            && let Some(settings) = push
        {
            tasks.push(tokio::spawn(push::run(settings, clock, hints, orders_in, stands)));
        }
        let hear = Hints { queue: Some(queue), pace, figures: figures.clone() };
        let fleet = Fleet { standing, figures: Some(figures) };
        (Self(tasks), Ends { fleet, hints: hear, orders })
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
async fn receive(
    settings: Receiver,
    _own: Address,
    _clock: SystemClock,
    _hints: mpsc::Sender<crate::sync::Hint>,
    _says_line: bool,
) {
    match settings {}
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
