//! Klarna's books and ours disagree, or Klarna says no for good: a person hears of it, and nothing
//! else is held up.

use crate::terminal::Terminal;
use klarna_terminald::acquirer::Acquirer;
use klarna_terminald::acquirer::klarna::Klarna;
use klarna_terminald::config::{Config, Overrides};
use klarna_terminald::id::{
    CallId, EffectReference, IdempotencyKey, Installation, PaymentId, TransactionId,
};
use klarna_terminald::money::{Amount, Currency};
use klarna_terminald::payment::effect::{Call, CallKind, Outcome};
use std::time::Duration;

const FOUR_YEARS: Duration = Duration::from_secs(4 * 365 * 24 * 3600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_refund_does_not_hold_up_the_next_one() {
    let mut terminal = Terminal::tcp(&[]).await;
    terminal.sell_and_acknowledge("A-1", 1000).await;
    terminal.settled().await;
    terminal.simulator.advance_clock(FOUR_YEARS);
    for reference in ["R-1", "R-2"] {
        let refund = format!(r#"{{"op":"refund","ref":"{reference}","sale":"A-1","amount":100}}"#);
        terminal.till.say(&refund);
        let refused = terminal.till.operation(reference, "refused").await;
        assert_eq!(refused["refusal"]["code"], "OPERATION_FORBIDDEN", "{refused}");
    }
    let status = terminal.till.status("A-1").await;
    assert_eq!(status["money"]["needs_person"], 2, "{status}");
    terminal.finish_with_refused(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_that_someone_else_has_captured_is_never_called_voided() {
    for minor in [1000, 400] {
        let mut terminal = Terminal::tcp(&[("payment.capture", "\"manual\"")]).await;
        terminal.sell_and_acknowledge("A-1", 1000).await;
        capture_in_the_portal(&terminal, minor).await;
        terminal.till.say(r#"{"op":"void","ref":"V-1","sale":"A-1"}"#);
        let refused = terminal.till.operation("V-1", "refused").await;
        assert_eq!(refused["refusal"]["code"], "CONTRADICTION", "{refused}");
        terminal.settled().await;
        assert_eq!(terminal.reader().refused().expect("outbox").len(), 1);
        assert_eq!(terminal.simulator.transactions()[0].captured(), minor);
        assert_eq!(terminal.simulator.mistakes(), []);
        terminal.switch_off().await;
    }
}

/// Somebody with the merchant's own access takes the money beside the terminal.
async fn capture_in_the_portal(terminal: &Terminal, minor: i64) {
    let text = std::fs::read_to_string(terminal.path("terminal.toml")).expect("configuration");
    let config = Config::from_text(&text, &terminal.path("terminal.toml"), &Overrides::default());
    let portal = Acquirer::Klarna(Klarna::new(config.expect("good").klarna).expect("a client"));
    let amount = Amount::new(minor, Currency::new("EUR").expect("EUR"));
    let transaction = terminal.simulator.transactions()[0].id.clone();
    let id = CallId { payment: PaymentId::new(999), sequence: 1 };
    let installation = Installation::new(uuid::Uuid::from_u128(7));
    let key = IdempotencyKey::new(installation, id, "capture", amount, 0);
    let kind = CallKind::Capture {
        transaction: TransactionId::new(transaction).expect("an id"),
        amount,
        reference: EffectReference::new("PORTAL-1").expect("a reference"),
    };
    let outcome = portal.execute(&Call { id, kind, key, generation: 0 }).await;
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
}
