//! The till's side: bytes in, [`Request`]s out; [`Reply`]s in, bytes out.
//!
//! One till at a time, one protocol at a time; beside it the terminal's own `desk`. No money rule
//! lives here: whatever a protocol cannot
//! say, the core decides. Only `link` opens a tty or a TCP socket.

pub mod desk;
mod link;
pub mod native;
pub mod zvt;

pub use link::{Format, LinkSettings};

use crate::clock::{Mono, SystemClock};
use crate::payment::vocabulary::{Reply, Request};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender};
use uuid::Uuid;
use zvt::guest::Guest;

/// Length of the queues to and from the daemon; a till that talks faster has to wait.
pub const QUEUE_LEN_MAX: usize = 64;

/// What comes from the till.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TillEvent {
    /// It is connected, or has said hello: it may have missed something.
    Returned,
    /// It asks for something.
    Request(Request),
    /// It has said what it can and wants; to be handed back to [`serve`] after a restart.
    Registered(Vec<u8>),
    /// The link is down.
    Lost,
}

/// How the till is connected and what it speaks.
#[derive(Debug, Clone)]
pub struct TillSettings {
    /// Serial line or TCP.
    pub link: LinkSettings,
    /// What it speaks.
    pub protocol: Protocol,
    /// Our own protocol's settings: the till's, or only the desk's.
    pub native: native::Settings,
}

/// What the till speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protocol {
    /// Our own.
    Native,
    /// ZVT.
    Zvt(zvt::session::Settings),
}

/// The till's protocol, over all of its connections.
enum Session {
    Native(native::Session, native::Settings),
    Zvt(Box<zvt::session::Session>),
}

impl Session {
    fn new(settings: TillSettings, registered: Option<&[u8]>) -> Self {
        let line = match settings.link {
            LinkSettings::Serial { .. } => zvt::session::Line::Serial,
            LinkSettings::Tcp { .. } => zvt::session::Line::Tcp,
        };
        match settings.protocol {
            Protocol::Native => {
                Self::Native(native::Session::new(settings.native.clone()), settings.native)
            }
            Protocol::Zvt(settings) => {
                let mut session = zvt::session::Session::new(settings, line, Uuid::new_v4());
                session.remember(registered.unwrap_or_default());
                Self::Zvt(Box::new(session))
            }
        }
    }

    /// What is to be written at once, and what the daemon is told.
    fn heard(&mut self, now: Mono, heard: link::Heard) -> (Vec<Vec<u8>>, Vec<TillEvent>) {
        match (self, heard) {
            (Self::Native(session, settings), link::Heard::Up) => {
                *session = native::Session::new(settings.clone());
                (Vec::new(), vec![TillEvent::Returned])
            }
            (Self::Native(..), link::Heard::Down) => (Vec::new(), vec![TillEvent::Lost]),
            (Self::Native(session, _), link::Heard::Bytes(bytes)) => {
                let (mut answers, mut events) = (Vec::new(), Vec::new());
                for received in session.receive(&bytes) {
                    match received {
                        native::Received::Answer(answer) => answers.push(answer),
                        native::Received::Event(event) => events.push(event),
                    }
                }
                (answers, events)
            }
            (Self::Zvt(session), link::Heard::Up) => (Vec::new(), session.up(now)),
            (Self::Zvt(session), link::Heard::Down) => (Vec::new(), session.down(now)),
            (Self::Zvt(session), link::Heard::Bytes(bytes)) => {
                (Vec::new(), session.receive(now, &bytes))
            }
            (_, link::Heard::Guest | link::Heard::GuestBytes(_)) => (Vec::new(), Vec::new()),
        }
    }

    /// What becomes of another till. In our own protocol the newest connection takes over, and asks
    /// for what it has missed.
    fn newcomer(&self) -> link::Newcomer {
        match self {
            Self::Native(..) => link::Newcomer::TakesOver,
            Self::Zvt(session) if session.is_busy() => link::Newcomer::Waits,
            Self::Zvt(_) => link::Newcomer::SpeaksFirst,
        }
    }

    fn reply(&mut self, now: Mono, reply: &Reply) -> (Vec<Vec<u8>>, Vec<TillEvent>) {
        match self {
            Self::Native(session, _) => (vec![session.encode(reply)], Vec::new()),
            Self::Zvt(session) => (Vec::new(), session.reply(now, reply)),
        }
    }

