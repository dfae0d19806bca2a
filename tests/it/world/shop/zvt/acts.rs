//! What the ZVT till does by itself: it sells, asks, aborts, gives back, closes the day.

use super::super::Millis;
use super::book::{Entry, Fate, Return, Told};
use super::lost::Lost;
use super::till::{Beside, Doing, T3_UNDELIVERED, Till, What};
use klarna_terminald::pos::zvt::apdu::{Apdu, Control};
use klarna_terminald::pos::zvt::bcd::{MinorUnits, Receipt, Trace};
use klarna_terminald::pos::zvt::code::TerminalStatus;
use klarna_terminald::pos::zvt::message::control;

/// Steps of closing the counter.
const END_OF_DAY: u32 = 0;
const FIRST_REPEAT: u32 = 1;
const SECOND_REPEAT: u32 = 2;
const STATUS: u32 = 3;
const CLOSED: u32 = 4;

impl Till {
    pub fn due(&self) -> Option<Millis> {
        let says = self.says.front().map(|(at, _)| *at);
        let waits = match self.doing {
            Doing::Asked { until, .. } | Doing::Under { until, .. } => Some(until),
            Doing::Nothing => self.wants_to_act().then_some(self.next_act),
        };
        let is_under = matches!(self.doing, Doing::Under { .. });
        let beside = self.beside_at.filter(|_| is_under).map(|(at, _)| at);
        let beside = beside.into_iter().chain(self.beside.map(|(_, until)| until)).min();
        [says, waits, beside, self.link.due()].into_iter().flatten().min()
    }

    fn wants_to_act(&self) -> bool {
        let closed = self.closing.is_none_or(|step| step == CLOSED);
        let doubts = self.book.unknown().is_some() || self.lost.is_some();
        self.says.is_empty() && (self.sales_left > 0 || doubts || !closed)
    }

    /// Time has passed. `lull` makes it wait longer before it begins something.
    pub fn tick(&mut self, t: Millis, lull: Option<Millis>) {
        for heard in self.link.tick(t) {
            self.heard(t, heard);
        }
        if self.beside.is_some_and(|(_, until)| until <= t) {
            self.beside = None;
        }
        while self.says.front().is_some_and(|(at, _)| *at <= t) {
            let (_, apdu) = self.says.pop_front().expect("it is there");
            self.link.send(t, apdu);
        }
        match self.doing {
            Doing::Asked { until, .. } | Doing::Under { until, .. } if until <= t => {
                self.breaks_off(t);
            }
            Doing::Under { .. } => self.acts_beside(t),
            Doing::Nothing if self.next_act <= t && self.wants_to_act() => match lull {
                Some(lull) => self.next_act = t + lull,
                None if !self.connected => {
                    (self.wants_connection, self.next_act) = (true, t + 1000);
                }
                None if self.hangs_up => self.next_act = t + 10,
                None => self.acts(t),
            },
            Doing::Asked { .. } | Doing::Nothing => {}
        }
    }

    fn acts_beside(&mut self, t: Millis) {
        let Some((_, beside)) = self.beside_at.filter(|(at, _)| *at <= t) else { return };
        self.beside_at = None;
        if self.beside.is_some() || !self.says.is_empty() || !self.link.is_idle() {
            return;
        }
        self.beside = Some((beside, t + T3_UNDELIVERED));
        match beside {
            Beside::Abort => self.send(t, control::ABORT_COMMAND, &[]),
            Beside::Status => self.send(t, control::STATUS_ENQUIRY, &[]),
        }
    }

    fn acts(&mut self, t: Millis) {
        if !self.link.is_idle() {
            self.next_act = t + 500;
            return;
        }
        if !self.registered {
            return self.registers(t);
        }
        if self.book.unknown().is_some() {
            return self.asks_for_the_last(t);
        }
        if let Some(lost) = self.lost.clone() {
            return self.asks_for_what_was_lost(t, lost);
        }
        if let Some(step) = self.closing.filter(|_| self.sales_left == 0) {
            return match step {
                END_OF_DAY => self.ends_the_day(t),
                FIRST_REPEAT | SECOND_REPEAT => self.asks_for_the_last(t),
                _ => self.command(t, What::Status, control::STATUS_ENQUIRY, &[]),
            };
        }
        // After a result that it has left unanswered, it would be an acknowledgement.
        let left = |sale: &Entry| sale.fate == Fate::NotPaid && sale.receipt.is_some();
        if !self.book.sales.last().is_some_and(left) && self.random.chance(self.habits.strays) {
            self.next_act = t + 1000;
            return self.say(t, vec![0x80, 0, 0]);
        }
        match self.random.between(0, 19) {
            0 => self.command(t, What::Status, control::STATUS_ENQUIRY, &[]),
            1 => self.registers(t),
            2 => self.ends_the_day(t),
            3 => self.asks_for_the_last(t),
            4..8 => self.gives_back(t),
            _ => self.sells(t),
        }
    }

    fn registers(&mut self, t: Millis) {
        let habits = &self.habits;
        let mut body = vec![0, 0, 0, habits.config, 0x09, 0x78];
        match (habits.container, habits.print_block) {
            (true, true) => body.extend([0x06, 0x06, 0x26, 0x04, 0x0A, 0x02, 0x06, 0xD3]),
            (true, false) => body.extend([0x06, 0x00]),
            (false, _) => {}
        }
        self.command(t, What::Register, control::REGISTRATION, &body);
    }

    pub(super) fn asks_for_the_last(&mut self, t: Millis) {
        self.command(t, What::Last, control::REPEAT_RECEIPT, &[0, 0, 0, 0x03, 0x03]);
    }

