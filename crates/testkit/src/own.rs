//! A PostgreSQL server of a test's own, which it may restart.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::cluster;

/// A running server; ended and removed when dropped.
pub struct Cluster {
    folder: tempfile::TempDir,
    programs: PathBuf,
    port: u16,
    server: Child,
}

impl Cluster {
    /// Makes a fresh one and waits until it answers; takes some seconds. Panics when PostgreSQL is
    /// not installed.
    pub fn start() -> Self {
        let programs = cluster::programs().unwrap_or_else(|| panic!("{}", cluster::MISSING));
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        // Another user serves from it when this one is root.
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).expect("the folder is ours");
        let data = folder.path().join("data");
        std::fs::create_dir(&data).expect("the folder is ours");
        if let Some(user) = user() {
            let owned = Command::new("chown").arg(user).arg(&data).status();
            assert!(owned.is_ok_and(|status| status.success()), "chown works for root");
        }
        let mut initdb = unprivileged(programs.join("initdb"));
        initdb.arg("-D").arg(&data).args(["-U", "kapok", "--auth=trust", "--encoding=UTF8"]);
        let made = initdb.args(["--locale=C", "--no-sync"]).current_dir("/").output();
        let made = made.expect("initdb runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = cluster::free_port();
        let server = serve(&programs, &data, port);
        let cluster = Self { folder, programs, port, server };
        cluster.wait();
        cluster
    }

    /// The URL of a database on it.
    pub fn url(&self) -> String {
        format!("postgres://kapok@127.0.0.1:{}/postgres", self.port)
    }

    /// Ends it at once, as a crash would, starts it again, and waits until it answers.
    pub fn restart(&mut self) {
        self.end();
        self.server = serve(&self.programs, &self.folder.path().join("data"), self.port);
        self.wait();
    }

    fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !cluster::answers(self.port) {
            assert!(Instant::now() < deadline, "PostgreSQL does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn end(&mut self) {
        drop(Command::new("kill").args(["-QUIT", &self.server.id().to_string()]).status());
        drop(self.server.wait());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.end();
    }
}

fn serve(programs: &std::path::Path, data: &std::path::Path, port: u16) -> Child {
    let mut server = unprivileged(programs.join("postgres"));
    server.arg("-D").arg(data).args(["-c", &format!("port={port}")]);
    for setting in [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "max_connections=100",
        "shared_buffers=32MB",
    ] {
        server.args(["-c", setting]);
    }
    server.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    server.spawn().expect("postgres runs")
}

/// Whom PostgreSQL runs as when this process is root.
fn user() -> Option<&'static str> {
    (cluster::user_id() == 0).then(cluster::unprivileged)
}

/// A program as that user, in the process that is spawned.
fn unprivileged(program: PathBuf) -> Command {
    let Some(user) = user() else { return Command::new(program) };
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={user}"), format!("--regid={user}")]);
    command.args(["--clear-groups", "--"]).arg(program);
    command
}
