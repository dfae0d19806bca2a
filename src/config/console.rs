//! The `[console]` section: where the store manager's pages are and how far they go.

use super::check::Problems;
use super::raw::RawConsole;
use crate::console::{CertificateFiles, Settings};
use crate::money::{Amount, Currency};
use std::net::{Ipv4Addr, SocketAddr};

/// Where the console is unless it is told otherwise: for browsers of this computer alone.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8443);
/// Longest name of a host (RFC 1035, 2.3.4).
const NAME_LEN_MAX: usize = 253;
/// Names that a certificate can say.
const NAMES_MAX: usize = 16;

/// Without the section there is no console.
pub(super) fn check(
    raw: Option<RawConsole>,
    currencies: &[Currency],
    problems: &mut Problems,
) -> Option<Settings> {
    let raw = raw?;
    let listen = match raw.listen.as_deref().map(str::parse) {
        None => LISTEN,
        Some(Ok(address)) => address,
        Some(Err(_)) => {
            let text = raw.listen.as_deref().unwrap_or_default();
            problems.add("console.listen", format!("{text:?} is no address such as {LISTEN}"));
            LISTEN
        }
    };
    let names = raw.names.unwrap_or_default();
    if names.len() > NAMES_MAX {
        problems.add("console.names", format!("has {} names, at most {NAMES_MAX}", names.len()));
    }
    for name in names.iter().filter(|name| !is_host(name)) {
        problems.add("console.names", format!("{name:?} is no host name such as till-3.local"));
    }
    let certificate = match (raw.certificate_file, raw.key_file) {
        (Some(chain), Some(key)) => Some(CertificateFiles { chain, key }),
        (None, None) => None,
        (Some(_), None) => {
            problems.add("console.key_file", "is missing: the certificate's private key, PEM");
            None
        }
        (None, Some(_)) => {
            problems.add("console.certificate_file", "is missing: the key's certificate, PEM");
            None
        }
    };
    let return_limit = raw.return_limit;
    if let Some(limit) = &return_limit {
        let is_amount = |currency: &Currency| {
            Amount::parse(limit, *currency).is_ok_and(|amount| amount.minor() >= 0)
        };
        if !currencies.iter().all(is_amount) {
            problems.add("console.return_limit", format!("{limit:?} is no amount such as 200.00"));
        }
    }
    Some(Settings { listen, names, certificate, return_limit })
}

fn is_host(name: &str) -> bool {
    let label = |label: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !label.is_empty()
            && label.len() <= 63
            && label.chars().all(inner)
            && !label.starts_with('-')
    };
    name.len() <= NAME_LEN_MAX && name.split('.').all(label)
}
