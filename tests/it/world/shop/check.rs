//! The judge: what the till was told, what the journal says and what Klarna's books hold must be
//! one and the same, and nothing may have moved without a decision that was durable before.
//!
//! It reads the journal's records itself; the terminal's own sums and states are not asked. What
//! others have done at Klarna is theirs, and the only difference that it accepts.

use super::Millis;
use super::klarna::Klarna;
use super::run::Shop;
use super::till::{Sold, Till};
use super::told::{Told, What, payments};
use super::transaction::{AUTHORISATION_LIFE, By, LOOK_MAX, Movement, Transaction};
use klarna_terminald::payment::CapturePolicy;
use klarna_terminald::payment::event::{Event, OperationProgress};
use klarna_terminald::payment::vocabulary::SaleOutcome;
use std::collections::BTreeMap;

/// What is wrong at the end of a run, with the payments' numbers; and how many payments wait for a
/// person, for a reason that Klarna gave.
pub fn judge(shop: &Shop) -> (Vec<(u32, String)>, usize) {
    let payments = payments(&shop.terminal.disk.records, &shop.recorded);
    let mut wrongs = Vec::new();
    let mut for_a_person = 0;
    for (number, told) in &payments {
        let mut case = Case { told, shop, wrongs: told.wrong.clone() };
        case.money();
        case.looks();
        case.till();
        for_a_person += usize::from(case.ends());
        wrongs.extend(case.wrongs.into_iter().map(|wrong| (*number, wrong)));
    }
    if let Some(counter) = &shop.counter {
        wrongs.extend(super::zvt::judge(shop, counter, &payments));
    }
    wrongs.extend(strangers(&shop.klarna, &payments));
    wrongs.extend(commands(&shop.till, &payments));
    wrongs.extend(reports(shop, &payments));
    (wrongs, for_a_person)
}

struct Case<'a> {
    told: &'a Told,
    shop: &'a Shop,
    wrongs: Vec<String>,
}

