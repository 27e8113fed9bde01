//! `/app/api/v2/resolutions`: decisions about many errors at once, as jobs with progress.

use super::actor;
use super::errors::{action, group};
use super::paging::{given, instant};
use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::input::{Json, Path};
use axum::extract::State;
use model::id::RunId;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use store::errors::Filter;
use store::resolutions::Resolution;
use utoipa::ToSchema;
use workflows::resolutions::{BulkDecision, Steering};

/// Which open errors; absent properties do not narrow.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FilterBody {
    run_id: Option<i64>,
    /// The documented type.
    #[serde(rename = "type")]
    kind: Option<String>,
    node_id: Option<String>,
    source: Option<String>,
    group: Option<String>,
    tree: Option<String>,
    /// The tree's guid.
    tree_id: Option<String>,
    /// Id of the record the run is about.
    source_id: Option<String>,
    /// Exactly what the errors say in one line.
    summary: Option<String>,
    /// From this instant on.
    start: Option<String>,
    /// Before this instant.
    end: Option<String>,
}

/// A decision about many errors.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ResolutionBody {
    filter: Option<FilterBody>,
    /// These errors, at most 15,000; together with a filter, those of them it holds for.
    ids: Option<Vec<i64>>,
    /// One of the actions of `/meta/availableErrorActions`; a preview needs none.
    action: Option<String>,
    /// A note kept with the errors.
    resolution: Option<String>,
    /// For Retry Task: parameters by name, instead of what they evaluate to.
    #[schema(value_type = Option<Object>)]
    inputs: Option<Map<String, Value>>,
    /// From 1 to 1,000; 100 when absent.
    rate_per_second: Option<i64>,
}

/// What to do with a resolution.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SteeringBody {
    /// `pause`, `resume` or `cancel`.
    action: String,
}

impl ResolutionBody {
    fn filter(&mut self) -> Result<Filter> {
        let ids = self.ids.take().unwrap_or_default();
        let Some(filter) = self.filter.take() else {
            if ids.is_empty() {
                return Err(Error::bad_request("Say which errors: by filter, by ids, or both."));
            }
            return Ok(Filter { ids, ..Filter::default() });
        };
        Ok(Filter {
            run_id: filter.run_id.map(RunId),
            kind: given(filter.kind),
            node_id: given(filter.node_id),
            source: given(filter.source),
            group: given(filter.group),
            tree: given(filter.tree),
            tree_id: given(filter.tree_id),
            source_record_id: given(filter.source_id),
            summary: given(filter.summary),
            start: instant("start", filter.start.as_deref())?,
            end: instant("end", filter.end.as_deref())?,
            ids,
            ..Filter::default()
        })
    }
}

fn document(r: &Resolution) -> Value {
    json!({
        "id": r.id,
        "status": r.status,
        "filter": r.filter,
        "action": r.action,
        "resolution": r.note,
        "inputs": r.inputs,
        "total": r.total,
        "done": r.done,
        "refused": r.refused,
        "message": r.message,
        "ratePerSecond": r.rate_per_second,
        "createdAt": r.created_at.iso(),
        "createdBy": r.created_by,
        "updatedAt": r.updated_at.iso(),
        "finishedAt": r.finished_at.map(model::time::Micros::iso),
    })
}

/// Lists resolutions, newest first.
#[utoipa::path(get, path = "/app/api/v2/resolutions", tag = "Errors",
    operation_id = "listResolutions",
    responses((status = 200, description = "`{resolutions}`", body = inline(Object))))]
pub(crate) async fn list(State(app): State<App>, caller: Caller) -> Result<axum::Json<Value>> {
    let rows = app.workflows.resolutions(&actor(&caller)).await?;
    Ok(axum::Json(json!({ "resolutions": rows.iter().map(document).collect::<Vec<_>>() })))
}

/// Decides about many errors: a job that goes on by itself, as fast as its rate allows.
#[utoipa::path(post, path = "/app/api/v2/resolutions", tag = "Errors",
    operation_id = "createResolution", request_body = ResolutionBody,
    responses((status = 200, description = "The resolution.", body = inline(Object))))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(mut body): Json<ResolutionBody>,
) -> Result<axum::Json<Value>> {
    let decision = BulkDecision {
        filter: body.filter()?,
        action: action(body.action.as_deref().unwrap_or_default())?,
        inputs: body.inputs.unwrap_or_default(),
        note: body.resolution.unwrap_or_default(),
        rate_per_second: body.rate_per_second,
    };
    let made = app.workflows.begin_resolution(&actor(&caller), decision).await?;
    Ok(axum::Json(document(&made)))
}

/// Tells what a decision would be about.
#[utoipa::path(post, path = "/app/api/v2/resolutions/preview", tag = "Errors",
    operation_id = "previewResolution", request_body = ResolutionBody,
    responses((status = 200, description = "`{count, groups}`", body = inline(Object))))]
pub(crate) async fn preview(
    State(app): State<App>,
    caller: Caller,
    Json(mut body): Json<ResolutionBody>,
) -> Result<axum::Json<Value>> {
    let preview = app.workflows.preview_resolution(&actor(&caller), body.filter()?).await?;
    let groups: Vec<Value> = preview.groups.iter().map(group).collect();
    Ok(axum::Json(json!({ "count": preview.count, "groups": groups })))
}

/// Reads a resolution with its progress.
#[utoipa::path(get, path = "/app/api/v2/resolutions/{id}", tag = "Errors",
    operation_id = "readResolution", params(("id" = String, Path)),
    responses((status = 200, description = "The resolution.", body = inline(Object))))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Value>> {
    Ok(axum::Json(document(&app.workflows.resolution(&actor(&caller), &id).await?)))
}

/// Pauses, resumes or cancels a resolution.
#[utoipa::path(post, path = "/app/api/v2/resolutions/{id}/actions", tag = "Errors",
    operation_id = "steerResolution", params(("id" = String, Path)), request_body = SteeringBody,
    responses((status = 200, description = "The resolution.", body = inline(Object))))]
pub(crate) async fn act(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<SteeringBody>,
) -> Result<axum::Json<Value>> {
    let steering = Steering::parse(&body.action)
        .ok_or_else(|| Error::bad_request("The action is pause, resume or cancel."))?;
    let moved = app.workflows.steer_resolution(&actor(&caller), &id, steering).await?;
    Ok(axum::Json(document(&moved)))
}
