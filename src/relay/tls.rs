//! The certificate that the relay proves itself with to Klarna, which calls no one without a valid
//! one (Integration Guidelines: Webhooks). Behind a proxy it is the proxy's.

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// A certificate that Klarna's side can check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain, PEM, the relay's own certificate first.
    pub chain: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{path}: {why}; it is to be a PEM file")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Certificate and key do not fit, or cannot be used.
    #[error("the relay's certificate cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// TLS 1.2 and 1.3, HTTP/1.1 alone. The files are read now; a newer certificate needs a restart.
pub(super) fn acceptor(files: &CertificateFiles) -> Result<TlsAcceptor, TlsError> {
    let wrong = |path: &Path, why: &dyn std::fmt::Display| TlsError::File {
        path: path.to_owned(),
        why: why.to_string(),
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.chain)
        .and_then(Iterator::collect)
        .map_err(|why| wrong(&files.chain, &why))?;
    if chain.is_empty() {
        return Err(wrong(&files.chain, &"there is no certificate in it"));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|why| wrong(&files.key, &why))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
