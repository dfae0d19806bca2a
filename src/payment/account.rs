//! One payment as the engine holds it: its state, its open calls, its commands and its deadline.
//!
//! Everything in it follows from the journal; [`Payment::advance`] is the only way it changes, live
//! and in replay.

use super::Policy;
use super::commands::Commands;
use super::effect::{Call, CallKind, OutboxChange};
use super::event::{Event, Sale};
use super::found::Found;
use super::notice::{Concern, Notice};
use super::state::{About, IllegalEvent, State, Todo};
use super::vocabulary::SaleName;
use crate::clock::{Mono, Now, Wall};
use crate::id::{
    CallId, IdempotencyKey, Installation, Label, POS_REFERENCE_LEN_MAX, PaymentId,
    PaymentReference, PosReference, TransactionId,
};
use crate::money::Amount;
use std::collections::BTreeMap;
use std::time::Duration;

mod told;

/// One attempt to take one amount from one shopper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Our number.
    pub id: PaymentId,
    /// Our name at Klarna.
    pub reference: PaymentReference,
    /// What the till asked for.
    pub sale: Sale,
    /// Where it is.
    pub state: State,
    /// When the till asked.
    pub started: Wall,
    decided: Wall,
    calls: u32,
    open_calls: BTreeMap<u32, OpenCall>,
    operations: Commands,
    opened: bool,
    adopted: bool,
    notices: Vec<Notice>,
    timer: Option<Timer>,
}

/// A call that has no final answer yet, or waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OpenCall {
    kind: CallKind,
    generation: u32,
    refused: bool,
}

/// A deadline, with the length it had when it was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Timer {
    due: Mono,
    lasts: Duration,
}

impl Timer {
    fn set(now: Now, lasts: Duration) -> Option<Self> {
        Some(Self { due: now.mono.after(lasts), lasts })
    }
}

impl Payment {
    /// A payment that begins with [`Event::SaleRequested`], with its first call.
    pub(super) fn begin(
        id: PaymentId,
        sale: &Sale,
        reference: &PaymentReference,
        now: Now,
        setting: Setting<'_>,
    ) -> (Self, Vec<OutboxChange>) {
        let (state, todo) = State::begin(sale, reference);
        let mut payment = Self::new(id, sale.clone(), reference.clone(), state, now);
        if payment.outcome().is_none() {
            payment.timer = Timer::set(now, setting.policy.create_patience);
        }
        let changes = payment.carry_out(todo, setting.installation).into_iter().collect();
        (payment, changes)
    }

    /// A payment that begins with [`Event::Adopted`]: its sale was somebody else's, so our name of
    /// it stands for the till's.
    pub(super) fn adopt(
        id: PaymentId,
        found: &Found,
        reference: &PaymentReference,
        now: Now,
    ) -> Self {
        // Its end, with our number and the installation, is what makes it unique.
        let characters = reference.as_str().chars();
        let skip = characters.clone().count().saturating_sub(POS_REFERENCE_LEN_MAX);
        let tail: String = characters.skip(skip).collect();
        let sale = Sale {
            reference: PosReference::new(tail).expect("a part of a printable reference"),
            amount: found.authorised,
            merchant_reference: found.merchant_reference.clone(),
            line_items: Vec::new(),
            locale: None,
            reserved: false,
        };
        let payment = Self::new(id, sale, reference.clone(), State::adopt(found), now);
        Self { adopted: true, ..payment }
    }

    fn new(id: PaymentId, sale: Sale, reference: PaymentReference, state: State, now: Now) -> Self {
        Self {
            id,
            reference,
            sale,
            state,
            started: now.wall,
            decided: now.wall,
            calls: 0,
            open_calls: BTreeMap::new(),
            operations: Commands::default(),
            opened: false,
            adopted: false,
            notices: Vec::new(),
            timer: None,
        }
    }

    /// Moves on by one event; returns what changes in the outbox with it.
    ///
    /// # Errors
    /// [`IllegalEvent`]; the payment is unchanged.
    pub(super) fn advance(
        &mut self,
        event: &Event,
        now: Now,
        setting: Setting<'_>,
    ) -> Result<Vec<OutboxChange>, IllegalEvent> {
        // In every state, and without a word in any: it is no part of the protocol.
        if let Event::Noted { notice } = event {
            self.notices.push(notice.clone());
            return Ok(Vec::new());
        }
        let about = About { sale: &self.sale, payment_reference: &self.reference };
        let (state, todo) = self.state.clone().on(event, &about)?;
        let outcome_before = self.outcome();
        self.timer = self.next_timer(event, &state, now, setting.policy);
        self.opened |= matches!(event, Event::ShopperOpened);
        self.state = state;
        if self.outcome() != outcome_before {
            self.decided = now.wall;
        }
        let mut changes = self.close_calls(event);
        changes.extend(self.carry_out(todo, setting.installation));
        self.operations.note(event, self.calls, self.sale.amount);
        Ok(changes)
    }

