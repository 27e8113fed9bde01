//! The state of a run, as it is kept in `runs.engine_state`: only what is still open, and results.

use model::id::{ErrorId, RunId};
use model::run::{RunState, Task, TaskStatus};
use model::time::Micros;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use store::tasks::Written;

/// Everything the engine knows about a run between two commits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// The last task number given.
    pub seq: i64,
    /// The last branch number given.
    pub branch: i64,
    /// Whether the start node has been entered.
    pub started: bool,
    /// Tasks that are not finished, by number.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub open: BTreeMap<i64, Open>,
    /// What is to be done next, in order.
    #[serde(skip_serializing_if = "VecDeque::is_empty")]
    pub queue: VecDeque<Todo>,
    /// Results by node name: `@results`.
    pub results: Value,
    /// What has arrived at joins and junctions, by loop index and node.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub gates: BTreeMap<String, Gate>,
    /// What is known inside iterations, by loop index and node name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub scopes: BTreeMap<String, Map<String, Value>>,
    /// Loops that were entered, by the place around them and their head's number.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub loops: BTreeMap<String, Loop>,
    /// Errors that need a person.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<OpenError>,
    /// What a Return node named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Map<String, Value>>,
    /// Whether results were left out, as those of a finished run are: its tasks have them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_trimmed: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            seq: 0,
            branch: 0,
            started: false,
            open: BTreeMap::new(),
            queue: VecDeque::new(),
            results: Value::Object(Map::new()),
            gates: BTreeMap::new(),
            scopes: BTreeMap::new(),
            loops: BTreeMap::new(),
            errors: Vec::new(),
            outputs: None,
            is_trimmed: false,
        }
    }
}

/// A loop that was entered at a place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Loop {
    /// The head's name.
    pub name: String,
    /// The head's task.
    pub seq: i64,
    /// The branch that entered it; its tail goes on there.
    pub branch: i64,
    /// The iteration with which its latest round begins.
    pub first: usize,
    /// Iterations there are, those that have not begun included.
    pub total: usize,
    /// The iteration that begins next.
    pub next: usize,
    /// Items whose iterations have not begun.
    #[serde(skip_serializing_if = "VecDeque::is_empty")]
    pub items: VecDeque<Value>,
    /// Iterations under way at once; `None`: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// A further name of the item.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub var_name: String,
    /// Iterations that have reached the tail.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub arrived: BTreeSet<usize>,
    /// Whether the tail has let the run through.
    pub passed: bool,
    /// Nodes whose results are hashes by index outside, since the tail was passed.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub names: BTreeSet<String>,
}

/// A place in a run: a branch and a loop iteration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The branch, from 1.
    #[serde(rename = "b")]
    pub branch: i64,
    /// `/` outside loops, `/2#0` inside.
    #[serde(rename = "l")]
    pub loop_index: String,
}

/// What a run does next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do")]
pub enum Todo {
    /// Carry out a node.
    Enter {
        /// The node's id.
        node: String,
        /// Where.
        #[serde(flatten)]
        place: Place,
        /// The connector that led here, as `node#position`; empty for starts and by hand.
        #[serde(default)]
        from: String,
    },
    /// Carry out a task's node again, after an error.
    Again {
        /// The task.
        seq: i64,
        /// Parameters that a person has filled in, instead of what they evaluate to.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        inputs: Map<String, Value>,
    },
    /// A task's outside work is done and recorded: go on from it.
    Leave {
        /// The task.
        seq: i64,
    },
}

/// A task that is not finished.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Open {
    /// Its record as it stands in the database.
    #[serde(flatten)]
    pub record: Record,
    /// What it waits for.
    pub phase: Phase,
}

/// What an open task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Its outside work.
    Calling,
    /// Its outside work is recorded; it goes on at the next step.
    Settled,
    /// Its completion by token.
    Deferred,
    /// A time.
    Until(Micros),
    /// A time at which its work is tried again.
    Retry(Micros),
    /// The run of the routine it called.
    Child(RunId),
    /// A loop whose iterations have not all begun.
    Looping,
    /// A person.
    Failed,
}

