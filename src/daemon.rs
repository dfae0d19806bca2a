//! The composition root: everything that can happen comes in here, is decided by the engine, made
//! durable by the store, and only then shown, told and sent.
//!
//! It reads the clock for everybody. It has no opinion about money.

mod ask;
mod collector;
mod desk;
mod fault;
mod health;
pub mod last_good;
mod log;
mod office;
mod orders;
mod parts;
mod pushed;
#[cfg(feature = "relay")]
mod received;
mod shown;
mod snapshots;
mod start;
mod steward;
mod system;
mod waiting;

pub use orders::serve;
pub use parts::{run, run_on};
pub use system::terminated;

use crate::acquirer::Acquirer;
use crate::clock::{Mono, SystemClock};
use crate::console::Errand;
use crate::payment::vocabulary::{Reply, SaleResult};
use crate::payment::{Engine, Input, Wanted, event};
use crate::pos::TillEvent;
use crate::pos::desk::{DeskEvent, DeskReply};
use crate::push::Noted;
use crate::receipt;
use crate::store::{Reader, Store};
use crate::sync::Report;
use ask::{Asked, Asker, Lookup};
use fault::Fault;
use health::Watchman;
use log::log;
use office::Office;
use orders::Order;
use pushed::Notices;
use sd_notify::NotifyState;
use shown::Shown;
use snapshots::Snapshots;
use std::sync::Arc;
use std::time::Duration;
use system::{notify, watchdog_pace};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// Nothing is due: look at the clock anyway, and whether the software is being updated.
const IDLE_TICK: Duration = Duration::from_secs(5);
/// How long replies may take to reach the till when the daemon stops.
const FAREWELL: Duration = Duration::from_secs(2);
/// The connection to Klarna is used at least this often while the terminal is idle.
const WARM_UP_EVERY: Duration = Duration::from_secs(240);

/// Everything that can happen.
enum Event {
    Till(TillEvent),
    Desk(DeskEvent),
    Errand(Errand),
    Looked(Lookup),
    Sync(Report),
    Noted(Noted),
    /// Whether screens are on show has changed.
    Display,
    /// Somebody has held the key or the touch panel for long.
    Operator,
    Tick,
    WarmUp,
    Order(Order),
}

/// Where everything comes in that others send.
struct Inlets {
    till: mpsc::Receiver<TillEvent>,
    desk: mpsc::Receiver<DeskEvent>,
    errands: mpsc::Receiver<Errand>,
    reports: mpsc::Receiver<Report>,
    notices: Notices,
    operator: mpsc::Receiver<()>,
}

impl Inlets {
    /// Whether nobody waits to be heard who would be left without an answer.
    fn are_empty(&self) -> bool {
        self.till.is_empty() && self.desk.is_empty() && self.errands.is_empty()
    }
}

struct Daemon {
    /// First, because fields are dropped in their order: its socket goes before the journal's lock,
    /// so never one that the next daemon has made.
    office: Office,
    clock: SystemClock,
    engine: Engine,
    store: Store,
    reader: Reader,
    shown: Shown,
    head: receipt::Head,
    acquirer: Arc<Acquirer>,
    lookups: JoinSet<Lookup>,
    replies: mpsc::Sender<Reply>,
    desk: mpsc::Sender<DeskReply>,
    wanted: watch::Sender<Wanted>,
    snapshots: Snapshots,
    watchman: Watchman,
    /// No payment is accepted while this is here.
    fault: Option<Fault>,
}

