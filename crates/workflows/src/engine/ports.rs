//! What the engine needs from the rest of the server: the platform, the API, the guarded sender,
//! the mail server.

use crate::handlers::{
    ApiRequest, HttpRequest, OperationCall, RecordChange, SubmissionCreate, SubmissionUpdate,
    matches_status,
};
use crate::step::Input;
use crate::step::state::ErrorKind;
use futures_util::future::BoxFuture;
use model::event::Cause;
use model::id::SpaceId;
use runtime::mail::Unsent;
use runtime::vault::Secret;
use serde_json::{Map, Value};

/// On whose behalf a handler works, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Behalf {
    /// The space.
    pub space_id: SpaceId,
    /// The chain of causes; events of this work continue it. Its task is the number in the run.
    pub cause: Cause,
}

/// Why outside work did not succeed, in words for the error's record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

/// Work that did not succeed, and what is known about repeating it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setback {
    /// Why, in words for the error's record.
    pub message: String,
    /// Whether it may be tried again without asking anybody.
    pub repeat: Repeat,
}

/// Whether work that did not succeed may be tried again by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// As the handler's effect says.
    Usual,
    /// Nothing has happened, or happens once only: whatever the effect, a repeat does no harm.
    Harmless {
        /// Milliseconds that have to pass before.
        wait_ms: i64,
    },
    /// It would fail in the same way, or could happen twice: a person decides.
    Never,
    /// As `Never`, with an error of another documented type.
    Refused(ErrorKind),
}

/// What came of outside work that succeeded.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// It is done.
    Done(Map<String, Value>),
    /// It goes on outside; the task waits for its completion by token.
    Deferred(Map<String, Value>),
}

/// A submission that was created or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Its id.
    pub id: String,
    /// Its handle.
    pub handle: String,
}

/// Changes submissions, as the platform's use cases do.
pub trait Submissions: Send + Sync {
    /// Creates a submission; a repeat with the same `key` answers with the one that exists.
    fn create<'a>(
        &'a self,
        behalf: &'a Behalf,
        key: &'a str,
        submission: &'a SubmissionCreate,
    ) -> BoxFuture<'a, Result<Submission, Failure>>;

    /// Changes a submission; a repeat with the same `key` should not change it twice.
    fn update<'a>(
        &'a self,
        behalf: &'a Behalf,
        key: &'a str,
        submission: &'a SubmissionUpdate,
    ) -> BoxFuture<'a, Result<Submission, Failure>>;
}

/// Changes users, teams, memberships and attributes, as the platform's use cases do.
pub trait Records: Send + Sync {
    /// Makes a change and answers with the handler's results; a repeat with the same `key` leaves
    /// everything as the first left it.
    fn change<'a>(
        &'a self,
        behalf: &'a Behalf,
        key: &'a str,
        change: &'a RecordChange,
    ) -> BoxFuture<'a, Result<Map<String, Value>, Failure>>;
}

/// An HTTP response, its body cut at the sender's limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// The headers in order.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

/// Sends HTTP requests through the guard.
pub trait Http: Send + Sync {
    /// Sends a request; any status is an answer, a failure is one of the way there.
    fn send<'a>(
        &'a self,
        behalf: &'a Behalf,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, Failure>>;

    /// Sends a request whose body is signed with a secret, as deliveries of webhooks are; `key` is
    /// its `webhook-id`.
    fn send_signed<'a>(
        &'a self,
        behalf: &'a Behalf,
        key: &'a str,
        secret: &'a Secret,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, Failure>>;

    /// Whether a body is signed with a secret; `headers` are the id, the time in seconds and the
    /// signatures, as Standard Webhooks have them.
    fn is_signed(&self, secret: &Secret, headers: (&str, &str, &str), body: &[u8]) -> bool;

    /// How long an answer asks to wait before the next request, in milliseconds.
    fn retry_after_ms(&self, response: &HttpResponse) -> Option<i64>;