impl<'a> Case<'a> {
    fn transaction(&self) -> Option<&'a Transaction> {
        let mut all = self.shop.klarna.transactions.iter();
        let is_it = |(id, found): &(&String, &Transaction)| match &self.told.adopted {
            Some(adopted) => *id == adopted,
            None => found.of == self.told.reference,
        };
        all.find(is_it).map(|(_, found)| found)
    }

    /// Whether Klarna has refused such a call of this payment.
    fn is_refused(&self, operation: &str) -> bool {
        let of = self.transaction().map_or(&self.told.reference, |found| &found.of);
        let mut refused = self.shop.klarna.refused.iter();
        refused.any(|(refused, what)| refused == of && *what == operation)
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
        let Some(found) = self.transaction() else {
            if told.authorised.is_some() || told.adopted.is_some() {
                self.wrong("authorised in the journal, not at Klarna".to_owned());
            }
            return;
        };
        if found.sold_elsewhere != told.adopted.is_some() {
            self.wrong("one of our own sales was taken over as somebody else's".to_owned());
        }
        if told.authorised.is_none() && told.adopted.is_none() {
            self.wrong("authorised at Klarna, not in the journal".to_owned());
        }
        if found.amount != told.amount {
            self.wrong(format!("{} authorised instead of {}", found.amount, told.amount));
        }
        if told.adopted.is_none() && told.approved.is_none_or(|approved| approved > found.at) {
            self.wrong("authorised before the intent was durable".to_owned());
        }
        let (captured, refunded) = (found.captured(), found.refunded());
        let negative = (0..found.captures.len()).any(|number| found.rest_of(number) < 0);
        if captured > found.amount || refunded > captured || negative {
            self.wrong(format!("{captured} captured, {refunded} refunded of {}", found.amount));
        }
        self.intents(What::Capture, 'C', &found.captures);
        self.intents(What::Refund, 'R', &found.refunds);
        self.given_back(found);
        self.labels(found);
    }

    /// Each movement of ours at Klarna has one entry in the journal that is older and done, and
    /// the other way round.
    fn intents(&mut self, what: What, letter: char, found: &[Movement]) {
        let told = self.told;
        let ours = || found.iter().filter(|movement| movement.by == By::Terminal);
        let name = |number: usize| format!("{}-{letter}{}", told.reference, number + 1);
        for movement in ours() {
            let mut entries = told.all(what).enumerate();
            let entry = entries.find(|(number, _)| name(*number) == movement.reference);
            let good = entry.is_some_and(|(_, entry)| {
                let known = entry.done.is_some() || movement.denied && entry.refused;
                entry.at <= movement.at && entry.amount == movement.amount && known
            });
            if !good {
                self.wrong(format!("{movement:?} was not decided before, or is not known"));
            }
            if ours().filter(|other| other.reference == movement.reference).count() > 1 {
                self.wrong(format!("{movement:?} happened twice"));
            }
        }
        for (number, entry) in told.all(what).enumerate() {
            let is_there = ours().any(|movement| movement.reference == name(number));
            if entry.done.is_some() && !is_there {
                self.wrong(format!("{entry:?} is not in Klarna's books"));
            }
        }
    }

    /// Voided as a whole, or the rest released.
    fn given_back(&mut self, found: &Transaction) {
        let told = self.told;
        let ours = found.released_by == By::Terminal;
        if let Some(at) = found.voided.filter(|_| ours)
            && (told.release_decided.is_none_or(|from| from > at) || !told.voided)
        {
            self.wrong(format!("voided at {at}, decided at {:?}", told.release_decided));
        }
        if told.voided && found.voided.is_none() {
            self.wrong("voided in the journal, not at Klarna".to_owned());
        }
        let mut releases = told.all(What::Release);
        let done = releases.any(|entry| entry.done.is_some());
        let older = |at: Millis| told.all(What::Release).any(|entry| entry.at <= at);
        if found.released.is_some_and(|at| ours && (!done || !older(at))) {
            self.wrong(format!("released at {:?}, which was not decided", found.released));
        }
        if done && found.released.is_none() && found.voided.is_none() {
            self.wrong("released in the journal, not at Klarna".to_owned());
        }
    }

    /// The last merchant reference.
    fn labels(&mut self, found: &Transaction) {
        let updates = || self.told.all(What::Update);
        let last = updates().filter(|entry| entry.done.is_some()).max_by_key(|entry| entry.done);
        let there = found.labels.last().map(|(_, label)| label.as_str());
        let unsure = updates().any(|entry| entry.superseded && Some(entry.label.as_str()) == there);
        if there != last.map(|entry| entry.label.as_str()) && !unsure {
            self.wrong(format!("merchant reference {there:?}, told {last:?}"));
        }
    }

    /// What was seen of Klarna's books was there to be seen.
    fn looks(&mut self) {
        let told = self.told;
        let Some(found) = self.transaction() else { return };
        for (at, sums) in &told.found {
            if !found.seen_between(at.saturating_sub(LOOK_MAX), *at).contains(sums) {
                self.wrong(format!("{sums:?} was taken over at {at}, when it was old already"));
            }
        }
        for check in told.all(What::Check) {
            let old = self.shop.t - found.at >= AUTHORISATION_LIFE;
            if check.refused && found.touched.is_none() && !old {
                self.wrong(format!("{check:?} was refused, and nobody else had a hand in it"));
            }
            let Some(done) = check.done else { continue };
            if !found.seen_between(check.at, done).contains(&check.expected) {
                self.wrong(format!("{check:?} is agreed to, and Klarna has other sums"));
            }
        }
    }

    /// The till's book against Klarna's.
    fn till(&mut self) {
        if self.told.adopted.is_some() || self.shop.counter.is_some() {
            return;
        }
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
        let untouched = told.all(What::Capture).next().is_none();
        let persons = !told.refused.is_empty() || !told.resolved.is_empty();
        let left_over = policy == CapturePolicy::EndOfShift && untouched && !persons;
        if left_over && told.acknowledged && !released {
            self.wrong("the shift ended without its capture".to_owned());
        }
    }

    fn not_paid(&mut self) {
        let refused = self.is_refused("void");
        if let Some(found) = self.transaction()
            && (self.told.sum_done(What::Capture) > 0 || found.voided.is_none() && !refused)
        {
            self.wrong(format!("told not paid, but {:?}", found.sums(self.shop.t)));
        }
    }

    /// Whether the payment waits for a person; anything else must have ended.
    fn ends(&mut self) -> bool {
        let told = self.told;
        let (waits, seen_to) = (!told.refused.is_empty(), !told.resolved.is_empty());
        let causes = ["capture", "refund", "void", "cancel", "update", "check"];
        let justified = causes.iter().any(|operation| self.is_refused(operation));
        if (waits || seen_to) && !justified {
            self.wrong(format!("waits for a person without a cause: {:?}", told.refused));
        }
        for entry in &told.entries {
            if entry.done.is_none() && !entry.refused && !entry.superseded {
                self.wrong(format!("{entry:?} has no end"));
            }
            let listed = told.refused.contains_key(&entry.sequence);
            if entry.refused && !listed && !told.resolved.contains(&entry.sequence) {
                self.wrong(format!("{entry:?} is not on the list"));
            }
        }
        let voided = told.release_decided.is_none() || told.voided;
        let started = told.amount == 0 || told.ended || told.acknowledged || told.voided;
        if !(voided && (started || told.adopted.is_some()) || waits || seen_to) {
            self.wrong("it has no end".to_owned());
        }
        waits
    }
}

