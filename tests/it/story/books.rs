//! What is counted in a story: Klarna's books, the outbox, how often something has happened.

use crate::world::shop::run::Shop;
use crate::world::shop::transaction::{Movement, Transaction};
use klarna_terminald::money::{Amount, Currency};
use std::collections::BTreeMap;

/// `authorised 8 EUR 80.00; captured 8 EUR 80.00; refunded 0; voided 0; held EUR 0.00`, where held
/// is what a shopper could not spend: authorised, and neither captured nor given back.
pub fn klarna(shop: &Shop) -> String {
    let all: Vec<&Transaction> = shop.klarna.transactions.values().collect();
    let movements = |of: fn(&Transaction) -> &Vec<Movement>| -> Vec<i64> {
        all.iter().flat_map(|found| of(found)).map(|movement| movement.amount).collect()
    };
    let authorised: Vec<i64> = all.iter().map(|found| found.amount).collect();
    let captured = movements(|found| &found.captures);
    let refunded = movements(|found| &found.refunds);
    let given_back = all.iter().filter(|found| found.voided.is_some());
    let voided: Vec<i64> = given_back.map(|found| found.amount).collect();
    let held = all.iter().filter(|found| found.voided.is_none());
    let held: i64 = held.map(|found| found.amount - found.captured()).sum();
    format!(
        "authorised {}; captured {}; refunded {}; voided {}; held {}",
        counted(&authorised),
        counted(&captured),
        counted(&refunded),
        counted(&voided),
        euros(held)
    )
}

fn counted(amounts: &[i64]) -> String {
    match amounts.len() {
        0 => "0".to_owned(),
        count => format!("{count} {}", euros(amounts.iter().sum())),
    }
}

fn euros(minor: i64) -> Amount {
    Amount::new(minor, Currency::new("EUR").expect("a currency"))
}

/// `empty`, or `3 capture, 50 refund; for a person 1 void`.
pub fn outbox(shop: &Shop) -> String {
    let disk = &shop.terminal.disk;
    let queued = by_kind(disk.queued.values().map(|row| row.call.kind.operation()));
    let refused = by_kind(disk.refused.values().map(|(call, _)| call.kind.operation()));
    match (queued.is_empty(), refused.is_empty()) {
        (true, true) => "empty".to_owned(),
        (false, true) => queued,
        (_, false) => format!("{queued}; for a person {refused}"),
    }
}

fn by_kind<'a>(operations: impl Iterator<Item = &'a str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    operations.for_each(|operation| *counts.entry(operation).or_default() += 1);
    let words = counts.iter().map(|(operation, count)| format!("{count} {operation}"));
    words.collect::<Vec<_>>().join(", ")
}

/// How often a line of the story began so.
pub fn times(shop: &Shop, what: &str) -> usize {
    shop.story.lines.iter().filter(|(_, _, line)| line.starts_with(what)).count()
}
