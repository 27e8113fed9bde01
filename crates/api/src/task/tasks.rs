//! `/app/api/v2/runs/{id}/tasks` and `/app/api/v2/runs/task/{token}`: node executions, and the
//! completion of those that wait for it.

use super::{actor, definitions, success};
use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::include::{Include, IncludeQuery};
use crate::input::{Json, Path, Query, Raw, parse};
use axum::extract::State;
use http::StatusCode;
use model::id::{RunId, SpaceId, TaskId};
use model::run::Task;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use workflows::engine::{Delivered, Delivery};

/// What completes or updates a deferred task.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DeferredBody {
    message: Option<String>,
    /// `<results><result name="…">…</result></results>`, or an object.
    #[schema(value_type = Option<Object>)]
    results: Option<Value>,
    /// Version 1 names the task here.
    pub(super) token: Option<String>,
}

/// What a person corrects.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TaskBody {
    #[schema(value_type = Option<Object>)]
    results: Option<Map<String, Value>>,
    #[schema(value_type = Option<Object>)]
    deferred_results: Option<Map<String, Value>>,
    #[serde(rename = "message")]
    _message: Option<String>,
}

/// A task as clients read it, with what was evaluated.
pub(super) fn document(task: &Task, include: &Include) -> Value {
    let mut document = json!({
        "id": task.id,
        "branchId": task.branch_id,
        "definitionId": task.definition_id,
        "nodeId": task.node_id,
        "nodeName": task.node_name,
        "status": task.status.as_str(),
        "results": task.results,
        "deferredResults": task.deferred_results,
        "duration": task.finished_at.map(|at| at.ms_since(task.started_at)),
        "loopIndex": task.loop_index,
        "token": task.token,
        "visible": true,
        "seq": task.seq,
        "deferred": task.deferred,
        "inputs": task.inputs,
        "connectors": task.connectors,
        "messages": task.messages,
    });
    if include.has("details") {
        let updated = task.finished_at.unwrap_or(task.started_at);
        definitions::extend(
            &mut document,
            json!({ "createdAt": task.started_at.iso(), "updatedAt": updated.iso() }),
        );
    }
    document
}

/// Lists the tasks of a run, in order.
#[utoipa::path(get, path = "/app/api/v2/runs/{id}/tasks", tag = "Runs", operation_id = "listTasks",
    params(("id" = i64, Path), IncludeQuery),
    responses((status = 200, description = "`{tasks}`", body = inline(Object))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<Value>> {
    let include = query.read();
    let detail = app.workflows.run_detail(&actor(&caller), RunId(id)).await?;
    let tasks: Vec<Value> = detail.tasks.iter().map(|task| document(task, &include)).collect();
    Ok(axum::Json(json!({ "tasks": tasks })))
}

/// Reads a task of a run.
#[utoipa::path(get, path = "/app/api/v2/runs/{id}/tasks/{taskId}", tag = "Runs",
    operation_id = "readTask", params(("id" = i64, Path), ("taskId" = i64, Path), IncludeQuery),
    responses((status = 200, description = "The task.", body = inline(Object))))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path((id, task)): Path<(i64, i64)>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<Value>> {
    let detail = app.workflows.run_detail(&actor(&caller), RunId(id)).await?;
    let found = detail.tasks.iter().find(|t| t.id == TaskId(task));
    let found = found.ok_or_else(|| Error::not_found(format!("Run #{id} has no task {task}.")))?;
    Ok(axum::Json(document(found, &query.read())))
}

/// Corrects the results of a task; later nodes see them.
#[utoipa::path(put, path = "/app/api/v2/runs/{id}/tasks/{taskId}", tag = "Runs",
    operation_id = "updateTask", params(("id" = i64, Path), ("taskId" = i64, Path)),
    request_body = TaskBody, responses((status = 200, description = "The task.",
    body = inline(Object))))]
