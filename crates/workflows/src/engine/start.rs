//! Starting runs, inside the transaction of whatever causes them.

use super::actors::READY_MAX;
use super::ahead::Ahead;
use super::walk::{Fresh, New};
use super::{Workflows, deferrals};
use crate::step::state::State;
use model::id::{EventId, JobId, RunId, SpaceId, TraceId, TreeId};
use model::limits;
use model::payload::Payload;
use model::run::{Parent, Run, RunState};
use model::time::Micros;
use model::tree::Tree;
use serde_json::Value;
use std::sync::PoisonError;
use store::{Error, Tx, runs, trees};

/// Started runs whose walk has not begun; more are read from the database.
const FRESH_MAX: usize = READY_MAX;

/// Which tree to start.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TreeRef {
    /// By source, group and name.
    Title {
        /// The source's name.
        source: String,
        /// The group.
        group: String,
        /// The name.
        name: String,
    },
    /// By its id.
    Guid(String),
}

/// What to start, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct StartRequest {
    /// The space whose trees are meant.
    pub space_id: SpaceId,
    /// The tree.
    pub tree: TreeRef,
    /// The job that starts it; no two runs have the same.
    pub job_id: Option<JobId>,
    /// A key of the caller's; no two runs of the tree have the same.
    pub key: Option<String>,
    /// The run and task that start it.
    pub parent: Option<Parent>,
    /// The run at the top of the chain of parents.
    pub root_id: Option<RunId>,
    /// Its inputs, completed and checked.
    pub inputs: Option<Value>,
    /// The event it is about.
    pub event_id: Option<EventId>,
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// How deep in the trace the event stands; changes that the run makes are one deeper.
    pub depth: i64,
    /// The record it is about, such as a submission's id.
    pub record_id: Option<String>,
    /// The data to start with; `None`: the event's payload, which is stored once.
    pub data: Option<String>,
    /// The event's payload, when it is at hand: it saves a read.
    pub payload: Option<Payload>,
    /// When.
    pub at: Micros,
    /// The username whose action led here.
    pub actor: String,
    /// What starts it, in words.
    pub originator: String,
}

impl StartRequest {
    /// Whether its chain of causes is too long: it is likely to have started itself.
    pub(super) fn is_too_deep(&self) -> bool {
        self.depth > limits::CAUSE_DEPTH_MAX
    }
}

/// What became of a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartOutcome {
    /// The run exists once the transaction is committed.
    Started {
        /// Its number.
        run: RunId,
        /// The tree's title, `Source :: Group :: Name`.
        title: String,
    },
    /// There is no such tree, or it is not active.
    Refused {
        /// The status an HTTP caller gets.
        status: u16,
        /// The message an HTTP caller gets.
        message: String,
    },
}

impl Workflows {
    /// Starts a run inside a transaction; nothing of it takes effect before the commit. A job
    /// that has started a run before is answered with that run.
    ///
    /// # Errors
    /// The store's; a tree that cannot be started is an answer, not an error.
    pub fn start(&self, tx: &mut Tx, request: &StartRequest) -> Result<StartOutcome, Error> {
        let tree = match find(tx, request)? {
            Ok(tree) => tree,
            Err(message) => return Ok(StartOutcome::Refused { status: 404, message }),
        };
        self.inner.plans.found(&request.space_id, &request.tree, &tree);
        self.start_tree(tx, request, &tree)
    }

    /// Decides ahead, outside of any transaction, what a start will write: as a rule everything
    /// that the run does before it first waits.
    pub fn prepare(&self, request: StartRequest) -> PreparedStart {
        let ahead = self.inner.walk_ahead(&request);
        PreparedStart { engine: self.clone(), request, ahead }
    }

    /// Starts a run of a tree that was found.
    pub(crate) fn start_tree(
        &self,
        tx: &mut Tx,
        request: &StartRequest,
        tree: &Tree,
    ) -> Result<StartOutcome, Error> {
        let title = tree.title();
        if request.is_too_deep() {
            let most = limits::CAUSE_DEPTH_MAX;
            let message = format!(
                "The \"{title}\" tree is not started: its cause is {most} runs and events deep, \
                 and it is likely to start itself."
            );
            return Ok(StartOutcome::Refused { status: 400, message });
        }
        if !tree.status.eq_ignore_ascii_case("active") {
            let message = format!("The \"{title}\" tree is {}.", tree.status.to_lowercase());
            return Ok(StartOutcome::Refused { status: 400, message });
        }
        let mut run = self.new_run(request, tree);
        match runs::insert(tx, &run)? {
            Some(id) => {
                run.id = id;
                self.keep_fresh(run, request.payload.clone());
                Ok(StartOutcome::Started { run: id, title })
            }
            None => {
                let earlier = match (&request.job_id, &request.key) {
                    (Some(job), _) => runs::by_job(tx, job)?,
                    (None, Some(key)) => runs::by_key(tx, &tree.id, key)?,
                    (None, None) => None,
                };
                let run = earlier.ok_or(Error::Retry)?;
                Ok(StartOutcome::Started { run, title })
            }
        }
    }

