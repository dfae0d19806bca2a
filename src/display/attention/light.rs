//! The panel's backlight and a light-emitting diode beside it.
//!
//! Sources: Linux, `Documentation/ABI/stable/sysfs-class-backlight`,
//! `Documentation/ABI/testing/sysfs-class-led` and `sysfs-class-led-trigger-timer`.

use super::{read_attribute, read_number, write_attribute};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `FB_BLANK_UNBLANK` of `include/uapi/linux/fb.h`: the light is on.
const POWER_ON: u32 = 0;
/// `FB_BLANK_POWERDOWN`: the light is off, which the lowest brightness need not be.
const POWER_OFF: u32 = 4;

/// A panel's backlight.
#[derive(Debug)]
pub struct Backlight {
    dir: PathBuf,
    max: u32,
    found: u32,
    found_power: Option<u32>,
}

impl Backlight {
    /// The backlight below `/sys/class/backlight/NAME`. Its brightness is remembered.
    ///
    /// # Errors
    /// When it is not there, or says nothing that makes sense.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let max = read_number(dir, "max_brightness")?.max(1);
        let found = read_number(dir, "brightness")?.min(max);
        let found_power = read_number(dir, "bl_power").ok();
        Ok(Self { dir: dir.to_owned(), max, found, found_power })
    }

    /// Sets the brightness, in percent of the brightest; more than 100 is 100, and only 0 is dark.
    ///
    /// # Errors
    /// When it cannot be written: mostly, the daemon's user may not.
    pub fn set(&self, percent: u8) -> io::Result<()> {
        let percent = u64::from(percent.min(100));
        let level = (u64::from(self.max) * percent + 50) / 100;
        let level = if percent > 0 { level.max(1) } else { 0 };
        if self.found_power.is_some() {
            let power = if percent > 0 { POWER_ON } else { POWER_OFF };
            write_attribute(&self.dir, "bl_power", power)?;
        }
        write_attribute(&self.dir, "brightness", level)
    }

    /// Sets what was found at first.
    ///
    /// # Errors
    /// As [`Backlight::set`].
    pub fn restore(&self) -> io::Result<()> {
        if let Some(power) = self.found_power {
            write_attribute(&self.dir, "bl_power", power)?;
        }
        write_attribute(&self.dir, "brightness", self.found)
    }
}

/// From one lighting-up to the next: [`BlinkPeriod::MIN`] to [`BlinkPeriod::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlinkPeriod(Duration);

impl BlinkPeriod {
    /// Two flashes a second; more than three can cause seizures (WCAG 2.2, 2.3.1).
    pub const MIN: Self = Self(Duration::from_millis(500));
    /// One flash a second.
    pub const SECOND: Self = Self(Duration::from_secs(1));
    /// Slower than that does not look like blinking.
    pub const MAX: Self = Self(Duration::from_secs(10));

    /// None when `period` is too short or too long.
    pub fn new(period: Duration) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0).contains(&period).then_some(Self(period))
    }

    /// Milliseconds alight; as many are dark.
    fn half_ms(self) -> u128 {
        self.0.as_millis().div_ceil(2)
    }
}

/// A light-emitting diode.
#[derive(Debug)]
pub struct Led {
    dir: PathBuf,
    max: u32,
    found: u32,
    found_trigger: Option<String>,
}

impl Led {
    /// The diode below `/sys/class/leds/NAME`. What it shows now is remembered.
    ///
    /// # Errors
    /// When it is not there, or says nothing that makes sense.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let max = read_number(dir, "max_brightness")?.max(1);
        let found = read_number(dir, "brightness")?.min(max);
        let found_trigger = read_attribute(dir, "trigger").ok().map(|text| chosen(&text));
        // A diode that blinks by itself was left so by a terminal that lost its power.
        let left_blinking = found_trigger.as_deref() == Some("timer");
        let (found, found_trigger) = match left_blinking {
            true => (0, Some("none".to_owned())),
            false => (found, found_trigger),
        };
        Ok(Self { dir: dir.to_owned(), max, found, found_trigger })
    }

    /// Lights it steadily.
    ///
    /// # Errors
    /// When it cannot be written: mostly, the daemon's user may not.
    pub fn on(&self) -> io::Result<()> {
        self.steady(self.max)
    }

    /// Darkens it.
    ///
    /// # Errors
    /// As [`Led::on`].
    pub fn off(&self) -> io::Result<()> {
        self.steady(0)
    }

    /// Lets the kernel blink it, half of the time alight. Where the kernel cannot, it is lit
    /// steadily.
    ///
    /// # Errors
    /// As [`Led::on`].
    pub fn blink(&self, period: BlinkPeriod) -> io::Result<()> {
        if self.timer(period).is_ok() { Ok(()) } else { self.on() }
    }

    /// Sets what was found at first.
    ///
    /// # Errors
    /// As [`Led::on`].
    pub fn restore(&self) -> io::Result<()> {
        self.steady(self.found)?;
        match self.found_trigger.as_deref() {
            Some(trigger) if trigger != "none" => write_attribute(&self.dir, "trigger", trigger),
            Some(_) | None => Ok(()),
        }
    }

    fn timer(&self, period: BlinkPeriod) -> io::Result<()> {
        write_attribute(&self.dir, "trigger", "timer")?;
        write_attribute(&self.dir, "delay_on", period.half_ms())?;
        write_attribute(&self.dir, "delay_off", period.half_ms())
    }

    fn steady(&self, level: u32) -> io::Result<()> {
        if self.found_trigger.is_some() {
            write_attribute(&self.dir, "trigger", "none")?;
        }
        write_attribute(&self.dir, "brightness", level)
    }
}

