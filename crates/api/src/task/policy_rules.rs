//! `/app/api/v2/policyRules`: conditions that say who may do something, and the sources they
//! guard.

use super::categories::RuleBody;
use super::paging::{Page, given};
use super::{actor, definitions, success, twice};
use crate::App;
use crate::auth::Caller;
use crate::error::Result;
use crate::include::{Include, IncludeQuery};
use crate::input::{Json, Path, Query};
use axum::extract::State;
use model::category::PolicyRule;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use workflows::policies::PolicyRuleInput;

/// The parameters of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    include: Option<String>,
    /// `API Access`, `Category Access`, `Console Access` or `System Default`.
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<String>,
    /// `name`, `createdAt` or `updatedAt`; by type otherwise.
    order_by: Option<String>,
    /// `ASC` or `DESC`.
    direction: Option<String>,
    limit: Option<i64>,
    offset: Option<i64>,
}

/// A policy rule; absent properties stay as they are.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PolicyRuleBody {
    name: Option<String>,
    /// A Ruby condition over `@user`, such as `@user['Username'] == 'ann'`.
    rule: Option<String>,
    /// What those hear whom it refuses.
    message: Option<String>,
    /// Taken and ignored: the type stands in the path.
    #[serde(rename = "type")]
    _kind: Option<String>,
}

impl PolicyRuleBody {
    fn input(self) -> PolicyRuleInput {
        PolicyRuleInput { name: self.name, rule: self.rule, message: self.message }
    }
}

pub(super) fn document(rule: &PolicyRule, include: &Include) -> Value {
    let mut document = json!({
        "name": rule.name,
        "type": rule.kind,
        "rule": rule.rule,
        "message": rule.message,
    });
    if let Some(details) = include.details(&rule.audit) {
        definitions::extend(&mut document, json!(details));
    }
    document
}

/// Lists the policy rules.
#[utoipa::path(get, path = "/app/api/v2/policyRules", tag = "Policy Rules",
    operation_id = "listPolicyRules", params(ListQuery),
    responses((status = 200, description = "`{policyRules, count, limit, offset}`",
    body = inline(Object))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Value>> {
    listed(&app, &caller, query).await
}

async fn listed(app: &App, caller: &Caller, query: ListQuery) -> Result<axum::Json<Value>> {
    let include = Include::parse(query.include.as_deref());
    let page = Page::read(query.limit, query.offset)?;
    let (kind, name) = (given(query.kind), given(query.name));
    let mut rules = app.workflows.policy_rules(&actor(caller)).await?;
    rules.retain(|rule| {
        kind.as_ref().is_none_or(|kind| rule.kind.eq_ignore_ascii_case(kind))
            && name.as_ref().is_none_or(|name| rule.name == *name)
    });
    match query.order_by.as_deref() {
        Some("name") => rules.sort_by(|a, b| a.name.cmp(&b.name)),
        Some("createdAt") => rules.sort_by_key(|rule| rule.audit.created_at),
        Some("updatedAt") => rules.sort_by_key(|rule| rule.audit.updated_at),
        _ => {}
    }
    if query.direction.is_some_and(|d| d.eq_ignore_ascii_case("DESC")) {
        rules.reverse();
    }
    let count = rules.len();
    let (rules, _) = page.cut(rules);
    let rows = rules.iter().map(|rule| document(rule, &include)).collect();
    Ok(page.document("policyRules", rows, count))
}

/// Lists the policy rules of a type.
#[utoipa::path(get, path = "/app/api/v2/policyRules/{type}", tag = "Policy Rules",
    operation_id = "listPolicyRulesOfType", params(("type" = String, Path), IncludeQuery),
    responses((status = 200, description = "`{policyRules, count, limit, offset}`",
    body = inline(Object))))]
