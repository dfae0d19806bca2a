//! The life of a payment request: every state, every way from one to the next.

use super::*;
use crate::simulator::ShopperError;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn the_straight_way() {
    let bench = Bench::start().await;
    let id = bench.create().await;
    let submitted = bench.read(&id).await;
    assert_eq!(submitted.state(), "SUBMITTED");
    let uuid = id.rsplit(':').next().expect("a UUID");
    let url = text(&submitted.json()["state_context"]["distribution"], "url");
    assert!(url.starts_with("https://localhost:") && url.ends_with(&format!("{uuid}/start")));
    bench.simulator.shopper(&id, ShopperAction::Open).expect("open");
    let opened = bench.read(&id).await;
    assert_eq!(opened.state(), "IN_PROGRESS");
    assert_eq!(text(&opened.json(), "previous_state"), "SUBMITTED");
    bench.simulator.shopper(&id, ShopperAction::Approve).expect("approve");
    let pending = bench.read(&id).await;
    assert_eq!(pending.state(), "PENDING_CONFIRMATION");
    let token = text(&pending.json()["state_context"], "payment_confirmation_token");
    let body = json!({"currency": "EUR", "payment_amount": 1000});
    let first = bench.post(&confirm_path(&token), &body).await;
    assert_eq!((first.status, first.state().as_str()), (200, "AUTHORIZED"));
    let again = bench.post(&confirm_path(&token), &body).await;
    assert_eq!(
        again.json()["state_context"]["payment_transaction_id"],
        first.json()["state_context"]["payment_transaction_id"]
    );
    assert_eq!(bench.simulator.transactions().len(), 1);
    let cancel = got(bench.bare("DELETE", &request_path(&id))).await;
    assert_eq!((cancel.status, cancel.code().as_str()), (403, "OPERATION_FORBIDDEN"));
    assert!(matches!(
        bench.simulator.shopper(&id, ShopperAction::Open),
        Err(ShopperError::Ended(state)) if state == "AUTHORIZED"
    ));
    bench.check_mistakes(&[]);
}

#[tokio::test]
async fn times_are_written_with_nine_digits_and_follow_the_state() {
    let bench = Bench::start().await;
    let (id, _) = bench.agreed().await;
    let json = bench.read(&id).await.json();
    for name in ["created_at", "updated_at", "expires_at", "state_expires_at"] {
        let at = text(&json, name);
        assert_eq!((at.len(), at.find('.')), (30, Some(19)), "{name} = {at}");
    }
    assert_ne!(json["state_expires_at"], json["expires_at"]);
}

#[tokio::test]
async fn decline_and_close_lead_back() {
    let bench = Bench::start().await;
    let id = bench.create().await;
    for action in [ShopperAction::Decline, ShopperAction::Close] {
        bench.simulator.shopper(&id, ShopperAction::Open).expect("open");
        bench.simulator.shopper(&id, action).expect("leave");
        let json = bench.read(&id).await.json();
        assert_eq!(text(&json, "state"), "SUBMITTED");
        assert_eq!(text(&json, "previous_state"), "IN_PROGRESS");
        assert_eq!(text(&json, "state_reason"), "PURCHASE_FLOW_ABORTED");
    }
}

#[tokio::test]
async fn a_consent_can_be_taken_back_but_not_by_closing_the_page() {
    let bench = Bench::start().await;
    let (id, token) = bench.agreed().await;
    bench.simulator.shopper(&id, ShopperAction::Close).expect("close");
    assert_eq!(bench.read(&id).await.state(), "PENDING_CONFIRMATION");
    bench.simulator.shopper(&id, ShopperAction::Decline).expect("decline");
    assert_eq!(bench.read(&id).await.state(), "SUBMITTED");
    let body = json!({"currency": "EUR", "payment_amount": 1000});
    let late = bench.post(&confirm_path(&token), &body).await;
    assert_eq!((late.status, late.code().as_str()), (404, "RESOURCE_NOT_FOUND"));
}

#[tokio::test]
async fn a_token_lives_for_an_hour() {
    let bench = Bench::start().await;
    let (id, token) = bench.agreed().await;
    bench.simulator.advance_clock(HOUR);
    let json = bench.read(&id).await.json();
    assert_eq!(text(&json, "state"), "SUBMITTED");
    assert_eq!(text(&json, "previous_state"), "PENDING_CONFIRMATION");
    assert_eq!(text(&json, "state_reason"), "CONFIRMATION_TOKEN_EXPIRED");
    let body = json!({"currency": "EUR", "payment_amount": 1000});
    assert_eq!(bench.post(&confirm_path(&token), &body).await.code(), "RESOURCE_NOT_FOUND");
    assert!(bench.simulator.transactions().is_empty());
}

