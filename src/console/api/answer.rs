//! What every answer has in common: a time limit, and why not as JSON.

use super::super::page::trouble::Trouble;
use crate::i18n::Lang;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use std::time::Duration;

/// How long an answer may take, the reading of a slow client's body included.
const PATIENCE: Duration = Duration::from_secs(30);

/// Answers in time, and as JSON what could not be answered.
pub(super) async fn dressed(request: Request, next: Next) -> Response {
    let mut answer = match tokio::time::timeout(PATIENCE, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => Trouble::TooSlow.into_response(),
    };
    if let Some(trouble) = why_not(&answer) {
        answer = error(&trouble);
    }
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

fn why_not(answer: &Response) -> Option<Trouble> {
    let status = answer.status();
    match answer.extensions().get::<Trouble>() {
        Some(trouble) => Some(trouble.clone()),
        // A path or query that axum could not read.
        None if status.is_client_error() => Some(Trouble::BadForm),
        None => status.is_server_error().then_some(Trouble::Defect),
    }
}

fn error(trouble: &Trouble) -> Response {
    let text = match trouble {
        // Advice for a form would not help at the command line.
        Trouble::BadForm => "a field is missing, unknown or out of range; see --help".to_owned(),
        _ => {
            let (_, advice, word) = trouble.words(Lang::En);
            word.unwrap_or_else(|| advice.of(Lang::En).to_owned())
        }
    };
    let body = json!({ "error": { "code": code(trouble), "text": text } });
    (trouble.status(), axum::Json(body)).into_response()
}

/// One word for programs.
fn code(trouble: &Trouble) -> &'static str {
    match trouble {
        Trouble::SignIn(_) => "sign_in",
        Trouble::ChangePin => "change_pin",
        Trouble::NotAllowed => "not_allowed",
        Trouble::NotFound => "not_found",
        Trouble::WrongMethod => "wrong_method",
        Trouble::WrongName => "wrong_name",
        Trouble::Forged => "forged",
        Trouble::BadForm => "bad_request",
        Trouble::TooOften => "too_often",
        Trouble::TooSlow => "too_slow",
        Trouble::Refused(..) | Trouble::OverLimit(_) => "refused",
        Trouble::Problem(problem) => problem.code(),
        Trouble::NoAnswer => "no_answer",
        Trouble::Stale => "stale",
        Trouble::Storage(_) | Trouble::UsersFile => "storage",
        Trouble::Printer(_) => "printer",
        Trouble::Defect => "defect",
    }
}
