//! The operations of the notification API: signing keys and webhooks are made, shown, changed,
//! tried and deleted.
//!
//! It does not know when something is delivered.

use super::resource::{self, SigningKey, Webhook};
use crate::simulator::call::Call;
use crate::simulator::error::Refusal;
use crate::simulator::operations::Done;
use crate::simulator::route::{Route, Target};
use crate::simulator::world::World;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Signing keys of one account (Integration Guidelines: Signing keys considerations).
const SIGNING_KEYS_MAX: usize = 50;
/// Webhooks of one account; no document names a bound.
const WEBHOOKS_MAX: usize = 200;

impl World {
    /// The operations that are about no payment; every other route is a defect of the caller.
    pub(in crate::simulator) fn manage(
        &mut self,
        now: Timestamp,
        target: &Target,
        call: &Call,
        body: &Value,
    ) -> Result<Done, Refusal> {
        let id = target.id.as_str();
        match target.route {
            Route::CreateSigningKey => self.create_signing_key(now),
            Route::ListSigningKeys => Ok(self.list_signing_keys()),
            Route::ReadSigningKey => self.read_signing_key(id),
            Route::DeleteSigningKey => self.delete_signing_key(id),
            Route::CreateWebhook => self.create_webhook(now, body),
            Route::ListWebhooks => Ok(self.list_webhooks()),
            Route::ReadWebhook => self.read_webhook(id),
            Route::UpdateWebhook => self.update_webhook(now, id, body),
            Route::DeleteWebhook => self.delete_webhook(id),
            Route::SimulateWebhook => self.simulate_webhook(now, id, body),
            Route::CreateCredential => self.create_credential(now, body),
            Route::ListCredentials => Ok(self.list_credentials()),
            Route::DeleteCredential => self.delete_credential(call, id),
            Route::Interoperability
            | Route::Descriptors
            | Route::CreateRequest
            | Route::ReadRequest
            | Route::UpdateRequest
            | Route::CancelRequest
            | Route::Confirm
            | Route::ConfirmShort
            | Route::ReadTransaction
            | Route::UpdateTransaction
            | Route::Capture
            | Route::Void
            | Route::RefundTransaction
            | Route::RefundCapture
            | Route::ReadCapture
            | Route::ReadRefund => Err(Refusal::no_route()),
        }
    }

    fn create_signing_key(&mut self, now: Timestamp) -> Result<Done, Refusal> {
        if self.notifications.keys.len() >= SIGNING_KEYS_MAX {
            self.mistake("a 51st signing key is asked for: delete those that are not used");
            return Err(Refusal::forbidden("50 signing keys of one account are the limit"));
        }
        let id = format!("krn:partner:global:notification:signing-key:{}", self.random.uuid());
        let key = SigningKey { id, secret: self.random.uuid().to_string(), created_at: now };
        let mut body = key.body();
        body["signing_key"] = key.secret.as_str().into();
        self.notifications.keys.push(key);
        Ok((201, body))
    }

    fn list_signing_keys(&self) -> Done {
        let keys: Vec<Value> = self.notifications.keys.iter().map(SigningKey::body).collect();
        (200, json!({"signing_keys": keys}))
    }

    fn read_signing_key(&self, id: &str) -> Result<Done, Refusal> {
        let key = self.notifications.keys.iter().find(|key| key.id == id);
        Ok((200, key.ok_or_else(no_key)?.body()))
    }

    /// A key in use can be deleted; notices are then signed with nothing that anybody knows
    /// (Integration Guidelines: Test case 8).
    fn delete_signing_key(&mut self, id: &str) -> Result<Done, Refusal> {
        let before = self.notifications.keys.len();
        self.notifications.keys.retain(|key| key.id != id);
        if self.notifications.keys.len() == before {
            return Err(no_key());
        }
        let in_use = |hook: &&Webhook| hook.settings.enabled && hook.settings.signing_key_id == id;
        if let Some(webhook) = self.notifications.webhooks.iter().find(in_use) {
            let text = format!("the signing key of the enabled webhook {} is deleted", webhook.id);
            self.mistake(&text);
        }
        Ok((204, Value::Null))
    }

