//! What the till is told of a payment: whether it was paid, where it is, what has become of the
//! money. All of it follows from the state, so asking again gives the same answer.

use super::Payment;
use crate::id::PosReference;
use crate::money::Amount;
use crate::payment::event::VoidReason;
use crate::payment::state::State;
use crate::payment::vocabulary::{MoneySoFar, OperationResult, SaleOutcome, SaleResult, Stage};

impl Payment {
    /// What the till is told, once it is decided.
    pub fn outcome(&self) -> Option<SaleOutcome> {
        match &self.state {
            State::Creating
            | State::AwaitingShopper { .. }
            | State::ShopperPaying { .. }
            | State::Confirming { .. } => None,
            State::Authorised { .. } | State::Settling { .. } | State::Free => {
                Some(SaleOutcome::Approved)
            }
            State::Abandoning { reason, .. } | State::NotPaid { reason } => {
                Some(SaleOutcome::NotPaid(*reason))
            }
            State::Voiding { reason, acknowledged, .. }
            | State::Voided { reason, acknowledged, .. } => Some(match reason {
                VoidReason::LatePayment(told) => SaleOutcome::NotPaid(*told),
                VoidReason::RequestedByTill if *acknowledged => SaleOutcome::Approved,
                VoidReason::RequestedByTill | VoidReason::NotAcknowledged => {
                    SaleOutcome::Voided(*reason)
                }
            }),
        }
    }

    /// Where a running sale is; `None` once it is decided.
    pub fn stage(&self) -> Option<Stage> {
        match &self.state {
            State::Creating => Some(Stage::Checking),
            State::AwaitingShopper { again: false, .. } => Some(Stage::AwaitingShopper),
            State::AwaitingShopper { again: true, .. } => Some(Stage::ScanAgain),
            State::ShopperPaying { .. } => Some(Stage::ShopperPaying),
            State::Confirming { doubted: false, refused: None, .. } => Some(Stage::Confirming),
            State::Confirming { .. } => Some(Stage::Unknown),
            State::Authorised { .. }
            | State::Settling { .. }
            | State::Abandoning { .. }
            | State::NotPaid { .. }
            | State::Voiding { .. }
            | State::Voided { .. }
            | State::Free => None,
        }
    }

    /// The result for the till, once it is decided.
    pub fn result(&self) -> Option<SaleResult> {
        let outcome = self.outcome()?;
        let told_paid = !matches!(outcome, SaleOutcome::NotPaid(_));
        Some(SaleResult {
            reference: self.sale.reference.clone(),
            outcome,
            amount: self.sale.amount,
            number: self.id,
            payment_reference: self.reference.clone(),
            merchant_reference: self.sale.merchant_reference.clone(),
            transaction: self.transaction().filter(|_| told_paid).cloned(),
            at: self.decided,
            locale: self.sale.locale.clone(),
            receipt: Vec::new(),
        })
    }

    /// What has become of the money, for a status query.
    pub fn money_so_far(&self) -> MoneySoFar {
        let currency = self.sale.amount.currency();
        let mut money = MoneySoFar {
            authorised: Amount::zero(currency),
            captured: Amount::zero(currency),
            refunded: Amount::zero(currency),
            voided: false,
            released: Amount::zero(currency),
            queued: self.open_calls().count(),
            refused: self.refused_calls().count(),
        };
        match &self.state {
            State::Settling { ledger, .. } => money = ledger.so_far(),
            State::Authorised { .. } => money.authorised = self.sale.amount,
            State::Voiding { .. } => money.authorised = self.sale.amount,
            State::Voided { by_person, .. } => {
                (money.authorised, money.voided) = (self.sale.amount, !by_person);
            }
            State::Abandoning { .. }
            | State::Creating
            | State::AwaitingShopper { .. }
            | State::ShopperPaying { .. }
            | State::Confirming { .. }
            | State::NotPaid { .. }
            | State::Free => {}
        }
        money
    }

    /// Where the till's command with this reference stands.
    pub fn operation(&self, reference: &PosReference) -> Option<OperationResult> {
        let command = self.operations.get(reference)?;
        Some(OperationResult {
            reference: reference.clone(),
            sale: self.sale.reference.clone(),
            transaction: self.transaction().cloned(),
            kind: command.kind,
            amount: command.amount,
            progress: command.progress(),
        })
    }
}
