//! The audit journal: who did what, from where and when; each entry is chained to the one before.
//!
//! Rows are only ever added and none is ever deleted; a sign-in takes about 120 bytes on the disk
//! (2 MB a year at forty a day). Knows nothing of what actions mean.
//!
//! The chain has no secret: whoever can write the file can write another chain from a changed
//! entry on. An earlier head that was kept elsewhere shows that, see [`super::verify_with`].

use super::AccessError;
use super::actor::{Actor, Peer};
use super::digest::{HASH_LEN, Hash, digest};
use crate::clock::Wall;
use rusqlite::{Connection, Row, Transaction, params};
use serde::Serialize;
use serde_json::{Value, json};

/// Most entries that are read at once.
pub const AUDIT_LEN_MAX: u32 = 1000;
/// Longest detail of an entry, in bytes of JSON: a page of text. A longer one is cut.
pub const DETAIL_LEN_MAX: usize = 4096;
/// How much of a detail that is too long is kept, in characters: quoting can make six bytes of one.
const DETAIL_CUT_LEN: usize = 512;

/// The number of an entry, from 1 without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct AuditId(i64);

impl AuditId {
    /// The entry with this number, whether there is one or not.
    pub fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    pub fn number(self) -> i64 {
        self.0
    }

    /// The entry before it: where the next page of a list begins. None before the first.
    pub fn before(self) -> Option<Self> {
        self.0.checked_sub(1).filter(|number| *number > 0).map(Self)
    }
}

/// What was done once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// Its number.
    pub id: AuditId,
    /// When, by the terminal's clock.
    pub at: Wall,
    /// By whom.
    pub actor: Actor,
    /// From where, if that is known.
    pub peer: Option<Peer>,
    /// A word such as `signed_in`.
    pub action: String,
    /// What belongs to that action.
    pub detail: Value,
    /// Over this entry and the hash before.
    pub hash: Hash,
}

/// What is to be added.
#[derive(Debug, Clone)]
pub(super) struct Deed<'a> {
    pub(super) at: Wall,
    pub(super) by: &'a Actor,
    pub(super) peer: Option<Peer>,
    pub(super) action: &'a str,
    pub(super) detail: Value,
}

/// An entry as it is stored.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) sequence: i64,
    pub(super) at_ms: i64,
    pub(super) actor: String,
    pub(super) peer: String,
    pub(super) action: String,
    pub(super) detail: String,
    pub(super) hash: Vec<u8>,
}

const COLUMNS: &str = "SELECT sequence, at_ms, actor, peer, action, detail, hash FROM audit";
/// All entries, the oldest first.
pub(super) const OLDEST_FIRST: &str =
    "SELECT sequence, at_ms, actor, peer, action, detail, hash FROM audit ORDER BY sequence";

impl Stored {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            sequence: row.get(0)?,
            at_ms: row.get(1)?,
            actor: row.get(2)?,
            peer: row.get(3)?,
            action: row.get(4)?,
            detail: row.get(5)?,
            hash: row.get(6)?,
        })
    }

    /// What its hash must be.
    pub(super) fn chained_to(&self, previous: &Hash) -> Hash {
        let (sequence, at) = (self.sequence.to_be_bytes(), self.at_ms.to_be_bytes());
        let [actor, peer] = [self.actor.as_bytes(), self.peer.as_bytes()];
        let [action, detail] = [self.action.as_bytes(), self.detail.as_bytes()];
        digest("audit", &[previous.bytes(), &sequence, &at, actor, peer, action, detail])
    }

    /// The hash that is stored.
    pub(super) fn hash(&self) -> Option<Hash> {
        <[u8; HASH_LEN]>::try_from(self.hash.as_slice()).ok().map(Hash::new)
    }

    fn entry(self) -> Result<AuditEntry, AccessError> {
        let row = self.sequence;
        let bad = |why: String| AccessError::BadRow { table: "audit", row, why };
        let hash = self.hash().ok_or_else(|| bad("its hash has another length".to_owned()))?;
        let peer = match self.peer.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|error| bad(format!("{error}")))?),
        };
        Ok(AuditEntry {
            id: AuditId(self.sequence),
            at: Wall::from_millis(self.at_ms),
            actor: serde_json::from_str(&self.actor).map_err(|error| bad(error.to_string()))?,
            peer,
            action: self.action,
            detail: serde_json::from_str(&self.detail).map_err(|error| bad(error.to_string()))?,
            hash,
        })
    }
}

