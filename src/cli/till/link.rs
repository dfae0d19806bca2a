//! The till's end of the wire: a serial port or a TCP connection to a terminal.
//!
//! It knows bytes, not messages, and does not come back by itself: whoever has lost a connection
//! must know it.

use anyhow::Context as _;
use serialport::{Parity, StopBits};
#[cfg(feature = "simulator")]
use serialport::{SerialPort as _, TTYPort};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::thread;
use std::time::Duration;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// The port that terminals listen on (PA00P016).
const PORT: u16 = 20007;
/// Bytes read at a time.
const READ_LEN: usize = 4096;
/// Chunks that wait to be read; more makes the terminal wait.
const CHUNKS_MAX: usize = 64;
/// How long one blocking read lasts before it looks whether anybody still listens.
const READ_WAIT: Duration = Duration::from_millis(500);
/// Between two looks whether the other end of the line is open.
const REOPEN_PAUSE: Duration = Duration::from_millis(20);
/// How long a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// A terminal that does not take its bytes for this long is as good as gone.
const WRITE_MAX: Duration = Duration::from_secs(5);

/// Where the terminal is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A device, such as `/dev/ttyUSB0`.
    Serial(String),
    /// Host and port.
    Tcp(String),
}

impl Target {
    /// What contains a `/` is a device; a host may have a port, else it is 20007.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("needs a host or a device".to_owned());
        }
        if text.contains('/') {
            return Ok(Self::Serial(text.to_owned()));
        }
        let has_port = text.contains(':') && !text.ends_with(']');
        Ok(Self::Tcp(if has_port { text.to_owned() } else { format!("{text}:{PORT}") }))
    }

    pub(super) fn is_serial(&self) -> bool {
        matches!(self, Self::Serial(_))
    }
}

/// Character format of a serial line: 8 data bits, no parity, 1 or 2 stop bits (PA00P016).
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    #[value(name = "8N2")]
    EightNoneTwo,
    #[value(name = "8N1")]
    EightNoneOne,
}

/// An open wire.
pub(in crate::cli) struct Link {
    heard: Receiver<Vec<u8>>,
    writer: Box<dyn Write + Send>,
    /// What nobody takes is lost, as on a line without a plug.
    is_patient: bool,
}

impl Link {
    /// Connects.
    pub(super) fn open(target: &Target, baud: u32, format: Format) -> anyhow::Result<Self> {
        match target {
            Target::Serial(path) => {
                let stop_bits = match format {
                    Format::EightNoneTwo => StopBits::Two,
                    Format::EightNoneOne => StopBits::One,
                };
                let port = serialport::new(path, baud)
                    .parity(Parity::None)
                    .stop_bits(stop_bits)
                    .exclusive(true)
                    .timeout(READ_WAIT)
                    .open_native();
                let port = port.with_context(|| format!("cannot open {path}"))?;
                let reader = port.try_clone_native()?;
                Ok(Self::over(reader, port, false))
            }
            Target::Tcp(address) => {
                let stream = connect(address)
                    .with_context(|| format!("cannot connect to the terminal at {address}"))?;
                let reader = stream.try_clone()?;
                Ok(Self::over(reader, stream, false))
            }
        }
    }

    /// A port that is open already, whose other end may not be open yet.
    #[cfg(feature = "simulator")]
    pub(in crate::cli) fn of(mut port: TTYPort) -> anyhow::Result<Self> {
        port.set_timeout(READ_WAIT)?;
        let reader = port.try_clone_native()?;
        Ok(Self::over(reader, port, true))
    }

    fn over(
        reader: impl Read + Send + 'static,
        writer: impl Write + Send + 'static,
        is_patient: bool,
    ) -> Self {
        let (sender, heard) = channel(CHUNKS_MAX);
        thread::spawn(move || read(reader, &sender, is_patient));
        Self { heard, writer: Box::new(writer), is_patient }
    }

    /// The next bytes; none once the wire is gone. Cancel-safe.
    pub(super) async fn heard(&mut self) -> Option<Vec<u8>> {
        self.heard.recv().await
    }

    /// What has come meanwhile; an error once the wire is gone.
    pub(super) fn heard_already(&mut self) -> Result<Option<Vec<u8>>, ErrorKind> {
        match self.heard.try_recv() {
            Ok(bytes) => Ok(Some(bytes)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(ErrorKind::BrokenPipe),
        }
    }

    /// Writes.
    pub(super) fn say(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self.writer.write_all(bytes).and_then(|()| self.writer.flush()) {
            Err(_) if self.is_patient => Ok(()),
            written => written,
        }
    }
}

fn connect(address: &str) -> std::io::Result<TcpStream> {
    let mut result = Err(ErrorKind::AddrNotAvailable.into());
    for address in address.to_socket_addrs()? {
        result = TcpStream::connect_timeout(&address, CONNECT_MAX);
        if result.is_ok() {
            break;
        }
    }
    let stream = result?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(READ_WAIT))?;
    stream.set_write_timeout(Some(WRITE_MAX))?;
    Ok(stream)
}

fn read(mut reader: impl Read, heard: &Sender<Vec<u8>>, is_patient: bool) {
    let mut buffer = [0; READ_LEN];
    while !heard.is_closed() {
        match reader.read(&mut buffer) {
            Ok(0) if !is_patient => return,
            Ok(0) => thread::sleep(REOPEN_PAUSE),
            Ok(count) => {
                if heard.blocking_send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
            Err(error) => match error.kind() {
                ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted => {}
                _ if is_patient => thread::sleep(REOPEN_PAUSE),
                _ => return,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_a_slash_and_a_host_a_port() {
        let tcp = |text: &str| Ok(Target::Tcp(text.to_owned()));
        assert_eq!(Target::parse("/dev/ttyUSB0"), Ok(Target::Serial("/dev/ttyUSB0".to_owned())));
        assert_eq!(Target::parse("10.0.0.5"), tcp("10.0.0.5:20007"));
        assert_eq!(Target::parse("terminal:5577"), tcp("terminal:5577"));
        assert_eq!(Target::parse("[::1]"), tcp("[::1]:20007"));
        assert_eq!(Target::parse("[::1]:9"), tcp("[::1]:9"));
        assert!(Target::parse(" ").is_err());
    }
}
