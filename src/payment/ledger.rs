//! What has become of an authorised payment's money: captured, refunded, and what is queued.
//!
//! Queued calls count as if they had taken effect, so that nothing can be given back twice while
//! the line is down. It knows no Klarna and no till, only sums.

use super::effect::{CallKind, Refusal};
use super::event::{Event, OperationProgress};
use super::state::{About, Todo};
use super::vocabulary::{MoneySoFar, Problem};
use crate::id::TransactionId;
use crate::money::Amount;

/// Most captures of one transaction (Klarna: transaction limits).
pub const CAPTURES_MAX: usize = 200;
/// Most refunds of one transaction (Klarna: transaction limits).
pub const REFUNDS_MAX: usize = 200;

/// The sums of one payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    authorised: Amount,
    captures: Vec<Entry>,
    refunds: Vec<Entry>,
}

/// One capture or refund.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// The call's sequence; the ledger counts along with the payment's calls.
    sequence: u32,
    amount: Amount,
    progress: OperationProgress,
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
        Self { authorised, captures: Vec::new(), refunds: Vec::new() }
    }

    /// Nothing is captured or refunded, or queued to be; what was refused has no effect.
    pub fn is_untouched(&self) -> bool {
        !self.captures.iter().chain(&self.refunds).any(Entry::counts)
    }

    /// The newest queued refund, by its call's sequence, that the captures before it do not cover:
    /// calls are sent in their order, so a later capture cannot help. It was never sent: it waits
    /// for the capture that was refused.
    pub fn uncovered_refund(&self) -> Option<u32> {
        let uncovered = |refund: &&Entry| {
            let before = |entry: &&Entry| entry.counts() && entry.sequence <= refund.sequence;
            let sum = |entries: &[Entry]| -> i64 {
                entries.iter().filter(before).map(|entry| entry.amount.minor()).sum()
            };
            sum(&self.refunds) > sum(&self.captures)
        };
        let queued = self.refunds.iter().filter(|entry| entry.is_queued());
        queued.rev().find(uncovered).map(|entry| entry.sequence)
    }

    /// No call is waiting, none was refused, and everything that can be captured is.
    pub fn is_complete(&self) -> bool {
        let all = || self.captures.iter().chain(&self.refunds);
        all().next().is_some() && all().all(Entry::is_done) && self.capturable().is_zero()
    }

    /// What may still be captured.
    pub fn capturable(&self) -> Amount {
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

    /// How much a refund of `asked` (all that is left when absent) would give back.
    ///
    /// # Errors
    /// [`Problem::ExceedsRest`] or [`Problem::NotAllowed`], saying what is still possible.
    pub fn plan_refund(&self, asked: Option<Amount>) -> Result<Amount, Problem> {
        check(asked, self.refundable(), "refunded", self.refunds.len(), REFUNDS_MAX)
    }

    /// What Klarna has confirmed, and what still waits.
    pub fn so_far(&self) -> MoneySoFar {
        let all = || self.captures.iter().chain(&self.refunds);
        MoneySoFar {
            authorised: self.authorised,
            captured: self.sum(&self.captures, Entry::is_done),
            refunded: self.sum(&self.refunds, Entry::is_done),
            voided: false,
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
                self.captures.push(Entry::queued(*amount));
                Some(Todo::Queue(CallKind::Capture { transaction, amount: *amount, reference }))
            }
            Event::RefundQueued { amount, .. } => {
                let reference = about.effect_reference('R', self.refunds.len() + 1);
                self.plan_refund(Some(*amount)).ok()?;
                self.refunds.push(Entry::queued(*amount));
                Some(Todo::Queue(CallKind::Refund { transaction, amount: *amount, reference }))
            }
            Event::Captured { sequence, amount, .. } => {
                finish(&mut self.captures, *sequence, *amount)
            }
            Event::Refunded { sequence, amount, .. } => {
                finish(&mut self.refunds, *sequence, *amount)
            }
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
        let mut entries = self.captures.iter_mut().chain(&mut self.refunds);
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
        let mut entries = self.captures.iter_mut().chain(&mut self.refunds);
        entries.find(|entry| entry.sequence == sequence && entry.is_queued())
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
    fn queued(amount: Amount) -> Self {
        Self { sequence: UNNUMBERED, amount, progress: OperationProgress::Queued }
    }
}

fn check(
    asked: Option<Amount>,
    left: Amount,
    verb: &str,
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
        return Err(Problem::ExceedsRest { asked: amount, left });
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
