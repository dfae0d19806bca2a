//! The rules for the bodies that a client sends: which fields, of which type, within which bounds.
//!
//! Fields that no rule names are tolerated, as Klarna does. Whether an amount fits a resource is
//! not decided here.

use super::error::FieldError;
use super::fields::Fields;
use serde_json::{Map, Value};

/// The currencies of payment requests, with the digits after the point that a person expects.
const CURRENCIES: [(&str, usize); 15] = [
    ("AUD", 2),
    ("EUR", 2),
    ("CAD", 2),
    ("CZK", 2),
    ("DKK", 2),
    ("HUF", 2),
    ("MXN", 2),
    ("NZD", 2),
    ("NOK", 2),
    ("PLN", 2),
    ("RON", 2),
    ("SEK", 2),
    ("CHF", 2),
    ("GBP", 2),
    ("USD", 2),
];

/// Largest amount in minor units.
pub(super) const AMOUNT_MAX: i64 = 2_147_483_647;

/// Characters of a string without a rule of its own.
const TEXT_MAX: usize = 255;

/// Characters of a URL; no document names a bound, browsers stop near this one.
const URL_MAX: usize = 2_000;

/// Line items in one request; the body's size bounds them as well.
const LINE_ITEMS_MAX: usize = 1_000;

/// Digits after the point; `None` for a currency that Klarna does not take.
pub(super) fn exponent(currency: &str) -> Option<usize> {
    CURRENCIES.iter().find(|(code, _)| *code == currency).map(|(_, exponent)| *exponent)
}

/// A create body that follows the rules.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NewRequest {
    pub(super) currency: String,
    pub(super) amount: i64,
    pub(super) payment_reference: Option<String>,
    pub(super) merchant_reference: Option<String>,
    pub(super) redirect_url: String,
    pub(super) line_items: Vec<LineItem>,
    /// As it was sent: changes are merged into it, and answers repeat parts of it.
    pub(super) sent: Map<String, Value>,
}

/// A line of the purchase; negative for a discount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LineItem {
    pub(super) name: String,
    pub(super) quantity: i64,
    pub(super) total_amount: i64,
}

/// A confirm body that follows the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Confirm {
    pub(super) currency: String,
    pub(super) amount: i64,
    pub(super) transaction_reference: Option<String>,
    /// Capture everything at once.
    pub(super) capture: bool,
}

/// A capture or refund body that follows the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) amount: i64,
    pub(super) reference: Option<String>,
}

type Checked<T> = Result<T, Vec<FieldError>>;

fn object(body: &Value) -> Checked<&Map<String, Value>> {
    let wrong = || vec![FieldError::new("", "the body must be a JSON object")];
    body.as_object().ok_or_else(wrong)
}

fn currency(fields: &mut Fields) -> Option<String> {
    let code = fields.text("currency", 3)?;
    if exponent(&code).is_none() {
        fields.wrong("currency", "must be an ISO 4217 code that is supported");
        return None;
    }
    Some(code)
}

/// The body of create; a change is merged into what was sent before and checked by the same rules.
pub(super) fn new_request(body: &Value) -> Checked<NewRequest> {
    let sent = object(body)?;
    let mut fields = Fields::new(sent, "");
    let currency = currency(&mut fields);
    let amount = fields.integer("payment_amount", 1, AMOUNT_MAX);
    let payment_reference = fields.maybe_text("payment_reference", TEXT_MAX);
    let merchant_reference = fields.maybe_text("merchant_reference", TEXT_MAX + 1);
    let redirect_url = config(&mut fields);
    let line_items = line_items(&mut fields, amount);
    people(&mut fields);
    match (currency, amount, redirect_url) {
        (Some(currency), Some(amount), Some(redirect_url)) if fields.errors.is_empty() => {
            let sent = sent.clone();
            Ok(NewRequest {
                currency,
                amount,
                payment_reference,
                merchant_reference,
                redirect_url,
                line_items,
                sent,
            })
        }
        _ => Err(fields.errors),
    }
}

