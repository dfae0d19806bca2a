//! A transaction in the simulated Klarna's books, whoever has sold it and whoever moves its money.
//!
//! Sums are counted from the movements at any point in time, so that the judge can say what a look
//! must have seen.

use super::Millis;
use super::faults::{DAY, SECOND};
use klarna_terminald::id::{CaptureId, EffectReference, PaymentReference, RefundId, TransactionId};
use klarna_terminald::money::{Amount, Currency};
use klarna_terminald::payment::found::{Found, FoundCapture, FoundRefund, Sums};

/// How long an authorisation can be captured.
pub const AUTHORISATION_LIFE: Millis = 28 * DAY;

/// What was found of a transaction is no older than this when it is recorded.
pub const LOOK_MAX: Millis = 16 * SECOND;

/// Who has moved money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum By {
    #[default]
    Terminal,
    /// Another shop or terminal, or somebody in Klarna's portal.
    Others,
}

#[derive(Debug, Default)]
pub struct Transaction {
    /// The seller's name of the payment.
    pub of: String,
    pub amount: i64,
    pub at: Millis,
    pub captures: Vec<Movement>,
    pub refunds: Vec<Movement>,
    /// Given back as a whole, before anything was captured.
    pub voided: Option<Millis>,
    /// What was not captured is given back.
    pub released: Option<Millis>,
    /// Whether others have voided or released it.
    pub released_by: By,
    /// The terminal was told that it is given back as a whole, whoever was first.
    pub void_told: bool,
    /// The terminal was told that the rest is given back, whoever was first; how much that is by
    /// the terminal's request.
    pub release_told: Option<i64>,
    pub expired: bool,
    /// Nothing can be done with it any more.
    pub closed: bool,
    /// The merchant references that it was given.
    pub labels: Vec<(Millis, String)>,
    /// Another shop has sold it.
    pub sold_elsewhere: bool,
    /// When others last had a hand in it, or Klarna last denied what it had done.
    pub touched: Option<Millis>,
    /// When the terminal last recorded what it had found of it.
    pub looked: Option<Millis>,
}

#[derive(Debug, Clone, Default)]
pub struct Movement {
    pub at: Millis,
    pub amount: i64,
    /// Empty where others have given none.
    pub reference: String,
    pub by: By,
    /// Of a refund: the number of its capture.
    pub capture: Option<usize>,
    /// Klarna did it, and its answer said that it did not.
    pub denied: bool,
    /// Klarna has said since that it did.
    pub admitted: bool,
}

impl Transaction {
    pub fn captured(&self) -> i64 {
        self.captures.iter().map(|movement| movement.amount).sum()
    }

    pub fn refunded(&self) -> i64 {
        self.refunds.iter().map(|movement| movement.amount).sum()
    }

    /// What is still authorised at `t`.
    pub fn capturable(&self, t: Millis) -> i64 {
        self.sums(t).2
    }

    /// Captured, refunded and still authorised, as of `t`.
    pub fn sums(&self, t: Millis) -> (i64, i64, i64) {
        let until = |list: &[Movement]| -> i64 {
            list.iter().filter(|movement| movement.at <= t).map(|movement| movement.amount).sum()
        };
        let (captured, refunded) = (until(&self.captures), until(&self.refunds));
        let gone = |at: Option<Millis>| at.is_some_and(|at| at <= t);
        let old = t - self.at.min(t) >= AUTHORISATION_LIFE;
        let over = gone(self.voided) || gone(self.released) || self.closed || old;
        (captured, refunded, if over { 0 } else { self.amount - captured })
    }

    /// All sums that a look between `from` and `to` can have seen.
    pub fn seen_between(&self, from: Millis, to: Millis) -> Vec<(i64, i64, i64)> {
        let moved = self.captures.iter().chain(&self.refunds).map(|movement| movement.at);
        let gone = [self.voided, self.released, Some(self.at + AUTHORISATION_LIFE)];
        let times = moved.chain(gone.into_iter().flatten());
        let within = times.filter(|at| (from..=to).contains(at)).chain([from]);
        within.map(|at| self.sums(at)).collect()
    }

    /// What is not refunded of the capture of that number.
    pub fn rest_of(&self, capture: usize) -> i64 {
        let of_it = |refund: &&Movement| refund.capture.unwrap_or(0) == capture;
        let refunded: i64 = self.refunds.iter().filter(of_it).map(|refund| refund.amount).sum();
        self.captures.get(capture).map_or(0, |captured| captured.amount) - refunded
    }

    pub fn found(&self, t: Millis, id: &str) -> Found {
        let reference = |movement: &Movement| EffectReference::new(&movement.reference).ok();
        let capture = |(number, movement): (usize, &Movement)| FoundCapture {
            id: capture_id(id, number),
            reference: reference(movement),
            amount: euros(movement.amount),
        };
        let refund = |(number, movement): (usize, &Movement)| FoundRefund {
            id: match movement.reference.is_empty() {
                true => RefundId::new(format!("{id}:refund:{number}")).ok(),
                false => RefundId::new(&movement.reference).ok(),
            },
            capture: capture_id(id, movement.capture.unwrap_or(0)),
            reference: reference(movement),
            amount: euros(movement.amount),
        };
        Found {
            transaction: TransactionId::new(id).expect("an id"),
            authorised: euros(self.amount),
            capturable: euros(self.capturable(t)),
            captures: self.captures.iter().enumerate().map(capture).collect(),
            refunds: self.refunds.iter().enumerate().map(refund).collect(),
            closed: self.closed,
            merchant_reference: None,
            payment_reference: PaymentReference::new(&self.of).ok(),
        }
    }
}

pub fn minor(sums: &Sums) -> (i64, i64, i64) {
    (sums.captured.minor(), sums.refunded.minor(), sums.capturable.minor())
}

pub fn capture_id(transaction: &str, number: usize) -> Option<CaptureId> {
    CaptureId::new(format!("{transaction}:capture:{}", number + 1)).ok()
}

pub fn euros(minor: i64) -> Amount {
    Amount::new(minor, Currency::new("EUR").expect("a currency"))
}
