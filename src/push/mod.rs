//! The terminal's end of the broker: what relays say becomes a reason to read Klarna, and how the
//! terminal stands is kept there for whoever looks after the fleet.
//!
//! No hint that comes in here is believed. Forged, late, doubled or missing messages change how
//! soon is read, and nothing else. What is said of disputes and of the account is passed on for
//! people to read. Orders are believed if the fleet's operator has signed them, and
//! are passed on. No payment waits for this room.

mod standing;

pub use standing::Standing;

use crate::broker::{self, Changed, Heard, Line, Said, Topics, Will};
use crate::clock::{SystemClock, Wall};
use crate::fleet::{self, Refused, Signed};
use crate::id::{DisputeId, EventId, EventType, TransactionId};
use crate::payment::notice::{Concern, Notice};
use crate::sync::{Hint, SUBMITTED};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

/// What the line says is looked at in this many pieces; the broker waits meanwhile.
const SAID_MAX: usize = 64;
/// A status is said this often at most, however often it changes.
const STATUS_PACE: Duration = Duration::from_secs(10);
/// A message whose time lies further ahead says nothing about how long it took.
const CLOCKS_APART_MAX: Duration = Duration::from_secs(5);

/// What is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The line.
    pub broker: broker::Settings,
    /// The topics of this terminal.
    pub topics: Topics,
    /// Between two reads of one payment request while hints are relied on.
    pub pace: Duration,
    /// Without a sign of life from any relay for this long, hints are not relied on.
    pub alive_within: Duration,
    /// Whose orders are taken, if any are.
    pub orders: Option<fleet::Settings>,
}

/// Orders that wait for the daemon; the broker has no more under way at a time.
pub const ORDERS_MAX: usize = 16;

/// An order as it came in.
#[derive(Debug)]
pub struct Given {
    /// What it says, or why it is not carried out.
    pub order: Result<Signed, Refused>,
    /// The broker had kept it: it comes with each new line again.
    pub retained: bool,
}

/// Notices that wait for the daemon: more than a broker keeps for a terminal that was away. Those
/// that find no room are dropped and counted.
pub const NOTICES_MAX: usize = 1024;

/// Something that people are to know, as it came in.
#[derive(Debug)]
pub struct Noted {
    /// What Klarna is said to have told.
    pub notice: Notice,
    /// This terminal was told, and not everybody.
    pub is_ours: bool,
    /// Is told once the notice is in the journal, or of no use; nobody is told when the daemon
    /// ends before that.
    pub seen_to: Option<oneshot::Sender<()>>,
}

/// Where what came in goes to.
#[derive(Debug)]
pub struct Outlets {
    /// Reasons to read.
    pub hints: mpsc::Sender<Hint>,
    /// What the fleet's operator wants.
    pub orders: mpsc::Sender<Given>,
    /// What people are to know.
    pub notices: mpsc::Sender<Noted>,
}

/// Keeps the line up until the outlet of hints is closed. `standing` is what the terminal says of
/// itself.
pub async fn run(
    settings: Settings,
    clock: SystemClock,
    outlets: Outlets,
    standing: watch::Receiver<Standing>,
) {
    let topics = settings.topics;
    let will = Will { topic: topics.status(), payload: Standing::offline() };
    let mut heard = vec![topics.changed(), topics.alive().to_owned(), topics.notices().to_owned()];
    if settings.orders.is_some() {
        heard.extend([topics.order(), topics.config()]);
    }
    let (tell, said) = mpsc::channel(SAID_MAX);
    let (line, kept) = broker::keep(settings.broker, heard, Some(will), tell);
    let end = End {
        clock,
        topics,
        alive_within: settings.alive_within,
        outlets,
        fleet: settings.orders,
        standing,
        line,
        alive_until: None,
        told: false,
        status_due: None,
        refused: 0,
    };
    tokio::join!(kept, end.run(said));
}

struct End {
    clock: SystemClock,
    topics: Topics,
    alive_within: Duration,
    outlets: Outlets,
    fleet: Option<fleet::Settings>,
    standing: watch::Receiver<Standing>,
    line: Line,
    /// Until when relays count as there.
    alive_until: Option<Instant>,
    /// What was said last of whether they are there.
    told: bool,
    status_due: Option<Instant>,
    /// Messages that were not understood.
    refused: u64,
}

impl End {
    async fn run(mut self, mut said: mpsc::Receiver<Said>) {
        let hints = self.outlets.hints.clone();
        loop {
            let (silence, status) = (self.alive_until, self.status_due);
            tokio::select! {
                word = said.recv() => match word {
                    Some(word) => self.said(word),
                    None => return,
                },
                () = sleep_until(silence) => {
                    tracing::warn!("no relay has been heard lately; Klarna is read more often");
                    self.alive_until = None;
                }
                // It waits for room: a line that has ended must not count as one.
                Ok(room) = hints.reserve(), if self.told != silence.is_some() => {
                    room.send(Hint::Line(silence.is_some()));
                    self.told = silence.is_some();
                }
                () = sleep_until(status) => self.say_status(),
                Ok(()) = self.standing.changed() => {
                    self.status_due.get_or_insert(Instant::now() + STATUS_PACE);
                }
                () = hints.closed() => return,
            }
        }
    }

