//! Reading beside the writer: for `sync`, the command line and the console. Never writes.

use super::{
    OutboxRow, RefusedCall, Restored, StoreError, journal, outbox, read_only, restore, schema,
};
use crate::clock::Wall;
use crate::id::{CallId, Installation, PaymentId, PosReference};
use crate::payment::alarm::Backlog;
use crate::payment::effect::QueuedCall;
use crate::payment::event::Record;
use crate::payment::vocabulary::SaleName;
use rusqlite::{Connection, OptionalExtension};
use std::path::Path;

/// Most payments that [`Reader::newest`] lists.
pub const LIST_LEN_MAX: u32 = 1000;

/// How many of the newest payments are searched by amount.
pub const SEARCHED_PAYMENTS_MAX: u32 = 50_000;

/// Where a shift lies in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShiftRows {
    /// The row before its first one.
    pub after: i64,
    /// The row that closes it; `None` while it is open.
    pub until: Option<i64>,
}

/// One payment in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentRow {
    /// Our number.
    pub id: PaymentId,
    /// Whether it may still move or waits for a person.
    pub open: bool,
}

/// A read-only connection.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
}

impl Reader {
    /// Opens the database at `path`, which must exist.
    ///
    /// # Errors
    /// [`StoreError::Open`], [`StoreError::Newer`] or [`StoreError::Sqlite`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = read_only(path)?;
        schema::check(&connection)?;
        Ok(Self { connection })
    }

    /// The random number made with this journal.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`] or [`StoreError::Damaged`].
    pub fn installation(&self) -> Result<Installation, StoreError> {
        schema::installation(&self.connection)
    }

    /// Which schema the file has, and which one this program makes of it at its start.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`] or [`StoreError::Damaged`].
    pub fn schema(&self) -> Result<(i64, i64), StoreError> {
        schema::versions(&self.connection)
    }

    /// The newest `count` records of the journal, oldest first; at most [`LIST_LEN_MAX`].
    ///
    /// # Errors
    /// [`StoreError::BadRow`] or [`StoreError::Sqlite`].
    pub fn newest_records(&self, count: u32) -> Result<Vec<Record>, StoreError> {
        let condition = "WHERE sequence > (SELECT coalesce(max(sequence), 0) FROM journal) - ?1";
        journal::select(&self.connection, condition, [count.min(LIST_LEN_MAX)])
    }

    /// Everything that is needed to go on after a start: all records of open payments and of the
    /// terminal itself, oldest first.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] or [`StoreError::Sqlite`].
    pub fn open_records(&self) -> Result<Vec<Record>, StoreError> {
        journal::select(&self.connection, OPEN, [])
    }

    /// All records of one payment, oldest first.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] or [`StoreError::Sqlite`].
    pub fn records_of(&self, payment: PaymentId) -> Result<Vec<Record>, StoreError> {
        journal::select(&self.connection, "WHERE payment = ?1", [payment.number()])
    }

    /// The whole journal, oldest first.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] or [`StoreError::Sqlite`].
    pub fn all_records(&self) -> Result<Vec<Record>, StoreError> {
        journal::select(&self.connection, "", [])
    }

    /// The records since the last closing of a shift, oldest first.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] or [`StoreError::Sqlite`].
    pub fn shift_records(&self) -> Result<Vec<Record>, StoreError> {
        let condition = "WHERE sequence > (SELECT coalesce(max(sequence), 0) FROM journal
                                           WHERE payment IS NULL AND event = 'shift_ended')";
        journal::select(&self.connection, condition, [])
    }

    /// The row of the journal after which shift `number` begins, and the one that closes it, if it
    /// is closed; `None` for a shift that has not begun.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`].
    pub fn shift_rows(&self, number: u32) -> Result<Option<ShiftRows>, StoreError> {
        let mut statement = self.connection.prepare_cached(SHIFT_END)?;
        let mut end_of = |number: u32| -> Result<Option<i64>, StoreError> {
            Ok(statement.query_row([number], |row| row.get(0)).optional()?)
        };
        let begin = match number.checked_sub(1) {
            None => return Ok(None),
            Some(0) => Some(0),
            Some(before) => end_of(before)?,
        };
        let Some(after) = begin else { return Ok(None) };
        Ok(Some(ShiftRows { after, until: end_of(number)? }))
    }

    /// The newest closed shifts, newest first.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] or [`StoreError::Sqlite`].
    pub fn shifts(&self, count: u32) -> Result<Vec<Record>, StoreError> {
        self.terminals_own("shift_ended", count)
    }

    /// The newest records of the terminal itself with this event, newest first; at most
    /// [`LIST_LEN_MAX`].
    ///
    /// # Errors
    /// [`StoreError::BadRow`] or [`StoreError::Sqlite`].
    pub fn terminals_own(&self, event: &str, count: u32) -> Result<Vec<Record>, StoreError> {
        let condition = "WHERE sequence IN (SELECT sequence FROM journal
                             WHERE payment IS NULL AND event = ?1
                             ORDER BY sequence DESC LIMIT ?2)";
        let values = rusqlite::params![event, count.min(LIST_LEN_MAX)];
        let mut records = journal::select(&self.connection, condition, values)?;
        records.reverse();
        Ok(records)
    }

    /// At most `limit` records after the row `after` up to `until`, oldest first, and the row of
    /// the last one.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] or [`StoreError::Sqlite`].
    pub fn records_between(
        &self,
        after: i64,
        until: Option<i64>,
        limit: u32,
    ) -> Result<(Vec<Record>, i64), StoreError> {
        journal::page(&self.connection, after, until.unwrap_or(i64::MAX), limit)
    }

    /// Payments with a reference that begins with `prefix`: the till's, or our name of them;
    /// newest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`].
    pub fn beginning_with(&self, prefix: &str, limit: u32) -> Result<Vec<PaymentId>, StoreError> {
        let end = format!("{prefix}\u{10ffff}");
        self.several(BEGINNING_WITH, rusqlite::params![prefix, end, limit])
    }

    /// Sales of `minor` units asked for between two times, among the newest
    /// [`SEARCHED_PAYMENTS_MAX`] payments; newest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`].
    pub fn of_amount(
        &self,
        minor: i64,
        from: Wall,
        until: Wall,
        limit: u32,
    ) -> Result<Vec<PaymentId>, StoreError> {
        let oldest = last_payment(&self.connection)?.number().saturating_sub(SEARCHED_PAYMENTS_MAX);
        let values = rusqlite::params![oldest, minor, from.millis(), until.millis(), limit];
        self.several(OF_AMOUNT, values)
    }

    fn several(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<Vec<PaymentId>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(values, |row| row.get(0).map(PaymentId::new))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The payment that a till's reference belongs to.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`].
    pub fn payment_by_reference(
        &self,
        reference: &PosReference,
    ) -> Result<Option<PaymentId>, StoreError> {
        self.first_payment(BY_REFERENCE, [reference.as_str()])
    }

    /// The payment that goes by `name`; somebody else's sale has our name of it for a till's
    /// reference.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`].
    pub fn payment_by_name(&self, name: &SaleName) -> Result<Option<PaymentId>, StoreError> {
        match name {
            SaleName::Till(reference) => match self.payment_by_reference(reference)? {
                Some(payment) => Ok(Some(payment)),
                None => self.first_payment(BY_NAME, ["payment", reference.as_str()]),
            },
            SaleName::Number(number) => self.first_payment(BY_NUMBER, [number.number()]),
            SaleName::Receipt(_) | SaleName::Trace(_) => match name.number_ends_in() {
                Some((modulus, rest)) => self.first_payment(BY_LAST_DIGITS, [modulus, rest]),
                None => Ok(None),
            },
            SaleName::Payment(name) => self.first_payment(BY_NAME, ["payment", name.as_str()]),
            SaleName::Transaction(id) => self.first_payment(BY_NAME, ["transaction", id.tail()]),
        }
    }

    /// The newest payment whose reference of the till begins with `prefix`.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`].
    pub fn last_payment_of(&self, prefix: &str) -> Result<Option<PaymentId>, StoreError> {
        self.first_payment(LAST_OF, [prefix])
    }

    fn first_payment(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<Option<PaymentId>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let number = statement.query_row(values, |row| row.get(0)).optional()?;
        Ok(number.map(PaymentId::new))
    }

    /// The newest payment number that is or may have been in use; 0 when there is none. After a
    /// restore it is ahead of the journal.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`].
    pub fn last_payment(&self) -> Result<PaymentId, StoreError> {
        last_payment(&self.connection)
    }

    /// That this journal was restored from a snapshot, until staff has acknowledged it or closed
    /// a shift.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`] or [`StoreError::Damaged`].
    pub fn restored(&self) -> Result<Option<Restored>, StoreError> {
        restore::unacknowledged(&self.connection)
    }

    /// The newest payments, newest first; at most [`LIST_LEN_MAX`].
    ///
    /// # Errors
    /// [`StoreError::Sqlite`].
    pub fn newest(&self, count: u32) -> Result<Vec<PaymentRow>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT id, open FROM payment ORDER BY id DESC LIMIT ?1")?;
        let rows = statement.query_map([count.min(LIST_LEN_MAX)], |row| {
            Ok(PaymentRow { id: PaymentId::new(row.get(0)?), open: row.get(1)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The calls that may be sent now: of each payment the oldest. First those of `urgent` payments
    /// for which somebody waits, then at most `limit` others by age, from payment `from` on.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] or [`StoreError::Sqlite`].
    pub fn sendable(
        &self,
        urgent: &[PaymentId],
        from: PaymentId,
        limit: usize,
    ) -> Result<Vec<QueuedCall>, StoreError> {
        outbox::sendable(&self.connection, urgent, from, limit)
    }

    /// All calls that wait to be sent, oldest payment first.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] or [`StoreError::Sqlite`].
    pub fn queued(&self) -> Result<Vec<QueuedCall>, StoreError> {
        outbox::queued(&self.connection)
    }

    /// How much waits in the outbox.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`].
    pub fn backlog(&self) -> Result<Backlog, StoreError> {
        outbox::backlog(&self.connection)
    }

    /// One call with all that its row says, whatever has become of it.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] or [`StoreError::Sqlite`].
    pub fn call(&self, id: CallId) -> Result<Option<OutboxRow>, StoreError> {
        outbox::row(&self.connection, id)
    }

    /// All calls that wait for a person, oldest payment first.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] or [`StoreError::Sqlite`].
    pub fn refused(&self) -> Result<Vec<RefusedCall>, StoreError> {
        outbox::refused(&self.connection)
    }
}

const BY_REFERENCE: &str =
    "SELECT payment FROM reference WHERE reference = ?1 AND payment IS NOT NULL";
const BY_NUMBER: &str = "SELECT id FROM payment WHERE id = ?1";
/// Only what was sold here: what others have sold has no receipt of ours.
const BY_LAST_DIGITS: &str = "
    SELECT id FROM payment
    WHERE id % ?1 = ?2 AND EXISTS (SELECT 1 FROM journal WHERE journal.payment = payment.id
                                   AND event = 'sale_requested')
    ORDER BY id DESC LIMIT 1";
const SHIFT_END: &str = "
    SELECT sequence FROM journal
    WHERE payment IS NULL AND event = 'shift_ended' AND json_extract(body, '$.report.shift') = ?1";
const BEGINNING_WITH: &str = "
    SELECT payment FROM reference
        WHERE reference >= ?1 AND reference < ?2 AND payment IS NOT NULL
    UNION SELECT payment FROM name WHERE kind = 'payment' AND name >= ?1 AND name < ?2
    ORDER BY payment DESC LIMIT ?3";
const OF_AMOUNT: &str = "
    SELECT DISTINCT payment FROM journal
    WHERE payment > ?1 AND event = 'sale_requested' AND at_ms BETWEEN ?3 AND ?4
      AND json_extract(body, '$.sale.amount.minor') = ?2
    ORDER BY payment DESC LIMIT ?5";
const LAST_OF: &str = "
    SELECT id FROM payment
    WHERE EXISTS (SELECT 1 FROM journal WHERE journal.payment = payment.id
                  AND event = 'sale_requested'
                  AND json_extract(body, '$.sale.reference') GLOB ?1 || '*')
    ORDER BY id DESC LIMIT 1";
const BY_NAME: &str = "SELECT payment FROM name WHERE kind = ?1 AND name = ?2";

/// The records of open payments and of the terminal itself.
const OPEN: &str = "WHERE payment IS NULL OR payment IN (SELECT id FROM payment WHERE open = 1)";

/// The newest payment number that is or may have been in use.
pub(super) fn last_payment(connection: &Connection) -> Result<PaymentId, StoreError> {
    let sql = "SELECT coalesce(max(id), 0) FROM payment";
    let in_use = PaymentId::new(connection.query_row(sql, [], |row| row.get(0))?);
    let skipped = restore::restored(connection)?.map(|restored| restored.last_payment());
    Ok(skipped.map_or(in_use, |skipped| skipped.max(in_use)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use rusqlite::StatementStatus;

    /// Finished payments, with five rows each, and as many old calls.
    const FINISHED: u32 = 40_000;

    /// A journal of a few years with three open payments; the rows' content is never looked at.
    fn big_journal(connection: &Connection) {
        let sql = format!(
            "WITH RECURSIVE n(i) AS (SELECT 5 UNION ALL SELECT i + 1 FROM n WHERE i < 5 * {last} + 4)
             INSERT INTO journal (payment, at_ms, event, body)
                 SELECT i / 5, 0, 'acknowledged', '{{\"event\":\"acknowledged\"}}' FROM n;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {last})
             INSERT INTO payment (id, open) SELECT i, i IN (7, 20000, {last}) FROM n;
             INSERT INTO outbox SELECT id, 1, 'capture', '', id, 0, 0, 0, 'closed', NULL
                 FROM payment;",
            last = FINISHED,
        );
        connection.execute_batch(&sql).expect("rows");
    }

    #[test]
    fn a_start_reads_what_is_open_and_nothing_else() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("terminal.sqlite");
        let store = Store::open(&path).expect("a new database");
        big_journal(&Connection::open(&path).expect("sqlite"));
        let reader = store.reader().expect("a reader");
        assert_eq!(reader.open_records().expect("records").len(), 15);
        assert_eq!(reader.queued().expect("rows").len(), 0);
        assert_eq!(reader.refused().expect("rows").len(), 0);
        assert_eq!(reader.sendable(&[], PaymentId::new(0), 100).expect("rows").len(), 0);
        assert_eq!(reader.last_payment().expect("a number").number(), FINISHED);
        assert_eq!(reader.restored().expect("a mark"), None);
        for lookup in [BY_REFERENCE, BY_NAME] {
            let plan = plan(&reader.connection, &lookup.replace("?1", "'x'").replace("?2", "'x'"));
            assert!(plan.starts_with("SEARCH"), "{plan}");
        }
        let plan = plan(&reader.connection, &journal::sql(OPEN));
        assert!(!plan.contains("SCAN journal"), "{plan}");
        let mut statement = reader.connection.prepare_cached(&journal::sql(OPEN)).expect("cached");
        let rows = statement.query([]).expect("rows").mapped(|_| Ok(())).count();
        assert_eq!(rows, 15);
        // What is scanned is the index of open payments, read twice here.
        let scanned = statement.get_status(StatementStatus::FullscanStep);
        assert!(scanned <= 2 * 3, "{scanned}\n{plan}");
        let steps = statement.get_status(StatementStatus::VmStep);
        assert!(steps < 2 * 15 * 100, "{steps} steps for 15 rows, read twice\n{plan}");
    }

    #[test]
    fn sales_are_found_by_amount_and_by_how_a_reference_begins() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("terminal.sqlite");
        let store = Store::open(&path).expect("a new database");
        let writer = Connection::open(&path).expect("sqlite");
        let rows = "
            INSERT INTO payment (id, open) VALUES (1, 0), (2, 0), (3, 0);
            INSERT INTO reference VALUES ('R-1', 1), ('R-2', 2), ('R%', 3), ('closing', NULL);
            INSERT INTO name VALUES ('payment', 'S1-T1-1', 1), ('transaction', 'R-9', 2);
            INSERT INTO journal (payment, at_ms, event, body) VALUES
                (1, 1000, 'sale_requested', '{\"sale\":{\"amount\":{\"minor\":500}}}'),
                (2, 2000, 'sale_requested', '{\"sale\":{\"amount\":{\"minor\":500}}}'),
                (3, 3000, 'sale_requested', '{\"sale\":{\"amount\":{\"minor\":700}}}');";
        writer.execute_batch(rows).expect("rows");
        let reader = store.reader().expect("a reader");
        let found = |minor, from, until| {
            let (from, until) = (Wall::from_millis(from), Wall::from_millis(until));
            let ids = reader.of_amount(minor, from, until, 10).expect("a search");
            ids.into_iter().map(PaymentId::number).collect::<Vec<_>>()
        };
        assert_eq!(found(500, 0, 5000), [2, 1]);
        assert_eq!(found(500, 1500, 5000), [2]);
        assert!(found(700, 0, 2999).is_empty());
        let begins = |prefix| {
            let ids = reader.beginning_with(prefix, 10).expect("a search");
            ids.into_iter().map(PaymentId::number).collect::<Vec<_>>()
        };
        assert_eq!(begins("R"), [3, 2, 1]);
        assert_eq!(begins("R-"), [2, 1]);
        assert_eq!(begins("S1"), [1]);
        assert!(begins("closing").is_empty());
        assert!(begins("' OR 1=1 --").is_empty(), "what is searched for is no SQL");
        let plan = plan(
            &reader.connection,
            &BEGINNING_WITH.replace("?1", "'R'").replace("?2", "'S'").replace("?3", "9"),
        );
        assert!(!plan.contains("SCAN reference") && !plan.contains("SCAN name"), "{plan}");
    }

    #[test]
    fn shifts_lie_between_their_closings() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("terminal.sqlite");
        let store = Store::open(&path).expect("a new database");
        let rows = |numbers: std::ops::RangeInclusive<u32>| {
            let writer = Connection::open(&path).expect("sqlite");
            for number in numbers {
                let closing = format!(
                    "{{\"event\":\"shift_ended\",\"report\":{{\"reference\":\"E-{number}\",\
                     \"shift\":{number},\"totals\":[],\"captures_queued\":0}}}}"
                );
                writer
                    .execute(
                        "INSERT INTO journal (payment, at_ms, event, body) VALUES
                             (1, 0, 'acknowledged', '{\"event\":\"acknowledged\"}'),
                             (NULL, 0, 'shift_ended', ?1)",
                        [closing],
                    )
                    .expect("two rows");
            }
        };
        let reader = store.reader().expect("a reader");
        let lies = |number| reader.shift_rows(number).expect("rows").map(|it| (it.after, it.until));
        assert_eq!(lies(1), Some((0, None)), "the first one is open");
        assert_eq!(lies(0), None);
        assert_eq!(lies(2), None, "it has not begun");
        rows(1..=2);
        assert_eq!(lies(1), Some((0, Some(2))));
        assert_eq!(lies(2), Some((2, Some(4))));
        assert_eq!(lies(3), Some((4, None)));
        let (records, last) = reader.records_between(2, Some(4), 1).expect("a page");
        assert_eq!((records.len(), last), (1, 3));
        let newest = reader.shifts(1).expect("shifts");
        assert!(
            matches!(&newest[0].event, crate::payment::event::Event::ShiftEnded { report } if report.shift == 2)
        );
    }

    fn plan(connection: &Connection, sql: &str) -> String {
        let mut statement =
            connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("a plan");
        let lines = statement.query_map([], |row| row.get::<_, String>(3)).expect("lines");
        lines.map(|line| line.expect("a line")).collect::<Vec<_>>().join("\n")
    }
}
