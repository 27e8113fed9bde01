//! `/app/api/v2/engine` and what surrounds it: the engine's state, settings and environment.

use super::{actor, success};
use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::input::{Json, Path};
use crate::version::SERVER_VERSION;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use workflows::control::EngineStatus;

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

fn document(status: &EngineStatus) -> axum::Json<Value> {
    let message = match &status.stopped {
        Some(stopped) => {
            format!(
                "Stopped by {} at {}; {} runs wait.",
                stopped.by,
                stopped.at.iso(),
                status.waiting
            )
        }
        None => format!("{} runs wait for their turn.", status.backlog),
    };
    let engine = json!({
        "status": if status.stopped.is_some() { "Stopped" } else { "Running" },
        "statusMessage": message,
        "version": WIRE_VERSION,
        "kapok": SERVER_VERSION,
        "backlog": status.backlog,
        "waiting": status.waiting,
        "stoppedAt": status.stopped.as_ref().map(|stopped| stopped.at.iso()),
        "stoppedBy": status.stopped.as_ref().map(|stopped| &stopped.by),
    });
    let mut answer = engine.clone();
    answer["engine"] = engine;
    axum::Json(answer)
}

/// Reads the state of the engine.
#[utoipa::path(get, path = "/app/api/v2/engine", tag = "Engine", operation_id = "readEngine",
    responses((status = 200, description = "`{status, statusMessage, backlog, waiting}`",
    body = inline(Object))))]
pub(crate) async fn read(State(app): State<App>, caller: Caller) -> Result<axum::Json<Value>> {
    Ok(document(&app.workflows.engine_status(&actor(&caller)).await?))
}

/// Stops or starts the engine of the space. While it is stopped, runs are started and completions
/// taken, but no run moves; that survives restarts.
#[utoipa::path(post, path = "/app/api/v2/engine", tag = "Engine", operation_id = "commandEngine",
    request_body = EngineBody, responses((status = 200, description = "As the GET.",
    body = inline(Object))))]
pub(crate) async fn command(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<EngineBody>,
) -> Result<axum::Json<Value>> {
    let who = actor(&caller);
    let status = match body.action.to_ascii_lowercase().as_str() {
        "start" => app.workflows.start_engine(&who).await?,
        "stop" => app.workflows.stop_engine(&who).await?,
        _ => return Err(Error::bad_request("action must be start or stop.")),
    };
    Ok(document(&status))
}

/// What the engine's settings are; it sizes itself.
fn settings() -> Value {
    json!({ "Sleep Delay": "1", "Max Threads": workflows::engine::WALKERS.to_string(),
            "Trigger Query": "'Selection Criterion'=null" })
}

/// Reads the engine's settings.
#[utoipa::path(get, path = "/app/api/v2/config/engine", tag = "Engine",
    operation_id = "readEngineSettings",
    responses((status = 200, description = "`{properties}`", body = inline(Object))))]
pub(crate) async fn read_settings() -> axum::Json<Value> {
    let mut answer = settings();
    answer["properties"] = settings();
    axum::Json(answer)
}

/// Takes the settings that are in force; others are refused, since the engine sizes itself.
#[utoipa::path(put, path = "/app/api/v2/config/engine", tag = "Engine",
    operation_id = "updateEngineSettings", request_body = inline(Object),
    responses((status = 200, description = "A message.", body = inline(Object))))]
pub(crate) async fn update_settings(
    Json(body): Json<Map<String, Value>>,
) -> Result<axum::Json<Value>> {
    let known = settings();
    let given = match body.get("properties") {
        Some(Value::Object(properties)) => properties,
        _ => &body,
    };
    for (name, value) in given {
        let Some(fixed) = known.get(name).and_then(Value::as_str) else {
            return Err(Error::bad_request(format!("The engine has no setting \"{name}\".")));
        };
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if value != fixed {
            return Err(Error::bad_request(format!(
                "\"{name}\" is {fixed} and cannot be changed: the engine sizes itself."
            )));
        }
    }
    Ok(success("Updated the engine settings."))
}

/// Reads what the engine stands on.
#[utoipa::path(get, path = "/app/api/v2/environment", tag = "Engine",
    operation_id = "readEnvironment",
    responses((status = 200, description = "Texts by section and name.", body = inline(Object))))]
pub(crate) async fn environment(State(app): State<App>) -> axum::Json<Value> {
    let database = match app.store.dialect() {
        store::Dialect::Sqlite => "SQLite",
        store::Dialect::Postgres => "PostgreSQL",
    };
    axum::Json(json!({
        "System Information": {
            "Operating System": std::env::consts::OS,
            "Architecture": std::env::consts::ARCH,
            "Kapok": SERVER_VERSION,
        },
        "Adapter Information": { "Database": database },
        "Engine Information": settings(),
        "Dependency Information": {},
        "Database Connection Pool": {},
    }))
}

/// Lists notices of the engine: there are none, since it needs no licence.
#[utoipa::path(get, path = "/app/api/v2/notices", tag = "Engine", operation_id = "listNotices",
    responses((status = 200, description = "`{notices}`", body = inline(Object))))]
pub(crate) async fn notices() -> axum::Json<Value> {
    axum::Json(json!({ "notices": [] }))
}

/// Lists errors of the engine itself. There are none: what goes wrong outside of runs is told
/// where it happens, on jobs, schedules and in the server's log.
#[utoipa::path(get, path = "/app/api/v2/systemErrors", tag = "Engine",
    operation_id = "listSystemErrors",
    responses((status = 200, description = "`{errors, count, limit, offset}`",
    body = inline(Object))))]
pub(crate) async fn system_errors() -> axum::Json<Value> {
    axum::Json(json!({ "errors": [], "count": 0, "limit": 100, "offset": 0 }))
}

/// Reads an error of the engine itself.
#[utoipa::path(get, path = "/app/api/v2/systemErrors/{id}", tag = "Engine",
    operation_id = "readSystemError", params(("id" = i64, Path)),
    responses((status = 404, description = "There is none.")))]
pub(crate) async fn system_error(Path(id): Path<i64>) -> Error {
    Error::not_found(format!("There is no system error {id}."))
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
