//! What the workflow engine's answer reads like, for jobs that never leave the process: the same
//! words an HTTP caller of its run-tree route would get.

use crate::target::Version;
use crate::workflows::StartOutcome;
use model::id::RunId;
use model::job::{ErrorClass, Job, State};
use serde_json::{Value, json};

/// A status with the body that goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    fn new(status: u16, body: &Value) -> Self {
        Self { status, body: body.to_string() }
    }

    /// The status in a few words.
    pub(crate) fn summary(&self) -> String {
        http::StatusCode::from_u16(self.status)
            .map_or_else(|_| self.status.to_string(), crate::send::status_line)
    }

    /// Why the start failed; `None` when it did not.
    pub(crate) fn error_class(&self) -> Option<ErrorClass> {
        match self.status {
            200..=299 => None,
            404 => Some(ErrorClass::TreeMissing),
            400..=499 => Some(ErrorClass::Http4xx),
            _ => Some(ErrorClass::Http5xx),
        }
    }

    fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// The answer to a start.
pub(crate) fn to_start(outcome: &StartOutcome, version: Version) -> Answer {
    match outcome {
        StartOutcome::Started { run, title } => {
            let message = match version {
                Version::V1 => format!("Initiated run #{run} for the \"{title}\" tree."),
                Version::V2 => format!("Initiated run #{run}."),
            };
            let mut body = json!({
                "message": message, "messageType": "success", "runId": run.to_string(),
            });
            if version == Version::V1 {
                body["run"] = json!({ "id": run });
            }
            Answer::new(200, &body)
        }
        StartOutcome::Refused { status, message } => {
            Answer::new(*status, &json!({ "message": message }))
        }
    }
}

/// The answer of a path of this server that starts no workflow.
pub(crate) fn nowhere(url: &str) -> Answer {
    let message = format!("Nothing on this server answers at {url}");
    Answer::new(404, &json!({ "message": message }))
}

/// Puts a job into its final state by an answer from inside.
pub(crate) fn settle_inside(job: &mut Job, answer: &Answer, run_id: Option<RunId>) {
    job.state = if answer.is_success() { State::Complete } else { State::Failed };
    job.summary = Some(answer.summary());
    job.response_content = Some(answer.body.clone());
    job.error_class = answer.error_class();
    job.run_id = run_id;
    job.started_at = Some(job.started_at.unwrap_or(job.scheduled_at));
    job.finished_at = Some(job.scheduled_at);
}

/// Puts a job into its final state by what became of its start.
pub(crate) fn started(job: &mut Job, outcome: &StartOutcome, version: Version) {
    let run_id = match outcome {
        StartOutcome::Started { run, .. } => Some(*run),
        StartOutcome::Refused { .. } => None,
    };
    settle_inside(job, &to_start(outcome, version), run_id);
}
