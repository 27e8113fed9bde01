//! Runs as people use them: start by hand, look at, call off, start a node, edit results.

use crate::actor::Actor;
use crate::definition::{self, Definition, Field, Format};
use crate::engine::{Ahead, StartOutcome, StartRequest, TreeRef, children, find};
use crate::error::{Error, Result};
use crate::inputs;
use crate::step::state::State;
use crate::{Workflows, view};
use model::id::{RunId, TaskId, TreeVersionId, TriggerId};
use model::run::{Run, RunError, RunState, Task, Trigger, TriggerStatus};
use model::tree::Tree;
use serde_json::{Map, Value, json};
use store::runs::{Filter, Listed};
use store::triggers::CRITERION;
use store::{Tx, errors, events, runs, tasks, trees, triggers};

/// A run with what was asked for.
#[derive(Clone, Debug)]
pub struct Detail {
    /// The run.
    pub run: Run,
    /// Its tree.
    pub tree: Tree,
    /// The document it was started with.
    pub source_data: Option<String>,
    /// Its tasks, in order.
    pub tasks: Vec<Task>,
    /// Its triggers, in order.
    pub triggers: Vec<Trigger>,
    /// Its errors, in order.
    pub errors: Vec<RunError>,
    /// The definition of the version it runs.
    pub definition: Option<Definition>,
}

impl Detail {
    /// The document the run page is drawn from.
    pub fn view(&self) -> Value {
        view::document(self)
    }

    /// What a Return node named; `None` before.
    pub fn outputs(&self) -> Option<Map<String, Value>> {
        let state: crate::step::state::State = serde_json::from_str(&self.run.engine_state).ok()?;
        state.outputs
    }
}

/// A start asked for by a person or another system.
#[derive(Clone, Debug)]
pub struct StartByHand {
    /// The tree.
    pub tree: TreeRef,
    /// The data to start with.
    pub data: String,
    /// Its inputs; `None`: none were given.
    pub inputs: Option<Map<String, Value>>,
    /// A key of the caller's: the tree is started once with it.
    pub key: Option<String>,
    /// What starts it, in words.
    pub originator: String,
}

/// A node that a person starts.
#[derive(Clone, Debug)]
pub struct ManualTrigger {
    /// The node's id.
    pub node: String,
    /// Where; branch 0 asks for a new one.
    pub place: crate::step::state::Place,
    /// When; `None`: at once.
    pub at: Option<model::time::Micros>,
    /// A text that is kept with it. Engines of the platform choose triggers by it; here every
    /// engine takes every trigger.
    pub criterion: Option<String>,
}

/// Children that a run shows; the list has them all.
const CHILDREN_MAX: i64 = 1_000;
/// Characters of a caller's key.
const KEY_CHARS_MAX: usize = 255;

impl Workflows {
    /// Starts a run and takes it up; returns its number and the tree's title.
    ///
    /// # Errors
    /// `NotFound` when there is no such tree, `Invalid` when it is not active.
    pub async fn start_by_hand(
        &self,
        actor: &Actor,
        start: StartByHand,
    ) -> Result<(RunId, String)> {
        if start.key.as_ref().is_some_and(|key| key.chars().count() > KEY_CHARS_MAX) {
            let message = format!("The idempotency key has more than {KEY_CHARS_MAX} characters.");
            return Err(Error::Invalid(message));
        }
        let request = StartRequest {
            space_id: actor.space_id.clone(),
            tree: start.tree,
            job_id: None,
            key: start.key.filter(|key| !key.trim().is_empty()),
            parent: None,
            root_id: None,
            inputs: None,
            event_id: None,
            trace_id: actor.cause.trace_id.clone(),
            depth: actor.cause.depth,
            record_id: record_id(&start.data),
            data: Some(start.data),
            payload: None,
            at: self.inner.runtime.now(),
            actor: actor.username.clone(),
            originator: start.originator,
        };
        let given = start.inputs;
        loop {
            let (engine, request, given) = (self.clone(), request.clone(), given.clone());
            let ahead = self.inner.walk_ahead(&request);
            let write = self.inner.store.write(move |tx| {
                engine.start_checked(tx, &request, given.as_ref(), ahead.as_ref())
            });
            match write.await.map_err(Error::Store)? {
                Checked::Outcome(StartOutcome::Started { run, title }) => {
                    self.started(run);
                    self.inner.changes.publish_run(&actor.space_id, run);
                    return Ok((run, title));
                }
                Checked::Outcome(StartOutcome::Refused { status: 404, message }) => {
                    return Err(Error::NotFound(message));
                }
                Checked::Outcome(StartOutcome::Refused { message, .. }) => {
                    return Err(Error::Invalid(message));
                }
                Checked::Unplanned(version) => {
                    self.inner.plans.get(&self.inner.store, version).await?;
                }
            }
        }
    }

