//! The daemon in this process, for benches.

use klarna_terminald::config::{Config, Overrides};
use klarna_terminald::daemon;
use klarna_terminald::display::Output;
use std::path::Path;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A daemon that runs and shows nothing.
pub struct Daemon {
    stop: oneshot::Sender<()>,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Daemon {
    /// Starts one with this configuration, which stands in `folder` as well.
    pub fn start(configuration: &str, folder: &Path) -> Self {
        let path = folder.join("terminal.toml");
        std::fs::write(&path, configuration).expect("a writable directory");
        let config = Config::from_text(configuration, &path, &Overrides::default());
        let (stop, stopped) = oneshot::channel();
        let shutdown = async { stopped.await.unwrap_or(()) };
        let running = daemon::run_on(config.expect("configuration"), Output::None, shutdown);
        Self { stop, task: tokio::spawn(running) }
    }

    /// Ends it, and waits until it has ended well.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        self.task.await.expect("the daemon ends").expect("the daemon ran");
    }
}
