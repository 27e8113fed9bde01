//! `/app/api/v1/delivery`: the policy by which a space delivers, and pauses of a webhook or of
//! everything.

use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::input::{Json, Path};
use crate::webhooks::{WebhookAnswer, actor, detailed};
use axum::extract::State;
use model::delivery::Settings;
use model::time::Micros;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use webhooks::delivery::{Pause, SettingsChange};

/// How a space delivers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Delivery)]
pub(crate) struct DeliveryDocument {
    /// Whether all deliveries wait.
    paused: bool,
    paused_by: Option<String>,
    paused_at: Option<String>,
    /// `attempts`, `firstWaitMs`, `factor`, `maxWaitMs`, `jitter`, `giveUpAfterMs`, `classes`,
    /// `breaker` (`failures`, `openMs`, `maxOpenMs`), `concurrency`, `ratePerSecond`.
    #[schema(value_type = Object)]
    policy: Value,
    /// `ageDays`, `payloadDays`, `runDays`, `inspectorDays`, `bytesMax`, as `/retention` tells
    /// them; null: the default.
    #[schema(value_type = Option<Object>)]
    retention: Option<Value>,
    /// `failures` in a row from which a webhook counts as failing, `mailTo`.
    #[schema(value_type = Object)]
    notices: Value,
    /// Whether the server has a mail server, without which nobody in `mailTo` gets a mail; its
    /// operator sets `KAPOK_SMTP_URL`.
    has_mail_server: bool,
}

/// `{"delivery":{…}}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryAnswer {
    delivery: DeliveryDocument,
}

fn answer(app: &App, settings: Settings) -> Result<axum::Json<DeliveryAnswer>> {
    let policy = serde_json::to_value(&settings.policy).map_err(|e| Error::internal(&e))?;
    let notices = serde_json::to_value(&settings.notices).map_err(|e| Error::internal(&e))?;
    Ok(axum::Json(DeliveryAnswer {
        delivery: DeliveryDocument {
            paused: settings.paused,
            paused_by: settings.paused_by,
            paused_at: settings.paused_at.map(Micros::iso),
            policy,
            retention: settings.retention,
            notices,
            has_mail_server: app.settings.has_mail_server,
        },
    }))
}

/// A change of how a space delivers; what is left out stays. The read-only properties are ignored,
/// since clients send back what they read.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DeliveryChangeDocument {
    /// The whole policy; properties it lacks are the defaults.
    #[schema(value_type = Option<Object>)]
    policy: Option<Value>,
    #[schema(value_type = Option<Object>)]
    retention: Option<Value>,
    /// All of them; properties they lack are the defaults.
    #[schema(value_type = Option<Object>)]
    notices: Option<Value>,
    #[serde(rename = "paused")]
    _paused: Option<bool>,
    #[serde(rename = "pausedBy")]
    _paused_by: Option<String>,
    #[serde(rename = "pausedAt")]
    _paused_at: Option<String>,
    #[serde(rename = "hasMailServer")]
    _has_mail_server: Option<bool>,
}

/// Whether to wait.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PauseDocument {
    /// `pause` or `resume`.
    action: String,
}

/// Reads how the space delivers.
#[utoipa::path(get, path = "/app/api/v1/delivery", tag = "Delivery",
    responses((status = 200, description = "`{delivery}`", body = DeliveryAnswer)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
) -> Result<axum::Json<DeliveryAnswer>> {
    answer(&app, app.webhooks.delivery(&actor(&caller)).await?)
}

/// Changes how the space delivers.
#[utoipa::path(put, path = "/app/api/v1/delivery", tag = "Delivery",
    request_body = DeliveryChangeDocument,
    responses((status = 200, description = "`{delivery}`", body = DeliveryAnswer)))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<DeliveryChangeDocument>,
) -> Result<axum::Json<DeliveryAnswer>> {
    let change =
        SettingsChange { policy: body.policy, retention: body.retention, notices: body.notices };
    answer(&app, app.webhooks.update_delivery(&actor(&caller), &change).await?)
}

/// Pauses or resumes all deliveries of the space.
#[utoipa::path(post, path = "/app/api/v1/delivery/actions", tag = "Delivery",
    request_body = PauseDocument,
    responses((status = 200, description = "`{delivery}`", body = DeliveryAnswer)))]
pub(crate) async fn act(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<PauseDocument>,
) -> Result<axum::Json<DeliveryAnswer>> {
    let pause = Pause::parse(&body.action)?;
    answer(&app, app.webhooks.pause_deliveries(&actor(&caller), pause).await?)
}

async fn act_in(
    app: &App,
    caller: &Caller,
    kapp: Option<&str>,
    name: &str,
    body: &PauseDocument,
) -> Result<axum::Json<WebhookAnswer>> {
    let pause = Pause::parse(&body.action)?;
    let webhook = app.webhooks.pause_webhook(&actor(caller), kapp, name, pause).await?;
    Ok(detailed(&webhook))
}

/// Pauses or resumes the deliveries of a webhook of the space; it fires all the same.
#[utoipa::path(post, path = "/app/api/v1/webhooks/{name}/actions", tag = "Delivery",
    params(("name" = String, Path, description = "The webhook's name.")),
    request_body = PauseDocument,
    responses((status = 200, description = "`{webhook}`", body = WebhookAnswer)))]
pub(crate) async fn act_webhook(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Json(body): Json<PauseDocument>,
) -> Result<axum::Json<WebhookAnswer>> {
    act_in(&app, &caller, None, &name, &body).await
}

/// Pauses or resumes the deliveries of a webhook of a kapp; it fires all the same.
#[utoipa::path(post, path = "/app/api/v1/kapps/{kapp}/webhooks/{name}/actions", tag = "Delivery",
    params(("kapp" = String, Path, description = "The kapp's slug."),
        ("name" = String, Path, description = "The webhook's name.")),
    request_body = PauseDocument,
    responses((status = 200, description = "`{webhook}`", body = WebhookAnswer)))]
pub(crate) async fn act_webhook_kapp(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, name)): Path<(String, String)>,
    Json(body): Json<PauseDocument>,
) -> Result<axum::Json<WebhookAnswer>> {
    act_in(&app, &caller, Some(&kapp), &name, &body).await
}
