//! What the journal says, whoever reads it: the daemon's console over its own connection, or the
//! command line beside a daemon that does not run.

use super::super::book::{Attempt, Book, Found};
use super::view::{self, CallView, late, needs_why, timeline};
use super::{CallStory, Outbox, PaymentStory, PaymentView, Payments};
use crate::clock::{Wall, Zone};
use crate::id::{CallId, PaymentId};
use crate::money::Currency;
use crate::payment::effect::Call;
use crate::payment::vocabulary::SaleName;
use crate::store::{Reader, StoreError};
use std::collections::BTreeMap;
use std::path::Path;

/// Calls of each kind in one answer.
const CALLS_MAX: usize = 1000;
/// How many of the newest payments are looked through for those that were paid too late.
const LATE_LOOK: u32 = 200;

/// The calls that have failed and are sent again; only a running daemon knows them.
pub(super) type Attempts = BTreeMap<CallId, Attempt>;

/// The journal of a terminal whose daemon need not run. It writes nothing.
#[derive(Debug)]
pub struct Journal(Book);

impl Journal {
    /// Opens the database at `path`, which must exist.
    ///
    /// # Errors
    /// [`StoreError::Open`], [`StoreError::Damaged`] or [`StoreError::Sqlite`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Book::open(Reader::open(path)?).map(Self)
    }

    /// The newest `count` payments, newest first; at most
    /// [`LIST_LEN_MAX`](crate::store::LIST_LEN_MAX).
    ///
    /// # Errors
    /// [`StoreError`], when the journal cannot be read.
    pub fn payments(&self, count: u32) -> Result<Payments, StoreError> {
        payments(&self.0, count)
    }

    /// The payments that `text` may mean: a number, a reference, Klarna's id, or an amount of the
    /// last 60 days before `now` in any currency.
    ///
    /// # Errors
    /// [`StoreError`], when the journal cannot be read.
    pub fn search(&self, text: &str, now: Wall) -> Result<Payments, StoreError> {
        let currencies: Vec<Currency> = Currency::all().collect();
        found(&self.0, self.0.search(text, now, &Zone::of_this_system(), &currencies)?)
    }

    /// The payment that goes by `name`, or an empty list.
    ///
    /// # Errors
    /// [`StoreError`], when the journal cannot be read.
    pub fn named(&self, name: &SaleName) -> Result<Payments, StoreError> {
        named(&self.0, name)
    }

    /// One payment with its journal; `None` if there is none of this number.
    ///
    /// # Errors
    /// [`StoreError`], when the journal cannot be read.
    pub fn payment(&self, id: PaymentId) -> Result<Option<PaymentStory>, StoreError> {
        story(&self.0, id)
    }

    /// What waits for Klarna and for a person.
    ///
    /// # Errors
    /// [`StoreError`], when the journal cannot be read.
    pub fn outbox(&self) -> Result<Outbox, StoreError> {
        outbox(&self.0, &Attempts::new())
    }

    /// One call with its payment's journal; `None` if there is none of this number.
    ///
    /// # Errors
    /// [`StoreError`], when the journal cannot be read.
    pub fn call(&self, id: CallId) -> Result<Option<CallStory>, StoreError> {
        call(&self.0, id, &Attempts::new())
    }
}

pub(super) fn payments(book: &Book, count: u32) -> Result<Payments, StoreError> {
    let payments = book.newest(count)?.iter().map(PaymentView::from).collect();
    Ok(Payments { payments, elsewhere: None, warning: warning(book)? })
}

pub(super) fn found(book: &Book, found: Found) -> Result<Payments, StoreError> {
    let payments = found.payments.iter().map(PaymentView::from).collect();
    let elsewhere = found.elsewhere.map(|id| id.to_string());
    Ok(Payments { payments, elsewhere, warning: warning(book)? })
}

pub(super) fn named(book: &Book, name: &SaleName) -> Result<Payments, StoreError> {
    let payment = book.named(name)?.map(|id| book.payment(id)).transpose()?.flatten();
    let payments = payment.iter().map(PaymentView::from).collect();
    Ok(Payments { payments, elsewhere: None, warning: warning(book)? })
}

pub(super) fn story(book: &Book, id: PaymentId) -> Result<Option<PaymentStory>, StoreError> {
    let Some(story) = book.story(id)? else { return Ok(None) };
    let (payment, timeline) = (PaymentView::from(&story.payment), timeline(&story));
    Ok(Some(PaymentStory { payment, timeline, warning: warning(book)? }))
}

pub(super) fn outbox(book: &Book, attempts: &Attempts) -> Result<Outbox, StoreError> {
    let queue = book.queue_of(CALLS_MAX)?;
    let mut waiting = Vec::new();
    for (row, facts) in &queue.waiting {
        waiting.push(CallView {
            queued_at: facts.as_ref().map(|facts| facts.queued_at.iso8601()),
            // Without a first attempt nobody knows how old its key is.
            is_looked_for: row.first_attempt.millis() == 0,
            why: why(book, &row.call)?,
            attempt: attempts.get(&row.call.id).map(Into::into),
            ..CallView::new(&row.call, "queued")
        });
    }
    let mut refused = Vec::new();
    for row in &queue.refused {
        refused.push(CallView {
            why: why(book, &row.call)?,
            refusal: Some((&row.refusal).into()),
            ..CallView::new(&row.call, "refused")
        });
    }
    let (waiting_count, refused_count) = (queue.waiting_count, queue.refused_count);
    let late = book.newest(LATE_LOOK)?.iter().filter_map(late).collect();
    Ok(Outbox { waiting, waiting_count, refused, refused_count, late, warning: warning(book)? })
}

pub(super) fn call(
    book: &Book,
    id: CallId,
    attempts: &Attempts,
) -> Result<Option<CallStory>, StoreError> {
    let (row, story) = (book.call(id)?, book.story(id.payment)?);
    let Some((row, story)) = row.zip(story) else { return Ok(None) };
    let call = CallView {
        queued_at: Some(row.queued_at.iso8601()),
        why: why(book, &row.call)?,
        attempt: attempts.get(&id).map(Into::into),
        refusal: row.refusal.as_ref().map(Into::into),
        ..CallView::new(&row.call, &row.state)
    };
    let (payment, timeline) = (PaymentView::from(&story.payment), timeline(&story));
    Ok(Some(CallStory { call, payment, timeline }))
}

fn why(book: &Book, call: &Call) -> Result<Option<String>, StoreError> {
    if !needs_why(call) {
        return Ok(None);
    }
    Ok(book.payment(call.id.payment)?.as_ref().and_then(view::why))
}

fn warning(book: &Book) -> Result<Option<String>, StoreError> {
    Ok(book.restored()?.map(|restored| restored.to_string()))
}
