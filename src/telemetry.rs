//! Logs: where they go and what they look like. What may be in them is decided where they are
//! written: no bodies, keys, tokens or personal data, anywhere.

use crate::config::LogFormat;
use std::io::IsTerminal as _;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

/// Starts logging for the whole process, panics included.
///
/// # Errors
/// When the filter cannot be read, or logging was started before.
pub fn start(format: LogFormat, filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| anyhow::anyhow!("log.filter {filter:?}: {error}"))?;
    let layer = match format {
        LogFormat::Text => fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .boxed(),
        LogFormat::Json => fmt::layer().json().with_writer(std::io::stderr).boxed(),
        LogFormat::Journald => match tracing_journald::layer() {
            Ok(layer) => layer.boxed(),
            Err(_) => fmt::layer().json().with_writer(std::io::stderr).boxed(),
        },
    };
    tracing_subscriber::registry().with(filter).with(layer).try_init()?;
    log_panics();
    Ok(())
}

/// A panic is logged with its place and without its message, which may quote anything.
fn log_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "the program has a defect and a task has ended");
        if cfg!(debug_assertions) {
            before(panic);
        }
    }));
}