    /// What the acquirer has told of it beside, oldest first; nothing follows from it.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Whether the acquirer has told of a dispute about it, whatever has become of that.
    pub fn is_disputed(&self) -> bool {
        self.notices.iter().any(|notice| notice.concern == Concern::Dispute)
    }

    /// The transaction at the acquirer, once there is one.
    pub fn transaction(&self) -> Option<&TransactionId> {
        match &self.state {
            State::Authorised { transaction }
            | State::Settling { transaction, .. }
            | State::Voiding { transaction, .. }
            | State::Voided { transaction, .. } => Some(transaction),
            State::Creating
            | State::AwaitingShopper { .. }
            | State::ShopperPaying { .. }
            | State::Confirming { .. }
            | State::Abandoning { .. }
            | State::NotPaid { .. }
            | State::Free => None,
        }
    }

    /// The calls that were refused and wait for a person.
    pub fn refused_calls(&self) -> impl Iterator<Item = CallId> {
        let refused = self.open_calls.iter().filter(|(_, call)| call.refused);
        refused.map(|(sequence, _)| CallId { payment: self.id, sequence: *sequence })
    }

    /// Whether somebody else has sold it: no till of ours waits for its result.
    pub fn is_adopted(&self) -> bool {
        self.adopted
    }

    /// When it was authorised and how much of it is not captured yet, while that is this terminal's
    /// to see to.
    pub fn uncaptured(&self) -> Option<(Wall, Amount)> {
        match &self.state {
            State::Authorised { .. } => Some((self.decided, self.sale.amount)),
            State::Settling { ledger, .. } if !ledger.is_adopted() && !ledger.is_complete() => {
                Some((self.decided, ledger.capturable())).filter(|(_, left)| !left.is_zero())
            }
            _ => None,
        }
    }

    /// The calls that have no final answer, oldest first.
    pub fn open_calls(&self) -> impl Iterator<Item = (CallId, &CallKind)> {
        let payment = self.id;
        let id = move |sequence: &u32| CallId { payment, sequence: *sequence };
        let open = self.open_calls.iter().filter(|(_, call)| !call.refused);
        open.map(move |(sequence, call)| (id(sequence), &call.kind))
    }

    /// Whether anything may still happen by itself, or a person has to look.
    pub fn is_open(&self) -> bool {
        match &self.state {
            State::NotPaid { .. } | State::Voided { .. } | State::Free => false,
            State::Settling { ledger, .. } => !ledger.is_complete(),
            State::Creating
            | State::AwaitingShopper { .. }
            | State::ShopperPaying { .. }
            | State::Confirming { .. }
            | State::Authorised { .. }
            | State::Abandoning { .. }
            | State::Voiding { .. } => true,
        }
    }

    /// Whether it was sold here under a reference that begins with `prefix`.
    pub(super) fn is_sold_as(&self, prefix: &str) -> bool {
        !self.is_adopted() && self.sale.reference.as_str().starts_with(prefix)
    }

    /// Whether its number ends in the digits of `name`, and it was sold here.
    pub(super) fn ends_in(&self, name: &SaleName) -> bool {
        let fits = |(modulus, rest)| self.id.number() % modulus == rest;
        !self.is_adopted() && name.number_ends_in().is_some_and(fits)
    }

    /// What the update with this reference was to change the merchant reference to.
    pub(super) fn update(&self, reference: &PosReference) -> Option<&Label> {
        self.operations.get(reference)?.label.as_ref()
    }

    /// All of the till's commands about this payment.
    pub(super) fn operations(&self) -> impl Iterator<Item = &PosReference> {
        self.operations.references()
    }

    /// The point at which this payment moves on by itself.
    pub(super) fn due(&self) -> Option<Mono> {
        self.timer.map(|timer| timer.due)
    }

    /// After a replay, in which wall time stood in for monotonic time: the deadline is what is left
    /// of it, at most its whole length, whatever the wall clock has done meanwhile.
    pub(super) fn resume(&mut self, now: Now) {
        if let Some(timer) = &mut self.timer {
            let left = timer.due.left(replay_axis(now.wall)).min(timer.lasts);
            timer.due = now.mono.after(left);
        }
    }

