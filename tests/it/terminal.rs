//! A whole terminal for tests: the daemon in this process or as the real binary, a till on a real
//! pseudo terminal or TCP, a shopper and the simulated Klarna.
//!
//! Nothing here sleeps to let time pass; everything waits for a line or a condition, with a deadline
//! that only a stuck test reaches. [`Terminal::finish`] holds every test to the books.

use klarna_terminald::clock::Mono;
use klarna_terminald::config::{Config, Overrides};
use klarna_terminald::daemon;
use klarna_terminald::display::Frame;
use klarna_terminald::display::canvas::Canvas;
use klarna_terminald::display::png::encode;
use klarna_terminald::display::screen::draw;
use klarna_terminald::i18n::Lang;
use klarna_terminald::payment::event::Event;
use klarna_terminald::payment::screen::Screen;
use klarna_terminald::simulator::{Options, ShopperAction, Simulator};
use klarna_terminald::store::Reader;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Only a stuck test waits this long.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// `TimeoutStopSec` of the unit.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
/// Between two looks at a condition that nobody announces.
const LOOK: Duration = Duration::from_millis(10);

/// How the till is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// A pseudo terminal behind a symbolic link, so that it can be unplugged.
    Serial,
    /// A loopback address of its own.
    Tcp,
}

/// What runs the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `daemon::run` in this process.
    Here,
    /// The binary, `run --config FILE`.
    Binary,
}

/// One setting of the configuration file: dotted key and TOML value.
pub type Setting<'a> = (&'a str, &'a str);

pub struct Terminal {
    pub simulator: Simulator,
    pub directory: TempDir,
    pub till: Till,
    wire: Wire,
    program: Program,
    config: String,
    address: String,
    running: Running,
}

enum Running {
    Nothing,
    Here { stop: oneshot::Sender<()>, task: JoinHandle<anyhow::Result<()>> },
    Binary(Child),
}

