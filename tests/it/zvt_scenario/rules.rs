//! What holds for every dialogue, whatever its transcript says. Frames and checksums are checked by
//! code that shares nothing with ours, messages also by the `zvt` crate.

use super::tape::{Heard, Log, hex};
use klarna_terminald::clock::Mono;
use klarna_terminald::pos::zvt::apdu::Apdu;
use klarna_terminald::pos::zvt::charset::Charset;
use klarna_terminald::pos::zvt::message::Answer;
use klarna_terminald::pos::zvt::session::Line;
use klarna_terminald::pos::zvt::trace::{Entry, Said, Side, parse};
use std::time::Duration;
use zvt::{ZvtSerializer, packets};

/// Tills that read in chunks take an acknowledgement and what follows for one otherwise.
const GAP_MIN: Duration = Duration::from_millis(30);
/// From here on a block counts as not answered (T3).
const T3: Duration = Duration::from_secs(5);

pub fn check(name: &str, line: Line, log: &Log) {
    let mut entries = Vec::new();
    let mut order = Order::default();
    let mut noise = 0;
    for heard in &log.wire {
        let (at, side, bytes, told) = match heard {
            Heard::Bytes { at, side, bytes, told } => (at, side, bytes, told),
            Heard::Note(_) => continue,
            Heard::Anew => {
                (order, noise) = (Order::default(), 0);
                continue;
            }
        };
        let said = match line {
            Line::Tcp => Said::Apdu(bytes.clone()),
            Line::Serial => said(bytes),
        };
        match (&said, side) {
            (Said::Apdu(apdu), Side::Terminal) => message(name, apdu),
            (Said::Damaged | Said::Noise(_), Side::Terminal) => {
                panic!("{name}: the terminal says {}", hex(bytes));
            }
            _ => {}
        }
        order.heard(name, *at, *side, &said);
        if let (Said::Noise(len), true) = (&said, told) {
            noise += len;
            continue;
        }
        if *told {
            if noise > 0 && *side == Side::Till {
                let said = Said::Noise(std::mem::take(&mut noise));
                entries.push(Entry { side: *side, said });
            }
            entries.push(Entry { side: *side, said });
        }
    }
    read_back(name, &log.text, &entries);
    // What Klarna is said to have done was asked for.
    let fits = |line: &str| !line.contains("; (") && !line.contains("; illegal");
    assert!(log.text.lines().all(fits), "{name}: {}", log.text);
}

/// Tills hear the same over every line.
pub fn same(name: &str, logs: &[Log]) {
    let said = |log: &Log| -> Vec<(Side, Vec<u8>)> {
        let said = log.wire.iter().filter_map(|heard| match heard {
            Heard::Bytes { side, bytes, told: true, .. } => Some((*side, bytes)),
            _ => None,
        });
        let apdu = |(side, bytes): (Side, &Vec<u8>)| match bytes[..] {
            [0x06 | 0x15] => None,
            [0x10, 0x02, ref frame @ ..] => apdu_in(frame).map(|apdu| (side, apdu)),
            _ => Some((side, bytes.clone())),
        };
        said.filter_map(apdu).collect()
    };
    for log in logs.iter().skip(1) {
        assert_eq!(said(log), said(&logs[0]), "{name}");
    }
}

/// Frames as PA00P016 describes them, read without our own code.
pub fn said(bytes: &[u8]) -> Said {
    match bytes {
        [0x06] => Said::Ack,
        [0x15] => Said::Nak,
        [0x10, 0x02, rest @ ..] => match apdu_in(rest) {
            Some(apdu) => Said::Apdu(apdu),
            None => Said::Damaged,
        },
        _ => Said::Noise(bytes.len()),
    }
}

/// What stands before `10 03` and the right checksum; every 10 in it is doubled.
fn apdu_in(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut apdu = Vec::new();
    loop {
        match bytes {
            [0x10, 0x03, low, high] => {
                let checksum = checksum(&[&apdu[..], &[0x03]].concat());
                return (checksum.to_le_bytes() == [*low, *high]).then_some(apdu);
            }
            [0x10, 0x10, rest @ ..] => (apdu.push(0x10), bytes = rest).1,
            [0x10, ..] | [] => return None,
            [byte, rest @ ..] => (apdu.push(*byte), bytes = rest).1,
        }
    }
}

/// CRC-16/KERMIT, bit by bit: polynomial 1021 reflected, from 0000.
fn checksum(bytes: &[u8]) -> u16 {
    let mut register = 0_u16;
    for byte in bytes {
        register ^= u16::from(*byte);
        for _ in 0..8 {
            let odd = register & 1 == 1;
            register >>= 1;
            if odd {
                register ^= 0x8408;
            }
        }
    }
    register
}

#[test]
fn the_checksum_is_the_standard_one() {
    assert_eq!(checksum(b"123456789"), 0x2189);
    assert_eq!(apdu_in(&[0x80, 0, 0, 0x10, 0x03, 0xF5, 0x1F]), Some(vec![0x80, 0, 0]));
    assert_eq!(apdu_in(&[0x80, 0, 0, 0x10, 0x03, 0xF5, 0x1E]), None);
}

/// One block at a time, and none close behind a byte that acknowledges a frame.
#[derive(Default)]
struct Order {
    /// The terminal's block that the till has not answered.
    block: Option<(Mono, Vec<u8>)>,
    acknowledged_at: Option<Mono>,
    /// The frame that the till has not acknowledged; it goes out again.
    frame: Option<Vec<u8>>,
}

