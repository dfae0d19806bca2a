//! Why an order is not carried out, in the order in which it is looked at.

use super::ENVELOPE_LEN_MAX;
use super::order::Serial;
use crate::broker::Account;
use crate::clock::Wall;

/// Why an order is not carried out. Nothing has happened then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is too long to be looked at.
    #[error("an order of {0} bytes; at most {ENVELOPE_LEN_MAX} are read")]
    TooLong(usize),
    /// It is not of the form, or of a later version.
    #[error("an order that is not understood: {0}")]
    Form(String),
    /// It says that it is signed with a key that this terminal does not have.
    #[error("no such key in push.fleet_keys as the one that an order names")]
    UnknownKey,
    /// The signature is not that key's, or not over this order.
    #[error("the signature of an order is wrong")]
    Signature,
    /// It is for terminals of another account of Klarna.
    #[error("an order for the account {0}, which is not that of klarna.account_id here")]
    OtherAccount(Account),
    /// It is for others.
    #[error("an order for another terminal")]
    NotForUs,
    /// Nobody can tell whether it is in time.
    #[error("an order came while the clock shows a time that cannot be; set the clock")]
    ClockNotSet,
    /// It came too late.
    #[error("an order that was to be carried out earlier; give it again")]
    Expired,
    /// A clock that is far ahead has numbered or dated it. Accepted, it would keep out all orders
    /// of its kind until that time.
    #[error(
        "order {serial} until {until} is too far ahead of this terminal's clock ({}); set the \
         clock of the machine that signs, or this one, and give it again",
        .now.iso8601()
    )]
    TooFarAhead {
        /// Its serial.
        serial: Serial,
        /// Until when it could be carried out.
        until: jiff::Timestamp,
        /// When it came.
        now: Wall,
    },
    /// This one, or a later one of its kind, was accepted before.
    #[error("order {given} is not newer than {last}, the last one of its kind")]
    Replayed {
        /// Its serial.
        given: Serial,
        /// The last one that was accepted.
        last: Serial,
    },
}

impl Refused {
    /// A word for the audit journal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong(_) => "too_long",
            Self::Form(_) => "not_understood",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "wrong_signature",
            Self::OtherAccount(_) => "other_account",
            Self::NotForUs => "not_for_us",
            Self::ClockNotSet => "clock_not_set",
            Self::Expired => "expired",
            Self::TooFarAhead { .. } => "too_far_ahead",
            Self::Replayed { .. } => "replayed",
        }
    }
}
