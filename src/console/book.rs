//! What the pages say, read from the journal over a connection of the console's own.
//!
//! Lists and totals are kept until the journal has changed; totals only read what is new. It writes
//! nothing.

mod search;

use crate::clock::{Now, Wall};
use crate::id::{CallId, Installation, PaymentId, PosReference, TransactionId};
use crate::money::{Amount, Currency};
use crate::payment::alarm::{Backlog, Health, Limits};
use crate::payment::effect::QueuedCall;
use crate::payment::event::{Event, Record};
use crate::payment::shift::{ShiftReport, Tally, Turnover};
use crate::payment::vocabulary::SaleName;
use crate::payment::{Engine, Payment};
use crate::store::{OutboxRow, Reader, RefusedCall, Restored, StoreError};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Payments on the page of today.
const TODAY_MAX: u32 = 50;
/// Notices on the page of the terminal's health.
const NEWS_MAX: u32 = 20;
/// Records that are read at a time.
const PAGE_LEN: u32 = 1000;
/// Calls on the page of the queue, of each kind.
pub(super) const QUEUE_MAX: usize = 200;

/// A call that has failed and is sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// How often it has failed in a row.
    pub count: u32,
    /// When it is sent again.
    pub next: Wall,
    /// Why it has failed last.
    pub reason: String,
}

/// A payment with all that has happened to it.
#[derive(Debug, Clone)]
pub(super) struct Story {
    pub(super) payment: Payment,
    pub(super) records: Vec<Record>,
}

impl Story {
    /// The commands so far that have given money back, and when.
    pub(super) fn returns(&self) -> Vec<(&PosReference, Wall)> {
        let mut seen: Vec<(&PosReference, Wall)> = Vec::new();
        for record in &self.records {
            let operation = match &record.event {
                Event::RefundQueued { operation, .. } => Some(operation),
                Event::VoidDecided { operation, .. } => operation.as_ref(),
                _ => None,
            };
            let is_new =
                |operation: &&PosReference| seen.iter().all(|(known, _)| known != operation);
            if let Some(operation) = operation.filter(is_new) {
                seen.push((operation, record.at));
            }
        }
        seen
    }
}

/// The outbox.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue {
    /// What waits for Klarna, with the row's other facts.
    pub(super) waiting: Vec<(QueuedCall, Option<OutboxRow>)>,
    pub(super) waiting_count: usize,
    /// What waits for a person.
    pub(super) refused: Vec<RefusedCall>,
    pub(super) refused_count: usize,
}

/// What waits for Klarna of one kind and currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) operation: &'static str,
    pub(super) count: u32,
    pub(super) sum: Amount,
}

/// A shift as its page shows it.
#[derive(Debug, Clone)]
pub(super) struct Shift {
    pub(super) number: u32,
    pub(super) turnover: Turnover,
    /// When it was closed, and what the till or the console was told.
    pub(super) closed: Option<(Wall, ShiftReport)>,
    /// What waits for Klarna, of whatever shift.
    pub(super) waiting: Vec<Waiting>,
}

/// What a search has found.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub(super) payments: Vec<Payment>,
    /// A transaction that this journal does not know; Klarna may.
    pub(super) elsewhere: Option<TransactionId>,
}

/// The journal, and what was made of it.
#[derive(Debug)]
pub(super) struct Book {
    reader: Reader,
    installation: Installation,
    today: Option<(u64, Arc<Vec<Payment>>)>,
    open: OpenShift,
}

/// The totals of the open shift, as far as the journal has been read.
#[derive(Debug)]
struct OpenShift {
    number: u32,
    through: i64,
    tally: Tally,
}

impl OpenShift {
    fn new() -> Self {
        Self { number: 1, through: 0, tally: Tally::default() }
    }
}

impl Book {
    pub(super) fn open(reader: Reader) -> Result<Self, StoreError> {
        let installation = reader.installation()?;
        Ok(Self { reader, installation, today: None, open: OpenShift::new() })
    }

    /// Forgets what was made of the journal.
    pub(super) fn forget(&mut self) {
        (self.today, self.open) = (None, OpenShift::new());
    }

    /// The newest payments, newest first, as of the journal's `version`.
    pub(super) fn today(&mut self, version: u64) -> Result<Arc<Vec<Payment>>, StoreError> {
        if let Some((_, payments)) = self.today.as_ref().filter(|(of, _)| *of == version) {
            return Ok(payments.clone());
        }
        let payments = Arc::new(self.newest(TODAY_MAX)?);
        self.today = Some((version, payments.clone()));
        Ok(payments)
    }

    /// The newest `count` payments, newest first; at most
    /// [`LIST_LEN_MAX`](crate::store::LIST_LEN_MAX).
    pub(super) fn newest(&self, count: u32) -> Result<Vec<Payment>, StoreError> {
        let rows = self.reader.newest(count)?;
        rows.iter().map(|row| self.payment(row.id)).filter_map(Result::transpose).collect()
    }

