//! `/app/api/v1/webApis` and their calls at `/app/webApis/{slug}`: trees that answer requests.

use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::include::{Include, IncludeQuery};
use crate::input::{Json, Path, Query, Raw};
use axum::extract::{FromRequest, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use model::space::TASK_SOURCE_DEFAULT;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use store::web_apis::WebApi;
use utoipa::ToSchema;
use workflows::Actor;
use workflows::web_apis::{Answer, TIMEOUT_MS_MAX, WebApiCall, WebApiInput};

/// A web API; absent properties stay as they are.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WebApiBody {
    slug: Option<String>,
    /// `GET`, `POST`, `PUT` or `DELETE`.
    method: Option<String>,
    /// `[{"endpoint": "Execution", "name": "Authenticated Users"}]`; besides there are Everyone
    /// (of those who signed in) and Space Admins.
    #[schema(value_type = Option<Vec<Object>>)]
    security_policies: Option<Value>,
}

impl From<WebApiBody> for WebApiInput {
    fn from(body: WebApiBody) -> Self {
        Self { slug: body.slug, method: body.method, security_policies: body.security_policies }
    }
}

fn actor(caller: &Caller) -> Actor {
    Actor {
        space_id: caller.space_id.clone(),
        username: caller.username.clone(),
        cause: caller.cause.clone(),
    }
}

fn document(api: &WebApi, include: &Include) -> Value {
    let mut document = json!({ "slug": api.slug, "method": api.method,
                               "securityPolicies": api.security_policies });
    if let (Some(details), Value::Object(document)) = (include.details(&api.audit), &mut document)
        && let Value::Object(details) = json!(details)
    {
        document.extend(details);
    }
    document
}

async fn list_of(app: &App, caller: &Caller, kapp: &str, query: &IncludeQuery) -> Result<Value> {
    let include = query.read();
    let apis = app.workflows.web_apis(&actor(caller), kapp).await?;
    let rows: Vec<Value> = apis.iter().map(|api| document(api, &include)).collect();
    Ok(json!({ "webApis": rows }))
}

fn wrapped(api: &WebApi, include: &Include) -> axum::Json<Value> {
    axum::Json(json!({ "webApi": document(api, include) }))
}

/// Lists the web APIs of the space.
#[utoipa::path(get, path = "/app/api/v1/webApis", tag = "Web APIs",
    operation_id = "listSpaceWebAPIs", params(IncludeQuery),
    responses((status = 200, description = "`{webApis}`", body = inline(Object))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<Value>> {
    Ok(axum::Json(list_of(&app, &caller, "", &query).await?))
}

/// Lists the web APIs of a kapp.
#[utoipa::path(get, path = "/app/api/v1/kapps/{kapp}/webApis", tag = "Web APIs",
    operation_id = "listKappWebAPIs", params(("kapp" = String, Path), IncludeQuery),
    responses((status = 200, description = "`{webApis}`", body = inline(Object))))]
pub(crate) async fn list_kapp(
    State(app): State<App>,
    caller: Caller,
    Path(kapp): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<Value>> {
    app.platform.kapp(&caller, &kapp).await?;
    Ok(axum::Json(list_of(&app, &caller, &kapp, &query).await?))
}

/// Creates a web API of the space.
#[utoipa::path(post, path = "/app/api/v1/webApis", tag = "Web APIs",
    operation_id = "createSpaceWebAPI", request_body = WebApiBody,
    responses((status = 200, description = "`{webApi}`", body = inline(Object))))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<WebApiBody>,
) -> Result<axum::Json<Value>> {
    let made = app.workflows.create_web_api(&actor(&caller), "", body.into()).await?;
    Ok(wrapped(&made, &Include::default()))
}

/// Creates a web API of a kapp.
#[utoipa::path(post, path = "/app/api/v1/kapps/{kapp}/webApis", tag = "Web APIs",
    operation_id = "createKappWebAPI", params(("kapp" = String, Path)), request_body = WebApiBody,
    responses((status = 200, description = "`{webApi}`", body = inline(Object))))]
pub(crate) async fn create_kapp(
    State(app): State<App>,
    caller: Caller,
    Path(kapp): Path<String>,
    Json(body): Json<WebApiBody>,
) -> Result<axum::Json<Value>> {
    app.platform.kapp(&caller, &kapp).await?;
    let made = app.workflows.create_web_api(&actor(&caller), &kapp, body.into()).await?;
    Ok(wrapped(&made, &Include::default()))
}

/// Reads a web API of the space.
#[utoipa::path(get, path = "/app/api/v1/webApis/{slug}", tag = "Web APIs",
    operation_id = "fetchSpaceWebAPI", params(("slug" = String, Path), IncludeQuery),
    responses((status = 200, description = "`{webApi}`", body = inline(Object))))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(slug): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<Value>> {
    Ok(wrapped(&app.workflows.web_api(&actor(&caller), "", &slug).await?, &query.read()))
}

