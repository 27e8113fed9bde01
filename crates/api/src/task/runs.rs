//! `/app/api/v2/runs`: executions of trees.

use super::paging::{Page, given, instant};
use super::{actor, definitions, success, tasks, triggers};
use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::include::{Include, IncludeQuery};
use crate::input::{Json, Path, Query, Raw};
use axum::extract::State;
use http::HeaderMap;
use model::id::RunId;
use model::run::{Run, RunState};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use store::runs::{Filter, Listed, Order};
use utoipa::{IntoParams, ToSchema};
use workflows::engine::TreeRef;
use workflows::runs::{Detail, ManualTrigger, StartByHand};
use workflows::step::state::Place;

/// The parameters of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    include: Option<String>,
    /// This run only.
    id: Option<i64>,
    after_id: Option<i64>,
    before_id: Option<i64>,
    /// From this instant on.
    start: Option<String>,
    /// Before this instant.
    end: Option<String>,
    source: Option<String>,
    /// Id of the record the run is about, such as a submission's.
    source_id: Option<String>,
    group: Option<String>,
    group_fragment: Option<String>,
    tree: Option<String>,
    tree_fragment: Option<String>,
    /// The tree's guid.
    tree_id: Option<String>,
    tree_type: Option<String>,
    /// Id of the event that started the run.
    event_id: Option<String>,
    /// The run that started it.
    parent_id: Option<i64>,
    /// The run at the top of the chain that led to it.
    originating_id: Option<i64>,
    /// A documented status or one of ours, in any case; several are separated by commas.
    status: Option<String>,
    /// `true`: only the count; `false`: rows and `more`; absent: rows and `count`.
    count: Option<bool>,
    /// The address of the tree's owner.
    owner_email: Option<String>,
    /// `false`: without runs of the engine's own trees.
    #[serde(alias = "includeSystemRuns")]
    include_system: Option<bool>,
    /// `id`, `status`, `createdAt`, `createdBy`, `updatedAt`, `tree.name`, `tree.sourceGroup`,
    /// `tree.sourceRoot.name`, `tree.status` or `tree.type`.
    order_by: Option<String>,
    /// `ASC` or `DESC`.
    direction: Option<String>,
    limit: Option<i64>,
    offset: Option<i64>,
}

/// Which tree to start.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct StartQuery {
    source_name: Option<String>,
    source_group: Option<String>,
    name: Option<String>,
    /// The tree's guid, instead of the three.
    guid: Option<String>,
}

/// A node to start by hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TriggerBody {
    node_id: String,
    /// Absent or 0: a new branch.
    branch_id: Option<i64>,
    /// `/` outside loops.
    loop_index: Option<String>,
    scheduled_at: Option<String>,
    /// Kept and shown; every engine takes every trigger.
    selection_criterion: Option<String>,
}

/// What a person does to a run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ActionBody {
    /// `Resume` (all errors that can be retried), `Run Again`, `Cancel`, or for an open task
    /// `Skip Task` and `Cancel Branch`.
    action: String,
    /// The task's number in the run.
    task_seq: Option<i64>,
    /// A note kept with what is resolved.
    note: Option<String>,
}

/// What a person corrects in a run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RunBody {
    /// A text, or a document that is kept as text.
    #[schema(value_type = Option<String>)]
    source_data: Option<Value>,
    /// Inputs by name; those of a run that has none are left alone when this is empty.
    #[schema(value_type = Option<Object>)]
    inputs: Option<Map<String, Value>>,
    #[serde(rename = "message")]
    _message: Option<String>,
}

/// The documented status of a state.
fn status(state: RunState) -> &'static str {
    match state {
        RunState::Running | RunState::Waiting => "Started",
        RunState::Error => "Error",
        RunState::Complete => "Complete",
        RunState::Cancelled => "Cancelled",
    }
}

/// The states that a status asked for means.
fn states(text: &str) -> Result<Vec<RunState>> {
    let mut states = Vec::new();
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match name.to_ascii_lowercase().as_str() {
            "started" | "staged" => states.extend([RunState::Running, RunState::Waiting]),
            "closed" => states.extend([RunState::Complete, RunState::Cancelled]),
            _ => states.push(RunState::parse(name).ok_or_else(|| {
                Error::bad_request(format!(
                    "\"{name}\" is no status of a run; there are Started, Running, Waiting, \
                     Error, Complete and Cancelled."
                ))
            })?),
        }
    }
    Ok(states)
}

