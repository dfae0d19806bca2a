//! The shopper's pages: what a phone sees after the scan. Plain HTML and forms, no scripts,
//! nothing from elsewhere.
//!
//! The same pages stand on both ports; only their paths differ. They change a request only through
//! `world`.

use super::Shared;
use super::request::{PaymentRequest, State};
use super::rules;
use super::view::{RequestView, ShopperAction};
use axum::Router;
use axum::extract::{Path, State as From};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use std::fmt::Write;
use std::sync::Arc;

/// Where the pages begin on the API port; `distribution.url` points here.
pub(super) const PHONE_PATH: &str = "/eu/requests/";
const DESK_PATH: &str = "/pay/";

/// Requests on the index page; all of them are under `/requests`.
const INDEX_ROWS_MAX: usize = 50;

const CSS: &str = include_str!("page.css");

/// Which of the two ports a page stands on.
#[derive(Clone, Copy)]
enum Place {
    Phone,
    Desk,
}

impl Place {
    fn start(self, uuid: &str) -> String {
        match self {
            Place::Phone => format!("{PHONE_PATH}{uuid}/start"),
            Place::Desk => format!("{DESK_PATH}{uuid}"),
        }
    }

    fn step(self, uuid: &str, step: &str) -> String {
        match self {
            Place::Phone => format!("{PHONE_PATH}{uuid}/{step}"),
            Place::Desk => format!("{DESK_PATH}{uuid}/{step}"),
        }
    }
}

/// The pages for the API port.
pub(super) fn phone_router(shared: Arc<Shared>) -> Router {
    router(shared, Place::Phone)
}

/// The pages for the control port.
pub(super) fn desk_router(shared: Arc<Shared>) -> Router {
    router(shared, Place::Desk)
}

fn router(shared: Arc<Shared>, place: Place) -> Router {
    type Shop = From<Arc<Shared>>;
    let open =
        move |From(shared): Shop, Path(id): Path<String>| async move { start(&shared, place, &id) };
    let result =
        move |From(shared): Shop, Path(id): Path<String>| async move { show(&shared, place, &id) };
    let act = move |From(shared): Shop, Path((id, action)): Path<(String, String)>| async move {
        step(&shared, place, &id, &action)
    };
    Router::new()
        .route(&place.start("{id}"), get(open))
        .route(&place.step("{id}", "result"), get(result))
        .route(&place.step("{id}", "do/{action}"), post(act))
        .with_state(shared)
}

/// The scan: the request is now in progress.
fn start(shared: &Shared, place: Place, id: &str) -> Response {
    let found = shared.with(|world, now| world.look_up(now, id).map(|r| r.uuid.clone()));
    match found {
        // A bookmarked /pay/latest must keep meaning one request from here on.
        Some(uuid) if uuid != id => Redirect::to(&place.start(&uuid)).into_response(),
        Some(uuid) => {
            // A request that has ended cannot be opened; the page then says how it ended.
            shared.with(|world, now| world.shopper(now, &uuid, ShopperAction::Open).ok());
            show(shared, place, &uuid)
        }
        None => not_found(),
    }
}

/// A button; the answer leads to a page that can be loaded again without doing it twice.
fn step(shared: &Shared, place: Place, id: &str, action: &str) -> Response {
    let action = match action {
        "pay" => ShopperAction::Approve,
        "decline" => ShopperAction::Decline,
        "close" => ShopperAction::Close,
        _ => return not_found(),
    };
    let ended = shared.with(|world, now| world.shopper(now, id, action));
    match ended {
        Err(super::ShopperError::Unknown(_)) => not_found(),
        Ok(_) | Err(super::ShopperError::Ended(_)) => {
            Redirect::to(&place.step(id, "result")).into_response()
        }
    }
}

fn show(shared: &Shared, place: Place, id: &str) -> Response {
    let page = shared.with(|world, now| world.look_up(now, id).map(|r| request_page(place, r)));
    page.map_or_else(not_found, |page| Html(page).into_response())
}

fn not_found() -> Response {
    let text = message("?", "Not found", "There is no such payment. Please ask at the till.");
    (StatusCode::NOT_FOUND, Html(layout("", &text))).into_response()
}

fn request_page(place: Place, request: &PaymentRequest) -> String {
    let content = match &request.state {
        State::InProgress => payment_form(place, request),
        State::Submitted => {
            let text = "Nothing has been paid. You can try again, or pay another way at the till.";
            let again = place.start(&request.uuid);
            let title = if request.previous.is_some() { "Not completed" } else { "Ready" };
            message("↺", title, text)
                + &format!("<p><a class=\"button\" href=\"{again}\">Try again</a></p>")
        }
        State::PendingConfirmation { .. } => {
            message("✓", "Thank you", "You have agreed to pay. Please look at the till.")
        }
        State::Authorized { .. } => message("✓", "Paid", "The shop has confirmed your payment."),
        State::Canceled => {
            message("✕", "Cancelled", "The shop has cancelled this payment. Nothing was paid.")
        }
        State::Expired => message("✕", "Time is up", "This payment has expired. Nothing was paid."),
    };
    layout("", &format!("{content}{}", foot(request)))
}

