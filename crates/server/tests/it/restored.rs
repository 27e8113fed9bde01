//! A restored copy of the database sends nothing again before somebody has decided: the binary
//! itself, with its own commands.

use crate::harness::{ADMIN, config};
use crate::process::Process;
use axum::Router;
use axum::extract::State;
use http::StatusCode;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use server::serve;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What a receiver got, and what it answers.
#[derive(Default)]
struct Door {
    hits: AtomicUsize,
    status: AtomicU16,
    bodies: Mutex<Vec<String>>,
}

async fn knock(State(door): State<Arc<Door>>, body: String) -> StatusCode {
    door.bodies.lock().unwrap().push(body);
    door.hits.fetch_add(1, SeqCst);
    StatusCode::from_u16(door.status.load(SeqCst)).unwrap()
}

async fn receiver() -> (SocketAddr, Arc<Door>) {
    let door = Arc::new(Door::default());
    door.status.store(500, SeqCst);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new().fallback(knock).with_state(door.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    (address, door)
}

/// A client of a server at a port.
struct Api(String);

impl Api {
    fn at(port: u16) -> Self {
        Self(format!("http://127.0.0.1:{port}/app/api/v1"))
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.0);
        let request = Client::new().request(method, url).basic_auth(ADMIN.0, Some(ADMIN.1));
        let answer = request.json(&body).send().await.unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{status} {path}: {body}");
        body
    }

    async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, json!({})).await
    }

    async fn job(&self, name: &str, to: SocketAddr) -> String {
        let job = json!({"name": name, "url": format!("http://{to}/"), "requestContent": name});
        let made = self.ask(Method::POST, "/webhookJobs", job).await;
        format!("/webhookJobs/{}", made["webhookJob"]["id"].as_str().unwrap())
    }

    /// Reads a job until it is as wanted.
    async fn until(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let job = self.get(path).await["webhookJob"].take();
            if is_so(&job) {
                return job;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{job}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn restoration(&self) -> Value {
        self.get("/restoration").await["restoration"].take()
    }

    async fn decide(&self, decision: Value) -> Value {
        self.ask(Method::POST, "/restoration/actions", decision).await["restoration"].take()
    }
}

fn kapok(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_kapok"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("KAPOK_DATABASE_URL")
        .env("KAPOK_LISTEN", "127.0.0.1:0")
        .env("KAPOK_DATA_DIR", folder.join("data"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

const SERVER: [(&str, &str); 2] =
    [("KAPOK_ADMIN_PASSWORD", ADMIN.1), ("KAPOK_ALLOW_CIDRS", "127.0.0.0/8")];

async fn start(folder: &Path) -> (Process, Api) {
    let process = Process::with(folder, &SERVER);
    process.ready().await;
    let api = Api::at(process.port);
    (process, api)
}

fn failed_once(job: &Value) -> bool {
    job["status"] == "Queued" && job["errorClass"].is_string()
}

fn is(status: &'static str) -> impl Fn(&Value) -> bool {
    move |job| job["status"] == status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_copy_sends_nothing_again_before_the_decision() {
    let folder = tempfile::tempdir().unwrap();
    let (to, door) = receiver().await;
    let (process, api) = start(folder.path()).await;
    let path = api.job("once", to).await;
    api.until(&path, failed_once).await;
    assert!(kapok(folder.path(), &["backup", "--to", "copy.db"]).contains("copied to copy.db"));
    // What the copy does not know: the job is delivered.
    door.status.store(200, SeqCst);
    api.ask(Method::PUT, &path, json!({"status": "Queued"})).await;
    api.until(&path, is("Complete")).await;
    assert_eq!(door.hits.load(SeqCst), 2);
    process.stop();

    let said = kapok(folder.path(), &["restore", "--from", "copy.db"]);
    assert!(said.contains("before-restore-1") && said.contains("decide"), "{said}");
    let (process, api) = start(folder.path()).await;
    let waits = api.restoration().await;
    assert_eq!((&waits["jobs"], &waits["areJobsHeld"]), (&json!(1), &json!(true)), "{waits}");
    // Even asked for, it waits, and so does what is new.
    api.ask(Method::PUT, &path, json!({"status": "Queued"})).await;
    let new = api.job("new", to).await;
    assert_eq!(door.hits.load(SeqCst), 2);
    let waits = api.decide(json!({"jobs": "cancel"})).await;
    assert_eq!((&waits["areJobsHeld"], &waits["areRunsHeld"]), (&json!(false), &json!(true)));
    api.until(&new, is("Complete")).await;
    let job = api.until(&path, is("Cancelled")).await;
    assert_eq!(job["summary"], "Cancelled after a restore");
    assert_eq!(*door.bodies.lock().unwrap(), ["once", "once", "new"]);
    assert_eq!(api.decide(json!({"runs": "continue"})).await, Value::Null);
    process.stop();

    // The file alone, put in place by hand, is known by what it does not remember.
    let data = folder.path().join("data");
    for log in ["kapok.db-wal", "kapok.db-shm"] {
        let _ = std::fs::remove_file(data.join(log));
    }
    std::fs::copy(folder.path().join("copy.db"), data.join("kapok.db")).unwrap();
    let (process, api) = start(folder.path()).await;
    let waits = api.restoration().await;
    assert!(waits["reason"].as_str().unwrap().contains("older"), "{waits}");
    assert_eq!(api.get(&path).await["webhookJob"]["status"], "Queued");
    assert_eq!(api.decide(json!({"jobs": "send", "runs": "cancel"})).await, Value::Null);
    api.until(&path, is("Complete")).await;
    assert_eq!(door.bodies.lock().unwrap().last().unwrap(), "once");
    process.stop();

    // An ordinary restart is none.
    let (process, api) = start(folder.path()).await;
    assert_eq!(api.restoration().await, Value::Null);
    process.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_so_holds_what_it_finds() {
    let (to, door) = receiver().await;
    for store in testkit::both().await {
        let before = door.hits.load(SeqCst);
        door.status.store(500, SeqCst);
        let first = serve::start(config(store.options())).await.unwrap();
        let api = Api::at(first.address.port());
        let path = api.job("once", to).await;
        api.until(&path, failed_once).await;
        first.stop().await;
        let mut told = config(store.options());
        told.hold_restored = true;
        let second = serve::start(told).await.unwrap();
        let api = Api::at(second.address.port());
        door.status.store(200, SeqCst);
        api.ask(Method::PUT, &path, json!({"status": "Queued"})).await;
        let waits = api.restoration().await;
        assert!(waits["reason"].as_str().unwrap().contains("--hold-restored"), "{waits}");
        let delivery = api.get("/delivery").await["delivery"].take();
        assert_eq!(
            (&delivery["paused"], &delivery["pausedBy"]),
            (&json!(true), &json!("a restored backup"))
        );
        assert_eq!(door.hits.load(SeqCst), before + 1);
        api.decide(json!({"jobs": "send", "runs": "continue"})).await;
        api.until(&path, is("Complete")).await;
        assert_eq!(door.hits.load(SeqCst), before + 2);
        second.stop().await;
    }
}

#[test]
fn copies_are_made_and_used_with_care() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str], said: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_kapok"))
            .args(arguments)
            .current_dir(folder.path())
            .env_remove("KAPOK_DATABASE_URL")
            .env("KAPOK_DATA_DIR", folder.path().join("data"))
            .env("KAPOK_LISTEN", "127.0.0.1:0")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && text.contains(said), "{text}");
    };
    refused(&["backup", "--to", "copy.db"], "there is no database");
    std::fs::write(folder.path().join("junk"), "junk").unwrap();
    refused(&["restore", "--from", "junk"], "it is no database of Kapok");
    refused(&["restore", "--from", "nothing"], "cannot be used");
    let postgres = ["--database-url", "postgres://nobody@127.0.0.1:1/x"];
    refused(&[&["backup", "--to", "x"], &postgres[..]].concat(), "use pg_dump");
    refused(&[&["restore", "--from", "junk"], &postgres[..]].concat(), "use pg_restore");
}
