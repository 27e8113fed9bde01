//! `/app/api/v2/errors`: places where runs need a person.

use super::paging::{Page, given, instant};
use super::{actor, success, twice};
use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::include::{Include, IncludeQuery};
use crate::input::{Json, Path, Query};
use axum::extract::State;
use model::id::{ErrorId, RunId};
use model::run::RunError;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use store::errors::{Filter, Group};
use utoipa::{IntoParams, ToSchema};
use workflows::errors::Decision;
use workflows::step::state::{ErrorKind, Resolution};

/// Groups of errors that are listed unless `limit` says otherwise, and at most.
const GROUPS_USUAL: i64 = 100;
const GROUPS_MAX: i64 = 1_000;

/// The parameters of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    include: Option<String>,
    id: Option<i64>,
    #[serde(alias = "run")]
    run_id: Option<i64>,
    /// `Active` or `Handled`.
    status: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    node_id: Option<String>,
    source: Option<String>,
    group: Option<String>,
    group_fragment: Option<String>,
    tree: Option<String>,
    tree_fragment: Option<String>,
    /// The tree's guid.
    tree_id: Option<String>,
    /// Id of the record the run is about.
    source_id: Option<String>,
    /// Exactly what the errors say in one line.
    summary: Option<String>,
    start: Option<String>,
    end: Option<String>,
    /// Only smaller numbers.
    before_id: Option<i64>,
    /// A handler's or routine's definition id.
    handler_id: Option<String>,
    /// The trigger's number.
    related_item1_id: Option<i64>,
    /// `Trigger`.
    related_item1_type: Option<String>,
    /// The node's id.
    related_item2_id: Option<String>,
    /// `Node`.
    related_item2_type: Option<String>,
    /// `createdAt` or `updatedAt`: what `start` and `end` mean.
    timeline: Option<String>,
    /// `ASC` or `DESC`.
    direction: Option<String>,
    /// `true`: only the count.
    count: Option<bool>,
    limit: Option<i64>,
    offset: Option<i64>,
}

impl ListQuery {
    fn filter(self) -> Result<Filter> {
        let by_change = match self.timeline.as_deref().unwrap_or_default().trim() {
            "" | "createdAt" => false,
            "updatedAt" => true,
            _ => return Err(Error::bad_request("timeline must be createdAt or updatedAt.")),
        };
        let is_type = |given: &Option<String>, known: &str| {
            given.as_ref().is_none_or(|t| t.is_empty() || t.eq_ignore_ascii_case(known))
        };
        if !is_type(&self.related_item1_type, "Trigger")
            || !is_type(&self.related_item2_type, "Node")
        {
            return Err(Error::bad_request(
                "Errors are related to a Trigger (1) and to a Node (2), and to nothing else.",
            ));
        }
        let active = match given(self.status).map(|s| s.to_ascii_lowercase()).as_deref() {
            None => None,
            Some("active") => Some(true),
            Some("handled") => Some(false),
            Some(_) => return Err(Error::bad_request("status must be Active or Handled.")),
        };
        Ok(Filter {
            run_id: self.run_id.map(RunId),
            active,
            kind: given(self.kind),
            node_id: given(self.node_id).or(given(self.related_item2_id)),
            definition_id: given(self.handler_id),
            trigger_id: self.related_item1_id,
            by_change,
            ascending: self.direction.is_some_and(|d| d.eq_ignore_ascii_case("ASC")),
            source: given(self.source),
            group: given(self.group),
            group_fragment: given(self.group_fragment),
            tree: given(self.tree),
            tree_fragment: given(self.tree_fragment),
            tree_id: given(self.tree_id),
            source_record_id: given(self.source_id),
            start: instant("start", self.start.as_deref())?,
            end: instant("end", self.end.as_deref())?,
            before: self.before_id,
            summary: given(self.summary),
            ..Filter::default()
        })
    }
}

/// A decision about errors.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ResolveBody {
    ids: Vec<i64>,
    /// One of the actions of `/meta/availableErrorActions`.
    action: String,
    /// A note kept with the errors.
    resolution: Option<String>,
    /// For Retry Task: parameters by name, instead of what they evaluate to.
    #[schema(value_type = Option<Object>)]
    inputs: Option<Map<String, Value>>,
    /// Taken and ignored: a client of the platform sends its parameters in the body.
    #[schema(value_type = Option<Object>)]
    #[serde(rename = "params")]
    _params: Option<Value>,
}

/// An error as clients read it, with the actions that resolve it.
pub(super) fn document(error: &RunError) -> Value {
    json!({
        "id": error.id,
        "type": error.kind,
        "status": if error.active { "Active" } else { "Handled" },
        "summary": error.summary,
        "text": error.text,
        "messages": [],
        "relatedItem1Id": error.trigger_id,
        "relatedItem1Type": "Trigger",
        "relatedItem2Id": error.node_id,
        "relatedItem2Type": "Node",
        "nodeId": error.node_id,
        "taskSeq": error.task_seq,
        "runId": error.run_id,
        "run": { "id": error.run_id },
        "actions": actions(&error.kind),
        "resolution": error.resolution,
        "engineIdentification": null,
        "createdAt": error.created_at.iso(),
        "updatedAt": error.updated_at.iso(),
    })
}

fn actions(kind: &str) -> Vec<&'static str> {
    let kind = ErrorKind::parse(kind);
    kind.map(ErrorKind::actions).unwrap_or_default().iter().map(|a| a.as_str()).collect()
}

/// An error, with its run when it was asked for.
async fn whole(app: &App, caller: &Caller, error: &RunError, include: &Include) -> Result<Value> {
    let mut answer = document(error);
    if let Some(include) = include.below("run") {
        let detail = app.workflows.run_detail(&actor(caller), error.run_id).await?;
        answer["run"] = super::runs::single(&detail, include);
    }
    Ok(answer)
}