/// What was sent first with the fields of a PATCH laid over it.
pub(super) fn merged(sent: &Map<String, Value>, patch: &Value) -> Checked<NewRequest> {
    let mut all = sent.clone();
    for (name, value) in object(patch)? {
        all.insert(name.clone(), value.clone());
    }
    new_request(&Value::Object(all))
}

fn config(fields: &mut Fields) -> Option<String> {
    if !fields.present("config") {
        fields.wrong("config.redirect_url", "is required");
        return None;
    }
    let mut config = fields.maybe_object("config")?;
    let url = config.text("redirect_url", URL_MAX);
    if url.as_deref().is_some_and(|url| !is_url(url)) {
        config.wrong("redirect_url", "must be an absolute URL");
    }
    config.maybe_text("payment_option_id", TEXT_MAX);
    config.maybe_text("shopping_session_token", URL_MAX);
    fields.errors.append(&mut config.errors);
    url
}

fn is_url(text: &str) -> bool {
    let rest = text.split_once("://");
    rest.is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty())
        && !text.contains(char::is_whitespace)
}

fn line_items(fields: &mut Fields, amount: Option<i64>) -> Vec<LineItem> {
    let Some(rows) = fields.maybe_array("line_items") else {
        return Vec::new();
    };
    if rows.is_empty() || rows.len() > LINE_ITEMS_MAX {
        fields.wrong("line_items", format!("must have 1 to {LINE_ITEMS_MAX} items"));
        return Vec::new();
    }
    let mut items = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let path = format!("line_items[{index}]");
        match row.as_object() {
            Some(row) => items.extend(line_item(fields, row, &path)),
            None => fields.wrong(&path, "must be an object"),
        }
    }
    let sum: i64 = items.iter().map(|item| item.total_amount).sum();
    if items.len() == rows.len() && amount.is_some_and(|amount| amount != sum) {
        fields.wrong("payment_amount", format!("is not the sum of the line items, {sum}"));
    }
    items
}

fn line_item(outer: &mut Fields, row: &Map<String, Value>, path: &str) -> Option<LineItem> {
    let mut fields = Fields::new(row, &format!("{path}."));
    let name = fields.text("name", TEXT_MAX);
    let quantity = fields.integer("quantity", 1, AMOUNT_MAX);
    let total_amount = fields.integer("total_amount", -AMOUNT_MAX, AMOUNT_MAX);
    fields.maybe_integer("unit_price", -AMOUNT_MAX, AMOUNT_MAX);
    fields.maybe_integer("total_tax_amount", -AMOUNT_MAX, AMOUNT_MAX);
    for name in ["reference", "product_identifier"] {
        fields.maybe_text(name, TEXT_MAX);
    }
    for name in ["product_url", "image_url"] {
        fields.maybe_text(name, URL_MAX);
    }
    outer.errors.append(&mut fields.errors);
    Some(LineItem { name: name?, quantity: quantity?, total_amount: total_amount? })
}

/// The shopper and the addresses: bounded strings, nothing more is known.
fn people(fields: &mut Fields) {
    if let Some(mut customer) = fields.maybe_object("customer") {
        address(&mut customer);
        fields.errors.append(&mut customer.errors);
    }
    let Some(rows) = fields.maybe_array("shipping") else {
        return;
    };
    for (index, row) in rows.iter().enumerate() {
        let Some(row) = row.as_object() else {
            fields.wrong(&format!("shipping[{index}]"), "must be an object");
            continue;
        };
        let mut shipping = Fields::new(row, &format!("shipping[{index}]."));
        address(&mut shipping);
        fields.errors.append(&mut shipping.errors);
    }
}

fn address(fields: &mut Fields) {
    for (name, value) in fields.map {
        let chars_max = if name == "postal_code" { 10 } else { 99 };
        if value.is_string() {
            fields.maybe_text(name, chars_max);
        }
        if let Some(map) = value.as_object() {
            let mut inner = Fields::new(map, &format!("{}{name}.", fields.path));
            address(&mut inner);
            fields.errors.append(&mut inner.errors);
        }
    }
}

