//! A terminal without sockets, threads and clocks: the real session between the till's bytes and
//! the real core, in the world of the core's own scenarios. Time is virtual, and nothing is random.

use super::mishap::Mishap;
use super::script::{Action, Script};
use super::tape::{Heard, Log, Tape, hex};
use crate::scenario::disk::Disk;
use crate::scenario::script::Player;
use crate::scenario::world::installation;
use klarna_terminald::clock::{Mono, Zone};
use klarna_terminald::i18n::Lang;
use klarna_terminald::id::PaymentId;
use klarna_terminald::money::Currency;
use klarna_terminald::payment::vocabulary::{Reply, SaleResult, Status};
use klarna_terminald::payment::{Engine, Input};
use klarna_terminald::pos::TillEvent;
use klarna_terminald::pos::zvt::bcd::{Password, TerminalId};
use klarna_terminald::pos::zvt::frame;
use klarna_terminald::pos::zvt::session::{Line, Rate, Session, Settings};
use klarna_terminald::pos::zvt::trace::Side;
use klarna_terminald::receipt;
use std::collections::VecDeque;
use std::time::Duration;
use uuid::Uuid;

/// What each line of a script takes.
const STEP: Duration = Duration::from_millis(100);
/// From a frame to the byte by which the till acknowledges it.
const ACK_AFTER: Duration = Duration::from_millis(10);
/// From a block to the answer of a till that answers everything.
const ANSWER_AFTER: Duration = Duration::from_millis(50);
/// More than this happens in no moment.
pub(super) const ROUNDS_MAX: usize = 1000;

pub struct Stage {
    pub(super) player: Player,
    settings: Settings,
    line: Line,
    /// None while the terminal is off.
    pub(super) session: Option<Session>,
    starts: u128,
    /// What is kept over a restart.
    kept: Vec<u8>,
    connected: bool,
    pub(super) tape: Tape,
    /// What the till will do, in order of time.
    due: VecDeque<(Mono, Due)>,
    /// How the till's side of a serial line answers the next blocks, if not with ACK.
    next: VecDeque<Option<u8>>,
    /// The till answers every block with this.
    always: Option<Vec<u8>>,
    last_frame: Vec<u8>,
    /// What happens after how many messages.
    pub(super) fuse: Option<(usize, Mishap)>,
    /// What the session has said and the core has not heard.
    pub(super) events: VecDeque<TillEvent>,
    pub(super) has_failed: bool,
}

enum Due {
    Byte(u8),
    Apdu(Vec<u8>),
}

impl Stage {
    /// Plays a script over a line.
    pub fn play(script: &Script<'_>, line: Line) -> Log {
        let mut stage = Self::new(script, line);
        stage.play_all(script);
        stage.tape.log
    }

    pub(super) fn play_all(&mut self, script: &Script<'_>) {
        self.connect();
        for action in &script.before {
            self.act(action);
        }
        self.tape.begin();
        for (line, action) in &script.lines {
            if self.has_failed {
                return;
            }
            self.tape.script(line);
            self.act(action);
        }
    }

    pub(super) fn new(script: &Script<'_>, line: Line) -> Self {
        let mut player = Player::new(script.policy.clone(), Disk::model());
        let before = PaymentId::new(script.next_number - 1);
        player.world.engine = Engine::new(installation(), script.policy.clone(), before);
        let settings = Settings {
            terminal: TerminalId::new(12_345_678).expect("eight digits"),
            currency: Currency::new("EUR").expect("a currency"),
            password: script.password.map(|password| Password::new(password).expect("digits")),
            card_type: 120,
            profile: script.profile,
            merchant: "Example Store".to_owned(),
            zone: Zone::UTC,
        };
        let mut stage = Self {
            player,
            settings,
            line,
            session: None,
            starts: 0,
            kept: Vec::new(),
            connected: false,
            tape: Tape::new(line, script.frames),
            due: VecDeque::new(),
            next: VecDeque::new(),
            always: None,
            last_frame: Vec::new(),
            fuse: None,
            events: VecDeque::new(),
            has_failed: false,
        };
        stage.begin();
        stage
    }

    /// The terminal's process begins.
    fn begin(&mut self) {
        self.starts += 1;
        let seed = Uuid::from_u128(self.starts);
        let mut session = Session::new(self.settings.clone(), self.line, seed);
        session.remember(&self.kept);
        self.session = Some(session);
        let _ = self.player.play("start");
    }

