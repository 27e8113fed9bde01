//! `/app/api/v1/retention`: how long a space keeps its history, what it takes up, and what a
//! policy would let go.

use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::input::Json;
use crate::webhooks::actor;
use axum::extract::State;
use model::retention::{LastPurge, Retention};
use model::time::Micros;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::retention::{Preview, Sweep};
use utoipa::ToSchema;
use webhooks::retention::Kept;

/// How long history is kept; null: for ever, or without a limit.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RetentionPolicy)]
pub(crate) struct PolicyDocument {
    /// Days for events and jobs, with attempts and timelines.
    age_days: Option<i64>,
    /// Days for what was sent and received; after that the rows stay without it.
    payload_days: Option<i64>,
    /// Days for finished runs, with tasks, triggers and errors.
    run_days: Option<i64>,
    /// Days for requests that inspectors recorded: 7 at most.
    inspector_days: i64,
    /// Bytes that history may take up, about; beyond them the oldest goes first.
    bytes_max: Option<i64>,
}

/// What the last purge did.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LastPurge)]
pub(crate) struct LastPurgeDocument {
    at: String,
    /// Rows of every kind that went.
    rows: i64,
    /// Jobs and events that stayed without what they carried.
    payloads: i64,
    /// Bytes that this freed, about.
    bytes: i64,
}

/// How long a space keeps its history, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Retention)]
pub(crate) struct RetentionDocument {
    policy: PolicyDocument,
    /// Whether it is the policy of spaces that set none.
    is_default: bool,
    /// Bytes that history takes up, about; what is younger than some minutes is not in it yet.
    bytes: i64,
    /// The time of the oldest row that is kept.
    oldest_kept_at: Option<String>,
    /// Null until history was gone through for the first time.
    last_purge: Option<LastPurgeDocument>,
}

/// `{"retention":{…}}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RetentionAnswer {
    retention: RetentionDocument,
}

/// A policy.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetentionChangeDocument {
    /// The whole policy; properties it lacks are the defaults; null: the default policy.
    #[schema(value_type = Option<PolicyDocument>)]
    policy: Value,
}

/// A policy to look at.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RetentionPreviewDocument {
    /// Without it the policy in force.
    #[schema(value_type = Option<PolicyDocument>)]
    policy: Option<Value>,
}

/// How many would go.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RetentionCount)]
pub(crate) struct CountDocument {
    count: i64,
    /// Whether that is all; otherwise it is "at least".
    is_exact: bool,
}

/// What a policy would let go now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RetentionPreview)]
pub(crate) struct PreviewAnswer {
    events: CountDocument,
    jobs: CountDocument,
    runs: CountDocument,
    /// Events that would stay without their payload.
    event_payloads: CountDocument,
    /// Jobs that would stay without what they sent and received.
    job_payloads: CountDocument,
    /// Whether the policy keeps less of anything than the one in force.
    is_shorter: bool,
}

fn policy(retention: Retention) -> PolicyDocument {
    PolicyDocument {
        age_days: retention.age_days,
        payload_days: retention.payload_days,
        run_days: retention.run_days,
        inspector_days: retention.inspector_days,
        bytes_max: retention.bytes_max,
    }
}

fn answer(kept: &Kept) -> axum::Json<RetentionAnswer> {
    let last = |last: LastPurge| LastPurgeDocument {
        at: last.at.iso(),
        rows: last.rows,
        payloads: last.payloads,
        bytes: last.bytes,
    };
    axum::Json(RetentionAnswer {
        retention: RetentionDocument {
            policy: policy(kept.policy),
            is_default: kept.is_default,
            bytes: kept.bytes,
            oldest_kept_at: kept.oldest.map(Micros::iso),
            last_purge: kept.last.map(last),
        },
    })
}

/// Reads how long the space keeps its history, and what it takes up.
#[utoipa::path(get, path = "/app/api/v1/retention", tag = "Retention",
    responses((status = 200, description = "`{retention}`", body = RetentionAnswer)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
) -> Result<axum::Json<RetentionAnswer>> {
    Ok(answer(&app.webhooks.retention(&actor(&caller)).await?))
}

/// Changes how long the space keeps its history. What is too old then begins to go at once.
#[utoipa::path(put, path = "/app/api/v1/retention", tag = "Retention",
    request_body = RetentionChangeDocument,
    responses((status = 200, description = "`{retention}`", body = RetentionAnswer)))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<RetentionChangeDocument>,
) -> Result<axum::Json<RetentionAnswer>> {
    Ok(answer(&app.webhooks.update_retention(&actor(&caller), body.policy).await?))
}

