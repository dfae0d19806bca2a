//! What a terminal costs the machine it runs on: how long a start takes until systemd is told that it
//! is ready, memory, and bytes written to the card for each payment and each idle hour.
//!
//! `cargo bench --bench device` prints the figures that `docs/device.md` quotes. `PROGRAM` names
//! another build of the daemon, such as the firmware's, and `RUNNER` a command before it, such as an
//! emulator. `IDLE_S` is how long it is left alone.

#[path = "../tests/broker/port.rs"]
mod port;
#[path = "common/terminal.rs"]
mod terminal;
#[path = "common/till_line.rs"]
mod till_line;
#[path = "common/years.rs"]
mod years;

use klarna_terminald::simulator::{Options, ShopperAction, Simulator};
use klarna_terminald::store::Store;
use port::free_port;
use serde_json::json;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use till_line::TillLine;

/// Rows of the journal of a terminal that is years old.
const ROWS: u32 = 100_000;
/// Starts of which the median counts, turn by turn with an empty journal and a full one.
const STARTS: usize = 9;
/// Payments of which memory and writing are measured, after as many that warm it up.
const PAYMENTS: u32 = 100;
/// Seconds without a payment, unless `IDLE_S` says otherwise.
const IDLE_S: u64 = 60;
/// Only something that is stuck takes this long.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let options = Options {
        management_per_second: 100_000,
        captures_per_second: 100_000,
        ..Options::default()
    };
    let simulator = runtime.block_on(Simulator::start(options)).expect("simulator");
    let (empty, full) = (Machine::new(&simulator), Machine::new(&simulator));
    drop(Store::open(&full.database()).expect("a new store"));
    years::fill(&full.database(), ROWS);

    let mut starts: [Vec<Duration>; 2] = Default::default();
    for _ in 0..STARTS {
        for (machine, times) in [&empty, &full].into_iter().zip(&mut starts) {
            let (daemon, time) = machine.start();
            daemon.stop();
            times.push(time);
        }
    }
    println!("from the process to READY, median of {STARTS} starts");
    for (name, times) in ["an empty journal", "100 000 rows"].iter().zip(&mut starts) {
        times.sort();
        println!("  {name:<24} {:>8.1} ms", times[STARTS / 2].as_secs_f64() * 1e3);
    }
    running(&full, &simulator);
}

/// Memory and writing of one daemon.
fn running(machine: &Machine, simulator: &Simulator) {
    let (daemon, _) = machine.start();
    let mut till = Till::connect(machine.port);
    let begun = daemon.memory();
    (0..PAYMENTS).for_each(|_| till.sell(simulator));
    let before = daemon.written();
    (0..PAYMENTS).for_each(|_| till.sell(simulator));
    let each = (daemon.written() - before) / u64::from(PAYMENTS);
    let after = daemon.memory();
    println!("\nmemory                     all      private");
    println!("  after the start     {:>6.1} MB  {:>6.1} MB", begun.0, begun.1);
    println!("  after {} payments  {:>6.1} MB  {:>6.1} MB", 2 * PAYMENTS, after.0, after.1);
    println!("\nwritten for a payment      {:>8.1} kB", each as f64 / 1e3);

    let seconds = std::env::var("IDLE_S").ok().and_then(|s| s.parse().ok()).unwrap_or(IDLE_S);
    let before = daemon.written();
    std::thread::sleep(Duration::from_secs(seconds));
    let idle = (daemon.written() - before) * 3600 / seconds;
    println!("written in an idle hour    {:>8.1} kB  (from {seconds} s)", idle as f64 / 1e3);
    daemon.stop();
}

/// A terminal's files.
struct Machine {
    directory: TempDir,
    port: u16,
}

impl Machine {
    fn new(simulator: &Simulator) -> Self {
        let place = std::env::var_os("STORE_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let directory = TempDir::new_in(place).expect("a directory");
        let port = free_port();
        let quotas = "management_per_s = 0\ncaptures_per_s = 0";
        let text = terminal::configuration(directory.path(), simulator, port, quotas);
        std::fs::write(directory.path().join("terminal.toml"), text).expect("a file");
        Self { directory, port }
    }

    fn database(&self) -> PathBuf {
        self.directory.path().join("terminal.sqlite")
    }

    /// The daemon, and how long it took until systemd would have been told.
    fn start(&self) -> (Daemon, Duration) {
        let place = self.directory.path().join("notify");
        let _ = std::fs::remove_file(&place);
        let systemd = UnixDatagram::bind(&place).expect("a socket");
        systemd.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let mut command = command();
        command.args(["run", "--config"]).arg(self.directory.path().join("terminal.toml"));
        command.env("NOTIFY_SOCKET", &place).stderr(Stdio::null());
        let begun = Instant::now();
        let daemon = Daemon(command.spawn().expect("the daemon starts"));
        let mut told = [0; 4096];
        loop {
            let length = systemd.recv(&mut told).expect("the daemon tells systemd");
            if told[..length].split(|byte| *byte == b'\n').any(|line| line == b"READY=1") {
                return (daemon, begun.elapsed());
            }
        }
    }
}

fn command() -> Command {
    let program = std::env::var_os("PROGRAM");
    let program = program.unwrap_or_else(|| env!("CARGO_BIN_EXE_klarna-terminald").into());
    let runner = std::env::var("RUNNER").unwrap_or_default();
    let mut words = runner.split_whitespace();
    match words.next() {
        Some(first) => {
            let mut command = Command::new(first);
            command.args(words).arg(program);
            command
        }
        None => Command::new(program),
    }
}

struct Daemon(Child);

impl Daemon {
    fn proc(&self, file: &str) -> String {
        let path = Path::new("/proc").join(self.0.id().to_string()).join(file);
        std::fs::read_to_string(path).expect("/proc")
    }

    /// The number after `name`.
    fn number(&self, file: &str, name: &str) -> u64 {
        let text = self.proc(file);
        let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
        line.split_whitespace().next().expect("a number").parse().expect("a number")
    }

    /// Bytes that were sent to the disk so far (proc(5), `write_bytes`).
    fn written(&self) -> u64 {
        self.number("io", "write_bytes:")
    }

    /// Resident and private megabytes.
    fn memory(&self) -> (f64, f64) {
        let of = |name| self.number("status", name) as f64 / 1e3;
        (of("VmRSS:"), of("RssAnon:"))
    }

    fn stop(mut self) {
        let pid = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.expect("a process"), rustix::process::Signal::TERM)
            .expect("it runs");
        self.0.wait().expect("it ends");
    }
}

struct Till {
    line: TillLine,
    count: u32,
}

impl Till {
    fn connect(port: u16) -> Self {
        Self { line: TillLine::connect(port), count: 0 }
    }

    fn sell(&mut self, simulator: &Simulator) {
        self.count += 1;
        let reference = format!("B{}-{}", std::process::id(), self.count);
        let sale = json!({ "op": "sale", "ref": reference, "amount": 1000 + self.count });
        self.line.ask(&sale, "awaiting_shopper");
        let request = simulator.newest_request().expect("a payment request");
        simulator.shopper(&request, ShopperAction::Approve).expect("the shopper can approve");
        self.line.until("\"approved\"");
        self.line.ask(&json!({ "op": "ack", "ref": reference }), "\"acknowledged\"");
    }
}
