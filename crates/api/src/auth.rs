//! Who is asking: Basic credentials or a browser session. Routes stand in one of three groups of
//! the table (open, signed in, administrators); the guards here are the layers of the last two,
//! and a handler that takes a [`Caller`] outside of them answers 401.

use crate::App;
use crate::error::{Error, Result};
use crate::front::{RequestId, SpaceSlug};
use crate::inside::Inside;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use model::event::Cause;
use model::id::{SpaceId, TraceId};
use platform::Actor;
use platform::sign_in::Credentials;
use std::net::SocketAddr;
use std::ops::Deref;

/// The cookie that holds a browser session's token.
pub(crate) const SESSION_COOKIE: &str = "kapok_session";

/// Headers by which a script says that it handles 401 itself, so the browser need not ask.
const HANDLES_401: [HeaderName; 2] =
    [HeaderName::from_static("x-kinetic-authassumed"), HeaderName::from_static("x-requested-with")];

/// The signed-in user of a request; derefs to the platform's actor.
#[derive(Clone, Debug)]
pub struct Caller(pub Actor);

impl Deref for Caller {
    type Target = Actor;

    fn deref(&self) -> &Actor {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        parts.extensions.get::<Caller>().cloned().ok_or_else(nobody)
    }
}

/// Lets signed-in users pass.
pub(crate) async fn signed_in(State(app): State<App>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match authenticate(&app, &parts).await {
        Ok(caller) => pass(caller, Request::from_parts(parts, body), next).await,
        Err(error) => refuse(error, &parts.headers),
    }
}

/// Lets administrators of the space pass.
pub(crate) async fn administrator(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    match authenticate(&app, &parts).await {
        Ok(caller) if caller.is_space_admin => {
            pass(caller, Request::from_parts(parts, body), next).await
        }
        Ok(_) => {
            Error::forbidden("This needs the privileges of a space administrator.").into_response()
        }
        Err(error) => refuse(error, &parts.headers),
    }
}

async fn pass(caller: Caller, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(caller);
    next.run(request).await
}

/// Finds out who asks, in the space the address names.
async fn authenticate(app: &App, parts: &Parts) -> Result<Caller> {
    if let Some(Inside(actor)) = parts.extensions.get() {
        return Ok(Caller(actor.clone()));
    }
    let credential = Credential::of(&parts.headers)?;
    let space_id = space_of(app, parts.extensions.get::<SpaceSlug>()).await?;
    let cause = cause_of(parts.extensions.get::<RequestId>(), app);
    let user = match credential {
        None => return Err(nobody()),
        Some(Credential::Basic { username, password }) => {
            let address = address_of(&parts.extensions);
            let credentials = Credentials { username, password, address };
            app.platform.sign_in(&space_id, &credentials).await?
        }
        Some(Credential::Session(token)) => {
            require_same_origin(&parts.method, &parts.headers)?;
            let address = address_of(&parts.extensions);
            let user = app.platform.session(&space_id, &token, address.as_deref()).await;
            user.map_err(|error| match error {
                platform::Error::Unauthenticated => {
                    Error::unauthorized("The session has ended. Sign in again.")
                }
                other => other.into(),
            })?
        }
    };
    Ok(Caller(Actor::user(&user, cause)))
}

/// The space that the prefix of the address names, or the default one.
pub(crate) async fn space_of(app: &App, slug: Option<&SpaceSlug>) -> Result<SpaceId> {
    let slug = slug.map_or(app.settings.space.as_str(), |slug| slug.0.as_str());
    let found = app.platform.space_id(slug).await?;
    found.ok_or_else(|| Error::unable_to_locate("Space", slug))
}

/// The address a request comes from, when the server knows it.
pub(crate) fn address_of(extensions: &http::Extensions) -> Option<String> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_string())
}

/// A change that comes from outside begins a trace, named like the request in answer and log.
pub(crate) fn cause_of(id: Option<&RequestId>, app: &App) -> Cause {
    let uuid = id.map_or_else(|| app.runtime.uuid(), |id| id.0);
    Cause::outside(TraceId::new(uuid))
}

fn nobody() -> Error {
    Error::unauthorized("Sign in first: with HTTP Basic credentials or at /app/login.do.")
}