/// By what a list is ordered.
fn order(text: &str) -> Result<Order> {
    Ok(match text.trim() {
        "" | "id" | "createdAt" | "token" => Order::Id,
        "createdBy" => Order::CreatedBy,
        "status" => Order::State,
        "tree.name" | "tree.definitionId" => Order::Tree,
        "tree.sourceGroup" => Order::Group,
        "tree.sourceRoot.name" => Order::Source,
        "tree.type" => Order::TreeKind,
        "tree.status" => Order::TreeStatus,
        "updatedAt" | "updatedBy" => Order::UpdatedAt,
        other => {
            return Err(Error::bad_request(format!("Runs cannot be ordered by \"{other}\".")));
        }
    })
}

/// A run, with the names of its tree.
pub(super) fn document(run: &Run, tree: &Value, include: &Include) -> Value {
    let mut document = json!({
        "id": run.id,
        "status": status(run.state),
        "state": run.state.as_str(),
        "sourceId": run.source_record_id,
        "originatingId": run.root_id.unwrap_or(run.id).to_string(),
        "parentId": run.parent.map(|parent| parent.run_id),
        "originator": run.originator,
        "token": run.token,
        "source": { "name": tree["sourceName"] },
        "tree": tree,
        "jobId": run.job_id,
        "eventId": run.event_id,
        "traceId": run.trace_id,
        "startedAt": run.created_at.iso(),
        "finishedAt": run.finished_at.map(model::time::Micros::iso),
    });
    if include.has("details") {
        definitions::extend(
            &mut document,
            json!({ "createdAt": run.created_at.iso(), "createdBy": run.created_by,
                    "updatedAt": run.updated_at.iso(), "updatedBy": run.created_by }),
        );
    }
    document
}

fn listed(row: &Listed, include: &Include) -> Value {
    let title = if row.tree_kind == "Tree" {
        format!("{} :: {} :: {}", row.source, row.group, row.tree)
    } else {
        row.tree.clone()
    };
    let tree = json!({
        "guid": row.run.tree_id,
        "title": title,
        "name": row.tree,
        "sourceName": row.source,
        "sourceGroup": row.group,
        "type": row.tree_kind,
    });
    document(&row.run, &tree, include)
}

/// A run with everything that was asked for.
pub(super) fn single(detail: &Detail, include: &Include) -> Value {
    let tree = definitions::summary(&detail.tree, &Include::default());
    let mut document = document(&detail.run, &tree, include);
    if include.has("sourceData") {
        document["sourceData"] = json!(detail.source_data);
    }
    if include.has("inputs") {
        document["inputs"] = detail.run.inputs.clone().unwrap_or_else(|| json!({}));
    }
    if include.has("outputs") {
        document["outputs"] = json!(detail.outputs().unwrap_or_default());
    }
    if let Some(include) = include.below("tasks") {
        let rows = detail.tasks.iter().map(|task| tasks::document(task, include));
        document["tasks"] = rows.collect();
    }
    if include.has("triggers") {
        document["triggers"] = detail.triggers.iter().map(triggers::document).collect();
    }
    for name in ["errors", "exceptions"] {
        if include.has(name) {
            document[name] = detail.errors.iter().map(super::errors::document).collect();
        }
    }
    if include.has("audits") {
        document["audits"] = json!([]);
    }
    if include.has("parent") {
        document["parent"] = match &detail.run.parent {
            Some(parent) => json!({ "id": parent.run_id, "taskSeq": parent.seq,
                                    "waits": parent.awaited }),
            None => Value::Null,
        };
    }
    if include.has("view") {
        document["view"] = detail.view();
    }
    document
}

