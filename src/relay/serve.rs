//! Connections: HTTP/1.1, over TLS where the relay has a certificate, each with a place, time
//! limits and bounds. Knows nothing of what is said over them.

use super::door::Door;
use super::operations::Operations;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};
use tokio_rustls::TlsAcceptor;

/// Connections at once, unless it is configured: with a body each they take 64 MiB.
pub const CONNECTIONS_MAX: usize = 1024;
/// Connections at once from one address, or one /64 of IPv6, that is no proxy's.
const CONNECTIONS_PER_ADDRESS_MAX: usize = 256;
/// How long a TLS handshake may take.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(5);
/// How long a request's head may take; also how long a connection rests between two.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// Room for a head, in bytes; hyper takes no less than 8 KiB.
const HEAD_LEN_MAX: usize = 16 * 1024;
/// Headers of a request.
const HEADERS_MAX: usize = 64;
/// How long a connection is used: whoever reads no answers keeps no place for ever.
const LASTS: Duration = Duration::from_secs(600);
/// How long what is under way may still take when a connection is to end.
const GRACE: Duration = Duration::from_secs(10);
/// Pause after a failed accept, which means that the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Who answers.
#[derive(Clone)]
pub(super) enum Desk {
    /// Klarna is answered.
    Door(Arc<Door>),
    /// Whoever operates the relay is answered.
    Operations(Arc<Operations>),
}

impl Desk {
    fn lets_in(&self, peer: IpAddr) -> bool {
        match self {
            Self::Door(door) => door.lets_in(peer),
            Self::Operations(_) => true,
        }
    }

    async fn answer(&self, peer: IpAddr, request: Request<Incoming>) -> Response<Body> {
        match self {
            Self::Door(door) => door.answer(peer, request.map(Body::new)).await,
            Self::Operations(operations) => operations.answer(request.map(Body::new)).await,
        }
    }
}

/// Where and for whom it is listened.
pub(super) struct Listening {
    pub(super) listener: TcpListener,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) desk: Desk,
    pub(super) places: usize,
    /// They may have as many connections as there are places.
    pub(super) proxies: Vec<IpAddr>,
}

impl Listening {
    /// Serves until `stop` says so, and then what is under way. Whoever finds no place waits in the
    /// system's queue.
    pub(super) async fn serve(self, stop: watch::Receiver<bool>) {
        let (mut here, mut tasks) = (HashMap::<Id, IpAddr>::new(), JoinSet::new());
        let mut stopped = pin!(told(stop.clone()));
        loop {
            tokio::select! {
                () = &mut stopped => break,
                accepted = self.listener.accept(), if here.len() < self.places => match accepted {
                    Ok((stream, from)) => {
                        let address = from.ip().to_canonical();
                        if self.has_room(&here, address) && self.desk.lets_in(address) {
                            let task = self.connection(stream, address, stop.clone());
                            here.insert(tasks.spawn(task).id(), household(address));
                        }
                    }
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                },
                Some(gone) = tasks.join_next_with_id() => {
                    here.remove(&gone.map_or_else(|error| error.id(), |(id, ())| id));
                }
            }
        }
        // No more are let in, and those who are here end within their grace.
        drop(self.listener);
        while tasks.join_next().await.is_some() {}
    }

    fn has_room(&self, here: &HashMap<Id, IpAddr>, address: IpAddr) -> bool {
        let ours = household(address);
        let of_them = || here.values().filter(|other| **other == ours).count();
        self.proxies.contains(&address) || of_them() < CONNECTIONS_PER_ADDRESS_MAX
    }

    fn connection(
        &self,
        stream: TcpStream,
        peer: IpAddr,
        stop: watch::Receiver<bool>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (tls, desk) = (self.tls.clone(), self.desk.clone());
        async move {
            stream.set_nodelay(true).ok();
            let Some(tls) = tls else { return speak(stream, desk, peer, stop).await };
            let accepted = tokio::time::timeout(HANDSHAKE_PATIENCE, tls.accept(stream)).await;
            if let Ok(Ok(stream)) = accepted {
                speak(stream, desk, peer, stop).await;
            }
        }
    }
}

/// Whom an address is counted with: somebody with one IPv6 address has all of its /64 (RFC 6177).
fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(one) => Ipv6Addr::from_bits(one.to_bits() & (u128::MAX << 64)).into(),
    }
}

async fn speak<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    desk: Desk,
    peer: IpAddr,
    stop: watch::Receiver<bool>,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let desk = desk.clone();
        async move { Ok::<_, Infallible>(desk.answer(peer, request).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(HEAD_LEN_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return log_end(ended),
        () = told(stop) => {}
        () = tokio::time::sleep(LASTS) => {}
    }
    connection.as_mut().graceful_shutdown();
    if let Ok(ended) = tokio::time::timeout(GRACE, connection).await {
        log_end(ended);
    }
}

fn log_end(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the relay has ended");
    }
}

/// Returns once `stop` says so, or nobody can say it any more.
async fn told(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|is_told| *is_told).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_network_of_ipv6_counts_as_one() {
        let of = |text: &str| household(text.parse().expect("an address"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
