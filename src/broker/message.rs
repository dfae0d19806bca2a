//! What relays say to terminals: that something may have changed, and nothing about money.

use serde::{Deserialize, Serialize};

/// Longest message that is looked at, in bytes; ours have about 300.
pub const MESSAGE_LEN_MAX: usize = 64 * 1024;
/// Longest text in one, in bytes.
const TEXT_LEN_MAX: usize = 255;

/// Why a message is not understood.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// It is too long, or not of the form.
    #[error("a message of {len} bytes is not understood: {why}")]
    Form {
        /// How long it is.
        len: usize,
        /// What is wrong.
        why: String,
    },
    /// It is of a later version.
    #[error("a message of version {0}; this software understands version 1")]
    Version(u32),
}

/// Something of this terminal's may have changed at Klarna: whoever hears it reads Klarna.
///
/// Further fields may come in later versions and are left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// 1.
    pub v: u32,
    /// Klarna's id of the notice, for the log.
    pub event: String,
    /// Klarna's name of what has happened, such as
    /// `payment.request.state-change.pending-confirmation`.
    pub kind: String,
    /// Klarna's id of the payment request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Klarna's id of the transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    /// What it is about where people are to know of it: `dispute`, `settlement` or `account`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concern: Option<String>,
    /// Klarna's id of the dispute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute: Option<String>,
    /// When it happened, as Klarna says it (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

impl Changed {
    /// What the bytes say.
    ///
    /// # Errors
    /// When it is too long, no such message, or of a later version.
    pub fn parse(bytes: &[u8]) -> Result<Self, MessageError> {
        let wrong = |why: String| MessageError::Form { len: bytes.len(), why };
        if bytes.len() > MESSAGE_LEN_MAX {
            return Err(wrong(format!("at most {MESSAGE_LEN_MAX} are read")));
        }
        let message: Self =
            serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        if message.v != 1 {
            return Err(MessageError::Version(message.v));
        }
        let texts = [Some(&message.event), Some(&message.kind)];
        let Self { request, transaction, concern, dispute, at, .. } = &message;
        let others = [request, transaction, concern, dispute, at].map(Option::as_ref);
        let is_plain = |text: &String| {
            text.len() <= TEXT_LEN_MAX && !text.chars().any(|letter| letter.is_control())
        };
        if !texts.into_iter().chain(others).flatten().all(is_plain) {
            return Err(wrong("a text is too long or has control characters".to_owned()));
        }
        Ok(message)
    }

    /// As bytes for the broker.
    pub fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings and numbers are always JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed() -> Changed {
        Changed {
            v: 1,
            event: "d9f9b1a0-5b1a-4b0e-9b0a-9e9b1a0d5b1a".to_owned(),
            kind: "payment.request.state-change.pending-confirmation".to_owned(),
            request: Some("krn:payment:eu1:request:552603c0".to_owned()),
            transaction: None,
            concern: None,
            dispute: None,
            at: Some("2026-03-01T12:00:00Z".to_owned()),
        }
    }

    #[test]
    fn a_message_comes_back_as_it_was() {
        let bytes = changed().bytes();
        assert_eq!(Changed::parse(&bytes).expect("ours"), changed());
        let later = r#"{"v":1,"event":"e","kind":"k","new":[1,2]}"#;
        assert!(Changed::parse(later.as_bytes()).is_ok(), "new fields are left alone");
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        let other = Changed { v: 2, ..changed() }.bytes();
        assert!(matches!(Changed::parse(&other), Err(MessageError::Version(2))));
        let bell = Changed { event: "\u{7}".to_owned(), ..changed() }.bytes();
        let long = Changed { kind: "x".repeat(256), ..changed() }.bytes();
        let deep = "[".repeat(10_000).into_bytes();
        let huge = vec![b' '; MESSAGE_LEN_MAX + 1];
        for bytes in [bell, long, deep, huge, b"{}".to_vec(), Vec::new()] {
            assert!(matches!(Changed::parse(&bytes), Err(MessageError::Form { .. })));
        }
    }
}
