//! A till that speaks ZVT: what it answers to what it hears. What it does by itself is in `acts`.
//!
//! It shares the format of bytes with the terminal and none of its logic. It is honest: it
//! acknowledges a result only if it books it, and asks when it does not know.

use super::super::Millis;
use super::super::random::Random;
use super::book::{Book, Fate, Told};
use super::habits::Habits;
use super::link::{Heard, Link};
use super::lost::{Lost, is_nothing, is_unsure};
use klarna_terminald::pos::zvt::apdu::{Apdu, Control};
use klarna_terminald::pos::zvt::charset::Charset;
use klarna_terminald::pos::zvt::code::{Code, TerminalStatus};
use klarna_terminald::pos::zvt::message::{Abort, Answer, Completion, StatusInformation, control};
use klarna_terminald::pos::zvt::session::Line;
use std::collections::VecDeque;

/// From a command that has arrived to its answer; a little patience is added.
pub(super) const T3: Millis = 7_000;
/// As long as a frame may be on its way, all repetitions included.
pub(super) const T3_UNDELIVERED: Millis = 25_000;
/// From the answer to the end, counted anew from each sign of life.
const T4: Millis = 180_000;

/// A command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Register,
    Sale(usize),
    Last,
    /// Of that sale, the return of that number.
    Return(usize, usize),
    EndOfDay,
    Status,
}

/// A command beside the one that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    Abort,
    Status,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    Nothing,
    /// It waits for the answer to its command.
    Asked {
        what: What,
        until: Millis,
    },
    /// The command is being carried out.
    Under {
        what: What,
        until: Millis,
    },
}

pub struct Till {
    pub line: Line,
    pub habits: Habits,
    pub book: Book,
    pub link: Link,
    pub(super) random: Random,
    pub(super) doing: Doing,
    pub(super) beside: Option<(Beside, Millis)>,
    /// What it will say, and when.
    pub(super) says: VecDeque<(Millis, Vec<u8>)>,
    /// When it aborts or asks in the middle of a sale.
    pub(super) beside_at: Option<(Millis, Beside)>,
    pub(super) next_act: Millis,
    pub(super) sales_left: usize,
    pub(super) registered: bool,
    pub(super) connected: bool,
    pub wants_connection: bool,
    /// It wants to hang up.
    pub(super) hangs_up: bool,
    /// The last `04 0F` of the running command, with its bytes.
    pub(super) result: Option<(StatusInformation, Vec<u8>)>,
    /// The last return or end of day, while it runs, and once its end was not heard.
    pub(super) asked: Option<Lost>,
    pub(super) lost: Option<Lost>,
    /// The last return's bytes.
    pub(super) returned: Option<(Control, Vec<u8>)>,
    /// How often `84 9C` was answered to it.
    waited: u32,
    /// What the last questions for the last result were answered with.
    pub repeats: Vec<Vec<u8>>,
    pub status: Option<TerminalStatus>,
    pub(super) closing: Option<u32>,
    pub wrongs: Vec<(Option<usize>, String)>,
}

impl Till {
    pub fn new(line: Line, sales: usize, mut random: Random) -> Self {
        let habits = Habits::draw(&mut random);
        let link = Link::new(line, random.chance(700));
        Self {
            line,
            habits,
            book: Book::default(),
            link,
            random,
            doing: Doing::Nothing,
            beside: None,
            says: VecDeque::new(),
            beside_at: None,
            next_act: 0,
            sales_left: sales,
            registered: false,
            connected: line == Line::Serial,
            wants_connection: false,
            hangs_up: false,
            result: None,
            asked: None,
            lost: None,
            returned: None,
            waited: 0,
            repeats: Vec::new(),
            status: None,
            closing: None,
            wrongs: Vec::new(),
        }
    }

    pub fn is_done(&self) -> bool {
        self.sales_left == 0 && self.is_settled()
    }

    /// It waits for nothing, and knows of each sale what has become of it.
    pub fn is_settled(&self) -> bool {
        let open = |fate: Fate| matches!(fate, Fate::Open | Fate::Unknown);
        let known = !self.book.sales.iter().any(|sale| open(sale.fate));
        let known = known && self.lost.is_none();
        known && self.doing == Doing::Nothing && self.says.is_empty() && self.link.is_idle()
    }

    // -- what it hears ---------------------------------------------------------------------------

    pub fn receive(&mut self, t: Millis, bytes: &[u8]) {
        for heard in self.link.receive(t, bytes) {
            self.heard(t, heard);
        }
    }

