//! The diagnosis from the command line: the real binary beside a running daemon and without one, on
//! real files, a pseudo terminal as the till's line, and the simulator as Klarna.
//!
//! A directory that may not be written cannot be tried here: tests may run as the superuser, whom
//! no permission stops. Klarna's clock is this machine's; clocks that differ are tried in `clock`.

#[cfg(feature = "push")]
#[path = "doctor/fleet.rs"]
mod fleet;

use crate::cli::{check, text};
use crate::terminal::{Program, Setting, Terminal, Wire};
use klarna_terminald::payment::event::Event;
use klarna_terminald::store::Store;
use rusqlite::Connection;
use serde_json::Value;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What this machine may rightly be blamed for, wherever the tests run: a temporary directory in
/// memory, or no network but its own.
const THE_MACHINES_OWN: [&str; 3] = ["file system", "network", "route"];

/// The diagnosis as JSON, one line; and its exit code.
fn diagnosed(config: &Path, more: &[&str]) -> (Option<i32>, Vec<Value>) {
    diagnosed_with(config, more, &[])
}

/// The same with variables in its environment.
fn diagnosed_with(
    config: &Path,
    more: &[&str],
    variables: &[(&str, &str)],
) -> (Option<i32>, Vec<Value>) {
    let output = Command::new(env!("CARGO_BIN_EXE_klarna-terminald"))
        .args(["doctor", "--json", "--config", text(config)])
        .args(more)
        .env_remove("CREDENTIALS_DIRECTORY")
        .env("STATE_DIRECTORY", config.parent().expect("a directory"))
        .envs(variables.iter().copied())
        .output()
        .expect("the binary");
    let said = String::from_utf8(output.stdout).expect("text");
    assert_eq!(said.lines().count(), 1, "{said}");
    let told: Value = serde_json::from_str(&said).expect("JSON");
    (output.status.code(), told["checks"].as_array().expect("a list").clone())
}

/// What was found under `name`, as `state: found; remedy`.
fn found(checks: &[Value], name: &str) -> String {
    let lines = checks.iter().filter(|check| check["name"] == name).map(|check| {
        let word = |field: &str| check[field].as_str().unwrap_or_default().to_owned();
        format!("{}: {}; {}\n", word("state"), word("found"), word("remedy"))
    });
    lines.collect()
}

/// Under `name` it says all of these.
fn says(checks: &[Value], name: &str, words: &[&str]) {
    let text = found(checks, name);
    for word in words {
        assert!(text.contains(word), "{name} does not say {word:?}: {text:?}\n{checks:#?}");
    }
}

fn failing(checks: &[Value]) -> Vec<&str> {
    let failing = checks.iter().filter(|check| check["state"] == "fail");
    let names = failing.filter_map(|check| check["name"].as_str());
    names.filter(|name| !THE_MACHINES_OWN.contains(name)).collect()
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
}

