//! What goes to the till while a command is carried out: intermediate states, results, receipts,
//! and the end.

use super::answer;
use super::outgoing::{Block, Meaning};
use super::{KEEP_ALIVE_EVERY, Named, Profile, Running, Session, Wanted, text};
use crate::clock::Mono;
use crate::money::Amount;
use crate::payment::vocabulary::{OperationResult, SaleOutcome, SaleResult};
use crate::pos::zvt::APDU_LEN_MAX;
use crate::pos::zvt::bcd::Minutes;
use crate::pos::zvt::charset::{Charset, without_greek};
use crate::pos::zvt::code::Code;
use crate::pos::zvt::message::{
    Abort, Answer, Completion, Details, IntermediateStatus, PrintBlock, PrintLine, Progress,
    ReceiptKind, Style,
};

/// After how many minutes the till may give up, counted anew from each intermediate state.
const PATIENCE_MIN: u64 = 3;
/// Line width of tills that name none (tag 12).
const LINE_WIDTH: usize = 40;
/// First lines of the two copies; some tills look for the second one.
const COPIES: [(ReceiptKind, &str); 2] =
    [(ReceiptKind::Merchant, "HAENDLERBELEG"), (ReceiptKind::Customer, "KUNDENBELEG")];

impl Session {
    pub(super) fn push(&mut self, meaning: Meaning, answer: &Answer) {
        match answer.encode(self.charset()) {
            Ok(apdu) => self.out.push(Block { apdu, meaning }),
            Err(error) => tracing::error!(%error, "a message to the till cannot be written"),
        }
    }

    /// A sale's result: an approved one is final only once the till has acknowledged it.
    pub(super) fn tell_sale(&mut self, result: &SaleResult, meaning: Meaning) {
        let status = answer::sale(&self.settings, result);
        self.push(meaning, &Answer::StatusInformation(Box::new(status)));
    }

    pub(super) fn tell_settled(
        &mut self,
        operation: &OperationResult,
        named: Named,
        queued: bool,
        wants: Wanted,
    ) {
        if wants.result {
            let status = answer::settled(&self.settings, operation, named, queued);
            self.push(Meaning::Settled, &Answer::StatusInformation(Box::new(status)));
        }
        if wants.receipt {
            let lines = text::settled_lines(operation, named, queued, &self.settings);
            self.print(&lines);
        }
        self.complete();
    }

    /// A sale's receipt, with what the till needs to name it later.
    pub(super) fn print_sale(&mut self, result: &SaleResult, delivered: Option<Amount>) {
        let mut lines = result.receipt.clone();
        lines.extend(delivered.map(text::delivered));
        if result.outcome == SaleOutcome::Approved {
            let status = answer::sale(&self.settings, result);
            lines.extend(text::numbers(self.settings.terminal, status.receipt, status.trace));
        }
        self.print(&lines);
    }

    /// `04 0F` with a code, `06 1E` with the same (PA00P015 §2.2.9).
    pub(super) fn fail(&mut self, code: Code) {
        self.fail_because(code, text::of(code));
    }

    /// As [`Self::fail`], in other words for the cashier.
    pub(super) fn fail_because(&mut self, code: Code, why: &str) {
        let status = answer::failure(&self.settings, code, why);
        let meaning = match &self.running {
            Some(Running::Settling { .. }) => Meaning::Settled,
            _ => Meaning::Nothing,
        };
        self.push(meaning, &Answer::StatusInformation(Box::new(status)));
        self.refuse_late(code);
    }

    /// `06 1E` alone: nothing was begun.
    pub(super) fn refuse_late(&mut self, code: Code) {
        let abort = match code {
            Code::WRONG_CURRENCY => Abort::WrongCurrency(self.settings.currency_code()),
            code => Abort::Code(code),
        };
        self.end(&Answer::Abort(abort));
    }

    pub(super) fn complete(&mut self) {
        self.end(&Answer::Completion(Completion::Done));
    }

    /// The command's last block.
    pub(super) fn end(&mut self, answer: &Answer) {
        self.push(Meaning::End, answer);
        self.running = Some(Running::Telling);
    }

    /// Both copies of a receipt, if the till has registered to print what it is sent.
    pub(super) fn print(&mut self, lines: &[String]) {
        if self.registration.config.till_prints_payments() {
            COPIES.iter().for_each(|(kind, title)| self.print_copy(*kind, Some(title), lines));
        }
    }

    /// What is for the shop alone, if the till has registered to print that.
    pub(super) fn print_administration(&mut self, lines: &[String]) {
        if self.registration.config.till_prints_administration() {
            self.print_copy(ReceiptKind::Administration, None, lines);
        }
    }

