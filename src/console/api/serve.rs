//! Connections to the command line's socket: HTTP/1.1, one request each, with a place and a time
//! limit.

use super::super::Office;
use super::super::guests::{Guests, Spoken};
use super::client::Client;
use super::router;
use crate::local::Person;
use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};

/// Connections at once.
const CONNECTIONS_MAX: usize = 16;
/// Connections at once of one user: the others find a place in any case.
const CONNECTIONS_PER_USER_MAX: usize = 12;
/// How long somebody may take to say what they want.
const HEADER_PATIENCE: Duration = Duration::from_secs(10);
/// Room for what they say, in bytes; hyper takes no less than 8 KiB.
const HEADER_BYTES_MAX: usize = 16 * 1024;
/// How long a connection lasts at most, the reading of a long answer included.
const LASTS: Duration = Duration::from_secs(120);
/// Pause after a failed accept, which means that the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the command line until it is dropped, and with it every connection.
pub(in crate::console) async fn commands(
    office: Arc<Office>,
    socket: std::os::unix::net::UnixListener,
) {
    let listener = match UnixListener::from_std(socket) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "no command can be answered");
            return std::future::pending().await;
        }
    };
    let group_role = office.settings.group_role;
    let router = router(office);
    let mut guests = Guests::new(CONNECTIONS_MAX, CONNECTIONS_PER_USER_MAX);
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                };
                let Ok(person) = Person::behind(&stream) else { continue };
                let client = Client::new(&person, group_role);
                guests.let_in(person.uid, |spoken| {
                    connection(stream, client, router.clone(), spoken)
                });
            }
            () = guests.one_goes() => {}
        }
    }
}

async fn connection(stream: UnixStream, client: Client, router: Router, spoken: Spoken) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        spoken.note();
        request.extensions_mut().insert(client.clone());
        router.call(request)
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_PATIENCE)
        .max_buf_size(HEADER_BYTES_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    match tokio::time::timeout(LASTS, served).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a command's connection has ended"),
        Err(_) => tracing::debug!("a command has not read its answer in time"),
    }
}
