//! This server's own API for nodes of runs that call it: in process, in the run's space, as the
//! system, with the chain of causes.

use super::outside::submission_id;
use api::inside::OwnApi;
use http::Request;
use http::header::{CONTENT_TYPE, HeaderName};
use model::limits;
use platform::{Actor, BoxFuture};
use runtime::Runtime;
use runtime::backoff::Backoff;
use serde_json::Value;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use workflows::engine::{Api, Behalf, Failure, HttpResponse};
use workflows::handlers::{ApiRequest, Effect};

/// Waits between attempts while the server cannot take more.
const BUSY_BACKOFF: Backoff = Backoff { first_ms: 100, factor: 2.0, max_ms: 5_000 };
/// Bytes of an answer that are read: what the results of a task may hold.
const BODY_BYTES_MAX: usize = limits::RESULTS_BYTES_MAX;

/// The API, once it is built: the engine that it leads to needs it.
pub(crate) type ApiLater = Arc<OnceLock<OwnApi>>;

/// Calls the API.
pub(super) struct InProcess {
    api: ApiLater,
    runtime: Runtime,
}

impl InProcess {
    pub(super) fn new(api: ApiLater, runtime: Runtime) -> Self {
        Self { api, runtime }
    }

    async fn once(
        &self,
        behalf: &Behalf,
        key: &str,
        asked: &ApiRequest,
    ) -> Result<HttpResponse, Failure> {
        let api = self.api.get();
        let api = api.ok_or_else(|| Failure("The server is still starting.".to_owned()))?;
        let actor = Actor::system(behalf.space_id.clone(), behalf.cause.clone());
        let request = read(behalf, key, asked)?;
        let deadline = Duration::from_millis(limits::ATTEMPT_MS);
        let answer = tokio::select! {
            answer = api.call(actor, request, BODY_BYTES_MAX) => answer,
            () = self.runtime.pause(deadline) => {
                let seconds = deadline.as_secs();
                return Err(Failure(format!("The API did not answer within {seconds} seconds.")));
            }
        };
        let answer = answer.map_err(|error| Failure(error.to_string()))?;
        let header = |(name, value): (&HeaderName, &http::HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let body = answer.body.ok_or_else(|| {
            Failure(format!("The API answered more than {BODY_BYTES_MAX} bytes; ask for less."))
        })?;
        Ok(HttpResponse {
            status: answer.status.as_u16(),
            headers: answer.headers.iter().map(header).collect(),
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }
}

impl Api for InProcess {
    /// A server that is busy for a moment is no error of a run, for a person to mend.
    fn call<'a>(
        &'a self,
        behalf: &'a Behalf,
        key: &'a str,
        request: &'a ApiRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, Failure>> {
        Box::pin(async move {
            let mut retry = 0;
            loop {
                let answer = self.once(behalf, key, request).await?;
                if answer.status != 503 || request.effect() == Effect::Once {
                    return Ok(answer);
                }
                self.runtime.sleep_ms(BUSY_BACKOFF.wait_ms(retry, &self.runtime)).await;
                retry += 1;
            }
        })
    }
}

fn read(behalf: &Behalf, key: &str, asked: &ApiRequest) -> Result<Request<String>, Failure> {
    let request = Request::builder()
        .method(asked.method.as_str())
        .uri(asked.path.as_str())
        .header("idempotency-key", key);
    let has_body = !asked.body.trim().is_empty();
    let request = if has_body { request.header(CONTENT_TYPE, "application/json") } else { request };
    request.body(body(behalf, key, asked)).map_err(|error| {
        Failure(format!(
            "The path cannot be sent as it is ({error}); encode what is in it: {}",
            asked.path
        ))
    })
}

/// A new submission gets the id that follows from the task, so that a repeat finds it.
fn body(behalf: &Behalf, key: &str, asked: &ApiRequest) -> String {
    if asked.makes_submission()
        && let Ok(Value::Object(mut document)) = serde_json::from_str(&asked.body)
        && !document.contains_key("id")
    {
        let id = submission_id(&behalf.space_id.0, key);
        document.insert("id".to_owned(), id.0.into());
        return Value::Object(document).to_string();
    }
    asked.body.clone()
}
