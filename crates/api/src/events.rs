//! `/app/api/v1/events`: what happened, what each webhook made of it, and what it led to.

use crate::App;
use crate::auth::Caller;
use crate::error::Result;
use crate::include::Include;
use crate::input::{Path, Query};
use crate::webhook_jobs::{self, JobDocument};
use crate::webhooks::actor;
use axum::extract::State;
use model::event::{Verdict, WebhookVerdict};
use model::id::EventId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::events::Summary;
use utoipa::{IntoParams, ToSchema};
use webhooks::history::{EventDetail, EventQuery};

/// Which events to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct EventParams {
    /// A type, such as `Submission`.
    #[serde(rename = "type")]
    type_name: Option<String>,
    /// An event, such as `Submitted`.
    event: Option<String>,
    /// The slug of a kapp.
    kapp: Option<String>,
    /// The kind of a record, such as `Submission`.
    parent_type: Option<String>,
    /// The key of a record: slug, username, id.
    parent_key: Option<String>,
    /// Text in the label, the record's key or the actor.
    q: Option<String>,
    /// Rows of a page: 25 unless given, 1,000 at most.
    limit: Option<i64>,
    /// The `nextPageToken` of the page before.
    page_token: Option<String>,
}

/// How many webhooks fired, did not match, or could not tell.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerdictCounts {
    fired: usize,
    not_matched: usize,
    errors: usize,
}

/// An event in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EventSummary)]
pub(crate) struct EventDocument {
    id: String,
    #[serde(rename = "type")]
    type_name: String,
    event: String,
    /// `Space` or `Kapp`.
    level: String,
    kapp_slug: Option<String>,
    entity_type: String,
    entity_id: String,
    entity_key: String,
    /// What names the record to a person.
    label: String,
    /// The username that acted.
    actor: String,
    created_at: String,
    /// How many events lie between the outside action and this one.
    depth: i64,
    trace_id: String,
    verdicts: VerdictCounts,
    /// How many jobs it has.
    jobs: i64,
    /// When retention removed its payload; null while it is there.
    payload_removed_at: Option<String>,
}

/// `{"events":[…]}`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventList {
    events: Vec<EventDocument>,
    /// Give it back as `pageToken` for the next page; null on the last one.
    next_page_token: Option<String>,
}

/// What one webhook made of an event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerdictDocument {
    webhook_id: String,
    webhook: String,
    /// `Space` or `Kapp`.
    scope: String,
    /// The kapp the webhook is defined on.
    kapp_slug: Option<String>,
    /// `fired`, `not_matched`, `filter_error`, `url_error`, `template_error`, `depth_limit` or
    /// `disabled`.
    verdict: String,
    message: Option<String>,
    job_id: Option<String>,
}

/// What led to an event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CauseDocument {
    event_id: Option<String>,
    run_id: Option<i64>,
    task_id: Option<i64>,
}

/// A run that an event started.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunOfEvent {
    id: i64,
    /// The title of its tree.
    tree: String,
    status: String,
    job_id: Option<String>,
}

/// An event with everything it led to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Event)]
pub(crate) struct EventDetailDocument {
    id: String,
    #[serde(rename = "type")]
    type_name: String,
    event: String,
    level: String,
    kapp_slug: Option<String>,
    entity_type: String,
    entity_id: String,
    entity_key: String,
    label: String,
    actor: String,
    created_at: String,
    depth: i64,
    trace_id: String,
    /// The document that webhooks got.
    #[schema(value_type = Object)]
    payload: Value,
    /// When retention removed the payload; null while it is there.
    payload_removed_at: Option<String>,
    /// What differs from before, by part of the payload: `{values: {Field: {from, to}}}`.
    #[schema(value_type = Object)]
    changes: Map<String, Value>,
    verdicts: Vec<VerdictDocument>,
    jobs: Vec<JobDocument>,
    runs: Vec<RunOfEvent>,
    cause: CauseDocument,
    /// The events that its runs caused.
    caused: Vec<EventDocument>,
}

/// `{"event":{…}}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventAnswer {
    event: EventDetailDocument,
}

