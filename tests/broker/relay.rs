//! The whole way: the simulated Klarna signs a notice, the relay's binary receives it, mosquitto
//! carries a hint, a terminal reads Klarna, confirms, and its till knows.

use crate::account::provision;
use crate::line::topics;
use crate::mosquitto::Mosquitto;
use crate::program::Relay;
use crate::shop::Terminal;
use crate::terminal::{reads, terminal, terminal_with};
use klarna_terminald::broker::Settings;
use klarna_terminald::payment::event::Event;
use klarna_terminald::simulator::ShopperAction::{Approve, Open};
use klarna_terminald::simulator::{DeliveryState, PushFault};
use serde_json::json;

const RARELY_MS: &str = "15000";

/// A relay with its files in the terminal's folder, of which Klarna is told.
pub fn relay(terminal: &Terminal, broker: &Settings) -> Relay {
    let folder = terminal.directory.path();
    provision(folder, &["signing-keys", "create"]);
    let relay = Relay::start(folder, broker);
    provision(folder, &["webhooks", "create", "--url", &relay.url()]);
    relay
}

pub async fn pay(terminal: &mut Terminal, reference: &str) {
    terminal.till.ask_sale(reference, 1200).await;
    terminal.shopper(Open);
    terminal.shopper(Approve);
    assert_eq!(terminal.till.result(reference).await["status"], "approved");
    terminal.till.acknowledge(reference).await;
}

