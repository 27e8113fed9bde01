//! Submissions: filled-in forms, of kapps under `/app/api/v1/kapps/{kapp}/…`, of the datastore
//! under `/app/api/v1/datastore/…`, single ones under `/app/api/v1/submissions/{id}`.

mod search;

pub(crate) use search::*;

use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::forms::{self, Around, FormDocument};
use crate::include::{Details, Include, IncludeQuery};
use crate::input::{Json, Path, Query};
use crate::list;
use axum::extract::State;
use model::id::SubmissionId;
use model::submission::CoreState;
use platform::Scope;
use platform::submissions::{Record, SaveOptions, SubmissionInput, SubmissionPatch};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

/// A submission as clients read it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Submission)]
pub(crate) struct SubmissionDocument {
    id: String,
    /// The last six characters of the id in capitals, for people.
    handle: String,
    /// `Draft`, `Submitted` or `Closed`.
    core_state: String,
    current_page: Option<String>,
    displayed_page: Option<String>,
    label: String,
    r#type: Option<String>,
    origin: Option<Reference>,
    parent: Option<Reference>,
    session_token: Option<String>,
    submitted_at: Option<String>,
    submitted_by: Option<String>,
    closed_at: Option<String>,
    closed_by: Option<String>,
    /// Values by field name, with `include=values`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    values: Option<Map<String, Value>>,
    /// With `include=form`.
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<FormDocument>,
    /// With `include=details`.
    #[serde(flatten)]
    details: Option<Details>,
}

/// Another submission, by its id.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SubmissionReference)]
pub(crate) struct Reference {
    id: String,
}

impl Reference {
    fn to(id: Option<&SubmissionId>) -> Option<Self> {
        id.map(|id| Self { id: id.to_string() })
    }
}

list::answers!(SubmissionDocument, SubmissionAnswer { submission }, SubmissionList { submissions });

/// The document of a submission.
pub(crate) fn document(record: &Record, include: &Include) -> SubmissionDocument {
    let (submission, context) = (&record.submission, &record.context);
    let at = |moment: &Option<(model::time::Micros, String)>| {
        moment.as_ref().map(|(at, by)| (at.iso(), by.clone())).unzip()
    };
    let (submitted_at, submitted_by) = at(&submission.submitted);
    let (closed_at, closed_by) = at(&submission.closed);
    let form = include.below("form");
    SubmissionDocument {
        id: submission.id.to_string(),
        handle: submission.handle.clone(),
        core_state: submission.core_state.as_str().to_owned(),
        current_page: submission.current_page.clone(),
        displayed_page: submission.current_page.clone(),
        label: submission.label.clone(),
        r#type: submission.kind.clone(),
        origin: Reference::to(submission.origin_id.as_ref()),
        parent: Reference::to(submission.parent_id.as_ref()),
        session_token: submission.session_token.clone(),
        submitted_at,
        submitted_by,
        closed_at,
        closed_by,
        values: include.has("values").then(|| submission.values.clone()),
        form: form.map(|below| forms::document(&context.form, Around::of(context), below)),
        details: include.details(&submission.audit),
    }
}

fn wrapped(record: &Record, include: &Include) -> axum::Json<SubmissionAnswer> {
    SubmissionAnswer::of(document(record, include))
}

/// How a submission is saved.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct SaveParams {
    /// Whether a new submission is submitted at once.
    completed: Option<bool>,
    /// The page whose values these are.
    page: Option<String>,
    /// Keeps the values without validating them and without moving on.
    staged: Option<bool>,
    /// The submission belongs to a subform.
    defer: Option<bool>,
    /// The core state of a new submission; one in the body wins.
    core_state: Option<String>,
    /// The id of the submission a new one belongs to; one in the body wins.
    parent: Option<String>,
}

impl SaveParams {
    fn options(&self) -> SaveOptions {
        SaveOptions {
            completed: self.completed.unwrap_or(false),
            page: self.page.clone().filter(|page| !page.is_empty()),
            staged: self.staged.unwrap_or(false),
            defer: self.defer.unwrap_or(false),
        }
    }

    /// Reads the body and fills in what only the parameters say.
    fn input(&self, body: &Value) -> Result<SubmissionInput> {
        let mut input = SubmissionInput::from_json(body)?;
        if let (None, Some(text)) = (input.core_state, self.core_state.as_deref()) {
            let state = CoreState::parse(text).ok_or_else(|| {
                let problem =
                    format!("Core State must be one of Draft, Submitted, Closed, not \"{text}\"");
                Error::invalid("Submission", &[problem])
            })?;
            input.core_state = Some(state);
        }
        if let (None, Some(id)) = (&input.parent, self.parent.as_deref().filter(|p| !p.is_empty()))
        {
            input.parent = Some(Some(SubmissionId(id.to_owned())));
        }
        Ok(input)
    }
}

