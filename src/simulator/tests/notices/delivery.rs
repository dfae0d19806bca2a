//! What is told, how it is signed, and what is tried again.

use super::*;
use crate::simulator::SignatureEncoding;
use crate::simulator::tests::fixtures::check_json;

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
    assert_eq!(hex, signature(&key, body));
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
