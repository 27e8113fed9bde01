//! `/app/api/v1/workflows` of the space, a kapp or a form: trees that an event starts by itself,
//! without a webhook. Their jobs are named `Implicit Webhook Job`. Documents are flat.

use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::input::{Json, Path, Query};
use crate::task::{actor, read_tree, tree_document};
use axum::extract::State;
use platform::forms::Scope;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;
use workflows::linked::{Linked, LinkedInput, Place};

/// The parameter of an import.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CreateQuery {
    /// Whether a workflow of the same event and name is replaced.
    force: Option<bool>,
}

/// Where workflows are: the kapp's slug, and the form's.
type At<'a> = (Option<&'a str>, Option<&'a str>);

async fn place(app: &App, caller: &Caller, (kapp, form): At<'_>) -> Result<Place> {
    let Some(slug) = kapp else { return Ok(Place::default()) };
    let kapp_id = Some(app.platform.kapp(caller, slug).await?.id.clone());
    let form_id = match form {
        Some(form) => {
            let found = app.platform.form(caller, Scope::Kapp(slug), form).await?;
            Some(found.form.id.clone())
        }
        None => None,
    };
    Ok(Place { kapp_id, form_id })
}

fn is_at(linked: &Linked, place: &Place) -> bool {
    let bound = &linked.found.workflow;
    bound.kapp_id == place.kapp_id && bound.form_id == place.form_id
}

fn document(linked: &Linked, is_whole: bool) -> Value {
    let mut document = tree_document(&linked.detail, &linked.found, is_whole);
    document["id"] = json!(linked.found.workflow.id);
    document["filter"] = linked.found.workflow.filter.as_str().into();
    document
}

async fn listed(app: &App, caller: &Caller, at: At<'_>) -> Result<axum::Json<Value>> {
    let (who, place) = (actor(caller), place(app, caller, at).await?);
    let all = app.workflows.linked_workflows(&who).await?;
    let (orphaned, known): (Vec<_>, Vec<_>) = all.iter().partition(|l| l.found.is_orphan);
    let here = |linked: &&&Linked| is_at(linked, &place);
    let rows: Vec<Value> = known.iter().filter(here).map(|l| document(l, false)).collect();
    let orphaned: Vec<Value> = match at {
        (None, _) => orphaned.iter().map(|l| document(l, false)).collect(),
        _ => Vec::new(),
    };
    let missing = app.workflows.missing_workflows(&who, &place).await?;
    Ok(axum::Json(json!({ "workflows": rows, "orphaned": orphaned, "missing": missing,
                          "migratable": [] })))
}

fn input(body: &Value) -> Result<(Option<String>, Option<String>)> {
    let text = |key: &str| match body.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Error::bad_request(format!("{key} must be a text."))),
    };
    Ok((text("event")?, text("filter")?))
}

async fn created(
    app: &App,
    caller: &Caller,
    at: At<'_>,
    force: bool,
    body: Value,
) -> Result<axum::Json<Value>> {
    let (who, place) = (actor(caller), place(app, caller, at).await?);
    let (event, filter) = input(&body)?;
    check_filter(filter.as_deref())?;
    let tree = read_tree(app, caller, body).await?;
    let name = tree.name.clone().unwrap_or_default();
    let input = LinkedInput { event, filter, tree };
    if force {
        let all = app.workflows.linked_workflows(&who).await?;
        let same = all.iter().find(|linked| {
            is_at(linked, &place)
                && linked.detail.tree.name == name
                && input.event.as_deref().is_some_and(|event| event.trim() == linked.event())
        });
        if let Some(same) = same {
            let id = same.found.workflow.id.0.clone();
            let linked = app.workflows.update_linked_workflow(&who, &id, None, input).await?;
            return Ok(axum::Json(document(&linked, true)));
        }
    }
    let linked = app.workflows.create_linked_workflow(&who, place, input).await?;
    Ok(axum::Json(document(&linked, true)))
}

