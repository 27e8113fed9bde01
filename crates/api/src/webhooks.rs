//! `/app/api/v1/webhooks` and the kapps' own: what to call when something happens, the
//! conventional set, and trying a webhook out.

use crate::App;
use crate::auth::Caller;
use crate::error::Result;
use crate::include::{Details, Include, IncludeQuery};
use crate::input::{self, Json, Path, Query};
use axum::extract::State;
use model::id::EventId;
use model::webhook::Webhook;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use webhooks::definitions::{PROPERTIES, WebhookInput};
use webhooks::trial::{Draft, Trial};

/// A webhook as clients read it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Webhook)]
pub(crate) struct WebhookDocument {
    id: String,
    /// Unique in its space or kapp.
    name: String,
    /// Such as `Submission`.
    #[serde(rename = "type")]
    type_name: String,
    /// Such as `Submitted`.
    event: String,
    /// A JavaScript expression; blank fires always.
    filter: String,
    /// A URL with `${…}` parts; a leading `/` means this server's workflows.
    url: String,
    /// The legacy signature strategy, without its secret.
    #[schema(value_type = Option<Object>)]
    auth_strategy: Option<Value>,
    /// How its requests are made: headers, auth, signing, format, template, certificates; each
    /// secret as `{"set": true}`.
    #[schema(value_type = Object)]
    request: Value,
    /// Whether it fires.
    enabled: bool,
    /// With `include=details`: whether its jobs wait for a person to resume it.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<bool>,
    /// With `include=details`: why it was disabled, when not by a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_reason: Option<String>,
    /// With `include=details`: what it delivers differently from its space, and `ttlMs`,
    /// `orderBy`, `delayMs`, `coalesceBy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    delivery: Option<Value>,
    /// With `include=details`.
    #[serde(flatten)]
    details: Option<Details>,
}

/// `{"webhook":{…}}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookAnswer {
    webhook: WebhookDocument,
}

/// `{"webhooks":[…]}`; the list has no pages.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookList {
    webhooks: Vec<WebhookDocument>,
    /// Always empty; clients read it.
    messages: Vec<String>,
}

/// What became of the conventional set.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConventionalAnswer {
    /// Webhooks that were created.
    created: Vec<WebhookDocument>,
    /// Names of those that existed.
    skipped: Vec<String>,
}

fn document(webhook: &Webhook, include: &Include) -> WebhookDocument {
    WebhookDocument {
        id: webhook.id.to_string(),
        name: webhook.name.clone(),
        type_name: webhook.type_name.clone(),
        event: webhook.event.clone(),
        filter: webhook.filter.clone(),
        url: webhook.url.clone(),
        auth_strategy: webhook.auth_strategy.clone().map(without_secret),
        request: webhooks::definitions::shown_request(webhook),
        enabled: webhook.enabled,
        paused: include.has("details").then_some(webhook.paused),
        disabled_reason: webhook.disabled_reason.clone().filter(|_| include.has("details")),
        delivery: include.has("details").then(|| json!(webhook.delivery)),
        details: include.details(&webhook.audit),
    }
}

/// A secret is never given out again.
fn without_secret(mut strategy: Value) -> Value {
    let properties = strategy.get_mut("properties").and_then(Value::as_array_mut);
    for property in properties.into_iter().flatten() {
        if property.get("sensitive") == Some(&Value::Bool(true))
            && let Some(property) = property.as_object_mut()
        {
            property.remove("value");
            property.remove("sealed");
        }
    }
    strategy
}

fn answer(webhook: &Webhook, query: &IncludeQuery) -> axum::Json<WebhookAnswer> {
    axum::Json(WebhookAnswer { webhook: document(webhook, &query.read()) })
}

/// A webhook with its details.
pub(crate) fn detailed(webhook: &Webhook) -> axum::Json<WebhookAnswer> {
    let include = Include::parse(Some("details"));
    axum::Json(WebhookAnswer { webhook: document(webhook, &include) })
}

/// The caller as the webhooks engine knows it.
pub(crate) fn actor(caller: &Caller) -> webhooks::Actor {
    webhooks::Actor {
        space_id: caller.space_id.clone(),
        username: caller.username.clone(),
        is_space_admin: caller.is_space_admin,
    }
}

