//! A fleet on one machine: a thousand terminals at a real mosquitto, two thousand signed notices a
//! second to the relay's binary, and then a broker that is restarted under all of them.
//!
//! `cargo bench --bench fleet` prints the figures that `docs/fleet.md` quotes; `FLEET_TERMINALS`,
//! `FLEET_RATE` and `FLEET_S` change how many, how fast and for how long. The shipped configuration
//! of mosquitto, a certificate and a line of the product for each terminal, the relay's file on
//! disk. Terminals and the sender of notices are in this process; all share the machine's cores.

#[path = "fleet/generator.rs"]
mod generator;
#[allow(dead_code)]
#[path = "../tests/broker/mosquitto.rs"]
mod mosquitto;
#[path = "../tests/broker/port.rs"]
mod port;
#[path = "fleet/process.rs"]
mod process;
#[path = "../tests/broker/program.rs"]
mod program;
#[path = "fleet/terminals.rs"]
mod terminals;
#[path = "common/times.rs"]
mod times;

use generator::{Generator, Sent};
use mosquitto::Mosquitto;
use process::{Broker, Usage};
use program::Relay;
use std::path::Path;
use std::time::{Duration, Instant};
use terminals::Fleet;
use times::at;

/// Terminals unless `FLEET_TERMINALS` says otherwise.
const TERMINALS: usize = 1000;
/// Notices a second unless `FLEET_RATE` says otherwise.
const RATE: usize = 2000;
/// Seconds of load unless `FLEET_S` says otherwise.
const SECONDS: usize = 20;
/// Longest pause before a terminal connects again.
const RECONNECT_MAX: Duration = Duration::from_secs(30);
/// How long the broker is away before it is started again, beside what its own end takes.
const AWAY: Duration = Duration::from_secs(2);
/// Until all terminals are there, and until all that was published has been heard.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often the relay is asked for its last figures.
const LOOKS: usize = 100;
/// Goal for the 99th percentile, in milliseconds.
const GOAL_MS: f64 = 250.0;

fn main() {
    if !Path::new("/usr/sbin/mosquitto").exists() {
        println!("skipped: mosquitto is not installed (.ci/broker installs it)");
        return;
    }
    let ask = |name: &str, usual| {
        let said = std::env::var(name).ok().and_then(|text| text.parse().ok());
        said.unwrap_or(usual)
    };
    let terminals = ask("FLEET_TERMINALS", TERMINALS).clamp(1, 100_000);
    let (rate, seconds) = (ask("FLEET_RATE", RATE).max(1), ask("FLEET_S", SECONDS).max(1));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut world = World::open(terminals, rate * seconds + terminals).await;
        world.load(rate, seconds).await;
        world.storm(rate, rate * seconds).await;
    });
}

/// Everything that runs.
struct World {
    broker: Broker,
    relay: Relay,
    fleet: Fleet,
    generator: Generator,
}

impl World {
    async fn open(terminals: usize, notices: usize) -> Self {
        let mut files = Mosquitto::start("SIMULATOR");
        // The same broker without a log line for each packet.
        files.stop();
        let relay_line = files.settings("relay", "unused");
        let begun = Instant::now();
        let lines = (0..terminals).map(|number| {
            let name = terminals::name(number);
            let line =
                files.settings(&format!("{}/{}", name.0, name.1), &terminals::client(number));
            klarna_terminald::broker::Settings { reconnect_max: RECONNECT_MAX, ..line }
        });
        let lines: Vec<_> = lines.collect();
        println!("{terminals} certificates made in {:.1} s", begun.elapsed().as_secs_f64());
        let folder = files.file("");
        let broker = Broker::start(files);
        let key = generator::signing_key(&folder);
        let relay = Relay::start(&folder, &relay_line);
        let begun = Instant::now();
        let fleet = Fleet::connect(lines, notices);
        let there = fleet.until("all terminals are there", |fleet| fleet.up() == terminals).await;
        assert!(there, "{} of {terminals} terminals have connected", fleet.up());
        let took = begun.elapsed().as_secs_f64();
        println!("{terminals} terminals connected at once in {took:.1} s\n");
        let generator = Generator::new(relay.port, key, terminals);
        Self { broker, relay, fleet, generator }
    }