fn document(summary: &Summary) -> EventDocument {
    let count = |of: fn(Verdict) -> bool| summary.verdicts.iter().filter(|v| of(v.verdict)).count();
    EventDocument {
        id: summary.id.to_string(),
        type_name: summary.type_name.clone(),
        event: summary.event.clone(),
        level: summary.level.clone(),
        kapp_slug: summary.kapp_slug.clone(),
        entity_type: summary.entity_type.clone(),
        entity_id: summary.entity_id.clone(),
        entity_key: summary.entity_key.clone(),
        label: summary.label.clone(),
        actor: summary.actor.clone(),
        created_at: summary.created_at.iso(),
        depth: summary.depth,
        trace_id: summary.trace_id.to_string(),
        verdicts: VerdictCounts {
            fired: count(|v| v == Verdict::Fired),
            not_matched: count(|v| matches!(v, Verdict::NotMatched | Verdict::Disabled)),
            errors: count(|v| {
                matches!(
                    v,
                    Verdict::FilterError
                        | Verdict::UrlError
                        | Verdict::TemplateError
                        | Verdict::DepthLimit
                )
            }),
        },
        jobs: summary.jobs,
        payload_removed_at: summary.payload_removed_at.map(model::time::Micros::iso),
    }
}

fn verdict(verdict: &WebhookVerdict, kapp_slug: Option<&String>) -> VerdictDocument {
    VerdictDocument {
        webhook_id: verdict.webhook_id.to_string(),
        webhook: verdict.webhook.clone(),
        scope: verdict.scope.clone(),
        kapp_slug: kapp_slug.filter(|_| verdict.scope == "Kapp").cloned(),
        verdict: json!(verdict.verdict).as_str().unwrap_or_default().to_owned(),
        message: verdict.message.clone(),
        job_id: verdict.job_id.as_ref().map(ToString::to_string),
    }
}

fn detail(detail: EventDetail) -> EventDetailDocument {
    let summary = document(&detail.summary);
    let payload: Value = serde_json::from_str(&detail.payload).unwrap_or(Value::Null);
    let slug = detail.summary.kapp_slug.as_ref();
    EventDetailDocument {
        id: summary.id,
        type_name: summary.type_name,
        event: summary.event,
        level: summary.level,
        kapp_slug: summary.kapp_slug,
        entity_type: summary.entity_type,
        entity_id: summary.entity_id,
        entity_key: summary.entity_key,
        label: summary.label,
        actor: summary.actor,
        created_at: summary.created_at,
        depth: summary.depth,
        trace_id: summary.trace_id,
        changes: changes(&payload),
        payload,
        payload_removed_at: summary.payload_removed_at,
        verdicts: detail.summary.verdicts.iter().map(|v| verdict(v, slug)).collect(),
        jobs: detail
            .jobs
            .iter()
            .map(|job| webhook_jobs::document(job, &Include::default()))
            .collect(),
        runs: detail
            .runs
            .into_iter()
            .map(|run| RunOfEvent {
                id: run.id.0,
                tree: run.tree,
                status: run.state,
                job_id: run.job_id.map(|id| id.0),
            })
            .collect(),
        cause: CauseDocument {
            event_id: detail.summary.cause_event_id.as_ref().map(ToString::to_string),
            run_id: detail.summary.cause_run_id.map(|id| id.0),
            task_id: detail.summary.cause_task_id.map(|id| id.0),
        },
        caused: detail.caused.iter().map(document).collect(),
    }
}

/// The payload's own lists of what differs, `valuesChanges` and the like, by what they are about.
fn changes(payload: &Value) -> Map<String, Value> {
    let parts = payload.as_object().into_iter().flatten();
    let changes = parts.filter_map(|(name, value)| {
        let about = name.strip_suffix("Changes")?;
        Some((about.to_owned(), value.clone()))
    });
    changes.collect()
}

/// Lists events, newest first.
#[utoipa::path(get, path = "/app/api/v1/events", tag = "Events", params(EventParams),
    responses((status = 200, description = "`{events, nextPageToken}`", body = EventList)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<EventParams>,
) -> Result<axum::Json<EventList>> {
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let query = EventQuery {
        type_name: given(params.type_name),
        event: given(params.event),
        kapp: given(params.kapp),
        parent_type: given(params.parent_type),
        parent_key: given(params.parent_key),
        text: given(params.q),
        limit: params.limit,
        page_token: given(params.page_token),
    };
    let page = app.webhooks.events(&actor(&caller), query).await?;
    Ok(axum::Json(EventList {
        events: page.items.iter().map(document).collect(),
        next_page_token: page.next_page_token,
    }))
}

/// Reads an event with its payload, verdicts, jobs, runs and what it caused.
#[utoipa::path(get, path = "/app/api/v1/events/{id}", tag = "Events",
    params(("id" = String, Path, description = "The event's id.")),
    responses((status = 200, description = "`{event}`", body = EventAnswer)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<EventAnswer>> {
    let found = app.webhooks.event(&actor(&caller), &EventId(id)).await?;
    Ok(axum::Json(EventAnswer { event: detail(found) }))
}