/// A filter that cannot be read would never fire: it is refused at once.
fn check_filter(filter: Option<&str>) -> Result<()> {
    match webhooks::definitions::problem_of_filter(filter.unwrap_or_default()) {
        None => Ok(()),
        Some(problem) => Err(Error::bad_request(format!("{problem}."))),
    }
}

/// The workflow of that id, when it is there.
async fn found(app: &App, caller: &Caller, at: At<'_>, id: &str) -> Result<Linked> {
    let linked = app.workflows.linked_workflow(&actor(caller), id).await?;
    // The flat route of the space finds those of kapps and forms as well, as clients ask it to.
    if at.0.is_some() && !is_at(&linked, &place(app, caller, at).await?) {
        return Err(Error::not_found(format!("The workflow \"{id}\" does not exist.")));
    }
    Ok(linked)
}

async fn updated(
    app: &App,
    caller: &Caller,
    at: At<'_>,
    id: &str,
    body: Value,
) -> Result<axum::Json<Value>> {
    found(app, caller, at, id).await?;
    let (event, filter) = input(&body)?;
    check_filter(filter.as_deref())?;
    let tree = read_tree(app, caller, body).await?;
    let input = LinkedInput { event, filter, tree };
    let linked = app.workflows.update_linked_workflow(&actor(caller), id, None, input).await?;
    Ok(axum::Json(document(&linked, true)))
}

async fn deleted(app: &App, caller: &Caller, at: At<'_>, id: &str) -> Result<axum::Json<Value>> {
    found(app, caller, at, id).await?;
    let linked = app.workflows.delete_linked_workflow(&actor(caller), id).await?;
    let document = document(&linked, false);
    let mut answer = document.clone();
    answer["workflow"] = document;
    Ok(axum::Json(answer))
}

async fn repaired(app: &App, caller: &Caller, at: At<'_>) -> Result<axum::Json<Value>> {
    let (who, place) = (actor(caller), place(app, caller, at).await?);
    let (missing, orphaned) = app.workflows.repair_workflows(&who, &place).await?;
    let message =
        format!("{missing} missing workflows and {orphaned} orphaned workflows repaired.");
    Ok(axum::Json(json!({ "message": message })))
}

/// Lists the workflows of the space, and those that have lost their place or their tree.
#[utoipa::path(get, path = "/app/api/v1/workflows", tag = "Workflows",
    responses((status = 200, description = "`{workflows, orphaned, missing, migratable}`",
    body = inline(Object))))]
pub(crate) async fn list(State(app): State<App>, caller: Caller) -> Result<axum::Json<Value>> {
    listed(&app, &caller, (None, None)).await
}

/// Creates a workflow of the space and its tree.
#[utoipa::path(post, path = "/app/api/v1/workflows", tag = "Workflows",
    params(CreateQuery), request_body = inline(Object),
    responses((status = 200, description = "The workflow.", body = inline(Object))))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<CreateQuery>,
    Json(body): Json<Value>,
) -> Result<axum::Json<Value>> {
    created(&app, &caller, (None, None), query.force.unwrap_or(false), body).await
}

/// Reads a workflow of the space.
#[utoipa::path(get, path = "/app/api/v1/workflows/{id}", tag = "Workflows",
    params(("id" = String, Path)),
    responses((status = 200, description = "The workflow.", body = inline(Object))))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Value>> {
    let linked = found(&app, &caller, (None, None), &id).await?;
    Ok(axum::Json(document(&linked, true)))
}

/// Changes a workflow of the space: its event and filter, and its tree where that is given.
#[utoipa::path(put, path = "/app/api/v1/workflows/{id}", tag = "Workflows",
    params(("id" = String, Path)), request_body = inline(Object),
    responses((status = 200, description = "The workflow.", body = inline(Object))))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Result<axum::Json<Value>> {
    updated(&app, &caller, (None, None), &id, body).await
}

/// Deletes a workflow of the space and its tree.
#[utoipa::path(delete, path = "/app/api/v1/workflows/{id}", tag = "Workflows",
    params(("id" = String, Path)),
    responses((status = 200, description = "What was deleted, and under `workflow`.",
    body = inline(Object))))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Value>> {
    deleted(&app, &caller, (None, None), &id).await
}

