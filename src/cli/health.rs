//! How a terminal stands, for a person or a monitoring script; read beside a running daemon.

use crate::clock::SystemClock;
use crate::console::api::describe;
use crate::payment::Engine;
use crate::payment::alarm::{Alarm, Health, Limits};
use crate::store::Reader;
use std::path::Path;

/// Notices of Klarna's that are shown.
const NEWS_MAX: u32 = 5;

/// How a terminal stands.
pub(super) struct Stand {
    /// The same for people.
    pub(super) lines: Vec<String>,
    /// The alarms that are raised.
    pub(super) raised: Vec<Alarm>,
}

/// Prints how the terminal stands; whether any alarm is raised.
pub(super) fn health(path: &Path, limits: &Limits) -> anyhow::Result<bool> {
    let stand = stand(path, limits)?;
    stand.lines.iter().for_each(|line| println!("{line}"));
    Ok(!stand.raised.is_empty())
}

/// How the terminal stands, by its journal.
pub(super) fn stand(path: &Path, limits: &Limits) -> anyhow::Result<Stand> {
    let reader = Reader::open(path)?;
    let now = SystemClock::start().now();
    let engine = Engine::for_reading(reader.installation()?, &reader.open_records()?)?;
    let health = Health::of(now.wall, reader.backlog()?, engine.payments(), limits);
    let hours = health.oldest_age.as_secs() / 3600;
    let minutes = health.oldest_age.as_secs() / 60 % 60;
    let mut lines = vec![
        format!("calls that wait for Klarna     {}", health.backlog.queued),
        format!("the oldest of them waits       {hours} h {minutes} min"),
        format!("calls that need a person       {}", health.backlog.refused),
        format!("authorised and not captured    {}", health.uncaptured),
        format!("  about to lapse               {}", health.expiring),
    ];
    let raised = Alarm::ALL.into_iter().filter(|alarm| health.raises(*alarm, limits));
    let raised: Vec<Alarm> = raised.collect();
    let told = raised.iter().map(|alarm| format!("ALARM {}: {}", alarm.code(), alarm.advice()));
    lines.extend(told);
    for record in reader.terminals_own("noted", NEWS_MAX)? {
        lines.push(format!("Klarna told, {}: {}", record.at.iso8601(), describe(&record.event)));
    }
    Ok(Stand { lines, raised })
}
