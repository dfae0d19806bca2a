//! The relay's binary as a process, for benches.

use klarna_terminald::broker::Settings;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Only something that is stuck takes this long to start.
const START: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);

/// A relay; it ends with this.
pub struct Relay {
    process: Child,
    /// Where notices come in, on the loopback address.
    pub port: u16,
    operations: u16,
}

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
        let log = std::fs::File::create(at("relay.log")).expect("a writable directory");
        let process = Command::new(env!("CARGO_BIN_EXE_klarna-terminald"))
            .args(["relay", "--config"])
            .arg(at("relay.toml"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let relay = Self { process, port, operations };
        listens(port, "the relay");
        relay
    }

    /// Its process.
    #[allow(dead_code)]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// One figure of its metrics, such as `terminald_relay_published_total`.
    #[allow(dead_code)]
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

/// Waits until somebody listens at `port`.
pub fn listens(port: u16, who: &str) {
    let until = Instant::now() + START;
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(Instant::now() < until, "{who} does not listen");
        std::thread::sleep(LOOK);
    }
}

/// A port of the loopback address that nobody has.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}
