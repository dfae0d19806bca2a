//! What has become of an authorised payment's money: captured, refunded, and what is queued.
//!
//! Queued calls count as if they had taken effect, so that nothing can be given back twice while
//! the line is down. It knows no Klarna and no till, only sums.

use super::effect::{CallKind, CaptureTarget, Refusal};
use super::event::{Event, OperationProgress};
use super::state::{About, Todo};
use super::vocabulary::{MoneySoFar, Problem};
use crate::id::{CaptureId, EffectReference, TransactionId};
use crate::money::Amount;

/// Most captures of one transaction (Klarna: transaction limits).
pub const CAPTURES_MAX: usize = 200;
/// Most refunds of one transaction (Klarna: transaction limits).
pub const REFUNDS_MAX: usize = 200;

/// Most releases of one transaction (Klarna: transaction limits).
pub const RELEASES_MAX: usize = 200;

/// The sums of one payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    authorised: Amount,
    captures: Vec<Entry>,
    refunds: Vec<Entry>,
    /// Attempts to release the rest; at most one of them counts.
    releases: Vec<Entry>,
}

/// One capture or refund.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// The call's sequence; the ledger counts along with the payment's calls.
    sequence: u32,
    amount: Amount,
    progress: OperationProgress,
    reference: EffectReference,
    /// Of a capture: Klarna's id.
    id: Option<CaptureId>,
    /// Of a refund: the capture that it is about.
    capture: Option<u32>,
}

/// One of the calls that a refund takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundPart {
    /// How much of it.
    pub amount: Amount,
    /// Of which capture; of the transaction as a whole when it is absent.
    pub capture: Option<u32>,
}

impl Entry {
    fn counts(&self) -> bool {
        !matches!(self.progress, OperationProgress::Refused(_))
    }

    fn is_queued(&self) -> bool {
        self.progress == OperationProgress::Queued
    }

    fn is_done(&self) -> bool {
        self.progress == OperationProgress::Done
    }
}

impl Ledger {
    /// A ledger of which nothing is captured yet.
    pub fn new(authorised: Amount) -> Self {
        let (captures, refunds, releases) = (Vec::new(), Vec::new(), Vec::new());
        Self { authorised, captures, refunds, releases }
    }

    /// Nothing is captured or refunded, or queued to be; what was refused has no effect.
    pub fn is_untouched(&self) -> bool {
        !self.entries().any(Entry::counts)
    }

    /// A queued refund, by its call's sequence, that no capture covers any more: its own was
    /// refused, or the captures before it are too little (calls are sent in their order, so a later
    /// one cannot help). It was never sent: it waits for the capture that was refused.
    pub fn uncovered_refund(&self) -> Option<u32> {
        let refused = |sequence: u32| {
            self.captures.iter().any(|capture| capture.sequence == sequence && !capture.counts())
        };
        let uncovered = |refund: &&Entry| {
            let before = |entry: &&Entry| entry.counts() && entry.sequence <= refund.sequence;
            let sum = |entries: &[Entry]| -> i64 {
                entries.iter().filter(before).map(|entry| entry.amount.minor()).sum()
            };
            refund.capture.is_some_and(refused) || sum(&self.refunds) > sum(&self.captures)
        };
        let queued = self.refunds.iter().filter(|entry| entry.is_queued());
        queued.rev().find(uncovered).map(|entry| entry.sequence)
    }

    /// No call is waiting, none was refused, and everything that can be captured is.
    pub fn is_complete(&self) -> bool {
        let all = || self.entries();
        all().next().is_some() && all().all(Entry::is_done) && self.capturable().is_zero()
    }

    /// What may still be captured; nothing once the rest was released.
    pub fn capturable(&self) -> Amount {
        if self.releases.iter().any(Entry::counts) {
            return self.none();
        }
        self.authorised.checked_sub(self.sum(&self.captures, Entry::counts)).unwrap_or(self.none())
    }

    /// What may still be refunded: captured (or queued to be) less refunded (or queued to be).
    pub fn refundable(&self) -> Amount {
        let captured = self.sum(&self.captures, Entry::counts);
        captured.checked_sub(self.sum(&self.refunds, Entry::counts)).unwrap_or(self.none())
    }

    /// How much a capture of `asked` (all that is left when absent) would take.
    ///
    /// # Errors
    /// [`Problem::ExceedsRest`] or [`Problem::NotAllowed`], saying what is still possible.
    pub fn plan_capture(&self, asked: Option<Amount>) -> Result<Amount, Problem> {
        check(asked, self.capturable(), "captured", self.captures.len(), CAPTURES_MAX)
    }

