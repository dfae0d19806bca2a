//! The part of the configuration about Klarna: hosts, key, names, paths.

use super::check::{Problems, Terminal};
use super::raw::{Environment, RawKlarna, RawPaths};
use crate::acquirer::Quotas;
use crate::acquirer::klarna::{
    self, AuthScheme, Availability, AvailabilityOrder, TransactionPaths,
};
use crate::clock::Wall;
use secrecy::{ExposeSecret, SecretString};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Klarna's hosts (Integration Guidelines: Environments).
const LIVE_URL: &str = "https://api-global.klarna.com";
const TEST_URL: &str = "https://api-global.test.klarna.com";
/// Name of the systemd credential that holds the API key.
const CREDENTIAL: &str = "klarna_api_key";
/// Klarna's limit of `originators` in the tagging header.
const ORIGINATORS_MAX: usize = 6;

pub(super) fn check(
    raw: RawKlarna,
    environment: Option<Environment>,
    terminal: &Terminal,
    credentials: Option<&Path>,
    problems: &mut Problems,
) -> Option<klarna::Settings> {
    let api_key = api_key(raw.api_key, raw.api_key_file.as_deref(), credentials, problems);
    let base_url = base_url(raw.base_url, environment, problems);
    if let (Some(key), Some(environment)) = (&api_key, environment) {
        guard(key, environment, problems);
    }
    let account = problems.need_text("klarna.account_id", raw.account_id, "krn:partner:global:...");
    let redirect_url =
        problems.need("klarna.redirect_url", raw.redirect_url, "https://shop.example/thanks");
    let integrator = raw.integrator.unwrap_or_else(|| "KLARNA_TERMINALD".to_owned());
    let originators = raw.originators.unwrap_or_default();
    check_names(&integrator, &originators, problems);
    check_redirect(redirect_url.as_deref(), problems);
    let extra_ca = raw.extra_ca_file.and_then(|path| match std::fs::read(&path) {
        Ok(pem) => Some(pem),
        Err(why) => {
            let path = path.display();
            problems.add("klarna.extra_ca_file", format!("cannot read {path}: {why}"));
            None
        }
    });
    let live = environment == Some(Environment::Live);
    let settings = klarna::Settings {
        base_url: base_url?,
        api_key: api_key?,
        auth_scheme: raw.auth_scheme.unwrap_or(AuthScheme::Raw),
        account_id: account?,
        account_header: raw.account_header.unwrap_or(true),
        integrator,
        originators,
        session: terminal.name.clone(),
        availability: raw.availability.unwrap_or(Availability::Interoperability),
        availability_order: raw.availability_order.unwrap_or(AvailabilityOrder::WithCreate),
        descriptor: raw.descriptor.unwrap_or(true),
        locale: terminal.locale.clone(),
        home_currency: *terminal.currencies.first()?,
        redirect_url: redirect_url?,
        qr_hosts: raw.qr_hosts.unwrap_or_else(|| vec![".klarna.com".to_owned()]),
        paths: paths(raw.paths, problems),
        create_extra: raw.create_extra.unwrap_or_default(),
        quotas: Quotas {
            captures_per_s: raw.captures_per_s.unwrap_or(if live { 50 } else { 12 }),
            management_per_s: raw.management_per_s.unwrap_or(if live { 200 } else { 50 }),
        },
        extra_ca,
        proxy: raw.proxy,
    };
    // What a start would fail with: certificates, the proxy's address, values of headers.
    if let Err(error) = klarna::Klarna::new(settings.clone()) {
        problems.add("klarna", error);
    }
    Some(settings)
}

fn paths(raw: RawPaths, problems: &mut Problems) -> TransactionPaths {
    let default = TransactionPaths::default();
    let mut path_of = |placeholder: &str, key: &str, value: Option<String>, default: String| {
        let template = value.unwrap_or(default);
        if !TransactionPaths::is_usable(&template, placeholder) {
            let rule = format!("it must begin with / and contain {placeholder}");
            problems.add(key, format!("{template:?} cannot be used: {rule}"));
        }
        template
    };
    let refund_capture = path_of(
        "{capture_id}",
        "klarna.paths.refund_capture",
        raw.refund_capture,
        default.refund_capture,
    );
    let mut path = |key: &str, value, default| path_of("{transaction_id}", key, value, default);
    TransactionPaths {
        read: path("klarna.paths.read", raw.read, default.read),
        capture: path("klarna.paths.capture", raw.capture, default.capture),
        refund: path("klarna.paths.refund", raw.refund, default.refund),
        refund_capture,
        void: path("klarna.paths.void", raw.void, default.void),
        update: path("klarna.paths.update", raw.update, default.update),
    }
}

fn base_url(
    configured: Option<String>,
    environment: Option<Environment>,
    problems: &mut Problems,
) -> Option<String> {
    match (environment?, configured) {
        (Environment::Live, None) => Some(LIVE_URL.to_owned()),
        (Environment::Test, None) => Some(TEST_URL.to_owned()),
        (Environment::Live | Environment::Test, Some(_)) => {
            let hint = "only environment = \"custom\" has a host of its own; leave it out";
            problems.add("klarna.base_url", hint);
            None
        }
        (Environment::Custom, Some(url)) if url.starts_with("https://") => {
            Some(url.trim_end_matches('/').to_owned())
        }
        (Environment::Custom, Some(url)) => {
            problems.add("klarna.base_url", format!("{url:?} does not begin with https://"));
            None
        }
        (Environment::Custom, None) => {
            problems.need("klarna.base_url", None::<String>, "https://localhost:8443")
        }
    }
}

