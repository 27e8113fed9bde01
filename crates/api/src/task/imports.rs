//! `/app/api/v2/imports`: many exported files at once, with a report.

use super::actor;
use crate::App;
use crate::auth::Caller;
use crate::error::Result;
use crate::input::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use workflows::imports::{ImportFile, Imported};

/// Files to import, in any order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ImportBody {
    /// Exported trees and routines as XML or JSON; sources, categories, policy rules and handlers
    /// as JSON; handlers of the Kinetic Platform by the `process/node.xml` of their package.
    files: Vec<FileBody>,
    /// Whether nothing is written and the report tells what would be.
    #[serde(default)]
    dry_run: bool,
}

/// One file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FileBody {
    /// Its path, for the report.
    path: String,
    /// Its text.
    content: String,
}

fn document(imported: &Imported) -> Value {
    json!({
        "path": imported.path,
        "kind": imported.kind,
        "title": imported.title,
        "action": imported.action.as_str(),
        "message": imported.message,
        "problems": imported.problems,
    })
}

/// Imports files: each is taken or refused for itself, and trees may refer to what comes later.
#[utoipa::path(post, path = "/app/api/v2/imports", tag = "Trees", operation_id = "importFiles",
    request_body = ImportBody,
    responses((status = 200, description = "`{imported: [{path, kind, title, action, message, \
    problems}], counts, dryRun}`", body = inline(Object))))]
pub(crate) async fn import(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<ImportBody>,
) -> Result<axum::Json<Value>> {
    let files = body.files.into_iter();
    let files = files.map(|file| ImportFile { path: file.path, content: file.content }).collect();
    let report = app.workflows.import(&actor(&caller), files, body.dry_run).await?;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for imported in &report {
        *counts.entry(imported.action.as_str()).or_default() += 1;
    }
    let imported: Vec<Value> = report.iter().map(document).collect();
    Ok(axum::Json(json!({ "imported": imported, "counts": counts, "dryRun": body.dry_run })))
}
