//! Lists for people at a desk, read from the journal beside a running daemon. Writes nothing.

use crate::id::{CallId, PaymentId};
use crate::payment::effect::{Call, CallKind};
use crate::payment::event::{Event, VoidReason};
use crate::payment::state::State;
use crate::payment::vocabulary::SaleOutcome;
use crate::payment::{Engine, Payment};
use crate::store::Reader;
use anyhow::Context as _;
use std::path::Path;

/// How many of the newest payments are looked through for those that were paid too late.
const LATE_LOOK: u32 = 200;

/// Lists the newest `count` payments, or one with its journal.
pub(super) fn payments(path: &Path, number: Option<u32>, count: u32) -> anyhow::Result<()> {
    let reader = Reader::open(path)?;
    warn(&reader)?;
    if let Some(number) = number {
        return payment(&reader, PaymentId::new(number));
    }
    let rows = reader.newest(count)?;
    if rows.is_empty() {
        println!("no payments yet");
        return Ok(());
    }
    println!(
        "{:<8} {:<20} {:>14}  {:<24} till reference",
        "number", "time (UTC)", "amount", "state"
    );
    for row in rows {
        let payment = load(&reader, row.id)?;
        println!(
            "{:<8} {:<20} {:>14}  {:<24} {}",
            payment.id.to_string(),
            &payment.started.iso8601()[..19],
            payment.sale.amount.to_string(),
            state(&payment),
            payment.sale.reference,
        );
    }
    Ok(())
}

/// Lists what waits to be sent, what needs a person, and which late payments were given back.
pub(super) fn outbox(path: &Path) -> anyhow::Result<()> {
    let reader = Reader::open(path)?;
    warn(&reader)?;
    let (queued, refused) = (reader.queued()?, reader.refused()?);
    println!("{} call(s) wait for Klarna, {} need(s) a person", queued.len(), refused.len());
    for row in queued {
        let since = reader.call(row.call.id)?.map(|row| row.queued_at);
        let since = since.map(|at| at.iso8601()[..19].to_owned()).unwrap_or_default();
        let looked_for = match row.first_attempt.millis() {
            0 => ", looked for at Klarna before it is sent",
            _ => "",
        };
        let why = why(&reader, &row.call)?;
        println!("  {}  since {since} UTC{why}{looked_for}", line(&row.call));
    }
    for row in &refused {
        let refusal = &row.refusal;
        let error_id = refusal.error_id.as_deref().unwrap_or("none");
        println!("! {}  {}{}", line(&row.call), refusal.code, why(&reader, &row.call)?);
        println!("    {} (error_id for Klarna's support: {error_id})", refusal.text);
    }
    if !refused.is_empty() {
        println!(
            "`outbox retry CALL` sends one again; `outbox resolve CALL --reason TEXT` ends it"
        );
    }
    for row in reader.newest(LATE_LOOK)? {
        let payment = load(&reader, row.id)?;
        if let State::Voided { reason: VoidReason::LatePayment(told), .. } = &payment.state {
            let (id, amount) = (payment.id, payment.sale.amount);
            let sale = &payment.sale.reference;
            let told = told.code();
            println!("  {id}    {amount}, sale {sale}: paid after the till was told {told:?},");
            println!("            and given back by itself");
        }
    }
    Ok(())
}

/// Shows one call, and its payment's journal.
pub(super) fn show(path: &Path, id: CallId) -> anyhow::Result<()> {
    let reader = Reader::open(path)?;
    let row = reader.call(id)?.with_context(|| format!("there is no call {id}"))?;
    println!("call {}: {}{}", line(&row.call), row.state, why(&reader, &row.call)?);
    println!("queued {} UTC, key {}", &row.queued_at.iso8601()[..19], row.call.key);
    println!("keys before this one: {}", row.call.generation);
    if let Some(refusal) = &row.refusal {
        let error_id = refusal.error_id.as_deref().unwrap_or("none");
        println!("refused: {} {} (error_id: {error_id})", refusal.code, refusal.text);
    }
    payment(&reader, id.payment)
}

fn line(call: &Call) -> String {
    let (id, operation) = (call.id, call.kind.operation());
    format!("{id}  {operation:<8} {:>14}", call.kind.amount())
}

