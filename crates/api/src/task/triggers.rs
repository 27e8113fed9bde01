//! `/app/api/v2/triggers`: what makes runs move.

use super::paging::{Page, given, instant};
use super::{actor, twice};
use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::input::{Json, Path, Query};
use axum::extract::State;
use model::id::{RunId, TriggerId};
use model::run::Trigger;
use serde::Deserialize;
use serde_json::{Value, json};
use store::triggers::{CRITERION, Filter, Timeline};
use utoipa::{IntoParams, ToSchema};

/// The parameters of the lists.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    run_id: Option<i64>,
    source: Option<String>,
    group: Option<String>,
    tree: Option<String>,
    /// The tree's guid.
    tree_id: Option<String>,
    /// Id of the record the run is about.
    source_id: Option<String>,
    /// Made from this instant on.
    start: Option<String>,
    /// Made before this instant.
    end: Option<String>,
    /// `Root`, `Complete` or `Update`.
    action: Option<String>,
    /// `Tree`, `Global Routine` or `Local Routine`.
    tree_type: Option<String>,
    branch_id: Option<i64>,
    /// The decision about an error that it carries, such as `Retry Task`.
    management_action: Option<String>,
    selection_criterion: Option<String>,
    status: Option<String>,
    token: Option<String>,
    /// `createdAt`, `scheduledAt` or `updatedAt`: what `start` and `end` mean.
    timeline: Option<String>,
    /// `ASC` or `DESC`.
    direction: Option<String>,
    /// Only smaller numbers.
    before_id: Option<i64>,
    limit: Option<i64>,
    offset: Option<i64>,
}

/// What a person does to a trigger.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TriggerBody {
    /// `Paused` holds a manual trigger that was not taken, `Unpaused` lets it go.
    status: Option<String>,
}

impl ListQuery {
    fn filter(&self) -> Result<Filter> {
        Ok(Filter {
            run_id: self.run_id.map(RunId),
            source: given(self.source.clone()),
            group: given(self.group.clone()),
            tree: given(self.tree.clone()),
            tree_id: given(self.tree_id.clone()),
            source_record_id: given(self.source_id.clone()),
            start: instant("start", self.start.as_deref())?,
            end: instant("end", self.end.as_deref())?,
            action: given(self.action.clone()),
            status: given(self.status.clone()),
            token: given(self.token.clone()),
            tree_kind: given(self.tree_type.clone()),
            branch_id: self.branch_id,
            management_action: given(self.management_action.clone()),
            selection_criterion: given(self.selection_criterion.clone()),
            timeline: match self.timeline.as_deref().unwrap_or_default().trim() {
                "" | "createdAt" => None,
                "scheduledAt" => Some(Timeline::ScheduledAt),
                "updatedAt" => Some(Timeline::UpdatedAt),
                _ => {
                    return Err(Error::bad_request(
                        "timeline must be createdAt, scheduledAt or updatedAt.",
                    ));
                }
            },
            ascending: self.direction.as_deref().is_some_and(|d| d.eq_ignore_ascii_case("ASC")),
            scheduled: false,
            before: self.before_id,
        })
    }
}

/// A trigger as clients read it. A decision about an error shows as a managed root trigger.
pub(super) fn document(trigger: &Trigger) -> Value {
    let managed = trigger.action == "Resolve";
    let criterion = trigger.results.get(CRITERION).filter(|_| trigger.action == "Root");
    let results = if managed || criterion.is_some() { json!({}) } else { trigger.results.clone() };
    json!({
        "id": trigger.id,
        "runId": trigger.run_id,
        "action": match trigger.action.as_str() {
            "Resolve" | "Decide" => "Root",
            "Child" => "Complete",
            action => action,
        },
        "type": trigger.kind,
        "status": trigger.status.as_str(),
        "mode": "Active",
        "nodeId": trigger.node_id,
        "nodeName": trigger.node_name,
        "branchId": trigger.branch_id,
        "loopIndex": trigger.loop_index,
        "originator": trigger.originator,
        "scheduledAt": trigger.scheduled_at.map(model::time::Micros::iso),
        "token": trigger.token,
        "results": results,
        "managementAction": if managed { trigger.results["action"].clone() } else { Value::Null },
        "message": trigger.message,
        "selectionCriterion": criterion,
        "engineIdentification": null,
        "flags": null,
        "createdAt": trigger.created_at.iso(),
        "updatedAt": trigger.updated_at.iso(),
    })
}

