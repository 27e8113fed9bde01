//! Faults one by one: processes that are killed, stopped and paused, disks that fill up, databases
//! that go away. `docs/operations/faults.md` names each row with its test.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Proxy, Weather};

use crate::client::{Client, PASSWORD, USERNAME};
use crate::disk::Disk;
use crate::ledger::{Ledger, Rules};
use crate::load::Load;
use crate::process::{Processes, Server};
use crate::receiver::{Manners, Receiver};
use crate::setup;

const SUBMIT: &str = "/app/api/v1/kapps/kill/forms/ticket/submissions?completed=true";
/// Beyond it nobody waits any more; everything is over much sooner.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server with its receiver.
struct World {
    folder: TempDir,
    processes: Processes,
    server: Option<Server>,
    client: Client,
    receiver: Receiver,
}

impl World {
    async fn start(database: Option<&str>) -> Self {
        Self::with(database, |_, processes| processes).await
    }

    async fn with(
        database: Option<&str>,
        change: impl FnOnce(&std::path::Path, Processes) -> Processes,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let processes = Processes::new(folder.path(), database.map(str::to_owned));
        let processes = change(folder.path(), processes);
        let server = Some(processes.start().await);
        let client = Client::new(processes.url());
        let (receiver, hook) = Receiver::start().await;
        setup::prepare(&client, &hook).await;
        Self { folder, processes, server, client, receiver }
    }

    async fn restart(&mut self) {
        self.server = Some(self.processes.start().await);
    }

    fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    /// Hits of each job that has any.
    fn hits(&self) -> Vec<usize> {
        self.receiver.hits().values().map(Vec::len).collect()
    }
}

async fn submit(client: &Client, count: usize) {
    for number in 0..count {
        client.post(SUBMIT, json!({ "values": { "Summary": format!("number {number}") } })).await;
    }
}

/// The outside jobs with their attempts.
async fn outside(client: &Client) -> Vec<Value> {
    let jobs = "/app/api/v1/kapps/kill/webhookJobs?include=details";
    let mut found = Vec::new();
    for job in client.all(jobs, "webhookJobs").await {
        if job["name"] == "Outside" {
            let id = job["id"].as_str().unwrap();
            let path = format!("/app/api/v1/webhookJobs/{id}?include=details,attempts");
            found.push(client.get(&path).await["webhookJob"].clone());
        }
    }
    found
}

