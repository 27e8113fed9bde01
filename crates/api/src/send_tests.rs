//! `…/webhooks/{name}/send-test`: delivers a test event to a webhook's target, now.

use crate::App;
use crate::auth::Caller;
use crate::error::Result;
use crate::include::Include;
use crate::input::{Json, Path};
use crate::webhook_jobs::{JobDocument, document};
use crate::webhooks::actor;
use axum::extract::State;
use model::id::EventId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the test event is made from.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TestDocument {
    /// None: the latest of the webhook's type and event, or a sample when there is none.
    event_id: Option<String>,
}

/// The job that delivers the test.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TestAnswer {
    /// Its `parentType` is `Webhook Test`.
    webhook_job: JobDocument,
    /// The event it was made from; null for a sample.
    event_id: Option<String>,
}

async fn send_in(
    app: &App,
    caller: &Caller,
    kapp: Option<&str>,
    name: &str,
    body: TestDocument,
) -> Result<axum::Json<TestAnswer>> {
    let event = body.event_id.filter(|id| !id.is_empty()).map(EventId);
    let actor = actor(caller);
    let sent = app.webhooks.send_test(&actor, kapp, name, event).await?;
    let detail = app.webhooks.job(&actor, None, &sent.job.id).await?;
    Ok(axum::Json(TestAnswer {
        webhook_job: document(&detail.found, &Include::default()),
        event_id: sent.event_id.map(|id| id.0),
    }))
}

/// Delivers a test event to a webhook of the space now, whatever its filter says.
#[utoipa::path(post, path = "/app/api/v1/webhooks/{name}/send-test", tag = "Webhooks",
    params(("name" = String, Path, description = "The webhook's name.")),
    request_body = TestDocument,
    responses((status = 200, description = "`{webhookJob, eventId}`", body = TestAnswer)))]
pub(crate) async fn send(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Json(body): Json<TestDocument>,
) -> Result<axum::Json<TestAnswer>> {
    send_in(&app, &caller, None, &name, body).await
}

/// Delivers a test event to a webhook of a kapp now, whatever its filter says.
#[utoipa::path(post, path = "/app/api/v1/kapps/{kapp}/webhooks/{name}/send-test",
    tag = "Webhooks",
    params(("kapp" = String, Path, description = "The kapp's slug."),
        ("name" = String, Path, description = "The webhook's name.")),
    request_body = TestDocument,
    responses((status = 200, description = "`{webhookJob, eventId}`", body = TestAnswer)))]
pub(crate) async fn send_kapp(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, name)): Path<(String, String)>,
    Json(body): Json<TestDocument>,
) -> Result<axum::Json<TestAnswer>> {
    send_in(&app, &caller, Some(&kapp), &name, body).await
}