pub(crate) async fn edit(
    State(app): State<App>,
    caller: Caller,
    Path((id, task)): Path<(i64, i64)>,
    Json(body): Json<TaskBody>,
) -> Result<axum::Json<Value>> {
    let (results, deferred) =
        (body.results.map(Value::Object), body.deferred_results.map(Value::Object));
    let who = actor(&caller);
    let task = app.workflows.edit_task(&who, RunId(id), TaskId(task), results, deferred).await?;
    Ok(axum::Json(document(&task, &Include::default())))
}

/// Finds the run that a task's token belongs to.
#[utoipa::path(get, path = "/app/api/v2/runs/task/{token}", tag = "Runs",
    operation_id = "readRunByToken", params(("token" = String, Path), IncludeQuery),
    responses((status = 200, description = "The run.", body = inline(Object))))]
pub(crate) async fn find(
    State(app): State<App>,
    caller: Caller,
    Path(token): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<Value>> {
    let who = actor(&caller);
    let run = app.workflows.run_of_token(&who, &token).await?;
    let detail = app.workflows.run_detail(&who, run).await?;
    Ok(axum::Json(super::runs::single(&detail, &query.read())))
}

/// Completes a deferred task; the first completion wins.
#[utoipa::path(post, path = "/app/api/v2/runs/task/{token}", tag = "Runs",
    operation_id = "completeDeferredTask", params(("token" = String, Path)),
    request_body = DeferredBody, responses((status = 200, description = "A message.",
    body = inline(Object)), (status = 404, description = "No task has this token."),
    (status = 409, description = "It was completed before."),
    (status = 410, description = "Its run was cancelled.")))]
pub(crate) async fn complete(
    State(app): State<App>,
    caller: Caller,
    Path(token): Path<String>,
    Raw(body): Raw,
) -> Result<axum::Json<Value>> {
    deliver(&app, &caller, token, body_of(&body)?, true).await
}

/// Updates a deferred task: its Update connectors are looked at.
#[utoipa::path(put, path = "/app/api/v2/runs/task/{token}", tag = "Runs",
    operation_id = "updateDeferredTask", params(("token" = String, Path)),
    request_body = DeferredBody, responses((status = 200, description = "A message.",
    body = inline(Object))))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(token): Path<String>,
    Raw(body): Raw,
) -> Result<axum::Json<Value>> {
    deliver(&app, &caller, token, body_of(&body)?, false).await
}

/// An empty body completes without results.
fn body_of(body: &[u8]) -> Result<DeferredBody> {
    if body.iter().all(u8::is_ascii_whitespace) { Ok(DeferredBody::default()) } else { parse(body) }
}

pub(super) async fn deliver(
    app: &App,
    caller: &Caller,
    token: String,
    body: DeferredBody,
    complete: bool,
) -> Result<axum::Json<Value>> {
    let originator = format!("API by {}", caller.username);
    deliver_as(app, (caller.space_id.clone(), originator), token, body, complete).await
}

/// Delivers in a space, for somebody whom `originator` names.
pub(super) async fn deliver_as(
    app: &App,
    (space_id, originator): (SpaceId, String),
    token: String,
    body: DeferredBody,
    complete: bool,
) -> Result<axum::Json<Value>> {
    let results = match body.results {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(results)) => results,
        Some(Value::String(text)) => {
            workflows::handlers::read_results(&text).map_err(Error::bad_request)?
        }
        Some(_) => return Err(Error::bad_request("results must be XML text or an object.")),
    };
    let delivery = Delivery {
        space_id,
        token,
        complete,
        results,
        message: body.message.unwrap_or_default(),
        originator,
    };
    match app.workflows.deliver(delivery).await? {
        Delivered::Taken { trigger, run } => {
            let done = if complete { "Completed" } else { "Updated" };
            let mut answer = success(&format!("{done} the deferred task of run #{run}."));
            answer["runId"] = json!(run.to_string());
            answer["triggerId"] = json!(trigger);
            Ok(answer)
        }
        Delivered::Refused { status, message } => {
            Err(Error::new(StatusCode::from_u16(status).unwrap_or(StatusCode::CONFLICT), message))
        }
    }
}
