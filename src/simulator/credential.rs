//! API keys as resources: they are made, listed and deleted with one another (Integration
//! Guidelines: Account credential management).
//!
//! The guidelines name the paths but no fields; the names here are this stand-in's.

use super::call::{Call, is_authorized};
use super::error::Refusal;
use super::fields::Fields;
use super::notification::resource::object;
use super::operations::Done;
use super::request::date_time;
use super::world::World;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// Credentials of one account; no document names a bound.
const CREDENTIALS_MAX: usize = 100;
/// Characters of a description.
const DESCRIPTION_MAX: usize = 255;

struct Credential {
    id: String,
    key: String,
    description: Option<String>,
    created_at: Option<Timestamp>,
}

impl Credential {
    /// As lists show it: without the key itself, which is said once.
    fn body(&self) -> Value {
        let mut body = json!({
            "credential_id": self.id,
            "type": "API_KEY",
            "status": "ENABLED",
        });
        if let Some(description) = &self.description {
            body["description"] = description.as_str().into();
        }
        if let Some(at) = self.created_at {
            body["created_at"] = date_time(at).into();
        }
        body
    }
}

/// The keys that are accepted.
pub(super) struct Credentials(Vec<Credential>);

impl Credentials {
    /// With the key that Klarna hands over at first.
    pub(super) fn new(first_key: &str) -> Credentials {
        let id = credential_id(Uuid::new_v5(&Uuid::NAMESPACE_URL, first_key.as_bytes()));
        let description = Some("the first key".to_owned());
        Credentials(vec![Credential { id, key: first_key.into(), description, created_at: None }])
    }

    /// Whether a call carries one of them.
    pub(super) fn admit(&self, call: &Call) -> bool {
        let header = call.header("authorization").unwrap_or_default();
        self.0.iter().any(|credential| is_authorized(header, &credential.key))
    }
}

fn credential_id(uuid: Uuid) -> String {
    format!("krn:partner:global:account:credential:{uuid}")
}

impl World {
    pub(super) fn create_credential(
        &mut self,
        now: Timestamp,
        body: &Value,
    ) -> Result<Done, Refusal> {
        let mut fields = Fields::new(object(body).map_err(Refusal::invalid)?, "");
        let description = fields.maybe_text("description", DESCRIPTION_MAX);
        let kind = fields.maybe_text("type", DESCRIPTION_MAX);
        if kind.is_some_and(|kind| kind != "API_KEY") {
            fields.wrong("type", "only API_KEY can be made here");
        }
        if !fields.errors.is_empty() {
            return Err(Refusal::invalid(fields.errors));
        }
        if self.credentials.0.len() >= CREDENTIALS_MAX {
            return Err(Refusal::forbidden("100 credentials of one account are the limit"));
        }
        let world = if self.is_live() { "live" } else { "test" };
        let key = format!("klarna_{world}_api_{}", self.random.uuid().simple());
        let id = credential_id(self.random.uuid());
        let credential = Credential { id, key, description, created_at: Some(now) };
        let mut body = credential.body();
        body["api_key"] = credential.key.as_str().into();
        self.credentials.0.push(credential);
        Ok((201, body))
    }

    pub(super) fn list_credentials(&self) -> Done {
        let rows: Vec<Value> = self.credentials.0.iter().map(Credential::body).collect();
        (200, json!({"credentials": rows}))
    }

    pub(super) fn delete_credential(&mut self, call: &Call, id: &str) -> Result<Done, Refusal> {
        let index = self.credentials.0.iter().position(|credential| credential.id == id);
        let index = index.ok_or_else(|| Refusal::not_found("there is no such credential"))?;
        let gone = self.credentials.0.remove(index);
        if is_authorized(call.header("authorization").unwrap_or_default(), &gone.key) {
            self.mistake(
                "a credential is deleted with itself: nothing says that another one works",
            );
        }
        Ok((204, Value::Null))
    }
}
