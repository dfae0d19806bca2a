//! The judge: what the till was told, what the journal says and what Klarna's books hold must be
//! one and the same, and nothing may have moved without a decision that was durable before.
//!
//! It reads the journal's records itself; the terminal's own sums and states are not asked.

use super::Millis;
use super::klarna::{Klarna, Movement, Transaction};
use super::run::Shop;
use super::till::{Sold, Till};
use klarna_terminald::payment::CapturePolicy;
use klarna_terminald::payment::event::{Event, OperationProgress, Record};
use klarna_terminald::payment::vocabulary::{OperationKind, SaleOutcome};
use std::collections::BTreeMap;

/// One payment as its records tell it.
#[derive(Default)]
struct Told {
    sale: String,
    reference: String,
    amount: i64,
    /// Approvals and decisions, with the true time at which they were durable.
    approved: Option<Millis>,
    release_decided: Option<Millis>,
    given_up: Option<Millis>,
    authorised: Option<Millis>,
    acknowledged: bool,
    ended: bool,
    voided: bool,
    captures: Vec<Entry>,
    refunds: Vec<Entry>,
    refused: Vec<String>,
    calls: u32,
    by_sequence: BTreeMap<u32, (bool, usize)>,
    has_request: bool,
    twice: Vec<String>,
}

struct Entry {
    at: Millis,
    amount: i64,
    done: bool,
    refused: bool,
}

impl Told {
    fn take(&mut self, event: &Event, at: Millis) {
        match event {
            Event::SaleRequested { sale, payment_reference } => {
                self.sale = sale.reference.to_string();
                self.reference = payment_reference.to_string();
                self.amount = sale.amount.minor();
                self.calls = u32::from(self.amount > 0);
            }
            Event::Created { .. } => {
                self.has_request = true;
                self.calls += u32::from(self.given_up.is_some());
            }
            Event::Unavailable { .. } => {
                (self.has_request, self.given_up) = (true, Some(at));
                self.calls += 1;
            }
            Event::Approved { .. } => {
                self.approved = self.approved.or(Some(at));
                self.calls += 1;
            }
            Event::GivenUp { .. } => {
                self.given_up = Some(at);
                self.calls += u32::from(self.has_request);
            }
            Event::CreateRefused { .. } | Event::RequestEnded { .. } => self.ended = true,
            Event::Authorised { .. } => {
                if self.authorised.replace(at).is_some() {
                    self.twice.push("authorised".to_owned());
                }
                if self.given_up.is_some() {
                    self.release_decided = Some(at);
                    self.calls += 1;
                }
            }
            Event::Acknowledged => self.acknowledged = true,
            Event::VoidDecided { .. } => {
                self.release_decided = Some(at);
                self.calls += 1;
            }
            Event::Voided { .. } => self.voided = true,
            Event::CaptureQueued { amount, .. } => self.queue(true, amount.minor(), at),
            Event::RefundQueued { amount, .. } => self.queue(false, amount.minor(), at),
            Event::Captured { sequence, amount, .. } => self.done(*sequence, amount.minor()),
            Event::Refunded { sequence, amount, .. } => self.done(*sequence, amount.minor()),
            Event::ReleaseQueued { .. } | Event::UpdateQueued { .. } | Event::CheckQueued => {
                self.calls += 1;
            }
            Event::CallRefused { sequence, refusal } => {
                self.refused.push(refusal.code.clone());
                if let Some((capture, index)) = self.by_sequence.get(sequence).copied() {
                    self.entries(capture)[index].refused = true;
                }
            }
            Event::ShopperOpened
            | Event::ShopperLeft
            | Event::ConfirmDoubted
            | Event::ConfirmRefused { .. }
            | Event::Rekeyed { .. }
            | Event::Released { .. }
            | Event::CallRetried { .. }
            | Event::CallResolved { .. }
            | Event::Adopted { .. }
            | Event::Updated { .. }
            | Event::NotCompared { .. }
            | Event::Checked { .. }
            | Event::ShiftEnded { .. } => {}
        }
    }

    fn entries(&mut self, capture: bool) -> &mut Vec<Entry> {
        if capture { &mut self.captures } else { &mut self.refunds }
    }

    fn queue(&mut self, capture: bool, amount: i64, at: Millis) {
        self.calls += 1;
        let sequence = self.calls;
        let entries = self.entries(capture);
        entries.push(Entry { at, amount, done: false, refused: false });
        let index = entries.len() - 1;
        self.by_sequence.insert(sequence, (capture, index));
    }

    fn done(&mut self, sequence: u32, amount: i64) {
        let Some((capture, index)) = self.by_sequence.get(&sequence).copied() else {
            return self.twice.push(format!("call {sequence} was done and never queued"));
        };
        let entry = &mut self.entries(capture)[index];
        let wrong = entry.done || entry.refused || entry.amount != amount;
        entry.done = true;
        if wrong {
            self.twice.push(format!("call {sequence} has two ends, or two amounts"));
        }
    }

    fn captured(&self) -> i64 {
        self.captures.iter().filter(|entry| entry.done).map(|entry| entry.amount).sum()
    }