/// Transactions of payments that the journal does not know.
fn strangers(klarna: &Klarna, payments: &BTreeMap<u32, Told>) -> Vec<(u32, String)> {
    let known = |of: &String| payments.values().any(|told| told.reference == *of);
    let ours = klarna.transactions.values().filter(|found| !found.sold_elsewhere);
    let strange = ours.filter(|found| !known(&found.of));
    let mut wrongs: Vec<(u32, String)> =
        strange.map(|found| (0, format!("a transaction of {}, unknown here", found.of))).collect();
    for (id, found) in &klarna.transactions {
        let is_known = |told: &Told| told.adopted.as_ref() == Some(id);
        let times = payments.values().filter(|told| is_known(told)).count();
        let moved = || found.captures.iter().chain(&found.refunds);
        let by_us = moved().any(|movement| movement.by == By::Terminal);
        if found.sold_elsewhere && (times > 1 || times == 0 && by_us) {
            wrongs.push((0, format!("{id} is in the journal {times} times")));
        }
    }
    wrongs
}

/// What the till's commands were told is what the journal says.
fn commands(till: &Till, payments: &BTreeMap<u32, Told>) -> Vec<(u32, String)> {
    let mut wrongs = Vec::new();
    for (name, command) in &till.commands {
        let payment = payments.iter().find(|(_, told)| told.knows(name));
        let number = payment.map_or(0, |(number, _)| *number);
        let Some(result) = &command.told else {
            let answered = command.refused || command.request.is_none();
            if !answered || payment.is_some() {
                let refused = command.refused;
                wrongs.push((number, format!("{name} was answered with nothing ({refused})")));
            }
            continue;
        };
        let Some((_, told)) = payment else {
            wrongs.push((0, format!("{name} is not in the journal and was told {result:?}")));
            continue;
        };
        let good = match &result.progress {
            OperationProgress::Queued => false,
            OperationProgress::Done => told.has_done(name, result.kind, result.amount.minor()),
            OperationProgress::Refused(_) => told.has_refused(name),
        };
        if !good || result.sale.as_str() != told.sale {
            wrongs.push((number, format!("{name} was told {result:?}")));
        }
    }
    wrongs
}

/// All shift reports and what has come since are the sum of the journal, which is Klarna's.
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
    let all = || payments.values();
    let sold = all().filter(|told| told.authorised.is_some()).map(|told| told.amount).sum();
    let voided = all().filter(|told| told.voided).map(|told| told.amount).sum();
    let truth: (i64, i64, i64) =
        (sold, voided, all().map(|told| told.sum_done(What::Refund)).sum());
    let wrong = format!("shift reports say {sums:?}, the payments {truth:?}");
    (sums != truth).then_some((0, wrong)).into_iter().collect()
}
