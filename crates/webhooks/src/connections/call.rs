//! Calling an operation: the request is rendered, shows who asks, goes through the guard, and its
//! answer is mapped to outputs; for statements see [`query`]. Redirects are answers and never
//! followed.

use super::documents::{self, read_outputs, unready};
use super::request::{Rendered, Request};
use super::template::{HIDDEN, Values};
use super::work::Work;
use super::{ADMINISTER, NOUN, OPERATION, query};
use crate::oauth::{Client, Grant};
use crate::send::{self, Limits, Outcome, Response, Trusted};
use crate::{Actor, Error, Webhooks};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use expr::js::outputs::Answer;
use http::StatusCode;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use model::connection::{Connection, POSTGRES};
use model::id::{ConnectionId, SpaceId};
use model::job::ErrorClass;
use model::limits;
use runtime::vault::Secret;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What to call, and with what.
#[derive(Clone, Debug, Default)]
pub struct Execution {
    /// The connection's id or name.
    pub connection: String,
    /// The operation's id or name.
    pub operation: Option<String>,
    /// An operation that is not stored, as a document; it goes before the stored one.
    pub document: Option<Value>,
    /// Values of its inputs by name.
    pub inputs: Map<String, Value>,
    /// What a repeat of the same call has in common with it.
    pub key: Option<String>,
}

/// A request as people may see it: secrets are hidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

/// A call that was answered.
#[derive(Clone, Debug)]
pub struct Called {
    /// What was sent.
    pub sent: Sent,
    /// The answer.
    pub answer: Answered,
    /// The outputs.
    pub outputs: Map<String, Value>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// The headers by their name in lower case.
    pub headers: Map<String, Value>,
    /// What its JSON says, or its text.
    pub body: Value,
    /// How long the call took.
    pub duration: Duration,
}

/// A call that failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failed {
    /// The class: `inputs`, `connection`, `outputs`, or that of a failed delivery.
    pub class: &'static str,
    /// What happened and what to do.
    pub message: String,
    /// What was sent, if it was.
    pub sent: Option<Box<Sent>>,
    /// The answer, if there was one.
    pub answer: Option<Box<Answered>>,
    /// Whether a statement that writes took effect, or may have: nothing would tell a repeat.
    pub happened: bool,
}

/// What came of testing a connection.
#[derive(Clone, Debug)]
pub struct Tested {
    /// Whether the system answered with success.
    pub ok: bool,
    /// What happened.
    pub message: String,
}

impl Failed {
    pub(super) fn new(class: &'static str, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), sent: None, answer: None, happened: false }
    }
}

/// The named secrets of a connection, and what stands for them where people look.
#[derive(Default)]
pub(super) struct Secrets {
    pub(super) clear: BTreeMap<String, Cow<'static, str>>,
    pub(super) hidden: BTreeMap<String, Cow<'static, str>>,
}

/// A call ready to be made.
struct Prepared {
    request: Rendered,
    sent: Sent,
    auth: Auth,
    identity: Option<Trusted>,
}

/// Who asks.
enum Auth {
    None,
    Header(HeaderName, HeaderValue),
    Token(Box<Client>),
}

impl Webhooks {
    /// Calls an operation for an administrator.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`; what becomes of the call itself is the inner result.
    pub async fn execute(
        &self,
        actor: &Actor,
        execution: &Execution,
    ) -> Result<Result<Called, Failed>, Error> {
        actor.must_administer(ADMINISTER)?;
        self.call_operation(&actor.space_id, execution).await
    }

    /// Calls an operation for a run of the space.
    ///
    /// # Errors
    /// `NotFound`, `Store`; what becomes of the call itself is the inner result.
    pub async fn call_operation(
        &self,
        space: &SpaceId,
        execution: &Execution,
    ) -> Result<Result<Called, Failed>, Error> {
        let (space, of) = (space.clone(), execution.connection.clone());
        let wanted = execution.operation.clone();
        let (connection, stored) = self
            .read(move |tx| {
                let connection = store::connections::by_key(tx, &space, &of)?;
                let connection = connection.ok_or_else(|| Error::not_found(NOUN, &of))?;
                let Some(wanted) = &wanted else { return Ok((connection, None)) };
                let stored = store::operations::by_key(tx, &space, &connection.id, wanted)?;
                let stored = stored.ok_or_else(|| Error::not_found(OPERATION, wanted))?;
                Ok((connection, Some(stored)))
            })
            .await?;
        let (config, outputs) = match (&execution.document, stored) {
            (Some(document), stored) => {
                let stored = stored.map(|stored| (stored.config, stored.outputs));
                let (config, outputs) = stored.unwrap_or((Value::Null, json!({})));
                let given = |member: &str| document.get(member).filter(|v| !v.is_null()).cloned();
                (given("config").unwrap_or(config), given("outputs").unwrap_or(outputs))
            }
            (None, Some(stored)) => (stored.config, stored.outputs),
            (None, None) => return Err(Error::refused("The operation must be named or given")),
        };
        Ok(self.call(&connection, &config, &outputs, execution).await)
    }

