//! What the shopper sees, live, for browsers of this computer.
//!
//! It only looks; nothing can be done here. Every request, wait and connection is bounded, and no
//! page asks for anything from elsewhere.

mod page;

use crate::display::mirror::Feed;
use crate::operations;
use axum::Router;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use std::net::IpAddr;
use std::time::Duration;
use tokio::net::TcpListener;

const POLICY: &str = "default-src 'none'; img-src 'self' data:; script-src 'self'; \
                      style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// Serves the pages until it is dropped, and with it every connection.
pub async fn serve(listener: TcpListener, feed: Feed) {
    // A page may be looked at for as long as it is open.
    operations::serve(listener, router(feed), Duration::MAX).await;
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
