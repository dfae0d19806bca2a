//! From the outbox to whoever is to be told: terminals behind a broker, or the one in this process.
//!
//! A message leaves the outbox once the broker has taken it. What was under way when a line breaks
//! is said again, and its event id tells. What the broker refuses waits, and holds up nothing.

use super::message::{Message, Parcel, ParcelId, Whom};
use super::metrics::Metrics;
use super::round::Round;
use super::shelf::{Outbox, TAKEN_MAX};
use crate::broker::{Account, Changed, Line, PublishError, TopicError, Topics};
use crate::clock::SystemClock;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, sleep_until, timeout};

/// Between two signs of life at the account's topic; terminals wait for three of them.
const ALIVE_PACE: Duration = Duration::from_secs(20);
/// After a sign of life that found no line: terminals rely on hints again soon after a break.
const ALIVE_AGAIN: Duration = Duration::from_secs(1);
/// Until the broker has taken a sign of life: whoever takes longer is not there any more, whatever
/// the system still believes of the connection. Shorter than [`ALIVE_PACE`].
const ALIVE_PATIENCE: Duration = Duration::from_secs(15);
/// A sign of life is of no use for longer.
const ALIVE_LIFE: Duration = Duration::from_secs(30);
/// Messages that the broker has not taken yet.
const UNDER_WAY_MAX: usize = 800;
/// Messages that are taken out of the outbox at once.
const BATCH: usize = 200;
/// After the line had no room; what is under way leaves it in a few milliseconds.
const BUSY: Duration = Duration::from_millis(20);
/// After a line broke, and after the file could not be read or written.
const PAUSE: Duration = Duration::from_secs(1);
/// After the broker has refused a message: somebody has to correct its access rules first.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);

