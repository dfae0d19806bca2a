//! Whether a daemon runs on the database, and what it says of itself.

use super::Subject;
use super::finding::Finding;
use crate::cli::client::{Client, Told, Unanswered};
use crate::cli::health::stand;
use crate::config::Config;
use crate::console::api::HealthView;
use crate::local::beside;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

const NAME: &str = "daemon";

/// Whether a daemon has the database open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Daemon {
    /// It has.
    Runs,
    /// None has.
    Absent,
    /// This user cannot tell.
    Unknown,
}

impl Daemon {
    /// Looks at the lock beside the database. A daemon that starts at this very moment waits for
    /// longer than the look takes.
    pub(super) fn of(store: &Path) -> Self {
        let lock = match File::open(beside(store, ".lock")) {
            Ok(lock) => lock,
            Err(error) if error.kind() == ErrorKind::NotFound => return Self::Absent,
            Err(_) => return Self::Unknown,
        };
        match flock(&lock, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Self::Absent,
            Err(Errno::WOULDBLOCK) => Self::Runs,
            Err(_) => Self::Unknown,
        }
    }
}

/// The daemon's own words, and the alarms of the journal.
pub(super) fn check(subject: &Subject) -> Vec<Finding> {
    let Some(config) = subject.accepted() else {
        return vec![Finding::skip(NAME, "not known", "correct the configuration first")];
    };
    let mut found = match subject.daemon {
        Daemon::Runs => answers(config),
        Daemon::Absent => {
            let remedy = "start it: systemctl start klarna-terminald";
            vec![Finding::skip(NAME, "none runs on this database", remedy)]
        }
        Daemon::Unknown => {
            let remedy = "run this as the service's user";
            vec![Finding::skip(NAME, "this user cannot see whether one runs", remedy)]
        }
    };
    found.extend(alarms(config));
    found
}

fn answers(config: &Config) -> Vec<Finding> {
    let asked = Client::of(&config.store_path);
    let told: Result<Told<HealthView>, Unanswered> = match asked {
        Ok(client) => client.get("/v1/health"),
        Err(error) => {
            return vec![Finding::fail(NAME, format!("{error:#}"), "restart the machine")];
        }
    };
    match told {
        Ok(told) => says(&told.value),
        Err(error) if error.is_forbidden() => {
            let remedy = "run this as the service's user or as a member of console.group";
            vec![Finding::skip(NAME, "it runs; this user may not ask it", remedy)]
        }
        Err(error) => {
            let remedy = "look at its log: journalctl -u klarna-terminald";
            vec![Finding::fail(NAME, error.to_string(), remedy)]
        }
    }
}

fn says(health: &HealthView) -> Vec<Finding> {
    let (version, ours) = (&health.version, env!("CARGO_PKG_VERSION"));
    let mut found = vec![match version == ours {
        true => Finding::ok(NAME, format!("version {version} runs and answers")),
        false => {
            let text = format!("version {version} runs, this program is version {ours}");
            Finding::warn(NAME, text, "start it again: systemctl restart klarna-terminald")
        }
    }];
    if let Some(why) = &health.storage {
        let remedy = "see the lines about storage; it takes no payment until it can record one";
        found.push(Finding::fail(NAME, format!("it cannot record anything: {why}"), remedy));
    }
    if let Some(why) = &health.display {
        let remedy = "see the lines about the display; it begins no sale without one";
        found.push(Finding::fail(NAME, format!("it cannot show anything: {why}"), remedy));
    }
    if !health.is_reachable {
        let remedy = "see the lines about the network; what waits is sent by itself";
        found.push(Finding::warn(NAME, "it cannot reach Klarna", remedy));
    }
    if !health.is_till_here {
        let remedy = "switch the till on and look at its settings and its cable";
        found.push(Finding::warn(NAME, "no till has spoken since it was started", remedy));
    }
    found
}

/// The alarms that `health` prints.
fn alarms(config: &Config) -> Vec<Finding> {
    if !config.store_path.exists() {
        return Vec::new();
    }
    match stand(&config.store_path, &config.alarms) {
        Ok(stand) if stand.raised.is_empty() => {
            vec![Finding::ok("alarms", "none; `health` has the figures")]
        }
        Ok(stand) => {
            let raised = stand.raised.iter();
            raised.map(|alarm| Finding::warn("alarms", alarm.code(), alarm.advice())).collect()
        }
        Err(error) => {
            let remedy = "see the lines about the database";
            vec![Finding::skip("alarms", format!("not known: {error:#}"), remedy)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn a_daemon_is_known_by_its_lock() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let path = directory.path().join("terminal.sqlite");
        assert_eq!(Daemon::of(&path), Daemon::Absent, "there was never one");
        let store = Store::open(&path).expect("a new database");
        assert_eq!(Daemon::of(&path), Daemon::Runs);
        drop(store);
        assert_eq!(Daemon::of(&path), Daemon::Absent);
    }
}
