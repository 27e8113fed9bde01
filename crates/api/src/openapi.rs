//! The OpenAPI 3.1 description: what the handlers do not say themselves, and the route it is
//! served at.

use crate::router;
use crate::version::SERVER_VERSION;
use axum::response::IntoResponse;
use http::header::{CONTENT_TYPE, HeaderValue};
use std::sync::OnceLock;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme};
use utoipa::openapi::security::{SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Info, OpenApi};

/// The document that the routes are added to.
pub(crate) fn base() -> OpenApi {
    let mut info = Info::new("Kapok", SERVER_VERSION);
    info.description = Some(
        "Webhooks and workflows. Successes answer 200 and wrap the record in its name; errors \
         answer `{statusCode, error, errorKey, correlationId}` under version 1 and `{message}` \
         under version 2. Every route answers under `/{space-slug}` as well."
            .to_owned(),
    );
    let mut components = Components::new();
    let cookie = ApiKey::Cookie(ApiKeyValue::new(crate::auth::SESSION_COOKIE));
    components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    let basic = SecurityScheme::Http(Http::new(HttpAuthScheme::Basic));
    components.add_security_scheme("basic", basic);
    let mut document = OpenApi::new(info, utoipa::openapi::Paths::new());
    document.components = Some(components);
    document.security = Some(vec![
        SecurityRequirement::new("basic", Vec::<String>::new()),
        SecurityRequirement::new("session", Vec::<String>::new()),
    ]);
    document
}

/// Returns this description.
#[utoipa::path(get, path = "/app/api/openapi.json", tag = "Server", security(()),
    responses((status = 200, description = "OpenAPI 3.1.")))]
pub(crate) async fn read() -> impl IntoResponse {
    static TEXT: OnceLock<String> = OnceLock::new();
    let json = HeaderValue::from_static("application/json");
    ([(CONTENT_TYPE, json)], TEXT.get_or_init(text).as_str())
}

/// The description as indented JSON with a final newline.
pub fn text() -> String {
    let mut text = router::description().to_pretty_json().expect("plain data serialises");
    text.push('\n');
    text
}
