//! One payment as its records tell it, read without the terminal's own sums and states.

use super::Millis;
use super::transaction::minor;
use klarna_terminald::id::{Label, POS_REFERENCE_LEN_MAX};
use klarna_terminald::payment::event::{Event, Record};
use klarna_terminald::payment::vocabulary::OperationKind;
use std::collections::{BTreeMap, BTreeSet};

/// Captured, refunded, still authorised.
pub type Sums = (i64, i64, i64);

#[derive(Default)]
pub struct Told {
    pub sale: String,
    pub reference: String,
    pub amount: i64,
    /// Somebody else's transaction, and what was found of it each time it was looked at.
    pub adopted: Option<String>,
    pub found: Vec<(Millis, Sums)>,
    /// Approvals and decisions, with the true time at which they were durable.
    pub approved: Option<Millis>,
    pub release_decided: Option<Millis>,
    pub given_up: Option<Millis>,
    pub authorised: Option<Millis>,
    pub acknowledged: bool,
    pub ended: bool,
    pub voided: bool,
    pub entries: Vec<Entry>,
    /// Voids by the till's own references.
    pub voids: BTreeSet<String>,
    /// Calls that wait for a person, with Klarna's code; and those that a person has seen to.
    pub refused: BTreeMap<u32, String>,
    pub resolved: BTreeSet<u32>,
    calls: u32,
    has_request: bool,
    pub wrong: Vec<String>,
}

/// A call of the payment that is no part of the sale itself.
#[derive(Debug)]
pub struct Entry {
    pub what: What,
    pub sequence: u32,
    pub at: Millis,
    pub amount: i64,
    pub done: Option<Millis>,
    pub refused: bool,
    /// The sale was voided before its effect was known.
    pub superseded: bool,
    pub label: String,
    /// Of a check: what it expects.
    pub expected: Sums,
    /// The till's command.
    pub command: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Capture,
    Refund,
    Release,
    Update,
    Check,
}

impl Told {
    fn take(&mut self, event: &Event, at: Millis) {
        let text = |reference: &dyn ToString| Some(reference.to_string());
        match event {
            Event::SaleRequested { sale, payment_reference } => {
                self.sale = sale.reference.to_string();
                self.reference = payment_reference.to_string();
                self.amount = sale.amount.minor();
                self.calls = u32::from(self.amount > 0);
            }
            Event::Adopted { found, payment_reference } => {
                self.reference = payment_reference.to_string();
                let skip = self.reference.len().saturating_sub(POS_REFERENCE_LEN_MAX);
                self.sale = self.reference[skip..].to_owned();
                self.amount = found.authorised.minor();
                self.adopted = text(&found.transaction);
                self.found.push((at, minor(&found.sums().expect("small sums"))));
            }
            Event::Created { .. } => {
                self.has_request = true;
                self.calls += u32::from(self.given_up.is_some());
            }
            Event::Unavailable { .. } => {
                (self.has_request, self.given_up) = (true, Some(at));
                self.calls += 1;
            }
            Event::Approved { .. } => {
                self.approved = self.approved.or(Some(at));
                self.calls += 1;
            }
            Event::GivenUp { .. } => {
                self.given_up = Some(at);
                self.calls += u32::from(self.has_request);
            }
            Event::CreateRefused { .. } | Event::RequestEnded { .. } => self.ended = true,
            Event::Authorised { .. } => {
                if self.authorised.replace(at).is_some() {
                    self.wrong.push("authorised twice".to_owned());
                }
                if self.given_up.is_some() {
                    self.release_decided = Some(at);
                    self.calls += 1;
                }
            }
            Event::Acknowledged => self.acknowledged = true,
            Event::VoidDecided { operation, .. } => {
                self.release_decided = Some(at);
                self.voids.extend(operation.as_ref().map(ToString::to_string));
                let open = |entry: &&mut Entry| entry.done.is_none() && !entry.refused;
                self.entries.iter_mut().filter(open).for_each(|entry| entry.superseded = true);
                self.calls += 1;
            }
            Event::Voided { .. } => self.voided = true,
            Event::CaptureQueued { amount, operation } => {
                let command = operation.as_ref().map(ToString::to_string);
                self.queue(What::Capture, amount.minor(), at, command);
            }
            Event::RefundQueued { amount, operation, .. } => {
                self.queue(What::Refund, amount.minor(), at, text(operation));
            }
            Event::ReleaseQueued { amount, operation } => {
                self.queue(What::Release, amount.minor(), at, text(operation));
            }
            Event::UpdateQueued { merchant_reference, operation } => {
                self.queue(What::Update, 0, at, text(operation));
                self.label(merchant_reference);
            }
            Event::CheckQueued => {
                let expected = self.sums();
                self.queue(What::Check, 0, at, None);
                self.entries.last_mut().expect("it was queued").expected = expected;
            }
            Event::Captured { sequence, amount, .. }
            | Event::Refunded { sequence, amount, .. }
            | Event::Released { sequence, amount } => self.done(*sequence, amount.minor(), at),
            Event::Updated { sequence }
            | Event::Checked { sequence }
            | Event::NotCompared { sequence } => {
                self.done(*sequence, 0, at);
            }
            Event::CallRefused { sequence, refusal } => {
                self.is_unresolved(*sequence);
                self.refused.insert(*sequence, refusal.code.clone());
                self.entry(*sequence, |entry| entry.refused = true);
            }
            Event::CallRetried { sequence } => {
                self.supersede_checks();
                self.leaves_the_list(*sequence);
                self.entry(*sequence, |entry| entry.refused = false);
            }
            Event::CallResolved { sequence, .. } => {
                self.leaves_the_list(*sequence);
                self.resolved.insert(*sequence);
            }
            Event::Rekeyed { sequence } => self.is_unresolved(*sequence),
            Event::ShopperOpened
            | Event::ShopperLeft
            | Event::ConfirmDoubted
            | Event::ConfirmRefused { .. }
            | Event::Noted { .. }
            | Event::ShiftEnded { .. } => {}
        }
    }

