//! The front door: what happens to every request before it is routed and to every answer before it
//! leaves. Addresses are normalised (space prefix, the engine's other addresses, trailing slash),
//! each request gets an id, a panic or a slow handler becomes an answer, and errors are written in
//! the style of the route that was asked.

use crate::App;
use crate::error::{Error, Style};
use crate::input::BodyTime;
use crate::unread;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode, Uri};
use runtime::metrics::ANSWERS;
use runtime::spans::Span;
use std::time::Duration;

/// Seconds a handler may take; answers that wait for a run are bounded below this.
const HANDLER_SECONDS_MAX: u64 = 60;
/// Names a request in answers and logs.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Addresses under which the workflow engine answers besides its own (reference §3.1).
const TASK_PREFIXES: [&str; 2] = ["/app/components/task", "/kinetic-task"];

/// Single submissions of the datastore; the same as those of kapps, since ids are unique.
const DATASTORE_SUBMISSIONS: &str = "/app/api/v1/datastore/submissions/";

/// The space prefix of the request, `acme` in `/acme/app/api/v1/kapps`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SpaceSlug(pub(crate) String);

/// The id of a request; the `correlationId` of its errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(pub(crate) uuid::Uuid);

/// Handles one request from door to door.
pub(crate) async fn pass(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = app.runtime.uuid();
    let began = app.runtime.elapsed();
    let method = request.method().clone();
    let asked = request.uri().path().to_owned();
    let address = normalise(request.uri());
    let style = if address.task { Style::Task } else { style_of(address.uri.path()) };
    *request.uri_mut() = address.uri;
    if let Some(slug) = address.space {
        request.extensions_mut().insert(SpaceSlug(slug));
    }
    request.extensions_mut().insert(RequestId(id));
    let body_time = Duration::from_secs(app.settings.body_seconds);
    request.extensions_mut().insert(BodyTime(body_time));
    let body = unread::lend(&mut request);
    let limit = Duration::from_secs(HANDLER_SECONDS_MAX);
    let response = match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => too_slow().into_response(),
    };
    let mut response = written(response, style, &method, &asked, id);
    add_headers(response.headers_mut(), id);
    if let Some(body) = body {
        body.settle(&mut response).await;
    }
    let time = app.runtime.elapsed().saturating_sub(began);
    let status = response.status().as_u16();
    observe(&app, &method, &asked, (id, status, time));
    let ms = time.as_secs_f64() * 1_000.0;
    tracing::debug!(%id, %method, path = %asked, status, ms, "answered");
    response
}

/// Counts a request, and keeps its span while somebody exports them.
fn observe(
    app: &App,
    method: &Method,
    path: &str,
    (id, status, time): (uuid::Uuid, u16, Duration),
) {
    let class = ANSWERS.get(usize::from(status / 100).saturating_sub(1)).copied().unwrap_or("5xx");
    app.runtime.metrics().requests.of(class).record(time);
    app.runtime.spans().push(|| Span {
        trace_id: id.to_string(),
        is_root: true,
        name: format!("{method} {path}"),
        at: app.runtime.now().plus_ms(-i64::try_from(time.as_millis()).unwrap_or(0)),
        time,
        attributes: vec![
            ("http.request.method", method.to_string()),
            ("http.response.status_code", status.to_string()),
        ],
        error: (status >= 500).then(|| status.to_string()),
    });
}

/// What a request's address means.
struct Address {
    uri: Uri,
    space: Option<String>,
    task: bool,
}

fn normalise(uri: &Uri) -> Address {
    let mut path = uri.path();
    let mut space = None;
    if let Some((slug, rest)) = space_prefix(path) {
        space = Some(slug.to_owned());
        path = rest;
    }
    let mut task = false;
    for prefix in TASK_PREFIXES {
        if let Some(rest) = path.strip_prefix(prefix)
            && rest.starts_with("/app/api/")
        {
            path = rest;
            task = true;
        }
    }
    if path.starts_with("/app/") {
        path = path.trim_end_matches('/');
    }
    let alias = path.strip_prefix(DATASTORE_SUBMISSIONS);
    let alias = alias.map(|id| format!("/app/api/v1/submissions/{id}"));
    let path = alias.as_deref().unwrap_or(path);
    if path == uri.path() {
        return Address { uri: uri.clone(), space, task };
    }
    let query = uri.query().map(|q| format!("?{q}")).unwrap_or_default();
    let rebuilt = format!("{path}{query}").parse().unwrap_or_else(|_| uri.clone());
    Address { uri: rebuilt, space, task }
}

/// Splits `/acme/app/…` into the slug and the rest.
fn space_prefix(path: &str) -> Option<(&str, &str)> {
    let slug = path.strip_prefix('/')?.split('/').next()?;
    let rest = &path[slug.len() + 1..];
    let ours = ["app", "console", "inspect", "kinetic-task", ""].contains(&slug);
    let prefixed = rest.starts_with("/app/") || rest.starts_with("/kinetic-task/");
    (!ours && prefixed).then_some((slug, rest))
}

