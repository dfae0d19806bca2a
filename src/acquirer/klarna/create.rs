//! The create call: is Klarna available, make the payment request, fetch the words for the offer.
//!
//! All three go out at once unless configured otherwise, so that a sale costs one round trip. The
//! caller gets one outcome; a request that is not available is never handed out for showing.

use super::error::Failure;
use super::http::Method;
use super::wire::{PaymentRequest, create_body, first_text};
use super::{Availability, AvailabilityOrder, Klarna, Offer, query, refused};
use crate::id::{DistributionUrl, Locale, PaymentReference, check_text};
use crate::payment::effect::{Call, Delay, Effect, Outcome, RefusalReason};
use crate::payment::event::Sale;
use serde_json::Value;
use std::time::Duration;

/// Longest descriptor text that is shown, in characters.
const DESCRIPTOR_LEN_MAX: usize = 80;
/// How much longer than the create call the descriptor may take before the screen goes without.
const DESCRIPTOR_GRACE: Duration = Duration::from_millis(50);

impl Klarna {
    pub(super) async fn create(
        &self,
        sale: &Sale,
        reference: &PaymentReference,
        call: &Call,
    ) -> Outcome {
        let settings = self.http.settings();
        if settings.availability_order == AvailabilityOrder::BeforeCreate {
            match self.offer(sale, reference).await {
                Ok(Offer::Yes) => {}
                Ok(Offer::No(why)) => return not_available(why),
                Err(failure) => return failure.into_outcome(),
            }
            return self.request(sale, reference, call, async { Ok(Offer::Yes) }).await;
        }
        self.request(sale, reference, call, self.offer(sale, reference)).await
    }

    /// Makes the payment request while `offer` is being found out.
    async fn request(
        &self,
        sale: &Sale,
        reference: &PaymentReference,
        call: &Call,
        offer: impl Future<Output = Result<Offer, Failure>>,
    ) -> Outcome {
        let settings = self.http.settings();
        let body = create_body(sale, reference, &settings.redirect_url, &settings.create_extra);
        let path = self.http.account_path(&["payment", "requests"]);
        let session = reference.as_str();
        let created = self.http.send(Method::Post, &path, Some(&body), Some(&call.key), session);
        let descriptor = self.descriptor(sale, reference);
        tokio::pin!(descriptor);
        let mut words = None;
        let both = async { tokio::join!(created, offer) };
        tokio::pin!(both);
        let (created, offer) = loop {
            tokio::select! {
                answers = &mut both => break answers,
                text = &mut descriptor, if words.is_none() => words = Some(text),
            }
        };
        if words.is_none() {
            words = tokio::time::timeout(DESCRIPTOR_GRACE, descriptor).await.ok();
        }
        let created = created.and_then(|answer| self.read_created(&answer.body, sale));
        outcome(created, offer, words.flatten())
    }

    /// What a create call's answer gives us: id and URL, about our amount and currency.
    fn read_created(&self, body: &[u8], sale: &Sale) -> Result<(PaymentRequest, String), Failure> {
        let request = PaymentRequest::parse(body)?;
        request.id()?;
        request.check_amount(sale.amount)?;
        let url = request.distribution_url().map(str::to_owned);
        let url = url.ok_or_else(|| {
            Failure::Contradiction("answer without a distribution URL".to_owned())
        })?;
        let hosts = &self.http.settings().qr_hosts;
        DistributionUrl::new(&url, hosts).map_err(Failure::Contradiction)?;
        Ok((request, url))
    }

    async fn offer(&self, sale: &Sale, reference: &PaymentReference) -> Result<Offer, Failure> {
        match self.http.settings().availability {
            Availability::Interoperability => self.interoperability(sale, reference).await,
            Availability::PaymentDescriptors => {
                Ok(match self.payment_descriptor(sale, reference).await? {
                    Some(_) => Offer::Yes,
                    None => Offer::No("no payment descriptor for this purchase".to_owned()),
                })
            }
            Availability::None => Ok(Offer::Yes),
        }
    }

