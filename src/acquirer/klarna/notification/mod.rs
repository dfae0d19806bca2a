//! What an account is set up with: signing keys, webhooks and API keys (Integration Guidelines:
//! Account credential management, Create and manage signing keys, Create and manage webhooks).
//!
//! No money moves here, so a call whose answer was lost is sent again at once under its idempotency
//! key. It keeps nothing; where secrets are stored is its caller's business.

mod wire;

pub use wire::{
    Credential, ListedKey, NewCredential, Status, Webhook, WebhookChange, WebhookOrder,
};

use super::error::{ApiError, Failure};
use super::http::{Answer, ClientError, Http, Method, Settings, segment};
use super::webhook::SigningKey;
use crate::id::IdempotencyKey;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::time::Duration;
use uuid::Uuid;

/// How often one call is sent at most, the first time included.
const TRIES_MAX: u32 = 4;
/// Before the second try; twice as long before each further one. Klarna's quota of these calls is
/// 5 per second in the test environment (Integration Guidelines: Rate limiting).
const PAUSE: Duration = Duration::from_millis(400);
/// Longest id, event type, description or key, in bytes.
const TEXT_LEN_MAX: usize = 255;
/// Longest address of a webhook, in bytes; no document names a bound.
const URL_LEN_MAX: usize = 2_000;
/// Most rows of a list or event types of a webhook; Klarna keeps 50 signing keys.
const ROWS_MAX: usize = 1_000;
/// The version of the API's events that are asked for.
const EVENT_VERSION: &str = "v1";

const KEYS: &str = "/v1/notification/signing-keys";
const WEBHOOKS: &str = "/v1/notification/webhooks";
const CREDENTIALS: &str = "/v1/account/credentials";

/// Why something was not done, or may have been done unseen.
#[derive(Debug, thiserror::Error)]
pub enum ManageError {
    /// A definite no; nothing has changed.
    #[error("klarna refuses it: {0}")]
    Refused(ApiError),
    /// Nothing was sent.
    #[error("klarna cannot be reached ({0}); nothing was changed, try again")]
    NotSent(String),
    /// It may have happened.
    #[error("klarna's answer was lost ({0}); it may have happened: run the same command again")]
    Lost(String),
    /// The answer is about something else, or cannot be understood.
    #[error("klarna's answer cannot be used ({0}); look at the list before trying again")]
    Contradiction(String),
}

impl ManageError {
    /// It is there already.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused(error) if error.is_conflict())
    }
}

impl From<Failure> for ManageError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Api(error) if error.is_definite() || error.is_unauthorized() => {
                Self::Refused(error)
            }
            Failure::Api(error) => Self::Lost(error.to_string()),
            Failure::NotSent(why) => Self::NotSent(why),
            Failure::Lost(why) => Self::Lost(why),
            Failure::Contradiction(why) => Self::Contradiction(why),
        }
    }
}

/// A client for the set-up of one account.
#[derive(Debug)]
pub struct Management {
    http: Http,
}

impl Management {
    /// A client with these settings. Opens no connection yet.
    ///
    /// # Errors
    /// [`ClientError`] when a certificate or a header value in the settings is not usable.
    pub fn new(settings: Settings) -> Result<Self, ClientError> {
        Ok(Self { http: Http::new(settings)? })
    }

