//! A `kapok serve` process that is started and killed again and again on the same data.

use serde_json::Value;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The workflow engine's routes.
pub(super) const TASK: &str = "/app/components/task/app/api/v2";
const ADMIN: (&str, &str) = ("admin", "a password for tests");
/// How long a debug build may take until it is ready.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// The server's process, its data and its address, which outlive each single life.
pub(super) struct Kapok {
    address: SocketAddr,
    folder: tempfile::TempDir,
    database_url: Option<String>,
    client: Client,
    child: Option<Child>,
}

impl Kapok {
    /// A server that is not started yet; on SQLite in a temporary folder without a URL.
    pub(super) fn new(database_url: Option<&str>) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Self {
            address,
            folder: tempfile::tempdir().unwrap(),
            database_url: database_url.map(str::to_owned),
            client: Client::new(address),
            child: None,
        }
    }

    /// Starts the process and waits until it accepts work.
    pub(super) async fn start(&mut self) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("kapok.log"))
            .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_kapok"))
            .arg("serve")
            .env("KAPOK_LISTEN", self.address.to_string())
            .env("KAPOK_DATA_DIR", self.folder.path())
            .env("KAPOK_DATABASE_URL", self.database_url.as_deref().unwrap_or_default())
            .env("KAPOK_ADMIN_USERNAME", ADMIN.0)
            .env("KAPOK_ADMIN_PASSWORD", ADMIN.1)
            .env("KAPOK_ALLOW_CIDRS", "127.0.0.0/8")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let begun = Instant::now();
        while self.client.try_get("/readyz").await.is_none() {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            let late = begun.elapsed() > READY_WITHIN;
            assert!(ended.is_none() && !late, "it does not start: {ended:?}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Kills the process with SIGKILL.
    pub(super) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// What the server has logged in all its lives.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("kapok.log")).unwrap_or_default()
    }

    /// A client that outlives this borrow.
    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Reads a document; anything but a success ends the test.
    pub(super) async fn get(&self, path: &str) -> Value {
        self.client.try_get(path).await.unwrap_or_else(|| panic!("GET {path}\n{}", self.log()))
    }

    /// Sends a document; anything but a success ends the test.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.client.try_post(path, body).await;
        answer.unwrap_or_else(|| panic!("POST {path} {body}\n{}", self.log()))
    }
}

impl Drop for Kapok {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
        if std::thread::panicking() {
            println!("{}", self.log());
        }
    }
}

/// Calls the server as the administrator.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
}

impl Client {
    fn new(address: SocketAddr) -> Self {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
        Self { http, base: format!("http://{address}") }
    }

    /// The document that a success answers; `None` when there was no success.
    pub(super) async fn try_get(&self, path: &str) -> Option<Value> {
        self.send(self.http.get(format!("{}{path}", self.base))).await
    }

    /// The document that a success answers; `None` when there was no success.
    pub(super) async fn try_post(&self, path: &str, body: &Value) -> Option<Value> {
        self.send(self.http.post(format!("{}{path}", self.base)).json(body)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Option<Value> {
        let request = request.basic_auth(ADMIN.0, Some(ADMIN.1));
        let response = request.send().await.ok()?;
        let status = response.status();
        let text = response.text().await.ok()?;
        if status.is_client_error() {
            println!("{status}: {text}");
        }
        if !status.is_success() {
            return None;
        }
        Some(serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}
