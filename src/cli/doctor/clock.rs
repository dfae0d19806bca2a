//! The clock: whether it can be right, whether Klarna's says the same, and who keeps it.

use super::device::line;
use super::finding::Finding;
use crate::acquirer::Exchange;
use crate::clock::{SystemClock, Wall, Zone};
use std::path::Path;

const NAME: &str = "clock";
const OFFSET: &str = "clock offset";
const KEPT: &str = "clock kept by";
const RTC: &str = "RTC";

/// Further apart than this, clocks are worth a warning, in seconds.
const OFFSET_GOOD_S: u64 = 30;
/// Further apart than this, keys, tokens and certificates are refused, in seconds.
const OFFSET_MAX_S: u64 = 300;

/// What says that a time service has set the clock, and whose word it is.
const KEEPERS: [(&str, &str); 4] = [
    ("/run/systemd/timesync/synchronized", "systemd-timesyncd"),
    ("/run/chrony/chronyd.pid", "chronyd"),
    ("/run/chronyd.pid", "chronyd"),
    ("/run/ntpd.pid", "ntpd"),
];

/// The clock, beside what Klarna's said in its answer.
pub(super) fn check(exchange: Option<Exchange>) -> Vec<Finding> {
    let now = SystemClock::start().now().wall;
    vec![plausible(now), offset(exchange.and_then(|it| it.ahead_s)), kept(), rtc(now)]
}

fn plausible(now: Wall) -> Finding {
    let shown = now.iso8601();
    if !now.is_plausible() {
        let remedy =
            "timedatectl set-time, or connect the terminal to a network with a time server";
        return Finding::fail(NAME, format!("{shown} cannot be right"), remedy);
    }
    let zone = Zone::of_this_system().civil(now).map(|civil| civil.to_string());
    Finding::ok(NAME, format!("{shown}, here {}", zone.unwrap_or_default()))
}

fn offset(ahead_s: Option<i64>) -> Finding {
    let Some(ahead) = ahead_s else {
        let remedy = "see the lines about the network: Klarna's answer says the time";
        return Finding::skip(OFFSET, "Klarna has not said what time it is", remedy);
    };
    let found = match ahead {
        0 => "none: Klarna's clock says the same".to_owned(),
        1.. => format!("this clock is {ahead} s behind Klarna's"),
        _ => format!("this clock is {} s ahead of Klarna's", ahead.unsigned_abs()),
    };
    let remedy = "timedatectl set-ntp true, and let the network reach a time server (UDP 123)";
    let apart = ahead.unsigned_abs();
    if apart <= OFFSET_GOOD_S {
        Finding::ok(OFFSET, found)
    } else if apart <= OFFSET_MAX_S {
        Finding::warn(OFFSET, found, remedy)
    } else {
        Finding::fail(OFFSET, found, remedy)
    }
}

fn kept() -> Finding {
    match KEEPERS.iter().find(|(path, _)| Path::new(path).exists()) {
        Some((_, keeper)) => Finding::ok(KEPT, *keeper),
        None => {
            let remedy = "timedatectl set-ntp true; without a network only the RTC keeps the time";
            Finding::warn(KEPT, "no time service has set it since the start", remedy)
        }
    }
}

/// The clock that goes on without power.
fn rtc(now: Wall) -> Finding {
    let about = Path::new("/sys/class/rtc/rtc0");
    let Some(name) = line(&about.join("name")) else {
        let remedy = "after a power cut the time is wrong until the network has said it; fit one";
        return Finding::warn(RTC, "this machine has none", remedy);
    };
    let seconds = line(&about.join("since_epoch")).and_then(|text| text.parse::<i64>().ok());
    match seconds.map(|seconds| now.millis() / 1000 - seconds) {
        Some(apart) if apart.unsigned_abs() <= OFFSET_GOOD_S => {
            Finding::ok(RTC, format!("{name}, {} s from the clock", apart.unsigned_abs()))
        }
        Some(apart) => {
            let found = format!("{name}, {} s from the clock", apart.unsigned_abs());
            Finding::warn(
                RTC,
                found,
                "hwclock --systohc once the clock is right; or its battery is empty",
            )
        }
        None => {
            let remedy = "hwclock --systohc once the clock is right; or its battery is empty";
            Finding::warn(RTC, format!("{name} does not say the time"), remedy)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_are_far_apart_are_told_of() {
        let said = |ahead| offset(Some(ahead)).text(false);
        assert!(said(0).starts_with("ok"));
        assert!(said(30).starts_with("ok") && said(-30).starts_with("ok"));
        assert!(said(31).starts_with("warn") && said(31).contains("31 s behind"));
        assert!(said(-31).starts_with("warn") && said(-31).contains("31 s ahead"));
        assert!(said(300).starts_with("warn") && said(301).starts_with("FAIL"));
        assert!(said(i64::MIN).starts_with("FAIL"));
        assert!(offset(None).text(false).starts_with("skip"));
    }

    #[test]
    fn a_clock_that_was_never_set_fails() {
        assert!(plausible(Wall::from_millis(0)).is_failure());
        assert!(!plausible(Wall::SET_FROM).is_failure());
    }
}
