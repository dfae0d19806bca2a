//! What the bytes of a message say, and which of them nobody is to read.
//!
//! It goes through a message field by field and does not need to understand it: what it cannot
//! name is hidden.

use super::value::{
    amount, currency_of, digits, hex, in_words, number, progress_text, separated, status_text,
    totals,
};
use super::{Side, Words};
use crate::pos::zvt::apdu::{Apdu, Control};
use crate::pos::zvt::bcd::{Bcd as _, CurrencyCode};
use crate::pos::zvt::bmp::{self, Body};
use crate::pos::zvt::code::{Code, TerminalStatus};
use crate::pos::zvt::message::{Command, Progress, control};
use crate::pos::zvt::tlv;
use std::ops::Range;

/// What a line of a receipt begins with.
pub(super) const LINE_MARK: &str = "| ";

/// A message in words.
pub(super) struct Reading {
    /// Its name, then its fields.
    pub(super) words: Vec<String>,
    /// Per byte: not to be shown.
    pub(super) hidden: Vec<bool>,
}

/// What stands before a message's bitmaps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Head {
    Nothing,
    Password,
    Registration,
    Enquiry,
    Progress,
    Completion,
    Code,
    Line,
    Rate,
}

const TILL: &[(Control, &str, Head)] = &[
    (control::REGISTRATION, "registration", Head::Registration),
    (control::AUTHORISATION, "authorisation", Head::Nothing),
    (control::LOG_OFF, "log-off", Head::Nothing),
    (control::TOTALS, "totals", Head::Password),
    (control::REPRINT, "reprint", Head::Password),
    (control::RESET, "reset", Head::Nothing),
    (control::PRINT_CONFIGURATION, "print configuration", Head::Nothing),
    (control::SET_TERMINAL, "set terminal", Head::Password),
    (control::REPEAT_RECEIPT, "repeat receipt", Head::Password),
    (control::RESERVATION, "reservation", Head::Nothing),
    (control::PARTIAL_REVERSAL, "partial reversal", Head::Nothing),
    (control::BOOK_TOTAL, "book total", Head::Nothing),
    (control::CANCEL_RESERVATION, "cancel reservation", Head::Nothing),
    (control::REVERSAL, "reversal", Head::Password),
    (control::REFUND, "refund", Head::Password),
    (control::END_OF_DAY, "end of day", Head::Password),
    (control::DIAGNOSIS, "diagnosis", Head::Nothing),
    (control::SELF_TEST, "self-test", Head::Nothing),
    (control::SET_TIME, "set time", Head::Nothing),
    (control::INITIALISATION, "initialisation", Head::Password),
    (control::ABORT_COMMAND, "abort", Head::Nothing),
    (control::DISPLAY_TEXT, "display text", Head::Nothing),
    (control::STATUS_ENQUIRY, "status enquiry", Head::Enquiry),
    (control::BAUD_RATE, "baud rate", Head::Rate),
];

const TERMINAL: &[(Control, &str, Head)] = &[
    (control::INTERMEDIATE_STATUS, "intermediate status", Head::Progress),
    (control::STATUS_INFORMATION, "status information", Head::Nothing),
    (control::COMPLETION, "completion", Head::Completion),
    (control::ABORT, "abort", Head::Code),
    (control::PRINT_LINE, "print line", Head::Line),
    (control::PRINT_BLOCK, "print block", Head::Nothing),
];

/// Messages of both sides, for tests.
#[cfg(test)]
pub(super) const CONTROLS: &[Control] = &[
    control::REGISTRATION,
    control::REVERSAL,
    control::STATUS_ENQUIRY,
    control::DISPLAY_TEXT,
    control::STATUS_INFORMATION,
    control::INTERMEDIATE_STATUS,
    control::COMPLETION,
    control::ABORT,
    control::PRINT_BLOCK,
    [control::REFUSE_CLASS, 0x1E],
];

/// Puts a message in words.
pub(super) fn read(side: Side, bytes: &[u8], words: Words) -> Reading {
    let hidden = vec![true; bytes.len()];
    let mut reader =
        Reader { bytes, at: 0, context: words, words: Vec::new(), hidden, hides: false };
    match Apdu::parse(bytes) {
        Ok(apdu) => reader.message(side, &apdu),
        Err(error) => {
            reader.show(0..bytes.len().min(3));
            reader.words.push(error.to_string());
        }
    }
    Reading { words: reader.words, hidden: reader.hidden }
}

/// Everything is hidden until it is named.
struct Reader<'a> {
    bytes: &'a [u8],
    /// Everything before this is read.
    at: usize,
    context: Words,
    words: Vec<String>,
    hidden: Vec<bool>,
    /// A bitmap has been hidden.
    hides: bool,
}

