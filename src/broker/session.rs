//! What this side keeps of a session that the broker keeps: nothing.
//!
//! The broker keeps what was said to a terminal that was away. On our own side nothing is ever left
//! to be sent again after a break: a status is said anew, a relay has an outbox of its own.

use super::line::IN_FLIGHT_MAX;
use rumqttc::{
    PersistedAckMode, PersistedSession, SessionStore, SessionStoreError, SessionStoreKey,
};
use std::future::{Ready, ready};
use std::pin::Pin;

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, SessionStoreError>> + Send + 'a>>;

/// A session in which nothing is under way.
#[derive(Debug)]
pub(super) struct NothingUnderWay;

impl SessionStore for NothingUnderWay {
    fn load<'a>(&'a self, key: &'a SessionStoreKey) -> Answer<'a, Option<PersistedSession>> {
        Box::pin(ready(Ok(Some(PersistedSession {
            format_version: 1,
            client_id: key.client_id().to_owned(),
            clean_start: false,
            session_expiry_interval: None,
            outgoing_inflight_upper_limit: Some(IN_FLIGHT_MAX),
            ack_mode: PersistedAckMode::Automatic,
            last_pkid: 0,
            last_puback: 0,
            replay: Vec::new(),
            incoming_qos2: Vec::new(),
        }))))
    }

    fn save<'a>(&'a self, _: &'a SessionStoreKey, _: &'a PersistedSession) -> Answer<'a, ()> {
        Box::pin(done())
    }

    fn clear<'a>(&'a self, _: &'a SessionStoreKey) -> Answer<'a, ()> {
        Box::pin(done())
    }
}

fn done() -> Ready<Result<(), SessionStoreError>> {
    ready(Ok(()))
}
