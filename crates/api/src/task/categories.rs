//! `/app/api/v2/categories`: what handlers and routines are sorted into. The category of the
//! handlers that come with the server is always there and cannot be changed.

use super::paging::Page;
use super::{actor, definitions, handlers, success, twice};
use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::include::{Include, IncludeQuery};
use crate::input::{Json, Path, Query};
use axum::extract::State;
use model::category::MemberKind;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use workflows::categories::{CategoryInput, Sorted};

/// The parameters of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    include: Option<String>,
    limit: Option<i64>,
    offset: Option<i64>,
}

/// A category; absent properties stay as they are, lists are replaced as a whole.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CategoryBody {
    name: Option<String>,
    description: Option<String>,
    /// `Stored`, the only type that can be written.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Definition ids of handlers.
    handlers: Option<Vec<String>>,
    /// Definition ids of routines.
    trees: Option<Vec<String>>,
    /// Names of rules of the type Category Access.
    policy_rules: Option<Vec<String>>,
}

/// A handler or routine to sort in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MemberBody {
    definition_id: String,
}

/// A policy rule to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RuleBody {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
}

impl CategoryBody {
    fn input(self) -> Result<CategoryInput> {
        if self.kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("Stored")) {
            return Err(Error::bad_request("The type of a category is Stored."));
        }
        if self.name.as_deref().is_some_and(|name| name.trim() == handlers::CATEGORY) {
            return Err(integrated());
        }
        Ok(CategoryInput {
            name: self.name,
            description: self.description,
            handlers: self.handlers,
            routines: self.trees,
            policy_rules: self.policy_rules,
        })
    }
}

fn integrated() -> Error {
    Error::bad_request(format!(
        "The category \"{}\" comes with the server and cannot be changed.",
        handlers::CATEGORY
    ))
}

fn stored(name: &str) -> Result<()> {
    if name == handlers::CATEGORY { Err(integrated()) } else { Ok(()) }
}

fn document(sorted: &Sorted, include: &Include) -> Value {
    let ids = |kind| -> Vec<Value> {
        sorted.of(kind).into_iter().map(|id| json!({ "definitionId": id })).collect()
    };
    let rules = sorted.of(MemberKind::PolicyRule).into_iter();
    let rules = rules.map(|name| json!({ "name": name, "type": "Category Access" }));
    let mut document = json!({
        "name": sorted.category.name,
        "description": sorted.category.description,
        "type": "Stored",
        "handlers": ids(MemberKind::Handler),
        "trees": ids(MemberKind::Routine),
        "policyRules": rules.collect::<Vec<_>>(),
    });
    if let Some(details) = include.details(&sorted.category.audit) {
        definitions::extend(&mut document, json!(details));
    }
    document
}

/// Lists the categories with their handlers, routines and policy rules.
#[utoipa::path(get, path = "/app/api/v2/categories", tag = "Categories",
    operation_id = "listCategories", params(ListQuery),
    responses((status = 200, description = "`{categories, count, limit, offset}`",
    body = inline(Object))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Value>> {
    let include = Include::parse(query.include.as_deref());
    let page = Page::read(query.limit, query.offset)?;
    let mut rows = vec![handlers::category()];
    rows.extend(handlers::external_category(&app, &caller).await?);
    let stored = app.workflows.categories(&actor(&caller)).await?;
    rows.extend(stored.iter().map(|sorted| document(sorted, &include)));
    let count = rows.len();
    let (rows, _) = page.cut(rows);
    Ok(page.document("categories", rows, count))
}

/// Creates a category.
#[utoipa::path(post, path = "/app/api/v2/categories", tag = "Categories",
    operation_id = "createCategory", request_body = CategoryBody,
    responses((status = 200, description = "The category, and under `category`.",
    body = inline(Object))))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CategoryBody>,
) -> Result<axum::Json<Value>> {
    let sorted = app.workflows.create_category(&actor(&caller), body.input()?).await?;
    Ok(twice("category", document(&sorted, &Include::default())))
}

/// Reads a category.
#[utoipa::path(get, path = "/app/api/v2/categories/{name}", tag = "Categories",
    operation_id = "readCategory", params(("name" = String, Path), IncludeQuery),
    responses((status = 200, description = "The category.", body = inline(Object))))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<Value>> {
    if name == handlers::CATEGORY {
        return Ok(axum::Json(handlers::category()));
    }
    let sorted = app.workflows.category(&actor(&caller), &name).await?;
    Ok(axum::Json(document(&sorted, &query.read())))
}

/// Changes a category.
#[utoipa::path(put, path = "/app/api/v2/categories/{name}", tag = "Categories",
    operation_id = "updateCategory", params(("name" = String, Path)),
    request_body = CategoryBody,
    responses((status = 200, description = "The category, and under `category`.",
    body = inline(Object))))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Json(body): Json<CategoryBody>,
) -> Result<axum::Json<Value>> {
    stored(&name)?;
    let sorted = app.workflows.update_category(&actor(&caller), &name, body.input()?).await?;
    Ok(twice("category", document(&sorted, &Include::default())))
}

