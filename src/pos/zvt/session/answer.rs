//! A result as status information (`04 0F`), and what has gone wrong as a code (PA00P015 ch. 10).

use super::{Named, Profile, Settings, text};
use crate::money::Amount;
use crate::payment::event::NotPaid;
use crate::payment::vocabulary::{OperationResult, Problem, SaleOutcome, SaleResult};
use crate::pos::zvt::bcd::{Date, MinorUnits, Receipt, Time, Trace, Turnover};
use crate::pos::zvt::code::Code;
use crate::pos::zvt::message::StatusInformation;
use crate::pos::zvt::tlv;

/// BMP 19: authorised online.
const ONLINE: u8 = 0x60;
/// What a rich result says in addition: tag 2F with 1F10 (no verification of the cardholder) and
/// 1F11 (online).
const RICH: [(u32, u8); 2] = [(0x1F10, 0x00), (0x1F11, 0x01)];

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
        return failure(settings, code, text::of(code));
    }
    let number = u64::from(result.number.number());
    let civil = settings.zone.civil(result.at);
    StatusInformation {
        trace: Trace::new(number % (Trace::MAX + 1)).ok(),
        receipt: Receipt::new(number % (Receipt::MAX + 1)).ok(),
        turnover: Turnover::new(number % (Turnover::MAX + 1)).ok(),
        time: civil.as_ref().and_then(|civil| Time::new(civil.hour_minute_second()).ok()),
        date: civil.as_ref().and_then(|civil| Date::new(civil.month_day()).ok()),
        text: Some(format!("{} {}", text::KLARNA, result.payment_reference)),
        ..money(settings, result.amount)
    }
}

/// Money that was given back or taken, or will be as soon as Klarna can be reached.
pub(super) fn settled(
    settings: &Settings,
    operation: &OperationResult,
    named: Named,
    queued: bool,
) -> StatusInformation {
    StatusInformation {
        receipt: named.receipt,
        original_trace: named.trace,
        text: Some(text::settled(operation.kind, queued)),
        ..money(settings, operation.amount)
    }
}

/// A command that has come to nothing, and why.
pub(super) fn failure(settings: &Settings, code: Code, why: &str) -> StatusInformation {
    let text = Some(why).filter(|text| !text.is_empty());
    StatusInformation {
        terminal: Some(settings.terminal),
        text: text.filter(|_| settings.profile != Profile::Minimal).map(str::to_owned),
        ..StatusInformation::new(code)
    }
}

fn money(settings: &Settings, amount: Amount) -> StatusInformation {
    StatusInformation {
        amount: MinorUnits::of(amount).ok(),
        payment_type: Some(ONLINE),
        terminal: Some(settings.terminal),
        currency: Some(settings.currency_code()),
        card_type: Some(settings.card_type),
        card_name: Some(text::KLARNA.to_owned()),
        tlv: Some(settings.profile).filter(|profile| *profile == Profile::Rich).and(container()),
        ..StatusInformation::new(Code::OK)
    }
}

fn container() -> Option<Vec<u8>> {
    let (mut container, mut details) = (Vec::new(), Vec::new());
    for (tag, value) in RICH {
        tlv::push(&mut details, tag, &[value]).ok()?;
    }
    tlv::push(&mut container, 0x2F, &details).ok()?;
    Some(container)
}
