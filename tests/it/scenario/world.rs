//! The engine with all that surrounds it in the daemon, but for time, network and threads.
//!
//! Every input is handled, committed, accepted; then the world looks whether what must always hold
//! still holds.

use super::disk::Disk;
use super::{label, show};
use klarna_terminald::clock::{Mono, Now, Wall};
use klarna_terminald::id::{CallId, Installation, PaymentId};
use klarna_terminald::money::Currency;
use klarna_terminald::payment::effect::CallKind;
use klarna_terminald::payment::event::Record;
use klarna_terminald::payment::found::{Found, NotFound};
use klarna_terminald::payment::notice::Notice;
use klarna_terminald::payment::screen::Screen;
use klarna_terminald::payment::shift::{self, Turnover};
use klarna_terminald::payment::state::{IllegalEvent, State};
use klarna_terminald::payment::vocabulary::{
    Reply, Request, SaleName, SaleOutcome, SaleResult, Status,
};
use klarna_terminald::payment::{CapturePolicy, Engine, Input, Needed, Payment, Policy};
use klarna_terminald::pos::native;
use std::collections::BTreeMap;
use std::time::Duration;

/// 2026-03-01T10:00:00Z.
const BEGIN: i64 = 1_772_359_200_000;

pub struct World {
    pub engine: Engine,
    pub disk: Disk,
    pub now: Now,
    pub policy: Policy,
    screen: Screen,
    session: native::Session,
    /// What each sale's result looked like on the wire when the till was first told.
    pub told: BTreeMap<String, Vec<(SaleOutcome, Vec<u8>)>>,
    /// The newest command, for when its transaction is found.
    asked: Option<Request>,
    pub lines: Vec<String>,
    /// All that the till was told.
    pub replies: Vec<Reply>,
}

pub fn policy() -> Policy {
    let currency = |code| Currency::new(code).expect("a currency");
    Policy {
        currencies: vec![currency("EUR"), currency("SEK"), currency("JPY")],
        capture: CapturePolicy::OnTillAck,
        create_patience: Duration::from_secs(15),
        sale_timeout: Duration::from_secs(300),
        paying_extension: Duration::from_secs(120),
        confirm_patience: Duration::from_secs(3000),
        acknowledge_patience: Duration::from_secs(60),
        linger: Some(Duration::from_secs(10)),
        refund_offline: true,
        read_pace: Duration::from_secs(2),
        reference_prefix: "S1-T1".to_owned(),
    }
}

pub fn installation() -> Installation {
    Installation::new(uuid::Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef))
}

impl World {
    pub fn new(policy: Policy, disk: Disk) -> Self {
        let settings = native::Settings {
            terminal: "S1-T1".to_owned(),
            currencies: policy.currencies.clone(),
            checksum_required: false,
            seven_bit: false,
            desk: false,
        };
        let now =
            Now { mono: Mono::new(Duration::from_secs(1000)), wall: Wall::from_millis(BEGIN) };
        Self {
            engine: Engine::new(installation(), policy.clone(), disk.last_payment()),
            disk,
            now,
            policy,
            screen: Screen::Idle,
            session: native::Session::new(settings),
            told: BTreeMap::new(),
            asked: None,
            lines: Vec::new(),
            replies: Vec::new(),
        }
    }

    /// Handle, commit, accept; what came of it is in `lines`.
    pub fn input(&mut self, input: Input) -> Result<Vec<Reply>, IllegalEvent> {
        match &input {
            Input::Till(request, _) => {
                self.remember(request, None);
                self.asked = Some(request.clone());
            }
            Input::Looked { request, found } => self.remember(request, found.as_ref().ok()),
            _ => {}
        }
        let step = match self.engine.handle(self.now, input) {
            Ok(step) => step,
            Err(illegal) => {
                self.lines.push(format!("illegal {} in {}", illegal.event, illegal.state));
                return Err(illegal);
            }
        };
        self.disk.commit(&step);
        self.show_records(&step.records);
        self.lines.extend(step.outbox.iter().map(|c| format!("outbox {}", show::change(c))));
        if let Some(transaction) = &step.lookup {
            self.lines.push(format!("looks for {transaction} at Klarna"));
        }
        if step.hurry {
            self.lines.push("calls that pause are sent now".to_owned());
        }
        let replies = self.engine.accept(step);
        for reply in &replies {
            self.tell(reply);
        }
        self.replies.extend(replies.iter().cloned());
        self.look_at_screen();
        self.check();
        Ok(replies)
    }