    fn said(&mut self, word: Said) {
        match word {
            Said::Up => {
                tracing::info!("the line to the broker stands");
                self.status_due = Some(Instant::now());
            }
            Said::Down => {
                self.status_due = None;
                self.alive_until = None;
            }
            Said::Heard(heard) if heard.topic == self.topics.alive() => {
                self.alive_until = Some(Instant::now() + self.alive_within);
            }
            Said::Heard(heard) if heard.topic == self.topics.changed() => {
                self.changed(&heard, true);
            }
            Said::Heard(heard) if heard.topic == self.topics.notices() => {
                self.changed(&heard, false);
            }
            Said::Heard(heard) if self.is_order(&heard) => self.order(&heard),
            Said::Heard(heard) => self.refuse(&heard, &"nobody asked for this topic"),
        }
    }

    /// `is_ours`: this terminal was told, and not everybody.
    fn changed(&mut self, heard: &Heard, is_ours: bool) {
        let message = match Changed::parse(&heard.payload) {
            Ok(message) => message,
            Err(error) => return self.refuse(heard, &error),
        };
        let (event, kind) = (&message.event, &message.kind);
        tracing::debug!(event, kind, "the relay says that something may have changed");
        if let Some(notice) = notice(&message) {
            let noted = self.outlets.notices.try_send(Noted { notice, is_ours, seen_to: None });
            return noted.unwrap_or_else(|_| self.refuse(heard, &"there are too many at once"));
        }
        let lag = message.at.as_deref().and_then(|at| self.lag(at));
        if let Some(request) = message.request.filter(|_| is_ours) {
            let is_submitted = message.kind == SUBMITTED;
            self.hint(Hint::Changed { request, is_submitted, lag });
        }
    }

    fn is_order(&self, heard: &Heard) -> bool {
        heard.topic == self.topics.order() || heard.topic == self.topics.config()
    }

    /// An order that finds no room is dropped: whoever gave it sees that nothing happened.
    fn order(&mut self, heard: &Heard) {
        let Some(fleet) = &self.fleet else {
            return self.refuse(heard, &"this terminal takes no orders");
        };
        let order = fleet::open(&heard.payload, fleet, self.clock.now().wall);
        let given = Given { order, retained: heard.retained };
        if self.outlets.orders.try_send(given).is_err() {
            self.refuse(heard, &"there are too many orders at once");
        }
    }

    /// How long ago something happened, by two clocks.
    fn lag(&self, at: &str) -> Option<Duration> {
        let (at, now) = (time(at)?, self.clock.now().wall);
        let is_ahead = |ahead: Duration| ahead <= CLOCKS_APART_MAX;
        now.since(at)
            .or_else(|| at.since(now).filter(|ahead| is_ahead(*ahead)).map(|_| Duration::ZERO))
    }

    /// A hint that finds no room is dropped: reading goes on without it.
    fn hint(&self, hint: Hint) {
        let _ = self.outlets.hints.try_send(hint);
    }

    fn refuse(&mut self, heard: &Heard, why: &dyn std::fmt::Display) {
        self.refused += 1;
        if self.refused.is_power_of_two() {
            let (topic, refused) = (&heard.topic, self.refused);
            tracing::warn!(topic, refused, %why, "a message of the broker is not understood");
        }
    }

    fn say_status(&mut self) {
        let status = self.standing.borrow_and_update().bytes();
        // What cannot be said now is said when the line stands again.
        let said = self.line.publish(&self.topics.status(), status, None, true);
        self.status_due = said.is_err().then(|| Instant::now() + STATUS_PACE);
    }
}

/// What people are to know, if it is such a message; unknown concerns are of later versions.
fn notice(message: &Changed) -> Option<Notice> {
    let transaction = message.transaction.clone().and_then(|id| TransactionId::new(id).ok());
    let dispute = message.dispute.clone().and_then(|id| DisputeId::new(id).ok());
    Some(Notice {
        id: EventId::new(message.event.clone()).ok()?,
        concern: Concern::named(message.concern.as_deref()?)?,
        kind: EventType::new(message.kind.clone()).ok()?,
        transaction,
        dispute,
        occurred_at: message.at.as_deref().and_then(time),
    })
}

/// RFC 3339.
fn time(text: &str) -> Option<Wall> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(Wall::from_millis(at.as_millisecond()))
}

async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
