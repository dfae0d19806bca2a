//! The control port: plain HTTP for a person with curl or a browser. See everything, play the
//! shopper, break things.
//!
//! It must stay on the loopback address: it asks nobody who they are.

use super::fault::Fault;
use super::view::{Availability, ShopperAction};
use super::{Shared, notification, page};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

type Simulator = State<Arc<Shared>>;

/// Answers until it is dropped.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    // Fails only if accepting fails for good, and then nobody can be told but by the closed port.
    axum::serve(listener, router(shared)).await.ok();
}

fn router(shared: Arc<Shared>) -> Router {
    let routes = Router::new()
        .route("/", get(index))
        .route("/ledger", get(ledger))
        .route("/requests", get(requests))
        .route("/mistakes", get(mistakes))
        .route("/calls", get(calls))
        .route("/clock", get(clock))
        .route("/clock/advance", post(advance))
        .route("/shopper/{id}/{action}", post(shopper))
        .route("/faults", post(add_fault).delete(clear_faults))
        .route("/offline", post(offline))
        .route("/delay", post(delay))
        .route("/availability", post(availability))
        .merge(notification::control::router())
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .with_state(Arc::clone(&shared));
    routes.merge(page::desk_router(shared))
}

/// A refusal that says what to do instead.
pub(super) struct Problem(pub(super) StatusCode, pub(super) String);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

pub(super) fn bad(text: impl Into<String>) -> Problem {
    Problem(StatusCode::BAD_REQUEST, text.into())
}

async fn unknown_route(uri: Uri) -> Problem {
    Problem(StatusCode::NOT_FOUND, format!("no route {}; GET / lists them", uri.path()))
}

async fn wrong_method(uri: Uri) -> Problem {
    let text = format!("wrong method for {}; GET / lists the routes", uri.path());
    Problem(StatusCode::METHOD_NOT_ALLOWED, text)
}

async fn index(State(shared): Simulator) -> Html<String> {
    let (requests, notices) = shared.with(|world, now| {
        let notices = notification::control::page(&world.webhook_views(), &world.delivery_views());
        (world.request_views(now), notices)
    });
    Html(page::index(&shared, &requests, &notices))
}

async fn ledger(State(shared): Simulator) -> Json<Value> {
    Json(json!(shared.with(|world, now| world.transaction_views(now))))
}

async fn requests(State(shared): Simulator) -> Json<Value> {
    Json(json!(shared.with(|world, now| world.request_views(now))))
}

async fn mistakes(State(shared): Simulator) -> Json<Value> {
    Json(json!(shared.with(|world, _| world.mistakes())))
}

async fn calls(State(shared): Simulator) -> Json<Value> {
    Json(json!(shared.with(|world, _| world.calls())))
}

async fn clock(State(shared): Simulator) -> Json<Value> {
    Json(json!({"now": shared.now().to_string()}))
}

async fn advance(State(shared): Simulator, body: Bytes) -> Result<Json<Value>, Problem> {
    let seconds = json_body(&body)?["seconds"].as_u64();
    let seconds = seconds.ok_or_else(|| bad("send {\"seconds\": 3600}, a whole number"))?;
    shared.clock.advance(Duration::from_secs(seconds));
    shared.due.notify_one();
    Ok(Json(json!({"now": shared.now().to_string()})))
}

async fn shopper(
    State(shared): Simulator,
    Path((id, action)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let action = match action.as_str() {
        "open" => ShopperAction::Open,
        "approve" => ShopperAction::Approve,
        "decline" => ShopperAction::Decline,
        "close" => ShopperAction::Close,
        _ => return Err(bad("the shopper can open, approve, decline or close")),
    };
    let id_now = shared.with(|world, now| world.look_up(now, &id).map(|request| request.id()));
    match shared.with(|world, now| world.shopper(now, &id, action)) {
        Ok(state) => Ok(Json(json!({"id": id_now, "state": state}))),
        Err(error @ super::ShopperError::Unknown(_)) => {
            Err(Problem(StatusCode::NOT_FOUND, error.to_string()))
        }
        Err(error @ super::ShopperError::Ended(_)) => {
            Err(Problem(StatusCode::CONFLICT, error.to_string()))
        }
    }
}

/// As JSON, or as the bare text that `Fault` reads.
async fn add_fault(State(shared): Simulator, body: Bytes) -> Result<Json<Value>, Problem> {
    let text = String::from_utf8_lossy(&body);
    let fault = if text.trim_start().starts_with('{') {
        Fault::from_json(&json_body(&body)?)
    } else {
        text.parse()
    };
    let fault = fault.map_err(|error| bad(error.to_string()))?;
    let waiting = shared.with(|world, _| {
        world.faults.add(fault);
        world.faults.waiting()
    });
    Ok(Json(json!({"added": format!("{fault:?}"), "calls_still_to_be_hit": waiting})))
}

async fn clear_faults(State(shared): Simulator) -> Json<Value> {
    shared.with(|world, _| world.faults.clear());
    Json(json!({"calls_still_to_be_hit": 0}))
}

async fn offline(State(shared): Simulator, body: Bytes) -> Result<Json<Value>, Problem> {
    let offline = json_body(&body)?["offline"].as_bool();
    let offline = offline.ok_or_else(|| bad("send {\"offline\": true} or {\"offline\": false}"))?;
    shared.offline.send_replace(offline);
    Ok(Json(json!({"offline": offline})))
}

async fn delay(State(shared): Simulator, body: Bytes) -> Result<Json<Value>, Problem> {
    let ms = json_body(&body)?["ms"].as_u64();
    let ms = ms.ok_or_else(|| bad("send {\"ms\": 500}, a whole number"))?;
    shared.with(|world, _| world.delay = Duration::from_millis(ms));
    Ok(Json(json!({"ms": ms})))
}

async fn availability(State(shared): Simulator, body: Bytes) -> Result<Json<Value>, Problem> {
    let body = json_body(&body)?;
    let availability = match body["availability"].as_str() {
        Some("supported") => Availability::Supported,
        Some("unsupported") => Availability::Unsupported,
        Some("unknown") => Availability::Unknown,
        _ => {
            return Err(bad("send {\"availability\": \"supported\"}, unsupported or unknown"));
        }
    };
    shared.with(|world, _| world.availability = availability);
    Ok(Json(json!({"availability": body["availability"]})))
}

pub(super) fn json_body(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body).map_err(|error| bad(format!("the body is not JSON: {error}")))
}
