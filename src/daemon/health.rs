//! How the terminal stands, for those who are not in front of it: alarms in the log when they begin
//! and each hour while they last, and metrics for a collector, in a file or over HTTP.
//!
//! The file is what node_exporter's textfile collector reads. Who asks over HTTP is answered
//! elsewhere, with what was said here last.

use super::Daemon;
use super::collector::{Collector, Told};
use super::pushed::Fleet;
use super::system::notify;
use crate::clock::{Mono, Now};
use crate::operations::{Exposition, Format, Kind};
use crate::payment::Engine;
use crate::payment::alarm::{Alarm, Health, Limits};
use crate::store::{Reader, StoreError};
use sd_notify::NotifyState;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often it is looked, and the file is written.
const PACE: Duration = Duration::from_secs(30);
/// How often it is looked where a collector may ask at any time.
const PACE_ASKED: Duration = Duration::from_secs(5);
/// An alarm that lasts is logged again after this long.
const REPEAT: Duration = Duration::from_secs(3600);

/// Where metrics go.
#[derive(Debug)]
pub(super) struct Outlets {
    pub(super) file: Option<PathBuf>,
    pub(super) collector: Option<Collector>,
}

/// Whether payments can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Able {
    /// They can, as far as this machine is concerned.
    Well,
    /// The journal cannot be written.
    NotWritten,
    /// It can, but nothing can be shown to shoppers.
    NotShown,
}

/// Looks after the terminal's health.
#[derive(Debug)]
pub(super) struct Watchman {
    limits: Limits,
    outlets: Outlets,
    fleet: Fleet,
    next: Mono,
    /// When the file is to be written again.
    next_file: Mono,
    able: Able,
    raised: BTreeMap<Alarm, Mono>,
    /// Whether Klarna could be reached when it was last tried.
    pub(super) reachable: bool,
}

impl Watchman {
    pub(super) fn new(limits: Limits, outlets: Outlets, fleet: Fleet, now: Now) -> Self {
        let (next, next_file, raised) = (now.mono, now.mono, BTreeMap::new());
        let able = Able::Well;
        Self { limits, outlets, fleet, next, next_file, able, raised, reachable: true }
    }

    /// When to look again.
    pub(super) fn due(&self) -> Mono {
        self.next
    }

    /// Looks, if it is time or there is news.
    pub(super) fn look(&mut self, now: Now, engine: &Engine, reader: &Reader, able: Able) {
        if self.next > now.mono && self.able == able {
            return;
        }
        self.able = able;
        let pace = if self.outlets.collector.is_some() { PACE_ASKED } else { PACE };
        self.next = now.mono.after(pace);
        let health = match health(now, engine, reader, &self.limits) {
            Ok(health) => health,
            Err(error) => return tracing::error!(%error, "the outbox cannot be counted"),
        };
        for alarm in Alarm::ALL {
            self.note(alarm, &health, now.mono);
        }
        notify(&[NotifyState::Status(&status(&health))]);
        let alarms = self.raised.keys().map(|alarm| alarm.code().to_owned()).collect();
        self.fleet.tell(&health, alarms, self.reachable);
        if let Some(collector) = &self.outlets.collector {
            let text = self.text(Format::OpenMetrics, &health);
            collector.tell(Told { text, able, at: now.mono });
        }
        if let Some(path) = &self.outlets.file
            && self.next_file <= now.mono
        {
            self.next_file = now.mono.after(PACE);
            if let Err(error) = replace(path, &self.text(Format::Prometheus, &health)) {
                tracing::warn!(%error, path = %path.display(), "metrics cannot be written");
            }
        }
    }

    fn text(&self, format: Format, health: &Health) -> String {
        let mut text = Exposition::new(format, "terminald_");
        measure(&mut text, health, &self.limits, self.reachable, self.able);
        self.fleet.measure(&mut text);
        text.finish()
    }

