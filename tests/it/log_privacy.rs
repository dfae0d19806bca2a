//! The real binary with its log wide open: nothing in it that a shopper, a till or Klarna would not
//! want to read there.

use crate::terminal::{Program, Terminal, Wire};
use klarna_terminald::simulator::Fault;
use klarna_terminald::simulator::ShopperAction::{Approve, Open};
use serde_json::Value;

const SALE: &str = r#"{"op":"sale","ref":"TILLREF-77","amount":1200,"currency":"EUR","merchant_reference":"ORDER-SECRET-88","line_items":[{"name":"Private Article","quantity":2,"amount":1200}]}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_at_trace_tells_nothing_private() {
    let settings = [("log.filter", "\"trace\""), ("log.format", "\"json\"")];
    let mut terminal = Terminal::start(Wire::Serial, Program::Binary, &settings).await;
    for fault in ["wrong-currency:create:1", "truncated:interoperability:1", "html=502:create:1"] {
        terminal.simulator.fault(fault.parse::<Fault>().expect("fault"));
    }
    terminal.till.say(&SALE.replace("TILLREF-77", "TILLREF-76"));
    terminal.till.result("TILLREF-76").await;
    let mut tokens = Vec::new();
    terminal.till.say(SALE);
    terminal.till.stage("TILLREF-77", "awaiting_shopper").await;
    let url = terminal.scan().await;
    let newest = terminal.simulator.newest_request().expect("a request");
    for fault in ["drop-after:confirm:1", "wrong-id:read:1", "drop-before:read:1"] {
        terminal.simulator.fault(fault.parse::<Fault>().expect("fault"));
    }
    terminal.simulator.shopper(&newest, Open).expect("opens");
    terminal.till.stage("TILLREF-77", "shopper_paying").await;
    terminal.simulator.shopper(&newest, Approve).expect("approves");
    tokens.extend(terminal.simulator.requests().into_iter().filter_map(|r| r.confirmation_token));
    terminal.till.result("TILLREF-77").await;
    terminal.simulator.set_offline(true);
    terminal.till.acknowledge("TILLREF-77").await;
    terminal.simulator.fault("drop-after:capture:1".parse::<Fault>().expect("fault"));
    terminal.simulator.fault("unauthorized:refund:1".parse::<Fault>().expect("fault"));
    terminal.simulator.set_offline(false);
    for line in [
        r#"{"op":"sale","ref":"TILLREF-78","amount":"MISTYPED-AMOUNT"}"#,
        r#"{"op":"MISTYPED-OP","ref":"TILLREF-79"}"#,
        r#"{"op":"sale","MISTYPED-FIELD":1}"#,
        "MISTYPED-GARBAGE",
        r#"{"op":"status","ref":"TILLREF-80"}"#,
    ] {
        terminal.till.say(line);
    }
    terminal.till.status("TILLREF-77").await;
    terminal.settled().await;
    terminal.switch_off().await;

    let log = std::fs::read_to_string(terminal.path("log")).expect("the log");
    assert!(log.contains("\"level\":\"DEBUG\""), "the log is wide open:\n{log}");
    assert!(log.contains("exchange with Klarna") && log.contains("recorded"), "{log}");
    assert_eq!(tokens.len(), 1, "a token to look for");
    let page = url.rsplit('/').nth(1).expect("an id in the URL").to_owned();
    let mut secrets = vec![
        "klarna_test_api_simulator".to_owned(),
        "a2xhcm5hX3Rlc3RfYXBp".to_owned(),
        "uthorization".to_owned(),
        "Basic ".to_owned(),
        "TILLREF".to_owned(),
        "ORDER-SECRET".to_owned(),
        "Private Article".to_owned(),
        "MISTYPED".to_owned(),
        "payment_request_id".to_owned(),
        "confirmation-tokens".to_owned(),
        "Please sign in".to_owned(),
        "/eu/requests".to_owned(),
        page,
        url,
    ];
    secrets.extend(tokens);
    for line in log.lines() {
        let found = secrets.iter().find(|secret| line.contains(secret.as_str()));
        assert_eq!(found, None, "in the log: {line}");
        let record: Value = serde_json::from_str(line).expect("a line is a JSON object");
        let target = record["target"].as_str().unwrap_or_default();
        let level = record["level"].as_str().unwrap_or_default();
        let ours = target.starts_with("klarna_terminald");
        assert!(ours || level == "WARN" || level == "ERROR", "a library talks: {line}");
    }
}