/// Adds an entry in `transaction`; durable once that is committed.
pub(super) fn append(
    transaction: &Transaction<'_>,
    deed: Deed<'_>,
) -> Result<AuditId, AccessError> {
    let mut row = Stored {
        sequence: last_number(transaction)? + 1,
        at_ms: deed.at.millis(),
        actor: serde_json::to_string(deed.by).expect("an actor is JSON"),
        peer: deed.peer.map(|peer| peer.to_string()).unwrap_or_default(),
        action: deed.action.to_owned(),
        detail: canonical(deed.detail),
        hash: Vec::new(),
    };
    row.hash = row.chained_to(&head(transaction)?).bytes().to_vec();
    let mut insert = transaction.prepare_cached(
        "INSERT INTO audit (sequence, at_ms, actor, peer, action, detail, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let Stored { sequence, at_ms, actor, peer, action, detail, hash } = row;
    insert.execute(params![sequence, at_ms, actor, peer, action, detail, hash])?;
    Ok(AuditId(sequence))
}

/// The highest number that was ever given: SQLite keeps it even if the last rows are taken away.
pub(super) fn last_number(connection: &Connection) -> Result<i64, AccessError> {
    let last = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'audit'";
    Ok(connection.prepare_cached(last)?.query_row([], |row| row.get(0))?)
}

fn head(connection: &Connection) -> Result<Hash, AccessError> {
    let newest = format!("{COLUMNS} ORDER BY sequence DESC LIMIT 1");
    let mut statement = connection.prepare_cached(&newest)?;
    let mut rows = statement.query([])?;
    match rows.next()? {
        None => Ok(Hash::NONE),
        Some(row) => {
            let (row, why) = (Stored::read(row)?, "its hash has another length".to_owned());
            let bad = AccessError::BadRow { table: "audit", row: row.sequence, why };
            row.hash().ok_or(bad)
        }
    }
}

/// The entries up to `from` (all, if it is not given), the newest first.
pub(super) fn newest(
    connection: &Connection,
    from: Option<AuditId>,
    count: u32,
) -> Result<Vec<AuditEntry>, AccessError> {
    let page = format!("{COLUMNS} WHERE sequence <= ?1 ORDER BY sequence DESC LIMIT ?2");
    let mut statement = connection.prepare_cached(&page)?;
    let from = from.map_or(i64::MAX, AuditId::number);
    let rows = statement.query_map([from, i64::from(count.min(AUDIT_LEN_MAX))], Stored::read)?;
    rows.map(|row| row?.entry()).collect()
}

/// One text for one value: names in order, no blanks, and never too long.
fn canonical(mut detail: Value) -> String {
    detail.sort_all_objects();
    let text = detail.to_string();
    if text.len() <= DETAIL_LEN_MAX {
        return text;
    }
    let cut: String = text.chars().take(DETAIL_CUT_LEN).collect();
    json!({ "cut": cut, "length": text.len() }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_has_one_text_and_a_bound() {
        let value = json!({ "b": [2, 1], "a": { "d": null, "c": "x" } });
        assert_eq!(canonical(value), r#"{"a":{"c":"x","d":null},"b":[2,1]}"#);
        let long = canonical(json!({ "text": "\u{1}ä".repeat(DETAIL_LEN_MAX) }));
        assert!(long.len() <= DETAIL_LEN_MAX && long.contains("\"length\":"), "{}", long.len());
        serde_json::from_str::<Value>(&long).expect("still JSON");
    }

    #[test]
    fn a_page_ends_before_the_first_entry() {
        assert_eq!(AuditId::new(2).before(), Some(AuditId::new(1)));
        assert_eq!(AuditId::new(1).before(), None);
        assert_eq!(AuditId::new(i64::MIN).before(), None);
    }
}