    pub(super) fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        Ok(self.story(id)?.map(|story| story.payment))
    }

    /// One payment with its journal; `None` if there is none of this number.
    pub(super) fn story(&self, id: PaymentId) -> Result<Option<Story>, StoreError> {
        let records = self.reader.records_of(id)?;
        let engine = Engine::for_reading(self.installation, &records)
            .map_err(|error| StoreError::Contradiction(error.to_string()))?;
        Ok(engine.payment(id).cloned().map(|payment| Story { payment, records }))
    }

    /// The payment that goes by `name`.
    pub(super) fn named(&self, name: &SaleName) -> Result<Option<PaymentId>, StoreError> {
        self.reader.payment_by_name(name)
    }

    /// What waits for Klarna and for a person.
    pub(super) fn queue(&self) -> Result<Queue, StoreError> {
        self.queue_of(QUEUE_MAX)
    }

    /// The same with up to `most` calls of each kind.
    pub(super) fn queue_of(&self, most: usize) -> Result<Queue, StoreError> {
        let mut rows = self.reader.queued()?;
        let waiting_count = rows.len();
        rows.truncate(most);
        let facts = |row: QueuedCall| {
            let facts = self.reader.call(row.call.id)?;
            Ok::<_, StoreError>((row, facts))
        };
        let waiting = rows.into_iter().map(facts).collect::<Result<_, _>>()?;
        let mut refused = self.reader.refused()?;
        let refused_count = refused.len();
        refused.truncate(most);
        Ok(Queue { waiting, waiting_count, refused, refused_count })
    }

    /// What Klarna has told of late that is of no payment here, newest first.
    pub(super) fn news(&self) -> Result<Vec<Record>, StoreError> {
        self.reader.terminals_own("noted", NEWS_MAX)
    }

    /// How much waits.
    pub(super) fn backlog(&self) -> Result<Backlog, StoreError> {
        self.reader.backlog()
    }

    /// One call, whatever has become of it.
    pub(super) fn call(&self, id: CallId) -> Result<Option<OutboxRow>, StoreError> {
        self.reader.call(id)
    }

    /// The open shift.
    pub(super) fn open_shift(&mut self) -> Result<Shift, StoreError> {
        loop {
            let (records, through) =
                self.reader.records_between(self.open.through, None, PAGE_LEN)?;
            for record in &records {
                match &record.event {
                    Event::ShiftEnded { report } => {
                        self.open.number = report.shift + 1;
                        self.open.tally = Tally::default();
                    }
                    _ => self.open.tally.add(record),
                }
            }
            self.open.through = through;
            if records.len() < PAGE_LEN as usize {
                break;
            }
        }
        Ok(Shift {
            number: self.open.number,
            turnover: self.open.tally.turnover(),
            closed: None,
            waiting: self.waiting()?,
        })
    }

    /// A shift by its number; `None` if it has not begun.
    pub(super) fn shift(&mut self, number: u32) -> Result<Option<Shift>, StoreError> {
        let Some(rows) = self.reader.shift_rows(number)? else { return Ok(None) };
        let Some(until) = rows.until else { return self.open_shift().map(Some) };
        let (closing, _) = self.reader.records_between(until - 1, Some(until), 1)?;
        let Some(Record { at, event: Event::ShiftEnded { report }, .. }) = closing.first() else {
            return Ok(None);
        };
        let turnover = Turnover { totals: report.totals.clone(), payments: report.payments };
        let closed = Some((*at, report.clone()));
        Ok(Some(Shift { number, turnover, closed, waiting: Vec::new() }))
    }

    /// The records of a shift one page at a time, from `after` on; the second part is where the
    /// next page begins, if there is one.
    pub(super) fn shift_page(
        &self,
        number: u32,
        after: Option<i64>,
    ) -> Result<(Vec<Record>, Option<i64>), StoreError> {
        let Some(rows) = self.reader.shift_rows(number)? else { return Ok((Vec::new(), None)) };
        let after = after.unwrap_or(rows.after);
        let (records, last) = self.reader.records_between(after, rows.until, PAGE_LEN)?;
        let next = Some(last).filter(|_| records.len() == PAGE_LEN as usize);
        Ok((records, next))
    }

    /// The newest closed shifts, newest first.
    pub(super) fn shifts(&self, count: u32) -> Result<Vec<(Wall, ShiftReport)>, StoreError> {
        let closed = |record: Record| match record.event {
            Event::ShiftEnded { report } => Some((record.at, report)),
            _ => None,
        };
        Ok(self.reader.shifts(count)?.into_iter().filter_map(closed).collect())
    }

    /// What waits for Klarna, by kind and currency.
    fn waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        let mut waiting: BTreeMap<(&'static str, Currency), (u32, i64)> = BTreeMap::new();
        for row in self.reader.queued()? {
            let (operation, amount) = (row.call.kind.operation(), row.call.kind.amount());
            let (count, sum) = waiting.entry((operation, amount.currency())).or_default();
            (*count, *sum) = (*count + 1, sum.saturating_add(amount.minor()));
        }
        let one = |((operation, currency), (count, sum))| Waiting {
            operation,
            count,
            sum: Amount::new(sum, currency),
        };
        Ok(waiting.into_iter().map(one).collect())
    }

    /// How the terminal stands.
    pub(super) fn health(&self, now: Now, limits: &Limits) -> Result<Health, StoreError> {
        let records = self.reader.open_records()?;
        let engine = Engine::for_reading(self.installation, &records)
            .map_err(|error| StoreError::Contradiction(error.to_string()))?;
        Ok(Health::of(now.wall, self.reader.backlog()?, engine.payments(), limits))
    }

    /// That the journal was restored, until somebody has seen to it.
    pub(super) fn restored(&self) -> Result<Option<Restored>, StoreError> {
        self.reader.restored()
    }
}
