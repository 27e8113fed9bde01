//! Bad input: the documented status, a message that names the place, nothing stored.

use crate::harness::{ADMIN, Answer, Server, one};
use reqwest::{Method, header};
use serde_json::json;

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
    check(json, &large, 413, "limit of 8388608 bytes").await;
    assert_eq!(server.get("/kapps").await.ok()["kapps"], json!([]));
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
