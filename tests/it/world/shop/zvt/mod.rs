//! A till that speaks ZVT in the simulated shop: the real session is the terminal's side, between
//! the engine and a wire that damages, loses and repeats.
//!
//! Everything here has a time of its own; the shop asks when something is due, and is told what the
//! session wants of the engine. Nothing is drawn from the shop's source of chance once it is open.

mod acts;
mod book;
mod habits;
mod judge;
mod link;
mod lost;
mod shop;
mod till;
mod watch;
mod wire;

pub use judge::judge;
pub use shop::close;

use super::Millis;
use super::canary::Canary;
use super::faults::SECOND;
use super::random::Random;
use klarna_terminald::clock::{Mono, Zone};
use klarna_terminald::i18n::Lang;
use klarna_terminald::money::Currency;
use klarna_terminald::payment::vocabulary::{Reply, Status};
use klarna_terminald::pos::TillEvent;
use klarna_terminald::pos::zvt::bcd::TerminalId;
use klarna_terminald::pos::zvt::session::{Line, Profile, Session, Settings};
use klarna_terminald::receipt::{self, Head};
use std::collections::BTreeMap;
use till::Till;
use uuid::Uuid;
use watch::Watch;
use wire::{Side, Wire};

/// After a cut a till may wait this long until it sees that its connection is gone.
const BLIND_MAX: Millis = 8 * SECOND;
/// Between session and engine, in milliseconds; they run beside each other.
const CHANNEL_MAX: Millis = 3;

/// What is on its way.
enum Flight {
    /// Over the wire, since that many cuts.
    Bytes {
        to: Side,
        epoch: u32,
        bytes: Vec<u8>,
    },
    /// The session asks the engine, the engine answers; of that run of the terminal.
    Event(u32, TillEvent),
    Reply(u32, Reply),
    /// A cable is plugged in again.
    Plugged,
    /// The terminal sees a new connection, or the end of one.
    Accepted(u32),
    Closed(u32),
    /// The till sees the end of its connection.
    Noticed(u32),
}

/// The counter: till, wire, and the terminal's side of both.
pub struct Counter {
    pub till: Till,
    wire: Wire,
    session: Option<Session>,
    /// What the terminal keeps over a restart.
    pub registered: Vec<u8>,
    /// Runs of the terminal so far.
    runs: u32,
    flights: BTreeMap<(Millis, u64), Flight>,
    count: u64,
    /// Until when everything that was due has happened.
    advanced: Millis,
    last_event: Millis,
    last_reply: Millis,
    /// The connection that the terminal serves.
    served: Option<u32>,
    random: Random,
    pub watch: Watch,
    canary: Option<Canary>,
}

impl Counter {
    pub fn new(line: Line, sales: usize, mut random: Random, canary: Option<Canary>) -> Self {
        let wire = Wire::new(line, &mut random);
        let till = Till::new(line, sales, Random::new(random.between(0, u64::MAX - 1)));
        Self {
            till,
            wire,
            session: None,
            registered: Vec::new(),
            runs: 0,
            flights: BTreeMap::new(),
            count: 0,
            advanced: 0,
            last_event: 0,
            last_reply: 0,
            served: None,
            random,
            watch: Watch::new(line),
            canary,
        }
    }

    pub fn faults_met(&self) -> u64 {
        self.wire.met
    }

    fn after(&mut self, at: Millis, flight: Flight) {
        self.count += 1;
        self.flights.insert((at, self.count), flight);
    }

    // -- the terminal comes and goes -------------------------------------------------------------

    pub fn starts(&mut self, t: Millis, mono: Mono) {
        self.runs += 1;
        self.watch.starts();
        let settings = Settings {
            terminal: TerminalId::new(12_345_678).expect("eight digits"),
            currency: Currency::new("EUR").expect("a currency"),
            password: None,
            card_type: 120,
            profile: Profile::Standard,
            merchant: "Shop".to_owned(),
            zone: Zone::UTC,
        };
        let seed = Uuid::from_u128(u128::from(self.random.between(0, u64::MAX - 1)));
        let mut session = Session::new(settings, self.wire.line, seed);
        session.remember(&self.registered);
        if self.wire.line == Line::Serial && (self.wire.whole || !self.wire.is_seen) {
            let events = session.up(mono);
            self.said(t, events);
        }
        self.session = Some(session);
    }

    pub fn dies(&mut self, t: Millis) {
        self.session = None;
        self.runs += 1;
        if self.wire.line == Line::Tcp {
            self.cut_connection(t);
        }
    }

