//! One short line for each thing that came out.

use klarna_terminald::payment::effect::{CallKind, OutboxChange, Refusal};
use klarna_terminald::payment::event::{Event, OperationProgress};
use klarna_terminald::payment::screen::Screen;
use klarna_terminald::payment::shift::ShiftReport;
use klarna_terminald::payment::state::State;
use klarna_terminald::payment::vocabulary::{
    MoneySoFar, OperationResult, Reply, SaleOutcome, SaleResult, Status,
};

/// A state's name with what makes a difference in it.
pub fn label(state: &State) -> String {
    let mark = match state {
        State::Confirming { refused: Some(_), .. } | State::Abandoning { refused: Some(_), .. } => {
            "(refused)"
        }
        State::Voiding { refused: Some(_), .. } => "(refused)",
        State::Confirming { doubted: true, .. } => "(doubted)",
        State::Abandoning { request: None, .. } => "(no request)",
        _ => "",
    };
    format!("{}{mark}", state.name())
}

pub fn event(event: &Event) -> String {
    let name = event.name();
    match event {
        Event::SaleRequested { sale, .. } => format!("{name} {}", sale.amount),
        Event::CreateRefused { refusal } | Event::ConfirmRefused { refusal } => {
            format!("{name} {}", refused(refusal))
        }
        Event::CallRefused { sequence, refusal } => {
            format!("{name} .{sequence} {}", refused(refusal))
        }
        Event::Authorised { transaction, amount } => format!("{name} {amount} {transaction}"),
        Event::GivenUp { reason } => format!("{name} {}", reason.code()),
        Event::RequestEnded { ended } => format!("{name} {ended:?}"),
        Event::VoidDecided { reason, .. } => format!("{name} {}", reason.code()),
        Event::Voided { amount }
        | Event::CaptureQueued { amount, .. }
        | Event::ReleaseQueued { amount, .. }
        | Event::RefundQueued { amount, .. } => format!("{name} {amount}"),
        Event::Captured { sequence, amount, .. }
        | Event::Refunded { sequence, amount, .. }
        | Event::Released { sequence, amount } => format!("{name} .{sequence} {amount}"),
        Event::Rekeyed { sequence }
        | Event::CallRetried { sequence }
        | Event::Updated { sequence }
        | Event::NotCompared { sequence }
        | Event::Checked { sequence } => format!("{name} .{sequence}"),
        Event::Noted { notice } => format!("{name} {} {}", notice.id, notice.kind),
        Event::CallResolved { sequence, reason } => format!("{name} .{sequence} {reason}"),
        Event::UpdateQueued { merchant_reference, .. } => format!("{name} {merchant_reference}"),
        Event::Adopted { found, .. } => {
            let sums = found.sums().expect("small sums");
            format!("{name} {} {}, {sums}", found.transaction, found.authorised)
        }
        Event::Created { .. }
        | Event::Unavailable { .. }
        | Event::ShopperOpened
        | Event::ShopperLeft
        | Event::Approved { .. }
        | Event::ConfirmDoubted
        | Event::Acknowledged
        | Event::CheckQueued
        | Event::ShiftEnded { .. } => name.to_owned(),
    }
}

pub fn change(change: &OutboxChange) -> String {
    let id = |id: &klarna_terminald::id::CallId| format!("{}.{}", id.payment.number(), id.sequence);
    match change {
        OutboxChange::Queue(call) => {
            let of = match &call.kind {
                CallKind::Refund { capture: Some(capture), .. } => {
                    let short = capture.reference.as_str().rsplit('-').next().expect("a part");
                    format!(" of {short}")
                }
                CallKind::Check { expected, .. } => format!(": {expected}"),
                _ => String::new(),
            };
            format!("{} {} {}{of}", id(&call.id), call.kind.operation(), call.kind.amount())
        }
        OutboxChange::Close(call) => format!("{} closed", id(call)),
        OutboxChange::Refuse(call, refusal) => {
            format!("{} waits for a person: {}", id(call), refusal.code)
        }
        OutboxChange::Rekey(call) => format!("{} key {}", id(&call.id), call.generation),
        OutboxChange::Retry(call) => {
            format!("{} is looked for and sent again, key {}", id(&call.id), call.generation)
        }
        OutboxChange::Resolve(call) => format!("{} is off the list", id(call)),
    }
}