/// Reads a web API of a kapp.
#[utoipa::path(get, path = "/app/api/v1/kapps/{kapp}/webApis/{slug}", tag = "Web APIs",
    operation_id = "fetchKappWebAPI",
    params(("kapp" = String, Path), ("slug" = String, Path), IncludeQuery),
    responses((status = 200, description = "`{webApi}`", body = inline(Object))))]
pub(crate) async fn read_kapp(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, slug)): Path<(String, String)>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<Value>> {
    Ok(wrapped(&app.workflows.web_api(&actor(&caller), &kapp, &slug).await?, &query.read()))
}

/// Changes a web API of the space.
#[utoipa::path(put, path = "/app/api/v1/webApis/{slug}", tag = "Web APIs",
    operation_id = "updateSpaceWebAPI", params(("slug" = String, Path)),
    request_body = WebApiBody,
    responses((status = 200, description = "`{webApi}`", body = inline(Object))))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(slug): Path<String>,
    Json(body): Json<WebApiBody>,
) -> Result<axum::Json<Value>> {
    let made = app.workflows.update_web_api(&actor(&caller), "", &slug, body.into()).await?;
    Ok(wrapped(&made, &Include::default()))
}

/// Changes a web API of a kapp.
#[utoipa::path(put, path = "/app/api/v1/kapps/{kapp}/webApis/{slug}", tag = "Web APIs",
    operation_id = "updateKappWebAPI", params(("kapp" = String, Path), ("slug" = String, Path)),
    request_body = WebApiBody,
    responses((status = 200, description = "`{webApi}`", body = inline(Object))))]
pub(crate) async fn update_kapp(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, slug)): Path<(String, String)>,
    Json(body): Json<WebApiBody>,
) -> Result<axum::Json<Value>> {
    let made = app.workflows.update_web_api(&actor(&caller), &kapp, &slug, body.into()).await?;
    Ok(wrapped(&made, &Include::default()))
}

/// Deletes a web API of the space; its tree stays.
#[utoipa::path(delete, path = "/app/api/v1/webApis/{slug}", tag = "Web APIs",
    operation_id = "deleteSpaceWebAPI", params(("slug" = String, Path)),
    responses((status = 200, description = "`{webApi}`", body = inline(Object))))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(slug): Path<String>,
) -> Result<axum::Json<Value>> {
    let gone = app.workflows.delete_web_api(&actor(&caller), "", &slug).await?;
    Ok(wrapped(&gone, &Include::default()))
}

/// Deletes a web API of a kapp; its tree stays.
#[utoipa::path(delete, path = "/app/api/v1/kapps/{kapp}/webApis/{slug}", tag = "Web APIs",
    operation_id = "deleteKappWebAPI", params(("kapp" = String, Path), ("slug" = String, Path)),
    responses((status = 200, description = "`{webApi}`", body = inline(Object))))]
pub(crate) async fn delete_kapp(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, slug)): Path<(String, String)>,
) -> Result<axum::Json<Value>> {
    let gone = app.workflows.delete_web_api(&actor(&caller), &kapp, &slug).await?;
    Ok(wrapped(&gone, &Include::default()))
}

/// Calls a web API of the space: its tree starts, and with `timeout` its Return node answers.
#[utoipa::path(method(get, post, put, delete), path = "/app/webApis/{slug}", tag = "Web APIs",
    operation_id = "callSpaceWebAPI",
    params(("slug" = String, Path),
        ("timeout" = Option<i64>, Query, description = "Seconds to wait, at most 30.")),
    responses((status = 200, description = "The run's number, or what its Return node says."),
    (status = 504, description = "The run goes on: `{errorKey, error, runId}`.")))]
pub(crate) async fn call(
    State(app): State<App>,
    caller: Caller,
    Path(slug): Path<String>,
    request: Request,
) -> Result<Response> {
    answer(&app, &caller, ("", &slug), &request).await
}

/// Calls a web API of a kapp: its tree starts, and with `timeout` its Return node answers.
#[utoipa::path(method(get, post, put, delete), path = "/app/kapps/{kapp}/webApis/{slug}",
    tag = "Web APIs", operation_id = "callKappWebAPI",
    params(("kapp" = String, Path), ("slug" = String, Path),
        ("timeout" = Option<i64>, Query, description = "Seconds to wait, at most 30.")),
    responses((status = 200, description = "The run's number, or what its Return node says."),
    (status = 504, description = "The run goes on: `{errorKey, error, runId}`.")))]
pub(crate) async fn call_kapp(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, slug)): Path<(String, String)>,
    request: Request,
) -> Result<Response> {
    answer(&app, &caller, (&kapp, &slug), &request).await
}

