//! A step in the making: what one input has come to so far. `till`, `command` and `world` write it.

use super::account::Payment;
use super::engine::Engine;
use super::event::{Event, Record, Sale};
use super::found::Found;
use super::state::{IllegalEvent, State};
use super::step::Step;
use super::vocabulary::{Reply, SaleName};
use crate::id::{PaymentId, PaymentReference};

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
    pub(super) fn begin(&mut self, sale: Sale) -> PaymentId {
        let id = self.engine.last_id.next();
        let now = self.step.now;
        let payment_reference = self.payment_reference(id);
        let (payment, changes) =
            Payment::begin(id, &sale, &payment_reference, now, self.engine.setting());
        self.step.references.push((sale.reference.clone(), Some(id)));
        self.step.names.push((SaleName::Payment(payment_reference.clone()), id));
        let event = Event::SaleRequested { sale, payment_reference };
        self.step.records.push(Record { payment: Some(id), at: now.wall, event });
        self.step.outbox.extend(changes);
        self.step.payments.insert(id, payment);
        id
    }

    /// Takes over somebody else's transaction as a payment of its own.
    pub(super) fn adopt(&mut self, found: Found) -> PaymentId {
        let id = self.engine.last_id.next();
        let payment_reference = self.payment_reference(id);
        let payment = Payment::adopt(id, &found, &payment_reference, self.step.now);
        self.step.names.push((SaleName::Payment(payment_reference.clone()), id));
        self.step.names.push((SaleName::Transaction(found.transaction.clone()), id));
        let event = Event::Adopted { found, payment_reference };
        self.step.records.push(Record { payment: Some(id), at: self.step.now.wall, event });
        self.step.payments.insert(id, payment);
        id
    }

    /// Records that `event` has happened to payment `id`.
    pub(super) fn record(&mut self, id: PaymentId, event: Event) -> Result<(), IllegalEvent> {
        let known = self.payment(id).ok_or_else(|| unknown_payment(&event))?;
        let mut payment = known.clone();
        let now = self.step.now;
        let changes = payment.advance(&event, now, self.engine.setting())?;
        if let Event::Authorised { transaction, .. } = &event {
            self.step.names.push((SaleName::Transaction(transaction.clone()), id));
        }
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

    /// Only what nothing is queued for: a queued call finds out by itself.
    pub(super) fn started(&mut self) -> Result<(), IllegalEvent> {
        let at_rest = |payment: &&Payment| match &payment.state {
            State::Settling { ledger, .. } => payment.is_open() && ledger.is_to_be_checked(),
            _ => false,
        };
        let due: Vec<PaymentId> =
            self.engine.payments.values().filter(at_rest).map(|payment| payment.id).collect();
        due.into_iter().try_for_each(|id| self.record(id, Event::CheckQueued))
    }

    pub(super) fn till_returned(&mut self) {
        let Some(payment) = self.engine.active() else { return };
        let reference = payment.sale.reference.clone();
        let reply = match (payment.result(), payment.stage()) {
            (Some(result), _) => Reply::Result(Box::new(result)),
            (None, Some(stage)) => Reply::Progress { reference, stage },
            (None, None) => return,
        };
        self.step.replies.push(reply);
    }

    pub(super) fn finish(mut self) -> Step {
        let mut told = Vec::new();
        for payment in self.step.payments.values() {
            let before = self.engine.payments.get(&payment.id);
            let reference = payment.sale.reference.clone();
            if payment.outcome() != before.and_then(Payment::outcome) && !payment.is_adopted() {
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

pub(super) fn unknown_payment(event: &Event) -> IllegalEvent {
    IllegalEvent { state: "unknown payment", event: event.name() }
}
