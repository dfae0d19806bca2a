//! A transaction: what was authorised, captured, refunded and released, and the arithmetic that
//! Klarna holds a client to.
//!
//! It knows no HTTP and reads no clock; every function is told what time it is.

use super::error::Refusal;
use super::notification::event::{Change, put};
use super::request::{PaymentRequest, date_time};
use super::rules::Move;
use super::view::{CaptureView, RefundView, TransactionView};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long an authorisation lives; set by contract, 28 days is usual.
const AUTHORIZATION_DAYS: u32 = 28;
/// How long an expired authorisation waits for a reauthorisation.
const REAUTHORIZATION_DAYS: u32 = 7;
/// How long a completed transaction takes refunds: three years.
const REFUND_DAYS: u32 = 3 * 365;

const CAPTURES_MAX: usize = 200;
const REFUNDS_MAX: usize = 200;
const OPERATIONS_MAX: u32 = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Authorized,
    Completed,
    Expired,
    Closed,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Authorized => "AUTHORIZED",
            State::Completed => "COMPLETED",
            State::Expired => "EXPIRED",
            State::Closed => "CLOSED",
        }
    }

    fn event_type(self) -> &'static str {
        match self {
            State::Authorized => "payment.transaction.state-change.authorized",
            State::Completed => "payment.transaction.state-change.completed",
            State::Expired => "payment.transaction.state-change.expired",
            State::Closed => "payment.transaction.state-change.closed",
        }
    }
}

/// Money taken or given back.
#[derive(Clone, Debug)]
struct Row {
    id: String,
    /// A refund's capture; a capture's own number.
    capture: usize,
    amount: i64,
    reference: Option<String>,
    at: Timestamp,
}

/// What one operation may refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RefundOf {
    Transaction,
    /// Counted from 0.
    Capture(usize),
}

/// One transaction.
#[derive(Clone, Debug)]
pub(super) struct Transaction {
    pub(super) id: String,
    request_id: String,
    currency: String,
    authorized: i64,
    merchant_reference: Option<String>,
    payment_reference: Option<String>,
    state: State,
    /// When the state was entered, for what the clock does later.
    since: Timestamp,
    created_at: Timestamp,
    updated_at: Timestamp,
    captures: Vec<Row>,
    refunds: Vec<Row>,
    voided: bool,
    operations: u32,
    /// What nobody has been told of yet.
    pub(super) changes: Vec<Change>,
}

impl Transaction {
    pub(super) fn new(uuid: Uuid, request: &PaymentRequest, now: Timestamp) -> Transaction {
        let asked = &request.asked;
        let mut transaction = Transaction {
            id: format!("krn:payment:eu1:transaction:{uuid}"),
            request_id: request.id(),
            currency: asked.currency.clone(),
            authorized: asked.amount,
            merchant_reference: asked.merchant_reference.clone(),
            payment_reference: asked.payment_reference.clone(),
            state: State::Authorized,
            since: now,
            created_at: now,
            updated_at: now,
            captures: Vec::new(),
            refunds: Vec::new(),
            voided: false,
            operations: 0,
            changes: Vec::new(),
        };
        transaction.note(transaction.state.event_type(), now, None);
        transaction
    }

    /// Lets the time that has passed have its effect.
    pub(super) fn settle(&mut self, now: Timestamp) {
        let after = |days: u32| self.since + DAY * days;
        let (next, at) = match self.state {
            State::Authorized => (State::Expired, after(AUTHORIZATION_DAYS)),
            State::Expired if self.captures.is_empty() => {
                (State::Closed, after(REAUTHORIZATION_DAYS))
            }
            State::Expired => (State::Completed, after(REAUTHORIZATION_DAYS)),
            State::Completed => (State::Closed, after(REFUND_DAYS)),
            State::Closed => return,
        };
        if now >= at {
            self.enter(next, at);
            self.settle(now);
        }
    }

    fn enter(&mut self, state: State, at: Timestamp) {
        let previous = self.state.name();
        (self.state, self.since, self.updated_at) = (state, at, at);
        self.note(state.event_type(), at, Some(("previous_state", previous.into())));
    }

