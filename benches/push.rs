//! From the shopper's yes to the till: by push over a real mosquitto and the relay's binary, by
//! reading every two seconds, and as two bare calls, turn by turn in the same run.
//!
//! `cargo bench --bench push` prints the figures that `docs/fleet.md` quotes; `PUSH_ROUNDS` makes
//! it longer. Klarna is played here and takes 0 and 50 ms for each call. What a terminal cannot do
//! without is one read and one confirm call, so that is what push is compared with.

#[path = "../tests/broker/account.rs"]
mod account;
#[path = "common/client.rs"]
mod client;
#[path = "common/daemon.rs"]
mod daemon;
#[allow(dead_code)]
#[path = "../tests/broker/mosquitto.rs"]
mod mosquitto;
#[path = "../tests/broker/port.rs"]
mod port;
#[path = "../tests/broker/program.rs"]
mod program;
#[path = "common/terminal.rs"]
mod terminal;
#[path = "common/till.rs"]
mod till;
#[path = "common/times.rs"]
mod times;

use account::provision;
use client::trusting;
use daemon::Daemon;
use klarna_terminald::simulator::{Options, ShopperAction, Simulator};
use mosquitto::Mosquitto;
use port::free_port;
use program::Relay;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use till::Till;
use times::at;

/// Rounds for each of Klarna's answer times, unless `PUSH_ROUNDS` says otherwise.
const ROUNDS: usize = 7;
/// Sales by push, and pairs of bare calls, in one round: one by reading takes as long as many.
const SALES: usize = 4;
/// From opening to saying yes. A terminal reads no more often than twice a second for long
/// (`sync`), and no shopper is faster than this.
const THINKS: Duration = Duration::from_millis(600);
/// Sales before anything is measured.
const WARM: usize = 3;
/// What a call to Klarna takes, in milliseconds.
const ANSWERS_MS: [u64; 2] = [0, 50];
/// As `klarna.poll_ms` is by default; half of it once the shopper has begun.
const POLL_MS: u32 = 2000;
const AMOUNT: u32 = 4990;

fn main() {
    if !Path::new("/usr/sbin/mosquitto").exists() {
        println!("skipped: mosquitto is not installed (.ci/broker installs it)");
        return;
    }
    let rounds = std::env::var("PUSH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(ROUNDS);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut way = Way::open().await;
        for answer_ms in ANSWERS_MS {
            way.simulator.set_delay(Duration::from_millis(answer_ms));
            way.measure(rounds).await.report(answer_ms);
        }
        way.close().await;
    });
}

/// What has been measured with one answer time.
#[derive(Default)]
struct Times {
    push: Vec<Duration>,
    poll: Vec<Duration>,
    bare: Vec<Duration>,
}

impl Times {
    fn report(&self, answer_ms: u64) {
        println!("Klarna answers after {answer_ms} ms     p50       p95       max   samples");
        for (name, times) in
            [("by push", &self.push), ("by reading", &self.poll), ("read + confirm", &self.bare)]
        {
            println!(
                "  {name:<20} {:>9.2} {:>9.2} {:>9.2}   {:>7}",
                at(times, 0.5),
                at(times, 0.95),
                at(times, 1.0),
                times.len()
            );
        }
        let (push, bare) = (at(&self.push, 0.5), at(&self.bare, 0.5));
        println!(
            "  push / (read + confirm), p50: {:.2}; own share {:.2} ms",
            push / bare,
            push - bare
        );
        println!("  by reading, longest: {:.2} s\n", at(&self.poll, 1.0) / 1000.0);
    }
}

/// Klarna, relay, broker, and a terminal of either kind.
struct Way {
    simulator: Simulator,
    _broker: Mosquitto,
    _relay: Relay,
    push: Shop,
    poll: Shop,
    bare: Bare,
}

impl Way {
    async fn open() -> Self {
        let options = Options {
            // Quotas of the test environment would measure themselves.
            management_per_second: 100_000,
            captures_per_second: 100_000,
            partner_per_second: 100_000,
            webhooks_in_clear: true,
            ..Options::default()
        };
        let simulator = Simulator::start(options).await.expect("simulator");
        let broker = Mosquitto::start("SIMULATOR");
        let device = broker.settings("BENCH/T1", "unused");
        let text = |path: &Path| format!("{:?}", path.display().to_string());
        let lines = format!(
            "[push]\nbroker = \"localhost:{}\"\nca_file = {}\ncertificate_file = {}\n\
             key_file = {}\nreconnect_max_s = 1\n",
            device.port,
            text(device.files.ca.as_deref().expect("an authority")),
            text(&device.files.certificate),
            text(&device.files.key),
        );
        let mut push = Shop::open(&simulator, "T1", &lines).await;
        let mut poll = Shop::open(&simulator, "T2", "").await;
        let folder = push.directory.path();
        provision(folder, &["signing-keys", "create"]);
        let relay = Relay::start(folder, &broker.settings("relay", "unused"));
        provision(folder, &["webhooks", "create", "--url", &relay.url()]);
        let bare = Bare::new(&simulator);
        for _ in 0..WARM {
            push.sell(&simulator, Duration::ZERO).await;
            bare.read_and_confirm(&simulator).await;
        }
        poll.sell(&simulator, Duration::ZERO).await;
        Self { simulator, _broker: broker, _relay: relay, push, poll, bare }
    }

