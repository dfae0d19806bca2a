//! The relay's binary as a process, for tests and benches.

use crate::port::{free_port, listens};
use klarna_terminald::broker::Settings;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A relay; it ends with this.
pub struct Relay {
    process: Child,
    folder: PathBuf,
    /// Where notices come in, on the loopback address.
    pub port: u16,
    operations: u16,
}

// No test or bench needs all of it.
#[allow(dead_code)]
impl Relay {
    /// Starts one whose files are in `folder`; its keys are `signing-keys.json` there.
    pub fn start(folder: &Path, broker: &Settings) -> Self {
        let (port, operations) = (free_port(), free_port());
        let (at, files) = (|name: &str| folder.join(name), &broker.files);
        let config = format!(
            "[relay]\naccount_id = \"krn:partner:global:account:test:SIMULATOR\"\n\
             environment = \"test\"\n\
             [webhook]\nlisten = \"127.0.0.1:{port}\"\nkeys_file = {:?}\ndatabase = {:?}\n\
             operations = \"127.0.0.1:{operations}\"\n\
             [broker]\naddress = \"localhost:{}\"\nca_file = {:?}\ncertificate_file = {:?}\n\
             key_file = {:?}\nreconnect_max_s = 1\n[log]\nfilter = \"warn\"\n",
            at("signing-keys.json"),
            at("notices.sqlite"),
            broker.port,
            files.ca.as_deref().expect("an authority"),
            files.certificate,
            files.key,
        );
        std::fs::write(at("relay.toml"), config).expect("a writable directory");
        let folder = folder.to_owned();
        let relay = Self { process: spawn(&folder), folder, port, operations };
        listens(port, "the relay");
        relay
    }

    /// What Klarna is told.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/klarna/webhooks", self.port)
    }

    /// As a power cut would.
    pub fn kill(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it has ended");
    }

    /// Starts it again with what it has kept.
    pub fn rise(&mut self) {
        self.process = spawn(&self.folder);
        listens(self.port, "the relay");
    }

    /// As its service manager does; it ends well.
    pub fn stop(mut self) {
        kill_process(Pid::from_child(&self.process), Signal::TERM).expect("it runs");
        assert!(self.process.wait().expect("it has ended").success());
    }

    /// All that it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("relay.log")).unwrap_or_default()
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// One figure of its metrics, such as `terminald_relay_published_total`.
    pub fn metric(&self, name: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.operations)).expect("open");
        let ask = b"GET /metrics HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n";
        stream.write_all(ask).expect("it reads");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("it answers");
        let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        found.unwrap_or("none").to_owned()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(folder: &Path) -> Child {
    let log = File::options().create(true).append(true).open(folder.join("relay.log"));
    let log = log.expect("a log");
    Command::new(env!("CARGO_BIN_EXE_klarna-terminald"))
        .args(["relay", "--config"])
        .arg(folder.join("relay.toml"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a second handle"))
        .stderr(log)
        .spawn()
        .expect("the program starts")
}
