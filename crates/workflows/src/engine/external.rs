//! Calling external handlers: a signed request with what the node gives, and its answer.
//!
//! The answer is `{"results": {…}}`, `{"error": {"message": …, "retryable": …}}` or
//! `{"deferred": true}`. The `webhook-id` is the task's key: all attempts carry the same, so a
//! receiver can tell a repeat. What never got an answer is repeated as the definition's effect
//! says; what may have happened once too often is left to a person.

use super::ports::{Answer, Behalf, HttpResponse, OUTCOME_UNKNOWN, Repeat, Setback};
use super::{Inner, walk};
use crate::check::unknown_handler;
use crate::externals::{self, place};
use crate::handlers::{Effect, HttpRequest, as_texts};
use crate::step::state::ErrorKind;
use model::external_handler::ExternalHandler;
use model::id::SpaceId;
use model::limits;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use store::external_handlers;

/// Bytes of an answer that are read: results at their limit, and what stands around them.
const ANSWER_BYTES_MAX: usize = limits::RESULTS_BYTES_MAX + 64 * 1024;
/// Characters of an answer that an error shows.
const SHOWN_CHARS: usize = 200;

/// A call of an external handler by a task.
pub(super) struct Call<'a> {
    pub(super) definition: &'a str,
    /// The node's id and its name.
    pub(super) node: &'a [String; 2],
    pub(super) inputs: &'a Map<String, Value>,
    pub(super) key: &'a str,
}

/// What came of trying a handler out.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The body that was sent.
    pub request: Value,
    /// The status of the answer; `None` when there was none.
    pub status: Option<u16>,
    /// The body of the answer.
    pub body: String,
    /// The results, when the answer holds some.
    pub results: Option<Map<String, Value>>,
    /// Whether the handler would complete its task later.
    pub is_deferred: bool,
    /// Why a node would fail.
    pub error: Option<String>,
    /// Milliseconds it took.
    pub duration_ms: i64,
}

/// An answer as it is written.
#[derive(Deserialize)]
struct Written {
    results: Option<Map<String, Value>>,
    error: Option<WrittenError>,
    #[serde(default)]
    deferred: bool,
}

impl Written {
    /// Whether it is an answer, and not whatever a mistaken URL answers.
    fn says_something(&self) -> bool {
        self.results.is_some() || self.error.is_some() || self.deferred
    }
}

#[derive(Deserialize)]
struct WrittenError {
    #[serde(default)]
    message: String,
    #[serde(default)]
    retryable: bool,
}

/// What a repeat of a handler's work does.
pub(super) fn effect(handler: &ExternalHandler) -> Effect {
    externals::effect(&handler.effect).unwrap_or(Effect::Once)
}

impl Inner {
    /// The external handler of an id.
    pub(super) async fn external(
        &self,
        space: &SpaceId,
        definition: &str,
    ) -> Result<Option<ExternalHandler>, store::Error> {
        let (space, id) = (space.clone(), definition.to_owned());
        self.store.read(move |tx| external_handlers::by_id(tx, &space, &id)).await
    }

    /// Does the work of a task at its handler's URL.
    pub(super) async fn call_external(
        &self,
        behalf: &Behalf,
        call: &Call<'_>,
    ) -> Result<Answer, Setback> {
        let found = self.external(&behalf.space_id, call.definition).await;
        let found = found.map_err(|error| Setback {
            message: format!("The handler could not be looked up: {error}"),
            repeat: Repeat::Harmless { wait_ms: 0 },
        })?;
        let Some(handler) = found else {
            let message = unknown_handler(call.definition);
            return Err(Setback { message, repeat: Repeat::Refused(ErrorKind::MissingHandler) });
        };
        if !handler.is_active {
            let message = format!("The handler {} is inactive.", handler.definition_id);
            return Err(Setback::never(message));
        }
        if handler.needs_url() {
            return Err(Setback::never(externals::needs_url(&handler.definition_id)));
        }
        for declared in handler.parameters.iter().filter(|p| p.required) {
            let given = call.inputs.get(&declared.id).and_then(Value::as_str).unwrap_or_default();
            if given.trim().is_empty() {
                let message = format!("The parameter \"{}\" is blank.", declared.id);
                return Err(Setback::never(message));
            }
        }
        let [id, name] = call.node;
        let cause = &behalf.cause;
        let document = json!({
            "type": "handler.call",
            "timestamp": self.runtime.now().iso(),
            "handler": handler.definition_id,
            "run": cause.run_id,
            "node": { "id": id, "name": name },
            "task": cause.task_id,
            "trace": cause.trace_id,
            "key": call.key,
            "parameters": call.inputs,
            "completion": {
                "token": call.key,
                "url": format!("{}{COMPLETIONS}/{}", self.public_url, call.key),
            },
        });
        match self.post(behalf, &handler, call.key, &document).await {
            Ok(response) => {
                let wait_ms = self.http.retry_after_ms(&response).unwrap_or(0);
                answered(&handler, &response, wait_ms)
            }
            Err(message) => Err(unanswered(&handler, message)),
        }
    }

