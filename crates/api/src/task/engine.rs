//! `/app/api/v2/engine` and `/app/api/v2/version`: the engine itself.

use crate::App;
use crate::error::{Error, Result};
use crate::input::Json;
use crate::version::SERVER_VERSION;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// The version of the engine whose wire format is spoken.
const WIRE_VERSION: &str = "6.1.7";

/// A command to the engine.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct EngineBody {
    /// `start` or `stop`.
    action: String,
    #[serde(rename = "asynchronous")]
    _asynchronous: Option<Value>,
}

fn document(app: &App) -> Value {
    let backlog = app.workflows.backlog();
    let engine = json!({
        "status": "Running",
        "statusMessage": format!("{backlog} runs wait for their turn."),
        "version": WIRE_VERSION,
        "kapok": SERVER_VERSION,
        "backlog": backlog,
    });
    let mut answer = engine.clone();
    answer["engine"] = engine;
    answer
}

/// Reads the state of the engine.
#[utoipa::path(get, path = "/app/api/v2/engine", tag = "Engine", operation_id = "readEngine",
    responses((status = 200, description = "`{status, statusMessage, backlog}`",
    body = inline(Object))))]
pub(crate) async fn read(State(app): State<App>) -> axum::Json<Value> {
    axum::Json(document(&app))
}

/// Commands the engine: it always runs, so `start` changes nothing and `stop` is refused.
#[utoipa::path(post, path = "/app/api/v2/engine", tag = "Engine", operation_id = "commandEngine",
    request_body = EngineBody, responses((status = 200, description = "As the GET.",
    body = inline(Object))))]
pub(crate) async fn command(
    State(app): State<App>,
    Json(body): Json<EngineBody>,
) -> Result<axum::Json<Value>> {
    match body.action.to_ascii_lowercase().as_str() {
        "start" => Ok(axum::Json(document(&app))),
        "stop" => Err(Error::bad_request(
            "The engine runs as long as the server does; pause or deactivate single trees instead.",
        )),
        _ => Err(Error::bad_request("action must be start or stop.")),
    }
}

/// Returns the version of the wire format and of this server.
#[utoipa::path(get, path = "/app/api/v2/version", tag = "Engine", operation_id = "readTaskVersion",
    responses((status = 200, description = "`{version, api, kapok}`", body = inline(Object))))]
pub(crate) async fn version() -> axum::Json<Value> {
    axum::Json(json!({
        "version": WIRE_VERSION,
        "api": "v2",
        "kapok": SERVER_VERSION,
        "metadata": { "version": WIRE_VERSION, "api": "v2" },
    }))
}
