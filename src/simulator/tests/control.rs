//! The control API as a person with curl uses it, and the shopper's pages on both ports.

use super::*;

async fn control(bench: &Bench, method: &str, path: &str, body: &str) -> Got {
    let method: Method = method.parse().expect("a method");
    let url = format!("{}{path}", bench.simulator.control_url());
    got(bench.client.request(method, url).body(body.to_owned())).await
}

#[tokio::test]
async fn a_person_sees_everything() {
    let bench = Bench::start().await;
    bench.authorized().await;
    let ledger = control(&bench, "GET", "/ledger", "").await.json();
    assert_eq!(
        (&ledger[0]["authorized"], &ledger[0]["state"]),
        (&json!(1000), &json!("AUTHORIZED"))
    );
    let requests = control(&bench, "GET", "/requests", "").await.json();
    assert_eq!(requests[0]["merchant_reference"], "R-000123");
    assert_eq!(control(&bench, "GET", "/calls", "").await.json()[0]["status"], 201);
    assert_eq!(control(&bench, "GET", "/mistakes", "").await.json(), json!([]));
    let index = control(&bench, "GET", "/", "").await.text;
    assert!(index.contains("R-000123") && index.contains("/shopper/latest/approve"));
}

#[tokio::test]
async fn a_person_plays_the_shopper() {
    let bench = Bench::start().await;
    let none = control(&bench, "POST", "/shopper/latest/open", "").await;
    assert_eq!(none.status, 404);
    let id = bench.create().await;
    let uuid = id.rsplit(':').next().expect("a UUID");
    for (who, action, state) in [
        ("latest", "open", "IN_PROGRESS"),
        (uuid, "decline", "SUBMITTED"),
        (id.as_str(), "approve", "PENDING_CONFIRMATION"),
    ] {
        let answer = control(&bench, "POST", &format!("/shopper/{who}/{action}"), "").await;
        assert_eq!((answer.status, answer.state()), (200, state.to_owned()));
        assert_eq!(answer.json()["id"], id.as_str());
    }
    got(bench.bare("DELETE", &request_path(&id))).await;
    let late = control(&bench, "POST", "/shopper/latest/open", "").await;
    assert_eq!(late.status, 409);
    assert!(text(&late.json(), "error").contains("CANCELED"));
    assert_eq!(control(&bench, "POST", "/shopper/latest/dance", "").await.status, 400);
}