    pub(super) fn act(&mut self, action: &Action<'_>) {
        match action {
            Action::Say(apdu) => self.say(apdu.clone()),
            Action::Damage(apdu) => {
                let mut frame = framed(self.line, apdu);
                *frame.last_mut().expect("a checksum") ^= 1;
                self.send(frame, true);
            }
            Action::Tear(apdu, len) => {
                let mut frame = framed(self.line, apdu);
                frame.truncate(*len);
                self.tape.note(&format!("torn: {}", hex(&frame)));
                self.send(frame, false);
            }
            Action::SayAtOnce(apdus) => {
                let messages: Vec<_> = apdus.iter().map(|apdu| framed(self.line, apdu)).collect();
                messages.iter().for_each(|message| self.record(Side::Till, message, true));
                self.receive(&messages.concat());
            }
            Action::SaySlowly(apdu) => {
                let bytes = framed(self.line, apdu);
                self.record(Side::Till, &bytes, true);
                bytes.iter().for_each(|byte| self.receive(&[*byte]));
            }
            Action::Repeat => self.send(self.last_frame.clone(), true),
            Action::AnswerAll(answer, time) => {
                if let Some(unanswered) = self.unanswered() {
                    self.answer_later(unanswered, answer.clone());
                }
                self.always = Some(answer.clone());
                self.advance(*time);
                self.always = None;
            }
            Action::Next(answers) => self.next.extend(answers),
            Action::Noise(noise) => self.send(noise.clone(), true),
            Action::Cut => self.cut(),
            Action::PlugIn => self.connect(),
            Action::PowerOff => {
                self.session = None;
                self.cut();
            }
            Action::PowerOn => {
                self.player.world.replies.clear();
                let _ = self.player.play("restart");
                self.begin();
                self.connect();
            }
            Action::Wait(time) => self.advance(*time),
            Action::Core(lines) => {
                for line in lines {
                    if self.has_failed {
                        return;
                    }
                    let _ = self.player.play(line);
                    self.pump();
                }
            }
        }
        if !matches!(action, Action::Wait(_) | Action::AnswerAll(..)) {
            self.advance(STEP);
        }
    }

    /// The till connects; it hears nothing of what was said to another connection.
    fn connect(&mut self) {
        self.tape.anew();
        self.connected = true;
        let now = self.now();
        if let Some(session) = &mut self.session {
            let events = session.up(now);
            self.handle(events);
        }
        self.pump();
    }

    pub(super) fn cut(&mut self) {
        self.due.clear();
        self.tape.anew();
        self.connected = false;
        let now = self.now();
        if let Some(session) = &mut self.session {
            let events = session.down(now);
            self.handle(events);
        }
        self.pump();
    }

    fn say(&mut self, apdu: Vec<u8>) {
        let bytes = framed(self.line, &apdu);
        self.last_frame.clone_from(&bytes);
        self.send(bytes, true);
    }

    fn send(&mut self, bytes: Vec<u8>, told: bool) {
        self.record(Side::Till, &bytes, told);
        self.receive(&bytes);
    }

    fn receive(&mut self, bytes: &[u8]) {
        if self.has_failed {
            return;
        }
        let now = self.now();
        if let Some(session) = &mut self.session {
            let events = session.receive(now, bytes);
            self.handle(events);
        }
        self.pump();
    }

    fn now(&self) -> Mono {
        self.player.world.now.mono
    }

    /// Time passes; whatever is due on the way happens at its time.
    fn advance(&mut self, time: Duration) {
        let end = self.now().after(time);
        if self.session.is_none() {
            self.player.world.now = self.player.world.now.after(time);
            return;
        }
        for _ in 0..ROUNDS_MAX {
            self.pump();
            let session = self.session.as_ref().and_then(Session::poll_timeout);
            let core = self.player.world.engine.poll_timeout();
            let till = self.due.front().map(|(at, _)| *at);
            let due = [session, core, till].into_iter().flatten().min();
            let Some(due) = due.filter(|due| *due <= end) else {
                self.player.world.wait(end.left(self.now()));
                return self.pump();
            };
            self.player.world.wait(due.left(self.now()));
            self.happen();
        }
        panic!("something is due for ever\n{}", self.tape.log.text);
    }

    fn happen(&mut self) {
        self.pump();
        let now = self.now();
        if let Some(session) = &mut self.session {
            let events = session.tick(now);
            self.handle(events);
        }
        while self.due.front().is_some_and(|(at, _)| *at <= now) {
            let Some((_, due)) = self.due.pop_front() else { return };
            match due {
                Due::Byte(byte) => self.send(vec![byte], true),
                Due::Apdu(apdu) => self.say(apdu),
            }
        }
    }

    /// What is to be written goes out before the core is asked.
    fn handle(&mut self, events: Vec<TillEvent>) {
        self.events.extend(events);
        while self.write() {}
        while let Some(event) = self.events.pop_front() {
            // What does not fit is shown by the world.
            let _ = match event {
                TillEvent::Request(request) => self.player.world.till(request),
                TillEvent::Returned => self.player.world.input(Input::TillReturned),
                TillEvent::Registered(kept) => {
                    self.kept = kept;
                    Ok(Vec::new())
                }
                TillEvent::Lost => Ok(Vec::new()),
            };
            self.tell_lines();
        }
    }

