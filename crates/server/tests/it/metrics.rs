//! Metrics: what a real server tells, the dashboard that relies on it, and the export.

use crate::harness::{ADMIN, Answer, PLAIN, Server, both, one};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

async fn scrape(server: &Server) -> String {
    let request = server.bare(Method::GET, "/metrics").basic_auth(ADMIN.0, Some(ADMIN.1));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    answer.text().await.unwrap()
}

/// The value of a sample, found by the beginning of its line.
fn value(text: &str, sample: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(sample));
    let line = line.unwrap_or_else(|| panic!("{sample} is not in\n{text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// Has one webhook deliver to an inspector of the same server.
async fn deliver(server: &Server) {
    let made = server.post("/inspectors", &json!({ "name": "x" })).await.ok();
    let webhook = json!({ "name": "Look", "type": "User", "event": "Created",
        "url": made["inspector"]["url"] });
    server.post("/webhooks", &webhook).await.ok();
    let stream = server.bare(Method::GET, "/app/api/v1/stream");
    let mut stream = stream.basic_auth(ADMIN.0, Some(ADMIN.1)).send().await.unwrap();
    server.post("/users", &json!({ "username": "grace" })).await.ok();
    while server.get("/webhookJobs").await.ok()["webhookJobs"][0]["status"] != "Complete" {
        stream.chunk().await.unwrap().expect("the stream goes on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_counts_what_it_does() {
    for server in both().await {
        deliver(&server).await;
        let text = scrape(&server).await;
        let check = |sample: &str, expect: f64| {
            let found = value(&text, sample);
            assert!((found - expect).abs() < 1e-9, "{sample} is {found}, not {expect}");
        };
        check("kapok_delivery_attempt_duration_seconds_count{outcome=\"delivered\"}", 1.0);
        check("kapok_delivery_attempt_duration_seconds_count{outcome=\"timeout\"}", 0.0);
        check("kapok_delivery_first_byte_seconds_count", 1.0);
        check("kapok_inspected_requests_total", 1.0);
        check("kapok_jobs{state=\"Queued\"}", 0.0);
        check("kapok_runs{state=\"Error\"}", 0.0);
        assert!(value(&text, "kapok_http_request_duration_seconds_count{class=\"2xx\"}") > 3.0);
        assert!(value(&text, "kapok_store_commits_total") > 0.0);
        assert!(value(&text, "process_resident_memory_bytes") > 1e6);
        let seconds = value(&text, "kapok_delivery_first_byte_seconds_sum");
        assert!((0.0..60.0).contains(&seconds), "{seconds}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_may_ask_and_the_second_listener_answers_nothing_else() {
    let store = testkit::sqlite().await;
    let own = |config: &mut server::config::Config| {
        config.metrics_listen = Some("127.0.0.1:0".parse().unwrap());
    };
    let server = Server::with(store, own).await;
    server.plain_user().await;
    Answer::of(server.bare(Method::GET, "/metrics")).await.refused(401);
    let plain = server.bare(Method::GET, "/metrics").basic_auth(PLAIN.0, Some(PLAIN.1));
    Answer::of(plain).await.refused(403);
    let address = server.metrics_address().expect("it listens");
    let text = reqwest::get(format!("http://{address}/metrics")).await.unwrap();
    assert!(text.text().await.unwrap().contains("kapok_build_info{version="));
    for path in ["/", "/app/api/v1/me", "/console/"] {
        let answer = reqwest::get(format!("http://{address}{path}")).await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_of_the_dashboard_is_told() {
    let server = one().await;
    let text = scrape(&server).await;
    let told: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let dashboard = include_str!("../../../../docs/operations/grafana.json");
    let dashboard: Value = serde_json::from_str(dashboard).unwrap();
    let mut named = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let words = target["expr"].as_str().unwrap();
            let words = words.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            named.extend(words.filter(|w| w.starts_with("kapok_") || w.starts_with("process_")));
        }
    }
    assert!(named.len() > 15, "{named:?}");
    let base = |name: &str| {
        let ends = ["_bucket", "_sum", "_count"];
        ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name).to_owned()
    };
    let missing: Vec<_> =
        named.iter().filter(|n| !told.contains(**n) && !told.contains(&*base(n))).collect();
    assert!(missing.is_empty(), "not told: {missing:?}");
    let page = include_str!("../../../../docs/operations/metrics.md");
    let told = told.iter().filter(|name| !name.starts_with("process_"));
    let told = told.filter(|name| !name.starts_with("kapok_store_"));
    let unexplained: Vec<_> = told.filter(|name| !page.contains(**name)).collect();
    assert!(unexplained.is_empty(), "not in docs/operations/metrics.md: {unexplained:?}");
}

/// Takes one request: its path and its document.
async fn exported(listener: &TcpListener) -> (String, Value) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut text = Vec::new();
    let mut chunk = [0; 65_536];
    loop {
        let n = stream.read(&mut chunk).await.unwrap();
        text.extend_from_slice(&chunk[..n]);
        let so_far = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = so_far.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|l| l.strip_prefix("content-length: ")).unwrap();
        if body.len() >= length.parse::<usize>().unwrap() {
            assert!(head.contains("authorization: Bearer collector"), "{head}");
            let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
            stream.write_all(answer.as_bytes()).await.unwrap();
            let path = head.split(' ').nth(1).unwrap().to_owned();
            return (path, serde_json::from_str(body).unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_is_sent_metrics_and_traces() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let store = testkit::sqlite().await;
    let export = |config: &mut server::config::Config| {
        config.otlp = Some(server::config::Otlp {
            endpoint: endpoint.parse().unwrap(),
            headers: vec![("authorization".to_owned(), "Bearer collector".to_owned())],
            service: "kapok-test".to_owned(),
            metrics_ms: 200,
        });
    };
    let server = Server::with(store, export).await;
    deliver(&server).await;
    let job = server.get("/webhookJobs").await.ok()["webhookJobs"][0].take();
    let trace = job["traceId"].as_str().unwrap().replace('-', "");
    let (mut counted, mut root, mut below) = (false, None, None);
    while !(counted && root.is_some() && below.is_some()) {
        let next = tokio::time::timeout(Duration::from_secs(30), exported(&listener));
        let (path, document) = next.await.expect("an export");
        if path == "/v1/metrics" {
            let resource = &document["resourceMetrics"][0];
            let name = &resource["resource"]["attributes"][0]["value"]["stringValue"];
            assert_eq!(name, "kapok-test");
            counted |= resource.to_string().contains("kapok_delivery_attempt_duration_seconds");
            continue;
        }
        assert_eq!(path, "/v1/traces");
        let spans = document["resourceSpans"][0]["scopeSpans"][0]["spans"].clone();
        for span in spans.as_array().unwrap().iter().filter(|span| span["traceId"] == *trace) {
            let place = if span.get("parentSpanId").is_some() { &mut below } else { &mut root };
            *place = Some(span.clone());
        }
    }
    let (root, below) = (root.unwrap(), below.unwrap());
    assert_eq!(root["name"], "POST /app/api/v1/users");
    assert_eq!(below["parentSpanId"], root["spanId"]);
    assert!(below["name"].as_str().unwrap().starts_with("deliver"), "{below}");
}
