//! What the terminal says, in words for a cashier: one line that nobody can mistake for each
//! result.

use super::operation::Operation;
use crate::money::Currency;
use crate::pos::zvt::bcd::MinorUnits;
use crate::pos::zvt::code::Code;
use crate::pos::zvt::message::{
    Abort, Answer, Completion, IntermediateStatus, PrintLine, ReceiptKind, ReceiptName,
    StatusInformation, Style, Totals,
};
use crate::pos::zvt::till::{Ending, Event, Outcome};

/// How an operation has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Verdict {
    /// Paid, or done.
    Done,
    /// Not paid, or refused.
    Not,
    /// Nobody knows.
    Unknown,
}

/// Prints what is said while a command runs.
#[derive(Debug)]
pub(in crate::cli) struct Paper {
    width: usize,
    /// Said last about what the terminal does, so that it is not said again and again.
    progress: String,
    /// The last result, also of a command that has failed.
    result: Option<StatusInformation>,
    is_printing: bool,
}

impl Paper {
    pub(in crate::cli) fn new(width: usize) -> Self {
        Self { width, progress: String::new(), result: None, is_printing: false }
    }

    /// Lines for what was heard; none for what says nothing to a cashier.
    pub(in crate::cli) fn lines(&mut self, event: &Event) -> Vec<String> {
        match event {
            Event::Heard(Answer::IntermediateStatus(status)) => self.progress(status),
            Event::Heard(Answer::StatusInformation(status)) => {
                self.result = Some(status.as_ref().clone());
                Vec::new()
            }
            Event::Heard(Answer::PrintLine(line)) => self.line(line),
            Event::Heard(Answer::PrintBlock(block)) => {
                let kind = match block.kind {
                    ReceiptKind::Merchant => "merchant's copy",
                    ReceiptKind::Customer => "customer's copy",
                    ReceiptKind::Administration => "for the shop",
                };
                let mut lines = self.begin(kind);
                lines.extend(block.lines.iter().map(|line| format!("    {line}")));
                lines.extend(block.last.then(|| self.cut()));
                lines
            }
            Event::AbortAnswered(true) => vec!["the terminal aborts".to_owned()],
            Event::AbortAnswered(false) => {
                vec!["too late to abort; the terminal goes on".to_owned()]
            }
            Event::Heard(_) | Event::Taken | Event::Ended(_) => Vec::new(),
        }
    }

    fn progress(&mut self, status: &IntermediateStatus) -> Vec<String> {
        let own = status.details.as_ref().and_then(|details| details.text.clone());
        let text = match (own, status.progress.text()) {
            (Some(text), _) => text,
            (None, "") => format!("busy ({:02X})", status.progress.0),
            (None, text) => text.to_owned(),
        };
        if std::mem::replace(&mut self.progress, text.clone()) == text {
            return Vec::new();
        }
        vec![format!("terminal: {text}")]
    }

    fn line(&mut self, line: &PrintLine) -> Vec<String> {
        let mut lines = self.begin("receipt");
        let text = match line.style.0 & Style::CENTRED.0 {
            0 => line.text.clone(),
            _ => format!("{:^width$}", line.text.trim(), width = self.width),
        };
        lines.push(format!("    {}", text.trim_end()));
        lines.extend(line.last.then(|| self.cut()));
        lines
    }

    fn begin(&mut self, title: &str) -> Vec<String> {
        match std::mem::replace(&mut self.is_printing, true) {
            true => Vec::new(),
            false => vec![format!("    {:-<width$}", format!("-- {title} "), width = self.width)],
        }
    }

    fn cut(&mut self) -> String {
        self.is_printing = false;
        format!("    {}", "-".repeat(self.width))
    }

