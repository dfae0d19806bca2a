//! A till's protocol on its wire, and the record of what goes over it.

use super::link::Link;
use crate::clock::SystemClock;
use crate::pos::zvt::message::Command;
use crate::pos::zvt::till::{Event, Till};
use crate::pos::zvt::trace::{Recorder, Side};
use anyhow::{Context as _, ensure};
use std::collections::VecDeque;
use std::io::Write;
use std::time::Duration;
use tokio::time::sleep_until;

/// How long the last acknowledgement may take to go out once a command has ended.
const FLUSH_MAX: Duration = Duration::from_secs(2);
/// One connection to a terminal.
pub(in crate::cli) struct Connection {
    till: Till,
    link: Link,
    clock: SystemClock,
    /// Both directions are written here as they go over the wire.
    record: Option<(Recorder, Box<dyn Write + Send>)>,
    events: VecDeque<Event>,
    is_gone: bool,
}

impl Connection {
    /// Nothing is said yet.
    pub(in crate::cli) fn new(till: Till, link: Link) -> Self {
        let clock = SystemClock::start();
        Self { till, link, clock, record: None, events: VecDeque::new(), is_gone: false }
    }

    /// Forgets what was said, on the same wire.
    #[cfg(feature = "simulator")]
    pub(in crate::cli) fn begin_anew(&mut self, till: Till) {
        self.till = till;
        self.events.clear();
    }

    /// Writes the dialogue down from here on.
    pub(in crate::cli) fn record(&mut self, recorder: Recorder, out: Box<dyn Write + Send>) {
        self.record = Some((recorder, out));
    }

    /// The wire is gone; the next command needs a new connection.
    pub(super) fn is_gone(&mut self) -> bool {
        while !self.is_gone {
            match self.link.heard_already() {
                Ok(Some(bytes)) => self.heard(&bytes),
                Ok(None) => break,
                Err(_) => self.lost(),
            }
        }
        self.is_gone
    }

    /// Sends a command; [`Self::next`] says what becomes of it.
    pub(in crate::cli) fn begin(&mut self, command: &Command<'_>) -> anyhow::Result<()> {
        ensure!(!self.is_gone, "the connection to the terminal is lost; nothing was sent");
        ensure!(!self.till.is_busy(), "the terminal is still carrying out a command");
        self.till.send(self.clock.now().mono, command).context("the command cannot be written")
    }

    /// Sends `06 B0` about the running command, if there is one.
    pub(in crate::cli) fn abort(&mut self) {
        self.till.abort(self.clock.now().mono);
    }

    /// What happens next; for ever nothing while no command is running. Cancel-safe.
    pub(in crate::cli) async fn next(&mut self) -> Event {
        let mut flushed_by = None;
        loop {
            self.write();
            self.events.extend(std::iter::from_fn(|| self.till.poll_event()));
            let now = self.clock.now().mono;
            let flush_until = *flushed_by.get_or_insert(now.after(FLUSH_MAX));
            let ended = matches!(self.events.front(), Some(Event::Ended(_)));
            let waits = ended && !self.till.is_flushed() && !self.is_gone && now < flush_until;
            if !waits {
                if let Some(event) = self.events.pop_front() {
                    return event;
                }
                flushed_by = None;
            }
            let due = self.till.poll_timeout();
            let due =
                if waits { Some(due.map_or(flush_until, |due| due.min(flush_until))) } else { due };
            let (is_gone, wake) = (self.is_gone, self.clock.instant(due.unwrap_or(now)).into());
            tokio::select! {
                heard = self.link.heard(), if !is_gone => match heard {
                    Some(bytes) => self.heard(&bytes),
                    None => self.lost(),
                },
                () = sleep_until(wake), if due.is_some() => {
                    self.till.tick(self.clock.now().mono);
                }
                else => std::future::pending().await,
            }
        }
    }

    fn write(&mut self) {
        let now = self.clock.now().mono;
        while let Some(bytes) = self.till.poll_write(now) {
            self.note(Side::Till, &bytes);
            if !self.is_gone && self.link.say(&bytes).is_err() {
                self.lost();
            }
        }
    }

    fn heard(&mut self, bytes: &[u8]) {
        self.note(Side::Terminal, bytes);
        self.till.receive(self.clock.now().mono, bytes);
    }

    fn note(&mut self, side: Side, bytes: &[u8]) {
        let now = self.clock.now().mono;
        if let Some((recorder, out)) = &mut self.record {
            let text = recorder.heard(now, side, bytes);
            // A record that cannot be written must not end a payment.
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        }
    }

    fn lost(&mut self) {
        self.is_gone = true;
        self.till.lost();
    }
}
