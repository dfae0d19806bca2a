//! What shops do beside selling: the last result again, the shift's sums, how the terminal is set
//! up, the line's rate (PA00P015: repeat receipt, end of day, send totals, print turnovers).

use super::memory::Earlier;
use super::outgoing::{Block, Meaning};
use super::{
    ANSWER_MAX, Line, Named, REFERENCE_PREFIX, Running, Session, Sums, Wanted, answer, text,
};
use crate::clock::Mono;
use crate::id::PosReference;
use crate::money::Amount;
use crate::payment::event::OperationProgress;
use crate::payment::shift::{ShiftReport, ShiftTotal};
use crate::payment::vocabulary::{OperationResult, Request, SaleResult, Status};
use crate::pos::zvt::apdu::Apdu;
use crate::pos::zvt::bcd::{Date, MinorUnits, Password, Receipt, Time};
use crate::pos::zvt::code::{Code, TerminalStatus};
use crate::pos::zvt::message::{
    Answer, Command, Completion, Group, ReceiptName, RepeatReceipt, StatusEnquiry,
    StatusInformation, StatusReport, Totals,
};

impl Session {
    /// `06 20` (PA00P015: repeat receipt).
    pub(super) fn repeat(&mut self, now: Mono, asked: &RepeatReceipt) {
        if !self.is_allowed(now, asked.password) || !self.is_registered(now) {
            return;
        }
        let wants =
            Wanted { result: asked.wants_status_information(), receipt: asked.wants_receipt() };
        if let Some((_, again)) = self.unrecorded.clone() {
            self.ask(again);
        }
        let until = now.after(ANSWER_MAX);
        // A closing that the till knows is no receipt to repeat.
        let is_meant =
            |earlier: &&Earlier| earlier.is_last && !(earlier.taken && earlier.is_end_of_day());
        let reference = match self.earlier.last().filter(is_meant) {
            Some(earlier) => {
                let reference = earlier.reference.clone();
                self.ask(Request::Status { reference: reference.clone() });
                reference
            }
            None => {
                let reference = self.names.next();
                let prefix = REFERENCE_PREFIX;
                self.ask(Request::Last { reference: reference.clone(), prefix });
                reference
            }
        };
        self.running = Some(Running::Last { reference, wants, asked_again: false, until });
    }

    /// What the journal says of the last sale, or of a reservation.
    pub(super) fn status(&mut self, now: Mono, asked: &PosReference, status: &Status) {
        let (wants, asked_again, until) = match &self.running {
            Some(Running::Reserved { reference, .. }) if reference == asked => {
                return self.tell_reserved(status);
            }
            Some(Running::Last { reference, wants, asked_again, until }) if reference == asked => {
                (*wants, *asked_again, *until)
            }
            _ => return,
        };
        match status {
            Status::Done(result, _) if self.may_be_given_back(result) && !asked_again => {
                let reference = asked.clone();
                self.ask(Request::Last { reference: reference.clone(), prefix: REFERENCE_PREFIX });
                self.running = Some(Running::Last { reference, wants, asked_again: true, until });
            }
            Status::Done(result, _) if self.may_be_given_back(result) => {
                self.refuse_late(Code::NOT_READY);
            }
            Status::Done(result, _) => self.repeat_result(result, wants),
            Status::InProgress(_) => self.refuse_late(Code::NOT_READY),
            Status::Operation(operation) => self.repeat_settled(operation, wants),
            Status::Shift(report) => self.tell_sums(report, true, wants),
            // A command that was refused is not on record.
            Status::NotKnown if self.earlier_of(asked).is_some() => match wants.result {
                true => self.fail(Code::REVERSAL_NOT_POSSIBLE),
                false => self.refuse_late(Code::REVERSAL_NOT_POSSIBLE),
            },
            Status::NotKnown => self.refuse_late(Code::NOT_POSSIBLE),
        }
        self.out.advance(now);
    }

    /// Without its `04 0F` a till hears by the end alone whether it was paid.
    fn repeat_result(&mut self, result: &SaleResult, wants: Wanted) {
        let delivered = self.delivered.as_ref().filter(|(sale, _)| *sale == result.reference);
        let delivered = delivered.map(|(_, amount)| *amount);
        if wants.result {
            let amount = delivered.unwrap_or(result.amount);
            self.tell_sale(&SaleResult { amount, ..result.clone() }, Meaning::Nothing);
        }
        if wants.receipt {
            self.print_sale(result, delivered);
        }
        match answer::code_of(result.outcome) {
            code if code != Code::OK && !wants.result => self.refuse_late(code),
            _ => self.complete(),
        }
    }

    fn earlier_of(&self, reference: &PosReference) -> Option<&Earlier> {
        self.earlier.iter().find(|earlier| earlier.reference == *reference)
    }

    fn repeat_settled(&mut self, operation: &OperationResult, wants: Wanted) {
        let queued = match &operation.progress {
            OperationProgress::Queued => true,
            OperationProgress::Done => false,
            OperationProgress::Refused(_) => return self.fail(Code::REVERSAL_NOT_POSSIBLE),
        };
        let named = self.earlier_of(&operation.reference).map(named_by).unwrap_or_default();
        self.tell_settled(operation, named, queued, wants);
    }

    /// `06 50`, `06 10` and `06 12` (PA00P015: end of day, send totals, print turnovers).
    pub(super) fn add_up(&mut self, now: Mono, password: Password, sums: Sums) {
        if !self.is_allowed(now, password) || !self.is_registered(now) {
            return;
        }
        let reference = match sums {
            Sums::EndOfDay => self.reference_once(),
            Sums::Totals | Sums::Printed => self.names.next(),
        };
        self.ask(match sums {
            Sums::EndOfDay => Request::EndShift { reference: reference.clone(), shift: None },
            Sums::Totals | Sums::Printed => Request::Totals { reference: reference.clone() },
        });
        self.running = Some(Running::Adding { reference, sums, until: now.after(ANSWER_MAX) });
    }

