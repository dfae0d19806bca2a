//! Captures, refunds and voids, and how their effects are found again.
//!
//! Klarna: Transaction management. The write's own answer is authoritative; a refusal is checked
//! against a read, because an earlier attempt may have succeeded under the same reference.

use super::error::{ApiError, Failure};
use super::found::compare;
use super::http::Method;
use super::wire::{Entry, Transaction};
use super::{Klarna, refused};
use crate::id::{CaptureId, RefundId, TransactionId};
use crate::money::Amount;
use crate::payment::effect::{
    Call, CallKind, CaptureTarget, Delay, Effect, Outcome, RefusalReason,
};
use serde_json::json;

/// Paths of the transaction calls. Version 1 documents none, so they can be configured; these are
/// templates with `{account_id}` and `{transaction_id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionPaths {
    /// `GET`.
    pub read: String,
    /// `POST`.
    pub capture: String,
    /// `POST`.
    pub refund: String,
    /// `POST`, of one capture: `{capture_id}` instead of `{transaction_id}`.
    pub refund_capture: String,
    /// `POST`.
    pub void: String,
    /// `PATCH`.
    pub update: String,
}

impl TransactionPaths {
    /// Whether `template` can stand for a path about what `placeholder` stands for.
    pub fn is_usable(template: &str, placeholder: &str) -> bool {
        let filled = template.replace("{account_id}", "").replace(placeholder, "");
        let printable = filled.bytes().all(|b| b.is_ascii_graphic() && !b"{}?#".contains(&b));
        template.starts_with('/') && template.contains(placeholder) && printable
    }
}

impl Default for TransactionPaths {
    /// The shape that later versions of the API publish, under `/v1`.
    fn default() -> Self {
        let base = "/v1/accounts/{account_id}/payment/transactions/{transaction_id}";
        Self {
            read: base.to_owned(),
            capture: format!("{base}/capture"),
            refund: format!("{base}/refund"),
            refund_capture: "/v1/accounts/{account_id}/payment/captures/{capture_id}/refund"
                .to_owned(),
            void: format!("{base}/void"),
            update: base.to_owned(),
        }
    }
}

impl Klarna {
    /// Sends a capture, refund or void.
    pub(super) async fn change(&self, transaction: &TransactionId, call: &Call) -> Outcome {
        let paths = &self.http.settings().paths;
        let of_transaction = |template| self.http.resource_path(template, transaction.as_str());
        let (path, body) = match &call.kind {
            CallKind::Capture { amount, reference, .. } => (
                of_transaction(&paths.capture),
                Some(json!({
                    "capture_amount": amount.minor(),
                    "capture_reference": reference.as_str(),
                })),
            ),
            CallKind::Refund { amount, reference, capture, .. } => (
                match capture {
                    None => of_transaction(&paths.refund),
                    Some(capture) => match self.capture_id(transaction, capture).await {
                        Ok(id) => self.http.resource_path(&paths.refund_capture, id.as_str()),
                        Err(outcome) => return outcome,
                    },
                },
                Some(json!({
                    "refund_amount": amount.minor(),
                    "refund_reference": reference.as_str(),
                })),
            ),
            CallKind::Void { .. } => (of_transaction(&paths.void), None),
            CallKind::Update { merchant_reference, .. } => (
                of_transaction(&paths.update),
                Some(json!({ "merchant_reference": merchant_reference.as_str() })),
            ),
            CallKind::Check { expected, .. } => {
                let answer = self.read_transaction(transaction).await;
                return compare(answer, transaction, *expected);
            }
            CallKind::Create { .. } | CallKind::Cancel { .. } | CallKind::Confirm { .. } => {
                return refused(RefusalReason::NotAllowed, "WRONG_CALL", "not a transaction call");
            }
        };
        let (body, key) = (body.as_ref(), Some(&call.key));
        let session = &self.http.settings().session;
        let method = match &call.kind {
            CallKind::Update { .. } => Method::Patch,
            _ => Method::Post,
        };
        let answer = self.http.send(method, &path, body, key, session).await;
        match answer {
            Ok(answer) => done(&call.kind, transaction, &answer.body),
            Err(Failure::Api(error)) if error.is_definite() => {
                self.check_refused(transaction, call, &error).await
            }
            Err(failure) => failure.into_outcome(),
        }
    }

    /// A refusal is believed once a read shows that no earlier attempt has taken effect. A conflict
    /// may be our own earlier attempt, still running: the same key finds out later.
    async fn check_refused(
        &self,
        transaction: &TransactionId,
        call: &Call,
        error: &ApiError,
    ) -> Outcome {
        match self.find(transaction, call).await {
            Outcome::Absent if error.is_conflict() => {
                Outcome::Retry(Delay::because(error.to_string()))
            }
            Outcome::Absent => Outcome::Refused(error.refusal()),
            found @ (Outcome::Done(_)
            | Outcome::Refused(_)
            | Outcome::Retry(_)
            | Outcome::Unknown(_)) => found,
        }
    }

