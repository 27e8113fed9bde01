//! `/app/api/v1/notices`: what the space was told about its webhooks, and which are in trouble.

use crate::App;
use crate::auth::Caller;
use crate::error::Result;
use crate::input::Query;
use crate::webhooks::actor;
use axum::extract::State;
use model::notice::{Notice, Trouble};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A notice.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Notice)]
pub(crate) struct NoticeDocument {
    id: String,
    at: String,
    /// `Failing`, `Recovered` or `Disabled`.
    kind: &'static str,
    webhook_id: String,
    /// The webhook's name at the time.
    webhook: String,
    /// What happened, in words.
    message: String,
    /// The event that told the same to webhooks.
    event_id: String,
    /// The job that failed, or that was delivered again.
    job_id: String,
    mail: NoticeMailDocument,
}

/// The mail of a notice.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NoticeMail)]
pub(crate) struct NoticeMailDocument {
    /// `None`, `Waiting`, `Sent` or `Failed`.
    state: &'static str,
    to: Vec<String>,
    tries: i64,
    /// Why the last try failed.
    error: Option<String>,
}

fn document(notice: Notice) -> NoticeDocument {
    NoticeDocument {
        id: notice.id.0,
        at: notice.at.iso(),
        kind: notice.kind.as_str(),
        webhook_id: notice.webhook_id.0,
        webhook: notice.webhook,
        message: notice.message,
        event_id: notice.event_id.0,
        job_id: notice.job_id.0,
        mail: NoticeMailDocument {
            state: notice.mail.as_str(),
            to: notice.mail_to,
            tries: notice.mail_tries,
            error: notice.mail_error,
        },
    }
}

/// A webhook in trouble.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Trouble)]
pub(crate) struct TroubleDocument {
    webhook_id: String,
    since: String,
    /// Failures in a row when it began.
    failures: i64,
    /// Whether the server disabled the webhook.
    disabled: bool,
    error_class: Option<String>,
    message: String,
    job_id: String,
}

fn trouble(trouble: Trouble) -> TroubleDocument {
    TroubleDocument {
        webhook_id: trouble.webhook_id.0,
        since: trouble.since.iso(),
        failures: trouble.failures,
        disabled: trouble.is_disabled,
        error_class: trouble.error_class,
        message: trouble.message,
        job_id: trouble.job_id.0,
    }
}

/// Which notices to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct NoticeParams {
    /// Rows of a page, 25 unless given, at most 1,000.
    limit: Option<i64>,
    /// The `nextPageToken` of the page before.
    page_token: Option<String>,
}

/// `{"notices":[…]}`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NoticeList {
    notices: Vec<NoticeDocument>,
    /// Give it back as `pageToken` for the next page; null on the last one.
    next_page_token: Option<String>,
}

/// `{"troubles":[…]}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TroubleList {
    troubles: Vec<TroubleDocument>,
}

/// Lists what the space was told about its webhooks, newest first.
#[utoipa::path(get, path = "/app/api/v1/notices", tag = "Delivery", params(NoticeParams),
    responses((status = 200, description = "`{notices, nextPageToken}`", body = NoticeList)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<NoticeParams>,
) -> Result<axum::Json<NoticeList>> {
    let token = params.page_token.as_deref().filter(|token| !token.trim().is_empty());
    let page = app.webhooks.notices(&actor(&caller), params.limit, token).await?;
    let notices = page.items.into_iter().map(document).collect();
    Ok(axum::Json(NoticeList { notices, next_page_token: page.next_page_token }))
}

/// Lists the webhooks that fail or were disabled, those first that have been for longest.
#[utoipa::path(get, path = "/app/api/v1/notices/troubles", tag = "Delivery",
    responses((status = 200, description = "`{troubles}`", body = TroubleList)))]
pub(crate) async fn troubles(
    State(app): State<App>,
    caller: Caller,
) -> Result<axum::Json<TroubleList>> {
    let troubles = app.webhooks.troubles(&actor(&caller)).await?;
    Ok(axum::Json(TroubleList { troubles: troubles.into_iter().map(trouble).collect() }))
}