/// Lists runs, newest first.
#[utoipa::path(get, path = "/app/api/v2/runs", tag = "Runs", operation_id = "listRuns",
    params(ListQuery), responses((status = 200, description = "`{runs, count, limit, offset}`",
    body = inline(Object))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Value>> {
    let include = Include::parse(query.include.as_deref());
    let page = Page::read(query.limit, query.offset)?;
    let filter = Filter {
        id: query.id.map(RunId),
        after_id: query.after_id,
        before_id: query.before_id,
        start: instant("start", query.start.as_deref())?,
        end: instant("end", query.end.as_deref())?,
        source: given(query.source),
        group: given(query.group),
        group_fragment: given(query.group_fragment),
        tree: given(query.tree),
        tree_fragment: given(query.tree_fragment),
        tree_id: given(query.tree_id),
        tree_kind: given(query.tree_type),
        source_record_id: given(query.source_id),
        event_id: given(query.event_id),
        parent_id: query.parent_id,
        root_id: query.originating_id,
        owner_email: given(query.owner_email),
        without_system: query.include_system == Some(false),
        order: order(query.order_by.as_deref().unwrap_or_default())?,
        states: states(query.status.as_deref().unwrap_or_default())?,
        ascending: query.direction.is_some_and(|d| d.eq_ignore_ascii_case("ASC")),
    };
    let who = actor(&caller);
    if query.count == Some(true) {
        let count = app.workflows.count_runs(&who, filter).await?;
        return Ok(axum::Json(json!({ "count": count })));
    }
    let counted = match query.count {
        None => Some(app.workflows.count_runs(&who, filter.clone()).await?),
        Some(_) => None,
    };
    let (rows, more) = page.cut(app.workflows.runs(&who, filter, page.reach()).await?);
    let rows: Vec<Value> = rows.iter().map(|row| listed(row, &include)).collect();
    let mut document = json!({ "runs": rows, "limit": page.limit, "offset": page.offset });
    match counted {
        Some(count) => document["count"] = count.into(),
        None => document["more"] = more.into(),
    }
    Ok(axum::Json(document))
}

/// Starts a run; the body is its source data, and its `inputs` where the tree declares any. With
/// an `Idempotency-Key`, the same start again answers the same run.
#[utoipa::path(post, path = "/app/api/v2/runs", tag = "Runs", operation_id = "startRun",
    params(StartQuery), request_body = String,
    responses((status = 200, description = "`{messageType, message, runId}`",
    body = inline(Object))))]
pub(crate) async fn start(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<StartQuery>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<axum::Json<Value>> {
    let tree = match (given(query.guid), query.source_name, query.source_group, query.name) {
        (Some(guid), ..) => TreeRef::Guid(guid),
        (None, Some(source), Some(group), Some(name)) => TreeRef::Title { source, group, name },
        _ => {
            return Err(Error::bad_request(
                "Name the tree: by sourceName, sourceGroup and name, or by guid.",
            ));
        }
    };
    let data = text(&body)?;
    let originator = format!("API v2 Run Tree by {}", caller.username);
    let (inputs, key) = (inputs(&data), key(&headers)?);
    let start = StartByHand { tree, data, inputs, key, originator };
    let (run, _) = app.workflows.start_by_hand(&actor(&caller), start).await?;
    let message = format!("Initiated run #{run}.");
    Ok(axum::Json(json!({
        "messageType": "success",
        "message": message,
        "runId": run.to_string(),
        "run": { "id": run },
    })))
}

/// The inputs that a body names under `inputs`.
pub(super) fn inputs(data: &str) -> Option<Map<String, Value>> {
    let body: Map<String, Value> = serde_json::from_str(data).ok()?;
    body.get("inputs")?.as_object().cloned()
}

/// The caller's key: the same start with the same key is one run.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str();
    let text = text.map_err(|_| Error::bad_request("The Idempotency-Key is not a text."))?;
    Ok(given(Some(text.to_owned())))
}

/// A body as text.
pub(super) fn text(body: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(body);
    Ok(text.map_err(|_| Error::bad_request("The body is not UTF-8 text."))?.to_owned())
}

/// Reads a run; `include=view` adds the document its page is drawn from.
#[utoipa::path(get, path = "/app/api/v2/runs/{id}", tag = "Runs", operation_id = "readRun",
    params(("id" = i64, Path), IncludeQuery),
    responses((status = 200, description = "The run.", body = inline(Object))))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<Value>> {
    let (who, include) = (actor(&caller), query.read());
    let detail = app.workflows.run_detail(&who, RunId(id)).await?;
    let mut document = single(&detail, &include);
    if include.has("children") {
        let children = app.workflows.children(&who, RunId(id)).await?;
        document["children"] = children.iter().map(|row| listed(row, &include)).collect();
    }
    Ok(axum::Json(document))
}

