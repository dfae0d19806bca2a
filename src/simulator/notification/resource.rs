//! Signing keys and webhooks: what they are made of, and the rules for what a client sends.
//!
//! It does not know what is delivered.

use super::WebhookView;
use super::event;
use crate::simulator::error::FieldError;
use crate::simulator::fields::Fields;
use crate::simulator::request::date_time;
use jiff::Timestamp;
use reqwest::Url;
use serde_json::{Map, Value, json};

/// Characters of a URL; no document names a bound.
const URL_MAX: usize = 2_000;
/// Characters of an id or a name.
const TEXT_MAX: usize = 255;
/// Event types of one webhook.
const EVENTS_MAX: usize = 100;
/// The ports that notices are sent to.
const PORTS: [u16; 2] = [443, 8443];

/// A key that notices are signed with.
#[derive(Clone, Debug)]
pub(super) struct SigningKey {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) created_at: Timestamp,
}

impl SigningKey {
    /// As lists show it: without the key itself, which is said once.
    pub(super) fn body(&self) -> Value {
        json!({"signing_key_id": self.id, "created_at": date_time(self.created_at)})
    }
}

/// Where webhooks may lead besides the public network.
#[derive(Clone, Copy, Debug)]
pub(in crate::simulator) struct Reach {
    /// Loopback addresses, on any port.
    pub(in crate::simulator) loopback: bool,
    /// Plain HTTP, on loopback addresses.
    pub(in crate::simulator) clear: bool,
}

/// What can be set about a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WebhookSettings {
    pub(super) url: String,
    pub(super) event_types: Vec<String>,
    pub(super) signing_key_id: String,
    pub(super) enabled: bool,
}

impl WebhookSettings {
    /// A second one like this is a conflict.
    pub(super) fn is_like(&self, other: &WebhookSettings) -> bool {
        let sorted = |settings: &WebhookSettings| {
            let mut events = settings.event_types.clone();
            events.sort_unstable();
            events
        };
        self.url == other.url && sorted(self) == sorted(other)
    }
}

/// A webhook.
#[derive(Clone, Debug)]
pub(super) struct Webhook {
    pub(super) id: String,
    pub(super) settings: WebhookSettings,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

impl Webhook {
    pub(super) fn body(&self) -> Value {
        json!({
            "webhook_id": self.id,
            "url": self.settings.url,
            "event_types": self.settings.event_types,
            "event_version": event::VERSION,
            "signing_key_id": self.settings.signing_key_id,
            "status": if self.settings.enabled { "ENABLED" } else { "DISABLED" },
            "created_at": date_time(self.created_at),
            "updated_at": date_time(self.updated_at),
        })
    }

    pub(super) fn view(&self) -> WebhookView {
        WebhookView {
            id: self.id.clone(),
            url: self.settings.url.clone(),
            event_types: self.settings.event_types.clone(),
            signing_key_id: self.settings.signing_key_id.clone(),
            enabled: self.settings.enabled,
        }
    }

    /// Whether it is told of this event.
    pub(super) fn wants(&self, event_type: &str) -> bool {
        let settings = &self.settings;
        settings.enabled && settings.event_types.iter().any(|one| event::matches(one, event_type))
    }
}

/// A create body, or a change of `old`.
pub(super) fn webhook(
    body: &Value,
    old: Option<&WebhookSettings>,
    reach: Reach,
) -> Result<WebhookSettings, Vec<FieldError>> {
    let map = object(body)?;
    let mut fields = Fields::new(map, "");
    if old.is_some() && map.is_empty() {
        fields.wrong("", "name at least one field that is to be changed");
    }
    if old.is_none() {
        for name in ["url", "event_types", "event_version", "signing_key_id"] {
            fields.present(name);
        }
    }
    let url = url(&mut fields, reach).or_else(|| old.map(|old| old.url.clone()));
    let event_types = event_types(&mut fields).or_else(|| old.map(|old| old.event_types.clone()));
    let key = fields.maybe_text("signing_key_id", TEXT_MAX);
    let signing_key_id = key.or_else(|| old.map(|old| old.signing_key_id.clone()));
    version(&mut fields);
    let status = fields.maybe_text("status", TEXT_MAX);
    let enabled = match status.as_deref() {
        None => old.is_none_or(|old| old.enabled),
        Some("ENABLED") => true,
        Some("DISABLED") => false,
        Some(_) => {
            fields.wrong("status", "must be ENABLED or DISABLED");
            false
        }
    };
    match (fields.errors.is_empty(), url, event_types, signing_key_id) {
        (true, Some(url), Some(event_types), Some(signing_key_id)) => {
            Ok(WebhookSettings { url, event_types, signing_key_id, enabled })
        }
        _ => Err(fields.errors),
    }
}

/// The event that a webhook is to be tried with.
pub(super) fn simulated(body: &Value) -> Result<String, Vec<FieldError>> {
    let mut fields = Fields::new(object(body)?, "");
    let event_type = fields.text("event_type", TEXT_MAX);
    fields.present("event_version");
    version(&mut fields);
    if event_type.as_deref().is_some_and(|name| event::known(name).is_none()) {
        fields.wrong("event_type", "is no event type");
    }
    match (fields.errors.is_empty(), event_type) {
        (true, Some(event_type)) => Ok(event_type),
        _ => Err(fields.errors),
    }
}

/// A body that must be an object.
pub(in crate::simulator) fn object(body: &Value) -> Result<&Map<String, Value>, Vec<FieldError>> {
    body.as_object().ok_or_else(|| vec![FieldError::new("", "must be an object")])
}

fn version(fields: &mut Fields<'_>) {
    let version = fields.maybe_text("event_version", TEXT_MAX);
    if version.is_some_and(|version| version != event::VERSION) {
        fields.wrong("event_version", "must be v1");
    }
}

fn event_types(fields: &mut Fields<'_>) -> Option<Vec<String>> {
    let rows = fields.maybe_array("event_types")?;
    let names: Option<Vec<String>> =
        rows.iter().map(|row| row.as_str().map(str::to_owned)).collect();
    let names = names.filter(|names| (1..=EVENTS_MAX).contains(&names.len()));
    let Some(names) = names else {
        fields.wrong("event_types", format!("must be 1 to {EVENTS_MAX} strings"));
        return None;
    };
    for name in names.iter().filter(|name| !event::is_pattern(name)) {
        fields.wrong("event_types", format!("there is no event type {name:?}"));
    }
    Some(names)
}

fn url(fields: &mut Fields<'_>, reach: Reach) -> Option<String> {
    let text = fields.maybe_text("url", URL_MAX)?;
    match url_problem(&text, reach) {
        Some(problem) => {
            fields.wrong("url", problem);
            None
        }
        None => Some(text),
    }
}

fn url_problem(text: &str, reach: Reach) -> Option<&'static str> {
    let Ok(url) = Url::parse(text) else {
        return Some("is no URL");
    };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let address: Option<std::net::IpAddr> = host.parse().ok();
    let near = host == "localhost" || address.is_some_and(|address| address.is_loopback());
    let loopback = near && reach.loopback;
    match url.scheme() {
        "https" => {}
        "http" if loopback && reach.clear => {}
        _ => return Some("must begin with https://"),
    }
    let port = url.port_or_known_default().unwrap_or_default();
    let reachable = loopback || PORTS.contains(&port);
    (!reachable).then_some("must have the port 443 or 8443")
}