    async fn call(
        &self,
        connection: &Connection,
        config: &Value,
        outputs: &Value,
        execution: &Execution,
    ) -> Result<Called, Failed> {
        let given = config.as_object().cloned().unwrap_or_default();
        let invalid = |problems: Vec<String>| Failed::new("operation", problems.join(". "));
        let work = Work::read(&connection.kind, &given).map_err(invalid)?;
        let outputs = read_outputs(outputs).map_err(invalid)?;
        let (sent, answer) = match &work {
            Work::Http(request) => self.call_request(connection, request, execution).await?,
            Work::Postgres(statement) => {
                self.call_statement(connection, statement, execution).await?
            }
        };
        let taken = outputs.of(&Answer {
            body: answer.body.clone(),
            headers: Value::Object(answer.headers.clone()),
            status: answer.status,
        });
        match taken {
            Ok(outputs) => Ok(Called { sent, answer, outputs }),
            Err(error) => {
                let what = match &work {
                    Work::Http(_) => {
                        let status = StatusCode::from_u16(answer.status).unwrap_or_default();
                        format!("The answer was {}", send::status_line(status))
                    }
                    Work::Postgres(_) => query::what_ran(&answer.body),
                };
                let failed = Failed::new("outputs", format!("{what}, and the output {error}"));
                let (sent, answer) = (Some(Box::new(sent)), Some(Box::new(answer)));
                let happened = matches!(&work, Work::Postgres(work) if !work.only_reads());
                Err(Failed { sent, answer, happened, ..failed })
            }
        }
    }

    /// Sends the request of an operation.
    async fn call_request(
        &self,
        connection: &Connection,
        request: &Request,
        execution: &Execution,
    ) -> Result<(Sent, Answered), Failed> {
        let prepared = self.prepare_call(connection, request, execution)?;
        let outcome = self.send(&prepared).await;
        let answer = outcome.response.as_ref().map(|response| answered(response, &outcome));
        let failed = |class, message: String| Failed {
            class,
            message,
            sent: Some(Box::new(prepared.sent.clone())),
            answer: answer.clone().map(Box::new),
            happened: false,
        };
        if let Some(failure) = &outcome.failure {
            return Err(failed(failure.class.as_str(), words(failure)));
        }
        let Some(answer) = &answer else {
            return Err(failed("protocol", "There was no answer".to_owned()));
        };
        if request.expects_redirects
            && (300..400).contains(&answer.status)
            && let Some(failure) = outcome.delivery_failure()
        {
            return Err(failed(failure.class.as_str(), words(&failure)));
        }
        Ok((prepared.sent.clone(), answer.clone()))
    }

    /// Opens the named secrets of a connection.
    pub(super) fn secrets_of(&self, connection: &Connection) -> Result<Secrets, Failed> {
        let mut secrets = Secrets::default();
        for (name, stored) in &connection.secrets {
            let what = format!("secret.{name}");
            let secret = documents::open(&self.inner.vault, connection, &what, stored);
            let secret = secret.map_err(|error| {
                Failed::new("connection", format!("The secret \"{name}\": {error}"))
            })?;
            let clear = secret.map(|s| (name.clone(), Cow::Owned(s.expose().to_owned())));
            secrets.clear.extend(clear);
            secrets.hidden.insert(name.clone(), Cow::Borrowed(HIDDEN));
        }
        Ok(secrets)
    }

