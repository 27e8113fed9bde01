//! Bad input: the documented status, a message that names the place, nothing stored.

use crate::harness::{ADMIN, Answer, Server, one};
use reqwest::{Method, header};
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn raw(server: &Server, kind: &str, body: &str) -> Answer {
    let request = server.bare(Method::POST, "/app/api/v1/kapps").basic_auth(ADMIN.0, Some(ADMIN.1));
    Answer::of(request.header(header::CONTENT_TYPE, kind).body(body.to_owned())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_bodies_are_refused_with_the_place() {
    let server = one().await;
    let json = "application/json";
    let check = async |kind: &str, body: &str, status: u16, expect: &str| {
        let message = raw(&server, kind, body).await.refused(status);
        assert!(message.contains(expect), "{message}");
    };
    check(json, "{\"slug\": \"x\",\n \"name\" 1}", 400, "line 2, column 9").await;
    check(json, "", 400, "The body is empty").await;
    check(json, "[1]", 400, "must be a JSON object").await;
    check(json, "{\"slug\":\"x\",\"name\":\"X\",\"descr\":1}", 400, "\"descr\"").await;
    check(json, "{\"slug\":\"x\",\"name\":\"X\",\"statsu\":\"Active\"}", 400, "\"status\"").await;
    check(json, "{\"slug\":\"x\",\"name\":7}", 400, "Name must be text").await;
    check("text/plain", "{}", 415, "must be application/json, not text/plain").await;
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(9 * 1024 * 1024));
    let refused = raw(&server, json, &large).await;
    assert_eq!(refused.header("connection").unwrap(), "close", "the rest is not read");
    assert!(refused.refused(413).contains("limit of 8388608 bytes"));
    assert_eq!(server.get("/kapps").await.ok()["kapps"], json!([]));
}

/// What comes back for some bytes; the answers have lengths, so the connection can go on.
async fn told(stream: &mut TcpStream, parts: &[&[u8]]) -> String {
    for part in parts {
        stream.write_all(part).await.unwrap();
        stream.flush().await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        let size = stream.read(&mut buffer).await.unwrap();
        assert!(size > 0, "closed after {text}");
        text.push_str(std::str::from_utf8(&buffer[..size]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if length.is_some_and(|length| body.len() >= length.parse().unwrap()) {
            return text;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_refused_knows_whether_the_connection_goes_on() {
    let server = one().await;
    let closes = |answer: &str| answer.to_lowercase().contains("connection: close");
    let post = |length: usize, more: &str| {
        format!(
            "POST /app/api/v1/kapps HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n{more}\r\n"
        )
    };
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // Refused before its body is there, which is small and comes: the next request is answered.
    for _ in 0..3 {
        let body = vec![b'x'; 40_000];
        let answer = told(&mut stream, &[post(40_000, "").as_bytes(), &body]).await;
        assert!(answer.starts_with("HTTP/1.1 401") && !closes(&answer), "{answer}");
    }
    let chunked = post(0, "").replace("content-length: 0", "transfer-encoding: chunked");
    let answer = told(&mut stream, &[chunked.as_bytes(), b"3\r\nabc\r\n", b"0\r\n\r\n"]).await;
    assert!(answer.starts_with("HTTP/1.1 401") && !closes(&answer), "{answer}");
    // A large one, and one that the client has not begun to send, are not waited for.
    for (length, more) in [(100_000, ""), (10, "expect: 100-continue\r\n")] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let answer = told(&mut stream, &[post(length, more).as_bytes()]).await;
        assert!(answer.starts_with("HTTP/1.1 401") && closes(&answer), "{answer}");
    }
    let answer = told(&mut stream, &[b"GET /app/api/v1/version HTTP/1.1\r\nhost: x\r\n\r\n"]).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_addresses_and_methods_are_told_apart() {
    let server = one().await;
    let unknown = server.get("/kaps").await.refused(404);
    assert_eq!(unknown, "There is no route GET /app/api/v1/kaps.");
    let wrong = server.ask(ADMIN, Method::PATCH, "/kapps", None).await;
    let allowed = wrong.header("allow").unwrap().to_str().unwrap().to_owned();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    let message = wrong.refused(405);
    assert!(message.starts_with("PATCH is not allowed on /app/api/v1/kapps"), "{message}");
    let limit = server.get("/kapps?limit=many").await.refused(400);
    assert!(limit.contains("limit"), "{limit}");
    let limit = server.get("/kapps?limit=100000").await.refused(400);
    assert!(limit.contains("between 1 and 1000"), "{limit}");
    let task = server.get("/app/components/task/app/api/v2/nothing").await;
    assert_eq!(task.status, 404);
    assert!(task.body["message"].is_string() && task.body.get("error").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_carry_the_headers_that_protect_them() {
    let server = one().await;
    let answer = server.get("/kapps").await;
    assert_eq!(answer.header("x-content-type-options").unwrap(), "nosniff");
    assert_eq!(answer.header("referrer-policy").unwrap(), "no-referrer");
    let policy = answer.header("content-security-policy").unwrap().to_str().unwrap();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    let small = server.bare(Method::GET, "/app/api/openapi.json");
    let small = small.header(header::ACCEPT_ENCODING, "gzip").send().await.unwrap();
    assert_eq!(small.headers()[header::CONTENT_ENCODING], "gzip");
    let page = Answer::of(server.bare(Method::GET, "/console/runs/1")).await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").unwrap().to_str().unwrap().starts_with("text/html"));
    let root = Answer::of(server.bare(Method::GET, "/")).await;
    assert_eq!(root.header("location").unwrap(), "/console/");
}