#[tokio::test]
async fn a_request_lives_for_two_days() {
    let bench = Bench::start().await;
    let id = bench.create().await;
    bench.simulator.advance_clock(HOUR * 48);
    assert_eq!(bench.read(&id).await.state(), "EXPIRED");
    assert!(bench.simulator.shopper(&id, ShopperAction::Open).is_err());
    assert_eq!(got(bench.bare("DELETE", &request_path(&id))).await.status, 403);
}

#[tokio::test]
async fn cancel_before_the_end_and_twice() {
    let bench = Bench::start().await;
    for action in [None, Some(ShopperAction::Open), Some(ShopperAction::Approve)] {
        let id = bench.create().await;
        if let Some(action) = action {
            bench.simulator.shopper(&id, action).expect("the shopper acts");
        }
        for _ in 0..2 {
            let cancel = got(bench.bare("DELETE", &request_path(&id))).await;
            assert_eq!((cancel.status, cancel.state().as_str()), (200, "CANCELED"));
        }
    }
}

#[tokio::test]
async fn confirm_after_cancel_is_a_mistake() {
    let bench = Bench::start().await;
    let (id, token) = bench.agreed().await;
    got(bench.bare("DELETE", &request_path(&id))).await;
    let body = json!({"currency": "EUR", "payment_amount": 1000});
    let late = bench.post(&confirm_path(&token), &body).await;
    assert_eq!((late.status, late.code().as_str()), (404, "RESOURCE_NOT_FOUND"));
    bench.check_mistakes(&["confirm for a request that has been cancelled"]);
}

#[tokio::test]
async fn confirm_must_agree_with_the_request() {
    let bench = Bench::start().await;
    let (_, token) = bench.agreed().await;
    for (body, field) in [
        (json!({"currency": "EUR", "payment_amount": 999}), "payment_amount"),
        (json!({"currency": "SEK", "payment_amount": 1000}), "currency"),
        (json!({"currency": "EUR"}), "payment_amount"),
        (json!({"payment_amount": 1000}), "currency"),
        (json!({"currency": "EUR", "payment_amount": 1000.0}), "payment_amount"),
    ] {
        let refused = bench.post(&confirm_path(&token), &body).await;
        assert_eq!((refused.status, refused.parameters()), (400, vec![field.to_owned()]));
    }
    assert!(bench.simulator.transactions().is_empty());
}

#[tokio::test]
async fn the_other_confirm_path_is_another_route() {
    let options =
        Options { confirm_path: crate::simulator::ConfirmPath::WithoutPayment, ..still() };
    let bench = Bench::with(options).await;
    let (_, token) = bench.agreed().await;
    let body = json!({"currency": "EUR", "payment_amount": 1000});
    let wrong = bench.post(&confirm_path(&token), &body).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (404, "NOT_FOUND"));
    let right = confirm_path(&token).replace("/payment/", "/");
    assert_eq!(bench.post(&right, &body).await.status, 200);
}

#[tokio::test]
async fn update_only_while_submitted() {
    let bench = Bench::start().await;
    let id = bench.create().await;
    let body = json!({"payment_amount": 900, "line_items":
        [{"name": "Goods", "quantity": 1, "total_amount": 900}]});
    assert_eq!(bench.send("PATCH", &request_path(&id), &body).await.status, 200);
    assert_eq!(bench.simulator.requests()[0].amount, 900);
    let wrong = json!({"payment_amount": 901});
    let refused = bench.send("PATCH", &request_path(&id), &wrong).await;
    assert_eq!(refused.parameters(), ["payment_amount"]);
    bench.simulator.shopper(&id, ShopperAction::Open).expect("open");
    let late = bench.send("PATCH", &request_path(&id), &body).await;
    assert_eq!((late.status, late.code().as_str()), (403, "OPERATION_FORBIDDEN"));
}

#[tokio::test]
async fn confirm_can_capture_at_once() {
    let bench = Bench::start().await;
    let (_, token) = bench.agreed().await;
    let body = json!({"currency": "EUR", "payment_amount": 1000, "config": {"capture": true},
        "payment_transaction_reference": "TX-1"});
    assert_eq!(bench.post(&confirm_path(&token), &body).await.status, 200);
    let ledger = bench.ledger();
    assert_eq!((ledger.captured(), ledger.state.as_str()), (1000, "COMPLETED"));
    assert_eq!(ledger.payment_reference.as_deref(), Some("TX-1"));
}

#[tokio::test]
async fn the_same_seed_gives_the_same_ids() {
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(Bench::start().await.create().await);
    }
    assert_eq!(ids[0], ids[1]);
}
