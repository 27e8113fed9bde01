//! `/app/api/v2/handlers`: what nodes can do, and the handlers that the space defines itself.

use super::paging::Page;
use super::tasks::{DeferredBody, deliver_as};
use super::{actor, is_multipart, success, unreadable};
use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::input::{Json, Path, Query, Raw, parse};
use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue};
use model::external_handler::{ExternalHandler, Outcome, Parameter};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use workflows::Actor;
use workflows::externals::{ExternalInput, Made};
use workflows::handlers::{self, Handler};

/// The category that is always there.
pub(super) const CATEGORY: &str = "System";
/// The category of the handlers that the space defines.
const EXTERNAL: &str = "External";

/// The parameters of the lists. Parameters and results are always included.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    limit: Option<i64>,
    offset: Option<i64>,
}

/// The parameter of an import.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// Whether a handler of the same id is replaced.
    force: Option<bool>,
}

/// An external handler; absent properties stay as they are.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct HandlerBody {
    /// The id that nodes name, such as `acme_label_print_v1`; given once.
    definition_id: Option<String>,
    name: Option<String>,
    description: Option<String>,
    /// `Active` or `Inactive`.
    status: Option<String>,
    /// `{id, description, required, options, defaultValue}` each.
    #[schema(value_type = Option<Vec<Object>>)]
    parameters: Option<Vec<Parameter>>,
    /// `{name, description}` each.
    #[schema(value_type = Option<Vec<Object>>)]
    results: Option<Vec<Outcome>>,
    /// Where its work is done.
    url: Option<String>,
    /// What a repeat does: `repeatable`, `keyed` (the usual) or `once`.
    effect: Option<String>,
    /// Seconds it may take to answer, 1 to 120.
    timeout_seconds: Option<i64>,
    /// The secret that signs calls, `whsec_…`; drawn for a new handler without, and shown once.
    secret: Option<String>,
}

/// What is to be done with an external handler.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActionBody {
    /// `Try` or `New Secret`.
    action: String,
    /// The parameters of a trial.
    #[serde(default)]
    #[schema(value_type = Object)]
    parameters: Map<String, Value>,
}

impl HandlerBody {
    fn input(self) -> Result<ExternalInput> {
        let is_active = match self.status.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None => None,
            Some("active") => Some(true),
            Some("inactive") => Some(false),
            Some(_) => {
                return Err(Error::bad_request("The status of a handler is Active or Inactive."));
            }
        };
        Ok(ExternalInput {
            name: self.name,
            description: self.description,
            is_active,
            parameters: self.parameters,
            results: self.results,
            url: self.url,
            effect: self.effect,
            timeout_seconds: self.timeout_seconds,
            secret: self.secret,
        })
    }
}

/// Name and version of a definition id.
fn name_and_version(id: &str) -> (&str, &str) {
    id.rsplit_once("_v").unwrap_or((id, "1"))
}

fn document(handler: &Handler) -> Value {
    let (name, version) = name_and_version(handler.id);
    json!({
        "definitionId": handler.id,
        "definitionName": name,
        "definitionVersion": version,
        "name": handler.name,
        "description": handler.description,
        "status": "Active",
        "deferrable": handler.deferrable,
        "visible": true,
        "selectionCriterion": null,
        "parameters": handler.parameters,
        "takesOtherParameters": handler.open,
        "results": handler.results,
        "effect": handler.effect,
        "categories": [CATEGORY],
        "external": false,
    })
}

fn external(handler: &ExternalHandler) -> Value {
    let (name, version) = name_and_version(&handler.definition_id);
    json!({
        "definitionId": handler.definition_id,
        "definitionName": name,
        "definitionVersion": version,
        "name": handler.name,
        "description": handler.description,
        "status": if handler.is_active { "Active" } else { "Inactive" },
        "deferrable": true,
        "visible": true,
        "selectionCriterion": null,
        "parameters": handler.parameters,
        "takesOtherParameters": false,
        "results": handler.results,
        "effect": handler.effect,
        "categories": [EXTERNAL],
        "external": true,
        "url": handler.url,
        "needsUrl": handler.needs_url(),
        "timeoutSeconds": handler.timeout_seconds,
        "createdAt": handler.audit.created_at.iso(),
        "createdBy": handler.audit.created_by,
        "updatedAt": handler.audit.updated_at.iso(),
        "updatedBy": handler.audit.updated_by,
    })
}

/// The handler with its secret, which is shown this once.
fn made(made: &Made) -> axum::Json<Value> {
    let mut document = external(&made.handler);
    if let Some(secret) = &made.secret {
        document["secret"] = secret.expose().into();
    }
    axum::Json(document)
}

