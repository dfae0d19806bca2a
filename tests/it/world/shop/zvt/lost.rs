//! What the ZVT till does about a command whose end it has not heard: it says the same again, or
//! asks with `06 20`, and believes what it is told.

use super::super::Millis;
use super::book::{Fate, Told};
use super::till::{Till, What};
use klarna_terminald::pos::zvt::apdu::Control;
use klarna_terminald::pos::zvt::code::Code;
use klarna_terminald::pos::zvt::message::{Abort, StatusInformation};

/// How the till learns what has become of a command whose end it has not heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    Either,
    /// It says it again.
    Again,
    /// With `06 20`: it has acknowledged the result.
    WhatBecameOfIt,
}

/// A command about an earlier payment or the day, whose end it may not hear.
#[derive(Debug, Clone)]
pub(super) struct Lost {
    pub(super) what: What,
    pub(super) control: Control,
    pub(super) body: Vec<u8>,
    pub(super) asks: Asks,
}

impl Till {
    /// What it has acknowledged it never says again: that would be another one.
    pub(super) fn asks_for_what_was_lost(&mut self, t: Millis, lost: Lost) {
        let asks = match lost.asks {
            Asks::Either => self.random.chance(500),
            Asks::WhatBecameOfIt => true,
            Asks::Again => false,
        };
        match asks {
            true => self.asks_for_the_last(t),
            false => self.command(t, lost.what, lost.control, &lost.body),
        }
    }

    /// How it would learn what became of it: not by a question whose answer could mean the one
    /// before.
    pub(super) fn asks(&self, what: What) -> Asks {
        match what {
            What::Return(index, number) if number > 0 => {
                let before = &self.book.sales[index].returns[..number];
                let told = before.iter().any(|of_it| of_it.told == Told::Done);
                if told { Asks::Again } else { Asks::Either }
            }
            _ => Asks::Either,
        }
    }

    /// It acknowledges that money goes back: it will not say that again.
    pub(super) fn returned_for_good(&mut self, what: What, amount: Option<u64>) {
        let What::Return(index, number) = what else { return };
        let of_it = self.book.return_mut((index, number));
        of_it.told = Told::Done;
        of_it.amount = amount.unwrap_or(of_it.amount);
        for asked in [&mut self.asked, &mut self.lost].into_iter().flatten() {
            asked.asks = Asks::WhatBecameOfIt;
        }
    }

    /// It believes what it is told of its last sale.
    pub(super) fn knows_last(&mut self, well: bool, result: Option<(StatusInformation, Vec<u8>)>) {
        if well && result.is_none() {
            // The result was lost on its way: it asks again.
            return;
        }
        let bytes = result.as_ref().map(|(_, bytes)| bytes.clone()).unwrap_or_default();
        match &result {
            Some((status, _)) if status.totals.is_some() => self.repeats.clear(),
            _ => self.repeats.push(bytes),
        }
        let approved = result.filter(|(status, _)| well && status.result == Code::OK);
        let approved = approved.map(|(status, _)| status);
        let Some(index) = self.book.unknown() else { return self.knows_what_was_lost(approved) };
        let told = approved.filter(|status| self.is_result_of(index, status));
        let entry = &mut self.book.sales[index];
        entry.fate = if told.is_some() { Fate::Paid } else { Fate::NotPaid };
        if let Some(status) = told {
            entry.receipt = status.receipt.map(|receipt| receipt.value());
            entry.trace = status.trace.map(|trace| trace.value());
        }
    }

    /// Without a trace it is what became of an earlier payment: the last one never began.
    pub(super) fn is_result_of(&self, index: usize, status: &StatusInformation) -> bool {
        let amount = status.amount.map(|amount| amount.value());
        let receipt = status.receipt.map(|receipt| receipt.value());
        let known = receipt.and_then(|receipt| self.book.of_receipt(receipt));
        let is_it = match known {
            Some(known) => known == index,
            None => amount == Some(self.book.sales[index].amount),
        };
        is_it && status.trace.is_some()
    }

    /// It believes what it is told of its last command; if that is another one, this has not come.
    fn knows_what_was_lost(&mut self, approved: Option<StatusInformation>) {
        let Some(lost) = self.lost.take() else { return };
        let What::Return(index, number) = lost.what else { return };
        let is_it = approved.as_ref().is_some_and(|status| self.is_end_of(&lost, status));
        let told = approved.as_ref().and_then(|status| status.amount);
        let (amount, approved) = (told.map(|amount| amount.value()), approved.is_some());
        let of_it = self.book.return_mut((index, number));
        match (of_it.told, is_it) {
            // What was queued may be refused later.
            (Told::Done, _) if is_it || !approved => {}
            (Told::Done, _) => {
                let wrong = "it was given back, and the terminal tells something else".to_owned();
                self.wrongs.push((Some(index), wrong));
            }
            (_, true) => {
                (of_it.told, of_it.amount) = (Told::Done, amount.unwrap_or(of_it.amount));
            }
            (_, false) => of_it.told = Told::Refused,
        }
    }

    pub(super) fn is_end_of(&self, lost: &Lost, status: &StatusInformation) -> bool {
        let What::Return(index, _) = lost.what else { return false };
        let receipt = status.receipt.map(|receipt| receipt.value());
        let trace = status.original_trace.map(|trace| trace.value());
        status.trace.is_none() && self.book.sales[index].is_named(receipt, trace)
    }
}

/// Nothing was sold, or what was asked for last was refused.
pub(super) fn is_nothing(abort: Abort) -> bool {
    [Code::NOT_POSSIBLE, Code::REVERSAL_NOT_POSSIBLE].map(Abort::Code).contains(&abort)
}

/// The terminal could not say, or could not record it.
pub(super) fn is_unsure(abort: Abort) -> bool {
    let codes = [Code::NOT_REGISTERED, Code::NOT_READY, Code::NO_CONNECTION, Code::SYSTEM_ERROR];
    codes.map(Abort::Code).contains(&abort)
}