    /// The calls by which a refund of `asked` (all that is left when absent) would give it back.
    /// Klarna takes a refund of the whole transaction only while there is one capture; as soon as
    /// there are or can be more, each part names its capture, oldest first.
    ///
    /// # Errors
    /// [`Problem::ExceedsRest`] or [`Problem::NotAllowed`], saying what is still possible.
    pub fn plan_refund(&self, asked: Option<Amount>) -> Result<Vec<RefundPart>, Problem> {
        let most = REFUNDS_MAX;
        let amount = check(asked, self.refundable(), "refunded", self.refunds.len(), most)?;
        if !self.names_captures() {
            return Ok(vec![RefundPart { amount, capture: None }]);
        }
        let (mut parts, mut left) = (Vec::new(), amount.minor());
        for capture in self.captures.iter().filter(|capture| capture.counts()) {
            let minor = left.min(self.rest_of(capture));
            if minor > 0 {
                let amount = Amount::new(minor, amount.currency());
                parts.push(RefundPart { amount, capture: Some(capture.sequence) });
                left -= minor;
            }
        }
        match self.refunds.len() + parts.len() > most {
            true => Err(Problem::NotAllowed(format!("{most} times refunded is Klarna's limit"))),
            false => Ok(parts),
        }
    }

    /// How much a release would free: all that was not captured or queued to be.
    ///
    /// # Errors
    /// [`Problem::NotAllowed`] when nothing is left.
    pub fn plan_release(&self) -> Result<Amount, Problem> {
        check(None, self.capturable(), "released", self.releases.len(), RELEASES_MAX)
    }

    /// Whether refunds have to name their capture.
    fn names_captures(&self) -> bool {
        let captures = self.captures.iter().filter(|capture| capture.counts()).count();
        captures != 1 || !self.capturable().is_zero()
    }

    /// Minor units of `capture` that are not refunded or queued to be. Refunds that name none are
    /// about the first one.
    fn rest_of(&self, capture: &Entry) -> i64 {
        let first = self.captures.iter().find(|first| first.counts()).map(|first| first.sequence);
        let ours =
            |refund: &&Entry| refund.counts() && refund.capture.or(first) == Some(capture.sequence);
        let refunded: i64 = self.refunds.iter().filter(ours).map(|r| r.amount.minor()).sum();
        capture.amount.minor() - refunded
    }

    /// A refund of `amount` fits what it is about.
    fn covers(&self, amount: Amount, capture: Option<u32>) -> bool {
        let whole = amount.minor() > 0 && amount.minor() <= self.refundable().minor();
        let part = capture.is_none_or(|sequence| {
            let mut counting = self.captures.iter().filter(|capture| capture.counts());
            let capture = counting.find(|capture| capture.sequence == sequence);
            capture.is_some_and(|capture| amount.minor() <= self.rest_of(capture))
        });
        whole && part && amount.currency() == self.authorised.currency()
    }

    fn target(&self, capture: Option<u32>) -> Option<CaptureTarget> {
        let capture = self.captures.iter().find(|entry| Some(entry.sequence) == capture)?;
        Some(CaptureTarget { reference: capture.reference.clone(), id: capture.id.clone() })
    }

    /// What Klarna has confirmed, and what still waits.
    pub fn so_far(&self) -> MoneySoFar {
        let all = || self.entries();
        MoneySoFar {
            authorised: self.authorised,
            captured: self.sum(&self.captures, Entry::is_done),
            refunded: self.sum(&self.refunds, Entry::is_done),
            voided: false,
            released: self.sum(&self.releases, Entry::is_done),
            queued: all().filter(|entry| entry.is_queued()).count(),
            refused: all().filter(|entry| !entry.counts()).count(),
        }
    }