    /// Klarna: Interoperability, `GET /v1/interoperability`. An unknown status counts as "no".
    async fn interoperability(
        &self,
        sale: &Sale,
        reference: &PaymentReference,
    ) -> Result<Offer, Failure> {
        let amount = sale.amount;
        let locale = self.locale(sale);
        let pairs = [
            ("currency", Some(amount.currency().code().to_owned())),
            ("country", Some(locale.country().to_owned())),
            ("payment_amount", Some(amount.minor().to_string())),
        ];
        let path = "/v1/interoperability";
        let answer = self.http.get(path, &query(&pairs), reference.as_str()).await?;
        let body: Value = serde_json::from_slice(&answer.body)
            .map_err(|error| Failure::Lost(format!("availability is not JSON: {error}")))?;
        let status = first_text(&body, &["status"]).unwrap_or_default();
        Ok(match status {
            "PAYMENT_SUPPORTED" | "PAYMENT_PREPARED" => Offer::Yes,
            "PAYMENT_UNSUPPORTED" => Offer::No("payment is not supported".to_owned()),
            other => {
                let other: String = other.chars().take(40).collect();
                Offer::No(format!("unknown availability {other:?}"))
            }
        })
    }

    /// The words for the screen; `None` means the screen's own.
    async fn descriptor(&self, sale: &Sale, reference: &PaymentReference) -> Option<String> {
        if !self.http.settings().descriptor {
            return None;
        }
        self.payment_descriptor(sale, reference).await.ok().flatten()
    }

    /// Klarna: Payment descriptors, single-option presentation. Both spellings of keys occur.
    async fn payment_descriptor(
        &self,
        sale: &Sale,
        reference: &PaymentReference,
    ) -> Result<Option<String>, Failure> {
        let pairs = [
            ("locale", Some(self.locale(sale).as_str().to_owned())),
            ("payment_amount", Some(sale.amount.minor().to_string())),
            ("currency", Some(sale.amount.currency().code().to_owned())),
            ("message_preference", Some("KLARNA".to_owned())),
        ];
        let path = self.http.account_path(&["payment", "messaging", "payment-descriptors"]);
        let answer = self.http.get(&path, &query(&pairs), reference.as_str()).await?;
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        Ok(descriptor_text(&body))
    }

    fn locale<'a>(&'a self, sale: &'a Sale) -> &'a Locale {
        sale.locale.as_ref().unwrap_or(&self.http.settings().locale)
    }
}

fn outcome(
    created: Result<(PaymentRequest, String), Failure>,
    offer: Result<Offer, Failure>,
    descriptor: Option<String>,
) -> Outcome {
    let (request, url) = match (created, &offer) {
        (Ok(created), _) => created,
        // The request, if there is one, is never shown and lapses by itself.
        (Err(_), Ok(Offer::No(why))) => return not_available(why),
        (Err(Failure::Api(error)), _) if error.is_unauthorized() => {
            return Outcome::Refused(error.refusal());
        }
        (Err(Failure::Contradiction(text)), _) => {
            return refused(RefusalReason::Contradiction, "CONTRADICTION", text);
        }
        (Err(failure), _) => return failure.into_outcome(),
    };
    let request = match request.id() {
        Ok(id) => id,
        Err(failure) => return failure.into_outcome(),
    };
    match offer {
        Ok(Offer::Yes) => match serde_json::from_value(Value::String(url)) {
            Ok(url) => Outcome::Done(Effect::Created { request, url, descriptor }),
            Err(error) => Outcome::Unknown(Delay::because(error.to_string())),
        },
        Ok(Offer::No(_)) => Outcome::Done(Effect::CreatedUnavailable { request }),
        // Asking again brings the same no: the request is closed, and an engineer has to look.
        Err(Failure::Api(error)) if error.is_definite() || error.is_unauthorized() => {
            tracing::warn!(%error, "availability cannot be asked; check klarna.availability");
            Outcome::Done(Effect::CreatedUnavailable { request })
        }
        // The same key brings the same request again once availability can be asked.
        Err(failure) => Outcome::Retry(failure.into_delay()),
    }
}

fn not_available(why: impl Into<String>) -> Outcome {
    refused(RefusalReason::NotAvailable, "NOT_AVAILABLE", why)
}

fn descriptor_text(body: &Value) -> Option<String> {
    let options = body.get("payment_descriptors").or_else(|| body.get("paymentDescriptors"))?;
    let nodes = options.get(0)?.get("content")?.get("nodes")?.as_array()?;
    let node = nodes.iter().find(|node| {
        first_text(node, &["name"]).is_some_and(|name| name == "PAYMENT_DESCRIPTOR")
    })?;
    let text = first_text(node, &["value"])?;
    check_text(text, DESCRIPTOR_LEN_MAX).ok().map(|()| text.to_owned())
}
