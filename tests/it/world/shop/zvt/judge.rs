//! The till's book against the journal and Klarna's books, once nothing moves any more.

use super::super::run::Shop;
use super::super::told::Told;
use super::super::transaction::Transaction;
use super::Counter;
use super::book::{Entry, Fate, Told as ReturnTold};
use std::collections::{BTreeMap, BTreeSet};

/// A session that waits for nothing holds no more than this, in characters of its description.
const SESSION_LEN_MAX: usize = 8_000;

/// What is wrong, each with the payment's number and the last words of the dialogue.
pub fn judge(shop: &Shop, counter: &Counter, payments: &BTreeMap<u32, Told>) -> Vec<(u32, String)> {
    let mut wrongs = Vec::new();
    for (index, entry) in counter.till.book.sales.iter().enumerate() {
        let of_it = |told: &&u32| counter.watch.sold.get(&payments[told].sale) == Some(&index);
        let numbers: Vec<u32> = payments.keys().filter(of_it).copied().collect();
        let mut case = Case { shop, entry, wrongs: Vec::new() };
        match numbers.split_last() {
            None => case.never_begun(),
            Some((number, earlier)) => {
                earlier.iter().for_each(|number| case.is_not_kept(&payments[number]));
                case.is_true(&payments[number]);
            }
        }
        let number = numbers.first().copied().unwrap_or(0);
        let told = case.wrongs.into_iter();
        wrongs.extend(told.map(|wrong| (number, shown(counter, Some(index), &wrong))));
    }
    for (number, told) in payments {
        if !counter.watch.sold.contains_key(&told.sale) {
            wrongs.push((*number, "a payment that no till has asked for".to_owned()));
        }
    }
    let ends = ends(counter, payments).map(|wrong| (0, shown(counter, None, &wrong)));
    wrongs.extend(ends);
    let seen = counter.watch.wrongs.iter();
    wrongs.extend(seen.map(|(index, wrong)| (0, shown(counter, *index, wrong))));
    wrongs
}

fn shown(counter: &Counter, index: Option<usize>, wrong: &str) -> String {
    format!("{wrong}\n{}", counter.watch.about(index))
}

struct Case<'a> {
    shop: &'a Shop,
    entry: &'a Entry,
    wrongs: Vec<String>,
}

impl<'a> Case<'a> {
    fn wrong(&mut self, what: String) {
        self.wrongs.push(format!("{what}: {:?}", self.entry));
    }

    fn never_begun(&mut self) {
        if self.entry.fate != Fate::NotPaid {
            self.wrong("there never was a payment".to_owned());
        }
    }

    fn found(&self, told: &Told) -> Option<&'a Transaction> {
        let mut transactions = self.shop.klarna.transactions.values();
        transactions.find(|found| found.of == told.reference)
    }

    /// The same payment was asked for again after the terminal had started anew.
    fn is_not_kept(&mut self, told: &Told) {
        self.not_paid(told, self.found(told));
    }

    fn is_true(&mut self, told: &Told) {
        let found = self.found(told);
        if u64::try_from(told.amount).ok() != Some(self.entry.amount) {
            self.wrong(format!("another amount was asked for, {}", told.amount));
        }
        match self.entry.fate {
            Fate::Paid => self.paid(told, found),
            Fate::NotPaid => self.not_paid(told, found),
            Fate::Open | Fate::Unknown => self.wrong("the till never learns its fate".to_owned()),
        }
    }

    fn is_refused(&self, told: &Told, operation: &str) -> bool {
        let mut refused = self.shop.klarna.refused.iter();
        refused.any(|(of, what)| *of == told.reference && *what == operation)
    }

    fn paid(&mut self, told: &Told, found: Option<&Transaction>) {
        let Some(found) = found else {
            return self.wrong("the till knows it as paid, and nothing is authorised".to_owned());
        };
        if !told.acknowledged {
            self.wrong("the till knows it as paid, and the terminal does not".to_owned());
        }
        self.returned_once(told);
        let (captured, refunded) = (found.captured(), found.refunded());
        let whole = captured == told.amount;
        let done = self.entry.sum(ReturnTold::Done);
        // A reversal of which nothing was told may have given back all of it.
        let unsure = self.entry.sum(ReturnTold::Nothing) > 0;
        let at_most = if unsure { self.entry.amount } else { done };
        let voided = found.voided.is_some();
        // Before its capture a sale is given back as a whole.
        let back = if voided { told.amount } else { refunded };
        let back = u64::try_from(back).expect("not negative");
        // What was refused once, a person may have had sent again.
        let refused = ["capture", "refund", "void"].iter().any(|what| self.is_refused(told, what));
        if !whole && !voided && !refused {
            self.wrong(format!("the till knows it as paid, and {captured} were captured"));
        }
        if voided && at_most == 0 && !refused {
            self.wrong("the till knows it as paid, and it was given back".to_owned());
        }
        if !refused && (back < done || back > at_most) {
            let wrong = format!("{back} given back instead of {done}, {at_most} at most");
            self.wrong(wrong);
        }
    }

    /// Each return is on record under one reference of its own, however often it was said.
    fn returned_once(&mut self, told: &Told) {
        let commands = told.entries.iter().filter_map(|entry| entry.command.as_ref());
        let recorded: BTreeSet<&String> = commands.chain(&told.voids).collect();
        let mut of_others = BTreeSet::new();
        for of_it in &self.entry.returns {
            let mine = of_it.references.iter().filter(|one| recorded.contains(one));
            let mine: Vec<&String> = mine.collect();
            if mine.len() > 1 || of_it.told == ReturnTold::Done && mine.is_empty() {
                self.wrongs.push(format!("{} times on record: {of_it:?}", mine.len()));
            }
            if of_it.told == ReturnTold::Done && !mine.into_iter().all(|one| of_others.insert(one))
            {
                self.wrongs.push(format!("on record as another return: {of_it:?}"));
            }
        }
    }

    fn not_paid(&mut self, told: &Told, found: Option<&Transaction>) {
        let Some(found) = found else { return };
        let kept = found.captured() > found.refunded();
        let held = found.voided.is_none() && !self.is_refused(told, "void");
        if kept || held {
            let sums = found.sums(self.shop.t);
            self.wrong(format!("the till knows it as not paid, and Klarna has {sums:?}"));
        }
        if told.acknowledged && !told.voided {
            self.wrong("the till knows it as not paid, and the terminal as paid".to_owned());
        }
    }
}

/// What the till is told when it asks at the end.
fn ends(counter: &Counter, payments: &BTreeMap<u32, Told>) -> impl Iterator<Item = String> {
    let mut wrongs = Vec::new();
    let till = &counter.till;
    if !till.is_closed() {
        wrongs.push("the terminal does not become ready".to_owned());
    }
    let len = counter.session_len();
    if len > SESSION_LEN_MAX {
        wrongs.push(format!("an idle session is described with {len} characters"));
    }
    if let [first, second, ..] = &till.repeats[..] {
        if first != second {
            wrongs.push(format!("the last result is {first:02X?}, then {second:02X?}"));
        }
        let last = payments.values().next_back();
        let last = last.and_then(|told| counter.watch.sold.get(&told.sale));
        if let Some(entry) = last.map(|index| &till.book.sales[*index]) {
            let approved = first.get(3..5) == Some(&[0x27, 0x00]);
            let paid = entry.fate == Fate::Paid;
            let given_back = !entry.returns.is_empty();
            if approved && !paid || !approved && paid && !given_back {
                wrongs.push(format!("the last result is {first:02X?}, of {entry:?}"));
            }
        }
    }
    wrongs.into_iter()
}
