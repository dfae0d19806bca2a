//! Journal rows: written with each step, read back as records.

use super::StoreError;
use crate::clock::Wall;
use crate::id::PaymentId;
use crate::payment::Step;
use crate::payment::event::{Event, Record};
use crate::payment::vocabulary::SaleName;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

/// Appends the step's records, its references and the open flags of its payments.
pub(super) fn append(transaction: &Transaction<'_>, step: &Step) -> Result<(), StoreError> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO journal (payment, at_ms, event, body) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for record in &step.records {
        let payment = record.payment.map(PaymentId::number);
        let body = json(&record.event);
        insert.execute(params![payment, record.at.millis(), record.event.name(), body])?;
    }
    let mut name =
        transaction.prepare_cached("INSERT INTO reference (reference, payment) VALUES (?1, ?2)")?;
    for (reference, payment) in &step.references {
        name.execute(params![reference.as_str(), payment.map(PaymentId::number)])?;
    }
    let mut alias = transaction
        .prepare_cached("INSERT OR IGNORE INTO name (kind, name, payment) VALUES (?1, ?2, ?3)")?;
    for (name, payment) in &step.names {
        let (kind, name) = match name {
            SaleName::Payment(name) => ("payment", name.as_str()),
            SaleName::Transaction(id) => ("transaction", id.tail()),
            SaleName::Till(_) | SaleName::Number(_) | SaleName::Receipt(_) | SaleName::Trace(_) => {
                continue;
            }
        };
        alias.execute(params![kind, name, payment.number()])?;
    }
    let mut flag = transaction.prepare_cached(
        "INSERT INTO payment (id, open) VALUES (?1, ?2)
         ON CONFLICT (id) DO UPDATE SET open = excluded.open WHERE open <> excluded.open",
    )?;
    for (payment, open) in step.payments() {
        flag.execute(params![payment.number(), open])?;
    }
    Ok(())
}

/// The records that `condition` selects, oldest first.
pub(super) fn select(
    connection: &Connection,
    condition: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<Record>, StoreError> {
    let mut statement = connection.prepare_cached(&sql(condition))?;
    let mut rows = statement.query(parameters)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(record(row)?);
    }
    Ok(records)
}

/// At most `limit` records of the rows after `after` up to `until`, oldest first, and the last
/// one's row.
pub(super) fn page(
    connection: &Connection,
    after: i64,
    until: i64,
    limit: u32,
) -> Result<(Vec<Record>, i64), StoreError> {
    let condition = "WHERE sequence > ?1 AND sequence <= ?2";
    let mut statement = connection.prepare_cached(&format!("{} LIMIT ?3", sql(condition)))?;
    let mut rows = statement.query(params![after, until, limit])?;
    let (mut records, mut last) = (Vec::new(), after);
    while let Some(row) = rows.next()? {
        last = row.get(0)?;
        records.push(record(row)?);
    }
    Ok((records, last))
}

/// The query of [`select`].
pub(super) fn sql(condition: &str) -> String {
    format!("SELECT sequence, payment, at_ms, body FROM journal {condition} ORDER BY sequence")
}

/// When the newest record was written; 1970 in an empty journal.
pub(super) fn newest(connection: &Connection) -> Result<Wall, StoreError> {
    let sql = "SELECT at_ms FROM journal ORDER BY sequence DESC LIMIT 1";
    let at = connection.query_row(sql, [], |row| row.get(0)).optional()?;
    Ok(Wall::from_millis(at.unwrap_or(0)))
}

fn record(row: &Row<'_>) -> Result<Record, StoreError> {
    let sequence: i64 = row.get(0)?;
    let payment: Option<u32> = row.get(1)?;
    let body: String = row.get(3)?;
    let event: Event = serde_json::from_str(&body)
        .map_err(|error| StoreError::BadRow { row: sequence, why: error.to_string() })?;
    let at = Wall::from_millis(row.get(2)?);
    Ok(Record { payment: payment.map(PaymentId::new), at, event })
}

/// Our own types as JSON.
pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("our own types have string keys and no failing parts")
}
