//! The counter in its shop: what the session asks of the engine, and what it is told.

use super::super::canary::Canary;
use super::super::faults::HOUR;
use super::super::random::Random;
use super::super::run::Shop;
use super::super::{Millis, Settings, Till as Kind};
use super::Counter;
use klarna_terminald::payment::vocabulary::{Problem, Reply, Request};
use klarna_terminald::payment::{CapturePolicy, Input};
use klarna_terminald::pos::TillEvent;
use klarna_terminald::pos::zvt::session::Line;

/// The references of whoever looks at the list of refused calls; the till never hears of them.
const DESK: &str = "desk-";

impl Shop {
    /// Puts a counter with a ZVT till into a shop that has just been opened.
    pub(in super::super) fn put_counter(&mut self, settings: &Settings) {
        if settings.till != Kind::Zvt {
            return;
        }
        let serial = self.random.chance(500) || settings.canary == Some(Canary::SellsTwice);
        let line = if serial { Line::Serial } else { Line::Tcp };
        let seed = self.random.between(0, u64::MAX - 1);
        let sales = settings.payments_per_run;
        let counter = Counter::new(line, sales, Random::new(seed), settings.canary);
        self.counter = Some(Box::new(counter));
        // A till that speaks ZVT cannot say when money is to be taken.
        if self.terminal.policy.capture == CapturePolicy::Manual {
            self.terminal.policy.capture = CapturePolicy::OnTillAck;
        }
        // Others who act on the shop's own sales are judged in the other world.
        (self.faults.portal, self.faults.denied) = (0, 0);
    }

    pub(in super::super) fn counter_starts(&mut self) {
        let mono = self.terminal.now(self.t).mono;
        if let Some(counter) = &mut self.counter {
            counter.starts(self.t, mono);
        }
    }

    pub(in super::super) fn counter_due(&self) -> Option<Millis> {
        self.counter.as_ref()?.due(|mono| self.terminal.at(mono)).map(|due| due.max(self.t))
    }

    /// Whatever is due at the counter happens.
    pub(in super::super) fn counter_acts(&mut self) {
        let lull = self.lull();
        let mono = self.terminal.now(self.t).mono;
        let Some(counter) = &mut self.counter else { return };
        for event in counter.advance(self.t, mono, lull) {
            self.session_asks(event);
        }
    }

    /// Before a dark terminal, or while the line is down for long, the cashier loses interest.
    fn lull(&self) -> Option<Millis> {
        let busy = self.line_down_until.saturating_sub(self.t);
        match busy {
            _ if !self.terminal.on => Some(60_000),
            busy if busy > HOUR => Some(busy / 8),
            _ => None,
        }
    }

    fn session_asks(&mut self, event: TillEvent) {
        if !self.terminal.on {
            return;
        }
        match event {
            TillEvent::Returned => self.input(Input::TillReturned),
            TillEvent::Lost => {}
            TillEvent::Registered(registered) => {
                let writable = self.t >= self.disk_full_until;
                if let Some(counter) = self.counter.as_mut().filter(|_| writable) {
                    counter.registered = registered;
                }
            }
            TillEvent::Request(request) => self.carry_out(request),
        }
        let taken =
            |payment: &&klarna_terminald::payment::Payment| payment.state.occupies_terminal();
        let open = self.terminal.engine.payments().filter(taken).count();
        if open > 1 {
            self.wrongs.push((0, format!("{open} payments are open at once")));
        }
    }

    /// What could not be recorded is told to whoever has asked.
    pub(in super::super) fn refuse_out_of_service(&mut self, asked: Option<Request>) {
        let Some(request) = asked.filter(|_| self.terminal.on && self.counter.is_some()) else {
            return;
        };
        let reference = Some(request.reference().clone());
        let problem = Problem::OutOfService("the disk is full".to_owned());
        self.tell(&[Reply::Refused { reference, problem }]);
    }

    /// Whether the replies were for a till that speaks ZVT.
    pub(in super::super) fn tell_counter(&mut self, replies: &[Reply]) -> bool {
        let t = self.t;
        let Some(counter) = &mut self.counter else { return false };
        for reply in replies {
            let reference = reply.reference();
            let for_the_desk = reference.is_some_and(|r| r.as_str().starts_with(DESK));
            if !for_the_desk {
                counter.tell(t, reply.clone());
            }
        }
        true
    }
}

/// Lets everything work, lets the till ask what it does not know, and closes the counter.
pub fn close(shop: &mut Shop, last: Millis, round: Millis, day: Millis) -> bool {
    let mut rounds = 0;
    while shop.t < last {
        let quiet = shop.is_quiet();
        let counter = shop.counter.as_mut().expect("there is a counter");
        let quiet = quiet && counter.is_quiet();
        if quiet && counter.till.is_closed() {
            return true;
        }
        if !counter.till.is_closing() && counter.till.is_settled() && rounds > 2 && quiet {
            counter.till.close();
        }
        rounds += 1;
        let until = shop.t + if rounds < 20 { round } else { day };
        shop.run_until(until);
    }
    false
}
