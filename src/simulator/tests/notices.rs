//! Signing keys, webhooks, credentials, and what a receiver gets to see, over real HTTP.

use super::fixtures::check_json;
use super::*;
use crate::simulator::{DeliveryState, DeliveryView, PushFault, SignatureEncoding, Storm};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use hmac::{Hmac, KeyInit as _, Mac as _};
use std::collections::VecDeque;
use std::sync::Mutex;
use tokio::net::TcpListener;

const KEYS: &str = "/v1/notification/signing-keys";
const HOOKS: &str = "/v1/notification/webhooks";
const CREDENTIALS: &str = "/v1/account/credentials";
const PENDING: &str = "payment.request.state-change.pending-confirmation";

/// What arrived: headers and the bytes.
type Heard = (HeaderMap, Bytes);

/// Somebody who listens for notices over plain HTTP.
#[derive(Clone, Default)]
struct Receiver {
    heard: Arc<Mutex<Vec<Heard>>>,
    /// The statuses of the next answers; 204 when there are no more.
    answers: Arc<Mutex<VecDeque<u16>>>,
}

impl Receiver {
    async fn start() -> (Receiver, String) {
        let receiver = Receiver::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/notices", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(hear).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (receiver, url)
    }

    fn will_answer(&self, statuses: &[u16]) {
        self.answers.lock().expect("not poisoned").extend(statuses);
    }

    fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("not poisoned").clone()
    }

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

