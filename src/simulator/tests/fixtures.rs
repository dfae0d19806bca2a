//! The JSON fixtures that the client is tested with have the shape of what the simulator sends.
//!
//! They are all that the two share; a fixture that drifts from the simulator is found here.

use super::*;

const REQUESTS: &str = "/v1/accounts/{a}/payment/requests";

/// Field names with what is below them; fields of a later release left out.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(name, _)| !name.starts_with("later_release"))
            .map(|(name, value)| (name.clone(), shape(value)))
            .collect(),
        Value::Array(rows) => rows.first().map_or(json!([]), |row| json!([shape(row)])),
        Value::Null => "null".into(),
        Value::Bool(_) => "bool".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "string".into(),
    }
}

fn check(name: &str, answer: &Got) {
    check_json(name, &answer.json());
}

pub(super) fn check_json(name: &str, sent: &Value) {
    let file = format!("{}/tests/fixtures/klarna/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let fixture = std::fs::read_to_string(&file).expect("the fixture exists");
    let fixture: Value = serde_json::from_str(&fixture).expect("the fixture is JSON");
    assert_eq!(shape(sent), shape(&fixture), "{name}");
}

#[tokio::test]
async fn requests() {
    let bench = Bench::start().await;
    check("request-submitted", &bench.post(REQUESTS, &order()).await);
    let (id, token) = bench.agreed().await;
    check("request-pending-confirmation", &bench.read(&id).await);
    let body = json!({"currency": "EUR", "payment_amount": 1000});
    check("request-authorized", &bench.post(&confirm_path(&token), &body).await);
    let id = bench.create().await;
    check("request-canceled", &got(bench.bare("DELETE", &request_path(&id))).await);
    let id = bench.create().await;
    bench.simulator.shopper(&id, ShopperAction::Open).expect("open");
    check("request-in-progress", &bench.read(&id).await);
    bench.simulator.shopper(&id, ShopperAction::Decline).expect("decline");
    check("request-declined", &bench.read(&id).await);
}

#[tokio::test]
async fn transactions() {
    let bench = Bench::start().await;
    let id = bench.authorized().await;
    check("capture", &bench.capture(&id, 600, "C1").await);
    check("refund", &bench.refund(&id, 100, "R1").await);
    check("transaction", &bench.get(&transaction_path(&id, "")).await);
}

#[tokio::test]
async fn availability_and_errors() {
    let bench = Bench::start().await;
    check("interoperability", &bench.get("/v1/interoperability?currency=EUR").await);
    let path = "/v1/accounts/{a}/payment/messaging/payment-descriptors";
    let path = format!("{path}?locale=de-DE&payment_amount=1000");
    check("payment-descriptors", &bench.get(&path).await);
    check("error-validation", &bench.post(REQUESTS, &json!({})).await);
    check("error-resource-not-found", &bench.get(&request_path("x")).await);
    check("error-not-found", &bench.get("/v1/nothing").await);
}
