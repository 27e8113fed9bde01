//! Completing and updating deferrals by token: the first completion wins, whoever it comes from.

use crate::handlers;
use crate::plan::is_external;
use model::id::{RunId, SpaceId, TriggerId};
use model::run::{RunState, TaskStatus, Trigger, TriggerStatus};
use serde_json::{Map, Value};
use store::runs::Claim;
use store::{Dialect, Error, Tx, runs, tasks, triggers};

/// What somebody brings to a deferral.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// The space.
    pub space_id: SpaceId,
    /// The deferral's token.
    pub token: String,
    /// Whether it completes the deferral; otherwise it updates it.
    pub complete: bool,
    /// Results.
    pub results: Map<String, Value>,
    /// A message.
    pub message: String,
    /// Who brings it, in words.
    pub originator: String,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// It waits in the run's inbox.
    Taken {
        /// The trigger's number.
        trigger: TriggerId,
        /// The run.
        run: RunId,
    },
    /// There is no such deferral, or it waits no longer.
    Refused {
        /// 404, 409 or 410.
        status: u16,
        /// The reason.
        message: String,
    },
}

/// Whether a task of this handler may come to defer, so that what is brought early is kept for it.
fn may_defer(definition: &str) -> bool {
    handlers::find(definition).is_some_and(|h| h.deferrable && h.id != "system_wait_v1")
        || is_external(definition)
}

/// Delivers inside a transaction. A task whose work is still under way may be answered already:
/// that is kept until it defers. `own` is the run whose own write this is: it is not woken, for
/// its walker looks into the inbox next.
pub(crate) fn deliver(
    tx: &mut Tx,
    delivery: &Delivery,
    claim: &Claim,
    own: Option<RunId>,
) -> Result<Delivered, Error> {
    let d = delivery;
    let refused = |status, message: String| Ok(Delivered::Refused { status, message });
    let unknown = || format!("There is no deferred task with the token \"{}\".", d.token);
    let Some(mut found) = tasks::by_token(tx, &d.space_id, &d.token)? else {
        return refused(404, unknown());
    };
    let run = found.run_id;
    // Deliveries to one run take turns, so that no update is taken after the completion. On SQLite
    // there is one writer, and what was read is still so.
    if tx.dialect() == Dialect::Postgres {
        runs::lock(tx, run)?;
        match tasks::by_token(tx, &d.space_id, &d.token)? {
            Some(now) => found = now,
            None => return refused(404, unknown()),
        }
    }
    if found.run_state == RunState::Cancelled {
        return refused(410, format!("The deferred task's run #{run} was cancelled."));
    }
    let late = || format!("The deferred task of run #{run} no longer waits: it was completed.");
    let is_early = !found.deferred && may_defer(&found.definition_id);
    if found.status == TaskStatus::Closed || !(found.deferred || is_early) {
        return refused(409, late());
    }
    // Before the task defers its row cannot tell that it was completed, but the inbox can.
    if is_early && triggers::is_completed(tx, run, &d.token)? {
        return refused(409, late());
    }
    if d.complete && found.deferred && !tasks::take_deferral(tx, found.task_id)? {
        return refused(409, late());
    }
    let trigger = Trigger {
        id: TriggerId(0),
        run_id: run,
        action: if d.complete { "Complete" } else { "Update" }.into(),
        kind: "Deferred".into(),
        status: TriggerStatus::New,
        node_id: found.node_id,
        node_name: found.node_name,
        loop_index: found.loop_index,
        branch_id: found.branch_id,
        originator: d.originator.clone(),
        scheduled_at: None,
        token: Some(d.token.clone()),
        results: Value::Object(d.results.clone()),
        message: Some(d.message.clone()).filter(|m| !m.is_empty()),
        created_at: claim.now,
        updated_at: claim.now,
    };
    let trigger = triggers::insert_numbered(tx, &trigger)?;
    if own != Some(run) {
        runs::wake(tx, run, claim)?;
    }
    Ok(Delivered::Taken { trigger, run })
}
