//! The terminal's own desk: the command line, over a Unix socket that only the daemon's user can
//! open, and the members of a group if there is one. They speak the same lines as a till, several
//! of them at a time.
//!
//! What a command brings about is told to whoever asked; what happens to it later goes to everybody
//! at the desk, and each picks its own by the reference.

use super::{TillEvent, native};
use crate::local;
use crate::payment::vocabulary::{Problem, Reply, Request};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};

/// How many may be at the desk at once; more wait to be let in.
const SEATS_MAX: usize = 8;
/// Replies that wait for somebody who reads too slowly, before the connection is cut.
const REPLIES_MAX: usize = 64;
/// After a connection could not be accepted (no file handles are left, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// A connection over which nothing has gone for this long is cut.
const IDLE_MAX: Duration = Duration::from_secs(900);
/// Bytes read at a time.
const READ_LEN: usize = 4096;
/// A connection that does not take its bytes for this long is cut.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// What a member of the group is told who may not decide about refused calls.
const RESOLVE_REFUSED: &str = "only the daemon's own user or an admin may take a call off the list";

/// One connection at the desk, counted since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seat(u64);

/// What comes from the desk.
#[derive(Debug)]
pub struct DeskEvent {
    /// From where; the answer goes there.
    pub seat: Seat,
    /// Who asks: the system's number of the user.
    pub uid: u32,
    /// For what.
    pub request: Request,
}

/// What goes to the desk.
#[derive(Debug, Clone)]
pub struct DeskReply {
    /// To whom; to everybody when it is absent.
    pub seat: Option<Seat>,
    /// What is said.
    pub reply: Reply,
}

/// Who may come to the desk beside the daemon's own user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The system's name for the group.
    pub name: String,
    /// Whether its members may take refused calls off the list.
    pub may_resolve: bool,
}

/// The socket beside the database at `store`.
pub fn socket_beside(store: &Path) -> PathBuf {
    local::beside(store, ".desk")
}

/// Serves the desk until `replies` is closed, for the daemon's user and the members of `group`.
///
/// # Errors
/// When the socket cannot be made, or another daemon answers on it.
pub fn serve(
    path: &Path,
    settings: native::Settings,
    group: Option<Group>,
    events: Sender<DeskEvent>,
    mut replies: Receiver<DeskReply>,
) -> std::io::Result<impl Future<Output = ()> + use<>> {
    let listener = local::bind(path, group.as_ref().map(|group| group.name.as_str()))?;
    let listener = UnixListener::from_std(listener)?;
    let may_all_resolve = group.is_some_and(|group| group.may_resolve);
    let path = path.to_owned();
    let settings = native::Settings { desk: true, checksum_required: false, ..settings };
    Ok(async move {
        let (told, _) = broadcast::channel::<DeskReply>(REPLIES_MAX);
        let seats = Arc::new(Semaphore::new(SEATS_MAX));
        let mut guests = tokio::task::JoinSet::new();
        let mut count = 0;
        loop {
            tokio::select! {
                (place, stream) = let_in(&listener, &seats) => {
                    count += 1;
                    let session = native::Session::new(settings.clone());
                    // Nothing is done for nobody.
                    let Ok(uid) = local::uid_behind(&stream) else { continue };
                    let may_resolve = local::is_owner(uid) || may_all_resolve;
                    let guest = Guest { seat: Seat(count), uid, stream, session, may_resolve };
                    let (events, told) = (events.clone(), told.subscribe());
                    guests.spawn(async move {
                        guest.serve(events, told).await;
                        drop(place);
                    });
                }
                reply = replies.recv() => match reply {
                    Some(reply) => drop(told.send(reply)),
                    None => break,
                },
            }
            while guests.try_join_next().is_some() {}
        }
        let _ = std::fs::remove_file(path);
    })
}

/// Waits for a free place and for somebody who wants it. Cancel-safe.
async fn let_in(
    listener: &UnixListener,
    seats: &Arc<Semaphore>,
) -> (OwnedSemaphorePermit, UnixStream) {
    let Ok(place) = seats.clone().acquire_owned().await else {
        return std::future::pending().await;
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (place, stream),
            Err(error) => {
                tracing::warn!(%error, "a connection to the desk could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

struct Guest {
    seat: Seat,
    uid: u32,
    stream: UnixStream,
    session: native::Session,
    may_resolve: bool,
}

impl Guest {
    async fn serve(mut self, events: Sender<DeskEvent>, mut told: broadcast::Receiver<DeskReply>) {
        let mut buffer = [0; READ_LEN];
        loop {
            let bytes = tokio::select! {
                read = self.stream.read(&mut buffer) => match read {
                    Ok(count) if count > 0 => match self.heard(&buffer[..count], &events).await {
                        Some(answers) => answers,
                        None => return,
                    },
                    Ok(_) | Err(_) => return,
                },
                () = tokio::time::sleep(IDLE_MAX) => return,
                reply = told.recv() => match reply {
                    Ok(reply) if reply.seat.is_none_or(|seat| seat == self.seat) => {
                        self.session.encode(&reply.reply)
                    }
                    Ok(_) => continue,
                    // Something was missed: who connects anew asks for the truth.
                    Err(_) => return,
                },
            };
            let written = tokio::time::timeout(WRITE_TIMEOUT, self.stream.write_all(&bytes)).await;
            if !matches!(written, Ok(Ok(()))) {
                return;
            }
        }
    }

    /// Passes requests on; returns what is answered at once, or nothing when the daemon ends.
    async fn heard(&mut self, bytes: &[u8], events: &Sender<DeskEvent>) -> Option<Vec<u8>> {
        let mut answers = Vec::new();
        for received in self.session.receive(bytes) {
            match received {
                native::Received::Answer(answer) => answers.extend(answer),
                native::Received::Event(TillEvent::Request(Request::Resolve {
                    reference, ..
                })) if !self.may_resolve => {
                    let problem = Problem::NotAllowed(RESOLVE_REFUSED.to_owned());
                    let refused = Reply::Refused { reference: Some(reference), problem };
                    answers.extend(self.session.encode(&refused));
                }
                native::Received::Event(TillEvent::Request(request)) => {
                    let event = DeskEvent { seat: self.seat, uid: self.uid, request };
                    events.send(event).await.ok()?;
                }
                native::Received::Event(
                    TillEvent::Returned | TillEvent::Lost | TillEvent::Registered(_),
                ) => {}
            }
        }
        Some(answers)
    }
}