    fn create_webhook(&mut self, now: Timestamp, body: &Value) -> Result<Done, Refusal> {
        let settings =
            resource::webhook(body, None, self.webhook_reach()).map_err(Refusal::invalid)?;
        self.must_have_key(&settings.signing_key_id)?;
        if self.notifications.webhooks.iter().any(|other| other.settings.is_like(&settings)) {
            return Err(exists());
        }
        if self.notifications.webhooks.len() >= WEBHOOKS_MAX {
            return Err(Refusal::forbidden("200 webhooks of one account are the limit"));
        }
        let id = format!("krn:partner:global:notification:webhook:{}", self.random.uuid());
        let webhook = Webhook { id, settings, created_at: now, updated_at: now };
        let body = webhook.body();
        self.notifications.webhooks.push(webhook);
        self.wake = true;
        Ok((201, body))
    }

    fn list_webhooks(&self) -> Done {
        let webhooks: Vec<Value> = self.notifications.webhooks.iter().map(Webhook::body).collect();
        (200, json!({"webhooks": webhooks}))
    }

    fn read_webhook(&self, id: &str) -> Result<Done, Refusal> {
        Ok((200, self.notifications.webhooks[self.webhook(id)?].body()))
    }

    fn update_webhook(&mut self, now: Timestamp, id: &str, body: &Value) -> Result<Done, Refusal> {
        let index = self.webhook(id)?;
        let old = &self.notifications.webhooks[index].settings;
        let settings =
            resource::webhook(body, Some(old), self.webhook_reach()).map_err(Refusal::invalid)?;
        if settings.signing_key_id != old.signing_key_id {
            self.must_have_key(&settings.signing_key_id)?;
        }
        let others = self.notifications.webhooks.iter().filter(|other| other.id != id);
        if others.into_iter().any(|other| other.settings.is_like(&settings)) {
            return Err(exists());
        }
        let webhook = &mut self.notifications.webhooks[index];
        (webhook.settings, webhook.updated_at) = (settings, now);
        Ok((200, webhook.body()))
    }

    fn delete_webhook(&mut self, id: &str) -> Result<Done, Refusal> {
        let index = self.webhook(id)?;
        self.notifications.webhooks.remove(index);
        Ok((204, Value::Null))
    }

    /// Sends data of nobody to one webhook; only where no money is.
    fn simulate_webhook(
        &mut self,
        now: Timestamp,
        id: &str,
        body: &Value,
    ) -> Result<Done, Refusal> {
        let event_type = resource::simulated(body).map_err(Refusal::invalid)?;
        let index = self.webhook(id)?;
        if self.is_live() {
            return Err(Refusal::forbidden("webhooks are simulated in the test environment only"));
        }
        if !self.notifications.webhooks[index].settings.enabled {
            return Err(Refusal::forbidden("the webhook is disabled"));
        }
        if !self.notifications.webhooks[index].wants(&event_type) {
            let text = "the webhook does not subscribe to it";
            return Err(Refusal::invalid_one("event_type", text));
        }
        self.push_dummy(now, index, &event_type);
        Ok((202, Value::Null))
    }

    fn webhook(&self, id: &str) -> Result<usize, Refusal> {
        let index = self.notifications.webhooks.iter().position(|webhook| webhook.id == id);
        index.ok_or_else(|| Refusal::not_found("there is no such webhook"))
    }

    fn must_have_key(&self, id: &str) -> Result<(), Refusal> {
        match self.notifications.keys.iter().any(|key| key.id == id) {
            true => Ok(()),
            false => Err(Refusal::invalid_one("signing_key_id", "there is no such signing key")),
        }
    }
}

fn no_key() -> Refusal {
    Refusal::not_found("there is no such signing key")
}

fn exists() -> Refusal {
    Refusal::conflict("a webhook with this URL and these event types exists")
}