impl Daemon {
    async fn run(mut self, mut inlets: Inlets, mut orders: mpsc::Receiver<Order>) {
        let mut is_leaving = false;
        let mut warm_up = tokio::time::interval(WARM_UP_EVERY);
        let mut watchdog = tokio::time::interval(watchdog_pace());
        let mut display = self.shown.health();
        self.show();
        notify(&[NotifyState::Ready, NotifyState::Status("waiting for the till")]);
        self.dispatch(Input::Started, None).await;
        tracing::info!(
            terminal = self.head.terminal,
            open_payments = self.engine.payments().count(),
            "the terminal is ready"
        );
        while !is_leaving || self.is_occupied() || !inlets.are_empty() {
            self.beat();
            let due = tokio::time::Instant::from_std(self.clock.instant(self.next_tick()));
            let event = tokio::select! {
                Some(order) = orders.recv() => Event::Order(order),
                Some(event) = inlets.till.recv() => Event::Till(event),
                Some(event) = inlets.desk.recv() => Event::Desk(event),
                Some(errand) = inlets.errands.recv() => Event::Errand(errand),
                Some(Ok(looked)) = self.lookups.join_next() => Event::Looked(looked),
                Some(report) = inlets.reports.recv() => Event::Sync(report),
                // What cannot be recorded waits in the queue.
                Some(noted) = inlets.notices.next(), if self.fault.is_none() => {
                    Event::Noted(noted)
                }
                Ok(()) = display.changed() => Event::Display,
                Some(()) = inlets.operator.recv() => Event::Operator,
                () = tokio::time::sleep_until(due) => Event::Tick,
                _ = warm_up.tick() => Event::WarmUp,
                _ = watchdog.tick() => {
                    notify(&[NotifyState::Watchdog]);
                    continue;
                }
            };
            match event {
                Event::Order(Order::Stop) => break,
                Event::Order(Order::StopWhenIdle) => is_leaving = true,
                Event::Till(event) => self.till(event).await,
                Event::Desk(DeskEvent { seat, request, .. }) => {
                    self.ask(Asker::Desk(seat), request, None).await;
                }
                Event::Errand(errand) => self.errand(errand).await,
                Event::Looked(Lookup { asker, request, found }) => {
                    self.ask(asker, request, Some(found)).await;
                }
                Event::Sync(report) => self.sync(report).await,
                Event::Noted(noted) => inlets.notices.unrecorded = self.noted(noted).await,
                Event::Display => self.display_told(display.borrow_and_update().clone()),
                Event::Operator => self.toggle_operator(),
                Event::Tick => self.tick().await,
                Event::WarmUp => self.warm_up(),
            }
        }
        self.last_notices(inlets.notices).await;
        tokio::task::block_in_place(|| drop(self.shown));
        self.snapshots.finish().await;
        tracing::info!("the terminal stops; what is open is in the journal");
    }

    /// Whether a payment is open, or somebody waits for what Klarna says of a sale.
    fn is_occupied(&self) -> bool {
        self.engine.is_busy() || !self.lookups.is_empty()
    }

    fn next_tick(&self) -> Mono {
        if let Some(fault) = &self.fault {
            return fault.retry_at;
        }
        let now = self.clock.now().mono;
        let mut latest = now.after(IDLE_TICK).min(self.watchman.due());
        latest = self.shown.due().map_or(latest, |due| due.min(latest));
        if !self.engine.is_busy() {
            latest = latest.min(self.snapshots.due());
        }
        self.engine.poll_timeout().map_or(latest, |due| due.min(latest))
    }

    /// While nothing can be recorded, time does not go on: it would have to be recorded.
    async fn tick(&mut self) {
        if self.fault.is_some() {
            if let Err(error) = tokio::task::block_in_place(|| self.store.probe()) {
                self.look_after_health();
                return self.store_failed(&error);
            }
            self.store_works();
        }
        self.shown.look(self.clock.now().mono);
        self.dispatch(Input::Tick, None).await;
        if self.fault.is_none() && !self.engine.is_busy() {
            self.snapshots.look(self.clock.now());
        }
        self.look_after_health();
    }

    fn look_after_health(&mut self) {
        let (now, able) = (self.clock.now(), self.able());
        let look = || self.watchman.look(now, &self.engine, &self.reader, able);
        tokio::task::block_in_place(look);
    }

