//! Webhook jobs, their attempts, and the states a job passes through.
//!
//! ```text
//!            ┌────── retry ───────┐
//!            ▼                    │
//!  born ─▶ Queued ⇄ In Progress ─▶ Failed ─▶ Cancelled
//!            │           └──────▶ Complete
//!            └─▶ Cancelled
//! ```

use crate::id::{EventId, JobId, KappId, RunId, SpaceId, TraceId, WebhookId};
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// The state of a webhook job; the names are the documented ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    /// Waits for its time or its turn.
    Queued,
    /// An attempt is under way.
    #[serde(rename = "In Progress")]
    InProgress,
    /// The target answered with success.
    Complete,
    /// Given up; the summary says why.
    Failed,
    /// A person called it off.
    Cancelled,
}

impl State {
    /// All states.
    pub const ALL: [Self; 5] =
        [Self::Queued, Self::InProgress, Self::Complete, Self::Failed, Self::Cancelled];

    /// The documented name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::InProgress => "In Progress",
            Self::Complete => "Complete",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        }
    }

    /// Reads a documented name in any case (clients send `failed` and `Failed`).
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str().eq_ignore_ascii_case(text))
    }

    /// Whether a person may put a job in this state into `to` (retry and cancel).
    pub fn may_be_set_to(self, to: Self) -> bool {
        matches!(
            (self, to),
            (Self::Failed | Self::Complete | Self::Cancelled | Self::Queued, Self::Queued)
                | (Self::Queued | Self::InProgress | Self::Failed, Self::Cancelled)
        )
    }

    /// Whether nothing more will happen by itself.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Complete | Self::Failed | Self::Cancelled)
    }
}

/// The kind of record that the job of a test is about (`parentType` on the wire).
pub const TEST_PARENT: &str = "Webhook Test";

/// A webhook job: one firing of a webhook, durable from the commit of its event.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its id; also the `webhook-id` that receivers see.
    pub id: JobId,
    /// Its space.
    pub space_id: SpaceId,
    /// The kapp its webhook is defined on; `None`: the space (the documented scope of a job).
    pub kapp_id: Option<KappId>,
    /// The event it delivers; `None` for a job made by hand.
    pub event_id: Option<EventId>,
    /// The webhook; `None` for linked workflows and jobs made by hand.
    pub webhook_id: Option<WebhookId>,
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// How deep in the trace.
    pub depth: i64,
    /// The webhook's name.
    pub name: String,
    /// The event's type name.
    pub type_name: String,
    /// The event's name.
    pub event: String,
    /// The record it is about.
    pub parent_type: String,
    /// Its id.
    pub parent_id: String,
    /// What people look it up by.
    pub parent_key: String,
    /// The resolved URL.
    pub url: String,
    /// Its state.
    pub state: State,
    /// The outcome in a few words, such as `200 OK`.
    pub summary: Option<String>,
    /// The body sent; `None`: the event's payload, which is stored once.
    pub request_content: Option<String>,
    /// The body received, cut at [`crate::limits::RESPONSE_KEPT_BYTES_MAX`].
    pub response_content: Option<String>,
    /// Attempts after the first one.
    pub retry_count: i64,
    /// When it is (or was) due.
    pub scheduled_at: Micros,
    /// When its first attempt began.
    pub started_at: Option<Micros>,
    /// When it reached a final state.
    pub finished_at: Option<Micros>,
    /// The run it started.
    pub run_id: Option<RunId>,
    /// The node that may work on it until `leased_until`.
    pub leased_by: Option<String>,
    /// When the lease ends.
    pub leased_until: Option<Micros>,
    /// Grows with every lease, so that a late worker is refused.
    pub epoch: i64,
    /// Why the last attempt failed; `None` before it ended and once one succeeded.
    pub error_class: Option<ErrorClass>,
    /// Who and when.
    pub audit: crate::Audit,
}

/// One try to deliver a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// The job.
    pub job_id: JobId,
    /// 1 for the first.
    pub number: i64,
    /// When it began.
    pub started_at: Micros,
    /// Milliseconds in total.
    pub duration_ms: f64,
    /// The URL contacted.
    pub url: String,
    /// Everything else about it: timings, address, headers, bodies, error class and message.
    #[serde(flatten)]
    pub detail: AttemptDetail,
}

