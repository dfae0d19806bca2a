//! What waits for Klarna and what waits for a person, and what can be done about it.

use super::happening::happening;
use super::parts::{age, amount, facts, nothing, time};
use super::payment::{operation, story};
use super::{Answer, Page, Place, Shared, Sheet, Trouble, confirm, csrf, pin_again};
use crate::access::Right;
use crate::console::Office;
use crate::console::act::call_reference;
use crate::console::book::Queue;
use crate::console::visitor::{Named, Posted, Visitor};
use crate::console::words::Say;
use crate::i18n::Lang;
use crate::id::{CallId, Label};
use crate::payment::vocabulary::Request;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use maud::{Markup, html};
use serde_json::json;

/// Longest reason for taking a call off the list, in characters.
const REASON_LEN_MAX: usize = 200;

pub(super) async fn queue(State(office): Shared, visitor: Visitor) -> Page {
    visitor.needs(Right::See)?;
    let lang = visitor.lang;
    let queue = office.read(|book| book.queue())?;
    let body = html! {
        div #queue data-live {
            (person(&queue, lang))
            h2 { (Say::WaitForKlarna.of(lang)) " (" (queue.waiting_count) ")" }
            @if queue.waiting.is_empty() {
                (nothing(Say::NothingWaits, lang))
            } @else {
                (waiting(&office, &queue, lang))
            }
        }
        @if visitor.may(Right::Return) && queue.waiting_count > 0 {
            form action="/queue/retry" method="post" {
                (csrf(&visitor))
                button { (Say::TryAllNow.of(lang)) }
            }
        }
    };
    let title = Say::Queue.of(lang).to_owned();
    let sheet =
        Sheet { office: &office, visitor: &visitor, place: Place::Queue, title, is_live: true };
    Ok(sheet.with(&body))
}

fn person(queue: &Queue, lang: Lang) -> Markup {
    html! {
        @if !queue.refused.is_empty() {
            h2 { (Say::NeedPerson.of(lang)) " (" (queue.refused.len()) ")" }
            table.list {
                thead { tr {
                    th scope="col" { (Say::Call.of(lang)) }
                    th scope="col" { (Say::What.of(lang)) }
                    th.money scope="col" { (Say::Amount.of(lang)) }
                    th scope="col" { (Say::KlarnaSays.of(lang)) }
                } }
                tbody { @for row in &queue.refused { tr {
                    th scope="row" { a href={ "/queue/" (row.call.id) } { (row.call.id) } }
                    td { (operation(row.call.kind.operation()).of(lang)) }
                    td.money { (amount(row.call.kind.amount(), lang)) }
                    td.text lang="en" { (row.refusal.code) " " (row.refusal.text) }
                } } }
            }
        }
    }
}

fn waiting(office: &Office, queue: &Queue, lang: Lang) -> Markup {
    let (now, pulse) = (office.now().wall, office.pulse());
    html! {
        @if !pulse.is_reachable { p.notice.busy { (Say::KlarnaAway.of(lang)) } }
        table.list {
            thead { tr {
                th scope="col" { (Say::Call.of(lang)) }
                th scope="col" { (Say::What.of(lang)) }
                th.money scope="col" { (Say::Amount.of(lang)) }
                th scope="col" { (Say::Since.of(lang)) }
                th scope="col" { (Say::NextAttempt.of(lang)) }
                th scope="col" { (Say::Why.of(lang)) }
            } }
            tbody { @for (row, facts) in &queue.waiting {
                @let id = row.call.id;
                @let attempt = pulse.attempts.get(&id);
                tr {
                    th scope="row" { a href={ "/queue/" (id) } { (id) } }
                    td { (operation(row.call.kind.operation()).of(lang)) }
                    td.money { (amount(row.call.kind.amount(), lang)) }
                    td { @if let Some(facts) = facts { (age(facts.queued_at, now, lang)) } }
                    td { @match attempt {
                        Some(attempt) => (time(attempt.next, &office.context.head.zone, lang)),
                        None => (Say::AsSoonAsPossible.of(lang)),
                    } }
                    td.text lang="en" { @if let Some(attempt) = attempt { (attempt.reason) } }
                }
            } }
        }
    }
}

