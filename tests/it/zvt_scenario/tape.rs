//! What has gone over the wire, byte by byte for the rules and as text for people.

use klarna_terminald::clock::Mono;
use klarna_terminald::money::Currency;
use klarna_terminald::pos::zvt::charset::Charset;
use klarna_terminald::pos::zvt::session::{Line, REFERENCE_PREFIX};
use klarna_terminald::pos::zvt::trace::{Recorder, Side, Words};

/// Bytes of a raw frame in a line.
const FRAME_ROW_LEN: usize = 24;
/// Digits of a reference of the session, after its prefix.
const REFERENCE_LEN: usize = 32;

/// Everything that was said, and the transcript.
pub struct Log {
    pub wire: Vec<Heard>,
    pub text: String,
}

/// What has gone over the wire.
pub enum Heard {
    /// One write of the terminal, or what the till has sent in one go. `told` is what stands in
    /// the transcript.
    Bytes { at: Mono, side: Side, bytes: Vec<u8>, told: bool },
    /// What was recorded, asked for or shown meanwhile.
    Note(String),
    /// The line was cut, or the terminal started: nothing that was said before is answered.
    Anew,
}

/// Writes a log.
pub struct Tape {
    pub log: Log,
    line: Line,
    frames: bool,
    recorder: Recorder,
    /// References of the session, in order; they are shown as R1, R2 ...
    names: Vec<String>,
    /// What happens stands in the transcript.
    pub telling: bool,
}

impl Tape {
    /// `frames` are shown as they are, beside what they say.
    pub fn new(line: Line, frames: bool) -> Self {
        let log = Log { wire: Vec::new(), text: String::new() };
        Self { log, line, frames, recorder: recorder(line), names: Vec::new(), telling: false }
    }

    /// The transcript begins here.
    pub fn begin(&mut self) {
        self.log.text.clear();
        self.recorder = recorder(self.line);
        self.telling = true;
    }

    /// A line of the script.
    pub fn script(&mut self, line: &str) {
        self.log.text += &format!("> {line}\n");
    }

    /// What is said from here on is said on another connection.
    pub fn anew(&mut self) {
        self.recorder = recorder(self.line);
        self.log.wire.push(Heard::Anew);
    }

    /// Bytes on the wire.
    pub fn record(&mut self, at: Mono, side: Side, bytes: &[u8], told: bool) {
        let told = told && self.telling;
        self.log.wire.push(Heard::Bytes { at, side, bytes: bytes.to_vec(), told });
        if !told {
            return;
        }
        self.log.text += &self.recorder.heard(at, side, bytes);
        if self.frames && self.line == Line::Serial && bytes.len() > 1 {
            bytes.chunks(FRAME_ROW_LEN).for_each(|row| self.note(&format!("raw {}", hex(row))));
        }
    }

    /// The last message was not heard.
    pub fn forget_last(&mut self) {
        let said = |heard: &Heard| matches!(heard, Heard::Bytes { .. });
        if let Some(last) = self.log.wire.iter().rposition(said) {
            self.log.wire.remove(last);
        }
    }

    /// Something that is not said on the wire.
    pub fn note(&mut self, line: &str) {
        let line = self.with_short_names(line);
        self.log.wire.push(Heard::Note(line.clone()));
        self.log.text += &format!("       ; {line}\n");
    }

    fn with_short_names(&mut self, line: &str) -> String {
        let mut parts = line.split(REFERENCE_PREFIX);
        let mut short = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_at(REFERENCE_LEN);
            let known = self.names.iter().position(|known| known == name);
            let number = known.unwrap_or_else(|| {
                self.names.push(name.to_owned());
                self.names.len() - 1
            });
            short += &format!("R{}{rest}", number + 1);
        }
        short
    }
}

fn recorder(line: Line) -> Recorder {
    let currency = Currency::new("EUR").expect("a currency");
    let words = Words { charset: Charset::Cp437, currency };
    match line {
        Line::Serial => Recorder::serial(words),
        Line::Tcp => Recorder::tcp(words),
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
}
