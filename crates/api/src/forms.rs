//! `/app/api/v1/kapps/{kapp}/forms` and `/app/api/v1/datastore/forms`: forms, whose pages are kept
//! and returned as they were given.

use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::include::{Attribute, Details, Include, IncludeQuery};
use crate::input::{Json, Path, Query};
use crate::kapps::{self, KappDocument};
use crate::list::{self, ListParams};
use axum::extract::State;
use model::Attributes;
use model::form::Form;
use model::kapp::Kapp;
use model::space::Space;
use model::time::Micros;
use platform::forms::{Archived, FormInput};
use platform::{FormContext, Page, Scope};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

/// A form as clients read it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Form)]
pub(crate) struct FormDocument {
    id: String,
    slug: String,
    name: String,
    /// `New`, `Active`, `Inactive` or `Delete`.
    status: String,
    r#type: Option<String>,
    description: Option<String>,
    notes: Option<String>,
    anonymous: bool,
    submission_label_expression: Option<String>,
    /// Set on an archived form: give it to `POST` or `PUT` to restore the form.
    #[serde(skip_serializing_if = "Option::is_none")]
    restoration_token: Option<String>,
    /// With `include=attributes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Vec<Attribute>>,
    /// With `include=attributesMap`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    attributes_map: Option<Attributes>,
    /// With `include=pages`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    pages: Option<Vec<Value>>,
    /// With `include=fields`.
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Vec<FieldDocument>>,
    /// With `include=kapp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    kapp: Option<KappDocument>,
    /// With `include=details`.
    #[serde(flatten)]
    details: Option<Details>,
    /// Other documented properties, as they were given.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    properties: Map<String, Value>,
}

/// A field of a form.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FormField)]
pub(crate) struct FieldDocument {
    name: String,
    /// The page it stands on.
    page: String,
}

/// What surrounds a form, as far as it is at hand.
#[derive(Clone, Copy, Default)]
pub(crate) struct Around<'a> {
    kapp: Option<&'a Kapp>,
    space: Option<&'a Space>,
}

impl<'a> Around<'a> {
    pub(crate) fn of(context: &'a FormContext) -> Self {
        Self { kapp: context.kapp.as_deref(), space: Some(&context.space) }
    }
}

list::answers!(FormDocument, FormAnswer { form }, FormList { forms });

/// The document of a form.
pub(crate) fn document(form: &Form, around: Around<'_>, include: &Include) -> FormDocument {
    let kapp = around.kapp.zip(include.below("kapp"));
    let field = |f: model::form::Field<'_>| FieldDocument {
        name: f.name.to_owned(),
        page: f.page.to_owned(),
    };
    FormDocument {
        id: form.id.to_string(),
        slug: form.slug.clone(),
        name: form.name.clone(),
        status: form.status.clone(),
        r#type: form.kind.clone(),
        description: form.description.clone(),
        notes: form.notes.clone(),
        anonymous: form.anonymous,
        submission_label_expression: form.label_expression.clone(),
        restoration_token: form.restoration_token.clone(),
        attributes: include.attributes("attributes", &form.attributes),
        attributes_map: include.attributes_map("attributes", &form.attributes),
        pages: include.has("pages").then(|| form.pages.clone()),
        fields: include.has("fields").then(|| form.fields().into_iter().map(field).collect()),
        kapp: kapp.map(|(kapp, include)| kapps::document(kapp, around.space, include)),
        details: include.details(&form.audit),
        properties: form.properties.clone(),
    }
}

fn wrapped(context: &FormContext, include: &Include) -> axum::Json<FormAnswer> {
    FormAnswer::of(document(&context.form, Around::of(context), include))
}

/// What asks for archived forms instead of living ones.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct ArchivedParams {
    /// Whether to list the archived forms; present without a value counts as yes.
    archived: Option<String>,
    /// Only those that had this slug.
    slug: Option<String>,
    /// Archived at or after this instant.
    start: Option<String>,
    /// Archived before this instant.
    end: Option<String>,
}

impl ArchivedParams {
    fn asked(&self) -> bool {
        self.archived.as_deref().is_some_and(|text| text != "false")
    }