/// What has arrived at a join or junction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gate {
    /// Connectors that fired, as `node#position`.
    pub arrived: BTreeSet<String>,
    /// The branch that armed it.
    pub branch: i64,
    /// Whether it has let the run through.
    pub passed: bool,
}

/// An error that needs a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenError {
    /// Its number in the database; unknown until the commit.
    pub id: Option<ErrorId>,
    /// The task it stands at; 0 for the run as a whole.
    pub seq: i64,
    /// The documented type.
    pub kind: ErrorKind,
    /// For a connector: where it leads, and from which place.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub connector: Option<(String, Place)>,
}

/// The documented types of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorKind {
    /// A handler's work failed.
    Handler,
    /// A parameter could not be evaluated.
    NodeParameter,
    /// A message could not be evaluated; the run goes on without it.
    NodeMessage,
    /// A connector's condition could not be evaluated.
    Connector,
    /// The node's handler does not exist.
    MissingHandler,
    /// The node's routine does not exist.
    MissingRoutine,
    /// The tree itself cannot go on.
    Tree,
    /// Anything else.
    Unidentified,
}

impl ErrorKind {
    /// All types.
    pub const ALL: [Self; 8] = [
        Self::Handler,
        Self::NodeParameter,
        Self::NodeMessage,
        Self::Connector,
        Self::MissingHandler,
        Self::MissingRoutine,
        Self::Tree,
        Self::Unidentified,
    ];

    /// The documented name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Handler => "Handler Error",
            Self::NodeParameter => "Node Parameter Error",
            Self::NodeMessage => "Node Message Error",
            Self::Connector => "Connector Error",
            Self::MissingHandler => "Missing Handler Error",
            Self::MissingRoutine => "Missing Routine Error",
            Self::Tree => "Tree Error",
            Self::Unidentified => "Unidentified Error",
        }
    }

    /// Reads a documented name, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str().eq_ignore_ascii_case(text.trim()))
    }

    /// The actions that resolve it.
    pub fn actions(self) -> &'static [Resolution] {
        use Resolution::{CancelBranch, ContinueBranch, DoNothing, RetryTask, SkipTask};
        match self {
            Self::Handler | Self::NodeParameter | Self::MissingHandler | Self::MissingRoutine => {
                &[DoNothing, RetryTask, SkipTask]
            }
            Self::Connector => &[ContinueBranch, CancelBranch],
            Self::NodeMessage | Self::Tree | Self::Unidentified => &[DoNothing],
        }
    }
}

/// What a person decides about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resolution {
    /// The branch ends here.
    DoNothing,
    /// The node is carried out again.
    RetryTask,
    /// The node counts as done, without results.
    SkipTask,
    /// The connector counts as true.
    ContinueBranch,
    /// The connector counts as false.
    CancelBranch,
}

impl Resolution {
    /// The documented name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DoNothing => "Do Nothing",
            Self::RetryTask => "Retry Task",
            Self::SkipTask => "Skip Task",
            Self::ContinueBranch => "Continue Branch",
            Self::CancelBranch => "Cancel Branch",
        }
    }

    /// Reads a documented name, in any case; `Retry` means Retry Task.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("Retry") {
            return Some(Self::RetryTask);
        }
        [Self::DoNothing, Self::RetryTask, Self::SkipTask, Self::ContinueBranch, Self::CancelBranch]
            .into_iter()
            .find(|r| r.as_str().eq_ignore_ascii_case(text))
    }
}

/// A task as it stands, or is about to stand, in the database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its number in the run.
    pub seq: i64,
    /// Its token, drawn once.
    pub token: String,
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// The node's id.
    pub node: String,
    /// The node's name.
    pub name: String,
    /// The handler's or routine's id.
    pub definition: String,
    /// Its status.
    pub status: TaskStatus,
    /// Whether it waits for its completion by token.
    pub deferred: bool,
    /// Parameters as evaluated.
    pub inputs: Map<String, Value>,
    /// Results.
    pub results: Map<String, Value>,
    /// Results that came with the completion.
    pub deferred_results: Map<String, Value>,
    /// Connector verdicts.
    pub connectors: Vec<Value>,
    /// Messages; failed attempts are among them.
    pub messages: Vec<Value>,
    /// What was brought to it before it deferred, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub early: Vec<Early>,
    /// Attempts that have failed since a person last looked at it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempts: i64,
    /// When it began.
    pub started_at: Micros,
    /// When it was done.
    pub finished_at: Option<Micros>,
}

