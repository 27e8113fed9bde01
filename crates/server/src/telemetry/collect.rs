//! Everything that is told of a running server: what the process counts, what the store counts,
//! what the database holds, what the operating system knows.

use super::{process, prometheus};
use model::job::State;
use model::time::Micros;
use runtime::Runtime;
use runtime::metrics::{Family, Kind, Value};
use std::sync::Mutex;
use std::sync::PoisonError;
use store::{Dialect, Stats, Store, Tx};
use webhooks::Webhooks;
use webhooks::lanes::LaneState;

/// Milliseconds that counts from the database stay good: however many scrape, it is asked so
/// often at most.
const COUNTS_MS: i64 = 5_000;
/// States of jobs in which something may still happen to them.
const OPEN: [State; 3] = [State::Queued, State::InProgress, State::Failed];
/// States of runs in which something may still happen to them.
const OPEN_RUNS: [&str; 3] = ["Running", "Waiting", "Error"];

/// Collects what is told.
pub(crate) struct Collector {
    store: Store,
    runtime: Runtime,
    webhooks: Webhooks,
    started_at: Micros,
    counts: Mutex<Option<(Micros, Vec<Family>)>>,
}

impl Collector {
    pub(crate) fn new(store: Store, runtime: Runtime, webhooks: Webhooks) -> Self {
        let started_at = runtime.now();
        Self { store, runtime, webhooks, started_at, counts: Mutex::default() }
    }

    /// When counting began.
    pub(crate) fn started_at(&self) -> Micros {
        self.started_at
    }

    /// Everything, in a fixed order.
    pub(crate) async fn families(&self) -> Vec<Family> {
        let mut families = vec![self.build(), self.uptime()];
        families.extend(self.runtime.metrics().read());
        families.extend(store(&self.store.stats()));
        families.extend(self.lanes());
        families.extend(self.counted().await);
        families.extend(process::read());
        families
    }

    /// Everything, as Prometheus reads it.
    pub(crate) async fn text(&self) -> String {
        prometheus::text(&self.families().await)
    }

    fn build(&self) -> Family {
        let database = match self.store.dialect() {
            Dialect::Sqlite => "sqlite",
            Dialect::Postgres => "postgres",
        };
        let labels =
            vec![("version", api::SERVER_VERSION.to_owned()), ("database", database.to_owned())];
        let mut family =
            Family::one("kapok_build_info", "The version that runs.", Kind::Gauge, 1.0);
        for sample in &mut family.samples {
            sample.labels.clone_from(&labels);
        }
        family
    }

    /// What this node's lanes do.
    fn lanes(&self) -> Vec<Family> {
        let mut counts = LaneState::ALL.map(|state| (state, 0_u32));
        for view in self.webhooks.lane_views() {
            for (state, count) in &mut counts {
                *count += u32::from(*state == view.state);
            }
        }
        let by = counts
            .map(|(state, count)| (state.as_str().to_owned(), Value::Number(f64::from(count))));
        let (waiting, running) = self.webhooks.load();
        let load = [("waiting", waiting), ("running", running)]
            .map(|(state, count)| (state.to_owned(), Value::Number(count as f64)));
        vec![
            Family::by("kapok_lanes", "Lanes of this node.", Kind::Gauge, "state", by),
            Family::by(
                "kapok_deliveries",
                "Deliveries that wait in this node's memory or are under way.",
                Kind::Gauge,
                "state",
                load,
            ),
            Family::one(
                "kapok_breaker_openings_total",
                "Circuit breakers of lanes that opened.",
                Kind::Counter,
                self.webhooks.breaker_openings() as f64,
            ),
        ]
    }

    fn uptime(&self) -> Family {
        let seconds = self.runtime.now().ms_since(self.started_at) as f64 / 1_000.0;
        Family::one("kapok_uptime_seconds", "Time since the start.", Kind::Gauge, seconds)
    }

    /// What the database holds, not older than a few seconds; nothing when it cannot be asked.
    async fn counted(&self) -> Vec<Family> {
        let now = self.runtime.now();
        if let Some((at, families)) = &*self.counts.lock().unwrap_or_else(PoisonError::into_inner)
            && (0..COUNTS_MS).contains(&now.ms_since(*at))
        {
            return families.clone();
        }
        match self.store.read(move |tx| count(tx, now)).await {
            Ok(families) => {
                let kept = Some((now, families.clone()));
                *self.counts.lock().unwrap_or_else(PoisonError::into_inner) = kept;
                families
            }
            Err(error) => {
                tracing::warn!(%error, "the database could not be counted");
                Vec::new()
            }
        }
    }
}

fn count(tx: &mut Tx, now: Micros) -> Result<Vec<Family>, store::Error> {
    let mut jobs = Vec::new();
    let mut age = 0.0;
    for state in OPEN {
        let (count, oldest) = store::metrics::open_jobs(tx, state)?;
        jobs.push((state.as_str().to_owned(), Value::Number(count as f64)));
        if let (State::Queued, Some(oldest)) = (state, oldest) {
            age = (now.ms_since(oldest).max(0) as f64) / 1_000.0;
        }
    }
    let found = store::metrics::open_runs(tx)?;
    let runs = OPEN_RUNS.map(|state| {
        let count = found.iter().find(|(name, _)| name == state).map_or(0, |(_, count)| *count);
        (state.to_owned(), Value::Number(count as f64))
    });
    Ok(vec![
        Family::by(
            "kapok_jobs",
            "Webhook jobs in an open state; counting stops at 100,000.",
            Kind::Gauge,
            "state",
            jobs,
        ),
        Family::one(
            "kapok_queue_oldest_seconds",
            "How long the oldest queued job has been due.",
            Kind::Gauge,
            age,
        ),
        Family::by(
            "kapok_runs",
            "Runs in an open state; counting stops at 100,000.",
            Kind::Gauge,
            "state",
            runs,
        ),
    ])
}

fn store(stats: &Stats) -> Vec<Family> {
    let counter = |name, help, value: u64| Family::one(name, help, Kind::Counter, value as f64);
    vec![
        counter("kapok_store_commits_total", "Transactions committed.", stats.commits),
        counter(
            "kapok_store_writes_total",
            "Writes run; divided by commits, how many share one.",
            stats.closures,
        ),
        counter(
            "kapok_store_statements_total",
            "Statements run, reads included.",
            stats.statements,
        ),
        counter("kapok_store_rollbacks_total", "Writes rolled back.", stats.rollbacks),
        counter("kapok_store_retries_total", "Writes repeated after a conflict.", stats.retries),
        counter(
            "kapok_store_overloaded_total",
            "Requests refused because the store had too much to do.",
            stats.overloaded,
        ),
        counter("kapok_store_reads_total", "Reads run.", stats.reads),
        counter("kapok_store_connects_total", "Connections made.", stats.connects),
        counter(
            "kapok_store_syncs_total",
            "Times that SQLite had the disk keep what was written.",
            stats.syncs,
        ),
        Family::one(
            "kapok_store_commit_seconds_total",
            "Time of all batches of writes, their commits included; divided by commits, of one.",
            Kind::Counter,
            stats.commit_micros as f64 / 1e6,
        ),
        Family::one(
            "kapok_store_waiting",
            "Requests to the store that wait for a thread.",
            Kind::Gauge,
            stats.waiting as f64,
        ),
        Family::one(
            "kapok_store_batch_max",
            "The most writes committed together since the start.",
            Kind::Gauge,
            stats.batch_max as f64,
        ),
    ]
}

impl api::metrics::Scrape for Collector {
    fn scrape(&self) -> api::metrics::Scraped<'_> {
        Box::pin(self.text())
    }
}
