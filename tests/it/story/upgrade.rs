//! A shop that goes on from the database of an earlier version, and Klarna's books of it.

use crate::vfs::Unsynced;
use crate::world::shop::faulty::{Faulty, NAME};
use crate::world::shop::run::Shop;
use crate::world::shop::terminal::{Death, Disk};
use crate::world::shop::till::{Commanded, Sold};
use crate::world::shop::transaction::{Movement, Transaction};
use klarna_terminald::payment::event::Event;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::Path;
use tempfile::TempDir;

/// How long the machine is off.
const UPGRADE: u64 = 60_000;

/// The terminal is off, gets a new version, and finds what the old one has left. The first refund
/// of each sale had reached Klarna, and its answer was lost.
pub fn begin(shop: &mut Shop, file: &str) {
    let dump = fixture(file);
    shop.terminal.disk = model(&dump);
    books(shop);
    shop.recorded = vec![shop.t; shop.terminal.disk.records.len()];
    shop.terminal.faulty = Some(Faulty::begin(database(&dump)));
    shop.dark = UPGRADE;
    shop.dies(Death::Power);
    let until = shop.t + UPGRADE;
    shop.run_until(until);
}

fn fixture(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store").join(file);
    std::fs::read_to_string(path).expect("the fixture is there")
}

/// A file of schema version 1, which the next one that opens it migrates.
fn database(dump: &str) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let connection = Connection::open(directory.path().join(NAME)).expect("sqlite");
    connection.execute_batch(dump).expect("the fixture");
    let version = "PRAGMA user_version";
    let found: i64 = connection.query_row(version, [], |row| row.get(0)).expect("a version");
    assert_eq!(found, 1, "the file is of the first version");
    let waiting = "SELECT count(*) FROM outbox WHERE state = 'queued'";
    let waiting: i64 = connection.query_row(waiting, [], |row| row.get(0)).expect("a number");
    assert_eq!(waiting, 50, "fifty calls wait in the file");
    directory
}

/// What the store reads from it; how much that must be is counted by the story.
fn model(dump: &str) -> Disk {
    Disk::after_power_cut(database(dump)).copy()
}

/// Klarna's and the till's books, as the journal tells them.
fn books(shop: &mut Shop) {
    let mut references: BTreeMap<u32, (String, String)> = BTreeMap::new();
    for record in shop.terminal.disk.records.clone() {
        let Some(payment) = record.payment.map(|id| id.number()) else { continue };
        let of =
            |letter: char, number: usize| format!("{}-{letter}{number}", references[&payment].1);
        match &record.event {
            Event::SaleRequested { sale, payment_reference } => {
                let sold = Sold { amount: sale.amount.minor(), ..Sold::default() };
                shop.till.sales.insert(sale.reference.to_string(), sold);
                let both = (sale.reference.to_string(), payment_reference.to_string());
                references.insert(payment, both);
            }
            Event::Authorised { transaction, amount } => {
                let made = Transaction {
                    of: references[&payment].1.clone(),
                    amount: amount.minor(),
                    at: shop.t,
                    ..Transaction::default()
                };
                shop.klarna.transactions.insert(transaction.to_string(), made);
            }
            Event::Captured { amount, .. } => {
                let reference = of('C', 1);
                let (at, amount) = (shop.t, amount.minor());
                transaction(shop, &references[&payment].1).captures.push(Movement {
                    at,
                    amount,
                    reference,
                    ..Movement::default()
                });
            }
            Event::RefundQueued { operation, amount, .. } => {
                shop.till.commands.insert(operation.to_string(), Commanded::default());
                let (reference, at, amount) = (of('R', 1), shop.t, amount.minor());
                let found = transaction(shop, &references[&payment].1);
                if found.refunds.is_empty() {
                    found.refunds.push(Movement { at, amount, reference, ..Movement::default() });
                }
            }
            _ => {}
        }
    }
}

fn transaction<'a>(shop: &'a mut Shop, of: &str) -> &'a mut Transaction {
    let mut all = shop.klarna.transactions.values_mut();
    all.find(|found| found.of == of).expect("it is authorised")
}

#[test]
fn the_power_fails_at_every_write_of_an_upgrade() {
    let dump = fixture("v1_fifty_refunds.sql");
    let mut model = model(&dump);
    assert_eq!(model.queued.len(), 50);
    for at in 0.. {
        let mut faulty = Faulty::begin(database(&dump));
        let end = faulty.before + at;
        if end > faulty.disk.len() {
            assert!(at > 5, "an upgrade writes something");
            return;
        }
        faulty.cut(end, Unsynced::Random(at as u64));
        // Asserts that all rows are there.
        faulty.reopen(&mut model);
    }
}
