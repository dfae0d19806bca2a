//! What browsers cost the till: how long its answers take beside an idle console and, turn by turn
//! in the same run, beside one that is asked for 200 pages a second.
//!
//! `cargo bench --bench console` prints the figures that `docs/performance.md` quotes. The daemon
//! is a process of its own; till, browsers and the simulated Klarna are in this one. Browsers have
//! the lowest class, because in a shop they are on other machines. Only answers that wait for
//! nobody outside are measured: to a sale, an acknowledgement, and a question about a sale.

#[path = "common/client.rs"]
mod client;
#[path = "../tests/broker/port.rs"]
mod port;
#[path = "common/terminal.rs"]
mod terminal;
#[path = "common/till_line.rs"]
mod till_line;
#[path = "common/times.rs"]
mod times;

use client::trusting;
use klarna_terminald::access::{Access, Actor, Caller, Peer, Pin, Role, UserName};
use klarna_terminald::clock::SystemClock;
use klarna_terminald::console::{access_beside, behind_all_others};
use klarna_terminald::simulator::{Options, ShopperAction, Simulator};
use port::free_port;
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use till_line::TillLine;
use times::at;

/// Pages per second.
const RATE: u32 = 200;
/// Browsers, each at an address and in a session of its own.
const BROWSERS: usize = 8;
/// Sessions that one user may have leave room for this many browsers.
const BROWSERS_PER_USER: usize = 4;
/// How often both phases come, turn by turn.
const TURNS: usize = 3;
/// Seconds of one phase, unless `PHASE_S` says otherwise.
const PHASE_S: u64 = 20;
/// Payments that are there before anything is measured.
const BEFORE: usize = 60;
/// Questions about each sale, which commit nothing.
const QUESTIONS: usize = 20;
/// Lets what was going on come to its end between two phases.
const REST: Duration = Duration::from_secs(1);
/// The pages, in turn.
const PAGES: [&str; 5] = ["/", "/payments/{}", "/queue", "/shift", "/search?q={}"];
const USERS: [&str; 2] = ["anna", "bert"];
const PINS: [&str; 2] = ["483920", "739264"];
const AGENT: &str = "bench";

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let shop = runtime.block_on(Shop::open());
    let mut till = Till::connect(&shop);
    (0..BEFORE).for_each(|_| drop(till.sell(&shop)));
    let load = Load::begin(&shop);
    println!("{}", shop.priorities());
    let seconds = std::env::var("PHASE_S").ok().and_then(|s| s.parse().ok()).unwrap_or(PHASE_S);
    let (mut idle, mut busy) = (Times::default(), Times::default());
    for _ in 0..TURNS {
        for (is_busy, times) in [(false, &mut idle), (true, &mut busy)] {
            load.set(is_busy);
            std::thread::sleep(REST);
            let end = Instant::now() + Duration::from_secs(seconds);
            while Instant::now() < end {
                times.add(till.sell(&shop));
            }
        }
    }
    load.set(false);
    std::thread::sleep(REST);
    report(&idle, &busy, &load);
    shop.close();
}

fn report(idle: &Times, busy: &Times, load: &Load) {
    println!("till's answers, ms             idle p50     p99    busy p50     p99   p99 ratio");
    let line = |name: &str, idle: &[Duration], busy: &[Duration]| {
        let [a, b] = [idle, busy].map(|times| [at(times, 0.5), at(times, 0.99)]);
        println!(
            "  {name:<26} {:>10.2} {:>7.2} {:>11.2} {:>7.2} {:>11.2}   ({} and {})",
            a[0],
            a[1],
            b[0],
            b[1],
            b[1] / a[1],
            idle.len(),
            busy.len()
        );
    };
    let both = |times: &Times| [&times.sale[..], &times.acknowledged[..]].concat();
    let all = |times: &Times| [both(times), times.asked.clone()].concat();
    line("all", &all(idle), &all(busy));
    line("with a commit", &both(idle), &both(busy));
    line("sale", &idle.sale, &busy.sale);
    line("acknowledgement", &idle.acknowledged, &busy.acknowledged);
    line("question", &idle.asked, &busy.asked);
    let seen = load.seen.lock().expect("nobody has panicked");
    let pages: Vec<Duration> = seen.times.iter().map(|(_, time)| *time).collect();
    println!(
        "\npages: {} in {:.1} s, {:.1} a second, p50 {:.2} ms, p99 {:.2} ms, {} failed",
        pages.len(),
        seen.span.as_secs_f64(),
        pages.len() as f64 / seen.span.as_secs_f64(),
        at(&pages, 0.5),
        at(&pages, 0.99),
        seen.failed,
    );
    for (number, path) in PAGES.iter().enumerate() {
        let times = seen.times.iter().filter(|(page, _)| *page == number);
        let times: Vec<Duration> = times.map(|(_, time)| *time).collect();
        println!("  {path:<15} p50 {:>7.2} ms, p99 {:>7.2} ms", at(&times, 0.5), at(&times, 0.99));
    }
}

