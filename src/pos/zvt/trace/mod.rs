//! A dialogue as text: every message's bytes, and beside them what they say. The same text is read
//! back, so a dialogue that was recorded once can be played again.
//!
//! ```text
//! till > 06 01 0A 04 00 00 00 00 10 10 49 09 78           ; authorisation: amount 10.10 EUR
//! term < 80 00 00                                         ; acknowledged
//! ```
//! A line that begins with blanks goes on with the message before it. What follows a semicolon is
//! for people and is not read. `ACK`, `NAK`, `damaged` and `noise 3` are what else a serial line
//! carries.
//!
//! Nothing personal and no secret is in the text: passwords, card data, texts for the display and
//! everything that is not known are written as `**`, which reads back as 00.

mod value;
mod words;

use super::charset::Charset;
use super::frame::{self, Deframer};
use super::stream::{self, Splitter};
use super::transport::T1;
use crate::clock::Mono;
use crate::money::Currency;
use std::fmt::Write as _;
use std::time::Duration;

/// Bytes in a line.
const ROW_LEN: usize = 16;
/// Characters of a line's bytes.
const HEX_WIDTH: usize = 3 * ROW_LEN - 1;
/// Characters of the words beside them, as long as no single word is longer.
const WORDS_WIDTH: usize = 42;
/// What stands before a message that goes on in another line.
const INDENT: &str = "       ";
/// A pause that is worth a line.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// Who has said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The till (ECR).
    Till,
    /// The terminal (PT).
    Terminal,
}

impl Side {
    fn mark(self) -> &'static str {
        match self {
            Self::Till => "till >",
            Self::Terminal => "term <",
        }
    }
}

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// An APDU, its header included.
    Apdu(Vec<u8>),
    /// A frame has arrived; serial line only.
    Ack,
    /// A frame has arrived damaged; serial line only.
    Nak,
    /// A frame with a wrong checksum, or a message that is too long.
    Damaged,
    /// So many bytes that belong to no frame.
    Noise(usize),
}

/// One message of a dialogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Who has said it.
    pub side: Side,
    /// What was said.
    pub said: Said,
}

/// How bytes are put in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// The code page of texts.
    pub charset: Charset,
    /// The currency of amounts that name none.
    pub currency: Currency,
}

/// Why a text is no dialogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// The line neither begins nor continues a message.
    #[error("line {0} begins with neither \"till >\" nor \"term <\"")]
    Side(usize),
    /// Something in the line is no byte.
    #[error("line {0}: {1:?} is neither two hexadecimal digits nor **")]
    Byte(usize, String),
}

impl Entry {
    /// The message as lines, each with its line end.
    pub fn write(&self, words: Words) -> String {
        let (rows, said) = match &self.said {
            Said::Apdu(bytes) => {
                let reading = words::read(self.side, bytes, words);
                (hex_rows(bytes, &reading.hidden), fold(&reading.words))
            }
            Said::Ack => (vec!["ACK".to_owned()], Vec::new()),
            Said::Nak => (vec!["NAK".to_owned()], vec!["send it again".to_owned()]),
            Said::Damaged => (vec!["damaged".to_owned()], Vec::new()),
            Said::Noise(len) => (vec![format!("noise {len}")], Vec::new()),
        };
        let mut text = String::new();
        for row in 0..rows.len().max(said.len()).max(1) {
            let mark = if row == 0 { self.side.mark() } else { INDENT.trim_end_matches(' ') };
            let bytes = rows.get(row).map_or("", String::as_str);
            let line = match said.get(row) {
                Some(said) => format!("{mark:<6} {bytes:<HEX_WIDTH$}  ; {said}"),
                None => format!("{mark:<6} {bytes}"),
            };
            // Writing into a String does not fail.
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text
    }
}

/// A whole dialogue as text.
pub fn write(entries: &[Entry], words: Words) -> String {
    entries.iter().map(|entry| entry.write(words)).collect()
}

fn hex_rows(bytes: &[u8], hidden: &[bool]) -> Vec<String> {
    let is_hidden = |index: usize| hidden.get(index).copied().unwrap_or(true);
    let shown = |(index, byte): (usize, &u8)| match is_hidden(index) {
        true => "**".to_owned(),
        false => format!("{byte:02X}"),
    };
    let bytes: Vec<String> = bytes.iter().enumerate().map(shown).collect();
    bytes.chunks(ROW_LEN).map(|row| row.join(" ")).collect()
}

/// The name, then as many fields in a line as fit. A line of a receipt has one to itself.
fn fold(words: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let separator = if index == 1 { ": " } else { ", " };
        let own = word.starts_with(words::LINE_MARK);
        match lines.last_mut() {
            Some(line)
                if !own
                    && !line.starts_with(words::LINE_MARK)
                    && line.chars().count() + word.chars().count() + 2 <= WORDS_WIDTH =>
            {
                line.push_str(separator);
                line.push_str(word);
            }
            _ => lines.push(word.clone()),
        }
    }
    lines
}