    /// A receipt of what the result says, for a till that is sent none.
    pub(super) fn composed(&mut self, outcome: &Outcome, currency: Currency) -> Vec<String> {
        let Outcome::Done(ending) = outcome else { return Vec::new() };
        let Some(result) = ending.result.as_ref().filter(|result| result.receipt.is_some()) else {
            return Vec::new();
        };
        let row = |name: &str, value: Option<String>| {
            let value = value?;
            let room = self.width.saturating_sub(name.chars().count());
            Some(format!("    {name}{value:>room$}"))
        };
        let amount = result.amount.map(|units| shown(units, result, currency));
        let rows = [
            result.card_name.as_ref().map(|name| format!("    {name}")),
            row("Amount", amount),
            row("Receipt", result.receipt.map(|number| number.to_string())),
            row("Trace", result.trace.map(|number| number.to_string())),
            row("Turnover", result.turnover.map(|number| number.to_string())),
            row("Terminal", result.terminal.map(|number| number.to_string())),
            result.text.as_ref().map(|text| format!("    {text}")),
        ];
        let mut lines = self.begin("receipt");
        lines.extend(rows.into_iter().flatten());
        lines.push(self.cut());
        lines
    }

    /// The line at the end, and how it has gone.
    pub(in crate::cli) fn verdict(
        &self,
        operation: &Operation,
        outcome: &Outcome,
        currency: Currency,
    ) -> (String, Verdict) {
        let (good, bad) = heading(operation);
        match outcome {
            Outcome::Done(ending) if operation.needs_result() && ending.result.is_none() => {
                let why = "the terminal has ended without a result";
                (format!("UNKNOWN: {why}{}", operation.advice()), Verdict::Unknown)
            }
            Outcome::Done(ending) => {
                let details = details(operation, ending, currency);
                let good = if is_no_sale(operation, ending) { "LAST RESULT" } else { good };
                (format!("{good}{details}"), Verdict::Done)
            }
            Outcome::Failed(abort) if *operation == Operation::Repeat => match &self.result {
                Some(_) => (format!("NOT PAID: {}", reason(abort)), Verdict::Not),
                None => (format!("{bad}: {}", reason(abort)), Verdict::Not),
            },
            Outcome::Failed(abort) | Outcome::Refused(abort) => {
                (format!("{bad}: {}", reason(abort)), Verdict::Not)
            }
            Outcome::Unknown(doubt) => {
                (format!("UNKNOWN: {doubt}{}", operation.advice()), Verdict::Unknown)
            }
        }
    }
}

/// The last result was a return's or a closing's: only a sale has a trace number.
fn is_no_sale(operation: &Operation, ending: &Ending) -> bool {
    let sale = ending.result.as_ref().is_some_and(|result| result.trace.is_some());
    *operation == Operation::Repeat && !sale
}

/// What is said when it went well, and when it did not.
fn heading(operation: &Operation) -> (&'static str, &'static str) {
    match operation {
        Operation::Register => ("REGISTERED", "NOT REGISTERED"),
        Operation::Pay { .. } => ("PAID", "NOT PAID"),
        Operation::Abort => ("ABORTED", "NOT ABORTED"),
        Operation::Reverse { .. } => ("REVERSED", "NOT REVERSED"),
        Operation::Refund { .. } => ("REFUNDED", "NOT REFUNDED"),
        Operation::Repeat => ("PAID", "NOT REPEATED"),
        Operation::EndOfDay => ("CLOSED", "NOT CLOSED"),
        Operation::Totals => ("TOTALS", "NO TOTALS"),
        Operation::Status => ("STATUS", "NO STATUS"),
        Operation::Reserve { .. } => ("RESERVED", "NOT RESERVED"),
        Operation::Book { .. } => ("BOOKED", "NOT BOOKED"),
        Operation::Cancel { .. } => ("CANCELLED", "NOT CANCELLED"),
        Operation::Diagnosis | Operation::Initialise | Operation::LogOff | Operation::Reprint => {
            ("DONE", "NOT DONE")
        }
    }
}

impl Operation {
    /// Without `04 0F` it has not been said whether it was done.
    fn needs_result(&self) -> bool {
        matches!(
            self,
            Self::Pay { .. }
                | Self::Reserve { .. }
                | Self::Reverse { .. }
                | Self::Refund { .. }
                | Self::Book { .. }
                | Self::Repeat
        )
    }

    /// What to do when nobody knows.
    pub(in crate::cli) fn advice(&self) -> &'static str {
        match self {
            Self::Pay { .. }
            | Self::Reserve { .. }
            | Self::Repeat
            | Self::Reverse { .. }
            | Self::Refund { .. }
            | Self::Book { .. }
            | Self::Cancel { .. }
            | Self::EndOfDay => "; ask with: repeat",
            Self::Register
            | Self::Abort
            | Self::Totals
            | Self::Status
            | Self::Diagnosis
            | Self::Initialise
            | Self::LogOff
            | Self::Reprint => "",
        }
    }
}

