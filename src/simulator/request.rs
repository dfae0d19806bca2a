//! A payment request: its states, what the shopper and the clock do to it, and how Klarna shows it.
//!
//! It knows no HTTP and reads no clock; every function is told what time it is.

use super::error::Refusal;
use super::notification::event::{Change, put};
use super::rules::NewRequest;
use super::view::{RequestView, ShopperAction, ShopperError};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// How long a request lives unless it is confirmed or cancelled.
pub(super) const REQUEST_LIFE: Duration = Duration::from_secs(48 * 60 * 60);

/// How long after the shopper's consent a confirm is accepted.
pub(super) const TOKEN_LIFE: Duration = Duration::from_secs(60 * 60);

/// The states of the server flow, each with the data that exists in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Submitted,
    InProgress,
    PendingConfirmation { token: String, until: Timestamp },
    Authorized { transaction_id: String, token: String },
    Canceled,
    Expired,
}

impl State {
    pub(super) fn name(&self) -> &'static str {
        match self {
            State::Submitted => "SUBMITTED",
            State::InProgress => "IN_PROGRESS",
            State::PendingConfirmation { .. } => "PENDING_CONFIRMATION",
            State::Authorized { .. } => "AUTHORIZED",
            State::Canceled => "CANCELED",
            State::Expired => "EXPIRED",
        }
    }

    fn event_type(&self) -> &'static str {
        match self {
            State::Submitted => "payment.request.state-change.submitted",
            State::InProgress => "payment.request.state-change.in-progress",
            State::PendingConfirmation { .. } => {
                "payment.request.state-change.pending-confirmation"
            }
            State::Authorized { .. } => "payment.request.state-change.authorized",
            State::Canceled => "payment.request.state-change.canceled",
            State::Expired => "payment.request.state-change.expired",
        }
    }

    pub(super) fn is_final(&self) -> bool {
        match self {
            State::Submitted | State::InProgress | State::PendingConfirmation { .. } => false,
            State::Authorized { .. } | State::Canceled | State::Expired => true,
        }
    }
}

/// Klarna's `state_reason`, as far as the simulator gives one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Aborted,
    TokenExpired,
    PartnerCanceled,
}

impl Reason {
    fn name(self) -> &'static str {
        match self {
            Reason::Aborted => "PURCHASE_FLOW_ABORTED",
            Reason::TokenExpired => "CONFIRMATION_TOKEN_EXPIRED",
            Reason::PartnerCanceled => "PARTNER_CANCELED",
        }
    }
}

/// One payment request.
#[derive(Clone, Debug)]
pub(super) struct PaymentRequest {
    pub(super) uuid: String,
    pub(super) url: String,
    pub(super) asked: NewRequest,
    pub(super) state: State,
    pub(super) previous: Option<&'static str>,
    pub(super) reason: Option<Reason>,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// What nobody has been told of yet.
    pub(super) changes: Vec<Change>,
}

impl PaymentRequest {
    pub(super) fn new(uuid: Uuid, url: String, asked: NewRequest, now: Timestamp) -> Self {
        let mut request = PaymentRequest {
            uuid: uuid.to_string(),
            url,
            asked,
            state: State::Submitted,
            previous: None,
            reason: None,
            created_at: now,
            updated_at: now,
            changes: Vec::new(),
        };
        request.note(request.state.event_type(), now);
        request
    }

    pub(super) fn id(&self) -> String {
        format!("krn:payment:eu1:request:{}", self.uuid)
    }

    fn expires_at(&self) -> Timestamp {
        self.created_at + REQUEST_LIFE
    }

    /// Lets the time that has passed have its effect.
    pub(super) fn settle(&mut self, now: Timestamp) {
        if let State::PendingConfirmation { until, .. } = self.state
            && now >= until
        {
            self.enter(State::Submitted, Some(Reason::TokenExpired), until);
        }
        if !self.state.is_final() && now >= self.expires_at() {
            self.enter(State::Expired, None, self.expires_at());
        }
    }

    fn enter(&mut self, state: State, reason: Option<Reason>, at: Timestamp) {
        self.previous = Some(self.state.name());
        self.state = state;
        self.reason = reason;
        self.updated_at = at;
        self.note(self.state.event_type(), at);
    }

    fn note(&mut self, event_type: &'static str, at: Timestamp) {
        let payload = self.payload();
        self.changes.push(Change { event_type, at, payload });
    }

    /// What an event of it carries: the data of its state stands beside the state, not below it.
    fn payload(&self) -> Value {
        let mut payload = json!({
            "payment_request_id": self.id(),
            "state": self.state.name(),
            "state_expires_at": date_time(self.state_expires_at()),
            "expires_at": date_time(self.expires_at()),
            "created_at": date_time(self.created_at),
            "updated_at": date_time(self.updated_at),
        });
        put(&mut payload, "payment_reference", self.asked.payment_reference.as_deref());
        put(&mut payload, "merchant_reference", self.asked.merchant_reference.as_deref());
        put(&mut payload, "previous_state", self.previous);
        match &self.state {
            State::PendingConfirmation { token, .. } => {
                payload["payment_confirmation_token"] = token.as_str().into();
            }
            State::Authorized { transaction_id, .. } => {
                payload["payment_transaction_id"] = transaction_id.as_str().into();
            }
            State::Submitted | State::InProgress | State::Canceled | State::Expired => {}
        }
        payload
    }

