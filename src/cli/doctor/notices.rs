//! Where Klarna's notices come in at this terminal: their signing keys, the certificate and the
//! addresses. No notice is sent.

use super::certificate::Leaf;
use super::configuration::private;
use super::finding::Finding;
use super::{Subject, port};
use crate::acquirer::klarna::webhook::SigningKeys;
use crate::clock::SystemClock;
use crate::relay::CertificateFiles;
use std::path::Path;

const KEYS: &str = "signing keys";
const DOOR: &str = "notices";
const CERTIFICATE: &str = "notices' TLS";
const OPERATIONS: &str = "operations";

/// All of it; nothing without `[webhook]`.
pub(super) fn check(subject: &Subject) -> Vec<Finding> {
    let webhook = subject.accepted().and_then(|config| config.webhook.as_ref());
    let Some(settings) = webhook else { return Vec::new() };
    let mut found = vec![keys(&settings.keys)];
    found.extend(settings.certificate.as_ref().map(certificate));
    found.push(port::check(DOOR, "webhook.listen", settings.listen, subject.daemon));
    if let Some(listen) = settings.operations {
        found.push(port::check(OPERATIONS, "webhook.operations", listen, subject.daemon));
    }
    found
}

fn keys(path: &Path) -> Finding {
    let shown = path.display();
    let made = "klarna-terminald provision signing-keys create (docs/fleet.md); until then every \
                notice is refused and Klarna is read";
    if !path.exists() {
        return Finding::fail(KEYS, format!("{shown} is not there"), made);
    }
    let mode = match private(path) {
        Ok(mode) => mode,
        Err(wrong) => return wrong.failure(KEYS),
    };
    match SigningKeys::load(path).map(|keys| keys.iter().count()) {
        Ok(0) => Finding::fail(KEYS, format!("there is none in {shown}"), made),
        Ok(count) => Finding::ok(KEYS, format!("{count} in {shown} (mode {mode:04o})")),
        Err(error) => Finding::fail(KEYS, error.to_string(), made),
    }
}

fn certificate(files: &CertificateFiles) -> Finding {
    if let Err(wrong) = private(&files.key) {
        return wrong.failure(CERTIFICATE);
    }
    let remedy = "renew it and restart the terminal: Klarna calls nobody without a valid one";
    match Leaf::first(&files.chain) {
        Ok(leaf) => {
            let found = files.chain.display().to_string();
            leaf.dated(CERTIFICATE, &found, SystemClock::start().now().wall, remedy)
        }
        Err(why) => Finding::fail(CERTIFICATE, why, remedy),
    }
}
