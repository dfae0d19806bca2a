//! Every fault, as a client meets it, and what it leaves behind.

use super::*;
use crate::simulator::{Fault, FaultKind, RouteKind};

fn fault(text: &str) -> Fault {
    text.parse().expect("a fault")
}

/// A capture under a fault: the status, or `None` for a transport error, and what was captured.
async fn capture_under(bench: &Bench, text: &str) -> (Option<u16>, i64) {
    let id = bench.authorized().await;
    bench.simulator.fault(fault(text));
    let body = json!({"capture_amount": 1000, "capture_reference": "C1"});
    let call = bench.bare("POST", &transaction_path(&id, "/capture"));
    let call = call.header("klarna-idempotency-key", bench.new_key()).json(&body);
    let status = call.send().await.ok().map(|response| response.status().as_u16());
    (status, bench.ledger().captured())
}

#[tokio::test]
async fn faults_on_the_way_there_have_no_effect() {
    let bench = Bench::start().await;
    for (text, status) in [
        ("drop-before:capture", None),
        ("status=500:capture", Some(500)),
        ("status=503:capture", Some(503)),
        ("status-empty=502:capture", Some(502)),
        ("rate-limited:capture", Some(429)),
        ("forbidden:capture", Some(403)),
        ("unauthorized:capture", Some(401)),
        ("html=200:capture", Some(200)),
        ("html=502:capture", Some(502)),
    ] {
        assert_eq!(capture_under(&bench, text).await, (status, 0), "{text}");
    }
}

#[tokio::test]
async fn faults_on_the_way_back_have_an_effect() {
    let bench = Bench::start().await;
    for (text, status) in [
        ("drop-after:capture", None),
        ("status-after:capture", Some(500)),
        ("truncated:capture", Some(201)),
        ("delay=1:capture", Some(201)),
    ] {
        assert_eq!(capture_under(&bench, text).await, (status, 1000), "{text}");
    }
}

#[tokio::test]
async fn a_dropped_connection_is_a_transport_error_in_both_protocols() {
    let bench = Bench::start().await;
    for alpn in [&[b"h2".as_slice()], &[b"http/1.1".as_slice()]] {
        let client = client(&bench.simulator, alpn);
        let url = format!("{}/v1/interoperability?currency=EUR", bench.simulator.api_url());
        let send =
            || client.get(&url).header("authorization", "Basic klarna_test_api_simulator").send();
        let version = send().await.expect("an answer").version();
        let h2 = version == reqwest::Version::HTTP_2;
        assert_eq!(h2, alpn[0] == b"h2");
        for text in ["drop-before", "drop-after"] {
            bench.simulator.fault(fault(text));
            let error = send().await.expect_err("no answer");
            assert!(!error.is_status() && !error.is_timeout(), "{error:?}");
        }
        assert_eq!(send().await.expect("an answer again").status(), 200);
    }
    let dropped = bench.simulator.calls().iter().filter(|call| call.status.is_none()).count();
    assert_eq!(dropped, 4);
}

#[tokio::test]
async fn the_same_key_after_a_dropped_answer_gives_the_first_result() {
    let bench = Bench::start().await;
    let id = bench.authorized().await;
    let (key, path) = (bench.new_key(), transaction_path(&id, "/capture"));
    let body = json!({"capture_amount": 1000, "capture_reference": "C1"});
    bench.simulator.fault(fault("drop-after:capture:1"));
    let call = bench.bare("POST", &path).header("klarna-idempotency-key", &key).json(&body);
    call.send().await.expect_err("no answer");
    assert_eq!(bench.send_as(&key, "POST", &path, &body).await.status, 201);
    assert_eq!(bench.ledger().captured(), 1000);
    bench.check_mistakes(&[]);
}

#[tokio::test]
async fn a_server_error_is_not_kept_under_the_key() {
    let bench = Bench::start().await;
    let (key, path) = (bench.new_key(), "/v1/accounts/{a}/payment/requests");
    for (text, code) in
        [("status=500:create", "INTERNAL_ERROR"), ("status=503", "TEMPORARY_UNAVAILABLE")]
    {
        bench.simulator.fault(fault(text));
        assert_eq!(bench.send_as(&key, "POST", path, &order()).await.code(), code);
    }
    assert_eq!(bench.send_as(&key, "POST", path, &order()).await.status, 201);
}

#[tokio::test]
async fn a_slow_answer_comes_after_its_effect() {
    let bench = Bench::start().await;
    let id = bench.authorized().await;
    bench.simulator.fault(fault("delay=60000:capture"));
    let body = json!({"capture_amount": 1000});
    let call = bench.bare("POST", &transaction_path(&id, "/capture"));
    let call = call.header("klarna-idempotency-key", bench.new_key()).json(&body);
    bench.hang_up(call).await;
    assert_eq!(bench.ledger().captured(), 1000);
}

