//! Which part of the queue is looked at next, so that one look stays short however long the queue
//! is and however many rows at its head wait for something.
//!
//! It knows no rows, only where they begin and end.

use crate::clock::Mono;
use crate::id::PaymentId;
use crate::payment::effect::QueuedCall;
use std::time::Duration;

/// Rows of one look, beside the urgent ones.
const PAGE_LEN: usize = 128;
/// While fewer rows than this wait or are under way, a page from the head shows others as well.
const BUSY_FEW: usize = 96;
/// Behind a head that waits, new rows further up are noticed after this long.
const BEGIN_AGAIN: Duration = Duration::from_secs(1);
/// Between two looks further down, where a row may wait whose quota is free.
const ROUND_PACE: Duration = Duration::from_millis(50);

/// What is to be read from the outbox beside the urgent rows: at most `limit` rows by age, from
/// payment `from` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The oldest payment.
    pub from: PaymentId,
    /// Most rows.
    pub limit: usize,
}

const HEAD: PaymentId = PaymentId::FIRST;

/// Two places in the queue: the oldest row that may be sent, and one that goes round and round, so
/// that none is left out.
#[derive(Debug)]
pub(super) struct Pages {
    from: PaymentId,
    /// The last payment that the page shows; `None` when it shows the queue to its end.
    last: Option<PaymentId>,
    /// The queue is longer than a page.
    long: bool,
    /// All rows before it wait or are under way.
    ready_from: PaymentId,
    begin_again: Mono,
    /// The page of the round, and whether it is the one that is shown.
    round_from: PaymentId,
    round_next: Mono,
    round: bool,
}

impl Pages {
    pub(super) fn new(now: Mono) -> Self {
        Self {
            from: HEAD,
            last: None,
            long: false,
            ready_from: HEAD,
            begin_again: now,
            round_from: HEAD,
            round_next: now,
            round: false,
        }
    }

    /// The next page; `busy` rows wait or are under way.
    pub(super) fn next(&mut self, now: Mono, busy: usize) -> Page {
        if busy < BUSY_FEW || self.begin_again <= now {
            self.ready_from = HEAD;
            self.begin_again = now.after(BEGIN_AGAIN);
        }
        self.round = self.long && !self.round && self.round_next <= now;
        if self.round {
            self.round_next = now.after(ROUND_PACE);
        }
        self.from = if self.round { self.round_from } else { self.ready_from };
        Page { from: self.from, limit: PAGE_LEN }
    }

    /// `rows` is what the outbox shows of the page.
    pub(super) fn show(&mut self, rows: &[QueuedCall]) {
        let full = rows.len() >= PAGE_LEN;
        self.last = rows.last().filter(|_| full).map(|row| row.call.id.payment);
        if self.from == HEAD {
            self.long = full;
        }
    }

    /// Whether a row of `payment` would be among those shown.
    pub(super) fn shows(&self, payment: PaymentId) -> bool {
        payment >= self.from && self.last.is_none_or(|last| payment <= last)
    }

    /// The page was looked through; `ready` is the oldest row in it that has only to wait for
    /// others. The round stays until `stay` where there is something to do that is not at the head.
    /// Returns whether the next page may show a row that can be sent now.
    pub(super) fn looked(&mut self, ready: Option<PaymentId>, stay: Option<Mono>) -> bool {
        let next = self.last.map(PaymentId::next);
        match (self.round, stay) {
            (true, Some(until)) => self.round_next = until,
            (true, None) => self.round_from = next.unwrap_or(HEAD),
            (false, _) => self.ready_from = ready.or(next).unwrap_or(self.ready_from),
        }
        self.round || ready.is_none() && next.is_some()
    }

    /// Whether the page is the round's.
    pub(super) fn is_round(&self) -> bool {
        self.round
    }

    /// When a look is due though nothing has happened: rows may have come in before the place that
    /// was reached, and the round goes on.
    pub(super) fn goes_on(&self) -> Option<Mono> {
        self.long.then_some(self.begin_again.min(self.round_next))
    }
}
