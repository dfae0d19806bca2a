//! The scripted stories: a sale, an abort, a decline, an outage; then the books are compared.

use super::Arguments;
use super::shop::{SCREEN, Shop};
use super::till::in_words;
use crate::display::qr::QrMatrix;
use crate::id::DistributionUrl;
use crate::payment::event::{Event, Record};
use crate::simulator::{ShopperAction, TransactionView};
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long the queue may take to become empty once the line is back.
const DRAIN: Duration = Duration::from_secs(60);

/// Tells all stories; an error means that something is not as it must be.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    crate::telemetry::start(crate::config::LogFormat::Text, "error")?;
    let mut shop = Shop::open(&arguments, None).await?;
    println!("klarna-terminald demo: a till on a pty, a terminal, and a simulated Klarna.");
    println!("The terminal's screen is drawn into {}.", shop.directory.join(SCREEN).display());
    sale(&mut shop).await.context("story 1 went wrong")?;
    abort(&mut shop).await.context("story 2 went wrong")?;
    decline(&mut shop).await.context("story 3 went wrong")?;
    outage(&mut shop).await.context("story 4 went wrong")?;
    let verdict = compare_books(&shop, 3);
    shop.close().await?;
    verdict
}

async fn sale(shop: &mut Shop) -> anyhow::Result<()> {
    title("1. A sale");
    start(shop, "SALE-1", 4990).await?;
    print_code(shop)?;
    say("shopper", "scans the code and opens the page");
    shopper(shop, ShopperAction::Open)?;
    stage(shop, "shopper_paying").await?;
    say("shopper", "approves the payment");
    shopper(shop, ShopperAction::Approve)?;
    stage(shop, "confirming").await?;
    approved(shop).await?;
    acknowledge(shop, "SALE-1").await?;
    until_captured(shop, 1).await?;
    say("klarna", "has captured EUR 49.90");
    Ok(())
}

async fn abort(shop: &mut Shop) -> anyhow::Result<()> {
    title("2. The cashier aborts");
    start(shop, "SALE-2", 2000).await?;
    send(shop, &json!({ "op": "abort", "ref": "SALE-2" }))?;
    not_paid(shop, "aborted_by_till").await?;
    until(shop, "the request is cancelled", |shop| {
        Ok(shop.simulator.requests().iter().any(|request| request.state == "CANCELED"))
    })
    .await?;
    say("klarna", "has cancelled the payment request; nobody can pay it any more");
    Ok(())
}

async fn decline(shop: &mut Shop) -> anyhow::Result<()> {
    title("3. Klarna declines, the shopper tries again");
    start(shop, "SALE-3", 1500).await?;
    shopper(shop, ShopperAction::Open)?;
    stage(shop, "shopper_paying").await?;
    say("shopper", "is declined");
    shopper(shop, ShopperAction::Decline)?;
    stage(shop, "scan_again").await?;
    say("shopper", "scans again, chooses another way and approves");
    shopper(shop, ShopperAction::Approve)?;
    approved(shop).await?;
    acknowledge(shop, "SALE-3").await?;
    until_captured(shop, 2).await
}

async fn outage(shop: &mut Shop) -> anyhow::Result<()> {
    title("4. The network fails between payment and capture");
    start(shop, "SALE-4", 995).await?;
    shopper(shop, ShopperAction::Approve)?;
    approved(shop).await?;
    shop.simulator.set_offline(true);
    say("network", "is down");
    acknowledge(shop, "SALE-4").await?;
    refund(shop, "REFUND-4", "SALE-4", 200).await?;
    let waiting = shop.journal()?.queued()?;
    ensure!(waiting.len() == 2, "capture and refund should wait, {} do", waiting.len());
    for row in &waiting {
        let (operation, amount) = (row.call.kind.operation(), row.call.kind.amount());
        say("queue", &format!("{operation} of {amount} waits, key {}", row.call.key));
    }
    ensure!(captured(shop) == 2, "nothing can have been captured while offline");
    shop.simulator.set_offline(false);
    say("network", "is back");
    until_captured(shop, 3).await?;
    until(shop, "the refund is done", |shop| Ok(shop.journal()?.queued()?.is_empty())).await?;
    send(shop, &json!({ "op": "status", "ref": "SALE-4" }))?;
    hear(shop, |line| line["event"] == "status").await?;
    Ok(())
}

/// Compares the simulator's ledger with the journal, payment by payment; so many were authorised.
pub(super) fn compare_books<T>(shop: &Shop<T>, payments: usize) -> anyhow::Result<()> {
    title("The books");
    let journal = totals(&shop.journal()?.all_records()?);
    let klarna = shop.simulator.transactions();
    println!("  {:<34} {:>17} {:>17}", "payment", "captured", "refunded");
    println!("  {:<34} {:>8} {:>8} {:>8} {:>8}", "", "journal", "klarna", "journal", "klarna");
    let mut agree = journal.len() == klarna.len();
    for (reference, ours) in &journal {
        let theirs = klarna.iter().find(|row| row.payment_reference.as_ref() == Some(reference));
        let theirs =
            theirs.map_or((0, 0), |row: &TransactionView| (row.captured(), row.refunded()));
        agree &= *ours == theirs;
        println!("  {reference:<34} {:>8} {:>8} {:>8} {:>8}", ours.0, theirs.0, ours.1, theirs.1);
    }
    for mistake in shop.simulator.mistakes() {
        println!("  mistake towards Klarna: {mistake:?}");
        agree = false;
    }
    let waiting = shop.journal()?.queued()?.len();
    ensure!(agree && waiting == 0, "the books do not agree, {waiting} call(s) still wait");
    let made = journal.len();
    ensure!(made == payments, "{payments} payments should have been made, not {made}");
    println!("  They agree: {payments} payments, nothing lost, nothing doubled, nothing open.");
    Ok(())
}

