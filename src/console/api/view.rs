//! Payments and calls as JSON says them and as the command line prints them.

use super::super::book::{Attempt, Story};
use crate::id::CallId;
use crate::money::Amount;
use crate::payment::Payment;
use crate::payment::effect::{Call, CallKind, Refusal};
use crate::payment::event::{Event, Record, VoidReason};
use crate::payment::state::State;
use crate::payment::vocabulary::SaleOutcome;
use serde::{Deserialize, Serialize};

/// A list of payments, newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Payments {
    /// The payments.
    pub payments: Vec<PaymentView>,
    /// Klarna's id of a sale that was searched for and that this journal does not know.
    pub elsewhere: Option<String>,
    /// That the journal was restored from a snapshot, until somebody has seen to it.
    pub warning: Option<String>,
}

/// One payment with all that has happened to it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PaymentStory {
    /// The payment.
    pub payment: PaymentView,
    /// What has happened, oldest first.
    pub timeline: Vec<Happening>,
    /// As in [`Payments`].
    pub warning: Option<String>,
}

/// A payment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PaymentView {
    /// Our number, such as `000012`.
    pub number: String,
    /// When the till asked, ISO 8601 in UTC.
    pub started: String,
    /// What the till asked for.
    pub amount: Amount,
    /// Where it is, in one word.
    pub state: String,
    /// The same for people, in English: what the till was told and what has become of the money.
    pub text: String,
    /// The till's reference.
    pub reference: String,
    /// Our name at Klarna.
    pub payment_reference: String,
    /// Klarna's transaction, once there is one.
    pub transaction: Option<String>,
    /// The order number.
    pub merchant_reference: Option<String>,
    /// What Klarna has captured.
    pub captured: Amount,
    /// What Klarna has refunded.
    pub refunded: Amount,
    /// What was released after captures.
    pub released: Amount,
    /// Calls that Klarna has not answered yet.
    pub queued: usize,
    /// Calls that need a person.
    pub refused: usize,
    /// Whether Klarna has told of a dispute about it.
    #[serde(default)]
    pub disputed: bool,
}

/// Something that has happened to a payment, or that Klarna has told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Happening {
    /// When, ISO 8601 in UTC.
    pub at: String,
    /// In one word.
    pub event: String,
    /// With what belongs to it, in English.
    pub text: String,
}

/// What waits for Klarna and for a person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outbox {
    /// What waits for Klarna, oldest payment first; a long list ends early.
    pub waiting: Vec<CallView>,
    /// How many there are in all.
    pub waiting_count: usize,
    /// What needs a person; a long list ends early.
    pub refused: Vec<CallView>,
    /// How many there are in all.
    pub refused_count: usize,
    /// Sales of late that were paid after the till was told "not paid", and given back.
    pub late: Vec<LateView>,
    /// As in [`Payments`].
    pub warning: Option<String>,
}

/// A sale that was paid too late and given back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LateView {
    /// Our number of it.
    pub number: String,
    /// What was given back.
    pub amount: Amount,
    /// The till's reference.
    pub reference: String,
    /// What the till had been told.
    pub told: String,
}

/// A call and its payment's journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CallStory {
    /// The call.
    pub call: CallView,
    /// Its payment.
    pub payment: PaymentView,
    /// What has happened to the payment, oldest first.
    pub timeline: Vec<Happening>,
}

/// A request that changes something at Klarna.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CallView {
    /// Its number, such as `000012.3`.
    pub call: String,
    /// What it does, in one word.
    pub operation: String,
    /// With how much.
    pub amount: Amount,
    /// `queued`, `refused` or how it has ended.
    pub state: String,
    /// When it was decided, ISO 8601 in UTC.
    pub queued_at: Option<String>,
    /// Its idempotency key.
    pub key: String,
    /// How many keys it had before this one.
    pub generation: u32,
    /// Whether it is looked for at Klarna before it is sent, because it was tried before.
    pub is_looked_for: bool,
    /// Why money is given back, where the till has been told something else.
    pub why: Option<String>,
    /// How often it has failed, if the daemon runs and it has.
    pub attempt: Option<AttemptView>,
    /// What Klarna said.
    pub refusal: Option<RefusalView>,
}

/// A call that has failed and is sent again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AttemptView {
    /// How often in a row.
    pub count: u32,
    /// When it is sent again, ISO 8601 in UTC.
    pub next: String,
    /// Why it has failed last.
    pub reason: String,
}

