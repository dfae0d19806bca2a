//! A line's JSON as a request: every field is checked, every complaint names the field and the way
//! out.

use super::Settings;
use crate::id::{
    CallId, DESK_PREFIX, Label, Locale, PaymentId, PaymentReference, PosReference, TransactionId,
};
use crate::money::{Amount, Currency};
use crate::payment::event::{LINE_ITEMS_MAX, LineItem, ReturnReason, Sale};
use crate::payment::vocabulary::{Operation, Problem, Request, SaleName};
use serde_json::Value;
use serde_json::value::RawValue;

/// A refused line: its reference, when it could be read, and why.
pub(super) type Refused = (Option<PosReference>, Problem);

/// A message of the till.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    Request(Request),
    Hello { reference: Option<PosReference> },
    Ping { reference: Option<PosReference> },
}

/// Every field that any message has. Unknown ones are refused: a misspelt `currency` must not
/// silently become the default one.
#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Line<'a> {
    #[serde(deserialize_with = "present")]
    op: Option<Value>,
    #[serde(rename = "ref", deserialize_with = "present")]
    reference: Option<Value>,
    #[serde(deserialize_with = "present")]
    sale: Option<Value>,
    #[serde(deserialize_with = "present")]
    payment: Option<Value>,
    #[serde(deserialize_with = "present")]
    payment_reference: Option<Value>,
    #[serde(deserialize_with = "present")]
    transaction: Option<Value>,
    #[serde(deserialize_with = "present")]
    call: Option<Value>,
    #[serde(deserialize_with = "present")]
    reason: Option<Value>,
    #[serde(deserialize_with = "present")]
    amount: Option<Value>,
    #[serde(deserialize_with = "present")]
    currency: Option<Value>,
    #[serde(deserialize_with = "present")]
    merchant_reference: Option<Value>,
    #[serde(deserialize_with = "present")]
    locale: Option<Value>,
    #[serde(borrow)]
    line_items: Option<&'a RawValue>,
    #[serde(deserialize_with = "present")]
    software: Option<Value>,
    #[serde(deserialize_with = "present")]
    protocol: Option<Value>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Item {
    #[serde(deserialize_with = "present")]
    name: Option<Value>,
    #[serde(deserialize_with = "present")]
    quantity: Option<Value>,
    #[serde(deserialize_with = "present")]
    amount: Option<Value>,
}

/// A field that is there, `null` included: a refund of `null` is not a refund of all.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    serde::Deserialize::deserialize(deserializer).map(Some)
}

const OPS: &[&str] = &[
    "hello",
    "ping",
    "sale",
    "abort",
    "status",
    "ack",
    "capture",
    "refund",
    "void",
    "release",
    "update",
    "end_shift",
    "totals",
];

/// Further ones for the terminal's own desk.
const DESK_OPS: &[&str] = &["retry", "resolve"];

/// Reads one line.
pub(super) fn message(line: &str, settings: &Settings) -> Result<Message, Refused> {
    if !line.trim_start().starts_with('{') {
        return Err((None, Problem::BadMessage("line is not a JSON object".to_owned())));
    }
    let parsed: Result<Line, _> = serde_json::from_str(line);
    let line = parsed.map_err(|error| (reference_in(line), bad_json(&error)))?;
    let reference = match &line.reference {
        Some(value) => Some(text("ref", value, PosReference::new).map_err(|p| (None, p))?),
        None => None,
    };
    let decoded = decode(line, reference.clone(), settings);
    decoded.map_err(|problem| (reference, problem))
}

/// The reference in a line that is not a message, so that the till knows what was refused.
fn reference_in(line: &str) -> Option<PosReference> {
    let object: Value = serde_json::from_str(line).ok()?;
    object.get("ref")?.as_str().and_then(|text| PosReference::new(text).ok())
}

