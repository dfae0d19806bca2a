//! The wire to the till: a serial port or a TCP socket. The only file that opens either.
//!
//! It knows bytes, not messages. A link that breaks comes back by itself; what was to be written
//! meanwhile is dropped, because the till asks again (its protocol has `status`).

use serialport::{DataBits, Parity, SerialPort, StopBits};
use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Bytes read at a time; one line of our protocol fits four times.
const READ_LEN: usize = 4096;
/// Chunks that wait to be read or written; more makes the other side wait.
const CHUNKS_MAX: usize = 64;
/// How long one blocking read of the serial port lasts before it looks whether to stop.
const SERIAL_READ_WAIT: Duration = Duration::from_millis(500);
/// Pauses between attempts to open a serial port that is not there: first and longest.
const REOPEN_PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// A till that does not take its bytes for this long is cut off.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

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
}

/// A wire that comes back by itself.
pub(super) enum Link {
    Serial {
        heard: Receiver<Heard>,
        say: Sender<Vec<u8>>,
        stop: Arc<AtomicBool>,
        thread: thread::JoinHandle<()>,
    },
    Tcp {
        listener: TcpListener,
        till: Option<(OwnedReadHalf, OwnedWriteHalf)>,
    },
}

impl Link {
    pub(super) async fn open(settings: LinkSettings) -> std::io::Result<Self> {
        match settings {
            LinkSettings::Serial { path, baud, format } => {
                let (heard_in, heard) = channel(CHUNKS_MAX);
                let (say, say_out) = channel(CHUNKS_MAX);
                let stop = Arc::new(AtomicBool::new(false));
                let port = Port { path, baud, format, stop: stop.clone() };
                let thread = thread::Builder::new()
                    .name("till-serial".to_owned())
                    .spawn(move || port.run(&heard_in, say_out))?;
                Ok(Self::Serial { heard, say, stop, thread })
            }
            LinkSettings::Tcp { listen } => {
                Ok(Self::Tcp { listener: TcpListener::bind(listen).await?, till: None })
            }
        }
    }

    /// Waits for the next thing to happen. Cancel-safe.
    pub(super) async fn heard(&mut self) -> Heard {
        match self {
            Self::Serial { heard, .. } => match heard.recv().await {
                Some(heard) => heard,
                None => std::future::pending().await,
            },
            Self::Tcp { listener, till } => {
                let mut buffer = [0; READ_LEN];
                tokio::select! {
                    newcomer = listener.accept() => accept(newcomer, till),
                    read = read(till, &mut buffer) => match read {
                        Ok(count) if count > 0 => Heard::Bytes(buffer[..count].to_vec()),
                        Ok(_) | Err(_) => {
                            *till = None;
                            Heard::Down
                        }
                    },
                }
            }
        }
    }