    // -- the wire --------------------------------------------------------------------------------

    fn cut(&mut self, t: Millis, mono: Mono) {
        if self.wire.line == Line::Tcp {
            return self.cut_connection(t);
        }
        self.wire.cut();
        self.watch.note(t, "the cable is pulled");
        if self.wire.is_seen
            && let Some(session) = &mut self.session
        {
            let events = session.down(mono);
            self.said(t, events);
        }
        let wait = Wire::cut_time(&mut self.random);
        self.after(t + wait, Flight::Plugged);
    }

    fn cut_connection(&mut self, t: Millis) {
        if !self.wire.whole {
            return;
        }
        let epoch = self.wire.epoch;
        self.wire.cut();
        self.watch.note(t, "the connection is cut");
        let wait = self.random.between(0, BLIND_MAX);
        self.after(t + wait, Flight::Noticed(epoch));
        if self.random.chance(500) {
            let wait = self.random.between(0, BLIND_MAX);
            self.after(t + wait, Flight::Closed(epoch));
        }
    }

    fn connect(&mut self, t: Millis) {
        self.wire.epoch += 1;
        self.wire.whole = true;
        let at = self.wire.order(Side::Terminal, t + 2);
        self.after(at, Flight::Accepted(self.wire.epoch));
        self.till.is_connected(t);
        self.watch.note(t, "the till connects");
    }

    /// What the till has sent before it hangs up still arrives.
    fn hang_up(&mut self, t: Millis) {
        self.send_of_till(t);
        let epoch = self.wire.epoch;
        let at = self.wire.order(Side::Terminal, t + 2);
        self.after(at, Flight::Closed(epoch));
        self.till.lost(t);
        self.wire.whole = false;
        self.watch.note(t, "the till hangs up");
    }

    fn carry(&mut self, t: Millis, to: Side, bytes: Vec<u8>) {
        self.watch.sent(t, to, &bytes);
        let pieces = self.wire.carry(t, to, bytes, &mut self.random);
        let epoch = self.wire.epoch;
        for (at, bytes) in pieces {
            self.after(at, Flight::Bytes { to, epoch, bytes });
        }
    }

    fn send_of_till(&mut self, t: Millis) {
        while let Some(bytes) = self.till.link.writes.pop_front() {
            self.carry(t, Side::Terminal, bytes);
        }
    }

    // -- time ------------------------------------------------------------------------------------

    /// When something happens at the counter; `at` is true time of a point on the terminal's clock.
    /// A session whose time is over, and that has nothing to do, gets its turn each millisecond.
    pub fn due(&self, at: impl Fn(Mono) -> Millis) -> Option<Millis> {
        let flight = self.flights.keys().next().map(|(at, _)| *at);
        let session = self.session.as_ref().and_then(Session::poll_timeout).map(at);
        let session = session.map(|due| due.max(self.advanced + 1));
        [flight, session, self.till.due()].into_iter().flatten().min()
    }

    /// Lets things happen until `t`; what the session wants of the engine. `lull` is how long the
    /// till waits before it begins something while little can be done.
    pub fn advance(&mut self, t: Millis, mono: Mono, lull: Option<Millis>) -> Vec<TillEvent> {
        let mut events = Vec::new();
        self.advanced = t;
        while self.flights.keys().next().is_some_and(|(at, _)| *at <= t) {
            let (_, flight) = self.flights.pop_first().expect("it is there");
            events.extend(self.arrives(t, mono, flight));
        }
        let due = self.session.as_ref().and_then(Session::poll_timeout);
        if let Some(session) = self.session.as_mut().filter(|_| due.is_some_and(|due| due <= mono))
        {
            let said = session.tick(mono);
            self.said(t, said);
        }
        self.till.tick(t, lull);
        self.send_of_till(t);
        self.send_of_session(t, mono);
        if self.till.hangs_up_now() {
            self.hang_up(t);
        }
        if self.till.wants_connection && self.session.is_some() {
            self.connect(t);
        }
        let cut = self.wire.faults.cut;
        let busy = self.wire.whole && self.flights.values().any(is_bytes);
        if busy && self.wire.strikes(&mut self.random, cut / 4) {
            self.cut(t, mono);
        }
        self.watch.wrongs.append(&mut self.till.wrongs);
        events
    }

