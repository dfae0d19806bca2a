//! The operating system's side of the daemon: signals in, systemd's notifications out. It knows
//! nothing of payments.

use sd_notify::NotifyState;
use std::time::Duration;

/// Without a watchdog nobody waits for a sign of life.
const NO_WATCHDOG: Duration = Duration::from_secs(60);

/// Half of what systemd waits for; a long time without systemd.
pub(super) fn watchdog_pace() -> Duration {
    sd_notify::watchdog_enabled().map_or(NO_WATCHDOG, |period| period / 2)
}

pub(super) fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}

/// Completes on SIGTERM or SIGINT.
///
/// # Errors
/// When the process may not handle signals.
pub fn terminated() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