    fn warm_up(&self) {
        if self.engine.is_busy() {
            return;
        }
        let acquirer = self.acquirer.clone();
        tokio::spawn(async move {
            if let Err(delay) = acquirer.warm_up().await {
                tracing::warn!(reason = delay.reason, "Klarna cannot be used at present");
            }
        });
    }

    async fn till(&mut self, event: TillEvent) {
        match event {
            TillEvent::Returned => {
                self.shown.till_returned();
                self.dispatch(Input::TillReturned, None).await;
            }
            TillEvent::Lost => {
                tracing::info!("the till's link is down");
                self.shown.till_lost();
                self.show();
            }
            TillEvent::Request(request) => self.ask(Asker::Till, request, None).await,
            // Without it the till has to register again after a restart, no more.
            TillEvent::Registered(registered) => {
                let noted = tokio::task::block_in_place(|| self.store.note_till(&registered));
                if let Err(error) = noted {
                    tracing::warn!(%error, "the till's registration could not be kept");
                }
            }
        }
    }

    async fn sync(&mut self, report: Report) {
        if let Report::Outcome { .. } | Report::Observed { .. } = &report {
            self.shown.last_sync = Some(self.clock.now().wall);
        }
        match report {
            Report::Outcome { call, attempts, pause, outcome } => {
                self.office.note(call, attempts, &outcome, pause, self.clock.now());
                self.dispatch(Input::Outcome { call, attempts, outcome }, None).await;
            }
            Report::Observed { payment, request, state } => {
                self.dispatch(Input::Observed { payment, request, state }, None).await;
            }
            Report::Reachable(reachable) => {
                self.watchman.reachable = reachable;
                match reachable {
                    true => tracing::info!("Klarna can be reached again"),
                    false => tracing::warn!("Klarna cannot be reached"),
                }
            }
            Report::StoreFailed(why) => tracing::error!(why, "the outbox cannot be read"),
        }
    }

    /// The one way round: decide, commit, then act.
    async fn dispatch(&mut self, input: Input, asked: Option<Asked>) {
        let step = match self.engine.handle(self.clock.now(), input) {
            Ok(step) => step,
            Err(error) => {
                tracing::error!(%error, "an input does not fit and was dropped");
                if let Some(asked) = asked {
                    self.answer_defect(&asked).await;
                }
                return;
            }
        };
        let needs_code = step.records.iter().any(|record| record.event.begins_a_payment());
        if needs_code && self.why_no_sale().is_some() {
            if let Some(asked) = asked {
                self.refuse(&asked).await;
            }
            return;
        }
        let (durable, hurry) = (step.is_durable(), step.hurry);
        let closing = |event| matches!(event, &event::Event::ShiftEnded { .. });
        let shift_ended = step.records.iter().any(|record| closing(&record.event));
        if let Err(error) = tokio::task::block_in_place(|| self.store.commit(&step)) {
            self.store_failed(&error);
            if let Some(asked) = asked {
                self.refuse(&asked).await;
            }
            return;
        }
        if durable {
            self.store_works();
            if shift_ended {
                self.snapshots.shift_ended(self.clock.now());
            }
            step.records.iter().for_each(log);
        }
        let lookup = step.lookup.clone();
        let replies = self.engine.accept(step);
        // Sync is woken before the screen is drawn: the call's round trip then runs beside it.
        if durable || hurry {
            self.wanted.send_replace(self.engine.wanted());
        }
        self.show();
        for reply in replies {
            self.tell(reply, asked.as_ref()).await;
        }
        if let (Some(transaction), Some(asked)) = (lookup, asked) {
            self.look_up(asked, transaction).await;
        }
    }

    fn print_receipt(&self, result: &mut SaleResult) {
        let language = self.shown.language_of(result.locale.as_ref());
        result.receipt = receipt::lines(result, &self.head, language);
    }
}
