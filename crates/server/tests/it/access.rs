//! Who may ask: the whole route table is walked.

use crate::harness::{Answer, PLAIN, Server, one};
use reqwest::Method;
use serde_json::Value;

/// The routes that anyone may ask, and no others.
const OPEN: &[&str] = &[
    "GET /app/api/openapi.json",
    "GET /app/api/v1/version",
    "GET /app/api/v1/webhook-keys",
    "GET /app/integrator/api/healthz",
    "GET /app/integrator/api/version",
    "GET /app/logout",
    "GET /healthz",
    "GET /readyz",
    "POST /app/login.do",
];

/// Every route as its method, its path with the segments filled in, and its name.
fn routes(description: &Value) -> Vec<(Method, String, String, Value)> {
    let mut routes = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(verb) = Method::from_bytes(method.to_uppercase().as_bytes()) else { continue };
            if !operation.is_object() || operation.get("responses").is_none() {
                continue;
            }
            let segment = |s: &str| if s.starts_with('{') { "1".to_owned() } else { s.to_owned() };
            let filled: Vec<String> = path.split('/').map(segment).collect();
            let name = format!("{verb} {path}");
            routes.push((verb, filled.join("/"), name, operation["security"].clone()));
        }
    }
    routes
}

async fn description(server: &Server) -> Value {
    let open = Answer::of(server.bare(Method::GET, "/app/api/openapi.json")).await;
    assert!(open.body["openapi"].as_str().unwrap().starts_with("3.1"));
    open.body
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_answers_nobody_but_the_open_ones() {
    let server = one().await;
    let mut open = Vec::new();
    for (method, path, name, _) in routes(&description(&server).await) {
        let answer = Answer::of(server.bare(method, &path)).await;
        if answer.status == 401 {
            assert!(answer.header("www-authenticate").is_some(), "{name}");
        } else {
            open.push(name);
        }
    }
    open.sort();
    assert_eq!(open, OPEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_of_administrators_answers_a_plain_user() {
    let server = one().await;
    server.plain_user().await;
    let mut walked = 0;
    for (method, path, name, security) in routes(&description(&server).await) {
        if !security.to_string().contains("administrator") {
            continue;
        }
        let request = server.bare(method, &path).basic_auth(PLAIN.0, Some(PLAIN.1));
        let answer = Answer::of(request).await;
        assert!([403, 404].contains(&answer.status.as_u16()), "{name}: {}", answer.status);
        walked += 1;
    }
    assert!(walked > 10, "{walked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_is_not_prompted_when_a_script_asks() {
    let server = one().await;
    for header in ["x-kinetic-authassumed", "x-requested-with"] {
        let request = server.bare(Method::GET, "/app/api/v1/me").header(header, "true");
        let answer = Answer::of(request).await;
        assert!(answer.header("www-authenticate").is_none(), "{header}");
        answer.refused(401);
    }
    let wrong = server.bare(Method::GET, "/app/api/v1/me").basic_auth("admin", Some("wrong"));
    Answer::of(wrong).await.refused(401);
    let bearer = server.bare(Method::GET, "/app/api/v1/me").bearer_auth("token");
    assert_eq!(Answer::of(bearer).await.refused(401), "The bearer token is not known.");
}
