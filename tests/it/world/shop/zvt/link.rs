//! The till's half of the wire: frames, acknowledgements and repetitions of a serial line, or APDUs
//! of a TCP connection. It is its own code; only the bytes' format is shared with the terminal.

use super::super::Millis;
use klarna_terminald::pos::zvt::frame::{self, Deframer};
use klarna_terminald::pos::zvt::session::Line;
use klarna_terminald::pos::zvt::stream::{self, Splitter};
use std::collections::VecDeque;

/// Between two characters of a frame.
const T1: Millis = 200;
/// From a frame to its acknowledgement.
const T2: Millis = 5000;
/// How often a frame is sent, the first time included.
const SENDS_MAX: u32 = 3;
/// For how long the same frame again may be a repetition.
const REPEAT_WINDOW: Millis = 6000;

/// What the till's application hears of its wire.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    Apdu(Vec<u8>),
    /// What the till has sent has arrived, as far as it can see.
    Delivered,
    Undelivered,
}

pub struct Link {
    line: Line,
    /// Answers damage with NAK; some tills say nothing.
    pub naks: bool,
    deframer: Deframer,
    splitter: Splitter,
    last_byte: Millis,
    accepted: Option<Accepted>,
    waiting: VecDeque<Vec<u8>>,
    sending: Option<Sending>,
    /// To be written now, each by itself.
    pub writes: VecDeque<Vec<u8>>,
}

struct Sending {
    apdu: Vec<u8>,
    sends: u32,
    due: Millis,
}

struct Accepted {
    apdu: Vec<u8>,
    at: Millis,
    /// A frame of ours was acknowledged since.
    answered: bool,
}

impl Link {
    pub fn new(line: Line, naks: bool) -> Self {
        Self {
            line,
            naks,
            deframer: Deframer::new(),
            splitter: Splitter::new(),
            last_byte: 0,
            accepted: None,
            waiting: VecDeque::new(),
            sending: None,
            writes: VecDeque::new(),
        }
    }

    /// A new connection: nothing is left of the old one.
    pub fn reset(&mut self) {
        *self = Self::new(self.line, self.naks);
    }

    pub fn is_idle(&self) -> bool {
        self.sending.is_none() && self.waiting.is_empty()
    }

    pub fn send(&mut self, t: Millis, apdu: Vec<u8>) {
        match self.line {
            Line::Tcp => self.writes.push_back(apdu),
            Line::Serial => {
                self.waiting.push_back(apdu);
                self.begin(t);
            }
        }
    }

    fn begin(&mut self, t: Millis) {
        if self.sending.is_some() || self.deframer.in_frame() {
            return;
        }
        let Some(apdu) = self.waiting.pop_front() else { return };
        self.writes.push_back(frame::encode(&apdu));
        self.sending = Some(Sending { apdu, sends: 1, due: t + T2 });
    }

    pub fn receive(&mut self, t: Millis, bytes: &[u8]) -> Vec<Heard> {
        if self.line == Line::Tcp {
            let apdu = |received| match received {
                stream::Received::Apdu(apdu) => Some(Heard::Apdu(apdu)),
                stream::Received::TooLong(_) => None,
            };
            return self.splitter.feed(bytes).into_iter().filter_map(apdu).collect();
        }
        self.abandon_torn(t);
        if self.last_byte + T1 <= t {
            self.deframer.rest();
        }
        self.last_byte = t;
        let mut heard = Vec::new();
        for received in self.deframer.feed(bytes) {
            match received {
                frame::Received::Apdu(apdu) => self.accept(t, apdu, &mut heard),
                frame::Received::BadCrc | frame::Received::TooLong => self.complain(),
                frame::Received::Ack => self.acknowledged(&mut heard),
                frame::Received::Nak => {
                    if let Some(sending) = &mut self.sending {
                        sending.due = t + 50;
                    }
                }
                frame::Received::Noise(_) => {}
            }
        }
        self.begin(t);
        heard
    }

    fn accept(&mut self, t: Millis, apdu: Vec<u8>, heard: &mut Vec<Heard>) {
        self.writes.push_back(vec![frame::ACK]);
        let is_answer = |apdu: &[u8]| matches!(apdu.first(), Some(0x80 | 0x84));
        // Whoever answers has heard the question; whoever goes on has heard the answer.
        let sending = self.sending.as_ref();
        let implied = sending.is_some_and(|s| is_answer(&apdu) != is_answer(&s.apdu));
        let awaited = implied && is_answer(&apdu);
        if let Some(accepted) = self.accepted.as_mut().filter(|_| !awaited) {
            let same = accepted.apdu == apdu && t - accepted.at <= REPEAT_WINDOW;
            if same && !accepted.answered {
                accepted.at = t;
                return;
            }
        }
        self.accepted = Some(Accepted { apdu: apdu.clone(), at: t, answered: false });
        if implied {
            self.sending = None;
            heard.push(Heard::Delivered);
        }
        heard.push(Heard::Apdu(apdu));
    }

    fn acknowledged(&mut self, heard: &mut Vec<Heard>) {
        if self.sending.take().is_none() {
            return;
        }
        if let Some(accepted) = &mut self.accepted {
            accepted.answered = true;
        }
        heard.push(Heard::Delivered);
    }

    fn complain(&mut self) {
        if self.naks {
            self.writes.push_back(vec![frame::NAK]);
        }
    }

    fn abandon_torn(&mut self, t: Millis) {
        if self.deframer.in_frame() && self.last_byte + T1 <= t {
            self.deframer.abandon();
            self.complain();
        }
    }

    pub fn due(&self) -> Option<Millis> {
        let torn = self.deframer.in_frame().then_some(self.last_byte + T1);
        let again = self.sending.as_ref().map(|sending| sending.due);
        torn.into_iter().chain(again).min()
    }

    pub fn tick(&mut self, t: Millis) -> Vec<Heard> {
        self.abandon_torn(t);
        let mut heard = Vec::new();
        if let Some(sending) = self.sending.as_mut().filter(|sending| sending.due <= t) {
            if sending.sends < SENDS_MAX {
                (sending.sends, sending.due) = (sending.sends + 1, t + T2);
                self.writes.push_back(frame::encode(&sending.apdu));
            } else {
                self.sending = None;
                heard.push(Heard::Undelivered);
            }
        }
        self.begin(t);
        heard
    }
}