    fn refunded(&self) -> i64 {
        self.refunds.iter().filter(|entry| entry.done).map(|entry| entry.amount).sum()
    }
}

/// What is wrong at the end of a run, with the payments' numbers; and how many payments wait for a
/// person, for a reason that Klarna gave.
pub fn judge(shop: &Shop) -> (Vec<(u32, String)>, usize) {
    let payments = payments(&shop.terminal.disk.records, &shop.recorded);
    let mut wrongs = Vec::new();
    let mut for_a_person = 0;
    for (number, told) in &payments {
        let mut case = Case { told, shop, wrongs: Vec::new() };
        case.money();
        case.till();
        for_a_person += usize::from(case.ends());
        wrongs.extend(case.wrongs.into_iter().map(|wrong| (*number, wrong)));
    }
    wrongs.extend(strangers(&shop.klarna, &payments));
    wrongs.extend(commands(&shop.till, &payments));
    wrongs.extend(reports(shop, &payments));
    (wrongs, for_a_person)
}

fn payments(records: &[Record], recorded: &[Millis]) -> BTreeMap<u32, Told> {
    let mut payments: BTreeMap<u32, Told> = BTreeMap::new();
    for (record, at) in records.iter().zip(recorded) {
        if let Some(id) = record.payment {
            payments.entry(id.number()).or_default().take(&record.event, *at);
        }
    }
    payments
}

struct Case<'a> {
    told: &'a Told,
    shop: &'a Shop,
    wrongs: Vec<String>,
}

impl<'a> Case<'a> {
    fn transaction(&self) -> Option<&'a Transaction> {
        let mut all = self.shop.klarna.transactions.values();
        all.find(|found| found.of == self.told.reference)
    }

    fn is_refused(&self, operation: &str) -> bool {
        let mut refused = self.shop.klarna.refused.iter();
        refused.any(|(of, what)| *of == self.told.reference && *what == operation)
    }

    fn wrong(&mut self, what: String) {
        self.wrongs.push(what);
    }

    /// The journal against Klarna's books.
    fn money(&mut self) {
        let told = self.told;
        let all = self.shop.klarna.transactions.values();
        let count = all.filter(|found| found.of == told.reference).count();
        if count > 1 {
            self.wrong(format!("authorised {count} times"));
        }
        self.wrongs.extend(told.twice.iter().cloned());
        let Some(found) = self.transaction() else {
            if told.authorised.is_some() {
                self.wrong("authorised in the journal, not at Klarna".to_owned());
            }
            return;
        };
        if told.authorised.is_none() {
            self.wrong("authorised at Klarna, not in the journal".to_owned());
        }
        if found.amount != told.amount {
            self.wrong(format!("{} authorised instead of {}", found.amount, told.amount));
        }
        if told.approved.is_none_or(|approved| approved > found.at) {
            self.wrong("authorised before the intent was durable".to_owned());
        }
        let (captured, refunded) = (found.captured(), found.refunded());
        if (captured, refunded) != (told.captured(), told.refunded()) {
            let ours = (told.captured(), told.refunded());
            self.wrong(format!(
                "captured and refunded: Klarna {:?}, journal {ours:?}",
                (captured, refunded)
            ));
        }
        self.intents('C', &found.captures, &told.captures);
        self.intents('R', &found.refunds, &told.refunds);
        if found.voided.is_some_and(|at| told.release_decided.is_none_or(|from| from > at)) {
            self.wrong("voided before that was decided".to_owned());
        }
        if found.voided.is_some() != told.voided {
            self.wrong(format!("voided: Klarna {:?}, journal {}", found.voided, told.voided));
        }
    }

    /// Each movement at Klarna has one entry in the journal that is older, and no other movement.
    fn intents(&mut self, letter: char, found: &[Movement], decided: &[Entry]) {
        for (index, movement) in found.iter().enumerate() {
            let number = movement.reference.rsplit_once(&format!("-{letter}"));
            let number = number.and_then(|(_, number)| number.parse::<usize>().ok());
            let entry = number.and_then(|number| decided.get(number.wrapping_sub(1)));
            let good = entry.is_some_and(|e| e.at <= movement.at && e.amount == movement.amount);
            if !good {
                self.wrong(format!("{movement:?} was not decided before"));
            }
            if found[..index].iter().any(|other| other.reference == movement.reference) {
                self.wrong(format!("{movement:?} happened twice"));
            }
        }
    }

    /// The till's book against Klarna's.
    fn till(&mut self) {
        let Some(sold) = self.shop.till.sales.get(&self.told.sale) else {
            return self.wrong("a payment that no till has asked for".to_owned());
        };
        let Some((outcome, _)) = sold.told.last() else {
            return self.wrong("the till was never told how it ended".to_owned());
        };
        match outcome {
            SaleOutcome::Approved => self.paid(sold),
            SaleOutcome::NotPaid(_) | SaleOutcome::Voided(_) => self.not_paid(),
        }
    }

    fn paid(&mut self, sold: &Sold) {
        let told = self.told;
        if told.amount == 0 {
            return;
        }
        let Some(found) = self.transaction() else {
            return self.wrong("told approved, but nothing is authorised".to_owned());
        };
        if sold.acknowledged && !told.acknowledged {
            self.wrong("an acknowledgement was lost".to_owned());
        }
        let policy = self.shop.terminal.policy.capture;
        let taken = found.captured() == told.amount || self.is_refused("capture");
        let released = told.release_decided.is_some();
        if policy == CapturePolicy::OnTillAck && told.acknowledged && !taken && !released {
            self.wrong(format!("acknowledged, and {} captured", found.captured()));
        }
        let left_over = policy == CapturePolicy::EndOfShift && told.captures.is_empty();
        if left_over && told.acknowledged && !released {
            self.wrong("the shift ended without its capture".to_owned());
        }
    }

    fn not_paid(&mut self) {
        let refused = self.is_refused("void");
        if let Some(found) = self.transaction()
            && (found.captured() > 0 || found.voided.is_none() && !refused)
        {
            self.wrong(format!(
                "told not paid, but captured {} and voided {:?}",
                found.captured(),
                found.voided
            ));
        }
    }

    /// Whether the payment waits for a person; anything else must have ended.
    fn ends(&mut self) -> bool {
        let told = self.told;
        let waits = !told.refused.is_empty();
        let justified = ["capture", "refund", "void", "cancel"].iter().any(|o| self.is_refused(o));
        if waits && !justified {
            self.wrong(format!("waits for a person without a cause: {:?}", told.refused));
        }
        let unanswered = |e: &Entry| !e.done && !e.refused;
        if told.captures.iter().chain(&told.refunds).any(unanswered) {
            self.wrong("a capture or refund has no end".to_owned());
        }
        let ended = told.amount == 0
            || told.ended
            || told.voided
            || told.acknowledged
            || !told.refused.is_empty();
        if !ended {
            self.wrong("it has no end".to_owned());
        }
        waits
    }
}