fn foot(request: &PaymentRequest) -> String {
    let amount = amount_text(request.asked.amount, &request.asked.currency);
    let reference = request.asked.merchant_reference.as_deref().unwrap_or("–");
    format!(
        "<p class=\"foot\">{} · order {} · <span class=\"badge\">{}</span></p>",
        escape(&amount),
        escape(reference),
        request.state.name()
    )
}

fn message(mark: &str, title: &str, text: &str) -> String {
    format!("<p class=\"mark\">{mark}</p><h1>{}</h1><p>{}</p>", escape(title), escape(text))
}

fn payment_form(place: Place, request: &PaymentRequest) -> String {
    let asked = &request.asked;
    let mut html = format!(
        "<p class=\"soft\">To pay</p><p class=\"amount\">{}</p>",
        escape(&amount_text(asked.amount, &asked.currency))
    );
    html += "<table>";
    for item in &asked.line_items {
        let total = amount_text(item.total_amount, &asked.currency);
        let (name, total) = (escape(&item.name), escape(&total));
        write!(html, "<tr><td>{} × {name}</td><td class=\"n\">{total}</td></tr>", item.quantity)
            .ok();
    }
    html += "</table>";
    let buttons = [("pay", "go", "Pay"), ("decline", "stop", "Decline"), ("close", "", "Close")];
    for (action, class, label) in buttons {
        let target = place.step(&request.uuid, &format!("do/{action}"));
        write!(
            html,
            "<form method=\"post\" action=\"{target}\">\
             <button class=\"{class}\" type=\"submit\">{label}</button></form>"
        )
        .ok();
    }
    html
}

fn layout(class: &str, content: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>Klarna simulator</title><style>{CSS}</style></head><body>\
         <main class=\"{class}\"><p class=\"brand\">Klarna simulator · no real money</p>\
         <div class=\"card\">{content}</div></main></body></html>"
    )
}

/// 12.30 EUR from 1230.
fn amount_text(amount: i64, currency: &str) -> String {
    let exponent = rules::exponent(currency).unwrap_or(0);
    let digits = format!("{:0width$}", amount.unsigned_abs(), width = exponent + 1);
    let (whole, fraction) = digits.split_at(digits.len() - exponent);
    let sign = if amount < 0 { "−" } else { "" };
    let point = if exponent == 0 { "" } else { "." };
    format!("{sign}{whole}{point}{fraction} {currency}")
}

/// Text that came from a client must never become markup.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The control port's front page: the newest requests, and what can be done with curl.
pub(super) fn index(shared: &Shared, requests: &[RequestView], notices: &str) -> String {
    let mut rows = String::new();
    for request in requests.iter().rev().take(INDEX_ROWS_MAX) {
        write!(
            rows,
            "<tr><td><a href=\"{DESK_PATH}{}\">{}</a></td><td class=\"n\">{}</td>\
             <td><span class=\"badge\">{}</span></td></tr>",
            escape(&request.uuid),
            escape(request.merchant_reference.as_deref().unwrap_or(&request.uuid)),
            escape(&amount_text(request.amount, &request.currency)),
            escape(&request.state),
        )
        .ok();
    }
    if rows.is_empty() {
        rows = "<tr><td>No payment requests yet: start a sale at the till.</td></tr>".to_owned();
    }
    let content = format!(
        "<h1>Payment requests</h1><p class=\"soft\">Open one to be the shopper.</p>\
         <table>{rows}</table>{notices}<h2>With curl</h2>\
         <pre>{}</pre><p class=\"foot\">API: {}</p>",
        escape(&manual(&shared.control_url)),
        escape(&shared.api_url)
    );
    layout("wide", &content)
}

fn manual(base: &str) -> String {
    format!(
        "curl {base}/requests    # payment requests\n\
         curl {base}/ledger      # authorised, captured, refunded\n\
         curl {base}/calls       # every call to the API\n\
         curl {base}/mistakes    # what the client did wrong\n\
         curl {base}/webhooks    # who is told of events\n\
         curl {base}/deliveries  # what was told, and how it went\n\
         curl -X POST {base}/deliveries/1/replay\n\
         curl -d forge:payment.request.*:1 {base}/push-faults\n\
         curl -d '{{\"per_second\":50,\"seconds\":10}}' {base}/storm\n\
         curl -X POST {base}/shopper/latest/approve   # or open, decline, close\n\
         curl -d drop-after:capture:1 {base}/faults\n\
         curl -X DELETE {base}/faults\n\
         curl -d '{{\"seconds\":3600}}' {base}/clock/advance\n\
         curl -d '{{\"offline\":true}}' {base}/offline\n\
         curl -d '{{\"ms\":500}}' {base}/delay\n\
         curl -d '{{\"availability\":\"unsupported\"}}' {base}/availability\n"
    )
}
