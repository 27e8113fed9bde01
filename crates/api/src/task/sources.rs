//! `/app/api/v2/sources`: where the data of trees comes from.

use super::paging::Page;
use super::{actor, success};
use crate::App;
use crate::auth::Caller;
use crate::error::Result;
use crate::include::{Include, IncludeQuery};
use crate::input::{Json, Path, Query};
use axum::extract::State;
use model::tree::Source;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use workflows::sources::SourceInput;

/// Adapters that sources may have.
const ADAPTERS: &[&str] = &["Adhoc", "Kinetic Request CE", "Kinetic Task"];

/// A source as clients send it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SourceBody {
    name: Option<String>,
    /// The adapter.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// `Active` or `Inactive`.
    status: Option<String>,
    /// The adapter's properties.
    #[schema(value_type = Option<Object>)]
    properties: Option<Value>,
    /// Taken and ignored, since clients send back whole sources; rules are added one by one.
    #[schema(value_type = Option<Object>)]
    #[serde(rename = "policyRules")]
    _policy_rules: Option<Value>,
}

/// The parameters of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    include: Option<String>,
    limit: Option<i64>,
    offset: Option<i64>,
}

impl SourceBody {
    fn input(self) -> SourceInput {
        SourceInput {
            name: self.name,
            kind: self.kind,
            status: self.status,
            properties: self.properties,
        }
    }
}

/// A source by itself, with the rules that guard it.
async fn single(
    app: &App,
    caller: &Caller,
    source: &Source,
    include: &Include,
) -> Result<axum::Json<Value>> {
    Ok(axum::Json(whole(app, caller, source, include).await?))
}

async fn whole(app: &App, caller: &Caller, source: &Source, include: &Include) -> Result<Value> {
    let mut document = document(source, include);
    if include.has("policyRules") {
        let rules = app.workflows.source_rules(&actor(caller), &source.name).await?;
        let none = Include::default();
        document["policyRules"] =
            rules.iter().map(|rule| super::policy_rules::document(rule, &none)).collect();
    }
    Ok(document)
}

fn document(source: &Source, include: &Include) -> Value {
    let mut document = json!({
        "name": source.name,
        "status": source.status,
        "type": source.kind,
        "properties": source.properties,
        "policyRules": [],
    });
    if let Some(details) = include.details(&source.audit) {
        super::definitions::extend(&mut document, json!(details));
    }
    if include.has("predefinedSourceGroups") {
        document["predefinedSourceGroups"] = json!(groups());
    }
    if include.has("predefinedTreeNames") {
        document["predefinedTreeNames"] = json!(names());
    }
    document
}

/// Groups of the conventional trees.
fn groups() -> Vec<&'static str> {
    let mut groups: Vec<_> = model::catalogue::seed_rows().iter().map(|row| row.group).collect();
    groups.dedup();
    groups
}

/// Names of the conventional trees.
fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = model::catalogue::seed_rows().iter().map(|row| row.tree).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Lists the sources of the space.
#[utoipa::path(get, path = "/app/api/v2/sources", tag = "Sources", operation_id = "listSources",
    params(ListQuery), responses((status = 200,
    description = "`{sourceRoots, count, limit, offset}`", body = inline(Object))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Value>> {
    let include = Include::parse(query.include.as_deref());
    let page = Page::read(query.limit, query.offset)?;
    let sources = app.workflows.sources(&actor(&caller)).await?;
    let count = sources.len();
    let (rows, _) = page.cut(sources);
    let mut documents = Vec::with_capacity(rows.len());
    for source in &rows {
        documents.push(whole(&app, &caller, source, &include).await?);
    }
    Ok(page.document("sourceRoots", documents, count))
}

/// Creates a source.
#[utoipa::path(post, path = "/app/api/v2/sources", tag = "Sources", operation_id = "createSource",
    request_body = SourceBody, responses((status = 200, description = "The source.",
    body = inline(Object))))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<SourceBody>,
) -> Result<axum::Json<Value>> {
    let source = app.workflows.create_source(&actor(&caller), body.input()).await?;
    Ok(axum::Json(document(&source, &Include::default())))
}

/// Reads a source.
#[utoipa::path(get, path = "/app/api/v2/sources/{name}", tag = "Sources",
    operation_id = "readSource", params(("name" = String, Path), IncludeQuery),
    responses((status = 200, description = "The source.", body = inline(Object))))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<Value>> {
    let source = app.workflows.source(&actor(&caller), &name).await?;
    single(&app, &caller, &source, &query.read()).await
}

/// Changes a source; its trees follow a new name.
#[utoipa::path(put, path = "/app/api/v2/sources/{name}", tag = "Sources",
    operation_id = "updateSource", params(("name" = String, Path), IncludeQuery),
    request_body = SourceBody, responses((status = 200, description = "The source.",
    body = inline(Object))))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<SourceBody>,
) -> Result<axum::Json<Value>> {
    let source = app.workflows.update_source(&actor(&caller), &name, body.input()).await?;
    Ok(axum::Json(document(&source, &query.read())))
}

/// Deletes a source that has no trees.
#[utoipa::path(delete, path = "/app/api/v2/sources/{name}", tag = "Sources",
    operation_id = "deleteSource", params(("name" = String, Path)),
    responses((status = 200, description = "A message.", body = inline(Object))))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<axum::Json<Value>> {
    let source = app.workflows.delete_source(&actor(&caller), &name).await?;
    Ok(success(&format!("Deleted the source \"{}\".", source.name)))
}

/// Checks a source: it is there and can be used, since adapters of this server need no connection.
#[utoipa::path(post, path = "/app/api/v2/sources/{name}/validate", tag = "Sources",
    operation_id = "validateSource", params(("name" = String, Path)),
    responses((status = 200, description = "A message.", body = inline(Object))))]
pub(crate) async fn validate(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<axum::Json<Value>> {
    let source = app.workflows.source(&actor(&caller), &name).await?;
    if source.status != "Active" {
        let message = format!("The source \"{name}\" is {}.", source.status.to_lowercase());
        return Err(crate::error::Error::bad_request(message));
    }
    Ok(success(&format!("The source \"{name}\" can be used.")))
}

/// The same for clients that ask by PUT.
#[utoipa::path(put, path = "/app/api/v2/sources/{name}/validate", tag = "Sources",
    operation_id = "validateSourceByPut", params(("name" = String, Path)),
    responses((status = 200, description = "A message.", body = inline(Object))))]
pub(crate) async fn validate_by_put(
    app: State<App>,
    caller: Caller,
    name: Path<String>,
) -> Result<axum::Json<Value>> {
    validate(app, caller, name).await
}

/// Lists the adapters that sources may have.
#[utoipa::path(get, path = "/app/api/v2/meta/sourceAdapters", tag = "Sources",
    operation_id = "listSourceAdapters",
    responses((status = 200, description = "`{sourceAdapters}`", body = inline(Object))))]
pub(crate) async fn adapters() -> axum::Json<Value> {
    let adapters: Vec<Value> =
        ADAPTERS.iter().map(|name| json!({ "name": name, "properties": [] })).collect();
    axum::Json(json!({ "sourceAdapters": adapters }))
}
