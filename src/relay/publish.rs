//! From the outbox to whoever is to be told: terminals behind a broker, or the one in this process.
//!
//! A message leaves the outbox once the broker has taken it. Whatever was under way when a line
//! breaks is said again, and its event id tells.

use super::message::{Message, Parcel, ParcelId, Whom};
use super::metrics::Metrics;
use super::shelf::Outbox;
use crate::broker::{Account, Changed, Line, PublishError, TopicError, Topics};
use crate::clock::SystemClock;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Between two signs of life at the account's topic; terminals wait for three of them.
const ALIVE_PACE: Duration = Duration::from_secs(20);
/// After a sign of life that found no line: terminals rely on hints again soon after a break.
const ALIVE_AGAIN: Duration = Duration::from_secs(1);
/// A sign of life is of no use for longer.
const ALIVE_LIFE: Duration = Duration::from_secs(30);
/// Messages that the broker has not taken yet.
const UNDER_WAY_MAX: usize = 800;
/// Messages that are taken out of the outbox at once.
const BATCH: usize = 200;
/// After the line had no room; what is under way leaves it in a few milliseconds.
const BUSY: Duration = Duration::from_millis(20);
/// After the broker or the file has refused something.
const PAUSE: Duration = Duration::from_secs(1);

/// Publishes until `stop`.
pub struct Publisher {
    outbox: Outbox,
    line: Line,
    account: Account,
    metrics: Arc<Metrics>,
    clock: SystemClock,
    under_way: JoinSet<(ParcelId, Result<(), PublishError>)>,
    /// The last message that was taken out of the outbox in this round.
    after: ParcelId,
}

impl Publisher {
    /// One for the messages of `outbox`, at the topics of `account`.
    pub fn new(
        outbox: Outbox,
        line: Line,
        account: Account,
        metrics: Arc<Metrics>,
        clock: SystemClock,
    ) -> Self {
        let (under_way, after) = (JoinSet::new(), ParcelId::START);
        Self { outbox, line, account, metrics, clock, under_way, after }
    }

    /// Runs until `stop` says so; what is not published by then stays in the outbox.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut alive = tokio::time::interval(ALIVE_PACE);
        let mut is_round_over = false;
        loop {
            let has_room = self.under_way.len() < UNDER_WAY_MAX;
            tokio::select! {
                () = told(&mut stop) => return,
                _ = alive.tick() => if !self.say_alive() { alive.reset_after(ALIVE_AGAIN) },
                Some(taken) = self.under_way.join_next() => {
                    let Ok((id, taken)) = taken else { continue };
                    if !self.settle(id, taken).await {
                        self.begin_again().await;
                        is_round_over = false;
                    }
                }
                () = self.line.up(), if has_room && !is_round_over => {
                    is_round_over = self.next_batch().await;
                }
                () = self.outbox.arrived(), if is_round_over => is_round_over = false,
            }
        }
    }

    /// Publishes the next messages; returns whether there are no more for now.
    async fn next_batch(&mut self) -> bool {
        let now = self.clock.now().wall;
        let parcels = match self.outbox.take(self.after, BATCH, now).await {
            Ok(parcels) => parcels,
            Err(error) => {
                tracing::warn!(%error, "the outbox cannot be read");
                tokio::time::sleep(PAUSE).await;
                return false;
            }
        };
        let is_last = parcels.len() < BATCH;
        for parcel in parcels {
            let id = parcel.id;
            match self.publish(parcel) {
                Ok(()) => self.after = id,
                // It is taken again once something has left.
                Err(PublishError::Busy | PublishError::Refused(_) | PublishError::Broke(_)) => {
                    tokio::time::sleep(BUSY).await;
                    return false;
                }
            }
        }
        is_last
    }

    fn publish(&mut self, parcel: Parcel) -> Result<(), PublishError> {
        let Parcel { id, message, expires_at } = parcel;
        let topic = match self.topic(&message.whom) {
            Ok(topic) => topic,
            Err(error) => {
                tracing::error!(%error, "a message has no topic");
                return Ok(());
            }
        };
        let expiry = expires_at.since(self.clock.now().wall);
        let bytes = Changed::from(message).bytes();
        let published = self.line.publish(&topic, bytes, expiry, false)?;
        self.under_way.spawn(async move { (id, published.taken().await) });
        Ok(())
    }

    fn topic(&self, whom: &Whom) -> Result<String, TopicError> {
        match whom {
            Whom::Terminal(address) => {
                let (store, terminal) = (address.store(), address.terminal());
                Ok(Topics::of(&self.account, store, terminal)?.changed())
            }
            Whom::Everybody => Ok(self.account.notices()),
        }
    }

    /// Takes what has been taken by the broker out of the outbox, many at a time; returns whether
    /// all is well.
    async fn settle(&mut self, id: ParcelId, taken: Result<(), PublishError>) -> bool {
        let mut done = Vec::new();
        let mut refused = self.sort(id, taken, &mut done);
        while let Some(next) = self.under_way.try_join_next() {
            if let Ok((id, taken)) = next {
                refused |= self.sort(id, taken, &mut done);
            }
        }
        if let Err(error) = self.outbox.published(done).await {
            tracing::warn!(%error, "published messages stay in the outbox and are said again");
            refused = true;
        }
        !refused
    }

    /// Whether it was refused.
    fn sort(
        &self,
        id: ParcelId,
        taken: Result<(), PublishError>,
        done: &mut Vec<ParcelId>,
    ) -> bool {
        match taken {
            Ok(()) => {
                self.metrics.count_published();
                done.push(id);
                false
            }
            Err(error) => {
                tracing::debug!(%error, "the broker has not taken a message");
                true
            }
        }
    }

    /// Whatever has not been taken is said again, from the oldest on.
    async fn begin_again(&mut self) {
        while let Some(next) = self.under_way.join_next().await {
            if let Ok((id, Ok(()))) = next
                && self.outbox.published(vec![id]).await.is_err()
            {
                break;
            }
        }
        self.under_way.abort_all();
        self.after = ParcelId::START;
        tokio::time::sleep(PAUSE).await;
    }

    /// Whether there was a line; without one nobody would hear it.
    fn say_alive(&self) -> bool {
        let said = self.line.publish(&self.account.alive(), b"{}".to_vec(), Some(ALIVE_LIFE), true);
        said.is_ok()
    }
}

async fn told(stop: &mut watch::Receiver<bool>) {
    // Whoever is gone has nothing more to publish.
    let _ = stop.wait_for(|is_told| *is_told).await;
}

impl From<Message> for Changed {
    fn from(message: Message) -> Self {
        Self {
            v: 1,
            event: message.event.as_str().to_owned(),
            kind: message.event_type.as_str().to_owned(),
            request: message.request.map(|id| id.as_str().to_owned()),
            transaction: message.transaction.map(|id| id.as_str().to_owned()),
            concern: message.concern.map(|concern| concern.word().to_owned()),
            dispute: message.dispute.map(|id| id.as_str().to_owned()),
            at: Some(message.occurred_at.iso8601()),
        }
    }
}
