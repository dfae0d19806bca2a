//! The diagnosis of what a terminal has to do with a fleet: certificates of an authority made here,
//! and in the broker's place whoever shakes hands over TLS and asks for a certificate.

use super::{diagnosed, failing, found, prepared, says, set_mode};
use crate::terminal::{Terminal, Wire, loopback};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use serde_json::Value;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

/// As `fleet key` prints one.
const FLEET_KEY: &str = "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";
/// Years that nobody is in.
const LONG_AGO: (i32, i32) = (2001, 2002);
const FOR_LONG: (i32, i32) = (2001, 2097);

/// Issues certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_after = rcgen::date_time_ymd(FOR_LONG.1, 1, 1);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("an authority"))
    }

    /// Certificate and key, PEM.
    fn issue(&self, name: &str, hosts: &[&str], (from, until): (i32, i32)) -> (String, String) {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts).expect("names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let made = params.signed_by(&key, &self.0).expect("a certificate");
        (made.pem(), key.serialize_pem())
    }

    /// Listens for those who have a certificate of this authority; the port.
    fn broker(&self) -> u16 {
        let (certificate, key) = self.issue("broker", &["localhost"], FOR_LONG);
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let theirs = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
        let chain = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM");
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("PEM");
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_client_cert_verifier(theirs.build().expect("a verifier"))
            .with_single_cert(vec![chain], key)
            .expect("a server");
        let (listener, config) = (TcpListener::bind("127.0.0.1:0"), Arc::new(config));
        let listener = listener.expect("an address");
        let port = listener.local_addr().expect("its number").port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let mut connection = ServerConnection::new(config.clone()).expect("a server");
                // Whoever is refused is told so, and has gone by then.
                let mut heard = Vec::new();
                let _ = rustls::Stream::new(&mut connection, &mut stream).read_to_end(&mut heard);
            }
        });
        port
    }
}

/// A terminal with a line to a broker, and what it is diagnosed with.
struct Desk {
    terminal: Terminal,
    config: PathBuf,
    authority: Authority,
    port: u16,
}

