//! Whether the software may be changed now, asked of the real binary beside a daemon that sells.

use crate::cli::{check, text};
use crate::terminal::Terminal;
use klarna_terminald::simulator::ShopperAction;
use serde_json::{Value, json};

fn ready(terminal: &Terminal, more: &[&str], code: i32, words: &[&str]) -> Value {
    let database = terminal.path("terminal.sqlite");
    let asked = [&["ready-for-update", "--database", text(&database)][..], more].concat();
    check(&asked, code, words);
    let said = check(&[&asked[..], &["--json"]].concat(), code, &[]);
    serde_json::from_str(&said).expect("one line of JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_software_may_be_changed_when_no_payment_is_open() {
    let mut terminal = Terminal::binary(&[]).await;
    let updating = terminal.path("updating");
    let told = ready(&terminal, &[], 0, &["ready: no payment is open"]);
    let quiet = json!({
        "ready": true, "open": [], "waiting": 0, "refused": 0, "updating": false,
    });
    assert_eq!(told, quiet);
    terminal.till.ask_sale("A-1", 1200).await;
    let words = ["not ready: 1 payment(s) open", "000001  a shopper is to scan the code, since 20"];
    let told = ready(&terminal, &[], 1, &words);
    assert_eq!(told["open"][0]["state"], "awaiting_shopper");
    ready(&terminal, &["--begin"], 1, &["not ready"]);
    assert!(!updating.exists(), "it is taken away again");
    terminal.shopper(ShopperAction::Approve);
    terminal.till.result("A-1").await;
    ready(&terminal, &[], 1, &["paid, and the till has not acknowledged it"]);
    terminal.till.acknowledge("A-1").await;
    terminal.settled().await;

    terminal.simulator.set_offline(true);
    terminal.till.say(r#"{"op":"refund","ref":"R-1","sale":"A-1","amount":200}"#);
    terminal.till.operation("R-1", "queued").await;
    let words = ["ready: ", "1 call(s) wait for Klarna; they are kept", "no sale can begin"];
    let told = ready(&terminal, &["--begin"], 0, &words);
    assert_eq!((&told["waiting"], &told["updating"]), (&json!(1), &json!(true)));
    assert!(updating.exists());
    ready(&terminal, &["--cancel"], 0, &[]);
    assert!(!updating.exists());
    ready(&terminal, &["--cancel"], 0, &[]);
    terminal.simulator.set_offline(false);
    terminal.till.operation("R-1", "done").await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_begun_an_update_is_not_disturbed_by_another_look() {
    let mut terminal = Terminal::binary(&[]).await;
    terminal.till.ask_sale("A-1", 1200).await;
    terminal.kill();
    let updating = terminal.path("updating");
    std::fs::write(&updating, "").expect("somebody has begun");
    ready(&terminal, &["--begin"], 1, &["not ready", "a shopper is to scan the code"]);
    assert!(updating.exists(), "it is not ours to take away");
}

#[test]
fn what_cannot_be_found_out_is_neither_ready_nor_not() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let missing = directory.path().join("terminal.sqlite");
    let asked = ["ready-for-update", "--begin", "--database", text(&missing)];
    check(&asked, 2, &["it could not be found out", "cannot open"]);
    let made = std::fs::read_dir(directory.path()).expect("a directory").count();
    assert_eq!(made, 0, "nothing is made beside nothing");
    check(&["ready-for-update"], 2, &["--config FILE or --database FILE"]);
    check(&["ready-for-update", "--config", "/nonexistent.toml"], 2, &["cannot read"]);
    check(&["ready-for-update", "--begin", "--cancel"], 2, &["cannot be used with"]);
    check(&["ready-for-update", "--help"], 0, &["--begin", "--cancel", "Exit code 0"]);
}
