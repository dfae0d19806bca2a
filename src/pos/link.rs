//! The wire to the till: a serial port or a TCP socket. The only file that opens either.
//!
//! It knows bytes, not messages. A link that breaks comes back by itself; what was to be written
//! meanwhile is dropped, because the till asks again (its protocol has `status`).

mod serial;

use rustix::net::{RecvFlags, sockopt};
use serial::{Port, Say};
use serialport::{DataBits, Parity, StopBits};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Bytes read at a time; one line of our protocol fits four times.
const READ_LEN: usize = 4096;
/// Chunks that wait to be read or written; more makes the other side wait.
const CHUNKS_MAX: usize = 64;
/// A till that does not take its bytes for this long is cut off.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// A second till that does not take its bytes for this long is cut off: the first one waits.
const GUEST_TIMEOUT: Duration = Duration::from_millis(200);
/// After an error of the listener itself, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// A peer that says nothing is asked whether it is there after this long, then this often, so many
/// times.
const KEEP_ALIVE: (Duration, Duration, u32) = (Duration::from_secs(10), Duration::from_secs(3), 3);
/// Bytes that are not acknowledged for this long end the connection.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(20);

/// How the till is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkSettings {
    /// A serial line.
    Serial {
        /// Such as `/dev/serial/by-id/...`, which survives replugging.
        path: String,
        /// Bits per second.
        baud: u32,
        /// Character format.
        format: Format,
    },
    /// The terminal listens, the till connects.
    Tcp {
        /// Address and port.
        listen: SocketAddr,
    },
}

impl LinkSettings {
    /// Bits per second; 0 where there is no such thing.
    pub(super) fn baud(&self) -> u32 {
        match self {
            Self::Serial { baud, .. } => *baud,
            Self::Tcp { .. } => 0,
        }
    }
}

/// Character format of a serial line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
pub enum Format {
    /// 8 data bits, no parity, 1 stop bit.
    #[serde(rename = "8N1")]
    EightNoneOne,
    /// 8 data bits, no parity, 2 stop bits.
    #[serde(rename = "8N2")]
    EightNoneTwo,
    /// 7 data bits, even parity, 1 stop bit.
    #[serde(rename = "7E1")]
    SevenEvenOne,
}

impl Format {
    fn parts(self) -> (DataBits, Parity, StopBits) {
        match self {
            Self::EightNoneOne => (DataBits::Eight, Parity::None, StopBits::One),
            Self::EightNoneTwo => (DataBits::Eight, Parity::None, StopBits::Two),
            Self::SevenEvenOne => (DataBits::Seven, Parity::Even, StopBits::One),
        }
    }
}

/// What comes over the wire.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The link is there.
    Up,
    /// The link is gone; it comes back by itself.
    Down,
    /// Some bytes, cut anywhere.
    Bytes(Vec<u8>),
    /// A second till has connected and has to wait, or is gone again.
    Guest,
    /// Some bytes of the second till.
    GuestBytes(Vec<u8>),
}

/// A wire that comes back by itself.
pub(super) enum Link {
    Serial {
        heard: Receiver<Heard>,
        say: Sender<Say>,
        baud: Arc<AtomicU32>,
        stop: Arc<AtomicBool>,
        thread: thread::JoinHandle<()>,
    },
    Tcp {
        listener: TcpListener,
        till: Option<Connection>,
        /// A second till, and whether it has said anything.
        guest: Option<(Connection, bool)>,
        /// What a second till has said when its turn came.
        first: Option<Vec<u8>>,
    },
}

/// What becomes of a till that connects while another one is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Newcomer {
    /// It takes over at once.
    TakesOver,
    /// It takes over as soon as it says something: whoever only looks at the port disturbs nobody.
    SpeaksFirst,
    /// It has to wait until the other one is done or gone.
    Waits,
}

type Connection = (OwnedReadHalf, OwnedWriteHalf);

impl Link {
    pub(super) async fn open(settings: LinkSettings) -> std::io::Result<Self> {
        match settings {
            LinkSettings::Serial { path, baud, format } => {
                let (heard_in, heard) = channel(CHUNKS_MAX);
                let (say, say_out) = channel(CHUNKS_MAX);
                let stop = Arc::new(AtomicBool::new(false));
                let baud = Arc::new(AtomicU32::new(baud));
                let port = Port { path, baud: baud.clone(), format, stop: stop.clone() };
                let thread = thread::Builder::new()
                    .name("till-serial".to_owned())
                    .spawn(move || port.run(&heard_in, say_out))?;
                Ok(Self::Serial { heard, say, baud, stop, thread })
            }
            LinkSettings::Tcp { listen } => {
                let listener = TcpListener::bind(listen).await?;
                Ok(Self::Tcp { listener, till: None, guest: None, first: None })
            }
        }
    }