    /// Calls a handler for somebody who wants to see what comes of it; no run takes part.
    pub(crate) async fn try_external(
        &self,
        behalf: &Behalf,
        handler: &ExternalHandler,
        parameters: &Map<String, Value>,
    ) -> Trial {
        let key = self.runtime.token(20);
        let request = json!({
            "type": "handler.trial",
            "timestamp": self.runtime.now().iso(),
            "handler": handler.definition_id,
            "run": null,
            "node": null,
            "task": null,
            "trace": behalf.cause.trace_id,
            "key": key,
            "parameters": parameters,
            "completion": null,
        });
        let began = self.runtime.elapsed();
        let outcome = self.post(behalf, handler, &key, &request).await;
        let took = self.runtime.elapsed().saturating_sub(began);
        let duration_ms = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
        let mut trial = Trial {
            request,
            status: None,
            body: String::new(),
            results: None,
            is_deferred: false,
            error: None,
            duration_ms,
        };
        match outcome {
            Err(message) => trial.error = Some(message),
            Ok(response) => {
                match answered(handler, &response, 0) {
                    Ok(Answer::Done(results)) => trial.results = Some(results),
                    Ok(Answer::Deferred(results)) => {
                        trial.results = Some(results);
                        trial.is_deferred = true;
                    }
                    Err(setback) => trial.error = Some(setback.message),
                }
                trial.status = Some(response.status);
                trial.body = response.body;
            }
        }
        trial
    }

    async fn post(
        &self,
        behalf: &Behalf,
        handler: &ExternalHandler,
        key: &str,
        document: &Value,
    ) -> Result<HttpResponse, String> {
        let place = place(&handler.space_id, &handler.definition_id);
        let secret = self.vault.open(&place, &handler.sealed).map_err(|e| e.to_string())?;
        let request = HttpRequest {
            method: "POST".into(),
            url: handler.url.clone(),
            headers: vec![
                ("Content-Type".into(), "application/json".into()),
                ("Idempotency-Key".into(), key.into()),
            ],
            body: document.to_string(),
            timeout_ms: u64::try_from(handler.timeout_seconds).ok().map(|s| s * 1_000),
            body_bytes_max: Some(ANSWER_BYTES_MAX),
            ..HttpRequest::default()
        };
        let sent = self.http.send_signed(behalf, key, &secret, &request).await;
        sent.map_err(|failure| failure.0)
    }
}

/// Where other systems complete what they deferred; the token follows.
pub(crate) const COMPLETIONS: &str = "/app/components/task/app/api/v2/handlers/completions";

/// Whatever is not an answer: the call may have arrived.
fn unanswered(handler: &ExternalHandler, message: String) -> Setback {
    match effect(handler) {
        Effect::Once => Setback::never(format!("{OUTCOME_UNKNOWN} {message}")),
        _ => Setback { message, repeat: Repeat::Usual },
    }
}

/// What an answer says.
fn answered(
    handler: &ExternalHandler,
    response: &HttpResponse,
    wait_ms: i64,
) -> Result<Answer, Setback> {
    let (status, body) = (response.status, response.body.trim());
    let written: Option<Written> = serde_json::from_str(body).ok();
    let written = written.filter(Written::says_something);
    if let Some(Written { error: Some(error), .. }) = written {
        let repeat = match error.retryable {
            true => Repeat::Harmless { wait_ms },
            false => Repeat::Never,
        };
        return Err(Setback { message: error.message, repeat });
    }
    if !(200..300).contains(&status) {
        let shown: String = body.chars().take(SHOWN_CHARS).collect();
        let message = format!("{} answered {status}: {shown}", handler.url);
        return Err(match status {
            429 | 503 => Setback { message, repeat: Repeat::Harmless { wait_ms } },
            500.. => unanswered(handler, message),
            _ => Setback::never(message),
        });
    }
    let Some(written) = written else {
        if body.is_empty() {
            return Ok(Answer::Done(Map::new()));
        }
        let shown: String = body.chars().take(SHOWN_CHARS).collect();
        return Err(Setback::never(format!(
            "{} answered {status} with what is no answer of a handler; it must be \
             {{\"results\": {{…}}}}, {{\"error\": {{…}}}} or {{\"deferred\": true}}: {shown}",
            handler.url
        )));
    };
    let results = walk::within_limit(as_texts(written.results.unwrap_or_default()))?;
    if written.deferred { Ok(Answer::Deferred(results)) } else { Ok(Answer::Done(results)) }
}