async fn hear(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, StatusCode> {
    receiver.heard.lock().expect("not poisoned").push((headers, body));
    let status = receiver.answers.lock().expect("not poisoned").pop_front().unwrap_or(204);
    StatusCode::from_u16(status).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// Time stands still, notices go one by one, and nobody counts calls.
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

fn hex_of(key: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).expect("any length");
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_signed_with(heard: &Heard, key: &str) -> bool {
    heard.0["klarna-signature"] == hex_of(key, &heard.1).as_str()
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

#[tokio::test]
async fn a_signing_key_is_said_once() {
    let bench = Bench::with(quiet()).await;
    let [id, secret] = new_key(&bench).await;
    let list = bench.get(KEYS).await;
    assert_eq!(text(&list.json()["signing_keys"][0], "signing_key_id"), id);
    assert!(!list.text.contains(&secret));
    let one = bench.get(&format!("{KEYS}/{id}")).await;
    assert!(one.status == 200 && !one.text.contains(&secret));
    assert_eq!(got(bench.bare("DELETE", &format!("{KEYS}/{id}"))).await.status, 204);
    for method in ["GET", "DELETE"] {
        let gone = got(bench.bare(method, &format!("{KEYS}/{id}"))).await;
        assert_eq!((gone.status, gone.code().as_str()), (404, "RESOURCE_NOT_FOUND"));
    }
    bench.check_mistakes(&[]);
}

#[tokio::test]
async fn the_same_idempotency_key_says_a_signing_key_again() {
    let bench = Bench::with(quiet()).await;
    let key = bench.new_key();
    let ask = || bench.bare("POST", KEYS).header("klarna-idempotency-key", &key);
    let (first, second) = (got(ask()).await, got(ask()).await);
    assert_eq!(first.text, second.text);
    assert_eq!(bench.get(KEYS).await.json()["signing_keys"].as_array().map(Vec::len), Some(1));
    let without = got(bench.bare("POST", KEYS)).await;
    assert_eq!(
        (without.status, without.parameters()),
        (400, vec!["Klarna-Idempotency-Key".into()])
    );
}

#[tokio::test]
async fn there_are_fifty_signing_keys_at_most() {
    let bench = Bench::with(quiet()).await;
    for _ in 0..50 {
        new_key(&bench).await;
    }
    let more = got(bare_post(&bench, KEYS)).await;
    assert_eq!((more.status, more.code().as_str()), (403, "OPERATION_FORBIDDEN"));
    bench.check_mistakes(&["a 51st signing key"]);
}

#[tokio::test]
async fn a_webhook_follows_the_rules() {
    let strict = Options { webhooks_on_loopback: false, ..quiet() };
    for (options, url, status) in [
        (strict.clone(), "https://shop.example/hook", 201),
        (strict.clone(), "https://shop.example:8443/hook", 201),
        (strict.clone(), "https://shop.example:9443/hook", 400),
        (strict.clone(), "https://127.0.0.1:9443/hook", 400),
        (strict.clone(), "http://shop.example/hook", 400),
        (strict, "nowhere", 400),
        (still(), "https://[::1]:9443/hook", 201),
        (still(), "http://127.0.0.1:9443/hook", 400),
        (quiet(), "http://127.0.0.1:9443/hook", 201),
        (quiet(), "http://shop.example/hook", 400),
    ] {
        let bench = Bench::with(options).await;
        let key = new_key(&bench).await;
        let hook = bench.post(HOOKS, &webhook(url, &["payment.*"], &key[0])).await;
        assert_eq!(hook.status, status, "{url} {}", hook.text);
    }
    let bench = Bench::with(quiet()).await;
    let key = new_key(&bench).await;
    let good = webhook("https://shop.example/", &["*"], &key[0]);
    for (field, value) in [
        ("url", Value::Null),
        ("event_types", json!([])),
        ("event_types", json!(["payment.nothing.*"])),
        ("event_types", json!("payment.request.*")),
        ("event_version", json!("v2")),
        ("signing_key_id", json!("krn:nobody")),
        ("status", json!("ON")),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let refused = bench.post(HOOKS, &body).await;
        assert_eq!((refused.status, refused.parameters()), (400, vec![field.into()]), "{body}");
    }
    assert_eq!(bench.post(HOOKS, &good).await.status, 201);
    let again = bench.post(HOOKS, &good).await;
    assert_eq!((again.status, again.code().as_str()), (409, "RESOURCE_CONFLICT"));
}

#[tokio::test]
async fn a_webhook_is_changed_and_deleted() {
    let (bench, receiver, hook, _) = listening(quiet(), &["payment.request.*"]).await;
    let path = format!("{HOOKS}/{hook}");
    let changed = bench.send("PATCH", &path, &json!({"status": "DISABLED"})).await;
    assert_eq!((changed.status, text(&changed.json(), "status")), (200, "DISABLED".into()));
    bench.create().await;
    bench.simulator.told().await;
    assert_eq!(receiver.heard().len(), 0, "a disabled webhook is told nothing");
    assert_eq!(bench.send("PATCH", &path, &json!({})).await.status, 400);
    let unknown = json!({"signing_key_id": "krn:nobody"});
    assert_eq!(bench.send("PATCH", &path, &unknown).await.status, 400);
    assert_eq!(bench.get(HOOKS).await.json()["webhooks"].as_array().map(Vec::len), Some(1));
    assert_eq!(got(bench.bare("DELETE", &path)).await.status, 204);
    assert_eq!(bench.get(&path).await.status, 404);
    assert!(bench.simulator.webhooks().is_empty());
}

#[tokio::test]
async fn every_change_of_a_payment_is_told_and_signed() {
    let (bench, receiver, hook, [key_id, key]) = listening(quiet(), &["payment.*"]).await;
    let transaction = bench.authorized().await;
    bench.capture(&transaction, 1000, "C1").await;
    bench.refund(&transaction, 100, "R1").await;
    bench.simulator.told().await;
    let events = [
        "request.submitted",
        "request.in-progress",
        "request.pending-confirmation",
        "request.authorized",
        "transaction.authorized",
        "transaction.captured",
        "transaction.completed",
        "transaction.refunded",
    ];
    assert_eq!(receiver.events(), events);
    for heard in receiver.heard() {
        assert!(is_signed_with(&heard, &key));
        assert_eq!(heard.0["klarna-signing-key-id"], key_id.as_str());
        assert_eq!(heard.0["content-type"], "application/json");
        let parsed: Value = serde_json::from_slice(&heard.1).expect("JSON");
        assert_eq!(parsed.to_string().len(), heard.1.len(), "no white space");
    }
    let pending = &receiver.bodies()[2];
    let (metadata, payload) = (&pending["metadata"], &pending["payload"]);
    assert_eq!(text(metadata, "event_type"), PENDING);
    assert_eq!(text(metadata, "event_version"), "v1");
    assert_eq!(
        (text(metadata, "account_id").as_str(), text(metadata, "webhook_id")),
        (ACCOUNT, hook)
    );
    assert_eq!(metadata["live"], json!(false));
    assert_eq!(text(payload, "state"), "PENDING_CONFIRMATION");
    assert_eq!(text(payload, "previous_state"), "IN_PROGRESS");
    assert!(text(payload, "payment_confirmation_token").contains(":confirmation-token:"));
    let authorized = &receiver.bodies()[3]["payload"];
    assert_eq!(text(authorized, "payment_transaction_id"), transaction);
    check_json("notice-pending-confirmation", pending);
    check_json("notice-authorized", &receiver.bodies()[3]);
    assert_eq!(states(&bench), [DeliveryState::Delivered; 8]);
    bench.check_mistakes(&[]);
}

#[tokio::test]
async fn what_time_does_is_told() {
    let (bench, receiver, _, _) = listening(quiet(), &["payment.request.*"]).await;
    let id = bench.create().await;
    bench.simulator.shopper(&id, ShopperAction::Approve).expect("pays");
    bench.simulator.advance_clock(Duration::from_secs(3600));
    bench.simulator.told().await;
    bench.simulator.advance_clock(Duration::from_secs(48 * 3600));
    bench.simulator.told().await;
    assert_eq!(receiver.events()[3..], ["request.submitted", "request.expired"]);
}

#[tokio::test]
async fn a_failed_delivery_is_tried_at_klarnas_times_and_then_dead() {
    let (bench, receiver, _, _) = listening(quiet(), &["payment.request.*"]).await;
    receiver.will_answer(&[500, 302, 400, 203, 503, 404, 500]);
    bench.create().await;
    bench.simulator.told().await;
    for (attempts, seconds) in [(1, 10), (2, 120), (3, 900), (4, 10_800), (5, 21_600), (6, 43_200)]
    {
        let waiting = newest(&bench);
        assert_eq!((waiting.state, waiting.attempts), (DeliveryState::Waiting, attempts));
        let due = bench.simulator.now() + Duration::from_secs(seconds);
        assert_eq!(waiting.due, Some(due));
        bench.simulator.advance_clock(Duration::from_secs(seconds - 1));
        bench.simulator.told().await;
        assert_eq!(newest(&bench).attempts, attempts, "not before it is due");
        bench.simulator.advance_clock(Duration::from_secs(1));
        bench.simulator.told().await;
    }
    let dead = newest(&bench);
    assert_eq!((dead.state, dead.attempts, dead.due), (DeliveryState::Dead, 7, None));
    let heard = receiver.heard();
    assert!(heard.iter().all(|(_, body)| *body == heard[0].1), "the same bytes each time");
    assert!(bench.simulator.replay(dead.number), "support can send it again");
    bench.simulator.told().await;
    assert_eq!(newest(&bench).state, DeliveryState::Delivered);
    assert!(!bench.simulator.replay(99));
}

#[tokio::test]
async fn a_change_leaves_alone_what_is_being_tried_again() {
    let (bench, receiver, hook, [_, key]) = listening(quiet(), &["payment.request.*"]).await;
    let other = new_key(&bench).await;
    receiver.will_answer(&[500]);
    bench.create().await;
    bench.simulator.told().await;
    let change = json!({"signing_key_id": other[0], "event_types": ["payment.request.updated"]});
    let changed = bench.send("PATCH", &format!("{HOOKS}/{hook}"), &change).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    bench.simulator.advance_clock(Duration::from_secs(10));
    bench.simulator.told().await;
    let heard = receiver.heard();
    assert!(heard.len() == 2 && is_signed_with(&heard[1], &key), "the old key, once more");
}

#[tokio::test]
async fn a_deleted_key_signs_nothing_that_anybody_can_check() {
    let (bench, receiver, _, [key_id, key]) = listening(quiet(), &["payment.request.*"]).await;
    assert_eq!(got(bench.bare("DELETE", &format!("{KEYS}/{key_id}"))).await.status, 204);
    bench.create().await;
    bench.simulator.told().await;
    let heard = receiver.heard();
    assert_eq!(heard[0].0["klarna-signing-key-id"], key_id.as_str());
    assert!(!is_signed_with(&heard[0], &key));
    bench.check_mistakes(&["the signing key of the enabled webhook"]);
}

#[tokio::test]
async fn a_webhook_is_simulated() {
    let (bench, receiver, hook, [_, key]) = listening(quiet(), &["payment.request.*"]).await;
    let path = format!("{HOOKS}/{hook}/simulate");
    let event = |name: &str| json!({"event_type": name, "event_version": "v1"});
    assert_eq!(bench.post(&path, &event(PENDING)).await.status, 202);
    bench.simulator.told().await;
    assert!(is_signed_with(&receiver.heard()[0], &key));
    let payload = &receiver.bodies()[0]["payload"];
    assert!(text(payload, "payment_confirmation_token").contains(":confirmation-token:"));
    for wrong in ["payment.request.*", "payment.transaction.captured"] {
        assert_eq!(bench.post(&path, &event(wrong)).await.status, 400, "{wrong}");
    }
    let nobody = format!("{HOOKS}/krn:nobody/simulate");
    assert_eq!(bench.post(&nobody, &event(PENDING)).await.status, 404);
}

#[tokio::test]
async fn nothing_is_simulated_where_money_is() {
    let account_id = "krn:partner:global:account:live:SIMULATOR".to_owned();
    let bench = Bench::with(Options { account_id, ..quiet() }).await;
    let post = async |path: &str, body: Value| {
        let url = format!("{}{path}", bench.simulator.api_url());
        let call = bench.client.post(url).header("klarna-idempotency-key", bench.new_key());
        got(call.header("authorization", "Basic klarna_test_api_simulator").json(&body)).await
    };
    let key = text(&post(KEYS, json!({})).await.json(), "signing_key_id");
    let hook = post(HOOKS, webhook("https://shop.example/", &["payment.*"], &key)).await;
    let path = format!("{HOOKS}/{}/simulate", text(&hook.json(), "webhook_id"));
    let refused = post(&path, json!({"event_type": PENDING, "event_version": "v1"})).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "OPERATION_FORBIDDEN"));
    assert!(bench.simulator.deliveries().is_empty());
}

#[tokio::test]
async fn faults_of_notices() {
    let (bench, receiver, _, [_, key]) = listening(quiet(), &["payment.request.*"]).await;
    let submitted = "payment.request.state-change.submitted";
    push_fault(&bench, &format!("duplicate=3:{submitted}"));
    bench.create().await;
    bench.simulator.told().await;
    let heard = receiver.heard();
    assert!(heard.len() == 3 && heard.iter().all(|(_, body)| *body == heard[0].1));
    push_fault(&bench, "lose");
    bench.create().await;
    bench.simulator.told().await;
    assert_eq!((receiver.heard().len(), newest(&bench).state), (3, DeliveryState::Lost));
    push_fault(&bench, "forge");
    bench.create().await;
    bench.simulator.told().await;
    assert!(!is_signed_with(&receiver.heard()[3], &key));
    push_fault(&bench, "delay=5000");
    bench.create().await;
    bench.simulator.told().await;
    assert_eq!(receiver.heard().len(), 4);
    bench.simulator.advance_clock(Duration::from_secs(5));
    bench.simulator.told().await;
    assert_eq!(receiver.heard().len(), 5);
    push_fault(&bench, "replay");
    bench.create().await;
    bench.simulator.told().await;
    let heard = receiver.heard();
    assert!(heard.len() == 7 && heard[6].1 == heard[0].1, "an old one beside the new one");
}

#[tokio::test]
async fn a_reordered_notice_follows_the_next_one() {
    let (bench, receiver, _, _) = listening(quiet(), &["payment.request.*"]).await;
    let id = bench.create().await;
    bench.simulator.told().await;
    push_fault(&bench, "reorder:payment.request.state-change.in-progress");
    bench.simulator.shopper(&id, ShopperAction::Approve).expect("pays");
    bench.simulator.told().await;
    let order = ["request.submitted", "request.pending-confirmation", "request.in-progress"];
    assert_eq!(receiver.events(), order);
    push_fault(&bench, "reorder");
    bench.create().await;
    bench.simulator.told().await;
    assert_eq!(receiver.heard().len(), 3, "nothing follows");
    bench.simulator.advance_clock(Duration::from_secs(60));
    bench.simulator.told().await;
    assert_eq!(receiver.heard().len(), 4);
}

#[tokio::test]
async fn a_storm_is_as_strong_and_as_long_as_asked() {
    let (bench, receiver, _, [_, key]) = listening(quiet(), &["payment.request.*"]).await;
    let storm = json!({"per_second": 20, "seconds": 3});
    bench.simulator.storm(Some(Storm::from_json(&storm).expect("a storm")));
    for (seconds, count) in [(1, 20), (1, 40), (60, 60), (60, 60)] {
        bench.simulator.advance_clock(Duration::from_secs(seconds));
        bench.simulator.told().await;
        assert_eq!(receiver.heard().len(), count);
    }
    assert!(receiver.heard().iter().all(|heard| is_signed_with(heard, &key)));
}

#[tokio::test]
async fn a_signature_can_be_base64() {
    let options = Options { signature_encoding: SignatureEncoding::Base64, ..quiet() };
    let (bench, receiver, _, [_, key]) = listening(options, &["payment.request.*"]).await;
    bench.create().await;
    bench.simulator.told().await;
    let (headers, body) = &receiver.heard()[0];
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(&headers["klarna-signature"]);
    let bytes = bytes.expect("base64");
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, hex_of(&key, body));
}

