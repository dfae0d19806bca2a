//! JSON exactly as it is on Klarna's wire, both ways.
//!
//! Sent: the names of API version 1. Read: both generations of names, unknown fields and states
//! tolerated, ids where the guidelines show them (top level) or where their one broken sample puts
//! them (inside `payment_request`).

use super::error::Failure;
use crate::id::{ConfirmationToken, PaymentReference, RequestId, TransactionId};
use crate::money::Amount;
use crate::payment::effect::{Ended, RequestState};
use crate::payment::event::Sale;
use serde_json::{Map, Value, json};

/// The body of a create call (Klarna: Create a payment request). `extra` is merged in last.
pub(super) fn create_body(
    sale: &Sale,
    reference: &PaymentReference,
    redirect_url: &str,
    extra: &Map<String, Value>,
) -> Value {
    let shopper_reference =
        sale.merchant_reference.as_ref().map_or(sale.reference.as_str(), |label| label.as_str());
    let mut body = json!({
        "currency": sale.amount.currency().code(),
        "payment_amount": sale.amount.minor(),
        "payment_reference": reference.as_str(),
        "merchant_reference": shopper_reference,
        "config": { "redirect_url": redirect_url },
    });
    if !sale.line_items.is_empty() {
        let line = |item: &crate::payment::event::LineItem| {
            json!({
                "name": item.name.as_str(),
                "quantity": item.quantity,
                "total_amount": item.total.minor(),
            })
        };
        body["line_items"] = sale.line_items.iter().map(line).collect();
    }
    merge(&mut body, extra);
    body
}

/// The body of a confirm call; both must equal the request's (Klarna: Confirm).
pub(super) fn confirm_body(amount: Amount) -> Value {
    json!({ "currency": amount.currency().code(), "payment_amount": amount.minor() })
}

/// Merges objects key by key; anything else is replaced.
fn merge(target: &mut Value, extra: &Map<String, Value>) {
    for (key, value) in extra {
        match (target.get_mut(key), value) {
            (Some(inner @ Value::Object(_)), Value::Object(map)) => merge(inner, map),
            (Some(slot), value) => *slot = value.clone(),
            (None, value) => {
                if let Value::Object(object) = target {
                    object.insert(key.clone(), value.clone());
                }
            }
        }
    }
}

/// An answer about a payment request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PaymentRequest {
    top: Map<String, Value>,
}

