//! The binary's command line, run as people run it: help, exit codes, lists beside a running daemon.

use crate::terminal::{Terminal, terminate};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_klarna-terminald"))
        .args(arguments)
        .env_remove("CREDENTIALS_DIRECTORY")
        .output()
        .expect("the binary")
}

/// The command ends with `code` and says all of these, on one stream or the other.
pub fn check(arguments: &[&str], code: i32, says: &[&str]) -> String {
    let output = run(arguments);
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{text}");
    for words in says {
        assert!(text.contains(words), "{arguments:?} does not say {words:?}\n{text}");
    }
    text
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("a printable path")
}

#[test]
fn help_says_what_each_command_is_for() {
    let roles = ["run", "check-config", "payments", "outbox", "till", "simulate", "demo"];
    check(&["--help"], 0, &roles);
    check(&["--help"], 0, &["not made, endorsed or supported by Klarna"]);
    check(&["run", "--help"], 0, &["--config <FILE>", "Run the terminal"]);
    check(&["check-config", "--help"], 0, &["--config <FILE>"]);
    check(&["payments", "--help"], 0, &["--config", "--database", "[NUMBER]", "--count"]);
    check(&["outbox", "--help"], 0, &["--database", "need a person", "resolve"]);
    check(&["simulate", "--help"], 0, &["--api", "--control", "--fault", "drop-after:capture:1"]);
    check(&["demo", "--help"], 0, &["--till <PROTOCOL>", "--listen <ADDRESS|pty>", "with .66"]);
    check(&["--version"], 0, &[env!("CARGO_PKG_VERSION")]);
}

#[test]
fn exit_codes_tell_scripts_what_went_wrong() {
    check(&[], 2, &["Usage"]);
    check(&["pay"], 2, &["unrecognized subcommand"]);
    check(&["payments"], 2, &["--config", "--database"]);
    check(&["payments", "--config", "a", "--database", "b"], 2, &["cannot be used with"]);
    check(&["run", "--config", "/nonexistent.toml"], 78, &["cannot read /nonexistent.toml"]);
    check(&["check-config", "--config", "/nonexistent.toml"], 78, &["cannot read"]);
    check(&["payments", "--config", "/nonexistent.toml"], 78, &["cannot read"]);
    check(&["payments", "--database", "/nonexistent.sqlite"], 1, &["cannot open /nonexistent"]);
    check(&["outbox", "--database", "/nonexistent.sqlite"], 1, &["cannot open /nonexistent"]);
    check(&["simulate", "--fault", "gremlins"], 1, &["unknown fault \"gremlins\""]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_beside_a_running_daemon() {
    let mut terminal = Terminal::binary(&[]).await;
    let (config, database) = (terminal.path("terminal.toml"), terminal.path("terminal.sqlite"));
    check(&["check-config", "--config", text(&config)], 0, &["S12-T3 at Test Store", "not shown"]);
    check(&["payments", "--config", text(&config)], 0, &["no payments yet"]);
    terminal.sell_and_acknowledge("A-1", 1200).await;
    terminal.settled().await;
    terminal.simulator.set_offline(true);
    terminal.till.say(r#"{"op":"refund","ref":"R-1","sale":"A-1","amount":200}"#);
    terminal.till.operation("R-1", "queued").await;
    let list = ["payments", "--database", text(&database)];
    check(&list, 0, &["000001", "EUR 12.00", "paid, captured 12.00, 1 queued", "A-1"]);
    let journal = ["payments", "--database", text(&database), "1"];
    let says = ["payment 000001 of EUR 12.00", "sale_requested", "captured EUR 12.00"];
    let shown = check(&journal, 0, &says);
    assert!(shown.contains("refund_queued EUR 2.00"), "{shown}");
    assert!(!shown.contains("token"), "a list shows no token: {shown}");
    let outbox = ["outbox", "--database", text(&database)];
    check(&outbox, 0, &["1 call(s) wait for Klarna, 0 need(s) a person", "refund", "EUR 2.00"]);
    check(&["payments", "--database", text(&database), "9"], 1, &["there is no payment 9"]);
    terminal.simulator.set_offline(false);
    terminal.settled().await;
    check(&list, 0, &["paid, captured 12.00, refunded 2.00"]);
    check(&outbox, 0, &["0 call(s) wait for Klarna"]);
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_made_and_checked_beside_a_running_daemon() {
    let mut terminal = Terminal::binary(&[]).await;
    let (database, folder) = (terminal.path("terminal.sqlite"), terminal.path("stick"));
    std::fs::create_dir(&folder).expect("a folder");
    terminal.sell_and_acknowledge("A-1", 1200).await;
    terminal.settled().await;
    let ask = ["backup", "--database", text(&database), "--to", text(&folder)];
    check(&ask, 0, &["copied and checked", ".snapshots/000001-", "calls wait for Klarna  0"]);
    let copies = std::fs::read_dir(&folder).expect("readable").flatten().map(|file| file.path());
    let copies: Vec<_> = copies.collect();
    let [copy] = &copies[..] else { panic!("one copy and nothing unfinished: {copies:?}") };
    check(&["payments", "--database", text(copy)], 0, &["A-1", "captured 12.00"]);
    let nowhere = ["backup", "--database", text(&database), "--to", "/nonexistent"];
    check(&nowhere, 1, &["/nonexistent/000002-", "cannot be written"]);
    check(&["backup", "--database", "/nonexistent.sqlite"], 1, &["cannot open /nonexistent"]);
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_simulator_answers_and_its_settings_make_a_terminal() {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    let directory = tempfile::TempDir::new().expect("temporary directory");
    let mut child = Command::new(env!("CARGO_BIN_EXE_klarna-terminald"))
        .args(["simulate", "--api", "127.0.0.1:0", "--control", "127.0.0.1:0", "--tls-dir"])
        .arg(directory.path().join("ca"))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the binary");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
    let mut said = Vec::new();
    for line in lines.by_ref() {
        let line = line.expect("a line");
        let last = line.starts_with("Stop with");
        said.push(line);
        if last {
            break;
        }
    }
    let address = said[1].rsplit("http://").next().expect("an address").to_owned();
    let begun = Instant::now();
    let mut stream = std::net::TcpStream::connect(&address).expect("the control port");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    let request = format!("GET /ledger HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("[]"), "{answer}");
    assert!(begun.elapsed() < Duration::from_secs(30));
    let settings: Vec<&str> =
        said.iter().map(|line| line.trim()).filter(|line| line.contains(" = ")).collect();
    let settings = settings.join("\n");
    assert!(settings.contains("environment   = \"custom\""), "{settings}");
    assert!(settings.contains("qr_hosts      = [\"localhost\"]"), "codes need a host: {settings}");
    toml::from_str::<toml::Table>(&settings).expect("settings to be pasted");
    assert_eq!(terminate(child).await, Some(0));
}