    /// Starts a run whose inputs are checked against what the tree declares.
    fn start_checked(
        &self,
        tx: &mut Tx,
        request: &StartRequest,
        given: Option<&Map<String, Value>>,
        ahead: Option<&Ahead>,
    ) -> std::result::Result<Checked, store::Error> {
        let refused =
            |status, message| Ok(Checked::Outcome(StartOutcome::Refused { status, message }));
        let tree = match find(tx, request)? {
            Ok(tree) => tree,
            Err(message) => return refused(404, message),
        };
        self.inner.plans.found(&request.space_id, &request.tree, &tree);
        // A plan is compiled outside of transactions.
        let Some(planned) = self.inner.plans.peek(tree.version_id) else {
            return Ok(Checked::Unplanned(tree.version_id));
        };
        let data = request.data.as_deref().unwrap_or_default();
        match inputs_of(&planned.plan.inputs, &tree, given, data) {
            Err(message) => refused(400, message),
            Ok(None) => {
                let started = match ahead {
                    Some(ahead) => ahead.apply(tx, &self.inner)?,
                    None => None,
                };
                let started = started.map_or_else(|| self.start_tree(tx, request, &tree), Ok);
                Ok(Checked::Outcome(started?))
            }
            Ok(Some(inputs)) => {
                let inputs = Some(Value::Object(inputs));
                let request = StartRequest { inputs, ..request.clone() };
                Ok(Checked::Outcome(self.start_tree(tx, &request, &tree)?))
            }
        }
    }

    /// Runs that a run has started, in order, without their data.
    ///
    /// # Errors
    /// The store's.
    pub async fn children(&self, actor: &Actor, run: RunId) -> Result<Vec<Listed>> {
        let filter = Filter { parent_id: Some(run.0), ascending: true, ..Filter::default() };
        self.runs(actor, filter, CHILDREN_MAX).await
    }

    /// Lists runs, newest first unless asked otherwise.
    ///
    /// # Errors
    /// The store's.
    pub async fn runs(&self, actor: &Actor, filter: Filter, limit: i64) -> Result<Vec<Listed>> {
        let space = actor.space_id.clone();
        self.inner.store.read(move |tx| Ok(runs::list(tx, &space, &filter, limit)?)).await
    }