/// What a caller sent, whole.
pub(crate) struct Request {
    method: Method,
    query: Option<String>,
    headers: HeaderMap,
    body: axum::body::Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Request {
    type Rejection = Error;

    async fn from_request(request: axum::extract::Request, state: &S) -> Result<Self> {
        let (method, headers) = (request.method().clone(), request.headers().clone());
        let query = request.uri().query().map(str::to_owned);
        let Raw(body) = Raw::from_request(request, state).await?;
        Ok(Self { method, query, headers, body })
    }
}

async fn answer(
    app: &App,
    caller: &Caller,
    (kapp, slug): (&str, &str),
    request: &Request,
) -> Result<Response> {
    let who = actor(caller);
    let text = request.query.as_deref().unwrap_or_default();
    let mut query: Map<String, Value> = url::form_urlencoded::parse(text.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
        .collect();
    let timeout_ms = timeout_ms(query.remove("timeout").as_ref())?;
    let call = WebApiCall {
        kapp: kapp.to_owned(),
        slug: slug.to_owned(),
        data: data(caller, request, &query)?,
        key: crate::task::key(&request.headers)?,
        source: TASK_SOURCE_DEFAULT.to_owned(),
        is_admin: caller.is_space_admin,
        method: request.method.to_string(),
    };
    let run = app.workflows.call_web_api(&who, call).await?;
    let Some(timeout_ms) = timeout_ms else {
        let message = format!("Initiated run #{run}.");
        let answer = json!({ "messageType": "success", "message": message,
                             "runId": run.to_string() });
        return Ok(axum::Json(answer).into_response());
    };
    let failed = |status, key: &str, error: String| {
        let body = json!({ "errorKey": key, "error": error, "runId": run.to_string() });
        (status, axum::Json(body)).into_response()
    };
    Ok(match app.workflows.answer_of(&who, run, timeout_ms).await? {
        Answer::Returned(outputs) => returned(&outputs),
        Answer::Failed(error) => {
            failed(StatusCode::INTERNAL_SERVER_ERROR, "run_results_error", error)
        }
        Answer::Late => {
            let error = format!("The run #{run} has not answered in time; it goes on.");
            failed(StatusCode::GATEWAY_TIMEOUT, "run_results_timeout", error)
        }
    })
}

fn timeout_ms(given: Option<&Value>) -> Result<Option<i64>> {
    let Some(text) = given.and_then(Value::as_str).map(str::trim).filter(|t| !t.is_empty()) else {
        return Ok(None);
    };
    let seconds = text.parse().ok().filter(|s: &i64| (0..=TIMEOUT_MS_MAX / 1_000).contains(s));
    let wrong = || Error::bad_request("timeout is a number of seconds from 0 to 30.");
    seconds.map(|seconds| Some(seconds * 1_000)).ok_or_else(wrong)
}

/// The document of a request, as the tree's expressions see it.
fn data(caller: &Caller, request: &Request, query: &Map<String, Value>) -> Result<Value> {
    let body = std::str::from_utf8(&request.body);
    let body = body.map_err(|_| Error::bad_request("The body is not UTF-8 text."))?;
    let kind = request.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let params: Map<String, Value> = if kind.starts_with("application/x-www-form-urlencoded") {
        url::form_urlencoded::parse(body.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
            .collect()
    } else {
        serde_json::from_str(body).unwrap_or_default()
    };
    // What signs a caller in is nobody else's business.
    let secret = |name: &HeaderName| matches!(name.as_str(), "authorization" | "cookie");
    let headers: Map<String, Value> = request
        .headers
        .iter()
        .filter(|(name, _)| !secret(name))
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.into())))
        .collect();
    Ok(json!({
        "request": { "method": request.method.as_str(), "body": body,
                     "query": request.query.as_deref().unwrap_or_default() },
        "requestBodyParams": params,
        "requestHeaders": headers,
        "requestQueryParams": query,
        "requestedBy": { "username": caller.username, "spaceAdmin": caller.is_space_admin },
    }))
}

/// What a Return node says: `content`, `content_type`, `response_code` and `headers_json`.
fn returned(outputs: &Map<String, Value>) -> Response {
    let text = |name: &str| outputs.get(name).and_then(Value::as_str).unwrap_or_default().trim();
    let status = text("response_code").parse().ok().and_then(|n| StatusCode::from_u16(n).ok());
    let content = outputs.get("content").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut response = (status.unwrap_or(StatusCode::OK), content).into_response();
    let mut set = |name: &str, value: &str| {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    };
    let kind = text("content_type");
    set("content-type", if kind.is_empty() { "application/json" } else { kind });
    let headers: Map<String, Value> =
        serde_json::from_str(text("headers_json")).unwrap_or_default();
    for (name, value) in &headers {
        // What belongs to the connection or the session is not the tree's to say.
        let own = ["content-length", "transfer-encoding", "connection", "set-cookie"];
        if let Some(value) = value.as_str().filter(|_| !own.contains(&name.to_lowercase().as_str()))
        {
            set(name, value);
        }
    }
    response
}
