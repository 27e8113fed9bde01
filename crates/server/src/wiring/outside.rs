//! What the workflow engine does outside of itself: submissions of the platform, requests through
//! the guarded sender.

use super::{PlatformLater, WebhooksLater};
use http::{HeaderName, HeaderValue, Method};
use model::id::SubmissionId;
use model::limits::RETRY_AFTER_MS_MAX;
use model::submission::CoreState;
use platform::submissions::{Record, SaveOptions, SubmissionInput};
use platform::{Actor, BoxFuture, Platform, Scope};
use runtime::Runtime;
use runtime::backoff::Backoff;
use runtime::vault::Secret;
use serde_json::{Map, Value};
use webhooks::Webhooks;
use webhooks::connections::Execution;
use webhooks::send::{Limits, Request, Sender};
use webhooks::{retry_after, sign};
use workflows::engine::{
    Behalf, Failure, Http, HttpResponse, Operations, Repeat, Setback, Submission, Submissions,
};
use workflows::handlers::{HttpRequest, OperationCall, SubmissionCreate, SubmissionUpdate};

/// Waits between attempts of a change that the store could not take.
const STORE_BACKOFF: Backoff = Backoff { first_ms: 100, factor: 2.0, max_ms: 5_000 };

/// Changes submissions as the system, which may do what an administrator may.
pub(super) struct PlatformSubmissions {
    platform: PlatformLater,
    runtime: Runtime,
}

impl PlatformSubmissions {
    pub(super) fn new(platform: PlatformLater, runtime: Runtime) -> Self {
        Self { platform, runtime }
    }

    fn platform(&self) -> Result<&Platform, Failure> {
        self.platform.get().ok_or_else(|| Failure("The server is still starting.".to_owned()))
    }
}

/// Repeats a change, which does no more the second time, for as long as the store cannot take it:
/// a database that restarts is no error of a run, for a person to mend.
pub(super) async fn repeated<T, F>(
    runtime: &Runtime,
    change: impl Fn() -> F,
) -> Result<T, platform::Error>
where
    F: Future<Output = Result<T, platform::Error>>,
{
    let mut retry = 0;
    loop {
        let away = match change().await {
            Err(platform::Error::Store(error)) if error.is_temporary() => error,
            done => return done,
        };
        tracing::warn!(error = %away, "a run's change could not be stored; it is tried again");
        runtime.sleep_ms(STORE_BACKOFF.wait_ms(retry, runtime)).await;
        retry += 1;
    }
}

impl Submissions for PlatformSubmissions {
    fn create<'a>(
        &'a self,
        behalf: &'a Behalf,
        key: &'a str,
        new: &'a SubmissionCreate,
    ) -> BoxFuture<'a, Result<Submission, Failure>> {
        Box::pin(async move {
            let platform = self.platform()?;
            let actor = Actor::system(behalf.space_id.clone(), behalf.cause.clone());
            let kapp = given(&new.kapp_slug);
            let scope = kapp.as_deref().map_or(Scope::Datastore, Scope::Kapp);
            let input = SubmissionInput {
                id: Some(submission_id(&behalf.space_id.0, key)),
                core_state: core_state(&new.core_state, Some(CoreState::Submitted))?,
                current_page: given(&new.current_page).map(Some),
                values: new.values.clone(),
                origin: given(&new.origin).map(|id| Some(SubmissionId(id))),
                parent: given(&new.parent).map(|id| Some(SubmissionId(id))),
                session_token: None,
            };
            let options = SaveOptions::default();
            let form = new.form_slug.as_str();
            let made = repeated(&self.runtime, || {
                platform.create_submission(&actor, scope, form, input.clone(), &options)
            });
            made.await.map(|record| answer(&record)).map_err(|error| failure(&error))
        })
    }

    /// Values and core states are set, not added to, so that a repeat changes nothing more.
    fn update<'a>(
        &'a self,
        behalf: &'a Behalf,
        _key: &'a str,
        change: &'a SubmissionUpdate,
    ) -> BoxFuture<'a, Result<Submission, Failure>> {
        Box::pin(async move {
            let platform = self.platform()?;
            let actor = Actor::system(behalf.space_id.clone(), behalf.cause.clone());
            let input = SubmissionInput {
                core_state: core_state(&change.core_state, None)?,
                current_page: given(&change.current_page).map(Some),
                values: change.values.clone(),
                ..SubmissionInput::default()
            };
            let changed = repeated(&self.runtime, || {
                platform.update_submission(&actor, &change.id, input.clone())
            });
            changed.await.map(|record| answer(&record)).map_err(|error| failure(&error))
        })
    }
}

/// The id of a submission that a task creates: the same task makes the same one.
pub(super) fn submission_id(space: &str, key: &str) -> SubmissionId {
    let name = format!("kapok:submission:{space}:{key}");
    SubmissionId::new(uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()))
}

fn given(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.trim().to_owned())
}

fn core_state(text: &str, blank: Option<CoreState>) -> Result<Option<CoreState>, Failure> {
    let Some(text) = given(text) else { return Ok(blank) };
    let state = CoreState::parse(&text).ok_or_else(|| {
        Failure(format!("The core state must be Draft, Submitted or Closed, not \"{text}\"."))
    })?;
    Ok(Some(state))
}

