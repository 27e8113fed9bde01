//! `/app/api/v1/recoveries`: sending again, making what is missing, and calling off, many jobs.

use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::include::Include;
use crate::input::{Json, Path, Query};
use crate::webhook_jobs::{self, JobDocument};
use crate::webhooks::actor;
use axum::extract::State;
use model::id::{JobId, RecoveryId};
use model::recovery::{Filter, Mode, Recovery, Status};
use model::time::Micros;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use webhooks::recovery::NewRecovery;

/// Which jobs, or in mode `missing` which events, a recovery is about.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = RecoveryFilter)]
pub(crate) struct FilterDocument {
    /// Due (or happened) at this time or later, ISO 8601.
    from: Option<String>,
    /// Due (or happened) before this time, ISO 8601; the present when it is left out.
    to: Option<String>,
    /// Statuses of jobs: `Failed` unless given to send again, `Queued` to call off.
    statuses: Vec<String>,
    /// Why the last attempt failed, such as `timeout`; several are separated by commas.
    error_class: Option<String>,
    /// The name of a webhook.
    webhook: Option<String>,
    /// The slug of a kapp; otherwise the jobs of every place.
    kapp_slug: Option<String>,
    /// A scheme, host and perhaps port.
    endpoint: Option<String>,
    /// Text in what was sent or received.
    text: Option<String>,
}

impl FilterDocument {
    fn read(self) -> Result<Filter> {
        let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let instant = |name, text: Option<String>| {
            given(text).map(|text| webhook_jobs::instant(name, &text)).transpose()
        };
        let statuses = self.statuses.iter().map(|text| webhook_jobs::states(text));
        let classes = given(self.error_class).map(|text| webhook_jobs::classes(&text));
        Ok(Filter {
            from: instant("from", self.from)?,
            to: instant("to", self.to)?,
            statuses: statuses.collect::<Result<Vec<_>>>()?.concat(),
            error_class: classes.transpose()?.unwrap_or_default(),
            webhook: given(self.webhook),
            kapp_slug: given(self.kapp_slug),
            endpoint: given(self.endpoint),
            text: given(self.text),
        })
    }

    fn of(filter: &Filter) -> Self {
        let classes: Vec<_> = filter.error_class.iter().map(|class| class.as_str()).collect();
        Self {
            from: filter.from.map(Micros::iso),
            to: filter.to.map(Micros::iso),
            statuses: filter.statuses.iter().map(|state| state.as_str().to_owned()).collect(),
            error_class: (!classes.is_empty()).then(|| classes.join(",")),
            webhook: filter.webhook.clone(),
            kapp_slug: filter.kapp_slug.clone(),
            endpoint: filter.endpoint.clone(),
            text: filter.text.clone(),
        }
    }
}

/// A recovery that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewRecovery)]
pub(crate) struct NewRecoveryDocument {
    /// `replay` sends jobs again, `missing` makes the jobs of events that match a webhook now and
    /// never had one of it, `cancel` calls off jobs that wait.
    mode: String,
    #[serde(default)]
    filter: FilterDocument,
    /// These jobs and no others; 10,000 at most.
    #[serde(default)]
    ids: Vec<String>,
    /// Jobs in a second: 50 unless given, 1,000 at most.
    rate_per_second: Option<f64>,
    /// Why.
    note: Option<String>,
}

impl NewRecoveryDocument {
    fn read(self) -> Result<NewRecovery> {
        let mode = Mode::parse(&self.mode).ok_or_else(|| {
            let known = Mode::ALL.map(Mode::as_str).join(", ");
            Error::bad_request(format!("There is no mode \"{}\"; there are {known}", self.mode))
        })?;
        Ok(NewRecovery {
            mode,
            filter: self.filter.read()?,
            ids: self.ids.into_iter().map(JobId).collect(),
            rate_per_second: self.rate_per_second,
            note: self.note,
        })
    }
}

/// A recovery and how far it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Recovery)]
pub(crate) struct RecoveryDocument {
    id: String,
    /// `replay`, `missing` or `cancel`.
    mode: &'static str,
    filter: FilterDocument,
    /// How many jobs were named one by one; null when a filter names them.
    ids: Option<usize>,
    note: Option<String>,
    /// `Running`, `Paused`, `Complete` or `Cancelled`.
    status: &'static str,
    /// Jobs, or events to look at, that were counted when it began.
    total: i64,
    /// Whether `total` is the exact number; otherwise it is "at least".
    is_total_exact: bool,
    /// Jobs sent again, made or called off.
    done: i64,
    /// Jobs that others had changed, and events that lacked nothing.
    skipped: i64,
    /// Jobs that could not be dealt with; `message` says why of the latest.
    failed: i64,
    rate_per_second: f64,
    created_at: String,
    created_by: String,
    finished_at: Option<String>,
    message: Option<String>,
}

fn document(recovery: &Recovery) -> RecoveryDocument {
    RecoveryDocument {
        id: recovery.id.to_string(),
        mode: recovery.mode.as_str(),
        filter: FilterDocument::of(&recovery.filter),
        ids: recovery.ids.as_ref().map(Vec::len),
        note: recovery.note.clone(),
        status: recovery.status.as_str(),
        total: recovery.total,
        is_total_exact: recovery.is_total_exact,
        done: recovery.done,
        skipped: recovery.skipped,
        failed: recovery.failed,
        rate_per_second: recovery.rate_per_second,
        created_at: recovery.created_at.iso(),
        created_by: recovery.created_by.clone(),
        finished_at: recovery.finished_at.map(Micros::iso),
        message: recovery.message.clone(),
    }
}

