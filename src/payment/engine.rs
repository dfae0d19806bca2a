//! The engine: all payments that are still open, and what each input makes of them.
//!
//! It decides ([`Engine::handle`]) and, once that is durable, changes ([`Engine::accept`]). What
//! tills ask is answered in `till`.

use super::Policy;
use super::account::{Payment, Setting, replay_axis};
use super::effect::{OutboxChange, Outcome, RequestState, Screen};
use super::event::{Event, Record, ShiftReport, ShiftTotal};
use super::screen::{result_screen, running_screen};
use super::state::{IllegalEvent, State};
use super::vocabulary::{Reply, Request};
use crate::clock::{Mono, Now};
use crate::id::{
    CallId, Installation, Locale, PaymentId, PaymentReference, PosReference, RequestId,
};
use crate::money::Amount;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// How many finished payments stay in memory; older ones are replayed when a till asks for them.
const FINISHED_IN_MEMORY_MAX: usize = 64;

/// What can come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A till asks something; a shift's closing comes with the totals of the journal.
    Till(Request, Vec<ShiftTotal>),
    /// The link to the till is there again: it is told where things are.
    TillReturned,
    /// A call came back, the `attempts`-th time in a row.
    Outcome {
        /// Which.
        call: CallId,
        /// How often it has been sent since the last restart.
        attempts: u32,
        /// With what.
        outcome: Outcome,
    },
    /// A read or a push about a payment request.
    Observed {
        /// Whose.
        payment: PaymentId,
        /// Which request was looked at.
        request: RequestId,
        /// What it says.
        state: RequestState,
    },
    /// Time has passed.
    Tick,
}

/// What an input means. Nothing of it is true before it is committed and accepted.
#[must_use = "a step that is not committed and accepted never happens"]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    now: Now,
    /// What has happened, in order.
    pub records: Vec<Record>,
    /// What changes in the outbox.
    pub outbox: Vec<OutboxChange>,
    /// The till's references that now mean something; `None` stands for the terminal itself.
    pub references: Vec<(PosReference, Option<PaymentId>)>,
    /// What the till is told once this is durable.
    pub replies: Vec<Reply>,
    payments: BTreeMap<PaymentId, Payment>,
}

impl Step {
    pub(super) fn new(now: Now) -> Self {
        Self {
            now,
            records: Vec::new(),
            outbox: Vec::new(),
            references: Vec::new(),
            replies: Vec::new(),
            payments: BTreeMap::new(),
        }
    }

    /// Whether there is anything to commit.
    pub fn is_durable(&self) -> bool {
        !self.records.is_empty() || !self.outbox.is_empty()
    }

    /// The payments it touches and whether each is still open afterwards.
    pub fn payments(&self) -> impl Iterator<Item = (PaymentId, bool)> {
        self.payments.values().map(|payment| (payment.id, payment.is_open()))
    }

    /// When it was decided.
    pub fn now(&self) -> Now {
        self.now
    }
}

/// A payment request whose state somebody has to read, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// Whose.
    pub payment: PaymentId,
    /// Klarna's id.
    pub request: RequestId,
    /// What was requested.
    pub amount: Amount,
    /// Between two reads.
    pub every: Duration,
}

/// What open payments need of those who speak with the acquirer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// What is to be read.
    pub watches: Vec<Watch>,
    /// The payments with a call in the outbox that somebody waits for, oldest first.
    pub urgent: Vec<PaymentId>,
}

/// Pace of reading while the confirm call is on its way.
const PACE_CONFIRMING: Duration = Duration::from_secs(5);

/// All open payments of this terminal.
#[derive(Debug)]
pub struct Engine {
    pub(super) installation: Installation,
    pub(super) policy: Policy,
    pub(super) payments: BTreeMap<PaymentId, Payment>,
    pub(super) references: HashMap<PosReference, PaymentId>,
    pub(super) shifts: BTreeMap<u32, ShiftReport>,
    last_id: PaymentId,
    lingering: Option<(Screen, Mono)>,
}

