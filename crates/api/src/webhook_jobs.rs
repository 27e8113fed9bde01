//! `/app/api/v1/webhookJobs` and the kapps' own: what was sent where, and what came back; retry
//! and cancel.

mod document;

pub(crate) use document::{JobDocument, document};

use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::include::{Include, IncludeQuery};
use crate::input::{Json, Path, Query};
use crate::webhooks::actor;
use axum::extract::State;
use model::id::{EventId, JobId};
use model::job::{ErrorClass, State as JobState};
use model::limits;
use model::time::Micros;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use webhooks::jobs::{JobChange, JobQuery, NewJob};

/// Which jobs to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct JobParams {
    /// `details`, `attempts`, `event`, `run`, `request`, separated by commas; `summary` leaves out
    /// what was sent and received.
    include: Option<String>,
    /// Whether to list the jobs of every kapp's webhooks too; present without a value counts as
    /// yes.
    all: Option<String>,
    /// A status in any case; several are separated by commas.
    status: Option<String>,
    /// The same as `status`.
    statuses: Option<String>,
    /// Why the last attempt failed, such as `timeout`; several are separated by commas.
    error_class: Option<String>,
    /// The id of a job.
    id: Option<String>,
    /// A scheme, host and perhaps port: jobs that go there.
    endpoint: Option<String>,
    /// A part of the URL, in any case.
    url: Option<String>,
    /// The name of a webhook.
    webhook: Option<String>,
    /// A type, such as `Submission`.
    #[serde(rename = "type")]
    type_name: Option<String>,
    /// The kind of a record; goes with `parentKey`.
    parent_type: Option<String>,
    /// The key of a record: slug, username, id; goes with `parentType`.
    parent_key: Option<String>,
    /// The event that made them.
    event_id: Option<String>,
    /// Due at this time or later, ISO 8601.
    start: Option<String>,
    /// Due before this time, ISO 8601.
    end: Option<String>,
    /// The same as `start`.
    from: Option<String>,
    /// The same as `end`.
    to: Option<String>,
    /// Text in the name, URL, summary or record.
    q: Option<String>,
    /// Text in what was sent or received, in any case.
    text: Option<String>,
    /// Whether `text` is looked for in the summary as well; present without a value counts as
    /// yes.
    include_summary: Option<String>,
    /// Rows of a page: 25 unless given, 1,000 at most.
    limit: Option<i64>,
    /// The `nextPageToken` of the page before.
    page_token: Option<String>,
}

impl JobParams {
    fn query(self, kapp: Option<String>) -> Result<JobQuery> {
        if self.webhook.as_ref().is_some_and(|name| name.trim().is_empty()) {
            return Err(Error::bad_request("The webhook parameter must not be blank"));
        }
        let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let parent = match (given(self.parent_type), given(self.parent_key)) {
            (Some(kind), Some(key)) => Some((kind, key)),
            (None, None) => None,
            _ => {
                return Err(Error::bad_request(
                    "The parameters parentType and parentKey must be given together",
                ));
            }
        };
        let text = given(self.text);
        if text.as_ref().is_some_and(|text| text.chars().count() > limits::NAME_CHARS_MAX) {
            let max = limits::NAME_CHARS_MAX;
            return Err(Error::bad_request(format!(
                "The text parameter must not be longer than {max} characters"
            )));
        }
        let yes = |flag: Option<String>| flag.is_some_and(|t| !t.eq_ignore_ascii_case("false"));
        let (status, class) = (given(self.status.or(self.statuses)), given(self.error_class));
        let (start, end) = (given(self.start), given(self.end));
        let (from, to) = (given(self.from), given(self.to));
        let without_bodies = Include::parse(self.include.as_deref()).has("summary");
        Ok(JobQuery {
            kapp,
            all: yes(self.all),
            id: given(self.id).map(JobId),
            states: status.map(|text| states(&text)).transpose()?.unwrap_or_default(),
            classes: class.map(|text| classes(&text)).transpose()?.unwrap_or_default(),
            webhook: self.webhook,
            type_name: given(self.type_name),
            event_id: given(self.event_id).map(EventId),
            parent,
            start: either(("start", start), ("from", from))?,
            end: either(("end", end), ("to", to))?,
            endpoint: given(self.endpoint),
            url: given(self.url),
            text: given(self.q),
            content: text,
            content_or_summary: yes(self.include_summary),
            without_bodies,
            limit: self.limit,
            page_token: given(self.page_token),
        })
    }
}

