//! What may still be captured, refunded, released, updated or sent again. Each refusal is typed and
//! says what is still possible.

use super::{Entry, Ledger};
use crate::money::Amount;
use crate::payment::vocabulary::Problem;

/// Most captures of one transaction (Klarna: transaction limits).
pub const CAPTURES_MAX: usize = 200;
/// Most refunds of one transaction (Klarna: transaction limits).
pub const REFUNDS_MAX: usize = 200;
/// Most operations of one transaction, whatever they are (Klarna: transaction limits).
pub const OPERATIONS_MAX: usize = 500;
/// Most releases of one transaction (Klarna: transaction limits).
pub const RELEASES_MAX: usize = 200;

/// One of the calls that a refund takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundPart {
    /// How much of it.
    pub amount: Amount,
    /// Of which capture; of the transaction as a whole when it is absent.
    pub capture: Option<u32>,
}

impl Ledger {
    /// How much a capture of `asked` (all that is left when absent) would take.
    ///
    /// # Errors
    /// [`Problem::ExceedsRest`] or [`Problem::NotAllowed`], saying what is still possible.
    pub fn plan_capture(&self, asked: Option<Amount>) -> Result<Amount, Problem> {
        self.check(asked, self.capturable(), "captured", self.captures.len(), CAPTURES_MAX)
    }

    /// The calls by which a refund of `asked` (all that is left when absent) would give it back.
    /// Klarna takes a refund of the whole transaction only while there is one capture; as soon as
    /// there are or can be more, each part names its capture, oldest first.
    ///
    /// # Errors
    /// [`Problem::ExceedsRest`] or [`Problem::NotAllowed`], saying what is still possible.
    pub fn plan_refund(&self, asked: Option<Amount>) -> Result<Vec<RefundPart>, Problem> {
        let most = REFUNDS_MAX;
        let amount = self.check(asked, self.refundable(), "refunded", self.refunds.len(), most)?;
        if !self.names_captures() {
            return Ok(vec![RefundPart { amount, capture: None }]);
        }
        let (mut parts, mut left) = (Vec::new(), amount.minor());
        for capture in self.captures.iter().filter(|capture| capture.counts()) {
            let minor = left.min(self.rest_of(capture));
            if minor > 0 {
                let amount = Amount::new(minor, amount.currency());
                parts.push(RefundPart { amount, capture: Some(capture.sequence) });
                left -= minor;
            }
        }
        if self.refunds.len() + parts.len() > most {
            return Err(Problem::NotAllowed(format!("{most} times refunded is Klarna's limit")));
        }
        self.has_room(parts.len())?;
        Ok(parts)
    }

    /// How much a release would free: all that was not captured or queued to be.
    ///
    /// # Errors
    /// [`Problem::NotAllowed`] when nothing is left.
    pub fn plan_release(&self) -> Result<Amount, Problem> {
        self.check(None, self.capturable(), "released", self.releases.len(), RELEASES_MAX)
    }

    /// Whether an update may be queued.
    ///
    /// # Errors
    /// [`Problem::NotAllowed`] when everything is captured or released (Klarna: Transaction
    /// management), or there were too many operations.
    pub fn plan_update(&self) -> Result<(), Problem> {
        self.is_open_at_klarna()?;
        if self.capturable().is_zero() {
            let why = "update is not possible: it is only while something is not captured";
            return Err(Problem::NotAllowed(why.to_owned()));
        }
        self.has_room(1)
    }