impl Engine {
    /// An engine without payments; `last_id` is the newest payment number in the journal.
    pub fn new(installation: Installation, policy: Policy, last_id: PaymentId) -> Self {
        Self {
            installation,
            policy,
            payments: BTreeMap::new(),
            references: HashMap::new(),
            shifts: BTreeMap::new(),
            last_id,
            lingering: None,
        }
    }

    /// Takes in records of the journal: whole payments, each from its first record on, and closed
    /// shifts. Payments that are known already are replaced.
    ///
    /// # Errors
    /// [`IllegalEvent`] when the journal contradicts itself.
    pub fn replay(&mut self, now: Now, records: &[Record]) -> Result<(), IllegalEvent> {
        let mut loaded: BTreeMap<PaymentId, Payment> = BTreeMap::new();
        for record in records {
            let at = Now { mono: replay_axis(record.at), wall: record.at };
            match (record.payment, &record.event) {
                (None, Event::ShiftEnded { report }) => {
                    self.shifts.insert(report.shift, report.clone());
                }
                (Some(id), Event::SaleRequested { sale, payment_reference }) => {
                    let payment = Payment::begin(id, sale, payment_reference, at, self.setting());
                    loaded.insert(id, payment.0);
                }
                (Some(id), event) => {
                    let payment = loaded.get_mut(&id).ok_or_else(|| unknown_payment(event))?;
                    payment.advance(event, at, self.setting())?;
                }
                (None, event) => return Err(unknown_payment(event)),
            }
        }
        for mut payment in loaded.into_values() {
            payment.resume(now);
            self.last_id = self.last_id.max(payment.id);
            self.index(&payment);
            self.payments.insert(payment.id, payment);
        }
        Ok(())
    }

    /// Decides what `input` means at `now`. Changes nothing.
    ///
    /// # Errors
    /// [`IllegalEvent`] when an outcome does not fit its call; the input is to be logged and
    /// dropped.
    pub fn handle(&self, now: Now, input: Input) -> Result<Step, IllegalEvent> {
        let mut draft = Draft { engine: self, step: Step::new(now) };
        match input {
            Input::Till(request, totals) => draft.till(request, totals)?,
            Input::TillReturned => draft.till_returned(),
            Input::Outcome { call, attempts, outcome } => draft.outcome(call, attempts, outcome)?,
            Input::Observed { payment, request, state } => {
                draft.observed(payment, &request, state)?
            }
            Input::Tick => draft.tick()?,
        }
        Ok(draft.finish())
    }

    /// Makes a committed step true; returns what the till is to be told.
    pub fn accept(&mut self, step: Step) -> Vec<Reply> {
        for record in &step.records {
            if let Event::ShiftEnded { report } = &record.event {
                self.shifts.insert(report.shift, report.clone());
            }
        }
        self.lingering = self.lingering.take().filter(|(_, until)| *until > step.now.mono);
        for (id, payment) in step.payments {
            let before = self.payments.get(&id);
            let was_shown = before.is_none_or(|before| before.state.occupies_terminal());
            let changed = before.and_then(Payment::outcome) != payment.outcome();
            if let Some(outcome) = payment.outcome().filter(|_| changed) {
                if was_shown {
                    let screen = result_screen(&payment, outcome);
                    self.lingering = Some((screen, step.now.mono.after(self.policy.linger)));
                }
            } else if payment.stage().is_some() {
                self.lingering = None;
            }
            self.last_id = self.last_id.max(id);
            self.index(&payment);
            self.payments.insert(id, payment);
        }
        self.forget_finished();
        step.replies
    }

    /// What the shopper's display shows.
    pub fn screen(&self, now: Now) -> Screen {
        match self.active() {
            Some(payment) => running_screen(payment, now),
            None => match &self.lingering {
                Some((screen, until)) if *until > now.mono => screen.clone(),
                _ => Screen::Idle,
            },
        }
    }

