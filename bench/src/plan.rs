//! What is measured, in which order.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use futures_util::future;
use http::Method;

use crate::client::Client;
use crate::load::{self, Accepted, Markers, Target};
use crate::measure::{self, Counted, Latency};
use crate::process::{self, Process};
use crate::report::Figures;
use crate::runs::Runs;
use crate::watch::Database;
use crate::{Options, floors, purging, queued, setup, waiting};

/// How long what was accepted may take to be delivered or to run, after the load has ended.
const SETTLE_WITHIN: Duration = Duration::from_secs(60);
/// How long after the start the server is at rest.
const IDLE_AFTER: Duration = Duration::from_secs(12);
/// Times that both kinds of phases with many endpoints are measured.
const ENDPOINTS_ROUNDS: usize = 5;
/// Submissions a second to many endpoints.
const ENDPOINTS_RATE: f64 = 100.0;
/// The gentle rate of the latency measurement, in submissions a second.
const GENTLE_RATE: f64 = 100.0;

/// Bytes of the floor's body when no webhook was measured.
const PAYLOAD_BYTES: usize = 1_500;

/// The threads that a submission's CPU time is told apart by.
const THREADS: [&str; 3] = ["store-writer", "store-checkpoin", "store-reader"];

/// What can be measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Scenario {
    /// As many changes of one event each as possible.
    Event,
    /// Latency at a hundred such changes a second.
    EventGentle,
    /// Latency at half of what was delivered of them.
    EventHalf,
    /// As many such changes as possible on two nodes at once; PostgreSQL only.
    Nodes,
    /// As many submissions as possible.
    Intake,
    /// Latency at a hundred submissions a second.
    Gentle,
    /// Latency at half of what the intake reached.
    Half,
    /// Submissions that start runs of two nodes.
    Runs,
    /// Submissions that start runs of forty pure nodes.
    Chain,
    /// Runs that wait for a completion.
    Deferral,
    /// Runs with a loop of a thousand iterations.
    Loop,
    /// Ten thousand endpoints, with and without one in a hundred that hangs.
    Endpoints,
    /// A start with a million queued jobs; SQLite only.
    Queued,
    /// A start with a million waiting runs; SQLite only.
    Waiting,
    /// A purge of two hundred thousand events with their jobs; SQLite only.
    Purging,
    /// The floors of the machine.
    Floors,
}

/// What is sent, in the words of the figures.
struct Kind {
    /// What the keys of its figures begin with.
    prefix: &'static str,
    /// The heading.
    title: &'static str,
    /// One of it.
    one: &'static str,
}

/// One change that is one event and fires one webhook.
const EVENT: Kind = Kind {
    prefix: "event_",
    title: "One change, one event, one filtered and signed webhook",
    one: "a team (one event, one job)",
};

/// One submission, which is three events and fires one webhook.
const SUBMISSION: Kind = Kind {
    prefix: "",
    title: "Intake and delivery: one submission, one outside webhook",
    one: "a submission (three events, one job)",
};

/// The processes and the numbering of one run.
struct Bench {
    server: Process,
    receiver: Process,
    control: Client,
    api: Client,
    markers: Markers,
    time: Duration,
    callers: usize,
}

/// What the receiver counted.
#[derive(Clone, Copy, Default)]
struct Received {
    hits: u64,
    distinct: u64,
    bytes: u64,
    first: i64,
    last: i64,
}