    /// Everything that happens at once.
    pub(super) fn pump(&mut self) {
        for _ in 0..ROUNDS_MAX {
            self.tell_lines();
            let replies = std::mem::take(&mut self.player.world.replies);
            let now = self.now();
            let idle = replies.is_empty();
            for mut reply in replies {
                print_receipt(&mut reply);
                let Some(session) = &mut self.session else { return };
                let events = session.reply(now, &reply);
                self.handle(events);
            }
            if self.write() {
                continue;
            }
            if idle {
                return;
            }
        }
        panic!("the terminal talks for ever\n{}", self.tape.log.text);
    }

    /// What the terminal has to say now; whether it was anything.
    fn write(&mut self) -> bool {
        let now = self.now();
        let Some(session) = &mut self.session else { return false };
        if let Some(Rate::Baud(rate)) = session.poll_rate(now) {
            self.tape.note(&format!("the line has {rate} baud from now on"));
        }
        let Some(session) = &mut self.session else { return false };
        let Some(bytes) = session.poll_write(now) else { return false };
        if !self.connected {
            return true;
        }
        self.record(Side::Terminal, &bytes, true);
        self.heard_by_till(&bytes);
        true
    }

    /// What the till does of itself.
    fn heard_by_till(&mut self, bytes: &[u8]) {
        let is_block = bytes.starts_with(&[0x10, 0x02]) || self.line == Line::Tcp;
        if !is_block {
            return;
        }
        let apdu = apdu_in(self.line, bytes);
        let now = self.now();
        if self.line == Line::Serial {
            let answer = self.next.pop_front().unwrap_or(Some(frame::ACK));
            if let Some(answer) = answer {
                self.later(now.after(ACK_AFTER), Due::Byte(answer));
            }
            // What the till has not taken in it does not answer.
            if answer != Some(frame::ACK) {
                return;
            }
        }
        if let Some(answer) = self.always.clone().filter(|_| is_answered(apdu)) {
            self.answer_later(now, answer);
        }
    }

    fn answer_later(&mut self, heard: Mono, answer: Vec<u8>) {
        let at = heard.after(ANSWER_AFTER);
        let at = at.after(self.now().left(at));
        self.later(at, Due::Apdu(answer));
    }

    fn later(&mut self, at: Mono, due: Due) {
        let place = self.due.partition_point(|(other, _)| *other <= at);
        self.due.insert(place, (at, due));
    }

    /// When the terminal's last block went out, if the till has said nothing since.
    fn unanswered(&self) -> Option<Mono> {
        for heard in self.tape.log.wire.iter().rev() {
            match heard {
                Heard::Bytes { side: Side::Terminal, bytes, at, .. } if bytes.len() > 1 => {
                    return Some(*at).filter(|_| is_answered(apdu_in(self.line, bytes)));
                }
                Heard::Bytes { side: Side::Till, bytes, .. } if *bytes == [frame::NAK] => {
                    return None;
                }
                Heard::Bytes { bytes, .. } if bytes.len() == 1 => {}
                Heard::Note(_) => {}
                Heard::Bytes { .. } | Heard::Anew => return None,
            }
        }
        None
    }

    fn record(&mut self, side: Side, bytes: &[u8], told: bool) {
        if self.has_failed {
            return;
        }
        self.tape.record(self.now(), side, bytes, told);
        if self.tape.telling {
            self.burn_down(side);
        }
    }

    fn tell_lines(&mut self) {
        for line in std::mem::take(&mut self.player.world.lines) {
            match line.strip_prefix("till ") {
                Some(told) => self.tape.note(&format!("core {told}")),
                None => self.tape.note(&line),
            }
        }
    }
}

fn framed(line: Line, apdu: &[u8]) -> Vec<u8> {
    match line {
        Line::Serial => frame::encode(apdu),
        Line::Tcp => apdu.to_vec(),
    }
}

fn apdu_in(line: Line, bytes: &[u8]) -> [u8; 2] {
    let at = if line == Line::Serial { 2 } else { 0 };
    [bytes[at], bytes[at + 1]]
}

/// Classes 80 and 84 never are.
fn is_answered(control: [u8; 2]) -> bool {
    !matches!(control, [0x80 | 0x84, _])
}

/// As the daemon prints it.
fn print_receipt(reply: &mut Reply) {
    let print = |result: &mut SaleResult| {
        let head = receipt::Head::new("Example Store", "S1-T1", Zone::UTC);
        result.receipt = receipt::lines(result, &head, Lang::De);
    };
    match reply {
        Reply::Result(result) => print(result),
        Reply::Status { status: Status::Done(result, _), .. } => print(result),
        _ => {}
    }
}