    /// Writes; bytes for a link that is down are dropped.
    pub(super) async fn say(&mut self, bytes: Vec<u8>) {
        match self {
            Self::Serial { say, .. } => {
                if say.try_send(bytes).is_err() {
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
            Self::Serial { heard, say, stop, thread } => {
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

/// The newest connection is the till: after a cut cable the old one looks alive for minutes.
fn accept(
    newcomer: std::io::Result<(TcpStream, SocketAddr)>,
    till: &mut Option<(OwnedReadHalf, OwnedWriteHalf)>,
) -> Heard {
    match newcomer {
        Ok((stream, address)) => {
            if till.is_some() {
                tracing::warn!(%address, "another till has connected and takes over");
            }
            let _ = stream.set_nodelay(true);
            *till = Some(stream.into_split());
            Heard::Up
        }
        Err(error) => {
            tracing::warn!(%error, "a till's connection could not be accepted");
            Heard::Down
        }
    }
}

async fn read(
    till: &mut Option<(OwnedReadHalf, OwnedWriteHalf)>,
    buffer: &mut [u8],
) -> std::io::Result<usize> {
    match till {
        Some((reader, _)) => reader.read(buffer).await,
        None => std::future::pending().await,
    }
}

/// A serial port on a thread of its own: its reads block, and draining it may block for ever.
struct Port {
    path: String,
    baud: u32,
    format: Format,
    stop: Arc<AtomicBool>,
}

impl Port {
    fn run(&self, heard: &Sender<Heard>, mut say: Receiver<Vec<u8>>) {
        let mut pause = REOPEN_PAUSE.0;
        let mut told = false;
        while !self.stop.load(Ordering::Relaxed) {
            match self.open() {
                Ok(port) => {
                    (pause, told) = (REOPEN_PAUSE.0, false);
                    let handed_back = self.serve(port, heard, say);
                    say = match handed_back {
                        Some(say) => say,
                        None => return,
                    };
                    self.rest(REOPEN_PAUSE.0);
                }
                Err(error) => {
                    if !told {
                        let path = &self.path;
                        tracing::warn!(path, %error, "the till's serial port cannot be opened yet");
                        told = true;
                    }
                    while say.try_recv().is_ok() {}
                    self.rest(pause);
                    pause = (pause * 2).min(REOPEN_PAUSE.1);
                }
            }
        }
    }

    /// Sleeps, but not past the end of the link.
    fn rest(&self, pause: Duration) {
        let until = Instant::now() + pause;
        while Instant::now() < until && !self.stop.load(Ordering::Relaxed) {
            thread::sleep(REOPEN_PAUSE.0.min(pause));
        }
    }

    fn open(&self) -> serialport::Result<Box<dyn SerialPort>> {
        let (data, parity, stop) = self.format.parts();
        let builder = serialport::new(&self.path, self.baud)
            .data_bits(data)
            .parity(parity)
            .stop_bits(stop)
            .exclusive(true)
            .timeout(SERIAL_READ_WAIT);
        Ok(Box::new(builder.open_native()?))
    }

    /// Reads here and writes on a second thread until the port is gone; hands the queue back.
    fn serve(
        &self,
        mut port: Box<dyn SerialPort>,
        heard: &Sender<Heard>,
        mut say: Receiver<Vec<u8>>,
    ) -> Option<Receiver<Vec<u8>>> {
        let Ok(mut writer) = port.try_clone() else { return Some(say) };
        let gone = Arc::new(AtomicBool::new(false));
        let seen = gone.clone();
        if heard.blocking_send(Heard::Up).is_err() {
            return None;
        }
        let writing = thread::spawn(move || {
            while let Some(bytes) = wait_for(&mut say, &seen) {
                if write_all(&mut *writer, &bytes).is_err() {
                    seen.store(true, Ordering::Relaxed);
                }
            }
            say
        });
        let mut buffer = [0; READ_LEN];
        while !gone.load(Ordering::Relaxed) {
            match port.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    if heard.blocking_send(Heard::Bytes(buffer[..count].to_vec())).is_err() {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::TimedOut => {
                    if self.stop.load(Ordering::Relaxed) || heard.is_closed() {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        gone.store(true, Ordering::Relaxed);
        // The port must be closed before it is opened again: an open one keeps its device name.
        drop(port);
        let say = writing.join().ok();
        heard.blocking_send(Heard::Down).ok().and(say)
    }
}

/// Writes everything at the pace of the line; fails once nothing has gone out for
/// [`WRITE_TIMEOUT`]. A slow line is full again and again, which is no failure.
fn write_all(port: &mut dyn SerialPort, mut bytes: &[u8]) -> std::io::Result<()> {
    let mut last = Instant::now();
    while !bytes.is_empty() {
        match port.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => (bytes, last) = (&bytes[count..], Instant::now()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::TimedOut && last.elapsed() < WRITE_TIMEOUT => {
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The next bytes to write; `None` once the port is gone or nobody will send any more.
fn wait_for(say: &mut Receiver<Vec<u8>>, gone: &AtomicBool) -> Option<Vec<u8>> {
    loop {
        match say.try_recv() {
            Ok(bytes) => return Some(bytes),
            Err(tokio::sync::mpsc::error::TryRecvError::Disconnected) => return None,
            Err(tokio::sync::mpsc::error::TryRecvError::Empty) => {
                if gone.load(Ordering::Relaxed) {
                    return None;
                }
                thread::sleep(Duration::from_millis(2));
            }
        }
    }
}
