//! The command line as a client of a running server: its public API, spoken with somebody's
//! credentials. Connections are opened by `webhooks::send`, as everywhere; its guard stands open
//! here, for the address is the one the person at the terminal named.

mod import;
mod jobs;
mod jobs_tail;
mod listen;
mod recover;
mod restored;
mod show;
mod sse;
mod trigger;

pub(crate) use import::{Export, Import};
pub(crate) use jobs::JobsCommand;
pub(crate) use listen::Listen;
pub(crate) use restored::Restored;
pub(crate) use trigger::Trigger;

use anyhow::{Context, Result, bail};
use base64::Engine;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use runtime::Runtime;
use serde_json::Value;
use std::future::Future;
use url::Url;
use webhooks::guard::Guard;
use webhooks::send::{self, Failure, Limits, Opened, Outcome, Request, Sender};

/// The server that is meant when none is named.
const URL: &str = "http://127.0.0.1:8080";
/// Bytes of an answer of the server: a page of jobs with whole payloads is large.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Milliseconds for one request to the server.
const ANSWER_MS_MAX: u64 = 90_000;

/// Which server, and as whom.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Connection {
    /// The server's address [default: http://127.0.0.1:8080]
    #[arg(long, env = "KAPOK_URL", value_name = "URL", global = true)]
    url: Option<String>,
    /// Who signs in
    #[arg(long, env = "KAPOK_USERNAME", value_name = "NAME", global = true)]
    username: Option<String>,
    /// Their password
    #[arg(
        long,
        env = "KAPOK_PASSWORD",
        value_name = "TEXT",
        hide_env_values = true,
        global = true
    )]
    password: Option<String>,
    /// An API token instead of a name and a password
    #[arg(long, env = "KAPOK_TOKEN", value_name = "TEXT", hide_env_values = true, global = true)]
    token: Option<String>,
    /// Prints JSON documents, one a line, for programs
    #[arg(long, global = true)]
    json: bool,
}

/// A server that requests are sent to.
#[derive(Clone)]
pub(crate) struct Client {
    /// Clock and signals of the process.
    pub(crate) runtime: Runtime,
    /// Sends anything anywhere, as the person asked.
    pub(crate) sender: Sender,
    /// Whether programs read the output.
    pub(crate) json: bool,
    base: String,
    authorization: Option<HeaderValue>,
}

/// An answer of the server that is no error.
pub(crate) struct Answer {
    /// The document.
    pub(crate) body: Value,
    /// The request's id, which is the trace of whatever it changed.
    pub(crate) request_id: String,
}

/// Runs a command on a small runtime of its own.
///
/// # Errors
/// Whatever stopped it, worded for the person at the terminal.
pub(crate) fn run<F: Future<Output = Result<()>>>(
    connection: &Connection,
    command: impl FnOnce(Client) -> F,
) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start")?.block_on(async {
        let client = Client::new(connection)?;
        command(client).await
    })
}

impl Client {
    fn new(connection: &Connection) -> Result<Self> {
        let text = connection.url.as_deref().filter(|url| !url.trim().is_empty()).unwrap_or(URL);
        let url = Url::parse(text.trim()).ok();
        let url = url.filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
        let Some(url) = url else {
            bail!("--url (KAPOK_URL) must be an address such as {URL}, not \"{text}\"");
        };
        let runtime = Runtime::system();
        let everywhere = ["0.0.0.0/0", "::/0"].iter().filter_map(|net| net.parse().ok());
        let guard = Guard::new(everywhere.collect());
        let options = send::Options { guard, ..send::Options::default() };
        let sender = Sender::new(runtime.clone(), options).context("cannot set up TLS")?;
        let base = url.as_str().trim_end_matches('/').trim_end_matches("/console").to_owned();
        let authorization = authorization(connection)?;
        Ok(Self { runtime, sender, json: connection.json, base, authorization })
    }