    /// The point of time at which [`Input::Tick`] has something to do, or the screen changes. It is
    /// passed only once that tick's step is accepted, even an empty one.
    pub fn poll_timeout(&self) -> Option<Mono> {
        let lingering = self.lingering.as_ref().map(|(_, until)| *until);
        self.payments.values().filter_map(Payment::due).chain(lingering).min()
    }

    /// What is needed of those who speak with the acquirer.
    pub fn wanted(&self) -> Wanted {
        let waited_for =
            |payment: &&Payment| payment.open_calls().any(|(_, kind)| kind.is_urgent());
        let urgent = self.payments.values().filter(waited_for).map(|payment| payment.id);
        Wanted { watches: self.watches(), urgent: urgent.collect() }
    }

    /// The payment requests that have to be read, and how often.
    pub fn watches(&self) -> Vec<Watch> {
        let (waiting, close) = (self.policy.read_pace, self.policy.read_pace_close());
        let watch = |payment: &Payment| {
            let (request, every) = match &payment.state {
                State::AwaitingShopper { request, .. } => (request, waiting),
                State::ShopperPaying { request } => (request, close),
                State::Confirming { request, doubted: false, refused: None, .. } => {
                    (request, PACE_CONFIRMING)
                }
                State::Confirming { request, .. } => (request, close),
                State::Creating
                | State::Authorised { .. }
                | State::Settling { .. }
                | State::Abandoning { .. }
                | State::NotPaid { .. }
                | State::Voiding { .. }
                | State::Voided { .. }
                | State::Free => return None,
            };
            let (request, amount) = (request.id.clone(), payment.sale.amount);
            Some(Watch { payment: payment.id, request, amount, every })
        };
        self.payments.values().filter_map(watch).collect()
    }

    /// The till's references in `request` that this engine would have to be told about by the
    /// journal before it can answer.
    pub fn unknown_references<'a>(&self, request: &'a Request) -> Vec<&'a PosReference> {
        let named = match request {
            Request::Sale(sale) => vec![&sale.reference],
            Request::Abort { reference }
            | Request::Status { reference }
            | Request::Acknowledge { reference }
            | Request::EndShift { reference } => vec![reference],
            Request::Capture(operation)
            | Request::Refund(operation)
            | Request::Void(operation)
            | Request::Release(operation) => {
                vec![&operation.reference, &operation.sale]
            }
        };
        named.into_iter().filter(|reference| !self.references.contains_key(reference)).collect()
    }

    /// The language and country of the shopper who stands here, when the till has named it.
    pub fn shopper_locale(&self) -> Option<&Locale> {
        let newest = || self.payments.values().next_back().filter(|_| self.lingering.is_some());
        self.active().or_else(newest)?.sale.locale.as_ref()
    }

    /// Whether a sale is running or its result waits for the till.
    pub fn is_busy(&self) -> bool {
        self.active().is_some()
    }

    /// The payments in memory, oldest first.
    pub fn payments(&self) -> impl Iterator<Item = &Payment> {
        self.payments.values()
    }

    /// One payment, if it is in memory.
    pub fn payment(&self, id: PaymentId) -> Option<&Payment> {
        self.payments.get(&id)
    }

    pub(super) fn active(&self) -> Option<&Payment> {
        self.payments.values().rev().find(|payment| payment.state.occupies_terminal())
    }

    fn setting(&self) -> Setting<'_> {
        Setting { installation: self.installation, policy: &self.policy }
    }

    fn index(&mut self, payment: &Payment) {
        self.references.insert(payment.sale.reference.clone(), payment.id);
        for operation in payment.operations() {
            self.references.insert(operation.clone(), payment.id);
        }
    }

    fn forget_finished(&mut self) {
        let finished = |payment: &&Payment| !payment.is_open();
        let surplus = self.payments.values().filter(finished).count();
        let oldest: Vec<PaymentId> = self
            .payments
            .values()
            .filter(finished)
            .take(surplus.saturating_sub(FINISHED_IN_MEMORY_MAX))
            .map(|payment| payment.id)
            .collect();
        for id in oldest {
            self.payments.remove(&id);
            self.references.retain(|_, payment| *payment != id);
        }
    }
}