/// What an attempt did and saw; stored as one document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AttemptDetail {
    /// Milliseconds to resolve the name.
    pub dns_ms: Option<f64>,
    /// Milliseconds to connect.
    pub connect_ms: Option<f64>,
    /// Milliseconds of the TLS handshake.
    pub tls_ms: Option<f64>,
    /// Milliseconds from sending to the first byte of the answer.
    pub first_byte_ms: Option<f64>,
    /// The address spoken to.
    pub address: Option<String>,
    /// Headers sent, secrets masked.
    pub request_headers: Vec<(String, String)>,
    /// Status of the answer.
    pub response_status: Option<u16>,
    /// Headers of the answer.
    pub response_headers: Vec<(String, String)>,
    /// Body of the answer, cut at a stated size.
    pub response_body: Option<String>,
    /// Class of the failure.
    pub error_class: Option<ErrorClass>,
    /// The failure in words.
    pub error: Option<String>,
}

/// What happened to a job besides its attempts: a hold, a hand that moved it, a node that took it
/// over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobChange {
    /// The job.
    pub job_id: JobId,
    /// When.
    pub at: Micros,
    /// The state it was in from then on.
    pub state: State,
    /// What happened, in words.
    pub reason: String,
    /// Who did it: a username, or the node.
    pub actor: String,
    /// The attempt it is about.
    pub attempt: Option<i64>,
}

/// Why an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The name did not resolve.
    Dns,
    /// No connection.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The total deadline passed.
    Timeout,
    /// The connection was reset.
    Reset,
    /// The answer is not HTTP.
    Protocol,
    /// An answer of 400 to 499.
    #[serde(rename = "http_4xx")]
    Http4xx,
    /// An answer of 500 to 599.
    #[serde(rename = "http_5xx")]
    Http5xx,
    /// An answer of 300 to 399; never followed.
    Redirect,
    /// The answer exceeds [`crate::limits::RESPONSE_READ_BYTES_MAX`].
    TooLarge,
    /// The guard refused the address.
    Blocked,
    /// The egress proxy could not be reached or refused.
    Proxy,
    /// No credentials: a token was not given out, a secret does not open.
    Auth,
    /// The workflow engine has no such tree.
    TreeMissing,
    /// The node was stopped while the attempt was under way; the outcome is not known.
    Interrupted,
    /// Kapok itself failed while it made, sent or recorded the attempt; the log says why.
    Internal,
}

impl ErrorClass {
    /// All classes.
    pub const ALL: [Self; 16] = [
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::Timeout,
        Self::Reset,
        Self::Protocol,
        Self::Http4xx,
        Self::Http5xx,
        Self::Redirect,
        Self::TooLarge,
        Self::Blocked,
        Self::Proxy,
        Self::Auth,
        Self::TreeMissing,
        Self::Interrupted,
        Self::Internal,
    ];

    /// The name as stored and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Protocol => "protocol",
            Self::Http4xx => "http_4xx",
            Self::Http5xx => "http_5xx",
            Self::Redirect => "redirect",
            Self::TooLarge => "too_large",
            Self::Blocked => "blocked",
            Self::Proxy => "proxy",
            Self::Auth => "auth",
            Self::TreeMissing => "tree_missing",
            Self::Interrupted => "interrupted",
            Self::Internal => "internal",
        }
    }

    /// Reads a name, in any case; `None` when there is no such class.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str().eq_ignore_ascii_case(text))
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorClass;

    #[test]
    fn classes_are_stored_as_they_are_told() {
        for class in ErrorClass::ALL {
            assert_eq!(serde_json::json!(class), class.as_str());
            assert_eq!(ErrorClass::parse(class.as_str()), Some(class));
        }
        assert_eq!(ErrorClass::parse("HTTP_5xx"), Some(ErrorClass::Http5xx));
        assert_eq!(ErrorClass::parse("http"), None);
    }
}
