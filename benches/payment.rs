//! Speed and memory of one payment, beside a bare HTTP call in the same run.
//!
//! `cargo bench` prints the figures that `docs/performance.md` quotes. Klarna is played on this
//! machine with the answer time given by `KLARNA_MS` (default 150 ms): what is compared is the
//! product with a bare create call, so the network cancels out.

#[path = "common/client.rs"]
mod client;
#[path = "common/daemon.rs"]
mod daemon;
#[path = "../tests/broker/port.rs"]
mod port;
#[path = "common/terminal.rs"]
mod terminal;
#[path = "common/till.rs"]
mod till;

use client::trusting;
use daemon::Daemon;
use embedded_graphics::geometry::Size;
use klarna_terminald::clock::Mono;
use klarna_terminald::display::canvas::Canvas;
use klarna_terminald::display::{Frame, screen};
use klarna_terminald::id::DistributionUrl;
use klarna_terminald::money::{Amount, Currency};
use klarna_terminald::payment::screen::Screen;
use klarna_terminald::simulator::{Options, ShopperAction, Simulator};
use klarna_terminald::store::Reader;
use port::free_port;
use serde_json::json;
use std::hint::black_box;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use till::Till;

const ROUNDS: usize = 30;
const DRAWS: u32 = 50;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let answer_ms = std::env::var("KLARNA_MS").ok().and_then(|ms| ms.parse().ok()).unwrap_or(150);
    println!("klarna-terminald, figures of one payment ({ROUNDS} rounds, medians)\n");
    runtime.block_on(async {
        sale_to_code(Duration::from_millis(answer_ms)).await;
        sale_to_code(Duration::ZERO).await;
        commits().await;
    });
    draw();
    runtime.block_on(memory());
}

/// From the last byte of the sale line to the moment at which the QR code is handed to the display
/// and the till, against a bare create call on a warm connection, turn by turn.
async fn sale_to_code(answer: Duration) {
    let shop = Shop::open().await;
    let mut till = Till::connect(shop.port).await;
    let bare = Bare::new(&shop.simulator).await;
    shop.simulator.set_delay(answer);
    let (mut product, mut calls) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let reference = format!("B{round}");
        let started = Instant::now();
        till.send(&json!({ "op": "sale", "ref": reference, "amount": 4990 })).await;
        till.until("awaiting_shopper").await;
        product.push(started.elapsed());
        till.send(&json!({ "op": "abort", "ref": reference })).await;
        till.until("not_paid").await;
        calls.push(bare.create(round).await);
    }
    let (product, calls) = (median(product), median(calls));
    println!("Klarna answers after {} ms", answer.as_millis());
    println!("  sale line to QR code handed out   {:>8.2} ms", ms(product));
    println!("  bare create call                  {:>8.2} ms", ms(calls));
    println!("  ratio                             {:>8.2}", ms(product) / ms(calls));
    println!("  own share                         {:>8.2} ms\n", ms(product) - ms(calls));
    shop.close().await;
}

/// Durable commits of one payment, counted in its journal: every commit has its own time.
async fn commits() {
    let shop = Shop::open().await;
    let mut till = Till::connect(shop.port).await;
    // An answer time apart keeps the times of two commits apart.
    shop.simulator.set_delay(Duration::from_millis(20));
    till.send(&json!({ "op": "sale", "ref": "C1", "amount": 4990 })).await;
    till.until("awaiting_shopper").await;
    let request = shop.simulator.newest_request().expect("a payment request");
    shop.simulator.shopper(&request, ShopperAction::Open).expect("open");
    till.until("shopper_paying").await;
    shop.simulator.shopper(&request, ShopperAction::Approve).expect("approve");
    till.until("\"approved\"").await;
    till.send(&json!({ "op": "ack", "ref": "C1" })).await;
    till.until("acknowledged").await;
    let reader = Reader::open(&shop.database()).expect("journal");
    while !reader.queued().expect("outbox").is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let records = reader.all_records().expect("journal");
    let code = records.iter().position(|record| record.event.name() == "created").expect("QR");
    let distinct = |upto: usize| {
        let mut times: Vec<i64> = records[..upto].iter().map(|r| r.at.millis()).collect();
        times.dedup();
        times.len()
    };
    println!("durable commits");
    println!("  before the QR code                {:>8}", distinct(code + 1));
    println!("  whole payment                     {:>8}\n", distinct(records.len()));
    shop.close().await;
}

