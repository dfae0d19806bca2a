//! What the shopper's screen shows of a payment. It knows neither pixels nor words.

use super::account::Payment;
use super::event::{NotPaid, OperationProgress};
use super::state::State;
use super::vocabulary::{OperationKind, OperationResult, SaleOutcome};
use crate::clock::Mono;
use crate::id::{DistributionUrl, Locale, PaymentId, PosReference};
use crate::money::Amount;
use std::time::Duration;

/// How long a shopper is asked to wait for a return before it is called queued.
const REFUND_PATIENCE: Duration = Duration::from_secs(5);
/// How long a result stays at most when nothing was paid.
const UNPAID_LINGER_MAX: Duration = Duration::from_secs(30);

/// What the shopper's display shows. Two equal screens look the same at the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screen {
    /// No payment: welcome, merchant name.
    Idle,
    /// A sale has come in; Klarna is being asked.
    Checking {
        /// What is to be paid.
        amount: Amount,
    },
    /// The QR code.
    Scan {
        /// What the code carries.
        url: DistributionUrl,
        /// What is to be paid.
        amount: Amount,
        /// Klarna's own words for the offer, if it gave any.
        descriptor: Option<String>,
        /// The shopper was in the flow and came back without paying.
        again: bool,
        /// When the sale times out.
        due: Mono,
    },
    /// The shopper has opened the page on the phone.
    ShopperPaying {
        /// What is to be paid.
        amount: Amount,
        /// When the sale times out.
        due: Mono,
    },
    /// The shopper has approved; the payment is being confirmed.
    Confirming {
        /// What is to be paid.
        amount: Amount,
    },
    /// Paid.
    Approved {
        /// What was paid.
        amount: Amount,
    },
    /// Cancelled at the till or by the shopper; nothing was taken.
    Cancelled,
    /// The payment was not completed in time or was declined; nothing was taken.
    NotCompleted,
    /// Klarna is not available for this purchase; pay in another way.
    NotAvailable,
    /// Klarna cannot be reached; pay in another way.
    NoConnection,
    /// The outcome is not known yet; the terminal keeps asking. Ask staff, do not pay again.
    UnknownOutcome {
        /// What may have been paid.
        amount: Amount,
    },
    /// A return is on its way to Klarna.
    Refunding {
        /// What is to be given back.
        amount: Amount,
    },
    /// A return is accepted and waits for Klarna.
    RefundQueued {
        /// What will be given back.
        amount: Amount,
    },
    /// Klarna has given the money back.
    Refunded {
        /// What was given back.
        amount: Amount,
    },
    /// Something could not be done; a person must see to it.
    AskStaff {
        /// A short code that staff can look up, such as `refund`.
        reason: &'static str,
    },
    /// No till is connected, so no sale can come.
    NoTill,
    /// The wall clock is not set; receipts cannot say when.
    ClockWrong,
    /// The disk is full; no payment is accepted.
    StorageFull,
    /// The software is being updated.
    Updating,
    /// The terminal cannot take payments.
    OutOfService {
        /// A short code that staff can look up, such as `storage`.
        reason: &'static str,
    },
    /// How the terminal stands, for those who look after it.
    Operator(Box<Operator>),
}

impl Screen {
    /// Whether a sale or a return is under way, which nothing else may cover.
    pub fn is_about_money(&self) -> bool {
        match self {
            Self::Checking { .. }
            | Self::Scan { .. }
            | Self::ShopperPaying { .. }
            | Self::Confirming { .. }
            | Self::UnknownOutcome { .. }
            | Self::Refunding { .. } => true,
            Self::Idle
            | Self::Approved { .. }
            | Self::Cancelled
            | Self::NotCompleted
            | Self::NotAvailable
            | Self::NoConnection
            | Self::RefundQueued { .. }
            | Self::Refunded { .. }
            | Self::AskStaff { .. }
            | Self::NoTill
            | Self::ClockWrong
            | Self::StorageFull
            | Self::Updating
            | Self::OutOfService { .. }
            | Self::Operator(_) => false,
        }
    }
}

/// How the terminal stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// The program's version.
    pub version: &'static str,
    /// Store and terminal, such as `S12-T3`.
    pub terminal: String,
    /// Whether Klarna could be reached when it was last tried.
    pub is_online: bool,
    /// Calls that wait for Klarna.
    pub queued: u64,
    /// Refused calls that wait for a person.
    pub refused: u64,
    /// The last answer of Klarna, ready to be read.
    pub last_sync: Option<String>,
    /// Finds the place in the log.
    pub support_code: String,
    /// The store manager's console, if there is one.
    pub console: Option<ConsoleSign>,
}

/// How the store manager's console is found and told from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleSign {
    /// Where it is.
    pub address: String,
    /// SHA-256 of its certificate, in hexadecimal digits.
    pub fingerprint: String,
    /// With what its first user is made, while there is none.
    pub set_up_code: Option<String>,
}

