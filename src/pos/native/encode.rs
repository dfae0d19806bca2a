//! Replies as JSON objects. The order of members is fixed, so the same reply is the same bytes.

use super::{PROTOCOL_VERSION, Settings};
use crate::id::PosReference;
use crate::payment::event::OperationProgress;
use crate::payment::shift::{ShiftReport, ShiftTotal};
use crate::payment::vocabulary::{
    MoneySoFar, OperationResult, Reply, SaleOutcome, SaleResult, Status,
};
use serde::Serialize;

/// An object that goes to the till: `event` first, then `ref`.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    Hello {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a str>,
        protocol: u32,
        terminal: &'a str,
        software: &'a str,
        currencies: Vec<&'a str>,
        checksum: bool,
    },
    Pong {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a str>,
    },
    Progress {
        #[serde(rename = "ref")]
        reference: &'a str,
        stage: &'a str,
    },
    Result(SaleObject<'a>),
    Acknowledged {
        #[serde(rename = "ref")]
        reference: &'a str,
    },
    Operation(OperationObject<'a>),
    Noted {
        #[serde(rename = "ref")]
        reference: &'a str,
    },
    Status(Box<StatusObject<'a>>),
    Shift(ShiftObject<'a>),
    Totals(ShiftObject<'a>),
    Print {
        #[serde(rename = "ref")]
        reference: &'a str,
        copy: bool,
        lines: &'a [String],
    },
    Error {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a str>,
        code: &'a str,
        text: String,
    },
}

#[derive(Serialize)]
struct SaleObject<'a> {
    #[serde(rename = "ref")]
    reference: &'a str,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    ack_required: bool,
    amount: i64,
    currency: &'a str,
    payment: String,
    payment_reference: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant_reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<&'a str>,
    at: String,
    receipt: &'a [String],
}

#[derive(Serialize)]
struct OperationObject<'a> {
    #[serde(rename = "ref")]
    reference: &'a str,
    op: &'a str,
    sale: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<&'a str>,
    amount: i64,
    currency: &'a str,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<RefusalObject<'a>>,
}

#[derive(Serialize)]
struct RefusalObject<'a> {
    code: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_id: Option<&'a str>,
}

#[derive(Serialize)]
struct StatusObject<'a> {
    #[serde(rename = "ref")]
    reference: &'a str,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<SaleObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    money: Option<MoneyObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<OperationObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shift: Option<ShiftObject<'a>>,
}

#[derive(Serialize)]
struct MoneyObject {
    authorised: i64,
    captured: i64,
    refunded: i64,
    voided: bool,
    released: i64,
    queued: usize,
    needs_person: usize,
}

#[derive(Serialize)]
struct ShiftObject<'a> {
    #[serde(rename = "ref")]
    reference: &'a str,
    shift: u32,
    totals: Vec<TotalObject<'a>>,
    captures_queued: u32,
}

#[derive(Serialize)]
struct TotalObject<'a> {
    currency: &'a str,
    sales: i64,
    sales_count: u32,
    voided: i64,
    voided_count: u32,
    refunds: i64,
    refunds_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    released: Option<i64>,
}

/// The object of a reply.
pub(super) fn reply(reply: &Reply) -> String {
    json(&match reply {
        Reply::Progress { reference, stage } => {
            Line::Progress { reference: reference.as_str(), stage: stage.code() }
        }
        Reply::Result(result) => Line::Result(sale(result)),
        Reply::Acknowledged { reference } => Line::Acknowledged { reference: reference.as_str() },
        Reply::Operation(result) => Line::Operation(operation(result)),
        Reply::Noted { reference } => Line::Noted { reference: reference.as_str() },
        Reply::Status { reference, status } => {
            Line::Status(Box::new(self::status(reference, status)))
        }
        Reply::Shift(report) => Line::Shift(shift(report)),
        Reply::Totals(report) => Line::Totals(shift(report)),
        Reply::Print { reference, lines } => {
            Line::Print { reference: reference.as_str(), copy: true, lines }
        }
        Reply::Refused { reference, problem } => Line::Error {
            reference: reference.as_ref().map(PosReference::as_str),
            code: problem.code(),
            text: problem.to_string(),
        },
    })
}