    /// All signing keys of the account.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn signing_keys(&self) -> Result<Vec<ListedKey>, ManageError> {
        #[derive(Deserialize)]
        struct List {
            signing_keys: Vec<ListedKey>,
        }
        let list: List = parse(&self.send(Method::Get, KEYS, None, None).await?)?;
        checked(list.signing_keys, |key| is_text(&key.id))
    }

    /// Makes a signing key, or says again which one was made under this `nonce` in the last 24
    /// hours.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn create_signing_key(&self, nonce: Uuid) -> Result<SigningKey, ManageError> {
        let key = IdempotencyKey::of_management(nonce, "create-signing-key");
        let answer = self.send(Method::Post, KEYS, Some(&json!({})), Some(&key)).await?;
        let made: SigningKey = parse(&answer)?;
        secret(&made.secret).and_then(|()| id(&made.id)).map(|()| made)
    }

    /// Deletes a signing key; false if it was not there.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn delete_signing_key(&self, key: &str) -> Result<bool, ManageError> {
        self.delete(KEYS, key).await
    }

    /// All webhooks of the account.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, ManageError> {
        #[derive(Deserialize)]
        struct List {
            webhooks: Vec<Webhook>,
        }
        let list: List = parse(&self.send(Method::Get, WEBHOOKS, None, None).await?)?;
        checked(list.webhooks, is_webhook)
    }

    /// Makes a webhook that is enabled.
    ///
    /// # Errors
    /// [`ManageError`]; a conflict if there is one with this address and these events.
    pub async fn create_webhook(
        &self,
        order: &WebhookOrder,
        nonce: Uuid,
    ) -> Result<Webhook, ManageError> {
        let key = IdempotencyKey::of_management(nonce, "create-webhook");
        let body = json!({
            "url": order.url,
            "event_types": order.event_types,
            "event_version": EVENT_VERSION,
            "signing_key_id": order.signing_key_id,
            "status": "ENABLED",
        });
        let made: Webhook =
            parse(&self.send(Method::Post, WEBHOOKS, Some(&body), Some(&key)).await?)?;
        let fits = made.url == order.url && made.signing_key_id == order.signing_key_id;
        of_question(made, fits)
    }

    /// Changes a webhook. What is being delivered already stays as it was.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn update_webhook(
        &self,
        webhook: &str,
        change: &WebhookChange,
        nonce: Uuid,
    ) -> Result<Webhook, ManageError> {
        let mut body = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            value.into_iter().for_each(|value| drop(body.insert(name.to_owned(), value)));
        };
        set("url", change.url.clone().map(Value::from));
        set("event_types", change.event_types.clone().map(Value::from));
        set("signing_key_id", change.signing_key_id.clone().map(Value::from));
        set("status", change.enabled.map(|on| if on { "ENABLED" } else { "DISABLED" }.into()));
        let key = IdempotencyKey::of_management(nonce, &format!("update-webhook|{webhook}"));
        let (path, body) = (below(WEBHOOKS, webhook)?, Value::Object(body));
        let changed: Webhook =
            parse(&self.send(Method::Patch, &path, Some(&body), Some(&key)).await?)?;
        let fits = changed.id == webhook
            && change.signing_key_id.as_ref().is_none_or(|key| *key == changed.signing_key_id);
        of_question(changed, fits)
    }

    /// Deletes a webhook; false if it was not there.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn delete_webhook(&self, webhook: &str) -> Result<bool, ManageError> {
        self.delete(WEBHOOKS, webhook).await
    }

    /// Has Klarna send a notice with data of nobody; in the test environment only.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn simulate(
        &self,
        webhook: &str,
        event_type: &str,
        nonce: Uuid,
    ) -> Result<(), ManageError> {
        let key = IdempotencyKey::of_management(nonce, &format!("simulate|{webhook}"));
        let body = json!({"event_type": event_type, "event_version": EVENT_VERSION});
        let path = format!("{}/simulate", below(WEBHOOKS, webhook)?);
        self.send(Method::Post, &path, Some(&body), Some(&key)).await?;
        Ok(())
    }

    /// All credentials of the account.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn credentials(&self) -> Result<Vec<Credential>, ManageError> {
        #[derive(Deserialize)]
        struct List {
            credentials: Vec<Credential>,
        }
        let list: List = parse(&self.send(Method::Get, CREDENTIALS, None, None).await?)?;
        checked(list.credentials, |credential| is_text(&credential.id))
    }

    /// Makes an API key, or says again which one was made under this `nonce` in the last 24 hours.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn create_credential(
        &self,
        description: &str,
        nonce: Uuid,
    ) -> Result<NewCredential, ManageError> {
        let key = IdempotencyKey::of_management(nonce, "create-credential");
        let body = json!({"type": "API_KEY", "description": description});
        let answer = self.send(Method::Post, CREDENTIALS, Some(&body), Some(&key)).await?;
        let made: NewCredential = parse(&answer)?;
        secret(&made.key).and_then(|()| id(&made.id)).map(|()| made)
    }

    /// Deletes an API key; false if it was not there.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn delete_credential(&self, credential: &str) -> Result<bool, ManageError> {
        self.delete(CREDENTIALS, credential).await
    }

    async fn delete(&self, list: &str, row: &str) -> Result<bool, ManageError> {
        match self.send(Method::Delete, &below(list, row)?, None, None).await {
            Ok(_) => Ok(true),
            Err(Failure::Api(error)) if error.is_resource_not_found() => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }

    /// One call, sent again while its answer is lost or Klarna asks for patience.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        key: Option<&IdempotencyKey>,
    ) -> Result<Answer, Failure> {
        let session = &self.http.settings().session;
        let mut pause = PAUSE;
        for _ in 1..TRIES_MAX {
            match self.http.send(method, path, body, key, session).await {
                Err(failure) if is_passing(&failure) => tokio::time::sleep(pause).await,
                ended => return ended,
            }
            pause *= 2;
        }
        self.http.send(method, path, body, key, session).await
    }
}

/// Whether the next try may end in another way. A refusal to connect is for people to see to.
fn is_passing(failure: &Failure) -> bool {
    match failure {
        Failure::Api(error) => matches!(error.status, 408 | 429 | 500 | 502 | 503 | 504),
        Failure::Lost(_) => true,
        Failure::NotSent(_) | Failure::Contradiction(_) => false,
    }
}

/// The parser's own words would quote the answer, and so a secret.
fn parse<T: DeserializeOwned>(answer: &Answer) -> Result<T, ManageError> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        ManageError::Contradiction(format!("it has not the shape that is documented: {place}"))
    })
}

