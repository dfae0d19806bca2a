//! What goes wrong in a run beside the network: power, process, disk, clock; and how it ends.

use super::Millis;
use super::canary::Canary;
use super::faults::{Faults, SECOND};
use super::run::{DISK_PAUSE, Happening, Shop};
use super::terminal::Death;
use klarna_terminald::payment::Input;

impl Shop {
    /// Whether a fault of this rate strikes now.
    pub(super) fn strikes(&mut self, rate: u64) -> bool {
        let strikes = rate > 0 && self.random.chance(rate);
        self.faults_met += u64::from(strikes);
        strikes
    }

    /// What may go wrong at any moment.
    pub(super) fn strike(&mut self) {
        if self.by_the_book {
            return;
        }
        if self.strikes(self.faults.outage) {
            self.line_down_until = self.t + self.faults.span(&mut self.random);
            self.story.tell(self.t, 0, format!("the line is down until {}", self.line_down_until));
        }
        if self.strikes(self.faults.clock_step) {
            let by = Faults::step_millis(&mut self.random);
            self.terminal.set_wall(by);
            self.story.tell(self.t, 0, format!("the clock is set by {by} ms"));
        }
        if self.strikes(self.faults.disk_full) {
            self.disk_full_until = self.t + self.random.between(SECOND, 400 * SECOND);
            self.story.tell(self.t, 0, "the disk is full".to_owned());
        }
        if self.strikes(self.faults.crash / 2) {
            let death = self.death();
            self.dies(death);
        }
    }

    pub(super) fn death(&mut self) -> Death {
        if !self.random.chance(self.faults.power) {
            return Death::Process;
        }
        let stands = self.random.chance(self.faults.clock_stands);
        if stands { Death::PowerAndClock } else { Death::Power }
    }

    pub fn dies(&mut self, death: Death) {
        self.story.tell(self.t, 0, format!("the terminal dies: {death:?}"));
        let seeded = self.terminal.faulty.is_some();
        let seed = if seeded { self.random.between(0, u64::MAX - 1) } else { 0 };
        self.terminal.die(death, seed);
        if let Some(counter) = &mut self.counter {
            counter.dies(self.t);
        }
        self.watched.clear();
        let off = match death {
            Death::Process => 3 * SECOND,
            Death::Power | Death::PowerAndClock => 25 * SECOND + self.faults.span(&mut self.random),
        };
        let off = if self.by_the_book { self.dark } else { off };
        let since = self.t;
        self.after(off, Happening::Starts { death, since });
    }

    pub(super) fn starts(&mut self, death: Death, since: Millis) {
        if self.t < self.disk_full_until {
            return self.after(DISK_PAUSE, Happening::Starts { death, since });
        }
        let trusting = self.canary == Some(Canary::TrustsTheClock);
        self.terminal.start(self.t, death, self.t - since, trusting);
        // What was under way when it died may be there after all.
        let found = self.terminal.disk.records.len() - self.recorded.len();
        if found > 0 {
            self.story.tell(self.t, 0, format!("{found} records of a commit under way are there"));
        }
        self.learn(since);
        self.look_again = self.t;
        self.story.tell(self.t, 0, "the terminal starts".to_owned());
        self.watch();
        self.look_at_screen();
        if !self.by_the_book {
            self.input(Input::Started);
        }
        if self.terminal.on {
            self.counter_starts();
        }
    }

    /// Everything works again and stays so.
    pub fn heal(&mut self) {
        self.story.tell(self.t, 0, "everything works again".to_owned());
        self.faults = Faults::default();
        if let Some(counter) = &mut self.counter {
            counter.heal();
        }
        self.disk_full_until = self.t;
        self.line_down_until = self.t;
        self.till_down_until = self.t;
        let goes_home = |act: &Happening| {
            matches!(act, Happening::TillActs | Happening::PersonActs | Happening::OthersAct)
        };
        self.queue.retain(|_, happening| !goes_home(happening));
        let start = |happening: &Happening| matches!(happening, Happening::Starts { .. });
        let starts = self.queue.iter().find(|(_, happening)| start(happening)).map(|(at, _)| *at);
        if let Some(Happening::Starts { death, since }) =
            starts.and_then(|at| self.queue.remove(&at))
        {
            self.after(SECOND, Happening::Starts { death, since });
        }
    }
}