/// The trigger in brackets: `mmc0` of `none timer [mmc0]`; `none` when there is no such.
fn chosen(triggers: &str) -> String {
    let rest = triggers.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    rest.map_or("none", |(name, _)| name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::tests::device;
    use super::*;

    fn text(dir: &tempfile::TempDir, name: &str) -> String {
        read_attribute(dir.path(), name).expect("reads")
    }

    #[test]
    fn brightness_is_a_share_of_the_brightest() {
        let dir = device(&[("max_brightness", "31"), ("brightness", "12"), ("bl_power", "4")]);
        let backlight = Backlight::open(dir.path()).expect("opens");
        let levels = [0, 1, 50, 100, 255].map(|percent| {
            backlight.set(percent).expect("sets");
            format!("{} {}", text(&dir, "bl_power"), text(&dir, "brightness"))
        });
        assert_eq!(levels, ["4 0", "0 1", "0 16", "0 31", "0 31"]);
        backlight.set(0).and_then(|()| backlight.restore()).expect("restores");
        assert_eq!((text(&dir, "brightness"), text(&dir, "bl_power")), ("12".into(), "4".into()));
    }

    #[test]
    fn a_backlight_that_cannot_be_switched_off_can_be_dimmed() {
        let dir = device(&[("max_brightness", "255"), ("brightness", "255")]);
        let backlight = Backlight::open(dir.path()).expect("opens");
        backlight.set(40).and_then(|()| backlight.set(20)).expect("sets");
        assert_eq!(text(&dir, "brightness"), "51");
        backlight.restore().expect("restores");
        assert_eq!(text(&dir, "brightness"), "255");
        let error = Backlight::open(Path::new("/nonexistent")).expect_err("is not there");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn blinking_never_is_quicker_than_twice_a_second() {
        let period = |ms| BlinkPeriod::new(Duration::from_millis(ms));
        assert_eq!([period(0), period(499), period(10_001)], [None; 3]);
        assert_eq!(period(500), Some(BlinkPeriod::MIN));
        assert_eq!(period(501).map(BlinkPeriod::half_ms), Some(251));
    }

    #[test]
    fn the_kernel_blinks_where_it_can() {
        let dir = device(&[
            ("max_brightness", "1"),
            ("brightness", "0"),
            ("trigger", "none timer [heartbeat]"),
            ("delay_on", "0"),
            ("delay_off", "0"),
        ]);
        let led = Led::open(dir.path()).expect("opens");
        led.blink(BlinkPeriod::new(Duration::from_secs(1)).expect("slow")).expect("blinks");
        let names = ["trigger", "delay_on", "delay_off"];
        assert_eq!(names.map(|name| text(&dir, name)), ["timer", "500", "500"]);
        led.on().expect("lights");
        assert_eq!((text(&dir, "trigger"), text(&dir, "brightness")), ("none".into(), "1".into()));
        led.off().expect("darkens");
        assert_eq!(text(&dir, "brightness"), "0");
        led.restore().expect("restores");
        assert_eq!(text(&dir, "trigger"), "heartbeat");
    }

    #[test]
    fn a_diode_that_cannot_blink_is_lit() {
        let dir = device(&[("max_brightness", "255"), ("brightness", "9")]);
        let led = Led::open(dir.path()).expect("opens");
        led.blink(BlinkPeriod::MIN).expect("lights");
        assert_eq!(text(&dir, "brightness"), "255");
        led.restore().expect("restores");
        assert_eq!(text(&dir, "brightness"), "9");
    }
}
