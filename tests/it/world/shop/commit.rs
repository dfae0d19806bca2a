//! How a decision becomes durable in a run, and what may get in its way.

use super::Millis;
use super::canary::Canary;
use super::run::{DISK_PAUSE, Shop, show};
use super::terminal::Death;
use crate::vfs;
use klarna_terminald::id::{CallId, PaymentId};
use klarna_terminald::payment::Step;
use klarna_terminald::payment::effect::{OutboxChange, QueuedCall};
use klarna_terminald::payment::event::{Event, Record};
use klarna_terminald::payment::retry::Plan;

impl Shop {
    /// Whether the step is durable and the process still runs.
    pub(super) fn commit(&mut self, step: &Step) -> bool {
        let gives_up = step.records.iter().any(|r| matches!(r.event, Event::GivenUp { .. }));
        if self.canary == Some(Canary::ForgetsNeverConfirm) && gives_up && !self.forgotten {
            self.forgotten = true;
            self.tell(&step.replies);
            self.dies(Death::Process);
            return false;
        }
        if self.canary == Some(Canary::SendsBeforeCommit) {
            self.send_early(step);
        }
        if self.is_cut(step) {
            return false;
        }
        if self.t < self.disk_full_until && self.is_taken(step) {
            self.note(step);
            return true;
        }
        if self.t < self.disk_full_until {
            self.disk_retry_at = self.t + DISK_PAUSE;
            if self.canary == Some(Canary::TellsBeforeCommit) {
                self.tell(&step.replies);
            }
            return false;
        }
        let crash = self.strikes(self.faults.crash);
        let before = crash && self.random.chance(500);
        let death = crash.then(|| self.death());
        if let Some(death) = death.filter(|death| before && self.within_commit(step, *death)) {
            self.dies(death);
            return false;
        }
        if !before {
            if let Some(faulty) = &mut self.terminal.faulty {
                assert!(faulty.commit(step, None), "a disk without a fault takes a commit");
            }
            self.note(step);
        }
        if let Some(death) = death {
            self.dies(death);
        }
        !crash
    }

    /// The step is durable.
    pub(super) fn note(&mut self, step: &Step) {
        self.terminal.disk.commit(step);
        self.learn(self.t);
        for record in &step.records {
            let payment = record.payment.map_or(0, PaymentId::number);
            self.story.tell(self.t, payment, format!("recorded {}", show::event(&record.event)));
        }
    }

    /// Takes note of records that are durable since `at`.
    pub(super) fn learn(&mut self, at: Millis) {
        for record in &self.terminal.disk.records[self.recorded.len()..] {
            let Some(payment) = record.payment else { continue };
            match &record.event {
                Event::CallRetried { sequence } => {
                    self.retried.insert(CallId { payment, sequence: *sequence });
                    if let Some(payment) = self.terminal.engine.payment(payment) {
                        self.till.retried.insert(payment.sale.reference.to_string());
                    }
                }
                Event::Adopted { found, .. } => {
                    let id = found.transaction.as_str();
                    if let Some(found) = self.klarna.transactions.get_mut(id) {
                        found.looked = Some(at);
                    }
                }
                Event::CallResolved { sequence, .. } => {
                    self.resolved.insert(CallId { payment, sequence: *sequence });
                }
                _ => {}
            }
        }
        self.recorded.resize(self.terminal.disk.records.len(), at);
    }

    /// On a faulty disk, a power cut before a commit is one in the middle of it.
    pub(super) fn within_commit(&mut self, step: &Step, death: Death) -> bool {
        let Some(faulty) = self.terminal.faulty.as_mut().filter(|_| death != Death::Process) else {
            return false;
        };
        let (at, seed) = (self.random.between(0, 14), self.random.between(0, u64::MAX - 1));
        faulty.cut_within(step, usize::try_from(at).expect("a few"), seed);
        true
    }

    /// The power fails in the commit that the story names.
    pub(super) fn is_cut(&mut self, step: &Step) -> bool {
        let named = |record: &Record| {
            self.cut_at.as_ref().is_some_and(|(name, _)| record.event.name() == name)
        };
        let Some(faulty) = self.terminal.faulty.as_mut() else { return false };
        if !step.records.iter().any(named) {
            return false;
        }
        let (_, at) = self.cut_at.take().expect("it was looked at");
        faulty.cut_within(step, at, at as u64);
        self.dies(Death::PowerAndClock);
        true
    }

    /// Whether a full or failing disk takes the step all the same, on a disk that fails in truth
    /// because the failing write was not needed.
    pub(super) fn is_taken(&mut self, step: &Step) -> bool {
        let Some(faulty) = &mut self.terminal.faulty else { return false };
        let from = usize::try_from(self.random.between(0, 14)).expect("a few");
        let code = self.random.pick(&[vfs::FULL, vfs::IO_ERROR]);
        faulty.commit(step, Some(vfs::Fault { from, count: usize::MAX, code }))
    }

    pub(super) fn send_early(&mut self, step: &Step) {
        for change in &step.outbox {
            if let OutboxChange::Queue(call) = change {
                let row = QueuedCall { call: call.clone(), first_attempt: step.now().wall };
                self.arrives(row, Plan::Send, None);
            }
        }
    }
}
