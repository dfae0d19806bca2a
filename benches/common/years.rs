//! A journal as years of selling leave it.

use rusqlite::Connection;
use std::path::Path;

/// Adds `rows` rows of finished payments, five for each, to the new database at `path`.
pub fn fill(path: &Path, rows: u32) {
    let payments = rows / 5;
    let sql = format!(
        "BEGIN;
         WITH RECURSIVE n(i) AS (SELECT 5 UNION ALL SELECT i + 1 FROM n WHERE i < {rows} + 4)
         INSERT INTO journal (payment, at_ms, event, body)
             SELECT i / 5, i, 'authorised', printf('%.*c', 120, 'x') FROM n;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {payments})
         INSERT INTO payment (id, open) SELECT i, 0 FROM n;
         INSERT INTO reference (reference, payment) SELECT 'A-' || id, id FROM payment;
         INSERT INTO outbox SELECT id, 1, 'capture', printf('%.*c', 200, 'x'),
             lower(hex(randomblob(16))), 0, 0, 0, 'closed', NULL FROM payment;
         COMMIT;
         PRAGMA wal_checkpoint(TRUNCATE);"
    );
    Connection::open(path).expect("sqlite").execute_batch(&sql).expect("rows");
}
