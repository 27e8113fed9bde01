//! Runs, tasks, triggers and errors: what the workflow engine leaves behind, and their states.

use crate::id::{ErrorId, EventId, JobId, RunId, SpaceId, TaskId, TraceId, TreeId};
use crate::id::{TreeVersionId, TriggerId};
use crate::time::Micros;
use serde::{Deserialize, Serialize};

macro_rules! named_states {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// The name as stored and shown.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Reads a name, in any case.
            pub fn parse(text: &str) -> Option<Self> {
                [$(Self::$variant),+].into_iter().find(|s| s.as_str().eq_ignore_ascii_case(text))
            }
        }
    };
}

named_states! {
    /// The state of a run.
    RunState {
        /// Moves by itself.
        Running = "Running",
        /// Waits for a deferral, a timer or a child.
        Waiting = "Waiting",
        /// An open error needs a person.
        Error = "Error",
        /// Nothing is left to do.
        Complete = "Complete",
        /// A person called it off.
        Cancelled = "Cancelled",
    }
}

named_states! {
    /// The documented status of a task.
    TaskStatus {
        /// About to be carried out.
        New = "New",
        /// Deferred, or an outside call is under way.
        WorkInProgress = "Work In Progress",
        /// Done.
        Closed = "Closed",
    }
}

named_states! {
    /// The documented status of a trigger.
    TriggerStatus {
        /// Waits for its turn or its time.
        New = "New",
        /// Being worked on.
        WorkInProgress = "Work In Progress",
        /// Done.
        Closed = "Closed",
        /// Led to an error.
        Failed = "Failed",
        /// Its error was dealt with.
        Managed = "Managed",
        /// Held by a person.
        Paused = "Paused",
    }
}

/// A run of a tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The run number.
    pub id: RunId,
    /// Its space.
    pub space_id: SpaceId,
    /// Its tree.
    pub tree_id: TreeId,
    /// The version it keeps to its end.
    pub tree_version_id: TreeVersionId,
    /// The job that started it; unique.
    pub job_id: Option<JobId>,
    /// The caller's own key for the start; no two runs of a tree have the same.
    pub start_key: Option<String>,
    /// The run that started it, if one did.
    pub parent: Option<Parent>,
    /// The run at the top of the chain of parents; `None`: itself.
    pub root_id: Option<RunId>,
    /// The event that started it.
    pub event_id: Option<EventId>,
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// How deep in the trace.
    pub depth: i64,
    /// The record it is about, such as a submission's id.
    pub source_record_id: Option<String>,
    /// The data it was started with; `None`: the event's payload, which is stored once.
    pub source_data: Option<String>,
    /// Its inputs by name, of a routine or a tree that declares any.
    pub inputs: Option<serde_json::Value>,
    /// Its state.
    pub state: RunState,
    /// Opaque token of the run.
    pub token: String,
    /// The engine's own state, as `workflows::step` keeps it.
    pub engine_state: String,
    /// What started it, in words.
    pub originator: String,
    /// The node that may advance it until `leased_until`.
    pub leased_by: Option<String>,
    /// When the lease ends.
    pub leased_until: Option<Micros>,
    /// When the engine has to look at it next, for timers and retries.
    pub wake_at: Option<Micros>,
    /// Grows with every commit of the engine, so that a late worker is refused.
    pub version: i64,
    /// When it was started.
    pub created_at: Micros,
    /// The username that started it.
    pub created_by: String,
    /// When it last moved.
    pub updated_at: Micros,
    /// When it finished.
    pub finished_at: Option<Micros>,
}

/// Where a run was started from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The run.
    pub run_id: RunId,
    /// The task.
    pub seq: i64,
    /// Whether that task waits for it.
    pub awaited: bool,
}

/// One execution of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Its id, unique over all runs.
    pub id: TaskId,
    /// Its run.
    pub run_id: RunId,
    /// Its place in the run, from 1: the engine's own number.
    pub seq: i64,
    /// Opaque; the deferral token of a deferred node (40 hex digits).
    pub token: String,
    /// The branch, from 1.
    pub branch_id: i64,
    /// The node's id.
    pub node_id: String,
    /// The node's name.
    pub node_name: String,
    /// The handler's or routine's id.
    pub definition_id: String,
    /// `/` outside loops, `/2#0` inside.
    pub loop_index: String,
    /// Its status.
    pub status: TaskStatus,
    /// Whether it waits for somebody to complete it by its token.
    pub deferred: bool,
    /// Parameters as evaluated.
    pub inputs: serde_json::Value,
    /// Results.
    pub results: serde_json::Value,
    /// Results that came with the completion of a deferral.
    pub deferred_results: serde_json::Value,
    /// Connector conditions as evaluated: `[{to, type, taken, value}]`.
    pub connectors: serde_json::Value,
    /// Messages left by updates and completions.
    pub messages: serde_json::Value,
    /// When it began.
    pub started_at: Micros,
    /// When it was done.
    pub finished_at: Option<Micros>,
}

/// What makes a run move.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// Its id.
    pub id: TriggerId,
    /// Its run.
    pub run_id: RunId,
    /// `Root`, `Complete` or `Update`.
    pub action: String,
    /// `Automatic`, `Manual` or `Deferred`.
    pub kind: String,
    /// Its status.
    pub status: TriggerStatus,
    /// The node it acts on.
    pub node_id: String,
    /// Its name.
    pub node_name: String,
    /// `/` outside loops.
    pub loop_index: String,
    /// The branch.
    pub branch_id: i64,
    /// Who made it, in words.
    pub originator: String,
    /// When it is due; `None`: at once.
    pub scheduled_at: Option<Micros>,
    /// The deferral token it belongs to.
    pub token: Option<String>,
    /// Results it carries.
    pub results: serde_json::Value,
    /// A message it carries.
    pub message: Option<String>,
    /// When it was made.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
}

/// A place where a run needs a person.
#[derive(Clone, Debug, PartialEq)]
pub struct RunError {
    /// Its id.
    pub id: ErrorId,
    /// Its run.
    pub run_id: RunId,
    /// The trigger that led to it.
    pub trigger_id: Option<TriggerId>,
    /// The task it stands at.
    pub task_seq: Option<i64>,
    /// The node it stands at.
    pub node_id: Option<String>,
    /// Whether it is still open (`Active`) or was `Handled`.
    pub active: bool,
    /// The documented type: `Handler`, `Node Parameter`, `Connector`, `Missing Handler`, `Tree`…
    pub kind: String,
    /// One line.
    pub summary: String,
    /// Everything known.
    pub text: String,
    /// How it was dealt with: action, note, by whom.
    pub resolution: serde_json::Value,
    /// When it happened.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
}
