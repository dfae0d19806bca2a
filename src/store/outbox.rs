//! Outbox rows: what is to be sent, in which order, and what was refused.

use super::StoreError;
use super::journal::json;
use super::restore::LONG_AGO;
use crate::clock::Wall;
use crate::id::{CallId, IdempotencyKey, PaymentId};
use crate::payment::alarm::Backlog;
use crate::payment::effect::{Call, CallKind, OutboxChange, QueuedCall, Refusal};
use rusqlite::{Connection, Row, Rows, Transaction, params};
use std::collections::HashSet;

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
/// one holds up nothing: the core has already refused what made no sense without it. First those of
/// `urgent` payments for which somebody waits, then at most `limit` others by age, from payment
/// `from` on. Reads no more than it returns, however long the queue is.
pub(super) fn sendable(
    connection: &Connection,
    urgent: &[PaymentId],
    from: PaymentId,
    limit: usize,
) -> Result<Vec<QueuedCall>, StoreError> {
    let mut statement = connection.prepare_cached(SENDABLE)?;
    let mut calls = Vec::new();
    for payment in urgent {
        let number = payment.number();
        let first = waiting(statement.query(params![number, number, 1])?)?;
        calls.extend(first.into_iter().filter(|row| row.call.kind.is_urgent()));
    }
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let others = waiting(statement.query(params![from.number(), u32::MAX, limit])?)?;
    let known: HashSet<CallId> = calls.iter().map(|row| row.call.id).collect();
    calls.extend(others.into_iter().filter(|row| !known.contains(&row.call.id)));
    Ok(calls)
}

/// The planner must not sort the queue, nor walk through what is closed.
const SENDABLE: &str = "SELECT payment, sequence, body, key, generation, first_attempt_ms
     FROM outbox AS row INDEXED BY outbox_open
     WHERE state = 'queued' AND state <> 'closed' AND payment BETWEEN ?1 AND ?2
       AND NOT EXISTS (SELECT 1 FROM outbox AS earlier
                       WHERE earlier.payment = row.payment
                         AND earlier.sequence < row.sequence
                         AND earlier.state = 'queued' AND earlier.state <> 'closed')
     ORDER BY payment LIMIT ?3";

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{EffectReference, Installation, TransactionId};
    use crate::money::{Amount, Currency};
    use crate::store::Store;
    use rusqlite::StatementStatus;

    /// A queue of a long weekend, behind the closed calls of years.
    const QUEUED: u32 = 10_000;
    const CLOSED: u32 = 50_000;

    fn queue(connection: &Connection) {
        let kind = CallKind::Capture {
            transaction: TransactionId::new("t").expect("id"),
            amount: Amount::new(100, Currency::new("EUR").expect("EUR")),
            reference: EffectReference::new("c").expect("reference"),
        };
        let id = CallId { payment: PaymentId::new(1), sequence: 1 };
        let installation = Installation::new(uuid::Uuid::from_u128(1));
        let key = IdempotencyKey::new(installation, id, "capture", kind.amount(), 0).to_string();
        // Two calls of each payment wait, and its create call is closed.
        let sql = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {CLOSED})
             INSERT INTO outbox SELECT i, 1, 'create', '', 'k' || i, 0, 0, 0, 'closed', NULL FROM n;
             INSERT INTO outbox
                 SELECT payment, 2, 'capture', :body,
                     substr(:key, 1, 28) || printf('%08x', payment), 0, 0, 0, 'queued', NULL
                 FROM outbox WHERE payment > {CLOSED} - {QUEUED} AND sequence = 1;
             INSERT INTO outbox
                 SELECT payment, 3, 'capture', body, substr(key, 1, 27) || 'f' || substr(key, 29),
                     0, 0, 0, 'queued', NULL
                 FROM outbox WHERE sequence = 2;"
        );
        let sql = sql.replace(":body", &format!("'{}'", json(&kind)));
        let sql = sql.replace(":key", &format!("'{key}'"));
        connection.execute_batch(&sql).expect("rows");
    }

    #[test]
    fn a_look_at_a_long_queue_reads_what_it_returns() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("terminal.sqlite");
        let _store = Store::open(&path).expect("a new database");
        let connection = Connection::open(&path).expect("sqlite");
        queue(&connection);
        let plan = plan(&connection);
        assert!(plan.contains("SEARCH row USING INDEX outbox_open (payment>? AND payment<?)"));
        assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{plan}");
        for from in [0, CLOSED - QUEUED / 2, CLOSED - 99] {
            let mut statement = connection.prepare(SENDABLE).expect("prepared");
            let rows = waiting(statement.query(params![from, u32::MAX, 100]).expect("rows"));
            assert_eq!(rows.expect("calls").len(), 100);
            let steps = statement.get_status(StatementStatus::VmStep);
            assert!(steps < 100 * 80, "{steps} steps for 100 calls\n{plan}");
            assert_eq!(statement.get_status(StatementStatus::Sort), 0);
        }
    }

    #[test]
    fn of_each_payment_the_first_and_the_urgent_ones_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("terminal.sqlite");
        let _store = Store::open(&path).expect("a new database");
        let connection = Connection::open(&path).expect("sqlite");
        queue(&connection);
        let first = PaymentId::new(CLOSED - QUEUED + 1);
        let ids = |urgent: &[PaymentId], from| -> Vec<(u32, u32)> {
            let rows = sendable(&connection, urgent, from, 3).expect("rows");
            rows.iter()
                .map(|row| (row.call.id.payment.number() - first.number(), row.call.id.sequence))
                .collect()
        };
        assert_eq!(ids(&[], PaymentId::new(0)), [(0, 2), (1, 2), (2, 2)]);
        assert_eq!(ids(&[], first.next()), [(1, 2), (2, 2), (3, 2)]);
        assert_eq!(ids(&[first.next()], first), [(0, 2), (1, 2), (2, 2)], "a capture is patient");
    }

    fn plan(connection: &Connection) -> String {
        let sql = format!("EXPLAIN QUERY PLAN {SENDABLE}");
        let mut statement = connection.prepare(&sql).expect("a plan");
        let lines = statement.query_map([0, 0, 0], |row| row.get::<_, String>(3)).expect("lines");
        lines.map(|line| line.expect("a line")).collect::<Vec<_>>().join("\n")
    }
}
