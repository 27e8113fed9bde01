//! One private PostgreSQL cluster for all test processes of this user.
//!
//! Files in its folder: `lock` is held while the cluster is looked for, started or stopped;
//! `inuse` is locked, shared, by every process that uses it, for as long as it lives, however it
//! ends; `keeper` is locked by the script that owns the server and stops it when `inuse` has been
//! free for a minute; `port` is written once the server is asked to start.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tokio_postgres::NoTls;

pub(crate) const MISSING: &str = "PostgreSQL's programs are missing: apt-get install postgresql \
     (or set KAPOK_TEST_POSTGRES_URL to a server whose user may create databases)";

/// The URL of a database on the tests' server. Panics when there is none and none can be started.
pub(crate) async fn url(database: &str) -> String {
    if let Ok(given) = std::env::var("KAPOK_TEST_POSTGRES_URL") {
        return with_database(&given, database);
    }
    static PORT: OnceLock<u16> = OnceLock::new();
    let port = match PORT.get() {
        Some(port) => *port,
        None => {
            let found = tokio::task::spawn_blocking(find_or_start).await.expect("no panic");
            *PORT.get_or_init(|| found)
        }
    };
    format!("postgres://kapok@127.0.0.1:{port}/{database}")
}

/// The certificate by which the private cluster is known, for tests of TLS.
pub fn certificate() -> PathBuf {
    folder().join("server.crt")
}

/// The same URL with another database.
fn with_database(url: &str, database: &str) -> String {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let start = address.find("://").map_or(0, |i| i + 3);
    let end = address[start..].find('/').map_or(address.len(), |i| start + i);
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    format!("{}/{database}{query}", &address[..end])
}

fn find_or_start() -> u16 {
    let base = folder();
    // Two threads of one process must not both wait for the other's lock.
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let lock = open(&base.join("lock"));
    lock.lock().expect("the cluster's lock can be taken");
    static IN_USE: OnceLock<File> = OnceLock::new();
    IN_USE.get_or_init(|| {
        let file = open(&base.join("inuse"));
        file.lock_shared().expect("the cluster can be marked as used");
        file
    });
    if let Some(port) = running(&base) {
        return port;
    }
    stop_orphan(&base);
    let port = start(&base);
    let deadline = Instant::now() + Duration::from_secs(60);
    while !answers(port) {
        if Instant::now() > deadline {
            let log = |name| fs::read_to_string(base.join(name)).unwrap_or_default();
            panic!(
                "PostgreSQL does not start in {}:\n{}\n{}",
                base.display(),
                log("initdb.log"),
                log("postgres.log")
            );
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    fs::write(base.join("port"), port.to_string()).expect("the port can be written down");
    port
}

fn folder() -> PathBuf {
    let base = std::env::temp_dir().join(format!("kapok-test-postgres-2-{}", user_id()));
    fs::create_dir_all(&base).expect("the cluster's folder can be made");
    base
}

fn open(path: &Path) -> File {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The port of a cluster that runs, has its keeper and answers.
fn running(base: &Path) -> Option<u16> {
    let port = fs::read_to_string(base.join("port")).ok()?.parse().ok()?;
    let kept = open(&base.join("keeper")).try_lock().is_err();
    (kept && answers(port)).then_some(port)
}

pub(crate) fn answers(port: u16) -> bool {
    let url = format!("postgres://kapok@127.0.0.1:{port}/postgres?connect_timeout=2");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime can be made");
    runtime.block_on(async { tokio_postgres::connect(&url, NoTls).await.is_ok() })
}

/// Ends a server whose keeper was killed, and removes what it left.
fn stop_orphan(base: &Path) {
    let data = base.join("data");
    if let Ok(pid_file) = fs::read_to_string(data.join("postmaster.pid"))
        && let Some(pid) = pid_file.lines().next()
    {
        let is_ours = fs::read_to_string(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|command| command.contains(&*data.to_string_lossy()));
        if is_ours {
            drop(Command::new("kill").args(["-QUIT", pid]).status());
            std::thread::sleep(Duration::from_secs(1));
        }
    }
    drop(fs::remove_dir_all(&data));
}

#[expect(clippy::zombie_processes, reason = "the keeper outlives the test process")]
fn start(base: &Path) -> u16 {
    let bin = programs().unwrap_or_else(|| panic!("{MISSING}"));
    let port = free_port();
    let user = if user_id() == 0 { unprivileged() } else { "" };
    let log = open(&base.join("keeper.log"));
    Command::new("setsid")
        .args(["sh", "-c", include_str!("keeper.sh"), "kapok-test-postgres"])
        .arg(base)
        .arg(bin)
        .arg(port.to_string())
        .arg(user)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        // Signals to the tests' group do not reach it; the keeper decides when to stop.
        .process_group(0)
        .spawn()
        .expect("setsid and sh are installed");
    port
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0");
    listener.and_then(|listener| listener.local_addr()).expect("a loopback port is free").port()
}

/// The folder that holds initdb and postgres: `KAPOK_PG_BIN`, on the PATH, or Debian's newest.
pub(crate) fn programs() -> Option<PathBuf> {
    let named = std::env::var_os("KAPOK_PG_BIN").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut debian: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    debian.sort();
    debian.reverse();
    named
        .into_iter()
        .chain(std::env::split_paths(&path))
        .chain(debian)
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

pub(crate) fn user_id() -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").expect("/proc is mounted").uid()
}

/// PostgreSQL refuses to run as root.
pub(crate) fn unprivileged() -> &'static str {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let has = |name: &str| users.lines().any(|line| line.split(':').next() == Some(name));
    if has("postgres") { "postgres" } else { "nobody" }
}
