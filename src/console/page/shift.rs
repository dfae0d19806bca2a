//! The shift: what was sold since the last closing, its reports, and the closing itself.

use super::parts::{amount, facts, nothing, time};
use super::payment::{operation, print_document};
use super::till::{self, After};
use super::{Answer, Page, Place, Shared, Sheet, Trouble, confirm, csrf, pin_again};
use crate::access::Right;
use crate::console::Office;
use crate::console::book::Shift;
use crate::console::export;
use crate::console::visitor::{Behind, Named, Posted, Visitor};
use crate::console::words::Say;
use crate::i18n::Lang;
use crate::money::Amount;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use serde_json::json;

/// Closed shifts on the page of the history.
const HISTORY_MAX: u32 = 100;

pub(super) async fn open(State(office): Shared, visitor: Visitor) -> Page {
    visitor.needs(Right::See)?;
    let lang = visitor.lang;
    let shift = office.read(|book| book.open_shift())?;
    let body = html! {
        div #totals data-live { (totals(&shift, lang)) }
        div.actions {
            @if visitor.may(Right::Shift) {
                a.button.primary href="/shift/close" { (Say::CloseShift.of(lang)) }
            }
            (exports(&office, &visitor, shift.number, lang))
            a.button href="/shifts" { (Say::History.of(lang)) }
        }
    };
    let title = Say::OpenShift.with(lang, &[&shift.number]);
    let sheet =
        Sheet { office: &office, visitor: &visitor, place: Place::Shift, title, is_live: true };
    Ok(sheet.with(&body))
}

fn exports(office: &Office, visitor: &Visitor, number: u32, lang: Lang) -> Markup {
    html! {
        a.button href={ "/shifts/" (number) "/report.csv" } { "CSV" }
        a.button href={ "/shifts/" (number) "/report.pdf" } { "PDF" }
        @if office.context.printer.is_some() && visitor.may(Right::Reprint) {
            form action={ "/shifts/" (number) "/print" } method="post" {
                (csrf(visitor))
                button { (Say::PrintReport.of(lang)) }
            }
        }
    }
}

fn totals(shift: &Shift, lang: Lang) -> Markup {
    let none = shift.turnover.totals.is_empty();
    html! {
        @if none { (nothing(Say::NoTurnover, lang)) }
        @for total in &shift.turnover.totals {
            table.list.totals {
                caption { (total.sales.currency()) }
                thead { tr {
                    th scope="col" { (Say::Kind.of(lang)) }
                    th.money scope="col" { (Say::Count.of(lang)) }
                    th.money scope="col" { (Say::Sum.of(lang)) }
                } }
                tbody {
                    (row(Say::Sales, Some(total.sales_count), total.sales, lang))
                    (row(Say::Voided, Some(total.voided_count), total.voided, lang))
                    (row(Say::Refunded, Some(total.refunds_count), total.refunds, lang))
                    @if let Some(released) = total.released {
                        (row(Say::Released, None, released, lang))
                    }
                }
                tfoot { (row(Say::Net, None, total.net(), lang)) }
            }
        }
        @if shift.closed.is_none() {
            h2 { (Say::StillWaiting.of(lang)) }
            @if shift.waiting.is_empty() { (nothing(Say::NothingWaits, lang)) }
            @else {
                table.list {
                    thead { tr {
                        th scope="col" { (Say::What.of(lang)) }
                        th.money scope="col" { (Say::Count.of(lang)) }
                        th.money scope="col" { (Say::Sum.of(lang)) }
                    } }
                    tbody { @for row in &shift.waiting { tr {
                        th scope="row" { (operation(row.operation).of(lang)) }
                        td.money { (row.count) }
                        td.money { (amount(row.sum, lang)) }
                    } } }
                }
            }
        }
    }
}

fn row(what: Say, count: Option<u32>, sum: Amount, lang: Lang) -> Markup {
    html! {
        tr {
            th scope="row" { (what.of(lang)) }
            td.money { @if let Some(count) = count { (count) } }
            td.money { (amount(sum, lang)) }
        }
    }
}

pub(super) async fn review(State(office): Shared, visitor: Visitor) -> Page {
    visitor.needs(Right::Shift)?;
    let lang = visitor.lang;
    let shift = office.read(|book| book.open_shift())?;
    let body = html! {
        p { (Say::CloseQuestion.with(lang, &[&shift.number])) }
        (totals(&shift, lang))
        form.stack action="/shift/close" method="post" {
            (csrf(&visitor))
            input type="hidden" name="shift" value=(shift.number);
            (pin_again(lang))
            div.actions {
                button.primary { (Say::CloseNow.with(lang, &[&shift.number])) }
                a.button href="/shift" { (Say::Cancel.of(lang)) }
            }
        }
    };
    let title = Say::CloseShift.of(lang).to_owned();
    let sheet =
        Sheet { office: &office, visitor: &visitor, place: Place::Shift, title, is_live: false };
    Ok(sheet.with(&body))
}

