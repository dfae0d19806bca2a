//! A buzzer on a pulse-width modulator: four signals that are told apart by rhythm alone.
//!
//! Frequencies are where small piezo discs are loudest. Source: Linux,
//! `Documentation/driver-api/pwm.rst` (`/sys/class/pwm`).

use super::{Slot, Worker, read_number, write_attribute};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest signal, in milliseconds: the next one may be due.
pub const SIGNAL_MS_MAX: u32 = 1_500;

/// How often a channel is looked for after it was asked for: rights to it may come later.
const EXPORT_ATTEMPTS: u32 = 10;
/// From one look to the next.
const EXPORT_PAUSE: Duration = Duration::from_millis(50);
/// The period of a channel that never had one, in nanoseconds: without one it takes nothing else.
const PERIOD_NS: u32 = 1_000_000;

const LOW_HZ: u32 = 2_000;
const MIDDLE_HZ: u32 = 2_700;
const HIGH_HZ: u32 = 3_400;

/// What a shopper is to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// There is something to do: two short tones.
    Attention,
    /// It is paid: a short tone and a long one, higher.
    Success,
    /// Little time is left: three short tones.
    Warning,
    /// It has failed: two long tones, the second one lower.
    Failure,
}

/// A part of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// A tone.
    Tone {
        /// Its pitch.
        frequency_hz: u32,
        /// How long it sounds.
        ms: u32,
    },
    /// Silence.
    Pause {
        /// How long it lasts.
        ms: u32,
    },
}

impl Signal {
    /// Every signal.
    pub const ALL: [Self; 4] = [Self::Attention, Self::Success, Self::Warning, Self::Failure];

    /// What is played: less than [`SIGNAL_MS_MAX`] together, and no rhythm twice.
    pub fn notes(self) -> &'static [Note] {
        const fn tone(frequency_hz: u32, ms: u32) -> Note {
            Note::Tone { frequency_hz, ms }
        }
        const SHORT_PAUSE: Note = Note::Pause { ms: 80 };
        const LONG_PAUSE: Note = Note::Pause { ms: 180 };
        match self {
            Signal::Attention => {
                &const { [tone(MIDDLE_HZ, 100), SHORT_PAUSE, tone(MIDDLE_HZ, 100)] }
            }
            Signal::Success => &const { [tone(MIDDLE_HZ, 100), SHORT_PAUSE, tone(HIGH_HZ, 400)] },
            Signal::Warning => {
                const SHORT: Note = tone(MIDDLE_HZ, 120);
                &const { [SHORT, LONG_PAUSE, SHORT, LONG_PAUSE, SHORT] }
            }
            Signal::Failure => &const { [tone(MIDDLE_HZ, 450), LONG_PAUSE, tone(LOW_HZ, 450)] },
        }
    }
}

impl Note {
    /// How long it takes.
    fn duration(self) -> Duration {
        let (Note::Tone { ms, .. } | Note::Pause { ms }) = self;
        Duration::from_millis(ms.into())
    }
}

/// A buzzer. Dropping it makes it silent.
#[derive(Debug)]
pub struct Buzzer(Worker<Signal>);

impl Buzzer {
    /// The buzzer at a channel of `/sys/class/pwm/pwmchipN`. Waits for at most half a second until
    /// the channel is there.
    ///
    /// # Errors
    /// When there is no such channel, or the daemon's user may not use it.
    pub fn open(chip: &Path, channel: u32) -> io::Result<Self> {
        let dir = export(chip, channel)?;
        if read_number(&dir, "period")? == 0 {
            write_attribute(&dir, "period", PERIOD_NS)?;
        }
        silence(&dir)?;
        Worker::start("buzzer", move |signal: Signal, slot| play(&dir, signal, slot)).map(Self)
    }

    /// Plays a signal on a thread of its own, in place of the one that sounds.
    ///
    /// # Errors
    /// What has gone wrong with an earlier one; this one is played all the same.
    pub fn play(&self, signal: Signal) -> io::Result<()> {
        self.0.hand_over(signal)
    }
}

/// Makes the channel's directory appear, and waits for it.
fn export(chip: &Path, channel: u32) -> io::Result<PathBuf> {
    let dir = chip.join(format!("pwm{channel}"));
    if !dir.exists() {
        write_attribute(chip, "export", channel)?;
    }
    let mut attempt = 1;
    loop {
        match read_number(&dir, "duty_cycle").and_then(|ns| write_attribute(&dir, "duty_cycle", ns))
        {
            // A channel without a period takes nothing: it is there all the same.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Ok(dir),
            Err(_) if attempt < EXPORT_ATTEMPTS => attempt += 1,
            result => return result.map(|()| dir),
        }
        std::thread::sleep(EXPORT_PAUSE);
    }
}

