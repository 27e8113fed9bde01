//! The binary itself: it starts, says who to sign in as, stops when it is told, and starts again.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A running binary that is not left behind.
pub struct Process {
    child: Option<Child>,
    pub port: u16,
}

impl Process {
    pub fn start(folder: &Path) -> Self {
        Self::with(folder, &[])
    }

    /// Starts it with some more of its environment.
    pub fn with(folder: &Path, environment: &[(&str, &str)]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(env!("CARGO_BIN_EXE_kapok"))
            .arg("serve")
            .current_dir(folder)
            .env("KAPOK_LISTEN", format!("127.0.0.1:{port}"))
            .env_remove("KAPOK_DATABASE_URL")
            .env_remove("KAPOK_ADMIN_PASSWORD")
            .env("KAPOK_DATA_DIR", folder.join("data"))
            .env("KAPOK_LOG_FORMAT", "json")
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self { child: Some(child), port }
    }

    pub async fn ready(&self) {
        let url = format!("http://127.0.0.1:{}/readyz", self.port);
        let began = Instant::now();
        while reqwest::get(&url).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "the server does not start");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Asks it to stop and waits for its end.
    pub fn stop(mut self) -> Output {
        let child = self.child.take().unwrap();
        let kill = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        child.wait_with_output().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_binary_stops_on_a_signal_and_starts_again() {
    let folder = tempfile::tempdir().unwrap();
    let first = Process::start(folder.path());
    first.ready().await;
    let output = first.stop();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let password = said.lines().find_map(|line| line.trim().strip_prefix("password  "));
    let password = password.expect("the password is printed").to_owned();
    let logged = String::from_utf8(output.stderr).unwrap();
    for line in logged.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
        assert!(!line.to_string().contains(&password), "the password is not logged");
    }

    let second = Process::start(folder.path());
    second.ready().await;
    let url = format!("http://127.0.0.1:{}/app/api/v1/me", second.port);
    let me = reqwest::Client::new().get(url).basic_auth("admin", Some(&password));
    assert_eq!(me.send().await.unwrap().status(), 200);
    let output = second.stop();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.is_empty(), "the password is printed once");
}

#[test]
fn wrong_values_are_named() {
    let check = |variable: &str, value: &str, expect: &str| {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_kapok"))
            .arg("serve")
            .current_dir(folder.path())
            .env(variable, value)
            .output()
            .unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with("kapok: ") && said.contains(expect), "{said}");
    };
    check("KAPOK_LISTEN", "8080", "KAPOK_LISTEN");
    check("KAPOK_ALLOW_CIDRS", "10.0.0.0/99", "10.0.0.0/99");
    check("KAPOK_DATABASE_URL", "mysql://u:secret@h/d", "postgres://");
    check("KAPOK_CONFIG", "nowhere.toml", "nowhere.toml");
}

#[test]
fn the_doctor_looks_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let doctor = |variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kapok"));
        command.args(["doctor", "--json"]).current_dir(folder.path());
        command.env("KAPOK_LISTEN", "127.0.0.1:0").env_remove("KAPOK_DATABASE_URL");
        let output = command.envs(variables.iter().copied()).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let found: Vec<serde_json::Value> =
            said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (output.status.success(), found)
    };
    let state = |found: &[serde_json::Value], name: &str| {
        let finding = found.iter().find(|finding| finding["name"] == name);
        finding.unwrap_or_else(|| panic!("{name} is not in {found:?}"))["state"].clone()
    };
    let (is_fine, found) = doctor(&[]);
    assert!(is_fine, "{found:?}");
    for name in ["configuration", "address", "data folder", "secret key", "database", "public URL"]
    {
        assert_eq!(state(&found, name), "ok", "{name}");
    }
    let (is_fine, found) = doctor(&[("KAPOK_LISTEN", "nowhere")]);
    assert!(!is_fine && state(&found, "configuration") == "fail", "{found:?}");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    // It never answers, so the doctor gives up on it; closing at once is quicker.
    std::thread::spawn(move || drop(taken.accept()));
    let (is_fine, found) = doctor(&[("KAPOK_LISTEN", &address)]);
    assert!(!is_fine && state(&found, "address") == "fail", "{found:?}");
    let (is_fine, found) = doctor(&[("KAPOK_PUBLIC_URL", "https://127.0.0.1:9")]);
    assert!(is_fine && state(&found, "public URL") == "look", "{found:?}");
    assert_eq!(state(&found, "proxies"), "look");
}
