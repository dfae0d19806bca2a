//! What one notice does to the tables, within the transaction of its batch.
//!
//! It knows no threads, no clock and no one who waits.

use super::{Limits, Received, Shelved};
use crate::acquirer::klarna::webhook::{Kind, Notice};
use crate::clock::Wall;
use crate::id::{Address, RequestId, TransactionId};
use crate::payment::notice::Concern;
use crate::relay::message::{ParcelId, Whom};
use rusqlite::{Connection, OptionalExtension as _, Result, params};

/// Seen ids that are looked at for their age with each batch; more than a batch adds.
const TRIMMED_MAX: usize = 2 * super::BATCH_MAX;
/// Account notices that are kept: some years of payouts, or a bad day.
const ACCOUNT_NOTICES_MAX: usize = 1000;

/// Takes one notice in; `waiting` is how many messages the outbox holds. `None` when the outbox is
/// full, and then nothing was changed.
pub(super) fn put(
    connection: &Connection,
    limits: &Limits,
    waiting: &mut usize,
    received: &Received,
) -> Result<Option<Shelved>> {
    let notice = &received.notice;
    if is_seen(connection, notice)? {
        return Ok(Some(Shelved::Doubled));
    }
    let (shelved, whom) = match notice.kind {
        Kind::Request(_) | Kind::RequestUpdated | Kind::Transaction | Kind::Dispute => {
            match address(connection, notice)? {
                Some(address) => (Shelved::Queued, Some(Whom::Terminal(address))),
                None => (Shelved::Unmapped, everybody(notice)),
            }
        }
        Kind::Settlement | Kind::Account => (Shelved::Noted, Some(Whom::Everybody)),
        Kind::Other => (Shelved::Unknown, None),
    };
    if let Some(whom) = whom {
        if *waiting >= limits.outbox_max {
            return Ok(None);
        }
        if whom == Whom::Everybody {
            note(connection, received)?;
        }
        queue(connection, limits, received, &whom)?;
        *waiting += 1;
    }
    let mut insert =
        connection.prepare_cached("INSERT INTO seen (event, at_ms) VALUES (?1, ?2)")?;
    insert.execute(params![notice.event.as_str(), received.at.millis()])?;
    Ok(Some(shelved))
}

fn is_seen(connection: &Connection, notice: &Notice) -> Result<bool> {
    let mut seen = connection.prepare_cached("SELECT 1 FROM seen WHERE event = ?1")?;
    seen.exists([notice.event.as_str()])
}

/// Whose payment it is: by our reference, else by the transaction, which is remembered. A notice
/// that names neither request nor transaction tells a terminal nothing.
fn address(connection: &Connection, notice: &Notice) -> Result<Option<Address>> {
    let said = notice.reference.as_ref().and_then(|reference| Address::of(reference.as_str()));
    match (&notice.transaction, said) {
        (Some(transaction), Some(address)) => {
            remember(connection, transaction, &address, notice.request.as_ref())?;
            Ok(Some(address))
        }
        (Some(transaction), None) => remembered(connection, transaction),
        (None, said) => Ok(said.filter(|_| notice.request.is_some())),
    }
}

/// A transaction stays with the terminal that it was first known with.
fn remember(
    connection: &Connection,
    transaction: &TransactionId,
    address: &Address,
    request: Option<&RequestId>,
) -> Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT OR IGNORE INTO transactions (name, store, terminal, request_id)
         VALUES (?1, ?2, ?3, ?4)",
    )?;
    let request = request.map(RequestId::as_str);
    insert.execute(params![transaction.tail(), address.store(), address.terminal(), request])?;
    Ok(())
}

