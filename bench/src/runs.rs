//! Runs of trees: how many a second, how soon they end, and what they cost the server.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::client::Client;
use crate::load::{self, Accepted, MARKER_DIGITS, MARKER_PREFIX, Markers, Target};
use crate::measure::{self, Latency};
use crate::process::Process;
use crate::report::Figures;
use crate::setup;
use crate::trees::{self, Tree};
use crate::watch::{Database, Watch};

/// How long started runs may take to end, after the load has ended.
const SETTLE_WITHIN: Duration = Duration::from_secs(60);
/// Runs of the chain and of the loop that are measured one after the other.
const ONE_BY_ONE: usize = 50;

/// What measures runs.
pub(crate) struct Runs<'a> {
    /// The server.
    pub(crate) server: &'a Process,
    /// A connection to it.
    pub(crate) api: &'a mut Client,
    /// The numbering of submissions.
    pub(crate) markers: &'a Markers,
    /// Seconds of each loaded measurement.
    pub(crate) time: Duration,
    /// Callers at once.
    pub(crate) callers: usize,
    /// Bytes of text in a submission.
    pub(crate) details: usize,
    /// Where to see runs end.
    pub(crate) database: &'a Database,
}

impl Runs<'_> {
    /// Runs of two nodes, each started by a submission: as many as possible, then the time that
    /// each takes at half of that rate.
    pub(crate) async fn two(&mut self, rate: Option<f64>, figures: &mut Figures) -> Result<()> {
        figures.section("Workflows: one submission, one run of two nodes");
        let most = self.many(&trees::TWO, "run", figures).await?;
        let rate = rate.unwrap_or((most / 2.0).max(1.0));
        eprintln!("· runs of two nodes at {rate:.0} a second");
        let target = self.target(&trees::TWO);
        let watch = Watch::begin(self.database).await?;
        let accepted = load::open(&target, self.markers, rate, self.time).await?;
        // The last ones are seen to end as well.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let ended = watch.end().await?;
        figures.number("run_half_rate", "submissions due", rate, "1/s");
        let since = |from: fn(&Accepted) -> i64| {
            let waits = accepted.iter().filter_map(|one| {
                // It may be seen to end before the caller has read its answer.
                Some((ended.get(&one.marker)? - from(one)).max(0))
            });
            Latency::of(waits.collect())
        };
        let label = "event accepted to run complete";
        figures.latency("run_accepted_to_complete", label, since(|one| one.accepted_at));
        let label = "from when it was due to run complete";
        figures.latency("run_due_to_complete", label, since(|one| one.sent_at));
        let missing = accepted.iter().filter(|one| !ended.contains_key(&one.marker)).count();
        figures.number("run_half_unfinished", "not complete a second later", missing as f64, "");
        Ok(())
    }

    /// Runs of forty nodes: one by one, then as many as possible.
    pub(crate) async fn chain(&mut self, figures: &mut Figures) -> Result<()> {
        figures.section("Workflows: one submission, one run of forty pure nodes");
        self.one_by_one(&trees::CHAIN, "chain", trees::CHAIN_NODES, figures).await?;
        self.many(&trees::CHAIN, "chain", figures).await?;
        Ok(())
    }

    /// Runs of a loop of a thousand iterations, one by one.
    pub(crate) async fn iterations(&mut self, figures: &mut Figures) -> Result<()> {
        figures.section("Workflows: one submission, one run with a loop of 1,000");
        self.one_by_one(&trees::LOOP, "loop", trees::LOOP_ITEMS + 4, figures).await
    }

    /// Runs that wait for a completion: start, find the token, complete.
    pub(crate) async fn deferral(&mut self, figures: &mut Figures) -> Result<()> {
        figures.section("Workflows: start, read the token, complete it");
        eprintln!("· runs that wait for a completion, as many as possible");
        let tree = &trees::DEFERRAL;
        let before = tree.complete(self.api).await?;
        let cpu = measure::cpu_seconds(self.server.pid())?;
        let (begun, end) = (Instant::now(), Instant::now() + self.time);
        let mut callers = JoinSet::new();
        for _ in 0..self.callers {
            let mut client = Client::connect(self.server.address).await?;
            callers.spawn(async move {
                let mut done = 0_u64;
                while Instant::now() < end {
                    decide(&mut client).await?;
                    done += 1;
                }
                anyhow::Ok(done)
            });
        }
        let mut started = 0;
        while let Some(done) = callers.join_next().await {
            started += done.context("a caller panicked")??;
        }
        self.settle(tree, "deferral", before, started as f64, begun, cpu, figures).await
    }

    fn target(&self, tree: &Tree) -> Target {
        setup::inside(self.server.address, tree, self.details)
    }

    /// As many runs as possible; returns how many a second were complete.
    async fn many(&mut self, tree: &Tree, key: &str, figures: &mut Figures) -> Result<f64> {
        eprintln!("· submissions that start runs of {}, as many as possible", tree.name);
        let target = self.target(tree);
        let warm = Duration::from_secs(1);
        load::closed(&target, self.markers, 8, warm).await?;
        tokio::time::sleep(warm).await;
        let before = tree.complete(self.api).await?;
        let cpu = measure::cpu_seconds(self.server.pid())?;
        let begun = Instant::now();
        let accepted = load::closed(&target, self.markers, self.callers, self.time).await?;
        let loaded = begun.elapsed().as_secs_f64();
        let events = accepted.len() as f64;
        let label = "submissions accepted";
        figures.number(format!("{key}_accepted_per_second"), label, events / loaded, "1/s");
        let answers = accepted.iter().map(|one| one.accepted_at - one.sent_at).collect();
        let label = "until the caller is answered";
        figures.latency(&format!("{key}_accept"), label, Latency::of(answers));
        self.settle(tree, key, before, events, begun, cpu, figures).await?;
        Ok(events / loaded)
    }

    /// Waits until all runs have ended, and tells how many a second that were.
    #[expect(clippy::too_many_arguments, reason = "what was noted before the load")]
    async fn settle(
        &mut self,
        tree: &Tree,
        key: &str,
        before: u64,
        started: f64,
        begun: Instant,
        cpu: f64,
        figures: &mut Figures,
    ) -> Result<()> {
        let (complete, took) = loop {
            let complete = (tree.complete(self.api).await? - before) as f64;
            if complete >= started || begun.elapsed() > self.time + SETTLE_WITHIN {
                break (complete, begun.elapsed().as_secs_f64());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let cpu = measure::cpu_seconds(self.server.pid())? - cpu;
        figures.number(format!("{key}_per_second"), "runs completed", complete / took, "1/s");
        let missing = started - complete;
        figures.number(format!("{key}_unfinished"), "not complete a minute later", missing, "");
        let label = "server CPU for a run and what started it";
        figures.number(format!("cpu_us_per_{key}"), label, cpu / started * 1e6, "µs");
        Ok(())
    }

    /// Runs one after the other, each begun when the one before it has ended.
    async fn one_by_one(
        &mut self,
        tree: &Tree,
        key: &str,
        nodes: usize,
        figures: &mut Figures,
    ) -> Result<()> {
        eprintln!("· runs of {}, one by one", tree.name);
        let target = self.target(tree);
        let mut client = Client::connect(self.server.address).await?;
        let (mut times, mut cpu) = (Vec::new(), 0.0);
        for number in 0..=ONE_BY_ONE {
            let watch = Watch::begin(self.database).await?;
            let cpu_before = measure::cpu_seconds(self.server.pid())?;
            let sent = target.send(&mut client, self.markers.take()).await?;
            let ended = watch.until(sent.marker).await?;
            // The first one finds nothing prepared.
            if number > 0 {
                times.push(ended - sent.sent_at);
                cpu += measure::cpu_seconds(self.server.pid())? - cpu_before;
            }
        }
        let of = Latency::of(times).context("no run was measured")?;
        figures.latency(&format!("{key}_single"), "sent to complete, one by one", Some(of));
        let rate = nodes as f64 / of.p50_ms * 1e3;
        figures.number(format!("{key}_nodes_per_second"), "nodes of one run", rate, "1/s");
        let label = "server CPU for one run and its submission";
        let cpu = cpu / ONE_BY_ONE as f64 * 1e6;
        figures.number(format!("cpu_us_per_single_{key}"), label, cpu, "µs");
        Ok(())
    }
}

/// Starts a run that waits, finds its token and completes it.
async fn decide(client: &mut Client) -> Result<()> {
    let marker = format!("{MARKER_PREFIX}{:0MARKER_DIGITS$}", 0);
    let started =
        client.post(&trees::DEFERRAL.start(), &json!({ "values": { "Marker": marker } })).await?;
    let id = started["run"]["id"].as_i64().context("the start names no run")?;
    let path = format!("{}/v2/runs/{id}/tasks", trees::TASK);
    let begun = Instant::now();
    let token = loop {
        let tasks = client.get(&path).await?;
        let waiting = |task: &&Value| task["deferred"] == true;
        let all = tasks["tasks"].as_array();
        if let Some(task) = all.and_then(|all| all.iter().find(waiting)) {
            break task["token"].as_str().unwrap_or_default().to_owned();
        }
        if begun.elapsed() > SETTLE_WITHIN {
            bail!("run {id} does not come to wait");
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    let path = format!("{}/v1/complete-deferred-task/Bench", trees::TASK);
    let body = json!({ "token": token, "results": { "Decision": "Approved" } });
    let (status, answer) = client.send(Method::POST, &path, Bytes::from(body.to_string())).await?;
    if status != StatusCode::OK {
        bail!("{path} answered {status}: {}", String::from_utf8_lossy(&answer));
    }
    Ok(())
}