    fn send_of_session(&mut self, t: Millis, mono: Mono) {
        while let Some(bytes) = self.session.as_mut().and_then(|s| s.poll_write(mono)) {
            if self.wire.line == Line::Serial || self.served == Some(self.wire.epoch) {
                self.carry(t, Side::Till, bytes);
            }
        }
    }

    fn arrives(&mut self, t: Millis, mono: Mono, flight: Flight) -> Option<TillEvent> {
        match flight {
            Flight::Bytes { to, epoch, bytes } => self.bytes(t, mono, to, epoch, &bytes),
            Flight::Event(run, event) => return (run == self.runs).then_some(event),
            Flight::Reply(run, reply) => {
                if run == self.runs
                    && let Some(session) = &mut self.session
                {
                    let events = session.reply(mono, &reply);
                    self.said(t, events);
                }
            }
            Flight::Plugged => {
                self.wire.whole = true;
                self.watch.note(t, "the cable is plugged in");
                if self.wire.is_seen
                    && let Some(session) = &mut self.session
                {
                    let events = session.up(mono);
                    self.said(t, events);
                }
            }
            Flight::Accepted(epoch) => {
                if let Some(session) = self.session.as_mut().filter(|_| epoch == self.wire.epoch) {
                    self.served = Some(epoch);
                    self.watch.restart();
                    let events = session.up(mono);
                    self.said(t, events);
                }
            }
            Flight::Closed(epoch) => {
                if self.served == Some(epoch) {
                    self.served = None;
                    if let Some(session) = &mut self.session {
                        let events = session.down(mono);
                        self.said(t, events);
                    }
                }
            }
            Flight::Noticed(epoch) => {
                if !self.wire.whole && epoch + 1 == self.wire.epoch {
                    self.till.lost(t);
                }
            }
        }
        None
    }

    fn bytes(&mut self, t: Millis, mono: Mono, to: Side, epoch: u32, bytes: &[u8]) {
        // Of a connection that was hung up, what was sent before still arrives.
        let lost = epoch != self.wire.epoch;
        match to {
            Side::Till if !lost && self.wire.whole => self.till.receive(t, bytes),
            Side::Terminal if !lost => {
                let Some(session) = &mut self.session else { return };
                if self.wire.line == Line::Tcp && self.served != Some(epoch) {
                    return;
                }
                let repeated = self.watch.arrives(t, bytes);
                let events = match (self.canary, repeated) {
                    // As if the till had said something in between.
                    (Some(Canary::SellsTwice), true) => {
                        let between = klarna_terminald::pos::zvt::frame::encode(&[0x80, 0, 0]);
                        let mut events = session.receive(mono, &between);
                        events.extend(session.receive(mono, bytes));
                        events
                    }
                    _ => session.receive(mono, bytes),
                };
                self.said(t, events);
            }
            Side::Till | Side::Terminal => {}
        }
    }

    // -- between session and engine --------------------------------------------------------------

    fn said(&mut self, t: Millis, events: Vec<TillEvent>) {
        for event in events {
            let event = self.watch.asked(t, event, &mut self.till.book, self.canary);
            let at = self.last_event.max(t + self.random.between(0, CHANNEL_MAX));
            self.last_event = at;
            self.after(at, Flight::Event(self.runs, event));
        }
    }

    /// What the engine says, on its way to the session.
    pub fn tell(&mut self, t: Millis, mut reply: Reply) {
        if let Reply::Result(result) | Reply::Status { status: Status::Done(result, _), .. } =
            &mut reply
        {
            let head = Head::new("Shop", "T1", Zone::UTC);
            result.receipt = receipt::lines(result, &head, Lang::En);
        }
        let reply = self.watch.answered(reply, self.canary);
        let at = self.last_reply.max(t + self.random.between(0, CHANNEL_MAX));
        self.last_reply = at;
        self.after(at, Flight::Reply(self.runs, reply));
    }

    // -- the end of a run ------------------------------------------------------------------------

    /// From here on nothing is damaged any more.
    pub fn heal(&mut self) {
        self.wire.faults = wire::Faults::default();
    }

    /// Nothing is on its way.
    pub fn is_quiet(&self) -> bool {
        self.flights.is_empty() && self.till.is_settled()
    }

    /// How much the session holds, in characters of its description.
    pub fn session_len(&self) -> usize {
        self.session.as_ref().map_or(0, |session| format!("{session:?}").len())
    }
}

fn is_bytes(flight: &Flight) -> bool {
    matches!(flight, Flight::Bytes { .. })
}
