//! The terminal's own desk: command line and, one day, a console, over a Unix socket that only the
//! daemon's user can open. They speak the same lines as a till, several of them at a time.
//!
//! What a command brings about is told to whoever asked; what happens to it later goes to everybody
//! at the desk, and each picks its own by the reference.

use super::{TillEvent, native};
use crate::payment::vocabulary::{Reply, Request};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixStream as BlockingStream;
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

/// One connection at the desk, counted since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seat(u64);

/// What comes from the desk.
#[derive(Debug)]
pub struct DeskEvent {
    /// Who asks.
    pub seat: Seat,
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

/// The socket beside the database at `store`.
pub fn socket_beside(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".desk");
    name.into()
}

/// Serves the desk until `replies` is closed.
///
/// # Errors
/// When the socket cannot be made, or another daemon answers on it.
pub fn serve(
    path: &Path,
    settings: native::Settings,
    events: Sender<DeskEvent>,
    mut replies: Receiver<DeskReply>,
) -> std::io::Result<impl Future<Output = ()> + use<>> {
    let listener = bind(path)?;
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
                    let guest = Guest { seat: Seat(count), stream, session };
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

/// A socket that a dead daemon has left behind is taken over; whoever can open the database's lock
/// is the only daemon there is.
fn bind(path: &Path) -> std::io::Result<UnixListener> {
    if let Ok(found) = std::fs::symlink_metadata(path) {
        let in_use = |why| Err(std::io::Error::new(std::io::ErrorKind::AddrInUse, why));
        if !found.file_type().is_socket() {
            return in_use("something that is no socket stands in its place");
        }
        if BlockingStream::connect(path).is_ok() {
            return in_use("another daemon answers on it");
        }
        std::fs::remove_file(path)?;
    }
    // Nobody else may connect, not even in the moment before its permissions could be set.
    let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o177));
    let listener = UnixListener::bind(path);
    rustix::process::umask(before);
    listener
}

struct Guest {
    seat: Seat,
    stream: UnixStream,
    session: native::Session,
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
                native::Received::Event(TillEvent::Request(request)) => {
                    events.send(DeskEvent { seat: self.seat, request }).await.ok()?;
                }
                native::Received::Event(
                    TillEvent::Returned | TillEvent::Lost | TillEvent::Registered(_),
                ) => {}
            }
        }
        Some(answers)
    }
}