fn details(operation: &Operation, ending: &Ending, currency: Currency) -> String {
    match &ending.completion {
        Completion::Registered(registered) => {
            let terminal = registered.terminal.map(|terminal| format!(" terminal {terminal}"));
            let currency = registered.currency.and_then(|currency| currency.currency());
            let currency = currency.map(|currency| format!(" {currency}"));
            [terminal, currency].into_iter().flatten().collect()
        }
        Completion::Status(report) => {
            let text = match report.status.text() {
                "" => "not known",
                text => text,
            };
            let version = report.version.as_ref().map(|version| format!(", software {version}"));
            format!(": {text} ({:02X}){}", report.status.0, version.unwrap_or_default())
        }
        Completion::Done => match &ending.result {
            Some(result) => money(operation, result, currency),
            None => String::new(),
        },
    }
}

fn money(operation: &Operation, result: &StatusInformation, currency: Currency) -> String {
    let shown = |units: MinorUnits| shown(units, result, currency);
    let mut text = String::new();
    if let Some(amount) = result.amount {
        text.push_str(&format!(" {}", shown(amount)));
        if let Some(asked) = operation.amount(currency).filter(|asked| *asked != amount) {
            text.push_str(&format!(" INSTEAD OF {}", shown(asked)));
        }
    }
    if let Some(receipt) = result.receipt {
        text.push_str(&format!(" receipt {receipt}"));
    }
    if let (Some(totals), Operation::EndOfDay | Operation::Totals) = (&result.totals, operation) {
        text.push_str(&format!(", {} payment(s)", count(totals)));
    }
    text
}

/// An amount in the result's currency, or else in the till's.
fn shown(units: MinorUnits, result: &StatusInformation, currency: Currency) -> String {
    let currency = result.currency.and_then(|code| code.currency()).unwrap_or(currency);
    format!("{} {currency}", units.amount(currency).decimal())
}

fn count(totals: &Totals) -> u32 {
    totals.groups.iter().map(|group| u32::from(group.count)).sum()
}

