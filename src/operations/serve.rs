//! Connections without TLS: HTTP/1.1, each with a place, time limits and bounds.

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Connections at once; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 32;
/// How long somebody may take to say what is wanted; also how long a connection rests.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// Room for what is said, in bytes.
const HEAD_LEN_MAX: usize = 16 * 1024;
/// Pause after a failed accept, which means that the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `pages` until it is dropped, and with it every connection; each lasts for `lasts` at
/// most.
pub async fn serve(listener: TcpListener, pages: Router, lasts: Duration) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, pages.clone(), lasts));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, pages: Router, lasts: Duration) {
    // What is small is late if it waits for what was before it to be acknowledged.
    stream.set_nodelay(true).ok();
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(HEAD_LEN_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(pages));
    if let Ok(Err(error)) = tokio::time::timeout(lasts, served).await {
        tracing::debug!(%error, "a connection has ended");
    }
}
