//! `/app/api/v2/handlers`: what nodes can do.

use super::paging::Page;
use crate::error::{Error, Result};
use crate::input::{Path, Query};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;
use workflows::handlers::{self, Handler};

/// The category that is always there.
pub(super) const CATEGORY: &str = "System";

/// The parameters of the lists.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    limit: Option<i64>,
    offset: Option<i64>,
}

fn document(handler: &Handler) -> Value {
    json!({
        "definitionId": handler.id,
        "definitionName": handler.id.rsplit_once("_v").map_or(handler.id, |(name, _)| name),
        "definitionVersion": handler.id.rsplit_once("_v").map_or("1", |(_, version)| version),
        "name": handler.name,
        "description": handler.description,
        "status": "Active",
        "deferrable": handler.deferrable,
        "visible": true,
        "selectionCriterion": null,
        "parameters": handler.parameters,
        "takesOtherParameters": handler.open,
        "results": handler.results,
        "effect": handler.effect,
        "categories": [CATEGORY],
    })
}

/// Lists all handlers with their parameters and results.
#[utoipa::path(get, path = "/app/api/v2/handlers", tag = "Handlers", operation_id = "listHandlers",
    params(ListQuery), responses((status = 200, description = "`{handlers, count, limit, offset}`",
    body = inline(Object))))]
pub(crate) async fn list(Query(query): Query<ListQuery>) -> Result<axum::Json<Value>> {
    let page = Page::read(query.limit, query.offset)?;
    let (rows, _) = page.cut(handlers::ALL.iter().map(|h| document(h)).collect());
    Ok(page.document("handlers", rows, handlers::ALL.len()))
}

/// Reads a handler.
#[utoipa::path(get, path = "/app/api/v2/handlers/{definitionId}", tag = "Handlers",
    operation_id = "readHandler", params(("definitionId" = String, Path)),
    responses((status = 200, description = "The handler.", body = inline(Object))))]
pub(crate) async fn read(Path(id): Path<String>) -> Result<axum::Json<Value>> {
    let found = handlers::find(&id);
    let found =
        found.ok_or_else(|| Error::not_found(format!("The handler \"{id}\" does not exist.")))?;
    Ok(axum::Json(document(found)))
}

/// The category of the handlers that come with the server.
pub(super) fn category() -> Value {
    let handlers: Vec<Value> = handlers::ALL.iter().map(|h| document(h)).collect();
    json!({
        "name": CATEGORY,
        "description": "Handlers that come with the server.",
        "type": "Integrated",
        "handlers": handlers,
        "trees": [],
        "policyRules": [],
    })
}
