//! The store manager's console beside the daemon: its errands, and what it is told of the terminal.

use super::Daemon;
use super::ask::Asker;
use crate::access::{Access, Right, Role};
use crate::acquirer::Acquirer;
use crate::clock::{Now, SystemClock};
use crate::config::Config;
use crate::console::{
    self, AtTill, Attempt, Console, Context, ERRANDS_MAX, Errand, Exchange, Pulse, Recorder,
};
use crate::id::{CallId, PosReference};
use crate::payment::effect::Outcome;
use crate::payment::screen::ConsoleSign;
use crate::payment::vocabulary::Reply;
use crate::pos::{Protocol, desk, native};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// Failing calls that the console is told of; the others are sent again just the same.
const ATTEMPTS_MAX: usize = 500;

/// The console and who waits there for an answer.
pub(super) struct Office {
    console: Option<Console>,
    pulse: watch::Sender<Pulse>,
    waiting: HashMap<u64, oneshot::Sender<Reply>>,
    count: u64,
    attempts: Arc<BTreeMap<CallId, Attempt>>,
}

/// What others need who ask the daemon for something, and the daemon's end of it.
pub(super) struct Ends {
    /// What is asked for.
    pub(super) received: mpsc::Receiver<Errand>,
    /// The audit journal, if it can be written.
    pub(super) recorder: Option<Recorder>,
    /// To the daemon.
    pub(super) errands: mpsc::Sender<Errand>,
    /// How the terminal stands.
    pub(super) pulse: watch::Receiver<Pulse>,
}

impl Office {
    /// Opens the audit journal, for whoever notes something there, and the console. Payments
    /// depend on neither.
    pub(super) fn open(config: &Config, clock: SystemClock) -> (Self, Ends) {
        let (errands, received) = mpsc::channel(ERRANDS_MAX);
        let (pulse, told) = watch::channel(Pulse { is_reachable: true, ..Pulse::default() });
        let context = Context {
            store: config.store_path.clone(),
            clock,
            head: config.receipts.clone(),
            printer: config.printer.clone(),
            tells_till_to_print: match config.till.protocol {
                Protocol::Native => true,
                Protocol::Zvt(_) => false,
            },
            currencies: config.policy.currencies.clone(),
            key_since: config.key_since,
            language: config.display.frame.lang,
            limits: config.alarms,
            configuration: config.facts(),
            errands: errands.clone(),
            pulse: told.clone(),
        };
        let access = Access::open(&console::access_beside(&config.store_path), clock.now().wall)
            .inspect_err(|error| {
                tracing::error!(%error, "there is no console, and the desk changes nothing");
            });
        let access = access.ok().map(Arc::new);
        let recorder = access.clone().map(|access| Recorder::new(access, clock));
        let console = access.and_then(|access| {
            Console::open(config.console.clone(), context, access)
                .inspect_err(|error| tracing::error!(%error, "there is no console"))
                .ok()
        });
        let (waiting, attempts) = (HashMap::new(), Arc::default());
        let office = Self { console, pulse, waiting, count: 0, attempts };
        (office, Ends { received, recorder, errands, pulse: told })
    }

    /// What the terminal's own screen says about it.
    pub(super) fn sign(&self) -> Option<ConsoleSign> {
        self.console.as_ref().and_then(Console::sign)
    }

    /// Notes how a call came back.
    pub(super) fn note(
        &mut self,
        call: CallId,
        count: u32,
        outcome: &Outcome,
        pause: Option<Duration>,
        now: Now,
    ) {
        let failed = match outcome {
            Outcome::Retry(delay) | Outcome::Unknown(delay) => Some(delay.reason.clone()),
            Outcome::Done(_) | Outcome::Refused(_) | Outcome::Absent => None,
        };
        let attempts = Arc::make_mut(&mut self.attempts);
        match failed {
            Some(reason) if attempts.len() < ATTEMPTS_MAX || attempts.contains_key(&call) => {
                let next = now.wall.after(pause.unwrap_or_default());
                attempts.insert(call, Attempt { count, next, reason });
            }
            Some(_) => {}
            None => drop(attempts.remove(&call)),
        }
    }

    /// Answers whoever waits under `ticket`; nobody does any more if it took too long.
    pub(super) fn answer(&mut self, ticket: u64, reply: Reply) {
        if let Some(waiting) = self.waiting.remove(&ticket) {
            drop(waiting.send(reply));
        }
    }
}

/// Who may come to the desk beside the daemon's own user: whoever may give money back at the
/// console without a limit, for the desk knows none.
pub(super) fn desk_group(settings: &console::Settings) -> Option<desk::Group> {
    let role = settings.group_role;
    let is_limited = settings.return_limit.is_some() && role != Role::Admin;
    let name = settings.group.clone().filter(|_| role.may(Right::Return) && !is_limited)?;
    Some(desk::Group { name, may_resolve: role.may(Right::Resolve) })
}

impl Daemon {
    /// Does what the console asks for.
    pub(super) async fn errand(&mut self, errand: Errand) {
        match errand {
            Errand::Ask { request, answer } => {
                self.office.waiting.retain(|_, waiting| !waiting.is_closed());
                self.office.count += 1;
                self.office.waiting.insert(self.office.count, answer);
                let asker = Asker::Console(self.office.count);
                self.ask(asker, request, None).await;
            }
            Errand::Print { reference, lines, answer } => {
                let told = self.print_at_till(reference, lines);
                if answer.send(told).is_err() {
                    tracing::warn!(?told, "nobody waits any more for what was sent to the till");
                }
            }
        }
    }

    /// Sends the till what it has not asked for, unless it is in the middle of something.
    fn print_at_till(&self, reference: PosReference, lines: Vec<String>) -> AtTill {
        if !native::is_printable(&lines) {
            return AtTill::TooLong;
        }
        if !self.shown.is_till_connected() {
            return AtTill::Away;
        }
        if self.engine.is_busy() {
            return AtTill::Busy;
        }
        // A till that does not take its answers gets nothing else, and delays nobody.
        match self.replies.try_send(Reply::Print { reference, lines }) {
            Ok(()) => AtTill::Sent,
            Err(_) => AtTill::Busy,
        }
    }

    /// Tells the console how the terminal stands, if that has changed.
    pub(super) fn beat(&self) {
        let exchange = |acquirer: &Acquirer| {
            let last = acquirer.last_exchange()?;
            Some(Exchange { took_ms: last.took_ms, ahead_s: last.ahead_s })
        };
        let pulse = Pulse {
            commits: self.store.commits(),
            is_reachable: self.watchman.reachable,
            last_answer: self.shown.last_sync,
            exchange: exchange(&self.acquirer),
            storage: self.fault.as_ref().map(|fault| fault.why.clone()),
            display: self.shown.why_blind(),
            is_till_here: self.shown.is_till_here(),
            is_till_connected: self.shown.is_till_connected(),
            attempts: self.office.attempts.clone(),
        };
        self.office.pulse.send_if_modified(|told| {
            let is_news = *told != pulse;
            if is_news {
                *told = pulse;
            }
            is_news
        });
    }
}
