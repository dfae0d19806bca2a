//! A transaction as the acquirer describes it, for what others have sold and for comparing books.

use crate::id::{CaptureId, EffectReference, Label, PaymentReference, RefundId, TransactionId};
use crate::money::{Amount, MoneyError};

/// What has become of a transaction's money, as one side knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sums {
    /// Captured.
    pub captured: Amount,
    /// Given back of it.
    pub refunded: Amount,
    /// Still authorised and not captured.
    pub capturable: Amount,
}

impl std::fmt::Display for Sums {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { captured, refunded, capturable } = self;
        write!(f, "captured {captured}, refunded {refunded}, still authorised {capturable}")
    }
}

/// A transaction as the acquirer describes it: somebody else's sale, or what has become of ours.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Found {
    /// Klarna's id, as Klarna writes it.
    pub transaction: TransactionId,
    /// What the shopper has agreed to.
    pub authorised: Amount,
    /// What may still be captured.
    pub capturable: Amount,
    /// In Klarna's order, which only grows.
    pub captures: Vec<FoundCapture>,
    /// In Klarna's order, which only grows.
    pub refunds: Vec<FoundRefund>,
    /// Nothing can be done with it any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
    /// The order number that the shopper sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant_reference: Option<Label>,
    /// The seller's own name of the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_reference: Option<PaymentReference>,
}

/// One capture of a [`Found`] transaction.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FoundCapture {
    /// Klarna's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<CaptureId>,
    /// The reference of whoever captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<EffectReference>,
    /// How much.
    pub amount: Amount,
}

/// One refund of a [`Found`] transaction.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FoundRefund {
    /// Klarna's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<RefundId>,
    /// The capture that it was taken from, when Klarna says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<CaptureId>,
    /// The reference of whoever refunded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<EffectReference>,
    /// How much.
    pub amount: Amount,
}

impl Found {
    /// Its sums.
    ///
    /// # Errors
    /// [`MoneyError`] when they are out of bounds.
    pub fn sums(&self) -> Result<Sums, MoneyError> {
        let none = Amount::zero(self.authorised.currency());
        let captured = self.captures.iter().map(|row| row.amount);
        let refunded = self.refunds.iter().map(|row| row.amount);
        Ok(Sums {
            captured: captured.clone().try_fold(none, Amount::checked_add)?,
            refunded: refunded.clone().try_fold(none, Amount::checked_add)?,
            capturable: self.capturable,
        })
    }
}

/// Why a transaction could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotFound {
    /// The acquirer knows no such transaction.
    Unknown,
    /// It cannot be asked now, or its answer cannot be used.
    Unreachable(String),
}
