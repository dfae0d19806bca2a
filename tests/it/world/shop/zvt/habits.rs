//! How the ZVT till of a seed is set up and behaves.

use super::super::Millis;
use super::super::random::Random;

/// How a till of this seed behaves; chances are per thousand.
#[derive(Debug, Clone)]
pub struct Habits {
    pub config: u8,
    pub container: bool,
    pub print_block: bool,
    /// Its positive acknowledgement is `84 00 00`.
    pub says_84: bool,
    pub refuses: u64,
    pub waits: u64,
    pub is_silent: u64,
    pub leaves: u64,
    pub hangs_up: u64,
    pub aborts: u64,
    pub enquires: u64,
    /// Acknowledges the acknowledgement of an abort.
    pub acks_acks: bool,
    pub strays: u64,
    /// A new connection for each command.
    pub connects_each: bool,
    pub think_max: Millis,
}

impl Habits {
    pub fn draw(random: &mut Random) -> Self {
        let mut rate = |rates: &[u64]| if random.chance(400) { random.pick(rates) } else { 0 };
        let (refuses, waits, is_silent) = (rate(&[50, 250]), rate(&[80, 300]), rate(&[50, 250]));
        let (leaves, hangs_up) = (rate(&[50, 250]), rate(&[50, 250]));
        let (aborts, enquires, strays) = (rate(&[80, 350]), rate(&[100, 400]), rate(&[50, 250]));
        Self {
            config: random.pick(&[0x06, 0x86, 0x8E, 0x0E]),
            container: random.chance(500),
            print_block: random.chance(500),
            says_84: random.chance(300),
            refuses,
            waits,
            is_silent,
            leaves,
            hangs_up,
            aborts,
            enquires,
            acks_acks: random.chance(300),
            strays,
            connects_each: random.chance(300),
            think_max: random.pick(&[20, 300, 3000]),
        }
    }
}
