//! The engine: all payments that are still open, and what each input makes of them.
//!
//! It decides ([`Engine::handle`]) and, once that is durable, changes ([`Engine::accept`]). What
//! tills ask is answered in `till`.

use super::Policy;
use super::account::{Payment, Setting, replay_axis};
use super::draft::{Draft, unknown_payment};
use super::effect::RequestState;
use super::event::{Event, Record};
use super::found::Found;
use super::notice::Notices;
use super::screen::{Lingering, Screen, running_screen};
use super::shift::{ShiftReport, Turnover};
use super::state::{IllegalEvent, State};
use super::step::{Input, Needed, Step, Wanted, Watch};
use super::vocabulary::{Reply, Request, SaleName};
use crate::clock::{Mono, Now, Wall};
use crate::id::{ConfirmationToken, Installation, Locale, PaymentId, PosReference, TransactionId};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// How many finished payments stay in memory; older ones are replayed when a till asks for them.
const FINISHED_IN_MEMORY_MAX: usize = 64;

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
    pub(super) last_id: PaymentId,
    pub(super) notices: Notices,
    lingering: Option<Lingering>,
    /// Counts how often calls that pause were to be sent at once.
    hurried: u64,
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
            notices: Notices::default(),
            lingering: None,
            hurried: 0,
        }
    }

    /// An engine that only shows what `records` say: replay depends on no policy but for deadlines,
    /// which mean nothing here.
    ///
    /// # Errors
    /// As [`Engine::replay`].
    pub fn for_reading(
        installation: Installation,
        records: &[Record],
    ) -> Result<Self, IllegalEvent> {
        let mut engine = Self::new(installation, Policy::for_reading(), PaymentId::new(0));
        let wall = records.last().map_or(Wall::from_millis(0), |record| record.at);
        engine.replay(Now { mono: Mono::default(), wall }, records)?;
        Ok(engine)
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
                (None, Event::Noted { notice }) => self.notices.note(notice, record.at),
                (Some(id), Event::SaleRequested { sale, payment_reference }) => {
                    let payment = Payment::begin(id, sale, payment_reference, at, self.setting());
                    loaded.insert(id, payment.0);
                }
                (Some(id), Event::Adopted { found, payment_reference })
                    if !loaded.contains_key(&id) =>
                {
                    loaded.insert(id, Payment::adopt(id, found, payment_reference, at));
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
            Input::Till(request, turnover) => draft.till(request, turnover, None)?,
            Input::Looked { request, found } => {
                draft.till(request, Turnover::default(), Some(found))?
            }
            Input::Started => draft.started()?,
            Input::TillReturned => draft.till_returned(),
            Input::Outcome { call, attempts, outcome } => draft.outcome(call, attempts, outcome)?,
            Input::Observed { payment, request, state } => {
                draft.observed(payment, &request, state)?
            }
            Input::Noted { notice, is_ours } => draft.noted(notice, is_ours)?,
            Input::Tick => draft.tick()?,
        }
        Ok(draft.finish())
    }

    /// Makes a committed step true; returns what the till is to be told.
    pub fn accept(&mut self, step: Step) -> Vec<Reply> {
        self.hurried += u64::from(step.hurry);
        for record in &step.records {
            match (record.payment, &record.event) {
                (None, Event::ShiftEnded { report }) => {
                    self.shifts.insert(report.shift, report.clone());
                }
                (None, Event::Noted { notice }) => self.notices.note(notice, record.at),
                _ => {}
            }
        }
        let (now, linger) = (step.now.mono, self.policy.linger);
        self.lingering = self.lingering.as_ref().and_then(|shown| shown.at(now)).cloned();
        for (id, payment) in step.payments {
            let before = self.payments.get(&id);
            let was_shown = before.is_none_or(|before| before.state.occupies_terminal())
                && !payment.is_adopted();
            let changed = before.and_then(Payment::outcome) != payment.outcome();
            if let Some(outcome) = payment.outcome().filter(|_| changed) {
                let is_shown = self.lingering.as_ref().is_some_and(|it| it.payment() == id);
                if was_shown || is_shown {
                    self.lingering = Some(Lingering::sale(&payment, outcome, now, linger));
                }
            } else if payment.stage().is_some() {
                self.lingering = None;
            }
            self.last_id = self.last_id.max(id);
            self.index(&payment);
            self.payments.insert(id, payment);
        }
        // A question that is asked again is no news for whoever stands at the terminal now.
        let is_news = step.records.iter().any(|record| record.event.is_about_a_return());
        for reply in step.replies.iter().filter(|_| is_news) {
            if let Reply::Operation(told) = reply
                && let Some(payment) = self.payment_of_sale(&told.sale)
            {
                let news = Lingering::refund(payment, told, self.lingering.as_ref(), now, linger);
                self.lingering = news.or(self.lingering.take());
            }
        }
        self.forget_finished();
        step.replies
    }

    /// What the shopper's display shows.
    pub fn screen(&self, now: Now) -> Screen {
        match self.active() {
            Some(payment) => running_screen(payment),
            None => {
                let shown = self.lingering.as_ref().and_then(|shown| shown.at(now.mono));
                shown.map_or(Screen::Idle, |shown| shown.screen().clone())
            }
        }
    }

    /// The point of time at which [`Input::Tick`] has something to do, or the screen changes. It is
    /// passed only once that tick's step is accepted, even an empty one.
    pub fn poll_timeout(&self) -> Option<Mono> {
        let lingering = self.lingering.as_ref().and_then(Lingering::until);
        self.payments.values().filter_map(Payment::due).chain(lingering).min()
    }

    /// What is needed of those who speak with the acquirer.
    pub fn wanted(&self) -> Wanted {
        let waited_for =
            |payment: &&Payment| payment.open_calls().any(|(_, kind)| kind.is_urgent());
        let urgent = self.payments.values().filter(waited_for).map(|payment| payment.id);
        Wanted { watches: self.watches(), urgent: urgent.collect(), hurried: self.hurried }
    }

    /// The payment requests that have to be read, and how often.
    pub fn watches(&self) -> Vec<Watch> {
        let (waiting, close) = (self.policy.read_pace, self.policy.read_pace_close());
        let watch = |payment: &Payment| {
            let pending = |token: &ConfirmationToken| RequestState::PendingConfirmation {
                token: token.clone(),
            };
            let (request, known, every) = match &payment.state {
                State::AwaitingShopper { request, .. } => {
                    (request, RequestState::Submitted, waiting)
                }
                State::ShopperPaying { request } => (request, RequestState::InProgress, close),
                State::Confirming { request, token, doubted: false, refused: None } => {
                    (request, pending(token), PACE_CONFIRMING)
                }
                State::Confirming { request, token, .. } => (request, pending(token), close),
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
            Some(Watch { payment: payment.id, request, amount, known, every })
        };
        self.payments.values().filter_map(watch).collect()
    }

    /// What this engine would have to be told by the journal before it can answer `request`, and
    /// what the acquirer has `found` for it.
    pub fn needed(&self, request: &Request, found: Option<&Found>) -> Vec<Needed> {
        let own = SaleName::Till(request.reference().clone());
        let id = found.map(|found| SaleName::Transaction(found.transaction.clone()));
        let name = found.and_then(|found| found.payment_reference.clone()).map(SaleName::Payment);
        let names = [Some(own), request.sale().cloned(), id, name].into_iter().flatten();
        // The newest one in memory need not be the newest one that the digits fit.
        let is_needed =
            |name: &SaleName| name.number_ends_in().is_some() || self.named(name).is_none();
        let unknown = names.filter(is_needed).map(Needed::Name);
        let payment = match request {
            Request::Retry { call: Some(call), .. } | Request::Resolve { call, .. } => {
                Some(call.payment).filter(|id| !self.payments.contains_key(id))
            }
            _ => None,
        };
        let last = match request {
            Request::Last { prefix, .. } => Some(Needed::Last(prefix)),
            _ => None,
        };
        unknown.chain(payment.map(Needed::Payment)).chain(last).collect()
    }

    /// The payment in memory that goes by `name`.
    pub(super) fn named(&self, name: &SaleName) -> Option<&Payment> {
        match name {
            SaleName::Till(reference) => {
                self.references.get(reference).and_then(|id| self.payments.get(id))
            }
            SaleName::Number(number) => self.payments.get(number),
            SaleName::Receipt(_) | SaleName::Trace(_) => {
                self.payments.values().rev().find(|payment| payment.ends_in(name))
            }
            SaleName::Payment(reference) => {
                self.payments.values().find(|payment| payment.reference == *reference)
            }
            SaleName::Transaction(id) => {
                let is_it = |known: &TransactionId| known.is_same(id.as_str());
                self.payments.values().find(|payment| payment.transaction().is_some_and(is_it))
            }
        }
    }

    fn payment_of_sale(&self, sale: &PosReference) -> Option<&Payment> {
        self.payments.values().find(|payment| payment.sale.reference == *sale)
    }

    /// The language and country of the shopper who stands here, when the till has named it.
    pub fn shopper_locale(&self) -> Option<&Locale> {
        match self.active() {
            Some(payment) => payment.sale.locale.as_ref(),
            None => self.lingering.as_ref()?.locale(),
        }
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

    pub(super) fn setting(&self) -> Setting<'_> {
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