    async fn measure(&mut self, rounds: usize) -> Times {
        let mut times = Times::default();
        for round in 0..rounds {
            // A shopper says yes at any point between two reads.
            let part = f64::from(u32::try_from(round).expect("few")) * 0.618 % 1.0;
            let thinks = Duration::from_millis(u64::from(POLL_MS / 2)).mul_f64(part);
            let Self { simulator, push, bare, poll, .. } = self;
            let many = async {
                for _ in 0..SALES {
                    times.push.push(push.sell(simulator, THINKS).await);
                    times.bare.push(bare.read_and_confirm(simulator).await);
                }
            };
            // A terminal that reads rests nearly all the time: it is in nobody's way.
            let ((), one) = tokio::join!(many, poll.sell(simulator, thinks));
            times.poll.push(one);
        }
        times
    }

    async fn close(self) {
        self.push.close().await;
        self.poll.close().await;
        self.simulator.shutdown().await;
    }
}

/// A terminal in this process and its till.
struct Shop {
    directory: TempDir,
    till: Till,
    name: String,
    count: u32,
    daemon: Daemon,
}

impl Shop {
    async fn open(simulator: &Simulator, name: &str, further: &str) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let (port, quotas) = (free_port(), "management_per_s = 0\ncaptures_per_s = 0");
        let text = terminal::configuration(directory.path(), simulator, port, quotas)
            .replace("terminal = \"T1\"", &format!("terminal = {name:?}"))
            .replace("poll_ms = 500", &format!("poll_ms = {POLL_MS}"));
        let daemon = Daemon::start(&(text + further), directory.path());
        let till = Till::connect(port).await;
        Self { directory, till, name: name.to_owned(), count: 0, daemon }
    }

    /// One sale; from the shopper's yes to the till's line.
    async fn sell(&mut self, simulator: &Simulator, thinks: Duration) -> Duration {
        self.count += 1;
        let reference = format!("{}-{}", self.name, self.count);
        self.till.send(&json!({ "op": "sale", "ref": reference, "amount": AMOUNT })).await;
        self.till.until("awaiting_shopper").await;
        let requests = simulator.requests();
        let is_ours = |name: Option<&str>| name == Some(reference.as_str());
        let mut requests = requests.into_iter().rev();
        let request = requests.find(|request| is_ours(request.merchant_reference.as_deref()));
        let request = request.expect("a payment request").id;
        simulator.shopper(&request, ShopperAction::Open).expect("the shopper can open it");
        self.till.until("shopper_paying").await;
        tokio::time::sleep(thinks).await;
        let begun = Instant::now();
        simulator.shopper(&request, ShopperAction::Approve).expect("the shopper can approve");
        self.till.until("\"approved\"").await;
        let took = begun.elapsed();
        self.till.send(&json!({ "op": "ack", "ref": reference })).await;
        self.till.until("acknowledged").await;
        took
    }

    async fn close(self) {
        self.daemon.stop().await;
    }
}

/// The same two calls by themselves, over one warm connection.
struct Bare {
    client: reqwest::Client,
    base: String,
    key: String,
}

impl Bare {
    fn new(simulator: &Simulator) -> Self {
        let client = trusting(simulator.ca_pem().as_bytes(), &["h2", "http/1.1"]).build();
        let options = Options::default();
        let base = format!("{}/v1/accounts/{}/payment", simulator.api_url(), options.account_id);
        Self { client: client.expect("a client"), base, key: options.api_key }
    }

    /// Of a payment request that the shopper has said yes to.
    async fn read_and_confirm(&self, simulator: &Simulator) -> Duration {
        let reference = uuid::Uuid::new_v4().to_string();
        let order = json!({
            "currency": "EUR", "payment_amount": AMOUNT, "payment_reference": reference,
            "merchant_reference": "bare",
            "config": { "redirect_url": "https://shop.example/thanks" },
        });
        let made = self.client.post(format!("{}/requests", self.base)).json(&order);
        let made = self.ask(made).await;
        let request = made["payment_request_id"].as_str().expect("an id").to_owned();
        simulator.shopper(&request, ShopperAction::Open).expect("the shopper can open it");
        simulator.shopper(&request, ShopperAction::Approve).expect("the shopper can approve");
        let begun = Instant::now();
        let found = self.ask(self.client.get(format!("{}/requests/{request}", self.base))).await;
        let token = &found["state_context"]["payment_confirmation_token"];
        let token = token.as_str().expect("a confirmation token");
        let confirm = format!("{}/confirmation-tokens/{token}/confirm", self.base);
        let same = json!({ "currency": "EUR", "payment_amount": AMOUNT });
        self.ask(self.client.post(confirm).json(&same)).await;
        begun.elapsed()
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> Value {
        let answer = request
            .header("Authorization", format!("Basic {}", self.key))
            .header("Klarna-Idempotency-Key", uuid::Uuid::new_v4().to_string())
            .send()
            .await
            .expect("an answer");
        assert!(answer.status().is_success(), "{answer:?}");
        answer.json().await.expect("JSON")
    }
}