/// The body of confirm.
pub(super) fn confirm(body: &Value) -> Checked<Confirm> {
    let mut fields = Fields::new(object(body)?, "");
    let currency = currency(&mut fields);
    let amount = fields.integer("payment_amount", 1, AMOUNT_MAX);
    let transaction_reference = fields.maybe_text("payment_transaction_reference", TEXT_MAX);
    let mut capture = false;
    if let Some(mut config) = fields.maybe_object("config") {
        match config.map.get("capture") {
            None => {}
            Some(Value::Bool(wanted)) => capture = *wanted,
            Some(_) => config.wrong("capture", "must be true or false"),
        }
        fields.errors.append(&mut config.errors);
    }
    match (currency, amount) {
        (Some(currency), Some(amount)) if fields.errors.is_empty() => {
            Ok(Confirm { currency, amount, transaction_reference, capture })
        }
        _ => Err(fields.errors),
    }
}

/// The body of capture (`what` is "capture") or refund (`what` is "refund").
pub(super) fn money_move(body: &Value, what: &str) -> Checked<Move> {
    let mut fields = Fields::new(object(body)?, "");
    let amount = fields.integer(&format!("{what}_amount"), 1, AMOUNT_MAX);
    let reference = fields.maybe_text(&format!("{what}_reference"), TEXT_MAX);
    match amount {
        Some(amount) if fields.errors.is_empty() => Ok(Move { amount, reference }),
        _ => Err(fields.errors),
    }
}

/// The body of a transaction's PATCH: the shopper-facing and the internal reference.
pub(super) fn references(body: &Value) -> Checked<(Option<String>, Option<String>)> {
    let mut fields = Fields::new(object(body)?, "");
    let merchant = fields.maybe_text("merchant_reference", TEXT_MAX + 1);
    let payment = fields.maybe_text("payment_transaction_reference", TEXT_MAX);
    if fields.errors.is_empty() { Ok((merchant, payment)) } else { Err(fields.errors) }
}

/// The query of interoperability.
pub(super) fn interoperability(query: &[(String, String)]) -> Checked<()> {
    let query = query_object(query);
    let mut fields = Fields::new(&query, "");
    currency(&mut fields);
    query_amount(&mut fields, 1);
    let country = fields.maybe_text("country", 2);
    if country.is_some_and(|c| c.len() != 2 || !c.bytes().all(|b| b.is_ascii_alphabetic())) {
        fields.wrong("country", "must have two letters");
    }
    fields.maybe_text("merchant_reference", TEXT_MAX + 1);
    if fields.errors.is_empty() { Ok(()) } else { Err(fields.errors) }
}

/// The query of the payment descriptors.
pub(super) fn descriptors(query: &[(String, String)]) -> Checked<()> {
    let query = query_object(query);
    let mut fields = Fields::new(&query, "");
    if fields.text("locale", TEXT_MAX).is_some_and(|locale| !is_locale(&locale)) {
        fields.wrong("locale", "must look like sv-SE");
    }
    if fields.present("payment_amount") {
        query_amount(&mut fields, 0);
    }
    if query.contains_key("currency") {
        currency(&mut fields);
    }
    let known = ["PAY_NOW", "PAY_LATER", "PAY_OVER_TIME", "KLARNA"];
    let preference = fields.maybe_text("message_preference", TEXT_MAX);
    if preference.is_some_and(|preference| !known.contains(&preference.as_str())) {
        fields.wrong("message_preference", format!("must be one of {}", known.join(", ")));
    }
    if fields.errors.is_empty() { Ok(()) } else { Err(fields.errors) }
}

fn query_object(query: &[(String, String)]) -> Map<String, Value> {
    query.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect()
}

fn query_amount(fields: &mut Fields, min: i64) {
    let Some(text) = fields.maybe_text("payment_amount", TEXT_MAX) else {
        return;
    };
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let amount: Option<i64> =
        text.parse().ok().filter(|amount| (min..=AMOUNT_MAX).contains(amount));
    if !digits || amount.is_none() {
        fields.wrong("payment_amount", format!("must be an integer from {min} to {AMOUNT_MAX}"));
    }
}

fn is_locale(text: &str) -> bool {
    let Some((language, country)) = text.split_once('-') else {
        return false;
    };
    language.len() == 2
        && country.len() == 2
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
}
