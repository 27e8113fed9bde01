//! Submissions: filled-in forms, and the one-way road from Draft to Closed.

use crate::Audit;
use crate::id::{FormId, KappId, SpaceId, SubmissionId};
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// The core state of a submission; it only moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CoreState {
    /// Being filled in.
    Draft,
    /// Handed in.
    Submitted,
    /// Done.
    Closed,
}

impl CoreState {
    /// The documented name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "Draft",
            Self::Submitted => "Submitted",
            Self::Closed => "Closed",
        }
    }

    /// Reads a documented name, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Draft, Self::Submitted, Self::Closed]
            .into_iter()
            .find(|s| s.as_str().eq_ignore_ascii_case(text))
    }

    /// Whether a submission in this state may be put into `to`.
    pub fn may_become(self, to: Self) -> bool {
        to >= self
    }
}

/// The form type whose submissions are approvals.
pub const APPROVAL: &str = "Approval";
/// The field of an approval that holds the username of whom it waits for.
pub const ASSIGNED_INDIVIDUAL: &str = "Assigned Individual";
/// The field of an approval that holds the name of the team it waits for.
pub const ASSIGNED_TEAM: &str = "Assigned Team";

/// A submission.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// Its id.
    pub id: SubmissionId,
    /// Its space.
    pub space_id: SpaceId,
    /// Its kapp; `None` for a datastore submission.
    pub kapp_id: Option<KappId>,
    /// Its form.
    pub form_id: FormId,
    /// The last six characters of the id in capitals, for people.
    pub handle: String,
    /// Its core state.
    pub core_state: CoreState,
    /// The page it stands on.
    pub current_page: Option<String>,
    /// Its label, rendered when it was last saved.
    pub label: String,
    /// The form's type when it was created.
    pub kind: Option<String>,
    /// The submission this one originates from.
    pub origin_id: Option<SubmissionId>,
    /// The submission this one belongs to.
    pub parent_id: Option<SubmissionId>,
    /// The session it was filled in with.
    pub session_token: Option<String>,
    /// Field values by name: a string, a list of strings, or null.
    pub values: serde_json::Map<String, serde_json::Value>,
    /// When and by whom it was submitted.
    pub submitted: Option<(Micros, String)>,
    /// When and by whom it was closed.
    pub closed: Option<(Micros, String)>,
    /// Grows by one with every change.
    pub version: i64,
    /// Who and when.
    pub audit: Audit,
}

impl Submission {
    /// Whether it is an approval: of a kapp, and of a form of that type when it was created.
    pub fn is_approval(&self) -> bool {
        self.kapp_id.is_some() && self.kind.as_deref() == Some(APPROVAL)
    }

    /// The username an approval waits for; `None` for all other submissions.
    pub fn assigned_user(&self) -> Option<&str> {
        self.assigned(ASSIGNED_INDIVIDUAL)
    }

    /// The name of the team an approval waits for; `None` for all other submissions.
    pub fn assigned_team(&self) -> Option<&str> {
        self.assigned(ASSIGNED_TEAM)
    }

    fn assigned(&self, field: &str) -> Option<&str> {
        let value = self.is_approval().then(|| self.values.get(field)?.as_str()).flatten();
        value.map(str::trim).filter(|name| !name.is_empty())
    }
}
