//! What lies between till and terminal: a serial cable with noise, or a network; both can be cut.

use super::super::Millis;
use super::super::faults::SECOND;
use super::super::random::Random;
use klarna_terminald::pos::zvt::frame;
use klarna_terminald::pos::zvt::session::Line;

/// For how long a cable is out at most.
const CUT_MAX: Millis = 30 * SECOND;
/// Longer than the time after which a frame counts as torn.
const STALL: Millis = 300;

/// Who gets the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Terminal,
    Till,
}

/// Rates per thousand writes.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    pub flipped: u64,
    pub lost: u64,
    pub noise: u64,
    pub ack_lost: u64,
    pub ack_doubled: u64,
    pub stalled: u64,
    pub cut: u64,
}

impl Faults {
    pub fn draw(random: &mut Random, line: Line) -> Self {
        let mut rate = |rates: &[u64]| if random.chance(500) { random.pick(rates) } else { 0 };
        let cut = rate(&[2, 10, 40]);
        if line == Line::Tcp {
            return Self { cut, ..Self::default() };
        }
        Self {
            flipped: rate(&[10, 50, 200]),
            lost: rate(&[10, 50, 200]),
            noise: rate(&[20, 100, 400]),
            ack_lost: rate(&[20, 100, 300]),
            ack_doubled: rate(&[20, 200]),
            stalled: rate(&[10, 60]),
            cut,
        }
    }
}

pub struct Wire {
    pub line: Line,
    pub faults: Faults,
    /// A cut cable is seen by the terminal: its port is gone.
    pub is_seen: bool,
    /// The cable is in; of TCP: what is sent now arrives.
    pub whole: bool,
    /// Counts cuts and connections: what was on its way before is lost.
    pub epoch: u32,
    /// When the last byte of each direction arrives.
    last: [Millis; 2],
    pub met: u64,
}

impl Wire {
    pub fn new(line: Line, random: &mut Random) -> Self {
        Self {
            line,
            faults: Faults::draw(random, line),
            is_seen: random.chance(500),
            whole: line == Line::Serial,
            epoch: 0,
            last: [0, 0],
            met: 0,
        }
    }

    /// Everything is lost that is on its way.
    pub fn cut(&mut self) {
        self.whole = false;
        self.epoch += 1;
    }

    pub fn cut_time(random: &mut Random) -> Millis {
        let most = random.pick(&[2 * SECOND, 8 * SECOND, CUT_MAX]);
        random.between(1, most)
    }

    pub fn strikes(&mut self, random: &mut Random, rate: u64) -> bool {
        let strikes = rate > 0 && random.chance(rate);
        self.met += u64::from(strikes);
        strikes
    }

    /// When one thing arrives after everything that was sent before it.
    pub fn order(&mut self, to: Side, at: Millis) -> Millis {
        let last = &mut self.last[usize::from(to == Side::Till)];
        *last = at.max(*last);
        *last
    }

    /// What arrives of one write, and when.
    pub fn carry(
        &mut self,
        t: Millis,
        to: Side,
        bytes: Vec<u8>,
        random: &mut Random,
    ) -> Vec<(Millis, Vec<u8>)> {
        if !self.whole {
            return Vec::new();
        }
        let bytes = self.damaged(bytes, random);
        let mut at = t + random.between(1, 20);
        let mut pieces = Vec::new();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let most = if random.chance(600) { rest.len() } else { rest.len().min(9) };
            let len = random.between(1, most as u64);
            let (piece, after) = rest.split_at(usize::try_from(len).expect("a length"));
            if self.strikes(random, self.faults.stalled) {
                at += STALL;
            }
            at += match self.line {
                Line::Serial => len,
                Line::Tcp => random.between(0, 3),
            };
            at = self.order(to, at);
            pieces.push((at, piece.to_vec()));
            rest = after;
        }
        pieces
    }

    fn damaged(&mut self, mut bytes: Vec<u8>, random: &mut Random) -> Vec<u8> {
        if self.line == Line::Tcp {
            return bytes;
        }
        let faults = self.faults.clone();
        if bytes == [frame::ACK] {
            if self.strikes(random, faults.ack_lost) {
                return Vec::new();
            }
            if self.strikes(random, faults.ack_doubled) {
                return vec![frame::ACK; 2];
            }
        }
        if self.strikes(random, faults.flipped) {
            let index = index(random, bytes.len());
            bytes[index] ^= 1 << random.between(0, 7);
        }
        if self.strikes(random, faults.lost) {
            bytes.remove(index(random, bytes.len()));
        }
        if self.strikes(random, faults.noise) {
            let count = random.between(1, 4);
            let noise: Vec<u8> = (0..count).map(|_| noise_byte(random)).collect();
            bytes.splice(0..0, noise);
        }
        bytes
    }
}

fn index(random: &mut Random, len: usize) -> usize {
    usize::try_from(random.between(0, len as u64 - 1)).expect("an index")
}

/// A byte that is an acknowledgement by chance cannot be told from one; true ones come doubled.
fn noise_byte(random: &mut Random) -> u8 {
    let byte = u8::try_from(random.between(0, 255)).expect("a byte");
    if byte == frame::ACK { 0xFF } else { byte }
}
