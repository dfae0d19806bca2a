//! The rules that a call must follow: who calls, which route, which fields, how often.

use super::*;
use reqwest::header::HeaderMap;

const REQUESTS: &str = "/v1/accounts/{a}/payment/requests";

/// Creates with one field changed; the parameters that were refused.
async fn refused(bench: &Bench, change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut body = order();
    change(&mut body);
    let answer = bench.post(REQUESTS, &body).await;
    if answer.status == 201 {
        return Vec::new();
    }
    assert_eq!((answer.status, answer.code().as_str()), (400, "VALIDATION_ERROR"));
    assert_eq!(answer.json()["error_type"], "INPUT_ERROR");
    assert!(answer.json()["errors"][0]["error_message"].is_string());
    answer.parameters()
}

#[tokio::test]
async fn the_key_is_sent_raw_or_as_the_password_of_nobody() {
    let bench = Bench::start().await;
    let path = "/v1/interoperability?currency=EUR";
    let mut statuses = Vec::new();
    for sent in [
        "Basic klarna_test_api_simulator",
        "Basic OmtsYXJuYV90ZXN0X2FwaV9zaW11bGF0b3I=",
        "Basic a2xhcm5hX3Rlc3RfYXBpX3NpbXVsYXRvcg==",
        "Bearer klarna_test_api_simulator",
        "Basic klarna_test_api_simulator2",
        "klarna_test_api_simulator",
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", sent.parse().expect("a header"));
        statuses.push(got(bench.bare("GET", path).headers(headers)).await.status);
    }
    assert_eq!(statuses, [200, 200, 401, 401, 401, 401]);
    let url = format!("{}{path}", bench.simulator.api_url());
    let nobody = got(bench.client.get(url)).await;
    assert_eq!((nobody.status, nobody.code().as_str()), (401, "UNAUTHORIZED"));
}

#[tokio::test]
async fn what_is_not_in_the_table_does_not_exist() {
    let bench = Bench::start().await;
    for (method, path) in [
        ("GET", "/v1/payment/{a}/requests/x"),
        ("GET", "/v1/accounts/{a}payment/requests/x"),
        ("PUT", "/v1/accounts/{a}/payment/requests"),
        ("POST", "/v2/accounts/{a}/payment/requests"),
        ("GET", "/v1/accounts/{a}/payment/requests/"),
        ("GET", "/"),
    ] {
        let answer = got(bench.bare(method, path)).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "NOT_FOUND"), "{method} {path}");
        assert!(answer.json()["error_id"].is_string());
    }
    let unknown = bench.get(&request_path("krn:payment:eu1:request:x")).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (404, "RESOURCE_NOT_FOUND"));
    let unknown = bench.capture("krn:payment:eu1:transaction:x", 1, "C1").await;
    assert_eq!(unknown.code(), "RESOURCE_NOT_FOUND");
}

#[tokio::test]
async fn the_account_must_be_ours() {
    let bench = Bench::start().await;
    let path = REQUESTS.replace("{a}", "krn%3Apartner%3Aglobal%3Aaccount%3Atest%3ASIMULATOR");
    assert_eq!(bench.post(&path, &order()).await.status, 201);
    let other = bench.post(&path.replace("SIMULATOR", "OTHER"), &order()).await;
    assert_eq!((other.status, other.code().as_str()), (403, "OPERATION_FORBIDDEN"));
    let mut headers = HeaderMap::new();
    headers.insert("klarna-partner-account", "krn:other".parse().expect("a header"));
    let other = bench.bare("GET", "/v1/interoperability?currency=EUR").headers(headers);
    assert_eq!(got(other).await.status, 403);
}

#[tokio::test]
async fn the_body_must_be_json_and_said_to_be() {
    let bench = Bench::start().await;
    for (kind, body) in [
        ("text/plain", order().to_string()),
        ("application/json", "{\"currency\":".to_owned()),
        ("application/json", String::new()),
    ] {
        let key = bench.new_key();
        let call = bench.bare("POST", REQUESTS).header("klarna-idempotency-key", key);
        let answer = got(call.header("content-type", kind).body(body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "INVALID_CONTENT_TYPE"));
    }
    assert_eq!(bench.post(REQUESTS, &json!([1])).await.code(), "VALIDATION_ERROR");
}

