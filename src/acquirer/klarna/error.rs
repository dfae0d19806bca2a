//! What a failed exchange means: Klarna's error objects by `error_code`, and lost connections.
//!
//! Klarna: Integration resilience, Error handling. The class follows the code; the HTTP status
//! decides where there is none. Messages are for technical staff, never for shoppers.

use crate::payment::effect::{Delay, Line, Outcome, Refusal, RefusalReason, Scope};
use std::fmt;

/// After a DDoS rule has tripped (403 without an error object), in milliseconds.
const BLOCKED_PAUSE_MS: u64 = 60_000;
/// After the key was refused, in milliseconds: it works again only once someone has changed it.
const UNAUTHORIZED_PAUSE_MS: u64 = 30_000;
/// After a 429 that does not say for how long, in milliseconds: Klarna's quotas are per second.
const RATE_LIMITED_PAUSE_MS: u64 = 1000;
/// Longest text of Klarna's that is kept, in characters.
const TEXT_LEN_MAX: usize = 300;

/// Why an exchange did not bring an answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Klarna answered with an error.
    Api(ApiError),
    /// Nothing was sent.
    NotSent(String),
    /// It may have been processed: the connection broke, timed out, or the answer is unreadable.
    Lost(String),
    /// The answer is about something else.
    Contradiction(String),
}

