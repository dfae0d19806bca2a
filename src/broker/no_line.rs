//! In place of a line, where the program is built without one: the configuration knows, and lets
//! nobody ask for it.

use super::Settings;
use super::said::{Said, Will};
use std::time::Duration;
use tokio::sync::mpsc;

/// Why something was not said.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// There is no line.
    #[error("this program is built without a line to a broker")]
    Busy,
}

/// The broker's acknowledgement, which never comes.
#[derive(Debug)]
pub struct Published;

impl Published {
    /// Waits for it.
    ///
    /// # Errors
    /// Always.
    #[allow(clippy::unused_async, reason = "as where there is a line")]
    pub async fn taken(self) -> Result<(), PublishError> {
        Err(PublishError::Busy)
    }
}

/// For saying something, to nobody.
#[derive(Debug, Clone)]
pub struct Line;

impl Line {
    /// Says nothing.
    ///
    /// # Errors
    /// Always.
    pub fn publish(
        &self,
        _topic: &str,
        _payload: Vec<u8>,
        _expiry: Option<Duration>,
        _retained: bool,
    ) -> Result<Published, PublishError> {
        Err(PublishError::Busy)
    }

    /// Never.
    pub fn is_up(&self) -> bool {
        false
    }

    /// Waits for ever.
    pub async fn up(&mut self) {
        std::future::pending().await
    }

    /// There is none to end.
    pub fn give_up(&self) {}
}

/// Waits until whoever listens at `said` is gone.
pub fn keep(
    _settings: Settings,
    _topics: Vec<String>,
    _will: Option<Will>,
    said: mpsc::Sender<Said>,
) -> (Line, impl Future<Output = ()>) {
    (Line, async move { said.closed().await })
}
