//! Calls that waited for a capture which was refused: they go with it.

use super::{Entry, Ledger};

impl Ledger {
    /// A queued refund, by its call's sequence, that no capture covers any more: its own was
    /// refused, or the captures before it are too little (calls are sent in their order, so a later
    /// one cannot help). It was never sent: it waits for the capture that was refused.
    pub fn uncovered_refund(&self) -> Option<u32> {
        let refused = |sequence: u32| {
            self.captures.iter().any(|capture| capture.sequence == sequence && !capture.counts())
        };
        let uncovered = |refund: &&Entry| {
            let earlier = |entry: &Entry| entry.is_done() || entry.order() <= refund.sequence;
            let before = |entry: &&Entry| entry.counts() && earlier(entry);
            let sum = |entries: &[Entry]| -> i64 {
                entries.iter().filter(before).map(|entry| entry.amount.minor()).sum()
            };
            refund.capture.is_some_and(refused) || sum(&self.refunds) > sum(&self.captures)
        };
        let queued = self.refunds.iter().filter(|entry| entry.is_queued());
        queued.rev().find(uncovered).map(|entry| entry.sequence)
    }

    /// A queued release, by its call's sequence, that waited for a capture which was refused: with
    /// it what the capture was about would be gone. It was never sent.
    pub fn orphaned_release(&self) -> Option<u32> {
        let mut orphaned = self.releases.iter().filter(|entry| entry.is_queued() && entry.orphaned);
        orphaned.next().map(|entry| entry.sequence)
    }
}
