//! Tests of the simulator over real HTTPS: a client that does everything right, and what happens
//! when it does not.
//!
//! No sleeps: what takes time is skipped with the simulator's clock.

mod control;
mod faults;
mod fixtures;
mod lifecycle;
mod money;
mod notices;
mod strict;

use super::{Mistake, Options, ShopperAction, Simulator, TransactionView};
use reqwest::{Client, Method, RequestBuilder};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use uuid::Uuid;

const ACCOUNT: &str = "krn:partner:global:account:test:SIMULATOR";
const TAG: &str = r#"{"integrator":{"name":"SIMULATOR_TEST","session_reference":"t-1"}}"#;

/// A simulator and a client that does everything right unless a test says otherwise.
struct Bench {
    simulator: Simulator,
    client: Client,
    keys: AtomicU32,
}

/// What came back.
#[derive(Debug)]
struct Got {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("the answer is JSON")
    }

    fn code(&self) -> String {
        self.json()["error_code"].as_str().unwrap_or_default().to_owned()
    }

    /// The fields that were refused.
    fn parameters(&self) -> Vec<String> {
        let json = self.json();
        let errors = json["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| text(error, "parameter")).collect()
    }

    fn state(&self) -> String {
        text(&self.json(), "state")
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

impl Bench {
    async fn start() -> Bench {
        Bench::with(still()).await
    }

    async fn with(options: Options) -> Bench {
        let simulator = Simulator::start(options).await.expect("the simulator starts");
        let client = client(&simulator, &[b"h2", b"http/1.1"]);
        Bench { simulator, client, keys: AtomicU32::new(0) }
    }

    fn new_key(&self) -> String {
        let count = self.keys.fetch_add(1, Ordering::Relaxed);
        Uuid::new_v5(&Uuid::NAMESPACE_URL, &count.to_be_bytes()).to_string()
    }

    /// A request with every header that belongs on it, but no key.
    fn bare(&self, method: &str, path: &str) -> RequestBuilder {
        let method: Method = method.parse().expect("a method");
        let path = path.replace("{a}", ACCOUNT);
        self.client
            .request(method, format!("{}{path}", self.simulator.api_url()))
            .header("authorization", "Basic klarna_test_api_simulator")
            .header("klarna-partner-account", ACCOUNT)
            .header("klarna-integration-metadata", TAG)
            .header("partner-correlation-id", "0123456789abcdef0123456789abcdef")
            .header("user-agent", "simulator-test/1")
    }

    async fn get(&self, path: &str) -> Got {
        got(self.bare("GET", path)).await
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Got {
        self.send_as(&self.new_key(), method, path, body).await
    }

    async fn post(&self, path: &str, body: &Value) -> Got {
        self.send("POST", path, body).await
    }

    async fn send_as(&self, key: &str, method: &str, path: &str, body: &Value) -> Got {
        got(self.bare(method, path).header("klarna-idempotency-key", key).json(body)).await
    }

    /// Creates the usual request; its id.
    async fn create(&self) -> String {
        let created = self.post("/v1/accounts/{a}/payment/requests", &order()).await;
        assert_eq!(created.status, 201, "{}", created.text);
        text(&created.json(), "payment_request_id")
    }

    async fn read(&self, id: &str) -> Got {
        self.simulator.advance_clock(Duration::from_secs(1));
        self.get(&request_path(id)).await
    }

    /// Creates and lets the shopper agree; id and token.
    async fn agreed(&self) -> (String, String) {
        let id = self.create().await;
        self.simulator.shopper(&id, ShopperAction::Approve).expect("the shopper can pay");
        let token =
            text(&self.read(&id).await.json()["state_context"], "payment_confirmation_token");
        (id, token)
    }

    /// Creates and confirms; the transaction's id.
    async fn authorized(&self) -> String {
        let (_, token) = self.agreed().await;
        let body = json!({"currency": "EUR", "payment_amount": 1000});
        let confirmed = self.post(&confirm_path(&token), &body).await;
        assert_eq!(confirmed.status, 200, "{}", confirmed.text);
        text(&confirmed.json()["state_context"], "payment_transaction_id")
    }

    async fn capture(&self, transaction: &str, amount: i64, reference: &str) -> Got {
        let body = json!({"capture_amount": amount, "capture_reference": reference});
        self.post(&transaction_path(transaction, "/capture"), &body).await
    }

    async fn refund(&self, transaction: &str, amount: i64, reference: &str) -> Got {
        let body = json!({"refund_amount": amount, "refund_reference": reference});
        self.post(&transaction_path(transaction, "/refund"), &body).await
    }

    fn ledger(&self) -> TransactionView {
        self.simulator.transactions().pop().expect("there is a transaction")
    }

    /// Sends a call and hangs up as soon as it has been processed, without waiting for the answer.
    async fn hang_up(&self, call: RequestBuilder) {
        let before = self.simulator.calls().len();
        let processed = async {
            while self.simulator.calls().len() == before {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            answer = call.send() => panic!("an answer came: {answer:?}"),
            () = processed => {}
        }
    }

    /// Fails unless the only mistakes are those that contain these texts, in this order.
    fn check_mistakes(&self, expected: &[&str]) {
        let mistakes: Vec<Mistake> = self.simulator.mistakes();
        let fits = mistakes.len() == expected.len()
            && mistakes.iter().zip(expected).all(|(mistake, text)| mistake.text.contains(text));
        assert!(fits, "expected {expected:?}, got {mistakes:#?}");
    }
}

/// Nothing happens by itself: time stands still, and the same ids come every time.
fn still() -> Options {
    Options { seed: Some(1), real_time: false, ..Options::default() }
}

fn client(simulator: &Simulator, alpn: &[&[u8]]) -> Client {
    let ca = CertificateDer::from_pem_slice(simulator.ca_pem().as_bytes()).expect("a certificate");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(ca).expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Client::builder().tls_backend_preconfigured(config).no_proxy().build().expect("a client")
}

async fn got(request: RequestBuilder) -> Got {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Got { status, headers, text: response.text().await.expect("a body") }
}

fn order() -> Value {
    json!({
        "currency": "EUR",
        "payment_amount": 1000,
        "payment_reference": "T1-20240527-000123",
        "merchant_reference": "R-000123",
        "config": {"redirect_url": "https://shop.example/done"},
        "line_items": [
            {"name": "Goods", "quantity": 2, "total_amount": 1200, "unit_price": 600},
            {"name": "Discount", "quantity": 1, "total_amount": -200},
        ],
    })
}

fn request_path(id: &str) -> String {
    format!("/v1/accounts/{{a}}/payment/requests/{}", id.replace(':', "%3A"))
}

fn confirm_path(token: &str) -> String {
    format!("/v1/accounts/{{a}}/payment/confirmation-tokens/{token}/confirm")
}

fn transaction_path(id: &str, operation: &str) -> String {
    format!("/v1/accounts/{{a}}/payment/transactions/{id}{operation}")
}
