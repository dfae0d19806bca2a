//! What those who operate the relay may ask, on a listener of its own: is it well, and its metrics.
//!
//! Nothing of it is for Klarna or the internet.

use super::metrics::{CONTENT_TYPE, Metrics};
use super::shelf::Shelf;
use crate::clock::SystemClock;
use axum::body::Body;
use axum::http::header::{ALLOW, CONTENT_TYPE as CONTENT_TYPE_HEADER};
use axum::http::{HeaderValue, Method, Request, Response, StatusCode};
use std::sync::Arc;

/// Answers `GET /healthz` and `GET /metrics`.
pub(super) struct Operations {
    pub(super) shelf: Shelf,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: SystemClock,
}

impl Operations {
    pub(super) async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (path, method) = (request.uri().path(), request.method());
        match (path, method == Method::GET) {
            ("/healthz" | "/metrics", false) => {
                let mut answer = said(StatusCode::METHOD_NOT_ALLOWED, "method");
                answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
                answer
            }
            ("/healthz", true) if self.shelf.is_well() => said(StatusCode::OK, "well"),
            ("/healthz", true) => said(StatusCode::SERVICE_UNAVAILABLE, "not_written"),
            ("/metrics", true) => self.metrics().await,
            (_, _) => said(StatusCode::NOT_FOUND, "not_found"),
        }
    }

    async fn metrics(&self) -> Response<Body> {
        match self.shelf.depth(self.clock.now().wall).await {
            Ok(depth) => {
                let mut answer = Response::new(Body::from(self.metrics.text(depth)));
                let kind = HeaderValue::from_static(CONTENT_TYPE);
                answer.headers_mut().insert(CONTENT_TYPE_HEADER, kind);
                answer
            }
            Err(error) => {
                tracing::warn!(%error, "the outbox cannot be counted");
                said(StatusCode::SERVICE_UNAVAILABLE, "not_read")
            }
        }
    }
}

/// An answer of one word.
pub(super) fn said(status: StatusCode, word: &'static str) -> Response<Body> {
    let mut answer = Response::new(Body::from(word));
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE_HEADER, kind);
    answer
}
