//! What happened in a run, line by line, and a hash of it: the same seed must tell the same story.

use super::Millis;

/// How many lines of a payment are told when something is wrong with it.
const SHORTENED: usize = 40;

pub struct Story {
    /// Payment, time and what has happened.
    pub lines: Vec<(u32, Millis, String)>,
    hash: u64,
}

impl Story {
    pub fn new() -> Self {
        Self { lines: Vec::new(), hash: 0xcbf2_9ce4_8422_2325 }
    }

    /// A line about payment number `payment`, or about the whole shop (0).
    pub fn tell(&mut self, at: Millis, payment: u32, line: String) {
        let bytes = at.to_le_bytes().into_iter().chain(payment.to_le_bytes());
        for byte in bytes.chain(line.bytes()) {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.lines.push((payment, at, line));
    }

    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The last lines about `payment`, with what happened to the whole shop between them.
    pub fn about(&self, payment: u32) -> String {
        let of_it = |(number, ..): &&(u32, Millis, String)| *number == payment || *number == 0;
        let lines: Vec<&(u32, Millis, String)> = self.lines.iter().filter(of_it).collect();
        let first = lines.iter().position(|(number, ..)| *number == payment && payment != 0);
        let from = first.unwrap_or(0).max(lines.len().saturating_sub(SHORTENED));
        lines[from..].iter().map(|line| show(line)).collect()
    }

    pub fn whole(&self) -> String {
        self.lines.iter().map(show).collect()
    }
}

fn show((payment, at, line): &(u32, Millis, String)) -> String {
    let seconds = *at / 1000;
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, *at % 60_000);
    let (second, milli) = (rest / 1000, rest % 1000);
    let day = if days > 0 { format!("{days}d ") } else { String::new() };
    let clock = format!("{day}{hours:02}:{minutes:02}:{second:02}.{milli:03}");
    format!("    {clock} [{payment}] {line}\n")
}
