//! `/app/api/v1/space`: the space itself.

use crate::App;
use crate::auth::Caller;
use crate::error::Result;
use crate::include::{Attribute, Details, Include, IncludeQuery};
use crate::input::{Json, Query};
use crate::kapps::{self, KappDocument};
use axum::extract::State;
use model::Attributes;
use model::space::Space;
use platform::ListQuery;
use platform::spaces::SpaceInput;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Properties that hold secrets; they can be written and are never read.
const SECRET: [&str; 2] = ["oauthSigningKey", "platformComponents"];

/// A space as clients read it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Space)]
pub(crate) struct SpaceDocument {
    id: String,
    slug: String,
    name: String,
    /// With `include=attributes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Vec<Attribute>>,
    /// With `include=attributesMap`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    attributes_map: Option<Attributes>,
    /// With `include=kapps`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    kapps: Option<Vec<KappDocument>>,
    /// With `include=details`.
    #[serde(flatten)]
    details: Option<Details>,
    /// Other documented properties, as they were given.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    properties: Map<String, Value>,
}

/// `{"space":{…}}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SpaceAnswer {
    space: SpaceDocument,
}

/// The document of a space, without its secrets.
pub(crate) fn document(space: &Space, include: &Include) -> SpaceDocument {
    let open = space.properties.iter().filter(|(name, _)| !SECRET.contains(&name.as_str()));
    SpaceDocument {
        id: space.id.to_string(),
        slug: space.slug.clone(),
        name: space.name.clone(),
        attributes: include.attributes("attributes", &space.attributes),
        attributes_map: include.attributes_map("attributes", &space.attributes),
        kapps: None,
        details: include.details(&space.audit),
        properties: open.map(|(name, value)| (name.clone(), value.clone())).collect(),
    }
}

/// Reads the space; `include=kapps` adds its kapps.
#[utoipa::path(get, path = "/app/api/v1/space", tag = "Space", params(IncludeQuery),
    responses((status = 200, description = "`{space}`", body = SpaceAnswer)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<SpaceAnswer>> {
    let include = query.read();
    let space = app.platform.space(&caller).await?;
    let mut space = document(&space, &include);
    if let Some(below) = include.below("kapps") {
        let all = app.platform.kapps(&caller, &ListQuery::default()).await?;
        let kapps = all.items.iter().map(|kapp| kapps::document(kapp, None, below));
        space.kapps = Some(kapps.collect());
    }
    Ok(axum::Json(SpaceAnswer { space }))
}

/// Changes the space: properties that are given replace their former values.
#[utoipa::path(put, path = "/app/api/v1/space", tag = "Space", params(IncludeQuery),
    request_body = inline(Object),
    responses((status = 200, description = "`{space}`", body = SpaceAnswer)))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Value>,
) -> Result<axum::Json<SpaceAnswer>> {
    let space = app.platform.update_space(&caller, SpaceInput::from_json(&body)?).await?;
    Ok(axum::Json(SpaceAnswer { space: document(&space, &query.read()) }))
}
