//! What a request may say about a submission.

use crate::Error;
use crate::input::Reader;
use model::id::SubmissionId;
use model::submission::CoreState;
use model::time::Micros;
use serde_json::{Map, Value};

/// Properties that clients send back as they read them; writes ignore them.
const IGNORED: &[&str] = &[
    "activities",
    "children",
    "closedAt",
    "closedBy",
    "descendants",
    "displayedPage",
    "form",
    "handle",
    "label",
    "submittedAt",
    "submittedBy",
    "type",
    "kapp",
    "space",
];

/// A new submission, or a change to one; what is `None` stays, or takes its default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubmissionInput {
    /// The id of a new submission, so that creating it twice makes one. A UUID.
    pub id: Option<SubmissionId>,
    /// The core state to reach.
    pub core_state: Option<CoreState>,
    /// The page it stands on.
    pub current_page: Option<Option<String>>,
    /// Values by field name; a null clears the field, fields that are not named keep theirs.
    pub values: Map<String, Value>,
    /// The submission it originates from.
    pub origin: Option<Option<SubmissionId>>,
    /// The submission it belongs to.
    pub parent: Option<Option<SubmissionId>>,
    /// The session it is filled in with.
    pub session_token: Option<String>,
}

impl SubmissionInput {
    /// Reads a request body.
    ///
    /// # Errors
    /// `Refused` for an unknown property, `Invalid` for values of a wrong type.
    pub fn from_json(body: &Value) -> Result<Self, Error> {
        let own = ["coreState", "currentPage", "origin", "parent", "sessionToken", "values"];
        let known = [&own[..], IGNORED].concat();
        let mut reader = Reader::open("Submission", body, &known)?;
        let input = Self {
            id: None,
            core_state: core_state(&mut reader),
            current_page: current_page(&mut reader),
            values: values(&mut reader),
            origin: reference(&mut reader, "origin"),
            parent: reference(&mut reader, "parent"),
            session_token: reader.nullable_text("sessionToken").flatten(),
        };
        reader.finish(input)
    }
}

/// A submission as a migration gives it; what is `None` stays, or takes its default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubmissionPatch {
    /// What every change may say; its core state may go backwards here.
    pub input: SubmissionInput,
    /// When it was created.
    pub created_at: Option<Micros>,
    /// Who created it.
    pub created_by: Option<String>,
    /// When it was last changed.
    pub updated_at: Option<Micros>,
    /// Who last changed it.
    pub updated_by: Option<String>,
    /// When it was submitted.
    pub submitted_at: Option<Option<Micros>>,
    /// Who submitted it.
    pub submitted_by: Option<Option<String>>,
    /// When it was closed.
    pub closed_at: Option<Option<Micros>>,
    /// Who closed it.
    pub closed_by: Option<Option<String>>,
}

impl SubmissionPatch {
    /// Reads a request body. An `id` is taken for a new submission.
    ///
    /// # Errors
    /// `Refused` for an unknown property, `Invalid` for values of a wrong type.
    pub fn from_json(body: &Value) -> Result<Self, Error> {
        let own = ["coreState", "currentPage", "origin", "parent", "sessionToken", "values"];
        let known = [&own[..], IGNORED].concat();
        let mut reader = Reader::open("Submission", body, &known)?;
        let input = SubmissionInput {
            id: reader.nullable_text("id").flatten().map(SubmissionId),
            core_state: core_state(&mut reader),
            current_page: current_page(&mut reader),
            values: values(&mut reader),
            origin: reference(&mut reader, "origin"),
            parent: reference(&mut reader, "parent"),
            session_token: reader.nullable_text("sessionToken").flatten(),
        };
        let patch = Self {
            input,
            created_at: instant(&mut reader, "createdAt").flatten(),
            created_by: reader.nullable_text("createdBy").flatten(),
            updated_at: instant(&mut reader, "updatedAt").flatten(),
            updated_by: reader.nullable_text("updatedBy").flatten(),
            submitted_at: instant(&mut reader, "submittedAt"),
            submitted_by: reader.nullable_text("submittedBy"),
            closed_at: instant(&mut reader, "closedAt"),
            closed_by: reader.nullable_text("closedBy"),
        };
        reader.finish(patch)
    }
}

fn core_state(reader: &mut Reader<'_>) -> Option<CoreState> {
    let text = reader.nullable_text("coreState").flatten()?;
    let state = CoreState::parse(&text);
    if state.is_none() {
        let message = format!("Core State must be one of Draft, Submitted, Closed, not \"{text}\"");
        reader.problem("coreState", message);
    }
    state
}

/// The page's name, given as text or as the page itself.
fn current_page(reader: &mut Reader<'_>) -> Option<Option<String>> {
    if let Some(Value::Object(page)) = reader.raw("currentPage") {
        return Some(page.get("name").and_then(Value::as_str).map(str::to_owned));
    }
    reader.nullable_text("currentPage")
}

fn values(reader: &mut Reader<'_>) -> Map<String, Value> {
    match reader.raw("values") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(values)) => values.clone(),
        Some(_) => {
            reader.problem("values", "Values must be an object of field names and values");
            Map::new()
        }
    }
}

/// Another submission: its id as text, or an object that holds it.
fn reference(reader: &mut Reader<'_>, name: &str) -> Option<Option<SubmissionId>> {
    if let Some(Value::Object(other)) = reader.raw(name) {
        let id = other.get("id").and_then(Value::as_str);
        return Some(id.map(|id| SubmissionId(id.to_owned())));
    }
    let id = reader.nullable_text(name)?;
    Some(id.filter(|id| !id.is_empty()).map(SubmissionId))
}

fn instant(reader: &mut Reader<'_>, name: &str) -> Option<Option<Micros>> {
    let Some(text) = reader.nullable_text(name)? else {
        return Some(None);
    };
    let at = Micros::parse_iso(&text);
    if at.is_none() {
        let title = crate::input::title(name);
        reader.problem(name, format!("{title} must be an ISO 8601 instant, not \"{text}\""));
        return None;
    }
    Some(at)
}
