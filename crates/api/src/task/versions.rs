//! Versions of trees, and who uses what.

use super::{actor, definitions};
use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::include::{Include, IncludeQuery};
use crate::input::{Json, Path, Query};
use axum::extract::State;
use model::time::Micros;
use model::tree::Tree;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use workflows::trees::TreeKey;

/// Two versions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CompareQuery {
    /// The number of the earlier one.
    from: i64,
    /// The number of the later one.
    to: i64,
}

/// What to bring back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RestoreBody {
    /// The number of a version; absent: the deleted tree itself.
    #[schema(value_type = Option<i64>)]
    version_id: Option<Value>,
}

/// Lists the versions of a tree, newest first.
#[utoipa::path(get, path = "/app/api/v2/trees/{title}/versions", tag = "Trees",
    operation_id = "listTreeVersions", params(("title" = String, Path)),
    responses((status = 200, description = "`{versions}`", body = inline(Object))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(title): Path<String>,
) -> Result<axum::Json<Value>> {
    let (who, key) = (actor(&caller), TreeKey::Title(title));
    let tree = app.workflows.tree(&who, &key).await?.tree;
    let rows = app.workflows.tree_versions(&who, &key).await?;
    let versions: Vec<Value> = rows
        .iter()
        .map(|v| {
            json!({ "versionId": v.version.to_string(), "isInForce": v.id == tree.version_id,
                    "problems": v.problems, "createdAt": v.created_at.iso(),
                    "createdBy": v.created_by })
        })
        .collect();
    Ok(axum::Json(json!({ "versions": versions })))
}

/// Reads a tree as it was in a version.
#[utoipa::path(get, path = "/app/api/v2/trees/{title}/versions/{version}", tag = "Trees",
    operation_id = "readTreeVersion",
    params(("title" = String, Path), ("version" = i64, Path), IncludeQuery),
    responses((status = 200, description = "The tree.", body = inline(Object))))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path((title, version)): Path<(String, i64)>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<Value>> {
    let key = TreeKey::Title(title);
    let detail = app.workflows.tree_version(&actor(&caller), &key, version).await?;
    Ok(axum::Json(definitions::single(&detail, &query.read())))
}

/// Tells what differs between two versions of a tree.
#[utoipa::path(get, path = "/app/api/v2/trees/{title}/compare", tag = "Trees",
    operation_id = "compareTreeVersions", params(("title" = String, Path), CompareQuery),
    responses((status = 200, description = "`{nodes, connectors, isSame}`",
    body = inline(Object))))]
pub(crate) async fn compare(
    State(app): State<App>,
    caller: Caller,
    Path(title): Path<String>,
    Query(query): Query<CompareQuery>,
) -> Result<axum::Json<Value>> {
    let key = TreeKey::Title(title);
    let who = actor(&caller);
    Ok(axum::Json(app.workflows.compare_versions(&who, &key, query.from, query.to).await?))
}

/// Brings back a version of a tree as its newest, or a tree that was deleted.
#[utoipa::path(post, path = "/app/api/v2/trees/{title}/restore", tag = "Trees",
    operation_id = "restoreTree", params(("title" = String, Path)), request_body = RestoreBody,
    responses((status = 200, description = "The tree.", body = inline(Object))))]
pub(crate) async fn restore(
    State(app): State<App>,
    caller: Caller,
    Path(title): Path<String>,
    Json(body): Json<RestoreBody>,
) -> Result<axum::Json<Value>> {
    let who = actor(&caller);
    let number = match &body.version_id {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.trim().parse().ok()),
        Some(other) => Some(other.as_i64()),
    };
    let detail = match number {
        None => app.workflows.restore_tree(&who, &title).await?,
        Some(Some(number)) => {
            app.workflows.restore_version(&who, &TreeKey::Title(title), number).await?
        }
        Some(None) => return Err(Error::bad_request("versionId must be a whole number.")),
    };
    Ok(axum::Json(definitions::single(&detail, &Include::parse(Some("details")))))
}

/// Counts the runs of a tree by state.
#[utoipa::path(get, path = "/app/api/v2/trees/{title}/counts", tag = "Trees",
    operation_id = "countTreeRuns", params(("title" = String, Path)),
    responses((status = 200, description = "`{total, states, days, runsSeries, errorSeries, \
    activeErrorCount}`", body = inline(Object))))]
pub(crate) async fn counts(
    State(app): State<App>,
    caller: Caller,
    Path(title): Path<String>,
) -> Result<axum::Json<Value>> {
    let counts = app.workflows.tree_counts(&actor(&caller), &TreeKey::Title(title)).await?;
    let day = |at: Option<&(Micros, i64)>| at.map(|(at, _)| at.day_in_words());
    let points = |days: &[(Micros, i64)]| -> Vec<Value> {
        days.iter().map(|(at, y)| json!({ "startTime": at.0 / 1_000, "y": y })).collect()
    };
    let days: Vec<String> = counts.runs.iter().map(|(at, _)| at.iso()[8..10].to_owned()).collect();
    Ok(axum::Json(json!({
        "total": counts.total,
        "states": counts.states,
        "startDay": day(counts.runs.first()),
        "endDay": day(counts.runs.last()),
        "days": days,
        "activeErrorCount": counts.active_errors,
        "errorSeries": [{ "name": "Errors", "data": points(&counts.errors) }],
        "runsSeries": [{ "name": "Runs", "data": points(&counts.runs) }],
    })))
}