/// While it runs.
pub(super) fn running_screen(payment: &Payment) -> Screen {
    let amount = payment.sale.amount;
    let due = payment.due().unwrap_or_default();
    match &payment.state {
        State::Creating => Screen::Checking { amount },
        State::AwaitingShopper { request, again } => Screen::Scan {
            url: request.url.clone(),
            amount,
            descriptor: request.descriptor.clone(),
            again: *again,
            due,
        },
        State::ShopperPaying { .. } => Screen::ShopperPaying { amount, due },
        State::Confirming { doubted: false, refused: None, .. } => Screen::Confirming { amount },
        State::Confirming { .. } => Screen::UnknownOutcome { amount },
        State::Authorised { .. } => Screen::Approved { amount },
        State::Settling { .. }
        | State::Abandoning { .. }
        | State::NotPaid { .. }
        | State::Voiding { .. }
        | State::Voided { .. }
        | State::Free => Screen::Idle,
    }
}

/// Once it is decided.
fn result_screen(payment: &Payment, outcome: SaleOutcome) -> Screen {
    match outcome {
        SaleOutcome::Approved => Screen::Approved { amount: payment.sale.amount },
        SaleOutcome::NotPaid(NotPaid::AbortedByTill) | SaleOutcome::Voided(_) => Screen::Cancelled,
        SaleOutcome::NotPaid(NotPaid::NotAvailable | NotPaid::Refused) => Screen::NotAvailable,
        SaleOutcome::NotPaid(NotPaid::NoConnection) => Screen::NoConnection,
        SaleOutcome::NotPaid(
            NotPaid::TimedOut | NotPaid::Declined | NotPaid::Expired | NotPaid::ConfirmFailed,
        ) => Screen::NotCompleted,
    }
}

/// A result that stays on show for a while, though nothing runs any more.
#[derive(Debug, Clone)]
pub(super) struct Lingering {
    screen: Screen,
    /// The sale whose result it is, or that is given back.
    payment: PaymentId,
    /// The shopper's language, if the till has named it.
    locale: Option<Locale>,
    until: Option<Mono>,
    refund: Option<PosReference>,
    after: Option<Box<Lingering>>,
}

impl Lingering {
    /// A sale's result; `linger` is how long "paid" stays, until the next sale if `None`.
    pub(super) fn sale(
        payment: &Payment,
        outcome: SaleOutcome,
        now: Mono,
        linger: Option<Duration>,
    ) -> Self {
        let screen = result_screen(payment, outcome);
        let lasts = match screen {
            Screen::Approved { .. } => linger,
            _ => Some(linger.unwrap_or(UNPAID_LINGER_MAX).min(UNPAID_LINGER_MAX)),
        };
        Self {
            screen,
            payment: payment.id,
            locale: payment.sale.locale.clone(),
            until: lasts.map(|lasts| now.after(lasts)),
            refund: None,
            after: None,
        }
    }

    /// What a return's news puts on show, over `earlier`; `None` leaves that.
    pub(super) fn refund(
        payment: &Payment,
        told: &OperationResult,
        earlier: Option<&Self>,
        now: Mono,
        linger: Option<Duration>,
    ) -> Option<Self> {
        let amount = told.amount;
        let watched = earlier.is_some_and(|it| it.refund.as_ref() == Some(&told.reference));
        let until = |lasts| Some(now.after(lasts));
        let result = linger.unwrap_or(UNPAID_LINGER_MAX);
        let done = |screen| Self {
            screen,
            payment: payment.id,
            locale: payment.sale.locale.clone(),
            until: until(result),
            refund: Some(told.reference.clone()),
            after: None,
        };
        match (told.kind, &told.progress) {
            (OperationKind::Refund, OperationProgress::Queued) if !watched => {
                let later = until(REFUND_PATIENCE + result);
                let queued = Self { until: later, ..done(Screen::RefundQueued { amount }) };
                let patience = until(REFUND_PATIENCE);
                let after = Some(Box::new(queued));
                Some(Self { until: patience, after, ..done(Screen::Refunding { amount }) })
            }
            (OperationKind::Refund, OperationProgress::Done) if watched => {
                Some(done(Screen::Refunded { amount }))
            }
            // Nothing was taken yet, and from now on nothing will be.
            (OperationKind::Void, OperationProgress::Queued) if !watched => {
                Some(done(Screen::Cancelled))
            }
            (OperationKind::Refund | OperationKind::Void, OperationProgress::Refused(_))
                if watched =>
            {
                Some(done(Screen::AskStaff { reason: "refund" }))
            }
            (
                OperationKind::Refund
                | OperationKind::Capture
                | OperationKind::Void
                | OperationKind::Release
                | OperationKind::Update,
                _,
            ) => None,
        }
    }

    /// What is on show at `now`, if it still is.
    pub(super) fn at(&self, now: Mono) -> Option<&Self> {
        let mut shown = Some(self);
        while let Some(it) = shown.filter(|it| it.until.is_some_and(|until| until <= now)) {
            shown = it.after.as_deref();
        }
        shown
    }

    /// The sale that it is about.
    pub(super) fn payment(&self) -> PaymentId {
        self.payment
    }

    /// The language of the shopper whom it is for.
    pub(super) fn locale(&self) -> Option<&Locale> {
        self.locale.as_ref()
    }

    /// The screen.
    pub(super) fn screen(&self) -> &Screen {
        &self.screen
    }

    /// When something else is on show; `None` when it stays.
    pub(super) fn until(&self) -> Option<Mono> {
        self.until
    }
}