fn reason(abort: &Abort) -> String {
    let coded = |code: Code| format!("{} ({:02X})", code.meaning(), code.0);
    match abort {
        Abort::Code(code) => coded(*code),
        Abort::WrongCurrency(ours) => {
            let name = ours.currency().map_or(ours.to_string(), |currency| currency.to_string());
            format!("{}, the terminal takes {name}", coded(Code::WRONG_CURRENCY))
        }
        Abort::Reservation(ReceiptName::Number(receipt)) => {
            format!("{}, receipt {receipt}", coded(Code::PRE_AUTHORISATION))
        }
        Abort::Reservation(ReceiptName::AllOpen) => {
            format!("{}, none is open", coded(Code::PRE_AUTHORISATION))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pos::zvt::bcd::{CurrencyCode, Receipt, Trace};
    use crate::pos::zvt::till::Doubt;

    fn euro() -> Currency {
        Currency::new("EUR").expect("a currency")
    }

    fn pay() -> Operation {
        Operation::Pay { amount: "10.10".to_owned() }
    }

    fn reverse() -> Operation {
        Operation::Reverse { receipt: Receipt::new(10).expect("four digits") }
    }

    fn done(result: Option<StatusInformation>) -> Outcome {
        Outcome::Done(Box::new(Ending { completion: Completion::Done, result }))
    }

    fn paid(minor: u64) -> Outcome {
        done(Some(StatusInformation {
            amount: MinorUnits::new(minor).ok(),
            receipt: Receipt::new(10).ok(),
            ..StatusInformation::new(Code::OK)
        }))
    }

    fn check(operation: &Operation, outcome: &Outcome, line: &str, verdict: Verdict) {
        let said = Paper::new(40).verdict(operation, outcome, euro());
        assert_eq!(said, (line.to_owned(), verdict));
    }

    #[test]
    fn paid_and_not_paid_and_unknown() {
        let code = |code| Outcome::Failed(Abort::Code(code));
        check(&pay(), &paid(1010), "PAID 10.10 EUR receipt 0010", Verdict::Done);
        let other = "PAID 9.09 EUR INSTEAD OF 10.10 EUR receipt 0010";
        check(&pay(), &paid(909), other, Verdict::Done);
        check(&pay(), &code(Code::ABORTED), "NOT PAID: aborted (6C)", Verdict::Not);
        let host = "NOT PAID: refused by the payment service (33)";
        check(&pay(), &code(Code(0x33)), host, Verdict::Not);
        check(&pay(), &code(Code(0xEE)), "NOT PAID: no reason that is known (EE)", Verdict::Not);
        let swiss = CurrencyCode::of(Currency::new("CHF").expect("a currency"));
        let refused = Outcome::Refused(Abort::WrongCurrency(swiss.expect("it has a code")));
        let line = "NOT PAID: wrong currency (6F), the terminal takes CHF";
        check(&pay(), &refused, line, Verdict::Not);
        let lost = Outcome::Unknown(Doubt::Lost);
        let line = "UNKNOWN: the connection is lost; ask with: repeat";
        check(&pay(), &lost, line, Verdict::Unknown);
        let line = "UNKNOWN: the terminal has ended without a result; ask with: repeat";
        check(&pay(), &done(None), line, Verdict::Unknown);
    }

    #[test]
    fn the_last_result_is_called_paid_only_when_it_is_a_sale() {
        check(&reverse(), &paid(1010), "REVERSED 10.10 EUR receipt 0010", Verdict::Done);
        let line = "UNKNOWN: the terminal does not answer; ask with: repeat";
        check(&reverse(), &Outcome::Unknown(Doubt::NoAnswer), line, Verdict::Unknown);
        let line = "LAST RESULT 10.10 EUR receipt 0010";
        check(&Operation::Repeat, &paid(1010), line, Verdict::Done);
        let trace = Trace::new(10).ok();
        let sale = StatusInformation { trace, ..StatusInformation::new(Code::OK) };
        check(&Operation::Repeat, &done(Some(sale)), "PAID", Verdict::Done);
    }

    #[test]
    fn what_the_terminal_cannot_do() {
        let refused = Outcome::Refused(Abort::Code(Code::NOT_POSSIBLE));
        let line = "NO TOTALS: the terminal cannot do this (83)";
        check(&Operation::Totals, &refused, line, Verdict::Not);
        let none_open = Outcome::Failed(Abort::Reservation(ReceiptName::AllOpen));
        let receipt = Receipt::new(1).expect("four digits");
        let line = "NOT CANCELLED: pre-authorisation error (B8), none is open";
        check(&Operation::Cancel { receipt }, &none_open, line, Verdict::Not);
        check(&Operation::LogOff, &done(None), "DONE", Verdict::Done);
    }

    #[test]
    fn a_till_that_is_sent_no_receipt_makes_one() {
        let mut paper = Paper::new(20);
        assert_eq!(
            paper.composed(&paid(1010), euro()),
            [
                "    -- receipt ---------",
                "    Amount     10.10 EUR",
                "    Receipt         0010",
                "    --------------------"
            ]
        );
        assert_eq!(paper.composed(&done(None), euro()), Vec::<String>::new());
    }

    #[test]
    fn receipts_are_cut_and_progress_is_said_once() {
        let mut paper = Paper::new(16);
        let line = |text: &str, style, last| {
            let text = text.to_owned();
            Event::Heard(Answer::PrintLine(PrintLine { style, text, last }))
        };
        let mut lines = paper.lines(&line("Klarna", Style::CENTRED, false));
        lines.extend(paper.lines(&line("PAID", Style::NORMAL, true)));
        assert_eq!(
            lines,
            ["    -- receipt -----", "         Klarna", "    PAID", "    ----------------"]
        );
        let progress = crate::pos::zvt::message::Progress::WAITING;
        let waits = Event::Heard(Answer::IntermediateStatus(IntermediateStatus {
            progress,
            details: None,
        }));
        assert_eq!(paper.lines(&waits), ["terminal: please wait"]);
        assert_eq!(paper.lines(&waits), Vec::<String>::new());
    }
}
