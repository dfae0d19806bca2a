//! A line to an MQTT 5 broker that is there already: messages to terminals behind a shop's router,
//! and what those say of themselves.
//!
//! ```text
//! relay ──publish──▶ broker ◀──keep── terminal        both connect; nobody listens but the broker
//! ```
//! Who may say what is decided by the broker, from the certificate of each connection
//! (`firmware-config/broker`). A message carries no amount and no authority. This room knows
//! topics, bytes and reconnecting; it does not know what a message makes anybody do.

#[cfg(feature = "push")]
mod jitter;
#[cfg(feature = "push")]
mod line;
#[cfg(not(feature = "push"))]
#[path = "no_line.rs"]
mod line;
mod message;
mod said;
#[cfg(feature = "push")]
mod session;
mod tls;
mod topic;

pub use line::{Line, PublishError, Published, keep};
pub use message::{Changed, MESSAGE_LEN_MAX, MessageError};
pub use said::{Heard, Said, Will};
pub use tls::{Files, TlsError, check, config as tls_config};
pub use topic::{Account, TopicError, Topics};

use std::time::Duration;

/// Where the broker is and how to prove who one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Host name or address, as the broker's certificate says it.
    pub host: String,
    /// 8883, or 443 where nothing else leaves the shop.
    pub port: u16,
    /// Unique at the broker: a second connection with the same one ends the first.
    pub client_id: String,
    /// Certificates.
    pub files: Files,
    /// Longest pause before a new attempt to connect; each is drawn from all shorter ones.
    pub reconnect_max: Duration,
    /// How long the broker keeps what was said while the line was down.
    pub session: Duration,
}
