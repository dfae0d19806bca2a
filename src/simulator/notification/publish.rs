//! From what has happened to notices: who is told, what is signed with which key, and which faults
//! meet it on the way.
//!
//! It sends nothing; `sender` does.

use super::delivery::{Notice, Outgoing};
use super::event::{self, Change, Metadata};
use super::push::PushKind;
use super::resource::Webhook;
use super::signature::sign;
use crate::simulator::render::render;
use crate::simulator::world::World;
use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;

/// Between two looks at every resource for what time alone has changed.
const SETTLE_PAUSE: Duration = Duration::from_secs(1);

impl World {
    /// Tells of all that has happened to the resources that were touched.
    pub(in crate::simulator) fn publish_touched(&mut self, now: Timestamp) {
        let mut changes = Vec::new();
        for uuid in std::mem::take(&mut self.touched) {
            if let Some(request) = self.requests.find(&uuid) {
                changes.append(&mut request.changes);
            }
            if let Some(transaction) = self.transactions.find(&uuid) {
                changes.append(&mut transaction.changes);
            }
        }
        changes.iter().for_each(|change| self.publish(now, change));
    }

    /// Tells of what time alone has done.
    fn settle_all(&mut self, now: Timestamp) {
        let soon = self.notifications.settled_at.is_some_and(|then| now < then + SETTLE_PAUSE);
        if soon || !self.has_webhooks() {
            return;
        }
        self.notifications.settled_at = Some(now);
        let requests = self.requests.collect(|request| {
            request.settle(now);
            std::mem::take(&mut request.changes)
        });
        let transactions = self.transactions.collect(|transaction| {
            transaction.settle(now);
            std::mem::take(&mut transaction.changes)
        });
        let changes: Vec<Change> = requests.into_iter().chain(transactions).flatten().collect();
        changes.iter().for_each(|change| self.publish(now, change));
    }

    /// One notice for each webhook that wants it and was there when it happened.
    fn publish(&mut self, now: Timestamp, change: &Change) {
        let hooks = &self.notifications.webhooks;
        let fits = |hook: &&Webhook| hook.wants(change.event_type) && hook.created_at <= change.at;
        let hooks: Vec<Webhook> = hooks.iter().filter(fits).cloned().collect();
        for webhook in hooks {
            let notice = self.notice(&webhook, change.event_type, change.at, &change.payload);
            self.push(now, notice);
        }
    }

    /// Klarna tells of something that no call has caused, such as a dispute; false if there is no
    /// such event.
    pub(in crate::simulator) fn tell(
        &mut self,
        now: Timestamp,
        event_type: &str,
        payload: Value,
    ) -> bool {
        let Some(event_type) = event::known(event_type) else { return false };
        self.publish(now, &Change { event_type, at: now, payload });
        true
    }

    /// One notice with data of nobody.
    pub(super) fn push_dummy(&mut self, now: Timestamp, webhook: usize, event_type: &str) {
        let webhook = self.notifications.webhooks[webhook].clone();
        let payload = event::dummy(event_type, &mut self.random, now);
        let notice = self.notice(&webhook, event_type, now, &payload);
        self.push(now, notice);
    }

    fn notice(
        &mut self,
        webhook: &Webhook,
        event_type: &str,
        at: Timestamp,
        payload: &Value,
    ) -> Notice {
        let event_id = self.random.uuid().to_string();
        let account_id = self.account_id().to_owned();
        let metadata = Metadata {
            event_type,
            event_id: &event_id,
            correlation_id: &self.random.uuid().to_string(),
            account_id: &account_id,
            product_instance_id: "krn:partner:product:payment:ad71bc48-0000-4000-8000-000000000000",
            webhook_id: &webhook.id,
            at,
        };
        let body = render(&event::envelope(&metadata, payload), &mut self.random);
        let key_id = webhook.settings.signing_key_id.clone();
        let key = self.notifications.keys.iter().find(|key| key.id == key_id);
        // A deleted key is gone: what is signed from then on is signed with nobody's.
        let secret = key.map(|key| key.secret.clone());
        let secret = secret.unwrap_or_else(|| self.random.uuid().to_string());
        let signature = sign(&secret, &body, self.signature_encoding());
        let (webhook_id, url) = (webhook.id.clone(), webhook.settings.url.clone());
        let event_type = event_type.to_owned();
        Notice { webhook_id, url, event_type, event_id, body, key_id, signature }
    }

    /// Puts a notice on its way, with the fault that waits for it.
    fn push(&mut self, now: Timestamp, mut notice: Notice) {
        self.wake = true;
        let fault = self.notifications.faults.take(&notice.event_type);
        if fault == Some(PushKind::Forge) {
            let secret = self.random.uuid().to_string();
            notice.signature = sign(&secret, &notice.body, self.signature_encoding());
        }
        let deliveries = &mut self.notifications.deliveries;
        match fault {
            Some(PushKind::Duplicate(times)) => {
                (0..times).for_each(|_| deliveries.add(notice.clone(), now));
            }
            Some(PushKind::Delay(delay)) => deliveries.add(notice, now + delay),
            Some(PushKind::Lose) => deliveries.lose(notice, now),
            Some(PushKind::Reorder) => deliveries.hold(notice, now),
            Some(PushKind::Replay) => {
                let old = deliveries.oldest_taken(&notice.webhook_id);
                deliveries.add(notice, now);
                old.into_iter().for_each(|old| deliveries.add(old, now));
            }
            Some(PushKind::Forge) | None => deliveries.add(notice, now),
        }
    }

    fn storm(&mut self, now: Timestamp) {
        let taken = self.notifications.storm.as_mut().map(|storm| storm.take(now));
        match taken {
            Some(Some((event_type, count))) => {
                for _ in 0..count {
                    for webhook in 0..self.notifications.webhooks.len() {
                        if self.notifications.webhooks[webhook].wants(&event_type) {
                            self.push_dummy(now, webhook, &event_type);
                        }
                    }
                }
            }
            Some(None) => self.notifications.storm = None,
            None => {}
        }
    }

    /// What is to be sent now, at most `count` notices.
    pub(super) fn due_notices(&mut self, now: Timestamp, count: usize) -> Vec<Outgoing> {
        self.settle_all(now);
        self.storm(now);
        self.notifications.deliveries.take_due(now, count)
    }

    /// How an attempt has ended.
    pub(super) fn notice_tried(&mut self, now: Timestamp, number: u64, ended: Result<u16, String>) {
        self.notifications.deliveries.tried(now, number, ended);
    }

    /// Whether a notice is due or being sent.
    pub(in crate::simulator) fn is_telling(&mut self, now: Timestamp) -> bool {
        self.settle_all(now);
        self.storm(now);
        self.notifications.deliveries.is_busy(now)
    }
}
