//! What those who operate a terminal or a relay may ask over HTTP: is it well, and its metrics as
//! OpenMetrics 1.0; and plain connections of bounded number and length.
//!
//! It does not know what is measured nor what being well means. Nothing can be changed here.

mod exposition;
mod serve;

pub use exposition::{Exposition, Format, Kind};
pub use serve::serve;

use axum::body::Body;
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, Request, Response, StatusCode};

/// What somebody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Whether all is well: `GET /healthz`.
    Health,
    /// The metrics: `GET /metrics`.
    Metrics,
}

/// Why there is nothing for somebody who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such page.
    Path,
    /// The page is only read.
    Method,
}

impl Asked {
    /// What a request asks for. Its body is never looked at.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn of<B>(request: &Request<B>) -> Result<Self, Refusal> {
        let asked = match request.uri().path() {
            "/healthz" => Self::Health,
            "/metrics" => Self::Metrics,
            _ => return Err(Refusal::Path),
        };
        match request.method() == Method::GET {
            true => Ok(asked),
            false => Err(Refusal::Method),
        }
    }
}

impl Refusal {
    /// What whoever has asked is told.
    pub fn answer(self) -> Response<Body> {
        if self == Self::Path {
            return said(StatusCode::NOT_FOUND, "not_found");
        }
        let mut answer = said(StatusCode::METHOD_NOT_ALLOWED, "method");
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
        answer
    }
}

/// An answer of one word.
pub fn said(status: StatusCode, word: &'static str) -> Response<Body> {
    typed(status, "text/plain; charset=utf-8", Body::from(word))
}

/// A text of [`Format::OpenMetrics`] as an answer.
pub fn measured(text: String) -> Response<Body> {
    const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    typed(StatusCode::OK, KIND, Body::from(text))
}

fn typed(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}