/// How long the till has waited.
#[derive(Default)]
struct Times {
    sale: Vec<Duration>,
    acknowledged: Vec<Duration>,
    asked: Vec<Duration>,
}

impl Times {
    fn add(&mut self, other: Self) {
        self.sale.extend(other.sale);
        self.acknowledged.extend(other.acknowledged);
        self.asked.extend(other.asked);
    }
}

/// The daemon as a process, its Klarna played here.
struct Shop {
    simulator: Simulator,
    directory: PathBuf,
    child: Child,
    till: u16,
    console: u16,
}

impl Shop {
    async fn open() -> Self {
        // Quotas of the test environment would measure themselves.
        let options = Options {
            management_per_second: 100_000,
            captures_per_second: 100_000,
            ..Options::default()
        };
        let simulator = Simulator::start(options).await.expect("simulator");
        let (till, console) = (free_port(), free_port());
        let unique = format!("klarna-terminald-bench-{}-{till}", std::process::id());
        let directory = std::env::temp_dir().join(unique);
        std::fs::create_dir_all(&directory).expect("a writable temporary directory");
        let quotas = "management_per_s = 0\ncaptures_per_s = 0";
        let mut text = terminal::configuration(&directory, &simulator, till, quotas);
        text.push_str(&format!("[console]\nlisten = \"0.0.0.0:{console}\"\n"));
        let file = directory.join("terminal.toml");
        std::fs::write(&file, text).expect("a writable directory");
        users(&directory.join("terminal.sqlite"));
        let child = Command::new(env!("CARGO_BIN_EXE_klarna-terminald"))
            .args(["run", "--config"])
            .arg(&file)
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        Self { simulator, directory, child, till, console }
    }

    /// The daemon's threads with their scheduling policies (5 is SCHED_IDLE).
    fn priorities(&self) -> String {
        let tasks = format!("/proc/{}/task", self.child.id());
        let tasks = std::fs::read_dir(tasks).expect("/proc");
        let mut lines: Vec<String> = tasks
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("stat")).ok())
            .filter_map(|stat| {
                let (name, rest) = stat.rsplit_once(')')?;
                // Field 41 of all (proc(5)); the name is the second.
                let policy = rest.split_whitespace().nth(38)?;
                Some(format!("{} {policy}", name.split_once('(')?.1))
            })
            .collect();
        lines.sort();
        format!("threads and their scheduling policies: {}\n", lines.join(", "))
    }

    fn close(mut self) {
        self.child.kill().and_then(|()| self.child.wait()).expect("the program ends");
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

/// As many users as the sessions need.
fn users(store: &Path) {
    let clock = SystemClock::start();
    let access = Access::open(&access_beside(store), clock.now().wall).expect("users");
    let code = access.set_up_code(clock.now()).expect("there is no admin");
    let peer = Peer::network(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let name = |number: usize| UserName::new(USERS[number]).expect("a name");
    let pin = |number: usize| Pin::new(PINS[number]).expect("a PIN");
    let admin = access.set_up(clock.now(), &peer, &code, name(0), pin(0)).expect("an admin");
    let (now, by) = (clock.now().wall, Caller { actor: Actor::from(&admin), peer });
    let (_, first) = access.add_user(now, &by, name(1), Role::Manager).expect("a user");
    let first = first.expose().to_owned();
    let here = access.sign_in(clock.now(), &peer, AGENT, USERS[1], &first, None);
    let here = here.expect("a session");
    access.change_pin(clock.now(), &here.session, &peer, &first, pin(1)).expect("another PIN");
}

struct Till {
    line: TillLine,
    count: u32,
}

impl Till {
    fn connect(shop: &Shop) -> Self {
        let mut line = TillLine::connect(shop.till);
        line.ask(&json!({ "op": "hello" }), "\"hello\"");
        Self { line, count: 0 }
    }

    /// One sale from its first line to its acknowledgement.
    fn sell(&mut self, shop: &Shop) -> Times {
        self.count += 1;
        let mut times = Times::default();
        let reference = format!("B{}", self.count);
        let sale = json!({ "op": "sale", "ref": reference, "amount": 1000 + self.count });
        times.sale.push(self.line.ask(&sale, "\"progress\""));
        self.line.until("awaiting_shopper");
        let request = shop.simulator.newest_request().expect("a payment request");
        shop.simulator.shopper(&request, ShopperAction::Approve).expect("the shopper can approve");
        for _ in 0..QUESTIONS {
            let question = json!({ "op": "status", "ref": reference });
            times.asked.push(self.line.ask(&question, "\"status\",\"ref\""));
        }
        self.line.until("\"approved\"");
        let acknowledgement = json!({ "op": "ack", "ref": reference });
        times.acknowledged.push(self.line.ask(&acknowledgement, "\"acknowledged\""));
        times
    }
}

/// What the browsers have seen.
#[derive(Default)]
struct Seen {
    /// Which of [`PAGES`], and how long it took since it was due.
    times: Vec<(usize, Duration)>,
    failed: u32,
    /// How long pages were asked for.
    span: Duration,
}

/// Browsers that ask, or do not.
struct Load {
    is_on: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
}

impl Load {
    fn begin(shop: &Shop) -> Self {
        let load = Self { is_on: Arc::default(), seen: Arc::default() };
        let (is_on, seen) = (load.is_on.clone(), load.seen.clone());
        let (port, store) = (shop.console, shop.directory.join("terminal.sqlite"));
        let (ready, wait) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            behind_all_others().expect("allowed for everybody");
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let mut browsers = Vec::new();
                for number in 0..BROWSERS {
                    browsers.push(Browser::sign_in(number, port, &store).await);
                }
                ready.send(()).expect("somebody waits");
                browse(&browsers, &is_on, &seen).await;
            });
        });
        wait.recv().expect("all are signed in");
        load
    }

    fn set(&self, is_on: bool) {
        self.is_on.store(is_on, Ordering::Relaxed);
    }
}