/// Lists the trees that call a handler or routine, by its definition id.
#[utoipa::path(get, path = "/app/api/v2/trees/{title}/usage", tag = "Trees",
    operation_id = "listTreeUsage",
    params(("title" = String, Path, description = "The definition id of a handler or routine.")),
    responses((status = 200, description = "`{routineUsage, totalTrees, totalRoutines, \
    totalNodes, trees}`; `trees` with `nodeIds`.",
    body = inline(Object))))]
pub(crate) async fn usage(
    State(app): State<App>,
    caller: Caller,
    Path(title): Path<String>,
) -> Result<axum::Json<Value>> {
    used(&app, &caller, &title, "routineUsage").await
}

/// Who calls a handler or routine, counted.
async fn used(app: &App, caller: &Caller, id: &str, name: &str) -> Result<axum::Json<Value>> {
    let users = app.workflows.tree_usage(&actor(caller), id).await?;
    let trees: Vec<Value> = users
        .iter()
        .map(|(tree, nodes)| {
            let mut document = definitions::summary(tree, &Include::default());
            document["nodeIds"] = json!(nodes);
            document
        })
        .collect();
    let usage: Vec<Value> = users
        .iter()
        .map(|(tree, nodes)| {
            json!({ "type": tree.kind, "source": tree.source, "group": tree.group,
                    "name": tree.name, "id": tree.id, "title": tree.title(),
                    "updatedAt": tree.audit.updated_at.iso(), "nodeCount": nodes.len() })
        })
        .collect();
    let is_tree = |(tree, _): &&(Tree, Vec<String>)| tree.kind == "Tree";
    let total_trees = users.iter().filter(is_tree).count();
    let mut answer = json!({
        "totalTrees": total_trees,
        "totalRoutines": users.len() - total_trees,
        "totalNodes": users.iter().map(|(_, nodes)| nodes.len()).sum::<usize>(),
        "trees": trees,
    });
    answer[name] = usage.into();
    Ok(axum::Json(answer))
}

/// Lists handlers and routines that trees call and that do not exist.
#[utoipa::path(get, path = "/app/api/v2/trees/missing", tag = "Trees",
    operation_id = "listMissing",
    responses((status = 200, description = "`{missingRoutines, missing}`, of handlers as well",
    body = inline(Object))))]
pub(crate) async fn missing(State(app): State<App>, caller: Caller) -> Result<axum::Json<Value>> {
    let rows = missing_rows(&app, &caller).await?;
    let routines: Vec<&Value> = rows.iter().filter(|row| is_routine(row)).collect();
    Ok(axum::Json(json!({ "missingRoutines": routines, "missing": rows })))
}

fn is_routine(row: &Value) -> bool {
    row["definitionId"].as_str().is_some_and(|id| id.starts_with("routine_"))
}

async fn missing_rows(app: &App, caller: &Caller) -> Result<Vec<Value>> {
    let missing = app.workflows.missing(&actor(caller)).await?;
    let row = |(id, users): (&String, &Vec<(Tree, usize)>)| {
        let titles: Vec<String> = users.iter().map(|(tree, _)| tree.title()).collect();
        let trees = users.iter().filter(|(tree, _)| tree.kind == "Tree").count();
        let nodes: usize = users.iter().map(|(_, nodes)| nodes).sum();
        json!({ "definitionId": id, "trees": titles, "treeCount": trees,
                "routineCount": users.len() - trees, "totalNodeCount": nodes })
    };
    Ok(missing.iter().map(row).collect())
}

/// Lists the mistakes of a definition without storing it.
#[utoipa::path(post, path = "/app/api/v2/trees/validate", tag = "Trees",
    operation_id = "validateTree", request_body = inline(Object),
    responses((status = 200, description = "`{problems}`", body = inline(Object))))]
pub(crate) async fn validate(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<Value>,
) -> Result<axum::Json<Value>> {
    let input = definitions::read(&app, &caller, body).await?;
    let Some((format, text)) = input.definition else {
        return Err(Error::bad_request("Send a treeJson or a treeXml."));
    };
    let problems = app.workflows.validate(&actor(&caller), format, &text).await?;
    Ok(axum::Json(json!({ "problems": problems })))
}

/// Lists handlers that trees call and that do not exist.
#[utoipa::path(get, path = "/app/api/v2/handlers/missing", tag = "Handlers",
    operation_id = "listMissingHandlers",
    responses((status = 200, description = "`{missingHandlers}`", body = inline(Object))))]
pub(crate) async fn missing_handlers(
    State(app): State<App>,
    caller: Caller,
) -> Result<axum::Json<Value>> {
    let rows = missing_rows(&app, &caller).await?;
    let handlers: Vec<Value> = rows.into_iter().filter(|row| !is_routine(row)).collect();
    Ok(axum::Json(json!({ "missingHandlers": handlers })))
}

/// Lists the trees that call a handler.
#[utoipa::path(get, path = "/app/api/v2/handlers/{definitionId}/usage", tag = "Handlers",
    operation_id = "listHandlerUsage", params(("definitionId" = String, Path)),
    responses((status = 200, description = "`{handlerUsage, totalTrees, totalRoutines, \
    totalNodes, trees}`", body = inline(Object))))]
pub(crate) async fn handler_usage(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Value>> {
    used(&app, &caller, &id, "handlerUsage").await
}
