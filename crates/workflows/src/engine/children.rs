//! Runs that runs start: routines whose tasks wait for them, and trees whose tasks do not.
//!
//! A child starts in the transaction that records its parent's task, and its end reaches the
//! parent's inbox in the transaction that ends it; neither can be lost or happen twice. An error
//! of a child is the child's: its parent waits until somebody has dealt with it. Who calls off a
//! parent calls off the children it waits for; a child that is called off by itself is an error of
//! its parent's task, which can be retried.

use super::deferrals::Delivery;
use super::start::{StartRequest, TreeRef};
use super::walk::Loaded;
use super::{Claim, Inner};
use crate::handlers::Outside;
use crate::inputs;
use crate::step::Call;
use crate::step::state::ErrorKind;
use model::id::{RunId, TriggerId};
use model::limits;
use model::run::{Parent, Run, Trigger, TriggerStatus};
use model::tree::Tree;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use store::{Error, Tx, errors, runs, tasks, trees, triggers};

/// What a run's own write does for one of its tasks.
pub(super) enum Inside {
    /// Completes or updates a deferral.
    Deliver(Delivery),
    /// Starts a run; the result under which the task finds its number.
    Start(Box<StartRequest>, &'static str),
    /// Nothing: this is why.
    Refuse(ErrorKind, String),
}

impl Inner {
    /// Decides, outside of the transaction, what calls mean that happen inside it.
    pub(super) async fn prepare(
        &self,
        at: &Loaded,
        calls: Vec<Call>,
        now: model::time::Micros,
    ) -> Result<Vec<(i64, Inside)>, Error> {
        let mut known = HashMap::new();
        let mut prepared = Vec::with_capacity(calls.len());
        for call in calls {
            let seq = call.seq;
            let inside = match call.work {
                Outside::CreateTrigger { complete, token, results, message } => {
                    Inside::Deliver(Delivery {
                        space_id: at.run.space_id.clone(),
                        token,
                        complete,
                        results,
                        message,
                        originator: format!("HANDLER Create Trigger of run #{}", at.run.id),
                    })
                }
                Outside::Routine { definition, inputs, awaited } => {
                    let routine = match known.get(&definition) {
                        Some(found) => Option::clone(found),
                        None => {
                            let found = self.routine(at, &definition).await?;
                            known.entry(definition.clone()).or_insert(found).clone()
                        }
                    };
                    self.prepare_routine(at, seq, &definition, routine, &inputs, awaited, now)
                        .await?
                }
                Outside::RunTree { source, group, name, body } => {
                    let tree = TreeRef::Title { source, group, name };
                    let originator = format!("HANDLER Run Tree of run #{}", at.run.id);
                    let mut request = request(&at.run, seq, tree, false, originator, now);
                    request.record_id = crate::runs::record_id(&body);
                    request.data = Some(body);
                    in_depth(request, "run_id")
                }
                _ => continue,
            };
            prepared.push((seq, inside));
        }
        Ok(prepared)
    }

    async fn routine(&self, at: &Loaded, definition: &str) -> Result<Option<Tree>, Error> {
        let (space, id) = (at.run.space_id.clone(), definition.to_owned());
        let source = at.source().to_owned();
        self.store.read(move |tx| trees::called(tx, &space, &id, &source)).await
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one call")]
    async fn prepare_routine(
        &self,
        at: &Loaded,
        seq: i64,
        definition: &str,
        routine: Option<Tree>,
        given: &Map<String, Value>,
        awaited: bool,
        now: model::time::Micros,
    ) -> Result<Inside, Error> {
        let Some(routine) = routine else {
            let message = format!("The routine {definition} does not exist.");
            return Ok(Inside::Refuse(ErrorKind::MissingRoutine, message));
        };
        let Some(planned) = self.plans.get(&self.store, routine.version_id).await? else {
            return Err(Error::Retry);
        };
        let inputs = match inputs::complete(&planned.plan.inputs, given) {
            Ok(inputs) => inputs,
            Err(message) => return Ok(Inside::Refuse(ErrorKind::NodeParameter, message)),
        };
        let originator = format!("Routine call of run #{}", at.run.id);
        let tree = TreeRef::Guid(routine.id.0.clone());
        let mut request = request(&at.run, seq, tree, awaited, originator, now);
        request.inputs = Some(Value::Object(inputs));
        if routine.kind == "Local Routine" {
            // A source's own routines know what its trees know.
            request.event_id.clone_from(&at.run.event_id);
            request.record_id.clone_from(&at.run.source_record_id);
            request.data.clone_from(&at.run.source_data);
        } else {
            request.data = Some(String::new());
        }
        Ok(in_depth(request, crate::step::RUN_ID))
    }
}

fn request(
    run: &Run,
    seq: i64,
    tree: TreeRef,
    awaited: bool,
    originator: String,
    at: model::time::Micros,
) -> StartRequest {
    StartRequest {
        space_id: run.space_id.clone(),
        tree,
        job_id: None,
        key: None,
        parent: Some(Parent { run_id: run.id, seq, awaited }),
        root_id: Some(run.root_id.unwrap_or(run.id)),
        inputs: None,
        event_id: None,
        trace_id: run.trace_id.clone(),
        depth: run.depth + 1,
        record_id: None,
        data: None,
        payload: None,
        at,
        actor: run.created_by.clone(),
        originator,
    }
}

/// A run starts others only so deep: a routine that calls itself ends here.
fn in_depth(request: StartRequest, result: &'static str) -> Inside {
    if request.is_too_deep() {
        let most = limits::CAUSE_DEPTH_MAX;
        let message = format!(
            "The run is {most} runs and events deep in its chain of causes and starts no other; \
             the routine is likely to call itself."
        );
        return Inside::Refuse(ErrorKind::Tree, message);
    }
    Inside::Start(Box::new(request), result)
}

/// Tells a parent that a child it waits for has ended; `None` outputs: it was called off. False
/// when the parent was called off itself.
pub(crate) fn tell_parent(
    tx: &mut Tx,
    parent: Parent,
    child: RunId,
    outputs: Option<&Map<String, Value>>,
    claim: &Claim,
) -> Result<bool, Error> {
    if !runs::wake(tx, parent.run_id, claim)? {
        return Ok(false);
    }
    let trigger = Trigger {
        id: TriggerId(0),
        run_id: parent.run_id,
        action: "Child".into(),
        kind: "Automatic".into(),
        status: TriggerStatus::New,
        node_id: String::new(),
        node_name: String::new(),
        loop_index: "/".into(),
        branch_id: 0,
        originator: format!("ENGINE Run #{child}"),
        scheduled_at: None,
        token: None,
        results: json!({ "seq": parent.seq, "run": child, "outputs": outputs }),
        message: None,
        created_at: claim.now,
        updated_at: claim.now,
    };
    triggers::insert(tx, &trigger)?;
    Ok(true)
}

/// Calls off a run and the children it waits for; false when it is finished or gone.
pub(crate) fn cancel(
    tx: &mut Tx,
    run: RunId,
    resolution: &Value,
    now: model::time::Micros,
) -> Result<bool, Error> {
    if !runs::cancel(tx, run, now)? {
        return Ok(false);
    }
    tasks::close_all(tx, run, now)?;
    triggers::close_all(tx, run, now)?;
    errors::handle_all(tx, run, resolution, now)?;
    for child in runs::open_children(tx, run)? {
        cancel(tx, child, resolution, now)?;
    }
    Ok(true)
}
