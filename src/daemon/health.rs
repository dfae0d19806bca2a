//! How the terminal stands, for those who are not in front of it: alarms in the log when they begin
//! and each hour while they last, and a file of metrics in the text format of Prometheus.
//!
//! The file is what node_exporter's textfile collector reads; no port is opened for it.

use super::pushed::Fleet;
use super::system::notify;
use crate::clock::{Mono, Now};
use crate::payment::Engine;
use crate::payment::alarm::{Alarm, Health, Limits};
use crate::store::{Reader, StoreError};
use sd_notify::NotifyState;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often it is looked.
const PACE: Duration = Duration::from_secs(30);
/// An alarm that lasts is logged again after this long.
const REPEAT: Duration = Duration::from_secs(3600);

/// Looks after the terminal's health.
#[derive(Debug)]
pub(super) struct Watchman {
    limits: Limits,
    metrics: Option<PathBuf>,
    fleet: Fleet,
    next: Mono,
    raised: BTreeMap<Alarm, Mono>,
    /// Whether Klarna could be reached when it was last tried.
    pub(super) reachable: bool,
}

impl Watchman {
    pub(super) fn new(limits: Limits, metrics: Option<PathBuf>, fleet: Fleet, now: Now) -> Self {
        let raised = BTreeMap::new();
        Self { limits, metrics, fleet, next: now.mono, raised, reachable: true }
    }

    /// When to look again.
    pub(super) fn due(&self) -> Mono {
        self.next
    }

    /// Looks, if it is time.
    pub(super) fn look(&mut self, now: Now, engine: &Engine, reader: &Reader, writable: bool) {
        if self.next > now.mono {
            return;
        }
        self.next = now.mono.after(PACE);
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
        if let Some(path) = &self.metrics {
            let mut text = metrics(&health, &self.limits, self.reachable, writable);
            text.push_str(&self.fleet.metrics());
            if let Err(error) = replace(path, &text) {
                tracing::warn!(%error, path = %path.display(), "metrics cannot be written");
            }
        }
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

/// In Prometheus' text format, version 0.0.4.
fn metrics(health: &Health, limits: &Limits, reachable: bool, writable: bool) -> String {
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, value: u64| {
        let _ = write!(
            text,
            "# HELP terminald_{name} {help}\n# TYPE terminald_{name} gauge\n\
             terminald_{name} {value}\n"
        );
    };
    gauge("outbox_queued", "Calls that wait for Klarna.", health.backlog.queued);
    gauge("outbox_refused", "Refused calls that wait for a person.", health.backlog.refused);
    let age = health.oldest_age.as_secs();
    gauge("outbox_oldest_seconds", "Age of the oldest call that waits for Klarna.", age);
    gauge("uncaptured", "Authorised sales that are not captured as a whole.", health.uncaptured);
    gauge("authorisations_lapsing", "Those that are about to lapse.", health.expiring);
    gauge("klarna_reachable", "1 while Klarna can be reached.", u64::from(reachable));
    gauge("journal_writable", "1 while the journal can be written.", u64::from(writable));
    text.push_str("# HELP terminald_alarm 1 while the alarm lasts.\n");
    text.push_str("# TYPE terminald_alarm gauge\n");
    for alarm in Alarm::ALL {
        let raised = u64::from(health.raises(alarm, limits));
        let _ = writeln!(text, "terminald_alarm{{alarm=\"{}\"}} {raised}", alarm.code());
    }
    text
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
        let text = metrics(&health, &limits, true, false);
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
