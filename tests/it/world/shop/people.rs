//! Who acts in a run: the cashier at the till, and shoppers.

use super::faults::{HOUR, SECOND};
use super::run::{Act, Happening, Shop};
use klarna_terminald::id::PosReference;
use klarna_terminald::payment::vocabulary::{Request, SaleName};
use klarna_terminald::payment::{Input, shift};

impl Shop {
    pub(super) fn till_acts(&mut self) {
        let busy = self.line_down_until.saturating_sub(self.t);
        let pause = if busy > HOUR { busy / 8 } else { self.random.between(500, 20_000) };
        // A cashier before a dark terminal loses interest.
        let pause = if self.terminal.on { pause } else { pause * 30 };
        if self.strikes(self.faults.till_lost) {
            self.till_down_until = self.t + self.random.between(SECOND, 200 * SECOND);
        }
        if let Some(request) = self.till.act(&mut self.random) {
            self.ask(request);
        }
        if !self.till.is_done() {
            self.after(pause, Happening::TillActs);
        }
    }

    /// The till asks; if nothing can answer, it asks again later.
    pub fn ask(&mut self, request: Request) {
        let linked = self.t >= self.till_down_until;
        if !linked || !self.terminal.on || self.t < self.disk_full_until {
            self.till.unheard(request);
            return;
        }
        let number = self.number_of_sale(sale_of(&request));
        self.story.tell(self.t, number, format!("till asks {}", brief_request(&request)));
        for needed in self.terminal.engine.needed(&request, None) {
            let records = self.terminal.disk.records_for(&needed);
            let now = self.terminal.now(self.t);
            self.terminal.engine.replay(now, &records).expect("the journal is whole");
        }
        let totals = match &request {
            Request::EndShift { .. } => shift::totals(&self.terminal.disk.shift_records()),
            _ => Vec::new(),
        };
        self.input(Input::Till(request.clone(), totals));
        if !self.terminal.on {
            self.till.unheard(request);
        }
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
        | Request::EndShift { reference }
        | Request::Retry { reference, .. }
        | Request::Resolve { reference, .. } => reference,
        Request::Capture(_)
        | Request::Refund(_)
        | Request::Void(_)
        | Request::Release(_)
        | Request::Update { .. } => match request.sale() {
            Some(SaleName::Till(sale)) => sale,
            _ => request.reference(),
        },
    }
}
