//! Metrics as a collector gets them: from the daemon over HTTP and in its file, and from a relay.
//!
//! What is read is read strictly; what is said to the port may be anything.

#[path = "metrics/strict.rs"]
mod strict;

use crate::cli::{check, text};
use crate::terminal::{PATIENCE, Program, Setting, Terminal, Wire, loopback};
use klarna_terminald::simulator::ShopperAction;
use klarna_terminald::store::Store;
use rusqlite::Connection;
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use strict::Exposition;

/// More than the endpoint has places for.
const MANY: usize = 100;

/// What came back: all of it, in whatever state the connection ended.
fn said(address: &str, bytes: &[u8]) -> String {
    let Ok(mut stream) = TcpStream::connect(address) else { return String::new() };
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    let mut answer = Vec::new();
    if stream.write_all(bytes).is_ok() {
        // Whoever says too much may find the connection reset after the answer.
        let _ = stream.read_to_end(&mut answer);
    }
    String::from_utf8(answer).expect("text")
}

/// Status line and headers in lower case, and the body.
fn get(address: &str, path: &str) -> (String, String) {
    let answer = said(address, format!("GET {path} HTTP/1.1\r\nHost: t\r\n\r\n").as_bytes());
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    (head.to_ascii_lowercase(), body.to_owned())
}

/// The metrics; nothing as long as there are none.
fn scraped(address: &str) -> Option<Exposition> {
    let (head, body) = get(address, "/metrics");
    if !head.starts_with("http/1.1 200 ") {
        return None;
    }
    let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert!(head.lines().any(|line| line == kind), "{head}");
    Some(Exposition::read(&body).unwrap_or_else(|why| panic!("{why}\n{body}")))
}