#[tokio::test]
async fn sizes_are_bounded() {
    let bench = Bench::start().await;
    let mut body = order();
    body["customer"] = json!({"unknown_list": ["x".repeat(1024 * 1024)]});
    assert_eq!(bench.post(REQUESTS, &body).await.status, 413);
    let long =
        bench.bare("GET", "/v1/interoperability?currency=EUR").header("x-long", "x".repeat(6200));
    assert_eq!(got(long).await.status, 431);
    let mut many = bench.bare("GET", "/v1/interoperability?currency=EUR");
    for number in 0..5 {
        many = many.header(format!("x-long-{number}"), "x".repeat(5000));
    }
    assert_eq!(got(many).await.status, 431);
}

#[tokio::test]
async fn amounts_and_currencies() {
    let bench = Bench::start().await;
    for wrong in
        [json!(0), json!(-1), json!(1000.0), json!("1000"), json!(null), json!(2147483648_i64)]
    {
        assert_eq!(
            refused(&bench, |body| body["payment_amount"] = wrong).await,
            ["payment_amount"]
        );
    }
    for wrong in [json!("EURO"), json!("eur"), json!("JPY"), json!(978), json!("")] {
        assert_eq!(refused(&bench, |body| body["currency"] = wrong).await, ["currency"]);
    }
    for right in ["AUD", "CZK", "HUF", "SEK", "CHF"] {
        assert!(refused(&bench, |body| body["currency"] = json!(right)).await.is_empty());
    }
    let most = json!({"currency": "EUR", "payment_amount": 2147483647_i64,
        "config": {"redirect_url": "https://shop.example/"}});
    assert_eq!(bench.post(REQUESTS, &most).await.status, 201);
    let none = refused(&bench, |body| *body = json!({})).await;
    assert_eq!(none, ["currency", "payment_amount", "config", "config.redirect_url"]);
}

#[tokio::test]
async fn line_items_add_up() {
    let bench = Bench::start().await;
    let item = |index: usize, name: &str, value: Value| {
        let name = name.to_owned();
        move |body: &mut Value| body["line_items"][index][name] = value
    };
    assert_eq!(refused(&bench, item(0, "total_amount", json!(1199))).await, ["payment_amount"]);
    let path = "line_items[1].total_amount";
    assert_eq!(refused(&bench, item(1, "total_amount", json!(-200.5))).await, [path]);
    assert_eq!(refused(&bench, item(0, "quantity", json!(0))).await, ["line_items[0].quantity"]);
    assert_eq!(refused(&bench, item(0, "name", json!(""))).await, ["line_items[0].name"]);
    assert_eq!(
        refused(&bench, item(0, "unit_price", json!("6"))).await,
        ["line_items[0].unit_price"]
    );
    assert_eq!(refused(&bench, |body| body["line_items"] = json!([])).await, ["line_items"]);
    assert_eq!(refused(&bench, |body| body["line_items"] = json!({})).await, ["line_items"]);
    assert_eq!(refused(&bench, |body| body["line_items"] = json!([1])).await, ["line_items[0]"]);
}

#[tokio::test]
async fn texts_are_bounded_and_plain() {
    let bench = Bench::start().await;
    let wrong = ["", "a\tb", "a\nb", "a\u{2028}b", "<b>bold</b>", "</p>", "<!-- -->"];
    for text in wrong {
        let parameters = refused(&bench, |body| body["merchant_reference"] = json!(text)).await;
        assert_eq!(parameters, ["merchant_reference"], "{text:?}");
    }
    for (name, longest) in [("merchant_reference", 256), ("payment_reference", 255)] {
        let text = |length: usize| json!("å".repeat(length));
        assert!(refused(&bench, |body| body[name] = text(longest)).await.is_empty());
        assert_eq!(refused(&bench, |body| body[name] = text(longest + 1)).await, [name]);
    }
    assert!(
        refused(&bench, |body| body["merchant_reference"] = json!("3 < 4 & 5 > 2"))
            .await
            .is_empty()
    );
    let postal = json!({"address": {"postal_code": "12345678901"}});
    let parameters = refused(&bench, |body| body["customer"] = postal).await;
    assert_eq!(parameters, ["customer.address.postal_code"]);
}

