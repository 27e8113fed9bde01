//! Numbers the process keeps about itself: counters and histograms of atomics, cheap enough for
//! the busiest paths, and what they look like when somebody asks.
//!
//! What is written here is this process's own; whoever collects adds what the database knows. Why
//! not one of the crates: see docs/decisions/0008-own-metrics.md.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds of a histogram's buckets, in seconds: from what a commit takes to what an attempt
/// may take.
pub const BOUNDS: [f64; 16] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0,
];
/// Bounds of counts that come together, such as what one commit holds.
pub const COUNT_BOUNDS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// Classes of HTTP answers.
pub const ANSWERS: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
/// What delivery attempts come to: `delivered`, or the class of the error.
pub const OUTCOMES: [&str; 16] = [
    "delivered",
    "dns",
    "connect",
    "tls",
    "timeout",
    "reset",
    "protocol",
    "http_4xx",
    "http_5xx",
    "redirect",
    "too_large",
    "blocked",
    "proxy",
    "auth",
    "interrupted",
    "other",
];

/// What retention lets go: rows, or what rows that stay carried.
pub const PURGED: [&str; 6] =
    ["events", "jobs", "runs", "event_payloads", "job_payloads", "inspections"];

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    /// The number.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// How often something took how long.
#[derive(Debug, Default)]
pub struct Histogram {
    /// The last one counts what is above all bounds.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    sum_micros: AtomicU64,
}

impl Histogram {
    /// Counts one that took `time`.
    pub fn record(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let place = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        if let Some(bucket) = self.buckets.get(place) {
            bucket.fetch_add(1, Relaxed);
        }
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.sum_micros.fetch_add(micros, Relaxed);
    }

    /// What it holds now. Counts and sum are each exact, together they are approximate.
    pub fn read(&self) -> Value {
        let counts = self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect();
        let sum = Duration::from_micros(self.sum_micros.load(Relaxed)).as_secs_f64();
        Value::Histogram { bounds: &BOUNDS, counts, sum }
    }
}

/// Counters that differ by one label out of a fixed list.
#[derive(Debug)]
pub struct ByLabel<T, const N: usize> {
    labels: &'static [&'static str; N],
    cells: [T; N],
}

impl<T: Default, const N: usize> ByLabel<T, N> {
    fn new(labels: &'static [&'static str; N]) -> Self {
        Self { labels, cells: std::array::from_fn(|_| T::default()) }
    }

    /// The one for a label; the last one for labels that are not in the list.
    pub fn of(&self, label: &str) -> &T {
        let place = self.labels.iter().position(|known| *known == label).unwrap_or(N - 1);
        self.cells.get(place).unwrap_or_else(|| unreachable!("a place in the list"))
    }

    /// All of them with their labels.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &T)> {
        self.labels.iter().copied().zip(&self.cells)
    }
}

/// What the process counts.
#[derive(Debug)]
pub struct Metrics {
    /// Requests by the class of their answer, and how long they took.
    pub requests: ByLabel<Histogram, { ANSWERS.len() }>,
    /// Delivery attempts by what they came to, and how long they took.
    pub attempts: ByLabel<Histogram, { OUTCOMES.len() }>,
    /// From the acceptance of an event to the first byte of the answer, for first attempts.
    pub first_bytes: Histogram,
    /// Sign-ins that failed or were refused unheard.
    pub sign_ins_failed: Counter,
    /// Requests that inspectors recorded.
    pub inspected: Counter,
    /// What retention let go, by its kind.
    pub purged: ByLabel<Counter, { PURGED.len() }>,
    /// Bytes that this freed, about.
    pub purged_bytes: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: ByLabel::new(&ANSWERS),
            attempts: ByLabel::new(&OUTCOMES),
            first_bytes: Histogram::default(),
            sign_ins_failed: Counter::default(),
            inspected: Counter::default(),
            purged: ByLabel::new(&PURGED),
            purged_bytes: Counter::default(),
        }
    }
}

/// A metric as it is told: Prometheus and OTLP are written from these.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// Its name, with its unit.
    pub name: &'static str,
    /// What it says, as a sentence.
    pub help: &'static str,
    /// What its values mean.
    pub kind: Kind,
    /// Its values, told apart by labels.
    pub samples: Vec<Sample>,
}