    pub(super) fn heard(&mut self, t: Millis, heard: Heard) {
        match heard {
            Heard::Delivered => {
                if let Doing::Asked { until, .. } = &mut self.doing {
                    *until = (*until).min(t + T3);
                }
            }
            // Of a return it will ask whether the terminal has heard that it knows.
            Heard::Undelivered => match self.doing {
                Doing::Asked { .. }
                | Doing::Under { what: What::Return(..) | What::EndOfDay | What::Last, .. } => {
                    self.breaks_off(t);
                }
                Doing::Under { .. } | Doing::Nothing => {}
            },
            Heard::Apdu(bytes) => {
                let Ok(apdu) = Apdu::parse(&bytes) else { return };
                match apdu.control {
                    control::ACKNOWLEDGE | [control::REFUSE_CLASS, 0] => self.answered(t, None),
                    [control::REFUSE_CLASS, code] => self.answered(t, Some(Code(code))),
                    _ => self.block(t, &apdu, &bytes),
                }
            }
        }
    }

    fn answered(&mut self, t: Millis, refused: Option<Code>) {
        match (self.doing, self.beside.take()) {
            (Doing::Under { .. }, Some((Beside::Abort, _)))
                if refused.is_none() && self.habits.acks_acks =>
            {
                self.say(t, vec![0x80, 0, 0]);
            }
            (Doing::Asked { what, .. }, _) => match refused {
                None => self.doing = Doing::Under { what, until: t + T4 },
                Some(_) if what == What::Last || self.lost.is_some() => self.pauses(t),
                Some(_) => self.ends(t, what, false),
            },
            _ => {}
        }
    }

    fn block(&mut self, t: Millis, apdu: &Apdu<'_>, bytes: &[u8]) {
        let Ok(answer) = Answer::parse(apdu, Charset::Cp437) else {
            let wrong = format!("the till cannot read {bytes:02X?}");
            return self.wrongs.push((None, wrong));
        };
        let Doing::Under { what, until } = &mut self.doing else {
            // It has nothing to do with it: whatever it is, it is not booked.
            return self.say(t, vec![0x84, 0x66, 0]);
        };
        let what = *what;
        match answer {
            Answer::IntermediateStatus(_) => {
                *until = t + T4;
                self.acknowledge(t);
            }
            Answer::StatusInformation(status) => {
                *until = t + T4;
                self.told(t, what, *status, bytes);
            }
            Answer::PrintLine(_) | Answer::PrintBlock(_) => self.acknowledge(t),
            Answer::Completion(Completion::Status(report)) => {
                self.status = Some(report.status);
                self.acknowledge(t);
                if what == What::Status {
                    self.ends(t, what, true);
                }
            }
            Answer::Completion(Completion::Done | Completion::Registered(_)) => {
                self.acknowledge(t);
                self.ends(t, what, true);
            }
            Answer::Abort(abort) => {
                self.acknowledge(t);
                self.registered &= abort != Abort::Code(Code::NOT_REGISTERED);
                match what {
                    // Only these say that nothing was done; after all others it asks again.
                    What::Last if !is_nothing(abort) => self.pauses(t),
                    What::Return(..) | What::EndOfDay if is_unsure(abort) => self.breaks_off(t),
                    _ => self.ends(t, what, false),
                }
            }
            Answer::Acknowledged | Answer::Refused(_) | Answer::RefusedCurrency(_) => {}
        }
    }

    /// A `04 0F`.
    fn told(&mut self, t: Millis, what: What, status: StatusInformation, bytes: &[u8]) {
        let approved = status.result == Code::OK;
        if let What::Return(index, _) = what
            && approved
        {
            let receipt = status.receipt.map(|receipt| receipt.value());
            let trace = status.original_trace.map(|trace| trace.value());
            if !self.book.sales[index].is_named(receipt, trace) {
                // The end of an earlier return.
                return self.say(t, vec![0x84, 0x66, 0]);
            }
        }
        let amount = status.amount.map(|amount| amount.value());
        if matches!(what, What::Return(..)) && approved {
            if self.random.chance(self.habits.is_silent) {
                return;
            }
            self.returned_for_good(what, amount);
        }
        self.result = Some((status.clone(), bytes.to_vec()));
        if what == What::Last
            && approved
            && let Some(index) =
                self.book.unknown().filter(|index| self.is_result_of(*index, &status))
        {
            self.book.sales[index].acknowledged = true;
        }
        if let Some(lost) = self.lost.clone().filter(|_| what == What::Last && approved)
            && self.is_end_of(&lost, &status)
        {
            self.returned_for_good(lost.what, amount);
        }
        let What::Sale(index) = what else { return self.acknowledge(t) };
        let entry = &mut self.book.sales[index];
        if !approved {
            return self.acknowledge(t);
        }
        if amount != Some(entry.amount) {
            return self.say(t, vec![0x84, 0x66, 0]);
        }
        if entry.acknowledged {
            // The same once more, as after a cable was out: it is booked.
            return self.acknowledge(t);
        }
        entry.receipt = status.receipt.map(|receipt| receipt.value());
        entry.trace = status.trace.map(|trace| trace.value());
        let habits = self.habits.clone();
        if self.random.chance(habits.waits) && self.waited < 3 {
            self.waited += 1;
            return self.say(t, vec![0x84, 0x9C, 0]);
        }
        if self.random.chance(habits.refuses) {
            let refusal = self.random.pick(&[0x66, 0x6C, 0x9C, 0xFF]);
            return self.say(t, vec![0x84, refusal, 0]);
        }
        if self.random.chance(habits.is_silent) {
            return;
        }
        if self.random.chance(habits.leaves) {
            return self.leaves(t, index);
        }
        if self.random.chance(habits.hangs_up) {
            self.hangs_up = self.line == Line::Tcp;
            self.says.clear();
            return self.breaks_off(t);
        }
        self.book.sales[index].acknowledged = true;
        self.acknowledge(t);
    }

