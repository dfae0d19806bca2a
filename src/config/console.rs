//! The `[console]` section: where the store manager's pages are and how far they go.

use super::check::Problems;
use super::raw::RawConsole;
use crate::access::Role;
use crate::console::{CertificateFiles, Settings};
use crate::money::{Amount, Currency};
use std::net::{Ipv4Addr, SocketAddr};

/// Where the console is unless it is told otherwise: for browsers of this computer alone.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8443);
/// Longest name of a host (RFC 1035, 2.3.4).
const NAME_LEN_MAX: usize = 253;
/// Longest name of a group (groupadd(8)).
const GROUP_LEN_MAX: usize = 32;
/// What stands for the address where no pages are wanted.
const NO_PAGES: &str = "none";
/// Names that a certificate can say.
const NAMES_MAX: usize = 16;

/// Without the section there are no pages; the command line needs none of it.
pub(super) fn check(
    raw: Option<RawConsole>,
    currencies: &[Currency],
    problems: &mut Problems,
) -> Settings {
    let Some(raw) = raw else { return Settings::without_pages() };
    let listen = match raw.listen.as_deref() {
        None => Some(LISTEN),
        Some(NO_PAGES) => None,
        Some(text) => match text.parse() {
            Ok(address) => Some(address),
            Err(_) => {
                problems.add("console.listen", format!("{text:?} is no address such as {LISTEN}"));
                None
            }
        },
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
    let (group, group_role) = group(raw.group, raw.group_role.as_deref(), problems);
    Settings { listen, names, certificate, return_limit, group, group_role, open_key: None }
}

fn group(
    name: Option<String>,
    role: Option<&str>,
    problems: &mut Problems,
) -> (Option<String>, Role) {
    let is_name = |name: &String| {
        let fits = (1..=GROUP_LEN_MAX).contains(&name.len());
        fits && name.bytes().all(|b| b.is_ascii_graphic() && b != b':')
    };
    if let Some(name) = name.as_ref().filter(|name| !is_name(name)) {
        problems.add("console.group", format!("{name:?} is no name of a group such as staff"));
    }
    let role = match role.map(str::parse) {
        None => Role::Manager,
        Some(Ok(role)) => role,
        Some(Err(wrong)) => {
            problems.add("console.group_role", wrong);
            Role::Manager
        }
    };
    (name, role)
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