/// Where the key is read from, if it is in a file: systemd's credential first.
fn key_path(file: Option<&Path>, credentials: Option<&Path>) -> Option<PathBuf> {
    let credential = credentials.map(|directory| directory.join(CREDENTIAL));
    credential.filter(|path| path.exists()).or_else(|| file.map(Path::to_owned))
}

/// Where Klarna's API key is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A credential that systemd hands to the service.
    Credential(PathBuf),
    /// The file that `klarna.api_key_file` names.
    File(PathBuf),
    /// The environment variable `KLARNA_TERMINALD__KLARNA__API_KEY`.
    Environment,
}

/// Where the key of this configuration is read from.
pub(super) fn key_source(raw: &RawKlarna, credentials: Option<&Path>) -> KeySource {
    match key_path(raw.api_key_file.as_deref(), credentials) {
        Some(path) if credentials.is_some_and(|directory| path.starts_with(directory)) => {
            KeySource::Credential(path)
        }
        Some(path) => KeySource::File(path),
        None => KeySource::Environment,
    }
}

/// When the file that holds the key was last written.
pub(super) fn key_since(raw: &RawKlarna, credentials: Option<&Path>) -> Option<Wall> {
    let path = key_path(raw.api_key_file.as_deref(), credentials)?;
    let written = std::fs::metadata(path).and_then(|found| found.modified()).ok()?;
    let since = written.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok().map(Wall::from_millis)
}

/// The file that holds the key, if everybody on this machine can read it.
pub(super) fn open_key(raw: &RawKlarna, credentials: Option<&Path>) -> Option<PathBuf> {
    let path = key_path(raw.api_key_file.as_deref(), credentials)?;
    let mode = std::fs::metadata(&path).ok()?.permissions().mode();
    (mode & 0o004 != 0).then_some(path)
}

/// From a file, then from the environment.
fn api_key(
    from_environment: Option<SecretString>,
    file: Option<&Path>,
    credentials: Option<&Path>,
    problems: &mut Problems,
) -> Option<SecretString> {
    let key = match key_path(file, credentials) {
        Some(path) => match std::fs::read_to_string(&path) {
            Ok(key) => SecretString::from(key.trim().to_owned()),
            Err(why) => {
                let path = path.display();
                problems.add("klarna.api_key_file", format!("cannot read {path}: {why}"));
                return None;
            }
        },
        None => match from_environment {
            Some(key) => key,
            None => {
                let hint = "is missing: name a file that holds the key and nothing else";
                problems.add("klarna.api_key_file", hint);
                return None;
            }
        },
    };
    let usable = key.expose_secret().bytes().all(|byte| byte.is_ascii_graphic());
    if key.expose_secret().is_empty() || !usable {
        problems.add("klarna.api_key_file", "the key is empty or has characters no key has");
        return None;
    }
    Some(key)
}

/// A key of one world never meets the hosts of the other (Klarna: API keys,
/// `klarna_<live|test>_api_...`).
fn guard(key: &SecretString, environment: Environment, problems: &mut Problems) {
    let key = key.expose_secret();
    let (live, test) = (key.starts_with("klarna_live_api_"), key.starts_with("klarna_test_api_"));
    let problem = match environment {
        Environment::Live if test => "is a test key, but klarna.environment is \"live\"",
        Environment::Test if live => "is a live key, but klarna.environment is \"test\"",
        Environment::Custom if live => "is a live key; a custom host never gets one",
        Environment::Live | Environment::Test | Environment::Custom if !live && !test => {
            "does not look like klarna_test_api_... or klarna_live_api_..."
        }
        Environment::Live | Environment::Test | Environment::Custom => return,
    };
    problems.add("klarna.api_key", problem);
}

/// Klarna: Integration resilience, naming conventions: upper snake case.
fn check_names(integrator: &str, originators: &[String], problems: &mut Problems) {
    let fits = |name: &str| {
        let allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        (1..=50).contains(&name.len()) && name.bytes().all(allowed)
    };
    let names = originators.iter().map(|name| ("klarna.originators", name.as_str()));
    for (key, name) in [("klarna.integrator", integrator)].into_iter().chain(names) {
        if !fits(name) {
            let rule = "1 to 50 of A-Z, 0-9 and _ (Klarna's naming conventions)";
            problems.add(key, format!("{name:?} must be {rule}"));
        }
    }
    if originators.len() > ORIGINATORS_MAX {
        problems.add("klarna.originators", format!("at most {ORIGINATORS_MAX} are allowed"));
    }
}

fn check_redirect(url: Option<&str>, problems: &mut Problems) {
    let Some(url) = url else { return };
    if !url.starts_with("https://") {
        problems.add("klarna.redirect_url", format!("{url:?} does not begin with https://"));
    }
    if url.contains("payment_confirmation_token") {
        let why = "the shopper's phone must not get the confirmation token; remove the placeholder";
        problems.add("klarna.redirect_url", why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_everybody_can_read_is_seen() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("key");
        std::fs::write(&path, "klarna_test_api_x").expect("written");
        let raw = RawKlarna { api_key_file: Some(path.clone()), ..RawKlarna::default() };
        for (mode, is_open) in [(0o600, false), (0o640, false), (0o644, true), (0o604, true)] {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&path, permissions).expect("set");
            assert_eq!(open_key(&raw, None).is_some(), is_open, "{mode:o}");
        }
        let missing = RawKlarna { api_key_file: Some("/nowhere".into()), ..RawKlarna::default() };
        assert_eq!(open_key(&missing, None), None);
        assert_eq!(open_key(&RawKlarna::default(), None), None);
    }
}