/// Everything but the daemon, and a key that is nobody else's.
async fn prepared(wire: Wire, settings: &[Setting<'_>]) -> (Terminal, PathBuf) {
    let terminal = Terminal::prepare(wire, Program::Binary, settings).await;
    set_mode(&terminal.path("key"), 0o600);
    let config = terminal.path("terminal.toml");
    (terminal, config)
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("a directory").flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_a_running_daemon_everything_is_found_and_nothing_is_changed() {
    let (mut terminal, config) = prepared(Wire::Tcp, &[]).await;
    terminal.switch_on().await;
    terminal.sell_and_acknowledge("A-1", 1200).await;
    terminal.settled().await;
    let journal = terminal.reader().all_records().expect("the journal").len();
    let (files, calls) = (names_in(terminal.directory.path()), terminal.simulator.calls().len());
    let (code, checks) = diagnosed(&config, &[]);
    assert_eq!(failing(&checks), [""; 0], "{checks:#?}");
    let has_failed = checks.iter().any(|check| check["state"] == "fail");
    assert_eq!(code, Some(i32::from(has_failed)), "{checks:#?}");
    says(&checks, "configuration", &["ok: ", "terminal S12-T3"]);
    says(&checks, "API key", &["ok: test key", "mode 0600"]);
    says(&checks, "permissions", &["running as "]);
    says(&checks, "till link", &["ok: TCP ", "the running daemon listens there"]);
    says(&checks, "display", &["ok: 240x320 pixels"]);
    says(&checks, "QR code", &["pixels for each module"]);
    says(&checks, "storage", &["ok: ", "can be written"]);
    says(&checks, "free space", &["MiB are free"]);
    says(&checks, "disk", &["4 KiB written and synced", "median"]);
    says(&checks, "database", &["ok: schema 2"]);
    says(&checks, "daemon", &["ok: version", "runs and answers"]);
    says(&checks, "alarms", &["ok: none"]);
    says(&checks, "DNS", &["ok: localhost is "]);
    says(&checks, "connection", &["ok: TCP to "]);
    says(&checks, "TLS", &["ok: TLSv1_3 with localhost", "its certificate is good"]);
    says(&checks, "Klarna", &["ok: answers with HTTP 200"]);
    says(&checks, "clock", &["ok: "]);
    says(&checks, "clock offset", &["ok: "]);
    assert_eq!(terminal.reader().all_records().expect("the journal").len(), journal);
    assert_eq!(names_in(terminal.directory.path()), files);
    let asked: Vec<String> =
        terminal.simulator.calls()[calls..].iter().map(|call| call.method.clone()).collect();
    assert!(asked.iter().all(|method| method == "GET"), "{asked:?}");
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_serial_line_is_free_in_use_missing_or_none() {
    let (mut terminal, config) = prepared(Wire::Serial, &[]).await;
    let (_, checks) = diagnosed(&config, &[]);
    says(&checks, "till link", &["ok: serial ", "can be opened"]);
    says(&checks, "daemon", &["skip: none runs", "systemctl start"]);
    says(&checks, "database", &["skip: ", "is not there yet"]);
    terminal.switch_on().await;
    let (_, checks) = diagnosed(&config, &[]);
    says(&checks, "till link", &["ok: serial ", "the running daemon has it"]);
    terminal.finish().await;

    let (_terminal, config) = prepared(Wire::Serial, &[("till.port", "\"/dev/ttyUSB77\"")]).await;
    let (code, checks) = diagnosed(&config, &[]);
    assert_eq!((code, failing(&checks)), (Some(1), vec!["till link"]), "{checks:#?}");
    says(&checks, "till link", &["fail: /dev/ttyUSB77 is not there; plug the adapter in"]);
    says(&checks, "till's name", &["warn: ", "by-id"]);

    let (terminal, config) = prepared(Wire::Serial, &[]).await;
    std::fs::remove_file(terminal.path("till")).expect("the link");
    std::fs::write(terminal.path("till"), "").expect("a file");
    let (_, checks) = diagnosed(&config, &[]);
    says(&checks, "till link", &["fail: ", "is no device"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_somebody_else_has_is_a_failure() {
    let (terminal, config) = prepared(Wire::Tcp, &[]).await;
    let (_, checks) = diagnosed(&config, &[]);
    says(&checks, "till link", &["ok: TCP ", "is free for the daemon"]);
    let _other = std::net::TcpListener::bind(terminal.address()).expect("free");
    let (code, checks) = diagnosed(&config, &[]);
    assert_eq!((code, failing(&checks)), (Some(1), vec!["till link"]), "{checks:#?}");
    says(&checks, "till link", &["in use by another program", "ss -ltnp"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_others_can_read_and_displays_that_are_not_there_are_failures() {
    let display = [("display.output", "\"framebuffer\""), ("display.device", "\"/dev/fb77\"")];
    let (terminal, config) = prepared(Wire::Tcp, &display).await;
    set_mode(&terminal.path("key"), 0o644);
    let (code, checks) = diagnosed(&config, &[]);
    assert_eq!((code, failing(&checks)), (Some(1), vec!["API key", "display"]), "{checks:#?}");
    says(&checks, "API key", &["every user of this machine", "mode 0644", "chmod 600"]);
    says(&checks, "display", &["/dev/fb77 is not there", "driver"]);
    let (terminal, config) =
        prepared(Wire::Tcp, &[("display.path", "\"/nonexistent/a.png\"")]).await;
    set_mode(&terminal.path("key"), 0o640);
    let (_, checks) = diagnosed(&config, &[]);
    assert_eq!(failing(&checks), ["display"], "{checks:#?}");
    says(&checks, "API key", &["ok: ", "mode 0640"]);
    let wide = [("display.width", "100"), ("display.height", "64")];
    let (_terminal, config) = prepared(Wire::Tcp, &wide).await;
    says(&diagnosed(&config, &[]).1, "QR code", &["warn: none fits", "short_link"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_comes_from_a_credential_a_file_or_the_environment() {
    let (terminal, config) = prepared(Wire::Tcp, &[]).await;
    says(&diagnosed(&config, &[]).1, "API key", &["ok: ", "from the file ", "mode 0600"]);
    let credentials = terminal.path("credentials");
    std::fs::create_dir(&credentials).expect("a directory");
    let credential = credentials.join("klarna_api_key");
    std::fs::copy(terminal.path("key"), &credential).expect("a credential");
    set_mode(&credential, 0o400);
    let variables = [("CREDENTIALS_DIRECTORY", text(&credentials))];
    let (_, checks) = diagnosed_with(&config, &[], &variables);
    says(&checks, "API key", &["ok: ", "from systemd's credential ", "mode 0400"]);
    says(&checks, "credentials", &["ok: 1 file(s) in "]);
    let whole = std::fs::read_to_string(&config).expect("the configuration");
    let lines = whole.lines().filter(|line| !line.starts_with("klarna.api_key_file"));
    let without: String = lines.map(|line| format!("{line}\n")).collect();
    std::fs::write(&config, without).expect("written");
    let variables = [("KLARNA_TERMINALD__KLARNA__API_KEY", "klarna_test_api_simulator")];
    let (_, checks) = diagnosed_with(&config, &[], &variables);
    says(&checks, "API key", &["warn: ", "from the environment variable", "a file or a systemd"]);
    assert!(!found(&checks, "API key").contains("simulator"), "{checks:#?}");
}

#[test]
fn a_refused_configuration_ends_with_78_after_what_needs_none() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let config = directory.path().join("terminal.toml");
    std::fs::write(&config, "[terminal]\nstor = \"S12\"\n").expect("a file");
    let (code, checks) = diagnosed(&config, &[]);
    assert_eq!(code, Some(78));
    let words = ["fail: ", "unknown field `stor`", "did you mean `store`?", "a newer version"];
    says(&checks, "configuration", &words);
    says(&checks, "storage", &["ok: "]);
    says(&checks, "disk", &["median"]);
    says(&checks, "clock", &["ok: "]);
    says(&checks, "till link", &["skip: "]);
    std::fs::write(&config, "[terminal]\nstore = \"S12\"\n").expect("a file");
    let (code, checks) = diagnosed(&config, &[]);
    assert_eq!(code, Some(78));
    says(&checks, "configuration", &["terminal.terminal: is missing", "store.path: is missing"]);
    let missing = directory.path().join("none.toml");
    check(&["doctor", "--help"], 0, &["--bundle <FILE.tar.gz>", "78", "changes nothing"]);
    check(&["doctor", "--config", text(&missing)], 78, &["FAIL  configuration  cannot read"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_a_newer_version_is_left_as_it_is() {
    let (terminal, config) = prepared(Wire::Tcp, &[]).await;
    let database = terminal.path("terminal.sqlite");
    drop(Store::open(&database).expect("a new database"));
    let connection = Connection::open(&database).expect("sqlite");
    connection.pragma_update(None, "user_version", 99).expect("raised");
    drop(connection);
    let before = std::fs::read(&database).expect("the file");
    let (code, checks) = diagnosed(&config, &[]);
    assert_eq!((code, failing(&checks)), (Some(1), vec!["database"]), "{checks:#?}");
    let words = ["schema 99 was written by a newer version", "nothing was changed", "install that"];
    says(&checks, "database", &words);
    assert_eq!(std::fs::read(&database).expect("the file"), before);
    std::fs::write(&database, "no database, and long enough to be read as one".repeat(100))
        .expect("damaged");
    says(&diagnosed(&config, &[]).1, "database", &["fail: the database is damaged"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_on_the_way_to_klarna_is_said_in_words() {
    let (terminal, config) = prepared(Wire::Tcp, &[]).await;
    let whole = std::fs::read_to_string(&config).expect("the configuration");
    let without = |begin: &str| -> String {
        let lines = whole.lines().filter(|line| !line.starts_with(begin));
        lines.map(|line| format!("{line}\n")).collect()
    };
    std::fs::write(&config, without("klarna.extra_ca_file")).expect("written");
    let (code, checks) = diagnosed(&config, &[]);
    assert_eq!((code, failing(&checks)), (Some(1), vec!["TLS"]), "{checks:#?}");
    says(&checks, "TLS", &["issued by nobody that this program trusts", "klarna.extra_ca_file"]);
    says(&checks, "clock offset", &["skip: "]);

    let url = "klarna.base_url = \"https://no-such-host.invalid\"\n";
    std::fs::write(&config, without("klarna.base_url") + url).expect("written");
    let (_, checks) = diagnosed(&config, &[]);
    assert_eq!(failing(&checks), ["DNS"], "{checks:#?}");
    says(&checks, "DNS", &["no-such-host.invalid has no address", "resolv.conf"]);

    let unused = std::net::TcpListener::bind("127.0.0.1:0").expect("an address");
    let port = unused.local_addr().expect("its number").port();
    drop(unused);
    let url = format!("klarna.base_url = \"https://localhost:{port}\"\n");
    std::fs::write(&config, without("klarna.base_url") + &url).expect("written");
    let (_, checks) = diagnosed(&config, &[]);
    assert_eq!(failing(&checks), ["connection"], "{checks:#?}");
    says(&checks, "connection", &["no connection to ", "klarna.proxy"]);

    std::fs::write(&config, &whole).expect("written");
    std::fs::write(terminal.path("key"), "klarna_test_api_another").expect("written");
    let (_, checks) = diagnosed(&config, &[]);
    assert_eq!(failing(&checks), ["Klarna"], "{checks:#?}");
    says(&checks, "Klarna", &["answers with HTTP 401", "it refuses the API key"]);
    says(&checks, "clock offset", &["ok: "]);
}

#[test]
fn whoever_has_read_enough_may_leave() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_klarna-terminald"))
        .args(["doctor", "--config", "/nonexistent.toml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("its end");
    assert_eq!(output.status.code(), Some(78), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// All files of a bundle by their names.
fn unpacked(path: &Path) -> Vec<(String, String)> {
    let file = std::fs::File::open(path).expect("the bundle");
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let entries = archive.entries().expect("entries").map(|entry| {
        let mut entry = entry.expect("an entry");
        let name = entry.path().expect("a name").to_string_lossy().into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).expect("text");
        (name.trim_start_matches("klarna-terminald-support/").to_owned(), text)
    });
    entries.collect()
}

fn file<'a>(files: &'a [(String, String)], name: &str) -> &'a str {
    let found = files.iter().find(|(found, _)| found == name);
    found.map(|(_, text)| text.as_str()).unwrap_or_else(|| panic!("{name} is missing: {files:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bundle_has_what_helps_and_no_secret() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let metrics = directory.path().join("klarna.prom");
    let metrics_file = format!("{metrics:?}");
    let (mut terminal, config) =
        prepared(Wire::Tcp, &[("metrics.file", metrics_file.as_str())]).await;
    terminal.switch_on().await;
    terminal.sell_and_acknowledge("A-1", 1200).await;
    terminal.settled().await;
    let mut secrets = vec!["135790".to_owned(), "klarna_test_api_simulator".to_owned()];
    for record in terminal.reader().all_records().expect("the journal") {
        match &record.event {
            Event::Created { url, .. } => secrets.push(url.as_str().to_owned()),
            Event::Approved { token } => secrets.push(token.expose().to_owned()),
            _ => {}
        }
    }
    assert_eq!(secrets.len(), 4, "there is something to be left out");
    // The password is of the next start: a till that sells here speaks no ZVT.
    let mut settings = std::fs::read_to_string(&config).expect("the configuration");
    settings.push_str("till.protocol = \"zvt\"\ntill.terminal_id = \"12345678\"\n");
    settings.push_str("till.password = \"135790\"\n");
    std::fs::write(&config, settings).expect("written");
    terminal.until("the metrics are written", || metrics.exists()).await;
    let path = terminal.path("support.tar.gz");
    let (_, checks) = diagnosed(&config, &["--bundle", text(&path)]);
    let mode = std::fs::metadata(&path).expect("the bundle").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let files = unpacked(&path);
    for (name, text) in &files {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{name} says {secret}: {text}");
        }
    }
    let told: Value = serde_json::from_str(file(&files, "doctor.json")).expect("JSON");
    assert_eq!(told["checks"].as_array().map(Vec::len), Some(checks.len()));
    let journal: Value = serde_json::from_str(file(&files, "journal.json")).expect("JSON");
    let created = journal.as_array().expect("a list").iter();
    let created: Vec<&Value> = created.filter(|it| it["what"]["event"] == "created").collect();
    assert_eq!(created.len(), 1, "{journal}");
    assert_eq!(created[0]["what"]["url"], "[masked]");
    assert_eq!(created[0]["payment"], "000001");
    let outbox: Value = serde_json::from_str(file(&files, "outbox.json")).expect("JSON");
    assert_eq!(outbox["waiting_count"], 0);
    assert!(file(&files, "doctor.txt").contains("ok    configuration"));
    let configuration = file(&files, "configuration.txt");
    assert!(configuration.contains("present, not shown"), "{configuration}");
    assert!(configuration.contains("ZVT terminal 12345678 in EUR, a password"), "{configuration}");
    assert!(file(&files, "metrics.prom").contains("terminald_outbox_queued"));
    assert!(file(&files, "health.txt").contains("calls that wait for Klarna     0"));
    assert!(file(&files, "version.txt").contains(env!("CARGO_PKG_VERSION")));
    assert!(file(&files, "schema.txt").contains("in the file: 2"));
    assert!(file(&files, "kernel.txt").contains("Linux"));
    for name in ["os-release.txt", "uptime.txt", "mounts.txt", "disks.txt"] {
        assert!(!file(&files, name).is_empty(), "{name}");
    }
    let again = ["doctor", "--config", text(&config), "--bundle", text(&path)];
    check(&again, 1, &["cannot make ", "it must be a new file"]);
    let other = terminal.path("other.tar.gz");
    let again = ["doctor", "--config", text(&config), "--bundle", text(&other)];
    let code = i32::from(checks.iter().any(|check| check["state"] == "fail"));
    check(&again, code, &["written: ", "in it: doctor.txt", "not in it: the API key"]);
    terminal.finish().await;
}

#[test]
fn a_bundle_of_a_refused_configuration_repeats_no_password() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let config = directory.path().join("terminal.toml");
    std::fs::write(&config, "[till]\npassword = 135790\n").expect("a file");
    let path = directory.path().join("support.tar.gz");
    let (code, checks) = diagnosed(&config, &["--bundle", text(&path)]);
    assert_eq!(code, Some(78));
    says(&checks, "configuration", &["line 2: invalid type"]);
    assert!(!found(&checks, "configuration").contains("135790"), "{checks:#?}");
    let files = unpacked(&path);
    assert!(file(&files, "configuration.txt").contains("refused: "));
    assert!(files.iter().all(|(_, text)| !text.contains("135790")), "{files:?}");
}
