//! The certificate of the console: the shop's own, or one that the terminal makes at its first
//! start and shows the fingerprint of on its own screen.
//!
//! Browsers cannot know a self-made one; whoever compares the fingerprint once knows that nobody
//! stands in between.

use super::Settings;
use crate::clock::Wall;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::TlsAcceptor;

/// How long a self-made certificate is valid: browsers refuse longer ones even if they are told to
/// trust it (Apple: 825 days).
const VALID: Duration = Duration::from_secs(820 * 86_400);
/// A self-made one is made anew when less of its time is left.
const RENEWED_BEFORE: Duration = Duration::from_secs(30 * 86_400);

/// A certificate of the shop's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain, PEM, this terminal's certificate first.
    pub chain: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("{path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Certificate and key do not fit, or cannot be used.
    #[error("the console's certificate cannot be used: {0}")]
    Unusable(String),
}

/// What the terminal proves itself with.
pub(super) struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// SHA-256 of the certificate.
    pub(super) fingerprint: String,
    is_own: bool,
    valid: Validity,
}

/// What the pages say about it.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) fingerprint: String,
    pub(super) is_self_made: bool,
    pub(super) valid: Validity,
}

/// From when until when a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) from: Wall,
    pub(super) until: Wall,
}

/// The configured certificate, or the self-made one beside the database at `store`, made now if
/// there is none or it is about to expire.
pub(super) fn identity(
    settings: &Settings,
    listen: SocketAddr,
    store: &Path,
    names: &[String],
    now: Wall,
) -> Result<Identity, TlsError> {
    if let Some(files) = &settings.certificate {
        return read(files, true);
    }
    let beside = |suffix: &str| {
        let mut name = store.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let files =
        CertificateFiles { chain: beside(".console-cert.pem"), key: beside(".console-key.pem") };
    let kept = read(&files, false).ok().filter(|kept| {
        let left = kept.valid.until.since(now).unwrap_or_default();
        !now.is_plausible() || left > RENEWED_BEFORE
    });
    match kept {
        Some(kept) => Ok(kept),
        None => {
            make(&files, names, listen.ip(), now)?;
            read(&files, false)
        }
    }
}

fn read(files: &CertificateFiles, is_own: bool) -> Result<Identity, TlsError> {
    let wrong = |path: &Path, why: &dyn std::fmt::Display| TlsError::File {
        path: path.to_owned(),
        why: why.to_string(),
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.chain)
        .and_then(Iterator::collect)
        .map_err(|why| wrong(&files.chain, &why))?;
    let Some(first) = chain.first() else {
        return Err(wrong(&files.chain, &"there is no certificate in it"));
    };
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|why| wrong(&files.key, &why))?;
    let valid = validity(first).ok_or_else(|| wrong(&files.chain, &"is no X.509 certificate"))?;
    let fingerprint = hexadecimal(&Sha256::digest(first));
    Ok(Identity { chain, key, fingerprint, is_own, valid })
}

fn validity(certificate: &CertificateDer<'_>) -> Option<Validity> {
    use x509_cert::der::Decode as _;
    let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
    let validity = certificate.tbs_certificate().validity();
    let wall = |time: &x509_cert::time::Time| {
        let since = i64::try_from(time.to_unix_duration().as_millis()).unwrap_or(i64::MAX);
        Wall::from_millis(since)
    };
    Some(Validity { from: wall(&validity.not_before), until: wall(&validity.not_after) })
}

fn make(
    files: &CertificateFiles,
    names: &[String],
    address: IpAddr,
    now: Wall,
) -> Result<(), TlsError> {
    let failed = |error: rcgen::Error| TlsError::Unusable(error.to_string());
    let mut params = CertificateParams::new(names.to_vec()).map_err(failed)?;
    for address in [address, IpAddr::from([127, 0, 0, 1])] {
        if !address.is_unspecified() {
            params.subject_alt_names.push(SanType::IpAddress(address));
        }
    }
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, "klarna-terminald console");
    params.distinguished_name = name;
    // A clock that was never set makes a certificate that is valid when it is.
    let begin = if now.is_plausible() { now } else { Wall::SET_FROM };
    let date = |at: Wall| {
        let civil = crate::clock::Zone::UTC.civil(at).expect("a plausible time has a date");
        rcgen::date_time_ymd(i32::from(civil.year), civil.month, civil.day)
    };
    (params.not_before, params.not_after) = (date(begin), date(begin.after(VALID)));
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    write(&files.key, &key.serialize_pem(), 0o600)?;
    write(&files.chain, &certificate.pem(), 0o644)?;
    tracing::info!(path = %files.chain.display(), "a certificate was made for the console");
    Ok(())
}

/// As a whole or not at all, for the given owner's eyes from its first byte on.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), TlsError> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let written = (|| {
        let _ = std::fs::remove_file(&new);
        let mut file =
            std::fs::File::options().write(true).create_new(true).mode(mode).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, path)
    })();
    written.map_err(|why| TlsError::File { path: path.to_owned(), why: why.to_string() })
}

impl Identity {
    pub(super) fn facts(&self) -> Facts {
        let fingerprint = self.fingerprint.clone();
        Facts { fingerprint, is_self_made: !self.is_own, valid: self.valid }
    }

    /// TLS 1.2 and 1.3, HTTP/1.1 alone.
    pub(super) fn acceptor(self) -> Result<TlsAcceptor, TlsError> {
        let unusable = |error: rustls::Error| TlsError::Unusable(error.to_string());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(self.chain, self.key)
            .map_err(unusable)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}