    /// Counts runs.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_runs(&self, actor: &Actor, filter: Filter) -> Result<i64> {
        let space = actor.space_id.clone();
        self.inner.store.read(move |tx| Ok(runs::count(tx, &space, &filter)?)).await
    }

    /// A run with everything that belongs to it.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn run_detail(&self, actor: &Actor, id: RunId) -> Result<Detail> {
        let space = actor.space_id.clone();
        let found = self
            .inner
            .store
            .read(move |tx| {
                let Some(run) = runs::by_id(tx, &space, id)? else { return Ok(None) };
                let Some(tree) = trees::any_by_id(tx, &run.tree_id)? else { return Ok(None) };
                let version = trees::version(tx, run.tree_version_id)?;
                let source_data = match (&run.source_data, &run.event_id) {
                    (Some(data), _) => Some(data.clone()),
                    (None, Some(event)) => events::payload(tx, event)?,
                    (None, None) => None,
                };
                let definition = version.and_then(|v| {
                    let read = definition::read(Format::parse(&v.format), &v.definition);
                    read.ok().map(|document| document.definition)
                });
                Ok::<_, Error>(Some(Detail {
                    source_data,
                    tasks: tasks::of_run(tx, id)?,
                    triggers: triggers::of_run(tx, id)?,
                    errors: errors::of_run(tx, id)?,
                    definition,
                    tree,
                    run,
                }))
            })
            .await?;
        found.ok_or_else(|| Error::not_found("run", id))
    }

    /// The run that a task's token belongs to.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn run_of_token(&self, actor: &Actor, token: &str) -> Result<RunId> {
        let (space, wanted) = (actor.space_id.clone(), token.to_owned());
        let found = self.inner.store.read(move |tx| tasks::by_token(tx, &space, &wanted)).await;
        let found = found.map_err(Error::Store)?;
        found
            .map(|f| f.run_id)
            .ok_or_else(|| Error::NotFound(format!("There is no task with the token \"{token}\".")))
    }

    /// Replaces what a run was started with: data, inputs or both.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn edit_run(
        &self,
        actor: &Actor,
        id: RunId,
        data: Option<String>,
        inputs: Option<Value>,
    ) -> Result<()> {
        let space = actor.space_id.clone();
        let changed: bool = self
            .inner
            .store
            .write(move |tx| {
                let (data, inputs) = (data.as_deref(), inputs.as_ref());
                Ok::<_, Error>(runs::update_source_data(tx, &space, id, data, inputs)?)
            })
            .await?;
        if changed { Ok(()) } else { Err(Error::not_found("run", id)) }
    }

    /// Calls off a run that is not finished; removes the records of one that is. True when it was
    /// called off.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn cancel_or_delete_run(&self, actor: &Actor, id: RunId) -> Result<bool> {
        let (space, now) = (actor.space_id.clone(), self.inner.runtime.now());
        let resolution = json!({ "action": "Cancel Run", "by": actor.username, "at": now.iso() });
        let claim = self.inner.claim_at(now);
        let (cancelled, parent) = self
            .inner
            .store
            .write(move |tx| {
                let Some(run) = runs::by_id(tx, &space, id)? else {
                    return Err(Error::not_found("run", id));
                };
                // A parent before its child: so do all who hold both.
                let parent = run.parent.filter(|parent| parent.awaited);
                if let Some(parent) = parent {
                    runs::lock(tx, parent.run_id)?;
                }
                if !children::cancel(tx, id, &resolution, now)? {
                    runs::delete(tx, id)?;
                    return Ok((false, None));
                }
                if let Some(parent) = parent {
                    children::tell_parent(tx, parent, id, None, &claim)?;
                }
                Ok((true, parent))
            })
            .await?;
        if let Some(parent) = parent {
            self.started(parent.run_id);
        }
        self.inner.changes.publish_run(&actor.space_id, id);
        Ok(cancelled)
    }

    /// Calls off a run that is not finished.
    ///
    /// # Errors
    /// `NotFound`, `Late` when it is finished.
    pub async fn cancel_run(&self, actor: &Actor, id: RunId) -> Result<()> {
        let state = self.run_detail(actor, id).await?.run.state;
        if matches!(state, RunState::Complete | RunState::Cancelled) {
            let message = format!("The run #{id} is {}.", state.as_str().to_lowercase());
            return Err(Error::Late { status: 409, message });
        }
        self.cancel_or_delete_run(actor, id).await?;
        Ok(())
    }

    /// Starts a node of a run by hand, at once or at a time, with the results the run has then.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` for a node that does not exist, `Late` for a cancelled run.
    pub async fn trigger_by_hand(
        &self,
        actor: &Actor,
        id: RunId,
        manual: ManualTrigger,
    ) -> Result<TriggerId> {
        let ManualTrigger { node, place, at, criterion } = manual;
        let detail = self.run_detail(actor, id).await?;
        let definition = detail.definition.unwrap_or_default();
        let Some(node) = definition.nodes.iter().find(|n| n.id == node) else {
            return Err(Error::Invalid(format!("The run's tree has no node \"{node}\".")));
        };
        let now = self.inner.runtime.now();
        let at = at.filter(|at| *at > now);
        let trigger = Trigger {
            id: TriggerId(0),
            run_id: id,
            action: "Root".into(),
            kind: "Manual".into(),
            status: TriggerStatus::New,
            node_id: node.id.clone(),
            node_name: node.name.clone(),
            loop_index: place.loop_index,
            branch_id: place.branch,
            originator: format!("Manual trigger by {}", actor.username),
            scheduled_at: at,
            token: None,
            results: criterion.map_or_else(|| json!({}), |text| json!({ CRITERION: text })),
            message: None,
            created_at: now,
            updated_at: now,
        };
        let (claim, space) = (self.inner.claim_at(now), actor.space_id.clone());
        let added = self
            .inner
            .store
            .write(move |tx| {
                let run = runs::by_id(tx, &space, id)?;
                let is_alive = run.is_some_and(|run| run.state != RunState::Cancelled);
                if !is_alive || (trigger.scheduled_at.is_none() && !runs::wake(tx, id, &claim)?) {
                    let message = format!("The run #{id} was cancelled.");
                    return Err(Error::Late { status: 410, message });
                }
                Ok(triggers::insert_numbered(tx, &trigger)?)
            })
            .await?;
        match at {
            Some(at) => self.inner.wake_by(at),
            None => self.started(id),
        }
        Ok(added)
    }

    /// Replaces results that a person corrects; the run goes on with them.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn edit_task(
        &self,
        actor: &Actor,
        run: RunId,
        task: TaskId,
        results: Option<Value>,
        deferred_results: Option<Value>,
    ) -> Result<Task> {
        let space = actor.space_id.clone();
        self.inner
            .store
            .write(move |tx| {
                let row = runs::by_id(tx, &space, run)?;
                let row = row.ok_or_else(|| Error::not_found("run", run))?;
                let found = tasks::by_id(tx, run, task)?;
                let mut found = found.ok_or_else(|| Error::not_found("task", task))?;
                if let Some(results) = &results {
                    found.results = results.clone();
                }
                if let Some(results) = &deferred_results {
                    found.deferred_results = results.clone();
                }
                tasks::update_results(tx, &found)?;
                if !republish(tx, &row, &found)? {
                    return Err(Error::Stale(format!("The run #{run} moved meanwhile.")));
                }
                Ok(found)
            })
            .await
    }
}

