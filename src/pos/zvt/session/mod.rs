//! The terminal's half of every ZVT dialogue (PA00P015 ch. 2): which command is answered by what,
//! and when a result counts as told.
//!
//! Pure: time is an argument, the till's bytes go in, events for the daemon come out. No money rule
//! is here. What the till has acknowledged, refused or ignored is told to the core, and the till
//! hears what the core then says.

mod administration;
mod answer;
mod blocks;
mod commands;
mod memory;
mod outgoing;
mod pace;
mod running;
mod sale;
mod settings;
mod settling;
mod text;

use super::apdu::Apdu;
use super::charset::Charset;
use super::code::Code;
use super::message::{Answer, Command, RegistrationConfig};
use super::transport::Event;
use crate::clock::Mono;
use crate::id::PosReference;
use crate::money::Amount;
use crate::payment::vocabulary::{Operation, Reply, Request, SaleName};
use crate::pos::TillEvent;
use memory::Earlier;
use outgoing::Outgoing;
use pace::Pace;
pub use pace::Rate;
use running::{Named, Running, Sums, Wanted};
use settings::Registration;
pub use settings::{Line, Profile, Settings};
use std::time::Duration;
use uuid::Uuid;

/// How the references of the till's sales begin: the session makes them, ZVT has none.
pub const REFERENCE_PREFIX: &str = "zvt-";

/// Between two intermediate states while the till waits; it may give up after 180 s without one
/// (T4), and some tills begin to ask after 30 s.
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(8);
/// A till that hears no intermediate states gives up after 180 s (T4); the shopper has less.
const SILENT_SALE_MAX: Duration = Duration::from_secs(150);
/// What then is still not decided ends so long after that, and is given back.
const SILENT_END: Duration = Duration::from_secs(20);
/// A command must be answered within 5 s (T3); what is open is resolved before that or not at all.
const OPENING_MAX: Duration = Duration::from_millis(3500);
/// Between two attempts at something that the core has refused for now.
const ASK_AGAIN: Duration = Duration::from_millis(500);
/// Between two attempts to record what the till has already said.
const RECORD_AGAIN: Duration = Duration::from_secs(1);
/// How long a reversal or refund may take until the till hears that it is queued.
const QUEUED_AFTER: Duration = Duration::from_secs(20);
/// How long the core may take for anything else.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// A serial line that comes back within this goes on where it was.
const LOST_MAX: Duration = Duration::from_secs(10);
/// After an abort some tills acknowledge our acknowledgement: that must not meet a result.
const ABORT_DRAIN: Duration = Duration::from_millis(250);

/// One till, over all its connections.
#[derive(Debug)]
pub struct Session {
    settings: Settings,
    line: Line,
    registration: Registration,
    /// What the till has said for it.
    registered: Vec<u8>,
    /// The command that is being carried out, without a password.
    said: Vec<u8>,
    /// The last ones about earlier payments or the shift, the newest at the end.
    earlier: Vec<Earlier>,
    /// Of the last sale only this was handed over.
    delivered: Option<(PosReference, Amount)>,
    out: Outgoing,
    running: Option<Running>,
    keep_alive_at: Option<Mono>,
    pace: Pace,
    /// Since when the link is down.
    lost_at: Option<Mono>,
    /// The sale whose acknowledgement was passed on last: never to be given back as unknown.
    acknowledged: Option<PosReference>,
    /// The same, as long as the core has not recorded it: it may still be given back.
    unrecorded: Option<(PosReference, Request)>,
    /// The sale that was given back last, so that its approval is not told meanwhile.
    given_back: Option<PosReference>,
    /// The sale that was in the way of another one, and may still be.
    unresolved: Option<PosReference>,
    /// The till's last APDU, and when it came.
    heard: Option<(Mono, Vec<u8>)>,
    names: Names,
    events: Vec<TillEvent>,
}