fn remembered(connection: &Connection, transaction: &TransactionId) -> Result<Option<Address>> {
    let mut select =
        connection.prepare_cached("SELECT store, terminal FROM transactions WHERE name = ?1")?;
    let found: Option<(String, String)> =
        select.query_row([transaction.tail()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(found.and_then(|(store, terminal)| Address::new(&store, &terminal)))
}

/// A dispute has a deadline: whose payment it is not known here, because another relay was told or
/// it is too long ago, but the terminal knows its own.
fn everybody(notice: &Notice) -> Option<Whom> {
    let is_dispute = notice.kind == Kind::Dispute && notice.transaction.is_some();
    is_dispute.then_some(Whom::Everybody)
}

fn concern(kind: Kind) -> Option<Concern> {
    match kind {
        Kind::Dispute => Some(Concern::Dispute),
        Kind::Settlement => Some(Concern::Settlement),
        Kind::Account => Some(Concern::Account),
        Kind::Request(_) | Kind::RequestUpdated | Kind::Transaction | Kind::Other => None,
    }
}

fn queue(connection: &Connection, limits: &Limits, received: &Received, whom: &Whom) -> Result<()> {
    let notice = &received.notice;
    let (store, terminal) = match whom {
        Whom::Terminal(address) => (address.store(), address.terminal()),
        Whom::Everybody => ("", ""),
    };
    let life = match notice.kind {
        Kind::Request(_) | Kind::RequestUpdated => limits.request_life,
        Kind::Transaction | Kind::Dispute | Kind::Settlement | Kind::Account | Kind::Other => {
            limits.transaction_life
        }
    };
    let mut insert = connection.prepare_cached(
        "INSERT INTO outbox (store, terminal, event, event_type, request_id, transaction_id,
                             occurred_ms, at_ms, expires_ms, concern, dispute)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    insert.execute(params![
        store,
        terminal,
        notice.event.as_str(),
        notice.event_type.as_str(),
        notice.request.as_ref().map(RequestId::as_str),
        notice.transaction.as_ref().map(TransactionId::as_str),
        notice.occurred_at.millis(),
        received.at.millis(),
        received.at.after(life).millis(),
        concern(notice.kind).map(Concern::word),
        notice.dispute.as_ref().map(|dispute| dispute.as_str()),
    ])?;
    Ok(())
}

fn note(connection: &Connection, received: &Received) -> Result<()> {
    let notice = &received.notice;
    let mut insert = connection.prepare_cached(
        "INSERT INTO account_notices (event, event_type, account, transaction_id, dispute,
                                      occurred_ms, at_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    insert.execute(params![
        notice.event.as_str(),
        notice.event_type.as_str(),
        notice.account.as_ref().map(|account| account.as_str()),
        notice.transaction.as_ref().map(TransactionId::as_str),
        notice.dispute.as_ref().map(|dispute| dispute.as_str()),
        notice.occurred_at.millis(),
        received.at.millis(),
    ])?;
    Ok(())
}

/// Forgets what is too old or too much, the oldest first.
pub(super) fn trim(connection: &Connection, limits: &Limits, now: Wall) -> Result<()> {
    let mut aged = connection.prepare_cached(
        "DELETE FROM seen WHERE id IN (SELECT id FROM seen ORDER BY id LIMIT ?1) AND at_ms < ?2",
    )?;
    let life = i64::try_from(limits.seen_life.as_millis()).unwrap_or(i64::MAX);
    aged.execute(params![bound(TRIMMED_MAX), now.millis().saturating_sub(life)])?;
    for (table, most) in [
        ("seen", limits.seen_max),
        ("transactions", limits.transactions_max),
        ("account_notices", ACCOUNT_NOTICES_MAX),
    ] {
        let surplus = format!("DELETE FROM {table} WHERE id <= (SELECT MAX(id) FROM {table}) - ?1");
        connection.prepare_cached(&surplus)?.execute([bound(most)])?;
    }
    Ok(())
}

fn bound(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Takes published messages out of the outbox; returns how many were there.
pub(super) fn published(connection: &Connection, ids: &[ParcelId]) -> Result<usize> {
    let mut delete = connection.prepare_cached("DELETE FROM outbox WHERE id = ?1")?;
    let mut count = 0;
    for id in ids {
        count += delete.execute([id.0])?;
    }
    Ok(count)
}

/// Takes messages out of the outbox that nobody needs any more; returns how many.
pub(super) fn expired(connection: &Connection, now: Wall) -> Result<usize> {
    let mut delete = connection.prepare_cached("DELETE FROM outbox WHERE expires_ms <= ?1")?;
    delete.execute([now.millis()])
}

/// How many messages wait.
pub(super) fn waiting(connection: &Connection) -> Result<usize> {
    let count: i64 = connection.query_row("SELECT COUNT(*) FROM outbox", [], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or_default())
}