    fn note(&mut self, event_type: &'static str, at: Timestamp, more: Option<(&str, Value)>) {
        let mut payload = json!({
            "payment_transaction_id": self.id,
            "payment_request_id": self.request_id,
            "state": self.state.name(),
            "currency": self.currency,
            "created_at": date_time(self.created_at),
            "updated_at": date_time(self.updated_at),
        });
        put(&mut payload, "merchant_reference", self.merchant_reference.as_deref());
        put(&mut payload, "payment_transaction_reference", self.payment_reference.as_deref());
        if let Some((name, value)) = more {
            payload[name] = value;
        }
        self.changes.push(Change { event_type, at, payload });
    }

    fn captured(&self) -> i64 {
        self.captures.iter().map(|row| row.amount).sum()
    }

    fn refunded(&self) -> i64 {
        self.refunds.iter().map(|row| row.amount).sum()
    }

    fn refunded_of(&self, capture: usize) -> i64 {
        self.refunds.iter().filter(|row| row.capture == capture).map(|row| row.amount).sum()
    }

    /// What may still be captured.
    fn remaining(&self) -> i64 {
        match self.state {
            State::Authorized => self.authorized - self.captured(),
            State::Completed | State::Expired | State::Closed => 0,
        }
    }

    fn count_operation(&mut self) -> Result<(), Refusal> {
        if self.operations >= OPERATIONS_MAX {
            return Err(Refusal::forbidden("500 operations on one transaction are the limit"));
        }
        self.operations += 1;
        Ok(())
    }

    fn must_be_authorized(&self, what: &str) -> Result<(), Refusal> {
        if self.state == State::Authorized {
            return Ok(());
        }
        let state = self.state.name();
        Err(Refusal::forbidden(&format!("a transaction that is {state} cannot be {what}")))
    }

    /// Takes money; gives the body of the answer.
    pub(super) fn capture(&mut self, asked: Move, now: Timestamp) -> Result<Value, Refusal> {
        self.must_be_authorized("captured")?;
        let remaining = self.remaining();
        if asked.amount > remaining {
            return Err(Refusal::forbidden(&format!("only {remaining} may still be captured")));
        }
        if self.captures.len() >= CAPTURES_MAX {
            return Err(Refusal::forbidden("200 captures of one transaction are the limit"));
        }
        self.count_operation()?;
        let capture = self.captures.len();
        let id = format!("{}:capture:{}", self.id, capture + 1);
        let Move { amount, reference } = asked;
        let told = Some(("payment_capture_id", id.as_str().into()));
        self.updated_at = now;
        self.note("payment.transaction.captured", now, told);
        self.captures.push(Row { id, capture, amount, reference, at: now });
        if self.remaining() == 0 {
            self.enter(State::Completed, now);
        }
        Ok(self.capture_body(capture))
    }

    /// Gives money back; gives the body of the answer.
    pub(super) fn refund(
        &mut self,
        of: RefundOf,
        asked: Move,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        if self.state == State::Closed {
            return Err(Refusal::forbidden("a transaction that is CLOSED cannot be refunded"));
        }
        let capture = self.refundable_capture(of)?;
        let left = self.captures[capture].amount - self.refunded_of(capture);
        if asked.amount > left {
            return Err(Refusal::forbidden(&format!("only {left} may still be refunded")));
        }
        if self.refunds.len() >= REFUNDS_MAX {
            return Err(Refusal::forbidden("200 refunds of one transaction are the limit"));
        }
        self.count_operation()?;
        let id = format!("{}:refund:{}", self.id, self.refunds.len() + 1);
        let Move { amount, reference } = asked;
        let told = Some(("payment_refund_id", id.as_str().into()));
        self.updated_at = now;
        self.note("payment.transaction.refunded", now, told);
        self.refunds.push(Row { id, capture, amount, reference, at: now });
        Ok(self.refund_body(self.refunds.len() - 1))
    }

    fn refundable_capture(&self, of: RefundOf) -> Result<usize, Refusal> {
        match (of, self.captures.len()) {
            (RefundOf::Capture(capture), captures) if capture < captures => Ok(capture),
            (RefundOf::Capture(_), _) => Err(Refusal::not_found("there is no such capture")),
            (RefundOf::Transaction, 0) => Err(Refusal::forbidden("nothing is captured yet")),
            (RefundOf::Transaction, 1) => Ok(0),
            (RefundOf::Transaction, _) => {
                Err(Refusal::forbidden("with more than one capture, refund a capture"))
            }
        }
    }

    /// Releases what is not captured; no more captures after it.
    pub(super) fn void(&mut self, now: Timestamp) -> Result<(), Refusal> {
        self.must_be_authorized("voided")?;
        self.count_operation()?;
        self.voided = true;
        let next = if self.captures.is_empty() { State::Closed } else { State::Completed };
        self.enter(next, now);
        Ok(())
    }

