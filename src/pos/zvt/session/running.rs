//! The command that is being carried out, and what it waits for.

use crate::clock::Mono;
use crate::id::PosReference;
use crate::money::Amount;
use crate::payment::event::Sale;
use crate::payment::vocabulary::{OperationResult, SaleResult, Stage};
use crate::pos::zvt::bcd::{Receipt, Trace};

/// The command that is being carried out.
#[derive(Debug)]
pub(super) enum Running {
    /// Nothing but blocks is left to be sent.
    Telling,
    /// A sale was asked for and nothing is answered yet: what was open before is in its way.
    Opening { sale: Sale, until: Mono, again_at: Option<Mono> },
    /// The shopper is being waited for.
    Paying {
        reference: PosReference,
        stage: Stage,
        abort_at: Option<Mono>,
        /// It was to be aborted because the till gives up soon.
        overdue: bool,
        aborting: bool,
    },
    /// The till has an approved result and has not acknowledged it.
    Approved { result: Box<SaleResult> },
    /// It has; the core does not know it for certain yet. `delivered` is what it has handed over,
    /// if that is only a part, and the command that says so.
    Acknowledging {
        result: Box<SaleResult>,
        delivered: Option<(PosReference, Amount)>,
        again_at: Mono,
    },
    /// It has refused the result, or has not answered: the sale is being given back.
    GivingBack { reference: PosReference, operation: PosReference, again_at: Mono },
    /// The last result is being looked for.
    Last { reference: PosReference, wants: Wanted, asked_again: bool, until: Mono },
    /// Money is being given back, or taken of what was reserved.
    Settling {
        reference: PosReference,
        named: Named,
        /// It is about a reservation.
        is_booking: bool,
        /// It is recorded; when the till is told so.
        queued: Option<(Mono, Box<OperationResult>)>,
        until: Mono,
    },
    /// The shift is being closed, or added up.
    Adding { reference: PosReference, sums: Sums, until: Mono },
    /// An open reservation is being looked for.
    Reserved { reference: PosReference, until: Mono },
}

/// Why a shift is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sums {
    /// `06 50`.
    EndOfDay,
    /// `06 10`.
    Totals,
    /// `06 12`: only for the printer.
    Printed,
}

/// What of the last result is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) result: bool,
    pub(super) receipt: bool,
}

impl Wanted {
    /// As after a command.
    pub(super) const ALL: Self = Self { result: true, receipt: true };
}

/// How the till has named the payment that a command is about.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Named {
    pub(super) receipt: Option<Receipt>,
    pub(super) trace: Option<Trace>,
}

impl Running {
    /// The till has been acknowledged and waits for us.
    pub(super) fn waits(&self) -> bool {
        match self {
            Self::Paying { .. }
            | Self::Acknowledging { .. }
            | Self::GivingBack { .. }
            | Self::Last { .. }
            | Self::Settling { .. }
            | Self::Adding { .. }
            | Self::Reserved { .. } => true,
            Self::Telling | Self::Opening { .. } | Self::Approved { .. } => false,
        }
    }

    /// When it goes on by itself.
    pub(super) fn due(&self) -> Option<Mono> {
        match self {
            Self::Telling | Self::Approved { .. } => None,
            Self::Opening { until, again_at, .. } => {
                Some(again_at.map_or(*until, |at| at.min(*until)))
            }
            Self::Paying { abort_at, .. } => *abort_at,
            Self::Acknowledging { again_at, .. } | Self::GivingBack { again_at, .. } => {
                Some(*again_at)
            }
            Self::Settling { queued, until, .. } => {
                Some(queued.as_ref().map_or(*until, |(at, _)| *at))
            }
            Self::Last { until, .. }
            | Self::Adding { until, .. }
            | Self::Reserved { until, .. } => Some(*until),
        }
    }

    /// The sale that it is about.
    pub(super) fn sale(&self) -> Option<&PosReference> {
        match self {
            Self::Opening { sale, .. } => Some(&sale.reference),
            Self::Paying { reference, .. } | Self::GivingBack { reference, .. } => Some(reference),
            Self::Approved { result } | Self::Acknowledging { result, .. } => {
                Some(&result.reference)
            }
            Self::Telling
            | Self::Last { .. }
            | Self::Settling { .. }
            | Self::Adding { .. }
            | Self::Reserved { .. } => None,
        }
    }
}