#[tokio::test]
async fn config_and_unknown_fields() {
    let bench = Bench::start().await;
    let config = |value: Value| move |body: &mut Value| body["config"] = value;
    assert_eq!(refused(&bench, config(json!({}))).await, ["config.redirect_url"]);
    assert_eq!(refused(&bench, config(json!("x"))).await, ["config"]);
    let relative = json!({"redirect_url": "/done"});
    assert_eq!(refused(&bench, config(relative)).await, ["config.redirect_url"]);
    let unknown = |body: &mut Value| body["point_of_checkout"] = json!({"store_id": 7});
    assert!(refused(&bench, unknown).await.is_empty());
    bench.check_mistakes(&[]);
    let telling = "https://s.example/?t={klarna.payment_request.payment_confirmation_token}";
    assert!(refused(&bench, config(json!({"redirect_url": telling}))).await.is_empty());
    bench.check_mistakes(&["gives the confirmation token"]);
}

#[tokio::test]
async fn availability_is_answered_and_checked() {
    let bench = Bench::start().await;
    let path = "/v1/interoperability?currency=EUR&country=de&payment_amount=1000";
    let status = |answer: Got| text(&answer.json(), "status");
    assert_eq!(status(bench.get(path).await), "PAYMENT_SUPPORTED");
    bench.simulator.set_availability(crate::simulator::Availability::Unsupported);
    assert_eq!(status(bench.get(path).await), "PAYMENT_UNSUPPORTED");
    for (query, parameter) in [
        ("country=DE", "currency"),
        ("currency=EUR&country=DEU", "country"),
        ("currency=EUR&payment_amount=0", "payment_amount"),
        ("currency=EUR&payment_amount=1.0", "payment_amount"),
    ] {
        let answer = bench.get(&format!("/v1/interoperability?{query}")).await;
        assert_eq!((answer.status, answer.parameters()), (400, vec![parameter.to_owned()]));
    }
}

#[tokio::test]
async fn descriptors_are_answered_and_checked() {
    let bench = Bench::start().await;
    let path = "/v1/accounts/{a}/payment/messaging/payment-descriptors";
    let right = "locale=sv-SE&payment_amount=0&message_preference=KLARNA";
    let json = bench.get(&format!("{path}?{right}")).await.json();
    let nodes = &json["payment_descriptors"][0]["content"]["nodes"];
    assert_eq!(nodes[0]["name"], "PAYMENT_DESCRIPTOR");
    for (query, parameter) in [
        ("payment_amount=1", "locale"),
        ("locale=sv_SE&payment_amount=1", "locale"),
        ("locale=sv-SE", "payment_amount"),
        ("locale=sv-SE&payment_amount=1&currency=XXX", "currency"),
        ("locale=sv-SE&payment_amount=1&message_preference=ALL", "message_preference"),
    ] {
        let answer = bench.get(&format!("{path}?{query}")).await;
        assert_eq!((answer.status, answer.parameters()), (400, vec![parameter.to_owned()]));
    }
}

#[tokio::test]
async fn too_many_captures_a_second() {
    let bench = Bench::with(Options { captures_per_second: 1, ..still() }).await;
    let id = bench.authorized().await;
    let first = bench.capture(&id, 1, "C1").await;
    assert_eq!(
        (first.status, &first.headers["x-ratelimit-remaining"]),
        (201, &"0".parse().expect(""))
    );
    let key = bench.new_key();
    let body = json!({"capture_amount": 1, "capture_reference": "C2"});
    let path = transaction_path(&id, "/capture");
    let second = bench.send_as(&key, "POST", &path, &body).await;
    assert_eq!((second.status, second.code().as_str()), (429, "RATE_LIMITED"));
    assert_eq!(second.headers["x-ratelimit-reset"], "1");
    let limit = second.headers["x-ratelimit-limit"].to_str().expect("text");
    assert!(limit.starts_with("1, 1;w=1;name=\"account_payment-transaction-capture\","), "{limit}");
    bench.simulator.advance_clock(Duration::from_secs(1));
    assert_eq!(bench.send_as(&key, "POST", &path, &body).await.status, 201);
}

#[tokio::test]
async fn a_key_is_required_where_an_effect_could_double() {
    let bench = Bench::start().await;
    let id = bench.authorized().await;
    let refund = transaction_path(&id, "/refund");
    let capture = transaction_path(&id, "/capture");
    let void = transaction_path(&id, "/void");
    for path in [REQUESTS, &capture, &refund, &void] {
        let answer = got(bench.bare("POST", path).json(&order())).await;
        assert_eq!(
            (answer.status, answer.parameters()),
            (400, vec!["Klarna-Idempotency-Key".into()])
        );
    }
    bench.check_mistakes(&["Idempotency-Key is missing"; 4]);
    let (_, token) = bench.agreed().await;
    let body = json!({"currency": "EUR", "payment_amount": 1000});
    assert_eq!(got(bench.bare("POST", &confirm_path(&token)).json(&body)).await.status, 200);
    bench.check_mistakes(&["Idempotency-Key is missing"; 5]);
    let long = "k".repeat(256);
    assert_eq!(bench.send_as(&long, "POST", REQUESTS, &order()).await.status, 400);
    let version_4 = Uuid::new_v4().to_string();
    assert_eq!(bench.send_as(&version_4, "POST", REQUESTS, &order()).await.status, 201);
    assert!(bench.simulator.mistakes()[6].text.contains("not a UUID version 5"));
}

