//! `/app/api/v1/dashboard`: is everything all right?

use crate::App;
use crate::auth::Caller;
use crate::error::Result;
use crate::input::Query;
use crate::webhooks::actor;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Minutes that are looked at unless the request says otherwise.
const MINUTES: i64 = 60;

/// The window to look at.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DashboardParams {
    /// The latest minutes: 60 unless given, a week at most.
    minutes: Option<i64>,
}

/// How things stand.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatusDocument {
    /// `good`, `attention` or `problem`.
    level: &'static str,
    /// The worst of it, in words.
    sentence: String,
}

/// Jobs by state; counting what is open stops at 10,000.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobFigures {
    queued: i64,
    in_progress: i64,
    /// Of the window.
    failed: i64,
    /// Of the window.
    complete: i64,
}

/// Runs by state; counting what is open stops at 10,000.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunFigures {
    running: i64,
    waiting: i64,
    error: i64,
    /// Of the window.
    complete: i64,
}

/// A webhook whose jobs failed in the window.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FailingDocument {
    webhook: String,
    kapp_slug: Option<String>,
    failed: i64,
    last_error: Option<String>,
}

/// One minute of the window, by when jobs were due.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MinuteDocument {
    at: String,
    complete: i64,
    failed: i64,
    queued: i64,
    runs: i64,
}

/// The figures of a space.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Dashboard)]
pub(crate) struct DashboardDocument {
    status: StatusDocument,
    jobs: JobFigures,
    runs: RunFigures,
    open_errors: i64,
    /// When the oldest waiting job was due.
    oldest_queued_at: Option<String>,
    failing_webhooks: Vec<FailingDocument>,
    series: Vec<MinuteDocument>,
    events24h: i64,
}

/// `{"dashboard":{…}}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DashboardAnswer {
    dashboard: DashboardDocument,
}

/// Tells how the space fares.
#[utoipa::path(get, path = "/app/api/v1/dashboard", tag = "Live", params(DashboardParams),
    responses((status = 200, description = "`{dashboard}`", body = DashboardAnswer)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<DashboardParams>,
) -> Result<axum::Json<DashboardAnswer>> {
    let minutes = params.minutes.unwrap_or(MINUTES);
    let (level, sentence, o) = app.webhooks.overview(&actor(&caller), minutes).await?;
    let failing = o.failing.into_iter().map(|f| FailingDocument {
        webhook: f.webhook,
        kapp_slug: f.kapp_slug,
        failed: f.failed,
        last_error: f.last_error,
    });
    let series = o.series.into_iter().map(|m| MinuteDocument {
        at: m.at.iso(),
        complete: m.complete,
        failed: m.failed,
        queued: m.queued,
        runs: m.runs,
    });
    let dashboard = DashboardDocument {
        status: StatusDocument { level: level.as_str(), sentence },
        jobs: JobFigures {
            queued: o.queued,
            in_progress: o.in_progress,
            failed: o.failed,
            complete: o.complete,
        },
        runs: RunFigures {
            running: o.runs_running,
            waiting: o.runs_waiting,
            error: o.runs_error,
            complete: o.runs_complete,
        },
        open_errors: o.open_errors,
        oldest_queued_at: o.oldest_queued_at.map(model::time::Micros::iso),
        failing_webhooks: failing.collect(),
        series: series.collect(),
        events24h: o.events_24h,
    };
    Ok(axum::Json(DashboardAnswer { dashboard }))
}
