//! What Klarna says of its own accord: signed notices (Integration Guidelines: Webhooks).
//!
//! A notice is a hint and nothing more: whoever gets one reads Klarna. It knows bytes and keys, no
//! sockets and no clock.

mod keys;

pub use keys::{KEYS_MAX, KeysError, SigningKey, SigningKeys};
