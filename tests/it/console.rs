//! The store manager's console over HTTPS, as a browser uses it: real TLS, real cookies, real forms.

mod browser;
mod returns;
mod security;
mod till;
mod totals;

use crate::terminal::{Program, Setting, Terminal, Wire, loopback};
pub use browser::{Browser, Page};
use klarna_terminald::access::{Access, Peer, Pin, Role, UserName};
use klarna_terminald::clock::SystemClock;
use klarna_terminald::console::access_beside;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

/// The PIN of the first user.
pub const PIN: &str = "483920";

/// A terminal with a console and its first user, `chief`, who may do everything; and a browser in
/// which nobody is signed in.
pub async fn office(settings: &[Setting<'_>]) -> (Terminal, Browser) {
    office_with(settings, |_| {}).await
}

/// The same once `prepare` was given the path of the database that is not there yet.
pub async fn office_with(
    settings: &[Setting<'_>],
    prepare: impl FnOnce(&Path),
) -> (Terminal, Browser) {
    let address = loopback();
    let listen = format!("{address:?}");
    let mut all = vec![("console.listen", listen.as_str())];
    all.extend_from_slice(settings);
    let mut terminal = Terminal::prepare(Wire::Tcp, Program::Binary, &all).await;
    let store = terminal.path("terminal.sqlite");
    prepare(&store);
    users(&store);
    terminal.switch_on().await;
    (terminal, Browser::new(&address, &store))
}

/// The same with `chief` signed in.
pub async fn signed_in(settings: &[Setting<'_>]) -> (Terminal, Browser) {
    let (terminal, mut browser) = office(settings).await;
    let welcome = browser.sign_in("chief", PIN).await;
    assert_eq!((welcome.status, welcome.to.as_deref()), (303, Some("/")), "{}", welcome.text);
    (terminal, browser)
}

fn users(store: &Path) {
    let clock = SystemClock::start();
    let access = Access::open(&access_beside(store), clock.now().wall).expect("users");
    let code = access.set_up_code(clock.now()).expect("there is no admin");
    let peer = Peer::network(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let name = UserName::new("chief").expect("a name");
    let pin = Pin::new(PIN).expect("a PIN");
    access.set_up(clock.now(), &peer, &code, name, pin).expect("the first admin");
}

/// Adds somebody with this role; their PIN, already changed once.
pub async fn add(chief: &mut Browser, name: &str, role: Role, pin: &str) -> Browser {
    let page = chief.get("/users").await;
    let typed = [("name", name), ("role", role.code()), ("pin", PIN)];
    let added = chief.fill(&page, "/users", &typed).await;
    let first = added.text.split("<code>").nth(1).and_then(|rest| rest.split('<').next());
    let first = first.unwrap_or_else(|| panic!("no first PIN in {}", added.text)).to_owned();
    let mut browser = Browser { cookie: None, ..chief.clone() };
    browser.sign_in(name, &first).await;
    let page = browser.get("/pin").await;
    let typed = [("old", first.as_str()), ("pin", pin), ("again", pin)];
    let changed = browser.fill(&page, "/pin", &typed).await;
    assert_eq!(changed.status, 303, "{}", changed.text);
    browser
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_is_found_and_its_story_told_in_the_managers_language() {
    let (mut terminal, mut browser) = signed_in(&[]).await;
    terminal.sell_and_acknowledge("A-1", 1234).await;
    terminal.settled().await;
    browser.until("/", "A-1").await.says("€12.34").says("Paid");
    for sought in ["1", "000001", "A-1", "12.34", "12,34 eur"] {
        let query = form_urlencoded::byte_serialize(sought.as_bytes()).collect::<String>();
        let found = browser.get(&format!("/search?q={query}")).await;
        assert_eq!(found.to.as_deref(), Some("/payments/1"), "{sought}: {}", found.text);
    }
    let id = terminal.simulator.transactions()[0].id.clone();
    let query = form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>();
    assert_eq!(browser.get(&format!("/search?q={query}")).await.to.as_deref(), Some("/payments/1"));
    let page = browser.get("/payments/1").await;
    page.says("The till asked for €12.34.").says("Klarna captured €12.34.").says(&id);
    browser.language = "de-DE";
    browser.get("/payments/1").await.says("12,34\u{a0}€").says("lang=\"de\"");
    browser.language = "sv";
    browser.get("/payments/1").await.says("lang=\"sv\"");
    browser.language = "en";
    let receipt = browser.get("/payments/1/receipt").await;
    receipt.says("Test Store").says("<svg");
    browser.get("/search?q=nothing-like-it").await.says("Nothing was found.");
    browser.get("/health").await.says("No alarms.").says("can be reached");
    browser.get("/settings").await.says("not shown");
    browser.get("/audit").await.says("signed_in").says("The journal is whole");
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shift_is_closed_once_and_its_reports_agree() {
    let (mut terminal, mut browser) = signed_in(&[]).await;
    terminal.sell_and_acknowledge("A-1", 1000).await;
    terminal.sell_and_acknowledge("A-2", 250).await;
    terminal.settled().await;
    browser.until("/shift", "€12.50").await.says("Shift 1, open");
    let review = browser.get("/shift/close").await;
    let wrong = browser.fill(&review, "/shift/close", &[("pin", "111222")]).await;
    assert_eq!(wrong.status, 403);
    let closed = browser.fill(&review, "/shift/close", &[("pin", PIN)]).await;
    assert_eq!(closed.to.as_deref(), Some("/shifts/1"), "{}", closed.text);
    let again = browser.fill(&review, "/shift/close", &[("pin", PIN)]).await;
    assert_eq!(again.to.as_deref(), Some("/shifts/1"), "the same form closes nothing more");
    browser.get("/shifts/1").await.says("Shift 1, closed").says("€12.50");
    browser.get("/shift").await.says("Shift 2, open").says("Nothing has been sold");
    let csv = browser.get("/shifts/1/report.csv").await;
    csv.says("total net,12.50,EUR").says("sale,10.00,EUR").says("sale,2.50,EUR");
    let pdf = browser.get("/shifts/1/report.pdf").await;
    assert_eq!(pdf.header("content-type"), Some("application/pdf"));
    assert_eq!(browser.get("/shifts/7").await.status, 404);
    assert_eq!(browser.get("/shifts/0").await.status, 404);
    // A sale that runs keeps the shift open.
    terminal.till.ask_sale("A-3", 500).await;
    let review = browser.get("/shift/close").await;
    let busy = browser.fill(&review, "/shift/close", &[("pin", PIN)]).await;
    assert_eq!(busy.status, 409);
    busy.says("busy with sale A-3");
    terminal.shopper(klarna_terminald::simulator::ShopperAction::Approve);
    terminal.till.result("A-3").await;
    terminal.till.acknowledge("A-3").await;
    terminal.settled().await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_klarna_refuses_is_seen_to_by_a_person() {
    let (mut terminal, mut browser) = signed_in(&[]).await;
    terminal.simulator.fault("html=422:capture:1".parse().expect("a fault"));
    terminal.sell_and_acknowledge("A-1", 1200).await;
    let queue = browser.until("/queue", "To be seen to by a person (1)").await;
    let call = queue.text.split("href=\"/queue/").nth(1).and_then(|rest| rest.split('"').next());
    let call = call.expect("a call").to_owned();
    let page = browser.get(&format!("/queue/{call}")).await;
    let retry = format!("/queue/{call}/retry");
    assert_eq!(browser.fill(&page, &retry, &[]).await.status, 303);
    browser.until(&format!("/queue/{call}"), "Done").await;
    let again = browser.fill(&page, &retry, &[]).await;
    assert_eq!(again.status, 409, "it is refused no more");
    again.says("not on the list");
    terminal.settled().await;
    terminal.finish().await;
}
