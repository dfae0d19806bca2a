//! Payments and the outbox, as JSON.

use super::super::page::trouble::Trouble;
use super::super::page::work;
use super::client::Client;
use super::{Answer, CallStory, Outbox, PaymentStory, Payments, Shared, journal};
use crate::access::Right;
use crate::id::{CallId, PaymentId, PaymentReference, PosReference, TextError, TransactionId};
use crate::payment::vocabulary::SaleName;
use crate::store::LIST_LEN_MAX;
use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;

/// Payments in a list, unless it is told otherwise.
const COUNT: u32 = 20;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    count: Option<u32>,
    q: Option<String>,
    sale: Option<String>,
    payment: Option<u32>,
    payment_reference: Option<String>,
    transaction: Option<String>,
}

impl Which {
    /// The one sale that is asked for, named as in the till protocol.
    fn name(&self) -> Result<Option<SaleName>, TextError> {
        let number = self.payment.map(|number| SaleName::Number(PaymentId::new(number)));
        Ok(match (number, &self.sale, &self.payment_reference, &self.transaction) {
            (Some(number), ..) => Some(number),
            (_, Some(text), ..) => Some(SaleName::Till(PosReference::new(text)?)),
            (_, _, Some(text), _) => Some(SaleName::Payment(PaymentReference::new(text)?)),
            (_, _, _, Some(text)) => Some(SaleName::Transaction(TransactionId::new(text)?)),
            (None, None, None, None) => None,
        })
    }
}

pub(super) async fn list(
    State(office): Shared,
    client: Client,
    Query(which): Query<Which>,
) -> Answer<Payments> {
    client.needs(Right::See)?;
    let (count, name) = (which.count.unwrap_or(COUNT), which.name());
    let name = name.map_err(|_| Trouble::BadForm)?;
    if count > LIST_LEN_MAX {
        return Err(Trouble::BadForm);
    }
    let read = move || {
        office.read(|book| match (name, which.q) {
            (Some(name), _) => journal::named(book, &name),
            (None, None) => journal::payments(book, count),
            (None, Some(text)) => {
                let (now, context) = (office.now().wall, &office.context);
                let found = book.search(&text, now, &context.head.zone, &context.currencies)?;
                journal::found(book, found)
            }
        })
    };
    Ok(Json(work(read).await??))
}

pub(super) async fn one(
    State(office): Shared,
    client: Client,
    Path(number): Path<u32>,
) -> Answer<PaymentStory> {
    client.needs(Right::See)?;
    let story = office.read(|book| journal::story(book, PaymentId::new(number)))?;
    story.map(Json).ok_or(Trouble::NotFound)
}

pub(super) async fn outbox(State(office): Shared, client: Client) -> Answer<Outbox> {
    client.needs(Right::See)?;
    let attempts = office.pulse().attempts;
    let read = move || office.read(|book| journal::outbox(book, &attempts));
    Ok(Json(work(read).await??))
}

pub(super) async fn call(
    State(office): Shared,
    client: Client,
    Path(id): Path<String>,
) -> Answer<CallStory> {
    client.needs(Right::See)?;
    let id: CallId = id.parse().map_err(|_| Trouble::BadForm)?;
    let attempts = office.pulse().attempts;
    let story = office.read(|book| journal::call(book, id, &attempts))?;
    story.map(Json).ok_or(Trouble::NotFound)
}
