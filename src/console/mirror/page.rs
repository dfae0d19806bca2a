//! What the shopper sees, in a browser: for support, and for people without hardware.
//!
//! A page with a picture; its script takes the parts that change from a stream of server-sent
//! events (HTML Living Standard, 9.2). Without a script the page loads itself anew.

use crate::display::canvas::Canvas;
use crate::display::mirror::{Change, Feed, Shot};
use crate::display::png::encode;
use crate::i18n::Lang;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use embedded_graphics::geometry::{OriginDimensions as _, Point, Size};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;

const PAGE: &str = include_str!("mirror.html");
const SCRIPT: &str = include_str!("mirror.js");
const STYLE: &str = include_str!("mirror.css");

/// Events that wait for a slow browser; beyond that it starts anew with a whole picture.
const WAITING_MAX: usize = 4;
/// A browser that takes nothing for so long has gone.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn router(feed: Feed) -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::to("/display") }))
        .route("/display", get(|| typed("text/html; charset=utf-8", PAGE)))
        .route("/display/mirror.js", get(|| typed("text/javascript; charset=utf-8", SCRIPT)))
        .route("/display/mirror.css", get(|| typed("text/css; charset=utf-8", STYLE)))
        .route("/display/screen.png", get(picture))
        .route("/display/events", get(events))
        .with_state(feed)
}

async fn typed(
    kind: &'static str,
    text: &'static str,
) -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(CONTENT_TYPE, kind)], text)
}

async fn picture(State(feed): State<Feed>) -> impl IntoResponse {
    match encode(&feed.shot().canvas, 1) {
        Ok(bytes) => ([(CONTENT_TYPE, "image/png")], bytes).into_response(),
        Err(_) => (StatusCode::NOT_FOUND, "there is no picture\n").into_response(),
    }
}

async fn events(State(feed): State<Feed>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    tokio::spawn(async move {
        // A browser that was too slow for the changes is sent the whole picture again.
        loop {
            let (shot, mut changes) = feed.subscribe();
            if !send(&sender, whole(&shot)).await {
                return;
            }
            loop {
                let change = tokio::select! {
                    change = changes.recv() => change,
                    () = sender.closed() => return,
                };
                match change {
                    Ok(change) => {
                        if !send(&sender, part(&change)).await {
                            return;
                        }
                    }
                    Err(RecvError::Lagged(_)) => break,
                    Err(RecvError::Closed) => return,
                }
            }
        }
    });
    Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::default())
}

/// Whether the browser goes on taking events.
async fn send(sender: &mpsc::Sender<Result<Event, Infallible>>, event: Event) -> bool {
    matches!(timeout(PATIENCE, sender.send(Ok(event))).await, Ok(Ok(())))
}

fn whole(shot: &Shot) -> Event {
    let parts = vec![patch(Point::zero(), &shot.canvas)];
    event(shot.canvas.size(), parts, &shot.text, shot.lang)
}

fn part(change: &Arc<Change>) -> Event {
    let parts = change.parts.iter().map(|(area, part)| patch(area.top_left, part));
    event(change.size, parts.collect(), &change.text, change.lang)
}

fn event(size: Size, parts: Vec<Value>, text: &str, lang: Lang) -> Event {
    let data = json!({
        "width": size.width,
        "height": size.height,
        "parts": parts,
        "text": text,
        "lang": lang.tag(),
    });
    Event::default().event("screen").data(data.to_string())
}

fn patch(place: Point, part: &Canvas) -> Value {
    // A part without pixels cannot be encoded, and need not be drawn.
    let png = encode(part, 1).map(|bytes| STANDARD.encode(bytes)).unwrap_or_default();
    json!({ "x": place.x, "y": place.y, "png": png })
}