    fn note(&mut self, alarm: Alarm, health: &Health, now: Mono) {
        let code = alarm.code();
        let raised = self.raised.get(&alarm).copied();
        match (health.raises(alarm, &self.limits), raised) {
            (true, Some(again)) if again > now => {}
            (true, _) => {
                self.raised.insert(alarm, now.after(REPEAT));
                tracing::error!(
                    alarm = code,
                    queued = health.backlog.queued,
                    oldest_s = health.oldest_age.as_secs(),
                    needs_person = health.backlog.refused,
                    lapsing = health.expiring,
                    "{}",
                    alarm.advice()
                );
            }
            (false, Some(_)) => {
                self.raised.remove(&alarm);
                tracing::info!(alarm = code, "the alarm is over");
            }
            (false, None) => {}
        }
    }
}

fn health(
    now: Now,
    engine: &Engine,
    reader: &Reader,
    limits: &Limits,
) -> Result<Health, StoreError> {
    Ok(Health::of(now.wall, reader.backlog()?, engine.payments(), limits))
}

fn status(health: &Health) -> String {
    let backlog = health.backlog;
    format!("{} calls wait for Klarna, {} need a person", backlog.queued, backlog.refused)
}

fn measure(text: &mut Exposition, health: &Health, limits: &Limits, reachable: bool, able: Able) {
    text.gauge("outbox_queued", "Calls that wait for Klarna.", health.backlog.queued);
    text.gauge("outbox_refused", "Refused calls that wait for a person.", health.backlog.refused);
    let age = health.oldest_age.as_secs();
    text.gauge("outbox_oldest_seconds", "Age of the oldest call that waits for Klarna.", age);
    let uncaptured = health.uncaptured;
    text.gauge("uncaptured", "Authorised sales that are not captured as a whole.", uncaptured);
    text.gauge("authorisations_lapsing", "Those that are about to lapse.", health.expiring);
    text.gauge("klarna_reachable", "1 while Klarna can be reached.", u64::from(reachable));
    let writable = u64::from(able != Able::NotWritten);
    text.gauge("journal_writable", "1 while the journal can be written.", writable);
    let alarms = Alarm::ALL.map(|alarm| (alarm.code(), u64::from(health.raises(alarm, limits))));
    text.labelled(Kind::Gauge, ("alarm", "alarm"), "1 while the alarm lasts.", &alarms);
}

impl Daemon {
    pub(super) fn able(&self) -> Able {
        match (&self.fault, self.shown.why_blind()) {
            (Some(_), _) => Able::NotWritten,
            (None, Some(_)) => Able::NotShown,
            (None, None) => Able::Well,
        }
    }
}

/// A collector never sees half a file.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    // The collector's directory may be shared: nothing that stands there already is written to.
    let _ = std::fs::remove_file(&new);
    let mut file = std::fs::File::options().write(true).create_new(true).open(&new)?;
    file.write_all(text.as_bytes())?;
    std::fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payment::alarm::Backlog;

    #[test]
    fn metrics_are_in_the_collectors_format() {
        let day = Duration::from_secs(86_400);
        let limits = Limits {
            queue_age: day,
            queue_length: 1,
            authorisation_life: 28 * day,
            authorisation_left: 3 * day,
        };
        let backlog = Backlog { queued: 2, refused: 0, oldest: None };
        let health =
            Health { backlog, oldest_age: Duration::from_secs(7), uncaptured: 3, expiring: 1 };
        let mut text = Exposition::new(Format::Prometheus, "terminald_");
        measure(&mut text, &health, &limits, true, Able::NotWritten);
        let text = text.finish();
        for line in [
            "# TYPE terminald_outbox_queued gauge",
            "terminald_outbox_queued 2",
            "terminald_outbox_oldest_seconds 7",
            "terminald_journal_writable 0",
            "terminald_alarm{alarm=\"queue_is_long\"} 1",
            "terminald_alarm{alarm=\"queue_is_old\"} 0",
            "terminald_alarm{alarm=\"authorisations_lapse\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("klarna.prom");
        replace(&path, &text).expect("written");
        assert_eq!(std::fs::read_to_string(&path).expect("readable"), text);
    }
}
