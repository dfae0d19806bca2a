//! Who listens to the wire and to what the session asks: the truth about acknowledgements, and the
//! bugs that are put in between session and engine.

use super::super::Millis;
use super::super::canary::Canary;
use super::book::Book;
use super::wire::Side;
use klarna_terminald::payment::event::OperationProgress;
use klarna_terminald::payment::vocabulary::{
    OperationKind, OperationResult, Problem, Reply, Request, SaleName, SaleOutcome, Status,
};
use klarna_terminald::pos::TillEvent;
use klarna_terminald::pos::zvt::apdu::Apdu;
use klarna_terminald::pos::zvt::frame::{self, Deframer};
use klarna_terminald::pos::zvt::message::control;
use klarna_terminald::pos::zvt::session::Line;
use klarna_terminald::pos::zvt::stream::{self, Splitter};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Between two characters of a frame.
const T1: Millis = 200;
/// How much of the dialogue is shown when something is wrong.
const SHOWN: usize = 60;

enum Said {
    Sent(Side, Vec<u8>),
    Note(String),
}

pub struct Watch {
    line: Line,
    deframer: Deframer,
    last_byte: Millis,
    splitter: Splitter,
    /// The last APDU that came to the terminal.
    last: Vec<u8>,
    /// An approved result was written since the sale began; a positive answer came after it.
    written: bool,
    confirmed: bool,
    /// A positive answer came while no result was out.
    pub stray: bool,
    acknowledged: BTreeSet<String>,
    /// Which sale of the till's book a reference stands for.
    pub sold: BTreeMap<String, usize>,
    /// Runs of the terminal, and in which one the newest sale was begun.
    runs: u32,
    begun: u32,
    /// What could not be recorded.
    refused: BTreeSet<String>,
    /// Results that were approved once.
    approved: BTreeSet<String>,
    /// Returns that the canary has swallowed, to be told as done.
    swallowed: Vec<Reply>,
    lines: Vec<(Millis, usize, Said)>,
    /// With the sale of the till's book that it is about.
    pub wrongs: Vec<(Option<usize>, String)>,
}

impl Watch {
    pub fn new(line: Line) -> Self {
        Self {
            line,
            deframer: Deframer::new(),
            last_byte: 0,
            splitter: Splitter::new(),
            last: Vec::new(),
            written: false,
            confirmed: false,
            stray: false,
            acknowledged: BTreeSet::new(),
            sold: BTreeMap::new(),
            runs: 0,
            begun: 0,
            refused: BTreeSet::new(),
            approved: BTreeSet::new(),
            swallowed: Vec::new(),
            lines: Vec::new(),
            wrongs: Vec::new(),
        }
    }

    /// A new connection.
    pub fn restart(&mut self) {
        self.splitter = Splitter::new();
    }

    /// A new run of the terminal: what it has heard before, it has forgotten.
    pub fn starts(&mut self) {
        self.runs += 1;
        (self.splitter, self.deframer) = (Splitter::new(), Deframer::new());
    }

    pub fn note(&mut self, t: Millis, what: impl Into<String>) {
        let sale = self.sold.len();
        self.lines.push((t, sale, Said::Note(what.into())));
    }

    pub fn sent(&mut self, t: Millis, to: Side, bytes: &[u8]) {
        if to == Side::Till {
            let apdu = match self.line {
                Line::Serial => Deframer::new().feed(bytes).into_iter().find_map(apdu_of_frame),
                Line::Tcp => Some(bytes.to_vec()),
            };
            let approved = |apdu: Vec<u8>| {
                let apdu = Apdu::parse(&apdu).ok()?;
                let is_result = apdu.control == control::STATUS_INFORMATION;
                Some(is_result && apdu.data.starts_with(&[0x27, 0x00]))
            };
            self.written |= apdu.and_then(approved).unwrap_or(false);
        }
        self.lines.push((t, self.sold.len(), Said::Sent(to, bytes.to_vec())));
    }

    /// Bytes have come to the terminal; whether a payment is asked for with the same frame again.
    pub fn arrives(&mut self, t: Millis, bytes: &[u8]) -> bool {
        if self.deframer.in_frame() && t >= self.last_byte + T1 {
            self.deframer.abandon();
        }
        self.last_byte = t;
        let apdus: Vec<Vec<u8>> = match self.line {
            Line::Serial => {
                self.deframer.feed(bytes).into_iter().filter_map(apdu_of_frame).collect()
            }
            Line::Tcp => {
                let apdu = |received| match received {
                    stream::Received::Apdu(apdu) => Some(apdu),
                    stream::Received::TooLong(_) => None,
                };
                self.splitter.feed(bytes).into_iter().filter_map(apdu).collect()
            }
        };
        let mut repeated = false;
        for apdu in apdus {
            let positive = matches!(apdu[..], [0x80, 0, ..] | [0x84, 0, ..]);
            self.confirmed |= positive && self.written;
            self.stray |= positive && !self.written;
            repeated |= apdu.starts_with(&control::AUTHORISATION) && apdu == self.last;
            self.last = apdu;
        }
        repeated
    }

