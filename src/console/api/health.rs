//! How the terminal stands, as JSON.

use super::super::page::work;
use super::client::Client;
use super::view::Happening;
use super::{Answer, Shared};
use crate::access::Right;
use crate::payment::alarm::Alarm;
use crate::store::StoreError;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

/// How the terminal stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HealthView {
    /// The codes of the alarms that are raised, as in the metrics.
    pub alarms: Vec<String>,
    /// Whether Klarna could be reached when it was last tried.
    pub is_reachable: bool,
    /// When Klarna last answered, ISO 8601 in UTC.
    pub last_answer: Option<String>,
    /// How many milliseconds Klarna's last answer took.
    pub took_ms: Option<u64>,
    /// How many seconds Klarna's clock is ahead of the terminal's.
    pub clock_ahead_s: Option<i64>,
    /// Whether the terminal's clock can be right.
    pub is_clock_set: bool,
    /// Why nothing can be recorded.
    pub storage: Option<String>,
    /// Why nothing can be shown to shoppers.
    pub display: Option<String>,
    /// Whether a till is connected, or has been.
    pub is_till_here: bool,
    /// Calls that wait for Klarna.
    pub queued: u64,
    /// How many seconds the oldest of them has waited.
    pub oldest_age_s: u64,
    /// Calls that need a person.
    pub refused: u64,
    /// Authorised sales that are not captured as a whole.
    pub uncaptured: u64,
    /// Those among them that are about to lapse.
    pub lapsing: u64,
    /// What Klarna has told of late that is of no payment here, newest first.
    #[serde(default)]
    pub news: Vec<Happening>,
    /// The program's version.
    pub version: String,
}

pub(super) async fn health(State(office): Shared, client: Client) -> Answer<HealthView> {
    client.needs(Right::See)?;
    let (now, pulse) = (office.now(), office.pulse());
    let limits = office.context.limits;
    let read =
        move || office.read(|book| Ok::<_, StoreError>((book.health(now, &limits)?, book.news()?)));
    let (health, news) = work(read).await??;
    let raised = Alarm::ALL.into_iter().filter(|alarm| health.raises(*alarm, &limits));
    Ok(Json(HealthView {
        alarms: raised.map(|alarm| alarm.code().to_owned()).collect(),
        is_reachable: pulse.is_reachable,
        last_answer: pulse.last_answer.map(crate::clock::Wall::iso8601),
        took_ms: pulse.exchange.map(|exchange| exchange.took_ms),
        clock_ahead_s: pulse.exchange.and_then(|exchange| exchange.ahead_s),
        is_clock_set: now.wall.is_plausible(),
        storage: pulse.storage,
        display: pulse.display,
        is_till_here: pulse.is_till_here,
        queued: health.backlog.queued,
        oldest_age_s: health.oldest_age.as_secs(),
        refused: health.backlog.refused,
        uncaptured: health.uncaptured,
        lapsing: health.expiring,
        news: news.iter().map(Happening::from).collect(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }))
}
