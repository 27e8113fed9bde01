//! `/inspect/{token}`: any method, no sign-in. Records the request for the token's inspector and
//! answers as that was configured. Not part of the described API: whoever sends here is a webhook.

use crate::App;
use crate::auth;
use crate::error::{Error, Result};
use crate::input::BodyTime;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::header::{CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use model::inspector::Inspector;
use model::limits;
use webhooks::inspectors::{Arrival, Knock};

/// Even a page that a browser was talked into showing runs nothing and reaches nothing.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// The inspectors' addresses; what follows the token is recorded with the path.
pub(crate) fn addresses() -> Router<App> {
    Router::new()
        .route("/inspect/{token}", any(inspect))
        .route("/inspect/{token}/{*rest}", any(inspect))
}

async fn inspect(State(app): State<App>, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let token = path.split('/').nth(2).unwrap_or_default();
    let address = auth::address_of(&parts.extensions).unwrap_or_default();
    let inspector = match app.webhooks.knock(token, &address).await? {
        Knock::Open(inspector) => inspector,
        Knock::Unknown => return Err(Error::not_found("There is no inspector at this address.")),
        Knock::Busy { retry_after_s } => return Err(Error::too_many(retry_after_s)),
    };
    let time = BodyTime::of(&parts.extensions);
    let reading = tokio::time::timeout(time.0, read(body)).await;
    let (body, size) = reading.unwrap_or_else(|_| Err(time.is_over()))?;
    let is_head = parts.method == Method::HEAD;
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let headers = text(&parts.headers);
    let method = parts.method.to_string();
    let arrival = Arrival { method, path, query, headers, body, size, address };
    app.webhooks.inspect(&inspector, arrival).await?;
    if inspector.delay_ms > 0 {
        tokio::select! {
            () = app.runtime.sleep_ms(inspector.delay_ms) => {}
            () = app.runtime.stopping() => {}
        }
    }
    Ok(answer(*inspector, is_head))
}

/// Reads the body: keeps its beginning, counts the rest, stops at the limit of any body.
async fn read(mut body: Body) -> Result<(Vec<u8>, usize)> {
    let (mut kept, mut size) = (Vec::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Error::bad_request("The body could not be read."))?;
        let Ok(data) = frame.into_data() else { continue };
        size = size.saturating_add(data.len());
        if size > limits::BODY_BYTES_MAX {
            let max = limits::BODY_BYTES_MAX;
            let message = format!("The body exceeds the limit of {max} bytes.");
            return Err(Error::new(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        let room = limits::INSPECTION_BODY_BYTES_MAX.saturating_sub(kept.len());
        kept.extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
    }
    Ok((kept, size))
}

/// Headers as text a database can store.
fn text(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

fn answer(inspector: Inspector, is_head: bool) -> Response {
    let status = StatusCode::from_u16(inspector.status).unwrap_or(StatusCode::OK);
    let body = if is_head { Body::empty() } else { inspector.body.into() };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    for (name, value) in inspector.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
