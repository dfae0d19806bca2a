//! What systemd and engineers tell a running daemon by signals: end, read the configuration again,
//! start anew when no payment is open.
//!
//! A configuration that is refused changes nothing. One that is accepted counts from the next
//! moment without an open payment, so that no payment sees two of them.

use super::last_good::{self, Loaded};
use super::parts::run_as_told;
use super::system::notify;
use crate::config::{Config, ConfigError};
use crate::display::Output;
use anyhow::Context as _;
use sd_notify::NotifyState;
use std::path::Path;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// Orders that wait for the loop.
pub(super) const ORDERS_MAX: usize = 4;

/// What the daemon is to do beside payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// End now; what is open is in the journal.
    Stop,
    /// End as soon as no payment is open.
    StopWhenIdle,
}

/// Whether the software has started, or only its configuration is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begins {
    /// A new process: an update of the software is over.
    Process,
    /// The same one.
    Configuration,
}

/// Runs the terminal of the configuration at `path`, which was read as `loaded`, until SIGTERM or
/// SIGINT. SIGHUP reads the file again; SIGUSR1 ends the daemon when no payment is open, for
/// whoever starts it again.
///
/// # Errors
/// As [`super::run`], or when the process may not handle signals.
pub async fn serve(path: &Path, loaded: Loaded) -> anyhow::Result<()> {
    let mut signals = Signals::listen().context("signals cannot be handled")?;
    let Loaded { mut config, refused } = loaded;
    match refused {
        Some(refused) => keep_the_old_one(&refused),
        None => last_good::keep(path),
    }
    let mut begins = Begins::Process;
    // Whoever asked for an end gets one, whatever is asked for after it.
    let mut is_ending = false;
    loop {
        let (orders, received) = mpsc::channel(ORDERS_MAX);
        let output = Output::open(&config.display.output).unwrap_or(Output::Missing);
        let terminal = run_as_told(config, output, begins, received);
        tokio::pin!(terminal);
        let mut next = None;
        loop {
            let told = tokio::select! {
                ended = &mut terminal => break ended?,
                told = signals.next() => told,
            };
            let order = match told {
                Told::Stop => {
                    is_ending = true;
                    notify(&[NotifyState::Stopping]);
                    Order::Stop
                }
                Told::StartAnew => {
                    is_ending = true;
                    Order::StopWhenIdle
                }
                Told::Reload => match Config::load(path) {
                    Ok(accepted) => {
                        last_good::keep(path);
                        next = Some(accepted);
                        tracing::info!("the configuration counts as soon as no payment is open");
                        Order::StopWhenIdle
                    }
                    Err(refused) => {
                        keep_the_old_one(&refused);
                        continue;
                    }
                },
            };
            // A full channel holds the same order already.
            let _ = orders.try_send(order);
        }
        match next.filter(|_| !is_ending) {
            Some(accepted) => (config, begins) = (accepted, Begins::Configuration),
            None => return Ok(()),
        }
    }
}

fn keep_the_old_one(refused: &ConfigError) {
    tracing::error!(%refused, "the configuration was refused; the old one stays in force");
    notify(&[NotifyState::Status("its new configuration was refused; the old one is in force")]);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Stop,
    StartAnew,
    Reload,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    user: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            user: signal(SignalKind::user_defined1())?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.hang_up.recv() => Told::Reload,
            _ = self.user.recv() => Told::StartAnew,
        }
    }
}
