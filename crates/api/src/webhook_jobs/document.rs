//! A webhook job as clients read it.

use crate::include::{Details, Include};
use model::job::{Attempt, ErrorClass, State};
use serde::Serialize;
use store::jobs::Found;
use utoipa::ToSchema;
use webhooks::jobs::JobDetail;
use webhooks::sign::{Checked, SignatureCheck};
use webhooks::timeline::Entry;

/// A webhook job as clients read it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookJob)]
pub(crate) struct JobDocument {
    id: String,
    /// The webhook's name.
    name: String,
    webhook_id: Option<String>,
    /// Such as `Submission`.
    #[serde(rename = "type")]
    type_name: String,
    /// Type and event, such as `Submission Submitted`.
    event: String,
    /// Where it was, or will be, sent.
    url: String,
    /// `Queued`, `In Progress`, `Complete`, `Failed` or `Cancelled`.
    status: String,
    /// The outcome in a few words, such as `200 OK`.
    summary: Option<String>,
    /// Why its last attempt failed, such as `timeout`; null once one succeeded.
    error_class: Option<&'static str>,
    /// The body sent.
    request_content: Option<String>,
    /// The body received.
    response_content: Option<String>,
    /// When retention removed what was sent and received; null while it is there.
    payload_removed_at: Option<String>,
    /// Attempts after the first one.
    retry_count: i64,
    /// When it is, or was, due.
    scheduled_at: String,
    /// `Space` or `Kapp`.
    scope_type: String,
    /// The id of the space or kapp.
    scope_id: String,
    kapp_slug: Option<String>,
    /// The record it is about.
    parent_id: String,
    /// Its kind; `Webhook Test` for a test.
    parent_type: String,
    parent_key: String,
    event_id: Option<String>,
    /// The number of the run it started.
    run_id: Option<i64>,
    trace_id: String,
    /// The recovery that sent it again, made it or called it off last.
    recovery_id: Option<String>,
    started_at: Option<String>,
    finished_at: Option<String>,
    /// When it is tried next; null when nothing more happens by itself.
    next_attempt_at: Option<String>,
    /// With `include=details`.
    #[serde(flatten)]
    details: Option<Details>,
    /// With `include=attempts` or `include=signature`, for a single job.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<Vec<AttemptDocument>>,
    /// With `include=timeline`, for a single job: first to last; of a job that waits the last
    /// line says why.
    #[serde(skip_serializing_if = "Option::is_none")]
    timeline: Option<Vec<TimelineDocument>>,
    /// With `include=run`, for a single job.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<RunOfJob>,
}

/// One line of a job's timeline.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TimelineEntry)]
pub(crate) struct TimelineDocument {
    at: String,
    /// The status of the job from then on.
    state: &'static str,
    /// What happened, in words.
    reason: String,
    /// Who did it.
    actor: Option<String>,
    /// The number of the attempt it is about.
    attempt: Option<i64>,
}

/// The run a job started.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunOfJob {
    id: i64,
    /// The title of its tree.
    tree: Option<String>,
    status: Option<String>,
}

/// One try to deliver a job.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Attempt)]
pub(crate) struct AttemptDocument {
    number: i64,
    started_at: String,
    duration_ms: f64,
    dns_ms: Option<f64>,
    connect_ms: Option<f64>,
    tls_ms: Option<f64>,
    first_byte_ms: Option<f64>,
    url: String,
    /// The address spoken to.
    address: Option<String>,
    /// Pairs of name and value, secrets masked.
    #[schema(value_type = Vec<Vec<String>>)]
    request_headers: Vec<(String, String)>,
    /// With `include=request`.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_body: Option<String>,
    response_status: Option<u16>,
    #[schema(value_type = Vec<Vec<String>>)]
    response_headers: Vec<(String, String)>,
    response_body: Option<String>,
    /// `dns`, `connect`, `tls`, `timeout`, `reset`, `protocol`, `http_4xx`, `http_5xx`,
    /// `redirect`, `too_large`, `blocked`, `proxy`, `auth`, `interrupted` or
    /// `internal`.
    error_class: Option<String>,
    error: Option<String>,
    /// With `include=signature`.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<SignatureDocument>,
}

/// Whether the signatures of an attempt hold, by the keys that are known now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignatureCheck)]
pub(crate) struct SignatureDocument {
    /// Whether there are signatures and each holds.
    ok: bool,
    /// Why not.
    reason: Option<String>,
    /// Each signature that was sent.
    checked: Vec<CheckedDocument>,
}

/// One signature of an attempt.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CheckedSignature)]
pub(crate) struct CheckedDocument {
    /// `v1` or `v1a`.
    kind: String,
    signature: String,
    ok: bool,
    /// The key by which it holds.
    key_id: Option<String>,
    /// Where that key stands now: `active`, `retiring` or `revoked`.
    key_state: Option<String>,
}

