//! A shift's totals: the sum of its journal records, and nothing else.

use super::event::{Event, Record};
use crate::clock::Wall;
use crate::id::{PaymentId, PosReference};
use crate::money::{Amount, Currency};
use std::collections::BTreeMap;

/// Totals of one shift: the sum of the journal since the last closing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ShiftReport {
    /// The command's own reference.
    pub reference: PosReference,
    /// Counts up from 1.
    pub shift: u32,
    /// One row per currency that occurred.
    pub totals: Vec<ShiftTotal>,
    /// Captures queued by this closing.
    pub captures_queued: u32,
    /// The first and the last payment that were authorised in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payments: Option<(PaymentId, PaymentId)>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Wall>,
}

/// What has happened in the open shift so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turnover {
    /// One row per currency that occurred, ordered by code.
    pub totals: Vec<ShiftTotal>,
    /// The first and the last payment that were authorised.
    pub payments: Option<(PaymentId, PaymentId)>,
}

/// Totals of one currency in a shift.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ShiftTotal {
    /// Authorised sales; those given back as a whole are in here and in `voided`.
    pub sales: Amount,
    /// Number of authorised sales.
    pub sales_count: u32,
    /// Given back as a whole.
    pub voided: Amount,
    /// Number of those.
    pub voided_count: u32,
    /// Refunded.
    pub refunds: Amount,
    /// Number of refunds.
    pub refunds_count: u32,
    /// Released after a part was captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<Amount>,
}

impl ShiftTotal {
    /// Sold less what was given back or released; negative where more was given back.
    pub fn net(&self) -> Amount {
        let given_back = [Some(self.voided), Some(self.refunds), self.released];
        let less = |net: Amount, amount: Amount| net.checked_sub(amount).expect(BOUNDED);
        given_back.into_iter().flatten().fold(self.sales, less)
    }
}

/// Adds up the records of one shift.
pub fn turnover<'a>(records: impl IntoIterator<Item = &'a Record>) -> Turnover {
    let mut tally = Tally::default();
    records.into_iter().for_each(|record| tally.add(record));
    tally.turnover()
}

/// A shift's totals while its records come in.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    totals: BTreeMap<Currency, ShiftTotal>,
    payments: Option<(PaymentId, PaymentId)>,
}

impl Tally {
    /// Takes one more record in.
    pub fn add(&mut self, record: &Record) {
        add(&mut self.totals, &record.event);
        if let (Event::Authorised { .. }, Some(id)) = (&record.event, record.payment) {
            let (first, last) = self.payments.unwrap_or((id, id));
            self.payments = Some((id.min(first), id.max(last)));
        }
    }

    /// The totals so far.
    pub fn turnover(&self) -> Turnover {
        Turnover { totals: self.totals.values().cloned().collect(), payments: self.payments }
    }
}

fn add(totals: &mut BTreeMap<Currency, ShiftTotal>, event: &Event) {
    match event {
        Event::Authorised { amount, .. } => {
            let total = of(totals, amount.currency());
            (total.sales, total.sales_count) = (sum(total.sales, *amount), total.sales_count + 1);
        }
        Event::Voided { amount } => {
            let total = of(totals, amount.currency());
            total.voided = sum(total.voided, *amount);
            total.voided_count += 1;
        }
        Event::Refunded { amount, .. } => {
            let total = of(totals, amount.currency());
            total.refunds = sum(total.refunds, *amount);
            total.refunds_count += 1;
        }
        Event::Released { amount, .. } => {
            let total = of(totals, amount.currency());
            total.released =
                Some(sum(total.released.unwrap_or(Amount::zero(amount.currency())), *amount));
        }
        Event::SaleRequested { .. }
        | Event::Created { .. }
        | Event::Unavailable { .. }
        | Event::CreateRefused { .. }
        | Event::ShopperOpened
        | Event::ShopperLeft
        | Event::Approved { .. }
        | Event::ConfirmDoubted
        | Event::ConfirmRefused { .. }
        | Event::Acknowledged
        | Event::GivenUp { .. }
        | Event::RequestEnded { .. }
        | Event::VoidDecided { .. }
        | Event::CaptureQueued { .. }
        | Event::Captured { .. }
        | Event::RefundQueued { .. }
        | Event::ReleaseQueued { .. }
        | Event::CallRefused { .. }
        | Event::CallRetried { .. }
        | Event::CallResolved { .. }
        | Event::Adopted { .. }
        | Event::UpdateQueued { .. }
        | Event::Updated { .. }
        | Event::CheckQueued
        | Event::Checked { .. }
        | Event::NotCompared { .. }
        | Event::Rekeyed { .. }
        | Event::Noted { .. }
        | Event::ShiftEnded { .. } => {}
    }
}

fn of(totals: &mut BTreeMap<Currency, ShiftTotal>, currency: Currency) -> &mut ShiftTotal {
    let none = Amount::zero(currency);
    totals.entry(currency).or_insert(ShiftTotal {
        sales: none,
        sales_count: 0,
        voided: none,
        voided_count: 0,
        refunds: none,
        refunds_count: 0,
        released: None,
    })
}

fn sum(total: Amount, amount: Amount) -> Amount {
    total.checked_add(amount).expect(BOUNDED)
}

const BOUNDED: &str = "a shift's total stays far below 2^63 minor units";
