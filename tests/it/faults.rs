//! Every fault of the network and of Klarna on every route that a payment uses: the money is taken
//! once or not at all, never both, and the till hears which.
//!
//! One line per case: the fault, what the till was told, and what Klarna's ledger says. Each case has
//! a terminal and a Klarna of its own; they run side by side, and those first whose fault asks for a
//! minute of patience. None of them leaves a call that needs a person: every refusal here is one that
//! the next attempt or a read resolves.
//!
//! Two requests stay open at Klarna without a terminal that knows them, because the answer was
//! about other money or another request; they lapse by themselves and are never confirmed.

use crate::terminal::{Program, Terminal, Wire, sale};
use klarna_terminald::simulator::ShopperAction::Approve;
use klarna_terminald::simulator::{Fault, RouteKind};
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Cases that are busy at the same time.
const SIDE_BY_SIDE: usize = 40;

const CASES: &str = "
    drop-before:create:1 => approved, captured 1200
    drop-after:create:1 => approved, captured 1200
    delay=700:create:1 => approved, captured 1200
    status=500:create:1 => approved, captured 1200
    status=503:create:1 => approved, captured 1200
    status-empty=502:create:1 => approved, captured 1200
    status-after:create:1 => approved, captured 1200
    rate-limited:create:1 => approved, captured 1200
    forbidden:create:1 => not_paid no_connection, request CANCELED
    truncated:create:1 => approved, captured 1200
    html=200:create:1 => approved, captured 1200
    html=502:create:1 => approved, captured 1200
    wrong-id:create:1 => not_paid timed_out, request PENDING_CONFIRMATION
    wrong-currency:create:1 => not_paid refused, request SUBMITTED
    unknown-state:create:1 => approved, captured 1200
    unauthorized:create:1 => not_paid refused
    drop-before:interoperability:1 => approved, captured 1200
    drop-after:interoperability:1 => approved, captured 1200
    delay=700:interoperability:1 => approved, captured 1200
    status=500:interoperability:1 => approved, captured 1200
    status=503:interoperability:1 => approved, captured 1200
    status-empty=502:interoperability:1 => approved, captured 1200
    status-after:interoperability:1 => approved, captured 1200
    rate-limited:interoperability:1 => approved, captured 1200
    forbidden:interoperability:1 => not_paid no_connection, request CANCELED
    truncated:interoperability:1 => approved, captured 1200
    html=200:interoperability:1 => approved, captured 1200
    html=502:interoperability:1 => approved, captured 1200
    wrong-id:interoperability:1 => approved, captured 1200
    wrong-currency:interoperability:1 => approved, captured 1200
    unknown-state:interoperability:1 => approved, captured 1200
    unauthorized:interoperability:1 => not_paid not_available, request CANCELED
    drop-before:descriptors:1 => approved, captured 1200
    drop-after:descriptors:1 => approved, captured 1200
    delay=700:descriptors:1 => approved, captured 1200
    status=500:descriptors:1 => approved, captured 1200
    status=503:descriptors:1 => approved, captured 1200
    status-empty=502:descriptors:1 => approved, captured 1200
    status-after:descriptors:1 => approved, captured 1200
    rate-limited:descriptors:1 => approved, captured 1200
    forbidden:descriptors:1 => approved, captured 1200
    truncated:descriptors:1 => approved, captured 1200
    html=200:descriptors:1 => approved, captured 1200
    html=502:descriptors:1 => approved, captured 1200
    wrong-id:descriptors:1 => approved, captured 1200
    wrong-currency:descriptors:1 => approved, captured 1200
    unknown-state:descriptors:1 => approved, captured 1200
    unauthorized:descriptors:1 => approved, captured 1200
    drop-before:read:1 => approved, captured 1200
    drop-after:read:1 => approved, captured 1200
    delay=700:read:1 => approved, captured 1200
    status=500:read:1 => approved, captured 1200
    status=503:read:1 => approved, captured 1200
    status-empty=502:read:1 => approved, captured 1200
    status-after:read:1 => approved, captured 1200
    rate-limited:read:1 => approved, captured 1200
    forbidden:read:1 => approved, captured 1200
    truncated:read:1 => approved, captured 1200
    html=200:read:1 => approved, captured 1200
    html=502:read:1 => approved, captured 1200
    wrong-id:read:1 => approved, captured 1200
    wrong-currency:read:1 => approved, captured 1200
    unknown-state:read:1 => approved, captured 1200
    unauthorized:read:1 => approved, captured 1200
    drop-before:confirm:1 => approved, captured 1200
    drop-after:confirm:1 => approved, captured 1200
    delay=700:confirm:1 => approved, captured 1200
    status=500:confirm:1 => approved, captured 1200
    status=503:confirm:1 => approved, captured 1200
    status-empty=502:confirm:1 => approved, captured 1200
    status-after:confirm:1 => approved, captured 1200
    rate-limited:confirm:1 => approved, captured 1200
    forbidden:confirm:1 => approved, captured 1200
    truncated:confirm:1 => approved, captured 1200
    html=200:confirm:1 => approved, captured 1200
    html=502:confirm:1 => approved, captured 1200
    wrong-id:confirm:1 => approved, captured 1200
    wrong-currency:confirm:1 => approved, captured 1200
    unknown-state:confirm:1 => approved, captured 1200
    unauthorized:confirm:1 => approved, captured 1200
    drop-before:capture:1 => approved, captured 1200
    drop-after:capture:1 => approved, captured 1200
    delay=700:capture:1 => approved, captured 1200
    status=500:capture:1 => approved, captured 1200
    status=503:capture:1 => approved, captured 1200
    status-empty=502:capture:1 => approved, captured 1200
    status-after:capture:1 => approved, captured 1200
    rate-limited:capture:1 => approved, captured 1200
    forbidden:capture:1 => approved, captured 1200
    truncated:capture:1 => approved, captured 1200
    html=200:capture:1 => approved, captured 1200
    html=502:capture:1 => approved, captured 1200
    wrong-id:capture:1 => approved, captured 1200
    wrong-currency:capture:1 => approved, captured 1200
    unknown-state:capture:1 => approved, captured 1200
    unauthorized:capture:1 => approved, captured 1200
    drop-before:refund:1 => approved, captured 1200, refunded 1200
    drop-after:refund:1 => approved, captured 1200, refunded 1200
    delay=700:refund:1 => approved, captured 1200, refunded 1200
    status=500:refund:1 => approved, captured 1200, refunded 1200
    status=503:refund:1 => approved, captured 1200, refunded 1200
    status-empty=502:refund:1 => approved, captured 1200, refunded 1200
    status-after:refund:1 => approved, captured 1200, refunded 1200
    rate-limited:refund:1 => approved, captured 1200, refunded 1200
    forbidden:refund:1 => approved, captured 1200, refunded 1200
    truncated:refund:1 => approved, captured 1200, refunded 1200
    html=200:refund:1 => approved, captured 1200, refunded 1200
    html=502:refund:1 => approved, captured 1200, refunded 1200
    wrong-id:refund:1 => approved, captured 1200, refunded 1200
    wrong-currency:refund:1 => approved, captured 1200, refunded 1200
    unknown-state:refund:1 => approved, captured 1200, refunded 1200
    unauthorized:refund:1 => approved, captured 1200, refunded 1200
    drop-before:void:1 => approved, voided
    drop-after:void:1 => approved, voided
    delay=700:void:1 => approved, voided
    status=500:void:1 => approved, voided
    status=503:void:1 => approved, voided
    status-empty=502:void:1 => approved, voided
    status-after:void:1 => approved, voided
    rate-limited:void:1 => approved, voided
    forbidden:void:1 => approved, voided
    truncated:void:1 => approved, voided
    html=200:void:1 => approved, voided
    html=502:void:1 => approved, voided
    wrong-id:void:1 => approved, voided
    wrong-currency:void:1 => approved, voided
    unknown-state:void:1 => approved, voided
    unauthorized:void:1 => approved, voided
    drop-before:cancel:1 => not_paid aborted_by_till, request CANCELED
    drop-after:cancel:1 => not_paid aborted_by_till, request CANCELED
    delay=700:cancel:1 => not_paid aborted_by_till, request CANCELED
    status=500:cancel:1 => not_paid aborted_by_till, request CANCELED
    status=503:cancel:1 => not_paid aborted_by_till, request CANCELED
    status-empty=502:cancel:1 => not_paid aborted_by_till, request CANCELED
    status-after:cancel:1 => not_paid aborted_by_till, request CANCELED
    rate-limited:cancel:1 => not_paid aborted_by_till, request CANCELED
    forbidden:cancel:1 => not_paid aborted_by_till, request CANCELED
    truncated:cancel:1 => not_paid aborted_by_till, request CANCELED
    html=200:cancel:1 => not_paid aborted_by_till, request CANCELED
    html=502:cancel:1 => not_paid aborted_by_till, request CANCELED
    wrong-id:cancel:1 => not_paid aborted_by_till, request CANCELED
    wrong-currency:cancel:1 => not_paid aborted_by_till, request CANCELED
    unknown-state:cancel:1 => not_paid aborted_by_till, request CANCELED
    unauthorized:cancel:1 => not_paid aborted_by_till, request CANCELED
    drop-before:create:3 => approved, captured 1200
    truncated:create:3 => approved, captured 1200
    html=200:read:3 => approved, captured 1200
    drop-after:confirm:3 => approved, captured 1200
    status=503:confirm:3 => approved, captured 1200
    drop-after:capture:3 => approved, captured 1200
    wrong-id:capture:3 => approved, captured 1200
    drop-after:refund:3 => approved, captured 1200, refunded 1200
    drop-after:void:3 => approved, voided
    unknown-state:cancel:3 => not_paid aborted_by_till, request CANCELED
