//! The books of one long run, left in a directory: the terminal's database, and what the world's
//! own Klarna holds of this terminal's money.
//!
//! Klarna's part is counted from Klarna's transactions and from what Klarna has said of them; the
//! journal is not asked. A shift counts what the terminal knows, so these count here:
//!
//! - sales: transactions of payment requests of this terminal, of whatever age, also when nobody
//!   waited for them any more; a sale of others that was taken over is none;
//! - voided: transactions that Klarna has said are given back as a whole, by this terminal's
//!   request or because others were first;
//! - refunded: refunds with this terminal's reference, of sales of others as well; but not one that
//!   Klarna has made and denied, and has never said since that it did ([`Apart::refunds_denied`]);
//! - released: what was never captured of transactions whose rest Klarna has said is given back.
//!
//! One class is not the same on both sides: others capture some of a transaction behind the
//! terminal's back, and then it has the rest released. Klarna releases less than the terminal has
//! asked for, and does not say so; the difference is [`Apart::released_less`].

use super::run::Shop;
use super::transaction::{By, Transaction};
use super::{Millis, Settings};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The terminal's database in the directory.
pub const DATABASE: &str = "terminal.sqlite";
/// Klarna's ledger in the directory.
pub const LEDGER: &str = "klarna.json";
/// What bounds a run is made for so many sales.
const USUAL: usize = 12;

/// What Klarna holds of a terminal's money.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// By the currency's code.
    pub currencies: BTreeMap<String, Totals>,
    /// What a shift cannot count as Klarna does.
    pub apart: Apart,
}

/// Sums of one currency in minor units, and how many there are.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    pub sales: i64,
    pub sales_count: u32,
    pub voided: i64,
    pub voided_count: u32,
    pub refunds: i64,
    pub refunds_count: u32,
    pub released: i64,
    pub released_count: u32,
}

/// What is in nobody's totals; sums in minor units of all currencies, to be seen by people, but for
/// `released_less`.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Apart {
    /// By how much less was released than the terminal has asked for, by the currency's code.
    pub released_less: BTreeMap<String, i64>,
    /// Refunds that Klarna has made and denied.
    pub refunds_denied: i64,
    pub refunds_denied_count: u32,
    /// What others have refunded of this terminal's sales.
    pub refunds_of_others: i64,
    /// Sales of this terminal that others have given back, and the terminal does not know.
    pub voided_by_others: i64,
}

/// How many times the usual time and happenings a run may take.
pub fn factor(settings: &Settings) -> Millis {
    let times = settings.books.as_ref().map_or(1, |_| settings.payments_per_run.div_ceil(USUAL));
    Millis::try_from(times).expect("64 bits")
}

/// Writes down what Klarna holds, and holds the database to the model of it.
pub fn leave(shop: &Shop, directory: &Path) {
    shop.terminal.disk.compare();
    let ledger = Ledger::of(shop.klarna.transactions.values());
    let text = serde_json::to_string_pretty(&ledger).expect("plain data");
    std::fs::write(directory.join(LEDGER), text + "\n").expect("a writable directory");
}

impl Ledger {
    fn of<'a>(transactions: impl Iterator<Item = &'a Transaction>) -> Self {
        let mut ledger = Self::default();
        for transaction in transactions {
            ledger.add(transaction);
        }
        ledger
    }

    fn add(&mut self, found: &Transaction) {
        // The world sells in one currency.
        let code = "EUR";
        let Self { currencies, apart } = self;
        let totals = currencies.entry(code.to_owned()).or_default();
        if !found.sold_elsewhere {
            (totals.sales, totals.sales_count) =
                (totals.sales + found.amount, totals.sales_count + 1);
        }
        if found.void_told {
            (totals.voided, totals.voided_count) =
                (totals.voided + found.amount, totals.voided_count + 1);
        } else if found.voided.is_some() && !found.sold_elsewhere {
            apart.voided_by_others += found.amount;
        }
        if let Some(asked) = found.release_told {
            let released = found.amount - found.captured();
            totals.released += released;
            totals.released_count += 1;
            *apart.released_less.entry(code.to_owned()).or_default() += asked - released;
        }
        for refund in &found.refunds {
            match refund.by {
                By::Terminal if refund.denied && !refund.admitted => {
                    apart.refunds_denied += refund.amount;
                    apart.refunds_denied_count += 1;
                }
                By::Terminal => {
                    totals.refunds += refund.amount;
                    totals.refunds_count += 1;
                }
                By::Others if !found.sold_elsewhere => apart.refunds_of_others += refund.amount,
                By::Others => {}
            }
        }
    }
}
