//! Serial framing (PA00P016): DLE stuffing and checksums around an APDU, and the single bytes
//! that acknowledge a frame.
//!
//! Knows neither time (T1, T2 are the session's) nor what an APDU says.

use super::APDU_LEN_MAX;

const STX: u8 = 0x02;
const ETX: u8 = 0x03;
const DLE: u8 = 0x10;
/// The frame has arrived in good order.
pub const ACK: u8 = 0x06;
/// The frame has arrived damaged: send it again.
pub const NAK: u8 = 0x15;

/// What stands before a frame's APDU, in bytes.
pub(super) const START_LEN: usize = 2;

/// CRC-16/KERMIT; its check value for `123456789` is 2189.
const CRC16: crc::Crc<u16> = crc::Crc::<u16>::new(&crc::CRC_16_KERMIT);

/// What comes out of a serial line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// An APDU with the right checksum; it may still be no message.
    Apdu(Vec<u8>),
    /// A frame has ended but it is damaged: a wrong checksum or a DLE that means nothing.
    BadCrc,
    /// A frame has ended whose APDU is longer than [`APDU_LEN_MAX`]; it was dropped unchecked.
    TooLong,
    /// The other side has our frame.
    Ack,
    /// The other side wants our frame again.
    Nak,
    /// So many bytes before whatever comes next belong to no complete frame.
    Noise(usize),
}

/// Where in a frame the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between frames.
    Idle,
    /// Between frames, after a DLE.
    IdleDle,
    Body,
    BodyDle,
    /// After `DLE ETX`, before the checksum.
    Crc,
    /// After the checksum's low byte.
    CrcHigh(u8),
}

/// Finds frames in bytes that are cut anywhere; holds at most one APDU.
#[derive(Debug)]
pub struct Deframer {
    state: State,
    apdu: Vec<u8>,
    /// Bytes of the frame so far, all of them counted.
    frame_len: usize,
    /// A DLE in the frame was followed by what it cannot be followed by.
    damaged: bool,
    too_long: bool,
    noise_len: usize,
    /// What comes may be the inside of a frame whose beginning was damaged.
    noisy: bool,
}

impl Default for Deframer {
    fn default() -> Self {
        Self::new()
    }
}

impl Deframer {
    /// A quiet line.
    pub fn new() -> Self {
        Self {
            state: State::Idle,
            apdu: Vec::new(),
            frame_len: 0,
            damaged: false,
            too_long: false,
            noise_len: 0,
            noisy: false,
        }
    }

    /// Takes in bytes. What comes out does not depend on how they were cut; noise is reported
    /// together with what follows it.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Received> {
        let mut received = Vec::new();
        for byte in bytes {
            if let Some(event) = self.byte(*byte) {
                match std::mem::take(&mut self.noise_len) {
                    0 => {}
                    noise => received.push(Received::Noise(noise)),
                }
                received.push(event);
            }
        }
        received
    }

    /// A frame has begun and has not ended: T1 runs (PA00P016: 200 ms between characters).
    pub fn in_frame(&self) -> bool {
        !matches!(self.state, State::Idle | State::IdleDle)
    }

    /// Gives up the frame that has begun, because T1 has run out; its bytes count as noise.
    pub fn abandon(&mut self) {
        if self.in_frame() {
            self.noise(self.frame_len);
        }
        self.state = State::Idle;
    }

    /// The line was quiet for so long that no frame goes on (T1): an acknowledgement that comes now
    /// is one, whatever came before.
    pub fn rest(&mut self) {
        self.noisy = false;
    }

    fn byte(&mut self, byte: u8) -> Option<Received> {
        self.frame_len = self.frame_len.saturating_add(1);
        match (self.state, byte) {
            (State::Idle, ACK) if !self.noisy => return Some(Received::Ack),
            (State::Idle, NAK) if !self.noisy => return Some(Received::Nak),
            (State::Idle, DLE) => self.state = State::IdleDle,
            (State::Idle, _) => self.noise(1),
            (State::IdleDle, STX) => self.start(),
            (State::IdleDle, DLE) => self.noise(1),
            (State::IdleDle, byte) => {
                self.noise(1);
                self.state = State::Idle;
                return self.byte(byte);
            }
            (State::Body, DLE) => self.state = State::BodyDle,
            (State::Body, byte) => self.push(byte),
            (State::BodyDle, DLE) => {
                self.push(DLE);
                self.state = State::Body;
            }
            (State::BodyDle, ETX) => self.state = State::Crc,
            // The frame was cut off and is being sent again.
            (State::BodyDle, STX) => {
                self.noise(self.frame_len.saturating_sub(2));
                self.start();
            }
            // Read on: a NAK in the middle of the other side's block would not be heard.
            (State::BodyDle, _) => {
                self.damaged = true;
                self.state = State::Body;
            }
            (State::Crc, low) => self.state = State::CrcHigh(low),
            (State::CrcHigh(low), high) => {
                return Some(self.finish(u16::from_le_bytes([low, high])));
            }
        }
        None
    }

    fn start(&mut self) {
        self.state = State::Body;
        self.apdu.clear();
        self.frame_len = 2;
        (self.damaged, self.too_long, self.noisy) = (false, false, false);
    }

    fn push(&mut self, byte: u8) {
        match self.apdu.len() {
            APDU_LEN_MAX => self.too_long = true,
            _ => self.apdu.push(byte),
        }
    }

    fn finish(&mut self, sent: u16) -> Received {
        self.state = State::Idle;
        let apdu = std::mem::take(&mut self.apdu);
        match sent == checksum(&apdu) {
            _ if self.too_long => Received::TooLong,
            true if !self.damaged => Received::Apdu(apdu),
            _ => Received::BadCrc,
        }
    }

    fn noise(&mut self, len: usize) {
        self.noise_len = self.noise_len.saturating_add(len);
        self.noisy = true;
    }
}

