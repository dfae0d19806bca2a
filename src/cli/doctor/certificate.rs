//! Certificates in a file: whose they are, and whether their time has come or is about to end.
//!
//! It does not judge who has issued it: that is for whoever is shown it.

use super::finding::Finding;
use crate::clock::Wall;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::path::Path;
use std::time::Duration;
use x509_cert::der::Decode as _;
use x509_cert::time::Time;

/// With less of its time left, somebody should have it renewed.
const LEFT_GOOD: Duration = Duration::from_secs(30 * 86_400);

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    /// The first common name of its subject, if it has one that can be read.
    pub(super) name: Option<String>,
    from: Wall,
    until: Wall,
}

impl Leaf {
    /// The first one of the chain in the PEM file at `path`.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    pub(super) fn first(path: &Path) -> Result<Self, String> {
        let all = Self::all(path)?;
        Ok(all.into_iter().next().expect("there is at least one"))
    }

    /// The one of those in the PEM file at `path` that lasts longest: an old authority and a new
    /// one stand side by side for a while.
    ///
    /// # Errors
    /// Why they cannot be read, in words.
    pub(super) fn longest(path: &Path) -> Result<Self, String> {
        let all = Self::all(path)?;
        Ok(all.into_iter().max_by_key(|leaf| leaf.until).expect("there is at least one"))
    }

    fn all(path: &Path) -> Result<Vec<Self>, String> {
        let wrong = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
        let chain: Vec<CertificateDer<'_>> = chain.map_err(|error| wrong(&error))?;
        if chain.is_empty() {
            return Err(wrong(&"there is no certificate in it (PEM)"));
        }
        let all: Option<Vec<Self>> = chain.iter().map(Self::of).collect();
        all.ok_or_else(|| wrong(&"is no X.509 certificate"))
    }

    fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
        let said = certificate.tbs_certificate();
        let wall = |time: &Time| {
            let since = time.to_unix_duration().as_millis();
            Wall::from_millis(i64::try_from(since).unwrap_or(i64::MAX))
        };
        let name = said.subject().common_name().ok().flatten().map(String::from);
        let validity = said.validity();
        Some(Self { name, from: wall(&validity.not_before), until: wall(&validity.not_after) })
    }

    /// Whether it is valid at `now`, and for long enough. `found` is said before that; `remedy` is
    /// how to have another one.
    pub(super) fn dated(
        &self,
        name: &'static str,
        found: &str,
        now: Wall,
        remedy: &str,
    ) -> Finding {
        if !now.is_plausible() {
            let remedy = "set the clock, and look again";
            return Finding::skip(name, format!("{found}: by this clock nothing is dated"), remedy);
        }
        let date = |at: Wall| at.iso8601().chars().take(10).collect::<String>();
        let (from, until) = (date(self.from), date(self.until));
        match self.until.since(now) {
            None => Finding::fail(name, format!("{found}, expired on {until}"), remedy),
            Some(_) if self.from > now => {
                let remedy = "set the clock if it is behind; else wait, or have another one issued";
                Finding::fail(name, format!("{found}, not valid before {from}"), remedy)
            }
            Some(left) => {
                let days = left.as_secs() / 86_400;
                let found = format!("{found}, until {until} ({days} days)");
                match left < LEFT_GOOD {
                    true => Finding::warn(name, found, remedy),
                    false => Finding::ok(name, found),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_not_yet_good_good_about_to_expire_or_expired() {
        let days = |days: u64| Wall::SET_FROM.after(Duration::from_secs(days * 86_400));
        let leaf = Leaf { name: None, from: days(10), until: days(100) };
        let said = |at| leaf.dated("certificate", "x.pem", at, "renew it").text(false);
        assert!(said(days(9)).contains("not valid before 2025-01-11"), "{}", said(days(9)));
        assert!(said(days(9)).starts_with("FAIL"));
        assert!(said(days(70)).starts_with("ok") && said(days(70)).contains("(30 days)"));
        let soon = said(days(71));
        assert!(soon.starts_with("warn") && soon.contains("2025-04-11 (29 days)"), "{soon}");
        assert!(said(days(100)).starts_with("warn"), "{}", said(days(100)));
        let over = said(days(101));
        assert!(over.starts_with("FAIL") && over.contains("expired on 2025-04-11"), "{over}");
        assert!(over.contains("renew it"));
        assert!(said(Wall::from_millis(0)).starts_with("skip"));
    }

    fn made(name: &str, until: i32) -> String {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.not_before = rcgen::date_time_ymd(2026, 1, 2);
        params.not_after = rcgen::date_time_ymd(until, 3, 4);
        params.self_signed(&key).expect("a certificate").pem()
    }

    #[test]
    fn whose_it_is_stands_in_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("device.pem");
        let wrong = || Leaf::first(&path).expect_err("no certificate");
        assert!(wrong().contains("device.pem: "));
        std::fs::write(&path, "nothing").expect("written");
        assert!(wrong().contains("there is no certificate in it"));
        let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        std::fs::write(&path, pem).expect("written");
        assert!(wrong().contains("is no X.509 certificate"));
        let pem = made("S12/T3", 2027) + &made("Old", 2026) + &made("New", 2036);
        std::fs::write(&path, pem).expect("written");
        let leaf = Leaf::first(&path).expect("a certificate");
        assert_eq!(leaf.name.as_deref(), Some("S12/T3"));
        assert_eq!(leaf.from.iso8601(), "2026-01-02T00:00:00.000Z");
        assert_eq!(leaf.until.iso8601(), "2027-03-04T00:00:00.000Z");
        let lasts = Leaf::longest(&path).expect("certificates");
        assert_eq!(lasts.name.as_deref(), Some("New"));
    }
}