pub(crate) async fn list_of(
    State(app): State<App>,
    caller: Caller,
    Path(kind): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Value>> {
    listed(&app, &caller, ListQuery { kind: Some(kind), ..query }).await
}

/// Creates a policy rule.
#[utoipa::path(post, path = "/app/api/v2/policyRules/{type}", tag = "Policy Rules",
    operation_id = "createPolicyRule", params(("type" = String, Path)),
    request_body = PolicyRuleBody,
    responses((status = 200, description = "The rule, and under `policyRule`.",
    body = inline(Object))))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Path(kind): Path<String>,
    Json(body): Json<PolicyRuleBody>,
) -> Result<axum::Json<Value>> {
    let rule = app.workflows.create_policy_rule(&actor(&caller), &kind, body.input()).await?;
    Ok(twice("policyRule", document(&rule, &Include::default())))
}

/// Reads a policy rule.
#[utoipa::path(get, path = "/app/api/v2/policyRules/{type}/{name}", tag = "Policy Rules",
    operation_id = "readPolicyRule",
    params(("type" = String, Path), ("name" = String, Path), IncludeQuery),
    responses((status = 200, description = "The rule.", body = inline(Object))))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path((kind, name)): Path<(String, String)>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<Value>> {
    let rule = app.workflows.policy_rule(&actor(&caller), &kind, &name).await?;
    Ok(axum::Json(document(&rule, &query.read())))
}

/// Changes a policy rule.
#[utoipa::path(put, path = "/app/api/v2/policyRules/{type}/{name}", tag = "Policy Rules",
    operation_id = "updatePolicyRule", params(("type" = String, Path), ("name" = String, Path)),
    request_body = PolicyRuleBody,
    responses((status = 200, description = "The rule, and under `policyRule`.",
    body = inline(Object))))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path((kind, name)): Path<(String, String)>,
    Json(body): Json<PolicyRuleBody>,
) -> Result<axum::Json<Value>> {
    let who = actor(&caller);
    let rule = app.workflows.update_policy_rule(&who, &kind, &name, body.input()).await?;
    Ok(twice("policyRule", document(&rule, &Include::default())))
}

/// Deletes a policy rule.
#[utoipa::path(delete, path = "/app/api/v2/policyRules/{type}/{name}", tag = "Policy Rules",
    operation_id = "deletePolicyRule", params(("type" = String, Path), ("name" = String, Path)),
    responses((status = 200, description = "What was deleted.", body = inline(Object))))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path((kind, name)): Path<(String, String)>,
) -> Result<axum::Json<Value>> {
    let rule = app.workflows.delete_policy_rule(&actor(&caller), &kind, &name).await?;
    Ok(twice("policyRule", document(&rule, &Include::default())))
}

/// Lets a policy rule guard a source.
#[utoipa::path(post, path = "/app/api/v2/sources/{name}/policyRules", tag = "Policy Rules",
    operation_id = "addSourcePolicyRule", params(("name" = String, Path)),
    request_body = RuleBody,
    responses((status = 200, description = "A message.", body = inline(Object))))]
pub(crate) async fn guard(
    State(app): State<App>,
    caller: Caller,
    Path(source): Path<String>,
    Json(body): Json<RuleBody>,
) -> Result<axum::Json<Value>> {
    let rule = [body.kind.as_str(), body.name.as_str()];
    app.workflows.guard_source(&actor(&caller), &source, rule, true).await?;
    Ok(success(&format!("Added the policy rule \"{}\" to the source \"{source}\".", body.name)))
}

/// Ends that a policy rule guards a source.
#[utoipa::path(delete,
    path = "/app/api/v2/sources/{name}/policyRules/{policyRuleType}/{policyRuleName}",
    tag = "Policy Rules", operation_id = "removeSourcePolicyRule",
    params(("name" = String, Path), ("policyRuleType" = String, Path),
        ("policyRuleName" = String, Path)),
    responses((status = 200, description = "A message.", body = inline(Object))))]
pub(crate) async fn release(
    State(app): State<App>,
    caller: Caller,
    Path((source, kind, name)): Path<(String, String, String)>,
) -> Result<axum::Json<Value>> {
    let rule = [kind.as_str(), name.as_str()];
    app.workflows.guard_source(&actor(&caller), &source, rule, false).await?;
    Ok(success(&format!("Removed the policy rule \"{name}\" from the source \"{source}\".")))
}
