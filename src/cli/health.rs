//! How a terminal stands, for a person or a monitoring script; read beside a running daemon.

use crate::clock::SystemClock;
use crate::payment::Engine;
use crate::payment::alarm::{Alarm, Health, Limits};
use crate::store::Reader;
use std::path::Path;

/// Prints how the terminal stands; whether any alarm is raised.
pub(super) fn health(path: &Path, limits: &Limits) -> anyhow::Result<bool> {
    let reader = Reader::open(path)?;
    let now = SystemClock::start().now();
    let engine = Engine::for_reading(reader.installation()?, &reader.open_records()?)?;
    let health = Health::of(now.wall, reader.backlog()?, engine.payments(), limits);
    let hours = health.oldest_age.as_secs() / 3600;
    let minutes = health.oldest_age.as_secs() / 60 % 60;
    println!("calls that wait for Klarna     {}", health.backlog.queued);
    println!("the oldest of them waits       {hours} h {minutes} min");
    println!("calls that need a person       {}", health.backlog.refused);
    println!("authorised and not captured    {}", health.uncaptured);
    println!("  about to lapse               {}", health.expiring);
    let raised = Alarm::ALL.into_iter().filter(|alarm| health.raises(*alarm, limits));
    let raised: Vec<Alarm> = raised.collect();
    for alarm in &raised {
        println!("ALARM {}: {}", alarm.code(), alarm.advice());
    }
    Ok(!raised.is_empty())
}
