//! The console from the command line: the real binary asked over its own socket, beside a till that
//! sells.

use crate::cli::{check, text};
use crate::terminal::Terminal;
use klarna_terminald::payment::event::Event;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// More than there are places.
const IDLE_CONNECTIONS: usize = 64;
/// Only a stuck test waits this long for a byte.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a command says as JSON: exactly one line.
pub fn asked(database: &Path, arguments: &[&str]) -> Value {
    let all = [arguments, &["--json", "--database", text(database)][..]].concat();
    let said = check(&all, 0, &[]);
    assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
    serde_json::from_str(&said).expect("JSON")
}

/// The same for people.
fn said(database: &Path, arguments: &[&str], code: i32, says: &[&str]) -> String {
    check(&[arguments, &["--database", text(database)][..]].concat(), code, says)
}

/// Sends bytes to the console's socket; all that comes back.
fn raw(database: &Path, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(socket(database, "console")).expect("the socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    // Whoever says too much may be cut short.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn post(database: &Path, path: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\n\
         content-length: {length}\r\n\r\n"
    );
    raw(database, format!("{head}{body}").as_bytes())
}

fn socket(database: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}.{suffix}", text(database)))
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("the socket").permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payments_are_listed_searched_and_read_without_the_daemon_as_well() {
    let mut terminal = Terminal::binary(&[]).await;
    let database = terminal.path("terminal.sqlite");
    assert_eq!(asked(&database, &["payments"])["payments"], json!([]));
    said(&database, &["payments", "--search", "12.00"], 0, &["nothing was found"]);
    terminal.sell_and_acknowledge("A-1", 1200).await;
    terminal.sell_and_acknowledge("B-2", 500).await;
    terminal.settled().await;
    let list = asked(&database, &["payments"]);
    let references: Vec<&Value> =
        list["payments"].as_array().expect("a list").iter().map(|row| &row["reference"]).collect();
    assert_eq!(references, ["B-2", "A-1"], "newest first: {list}");
    assert_eq!(list["payments"][1]["amount"], json!({ "minor": 1200, "currency": "EUR" }));
    assert_eq!(list["payments"][1]["text"], "paid, captured 12.00");
    let sought = |text: &str| {
        let found = asked(&database, &["payments", "--search", text]);
        let found = found["payments"].as_array().expect("a list").clone();
        found.iter().map(|row| row["number"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let one: fn(&str) -> Vec<String> = |number| vec![number.to_owned()];
    let found: Vec<String> = sought("A-1");
    assert_eq!(found, one("000001"), "by the till's reference");
    let found: Vec<String> = sought("5.00 EUR");
    assert_eq!(found, one("000002"), "by its amount");
    let found: Vec<String> = sought("no such thing & more=1");
    assert!(found.is_empty(), "{found:?}");
    let story = asked(&database, &["payments", "1"]);
    assert_eq!(story["timeline"][0]["event"], "sale_requested");
    assert!(story["timeline"][0]["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{story}");
    said(&database, &["payments", "7"], 1, &["there is no payment 7"]);
    said(&database, &["outbox", "show", "1.99"], 1, &["there is no call 000001.99"]);

    terminal.simulator.set_offline(true);
    terminal.till.say(r#"{"op":"refund","ref":"R-1","sale":"A-1","amount":200}"#);
    terminal.till.operation("R-1", "queued").await;
    let read = [&["payments"][..], &["payments", "1"], &["outbox", "list"]];
    let with: Vec<Value> = read.iter().map(|arguments| asked(&database, arguments)).collect();
    assert_eq!(with[2]["waiting"][0]["operation"], "refund");
    assert_eq!(with[2]["waiting"][0]["is_looked_for"], false, "its key is as old as it is");
    let printed = said(&database, &["payments"], 0, &["1 queued"]);
    terminal.switch_off().await;
    let without: Vec<Value> = read.iter().map(|arguments| asked(&database, arguments)).collect();
    assert_eq!(with[..2], without[..2], "the journal says the same to whoever reads it");
    assert_eq!(without[2]["waiting"][0]["key"], with[2]["waiting"][0]["key"]);
    assert_eq!(said(&database, &["payments"], 0, &[]), printed);
    let call = with[2]["waiting"][0]["call"].as_str().expect("its number").to_owned();
    said(&database, &["outbox", "show", &call], 0, &["refund", "EUR 2.00", "queued", "key "]);
    said(&database, &["shift"], 1, &["no daemon answers on", "start it", "console.group"]);
    terminal.switch_on().await;
    terminal.simulator.set_offline(false);
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shift_is_shown_closed_once_and_kept() {
    let mut terminal = Terminal::binary(&[]).await;
    let database = terminal.path("terminal.sqlite");
    said(&database, &["shift"], 0, &["shift 1, open", "nothing was sold"]);
    said(&database, &["shift", "history"], 0, &["no shift was closed yet"]);
    terminal.sell_and_acknowledge("A-1", 1200).await;
    terminal.sell_and_acknowledge("A-2", 99).await;
    terminal.settled().await;
    let open = asked(&database, &["shift"]);
    assert_eq!((&open["shift"], &open["closed_at"]), (&json!(1), &Value::Null));
    let total = &open["totals"][0];
    assert_eq!((&total["sales"]["minor"], &total["sales_count"]), (&json!(1299), &json!(2)));
    assert_eq!(total["net"], json!({ "minor": 1299, "currency": "EUR" }));
    let shown = said(&database, &["shift"], 0, &["sales         2  12.99"]);
    let docs = std::fs::read_to_string("docs/operations.md").expect("the page");
    let indented: String = shown.lines().map(|line| format!("    {line}\n")).collect();
    assert!(docs.contains(&indented.replace("    \n", "\n")), "the page shows another:\n{shown}");
    said(&database, &["shift", "close"], 1, &["sales", "nobody is here to be asked; add --yes"]);
    said(&database, &["shift", "close", "--shift", "2", "--yes"], 1, &["there is no shift 2 yet"]);
    let report = said(&database, &["shift", "close", "--yes"], 0, &["12.99", "Test Store"]);
    assert!(report.lines().any(|line| line.contains('Z')), "{report}");
    let again = ["shift", "close", "--shift", "1", "--yes"];
    said(&database, &again, 0, &["shift 1 was closed at", "already; nothing was done", "12,99"]);
    let body = r#"{"shift":1}"#;
    let answer = post(&database, "/v1/shift/close", "application/json", body);
    assert!(answer.contains(r#""was_closed":true"#), "{answer}");
    let ends = |event: &Event| matches!(event, Event::ShiftEnded { .. });
    let records = terminal.reader().all_records().expect("journal");
    assert_eq!(records.iter().filter(|record| ends(&record.event)).count(), 1);
    let closed = asked(&database, &["shift", "show", "1"]);
    assert_eq!(closed["totals"], open["totals"], "what was shown is what was closed");
    assert!(closed["closed_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{closed}");
    assert_eq!(asked(&database, &["shift", "history"])["shifts"], json!([closed]));
    said(&database, &["shift", "history"], 0, &["shift  closed (UTC)", "EUR 12.99"]);
    assert_eq!(asked(&database, &["shift"])["shift"], 2);
    said(&database, &["shift", "show", "3"], 1, &["there is no shift 3 yet"]);
    said(&database, &["shift", "show", "1", "--print"], 1, &["no printer is configured"]);
    let (csv, pdf) = (terminal.path("1.csv"), terminal.path("1.pdf"));
    said(&database, &["shift", "show", "1", "--csv", text(&csv)], 0, &["shift 1 is in"]);
    let csv = std::fs::read_to_string(csv).expect("the file");
    assert!(csv.contains("12.00") && csv.contains("total sales,12.99,EUR,2"), "{csv}");
    said(&database, &["shift", "show", "1", "--pdf", text(&pdf)], 0, &["bytes"]);
    assert!(std::fs::read(pdf).expect("the file").starts_with(b"%PDF"));
    let entries = asked(&database, &["audit"])["entries"].clone();
    let closing = entries.as_array().expect("a list").iter().rev();
    let closing: Vec<&Value> = closing.filter(|entry| entry["action"] == "close_shift").collect();
    assert_eq!(closing.len(), 2, "before and after, once: {entries}");
    let who = format!("(uid {})", rustix::process::geteuid().as_raw());
    assert!(closing[0]["actor"].as_str().is_some_and(|actor| actor.ends_with(&who)), "{entries}");
    assert_eq!(
        (&closing[0]["peer"], &closing[1]["detail"]["answer"]),
        (&"socket".into(), &"done".into())
    );
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_are_added_locked_and_changed_and_an_admin_is_left() {
    let terminal = Terminal::binary(&[]).await;
    let database = terminal.path("terminal.sqlite");
    said(&database, &["users"], 0, &["no users yet", "users code"]);
    let code = asked(&database, &["users", "code"])["set_up_code"].clone();
    assert!(code.as_str().is_some_and(|code| code.len() == 10), "{code}");
    let add = ["users", "add", "Anna", "--role", "admin"];
    said(&database, &add, 1, &["nobody is here to be asked; add --yes"]);
    said(&database, &["users", "add", "anna", "--role", "boss", "--yes"], 2, &["is no role"]);
    said(&database, &["users", "add", "an na", "--role", "admin", "--yes"], 1, &["cannot stand"]);
    let added = said(&database, &[&add[..], &["--yes"]].concat(), 0, &["anna is added as admin"]);
    let pin = added.lines().find_map(|line| line.strip_prefix("first PIN: ")).expect("a PIN");
    assert!(pin.len() >= 6 && pin.bytes().all(|digit| digit.is_ascii_digit()), "{added}");
    said(&database, &[&add[..], &["--yes"]].concat(), 1, &["there is a user anna already"]);
    said(&database, &["users", "code"], 0, &["there is an admin already"]);
    assert_eq!(asked(&database, &["users", "code"])["set_up_code"], Value::Null);
    said(&database, &["users", "lock", "anna", "--yes"], 1, &["this is the last admin"]);
    said(&database, &["users", "role", "anna", "cashier", "--yes"], 1, &["the last admin"]);
    let berta = asked(&database, &["users", "add", "berta", "--role", "cashier", "--yes"]);
    assert_eq!(berta["user"]["role"], "cashier");
    said(&database, &["users", "role", "berta", "manager", "--yes"], 0, &["berta is manager now"]);
    said(&database, &["users", "lock", "berta", "--yes"], 0, &["berta is locked out"]);
    said(&database, &["users"], 0, &["berta  manager  locked", "anna   admin    first PIN"]);
    said(&database, &["users", "unlock", "berta", "--yes"], 0, &["berta may sign in again"]);
    let fresh = asked(&database, &["users", "reset-pin", "berta", "--yes"]);
    assert_ne!(fresh["first_pin"], berta["first_pin"]);
    said(&database, &["users", "sign-out", "berta", "--yes"], 0, &["berta is signed out; 0"]);
    said(&database, &["users", "lock", "carla", "--yes"], 1, &["there is no user carla"]);
    let users = asked(&database, &["users"])["users"].clone();
    let names: Vec<&Value> = users.as_array().expect("a list").iter().map(|u| &u["name"]).collect();
    assert_eq!(names, ["anna", "berta"]);
    let audit =
        said(&database, &["audit"], 0, &["user_added", "role_changed", "set_up_code_shown"]);
    assert!(!audit.contains(pin) && !audit.contains(code.as_str().expect("a code")), "{audit}");
    let older = asked(&database, &["audit", "--count", "2"])["older"].as_i64().expect("a page");
    let page = asked(&database, &["audit", "--count", "1", "--from", &older.to_string()]);
    assert_eq!(page["entries"][0]["number"], older);
    let log = std::fs::read_to_string(terminal.path("log")).expect("the log");
    assert!(!log.contains(pin), "a PIN is in no log");
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_journal_is_whole_until_a_byte_is_changed() {
    let mut terminal = Terminal::binary(&[]).await;
    let database = terminal.path("terminal.sqlite");
    said(&database, &["users", "add", "anna", "--role", "admin", "--yes"], 0, &[]);
    let early = asked(&database, &["audit", "verify"]);
    let head = early["head"].as_str().expect("a head").to_owned();
    said(&database, &["users", "sign-out", "anna", "--yes"], 0, &[]);
    let whole = ["audit", "verify", "--head", &head];
    said(&database, &whole, 0, &["the audit journal is whole: 3 entries from", "head: "]);
    let other = head.chars().rev().collect::<String>();
    let foreign = ["audit", "verify", "--head", &other];
    said(&database, &foreign, 1, &["is not what was written", "whose head was noted"]);
    said(&database, &["audit", "verify", "--head", "ab"], 2, &["64 hexadecimal digits"]);
    terminal.switch_off().await;
    said(&database, &whole, 0, &["the audit journal is whole"]);
    let copy = terminal.path("copy.sqlite");
    said(&copy, &["audit", "verify"], 1, &["there is no audit journal to read at"]);
    let mut bytes = std::fs::read(socket(&database, "access")).expect("the users' file");
    let word = b"user_added";
    let at = bytes.windows(word.len()).position(|part| part == word).expect("an entry");
    bytes[at] = b'U';
    std::fs::write(socket(&copy, "access"), bytes).expect("a copy");
    let says = ["audit entry 2: it or the one before it was changed", "Copy the file away"];
    said(&copy, &["audit", "verify"], 1, &says);
    terminal.switch_on().await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sockets_are_the_daemons_own_unless_a_group_is_let_in() {
    let mut terminal = Terminal::binary(&[]).await;
    let database = terminal.path("terminal.sqlite");
    let modes =
        |database: &Path| (mode(&socket(database, "console")), mode(&socket(database, "desk")));
    assert_eq!(modes(&database), (0o600, 0o600));
    terminal.kill();
    assert!(socket(&database, "console").exists(), "a dead daemon leaves it behind");
    terminal.switch_on().await;
    said(&database, &["shift"], 0, &["shift 1, open"]);
    terminal.switch_off().await;
    assert!(!socket(&database, "console").exists(), "it goes with the daemon");
    drop(terminal);

    let groups = std::fs::read_to_string("/etc/group").expect("the system's groups");
    let own = rustix::process::getegid().as_raw().to_string();
    let own = groups.lines().find(|line| line.split(':').nth(2) == Some(&own));
    let own = own.and_then(|line| line.split(':').next()).expect("the group of this test");
    let own = format!("{own:?}");
    for (group, role, expected) in [
        (own.as_str(), "\"manager\"", (0o660, 0o660)),
        // Whoever may not give money back at the console may not do it from the desk.
        (own.as_str(), "\"cashier\"", (0o660, 0o600)),
        ("\"no-such-group-here\"", "\"manager\"", (0o600, 0o600)),
    ] {
        let listen = ("console.listen", "\"none\"");
        let settings = [listen, ("console.group", group), ("console.group_role", role)];
        let mut terminal = Terminal::binary(&settings).await;
        let database = terminal.path("terminal.sqlite");
        assert_eq!(modes(&database), expected, "{group} {role}");
        terminal.switch_off().await;
        let log = std::fs::read_to_string(terminal.path("log")).expect("the log");
        let is_told = log.contains("the socket is for the daemon's user alone");
        assert_eq!(is_told, expected.0 == 0o600, "{log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_forged_or_too_long_changes_nothing() {
    let terminal = Terminal::binary(&[]).await;
    let database = terminal.path("terminal.sqlite");
    let before = asked(&database, &["audit"]);
    let user = r#"{"name":"eve","role":"admin"}"#;
    let long = format!(r#"{{"name":"{}","role":"admin"}}"#, "e".repeat(20_000));
    let json = "application/json";
    for (path, kind, body, status, code) in [
        ("/v1/users", json, long.as_str(), 422, "bad_request"),
        ("/v1/users", "text/plain", user, 422, "bad_request"),
        ("/v1/users", json, r#"{"name":"eve","role":"admin","uid":0}"#, 422, "bad_request"),
        ("/v1/users", json, r#"{"name":"eve","role":"boss"}"#, 422, "bad_request"),
        ("/v1/users", json, "{", 422, "bad_request"),
        ("/v1/users", json, "", 422, "bad_request"),
        ("/v1/shift/close", json, r#"{"shift":"1"}"#, 422, "bad_request"),
        ("/v1/shift/close", json, r#"{"shift":9}"#, 404, "not_found"),
        ("/v1/shifts/one/print", json, "{}", 422, "bad_request"),
        ("/v1/users/eve/pin", json, "{}", 404, "not_found"),
        ("/v1/users/..%2f..%2fx/lock", json, "{}", 403, "refused"),
        ("/v1/shift", json, "{}", 405, "wrong_method"),
        ("/v2", json, "{}", 404, "not_found"),
    ] {
        let answer = post(&database, path, kind, body);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{path} {answer}");
        let body: Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(body["error"]["code"], code, "{path} {body}");
        assert!(body["error"]["text"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
    }
    let flood = format!("GET /v1/shift HTTP/1.1\r\nhost: x\r\nx: {}", "x".repeat(200_000));
    let answer = raw(&database, flood.as_bytes());
    assert!(!answer.contains("200 OK"), "{answer}");
    for query in ["count=1001", "count=-1", "count=1&role=admin", "from=1"] {
        let get = format!("GET /v1/payments?{query} HTTP/1.1\r\nhost: x\r\n\r\n");
        let answer = raw(&database, get.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 422 "), "{query}: {answer}");
    }
    assert_eq!(asked(&database, &["users"])["users"], json!([]));
    assert_eq!(asked(&database, &["audit"]), before, "and nothing was written");
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_keep_nobody_out() {
    let terminal = Terminal::binary(&[]).await;
    let database = terminal.path("terminal.sqlite");
    let idle = |_| UnixStream::connect(socket(&database, "console")).expect("a connection");
    let idle: Vec<UnixStream> = (0..IDLE_CONNECTIONS).map(idle).collect();
    said(&database, &["shift"], 0, &["shift 1, open"]);
    let health = raw(&database, b"GET /v1/health HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(health.contains(r#""is_till_here":true"#) && health.contains(r#""alarms":[]"#));
    assert_eq!(idle.len(), IDLE_CONNECTIONS, "all of them are still open on this side");
    terminal.finish().await;
}

#[test]
fn help_teaches_what_the_commands_are_for() {
    check(&["--help"], 0, &["shift", "users", "audit"]);
    check(&["shift", "--help"], 0, &["close", "history", "show", "X report"]);
    check(&["shift", "show", "--help"], 0, &["--csv <FILE>", "--pdf <FILE>", "--print"]);
    check(&["users", "--help"], 0, &["reset-pin", "sign-out", "code", "lock one"]);
    check(&["audit", "--help"], 0, &["verify", "--from", "--count", "head"]);
    check(&["payments", "--help"], 0, &["--search <TEXT>", "--json"]);
    check(&["users", "add", "anna", "--role", "admin"], 2, &["--config", "--database"]);
}
