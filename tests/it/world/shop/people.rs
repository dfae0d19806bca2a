//! Who acts in a run: the cashier at the till, shoppers, somebody who looks at the
//! list of refused calls, and others who move money beside the terminal.

use super::Millis;
use super::faults::{HOUR, SECOND};
use super::run::{Act, Happening, Shop};
use super::transaction::Transaction;
use klarna_terminald::id::{CallId, Label, PaymentId, PosReference};
use klarna_terminald::payment::found::Found;
use klarna_terminald::payment::shift::{self, Turnover};
use klarna_terminald::payment::vocabulary::{Request, SaleName};
use klarna_terminald::payment::{Input, Payment};

/// Most transactions that others sell in one run.
const STRANGERS_MAX: u32 = 12;

impl Shop {
    pub(super) fn till_acts(&mut self) {
        let pause = self.pause(500, 20 * SECOND);
        if self.strikes(self.faults.till_lost) {
            self.till_down_until = self.t + self.random.between(SECOND, 200 * SECOND);
        }
        self.till.shown = self.klarna.transactions.keys().cloned().collect();
        if let Some(request) = self.till.act(&mut self.random) {
            self.ask(request);
        }
        if !self.till.is_done() {
            self.after(pause, Happening::TillActs);
        }
    }

    /// How long somebody waits before the next act. Before a dark terminal, or while the line is
    /// down for long, everybody loses interest; it also saves the simulation's time.
    fn pause(&mut self, least: Millis, most: Millis) -> Millis {
        let busy = self.line_down_until.saturating_sub(self.t);
        let pause = if busy > HOUR { busy / 8 } else { self.random.between(least, most) };
        if self.terminal.on { pause } else { pause * 30 }
    }

    /// The till asks; if nothing can answer, it asks again later.
    pub fn ask(&mut self, request: Request) {
        let linked = self.t >= self.till_down_until;
        if !linked || !self.terminal.on || self.t < self.disk_full_until {
            self.till.unheard(request);
            return;
        }
        self.carry_out(request.clone());
        if !self.terminal.on {
            self.till.unheard(request);
        }
    }

    pub(super) fn carry_out(&mut self, request: Request) {
        let number = self.number_of_sale(sale_of(&request));
        self.story.tell(self.t, number, format!("till asks {}", brief_request(&request)));
        self.remember(&request, None);
        let totals = match &request {
            Request::EndShift { .. } | Request::Totals { .. } => {
                shift::turnover(&self.terminal.disk.shift_records())
            }
            _ => Turnover::default(),
        };
        self.input(Input::Till(request, totals));
    }

    /// What the journal knows about a command comes back into memory.
    pub(super) fn remember(&mut self, request: &Request, found: Option<&Found>) {
        for needed in self.terminal.engine.needed(request, found) {
            let records = self.terminal.disk.records_for(&needed);
            let now = self.terminal.now(self.t);
            self.terminal.engine.replay(now, &records).expect("the journal is whole");
        }
    }

    // -- who looks at the list of refused calls --------------------------------------------------

    pub(super) fn person_acts(&mut self) {
        if !self.is_sold_out() {
            let pause = self.pause(5 * SECOND, 200 * SECOND);
            self.after(pause, Happening::PersonActs);
        }
        if !self.terminal.on || self.t < self.disk_full_until {
            return;
        }
        self.desk_count += 1;
        let name = format!("desk-{}", self.desk_count);
        let reference = PosReference::new(name).expect("a reference");
        let listed: Vec<CallId> = self.terminal.disk.refused.keys().copied().collect();
        let call = match self.random.between(0, 9) {
            // One that is not on the list, whatever has become of it.
            0 => {
                let payment =
                    PaymentId::new(u32::try_from(self.random.between(1, 14)).expect("few"));
                let sequence = u32::try_from(self.random.between(1, 6)).expect("few");
                Some(CallId { payment, sequence })
            }
            1 => self.resolved.iter().next_back().copied(),
            2 => None,
            _ if listed.is_empty() => return,
            _ => Some(self.random.pick(&listed)),
        };
        let request = match call {
            Some(call) if self.random.chance(400) => {
                let reason = Label::new("seen to by hand").expect("a label");
                Request::Resolve { reference, call, reason }
            }
            call => Request::Retry { reference, call },
        };
        self.story.tell(self.t, 0, format!("a person asks {request:?}"));
        self.remember(&request, None);
        self.input(Input::Till(request, Turnover::default()));
    }