    /// Renders a request and opens what it needs.
    fn prepare_call(
        &self,
        connection: &Connection,
        request: &Request,
        execution: &Execution,
    ) -> Result<Prepared, Failed> {
        let broken = |why: String| Failed::new("connection", why);
        if let Some(missing) = unready(connection) {
            return Err(broken(format!("The connection \"{}\": {missing}", connection.name)));
        }
        let base = connection.config["baseUrl"].as_str().unwrap_or_default();
        let secrets = self.secrets_of(connection)?;
        let inputs = &execution.inputs;
        let inputs_failed = |why: String| Failed::new("inputs", why);
        let rendered = request.render(base, &Values { inputs, secrets: &secrets.clear });
        let mut rendered = rendered.map_err(inputs_failed)?;
        let shown = request.render(base, &Values { inputs, secrets: &secrets.hidden });
        let shown = shown.map_err(inputs_failed)?;
        let is_safe = rendered.method == http::Method::GET;
        let has_key = rendered.headers.iter().any(|(name, _)| name == IDEMPOTENCY_KEY);
        if let Some(key) = execution.key.as_deref().filter(|_| !is_safe && !has_key)
            && let Ok(value) = HeaderValue::from_str(key)
        {
            rendered.headers.push((IDEMPOTENCY_KEY, value));
        }
        let auth = self.auth(connection).map_err(broken)?;
        // A header that the operation sets itself goes before that of the connection.
        if let Auth::Header(name, value) = &auth
            && !rendered.headers.iter().any(|(own, _)| own == name)
        {
            rendered.headers.push((name.clone(), value.clone()));
        }
        let authority = connection.config["caCert"].as_str();
        let identity = self.inner.sender.identity(authority, None).map_err(broken)?;
        let shown_headers: http::HeaderMap = rendered.headers.iter().cloned().collect();
        let sent = Sent {
            method: rendered.method.to_string(),
            url: shown.url,
            headers: send::shown_headers(&shown_headers),
            body: send::body_text(&shown.body, shown.body.len()),
        };
        Ok(Prepared { request: rendered, sent, auth, identity })
    }

    /// Who asks, with the secret opened.
    fn auth(&self, connection: &Connection) -> Result<Auth, String> {
        let auth = &connection.config["auth"];
        let Some(member) = documents::secret_member(auth) else { return Ok(Auth::None) };
        let text = |member: &str| auth[member].as_str().unwrap_or_default();
        let what = format!("auth.{member}");
        let secret = documents::open(&self.inner.vault, connection, &what, &auth[member]);
        let secret = secret.map_err(|error| format!("The {member}: {error}"))?;
        let secret = secret.unwrap_or_else(|| Secret::new(""));
        let secret = secret.expose();
        match text("authType") {
            "basic" => {
                let pair = STANDARD.encode(format!("{}:{secret}", text("username")));
                header(AUTHORIZATION.as_str(), &format!("Basic {pair}"))
            }
            "raw_bearer_token" => {
                header(text("header"), format!("{} {secret}", text("prefix")).trim_start())
            }
            _ => {
                let identity = self.inner.sender.identity(auth["caCert"].as_str(), None)?;
                let client = Client::new(&Grant {
                    token_url: text("tokenUrl"),
                    client_id: text("clientId"),
                    client_secret: secret,
                    scope: text("scope"),
                    audience: "",
                    in_body: text("clientAuth") != "basic_auth",
                });
                Ok(Auth::Token(Box::new(client.trusting(identity))))
            }
        }
    }

    /// Sends a request; one that a fetched token was refused for is sent once more with a new one.
    async fn send(&self, prepared: &Prepared) -> Outcome {
        let inner = &self.inner;
        let Auth::Token(client) = &prepared.auth else {
            return inner.sender.send(&outgoing(prepared, None)).await;
        };
        let mut refused = None;
        loop {
            let token = inner.tokens.get(&inner.sender, &inner.runtime, client, refused.as_ref());
            let token = match token.await {
                Ok(token) => token,
                Err(failure) => return Outcome::unsent(inner.runtime.now(), failure),
            };
            let outcome = inner.sender.send(&outgoing(prepared, Some(&token))).await;
            let status = outcome.response.as_ref().map(|response| response.status);
            if status != Some(StatusCode::UNAUTHORIZED) || refused.is_some() {
                return outcome;
            }
            refused = Some(token);
        }
    }

    /// Asks a stored connection's test path, with what `given` changes of it.
    ///
    /// # Errors
    /// `Invalid`, `NotFound`, `Forbidden`, `Store`.
    pub async fn test_connection(
        &self,
        actor: &Actor,
        id: &ConnectionId,
        given: &Map<String, Value>,
    ) -> Result<Tested, Error> {
        let stored = self.connection(actor, id).await?;
        let connection = self.read_connection(stored, given)?;
        Ok(self.test(&connection).await)
    }

