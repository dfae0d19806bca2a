//! The API port: HTTPS connections, and what an answer, a fault or a cut line means for them.
//!
//! It decides nothing about payments; `world` does.

use super::Shared;
use super::call::{Call, Reply};
use super::page;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// Connections at once; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 1_024;

/// A body is read to its end up to here, so that a client that sends too much still gets its 413.
const BODY_READ_MAX: usize = 8 * 1024 * 1024;

/// Room for headers beyond what Klarna takes, so that the refusal is the API's and not the
/// library's.
const HEADER_LIST_MAX: u32 = 64 * 1024;

/// Pause after a failed accept, which means that the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Accepts connections until it is dropped, and with it every connection.
pub(super) async fn serve(listener: TcpListener, tls: TlsAcceptor, shared: Arc<Shared>) {
    let pages = page::phone_router(Arc::clone(&shared));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    let (tls, shared, pages) = (tls.clone(), Arc::clone(&shared), pages.clone());
                    connections.spawn(connection(stream, tls, shared, pages));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection, until either side ends it, a fault cuts it or the simulator goes offline.
async fn connection(stream: TcpStream, tls: TlsAcceptor, shared: Arc<Shared>, pages: Router) {
    let mut offline = shared.offline.subscribe();
    let cut = Arc::new(Notify::new());
    let served = serve_stream(stream, tls, Arc::clone(&shared), pages, Arc::clone(&cut));
    tokio::select! {
        biased;
        _ = offline.wait_for(|offline| *offline) => {}
        () = cut.notified() => {}
        () = served => {}
    }
}

async fn serve_stream(
    stream: TcpStream,
    tls: TlsAcceptor,
    shared: Arc<Shared>,
    pages: Router,
    cut: Arc<Notify>,
) {
    // Small answers must not wait for an acknowledgement; a benchmark would measure only that.
    stream.set_nodelay(true).ok();
    let Ok(stream) = tls.accept(stream).await else {
        return;
    };
    let service = service_fn(move |request| {
        let (shared, pages, cut) = (Arc::clone(&shared), pages.clone(), Arc::clone(&cut));
        async move { Ok::<_, Infallible>(answer(shared, pages, cut, request).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http2().max_header_list_size(HEADER_LIST_MAX);
    // How a connection ends is the client's business; there is nobody to tell.
    builder.serve_connection(TokioIo::new(stream), service).await.ok();
}

async fn answer(
    shared: Arc<Shared>,
    pages: Router,
    cut: Arc<Notify>,
    request: Request<Incoming>,
) -> Response<Body> {
    let request = request.map(Body::new);
    if request.uri().path().starts_with(page::PHONE_PATH) {
        let Ok(response) = pages.oneshot(request).await;
        return response;
    }
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_READ_MAX).await else {
        return response(Reply::new(413, None), None);
    };
    let correlation = head.headers.get("partner-correlation-id").cloned();
    let call = Call {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
    };
    let handled = shared.with(|world, now| world.handle(now, &call));
    if !handled.delay.is_zero() {
        tokio::time::sleep(handled.delay).await;
    }
    let Some(reply) = handled.reply else {
        cut.notify_one();
        return std::future::pending().await;
    };
    if let Some(read) = handled.read {
        shared.with(|world, _| world.read_answered(&read));
    }
    response(reply, correlation)
}

fn response(reply: Reply, correlation: Option<HeaderValue>) -> Response<Body> {
    let kind = if reply.html { "text/html; charset=utf-8" } else { "application/json" };
    let has_body = reply.body.is_some();
    let mut response = Response::new(reply.body.map_or_else(Body::empty, Body::from));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if has_body {
        headers.insert("content-type", HeaderValue::from_static(kind));
    }
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    if let Some(correlation) = correlation {
        headers.insert("partner-correlation-id", correlation);
    }
    response
}