/// Lists all handlers with their parameters and results.
#[utoipa::path(get, path = "/app/api/v2/handlers", tag = "Handlers", operation_id = "listHandlers",
    params(ListQuery), responses((status = 200, description = "`{handlers, count, limit, offset}`",
    body = inline(Object))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Value>> {
    let page = Page::read(query.limit, query.offset)?;
    let externals = app.workflows.external_handlers(&actor(&caller)).await?;
    let ours = handlers::ALL.iter().map(|handler| document(handler));
    let all: Vec<Value> = ours.chain(externals.iter().map(external)).collect();
    let count = all.len();
    let (rows, _) = page.cut(all);
    Ok(page.document("handlers", rows, count))
}

/// Defines an external handler. Its secret is in this answer and never shown again. Or takes what a
/// package of the Kinetic Platform declares, from the multipart field `package`: a handler that
/// waits for its URL.
#[utoipa::path(post, path = "/app/api/v2/handlers", tag = "Handlers",
    operation_id = "createHandler", params(ImportQuery), request_body = HandlerBody,
    responses((status = 200, description = "The handler.", body = inline(Object))))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ImportQuery>,
    request: Request,
) -> Result<axum::Json<Value>> {
    let who = actor(&caller);
    if is_multipart(&request) {
        let package = package(request).await?;
        let force = query.force.unwrap_or(false);
        let handler = app.workflows.import_package(&who, &package, force).await?;
        let mut document = external(&handler);
        document["messageType"] = "success".into();
        document["message"] = format!("Uploaded task handler {}.", handler.definition_id).into();
        return Ok(axum::Json(document));
    }
    let Raw(bytes) = Raw::from_request(request, &()).await?;
    let mut body: HandlerBody = parse(&bytes)?;
    let id = body.definition_id.take().unwrap_or_default();
    let created = app.workflows.create_external_handler(&who, &id, body.input()?).await?;
    Ok(made(&created))
}

/// The file in the field `package`.
async fn package(request: Request) -> Result<Bytes> {
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|e| Error::bad_request(e.body_text()))?;
    while let Some(field) = form.next_field().await.map_err(|e| unreadable(&e))? {
        if field.name() == Some("package") {
            return field.bytes().await.map_err(|e| unreadable(&e));
        }
    }
    Err(Error::bad_request("The multipart field \"package\" is missing."))
}

/// Reads a handler.
#[utoipa::path(get, path = "/app/api/v2/handlers/{definitionId}", tag = "Handlers",
    operation_id = "readHandler", params(("definitionId" = String, Path)),
    responses((status = 200, description = "The handler.", body = inline(Object))))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Value>> {
    Ok(axum::Json(found(&app, &actor(&caller), &id).await?))
}

/// A handler of either kind.
async fn found(app: &App, who: &Actor, id: &str) -> Result<Value> {
    if let Some(found) = handlers::find(id) {
        return Ok(document(found));
    }
    Ok(external(&app.workflows.external_handler(who, id).await?))
}

/// Tells how long the latest hundred tasks of a handler took, in milliseconds, the latest first.
#[utoipa::path(get, path = "/app/api/v2/handlers/{definitionId}/durations", tag = "Handlers",
    operation_id = "readHandlerDurations", params(("definitionId" = String, Path)),
    responses((status = 200, description = "`{handler, taskDurations, taskMinDuration, \
    taskMaxDuration, taskAverageDuration, pausedTriggerCount}`; 0 where there was no task.",
    body = inline(Object))))]
pub(crate) async fn durations(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Value>> {
    let who = actor(&caller);
    let handler = found(&app, &who, &id).await?;
    let durations = app.workflows.durations(&who, &id).await?;
    let tasks = &durations.tasks_ms;
    let count = i64::try_from(tasks.len()).unwrap_or(i64::MAX).max(1);
    Ok(axum::Json(json!({
        "handler": handler,
        "taskDurations": tasks,
        "taskMinDuration": tasks.iter().min().copied().unwrap_or_default(),
        "taskMaxDuration": tasks.iter().max().copied().unwrap_or_default(),
        "taskAverageDuration": tasks.iter().sum::<i64>() / count,
        "pausedTriggerCount": durations.paused_triggers,
    })))
}

/// Changes an external handler; calls that begin from now on obey.
#[utoipa::path(put, path = "/app/api/v2/handlers/{definitionId}", tag = "Handlers",
    operation_id = "updateHandler", params(("definitionId" = String, Path)),
    request_body = HandlerBody,
    responses((status = 200, description = "The handler.", body = inline(Object))))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(mut body): Json<HandlerBody>,
) -> Result<axum::Json<Value>> {
    own(&id)?;
    if body.definition_id.take().is_some_and(|given| given != id) {
        return Err(Error::bad_request("The definitionId of a handler cannot be changed."));
    }
    let who = actor(&caller);
    let changed = app.workflows.update_external_handler(&who, &id, body.input()?).await?;
    Ok(axum::Json(external(&changed)))
}

