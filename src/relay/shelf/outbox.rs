//! The messages that wait, for whoever publishes them: take, publish, say so. A message that was
//! published and not yet said to be is published again after a restart; its event id tells.
//!
//! Reading goes over a connection of its own, beside the writer.

use super::{Done, Shelf, ShelfError, Task};
use crate::clock::Wall;
use crate::id::{Address, DisputeId, EventId, EventType, RequestId, TransactionId};
use crate::payment::notice::Concern;
use crate::relay::message::{Message, Parcel, ParcelId, Whom};
use crate::relay::metrics::Depth;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::sync::PoisonError;

/// Most messages that are taken at once.
pub const TAKEN_MAX: usize = 1000;

/// The outbox alone, without the right to put notices in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbox(pub(in crate::relay) Shelf);

/// Something that Klarna has said and that is of no terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountNotice {
    /// What has happened, in Klarna's words.
    pub event_type: String,
    /// The account, if it was said.
    pub account: Option<String>,
    /// The dispute, where it is one about a transaction of no terminal.
    pub dispute: Option<String>,
    /// When it happened, by Klarna's clock.
    pub occurred_at: Wall,
}

impl Outbox {
    /// The oldest messages after `after` that are still of use at `now`, at most `limit` and at
    /// most [`TAKEN_MAX`]. They stay until [`Outbox::published`].
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn take(
        &self,
        after: ParcelId,
        limit: usize,
        now: Wall,
    ) -> Result<Vec<Parcel>, ShelfError> {
        let limit = i64::try_from(limit.min(TAKEN_MAX)).unwrap_or_default();
        self.0.look(move |reader| take(reader, after, limit, now)).await
    }

    /// Takes published messages out, durably; returns how many were still there.
    ///
    /// # Errors
    /// When the file cannot be written; say it again later.
    pub async fn published(&self, ids: Vec<ParcelId>) -> Result<usize, ShelfError> {
        self.removed(Task::Published(ids)).await
    }

    /// Takes messages out that nobody needs at `now` any more, durably; returns how many.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn expired(&self, now: Wall) -> Result<usize, ShelfError> {
        self.removed(Task::Expired(now)).await
    }

    /// Waits until there may be messages that were not there before. For one who waits: two would
    /// take turns.
    pub async fn arrived(&self) {
        self.0.arrived.notified().await;
    }

    /// What stands at the account and with disputes of no terminal, newest first; at most 1,000.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn account_notices(&self) -> Result<Vec<AccountNotice>, ShelfError> {
        self.0.look(account_notices).await
    }

    async fn removed(&self, task: Task) -> Result<usize, ShelfError> {
        match self.0.wait_in_line(task).await? {
            Done::Removed(count) => Ok(count),
            Done::Shelved(_) | Done::Full => Ok(0),
        }
    }
}

impl Shelf {
    /// How many messages wait, and for how long.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn depth(&self, now: Wall) -> Result<Depth, ShelfError> {
        let oldest = self.look(oldest).await?;
        let waiting = u64::try_from(self.waiting()).unwrap_or(u64::MAX);
        let oldest_age = oldest.and_then(|oldest| now.since(oldest)).unwrap_or_default();
        Ok(Depth { waiting, oldest_age })
    }

    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ShelfError> {
        let reader = self.reader.clone();
        let looked = tokio::task::spawn_blocking(move || {
            look(&reader.lock().unwrap_or_else(PoisonError::into_inner))
        });
        Ok(looked.await.map_err(|_| ShelfError::Closed)??)
    }
}

fn take(
    reader: &Connection,
    after: ParcelId,
    limit: i64,
    now: Wall,
) -> rusqlite::Result<Vec<Parcel>> {
    let mut select = reader.prepare_cached(
        "SELECT id, store, terminal, event, event_type, request_id, transaction_id, occurred_ms,
                expires_ms, concern, dispute
         FROM outbox WHERE id > ?1 AND expires_ms > ?2 ORDER BY id LIMIT ?3",
    )?;
    let rows = select.query_map(params![after.0, now.millis(), limit], parcel)?;
    let parcels: rusqlite::Result<Vec<Option<Parcel>>> = rows.collect();
    Ok(parcels?.into_iter().flatten().collect())
}

/// A row that this program did not write is passed over, and expires like every other.
fn parcel(row: &Row<'_>) -> rusqlite::Result<Option<Parcel>> {
    let text = |column: usize| row.get::<_, String>(column);
    let (store, terminal) = (text(1)?, text(2)?);
    let whom = match store.is_empty() {
        true => Some(Whom::Everybody),
        false => Address::new(&store, &terminal).map(Whom::Terminal),
    };
    let (event, event_type) = (EventId::new(text(3)?).ok(), EventType::new(text(4)?).ok());
    let request: Option<String> = row.get(5)?;
    let transaction: Option<String> = row.get(6)?;
    let concern: Option<String> = row.get(9)?;
    let dispute: Option<String> = row.get(10)?;
    let (Some(whom), Some(event), Some(event_type)) = (whom, event, event_type) else {
        return Ok(None);
    };
    let message = Message {
        event,
        event_type,
        request: request.and_then(|id| RequestId::new(id).ok()),
        transaction: transaction.and_then(|id| TransactionId::new(id).ok()),
        concern: concern.as_deref().and_then(Concern::named),
        dispute: dispute.and_then(|id| DisputeId::new(id).ok()),
        whom,
        occurred_at: Wall::from_millis(row.get(7)?),
    };
    let expires_at = Wall::from_millis(row.get(8)?);
    Ok(Some(Parcel { id: ParcelId(row.get(0)?), message, expires_at }))
}

fn oldest(reader: &Connection) -> rusqlite::Result<Option<Wall>> {
    let mut select = reader.prepare_cached("SELECT at_ms FROM outbox ORDER BY id LIMIT 1")?;
    select.query_row([], |row| Ok(Wall::from_millis(row.get(0)?))).optional()
}

fn account_notices(reader: &Connection) -> rusqlite::Result<Vec<AccountNotice>> {
    let mut select = reader.prepare_cached(
        "SELECT event_type, account, dispute, occurred_ms FROM account_notices
         ORDER BY id DESC LIMIT 1000",
    )?;
    let notice = |row: &Row<'_>| {
        Ok(AccountNotice {
            event_type: row.get(0)?,
            account: row.get(1)?,
            dispute: row.get(2)?,
            occurred_at: Wall::from_millis(row.get(3)?),
        })
    };
    select.query_map([], notice)?.collect()
}
