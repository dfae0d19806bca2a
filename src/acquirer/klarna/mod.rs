//! The Klarna Network API, version 1: one function per call, and what its answers mean.
//!
//! Paths and rules: Klarna Integration Guidelines v1, chapters Payment request, Confirm,
//! Transaction management, Interoperability; where they contradict each other the choice is named
//! at the place.

mod create;
pub mod error;
mod found;
mod http;
#[cfg(feature = "relay")]
mod notification;
mod transaction;
#[cfg(feature = "relay")]
pub mod webhook;
mod wire;

pub use http::{AuthScheme, ClientError, Settings, tls};
#[cfg(feature = "relay")]
pub use notification::{
    Credential, ListedKey, ManageError, Management, NewCredential, Status, Webhook, WebhookChange,
    WebhookOrder,
};
pub use transaction::TransactionPaths;

use super::{Exchange, Quotas};
use crate::id::{ConfirmationToken, RequestId};
use crate::money::Amount;
use crate::payment::effect::{
    Call, CallKind, Delay, Effect, Ended, Outcome, Refusal, RefusalReason, RequestState,
};
use error::{ApiError, Failure};
use http::{Http, Method, Query};
use wire::PaymentRequest;

/// How it is found out whether Klarna may be offered (Klarna: Interoperability; payment
/// descriptors).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// By the interoperability endpoint.
    Interoperability,
    /// By whether there is a payment descriptor for the purchase.
    PaymentDescriptors,
    /// Not asked; a refusal of the create call says it.
    None,
}

/// When availability is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AvailabilityOrder {
    /// At the same time as the payment request is made: a sale costs one round trip, and a request
    /// that turns out to be unavailable is cancelled without ever having been shown.
    WithCreate,
    /// Before: no payment request is made when Klarna is not available; costs a round trip more.
    BeforeCreate,
}

/// A client of one account. Cheap calls share one warm connection.
#[derive(Debug)]
pub struct Klarna {
    http: Http,
}

impl Klarna {
    /// A client with these settings. Opens no connection yet.
    ///
    /// # Errors
    /// [`ClientError`] when a certificate or a header value in the settings is not usable.
    pub fn new(settings: Settings) -> Result<Self, ClientError> {
        Ok(Self { http: Http::new(settings)? })
    }

    /// The last exchange that was answered.
    pub(super) fn last_exchange(&self) -> Option<Exchange> {
        self.http.last_exchange()
    }

    pub(super) fn quotas(&self) -> Quotas {
        self.http.settings().quotas
    }

    pub(super) async fn execute(&self, call: &Call) -> Outcome {
        let amount = call.kind.amount();
        if !amount.fits_klarna() {
            let text = format!("{amount} is outside of Klarna's range 1 to 2147483647");
            return refused(RefusalReason::NotAllowed, "AMOUNT_OUT_OF_RANGE", text);
        }
        match &call.kind {
            CallKind::Create { sale, payment_reference } => {
                self.create(sale, payment_reference, call).await
            }
            CallKind::Cancel { request, amount } => self.cancel(request, *amount).await,
            CallKind::Confirm { request, token, amount, payment_reference } => {
                let session = payment_reference.as_str();
                self.confirm(request, token, *amount, session, call).await
            }
            CallKind::Capture { transaction, .. }
            | CallKind::Refund { transaction, .. }
            | CallKind::Void { transaction, .. }
            | CallKind::Update { transaction, .. }
            | CallKind::Check { transaction, .. } => self.change(transaction, call).await,
        }
    }

    pub(super) async fn find_effect(&self, call: &Call) -> Outcome {
        match &call.kind {
            CallKind::Capture { transaction, .. }
            | CallKind::Refund { transaction, .. }
            | CallKind::Void { transaction, .. }
            | CallKind::Update { transaction, .. }
            | CallKind::Check { transaction, .. } => self.find(transaction, call).await,
            CallKind::Create { .. } | CallKind::Cancel { .. } | CallKind::Confirm { .. } => {
                Outcome::Absent
            }
        }
    }

    pub(super) async fn read_request(
        &self,
        request: &RequestId,
        amount: Amount,
    ) -> Result<RequestState, Delay> {
        match self.read_raw(request, amount).await {
            Ok(found) => Ok(found.state()),
            Err(Failure::Api(error)) if error.is_resource_not_found() => {
                Ok(RequestState::Ended(Ended::Unknown))
            }
            Err(failure) => Err(failure.into_delay()),
        }
    }

