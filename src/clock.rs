//! Time as values: [`Mono`] for deadlines, [`Wall`] for receipts and the journal.
//!
//! Only the daemon reads a clock (through [`SystemClock`]); everybody else is handed a [`Now`].
//! Wall time may jump in either direction at any moment, so no deadline is ever kept in it alone.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A point of monotonic time: since an origin that lasts as long as the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Mono(Duration);

impl Mono {
    /// The point `since_origin` after the origin.
    pub fn new(since_origin: Duration) -> Self {
        Self(since_origin)
    }

    /// `wait` later; saturates at the end of time.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(wait))
    }

    /// How long until `self`, zero when it has passed.
    pub fn left(self, now: Mono) -> Duration {
        self.0.saturating_sub(now.0)
    }
}

/// A point of wall time in whole milliseconds since 1970-01-01 UTC; may be wrong.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Wall(i64);

impl Wall {
    /// 2025-01-01 UTC: older than every build, so a clock that shows an earlier time was never set.
    pub const SET_FROM: Self = Self(1_735_689_600_000);

    /// From milliseconds since 1970-01-01 UTC.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Whether a clock that says so can be right: from 2025 to 2099.
    pub fn is_plausible(self) -> bool {
        (Self::SET_FROM.0..4_102_444_800_000).contains(&self.0)
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// How much later `self` is than `earlier`; `None` when the wall clock has gone backwards.
    pub fn since(self, earlier: Wall) -> Option<Duration> {
        let millis = self.0.checked_sub(earlier.0)?;
        u64::try_from(millis).ok().map(Duration::from_millis)
    }

    /// `wait` later; saturates.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)))
    }

    /// ISO 8601 in UTC with milliseconds, such as `2026-01-31T12:00:00.000Z`.
    pub fn iso8601(self) -> String {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(timestamp) => format!("{timestamp:.3}"),
            Err(_) => format!("{}ms", self.0),
        }
    }
}

/// Where the shop's clock on the wall hangs: what people read on receipts and screens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(jiff::tz::TimeZone);

impl Zone {
    /// UTC.
    pub const UTC: Self = Self(jiff::tz::TimeZone::UTC);

    /// The zone that this system is set to; UTC where it is set to none.
    pub fn of_this_system() -> Self {
        Self(jiff::tz::TimeZone::system())
    }

    /// The zone with this name of the IANA database, such as `Europe/Berlin`; `None` where the
    /// system does not know it.
    pub fn named(name: &str) -> Option<Self> {
        jiff::tz::TimeZone::get(name).ok().map(Self)
    }

    /// `at` as the clock on the wall shows it; `None` beyond the years -9999 to 9999.
    pub fn civil(&self, at: Wall) -> Option<Civil> {
        let zoned = jiff::Timestamp::from_millisecond(at.0).ok()?.to_zoned(self.0.clone());
        let small = |number: i8| u8::try_from(number).unwrap_or_default();
        Some(Civil {
            year: zoned.year(),
            month: small(zoned.month()),
            day: small(zoned.day()),
            hour: small(zoned.hour()),
            minute: small(zoned.minute()),
            second: small(zoned.second()),
            zone: zoned.strftime("%Z").to_string(),
        })
    }
}

/// A point of time in a [`Zone`]. Displayed as `2026-01-31 13:00:00 CET`, for files and staff;
/// shoppers read it as their language writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Civil {
    /// Year of the Gregorian calendar.
    pub year: i16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// The zone's abbreviation at that time, such as `CET`; its offset where it has none.
    pub zone: String,
}

impl Civil {
    /// `MMDD` as a number.
    pub fn month_day(&self) -> u64 {
        u64::from(self.month) * 100 + u64::from(self.day)
    }

    /// `HHMMSS` as a number.
    pub fn hour_minute_second(&self) -> u64 {
        let hour_minute = u64::from(self.hour) * 100 + u64::from(self.minute);
        hour_minute * 100 + u64::from(self.second)
    }
}

impl fmt::Display for Civil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second, zone } = self;
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} {zone}")
    }
}

/// One reading of both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// For deadlines.
    pub mono: Mono,
    /// For receipts, the journal and the age of keys.
    pub wall: Wall,
}

impl Now {
    /// The same reading `wait` later on both clocks.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self { mono: self.mono.after(wait), wall: self.wall.after(wait) }
    }
}

/// The machine's clocks. Held by the daemon alone.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock whose monotonic origin is now.
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }

    /// Reads both clocks.
    pub fn now(&self) -> Now {
        let since_1970 = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
        };
        Now { mono: Mono(self.origin.elapsed()), wall: Wall(since_1970) }
    }

    /// The instant that `point` stands for, for timers of the runtime.
    pub fn instant(&self, point: Mono) -> Instant {
        self.origin + point.0
    }
}

