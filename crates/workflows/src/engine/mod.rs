//! The engine: starts runs inside somebody's transaction, walks them, and takes up what was left.
//!
//! A run belongs to the node that holds its lease. The lease saves work; correctness comes from
//! the guarded write: whoever moves a run names the version it read, and whoever brings something
//! to a run (a completion, a decision, a cancellation) raises that version. A walker that is
//! refused reads the run again and repeats its pure step; outside work is repeated with the same
//! key only when its outcome was never recorded.

mod actors;
mod ahead;
mod background;
pub(crate) mod children;
mod commit;
mod deferrals;
mod plans;
mod poll;
mod ports;
mod start;
mod walk;

pub(crate) use ahead::Ahead;
pub use deferrals::{Delivered, Delivery};
pub use ports::{Behalf, Failure, Http, HttpResponse, Operations, Submission, Submissions};
pub(crate) use start::find;
pub use start::{PreparedStart, StartOutcome, StartRequest, TreeRef};
pub(crate) use store::runs::Claim;

use crate::handlers::Outside;
use crate::step::Call;
use actors::Actors;
use model::event::Cause;
use model::id::{RunId, SpaceId, TaskId};
use model::run::Run;
use model::time::Micros;
use plans::Plans;
use runtime::Runtime;
use runtime::changes::Changes;
use runtime::node::Node;
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use store::Store;
use tokio::sync::{Notify, Semaphore};
use walk::New;

/// Runs walked at once on a node: enough to fill a commit, few enough to stay fair.
pub const WALKERS: usize = 128;
/// Outside calls under way at once on a node.
const CALLS_AT_ONCE: usize = 256;

/// What the engine works with.
pub struct Options {
    /// The database.
    pub store: Store,
    /// Clock, randomness, tasks.
    pub runtime: Runtime,
    /// Where changes are told.
    pub changes: Changes,
    /// This process among those that share the database.
    pub node: Node,
    /// Changes submissions.
    pub submissions: Arc<dyn Submissions>,
    /// Sends requests.
    pub http: Arc<dyn Http>,
    /// Calls operations of connections.
    pub operations: Arc<dyn Operations>,
    /// The IANA time zone of expressions and of schedules that name none.
    pub time_zone: String,
}

/// The workflow engine; cheap to clone.
#[derive(Clone)]
pub struct Workflows {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) runtime: Runtime,
    pub(crate) changes: Changes,
    pub(crate) node: Node,
    submissions: Arc<dyn Submissions>,
    pub(crate) http: Arc<dyn Http>,
    operations: Arc<dyn Operations>,
    pub(crate) time_zone: String,
    actors: Actors,
    pub(crate) plans: Plans,
    fresh: Mutex<HashMap<RunId, New>>,
    walk_permits: Arc<Semaphore>,
    call_permits: Semaphore,
    /// The earliest time at which the poller has something to do, in microseconds.
    wake_at: AtomicI64,
    poll: Notify,
    /// Told when something was added that the background loop has to do.
    pub(crate) background: Notify,
    /// Spaces whose engine was stopped, as the database last said.
    pub(crate) stopped: Mutex<HashSet<SpaceId>>,
}

impl Workflows {
    /// An engine that does not move yet; [`Workflows::run`] starts its loops.
    pub fn new(options: Options) -> Self {
        Self::with_walkers(options, WALKERS)
    }

    /// The same, walking so many runs at once.
    pub fn with_walkers(options: Options, walkers: usize) -> Self {
        let Options { store, runtime, changes, node, submissions, http, operations, time_zone } =
            options;
        Self {
            inner: Arc::new(Inner {
                store,
                runtime,
                changes,
                node,
                submissions,
                http,
                operations,
                time_zone,
                actors: Actors::default(),
                plans: Plans::default(),
                fresh: Mutex::default(),
                walk_permits: Arc::new(Semaphore::new(walkers)),
                call_permits: Semaphore::new(CALLS_AT_ONCE),
                wake_at: AtomicI64::new(i64::MAX),
                poll: Notify::new(),
                background: Notify::new(),
                stopped: Mutex::default(),
            }),
        }
    }