    pub(super) async fn warm_up(&self) -> Result<(), Delay> {
        let settings = self.http.settings();
        let query = [("currency", settings.home_currency.code())];
        match self.http.get("/v1/interoperability", &query, &settings.session).await {
            Err(Failure::Api(error)) if !error.is_unauthorized() => Ok(()),
            Ok(_) => Ok(()),
            Err(failure) => Err(failure.into_delay()),
        }
    }

    /// Reads a payment request and checks that the answer is about it and its money.
    async fn read_raw(
        &self,
        request: &RequestId,
        amount: Amount,
    ) -> Result<PaymentRequest, Failure> {
        let path = self.http.account_path(&["payment", "requests", request.as_str()]);
        let answer = self.http.get(&path, &[], &self.http.settings().session).await?;
        let found = PaymentRequest::parse(&answer.body)?;
        found.check_id(request)?;
        found.check_amount(amount)?;
        Ok(found)
    }

    /// Closes a request. Klarna permits it until the request is authorised; on a refusal the state
    /// is read and says what is true (Klarna: Cancel the payment request).
    async fn cancel(&self, request: &RequestId, amount: Amount) -> Outcome {
        let path = self.http.account_path(&["payment", "requests", request.as_str()]);
        let session = self.http.settings().session.clone();
        let answer = match self.http.send(Method::Delete, &path, None, None, &session).await {
            Ok(answer) => answer,
            Err(Failure::Api(error)) if error.is_about_resource() => {
                return self.state_after_refused_cancel(request, amount, &error).await;
            }
            Err(failure) => return failure.into_outcome(),
        };
        let state = PaymentRequest::parse(&answer.body).and_then(|found| {
            found.check_id(request)?;
            found.check_amount(amount)?;
            Ok(found.state())
        });
        match state {
            Ok(RequestState::Ended(ended)) => Outcome::Done(Effect::Ended(ended)),
            Ok(_) => Outcome::Unknown(Delay::because("cancel answered, but not canceled")),
            Err(failure) => Outcome::Unknown(failure.into_delay()),
        }
    }

    async fn state_after_refused_cancel(
        &self,
        request: &RequestId,
        amount: Amount,
        why: &ApiError,
    ) -> Outcome {
        match self.read_raw(request, amount).await.map(|found| found.state()) {
            Ok(RequestState::Ended(ended)) => Outcome::Done(Effect::Ended(ended)),
            Ok(RequestState::Authorised { transaction }) => {
                Outcome::Done(Effect::Authorised { transaction })
            }
            Ok(
                RequestState::Submitted
                | RequestState::InProgress
                | RequestState::PendingConfirmation { .. }
                | RequestState::Other(_),
            ) => Outcome::Retry(Delay::because(format!("cancel refused: {why}"))),
            Err(Failure::Api(error)) if error.is_resource_not_found() => {
                Outcome::Done(Effect::Ended(Ended::Unknown))
            }
            Err(failure) => Outcome::Retry(failure.into_delay()),
        }
    }

    /// Confirms with the path that most of Klarna's pages name; the other one only when the route
    /// itself is unknown (Integration Guidelines name both).
    async fn confirm(
        &self,
        request: &RequestId,
        token: &ConfirmationToken,
        amount: Amount,
        session: &str,
        call: &Call,
    ) -> Outcome {
        let body = wire::confirm_body(amount);
        let segments = ["payment", "confirmation-tokens", token.expose(), "confirm"];
        let path = self.http.account_path(&segments);
        let mut answer =
            self.http.send(Method::Post, &path, Some(&body), Some(&call.key), session).await;
        if matches!(&answer, Err(Failure::Api(error)) if error.is_route_missing()) {
            let path = self.http.account_path(&segments[1..]);
            answer =
                self.http.send(Method::Post, &path, Some(&body), Some(&call.key), session).await;
        }
        let confirmed = answer.and_then(|answer| {
            let found = PaymentRequest::parse(&answer.body)?;
            found.check_id_if_named(request)?;
            found.check_amount(amount)?;
            Ok(found.state())
        });
        match confirmed {
            Ok(RequestState::Authorised { transaction }) => {
                Outcome::Done(Effect::Authorised { transaction })
            }
            Ok(_) => Outcome::Unknown(Delay::because("confirm answered, but not authorised")),
            Err(failure) => failure.into_outcome(),
        }
    }
}

/// Whether a payment may be offered.
enum Offer {
    Yes,
    No(String),
}

fn refused(reason: RefusalReason, code: &str, text: impl Into<String>) -> Outcome {
    Outcome::Refused(Refusal::new(reason, code, text))
}

/// Builds a query with only the parameters that are there.
fn query<'a>(pairs: &'a [(&'a str, Option<String>)]) -> Vec<Query<'a>> {
    pairs.iter().filter_map(|(name, value)| value.as_deref().map(|value| (*name, value))).collect()
}