/// Why money is given back, where the till has been told something else.
fn why(reader: &Reader, call: &Call) -> anyhow::Result<String> {
    if !matches!(call.kind, CallKind::Void { .. } | CallKind::Cancel { .. }) {
        return Ok(String::new());
    }
    let payment = load(reader, call.id.payment)?;
    Ok(match (&payment.state, payment.outcome()) {
        (State::Voiding { reason: VoidReason::LatePayment(told), .. }, _) => {
            format!(", paid after the till was told {:?}", told.code())
        }
        (State::Voiding { reason, .. }, _) => format!(", {}", reason.code()),
        (_, Some(SaleOutcome::NotPaid(reason))) => format!(", {}", reason.code()),
        _ => String::new(),
    })
}

fn warn(reader: &Reader) -> anyhow::Result<()> {
    if let Some(restored) = reader.restored()? {
        println!("! WARNING: {restored}");
        println!("  (closing a shift or `outbox --acknowledge-restore` ends this warning)");
    }
    Ok(())
}

fn payment(reader: &Reader, id: PaymentId) -> anyhow::Result<()> {
    let payment = load(reader, id)?;
    println!("payment {} of {}: {}", payment.id, payment.sale.amount, state(&payment));
    println!("till reference {}, at Klarna {}", payment.sale.reference, payment.reference);
    for record in reader.records_of(id)? {
        println!("  {}  {}", record.at.iso8601(), describe(&record.event));
    }
    Ok(())
}

pub(super) fn describe(event: &Event) -> String {
    match event {
        Event::GivenUp { reason } => format!("{} ({})", event.name(), reason.code()),
        Event::VoidDecided { reason, .. } => format!("{} ({})", event.name(), reason.code()),
        Event::CreateRefused { refusal }
        | Event::ConfirmRefused { refusal }
        | Event::CallRefused { refusal, .. } => {
            format!("{}: {} {}", event.name(), refusal.code, refusal.text)
        }
        Event::CallResolved { sequence, reason } => {
            format!("{}: call {sequence}, {reason}", event.name())
        }
        Event::UpdateQueued { merchant_reference, .. } => {
            format!("{} to {merchant_reference}", event.name())
        }
        Event::Adopted { found, .. } => format!("{} {}", event.name(), found.transaction),
        Event::CaptureQueued { amount, .. }
        | Event::Captured { amount, .. }
        | Event::RefundQueued { amount, .. }
        | Event::ReleaseQueued { amount, .. }
        | Event::Released { amount, .. }
        | Event::Refunded { amount, .. }
        | Event::Authorised { amount, .. }
        | Event::Voided { amount } => format!("{} {amount}", event.name()),
        Event::SaleRequested { .. }
        | Event::Created { .. }
        | Event::Unavailable { .. }
        | Event::ShopperOpened
        | Event::ShopperLeft
        | Event::Approved { .. }
        | Event::ConfirmDoubted
        | Event::Acknowledged
        | Event::RequestEnded { .. }
        | Event::Rekeyed { .. }
        | Event::CallRetried { .. }
        | Event::Updated { .. }
        | Event::CheckQueued
        | Event::Checked { .. }
        | Event::NotCompared { .. }
        | Event::ShiftEnded { .. } => event.name().to_owned(),
    }
}

/// The payment's state for people: what the till was told, and what has become of the money.
pub(super) fn state(payment: &Payment) -> String {
    let money = payment.money_so_far();
    let mut words = vec![match payment.outcome() {
        None => payment.state.name().to_owned(),
        Some(SaleOutcome::Approved) => "paid".to_owned(),
        Some(SaleOutcome::NotPaid(reason)) => format!("not paid, {}", reason.code()),
        Some(SaleOutcome::Voided(reason)) => format!("voided, {}", reason.code()),
    }];
    match &payment.state {
        State::Voiding { reason: VoidReason::LatePayment(_), .. } => {
            words.push("paid too late, is being given back".to_owned());
        }
        State::Voided { reason: VoidReason::LatePayment(_), .. } => {
            words.push("paid too late, given back".to_owned());
        }
        _ => {}
    }
    if !money.captured.is_zero() {
        words.push(format!("captured {}", money.captured.decimal()));
    }
    if !money.refunded.is_zero() {
        words.push(format!("refunded {}", money.refunded.decimal()));
    }
    if money.queued > 0 {
        words.push(format!("{} queued", money.queued));
    }
    if money.refused > 0 {
        words.push(format!("{} NEED A PERSON", money.refused));
    }
    words.join(", ")
}

pub(super) fn load(reader: &Reader, id: PaymentId) -> anyhow::Result<Payment> {
    let engine = Engine::for_reading(reader.installation()?, &reader.records_of(id)?)?;
    let payment = engine.payment(id);
    payment.cloned().with_context(|| format!("there is no payment {}", id.number()))
}
