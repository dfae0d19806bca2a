//! A real broker for tests: Debian's mosquitto on a loopback port, with the configuration and the
//! access rules of `firmware-config/broker` where they belong, and certificates of its own.

use crate::port::{free_port, listens};
use klarna_terminald::broker::{Files, Settings};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Only something that is stuck takes this long to end.
const END: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);
/// What /etc/mosquitto/mosquitto.conf of Debian says, with `HERE` for its folders.
const DEBIAN: &str = "pid_file HERE/mosquitto.pid\n\npersistence true\n\
    persistence_location HERE/\n\nlog_dest file HERE/log\n\ninclude_dir HERE/conf.d\n";

pub struct Mosquitto {
    folder: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
    port: u16,
    process: Option<Child>,
}

// Benches do not need all of it.
#[allow(dead_code)]
impl Mosquitto {
    pub fn start(account: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Test Fleet");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority");
        let mut broker = Self { folder, issuer, port: free_port(), process: None };
        broker.write("ca.pem", &broker.issuer.pem());
        broker.write("ca.key", &broker.issuer.key().serialize_pem());
        broker.certificates(&["crl"]);
        broker.certificate("broker", &["localhost"], ExtendedKeyUsagePurpose::ServerAuth);
        broker.configure(account);
        broker.rise();
        broker
    }

    /// The shipped files, with this broker's port and folder, beside what Debian ships.
    fn configure(&self, account: &str) {
        let read = |name: &str| fs::read_to_string(shipped(name)).expect("it is shipped");
        let here = self.folder.path().display().to_string();
        fs::create_dir(self.file("conf.d")).expect("a folder");
        // Whoever starts it may write here, and mosquitto's own user may not.
        self.write("mosquitto.conf", &format!("user root\n{}", DEBIAN.replace("HERE", &here)));
        let listener = format!("listener {} 127.0.0.1\n", self.port);
        let text = read("mosquitto.conf")
            .replace("listener 8883\n", &listener)
            .replace("/etc/mosquitto/klarna/", &format!("{here}/"));
        self.write("conf.d/klarna.conf", &text);
        let acl = read("acl").replace("ACCOUNT", account);
        let (_, operator) = acl.split_once("user operator\n").expect("an operator");
        let second = format!("\nuser operator-2\n{operator}");
        self.write("acl", &format!("{acl}{second}"));
    }

    /// Runs the shipped program for the certificates in this broker's folder.
    pub fn certificates(&self, arguments: &[&str]) {
        let said = Command::new(shipped("certificates"))
            .arg(self.folder.path())
            .args(arguments)
            .output()
            .expect("bash is installed");
        assert!(said.status.success(), "{arguments:?}: {said:?}");
    }

    /// Tells it to read its access rules and revoked certificates again, and waits until it has.
    pub fn reload(&self) {
        let read = |log: String| log.matches("Reloading config").count();
        let before = read(self.log());
        self.signal(Signal::HUP);
        let until = Instant::now() + END;
        while read(self.log()) == before {
            assert!(Instant::now() < until, "mosquitto does not read its files again");
            std::thread::sleep(LOOK);
        }
    }

    /// Starts it, also again with what it has kept.
    pub fn rise(&mut self) {
        let log = fs::File::options().create(true).append(true).open(self.file("log"));
        let log = log.expect("a log");
        let program = "/usr/sbin/mosquitto";
        let process = Command::new(program)
            .args(["-v", "-c"])
            .arg(self.file("mosquitto.conf"))
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .stdin(Stdio::null())
            .spawn();
        self.process = Some(process.expect("mosquitto is installed (.ci/broker does it)"));
        listens(self.port, "mosquitto");
    }

    /// As a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("it runs");
            process.wait().expect("it has ended");
        }
    }

    /// As its service manager would; it keeps its sessions.
    pub fn stop(&mut self) {
        self.process.take().into_iter().for_each(end);
    }

    /// It stands still, and its connections stay open.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// It goes on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let process = self.process.as_ref().expect("it runs");
        kill_process(Pid::from_child(process), signal).expect("it runs");
    }

    /// Changes its access rules while it runs.
    pub fn replace_rule(&self, before: &str, after: &str) {
        let rules = fs::read_to_string(self.file("acl")).expect("it is there");
        assert!(rules.contains(before), "there is no {before}");
        self.write("acl", &rules.replace(before, after));
        self.reload();
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.file("log")).unwrap_or_default()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// How `name` connects, with a certificate that says so.
    ///
    /// The broker goes by the certificate and not by the id.
    pub fn settings(&self, name: &str, client_id: &str) -> Settings {
        let file = name.replace('/', "-");
        self.certificate(name, &[], ExtendedKeyUsagePurpose::ClientAuth);
        Settings {
            host: "localhost".to_owned(),
            port: self.port,
            client_id: client_id.to_owned(),
            files: Files {
                ca: Some(self.file("ca.pem")),
                certificate: self.file(&format!("{file}.pem")),
                key: self.file(&format!("{file}.key")),
            },
            reconnect_max: Duration::from_millis(200),
            session: Duration::from_secs(3600),
        }
    }

    fn certificate(&self, name: &str, hosts: &[&str], purpose: ExtendedKeyUsagePurpose) {
        let key = KeyPair::generate().expect("a key");
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts).expect("names");
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![purpose];
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        let file = name.replace('/', "-");
        self.write(&format!("{file}.pem"), &certificate.pem());
        self.write(&format!("{file}.key"), &key.serialize_pem());
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.file(name), text).expect("written");
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("firmware-config/broker").join(name)
}

/// Ends a mosquitto as its service manager would. It may forget a signal that comes while it
/// starts, so it is told until it has ended.
pub fn end(mut process: Child) {
    let until = Instant::now() + END;
    while process.try_wait().expect("our own child").is_none() {
        assert!(Instant::now() < until, "mosquitto does not end");
        kill_process(Pid::from_child(&process), Signal::TERM).expect("it is not waited for yet");
        std::thread::sleep(LOOK);
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.kill();
    }
}
