//! Connections of browsers: TLS, then HTTP/1.1, each with a place, a time limit and a bound.
//!
//! Whoever connects and says nothing loses the place to the next one.

use super::guests::{Guests, Spoken};
use super::{Office, guard, page};
use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
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

/// Serves the pages at `address` until it is dropped, and with it every connection.
pub(super) async fn pages(office: Arc<Office>, address: SocketAddr, acceptor: TlsAcceptor) {
    let listener = listen(address).await;
    let pages = page::router(office);
    let mut guests = Guests::new(CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => guests.let_in(from.ip(), |spoken| {
                    connection(stream, from.ip(), acceptor.clone(), pages.clone(), spoken)
                }),
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            () = guests.one_goes() => {}
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

async fn connection(
    stream: TcpStream,
    address: IpAddr,
    tls: TlsAcceptor,
    pages: Router,
    spoken: Spoken,
) {
    stream.set_nodelay(true).ok();
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_PATIENCE, tls.accept(stream)).await else {
        return;
    };
    let pages = TowerToHyperService::new(pages);
    let service = service_fn(move |mut request: Request<Incoming>| {
        spoken.note();
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