impl<'a> Reader<'a> {
    fn message(&mut self, side: Side, apdu: &Apdu<'a>) {
        self.show(0..self.bytes.len() - apdu.data.len());
        self.at = self.bytes.len() - apdu.data.len();
        let currency = Body::read(apdu.data).ok().and_then(|body| currency_of(&body));
        self.context.currency = currency.unwrap_or(self.context.currency);
        let table = match side {
            Side::Till => TILL,
            Side::Terminal => TERMINAL,
        };
        let row = table.iter().find(|(control, ..)| *control == apdu.control);
        match (apdu.control, row) {
            (control::ACKNOWLEDGE | [control::REFUSE_CLASS, 0], _) => self.say("acknowledged"),
            ([control::REFUSE_CLASS, code], _) => self.refusal(code, apdu.data),
            (_, Some((_, name, head))) => {
                self.say(name);
                if let Some(()) = self.head(*head, apdu) {
                    self.bitmaps();
                }
            }
            ([class, instruction], None) => {
                let len = apdu.data.len();
                self.words.push(format!("unknown {class:02X} {instruction:02X}, {len} bytes"));
            }
        }
    }

    fn say(&mut self, words: &str) {
        // A control character would end a line, or hide one.
        let shown = |c: char| if c.is_control() { ' ' } else { c };
        self.words.push(words.chars().map(shown).collect());
    }

    fn show(&mut self, range: Range<usize>) {
        self.hidden[range].fill(false);
    }

