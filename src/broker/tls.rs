//! Who one is towards the broker, and whom one believes to be the broker: three PEM files.

use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Certificates, all PEM. They are read for each connection, so a renewed one needs no restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// Who may have issued the broker's certificate; the public authorities if it is `None`.
    pub ca: Option<PathBuf>,
    /// The chain of this client, its own certificate first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or holds nothing of use.
    #[error("{path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Certificate and key do not fit, or cannot be used.
    #[error("the certificate for the broker cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// Whether the files can be used, for those who look before anything connects.
///
/// # Errors
/// When one cannot be read, or certificate and key do not fit.
pub fn check(files: &Files) -> Result<(), TlsError> {
    config(files).map(|_| ())
}

/// What the line speaks TLS with.
///
/// # Errors
/// As [`check`].
pub fn config(files: &Files) -> Result<ClientConfig, TlsError> {
    let mut roots = rustls::RootCertStore::empty();
    match &files.ca {
        Some(path) => {
            for certificate in certificates(path)? {
                roots.add(certificate)?;
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let chain = certificates(&files.certificate)?;
    let key =
        PrivateKeyDer::from_pem_file(&files.key).map_err(|error| wrong(&files.key, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)?;
    Ok(config)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = CertificateDer::pem_file_iter(path).map_err(|error| wrong(path, &error))?;
    let found: Result<Vec<_>, _> = found.collect();
    let found = found.map_err(|error| wrong(path, &error))?;
    if found.is_empty() {
        return Err(wrong(path, &"it holds no certificate"));
    }
    Ok(found)
}

fn wrong(path: &Path, why: &dyn std::fmt::Display) -> TlsError {
    TlsError::File { path: path.to_owned(), why: why.to_string() }
}
