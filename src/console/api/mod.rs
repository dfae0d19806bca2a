//! The console for the command line: the same things as the pages, as JSON (RFC 8259) over HTTP on
//! a Unix socket beside the database.
//!
//! Who asks is whom the system says; nobody signs in. An amount is
//! `{"minor":1234,"currency":"EUR"}`, a time ISO 8601 in UTC, an id text, and a refusal
//! `{"error":{"code":...,"text":...}}`. What is read comes from `book`, what is
//! changed goes through `act` and [`access`](crate::access), as on the pages.

mod answer;
mod client;
mod health;
mod journal;
mod payments;
mod people;
pub(super) mod serve;
mod shifts;
mod view;

pub use health::HealthView;
pub use journal::Journal;
pub use people::{AuditPage, EntryView, FirstPinView, SetUpView, SignedOutView, UserView, Users};
pub use shifts::{Closing, ShiftView, Shifts, TotalView, WaitingView};
pub use view::{
    AttemptView, CallStory, CallView, Happening, LateView, Outbox, PaymentStory, PaymentView,
    Payments, RefusalView, describe,
};

use super::Office;
use super::page::trouble::Trouble;
use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::middleware;
use axum::routing::{get, post};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a handler answers: something as JSON, or why not.
type Answer<T> = Result<axum::Json<T>, Trouble>;
type Shared = State<Arc<Office>>;

/// The socket of the command line beside the database at `store`.
pub fn socket_beside(store: &Path) -> PathBuf {
    crate::local::beside(store, ".console")
}

fn router(office: Arc<Office>) -> Router {
    Router::new()
        .route("/v1/payments", get(payments::list))
        .route("/v1/payments/{number}", get(payments::one))
        .route("/v1/outbox", get(payments::outbox))
        .route("/v1/outbox/{call}", get(payments::call))
        .route("/v1/shift", get(shifts::open))
        .route("/v1/shift/close", post(shifts::close))
        .route("/v1/shifts", get(shifts::list))
        .route("/v1/shifts/{number}", get(shifts::one))
        .route("/v1/shifts/{number}/report.csv", get(shifts::csv))
        .route("/v1/shifts/{number}/report.pdf", get(shifts::pdf))
        .route("/v1/shifts/{number}/report.txt", get(shifts::text))
        .route("/v1/shifts/{number}/print", post(shifts::print))
        .route("/v1/users", get(people::users).post(people::add))
        .route("/v1/users/{name}/pin", post(people::reset_pin))
        .route("/v1/users/{name}/lock", post(people::lock))
        .route("/v1/users/{name}/unlock", post(people::unlock))
        .route("/v1/users/{name}/sign-out", post(people::sign_out))
        .route("/v1/users/{name}/role", post(people::role))
        .route("/v1/audit", get(people::audit))
        .route("/v1/set-up-code", get(people::set_up_code))
        .route("/v1/health", get(health::health))
        .fallback(|_: Uri| async { Trouble::NotFound })
        .method_not_allowed_fallback(|| async { Trouble::WrongMethod })
        .with_state(office)
        .layer(middleware::from_fn(answer::dressed))
}
