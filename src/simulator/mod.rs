//! A stand-in for Klarna's payment API, as strict as Klarna's documents and as unreliable as a test
//! wants it.
//!
//! ```text
//! client ──HTTPS──▶ http ──────────▶ world ─▶ route · rules · operations ─▶ request · transaction
//! phone  ──HTTPS──▶ page ──────────▶   ├─▶ notification ──HTTPS──▶ whoever has a webhook
//! person ──HTTP───▶ control · page ▶   │  limit · idempotency · fault · etiquette · render · spoil
//! test   ─────────▶ Simulator ─────▶   │
//! ```
//! `world` is a value without sockets or clocks; everything that decides lives there and below. The
//! simulator shares no type with the client: a wrong field name must not be able to agree with
//! itself. It keeps everything in memory.

mod call;
mod clock;
mod control;
mod credential;
mod error;
mod etiquette;
mod fault;
mod fields;
mod http;
mod idempotency;
mod limit;
mod manners;
mod notification;
mod operations;
mod options;
mod page;
mod random;
mod render;
mod request;
mod route;
mod rules;
mod shelf;
mod spoil;
#[cfg(test)]
mod tests;
mod tls;
mod transaction;
mod view;
mod world;

pub use fault::{Fault, FaultError, FaultKind, RouteKind};
pub use notification::{
    DeliveryState, DeliveryView, PushFault, PushKind, SignatureEncoding, Storm, WebhookView,
};
pub use options::{ConfirmPath, Options};
pub use view::{
    Availability, CallView, CaptureView, Mistake, RefundView, RequestView, ShopperAction,
    ShopperError, TransactionView,
};

use clock::Clock;
use jiff::Timestamp;
use notification::resource::Reach;
use notification::sender;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use world::{Rules, World};

/// A running simulator. Both ports close when it is dropped.
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    ca_pem: String,
    tasks: Vec<JoinHandle<()>>,
}

/// Why a simulator could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port is taken or not allowed.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The directory for the certificate authority cannot be read or written.
    #[error("cannot keep the certificate authority in {path}: {source}")]
    Directory {
        /// The directory that was asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No certificate could be made, most likely because of `public_host`.
    #[error("cannot make a certificate: {0}; check public_host and the files in tls_dir")]
    Certificate(String),
    /// The TLS library refused the certificate.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// What both ports and the handle share.
struct Shared {
    world: Mutex<World>,
    clock: Clock,
    offline: watch::Sender<bool>,
    /// Notices may have become due.
    due: Notify,
    /// How many attempts to deliver one have ended.
    tried: watch::Sender<u64>,
    api_url: String,
    control_url: String,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("api_url", &self.api_url).finish_non_exhaustive()
    }
}

impl Shared {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The one place where the world is locked; never held across an await.
    fn with<T>(&self, act: impl FnOnce(&mut World, Timestamp) -> T) -> T {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock, so that the world never sees time run backwards.
        let now = self.now();
        let done = act(&mut world, now);
        if std::mem::take(&mut world.wake) {
            self.due.notify_one();
        }
        done
    }
}