    /// Klarna's id of one of our captures: the one we were told, or the one under our reference.
    async fn capture_id(
        &self,
        transaction: &TransactionId,
        capture: &CaptureTarget,
    ) -> Result<CaptureId, Outcome> {
        if let Some(id) = &capture.id {
            return Ok(id.clone());
        }
        let captures = self.read_transaction(transaction).await.and_then(|found| found.captures());
        let captures = captures.map_err(|failure| Outcome::Retry(failure.into_delay()))?;
        let reference = capture.reference.as_str();
        let ours = captures.into_iter().find(|row| row.reference.as_deref() == Some(reference));
        let id = ours.and_then(|row| row.id).and_then(|id| CaptureId::new(id).ok());
        id.ok_or_else(|| {
            let text = format!("Klarna has no capture under our reference {reference}");
            refused(RefusalReason::Contradiction, "CONTRADICTION", text)
        })
    }

    pub(super) async fn read_transaction(
        &self,
        transaction: &TransactionId,
    ) -> Result<Transaction, Failure> {
        let settings = self.http.settings();
        let path = self.http.resource_path(&settings.paths.read, transaction.as_str());
        let answer = self.http.get(&path, &[], &settings.session).await?;
        Transaction::parse(&answer.body, transaction)
    }

    /// Reads the transaction and looks for the effect of `call`.
    pub(super) async fn find(&self, transaction: &TransactionId, call: &Call) -> Outcome {
        let found = self.read_transaction(transaction).await;
        let result = found.and_then(|found| match &call.kind {
            CallKind::Capture { amount, reference, .. } => {
                Ok(look_up(&found.captures()?, reference.as_str(), *amount, captured))
            }
            CallKind::Refund { amount, reference, .. } => {
                Ok(look_up(&found.refunds()?, reference.as_str(), *amount, refunded))
            }
            CallKind::Void { rest, .. } => Ok(look_up_void(&found, *rest)),
            CallKind::Update { merchant_reference, .. } => {
                match found.text(&["merchant_reference"]) == Some(merchant_reference.as_str()) {
                    true => Ok(Outcome::Done(Effect::Updated)),
                    false => Ok(Outcome::Absent),
                }
            }
            CallKind::Create { .. }
            | CallKind::Cancel { .. }
            | CallKind::Confirm { .. }
            | CallKind::Check { .. } => Ok(Outcome::Absent),
        });
        match result {
            Ok(outcome) => outcome,
            // Klarna does not know the transaction, or not under this path: no repetition helps.
            Err(Failure::Api(error))
                if error.is_resource_not_found() || error.is_route_missing() =>
            {
                Outcome::Refused(error.refusal())
            }
            Err(failure) => Outcome::Retry(failure.into_delay()),
        }
    }
}

/// Our own row among `entries`; the same reference with another amount is a contradiction that a
/// person must look at.
fn look_up(
    entries: &[Entry],
    reference: &str,
    amount: Amount,
    effect: fn(Option<&str>) -> Effect,
) -> Outcome {
    let ours = entries.iter().find(|entry| entry.reference.as_deref() == Some(reference));
    match ours {
        // A row that does not say whose it is may be ours: its silence proves nothing.
        None if entries.iter().any(|entry| entry.reference.is_none()) => {
            let text = format!("Klarna's rows do not say which of them is {reference}");
            refused(RefusalReason::Contradiction, "CONTRADICTION", text)
        }
        None => Outcome::Absent,
        Some(entry) if entry.minor.is_none_or(|minor| minor == amount.minor()) => {
            Outcome::Done(effect(entry.id.as_deref()))
        }
        Some(entry) => {
            let found = entry.minor.map(|minor| Amount::new(minor, amount.currency()).to_string());
            let found = found.unwrap_or_default();
            let text = format!("Klarna has {found} under our reference {reference}");
            refused(RefusalReason::Contradiction, "CONTRADICTION", text)
        }
    }
}

/// Whether everything was released, or the `rest` of it. We void the whole only when we have
/// captured nothing, so a capture is somebody else's, and the money is not back with the shopper.
fn look_up_void(found: &Transaction, rest: bool) -> Outcome {
    let is_captured = found.captures().map(|captures| !captures.is_empty());
    match (found.state(), is_captured) {
        ("CLOSED" | "VOIDED" | "COMPLETED", _) if rest => Outcome::Done(Effect::Voided),
        (_, _) if rest => Outcome::Absent,
        (_, Ok(true)) => {
            let text = "the transaction has captures that are not of this terminal";
            refused(RefusalReason::Contradiction, "CONTRADICTION", text)
        }
        ("CLOSED" | "VOIDED", _) | ("COMPLETED", Ok(false)) => Outcome::Done(Effect::Voided),
        _ => Outcome::Absent,
    }
}

