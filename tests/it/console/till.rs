//! What a till prints because somebody at the console wants it: real bytes on the till's link.

use super::{Browser, PIN, Page, signed_in};
use crate::terminal::{PATIENCE, Terminal};
use klarna_terminald::simulator::ShopperAction;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Instant;

const RECEIPT: &str = "/payments/1/receipt";
const TO_TILL: &str = "/payments/1/till";

/// Presses the button on the page at `path`; the page that comes of it.
async fn press(browser: &mut Browser, path: &str, action: &str) -> Page {
    let page = browser.get(path).await;
    let answer = browser.fill(&page, action, &[]).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    browser.get(&answer.to.expect("a page")).await
}

async fn printed(terminal: &mut Terminal, reference: &str) -> Vec<String> {
    let is_print = |line: &Value| line["event"] == "print";
    let line = terminal.till.hear("something to print", is_print).await;
    assert_eq!(line["ref"], reference, "{line}");
    assert_eq!(line["copy"], true, "{line}");
    let lines = line["lines"].as_array().expect("lines").iter();
    lines.map(|line| line.as_str().expect("text").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_and_the_report_of_a_shift_are_printed_at_the_till_as_duplicates() {
    let (mut terminal, mut browser) = signed_in(&[]).await;
    let result = terminal.sell("A-1", 1234).await;
    terminal.till.acknowledge("A-1").await;
    terminal.settled().await;
    let page = press(&mut browser, RECEIPT, TO_TILL).await;
    page.says("It was sent to the till as a duplicate.").says("role=\"status\"");
    let lines = printed(&mut terminal, "A-1").await;
    let told = result["receipt"].as_array().expect("a receipt");
    let told: Vec<&str> = told.iter().filter_map(Value::as_str).collect();
    assert_eq!((lines[0].as_str(), lines[1].as_str()), (told[0], "DUPLIKAT"), "{lines:?}");
    assert_eq!(lines[2..], told[1..], "the rest is what the till was given");
    // The copy that the shop keeps, and the receipt of a return.
    let merchant = "/payments/1/receipt?copy=merchant";
    press(&mut browser, merchant, TO_TILL).await.says("Händlerbeleg").says("sent to the till");
    assert!(printed(&mut terminal, "A-1").await.contains(&"Händlerbeleg".to_owned()));
    terminal.till.say(r#"{"op":"refund","ref":"F-1","sale":"A-1","amount":200}"#);
    terminal.till.operation("F-1", "done").await;
    browser.until("/payments/1", "receipt?return=1").await;
    press(&mut browser, "/payments/1/receipt?return=1", TO_TILL).await.says("sent to the till");
    assert!(printed(&mut terminal, "F-1").await.contains(&"Rückgabebeleg".to_owned()));
    // The open shift has no report that could be printed once more, the closed one has.
    assert!(!browser.get("/shift").await.text.contains("/till\""));
    let review = browser.get("/shift/close").await;
    browser.fill(&review, "/shift/close", &[("pin", PIN)]).await;
    press(&mut browser, "/shifts/1", "/shifts/1/till").await.says("sent to the till");
    let report = printed(&mut terminal, "desk-shift-1").await;
    assert_eq!((report[1].as_str(), report[2].as_str()), ("Klarna Schichtbericht Z", "DUPLIKAT"));
    let audit = browser.get("/audit").await;
    for said in ["&quot;at&quot;:&quot;till&quot;", "&quot;return&quot;:1", "&quot;shift&quot;:1"] {
        audit.says(said);
    }
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_till_that_is_busy_or_away_is_sent_nothing() {
    let (mut terminal, mut browser) = signed_in(&[]).await;
    terminal.sell_and_acknowledge("A-1", 1234).await;
    terminal.settled().await;
    terminal.till.ask_sale("A-2", 500).await;
    press(&mut browser, RECEIPT, TO_TILL).await.says("in the middle of a sale").says("alert");
    terminal.shopper(ShopperAction::Approve);
    terminal.till.result("A-2").await;
    let page = press(&mut browser, RECEIPT, TO_TILL).await;
    page.says("in the middle of a sale");
    terminal.till.acknowledge("A-2").await;
    terminal.settled().await;
    assert!(!terminal.till.transcript().contains("\"print\""), "{}", terminal.till.transcript());
    press(&mut browser, RECEIPT, TO_TILL).await.says("sent to the till");
    printed(&mut terminal, "A-1").await;
    terminal.till.unplug();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let page = press(&mut browser, RECEIPT, TO_TILL).await;
        if page.text.contains("no till is connected") {
            break;
        }
        assert!(Instant::now() < deadline, "{}", page.text);
    }
    let address = terminal.address().to_owned();
    terminal.till.reconnect(&address).await;
    terminal.till.greet().await;
    press(&mut browser, RECEIPT, TO_TILL).await.says("sent to the till");
    printed(&mut terminal, "A-1").await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_till_that_asks_itself_is_named_instead_of_a_button() {
    let (mut terminal, mut browser) = signed_in(&[]).await;
    terminal.sell_and_acknowledge("A-1", 1234).await;
    terminal.settled().await;
    terminal.switch_off().await;
    let zvt = [("till.protocol", "\"zvt\""), ("till.terminal_id", "\"12345678\"")];
    terminal.configure(&zvt);
    terminal.switch_on_unheard();
    browser.sign_in("chief", PIN).await;
    let page = browser.get(RECEIPT).await;
    page.says("“repeat receipt” prints the last receipt again");
    assert!(!page.text.contains(TO_TILL), "{}", page.text);
    let token = browser.get("/pin").await.form("/pin")["csrf"].clone();
    let form = BTreeMap::from([("csrf".to_owned(), token)]);
    assert_eq!(browser.post(TO_TILL, &form).await.status, 404, "not even by force");
    assert!(!browser.get("/audit").await.text.contains("&quot;at&quot;"), "nothing is noted");
    terminal.switch_off().await;
}
