//! Good and bad requests, and what each is answered.

use super::*;
use crate::payment::notice::Concern;
use crate::relay::admission::{Proxies, callers_test};
use axum::http::HeaderName;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use std::net::IpAddr;
use std::time::Duration;

#[tokio::test]
async fn a_notice_becomes_a_message_for_its_terminal_once() {
    let world = World::new();
    let relay = world.start().await;
    let mut klarna = Caller::new(relay.address()).await;
    let notice = approved("e1");
    assert_eq!(klarna.tell(&notice).await, "202 accepted");
    assert_eq!(klarna.tell(&notice).await, "202 doubled");
    relay.outbox().arrived().await;
    let parcels = relay.outbox().take(ParcelId::START, 10, now()).await.expect("readable");
    let [parcel] = parcels.as_slice() else { panic!("one message: {parcels:?}") };
    let message = &parcel.message;
    assert_eq!(message.whom.to_string(), "S12/T3");
    assert_eq!(message.request.as_ref().expect("one").as_str(), "krn:r:e1");
    assert_eq!(message.event.as_str(), "e1");
    assert!(parcel.expires_at > now(), "a message is of use for a while");
    let file = std::fs::read(&world.settings.database).expect("the file");
    let log = std::fs::read(world.folder.path().join("relay.sqlite-wal")).expect("its log");
    for bytes in [file, log] {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("sekret"), "a token was kept");
    }
    relay.stop().await;
}

#[tokio::test]
async fn a_notice_is_known_in_every_spelling_of_its_signature() {
    let world = World::new();
    let relay = world.start().await;
    let mut klarna = Caller::new(relay.address()).await;
    let (notice, key) = (approved("e1"), key("key-1"));
    let code = sign(&key, notice.as_bytes());
    let bytes: Vec<u8> = (0..code.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&code[at..at + 2], 16).expect("hexadecimal"))
        .collect();
    let base64 = format!("klarna-signature: {}\r\n", BASE64_URL_SAFE_NO_PAD.encode(bytes));
    assert_eq!(klarna.post(&base64, notice.as_bytes()).await.brief(), "202 accepted");
    let loud = format!("KLARNA-SIGNATURE: {}\r\n", code.to_uppercase());
    assert_eq!(klarna.post(&loud, notice.as_bytes()).await.brief(), "202 doubled");
    // What is signed is the text without whitespace, and it is sent with it.
    let value: serde_json::Value = serde_json::from_str(&notice).expect("JSON");
    let minified = value.to_string();
    let pretty = serde_json::to_string_pretty(&value).expect("JSON");
    let said = klarna.post(&headers(&key, &minified), pretty.as_bytes()).await;
    assert_eq!(said.brief(), "202 doubled");
    relay.stop().await;
}

#[tokio::test]
async fn what_is_not_klarnas_is_refused_without_a_word_more() {
    let world = World::new();
    let relay = world.start().await;
    let notice = approved("e1");
    let good = headers(&key("key-1"), &notice);
    let bytes = notice.as_bytes();
    let changed = notice.replace("T3", "T4");
    assert_eq!(
        Caller::new(relay.address()).await.post("", bytes).await.brief(),
        "400 forged",
        "unsigned"
    );
    let noise = "Klarna-Signature: %%%\r\n";
    assert_eq!(
        Caller::new(relay.address()).await.post(noise, bytes).await.brief(),
        "400 forged",
        "no signature"
    );
    assert_eq!(
        Caller::new(relay.address()).await.post(&good, changed.as_bytes()).await.brief(),
        "400 forged",
        "changed"
    );
    assert_eq!(
        Caller::new(relay.address()).await.post(&good, &bytes[..bytes.len() - 1]).await.brief(),
        "400 forged",
        "cut"
    );
    assert_eq!(
        Caller::new(relay.address()).await.post(&good, b"").await.brief(),
        "400 forged",
        "empty"
    );
    let other = SigningKey { secret: "guessed".into(), ..key("key-1") };
    let guessed = headers(&other, &notice);
    assert_eq!(
        Caller::new(relay.address()).await.post(&guessed, bytes).await.brief(),
        "400 forged",
        "another's key"
    );
    let twice = format!("{good}Klarna-Signature: {}\r\n", "0".repeat(64));
    assert_eq!(
        Caller::new(relay.address()).await.post(&twice, bytes).await.brief(),
        "400 forged",
        "two signatures"
    );
    assert_eq!(relay.metrics().counted(metrics::Outcome::Forged), 7);
    relay.stop().await;
    assert_eq!((world.count("seen"), world.count("outbox")), (0, 0));
}