/// `{"recovery":{…}}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecoveryAnswer {
    recovery: RecoveryDocument,
}

fn answer(recovery: &Recovery) -> axum::Json<RecoveryAnswer> {
    axum::Json(RecoveryAnswer { recovery: document(recovery) })
}

/// `{"recoveries":[…]}`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RecoveryList {
    recoveries: Vec<RecoveryDocument>,
    /// Give it back as `pageToken` for the next page; null on the last one.
    next_page_token: Option<String>,
}

/// Jobs of one webhook.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CountOfWebhook {
    webhook: String,
    count: i64,
}

/// Jobs whose last attempt failed for one reason.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CountOfClass {
    /// `none` for jobs without a failure.
    error_class: String,
    count: i64,
}

/// What a recovery would do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RecoveryPreview)]
pub(crate) struct PreviewDocument {
    /// Jobs it would deal with.
    count: i64,
    /// Whether that is the exact number; otherwise it is "at least".
    is_exact: bool,
    by_webhook: Vec<CountOfWebhook>,
    by_class: Vec<CountOfClass>,
    /// The first it would deal with, without what was sent and received.
    sample: Vec<JobDocument>,
}

/// `{"preview":{…}}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewAnswer {
    preview: PreviewDocument,
}

/// Tells what a recovery would do, without doing it.
#[utoipa::path(post, path = "/app/api/v1/recoveries/preview", tag = "Recoveries",
    request_body = NewRecoveryDocument,
    responses((status = 200, description = "`{preview}`", body = PreviewAnswer)))]
pub(crate) async fn preview(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<NewRecoveryDocument>,
) -> Result<axum::Json<PreviewAnswer>> {
    let preview = app.webhooks.preview_recovery(&actor(&caller), body.read()?).await?;
    let webhook = |(webhook, count)| CountOfWebhook { webhook, count };
    let class = |(error_class, count)| CountOfClass { error_class, count };
    let include = Include::default();
    Ok(axum::Json(PreviewAnswer {
        preview: PreviewDocument {
            count: preview.count,
            is_exact: preview.is_exact,
            by_webhook: preview.by_webhook.into_iter().map(webhook).collect(),
            by_class: preview.by_class.into_iter().map(class).collect(),
            sample: preview
                .sample
                .iter()
                .map(|found| webhook_jobs::document(found, &include))
                .collect(),
        },
    }))
}

/// Begins a recovery.
#[utoipa::path(post, path = "/app/api/v1/recoveries", tag = "Recoveries",
    request_body = NewRecoveryDocument,
    responses((status = 200, description = "`{recovery}`", body = RecoveryAnswer)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<NewRecoveryDocument>,
) -> Result<axum::Json<RecoveryAnswer>> {
    Ok(answer(&app.webhooks.create_recovery(&actor(&caller), body.read()?).await?))
}

/// Which recoveries to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct RecoveryParams {
    /// Rows of a page: 25 unless given, 1,000 at most.
    limit: Option<i64>,
    /// The `nextPageToken` of the page before.
    page_token: Option<String>,
}

/// Lists recoveries, newest first.
#[utoipa::path(get, path = "/app/api/v1/recoveries", tag = "Recoveries", params(RecoveryParams),
    responses((status = 200, description = "`{recoveries, nextPageToken}`", body = RecoveryList)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<RecoveryParams>,
) -> Result<axum::Json<RecoveryList>> {
    let token = params.page_token.as_deref().filter(|token| !token.is_empty());
    let page = app.webhooks.recoveries(&actor(&caller), params.limit, token).await?;
    Ok(axum::Json(RecoveryList {
        recoveries: page.items.iter().map(document).collect(),
        next_page_token: page.next_page_token,
    }))
}

/// Reads a recovery.
#[utoipa::path(get, path = "/app/api/v1/recoveries/{id}", tag = "Recoveries",
    params(("id" = String, Path, description = "The recovery's id.")),
    responses((status = 200, description = "`{recovery}`", body = RecoveryAnswer)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<RecoveryAnswer>> {
    Ok(answer(&app.webhooks.recovery(&actor(&caller), &RecoveryId(id)).await?))
}

/// What to do with a recovery.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecoveryAction {
    /// `pause`, `resume` or `cancel`.
    action: String,
}

/// Pauses, resumes or calls off a recovery; what it did stays done.
#[utoipa::path(post, path = "/app/api/v1/recoveries/{id}/actions", tag = "Recoveries",
    params(("id" = String, Path, description = "The recovery's id.")),
    request_body = RecoveryAction,
    responses((status = 200, description = "`{recovery}`", body = RecoveryAnswer)))]
pub(crate) async fn act(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<RecoveryAction>,
) -> Result<axum::Json<RecoveryAnswer>> {
    let status = match body.action.as_str() {
        "pause" => Status::Paused,
        "resume" => Status::Running,
        "cancel" => Status::Cancelled,
        other => {
            return Err(Error::bad_request(format!(
                "There is no action \"{other}\"; there are pause, resume and cancel"
            )));
        }
    };
    Ok(answer(&app.webhooks.set_recovery(&actor(&caller), &RecoveryId(id), status).await?))
}