fn bad_json(error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    match text.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')) {
        Some((field, _)) => Problem::BadField {
            field: clip(field),
            wrong: "is not a field of this protocol".into(),
        },
        None => Problem::BadMessage(format!("line is not a message: {}", clip(&text))),
    }
}

fn decode(
    line: Line<'_>,
    reference: Option<PosReference>,
    settings: &Settings,
) -> Result<Message, Problem> {
    let op = match &line.op {
        Some(Value::String(op)) => op.clone(),
        Some(_) => return Err(bad("op", "must be a string")),
        None => return Err(bad("op", &format!("is missing; it is one of {}", OPS.join(", ")))),
    };
    let needed = || reference.clone().ok_or_else(|| bad("ref", "is missing"));
    allow(&line, &op, settings)?;
    if let Some(reference) = &reference {
        check_side(&op, reference, settings)?;
    }
    Ok(match op.as_str() {
        "hello" => Message::Hello { reference },
        "ping" => Message::Ping { reference },
        "sale" => Message::Request(Request::Sale(sale(&line, needed()?, settings)?)),
        "abort" => Message::Request(Request::Abort { reference: needed()? }),
        "status" => Message::Request(Request::Status { reference: needed()? }),
        "ack" => Message::Request(Request::Acknowledge { reference: needed()? }),
        "capture" => Message::Request(Request::Capture(operation(&line, needed()?, settings)?)),
        "refund" => Message::Request(Request::Refund(operation(&line, needed()?, settings)?)),
        "release" => Message::Request(Request::Release(operation(&line, needed()?, settings)?)),
        "void" => Message::Request(Request::Void(operation(&line, needed()?, settings)?)),
        "update" => Message::Request(update(&line, needed()?)?),
        "end_shift" => Message::Request(Request::EndShift { reference: needed()?, shift: None }),
        "totals" => Message::Request(Request::Totals { reference: needed()? }),
        "retry" if settings.desk => Message::Request(Request::Retry {
            reference: needed()?,
            call: line.call.as_ref().map(call).transpose()?,
        }),
        "resolve" if settings.desk => Message::Request(Request::Resolve {
            reference: needed()?,
            call: call(line.call.as_ref().ok_or_else(|| bad("call", "is missing"))?)?,
            reason: match &line.reason {
                Some(reason) => text("reason", reason, Label::new)?,
                None => return Err(bad("reason", "is missing: say what was done about it")),
            },
        }),
        _ => return Err(Problem::UnknownCommand(clip(&op))),
    })
}

/// Refuses fields that the command does not have: they would be ignored, and the till's developer
/// would believe they are not.
fn allow(line: &Line<'_>, op: &str, settings: &Settings) -> Result<(), Problem> {
    let sale = op == "sale";
    let command = matches!(op, "capture" | "refund");
    let about_a_sale = command || matches!(op, "void" | "release" | "update");
    let about_a_call = matches!(op, "retry" | "resolve");
    let present = [
        ("sale", line.sale.is_some(), about_a_sale),
        ("payment", line.payment.is_some(), about_a_sale),
        ("payment_reference", line.payment_reference.is_some(), about_a_sale),
        ("transaction", line.transaction.is_some(), about_a_sale),
        ("call", line.call.is_some(), about_a_call),
        ("reason", line.reason.is_some(), op == "resolve" || settings.desk && op == "refund"),
        ("amount", line.amount.is_some(), sale || command),
        ("currency", line.currency.is_some(), sale || command),
        ("merchant_reference", line.merchant_reference.is_some(), sale || op == "update"),
        ("locale", line.locale.is_some(), sale),
        ("line_items", line.line_items.is_some(), sale),
        ("software", line.software.is_some(), op == "hello"),
        ("protocol", line.protocol.is_some(), op == "hello"),
    ];
    let known = OPS.contains(&op) || settings.desk && DESK_OPS.contains(&op);
    if !known {
        return Ok(());
    }
    match present.iter().find(|(_, present, allowed)| *present && !allowed) {
        Some((field, ..)) => Err(bad(field, &format!("does not belong to op {op:?}"))),
        None => Ok(()),
    }
}