/// A step in the making.
pub(super) struct Draft<'a> {
    pub(super) engine: &'a Engine,
    pub(super) step: Step,
}

impl Draft<'_> {
    /// The payment as this step has left it so far.
    pub(super) fn payment(&self, id: PaymentId) -> Option<&Payment> {
        self.step.payments.get(&id).or_else(|| self.engine.payments.get(&id))
    }

    /// Begins a payment.
    pub(super) fn begin(&mut self, sale: super::event::Sale) -> PaymentId {
        let id = self.engine.last_id.next();
        let now = self.step.now;
        let payment_reference = self.payment_reference(id);
        let (payment, changes) =
            Payment::begin(id, &sale, &payment_reference, now, self.engine.setting());
        self.step.references.push((sale.reference.clone(), Some(id)));
        let event = Event::SaleRequested { sale, payment_reference };
        self.step.records.push(Record { payment: Some(id), at: now.wall, event });
        self.step.outbox.extend(changes);
        self.step.payments.insert(id, payment);
        id
    }

    /// Records that `event` has happened to payment `id`.
    pub(super) fn record(&mut self, id: PaymentId, event: Event) -> Result<(), IllegalEvent> {
        let known = self.payment(id).ok_or_else(|| unknown_payment(&event))?;
        let mut payment = known.clone();
        let now = self.step.now;
        let changes = payment.advance(&event, now, self.engine.setting())?;
        self.step.outbox.extend(changes);
        self.step.records.push(Record { payment: Some(id), at: now.wall, event });
        self.step.payments.insert(id, payment);
        Ok(())
    }

    /// The reference under which Klarna and the settlement file know payment `id`: prefix, UTC
    /// date, number, and the installation, so that a wiped terminal never repeats one.
    fn payment_reference(&self, id: PaymentId) -> PaymentReference {
        let date: String =
            self.step.now.wall.iso8601().chars().take(10).filter(|c| *c != '-').collect();
        let prefix = &self.engine.policy.reference_prefix;
        let text = format!("{prefix}-{date}-{id}-{}", self.engine.installation.short());
        PaymentReference::new(text).expect("configuration keeps the prefix short and printable")
    }

    fn till_returned(&mut self) {
        let Some(payment) = self.engine.active() else { return };
        let reference = payment.sale.reference.clone();
        let reply = match (payment.result(), payment.stage()) {
            (Some(result), _) => Reply::Result(Box::new(result)),
            (None, Some(stage)) => Reply::Progress { reference, stage },
            (None, None) => return,
        };
        self.step.replies.push(reply);
    }

    fn finish(mut self) -> Step {
        let mut told = Vec::new();
        for payment in self.step.payments.values() {
            let before = self.engine.payments.get(&payment.id);
            let reference = payment.sale.reference.clone();
            if payment.outcome() != before.and_then(Payment::outcome) {
                told.extend(payment.result().map(|result| Reply::Result(Box::new(result))));
            } else if payment.stage() != before.and_then(Payment::stage) {
                told.extend(payment.stage().map(|stage| Reply::Progress { reference, stage }));
            }
            for command in payment.operations() {
                let now = payment.operation(command);
                if now != before.and_then(|before| before.operation(command)) {
                    told.extend(now.map(|operation| Reply::Operation(Box::new(operation))));
                }
            }
        }
        self.step.replies.extend(told);
        self.step
    }
}

fn unknown_payment(event: &Event) -> IllegalEvent {
    IllegalEvent { state: "unknown payment", event: event.name() }
}
