//! What goes into the engine and what comes out: [`Input`], [`Step`], and what it has to be told
//! or shown meanwhile.

use super::account::Payment;
use super::effect::{OutboxChange, Outcome, RequestState};
use super::event::Record;
use super::found::{Found, NotFound};
use super::notice::Notice;
use super::shift::Turnover;
use super::vocabulary::{Reply, Request, SaleName};
use crate::clock::Now;
use crate::id::{CallId, PaymentId, PosReference, RequestId, TransactionId};
use crate::money::Amount;
use std::collections::BTreeMap;
use std::time::Duration;

/// What can come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A till asks something; what is about the shift comes with the journal's turnover.
    Till(Request, Turnover),
    /// The transaction that a command names was looked for at the acquirer, as [`Step::lookup`]
    /// had asked.
    Looked {
        /// The command.
        request: Request,
        /// What the acquirer says.
        found: Result<Found, NotFound>,
    },
    /// The process has started: what is open and at rest is compared with the acquirer's books.
    Started,
    /// The link to the till is there again: it is told where things are.
    TillReturned,
    /// A call came back, the `attempts`-th time in a row.
    Outcome {
        /// Which.
        call: CallId,
        /// How often it has been sent since the last restart.
        attempts: u32,
        /// With what.
        outcome: Outcome,
    },
    /// A read or a push about a payment request.
    Observed {
        /// Whose.
        payment: PaymentId,
        /// Which request was looked at.
        request: RequestId,
        /// What it says.
        state: RequestState,
    },
    /// The acquirer is said to have told something. Forged or not, nothing is done because of it.
    Noted {
        /// What.
        notice: Notice,
        /// This terminal was told, and not everybody.
        is_ours: bool,
    },
    /// Time has passed.
    Tick,
}

/// What an input means. Nothing of it is true before it is committed and accepted.
#[must_use = "a step that is not committed and accepted never happens"]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub(super) now: Now,
    /// What has happened, in order.
    pub records: Vec<Record>,
    /// What changes in the outbox.
    pub outbox: Vec<OutboxChange>,
    /// The till's references that now mean something; `None` stands for the terminal itself.
    pub references: Vec<(PosReference, Option<PaymentId>)>,
    /// By which names at the acquirer payments can be found from now on.
    pub names: Vec<(SaleName, PaymentId)>,
    /// What the till is told once this is durable.
    pub replies: Vec<Reply>,
    /// A transaction to be read at the acquirer before the command can be decided; comes back as
    /// [`Input::Looked`].
    pub lookup: Option<TransactionId>,
    /// Calls that pause are to be sent now.
    pub hurry: bool,
    pub(super) payments: BTreeMap<PaymentId, Payment>,
}

/// What the engine has to be told from the journal before it can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Needed {
    /// Whatever a reference, a payment's name or a transaction belongs to.
    Name(SaleName),
    /// This payment.
    Payment(PaymentId),
    /// The newest payment whose reference of the till begins so.
    Last(&'static str),
}

impl Step {
    pub(super) fn new(now: Now) -> Self {
        Self {
            now,
            records: Vec::new(),
            outbox: Vec::new(),
            references: Vec::new(),
            names: Vec::new(),
            replies: Vec::new(),
            lookup: None,
            hurry: false,
            payments: BTreeMap::new(),
        }
    }

    /// Whether there is anything to commit.
    pub fn is_durable(&self) -> bool {
        !self.records.is_empty() || !self.outbox.is_empty()
    }

    /// The payments it touches and whether each is still open afterwards.
    pub fn payments(&self) -> impl Iterator<Item = (PaymentId, bool)> {
        self.payments.values().map(|payment| (payment.id, payment.is_open()))
    }

    /// When it was decided.
    pub fn now(&self) -> Now {
        self.now
    }
}

/// A payment request whose state somebody has to read, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// Whose.
    pub payment: PaymentId,
    /// Klarna's id.
    pub request: RequestId,
    /// What was requested.
    pub amount: Amount,
    /// What it is known to say: whatever else is read is a change.
    pub known: RequestState,
    /// Between two reads.
    pub every: Duration,
}

/// What open payments need of those who speak with the acquirer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// What is to be read.
    pub watches: Vec<Watch>,
    /// The payments with a call in the outbox that somebody waits for, oldest first.
    pub urgent: Vec<PaymentId>,
    /// Counts how often somebody has asked that calls that pause be sent at once.
    pub hurried: u64,
}