/// Asks for one page after another by a fixed schedule, whatever the answers do.
async fn browse(browsers: &[Browser], is_on: &AtomicBool, seen: &Arc<Mutex<Seen>>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / RATE);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let mut count = 0;
    loop {
        let due = ticks.tick().await;
        if !is_on.load(Ordering::Relaxed) {
            continue;
        }
        let page = count % PAGES.len();
        let payment = (count / PAGES.len() % BEFORE + 1).to_string();
        let request = browsers[count % BROWSERS].get(&PAGES[page].replace("{}", &payment));
        count += 1;
        let seen = seen.clone();
        seen.lock().expect("nobody has panicked").span += ticks.period();
        tokio::spawn(async move {
            let answer = request.send().await;
            let is_good = match answer {
                // A search that finds one payment leads to it.
                Ok(answer) if matches!(answer.status().as_u16(), 200 | 303) => {
                    answer.bytes().await.is_ok()
                }
                Ok(_) | Err(_) => false,
            };
            let mut seen = seen.lock().expect("nobody has panicked");
            seen.failed += u32::from(!is_good);
            seen.times.push((page, due.elapsed()));
        });
    }
}

/// One address and one session.
struct Browser {
    client: reqwest::Client,
    base: String,
    cookie: String,
}

impl Browser {
    async fn sign_in(number: usize, port: u16, store: &Path) -> Self {
        let last = u8::try_from(number + 11).expect("a few");
        let client = client(Ipv4Addr::new(127, 0, 0, last), store);
        let base = format!("https://127.0.0.1:{port}");
        let user = number / BROWSERS_PER_USER;
        let form = format!("name={}&pin={}", USERS[user], PINS[user]);
        let request = client
            .post(format!("{base}/sign-in"))
            .header("origin", &base)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        let answer = request.send().await.expect("an answer");
        let cookies = answer.headers().get_all("set-cookie").iter();
        let mut cookies = cookies.filter_map(|value| value.to_str().ok()?.split(';').next());
        let cookie = cookies.find(|cookie| cookie.starts_with("__Host-console="));
        let cookie = cookie.expect("a session").to_owned();
        Self { client, base, cookie }
    }

    fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(format!("{}{path}", self.base)).header("cookie", &self.cookie)
    }
}

/// A client at `address` that trusts this terminal's certificate alone.
fn client(address: Ipv4Addr, store: &Path) -> reqwest::Client {
    let mut certificate = store.as_os_str().to_owned();
    certificate.push(".console-cert.pem");
    let certificate = std::fs::read(&certificate).expect("a certificate");
    trusting(&certificate, &[])
        .redirect(reqwest::redirect::Policy::none())
        .local_address(IpAddr::V4(address))
        .user_agent(AGENT)
        .build()
        .expect("a client")
}