#[tokio::test]
async fn headers_are_watched_and_echoed() {
    let bench = Bench::start().await;
    let path = "/v1/interoperability?currency=EUR";
    let good = bench.get(path).await;
    assert_eq!(good.headers["partner-correlation-id"], "0123456789abcdef0123456789abcdef");
    assert!(good.headers.contains_key("klarna-correlation-id"));
    bench.check_mistakes(&[]);
    let url = format!("{}{path}", bench.simulator.api_url());
    got(bench.client.get(url).header("authorization", "Basic klarna_test_api_simulator")).await;
    bench.check_mistakes(&[
        "User-Agent",
        "Partner-Correlation-Id",
        "is missing",
        "Klarna-Partner-Account",
    ]);
    for (tag, problem) in [
        ("{", "is not JSON"),
        (r#"{"integrator":{"name":"Acme","session_reference":"1"}}"#, "needs a name"),
        (r#"{"integrator":{"name":"ACME"}}"#, "needs a session_reference"),
        (r#"{"integrator":{"name":"A","session_reference":"1"},"originators":7}"#, "originators"),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("klarna-integration-metadata", tag.parse().expect("a header"));
        got(bench.bare("GET", path).headers(headers)).await;
        let mistake = bench.simulator.mistakes().pop().expect("a mistake");
        assert!(mistake.text.contains(problem), "{mistake:?}");
        assert_eq!(mistake.route, "GET /v1/interoperability");
    }
}

#[tokio::test]
async fn impatience_is_watched() {
    let bench = Bench::start().await;
    let id = bench.create().await;
    bench.simulator.advance_clock(Duration::from_secs(1));
    for _ in 0..3 {
        bench.get(&request_path(&id)).await;
    }
    bench.check_mistakes(&["more than twice a second"]);
}

#[tokio::test]
async fn two_reads_at_once_are_watched() {
    let bench = Bench::start().await;
    let id = bench.create().await;
    bench.simulator.set_delay(Duration::from_millis(200));
    let path = request_path(&id);
    let (first, second) = tokio::join!(bench.get(&path), bench.get(&path));
    assert_eq!((first.status, second.status), (200, 200));
    bench.check_mistakes(&["at the same time"]);
}

#[tokio::test]
async fn calling_on_after_the_key_is_refused_is_watched() {
    let bench = Bench::start().await;
    let mut headers = HeaderMap::new();
    headers.insert("authorization", "Basic no".parse().expect("a header"));
    for _ in 0..12 {
        let call = bench.bare("GET", "/v1/interoperability?currency=EUR");
        assert_eq!(got(call.headers(headers.clone())).await.status, 401);
    }
    bench.check_mistakes(&["refused more than 10 times"]);
}

#[tokio::test]
async fn answers_hold_what_no_document_names() {
    let bench = Bench::start().await;
    let id = bench.create().await;
    let mut orders = std::collections::BTreeSet::new();
    for _ in 0..5 {
        let answer = bench.read(&id).await;
        assert!(answer.text.contains("later_release_"));
        let (state, created) = (answer.text.find("\"state\""), answer.text.find("\"created_at\""));
        orders.insert(state < created);
    }
    assert_eq!(orders.len(), 2, "the order of keys changes");
}

#[tokio::test]
async fn the_calls_are_listed() {
    let bench = Bench::start().await;
    bench.create().await;
    bench.get("/nowhere").await;
    let calls = bench.simulator.calls();
    let lines: Vec<_> = calls
        .iter()
        .map(|call| format!("{} {} {:?}", call.method, call.route, call.status))
        .collect();
    assert_eq!(
        lines,
        ["POST /v1/accounts/{a}/payment/requests Some(201)", "GET /nowhere Some(404)"]
    );
    assert!(calls[0].key.is_some() && calls[1].key.is_none());
}
