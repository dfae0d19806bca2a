//! Connections of browsers: TLS, then HTTP/1.1, each with a place, a time limit and a bound.
//!
//! Whoever connects and says nothing loses the place to the next one.

use super::{Office, guard, page};
use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// Connections at once.
const CONNECTIONS_MAX: usize = 128;
/// Connections at once from one address.
const CONNECTIONS_PER_ADDRESS_MAX: usize = 48;
/// How long a browser may take for the TLS handshake.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(5);
/// How long a browser may take to say what it wants; also how long a connection rests.
const HEADER_PATIENCE: Duration = Duration::from_secs(10);
/// Room for what it says.
const HEADER_BYTES_MAX: usize = 16 * 1024;
/// Pause after a failed accept, which means that the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Pause after the address could not be used.
const BIND_PAUSE: Duration = Duration::from_secs(10);

/// Serves the console until it is dropped, and with it every connection.
pub(super) async fn pages(office: Arc<Office>, acceptor: TlsAcceptor) {
    let listener = listen(office.settings.listen).await;
    let pages = page::router(office);
    let mut guests = Guests::default();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => guests.let_in(stream, from.ip(), &acceptor, &pages),
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(ended) = guests.tasks.join_next() => guests.gone(ended.ok()),
        }
    }
}

async fn listen(address: SocketAddr) -> TcpListener {
    let mut is_told = false;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => {
                tracing::info!(%address, "the console is open");
                return listener;
            }
            Err(error) if !is_told => {
                tracing::error!(%error, %address, "the console cannot be opened; trying again");
                is_told = true;
            }
            Err(_) => {}
        }
        tokio::time::sleep(BIND_PAUSE).await;
    }
}

/// Who is connected, oldest first.
#[derive(Default)]
struct Guests {
    count: u64,
    here: BTreeMap<u64, Guest>,
    tasks: JoinSet<u64>,
}

struct Guest {
    address: IpAddr,
    /// Whether a whole request has come.
    has_spoken: Arc<AtomicBool>,
    task: AbortHandle,
}

impl Guests {
    fn let_in(&mut self, stream: TcpStream, address: IpAddr, tls: &TlsAcceptor, pages: &Router) {
        if !self.has_room(address) {
            return;
        }
        self.count += 1;
        let (number, has_spoken) = (self.count, Arc::new(AtomicBool::new(false)));
        let (tls, pages, spoken) = (tls.clone(), pages.clone(), has_spoken.clone());
        let task = self.tasks.spawn(async move {
            connection(stream, address, tls, pages, spoken).await;
            number
        });
        self.here.insert(number, Guest { address, has_spoken, task });
    }

    /// Makes room where a silent guest can be sent away.
    fn has_room(&mut self, address: IpAddr) -> bool {
        let of_address = self.here.values().filter(|guest| guest.address == address).count();
        let crowded_address = of_address >= CONNECTIONS_PER_ADDRESS_MAX;
        if !crowded_address && self.here.len() < CONNECTIONS_MAX {
            return true;
        }
        let silent = |guest: &Guest| !guest.has_spoken.load(Ordering::Relaxed);
        let goes = |guest: &Guest| silent(guest) && (!crowded_address || guest.address == address);
        let Some(number) = self.here.iter().find(|(_, guest)| goes(guest)).map(|(n, _)| *n) else {
            return false;
        };
        if let Some(guest) = self.here.remove(&number) {
            guest.task.abort();
        }
        true
    }

    /// Forgets who has gone; one that was cut short is found by its task.
    fn gone(&mut self, number: Option<u64>) {
        match number {
            Some(number) => drop(self.here.remove(&number)),
            None => self.here.retain(|_, guest| !guest.task.is_finished()),
        }
    }
}

async fn connection(
    stream: TcpStream,
    address: IpAddr,
    tls: TlsAcceptor,
    pages: Router,
    has_spoken: Arc<AtomicBool>,
) {
    stream.set_nodelay(true).ok();
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_PATIENCE, tls.accept(stream)).await else {
        return;
    };
    let pages = TowerToHyperService::new(pages);
    let service = service_fn(move |mut request: Request<Incoming>| {
        has_spoken.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(guard::From(address));
        pages.call(request)
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_PATIENCE)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "a browser's connection has ended");
    }
}