fn read_input(body: &Map<String, Value>) -> Result<WebhookInput> {
    input::require_known(body, PROPERTIES)?;
    Ok(WebhookInput::from_json(body)?)
}

async fn list_of(
    app: &App,
    caller: &Caller,
    kapp: Option<&str>,
    query: &IncludeQuery,
) -> Result<axum::Json<WebhookList>> {
    let include = query.read();
    let webhooks = app.webhooks.webhooks(&actor(caller), kapp).await?;
    let webhooks = webhooks.iter().map(|webhook| document(webhook, &include)).collect();
    Ok(axum::Json(WebhookList { webhooks, messages: Vec::new() }))
}

/// Lists the space's own webhooks.
#[utoipa::path(get, path = "/app/api/v1/webhooks", tag = "Webhooks", params(IncludeQuery),
    responses((status = 200, description = "`{webhooks}`", body = WebhookList)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<WebhookList>> {
    list_of(&app, &caller, None, &query).await
}

/// Lists the webhooks of a kapp.
#[utoipa::path(get, path = "/app/api/v1/kapps/{kapp}/webhooks", tag = "Webhooks",
    params(("kapp" = String, Path, description = "The kapp's slug."), IncludeQuery),
    responses((status = 200, description = "`{webhooks}`", body = WebhookList)))]
pub(crate) async fn list_kapp(
    State(app): State<App>,
    caller: Caller,
    Path(kapp): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<WebhookList>> {
    list_of(&app, &caller, Some(&kapp), &query).await
}

/// Creates a webhook of the space.
#[utoipa::path(post, path = "/app/api/v1/webhooks", tag = "Webhooks", params(IncludeQuery),
    request_body = inline(Object),
    responses((status = 200, description = "`{webhook}`", body = WebhookAnswer)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Map<String, Value>>,
) -> Result<axum::Json<WebhookAnswer>> {
    let input = read_input(&body)?;
    Ok(answer(&app.webhooks.create_webhook(&actor(&caller), None, &input).await?, &query))
}

/// Creates a webhook of a kapp.
#[utoipa::path(post, path = "/app/api/v1/kapps/{kapp}/webhooks", tag = "Webhooks",
    params(("kapp" = String, Path, description = "The kapp's slug."), IncludeQuery),
    request_body = inline(Object),
    responses((status = 200, description = "`{webhook}`", body = WebhookAnswer)))]
pub(crate) async fn create_kapp(
    State(app): State<App>,
    caller: Caller,
    Path(kapp): Path<String>,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Map<String, Value>>,
) -> Result<axum::Json<WebhookAnswer>> {
    let input = read_input(&body)?;
    let made = app.webhooks.create_webhook(&actor(&caller), Some(&kapp), &input).await?;
    Ok(answer(&made, &query))
}

/// Reads a webhook of the space.
#[utoipa::path(get, path = "/app/api/v1/webhooks/{name}", tag = "Webhooks",
    params(("name" = String, Path, description = "The webhook's name."), IncludeQuery),
    responses((status = 200, description = "`{webhook}`", body = WebhookAnswer)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<WebhookAnswer>> {
    Ok(answer(&app.webhooks.webhook(&actor(&caller), None, &name).await?, &query))
}

/// Reads a webhook of a kapp.
#[utoipa::path(get, path = "/app/api/v1/kapps/{kapp}/webhooks/{name}", tag = "Webhooks",
    params(("kapp" = String, Path, description = "The kapp's slug."),
        ("name" = String, Path, description = "The webhook's name."), IncludeQuery),
    responses((status = 200, description = "`{webhook}`", body = WebhookAnswer)))]
pub(crate) async fn read_kapp(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, name)): Path<(String, String)>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<WebhookAnswer>> {
    Ok(answer(&app.webhooks.webhook(&actor(&caller), Some(&kapp), &name).await?, &query))
}

/// Changes a webhook of the space: only the properties that are given.
#[utoipa::path(put, path = "/app/api/v1/webhooks/{name}", tag = "Webhooks",
    params(("name" = String, Path, description = "The webhook's name."), IncludeQuery),
    request_body = inline(Object),
    responses((status = 200, description = "`{webhook}`", body = WebhookAnswer)))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Map<String, Value>>,
) -> Result<axum::Json<WebhookAnswer>> {
    let input = read_input(&body)?;
    let changed = app.webhooks.update_webhook(&actor(&caller), None, &name, &input).await?;
    Ok(answer(&changed, &query))
}