    /// Called after the commit of a started run: it is taken up, unless it is at rest already.
    pub fn started(&self, run: RunId) {
        match self.inner.take_rest(run) {
            Some(Some(due)) => self.inner.wake_by(due),
            Some(None) => {}
            None => self.inner.actors.wake(run),
        }
    }

    /// Completes or updates a deferral, and moves its run.
    ///
    /// # Errors
    /// The store's.
    pub async fn deliver(
        &self,
        delivery: deferrals::Delivery,
    ) -> Result<deferrals::Delivered, Error> {
        let claim = self.inner.claim_at(self.inner.runtime.now());
        let delivered = self
            .inner
            .store
            .write(move |tx| deferrals::deliver(tx, &delivery, &claim, None))
            .await?;
        if let deferrals::Delivered::Taken { run, .. } = &delivered {
            self.inner.actors.wake(*run);
        }
        Ok(delivered)
    }

    fn new_run(&self, request: &StartRequest, tree: &Tree) -> Run {
        // Beyond its backlog the node leaves new runs to the poller, which takes them in batches.
        let is_full = self.inner.actors.backlog() >= READY_MAX;
        self.inner.new_run(request, tree, is_full)
    }

    /// Keeps a new run in memory until its walk begins. A transaction that is rolled back leaves
    /// its number to the next one, which then overwrites the entry.
    fn keep_fresh(&self, run: Run, payload: Option<Payload>) {
        let fresh = Fresh { run, payload, state: State::default(), calls: Vec::new() };
        if fresh.run.leased_by.is_none() {
            self.inner.take_fresh(fresh.run.id);
            return;
        }
        self.inner.keep(fresh.run.id, New::Fresh(Box::new(fresh)));
    }
}

/// A start that was decided ahead.
pub struct PreparedStart {
    engine: Workflows,
    request: StartRequest,
    ahead: Option<Ahead>,
}

impl PreparedStart {
    /// Starts the run inside a transaction, as [`Workflows::start`] does. May be called again after
    /// a rollback.
    ///
    /// # Errors
    /// As [`Workflows::start`].
    pub fn apply(&self, tx: &mut Tx) -> Result<StartOutcome, Error> {
        if let Some(ahead) = &self.ahead
            && let Some(outcome) = ahead.apply(tx, &self.engine.inner)?
        {
            return Ok(outcome);
        }
        self.engine.start(tx, &self.request)
    }
}

impl super::Inner {
    /// The row of a run that is about to begin.
    pub(super) fn new_run(&self, request: &StartRequest, tree: &Tree, is_full: bool) -> Run {
        let r = request;
        Run {
            id: RunId(0),
            space_id: r.space_id.clone(),
            tree_id: tree.id.clone(),
            tree_version_id: tree.version_id,
            job_id: r.job_id.clone(),
            start_key: r.key.clone(),
            parent: r.parent,
            root_id: r.root_id,
            inputs: r.inputs.clone(),
            event_id: r.event_id.clone(),
            trace_id: r.trace_id.clone(),
            depth: r.depth,
            source_record_id: r.record_id.clone(),
            source_data: r.data.clone(),
            state: RunState::Running,
            token: self.runtime.token(20),
            engine_state: "{}".into(),
            originator: r.originator.clone(),
            leased_by: (!is_full).then(|| self.node.id().to_string()),
            leased_until: (!is_full).then(|| self.node.lease_end(&self.runtime)),
            wake_at: is_full.then_some(r.at),
            version: 0,
            created_at: r.at,
            created_by: r.actor.clone(),
            updated_at: r.at,
            finished_at: None,
        }
    }

    /// Keeps what is known of a new run until its transaction is committed.
    pub(super) fn keep(&self, run: RunId, new: New) {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        if fresh.len() >= FRESH_MAX {
            fresh.clear();
        }
        fresh.insert(run, new);
    }

    /// Takes a new run that has to be walked.
    pub(super) fn take_fresh(&self, run: RunId) -> Option<Fresh> {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        match fresh.remove(&run)? {
            New::Fresh(fresh) => Some(*fresh),
            New::AtRest { .. } => None,
        }
    }

    /// Takes a new run that is at rest, and when it goes on by itself.
    fn take_rest(&self, run: RunId) -> Option<Option<Micros>> {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        match fresh.get(&run)? {
            New::AtRest { due } => {
                let due = *due;
                fresh.remove(&run);
                Some(due)
            }
            New::Fresh(_) => None,
        }
    }

    /// Whether a new run would be kept without others being forgotten.
    pub(super) fn has_room_for_new(&self) -> bool {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner).len() < FRESH_MAX / 2
    }
}

/// Finds the tree to start; the message when there is none.
pub(crate) fn find(tx: &mut Tx, request: &StartRequest) -> Result<Result<Tree, String>, Error> {
    let space = &request.space_id;
    Ok(match &request.tree {
        TreeRef::Title { source, group, name } => trees::by_title(tx, space, source, group, name)?
            .ok_or_else(|| format!("The \"{source} :: {group} :: {name}\" tree does not exist.")),
        TreeRef::Guid(guid) => trees::by_id(tx, space, &TreeId(guid.clone()))?
            .ok_or_else(|| format!("The tree with the guid \"{guid}\" does not exist.")),
    })
}
