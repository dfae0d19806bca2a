//! What the fleet's operator has ordered, carried out: noted in the audit journal, kept as
//! accepted, and only then done. Settings from afar are watched over here while they are on trial.
//!
//! It works beside the daemon's loop, so no payment waits for it, and asks that loop in the words
//! of a till. It does not look at signatures: orders come in here as they were judged.

use super::orders::Told;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::console::{Errand, Pulse, Recorder, answer};
use crate::fleet::{
    self, Before, Change, Counts, Deed, Held, Kind, Refused, Report, Serial, Signed, Signs, State,
    TRIAL, Tally,
};
use crate::id::{DESK_PREFIX, PosReference};
use crate::payment::vocabulary::Request;
use crate::push::{Given, Standing};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, block_in_place};
use tokio::time::Instant;

/// What could not be kept at the end of a trial is tried again after this long.
const AGAIN: Duration = Duration::from_secs(30);

/// What a terminal needs to do as it is ordered to from afar.
#[derive(Debug, Clone)]
pub(super) struct Post {
    /// What is kept of orders.
    pub(super) held: Arc<Held>,
    /// The configuration file; without one no settings are taken.
    pub(super) file: Option<PathBuf>,
    /// To whoever runs the terminal.
    pub(super) up: mpsc::Sender<Told>,
}

/// Carries orders out.
pub(super) struct Steward {
    pub(super) post: Post,
    /// Which terminal it is, if it takes orders.
    pub(super) settings: Option<fleet::Settings>,
    pub(super) clock: SystemClock,
    /// None where the audit journal cannot be opened: then nothing is carried out.
    pub(super) recorder: Option<Recorder>,
    /// To the daemon's loop.
    pub(super) ask: mpsc::Sender<Errand>,
    pub(super) pulse: watch::Receiver<Pulse>,
    pub(super) standing: watch::Sender<Standing>,
}

/// Settings that have to prove themselves.
struct Trial {
    serial: Serial,
    before: Before,
    is_till_seen: bool,
    ends: Instant,
}

impl Steward {
    /// Works until the daemon's loop has ended.
    pub(super) fn begin(self, given: mpsc::Receiver<Given>) -> JoinHandle<()> {
        // Without a line no order ever comes.
        if !cfg!(feature = "push") {
            return tokio::spawn(async move { self.ask.closed().await });
        }
        tokio::spawn(self.run(given))
    }

    async fn run(mut self, mut given: mpsc::Receiver<Given>) {
        let mut tally = Tally::default();
        let mut trial = self.trial();
        self.account();
        loop {
            let due = tally.due().map(|due| Instant::from_std(self.clock.instant(due)));
            tokio::select! {
                () = self.ask.closed() => break,
                Some(given) = given.recv() => {
                    if let Err(refused) = self.given(given).await {
                        let counts = tally.count(&refused, self.clock.now().mono);
                        if counts.is_some() {
                            tracing::warn!(%refused, "orders from afar are refused");
                        }
                        self.note_refused(counts);
                    }
                }
                Ok(()) = self.pulse.changed() => {
                    let is_till_here = self.pulse.borrow_and_update().is_till_connected;
                    if let Some(trial) = &mut trial {
                        trial.is_till_seen |= is_till_here;
                    }
                }
                () = sleep_until(trial.as_ref().map(|trial| trial.ends)) => {
                    trial = trial.take().and_then(|trial| self.conclude(trial));
                }
                () = sleep_until(due) => self.note_refused(tally.close(self.clock.now().mono)),
            }
        }
        self.note_refused(tally.close(self.clock.now().mono));
    }

    fn trial(&self) -> Option<Trial> {
        let state = self.post.held.state().inspect_err(|error| {
            tracing::error!(%error, "no order from afar is carried out");
        });
        let (serial, before) = state.ok()?.trial()?;
        let lasts = self.settings.as_ref().map_or(TRIAL, |settings| settings.trial);
        Some(Trial { serial, before, is_till_seen: false, ends: Instant::now() + lasts })
    }

    /// Carries an order out, unless it is not to be.
    async fn given(&self, given: Given) -> Result<(), Refused> {
        let Signed { order, key } = given.order?;
        let (kind, serial) = (order.deed.kind(), order.serial);
        // What cannot be read is said when it is to be changed.
        let state = self.post.held.state().unwrap_or_else(|_| State::new(None));
        if given.retained && state.last(kind) == Some(serial) {
            return Ok(());
        }
        state.is_new(kind, serial)?;
        let to = order.to.to_string();
        let detail = json!({ "order": kind.code(), "serial": serial.number(), "to": to });
        if !self.note(Some(key.as_str()), "ordered", detail) {
            return Ok(());
        }
        tracing::info!(order = kind.code(), %serial, %key, "an order from afar is accepted");
        match order.deed {
            Deed::SyncNow => {
                if self.keep(|state| state.admit(kind, serial)) {
                    self.sync_now(serial, key.as_str()).await;
                }
            }
            Deed::RestartWhenIdle => {
                if self.keep(|state| state.admit(kind, serial)) {
                    let _ = self.post.up.send(Told::StartAnew).await;
                }
            }
            Deed::Configure(change) => self.configure(serial, change).await,
        }
        Ok(())
    }