    fn which(&self) -> Result<Archived> {
        let start = instant("start", self.start.as_deref())?;
        let end = instant("end", self.end.as_deref())?;
        Ok(Archived { slug: self.slug.clone(), start, end })
    }
}

/// Reads an instant of the query string.
pub(crate) fn instant(name: &str, text: Option<&str>) -> Result<Option<Micros>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let at = Micros::parse_iso(text).ok_or_else(|| {
        let example = "2026-04-08T02:35:35Z";
        Error::bad_request(format!(
            "The {name} parameter must be an instant such as {example}, not \"{text}\"."
        ))
    })?;
    Ok(Some(at))
}

async fn list_in(
    app: &App,
    caller: &Caller,
    scope: Scope<'_>,
    params: &ListParams,
    archived: &ArchivedParams,
) -> Result<axum::Json<FormList>> {
    let include = params.include();
    let page = if archived.asked() {
        let items = app.platform.archived_forms(caller, scope, &archived.which()?).await?;
        Page { items, next_page_token: None, count: None }
    } else {
        app.platform.forms(caller, scope, &params.query()?).await?
    };
    let kapp = match scope {
        Scope::Kapp(slug) if include.has("kapp") => Some(app.platform.kapp(caller, slug).await?),
        _ => None,
    };
    let around = Around { kapp: kapp.as_deref(), space: None };
    Ok(FormList::of(&page, |form| document(form, around, &include)))
}

/// A body with a restoration token restores an archived form; without one it is `None`.
fn restoration_token(body: &Value) -> Option<&str> {
    body.get("restorationToken").and_then(Value::as_str).filter(|token| !token.is_empty())
}

async fn create_in(
    app: &App,
    caller: &Caller,
    scope: Scope<'_>,
    include: &Include,
    body: &Value,
) -> Result<axum::Json<FormAnswer>> {
    let input = FormInput::from_json(body)?;
    let context = match restoration_token(body) {
        Some(token) => app.platform.restore_form(caller, scope, token, input).await?,
        None => app.platform.create_form(caller, scope, input).await?,
    };
    Ok(wrapped(&context, include))
}

async fn update_in(
    app: &App,
    caller: &Caller,
    (scope, slug): (Scope<'_>, &str),
    include: &Include,
    body: &Value,
) -> Result<axum::Json<FormAnswer>> {
    let input = FormInput::from_json(body)?;
    let context = match restoration_token(body) {
        Some(token) => app.platform.restore_form(caller, scope, token, input).await?,
        None => app.platform.update_form(caller, scope, slug, input).await?,
    };
    Ok(wrapped(&context, include))
}

/// Lists the forms of a kapp.
#[utoipa::path(get, path = "/app/api/v1/kapps/{kapp}/forms", tag = "Forms",
    params(("kapp" = String, Path, description = "The kapp's slug."), ListParams, ArchivedParams),
    responses((status = 200, description = "`{forms, nextPageToken, messages}`",
        body = FormList)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(kapp): Path<String>,
    Query(params): Query<ListParams>,
    Query(archived): Query<ArchivedParams>,
) -> Result<axum::Json<FormList>> {
    list_in(&app, &caller, Scope::Kapp(&kapp), &params, &archived).await
}

/// Reads a form of a kapp.
#[utoipa::path(get, path = "/app/api/v1/kapps/{kapp}/forms/{form}", tag = "Forms",
    params(("kapp" = String, Path, description = "The kapp's slug."),
        ("form" = String, Path, description = "The form's slug."), IncludeQuery),
    responses((status = 200, description = "`{form}`", body = FormAnswer)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, form)): Path<(String, String)>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<FormAnswer>> {
    let context = app.platform.form(&caller, Scope::Kapp(&kapp), &form).await?;
    Ok(wrapped(&context, &query.read()))
}

/// Creates a form in a kapp, or restores one whose restoration token the body holds.
#[utoipa::path(post, path = "/app/api/v1/kapps/{kapp}/forms", tag = "Forms",
    params(("kapp" = String, Path, description = "The kapp's slug."), IncludeQuery),
    request_body = inline(Object),
    responses((status = 200, description = "`{form}`", body = FormAnswer)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Path(kapp): Path<String>,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Value>,
) -> Result<axum::Json<FormAnswer>> {
    create_in(&app, &caller, Scope::Kapp(&kapp), &query.read(), &body).await
}

