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
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::TlsAcceptor;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// How long a self-made certificate is valid: browsers refuse longer ones even if they are told to
/// trust it (Apple: 825 days).
const VALID: Duration = Duration::from_secs(820 * 86_400);
/// A self-made one is made anew when less of its time is left.
const RENEWED_BEFORE: Duration = Duration::from_secs(30 * 86_400);

/// Addresses that a self-made certificate names at most: today's, and those it has named before,
/// so that a terminal that moves between two networks keeps its certificate.
const ADDRESSES_MAX: usize = 8;
/// Addresses that nobody has (RFC 5737, RFC 3849): the way to them is the way to everywhere.
/// Nothing is sent there.
const ELSEWHERE: [(IpAddr, IpAddr); 2] = [
    (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))),
    (IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))),
];

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
/// there is none, it is about to expire, or it does not say a name or address of today.
pub(super) fn identity(
    settings: &Settings,
    listen: SocketAddr,
    store: &Path,
    names: &[String],
    now: Wall,
) -> Result<Identity, TlsError> {
    if let Some(files) = &settings.certificate {
        let identity = read(files, true)?;
        warn_if_open(&files.key);
        return Ok(identity);
    }
    let beside = |suffix: &str| {
        let mut name = store.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let files =
        CertificateFiles { chain: beside(".console-cert.pem"), key: beside(".console-key.pem") };
    let wanted = Names::new(names, addresses(listen.ip()));
    let kept = read(&files, false).ok();
    let said = kept.as_ref().and_then(|kept| Names::said_by(kept.chain.first()?));
    let said = said.unwrap_or_default();
    let kept = kept.filter(|kept| {
        let left = kept.valid.until.since(now).unwrap_or_default();
        (!now.is_plausible() || left > RENEWED_BEFORE) && said.cover(&wanted)
    });
    match kept {
        Some(kept) => Ok(kept),
        None => {
            make(&files, wanted.and_addresses_of(&said), now)?;
            read(&files, false)
        }
    }
}

/// Says in the log if others on this machine can read the key.
fn warn_if_open(key: &Path) {
    let mode = std::fs::metadata(key).map(|found| found.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o004 != 0) {
        let path = key.display();
        tracing::warn!(%path, "everybody on this machine can read the console's key");
    }
}

/// By which addresses browsers reach a listener at `listen`.
fn addresses(listen: IpAddr) -> Vec<IpAddr> {
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    if !listen.is_unspecified() {
        return vec![listen, loopback];
    }
    let ways = ELSEWHERE.iter().filter(|(any, _)| listen.is_ipv6() || any.is_ipv4());
    let own = ways.filter_map(|(any, elsewhere)| {
        // Connecting a datagram socket only looks up the way.
        let socket = UdpSocket::bind((*any, 0)).ok()?;
        socket.connect((*elsewhere, 9)).ok()?;
        Some(socket.local_addr().ok()?.ip()).filter(|own| !own.is_unspecified())
    });
    own.chain([loopback]).collect()
}

/// What a certificate says it is good for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Names {
    hosts: Vec<String>,
    addresses: Vec<IpAddr>,
}

impl Names {
    fn new(hosts: &[String], addresses: Vec<IpAddr>) -> Self {
        let hosts = hosts.iter().map(|name| name.to_ascii_lowercase()).collect();
        let mut names = Self { hosts, addresses: Vec::new() };
        names.add(addresses);
        names
    }

    fn add(&mut self, addresses: impl IntoIterator<Item = IpAddr>) {
        for address in addresses {
            if self.addresses.len() < ADDRESSES_MAX && !self.addresses.contains(&address) {
                self.addresses.push(address);
            }
        }
    }

    fn and_addresses_of(mut self, earlier: &Self) -> Self {
        self.add(earlier.addresses.iter().copied());
        self
    }

    fn cover(&self, wanted: &Self) -> bool {
        wanted.hosts.iter().all(|host| self.hosts.contains(host))
            && wanted.addresses.iter().all(|address| self.addresses.contains(address))
    }

