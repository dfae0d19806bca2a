//! What the shopper sees, live, for browsers of this computer.
//!
//! It only looks; nothing can be done here. Every request, wait and connection is bounded, and no
//! page asks for anything from elsewhere.

mod page;

use crate::display::mirror::Feed;
use axum::Router;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::IpAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Connections at once; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 32;
/// How long a browser may take to say what it wants.
const HEADER_PATIENCE: Duration = Duration::from_secs(10);
/// Room for what it says.
const HEADER_BYTES_MAX: usize = 16 * 1024;
/// Pause after a failed accept, which means that the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

const POLICY: &str = "default-src 'none'; img-src 'self' data:; script-src 'self'; \
                      style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// Serves the pages until it is dropped, and with it every connection.
pub async fn serve(listener: TcpListener, feed: Feed) {
    let pages = router(feed);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, pages.clone()));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, pages: Router) {
    // A change is small and late if it waits for the one before to be acknowledged.
    stream.set_nodelay(true).ok();
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_PATIENCE)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(pages));
    if let Err(error) = served.await {
        tracing::debug!(%error, "a browser's connection has ended");
    }
}

fn router(feed: Feed) -> Router {
    page::router(feed).layer(middleware::from_fn(guard))
}

/// Only readers on this computer, by a name of this computer: a page from elsewhere that has its
/// own name point here (DNS rebinding) is turned away.
async fn guard(request: Request, next: Next) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return (StatusCode::METHOD_NOT_ALLOWED, "this page is only looked at\n").into_response();
    }
    if !request.headers().get(HOST).is_some_and(is_this_computer) {
        let advice = "open this page by the address of this computer, such as 127.0.0.1\n";
        return (StatusCode::MISDIRECTED_REQUEST, advice).into_response();
    }
    let mut response = next.run(request).await;
    let headers: [(HeaderName, &'static str); 4] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn is_this_computer(host: &HeaderValue) -> bool {
    let Ok(host) = host.to_str() else { return false };
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, _)) => name,
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_computer_are_served() {
        let served = |host: &str| is_this_computer(&HeaderValue::from_str(host).expect("header"));
        for host in ["localhost", "LOCALHOST:8480", "127.0.0.1:8480", "[::1]:8480", "127.9.9.9"] {
            assert!(served(host), "{host}");
        }
        for host in ["", "example.com", "10.0.0.1:8480", "localhost.example.com", "[::2]", "::1"] {
            assert!(!served(host), "{host}");
        }
    }
}
