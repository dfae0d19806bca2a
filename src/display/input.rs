//! A press that lasts: on the touch screen, or on a key that was configured.
//!
//! Reads one Linux input device (`/dev/input/eventN`) on a thread of its own. Source: Linux,
//! `include/uapi/linux/input.h` and `input-event-codes.h`. Knows no positions and no screens.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::ffi::c_long;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a press must last.
pub const HOLD: Duration = Duration::from_secs(3);

/// Bytes of one event: the time as two of the kernel's `long`, then type, code and value.
pub const EVENT_BYTES: usize = TIME_BYTES + 8;

const TIME_BYTES: usize = 2 * size_of::<c_long>();
const EV_SYN: u16 = 0x00;
const EV_KEY: u16 = 0x01;
const SYN_DROPPED: u16 = 3;
const BTN_LEFT: u16 = 0x110;
const BTN_TOUCH: u16 = 0x14A;

/// Events that are read at once.
const EVENTS_MAX: usize = 64;

/// Until a device that has gone is looked for, at first and at most.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(30);

/// Calls `tell` once for every press of at least [`HOLD`], while it still lasts: on `key` (a
/// `KEY_*` code), or without one on the touch screen or with the left mouse button. Goes on for as
/// long as the daemon runs; a device that is not there or goes away is looked for again, after a
/// second at first and every 30 seconds at last.
///
/// # Errors
/// When the system gives no thread.
pub fn watch(path: &Path, key: Option<u16>, tell: impl Fn() + Send + 'static) -> io::Result<()> {
    start(path, key, HOLD, tell)
}

fn start(
    path: &Path,
    key: Option<u16>,
    hold: Duration,
    tell: impl Fn() + Send + 'static,
) -> io::Result<()> {
    let path = path.to_owned();
    let thread = std::thread::Builder::new().name("input".to_owned());
    thread.spawn(move || watch_for_ever(&path, key, hold, &tell)).map(drop)
}

fn watch_for_ever(path: &Path, key: Option<u16>, hold: Duration, tell: &impl Fn()) {
    let mut retry = Retry::default();
    loop {
        let opened = Instant::now();
        let mut heard = false;
        let error = match open(path) {
            Ok(device) => read(device, LongPress::lasting(hold, key), tell, &mut heard),
            Err(error) => error,
        };
        if heard || opened.elapsed() >= RETRY_MAX {
            retry = Retry::default();
        }
        if retry == Retry::default() {
            let path = path.display();
            tracing::warn!(%error, %path, "no long press is heard, the input device is away");
        }
        std::thread::sleep(retry.next_pause());
    }
}

/// How long to wait before each attempt: twice as long as before the one before.
#[derive(Debug, PartialEq, Eq)]
struct Retry(Duration);

impl Default for Retry {
    fn default() -> Self {
        Self(RETRY_MIN)
    }
}

impl Retry {
    fn next_pause(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(RETRY_MAX);
        pause
    }
}

fn open(path: &Path) -> io::Result<File> {
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    OpenOptions::new().read(true).custom_flags(nonblock).open(path)
}