pub(super) async fn call(
    State(office): Shared,
    visitor: Visitor,
    Named(id): Named<CallId>,
) -> Page {
    visitor.needs(Right::See)?;
    let lang = visitor.lang;
    let row = office.read(|book| book.call(id))?.ok_or(Trouble::NotFound)?;
    let story = story(&office, id.payment.number())?;
    let zone = &office.context.head.zone;
    let pulse = office.pulse();
    let attempt = pulse.attempts.get(&id);
    let mut rows = vec![
        (Say::What.of(lang), html! { (operation(row.call.kind.operation()).of(lang)) }),
        (Say::Amount.of(lang), html! { (amount(row.call.kind.amount(), lang)) }),
        (Say::State.of(lang), html! { (call_state(&row.state).of(lang)) }),
        (Say::Since.of(lang), time(row.queued_at, zone, lang)),
        (
            Say::PaymentLabel.of(lang),
            html! {
                a href={ "/payments/" (id.payment.number()) } { (id.payment) }
            },
        ),
        (Say::Key.of(lang), html! { code { (row.call.key) } }),
    ];
    if let Some(attempt) = attempt {
        rows.push((Say::NextAttempt.of(lang), time(attempt.next, zone, lang)));
        rows.push((Say::Why.of(lang), html! { span lang="en" { (attempt.reason) } }));
    }
    if let Some(refusal) = &row.refusal {
        rows.push((
            Say::KlarnaSays.of(lang),
            html! {
                span lang="en" { (refusal.code) ": " (refusal.text) }
            },
        ));
        let error_id = refusal.error_id.as_deref().unwrap_or("–");
        rows.push((Say::ErrorId.of(lang), html! { code { (error_id) } }));
    }
    let body = html! {
        (facts(rows))
        @if row.state == "refused" { (decision(id, &visitor, lang)) }
        h2 { (Say::WhatHappened.of(lang)) }
        ol.timeline { @for record in &story.records {
            li { (time(record.at, zone, lang)) " " span { (happening(&record.event, lang)) } }
        } }
    };
    let title = Say::CallTitle.with(lang, &[&id]);
    let sheet =
        Sheet { office: &office, visitor: &visitor, place: Place::Queue, title, is_live: false };
    Ok(sheet.with(&body))
}

fn call_state(state: &str) -> Say {
    match state {
        "queued" => Say::CallQueued,
        "refused" => Say::CallNeedsPerson,
        _ => Say::CallClosed,
    }
}

fn decision(id: CallId, visitor: &Visitor, lang: Lang) -> Markup {
    html! {
        @if visitor.may(Right::Return) {
            form.card action={ "/queue/" (id) "/retry" } method="post" {
                (csrf(visitor))
                p { (Say::RetryHelp.of(lang)) }
                button.primary { (Say::Retry.of(lang)) }
            }
        }
        @if visitor.may(Right::Resolve) {
            form.card.stack action={ "/queue/" (id) "/resolve" } method="post" {
                (csrf(visitor))
                p { (Say::ResolveHelp.of(lang)) }
                p.field {
                    label for="reason" { (Say::WhatWasDone.of(lang)) }
                    input #reason name="reason" required maxlength=(REASON_LEN_MAX)
                        autocomplete="off";
                }
                (pin_again(lang))
                button { (Say::Resolve.of(lang)) }
            }
        }
    }
}

pub(super) async fn retry_all(State(office): Shared, posted: Posted) -> Answer {
    posted.visitor.needs(Right::Return)?;
    let request = Request::Retry { reference: call_reference(None), call: None };
    office.ask(&posted.visitor, "retry", json!({}), request).await?;
    Ok(Redirect::to("/queue").into_response())
}

pub(super) async fn retry(
    State(office): Shared,
    Named(id): Named<CallId>,
    posted: Posted,
) -> Answer {
    posted.visitor.needs(Right::Return)?;
    let request = Request::Retry { reference: call_reference(Some(id)), call: Some(id) };
    let detail = json!({ "payment": id.payment.number(), "call": id.to_string() });
    office.ask(&posted.visitor, "retry", detail, request).await?;
    Ok(Redirect::to(&format!("/queue/{id}")).into_response())
}

pub(super) async fn resolve(
    State(office): Shared,
    Named(id): Named<CallId>,
    posted: Posted,
) -> Answer {
    posted.visitor.needs(Right::Resolve)?;
    let reason = posted.fields.one("reason").trim();
    if reason.chars().count() > REASON_LEN_MAX {
        return Err(Trouble::BadForm);
    }
    let reason = Label::new(reason).map_err(|_| Trouble::BadForm)?;
    confirm(&office, &posted).await?;
    let detail = json!({
        "payment": id.payment.number(), "call": id.to_string(), "reason": reason.as_str(),
    });
    let request = Request::Resolve { reference: call_reference(Some(id)), call: id, reason };
    office.ask(&posted.visitor, "resolve", detail, request).await?;
    Ok(Redirect::to(&format!("/queue/{id}")).into_response())
}
