//! What a notice says, as far as anybody here may know it (Integration Guidelines: Webhooks;
//! Notifications API for the names of version 2).
//!
//! A confirmation token and amounts are never kept: whoever gets a notice reads Klarna. What is
//! missing or of another type is left out, so that a field more or less at Klarna loses no notice.

use crate::clock::Wall;
use crate::id::{DisputeId, EventId, EventType, Label, PaymentReference, RequestId, TransactionId};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Why a notice cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// It is no JSON object with metadata.
    #[error("line {0}, column {1}: it is no notice")]
    NoNotice(usize, usize),
    /// A field without which nothing can be done is missing or is no such text.
    #[error("metadata has no usable {0}")]
    Missing(&'static str),
}

/// Something that has happened at Klarna.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Names what has happened; the same when Klarna tells it again.
    pub event: EventId,
    /// What has happened, in Klarna's words.
    pub event_type: EventType,
    /// What has happened, in ours.
    pub kind: Kind,
    /// Such as `v1`.
    pub version: Option<Label>,
    /// When it happened, by Klarna's clock.
    pub occurred_at: Wall,
    /// The account that it happened to.
    pub account: Option<Label>,
    /// Which subscription brought it.
    pub webhook: Option<Label>,
    /// Whether it is about real money.
    pub live: Option<bool>,
    /// The payment request that it is about.
    pub request: Option<RequestId>,
    /// Our reference of the payment.
    pub reference: Option<PaymentReference>,
    /// The merchant's reference of the purchase.
    pub merchant_reference: Option<Label>,
    /// The state that was reached, in Klarna's words.
    pub state: Option<Label>,
    /// The state before, in Klarna's words.
    pub previous_state: Option<Label>,
    /// The transaction that it is about.
    pub transaction: Option<TransactionId>,
    /// The dispute that it is about.
    pub dispute: Option<DisputeId>,
}

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A payment request is in another state.
    Request(RequestChange),
    /// A payment request has changed within its state.
    RequestUpdated,
    /// A transaction, or its funding.
    Transaction,
    /// A dispute about a transaction, or money that Klarna has taken back because of one.
    Dispute,
    /// A settlement report or a payout.
    Settlement,
    /// The account, or a product of it.
    Account,
    /// Nothing that is known here.
    Other,
}

/// Which state a payment request is in, as the event type says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RequestChange {
    /// It was made.
    Submitted,
    /// The shopper has opened it.
    InProgress,
    /// The shopper has chosen how to pay.
    Prepared,
    /// The shopper has approved; version 1.
    PendingConfirmation,
    /// The shopper has approved; version 2.
    Completed,
    /// It was confirmed.
    Authorized,
    /// Klarna has declined it.
    Declined,
    /// It was cancelled.
    Canceled,
    /// Its time is over.
    Expired,
    /// A state that is not known here.
    Other,
}

impl Kind {
    /// By the event type; the words are Klarna's.
    pub fn of(event_type: &str) -> Self {
        if let Some(state) = event_type.strip_prefix("payment.request.state-change.") {
            return Self::Request(RequestChange::of(state));
        }
        let is_of = |family: &str| event_type.starts_with(family);
        if event_type == "payment.request.updated" {
            Self::RequestUpdated
        } else if is_of("payment.dispute.") || event_type == "payment.transaction.chargeback" {
            Self::Dispute
        } else if is_of("payment.transaction.") || is_of("payment.funding.") {
            Self::Transaction
        } else if is_of("settlement.") {
            Self::Settlement
        } else if is_of("partner.account.") {
            Self::Account
        } else {
            Self::Other
        }
    }

    /// One word for metrics and logs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Request(_) => "request",
            Self::RequestUpdated => "request_updated",
            Self::Transaction => "transaction",
            Self::Dispute => "dispute",
            Self::Settlement => "settlement",
            Self::Account => "account",
            Self::Other => "other",
        }
    }

    /// Whether it is about one payment, and so for the terminal that took it.
    pub fn is_of_a_payment(self) -> bool {
        match self {
            Self::Request(_) | Self::RequestUpdated | Self::Transaction | Self::Dispute => true,
            Self::Settlement | Self::Account | Self::Other => false,
        }
    }
}

