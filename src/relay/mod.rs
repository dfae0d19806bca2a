//! Receives Klarna's notices for many terminals: checks them, keeps them, and hands them to
//! whoever tells the terminals. A terminal that is told reads Klarna; one that is not told finds
//! out by itself some seconds later. So nothing here is trusted for money, and nothing depends on
//! it.
//!
//! ```text
//! Klarna ──POST──▶ serve ──▶ door ──▶ admission (pure) ──▶ shelf ──▶ Outbox ──▶ who publishes
//!                              │           ▲                 │
//!                              └── keyring ┘                 └── 202 once it is on the disk
//! ```
//!
//! It knows no terminal's connection, no amount and no confirmation token.

pub mod admission;
mod door;
pub mod keyring;
mod message;
pub mod metrics;
mod operations;
mod publish;
mod round;
mod serve;
pub mod shelf;
mod tls;

#[cfg(test)]
mod tests;

pub use message::{Message, Parcel, ParcelId, Whom};
pub use publish::Publisher;
pub use serve::CONNECTIONS_MAX;
pub use shelf::Outbox;
pub use tls::{CertificateFiles, TlsError};

use crate::acquirer::klarna::webhook::KeysError;
use crate::clock::SystemClock;
use admission::Policy;
use door::Door;
use keyring::Keyring;
use metrics::Metrics;
use operations::Operations;
use serve::{Desk, Listening};
use shelf::{Limits, Shelf, ShelfError};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The path that Klarna is told, unless it is configured.
pub const PATH: &str = "/klarna/webhooks";
/// Connections at once of those who operate the relay.
const OPERATORS_MAX: usize = 32;
/// From one time that expired messages are taken out to the next.
const EXPIRY_PACE: Duration = Duration::from_secs(30);

/// What a relay is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where Klarna, or a proxy in front of the relay, connects to.
    pub listen: SocketAddr,
    /// The path of Klarna's notices, such as [`PATH`]; begins with `/`.
    pub path: String,
    /// The relay's own certificate; `None` behind a proxy, which has one.
    pub certificate: Option<CertificateFiles>,
    /// Where `/healthz` and `/metrics` are asked for, over HTTP; `None` for nowhere.
    pub operations: Option<SocketAddr>,
    /// Klarna's signing keys, as they were made.
    pub keys: PathBuf,
    /// The relay's file.
    pub database: PathBuf,
    /// Whose notices are taken in.
    pub policy: Policy,
    /// How much is kept. Event ids are remembered for as long as the policy takes their notices
    /// in, even if this says less.
    pub limits: Limits,
    /// Connections at once, at least one, such as [`CONNECTIONS_MAX`].
    pub connections_max: usize,
}

/// Why a relay cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened at.
    #[error("cannot listen at {address}: {why}; is another program there?")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// What the system said.
        why: std::io::Error,
    },
    /// No request could ever have this path.
    #[error("the path {0:?} does not begin with /, as {PATH} does")]
    Path(String),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The signing keys cannot be read.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The relay's file cannot be used.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
}

/// A relay that receives.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    operations: Option<SocketAddr>,
    shelf: Shelf,
    writer: thread::JoinHandle<()>,
    metrics: Arc<Metrics>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Relay {
    /// Opens everything and begins to receive.
    ///
    /// # Errors
    /// The [`StartError`] that applies; nothing is left running.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        if !settings.path.starts_with('/') {
            return Err(StartError::Path(settings.path));
        }
        let tls = settings.certificate.as_ref().map(tls::acceptor).transpose()?;
        let keyring = Keyring::open(&settings.keys)?;
        let (listener, address) = listen(settings.listen).await?;
        let operations = match settings.operations {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let (clock, metrics) = (SystemClock::start(), Arc::new(Metrics::default()));
        let (shelf, writer) = Shelf::open(&settings.database, limits(&settings))?;
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(expire(Outbox(shelf.clone()), clock, stopped.clone()));
        let operations_address = operations.as_ref().map(|(_, address)| *address);
        if let Some((listener, _)) = operations {
            let (shelf, metrics) = (shelf.clone(), Arc::clone(&metrics));
            let desk = Desk::Operations(Arc::new(Operations { shelf, metrics, clock }));
            let proxies = Vec::new();
            let listening = Listening { listener, tls: None, desk, places: OPERATORS_MAX, proxies };
            tasks.spawn(listening.serve(stopped.clone()));
        }
        let proxies = settings.policy.proxies.as_ref().map(|proxies| proxies.addresses.clone());
        let door = Door {
            path: settings.path,
            policy: settings.policy,
            keyring,
            shelf: shelf.clone(),
            metrics: Arc::clone(&metrics),
            clock,
        };
        let (desk, places) = (Desk::Door(Arc::new(door)), settings.connections_max.max(1));
        let proxies = proxies.unwrap_or_default();
        tasks.spawn(Listening { listener, tls, desk, places, proxies }.serve(stopped));
        tracing::info!(%address, waiting = shelf.waiting(), "the relay receives");
        let operations = operations_address;
        Ok(Self { address, operations, shelf, writer, metrics, stop, tasks })
    }

    /// Where Klarna connects to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where health and metrics are asked for.
    pub fn operations(&self) -> Option<SocketAddr> {
        self.operations
    }

    /// The messages that wait, for whoever publishes them.
    pub fn outbox(&self) -> Outbox {
        Outbox(self.shelf.clone())
    }

    /// All counts.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Receives no more, answers what is under way, and returns once the file is closed. What was
    /// answered with 202 is in it.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
        self.shelf.close().await;
        let writer = self.writer;
        // Its last batch may take as long as a sync of the disk.
        let joined = tokio::task::spawn_blocking(move || writer.join().is_ok()).await;
        if !joined.unwrap_or(false) {
            tracing::error!("the relay's writer has ended by a defect");
        }
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let listening = async {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    listening.await.map_err(|why| StartError::Listen { address, why })
}

/// A notice that comes again is doubled for as long as it is not stale.
fn limits(settings: &Settings) -> Limits {
    let policy = &settings.policy;
    let needed = policy.age_max.saturating_add(policy.ahead_max);
    let limits = settings.limits.clone();
    Limits { seen_life: limits.seen_life.max(needed), ..limits }
}

async fn expire(outbox: Outbox, clock: SystemClock, mut stop: watch::Receiver<bool>) {
    let mut pace = tokio::time::interval(EXPIRY_PACE);
    loop {
        tokio::select! {
            _ = stop.wait_for(|is_told| *is_told) => return,
            _ = pace.tick() => {}
        }
        match outbox.expired(clock.now().wall).await {
            Ok(0) => {}
            Ok(count) => tracing::warn!(count, "messages have expired before they were published"),
            Err(error) => tracing::debug!(%error, "expired messages stay for now"),
        }
    }
}