impl Simulator {
    /// Opens both ports and starts to answer. Needs a tokio runtime.
    ///
    /// # Errors
    /// If a port is taken, or no certificate can be made or kept.
    pub async fn start(options: Options) -> Result<Simulator, StartError> {
        let tls = tls::prepare(&options.public_host, options.tls_dir.as_deref())?;
        let (api, api_port) = listen(options.api).await?;
        let (control, control_port) = listen(options.control).await?;
        let host = match options.public_host.parse::<std::net::Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => options.public_host.clone(),
        };
        let rules = Rules {
            api_key: options.api_key,
            account_id: options.account_id,
            public_url: format!("https://{host}:{api_port}"),
            confirm_path: options.confirm_path,
            captures_per_second: options.captures_per_second,
            management_per_second: options.management_per_second,
            partner_per_second: options.partner_per_second,
            webhook_reach: Reach {
                loopback: options.webhooks_on_loopback,
                clear: options.webhooks_in_clear,
            },
            signature_encoding: options.signature_encoding,
            seed: options.seed,
        };
        let shared = Arc::new(Shared {
            world: Mutex::new(World::new(rules)),
            clock: Clock::new(options.real_time),
            offline: watch::Sender::new(false),
            due: Notify::new(),
            tried: watch::Sender::new(0),
            api_url: format!("https://localhost:{api_port}"),
            control_url: format!("http://127.0.0.1:{control_port}"),
        });
        let authorities = [Some(tls.ca_pem.as_str()), options.notices_ca.as_deref()];
        let authorities: Vec<&str> = authorities.into_iter().flatten().collect();
        let messenger = sender::client(&authorities)?;
        let tasks = vec![
            tokio::spawn(sender::serve(Arc::clone(&shared), messenger, options.notices_at_once)),
            tokio::spawn(http::serve(api, tls.acceptor, Arc::clone(&shared))),
            tokio::spawn(control::serve(control, Arc::clone(&shared))),
        ];
        Ok(Simulator { shared, ca_pem: tls.ca_pem, tasks })
    }

    /// Closes both ports and every connection, and waits until that is done.
    pub async fn shutdown(mut self) {
        for task in std::mem::take(&mut self.tasks) {
            task.abort();
            // The only result is that it was aborted.
            task.await.ok();
        }
    }

    /// `https://localhost:PORT`, without a slash at the end.
    pub fn api_url(&self) -> String {
        self.shared.api_url.clone()
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn control_url(&self) -> String {
        self.shared.control_url.clone()
    }

    /// The certificate authority that a client must trust, as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The simulator's time: real time plus what was skipped.
    pub fn now(&self) -> Timestamp {
        self.shared.now()
    }

    /// Every payment request, oldest first.
    pub fn requests(&self) -> Vec<RequestView> {
        self.shared.with(|world, now| world.request_views(now))
    }

    /// The ledger: every transaction, oldest first.
    pub fn transactions(&self) -> Vec<TransactionView> {
        self.shared.with(|world, now| world.transaction_views(now))
    }

    /// What the client did wrong, oldest first; empty is what a good client leaves.
    pub fn mistakes(&self) -> Vec<Mistake> {
        self.shared.with(|world, _| world.mistakes())
    }

    /// Every call to the API, oldest first.
    pub fn calls(&self) -> Vec<CallView> {
        self.shared.with(|world, _| world.calls())
    }

    /// The id of the request that was created last.
    pub fn newest_request(&self) -> Option<String> {
        self.shared.with(|world, now| world.look_up(now, "latest").map(|request| request.id()))
    }

    /// The shopper acts. `request_id` is an id, its UUID, or "latest".
    ///
    /// # Errors
    /// If there is no such request, or it has ended.
    pub fn shopper(&self, request_id: &str, action: ShopperAction) -> Result<(), ShopperError> {
        self.shared.with(|world, now| world.shopper(now, request_id, action).map(|_| ()))
    }

    /// Adds a fault behind those that are waiting.
    pub fn fault(&self, fault: Fault) {
        self.shared.with(|world, _| world.faults.add(fault));
    }

    /// Takes all waiting faults away.
    pub fn clear_faults(&self) {
        self.shared.with(|world, _| world.faults.clear());
    }

    /// Skips time: whatever expires meanwhile has expired.
    pub fn advance_clock(&self, by: Duration) {
        self.shared.clock.advance(by);
        self.shared.due.notify_one();
    }

    /// Every webhook, oldest first.
    pub fn webhooks(&self) -> Vec<WebhookView> {
        self.shared.with(|world, _| world.webhook_views())
    }

    /// Every delivery, oldest first.
    pub fn deliveries(&self) -> Vec<DeliveryView> {
        self.shared.with(|world, _| world.delivery_views())
    }

    /// Waits until no notice is due or on its way. What is to be tried again later is left to the
    /// clock.
    pub async fn told(&self) {
        let mut tried = self.shared.tried.subscribe();
        while self.shared.with(|world, now| world.is_telling(now)) {
            // The sender of this channel lives as long as `self`.
            tried.changed().await.ok();
        }
    }

    /// Klarna tells of something that no call has caused, such as a dispute, to all webhooks that
    /// want it; false if there is no such event.
    pub fn tell(&self, event_type: &str, payload: serde_json::Value) -> bool {
        self.shared.with(|world, now| world.tell(now, event_type, payload))
    }

    /// Adds a fault of notices behind those that are waiting.
    pub fn push_fault(&self, fault: PushFault) {
        self.shared.with(|world, _| world.notifications.faults.add(fault));
    }

    /// Sends the same bytes again as in that delivery; false if it is not known.
    pub fn replay(&self, number: u64) -> bool {
        self.shared.with(|world, now| world.replay(now, number))
    }

    /// Synthetic events from now on, in place of those of an earlier storm; `None` ends them.
    pub fn storm(&self, storm: Option<Storm>) {
        self.shared.with(|world, now| world.set_storm(now, storm));
    }

    /// Every answer of the API comes this much later than its effect.
    pub fn set_delay(&self, delay: Duration) {
        self.shared.with(|world, _| world.delay = delay);
    }

    /// True cuts every connection to the API port and closes new ones at once; false ends that.
    pub fn set_offline(&self, offline: bool) {
        self.shared.offline.send_replace(offline);
    }

    /// What the availability routes say from now on.
    pub fn set_availability(&self, availability: Availability) {
        self.shared.with(|world, _| world.availability = availability);
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, u16), StartError> {
    let in_listen = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(in_listen)?;
    let port = listener.local_addr().map_err(in_listen)?.port();
    Ok((listener, port))
}
