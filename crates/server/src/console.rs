//! The console: a single-page application, embedded in the binary when it was built before.

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::header::{self, HeaderValue};
use http::{StatusCode, Uri};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "../../console/dist"]
struct Assets;

/// Scripts and connections from this server only; styles may stand inline, as the components
/// place them.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self' data:; connect-src 'self'; manifest-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
<title>Kapok</title><body style=\"font-family:system-ui;max-width:40rem;margin:4rem auto\">\
<h1>Kapok runs, its console is not built</h1>\
<p>This binary was built without the web console. To build and start both, run</p>\
<pre>cargo xtask run</pre>\
<p>The API is here: <a href=\"/app/api/openapi.json\">/app/api/openapi.json</a>.</p>";

/// The console's routes.
pub(crate) fn pages() -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::to("/console/") }))
        .route("/console", get(|| async { Redirect::to("/console/") }))
        .route("/console/", get(page))
        .route("/console/{*path}", get(page))
}

/// An asset, or the application for every address that is none: it routes by itself.
async fn page(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches("/console/");
    if let Some(file) = Assets::get(path).filter(|_| !path.starts_with('.')) {
        return asset(path, file);
    }
    if path.starts_with("assets/") {
        let message = format!("There is no asset {path}.");
        return api::error::Error::not_found(message).into_response();
    }
    match Assets::get("index.html") {
        Some(file) => document(StatusCode::OK, file.data.into_owned().into()),
        None => document(StatusCode::OK, NOT_BUILT.into()),
    }
}

/// Files under `assets/` carry a hash of their content in their name and never change.
fn asset(path: &str, file: EmbeddedFile) -> Response {
    let caching = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let kind = HeaderValue::from_str(file.metadata.mimetype());
    let kind = kind.unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, HeaderValue::from_static(caching)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    ];
    (headers, Body::from(file.data.into_owned())).into_response()
}

fn document(status: StatusCode, body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    ];
    (status, headers, body).into_response()
}