impl Terminal {
    /// Everything but the daemon is there.
    pub async fn prepare(wire: Wire, program: Program, settings: &[Setting<'_>]) -> Self {
        let options = Options {
            // A test has no quotas to learn about but those of the test that asks for them.
            captures_per_second: 50,
            management_per_second: 200,
            partner_per_second: 200,
            webhooks_in_clear: true,
            ..Options::default()
        };
        let simulator = Simulator::start(options.clone()).await.expect("simulator");
        let directory = TempDir::new().expect("temporary directory");
        let at = |name: &str| directory.path().join(name);
        std::fs::write(at("ca.pem"), simulator.ca_pem()).expect("ca.pem");
        std::fs::write(at("key"), options.api_key).expect("key");
        let address = loopback();
        let mut lines = BTreeMap::from([
            ("terminal.store", "\"S12\"".to_owned()),
            ("terminal.terminal", "\"T3\"".to_owned()),
            ("terminal.merchant", "\"Test Store\"".to_owned()),
            ("terminal.locale", "\"de-DE\"".to_owned()),
            ("terminal.currencies", "[\"EUR\", \"SEK\"]".to_owned()),
            ("klarna.environment", "\"custom\"".to_owned()),
            ("klarna.base_url", format!("{:?}", simulator.api_url())),
            ("klarna.account_id", format!("{:?}", options.account_id)),
            ("klarna.api_key_file", format!("{:?}", at("key"))),
            ("klarna.extra_ca_file", format!("{:?}", at("ca.pem"))),
            ("klarna.redirect_url", "\"https://shop.example/thanks\"".to_owned()),
            ("klarna.qr_hosts", "[\"localhost\"]".to_owned()),
            ("klarna.poll_ms", "500".to_owned()),
            ("store.path", format!("{:?}", at("terminal.sqlite"))),
            ("display.output", "\"png\"".to_owned()),
            ("display.path", format!("{:?}", at("screen.png"))),
            ("display.width", "240".to_owned()),
            ("display.height", "320".to_owned()),
            ("payment.result_screen_s", "10".to_owned()),
        ]);
        match wire {
            Wire::Serial => {
                lines.insert("till.link", "\"serial\"".to_owned());
                lines.insert("till.port", format!("{:?}", at("till")));
            }
            Wire::Tcp => {
                lines.insert("till.link", "\"tcp\"".to_owned());
                lines.insert("till.listen", format!("{address:?}"));
            }
        }
        for (key, value) in settings {
            lines.insert(key, (*value).to_owned());
        }
        let config: String =
            lines.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        std::fs::write(at("terminal.toml"), &config).expect("terminal.toml");
        let till = match wire {
            Wire::Serial => Till::plug_in(&at("till")),
            Wire::Tcp => Till::unplugged(),
        };
        let running = Running::Nothing;
        Self { simulator, directory, till, wire, program, config, address, running }
    }

    /// A terminal whose till has been greeted.
    pub async fn start(wire: Wire, program: Program, settings: &[Setting<'_>]) -> Self {
        let mut terminal = Self::prepare(wire, program, settings).await;
        terminal.switch_on().await;
        terminal
    }

    /// In this process, over a pseudo terminal.
    pub async fn serial(settings: &[Setting<'_>]) -> Self {
        Self::start(Wire::Serial, Program::Here, settings).await
    }

    /// In this process, over TCP.
    pub async fn tcp(settings: &[Setting<'_>]) -> Self {
        Self::start(Wire::Tcp, Program::Here, settings).await
    }

    /// The real binary, over TCP.
    pub async fn binary(settings: &[Setting<'_>]) -> Self {
        Self::start(Wire::Tcp, Program::Binary, settings).await
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Starts the daemon (again, with the same database) and waits until it greets the till.
    pub async fn switch_on(&mut self) {
        self.switch_on_unheard();
        if self.wire == Wire::Tcp {
            self.till.reconnect(&self.address).await;
        }
        self.till.greet().await;
    }

    /// Starts the daemon without a word to the till.
    pub fn switch_on_unheard(&mut self) {
        match self.program {
            Program::Here => self.run_here(),
            Program::Binary => self.running = Running::Binary(self.spawn()),
        }
    }

    /// Changes settings; they count from the next start.
    pub fn configure(&mut self, settings: &[Setting<'_>]) {
        for (key, value) in settings {
            let begin = format!("{key} = ");
            let others = self.config.lines().filter(|line| !line.starts_with(&begin));
            let line = format!("{begin}{value}");
            self.config = others.chain([line.as_str()]).map(|line| format!("{line}\n")).collect();
        }
        std::fs::write(self.path("terminal.toml"), &self.config).expect("terminal.toml");
    }

    /// Where a till connects over TCP.
    pub fn address(&self) -> &str {
        &self.address
    }

    fn run_here(&mut self) {
        let path = self.path("terminal.toml");
        let config = Config::from_text(&self.config, &path, &Overrides::default());
        let config = config.expect("test configuration");
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await;
        };
        let task = tokio::spawn(async move {
            // Spawned as one future of one type, so that dozens of terminals share the code.
            let run: std::pin::Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>> =
                Box::pin(daemon::run(config, shutdown));
            run.await
        });
        self.running = Running::Here { stop, task };
    }

    /// The real binary on this terminal's configuration; its log goes to `log`.
    pub fn spawn(&self) -> Child {
        let log = File::options().create(true).append(true).open(self.path("log"));
        Command::new(env!("CARGO_BIN_EXE_klarna-terminald"))
            .arg("run")
            .arg("--config")
            .arg(self.path("terminal.toml"))
            .stderr(log.expect("log file"))
            .stdout(Stdio::null())
            .spawn()
            .expect("the daemon's binary")
    }

    /// Stops the daemon as systemd does, and waits until it has ended.
    pub async fn switch_off(&mut self) {
        match std::mem::replace(&mut self.running, Running::Nothing) {
            Running::Nothing => {}
            Running::Here { stop, task } => {
                let _ = stop.send(());
                task.await.expect("daemon did not panic").expect("daemon ended well");
            }
            Running::Binary(child) => {
                let begun = Instant::now();
                let code = terminate(child).await;
                assert_eq!(code, Some(0), "SIGTERM is a normal end");
                assert!(begun.elapsed() < STOP_TIMEOUT, "systemd would have killed it");
            }
        }
    }

    /// Sends a signal to the binary.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let Running::Binary(child) = &self.running else { panic!("no binary runs") };
        send(child, signal);
    }

    /// Waits until the binary has ended by itself; the exit code.
    pub async fn ended(&mut self) -> Option<i32> {
        match std::mem::replace(&mut self.running, Running::Nothing) {
            Running::Binary(child) => code(child).await,
            Running::Nothing | Running::Here { .. } => panic!("no binary runs"),
        }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Running::Binary(mut child) = std::mem::replace(&mut self.running, Running::Nothing) {
            child.kill().expect("kill");
            child.wait().expect("wait");
        }
    }

    /// The shopper who stands at the terminal acts.
    pub fn shopper(&self, action: ShopperAction) {
        let requests = self.simulator.requests();
        let ours = |request: &&klarna_terminald::simulator::RequestView| {
            request.merchant_reference.as_deref() == Some(&self.till.selling)
        };
        let request = requests.iter().rev().find(ours).expect("a request for this sale");
        self.simulator.shopper(&request.id, action).expect("the shopper can do that");
    }

    /// As [`Self::shopper`], but the shopper may have done it before.
    pub fn shopper_may(&self, action: ShopperAction) {
        for request in self.simulator.requests() {
            let _ = self.simulator.shopper(&request.id, action);
        }
    }

    /// Waits for a condition that nobody announces.
    pub async fn until(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition() {
            assert!(Instant::now() < deadline, "never: {what}\n{}", self.evidence());
            tokio::time::sleep(LOOK).await;
        }
    }

    pub fn reader(&self) -> Reader {
        Reader::open(&self.path("terminal.sqlite")).expect("the journal")
    }

    /// Waits until the outbox is empty.
    pub async fn settled(&self) {
        let reader = self.reader();
        let empty = move || reader.queued().is_ok_and(|rows| rows.is_empty());
        self.until("the outbox is empty", empty).await;
    }

    /// What is on the screen now, decoded.
    pub fn codes_on_screen(&self) -> Vec<String> {
        decode(&self.path("screen.png")).unwrap_or_default()
    }

    /// Waits until a QR code is on the screen; its content.
    pub async fn scan(&self) -> String {
        let mut url = None;
        self.until("a QR code is on the screen", || {
            url = self.codes_on_screen().into_iter().next();
            url.is_some()
        })
        .await;
        url.expect("just seen")
    }

    /// Waits until no QR code is on the screen.
    pub async fn no_code(&self) {
        self.until("no QR code is on the screen", || {
            decode(&self.path("screen.png")).is_some_and(|codes| codes.is_empty())
        })
        .await;
    }

    /// Waits until the welcome is on the screen; its picture.
    pub async fn idle(&self) -> Vec<u8> {
        let frame = Frame { merchant: "Test Store".to_owned(), lang: Lang::De, ..Frame::default() };
        let mut canvas = Canvas::new(240, 320);
        draw(&mut canvas, &Screen::Idle, &frame, Mono::default()).expect("fits");
        let idle = encode(&canvas, 1).expect("encodes");
        let screen = self.path("screen.png");
        let same = || std::fs::read(&screen).is_ok_and(|picture| picture == idle);
        self.until("the screen is idle", same).await;
        idle
    }

    /// From the sale to the shopper's approval; the result.
    pub async fn sell(&mut self, reference: &str, minor: i64) -> Value {
        self.till.ask_sale(reference, minor).await;
        self.shopper(ShopperAction::Approve);
        self.till.result(reference).await
    }

    /// [`Self::sell`], acknowledged.
    pub async fn sell_and_acknowledge(&mut self, reference: &str, minor: i64) {
        let result = self.sell(reference, minor).await;
        assert_eq!(result["status"], "approved", "{result}");
        self.till.acknowledge(reference).await;
    }

    /// Journal and Klarna agree, nothing waits, nothing was impolite, no code is left on the screen.
    pub async fn finish(self) {
        self.finish_with_refused(0).await;
    }

    /// As [`Self::finish`], but this many calls need a person.
    pub async fn finish_with_refused(mut self, refused: usize) {
        self.settled().await;
        let mistakes = self.simulator.mistakes();
        assert!(mistakes.is_empty(), "{mistakes:#?}\n{}", self.evidence());
        assert_eq!(self.reader().refused().expect("outbox").len(), refused, "need a person");
        assert_eq!(self.journal(), self.klarna(), "{}", self.evidence());
        if self.path("screen.png").exists() {
            self.no_code().await;
        }
        self.switch_off().await;
    }

    /// Per authorised payment what the journal says.
    pub fn journal(&self) -> BTreeMap<String, Book> {
        let mut names = BTreeMap::new();
        let mut books: BTreeMap<String, Book> = BTreeMap::new();
        for record in self.reader().all_records().expect("journal") {
            let Some(payment) = record.payment else { continue };
            if let Event::SaleRequested { payment_reference, .. } = &record.event {
                names.insert(payment, payment_reference.as_str().to_owned());
            }
            let name = names[&payment].clone();
            match &record.event {
                Event::Authorised { amount, .. } => {
                    books.entry(name).or_default().authorised += amount.minor();
                }
                Event::Captured { amount, .. } => {
                    books.entry(name).or_default().captured.push(amount.minor());
                }
                Event::Refunded { amount, .. } => {
                    books.entry(name).or_default().refunded.push(amount.minor());
                }
                Event::Voided { .. } | Event::Released { .. } => {
                    books.entry(name).or_default().voided = true
                }
                _ => {}
            }
        }
        books
    }

    /// Per authorised payment what Klarna says.
    pub fn klarna(&self) -> BTreeMap<String, Book> {
        let book = |row: &klarna_terminald::simulator::TransactionView| Book {
            authorised: row.authorized,
            captured: row.captures.iter().map(|capture| capture.amount).collect(),
            refunded: row.refunds.iter().map(|refund| refund.amount).collect(),
            voided: row.voided,
        };
        let name = |row: &klarna_terminald::simulator::TransactionView| {
            row.payment_reference.clone().expect("we name every payment")
        };
        let rows = self.simulator.transactions();
        let books: BTreeMap<String, Book> = rows.iter().map(|row| (name(row), book(row))).collect();
        assert_eq!(books.len(), rows.len(), "one payment, two transactions: {rows:#?}");
        books
    }

    /// What to look at when a test fails.
    pub fn evidence(&self) -> String {
        let mut text = self.till.transcript();
        for call in self.simulator.calls() {
            text.push_str(&format!("klarna {} {} {:?}\n", call.method, call.route, call.status));
        }
        if let Ok(reader) = Reader::open(&self.path("terminal.sqlite")) {
            for record in reader.all_records().unwrap_or_default() {
                text.push_str(&format!("journal {}\n", record.event.name()));
            }
        }
        text.push_str(&std::fs::read_to_string(self.path("log")).unwrap_or_default());
        text
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("{}", self.evidence());
        }
    }
}

/// What has become of one payment's money.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Book {
    pub authorised: i64,
    pub captured: Vec<i64>,
    pub refunded: Vec<i64>,
    pub voided: bool,
}

/// Sends SIGTERM and waits for the end; the exit code.
pub async fn terminate(child: Child) -> Option<i32> {
    send(&child, rustix::process::Signal::TERM);
    code(child).await
}

fn send(child: &Child, signal: rustix::process::Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    rustix::process::kill_process(pid.expect("a process id"), signal).expect("it is there");
}

async fn code(mut child: Child) -> Option<i32> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().expect("our own child") {
            return status.code();
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("the daemon does not end");
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// An address that no other test uses, whatever runs beside it: the whole of 127/8 is ours.
pub fn loopback() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id() % 250 + 1;
    format!("127.{process}.{}.{}:9100", number / 250, number % 250 + 1)
}

/// The codes in a picture; `None` while there is no picture.
pub fn decode(path: &Path) -> Option<Vec<String>> {
    let file = std::io::BufReader::new(File::open(path).ok()?);
    let mut reader = png::Decoder::new(file).read_info().ok()?;
    let mut pixels = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut pixels).ok()?;
    let samples = info.color_type.samples();
    let (width, height) = (usize::try_from(info.width).ok()?, usize::try_from(info.height).ok()?);
    let grey = |x: usize, y: usize| pixels[y * info.line_size + x * samples];
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, grey);
    let read = |grid: &rqrr::Grid<_>| grid.decode().ok().map(|(_, text)| text);
    Some(image.detect_grids().iter().filter_map(read).collect())
}

/// The shop's cash register.
pub struct Till {
    lines: mpsc::UnboundedReceiver<String>,
    wire: Option<Plug>,
    seen: Vec<String>,
    count: u32,
    /// The sale that the shopper stands here for.
    selling: String,
}

enum Plug {
    Serial { master: Arc<File>, pulled: Arc<AtomicBool>, reader: std::thread::JoinHandle<()> },
    Tcp(TcpStream),
}

impl Till {
    fn unplugged() -> Self {
        let (_, lines) = mpsc::unbounded_channel();
        Self { lines, wire: None, seen: Vec::new(), count: 0, selling: String::new() }
    }

