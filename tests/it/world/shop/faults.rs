//! What goes wrong in a run. Each run has its own subset with its own rates (swarm testing): a
//! fault that is always there would hide what only shows without it.

use super::Millis;
use super::random::Random;

pub const SECOND: Millis = 1000;
pub const HOUR: Millis = 3600 * SECOND;
pub const DAY: Millis = 24 * HOUR;

/// How long an outage, or a machine without power, may last.
const SPANS: [Millis; 10] = [
    2 * SECOND,
    20 * SECOND,
    90 * SECOND,
    400 * SECOND,
    HOUR,
    5 * HOUR,
    22 * HOUR,
    30 * HOUR,
    5 * DAY,
    60 * DAY,
];
/// By how much the wall clock is set, in hours.
const STEPS_HOURS: [i64; 8] = [-87_660, 87_660, -30, -10, -1, 1, 10, 30];

/// Rates are per thousand.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    pub lost_before: u64,
    pub lost_after: u64,
    pub delivered_late: u64,
    pub duplicated: u64,
    pub server_error: u64,
    pub throttled: u64,
    /// The call takes effect, its answer is lost, and the line stays down.
    pub cut_on_call: u64,
    /// A definite refusal for a reason of Klarna's own.
    pub refused: u64,
    /// A definite refusal of what Klarna has done all the same.
    pub denied: u64,
    /// Looks for transactions that are slow, or get no answer.
    pub looks_disturbed: u64,
    /// At each of others' acts, that it is about one of our transactions.
    pub portal: u64,
    pub reads_disturbed: u64,
    pub crash: u64,
    /// Of the crashes, those with the power.
    pub power: u64,
    /// Of the power cuts, those over which the wall clock stands still.
    pub clock_stands: u64,
    pub disk_full: u64,
    /// At each input, that the wall clock is set.
    pub clock_step: u64,
    /// At each input, that the line goes down.
    pub outage: u64,
    /// At each of the till's acts, that its link goes down.
    pub till_lost: u64,
    pub long: bool,
}

impl Faults {
    pub fn draw(random: &mut Random) -> Self {
        let mut rate = |rates: &[u64]| if random.chance(500) { random.pick(rates) } else { 0 };
        Self {
            lost_before: rate(&[20, 100, 400]),
            lost_after: rate(&[20, 100, 400]),
            delivered_late: rate(&[20, 100, 300]),
            duplicated: rate(&[50, 300]),
            server_error: rate(&[20, 200]),
            throttled: rate(&[20, 300]),
            cut_on_call: rate(&[20, 100, 250]),
            refused: rate(&[10, 60]),
            denied: rate(&[10, 40]),
            looks_disturbed: rate(&[100, 500]),
            portal: rate(&[50, 300]),
            reads_disturbed: rate(&[50, 400]),
            crash: rate(&[3, 20, 80]),
            power: rate(&[300, 700]),
            clock_stands: rate(&[300, 1000]),
            disk_full: rate(&[3, 20]),
            clock_step: rate(&[2, 15]),
            outage: rate(&[2, 15]),
            till_lost: rate(&[20, 200]),
            long: rate(&[1]) == 1,
        }
    }

    /// How long it lasts this time.
    pub fn span(&self, random: &mut Random) -> Millis {
        let spans = if self.long { &SPANS[..] } else { &SPANS[..5] };
        let span = random.pick(spans);
        random.between(span / 2, span)
    }

    pub fn step_millis(random: &mut Random) -> i64 {
        let minutes = i64::try_from(random.between(0, 50)).expect("a few");
        random.pick(&STEPS_HOURS) * 3_600_000 + minutes * 60_000
    }
}
