//! The first page: what happens at the terminal now; and the search.

use super::parts::{nothing, payments};
use super::{Answer, Page, Place, Shared, Sheet, Trouble, csrf};
use crate::access::Right;
use crate::console::act::look_reference;
use crate::console::visitor::{Behind, Posted, Visitor};
use crate::console::words::Say;
use crate::id::TransactionId;
use crate::payment::vocabulary::{Request, SaleName};
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use maud::html;
use serde_json::json;

pub(super) async fn today(State(office): Shared, visitor: Visitor) -> Page {
    visitor.needs(Right::See)?;
    let (lang, now, pulse) = (visitor.lang, office.now(), office.pulse());
    let rows = office.read(|book| book.today(pulse.commits))?;
    let (queue, restored) =
        office.read(|book| Ok::<_, Trouble>((book.backlog()?, book.restored()?)))?;
    let zone = &office.context.head.zone;
    let body = html! {
        @if let Some(restored) = restored { p.notice.alert role="alert" lang="en" { (restored) } }
        div #now data-live {
            @if !pulse.is_reachable {
                p.notice.busy role="status" { (Say::KlarnaAway.of(lang)) }
            }
            @if let Some(why) = &pulse.display {
                p.notice.alert role="alert" { (Say::DisplayTrouble.with(lang, &[why])) }
            }
            @if queue.refused > 0 {
                p.notice.alert {
                    a href="/queue" { (Say::PersonNeeded.with(lang, &[&queue.refused])) }
                }
            }
            @if rows.is_empty() {
                (nothing(Say::NoPayments, lang))
            } @else {
                (payments(&rows, zone, now.wall, lang))
            }
        }
    };
    let title = Say::Today.of(lang).to_owned();
    let sheet =
        Sheet { office: &office, visitor: &visitor, place: Place::Today, title, is_live: true };
    Ok(sheet.with(&body))
}

#[derive(serde::Deserialize)]
pub(super) struct Sought {
    #[serde(default)]
    q: String,
}

pub(super) async fn search(
    State(office): Shared,
    visitor: Visitor,
    Behind(Sought { q }): Behind<Sought>,
) -> Answer {
    visitor.needs(Right::See)?;
    let (lang, now) = (visitor.lang, office.now());
    let (zone, currencies) = (&office.context.head.zone, &office.context.currencies);
    let found = office.read(|book| book.search(&q, now.wall, zone, currencies))?;
    if let [only] = &found.payments[..] {
        return Ok(Redirect::to(&format!("/payments/{}", only.id.number())).into_response());
    }
    let body = html! {
        p { (Say::SearchedFor.of(lang)) " " strong { (q) } }
        @if let Some(id) = &found.elsewhere {
            div.card {
                p { (Say::NotOurs.of(lang)) }
                @if visitor.may(Right::Return) {
                    form action="/find" method="post" {
                        (csrf(&visitor))
                        input type="hidden" name="transaction" value=(id);
                        button { (Say::ReadFromKlarna.of(lang)) }
                    }
                }
            }
        } @else if found.payments.is_empty() {
            (nothing(Say::NothingFound, lang))
            p { (Say::SearchHelp.of(lang)) }
        } @else {
            (payments(&found.payments, zone, now.wall, lang))
        }
    };
    let title = Say::Search.of(lang).to_owned();
    let sheet = Sheet {
        office: &office,
        visitor: &visitor,
        place: Place::Elsewhere,
        title,
        is_live: false,
    };
    Ok(sheet.with(&body).into_response())
}

/// Reads somebody else's sale from Klarna, so that it can be returned here.
pub(super) async fn find(State(office): Shared, posted: Posted) -> Answer {
    posted.visitor.needs(Right::Return)?;
    let id = TransactionId::new(posted.fields.one("transaction")).map_err(|_| Trouble::BadForm)?;
    let sale = SaleName::Transaction(id.clone());
    let request = Request::Find { reference: look_reference(&id), sale: sale.clone() };
    let detail = json!({ "transaction": id.as_str() });
    office.ask(&posted.visitor, "find", detail, request).await?;
    let payment = office.read(|book| book.named(&sale))?.ok_or(Trouble::NotFound)?;
    Ok(Redirect::to(&format!("/payments/{}", payment.number())).into_response())
}
