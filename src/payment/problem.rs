//! Why a command is not accepted: typed, and each says what to do or what is still possible.

use super::vocabulary::{SaleName, Stage};
use crate::id::{CallId, PosReference};
use crate::money::Amount;

/// Why a command is not accepted. Nothing has changed; the code is for the till's program, the
/// text for the cashier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Another sale runs.
    #[error("the terminal is busy with sale {0}; wait for its result or abort it")]
    Busy(PosReference),
    /// The last sale's result was not acknowledged.
    #[error("the result of sale {0} was not acknowledged; ask for its status and acknowledge it")]
    Unacknowledged(PosReference),
    /// The reference was used for something else.
    #[error("reference {0} was used for {1}; use a new reference for a new command")]
    ReferenceReused(PosReference, String),
    /// Nothing is known under this reference.
    #[error("nothing is known under reference {0}")]
    NotKnown(PosReference),
    /// The sale that a command names is neither in the journal nor known to Klarna.
    #[error("no sale is known under {0}{hint}", hint = .0.hint())]
    SaleNotKnown(SaleName),
    /// Klarna has to be asked about the sale first, and cannot be.
    #[error(
        "Klarna has to be asked about {0} and cannot be now ({1}); nothing was recorded, try again \
         when the terminal is online"
    )]
    Offline(SaleName, String),
    /// There is no refused call of this number.
    #[error("call {0} is not on the list of refused calls")]
    CallNotRefused(CallId),
    /// The terminal, or the earlier sale, has no such currency.
    #[error("currency {0} cannot be used here; use {1}")]
    WrongCurrency(String, String),
    /// Negative, or more than Klarna takes.
    #[error("amount {0} is out of range: 0 to {1}")]
    AmountOutOfRange(Amount, Amount),
    /// Line items and amount disagree.
    #[error("line items add up to {0}, but the amount is {1}")]
    SumMismatch(Amount, Amount),
    /// There is no result yet.
    #[error("sale {0} has no result yet; it is {stage}", stage = .1.code())]
    NoResultYet(PosReference, Stage),
    /// The sale's state does not allow it.
    #[error("{0}")]
    NotAllowed(String),
    /// All of it was taken or given back already.
    #[error("{0}")]
    NothingLeft(String),
    /// More than what is left.
    #[error("{asked} is too much; {left} can still be {verb}")]
    ExceedsRest {
        /// What was asked for.
        asked: Amount,
        /// What is still possible.
        left: Amount,
        /// Captured or refunded.
        verb: &'static str,
    },
    /// The terminal cannot record anything.
    #[error("the terminal cannot take payments now: {0}")]
    OutOfService(String),
    /// The line is not a message of the protocol.
    #[error("{0}")]
    BadMessage(String),
    /// The message has a field that is missing or wrong.
    #[error("field {field:?}: {wrong}")]
    BadField {
        /// Which field.
        field: String,
        /// What is wrong with it.
        wrong: String,
    },
    /// The line was damaged on its way; send it again.
    #[error("{0}")]
    DamagedLine(String),
    /// There is no such command.
    #[error("unknown op {0:?}")]
    UnknownCommand(String),
}

impl Problem {
    /// The code that the till gets; stable across versions.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Busy(_) => "busy",
            Self::Unacknowledged(_) => "unacknowledged",
            Self::ReferenceReused(..) => "reference_reused",
            Self::NotKnown(_) | Self::SaleNotKnown(_) | Self::CallNotRefused(_) => "not_known",
            Self::Offline(..) => "offline",
            Self::WrongCurrency(..) => "wrong_currency",
            Self::AmountOutOfRange(..) => "amount_out_of_range",
            Self::SumMismatch(..) => "sum_mismatch",
            Self::NoResultYet(..) => "no_result_yet",
            Self::NotAllowed(_) | Self::NothingLeft(_) => "not_allowed",
            Self::ExceedsRest { .. } => "exceeds_rest",
            Self::OutOfService(_) => "out_of_service",
            Self::BadMessage(_) => "bad_message",
            Self::BadField { .. } => "bad_field",
            Self::DamagedLine(_) => "damaged_line",
            Self::UnknownCommand(_) => "unknown_op",
        }
    }
}