/// A terminal on whose port there are metrics.
async fn started(address: &str, settings: &[Setting<'_>]) -> Terminal {
    let listen = format!("{address:?}");
    let settings = [settings, &[("metrics.listen", listen.as_str())]].concat();
    let terminal = Terminal::binary(&settings).await;
    terminal.until("metrics can be asked for", || scraped(address).is_some()).await;
    terminal
}

/// Waits until a collector reads these.
async fn reads(terminal: &Terminal, address: &str, samples: &[(&str, &str)]) {
    let what = format!("{samples:?}");
    let are_there = |found: Exposition| samples.iter().all(|(name, n)| found.value(name) == *n);
    terminal.until(&what, || scraped(address).is_some_and(are_there)).await;
}

/// The dashboard's names that begin with `prefix`.
fn on_the_dashboard(prefix: &str) -> BTreeSet<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/firmware-config/broker/grafana.json");
    let text = std::fs::read_to_string(path).expect("the dashboard");
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let names = text.split(|letter| !is_part(letter)).filter(|name| name.starts_with(prefix));
    names.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_changes_what_a_collector_reads() {
    let (address, directory) = (loopback(), tempfile::TempDir::new().expect("a directory"));
    let file = directory.path().join("klarna.prom");
    let named = format!("{file:?}");
    let mut settings = vec![("payment.capture", "\"manual\""), ("metrics.file", named.as_str())];
    if cfg!(feature = "push") {
        // Nobody is there: what is counted is what reading has found.
        settings.extend([
            ("push.broker", "\"127.0.0.1:1\""),
            ("push.certificate_file", "\"/nonexistent/device.pem\""),
            ("push.key_file", "\"/nonexistent/device.key\""),
        ]);
    }
    let mut terminal = started(&address, &settings).await;
    let before = scraped(&address).expect("metrics");
    let unchanged = [("terminald_uncaptured", "0"), ("terminald_journal_writable", "1")];
    assert!(unchanged.iter().all(|(name, number)| before.value(name) == *number), "{before:?}");
    assert_eq!(get(&address, "/healthz").1, "well");
    terminal.till.ask_sale("A-17", 123_456).await;
    terminal.shopper(ShopperAction::Open);
    terminal.till.stage("A-17", "shopper_paying").await;
    // What was read before has changed at the next read.
    terminal.shopper(ShopperAction::Approve);
    assert_eq!(terminal.till.result("A-17").await["status"], "approved");
    terminal.till.acknowledge("A-17").await;
    reads(&terminal, &address, &[("terminald_uncaptured", "1")]).await;
    if cfg!(feature = "push") {
        let polled = "terminald_changes_found_total{by=\"poll\"}";
        assert_eq!(before.value(polled), "0");
        let has_grown = |it: Exposition| it.value(polled).parse::<u64>().is_ok_and(|n| n > 0);
        terminal.until("a change is counted", || scraped(&address).is_some_and(has_grown)).await;
        let counts = before.families.get("terminald_changes_found").map(String::as_str);
        assert_eq!(counts, Some("counter"), "the family is called without _total");
        let mut asked = on_the_dashboard("terminald_");
        asked.retain(|name| !name.starts_with("terminald_relay_"));
        assert!(asked.len() > 5 && asked.is_subset(&before.names()), "{asked:?}");
    }
    let (_, body) = get(&address, "/metrics");
    assert!(!body.contains("A-17") && !body.contains("123456"), "{body}");
    terminal.till.say(r#"{"op":"capture","ref":"C-1","sale":"A-17"}"#);
    terminal.till.operation("C-1", "done").await;
    reads(&terminal, &address, &[("terminald_uncaptured", "0")]).await;
    let written = std::fs::read_to_string(&file).expect("the file of metrics");
    let samples = written.lines().filter(|line| !line.starts_with('#'));
    let bare = |line: &str| line.split([' ', '{']).next().unwrap_or_default().to_owned();
    assert_eq!(samples.map(bare).collect::<BTreeSet<_>>(), before.names(), "in either place");
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_nothing_but_two_answers_whatever_is_said() {
    let address = loopback();
    let mut terminal = started(&address, &[]).await;
    let status = |bytes: &[u8]| {
        let answer = said(&address, bytes);
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    for (path, code) in [
        ("/metrics", "200"),
        ("/healthz", "200"),
        ("/", "404"),
        ("/metrics/", "404"),
        ("/Metrics", "404"),
        ("//metrics", "404"),
        ("/healthz/../metrics", "404"),
        ("/%6detrics", "404"),
        ("/display", "404"),
        ("/v1/health", "404"),
        ("/debug/pprof/", "404"),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: t\r\n\r\n");
        assert_eq!(status(request.as_bytes()), code, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "HEAD", "BREW"] {
        for (path, code) in [("/metrics", "405"), ("/healthz", "405"), ("/other", "404")] {
            let request =
                format!("{method} {path} HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\nhi");
            assert_eq!(status(request.as_bytes()), code, "{method} {path}");
        }
    }
    let long = format!("GET /metrics HTTP/1.1\r\nHost: t\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    let many = format!("GET /metrics HTTP/1.1\r\nHost: t\r\n{}\r\n", "x: y\r\n".repeat(1_000));
    for bytes in [
        &b"GET /metrics HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"[..],
        b"nonsense\r\n\r\n",
        b"\0\xff\xfe\x16\x03\x01\x02\0\x01\0\r\n\r\n",
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
    ] {
        assert_eq!(status(bytes), "400", "{:?}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(status(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "", "HTTP/2 is not spoken");
    for bytes in [long, many] {
        // Whoever goes on saying may find the connection reset.
        let code = status(bytes.as_bytes());
        assert!(["431", ""].contains(&code.as_str()), "{code}");
    }
    let twice = b"GET /healthz HTTP/1.1\r\nHost: t\r\n\r\nGET /healthz HTTP/1.1\r\nHost: t\r\n\r\n";
    let answers = said(&address, twice);
    assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "one to a connection: {answers}");
    assert!(answers.to_ascii_lowercase().contains("connection: close"), "{answers}");
    terminal.sell_and_acknowledge("A-1", 1200).await;
    assert!(scraped(&address).is_some());
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_are_slow_or_silent_delay_no_payment() {
    let address = loopback();
    let mut terminal = started(&address, &[]).await;
    let begin = |number: usize| {
        let mut stream = TcpStream::connect(&address).expect("a connection");
        if number.is_multiple_of(2) {
            stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: ").expect("written");
        }
        stream
    };
    let slow: Vec<TcpStream> = (0..MANY).map(begin).collect();
    terminal.sell_and_acknowledge("A-1", 1200).await;
    terminal.settled().await;
    assert_eq!(slow.len(), MANY, "they were there all the time");
    drop(slow);
    terminal.until("the next one is answered", || scraped(&address).is_some()).await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_port_the_terminal_goes_on_and_says_so() {
    let other = std::net::TcpListener::bind("127.0.0.1:0").expect("an address");
    let address = other.local_addr().expect("its number").to_string();
    let listen = format!("{address:?}");
    let mut terminal = Terminal::binary(&[("metrics.listen", listen.as_str())]).await;
    let log = terminal.path("log");
    let log = || std::fs::read_to_string(&log).unwrap_or_default();
    terminal.until("it is said", || log().contains("metrics cannot be asked for")).await;
    let line = log().lines().find(|it| it.contains("metrics cannot")).expect("a line").to_owned();
    assert!(line.contains("ERROR") && line.contains(&address), "{line}");
    terminal.sell_and_acknowledge("A-1", 1200).await;
    drop(other);
    terminal.until("the port is its own", || scraped(&address).is_some()).await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_are_read_again_find_the_port_free() {
    let (address, elsewhere) = (loopback(), loopback());
    let mut terminal = started(&address, &[]).await;
    let log = terminal.path("log");
    let log = || std::fs::read_to_string(&log).unwrap_or_default();
    let begun = |count: usize| log().matches("metrics can be asked for").count() == count;
    terminal.configure(&[("terminal.merchant", "\"Other Store\"")]);
    terminal.signal(Signal::HUP);
    terminal.until("it is the same port", || begun(2) && scraped(&address).is_some()).await;
    terminal.configure(&[("metrics.listen", &format!("{elsewhere:?}"))]);
    terminal.signal(Signal::HUP);
    terminal.until("it is another one", || begun(3) && scraped(&elsewhere).is_some()).await;
    assert!(TcpStream::connect(&address).is_err(), "nobody is there any more");
    assert!(!log().contains("metrics cannot be asked for"), "{}", log());
    terminal.switch_off().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_without_its_journal_is_not_well() {
    let address = loopback();
    let listen = format!("{address:?}");
    let settings = [("metrics.listen", listen.as_str())];
    let mut terminal = Terminal::prepare(Wire::Tcp, Program::Binary, &settings).await;
    let database = terminal.path("terminal.sqlite");
    drop(Store::open(&database).expect("a new database"));
    let connection = Connection::open(&database).expect("sqlite");
    let fitting: i64 =
        connection.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a number");
    connection.pragma_update(None, "user_version", 99).expect("set");
    terminal.switch_on_unheard();
    let health = || get(&address, "/healthz");
    terminal.until("it says that it is not", || health().1 == "not_started").await;
    assert!(health().0.starts_with("http/1.1 503 "), "{}", health().0);
    assert_eq!(get(&address, "/metrics").1, "not_started");
    connection.pragma_update(None, "user_version", fitting).expect("set");
    drop(connection);
    terminal.until("it is well", || health().1 == "well").await;
    assert!(health().0.starts_with("http/1.1 200 "), "{}", health().0);
    terminal.switch_off().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_it_is_asked_is_checked_and_told() {
    let mut terminal = Terminal::prepare(Wire::Tcp, Program::Binary, &[]).await;
    let config = terminal.path("terminal.toml");
    let check_config = ["check-config", "--config", text(&config)];
    check(&check_config, 0, &["metrics      not written"]);
    for (listen, code, word) in [
        ("127.0.0.1:9465", 0, "metrics      http://127.0.0.1:9465/metrics, for this machine"),
        ("[::1]:9465", 0, "http://[::1]:9465/metrics, for this machine"),
        ("0.0.0.0:9465", 0, "for EVERYBODY who reaches that address"),
        ("9465", 78, "metrics.listen: \"9465\" is no address such as"),
        ("localhost:9465", 78, "metrics.listen: \"localhost:9465\" is no address such as"),
    ] {
        terminal.configure(&[("metrics.listen", &format!("{listen:?}"))]);
        check(&check_config, code, &[word]);
    }
}

#[cfg(feature = "relay")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_is_read_as_strictly() {
    use klarna_terminald::relay::admission::Policy;
    use klarna_terminald::relay::shelf::Limits;
    use klarna_terminald::relay::{CONNECTIONS_MAX, PATH, Relay, Settings};
    let folder = tempfile::TempDir::new().expect("a folder");
    let free = || Some("127.0.0.1:0".parse().expect("an address"));
    let settings = Settings {
        listen: free().expect("an address"),
        path: PATH.to_owned(),
        certificate: None,
        operations: free(),
        keys: folder.path().join("keys.json"),
        database: folder.path().join("relay.sqlite"),
        policy: Policy::default(),
        limits: Limits::default(),
        connections_max: CONNECTIONS_MAX,
    };
    let relay = Relay::start(settings).await.expect("it starts");
    let forged = format!("POST {PATH} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n");
    let forged = format!("{forged}Content-Length: 2\r\n\r\n{{}}");
    let (at, door) = (relay.operations().expect("an address"), relay.address().to_string());
    let read = tokio::task::spawn_blocking(move || {
        let answer = said(&door, forged.as_bytes());
        let request = b"GET /metrics HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
        let metrics = said(&at.to_string(), request);
        (answer, metrics.split_once("\r\n\r\n").expect("a body").1.to_owned())
    });
    let (answer, body) = read.await.expect("answers");
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    let metrics = Exposition::read(&body).unwrap_or_else(|why| panic!("{why}\n{body}"));
    assert_eq!(metrics.value("terminald_relay_requests_total{outcome=\"forged\"}"), "1");
    assert_eq!(metrics.value("terminald_relay_durable_seconds_count"), "0");
    let asked = on_the_dashboard("terminald_relay_");
    assert!(asked.len() > 4 && asked.is_subset(&metrics.names()), "{asked:?}");
    relay.stop().await;
}
