//! What can go wrong with notices, on demand, and storms of them.
//!
//! It does not act; `publish` does what a fault says.

use super::event;
use crate::simulator::fault::{FaultError, error, parse_count, parse_number};
use jiff::Timestamp;
use serde_json::Value;
use std::str::FromStr;
use std::time::Duration;

/// Longest delay of one notice, in milliseconds: an hour.
const DELAY_MS_MAX: u64 = 3_600_000;
/// Most times that one notice is sent.
const TIMES_MAX: u64 = 100;
/// Faults waiting at most; more are a mistake of the test.
const FAULTS_MAX: usize = 1_000;
/// Events of a storm in one second, at most.
const PER_SECOND_MAX: u64 = 1_000;
/// Longest storm, in seconds: an hour.
const SECONDS_MAX: u64 = 3_600;

/// What happens to a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushKind {
    /// It is sent this many times.
    Duplicate(u32),
    /// It is sent this much later, on the simulator's clock.
    Delay(Duration),
    /// It is never sent.
    Lose,
    /// Its signature is made with a key that nobody knows.
    Forge,
    /// It is sent after the one that follows it, or a minute later if none does.
    Reorder,
    /// The oldest notice that the webhook has taken is sent again, byte for byte, beside it.
    Replay,
}

/// A fault waiting for its notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushFault {
    /// What happens.
    pub kind: PushKind,
    /// To which events: one or a wildcard.
    pub event: String,
    /// To how many notices of them; then it is over.
    pub count: u32,
}

/// Every name that [`PushFault`]'s `FromStr` knows.
const NAMES: &str = "duplicate=<times>, delay=<ms>, lose, forge, reorder, replay";

impl FromStr for PushFault {
    type Err = FaultError;

    /// Such as `duplicate=2:payment.request.*:1`.
    fn from_str(text: &str) -> Result<PushFault, FaultError> {
        let mut parts = text.trim().split(':');
        let kind = parse_kind(parts.next().unwrap_or_default())?;
        let event = parts.next().unwrap_or("*").to_owned();
        if !event::is_pattern(&event) {
            return Err(error(format!("there is no event \"{event}\"")));
        }
        let count = parts.next().map_or(Ok(1), parse_count)?;
        match parts.next() {
            Some(rest) => Err(error(format!("\"{rest}\" is too much in \"{text}\""))),
            None => Ok(PushFault { kind, event, count }),
        }
    }
}

fn parse_kind(text: &str) -> Result<PushKind, FaultError> {
    let (name, number) = text.split_once('=').map_or((text, None), |(n, v)| (n, Some(v)));
    let kind = match name {
        "duplicate" => {
            let times = parse_number(number, 2, TIMES_MAX)?;
            PushKind::Duplicate(u32::try_from(times).unwrap_or(u32::MAX))
        }
        "delay" => PushKind::Delay(Duration::from_millis(parse_number(number, 0, DELAY_MS_MAX)?)),
        _ if number.is_some() => return Err(error(format!("\"{name}\" takes no number"))),
        "lose" => PushKind::Lose,
        "forge" => PushKind::Forge,
        "reorder" => PushKind::Reorder,
        "replay" => PushKind::Replay,
        _ => {
            return Err(error(format!("unknown fault \"{name}\" of a notice (known: {NAMES})")));
        }
    };
    Ok(kind)
}

/// The faults that are waiting, in the order they were asked for.
#[derive(Default)]
pub(in crate::simulator) struct PushFaults(Vec<PushFault>);

impl PushFaults {
    pub(in crate::simulator) fn add(&mut self, fault: PushFault) {
        if self.0.len() < FAULTS_MAX && fault.count > 0 {
            self.0.push(fault);
        }
    }

    pub(in crate::simulator) fn clear(&mut self) {
        self.0.clear();
    }

    /// What a notice of this event meets.
    pub(super) fn take(&mut self, event_type: &str) -> Option<PushKind> {
        let index = self.0.iter().position(|fault| event::matches(&fault.event, event_type))?;
        let fault = &mut self.0[index];
        fault.count -= 1;
        let (kind, over) = (fault.kind, fault.count == 0);
        if over {
            self.0.remove(index);
        }
        Some(kind)
    }
}

