//! What systemd and engineers tell a running daemon by signals: end, read the configuration again,
//! start anew when no payment is open. The fleet's operator may ask for the last two.
//!
//! A configuration that is refused changes nothing. One that is accepted counts from the next
//! moment without an open payment, so that no payment sees two of them.

use super::last_good::{self, Loaded};
use super::parts::run_as_told;
use super::steward::Post;
use super::system::notify;
use crate::config::{Config, ConfigError};
use crate::display::Output;
use crate::fleet::{Held, Serial, State};
use anyhow::Context as _;
use sd_notify::NotifyState;
use std::path::Path;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::block_in_place;

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
/// whoever starts it again. The fleet's operator may ask for both as well.
///
/// # Errors
/// As [`super::run`], or when the process may not handle signals.
pub async fn serve(path: &Path, loaded: Loaded) -> anyhow::Result<()> {
    let mut signals = Signals::listen().context("signals cannot be handled")?;
    let Loaded { mut config, refused, held } = loaded;
    match refused {
        Some(refused) => keep_the_old_one(&refused),
        None => last_good::keep(path),
    }
    let (up, mut from_within) = mpsc::channel(ORDERS_MAX);
    if held.state().is_ok_and(|state| state.staged().is_some()) {
        let _ = up.try_send(Told::Reload);
    }
    let post = Post { held, file: Some(path.to_owned()), up };
    let mut begins = Begins::Process;
    // Whoever asked for an end gets one, whatever is asked for after it.
    let mut is_ending = false;
    loop {
        let (orders, received) = mpsc::channel(ORDERS_MAX);
        let output = Output::open(&config.display.output).unwrap_or(Output::Missing);
        let terminal = run_as_told(config.clone(), output, begins, received, post.clone());
        tokio::pin!(terminal);
        let mut next = None;
        loop {
            let told = tokio::select! {
                ended = &mut terminal => break ended?,
                told = signals.next() => told,
                Some(told) = from_within.recv() => told,
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
                Told::Reload | Told::Retreat => match read_again(told, path, &post.held) {
                    Some(accepted) => {
                        next = Some(accepted);
                        Order::StopWhenIdle
                    }
                    None => continue,
                },
            };
            // A full channel holds the same order already.
            let _ = orders.try_send(order);
        }
        match next.filter(|_| !is_ending) {
            Some(next) => {
                config = next.begin(path, &post.held, config);
                begins = Begins::Configuration;
            }
            None => return Ok(()),
        }
    }
}

/// A configuration that counts as soon as no payment is open.
struct Next {
    config: Config,
    /// The order that brought its settings from afar, if those are to be tried with it.
    staged: Option<Serial>,
}

/// Reads the configuration again, with what was staged from afar; `None` when it is refused.
fn read_again(told: Told, path: &Path, held: &Held) -> Option<Next> {
    let mut read = None;
    let state = held.state().ok();
    if let Some((serial, toml)) = state.as_ref().and_then(State::staged) {
        match Config::load_with(path, Some(toml)) {
            Ok(config) => read = Some(Ok(Next { config, staged: Some(serial) })),
            Err(refused) => {
                tracing::error!(%refused, %serial, "settings from afar do not fit any more");
                let why = refused.to_string();
                if let Err(error) =
                    block_in_place(|| held.change(|state| state.refuse(serial, &why)))
                {
                    tracing::error!(%error, "that settings were refused cannot be kept");
                }
            }
        }
    }
    let plain = || {
        let config = match told {
            Told::Retreat => last_good::retreat(path, held),
            Told::Stop | Told::StartAnew | Told::Reload => last_good::again(path, held),
        };
        config.map(|config| Next { config, staged: None })
    };
    match read.unwrap_or_else(plain) {
        Ok(next) => {
            if told == Told::Reload {
                last_good::keep(path);
            }
            tracing::info!("the configuration counts as soon as no payment is open");
            Some(next)
        }
        Err(refused) => {
            keep_the_old_one(&refused);
            None
        }
    }
}

impl Next {
    /// The configuration to go on with after the one that was `running`. Settings from afar are on
    /// trial from here on; if that cannot be kept, they do not count.
    fn begin(self, path: &Path, held: &Held, running: Config) -> Config {
        let Some(serial) = self.staged else { return self.config };
        match block_in_place(|| held.change(|state| state.begin_trial(serial))) {
            Ok(state) if state.trial().is_some_and(|(tried, _)| tried == serial) => {
                tracing::info!(%serial, "settings from afar are on trial");
                return self.config;
            }
            Ok(_) => tracing::info!(%serial, "later settings from afar wait already"),
            Err(error) => tracing::error!(%error, %serial, "settings from afar cannot be tried"),
        }
        // An end here would be for good: nobody starts a program that refuses its configuration.
        last_good::retreat(path, held).unwrap_or_else(|refused| {
            keep_the_old_one(&refused);
            running
        })
    }
}

fn keep_the_old_one(refused: &ConfigError) {
    tracing::error!(%refused, "the configuration was refused; the old one stays in force");
    notify(&[NotifyState::Status("its new configuration was refused; the old one is in force")]);
}

/// What a running terminal is told from outside, or asks for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// End.
    Stop,
    /// End as soon as no payment is open.
    StartAnew,
    /// Read the configuration again.
    Reload,
    /// Go back to the settings from afar that are in force again.
    Retreat,
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

#[cfg(test)]
mod tests {
    use super::super::last_good::tests::good;
    use super::*;
    use crate::fleet::Before;

    #[test]
    fn a_terminal_whose_trial_cannot_begin_goes_on_with_what_there_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let (folder, path) = (directory.path(), directory.path().join("terminal.toml"));
        let good = good(folder);
        std::fs::write(&path, &good).expect("a file");
        let running = Config::load_with(&path, None).expect("accepted");
        let held = Held::open(&folder.join("terminal.sqlite"));
        let (serial, none) =
            (Serial::new(1), Before { display: false, till: false, klarna: false });
        let toml = "terminal.locale = \"en-GB\"\n".to_owned();
        held.change(|state| state.stage(serial, toml, none)).expect("staged");
        let another = good.replace("terminal.terminal = \"T\"", "terminal.terminal = \"K\"");
        // The disk takes nothing from here on.
        std::fs::create_dir(folder.join("fleet.json.new")).expect("in the way");
        for (text, expected) in [(another.as_str(), "S-K"), ("broken", "S-T")] {
            std::fs::write(&path, &good).expect("a file");
            let next = read_again(Told::Reload, &path, &held).expect("accepted");
            assert_eq!(next.staged, Some(serial));
            // The file may change until no payment is open.
            std::fs::write(&path, text).expect("a file");
            assert_eq!(next.begin(&path, &held, running.clone()).terminal, expected, "{text}");
        }
    }
}
