//! Deliveries: what is to be sent where, when it is tried again, and how it has ended.
//!
//! Each keeps the address, the body and the signature of the moment of its event: what is changed
//! later does not touch it (Integration Guidelines: Retry mechanism).

use super::{DeliveryState, DeliveryView};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Deliveries kept at most; the oldest go first, ended or not. About 1 KB each.
const DELIVERIES_MAX: usize = 20_000;

/// After the first failure, the second and so on; after one more it is dead (Integration
/// Guidelines: Retry mechanism).
const PAUSES: [Duration; 6] = [
    Duration::from_secs(10),
    Duration::from_secs(2 * 60),
    Duration::from_secs(15 * 60),
    Duration::from_secs(3 * 3600),
    Duration::from_secs(6 * 3600),
    Duration::from_secs(12 * 3600),
];

/// What is held back for the sake of the order goes after this time if nothing follows it.
const HELD: Duration = Duration::from_secs(60);

/// The statuses by which a receiver says that it has a notice.
const TAKEN: [u16; 4] = [200, 201, 202, 204];

/// What is sent.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    pub(super) webhook_id: String,
    pub(super) url: String,
    pub(super) event_type: String,
    pub(super) event_id: String,
    pub(super) body: String,
    pub(super) key_id: String,
    pub(super) signature: String,
}

/// A notice to be sent now.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) number: u64,
    pub(super) notice: Notice,
}

struct Delivery {
    notice: Notice,
    state: DeliveryState,
    due: Timestamp,
    /// Waits for the next one of its webhook.
    held: bool,
    attempts: u32,
    last: Option<String>,
}

/// All deliveries of the simulator's life, up to a bound.
#[derive(Default)]
pub(super) struct Deliveries {
    rows: BTreeMap<u64, Delivery>,
    /// Those that wait, in the order in which they are due.
    queue: BTreeSet<(Timestamp, u64)>,
    sending: usize,
    newest: u64,
}

impl Deliveries {
    /// Adds one that is due then.
    pub(super) fn add(&mut self, notice: Notice, due: Timestamp) {
        self.insert(notice, DeliveryState::Waiting, due, false);
    }

    /// Adds one that waits until another one of its webhook has been tried.
    pub(super) fn hold(&mut self, notice: Notice, now: Timestamp) {
        self.insert(notice, DeliveryState::Waiting, now + HELD, true);
    }

    /// Adds one that is never sent.
    pub(super) fn lose(&mut self, notice: Notice, now: Timestamp) {
        self.insert(notice, DeliveryState::Lost, now, false);
    }

    fn insert(&mut self, notice: Notice, state: DeliveryState, due: Timestamp, held: bool) {
        self.newest += 1;
        if state == DeliveryState::Waiting {
            self.queue.insert((due, self.newest));
        }
        let row = Delivery { notice, state, due, held, attempts: 0, last: None };
        self.rows.insert(self.newest, row);
        if self.rows.len() > DELIVERIES_MAX
            && let Some((number, row)) = self.rows.pop_first()
        {
            self.queue.remove(&(row.due, number));
            self.sending -= usize::from(row.state == DeliveryState::Sending);
        }
    }

    /// Takes at most `count` of those that are due; they are being sent from now on.
    pub(super) fn take_due(&mut self, now: Timestamp, count: usize) -> Vec<Outgoing> {
        let mut taken = Vec::new();
        while taken.len() < count
            && let Some(&(due, number)) = self.queue.first()
            && due <= now
        {
            self.queue.pop_first();
            let Some(row) = self.rows.get_mut(&number) else { continue };
            row.state = DeliveryState::Sending;
            self.sending += 1;
            taken.push(Outgoing { number, notice: row.notice.clone() });
        }
        taken
    }

    /// How the attempt has ended: with a status, or with words in place of one.
    pub(super) fn tried(&mut self, now: Timestamp, number: u64, ended: Result<u16, String>) {
        let Some(row) = self.rows.get_mut(&number) else { return };
        self.sending -= usize::from(row.state == DeliveryState::Sending);
        let pause = usize::try_from(row.attempts).ok().and_then(|count| PAUSES.get(count));
        row.attempts += 1;
        row.state = match (&ended, pause) {
            (Ok(status), _) if TAKEN.contains(status) => DeliveryState::Delivered,
            (Ok(_) | Err(_), Some(pause)) => {
                row.due = now + *pause;
                self.queue.insert((row.due, number));
                DeliveryState::Waiting
            }
            (Ok(_) | Err(_), None) => DeliveryState::Dead,
        };
        row.last = Some(ended.map_or_else(|words| words, |status| status.to_string()));
        let webhook_id = row.notice.webhook_id.clone();
        self.release(now, number, &webhook_id);
    }

    /// What was held back before this one may go now.
    fn release(&mut self, now: Timestamp, before: u64, webhook_id: &str) {
        for (number, row) in self.rows.range_mut(..before) {
            if row.held && row.notice.webhook_id == webhook_id {
                row.held = false;
                if self.queue.remove(&(row.due, *number)) {
                    row.due = now;
                    self.queue.insert((now, *number));
                }
            }
        }
    }

    /// The bytes of the oldest one that this webhook has taken.
    pub(super) fn oldest_taken(&self, webhook_id: &str) -> Option<Notice> {
        let taken = self.rows.values().find(|row| {
            row.state == DeliveryState::Delivered && row.notice.webhook_id == webhook_id
        });
        taken.map(|row| row.notice.clone())
    }

    /// Adds the same bytes once more; false if there is no such delivery.
    pub(super) fn replay(&mut self, now: Timestamp, number: u64) -> bool {
        let notice = self.rows.get(&number).map(|row| row.notice.clone());
        let found = notice.is_some();
        notice.into_iter().for_each(|notice| self.add(notice, now));
        found
    }

    /// Whether something is due or being sent.
    pub(super) fn is_busy(&self, now: Timestamp) -> bool {
        self.sending > 0 || self.queue.first().is_some_and(|(due, _)| *due <= now)
    }

    /// All of them, oldest first.
    pub(super) fn views(&self) -> Vec<DeliveryView> {
        let view = |(number, row): (&u64, &Delivery)| DeliveryView {
            number: *number,
            webhook_id: row.notice.webhook_id.clone(),
            url: row.notice.url.clone(),
            event_type: row.notice.event_type.clone(),
            event_id: row.notice.event_id.clone(),
            signing_key_id: row.notice.key_id.clone(),
            state: row.state,
            attempts: row.attempts,
            due: (row.state == DeliveryState::Waiting).then_some(row.due),
            last: row.last.clone(),
        };
        self.rows.iter().map(view).collect()
    }
}
