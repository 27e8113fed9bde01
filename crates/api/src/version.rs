//! `GET /app/api/v1/version`: the version of the wire format, by which clients choose how to speak,
//! and the version of this server.

use axum::Json;
use serde_json::{Value, json};

/// The version of the reference platform whose wire format is spoken; clients compare it as text.
const WIRE_VERSION: &str = "6.1.7";

/// The version of this server.
pub const SERVER_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Returns the version of the wire format and of this server.
#[utoipa::path(get, path = "/app/api/v1/version", tag = "Server", security(()),
    responses((status = 200, description = "`version.version` is the wire format's version; \
        `version.kapok` is the server's.")))]
pub(crate) async fn read() -> Json<Value> {
    Json(json!({
        "version": {
            "version": WIRE_VERSION,
            "buildDate": null,
            "buildNumber": SERVER_VERSION,
            "kapok": SERVER_VERSION,
        }
    }))
}
