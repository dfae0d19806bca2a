//! What Klarna says of its own accord: signing keys, webhooks, and the deliveries that follow from
//! what happens to payments.
//!
//! ```text
//! operations ─▶ keys, webhooks
//! publish ─▶ event ─▶ delivery ◀── sender ──HTTPS──▶ receiver
//! ```
//! All but `sender` and `control` is a value without sockets or clocks.

pub(super) mod control;
mod delivery;
pub(super) mod event;
mod operations;
mod publish;
mod push;
pub(super) mod resource;
pub(super) mod sender;
mod signature;

pub use push::{PushFault, PushKind, Storm};
pub use signature::SignatureEncoding;

use super::world::World;
use delivery::Deliveries;
use jiff::Timestamp;
use push::{PushFaults, Storming};
use resource::{SigningKey, Webhook};
use serde::Serialize;

/// Everything about webhooks.
#[derive(Default)]
pub(super) struct Notifications {
    keys: Vec<SigningKey>,
    webhooks: Vec<Webhook>,
    deliveries: Deliveries,
    pub(super) faults: PushFaults,
    storm: Option<Storming>,
    /// When every resource was last looked at for what time alone has changed.
    settled_at: Option<Timestamp>,
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WebhookView {
    /// The id as the API gives it.
    pub id: String,
    /// Where notices go.
    pub url: String,
    /// Event types and wildcards.
    pub event_types: Vec<String>,
    /// The key that notices are signed with.
    pub signing_key_id: String,
    /// Whether it is told anything.
    pub enabled: bool,
}

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Its next attempt is due at a time to come, or now.
    Waiting,
    /// An attempt is being made.
    Sending,
    /// The receiver has taken it.
    Delivered,
    /// The last attempt has failed.
    Dead,
    /// A fault has swallowed it.
    Lost,
}

/// One event on its way to one webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliveryView {
    /// Counted from 1 in the order in which they were made.
    pub number: u64,
    /// The webhook it is for.
    pub webhook_id: String,
    /// Where it goes, as it was when the event happened.
    pub url: String,
    /// Such as `payment.request.state-change.authorized`.
    pub event_type: String,
    /// The event's id; the same in what is sent twice.
    pub event_id: String,
    /// The key that it names.
    pub signing_key_id: String,
    /// How it stands.
    pub state: DeliveryState,
    /// Attempts that have ended.
    pub attempts: u32,
    /// When the next attempt is due, while it waits; on the simulator's clock.
    pub due: Option<Timestamp>,
    /// How the last attempt ended: a status or a few words.
    pub last: Option<String>,
}

impl World {
    pub(super) fn webhook_views(&self) -> Vec<WebhookView> {
        self.notifications.webhooks.iter().map(Webhook::view).collect()
    }

    pub(super) fn delivery_views(&self) -> Vec<DeliveryView> {
        self.notifications.deliveries.views()
    }

    /// Sends the bytes of an old delivery again; false if it is not known (any more).
    pub(super) fn replay(&mut self, now: Timestamp, number: u64) -> bool {
        self.wake = true;
        self.notifications.deliveries.replay(now, number)
    }

    /// Synthetic events from now on; `None` ends them.
    pub(super) fn set_storm(&mut self, now: Timestamp, storm: Option<Storm>) {
        self.wake = true;
        self.notifications.storm = storm.map(|storm| Storming::new(storm, now));
    }

    pub(super) fn has_webhooks(&self) -> bool {
        !self.notifications.webhooks.is_empty()
    }
}
