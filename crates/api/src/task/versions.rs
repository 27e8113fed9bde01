//! Versions of trees, and who uses what.

use super::{actor, definitions};
use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::include::{Include, IncludeQuery};
use crate::input::{Json, Path, Query};
use axum::extract::State;
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
    responses((status = 200, description = "`{total, states}`", body = inline(Object))))]
pub(crate) async fn counts(
    State(app): State<App>,
    caller: Caller,
    Path(title): Path<String>,
) -> Result<axum::Json<Value>> {
    Ok(axum::Json(app.workflows.tree_counts(&actor(&caller), &TreeKey::Title(title)).await?))
}

/// Lists the trees that call a handler or routine, by its definition id.
#[utoipa::path(get, path = "/app/api/v2/trees/{title}/usage", tag = "Trees",
    operation_id = "listTreeUsage",
    params(("title" = String, Path, description = "The definition id of a handler or routine.")),
    responses((status = 200, description = "`{trees}`, each with `nodeIds`.",
    body = inline(Object))))]
pub(crate) async fn usage(
    State(app): State<App>,
    caller: Caller,
    Path(title): Path<String>,
) -> Result<axum::Json<Value>> {
    let users = app.workflows.tree_usage(&actor(&caller), &title).await?;
    let trees: Vec<Value> = users
        .iter()
        .map(|(tree, nodes)| {
            let mut document = definitions::summary(tree, &Include::default());
            document["nodeIds"] = json!(nodes);
            document
        })
        .collect();
    Ok(axum::Json(json!({ "trees": trees })))
}

/// Lists handlers and routines that trees call and that do not exist.
#[utoipa::path(get, path = "/app/api/v2/trees/missing", tag = "Trees",
    operation_id = "listMissing",
    responses((status = 200, description = "`{missing: [{definitionId, trees}]}`",
    body = inline(Object))))]
pub(crate) async fn missing(State(app): State<App>, caller: Caller) -> Result<axum::Json<Value>> {
    let missing = app.workflows.missing(&actor(&caller)).await?;
    let rows: Vec<Value> = missing
        .into_iter()
        .map(|(id, trees)| json!({ "definitionId": id, "trees": trees }))
        .collect();
    Ok(axum::Json(json!({ "missing": rows })))
}

/// Lists the mistakes of a definition without storing it.
#[utoipa::path(post, path = "/app/api/v2/trees/validate", tag = "Trees",
    operation_id = "validateTree", request_body = inline(Object),
    responses((status = 200, description = "`{problems}`", body = inline(Object))))]
pub(crate) async fn validate(
    State(app): State<App>,
    _caller: Caller,
    Json(body): Json<Value>,
) -> Result<axum::Json<Value>> {
    let input = definitions::read(body)?;
    let Some((format, text)) = input.definition else {
        return Err(Error::bad_request("Send a treeJson or a treeXml."));
    };
    let problems = app.workflows.validate(format, &text)?;
    Ok(axum::Json(json!({ "problems": problems })))
}
