//! Events: a committed change with its payload, and the chain of causes it stands in.

use crate::catalogue::Level;
use crate::id::{EventId, KappId, RunId, SpaceId, TaskId, TraceId, WebhookId};
use crate::payload::Payload;
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// Where a change comes from: the trace it belongs to and how deep in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// The trace: everything one outside action led to.
    pub trace_id: TraceId,
    /// How many events lie between the outside action and this change; 0 for the action itself.
    pub depth: i64,
    /// The event that led here.
    pub event_id: Option<EventId>,
    /// The run that made the change.
    pub run_id: Option<RunId>,
    /// The task of that run.
    pub task_id: Option<TaskId>,
}

impl Cause {
    /// The cause of a change that came from outside.
    pub fn outside(trace_id: TraceId) -> Self {
        Self { trace_id, depth: 0, event_id: None, run_id: None, task_id: None }
    }
}

/// A change that is about to be, or has been, committed.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// The space it happened in.
    pub space_id: SpaceId,
    /// The kapp it happened in, for forms and submissions of a kapp.
    pub kapp_id: Option<KappId>,
    /// The level whose webhooks see it first; kapp events are offered to space webhooks as well.
    pub level: Level,
    /// The catalogue's type name.
    pub type_name: &'static str,
    /// The catalogue's event name.
    pub event: &'static str,
    /// The kind of record it happened to (`Submission`, `Form`, `User`, `Team`, `Space`).
    pub entity_type: &'static str,
    /// The record's id.
    pub entity_id: String,
    /// What people look the record up by: slug, username, submission id.
    pub entity_key: String,
    /// A short text that names the record to a person.
    pub label: String,
    /// The username that acted.
    pub actor: String,
    /// When it happened.
    pub at: Micros,
    /// Why it happened.
    pub cause: Cause,
    /// The document sent to webhooks: `event`, `space` and the entities, previous state, changes.
    pub payload: Payload,
}

/// What one webhook made of an event, kept on the event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookVerdict {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Its name at the time.
    pub webhook: String,
    /// `Space` or `Kapp`.
    pub scope: String,
    /// What came of it.
    pub verdict: Verdict,
    /// The reason in words, for everything but `fired`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
    /// The job, when it fired.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub job_id: Option<crate::id::JobId>,
}

/// The verdict of one webhook on one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The filter held; a job exists.
    Fired,
    /// The filter was false.
    NotMatched,
    /// The filter threw or ran out of its limits.
    FilterError,
    /// The filter held, the URL could not be made.
    UrlError,
    /// The filter held, the template made no body.
    TemplateError,
    /// The chain of causes is too long; see [`crate::limits::CAUSE_DEPTH_MAX`].
    DepthLimit,
    /// The webhook is switched off.
    Disabled,
}
