//! What the relay has done, for a collector: OpenMetrics 1.0 as text.
//!
//! Counts since the start. Knows no labels but those of closed sets, so that nobody from outside
//! can make a collector's tables grow.

use crate::acquirer::klarna::webhook::Kind;
use crate::operations::{self, Exposition, Format};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the histogram, in microseconds, and as they are written in seconds.
const BOUNDS: [(u64, &str); 11] = [
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (500_000, "0.5"),
    (1_000_000, "1.0"),
    (5_000_000, "5.0"),
];

/// What became of a request; the table is in [`super::admission`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is durable.
    Accepted,
    /// It was durable before.
    Doubled,
    /// It is not known to be Klarna's.
    Forged,
    /// It is Klarna's, and no notice.
    Unreadable,
    /// It is too old, or from the future.
    Stale,
    /// It is about the other environment.
    OtherEnvironment,
    /// It is of a payment of no terminal.
    Unmapped,
    /// Its type is not known here.
    UnknownType,
    /// Its body is too long.
    TooLarge,
    /// Its body did not end in time, or broke off.
    TooSlow,
    /// Its sender's address is not on the list.
    TurnedByAddress,
    /// It could not be kept.
    Busy,
}

impl Outcome {
    /// All of them, in the order in which they are declared.
    pub const ALL: [Self; 12] = [
        Self::Accepted,
        Self::Doubled,
        Self::Forged,
        Self::Unreadable,
        Self::Stale,
        Self::OtherEnvironment,
        Self::Unmapped,
        Self::UnknownType,
        Self::TooLarge,
        Self::TooSlow,
        Self::TurnedByAddress,
        Self::Busy,
    ];

    /// One word for metrics, logs and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Doubled => "doubled",
            Self::Forged => "forged",
            Self::Unreadable => "unreadable",
            Self::Stale => "stale",
            Self::OtherEnvironment => "other_environment",
            Self::Unmapped => "unmapped",
            Self::UnknownType => "unknown_type",
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
            Self::TurnedByAddress => "turned_by_address",
            Self::Busy => "busy",
        }
    }
}

/// The kinds that are counted, as [`Kind::word`] calls them.
const KINDS: [&str; 7] =
    ["request", "request_updated", "transaction", "dispute", "settlement", "account", "other"];

/// How the outbox stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Messages that wait.
    pub waiting: u64,
    /// How long the oldest of them has waited.
    pub oldest_age: Duration,
}

/// All counts.
#[derive(Debug, Default)]
pub struct Metrics {
    outcomes: [AtomicU64; Outcome::ALL.len()],
    kinds: [AtomicU64; KINDS.len()],
    /// One more than the bounds: what took longer than all of them.
    durable: [AtomicU64; BOUNDS.len() + 1],
    durable_us: AtomicU64,
    published: AtomicU64,
}