impl Order {
    fn heard(&mut self, name: &str, at: Mono, side: Side, said: &Said) {
        match (side, said) {
            (Side::Till, Said::Apdu(_) | Said::Nak) => self.block = None,
            (Side::Till, Said::Ack) => self.frame = None,
            (Side::Terminal, Said::Ack | Said::Nak) => self.acknowledged_at = Some(at),
            (Side::Terminal, Said::Apdu(apdu)) => {
                let gap = self.acknowledged_at.map(|acknowledged| at.left(acknowledged));
                let far = gap.is_none_or(|gap| gap >= GAP_MIN);
                assert!(far, "{name}: {} follows {gap:?} after ACK", hex(apdu));
                let again = self.frame.replace(apdu.clone()).is_some_and(|frame| frame == *apdu);
                // An acknowledgement of a command is not answered.
                if again || matches!(apdu[0], 0x80 | 0x84) {
                    return;
                }
                let before = self.block.replace((at, apdu.clone()));
                if let Some((sent, before)) = before {
                    let late = at.left(sent) >= T3;
                    assert!(late, "{name}: {} is not answered", hex(&before));
                }
            }
            _ => {}
        }
    }
}

/// What the terminal says is read field by field, here and by others.
fn message(name: &str, bytes: &[u8]) {
    let apdu = Apdu::parse(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    let answer = Answer::parse(&apdu, Charset::Cp437);
    let answer = answer.unwrap_or_else(|error| panic!("{name}: {error} in {}", hex(bytes)));
    assert_eq!(answer.encode(Charset::Cp437).expect("it fits"), bytes, "{name}");
    match (apdu.control, apdu.data) {
        ([0x04, 0x0F], _) => {
            assert_ne!(bytes[2], 0x27, "{name}: a length that looks like a bitmap");
            let read: packets::StatusInformation = theirs(name, bytes);
            assert_eq!(read.result_code, Some(apdu.data[1]), "{name}");
        }
        // The container is not known there.
        ([0x04, 0xFF], [status, rest @ ..]) => {
            let known = match rest {
                [] => vec![0x04, 0xFF, 1, *status],
                [timeout, ..] => vec![0x04, 0xFF, 2, *status, *timeout],
            };
            let read: packets::IntermediateStatusInformation = theirs(name, &known);
            assert_eq!(read.status, *status, "{name}");
        }
        // A status byte alone is not known there.
        ([0x06, 0x0F], [_]) => {}
        ([0x06, 0x0F], [0xF0..=0xF9, ..]) => {
            let _: packets::ReceiptPrintoutCompletion = theirs(name, bytes);
        }
        ([0x06, 0x0F], _) => {
            let _: packets::CompletionData = theirs(name, bytes);
        }
        ([0x06, 0x1E], [code]) => {
            let read: packets::Abort = theirs(name, bytes);
            assert_eq!(read.error, *code, "{name}");
        }
        ([0x06, 0x1E], [0xB8, ..]) => {
            let _: packets::PartialReversalAbort = theirs(name, bytes);
        }
        ([0x06, 0x1E], _) => {
            let _: packets::ReservationAbort = theirs(name, bytes);
        }
        ([0x06, 0xD1], _) => {
            let read: packets::PrintLine = theirs(name, bytes);
            assert!(read.text.is_ascii(), "{name}: {}", read.text);
        }
        ([0x06, 0xD3], _) => {
            let read: packets::PrintTextBlock = theirs(name, bytes);
            assert!(read.tlv.and_then(|tlv| tlv.lines).is_some(), "{name}");
        }
        ([0x80, 0x00], []) | ([0x84, _], _) => {}
        (control, _) => panic!("{name}: the terminal says {control:02X?}"),
    }
}

/// The other decoder stops at what it does not know: a turnover number, an original trace, what
/// stands in a container of tag 2F. Without these it reads everything.
fn theirs<T: ZvtSerializer>(name: &str, bytes: &[u8]) -> T
where
    zvt::encoding::Default: zvt::encoding::Encoding<T>,
{
    let (packet, rest) = T::zvt_deserialize(bytes)
        .unwrap_or_else(|error| panic!("{name}: {error:?} in {}", hex(bytes)));
    let at = bytes.len() - rest.len();
    let (from, to) = match rest {
        [] => return packet,
        [0x37 | 0x88, _, _, _, ..] => (at, at + 4),
        // With the container's own number and length.
        [0x2F, ..] => (at - 2, bytes.len()),
        rest => panic!("{name}: {} is not read of {}", hex(rest), hex(bytes)),
    };
    let mut shorter = [&bytes[..from], &bytes[to..]].concat();
    shorter[2] -= u8::try_from(to - from).expect("a short message");
    theirs(name, &shorter)
}

/// The transcript's dialogue is what was said; hidden bytes are read as 00.
fn read_back(name: &str, text: &str, said: &[Entry]) {
    let is_wire = |line: &&str| !line.starts_with("> ");
    let lines: Vec<&str> = text.lines().filter(is_wire).collect();
    let read = parse(&lines.join("\n")).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(read.len(), said.len(), "{name}: {text}");
    for (read, said) in read.iter().zip(said) {
        let same = match (&read.said, &said.said) {
            (Said::Apdu(read), Said::Apdu(said)) => {
                let shown = |(read, said): (&u8, &u8)| read == said || *read == 0;
                read.len() == said.len() && read.iter().zip(said).all(shown)
            }
            (read, said) => read == said,
        };
        assert!(same && read.side == said.side, "{name}: {read:?} is not {said:?}");
    }
}
