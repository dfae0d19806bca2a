//! Our own till protocol: one JSON object per line, UTF-8, at most 16 KiB, with an optional
//! checksum. `docs/till-protocol.md` explains it to tills' developers.
//!
//! It never panics and never waits: bytes go in, events and answers come out.

mod decode;
mod encode;
mod frame;

use super::TillEvent;
use crate::money::Currency;
use crate::payment::vocabulary::{Problem, Reply};
use frame::{Frame, Framer};

/// Version of the protocol that `hello` names.
pub const PROTOCOL_VERSION: u32 = 1;
/// Longest line, in bytes, its end not counted.
pub const LINE_LEN_MAX: usize = 16 * 1024;
/// Longest beginning and end of a `print` line, in bytes: mostly a reference of 64 characters.
const PRINT_HEAD_LEN_MAX: usize = 64 * 12 + 64;

/// Whether a document of these lines fits into one line of the protocol on any wire.
pub fn is_printable(lines: &[String]) -> bool {
    // What 7 bits cannot say is written as one or two `\uXXXX`; each line has two quotes and a
    // comma.
    let length = |character: char| match character {
        '"' | '\\' => 2,
        ' '..='~' => 1,
        _ => 6 * character.len_utf16(),
    };
    let line = |line: &String| line.chars().map(length).sum::<usize>() + 3;
    lines.iter().map(line).sum::<usize>() + PRINT_HEAD_LEN_MAX <= LINE_LEN_MAX
}

/// What the protocol needs to know of the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Store and terminal, such as `S12-T3`.
    pub terminal: String,
    /// What is taken; the first one is meant when a message names none.
    pub currencies: Vec<Currency>,
    /// Refuse lines without a checksum.
    pub checksum_required: bool,
    /// The line carries 7 bits only.
    pub seven_bit: bool,
    /// It is the terminal's own desk that speaks, not a till: it may decide about refused calls.
    pub desk: bool,
}

/// What comes of received bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// For the daemon.
    Event(TillEvent),
    /// For the till, at once: what needs no decision.
    Answer(Vec<u8>),
}

/// One connection of a till.
#[derive(Debug)]
pub struct Session {
    settings: Settings,
    framer: Framer,
    /// The till checks checksums, so it gets them.
    checksum: bool,
}

impl Session {
    /// A fresh connection.
    pub fn new(settings: Settings) -> Self {
        let checksum = settings.checksum_required;
        Self { settings, framer: Framer::new(), checksum }
    }

    /// Takes in bytes, cut anywhere.
    pub fn receive(&mut self, bytes: &[u8]) -> Vec<Received> {
        let mut received = Vec::new();
        for frame in self.framer.feed(bytes) {
            self.line(frame, &mut received);
        }
        received
    }

    /// A reply as a line, its end included.
    pub fn encode(&self, reply: &Reply) -> Vec<u8> {
        self.seal(encode::reply(reply))
    }

    fn seal(&self, object: String) -> Vec<u8> {
        let object = if self.settings.seven_bit { frame::ascii(&object) } else { object };
        frame::seal(object, self.checksum)
    }

    fn line(&mut self, frame: Frame, received: &mut Vec<Received>) {
        let decoded = self.open(frame).and_then(|line| decode::message(&line, &self.settings));
        match decoded {
            Ok(decode::Message::Request(request)) => {
                received.push(Received::Event(TillEvent::Request(request)));
            }
            Ok(decode::Message::Hello { reference }) => {
                let hello = encode::hello(reference.as_ref(), &self.settings, self.checksum);
                received.push(Received::Answer(self.seal(hello)));
                received.push(Received::Event(TillEvent::Returned));
            }
            Ok(decode::Message::Ping { reference }) => {
                let pong = encode::pong(reference.as_ref());
                received.push(Received::Answer(self.seal(pong)));
            }
            Err((reference, problem)) => {
                tracing::warn!(code = problem.code(), "a message of the till was refused");
                let reply = Reply::Refused { reference, problem };
                received.push(Received::Answer(self.encode(&reply)));
            }
        }
    }

    /// Checks the frame's checksum and text.
    fn open(&mut self, frame: Frame) -> Result<String, decode::Refused> {
        let damaged = |text: &str| Err((None, Problem::DamagedLine(text.to_owned())));
        let line = match frame {
            Frame::Line(line) => line,
            Frame::TooLong => {
                let text = format!("line is longer than {LINE_LEN_MAX} bytes; it was skipped");
                return Err((None, Problem::BadMessage(text)));
            }
        };
        let (body, checksum) = frame::split_checksum(&line);
        match checksum {
            Some(sent) if sent != frame::checksum(body) => {
                return damaged("checksum is wrong; send the line again");
            }
            Some(_) => self.checksum = true,
            None if self.settings.checksum_required => {
                return damaged("checksum is missing; end the line with *CRC16");
            }
            None => {}
        }
        match std::str::from_utf8(body) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err((None, Problem::BadMessage("line is not UTF-8".to_owned()))),
        }
    }
}
