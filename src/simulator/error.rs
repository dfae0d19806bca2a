//! Klarna's error object: which status, type and code stands for what, and the text of it.
//!
//! It does not decide when something is refused; that is done where the rule is.

use serde_json::{Value, json};
use uuid::Uuid;

/// One field that is wrong: its path in the body and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldError {
    pub(super) parameter: String,
    pub(super) message: String,
}

impl FieldError {
    pub(super) fn new(parameter: impl Into<String>, message: impl Into<String>) -> FieldError {
        FieldError { parameter: parameter.into(), message: message.into() }
    }
}

/// An answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    /// `None` where Klarna's table names no type.
    kind: Option<&'static str>,
    /// `None` means that there is no body at all.
    code: Option<&'static str>,
    message: String,
    errors: Vec<FieldError>,
}

impl Refusal {
    fn new(status: u16, kind: &'static str, code: &'static str, message: &str) -> Refusal {
        let (kind, code) = (Some(kind), Some(code));
        Refusal { status, kind, code, message: message.into(), errors: Vec::new() }
    }

    /// 400 VALIDATION_ERROR with the fields that are wrong.
    pub(super) fn invalid(errors: Vec<FieldError>) -> Refusal {
        let text = "the request does not follow the rules of this resource";
        Refusal { errors, ..Refusal::new(400, "INPUT_ERROR", "VALIDATION_ERROR", text) }
    }

    /// 400 VALIDATION_ERROR for one field or header.
    pub(super) fn invalid_one(parameter: &str, message: &str) -> Refusal {
        Refusal::invalid(vec![FieldError::new(parameter, message)])
    }

    /// 400 INVALID_CONTENT_TYPE: not JSON, or not said to be.
    pub(super) fn content_type(message: &str) -> Refusal {
        Refusal::new(400, "INPUT_ERROR", "INVALID_CONTENT_TYPE", message)
    }

    pub(super) fn unauthorized() -> Refusal {
        Refusal::new(401, "ACCESS_ERROR", "UNAUTHORIZED", "the API key was refused")
    }

    pub(super) fn forbidden(message: &str) -> Refusal {
        Refusal::new(403, "RESOURCE_ERROR", "OPERATION_FORBIDDEN", message)
    }

    /// 404 NOT_FOUND: no such route, as opposed to no such resource.
    pub(super) fn no_route() -> Refusal {
        let text = "there is no such route";
        Refusal { kind: None, ..Refusal::new(404, "", "NOT_FOUND", text) }
    }

    /// 404 RESOURCE_NOT_FOUND: the route exists, the resource does not.
    pub(super) fn not_found(message: &str) -> Refusal {
        Refusal::new(404, "RESOURCE_ERROR", "RESOURCE_NOT_FOUND", message)
    }

    /// 409 RESOURCE_CONFLICT: it would be there twice.
    pub(super) fn conflict(message: &str) -> Refusal {
        Refusal::new(409, "RESOURCE_ERROR", "RESOURCE_CONFLICT", message)
    }

    pub(super) fn rate_limited() -> Refusal {
        Refusal::new(429, "ACCESS_ERROR", "RATE_LIMITED", "too many requests")
    }

    /// A failure on Klarna's side with an error object.
    pub(super) fn technical(status: u16) -> Refusal {
        let code = if status == 503 { "TEMPORARY_UNAVAILABLE" } else { "INTERNAL_ERROR" };
        Refusal::new(status, "TECHNICAL_ERROR", code, "something went wrong on our side")
    }

    /// A status without a body, as a firewall or a load balancer gives it.
    pub(super) fn bare(status: u16) -> Refusal {
        Refusal { status, kind: None, code: None, message: String::new(), errors: Vec::new() }
    }

    /// The error object, or nothing for a bare status.
    pub(super) fn body(&self, error_id: Uuid) -> Option<Value> {
        let mut body = json!({
            "error_id": error_id.to_string(),
            "error_code": self.code?,
            "error_message": self.message,
        });
        if let Some(kind) = self.kind {
            body["error_type"] = kind.into();
        }
        if !self.errors.is_empty() {
            body["errors"] = self.errors.iter().map(field_body).collect();
        }
        Some(body)
    }
}

fn field_body(error: &FieldError) -> Value {
    json!({
        "parameter": error.parameter,
        "error_message": error.message,
        "doc_url": "https://docs.klarna.com/",
    })
}
