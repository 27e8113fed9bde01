//! `/healthz` and `/readyz`: for those who keep the process alive and send it traffic.

use crate::App;
use crate::error::{Error, Result};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde_json::{Value, json};

/// Says that the process runs; does not look at the database.
#[utoipa::path(get, path = "/healthz", tag = "Server", security(()),
    responses((status = 200, description = "The process runs.")))]
pub(crate) async fn live() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// Says whether the server accepts work: 200 once it does, 503 while it starts or stops.
#[utoipa::path(get, path = "/readyz", tag = "Server", security(()),
    responses((status = 200, description = "The server accepts work."),
        (status = 503, description = "The server starts, stops, or cannot store anything.")))]
pub(crate) async fn ready(State(app): State<App>) -> Result<Json<Value>> {
    if app.runtime.is_stopping() {
        return Err(Error::new(StatusCode::SERVICE_UNAVAILABLE, "The server is stopping."));
    }
    if let Err(error) = app.store.is_storing().await {
        let message = format!("Nothing can be stored: {error}.");
        return Err(Error::new(StatusCode::SERVICE_UNAVAILABLE, message).after_seconds(1));
    }
    Ok(Json(json!({ "status": "ready" })))
}
