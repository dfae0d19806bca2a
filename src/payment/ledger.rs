//! What has become of an authorised payment's money: captured, refunded, and what is queued.
//!
//! Queued calls count as if they had taken effect, so that nothing can be given back twice while
//! the line is down. It knows no Klarna and no till, only sums. What may still be done, and why
//! not, is said in `plan`.

mod adopt;
mod plan;
mod waiting;

pub use plan::{CAPTURES_MAX, OPERATIONS_MAX, REFUNDS_MAX, RELEASES_MAX, RefundPart};

use super::effect::{CallKind, CaptureTarget, Refusal};
use super::event::{Event, OperationProgress};
use super::found::Sums;
use super::state::{About, Todo};
use super::vocabulary::MoneySoFar;
use crate::id::{CaptureId, EffectReference, RefundId, TransactionId};
use crate::money::Amount;

/// The sums of one payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    authorised: Amount,
    captures: Vec<Entry>,
    refunds: Vec<Entry>,
    /// Attempts to release the rest; at most one of them counts.
    releases: Vec<Entry>,
    /// Calls that change the merchant reference.
    updates: Vec<Entry>,
    /// Comparisons with the acquirer's books.
    checks: Vec<Entry>,
    /// Sold by somebody else: what is not captured is not this terminal's to worry about.
    adopted: bool,
    /// Klarna takes nothing more for this transaction.
    closed: bool,
}

/// One capture, refund, release or other call.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// The call's sequence; the ledger counts along with the payment's calls. From [`FOREIGN`] on
    /// for what others have done.
    sequence: u32,
    amount: Amount,
    progress: OperationProgress,
    /// A person has seen to its refusal.
    resolved: bool,
    /// Absent where somebody else has given none.
    reference: Option<EffectReference>,
    /// Of a capture: Klarna's id.
    id: Option<CaptureId>,
    /// Of a refund: Klarna's id.
    refund: Option<RefundId>,
    /// Of a refund: the capture that it is about.
    capture: Option<u32>,
    /// Of a release: a capture before it was refused while it waited for that.
    orphaned: bool,
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

    fn needs_person(&self) -> bool {
        !self.counts() && !self.resolved
    }

    /// What others did was there before any of our calls.
    fn order(&self) -> u32 {
        if self.sequence < FOREIGN { self.sequence } else { 0 }
    }
}

impl Ledger {
    /// A ledger of which nothing is captured yet.
    pub fn new(authorised: Amount) -> Self {
        Self {
            authorised,
            captures: Vec::new(),
            refunds: Vec::new(),
            releases: Vec::new(),
            updates: Vec::new(),
            checks: Vec::new(),
            adopted: false,
            closed: false,
        }
    }

    /// Nothing is captured or refunded, or queued to be; what was refused has no effect.
    pub fn is_untouched(&self) -> bool {
        !self.money().any(Entry::counts)
    }

    /// No call is waiting and none is a person's to decide: the acquirer's sums must be ours.
    pub fn is_at_rest(&self) -> bool {
        !self.entries().any(|entry| entry.is_queued() || entry.needs_person())
    }

    /// Our own sale of which nothing is captured, refused or seen to by a person: what the end of a
    /// shift captures by itself.
    pub fn is_nobodys_concern_yet(&self) -> bool {
        !self.adopted && self.money().next().is_none()
    }

    /// Whether a start is to compare the acquirer's sums with these. A person who has seen to a
    /// difference is not told of it again.
    pub fn is_to_be_checked(&self) -> bool {
        self.is_at_rest() && !self.checks.iter().any(|entry| entry.resolved)
    }

    /// What the acquirer has confirmed, for a comparison.
    pub fn sums(&self) -> Sums {
        Sums {
            captured: self.sum(&self.captures, Entry::is_done),
            refunded: self.sum(&self.refunds, Entry::is_done),
            capturable: self.capturable(),
        }
    }