    fn next_timer(&self, event: &Event, state: &State, now: Now, policy: &Policy) -> Option<Timer> {
        match (event, state) {
            (Event::Created { .. }, State::AwaitingShopper { .. }) => {
                Timer::set(now, policy.sale_timeout)
            }
            (Event::ShopperOpened, _) if !self.opened => {
                let left = self.timer.map(|timer| timer.due.left(now.mono)).unwrap_or_default();
                Timer::set(now, left.max(policy.paying_extension))
            }
            (Event::ShopperLeft, _) if matches!(self.state, State::Confirming { .. }) => {
                Timer::set(now, policy.paying_extension)
            }
            (Event::Approved { .. } | Event::ConfirmRefused { .. }, _) => {
                Timer::set(now, policy.confirm_patience)
            }
            (Event::Authorised { .. }, State::Authorised { .. }) => {
                Timer::set(now, policy.acknowledge_patience)
            }
            (_, State::AwaitingShopper { .. } | State::ShopperPaying { .. }) => self.timer,
            (_, State::Confirming { .. }) => self.timer,
            _ => None,
        }
    }

    fn close_calls(&mut self, event: &Event) -> Vec<OutboxChange> {
        let answered = match event {
            Event::Captured { sequence, .. }
            | Event::Refunded { sequence, .. }
            | Event::Released { sequence, .. }
            | Event::Updated { sequence }
            | Event::Checked { sequence }
            | Event::NotCompared { sequence } => Some(*sequence),
            _ => None,
        };
        // A refused call is taken off by `carry_out`, which keeps it on the list.
        let refused = match event {
            Event::CallRefused { sequence, .. } => Some(*sequence),
            _ => None,
        };
        let closed: Vec<u32> = self
            .open_calls
            .iter()
            .filter(|(_, call)| !call.refused)
            .filter(|(sequence, call)| {
                let is_check = matches!(call.kind, CallKind::Check { .. });
                let wanted = self.state.wants(&call.kind) && !(is_check && event.ends_checks());
                let unwanted = !wanted && Some(**sequence) != refused;
                unwanted || Some(**sequence) == answered
            })
            .map(|(sequence, _)| *sequence)
            .collect();
        let close = |sequence| OutboxChange::Close(CallId { payment: self.id, sequence });
        let changes = closed.iter().map(|sequence| close(*sequence)).collect();
        self.open_calls.retain(|sequence, _| !closed.contains(sequence));
        if matches!(event, Event::VoidDecided { .. }) {
            closed.iter().for_each(|sequence| self.operations.supersede(*sequence));
        }
        changes
    }

    fn carry_out(&mut self, todo: Todo, installation: Installation) -> Option<OutboxChange> {
        let id = |sequence| CallId { payment: self.id, sequence };
        match todo {
            Todo::Nothing => None,
            Todo::Queue(kind) => {
                self.calls += 1;
                let sequence = self.calls;
                if let State::Settling { ledger, .. } = &mut self.state {
                    ledger.number_last(sequence);
                }
                let open = OpenCall { kind: kind.clone(), generation: 0, refused: false };
                self.open_calls.insert(sequence, open);
                Some(OutboxChange::Queue(call(id(sequence), kind, 0, installation)))
            }
            Todo::Refuse(sequence, refusal) => {
                self.open_calls.get_mut(&sequence)?.refused = true;
                Some(OutboxChange::Refuse(id(sequence), refusal))
            }
            Todo::Rekey(sequence) => Some(OutboxChange::Rekey(self.renew(sequence, installation)?)),
            Todo::Retry(sequence) => Some(OutboxChange::Retry(self.renew(sequence, installation)?)),
            Todo::Resolve(sequence) => {
                self.open_calls.remove(&sequence)?;
                Some(OutboxChange::Resolve(id(sequence)))
            }
        }
    }

    /// The call with its next key.
    fn renew(&mut self, sequence: u32, installation: Installation) -> Option<Call> {
        let id = CallId { payment: self.id, sequence };
        let open = self.open_calls.get_mut(&sequence)?;
        (open.generation, open.refused) = (open.generation + 1, false);
        Some(call(id, open.kind.clone(), open.generation, installation))
    }
}

/// What the engine was set up with, as far as payments need it.
#[derive(Clone, Copy)]
pub(super) struct Setting<'a> {
    pub(super) installation: Installation,
    pub(super) policy: &'a Policy,
}

/// Wall time as a point on the monotonic axis: during a replay deadlines are kept in it.
pub(super) fn replay_axis(wall: Wall) -> Mono {
    Mono::new(Duration::from_millis(u64::try_from(wall.millis()).unwrap_or(0)))
}

fn call(id: CallId, kind: CallKind, generation: u32, installation: Installation) -> Call {
    let key = IdempotencyKey::new(installation, id, kind.operation(), kind.amount(), generation);
    Call { id, kind, key, generation }
}