/// Why Klarna has refused something.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefusalView {
    /// Klarna's code.
    pub code: String,
    /// Klarna's words.
    pub text: String,
    /// By what Klarna's support finds it.
    pub error_id: Option<String>,
}

impl From<&Payment> for PaymentView {
    fn from(payment: &Payment) -> Self {
        let (sale, money) = (&payment.sale, payment.money_so_far());
        Self {
            number: payment.id.to_string(),
            started: payment.started.iso8601(),
            amount: sale.amount,
            state: payment.state.name().to_owned(),
            text: state_text(payment),
            reference: sale.reference.to_string(),
            payment_reference: payment.reference.to_string(),
            transaction: payment.transaction().map(ToString::to_string),
            merchant_reference: sale.merchant_reference.as_ref().map(ToString::to_string),
            captured: money.captured,
            refunded: money.refunded,
            released: money.released,
            queued: money.queued,
            refused: money.refused,
            disputed: payment.is_disputed(),
        }
    }
}

impl From<&Record> for Happening {
    fn from(record: &Record) -> Self {
        let (event, text) = (record.event.name().to_owned(), describe(&record.event));
        Self { at: record.at.iso8601(), event, text }
    }
}

impl From<&Refusal> for RefusalView {
    fn from(refusal: &Refusal) -> Self {
        let (code, text) = (refusal.code.clone(), refusal.text.clone());
        Self { code, text, error_id: refusal.error_id.clone() }
    }
}

impl From<&Attempt> for AttemptView {
    fn from(attempt: &Attempt) -> Self {
        let (count, next) = (attempt.count, attempt.next.iso8601());
        Self { count, next, reason: attempt.reason.clone() }
    }
}

impl CallView {
    /// A call without what only some know of it.
    pub(super) fn new(call: &Call, state: &str) -> Self {
        Self {
            call: call.id.to_string(),
            operation: call.kind.operation().to_owned(),
            amount: call.kind.amount(),
            state: state.to_owned(),
            queued_at: None,
            key: call.key.to_string(),
            generation: call.generation,
            is_looked_for: false,
            why: None,
            attempt: None,
            refusal: None,
        }
    }

    /// Its number as a type.
    pub fn id(&self) -> Option<CallId> {
        self.call.parse().ok()
    }
}

/// What has happened to a payment.
pub(super) fn timeline(story: &Story) -> Vec<Happening> {
    story.records.iter().map(Happening::from).collect()
}

/// A sale that was paid too late and given back.
pub(super) fn late(payment: &Payment) -> Option<LateView> {
    let State::Voided { reason: VoidReason::LatePayment(told), .. } = &payment.state else {
        return None;
    };
    Some(LateView {
        number: payment.id.to_string(),
        amount: payment.sale.amount,
        reference: payment.sale.reference.to_string(),
        told: told.code().to_owned(),
    })
}

/// Whether a call gives money back, and somebody will ask why.
pub(super) fn needs_why(call: &Call) -> bool {
    matches!(call.kind, CallKind::Void { .. } | CallKind::Cancel { .. })
}

/// Why money is given back, where the till has been told something else.
pub(super) fn why(payment: &Payment) -> Option<String> {
    match (&payment.state, payment.outcome()) {
        (State::Voiding { reason: VoidReason::LatePayment(told), .. }, _) => {
            Some(format!("paid after the till was told {:?}", told.code()))
        }
        (State::Voiding { reason, .. }, _) => Some(reason.code().to_owned()),
        (_, Some(SaleOutcome::NotPaid(reason))) => Some(reason.code().to_owned()),
        _ => None,
    }
}

/// What has happened, in English: one word and what belongs to it.
pub fn describe(event: &Event) -> String {
    match event {
        Event::GivenUp { reason } => format!("{} ({})", event.name(), reason.code()),
        Event::VoidDecided { reason, why: None, .. } => {
            format!("{} ({})", event.name(), reason.code())
        }
        Event::VoidDecided { reason, why: Some(why), .. } => {
            format!("{} ({}), {why}", event.name(), reason.code())
        }
        Event::RefundQueued { amount, why: Some(why), .. } => {
            format!("{} {amount}, {why}", event.name())
        }
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
        Event::Noted { notice } => {
            let dispute = notice.dispute.as_ref().map(|id| format!(", {id}"));
            format!("{} {}{}", event.name(), notice.kind, dispute.unwrap_or_default())
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

/// A payment's state for people, in English: what the till was told, and what has become of the
/// money.
fn state_text(payment: &Payment) -> String {
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
    if payment.is_disputed() {
        words.push("disputed".to_owned());
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