    /// `04 0F` with the shift's sums (BMP 60), in the currency of this till, and its receipt.
    pub(super) fn shift(&mut self, report: &ShiftReport) {
        let Some(Running::Adding { reference, sums, .. }) = &self.running else { return };
        if *reference != report.reference {
            return;
        }
        let wants = Wanted { result: *sums != Sums::Printed, receipt: true };
        self.tell_sums(report, *sums == Sums::EndOfDay, wants);
    }

    fn tell_sums(&mut self, report: &ShiftReport, is_closed: bool, wants: Wanted) {
        if wants.result {
            let status = self.totals(report);
            let meaning = if is_closed { Meaning::Settled } else { Meaning::Nothing };
            self.push(meaning, &Answer::StatusInformation(Box::new(status)));
        }
        if wants.receipt {
            let lines = text::shift_lines(report, &self.settings, is_closed);
            self.print_administration(&lines);
        }
        self.complete();
    }

    fn totals(&self, report: &ShiftReport) -> StatusInformation {
        let currency = self.settings.currency;
        let row = report.totals.iter().find(|row| row.sales.currency() == currency);
        let group = row.map_or(Group { count: 0, total: MinorUnits::ZERO }, group);
        let mut groups = [Group { count: 0, total: MinorUnits::ZERO }; 7];
        groups[Totals::OTHERS] = group;
        let digits = |number: u32| Receipt::new(u64::from(number) % (Receipt::MAX + 1)).ok();
        let payments = report.payments;
        let first = payments.and_then(|(first, _)| digits(first.number()));
        let last = payments.and_then(|(_, last)| digits(last.number()));
        let civil = report.at.and_then(|at| self.settings.zone.civil(at));
        // More given back than taken has no place in an unsigned number.
        let negative = row.map(ShiftTotal::net).filter(|net| net.minor() < 0);
        StatusInformation {
            time: civil.as_ref().and_then(|civil| Time::new(civil.hour_minute_second()).ok()),
            date: civil.as_ref().and_then(|civil| Date::new(civil.month_day()).ok()),
            text: negative.map(text::sum),
            amount: Some(group.total),
            terminal: Some(self.settings.terminal),
            currency: Some(self.settings.currency_code()),
            totals: Some(Totals {
                receipt_first: first.unwrap_or(Receipt::ZERO),
                receipt_last: last.unwrap_or(Receipt::ZERO),
                groups,
            }),
            ..StatusInformation::new(Code::OK)
        }
    }

    /// `06 1A` (PA00P015: print system configuration).
    pub(super) fn print_configuration(&mut self, now: Mono) {
        self.answer(now, &Answer::Acknowledged);
        let lines = text::configuration_lines(&self.settings);
        self.print_administration(&lines);
        self.complete();
    }

    /// `05 01` (PA00P015 §2.55), at any time. Its end waits until the block that is on its way is
    /// answered, so that no answer is taken for another one's.
    pub(super) fn status_enquiry(&mut self, now: Mono, asked: &StatusEnquiry<'_>) {
        self.answer(now, &Answer::Acknowledged);
        let status = match &self.running {
            None | Some(Running::Telling) if self.unresolved.is_none() => TerminalStatus::READY,
            _ => TerminalStatus::PLEASE_WAIT,
        };
        let version = asked.wants_version().then(|| env!("CARGO_PKG_VERSION").to_owned());
        let report = StatusReport { version, status, tlv: None };
        let answer = Answer::Completion(Completion::Status(report));
        if let Ok(apdu) = answer.encode(self.charset()) {
            self.out.push_enquiry(Block { apdu, meaning: Meaning::Enquiry });
        }
    }

    /// `08 40` (PA00P016): the line changes its rate once the till has heard so. TCP has none, so
    /// any will do.
    pub(super) fn baud_rate(&mut self, now: Mono, code: u8) {
        let rate = match code {
            0 => 9600,
            1 => 19_200,
            6 => 57_600,
            7 => 115_200,
            _ => return self.answer(now, &Answer::Refused(Code::BAUD_RATE_UNKNOWN)),
        };
        self.answer(now, &Answer::Acknowledged);
        if self.line == Line::Serial {
            self.pace.change(now, rate);
        }
    }
}

/// The numbers by which the till has named a payment.
fn named_by(earlier: &Earlier) -> Named {
    let (control, data) = earlier.apdu();
    match Command::parse(&Apdu { control, data: &data }) {
        Ok(Command::Reversal(asked)) => Named { receipt: asked.receipt, trace: asked.trace },
        Ok(Command::Refund(asked)) => Named { receipt: asked.receipt, trace: asked.trace },
        Ok(
            Command::PartialReversal(asked)
            | Command::BookTotal(asked)
            | Command::CancelReservation(asked),
        ) => match asked.receipt {
            ReceiptName::Number(receipt) => Named { receipt: Some(receipt), trace: None },
            ReceiptName::AllOpen => Named::default(),
        },
        _ => Named::default(),
    }
}

fn group(row: &ShiftTotal) -> Group {
    let count = row.sales_count.saturating_sub(row.voided_count);
    let net = Some(row.net()).filter(|net: &Amount| net.minor() >= 0);
    Group {
        count: u8::try_from(count).unwrap_or(u8::MAX),
        total: net.and_then(|net| MinorUnits::of(net).ok()).unwrap_or(MinorUnits::ZERO),
    }
}
