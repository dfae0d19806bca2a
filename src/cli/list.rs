//! Lists for people at a desk: asked of the running daemon, or read from the journal where none
//! answers. Writes nothing.

use super::client::{Client, Told, Unanswered, found, part};
use super::table::second;
use crate::clock::SystemClock;
use crate::console::api::{
    CallStory, CallView, Happening, Journal, Outbox, PaymentStory, PaymentView, Payments,
};
use crate::id::{CallId, PaymentId};
use crate::payment::vocabulary::SaleName;
use crate::store::{LIST_LEN_MAX, StoreError};
use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;

/// Which payments are listed.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// Show this payment's journal
    #[arg(value_name = "NUMBER")]
    number: Option<u32>,
    /// How many to list, at most 1000
    #[arg(long, default_value_t = 20)]
    count: u32,
    /// List what TEXT may mean: a number, a reference or its beginning, the code on a receipt,
    /// Klarna's id, or an amount and perhaps the time, such as "12.34 14:35"
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["number", "count"])]
    search: Option<String>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// Lists payments, or one with its journal.
pub(super) fn payments(path: &Path, which: &Which) -> anyhow::Result<()> {
    if let Some(number) = which.number {
        let read = |journal: &Journal| journal.payment(PaymentId::new(number));
        let told = read_or(path, &format!("/v1/payments/{number}"), read)?;
        let told = told.with_context(|| format!("there is no payment {number}"))?;
        return show_as(which.json, told, |PaymentStory { payment, timeline, warning }| {
            warn(warning.as_deref());
            story(&payment, &timeline);
        });
    }
    let told: Option<Told<Payments>> = match &which.search {
        Some(text) => {
            let now = SystemClock::start().now().wall;
            let url = format!("/v1/payments?q={}", part(text));
            read_or(path, &url, |journal| journal.search(text, now).map(Some))?
        }
        None => {
            let count = which.count.min(LIST_LEN_MAX);
            let url = format!("/v1/payments?count={count}");
            read_or(path, &url, |journal| journal.payments(count).map(Some))?
        }
    };
    let told = told.context("the daemon has no list of payments; update it")?;
    show_as(which.json, told, |list| table(&list, which.search.is_some()))
}

fn table(list: &Payments, is_search: bool) {
    warn(list.warning.as_deref());
    if let Some(id) = &list.elsewhere {
        println!("{id} is not in this journal; `refund --transaction {id}` asks Klarna about it");
        return;
    }
    if list.payments.is_empty() {
        println!("{}", if is_search { "nothing was found" } else { "no payments yet" });
        return;
    }
    println!(
        "{:<8} {:<20} {:>14}  {:<24} till reference",
        "number", "time (UTC)", "amount", "state"
    );
    for payment in &list.payments {
        println!(
            "{:<8} {:<20} {:>14}  {:<24} {}",
            payment.number,
            second(&payment.started),
            payment.amount.to_string(),
            payment.text,
            payment.reference,
        );
    }
}

/// Lists what waits to be sent, what needs a person, and which late payments were given back.
pub(super) fn outbox(path: &Path, json: bool) -> anyhow::Result<()> {
    let told = read_or(path, "/v1/outbox", |journal| journal.outbox().map(Some))?;
    let told = told.context("the daemon has no list of calls; update it")?;
    show_as(json, told, |outbox| print_outbox(&outbox))
}

fn print_outbox(outbox: &Outbox) {
    warn(outbox.warning.as_deref());
    let (waiting, refused) = (outbox.waiting_count, outbox.refused_count);
    println!("{waiting} call(s) wait for Klarna, {refused} need(s) a person");
    for call in &outbox.waiting {
        let since = call.queued_at.as_deref().map(second).unwrap_or_default();
        let looked_for = match call.is_looked_for {
            true => ", looked for at Klarna before it is sent",
            false => "",
        };
        println!("  {}  since {since} UTC{}{looked_for}", line(call), why(call));
    }
    more(waiting - outbox.waiting.len());
    for call in &outbox.refused {
        let Some(refusal) = &call.refusal else { continue };
        let error_id = refusal.error_id.as_deref().unwrap_or("none");
        println!("! {}  {}{}", line(call), refusal.code, why(call));
        println!("    {} (error_id for Klarna's support: {error_id})", refusal.text);
    }
    more(refused - outbox.refused.len());
    if !outbox.refused.is_empty() {
        println!(
            "`outbox retry CALL` sends one again; `outbox resolve CALL --reason TEXT` ends it"
        );
    }
    for late in &outbox.late {
        let (number, amount, sale) = (&late.number, late.amount, &late.reference);
        let told = &late.told;
        println!("  {number}    {amount}, sale {sale}: paid after the till was told {told:?},");
        println!("            and given back by itself");
    }
}

