//! `/app/api/v1/kapps`: collections of forms.

use crate::App;
use crate::auth::Caller;
use crate::error::Result;
use crate::include::{Attribute, Details, Include, IncludeQuery};
use crate::input::{Json, Path, Query};
use crate::list::{self, ListParams};
use crate::spaces::{self, SpaceDocument};
use axum::extract::State;
use model::Attributes;
use model::kapp::Kapp;
use model::space::Space;
use platform::kapps::KappInput;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A kapp as clients read it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Kapp)]
pub(crate) struct KappDocument {
    id: String,
    slug: String,
    name: String,
    /// `Active` or `Inactive`.
    status: String,
    /// With `include=attributes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Vec<Attribute>>,
    /// With `include=attributesMap`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    attributes_map: Option<Attributes>,
    /// With `include=space`.
    #[serde(skip_serializing_if = "Option::is_none")]
    space: Option<SpaceDocument>,
    /// With `include=details`.
    #[serde(flatten)]
    details: Option<Details>,
    /// Other documented properties, as they were given.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    properties: Map<String, Value>,
}

list::answers!(KappDocument, KappAnswer { kapp }, KappList { kapps });

/// The document of a kapp; `space` only when it is at hand.
pub(crate) fn document(kapp: &Kapp, space: Option<&Space>, include: &Include) -> KappDocument {
    let space = space.zip(include.below("space"));
    KappDocument {
        id: kapp.id.to_string(),
        slug: kapp.slug.clone(),
        name: kapp.name.clone(),
        status: kapp.status.clone(),
        attributes: include.attributes("attributes", &kapp.attributes),
        attributes_map: include.attributes_map("attributes", &kapp.attributes),
        space: space.map(|(space, include)| spaces::document(space, include)),
        details: include.details(&kapp.audit),
        properties: kapp.properties.clone(),
    }
}

/// Lists the kapps of the space.
#[utoipa::path(get, path = "/app/api/v1/kapps", tag = "Kapps", params(ListParams),
    responses((status = 200, description = "`{kapps, nextPageToken, messages}`",
        body = KappList)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<ListParams>,
) -> Result<axum::Json<KappList>> {
    let include = params.include();
    let page = app.platform.kapps(&caller, &params.query()?).await?;
    Ok(KappList::of(&page, |kapp| document(kapp, None, &include)))
}

/// Reads a kapp.
#[utoipa::path(get, path = "/app/api/v1/kapps/{kapp}", tag = "Kapps",
    params(("kapp" = String, Path, description = "The kapp's slug."), IncludeQuery),
    responses((status = 200, description = "`{kapp}`", body = KappAnswer)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(slug): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<KappAnswer>> {
    let kapp = app.platform.kapp(&caller, &slug).await?;
    let space = app.platform.space(&caller).await?;
    Ok(KappAnswer::of(document(&kapp, Some(&space), &query.read())))
}

/// Creates a kapp.
#[utoipa::path(post, path = "/app/api/v1/kapps", tag = "Kapps", params(IncludeQuery),
    request_body = inline(Object),
    responses((status = 200, description = "`{kapp}`", body = KappAnswer)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Value>,
) -> Result<axum::Json<KappAnswer>> {
    let kapp = app.platform.create_kapp(&caller, KappInput::from_json(&body)?).await?;
    Ok(KappAnswer::of(document(&kapp, None, &query.read())))
}

/// Changes a kapp: properties that are given replace their former values.
#[utoipa::path(put, path = "/app/api/v1/kapps/{kapp}", tag = "Kapps",
    params(("kapp" = String, Path, description = "The kapp's slug."), IncludeQuery),
    request_body = inline(Object),
    responses((status = 200, description = "`{kapp}`", body = KappAnswer)))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(slug): Path<String>,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Value>,
) -> Result<axum::Json<KappAnswer>> {
    let kapp = app.platform.update_kapp(&caller, &slug, KappInput::from_json(&body)?).await?;
    Ok(KappAnswer::of(document(&kapp, None, &query.read())))
}

/// Deletes a kapp with its webhooks, forms and submissions.
#[utoipa::path(delete, path = "/app/api/v1/kapps/{kapp}", tag = "Kapps",
    params(("kapp" = String, Path, description = "The kapp's slug."), IncludeQuery),
    responses((status = 200, description = "`{kapp}` as it was", body = KappAnswer)))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(slug): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<KappAnswer>> {
    let kapp = app.platform.delete_kapp(&caller, &slug).await?;
    Ok(KappAnswer::of(document(&kapp, None, &query.read())))
}