/// A command's reference says whose it is: what has become of it is told to that side. A status
/// query may be about either's.
fn check_side(op: &str, reference: &PosReference, settings: &Settings) -> Result<(), Problem> {
    let desk = reference.as_str().starts_with(DESK_PREFIX);
    match (settings.desk, desk) {
        _ if matches!(op, "hello" | "ping" | "status") => Ok(()),
        (true, true) | (false, false) => Ok(()),
        (true, false) => Err(bad("ref", &format!("must begin with {DESK_PREFIX} here"))),
        (false, true) => {
            let why = format!("must not begin with {DESK_PREFIX}: the terminal's own do");
            Err(bad("ref", &why))
        }
    }
}

fn sale(line: &Line<'_>, reference: PosReference, settings: &Settings) -> Result<Sale, Problem> {
    let currency = currency(line, settings)?;
    let amount = line.amount.as_ref().ok_or_else(|| bad("amount", "is missing"))?;
    let amount = Amount::new(minor_units("amount", amount, currency)?, currency);
    if amount.minor() < 0 {
        return Err(bad("amount", "must not be negative; use refund to give money back"));
    }
    let merchant_reference = line.merchant_reference.as_ref();
    let locale = line.locale.as_ref();
    Ok(Sale {
        reference,
        amount,
        merchant_reference: merchant_reference
            .map(|value| text("merchant_reference", value, Label::new))
            .transpose()?,
        line_items: line_items(line.line_items, currency)?,
        locale: locale.map(|value| text("locale", value, |text| Locale::new(&text))).transpose()?,
        reserved: false,
    })
}

fn line_items(list: Option<&RawValue>, currency: Currency) -> Result<Vec<LineItem>, Problem> {
    let Some(list) = list else { return Ok(Vec::new()) };
    let values: Vec<&RawValue> =
        serde_json::from_str(list.get()).map_err(|_| bad("line_items", "must be a list"))?;
    if values.len() > LINE_ITEMS_MAX {
        return Err(bad("line_items", &format!("has more than {LINE_ITEMS_MAX} entries")));
    }
    let numbered = values.iter().enumerate();
    numbered.map(|(index, value)| line_item(index, value, currency)).collect()
}

fn line_item(index: usize, value: &RawValue, currency: Currency) -> Result<LineItem, Problem> {
    let field = |name: &str| format!("line_items[{index}].{name}");
    if !value.get().starts_with('{') {
        return Err(bad(&format!("line_items[{index}]"), "must be an object"));
    }
    let item: Item = serde_json::from_str(value.get())
        .map_err(|error| bad(&format!("line_items[{index}]"), &clip(&error.to_string())))?;
    let missing = |name| bad(&field(name), "is missing");
    let name = item.name.ok_or_else(|| missing("name"))?;
    let amount = item.amount.ok_or_else(|| missing("amount"))?;
    let quantity = item.quantity.map_or(Some(1), |value| value.as_u64());
    let quantity = quantity.and_then(|count| u32::try_from(count).ok()).filter(|count| *count > 0);
    Ok(LineItem {
        name: text(&field("name"), &name, Label::new)?,
        quantity: quantity.ok_or_else(|| bad(&field("quantity"), "must be an integer from 1"))?,
        total: Amount::new(minor_units(&field("amount"), &amount, currency)?, currency),
    })
}

fn operation(
    line: &Line<'_>,
    reference: PosReference,
    settings: &Settings,
) -> Result<Operation, Problem> {
    let sale = sale_name(line)?;
    let amount = match &line.amount {
        Some(value) => {
            let currency = currency(line, settings)?;
            let minor = minor_units("amount", value, currency)?;
            if minor <= 0 {
                return Err(bad(
                    "amount",
                    "must be more than 0; leave it out for all that is left",
                ));
            }
            Some(Amount::new(minor, currency))
        }
        None if line.currency.is_some() => {
            return Err(bad("currency", "does not make sense without an amount"));
        }
        None => None,
    };
    let why = line.reason.as_ref();
    let why = why.map(|reason| text("reason", reason, |text| ReturnReason::read(&text)));
    Ok(Operation { reference, sale, amount, why: why.transpose()? })
}