    /// Whether such a secret can sign.
    fn is_secret(&self, secret: &str) -> bool;

    /// Draws a secret that can sign.
    fn draw_secret(&self) -> Secret;

    /// Why a URL cannot be sent to, whoever it resolves to.
    fn refuses(&self, url: &str) -> Option<String>;
}

/// Answers requests as this server's own API does, for the run's space.
pub trait Api: Send + Sync {
    /// Any status is an answer. A repeat with the same `key` of a request that is
    /// [keyed](ApiRequest::effect) answers like the first.
    fn call<'a>(
        &'a self,
        behalf: &'a Behalf,
        key: &'a str,
        request: &'a ApiRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, Failure>>;
}

/// Calls operations of the space's connections.
pub trait Operations: Send + Sync {
    /// Calls an operation and returns its outputs; a repeat with the same `key` is told to be one,
    /// save for a statement, whose failure says whether it may be repeated.
    fn call<'a>(
        &'a self,
        behalf: &'a Behalf,
        key: &'a str,
        call: &'a OperationCall,
    ) -> BoxFuture<'a, Result<Map<String, Value>, Setback>>;
}

impl Submission {
    pub(crate) fn results(self) -> Map<String, Value> {
        let mut results = Map::new();
        results.insert("Id".into(), self.id.into());
        results.insert("Handle".into(), self.handle.into());
        results
    }
}

impl HttpResponse {
    pub(crate) fn results(self) -> Map<String, Value> {
        let headers: Map<String, Value> =
            self.headers.into_iter().map(|(name, value)| (name, value.into())).collect();
        let mut results = Map::new();
        results.insert("Response Code".into(), self.status.to_string().into());
        results.insert("Response Body".into(), self.body.into());
        results.insert("Response Headers".into(), Value::Object(headers).to_string().into());
        results
    }

    /// A header's value, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The setback that this answer is, when the request says so of its status.
    pub(super) fn refusal(&self, request: &HttpRequest, wait_ms: Option<i64>) -> Option<Setback> {
        if !matches_status(&request.retry_statuses, self.status) {
            return None;
        }
        let start: String = self.body.chars().take(200).collect();
        let message = format!("{} answered {}: {start}", request.url, self.status);
        let repeat = match wait_ms {
            Some(wait_ms) => Repeat::Harmless { wait_ms },
            None => Repeat::Usual,
        };
        Some(Setback { message, repeat })
    }
}

impl Setback {
    /// A setback after which a person decides.
    pub(crate) fn never(message: impl Into<String>) -> Self {
        Self { message: message.into(), repeat: Repeat::Never }
    }

    /// What a run is told.
    pub(super) fn input(self, seq: i64) -> Input {
        let message = self.message;
        match self.repeat {
            Repeat::Usual => Input::Failed { seq, message },
            Repeat::Harmless { wait_ms } => Input::Setback { seq, message, wait_ms },
            Repeat::Never => Input::Refused { seq, kind: ErrorKind::Handler, message },
            Repeat::Refused(kind) => Input::Refused { seq, kind, message },
        }
    }
}

impl From<Failure> for Setback {
    fn from(failure: Failure) -> Self {
        Self { message: failure.0, repeat: Repeat::Usual }
    }
}

impl From<String> for Setback {
    fn from(message: String) -> Self {
        Self { message, repeat: Repeat::Usual }
    }
}

impl From<Unsent> for Setback {
    fn from(unsent: Unsent) -> Self {
        match unsent {
            Unsent::Refused(message) => Self { message, repeat: Repeat::Never },
            Unsent::Delayed(message) => Self { message, repeat: Repeat::Harmless { wait_ms: 0 } },
            Unsent::Unknown(message) => Self::never(format!("{OUTCOME_UNKNOWN} {message}")),
        }
    }
}

/// How the message of an error begins when work may have happened or not.
pub(crate) const OUTCOME_UNKNOWN: &str = "The outcome is unknown:";