    /// The address of a page of the console.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}/console/{path}", self.base)
    }

    /// Asks for a document; `path` is under `/app/api/v1` unless it begins with `/app`.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        Ok(self.ask(Method::GET, path, None).await?.body)
    }

    /// Sends a document.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        Ok(self.ask(Method::POST, path, Some(body)).await?.body)
    }

    /// Changes a record.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> Result<Value> {
        Ok(self.ask(Method::PUT, path, Some(body)).await?.body)
    }

    /// Deletes a record.
    pub(crate) async fn delete(&self, path: &str) -> Result<Value> {
        Ok(self.ask(Method::DELETE, path, None).await?.body)
    }

    /// One request and its answer; a refusal is an error with the server's own words.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer> {
        let request = self.request(method, path, body)?;
        let outcome = self.sender.send(&request).await;
        self.read(&request, outcome)
    }

    /// Opens the server's live stream.
    pub(crate) async fn stream(&self) -> Result<Opened> {
        let request = self.request(Method::GET, "/stream", None)?;
        let opened = self.sender.open(&request).await;
        let opened = opened.map_err(|failure| self.unreachable(&failure))?;
        if opened.status != StatusCode::OK {
            bail!("{}", self.refusal(opened.status, &Value::Null, "/stream"));
        }
        Ok(opened)
    }

    fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Request> {
        let path =
            if path.starts_with("/app") { path.to_owned() } else { format!("/app/api/v1{path}") };
        let mut headers = Vec::new();
        if let Some(value) = &self.authorization {
            headers.push((AUTHORIZATION, value.clone()));
        }
        if body.is_some() {
            headers.push((CONTENT_TYPE, HeaderValue::from_static("application/json")));
        }
        Ok(Request {
            method,
            url: format!("{}{path}", self.base),
            headers,
            body: body.map(Value::to_string).unwrap_or_default().into(),
            limits: Limits {
                total_ms: ANSWER_MS_MAX,
                progress_ms: ANSWER_MS_MAX,
                kept_bytes_max: ANSWER_BYTES_MAX,
                read_bytes_max: ANSWER_BYTES_MAX,
            },
            identity: None,
        })
    }

    fn read(&self, request: &Request, outcome: Outcome) -> Result<Answer> {
        if let Some(failure) = &outcome.failure {
            return Err(self.unreachable(failure));
        }
        let response = outcome.response.context("the server did not answer")?;
        let body = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
        let id = response.headers.get("x-request-id").and_then(|id| id.to_str().ok());
        let Some(id) = id else {
            bail!(
                "{} answered {}, but not as a Kapok server does: check --url (KAPOK_URL)",
                self.base,
                send::status_line(response.status)
            );
        };
        if !response.status.is_success() {
            let path = request.url.strip_prefix(&self.base).unwrap_or(&request.url);
            bail!("{}", self.refusal(response.status, &body, path));
        }
        Ok(Answer { request_id: id.to_owned(), body })
    }

    fn unreachable(&self, failure: &Failure) -> anyhow::Error {
        let hint = match failure.class {
            model::job::ErrorClass::Connect => {
                "\n  Is the server running? `kapok serve` starts one; --url (KAPOK_URL) names \
                 another."
            }
            model::job::ErrorClass::Dns => "\n  Check the name in --url (KAPOK_URL).",
            model::job::ErrorClass::Tls => "\n  Does the server speak https? Check --url.",
            _ => "",
        };
        anyhow::anyhow!("{} cannot be reached: {failure}{hint}", self.base)
    }

    fn refusal(&self, status: StatusCode, body: &Value, path: &str) -> String {
        let said = body["error"].as_str().or_else(|| body["message"].as_str());
        let said = said.map_or_else(|| send::status_line(status), str::to_owned);
        let hint = match status {
            StatusCode::UNAUTHORIZED if self.authorization.is_none() => {
                "\n  Give --username and --password (KAPOK_USERNAME, KAPOK_PASSWORD), or --token."
            }
            StatusCode::UNAUTHORIZED => "\n  Check the name and the password, or the token.",
            StatusCode::FORBIDDEN => "\n  Sign in as an administrator of the space.",
            StatusCode::NOT_FOUND if said.starts_with("There is no route") => {
                "\n  Is the server older than this command?"
            }
            _ => "",
        };
        let _ = path;
        format!("{said}{hint}")
    }
}

fn authorization(connection: &Connection) -> Result<Option<HeaderValue>> {
    let text = match (&connection.token, &connection.username, &connection.password) {
        (Some(token), ..) => format!("Bearer {}", token.trim()),
        (None, Some(username), Some(password)) => {
            let pair = format!("{username}:{password}");
            format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
        }
        (None, None, None) => return Ok(None),
        (None, Some(_), None) => bail!("--username needs --password (KAPOK_PASSWORD) as well"),
        (None, None, Some(_)) => bail!("--password needs --username (KAPOK_USERNAME) as well"),
    };
    let mut value = HeaderValue::try_from(text).context("the credentials cannot be sent")?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// One segment of a path, percent-encoded.
pub(crate) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// A query of the parameters that are given.
pub(crate) fn query<'a>(pairs: impl IntoIterator<Item = (&'a str, Option<String>)>) -> String {
    let given = pairs.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let parts: Vec<String> =
        given.map(|(name, value)| format!("{name}={}", segment(&value))).collect();
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries_are_encoded() {
        assert_eq!(segment("a b/ü"), "a%20b%2F%C3%BC");
        let pairs = [("q", Some("a&b".to_owned())), ("none", None), ("x", Some("1".to_owned()))];
        assert_eq!(query(pairs), "?q=a%26b&x=1");
        assert_eq!(query([("none", None)]), "");
    }
}
