//! `/app/login.do` and `/app/logout`: browser sessions.

use crate::App;
use crate::auth::{self, SESSION_COOKIE};
use crate::error::{Error, Result};
use crate::front::SpaceSlug;
use crate::include::Include;
use crate::input::{self, Raw};
use crate::users;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, SET_COOKIE};
use platform::sign_in::{Credentials, SESSION_MS};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

/// A username and password, as JSON or as a form.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Login)]
pub(crate) struct LoginBody {
    j_username: String,
    j_password: String,
}

/// Signs in and sets the session's cookie.
#[utoipa::path(post, path = "/app/login.do", tag = "Session", security(()),
    request_body(content((LoginBody = "application/json"),
        (LoginBody = "application/x-www-form-urlencoded"))),
    responses((status = 200, description = "Signed in: `{user}`, and the cookie is set."),
        (status = 401, description = "The username or the password is wrong."),
        (status = 429, description = "Too many failures; try again later.")))]
pub(crate) async fn login(State(app): State<App>, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    require_not_cross_site(&parts.headers)?;
    let space_id = auth::space_of(&app, parts.extensions.get::<SpaceSlug>()).await?;
    let address = auth::address_of(&parts.extensions);
    let headers = parts.headers.clone();
    let Raw(bytes) = read(Request::from_parts(parts, body)).await?;
    let LoginBody { j_username, j_password } = credentials(&headers, &bytes)?;
    let credentials = Credentials { username: j_username, password: j_password, address };
    let session = app.platform.login(&space_id, &credentials).await?;
    let body = json!({ "user": users::document(&session.user, &Include::default()) });
    let seconds = SESSION_MS / 1_000;
    let cookie = cookie(&session.token, seconds, app.settings.is_https);
    Ok(([(SET_COOKIE, cookie)], axum::Json(body)).into_response())
}

/// Ends the session and clears its cookie; without one it does nothing.
#[utoipa::path(get, path = "/app/logout", tag = "Session", security(()),
    responses((status = 200, description = "Signed out.")))]
pub(crate) async fn logout(State(app): State<App>, request: Request) -> Result<Response> {
    let (parts, _) = request.into_parts();
    let space_id = auth::space_of(&app, parts.extensions.get::<SpaceSlug>()).await?;
    if let Some(token) = auth::session_token(&parts.headers) {
        app.platform.logout(&space_id, token).await?;
    }
    let cookie = cookie("", 0, app.settings.is_https);
    Ok(([(SET_COOKIE, cookie)], axum::Json(json!({ "message": "Signed out." }))).into_response())
}

async fn read(request: Request) -> Result<Raw> {
    use axum::extract::FromRequest;
    Raw::from_request(request, &()).await
}

/// Signing somebody in from another site is refused, so that nobody works under a name that
/// somebody else chose.
fn require_not_cross_site(headers: &HeaderMap) -> Result<()> {
    let site = headers.get(HeaderName::from_static("sec-fetch-site"));
    if site.is_some_and(|site| site == "cross-site" || site == "same-site") {
        return Err(Error::forbidden("Signing in must start on this server's own pages."));
    }
    Ok(())
}

fn credentials(headers: &HeaderMap, bytes: &Bytes) -> Result<LoginBody> {
    let form = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !form.is_some_and(|value| value.starts_with("application/x-www-form-urlencoded")) {
        return input::parse(bytes);
    }
    let field = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(bytes);
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    match (field("j_username"), field("j_password")) {
        (Some(j_username), Some(j_password)) => Ok(LoginBody { j_username, j_password }),
        _ => Err(Error::bad_request("The form must hold j_username and j_password.")),
    }
}

fn cookie(token: &str, seconds: i64, is_https: bool) -> HeaderValue {
    let secure = if is_https { "; Secure" } else { "" };
    let text = format!(
        "{SESSION_COOKIE}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    );
    HeaderValue::try_from(text).expect("tokens are hexadecimal")
}
