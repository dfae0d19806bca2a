//! The fleet's side of a terminal: the broker that brings hints and orders, the certificate that
//! the terminal shows there, and what is kept of orders. Nothing is published, and the daemon's own
//! line stays as it is.

use super::Subject;
use super::certificate::Leaf;
use super::configuration::private;
use super::device::may;
use super::finding::Finding;
use super::network::{connected, resolved};
use super::shake::{Broken, Shaken, shaken};
use crate::broker::{self, Files, Settings, TlsError};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::fleet;
use rustix::fs::Access;
use std::path::Path;

const AUTHORITY: &str = "broker CA";
const CERTIFICATE: &str = "certificate";
const KEY: &str = "broker key";
const LINE: &str = "broker";
const KEYS: &str = "fleet keys";
const STATE: &str = "fleet state";

/// All of it; nothing without `[push]`.
pub(super) fn check(subject: &Subject) -> Vec<Finding> {
    // What a program without a line would not need is not in it.
    if !cfg!(feature = "push") {
        return Vec::new();
    }
    let Some(config) = subject.accepted() else { return Vec::new() };
    let Some(push) = &config.push else { return Vec::new() };
    let files = &push.broker.files;
    let mut found = vec![authority(files), certificate(files, config), key(files)];
    found.push(match found.iter().any(Finding::is_failure) {
        true => Finding::skip(LINE, "not asked", "correct the files in [push] first"),
        false => line(&push.broker),
    });
    if let Some(orders) = &push.orders {
        let names: Vec<String> = orders.keys.iter().map(|key| key.name().to_string()).collect();
        found.push(Finding::ok(KEYS, format!("orders signed by {} count", names.join(", "))));
        found.push(state(&config.store_path));
    }
    found
}

fn authority(files: &Files) -> Finding {
    let Some(path) = &files.ca else {
        return Finding::ok(AUTHORITY, "none named: the public authorities count");
    };
    match Leaf::longest(path) {
        Ok(leaf) => {
            let remedy = "make a new authority in time; docs/fleet.md says how to change it";
            let now = SystemClock::start().now().wall;
            leaf.dated(AUTHORITY, &path.display().to_string(), now, remedy)
        }
        Err(why) => Finding::fail(AUTHORITY, why, "put the authority's certificate (ca.pem) there"),
    }
}

/// The terminal's own; the broker tells terminals apart by its common name.
fn certificate(files: &Files, config: &Config) -> Finding {
    let path = &files.certificate;
    let Some(address) = &config.address else {
        return Finding::skip(CERTIFICATE, "no name is known", "correct [terminal]");
    };
    let wanted = format!("{}/{}", address.store(), address.terminal());
    let another = format!("have one issued: certificates FOLDER device {wanted}");
    let leaf = match Leaf::first(path) {
        Ok(leaf) => leaf,
        Err(why) => return Finding::fail(CERTIFICATE, why, another),
    };
    let shown = path.display();
    match &leaf.name {
        Some(name) if *name == wanted => {
            let remedy = format!("{another}; the new file counts without a restart");
            let now = SystemClock::start().now().wall;
            leaf.dated(CERTIFICATE, &format!("{shown} is of {name}"), now, &remedy)
        }
        Some(name) => {
            let found = format!("{shown} is of {name:?}, this terminal is {wanted:?}");
            Finding::fail(CERTIFICATE, found, another)
        }
        None => {
            let found = format!("{shown} says no common name, this terminal is {wanted:?}");
            Finding::fail(CERTIFICATE, found, another)
        }
    }
}

fn key(files: &Files) -> Finding {
    let shown = files.key.display();
    let mode = match private(&files.key) {
        Ok(mode) => mode,
        Err(wrong) => return wrong.failure(KEY),
    };
    let fits = format!("{shown} (mode {mode:04o}) belongs to the certificate");
    match broker::check(files) {
        Ok(()) => Finding::ok(KEY, fits),
        // The other files have lines of their own.
        Err(TlsError::File { path, why }) if path == files.key => {
            Finding::fail(KEY, format!("{shown}: {why}"), "put the private key (PEM) there")
        }
        Err(TlsError::File { .. }) => {
            Finding::skip(KEY, format!("{shown} (mode {mode:04o})"), "see the lines above")
        }
        Err(error @ TlsError::Unusable(_)) => {
            let remedy = "certificate and key are made together: put both there";
            Finding::fail(KEY, error.to_string(), remedy)
        }
    }
}