/// Makes references; the same seed makes the same ones.
#[derive(Debug)]
struct Names {
    seed: Uuid,
    count: u64,
}

impl Names {
    fn next(&mut self) -> PosReference {
        self.count += 1;
        let name = Uuid::new_v5(&self.seed, &self.count.to_be_bytes());
        PosReference::new(format!("{REFERENCE_PREFIX}{}", name.simple()))
            .expect("prefix and hexadecimal digits are a reference")
    }
}

impl Session {
    /// A till that has not registered yet. `seed` is another one at each start: references are made
    /// from it.
    pub fn new(settings: Settings, line: Line, seed: Uuid) -> Self {
        Self {
            settings,
            line,
            registration: Registration::none(),
            registered: vec![RegistrationConfig::LOGGED_OFF.0],
            said: Vec::new(),
            earlier: Vec::new(),
            delivered: None,
            out: Outgoing::new(line),
            running: None,
            keep_alive_at: None,
            pace: Pace::default(),
            lost_at: None,
            acknowledged: None,
            unrecorded: None,
            given_back: None,
            unresolved: None,
            heard: None,
            names: Names { seed, count: 0 },
            events: Vec::new(),
        }
    }

    /// The link is there (again). A serial line goes on where it was; over TCP whoever connects
    /// begins anew, but stays registered.
    pub fn up(&mut self, now: Mono) -> Vec<TillEvent> {
        match self.line {
            Line::Tcp => {
                self.end_dialogue();
                self.out = Outgoing::new(self.line);
            }
            Line::Serial => self.out.reconnect(now, self.line.transport()),
        }
        self.lost_at = None;
        self.events.push(TillEvent::Returned);
        self.drain(now)
    }

    /// The link is down. Over TCP the till has lost the dialogue, and what it was not told is not
    /// kept (PA00P015 §2.2.8).
    pub fn down(&mut self, now: Mono) -> Vec<TillEvent> {
        self.events.push(TillEvent::Lost);
        match self.line {
            Line::Tcp => self.end_dialogue(),
            Line::Serial => self.lost_at = self.lost_at.or(Some(now)),
        }
        self.drain(now)
    }

    /// Takes in bytes, cut anywhere.
    pub fn receive(&mut self, now: Mono, bytes: &[u8]) -> Vec<TillEvent> {
        let received = self.out.transport.receive(now, bytes);
        if !bytes.is_empty() {
            self.pace.heard(now, !received.is_empty());
        }
        self.transported(now, received);
        self.drain(now)
    }

    /// Takes in what the core says; it may make the session ask for more.
    pub fn reply(&mut self, now: Mono, reply: &Reply) -> Vec<TillEvent> {
        self.replied(now, reply);
        self.drain(now)
    }

    /// The next bytes that are due, to be written at once and by themselves.
    pub fn poll_write(&mut self, now: Mono) -> Option<Vec<u8>> {
        if self.lost_at.is_some() {
            return None;
        }
        self.out.poll_write(now)
    }

    /// The rate that a serial line is to be set to now.
    pub fn poll_rate(&mut self, now: Mono) -> Option<Rate> {
        self.pace.poll(now)
    }

    /// Whether a command of the till is being carried out, so that another till has to wait.
    pub fn is_busy(&self) -> bool {
        self.running.is_some()
    }

    /// When [`Self::tick`] or [`Self::poll_write`] has something to do, though nothing comes in.
    pub fn poll_timeout(&self) -> Option<Mono> {
        let lost = self.lost_at.map(|at| at.after(LOST_MAX)).filter(|_| self.running.is_some());
        let running = self.running.as_ref().and_then(Running::due);
        let waits = self.running.as_ref().is_some_and(Running::waits);
        let keep_alive = self.keep_alive_at.filter(|_| waits && self.wants_progress());
        let out = self.out.poll_timeout().filter(|_| self.lost_at.is_none());
        [lost, running, keep_alive, out, self.pace.poll_timeout()].into_iter().flatten().min()
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Mono) -> Vec<TillEvent> {
        let passed = self.out.transport.tick(now);
        self.transported(now, passed);
        if let Some(unanswered) = self.out.unanswered(now) {
            self.not_taken(now, unanswered);
        }
        let lost = self.lost_at.is_some_and(|at| at.after(LOST_MAX) <= now);
        if lost && self.running.is_some() {
            self.end_dialogue();
        }
        self.time_passed(now);
        self.drain(now)
    }