    pub(super) fn update(
        &mut self,
        merchant_reference: Option<String>,
        payment_reference: Option<String>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.must_be_authorized("updated")?;
        self.count_operation()?;
        self.rename(merchant_reference, payment_reference);
        self.updated_at = now;
        Ok(())
    }

    /// Sets the references that are given, leaves the others.
    pub(super) fn rename(&mut self, merchant: Option<String>, payment: Option<String>) {
        self.merchant_reference = merchant.or(self.merchant_reference.take());
        self.payment_reference = payment.or(self.payment_reference.take());
    }

    /// Has a capture already been made under this reference?
    pub(super) fn has_capture_reference(&self, reference: &str) -> bool {
        self.captures.iter().any(|row| row.reference.as_deref() == Some(reference))
    }

    /// Has a refund already been made under this reference?
    pub(super) fn has_refund_reference(&self, reference: &str) -> bool {
        self.refunds.iter().any(|row| row.reference.as_deref() == Some(reference))
    }

    /// The number of the capture with this id, counted from 0.
    pub(super) fn capture_number(&self, id: &str) -> Option<usize> {
        self.captures.iter().position(|row| row.id == id)
    }

    /// The number of the refund with this id, counted from 0.
    pub(super) fn refund_number(&self, id: &str) -> Option<usize> {
        self.refunds.iter().position(|row| row.id == id)
    }

    /// The transaction as Klarna shows it.
    pub(super) fn body(&self) -> Value {
        let captures: Vec<Value> =
            (0..self.captures.len()).map(|index| self.capture_body(index)).collect();
        let refunds: Vec<Value> =
            (0..self.refunds.len()).map(|index| self.refund_body(index)).collect();
        let mut body = json!({
            "payment_transaction_id": self.id,
            "payment_request_id": self.request_id,
            "state": self.state.name(),
            "currency": self.currency,
            "payment_amount": self.authorized,
            "captured_amount": self.captured(),
            "refunded_amount": self.refunded(),
            "remaining_authorized_amount": self.remaining(),
            "created_at": date_time(self.created_at),
            "updated_at": date_time(self.updated_at),
            "expires_at": date_time(self.created_at + DAY * AUTHORIZATION_DAYS),
            "captures": captures,
            "refunds": refunds,
        });
        put(&mut body, "merchant_reference", self.merchant_reference.as_deref());
        put(&mut body, "payment_transaction_reference", self.payment_reference.as_deref());
        body
    }

    /// One capture as Klarna shows it; `index` is one that exists.
    pub(super) fn capture_body(&self, index: usize) -> Value {
        let row = &self.captures[index];
        let mut body = json!({
            "payment_capture_id": row.id,
            "payment_transaction_id": self.id,
            "capture_amount": row.amount,
            "refunded_amount": self.refunded_of(index),
            "currency": self.currency,
            "captured_at": date_time(row.at),
        });
        put(&mut body, "capture_reference", row.reference.as_deref());
        body
    }

    /// One refund as Klarna shows it; `index` is one that exists.
    pub(super) fn refund_body(&self, index: usize) -> Value {
        let row = &self.refunds[index];
        let mut body = json!({
            "payment_refund_id": row.id,
            "payment_capture_id": self.captures[row.capture].id,
            "payment_transaction_id": self.id,
            "refund_amount": row.amount,
            "currency": self.currency,
            "refunded_at": date_time(row.at),
        });
        put(&mut body, "refund_reference", row.reference.as_deref());
        body
    }

    pub(super) fn view(&self) -> TransactionView {
        let capture = |row: &Row| CaptureView {
            id: row.id.clone(),
            amount: row.amount,
            reference: row.reference.clone(),
        };
        let refund = |row: &Row| RefundView {
            id: row.id.clone(),
            capture_id: self.captures[row.capture].id.clone(),
            amount: row.amount,
            reference: row.reference.clone(),
        };
        TransactionView {
            id: self.id.clone(),
            request_id: self.request_id.clone(),
            state: self.state.name().to_owned(),
            currency: self.currency.clone(),
            authorized: self.authorized,
            captures: self.captures.iter().map(capture).collect(),
            refunds: self.refunds.iter().map(refund).collect(),
            voided: self.voided,
            merchant_reference: self.merchant_reference.clone(),
            payment_reference: self.payment_reference.clone(),
        }
    }
}