#[tokio::test]
async fn a_person_breaks_things() {
    let bench = Bench::start().await;
    for body in ["status=500:create:1", r#"{"fault":"status=503","route":"create"}"#] {
        let answer = control(&bench, "POST", "/faults", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let path = "/v1/accounts/{a}/payment/requests";
    assert_eq!(bench.post(path, &order()).await.status, 500);
    assert_eq!(control(&bench, "DELETE", "/faults", "").await.status, 200);
    assert_eq!(bench.post(path, &order()).await.status, 201);
    let before = bench.simulator.now();
    control(&bench, "POST", "/clock/advance", r#"{"seconds":172800}"#).await;
    assert!(bench.simulator.now() >= before + Duration::from_secs(172_800));
    assert_eq!(bench.simulator.requests()[0].state, "EXPIRED");
    control(&bench, "POST", "/offline", r#"{"offline":true}"#).await;
    bench.bare("GET", "/").send().await.expect_err("offline");
    control(&bench, "POST", "/offline", r#"{"offline":false}"#).await;
    control(&bench, "POST", "/availability", r#"{"availability":"unknown"}"#).await;
    control(&bench, "POST", "/delay", r#"{"ms":1}"#).await;
    let status = bench.get("/v1/interoperability?currency=EUR").await.json();
    assert_eq!(status["status"], "PAYMENT_SOMETHING_NEW");
}

#[tokio::test]
async fn a_person_is_told_what_is_wrong() {
    let bench = Bench::start().await;
    for (method, path, body, status) in [
        ("POST", "/faults", "explode", 400),
        ("POST", "/faults", "{", 400),
        ("POST", "/clock/advance", "{\"seconds\":-1}", 400),
        ("POST", "/offline", "yes", 400),
        ("POST", "/delay", "{}", 400),
        ("POST", "/availability", "{}", 400),
        ("GET", "/nowhere", "", 404),
        ("GET", "/offline", "", 405),
    ] {
        let answer = control(&bench, method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(!text(&answer.json(), "error").is_empty());
    }
}

#[tokio::test]
async fn the_phone_pays() {
    let bench = Bench::start().await;
    let id = bench.create().await;
    let url = bench.simulator.requests()[0].url.clone();
    let page = got(bench.client.get(&url)).await;
    assert_eq!(page.status, 200);
    for part in
        ["<title>Klarna simulator</title>", "10.00 EUR", "R-000123", "2 × Goods", "−2.00 EUR"]
    {
        assert!(page.text.contains(part), "{part}");
    }
    assert_eq!(bench.read(&id).await.state(), "IN_PROGRESS");
    let press = |action: &str| bench.client.post(url.replace("start", &format!("do/{action}")));
    let declined = got(press("decline")).await;
    assert!(declined.status == 200 && declined.text.contains("Not completed"));
    assert_eq!(bench.read(&id).await.state(), "SUBMITTED");
    assert!(got(press("close")).await.text.contains("Try again"));
    assert!(got(press("pay")).await.text.contains("look at the till"));
    let json = bench.read(&id).await.json();
    let token = text(&json["state_context"], "payment_confirmation_token");
    assert!(got(bench.client.get(&url)).await.text.contains("look at the till"));
    let body = json!({"currency": "EUR", "payment_amount": 1000});
    assert_eq!(bench.post(&confirm_path(&token), &body).await.status, 200);
    assert!(got(bench.client.get(&url)).await.text.contains("confirmed your payment"));
    assert_eq!(got(press("dance")).await.status, 404);
    bench.check_mistakes(&[]);
}

#[tokio::test]
async fn the_desk_pays_and_sees_the_end() {
    let bench = Bench::start().await;
    assert_eq!(control(&bench, "GET", "/pay/latest", "").await.status, 404);
    let id = bench.create().await;
    assert!(control(&bench, "GET", "/pay/latest", "").await.text.contains("10.00 EUR"));
    got(bench.bare("DELETE", &request_path(&id))).await;
    assert!(control(&bench, "GET", "/pay/latest", "").await.text.contains("Cancelled"));
    bench.create().await;
    bench.simulator.advance_clock(Duration::from_secs(48 * 3600));
    assert!(control(&bench, "GET", "/pay/latest", "").await.text.contains("Time is up"));
}

#[tokio::test]
async fn pages_escape_everything() {
    let bench = Bench::start().await;
    let mut body = order();
    body["merchant_reference"] = json!("\"A\" & 'B' < C >");
    bench.post("/v1/accounts/{a}/payment/requests", &body).await;
    let page = control(&bench, "GET", "/pay/latest", "").await.text;
    assert!(page.contains("&quot;A&quot; &amp; &#39;B&#39; &lt; C &gt;"), "{page}");
}

#[tokio::test]
async fn the_authority_outlives_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = || Options {
        tls_dir: Some(directory.path().join("tls")),
        public_host: "192.0.2.7".to_owned(),
        ..still()
    };
    let first = Bench::with(options()).await;
    first.create().await;
    assert!(first.simulator.requests()[0].url.starts_with("https://192.0.2.7:"));
    let trusted = first.simulator.ca_pem().to_owned();
    first.simulator.shutdown().await;
    let second = Bench::with(options()).await;
    assert_eq!(second.simulator.ca_pem(), trusted);
    second.create().await;
}

#[tokio::test]
async fn shutdown_closes_both_ports() {
    let bench = Bench::start().await;
    let urls = [bench.simulator.control_url(), bench.simulator.api_url()];
    assert_eq!(bench.get("/").await.status, 404);
    bench.simulator.shutdown().await;
    for url in urls {
        bench.client.get(url).send().await.expect_err("closed");
    }
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_it() {
    let bench = Bench::start().await;
    let taken = bench.simulator.control_url().replace("http://", "");
    let options = Options { control: taken.parse().expect("an address"), ..still() };
    let error = Simulator::start(options).await.expect_err("taken");
    assert!(error.to_string().contains(&taken), "{error}");
}