fn refuse(error: Error, headers: &HeaderMap) -> Response {
    let mut response = error.into_response();
    if wants_prompt(headers) && response.status() == StatusCode::UNAUTHORIZED {
        let basic = HeaderValue::from_static("Basic realm=\"Kapok\", charset=\"UTF-8\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
    }
    response
}

fn wants_prompt(headers: &HeaderMap) -> bool {
    !HANDLES_401.iter().any(|name| headers.contains_key(name))
}

/// What a request offers to prove who is asking.
#[derive(Debug, PartialEq, Eq)]
enum Credential {
    Basic { username: String, password: String },
    Session(String),
}

impl Credential {
    /// Reads the `Authorization` header or, without one, the session cookie.
    fn of(headers: &HeaderMap) -> Result<Option<Self>> {
        let Some(given) = headers.get(header::AUTHORIZATION) else {
            return Ok(session_token(headers).map(|token| Self::Session(token.to_owned())));
        };
        let given = given.to_str().unwrap_or_default();
        let (scheme, rest) = given.split_once(' ').unwrap_or((given, ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return basic(rest.trim())
                .map(Some)
                .ok_or_else(|| Error::unauthorized("The Basic credentials cannot be read."));
        }
        if scheme.eq_ignore_ascii_case("bearer") {
            return Err(Error::unauthorized("The bearer token is not known."));
        }
        Err(Error::unauthorized("The Authorization header must be of the Basic scheme."))
    }
}

fn basic(encoded: &str) -> Option<Credential> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (username, password) = text.split_once(':')?;
    Some(Credential::Basic { username: username.to_owned(), password: password.to_owned() })
}

/// The token of the session cookie.
pub(crate) fn session_token(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|c| c.to_str().ok());
    cookies.flat_map(|line| line.split(';')).find_map(|cookie| {
        let (name, value) = cookie.trim().split_once('=')?;
        (name == SESSION_COOKIE && !value.is_empty()).then_some(value)
    })
}

/// Under a cookie, a request that changes something must come from our own pages: browsers say so
/// in `Sec-Fetch-Site`, older ones in `Origin`. A request with neither is refused.
fn require_same_origin(method: &Method, headers: &HeaderMap) -> Result<()> {
    if method.is_safe() {
        return Ok(());
    }
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let same = match (text(HeaderName::from_static("sec-fetch-site")), text(header::ORIGIN)) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some() && host == text(header::HOST)
        }
        (None, None) => false,
    };
    if same {
        return Ok(());
    }
    Err(Error::forbidden(
        "A request under a session cookie that changes something must come from this server's \
         own pages. Scripts use HTTP Basic authentication instead.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&str, &str)]) -> HeaderMap {
        let pairs = list.iter().map(|(name, value)| {
            (HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap())
        });
        pairs.collect()
    }

    #[test]
    fn credentials_are_read() {
        let check = |list: &[(&str, &str)], expect: Option<Credential>| {
            assert_eq!(Credential::of(&headers(list)).unwrap(), expect);
        };
        let (username, password) = ("ann".to_owned(), "a:b".to_owned());
        let basic = Credential::Basic { username, password };
        check(&[("authorization", "Basic YW5uOmE6Yg==")], Some(basic));
        check(&[("cookie", "a=b; kapok_session=tok")], Some(Credential::Session("tok".into())));
        check(&[("cookie", "kapok_session=")], None);
        check(&[], None);
        for refused in ["Bearer x", "Basic ?", "Digest x"] {
            let error = Credential::of(&headers(&[("authorization", refused)])).unwrap_err();
            assert_eq!(error.status(), StatusCode::UNAUTHORIZED, "{refused}");
        }
    }

    #[test]
    fn changes_under_a_cookie_come_from_our_pages() {
        let check = |method: Method, list: &[(&str, &str)], expect: bool| {
            assert_eq!(require_same_origin(&method, &headers(list)).is_ok(), expect, "{list:?}");
        };
        check(Method::GET, &[], true);
        check(Method::POST, &[], false);
        check(Method::POST, &[("sec-fetch-site", "same-origin")], true);
        check(Method::POST, &[("sec-fetch-site", "same-site")], false);
        check(Method::PUT, &[("sec-fetch-site", "cross-site"), ("host", "k:1")], false);
        check(Method::PUT, &[("origin", "http://k:1"), ("host", "k:1")], true);
        check(Method::PUT, &[("origin", "http://evil"), ("host", "k:1")], false);
        check(Method::PUT, &[("origin", "null"), ("host", "k:1")], false);
    }
}
