//! Starting runs, inside the transaction of whatever causes them.

use super::actors::READY_MAX;
use super::walk::Fresh;
use super::{Workflows, deferrals};
use model::id::{EventId, JobId, RunId, SpaceId, TraceId, TreeId};
use model::run::{Parent, Run, RunState};
use model::time::Micros;
use model::tree::Tree;
use serde_json::Value;
use std::sync::{Arc, PoisonError};
use store::{Error, Tx, runs, trees};

/// Started runs whose walk has not begun; more are read from the database.
const FRESH_MAX: usize = READY_MAX;

/// Which tree to start.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    pub payload: Option<Arc<Value>>,
    /// When.
    pub at: Micros,
    /// The username whose action led here.
    pub actor: String,
    /// What starts it, in words.
    pub originator: String,
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
        self.start_tree(tx, request, &tree)
    }

    /// Starts a run of a tree that was found.
    pub(crate) fn start_tree(
        &self,
        tx: &mut Tx,
        request: &StartRequest,
        tree: &Tree,
    ) -> Result<StartOutcome, Error> {
        let title = tree.title();
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

    /// Called after the commit of a started run: it is taken up.
    pub fn started(&self, run: RunId) {
        self.inner.actors.wake(run);
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
        let r = request;
        // Beyond its backlog the node leaves new runs to the poller, which takes them in batches.
        let is_full = self.inner.actors.backlog() >= READY_MAX;
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
            token: self.inner.runtime.token(20),
            engine_state: "{}".into(),
            originator: r.originator.clone(),
            leased_by: (!is_full).then(|| self.inner.node.id().to_string()),
            leased_until: (!is_full).then(|| self.inner.node.lease_end(&self.inner.runtime)),
            wake_at: is_full.then_some(r.at),
            version: 0,
            created_at: r.at,
            created_by: r.actor.clone(),
            updated_at: r.at,
            finished_at: None,
        }
    }

    /// Keeps a new run in memory until its walk begins. A transaction that is rolled back leaves
    /// its number to the next one, which then overwrites the entry.
    fn keep_fresh(&self, run: Run, payload: Option<Arc<Value>>) {
        let mut fresh = self.inner.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        if run.leased_by.is_none() {
            fresh.remove(&run.id);
            return;
        }
        if fresh.len() >= FRESH_MAX {
            fresh.clear();
        }
        fresh.insert(run.id, Fresh { run, payload });
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
