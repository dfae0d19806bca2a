//! Outbox rows: what is to be sent, in which order, and what was refused.

use super::StoreError;
use super::journal::json;
use super::restore::LONG_AGO;
use crate::clock::Wall;
use crate::id::{CallId, IdempotencyKey, PaymentId};
use crate::payment::alarm::Backlog;
use crate::payment::effect::{Call, CallKind, OutboxChange, QueuedCall, Refusal};
use rusqlite::{Connection, Row, Rows, Transaction, params};

/// A call that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedCall {
    /// The call.
    pub call: Call,
    /// What the acquirer said.
    pub refusal: Refusal,
}

/// A call with all that its row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// The call.
    pub call: Call,
    /// `queued`, `refused` or `closed`.
    pub state: String,
    /// When it was decided.
    pub queued_at: Wall,
    /// What the acquirer said last, if it refused; kept when a person has seen to it.
    pub refusal: Option<Refusal>,
}

/// Applies a step's changes. A queued call counts as attempted at `now`: its key ages from here.
/// One of a payment that may have gone on without this journal counts as attempted long ago: its
/// like may have been sent already, so the acquirer is read before it is sent.
pub(super) fn apply(
    transaction: &Transaction<'_>,
    changes: &[OutboxChange],
    now: Wall,
    restored_through: Option<PaymentId>,
) -> Result<(), StoreError> {
    for change in changes {
        match change {
            OutboxChange::Queue(call) => {
                let doubtful = restored_through.is_some_and(|last| call.id.payment <= last);
                let first_attempt = if doubtful { LONG_AGO } else { now.millis() };
                queue(transaction, call, now, first_attempt)?;
            }
            OutboxChange::Close(id) => finish(transaction, *id, "closed", None)?,
            OutboxChange::Refuse(id, refusal) => {
                finish(transaction, *id, "refused", Some(refusal))?;
            }
            OutboxChange::Rekey(call) => renew(transaction, call, "queued", now.millis())?,
            // Nobody knows how old its attempts are: the acquirer is read before it is sent.
            OutboxChange::Retry(call) => renew(transaction, call, "refused", LONG_AGO)?,
            OutboxChange::Resolve(id) => resolve(transaction, *id)?,
        }
    }
    Ok(())
}

fn queue(
    transaction: &Transaction<'_>,
    call: &Call,
    now: Wall,
    first_attempt_ms: i64,
) -> Result<(), StoreError> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO outbox (payment, sequence, operation, body, key, generation,
                             queued_at_ms, first_attempt_ms, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'queued')",
    )?;
    statement.execute(params![
        call.id.payment.number(),
        call.id.sequence,
        call.kind.operation(),
        json(&call.kind),
        call.key.to_string(),
        call.generation,
        now.millis(),
        first_attempt_ms,
    ])?;
    Ok(())
}

fn finish(
    transaction: &Transaction<'_>,
    id: CallId,
    state: &str,
    refusal: Option<&Refusal>,
) -> Result<(), StoreError> {
    let mut statement = transaction.prepare_cached(
        "UPDATE outbox SET state = ?3, refusal = ?4
         WHERE payment = ?1 AND sequence = ?2 AND state = 'queued'",
    )?;
    let payment = id.payment.number();
    let rows = statement.execute(params![payment, id.sequence, state, refusal.map(json)])?;
    was_there(rows, id)
}

/// The refusal stays in the row: the journal says what was done about it.
fn resolve(transaction: &Transaction<'_>, id: CallId) -> Result<(), StoreError> {
    let mut statement = transaction.prepare_cached(
        "UPDATE outbox SET state = 'closed'
         WHERE payment = ?1 AND sequence = ?2 AND state = 'refused'",
    )?;
    let rows = statement.execute(params![id.payment.number(), id.sequence])?;
    was_there(rows, id)
}

/// A step that ends a call which does not wait contradicts the outbox: nothing of it may be true.
fn was_there(rows: usize, id: CallId) -> Result<(), StoreError> {
    match rows {
        1 => Ok(()),
        _ => Err(StoreError::Damaged(format!("call {id} is not in the outbox"))),
    }
}

/// Gives a row that is in state `from` a new key and queues it.
fn renew(
    transaction: &Transaction<'_>,
    call: &Call,
    from: &str,
    first_attempt_ms: i64,
) -> Result<(), StoreError> {
    let mut statement = transaction.prepare_cached(
        "UPDATE outbox SET key = ?3, generation = ?4, first_attempt_ms = ?5,
                           state = 'queued', refusal = NULL
         WHERE payment = ?1 AND sequence = ?2 AND state = ?6",
    )?;
    let rows = statement.execute(params![
        call.id.payment.number(),
        call.id.sequence,
        call.key.to_string(),
        call.generation,
        first_attempt_ms,
        from,
    ])?;
    was_there(rows, call.id)
}