/// What the broker has said to a message, and where that was to be read.
type Answer = (ParcelId, &'static str, Result<(), PublishError>);
/// What it has said to a sign of life, unless it has said nothing in time.
type Sign = Result<Result<(), PublishError>, Elapsed>;

/// Publishes until `stop`.
pub struct Publisher {
    outbox: Outbox,
    line: Line,
    account: Account,
    metrics: Arc<Metrics>,
    clock: SystemClock,
    under_way: JoinSet<Answer>,
    /// The broker's answers to signs of life.
    alive: JoinSet<Sign>,
    round: Round,
    /// Whether there are no more messages for now.
    is_round_over: bool,
    /// No batch is taken before.
    rest_until: Instant,
    /// Nothing is taken out of the outbox before.
    forget_at: Instant,
    /// When the broker is asked again whether it takes what it has refused.
    ask_again_at: Instant,
    /// How often it has refused something.
    refusals: u64,
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
        let now = Instant::now();
        Self {
            outbox,
            line,
            account,
            metrics,
            clock,
            under_way: JoinSet::new(),
            alive: JoinSet::new(),
            round: Round::begin(),
            is_round_over: false,
            rest_until: now,
            forget_at: now,
            ask_again_at: now,
            refusals: 0,
        }
    }

    /// Runs until `stop` says so; what is not published by then stays in the outbox.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut alive = tokio::time::interval(ALIVE_PACE);
        loop {
            let has_room = self.under_way.len() < UNDER_WAY_MAX;
            tokio::select! {
                () = told(&mut stop) => return,
                _ = alive.tick() => if !self.say_alive() { alive.reset_after(ALIVE_AGAIN) },
                Some(answer) = self.alive.join_next() => self.look_after_line(answer),
                Some(answer) = self.under_way.join_next() => self.settle(answer).await,
                () = sleep_until(self.forget_at), if self.round.has_taken() => self.forget().await,
                () = sleep_until(self.ask_again_at), if self.round.has_refused() => {
                    self.round.ask_again();
                    self.is_round_over = false;
                }
                () = ready(&mut self.line, self.rest_until), if has_room && !self.is_round_over => {
                    self.next_batch().await;
                }
                () = self.outbox.arrived(), if self.is_round_over => self.is_round_over = false,
            }
        }
    }

    /// Publishes the next messages.
    async fn next_batch(&mut self) {
        let now = self.clock.now().wall;
        let parcels = match self.outbox.take(self.round.after(), BATCH, now).await {
            Ok(parcels) => parcels,
            Err(error) => {
                tracing::warn!(%error, "the outbox cannot be read");
                self.rest_until = Instant::now() + PAUSE;
                return;
            }
        };
        self.is_round_over = parcels.len() < BATCH;
        for parcel in parcels {
            let id = parcel.id;
            if self.round.wants(id) && self.publish(parcel).is_err() {
                // It is taken again once something has left.
                self.rest_until = Instant::now() + BUSY;
                self.is_round_over = false;
                return;
            }
            self.round.pass(id);
        }
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
        let kind = match message.whom {
            Whom::Terminal(_) => "changed",
            Whom::Everybody => "notices",
        };
        let expiry = expires_at.since(self.clock.now().wall);
        let bytes = Changed::from(message).bytes();
        let published = self.line.publish(&topic, bytes, expiry, false)?;
        self.under_way.spawn(async move { (id, kind, published.taken().await) });
        self.round.given(id);
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

    /// Notes all answers that are there, and takes what the broker has out of the outbox, many at
    /// a time.
    async fn settle(&mut self, first: Result<Answer, JoinError>) {
        self.note(first);
        while let Some(next) = self.under_way.try_join_next() {
            self.note(next);
        }
        if self.forget_at <= Instant::now() {
            self.forget().await;
        }
    }

    fn note(&mut self, answer: Result<Answer, JoinError>) {
        // Nobody ends a task that waits for an answer.
        let Ok((id, kind, taken)) = answer else { return };
        match taken {
            Ok(()) => {
                self.metrics.count_published();
                self.round.taken(id);
            }
            Err(PublishError::Refused(why)) => {
                self.warn_of_refusal(kind, &why);
                if !self.round.has_refused() {
                    self.ask_again_at = Instant::now() + REFUSED_PAUSE;
                }
                self.round.refused(id);
            }
            Err(error @ (PublishError::Busy | PublishError::Broke(_))) => {
                tracing::debug!(%error, "a message is said again");
                self.round.broke(id);
                self.rest_until = Instant::now() + PAUSE;
                self.is_round_over = false;
            }
        }
    }

    /// The first, second, fourth and so on: a missing right makes many.
    fn warn_of_refusal(&mut self, topic: &'static str, why: &dyn std::fmt::Display) {
        self.refusals += 1;
        if self.refusals.is_power_of_two() {
            let (count, again_s) = (self.refusals, REFUSED_PAUSE.as_secs());
            tracing::warn!(topic, %why, count, again_s, "the broker refuses; see its access rules");
        }
    }

    /// Takes out of the outbox what the broker has. Where that fails, it alone is tried again.
    async fn forget(&mut self) {
        while self.round.has_taken() {
            let gone = self.round.oldest_taken(TAKEN_MAX);
            if let Err(error) = self.outbox.published(gone.clone()).await {
                tracing::warn!(%error, "published messages stay in the outbox for now");
                self.forget_at = Instant::now() + PAUSE;
                return;
            }
            self.round.forget(&gone);
        }
    }

    /// Whether there was a line; without one nobody would hear it.
    fn say_alive(&mut self) -> bool {
        let said = self.line.publish(&self.account.alive(), b"{}".to_vec(), Some(ALIVE_LIFE), true);
        let Ok(published) = said else { return false };
        self.alive.spawn(timeout(ALIVE_PATIENCE, published.taken()));
        true
    }

    /// Each write puts off the line's own sign of life, so a relay that has much to say would wait
    /// for the system to notice that nobody is there.
    fn look_after_line(&mut self, answer: Result<Sign, JoinError>) {
        match answer {
            Ok(Err(_)) => self.line.give_up(),
            Ok(Ok(Err(PublishError::Refused(why)))) => self.warn_of_refusal("alive", &why),
            Ok(Ok(_)) | Err(_) => {}
        }
    }
}

/// Once the line stands, and not before `at`.
async fn ready(line: &mut Line, at: Instant) {
    sleep_until(at).await;
    line.up().await;
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