/// What tells one run of the machine from another, and how its wall clock stands against the time
/// since it was started.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Boot {
    /// The kernel's random number of this run.
    id: String,
    /// Wall time at which the machine was started, by its present clock, in milliseconds.
    started_ms: i64,
    /// Up to which wall time of the journal no age can be told. It outlives the process: one that
    /// is started again knows no more than the one before.
    #[serde(default)]
    distrusted_until: Option<Wall>,
}

/// A difference between two readings of a clock that is no drift but a jump.
pub const CLOCK_JUMP: Duration = Duration::from_secs(300);

/// The run of the machine as systemd tells it, for a service that the kernel's file is hidden from.
const BOOT_ID: &str = "KLARNA_TERMINALD_BOOT_ID";

impl Boot {
    /// This run of the machine; `None` where the kernel does not tell.
    pub fn of_this_machine(now: Now) -> Option<Self> {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .or_else(|_| std::env::var(BOOT_ID))
            .ok()?
            .replace('-', "");
        let up = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let up_ms = up.tv_sec.checked_mul(1000)?.checked_add(up.tv_nsec / 1_000_000)?;
        let started_ms = now.wall.millis().checked_sub(up_ms)?;
        Some(Self { id: id.trim().to_owned(), started_ms, distrusted_until: None })
    }

    /// The same, with what follows from the run that was noted before; `newest` is the latest wall
    /// time that is known.
    #[must_use]
    pub fn following(self, earlier: Option<&Boot>, newest: Wall) -> Self {
        let distrusted_until = match earlier.filter(|earlier| self.continues(earlier)) {
            Some(earlier) => earlier.distrusted_until,
            None => Some(newest),
        };
        Self { distrusted_until, ..self }
    }

    /// Keys first attempted before this wall time have an age that nobody knows.
    pub fn distrusted_until(&self) -> Option<Wall> {
        self.distrusted_until
    }

    /// Whether wall times noted in `earlier` can be compared with wall times of now: the machine
    /// has not been off in between, and its clock has not been set.
    pub fn continues(&self, earlier: &Boot) -> bool {
        let moved = self.started_ms.abs_diff(earlier.started_ms);
        self.id == earlier.id && Duration::from_millis(moved) < CLOCK_JUMP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_back_has_no_age() {
        let noon = Wall::from_millis(1_000_000);
        assert_eq!(noon.after(Duration::from_secs(1)).since(noon), Some(Duration::from_secs(1)));
        assert_eq!(noon.since(noon.after(Duration::from_millis(1))), None);
    }

    #[test]
    fn times_compare_only_within_one_run_of_the_machine() {
        let boot =
            |id: &str, started_ms| Boot { id: id.to_owned(), started_ms, distrusted_until: None };
        let now = boot("a", 1_000_000);
        assert!(now.continues(&boot("a", 1_000_500)));
        assert!(
            !now.continues(&boot("b", 1_000_000)),
            "it was off, its clock may have stood still"
        );
        assert!(!now.continues(&boot("a", 1_300_000)), "its clock was set");
        let this = Boot::of_this_machine(SystemClock::start().now()).expect("a Linux kernel");
        let same = Boot::of_this_machine(SystemClock::start().now()).expect("a Linux kernel");
        assert!(same.continues(&this));
    }

    #[test]
    fn distrust_outlives_the_process_but_not_the_next_cut() {
        let boot = |id: &str| Boot { id: id.to_owned(), started_ms: 0, distrusted_until: None };
        let first = boot("a").following(None, Wall::from_millis(10));
        assert_eq!(first.distrusted_until(), Some(Wall::from_millis(10)));
        let again = boot("a").following(Some(&first), Wall::from_millis(20));
        assert_eq!(again.distrusted_until(), Some(Wall::from_millis(10)));
        let next = boot("b").following(Some(&again), Wall::from_millis(30));
        assert_eq!(next.distrusted_until(), Some(Wall::from_millis(30)));
    }

    #[test]
    fn a_shop_has_its_own_time() {
        let winter = Wall::from_millis(1_700_000_000_123);
        let civil = Zone::UTC.civil(winter).expect("a date");
        assert_eq!(civil.to_string(), "2023-11-14 22:13:20 UTC");
        assert_eq!((civil.month_day(), civil.hour_minute_second()), (1114, 221_320));
        if let Some(berlin) = Zone::named("Europe/Berlin") {
            let civil = berlin.civil(Wall::from_millis(1_704_063_600_000)).expect("a date");
            assert_eq!(civil.to_string(), "2024-01-01 00:00:00 CET");
            assert_eq!((civil.month_day(), civil.hour_minute_second()), (101, 0));
        }
        assert_eq!(Zone::named("Middle/Earth"), None);
        assert_eq!(Zone::UTC.civil(Wall::from_millis(i64::MAX)), None);
    }

    #[test]
    fn iso_8601_is_utc_with_milliseconds() {
        assert_eq!(Wall::from_millis(1_700_000_000_123).iso8601(), "2023-11-14T22:13:20.123Z");
        assert_eq!(Wall::from_millis(i64::MAX).iso8601(), format!("{}ms", i64::MAX));
    }
}
