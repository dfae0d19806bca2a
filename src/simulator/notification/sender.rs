//! Sends what is due: one POST per attempt, over HTTPS, and tells `world` how it ended.
//!
//! It decides nothing about when; the world's clock does.

use super::delivery::Outgoing;
use crate::simulator::{Shared, StartError};
use reqwest::Client;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// A receiver that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks at the clock while there are webhooks.
const TICK: Duration = Duration::from_millis(50);

/// A client that trusts the public authorities and those of `authorities` (PEM).
pub(in crate::simulator) fn client(authorities: &[&str]) -> Result<Client, StartError> {
    let wrong = |error: &dyn std::fmt::Display| StartError::Certificate(error.to_string());
    let mut roots = rustls::RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for pem in authorities {
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|error| wrong(&error))?;
            roots.add(certificate).map_err(|error| wrong(&error))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(config)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .build()
        .map_err(|error| wrong(&error))
}

/// Sends until it is dropped, at most `at_once` notices at the same time.
pub(in crate::simulator) async fn serve(shared: Arc<Shared>, client: Client, at_once: usize) {
    let mut sending = JoinSet::new();
    loop {
        let room = at_once.max(1).saturating_sub(sending.len());
        let (due, watching) =
            shared.with(|world, now| (world.due_notices(now, room), world.has_webhooks()));
        for outgoing in due {
            sending.spawn(send(Arc::clone(&shared), client.clone(), outgoing));
        }
        tokio::select! {
            Some(_) = sending.join_next() => {}
            () = shared.due.notified() => {}
            () = tokio::time::sleep(TICK), if watching => {}
        }
    }
}

async fn send(shared: Arc<Shared>, client: Client, outgoing: Outgoing) {
    let Outgoing { number, notice } = outgoing;
    let request = client
        .post(&notice.url)
        .header("content-type", "application/json")
        .header("klarna-signature", &notice.signature)
        .header("klarna-signing-key-id", &notice.key_id)
        .body(notice.body);
    let ended = match request.send().await {
        Ok(response) => Ok(response.status().as_u16()),
        Err(error) if error.is_timeout() => Err("timed out".to_owned()),
        Err(error) if error.is_connect() => Err("no connection".to_owned()),
        Err(_) => Err("no answer".to_owned()),
    };
    shared.with(|world, now| world.notice_tried(now, number, ended));
    shared.tried.send_modify(|count| *count = count.wrapping_add(1));
}
