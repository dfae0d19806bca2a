//! What a terminal is told: that something has happened to a payment, and nothing to act on.
//!
//! No amount, no token, no state: the terminal reads Klarna itself.

use crate::clock::Wall;
use crate::id::{Address, EventId, EventType, RequestId, TransactionId};

/// A hint for one terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Klarna's name of what has happened; the same when it is told again.
    pub event: EventId,
    /// What has happened, in Klarna's words.
    pub event_type: EventType,
    /// The payment request that it is about; this or the transaction is there.
    pub request: Option<RequestId>,
    /// The transaction that it is about.
    pub transaction: Option<TransactionId>,
    /// Whom to tell.
    pub address: Address,
    /// When it happened, by Klarna's clock.
    pub occurred_at: Wall,
}

/// Where a message stands in the outbox; counts up and is never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParcelId(pub(super) i64);

impl ParcelId {
    /// Before the first one.
    pub const START: Self = Self(0);
}

/// A message that waits to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// Its place in the outbox.
    pub id: ParcelId,
    /// What it says.
    pub message: Message,
    /// After this nobody needs it any more.
    pub expires_at: Wall,
}