    /// None if it cannot be read, which is an old one's or a stranger's.
    fn said_by(certificate: &CertificateDer<'_>) -> Option<Self> {
        use x509_cert::der::Decode as _;
        let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
        let said = certificate.tbs_certificate().get_extension::<SubjectAltName>();
        let (_, SubjectAltName(said)) = said.ok()??;
        let mut names = Self::default();
        for name in said {
            match name {
                GeneralName::DnsName(host) => names.hosts.push(host.as_str().to_owned()),
                GeneralName::IpAddress(bytes) => {
                    let v4 = <[u8; 4]>::try_from(bytes.as_bytes()).map(IpAddr::from);
                    let v6 = <[u8; 16]>::try_from(bytes.as_bytes()).map(IpAddr::from);
                    names.add(v4.or(v6));
                }
                _ => {}
            }
        }
        Some(names)
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

fn make(files: &CertificateFiles, names: Names, now: Wall) -> Result<(), TlsError> {
    let failed = |error: rcgen::Error| TlsError::Unusable(error.to_string());
    let mut params = CertificateParams::new(names.hosts).map_err(failed)?;
    params.subject_alt_names.extend(names.addresses.into_iter().map(SanType::IpAddress));
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

#[cfg(test)]
mod tests {
    use super::*;

    struct Shop {
        folder: tempfile::TempDir,
        settings: Settings,
    }

    impl Shop {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a directory");
            Self { folder, settings: Settings::without_pages() }
        }

        fn identity(&self, listen: &str, names: &[&str], days: u64) -> Result<Identity, TlsError> {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let now = Wall::SET_FROM.after(Duration::from_secs(days * 86_400));
            let listen = SocketAddr::new(listen.parse().expect("an address"), 8443);
            identity(&self.settings, listen, &self.folder.path().join("x.sqlite"), &names, now)
        }

        fn made(&self, listen: &str, names: &[&str], days: u64) -> Identity {
            self.identity(listen, names, days).expect("a certificate")
        }
    }

    fn said(identity: &Identity) -> Names {
        Names::said_by(&identity.chain[0]).expect("names")
    }

    #[test]
    fn a_certificate_is_kept_until_it_expires_or_does_not_say_todays_names() {
        let shop = Shop::new();
        let made = |listen, names: &[&str], days| shop.made(listen, names, days).fingerprint;
        let first = made("192.0.2.7", &["Till.example", "localhost"], 0);
        assert_eq!(made("192.0.2.7", &["localhost", "till.example"], 789), first);
        assert_eq!(made("192.0.2.7", &["localhost"], 1), first, "it may say more");
        assert_ne!(made("192.0.2.7", &["localhost"], 791), first, "it is about to expire");
        let second = made("192.0.2.7", &["localhost"], 0);
        let third = made("192.0.2.7", &["localhost", "till-3.example"], 0);
        assert_ne!(third, second, "a name is new");
        let fourth = made("192.0.2.8", &["localhost", "till-3.example"], 0);
        assert_ne!(fourth, third, "the address is new");
        let back = shop.made("192.0.2.7", &["localhost"], 0);
        assert_eq!(back.fingerprint, fourth, "the address of before is still said");
        let addresses: Vec<String> = said(&back).addresses.iter().map(IpAddr::to_string).collect();
        assert_eq!(addresses, ["192.0.2.8", "127.0.0.1", "192.0.2.7"]);
    }

    #[test]
    fn earlier_addresses_are_kept_up_to_a_bound() {
        let shop = Shop::new();
        for number in 0..20 {
            let listen = format!("192.0.2.{number}");
            let names = said(&shop.made(&listen, &["localhost"], 0));
            assert_eq!(names.addresses[0].to_string(), listen);
            assert!(names.addresses.len() <= ADDRESSES_MAX, "{names:?}");
        }
    }

    #[test]
    fn where_every_address_is_listened_at_the_own_ones_are_said() {
        let found = addresses(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        assert_eq!(found.last(), Some(&IpAddr::V4(Ipv4Addr::LOCALHOST)));
        assert!(found.iter().all(|address| address.is_ipv4() && !address.is_unspecified()));
        let both = addresses(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        assert!(found.iter().all(|address| both.contains(address)), "{both:?}");
        let names = said(&Shop::new().made("0.0.0.0", &["localhost"], 0));
        assert_eq!(names, Names::new(&["localhost".to_owned()], found));
    }

    #[test]
    fn a_file_of_the_shops_own_that_cannot_be_read_is_told() {
        let mut shop = Shop::new();
        let path = |name: &str| shop.folder.path().join(name);
        let files = CertificateFiles { chain: path("chain.pem"), key: path("key.pem") };
        shop.settings.certificate = Some(files.clone());
        let told = |shop: &Shop| shop.identity("127.0.0.1", &[], 0).err().map(|it| it.to_string());
        let missing = told(&shop).expect("an error");
        assert!(missing.contains("chain.pem"), "{missing}");
        std::fs::write(&files.chain, "nothing").expect("written");
        assert!(told(&shop).expect("an error").contains("there is no certificate in it"));
    }
}