fn play(dir: &Path, signal: Signal, slot: &Slot<Signal>) -> io::Result<()> {
    for note in signal.notes() {
        let set = match note {
            Note::Tone { frequency_hz, .. } => sound(dir, *frequency_hz),
            Note::Pause { .. } => silence(dir),
        };
        if set.is_err() || !slot.wait(note.duration()) {
            return set.and(silence(dir));
        }
    }
    silence(dir)
}

/// The duty cycle must never be longer than the period, so it goes first and comes last.
fn sound(dir: &Path, frequency_hz: u32) -> io::Result<()> {
    let period_ns = 1_000_000_000 / frequency_hz.max(1);
    write_attribute(dir, "duty_cycle", 0)?;
    write_attribute(dir, "period", period_ns)?;
    write_attribute(dir, "duty_cycle", period_ns / 2)?;
    write_attribute(dir, "enable", 1)
}

fn silence(dir: &Path) -> io::Result<()> {
    write_attribute(dir, "duty_cycle", 0).and(write_attribute(dir, "enable", 0))
}

#[cfg(test)]
mod tests {
    use super::super::read_attribute;
    use super::super::tests::device;
    use super::*;
    use std::collections::HashSet;
    use std::time::Instant;

    /// Long enough for any machine.
    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn signals_are_short_and_told_apart_by_rhythm() {
        let mut rhythms = HashSet::new();
        for signal in Signal::ALL {
            let total: Duration = signal.notes().iter().map(|note| note.duration()).sum();
            assert!(total < Duration::from_millis(SIGNAL_MS_MAX.into()), "{signal:?}");
            let letter = |note: &Note| match note {
                Note::Tone { ms, frequency_hz } => {
                    assert!((1_000..=5_000).contains(frequency_hz));
                    assert!(*ms <= 150 || *ms >= 3 * 120, "neither short nor long");
                    Some(if *ms <= 150 { '.' } else { '-' })
                }
                Note::Pause { .. } => None,
            };
            let letters: String = signal.notes().iter().filter_map(letter).collect();
            assert!(rhythms.insert(letters), "{signal:?} sounds like another one");
        }
    }

    /// A chip with a channel 0 that has been asked for before.
    fn chip() -> tempfile::TempDir {
        let chip = device(&[("export", "")]);
        let channel = chip.path().join("pwm0");
        std::fs::create_dir(&channel).expect("creates");
        for (name, value) in [("period", "0"), ("duty_cycle", "0"), ("enable", "0")] {
            std::fs::write(channel.join(name), value).expect("writes");
        }
        chip
    }

    fn wait_for(dir: &Path, name: &str, value: &str) {
        let start = Instant::now();
        while read_attribute(dir, name).expect("reads") != value {
            assert!(start.elapsed() < PATIENCE, "{name} never was {value}");
            std::thread::yield_now();
        }
    }

    #[test]
    fn the_newest_signal_sounds_and_then_there_is_silence() {
        let chip = chip();
        let channel = chip.path().join("pwm0");
        let buzzer = Buzzer::open(chip.path(), 0).expect("opens");
        assert_eq!(read_number(&channel, "period").expect("reads"), PERIOD_NS);
        buzzer.play(Signal::Failure).expect("plays");
        buzzer.play(Signal::Success).expect("plays");
        wait_for(&channel, "period", &(1_000_000_000 / HIGH_HZ).to_string());
        drop(buzzer);
        assert_eq!(read_number(&channel, "enable").expect("reads"), 0);
        assert_eq!(read_number(&channel, "duty_cycle").expect("reads"), 0);
    }

    #[test]
    fn a_tone_is_half_of_the_time_high() {
        let chip = chip();
        let channel = chip.path().join("pwm0");
        sound(&channel, 2_000).expect("sounds");
        let set = ["period", "duty_cycle", "enable"].map(|name| read_number(&channel, name).ok());
        assert_eq!(set, [Some(500_000), Some(250_000), Some(1)]);
    }

    #[test]
    fn a_channel_that_does_not_come_is_an_error() {
        let chip = device(&[("export", "")]);
        let error = Buzzer::open(chip.path(), 3).expect_err("there is no channel 3");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(read_attribute(chip.path(), "export").expect("reads"), "3");
    }

    #[test]
    fn a_buzzer_that_was_pulled_out_is_told_with_the_next_signal() {
        let chip = chip();
        let buzzer = Buzzer::open(chip.path(), 0).expect("opens");
        std::fs::remove_dir_all(chip.path().join("pwm0")).expect("removes");
        let start = Instant::now();
        while buzzer.play(Signal::Attention).is_ok() {
            assert!(start.elapsed() < PATIENCE, "the error never came");
            std::thread::yield_now();
        }
    }
}
