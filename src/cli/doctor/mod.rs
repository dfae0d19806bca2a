//! What keeps a terminal from working, and what to do about it: one line for each thing that it
//! needs, looked at beside a running daemon or without one.
//!
//! It changes nothing and moves no money; no check lasts for longer than its bound. What a file of
//! it for somebody elsewhere holds is said in `bundle`.

mod broker;
mod bundle;
mod certificate;
mod clock;
mod configuration;
mod device;
mod display;
mod finding;
mod journal;
mod machine;
mod mask;
mod network;
#[cfg(feature = "relay")]
mod notices;
mod port;
mod service;
mod shake;
mod storage;
mod till;

use crate::acquirer::Exchange;
use crate::config::{Config, ConfigError};
use finding::{Finding, bounded, is_colored};
use serde_json::json;
use service::Daemon;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// For a check that asks devices and files alone: a slow card writes 32 blocks in less.
const LOCAL_TIME_MAX: Duration = Duration::from_secs(15);
/// For asking the daemon, which has as long itself.
const DAEMON_TIME_MAX: Duration = Duration::from_secs(40);
/// For all of the network: name, connection, handshake and answer have their own bounds.
const NETWORK_TIME_MAX: Duration = Duration::from_secs(60);
/// For the broker: a name, three connections, a handshake and a goodbye have their own bounds.
const BROKER_TIME_MAX: Duration = Duration::from_secs(40);
/// For reading the end of a journal and writing a small file.
const BUNDLE_TIME_MAX: Duration = Duration::from_secs(30);
/// Where systemd lets the service keep its state, unless it is told otherwise.
const STATE_DIRECTORY: &str = "/var/lib/klarna-terminald";

/// A configuration to look at, and where the result goes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code 0: nothing has failed; 1: something has; 78: the configuration is refused.
It works beside a running daemon and without one, changes nothing and moves no money.
Run it as the service's user: another one may do other things.")]
pub(super) struct Arguments {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
    /// Also write everything that somebody elsewhere needs into a new file, without secrets
    #[arg(long, value_name = "FILE.tar.gz")]
    bundle: Option<PathBuf>,
}

/// What is looked at.
struct Subject {
    file: PathBuf,
    config: Result<Config, ConfigError>,
    daemon: Daemon,
}

impl Subject {
    fn of(file: &Path) -> Self {
        let config = Config::load(file);
        let daemon = config.as_ref().map_or(Daemon::Unknown, |it| Daemon::of(&it.store_path));
        Self { file: file.to_owned(), config, daemon }
    }

    fn accepted(&self) -> Option<&Config> {
        self.config.as_ref().ok()
    }

    /// Where the database is, or would be for a service.
    fn directory(&self) -> Option<PathBuf> {
        match &self.config {
            Ok(config) => match config.store_path.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => Some(parent.to_owned()),
                Some(_) | None => Some(PathBuf::from(".")),
            },
            Err(_) => match std::env::var_os("STATE_DIRECTORY") {
                Some(directory) => Some(directory.into()),
                None => Some(PathBuf::from(STATE_DIRECTORY)).filter(|it| it.is_dir()),
            },
        }
    }
}

/// Runs every check; says by its exit code how that went.
pub(super) fn run(asked: &Arguments) -> anyhow::Result<ExitCode> {
    let file = asked.config.clone();
    let subject = bounded(LOCAL_TIME_MAX, move || Subject::of(&file));
    let subject = subject.map_err(|why| anyhow::anyhow!("{}: {why}", asked.config.display()))?;
    let subject = Arc::new(subject);
    let mut report = Report { findings: Vec::new(), is_json: asked.json, is_colored: is_colored() };
    report.local("configuration", &subject, configuration::check);
    report.local("credentials", &subject, configuration::credentials);
    report.local("permissions", &subject, machine::permissions);
    report.local("till link", &subject, till::check);
    report.local("display", &subject, display::check);
    report.local("storage", &subject, storage::check);
    report.local("database", &subject, journal::check);
    report.within("daemon", DAEMON_TIME_MAX, &subject, Box::new(service::check));
    let exchange = report.network(&subject);
    report.within("broker", BROKER_TIME_MAX, &subject, Box::new(broker::check));
    #[cfg(feature = "relay")]
    report.local("notices", &subject, notices::check);
    report.local("metrics", &subject, metrics);
    report.local("clock", &subject, move |_| clock::check(exchange));
    report.local("watchdog", &subject, |_| machine::watchdog());
    report.finish();
    if let Some(path) = &asked.bundle {
        let told = report.bundle(path, &subject)?;
        told.iter().for_each(|line| match asked.json {
            true => eprintln!("{line}"),
            false => say(&format!("{line}\n")),
        });
    }
    Ok(report.code(&subject))
}