    /// The session asks the engine for something; what the engine gets to hear.
    pub fn asked(
        &mut self,
        t: Millis,
        event: TillEvent,
        book: &mut Book,
        canary: Option<Canary>,
    ) -> TillEvent {
        self.note(t, format!("the session: {event:?}"));
        let TillEvent::Request(request) = &event else { return event };
        match (request, canary) {
            (Request::Sale(sale), _) => {
                self.begins(sale.reference.as_str(), sale.amount.minor(), book);
            }
            (Request::Refund(asked), None) => self.gives_back(asked.reference.as_str(), book),
            (Request::Acknowledge { reference }, _) => {
                let first = self.acknowledged.insert(reference.to_string());
                let sale = self.sold.get(reference.as_str()).and_then(|sale| book.sales.get(*sale));
                if first && !(self.confirmed && sale.is_some_and(|sale| sale.acknowledged)) {
                    let wrong = format!("{reference} is acknowledged, and nobody has said so");
                    self.wrongs.push((self.sold.get(reference.as_str()).copied(), wrong));
                }
            }
            (
                Request::Void(asked),
                Some(canary @ (Canary::KeepsUnacknowledged | Canary::StrayConfirms)),
            ) if self.stray || canary == Canary::KeepsUnacknowledged => {
                if let SaleName::Till(reference) = &asked.sale {
                    let reference = reference.clone();
                    self.note(t, "the canary keeps it");
                    return TillEvent::Request(Request::Acknowledge { reference });
                }
            }
            (Request::Refund(asked), Some(Canary::ForgetsReturns)) => {
                let amount = asked.amount.unwrap_or_else(|| super::super::transaction::euros(1));
                self.swallowed.push(Reply::Operation(Box::new(OperationResult {
                    reference: asked.reference.clone(),
                    sale: asked.reference.clone(),
                    transaction: None,
                    kind: OperationKind::Refund,
                    amount,
                    progress: OperationProgress::Done,
                })));
                let reference = asked.reference.clone();
                return TillEvent::Request(Request::Status { reference });
            }
            _ => {}
        }
        event
    }

    /// A sale is asked for: it belongs to the last payment that the till has asked for.
    fn begins(&mut self, reference: &str, amount: i64, book: &mut Book) {
        if self.sold.contains_key(reference) {
            return;
        }
        (self.written, self.confirmed, self.stray) = (false, false, false);
        let Some(index) = book.sales.len().checked_sub(1) else {
            let wrong = format!("{reference} is sold, and nobody has asked for it");
            return self.wrongs.push((None, wrong));
        };
        if i64::try_from(book.sales[index].amount) != Ok(amount) {
            let wrong = format!("{amount} is asked for, and the till has said something else");
            self.wrongs.push((Some(index), wrong));
        }
        let refused = &self.refused;
        let references = &mut book.sales[index].references;
        references.retain(|reference| !refused.contains(reference));
        references.push(reference.to_owned());
        self.sold.insert(reference.to_owned(), index);
        // A terminal that has just started cannot know that a frame is a repeated one.
        if references.len() > 1 && self.begun == self.runs {
            let wrong = format!("sale {index} was asked for once, and is {references:?}");
            self.wrongs.push((Some(index), wrong));
        }
        self.begun = self.runs;
    }

    /// A return is asked for, maybe not for the first time.
    fn gives_back(&mut self, reference: &str, book: &mut Book) {
        let Some(of_it) = book.returning else {
            return self.wrongs.push((None, "nobody has asked for a return".to_owned()));
        };
        let references = &mut book.return_mut(of_it).references;
        if !references.iter().any(|known| known == reference) {
            references.push(reference.to_owned());
        }
    }

    /// The engine says something; what the session gets to hear.
    pub fn answered(&mut self, mut reply: Reply, canary: Option<Canary>) -> Reply {
        match &mut reply {
            Reply::Result(result) if result.outcome == SaleOutcome::Approved => {
                self.approved.insert(result.reference.to_string());
            }
            Reply::Refused { reference: Some(reference), problem: Problem::OutOfService(_) } => {
                self.refused.insert(reference.to_string());
            }
            Reply::Status { reference, status } => {
                let asked = reference.clone();
                let told = self.swallowed.iter().position(|r| r.reference() == Some(&asked));
                if let Some(told) = told {
                    return self.swallowed.remove(told);
                }
                if let (Status::Done(result, _), Some(Canary::RepeatsApproved)) = (status, canary)
                    && self.approved.contains(result.reference.as_str())
                {
                    result.outcome = SaleOutcome::Approved;
                }
            }
            _ => {}
        }
        reply
    }

    /// The last words about sale number `sale` of the till, or the last words at all.
    pub fn about(&self, sale: Option<usize>) -> String {
        let near = |of: usize| sale.is_none_or(|sale| of == sale || of == sale + 1);
        let lines: Vec<_> = self.lines.iter().filter(|(_, of, _)| near(*of)).collect();
        show(&lines[lines.len().saturating_sub(SHOWN)..])
    }

    /// The whole dialogue.
    pub fn whole(&self) -> String {
        show(&self.lines.iter().collect::<Vec<_>>())
    }
}

fn show(lines: &[&(Millis, usize, Said)]) -> String {
    let mut text = String::new();
    for (at, _, line) in lines {
        let _ = match line {
            Said::Note(note) => writeln!(text, "    {at:>9} -- {note}"),
            Said::Sent(to, bytes) => {
                let arrow = if *to == Side::Till { "PT >" } else { "   < ECR" };
                let bytes: Vec<String> = bytes.iter().map(|b| format!("{b:02X}")).collect();
                writeln!(text, "    {at:>9} {arrow} {}", bytes.join(" "))
            }
        };
    }
    text
}

fn apdu_of_frame(received: frame::Received) -> Option<Vec<u8>> {
    match received {
        frame::Received::Apdu(apdu) => Some(apdu),
        _ => None,
    }
}