/// Measures everything.
pub(crate) async fn run(options: &Options) -> Result<Figures> {
    let mut figures = Figures::default();
    let private = if options.postgres { Some(testkit::postgres().await) } else { None };
    let database = options.database_url.as_deref().or(private.as_ref().map(testkit::Database::url));
    circumstances(options, database, &mut figures);
    let dir = options.dir.clone().unwrap_or_else(std::env::temp_dir);
    let data = tempfile::tempdir_in(&dir).context("cannot make a folder for the data")?;

    let (server, ready) = process::server(&options.server, data.path(), database).await?;
    let receiver = process::receiver()?;
    let mut bench = Bench {
        control: Client::connect(receiver.address).await?,
        api: Client::connect(server.address).await?,
        server,
        receiver,
        markers: Markers::default(),
        time: Duration::from_secs(options.seconds),
        callers: options.callers,
    };
    // The memory that hashing the first password takes is given back when its thread ends.
    tokio::time::sleep(IDLE_AFTER).await;
    figures.section("At rest");
    figures.number("start_ms", "first start, until ready", ready.as_secs_f64() * 1e3, "ms");
    figures.number("idle_mib", "memory when idle", bench.memory()?, "MiB");

    let (at, receiver) = (bench.server.address, bench.receiver.address);
    let targets = setup::create(at, receiver, options.details).await?;
    let outside = targets.outside;
    progress("warming up");
    bench.warm_up(&outside).await?;
    let disk = database.is_none().then(|| data.path());
    let wanted = |scenario| options.wants(scenario);
    let half_of = |rate: f64| options.rate.unwrap_or((rate / 2.0).max(1.0));
    let (mut rate, mut payload) = (GENTLE_RATE, PAYLOAD_BYTES);
    let mut delivered = None;
    if wanted(Scenario::Event) {
        (rate, payload) = bench.intake(&targets.single, disk, &EVENT, &mut figures).await?;
        delivered = Some(rate);
    }
    if wanted(Scenario::EventGentle) {
        bench.latency(&targets.single, GENTLE_RATE, "event_at_100", &mut figures).await?;
    }
    if wanted(Scenario::EventHalf) {
        bench.latency(&targets.single, half_of(rate), "event_at_half", &mut figures).await?;
    }
    if let Some(url) = database.filter(|_| wanted(Scenario::Nodes)) {
        bench.nodes((options, data.path(), url), &targets.single, &mut figures).await?;
    }
    if wanted(Scenario::Intake) {
        (rate, _) = bench.intake(&outside, disk, &SUBMISSION, &mut figures).await?;
    }
    if wanted(Scenario::Gentle) {
        bench.latency(&outside, GENTLE_RATE, "at_100", &mut figures).await?;
    }
    if wanted(Scenario::Half) {
        bench.latency(&outside, half_of(rate), "at_half", &mut figures).await?;
    }
    let seen = match database {
        Some(url) => Database::Postgres(url.to_owned()),
        None => Database::Sqlite(data.path().to_owned()),
    };
    bench.runs(options, &seen, &mut figures).await?;
    if wanted(Scenario::Endpoints) {
        bench.endpoints(&targets.many, &mut figures).await?;
    }

    let Bench { server, receiver, markers, time, callers, .. } = bench;
    drop(server);
    if wanted(Scenario::Queued) && database.is_none() {
        queued::measure(options, &dir, &mut figures).await?;
    }
    if wanted(Scenario::Waiting) && database.is_none() {
        waiting::measure(options, &dir, &mut figures).await?;
    }
    if wanted(Scenario::Purging) && database.is_none() {
        purging::measure(options, &dir, &mut figures).await?;
    }
    if !wanted(Scenario::Floors) {
        return Ok(figures);
    }
    figures.section("Floors: the same machine without the server");
    progress("raw HTTP to the receiver");
    let bare = Target {
        address: receiver.address,
        path: "/hook".into(),
        template: format!("{{marker}}{}", "x".repeat(payload.saturating_sub(19))).into(),
    };
    let begun = Instant::now();
    let posted = load::closed(&bare, &markers, callers, time / 2).await?;
    let per_second = posted.len() as f64 / begun.elapsed().as_secs_f64();
    figures.number("floor_http_per_second", "raw HTTP POST of the payload", per_second, "1/s");
    if let Some(delivered) = delivered {
        let label = "raw POSTs in the time of one event from change to record";
        figures.number("event_floor_ratio", label, per_second / delivered, "");
    }
    progress("bare group commit");
    let rows = floors::group_commit(&dir, time / 2)?;
    figures.number("floor_commit_per_second", "bare group commit, 1 KiB rows", rows, "1/s");
    Ok(figures)
}

fn circumstances(options: &Options, database: Option<&str>, figures: &mut Figures) {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let cpu = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    figures.fact("machine", format!("{cores} cores, {}", cpu.unwrap_or_default()));
    let database = match database {
        Some(_) => "PostgreSQL (its own CPU time and disk are not counted)",
        None => "SQLite, synchronous=FULL",
    };
    figures.fact("database", database);
    let load = format!("{} callers, {} s each", options.callers, options.seconds);
    figures.fact("load", load + "; client, receiver and server share the machine");
}

impl Bench {
    fn memory(&self) -> Result<f64> {
        Ok(measure::memory_bytes(self.server.pid())? as f64 / f64::from(1 << 20))
    }

    async fn reset(&mut self) -> Result<()> {
        self.control.send(Method::POST, "/reset", Bytes::new()).await?;
        Ok(())
    }

