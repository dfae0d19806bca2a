//! A certificate authority of our own and a certificate from it, so that clients speak real HTTPS
//! to the simulator.
//!
//! The authority's key can be kept in a directory, so that a client's trust in it outlives a
//! restart.

use super::StartError;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer};
use rcgen::{KeyPair, KeyUsagePurpose};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

const CERTIFICATE_FILE: &str = "ca.pem";
const KEY_FILE: &str = "ca-key.pem";

/// What a listener needs, and what its clients must trust.
pub(super) struct Tls {
    pub(super) acceptor: TlsAcceptor,
    pub(super) ca_pem: String,
}

struct Authority {
    pem: String,
    key: KeyPair,
}

/// A certificate for `localhost`, `127.0.0.1` and `public_host`.
pub(super) fn prepare(public_host: &str, directory: Option<&Path>) -> Result<Tls, StartError> {
    let authority = match directory {
        Some(directory) => kept_authority(directory)?,
        None => new_authority()?,
    };
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    if !names.iter().any(|name| name == public_host) {
        names.push(public_host.to_owned());
    }
    let mut leaf = CertificateParams::new(names).map_err(certificate)?;
    leaf.distinguished_name.push(DnType::CommonName, "Klarna simulator");
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().map_err(certificate)?;
    let issuer = Issuer::new(authority_params(), authority.key);
    let leaf = leaf.signed_by(&key, &issuer).map_err(certificate)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()?
    .with_no_client_auth()
    .with_single_cert(vec![leaf.der().clone()], key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(config)), ca_pem: authority.pem })
}

fn certificate(error: rcgen::Error) -> StartError {
    StartError::Certificate(error.to_string())
}

/// The same every time: with the kept key this is the authority that clients already trust.
fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Klarna simulator test authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn new_authority() -> Result<Authority, StartError> {
    let key = KeyPair::generate().map_err(certificate)?;
    let pem = authority_params().self_signed(&key).map_err(certificate)?.pem();
    Ok(Authority { pem, key })
}

fn kept_authority(directory: &Path) -> Result<Authority, StartError> {
    let (pem_file, key_file) = (directory.join(CERTIFICATE_FILE), directory.join(KEY_FILE));
    let in_directory = |source| StartError::Directory { path: directory.to_owned(), source };
    if pem_file.exists() && key_file.exists() {
        let pem = std::fs::read_to_string(&pem_file).map_err(in_directory)?;
        let key = std::fs::read_to_string(&key_file).map_err(in_directory)?;
        return Ok(Authority { pem, key: KeyPair::from_pem(&key).map_err(certificate)? });
    }
    let authority = new_authority()?;
    std::fs::create_dir_all(directory).map_err(in_directory)?;
    // Only the owner may read the key: whoever has it can pose as any host to those who trust the
    // authority.
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&key_file)
        .map_err(in_directory)?;
    file.write_all(authority.key.serialize_pem().as_bytes()).map_err(in_directory)?;
    std::fs::write(&pem_file, &authority.pem).map_err(in_directory)?;
    Ok(authority)
}
