//! Logs: where they go and what they look like. What may be in them is decided where they are
//! written: no bodies, keys, tokens or personal data, anywhere.
//!
//! Libraries do not know that rule: at their lower levels they print headers, URLs and frames. They
//! are heard from "warn" on, whatever the filter says.

use crate::config::LogFormat;
use std::io::IsTerminal as _;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Starts logging for the whole process, panics included.
///
/// # Errors
/// When the filter cannot be read, or logging was started before.
pub fn start(format: LogFormat, filter: &str) -> anyhow::Result<()> {
    let filter: Targets =
        filter.parse().map_err(|error| anyhow::anyhow!("log.filter {filter:?}: {error}"))?;
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
    tracing_subscriber::registry()
        .with(filter)
        .with(filter_fn(may_be_heard))
        .with(layer)
        .try_init()?;
    log_panics();
    Ok(())
}

/// Our own lines at any level, those of libraries from "warn" on.
fn may_be_heard(line: &Metadata<'_>) -> bool {
    let ours = line.target().split("::").next() == Some(env!("CARGO_CRATE_NAME"));
    ours || *line.level() <= Level::WARN
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
