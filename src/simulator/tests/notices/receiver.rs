//! Somebody who listens for notices over plain HTTP and keeps what arrives.
//!
//! It shares nothing with whoever sends or checks them; the tests of `provision` have it as well.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use hmac::{Hmac, KeyInit as _, Mac as _};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// What arrived: headers and the bytes.
pub type Heard = (HeaderMap, Bytes);

/// The receiver.
#[derive(Clone, Default)]
pub struct Receiver {
    heard: Arc<Mutex<Vec<Heard>>>,
    /// The statuses of the next answers; 204 when there are no more.
    answers: Arc<Mutex<VecDeque<u16>>>,
}

impl Receiver {
    /// A new one, and where it listens.
    pub async fn start() -> (Receiver, String) {
        let receiver = Receiver::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/notices", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(hear).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (receiver, url)
    }

    /// Answers what comes next with these.
    pub fn will_answer(&self, statuses: &[u16]) {
        self.answers.lock().expect("not poisoned").extend(statuses);
    }

    /// All that has arrived, the oldest first.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("not poisoned").clone()
    }
}

async fn hear(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    receiver.heard.lock().expect("not poisoned").push((headers, body));
    let status = receiver.answers.lock().expect("not poisoned").pop_front().unwrap_or(204);
    StatusCode::from_u16(status).expect("a status")
}

/// What `Klarna-Signature` must be for this body, in hexadecimal digits.
pub fn signature(key: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).expect("any length");
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