/// Reads the names of states.
pub(crate) fn states(text: &str) -> Result<Vec<JobState>> {
    let state = |name: &str| {
        JobState::parse(name.trim()).ok_or_else(|| {
            let known = JobState::ALL.map(JobState::as_str).join(", ");
            Error::bad_request(format!("There is no status \"{name}\"; there are {known}"))
        })
    };
    text.split(',').map(state).collect()
}

/// Reads the classes of failures.
pub(crate) fn classes(text: &str) -> Result<Vec<ErrorClass>> {
    let class = |name: &str| {
        ErrorClass::parse(name.trim()).ok_or_else(|| {
            let known = ErrorClass::ALL.map(ErrorClass::as_str).join(", ");
            Error::bad_request(format!("There is no error class \"{name}\"; there are {known}"))
        })
    };
    text.split(',').map(class).collect()
}

/// Reads the instant of a parameter that has two names.
fn either(one: (&str, Option<String>), other: (&str, Option<String>)) -> Result<Option<Micros>> {
    let (name, text) = if one.1.is_some() { one } else { other };
    text.map(|text| instant(name, &text)).transpose()
}

pub(crate) fn instant(parameter: &str, text: &str) -> Result<Micros> {
    Micros::parse_iso(text).ok_or_else(|| {
        Error::bad_request(format!(
            "The {parameter} parameter must be a time such as 2026-04-08T02:35:35Z, not \"{text}\""
        ))
    })
}

/// `{"webhookJobs":[…]}`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobList {
    webhook_jobs: Vec<JobDocument>,
    /// Give it back as `pageToken` for the next page; null on the last one.
    next_page_token: Option<String>,
    /// How far a search looked that no index answers. With a `nextPageToken` there may be more
    /// jobs, even when this page is short or empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    looked: Option<LookedDocument>,
    /// Always empty; clients read it.
    messages: Vec<String>,
}

/// How far a search looked, job by job.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Looked)]
pub(crate) struct LookedDocument {
    /// How many jobs it looked at.
    rows: i64,
    /// It looked at every job due at this time or later; null: at the whole history.
    back_to: Option<String>,
}

/// `{"webhookJob":{…}}`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobAnswer {
    webhook_job: JobDocument,
}

/// How many jobs stand in each status; counting stops at 10,000.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobCounts {
    all: i64,
    queued: i64,
    in_progress: i64,
    failed: i64,
    /// The number at which counting stops.
    max: i64,
    /// Whether these are the exact numbers; otherwise some of them are "at least".
    is_exact: bool,
}

/// `{"counts":{…}}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobCountsAnswer {
    counts: JobCounts,
}

async fn list_of(
    app: &App,
    caller: &Caller,
    kapp: Option<String>,
    params: JobParams,
) -> Result<axum::Json<JobList>> {
    let include = Include::parse(params.include.as_deref());
    let page = app.webhooks.jobs(&actor(caller), params.query(kapp)?).await?;
    Ok(axum::Json(JobList {
        webhook_jobs: page.items.iter().map(|found| document(found, &include)).collect(),
        next_page_token: page.next_page_token,
        looked: page.looked.map(|looked| LookedDocument {
            rows: looked.rows,
            back_to: looked.back_to.map(Micros::iso),
        }),
        messages: Vec::new(),
    }))
}

/// Lists the jobs of the space's own webhooks, or of all, newest first.
#[utoipa::path(get, path = "/app/api/v1/webhookJobs", tag = "Webhook jobs", params(JobParams),
    responses((status = 200, description = "`{webhookJobs, nextPageToken}`", body = JobList)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<JobParams>,
) -> Result<axum::Json<JobList>> {
    list_of(&app, &caller, None, params).await
}

/// Lists the jobs of a kapp's webhooks, newest first.
#[utoipa::path(get, path = "/app/api/v1/kapps/{kapp}/webhookJobs", tag = "Webhook jobs",
    params(("kapp" = String, Path, description = "The kapp's slug."), JobParams),
    responses((status = 200, description = "`{webhookJobs, nextPageToken}`", body = JobList)))]
