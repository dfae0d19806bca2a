//! What the account is set up with, as Klarna's answers describe it, and what is asked for.
//!
//! Fields that nobody has announced are tolerated; what is needed and missing makes an answer
//! unusable.

use secrecy::SecretString;
use serde::Deserialize;

/// A signing key as lists show it: without the key itself, which Klarna says once.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ListedKey {
    /// Klarna's id of it.
    #[serde(rename = "signing_key_id")]
    pub id: String,
    /// When Klarna made it, ISO 8601.
    #[serde(default)]
    pub created_at: Option<String>,
}

/// Whether a webhook is told anything.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum Status {
    /// It is.
    Enabled,
    /// It is not.
    Disabled,
    /// A word that no document names.
    Other(String),
}

impl From<String> for Status {
    fn from(word: String) -> Self {
        match word.as_str() {
            "ENABLED" => Self::Enabled,
            "DISABLED" => Self::Disabled,
            _ => Self::Other(word),
        }
    }
}

impl Status {
    /// The word on the wire.
    pub fn word(&self) -> &str {
        match self {
            Self::Enabled => "ENABLED",
            Self::Disabled => "DISABLED",
            Self::Other(word) => word,
        }
    }
}

/// A webhook.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Webhook {
    /// Klarna's id of it.
    #[serde(rename = "webhook_id")]
    pub id: String,
    /// Where notices go.
    pub url: String,
    /// Event types and wildcards.
    pub event_types: Vec<String>,
    /// The key that notices are signed with.
    pub signing_key_id: String,
    /// Whether it is told anything.
    pub status: Status,
}

/// A webhook that is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookOrder {
    /// Where notices are to go: `https://`, port 443 or 8443.
    pub url: String,
    /// Event types and wildcards.
    pub event_types: Vec<String>,
    /// A signing key of the account.
    pub signing_key_id: String,
}

/// What is to be different; the rest stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookChange {
    /// Another address.
    pub url: Option<String>,
    /// Other events, in place of all before.
    pub event_types: Option<Vec<String>>,
    /// Another signing key.
    pub signing_key_id: Option<String>,
    /// On or off.
    pub enabled: Option<bool>,
}

/// An API key or client id as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Credential {
    /// Klarna's id of it.
    #[serde(rename = "credential_id")]
    pub id: String,
    /// What it is for, in the words of whoever made it.
    #[serde(default)]
    pub description: Option<String>,
    /// ENABLED or another word of Klarna's.
    #[serde(default)]
    pub status: Option<String>,
    /// When Klarna made it, ISO 8601.
    #[serde(default)]
    pub created_at: Option<String>,
}

/// An API key that has just been made.
#[derive(Debug, Clone, Deserialize)]
pub struct NewCredential {
    /// Klarna's id of it.
    #[serde(rename = "credential_id")]
    pub id: String,
    /// The key; Klarna says it once. The guidelines don't name the field.
    #[serde(rename = "api_key", alias = "key", alias = "credential")]
    pub key: SecretString,
}