/// Changes a form of a kapp: properties that are given replace their former values.
#[utoipa::path(put, path = "/app/api/v1/kapps/{kapp}/forms/{form}", tag = "Forms",
    params(("kapp" = String, Path, description = "The kapp's slug."),
        ("form" = String, Path, description = "The form's slug."), IncludeQuery),
    request_body = inline(Object),
    responses((status = 200, description = "`{form}`", body = FormAnswer)))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, form)): Path<(String, String)>,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Value>,
) -> Result<axum::Json<FormAnswer>> {
    update_in(&app, &caller, (Scope::Kapp(&kapp), &form), &query.read(), &body).await
}

/// Archives a form of a kapp; the form returned holds its restoration token.
#[utoipa::path(delete, path = "/app/api/v1/kapps/{kapp}/forms/{form}", tag = "Forms",
    params(("kapp" = String, Path, description = "The kapp's slug."),
        ("form" = String, Path, description = "The form's slug."), IncludeQuery),
    responses((status = 200, description = "`{form}`", body = FormAnswer)))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, form)): Path<(String, String)>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<FormAnswer>> {
    let context = app.platform.delete_form(&caller, Scope::Kapp(&kapp), &form).await?;
    Ok(wrapped(&context, &query.read()))
}

/// Lists the datastore forms.
#[utoipa::path(get, path = "/app/api/v1/datastore/forms", tag = "Datastore",
    params(ListParams, ArchivedParams),
    responses((status = 200, description = "`{forms, nextPageToken, messages}`",
        body = FormList)))]
pub(crate) async fn list_datastore(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<ListParams>,
    Query(archived): Query<ArchivedParams>,
) -> Result<axum::Json<FormList>> {
    list_in(&app, &caller, Scope::Datastore, &params, &archived).await
}

/// Reads a datastore form.
#[utoipa::path(get, path = "/app/api/v1/datastore/forms/{form}", tag = "Datastore",
    params(("form" = String, Path, description = "The form's slug."), IncludeQuery),
    responses((status = 200, description = "`{form}`", body = FormAnswer)))]
pub(crate) async fn read_datastore(
    State(app): State<App>,
    caller: Caller,
    Path(form): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<FormAnswer>> {
    let context = app.platform.form(&caller, Scope::Datastore, &form).await?;
    Ok(wrapped(&context, &query.read()))
}

/// Creates a datastore form, or restores one whose restoration token the body holds.
#[utoipa::path(post, path = "/app/api/v1/datastore/forms", tag = "Datastore",
    params(IncludeQuery), request_body = inline(Object),
    responses((status = 200, description = "`{form}`", body = FormAnswer)))]
pub(crate) async fn create_datastore(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Value>,
) -> Result<axum::Json<FormAnswer>> {
    create_in(&app, &caller, Scope::Datastore, &query.read(), &body).await
}

/// Changes a datastore form: properties that are given replace their former values.
#[utoipa::path(put, path = "/app/api/v1/datastore/forms/{form}", tag = "Datastore",
    params(("form" = String, Path, description = "The form's slug."), IncludeQuery),
    request_body = inline(Object),
    responses((status = 200, description = "`{form}`", body = FormAnswer)))]
pub(crate) async fn update_datastore(
    State(app): State<App>,
    caller: Caller,
    Path(form): Path<String>,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Value>,
) -> Result<axum::Json<FormAnswer>> {
    update_in(&app, &caller, (Scope::Datastore, &form), &query.read(), &body).await
}

/// Archives a datastore form; the form returned holds its restoration token.
#[utoipa::path(delete, path = "/app/api/v1/datastore/forms/{form}", tag = "Datastore",
    params(("form" = String, Path, description = "The form's slug."), IncludeQuery),
    responses((status = 200, description = "`{form}`", body = FormAnswer)))]
pub(crate) async fn delete_datastore(
    State(app): State<App>,
    caller: Caller,
    Path(form): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<FormAnswer>> {
    let context = app.platform.delete_form(&caller, Scope::Datastore, &form).await?;
    Ok(wrapped(&context, &query.read()))
}