    /// A comparison gives way to whatever is queued after it.
    fn supersede_checks(&mut self) {
        let open = |entry: &&mut Entry| {
            entry.what == What::Check && entry.done.is_none() && !entry.refused
        };
        self.entries.iter_mut().filter(open).for_each(|entry| entry.superseded = true);
    }

    fn queue(&mut self, what: What, amount: i64, at: Millis, command: Option<String>) {
        self.supersede_checks();
        self.calls += 1;
        self.entries.push(Entry {
            what,
            sequence: self.calls,
            at,
            amount,
            done: None,
            refused: false,
            superseded: false,
            label: String::new(),
            expected: (0, 0, 0),
            command,
        });
    }

    fn label(&mut self, label: &Label) {
        self.entries.last_mut().expect("it was queued").label = label.to_string();
    }

    fn entry(&mut self, sequence: u32, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.sequence == sequence) {
            change(entry);
        }
    }

    fn done(&mut self, sequence: u32, amount: i64, at: Millis) {
        self.is_unresolved(sequence);
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.sequence == sequence) else {
            return self.wrong.push(format!("call {sequence} was done and never queued"));
        };
        let wrong = entry.refused || entry.superseded || entry.amount != amount;
        if entry.done.replace(at).is_some() || wrong {
            self.wrong.push(format!("call {sequence} has two ends, or two amounts"));
        }
    }

    fn is_unresolved(&mut self, sequence: u32) {
        if self.resolved.contains(&sequence) {
            self.wrong.push(format!("call {sequence} was resolved, and goes on"));
        }
    }

    fn leaves_the_list(&mut self, sequence: u32) {
        if self.refused.remove(&sequence).is_none() {
            self.wrong.push(format!("call {sequence} was not on the list"));
        }
    }

    pub fn all(&self, what: What) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.what == what)
    }

    pub fn sum_done(&self, what: What) -> i64 {
        self.all(what).filter(|entry| entry.done.is_some()).map(|entry| entry.amount).sum()
    }

    /// What Klarna must hold while nothing is under way.
    fn sums(&self) -> Sums {
        let counting = |what| self.all(what).filter(|entry| !entry.refused);
        let taken: i64 = counting(What::Capture).map(|entry| entry.amount).sum();
        let released = counting(What::Release).next().is_some();
        let left = if released { 0 } else { self.amount - taken };
        (self.sum_done(What::Capture), self.sum_done(What::Refund), left)
    }

    /// What a command has led to.
    pub fn of_command<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.command.as_deref() == Some(name))
    }

    pub fn knows(&self, name: &str) -> bool {
        self.voids.contains(name) || self.of_command(name).next().is_some()
    }

    /// Whether the command with this name has all of its effect.
    pub fn has_done(&self, name: &str, kind: OperationKind, amount: i64) -> bool {
        let what = match kind {
            OperationKind::Capture => What::Capture,
            OperationKind::Refund => What::Refund,
            OperationKind::Release => What::Release,
            OperationKind::Update => What::Update,
            OperationKind::Void => return self.voids.contains(name) && self.voided,
        };
        let good = |entry: &Entry| entry.what == what && entry.done.is_some();
        let sum: i64 = self.of_command(name).map(|entry| entry.amount).sum();
        let whole = what == What::Update || sum == amount;
        self.knows(name) && self.of_command(name).all(good) && whole
    }

    /// Whether the command with this name was refused, at least in part.
    pub fn has_refused(&self, name: &str) -> bool {
        let void = self.voids.contains(name) && !self.voided;
        let refused = |entry: &Entry| entry.refused || entry.superseded;
        void || self.of_command(name).any(refused)
    }
}

/// All payments of a journal, whose records were durable at these times.
pub fn payments(records: &[Record], recorded: &[Millis]) -> BTreeMap<u32, Told> {
    let mut payments: BTreeMap<u32, Told> = BTreeMap::new();
    for (record, at) in records.iter().zip(recorded) {
        if let Some(id) = record.payment {
            payments.entry(id.number()).or_default().take(&record.event, *at);
        }
    }
    payments
}
