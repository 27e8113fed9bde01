//! Everything at once: a server under load, or two nodes on PostgreSQL, with faults drawn at
//! random, and then the ledger. `cargo xtask chaos --minutes N --seed S [--postgres]`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::disk::Disk;
use crate::ledger::{Ledger, Rules};
use crate::load::Load;
use crate::process::{Processes, Server};
use crate::proxy::{Proxy, Weather};
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
    let database = match given("KAPOK_CHAOS_POSTGRES") {
        Some(_) => Some(testkit::postgres().await),
        None => None,
    };
    let url = database.as_ref().map(testkit::Database::url);
    story(url, seed.unwrap_or_else(fresh_seed), time).await;
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
    random: Random,
    done: BTreeMap<&'static str, usize>,
    /// Processes that ended without a chance to write down what they had sent.
    deaths: usize,
}

async fn story(database: Option<&str>, seed: u64, time: Duration) {
    println!("KAPOK_CHAOS_SEED={seed}");
    let folder = tempfile::tempdir().unwrap();
    let (receiver, hook) = Receiver::start().await;
    let (wild, wild_hook) = Receiver::start().await;
    wild.behave(Manners::Wild(seed));
    let mut stage = Stage::build(folder.path(), database, seed).await;
    let client = stage.nodes[0].client.clone();
    setup::prepare_with(&client, &[("Outside", &hook), ("Wild", &wild_hook)]).await;
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
    println!("seed {seed}, {} s, {}", time.as_secs(), stage.name());
    println!("faults injected: {:?}", stage.done);
    println!("accepted {}, refused or unanswered {}", acknowledged.len(), load.refused());
    println!(
        "events {}, jobs {}, delivered {}, still waiting {}, runs {}",
        found.events, found.jobs, found.delivered, found.waiting, found.runs
    );
    println!("hits {total}, beyond recorded attempts {}, settled {settled}", found.extra);
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
            random: Random::from(seed),
            done: BTreeMap::new(),
            deaths: 0,
        }
    }

    fn name(&self) -> &'static str {
        if self.database.is_some() { "two nodes on PostgreSQL" } else { "SQLite" }
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
                "database restarts"
            }
            (4, None) => {
                let network = self.nodes[which].network.as_ref().unwrap();
                network.set(Weather::Blackhole);
                tokio::time::sleep(long).await;
                network.set(Weather::Fair);
                "cut off from the database"
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
