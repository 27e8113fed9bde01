//! The server under test, as a process.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How the servers of one test are started, again and again on the same data.
#[derive(Clone)]
pub(crate) struct Processes {
    folder: PathBuf,
    port: u16,
    settings: BTreeMap<String, String>,
}

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
}

impl Processes {
    pub(crate) fn new(folder: &Path, database_url: Option<String>) -> Self {
        let settings =
            database_url.into_iter().map(|url| ("KAPOK_DATABASE_URL".to_owned(), url)).collect();
        Self { folder: folder.to_owned(), port: free_port(), settings }
    }

    /// Another node on the same database.
    pub(crate) fn sibling(&self) -> Self {
        Self { port: free_port(), ..self.clone() }
    }

    /// The same with a setting or another variable of the environment.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn log(&self) -> File {
        let path = self.folder.join("server.log");
        OpenOptions::new().create(true).append(true).open(path).unwrap()
    }

    /// The end of what the servers said.
    pub(crate) fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(self.folder.join("server.log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    /// Starts a server and waits until it accepts work.
    pub(crate) async fn start(&self) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kapok"));
        command
            .arg("serve")
            .current_dir(&self.folder)
            .env("KAPOK_LISTEN", format!("127.0.0.1:{}", self.port))
            .env("KAPOK_DATA_DIR", self.folder.join("data"))
            .env("KAPOK_ADMIN_USERNAME", crate::client::USERNAME)
            .env("KAPOK_ADMIN_PASSWORD", crate::client::PASSWORD)
            .env("KAPOK_ALLOW_CIDRS", "127.0.0.0/8")
            .env("KAPOK_LOG", "warn")
            .env_remove("KAPOK_PUBLIC_URL")
            .env_remove("KAPOK_DATABASE_URL")
            .stdin(Stdio::null())
            .stdout(self.log())
            .stderr(self.log());
        command.envs(&self.settings);
        let mut server = Server { child: command.spawn().unwrap() };
        let ready = format!("{}/readyz", self.url());
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Ok(Some(status)) = server.child.try_wait() {
                panic!("the server ended by itself: {status}\n{}", self.log_tail());
            }
            if reqwest::get(&ready).await.is_ok_and(|answer| answer.status().is_success()) {
                return server;
            }
            assert!(Instant::now() < deadline, "the server is not ready\n{}", self.log_tail());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// What a process takes of the machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resources {
    /// Resident memory.
    pub(crate) kib: usize,
    /// Open files and sockets.
    pub(crate) handles: usize,
    /// Sockets among them.
    pub(crate) sockets: usize,
}

impl Server {
    /// What it takes at the moment.
    pub(crate) fn resources(&self) -> Resources {
        let folder = format!("/proc/{}", self.pid());
        let status = std::fs::read_to_string(format!("{folder}/status")).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kib = resident.trim().trim_end_matches(" kB").parse().unwrap();
        let handles = std::fs::read_dir(format!("{folder}/fd")).unwrap().flatten();
        // A handle may be closed while it is looked at.
        let targets = handles.filter_map(|handle| std::fs::read_link(handle.path()).ok());
        let targets: Vec<PathBuf> = targets.collect();
        let is_socket = |target: &&PathBuf| target.to_string_lossy().starts_with("socket:");
        let sockets = targets.iter().filter(is_socket).count();
        Resources { kib, handles: targets.len(), sockets }
    }

    /// SIGKILL, and gone when this returns.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Waits until somebody else has killed it.
    pub(crate) async fn killed(mut self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "nobody killed the server");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// SIGTERM; returns whether it ended well.
    pub(crate) async fn stop(mut self) -> bool {
        self.signal("TERM");
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            assert!(Instant::now() < deadline, "the server does not stop");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Sends a signal to a process of the test.
pub(crate) fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(sent.unwrap().success(), "SIG{name} to {pid}");
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
