//! What Klarna asks of every call besides its content: who integrates, which call it is, and a key
//! that is made right.
//!
//! A breach is a mistake to record, never a refusal: Klarna would answer all the same.

use axum::http::HeaderMap;
use serde_json::Value;
use uuid::Uuid;

/// Originators in one integration tag at most.
const ORIGINATORS_MAX: usize = 6;

/// What is wrong with the headers that belong on every call.
pub(super) fn headers(headers: &HeaderMap) -> Vec<String> {
    let mut texts = Vec::new();
    if text(headers, "user-agent").is_none_or(str::is_empty) {
        texts.push("User-Agent is missing".to_owned());
    }
    if !text(headers, "partner-correlation-id").is_some_and(is_correlation_id) {
        texts.push("Partner-Correlation-Id is missing or not 32 hex digits".to_owned());
    }
    let tag = text(headers, "klarna-integration-metadata");
    if let Some(problem) = tag.map_or(Some("is missing"), tag_problem) {
        texts.push(format!("Klarna-Integration-Metadata {problem}"));
    }
    texts
}

/// What is wrong with an idempotency key.
pub(super) fn key(key: Option<&str>) -> Option<String> {
    let Some(key) = key else {
        return Some("Klarna-Idempotency-Key is missing".to_owned());
    };
    let version = Uuid::try_parse(key).ok().map(|uuid| uuid.get_version_num());
    (version != Some(5))
        .then(|| format!("Klarna-Idempotency-Key \"{key}\" is not a UUID version 5"))
}

/// A header as text, if it is there and readable.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn is_correlation_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn tag_problem(tag: &str) -> Option<&'static str> {
    let Ok(tag) = serde_json::from_str::<Value>(tag) else {
        return Some("is not JSON");
    };
    if let Some(problem) = party_problem(&tag["integrator"]) {
        return Some(problem);
    }
    match &tag["originators"] {
        Value::Null => None,
        Value::Array(rows) if rows.len() <= ORIGINATORS_MAX => rows.iter().find_map(party_problem),
        _ => Some("has originators that are not a list of at most 6"),
    }
}

fn party_problem(party: &Value) -> Option<&'static str> {
    if !party["name"].as_str().is_some_and(is_name) {
        return Some("needs a name of 1 to 50 characters from A-Z, 0-9 and _");
    }
    let bounded = |value: &Value, max: usize| {
        value.as_str().is_some_and(|text| (1..=max).contains(&text.chars().count()))
    };
    if !bounded(&party["session_reference"], 100) {
        return Some("needs a session_reference of 1 to 100 characters");
    }
    let modules = [&party["module_name"], &party["module_version"]];
    let wrong = modules.into_iter().any(|value| !value.is_null() && !bounded(value, 50));
    wrong.then_some("has a module_name or module_version that is not 1 to 50 characters")
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=50).contains(&name.len()) && name.bytes().all(allowed)
}