/// The object that greets a till.
pub(super) fn hello(
    reference: Option<&PosReference>,
    settings: &Settings,
    checksum: bool,
) -> String {
    json(&Line::Hello {
        reference: reference.map(PosReference::as_str),
        protocol: PROTOCOL_VERSION,
        terminal: &settings.terminal,
        software: concat!("klarna-terminald ", env!("CARGO_PKG_VERSION")),
        currencies: settings.currencies.iter().map(|currency| currency.code()).collect(),
        checksum,
    })
}

/// The object that answers a ping.
pub(super) fn pong(reference: Option<&PosReference>) -> String {
    json(&Line::Pong { reference: reference.map(PosReference::as_str) })
}

fn sale(result: &SaleResult) -> SaleObject<'_> {
    let (status, reason) = match result.outcome {
        SaleOutcome::Approved => ("approved", None),
        SaleOutcome::NotPaid(reason) => ("not_paid", Some(reason.code())),
        SaleOutcome::Voided(reason) => ("voided", Some(reason.code())),
    };
    SaleObject {
        reference: result.reference.as_str(),
        status,
        reason,
        ack_required: result.outcome == SaleOutcome::Approved,
        amount: result.amount.minor(),
        currency: result.amount.currency_code(),
        payment: result.number.to_string(),
        payment_reference: result.payment_reference.as_str(),
        merchant_reference: result.merchant_reference.as_ref().map(|label| label.as_str()),
        transaction: result.transaction.as_ref().map(|id| id.as_str()),
        at: result.at.iso8601(),
        receipt: &result.receipt,
    }
}

fn operation(result: &OperationResult) -> OperationObject<'_> {
    let (status, refusal) = match &result.progress {
        OperationProgress::Queued => ("queued", None),
        OperationProgress::Done => ("done", None),
        OperationProgress::Refused(refusal) => ("refused", Some(refusal)),
    };
    OperationObject {
        reference: result.reference.as_str(),
        op: result.kind.code(),
        sale: result.sale.as_str(),
        transaction: result.transaction.as_ref().map(|id| id.as_str()),
        amount: result.amount.minor(),
        currency: result.amount.currency_code(),
        status,
        refusal: refusal.map(|refusal| RefusalObject {
            code: &refusal.code,
            text: &refusal.text,
            error_id: refusal.error_id.as_deref(),
        }),
    }
}

fn status<'a>(reference: &'a PosReference, status: &'a Status) -> StatusObject<'a> {
    let mut object = StatusObject {
        reference: reference.as_str(),
        status: "done",
        stage: None,
        result: None,
        money: None,
        operation: None,
        shift: None,
    };
    match status {
        Status::Done(result, so_far) => {
            object.result = Some(sale(result));
            object.money = Some(money(so_far));
        }
        Status::Operation(result) => {
            let running = result.progress == OperationProgress::Queued;
            object.status = if running { "in_progress" } else { "done" };
            object.operation = Some(operation(result));
        }
        Status::Shift(report) => object.shift = Some(shift(report)),
        Status::InProgress(stage) => {
            (object.status, object.stage) = ("in_progress", Some(stage.code()));
        }
        Status::NotKnown => object.status = "not_known",
    }
    object
}

fn money(so_far: &MoneySoFar) -> MoneyObject {
    MoneyObject {
        authorised: so_far.authorised.minor(),
        captured: so_far.captured.minor(),
        refunded: so_far.refunded.minor(),
        voided: so_far.voided,
        released: so_far.released.minor(),
        queued: so_far.queued,
        needs_person: so_far.refused,
    }
}

fn shift(report: &ShiftReport) -> ShiftObject<'_> {
    fn total(total: &ShiftTotal) -> TotalObject<'_> {
        TotalObject {
            currency: total.sales.currency_code(),
            sales: total.sales.minor(),
            sales_count: total.sales_count,
            voided: total.voided.minor(),
            voided_count: total.voided_count,
            refunds: total.refunds.minor(),
            refunds_count: total.refunds_count,
            released: total.released.map(|released| released.minor()),
        }
    }
    ShiftObject {
        reference: report.reference.as_str(),
        shift: report.shift,
        totals: report.totals.iter().map(total).collect(),
        captures_queued: report.captures_queued,
    }
}

fn json(line: &Line<'_>) -> String {
    serde_json::to_string(line).expect("our own types have string keys and no failing parts")
}
