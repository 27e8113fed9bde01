//! What people do to bring a run forward: resume it, run it again, end or skip an open task.

use crate::Workflows;
use crate::actor::Actor;
use crate::engine::{StartOutcome, StartRequest, TreeRef, children};
use crate::error::{Error, Result};
use crate::errors::{Decision, Resolved};
use crate::step::state::{ErrorKind, Resolution};
use model::id::{RunId, TriggerId};
use model::run::{RunState, Task, TaskStatus, Trigger, TriggerStatus};
use serde_json::{Map, json};
use store::{Tx, errors, runs, tasks, triggers};

impl Workflows {
    /// Starts a new run of the same tree, in the version it has now, with the same data and
    /// inputs.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` when the tree is not active any more.
    pub async fn run_again(&self, actor: &Actor, id: RunId, key: Option<String>) -> Result<RunId> {
        let detail = self.run_detail(actor, id).await?;
        if detail.source_data.is_none() && detail.run.event_id.is_some() {
            return Err(Error::Invalid(format!(
                "What run #{id} was started with was removed by retention: it cannot run again."
            )));
        }
        let run = detail.run;
        let request = StartRequest {
            space_id: actor.space_id.clone(),
            tree: TreeRef::Guid(run.tree_id.0),
            job_id: None,
            key,
            parent: None,
            root_id: None,
            inputs: run.inputs,
            event_id: run.event_id,
            trace_id: run.trace_id,
            depth: run.depth,
            record_id: run.source_record_id,
            data: run.source_data,
            payload: None,
            at: self.inner.runtime.now(),
            actor: actor.username.clone(),
            originator: format!("Run Again of run #{id} by {}", actor.username),
        };
        let engine = self.clone();
        let outcome = self.inner.store.write(move |tx| engine.start(tx, &request)).await;
        match outcome.map_err(Error::Store)? {
            StartOutcome::Started { run, .. } => {
                self.started(run);
                Ok(run)
            }
            StartOutcome::Refused { status: 404, message } => Err(Error::NotFound(message)),
            StartOutcome::Refused { message, .. } => Err(Error::Invalid(message)),
        }
    }

    /// Carries out again every node of a run at which it stands in error.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` when no open error can be retried.
    pub async fn resume(&self, actor: &Actor, id: RunId, note: String) -> Result<Resolved> {
        let detail = self.run_detail(actor, id).await?;
        let retries = |kind: &str| {
            let actions = ErrorKind::parse(kind).map(ErrorKind::actions).unwrap_or_default();
            actions.contains(&Resolution::RetryTask)
        };
        let open = detail.errors.iter().filter(|e| e.active && retries(&e.kind));
        let ids: Vec<_> = open.map(|e| e.id).collect();
        if ids.is_empty() {
            return Err(Error::Invalid(format!("The run #{id} has no error that can be retried.")));
        }
        let decision = Decision { ids, action: Resolution::RetryTask, note, inputs: Map::new() };
        self.resolve(actor, decision).await
    }

    /// Ends an open task of a run: its branch stops there, or goes on without its results. A
    /// deferral's token answers 409 from then on, and a routine it waits for is called off.
    ///
    /// # Errors
    /// `NotFound`, `Late` when the task is done or the run was cancelled.
    pub async fn end_task(&self, actor: &Actor, id: RunId, seq: i64, goes_on: bool) -> Result<()> {
        let now = self.inner.runtime.now();
        let (who, claim) = (actor.clone(), self.inner.claim_at(now));
        let action = if goes_on { "Skip Task" } else { "Cancel Branch" };
        let resolution = json!({ "action": action, "by": actor.username, "at": now.iso() });
        self.inner
            .store
            .write(move |tx| {
                let Some(run) = runs::by_id(tx, &who.space_id, id)? else {
                    return Err(Error::not_found("run", id));
                };
                if run.state == RunState::Cancelled || !runs::wake(tx, id, &claim)? {
                    let message = format!("The run #{id} was cancelled.");
                    return Err(Error::Late { status: 410, message });
                }
                let task = open_task(tx, id, seq)?;
                tasks::close(tx, task.id, now)?;
                for child in runs::open_children(tx, id)? {
                    let waits = runs::load(tx, child)?.and_then(|run| run.parent);
                    if waits.is_some_and(|parent| parent.seq == seq) {
                        children::cancel(tx, child, &resolution, now)?;
                    }
                }
                let open = errors::of_run(tx, id)?;
                for error in open.iter().filter(|e| e.active && e.task_seq == Some(seq)) {
                    errors::handle(tx, error.id, &resolution, now)?;
                }
                triggers::insert(
                    tx,
                    &Trigger {
                        id: TriggerId(0),
                        run_id: id,
                        action: "Decide".into(),
                        kind: "Manual".into(),
                        status: TriggerStatus::New,
                        node_id: task.node_id,
                        node_name: task.node_name,
                        loop_index: task.loop_index,
                        branch_id: task.branch_id,
                        originator: format!("{action} by {}", who.username),
                        scheduled_at: None,
                        token: None,
                        results: json!({ "seq": seq, "goesOn": goes_on, "action": action }),
                        message: None,
                        created_at: now,
                        updated_at: now,
                    },
                )?;
                Ok(())
            })
            .await?;
        self.started(id);
        Ok(())
    }
}

fn open_task(tx: &mut Tx, run: RunId, seq: i64) -> Result<Task> {
    let task = tasks::of_run(tx, run)?.into_iter().find(|task| task.seq == seq);
    let task = task.ok_or_else(|| Error::not_found("task", seq))?;
    if task.status == TaskStatus::Closed {
        let message = format!("The task {seq} of run #{run} is done.");
        return Err(Error::Late { status: 409, message });
    }
    Ok(task)
}