pub(crate) async fn list_kapp(
    State(app): State<App>,
    caller: Caller,
    Path(kapp): Path<String>,
    Query(params): Query<JobParams>,
) -> Result<axum::Json<JobList>> {
    list_of(&app, &caller, Some(kapp), params).await
}

/// Counts what the same query would list, by status.
#[utoipa::path(get, path = "/app/api/v1/webhookJobs/counts", tag = "Webhook jobs",
    params(JobParams),
    responses((status = 200, description = "`{counts}`", body = JobCountsAnswer)))]
pub(crate) async fn counts(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<JobParams>,
) -> Result<axum::Json<JobCountsAnswer>> {
    let counts = app.webhooks.job_counts(&actor(&caller), params.query(None)?).await?;
    let counts = JobCounts {
        all: counts.all,
        queued: counts.queued,
        in_progress: counts.in_progress,
        failed: counts.failed,
        max: webhooks::jobs::COUNT_MAX,
        is_exact: counts.is_exact,
    };
    Ok(axum::Json(JobCountsAnswer { counts }))
}

/// A job to be made by hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewJobDocument {
    name: Option<String>,
    #[serde(rename = "type")]
    type_name: Option<String>,
    event: Option<String>,
    /// Where it goes.
    url: String,
    /// The body it sends: text, or any JSON.
    #[schema(value_type = Option<Object>)]
    request_content: Option<Value>,
    parent_type: Option<String>,
    parent_id: Option<String>,
    parent_key: Option<String>,
}

async fn create_in(
    app: &App,
    caller: &Caller,
    kapp: Option<String>,
    body: NewJobDocument,
) -> Result<axum::Json<JobAnswer>> {
    let text = Option::unwrap_or_default;
    let new = NewJob {
        kapp,
        name: text(body.name),
        type_name: text(body.type_name),
        event: text(body.event),
        url: body.url,
        request_content: match body.request_content {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text,
            Some(other) => other.to_string(),
        },
        parent: (text(body.parent_type), text(body.parent_id), text(body.parent_key)),
    };
    let job = app.webhooks.create_job(&actor(caller), new).await?;
    read_in(app, caller, None, &job.id, &Include::default()).await
}

/// Creates a job by hand and queues it.
#[utoipa::path(post, path = "/app/api/v1/webhookJobs", tag = "Webhook jobs",
    request_body = NewJobDocument,
    responses((status = 200, description = "`{webhookJob}`", body = JobAnswer)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<NewJobDocument>,
) -> Result<axum::Json<JobAnswer>> {
    create_in(&app, &caller, None, body).await
}

/// Creates a job of a kapp by hand and queues it.
#[utoipa::path(post, path = "/app/api/v1/kapps/{kapp}/webhookJobs", tag = "Webhook jobs",
    params(("kapp" = String, Path, description = "The kapp's slug.")),
    request_body = NewJobDocument,
    responses((status = 200, description = "`{webhookJob}`", body = JobAnswer)))]
pub(crate) async fn create_kapp(
    State(app): State<App>,
    caller: Caller,
    Path(kapp): Path<String>,
    Json(body): Json<NewJobDocument>,
) -> Result<axum::Json<JobAnswer>> {
    create_in(&app, &caller, Some(kapp), body).await
}

async fn read_in(
    app: &App,
    caller: &Caller,
    kapp: Option<&str>,
    id: &JobId,
    include: &Include,
) -> Result<axum::Json<JobAnswer>> {
    let actor = actor(caller);
    let detail = app.webhooks.job(&actor, kapp, id).await?;
    let mut webhook_job = document::single(&detail, include);
    if include.has("signature") {
        webhook_job.add_signatures(app.webhooks.check_signatures(&actor, &detail).await?);
    }
    if include.has("timeline") {
        webhook_job.add_timeline(app.webhooks.timeline(&actor, kapp, id).await?);
    }
    Ok(axum::Json(JobAnswer { webhook_job }))
}