/// A completion or update that came before its task deferred.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Early {
    /// Whether it completes the deferral.
    pub complete: bool,
    /// Its results.
    pub results: Map<String, Value>,
    /// Its message.
    pub message: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl Record {
    /// The row of this task.
    pub fn written(self) -> Written {
        Written {
            seq: self.seq,
            branch_id: self.place.branch,
            inputs: text(&self.inputs),
            results: text(&self.results),
            deferred_results: text(&self.deferred_results),
            connectors: text(&self.connectors),
            messages: text(&self.messages),
            token: self.token,
            node_id: self.node,
            node_name: self.name,
            definition_id: self.definition,
            loop_index: self.place.loop_index,
            status: self.status,
            deferred: self.deferred,
            started_at: self.started_at,
            finished_at: self.finished_at,
        }
    }
}

/// A document as JSON.
fn text<T: Serialize>(document: &T) -> String {
    serde_json::to_string(document).expect("documents have text keys only")
}

impl State {
    /// The run's state in one word.
    pub fn run_state(&self) -> RunState {
        if !self.errors.is_empty() {
            return RunState::Error;
        }
        let moving = |open: &Open| matches!(open.phase, Phase::Calling | Phase::Settled);
        if !self.started || !self.queue.is_empty() || self.open.values().any(moving) {
            return RunState::Running;
        }
        if self.open.is_empty() { RunState::Complete } else { RunState::Waiting }
    }

    /// The earliest time at which it goes on by itself.
    pub fn wake_at(&self) -> Option<Micros> {
        let timers = self.open.values().filter_map(|open| match open.phase {
            Phase::Until(at) | Phase::Retry(at) => Some(at),
            _ => None,
        });
        timers.min()
    }

    /// Tasks whose outside work is under way or has to be started again.
    pub fn calling(&self) -> impl Iterator<Item = &Open> {
        self.open.values().filter(|open| open.phase == Phase::Calling)
    }

    /// The state as it is kept. A finished run's results stand in its tasks, and not here again.
    pub fn text(&self) -> String {
        if self.run_state() != RunState::Complete {
            return text(self);
        }
        // What the iterations went through stands in no task.
        let is_head = |name: &String| self.loops.values().any(|l| l.name == *name);
        let known = self.results.as_object().into_iter().flatten();
        let heads = known.filter(|(name, _)| is_head(name));
        let results = heads.map(|(name, items)| (name.clone(), items.clone())).collect();
        text(&Self {
            results: Value::Object(results),
            is_trimmed: true,
            queue: VecDeque::new(),
            open: BTreeMap::new(),
            errors: Vec::new(),
            scopes: BTreeMap::new(),
            gates: self.gates.clone(),
            loops: self.loops.clone(),
            outputs: self.outputs.clone(),
            ..*self
        })
    }

    /// Takes up the results that were left out of a finished run's state.
    pub fn restore(&mut self, tasks: &[Task]) {
        self.is_trimmed = false;
        for task in tasks.iter().filter(|t| t.definition_id != "system_loop_head_v1") {
            let mut results = task.results.as_object().cloned().unwrap_or_default();
            results.extend(task.deferred_results.as_object().cloned().unwrap_or_default());
            self.put(&task.loop_index, &task.node_name, Value::Object(results));
        }
    }

    /// Records what outside work brought, without evaluating anything; the next step goes on from
    /// there. False when the task no longer waits for it.
    pub fn settle(&mut self, seq: i64, results: Map<String, Value>) -> bool {
        let Some(open) = self.open.get_mut(&seq) else { return false };
        if open.phase != Phase::Calling {
            return false;
        }
        open.record.results = results;
        open.phase = Phase::Settled;
        self.queue.push_back(Todo::Leave { seq });
        true
    }
}
