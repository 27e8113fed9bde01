//! The server is killed with SIGKILL at random instants under load, and the ledger still holds:
//! every acknowledged submission has each of its jobs exactly once and delivered (L1), a receiver
//! sees no more hits than attempts and crashes explain (L2), there is one run for a job and no
//! node of it runs twice (L6), and nothing is left that waits for nobody (L7).
//!
//! Real processes on both databases; `cargo xtask test --only kill` runs it alone. The instants
//! follow from a seed that is printed; `KAPOK_SEED` repeats it.

mod ledger;
mod process;
mod receiver;

use process::Kapok;
use receiver::Receiver;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How often the server is killed on each database.
const KILLS: usize = 50;
/// Submissions that are under way at any time.
const CALLERS: usize = 4;
/// Milliseconds that a server lives, at least and at most.
const LIFE_MS: (u64, u64) = (30, 400);
/// The kapp of the submissions, and the workflow source of the tree.
const KAPP: &str = "kill";
const SOURCE: &str = "Kill";
/// The webhooks that every submission fires.
const WEBHOOKS: [&str; 2] = ["Inside", "Outside"];

#[tokio::test(flavor = "multi_thread")]
async fn a_server_on_sqlite_keeps_its_ledger() {
    keeps_its_ledger(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_on_postgresql_keeps_its_ledger() {
    let database = testkit::postgres().await;
    keeps_its_ledger(Some(database.url())).await;
}

async fn keeps_its_ledger(database_url: Option<&str>) {
    let mut random = Random::seeded();
    let receiver = Receiver::start().await;
    let mut kapok = Kapok::new(database_url);
    kapok.start().await;
    set_up(&kapok, &receiver).await;

    let load = Load::start(&kapok);
    for _ in 0..KILLS {
        let life = random.between(LIFE_MS.0, LIFE_MS.1);
        tokio::time::sleep(Duration::from_millis(life)).await;
        kapok.kill();
        kapok.start().await;
    }
    let accepted = load.stop().await;
    println!("{} submissions were acknowledged", accepted.len());
    assert!(accepted.len() > KILLS, "too little load to prove anything");

    ledger::settle(&kapok).await;
    let hits = receiver.hits();
    ledger::check(&kapok, &accepted, &hits).await;
}

/// Creates the form, the tree of five nodes, and the two webhooks.
async fn set_up(kapok: &Kapok, receiver: &Receiver) {
    kapok.post("/app/api/v1/kapps", &json!({ "name": KAPP, "slug": KAPP })).await;
    let page = json!({
        "name": "Page 1", "type": "page", "renderType": "submittable",
        "elements": [{
            "type": "field", "name": "Marker", "key": "f1", "label": "Marker",
            "dataType": "string", "renderType": "text", "required": true,
        }],
    });
    let form = json!({ "name": "Order", "slug": "order", "status": "Active", "pages": [page] });
    kapok.post(&format!("/app/api/v1/kapps/{KAPP}/forms"), &form).await;
    let source = json!({ "name": SOURCE, "status": "Active", "type": "Adhoc" });
    kapok.post(&format!("{}/sources", process::TASK), &source).await;
    let tree = json!({
        "sourceName": SOURCE, "sourceGroup": "Orders", "name": "Submitted", "type": "Tree",
        "status": "Active", "treeJson": tree(&receiver.url("/effect")),
    });
    kapok.post(&format!("{}/trees", process::TASK), &tree).await;
    let inside = format!("/app/api/v1/run-tree/{SOURCE}/Orders/Submitted");
    for (name, url) in WEBHOOKS.into_iter().zip([inside, receiver.url("/hook")]) {
        let webhook = json!({
            "name": name, "type": "Submission", "event": "Submitted", "filter": "", "url": url,
        });
        kapok.post(&format!("/app/api/v1/kapps/{KAPP}/webhooks"), &webhook).await;
    }
}

/// Start, echo, a request to the receiver, a wait of a second, echo.
fn tree(effect: &str) -> Value {
    let echo = [("input", "<%= @values['Marker'] %>")];
    let request = [("method", "POST"), ("url", effect), ("body", "{}")];
    let wait = [("Time to wait", "1"), ("Time unit", "Second")];
    let nodes: [(&str, &str, &[(&str, &str)]); 5] = [
        ("start", "system_start_v1", &[]),
        ("utilities_echo_v1_1", "utilities_echo_v1", &echo),
        ("kapok_http_request_v1_2", "kapok_http_request_v1", &request),
        ("system_wait_v1_3", "system_wait_v1", &wait),
        ("utilities_echo_v1_4", "utilities_echo_v1", &echo),
    ];
    let following = nodes.iter().skip(1).map(|(id, ..)| Some(*id)).chain([None]);
    let connectors: Vec<Value> = nodes
        .iter()
        .zip(following.clone())
        .filter_map(|((from, ..), to)| {
            let to = to?;
            Some(json!({ "from": from, "to": to, "type": "Complete", "label": "", "value": "" }))
        })
        .collect();
    let nodes: Vec<Value> = nodes
        .iter()
        .zip(following)
        .map(|((id, definition, parameters), next)| {
            let parameters: Vec<Value> = parameters
                .iter()
                .map(|(id, value)| json!({ "id": id, "label": id, "value": value }))
                .collect();
            let next: Vec<Value> = next
                .iter()
                .map(|to| json!({ "label": "", "type": "Complete", "value": "", "content": to }))
                .collect();
            json!({
                "id": id, "name": id, "definitionId": definition, "version": 1,
                "configured": true, "defers": false, "deferrable": *id == "system_wait_v1_3",
                "visible": true, "position": { "x": 0, "y": 0 }, "messages": [],
                "parameters": parameters, "dependents": { "task": next },
            })
        })
        .collect();
    json!({
        "builderVersion": "", "schemaVersion": "1.0", "version": "", "lastId": 4,
        "name": "Submitted", "notes": "", "processOwnerEmail": "",
        "nodes": nodes, "connectors": connectors,
    })
}

/// Callers that submit without a pause, whether or not a server is there.
struct Load {
    stopping: Arc<AtomicBool>,
    accepted: Arc<Mutex<BTreeSet<String>>>,
    callers: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn start(kapok: &Kapok) -> Self {
        let stopping = Arc::new(AtomicBool::new(false));
        let accepted = Arc::new(Mutex::new(BTreeSet::new()));
        let callers = (0..CALLERS)
            .map(|caller| {
                let (stopping, accepted) = (Arc::clone(&stopping), Arc::clone(&accepted));
                let client = kapok.client();
                tokio::spawn(async move {
                    for number in 0.. {
                        if stopping.load(Ordering::Relaxed) {
                            return;
                        }
                        let body = json!({
                            "coreState": "Submitted",
                            "values": { "Marker": format!("{caller}-{number}") },
                        });
                        let path = format!("/app/api/v1/kapps/{KAPP}/forms/order/submissions");
                        match client.try_post(&path, &body).await {
                            Some(answer) => {
                                let id = answer["submission"]["id"].as_str().unwrap().to_owned();
                                accepted.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
                            }
                            // No server right now.
                            None => tokio::time::sleep(Duration::from_millis(5)).await,
                        }
                    }
                })
            })
            .collect();
        Self { stopping, accepted, callers }
    }

    /// Ends the load; returns the ids of the submissions that were acknowledged.
    async fn stop(self) -> BTreeSet<String> {
        self.stopping.store(true, Ordering::Relaxed);
        for caller in self.callers {
            caller.await.unwrap();
        }
        let accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        accepted.clone()
    }
}

/// Numbers that follow from a seed (xorshift).
struct Random(u64);

impl Random {
    fn seeded() -> Self {
        let given = std::env::var("KAPOK_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            u64::from(since.subsec_nanos()) + 1
        });
        println!("KAPOK_SEED={seed}");
        Self(seed)
    }

    fn between(&mut self, least: u64, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        least + self.0 % (most - least)
    }
}
