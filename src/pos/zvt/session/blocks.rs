//! What goes to the till while a command is carried out: intermediate states, results, receipts,
//! and the end.

use super::answer;
use super::outgoing::{Block, Meaning};
use super::{KEEP_ALIVE_EVERY, Named, Running, Session};
use crate::clock::Mono;
use crate::payment::vocabulary::{OperationResult, SaleResult};
use crate::pos::zvt::APDU_LEN_MAX;
use crate::pos::zvt::bcd::Minutes;
use crate::pos::zvt::code::Code;
use crate::pos::zvt::message::{
    Abort, Answer, Completion, Details, IntermediateStatus, PrintBlock, PrintLine, Progress,
    ReceiptKind, Style,
};

/// After how many minutes the till may give up, counted anew from each intermediate state.
const PATIENCE_MIN: u64 = 3;
/// For tills that read containers.
const SCAN_TEXT: &str = "Bitte QR-Code scannen";
/// Line width of tills that name none (tag 12).
const LINE_WIDTH: usize = 40;
/// First lines of the two copies; some tills look for the second one.
const COPIES: [(ReceiptKind, &str); 2] =
    [(ReceiptKind::Merchant, "HAENDLERBELEG"), (ReceiptKind::Customer, "KUNDENBELEG")];

impl Session {
    pub(super) fn push(&mut self, meaning: Meaning, answer: &Answer) {
        match answer.encode(self.registration.charset()) {
            Ok(apdu) => self.out.push(Block { apdu, meaning }),
            Err(error) => tracing::error!(%error, "a message to the till cannot be written"),
        }
    }

    /// A sale's result: an approved one is final only once the till has acknowledged it.
    pub(super) fn tell_sale(&mut self, result: &SaleResult, meaning: Meaning) {
        let status = answer::sale(&self.settings, result);
        self.push(meaning, &Answer::StatusInformation(Box::new(status)));
    }

    pub(super) fn tell_returned(
        &mut self,
        operation: &OperationResult,
        named: Named,
        queued: bool,
    ) {
        let status = answer::returned(&self.settings, operation, named, queued);
        self.push(Meaning::Nothing, &Answer::StatusInformation(Box::new(status)));
        self.print(&returned_lines(operation, named, queued));
        self.complete();
    }

    /// `04 0F` with a code, `06 1E` with the same (PA00P015 §2.2.9).
    pub(super) fn fail(&mut self, code: Code) {
        let status = answer::failure(&self.settings, code);
        self.push(Meaning::Nothing, &Answer::StatusInformation(Box::new(status)));
        self.refuse_late(code);
    }

    /// `06 1E` alone: nothing was begun.
    pub(super) fn refuse_late(&mut self, code: Code) {
        let abort = match code {
            Code::WRONG_CURRENCY => Abort::WrongCurrency(self.settings.currency_code()),
            code => Abort::Code(code),
        };
        self.push(Meaning::End, &Answer::Abort(abort));
        self.running = Some(Running::Telling);
    }

    pub(super) fn complete(&mut self) {
        self.push(Meaning::End, &Answer::Completion(Completion::Done));
        self.running = Some(Running::Telling);
    }

    /// Both copies of a receipt, if the till has registered to print what it is sent.
    pub(super) fn print(&mut self, lines: &[String]) {
        let config = self.registration.config;
        if !config.till_prints_payments() || !config.wants_print_commands() || lines.is_empty() {
            return;
        }
        let width = self.registration.abilities.line_width.map_or(LINE_WIDTH, usize::from).max(1);
        for (kind, title) in COPIES {
            let lines: Vec<String> = std::iter::once(title.to_owned())
                .chain(lines.iter().flat_map(|line| fold(line, width)))
                .collect();
            match self.registration.abilities.print_block {
                true => self.print_blocks(kind, lines),
                false => self.print_lines(lines),
            }
        }
    }

    fn print_blocks(&mut self, kind: ReceiptKind, lines: Vec<String>) {
        let most = self.registration.abilities.apdu_len_max.map_or(APDU_LEN_MAX, usize::from);
        let charset = self.registration.charset();
        for block in PrintBlock::split(kind, lines, charset, most) {
            self.push(Meaning::Print, &Answer::PrintBlock(block));
        }
    }

    fn print_lines(&mut self, lines: Vec<String>) {
        let count = lines.len();
        for (number, text) in (1..).zip(lines) {
            let line = PrintLine { style: Style::NORMAL, text, last: number == count };
            self.push(Meaning::Print, &Answer::PrintLine(line));
        }
    }

    /// An intermediate state, when the till waits and has heard nothing for a while.
    pub(super) fn keep_alive(&mut self, now: Mono) {
        let waits = self.running.as_ref().is_some_and(Running::waits);
        if !waits || !self.wants_progress() {
            self.keep_alive_at = None;
            return;
        }
        if self.keep_alive_at.is_some_and(|at| at > now) {
            return;
        }
        self.keep_alive_at = Some(now.after(KEEP_ALIVE_EVERY));
        if !self.out.is_idle() {
            return;
        }
        let (progress, text) = match &self.running {
            Some(Running::GivingBack { .. }) => (Progress::REVERSING, None),
            Some(Running::Paying { .. }) => (Progress::WAITING, Some(SCAN_TEXT)),
            _ => (Progress::WAITING, None),
        };
        let details = text.filter(|_| self.registration.tlv).and_then(|text| {
            let timeout = Minutes::new(PATIENCE_MIN).ok()?;
            Some(Details { timeout, text: Some(text.to_owned()) })
        });
        let status = IntermediateStatus { progress, details };
        self.push(Meaning::Nothing, &Answer::IntermediateStatus(status));
    }
}

/// A line as lines that are not wider than the till's paper.
fn fold(line: &str, width: usize) -> Vec<String> {
    let characters: Vec<char> = line.chars().collect();
    if characters.is_empty() {
        return vec![String::new()];
    }
    characters.chunks(width).map(|part| part.iter().collect()).collect()
}

fn returned_lines(operation: &OperationResult, named: Named, queued: bool) -> Vec<String> {
    let mut lines = vec!["Klarna Rueckgabe".to_owned(), operation.amount.to_string()];
    lines.extend(named.receipt.map(|receipt| format!("Beleg {receipt}")));
    lines.extend(named.trace.map(|trace| format!("Trace {trace}")));
    if queued {
        lines.push("VORGEMERKT".to_owned());
    }
    lines.extend(operation.transaction.as_ref().map(|id| id.as_str().to_owned()));
    lines
}
