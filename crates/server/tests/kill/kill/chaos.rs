//! Everything at once: a server under load, or two nodes on PostgreSQL, with faults drawn at
//! random, and then the ledger. `cargo xtask chaos --minutes N --seed S [--postgres]`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{Proxy, Weather};

use crate::client::Client;
use crate::disk::Disk;
use crate::ledger::{Ledger, Rules};
use crate::load::Load;
use crate::process::{Processes, Resources, Server};
use crate::receiver::{Manners, Receiver};
use crate::seed::{Random, fresh_seed};
use crate::setup;

/// Each test's own share of time.
const SHORT: Duration = Duration::from_secs(10);
/// How long work may still be under way after a short run on a busy machine, and after a long one:
/// a lease and some.
const SETTLE: (Duration, Duration) = (Duration::from_secs(25), Duration::from_secs(120));
/// Faults come after a while of this length.
const CALM: (Duration, Duration) = (Duration::from_millis(200), Duration::from_millis(1_200));
/// What a node may take more than before the load, once all is settled (L5): the receivers' idle
/// connections and those of its own callers, a pool that has grown, and memory that the allocator
/// keeps after a crowd. What leaks with each fault or delivery is far beyond that.
const MORE: Resources = Resources { kib: 128 * 1_024, handles: 160, sockets: 150 };
/// How long it may take to give the rest back.
const GIVEN_BACK: Duration = Duration::from_secs(60);
/// Clients that create submissions, and what each rests after an answer.
const LOAD: (usize, Duration) = (6, Duration::from_millis(40));

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shortly_on_sqlite() {
    story(None, fresh_seed(), SHORT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shortly_on_two_nodes() {
    let database = testkit::postgres().await;
    story(Some(database.url()), fresh_seed(), SHORT).await;
}

/// What `cargo xtask chaos` runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes as long as it is told to"]
async fn at_length() {
    let given = |name: &str| std::env::var(name).ok();
    let minutes = given("KAPOK_CHAOS_MINUTES").and_then(|text| text.parse::<f64>().ok());
    let seed = given("KAPOK_CHAOS_SEED").and_then(|text| text.parse().ok());
    let time = Duration::from_secs_f64(minutes.unwrap_or(1.0) * 60.0);
    let seed = seed.unwrap_or_else(fresh_seed);
    match given("KAPOK_CHAOS_POSTGRES") {
        Some(_) => {
            let cluster = tokio::task::block_in_place(testkit::Cluster::start);
            story_on(Some(&cluster.url()), Some(cluster), seed, time).await;
        }
        None => story(None, seed, time).await,
    }
}

/// A node that comes and goes.
struct Node {
    processes: Processes,
    client: Client,
    server: Option<Server>,
    network: Option<Proxy>,
}

/// Everything there is to break.
struct Stage {
    nodes: Vec<Node>,
    disk: Option<Disk>,
    database: Option<String>,
    /// A database server of its own, which can be restarted.
    cluster: Option<testkit::Cluster>,
    random: Random,
    done: BTreeMap<&'static str, usize>,
    /// Processes that ended without a chance to write down what they had sent.
    deaths: usize,
}

async fn story(database: Option<&str>, seed: u64, time: Duration) {
    story_on(database, None, seed, time).await;
}

async fn story_on(
    database: Option<&str>,
    cluster: Option<testkit::Cluster>,
    seed: u64,
    time: Duration,
) {
    println!("KAPOK_CHAOS_SEED={seed}");
    let folder = tempfile::tempdir().unwrap();
    let (receiver, hook) = Receiver::start().await;
    let (wild, wild_hook) = Receiver::start().await;
    wild.behave(Manners::Wild(seed));
    let mut stage = Stage::build(folder.path(), database, seed).await;
    stage.cluster = cluster;
    let client = stage.nodes[0].client.clone();
    let made = client.post("/app/api/v1/signing-keys", json!({ "kind": "v1" })).await;
    for receiver in [&receiver, &wild] {
        receiver.expect_signed(made["key"]["secret"].as_str().unwrap());
    }
    setup::prepare_with(&client, &[("Outside", &hook), ("Wild", &wild_hook)]).await;
    let before = stage.resources();
    let clients: Vec<Client> = stage.nodes.iter().map(|node| node.client.clone()).collect();
    let (load, tasks) = Load::paced(&clients, LOAD.0, LOAD.1);
    let (mut ledger, end) = (Ledger::default(), Instant::now() + time);
    while Instant::now() < end {
        tokio::time::sleep(stage.random.between(CALM.0, CALM.1)).await;
        stage.fault().await;
        ledger.note_finished_if(&client).await;
    }
    load.stop();
    for task in tasks {
        task.await.unwrap();
    }
    wild.behave(Manners::Good);
    let is_long = time > SHORT;
    let settled = ledger.settle_within(&client, if is_long { SETTLE.1 } else { SETTLE.0 }).await;
    let rules = Rules {
        names: &["Inside", "Outside", "Wild"],
        may_wait: true,
        extra_max: Some(stage.deaths),
    };
    let mut hits = receiver.hits();
    hits.extend(wild.hits());
    let total: usize = hits.values().map(Vec::len).sum();
    let acknowledged = load.acknowledged();
    assert!(acknowledged.len() > 20, "only {} submissions", acknowledged.len());
    let found = ledger.check_by(&client, &acknowledged, &hits, &rules).await;
    let mut stamps = BTreeMap::new();
    for signatures in [receiver.signatures(), wild.signatures()] {
        assert!(signatures.broken.is_empty(), "L3: {:?}", signatures.broken);
        stamps.extend(signatures.stamps);
    }
    let signed = found.check_stamps(&stamps);
    let after = stage.given_back(&before).await;
    println!("seed {seed}, {} s, {}", time.as_secs(), stage.name());
    println!("faults injected: {:?}", stage.done);
    println!("accepted {}, refused or unanswered {}", acknowledged.len(), load.refused());
    println!(
        "events {}, jobs {}, delivered {}, still waiting {}, runs {}",
        found.events, found.jobs, found.delivered, found.waiting, found.runs
    );
    println!("hits {total}, beyond recorded attempts {}, settled {settled}", found.extra);
    println!("every signature holds; {signed} answered attempts were signed when they were made");
    let (p50, p99) = found.lags();
    println!("first attempts to the healthy endpoint began after {p50} ms (p50), {p99} ms (p99)");
    println!("resources before {before:?} and after {after:?}");
    println!("violations of the ledger: none");
    for node in &mut stage.nodes {
        let log = node.processes.log_tail();
        assert!(node.server.take().unwrap().stop().await, "it did not end well\n{log}");
    }
}

impl Stage {
    async fn build(folder: &std::path::Path, database: Option<&str>, seed: u64) -> Self {
        let mut nodes = Vec::new();
        let mut disk = None;
        match database {
            None => {
                let own = Disk::new(folder);
                let mut processes = Processes::new(folder, None);
                for (name, value) in own.settings() {
                    processes = processes.with(name, &value);
                }
                disk = Some(own);
                nodes.push(Node::start(processes, None).await);
            }
            Some(url) => {
                for _ in 0..2 {
                    let network = Proxy::before(url).await;
                    let processes =
                        Processes::new(folder, Some(network.url())).with("KAPOK_NODE_TIMEOUT", "2");
                    nodes.push(Node::start(processes, Some(network)).await);
                }
            }
        }
        Self {
            nodes,
            disk,
            database: database.map(str::to_owned),
            cluster: None,
            random: Random::from(seed),
            done: BTreeMap::new(),
            deaths: 0,
        }
    }

    fn name(&self) -> &'static str {
        if self.database.is_some() { "two nodes on PostgreSQL" } else { "SQLite" }
    }

    /// What each node takes at the moment.
    fn resources(&self) -> Vec<Resources> {
        self.nodes.iter().map(|node| node.server.as_ref().unwrap().resources()).collect()
    }

    /// L5: waits until each node takes hardly more than before, and returns what that is.
    async fn given_back(&self, before: &[Resources]) -> Vec<Resources> {
        let deadline = Instant::now() + GIVEN_BACK;
        loop {
            let now = self.resources();
            let fits = now.iter().zip(before).all(|(now, before)| {
                now.kib <= before.kib + MORE.kib
                    && now.handles <= before.handles + MORE.handles
                    && now.sockets <= before.sockets + MORE.sockets
            });
            if fits {
                return now;
            }
            assert!(Instant::now() < deadline, "L5: before {before:?}, and now {now:?}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// One fault, and what ends it.
    async fn fault(&mut self) {
        let which = usize::try_from(self.random.below(self.nodes.len() as u64)).unwrap();
        let short = self.random.between(Duration::from_millis(100), Duration::from_millis(900));
        let long = self.random.between(Duration::from_millis(500), Duration::from_millis(3_500));
        let name = match (self.random.below(6), &self.disk) {
            (0, _) => {
                self.deaths += 1;
                self.nodes[which].server.take().unwrap().kill();
                self.nodes[which].restart().await;
                "kill -9"
            }
            (1, _) => {
                // What outlasts the grace time is not written down.
                self.deaths += 1;
                let server = self.nodes[which].server.take().unwrap();
                assert!(server.stop().await, "it did not end well");
                self.nodes[which].restart().await;
                "SIGTERM"
            }
            (2, _) => {
                let server = self.nodes[which].server.as_ref().unwrap();
                server.signal("STOP");
                tokio::time::sleep(long).await;
                server.signal("CONT");
                "SIGSTOP"
            }
            (3, Some(disk)) => {
                disk.is_full();
                tokio::time::sleep(short).await;
                disk.is_fine();
                "disk full"
            }
            (4, Some(disk)) => {
                disk.fails();
                tokio::time::sleep(short).await;
                disk.is_fine();
                "fsync fails"
            }
            (_, Some(disk)) => {
                disk.is_slow(100);
                tokio::time::sleep(long).await;
                disk.is_fine();
                "slow disk"
            }
            (3, None) => {
                self.nodes[which].network.as_ref().unwrap().cut(short).await;
                "connections to the database cut"
            }
            (4, None) => {
                let network = self.nodes[which].network.as_ref().unwrap();
                network.set(Weather::Blackhole);
                tokio::time::sleep(long).await;
                network.set(Weather::Fair);
                "cut off from the database"
            }
            (_, None) if self.cluster.is_some() && self.random.below(2) == 0 => {
                let cluster = self.cluster.as_mut().unwrap();
                tokio::task::block_in_place(|| cluster.restart());
                "PostgreSQL restarted"
            }
            (_, None) => {
                testkit::end_connections(self.database.as_ref().unwrap()).await;
                "backends terminated"
            }
        };
        *self.done.entry(name).or_default() += 1;
    }
}

impl Node {
    async fn start(processes: Processes, network: Option<Proxy>) -> Self {
        let server = Some(processes.start().await);
        Self { client: Client::new(processes.url()), processes, server, network }
    }

    async fn restart(&mut self) {
        self.server = Some(self.processes.start().await);
    }
}
