//! The arithmetic of captures, refunds and voids, and that no key has its effect twice.

use super::*;

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn one_capture_and_refunds_of_the_transaction() {
    let bench = Bench::start().await;
    let id = bench.authorized().await;
    assert_eq!(bench.refund(&id, 1, "R0").await.code(), "OPERATION_FORBIDDEN");
    let captured = bench.capture(&id, 1000, "C1").await;
    assert_eq!(captured.status, 201);
    assert_eq!(captured.json()["capture_amount"], 1000);
    assert_eq!(bench.ledger().state, "COMPLETED");
    assert_eq!(bench.refund(&id, 1001, "R1").await.status, 403);
    assert_eq!(bench.refund(&id, 600, "R1").await.status, 201);
    assert_eq!(bench.refund(&id, 401, "R2").await.status, 403);
    let last = bench.refund(&id, 400, "R2").await;
    let ledger = bench.ledger();
    assert_eq!((ledger.captured(), ledger.refunded(), ledger.voided), (1000, 1000, false));
    assert_eq!(ledger.refunds[1].reference.as_deref(), Some("R2"));
    let refund = text(&last.json(), "payment_refund_id");
    let read = bench.get(&format!("/v1/accounts/{{a}}/payment/refunds/{refund}")).await;
    assert_eq!((read.status, &read.json()["refund_amount"]), (200, &json!(400)));
    bench.check_mistakes(&[]);
}

#[tokio::test]
async fn several_captures_are_refunded_one_by_one() {
    let bench = Bench::start().await;
    let id = bench.authorized().await;
    assert_eq!(bench.capture(&id, 1001, "C0").await.code(), "OPERATION_FORBIDDEN");
    bench.capture(&id, 300, "C1").await;
    assert_eq!(bench.ledger().state, "AUTHORIZED");
    assert_eq!(bench.capture(&id, 701, "C0").await.status, 403);
    let second = text(&bench.capture(&id, 500, "C2").await.json(), "payment_capture_id");
    assert_eq!(bench.refund(&id, 1, "R1").await.code(), "OPERATION_FORBIDDEN");
    let path = format!("/v1/accounts/{{a}}/payment/captures/{second}");
    let body = json!({"refund_amount": 501, "refund_reference": "R1"});
    assert_eq!(bench.post(&format!("{path}/refund"), &body).await.status, 403);
    let body = json!({"refund_amount": 500, "refund_reference": "R1"});
    assert_eq!(bench.post(&format!("{path}/refund"), &body).await.status, 201);
    assert_eq!(bench.get(&path).await.json()["refunded_amount"], 500);
    assert_eq!(bench.post(&transaction_path(&id, "/void"), &json!({})).await.status, 200);
    let ledger = bench.ledger();
    assert_eq!((ledger.state.as_str(), ledger.captured(), ledger.voided), ("COMPLETED", 800, true));
    assert_eq!(ledger.refunds[0].capture_id, second);
    assert_eq!(bench.capture(&id, 1, "C3").await.status, 403);
    assert_eq!(bench.get(&format!("{path}9")).await.code(), "RESOURCE_NOT_FOUND");
}

#[tokio::test]
async fn void_without_a_capture_closes() {
    let bench = Bench::start().await;
    let id = bench.authorized().await;
    let key = bench.new_key();
    let path = transaction_path(&id, "/void");
    let without_body = bench.bare("POST", &path).header("klarna-idempotency-key", key);
    assert_eq!(got(without_body).await.state(), "CLOSED");
    assert_eq!(bench.post(&path, &json!({})).await.code(), "OPERATION_FORBIDDEN");
    assert_eq!(bench.capture(&id, 1, "C1").await.status, 403);
    assert!(bench.ledger().voided);
}

#[tokio::test]
async fn an_authorisation_lives_for_28_days() {
    let bench = Bench::start().await;
    let id = bench.authorized().await;
    bench.simulator.advance_clock(DAY * 28);
    assert_eq!(bench.capture(&id, 1000, "C1").await.code(), "OPERATION_FORBIDDEN");
    assert_eq!(bench.ledger().state, "EXPIRED");
    bench.simulator.advance_clock(DAY * 7);
    assert_eq!(bench.ledger().state, "CLOSED");
}

