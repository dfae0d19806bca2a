//! A TLS handshake for its own sake: what is wrong with it can be said in words. No byte follows
//! but a goodbye.

use rustls::{AlertDescription, CertificateError, ClientConfig, ClientConnection};
use std::io::{ErrorKind, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// For each read and write of the handshake, and for all of it; the same again for the goodbye.
pub(super) const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(5);

/// Why there was no handshake.
#[derive(Debug)]
pub(super) enum Broken {
    /// The other end's certificate is not accepted.
    Certificate(CertificateError),
    /// What answers speaks no TLS.
    NoTls,
    /// The other end has refused us.
    Refused(AlertDescription),
    /// Something else, in words.
    Other(String),
}

/// A handshake that is done.
pub(super) struct Shaken {
    connection: ClientConnection,
    stream: TcpStream,
    /// Such as `TLSv1_3`.
    pub(super) version: &'static str,
    pub(super) took: Duration,
}

/// Shakes hands over `stream` with whoever is `host`.
///
/// # Errors
/// Why that fails.
pub(super) fn shaken(
    mut stream: TcpStream,
    host: &str,
    config: ClientConfig,
) -> Result<Shaken, Broken> {
    let other = |error: &dyn std::fmt::Display| Broken::Other(error.to_string());
    let name = rustls::pki_types::ServerName::try_from(host.to_owned());
    let name = name.map_err(|error| other(&error))?;
    let connection = ClientConnection::new(Arc::new(config), name);
    let mut connection = connection.map_err(|error| other(&error))?;
    let limit = Some(HANDSHAKE_TIME_MAX);
    stream.set_read_timeout(limit).map_err(|error| other(&error))?;
    stream.set_write_timeout(limit).map_err(|error| other(&error))?;
    let started = Instant::now();
    while connection.is_handshaking() && started.elapsed() < HANDSHAKE_TIME_MAX {
        if let Err(error) = connection.complete_io(&mut stream) {
            let inner = error.get_ref().and_then(|it| it.downcast_ref::<rustls::Error>());
            return Err(inner.map_or_else(|| other(&error), broken));
        }
    }
    let took = started.elapsed();
    match connection.protocol_version().and_then(|version| version.as_str()) {
        Some(version) if !connection.is_handshaking() => {
            Ok(Shaken { connection, stream, version, took })
        }
        _ => Err(other(&"it takes too long")),
    }
}

fn broken(error: &rustls::Error) -> Broken {
    match error {
        rustls::Error::InvalidCertificate(why) => Broken::Certificate(why.clone()),
        rustls::Error::InvalidMessage(_) => Broken::NoTls,
        rustls::Error::AlertReceived(alert) => Broken::Refused(*alert),
        other => Broken::Other(other.to_string()),
    }
}

impl Shaken {
    /// Says goodbye and hears what the other end makes of our certificate: in TLS 1.3 it looks at
    /// that when our end of the handshake is done (RFC 8446 §2). Silence is no refusal.
    ///
    /// # Errors
    /// That it does not want us.
    pub(super) fn goodbye(self) -> Result<(), Broken> {
        let Self { mut connection, mut stream, .. } = self;
        connection.send_close_notify();
        let mut last_words = Vec::new();
        while connection.wants_write() {
            connection.write_tls(&mut last_words).map_err(|it| Broken::Other(it.to_string()))?;
        }
        // Whoever has refused us may have gone: what was said before that is still to be read.
        let _ = stream.write_all(&last_words);
        let _ = stream.shutdown(Shutdown::Write);
        let started = Instant::now();
        while started.elapsed() < HANDSHAKE_TIME_MAX {
            match connection.read_tls(&mut stream) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return Ok(());
                }
                Err(error) => return Err(Broken::Other(error.to_string())),
            }
            match connection.process_new_packets() {
                Ok(state) if state.peer_has_closed() => return Ok(()),
                Ok(_) => {}
                Err(error) => return Err(broken(&error)),
            }
        }
        Ok(())
    }
}