/// Reads until the device is gone, and returns why. `heard` becomes true with the first event.
fn read(mut device: File, mut press: LongPress, tell: &impl Fn(), heard: &mut bool) -> io::Error {
    let start = Instant::now();
    let mut stream = Stream::default();
    let mut bytes = [0; EVENT_BYTES * EVENTS_MAX];
    loop {
        let time = press.due().map(|due| due.saturating_sub(start.elapsed()));
        let hung_up = match wait(&device, time) {
            Ok(hung_up) => hung_up,
            Err(error) => return error,
        };
        match device.read(&mut bytes) {
            Ok(0) => return io::ErrorKind::UnexpectedEof.into(),
            Ok(count) => {
                let at = start.elapsed();
                for event in stream.events(&bytes[..count]) {
                    *heard = true;
                    press.event(event, at);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !hung_up => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return error,
        }
        if press.fire(start.elapsed()) {
            tell();
        }
    }
}

/// Until there is something to read, or `time` is over; without a time, for as long as it takes.
/// Returns whether the device has hung up.
fn wait(device: &File, time: Option<Duration>) -> io::Result<bool> {
    let time = time.and_then(|time| Timespec::try_from(time).ok());
    let mut polled = [PollFd::new(device, PollFlags::IN)];
    match poll(&mut polled, time.as_ref()) {
        Ok(_) => Ok(polled[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// What a device says, without its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputEvent {
    /// `EV_*`.
    pub kind: u16,
    /// What it is about, such as `BTN_TOUCH`.
    pub code: u16,
    /// For keys: 1 pressed, 0 let go, 2 repeated.
    pub value: i32,
}

/// Puts events together from bytes that may come in any pieces.
#[derive(Debug, Default)]
pub struct Stream {
    rest: Vec<u8>,
}

impl Stream {
    /// The events that are complete with `bytes`.
    pub fn events(&mut self, bytes: &[u8]) -> Vec<InputEvent> {
        self.rest.extend_from_slice(bytes);
        let (events, rest) = self.rest.as_chunks::<EVENT_BYTES>();
        let events = events.iter().map(event).collect();
        self.rest = rest.to_vec();
        events
    }
}

fn event(bytes: &[u8; EVENT_BYTES]) -> InputEvent {
    let at = |index: usize| bytes[TIME_BYTES + index];
    InputEvent {
        kind: u16::from_ne_bytes([at(0), at(1)]),
        code: u16::from_ne_bytes([at(2), at(3)]),
        value: i32::from_ne_bytes([at(4), at(5), at(6), at(7)]),
    }
}

/// Recognises presses that last. Pure: `at` is the time since any fixed moment.
#[derive(Debug)]
pub struct LongPress {
    hold: Duration,
    key: Option<u16>,
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    code: u16,
    since: Duration,
    fired: bool,
}

impl LongPress {
    /// Watches `key`, or without one touch and the left mouse button, for presses of [`HOLD`].
    pub fn new(key: Option<u16>) -> Self {
        Self::lasting(HOLD, key)
    }

    fn lasting(hold: Duration, key: Option<u16>) -> Self {
        Self { hold, key, held: None }
    }

    /// Takes an event. A second finger or key changes nothing until the first one is let go; when
    /// the kernel has dropped events, a press must begin anew.
    pub fn event(&mut self, event: InputEvent, at: Duration) {
        let InputEvent { kind, code, value } = event;
        match (kind, value) {
            (EV_SYN, _) if code == SYN_DROPPED => self.held = None,
            (EV_KEY, 1) if self.watches(code) && self.held.is_none() => {
                self.held = Some(Held { code, since: at, fired: false });
            }
            (EV_KEY, 0) if self.held.as_ref().is_some_and(|held| held.code == code) => {
                self.held = None;
            }
            _ => {}
        }
    }

    /// When to call [`LongPress::fire`]; none while nothing is held, or it has been told.
    pub fn due(&self) -> Option<Duration> {
        self.held.as_ref().filter(|held| !held.fired).map(|held| held.since + self.hold)
    }

    /// Whether a press has lasted long enough now: true once for each.
    pub fn fire(&mut self, at: Duration) -> bool {
        let fires = self.due().is_some_and(|due| due <= at);
        if let Some(held) = self.held.as_mut().filter(|_| fires) {
            held.fired = true;
        }
        fires
    }

    fn watches(&self, code: u16) -> bool {
        self.key.map_or([BTN_LEFT, BTN_TOUCH].contains(&code), |key| key == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::path::PathBuf;
    use std::sync::mpsc;

    const KEY_F1: u16 = 59;
    const PATIENCE: Duration = Duration::from_secs(20);

    fn key(code: u16, value: i32) -> InputEvent {
        InputEvent { kind: EV_KEY, code, value }
    }

    fn bytes(event: InputEvent) -> Vec<u8> {
        let mut bytes = vec![0xAA; TIME_BYTES];
        bytes.extend(event.kind.to_ne_bytes());
        bytes.extend(event.code.to_ne_bytes());
        bytes.extend(event.value.to_ne_bytes());
        bytes
    }

    /// `ms event` per line, as `down CODE`, `up CODE`, `repeat CODE`, `dropped` or `wait`;
    /// returns the times at which it fired.
    fn script(configured: Option<u16>, script: &str) -> Vec<u128> {
        let mut press = LongPress::new(configured);
        let mut fired = Vec::new();
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split(' ').collect();
            let at = Duration::from_millis(words[0].parse().expect("time"));
            while let Some(due) = press.due().filter(|due| *due <= at) {
                assert!(press.fire(due) && !press.fire(due), "fires once");
                fired.push(due.as_millis());
            }
            let code = words.get(2).map_or(0, |code| code.parse().expect("code"));
            match words[1] {
                "down" => press.event(key(code, 1), at),
                "up" => press.event(key(code, 0), at),
                "repeat" => press.event(key(code, 2), at),
                "dropped" => {
                    press.event(InputEvent { kind: EV_SYN, code: SYN_DROPPED, value: 0 }, at);
                }
                _ => {}
            }
        }
        fired
    }

    #[test]
    fn a_press_that_lasts_is_told_once_while_it_lasts() {
        assert_eq!(script(None, "100 down 330\n 9000 wait\n 9100 up 330"), [3100]);
        assert_eq!(script(None, "100 down 330\n 3099 up 330\n 9000 wait"), []);
        assert_eq!(
            script(None, "0 down 272\n 3000 up 272\n 4000 down 272\n 9000 wait"),
            [3000, 7000]
        );
    }

    #[test]
    fn only_what_is_watched_counts() {
        assert_eq!(script(None, "0 down 59\n 9000 up 59"), []);
        assert_eq!(script(Some(KEY_F1), "0 down 59\n 500 repeat 59\n 9000 up 59"), [3000]);
        assert_eq!(script(Some(KEY_F1), "0 down 273\n 9000 up 273"), []);
    }

    #[test]
    fn other_fingers_and_lost_events_do_not_make_a_press_longer() {
        assert_eq!(script(None, "0 down 330\n 1 down 272\n 2000 up 330\n 9000 wait"), []);
        assert_eq!(script(None, "0 down 330\n 2000 up 272\n 9000 wait"), [3000]);
        assert_eq!(script(None, "0 down 330\n 2000 dropped\n 9000 wait"), []);
    }

    #[test]
    fn events_come_in_any_pieces() {
        assert_eq!(EVENT_BYTES, if size_of::<usize>() == 8 { 24 } else { 16 });
        let events = [key(BTN_TOUCH, 1), key(BTN_TOUCH, 0), key(KEY_F1, -7)];
        let sent: Vec<u8> = events.into_iter().flat_map(bytes).collect();
        for size in [1, 5, EVENT_BYTES, EVENT_BYTES + 1, 1000] {
            let mut stream = Stream::default();
            let heard: Vec<InputEvent> =
                sent.chunks(size).flat_map(|piece| stream.events(piece)).collect();
            assert_eq!(heard, events);
        }
    }

    #[test]
    fn a_device_that_is_away_is_looked_for_less_and_less_often() {
        let mut retry = Retry::default();
        let pauses: Vec<u64> = (0..7).map(|_| retry.next_pause().as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
    }

    /// A named pipe, which stays open for as long as the file lives.
    fn pipe(dir: &tempfile::TempDir) -> (File, PathBuf) {
        let path = dir.path().join("event0");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &path, kind, mode, 0).expect("named pipe");
        let file = OpenOptions::new().read(true).write(true).open(&path).expect("opens");
        (file, path)
    }

    #[test]
    fn a_real_press_is_told_and_a_device_that_comes_back_is_heard_again() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let (tell, told) = mpsc::channel();
        let (mut device, path) = pipe(&dir);
        let hold = Duration::from_millis(200);
        let begin = Instant::now();
        let tell = move || tell.send(()).expect("is listened to");
        start(&path, None, hold, tell).expect("starts");
        device.write_all(&bytes(key(BTN_TOUCH, 1))[..9]).expect("writes");
        device.write_all(&bytes(key(BTN_TOUCH, 1))[9..]).expect("writes");
        assert_eq!(told.recv_timeout(PATIENCE), Ok(()));
        assert!(begin.elapsed() >= hold, "{:?}", begin.elapsed());
        device.write_all(&bytes(key(BTN_TOUCH, 0))).expect("writes");
        std::fs::remove_file(&path).expect("removes");
        drop(device);
        let (mut device, _) = pipe(&dir);
        device.write_all(&bytes(key(BTN_TOUCH, 1))).expect("writes");
        assert_eq!(told.recv_timeout(PATIENCE), Ok(()));
        assert!(told.try_recv().is_err(), "once for each press");
    }
}
