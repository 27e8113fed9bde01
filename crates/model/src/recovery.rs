//! Recoveries: sending again, sending what was never sent, and calling off, many jobs at once.
//!
//! ```text
//!  born ─▶ Running ⇄ Paused ─▶ Cancelled
//!             └──────▶ Complete
//! ```

use crate::id::{JobId, RecoveryId, SpaceId};
use crate::job::{ErrorClass, State};
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// What a recovery does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Sends jobs again.
    Replay,
    /// Makes the jobs of events that match a webhook now and never had a job of it.
    Missing,
    /// Calls off jobs that wait.
    Cancel,
}

impl Mode {
    /// All modes.
    pub const ALL: [Self; 3] = [Self::Replay, Self::Missing, Self::Cancel];

    /// The name as stored and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Missing => "missing",
            Self::Cancel => "cancel",
        }
    }

    /// Reads a name, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str().eq_ignore_ascii_case(text))
    }
}

/// How far a recovery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It moves by itself.
    Running,
    /// A person stopped it; it goes on when resumed.
    Paused,
    /// Everything was done.
    Complete,
    /// A person called it off; what was done stays done.
    Cancelled,
}

impl Status {
    /// All statuses.
    pub const ALL: [Self; 4] = [Self::Running, Self::Paused, Self::Complete, Self::Cancelled];

    /// The name as stored and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Paused => "Paused",
            Self::Complete => "Complete",
            Self::Cancelled => "Cancelled",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether a person may put a recovery in this status into `to`.
    pub fn may_be_set_to(self, to: Self) -> bool {
        matches!(
            (self, to),
            (Self::Running, Self::Paused)
                | (Self::Paused, Self::Running)
                | (Self::Running | Self::Paused, Self::Cancelled)
        )
    }
}

/// Which jobs, or in mode `missing` which events, a recovery is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Filter {
    /// Due (or happened) at this time or later.
    pub from: Option<Micros>,
    /// Due (or happened) before this time.
    pub to: Option<Micros>,
    /// In these states.
    pub statuses: Vec<State>,
    /// Whose last attempt failed for one of these reasons.
    pub error_class: Vec<ErrorClass>,
    /// Of the webhook of this name.
    pub webhook: Option<String>,
    /// Of this kapp's webhooks; otherwise of every place.
    pub kapp_slug: Option<String>,
    /// To this scheme, host and port.
    pub endpoint: Option<String>,
    /// Whose request or response contains this text.
    pub text: Option<String>,
}

/// A recovery, durable from the moment it was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovery {
    /// Its id.
    pub id: RecoveryId,
    /// Its space.
    pub space_id: SpaceId,
    /// What it does.
    pub mode: Mode,
    /// To which jobs, or events.
    pub filter: Filter,
    /// To these jobs and no others, instead of a filter.
    pub ids: Option<Vec<JobId>>,
    /// Why, in the words of who asked.
    pub note: Option<String>,
    /// How far it is.
    pub status: Status,
    /// Jobs (or events to look at) counted when it began.
    pub total: i64,
    /// Whether `total` is the exact number; otherwise it is "at least".
    pub is_total_exact: bool,
    /// Jobs sent again, made, or called off.
    pub done: i64,
    /// Jobs that others changed meanwhile, and events that lacked nothing.
    pub skipped: i64,
    /// Jobs that could not be sent again; `message` says why of the latest.
    pub failed: i64,
    /// Jobs, or events looked at, in a second.
    pub rate_per_second: f64,
    /// The last place that was dealt with: due time and id; a position in `ids`.
    pub cursor: Option<(Micros, String)>,
    /// When the next batch is due.
    pub next_at: Micros,
    /// Grows with every batch, so that a batch is never done twice.
    pub version: i64,
    /// What went wrong last.
    pub message: Option<String>,
    /// When it was asked for.
    pub created_at: Micros,
    /// Who asked.
    pub created_by: String,
    /// When it ended.
    pub finished_at: Option<Micros>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_stays_so() {
        for ended in [Status::Complete, Status::Cancelled] {
            assert!(Status::ALL.into_iter().all(|to| !ended.may_be_set_to(to)));
        }
        assert!(Status::Paused.may_be_set_to(Status::Running));
        assert!(!Status::Running.may_be_set_to(Status::Complete), "only its own end does that");
    }
}
