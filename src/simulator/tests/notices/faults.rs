//! What goes wrong with notices on demand, and storms of them.

use super::*;
use crate::simulator::Storm;

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
