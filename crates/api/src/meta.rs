//! `/app/api/v1/meta/webhooks`: the catalogue of types and events, from which clients fill their
//! selects.

use crate::error::{Error, Result};
use crate::input::Path;
use model::catalogue::{self, Level};
use serde_json::{Map, Value, json};

fn level(name: &str) -> Result<Level> {
    match name {
        "space" => Ok(Level::Space),
        "kapp" => Ok(Level::Kapp),
        _ => Err(Error::not_found(format!(
            "Unable to locate the {name} level; there are space and kapp"
        ))),
    }
}

/// Names the types of a level.
#[utoipa::path(get, path = "/app/api/v1/meta/webhooks/types/{level}", tag = "Webhooks",
    params(("level" = String, Path, description = "`space` or `kapp`.")),
    responses((status = 200, description = "The types' names.", body = Vec<String>)))]
pub(crate) async fn types(Path(name): Path<String>) -> Result<axum::Json<Vec<&'static str>>> {
    Ok(axum::Json(catalogue::types(level(&name)?).map(|t| t.name).collect()))
}

/// Names the events of every type of a level.
#[utoipa::path(get, path = "/app/api/v1/meta/webhooks/events/{level}", tag = "Webhooks",
    params(("level" = String, Path, description = "`space` or `kapp`.")),
    responses((status = 200, description = "`{type: [event, …]}`", body = inline(Object))))]
pub(crate) async fn events(Path(name): Path<String>) -> Result<axum::Json<Map<String, Value>>> {
    let types = catalogue::types(level(&name)?);
    Ok(axum::Json(types.map(|t| (t.name.to_owned(), json!(t.events))).collect()))
}

/// Names the events of one type.
#[utoipa::path(get, path = "/app/api/v1/meta/webhooks/events/{level}/{type}", tag = "Webhooks",
    params(("level" = String, Path, description = "`space` or `kapp`."),
        ("type" = String, Path, description = "The type's name.")),
    responses((status = 200, description = "The events' names.", body = Vec<String>)))]
pub(crate) async fn events_of(
    Path((name, of)): Path<(String, String)>,
) -> Result<axum::Json<&'static [&'static str]>> {
    let found = catalogue::types(level(&name)?).find(|t| t.name == of);
    let found = found.ok_or_else(|| Error::unable_to_locate("Webhook Type", &of))?;
    Ok(axum::Json(found.events))
}
