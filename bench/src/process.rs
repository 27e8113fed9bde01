//! The processes of a run: the server and the receiver. Both end with the benchmark.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use http::{Method, StatusCode};

use crate::client::{Client, PASSWORD, USERNAME};
use crate::receiver;

/// How long the server may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// A child process that ends with this value.
pub(crate) struct Process {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Process {
    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the receiver: this very program, in a process of its own.
pub(crate) fn receiver() -> Result<Process> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("receiver")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start the receiver")?;
    let output = child.stdout.take().context("the receiver has no output")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    Ok(Process { child, address: receiver::parse_address(&line)? })
}

/// Starts the server on a free port and waits until it is ready; returns the wait as well.
pub(crate) async fn server(
    binary: &Path,
    data_dir: &Path,
    database_url: Option<&str>,
) -> Result<(Process, Duration)> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut command = Command::new(binary);
    command
        .arg("serve")
        .env("KAPOK_LISTEN", address.to_string())
        .env("KAPOK_DATA_DIR", data_dir)
        .env("KAPOK_ADMIN_USERNAME", USERNAME)
        .env("KAPOK_ADMIN_PASSWORD", PASSWORD)
        .env("KAPOK_ALLOW_CIDRS", "127.0.0.0/8")
        .env("KAPOK_LOG", "warn")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    match database_url {
        Some(url) => command.env("KAPOK_DATABASE_URL", url),
        None => command.env_remove("KAPOK_DATABASE_URL"),
    };
    let started = Instant::now();
    let child = command
        .spawn()
        .with_context(|| format!("cannot start {}: build it first", binary.display()))?;
    let mut process = Process { child, address };
    loop {
        if is_ready(address).await {
            return Ok((process, started.elapsed()));
        }
        if let Some(status) = process.child.try_wait()? {
            bail!("the server ended at start with {status}");
        }
        if started.elapsed() > READY_WITHIN {
            bail!("the server was not ready within {} s", READY_WITHIN.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn is_ready(address: SocketAddr) -> bool {
    let Ok(mut client) = Client::connect(address).await else {
        return false;
    };
    let answer = client.send(Method::GET, "/readyz", Default::default()).await;
    answer.is_ok_and(|(status, _)| status == StatusCode::OK)
}