/// Captured and refunded minor units per payment that was authorised, as the journal says.
fn totals(records: &[Record]) -> BTreeMap<String, (i64, i64)> {
    let mut names = BTreeMap::new();
    let mut totals = BTreeMap::new();
    for record in records {
        match &record.event {
            Event::SaleRequested { payment_reference, .. } => {
                names.insert(record.payment, payment_reference.to_string());
            }
            Event::Authorised { .. } => {
                totals.entry(record.payment).or_insert((0, 0));
            }
            Event::Captured { amount, .. } => {
                totals.entry(record.payment).or_insert((0, 0)).0 += amount.minor();
            }
            Event::Refunded { amount, .. } => {
                totals.entry(record.payment).or_insert((0, 0)).1 += amount.minor();
            }
            _ => {}
        }
    }
    let named = |(payment, sums)| Some((names.get(&payment)?.clone(), sums));
    totals.into_iter().filter_map(named).collect()
}

async fn start(shop: &mut Shop, reference: &str, amount: i64) -> anyhow::Result<()> {
    let sale = json!({ "op": "sale", "ref": reference, "amount": amount, "currency": "EUR" });
    send(shop, &sale)?;
    stage(shop, "awaiting_shopper").await
}

async fn refund(shop: &mut Shop, reference: &str, sale: &str, amount: i64) -> anyhow::Result<()> {
    send(shop, &json!({ "op": "refund", "ref": reference, "sale": sale, "amount": amount }))?;
    hear(shop, |line| line["event"] == "operation" && line["status"] == "queued").await
}

async fn acknowledge(shop: &mut Shop, reference: &str) -> anyhow::Result<()> {
    send(shop, &json!({ "op": "ack", "ref": reference }))?;
    hear(shop, |line| line["event"] == "acknowledged").await
}

async fn approved(shop: &mut Shop) -> anyhow::Result<()> {
    hear(shop, |line| line["event"] == "result" && line["status"] == "approved").await
}

async fn not_paid(shop: &mut Shop, reason: &str) -> anyhow::Result<()> {
    hear(shop, |line| line["event"] == "result" && line["reason"] == reason).await
}

async fn stage(shop: &mut Shop, stage: &str) -> anyhow::Result<()> {
    hear(shop, |line| line["event"] == "progress" && line["stage"] == stage).await
}

fn send(shop: &mut Shop, message: &Value) -> anyhow::Result<()> {
    say("till", &format!("> {message}"));
    shop.till.send(message)
}

/// Reads on until `wanted`, printing everything the terminal says.
async fn hear(shop: &mut Shop, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<()> {
    let print = |line: &Value| say("till", &format!("< {}", in_words(line)));
    let found = shop.till.wait_for(wanted, print).await?;
    print(&found);
    Ok(())
}

pub(super) fn shopper<T>(shop: &Shop<T>, action: ShopperAction) -> anyhow::Result<()> {
    let newest = shop.simulator.newest_request().context("nobody was asked to pay yet")?;
    Ok(shop.simulator.shopper(&newest, action)?)
}

fn captured<T>(shop: &Shop<T>) -> usize {
    shop.simulator.transactions().iter().filter(|row| row.captured() > 0).count()
}

pub(super) async fn until_captured<T>(shop: &Shop<T>, count: usize) -> anyhow::Result<()> {
    until(shop, "the capture is done", |shop| {
        Ok(captured(shop) == count && shop.journal()?.queued()?.len() <= 1)
    })
    .await
}

async fn until<T>(
    shop: &Shop<T>,
    what: &str,
    holds: impl Fn(&Shop<T>) -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let give_up = tokio::time::Instant::now() + DRAIN;
    while !holds(shop)? {
        ensure!(tokio::time::Instant::now() < give_up, "waited too long until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// The QR code as text, two modules in one character: dark modules are blanks, so it scans from a
/// terminal with a dark background.
fn print_code(shop: &Shop) -> anyhow::Result<()> {
    let newest = shop.simulator.requests().pop().context("there is no payment request")?;
    let host = newest.url.trim_start_matches("https://");
    let host = host.split([':', '/']).next().unwrap_or_default().to_owned();
    let url = DistributionUrl::new(&newest.url, &[host]).map_err(anyhow::Error::msg)?;
    let code = QrMatrix::new(&url)?;
    let side = code.width_with_quiet_zone();
    let dark = |x: u32, y: u32| {
        x >= 4 && y >= 4 && x < side - 4 && y < side - 4 && code.is_dark(x - 4, y - 4)
    };
    for y in (0..side).step_by(2) {
        let cell = |x| match (dark(x, y), y + 1 < side && !dark(x, y + 1)) {
            (false, true) => '█',
            (false, false) => '▀',
            (true, true) => '▄',
            (true, false) => ' ',
        };
        println!("  {}", (0..side).map(cell).collect::<String>());
    }
    say("screen", &newest.url);
    Ok(())
}

pub(super) fn title(text: &str) {
    println!("\n{text}\n{}", "-".repeat(text.chars().count()));
}

pub(super) fn say(who: &str, what: &str) {
    println!("  {who:<8} {what}");
}