/// An error answer of Klarna.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// `error_type`, empty when absent.
    pub kind: String,
    /// `error_code`, empty when absent.
    pub code: String,
    /// `error_message` or the first of `errors`, with its parameter.
    pub text: String,
    /// `error_id`.
    pub error_id: Option<String>,
    /// `X-Ratelimit-Reset` or `Retry-After`, in milliseconds.
    pub wait_ms: Option<u64>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Body {
    error_id: Option<String>,
    error_type: Option<String>,
    error_code: Option<String>,
    error_message: Option<String>,
    errors: Vec<Detail>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Detail {
    parameter: Option<String>,
    error_message: Option<String>,
}

impl ApiError {
    /// Reads the error object; a body that is none leaves code and text empty.
    pub fn parse(status: u16, body: &[u8], wait_ms: Option<u64>) -> Self {
        let body: Body = serde_json::from_slice(body).unwrap_or_default();
        let detail = body.errors.into_iter().next().map(|detail| {
            let parameter = detail.parameter.unwrap_or_default();
            format!("{parameter}: {}", detail.error_message.unwrap_or_default())
        });
        let text = body.error_message.or(detail).unwrap_or_default();
        Self {
            status,
            kind: printable(&body.error_type.unwrap_or_default()),
            code: printable(&body.error_code.unwrap_or_default()),
            text: printable(&text),
            error_id: body.error_id.map(|id| printable(&id)),
            wait_ms,
        }
    }

    /// The route itself does not exist: a wrong path variant, not a missing resource.
    pub fn is_route_missing(&self) -> bool {
        self.status == 404 && self.code == "NOT_FOUND"
    }

    /// The request, transaction or token does not exist (any more).
    pub fn is_resource_not_found(&self) -> bool {
        self.status == 404 && self.code == "RESOURCE_NOT_FOUND"
    }

    /// A refusal that depends on the resource's state, so a read tells more.
    pub fn is_about_resource(&self) -> bool {
        self.is_resource_not_found() || (matches!(self.status, 403 | 409) && !self.code.is_empty())
    }

    /// A definite no: nothing will change by asking again, but for a conflict.
    pub fn is_definite(&self) -> bool {
        let barred = self.status == 403 && self.code.is_empty();
        (400..=499).contains(&self.status) && !matches!(self.status, 401 | 408 | 429) && !barred
    }

    /// Something else is being done to the resource.
    pub fn is_conflict(&self) -> bool {
        self.status == 409
    }

    /// The API key is not accepted.
    pub fn is_unauthorized(&self) -> bool {
        self.status == 401
    }

    fn into_outcome(self) -> Outcome {
        let wait = |at_least_ms| {
            let (reason, scope) = (self.to_string(), self.scope());
            Delay { reason, at_least_ms, scope, line: Line::Up }
        };
        match self.status {
            401 => Outcome::Retry(wait(Some(UNAUTHORIZED_PAUSE_MS))),
            403 if self.code.is_empty() => Outcome::Retry(wait(Some(BLOCKED_PAUSE_MS))),
            408 => Outcome::Unknown(wait(self.wait_ms)),
            429 => Outcome::Retry(wait(self.wait_ms.or(Some(RATE_LIMITED_PAUSE_MS)))),
            503 if self.code == "TEMPORARY_UNAVAILABLE" => Outcome::Retry(wait(self.wait_ms)),
            400..=499 => Outcome::Refused(self.refusal()),
            _ => Outcome::Unknown(wait(self.wait_ms)),
        }
    }

    /// Whom it concerns: one call, its quota (Klarna: Rate limiting), or the key and address that
    /// all calls share.
    fn scope(&self) -> Scope {
        match self.status {
            429 => Scope::Quota,
            401 => Scope::Account,
            403 if self.code.is_empty() => Scope::Account,
            _ => Scope::Call,
        }
    }

    /// The error as a definite no.
    pub fn refusal(&self) -> Refusal {
        let code = match self.code.is_empty() {
            true => format!("HTTP_{}", self.status),
            false => self.code.clone(),
        };
        let (reason, error_id) = (RefusalReason::NotAllowed, self.error_id.clone());
        Refusal { reason, code, text: self.text.clone(), error_id }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {}", self.status)?;
        for part in [&self.code, &self.text].into_iter().filter(|part| !part.is_empty()) {
            write!(f, " {part}")?;
        }
        match &self.error_id {
            Some(id) => write!(f, " (error_id {id})"),
            None => Ok(()),
        }
    }
}

impl Failure {
    /// What it means for a call that changes something.
    pub fn into_outcome(self) -> Outcome {
        match self {
            Self::Api(error) => error.into_outcome(),
            Self::NotSent(reason) => Outcome::Retry(Delay::offline(reason)),
            Self::Lost(reason) | Self::Contradiction(reason) => {
                Outcome::Unknown(Delay::because(reason))
            }
        }
    }

    /// What it means for a read: ask again later.
    pub fn into_delay(self) -> Delay {
        match self.into_outcome() {
            Outcome::Retry(delay) | Outcome::Unknown(delay) => delay,
            Outcome::Refused(refusal) => {
                Delay::because(format!("{} {}", refusal.code, refusal.text))
            }
            Outcome::Done(_) | Outcome::Absent => Delay::because("no answer"),
        }
    }
}

/// Klarna's text as it may stand in a log or list: one line, bounded.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TEXT_LEN_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, expected: &str) {
        let outcome = ApiError::parse(status, body.as_bytes(), None).into_outcome();
        let shown = match outcome {
            Outcome::Refused(refusal) => format!("refused {}: {}", refusal.code, refusal.text),
            Outcome::Retry(Delay { at_least_ms, scope, reason, .. }) => {
                format!("retry {at_least_ms:?} {scope:?}: {reason}")
            }
            Outcome::Unknown(delay) => format!("unknown: {}", delay.reason),
            Outcome::Done(_) | Outcome::Absent => "impossible".to_owned(),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn classes_follow_code_and_status() {
        let object = |kind: &str, code: &str| {
            format!(r#"{{"error_id":"e1","error_type":"{kind}","error_code":"{code}"}}"#)
        };
        let input = r#"{"error_code":"VALIDATION_ERROR","error_type":"INPUT_ERROR","new":[1],
            "errors":[{"parameter":"payment_amount","error_message":"must be positive"}]}"#;
        check(400, input, "refused VALIDATION_ERROR: payment_amount: must be positive");
        check(
            401,
            &object("ACCESS_ERROR", "UNAUTHORIZED"),
            "retry Some(30000) Account: HTTP 401 UNAUTHORIZED (error_id e1)",
        );
        check(
            403,
            &object("RESOURCE_ERROR", "OPERATION_FORBIDDEN"),
            "refused OPERATION_FORBIDDEN: ",
        );
        check(403, "", "retry Some(60000) Account: HTTP 403");
        check(403, "<html>blocked</html>", "retry Some(60000) Account: HTTP 403");
        check(404, &object("", "NOT_FOUND"), "refused NOT_FOUND: ");
        check(
            429,
            &object("ACCESS_ERROR", "RATE_LIMITED"),
            "retry Some(1000) Quota: HTTP 429 RATE_LIMITED (error_id e1)",
        );
        check(
            500,
            &object("TECHNICAL_ERROR", "INTERNAL_ERROR"),
            "unknown: HTTP 500 INTERNAL_ERROR (error_id e1)",
        );
        check(
            503,
            &object("TECHNICAL_ERROR", "TEMPORARY_UNAVAILABLE"),
            "retry None Call: HTTP 503 TEMPORARY_UNAVAILABLE (error_id e1)",
        );
        check(502, "<html>bad gateway</html>", "unknown: HTTP 502");
    }
}