/// The calls that may be sent now: of each payment the oldest one that waits to be sent. A refused
/// one holds up nothing: the core has already refused what made no sense without it. Urgent ones
/// first, then by age.
pub(super) fn sendable(
    connection: &Connection,
    limit: usize,
) -> Result<Vec<QueuedCall>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT payment, sequence, body, key, generation, first_attempt_ms FROM outbox AS row
         WHERE state = 'queued' AND state <> 'closed'
           AND NOT EXISTS (SELECT 1 FROM outbox AS earlier
                           WHERE earlier.payment = row.payment
                             AND earlier.sequence < row.sequence
                             AND earlier.state = 'queued' AND earlier.state <> 'closed')
         ORDER BY operation NOT IN ('confirm', 'create'), payment LIMIT ?1",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    waiting(statement.query([limit])?)
}

/// All calls that wait to be sent, oldest payment first.
pub(super) fn queued(connection: &Connection) -> Result<Vec<QueuedCall>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT payment, sequence, body, key, generation, first_attempt_ms FROM outbox
         WHERE state = 'queued' AND state <> 'closed' ORDER BY payment, sequence",
    )?;
    waiting(statement.query([])?)
}

fn waiting(mut rows: Rows<'_>) -> Result<Vec<QueuedCall>, StoreError> {
    let mut calls = Vec::new();
    while let Some(row) = rows.next()? {
        let first_attempt = Wall::from_millis(row.get(5)?);
        calls.push(QueuedCall { call: call(row)?, first_attempt });
    }
    Ok(calls)
}

/// All calls that wait for a person, oldest payment first.
pub(super) fn refused(connection: &Connection) -> Result<Vec<RefusedCall>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT payment, sequence, body, key, generation, refusal FROM outbox
         WHERE state = 'refused' AND state <> 'closed' ORDER BY payment, sequence",
    )?;
    let mut rows = statement.query([])?;
    let mut calls = Vec::new();
    while let Some(row) = rows.next()? {
        let refusal: String = row.get(5)?;
        let refusal = serde_json::from_str(&refusal).map_err(|error| bad_row(row, &error))?;
        calls.push(RefusedCall { call: call(row)?, refusal });
    }
    Ok(calls)
}

/// How much waits. The condition is that of the partial index.
pub(super) fn backlog(connection: &Connection) -> Result<Backlog, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT state = 'queued', count(*), min(queued_at_ms) FROM outbox
         WHERE state <> 'closed' GROUP BY 1",
    )?;
    let mut rows = statement.query([])?;
    let mut backlog = Backlog::default();
    while let Some(row) = rows.next()? {
        let count = u64::try_from(row.get::<_, i64>(1)?).unwrap_or_default();
        match row.get(0)? {
            true => {
                backlog.queued = count;
                backlog.oldest = Some(Wall::from_millis(row.get(2)?));
            }
            false => backlog.refused = count,
        }
    }
    Ok(backlog)
}

/// One call, whatever has become of it.
pub(super) fn row(connection: &Connection, id: CallId) -> Result<Option<OutboxRow>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT payment, sequence, body, key, generation, refusal, state, queued_at_ms FROM outbox
         WHERE payment = ?1 AND sequence = ?2",
    )?;
    let mut rows = statement.query([id.payment.number(), id.sequence])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let refusal: Option<String> = row.get(5)?;
    let refusal = refusal.map(|text| serde_json::from_str(&text)).transpose();
    Ok(Some(OutboxRow {
        call: call(row)?,
        state: row.get(6)?,
        queued_at: Wall::from_millis(row.get(7)?),
        refusal: refusal.map_err(|error| bad_row(row, &error))?,
    }))
}

fn call(row: &Row<'_>) -> Result<Call, StoreError> {
    let id = CallId { payment: PaymentId::new(row.get(0)?), sequence: row.get(1)? };
    let body: String = row.get(2)?;
    let kind: CallKind = serde_json::from_str(&body).map_err(|error| bad_row(row, &error))?;
    let key: String = row.get(3)?;
    let key: IdempotencyKey = serde_json::from_value(key.into()).map_err(|e| bad_row(row, &e))?;
    Ok(Call { id, kind, key, generation: row.get(4)? })
}

fn bad_row(row: &Row<'_>, error: &serde_json::Error) -> StoreError {
    let payment: i64 = row.get(0).unwrap_or_default();
    StoreError::BadRow { row: payment, why: format!("outbox: {error}") }
}
