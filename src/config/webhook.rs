//! The `[webhook]` section: where Klarna's notices come in, at a terminal or at a relay.

use super::check::Problems;
use super::raw::{Environment, RawWebhook};
use crate::relay::admission::{Policy, Proxies, callers_live, callers_test};
use crate::relay::shelf::Limits;
use crate::relay::{CONNECTIONS_MAX, CertificateFiles, PATH, Settings};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

/// Longest time back that Klarna's support may be asked to replay, in hours.
const AGE_MAX_H: u64 = 30 * 24;
/// Proxies in front of one relay.
const PROXIES_MAX: usize = 64;

/// `beside` is the folder of the files that are not named.
pub(super) fn check(
    raw: RawWebhook,
    environment: Option<Environment>,
    beside: Option<&Path>,
    problems: &mut Problems,
) -> Option<Settings> {
    let listen = problems.need("webhook.listen", raw.listen, "127.0.0.1:8090");
    let listen = listen.and_then(|text| address("webhook.listen", &text, problems));
    let operations = raw.operations.and_then(|text| address("webhook.operations", &text, problems));
    let path = raw.path.unwrap_or_else(|| PATH.to_owned());
    if !path.starts_with('/') {
        problems.add("webhook.path", format!("{path:?} does not begin with /, as {PATH} does"));
    }
    let certificate = match (raw.certificate_file, raw.key_file) {
        (Some(chain), Some(key)) => Some(CertificateFiles { chain, key }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            problems.add("webhook", "certificate_file and key_file belong together");
            None
        }
    };
    let keys = raw.keys_file.or_else(|| Some(beside?.join("signing-keys.json")));
    let keys = problems.need("webhook.keys_file", keys, "/var/lib/.../signing-keys.json");
    let database = raw.database.or_else(|| Some(beside?.join("notices.sqlite")));
    let database = problems.need("webhook.database", database, "/var/lib/.../notices.sqlite");
    let mut policy = Policy { live: live(environment), ..Policy::default() };
    if raw.check_callers.unwrap_or(false) {
        policy.callers = callers(environment, problems);
    }
    policy.proxies = proxies(raw.proxies, raw.proxy_header.as_deref(), problems);
    if let Some(hours) = raw.age_max_h {
        if !(1..=AGE_MAX_H).contains(&hours) {
            problems.add("webhook.age_max_h", format!("{hours} is not between 1 and {AGE_MAX_H}"));
        }
        policy.age_max = policy.age_max.max(Duration::from_secs(hours.min(AGE_MAX_H) * 3600));
    }
    Some(Settings {
        listen: listen?,
        path,
        certificate,
        operations,
        keys: keys?,
        database: database?,
        policy,
        limits: Limits::default(),
        connections_max: CONNECTIONS_MAX,
    })
}

fn address(key: &str, text: &str, problems: &mut Problems) -> Option<SocketAddr> {
    text.parse().inspect_err(|_| problems.add(key, format!("{text:?} is no address and port"))).ok()
}

/// A custom environment has notices that say either.
fn live(environment: Option<Environment>) -> Option<bool> {
    match environment? {
        Environment::Live => Some(true),
        Environment::Test => Some(false),
        Environment::Custom => None,
    }
}

fn callers(environment: Option<Environment>, problems: &mut Problems) -> Option<Vec<IpAddr>> {
    match environment? {
        Environment::Live => Some(callers_live()),
        Environment::Test => Some(callers_test()),
        Environment::Custom => {
            let why = "Klarna's addresses are known for \"live\" and \"test\" only";
            problems.add("webhook.check_callers", why);
            None
        }
    }
}

fn proxies(
    addresses: Option<Vec<String>>,
    header: Option<&str>,
    problems: &mut Problems,
) -> Option<Proxies> {
    let texts = addresses.filter(|texts| !texts.is_empty())?;
    if texts.len() > PROXIES_MAX {
        problems.add("webhook.proxies", format!("has {} addresses", texts.len()));
    }
    let mut addresses = Vec::new();
    for text in texts.iter().take(PROXIES_MAX) {
        match text.parse() {
            Ok(address) => addresses.push(address),
            Err(_) => problems.add("webhook.proxies", format!("{text:?} is no address")),
        }
    }
    let header = header.unwrap_or("x-forwarded-for");
    match header.to_ascii_lowercase().parse() {
        Ok(header) => Some(Proxies { addresses, header }),
        Err(_) => {
            problems.add("webhook.proxy_header", format!("{header:?} is no header's name"));
            None
        }
    }
}
