//! Watches how a client behaves from call to call: its headers, its patience, its polling.
//!
//! Whatever it sees is a mistake to record, never a refusal.

use super::call::Call;
use super::etiquette;
use super::route::{Route, Target};
use super::world::{ACCOUNT_HEADER, World};
use jiff::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// Reads of one request within a second that are still polite.
const READS_PER_SECOND_MAX: usize = 2;

/// Calls in a row that a client may make after its key was refused.
const CALLS_AFTER_401_MAX: u32 = 10;

/// A read that is not answered yet, to notice two at once.
#[derive(Clone, Debug)]
pub(super) struct ReadMark {
    id: String,
    serial: u64,
}

/// When one request was read.
#[derive(Default)]
pub(super) struct Reads {
    newest: u64,
    recent: VecDeque<Timestamp>,
}

impl World {
    /// Records what the client does wrong without being refused for it.
    pub(super) fn watch(&mut self, now: Timestamp, call: &Call, target: Option<&Target>) {
        for text in etiquette::headers(&call.headers) {
            self.mistake(&text);
        }
        if self.refused_in_a_row > CALLS_AFTER_401_MAX {
            self.mistake("still calling although the key has been refused more than 10 times");
        }
        let Some(target) = target else { return };
        if target.route.takes_key()
            && let Some(text) = etiquette::key(call.key())
        {
            self.mistake(&text);
        }
        if target.route == Route::Interoperability && call.header(ACCOUNT_HEADER).is_none() {
            self.mistake("Klarna-Partner-Account is missing: nothing else names the merchant here");
        }
        if target.route == Route::ReadRequest {
            self.watch_polling(now, &target.id);
        }
    }

    fn watch_polling(&mut self, now: Timestamp, id: &str) {
        if self.reads.find(id).is_none() {
            self.reads.insert(id.to_owned(), Reads::default());
        }
        let Some(reads) = self.reads.find(id) else {
            return;
        };
        reads.recent.push_back(now);
        if reads.recent.len() <= READS_PER_SECOND_MAX {
            return;
        }
        let oldest = reads.recent.pop_front();
        if oldest.is_some_and(|oldest| now < oldest + Duration::from_secs(1)) {
            self.mistake("one payment request is read more than twice a second");
        }
    }

    pub(super) fn read_started(&mut self, target: Option<&Target>) -> Option<ReadMark> {
        let target = target.filter(|target| target.route == Route::ReadRequest)?;
        self.serial += 1;
        let serial = self.serial;
        self.reads.find(&target.id)?.newest = serial;
        Some(ReadMark { id: target.id.clone(), serial })
    }

    /// The answer to a read is on its way. A read that the client gave up never gets here, so it
    /// does not count.
    pub(super) fn read_answered(&mut self, mark: &ReadMark) {
        let newest = self.reads.get(&mark.id).map_or(0, |reads| reads.newest);
        if newest > mark.serial {
            self.current = "GET payment request".to_owned();
            self.mistake("two reads of one payment request at the same time");
        }
    }
}