    /// What `outbox retry` does.
    async fn sync_now(&self, serial: Serial, key: &str) {
        let reference = PosReference::new(format!("{DESK_PREFIX}fleet-{serial}"))
            .expect("a word and a number are a reference");
        let (tell, told) = oneshot::channel();
        let request = Request::Retry { reference, call: None };
        let asked = self.ask.send(Errand::Ask { request, answer: tell }).await;
        let said = match (asked, told.await) {
            (Ok(()), Ok(reply)) => answer(&reply),
            _ => "none",
        };
        let kind = Kind::SyncNow.code();
        let detail = json!({ "order": kind, "serial": serial.number(), "answer": said });
        self.note(Some(key), "ordered", detail);
    }

    /// Stages settings, or says why they cannot be.
    async fn configure(&self, serial: Serial, Change { toml, canary }: Change) {
        let picks = |settings: &fleet::Settings| canary.picks(serial, &settings.me);
        if !self.settings.as_ref().is_some_and(picks) {
            tracing::info!(%serial, "this terminal takes no part in settings from afar");
            self.keep(|state| state.admit(Kind::Configure, serial));
            return;
        }
        let read = match &self.post.file {
            Some(file) => block_in_place(|| Config::load_with(file, Some(&toml)))
                .map(drop)
                .map_err(|error| error.to_string()),
            None => Err("this program was started without a configuration file".to_owned()),
        };
        let before = self.before();
        let is_kept = self.keep(|state| match &read {
            Ok(()) => state.stage(serial, toml, before),
            Err(why) => state.refuse(serial, why),
        });
        self.account();
        match read {
            Ok(()) if is_kept => drop(self.post.up.send(Told::Reload).await),
            Ok(()) => {}
            Err(why) => tracing::error!(why, %serial, "settings from afar were refused"),
        }
    }

    fn before(&self) -> Before {
        let pulse = self.pulse.borrow();
        Before {
            display: pulse.display.is_none(),
            till: pulse.is_till_connected,
            klarna: pulse.is_reachable,
        }
    }

    /// Ends a trial; comes back with it when that cannot be kept yet.
    fn conclude(&self, trial: Trial) -> Option<Trial> {
        let signs = {
            let pulse = self.pulse.borrow();
            Signs {
                journal: pulse.storage.is_none(),
                display: pulse.display.is_none(),
                till: trial.is_till_seen || pulse.is_till_connected,
                klarna: pulse.is_reachable,
            }
        };
        let (serial, worse) = (trial.serial, signs.worse_than(trial.before));
        if !self.keep(|state| state.conclude(serial, worse)) {
            return Some(Trial { ends: Instant::now() + AGAIN, ..trial });
        }
        match worse {
            None => tracing::info!(%serial, "settings from afar are kept"),
            Some(why) => {
                tracing::error!(why, %serial, "settings from afar are given up");
                // It is read again in any case when the program starts.
                let _ = self.post.up.try_send(Told::Retreat);
            }
        }
        self.account();
        None
    }

    /// Whether the change is on the disk.
    fn keep(&self, change: impl FnOnce(&mut State)) -> bool {
        let kept = block_in_place(|| self.post.held.change(change));
        if let Err(error) = &kept {
            tracing::error!(%error, "an order from afar is not carried out: it cannot be kept");
        }
        kept.is_ok()
    }

    /// Tells the operator and the audit journal what has become of settings from afar.
    fn account(&self) {
        let Ok(state) = self.post.held.state() else { return };
        self.standing.send_if_modified(|standing| {
            let is_new = standing.config.as_ref() != state.report();
            standing.config = state.report().cloned();
            is_new
        });
        let Some(Report { serial, state: stage, why }) = state.unnoted() else { return };
        tracing::info!(%serial, state = ?stage, why, "settings from afar have come so far");
        let detail = json!({ "serial": serial.number(), "state": stage, "why": why });
        if self.note(None, "settings_from_afar", detail) {
            self.keep(State::noted);
        }
    }

    fn note_refused(&self, counts: Option<Counts>) {
        if let Some(counts) = counts {
            self.note(None, "orders_refused", json!(counts));
        }
    }

    /// Whether it stands in the audit journal now.
    fn note(&self, key: Option<&str>, action: &'static str, detail: Value) -> bool {
        let Some(recorder) = &self.recorder else {
            tracing::error!(action, "nothing is done from afar without an audit journal");
            return false;
        };
        let noted = block_in_place(|| recorder.note_from_afar(key, action, detail));
        if let Err(error) = &noted {
            tracing::error!(%error, action, "nothing is done that cannot be noted");
        }
        noted.is_ok()
    }
}

async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