    async fn load(&mut self, rate: usize, seconds: usize) {
        let processes = || {
            [
                ("relay", self.relay.id()),
                ("mosquitto", self.broker.id()),
                ("this", std::process::id()),
            ]
            .map(|(name, id)| (name, Usage::of(id)))
        };
        let (before, begun) = (processes(), Instant::now());
        let sent = self.generator.send(0..rate * seconds, rate, &self.fleet).await;
        let took = begun.elapsed();
        let (after, wanted) = (processes(), sent.accepted);
        self.fleet.until("all is heard", |fleet| fleet.heard() >= wanted).await;
        report(&sent, &self.fleet, rate, took);
        self.published(wanted).await;
        let count = |name: &str| self.relay.metric(name);
        let (accepted, published) = (
            count("terminald_relay_requests_total{outcome=\"accepted\"}"),
            count("terminald_relay_published_total"),
        );
        println!("  the relay says: accepted {accepted}, published {published}");
        let under = |bound: &str| {
            count(&format!("terminald_relay_durable_seconds_bucket{{le=\"{bound}\"}}"))
        };
        let bounds = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "+Inf"];
        let durable = bounds.map(|bound| format!("{bound} s: {}", under(bound)));
        println!("  durable within {}", durable.join(", "));
        for ((name, before), (_, after)) in before.iter().zip(&after) {
            let share = (after.cpu_s - before.cpu_s) / took.as_secs_f64();
            println!("  {name:<10} {share:>5.2} cores, {:>7} kB resident", after.resident_kb);
        }
        println!();
    }

    /// Waits until the relay has counted the broker's answers, which come after the messages.
    async fn published(&self, wanted: usize) {
        for _ in 0..LOOKS {
            if self.relay.metric("terminald_relay_published_total") == wanted.to_string() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The broker is restarted while all are connected, and meanwhile each terminal is told of
    /// something.
    async fn storm(&mut self, rate: usize, first: usize) {
        let (terminals, heard) = (self.fleet.len(), self.fleet.heard());
        self.broker.stop();
        let sent = self.generator.send(first..first + terminals, rate, &self.fleet).await;
        tokio::time::sleep(AWAY).await;
        self.fleet.until("all know it", |fleet| fleet.up() == 0).await;
        let risen = self.fleet.now();
        self.broker.rise();
        let are_back = self.fleet.until("all are back", |fleet| fleet.up() == terminals).await;
        let mut back = self.fleet.connected_since(risen);
        back.sort_unstable();
        let wanted = heard + sent.accepted;
        self.fleet.until("all is heard", |fleet| fleet.heard() >= wanted).await;
        println!("the broker is restarted, reconnect_max {} s", RECONNECT_MAX.as_secs());
        let last = back.last().copied().unwrap_or_default();
        println!("  back: {} of {terminals} ({are_back}), the last after {last:.1?}", back.len());
        let mut seconds = vec![0_usize; usize::try_from(last.as_secs()).unwrap_or_default() + 1];
        for time in &back {
            seconds[usize::try_from(time.as_secs()).unwrap_or_default()] += 1;
        }
        println!("  connections in each second: {seconds:?}");
        let (all, most) = (back.len().max(1) as f64, seconds.iter().max().copied().unwrap_or(0));
        println!("  first second {:.1} %, busiest {most}", 100.0 * seconds[0] as f64 / all);
        println!(
            "  told while it was away: {} accepted, {} heard, {} heard twice in all",
            sent.accepted,
            self.fleet.heard() - heard,
            self.fleet.doubled()
        );
        assert_eq!(self.fleet.heard(), wanted, "a message was lost");
    }
}

fn report(sent: &Sent, fleet: &Fleet, rate: usize, took: Duration) {
    let achieved = sent.accepted as f64 / took.as_secs_f64();
    println!("{} notices, {rate} a second wanted", sent.all());
    println!(
        "  achieved   {achieved:.0} a second, {} accepted, {} not",
        sent.accepted, sent.failed
    );
    let late = at(&sent.late, 0.99);
    println!("  sender     99 % sent within {late:.1} ms of when they were due");
    println!("  heard      {} different, {} twice", fleet.heard(), fleet.doubled());
    let figures = |times: &[Duration]| {
        let [half, most, all] = [0.5, 0.99, 1.0].map(|part| at(times, part));
        format!("p50 {half:>7.1} ms, p99 {most:>7.1} ms, max {all:>7.1} ms")
    };
    println!("  POST sent to answered   {}", figures(&sent.answered));
    let latencies = fleet.latencies();
    println!("  POST sent to heard      {}", figures(&latencies));
    let verdict = if at(&latencies, 0.99) <= GOAL_MS { "met" } else { "missed" };
    println!("  goal: p99 {GOAL_MS:.0} ms, {verdict}");
}
