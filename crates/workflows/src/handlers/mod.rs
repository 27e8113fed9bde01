//! Handlers: what a node can do. Each declares its parameters, its results and its effect.
//!
//! A handler's `act` is pure: from evaluated inputs it decides on an [`Action`]. What must happen
//! outside is described by an [`Outside`] and carried out by the engine between two commits.

pub(crate) mod core_api;
mod create_trigger;
mod defer;
mod echo;
mod http_request;
mod integration;
pub(crate) mod javascript;
mod join;
mod junction;
pub(crate) mod loop_head;
mod loop_tail;
mod noop;
mod records;
mod smtp_email_send;
mod start;
mod submission_create;
mod submission_update;
mod tree_return;
mod tree_run;
mod wait;

pub use core_api::ApiRequest;
pub use http_request::HttpRequest;
pub(crate) use integration::INPUT as INTEGRATION_INPUT;
pub use records::{RecordChange, Target};

use model::time::Micros;
use runtime::mail::Mail;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A kind of node.
#[derive(Debug)]
pub struct Handler {
    /// The definition id nodes name.
    pub id: &'static str,
    /// Its name in lists.
    pub name: &'static str,
    /// What it does.
    pub description: &'static str,
    /// The parameters it declares.
    pub parameters: &'static [Parameter],
    /// Whether parameters beyond the declared ones are taken (as values of fields, for example).
    pub open: bool,
    /// The results it leaves.
    pub results: &'static [Output],
    /// What a repeat of it would do.
    pub effect: Effect,
    /// Whether a node of it may wait for its completion by token.
    pub deferrable: bool,
    /// How it works.
    pub(crate) work: Work,
}

/// A declared parameter.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Parameter {
    /// Its id; case counts.
    pub id: &'static str,
    /// What it means.
    pub description: &'static str,
    /// Whether it must be filled in.
    pub required: bool,
    /// The values it may have; empty: any.
    pub options: &'static [&'static str],
}

/// A declared result.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// Its key under `@results[node]`.
    pub name: &'static str,
    /// What it means.
    pub description: &'static str,
}

/// What repeating a handler's work does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Nothing happens outside the run.
    Pure,
    /// A repeat is harmless.
    Repeatable,
    /// A repeat with the same key is recognised and applied once.
    Keyed,
    /// A repeat could do it twice; after an interruption a person decides.
    Once,
}

/// How a handler takes part in a run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// Decides from its inputs.
    Act(fn(&Inputs<'_>) -> Result<Action, String>),
    /// Counts its incoming connectors.
    Join,
    /// Waits until nothing upstream can still arrive.
    Junction,
    /// Opens a loop.
    LoopHead,
    /// Counts the iterations of its loop.
    LoopTail,
}

/// What `act` sees.
pub(crate) struct Inputs<'a> {
    pub(crate) parameters: &'a Map<String, Value>,
    pub(crate) token: &'a str,
    pub(crate) now: Micros,
}

impl Inputs<'_> {
    /// A parameter's text; empty when absent.
    pub(crate) fn text(&self, id: &str) -> &str {
        self.parameters.get(id).and_then(Value::as_str).unwrap_or_default()
    }

    /// A parameter that must not be blank.
    pub(crate) fn required(&self, id: &str) -> Result<&str, String> {
        let text = self.text(id);
        if text.trim().is_empty() {
            return Err(format!("The parameter \"{id}\" is blank."));
        }
        Ok(text)
    }
}

/// What a node decided to do.
#[derive(Debug)]
pub(crate) enum Action {
    /// Done, with these results.
    Done(Map<String, Value>),
    /// Waits for its completion by token, with results so far.
    Defer(Map<String, Value>),
    /// Goes on at that time.
    Wait(Micros),
    /// Something has to happen outside the run.
    Outside(Outside),
    /// The run's outputs are these.
    Return(Map<String, Value>),
}

/// Work outside the run, carried out by the engine.
#[derive(Clone, Debug, PartialEq)]
pub enum Outside {
    /// Completes or updates a deferral, of this or another run, in the transaction of the task.
    CreateTrigger {
        /// Whether it completes the deferral; otherwise it updates it.
        complete: bool,
        /// The deferral's token.
        token: String,
        /// The results it brings.
        results: Map<String, Value>,
        /// A message for the task's record.
        message: String,
    },
    /// Starts a run of a routine, in the transaction of the task.
    Routine {
        /// The id by which nodes call it.
        definition: String,
        /// What the node gives it.
        inputs: Map<String, Value>,
        /// Whether the task waits for what comes of it.
        awaited: bool,
    },
    /// Starts a run of a tree, in the transaction of the task.
    RunTree {
        /// The tree's source.
        source: String,
        /// Its group.
        group: String,
        /// Its name.
        name: String,
        /// The run's source data.
        body: String,
    },
    /// Creates a submission.
    SubmissionCreate(SubmissionCreate),
    /// Changes a submission.
    SubmissionUpdate(SubmissionUpdate),
    /// Sends an HTTP request.
    Http(HttpRequest),
    /// Calls an operation of a connection.
    Operation(OperationCall),
    /// Calls this server's own API.
    Api(ApiRequest),
    /// Changes a user, a team, a membership or attributes.
    Record(RecordChange),
    /// Sends mail.
    Mail {
        /// The message.
        mail: Mail,
        /// Whether mail that is not sent is an error of the run.
        is_raised: bool,
    },
    /// Calls a handler that the space has defined.
    External {
        /// Its id.
        definition: String,
        /// The node's id and its name.
        node: [String; 2],
        /// What the node gives it.
        inputs: Map<String, Value>,
    },
}