    /// Asks the test path of a connection that is not stored.
    ///
    /// # Errors
    /// `Invalid`, `Forbidden`.
    pub async fn test_document(
        &self,
        actor: &Actor,
        given: &Map<String, Value>,
    ) -> Result<Tested, Error> {
        actor.must_administer(ADMINISTER)?;
        let id = ConnectionId::new(self.inner.runtime.uuid());
        let mut given = given.clone();
        given.entry("name").or_insert_with(|| json!("Test"));
        let connection = self.read_connection(self.blank_connection(actor, id), &given)?;
        Ok(self.test(&connection).await)
    }

    async fn test(&self, connection: &Connection) -> Tested {
        if connection.kind == POSTGRES {
            return self.test_database(connection).await;
        }
        let path = connection.config["testPath"].as_str().unwrap_or_default();
        let request = Request::plain(path);
        let called = match self.prepare_call(connection, &request, &Execution::default()) {
            Ok(prepared) => self.send(&prepared).await,
            Err(failed) => return Tested { ok: false, message: failed.message },
        };
        match called.delivery_failure() {
            None => Tested { ok: true, message: called.summary() },
            Some(failure) => Tested { ok: false, message: words(&failure) },
        }
    }

    /// Forgets what is kept of a connection between calls, such as a fetched token.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn restart_connection(
        &self,
        actor: &Actor,
        id: &ConnectionId,
    ) -> Result<Connection, Error> {
        let connection = self.connection(actor, id).await?;
        if let Ok(Auth::Token(client)) = self.auth(&connection) {
            self.inner.tokens.forget(&client);
        }
        Ok(connection)
    }

    /// Evaluates outputs on a given answer, `{body, headers, statusCode}`.
    ///
    /// # Errors
    /// `Invalid` with what is wrong with the outputs, or with what they threw; `Forbidden`.
    pub fn transform(
        &self,
        actor: &Actor,
        outputs: &Value,
        raw: &Value,
    ) -> Result<Map<String, Value>, Error> {
        actor.must_administer(ADMINISTER)?;
        let invalid = |problems| Error::Invalid { noun: OPERATION, problems };
        let outputs = read_outputs(outputs).map_err(invalid)?;
        let status = raw["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
        let answer = Answer {
            body: raw["body"].clone(),
            headers: raw["headers"].clone(),
            status: status.unwrap_or(200),
        };
        outputs.of(&answer).map_err(|error| invalid(vec![format!("The output {error}")]))
    }
}

fn header(name: &str, value: &str) -> Result<Auth, String> {
    let parsed = HeaderName::try_from(name).ok().zip(HeaderValue::from_str(value).ok());
    let (name, mut value) = parsed.ok_or("The credentials cannot be sent in a header")?;
    value.set_sensitive(true);
    Ok(Auth::Header(name, value))
}

fn outgoing(prepared: &Prepared, token: Option<&Secret>) -> send::Request {
    let mut headers = prepared.request.headers.clone();
    if let Some(token) = token
        && let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
    {
        value.set_sensitive(true);
        headers.push((AUTHORIZATION, value));
    }
    send::Request {
        method: prepared.request.method.clone(),
        url: prepared.request.url.clone(),
        headers,
        body: prepared.request.body.clone(),
        limits: Limits {
            kept_bytes_max: limits::OPERATION_ANSWER_BYTES_MAX,
            read_bytes_max: limits::OPERATION_ANSWER_BYTES_MAX,
            ..Limits::default()
        },
        identity: prepared.identity.clone(),
    }
}

fn answered(response: &Response, outcome: &Outcome) -> Answered {
    let mut headers = Map::new();
    for (name, value) in &response.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        match headers.get_mut(name.as_str()) {
            Some(Value::String(before)) => *before = format!("{before}, {value}"),
            _ => {
                headers.insert(name.to_string(), value.into());
            }
        }
    }
    let kind = response.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let says_json = kind.is_none_or(|kind| kind.to_ascii_lowercase().contains("json"));
    let parsed = serde_json::from_slice::<Value>(&response.body).ok();
    // Some servers send their JSON as plain text; a number or a word alone stays a text then.
    let parsed = parsed.filter(|value| says_json || value.is_object() || value.is_array());
    let body = parsed.unwrap_or_else(|| response.text().into());
    Answered { status: response.status.as_u16(), headers, body, duration: outcome.duration }
}

/// A failure in words that say what to do about the common ones.
pub(super) fn words(failure: &send::Failure) -> String {
    let message = &failure.message;
    match failure.class {
        ErrorClass::TooLarge => format!(
            "{message}; an operation reads at most {} bytes",
            limits::OPERATION_ANSWER_BYTES_MAX
        ),
        ErrorClass::Blocked => {
            format!("{message}. The operator may allow private addresses by their range")
        }
        _ => message.clone(),
    }
}
