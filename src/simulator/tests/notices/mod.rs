//! Signing keys, webhooks, credentials, and what a receiver gets to see, over real HTTP.

mod account;
mod delivery;
mod faults;
mod receiver;

use super::*;
use crate::simulator::{DeliveryState, DeliveryView, PushFault};
use receiver::{Heard, Receiver, signature};

const KEYS: &str = "/v1/notification/signing-keys";
const HOOKS: &str = "/v1/notification/webhooks";
const CREDENTIALS: &str = "/v1/account/credentials";
const PENDING: &str = "payment.request.state-change.pending-confirmation";

impl Receiver {
    fn bodies(&self) -> Vec<Value> {
        let parse = |(_, body): &Heard| serde_json::from_slice(body).expect("JSON");
        self.heard().iter().map(parse).collect()
    }

    /// The events in the order of their arrival, without what they have in common.
    fn events(&self) -> Vec<String> {
        let short = |body: &Value| {
            let name = text(&body["metadata"], "event_type");
            name.trim_start_matches("payment.").replace("state-change.", "")
        };
        self.bodies().iter().map(short).collect()
    }
}

fn quiet() -> Options {
    let (webhooks_in_clear, notices_at_once, partner_per_second) = (true, 1, 10_000);
    Options { webhooks_in_clear, notices_at_once, partner_per_second, ..still() }
}

/// A bench, a receiver with a webhook for `events`, its id, and the key's id and text.
async fn listening(options: Options, events: &[&str]) -> (Bench, Receiver, String, [String; 2]) {
    let bench = Bench::with(options).await;
    let (receiver, url) = Receiver::start().await;
    let key = new_key(&bench).await;
    let hook = bench.post(HOOKS, &webhook(&url, events, &key[0])).await;
    assert_eq!(hook.status, 201, "{}", hook.text);
    let hook = text(&hook.json(), "webhook_id");
    (bench, receiver, hook, key)
}

async fn new_key(bench: &Bench) -> [String; 2] {
    let key = got(bare_post(bench, KEYS)).await;
    assert_eq!(key.status, 201, "{}", key.text);
    ["signing_key_id", "signing_key"].map(|name| text(&key.json(), name))
}

fn bare_post(bench: &Bench, path: &str) -> RequestBuilder {
    bench.bare("POST", path).header("klarna-idempotency-key", bench.new_key())
}

fn webhook(url: &str, events: &[&str], key: &str) -> Value {
    json!({"url": url, "event_types": events, "event_version": "v1", "signing_key_id": key})
}

fn is_signed_with(heard: &Heard, key: &str) -> bool {
    heard.0["klarna-signature"] == signature(key, &heard.1).as_str()
}

fn states(bench: &Bench) -> Vec<DeliveryState> {
    bench.simulator.deliveries().iter().map(|delivery| delivery.state).collect()
}

fn newest(bench: &Bench) -> DeliveryView {
    bench.simulator.deliveries().pop().expect("a delivery")
}

fn push_fault(bench: &Bench, text: &str) {
    bench.simulator.push_fault(text.parse::<PushFault>().expect("a fault"));
}