#[tokio::test]
async fn what_was_captured_in_time_can_be_refunded_for_three_years() {
    let bench = Bench::start().await;
    let id = bench.authorized().await;
    bench.capture(&id, 100, "C1").await;
    bench.simulator.advance_clock(DAY * 35);
    assert_eq!(bench.ledger().state, "COMPLETED");
    assert_eq!(bench.refund(&id, 60, "R1").await.status, 201);
    bench.simulator.advance_clock(DAY * 3 * 365);
    assert_eq!(bench.refund(&id, 40, "R2").await.status, 403);
}

#[tokio::test]
async fn references_can_be_changed_until_the_end() {
    let bench = Bench::start().await;
    let id = bench.authorized().await;
    let body = json!({"merchant_reference": "R-9"});
    assert_eq!(bench.send("PATCH", &transaction_path(&id, ""), &body).await.status, 200);
    assert_eq!(bench.ledger().merchant_reference.as_deref(), Some("R-9"));
    let json = bench.get(&transaction_path(&id, "")).await.json();
    assert_eq!(
        (&json["payment_amount"], &json["merchant_reference"]),
        (&json!(1000), &json!("R-9"))
    );
    bench.capture(&id, 1000, "C1").await;
    assert_eq!(bench.send("PATCH", &transaction_path(&id, ""), &body).await.status, 403);
}

#[tokio::test]
async fn two_hundred_captures_are_the_limit() {
    let options = Options { captures_per_second: 1000, ..still() };
    let bench = Bench::with(options).await;
    let id = bench.authorized().await;
    for number in 0..200 {
        assert_eq!(bench.capture(&id, 1, &format!("C{number}")).await.status, 201);
    }
    assert_eq!(bench.capture(&id, 1, "C200").await.code(), "OPERATION_FORBIDDEN");
    assert_eq!(bench.ledger().captured(), 200);
}

#[tokio::test]
async fn a_key_has_its_effect_once() {
    let bench = Bench::start().await;
    let id = bench.authorized().await;
    let (key, path) = (bench.new_key(), transaction_path(&id, "/capture"));
    let body = json!({"capture_amount": 400, "capture_reference": "C1"});
    let first = bench.send_as(&key, "POST", &path, &body).await;
    let again = bench.send_as(&key, "POST", &path, &body).await;
    assert_eq!((first.status, &first.text), (again.status, &again.text));
    let other = json!({"capture_amount": 500, "capture_reference": "C2"});
    assert_eq!(bench.send_as(&key, "POST", &path, &other).await.text, first.text);
    let elsewhere = transaction_path(&id, "/refund");
    assert_eq!(bench.send_as(&key, "POST", &elsewhere, &body).await.text, first.text);
    assert_eq!(bench.ledger().captured(), 400);
    bench.check_mistakes(&["with another body", "for another path"]);
}

#[tokio::test]
async fn a_refusal_is_repeated_too() {
    let bench = Bench::start().await;
    let id = bench.authorized().await;
    let (key, path) = (bench.new_key(), transaction_path(&id, "/refund"));
    let body = json!({"refund_amount": 100, "refund_reference": "R1"});
    let first = bench.send_as(&key, "POST", &path, &body).await;
    assert_eq!(first.status, 403);
    bench.capture(&id, 1000, "C1").await;
    assert_eq!(bench.send_as(&key, "POST", &path, &body).await.text, first.text);
    assert_eq!(bench.ledger().refunded(), 0);
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day_and_then_the_effect_doubles() {
    let bench = Bench::start().await;
    let id = bench.authorized().await;
    let (key, path) = (bench.new_key(), transaction_path(&id, "/capture"));
    let body = json!({"capture_amount": 400, "capture_reference": "C1"});
    bench.send_as(&key, "POST", &path, &body).await;
    bench.simulator.advance_clock(DAY);
    assert_eq!(bench.send_as(&key, "POST", &path, &body).await.status, 201);
    assert_eq!(bench.ledger().captured(), 800);
    bench.check_mistakes(&["second capture with reference \"C1\": DOUBLED EFFECT"]);
}

#[tokio::test]
async fn the_same_reference_under_another_key_is_a_mistake() {
    let bench = Bench::start().await;
    let id = bench.authorized().await;
    bench.capture(&id, 1000, "C1").await;
    bench.capture(&id, 1000, "C1").await;
    bench.refund(&id, 10, "R1").await;
    bench.refund(&id, 10, "R1").await;
    bench.check_mistakes(&[
        "refused only by arithmetic",
        "second refund with reference \"R1\": DOUBLED",
    ]);
}