    /// Records an event about captures and refunds; `None` when it contradicts the ledger.
    pub(super) fn record(
        &mut self,
        event: &Event,
        transaction: &TransactionId,
        about: &About<'_>,
    ) -> Option<Todo> {
        let transaction = transaction.clone();
        match event {
            Event::CaptureQueued { amount, .. } => {
                let reference = about.effect_reference('C', self.captures.len() + 1);
                self.plan_capture(Some(*amount)).ok()?;
                self.captures.push(Entry::queued(*amount, reference.clone(), None));
                Some(Todo::Queue(CallKind::Capture { transaction, amount: *amount, reference }))
            }
            Event::RefundQueued { amount, capture, .. } => {
                let reference = about.effect_reference('R', self.refunds.len() + 1);
                if !self.covers(*amount, *capture) || self.refunds.len() >= REFUNDS_MAX {
                    return None;
                }
                self.refunds.push(Entry::queued(*amount, reference.clone(), *capture));
                let (amount, capture) = (*amount, self.target(*capture));
                Some(Todo::Queue(CallKind::Refund { transaction, capture, amount, reference }))
            }
            Event::Captured { sequence, amount, capture } => {
                let todo = finish(&mut self.captures, *sequence, *amount)?;
                let mut captures = self.captures.iter_mut();
                if let Some(entry) = captures.find(|entry| entry.sequence == *sequence) {
                    entry.id.clone_from(capture);
                }
                Some(todo)
            }
            Event::Refunded { sequence, amount, .. } => {
                finish(&mut self.refunds, *sequence, *amount)
            }
            Event::ReleaseQueued { amount, .. } => {
                let reference = about.effect_reference('V', self.releases.len() + 1);
                if self.plan_release().ok()? != *amount || self.is_untouched() {
                    return None;
                }
                self.releases.push(Entry::queued(*amount, reference, None));
                Some(Todo::Queue(CallKind::Void { transaction, amount: *amount, rest: true }))
            }
            Event::Released { sequence, amount } => finish(&mut self.releases, *sequence, *amount),
            Event::CallRefused { sequence, refusal } => self.refuse(*sequence, refusal),
            Event::Rekeyed { sequence } => {
                self.queued(*sequence).map(|entry| Todo::Rekey(entry.sequence))
            }
            Event::SaleRequested { .. }
            | Event::Created { .. }
            | Event::Unavailable { .. }
            | Event::CreateRefused { .. }
            | Event::ShopperOpened
            | Event::ShopperLeft
            | Event::Approved { .. }
            | Event::ConfirmDoubted
            | Event::ConfirmRefused { .. }
            | Event::Authorised { .. }
            | Event::Acknowledged
            | Event::GivenUp { .. }
            | Event::RequestEnded { .. }
            | Event::VoidDecided { .. }
            | Event::Voided { .. }
            | Event::ShiftEnded { .. } => None,
        }
    }

    /// Names the entry that was queued last with its call's sequence.
    pub(super) fn number_last(&mut self, sequence: u32) {
        let mut entries = self.entries_mut();
        if let Some(entry) = entries.find(|entry| entry.sequence == UNNUMBERED) {
            entry.sequence = sequence;
        }
    }

    fn refuse(&mut self, sequence: u32, refusal: &Refusal) -> Option<Todo> {
        self.queued(sequence)?.progress = OperationProgress::Refused(refusal.clone());
        Some(Todo::Refuse(sequence, refusal.clone()))
    }

    /// The entry whose call, the `sequence`-th, has no final answer yet.
    fn queued(&mut self, sequence: u32) -> Option<&mut Entry> {
        let mut entries = self.entries_mut();
        entries.find(|entry| entry.sequence == sequence && entry.is_queued())
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.captures.iter().chain(&self.refunds).chain(&self.releases)
    }

    fn entries_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.captures.iter_mut().chain(&mut self.refunds).chain(&mut self.releases)
    }

    fn sum(&self, entries: &[Entry], which: fn(&Entry) -> bool) -> Amount {
        let minor = entries.iter().filter(|entry| which(entry)).map(|e| e.amount.minor()).sum();
        Amount::new(minor, self.authorised.currency())
    }

    fn none(&self) -> Amount {
        Amount::zero(self.authorised.currency())
    }
}

/// The sequence of an entry whose call is being numbered.
const UNNUMBERED: u32 = 0;

impl Entry {
    fn queued(amount: Amount, reference: EffectReference, capture: Option<u32>) -> Self {
        let progress = OperationProgress::Queued;
        Self { sequence: UNNUMBERED, amount, progress, reference, id: None, capture }
    }
}

fn check(
    asked: Option<Amount>,
    left: Amount,
    verb: &'static str,
    count: usize,
    count_max: usize,
) -> Result<Amount, Problem> {
    let amount = asked.unwrap_or(left);
    if amount.currency() != left.currency() {
        let (got, sold) = (amount.currency().to_string(), left.currency().to_string());
        return Err(Problem::WrongCurrency(got, sold));
    }
    if left.minor() <= 0 {
        return Err(Problem::NotAllowed(format!("nothing is left to be {verb}")));
    }
    if amount.minor() <= 0 {
        let wrong = format!("{amount} is not an amount that can be {verb}; left: {left}");
        return Err(Problem::BadField { field: "amount".to_owned(), wrong });
    }
    if amount.minor() > left.minor() {
        return Err(Problem::ExceedsRest { asked: amount, left, verb });
    }
    if count >= count_max {
        return Err(Problem::NotAllowed(format!("{count_max} times {verb} is Klarna's limit")));
    }
    Ok(amount)
}

fn finish(entries: &mut [Entry], sequence: u32, amount: Amount) -> Option<Todo> {
    let ours = |entry: &&mut Entry| entry.sequence == sequence && entry.amount == amount;
    let entry = entries.iter_mut().find(ours).filter(|entry| entry.is_queued())?;
    entry.progress = OperationProgress::Done;
    Some(Todo::Nothing)
}
