//! A bare HTTPS client, to compare the product with or to load it.

use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use std::sync::Arc;

/// A client that trusts these certificates (PEM) alone and offers these protocols (ALPN).
pub fn trusting(pem: &[u8], protocols: &[&str]) -> reqwest::ClientBuilder {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.expect("a certificate")).expect("a usable certificate");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy()
}