/// Reads a job; `include=timeline` tells what happened to it and why it waits,
/// `include=attempts` shows each attempt with its timings, `include=signature` each
/// with the check of its signatures.
#[utoipa::path(get, path = "/app/api/v1/webhookJobs/{id}", tag = "Webhook jobs",
    params(("id" = String, Path, description = "The job's id."), IncludeQuery),
    responses((status = 200, description = "`{webhookJob}`", body = JobAnswer)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<JobAnswer>> {
    read_in(&app, &caller, None, &JobId(id), &query.read()).await
}

/// Reads a job of a kapp.
#[utoipa::path(get, path = "/app/api/v1/kapps/{kapp}/webhookJobs/{id}", tag = "Webhook jobs",
    params(("kapp" = String, Path, description = "The kapp's slug."),
        ("id" = String, Path, description = "The job's id."), IncludeQuery),
    responses((status = 200, description = "`{webhookJob}`", body = JobAnswer)))]
pub(crate) async fn read_kapp(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, id)): Path<(String, String)>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<JobAnswer>> {
    read_in(&app, &caller, Some(&kapp), &JobId(id), &query.read()).await
}

/// A change of a job.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct JobChangeDocument {
    /// `Queued` tries (again), `Cancelled` gives up; in any case.
    status: Option<String>,
    /// Where to send it instead.
    url: Option<String>,
}

async fn update_in(
    app: &App,
    caller: &Caller,
    kapp: Option<&str>,
    id: String,
    body: JobChangeDocument,
    include: &Include,
) -> Result<axum::Json<JobAnswer>> {
    let (id, change) = (JobId(id), JobChange { status: body.status, url: body.url });
    app.webhooks.update_job(&actor(caller), kapp, &id, &change).await?;
    read_in(app, caller, kapp, &id, include).await
}

/// Retries, cancels or edits a job.
#[utoipa::path(put, path = "/app/api/v1/webhookJobs/{id}", tag = "Webhook jobs",
    params(("id" = String, Path, description = "The job's id."), IncludeQuery),
    request_body = JobChangeDocument,
    responses((status = 200, description = "`{webhookJob}`", body = JobAnswer)))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<JobChangeDocument>,
) -> Result<axum::Json<JobAnswer>> {
    update_in(&app, &caller, None, id, body, &query.read()).await
}

/// Retries, cancels or edits a job of a kapp.
#[utoipa::path(put, path = "/app/api/v1/kapps/{kapp}/webhookJobs/{id}", tag = "Webhook jobs",
    params(("kapp" = String, Path, description = "The kapp's slug."),
        ("id" = String, Path, description = "The job's id."), IncludeQuery),
    request_body = JobChangeDocument,
    responses((status = 200, description = "`{webhookJob}`", body = JobAnswer)))]
pub(crate) async fn update_kapp(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, id)): Path<(String, String)>,
    Query(query): Query<IncludeQuery>,
    Json(body): Json<JobChangeDocument>,
) -> Result<axum::Json<JobAnswer>> {
    update_in(&app, &caller, Some(&kapp), id, body, &query.read()).await
}

/// Deletes a job with its attempts.
#[utoipa::path(delete, path = "/app/api/v1/webhookJobs/{id}", tag = "Webhook jobs",
    params(("id" = String, Path, description = "The job's id."), IncludeQuery),
    responses((status = 200, description = "`{webhookJob}` as it was", body = JobAnswer)))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<JobAnswer>> {
    let found = app.webhooks.delete_job(&actor(&caller), None, &JobId(id)).await?;
    Ok(axum::Json(JobAnswer { webhook_job: document(&found, &query.read()) }))
}

/// Deletes a job of a kapp with its attempts.
#[utoipa::path(delete, path = "/app/api/v1/kapps/{kapp}/webhookJobs/{id}", tag = "Webhook jobs",
    params(("kapp" = String, Path, description = "The kapp's slug."),
        ("id" = String, Path, description = "The job's id."), IncludeQuery),
    responses((status = 200, description = "`{webhookJob}` as it was", body = JobAnswer)))]
pub(crate) async fn delete_kapp(
    State(app): State<App>,
    caller: Caller,
    Path((kapp, id)): Path<(String, String)>,
    Query(query): Query<IncludeQuery>,
) -> Result<axum::Json<JobAnswer>> {
    let found = app.webhooks.delete_job(&actor(&caller), Some(&kapp), &JobId(id)).await?;
    Ok(axum::Json(JobAnswer { webhook_job: document(&found, &query.read()) }))
}
