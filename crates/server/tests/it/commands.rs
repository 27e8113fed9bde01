//! The commands that speak to a running server: the real binary against a real server.

use crate::harness::{ADMIN, Server, assert_holds, one};
use reqwest::Method;
use serde_json::{Value, json};
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;

/// Waiting for another process; generous, for machines that do much else.
const PATIENCE: Duration = Duration::from_secs(60);

fn kapok(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kapok"));
    command
        .args(arguments)
        .env("KAPOK_URL", url)
        .env("KAPOK_USERNAME", ADMIN.0)
        .env("KAPOK_PASSWORD", ADMIN.1)
        .env_remove("KAPOK_TOKEN")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

pub async fn output(server: &Server, arguments: &[&str]) -> Output {
    let ended = kapok(&server.url(""), arguments).output();
    tokio::time::timeout(PATIENCE, ended).await.expect("it ends").unwrap()
}

/// The documents that a command printed.
pub async fn documents(server: &Server, arguments: &[&str]) -> Vec<Value> {
    let output = output(server, arguments).await;
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn inspector(server: &Server) -> Value {
    server.post("/inspectors", &json!({ "name": "x" })).await.ok()["inspector"].take()
}

async fn webhook(server: &Server, body: Value) {
    server.post("/kapps/services/webhooks", &body).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_triggered_and_its_jobs_are_shown_and_retried() {
    let server = one().await;
    server.laptop_form().await;
    let made = inspector(&server).await;
    let at = |name: &str, filter: &str| {
        json!({ "name": name, "type": "Submission", "event": "Submitted", "filter": filter,
            "url": made["url"] })
    };
    webhook(&server, at("Look", "")).await;
    webhook(&server, at("Not me", "values('Model') == 'Y'")).await;
    let trigger = [
        "trigger",
        "Submission Submitted",
        "--kapp",
        "services",
        "--form",
        "laptop",
        "--set",
        "Model=X",
    ];
    let events = documents(&server, &[&trigger[..], &["--json"]].concat()).await;
    let event = events.iter().find(|event| event["event"] == "Submitted").expect("the event");
    assert_holds(
        event,
        &json!({ "verdicts": [
        { "webhook": "Look", "verdict": "fired" },
        { "webhook": "Not me", "verdict": "not_matched" },
    ], "jobs": [{ "name": "Look", "status": "Complete" }] }),
    );
    let said = String::from_utf8(output(&server, &trigger).await.stdout).unwrap();
    assert!(said.contains("/console/events/") && said.contains("not_matched"), "{said}");

    let jobs = documents(&server, &["jobs", "list", "--json", "--status", "Complete"]).await;
    assert_eq!(jobs.len(), 2);
    let id = jobs[0]["id"].as_str().unwrap();
    let shown = documents(&server, &["jobs", "show", id, "--json"]).await;
    assert_eq!(shown[0]["attempts"][0]["responseStatus"], 200);
    let said = String::from_utf8(output(&server, &["jobs", "show", id]).await.stdout).unwrap();
    assert!(said.contains("try 1") && said.contains("received:"), "{said}");
    let retried = documents(&server, &["jobs", "retry", id, "--json"]).await;
    assert_eq!(retried[0]["id"], *id);
    let tested = ["trigger", "Submission Submitted", "--kapp", "services", "--test", "--json"];
    let tested = documents(&server, &tested).await;
    assert_eq!(tested.len(), 2, "the filters do not matter to a test");
    assert_holds(&tested[0], &json!({ "parentType": "Webhook Test", "status": "Complete" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_recovered_and_watched_to_the_end() {
    let server = one().await;
    for name in ["one", "two"] {
        let url = "/app/api/v1/run-tree/s/g/missing";
        let job = json!({ "name": name, "url": url, "requestContent": "{}" });
        let made = server.post("/webhookJobs", &job).await.ok();
        assert_eq!(made["webhookJob"]["status"], "Failed", "{made}");
    }
    let recover = ["jobs", "recover", "--status", "failed", "--error-class", "tree_missing"];
    let with = |more: &[&'static str]| [&recover[..], more].concat();
    let said = output(&server, &with(&["--preview"])).await;
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.starts_with("2 jobs\n") && said.contains("tree_missing"), "{said}");
    let preview = documents(&server, &with(&["--preview", "--json"])).await;
    assert_eq!(preview[0]["count"], 2);

    let options = ["--rate", "50", "--note", "from the terminal", "--json"];
    let done = documents(&server, &with(&options)).await;
    assert_holds(
        &done[0],
        &json!({ "status": "Complete", "mode": "replay", "done": 2, "skipped": 0, "failed": 0,
            "note": "from the terminal" }),
    );
    let jobs = server.get("/webhookJobs").await.ok();
    assert_eq!(jobs["webhookJobs"][1]["recoveryId"], done[0]["id"], "{jobs}");
    let said = output(&server, &with(&["--detach"])).await;
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.starts_with("recovery "), "{said}");

    let refused = output(&server, &["jobs", "recover", "--error-class", "strange"]).await;
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("There is no error class"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_say_what_to_do() {
    let server = one().await;
    server.plain_user().await;
    let check = async |mut command: Command, expect: &str| {
        let output = command.output().await.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(expect), "{said}");
    };
    let list = ["jobs", "list"];
    // A port that was just given back is one where nobody listens.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    check(kapok(&format!("http://{gone}"), &list), "Is the server running?").await;
    check(kapok("nowhere", &list), "--url (KAPOK_URL) must be an address").await;
    let mut wrong = kapok(&server.url(""), &list);
    wrong.env("KAPOK_PASSWORD", "wrong");
    check(wrong, "Check the name and the password").await;
    let mut nobody = kapok(&server.url(""), &list);
    nobody.env_remove("KAPOK_USERNAME").env_remove("KAPOK_PASSWORD");
    check(nobody, "Give --username and --password").await;
    let mut plain = kapok(&server.url(""), &list);
    let (name, password) = crate::harness::PLAIN;
    plain.env("KAPOK_USERNAME", name).env("KAPOK_PASSWORD", password);
    check(plain, "Sign in as an administrator").await;
    check(kapok(&server.url(""), &["jobs", "show", "none"]), "Unable to locate").await;
    let (address, _) = local().await;
    check(kapok(&format!("http://{address}"), &list), "not as a Kapok server does").await;
}

/// An address on this machine that answers everything, and what it gets.
async fn local() -> (std::net::SocketAddr, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, received) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut text = vec![0; 65_536];
            let n = stream.read(&mut text).await.unwrap();
            let answer = "HTTP/1.1 201 Created\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer.as_bytes()).await.unwrap();
            let _ = sender.send(String::from_utf8_lossy(&text[..n]).into_owned());
        }
    });
    (address, received)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_relayed_and_pointed_back() {
    let server = one().await;
    let body = json!({ "name": "Out", "type": "User", "event": "Created",
        "url": "https://example.com/hook" });
    server.post("/webhooks", &body).await.ok();
    let (address, mut received) = local().await;
    let to = format!("http://{address}/hooks?a=1");
    let arguments = ["listen", "--forward-to", &to, "--webhook", "Out", "--json"];
    let mut child = kapok(&server.url(""), &arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut line = async || {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("a line");
        serde_json::from_str::<Value>(&line.unwrap().expect("a line")).unwrap()
    };
    let listening = line().await;
    let url = listening["listening"].as_str().unwrap().to_owned();
    assert_eq!(server.get("/webhooks/Out").await.ok()["webhook"]["url"], *url);

    server.post("/users", &json!({ "username": "grace" })).await.ok();
    let told = line().await;
    assert_holds(&told, &json!({ "status": 201, "tries": 1, "method": "POST" }));
    assert!(told["jobId"].is_string(), "{told}");
    let got = received.recv().await.unwrap();
    assert!(got.starts_with("POST /hooks?a=1 HTTP/1.1"), "{got}");
    assert!(got.to_lowercase().contains("webhook-id: "), "{got}");

    let path = url[url.find("/inspect/").unwrap()..].to_owned();
    let put = server.bare(Method::PUT, &format!("{path}/deep?b=2")).header("x-mine", "yes");
    put.body("hello").send().await.unwrap();
    assert_holds(&line().await, &json!({ "method": "PUT", "jobId": null }));
    let got = received.recv().await.unwrap();
    assert!(got.starts_with("PUT /hooks/deep?a=1&b=2 HTTP/1.1"), "{got}");
    assert!(got.contains("x-mine: yes") && got.ends_with("hello"), "{got}");

    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
    let ended = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it ends").unwrap();
    assert!(ended.success());
    let webhook = server.get("/webhooks/Out").await.ok();
    assert_eq!(webhook["webhook"]["url"], "https://example.com/hook");
    assert_eq!(server.get("/inspectors").await.ok()["inspectors"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_tailed_as_they_come() {
    let server = one().await;
    let made = inspector(&server).await;
    let body = json!({ "name": "Look", "type": "User", "event": "Created", "url": made["url"] });
    server.post("/webhooks", &body).await.ok();
    let mut command = kapok(&server.url(""), &["jobs", "tail"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut notes = BufReader::new(child.stderr.take().unwrap()).lines();
    let note = tokio::time::timeout(PATIENCE, notes.next_line()).await.expect("a note");
    assert!(note.unwrap().unwrap().starts_with("Waiting for jobs"));
    server.post("/users", &json!({ "username": "grace" })).await.ok();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    loop {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("a line");
        let line = line.unwrap().unwrap();
        assert!(line.contains("Look · User Created") || line.contains("Look"), "{line}");
        if line.contains("Complete") {
            break;
        }
    }
    child.kill().await.unwrap();
}
