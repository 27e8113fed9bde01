//! Live views: the stream says which lists are out of date.

use crate::harness::{ADMIN, both};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_within_moments() {
    for server in both().await {
        let request = server.bare(Method::GET, "/app/api/v1/stream");
        let mut stream = request.basic_auth(ADMIN.0, Some(ADMIN.1)).send().await.unwrap();
        let kind = stream.headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!(kind, "text/event-stream");
        server.post("/users", &json!({ "username": "grace" })).await.ok();
        let mut told = String::new();
        while !told.contains("\"users\"") {
            let chunk = tokio::time::timeout(Duration::from_secs(10), stream.chunk()).await;
            let chunk = chunk.expect("a message").unwrap().expect("an open stream");
            told.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        assert!(told.contains("event: change"), "{told}");
        let data = told.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        let topics = data["topics"].as_array().unwrap();
        assert!(topics.contains(&json!("events")), "one message holds them all: {told}");
    }
}