impl RequestChange {
    fn of(state: &str) -> Self {
        match state {
            "submitted" => Self::Submitted,
            "in-progress" => Self::InProgress,
            "prepared" => Self::Prepared,
            "pending-confirmation" => Self::PendingConfirmation,
            "completed" => Self::Completed,
            "authorized" => Self::Authorized,
            "declined" => Self::Declined,
            "canceled" => Self::Canceled,
            "expired" => Self::Expired,
            _ => Self::Other,
        }
    }
}

/// A field as it stands there, whatever its type.
type Raw<'a> = Option<&'a RawValue>;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    metadata: Metadata<'a>,
    #[serde(borrow, default)]
    payload: Raw<'a>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow, default)]
    event_type: Raw<'a>,
    #[serde(borrow, default)]
    event_id: Raw<'a>,
    #[serde(borrow, default)]
    event_version: Raw<'a>,
    #[serde(borrow, default)]
    occurred_at: Raw<'a>,
    #[serde(borrow, default)]
    account_id: Raw<'a>,
    #[serde(borrow, default)]
    subject_account_id: Raw<'a>,
    #[serde(borrow, default)]
    recipient_account_id: Raw<'a>,
    #[serde(borrow, default)]
    webhook_id: Raw<'a>,
    #[serde(borrow, default)]
    live: Raw<'a>,
}

#[derive(Default, Deserialize)]
struct Payload<'a> {
    #[serde(borrow, default)]
    payment_request_id: Raw<'a>,
    #[serde(borrow, default)]
    payment_reference: Raw<'a>,
    #[serde(borrow, default)]
    payment_request_reference: Raw<'a>,
    #[serde(borrow, default)]
    payment_transaction_reference: Raw<'a>,
    #[serde(borrow, default)]
    merchant_reference: Raw<'a>,
    #[serde(borrow, default)]
    supplementary_purchase_data: Raw<'a>,
    #[serde(borrow, default)]
    state: Raw<'a>,
    #[serde(borrow, default)]
    previous_state: Raw<'a>,
    #[serde(borrow, default)]
    payment_transaction_id: Raw<'a>,
    #[serde(borrow, default)]
    payment_dispute_id: Raw<'a>,
    #[serde(borrow, default)]
    dispute_id: Raw<'a>,
}

#[derive(Default, Deserialize)]
struct Purchase<'a> {
    #[serde(borrow, default)]
    purchase_reference: Raw<'a>,
}

/// Reads a body, which is bounded by whoever received it.
///
/// # Errors
/// When it is no notice, or lacks the event's id, type or time.
pub fn parse(body: &[u8]) -> Result<Notice, NoticeError> {
    let envelope: Envelope<'_> = serde_json::from_slice(body)
        .map_err(|error| NoticeError::NoNotice(error.line(), error.column()))?;
    let said = &envelope.metadata;
    let event_type: EventType = name(said.event_type).ok_or(NoticeError::Missing("event_type"))?;
    let payload: Payload<'_> = part(envelope.payload);
    let purchase: Purchase<'_> = part(payload.supplementary_purchase_data);
    Ok(Notice {
        event: name(said.event_id).ok_or(NoticeError::Missing("event_id"))?,
        kind: Kind::of(event_type.as_str()),
        event_type,
        version: name(said.event_version),
        occurred_at: time(said.occurred_at).ok_or(NoticeError::Missing("occurred_at"))?,
        account: first([said.account_id, said.subject_account_id, said.recipient_account_id]),
        webhook: name(said.webhook_id),
        live: said.live.and_then(|live| serde_json::from_str(live.get()).ok()),
        request: name(payload.payment_request_id),
        reference: first([
            payload.payment_reference,
            payload.payment_request_reference,
            payload.payment_transaction_reference,
        ]),
        merchant_reference: first([payload.merchant_reference, purchase.purchase_reference]),
        state: name(payload.state),
        previous_state: name(payload.previous_state),
        transaction: name(payload.payment_transaction_id),
        dispute: first([payload.payment_dispute_id, payload.dispute_id]),
    })
}