fn answer(record: &Record) -> Submission {
    Submission { id: record.submission.id.to_string(), handle: record.submission.handle.clone() }
}

/// Refusals are for the record as they are; a failure of the store is told with its cause.
pub(super) fn failure(error: &platform::Error) -> Failure {
    Failure(with_cause(error))
}

fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Sends the requests of HTTP nodes through the guard that webhooks obey.
pub(super) struct GuardedHttp {
    sender: Sender,
    runtime: Runtime,
}

impl GuardedHttp {
    pub(super) fn new(sender: Sender, runtime: Runtime) -> Self {
        Self { sender, runtime }
    }
}

impl Http for GuardedHttp {
    fn send<'a>(
        &'a self,
        _behalf: &'a Behalf,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, Failure>> {
        Box::pin(async move {
            let outcome = self.sender.send(&read(request)?).await;
            if let Some(failure) = outcome.failure {
                return Err(Failure(failure.message));
            }
            let response =
                outcome.response.ok_or_else(|| Failure("There was no answer.".to_owned()))?;
            let header = |(name, value): (&HeaderName, &HeaderValue)| {
                (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            };
            Ok(HttpResponse {
                status: response.status.as_u16(),
                headers: response.headers.iter().map(header).collect(),
                body: String::from_utf8_lossy(&response.body).into_owned(),
            })
        })
    }

    fn send_signed<'a>(
        &'a self,
        behalf: &'a Behalf,
        key: &'a str,
        secret: &'a Secret,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, Failure>> {
        Box::pin(async move {
            let now = self.runtime.now();
            let signed = sign::headers(secret, key, now, request.body.as_bytes());
            let signed =
                signed.ok_or_else(|| Failure("The stored secret cannot sign.".to_owned()))?;
            let mut request = request.clone();
            let signed = signed.map(|(name, value)| (name.to_owned(), value));
            request.headers.extend(signed);
            self.send(behalf, &request).await
        })
    }

    fn is_signed(&self, secret: &Secret, headers: (&str, &str, &str), body: &[u8]) -> bool {
        sign::is_signed(secret, headers, self.runtime.now(), body)
    }

    fn retry_after_ms(&self, response: &HttpResponse) -> Option<i64> {
        let asked = retry_after::read_ms(response.header("retry-after")?, self.runtime.now())?;
        Some(asked.clamp(0, RETRY_AFTER_MS_MAX))
    }

    fn is_secret(&self, secret: &str) -> bool {
        sign::is_secret(secret)
    }

    fn draw_secret(&self) -> Secret {
        sign::new_secret(&self.runtime)
    }

    fn refuses(&self, url: &str) -> Option<String> {
        self.sender.guard().judge_url(url).err().map(|refusal| refusal.to_string())
    }
}

/// Calls operations of connections, once the webhooks' side, which keeps them, is built.
pub(super) struct ConnectionOperations {
    webhooks: WebhooksLater,
}

impl ConnectionOperations {
    pub(super) fn new(webhooks: WebhooksLater) -> Self {
        Self { webhooks }
    }

    fn webhooks(&self) -> Result<&Webhooks, Failure> {
        self.webhooks.get().ok_or_else(|| Failure("The server is still starting.".to_owned()))
    }
}

impl Operations for ConnectionOperations {
    fn call<'a>(
        &'a self,
        behalf: &'a Behalf,
        key: &'a str,
        call: &'a OperationCall,
    ) -> BoxFuture<'a, Result<Map<String, Value>, Setback>> {
        Box::pin(async move {
            let execution = Execution {
                connection: call.connection.clone(),
                operation: Some(call.operation.clone()),
                document: None,
                inputs: call.inputs.clone(),
                key: Some(key.to_owned()),
            };
            let called = self.webhooks()?.call_operation(&behalf.space_id, &execution).await;
            let called = called.map_err(|error| Failure(with_cause(&error)))?;
            called.map(|called| called.outputs).map_err(|failed| {
                let repeat = if failed.happened { Repeat::Never } else { Repeat::Usual };
                Setback { message: failed.message, repeat }
            })
        })
    }
}

fn read(request: &HttpRequest) -> Result<Request, Failure> {
    let method = Method::from_bytes(request.method.as_bytes())
        .map_err(|_| Failure(format!("\"{}\" is not an HTTP method.", request.method)))?;
    let header = |(name, value): &(String, String)| {
        let parsed = HeaderName::try_from(name).ok().zip(HeaderValue::try_from(value).ok());
        parsed.ok_or_else(|| Failure(format!("The header \"{name}\" cannot be sent as it is.")))
    };
    Ok(Request {
        method,
        url: request.url.clone(),
        headers: request.headers.iter().map(header).collect::<Result<_, _>>()?,
        body: request.body.clone().into(),
        limits: limits_of(request),
        identity: None,
    })
}

/// The limits of a request: its own where it has some.
fn limits_of(request: &HttpRequest) -> Limits {
    let usual = Limits::default();
    Limits {
        total_ms: request.timeout_ms.unwrap_or(usual.total_ms),
        kept_bytes_max: request.body_bytes_max.unwrap_or(usual.kept_bytes_max),
        ..usual
    }
}