fn below(list: &str, row: &str) -> Result<String, ManageError> {
    id(row).map(|()| format!("{list}/{}", segment(row)))
}

fn checked<T>(rows: Vec<T>, fits: impl Fn(&T) -> bool) -> Result<Vec<T>, ManageError> {
    match rows.len() <= ROWS_MAX && rows.iter().all(fits) {
        true => Ok(rows),
        false => Err(ManageError::Contradiction("a row of the list is not usable".to_owned())),
    }
}

fn of_question(webhook: Webhook, fits: bool) -> Result<Webhook, ManageError> {
    match fits && is_webhook(&webhook) {
        true => Ok(webhook),
        false => Err(ManageError::Contradiction("it is about another webhook".to_owned())),
    }
}

fn is_webhook(webhook: &Webhook) -> bool {
    let names = [&webhook.id, &webhook.signing_key_id];
    (1..=URL_LEN_MAX).contains(&webhook.url.len())
        && webhook.event_types.len() <= ROWS_MAX
        && names.into_iter().chain(&webhook.event_types).all(|text| is_text(text))
}

/// One to 255 visible ASCII characters, and none of the two names that would make another path.
fn is_text(text: &str) -> bool {
    (1..=TEXT_LEN_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && !matches!(text, "." | "..")
}

fn id(text: &str) -> Result<(), ManageError> {
    match is_text(text) {
        true => Ok(()),
        false => Err(ManageError::Contradiction(format!("{text:?} is no id"))),
    }
}

fn secret(secret: &SecretString) -> Result<(), ManageError> {
    use secrecy::ExposeSecret as _;
    match is_text(secret.expose_secret()) {
        true => Ok(()),
        false => Err(ManageError::Contradiction("it holds no usable key".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    fn answer(text: &str) -> Answer {
        Answer { body: text.as_bytes().to_vec() }
    }

    fn fixture(name: &str) -> Answer {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/klarna");
        Answer { body: std::fs::read(format!("{folder}/{name}.json")).expect("a fixture") }
    }

    #[test]
    fn answers_are_read_whatever_else_they_hold() {
        let key: SigningKey = parse(&fixture("signing-key-created")).expect("a key");
        assert!(key.id.ends_with("0001") && key.secret.expose_secret().ends_with("0002"));
        let webhook: Webhook = parse(&fixture("webhook")).expect("a webhook");
        assert_eq!(webhook.status, Status::Enabled);
        assert!(is_webhook(&webhook) && webhook.event_types == ["payment.request.*"]);
        let made: NewCredential = parse(&fixture("credential-created")).expect("a credential");
        assert!(made.id.ends_with("0004") && is_text(made.key.expose_secret()));
        let later = r#"{"later":{},"signing_key_id":"krn:k","signing_key":"s"}"#;
        let key: SigningKey = parse(&answer(later)).expect("a key");
        assert_eq!((key.id.as_str(), key.created_at), ("krn:k", None));
        assert_eq!(Status::from("PAUSED".to_owned()), Status::Other("PAUSED".to_owned()));
        for name in ["api_key", "key", "credential"] {
            let text = format!(r#"{{"credential_id":"krn:c","{name}":"klarna_test_api_x"}}"#);
            let made: NewCredential = parse(&answer(&text)).expect("a credential");
            assert_eq!(made.key.expose_secret(), "klarna_test_api_x");
        }
    }

    #[test]
    fn an_answer_that_cannot_be_read_is_not_quoted() {
        for text in
            [r#"{"signing_key":"sekret"}"#, r#"{"signing_key_id":1,"signing_key":"sekret"}"#]
        {
            let error = parse::<SigningKey>(&answer(text)).expect_err("no key").to_string();
            assert!(error.contains("column") && !error.contains("sekret"), "{error}");
        }
    }

    #[test]
    fn only_ids_make_paths() {
        let path = below(WEBHOOKS, "krn:w/../x").expect("escaped");
        assert_eq!(path, "/v1/notification/webhooks/krn:w%2F..%2Fx");
        for wrong in ["", ".", "..", "a b", "ä", &"x".repeat(256)] {
            assert!(below(KEYS, wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_a_failure_means_for_a_command() {
        let api = |status: u16, code: &str| {
            let body = format!(r#"{{"error_code":"{code}"}}"#);
            ManageError::from(Failure::Api(ApiError::parse(status, body.as_bytes(), None)))
        };
        assert!(api(409, "RESOURCE_CONFLICT").is_conflict());
        assert!(matches!(api(401, "UNAUTHORIZED"), ManageError::Refused(_)));
        assert!(matches!(api(429, "RATE_LIMITED"), ManageError::Lost(_)));
        assert!(is_passing(&Failure::Lost(String::new())));
        assert!(!is_passing(&Failure::NotSent(String::new())));
    }
}