/// Reads a dialogue that [`write()`] has written, or that a person has.
///
/// # Errors
/// The first line that is none, by its number.
pub fn parse(text: &str) -> Result<Vec<Entry>, TraceError> {
    let mut entries: Vec<Entry> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split(';').next().unwrap_or_default();
        if line.trim().is_empty() {
            continue;
        }
        let begun = [Side::Till, Side::Terminal]
            .into_iter()
            .find_map(|side| Some((side, line.strip_prefix(side.mark())?)));
        match (begun, entries.last_mut()) {
            (Some((side, said)), _) => entries.push(Entry { side, said: read(number, said)? }),
            (None, Some(Entry { said: Said::Apdu(bytes), .. })) if line.starts_with(' ') => {
                bytes.extend(read_bytes(number, line)?);
            }
            (None, _) => return Err(TraceError::Side(number)),
        }
    }
    Ok(entries)
}

fn read(number: usize, said: &str) -> Result<Said, TraceError> {
    let words: Vec<&str> = said.split_whitespace().collect();
    Ok(match words.as_slice() {
        ["ACK"] => Said::Ack,
        ["NAK"] => Said::Nak,
        ["damaged"] => Said::Damaged,
        ["noise", len] => {
            let no_number = |_| TraceError::Byte(number, (*len).to_owned());
            Said::Noise(len.parse().map_err(no_number)?)
        }
        _ => Said::Apdu(read_bytes(number, said)?),
    })
}

fn read_bytes(number: usize, text: &str) -> Result<Vec<u8>, TraceError> {
    let byte = |word: &str| match word {
        "**" => Ok(0),
        _ if word.len() == 2 && word.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
            u8::from_str_radix(word, 16).map_err(|_| TraceError::Byte(number, word.to_owned()))
        }
        _ => Err(TraceError::Byte(number, word.to_owned())),
    };
    text.split_whitespace().map(byte).collect()
}

/// Listens to both sides of a wire and writes down what they say. It takes part in nothing.
#[derive(Debug)]
pub struct Recorder {
    words: Words,
    with_acknowledgements: bool,
    till: Ear,
    terminal: Ear,
    last: Option<Mono>,
    quiet_since: Option<Mono>,
}

/// What finds messages in one side's bytes.
#[derive(Debug)]
enum Ear {
    Serial(Deframer),
    Tcp(Splitter),
}

impl Recorder {
    /// For a serial line.
    pub fn serial(words: Words) -> Self {
        Self::with(words, || Ear::Serial(Deframer::new()))
    }

    /// For a TCP connection.
    pub fn tcp(words: Words) -> Self {
        Self::with(words, || Ear::Tcp(Splitter::new()))
    }

    fn with(words: Words, ear: fn() -> Ear) -> Self {
        let (till, terminal, with_acknowledgements) = (ear(), ear(), true);
        Self { words, with_acknowledgements, till, terminal, last: None, quiet_since: None }
    }

    /// Leaves out the bytes that acknowledge frames of a serial line.
    pub fn without_acknowledgements(self) -> Self {
        Self { with_acknowledgements: false, ..self }
    }

    /// What these bytes complete, as text; empty as long as they complete nothing.
    pub fn heard(&mut self, now: Mono, side: Side, bytes: &[u8]) -> String {
        let ear = match side {
            Side::Till => &mut self.till,
            Side::Terminal => &mut self.terminal,
        };
        if self.quiet_since.is_none_or(|since| since.after(T1) <= now) {
            ear.rest();
        }
        self.quiet_since = Some(now);
        let mut said = ear.hear(bytes);
        said.retain(|said| self.with_acknowledgements || *said != Said::Ack);
        if said.is_empty() {
            return String::new();
        }
        let pause = self.last.map(|last| now.left(last)).filter(|pause| *pause >= PAUSE_MIN);
        self.last = Some(now);
        let mut text = match pause {
            Some(pause) => format!("{INDENT}; {:.1} s later\n", pause.as_secs_f32()),
            None => String::new(),
        };
        text.extend(said.into_iter().map(|said| Entry { side, said }.write(self.words)));
        text
    }
}

impl Ear {
    /// Nothing has come for a while.
    fn rest(&mut self) {
        if let Self::Serial(deframer) = self {
            deframer.rest();
        }
    }

    fn hear(&mut self, bytes: &[u8]) -> Vec<Said> {
        match self {
            Self::Serial(deframer) => {
                let said = |received| match received {
                    frame::Received::Apdu(apdu) => Said::Apdu(apdu),
                    frame::Received::Ack => Said::Ack,
                    frame::Received::Nak => Said::Nak,
                    frame::Received::BadCrc | frame::Received::TooLong => Said::Damaged,
                    frame::Received::Noise(len) => Said::Noise(len),
                };
                deframer.feed(bytes).into_iter().map(said).collect()
            }
            Self::Tcp(splitter) => {
                let said = |received| match received {
                    stream::Received::Apdu(apdu) => Said::Apdu(apdu),
                    stream::Received::TooLong(_) => Said::Damaged,
                };
                splitter.feed(bytes).into_iter().map(said).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests;