    /// Whether the refused call with this sequence could still have its effect.
    ///
    /// # Errors
    /// [`Problem`], saying what is still possible.
    pub fn plan_retry(&self, sequence: u32) -> Result<(), Problem> {
        let of = |entries: &[Entry]| {
            entries.iter().find(|entry| entry.sequence == sequence && entry.needs_person()).cloned()
        };
        if of(&self.checks).is_some() {
            let why = "a comparison is not repeated; look into Klarna's portal and resolve it";
            return Err(Problem::NotAllowed(why.to_owned()));
        }
        if let Some(capture) = of(&self.captures) {
            self.check(Some(capture.amount), self.capturable(), "captured", 0, 1)?;
        }
        if let Some(refund) = of(&self.refunds) {
            self.check(Some(refund.amount), self.refundable(), "refunded", 0, 1)?;
            if !self.covers(refund.amount, refund.capture) {
                let why = "the capture that it is about does not cover it any more";
                return Err(Problem::NotAllowed(why.to_owned()));
            }
        }
        if let Some(release) = of(&self.releases) {
            let left = self.plan_release()?;
            if left != release.amount {
                let why = format!("{left} is left now, not {}; release it anew", release.amount);
                return Err(Problem::NotAllowed(why));
            }
        }
        Ok(())
    }

    /// Whether the refused call with this sequence is no update for which it is too late: Klarna
    /// would only refuse it again, or it would undo a later one. It moves no money, so a journal in
    /// which it was sent again is whole.
    ///
    /// # Errors
    /// [`Problem::NotAllowed`].
    pub fn plan_late_update(&self, sequence: u32) -> Result<(), Problem> {
        let mut refused = self.updates.iter().filter(|entry| entry.needs_person());
        if !refused.any(|entry| entry.sequence == sequence) {
            return Ok(());
        }
        let later = |entry: &Entry| entry.sequence > sequence && entry.counts();
        if self.updates.iter().any(later) {
            let why = "a later update was asked for since; resolve the call instead";
            return Err(Problem::NotAllowed(format!("retry is not possible: {why}")));
        }
        self.plan_update()
    }

    /// Whether refunds have to name their capture.
    fn names_captures(&self) -> bool {
        let captures = self.captures.iter().filter(|capture| capture.counts()).count();
        captures != 1 || !self.capturable().is_zero()
    }

    /// Minor units of `capture` that are not refunded or queued to be. Refunds that name none are
    /// about the first one.
    pub(super) fn rest_of(&self, capture: &Entry) -> i64 {
        let first = self.captures.iter().find(|first| first.counts()).map(|first| first.sequence);
        let ours =
            |refund: &&Entry| refund.counts() && refund.capture.or(first) == Some(capture.sequence);
        let refunded: i64 = self.refunds.iter().filter(ours).map(|r| r.amount.minor()).sum();
        capture.amount.minor() - refunded
    }

    fn is_open_at_klarna(&self) -> Result<(), Problem> {
        match self.closed {
            true => Err(Problem::NotAllowed("Klarna has closed this transaction".to_owned())),
            false => Ok(()),
        }
    }

    fn has_room(&self, calls: usize) -> Result<(), Problem> {
        // A comparison is a read.
        match self.money().chain(&self.updates).count() + calls > OPERATIONS_MAX {
            true => {
                let limit = format!("{OPERATIONS_MAX} operations on one transaction are");
                Err(Problem::NotAllowed(format!("{limit} Klarna's limit")))
            }
            false => Ok(()),
        }
    }

    fn check(
        &self,
        asked: Option<Amount>,
        left: Amount,
        verb: &'static str,
        count: usize,
        count_max: usize,
    ) -> Result<Amount, Problem> {
        self.is_open_at_klarna()?;
        let amount = asked.unwrap_or(left);
        if amount.currency() != left.currency() {
            let (got, sold) = (amount.currency().to_string(), left.currency().to_string());
            return Err(Problem::WrongCurrency(got, sold));
        }
        if left.minor() <= 0 {
            return Err(Problem::NothingLeft(format!("nothing is left to be {verb}")));
        }
        if amount.minor() <= 0 {
            let wrong = format!("{amount} is not an amount that can be {verb}; left: {left}");
            return Err(Problem::BadField { field: "amount".to_owned(), wrong });
        }
        if amount.minor() > left.minor() {
            return Err(Problem::ExceedsRest { asked: amount, left, verb });
        }
        if count >= count_max {
            return Err(Problem::NotAllowed(format!("{count_max} times {verb} is Klarna's limit")));
        }
        self.has_room(1)?;
        Ok(amount)
    }
}
