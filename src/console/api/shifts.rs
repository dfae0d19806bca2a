//! Shifts: their totals and reports, and the closing of the open one.

use super::super::Office;
use super::super::book::Shift;
use super::super::export;
use super::super::page::payment::print_document;
use super::super::page::trouble::Trouble;
use super::super::page::work;
use super::client::{Client, Said};
use super::{Answer, Shared};
use crate::access::Right;
use crate::clock::Wall;
use crate::money::Amount;
use crate::payment::shift::{ShiftReport, ShiftTotal, Turnover};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// Closed shifts in a list, unless it is told otherwise.
const COUNT: u32 = 20;
/// Most closed shifts in a list: three years of days.
const COUNT_MAX: u32 = 1000;

/// Closed shifts, newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Shifts {
    /// The shifts.
    pub shifts: Vec<ShiftView>,
}

/// A shift and its totals.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ShiftView {
    /// Its number, from 1.
    pub shift: u32,
    /// When it was closed, ISO 8601 in UTC; nothing for the open one.
    pub closed_at: Option<String>,
    /// One for each currency that occurred.
    pub totals: Vec<TotalView>,
    /// The first payment that was authorised in it.
    pub first_payment: Option<String>,
    /// The last payment that was authorised in it.
    pub last_payment: Option<String>,
    /// How many captures its closing has queued.
    pub captures_queued: Option<u32>,
    /// What waits for Klarna now, of whatever shift; only with the open one.
    pub waiting: Vec<WaitingView>,
}

/// A shift's totals in one currency.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TotalView {
    /// Sold; what was given back as a whole is in here and in `voided`.
    pub sales: Amount,
    /// Number of sales.
    pub sales_count: u32,
    /// Given back as a whole.
    pub voided: Amount,
    /// Number of those.
    pub voided_count: u32,
    /// Refunded.
    pub refunds: Amount,
    /// Number of refunds.
    pub refunds_count: u32,
    /// Released after a part was captured.
    pub released: Option<Amount>,
    /// Sold less what was given back or released.
    pub net: Amount,
}

/// What waits for Klarna of one kind and currency.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WaitingView {
    /// What it does, in one word.
    pub operation: String,
    /// How many calls.
    pub count: u32,
    /// Of how much in all.
    pub sum: Amount,
}

/// A shift that is closed now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Closing {
    /// Whether it was closed before; nothing was done then.
    pub was_closed: bool,
    /// The shift.
    pub shift: ShiftView,
}

impl From<&ShiftTotal> for TotalView {
    fn from(total: &ShiftTotal) -> Self {
        Self {
            sales: total.sales,
            sales_count: total.sales_count,
            voided: total.voided,
            voided_count: total.voided_count,
            refunds: total.refunds,
            refunds_count: total.refunds_count,
            released: total.released,
            net: total.net(),
        }
    }
}

impl From<&Shift> for ShiftView {
    fn from(shift: &Shift) -> Self {
        let closed = shift.closed.as_ref();
        let waiting = shift.waiting.iter().map(|row| WaitingView {
            operation: row.operation.to_owned(),
            count: row.count,
            sum: row.sum,
        });
        let view = of_turnover(shift.number, &shift.turnover);
        Self {
            closed_at: closed.map(|(at, _)| at.iso8601()),
            captures_queued: closed.map(|(_, report)| report.captures_queued),
            waiting: waiting.collect(),
            ..view
        }
    }
}

/// A shift that was closed at this time.
fn of_report((at, report): &(Wall, ShiftReport)) -> ShiftView {
    let turnover = Turnover { totals: report.totals.clone(), payments: report.payments };
    ShiftView {
        closed_at: Some(at.iso8601()),
        captures_queued: Some(report.captures_queued),
        ..of_turnover(report.shift, &turnover)
    }
}

