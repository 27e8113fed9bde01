//! Version 1 of the workflow engine's routes: what webhook URLs, the SDK and handlers still use.

use super::tasks::{DeferredBody, deliver};
use super::{actor, runs, success};
use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::include::{Include, IncludeQuery};
use crate::input::{Json, Path, Query, Raw};
use axum::extract::{RawQuery, State};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use model::id::RunId;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use store::runs::Filter;
use utoipa::ToSchema;
use workflows::definition::Format;
use workflows::engine::TreeRef;
use workflows::runs::StartByHand;
use workflows::trees::TreeInput;

/// An exported tree.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportBody {
    /// The XML of the tree.
    structure: String,
}

/// Starts a run of a tree; body or query become its source data.
#[utoipa::path(post, path = "/app/api/v1/run-tree/{source}/{group}/{tree}", tag = "Runs",
    operation_id = "runTree",
    params(("source" = String, Path), ("group" = String, Path), ("tree" = String, Path)),
    request_body = String,
    responses((status = 200, description = "`{message, run: {id}}`", body = inline(Object)),
    (status = 404, description = "The tree does not exist.")))]
pub(crate) async fn run_tree(
    State(app): State<App>,
    caller: Caller,
    Path((source, group, name)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<axum::Json<Value>> {
    let who = actor(&caller);
    let refusal = app.workflows.refusal_of_source(&who, caller.is_space_admin, &source).await?;
    if let Some(message) = refusal {
        return Err(Error::forbidden(message));
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let body = runs::text(&body)?;
    let data = if kind.starts_with("application/x-www-form-urlencoded") {
        pairs(&body)
    } else if body.trim().is_empty() {
        pairs(query.as_deref().unwrap_or_default())
    } else {
        body
    };
    let originator = format!("API v1 Run Tree by {}", caller.username);
    let tree = TreeRef::Title { source, group, name };
    let (inputs, key) = (runs::inputs(&data), runs::key(&headers)?);
    let start = StartByHand { tree, data, inputs, key, originator };
    let (run, title) = app.workflows.start_by_hand(&who, start).await?;
    Ok(axum::Json(json!({
        "messageType": "success",
        "message": format!("Initiated run #{run} for the \"{title}\" tree."),
        "run": { "id": run },
        "runId": run.to_string(),
    })))
}

/// Form fields as a JSON object.
fn pairs(text: &str) -> String {
    let fields: Map<String, Value> = url::form_urlencoded::parse(text.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
        .collect();
    Value::Object(fields).to_string()
}

/// Completes a deferred task.
#[utoipa::path(post, path = "/app/api/v1/complete-deferred-task/{source}", tag = "Runs",
    operation_id = "completeDeferredTaskV1", params(("source" = String, Path)),
    request_body = DeferredBody, responses((status = 200, description = "A message.",
    body = inline(Object))))]
pub(crate) async fn complete_deferred_task(
    State(app): State<App>,
    caller: Caller,
    Path(_source): Path<String>,
    Json(mut body): Json<DeferredBody>,
) -> Result<axum::Json<Value>> {
    let token = token(&mut body)?;
    deliver(&app, &caller, token, body, true).await
}

/// Updates a deferred task.
#[utoipa::path(post, path = "/app/api/v1/update-deferred-task/{source}", tag = "Runs",
    operation_id = "updateDeferredTaskV1", params(("source" = String, Path)),
    request_body = DeferredBody, responses((status = 200, description = "A message.",
    body = inline(Object))))]
pub(crate) async fn update_deferred_task(
    State(app): State<App>,
    caller: Caller,
    Path(_source): Path<String>,
    Json(mut body): Json<DeferredBody>,
) -> Result<axum::Json<Value>> {
    let token = token(&mut body)?;
    deliver(&app, &caller, token, body, false).await
}

fn token(body: &mut DeferredBody) -> Result<String> {
    let token = body.token.take().filter(|t| !t.trim().is_empty());
    token.ok_or_else(|| Error::bad_request("The token must be given."))
}

/// Lists the runs of a source, newest first.
#[utoipa::path(get, path = "/app/api/v1/sources/{source}/runs", tag = "Runs",
    operation_id = "listSourceRuns", params(("source" = String, Path), IncludeQuery),
    responses((status = 200, description = "`{runs}`", body = inline(Object))))]
pub(crate) async fn list_runs(
    State(app): State<App>,
    caller: Caller,
    Path(source): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<Value>> {
    let who = actor(&caller);
    app.workflows.source(&who, &source).await?;
    let filter = Filter { source: Some(source), ..Filter::default() };
    let include = query.read();
    let mut rows = Vec::new();
    for listed in app.workflows.runs(&who, filter, 100).await? {
        let detail = app.workflows.run_detail(&who, listed.run.id).await?;
        rows.push(runs::single(&detail, &include));
    }
    Ok(axum::Json(json!({ "runs": rows })))
}

/// Reads a run of a source.
#[utoipa::path(get, path = "/app/api/v1/sources/{source}/runs/{id}", tag = "Runs",
    operation_id = "readSourceRun", params(("source" = String, Path), ("id" = i64, Path),
    IncludeQuery), responses((status = 200, description = "`{run}`", body = inline(Object))))]
pub(crate) async fn read_run(
    State(app): State<App>,
    caller: Caller,
    Path((source, id)): Path<(String, i64)>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<Value>> {
    let detail = app.workflows.run_detail(&actor(&caller), RunId(id)).await?;
    if detail.tree.source != source {
        return Err(Error::not_found(format!("The source \"{source}\" has no run #{id}.")));
    }
    let mut include = query.read();
    if include == Include::default() {
        include = Include::parse(Some("details"));
    }
    Ok(axum::Json(json!({ "run": runs::single(&detail, &include) })))
}

/// Imports an exported tree.
#[utoipa::path(post, path = "/app/api/v1/import-tree", tag = "Trees", operation_id = "importTree",
    request_body = ImportBody, responses((status = 200, description = "A message.",
    body = inline(Object))))]
pub(crate) async fn import_tree(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<ImportBody>,
) -> Result<axum::Json<Value>> {
    let definition = Some((Format::Xml, body.structure));
    let input = TreeInput { definition, ..TreeInput::default() };
    let detail = app.workflows.create_tree(&actor(&caller), input, false).await?;
    Ok(success(&format!("Imported the tree \"{}\".", detail.tree.title())))
}
