//! The edge of the server: who is really asking, slow and deep requests, guessing, other spaces'
//! ids, stored script. The rows of the fault table that have no other home; CSRF and sessions
//! stand in `sessions.rs`, sizes in `input.rs`, roles over the whole route table in `access.rs`.

use crate::harness::{ADMIN, Answer, Server, both, one};
use model::limits::SIGN_IN_FAILURES_MAX;
use platform::spaces::Bootstrap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Tries to sign in with a wrong password, as if from `address` behind a proxy.
async fn guess(server: &Server, username: &str, address: &str) -> Answer {
    let body = json!({ "j_username": username, "j_password": "wrong" });
    let request = server.bare(Method::POST, "/app/login.do").json(&body);
    Answer::of(request.header("x-forwarded-for", address)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_held_back_by_name_and_by_the_address_behind_a_trusted_proxy() {
    let store = testkit::sqlite().await;
    let trust = |config: &mut server::config::Config| {
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    };
    let server = Server::with(store, trust).await;
    for number in 0..SIGN_IN_FAILURES_MAX {
        guess(&server, &format!("user-{number}"), "203.0.113.1, 198.51.100.7").await.refused(401);
    }
    let held = guess(&server, "another", "198.51.100.7").await;
    let seconds = held.header("retry-after").unwrap().to_str().unwrap().parse::<u32>().unwrap();
    assert!((1..=601).contains(&seconds), "{seconds}");
    held.refused(429);
    guess(&server, "another", "198.51.100.8").await.refused(401);
    let events = server.get("/events?event=Login%20Failure&limit=1").await.ok();
    let event = format!("/events/{}", events["events"][0]["id"].as_str().unwrap());
    let failure = server.get(&event).await.ok()["event"]["payload"]["loginFailure"].take();
    assert_eq!(failure, json!({ "username": "another", "address": "198.51.100.8" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_is_believed_about_addresses() {
    let server = one().await;
    for number in 0..SIGN_IN_FAILURES_MAX {
        let address = format!("198.51.100.{number}");
        guess(&server, "somebody", &address).await.refused(401);
    }
    guess(&server, "another", "198.51.100.200").await.refused(429);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_too_deep_is_refused() {
    let server = one().await;
    let deep = format!("{{\"slug\":\"x\",\"name\":{}1{}}}", "[".repeat(500), "]".repeat(500));
    let request = server.bare(Method::POST, "/app/api/v1/kapps").basic_auth(ADMIN.0, Some(ADMIN.1));
    let request = request.header("content-type", "application/json").body(deep);
    let message = Answer::of(request).await.refused(400);
    assert!(message.contains("more than 127 levels deep at line 1, column"), "{message}");
}

/// What comes back for bytes after which nothing follows.
async fn stalled(server: &Server, bytes: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    tokio::time::timeout(Duration::from_secs(30), reading).await.expect("it ends").unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_too_slowly_is_cut_off() {
    let store = testkit::sqlite().await;
    let server = Server::with(store, |config| config.request_seconds = 1).await;
    let head = "POST /app/login.do HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                content-type: application/json\r\ncontent-length: 10\r\n";
    let answer = stalled(&server, &format!("{head}\r\n{{")).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("did not arrive within 1 second"), "{answer}");
    // A head that never ends has asked nothing that could be answered.
    assert_eq!(stalled(&server, head).await, "");
    let made = server.post("/inspectors", &json!({ "name": "x" })).await.ok();
    let url = made["inspector"]["url"].as_str().unwrap();
    let path = &url[url.find("/inspect/").unwrap()..];
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
    let answer = stalled(&server, &format!("{head}content-length: 10\r\n\r\nx")).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_too_much_gets_to_read_the_answer() {
    let server = one().await;
    let body = vec![b' '; 4 * model::limits::BODY_BYTES_MAX];
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /app/login.do HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // More than any socket holds: the server has answered long before the last byte is sent.
    stream.write_all(&body).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn guessed_tokens_open_nothing() {
    let server = one().await;
    let token = "0123456789abcdef0123456789abcdef01234567";
    let check = async |request: reqwest::RequestBuilder, status: u16| {
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(!answer.body.to_string().contains(token), "{}", answer.body);
    };
    let me = || server.bare(Method::GET, "/app/api/v1/me");
    check(me().bearer_auth(token), 401).await;
    check(me().header("cookie", format!("kapok_session={token}")), 401).await;
    check(server.bare(Method::POST, &format!("/inspect/{token}")), 404).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_another_space_are_not_there() {
    for server in both().await {
        let other = Bootstrap {
            slug: "other".to_owned(),
            name: "Other".to_owned(),
            username: "boss".to_owned(),
            password: Some("the other's password".to_owned()),
        };
        server.app().platform.bootstrap(other).await.unwrap();
        let boss = ("boss", "the other's password");
        let theirs = async |method: Method, path: &str, body: Option<&Value>| {
            let path = format!("/other/app/api/v1{path}");
            let mut request = server.bare(method, &path).basic_auth(boss.0, Some(boss.1));
            if let Some(body) = body {
                request = request.json(body);
            }
            Answer::of(request).await.ok()
        };
        let post = async |path: &str, body: Value| theirs(Method::POST, path, Some(&body)).await;
        let made = post("/inspectors", json!({ "name": "x" })).await;
        let inspector = made["inspector"]["id"].as_str().unwrap().to_owned();
        post("/kapps", json!({ "slug": "secret", "name": "Secret" })).await;
        let form = crate::harness::laptop();
        post("/kapps/secret/forms", form).await;
        let webhook = json!({ "name": "theirs", "type": "User", "event": "Created",
            "url": "/nowhere" });
        post("/webhooks", webhook).await;
        post("/users", json!({ "username": "theirs" })).await;
        let values = json!({ "values": { "Model": "X" }, "coreState": "Submitted" });
        let submission = post("/kapps/secret/forms/laptop/submissions", values).await;
        let submission = submission["submission"]["id"].as_str().unwrap().to_owned();
        let first = async |path: &str, list: &str| {
            let listed = theirs(Method::GET, path, None).await;
            listed[list][0]["id"].as_str().unwrap().to_owned()
        };
        let job = first("/webhookJobs?all", "webhookJobs").await;
        let event = first("/events", "events").await;

        let paths = [
            format!("/inspectors/{inspector}"),
            format!("/inspectors/{inspector}/requests"),
            format!("/submissions/{submission}"),
            format!("/webhookJobs/{job}"),
            format!("/events/{event}"),
            "/webhooks/theirs".to_owned(),
            "/users/theirs".to_owned(),
            "/kapps/secret".to_owned(),
            "/kapps/secret/forms/laptop".to_owned(),
        ];
        for path in &paths {
            let mine = server.get(path).await;
            assert_eq!(mine.status, StatusCode::NOT_FOUND, "GET {path}: {}", mine.body);
            // Whoever is somebody here is nobody there.
            let there = format!("/other/app/api/v1{path}");
            let there = server.bare(Method::GET, &there).basic_auth(ADMIN.0, Some(ADMIN.1));
            Answer::of(there).await.refused(401);
            if !path.ends_with("/requests") {
                theirs(Method::GET, path, None).await;
            }
        }
        let changes = [
            (Method::PUT, format!("/webhookJobs/{job}"), json!({ "status": "Queued" })),
            (Method::DELETE, format!("/webhookJobs/{job}"), Value::Null),
            (Method::PUT, format!("/submissions/{submission}"), json!({ "values": {} })),
            (Method::DELETE, format!("/submissions/{submission}"), Value::Null),
            (Method::DELETE, "/webhooks/theirs".to_owned(), Value::Null),
            (Method::POST, "/webhooks/theirs/send-test".to_owned(), json!({})),
            (Method::DELETE, format!("/inspectors/{inspector}"), Value::Null),
            (Method::DELETE, "/users/theirs".to_owned(), Value::Null),
            (Method::DELETE, "/kapps/secret".to_owned(), Value::Null),
        ];
        for (method, path, body) in changes {
            let name = format!("{method} {path}");
            let body = (!body.is_null()).then_some(&body);
            let answer = server.ask(ADMIN, method, &path, body).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{name}: {}", answer.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_script_stays_text() {
    let server = one().await;
    let script = "<script>alert(1)</script>";
    let kapp = json!({ "slug": "k", "name": script });
    server.post("/kapps", &kapp).await.ok();
    let answer = server.get("/kapps/k").await;
    assert_eq!(answer.header("content-type").unwrap(), "application/json");
    assert_eq!(answer.header("x-content-type-options").unwrap(), "nosniff");
    let policy = answer.header("content-security-policy").unwrap().to_str().unwrap();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    let page = Answer::of(server.bare(Method::GET, "/console/")).await;
    let policy = page.header("content-security-policy").unwrap().to_str().unwrap();
    let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src")).unwrap();
    assert_eq!(scripts.trim(), "script-src 'self'", "no script but our own files runs");
    // What comes back from outside is told as text too.
    let missing = server.get(&format!("/kapps/{}", script.replace('/', "%2F"))).await;
    assert_eq!(missing.header("content-type").unwrap(), "application/json");
    missing.refused(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_have_ended_are_deleted() {
    for server in both().await {
        let space = server.app().platform.space_by_slug("kapok").await.unwrap().unwrap();
        let now = server.app().runtime.now();
        let insert = move |tx: &mut store::Tx| {
            let user = store::users::by_username(tx, &space.id, ADMIN.0)?.expect("the admin");
            store::sessions::insert(tx, "old", &user.id, now, now.plus_ms(-1))?;
            store::sessions::insert(tx, "new", &user.id, now, now.plus_ms(60_000))
        };
        server.store().write(insert).await.unwrap();
        server.tidy().await;
        let read = |tx: &mut store::Tx| {
            let old = store::sessions::by_hash(tx, "old")?.is_some();
            Ok::<_, store::Error>((old, store::sessions::by_hash(tx, "new")?.is_some()))
        };
        assert_eq!(server.store().read(read).await.unwrap(), (false, true));
    }
}