    fn poll_write(&mut self, now: Mono) -> Option<Vec<u8>> {
        match self {
            Self::Native(..) => None,
            Self::Zvt(session) => session.poll_write(now),
        }
    }

    fn poll_rate(&mut self, now: Mono) -> Option<zvt::session::Rate> {
        match self {
            Self::Native(..) => None,
            Self::Zvt(session) => session.poll_rate(now),
        }
    }

    fn poll_timeout(&self) -> Option<Mono> {
        match self {
            Self::Native(..) => None,
            Self::Zvt(session) => session.poll_timeout(),
        }
    }

    fn tick(&mut self, now: Mono) -> Vec<TillEvent> {
        match self {
            Self::Native(..) => Vec::new(),
            Self::Zvt(session) => session.tick(now),
        }
    }
}

/// Pause after an address could not be used.
const OPEN_PAUSE: Duration = Duration::from_secs(2);

/// Serves the till until `replies` is closed. `registered` is what it has registered for before a
/// restart. A serial port or an address that is not there yet is waited for.
pub fn serve(
    settings: TillSettings,
    clock: SystemClock,
    registered: Option<Vec<u8>>,
    events: Sender<TillEvent>,
    mut replies: Receiver<Reply>,
) -> impl Future<Output = ()> {
    let configured = settings.link.baud();
    async move {
        let Some(mut link) = opened(&settings.link, &mut replies).await else { return };
        let mut session = Session::new(settings, registered.as_deref());
        let mut guest = Guest::default();
        // What the daemon has no room for yet. While there is any, the till is not listened to, but
        // its answers still go out: otherwise both sides could wait for each other for ever.
        let mut pending: VecDeque<TillEvent> = VecDeque::new();
        loop {
            let due = session.poll_timeout();
            let (answers, told) = tokio::select! {
                room = events.reserve(), if !pending.is_empty() => match room {
                    Ok(room) => {
                        if let Some(event) = pending.pop_front() {
                            room.send(event);
                        }
                        continue;
                    }
                    Err(_) => return,
                },
                heard = link.heard(session.newcomer()), if pending.is_empty() => {
                    let now = clock.now().mono;
                    match &heard {
                        link::Heard::Guest => guest = Guest::default(),
                        link::Heard::GuestBytes(bytes) => {
                            for answer in guest.receive(bytes) {
                                link.say_to_guest(&answer).await;
                            }
                        }
                        link::Heard::Up | link::Heard::Down | link::Heard::Bytes(_) => {}
                    }
                    let is_up = heard == link::Heard::Up;
                    let (mut answers, mut told) = session.heard(now, heard);
                    if is_up {
                        // A guest whose turn has come may be in the middle of a message.
                        let begun = link::Heard::Bytes(std::mem::take(&mut guest).into_rest());
                        let (more, further) = session.heard(now, begun);
                        answers.extend(more);
                        told.extend(further);
                    }
                    (answers, told)
                }
                reply = replies.recv() => match reply {
                    Some(reply) => session.reply(clock.now().mono, &reply),
                    None => {
                        link.close().await;
                        return;
                    }
                },
                () = until(clock, due) => (Vec::new(), session.tick(clock.now().mono)),
            };
            pending.extend(told);
            for answer in answers {
                link.say(answer).await;
            }
            while let Some(bytes) = session.poll_write(clock.now().mono) {
                link.say(bytes).await;
            }
            match session.poll_rate(clock.now().mono) {
                Some(zvt::session::Rate::Baud(rate)) => link.set_baud(rate),
                Some(zvt::session::Rate::Configured) => link.set_baud(configured),
                None => {}
            }
        }
    }
}

/// Opens the link, for as long as that takes: a network may come up after the terminal. What is
/// said until then is lost, as on a wire that is down. `None` when nobody speaks any more.
async fn opened(settings: &LinkSettings, replies: &mut Receiver<Reply>) -> Option<link::Link> {
    let mut is_told = false;
    loop {
        match link::Link::open(settings.clone()).await {
            Ok(link) => return Some(link),
            Err(error) if !is_told => {
                is_told = true;
                tracing::error!(%error, "the till's address cannot be used; it is tried again");
            }
            Err(_) => {}
        }
        let pause = tokio::time::sleep(OPEN_PAUSE);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => break,
                reply = replies.recv() => drop(reply?),
            }
        }
    }
}

async fn until(clock: SystemClock, due: Option<Mono>) {
    match due {
        Some(due) => tokio::time::sleep_until(clock.instant(due).into()).await,
        None => std::future::pending().await,
    }
}