impl PaymentRequest {
    /// Reads an answer's body.
    ///
    /// # Errors
    /// [`Failure::Lost`] when it is not a JSON object: what it said is not known.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Failure> {
        let top = serde_json::from_slice(body)
            .map_err(|error| Failure::Lost(format!("answer is not a JSON object: {error}")))?;
        Ok(Self { top })
    }

    /// The request's id.
    ///
    /// # Errors
    /// [`Failure::Contradiction`] when there is none.
    pub(super) fn id(&self) -> Result<RequestId, Failure> {
        let id = self.text(&["payment_request_id"]).map(RequestId::new);
        match id {
            Some(Ok(id)) => Ok(id),
            Some(Err(wrong)) => Err(contradiction(format!("payment_request_id {wrong}"))),
            None => Err(contradiction("answer without payment_request_id")),
        }
    }

    /// Checks that the answer is about `asked`.
    ///
    /// # Errors
    /// [`Failure::Contradiction`] when it is about another request or does not say.
    pub(super) fn check_id(&self, asked: &RequestId) -> Result<(), Failure> {
        match self.id()? == *asked {
            true => Ok(()),
            false => Err(contradiction("answer is about another payment request")),
        }
    }

    /// As [`Self::check_id`], for answers that need not name the request.
    pub(super) fn check_id_if_named(&self, asked: &RequestId) -> Result<(), Failure> {
        match self.text(&["payment_request_id"]) {
            Some(_) => self.check_id(asked),
            None => Ok(()),
        }
    }

    /// Checks currency and amount where the answer echoes them; Klarna need not.
    ///
    /// # Errors
    /// [`Failure::Contradiction`] when it is about other money.
    pub(super) fn check_amount(&self, asked: Amount) -> Result<(), Failure> {
        let currency = self.text(&["currency"]);
        let amount = self.find("payment_amount").or_else(|| self.find("amount"));
        let other_currency = currency.is_some_and(|code| code != asked.currency().code());
        let other_amount = amount.is_some_and(|minor| minor.as_i64() != Some(asked.minor()));
        match other_currency || other_amount {
            true => Err(contradiction("answer is about another amount or currency")),
            false => Ok(()),
        }
    }

    /// The distribution URL, wherever this generation of the API puts it.
    pub(super) fn distribution_url(&self) -> Option<&str> {
        const PLACES: &[&[&str]] = &[
            &["distribution", "url"],
            &["payment_distribution", "url"],
            &["customer_interaction", "payment_request_url"],
            &["customer_interaction", "qr_code", "target_url"],
        ];
        PLACES.iter().find_map(|place| self.context(place))
    }

    /// The state, as far as it can be relied on. What is unknown is never taken for paid:
    /// `COMPLETED` of later API versions means "approved by the shopper", and only counts with its
    /// token.
    pub(super) fn state(&self) -> RequestState {
        let state = self.text(&["state"]).unwrap_or_default();
        let other = || RequestState::Other(state.chars().take(40).collect());
        match state {
            "SUBMITTED" | "CREATED" => RequestState::Submitted,
            "IN_PROGRESS" | "PREPARED" => RequestState::InProgress,
            "PENDING_CONFIRMATION" | "COMPLETED" => match self.token() {
                Some(token) => RequestState::PendingConfirmation { token },
                None => other(),
            },
            "AUTHORIZED" | "CONFIRMED" => match self.transaction() {
                Some(transaction) => RequestState::Authorised { transaction },
                None => other(),
            },
            "CANCELED" | "CANCELLED" => RequestState::Ended(Ended::Cancelled),
            "EXPIRED" => RequestState::Ended(Ended::Expired),
            "DECLINED" => RequestState::Ended(Ended::Declined),
            _ => other(),
        }
    }

    fn token(&self) -> Option<ConfirmationToken> {
        let token = self
            .context(&["payment_confirmation_token"])
            .or_else(|| self.context(&["payment_token"]))
            .or_else(|| self.text(&["payment_confirmation_token"]))?;
        ConfirmationToken::new(token).ok()
    }

    fn transaction(&self) -> Option<TransactionId> {
        let id = self
            .context(&["payment_transaction_id"])
            .or_else(|| self.text(&["payment_transaction_id"]))?;
        TransactionId::new(id).ok()
    }

    fn context(&self, place: &[&str]) -> Option<&str> {
        let mut value = self.find("state_context")?;
        for key in place {
            value = value.get(key)?;
        }
        value.as_str()
    }

    fn text(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.find(name)?.as_str())
    }

    /// Top level first, then inside `payment_request`.
    fn find(&self, name: &str) -> Option<&Value> {
        let nested = || self.top.get("payment_request")?.get(name);
        self.top.get(name).filter(|value| !value.is_null()).or_else(nested)
    }
}

/// One capture or refund of a transaction, as far as it is needed to recognise our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) minor: Option<i64>,
    /// Of a refund: Klarna's id of the capture that it was taken from.
    pub(super) capture: Option<String>,
}

/// An answer about a payment transaction.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Transaction {
    top: Value,
}

impl Transaction {
    /// Reads an answer's body and checks that it is about `asked`.
    ///
    /// # Errors
    /// [`Failure::Lost`] or [`Failure::Contradiction`].
    pub(super) fn parse(body: &[u8], asked: &TransactionId) -> Result<Self, Failure> {
        let top: Map<String, Value> = serde_json::from_slice(body)
            .map_err(|error| Failure::Lost(format!("answer is not a JSON object: {error}")))?;
        let top = Value::Object(top);
        let named = first_text(&top, &["payment_transaction_id", "transaction_id"]);
        match named {
            Some(id) if !asked.is_same(id) => {
                Err(contradiction("answer is about another transaction"))
            }
            _ => Ok(Self { top }),
        }
    }

    /// The captures, under any of the names that are in use.
    ///
    /// # Errors
    /// [`Failure::Contradiction`] when the answer lists none of them at all: their absence would
    /// prove nothing then.
    pub(super) fn captures(&self) -> Result<Vec<Entry>, Failure> {
        self.entries(&["captures", "payment_captures"], "capture")
    }

    /// The refunds, as [`Self::captures`].
    ///
    /// # Errors
    /// As [`Self::captures`].
    pub(super) fn refunds(&self) -> Result<Vec<Entry>, Failure> {
        self.entries(&["refunds", "payment_refunds"], "refund")
    }

    /// The first of these members that is a string.
    pub(super) fn text(&self, names: &[&str]) -> Option<&str> {
        first_text(&self.top, names)
    }

    /// The first of these members that is an integer.
    pub(super) fn number(&self, names: &[&str]) -> Option<i64> {
        names.iter().find_map(|name| self.top.get(*name)?.as_i64())
    }

    /// The transaction's state, empty when it is not named.
    pub(super) fn state(&self) -> &str {
        self.text(&["state", "status"]).unwrap_or_default()
    }

