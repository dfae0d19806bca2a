//! What Klarna says of its own accord: signed notices (Integration Guidelines: Webhooks).
//!
//! A notice is a hint and nothing more: whoever gets one reads Klarna. It knows bytes and keys, no
//! sockets and no clock.

mod keys;
mod notice;
mod signature;

pub use keys::{KEYS_MAX, KeysError, SigningKey, SigningKeys};
pub use notice::{Kind, Notice, NoticeError, RequestChange, parse};
pub use signature::{
    BODY_LEN_MAX, Forged, KEY_ID_HEADER, SIGNATURE_HEADER, minified, sign, verify,
};