/// One QR screen on a canvas.
fn draw() {
    println!("drawing one QR screen");
    let euro = Currency::new("EUR").expect("EUR");
    let url = "https://pay.test.klarna.com/eu/requests/b9bacf30-3619-60e5-bdcb-b0ad687d550b/start";
    let url = DistributionUrl::new(url, &[".klarna.com".to_owned()]).expect("URL");
    let scan = Screen::Scan {
        url,
        amount: Amount::new(4990, euro),
        descriptor: Some("Pay now, or later in 3 interest-free payments".to_owned()),
        again: false,
        due: Mono::new(Duration::from_secs(271)),
    };
    let frame = Frame { merchant: "Example Store".to_owned(), ..Frame::default() };
    for size in [Size::new(320, 240), Size::new(480, 800), Size::new(800, 1280)] {
        let mut canvas = Canvas::new(size.width, size.height);
        let times = (0..DRAWS).map(|_| {
            let started = Instant::now();
            let drawn =
                screen::draw(&mut canvas, &scan, &frame, Mono::default()).expect("the screen fits");
            black_box(drawn);
            started.elapsed()
        });
        let median = median(times.collect());
        println!(
            "  {:>4} x {:<4}                       {:>8.2} ms",
            size.width,
            size.height,
            ms(median)
        );
    }
    println!();
}

/// Resident memory of the idle program, from /proc.
async fn memory() {
    let simulator = Simulator::start(Options::default()).await.expect("simulator");
    let (directory, port) = (TempDir::new().expect("a temporary directory"), free_port());
    let quotas = "management_per_s = 0";
    let config = terminal::configuration(directory.path(), &simulator, port, quotas);
    let file = directory.path().join("terminal.toml");
    std::fs::write(&file, config).expect("a writable directory");
    let mut child = Command::new(env!("CARGO_BIN_EXE_klarna-terminald"))
        .args(["run", "--config"])
        .arg(&file)
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let _till = Till::connect(port).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    println!("resident memory of the idle daemon");
    println!("  all                               {:>8} kB", resident(&child, "VmRSS:"));
    println!("  of it private                     {:>8} kB", resident(&child, "RssAnon:"));
    child.kill().and_then(|()| child.wait()).expect("the program ends");
}

fn resident(child: &Child, field: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("/proc");
    let line = status.lines().find(|line| line.starts_with(field)).expect("a memory field");
    line.split_whitespace().nth(1).expect("a number").to_owned()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The daemon in this process, its till on TCP, its Klarna played.
struct Shop {
    simulator: Simulator,
    directory: TempDir,
    port: u16,
    daemon: Daemon,
}

impl Shop {
    async fn open() -> Self {
        // Quotas of the test environment would measure themselves.
        let options = Options { management_per_second: 100_000, ..Options::default() };
        let simulator = Simulator::start(options).await.expect("simulator");
        let (directory, port) = (TempDir::new().expect("a temporary directory"), free_port());
        let quotas = "management_per_s = 0";
        let text = terminal::configuration(directory.path(), &simulator, port, quotas);
        let daemon = Daemon::start(&text, directory.path());
        Self { simulator, directory, port, daemon }
    }

    fn database(&self) -> PathBuf {
        self.directory.path().join("terminal.sqlite")
    }

    async fn close(self) {
        self.daemon.stop().await;
        self.simulator.shutdown().await;
    }
}

/// The same create call by itself.
struct Bare {
    client: reqwest::Client,
    url: String,
    key: String,
}

impl Bare {
    async fn new(simulator: &Simulator) -> Self {
        let client = trusting(simulator.ca_pem().as_bytes(), &["h2", "http/1.1"]).build();
        let options = Options::default();
        let url = simulator.api_url();
        let url = format!("{url}/v1/accounts/{}/payment/requests", options.account_id);
        let bare = Self { client: client.expect("a client"), url, key: options.api_key };
        bare.create(ROUNDS).await;
        bare
    }

    async fn create(&self, round: usize) -> Duration {
        let key = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, &round.to_le_bytes());
        let started = Instant::now();
        let answer = self
            .client
            .post(&self.url)
            .header("Authorization", format!("Basic {}", self.key))
            .header("Klarna-Idempotency-Key", key.to_string())
            .json(&json!({
                "currency": "EUR", "payment_amount": 4990,
                "payment_reference": format!("bare-{round}"), "merchant_reference": "bare",
                "config": { "redirect_url": "https://shop.example/thanks" },
            }))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status().as_u16(), 201);
        black_box(answer.bytes().await.expect("a body"));
        started.elapsed()
    }
}