";

#[test]
fn every_fault_on_every_route() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(all());
}

async fn all() {
    let mut cases = JoinSet::new();
    let places = Arc::new(Semaphore::new(SIDE_BY_SIDE));
    for line in CASES.lines().filter(|line| !line.trim().is_empty()) {
        let (fault, expected) = line.trim().split_once(" => ").expect("fault => end");
        // A future of one type: the compiler makes the code once.
        let case: std::pin::Pin<Box<dyn Future<Output = String> + Send>> =
            Box::pin(case(fault.parse().expect("a fault")));
        let (fault, expected) = (fault.to_owned(), expected.to_owned());
        let patient = fault.starts_with("forbidden") || fault.starts_with("unauthorized");
        let places = places.clone();
        cases.spawn(async move {
            let _place = match patient {
                true => None,
                false => Some(places.acquire_owned().await.expect("never closed")),
            };
            let end = tokio::spawn(case).await.unwrap_or_else(|_| "panicked".to_owned());
            (end != expected).then(|| format!("{fault} => {end}"))
        });
    }
    let wrong: Vec<String> = cases.join_all().await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "cases that ended otherwise:\n{}", wrong.join("\n"));
}

/// Plays the story that uses the fault's route; says how it ended.
async fn case(fault: Fault) -> String {
    let route = fault.route;
    let capture = if route == RouteKind::Void { "\"manual\"" } else { "\"on_till_ack\"" };
    let settings = [
        ("display.output", "\"none\""),
        ("payment.capture", capture),
        // A request under a wrong id can never be read: the shopper's time must run out.
        ("payment.timeout_s", if is_lost(&fault) { "4" } else { "120" }),
        // Its refused cancel is followed by one read more; at the fastest pace that is a third one.
        ("klarna.poll_ms", if is_lost(&fault) { "1500" } else { "500" }),
        ("payment.create_timeout_s", "15"),
    ];
    let mut terminal = Terminal::start(Wire::Tcp, Program::Here, &settings).await;
    let warm = || !terminal.simulator.calls().is_empty();
    terminal.until("the connection is warm", warm).await;
    match route {
        RouteKind::Capture => {
            terminal.sell("A-1", 1200).await;
            terminal.simulator.fault(fault);
            terminal.till.acknowledge("A-1").await;
        }
        RouteKind::Refund | RouteKind::Void => {
            terminal.sell_and_acknowledge("A-1", 1200).await;
            terminal.settled().await;
            terminal.simulator.fault(fault);
            let op = if route == RouteKind::Void { "void" } else { "refund" };
            terminal.till.say(&format!(r#"{{"op":"{op}","ref":"O-1","sale":"A-1"}}"#));
            terminal.till.operation("O-1", "done").await;
        }
        RouteKind::Cancel => {
            terminal.till.ask_sale("A-1", 1200).await;
            terminal.simulator.fault(fault);
            terminal.till.say(r#"{"op":"abort","ref":"A-1"}"#);
            terminal.till.result("A-1").await;
        }
        _ => {
            terminal.simulator.fault(fault);
            take_payment(&mut terminal).await;
        }
    }
    terminal.settled().await;
    let end = describe(&mut terminal).await;
    terminal.finish().await;
    end
}

fn is_lost(fault: &Fault) -> bool {
    *fault == "wrong-id:create:1".parse().expect("a fault")
}

/// Sells, whatever comes; the shopper approves as soon as there is something to approve.
async fn take_payment(terminal: &mut Terminal) {
    terminal.till.expect_shopper("A-1");
    terminal.till.say(&sale("A-1", 1200));
    let what = "something to scan, or the result";
    let shown = |line: &Value| line["stage"] == "awaiting_shopper" || line["event"] == "result";
    if terminal.till.hear(what, shown).await["event"] == "result" {
        return;
    }
    terminal.shopper(Approve);
    if terminal.till.result("A-1").await["status"] == "approved" {
        terminal.till.acknowledge("A-1").await;
    }
}

/// What the till is told now, and what Klarna says.
async fn describe(terminal: &mut Terminal) -> String {
    let result = terminal.till.status("A-1").await["result"].clone();
    let mut text = result["status"].as_str().unwrap_or("no result").to_owned();
    if let Some(reason) = result["reason"].as_str() {
        text.push_str(&format!(" {reason}"));
    }
    for request in terminal.simulator.requests().iter().filter(|r| r.state != "AUTHORIZED") {
        text.push_str(&format!(", request {}", request.state));
    }
    for book in terminal.klarna().into_values() {
        for minor in book.captured {
            text.push_str(&format!(", captured {minor}"));
        }
        for minor in book.refunded {
            text.push_str(&format!(", refunded {minor}"));
        }
        if book.voided {
            text.push_str(", voided");
        }
    }
    text
}