fn of_turnover(shift: u32, turnover: &Turnover) -> ShiftView {
    ShiftView {
        shift,
        closed_at: None,
        totals: turnover.totals.iter().map(TotalView::from).collect(),
        first_payment: turnover.payments.map(|(first, _)| first.to_string()),
        last_payment: turnover.payments.map(|(_, last)| last.to_string()),
        captures_queued: None,
        waiting: Vec::new(),
    }
}

pub(super) async fn open(State(office): Shared, client: Client) -> Answer<ShiftView> {
    client.needs(Right::See)?;
    let shift = office.read(|book| book.open_shift())?;
    Ok(Json(ShiftView::from(&shift)))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Close {
    shift: u32,
}

pub(super) async fn close(
    State(office): Shared,
    client: Client,
    Said(Close { shift: number }): Said<Close>,
) -> Answer<Closing> {
    client.needs(Right::Shift)?;
    let is_news = office.close_shift(&client, number).await?;
    let shift = ShiftView::from(&shift(&office, number)?);
    Ok(Json(Closing { was_closed: !is_news, shift }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Count {
    count: Option<u32>,
}

pub(super) async fn list(
    State(office): Shared,
    client: Client,
    Query(Count { count }): Query<Count>,
) -> Answer<Shifts> {
    client.needs(Right::See)?;
    let count = count.unwrap_or(COUNT);
    if count > COUNT_MAX {
        return Err(Trouble::BadForm);
    }
    let shifts = office.read(|book| book.shifts(count))?;
    Ok(Json(Shifts { shifts: shifts.iter().map(of_report).collect() }))
}

fn shift(office: &Office, number: u32) -> Result<Shift, Trouble> {
    office.read(|book| book.shift(number))?.ok_or(Trouble::NotFound)
}

pub(super) async fn one(
    State(office): Shared,
    client: Client,
    Path(number): Path<u32>,
) -> Answer<ShiftView> {
    client.needs(Right::See)?;
    Ok(Json(ShiftView::from(&shift(&office, number)?)))
}

/// Makes a file of a shift beside the other answers.
async fn file(
    office: Arc<Office>,
    client: &Client,
    number: u32,
    kind: &'static str,
    make: impl FnOnce(&Office, &Shift) -> Result<Vec<u8>, Trouble> + Send + 'static,
) -> Result<Response, Trouble> {
    client.needs(Right::See)?;
    let bytes = work(move || make(&office, &shift(&office, number)?)).await??;
    Ok(([(CONTENT_TYPE, kind)], bytes).into_response())
}

pub(super) async fn csv(
    State(office): Shared,
    client: Client,
    Path(number): Path<u32>,
) -> Result<Response, Trouble> {
    file(office, &client, number, "text/csv; charset=utf-8", export::csv).await
}

pub(super) async fn pdf(
    State(office): Shared,
    client: Client,
    Path(number): Path<u32>,
) -> Result<Response, Trouble> {
    let make = |office: &Office, shift: &Shift| {
        Ok(export::report(office, shift, office.context.language).pdf())
    };
    file(office, &client, number, "application/pdf", make).await
}

pub(super) async fn text(
    State(office): Shared,
    client: Client,
    Path(number): Path<u32>,
) -> Result<Response, Trouble> {
    let make = |office: &Office, shift: &Shift| {
        let document = export::report(office, shift, office.context.language);
        let mut text = document.lines(office.context.head.columns).join("\n");
        text.push('\n');
        Ok(text.into_bytes())
    };
    file(office, &client, number, "text/plain; charset=utf-8", make).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

pub(super) async fn print(
    State(office): Shared,
    client: Client,
    Path(number): Path<u32>,
    Said(Nothing {}): Said<Nothing>,
) -> Answer<serde_json::Value> {
    client.needs(Right::Reprint)?;
    if office.context.printer.is_none() {
        let why = "no printer is configured; see [receipt] of the configuration".to_owned();
        return Err(Trouble::Printer(why));
    }
    let shift = shift(&office, number)?;
    office.note(&client, "print", &json!({ "shift": number }))?;
    print_document(&office, export::report(&office, &shift, office.context.language)).await?;
    Ok(Json(json!({ "printed": number })))
}
