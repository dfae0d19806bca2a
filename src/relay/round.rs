//! Where each message of the outbox stands that has been given to the line, so that none is said
//! twice over a line that stands. Pure: it knows no line, no file and no clock.
//!
//! What it remembers is in the outbox too, and so has its bound.

use super::message::ParcelId;
use std::collections::BTreeSet;

/// The way through the outbox, from the oldest message on.
#[derive(Debug)]
pub(super) struct Round {
    /// Messages up to here have been looked at.
    after: ParcelId,
    /// The broker has not answered yet.
    under_way: BTreeSet<ParcelId>,
    /// The broker has them, and the file still has.
    taken: BTreeSet<ParcelId>,
    /// The broker does not want them.
    refused: BTreeSet<ParcelId>,
}

impl Round {
    /// Before the first message.
    pub(super) fn begin() -> Self {
        let [under_way, taken, refused] = [const { BTreeSet::new() }; 3];
        Self { after: ParcelId::START, under_way, taken, refused }
    }

    /// Messages behind this one are to be looked at.
    pub(super) fn after(&self) -> ParcelId {
        self.after
    }

    /// Whether it is to be said now.
    pub(super) fn wants(&self, id: ParcelId) -> bool {
        ![&self.under_way, &self.taken, &self.refused].iter().any(|set| set.contains(&id))
    }

    /// It has been looked at.
    pub(super) fn pass(&mut self, id: ParcelId) {
        self.after = self.after.max(id);
    }

    /// It has been given to the line.
    pub(super) fn given(&mut self, id: ParcelId) {
        self.under_way.insert(id);
        self.pass(id);
    }

    /// The broker has it.
    pub(super) fn taken(&mut self, id: ParcelId) {
        self.under_way.remove(&id);
        self.taken.insert(id);
    }

    /// The broker does not want it; it is left alone until [`Round::ask_again`].
    pub(super) fn refused(&mut self, id: ParcelId) {
        self.under_way.remove(&id);
        self.refused.insert(id);
    }

    /// The line ended first: it is said again.
    pub(super) fn broke(&mut self, id: ParcelId) {
        self.under_way.remove(&id);
        self.go_back_to(id);
    }

    /// Whether there are messages that the broker does not want.
    pub(super) fn has_refused(&self) -> bool {
        !self.refused.is_empty()
    }

    /// What the broker did not want is said again.
    pub(super) fn ask_again(&mut self) {
        if let Some(oldest) = self.refused.first().copied() {
            self.refused.clear();
            self.go_back_to(oldest);
        }
    }

    /// Whether messages are in the file that the broker has.
    pub(super) fn has_taken(&self) -> bool {
        !self.taken.is_empty()
    }

    /// The oldest `count` of them.
    pub(super) fn oldest_taken(&self, count: usize) -> Vec<ParcelId> {
        self.taken.iter().take(count).copied().collect()
    }

    /// They are no longer in the file.
    pub(super) fn forget(&mut self, gone: &[ParcelId]) {
        for id in gone {
            self.taken.remove(id);
        }
    }

    fn go_back_to(&mut self, id: ParcelId) {
        self.after = self.after.min(ParcelId(id.0.saturating_sub(1)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a look at an outbox with these messages gives to the line.
    fn look(round: &mut Round, outbox: &[i64]) -> Vec<i64> {
        let after = round.after().0;
        let found: Vec<i64> = outbox.iter().copied().filter(|id| *id > after).collect();
        let wanted = |id: &i64| round.wants(ParcelId(*id));
        let given: Vec<i64> = found.iter().copied().filter(wanted).collect();
        given.iter().for_each(|id| round.given(ParcelId(*id)));
        found.iter().for_each(|id| round.pass(ParcelId(*id)));
        given
    }

    #[test]
    fn what_the_broker_has_is_not_said_again_while_the_file_cannot_be_written() {
        let mut round = Round::begin();
        assert_eq!(look(&mut round, &[1, 2, 3]), [1, 2, 3]);
        round.taken(ParcelId(1));
        round.taken(ParcelId(2));
        round.broke(ParcelId(3));
        assert_eq!(look(&mut round, &[1, 2, 3, 4]), [3, 4], "1 and 2 cannot be deleted");
        assert_eq!(round.oldest_taken(1), [ParcelId(1)]);
        round.forget(&[ParcelId(1), ParcelId(2)]);
        assert!(!round.has_taken());
    }

    #[test]
    fn a_line_that_breaks_repeats_only_what_was_not_answered() {
        let mut round = Round::begin();
        look(&mut round, &[1, 2, 3, 4]);
        round.taken(ParcelId(3));
        round.broke(ParcelId(2));
        assert_eq!(look(&mut round, &[1, 2, 3, 4]), [2], "1 and 4 are still under way");
        round.broke(ParcelId(4));
        round.broke(ParcelId(1));
        assert_eq!(look(&mut round, &[1, 2, 3, 4]), [1, 4]);
    }

    #[test]
    fn what_is_refused_waits_and_holds_up_nothing() {
        let mut round = Round::begin();
        look(&mut round, &[1, 2]);
        round.refused(ParcelId(1));
        round.taken(ParcelId(2));
        assert_eq!(look(&mut round, &[1, 2, 3]), [3]);
        round.broke(ParcelId(3));
        assert_eq!(look(&mut round, &[1, 2, 3]), [3], "a new line is not held up either");
        assert!(round.has_refused());
        round.ask_again();
        assert!(!round.has_refused());
        assert_eq!(look(&mut round, &[1, 2, 3]), [1]);
    }
}