/// An APDU as a frame. Every DLE in the APDU is doubled, one in the length or the instruction
/// included; the checksum is over the APDU as it was and ETX, and is never stuffed.
pub fn encode(apdu: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(apdu.len() + 8);
    frame.extend_from_slice(&[DLE, STX]);
    for byte in apdu {
        frame.push(*byte);
        if *byte == DLE {
            frame.push(DLE);
        }
    }
    frame.extend_from_slice(&[DLE, ETX]);
    frame.extend_from_slice(&checksum(apdu).to_le_bytes());
    frame
}

/// The checksum that goes with an APDU: over its bytes and ETX, neither STX nor any DLE of the
/// framing; the low byte is sent first.
pub fn checksum(apdu: &[u8]) -> u16 {
    let mut digest = CRC16.digest();
    digest.update(apdu);
    digest.update(&[ETX]);
    digest.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pos::zvt::hex;
    use proptest::prelude::*;

    /// APDU and frame. The first five are published or recorded, so no two errors of ours cancel
    /// each other out.
    const VECTORS: &[(&str, &str)] = &[
        ("80 00 00", "10 02 80 00 00 10 03 F5 1F"),
        ("06 0F 00", "10 02 06 0F 00 10 03 C6 33"),
        ("84 9C 00", "10 02 84 9C 00 10 03 C3 41"),
        ("06 00 04 00 00 00 30", "10 02 06 00 04 00 00 00 30 10 03 24 89"),
        ("06 01 07 04 00 00 00 00 01 90", "10 02 06 01 07 04 00 00 00 00 01 90 10 03 76 57"),
        (
            "06 01 0A 04 00 00 00 01 10 00 49 09 78",
            "10 02 06 01 0A 04 00 00 00 01 10 10 00 49 09 78 10 03 F2 FF",
        ),
    ];

    #[test]
    fn the_checksum_is_the_standard_one() {
        assert_eq!(CRC16.checksum(b"123456789"), 0x2189);
    }

    #[test]
    fn known_frames_both_ways() {
        for (apdu, frame) in VECTORS {
            assert_eq!(hex::bytes(frame), encode(&hex::bytes(apdu)), "{apdu}");
            let received = Deframer::new().feed(&hex::bytes(frame));
            assert_eq!(received, [Received::Apdu(hex::bytes(apdu))]);
        }
    }

    #[test]
    fn a_length_and_an_instruction_of_10_are_doubled() {
        let apdu = hex::bytes("06 10 03 00 00 00");
        assert!(encode(&apdu).starts_with(&hex::bytes("10 02 06 10 10 03 00")));
        let mut apdu = hex::bytes("06 22 10");
        apdu.extend([0x10; 0x10]);
        let frame = encode(&apdu);
        assert_eq!(frame.len(), 2 + 2 + 2 * 0x11 + 4);
        assert_eq!(Deframer::new().feed(&frame), [Received::Apdu(apdu)]);
    }

    #[test]
    fn a_checksum_may_look_like_the_start_or_end_of_a_frame() {
        // Two checksums out of all that contain 10 02 and 10 03 in this order of bytes.
        for wanted in [0x0210_u16, 0x0310] {
            let apdu = (0..=u16::MAX).map(|n| [&[0x80, 0, 2][..], &n.to_be_bytes()].concat());
            let apdu =
                apdu.into_iter().find(|apdu| checksum(apdu) == wanted).expect("one of 65536");
            let both = [encode(&apdu), encode(&apdu)].concat();
            assert_eq!(
                Deframer::new().feed(&both),
                [Received::Apdu(apdu.clone()), Received::Apdu(apdu)]
            );
        }
    }

    #[test]
    fn noise_is_skipped_and_counted() {
        let mut line = Deframer::new();
        assert_eq!(line.feed(&hex::bytes("FF 05 02 10 10 41")), []);
        let ack = hex::bytes("10 02 80 00 00 10 03 F5 1F");
        assert_eq!(line.feed(&ack), [Received::Noise(6), Received::Apdu(vec![0x80, 0, 0])]);
        assert_eq!(
            line.feed(&[ACK, NAK, 0, ACK]),
            [Received::Ack, Received::Nak],
            "what follows noise may be the inside of a frame"
        );
        line.rest();
        assert_eq!(line.feed(&[ACK]), [Received::Noise(2), Received::Ack]);
    }

    #[test]
    fn a_frame_without_its_beginning_acknowledges_nothing() {
        let frame = encode(&hex::bytes("06 01 07 04 00 00 00 00 10 10"));
        for damage in [&frame[1..], &frame[2..], &[&frame[..1], &frame[2..]].concat()[..]] {
            let mut line = Deframer::new();
            line.feed(&[0xFF]);
            assert_eq!(line.feed(damage), [], "{damage:02X?}");
        }
        let mut line = Deframer::new();
        assert_eq!(line.feed(&frame[1..]), [], "STX is noise already");
        assert_eq!(line.feed(&frame).len(), 2, "noise, and the same frame once more");
    }

    #[test]
    fn a_damaged_frame_is_reported_at_its_end() {
        let mut line = Deframer::new();
        assert_eq!(line.feed(&hex::bytes("10 02 80 00 00 10 03 F5 1E")), [Received::BadCrc]);
        // 10 41 means nothing, although the checksum would fit without the 10.
        let frame = hex::bytes("10 02 80 00 10 00 10 03 F5 1F");
        assert_eq!(line.feed(&frame), [Received::BadCrc]);
        assert_eq!(line.feed(&hex::bytes("10 02 10 03 00 00")), [Received::BadCrc]);
        assert!(!line.in_frame());
    }

    #[test]
    fn a_frame_that_was_cut_off_makes_room_for_its_repeat() {
        let mut line = Deframer::new();
        assert_eq!(line.feed(&hex::bytes("10 02 80 00")), []);
        assert!(line.in_frame());
        let ack = hex::bytes("10 02 80 00 00 10 03 F5 1F");
        assert_eq!(line.feed(&ack), [Received::Noise(4), Received::Apdu(vec![0x80, 0, 0])]);
        assert_eq!(line.feed(&hex::bytes("10 02 80 00 00 10 03")), []);
        line.abandon();
        assert!(!line.in_frame());
        assert_eq!(line.feed(&ack), [Received::Noise(7), Received::Apdu(vec![0x80, 0, 0])]);
    }

    #[test]
    fn a_frame_without_end_takes_no_memory_and_the_next_one_is_read() {
        let mut line = Deframer::new();
        line.feed(&[DLE, STX]);
        for _ in 0..100 {
            assert_eq!(line.feed(&[0x55; 4096]), []);
            assert!(line.apdu.capacity() <= 2 * APDU_LEN_MAX);
        }
        assert_eq!(line.feed(&[DLE, ETX, 0, 0]), [Received::TooLong]);
        let ack = hex::bytes("10 02 80 00 00 10 03 F5 1F");
        assert_eq!(line.feed(&ack), [Received::Apdu(vec![0x80, 0, 0])]);
        let longest = vec![0x10; APDU_LEN_MAX];
        assert_eq!(line.feed(&encode(&longest)), [Received::Apdu(longest)]);
        assert_eq!(line.feed(&encode(&[0x10; APDU_LEN_MAX + 1])), [Received::TooLong]);
    }

    /// Bytes of which frames are made, more often than others.
    fn line_byte() -> impl Strategy<Value = u8> {
        prop_oneof![Just(DLE), Just(STX), Just(ETX), Just(ACK), Just(NAK), any::<u8>()]
    }

    proptest! {
        #[test]
        fn frames_do_not_depend_on_how_bytes_are_cut(
            apdu in proptest::collection::vec(line_byte(), 0..40),
            noise in proptest::collection::vec(line_byte(), 0..40),
            cuts in proptest::collection::vec(1_usize..7, 1..200),
        ) {
            let line = [noise.clone(), encode(&apdu), noise, encode(&apdu)].concat();
            let whole = Deframer::new().feed(&line);
            let (mut pieces, mut rest) = (Vec::new(), &line[..]);
            let mut deframer = Deframer::new();
            for cut in cuts.iter().cycle() {
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                pieces.extend(deframer.feed(piece));
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(whole, pieces);
        }

        #[test]
        fn what_is_framed_is_found(apdu in proptest::collection::vec(line_byte(), 0..300)) {
            let frame = encode(&apdu);
            prop_assert_eq!(Deframer::new().feed(&frame), [Received::Apdu(apdu)]);
        }
    }
}