/// Counts what a policy would let go now. Nothing is changed.
#[utoipa::path(post, path = "/app/api/v1/retention/preview", tag = "Retention",
    request_body = RetentionPreviewDocument,
    responses((status = 200, description = "Counts.", body = PreviewAnswer)))]
pub(crate) async fn preview(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<RetentionPreviewDocument>,
) -> Result<axum::Json<PreviewAnswer>> {
    let found = app.webhooks.preview_retention(&actor(&caller), body.policy.as_ref()).await?;
    let of = |wanted: Sweep| {
        let found = found.counts.iter().find(|(sweep, _)| *sweep == wanted);
        found.map_or_else(CountDocument::default, |(_, Preview { count, is_exact })| {
            CountDocument { count: *count, is_exact: *is_exact }
        })
    };
    Ok(axum::Json(PreviewAnswer {
        events: of(Sweep::Events),
        jobs: of(Sweep::Jobs),
        runs: of(Sweep::Runs),
        event_payloads: of(Sweep::EventPayloads),
        job_payloads: of(Sweep::JobPayloads),
        is_shorter: found.is_shorter,
    }))
}

/// What waits because the database was restored from a copy.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Restoration)]
pub(crate) struct RestorationDocument {
    /// When it was noticed; what is older waits.
    restored_at: String,
    /// Why the database is taken for restored.
    reason: String,
    /// Whether jobs wait for a decision, and how many do: 100,000 are counted at most.
    are_jobs_held: bool,
    jobs: i64,
    /// Whether runs and schedules wait, and how many runs would go on by themselves.
    are_runs_held: bool,
    runs: i64,
}

/// `{"restoration":{…}}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RestorationAnswer {
    /// Null when nothing waits.
    restoration: Option<RestorationDocument>,
}

/// Decisions; what is left out goes on waiting.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DecisionDocument {
    /// `send`: as if nothing had happened, a second time where it was sent after the copy was
    /// made; `cancel`: not at all.
    jobs: Option<String>,
    /// `continue`, or `cancel` those that would go on by themselves. Runs that wait for a person
    /// or a later time stay.
    runs: Option<String>,
}

async fn waiting(app: &App, caller: &Caller) -> Result<axum::Json<RestorationAnswer>> {
    let found = app.webhooks.restoration(&actor(caller)).await?;
    let document = |found: webhooks::restored::Waiting| RestorationDocument {
        restored_at: found.held.restored_at.iso(),
        reason: found.held.reason,
        are_jobs_held: found.held.are_jobs_held,
        jobs: found.jobs,
        are_runs_held: found.held.are_runs_held,
        runs: found.runs,
    };
    Ok(axum::Json(RestorationAnswer { restoration: found.map(document) }))
}

/// Reads what waits since the database was restored from a copy.
#[utoipa::path(get, path = "/app/api/v1/restoration", tag = "Retention",
    responses((status = 200, description = "`{restoration}`", body = RestorationAnswer)))]
pub(crate) async fn read_restoration(
    State(app): State<App>,
    caller: Caller,
) -> Result<axum::Json<RestorationAnswer>> {
    waiting(&app, &caller).await
}

/// Decides about what waits since the database was restored from a copy.
#[utoipa::path(post, path = "/app/api/v1/restoration/actions", tag = "Retention",
    request_body = DecisionDocument,
    responses((status = 200, description = "`{restoration}`", body = RestorationAnswer)))]
pub(crate) async fn decide(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<DecisionDocument>,
) -> Result<axum::Json<RestorationAnswer>> {
    use webhooks::restored::JobsDecision;
    use workflows::restored::RunsDecision;
    let jobs = match body.jobs.as_deref() {
        None => None,
        Some("send") => Some(JobsDecision::Send),
        Some("cancel") => Some(JobsDecision::Cancel),
        Some(other) => {
            let text = format!("There is no decision '{other}' about jobs: send or cancel");
            return Err(Error::bad_request(text));
        }
    };
    let runs = match body.runs.as_deref() {
        None => None,
        Some("continue") => Some(RunsDecision::Continue),
        Some("cancel") => Some(RunsDecision::Cancel),
        Some(other) => {
            let text = format!("There is no decision '{other}' about runs: continue or cancel");
            return Err(Error::bad_request(text));
        }
    };
    if let Some(decision) = jobs {
        app.webhooks.decide_restored_jobs(&actor(&caller), decision).await?;
    }
    if let Some(decision) = runs {
        app.workflows.decide_restored_runs(&crate::task::actor(&caller), decision).await?;
    }
    waiting(&app, &caller).await
}
