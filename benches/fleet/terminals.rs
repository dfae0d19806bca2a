//! The terminals: a line of the product and a certificate for each, and what they hear and when.

use klarna_terminald::broker::{Account, Changed, Said, Settings, Topics, Will, keep};
use klarna_terminald::push::Standing;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Terminals in one store.
const PER_STORE: usize = 10;
/// As `push` has it.
const SAID_MAX: usize = 64;
/// Between two looks at a count.
const LOOK: Duration = Duration::from_millis(20);

/// Store and terminal of this number.
pub fn name(number: usize) -> (String, String) {
    (format!("S{}", number / PER_STORE), format!("T{}", number % PER_STORE))
}

/// Its name at the broker.
pub fn client(number: usize) -> String {
    let (store, terminal) = name(number);
    format!("{store}-{terminal}")
}

/// All terminals. Clones share them.
#[derive(Clone)]
pub struct Fleet(Arc<Shared>);

struct Shared {
    begun: Instant,
    terminals: usize,
    /// When each notice was sent and first heard, in nanoseconds since the beginning; 0 is never.
    sent: Vec<AtomicU64>,
    heard: Vec<AtomicU64>,
    heard_count: AtomicUsize,
    doubled: AtomicUsize,
    up: AtomicUsize,
    /// When lines have come up, since the beginning.
    connected: Mutex<Vec<Duration>>,
}

impl Fleet {
    /// Begins to connect all of them at once, for `notices` notices.
    pub fn connect(lines: Vec<Settings>, notices: usize) -> Self {
        let times = || (0..notices).map(|_| AtomicU64::new(0)).collect();
        let fleet = Self(Arc::new(Shared {
            begun: Instant::now(),
            terminals: lines.len(),
            sent: times(),
            heard: times(),
            heard_count: AtomicUsize::new(0),
            doubled: AtomicUsize::new(0),
            up: AtomicUsize::new(0),
            connected: Mutex::new(Vec::new()),
        }));
        for (number, line) in lines.into_iter().enumerate() {
            tokio::spawn(fleet.clone().live(number, line));
        }
        fleet
    }

    /// One terminal, as `push` does it.
    async fn live(self, number: usize, settings: Settings) {
        let account = Account::of("SIMULATOR").expect("it fits");
        let (store, terminal) = name(number);
        let topics = Topics::of(&account, &store, &terminal).expect("they fit");
        let will = Will { topic: topics.status(), payload: br#"{"v":1,"online":false}"#.to_vec() };
        let wanted = vec![topics.changed(), topics.alive().to_owned()];
        let (tell, mut said) = mpsc::channel(SAID_MAX);
        let (line, kept) = keep(settings, wanted, Some(will), tell);
        tokio::spawn(kept);
        let mut is_up = false;
        while let Some(word) = said.recv().await {
            match word {
                Said::Up => {
                    is_up = true;
                    self.0.up.fetch_add(1, Ordering::Relaxed);
                    let mut times = self.0.connected.lock().unwrap_or_else(PoisonError::into_inner);
                    times.push(self.now());
                    let status = Standing::begin().bytes();
                    drop(line.publish(&topics.status(), status, None, true));
                }
                Said::Down => {
                    self.0.up.fetch_sub(usize::from(is_up), Ordering::Relaxed);
                    is_up = false;
                }
                Said::Heard(heard) if heard.topic == topics.changed() => self.hear(&heard.payload),
                Said::Heard(_) => {}
            }
        }
    }

    fn hear(&self, payload: &[u8]) {
        let event = Changed::parse(payload).expect("a message of the relay").event;
        let number = event.rsplit('-').next().and_then(|text| usize::from_str_radix(text, 16).ok());
        let place = &self.0.heard[number.expect("an event of the generator")];
        let now = self.nanos();
        match place.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => self.0.heard_count.fetch_add(1, Ordering::Relaxed),
            Err(_) => self.0.doubled.fetch_add(1, Ordering::Relaxed),
        };
    }

    /// Notes that a notice is sent now.
    pub fn sent(&self, number: usize) {
        self.0.sent[number].store(self.nanos(), Ordering::Relaxed);
    }

    /// How many terminals there are.
    pub fn len(&self) -> usize {
        self.0.terminals
    }

    /// How many of their lines stand.
    pub fn up(&self) -> usize {
        self.0.up.load(Ordering::Relaxed)
    }

    /// How many different notices have been heard.
    pub fn heard(&self) -> usize {
        self.0.heard_count.load(Ordering::Relaxed)
    }

    /// How many were heard once more.
    pub fn doubled(&self) -> usize {
        self.0.doubled.load(Ordering::Relaxed)
    }

    /// From sent to heard, of all that was heard.
    pub fn latencies(&self) -> Vec<Duration> {
        let both = self.0.sent.iter().zip(&self.0.heard);
        let both =
            both.map(|(sent, heard)| (sent.load(Ordering::Relaxed), heard.load(Ordering::Relaxed)));
        let heard = both.filter(|(_, heard)| *heard > 0);
        heard.map(|(sent, heard)| Duration::from_nanos(heard.saturating_sub(sent))).collect()
    }

    /// Since all began.
    pub fn now(&self) -> Duration {
        self.0.begun.elapsed()
    }

    /// How long after `begin` lines have come up.
    pub fn connected_since(&self, begin: Duration) -> Vec<Duration> {
        let times = self.0.connected.lock().unwrap_or_else(PoisonError::into_inner);
        times.iter().filter_map(|time| time.checked_sub(begin)).collect()
    }

    /// Waits for it, as long as the bench allows; whether it has come.
    pub async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) -> bool {
        let end = Instant::now() + crate::PATIENCE;
        while !is_so(self) {
            if Instant::now() > end {
                println!("never: {what}");
                return false;
            }
            tokio::time::sleep(LOOK).await;
        }
        true
    }

    fn nanos(&self) -> u64 {
        u64::try_from(self.0.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