/// Deletes a category; its handlers and routines stay.
#[utoipa::path(delete, path = "/app/api/v2/categories/{name}", tag = "Categories",
    operation_id = "deleteCategory", params(("name" = String, Path)),
    responses((status = 200, description = "What was deleted.", body = inline(Object))))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<axum::Json<Value>> {
    stored(&name)?;
    let sorted = app.workflows.delete_category(&actor(&caller), &name).await?;
    Ok(twice("category", document(&sorted, &Include::default())))
}

/// Sorts something in, or out.
async fn sort(
    app: &App,
    caller: &Caller,
    name: &str,
    (kind, member): (MemberKind, &str),
    is_in: bool,
) -> Result<axum::Json<Value>> {
    stored(name)?;
    let who = actor(caller);
    if is_in {
        app.workflows.sort_in(&who, name, kind, member).await?;
        return Ok(success(&format!("Added \"{member}\" to the category \"{name}\".")));
    }
    app.workflows.sort_out(&who, name, kind, member).await?;
    Ok(success(&format!("Removed \"{member}\" from the category \"{name}\".")))
}

/// Sorts a handler into a category.
#[utoipa::path(post, path = "/app/api/v2/categories/{name}/handlers", tag = "Categories",
    operation_id = "addCategoryHandler", params(("name" = String, Path)),
    request_body = MemberBody,
    responses((status = 200, description = "A message.", body = inline(Object))))]
pub(crate) async fn add_handler(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Json(body): Json<MemberBody>,
) -> Result<axum::Json<Value>> {
    sort(&app, &caller, &name, (MemberKind::Handler, &body.definition_id), true).await
}

/// Takes a handler out of a category.
#[utoipa::path(delete, path = "/app/api/v2/categories/{name}/handlers/{definitionId}",
    tag = "Categories", operation_id = "removeCategoryHandler",
    params(("name" = String, Path), ("definitionId" = String, Path)),
    responses((status = 200, description = "A message.", body = inline(Object))))]
pub(crate) async fn remove_handler(
    State(app): State<App>,
    caller: Caller,
    Path((name, id)): Path<(String, String)>,
) -> Result<axum::Json<Value>> {
    sort(&app, &caller, &name, (MemberKind::Handler, &id), false).await
}

/// Sorts a routine into a category.
#[utoipa::path(post, path = "/app/api/v2/categories/{name}/routines", tag = "Categories",
    operation_id = "addCategoryRoutine", params(("name" = String, Path)),
    request_body = MemberBody,
    responses((status = 200, description = "A message.", body = inline(Object))))]
pub(crate) async fn add_routine(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Json(body): Json<MemberBody>,
) -> Result<axum::Json<Value>> {
    sort(&app, &caller, &name, (MemberKind::Routine, &body.definition_id), true).await
}

/// Takes a routine out of a category.
#[utoipa::path(delete, path = "/app/api/v2/categories/{name}/routines/{definitionId}",
    tag = "Categories", operation_id = "removeCategoryRoutine",
    params(("name" = String, Path), ("definitionId" = String, Path)),
    responses((status = 200, description = "A message.", body = inline(Object))))]
pub(crate) async fn remove_routine(
    State(app): State<App>,
    caller: Caller,
    Path((name, id)): Path<(String, String)>,
) -> Result<axum::Json<Value>> {
    sort(&app, &caller, &name, (MemberKind::Routine, &id), false).await
}

/// Adds a policy rule to a category.
#[utoipa::path(post, path = "/app/api/v2/categories/{name}/policyRules", tag = "Categories",
    operation_id = "addCategoryPolicyRule", params(("name" = String, Path)),
    request_body = RuleBody,
    responses((status = 200, description = "A message.", body = inline(Object))))]
pub(crate) async fn add_rule(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Json(body): Json<RuleBody>,
) -> Result<axum::Json<Value>> {
    app.workflows.policy_rule(&actor(&caller), &body.kind, &body.name).await?;
    sort(&app, &caller, &name, (MemberKind::PolicyRule, &body.name), true).await
}

/// Takes a policy rule away from a category.
#[utoipa::path(delete,
    path = "/app/api/v2/categories/{name}/policyRules/{policyRuleType}/{policyRuleName}",
    tag = "Categories", operation_id = "removeCategoryPolicyRule",
    params(("name" = String, Path), ("policyRuleType" = String, Path),
        ("policyRuleName" = String, Path)),
    responses((status = 200, description = "A message.", body = inline(Object))))]
pub(crate) async fn remove_rule(
    State(app): State<App>,
    caller: Caller,
    Path((name, _kind, rule)): Path<(String, String, String)>,
) -> Result<axum::Json<Value>> {
    sort(&app, &caller, &name, (MemberKind::PolicyRule, &rule), false).await
}
