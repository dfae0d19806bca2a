//! What the till has acknowledged is paid, and nothing else: held against what the journal says.

use super::rules::said;
use super::tape::{Heard, Log};
use klarna_terminald::pos::zvt::session::Line;
use klarna_terminald::pos::zvt::trace::{Said, Side};
use std::collections::BTreeSet;

/// Without a status byte: the answer to an enquiry says nothing of the payment.
const COMPLETION: [u8; 3] = [0x06, 0x0F, 0x00];
const REPEAT: [u8; 2] = [0x06, 0x20];
/// Commands about earlier payments.
const BOOKINGS: [[u8; 2]; 5] =
    [[0x06, 0x23], [0x06, 0x24], [0x06, 0x25], [0x06, 0x30], [0x06, 0x31]];
/// What may be said while a result waits for its answer: status enquiry and abort.
const AT_ANY_TIME: [[u8; 2]; 2] = [[0x05, 0x01], [0x06, 0xB0]];

/// What till and terminal have agreed on, by payment.
#[derive(Default)]
struct Deal {
    /// The approved result that waits for its answer.
    told: Option<u32>,
    /// Its answer came.
    answered: BTreeSet<u32>,
    /// And the terminal has said something after that: both sides know.
    settled: BTreeSet<u32>,
    last: Option<u32>,
    command: [u8; 2],
}

pub fn check(name: &str, line: Line, log: &Log) {
    let mut deal = Deal::default();
    for heard in &log.wire {
        match heard {
            Heard::Anew => (deal.told, deal.last) = (None, None),
            Heard::Note(note) => deal.recorded(name, note),
            Heard::Bytes { side, bytes, .. } => {
                let apdu = match line {
                    Line::Tcp => bytes.clone(),
                    Line::Serial => match said(bytes) {
                        Said::Apdu(apdu) => apdu,
                        _ => continue,
                    },
                };
                match side {
                    Side::Till => deal.till(&apdu),
                    Side::Terminal => deal.terminal(name, &apdu),
                }
            }
        }
    }
}

impl Deal {
    fn till(&mut self, apdu: &[u8]) {
        match apdu {
            [0x80 | 0x84, 0x00, ..] | [0x84, 0x9D, 1..=0xFF, ..] => {
                self.last = self.told.take();
                self.answered.extend(self.last);
            }
            [0x84, ..] => {}
            [class, instruction, ..] if AT_ANY_TIME.contains(&[*class, *instruction]) => {}
            [class, instruction, ..] => {
                (self.told, self.last, self.command) = (None, None, [*class, *instruction]);
            }
            _ => {}
        }
    }

    fn terminal(&mut self, name: &str, apdu: &[u8]) {
        match (approved(apdu), self.command) {
            (Some(number), REPEAT) => {
                assert!(self.answered.contains(&number), "{name}: told {number}, not answered");
            }
            (Some(number), _) => self.told = Some(number),
            (None, _) if apdu.starts_with(&COMPLETION) => self.settled.extend(self.last.take()),
            (None, _) => {}
        }
    }

    fn recorded(&mut self, name: &str, note: &str) {
        let Some(record) = note.strip_prefix("journal ") else { return };
        let (number, event) = record.split_once(' ').expect("a number, then the event");
        let Ok(number) = number.parse() else { return };
        let (answered, settled) = (self.answered.contains(&number), self.settled.contains(&number));
        let booked = BOOKINGS.contains(&self.command);
        match event.split([' ', ':']).next() {
            Some("acknowledged" | "capture_queued") => {
                assert!(answered || booked, "{name}: {note}, without an answer");
            }
            Some("void_decided") => assert!(!settled || booked, "{name}: {note}, though settled"),
            _ => {}
        }
    }
}

/// The trace number of an approved sale: `04 0F LL 27 00 04 amount 0B trace`.
fn approved(apdu: &[u8]) -> Option<u32> {
    let trace = match apdu {
        [0x04, 0x0F, _, 0x27, 0x00, 0x04, _, _, _, _, _, _, 0x0B, trace @ ..] => trace.get(..3)?,
        _ => return None,
    };
    let digits =
        |number, byte: &u8| number * 100 + u32::from(byte >> 4) * 10 + u32::from(byte & 15);
    Some(trace.iter().fold(0, digits))
}