impl Outside {
    /// Whether it happens in the transaction that records the task, and nowhere else.
    pub(crate) fn is_inside_commit(&self) -> bool {
        matches!(self, Self::CreateTrigger { .. } | Self::Routine { .. } | Self::RunTree { .. })
    }
}

/// A submission to create.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubmissionCreate {
    /// The kapp's slug; blank for a datastore form.
    pub kapp_slug: String,
    /// The form's slug.
    pub form_slug: String,
    /// `Draft`, `Submitted` or `Closed`; blank means Submitted.
    pub core_state: String,
    /// The page it stands on.
    pub current_page: String,
    /// Id of the submission it originates from.
    pub origin: String,
    /// Id of the submission it belongs to.
    pub parent: String,
    /// Values by field name.
    pub values: Map<String, Value>,
}

/// A change of a submission.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubmissionUpdate {
    /// Its id.
    pub id: String,
    /// The core state to move it to; blank leaves it.
    pub core_state: String,
    /// The page to put it on; blank leaves it.
    pub current_page: String,
    /// Values to set, by field name.
    pub values: Map<String, Value>,
}

/// A call of an operation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OperationCall {
    /// The connection's id or name.
    pub connection: String,
    /// The operation's id or name.
    pub operation: String,
    /// Values of its inputs by name.
    pub inputs: Map<String, Value>,
}

/// All handlers, in the order lists show them.
pub const ALL: &[&Handler] = &[
    &start::HANDLER,
    &echo::HANDLER,
    &noop::HANDLER,
    &wait::HANDLER,
    &defer::HANDLER,
    &create_trigger::HANDLER,
    &tree_return::HANDLER,
    &tree_run::HANDLER,
    &join::HANDLER,
    &junction::HANDLER,
    &loop_head::HANDLER,
    &loop_tail::HANDLER,
    &submission_create::HANDLER,
    &submission_update::HANDLER,
    &http_request::HANDLER,
    &integration::HANDLER,
    &core_api::HANDLER,
    &smtp_email_send::HANDLER,
    &javascript::HANDLER,
    &records::USER_CREATE,
    &records::USER_UPDATE,
    &records::TEAM_CREATE,
    &records::TEAM_UPDATE,
    &records::MEMBERSHIP_ADD,
    &records::MEMBERSHIP_REMOVE,
    &records::ATTRIBUTES_SET,
];

/// Finds a handler by its definition id.
pub fn find(id: &str) -> Option<&'static Handler> {
    ALL.iter().find(|h| h.id == id).copied()
}

/// Reads field values: parameters named `values.<Field>`, and a JSON object in `values`.
fn values(inputs: &Inputs<'_>) -> Result<Map<String, Value>, String> {
    let mut values = Map::new();
    let whole = inputs.text("values").trim();
    if !whole.is_empty() {
        match serde_json::from_str(whole) {
            Ok(Value::Object(object)) => values = object,
            Ok(_) => return Err("The parameter \"values\" must be a JSON object.".into()),
            Err(e) => return Err(format!("The parameter \"values\" is not JSON: {e}")),
        }
    }
    for (id, value) in inputs.parameters {
        if let Some(field) = id.strip_prefix("values.") {
            values.insert(field.to_owned(), value.clone());
        }
    }
    Ok(values)
}

/// Reads `<results><result name="X">v</result></results>`, or a JSON object.
pub fn read_results(text: &str) -> Result<Map<String, Value>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Map::new());
    }
    if text.starts_with('{') {
        return serde_json::from_str(text).map_err(|e| format!("The results are not JSON: {e}"));
    }
    crate::definition::read_results(text).map_err(|e| format!("The results cannot be read: {e}"))
}

/// Results as expressions find them in every handler's: as texts.
pub(crate) fn as_texts(results: Map<String, Value>) -> Map<String, Value> {
    let text = |value: Value| match value {
        Value::String(_) => value,
        other => Value::String(other.to_string()),
    };
    results.into_iter().map(|(name, value)| (name, text(value))).collect()
}

/// Whether a status is in one of the ranges.
pub(crate) fn matches_status(ranges: &[(u16, u16)], status: u16) -> bool {
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&status))
}

/// How the documented handlers that can fail are told what to do then.
const ERROR_HANDLING: Parameter = Parameter {
    id: "error_handling",
    description: "Error Message: what goes wrong is a result, and the run goes on. Raise Error: it \
                  is an error of the run.",
    required: true,
    options: &["Error Message", "Raise Error"],
};

fn is_raised(inputs: &Inputs<'_>) -> bool {
    inputs.text(ERROR_HANDLING.id).trim().eq_ignore_ascii_case("raise error")
}

const fn required(id: &'static str, description: &'static str) -> Parameter {
    Parameter { id, description, required: true, options: &[] }
}

const fn optional(id: &'static str, description: &'static str) -> Parameter {
    Parameter { id, description, required: false, options: &[] }
}
