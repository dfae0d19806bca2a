//! An HTTP call and its answer as plain values, and the few things that are read from a call's
//! head.
//!
//! It does not know what any call is for.

use super::error::Refusal;
use super::etiquette;
use super::route::percent_decode;
use axum::body::Bytes;
use axum::http::HeaderMap;
use serde_json::Value;

/// An HTTP request, whole.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: String,
    /// Still percent-encoded.
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Call {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        etiquette::text(&self.headers, name)
    }

    pub(super) fn key(&self) -> Option<&str> {
        self.header("klarna-idempotency-key")
    }

    pub(super) fn json(&self) -> Result<Value, Refusal> {
        let kind = self.header("content-type").unwrap_or_default().to_ascii_lowercase();
        if kind.split(';').next().map(str::trim) != Some("application/json") {
            return Err(Refusal::content_type("Content-Type must be application/json"));
        }
        let not_json = |_| Refusal::content_type("the body is not JSON");
        serde_json::from_slice(&self.body).map_err(not_json)
    }

    pub(super) fn query(&self) -> Vec<(String, String)> {
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        let decode = |text: &str| percent_decode(&text.replace('+', " ")).unwrap_or_default();
        pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (decode(name), decode(value)))
            .collect()
    }

    pub(super) fn header_sizes(&self) -> impl Iterator<Item = usize> {
        self.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4)
    }
}

/// An HTTP answer.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Option<String>,
    pub(super) html: bool,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Reply {
    pub(super) fn new(status: u16, body: Option<String>) -> Reply {
        Reply { status, body, html: false, headers: Vec::new() }
    }
}

/// Does an Authorization header carry this key? As it is, or as the password of an empty user name.
pub(super) fn is_authorized(header: &str, api_key: &str) -> bool {
    let Some(sent) = header.strip_prefix("Basic ") else {
        return false;
    };
    sent == api_key || sent == base64(&format!(":{api_key}"))
}

/// RFC 4648 with padding; the only use is to compare one header.
fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for digit in 0..4 {
            let value = usize::try_from((bits >> (18 - 6 * digit)) & 63).unwrap_or(0);
            encoded.push(if digit > chunk.len() { '=' } else { char::from(DIGITS[value]) });
        }
    }
    encoded
}