    /// No call is waiting, none is a person's to decide, and everything that can be captured is,
    /// unless that is not ours to see to: it is somebody else's sale, or a person has taken over.
    pub fn is_complete(&self) -> bool {
        let settled = !self.is_untouched() && self.capturable().is_zero();
        let taken_over = self.adopted || self.money().any(|entry| entry.resolved);
        self.is_at_rest() && (settled || taken_over)
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
        // Somebody else's capture without a reference has Klarna's id, by which it was found.
        let unnamed = || EffectReference::new("unnamed").expect("a printable word");
        let reference = capture.reference.clone().unwrap_or_else(unnamed);
        Some(CaptureTarget { reference, id: capture.id.clone() })
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
            refused: all().filter(|entry| entry.needs_person()).count(),
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
        if event.ends_checks() {
            // What it was to find is not what will be there, and nothing waits for a comparison.
            self.checks.retain(|check| !check.is_queued());
        }
        match event {
            Event::CaptureQueued { amount, .. } => {
                let reference = about.effect_reference('C', 1 + ours(&self.captures));
                self.plan_capture(Some(*amount)).ok()?;
                self.captures.push(Entry::queued(*amount, Some(reference.clone()), None));
                Some(Todo::Queue(CallKind::Capture { transaction, amount: *amount, reference }))
            }
            Event::RefundQueued { amount, capture, .. } => {
                let reference = about.effect_reference('R', 1 + ours(&self.refunds));
                if !self.covers(*amount, *capture) || self.refunds.len() >= REFUNDS_MAX {
                    return None;
                }
                self.refunds.push(Entry::queued(*amount, Some(reference.clone()), *capture));
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
            Event::Refunded { sequence, amount, refund } => {
                let todo = finish(&mut self.refunds, *sequence, *amount)?;
                let mut refunds = self.refunds.iter_mut();
                if let Some(entry) = refunds.find(|entry| entry.sequence == *sequence) {
                    entry.refund.clone_from(refund);
                }
                Some(todo)
            }
            Event::ReleaseQueued { amount, .. } => {
                if self.plan_release().ok()? != *amount || self.is_untouched() {
                    return None;
                }
                self.releases.push(Entry::queued(*amount, None, None));
                Some(Todo::Queue(CallKind::Void { transaction, amount: *amount, rest: true }))
            }
            Event::Released { sequence, amount } => finish(&mut self.releases, *sequence, *amount),
            Event::UpdateQueued { merchant_reference, .. } => {
                self.plan_update().ok()?;
                self.updates.push(Entry::queued(self.none(), None, None));
                let (amount, merchant_reference) = (self.authorised, merchant_reference.clone());
                Some(Todo::Queue(CallKind::Update { transaction, amount, merchant_reference }))
            }
            Event::CheckQueued if self.is_at_rest() => {
                let (amount, expected) = (self.authorised, self.sums());
                self.checks.push(Entry::queued(self.none(), None, None));
                Some(Todo::Queue(CallKind::Check { transaction, amount, expected }))
            }
            Event::Updated { sequence } => {
                let none = self.none();
                finish(&mut self.updates, *sequence, none)
            }
            Event::Checked { sequence } | Event::NotCompared { sequence } => {
                let none = self.none();
                finish(&mut self.checks, *sequence, none)
            }
            Event::Adopted { found, .. } => {
                self.adopt(found);
                Some(Todo::Nothing)
            }
            Event::CallRefused { sequence, refusal } => self.refuse(*sequence, refusal),
            Event::CallRetried { sequence } => {
                self.plan_retry(*sequence).ok()?;
                let entry = self.refused(*sequence)?;
                (entry.progress, entry.orphaned) = (OperationProgress::Queued, false);
                Some(Todo::Retry(*sequence))
            }
            Event::CallResolved { sequence, .. } => {
                self.refused(*sequence)?.resolved = true;
                Some(Todo::Resolve(*sequence))
            }
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
            | Event::CheckQueued
            | Event::Noted { .. }
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
        if self.captures.iter().any(|capture| capture.sequence == sequence) {
            // Calls are sent in their order: a release behind this one has not been sent.
            let behind = |release: &&mut Entry| release.is_queued() && release.sequence > sequence;
            self.releases.iter_mut().filter(behind).for_each(|release| release.orphaned = true);
        }
        Some(Todo::Refuse(sequence, refusal.clone()))
    }

    /// The entry whose call, the `sequence`-th, has no final answer yet.
    fn queued(&mut self, sequence: u32) -> Option<&mut Entry> {
        let mut entries = self.entries_mut();
        entries.find(|entry| entry.sequence == sequence && entry.is_queued())
    }

    /// The entry whose call, the `sequence`-th, waits for a person.
    fn refused(&mut self, sequence: u32) -> Option<&mut Entry> {
        let mut entries = self.entries_mut();
        entries.find(|entry| entry.sequence == sequence && entry.needs_person())
    }

    /// What moves money.
    fn money(&self) -> impl Iterator<Item = &Entry> {
        self.captures.iter().chain(&self.refunds).chain(&self.releases)
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.money().chain(&self.updates).chain(&self.checks)
    }

    fn entries_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        let money = self.captures.iter_mut().chain(&mut self.refunds).chain(&mut self.releases);
        money.chain(&mut self.updates).chain(&mut self.checks)
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
/// Sequences from here on are not calls of ours but what others have done, in Klarna's order.
const FOREIGN: u32 = 1 << 31;

impl Entry {
    fn queued(amount: Amount, reference: Option<EffectReference>, capture: Option<u32>) -> Self {
        let progress = OperationProgress::Queued;
        Self {
            sequence: UNNUMBERED,
            amount,
            progress,
            resolved: false,
            reference,
            id: None,
            refund: None,
            capture,
            orphaned: false,
        }
    }
}

/// How many of them are of this terminal, so that a reference is never used twice.
fn ours(entries: &[Entry]) -> usize {
    entries.iter().filter(|entry| entry.sequence < FOREIGN).count()
}

fn finish(entries: &mut [Entry], sequence: u32, amount: Amount) -> Option<Todo> {
    let ours = |entry: &&mut Entry| entry.sequence == sequence && entry.amount == amount;
    let entry = entries.iter_mut().find(ours).filter(|entry| entry.is_queued())?;
    entry.progress = OperationProgress::Done;
    Some(Todo::Nothing)
}
