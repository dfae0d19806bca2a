//! Makes a good answer bad: cut in half, about something else, in another currency, in a state
//! that nobody knows.
//!
//! It does not decide when; `fault` does.

use super::call::Reply;
use super::fault::FaultKind;
use super::random::Random;
use super::render::render;
use serde_json::Value;

/// A page as a captive portal or a proxy puts it in the way.
pub(super) fn html(status: u16) -> Reply {
    let body = "<!doctype html><title>Welcome</title><h1>Please sign in to the network</h1>";
    Reply { status, body: Some(body.to_owned()), html: true, headers: Vec::new() }
}

/// The answer as the fault leaves it.
pub(super) fn spoil(fault: FaultKind, mut reply: Reply, random: &mut Random) -> Reply {
    match fault {
        FaultKind::TruncatedJson => {
            reply.body =
                reply.body.map(|body| body.chars().take(body.chars().count() / 2).collect());
        }
        FaultKind::WrongId => change(&mut reply, random, |name, value, random| {
            if matches!(name, "payment_request_id" | "payment_transaction_id") {
                *value = swap_uuid(value.as_str().unwrap_or_default(), random).into();
            }
        }),
        FaultKind::WrongCurrency => change(&mut reply, random, |name, value, _| {
            if name == "currency" {
                *value = if *value == "SEK" { "EUR".into() } else { "SEK".into() };
            }
        }),
        FaultKind::UnknownState => change(&mut reply, random, |name, value, _| {
            if name == "state" {
                *value = "SOMETHING_NEW".into();
            }
        }),
        FaultKind::DropBefore
        | FaultKind::DropAfter
        | FaultKind::Delay(_)
        | FaultKind::Status5xx { .. }
        | FaultKind::Status500After
        | FaultKind::RateLimited
        | FaultKind::Forbidden403NoBody
        | FaultKind::Html(_)
        | FaultKind::Unauthorized => {}
    }
    reply
}

fn swap_uuid(id: &str, random: &mut Random) -> String {
    let prefix = id.rsplit_once(':').map_or("", |(prefix, _)| prefix);
    format!("{prefix}:{}", random.uuid())
}

type Change = fn(&str, &mut Value, &mut Random);

fn change(reply: &mut Reply, random: &mut Random, each: Change) {
    let parsed: Option<Value> =
        reply.body.as_deref().and_then(|body| serde_json::from_str(body).ok());
    let Some(mut value) = parsed else { return };
    walk(&mut value, random, each);
    reply.body = Some(render(&value, random));
}

fn walk(value: &mut Value, random: &mut Random, each: Change) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                each(name, value, random);
                walk(value, random, each);
            }
        }
        Value::Array(rows) => rows.iter_mut().for_each(|row| walk(row, random, each)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