/// Name, connection, handshake, and whether the broker accepts the certificate.
fn line(settings: &Settings) -> Finding {
    let (host, port) = (settings.host.as_str(), settings.port);
    let addresses = match resolved(host, port) {
        Ok((addresses, _)) => addresses,
        Err(why) => {
            let remedy = "look at push.broker and /etc/resolv.conf; until then Klarna is read";
            return Finding::warn(LINE, format!("{host} has no address: {why}"), remedy);
        }
    };
    let (stream, address) = match connected(&addresses) {
        Ok((stream, address, _)) => (stream, address),
        Err(why) => {
            let remedy = format!(
                "let the firewall pass TCP {port}, or look whether the broker runs; until then \
                 Klarna is read"
            );
            return Finding::warn(LINE, why, remedy);
        }
    };
    let tls = match broker::tls_config(&settings.files) {
        Ok(tls) => tls,
        Err(error) => return Finding::fail(LINE, error.to_string(), "see the lines above"),
    };
    let shaken = shaken(stream, host, tls);
    let spoken = shaken.and_then(|shaken| {
        let Shaken { version, took, .. } = &shaken;
        let told = format!("{version} with {host} ({address}) in {} ms", took.as_millis());
        shaken.goodbye().map(|()| format!("{told}, the certificate is shown"))
    });
    match spoken {
        Ok(told) => Finding::ok(LINE, told),
        Err(broken) => unshaken(host, &broken),
    }
}

fn unshaken(host: &str, broken: &Broken) -> Finding {
    use rustls::CertificateError as E;
    let (found, remedy) = match broken {
        Broken::Certificate(E::UnknownIssuer | E::BadSignature) => (
            format!("the certificate of {host} was issued by nobody that is trusted"),
            "name the authority of the broker in push.ca_file",
        ),
        Broken::Certificate(E::NotValidForName | E::NotValidForNameContext { .. }) => (
            format!("whoever answers for {host} has a certificate of another host"),
            "write push.broker as the broker's certificate says it, or have that issued anew",
        ),
        Broken::Certificate(why) => (
            format!("the certificate of {host} is not accepted: {why}"),
            "look at the clock; if that is right, have the broker's certificate renewed",
        ),
        Broken::NoTls => (
            format!("what answers for {host} speaks no TLS"),
            "look at the port in push.broker: MQTT over TLS has 8883",
        ),
        Broken::Refused(alert) => (
            format!("{host} refuses this terminal's certificate ({alert:?})"),
            "have it issued by the authority that the broker knows, and look whether it is revoked",
        ),
        Broken::Other(why) => (
            format!("the handshake with {host} failed: {why}"),
            "look at the broker's log, and whether a firewall or proxy is in between",
        ),
    };
    Finding::fail(LINE, found, remedy)
}

/// What is kept of orders: read as the daemon does, and replaced as a whole in its directory.
fn state(store: &Path) -> Finding {
    let path = fleet::state_beside(store);
    let shown = path.display();
    let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
    let is_writable = may(directory.unwrap_or(Path::new(".")), Access::WRITE_OK | Access::EXEC_OK);
    match fleet::look(store) {
        Err(error) => {
            let remedy = format!(
                "let the service's user read it; if damaged, stop the daemon, remove {shown}"
            );
            Finding::fail(STATE, error.to_string(), remedy)
        }
        Ok(_) if !is_writable => {
            let remedy = "see the line about storage; no order is carried out that is not kept";
            Finding::fail(STATE, format!("{shown} cannot be replaced"), remedy)
        }
        Ok(_) if !path.exists() => Finding::ok(STATE, "no order was accepted yet"),
        Ok(_) => Finding::ok(STATE, format!("{shown} is understood and can be replaced")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{AlertDescription, CertificateError as E};

    #[test]
    fn each_way_that_a_handshake_fails_has_its_own_remedy() {
        for (broken, word) in [
            (Broken::Certificate(E::UnknownIssuer), "push.ca_file"),
            (Broken::Certificate(E::NotValidForName), "push.broker"),
            (Broken::Certificate(E::Expired), "the clock"),
            (Broken::NoTls, "8883"),
            (Broken::Refused(AlertDescription::UnknownCA), "UnknownCA"),
            (Broken::Other("cut".to_owned()), "log"),
        ] {
            let text = unshaken("broker.example", &broken).text(false);
            let is_told = text.contains(word) && text.contains("broker.example");
            assert!(text.starts_with("FAIL") && is_told, "{word}: {text}");
        }
    }
}