/// Changes a webhook of a kapp: only the properties that are given.
#[utoipa::path(put, path = "/app/api/v1/kapps/{kapp}/webhooks/{name}", tag = "Webhooks",
    params(("kapp" = String, Path, description = "The kapp's slug."),
        ("name" = String, Path, description = "The webhook's name."), IncludeQuery),
    request_body = inline(Object),
    responses((status = 200, description = "`{webhook}`", body = WebhookAnswer)))]
pub(crate) async fn update_kapp(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, name)): Path<(String, String)>,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<Map<String, Value>>,
) -> Result<axum::Json<WebhookAnswer>> {
    let input = read_input(&body)?;
    let changed = app.webhooks.update_webhook(&actor(&caller), Some(&kapp), &name, &input).await?;
    Ok(answer(&changed, &query))
}

/// Deletes a webhook of the space; its jobs stay.
#[utoipa::path(delete, path = "/app/api/v1/webhooks/{name}", tag = "Webhooks",
    params(("name" = String, Path, description = "The webhook's name."), IncludeQuery),
    responses((status = 200, description = "`{webhook}` as it was", body = WebhookAnswer)))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<WebhookAnswer>> {
    Ok(answer(&app.webhooks.delete_webhook(&actor(&caller), None, &name).await?, &query))
}

/// Deletes a webhook of a kapp; its jobs stay.
#[utoipa::path(delete, path = "/app/api/v1/kapps/{kapp}/webhooks/{name}", tag = "Webhooks",
    params(("kapp" = String, Path, description = "The kapp's slug."),
        ("name" = String, Path, description = "The webhook's name."), IncludeQuery),
    responses((status = 200, description = "`{webhook}` as it was", body = WebhookAnswer)))]
pub(crate) async fn delete_kapp(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, name)): Path<(String, String)>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<WebhookAnswer>> {
    Ok(answer(&app.webhooks.delete_webhook(&actor(&caller), Some(&kapp), &name).await?, &query))
}

async fn conventional(
    app: &App,
    caller: &Caller,
    kapp: Option<&str>,
) -> Result<axum::Json<ConventionalAnswer>> {
    let set = app.webhooks.create_conventional(&actor(caller), kapp).await?;
    let include = Include::default();
    let created = set.created.iter().map(|webhook| document(webhook, &include)).collect();
    Ok(axum::Json(ConventionalAnswer { created, skipped: set.skipped }))
}

/// Creates the conventional webhooks of the space that do not exist yet.
#[utoipa::path(post, path = "/app/api/v1/webhooks-conventional", tag = "Webhooks",
    responses((status = 200, description = "`{created, skipped}`", body = ConventionalAnswer)))]
pub(crate) async fn create_conventional(
    State(app): State<App>,
    caller: Caller,
) -> Result<axum::Json<ConventionalAnswer>> {
    conventional(&app, &caller, None).await
}

/// Creates the conventional webhooks of a kapp that do not exist yet.
#[utoipa::path(post, path = "/app/api/v1/kapps/{kapp}/webhooks-conventional", tag = "Webhooks",
    params(("kapp" = String, Path, description = "The kapp's slug.")),
    responses((status = 200, description = "`{created, skipped}`", body = ConventionalAnswer)))]
pub(crate) async fn create_conventional_kapp(
    State(app): State<App>,
    caller: Caller,
    Path(kapp): Path<String>,
) -> Result<axum::Json<ConventionalAnswer>> {
    conventional(&app, &caller, Some(&kapp)).await
}

/// A webhook that is not saved yet, to be tried.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DraftDocument {
    /// The kapp it is for; none: the space.
    kapp_slug: Option<String>,
    #[serde(rename = "type")]
    type_name: String,
    event: String,
    filter: Option<String>,
    url: Option<String>,
    /// How its requests are made, as in a webhook.
    #[schema(value_type = Option<Object>)]
    request: Option<Value>,
    /// The name of the saved webhook of that place whose secrets the draft keeps.
    webhook: Option<String>,
    /// The event to try it with; none: the latest of that type and event.
    event_id: Option<String>,
}