    /// What the newest command's transaction was found to be.
    pub fn looked(&mut self, found: Result<Found, NotFound>) -> Result<Vec<Reply>, IllegalEvent> {
        let request = self.asked.clone().expect("a command before");
        self.input(Input::Looked { request, found })
    }

    /// What the daemon does with what Klarna tells beside payments.
    pub fn noted(&mut self, notice: Notice, is_ours: bool) -> Result<Vec<Reply>, IllegalEvent> {
        if let Some(id) = &notice.transaction {
            let records = self.disk.records_for(&Needed::Name(SaleName::Transaction(id.clone())));
            let id = records.first().and_then(|record| record.payment);
            if id.is_some_and(|id| self.engine.payment(id).is_none()) {
                self.engine.replay(self.now, &records).expect("the journal is whole");
            }
        }
        self.input(Input::Noted { notice, is_ours })
    }

    pub fn till(&mut self, request: Request) -> Result<Vec<Reply>, IllegalEvent> {
        let totals = match request {
            Request::EndShift { .. } | Request::Totals { .. } => {
                shift::turnover(&self.disk.shift_records())
            }
            _ => Turnover::default(),
        };
        self.input(Input::Till(request, totals))
    }

    /// Time passes; whatever is due on the way happens at its time.
    pub fn wait(&mut self, span: Duration) {
        let mut left = span;
        while let Some(due) = self.engine.poll_timeout() {
            let until = due.left(self.now.mono);
            if until > left {
                break;
            }
            left -= until;
            self.now = self.now.after(until);
            self.input(Input::Tick).expect("time passing is never illegal");
            let next = self.engine.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now.mono), "a deadline stays in the past");
        }
        self.now = self.now.after(left);
        self.look_at_screen();
    }

    /// The process ends and begins again; wall time goes on, monotonic time starts anew.
    pub fn restart(&mut self) {
        self.disk.reopen();
        self.now.mono = Mono::new(Duration::from_secs(5));
        self.engine = Engine::new(installation(), self.policy.clone(), self.disk.last_payment());
        self.engine.replay(self.now, &self.disk.open_records()).expect("the journal is whole");
        self.look_at_screen();
        self.check();
    }

    /// What the daemon does before a request: older payments come back from the journal.
    fn remember(&mut self, request: &Request, found: Option<&Found>) {
        for needed in self.engine.needed(request, found) {
            let records = self.disk.records_for(&needed);
            self.engine.replay(self.now, &records).expect("the journal is whole");
        }
    }

    fn show_records(&mut self, records: &[Record]) {
        let before = self.disk.records.len() - records.len();
        for (index, record) in records.iter().enumerate() {
            let Some(id) = record.payment else {
                self.lines.push(format!("journal - {}", show::event(&record.event)));
                continue;
            };
            let number = id.number();
            let from = self.state_after(id, before + index);
            let to = self.state_after(id, before + index + 1).expect("it has begun");
            let event = show::event(&record.event);
            let states = from.map_or(format!("; {to}"), |from| format!(": {from} -> {to}"));
            self.lines.push(format!("journal {number} {event}{states}"));
        }
    }

    /// The state of a payment after the journal's first `length` records.
    fn state_after(&self, id: PaymentId, length: usize) -> Option<String> {
        let of_it = |record: &&Record| record.payment == Some(id);
        let records: Vec<Record> =
            self.disk.records[..length].iter().filter(of_it).cloned().collect();
        let mut engine = Engine::new(installation(), self.policy.clone(), PaymentId::new(0));
        engine.replay(self.now, &records).expect("every prefix of the journal is whole");
        engine.payment(id).map(|payment| label(&payment.state))
    }

    fn tell(&mut self, reply: &Reply) {
        self.lines.push(format!("till {}", show::reply(reply)));
        match reply {
            Reply::Result(result) => self.note_result(result),
            Reply::Status { status: Status::Done(result, _), .. } => self.note_result(result),
            _ => {}
        }
    }

    /// The same result is the same bytes, and a result changes only from approved to given back.
    fn note_result(&mut self, result: &SaleResult) {
        let bytes = self.session.encode(&Reply::Result(Box::new(result.clone())));
        let told = self.told.entry(result.reference.to_string()).or_default();
        match told.last() {
            Some((outcome, before)) if *outcome == result.outcome => {
                assert_eq!(*before, bytes, "the same result is the same bytes");
            }
            Some((SaleOutcome::Approved, _)) => {
                assert!(matches!(result.outcome, SaleOutcome::Voided(_)), "{result:?}");
                told.push((result.outcome, bytes));
            }
            Some(other) => panic!("told {other:?}, now {result:?}"),
            None => told.push((result.outcome, bytes)),
        }
    }

    fn look_at_screen(&mut self) {
        let screen = self.engine.screen(self.now);
        if let Screen::Scan { .. } = &screen {
            let payable = |p: &&Payment| matches!(p.state, State::AwaitingShopper { .. });
            assert_eq!(
                self.engine.payments().filter(payable).count(),
                1,
                "a code without a request"
            );
        }
        let shown = show::screen(&screen);
        if shown != show::screen(&self.screen) {
            self.lines.push(format!("screen {shown}"));
        }
        self.screen = screen;
    }

    /// What must hold at all times.
    fn check(&self) {
        let running = |p: &&Payment| p.state.occupies_terminal();
        assert!(self.engine.payments().filter(running).count() <= 1, "two sales at once");
        for payment in self.engine.payments() {
            check_money(payment);
            assert!(payment.is_open() || payment.open_calls().next().is_none(), "{payment:?}");
        }
        let open: Vec<(CallId, &CallKind)> =
            self.engine.payments().flat_map(Payment::open_calls).collect();
        let rows = self.disk.queued.values().map(|row| (row.call.id, &row.call.kind));
        assert_eq!(open, rows.collect::<Vec<_>>(), "engine and outbox");
        self.check_replay();
    }

    /// A terminal that starts now knows the same.
    fn check_replay(&self) {
        let mut replayed = Engine::new(installation(), self.policy.clone(), PaymentId::new(0));
        replayed.replay(self.now, &self.disk.records).expect("the journal is whole");
        for live in self.engine.payments() {
            let replayed = replayed.payment(live.id).expect("it is in the journal");
            assert_eq!(without_timer(live), without_timer(replayed));
            assert_eq!(live.result(), replayed.result());
        }
    }
}

fn without_timer(payment: &Payment) -> String {
    let text = format!("{payment:?}");
    let (before, _) = text.rsplit_once(", timer: ").expect("the timer is the last member");
    before.to_owned()
}

fn check_money(payment: &Payment) {
    let money = payment.money_so_far();
    let whole = payment.sale.amount.minor();
    assert!(money.authorised.minor() <= whole && money.captured.minor() <= whole, "{payment:?}");
    assert!(money.refunded.minor() <= money.captured.minor(), "{payment:?}");
    if let State::Settling { ledger, .. } = &payment.state {
        let (capturable, refundable) = (ledger.capturable().minor(), ledger.refundable().minor());
        assert!((0..=whole).contains(&capturable), "{payment:?}");
        assert!((0..=whole).contains(&refundable), "{payment:?}");
    }
    if let Some(SaleOutcome::NotPaid(_) | SaleOutcome::Voided(_)) = payment.outcome() {
        assert!(money.captured.is_zero(), "{payment:?}");
    }
}