/// What a 2xx answer says. One about another transaction or currency is none: the same key brings
/// the right one.
fn done(kind: &CallKind, transaction: &TransactionId, body: &[u8]) -> Outcome {
    let answer = match body.iter().all(u8::is_ascii_whitespace) {
        true => None,
        false => match Transaction::parse(body, transaction) {
            Ok(answer) => Some(answer),
            Err(failure) => return Outcome::Unknown(failure.into_delay()),
        },
    };
    let text = |names: &[&str]| answer.as_ref().and_then(|answer| answer.text(names));
    if text(&["currency"]).is_some_and(|code| code != kind.amount().currency().code()) {
        return Outcome::Unknown(Delay::because("answer is about another currency"));
    }
    // Another amount than was asked for has moved: nobody but a person can say what is to be done.
    let moved = answer.as_ref().and_then(|answer| match kind {
        CallKind::Capture { .. } => answer.number(&["capture_amount"]),
        CallKind::Refund { .. } => answer.number(&["refund_amount"]),
        _ => None,
    });
    if let Some(minor) = moved.filter(|minor| *minor != kind.amount().minor()) {
        let (asked, moved) = (kind.amount(), Amount::new(minor, kind.amount().currency()));
        let text = format!("Klarna says {moved}, asked was a {} of {asked}", kind.operation());
        return refused(RefusalReason::Contradiction, "CONTRADICTION", text);
    }
    match kind {
        CallKind::Refund { .. } => {
            Outcome::Done(refunded(text(&["payment_refund_id", "refund_id"])))
        }
        CallKind::Void { rest, .. } => match answer.map(|answer| look_up_void(&answer, *rest)) {
            Some(refused @ Outcome::Refused(_)) => refused,
            _ => Outcome::Done(Effect::Voided),
        },
        CallKind::Update { .. } => Outcome::Done(Effect::Updated),
        CallKind::Capture { .. }
        | CallKind::Check { .. }
        | CallKind::Create { .. }
        | CallKind::Cancel { .. }
        | CallKind::Confirm { .. } => {
            Outcome::Done(captured(text(&["payment_capture_id", "capture_id"])))
        }
    }
}

fn captured(id: Option<&str>) -> Effect {
    Effect::Captured { capture: id.and_then(|id| CaptureId::new(id).ok()) }
}

fn refunded(id: Option<&str>) -> Effect {
    Effect::Refunded { refund: id.and_then(|id| RefundId::new(id).ok()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::EffectReference;
    use crate::money::Currency;

    fn check(kind: &str, body: &str, expected: &str) {
        let transaction = TransactionId::new("krn:transaction:t-1").expect("an id");
        let amount = Amount::new(100, Currency::new("EUR").expect("EUR"));
        let reference = EffectReference::new("R").expect("a reference");
        let kind = match kind {
            "capture" => CallKind::Capture { transaction: transaction.clone(), amount, reference },
            "refund" => {
                let (transaction, capture) = (transaction.clone(), None);
                CallKind::Refund { transaction, capture, amount, reference }
            }
            _ => CallKind::Void { transaction: transaction.clone(), amount, rest: false },
        };
        let shown = match done(&kind, &transaction, body.as_bytes()) {
            Outcome::Done(_) => "done".to_owned(),
            Outcome::Refused(refusal) => format!("refused: {}", refusal.text),
            Outcome::Unknown(delay) => format!("unknown: {}", delay.reason),
            Outcome::Retry(_) | Outcome::Absent => "impossible".to_owned(),
        };
        assert!(shown.starts_with(expected), "{body}: {shown}");
    }

    #[test]
    fn an_answer_about_something_else_is_none() {
        for kind in ["capture", "refund", "void"] {
            check(kind, "", "done");
            check(kind, "{}", "done");
            check(kind, r#"{"payment_transaction_id":"t-1","currency":"EUR"}"#, "done");
            let other = r#"{"payment_transaction_id":"krn:transaction:t-2"}"#;
            check(kind, other, "unknown: answer is about another transaction");
            check(kind, r#"{"currency":"SEK"}"#, "unknown: answer is about another currency");
            check(kind, "[]", "unknown: answer is not a JSON object");
            check(kind, "<html>", "unknown: answer is not a JSON object");
            check(kind, r#"{"payment_tr"#, "unknown: answer is not a JSON object");
        }
        check("void", r#"{"state":"COMPLETED","captures":[{"capture_amount":40}]}"#, "refused");
        check("void", r#"{"state":"CLOSED","captures":[]}"#, "done");
        check("capture", r#"{"capture_amount":100}"#, "done");
        let other = "refused: Klarna says EUR 0.40, asked was a capture of EUR 1.00";
        check("capture", r#"{"capture_amount":40}"#, other);
        check("refund", r#"{"refund_amount":101}"#, "refused: Klarna says EUR 1.01");
    }
}