    fn plug_in(link: &Path) -> Self {
        let mut till = Self::unplugged();
        till.plug_in_again(link);
        till
    }

    /// A new pseudo terminal under the same name.
    pub fn plug_in_again(&mut self, link: &Path) {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
            .expect("a pseudo terminal");
        grantpt(&master).expect("grantpt");
        unlockpt(&master).expect("unlockpt");
        let name = ptsname(&master, Vec::new()).expect("its name");
        let name = name.to_str().expect("a printable name").to_owned();
        make_raw(Path::new(&name));
        let _ = std::fs::remove_file(link);
        std::os::unix::fs::symlink(&name, link).expect("symbolic link");
        let master = Arc::new(File::from(master));
        let pulled = Arc::new(AtomicBool::new(false));
        let (lines_in, lines) = mpsc::unbounded_channel();
        let (theirs, stop) = (master.clone(), pulled.clone());
        let reader = std::thread::spawn(move || read_pseudo_terminal(&theirs, &stop, &lines_in));
        (self.lines, self.wire) = (lines, Some(Plug::Serial { master, pulled, reader }));
    }

    /// Pulls the plug.
    pub fn unplug(&mut self) {
        match self.wire.take() {
            Some(Plug::Serial { master, pulled, reader }) => {
                pulled.store(true, Ordering::Relaxed);
                reader.join().expect("the reader's thread");
                drop(master);
            }
            Some(Plug::Tcp(stream)) => {
                let _ = stream.shutdown(std::net::Shutdown::Both);
            }
            None => {}
        }
    }

