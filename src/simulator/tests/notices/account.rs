//! What an account is set up with: signing keys, webhooks and credentials.

use super::*;
use crate::simulator::tests::fixtures::check_json;

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
