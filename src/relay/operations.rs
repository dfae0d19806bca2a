//! What those who operate the relay may ask, on a listener of its own: is it well, and its metrics.
//!
//! Nothing of it is for Klarna or the internet.

use super::metrics::Metrics;
use super::shelf::Shelf;
use crate::clock::SystemClock;
use crate::operations::{Asked, measured, said};
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use std::sync::Arc;

/// Answers `GET /healthz` and `GET /metrics`.
pub(super) struct Operations {
    pub(super) shelf: Shelf,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: SystemClock,
}

impl Operations {
    pub(super) async fn answer(&self, request: Request<Body>) -> Response<Body> {
        match Asked::of(&request) {
            Ok(Asked::Health) if self.shelf.is_well() => said(StatusCode::OK, "well"),
            Ok(Asked::Health) => said(StatusCode::SERVICE_UNAVAILABLE, "not_written"),
            Ok(Asked::Metrics) => self.metrics().await,
            Err(refusal) => refusal.answer(),
        }
    }

    async fn metrics(&self) -> Response<Body> {
        match self.shelf.depth(self.clock.now().wall).await {
            Ok(depth) => measured(self.metrics.text(depth)),
            Err(error) => {
                tracing::warn!(%error, "the outbox cannot be counted");
                said(StatusCode::SERVICE_UNAVAILABLE, "not_read")
            }
        }
    }
}