#[tokio::test]
async fn a_receivers_certificate_is_checked() {
    let receiver = Bench::start().await;
    for (notices_ca, last) in
        [(Some(receiver.simulator.ca_pem().to_owned()), "401"), (None, "no connection")]
    {
        let bench = Bench::with(Options { notices_ca, ..quiet() }).await;
        let key = new_key(&bench).await;
        let url = format!("{}/notices", receiver.simulator.api_url());
        let hook = bench.post(HOOKS, &webhook(&url, &["payment.*"], &key[0])).await;
        assert_eq!(hook.status, 201, "{}", hook.text);
        bench.create().await;
        bench.simulator.told().await;
        assert_eq!(newest(&bench).last.as_deref(), Some(last));
    }
}

#[tokio::test]
async fn credentials_work_until_they_are_deleted() {
    let bench = Bench::with(quiet()).await;
    let body = json!({"type": "API_KEY", "description": "relay"});
    let made = bench.post(CREDENTIALS, &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (id, key) = (text(&made.json(), "credential_id"), text(&made.json(), "api_key"));
    let list = bench.get(CREDENTIALS).await;
    assert_eq!(list.json()["credentials"].as_array().map(Vec::len), Some(2));
    assert!(!list.text.contains(&key));
    let with = |key: &str, method: &str, path: &str| {
        let url = format!("{}{path}", bench.simulator.api_url());
        let method: Method = method.parse().expect("a method");
        let call =
            bench.client.request(method, url).header("authorization", format!("Basic {key}"));
        call.header("user-agent", "t").header("klarna-integration-metadata", TAG)
    };
    assert_eq!(got(with(&key, "GET", CREDENTIALS)).await.status, 200);
    let path = format!("{CREDENTIALS}/{id}");
    assert_eq!(got(with(&key, "DELETE", &path)).await.status, 204);
    assert_eq!(got(with(&key, "GET", CREDENTIALS)).await.status, 401);
    let mistakes = bench.simulator.mistakes();
    assert!(mistakes.iter().any(|mistake| mistake.text.contains("deleted with itself")));
    let wrong = bench.post(CREDENTIALS, &json!({"type": "CLIENT_ID"})).await;
    assert_eq!((wrong.status, wrong.parameters()), (400, vec!["type".to_owned()]));
    assert_eq!(got(bench.bare("DELETE", &path)).await.status, 404);
}

#[tokio::test]
async fn managing_has_a_quota_of_its_own() {
    let bench = Bench::with(Options { partner_per_second: 2, ..quiet() }).await;
    let statuses = [bench.get(KEYS).await, bench.get(HOOKS).await, bench.get(KEYS).await];
    assert_eq!(statuses.each_ref().map(|got| got.status), [200, 200, 429]);
    let limit = statuses[2].headers["x-ratelimit-limit"].to_str().expect("text");
    assert!(limit.contains("account_partner-management"), "{limit}");
    assert_eq!(bench.get("/v1/interoperability?currency=EUR").await.status, 200);
}

#[tokio::test]
async fn a_person_sees_and_disturbs_notices() {
    let (bench, receiver, _, _) = listening(quiet(), &["payment.request.*"]).await;
    let control = async |method: &str, path: &str, body: &str| {
        let method: Method = method.parse().expect("a method");
        let url = format!("{}{path}", bench.simulator.control_url());
        got(bench.client.request(method, url).body(body.to_owned())).await
    };
    assert_eq!(control("POST", "/push-faults", "duplicate=2").await.status, 200);
    assert_eq!(control("POST", "/push-faults", r#"{"fault":"lose"}"#).await.status, 200);
    assert_eq!(control("DELETE", "/push-faults", "").await.status, 200);
    bench.create().await;
    bench.simulator.told().await;
    assert_eq!(control("GET", "/deliveries", "").await.json()[0]["state"], "delivered");
    assert_eq!(control("GET", "/webhooks", "").await.json()[0]["enabled"], true);
    let page = control("GET", "/", "").await.text;
    assert!(page.contains("Deliveries") && page.contains("payment.request.state-change.submitted"));
    assert_eq!(control("POST", "/deliveries/1/replay", "").await.status, 200);
    bench.simulator.told().await;
    assert_eq!(receiver.heard().len(), 2);
    assert_eq!(control("POST", "/deliveries/9/replay", "").await.status, 404);
    assert_eq!(control("POST", "/push-faults", "explode").await.status, 400);
    assert_eq!(control("POST", "/storm", "{}").await.status, 400);
    assert_eq!(control("POST", "/storm", r#"{"per_second":1,"seconds":1}"#).await.status, 200);
    assert_eq!(control("DELETE", "/storm", "").await.status, 200);
}

#[tokio::test]
async fn what_is_set_up_looks_as_in_the_fixtures() {
    let bench = Bench::with(quiet()).await;
    let key = got(bare_post(&bench, KEYS)).await.json();
    check_json("signing-key-created", &key);
    check_json("signing-keys", &bench.get(KEYS).await.json());
    let id = text(&key, "signing_key_id");
    let order = webhook("https://relay.example/klarna", &["payment.request.*"], &id);
    let made = bench.post(HOOKS, &order).await.json();
    check_json("webhook", &made);
    check_json("webhooks", &bench.get(HOOKS).await.json());
    let body = json!({"type": "API_KEY", "description": "relay"});
    check_json("credential-created", &bench.post(CREDENTIALS, &body).await.json());
    let first = bench.get(CREDENTIALS).await.json()["credentials"].clone();
    let ours = first.as_array().into_iter().flatten().find(|row| row["description"] == "relay");
    check_json("credentials", &json!({ "credentials": [ours] }));
}