    fn entries(&self, names: &[&str], kind: &str) -> Result<Vec<Entry>, Failure> {
        let list = names.iter().find_map(|name| self.top.get(name)?.as_array());
        let list = list.ok_or_else(|| contradiction(format!("answer lists no {kind}s")))?;
        let entry = |row: &Value| Entry {
            id: first_text(row, &[&format!("payment_{kind}_id"), &format!("{kind}_id"), "id"])
                .map(str::to_owned),
            reference: first_text(
                row,
                &[&format!("{kind}_reference"), &format!("payment_{kind}_reference"), "reference"],
            )
            .map(str::to_owned),
            minor: [&format!("{kind}_amount"), "amount"]
                .iter()
                .find_map(|name| row.get(*name)?.as_i64()),
            capture: first_text(row, &["payment_capture_id", "capture_id"]).map(str::to_owned),
        };
        Ok(list.iter().map(entry).collect())
    }
}

/// The first of these members that is a string.
pub(super) fn first_text<'a>(value: &'a Value, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| value.get(*name)?.as_str())
}

fn contradiction(text: impl Into<String>) -> Failure {
    Failure::Contradiction(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state_of(body: &str) -> String {
        format!("{:?}", PaymentRequest::parse(body.as_bytes()).expect("object").state())
    }

    #[test]
    fn both_generations_are_read_and_the_unknown_is_never_paid() {
        assert_eq!(state_of(r#"{"state":"SUBMITTED","new_field":{"a":[1]}}"#), "Submitted");
        assert_eq!(state_of(r#"{"payment_request":{"state":"PREPARED"}}"#), "InProgress");
        let pending = r#"{"state":"PENDING_CONFIRMATION",
            "state_context":{"payment_confirmation_token":"krn:secret"}}"#;
        assert_eq!(state_of(pending), "PendingConfirmation { token: ConfirmationToken(..) }");
        assert_eq!(state_of(r#"{"state":"COMPLETED"}"#), r#"Other("COMPLETED")"#);
        assert_eq!(state_of(r#"{"state":"AUTHORIZED"}"#), r#"Other("AUTHORIZED")"#);
        let paid = r#"{"state":"AUTHORIZED","state_context":{"payment_transaction_id":"t-1"}}"#;
        assert_eq!(state_of(paid), r#"Authorised { transaction: "t-1" }"#);
        assert_eq!(state_of(r#"{"state":"SOMETHING_NEW"}"#), r#"Other("SOMETHING_NEW")"#);
        assert_eq!(state_of("{}"), r#"Other("")"#);
        assert_eq!(state_of(r#"{"state":"DECLINED"}"#), "Ended(Declined)");
    }

    #[test]
    fn the_url_is_found_in_every_generation() {
        for body in [
            r#"{"state_context":{"distribution":{"url":"https://x"}}}"#,
            r#"{"state_context":{"payment_distribution":{"url":"https://x"}}}"#,
            r#"{"state_context":{"customer_interaction":{"payment_request_url":"https://x"}}}"#,
        ] {
            let request = PaymentRequest::parse(body.as_bytes()).expect("object");
            assert_eq!(request.distribution_url(), Some("https://x"), "{body}");
        }
    }

    #[test]
    fn answers_about_something_else_are_noticed() {
        let body = br#"{"payment_request_id":"a","payment_request":{"currency":"SEK","payment_amount":5}}"#;
        let request = PaymentRequest::parse(body).expect("object");
        let id = |text| RequestId::new(text).expect("id");
        let amount =
            |code, minor| Amount::new(minor, crate::money::Currency::new(code).expect("currency"));
        assert!(request.check_id(&id("a")).is_ok() && request.check_id(&id("b")).is_err());
        assert!(request.check_amount(amount("SEK", 5)).is_ok());
        assert!(request.check_amount(amount("EUR", 5)).is_err());
        assert!(request.check_amount(amount("SEK", 6)).is_err());
        assert!(matches!(PaymentRequest::parse(b"<html>"), Err(Failure::Lost(_))));
        assert!(matches!(PaymentRequest::parse(b"{\"state\":"), Err(Failure::Lost(_))));
        assert!(matches!(PaymentRequest::parse(b"[]"), Err(Failure::Lost(_))));
    }

    #[test]
    fn extra_members_are_merged_deeply() {
        let mut body = json!({"a": 1, "config": {"redirect_url": "u"}});
        let extra = json!({"config": {"channel_id": "c"}, "a": 2, "new": true});
        merge(&mut body, extra.as_object().expect("object"));
        assert_eq!(
            body,
            json!({"a": 2, "config": {"redirect_url": "u", "channel_id": "c"}, "new": true})
        );
    }
}