/// What the values of a metric mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Grows until the process ends.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts in buckets.
    Histogram,
}

/// One value of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Names and values of its labels.
    pub labels: Vec<(&'static str, String)>,
    /// The value.
    pub value: Value,
}

/// A number, or the counts of a histogram.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// Counts for each bucket, the one above all bounds last, and the sum of what was counted.
    Histogram {
        /// Upper bounds of the buckets but the last.
        bounds: &'static [f64],
        /// How many in each.
        counts: Vec<u64>,
        /// Their sum.
        sum: f64,
    },
}

impl Family {
    /// A metric of one value without labels.
    pub fn one(name: &'static str, help: &'static str, kind: Kind, value: f64) -> Self {
        let samples = vec![Sample { labels: Vec::new(), value: Value::Number(value) }];
        Self { name, help, kind, samples }
    }

    /// A metric of several values that one label tells apart.
    pub fn by(
        name: &'static str,
        help: &'static str,
        kind: Kind,
        label: &'static str,
        values: impl IntoIterator<Item = (String, Value)>,
    ) -> Self {
        let sample = |(of, value)| Sample { labels: vec![(label, of)], value };
        Self { name, help, kind, samples: values.into_iter().map(sample).collect() }
    }
}

impl Metrics {
    /// Everything counted here, as it is told.
    #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 do not happen")]
    pub fn read(&self) -> Vec<Family> {
        let histograms = |of: &mut dyn Iterator<Item = (&'static str, &Histogram)>| {
            of.map(|(label, histogram)| (label.to_owned(), histogram.read())).collect::<Vec<_>>()
        };
        let counter = |name, help, counter: &Counter| {
            Family::one(name, help, Kind::Counter, counter.get() as f64)
        };
        vec![
            Family::by(
                "kapok_http_request_duration_seconds",
                "Time to handle a request, by the class of its answer.",
                Kind::Histogram,
                "class",
                histograms(&mut self.requests.iter()),
            ),
            Family::by(
                "kapok_delivery_attempt_duration_seconds",
                "Time of a delivery attempt from start to last byte, by its outcome.",
                Kind::Histogram,
                "outcome",
                histograms(&mut self.attempts.iter()),
            ),
            Family {
                name: "kapok_delivery_first_byte_seconds",
                help: "Time from accepting an event to the first byte of the receiver's answer, \
                       for first attempts.",
                kind: Kind::Histogram,
                samples: vec![Sample { labels: Vec::new(), value: self.first_bytes.read() }],
            },
            counter(
                "kapok_sign_in_failures_total",
                "Sign-ins that failed or were refused unheard.",
                &self.sign_ins_failed,
            ),
            counter(
                "kapok_inspected_requests_total",
                "Requests that inspectors recorded.",
                &self.inspected,
            ),
            Family::by(
                "kapok_purged_total",
                "What retention let go: rows, or what rows that stay carried.",
                Kind::Counter,
                "kind",
                self.purged
                    .iter()
                    .map(|(kind, counter)| (kind.to_owned(), Value::Number(counter.get() as f64))),
            ),
            counter(
                "kapok_purged_bytes_total",
                "Bytes that retention freed, about.",
                &self.purged_bytes,
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_falls_into_one_bucket() {
        let histogram = Histogram::default();
        for ms in [0, 1, 3, 90_000] {
            histogram.record(Duration::from_millis(ms));
        }
        let Value::Histogram { bounds, counts, sum } = histogram.read() else {
            panic!("a histogram")
        };
        assert_eq!(bounds.len() + 1, counts.len());
        assert_eq!(counts[..4], [1, 1, 0, 1]);
        assert_eq!(counts.last(), Some(&1));
        assert!((sum - 90.004).abs() < 1e-9);
    }

    #[test]
    fn unknown_labels_are_counted_as_the_last() {
        let metrics = Metrics::default();
        metrics.attempts.of("never heard of").record(Duration::ZERO);
        metrics.attempts.of("dns").record(Duration::ZERO);
        let count = |label: &str| match metrics.attempts.of(label).read() {
            Value::Histogram { counts, .. } => counts.iter().sum::<u64>(),
            Value::Number(_) => 0,
        };
        assert_eq!((count("other"), count("dns"), count("tls")), (1, 1, 0));
    }
}