/// Waits until so many outside jobs are all Complete; returns them.
async fn until_complete(client: &Client, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let jobs = outside(client).await;
        if jobs.len() == count && jobs.iter().all(|job| job["status"] == "Complete") {
            return jobs;
        }
        assert!(Instant::now() < deadline, "still open: {jobs:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn attempts(job: &Value) -> &Vec<Value> {
    job["attempts"].as_array().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_the_answer_and_the_commit_it_sends_once_more() {
    let database = testkit::postgres().await;
    for url in [None, Some(database.url())] {
        let mut world = World::start(url).await;
        world.receiver.behave(Manners::Kill(world.server().pid()));
        // The event may or may not be acknowledged before its webhook kills the server.
        let body = json!({ "values": { "Summary": "one" } });
        drop(world.client.send(Method::POST, SUBMIT, Some(&body)).await);
        world.server.take().unwrap().killed().await;
        let died = Instant::now();
        world.restart().await;
        until_complete(&world.client, 1).await;
        assert_eq!(world.hits(), [2], "one extra hit with the same id");
        assert!(died.elapsed() < Duration::from_secs(15), "it waited for a lease");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_lets_slow_requests_end_and_sends_nothing_twice() {
    let database = testkit::postgres().await;
    for url in [None, Some(database.url())] {
        let mut world = World::start(url).await;
        world.receiver.behave(Manners::Slow(Duration::from_millis(1_000)));
        submit(&world.client, 20).await;
        world.receiver.until_hits(1).await;
        assert!(world.server.take().unwrap().stop().await, "it ends well");
        world.receiver.behave(Manners::Good);
        world.restart().await;
        let jobs = until_complete(&world.client, 20).await;
        assert!(jobs.iter().all(|job| attempts(job).len() == 1), "{jobs:?}");
        assert_eq!(world.hits(), [1; 20]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_node_is_taken_over_and_others_obey_a_person() {
    let database = testkit::postgres().await;
    let mut world = World::start(Some(database.url())).await;
    let other = world.processes.sibling();
    let _second = other.start().await;
    let client = Client::new(other.url());
    world.receiver.behave(Manners::Hold);
    submit(&world.client, 30).await;
    world.receiver.until_hits(1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    // One that waits in the first node's memory is cancelled on the second.
    let hits = world.receiver.hits();
    let jobs = outside(&client).await;
    let waits = |job: &&Value| !hits.contains_key(job["id"].as_str().unwrap());
    let waiting = jobs.iter().find(waits).map(|job| job["id"].as_str().unwrap().to_owned());
    if let Some(id) = &waiting {
        let path = format!("/app/api/v1/webhookJobs/{id}");
        let cancelled =
            client.send(Method::PUT, &path, Some(&json!({ "status": "Cancelled" }))).await;
        assert_eq!(cancelled.unwrap().0, 200);
    }
    world.server.take().unwrap().kill();
    let died = Instant::now();
    world.receiver.behave(Manners::Good);
    let open = |jobs: &[Value]| {
        jobs.iter().filter(|job| !["Complete", "Cancelled"].contains(&status(job))).count()
    };
    while open(&outside(&client).await) > 0 {
        assert!(died.elapsed() < Duration::from_secs(15), "{:?}", outside(&client).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    eprintln!("taken over and delivered {} ms after the kill", died.elapsed().as_millis());
    if let Some(id) = waiting {
        assert!(!world.receiver.hits().contains_key(&id), "cancelled, and sent all the same");
    }
    assert!(world.hits().iter().all(|hits| *hits <= 2), "{:?}", world.hits());
}

fn status(job: &Value) -> &str {
    job["status"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_node_is_taken_over_and_its_late_result_changes_nothing() {
    let database = testkit::postgres().await;
    let world = World::with(Some(database.url()), |_, p| p.with("KAPOK_NODE_TIMEOUT", "2")).await;
    let other = world.processes.sibling();
    let _second = other.start().await;
    let client = Client::new(other.url());
    world.receiver.behave(Manners::Hold);
    submit(&world.client, 1).await;
    world.receiver.until_hits(1).await;
    // Long enough to be shown as In Progress, which is what others take over.
    tokio::time::sleep(Duration::from_millis(800)).await;
    world.server().signal("STOP");
    world.receiver.until_hits(2).await;
    world.receiver.behave(Manners::Good);
    until_complete(&client, 1).await;
    world.server().signal("CONT");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let jobs = outside(&client).await;
        let late = |attempt: &Value| attempt.to_string().contains("changed nothing");
        if attempts(&jobs[0]).iter().any(late) {
            assert_eq!(jobs[0]["status"], "Complete");
            break;
        }
        assert!(Instant::now() < deadline, "no late attempt: {jobs:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(world.hits(), [2]);
    // It goes on under another name.
    submit(&world.client, 1).await;
    until_complete(&client, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_cut_off_from_its_database_stops_sending() {
    let database = testkit::postgres().await;
    let network = Proxy::before(database.url()).await;
    let world = World::with(Some(&network.url()), |_, p| p.with("KAPOK_NODE_TIMEOUT", "2")).await;
    let other = world.processes.sibling().with("KAPOK_DATABASE_URL", database.url());
    let _second = other.start().await;
    let client = Client::new(other.url());
    world.receiver.behave(Manners::Hold);
    submit(&world.client, 100).await;
    world.receiver.until_hits(1).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let under_way = world.receiver.hits().len();
    network.set(Weather::Blackhole);
    // It has not heard of the database for 7/10 of two seconds, and is taken over after the rest.
    tokio::time::sleep(Duration::from_millis(2_600)).await;
    // Its deliveries end, so it has slots for those that wait in its memory.
    world.receiver.behave(Manners::Good);
    until_complete(&client, 100).await;
    let twice = world.hits().iter().filter(|hits| **hits > 1).count();
    assert!(twice <= under_way, "{twice} were sent twice, {under_way} were under way");
    assert!(world.hits().iter().all(|hits| *hits <= 2), "{:?}", world.hits());
    network.set(Weather::Fair);
    let deadline = Instant::now() + PATIENCE;
    let body = json!({ "values": { "Summary": "back" } });
    while !matches!(world.client.send(Method::POST, SUBMIT, Some(&body)).await, Ok((200, _))) {
        assert!(Instant::now() < deadline, "it does not come back");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_away_and_returns_loses_nothing() {
    let mut database = tokio::task::block_in_place(testkit::Cluster::start);
    let network = Proxy::before(&database.url()).await;
    let mut world = World::start(Some(&network.url())).await;
    let servers = [world.client.clone()];
    let (load, clients) = Load::paced(&servers, 4, Duration::from_millis(10));
    tokio::time::sleep(Duration::from_millis(800)).await;
    testkit::end_connections(&database.url()).await;
    tokio::time::sleep(Duration::from_millis(800)).await;
    // It dies without a word, and reads its log when it comes back.
    tokio::task::block_in_place(|| database.restart());
    until_ready(&world).await;
    tokio::time::sleep(Duration::from_millis(800)).await;
    network.set(Weather::Cut);
    let refused = refusal(&world).await;
    assert_eq!(refused, (503, true), "503 with Retry-After");
    network.set(Weather::Fair);
    until_ready(&world).await;
    tokio::time::sleep(Duration::from_millis(800)).await;
    load.stop();
    for client in clients {
        client.await.unwrap();
    }
    let ledger = Ledger::default();
    // Long before a lease ends: what a commit leased whose answer was lost is taken up at once.
    let settled = ledger.settle_within(&world.client, Duration::from_secs(30)).await;
    assert!(settled, "something waits for the end of its lease");
    let rules = Rules { extra_max: Some(0), ..Rules::STRICT };
    let hits = world.receiver.hits();
    ledger.check_by(&world.client, &load.acknowledged(), &hits, &rules).await;
    assert!(world.server.take().unwrap().stop().await, "the same process, to the end");
}

/// Submits until it is refused; the status and whether it says when to come back.
async fn refusal(world: &World) -> (u16, bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = reqwest::Client::new()
            .post(format!("{}{SUBMIT}", world.processes.url()))
            .basic_auth(USERNAME, Some(PASSWORD))
            .header("content-type", "application/json")
            .body(json!({ "values": { "Summary": "refused" } }).to_string())
            .send()
            .await
            .unwrap();
        if answer.status().as_u16() != 200 {
            return (answer.status().as_u16(), answer.headers().contains_key("retry-after"));
        }
        assert!(Instant::now() < deadline, "it is not refused");
    }
}

async fn ready(world: &World) -> (u16, String) {
    let answer = reqwest::get(format!("{}/readyz", world.processes.url())).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn until_ready(world: &World) {
    let deadline = Instant::now() + PATIENCE;
    while ready(world).await.0 != 200 {
        assert!(Instant::now() < deadline, "{:?}", ready(world).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_or_failing_disk_acknowledges_nothing_and_resumes() {
    let mut disk = None;
    let with_disk = |folder: &std::path::Path, processes: Processes| {
        let own = disk.insert(Disk::new(folder));
        own.settings().into_iter().fold(processes, |p, (name, value)| p.with(name, &value))
    };
    let mut world = World::with(None, with_disk).await;
    let disk = disk.unwrap();
    let servers = [world.client.clone()];
    let (load, clients) = Load::paced(&servers, 4, Duration::from_millis(10));
    for (breaks, says) in [(Disk::is_full as fn(&Disk), "full"), (Disk::fails, "I/O")] {
        tokio::time::sleep(Duration::from_millis(300)).await;
        breaks(&disk);
        assert_eq!(refusal(&world).await, (503, true), "503 with Retry-After");
        let (status, body) = ready(&world).await;
        assert!(status == 503 && body.contains(says), "{status} {body}");
        let before = load.acknowledged().len();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(load.acknowledged().len(), before, "acknowledged on a disk that is {says}");
        disk.is_fine();
        until_ready(&world).await;
    }
    // Commits are shared: a disk that is slow for one is as slow for all of them together.
    disk.is_slow(200);
    let (crowd, more) = Load::paced(&servers, 24, Duration::ZERO);
    tokio::time::sleep(Duration::from_secs(4)).await;
    let slowly = crowd.acknowledged().len();
    disk.is_fine();
    crowd.stop();
    load.stop();
    for client in clients.into_iter().chain(more) {
        client.await.unwrap();
    }
    assert!(slowly >= 60, "{slowly} in 4 s, where one by one there would be 20");
    let ledger = Ledger::default();
    assert!(ledger.settle(&world.client).await, "{}", world.processes.log_tail());
    let mut acknowledged = load.acknowledged();
    acknowledged.extend(crowd.acknowledged());
    ledger.check(&world.client, &acknowledged, &world.receiver.hits()).await;
    assert!(world.server.take().unwrap().stop().await, "the same process, to the end");
    drop(world.folder);
}
