//! A serial port on two threads: its reads block, and draining it may block for ever.

use super::{Format, Heard, READ_LEN, WRITE_TIMEOUT};
use serialport::SerialPort;
use std::io::{ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{Receiver, Sender};

/// How long one blocking read of the serial port lasts before it looks whether to stop.
const SERIAL_READ_WAIT: Duration = Duration::from_millis(500);
/// Pauses between attempts to open a serial port that is not there: first and longest.
const REOPEN_PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// The port, and what it is set to.
pub(super) struct Port {
    pub(super) path: String,
    pub(super) baud: Arc<AtomicU32>,
    pub(super) format: Format,
    pub(super) stop: Arc<AtomicBool>,
}

/// What is done to a serial line, in order.
pub(in crate::pos) enum Say {
    Bytes(Vec<u8>),
    Baud(u32),
}

impl Port {
    pub(super) fn run(&self, heard: &Sender<Heard>, mut say: Receiver<Say>) {
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
        let builder = serialport::new(&self.path, self.baud.load(Ordering::Relaxed))
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
        mut say: Receiver<Say>,
    ) -> Option<Receiver<Say>> {
        let Ok(mut writer) = port.try_clone() else { return Some(say) };
        let gone = Arc::new(AtomicBool::new(false));
        let seen = gone.clone();
        if heard.blocking_send(Heard::Up).is_err() {
            return None;
        }
        let writing = thread::spawn(move || {
            while let Some(next) = wait_for(&mut say, &seen) {
                let done = match next {
                    Say::Bytes(bytes) => write_all(&mut *writer, &bytes).is_ok(),
                    Say::Baud(rate) => writer.set_baud_rate(rate).is_ok(),
                };
                if !done {
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

/// What is to be done next; `None` once the port is gone or nobody will send any more.
fn wait_for(say: &mut Receiver<Say>, gone: &AtomicBool) -> Option<Say> {
    loop {
        match say.try_recv() {
            Ok(next) => return Some(next),
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