/// The error style of a path: version 2 and the few version 1 routes of the workflow engine.
fn style_of(path: &str) -> Style {
    const TASK: [&str; 6] = [
        "/app/api/v2/",
        "/app/api/v1/run-tree/",
        "/app/api/v1/complete-deferred-task/",
        "/app/api/v1/update-deferred-task/",
        "/app/api/v1/sources/",
        "/app/api/v1/import-tree",
    ];
    if path.starts_with("/app/integrator/") {
        return Style::Integrator;
    }
    if TASK.iter().any(|prefix| path.starts_with(prefix)) { Style::Task } else { Style::Core }
}

fn too_slow() -> Error {
    Error::new(
        StatusCode::SERVICE_UNAVAILABLE,
        format!(
            "No answer within {HANDLER_SECONDS_MAX} seconds. \
             The change may or may not have happened: read before you repeat it."
        ),
    )
}

/// Writes the body of an error; other answers pass as they are.
fn written(
    mut response: Response,
    style: Style,
    method: &Method,
    path: &str,
    id: uuid::Uuid,
) -> Response {
    let error = match response.extensions_mut().remove::<Error>() {
        Some(error) => error,
        None => match unwritten(&response, method, path) {
            Some(error) => error,
            None => return response,
        },
    };
    let body = error.body(style, &id.to_string()).to_string();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *response.body_mut() = Body::from(body);
    response
}

/// Errors of the framework that no handler saw.
fn unwritten(response: &Response, method: &Method, path: &str) -> Option<Error> {
    let status = response.status();
    let ours = response.headers().contains_key(header::CONTENT_TYPE);
    if ours && status != StatusCode::PAYLOAD_TOO_LARGE {
        return None;
    }
    match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            let allowed = response.headers().get(header::ALLOW).and_then(|a| a.to_str().ok());
            let allowed = allowed.unwrap_or("none").replace(',', ", ");
            let message = format!("{method} is not allowed on {path}; allowed: {allowed}.");
            Some(Error::new(status, message))
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            let limit = model::limits::BODY_BYTES_MAX;
            Some(Error::new(status, format!("The body exceeds the limit of {limit} bytes.")))
        }
        status if status.is_client_error() || status.is_server_error() => {
            let reason = status.canonical_reason().unwrap_or("Error");
            Some(Error::new(status, format!("{reason}: {method} {path}")))
        }
        _ => None,
    }
}

fn add_headers(headers: &mut HeaderMap, id: uuid::Uuid) {
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, value);
    }
    let defaults = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ];
    for (name, value) in defaults {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// The answer to a path that is no route.
pub(crate) async fn no_route(request: Request) -> Error {
    Error::not_found(format!("There is no route {} {}.", request.method(), request.uri().path()))
}

/// The answer to a panic: its message goes to the log only.
#[expect(clippy::needless_pass_by_value, reason = "the layer asks for this signature")]
pub(crate) fn panicked(cause: Box<dyn std::any::Any + Send>) -> Response {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| cause.downcast_ref::<&str>().copied()).unwrap_or("unknown");
    tracing::error!(panic = text, "a handler panicked");
    Error::failed().into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_normalised() {
        let check = |asked: &str, path: &str, space: Option<&str>, task: bool| {
            let address = normalise(&asked.parse().unwrap());
            assert_eq!(address.uri.to_string(), path, "{asked}");
            assert_eq!(address.space.as_deref(), space, "{asked}");
            assert_eq!(address.task, task, "{asked}");
        };
        check("/app/api/v1/kapps?q=a%20b", "/app/api/v1/kapps?q=a%20b", None, false);
        check("/app/api/v1/datastore/submissions/1", "/app/api/v1/submissions/1", None, false);
        check("/app/api/v1/memberships/", "/app/api/v1/memberships", None, false);
        check("/acme/app/api/v1/me", "/app/api/v1/me", Some("acme"), false);
        check("/app/components/task/app/api/v2/runs/1", "/app/api/v2/runs/1", None, true);
        check(
            "/acme/app/components/task/app/api/v1/run-tree/a/b%20%3E%20c/d",
            "/app/api/v1/run-tree/a/b%20%3E%20c/d",
            Some("acme"),
            true,
        );
        check("/kinetic-task/app/api/v1/run-tree/a/b/c", "/app/api/v1/run-tree/a/b/c", None, true);
        check("/console/app/x", "/console/app/x", None, false);
        check("/inspect/app/x", "/inspect/app/x", None, false);
        check("/", "/", None, false);
    }

    #[test]
    fn version_two_speaks_the_engines_style() {
        assert_eq!(style_of("/app/api/v2/runs"), Style::Task);
        assert_eq!(style_of("/app/api/v1/run-tree/a/b/c"), Style::Task);
        assert_eq!(style_of("/app/api/v1/kapps"), Style::Core);
        assert_eq!(style_of("/app/integrator/api/connections"), Style::Integrator);
    }
}
