//! `/app/api/v2/triggers`: what makes runs move.

use super::actor;
use super::paging::{Page, given, instant};
use crate::App;
use crate::auth::Caller;
use crate::error::Result;
use crate::input::{Path, Query};
use axum::extract::State;
use model::id::{RunId, TriggerId};
use model::run::Trigger;
use serde::Deserialize;
use serde_json::{Value, json};
use store::triggers::Filter;
use utoipa::IntoParams;

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
    status: Option<String>,
    token: Option<String>,
    /// Only smaller numbers.
    before_id: Option<i64>,
    limit: Option<i64>,
    offset: Option<i64>,
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
            scheduled: false,
            before: self.before_id,
        })
    }
}

/// A trigger as clients read it. A decision about an error shows as a managed root trigger.
pub(super) fn document(trigger: &Trigger) -> Value {
    let managed = trigger.action == "Resolve";
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
        "results": if managed { json!({}) } else { trigger.results.clone() },
        "managementAction": if managed { trigger.results["action"].clone() } else { Value::Null },
        "message": trigger.message,
        "selectionCriterion": null,
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
