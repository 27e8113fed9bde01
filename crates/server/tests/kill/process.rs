//! The server under test, as a process.

use std::fs::{File, OpenOptions};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How the servers of one test are started, again and again on the same data.
pub(crate) struct Processes {
    folder: PathBuf,
    port: u16,
    database_url: Option<String>,
}

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
}

impl Processes {
    pub(crate) fn new(folder: &Path, database_url: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { folder: folder.to_owned(), port, database_url }
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
        if let Some(url) = &self.database_url {
            command.env("KAPOK_DATABASE_URL", url);
        }
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

impl Server {
    /// SIGKILL, and gone when this returns.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; returns whether it ended well.
    pub(crate) async fn stop(mut self) -> bool {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
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
