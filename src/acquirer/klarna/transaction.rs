//! Captures, refunds and voids, and how their effects are found again.
//!
//! Klarna: Transaction management. The write's own answer is authoritative; a refusal is checked
//! against a read, because an earlier attempt may have succeeded under the same reference.

use super::error::Failure;
use super::http::{Method, Quota};
use super::wire::{Entry, Transaction, first_text};
use super::{Klarna, refused};
use crate::id::{CaptureId, RefundId, TransactionId};
use crate::money::Amount;
use crate::payment::effect::{Call, CallKind, Delay, Effect, Outcome, RefusalReason};
use serde_json::{Value, json};

impl Klarna {
    /// Sends a capture, refund or void.
    pub(super) async fn change(&self, transaction: &TransactionId, call: &Call) -> Outcome {
        let paths = &self.http.settings().paths;
        let (template, quota, body) = match &call.kind {
            CallKind::Capture { amount, reference, .. } => (
                &paths.capture,
                Quota::Capture,
                Some(json!({
                    "capture_amount": amount.minor(),
                    "capture_reference": reference.as_str(),
                })),
            ),
            CallKind::Refund { amount, reference, .. } => (
                &paths.refund,
                Quota::Management,
                Some(json!({
                    "refund_amount": amount.minor(),
                    "refund_reference": reference.as_str(),
                })),
            ),
            CallKind::Void { .. } => (&paths.void, Quota::Management, None),
            CallKind::Create { .. } | CallKind::Cancel { .. } | CallKind::Confirm { .. } => {
                return refused(RefusalReason::NotAllowed, "WRONG_CALL", "not a transaction call");
            }
        };
        let path = self.http.transaction_path(template, transaction);
        let (body, key) = (body.as_ref(), Some(&call.key));
        let session = &self.http.settings().session;
        let answer = self.http.send_counted(quota, Method::Post, &path, body, key, session).await;
        match answer {
            Ok(answer) => done(&call.kind, &answer.body),
            Err(Failure::Api(error)) if error.is_about_resource() => {
                match self.find(transaction, call).await {
                    Outcome::Done(effect) => Outcome::Done(effect),
                    Outcome::Absent => Outcome::Refused(error.refusal()),
                    Outcome::Refused(refusal) => Outcome::Refused(refusal),
                    Outcome::Retry(delay) | Outcome::Unknown(delay) => Outcome::Retry(delay),
                }
            }
            Err(failure) => failure.into_outcome(),
        }
    }

    /// Reads the transaction and looks for the effect of `call`.
    pub(super) async fn find(&self, transaction: &TransactionId, call: &Call) -> Outcome {
        let path = self.http.transaction_path(&self.http.settings().paths.read, transaction);
        let session = self.http.settings().session.clone();
        let read = self.http.get(&path, &[], &session).await;
        let found = read.and_then(|answer| Transaction::parse(&answer.body, transaction));
        let result = found.and_then(|found| match &call.kind {
            CallKind::Capture { amount, reference, .. } => {
                Ok(look_up(&found.captures()?, reference.as_str(), *amount, captured))
            }
            CallKind::Refund { amount, reference, .. } => {
                Ok(look_up(&found.refunds()?, reference.as_str(), *amount, refunded))
            }
            CallKind::Void { .. } => Ok(match found.state() {
                "CLOSED" | "COMPLETED" | "VOIDED" => Outcome::Done(Effect::Voided),
                _ => Outcome::Absent,
            }),
            CallKind::Create { .. } | CallKind::Cancel { .. } | CallKind::Confirm { .. } => {
                Ok(Outcome::Absent)
            }
        });
        result.unwrap_or_else(|failure| Outcome::Retry(failure.into_delay()))
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

fn done(kind: &CallKind, body: &[u8]) -> Outcome {
    let answer: Value = match body.iter().all(u8::is_ascii_whitespace) {
        true => Value::Null,
        false => match serde_json::from_slice(body) {
            Ok(answer) => answer,
            Err(error) => {
                return Outcome::Unknown(Delay::because(format!("answer is not JSON: {error}")));
            }
        },
    };
    Outcome::Done(match kind {
        CallKind::Refund { .. } => {
            refunded(first_text(&answer, &["payment_refund_id", "refund_id"]))
        }
        CallKind::Void { .. } => Effect::Voided,
        CallKind::Capture { .. }
        | CallKind::Create { .. }
        | CallKind::Cancel { .. }
        | CallKind::Confirm { .. } => {
            captured(first_text(&answer, &["payment_capture_id", "capture_id"]))
        }
    })
}

fn captured(id: Option<&str>) -> Effect {
    Effect::Captured { capture: id.and_then(|id| CaptureId::new(id).ok()) }
}

fn refunded(id: Option<&str>) -> Effect {
    Effect::Refunded { refund: id.and_then(|id| RefundId::new(id).ok()) }
}