/// The event to try a webhook with.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TrialDocument {
    /// None: the latest of its type and event.
    event_id: Option<String>,
}

/// What a webhook would make of an event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TrialResult {
    event_id: String,
    /// `fired`, `not_matched`, `filter_error`, `url_error` or `template_error`.
    verdict: String,
    /// The filter's value.
    #[schema(value_type = Option<Object>)]
    value: Option<Value>,
    /// The reason, or what would keep the request from being sent.
    message: Option<String>,
    /// The rendered URL.
    url: Option<String>,
    /// The event's document.
    #[schema(value_type = Object)]
    payload: Value,
    /// The request that would be sent; null when none would, or a workflow is started instead.
    request: Option<PreviewDocument>,
}

/// A request that would be sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RequestPreview)]
pub(crate) struct PreviewDocument {
    /// Pairs of name and value, secrets masked.
    #[schema(value_type = Vec<Vec<String>>)]
    headers: Vec<(String, String)>,
    body: String,
}

/// `{"test":{…}}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TrialAnswer {
    test: TrialResult,
}

fn tried(trial: Trial) -> axum::Json<TrialAnswer> {
    axum::Json(TrialAnswer {
        test: TrialResult {
            event_id: trial.event_id.0,
            verdict: json!(trial.verdict).as_str().unwrap_or_default().to_owned(),
            value: trial.value,
            message: trial.message,
            url: trial.url,
            payload: trial.payload,
            request: trial
                .request
                .map(|request| PreviewDocument { headers: request.headers, body: request.body }),
        },
    })
}

/// Tries a draft against a recorded event; nothing is sent.
#[utoipa::path(post, path = "/app/api/v1/webhook-test", tag = "Webhooks",
    request_body = DraftDocument,
    responses((status = 200, description = "`{test}`", body = TrialAnswer)))]
pub(crate) async fn try_draft(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<DraftDocument>,
) -> Result<axum::Json<TrialAnswer>> {
    let kapp = body.kapp_slug.filter(|slug| !slug.is_empty());
    let saved = match body.webhook.filter(|name| !name.is_empty()) {
        Some(name) => Some(app.webhooks.webhook(&actor(&caller), kapp.as_deref(), &name).await?),
        None => None,
    };
    let draft = Draft {
        kapp,
        type_name: body.type_name,
        event: body.event,
        filter: body.filter.unwrap_or_default(),
        url: body.url.unwrap_or_default(),
        request: body.request,
        saved,
        event_id: body.event_id.filter(|id| !id.is_empty()).map(EventId),
    };
    Ok(tried(app.webhooks.try_draft(&actor(&caller), draft).await?))
}

/// Tries a webhook of the space against a recorded event; nothing is sent.
#[utoipa::path(post, path = "/app/api/v1/webhooks/{name}/test", tag = "Webhooks",
    params(("name" = String, Path, description = "The webhook's name.")),
    request_body = TrialDocument,
    responses((status = 200, description = "`{test}`", body = TrialAnswer)))]
pub(crate) async fn try_out(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Json(body): Json<TrialDocument>,
) -> Result<axum::Json<TrialAnswer>> {
    let event = body.event_id.filter(|id| !id.is_empty()).map(EventId);
    Ok(tried(app.webhooks.try_webhook(&actor(&caller), None, &name, event).await?))
}

/// Tries a webhook of a kapp against a recorded event; nothing is sent.
#[utoipa::path(post, path = "/app/api/v1/kapps/{kapp}/webhooks/{name}/test", tag = "Webhooks",
    params(("kapp" = String, Path, description = "The kapp's slug."),
        ("name" = String, Path, description = "The webhook's name.")),
    request_body = TrialDocument,
    responses((status = 200, description = "`{test}`", body = TrialAnswer)))]
pub(crate) async fn try_out_kapp(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, name)): Path<(String, String)>,
    Json(body): Json<TrialDocument>,
) -> Result<axum::Json<TrialAnswer>> {
    let event = body.event_id.filter(|id| !id.is_empty()).map(EventId);
    Ok(tried(app.webhooks.try_webhook(&actor(&caller), Some(&kapp), &name, event).await?))
}