pub async fn all_delivered(terminal: &Terminal) {
    let waits = |state| matches!(state, DeliveryState::Waiting | DeliveryState::Sending);
    terminal
        .until("all notices have arrived", || {
            terminal.simulator.deliveries().iter().all(|delivery| !waits(delivery.state))
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_shoppers_yes_to_the_till_by_push_also_after_broker_and_relay_were_killed() {
    let mut broker = Mosquitto::start("SIMULATOR");
    let device = broker.settings("S12/T3", "unused");
    let mut terminal = terminal(&device, RARELY_MS).await;
    let mut relay = relay(&terminal, &broker.settings("relay", "unused"));
    pay(&mut terminal, "A-1").await;
    all_delivered(&terminal).await;
    let after_one = reads(&terminal);
    assert!((1..=4).contains(&after_one), "{after_one}");

    // The broker dies between the code and the shopper's yes, and comes back.
    terminal.till.ask_sale("A-2", 1200).await;
    terminal.shopper(Open);
    terminal.till.stage("A-2", "shopper_paying").await;
    broker.kill();
    terminal.shopper(Approve);
    all_delivered(&terminal).await;
    broker.rise();
    assert_eq!(terminal.till.result("A-2").await["status"], "approved");
    terminal.till.acknowledge("A-2").await;

    // So does the relay: what it has answered for is in its file.
    relay.kill();
    relay.rise();
    pay(&mut terminal, "A-3").await;
    terminal.settled().await;
    assert_eq!(terminal.simulator.transactions().len(), 3);
    let log = broker.log();
    assert!(log.contains(&topics("T3").changed()), "{log}");
    relay.stop();
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_that_are_doubled_delayed_forged_lost_or_replayed_cost_nothing_but_time() {
    let broker = Mosquitto::start("SIMULATOR");
    let mut terminal =
        terminal_with(&broker.settings("S12/T3", "unused"), "500", &[("push.poll_ms", "3000")])
            .await;
    let relay = relay(&terminal, &broker.settings("relay", "unused"));
    let faults =
        ["duplicate=5", "delay=400", "lose", "forge", "reorder", "replay", "forge", "lose"];
    for (number, fault) in faults.iter().enumerate() {
        let fault: PushFault = format!("{fault}:payment.request.*:3").parse().expect("a fault");
        terminal.simulator.push_fault(fault);
        pay(&mut terminal, &format!("A-{number}")).await;
    }
    terminal.settled().await;
    let transactions = terminal.simulator.transactions();
    assert_eq!(transactions.len(), faults.len());
    assert!(transactions.iter().all(|transaction| transaction.captured() == 1200));
    relay.stop();
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_keys_change_while_notices_arrive_and_none_is_refused() {
    let broker = Mosquitto::start("SIMULATOR");
    let mut terminal = terminal(&broker.settings("S12/T3", "unused"), "500").await;
    let relay = relay(&terminal, &broker.settings("relay", "unused"));
    for round in 0..4 {
        pay(&mut terminal, &format!("A-{round}-1")).await;
        let rotated = async {
            tokio::task::block_in_place(|| {
                provision(terminal.directory.path(), &["signing-keys", "rotate", "--yes"])
            })
        };
        rotated.await;
        pay(&mut terminal, &format!("A-{round}-2")).await;
    }
    all_delivered(&terminal).await;
    let deliveries = terminal.simulator.deliveries();
    let keys: std::collections::BTreeSet<&str> =
        deliveries.iter().map(|delivery| delivery.signing_key_id.as_str()).collect();
    assert!(keys.len() >= 4, "{keys:?}");
    for delivery in &deliveries {
        assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Delivered, 1));
    }
    terminal.settled().await;
    relay.stop();
    terminal.finish().await;
}

/// What the terminal's journal says of notices: whose payment, what about, in which words.
fn noted(terminal: &Terminal) -> Vec<String> {
    let records = terminal.reader().all_records().expect("readable");
    let noted = records.iter().filter_map(|record| match &record.event {
        Event::Noted { notice } => {
            let payment = record.payment.map_or("the terminal".to_owned(), |id| id.to_string());
            Some(format!("{payment}: {}, {}", notice.concern.word(), notice.kind))
        }
        _ => None,
    });
    noted.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn disputes_and_news_of_the_account_reach_journal_and_people_and_nothing_else() {
    let broker = Mosquitto::start("SIMULATOR");
    let mut terminal = terminal(&broker.settings("S12/T3", "unused"), "500").await;
    let relay = relay(&terminal, &broker.settings("relay", "unused"));
    pay(&mut terminal, "A-1").await;
    terminal.settled().await;
    all_delivered(&terminal).await;
    let before = terminal.klarna();

    let id = terminal.simulator.transactions()[0].id.clone();
    let opened = "payment.dispute.state-change.initiated";
    let closed = "payment.dispute.state-change.closed";
    let blocked = "partner.account.product.payment.state-change.disabled";
    let dispute = json!({"payment_dispute_id": "krn:d:1", "payment_transaction_id": id});
    let foreign = json!({"payment_dispute_id": "krn:d:2", "payment_transaction_id": "krn:t:other"});
    terminal.simulator.push_fault(format!("duplicate=3:{opened}").parse().expect("a fault"));
    for (kind, payload) in
        [(opened, dispute.clone()), (opened, foreign), (blocked, json!({})), (closed, dispute)]
    {
        assert!(terminal.simulator.tell(kind, payload), "there is no event {kind}");
    }
    terminal.until("the last of them is recorded", || noted(&terminal).len() >= 3).await;
    all_delivered(&terminal).await;
    let expected = [
        format!("000001: dispute, {opened}"),
        format!("the terminal: account, {blocked}"),
        format!("000001: dispute, {closed}"),
    ];
    let mut found = noted(&terminal);
    found.sort_by_key(|line| expected.iter().position(|expected| expected == line));
    assert_eq!(found, expected);

    // A sale of another day is no longer in memory; its dispute is found all the same.
    terminal.switch_off().await;
    assert!(terminal.simulator.tell(closed, json!({"payment_transaction_id": id})));
    all_delivered(&terminal).await;
    terminal.switch_on().await;
    terminal.until("what came meanwhile is recorded", || noted(&terminal).len() == 4).await;
    assert_eq!(terminal.klarna(), before, "nothing was done because of it");
    terminal.settled().await;
    relay.stop();
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_refuses_stays_with_the_relay_and_holds_up_no_hint() {
    let broker = Mosquitto::start("SIMULATOR");
    let mut terminal = terminal(&broker.settings("S12/T3", "unused"), RARELY_MS).await;
    let relay = relay(&terminal, &broker.settings("relay", "unused"));
    broker.replace_rule("topic write klarna/+/notices\n", "");
    let blocked = "partner.account.product.payment.state-change.disabled";
    assert!(terminal.simulator.tell(blocked, json!({})));
    all_delivered(&terminal).await;
    let is_refused = || relay.log().contains("the broker refuses; see its access rules");
    terminal.until("the relay says so", is_refused).await;
    let before = reads(&terminal);
    for number in 0..3 {
        pay(&mut terminal, &format!("A-{number}")).await;
    }
    let found = reads(&terminal) - before;
    assert!(found <= 12, "by hints and not by reading often: {found}");
    all_delivered(&terminal).await;
    let waits = || relay.metric("terminald_relay_outbox_messages") == "1";
    terminal.until("it alone waits", waits).await;
    assert!(relay.log().matches("the broker refuses").count() == 1, "{}", relay.log());
    relay.stop();
    terminal.finish().await;
}
