//! Earlier sales and refused calls from the command line, beside a running daemon: the same books,
//! the same rules, and the till hears of it only what concerns its own commands.

use crate::cli::{check, text};
use crate::terminal::Terminal;
use klarna_terminald::console::access_beside;
use klarna_terminald::simulator::Fault;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_is_captured_refunded_and_named_anew_from_the_command_line() {
    let mut terminal = Terminal::binary(&[("payment.capture", "\"manual\"")]).await;
    let config = terminal.path("terminal.toml");
    let config = text(&config);
    terminal.sell_and_acknowledge("A-1", 1200).await;
    let update = ["update", "--config", config, "--sale", "A-1", "--merchant-reference", "Order 7"];
    check(&update, 1, &["nobody is here to be asked; add --yes"]);
    check(&[&update[..], &["--yes"]].concat(), 0, &["update of EUR 12.00 on sale A-1: done"]);
    let transaction = terminal.simulator.transactions()[0].clone();
    assert_eq!(transaction.merchant_reference.as_deref(), Some("Order 7"));
    let capture = ["capture", "--config", config, "--sale", "A-1", "--amount", "10.00", "--yes"];
    let says = ["sale A-1 of EUR 12.00: paid", "capture of EUR 10.00 on sale A-1: done at Klarna"];
    check(&capture, 0, &says);
    let release = ["release", "--config", config, "--transaction", &transaction.id, "--yes"];
    check(&release, 0, &["release of EUR 2.00 on sale A-1: done"]);
    let name = transaction.payment_reference.clone().expect("ours");
    let refund = ["refund", "--config", config, "--payment-reference", &name, "--yes"];
    let five = [&refund[..], &["--amount", "5", "--ref", "counter-7"]].concat();
    check(&five, 0, &["refund of EUR 5.00 on sale A-1: done"]);
    check(&five, 0, &["refund of EUR 5.00 on sale A-1: done"]);
    assert_eq!(terminal.simulator.transactions()[0].refunded(), 500, "the same --ref is the same");
    let numbered = ["refund", "--config", config, "--payment", "1", "--amount", "7", "--yes"];
    check(&numbered, 1, &["EUR 7.00 is too much"]);
    let six = [&refund[..], &["--amount", "6"]].concat();
    check(&six, 1, &["EUR 6.00 is too much; EUR 5.00 can still be refunded"]);
    let wrong = ["refund", "--config", config, "--transaction", "krn:none", "--yes"];
    check(&wrong, 1, &["krn:none is not in this journal", "no sale is known under transaction"]);
    check(&["void", "--config", config, "--sale", "A-9", "--yes"], 1, &["nothing is known under"]);
    let heard = terminal.till.transcript();
    assert!(!heard.contains("desk-"), "the till hears nothing of the desk: {heard}");
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_that_this_journal_does_not_know_is_read_first_and_needs_the_network() {
    let mut terminal = Terminal::binary(&[]).await;
    terminal.sell_and_acknowledge("A-1", 1200).await;
    terminal.settled().await;
    terminal.switch_off().await;
    for file in ["terminal.sqlite", "terminal.sqlite-wal", "terminal.sqlite-shm"] {
        let _ = std::fs::remove_file(terminal.path(file));
    }
    terminal.switch_on().await;
    let config = terminal.path("terminal.toml");
    let id = terminal.simulator.transactions()[0].id.clone();
    let refund = ["refund", "--config", text(&config), "--transaction", &id, "--yes"];
    let two = [&refund[..], &["--amount", "2", "--currency", "EUR"]].concat();
    terminal.simulator.set_offline(true);
    let says = ["Klarna has to be asked about"];
    check(&two, 1, &says);
    terminal.simulator.set_offline(false);
    check(&two, 0, &["is not in this journal; Klarna will be asked", "refund of EUR 2.00", "done"]);
    // The till knows it by Klarna's id as well, and offline the journal is enough now.
    terminal.simulator.set_offline(true);
    let line = format!(r#"{{"op":"refund","ref":"F-1","transaction":"{id}","amount":300}}"#);
    terminal.till.say(&line);
    let queued = terminal.till.operation("F-1", "queued").await;
    assert_eq!(queued["transaction"], *id);
    terminal.simulator.set_offline(false);
    terminal.till.operation("F-1", "done").await;
    assert_eq!(terminal.simulator.transactions()[0].refunded(), 500);
    let all = check(&refund, 0, &["refund of EUR 7.00", "done"]);
    assert!(all.contains("paid, captured 12.00, refunded 5.00"), "{all}");
    check(&refund, 1, &["nothing is left to be refunded"]);
    assert_eq!(terminal.simulator.transactions()[0].refunded(), 1200);
    assert!(terminal.simulator.mistakes().is_empty(), "{:?}", terminal.simulator.mistakes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_call_is_shown_retried_and_resolved() {
    let mut terminal = Terminal::binary(&[]).await;
    let database = terminal.path("terminal.sqlite");
    let database = text(&database);
    terminal.simulator.fault("html=422:capture:1".parse::<Fault>().expect("a fault"));
    terminal.sell_and_acknowledge("A-1", 1200).await;
    let reader = terminal.reader();
    let refused = move || reader.refused().is_ok_and(|rows| rows.len() == 1);
    terminal.until("a call is refused", refused).await;
    let list = ["outbox", "list", "--database", database];
    let shown = check(&list, 0, &["0 call(s) wait for Klarna, 1 need(s) a person", "outbox retry"]);
    let call = shown.lines().find_map(|line| line.strip_prefix("! ")).expect("a refused call");
    let call = call.split(' ').next().expect("its number").to_owned();
    let says = ["refused", "key ", "call_refused", "error_id"];
    check(&["outbox", "show", &call, "--database", database], 0, &says);
    terminal.simulator.fault("html=422:capture:1".parse::<Fault>().expect("a fault"));
    check(&["outbox", "retry", &call, "--database", database], 0, &["recorded"]);
    let reader = terminal.reader();
    let refused = move || reader.refused().is_ok_and(|rows| rows.len() == 1);
    terminal.until("it is refused again", refused).await;
    check(&["outbox", "retry", &call, "--database", database], 0, &["recorded"]);
    terminal.settled().await;
    assert_eq!(terminal.simulator.transactions()[0].captured(), 1200);
    check(&["outbox", "retry", &call, "--database", database], 1, &["not on the list"]);
    terminal.simulator.fault("html=422:refund:1".parse::<Fault>().expect("a fault"));
    terminal.till.say(r#"{"op":"refund","ref":"F-1","sale":"A-1","amount":200}"#);
    terminal.till.operation("F-1", "refused").await;
    let shown = check(&list, 0, &["1 need(s) a person"]);
    let call = shown.lines().find_map(|line| line.strip_prefix("! ")).expect("a refused call");
    let call = call.split(' ').next().expect("its number").to_owned();
    let reason = ["--reason", "given back in cash, receipt 17"];
    let resolve = [&["outbox", "resolve", &call, "--database", database][..], &reason].concat();
    check(&resolve, 1, &["nobody is here to be asked"]);
    check(&[&resolve[..], &["--yes"]].concat(), 0, &["is off the list"]);
    check(&list, 0, &["0 call(s) wait for Klarna, 0 need(s) a person"]);
    let journal = ["payments", "--database", database, "1"];
    check(&journal, 0, &["call_resolved", "given back in cash, receipt 17"]);
    check(&["outbox", "retry", "--database", database], 0, &["recorded"]);
    terminal.finish().await;
}

/// What the audit journal says, oldest first: action, detail and who.
fn audited(terminal: &Terminal) -> Vec<(String, serde_json::Value, String)> {
    let path = access_beside(&terminal.path("terminal.sqlite"));
    let journal = rusqlite::Connection::open(path).expect("the users' file");
    let mut rows = journal
        .prepare("SELECT action, detail, actor || ' ' || coalesce(peer, '') FROM audit ORDER BY sequence")
        .expect("the audit journal");
    let row = |row: &rusqlite::Row<'_>| {
        let detail: String = row.get(1)?;
        Ok((row.get(0)?, serde_json::from_str(&detail).expect("JSON"), row.get(2)?))
    };
    rows.query_map([], row).expect("rows").map(|row| row.expect("a row")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_changes_something_at_the_desk_stands_in_the_audit_journal() {
    let mut terminal = Terminal::binary(&[("payment.capture", "\"manual\"")]).await;
    let config = terminal.path("terminal.toml");
    let config = text(&config);
    terminal.sell_and_acknowledge("A-1", 1200).await;
    let sale = ["--config", config, "--sale", "A-1", "--yes"];
    check(&[&["capture"], &sale[..], &["--amount", "10"]].concat(), 0, &["done"]);
    check(&[&["release"], &sale[..]].concat(), 0, &["done"]);
    let refund = [&["refund"], &sale[..], &["--ref", "counter-7"]].concat();
    let why = ["--amount", "5", "--reason", "damaged"];
    check(&[&refund[..], &why].concat(), 0, &["done"]);
    let why = ["--amount", "1", "--reason", "the cat sat on it"];
    check(&[&["refund"], &sale[..], &why].concat(), 0, &["done"]);
    let long = "x".repeat(201);
    for wrong in ["", "a\nb", &long] {
        let why = [&["refund"], &sale[..], &["--amount", "1", "--reason", wrong]].concat();
        check(&why, 2, &["--reason"]);
    }
    check(&[&["refund"], &sale[..], &["--amount", "6"]].concat(), 1, &["too much"]);
    let story = ["refund_queued EUR 5.00, damaged", "EUR 1.00, other: the cat sat on it"];
    check(&["payments", "--config", config, "1"], 0, &story);
    check(&["outbox", "retry", "--config", config], 0, &["recorded"]);
    let resolve = ["outbox", "resolve", "1.1", "--config", config, "--reason", "x", "--yes"];
    check(&resolve, 1, &["not on the list"]);
    let entries = audited(&terminal);
    let of = |wanted: &str| -> Vec<&(String, serde_json::Value, String)> {
        entries.iter().filter(|(action, ..)| action == wanted).collect()
    };
    let own = format!("\"uid\":{}", rustix::process::geteuid().as_raw());
    for (action, answer) in [("capture", "capture"), ("release", "release"), ("retry", "done")] {
        let [asked, answered] = of(action)[..] else { panic!("{action}: {entries:#?}") };
        assert_eq!(asked.1["answer"], serde_json::Value::Null, "before it was done");
        assert_eq!(answered.1["answer"], answer);
        assert_eq!(asked.1["reference"], answered.1["reference"]);
        assert!(asked.2.contains(&own) && asked.2.ends_with(" socket"), "{}", asked.2);
    }
    let returns = of("return");
    assert_eq!(returns.len(), 6, "{entries:#?}");
    assert_eq!((&returns[0].1["reason"], &returns[0].1["note"]), (&"damaged".into(), &"".into()));
    let note = serde_json::Value::from("the cat sat on it");
    assert_eq!((&returns[2].1["reason"], &returns[2].1["note"]), (&"other".into(), &note));
    assert_eq!(returns[0].1["reference"], "desk-counter-7");
    assert_eq!(returns[0].1["amount"], "EUR 5.00");
    assert_eq!(returns[0].1["sale"], "reference A-1");
    assert_eq!(returns[1].1["answer"], "refund");
    assert_eq!(returns[5].1["answer"], "exceeds_rest");
    assert_eq!(of("resolve")[1].1["answer"], "not_known");
    // Before a capture a refund becomes a void, which keeps the reason.
    terminal.sell_and_acknowledge("A-2", 700).await;
    let all = ["refund", "--config", config, "--sale", "A-2", "--yes", "--reason", "goodwill"];
    check(&all, 0, &["void of EUR 7.00 on sale A-2: done"]);
    let story = ["void_decided (requested_by_till), goodwill"];
    check(&["payments", "--config", config, "2"], 0, &story);
    check(&["audit", "--config", config, "verify"], 0, &["whole"]);
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_noted_is_not_done() {
    let mut terminal = Terminal::binary(&[]).await;
    let config = terminal.path("terminal.toml");
    let config = text(&config);
    terminal.sell_and_acknowledge("A-1", 1200).await;
    terminal.settled().await;
    let path = access_beside(&terminal.path("terminal.sqlite"));
    let journal = rusqlite::Connection::open(&path).expect("the users' file");
    journal.execute_batch("ALTER TABLE audit RENAME TO hidden").expect("renamed");
    let refund = ["refund", "--config", config, "--sale", "A-1", "--amount", "5", "--yes"];
    check(&refund, 1, &["nothing was done", "the audit journal cannot be written"]);
    let status = ["outbox", "retry", "--config", config];
    check(&status, 1, &["nothing was done"]);
    assert_eq!(terminal.simulator.transactions()[0].refunded(), 0);
    journal.execute_batch("ALTER TABLE hidden RENAME TO audit").expect("renamed");
    drop(journal);
    check(&refund, 0, &["refund of EUR 5.00 on sale A-1: done"]);
    // One that cannot even be opened: the till goes on, the desk changes nothing.
    terminal.switch_off().await;
    std::fs::remove_file(&path).expect("removed");
    std::fs::create_dir(&path).expect("a directory in its place");
    terminal.switch_on().await;
    check(&refund, 1, &["nothing was done", "could not be opened"]);
    terminal.sell_and_acknowledge("A-2", 700).await;
    assert_eq!(terminal.simulator.transactions()[0].refunded(), 500);
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_till_cannot_speak_for_the_desk_and_nobody_else_can_reach_it() {
    let mut terminal = Terminal::binary(&[]).await;
    let socket = terminal.path("terminal.sqlite.desk");
    let mode = std::fs::metadata(&socket).expect("the socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    terminal.till.say(r#"{"op":"resolve","ref":"Q-1","call":"1.1","reason":"x"}"#);
    assert_eq!(terminal.till.error("Q-1").await["code"], "unknown_op");
    terminal.till.say(r#"{"op":"refund","ref":"desk-1","sale":"A-1"}"#);
    assert_eq!(terminal.till.error("desk-1").await["code"], "bad_field");
    let mut desk = BufReader::new(UnixStream::connect(&socket).expect("the socket"));
    let mut ask = |line: &str| {
        desk.get_mut().write_all(format!("{line}\n").as_bytes()).expect("sent");
        let mut answer = String::new();
        desk.read_line(&mut answer).expect("an answer");
        answer
    };
    assert!(ask("nonsense").contains("bad_message"));
    assert!(ask(r#"{"op":"refund","ref":"F-1","sale":"A-1"}"#).contains("bad_field"));
    assert!(ask(r#"{"op":"status","ref":"A-1"}"#).contains("not_known"));
    assert!(ask(r#"{"op":"resolve","ref":"desk-1","call":"1.1"}"#).contains("reason"));
    assert!(ask(r#"{"op":"retry","ref":"desk-1","call":"one"}"#).contains("bad_field"));
    terminal.switch_off().await;
    assert!(!socket.exists(), "the socket goes with the daemon");
    let database = terminal.path("terminal.sqlite");
    let retry = ["outbox", "retry", "--database", text(&database)];
    check(&retry, 1, &["no daemon answers on", "start it"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alarms_are_in_the_log_in_the_metrics_and_on_the_command_line() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let metrics = directory.path().join("klarna.prom");
    let file = format!("{metrics:?}");
    let settings = [("metrics.file", file.as_str()), ("alarm.queue_length", "1")];
    let mut terminal = Terminal::binary(&settings).await;
    let config = terminal.path("terminal.toml");
    let health = ["health", "--config", text(&config)];
    check(&health, 0, &["calls that need a person       0"]);
    terminal.simulator.fault("html=422:capture:1".parse::<Fault>().expect("a fault"));
    terminal.sell_and_acknowledge("A-1", 1200).await;
    let reader = terminal.reader();
    terminal.until("a refusal", move || reader.refused().is_ok_and(|r| r.len() == 1)).await;
    check(
        &health,
        1,
        &["calls that need a person       1", "ALARM needs_person: a call was refused"],
    );
    terminal.switch_off().await;
    terminal.switch_on().await;
    let read = || std::fs::read_to_string(&metrics).unwrap_or_default();
    let raised = "terminald_alarm{alarm=\"needs_person\"} 1";
    terminal.until("the metrics are written", || read().contains(raised)).await;
    assert!(read().contains("terminald_outbox_refused 1\n"), "{}", read());
    let log = std::fs::read_to_string(terminal.path("log")).expect("the log");
    let line = log.lines().find(|line| line.contains("needs_person")).expect("an alarm");
    assert!(line.contains("ERROR") && line.contains("retry or resolve"), "{line}");
    terminal.finish_with_refused(1).await;
}
