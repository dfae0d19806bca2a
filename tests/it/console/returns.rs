//! Money goes back once, however often and from wherever it is asked for.

use super::{Browser, PIN, Page, add, signed_in};
use crate::terminal::Terminal;
use klarna_terminald::access::Role;

/// The second step of a return, ready to be confirmed.
async fn reviewed(browser: &mut Browser, number: u32, amount: &str) -> Page {
    let form = browser.get(&format!("/payments/{number}/return")).await;
    let action = format!("/payments/{number}/return");
    let typed = [("amount", amount), ("reason", "damaged"), ("note", "a scratch")];
    browser.fill(&form, &action, &typed).await
}

const CONFIRM: &str = "/payments/1/return/confirmed";

async fn sold(settings: &[(&str, &str)]) -> (Terminal, Browser) {
    let (mut terminal, browser) = signed_in(settings).await;
    terminal.sell_and_acknowledge("A-1", 5000).await;
    terminal.settled().await;
    (terminal, browser)
}

fn refunds(terminal: &Terminal) -> i64 {
    terminal.simulator.transactions()[0].refunded()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_is_given_back_and_the_page_says_how_far_it_is() {
    let (terminal, mut browser) = sold(&[]).await;
    for wrong in ["0", "-1", "50.01", "1.234", "abc", "99999999999999999999"] {
        reviewed(&mut browser, 1, wrong).await.says("This amount cannot be given back");
    }
    terminal.simulator.set_offline(true);
    let review = reviewed(&mut browser, 1, "12,50").await;
    review.says("Give €12.50 back?");
    let wrong = browser.fill(&review, CONFIRM, &[("pin", "000111")]).await;
    assert_eq!(wrong.status, 403);
    let done = browser.fill(&review, CONFIRM, &[("pin", PIN)]).await;
    assert_eq!(done.to.as_deref(), Some("/payments/1"), "{}", done.text);
    browser.until("/payments/1", "waits for Klarna").await.says("Return of €12.50 was queued.");
    browser.until("/queue", "Return").await.says("€12.50");
    browser.until("/", "cannot be reached").await;
    assert_eq!(refunds(&terminal), 0);
    terminal.simulator.set_offline(false);
    browser.until("/payments/1", "Klarna gave back €12.50.").await;
    assert_eq!(refunds(&terminal), 1250);
    browser.get("/audit").await.says("a scratch").says("damaged");
    browser
        .get("/payments/1")
        .await
        .says("Return of €12.50 was queued. Damaged or defective: a scratch");
    browser.get("/payments/1").await.says("/payments/1/receipt?return=1");
    browser.get("/payments/1/receipt?return=1").await.says("12,50").says("<svg");
    for none in ["0", "2", "18446744073709551615"] {
        let page = browser.get(&format!("/payments/1/receipt?return={none}")).await;
        assert_eq!(page.status, 404, "{none}");
    }
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_is_sent_twice_at_once_gives_money_back_once() {
    let (terminal, mut browser) = sold(&[]).await;
    let review = reviewed(&mut browser, 1, "20").await;
    let mut other = browser.clone();
    let (one, two) = tokio::join!(
        browser.fill(&review, CONFIRM, &[("pin", PIN)]),
        other.fill(&review, CONFIRM, &[("pin", PIN)]),
    );
    for answer in [&one, &two] {
        let told = answer.to.as_deref() == Some("/payments/1") || answer.status == 429;
        assert!(told, "{} {}", answer.status, answer.text);
    }
    assert!(one.status == 303 || two.status == 303);
    let third = browser.fill(&review, CONFIRM, &[("pin", PIN)]).await;
    assert_eq!(third.to.as_deref(), Some("/payments/1"), "the same answer: {}", third.text);
    terminal.settled().await;
    assert_eq!(refunds(&terminal), 2000);
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_windows_with_the_same_sale_give_money_back_once() {
    let (terminal, mut browser) = sold(&[]).await;
    let first = reviewed(&mut browser, 1, "20").await;
    let second = reviewed(&mut browser, 1, "30").await;
    let third = reviewed(&mut browser, 1, "20").await;
    assert_eq!(browser.fill(&first, CONFIRM, &[("pin", PIN)]).await.status, 303);
    let refused = browser.fill(&second, CONFIRM, &[("pin", PIN)]).await;
    assert_eq!(refused.status, 409);
    refused.says("This has changed in the meantime");
    assert_eq!(browser.fill(&third, CONFIRM, &[("pin", PIN)]).await.status, 303);
    terminal.settled().await;
    assert_eq!(refunds(&terminal), 2000, "one of three windows has given money back");
    let next = reviewed(&mut browser, 1, "30").await;
    assert_eq!(browser.fill(&next, CONFIRM, &[("pin", PIN)]).await.status, 303);
    terminal.settled().await;
    assert_eq!(refunds(&terminal), 5000, "a new page is a new wish");
    browser.get("/payments/1/return").await.says("Nothing of this sale can be given back.");
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_in_the_middle_gives_money_back_once() {
    let (mut terminal, mut browser) = sold(&[]).await;
    terminal.simulator.set_offline(true);
    let review = reviewed(&mut browser, 1, "20").await;
    assert_eq!(browser.fill(&review, CONFIRM, &[("pin", PIN)]).await.status, 303);
    terminal.kill();
    terminal.switch_on().await;
    let gone = browser.fill(&review, CONFIRM, &[("pin", PIN)]).await;
    assert_eq!(gone.to.as_deref(), Some("/sign-in"), "a restart signs everybody out");
    browser.sign_in("chief", PIN).await;
    let page = browser.get("/payments/1").await;
    let mut fields = review.form(CONFIRM);
    fields.insert("csrf".to_owned(), page.form("/sign-out")["csrf"].clone());
    fields.insert("pin".to_owned(), PIN.to_owned());
    let again = browser.post(CONFIRM, &fields).await;
    assert_eq!(again.to.as_deref(), Some("/payments/1"), "{}", again.text);
    terminal.simulator.set_offline(false);
    terminal.settled().await;
    assert_eq!(refunds(&terminal), 2000);
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_gives_back_up_to_the_limit_and_a_cashier_nothing() {
    let (terminal, mut chief) = sold(&[("console.return_limit", "\"30.00\"")]).await;
    let mut manager = add(&mut chief, "mia", Role::Manager, "739264").await;
    let mut cashier = add(&mut chief, "carl", Role::Cashier, "852047").await;
    assert_eq!(cashier.get("/payments/1/return").await.status, 403);
    assert_eq!(cashier.get("/payments/1").await.status, 200);
    assert_eq!(cashier.get("/shift/close").await.status, 403);
    assert_eq!(cashier.get("/users").await.status, 403);
    assert_eq!(manager.get("/users").await.status, 403);
    assert_eq!(manager.get("/audit").await.status, 403);
    let over = reviewed(&mut manager, 1, "30.01").await;
    assert_eq!(over.status, 403);
    over.says("above your limit of €30.00");
    let first = reviewed(&mut manager, 1, "20").await;
    assert_eq!(manager.fill(&first, CONFIRM, &[("pin", "739264")]).await.status, 303);
    let many = reviewed(&mut manager, 1, "10.01").await;
    assert_eq!(many.status, 403, "many small returns are one large one");
    // The second step is checked as well: a form can be changed.
    let second = reviewed(&mut manager, 1, "10").await;
    let forged = [("pin", "739264"), ("amount", "30.00")];
    assert_eq!(manager.fill(&second, CONFIRM, &forged).await.status, 403);
    let all = reviewed(&mut chief, 1, "30").await;
    assert_eq!(chief.fill(&all, CONFIRM, &[("pin", PIN)]).await.status, 303);
    terminal.settled().await;
    assert_eq!(refunds(&terminal), 5000);
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_of_others_is_read_from_klarna_first() {
    let (mut terminal, mut browser) = sold(&[]).await;
    let id = terminal.simulator.transactions()[0].id.clone();
    terminal.switch_off().await;
    for file in ["terminal.sqlite", "terminal.sqlite-wal", "terminal.sqlite-shm"] {
        let _ = std::fs::remove_file(terminal.path(file));
    }
    terminal.switch_on().await;
    browser.sign_in("chief", PIN).await;
    let query: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    let page = browser.get(&format!("/search?q={query}")).await;
    page.says("This terminal does not know the sale");
    terminal.simulator.set_offline(true);
    let offline = browser.fill(&page, "/find", &[]).await;
    assert_eq!(offline.status, 409);
    offline.says("Klarna has to be asked about");
    terminal.simulator.set_offline(false);
    let found = browser.fill(&page, "/find", &[]).await;
    let payment = found.to.clone().unwrap_or_else(|| panic!("{}", found.text));
    let number: u32 = payment.rsplit('/').next().and_then(|it| it.parse().ok()).expect("a number");
    browser.get(&payment).await.says("The sale of €50.00 was read from Klarna.");
    let review = reviewed(&mut browser, number, "5").await;
    let confirm = format!("/payments/{number}/return/confirmed");
    assert_eq!(browser.fill(&review, &confirm, &[("pin", PIN)]).await.status, 303);
    terminal.settled().await;
    assert_eq!(refunds(&terminal), 500);
}