    /// Sends what may be sent, and hands over what was decided.
    fn drain(&mut self, now: Mono) -> Vec<TillEvent> {
        self.keep_alive(now);
        self.out.advance(now);
        std::mem::take(&mut self.events)
    }

    fn transported(&mut self, now: Mono, events: Vec<Event>) {
        for event in events {
            match event {
                Event::Delivered | Event::Undelivered => self.out.delivered(now),
                Event::RepeatedAnswer => self.out.maybe_answered(),
                Event::Apdu(bytes) => self.heard(now, &bytes),
            }
            self.out.advance(now);
        }
    }

    fn heard(&mut self, now: Mono, bytes: &[u8]) {
        let apdu = match Apdu::parse(bytes) {
            Ok(apdu) => apdu,
            // Classes 80 and 84 are never answered.
            Err(_) if bytes.first().is_none_or(|class| class & 0xFB == 0x80) => return,
            Err(_) => return self.answer(now, &Answer::Refused(Code::PROTOCOL_ERROR)),
        };
        if self.is_asked_again(now, bytes) {
            return;
        }
        match Command::parse(&apdu) {
            Ok(Command::Acknowledged) => {
                if let Some(block) = self.out.acknowledged() {
                    self.taken(now, block);
                }
            }
            Ok(Command::Refused(refusal)) => {
                if let Some(block) = self.out.refused(now, refusal.code) {
                    match refusal.amount.filter(|_| refusal.code == Code::PARTIAL_ISSUE) {
                        Some(delivered) => self.partly_taken(now, block, delivered),
                        None => self.not_taken(now, block),
                    }
                }
            }
            Ok(Command::Stray(_)) => {}
            Ok(command) => {
                let before = self.registration.clone();
                self.said = memory::nameless(&apdu);
                self.command(now, &command);
                if self.registration != before {
                    self.keep_registration(&command, apdu.data);
                }
            }
            Err(error) => self.answer(now, &Answer::Refused(error.code())),
        }
    }

    /// An acknowledgement or refusal of a command: at once, before any block.
    fn answer(&mut self, now: Mono, answer: &Answer) {
        if let Ok(apdu) = answer.encode(self.charset()) {
            self.out.answer(now, apdu);
        }
    }

    fn ask(&mut self, request: Request) {
        self.events.push(TillEvent::Request(request));
    }

    /// Has the whole sale released; the command's reference.
    fn give_back(&mut self, sale: PosReference) -> PosReference {
        let reference = self.names.next();
        self.given_back = Some(sale.clone());
        let sale = SaleName::Till(sale);
        self.ask(Request::Void(Operation {
            reference: reference.clone(),
            sale,
            amount: None,
            why: None,
        }));
        reference
    }

    fn wants_progress(&self) -> bool {
        match self.settings.profile {
            Profile::Minimal => false,
            Profile::CardComplete => true,
            Profile::Standard | Profile::Rich => {
                self.registration.config.wants_intermediate_status()
            }
        }
    }

    /// The code page of texts: the one that the till has asked for.
    fn charset(&self) -> Charset {
        let usual = match self.settings.profile {
            Profile::CardComplete => Charset::Latin1,
            Profile::Standard | Profile::Minimal | Profile::Rich => Charset::Cp437,
        };
        self.registration.abilities.charset.unwrap_or(usual)
    }
}

#[cfg(test)]
mod tests;