#[tokio::test]
async fn a_read_that_was_given_up_is_not_one_at_the_same_time() {
    let bench = Bench::start().await;
    let id = bench.create().await;
    bench.simulator.fault(fault("delay=60000:read"));
    bench.hang_up(bench.bare("GET", &request_path(&id))).await;
    bench.read(&id).await;
    bench.check_mistakes(&[]);
}

#[tokio::test]
async fn bodies_that_lie() {
    let bench = Bench::start().await;
    let id = bench.create().await;
    bench.simulator.fault(fault("wrong-id:read"));
    let json = bench.read(&id).await.json();
    assert_ne!(json["payment_request_id"], id.as_str());
    bench.simulator.fault(fault("wrong-currency:read"));
    assert_eq!(bench.read(&id).await.json()["payment_request"]["currency"], "SEK");
    bench.simulator.fault(fault("unknown-state:read"));
    assert_eq!(bench.read(&id).await.state(), "SOMETHING_NEW");
    bench.simulator.fault(fault("truncated:read"));
    let cut = bench.read(&id).await;
    assert!(cut.status == 200 && serde_json::from_str::<Value>(&cut.text).is_err());
    let whole = bench.read(&id).await;
    assert_eq!(
        (whole.state().as_str(), &whole.json()["payment_request_id"]),
        ("SUBMITTED", &json!(id))
    );
}

#[tokio::test]
async fn bare_answers_are_bare() {
    let bench = Bench::start().await;
    for text in ["forbidden", "status-empty=500"] {
        bench.simulator.fault(fault(text));
        assert_eq!(bench.get("/v1/interoperability?currency=EUR").await.text, "");
    }
    bench.simulator.fault(fault("html=200"));
    let html = bench.get("/v1/interoperability?currency=EUR").await;
    assert!(html.headers["content-type"].to_str().expect("text").starts_with("text/html"));
    bench.simulator.fault(fault("rate-limited"));
    let limited = bench.get("/v1/interoperability?currency=EUR").await;
    assert_eq!(
        (limited.status, &limited.headers["x-ratelimit-reset"]),
        (429, &"1".parse().expect(""))
    );
}

#[tokio::test]
async fn a_fault_waits_for_its_route_and_ends_after_its_count() {
    let bench = Bench::start().await;
    bench.simulator.fault(fault("status=500:read:2"));
    let id = bench.create().await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(bench.read(&id).await.status);
    }
    assert_eq!(statuses, [500, 500, 200]);
    bench.simulator.fault(fault("status=500:any:9"));
    bench.simulator.clear_faults();
    assert_eq!(bench.read(&id).await.status, 200);
}

#[tokio::test]
async fn offline_cuts_open_connections_and_refuses_new_ones() {
    let bench = Bench::start().await;
    let id = bench.create().await;
    bench.simulator.set_delay(Duration::from_secs(60));
    let call = bench.bare("GET", &request_path(&id)).send();
    let cut = async {
        while bench.simulator.calls().len() < 2 {
            tokio::task::yield_now().await;
        }
        bench.simulator.set_offline(true);
    };
    let (answer, ()) = tokio::join!(call, cut);
    assert!(!answer.expect_err("cut").is_timeout());
    bench.simulator.set_delay(Duration::ZERO);
    bench.bare("GET", &request_path(&id)).send().await.expect_err("offline");
    bench.simulator.set_offline(false);
    assert_eq!(bench.read(&id).await.status, 200);
    assert_eq!(bench.simulator.calls().len(), 3);
}

#[test]
fn faults_as_text_and_as_json() {
    let parsed = |kind, route, count| Fault { kind, route, count };
    assert_eq!(fault("drop-after:capture:2"), parsed(FaultKind::DropAfter, RouteKind::Capture, 2));
    assert_eq!(fault("wrong-id"), parsed(FaultKind::WrongId, RouteKind::Any, 1));
    let delay = FaultKind::Delay(Duration::from_millis(250));
    assert_eq!(fault("delay=250:refund"), parsed(delay, RouteKind::Refund, 1));
    let json = json!({"fault": "status=503", "route": "void", "count": 3});
    let status = FaultKind::Status5xx { status: 503, body: true };
    assert_eq!(Fault::from_json(&json), Ok(parsed(status, RouteKind::Void, 3)));
    for wrong in ["", "drop", "delay", "delay=x", "status=200", "drop-after=1", "html=99"] {
        assert!(wrong.parse::<Fault>().is_err(), "{wrong}");
    }
    for wrong in ["wrong-id:nowhere", "wrong-id:any:0", "wrong-id:any:1:1"] {
        assert!(wrong.parse::<Fault>().is_err(), "{wrong}");
    }
    assert!(Fault::from_json(&json!({"route": "void"})).is_err());
}
