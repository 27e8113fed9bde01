//! What the engine needs from the rest of the server: submissions and the guarded sender.

use crate::handlers::{HttpRequest, OperationCall, SubmissionCreate, SubmissionUpdate};
use futures_util::future::BoxFuture;
use model::event::Cause;
use model::id::SpaceId;
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
}

/// Calls operations of the space's connections.
pub trait Operations: Send + Sync {
    /// Calls an operation and returns its outputs; a repeat with the same `key` is told to be one.
    fn call<'a>(
        &'a self,
        behalf: &'a Behalf,
        key: &'a str,
        call: &'a OperationCall,
    ) -> BoxFuture<'a, Result<Map<String, Value>, Failure>>;
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
}