#[tokio::test]
async fn what_is_klarnas_and_of_no_use_is_acknowledged() {
    let world = World::new();
    let relay = world.start().await;
    let mut klarna = Caller::new(relay.address()).await;
    let kind = "payment.request.updated";
    let payload = format!(r#"{{"payment_request_id":"krn:r","payment_reference":"{OURS}"}}"#);
    let old = Wall::from_millis(now().millis() - 100_000_000);
    assert_eq!(klarna.tell(&body_at("e1", kind, &payload, old)).await, "202 stale");
    let live = body("e2", kind, &payload).replace("false", "true");
    assert_eq!(klarna.tell(&live).await, "202 other_environment");
    assert_eq!(klarna.tell(r#"{"metadata":{}}"#).await, "202 unreadable");
    assert_eq!(klarna.tell(&body("e3", kind, "{}")).await, "202 unmapped");
    let hostile = payload.replace("S12-T3", "+-#");
    assert_eq!(klarna.tell(&body("e4", kind, &hostile)).await, "202 unmapped");
    assert_eq!(klarna.tell(&body("e5", "a.new.kind", &payload)).await, "202 unknown_type");
    assert_eq!(klarna.tell(&body("e6", "settlement.payout.failed", "{}")).await, "202 accepted");
    let taken = relay.outbox().take(ParcelId::START, 10, now()).await.expect("readable");
    let [payout] = &taken[..] else { panic!("{taken:?}") };
    assert_eq!(payout.message.whom, Whom::Everybody);
    assert_eq!(payout.message.notice().map(|notice| notice.concern), Some(Concern::Settlement));
    let noted = relay.outbox().account_notices().await.expect("readable");
    let types: Vec<&str> = noted.iter().map(|notice| notice.event_type.as_str()).collect();
    assert_eq!(types, ["settlement.payout.failed"]);
    relay.stop().await;
}

#[tokio::test]
async fn a_dispute_weeks_later_finds_the_terminal_by_its_transaction() {
    let world = World::new();
    let relay = world.start().await;
    let mut klarna = Caller::new(relay.address()).await;
    let authorised = format!(r#"{{"payment_request_id":"krn:r","payment_reference":"{OURS}","#)
        + r#""payment_transaction_id":"krn:payment:eu1:transaction:6debe89e"}"#;
    let kind = "payment.request.state-change.authorized";
    assert_eq!(klarna.tell(&body("e1", kind, &authorised)).await, "202 accepted");
    let dispute =
        |id: &str| format!(r#"{{"payment_dispute_id":"krn:d","payment_transaction_id":"{id}"}}"#);
    let kind = "payment.dispute.state-change.initiated";
    let known = dispute("krn:payment:eu1:authorization:6debe89e");
    assert_eq!(klarna.tell(&body("e2", kind, &known)).await, "202 accepted");
    assert_eq!(klarna.tell(&body("e3", kind, &dispute("foreign"))).await, "202 unmapped");
    let taken = relay.outbox().take(ParcelId::START, 10, now()).await.expect("readable");
    let addresses: Vec<String> =
        taken.iter().map(|parcel| parcel.message.whom.to_string()).collect();
    assert_eq!(addresses, ["S12/T3", "S12/T3", "everybody"], "some terminal may know its own");
    let notices: Vec<_> = taken.iter().map(|parcel| parcel.message.notice()).collect();
    let [None, Some(dispute), Some(_)] = &notices[..] else { panic!("{notices:?}") };
    assert_eq!(dispute.concern, Concern::Dispute);
    assert_eq!(dispute.dispute.as_ref().map(|id| id.as_str()), Some("krn:d"));
    let noted = relay.outbox().account_notices().await.expect("readable");
    assert_eq!(noted[0].dispute.as_deref(), Some("krn:d"), "a person can still find it");
    relay.stop().await;
}

#[tokio::test]
async fn a_body_has_an_end() {
    let world = World::new();
    let relay = world.start().await;
    let huge = vec![b' '; 64 * 1024 + 1];
    let said = Caller::new(relay.address()).await.post("", &huge).await;
    assert_eq!(said.brief(), "413 too_large");
    assert!(said.head.contains("connection: close"), "{}", said.head);
    // One that does not say its length is counted.
    let mut caller = Caller::new(relay.address()).await;
    let head = format!("POST {PATH} HTTP/1.1\r\nHost: relay\r\nTransfer-Encoding: chunked\r\n\r\n");
    let chunk = [b"8000\r\n".as_slice(), &[b' '; 0x8000], b"\r\n"].concat();
    caller.say(&[head.as_bytes(), &chunk, &chunk, b"1\r\n \r\n"].concat()).await;
    assert_eq!(caller.hear().await.brief(), "413 too_large");
    assert_eq!(relay.metrics().counted(metrics::Outcome::TooLarge), 2);
    relay.stop().await;
}

#[tokio::test]
async fn who_does_not_come_to_an_end_is_not_waited_for() {
    let world = World::new();
    let relay = world.start().await;
    let mut slow = Caller::new(relay.address()).await;
    slow.begin("", 99).await;
    slow.say(b"{").await;
    let mut silent = Caller::new(relay.address()).await;
    silent.say(b"POST /klarna").await;
    // From here on time passes as soon as nobody has anything to do.
    tokio::time::pause();
    let said = slow.hear().await;
    assert_eq!(said.brief(), "408 too_slow");
    assert!(said.head.contains("connection: close"), "{}", said.head);
    let mut rest = Vec::new();
    silent.stream.read_to_end(&mut rest).await.expect("the end");
    assert!(!rest.starts_with(b"HTTP/1.1 2"), "{rest:?}");
    tokio::time::resume();
    relay.stop().await;
}

#[tokio::test]
async fn there_is_nothing_else_at_the_door() {
    let world = World::new();
    let relay = world.start().await;
    let caller = async || Caller::new(relay.address()).await;
    let said = caller().await.get(PATH).await;
    assert_eq!(said.brief(), "405 method");
    assert!(said.head.contains("allow: post"), "{}", said.head);
    assert!(said.head.contains("connection: close"), "nobody keeps a place by asking");
    for path in ["/", "/metrics", "/healthz", "/klarna/webhooks/", "/klarna/../klarna/webhooks"] {
        assert_eq!(caller().await.get(path).await.brief(), "404 not_found", "{path}");
    }
    assert_eq!(caller().await.tell(&approved("e1")).await, "202 accepted");
    assert_eq!(caller().await.get(&format!("{PATH}?a=b")).await.brief(), "405 method");
    let mut long = Caller::new(relay.address()).await;
    let many = "x: y\r\n".repeat(100);
    assert_eq!(long.post(&many, b"").await.status, 431);
    relay.stop().await;
}

#[tokio::test]
async fn those_who_operate_it_have_a_door_of_their_own() {
    let world = World::new();
    let relay = world.start().await;
    Caller::new(relay.address()).await.tell(&approved("e1")).await;
    let mut operator = Caller::new(relay.operations().expect("an address")).await;
    assert_eq!(operator.get("/healthz").await.brief(), "200 well");
    let metrics = operator.get("/metrics").await;
    assert!(metrics.head.contains("application/openmetrics-text; version=1.0.0"));
    for line in [
        "terminald_relay_requests_total{outcome=\"accepted\"} 1",
        "terminald_relay_notices_total{kind=\"request\"} 1",
        "terminald_relay_outbox_messages 1",
        "terminald_relay_durable_seconds_count 1",
        "# EOF",
    ] {
        assert!(metrics.body.lines().any(|found| found == line), "{line}\n{}", metrics.body);
    }
    assert_eq!(operator.post("", b"").await.brief(), "404 not_found");
    operator.path = "/metrics".to_owned();
    assert_eq!(operator.post("", b"").await.brief(), "405 method");
    relay.stop().await;
}

#[tokio::test]
async fn only_listed_addresses_may_call_and_a_proxy_says_which() {
    let mut world = World::new();
    let header = HeaderName::from_static("x-forwarded-for");
    let addresses = vec![IpAddr::from([127, 0, 0, 1])];
    world.settings.policy.proxies = Some(Proxies { addresses, header });
    world.settings.policy.callers = Some(callers_test());
    let relay = world.start().await;
    let proxy = async || Caller::new(relay.address()).await;
    let notice = approved("e1");
    let signed = headers(&key("key-1"), &notice);
    let from = |address: &str| format!("{signed}X-Forwarded-For: {address}\r\n");
    let stranger = from(&format!("{}, 192.0.2.1", callers_test()[0]));
    let said = proxy().await.post(&stranger, notice.as_bytes()).await;
    assert_eq!(said.brief(), "403 turned_by_address");
    assert_eq!(
        proxy().await.tell(&notice).await,
        "403 turned_by_address",
        "nobody says from where"
    );
    let klarna = from(&format!("192.0.2.1, {}", callers_test()[0]));
    assert_eq!(proxy().await.post(&klarna, notice.as_bytes()).await.brief(), "202 accepted");
    relay.stop().await;
}

#[tokio::test]
async fn whoever_is_not_listed_gets_no_place() {
    let mut world = World::new();
    world.settings.policy.callers = Some(callers_test());
    let relay = world.start().await;
    let mut stranger = Caller::new(relay.address()).await;
    let mut heard = Vec::new();
    // The connection ends or breaks, without a word.
    let _ = stranger.stream.read_to_end(&mut heard).await;
    assert!(heard.is_empty(), "{heard:?}");
    assert_eq!(relay.metrics().counted(metrics::Outcome::TurnedByAddress), 1);
    relay.stop().await;
}

#[tokio::test]
async fn klarna_is_spoken_to_over_tls_with_the_own_certificate() {
    let mut world = World::new();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
    let path = |name: &str| world.folder.path().join(name);
    let files = CertificateFiles { chain: path("chain.pem"), key: path("key.pem") };
    std::fs::write(&files.chain, made.cert.pem()).expect("written");
    std::fs::write(&files.key, made.signing_key.serialize_pem()).expect("written");
    world.settings.certificate = Some(files);
    let relay = world.start().await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(relay.address()).await.expect("a connection");
    let name = "localhost".try_into().expect("a name");
    let stream = tokio_rustls::TlsConnector::from(Arc::new(client)).connect(name, stream).await;
    let mut klarna = Caller { stream: stream.expect("a handshake"), path: PATH.to_owned() };
    assert_eq!(klarna.tell(&approved("e1")).await, "202 accepted");
    drop(klarna);
    relay.stop().await;
}

#[tokio::test]
async fn what_cannot_be_started_is_told() {
    let mut world = World::new();
    let relay = world.start().await;
    let told = |settings: Settings| async move {
        Relay::start(settings).await.expect_err("an error").to_string()
    };
    let second = told(world.settings.clone()).await;
    assert!(second.contains("in use by another relay"), "{second}");
    let taken = told(Settings { listen: relay.address(), ..world.settings.clone() }).await;
    assert!(taken.contains("cannot listen at 127.0.0.1"), "{taken}");
    world.settings.path = "hooks".to_owned();
    let path = told(world.settings.clone()).await;
    assert!(path.contains("does not begin with /"), "{path}");
    relay.stop().await;
    std::fs::write(&world.settings.keys, "{").expect("written");
    world.settings.path = PATH.to_owned();
    let keys = told(world.settings.clone()).await;
    assert!(keys.contains("no list of signing keys"), "{keys}");
}

/// Where a subscriber writes to, for a test to read.
#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("whole").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_log_at_trace_has_no_token_no_signature_and_no_flood() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let world = World::new();
    let relay = world.start().await;
    let mut klarna = Caller::new(relay.address()).await;
    let notice = approved("e1");
    assert_eq!(klarna.tell(&notice).await, "202 accepted");
    for number in 0..20 {
        let forged = format!("{}\r\n", headers(&key("key-1"), "x").trim_end());
        let mut stranger = Caller::new(relay.address()).await;
        assert_eq!(stranger.post(&forged, notice.as_bytes()).await.brief(), "400 forged");
        let shop = body(&format!("u{number}"), "payment.request.updated", "{}");
        assert_eq!(klarna.tell(&shop).await, "202 unmapped");
    }
    relay.stop().await;
    drop(guard);
    let text = String::from_utf8(log.0.lock().expect("whole").clone()).expect("text");
    assert!(text.contains("a notice came"), "{text}");
    for secret in ["sekret", "secret of", OURS, &sign(&key("key-1"), notice.as_bytes())] {
        assert!(!text.contains(secret), "{secret} is in the log:\n{text}");
    }
    let warned = text.lines().filter(|line| line.contains(" WARN ")).count();
    assert_eq!(warned, 5, "the first, second, fourth, eighth and sixteenth:\n{text}");
    let informed = text.lines().filter(|line| line.contains("unmapped") && line.contains(" INFO "));
    assert_eq!(informed.count(), 5, "{text}");
}

#[test]
fn an_event_is_remembered_for_as_long_as_its_notice_is_taken_in() {
    let mut world = World::new();
    let day = Duration::from_secs(86_400);
    assert_eq!(limits(&world.settings).seen_life, Duration::from_secs(30 * 3600));
    world.settings.policy.age_max = 14 * day;
    assert_eq!(limits(&world.settings).seen_life, 14 * day + admission::AHEAD_MAX);
}