    fn ends_the_day(&mut self, t: Millis) {
        self.command(t, What::EndOfDay, control::END_OF_DAY, &[0, 0, 0]);
    }

    fn sells(&mut self, t: Millis) {
        let again = self.book.sales.last().filter(|_| self.random.chance(150));
        let amount = again.map(|entry| entry.amount);
        let amount = amount.unwrap_or_else(|| self.random.between(1, 20_000));
        self.sales_left -= 1;
        self.book.sales.push(Entry::new(amount));
        let mut body = vec![0x04];
        body.extend(MinorUnits::new(amount).expect("few digits").bytes());
        body.extend([0x49, 0x09, 0x78]);
        let what = What::Sale(self.book.sales.len() - 1);
        self.command(t, what, control::AUTHORISATION, &body);
        let habits = self.habits.clone();
        let beside = match () {
            () if self.random.chance(habits.aborts) => Some(Beside::Abort),
            () if self.random.chance(habits.enquires) => Some(Beside::Status),
            () => None,
        };
        let at = t + self.random.between(100, 40_000);
        self.beside_at = beside.map(|beside| (at, beside));
    }

    fn gives_back(&mut self, t: Millis) {
        let is_left = |entry: &&(usize, &Entry)| entry.1.fate == Fate::Paid && entry.1.left() > 0;
        let numbered = self.book.sales.iter().enumerate();
        let paid: Vec<usize> = numbered.filter(|e| is_left(&e)).map(|(index, _)| index).collect();
        if paid.is_empty() {
            return self.sells_or_rests(t);
        }
        if let Some((what, control, body)) = self.same_return() {
            return self.command(t, what, control, &body);
        }
        let index = self.random.pick(&paid);
        let whole = self.random.chance(500);
        let by_trace = self.random.chance(300);
        let entry = &self.book.sales[index];
        let left = entry.left();
        let amount = if whole { left } else { self.random.between(1, left) };
        let (Some(receipt), Some(trace)) = (entry.receipt, entry.trace) else { return };
        // A reversal names no amount once some of it was given back.
        let what = self.returning(index, amount);
        let mut body = vec![0, 0, 0];
        if !whole {
            body.push(0x04);
            body.extend(MinorUnits::new(amount).expect("few digits").bytes());
        }
        if by_trace {
            body.push(0x37);
            body.extend(Trace::new(trace).expect("few digits").bytes());
        } else {
            body.push(0x87);
            body.extend(Receipt::new(receipt).expect("few digits").bytes());
        }
        let control = if whole { control::REVERSAL } else { control::REFUND };
        self.command(t, what, control, &body);
    }

    fn returning(&mut self, index: usize, amount: u64) -> What {
        let returns = &mut self.book.sales[index].returns;
        returns.push(Return { amount, told: Told::Nothing, references: Vec::new() });
        let number = returns.len() - 1;
        self.book.returning = Some((index, number));
        What::Return(index, number)
    }

    /// As much as before is given back of the same payment: the same bytes, and another return.
    fn same_return(&mut self) -> Option<(What, Control, Vec<u8>)> {
        let (index, number) = self.book.returning?;
        let (control, body) = self.returned.clone().filter(|(of, _)| *of == control::REFUND)?;
        let entry = &self.book.sales[index];
        let amount = entry.returns[number].amount;
        let fits = entry.returns[number].told == Told::Done && entry.left() >= amount;
        if !fits || !self.random.chance(400) {
            return None;
        }
        Some((self.returning(index, amount), control, body))
    }

    fn sells_or_rests(&mut self, t: Millis) {
        match self.sales_left {
            0 => self.next_act = t + 1000,
            _ => self.sells(t),
        }
    }

    pub(super) fn command(&mut self, t: Millis, what: What, control: Control, body: &[u8]) {
        self.doing = Doing::Asked { what, until: t + T3_UNDELIVERED };
        if matches!(what, What::Return(..) | What::EndOfDay) && self.lost.is_none() {
            self.asked = Some(Lost { what, control, body: body.to_vec(), asks: self.asks(what) });
        }
        if let What::Return(..) = what {
            self.returned = Some((control, body.to_vec()));
        }
        self.send(t, control, body);
    }

    fn send(&mut self, t: Millis, control: Control, data: &[u8]) {
        let apdu = Apdu { control, data }.encode().expect("a short message");
        self.link.send(t, apdu);
    }

    // -- the end of the run ----------------------------------------------------------------------

    /// Nothing is sold any more: the day is ended, the last result asked for twice, the status
    /// once.
    pub fn close(&mut self) {
        self.sales_left = 0;
        self.closing = Some(END_OF_DAY);
        self.repeats.clear();
        self.habits.strays = 0;
    }

    pub fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    pub fn is_closed(&self) -> bool {
        self.closing == Some(CLOSED)
    }

    pub(super) fn closes(&mut self, what: What, well: bool) {
        let Some(step) = self.closing else { return };
        let next = match (step, what) {
            (END_OF_DAY, What::EndOfDay) if well => FIRST_REPEAT,
            (FIRST_REPEAT, What::Last) if self.repeats.len() == 1 => SECOND_REPEAT,
            (SECOND_REPEAT, What::Last) if self.repeats.len() == 2 => STATUS,
            (STATUS, What::Status) if self.status == Some(TerminalStatus::READY) => CLOSED,
            (step, _) => step,
        };
        self.closing = Some(next);
        if next == FIRST_REPEAT && step == END_OF_DAY {
            self.repeats.clear();
        }
    }
}