fn signature(check: SignatureCheck) -> SignatureDocument {
    let one = |checked: Checked| CheckedDocument {
        kind: checked.kind,
        signature: checked.signature,
        ok: checked.key_id.is_some(),
        key_id: checked.key_id.map(|id| id.0),
        key_state: checked.key_state.map(|state| state.as_str().to_owned()),
    };
    let checked = check.checked.into_iter().map(one).collect();
    SignatureDocument { ok: check.ok, reason: check.reason, checked }
}

impl JobDocument {
    /// Adds the timeline.
    pub(crate) fn add_timeline(&mut self, entries: Vec<Entry>) {
        let line = |entry: Entry| TimelineDocument {
            at: entry.at.iso(),
            state: entry.state.as_str(),
            reason: entry.reason,
            actor: entry.actor,
            attempt: entry.attempt,
        };
        self.timeline = Some(entries.into_iter().map(line).collect());
    }

    /// Adds the check of each attempt's signatures; brings the attempts with it.
    pub(crate) fn add_signatures(&mut self, checks: Vec<SignatureCheck>) {
        for (attempt, check) in self.attempts.iter_mut().flatten().zip(checks) {
            attempt.signature = Some(signature(check));
        }
    }
}

/// The document of a job, as lists show it.
pub(crate) fn document(found: &Found, include: &Include) -> JobDocument {
    let job = &found.job;
    let (scope_type, scope_id) = match &job.kapp_id {
        Some(kapp) => ("Kapp", kapp.as_str()),
        None => ("Space", job.space_id.as_str()),
    };
    let next = (job.state == State::Queued).then(|| job.scheduled_at.iso());
    JobDocument {
        id: job.id.to_string(),
        name: job.name.clone(),
        webhook_id: job.webhook_id.as_ref().map(ToString::to_string),
        type_name: job.type_name.clone(),
        event: event_name(&job.type_name, &job.event),
        url: job.url.clone(),
        status: job.state.as_str().to_owned(),
        summary: job.summary.clone(),
        error_class: job.error_class.map(ErrorClass::as_str),
        request_content: found.request_content().map(str::to_owned),
        response_content: job.response_content.clone(),
        payload_removed_at: found.payload_removed_at.map(model::time::Micros::iso),
        retry_count: job.retry_count,
        scheduled_at: job.scheduled_at.iso(),
        scope_type: scope_type.to_owned(),
        scope_id: scope_id.to_owned(),
        kapp_slug: found.kapp_slug.clone(),
        parent_id: job.parent_id.clone(),
        parent_type: job.parent_type.clone(),
        parent_key: job.parent_key.clone(),
        event_id: job.event_id.as_ref().map(ToString::to_string),
        run_id: job.run_id.map(|run| run.0),
        trace_id: job.trace_id.to_string(),
        recovery_id: found.recovery_id.as_ref().map(ToString::to_string),
        started_at: job.started_at.map(model::time::Micros::iso),
        finished_at: job.finished_at.map(model::time::Micros::iso),
        next_attempt_at: next,
        details: include.details(&job.audit),
        attempts: None,
        timeline: None,
        run: None,
    }
}

/// The document of a single job, with what `include` asks for.
pub(crate) fn single(detail: &JobDetail, include: &Include) -> JobDocument {
    let mut document = document(&detail.found, include);
    if include.has("attempts") || include.has("signature") {
        let body = detail.found.request_content().filter(|_| include.has("request"));
        document.attempts = Some(detail.attempts.iter().map(|a| attempt(a, body)).collect());
    }
    if let Some(run) = detail.found.job.run_id.filter(|_| include.has("run")) {
        let (tree, status) = (detail.run_tree.clone(), detail.run_state.clone());
        document.run = Some(RunOfJob { id: run.0, tree, status });
    }
    document
}

/// `Submission Submitted`; a job made by hand has one word for both.
fn event_name(type_name: &str, event: &str) -> String {
    if type_name == event { event.to_owned() } else { format!("{type_name} {event}") }
}

fn attempt(attempt: &Attempt, request_body: Option<&str>) -> AttemptDocument {
    let detail = &attempt.detail;
    AttemptDocument {
        number: attempt.number,
        started_at: attempt.started_at.iso(),
        duration_ms: attempt.duration_ms,
        dns_ms: detail.dns_ms,
        connect_ms: detail.connect_ms,
        tls_ms: detail.tls_ms,
        first_byte_ms: detail.first_byte_ms,
        url: attempt.url.clone(),
        address: detail.address.clone(),
        request_headers: detail.request_headers.clone(),
        request_body: request_body.map(str::to_owned),
        response_status: detail.response_status,
        response_headers: detail.response_headers.clone(),
        response_body: detail.response_body.clone(),
        error_class: detail.error_class.map(|class| class.as_str().to_owned()),
        error: detail.error.clone(),
        signature: None,
    }
}