    /// A new connection, as soon as the terminal listens.
    pub async fn reconnect(&mut self, address: &str) {
        self.unplug();
        let deadline = Instant::now() + PATIENCE;
        let stream = loop {
            match TcpStream::connect(address) {
                Ok(stream) => break stream,
                Err(error) => assert!(Instant::now() < deadline, "{address}: {error}"),
            }
            tokio::time::sleep(LOOK).await;
        };
        stream.set_nodelay(true).expect("nodelay");
        let (lines_in, lines) = mpsc::unbounded_channel();
        let mut theirs = stream.try_clone().expect("a second handle");
        std::thread::spawn(move || {
            let mut lines = Lines(Vec::new());
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = theirs.read(&mut buffer) {
                lines.feed(&buffer[..count], &lines_in);
            }
        });
        (self.lines, self.wire) = (lines, Some(Plug::Tcp(stream)));
    }

    /// Says hello until the terminal answers.
    pub async fn greet(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        self.count += 1;
        let reference = format!("hello-{}", self.count);
        loop {
            self.say(&format!(r#"{{"op":"hello","ref":"{reference}"}}"#));
            let answer = tokio::time::timeout(Duration::from_millis(500), self.line()).await;
            match answer.ok().flatten() {
                Some(line) if line["event"] == "hello" && line["ref"] == *reference => return,
                Some(_) => {}
                // A wire that is gone says so at once.
                None => tokio::time::sleep(LOOK).await,
            }
            assert!(Instant::now() < deadline, "no hello\n{}", self.transcript());
        }
    }

    /// Sends a line; on a wire that is down it is lost.
    pub fn say(&mut self, line: &str) {
        self.seen.push(format!("till ▶ {line}"));
        let bytes = format!("{line}\n");
        let _ = match &mut self.wire {
            Some(Plug::Serial { master, .. }) => (&**master).write_all(bytes.as_bytes()),
            Some(Plug::Tcp(stream)) => stream.write_all(bytes.as_bytes()),
            None => Ok(()),
        };
    }

    /// The next line; `None` once the wire is gone.
    async fn line(&mut self) -> Option<Value> {
        let line = self.lines.recv().await?;
        self.seen.push(format!("     ◀ {line}"));
        Some(serde_json::from_str(&line).unwrap_or(Value::Null))
    }

    /// Waits for the next line that fits; others are skipped.
    pub async fn hear(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            match tokio::time::timeout_at(deadline, self.line()).await {
                Ok(Some(line)) if fits(&line) => return line,
                Ok(Some(_)) => {}
                Ok(None) => panic!("the wire is gone before: {what}\n{}", self.transcript()),
                Err(_) => panic!("never heard: {what}\n{}", self.transcript()),
            }
        }
    }

    /// The shopper will pay for this sale.
    pub fn expect_shopper(&mut self, reference: &str) {
        reference.clone_into(&mut self.selling);
    }

    /// Asks for a sale and waits until the shopper can scan.
    pub async fn ask_sale(&mut self, reference: &str, minor: i64) {
        self.expect_shopper(reference);
        self.say(&sale(reference, minor));
        self.stage(reference, "awaiting_shopper").await;
    }

    pub async fn stage(&mut self, reference: &str, stage: &str) -> Value {
        let what = format!("{reference} is {stage}");
        self.hear(&what, |line| line["ref"] == reference && line["stage"] == stage).await
    }

    /// The next line about a sale that says where it stands, final or not.
    pub async fn word(&mut self, reference: &str) -> Value {
        let what = format!("a word about {reference}");
        let fits = |line: &Value| {
            let told = line["event"] == "result" || line["event"] == "progress";
            told && line["ref"] == reference && line["stage"] != "checking"
        };
        self.hear(&what, fits).await
    }

    pub async fn result(&mut self, reference: &str) -> Value {
        let what = format!("the result of {reference}");
        self.hear(&what, |line| line["event"] == "result" && line["ref"] == reference).await
    }

    pub async fn acknowledge(&mut self, reference: &str) {
        self.say(&format!(r#"{{"op":"ack","ref":"{reference}"}}"#));
        let what = format!("{reference} is acknowledged");
        self.hear(&what, |line| line["event"] == "acknowledged" && line["ref"] == reference).await;
    }

    /// Asks once what has become of `reference`.
    pub async fn status(&mut self, reference: &str) -> Value {
        self.say(&format!(r#"{{"op":"status","ref":"{reference}"}}"#));
        self.hear("a status", |line| line["event"] == "status" && line["ref"] == reference).await
    }

    /// The next error about `reference`.
    pub async fn error(&mut self, reference: &str) -> Value {
        self.hear("an error", |line| line["event"] == "error" && line["ref"] == reference).await
    }

    /// The next word about a capture, refund or void that has this status.
    pub async fn operation(&mut self, reference: &str, status: &str) -> Value {
        let what = format!("{reference} is {status}");
        let fits = |line: &Value| {
            line["event"] == "operation" && line["ref"] == reference && line["status"] == status
        };
        self.hear(&what, fits).await
    }

    /// Everything said and heard.
    pub fn transcript(&self) -> String {
        self.seen.iter().map(|line| format!("{line}\n")).collect()
    }

    /// The last line heard, as it came.
    pub fn last_line(&self) -> &str {
        self.seen.last().map_or("", String::as_str)
    }
}

pub fn sale(reference: &str, minor: i64) -> String {
    format!(r#"{{"op":"sale","ref":"{reference}","amount":{minor},"currency":"EUR"}}"#)
}

/// Collects bytes into lines.
struct Lines(Vec<u8>);

impl Lines {
    fn feed(&mut self, bytes: &[u8], lines: &mpsc::UnboundedSender<String>) {
        for byte in bytes {
            match byte {
                b'\n' => {
                    let line = std::mem::take(&mut self.0);
                    let _ = lines.send(String::from_utf8_lossy(&line).into_owned());
                }
                byte => self.0.push(*byte),
            }
        }
    }
}

/// A pseudo terminal must not echo what comes before the daemon opens it.
fn make_raw(path: &Path) {
    use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
    let slave = File::options().read(true).write(true).open(path).expect("the far end");
    let mut modes = tcgetattr(&slave).expect("its modes");
    modes.make_raw();
    tcsetattr(&slave, OptionalActions::Now, &modes).expect("raw mode");
}

fn read_pseudo_terminal(
    master: &File,
    pulled: &AtomicBool,
    lines_in: &mpsc::UnboundedSender<String>,
) {
    let mut lines = Lines(Vec::new());
    let mut buffer = [0; 4096];
    let wait = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
    while !pulled.load(Ordering::Relaxed) {
        let mut fds = [PollFd::from_borrowed_fd(master.as_fd(), PollFlags::IN)];
        let ready = poll(&mut fds, Some(&wait)).unwrap_or(0);
        let flags = fds[0].revents();
        if ready > 0 && flags.contains(PollFlags::IN) {
            let mut master = master;
            if let Ok(count) = master.read(&mut buffer) {
                lines.feed(&buffer[..count], lines_in);
            }
        } else if ready > 0 {
            // Nobody has the far end open.
            std::thread::sleep(LOOK);
        }
        if lines_in.is_closed() {
            return;
        }
    }
}
