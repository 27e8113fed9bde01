//! `/app/api/v2/runs`: executions of trees.

use super::paging::{Page, given, instant};
use super::{actor, definitions, success, tasks, triggers};
use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::include::{Include, IncludeQuery};
use crate::input::{Json, Path, Query, Raw};
use axum::extract::State;
use model::id::RunId;
use model::run::{Run, RunState};
use serde::Deserialize;
use serde_json::{Value, json};
use store::runs::{Filter, Listed};
use utoipa::{IntoParams, ToSchema};
use workflows::engine::TreeRef;
use workflows::runs::{Detail, StartByHand};
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
    /// A documented status or one of ours, in any case; several are separated by commas.
    status: Option<String>,
    /// `true`: only the count; `false`: rows and `more`; absent: rows and `count`.
    count: Option<bool>,
    /// `ASC` or `DESC`, by number.
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
    #[serde(rename = "selectionCriterion")]
    _selection_criterion: Option<String>,
}

/// What a person corrects in a run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RunBody {
    /// A text, or a document that is kept as text.
    #[schema(value_type = Option<String>)]
    source_data: Option<Value>,
    /// Accepted and ignored: trees have no inputs of their own yet.
    #[schema(value_type = Option<Object>)]
    #[serde(rename = "inputs")]
    _inputs: Option<Value>,
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

/// A run, with the names of its tree.
pub(super) fn document(run: &Run, tree: &Value, include: &Include) -> Value {
    let mut document = json!({
        "id": run.id,
        "status": status(run.state),
        "state": run.state.as_str(),
        "sourceId": run.source_record_id,
        "originatingId": run.source_record_id,
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
        document["inputs"] = json!({});
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
    for empty in ["audits", "children"] {
        if include.has(empty) {
            document[empty] = json!([]);
        }
    }
    if include.has("parent") {
        document["parent"] = Value::Null;
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

/// Starts a run; the body is its source data, whatever it is.
#[utoipa::path(post, path = "/app/api/v2/runs", tag = "Runs", operation_id = "startRun",
    params(StartQuery), request_body = String,
    responses((status = 200, description = "`{messageType, message, runId}`",
    body = inline(Object))))]
pub(crate) async fn start(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<StartQuery>,
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
    let start = StartByHand { tree, data, originator };
    let (run, _) = app.workflows.start_by_hand(&actor(&caller), start).await?;
    let message = format!("Initiated run #{run}.");
    Ok(axum::Json(json!({
        "messageType": "success",
        "message": message,
        "runId": run.to_string(),
        "run": { "id": run },
    })))
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
    let detail = app.workflows.run_detail(&actor(&caller), RunId(id)).await?;
    Ok(axum::Json(single(&detail, &query.read())))
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
    if let Some(data) = body.source_data {
        let data = data.as_str().map_or_else(|| data.to_string(), str::to_owned);
        app.workflows.edit_run(&who, RunId(id), data).await?;
    }
    let detail = app.workflows.run_detail(&who, RunId(id)).await?;
    Ok(axum::Json(single(&detail, &Include::parse(Some("details,sourceData")))))
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
    if given(body.scheduled_at).is_some() {
        return Err(Error::bad_request("Manual triggers start at once; leave scheduledAt out."));
    }
    let place = Place {
        branch: body.branch_id.unwrap_or(0),
        loop_index: body.loop_index.unwrap_or_else(|| "/".into()),
    };
    let who = actor(&caller);
    let trigger = app.workflows.trigger_by_hand(&who, RunId(id), &body.node_id, place).await?;
    let mut answer = success(&format!("Created trigger {trigger} of run #{id}."));
    answer["id"] = json!(trigger);
    Ok(answer)
}