/// Clears up the workflows of the space: those without a tree, and trees whose place is gone.
#[utoipa::path(post, path = "/app/api/v1/workflows/repair", tag = "Workflows",
    responses((status = 200, description = "A message.", body = inline(Object))))]
pub(crate) async fn repair(State(app): State<App>, caller: Caller) -> Result<axum::Json<Value>> {
    repaired(&app, &caller, (None, None)).await
}

/// Lists the workflows of a kapp, and those that have lost their place or their tree.
#[utoipa::path(get, path = "/app/api/v1/kapps/{kappSlug}/workflows", tag = "Workflows",
    params(("kappSlug" = String, Path)),
    responses((status = 200, description = "`{workflows, orphaned, missing, migratable}`",
    body = inline(Object))))]
pub(crate) async fn list_kapp(
    State(app): State<App>,
    caller: Caller,
    Path(kapp): Path<String>,
) -> Result<axum::Json<Value>> {
    listed(&app, &caller, (Some(&kapp), None)).await
}

/// Creates a workflow of a kapp and its tree.
#[utoipa::path(post, path = "/app/api/v1/kapps/{kappSlug}/workflows", tag = "Workflows",
    params(("kappSlug" = String, Path), CreateQuery), request_body = inline(Object),
    responses((status = 200, description = "The workflow.", body = inline(Object))))]
pub(crate) async fn create_kapp(
    State(app): State<App>,
    caller: Caller,
    Path(kapp): Path<String>,
    Query(query): Query<CreateQuery>,
    Json(body): Json<Value>,
) -> Result<axum::Json<Value>> {
    created(&app, &caller, (Some(&kapp), None), query.force.unwrap_or(false), body).await
}

/// Reads a workflow of a kapp.
#[utoipa::path(get, path = "/app/api/v1/kapps/{kappSlug}/workflows/{id}", tag = "Workflows",
    params(("kappSlug" = String, Path), ("id" = String, Path)),
    responses((status = 200, description = "The workflow.", body = inline(Object))))]
pub(crate) async fn read_kapp(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, id)): Path<(String, String)>,
) -> Result<axum::Json<Value>> {
    let linked = found(&app, &caller, (Some(&kapp), None), &id).await?;
    Ok(axum::Json(document(&linked, true)))
}

/// Changes a workflow of a kapp: its event and filter, and its tree where that is given.
#[utoipa::path(put, path = "/app/api/v1/kapps/{kappSlug}/workflows/{id}", tag = "Workflows",
    params(("kappSlug" = String, Path), ("id" = String, Path)), request_body = inline(Object),
    responses((status = 200, description = "The workflow.", body = inline(Object))))]
pub(crate) async fn update_kapp(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, id)): Path<(String, String)>,
    Json(body): Json<Value>,
) -> Result<axum::Json<Value>> {
    updated(&app, &caller, (Some(&kapp), None), &id, body).await
}

/// Deletes a workflow of a kapp and its tree.
#[utoipa::path(delete, path = "/app/api/v1/kapps/{kappSlug}/workflows/{id}", tag = "Workflows",
    params(("kappSlug" = String, Path), ("id" = String, Path)),
    responses((status = 200, description = "What was deleted, and under `workflow`.",
    body = inline(Object))))]
pub(crate) async fn delete_kapp(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, id)): Path<(String, String)>,
) -> Result<axum::Json<Value>> {
    deleted(&app, &caller, (Some(&kapp), None), &id).await
}

/// Clears up the workflows of a kapp: those without a tree, and trees whose place is gone.
#[utoipa::path(post, path = "/app/api/v1/kapps/{kappSlug}/workflows/repair", tag = "Workflows",
    params(("kappSlug" = String, Path)),
    responses((status = 200, description = "A message.", body = inline(Object))))]
pub(crate) async fn repair_kapp(
    State(app): State<App>,
    caller: Caller,
    Path(kapp): Path<String>,
) -> Result<axum::Json<Value>> {
    repaired(&app, &caller, (Some(&kapp), None)).await
}