pub(super) async fn close(State(office): Shared, posted: Posted) -> Answer {
    let visitor = &posted.visitor;
    visitor.needs(Right::Shift)?;
    let number: u32 = posted.fields.one("shift").parse().map_err(|_| Trouble::BadForm)?;
    confirm(&office, &posted).await?;
    office.close_shift(visitor, number).await?;
    Ok(Redirect::to(&format!("/shifts/{number}")).into_response())
}

pub(super) async fn history(State(office): Shared, visitor: Visitor) -> Page {
    visitor.needs(Right::See)?;
    let (lang, zone) = (visitor.lang, &office.context.head.zone);
    let shifts = office.read(|book| book.shifts(HISTORY_MAX))?;
    let body = html! {
        @if shifts.is_empty() { (nothing(Say::NoShifts, lang)) } @else {
            table.list {
                thead { tr {
                    th scope="col" { (Say::Shift.of(lang)) }
                    th scope="col" { (Say::ClosedAt.of(lang)) }
                    th.money scope="col" { (Say::Net.of(lang)) }
                } }
                tbody { @for (at, report) in &shifts { tr {
                    th scope="row" { a href={ "/shifts/" (report.shift) } { (report.shift) } }
                    td { (time(*at, zone, lang)) }
                    td.money { @for total in &report.totals {
                        div { (amount(total.net(), lang)) }
                    } }
                } } }
            }
        }
    };
    let title = Say::History.of(lang).to_owned();
    let sheet =
        Sheet { office: &office, visitor: &visitor, place: Place::Shift, title, is_live: false };
    Ok(sheet.with(&body))
}

fn shift(office: &Office, number: u32) -> Result<Shift, Trouble> {
    office.read(|book| book.shift(number))?.ok_or(Trouble::NotFound)
}

pub(super) async fn one(
    State(office): Shared,
    visitor: Visitor,
    Named(number): Named<u32>,
    Behind(after): Behind<After>,
) -> Answer {
    visitor.needs(Right::See)?;
    let (lang, shift) = (visitor.lang, shift(&office, number)?);
    let Some((at, report)) = &shift.closed else {
        return Ok(Redirect::to("/shift").into_response());
    };
    let zone = &office.context.head.zone;
    let rows = [
        (Say::ClosedAt.of(lang), time(*at, zone, lang)),
        (Say::CapturesQueued.of(lang), html! { (report.captures_queued) }),
    ];
    let to_till = format!("/shifts/{number}/till");
    let body = html! {
        (till::notice(&after.at_till, lang))
        (facts(rows))
        (totals(&shift, lang))
        div.actions {
            (exports(&office, &visitor, number, lang))
            @if visitor.may(Right::Reprint) {
                (till::offer(&office, &visitor, &to_till, &[], Say::TillAsksForReports))
            }
            a.button href="/shifts" { (Say::History.of(lang)) }
        }
        h2 { (Say::Report.of(lang)) }
        div.paper { (export::report(&office, &shift, lang).html()) }
    };
    let title = Say::ClosedShift.with(lang, &[&number]);
    let sheet =
        Sheet { office: &office, visitor: &visitor, place: Place::Shift, title, is_live: false };
    Ok(sheet.with(&body).into_response())
}

pub(super) async fn csv(
    State(office): Shared,
    visitor: Visitor,
    Named(number): Named<u32>,
) -> Answer {
    visitor.needs(Right::See)?;
    let shift = shift(&office, number)?;
    Ok(file(
        "text/csv; charset=utf-8",
        &format!("shift-{number}.csv"),
        export::csv(&office, &shift)?,
    ))
}

pub(super) async fn pdf(
    State(office): Shared,
    visitor: Visitor,
    Named(number): Named<u32>,
) -> Answer {
    visitor.needs(Right::See)?;
    let shift = shift(&office, number)?;
    let bytes = export::report(&office, &shift, visitor.lang).pdf();
    Ok(file("application/pdf", &format!("shift-{number}.pdf"), bytes))
}

fn file(kind: &'static str, name: &str, bytes: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    ([(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, disposition)], bytes).into_response()
}

pub(super) async fn print(
    State(office): Shared,
    Named(number): Named<u32>,
    posted: Posted,
) -> Answer {
    posted.visitor.needs(Right::Reprint)?;
    let shift = shift(&office, number)?;
    office.note(&posted.visitor, "print", &json!({ "shift": number }))?;
    print_document(&office, export::report(&office, &shift, office.context.language)).await?;
    Ok(Redirect::to(&format!("/shifts/{number}")).into_response())
}

/// The report of a closed shift; that of the open one is nothing that was printed before.
pub(super) async fn print_at_till(
    State(office): Shared,
    Named(number): Named<u32>,
    posted: Posted,
) -> Answer {
    posted.visitor.needs(Right::Reprint)?;
    let shift = shift(&office, number)?;
    let Some((_, closed)) = &shift.closed else { return Err(Trouble::NotFound) };
    let document = export::report(&office, &shift, office.context.language);
    let (detail, reference) = (json!({ "shift": number }), closed.reference.clone());
    let told = till::print(&office, &posted.visitor, detail, reference, document).await?;
    Ok(Redirect::to(&format!("/shifts/{number}?at_till={told}")).into_response())
}
