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
mod external;
mod plans;
mod poll;
mod ports;
mod start;
mod walk;

pub(crate) use ahead::Ahead;
pub use deferrals::{Delivered, Delivery};
pub use external::Trial;
pub use ports::{Api, Behalf, Failure, Http, HttpResponse, Operations, Records, Repeat, Setback};
pub use ports::{Submission, Submissions};
pub(crate) use start::find;
pub use start::{PreparedStart, StartOutcome, StartRequest, TreeRef};
pub(crate) use store::runs::Claim;

use crate::handlers::{Effect, OperationCall, Outside, core_api};
use crate::step::Call;
use actors::Actors;
use model::connection::Operation;
use model::event::Cause;
use model::id::{RunId, SpaceId, TaskId};
use model::run::Run;
use model::time::Micros;
use plans::Plans;
use ports::{Answer, OUTCOME_UNKNOWN};
use runtime::Runtime;
use runtime::changes::Changes;
use runtime::mail::{Mailer, Unsent};
use runtime::node::Node;
use runtime::vault::Vault;
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
    /// Changes users, teams, memberships and attributes.
    pub records: Arc<dyn Records>,
    /// Sends requests.
    pub http: Arc<dyn Http>,
    /// Calls operations of connections.
    pub operations: Arc<dyn Operations>,
    /// Answers as this server's API does.
    pub api: Arc<dyn Api>,
    /// Sends mail.
    pub mailer: Arc<dyn Mailer>,
    /// What seals secrets.
    pub vault: Vault,
    /// Where other systems reach this server, without a slash at its end.
    pub public_url: String,
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
    operations: Arc<dyn Operations>,
    records: Arc<dyn Records>,
    pub(crate) http: Arc<dyn Http>,
    api: Arc<dyn Api>,
    mailer: Arc<dyn Mailer>,
    pub(crate) vault: Vault,
    public_url: String,
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
        Self {
            inner: Arc::new(Inner {
                store: options.store,
                runtime: options.runtime,
                changes: options.changes,
                node: options.node,
                submissions: options.submissions,
                records: options.records,
                http: options.http,
                operations: options.operations,
                api: options.api,
                mailer: options.mailer,
                vault: options.vault,
                public_url: options.public_url,
                time_zone: options.time_zone,
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
    async fn carry_out(&self, behalf: &Behalf, call: &Call) -> Result<Answer, Setback> {
        let key = call.key.as_str();
        let results = match &call.work {
            Outside::SubmissionCreate(new) => {
                self.submissions.create(behalf, key, new).await?.results()
            }
            Outside::SubmissionUpdate(change) => {
                self.submissions.update(behalf, key, change).await?.results()
            }
            Outside::Record(change) => self.records.change(behalf, key, change).await?,
            Outside::Http(request) => {
                let mut request = request.clone();
                request.headers.push(("Idempotency-Key".into(), key.into()));
                let response = self.http.send(behalf, &request).await?;
                let wait_ms = self.http.retry_after_ms(&response);
                match response.refusal(&request, wait_ms) {
                    Some(setback) => return Err(setback),
                    None => response.results(),
                }
            }
            Outside::Api(request) => {
                let answer = self.api.call(behalf, key, request).await;
                let answer = answer.map_err(|failure| in_doubt(request.effect(), failure))?;
                let (status, body) = (answer.status, answer.body);
                let results = core_api::results(request, status, body);
                results.map_err(|message| match status {
                    // It was refused, so it has not happened.
                    ..500 => Setback { message, repeat: Repeat::Harmless { wait_ms: 0 } },
                    _ => in_doubt(request.effect(), Failure(message)),
                })?
            }
            Outside::Mail { mail, is_raised } => match self.mailer.send(mail).await {
                Ok(id) => mail_results(&id, ""),
                Err(unsent @ Unsent::Unknown(_)) => return Err(unsent.into()),
                Err(unsent) if *is_raised => return Err(unsent.into()),
                Err(unsent) => mail_results("", &unsent.to_string()),
            },
            Outside::External { definition, node, inputs } => {
                let call = external::Call { definition, node, inputs, key };
                return self.call_external(behalf, &call).await;
            }
            Outside::Operation(operation) => {
                results_of(self.operations.call(behalf, key, operation).await?)
            }
            Outside::CreateTrigger { .. } | Outside::Routine { .. } | Outside::RunTree { .. } => {
                return Err(Setback::never("It happens in the run's own write."));
            }
        };
        walk::within_limit(results).map(Answer::Done)
    }

    /// What a repeat of a call does; `declared` is what its handler says of all its calls.
    async fn effect(
        &self,
        space: &SpaceId,
        call: &Call,
        declared: Option<Effect>,
    ) -> Result<Effect, store::Error> {
        Ok(match &call.work {
            Outside::Api(request) => request.effect(),
            Outside::External { definition, .. } => {
                let found = self.external(space, definition).await?;
                found.map_or(Effect::Keyed, |found| external::effect(&found))
            }
            Outside::Operation(operation) => {
                let found = self.operation(space, operation).await?;
                let once = found.is_some_and(|found| found.happens_once());
                if once { Effect::Once } else { declared.unwrap_or(Effect::Keyed) }
            }
            _ => declared.unwrap_or(Effect::Keyed),
        })
    }

    /// The operation that a call means.
    async fn operation(
        &self,
        space: &SpaceId,
        call: &OperationCall,
    ) -> Result<Option<Operation>, store::Error> {
        let (space, call) = (space.clone(), call.clone());
        self.store
            .read(move |tx| {
                let connection = store::connections::by_key(tx, &space, &call.connection)?;
                let Some(connection) = connection else { return Ok(None) };
                store::operations::by_key(tx, &space, &connection.id, &call.operation)
            })
            .await
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

/// Work that got no answer: it is repeated as its effect says, unless it may have happened.
fn in_doubt(effect: Effect, failure: Failure) -> Setback {
    match effect {
        Effect::Once => Setback::never(format!("{OUTCOME_UNKNOWN} {failure}")),
        _ => Setback { message: failure.0, repeat: Repeat::Harmless { wait_ms: 0 } },
    }
}

fn mail_results(id: &str, error: &str) -> Map<String, Value> {
    let pairs = [("Message Id", id), ("Handler Error Message", error)];
    pairs.map(|(name, value)| (name.to_owned(), Value::from(value))).into_iter().collect()
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