    /// Waits for the next thing to happen. Cancel-safe.
    pub(super) async fn heard(&mut self, newcomer: Newcomer) -> Heard {
        match self {
            Self::Serial { heard, .. } => match heard.recv().await {
                Some(heard) => heard,
                None => std::future::pending().await,
            },
            Self::Tcp { listener, till, guest, first } => {
                if let Some(bytes) = first.take() {
                    return Heard::Bytes(bytes);
                }
                let is_next = |guest: &mut (Connection, bool)| match newcomer {
                    _ if till.is_none() => true,
                    Newcomer::TakesOver => true,
                    Newcomer::SpeaksFirst => guest.1,
                    Newcomer::Waits => false,
                };
                if let Some((connection, _)) = guest.take_if(is_next) {
                    *till = Some(connection);
                    return Heard::Up;
                }
                let (mut buffer, mut guests) = ([0; READ_LEN], [0; READ_LEN]);
                let tills = till.as_mut().map(|till| &mut till.0);
                let second = guest.as_mut().map(|guest| &mut guest.0.0);
                tokio::select! {
                    // The end of the first till comes before what the second one says.
                    biased;
                    accepted = listener.accept() => match accepted {
                        Ok((stream, address)) => accept(stream, address, till, guest, newcomer),
                        Err(error) => {
                            tracing::warn!(%error, "a till's connection could not be accepted");
                            tokio::time::sleep(ACCEPT_PAUSE).await;
                            Heard::Bytes(Vec::new())
                        }
                    },
                    read = read(tills, &mut buffer) => match read {
                        Ok(count) if count > 0 => Heard::Bytes(buffer[..count].to_vec()),
                        Ok(_) | Err(_) => {
                            *till = None;
                            Heard::Down
                        }
                    },
                    read = read(second, &mut guests) => match (read, guest.take()) {
                        (Ok(count), Some((connection, _))) if count > 0 => {
                            let bytes = guests[..count].to_vec();
                            if newcomer == Newcomer::Waits {
                                *guest = Some((connection, true));
                                return Heard::GuestBytes(bytes);
                            }
                            (*till, *first) = (Some(connection), Some(bytes));
                            Heard::Up
                        }
                        _ => Heard::Guest,
                    },
                }
            }
        }
    }

    /// Writes to the second till.
    pub(super) async fn say_to_guest(&mut self, bytes: &[u8]) {
        if let Self::Tcp { guest, .. } = self
            && let Some(((_, writer), _)) = guest
        {
            let written = tokio::time::timeout(GUEST_TIMEOUT, writer.write_all(bytes)).await;
            if !matches!(written, Ok(Ok(()))) {
                *guest = None;
            }
        }
    }

    /// Sets a serial line's rate, after what is waiting is written; it is kept when the line comes
    /// back.
    pub(super) fn set_baud(&self, rate: u32) {
        if let Self::Serial { say, baud, .. } = self {
            baud.store(rate, Ordering::Relaxed);
            if say.try_send(Say::Baud(rate)).is_err() {
                tracing::warn!(rate, "the line's rate is changed when it comes back");
            }
        }
    }

    /// Writes; bytes for a link that is down are dropped.
    pub(super) async fn say(&mut self, bytes: Vec<u8>) {
        match self {
            Self::Serial { say, .. } => {
                if say.try_send(Say::Bytes(bytes)).is_err() {
                    tracing::warn!("the till does not take its messages; one was dropped");
                }
            }
            Self::Tcp { till, .. } => {
                let Some((_, writer)) = till else { return };
                let written = tokio::time::timeout(WRITE_TIMEOUT, writer.write_all(&bytes)).await;
                if !matches!(written, Ok(Ok(()))) {
                    tracing::warn!("the till does not take its messages; the connection is cut");
                    *till = None;
                }
            }
        }
    }

    /// Writes out what is waiting and lets go of the wire.
    pub(super) async fn close(self) {
        match self {
            Self::Serial { heard, say, stop, thread, .. } => {
                stop.store(true, Ordering::Relaxed);
                drop((heard, say));
                // The thread writes what is waiting before it ends.
                let _ = tokio::task::spawn_blocking(move || thread.join()).await;
            }
            Self::Tcp { till, .. } => {
                if let Some((_, mut writer)) = till {
                    let _ = tokio::time::timeout(WRITE_TIMEOUT, writer.shutdown()).await;
                }
            }
        }
    }
}

/// The newest connection is the till, at once or when it speaks: after a cut cable the old one
/// looks alive for a while. A second one that waits keeps its place.
fn accept(
    stream: TcpStream,
    address: SocketAddr,
    till: &mut Option<Connection>,
    guest: &mut Option<(Connection, bool)>,
    newcomer: Newcomer,
) -> Heard {
    let _ = stream.set_nodelay(true);
    if let Err(error) = watch_over(&stream) {
        tracing::warn!(%error, "a cut cable will be noticed late");
    }
    if newcomer == Newcomer::TakesOver || !till.as_ref().is_some_and(is_there) {
        if till.is_some() {
            tracing::warn!(%address, "another till has connected and takes over");
        }
        *till = Some(stream.into_split());
        return Heard::Up;
    }
    if guest.as_ref().is_some_and(|(guest, spoken)| *spoken && is_there(guest)) {
        tracing::warn!(%address, "a third till has connected and is sent away");
        return Heard::Bytes(Vec::new());
    }
    tracing::warn!(%address, "another till has connected and has to wait");
    *guest = Some((stream.into_split(), false));
    Heard::Guest
}

/// Whether the other side has not hung up, as far as is known here.
fn is_there((reader, _): &Connection) -> bool {
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    match rustix::net::recv(reader.as_ref(), &mut [0; 1], flags) {
        Ok((_, count)) => count > 0,
        Err(error) => error == rustix::io::Errno::AGAIN,
    }
}

/// Notices within half a minute that the other side is gone without a word.
fn watch_over(stream: &TcpStream) -> rustix::io::Result<()> {
    let (idle, every, times) = KEEP_ALIVE;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, idle)?;
    sockopt::set_tcp_keepintvl(stream, every)?;
    sockopt::set_tcp_keepcnt(stream, times)?;
    let millis = u32::try_from(UNACKNOWLEDGED_MAX.as_millis()).unwrap_or(u32::MAX);
    sockopt::set_tcp_user_timeout(stream, millis)
}

async fn read(reader: Option<&mut OwnedReadHalf>, buffer: &mut [u8]) -> std::io::Result<usize> {
    match reader {
        Some(reader) => reader.read(buffer).await,
        None => std::future::pending().await,
    }
}
