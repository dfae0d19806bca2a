//! Which events there are, what they carry, and which of them a webhook's patterns mean.
//!
//! It does not know who listens.

use crate::simulator::random::Random;
use crate::simulator::request::date_time;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Every event type of version 1 that this stand-in knows: the guidelines' own for payment
/// requests, the published ones for the rest.
const KNOWN: [&str; 32] = [
    "payment.request.state-change.submitted",
    "payment.request.state-change.in-progress",
    "payment.request.state-change.prepared",
    "payment.request.state-change.pending-confirmation",
    "payment.request.state-change.authorized",
    "payment.request.state-change.canceled",
    "payment.request.state-change.expired",
    "payment.request.state-change.declined",
    "payment.request.updated",
    "payment.transaction.state-change.authorized",
    "payment.transaction.state-change.completed",
    "payment.transaction.state-change.expired",
    "payment.transaction.state-change.closed",
    "payment.transaction.captured",
    "payment.transaction.refunded",
    "payment.transaction.chargeback",
    "payment.funding.state-change.funded",
    "payment.funding.state-change.expired",
    "payment.dispute.state-change.initiated",
    "payment.dispute.state-change.merchant-evidence-pending",
    "payment.dispute.state-change.pre-arbitration",
    "payment.dispute.state-change.arbitration-pending",
    "payment.dispute.state-change.closed",
    "settlement.report.created",
    "settlement.report.uploaded-to-sftp",
    "settlement.payout.processed",
    "settlement.payout.confirmed",
    "settlement.payout.failed",
    "partner.account.state-change.operational",
    "partner.account.product.payment.state-change.enabled",
    "partner.account.product.payment.state-change.disabled",
    "partner.account.product.payment.state-change.suspended",
];

/// The only version of events there is.
pub(super) const VERSION: &str = "v1";

/// Something that has happened to a payment request or a transaction.
#[derive(Clone, Debug)]
pub(in crate::simulator) struct Change {
    pub(in crate::simulator) event_type: &'static str,
    pub(in crate::simulator) at: Timestamp,
    pub(in crate::simulator) payload: Value,
}

/// Sets a field that Klarna leaves out when there is nothing to say.
pub(in crate::simulator) fn put(body: &mut Value, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        body[name] = text.into();
    }
}

/// The event of that name, if there is one.
pub(super) fn known(event_type: &str) -> Option<&'static str> {
    KNOWN.into_iter().find(|known| *known == event_type)
}

/// Whether a webhook may name it: an event, or a wildcard that means at least one.
pub(super) fn is_pattern(pattern: &str) -> bool {
    KNOWN.iter().any(|event_type| matches(pattern, event_type))
}

/// Whether the pattern means the event: it is the event, or ends with `*` behind its beginning.
pub(super) fn matches(pattern: &str, event_type: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some("") => true,
        Some(beginning) => beginning.ends_with('.') && event_type.starts_with(beginning),
        None => pattern == event_type,
    }
}

/// What a simulated event carries: data of nobody, in the shape of the real thing.
pub(super) fn dummy(event_type: &str, random: &mut Random, now: Timestamp) -> Value {
    let state = event_type.rsplit('.').next().unwrap_or_default();
    let state = state.to_ascii_uppercase().replace('-', "_");
    let mut payload = json!({
        "state": state,
        "created_at": date_time(now),
        "updated_at": date_time(now),
        "merchant_reference": "order-5678",
        "payment_reference": "partner-payref-1234",
    });
    if event_type.starts_with("payment.request.") {
        let id = random.uuid();
        payload["payment_request_id"] = format!("krn:payment:eu1:request:{id}").into();
        payload["previous_state"] = previous(&state).into();
    }
    if state == "PENDING_CONFIRMATION" {
        let token = format!("krn:payment:eu1:confirmation-token:{}", random.uuid());
        payload["payment_confirmation_token"] = token.into();
    }
    let of_transaction = event_type.starts_with("payment.transaction.");
    if state == "AUTHORIZED" || of_transaction {
        let id = random.uuid();
        payload["payment_transaction_id"] = format!("krn:payment:eu1:transaction:{id}").into();
    }
    payload
}

fn previous(state: &str) -> &'static str {
    match state {
        "IN_PROGRESS" => "SUBMITTED",
        "AUTHORIZED" => "PENDING_CONFIRMATION",
        _ => "IN_PROGRESS",
    }
}

/// What stands around every payload.
pub(super) struct Metadata<'a> {
    pub(super) event_type: &'a str,
    pub(super) event_id: &'a str,
    pub(super) correlation_id: &'a str,
    pub(super) account_id: &'a str,
    pub(super) product_instance_id: &'a str,
    pub(super) webhook_id: &'a str,
    pub(super) at: Timestamp,
}

/// Metadata and payload, as a notice carries them.
pub(super) fn envelope(metadata: &Metadata<'_>, payload: &Value) -> Value {
    json!({
        "metadata": {
            "event_type": metadata.event_type,
            "event_id": metadata.event_id,
            "event_version": VERSION,
            "occurred_at": date_time(metadata.at),
            "correlation_id": metadata.correlation_id,
            "account_id": metadata.account_id,
            "product_instance_id": metadata.product_instance_id,
            "webhook_id": metadata.webhook_id,
            "live": metadata.account_id.contains(":live:"),
        },
        "payload": payload,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_means_what_is_below_it() {
        for (pattern, event_type, fits) in [
            ("*", "settlement.payout.failed", true),
            ("payment.request.*", "payment.request.updated", true),
            ("payment.request.*", "payment.request.state-change.expired", true),
            ("payment.request.*", "payment.transaction.captured", false),
            ("payment.req*", "payment.request.updated", false),
            ("payment.request.updated", "payment.request.updated", true),
        ] {
            assert_eq!(matches(pattern, event_type), fits, "{pattern} {event_type}");
        }
        assert!(is_pattern("payment.*") && !is_pattern("payments.*") && !is_pattern(""));
    }
}
