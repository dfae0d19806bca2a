//! A transaction that others have a hand in: what they have done stands beside our own rows, and is
//! replaced whenever the acquirer is read again.

use super::{Entry, FOREIGN, Ledger, ours};
use crate::id::{CaptureId, EffectReference, RefundId};
use crate::money::Amount;
use crate::payment::event::OperationProgress;
use crate::payment::found::Found;

impl Ledger {
    /// Whether our own rows can be told from those of others in `found`: each names its reference
    /// or its id, or none of them is ours.
    pub fn can_tell(&self, found: &Found) -> bool {
        let silent_capture =
            found.captures.iter().any(|row| row.reference.is_none() && row.id.is_none());
        let silent_refund =
            found.refunds.iter().any(|row| row.reference.is_none() && row.id.is_none());
        let ours = |entries: &[Entry]| ours(entries) > 0;
        !(silent_capture && ours(&self.captures) || silent_refund && ours(&self.refunds))
    }

    /// Takes over what the acquirer says of a transaction that others have a hand in. Our own rows
    /// stay as they are: they are recognised by their references or ids.
    pub(in crate::payment) fn adopt(&mut self, found: &Found) {
        (self.authorised, self.adopted, self.closed) = (found.authorised, true, found.closed);
        for entries in [&mut self.captures, &mut self.refunds, &mut self.releases] {
            entries.retain(|entry| entry.sequence < FOREIGN);
        }
        let sequences = || (0..).map(|index| FOREIGN + index);
        let mut captures = Vec::new();
        for (sequence, row) in sequences().zip(&found.captures) {
            let id = row.id.as_ref().map(CaptureId::as_str);
            if !is_ours(&self.captures, row.reference.as_ref(), id) {
                let reference = row.reference.clone();
                let id = row.id.clone();
                captures.push(Entry { id, ..Entry::foreign(sequence, row.amount, reference) });
            }
        }
        captures.append(&mut self.captures);
        self.captures = captures;
        for (sequence, row) in sequences().zip(&found.refunds) {
            let id = row.id.as_ref().map(RefundId::as_str);
            if !is_ours(&self.refunds, row.reference.as_ref(), id) {
                let of = |entry: &&Entry| row.capture.is_some() && entry.id == row.capture;
                let capture = self.captures.iter().find(of).map(|entry| entry.sequence);
                let entry = Entry::foreign(sequence, row.amount, row.reference.clone());
                self.refunds.push(Entry { capture, ..entry });
            }
        }
        let gone = self.capturable().minor() - found.capturable.minor();
        if gone > 0 && found.capturable.is_zero() {
            let gone = Amount::new(gone, self.authorised.currency());
            self.releases.push(Entry::foreign(FOREIGN, gone, None));
        }
    }

    /// Sold by somebody else.
    pub fn is_adopted(&self) -> bool {
        self.adopted
    }
}

impl Entry {
    pub(super) fn foreign(
        sequence: u32,
        amount: Amount,
        reference: Option<EffectReference>,
    ) -> Self {
        let progress = OperationProgress::Done;
        Self { sequence, progress, ..Self::queued(amount, reference, None) }
    }
}

/// Whether an entry of this terminal stands for the acquirer's row already. One that was refused
/// does not: the acquirer has done it after all, and somebody has seen to it.
fn is_ours(entries: &[Entry], reference: Option<&EffectReference>, id: Option<&str>) -> bool {
    let own = |entry: &&Entry| entry.sequence < FOREIGN && entry.counts();
    entries.iter().filter(own).any(|entry| {
        let named = reference.is_some() && entry.reference.as_ref() == reference;
        let ids =
            [entry.id.as_ref().map(CaptureId::as_str), entry.refund.as_ref().map(RefundId::as_str)];
        named || id.is_some() && ids.contains(&id)
    })
}