/// Replaces what the run was started with; nodes that run from now on see it.
#[utoipa::path(put, path = "/app/api/v2/runs/{id}", tag = "Runs", operation_id = "updateRun",
    params(("id" = i64, Path)), request_body = RunBody,
    responses((status = 200, description = "The run.", body = inline(Object))))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Json(body): Json<RunBody>,
) -> Result<axum::Json<Value>> {
    let who = actor(&caller);
    let data = body.source_data;
    let data = data.map(|data| data.as_str().map_or_else(|| data.to_string(), str::to_owned));
    let inputs = body.inputs.filter(|inputs| !inputs.is_empty()).map(Value::Object);
    if data.is_some() || inputs.is_some() {
        app.workflows.edit_run(&who, RunId(id), data, inputs).await?;
    }
    let detail = app.workflows.run_detail(&who, RunId(id)).await?;
    Ok(axum::Json(single(&detail, &Include::parse(Some("details,sourceData,inputs")))))
}

/// Calls off a run that is not finished; removes the records of one that is.
#[utoipa::path(delete, path = "/app/api/v2/runs/{id}", tag = "Runs", operation_id = "deleteRun",
    params(("id" = i64, Path)),
    responses((status = 200, description = "A message.", body = inline(Object))))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<axum::Json<Value>> {
    let cancelled = app.workflows.cancel_or_delete_run(&actor(&caller), RunId(id)).await?;
    let done = if cancelled { "Cancelled" } else { "Deleted" };
    Ok(success(&format!("{done} run #{id}.")))
}

/// Brings a run forward by hand.
#[utoipa::path(post, path = "/app/api/v2/runs/{id}/actions", tag = "Runs",
    operation_id = "actOnRun", params(("id" = i64, Path)), request_body = ActionBody,
    responses((status = 200, description = "A message; `runId` of a new run.",
    body = inline(Object))))]
pub(crate) async fn act(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    headers: HeaderMap,
    Json(body): Json<ActionBody>,
) -> Result<axum::Json<Value>> {
    let (who, run) = (actor(&caller), RunId(id));
    let task = || body.task_seq.ok_or_else(|| Error::bad_request("Give the task's taskSeq."));
    match body.action.trim().to_ascii_lowercase().as_str() {
        "resume" => {
            let note = body.note.unwrap_or_default();
            let resolved = app.workflows.resume(&who, run, note).await?;
            Ok(success(&format!("Resumed run #{id} at {} nodes.", resolved.done.len())))
        }
        "run again" => {
            let new = app.workflows.run_again(&who, run, key(&headers)?).await?;
            let mut answer = success(&format!("Initiated run #{new}."));
            answer["runId"] = new.to_string().into();
            Ok(answer)
        }
        "cancel" => {
            app.workflows.cancel_run(&who, run).await?;
            Ok(success(&format!("Cancelled run #{id}.")))
        }
        action @ ("skip task" | "cancel branch") => {
            app.workflows.end_task(&who, run, task()?, action == "skip task").await?;
            Ok(success(&format!("Ended task {} of run #{id}.", task()?)))
        }
        other => Err(Error::bad_request(format!(
            "\"{other}\" is no action; there are Resume, Run Again, Cancel, Skip Task and Cancel \
             Branch."
        ))),
    }
}

/// Starts a node of a run by hand.
#[utoipa::path(post, path = "/app/api/v2/runs/{id}/triggers", tag = "Runs",
    operation_id = "createTrigger", params(("id" = i64, Path)), request_body = TriggerBody,
    responses((status = 200, description = "A message.", body = inline(Object))))]
pub(crate) async fn trigger(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Json(body): Json<TriggerBody>,
) -> Result<axum::Json<Value>> {
    let place = Place {
        branch: body.branch_id.unwrap_or(0),
        loop_index: body.loop_index.unwrap_or_else(|| "/".into()),
    };
    let at = instant("scheduledAt", body.scheduled_at.as_deref())?;
    let criterion = given(body.selection_criterion);
    let manual = ManualTrigger { node: body.node_id, place, at, criterion };
    let trigger = app.workflows.trigger_by_hand(&actor(&caller), RunId(id), manual).await?;
    let mut answer = success(&format!("Created trigger {trigger} of run #{id}."));
    answer["id"] = json!(trigger);
    Ok(answer)
}