    /// Takes up what an earlier process left and starts walking runs. Call it once.
    pub fn run(&self) {
        let engine = Arc::clone(&self.inner);
        self.inner.runtime.spawn(async move { engine.dispatch().await });
        let engine = Arc::clone(&self.inner);
        self.inner.runtime.spawn(async move { engine.poll_loop().await });
        let engine = Arc::clone(&self.inner);
        self.inner.runtime.spawn(async move { engine.background_loop().await });
    }

    /// Called when a node was found gone, or a hint says that a run was woken: the poller looks.
    pub fn take_over(&self) {
        self.inner.poll.notify_one();
    }

    /// Whether this node has no run queued, walked or calling outside.
    pub fn is_idle(&self) -> bool {
        self.inner.actors.is_idle()
    }

    /// How many runs wait for a walker on this node.
    pub fn backlog(&self) -> usize {
        self.inner.actors.backlog()
    }
}

impl Inner {
    /// Hands queued runs to walkers.
    async fn dispatch(self: Arc<Self>) {
        loop {
            let run = tokio::select! {
                () = self.runtime.stopping() => return,
                run = self.actors.next() => run,
            };
            let Ok(permit) = Arc::clone(&self.walk_permits).acquire_owned().await else { return };
            let engine = Arc::clone(&self);
            self.runtime.spawn(async move {
                engine.walk(run).await;
                drop(permit);
            });
        }
    }

    /// Does the outside work of a task.
    async fn carry_out(&self, behalf: &Behalf, call: &Call) -> Result<Map<String, Value>, String> {
        let key = call.key.as_str();
        let results = match &call.work {
            Outside::SubmissionCreate(new) => {
                self.submissions.create(behalf, key, new).await.map(Submission::results)
            }
            Outside::SubmissionUpdate(change) => {
                self.submissions.update(behalf, key, change).await.map(Submission::results)
            }
            Outside::Http(request) => {
                let mut request = request.clone();
                request.headers.push(("Idempotency-Key".into(), key.into()));
                self.http.send(behalf, &request).await.map(HttpResponse::results)
            }
            Outside::Operation(operation) => {
                self.operations.call(behalf, key, operation).await.map(results_of)
            }
            Outside::CreateTrigger { .. } | Outside::Routine { .. } | Outside::RunTree { .. } => {
                return Err("It happens in the run's own write.".into());
            }
        };
        walk::within_limit(results.map_err(|failure| failure.0)?)
    }

    /// Makes sure that the poller looks no later than `due`.
    pub(crate) fn wake_by(&self, due: Micros) {
        if self.wake_at.fetch_min(due.0, Ordering::Relaxed) > due.0 {
            self.poll.notify_one();
        }
    }

    /// Whether the engine of a space was stopped.
    pub(crate) fn is_stopped(&self, space: &SpaceId) -> bool {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner).contains(space)
    }

    /// Has the poller look at once.
    pub(crate) fn look(&self) {
        self.poll.notify_one();
    }
}

/// Outputs of an operation as results, which are texts: of a list or an object its JSON, of null
/// nothing.
fn results_of(outputs: Map<String, Value>) -> Map<String, Value> {
    let text = |value: Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    };
    outputs.into_iter().map(|(name, value)| (name, text(value).into())).collect()
}

/// On whose behalf a task of a run works.
fn behalf(run: &Run, seq: i64) -> Behalf {
    Behalf {
        space_id: run.space_id.clone(),
        cause: Cause {
            trace_id: run.trace_id.clone(),
            depth: run.depth + 1,
            event_id: run.event_id.clone(),
            run_id: Some(run.id),
            task_id: Some(TaskId(seq)),
        },
    }
}