/// Lists errors, newest first.
#[utoipa::path(get, path = "/app/api/v2/errors", tag = "Errors", operation_id = "listErrors",
    params(ListQuery), responses((status = 200, description = "`{errors, count, limit, offset}`",
    body = inline(Object))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Value>> {
    let include = Include::parse(query.include.as_deref());
    let page = Page::read(query.limit, query.offset)?;
    let (id, is_count) = (query.id, query.count == Some(true));
    let filter = query.filter()?;
    let who = actor(&caller);
    if is_count {
        let (_, count) = app.workflows.errors(&who, filter, 0).await?;
        return Ok(axum::Json(json!({ "count": count })));
    }
    let (rows, count) = match id {
        Some(id) => (vec![app.workflows.error(&who, ErrorId(id)).await?], 1),
        None => app.workflows.errors(&who, filter, page.reach()).await?,
    };
    let (rows, more) = page.cut(rows);
    let mut errors = Vec::with_capacity(rows.len());
    for error in &rows {
        errors.push(whole(&app, &caller, error, &include).await?);
    }
    let mut answer = page.document("errors", errors, count);
    answer["more"] = more.into();
    Ok(answer)
}

/// Reads an error.
#[utoipa::path(get, path = "/app/api/v2/errors/{id}", tag = "Errors", operation_id = "readError",
    params(("id" = i64, Path), IncludeQuery),
    responses((status = 200, description = "The error.", body = inline(Object))))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<Value>> {
    let error = app.workflows.error(&actor(&caller), ErrorId(id)).await?;
    Ok(axum::Json(whole(&app, &caller, &error, &query.read()).await?))
}

/// Deletes an error that was dealt with.
#[utoipa::path(delete, path = "/app/api/v2/errors/{id}", tag = "Errors",
    operation_id = "deleteError", params(("id" = i64, Path)),
    responses((status = 200, description = "What was deleted.", body = inline(Object))))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<axum::Json<Value>> {
    let error = app.workflows.delete_error(&actor(&caller), ErrorId(id)).await?;
    Ok(twice("error", document(&error)))
}

/// Resolves errors, one or many; each is dealt with or refused for itself.
#[utoipa::path(post, path = "/app/api/v2/errors/resolve", tag = "Errors",
    operation_id = "resolveErrors", request_body = ResolveBody,
    responses((status = 200, description = "`{messageType, message, resolved, refused}`",
    body = inline(Object))))]
pub(crate) async fn resolve(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<ResolveBody>,
) -> Result<axum::Json<Value>> {
    let action = action(&body.action)?;
    let decision = Decision {
        ids: body.ids.into_iter().map(ErrorId).collect(),
        action,
        note: body.resolution.unwrap_or_default(),
        inputs: body.inputs.unwrap_or_default(),
    };
    let resolved = app.workflows.resolve(&actor(&caller), decision).await?;
    if resolved.done.is_empty()
        && let Some((_, reason)) = resolved.refused.first()
    {
        return Err(Error::bad_request(reason.clone()));
    }
    let ids: Vec<String> = resolved.done.iter().map(ToString::to_string).collect();
    let mut answer = success(&format!("Resolved task errors {}.", ids.join(", ")));
    answer["resolved"] = json!(resolved.done);
    answer["refused"] = resolved
        .refused
        .iter()
        .map(|(id, reason)| json!({ "id": id, "message": reason }))
        .collect();
    Ok(answer)
}

/// Reads an action that resolves errors.
pub(super) fn action(text: &str) -> Result<Resolution> {
    Resolution::parse(text).ok_or_else(|| {
        Error::bad_request(format!(
            "\"{text}\" is no action; there are Do Nothing, Retry Task, Skip Task, Continue \
             Branch and Cancel Branch."
        ))
    })
}

/// Errors of one cause.
pub(super) fn group(group: &Group) -> Value {
    json!({
        "type": group.kind,
        "summary": group.summary,
        "nodeId": group.node_id,
        "treeId": group.tree_id,
        "tree": group.tree.join(" :: "),
        "count": group.count,
        "firstAt": group.first_at.iso(),
        "lastAt": group.last_at.iso(),
        "lastErrorId": group.last_id,
        "actions": actions(&group.kind),
    })
}

/// Groups errors by what caused them, the largest group first.
#[utoipa::path(get, path = "/app/api/v2/errors/groups", tag = "Errors",
    operation_id = "groupErrors", params(ListQuery),
    responses((status = 200, description = "`{groups}`", body = inline(Object))))]
pub(crate) async fn groups(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Value>> {
    let limit = query.limit.unwrap_or(GROUPS_USUAL).clamp(1, GROUPS_MAX);
    let filter = Filter { active: Some(true), ..query.filter()? };
    let groups = app.workflows.error_groups(&actor(&caller), filter, limit).await?;
    Ok(axum::Json(json!({ "groups": groups.iter().map(group).collect::<Vec<_>>() })))
}

/// Lists the actions that resolve each type of error.
#[utoipa::path(get, path = "/app/api/v2/meta/availableErrorActions", tag = "Errors",
    operation_id = "listErrorActions",
    responses((status = 200, description = "`{availableErrorActions}`", body = inline(Object))))]
pub(crate) async fn available_actions() -> axum::Json<Value> {
    let known: Map<String, Value> = ErrorKind::ALL
        .into_iter()
        .map(|kind| (kind.as_str().to_owned(), json!(actions(kind.as_str()))))
        .collect();
    axum::Json(json!({ "availableErrorActions": known }))
}