/// What became of a start whose inputs are checked.
enum Checked {
    Outcome(StartOutcome),
    /// The tree's plan is not in memory.
    Unplanned(TreeVersionId),
}

/// The inputs of a start. A routine takes its source data as its inputs when none are given.
fn inputs_of(
    declared: &[Field],
    tree: &Tree,
    given: Option<&Map<String, Value>>,
    data: &str,
) -> std::result::Result<Option<Map<String, Value>>, String> {
    let given = match given {
        Some(inputs) => inputs.clone(),
        None if tree.kind == "Tree" => Map::new(),
        None => serde_json::from_str(data).unwrap_or_default(),
    };
    if declared.is_empty() {
        return Ok(Some(given).filter(|given| !given.is_empty()));
    }
    match inputs::unknown(declared, &given) {
        Some(message) => Err(message),
        None => inputs::complete(declared, &given).map(Some),
    }
}

/// Lets later nodes see a task's edited results; false when the run has moved.
fn republish(tx: &mut Tx, run: &Run, task: &Task) -> Result<bool> {
    let mut state: State = serde_json::from_str(&run.engine_state).unwrap_or_default();
    let mut results = task.results.as_object().cloned().unwrap_or_default();
    results.extend(task.deferred_results.as_object().cloned().unwrap_or_default());
    if !state.is_trimmed {
        state.put(&task.loop_index, &task.node_name, Value::Object(results));
    }
    let text = state.text();
    let advance = runs::Advance {
        id: run.id,
        from_version: run.version,
        state: run.state,
        engine_state: &text,
        lease: run.leased_by.clone().zip(run.leased_until),
        wake_at: run.wake_at,
        now: run.updated_at,
    };
    Ok(runs::advance(tx, &advance)?)
}

/// The record a document is about: its submission, form, user or team.
pub(crate) fn record_id(data: &str) -> Option<String> {
    let data: Value = serde_json::from_str(data).ok()?;
    let id = data.pointer("/submission/id").and_then(Value::as_str)?;
    Some(id.to_owned())
}
