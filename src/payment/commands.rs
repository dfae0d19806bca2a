//! What tills and the desk have asked to be done to one payment, and how far each of it is.
//!
//! A command may take several calls; its progress follows from theirs.

use super::effect::{Refusal, RefusalReason};
use super::event::{Event, OperationProgress};
use super::vocabulary::OperationKind;
use crate::id::{Label, PosReference};
use crate::money::Amount;
use std::collections::BTreeMap;

/// The commands of one payment by their references.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Commands(BTreeMap<PosReference, Command>);

/// A capture, refund, void, release or update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) kind: OperationKind,
    pub(super) amount: Amount,
    /// Of an update: the new merchant reference.
    pub(super) label: Option<Label>,
    /// Its calls by their sequence: how much, and how far each is.
    calls: BTreeMap<u32, (Amount, OperationProgress)>,
}

impl Command {
    /// Queued while any of its calls is; done when all are; else refused, and the refusal says what
    /// was done all the same.
    pub(super) fn progress(&self) -> OperationProgress {
        let all = || self.calls.values();
        if all().any(|(_, progress)| *progress == OperationProgress::Queued) {
            return OperationProgress::Queued;
        }
        let refusal = all().find_map(|(_, progress)| match progress {
            OperationProgress::Refused(refusal) => Some(refusal.clone()),
            OperationProgress::Queued | OperationProgress::Done => None,
        });
        let Some(mut refusal) = refusal else { return OperationProgress::Done };
        let done = all().filter(|(_, progress)| *progress == OperationProgress::Done);
        let done: i64 = done.map(|(amount, _)| amount.minor()).sum();
        if done > 0 {
            let done = Amount::new(done, self.amount.currency());
            refusal.text = format!("only {done} of {} was done: {}", self.amount, refusal.text);
        }
        OperationProgress::Refused(refusal)
    }
}

impl Commands {
    pub(super) fn get(&self, reference: &PosReference) -> Option<&Command> {
        self.0.get(reference)
    }

    pub(super) fn references(&self) -> impl Iterator<Item = &PosReference> {
        self.0.keys()
    }

    /// Takes note of `event`; `last` is the sequence of the payment's newest call, `whole` what the
    /// sale is about.
    pub(super) fn note(&mut self, event: &Event, last: u32, whole: Amount) {
        match event {
            Event::Captured { sequence, .. }
            | Event::Refunded { sequence, .. }
            | Event::Released { sequence, .. }
            | Event::Updated { sequence } => self.progress(*sequence, &OperationProgress::Done),
            Event::CallRetried { sequence } => self.progress(*sequence, &OperationProgress::Queued),
            Event::Voided { .. } => self.progress(last, &OperationProgress::Done),
            Event::CallRefused { sequence, refusal } => {
                self.progress(*sequence, &OperationProgress::Refused(refusal.clone()));
            }
            event => self.begin(event, last, whole),
        }
    }

    /// The call was closed before its effect was known, because the sale has gone another way.
    pub(super) fn supersede(&mut self, sequence: u32) {
        let text = "the whole sale was voided before it was done";
        let refusal = Refusal::new(RefusalReason::TooLate, "SUPERSEDED", text);
        self.progress(sequence, &OperationProgress::Refused(refusal));
    }

    fn progress(&mut self, sequence: u32, progress: &OperationProgress) {
        let mut commands = self.0.values_mut();
        if let Some(call) = commands.find_map(|command| command.calls.get_mut(&sequence)) {
            call.1 = progress.clone();
        }
    }

    fn begin(&mut self, event: &Event, last: u32, whole: Amount) {
        let (kind, reference, amount) = match event {
            Event::CaptureQueued { operation: Some(reference), amount } => {
                (OperationKind::Capture, reference, *amount)
            }
            Event::ReleaseQueued { operation, amount } => {
                (OperationKind::Release, operation, *amount)
            }
            Event::RefundQueued { operation, amount, .. } => {
                (OperationKind::Refund, operation, *amount)
            }
            Event::UpdateQueued { operation, .. } => (OperationKind::Update, operation, whole),
            Event::VoidDecided { operation: Some(reference), .. } => {
                (OperationKind::Void, reference, whole)
            }
            _ => return,
        };
        if let Some(command) = self.0.get_mut(reference).filter(|known| known.kind != kind) {
            // What a booking releases is none of what it takes.
            let none = Amount::zero(amount.currency());
            command.calls.insert(last, (none, OperationProgress::Queued));
            return;
        }
        let call = (last, (amount, OperationProgress::Queued));
        if let Some(command) = self.0.get_mut(reference) {
            command.amount = command.amount.checked_add(amount).unwrap_or(command.amount);
            command.calls.extend([call]);
            return;
        }
        let label = match event {
            Event::UpdateQueued { merchant_reference, .. } => Some(merchant_reference.clone()),
            _ => None,
        };
        let command = Command { kind, amount, label, calls: BTreeMap::from([call]) };
        self.0.insert(reference.clone(), command);
    }
}