/// Which sale a command is about: exactly one of four names.
fn sale_name(line: &Line<'_>) -> Result<SaleName, Problem> {
    match (&line.sale, &line.payment, &line.payment_reference, &line.transaction) {
        (Some(sale), None, None, None) => {
            Ok(SaleName::Till(text("sale", sale, PosReference::new)?))
        }
        (None, Some(number), None, None) => number_of(number).map(SaleName::Number),
        (None, None, Some(name), None) => {
            Ok(SaleName::Payment(text("payment_reference", name, PaymentReference::new)?))
        }
        (None, None, None, Some(id)) => {
            Ok(SaleName::Transaction(text("transaction", id, TransactionId::new)?))
        }
        (None, None, None, None) => {
            let others = "payment, payment_reference or transaction";
            Err(bad("sale", &format!("is missing: the sale's ref, or name it by {others}")))
        }
        _ => {
            let names = "sale, payment, payment_reference, transaction";
            Err(bad("sale", &format!("is named twice; give one of {names}")))
        }
    }
}

/// Our number of a payment as results and receipts print it, such as `000012`.
fn number_of(value: &Value) -> Result<PaymentId, Problem> {
    let number = value.as_str().and_then(|text| text.parse().ok()).map(PaymentId::new);
    number.ok_or_else(|| bad("payment", "must be a payment's number such as \"000012\""))
}

fn update(line: &Line<'_>, reference: PosReference) -> Result<Request, Problem> {
    let label = line.merchant_reference.as_ref();
    let label = label.ok_or_else(|| bad("merchant_reference", "is missing"))?;
    let merchant_reference = text("merchant_reference", label, Label::new)?;
    Ok(Request::Update { reference, sale: sale_name(line)?, merchant_reference })
}

/// A call as lists print it, such as `000012.3`.
fn call(value: &Value) -> Result<CallId, Problem> {
    let parsed = value.as_str().and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| bad("call", "must be a call's number such as \"000012.3\""))
}

fn currency(line: &Line<'_>, settings: &Settings) -> Result<Currency, Problem> {
    match &line.currency {
        Some(Value::String(code)) => {
            Currency::new(code).map_err(|error| bad("currency", &error.to_string()))
        }
        Some(_) => Err(bad("currency", "must be a string such as \"EUR\"")),
        None => settings.currencies.first().copied().ok_or_else(|| bad("currency", "is missing")),
    }
}

/// An integer in minor units. Floats are refused rather than rounded.
fn minor_units(field: &str, value: &Value, currency: Currency) -> Result<i64, Problem> {
    let example = Amount::new(1234, currency);
    match value {
        Value::Number(number) => number.as_i64().ok_or_else(|| {
            bad(field, &format!("must be an integer in minor units: {example} is 1234"))
        }),
        _ => Err(bad(field, &format!("must be a number in minor units: {example} is 1234"))),
    }
}

fn text<T>(
    field: &str,
    value: &Value,
    check: impl FnOnce(String) -> Result<T, crate::id::TextError>,
) -> Result<T, Problem> {
    match value {
        Value::String(text) => check(text.clone()).map_err(|error| bad(field, &error.to_string())),
        _ => Err(bad(field, "must be a string")),
    }
}

fn bad(field: &str, wrong: &str) -> Problem {
    Problem::BadField { field: field.to_owned(), wrong: wrong.to_owned() }
}

/// Foreign text as it may stand in an answer: one line, at most 120 characters.
fn clip(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(120).collect()
}
