//! Notices on the control port: lists, faults, storms, and a delivery once more.
//!
//! It must stay on the loopback address with the rest of that port.

use super::push::{PushFault, Storm};
use super::{DeliveryView, WebhookView};
use crate::simulator::Shared;
use crate::simulator::control::{Problem, bad, json_body};
use crate::simulator::page::escape;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;

type Simulator = State<Arc<Shared>>;

/// Deliveries on the front page; all of them are under `/deliveries`.
const ROWS_MAX: usize = 25;

pub(in crate::simulator) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/webhooks", get(webhooks))
        .route("/deliveries", get(deliveries))
        .route("/deliveries/{number}/replay", post(replay))
        .route("/events/{event_type}", post(tell))
        .route("/push-faults", post(add_fault).delete(clear_faults))
        .route("/storm", post(start_storm).delete(end_storm))
}

async fn webhooks(State(shared): Simulator) -> Json<Value> {
    Json(json!(shared.with(|world, _| world.webhook_views())))
}

async fn deliveries(State(shared): Simulator) -> Json<Value> {
    Json(json!(shared.with(|world, _| world.delivery_views())))
}

async fn replay(State(shared): Simulator, Path(number): Path<u64>) -> Result<Json<Value>, Problem> {
    match shared.with(|world, now| world.replay(now, number)) {
        true => Ok(Json(json!({"replayed": number}))),
        false => {
            let text = format!("no delivery {number}; GET /deliveries lists them");
            Err(Problem(StatusCode::NOT_FOUND, text))
        }
    }
}

/// An event with the body as its payload, such as a dispute with its `payment_transaction_id`.
async fn tell(
    State(shared): Simulator,
    Path(event_type): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let payload = json_body(&body)?;
    match shared.with(|world, now| world.tell(now, &event_type, payload)) {
        true => Ok(Json(json!({"told": event_type}))),
        false => Err(bad(format!("there is no event {event_type}"))),
    }
}

/// As `{"fault": "..."}`, or as the bare text that `PushFault` reads.
async fn add_fault(State(shared): Simulator, body: Bytes) -> Result<Json<Value>, Problem> {
    let mut text = String::from_utf8_lossy(&body).into_owned();
    if text.trim_start().starts_with('{') {
        text = json_body(&body)?["fault"].as_str().unwrap_or_default().to_owned();
    }
    let fault: Result<PushFault, _> = text.parse();
    let fault = fault.map_err(|error| bad(error.to_string()))?;
    let added = format!("{fault:?}");
    shared.with(|world, _| world.notifications.faults.add(fault));
    Ok(Json(json!({"added": added})))
}

async fn clear_faults(State(shared): Simulator) -> Json<Value> {
    shared.with(|world, _| world.notifications.faults.clear());
    Json(json!({"cleared": true}))
}

async fn start_storm(State(shared): Simulator, body: Bytes) -> Result<Json<Value>, Problem> {
    let storm = Storm::from_json(&json_body(&body)?).map_err(bad)?;
    let told = json!({"event_type": storm.event_type, "per_second": storm.per_second});
    shared.with(|world, now| world.set_storm(now, Some(storm)));
    Ok(Json(told))
}

async fn end_storm(State(shared): Simulator) -> Json<Value> {
    shared.with(|world, now| world.set_storm(now, None));
    Json(json!({"ended": true}))
}

/// Both lists for the front page; nothing while there are none.
pub(in crate::simulator) fn page(webhooks: &[WebhookView], sent: &[DeliveryView]) -> String {
    let mut html = String::new();
    if !webhooks.is_empty() {
        html += "<h2>Webhooks</h2><table>";
        for hook in webhooks {
            let (url, events) = (escape(&hook.url), escape(&hook.event_types.join(", ")));
            let state = if hook.enabled { "ENABLED" } else { "DISABLED" };
            write!(
                html,
                "<tr><td>{url}</td><td>{events}</td>\
                 <td><span class=\"badge\">{state}</span></td></tr>"
            )
            .ok();
        }
        html += "</table>";
    }
    if !sent.is_empty() {
        html += "<h2>Deliveries</h2><table>";
        for row in sent.iter().rev().take(ROWS_MAX) {
            let last = escape(row.last.as_deref().unwrap_or("–"));
            let (event, state) = (escape(&row.event_type), format!("{:?}", row.state));
            write!(
                html,
                "<tr><td class=\"n\">{}</td><td>{event}</td><td class=\"n\">{}</td><td>{last}</td>\
                 <td><span class=\"badge\">{state}</span></td></tr>",
                row.number, row.attempts,
            )
            .ok();
        }
        html += "</table>";
    }
    html
}
