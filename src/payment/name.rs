//! The names under which tills, the desk and Klarna know a sale.

use crate::id::{PaymentId, PaymentReference, PosReference, TransactionId};

/// How a command names the sale that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaleName {
    /// By the till's reference.
    Till(PosReference),
    /// By our number of the payment, as it stands on the receipt.
    Number(PaymentId),
    /// By the last four digits of our number: the newest payment that has them, for tills whose
    /// receipt numbers start again after 9999.
    Receipt(u16),
    /// By the last six digits of our number, likewise.
    Trace(u32),
    /// By our name of the payment, as it stands on the receipt and in the settlement file.
    Payment(PaymentReference),
    /// By Klarna's id, whoever sold it.
    Transaction(TransactionId),
}

impl SaleName {
    /// For a name that is the end of our number: by what the number is divided, and what remains.
    pub fn number_ends_in(&self) -> Option<(u32, u32)> {
        match self {
            Self::Receipt(digits) => Some((10_000, u32::from(*digits))),
            Self::Trace(digits) => Some((1_000_000, *digits)),
            Self::Till(_) | Self::Number(_) | Self::Payment(_) | Self::Transaction(_) => None,
        }
    }

    /// What else to try when nothing goes by this name.
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Transaction(_) => "",
            Self::Till(_)
            | Self::Number(_)
            | Self::Receipt(_)
            | Self::Trace(_)
            | Self::Payment(_) => "; name another terminal's sale by its transaction id",
        }
    }
}

impl std::fmt::Display for SaleName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Till(reference) => write!(f, "reference {reference}"),
            Self::Number(number) => write!(f, "payment {number}"),
            Self::Receipt(digits) => write!(f, "receipt {digits:04}"),
            Self::Trace(digits) => write!(f, "trace number {digits:06}"),
            Self::Payment(reference) => write!(f, "payment reference {reference}"),
            Self::Transaction(id) => write!(f, "transaction {id}"),
        }
    }
}
