//! mosquitto as a load run needs it, and what a process has used so far.

use crate::mosquitto::{Mosquitto, end};
use crate::port::listens;
use std::fs::File;
use std::process::{Child, Command, Stdio};

/// Ticks of `/proc/*/stat` in a second, on every Linux of today.
const TICKS_PER_S: f64 = 100.0;

/// mosquitto with the shipped configuration.
pub struct Broker {
    files: Mosquitto,
    process: Option<Child>,
}

impl Broker {
    /// Starts one with the certificates and the configuration of `files`.
    pub fn start(files: Mosquitto) -> Self {
        let mut broker = Self { files, process: None };
        broker.rise();
        broker
    }

    /// Starts it, also again with what it has kept.
    pub fn rise(&mut self) {
        let log = File::options().create(true).append(true).open(self.files.file("load.log"));
        let process = Command::new("/usr/sbin/mosquitto")
            .arg("-c")
            .arg(self.files.file("mosquitto.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.expect("a log"))
            .spawn();
        self.process = Some(process.expect("mosquitto is installed"));
        listens(self.files.port(), "mosquitto");
    }

    /// As its service manager would; it keeps its sessions.
    pub fn stop(&mut self) {
        self.process.take().into_iter().for_each(end);
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.process.as_ref().map_or(0, Child::id)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What a process has used.
#[derive(Default)]
pub struct Usage {
    /// Seconds of one core, since it began.
    pub cpu_s: f64,
    /// Memory that is resident now.
    pub resident_kb: u64,
}

impl Usage {
    /// Of the process `id`, from `/proc`; nothing where it has ended.
    pub fn of(id: u32) -> Self {
        let read = |name: &str| std::fs::read_to_string(format!("/proc/{id}/{name}"));
        let stat = read("stat").unwrap_or_default();
        // Fields 14 and 15 of proc(5), counted after the name, which is the second.
        let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
        let ticks: f64 = fields.skip(11).take(2).filter_map(|text| text.parse::<f64>().ok()).sum();
        let status = read("status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        Self { cpu_s: ticks / TICKS_PER_S, resident_kb: resident.unwrap_or_default() }
    }
}