async fn answer(
    app: &App,
    caller: &Caller,
    query: &ListQuery,
    filter: Filter,
) -> Result<axum::Json<Value>> {
    let page = Page::read(query.limit, query.offset)?;
    let who = actor(caller);
    let (rows, count) = app.workflows.triggers(&who, filter, page.reach()).await?;
    let (rows, more) = page.cut(rows);
    let rows = rows.iter().map(document).collect();
    let mut document = page.document("triggers", rows, count);
    document["more"] = more.into();
    Ok(document)
}

/// Lists triggers, newest first.
#[utoipa::path(get, path = "/app/api/v2/triggers", tag = "Runs", operation_id = "listTriggers",
    params(ListQuery), responses((status = 200, description = "`{triggers, count, limit, offset}`",
    body = inline(Object))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Value>> {
    let filter = query.filter()?;
    answer(&app, &caller, &query, filter).await
}

/// Lists triggers that wait for their time.
#[utoipa::path(get, path = "/app/api/v2/triggers/scheduled", tag = "Runs",
    operation_id = "listScheduledTriggers", params(ListQuery),
    responses((status = 200, description = "`{triggers, count, limit, offset}`",
    body = inline(Object))))]
pub(crate) async fn scheduled(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Value>> {
    let filter = Filter { scheduled: true, ..query.filter()? };
    answer(&app, &caller, &query, filter).await
}

/// Lists triggers that wait for the engine.
#[utoipa::path(get, path = "/app/api/v2/triggers/backlog", tag = "Runs",
    operation_id = "listTriggerBacklog", params(ListQuery),
    responses((status = 200, description = "`{triggers, count, limit, offset}`",
    body = inline(Object))))]
pub(crate) async fn backlog(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Value>> {
    let filter = Filter { status: Some("New".into()), ..query.filter()? };
    answer(&app, &caller, &query, filter).await
}

/// Lists triggers that a person holds.
#[utoipa::path(get, path = "/app/api/v2/triggers/paused", tag = "Runs",
    operation_id = "listPausedTriggers", params(ListQuery),
    responses((status = 200, description = "`{triggers, count, limit, offset}`",
    body = inline(Object))))]
pub(crate) async fn paused(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Value>> {
    let filter = Filter { status: Some("Paused".into()), ..query.filter()? };
    answer(&app, &caller, &query, filter).await
}

/// Reads a trigger.
#[utoipa::path(get, path = "/app/api/v2/triggers/{id}", tag = "Runs", operation_id = "readTrigger",
    params(("id" = i64, Path)),
    responses((status = 200, description = "The trigger.", body = inline(Object))))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<axum::Json<Value>> {
    let trigger = app.workflows.trigger(&actor(&caller), TriggerId(id)).await?;
    Ok(axum::Json(document(&trigger)))
}

/// Holds a manual trigger, or lets it go.
#[utoipa::path(put, path = "/app/api/v2/triggers/{id}", tag = "Runs",
    operation_id = "updateTrigger", params(("id" = i64, Path)), request_body = TriggerBody,
    responses((status = 200, description = "The trigger, and under `trigger`.",
    body = inline(Object))))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Json(body): Json<TriggerBody>,
) -> Result<axum::Json<Value>> {
    let (who, id) = (actor(&caller), TriggerId(id));
    let trigger = match body.status.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None => app.workflows.trigger(&who, id).await?,
        Some("paused") => app.workflows.pause_trigger(&who, id, true).await?,
        Some("unpaused" | "new") => app.workflows.pause_trigger(&who, id, false).await?,
        Some(_) => return Err(Error::bad_request("status must be Unpaused or Paused.")),
    };
    Ok(twice("trigger", document(&trigger)))
}

/// Deletes a manual trigger that was not taken, or any of a run that is finished.
#[utoipa::path(delete, path = "/app/api/v2/triggers/{id}", tag = "Runs",
    operation_id = "deleteTrigger", params(("id" = i64, Path)),
    responses((status = 200, description = "What was deleted.", body = inline(Object))))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<axum::Json<Value>> {
    let trigger = app.workflows.delete_trigger(&actor(&caller), TriggerId(id)).await?;
    Ok(twice("trigger", document(&trigger)))
}