/// Creates a submission of a form.
#[utoipa::path(post, path = "/app/api/v1/kapps/{kapp}/forms/{form}/submissions",
    tag = "Submissions",
    params(("kapp" = String, Path, description = "The kapp's slug."),
        ("form" = String, Path, description = "The form's slug."), SaveParams, IncludeQuery),
    request_body = inline(Object),
    responses((status = 200, description = "`{submission}`", body = SubmissionAnswer)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, form)): Path<(String, String)>,
    Query(save): Query<SaveParams>,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Value>,
) -> Result<axum::Json<SubmissionAnswer>> {
    let (input, options) = (save.input(&body)?, save.options());
    let scope = Scope::Kapp(&kapp);
    let record = app.platform.create_submission(&caller, scope, &form, input, &options).await?;
    Ok(wrapped(&record, &query.read()))
}

/// Creates a submission of a datastore form.
#[utoipa::path(post, path = "/app/api/v1/datastore/forms/{form}/submissions", tag = "Datastore",
    params(("form" = String, Path, description = "The form's slug."), SaveParams, IncludeQuery),
    request_body = inline(Object),
    responses((status = 200, description = "`{submission}`", body = SubmissionAnswer)))]
pub(crate) async fn create_datastore(
    State(app): State<App>,
    caller: Caller,
    Path(form): Path<String>,
    Query(save): Query<SaveParams>,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Value>,
) -> Result<axum::Json<SubmissionAnswer>> {
    let (input, options) = (save.input(&body)?, save.options());
    let scope = Scope::Datastore;
    let record = app.platform.create_submission(&caller, scope, &form, input, &options).await?;
    Ok(wrapped(&record, &query.read()))
}

/// Writes a new submission as it is given, for migrations: nothing is validated, nothing fires.
#[utoipa::path(patch, path = "/app/api/v1/kapps/{kapp}/forms/{form}/submissions",
    tag = "Submissions",
    params(("kapp" = String, Path, description = "The kapp's slug."),
        ("form" = String, Path, description = "The form's slug."), IncludeQuery),
    request_body = inline(Object),
    responses((status = 200, description = "`{submission}`", body = SubmissionAnswer)))]
pub(crate) async fn patch_new(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, form)): Path<(String, String)>,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Value>,
) -> Result<axum::Json<SubmissionAnswer>> {
    let patch = SubmissionPatch::from_json(&body)?;
    let scope = Scope::Kapp(&kapp);
    let record = app.platform.patch_new_submission(&caller, scope, &form, patch).await?;
    Ok(wrapped(&record, &query.read()))
}

/// Reads a submission.
#[utoipa::path(get, path = "/app/api/v1/submissions/{id}", tag = "Submissions",
    params(("id" = String, Path, description = "The submission's id."), IncludeQuery),
    responses((status = 200, description = "`{submission}`", body = SubmissionAnswer)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<SubmissionAnswer>> {
    let record = app.platform.submission(&caller, &id).await?;
    Ok(wrapped(&record, &query.read()))
}

/// Changes a submission: values that are given replace their former ones, the core state moves on.
#[utoipa::path(put, path = "/app/api/v1/submissions/{id}", tag = "Submissions",
    params(("id" = String, Path, description = "The submission's id."), IncludeQuery),
    request_body = inline(Object),
    responses((status = 200, description = "`{submission}`", body = SubmissionAnswer)))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Value>,
) -> Result<axum::Json<SubmissionAnswer>> {
    let input = SubmissionInput::from_json(&body)?;
    let record = app.platform.update_submission(&caller, &id, input).await?;
    Ok(wrapped(&record, &query.read()))
}

/// Saves the values of one page and moves on to the next; after the last one submits.
#[utoipa::path(post, path = "/app/api/v1/submissions/{id}", tag = "Submissions",
    params(("id" = String, Path, description = "The submission's id."), SaveParams, IncludeQuery),
    request_body = inline(Object),
    responses((status = 200, description = "`{submission}`", body = SubmissionAnswer)))]
pub(crate) async fn submit_page(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(save): Query<SaveParams>,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Value>,
) -> Result<axum::Json<SubmissionAnswer>> {
    let input = SubmissionInput::from_json(&body)?;
    let record = app.platform.submit_page(&caller, &id, input, &save.options()).await?;
    Ok(wrapped(&record, &query.read()))
}

/// Overwrites what is given of a submission, for migrations: nothing is validated, nothing fires.
#[utoipa::path(patch, path = "/app/api/v1/submissions/{id}", tag = "Submissions",
    params(("id" = String, Path, description = "The submission's id."), IncludeQuery),
    request_body = inline(Object),
    responses((status = 200, description = "`{submission}`", body = SubmissionAnswer)))]
pub(crate) async fn patch(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Value>,
) -> Result<axum::Json<SubmissionAnswer>> {
    let patch = SubmissionPatch::from_json(&body)?;
    let record = app.platform.patch_submission(&caller, &id, patch).await?;
    Ok(wrapped(&record, &query.read()))
}

/// Deletes a submission.
#[utoipa::path(delete, path = "/app/api/v1/submissions/{id}", tag = "Submissions",
    params(("id" = String, Path, description = "The submission's id."), IncludeQuery),
    responses((status = 200, description = "`{submission}` as it was",
        body = SubmissionAnswer)))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<SubmissionAnswer>> {
    let record = app.platform.delete_submission(&caller, &id).await?;
    Ok(wrapped(&record, &query.read()))
}
