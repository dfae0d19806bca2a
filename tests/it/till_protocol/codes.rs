//! One of each code that a till may meet; the matches make sure that a new one is added here.

use super::settings;
use klarna_terminald::id::PosReference;
use klarna_terminald::money::Amount;
use klarna_terminald::payment::event::{NotPaid, VoidReason};
use klarna_terminald::payment::vocabulary::{Problem, SaleName, Stage};

pub fn problems() -> Vec<Problem> {
    let name = PosReference::new("R1").expect("a reference");
    let amount = Amount::new(1, settings().currencies[0]);
    let text = || "x".to_owned();
    let of = |problem: Problem| match problem {
        Problem::Busy(_)
        | Problem::Unacknowledged(_)
        | Problem::ReferenceReused(..)
        | Problem::NotKnown(_)
        | Problem::SaleNotKnown(_)
        | Problem::Offline(..)
        | Problem::CallNotRefused(_)
        | Problem::WrongCurrency(..)
        | Problem::AmountOutOfRange(..)
        | Problem::SumMismatch(..)
        | Problem::NoResultYet(..)
        | Problem::NotAllowed(_)
        | Problem::NothingLeft(_)
        | Problem::ExceedsRest { .. }
        | Problem::OutOfService(_)
        | Problem::BadMessage(_)
        | Problem::BadField { .. }
        | Problem::DamagedLine(_)
        | Problem::UnknownCommand(_) => problem,
    };
    vec![
        of(Problem::Busy(name.clone())),
        of(Problem::Unacknowledged(name.clone())),
        of(Problem::ReferenceReused(name.clone(), text())),
        of(Problem::NotKnown(name.clone())),
        of(Problem::SaleNotKnown(SaleName::Till(name.clone()))),
        of(Problem::Offline(SaleName::Till(name.clone()), text())),
        of(Problem::CallNotRefused("7.2".parse().expect("a call"))),
        of(Problem::WrongCurrency(text(), text())),
        of(Problem::AmountOutOfRange(amount, amount)),
        of(Problem::SumMismatch(amount, amount)),
        of(Problem::NoResultYet(name, Stage::Checking)),
        of(Problem::NotAllowed(text())),
        of(Problem::NothingLeft(text())),
        of(Problem::ExceedsRest { asked: amount, left: amount, verb: "refunded" }),
        of(Problem::OutOfService(text())),
        of(Problem::BadMessage(text())),
        of(Problem::BadField { field: text(), wrong: text() }),
        of(Problem::DamagedLine(text())),
        of(Problem::UnknownCommand(text())),
    ]
}

pub fn stages() -> Vec<Stage> {
    let of = |stage: Stage| match stage {
        Stage::Checking
        | Stage::AwaitingShopper
        | Stage::ScanAgain
        | Stage::ShopperPaying
        | Stage::Confirming
        | Stage::Completing
        | Stage::Unknown => stage,
    };
    [
        Stage::Checking,
        Stage::AwaitingShopper,
        Stage::ScanAgain,
        Stage::ShopperPaying,
        Stage::Confirming,
        Stage::Completing,
        Stage::Unknown,
    ]
    .map(of)
    .to_vec()
}

pub fn not_paid() -> Vec<NotPaid> {
    let of = |reason: NotPaid| match reason {
        NotPaid::AbortedByTill
        | NotPaid::TimedOut
        | NotPaid::NotAvailable
        | NotPaid::Refused
        | NotPaid::NoConnection
        | NotPaid::Declined
        | NotPaid::Expired
        | NotPaid::ConfirmFailed => reason,
    };
    [
        NotPaid::AbortedByTill,
        NotPaid::TimedOut,
        NotPaid::NotAvailable,
        NotPaid::Refused,
        NotPaid::NoConnection,
        NotPaid::Declined,
        NotPaid::Expired,
        NotPaid::ConfirmFailed,
    ]
    .map(of)
    .to_vec()
}

pub fn voided() -> Vec<VoidReason> {
    let of = |reason: VoidReason| match reason {
        VoidReason::NotAcknowledged | VoidReason::RequestedByTill | VoidReason::LatePayment(_) => {
            reason
        }
    };
    let late = VoidReason::LatePayment(NotPaid::TimedOut);
    [VoidReason::NotAcknowledged, VoidReason::RequestedByTill, late].map(of).to_vec()
}