impl Desk {
    async fn new() -> Self {
        let (terminal, config) = prepared(Wire::Tcp, &[]).await;
        let authority = Authority::new("Test Fleet");
        let port = authority.broker();
        let mut desk = Self { terminal, config, authority, port };
        desk.write("ca.fleet.pem", &desk.authority.0.pem());
        desk.device("S12/T3", FOR_LONG);
        let ca = format!("{:?}", desk.terminal.path("ca.fleet.pem"));
        let certificate = format!("{:?}", desk.terminal.path("device.pem"));
        let key = format!("{:?}", desk.terminal.path("device.key"));
        desk.terminal.configure(&[
            ("push.ca_file", &ca),
            ("push.certificate_file", &certificate),
            ("push.key_file", &key),
            ("push.fleet_keys", &format!("[{FLEET_KEY:?}]")),
        ]);
        desk.broker(&format!("localhost:{port}"));
        desk
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.terminal.path(name), text).expect("written");
        set_mode(&self.terminal.path(name), 0o600);
    }

    fn device(&self, name: &str, years: (i32, i32)) {
        let (certificate, key) = self.authority.issue(name, &[], years);
        self.write("device.pem", &certificate);
        self.write("device.key", &key);
    }

    fn broker(&mut self, address: &str) {
        self.terminal.configure(&[("push.broker", &format!("{address:?}"))]);
    }

    /// Only `names` have failed, and the first of them says so; what was found of all.
    fn fails(&self, names: &[&str], words: &[&str]) -> Vec<Value> {
        let (code, checks) = diagnosed(&self.config, &[]);
        assert_eq!((code, failing(&checks)), (Some(1), names.to_vec()), "{checks:#?}");
        says(&checks, names[0], &[&["fail: "], words].concat());
        checks
    }

    /// Nothing has failed; under `name` it warns.
    fn warns(&self, name: &str, words: &[&str]) {
        let (_, checks) = diagnosed(&self.config, &[]);
        assert_eq!(failing(&checks), [""; 0], "{checks:#?}");
        says(&checks, name, &[&["warn: "], words].concat());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_that_fits_its_fleet_is_told_so() {
    let desk = Desk::new().await;
    let (_, checks) = diagnosed(&desk.config, &[]);
    assert_eq!(failing(&checks), [""; 0], "{checks:#?}");
    says(&checks, "broker CA", &["ok: ", "ca.fleet.pem, until 2097-01-01"]);
    says(&checks, "certificate", &["ok: ", "is of S12/T3, until 2097-01-01"]);
    says(&checks, "broker key", &["ok: ", "(mode 0600) belongs to the certificate"]);
    says(&checks, "broker", &["ok: TLSv1_3 with localhost"]);
    says(&checks, "fleet keys", &["ok: orders signed by "]);
    says(&checks, "fleet state", &["ok: no order was accepted yet"]);
    assert_eq!(found(&checks, "signing keys"), "", "there is no [webhook]");
    assert_eq!(found(&checks, "metrics"), "", "there is no metrics.listen");
    let state = r#"{"v":1,"serials":{},"overlay":null,"staged":null,"trial":null,"report":null,"#;
    desk.write("fleet.json", &format!("{state}\"is_noted\":true}}"));
    let (_, checks) = diagnosed(&desk.config, &[]);
    says(&checks, "fleet state", &["ok: ", "fleet.json is understood"]);
    desk.write("fleet.json", "nonsense");
    desk.fails(&["fleet state"], &["fleet.json cannot be understood", "stop the daemon, remove"]);
    assert_eq!(std::fs::read(desk.terminal.path("fleet.json")).expect("kept"), b"nonsense");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_and_keys_that_cannot_be_used_are_failures() {
    let desk = Desk::new().await;
    desk.device("S12/T4", FOR_LONG);
    let checks = desk.fails(&["certificate"], &["\"S12/T4\", this terminal is \"S12/T3\""]);
    says(&checks, "certificate", &["certificates FOLDER device S12/T3"]);
    says(&checks, "broker", &["skip: not asked"]);
    desk.device("S12/T3", LONG_AGO);
    desk.fails(&["certificate"], &["expired on 2002-01-01", "counts without a restart"]);
    desk.device("S12/T3", (2096, 2097));
    desk.fails(&["certificate"], &["not valid before 2096-01-01"]);
    desk.device("S12/T3", FOR_LONG);
    set_mode(&desk.terminal.path("device.key"), 0o644);
    desk.fails(&["broker key"], &["every user of this machine", "mode 0644", "chmod 600"]);
    let (_, another) = desk.authority.issue("S12/T3", &[], FOR_LONG);
    desk.write("device.key", &another);
    let checks = desk.fails(&["broker key"], &["cannot be used", "made together"]);
    assert!(!format!("{checks:?}").contains("PRIVATE KEY"), "{checks:#?}");
    desk.write("device.key", "nothing");
    desk.fails(&["broker key"], &["device.key", "put the private key (PEM) there"]);
    desk.device("S12/T3", FOR_LONG);
    desk.write("device.pem", "nothing");
    desk.fails(&["certificate"], &["device.pem: there is no certificate in it"]);
    std::fs::remove_file(desk.terminal.path("device.pem")).expect("removed");
    std::fs::remove_file(desk.terminal.path("ca.fleet.pem")).expect("removed");
    let checks = desk.fails(&["broker CA", "certificate"], &["ca.fleet.pem: ", "(ca.pem) there"]);
    says(&checks, "broker key", &["skip: ", "see the lines above"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_is_asked_step_by_step() {
    let mut desk = Desk::new().await;
    desk.broker("no-such-host.invalid");
    desk.warns("broker", &["no-such-host.invalid has no address", "until then Klarna is read"]);
    let unused = TcpListener::bind("127.0.0.1:0").expect("an address");
    let port = unused.local_addr().expect("its number").port();
    drop(unused);
    desk.broker(&format!("localhost:{port}"));
    desk.warns("broker", &["no connection to ", &format!("TCP {port}")]);
    desk.broker(&format!("127.0.0.1:{}", desk.port));
    desk.fails(&["broker"], &["127.0.0.1 has a certificate of another host", "push.broker"]);
    desk.broker(&format!("localhost:{}", desk.port));
    let stranger = Authority::new("Another Fleet");
    desk.write("ca.fleet.pem", &stranger.0.pem());
    desk.fails(&["broker"], &["issued by nobody that is trusted", "push.ca_file"]);
    desk.write("ca.fleet.pem", &desk.authority.0.pem());
    let (certificate, key) = stranger.issue("S12/T3", &[], FOR_LONG);
    desk.write("device.pem", &certificate);
    desk.write("device.key", &key);
    desk.fails(&["broker"], &["localhost refuses this terminal's certificate"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_others_ask_and_tell_is_looked_at() {
    let (mut terminal, config) = prepared(Wire::Tcp, &[]).await;
    let other = TcpListener::bind("127.0.0.1:0").expect("an address");
    let taken = format!("\"{}\"", other.local_addr().expect("its number"));
    let free = format!("{:?}", loopback());
    terminal.configure(&[("metrics.listen", &free)]);
    let (_, checks) = diagnosed(&config, &[]);
    says(&checks, "metrics", &["ok: TCP ", "is free for the daemon"]);
    terminal.configure(&[("metrics.listen", &taken)]);
    let (_, checks) = diagnosed(&config, &[]);
    assert_eq!(failing(&checks), ["metrics"], "{checks:#?}");
    says(&checks, "metrics", &["in use by another program", "or change metrics.listen"]);
    terminal.configure(&[("metrics.listen", "\"0.0.0.0:9465\"")]);
    says(&diagnosed(&config, &[]).1, "metrics", &["warn: whoever reaches 0.0.0.0:9465"]);
    terminal.configure(&[("metrics.listen", &free)]);
    terminal.switch_on().await;
    says(&diagnosed(&config, &[]).1, "metrics", &["ok: ", "the running daemon listens there"]);
    terminal.finish().await;
}

#[cfg(feature = "relay")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_keys_are_there_and_nobody_elses() {
    let (mut terminal, config) = prepared(Wire::Tcp, &[]).await;
    let (free, keys) = (format!("{:?}", loopback()), terminal.path("signing-keys.json"));
    terminal.configure(&[("webhook.listen", &free)]);
    let fails = |words: &[&str]| {
        let (_, checks) = diagnosed(&config, &[]);
        assert_eq!(failing(&checks), ["signing keys"], "{checks:#?}");
        says(&checks, "signing keys", words);
        says(&checks, "notices", &["ok: TCP ", "is free for the daemon"]);
        assert!(!format!("{checks:?}").contains("5ecret"), "{checks:#?}");
    };
    let write = |text: &str, mode: u32| {
        std::fs::write(&keys, text).expect("written");
        set_mode(&keys, mode);
    };
    let good = r#"{"keys":[{"signing_key_id":"key-1","signing_key":"5ecret"}]}"#;
    fails(&["signing-keys.json is not there", "provision signing-keys create"]);
    write(r#"{"keys":[]}"#, 0o600);
    fails(&["there is none in "]);
    write("5ecret", 0o600);
    fails(&["signing-keys.json", "line 1"]);
    write(good, 0o644);
    fails(&["every user of this machine", "chmod 600"]);
    write(good, 0o600);
    let (_, checks) = diagnosed(&config, &[]);
    says(&checks, "signing keys", &["ok: 1 in ", "(mode 0600)"]);
}