    /// The next bytes, which stay hidden.
    fn skip(&mut self, len: usize) -> Option<&'a [u8]> {
        let bytes = self.bytes.get(self.at..self.at + len)?;
        self.at += len;
        Some(bytes)
    }

    /// The next bytes.
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let bytes = self.skip(len)?;
        self.show(self.at - len..self.at);
        Some(bytes)
    }

    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    fn refusal(&mut self, code: u8, data: &'a [u8]) {
        let text = match (code, data) {
            (0x1E, [0x6F, ..]) => "wrong currency".to_owned(),
            (code, _) => in_words(Code(code)),
        };
        self.words.extend(["refused".to_owned(), text]);
        match data {
            [0x6F, _, _] if code == 0x1E => {
                self.take(1);
                self.currency();
            }
            _ => self.bitmaps(),
        }
    }

    fn currency(&mut self) -> Option<()> {
        let code = self.take(CurrencyCode::WIDTH)?;
        let name = CurrencyCode::parse(code).ok().and_then(CurrencyCode::currency);
        match name {
            Some(currency) => self.words.push(format!("currency {currency}")),
            None => self.words.push(format!("currency {}", digits(code))),
        }
        Some(())
    }

    /// None when nothing that follows can be read.
    fn head(&mut self, head: Head, apdu: &Apdu<'a>) -> Option<()> {
        match head {
            Head::Nothing => {}
            Head::Password => drop(self.skip(3)?),
            Head::Registration => {
                self.skip(3)?;
                let config = self.take(1)?[0];
                self.words.push(format!("config {config:02X}"));
                if !matches!(self.rest(), [] | [0x03 | 0x06, ..]) {
                    self.currency()?;
                }
            }
            Head::Enquiry => match Command::parse(apdu) {
                Ok(Command::StatusEnquiry(asked)) if asked.password.is_none() => {}
                Ok(_) => drop(self.skip(3)?),
                // There may be a password in it.
                Err(_) => return None,
            },
            Head::Progress => {
                let progress = Progress(self.take(1)?[0]);
                self.words.push(format!("{:02X}{}", progress.0, progress_text(progress)));
                if let Some(minutes) = self.take(1) {
                    let minutes = digits(minutes);
                    let minutes = minutes.trim_start_matches('0');
                    self.words.push(format!("at most {minutes} min"));
                }
            }
            Head::Completion => self.completion()?,
            Head::Code => {
                let code = Code(self.take(1)?[0]);
                self.words.push(in_words(code));
                if code == Code::WRONG_CURRENCY && self.rest().len() == CurrencyCode::WIDTH {
                    self.currency()?;
                }
            }
            Head::Line => {
                let attribute = self.take(1)?[0];
                self.words.push(format!("attribute {attribute:02X}"));
                let text = self.take(self.rest().len())?;
                self.say(&format!("{LINE_MARK}{}", self.context.charset.decode(text)));
            }
            Head::Rate => {
                let rate = self.take(1)?[0];
                self.words.push(format!("code {rate:02X}"));
            }
        }
        Some(())
    }

    /// As a completion is read: a version or a status byte, or bitmaps.
    fn completion(&mut self) -> Option<()> {
        match self.rest() {
            [] | [0x19 | 0x29 | 0x49 | 0x06, _, ..] => return Some(()),
            [0xF0..=0xF9, 0xF0..=0xF9, 0xF0..=0xF9, rest @ ..] => {
                let (len, _) = bmp::decimal_length(self.rest(), 3)??;
                rest.get(..len)?;
                self.take(3)?;
                let version = self.take(len)?;
                self.say(&format!("version {}", self.context.charset.decode(version)));
            }
            _ => {}
        }
        let status = TerminalStatus(self.take(1)?[0]);
        self.words.push(format!("status {:02X}{}", status.0, status_text(status)));
        Some(())
    }

    fn bitmaps(&mut self) {
        let (from, body) = (self.at, self.rest());
        let mut fields = bmp::fields(body);
        while let Some(field) = fields.next() {
            match field {
                Ok(field) => {
                    let end = from + body.len() - fields.rest().len();
                    self.show(self.at..end - field.value.len());
                    self.bitmap(field, end - field.value.len()..end);
                    self.at = end;
                }
                // What is taken for a number may be a digit of a card.
                Err(_) if self.hides => self.say("the rest cannot be read"),
                Err(error) => {
                    self.show(self.at..self.at + 1);
                    self.words.push(error.to_string());
                }
            }
        }
    }

    fn bitmap(&mut self, field: bmp::Field<'a>, range: Range<usize>) {
        let value = field.value;
        let text = || self.context.charset.decode(value).trim_end_matches('\0').to_owned();
        let words = match field.number {
            0x04 => amount(value, self.context.currency),
            0x06 => {
                self.container(range);
                return;
            }
            // Said with the amount.
            0x49 if self.words.iter().any(|word| word.starts_with("amount")) => {
                self.show(range);
                return;
            }
            0x49 => format!("currency {}", self.context.currency),
            0x87 if value == [0xFF, 0xFF] => "all open".to_owned(),
            0x0B | 0x29 | 0x37 | 0x87 | 0x88 => {
                format!("{} {}", bmp::name(field.number), digits(value))
            }
            0x0C => format!("time {}", separated(value, ":")),
            0x0D | 0xAA => format!("date {}", separated(value, "-")),
            0x27 => format!("result {}", in_words(Code(value[0]))),
            0x3C => format!("text {:?}", text()),
            0x8B => format!("card name {:?}", text()),
            0x2A => format!("contract {:?}", text()),
            0x8A => format!("card type {}", value[0]),
            0x60 => {
                self.words.extend(totals(value, self.context.currency));
                self.show(range);
                return;
            }
            0xF0 => format!("for {} s", value[0]),
            0x19 if self.words.first().is_some_and(|name| name == "completion") => {
                format!("status {:02X}", value[0])
            }
            0x01 | 0x02 | 0x03 | 0x05 | 0x19 | 0x8C | 0xA0 => {
                format!("{} {:02X}", bmp::name(field.number), value[0])
            }
            number => {
                let name = match bmp::name(number) {
                    "" => format!("bitmap {number:02X}"),
                    name => name.to_owned(),
                };
                self.words.push(format!("{name} of {} bytes", value.len()));
                self.hides = true;
                return;
            }
        };
        self.show(range);
        self.say(&words);
    }

    fn container(&mut self, range: Range<usize>) {
        let container = &self.bytes[range.clone()];
        let mut items = tlv::items(container);
        let mut at = range.start;
        while let Some(item) = items.next() {
            let Ok(item) = item else {
                self.words.push("container that cannot be read".to_owned());
                return;
            };
            let end = range.end - items.rest().len();
            self.show(at..end - item.value.len());
            self.item(item, end - item.value.len()..end);
            at = end;
        }
    }

    fn item(&mut self, item: tlv::Item<'a>, range: Range<usize>) {
        let value = item.value;
        let first = value.first().copied().unwrap_or_default();
        let words = match item.tag.0 {
            // Texts of a status, lines of a receipt, commands, code pages.
            0x24..=0x27 => return self.container(range),
            0x07 => format!("{LINE_MARK}{}", self.context.charset.decode(value)),
            0x09 if first & 0x80 != 0 => "end of receipt".to_owned(),
            0x09 => format!("attribute {first:02X}"),
            0x0A => format!("understands {}", hex(value)),
            0x12 => format!("{first} characters"),
            0x14 => format!("code page {}", hex(value)),
            0x1A => format!("at most {} bytes", number(value)),
            0x1B => format!("kind {}", hex(value)),
            0x1F04 => format!("receipt parameter {}", hex(value)),
            0x1F07 => match first {
                1 => "merchant's copy".to_owned(),
                2 => "customer's copy".to_owned(),
                3 => "administration".to_owned(),
                kind => format!("receipt kind {kind}"),
            },
            _ => {
                self.words.push(format!("tag {:?} of {} bytes", item.tag, value.len()));
                return;
            }
        };
        self.show(range);
        self.say(&words);
    }
}