/// Transactions of payments that the journal does not know.
fn strangers(klarna: &Klarna, payments: &BTreeMap<u32, Told>) -> Vec<(u32, String)> {
    let known = |of: &String| payments.values().any(|told| told.reference == *of);
    let strange = klarna.transactions.values().filter(|found| !known(&found.of));
    strange.map(|found| (0, format!("a transaction of {}, unknown here", found.of))).collect()
}

/// What the till's commands were told is what the journal says.
fn commands(till: &Till, payments: &BTreeMap<u32, Told>) -> Vec<(u32, String)> {
    let mut wrongs = Vec::new();
    for (name, command) in &till.commands {
        let Some(result) = &command.told else { continue };
        let payment = payments.iter().find(|(_, told)| told.sale == command.sale);
        let Some((number, told)) = payment else {
            wrongs.push((0, format!("{name} is about a sale that is not known")));
            continue;
        };
        let amount = result.amount.minor();
        let done = |entries: &[Entry]| entries.iter().any(|e| e.done && e.amount == amount);
        let good = match (&result.progress, result.kind) {
            (OperationProgress::Queued, _) => false,
            (OperationProgress::Done, OperationKind::Capture) => done(&told.captures),
            (OperationProgress::Done, OperationKind::Refund) => {
                let given = told.refunds.iter().filter(|entry| entry.done).map(|e| e.amount);
                given.sum::<i64>() >= amount
            }
            (OperationProgress::Done, OperationKind::Void) => told.voided,
            (OperationProgress::Done, OperationKind::Release | OperationKind::Update) => true,
            (OperationProgress::Refused(_), _) => !told.refused.is_empty(),
        };
        if !good {
            wrongs.push((*number, format!("{name} was told {result:?}")));
        }
    }
    wrongs
}

/// All shift reports and what has come since are the sum of the journal.
fn reports(shop: &Shop, payments: &BTreeMap<u32, Told>) -> Vec<(u32, String)> {
    let records = &shop.terminal.disk.records;
    let mut sums = (0_i64, 0_i64, 0_i64);
    let mut since = 0;
    for (index, record) in records.iter().enumerate() {
        if let Event::ShiftEnded { report } = &record.event {
            since = index + 1;
            for total in &report.totals {
                sums.0 += total.sales.minor();
                sums.1 += total.voided.minor();
                sums.2 += total.refunds.minor();
            }
        }
    }
    for record in &records[since..] {
        match &record.event {
            Event::Authorised { amount, .. } => sums.0 += amount.minor(),
            Event::Voided { amount } => sums.1 += amount.minor(),
            Event::Refunded { amount, .. } => sums.2 += amount.minor(),
            _ => {}
        }
    }
    let klarna = &shop.klarna.transactions;
    let voided = klarna.values().filter(|found| found.voided.is_some()).map(|found| found.amount);
    let sold: i64 = klarna.values().map(|found| found.amount).sum();
    let truth = (sold, voided.sum(), klarna.values().map(Transaction::refunded).sum());
    let same = sums == truth || payments.is_empty();
    (!same)
        .then(|| (0, format!("shift reports say {sums:?}, Klarna {truth:?}")))
        .into_iter()
        .collect()
}