    /// It goes on with something else and never acknowledges the result.
    fn leaves(&mut self, t: Millis, index: usize) {
        // Without its acknowledgement the terminal gives the money back; it need not ask.
        let asks = self.random.chance(500);
        self.book.sales[index].fate = if asks { Fate::Unknown } else { Fate::NotPaid };
        self.pauses(t);
        self.next_act = t + self.random.between(0, 2000);
    }

    /// The connection is gone.
    pub fn lost(&mut self, t: Millis) {
        self.link.reset();
        self.says.clear();
        self.breaks_off(t);
        (self.connected, self.hangs_up) = (false, false);
    }

    /// There is a new connection.
    pub fn is_connected(&mut self, t: Millis) {
        (self.connected, self.wants_connection, self.next_act) = (true, false, t + 10);
    }

    /// It hangs up once it has said what it wanted to say.
    pub fn hangs_up_now(&self) -> bool {
        self.connected && self.hangs_up && self.says.is_empty()
    }

    pub(super) fn acknowledge(&mut self, t: Millis) {
        let first = if self.habits.says_84 { 0x84 } else { 0x80 };
        self.say(t, vec![first, 0, 0]);
    }

    pub(super) fn say(&mut self, t: Millis, apdu: Vec<u8>) {
        let think = self.random.between(0, self.habits.think_max);
        let at = (t + think).max(self.says.back().map_or(0, |(at, _)| *at));
        self.says.push_back((at, apdu));
    }

    // -- how it ends -----------------------------------------------------------------------------

    /// With `06 0F` (`well`), or with `06 1E` or `84 xx`.
    fn ends(&mut self, t: Millis, what: What, well: bool) {
        let result = self.result.take();
        let code = result.as_ref().map(|(status, _)| status.result);
        match what {
            What::Register => self.registered = well,
            What::Sale(index) => {
                let entry = &mut self.book.sales[index];
                entry.fate = match (well, code) {
                    (false, _) => Fate::NotPaid,
                    (true, Some(Code::OK)) if entry.acknowledged => Fate::Paid,
                    (true, None | Some(Code::OK)) => Fate::Unknown,
                    (true, Some(_)) => Fate::NotPaid,
                };
            }
            What::Last => self.knows_last(well, result),
            What::Return(..) | What::EndOfDay if well && code.is_none() => {
                // The result was lost on its way.
                return self.breaks_off(t);
            }
            What::Return(index, number) => {
                let of_it = self.book.return_mut((index, number));
                if of_it.told == Told::Nothing {
                    of_it.told = Told::Refused;
                }
                (self.asked, self.lost) = (None, None);
            }
            What::EndOfDay => (self.asked, self.lost) = (None, None),
            What::Status => {}
        }
        self.closes(what, well);
        self.pauses(t);
    }

    /// The dialogue is over before its end.
    pub(super) fn breaks_off(&mut self, t: Millis) {
        let (Doing::Asked { what, .. } | Doing::Under { what, .. }) = self.doing else { return };
        self.result = None;
        match what {
            What::Sale(index) if self.book.sales[index].fate == Fate::Open => {
                self.book.sales[index].fate = Fate::Unknown;
            }
            What::Register => self.registered = false,
            What::Return(..) | What::EndOfDay if self.lost.is_none() => {
                self.lost = self.asked.take();
            }
            What::Sale(_) | What::Last | What::Return(..) | What::EndOfDay | What::Status => {}
        }
        self.pauses(t);
    }

    /// Nothing is being done.
    pub(super) fn pauses(&mut self, t: Millis) {
        (self.doing, self.beside, self.beside_at) = (Doing::Nothing, None, None);
        (self.result, self.waited) = (None, 0);
        self.next_act = t + self.random.between(200, 8000);
        self.hangs_up |= self.habits.connects_each && self.line == Line::Tcp;
    }
}