    // -- others ----------------------------------------------------------------------------------

    pub(super) fn others_act(&mut self) {
        if self.till.is_done() {
            return;
        }
        let pause = self.pause(5 * SECOND, 60 * SECOND);
        self.after(pause, Happening::OthersAct);
        let portal = self.strikes(self.faults.portal);
        if !portal && self.klarna.strangers < STRANGERS_MAX && self.random.chance(100) {
            return self.klarna.sold_elsewhere(self.t, &mut self.random);
        }
        let theirs = |found: &Transaction| found.sold_elsewhere != portal && !found.closed;
        let all = self.klarna.transactions.iter().filter(|(_, found)| theirs(found));
        let all: Vec<&String> = all.map(|(id, _)| id).collect();
        if all.is_empty() {
            return;
        }
        let id = self.random.pick(&all).clone();
        if self.klarna.others_act(self.t, &id, &mut self.random) {
            self.interventions += u64::from(portal);
            let found = &self.klarna.transactions[&id];
            let sums = found.sums(self.t);
            let number = self.number_of_transaction(&id);
            self.story.tell(self.t, number, format!("others act on {id}: {sums:?}"));
        }
    }

    fn number_of_transaction(&self, id: &str) -> u32 {
        let mut payments = self.terminal.engine.payments();
        let of_it = |p: &&Payment| p.transaction().is_some_and(|known| known.as_str() == id);
        payments.find(of_it).map_or(0, |payment| payment.id.number())
    }

    /// Whoever stands before a new code makes up their mind.
    pub(super) fn draw_shopper(&mut self, id: &str) {
        let mut at = self.random.between(500, 30 * SECOND);
        let late = self.random.chance(60);
        if late {
            at = self.random.between(100 * SECOND, 50 * HOUR);
        }
        let acts: &[Act] = match self.random.between(0, 9) {
            0 => &[],
            1 => &[Act::Opens, Act::Leaves],
            2 => &[Act::Opens, Act::Declines],
            3 => &[Act::Opens, Act::Leaves, Act::Opens, Act::Approves],
            4 => &[Act::Approves],
            5 => &[Act::Opens, Act::Approves, Act::Approves],
            _ => &[Act::Opens, Act::Approves],
        };
        for act in acts {
            let request = id.to_owned();
            self.after(at, Happening::Shopper { request, act: *act });
            at += self.random.between(500, 40 * SECOND);
        }
    }

    pub fn shopper(&mut self, id: &str, act: Act) {
        let t = self.t;
        let did = match act {
            Act::Opens => self.klarna.open(t, id),
            Act::Approves => self.klarna.approve(t, id),
            Act::Declines => self.klarna.decline(t, id),
            Act::Leaves => self.klarna.leave(t, id),
        };
        if did {
            self.story.tell(t, 0, format!("shopper of {id} {act:?}"));
            self.pushes(id);
        }
    }
}

fn brief_request(request: &Request) -> String {
    match request {
        Request::Sale(sale) => format!("sale {} {}", sale.reference, sale.amount),
        other => format!("{other:?}"),
    }
}

fn sale_of(request: &Request) -> &PosReference {
    match request {
        Request::Sale(sale) => &sale.reference,
        Request::Abort { reference }
        | Request::Status { reference }
        | Request::Acknowledge { reference }
        | Request::EndShift { reference, .. }
        | Request::Totals { reference }
        | Request::Reservation { reference }
        | Request::Last { reference, .. }
        | Request::Retry { reference, .. }
        | Request::Resolve { reference, .. } => reference,
        Request::Capture(_)
        | Request::Refund(_)
        | Request::Void(_)
        | Request::Release(_)
        | Request::Book(_)
        | Request::PartialReversal(_)
        | Request::Update { .. }
        | Request::Find { .. } => match request.sale() {
            Some(SaleName::Till(sale)) => sale,
            _ => request.reference(),
        },
    }
}