/// Looks at something. In a box, because a thread for each kind would be code for each.
type Check = Box<dyn FnOnce(&Subject) -> Vec<Finding> + Send>;

/// What was found so far.
struct Report {
    findings: Vec<Finding>,
    is_json: bool,
    is_colored: bool,
}

impl Report {
    fn local(
        &mut self,
        name: &'static str,
        subject: &Arc<Subject>,
        check: impl FnOnce(&Subject) -> Vec<Finding> + Send + 'static,
    ) {
        self.within(name, LOCAL_TIME_MAX, subject, Box::new(check));
    }

    fn within(
        &mut self,
        name: &'static str,
        limit: Duration,
        subject: &Arc<Subject>,
        check: Check,
    ) {
        let subject = subject.clone();
        let found = bounded(limit, move || check(&subject));
        self.add(found.unwrap_or_else(|why| vec![stuck(name, why)]));
    }

    fn network(&mut self, subject: &Arc<Subject>) -> Option<Exchange> {
        let subject = subject.clone();
        let found = bounded(NETWORK_TIME_MAX, move || network::check(subject.accepted()));
        let (found, exchange) = found.unwrap_or_else(|why| (vec![stuck("network", why)], None));
        self.add(found);
        exchange
    }

    fn bundle(&self, path: &Path, subject: &Arc<Subject>) -> anyhow::Result<Vec<String>> {
        let (to, subject, findings) = (path.to_owned(), subject.clone(), self.findings.clone());
        let told = bounded(BUNDLE_TIME_MAX, move || bundle::write(&to, &subject, &findings));
        told.map_err(|why| anyhow::anyhow!("{}: {why}", path.display()))?
    }

    /// Lines are printed as soon as they are known: some take their time.
    fn add(&mut self, found: Vec<Finding>) {
        if !self.is_json {
            found.iter().for_each(|finding| say(&finding.text(self.is_colored)));
        }
        self.findings.extend(found);
    }

    fn finish(&self) {
        if self.is_json {
            say(&format!("{}\n", json!({ "checks": self.findings })));
        }
    }

    fn code(&self, subject: &Subject) -> ExitCode {
        match (&subject.config, self.findings.iter().any(Finding::is_failure)) {
            (Err(_), _) => ExitCode::from(super::EXIT_CONFIG),
            (Ok(_), true) => ExitCode::FAILURE,
            (Ok(_), false) => ExitCode::SUCCESS,
        }
    }
}

/// Whoever has read enough may leave: what has failed is said by the exit code as well.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Where a collector may ask.
fn metrics(subject: &Subject) -> Vec<Finding> {
    const NAME: &str = "metrics";
    let listen = subject.accepted().and_then(|config| config.metrics_listen);
    let Some(listen) = listen else { return Vec::new() };
    let mut found = vec![port::check(NAME, "metrics.listen", listen, subject.daemon)];
    if !listen.ip().is_loopback() {
        let open = format!("whoever reaches {listen} can read them: there is no password, no TLS");
        let remedy = "set metrics.listen to 127.0.0.1, or let a firewall pass the collector alone";
        found.push(Finding::warn(NAME, open, remedy));
    }
    found
}

fn stuck(name: &'static str, why: String) -> Finding {
    let remedy =
        "what it asks does not answer: look at the kernel's log (dmesg), restart the machine";
    Finding::fail(name, why, remedy)
}