pub fn reply(reply: &Reply) -> String {
    match reply {
        Reply::Progress { reference, stage } => format!("{reference} {}", stage.code()),
        Reply::Result(result) => format!("{} {}", result.reference, self::result(result)),
        Reply::Acknowledged { reference } => format!("{reference} acknowledged"),
        Reply::Operation(result) => operation(result),
        Reply::Noted { reference } => format!("{reference} noted"),
        Reply::Status { reference, status } => {
            format!("{reference} status {}", self::status(status))
        }
        Reply::Shift(report) => shift(report),
        Reply::Totals(report) => format!("{} (open)", shift(report)),
        Reply::Print { reference, lines } => format!("{reference} print {} lines", lines.len()),
        Reply::Refused { reference, problem } => {
            let reference = reference.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{reference} error {}: {problem}", problem.code())
        }
    }
}

fn status(status: &Status) -> String {
    match status {
        Status::Done(result, so_far) => {
            format!("done: {}; {}", self::result(result), money(so_far))
        }
        Status::Operation(result) => operation(result),
        Status::Shift(report) => shift(report),
        Status::InProgress(stage) => format!("in_progress: {}", stage.code()),
        Status::NotKnown => "not_known".to_owned(),
    }
}

fn result(result: &SaleResult) -> String {
    let amount = result.amount;
    let transaction = result.transaction.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
    match result.outcome {
        SaleOutcome::Approved => format!("approved {amount}{transaction}"),
        SaleOutcome::NotPaid(reason) => format!("not_paid {}{transaction}", reason.code()),
        SaleOutcome::Voided(reason) => format!("voided {}{transaction}", reason.code()),
    }
}

fn operation(result: &OperationResult) -> String {
    let OperationResult { reference, sale, transaction: _, kind, amount, progress } = result;
    let progress = match progress {
        OperationProgress::Queued => "queued".to_owned(),
        OperationProgress::Done => "done".to_owned(),
        OperationProgress::Refused(refusal) => format!("refused {}", refusal.code),
    };
    format!("{reference} {} of {sale}, {amount}: {progress}", kind.code())
}

fn money(so_far: &MoneySoFar) -> String {
    let MoneySoFar { authorised, captured, refunded, voided, released, queued, refused } = so_far;
    let (captured, refunded) = (captured.decimal(), refunded.decimal());
    let mut text = format!("authorised {authorised}, captured {captured}, refunded {refunded}");
    if !released.is_zero() {
        text += &format!(", released {}", released.decimal());
    }
    for (number, name) in
        [(usize::from(*voided), "voided"), (*queued, "queued"), (*refused, "refused")]
    {
        if number > 0 {
            text += &format!(", {number} {name}");
        }
    }
    text
}

fn shift(report: &ShiftReport) -> String {
    let mut text = format!("{} shift {}", report.reference, report.shift);
    for total in &report.totals {
        text += &format!(
            "; {} sales {}, {} voided {}, {} refunds {}",
            total.sales_count,
            total.sales,
            total.voided_count,
            total.voided,
            total.refunds_count,
            total.refunds
        );
        text += &total.released.map(|rest| format!(", released {rest}")).unwrap_or_default();
    }
    format!("{text}; {} captures queued", report.captures_queued)
}

fn refused(refusal: &Refusal) -> &str {
    &refusal.code
}

/// What is on the screen, without the seconds that run down.
pub fn screen(screen: &Screen) -> String {
    match screen {
        Screen::Idle => "idle".to_owned(),
        Screen::Checking { amount } => format!("checking {amount}"),
        Screen::Scan { amount, again, .. } => {
            format!("scan{} {amount}", if *again { " again" } else { "" })
        }
        Screen::ShopperPaying { amount, .. } => format!("shopper paying {amount}"),
        Screen::Confirming { amount } => format!("confirming {amount}"),
        Screen::Approved { amount } => format!("approved {amount}"),
        Screen::Cancelled => "cancelled".to_owned(),
        Screen::NotCompleted => "not completed".to_owned(),
        Screen::NotAvailable => "not available".to_owned(),
        Screen::NoConnection => "no connection".to_owned(),
        Screen::UnknownOutcome { amount } => format!("unknown outcome {amount}"),
        Screen::Refunding { amount } => format!("refunding {amount}"),
        Screen::RefundQueued { amount } => format!("refund queued {amount}"),
        Screen::Refunded { amount } => format!("refunded {amount}"),
        Screen::AskStaff { reason } => format!("ask staff {reason}"),
        Screen::NoTill => "no till".to_owned(),
        Screen::ClockWrong => "clock wrong".to_owned(),
        Screen::StorageFull => "storage full".to_owned(),
        Screen::Updating => "updating".to_owned(),
        Screen::OutOfService { reason } => format!("out of service {reason}"),
        Screen::Operator(_) => "operator".to_owned(),
    }
}
