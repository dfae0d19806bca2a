//! What the pages say, read from the journal over a connection of the console's own.
//!
//! Lists and totals are kept until the journal has changed; totals only read what is new. It writes
//! nothing.

use crate::clock::{Now, Wall, Zone};
use crate::id::{CallId, Installation, PaymentId, PaymentReference, PosReference, TransactionId};
use crate::money::{Amount, Currency};
use crate::payment::alarm::{Backlog, Health, Limits};
use crate::payment::effect::QueuedCall;
use crate::payment::event::{Event, Record};
use crate::payment::shift::{ShiftReport, Tally, Turnover};
use crate::payment::vocabulary::SaleName;
use crate::payment::{Engine, Payment};
use crate::receipt::ReturnCode;
use crate::store::{OutboxRow, Reader, RefusedCall, Restored, StoreError};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Payments on the page of today.
const TODAY_MAX: u32 = 50;
/// Payments that a search shows.
const FOUND_MAX: u32 = 25;
/// Records that are read at a time.
const PAGE_LEN: u32 = 1000;
/// Calls on the page of the queue, of each kind.
pub(super) const QUEUE_MAX: usize = 200;
/// Longest search, in characters; a receipt's code is shorter.
pub(super) const SEARCH_LEN_MAX: usize = 600;
/// Distance to the named time within which a sale is the one that is meant.
const NEARBY: std::time::Duration = std::time::Duration::from_secs(15 * 60);
/// How far back a sale is searched by its amount.
const LOOK_BACK: std::time::Duration = std::time::Duration::from_secs(60 * 86_400);

/// Minutes of a day.
const DAY_MIN: u32 = 24 * 60;

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

    /// Looks for a sale by whatever somebody may have at hand: the code or number on the receipt, a
    /// reference of the till or of ours, Klarna's id, or an amount and perhaps the time.
    pub(super) fn search(
        &self,
        text: &str,
        now: Wall,
        zone: &Zone,
        currencies: &[Currency],
    ) -> Result<Found, StoreError> {
        let text: String = text.trim().chars().take(SEARCH_LEN_MAX).collect();
        let mut found = Found::default();
        let mut ids: Vec<PaymentId> = Vec::new();
        for name in names(&text) {
            match self.named(&name)? {
                Some(id) => ids.push(id),
                None => {
                    if let SaleName::Transaction(id) = name {
                        found.elsewhere = Some(id);
                    }
                }
            }
        }
        if let Some(sought) = Sought::parse(&text, currencies) {
            ids.extend(self.of_amount(&sought, now, zone)?);
        }
        if ids.is_empty() && found.elsewhere.is_none() && !text.is_empty() {
            ids = self.reader.beginning_with(&text, FOUND_MAX)?;
        }
        if !ids.is_empty() {
            found.elsewhere = None;
        }
        let mut seen = Vec::new();
        for id in ids.into_iter().take(FOUND_MAX as usize) {
            if !seen.contains(&id) {
                seen.push(id);
                found.payments.extend(self.payment(id)?);
            }
        }
        Ok(found)
    }

    fn of_amount(
        &self,
        sought: &Sought,
        now: Wall,
        zone: &Zone,
    ) -> Result<Vec<PaymentId>, StoreError> {
        // A clock that was set back makes what was sold before it the future.
        let until = now.after(LOOK_BACK);
        let from = Wall::from_millis(
            now.millis().saturating_sub(i64::try_from(LOOK_BACK.as_millis()).unwrap_or(i64::MAX)),
        );
        let mut ids = Vec::new();
        for amount in &sought.amounts {
            for id in self.reader.of_amount(amount.minor(), from, until, 4 * FOUND_MAX)? {
                let Some(payment) = self.payment(id)? else { continue };
                let fits = payment.sale.amount == *amount;
                if fits && sought.time.is_none_or(|time| is_near(&payment, time, zone)) {
                    ids.push(id);
                }
            }
        }
        Ok(ids)
    }
}

fn is_near(payment: &Payment, minute: u32, zone: &Zone) -> bool {
    let Some(civil) = zone.civil(payment.started) else { return false };
    let of_day = u32::from(civil.hour) * 60 + u32::from(civil.minute);
    let apart = of_day.abs_diff(minute);
    u64::from(apart.min(DAY_MIN - apart)) * 60 <= NEARBY.as_secs()
}

/// What `text` may name, the likeliest first.
fn names(text: &str) -> Vec<SaleName> {
    if let Ok(code) = text.parse::<ReturnCode>() {
        let transaction = code.transaction.map(SaleName::Transaction);
        return [Some(SaleName::Payment(code.payment_reference)), transaction]
            .into_iter()
            .flatten()
            .collect();
    }
    let mut names = Vec::new();
    if let Ok(number) = text.parse::<u32>() {
        names.push(SaleName::Number(PaymentId::new(number)));
    }
    names.extend(PosReference::new(text).ok().map(SaleName::Till));
    names.extend(PaymentReference::new(text).ok().map(SaleName::Payment));
    let is_klarnas = text.starts_with("krn:") || uuid::Uuid::parse_str(text).is_ok();
    names.extend(
        is_klarnas.then(|| TransactionId::new(text).ok()).flatten().map(SaleName::Transaction),
    );
    names
}

/// An amount and perhaps a time, such as `12.34`, `12,34 EUR` or `12.34 14:35`.
#[derive(Debug, PartialEq, Eq)]
struct Sought {
    /// In each currency that it may be in.
    amounts: Vec<Amount>,
    /// Minutes since midnight.
    time: Option<u32>,
}

impl Sought {
    fn parse(text: &str, currencies: &[Currency]) -> Option<Self> {
        let (mut number, mut currency, mut time) = (None, None, None);
        for word in text.split_whitespace() {
            let code = word.to_ascii_uppercase();
            if let Some((hour, minute)) = word.split_once(':') {
                let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
                time = Some(hour * 60 + minute).filter(|_| hour < 24 && minute < 60);
                time?;
            } else if let Ok(found) = Currency::new(&code) {
                currency = Some(found);
            } else if number.is_none() {
                number = Some(word.replace(',', "."));
            } else {
                return None;
            }
        }
        let number = number?;
        let amounts = currencies.iter().filter(|known| currency.is_none_or(|it| it == **known));
        let amounts = amounts.filter_map(|known| Amount::parse(&number, *known).ok());
        let amounts: Vec<Amount> = amounts.filter(|amount| !amount.is_zero()).collect();
        (!amounts.is_empty()).then_some(Self { amounts, time })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_and_a_time_are_read_as_people_write_them() {
        let euro = Currency::new("EUR").expect("EUR");
        let krona = Currency::new("SEK").expect("SEK");
        let check = |text: &str, minor: &[i64], time| {
            let sought = Sought::parse(text, &[euro, krona]);
            let expected = (!minor.is_empty()).then(|| Sought {
                amounts: minor.iter().zip([euro, krona]).map(|(m, c)| Amount::new(*m, c)).collect(),
                time,
            });
            assert_eq!(sought, expected, "{text:?}");
        };
        check("12.34", &[1234, 1234], None);
        check("12,34 eur", &[1234], None);
        check("EUR 5 9:05", &[500], Some(545));
        check("0", &[], None);
        check("12.345", &[], None);
        check("12.34 25:00", &[], None);
        check("one two", &[], None);
        check("", &[], None);
    }
}