/// Lists the workflows of a form, and those that have lost their place or their tree.
#[utoipa::path(get,
    path = "/app/api/v1/kapps/{kappSlug}/forms/{formSlug}/workflows",
    tag = "Workflows",
    params(("kappSlug" = String, Path), ("formSlug" = String, Path)),
    responses((status = 200, description = "`{workflows, orphaned, missing, migratable}`",
    body = inline(Object))))]
pub(crate) async fn list_form(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, form)): Path<(String, String)>,
) -> Result<axum::Json<Value>> {
    listed(&app, &caller, (Some(&kapp), Some(&form))).await
}

/// Creates a workflow of a form and its tree.
#[utoipa::path(post,
    path = "/app/api/v1/kapps/{kappSlug}/forms/{formSlug}/workflows",
    tag = "Workflows",
    params(("kappSlug" = String, Path), ("formSlug" = String, Path), CreateQuery),
    request_body = inline(Object),
    responses((status = 200, description = "The workflow.", body = inline(Object))))]
pub(crate) async fn create_form(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, form)): Path<(String, String)>,
    Query(query): Query<CreateQuery>,
    Json(body): Json<Value>,
) -> Result<axum::Json<Value>> {
    created(&app, &caller, (Some(&kapp), Some(&form)), query.force.unwrap_or(false), body).await
}

/// Reads a workflow of a form.
#[utoipa::path(get,
    path = "/app/api/v1/kapps/{kappSlug}/forms/{formSlug}/workflows/{id}",
    tag = "Workflows",
    params(("kappSlug" = String, Path), ("formSlug" = String, Path), ("id" = String, Path)),
    responses((status = 200, description = "The workflow.", body = inline(Object))))]
pub(crate) async fn read_form(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, form, id)): Path<(String, String, String)>,
) -> Result<axum::Json<Value>> {
    let linked = found(&app, &caller, (Some(&kapp), Some(&form)), &id).await?;
    Ok(axum::Json(document(&linked, true)))
}

/// Changes a workflow of a form: its event and filter, and its tree where that is given.
#[utoipa::path(put,
    path = "/app/api/v1/kapps/{kappSlug}/forms/{formSlug}/workflows/{id}",
    tag = "Workflows",
    params(("kappSlug" = String, Path), ("formSlug" = String, Path), ("id" = String, Path)),
    request_body = inline(Object),
    responses((status = 200, description = "The workflow.", body = inline(Object))))]
pub(crate) async fn update_form(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, form, id)): Path<(String, String, String)>,
    Json(body): Json<Value>,
) -> Result<axum::Json<Value>> {
    updated(&app, &caller, (Some(&kapp), Some(&form)), &id, body).await
}

/// Deletes a workflow of a form and its tree.
#[utoipa::path(delete,
    path = "/app/api/v1/kapps/{kappSlug}/forms/{formSlug}/workflows/{id}",
    tag = "Workflows",
    params(("kappSlug" = String, Path), ("formSlug" = String, Path), ("id" = String, Path)),
    responses((status = 200, description = "What was deleted, and under `workflow`.",
    body = inline(Object))))]
pub(crate) async fn delete_form(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, form, id)): Path<(String, String, String)>,
) -> Result<axum::Json<Value>> {
    deleted(&app, &caller, (Some(&kapp), Some(&form)), &id).await
}

/// Clears up the workflows of a form: those without a tree, and trees whose place is gone.
#[utoipa::path(post,
    path = "/app/api/v1/kapps/{kappSlug}/forms/{formSlug}/workflows/repair",
    tag = "Workflows",
    params(("kappSlug" = String, Path), ("formSlug" = String, Path)),
    responses((status = 200, description = "A message.", body = inline(Object))))]
pub(crate) async fn repair_form(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, form)): Path<(String, String)>,
) -> Result<axum::Json<Value>> {
    repaired(&app, &caller, (Some(&kapp), Some(&form))).await
}