/// Deletes an external handler; nodes that name it fail from now on.
#[utoipa::path(delete, path = "/app/api/v2/handlers/{definitionId}", tag = "Handlers",
    operation_id = "deleteHandler", params(("definitionId" = String, Path)),
    responses((status = 200, description = "A message.", body = inline(Object))))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Value>> {
    own(&id)?;
    let gone = app.workflows.delete_external_handler(&actor(&caller), &id).await?;
    Ok(success(&format!("Deleted the handler {}.", gone.definition_id)))
}

/// Tries an external handler, or draws it a new secret.
#[utoipa::path(post, path = "/app/api/v2/handlers/{definitionId}/actions", tag = "Handlers",
    operation_id = "actOnHandler", params(("definitionId" = String, Path)),
    request_body = ActionBody, responses((status = 200,
    description = "What came of a trial, or the handler with its secret.", body = inline(Object))))]
pub(crate) async fn act(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<ActionBody>,
) -> Result<axum::Json<Value>> {
    own(&id)?;
    let who = actor(&caller);
    match body.action.as_str() {
        "New Secret" => Ok(made(&app.workflows.renew_external_secret(&who, &id).await?)),
        "Try" => {
            let trial = app.workflows.try_external_handler(&who, &id, &body.parameters).await?;
            Ok(axum::Json(json!({
                "request": trial.request,
                "status": trial.status,
                "body": trial.body,
                "results": trial.results,
                "deferred": trial.is_deferred,
                "error": trial.error,
                "durationMs": trial.duration_ms,
            })))
        }
        other => Err(Error::bad_request(format!(
            "The action of a handler is Try or New Secret, not \"{other}\"."
        ))),
    }
}

/// Completes a task that an external handler deferred. Who asks is known by the signature: that of
/// the handler's own secret, over the body, as Standard Webhooks have it.
#[utoipa::path(post, path = "/app/api/v2/handlers/completions/{token}", tag = "Handlers",
    operation_id = "completeHandler", params(("token" = String, Path)), security(()),
    request_body = DeferredBody, responses((status = 200, description = "A message.",
    body = inline(Object)), (status = 401, description = "No such task, or not signed by its \
    handler's secret."), (status = 409, description = "It was completed before."),
    (status = 410, description = "Its run was cancelled.")))]
pub(crate) async fn complete(
    State(app): State<App>,
    Path(token): Path<String>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Response {
    match completed(&app, token, &headers, &body).await {
        Ok(answer) => answer.into_response(),
        Err(error) => {
            let is_nobody = error.status() == http::StatusCode::UNAUTHORIZED;
            let mut response = error.into_response();
            if is_nobody {
                let scheme = HeaderValue::from_static("Webhook-Signature");
                response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
            }
            response
        }
    }
}

async fn completed(
    app: &App,
    token: String,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<axum::Json<Value>> {
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let signed = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    let found = app.workflows.signed_completion(&token, signed, body).await?;
    let Some((space, handler)) = found else {
        return Err(Error::unauthorized(
            "The completion is not signed by the secret of the task's handler, or not in time.",
        ));
    };
    let document = if body.iter().all(u8::is_ascii_whitespace) {
        DeferredBody::default()
    } else {
        parse(body)?
    };
    let originator = format!("HANDLER {handler}");
    deliver_as(app, (space, originator), token, document, true).await
}

/// Refuses to change what comes with the server.
fn own(id: &str) -> Result<()> {
    if handlers::find(id).is_none() {
        return Ok(());
    }
    Err(Error::bad_request(format!("The handler {id} comes with the server and is not changed.")))
}

/// The category of the handlers that come with the server.
pub(super) fn category() -> Value {
    let handlers: Vec<Value> = handlers::ALL.iter().map(|h| document(h)).collect();
    json!({
        "name": CATEGORY,
        "description": "Handlers that come with the server.",
        "type": "Integrated",
        "handlers": handlers,
        "trees": [],
        "policyRules": [],
    })
}

/// The category of the handlers that the space defines, when there are any.
pub(super) async fn external_category(app: &App, caller: &Caller) -> Result<Option<Value>> {
    let externals = app.workflows.external_handlers(&actor(caller)).await?;
    let handlers: Vec<Value> = externals.iter().map(external).collect();
    Ok((!handlers.is_empty()).then(|| {
        json!({
            "name": EXTERNAL,
            "description": "Handlers of this space, at URLs of its own.",
            "type": "Integrated",
            "handlers": handlers,
            "trees": [],
            "policyRules": [],
        })
    }))
}