/// What is there of an object; nothing where it is none.
fn part<'a, T: Default + Deserialize<'a>>(raw: Raw<'a>) -> T {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}

/// A text that may be such a name: bounded, printable, without markup.
fn name<T: TryFrom<String>>(raw: Raw<'_>) -> Option<T> {
    serde_json::from_str::<String>(raw?.get()).ok()?.try_into().ok()
}

fn first<T: TryFrom<String>, const N: usize>(raws: [Raw<'_>; N]) -> Option<T> {
    raws.into_iter().find_map(name)
}

/// ISO 8601 with its offset.
fn time(raw: Raw<'_>) -> Option<Wall> {
    let text: String = serde_json::from_str(raw?.get()).ok()?;
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(Wall::from_millis(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SAMPLE: &str = r#"{"metadata": {"event_type":
        "payment.request.state-change.pending-confirmation", "event_id": "e911ddab",
        "event_version": "v1", "occurred_at": "2024-05-27T14:41:30Z", "account_id": "krn:a",
        "webhook_id": "krn:w", "live": false},
        "payload": {"payment_request_id": "krn:r", "payment_reference": "ours",
        "merchant_reference": "theirs", "state": "PENDING_CONFIRMATION",
        "previous_state": "IN_PROGRESS", "expires_at": "2024-05-29T14:40:58Z", "amount": 4711,
        "payment_transaction_id": "krn:t",
        "payment_confirmation_token": "krn:payment:eu1:confirmation-token:sekret"}}"#;

    #[test]
    fn a_notice_says_what_happened_and_neither_token_nor_amount() {
        let notice = parse(SAMPLE.as_bytes()).expect("a notice");
        assert_eq!(notice.kind, Kind::Request(RequestChange::PendingConfirmation));
        assert_eq!(notice.occurred_at.iso8601(), "2024-05-27T14:41:30.000Z");
        assert_eq!(notice.live, Some(false));
        assert_eq!(notice.event.as_str(), "e911ddab");
        assert_eq!(notice.reference.as_ref().expect("ours").as_str(), "ours");
        assert_eq!(notice.transaction.as_ref().expect("one").as_str(), "krn:t");
        let all = format!("{notice:?}");
        assert!(!all.contains("sekret") && !all.contains("4711"), "{all}");
    }

    #[test]
    fn version_2_has_other_names_for_the_same() {
        let text = r#"{"metadata": {"event_type": "payment.dispute.state-change.initiated",
            "event_id": "e", "event_version": "v2", "occurred_at": "2026-01-01T01:00:00+01:00",
            "subject_account_id": "krn:s", "recipient_account_id": "krn:p", "live": true},
            "payload": {"payment_dispute_id": "krn:d", "payment_transaction_id": "krn:t",
            "payment_transaction_reference": "ours", "payment_request_reference": null,
            "supplementary_purchase_data": {"purchase_reference": "theirs"}}}"#;
        let notice = parse(text.as_bytes()).expect("a notice");
        assert_eq!(notice.kind, Kind::Dispute);
        assert_eq!(notice.account.expect("one").as_str(), "krn:s");
        assert_eq!(notice.reference.expect("one").as_str(), "ours");
        assert_eq!(notice.merchant_reference.expect("one").as_str(), "theirs");
        assert_eq!(notice.dispute.expect("one").as_str(), "krn:d");
        assert_eq!(notice.occurred_at.iso8601(), "2026-01-01T00:00:00.000Z");
    }

    #[test]
    fn what_has_another_type_is_left_out() {
        let text = r#"{"metadata": {"event_type": "new.kind", "event_id": "e", "live": "no",
            "occurred_at": "2026-01-01T00:00:00Z", "webhook_id": 7, "account_id": "a\u0000b"},
            "payload": {"payment_reference": {"x": 1}, "payment_request_id": "<b>", "state": []}}"#;
        let notice = parse(text.as_bytes()).expect("a notice");
        assert_eq!((notice.kind, notice.live), (Kind::Other, None));
        assert!(notice.webhook.is_none() && notice.account.is_none() && notice.state.is_none());
        assert!(notice.reference.is_none() && notice.request.is_none());
        for payload in ["null", "[1]", "7", "\"text\""] {
            let text = format!(
                r#"{{"metadata": {{"event_type": "settlement.payout.failed", "event_id": "e",
                "occurred_at": "2026-01-01T00:00:00Z"}}, "payload": {payload}}}"#
            );
            assert_eq!(parse(text.as_bytes()).expect("a notice").kind, Kind::Settlement);
        }
    }

    #[test]
    fn what_is_no_notice_is_told_without_quoting_it() {
        let told = |text: &str| parse(text.as_bytes()).expect_err(text).to_string();
        assert_eq!(told("{\"sekret\""), "line 1, column 9: it is no notice");
        assert_eq!(told("{}"), "line 1, column 2: it is no notice");
        let metadata = |text: &str| told(&format!(r#"{{"metadata": {{{text}}}}}"#));
        assert_eq!(metadata(""), "metadata has no usable event_type");
        assert_eq!(metadata(r#""event_type": "a""#), "metadata has no usable event_id");
        let long = "x".repeat(256);
        let text = format!(r#""event_type": "a", "event_id": "{long}""#);
        assert_eq!(metadata(&text), "metadata has no usable event_id");
        let text = r#""event_type": "a", "event_id": "e", "occurred_at": "yesterday""#;
        assert_eq!(metadata(text), "metadata has no usable occurred_at");
        let twice = r#""event_type": "a", "event_type": "b""#;
        assert!(metadata(twice).contains("no notice"), "whoever reads the first reads another one");
        assert!(told(&"[".repeat(60_000)).contains("no notice"));
        let deep = format!(r#"{{"metadata": {{"x": {}"#, "[".repeat(60_000));
        assert!(told(&deep).contains("no notice"));
    }

    #[test]
    fn every_event_type_of_the_documents_is_known() {
        for (event_type, kind) in [
            ("payment.request.state-change.submitted", Kind::Request(RequestChange::Submitted)),
            ("payment.request.state-change.in-progress", Kind::Request(RequestChange::InProgress)),
            ("payment.request.state-change.prepared", Kind::Request(RequestChange::Prepared)),
            ("payment.request.state-change.authorized", Kind::Request(RequestChange::Authorized)),
            ("payment.request.state-change.canceled", Kind::Request(RequestChange::Canceled)),
            ("payment.request.state-change.expired", Kind::Request(RequestChange::Expired)),
            ("payment.request.state-change.declined", Kind::Request(RequestChange::Declined)),
            ("payment.request.state-change.completed", Kind::Request(RequestChange::Completed)),
            ("payment.request.state-change.new", Kind::Request(RequestChange::Other)),
            ("payment.request.updated", Kind::RequestUpdated),
            ("payment.transaction.captured", Kind::Transaction),
            ("payment.funding.state-change.funded", Kind::Transaction),
            ("payment.dispute.updated.deadline-extended", Kind::Dispute),
            ("settlement.report.created", Kind::Settlement),
            ("partner.account.state-change.operational", Kind::Account),
            ("payment.requests", Kind::Other),
        ] {
            assert_eq!(Kind::of(event_type), kind, "{event_type}");
        }
    }

    proptest! {
        #[test]
        fn a_cut_or_changed_notice_is_read_or_refused(
            cut in 0..SAMPLE.len(), at in 0..SAMPLE.len(), byte in any::<u8>()
        ) {
            let _ = parse(&SAMPLE.as_bytes()[..cut]).expect_err("it is cut");
            let mut changed = SAMPLE.as_bytes().to_vec();
            changed[at] = byte;
            if let Ok(notice) = parse(&changed) {
                let all = format!("{notice:?}");
                prop_assert!(!all.contains("sekret"));
            }
        }
    }
}