/// Synthetic events at a steady pace for a bounded time, about payments that nobody has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storm {
    /// Which event.
    pub event_type: String,
    /// How many of them in each second, 1 to 1000.
    pub per_second: u32,
    /// For how long; at most an hour.
    pub lasts: Duration,
}

impl Storm {
    /// From `{"event_type":"...","per_second":50,"seconds":10}`; the event may be left out.
    ///
    /// # Errors
    /// Text that says what is wrong, for the person who wrote it.
    pub fn from_json(value: &Value) -> Result<Storm, String> {
        let event_type = match &value["event_type"] {
            Value::Null => "payment.request.state-change.in-progress".to_owned(),
            name => name.as_str().unwrap_or_default().to_owned(),
        };
        if event::known(&event_type).is_none() {
            return Err(format!("there is no event \"{event_type}\""));
        }
        let number = |name: &str, max: u64| {
            let number = value[name].as_u64().filter(|number| (1..=max).contains(number));
            number.ok_or_else(|| format!("\"{name}\" must be a whole number from 1 to {max}"))
        };
        let per_second = number("per_second", PER_SECOND_MAX)?;
        let lasts = Duration::from_secs(number("seconds", SECONDS_MAX)?);
        let per_second = u32::try_from(per_second).unwrap_or(u32::MAX);
        Ok(Storm { event_type, per_second, lasts })
    }
}

/// A storm that has begun.
pub(super) struct Storming {
    storm: Storm,
    began: Timestamp,
    sent: u64,
}

impl Storming {
    pub(super) fn new(storm: Storm, now: Timestamp) -> Storming {
        Storming { storm, began: now, sent: 0 }
    }

    /// How many events are to be made now, and of which type; `None` once it is over.
    pub(super) fn take(&mut self, now: Timestamp) -> Option<(String, u64)> {
        let lasts = self.storm.lasts.min(Duration::from_secs(SECONDS_MAX));
        let per_second = u128::from(self.storm.per_second).min(u128::from(PER_SECOND_MAX));
        let passed = now.duration_since(self.began).unsigned_abs().min(lasts);
        let wanted = u64::try_from(passed.as_millis() * per_second / 1000).unwrap_or(u64::MAX);
        let missing = wanted.saturating_sub(self.sent);
        self.sent = self.sent.max(wanted);
        let over = missing == 0 && passed >= lasts;
        (!over).then(|| (self.storm.event_type.clone(), missing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_a_notice_is_a_line_of_text() {
        let fault: PushFault = "duplicate=3:payment.request.*:2".parse().expect("a fault");
        assert_eq!(fault.kind, PushKind::Duplicate(3));
        assert_eq!((fault.event.as_str(), fault.count), ("payment.request.*", 2));
        let fault: PushFault = "lose".parse().expect("a fault");
        assert_eq!((fault.kind, fault.event.as_str(), fault.count), (PushKind::Lose, "*", 1));
        for wrong in ["explode", "lose=1", "duplicate", "lose:nothing", "lose:*:0", "lose:*:1:1"] {
            assert!(wrong.parse::<PushFault>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_storm_has_a_pace_and_an_end() {
        let storm = Storm::from_json(&serde_json::json!({"per_second": 10, "seconds": 2}));
        let began = Timestamp::UNIX_EPOCH;
        let mut storming = Storming::new(storm.expect("a storm"), began);
        let mut after = |ms: u64| storming.take(began + Duration::from_millis(ms)).map(|(_, n)| n);
        assert_eq!([after(0), after(150), after(1000)], [Some(0), Some(1), Some(9)]);
        assert_eq!([after(9000), after(9000)], [Some(10), None]);
        for wrong in [r#"{}"#, r#"{"per_second":0,"seconds":1}"#, r#"{"event_type":1}"#] {
            let wrong: Value = serde_json::from_str(wrong).expect("JSON");
            assert!(Storm::from_json(&wrong).is_err(), "{wrong}");
        }
    }
}
