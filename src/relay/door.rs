//! Where Klarna knocks: one path, one method, and an answer of one word once all is durable.
//!
//! The table of answers stands in [`super::admission`]. Nothing of a body and no signature is ever
//! logged.

use super::admission::{self, Policy, Turned};
use super::keyring::Keyring;
use super::metrics::{Metrics, Outcome};
use super::shelf::{Received, Shelf, Shelved};
use crate::acquirer::klarna::webhook::{BODY_LEN_MAX, Notice};
use crate::clock::SystemClock;
use crate::operations::said;
use axum::body::Body;
use axum::http::header::{ALLOW, CONNECTION, CONTENT_LENGTH, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tokio_stream::StreamExt as _;

/// How long a body may take.
const BODY_PATIENCE: Duration = Duration::from_secs(5);
/// How long the disk may take; after that Klarna is asked to come again, and is then told that it
/// was there.
const SHELF_PATIENCE: Duration = Duration::from_secs(5);
/// When to come again, in seconds: Klarna's first retry is after as many.
const RETRY_AFTER_S: &str = "10";
/// Why somebody is turned away by address.
const NOT_LISTED: &str = "its address is not on the list of callers";

/// Answers Klarna.
pub(super) struct Door {
    pub(super) path: String,
    pub(super) policy: Policy,
    pub(super) keyring: Keyring,
    pub(super) shelf: Shelf,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: SystemClock,
}

/// An answer: what became of the request, and with which status.
type Answer = (StatusCode, Outcome);

impl Door {
    /// Whether anything that comes from `peer` could be listened to; otherwise it gets no place.
    pub(super) fn lets_in(&self, peer: IpAddr) -> bool {
        let proxies = self.policy.proxies.as_ref();
        let is_proxy = proxies.is_some_and(|proxies| proxies.addresses.contains(&peer));
        let is_welcome = is_proxy || admission::may_call(&self.policy, Some(peer));
        if !is_welcome {
            self.turned(StatusCode::FORBIDDEN, Outcome::TurnedByAddress, peer, &NOT_LISTED);
        }
        is_welcome
    }

    /// Answers one request from `peer`. Whoever is not Klarna keeps no place by asking again.
    pub(super) async fn answer(&self, peer: IpAddr, request: Request<Body>) -> Response<Body> {
        if request.uri().path() != self.path {
            return closing(said(StatusCode::NOT_FOUND, "not_found"));
        }
        if request.method() != Method::POST {
            let mut answer = said(StatusCode::METHOD_NOT_ALLOWED, "method");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            return closing(answer);
        }
        let (status, outcome) = self.receive(peer, request).await;
        let mut answer = said(status, outcome.word());
        if outcome == Outcome::Busy {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
        }
        match status.is_client_error() {
            // The rest of a body is not waited for either.
            true => closing(answer),
            false => answer,
        }
    }

    async fn receive(&self, peer: IpAddr, request: Request<Body>) -> Answer {
        let begun = Instant::now();
        let (head, body) = request.into_parts();
        let caller = admission::caller(&self.policy, peer, &head.headers);
        if !admission::may_call(&self.policy, caller) {
            let caller = caller.unwrap_or(peer);
            return self.turned(
                StatusCode::FORBIDDEN,
                Outcome::TurnedByAddress,
                caller,
                &NOT_LISTED,
            );
        }
        let caller = caller.unwrap_or(peer);
        let body = match whole(&head.headers, body).await {
            Ok(body) => body,
            Err(answer) => {
                self.metrics.count(answer.1);
                return answer;
            }
        };
        match self.admit(&head.headers, &body).await {
            Ok(notice) => self.shelve(notice, begun).await,
            Err(turned) => self.turned(turned.status(), outcome(&turned), caller, &turned),
        }
    }

    /// A key that nobody knows may have been made a moment ago.
    async fn admit(&self, headers: &HeaderMap, body: &[u8]) -> Result<Notice, Turned> {
        let keys = self.keyring.keys().await;
        let now = self.clock.now().wall;
        match admission::admit(&self.policy, &keys, headers, body, now) {
            Err(Turned::Forged(forged)) if forged.may_be_a_new_key() => {
                let keys = self.keyring.renewed().await;
                admission::admit(&self.policy, &keys, headers, body, self.clock.now().wall)
            }
            admitted => admitted,
        }
    }

    async fn shelve(&self, notice: Notice, begun: Instant) -> Answer {
        let (kind, event_type) = (notice.kind, notice.event_type.clone());
        let event = notice.event.clone();
        let received = Received { notice, at: self.clock.now().wall };
        // Why it is not kept the shelf has told the log; how often, the metrics say.
        let Ok(Ok(shelved)) = timeout(SHELF_PATIENCE, self.shelf.put(received)).await else {
            self.metrics.count(Outcome::Busy);
            return (StatusCode::SERVICE_UNAVAILABLE, Outcome::Busy);
        };
        let outcome = kept_as(shelved);
        let count = self.metrics.count(outcome);
        if outcome != Outcome::Doubled {
            self.metrics.count_kind(kind);
            self.metrics.count_durable(begun.elapsed());
        }
        let word = outcome.word();
        if is_told(shelved, count) {
            tracing::info!(%event, %event_type, outcome = word, count, "a notice came");
        } else {
            tracing::debug!(%event, %event_type, outcome = word, "a notice came");
        }
        (StatusCode::ACCEPTED, outcome)
    }

    /// Counts and logs what is not taken in: the first, second, fourth, eighth and so on, so that
    /// nobody can fill the log from outside.
    fn turned(
        &self,
        status: StatusCode,
        outcome: Outcome,
        caller: IpAddr,
        why: &dyn std::fmt::Display,
    ) -> Answer {
        let count = self.metrics.count(outcome);
        if count.is_power_of_two() {
            let outcome = outcome.word();
            tracing::warn!(%caller, %why, outcome, count, "a notice is not taken in");
        }
        (status, outcome)
    }
}

fn closing(mut answer: Response<Body>) -> Response<Body> {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

fn kept_as(shelved: Shelved) -> Outcome {
    match shelved {
        Shelved::Queued | Shelved::Noted => Outcome::Accepted,
        Shelved::Unmapped => Outcome::Unmapped,
        Shelved::Unknown => Outcome::UnknownType,
        Shelved::Doubled => Outcome::Doubled,
    }
}

/// Whether whoever operates the relay reads about it; `count` is how many such there have been. An
/// account that is an online shop's too has many notices that are of no terminal.
fn is_told(shelved: Shelved, count: u64) -> bool {
    match shelved {
        Shelved::Queued | Shelved::Doubled => false,
        Shelved::Noted => true,
        Shelved::Unmapped | Shelved::Unknown => count.is_power_of_two(),
    }
}

fn outcome(turned: &Turned) -> Outcome {
    match turned {
        Turned::Forged(_) => Outcome::Forged,
        Turned::Unreadable(_) => Outcome::Unreadable,
        Turned::OtherEnvironment(_) => Outcome::OtherEnvironment,
        Turned::Stale { .. } | Turned::Future { .. } => Outcome::Stale,
    }
}

/// The whole body, if it is not too long and ends in time.
async fn whole(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Answer> {
    const TOO_LARGE: Answer = (StatusCode::PAYLOAD_TOO_LARGE, Outcome::TooLarge);
    const TOO_SLOW: Answer = (StatusCode::REQUEST_TIMEOUT, Outcome::TooSlow);
    let said = headers.get(CONTENT_LENGTH).and_then(|said| said.to_str().ok()?.parse().ok());
    if said.is_some_and(|said: u64| said > BODY_LEN_MAX as u64) {
        return Err(TOO_LARGE);
    }
    let read = async {
        let (mut bytes, mut parts) = (Vec::new(), body.into_data_stream());
        while let Some(part) = parts.next().await {
            // It broke off: nobody is there to read the answer.
            let part = part.map_err(|_| TOO_SLOW)?;
            if bytes.len() + part.len() > BODY_LEN_MAX {
                return Err(TOO_LARGE);
            }
            bytes.extend_from_slice(&part);
        }
        Ok(bytes)
    };
    timeout(BODY_PATIENCE, read).await.unwrap_or(Err(TOO_SLOW))
}
