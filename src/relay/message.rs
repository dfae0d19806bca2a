//! What a terminal is told: that something has happened to a payment, and nothing to act on.
//!
//! No amount, no token, no state: the terminal reads Klarna itself.

use crate::clock::Wall;
use crate::id::{Address, DisputeId, EventId, EventType, RequestId, TransactionId};
use crate::payment::notice::{Concern, Notice};

/// Who is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// The terminal whose payment it is.
    Terminal(Address),
    /// All of the account, because it concerns all, or because nobody knows whose payment it is.
    Everybody,
}

impl std::fmt::Display for Whom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Terminal(address) => address.fmt(f),
            Self::Everybody => f.write_str("everybody"),
        }
    }
}

/// A hint, or something that people are to know.
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
    /// What it is about, where people are to know of it.
    pub concern: Option<Concern>,
    /// The dispute that it is about.
    pub dispute: Option<DisputeId>,
    /// Whom to tell.
    pub whom: Whom,
    /// When it happened, by Klarna's clock.
    pub occurred_at: Wall,
}

impl Message {
    /// What people are to know, if it is such a message.
    pub fn notice(&self) -> Option<Notice> {
        Some(Notice {
            id: self.event.clone(),
            concern: self.concern?,
            kind: self.event_type.clone(),
            transaction: self.transaction.clone(),
            dispute: self.dispute.clone(),
            occurred_at: Some(self.occurred_at),
        })
    }
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