    fn print_copy(&mut self, kind: ReceiptKind, title: Option<&str>, lines: &[String]) {
        let wanted = self.registration.config.wants_print_commands();
        if !wanted || self.settings.profile == Profile::Minimal || lines.is_empty() {
            return;
        }
        let width = self.registration.abilities.line_width.map_or(LINE_WIDTH, usize::from).max(1);
        let lines = lines.iter().flat_map(|line| fold(&spelled(line, self.charset()), width));
        let lines: Vec<String> = title.map(str::to_owned).into_iter().chain(lines).collect();
        match self.registration.abilities.print_block {
            true => self.print_blocks(kind, lines),
            false => self.print_lines(lines),
        }
    }

    fn print_blocks(&mut self, kind: ReceiptKind, lines: Vec<String>) {
        let most = self.registration.abilities.apdu_len_max.map_or(APDU_LEN_MAX, usize::from);
        let charset = self.charset();
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
        // What is answered in a moment needs no word before that.
        let at_once =
            matches!(self.running, Some(Running::Paying { .. } | Running::GivingBack { .. }));
        let usual = if at_once { now } else { now.after(KEEP_ALIVE_EVERY) };
        if *self.keep_alive_at.get_or_insert(usual) > now {
            return;
        }
        self.keep_alive_at = Some(now.after(KEEP_ALIVE_EVERY));
        if !self.out.is_idle() {
            return;
        }
        let (progress, says) = match &self.running {
            Some(Running::GivingBack { .. }) => (Progress::REVERSING, None),
            Some(Running::Paying { stage, .. }) => (Progress::WAITING, Some(text::during(*stage))),
            _ => (Progress::WAITING, None),
        };
        let details = says.filter(|_| self.registration.tlv).and_then(|text| {
            let timeout = Minutes::new(PATIENCE_MIN).ok()?;
            Some(Details { timeout, text: Some(text.to_owned()) })
        });
        let status = IntermediateStatus { progress, details };
        self.push(Meaning::Nothing, &Answer::IntermediateStatus(status));
    }
}

/// Without a euro sign in the code page it is spelled out, and a number does not stick to letters;
/// Greek is spelled in Latin letters.
fn spelled(line: &str, charset: Charset) -> String {
    match charset {
        Charset::Utf8 => line.to_owned(),
        Charset::Latin9 => without_greek(line),
        Charset::Cp437 | Charset::Latin1 | Charset::SevenBit => {
            without_greek(&line.replace('\u{20ac}', "EUR ")).trim_end().to_owned()
        }
    }
}

/// A line as lines that are not wider than the till's paper: first the gap between its two columns
/// gets smaller, then it is broken between words, and a word only where it is wider than the paper.
fn fold(line: &str, width: usize) -> Vec<String> {
    let len = line.chars().count();
    if len <= width {
        return vec![line.to_owned()];
    }
    if let Some((left, right)) = line.split_once("  ") {
        let right = right.trim_start();
        let used = left.chars().count() + right.chars().count();
        if used < width {
            return vec![format!("{left}{}{right}", " ".repeat(width - used))];
        }
    }
    let mut lines: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        let room = lines.last().map(|last| width.saturating_sub(last.chars().count() + 1));
        match lines.last_mut() {
            Some(last) if room.is_some_and(|room| word.chars().count() <= room) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => {
                let characters: Vec<char> = word.chars().collect();
                lines.extend(characters.chunks(width).map(|part| part.iter().collect::<String>()));
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{Charset, fold, spelled};

    #[test]
    fn a_euro_sign_is_spelled_out() {
        assert_eq!(spelled("Klarna \u{20ac}10.10", Charset::Cp437), "Klarna EUR 10.10");
        assert_eq!(spelled("Klarna 10,10 \u{20ac}", Charset::Cp437), "Klarna 10,10 EUR");
        assert_eq!(spelled("Klarna \u{20ac}10.10", Charset::Utf8), "Klarna \u{20ac}10.10");
    }

    #[test]
    fn lines_fit_the_paper() {
        assert_eq!(fold("Klarna                 10,10 EUR", 24), ["Klarna         10,10 EUR"]);
        assert_eq!(fold("", 24), [""]);
        assert_eq!(fold("Dies ist kein Kassenbeleg", 24), ["Dies ist kein", "Kassenbeleg"]);
        assert_eq!(
            fold("S1-T1-20261121-000007-a1b2c3d4", 20),
            ["S1-T1-20261121-00000", "7-a1b2c3d4"]
        );
    }
}