    /// What the shopper does. `token` is used if this leads to a consent.
    pub(super) fn shopper(
        &mut self,
        action: ShopperAction,
        token: Uuid,
        now: Timestamp,
    ) -> Result<(), ShopperError> {
        self.settle(now);
        if self.state.is_final() {
            return Err(ShopperError::Ended(self.state.name().to_owned()));
        }
        if self.state == State::Submitted {
            self.enter(State::InProgress, None, now);
        }
        let pending = matches!(self.state, State::PendingConfirmation { .. });
        match action {
            ShopperAction::Open => {}
            ShopperAction::Approve if pending => {}
            ShopperAction::Approve => {
                let token = format!("krn:payment:eu1:confirmation-token:{token}");
                let until = (now + TOKEN_LIFE).min(self.expires_at());
                self.enter(State::PendingConfirmation { token, until }, None, now);
            }
            ShopperAction::Close if pending => {}
            ShopperAction::Decline | ShopperAction::Close => {
                self.enter(State::Submitted, Some(Reason::Aborted), now);
            }
        }
        Ok(())
    }

    /// Our DELETE. Cancelling twice is a success.
    pub(super) fn cancel(&mut self, now: Timestamp) -> Result<(), Refusal> {
        match self.state {
            State::Submitted | State::InProgress | State::PendingConfirmation { .. } => {
                self.enter(State::Canceled, Some(Reason::PartnerCanceled), now);
                Ok(())
            }
            State::Canceled => Ok(()),
            State::Authorized { .. } | State::Expired => Err(self.ended("cancelled")),
        }
    }

    /// Our PATCH, already checked.
    pub(super) fn update(&mut self, asked: NewRequest, now: Timestamp) -> Result<(), Refusal> {
        if self.state != State::Submitted {
            return Err(self.ended("updated"));
        }
        self.asked = asked;
        self.updated_at = now;
        self.note("payment.request.updated", now);
        Ok(())
    }

    fn ended(&self, what: &str) -> Refusal {
        Refusal::forbidden(&format!("a request that is {} cannot be {what}", self.state.name()))
    }

    /// The confirm with this token has been accepted.
    pub(super) fn authorize(&mut self, transaction_id: String, token: String, now: Timestamp) {
        self.enter(State::Authorized { transaction_id, token }, None, now);
    }

    fn state_expires_at(&self) -> Timestamp {
        match self.state {
            State::PendingConfirmation { until, .. } => until,
            State::Submitted
            | State::InProgress
            | State::Authorized { .. }
            | State::Canceled
            | State::Expired => self.expires_at(),
        }
    }

    /// The object that every operation on a request answers with.
    pub(super) fn body(&self) -> Value {
        let mut body = json!({
            "payment_request_id": self.id(),
            "state": self.state.name(),
            "state_context": self.state_context(),
            "state_expires_at": date_time(self.state_expires_at()),
            "expires_at": date_time(self.expires_at()),
            "created_at": date_time(self.created_at),
            "updated_at": date_time(self.updated_at),
            "payment_request": self.asked.sent,
        });
        if let Some(previous) = self.previous {
            body["previous_state"] = previous.into();
        }
        if let Some(reason) = self.reason {
            body["state_reason"] = reason.name().into();
        }
        body
    }

    fn state_context(&self) -> Value {
        match &self.state {
            State::Submitted => json!({"distribution": {"url": self.url}}),
            State::PendingConfirmation { token, .. } => {
                json!({"payment_confirmation_token": token})
            }
            State::Authorized { transaction_id, .. } => json!({
                "payment_transaction_id": transaction_id,
                "payment_pricing": {"rate": {"fixed": 20, "variable": 2_990_000}},
            }),
            // Only SUBMITTED is documented to carry the URL, so a client must have kept it.
            State::InProgress | State::Canceled | State::Expired => json!({}),
        }
    }

    pub(super) fn view(&self) -> RequestView {
        let mut view = RequestView {
            id: self.id(),
            uuid: self.uuid.clone(),
            state: self.state.name().to_owned(),
            previous_state: self.previous.map(str::to_owned),
            state_reason: self.reason.map(|reason| reason.name().to_owned()),
            currency: self.asked.currency.clone(),
            amount: self.asked.amount,
            merchant_reference: self.asked.merchant_reference.clone(),
            payment_reference: self.asked.payment_reference.clone(),
            url: self.url.clone(),
            confirmation_token: None,
            transaction_id: None,
        };
        match &self.state {
            State::PendingConfirmation { token, .. } => {
                view.confirmation_token = Some(token.clone());
            }
            State::Authorized { transaction_id, .. } => {
                view.transaction_id = Some(transaction_id.clone());
            }
            State::Submitted | State::InProgress | State::Canceled | State::Expired => {}
        }
        view
    }
}

/// ISO 8601 in UTC with the nine digits that Klarna's samples carry.
pub(super) fn date_time(at: Timestamp) -> String {
    format!("{at:.9}")
}
