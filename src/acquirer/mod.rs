//! Whoever moves the money: carries out calls and reads states, one acquirer or the other.
//!
//! It decides nothing: which call is sent, again or at all, is said by `payment`. An answer that
//! does not belong to its question is never taken for one.

pub mod klarna;

use crate::id::{RequestId, TransactionId};
use crate::money::Amount;
use crate::payment::effect::{Call, Delay, Outcome, RequestState};
use crate::payment::found::{Found, NotFound};

/// The acquirer that this terminal works with.
#[derive(Debug)]
pub enum Acquirer {
    /// The Klarna Network API, version 1.
    Klarna(klarna::Klarna),
}

/// How many calls per second the acquirer takes from one account; 0 for any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quotas {
    /// Captures.
    pub captures_per_s: u32,
    /// All other calls.
    pub management_per_s: u32,
}

/// What was learnt from the last answer of the acquirer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// From the first byte of the question to the last one of the answer, in milliseconds.
    pub took_ms: u64,
    /// The answer's HTTP status.
    pub status: u16,
    /// By how many seconds its clock is ahead of this machine's, if it has said what time it is
    /// (RFC 9110, 6.6.1: `Date`, to the second).
    pub ahead_s: Option<i64>,
}

impl Acquirer {
    /// The last exchange that was answered, if there was one.
    pub fn last_exchange(&self) -> Option<Exchange> {
        match self {
            Self::Klarna(klarna) => klarna.last_exchange(),
        }
    }

    /// What it allows.
    pub fn quotas(&self) -> Quotas {
        match self {
            Self::Klarna(klarna) => klarna.quotas(),
        }
    }

    /// Sends `call` once, with the key it carries.
    pub async fn execute(&self, call: &Call) -> Outcome {
        match self {
            Self::Klarna(klarna) => klarna.execute(call).await,
        }
    }

    /// Looks whether `call` has taken effect earlier, without changing anything:
    /// [`Outcome::Absent`] when it certainly has not.
    pub async fn find_effect(&self, call: &Call) -> Outcome {
        match self {
            Self::Klarna(klarna) => klarna.find_effect(call).await,
        }
    }

    /// Reads a transaction, whoever has sold it.
    ///
    /// # Errors
    /// [`NotFound`].
    pub async fn look_up(&self, transaction: &TransactionId) -> Result<Found, NotFound> {
        match self {
            Self::Klarna(klarna) => klarna.look_up(transaction).await,
        }
    }

    /// Reads the state of a payment request over `amount`.
    ///
    /// # Errors
    /// Why it could not be read, and when to ask again.
    pub async fn read(&self, request: &RequestId, amount: Amount) -> Result<RequestState, Delay> {
        match self {
            Self::Klarna(klarna) => klarna.read_request(request, amount).await,
        }
    }

    /// Opens the connection ahead of the first sale, so that a sale costs one round trip.
    ///
    /// # Errors
    /// Why the acquirer cannot be reached.
    pub async fn warm_up(&self) -> Result<(), Delay> {
        match self {
            Self::Klarna(klarna) => klarna.warm_up().await,
        }
    }
}