impl Metrics {
    /// Counts an outcome; returns how often there has been such a one, this one included.
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize].fetch_add(1, Ordering::Relaxed) + 1
    }

    /// How often there has been such an outcome.
    pub fn counted(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize].load(Ordering::Relaxed)
    }

    /// Counts a notice that is Klarna's and of use.
    pub fn count_kind(&self, kind: Kind) {
        let at = KINDS.iter().position(|word| *word == kind.word());
        if let Some(count) = at.and_then(|at| self.kinds.get(at)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a notice that was durable `after` its head had come.
    pub fn count_durable(&self, after: Duration) {
        let micros = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().take_while(|(bound, _)| micros > *bound).count();
        self.durable[bucket].fetch_add(1, Ordering::Relaxed);
        self.durable_us.fetch_add(micros, Ordering::Relaxed);
    }

    /// Counts a message that the broker has taken.
    pub fn count_published(&self) {
        self.published.fetch_add(1, Ordering::Relaxed);
    }

    /// How many messages the broker has taken.
    pub fn published(&self) -> u64 {
        self.published.load(Ordering::Relaxed)
    }

    /// Everything, in OpenMetrics 1.0.
    pub fn text(&self, depth: Depth) -> String {
        let mut text = Exposition::new(Format::OpenMetrics, "terminald_relay_");
        let counter = operations::Kind::Counter;
        let outcomes = Outcome::ALL.map(|outcome| (outcome.word(), self.counted(outcome)));
        let help = "Requests by what became of them.";
        text.labelled(counter, ("requests", "outcome"), help, &outcomes);
        let kinds: Vec<(&str, u64)> = KINDS
            .iter()
            .zip(&self.kinds)
            .map(|(word, count)| (*word, count.load(Ordering::Relaxed)))
            .collect();
        let help = "Notices of Klarna that are of use, by what they are about.";
        text.labelled(counter, ("notices", "kind"), help, &kinds);
        text.gauge("outbox_messages", "Messages that wait.", depth.waiting);
        let age = depth.oldest_age.as_secs();
        text.gauge("outbox_oldest_seconds", "How long the oldest message has waited.", age);
        text.head(counter, "published", "Messages that the broker has taken.");
        text.sample("published_total", "", &self.published());
        self.histogram(&mut text);
        text.finish()
    }

    fn histogram(&self, text: &mut Exposition) {
        let help = "From a notice's head to its being durable.";
        text.head(operations::Kind::Histogram, "durable_seconds", help);
        let counts: Vec<u64> =
            self.durable.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let bounds = BOUNDS.iter().map(|(_, bound)| *bound).chain(["+Inf"]);
        let mut sum = 0;
        for (bound, count) in bounds.zip(counts) {
            sum += count;
            text.sample("durable_seconds_bucket", &format!("{{le=\"{bound}\"}}"), &sum);
        }
        let micros = self.durable_us.load(Ordering::Relaxed);
        let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
        text.sample("durable_seconds_count", "", &sum);
        text.sample("durable_seconds_sum", "", &format_args!("{seconds}.{rest:06}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquirer::klarna::webhook::RequestChange;

    #[test]
    fn counts_are_told_in_the_collectors_format() {
        let metrics = Metrics::default();
        assert_eq!(metrics.count(Outcome::Forged), 1);
        assert_eq!(metrics.count(Outcome::Forged), 2);
        metrics.count(Outcome::Busy);
        metrics.count_kind(Kind::Request(RequestChange::Authorized));
        for micros in [900, 1_000, 1_001, 9_000_000] {
            metrics.count_durable(Duration::from_micros(micros));
        }
        let depth = Depth { waiting: 3, oldest_age: Duration::from_secs(7) };
        let text = metrics.text(depth);
        for line in [
            "# TYPE terminald_relay_requests counter",
            "terminald_relay_requests_total{outcome=\"forged\"} 2",
            "terminald_relay_requests_total{outcome=\"accepted\"} 0",
            "terminald_relay_requests_total{outcome=\"busy\"} 1",
            "terminald_relay_notices_total{kind=\"request\"} 1",
            "terminald_relay_outbox_messages 3",
            "# UNIT terminald_relay_outbox_oldest_seconds seconds",
            "terminald_relay_outbox_oldest_seconds 7",
            "terminald_relay_durable_seconds_bucket{le=\"0.001\"} 2",
            "terminald_relay_durable_seconds_bucket{le=\"0.0025\"} 3",
            "terminald_relay_durable_seconds_bucket{le=\"5.0\"} 3",
            "terminald_relay_durable_seconds_bucket{le=\"+Inf\"} 4",
            "terminald_relay_durable_seconds_count 4",
            "terminald_relay_durable_seconds_sum 9.002901",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(text.ends_with("\n# EOF\n"));
        assert!(!text.contains("\n\n"), "an empty line is no OpenMetrics");
    }

    #[test]
    fn every_word_has_its_own_place() {
        let metrics = Metrics::default();
        for (at, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, at);
        }
        for kind in [
            Kind::Request(RequestChange::Other),
            Kind::RequestUpdated,
            Kind::Transaction,
            Kind::Dispute,
            Kind::Settlement,
            Kind::Account,
            Kind::Other,
        ] {
            metrics.count_kind(kind);
        }
        let counts = metrics.kinds.iter().map(|count| count.load(Ordering::Relaxed));
        assert_eq!(counts.collect::<Vec<_>>(), [1; KINDS.len()]);
    }
}