fn more(count: usize) {
    if count > 0 {
        println!("  and {count} more");
    }
}

/// Shows one call, and its payment's journal.
pub(super) fn show(path: &Path, id: CallId, json: bool) -> anyhow::Result<()> {
    let told = read_or(path, &format!("/v1/outbox/{id}"), |journal| journal.call(id))?;
    let told = told.with_context(|| format!("there is no call {id}"))?;
    show_as(json, told, |CallStory { call, payment, timeline }| {
        println!("call {}: {}{}", line(&call), call.state, why(&call));
        let queued_at = call.queued_at.as_deref().map(second).unwrap_or_default();
        println!("queued {queued_at} UTC, key {}", call.key);
        println!("keys before this one: {}", call.generation);
        if let Some(refusal) = &call.refusal {
            let error_id = refusal.error_id.as_deref().unwrap_or("none");
            println!("refused: {} {} (error_id: {error_id})", refusal.code, refusal.text);
        }
        story(&payment, &timeline);
    })
}

/// The payment of this journal that goes by `name`, given with the word for it.
pub(super) fn named(
    path: &Path,
    (word, text): (&str, &str),
    name: &SaleName,
) -> anyhow::Result<Option<PaymentView>> {
    let url = format!("/v1/payments?{word}={}", part(text));
    let told = read_or(path, &url, |journal| journal.named(name).map(Some))?;
    Ok(told.and_then(|told| told.value.payments.into_iter().next()))
}

/// Asks the daemon; reads the journal itself where none answers.
fn read_or<T: Serialize + DeserializeOwned>(
    path: &Path,
    url: &str,
    read: impl FnOnce(&Journal) -> Result<Option<T>, StoreError>,
) -> anyhow::Result<Option<Told<T>>> {
    match found(Client::of(path)?.get(url)) {
        Ok(told) => Ok(told),
        Err(error @ Unanswered::Refused { .. }) => Err(error.into()),
        Err(error @ (Unanswered::NoDaemon { .. } | Unanswered::Silent { .. })) => {
            let journal = match Journal::open(path) {
                // Whoever may not speak to the daemon may not read its files either.
                Err(_) if error.is_forbidden() => return Err(error.into()),
                journal => journal?,
            };
            let value = read(&journal)?;
            let told = value.map(|value| Ok(Told { json: serde_json::to_string(&value)?, value }));
            told.transpose()
        }
    }
}

/// As JSON, or for people by `print`.
fn show_as<T>(json: bool, told: Told<T>, print: impl FnOnce(T)) -> anyhow::Result<()> {
    match json {
        true => println!("{}", told.json),
        false => print(told.value),
    }
    Ok(())
}

fn line(call: &CallView) -> String {
    format!("{}  {:<8} {:>14}", call.call, call.operation, call.amount.to_string())
}

fn why(call: &CallView) -> String {
    call.why.as_ref().map(|why| format!(", {why}")).unwrap_or_default()
}

fn warn(warning: Option<&str>) {
    if let Some(warning) = warning {
        println!("! WARNING: {warning}");
        println!("  (closing a shift or `outbox --acknowledge-restore` ends this warning)");
    }
}

fn story(payment: &PaymentView, timeline: &[Happening]) {
    println!("payment {} of {}: {}", payment.number, payment.amount, payment.text);
    println!("till reference {}, at Klarna {}", payment.reference, payment.payment_reference);
    for happening in timeline {
        println!("  {}  {}", happening.at, happening.text);
    }
}