    async fn received(&mut self) -> Result<Received> {
        let (_, text) = self.control.send(Method::GET, "/count", Bytes::new()).await?;
        let text = std::str::from_utf8(&text)?;
        let numbers: Vec<i64> = text.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let [hits, distinct, bytes, first, last] = numbers[..] else {
            bail!("the receiver answered `{text}`");
        };
        let [hits, distinct, bytes] = [hits, distinct, bytes].map(i64::unsigned_abs);
        Ok(Received { hits, distinct, bytes, first, last })
    }

    /// Waits until the receiver has seen that many different submissions, or the time is over.
    async fn settle(&mut self, wanted: usize) -> Result<Received> {
        let begun = Instant::now();
        loop {
            let received = self.received().await?;
            if received.distinct >= wanted as u64 || begun.elapsed() > SETTLE_WITHIN {
                return Ok(received);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn warm_up(&mut self, target: &Target) -> Result<()> {
        let time = Duration::from_secs(1);
        let accepted = load::closed(target, &self.markers, 8, time).await?;
        let received = self.settle(accepted.len()).await?;
        ensure!(
            received.distinct == accepted.len() as u64,
            "of {} submissions only {} reached the receiver: nothing to measure",
            accepted.len(),
            received.distinct
        );
        self.reset().await
    }

    /// The most that is accepted and delivered; returns deliveries a second and a payload's bytes.
    async fn intake(
        &mut self,
        target: &Target,
        disk: Option<&Path>,
        kind: &Kind,
        figures: &mut Figures,
    ) -> Result<(f64, usize)> {
        progress(&format!("{}, as many as possible", kind.one));
        let counted_before = Counted::read(&mut self.api).await?;
        let disk_before = disk.map(measure::folder_bytes).transpose()?;
        let cpu_before = measure::cpu_seconds(self.server.pid())?;
        let threads_before = measure::cpu_by_thread(self.server.pid(), &THREADS)?;
        let begun = Instant::now();
        let accepted = load::closed(target, &self.markers, self.callers, self.time).await?;
        let loaded = begun.elapsed().as_secs_f64();
        let memory = self.memory()?;
        let received = self.settle(accepted.len()).await?;
        let cpu = measure::cpu_seconds(self.server.pid())? - cpu_before;
        let events = accepted.len() as f64;
        let delivering = (received.last - received.first).max(1) as f64 / 1e6;
        let delivered = received.hits as f64 / delivering;

        let counted = Counted::read(&mut self.api).await?.since(&counted_before);

        figures.section(kind.title);
        let key = |name: &str| format!("{}{name}", kind.prefix);
        let accepted_rate = events / loaded;
        figures.number(key("accepted_per_second"), "accepted, durable", accepted_rate, "1/s");
        let answers = accepted.iter().map(|one| one.accepted_at - one.sent_at).collect();
        figures.latency(&key("accept"), "until the caller is answered", Latency::of(answers));
        figures.number(key("delivered_per_second"), "webhooks delivered", delivered, "1/s");
        let missing = events - received.distinct as f64;
        figures.number(key("undelivered"), "not delivered a minute after the load", missing, "");
        let repeated = received.hits as f64 - received.distinct as f64;
        figures.number(key("repeated"), "delivered more than once", repeated, "");
        let label = format!("server CPU for {}", kind.one);
        figures.number(key("cpu_us"), label, cpu / events * 1e6, "µs");
        let threads = measure::cpu_by_thread(self.server.pid(), &THREADS)?;
        let labels = ["in the writer", "in checkpoints", "in readers", "everywhere else"];
        for (part, label) in labels.into_iter().enumerate() {
            let of = |all: &[f64]| all.get(part).copied().unwrap_or_default();
            let used = (of(&threads) - of(&threads_before)) / events * 1e6;
            let name = format!("cpu_us_part_{part}");
            figures.number(key(&name), format!("of it {label}"), used, "µs");
        }
        for (name, label, count) in counted.named() {
            figures.number(key(name), label, count / events, "");
        }
        if let Some((before, folder)) = disk_before.zip(disk) {
            let grown = measure::folder_bytes(folder)?.saturating_sub(before) as f64;
            figures.number(key("disk_bytes"), "disk for each", grown / events, "bytes");
        }
        figures.number(key("loaded_mib"), "memory under load", memory, "MiB");
        let payload = received.bytes / received.hits.max(1);
        figures.number(key("payload_bytes"), "size of a webhook's body", payload as f64, "bytes");
        self.reset().await?;
        Ok((delivered.min(events / loaded), usize::try_from(payload)?))
    }

    /// One node and two on the same database, by turns: one, two, two, one.
    async fn nodes(
        &mut self,
        (options, data, url): (&Options, &Path, &str),
        target: &Target,
        figures: &mut Figures,
    ) -> Result<()> {
        progress("one node and two, by turns");
        let here = std::slice::from_ref(target);
        let mut alone = self.together(here).await?;
        // The folder holds nothing but the key that both must know.
        let (second, _) = process::server(&options.server, data, Some(url)).await?;
        let both = [target.clone(), Target { address: second.address, ..target.clone() }];
        let two = (self.together(&both).await? + self.together(&both).await?) / 2.0;
        // What it has sent is recorded by then; else the other node would send it again.
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(second);
        alone = (alone + self.together(here).await?) / 2.0;
        figures.section("Nodes: the same load on one and on two");
        figures.number("nodes_one_per_second", "accepted and delivered by one", alone, "1/s");
        figures.number("nodes_two_per_second", "by two", two, "1/s");
        Ok(())
    }

    /// As many as possible, the callers spread over targets; accepted and delivered a second.
    async fn together(&mut self, targets: &[Target]) -> Result<f64> {
        let share = self.callers / targets.len();
        let begun = Instant::now();
        let loads = targets.iter().map(|to| load::closed(to, &self.markers, share, self.time));
        let accepted: usize = future::try_join_all(loads).await?.iter().map(Vec::len).sum();
        let accepted_rate = accepted as f64 / begun.elapsed().as_secs_f64();
        let received = self.settle(accepted).await?;
        let distinct = received.distinct;
        ensure!(distinct == accepted as u64, "of {accepted} events {distinct} were delivered");
        let delivering = (received.last - received.first).max(1) as f64 / 1e6;
        self.reset().await?;
        Ok(accepted_rate.min(received.hits as f64 / delivering))
    }

    /// How long a webhook takes at a steady rate.
    async fn latency(
        &mut self,
        target: &Target,
        rate: f64,
        key: &str,
        figures: &mut Figures,
    ) -> Result<()> {
        progress(&format!("latency at {rate:.0} a second"));
        let accepted = load::open(target, &self.markers, rate, self.time).await?;
        let received = self.settle(accepted.len()).await?;
        let hits = self.hits().await?;
        let since = |from: fn(&Accepted) -> i64| {
            let waits = accepted.iter().filter_map(|one| {
                // The webhook may overtake the caller's answer; then it took no time after it.
                Some((hits.get(&one.marker)? - from(one)).max(0))
            });
            Latency::of(waits.collect())
        };
        figures.section(match key {
            "event_at_100" => "Latency at 100 events a second, open loop",
            "event_at_half" => "Latency at half of the events delivered at most, open loop",
            "at_100" => "Latency at 100 submissions a second, open loop",
            _ => "Latency at half of the submissions delivered at most, open loop",
        });
        figures.number(format!("{key}_rate"), "due", rate, "1/s");
        figures.latency(
            &format!("{key}_accepted_to_hit"),
            "from the answer to the receiver's first byte",
            since(|one| one.accepted_at),
        );
        figures.latency(
            &format!("{key}_due_to_hit"),
            "from when it was due to the receiver's first byte",
            since(|one| one.sent_at),
        );
        let missing = accepted.len() as f64 - received.distinct as f64;
        figures.number(format!("{key}_undelivered"), "not delivered a minute later", missing, "");
        self.reset().await
    }

    /// How long webhooks to endpoints that answer take: when all do, and when some hang. Both are
    /// measured several times by turns, so that what else the machine does falls on both alike.
    async fn endpoints(&mut self, target: &Target, figures: &mut Figures) -> Result<()> {
        figures.section("Ten thousand endpoints at 100 submissions a second, open loop, by turns");
        let (mut quiet, mut disturbed) = (Vec::new(), Vec::new());
        let mut ratios = Vec::new();
        let mut missing = [0.0; 2];
        // The first phase meets endpoints that were never connected to.
        self.endpoints_phase(target, false).await?;
        for round in 0..ENDPOINTS_ROUNDS {
            let first = round % 2 == 1;
            let mut ends = [0.0; 2];
            for hanging in [first, !first] {
                let (waits, lost) = self.endpoints_phase(target, hanging).await?;
                let end = p99(&waits);
                progress(&format!("endpoints, round {round}, hanging: {hanging}, p99 {end:.1} ms"));
                ends[usize::from(hanging)] = end;
                missing[usize::from(hanging)] += lost;
                if hanging { &mut disturbed } else { &mut quiet }.extend(waits);
            }
            ratios.push(moved(ends[0], ends[1]));
        }
        let together = moved(p99(&quiet), p99(&disturbed));
        figures.latency("endpoints", "due to first byte, all answer", Latency::of(quiet));
        let some = Latency::of(disturbed);
        figures.latency("endpoints_hanging", "due to first byte, 1 % of them hang", some);
        figures.number("endpoints_p99_moved", "p99 moves, all rounds together", together, "%");
        ratios.sort_by(f64::total_cmp);
        for (key, label, value) in [
            ("least", "p99 moves, the round with the least", ratios.first()),
            ("median", "p99 moves, median of the rounds", ratios.get(ratios.len() / 2)),
            ("most", "p99 moves, the round with the most", ratios.last()),
        ] {
            let value = value.copied().unwrap_or_default();
            figures.number(format!("endpoints_p99_moved_{key}"), label, value, "%");
        }
        for (key, lost) in
            ["endpoints_undelivered", "endpoints_hanging_undelivered"].iter().zip(missing)
        {
            figures.number(*key, "not delivered a minute later", lost, "");
        }
        Ok(())
    }

    /// The waits of what went to endpoints that answer, and how many of those never arrived.
    async fn endpoints_phase(&mut self, target: &Target, hanging: bool) -> Result<(Vec<i64>, f64)> {
        if hanging {
            self.control.send(Method::POST, "/hang", Bytes::new()).await?;
        }
        let all = load::open(target, &self.markers, ENDPOINTS_RATE, self.time).await?;
        let answers = |one: &&Accepted| !(one.marker % setup::ENDPOINTS).is_multiple_of(100);
        let healthy: Vec<Accepted> = all.iter().filter(answers).copied().collect();
        // By name: what an earlier phase left behind may arrive as well.
        let begun = Instant::now();
        let mut hits = self.hits().await?;
        while begun.elapsed() < SETTLE_WITHIN
            && !healthy.iter().all(|one| hits.contains_key(&one.marker))
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
            hits = self.hits().await?;
        }
        let waits =
            healthy.iter().filter_map(|one| Some((hits.get(&one.marker)? - one.sent_at).max(0)));
        let missing = healthy.iter().filter(|one| !hits.contains_key(&one.marker)).count();
        let waits = waits.collect();
        // Those that hang are answered, so that the next phase begins with nothing under way.
        self.control.send(Method::POST, "/answer", Bytes::new()).await?;
        self.settle(all.len()).await?;
        self.reset().await?;
        Ok((waits, missing as f64))
    }

    /// When each marker was first received.
    async fn hits(&mut self) -> Result<HashMap<u64, i64>> {
        let (_, text) = self.control.send(Method::GET, "/hits", Bytes::new()).await?;
        Ok(parse_hits(std::str::from_utf8(&text)?))
    }

    /// Runs of trees.
    async fn runs(
        &mut self,
        options: &Options,
        database: &Database,
        figures: &mut Figures,
    ) -> Result<()> {
        let mut runs = Runs {
            server: &self.server,
            api: &mut self.api,
            markers: &self.markers,
            time: self.time,
            callers: self.callers,
            details: options.details,
            database,
        };
        if options.wants(Scenario::Runs) {
            runs.two(options.rate, figures).await?;
        }
        if options.wants(Scenario::Chain) {
            runs.chain(figures).await?;
        }
        if options.wants(Scenario::Deferral) {
            runs.deferral(figures).await?;
        }
        if options.wants(Scenario::Loop) {
            runs.iterations(figures).await?;
        }
        Ok(())
    }
}

/// What 99 of 100 waits are at most, in milliseconds.
fn p99(waits: &[i64]) -> f64 {
    Latency::of(waits.to_vec()).map_or(0.0, |waits| waits.p99_ms)
}

/// By how many percent a figure moved.
fn moved(before: f64, after: f64) -> f64 {
    if before > 0.0 { (after / before - 1.0) * 100.0 } else { 0.0 }
}

fn parse_hits(text: &str) -> HashMap<u64, i64> {
    let parse = |line: &str| -> Option<(u64, i64)> {
        let (marker, at) = line.split_once(' ')?;
        Some((marker.parse().ok()?, at.parse().ok()?))
    };
    text.lines().filter_map(parse).collect()
}

fn progress(what: &str) {
    eprintln!("· {what}");
}
