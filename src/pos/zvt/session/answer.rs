//! A result as status information (`04 0F`), and what has gone wrong as a code (PA00P015 ch. 10).

use super::{Named, Settings};
use crate::clock::Wall;
use crate::money::Amount;
use crate::payment::event::NotPaid;
use crate::payment::vocabulary::{OperationResult, Problem, SaleOutcome, SaleResult};
use crate::pos::zvt::bcd::{Date, MinorUnits, Receipt, Time, Trace, Turnover};
use crate::pos::zvt::code::Code;
use crate::pos::zvt::message::StatusInformation;

/// BMP 19: authorised online.
const ONLINE: u8 = 0x60;
/// BMP 8B.
const CARD_NAME: &str = "Klarna";

/// The code of a sale that was not paid, or is not any more.
pub(super) fn code_of(outcome: SaleOutcome) -> Code {
    match outcome {
        SaleOutcome::Approved => Code::OK,
        SaleOutcome::Voided(_) => Code::ABORTED,
        SaleOutcome::NotPaid(reason) => match reason {
            NotPaid::AbortedByTill | NotPaid::TimedOut | NotPaid::Expired => Code::ABORTED,
            NotPaid::NotAvailable | NotPaid::Declined | NotPaid::ConfirmFailed => Code::DECLINED,
            NotPaid::Refused => Code::ACTIVATION_REQUIRED,
            NotPaid::NoConnection => Code::NO_CONNECTION,
        },
    }
}

/// The code of a command that was not accepted.
pub(super) fn code_of_problem(problem: &Problem) -> Code {
    match problem {
        Problem::Busy(_) | Problem::Unacknowledged(_) | Problem::NoResultYet(..) => Code::NOT_READY,
        Problem::WrongCurrency(..) => Code::WRONG_CURRENCY,
        Problem::AmountOutOfRange(..) | Problem::SumMismatch(..) => Code::AMOUNT_TOO_LARGE,
        Problem::Offline(..) => Code::NO_CONNECTION,
        Problem::NotKnown(_)
        | Problem::SaleNotKnown(_)
        | Problem::NotAllowed(_)
        | Problem::ExceedsRest { .. } => Code::REVERSAL_NOT_POSSIBLE,
        Problem::NothingLeft(_) => Code::ALREADY_REVERSED,
        Problem::OutOfService(_)
        | Problem::ReferenceReused(..)
        | Problem::CallNotRefused(_)
        | Problem::BadMessage(_)
        | Problem::BadField { .. }
        | Problem::DamagedLine(_)
        | Problem::UnknownCommand(_) => Code::SYSTEM_ERROR,
    }
}

/// A sale's result. One that is not paid has neither amount nor receipt number, so that no till
/// books it.
pub(super) fn sale(settings: &Settings, result: &SaleResult) -> StatusInformation {
    let code = code_of(result.outcome);
    if code != Code::OK {
        return failure(settings, code);
    }
    let number = u64::from(result.number.number());
    let (time, date) = time_and_date(result.at);
    StatusInformation {
        trace: Trace::new(number % (Trace::MAX + 1)).ok(),
        receipt: Receipt::new(number % (Receipt::MAX + 1)).ok(),
        turnover: Turnover::new(number % (Turnover::MAX + 1)).ok(),
        time,
        date,
        text: Some(format!("{CARD_NAME} {}", result.payment_reference)),
        ..money(settings, result.amount)
    }
}

/// Money that was given back, or will be as soon as Klarna can be reached.
pub(super) fn returned(
    settings: &Settings,
    operation: &OperationResult,
    named: Named,
    queued: bool,
) -> StatusInformation {
    let queued = if queued { " vorgemerkt" } else { "" };
    StatusInformation {
        receipt: named.receipt,
        original_trace: named.trace,
        text: Some(format!("{CARD_NAME} Rueckgabe{queued}")),
        ..money(settings, operation.amount)
    }
}

/// A command that has come to nothing.
pub(super) fn failure(settings: &Settings, code: Code) -> StatusInformation {
    let terminal = Some(settings.terminal);
    StatusInformation { terminal, ..StatusInformation::new(code) }
}

fn money(settings: &Settings, amount: Amount) -> StatusInformation {
    StatusInformation {
        amount: MinorUnits::of(amount).ok(),
        payment_type: Some(ONLINE),
        terminal: Some(settings.terminal),
        currency: Some(settings.currency_code()),
        card_type: Some(settings.card_type),
        card_name: Some(CARD_NAME.to_owned()),
        ..StatusInformation::new(Code::OK)
    }
}

/// BMP 0C and 0D, in UTC.
fn time_and_date(at: Wall) -> (Option<Time>, Option<Date>) {
    let text = at.iso8601();
    let digits = |from: usize, to: usize| -> Option<u64> {
        text.get(from..to)?.chars().filter(char::is_ascii_digit).collect::<String>().parse().ok()
    };
    let time = digits(11, 19).and_then(|time| Time::new(time).ok());
    let date = digits(5, 10).and_then(|date| Date::new(date).ok());
    (time, date)
}
