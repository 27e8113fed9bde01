//! The public API, as the suite needs it.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

/// How long a server may be busy.
const BUSY: Duration = Duration::from_secs(10);
pub(crate) const USERNAME: &str = "admin";
pub(crate) const PASSWORD: &str = "kill-suite-password";
/// The prefix of the workflow engine's routes.
pub(crate) const TASK: &str = "/app/components/task/app/api/v2";

/// A client of one server's address; the server behind it comes and goes.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    pub(crate) fn new(url: String) -> Self {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
        Self { http, url }
    }

    /// Sends a request. `Err` when no whole answer came: the change may or may not have happened.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Value), reqwest::Error> {
        let request = self.http.request(method, format!("{}{path}", self.url));
        let mut request = request.basic_auth(USERNAME, Some(PASSWORD));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok((status, body))
    }

    /// Asks a server that must be there and must agree.
    pub(crate) async fn get(&self, path: &str) -> Value {
        self.must(Method::GET, path, None).await
    }

    /// Posts to a server that must be there and must agree.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        self.must(Method::POST, path, Some(&body)).await
    }

    async fn must(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let deadline = Instant::now() + BUSY;
        loop {
            let answer = self.send(method.clone(), path, body).await;
            let (status, body) = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
            // A server that finds its database again says "in a moment".
            if status == 503 && Instant::now() < deadline {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
            assert_eq!(status, 200, "{method} {path}: {body}");
            return body;
        }
    }

    /// Every element of a paged list.
    pub(crate) async fn all(&self, path: &str, name: &str) -> Vec<Value> {
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("{path}&limit=500{token}")).await;
            found.extend(page[name].as_array().unwrap_or(&Vec::new()).iter().cloned());
            match page["nextPageToken"].as_str() {
                Some(next) => token = format!("&pageToken={next}"),
                None => return found,
            }
        }
    }
}
