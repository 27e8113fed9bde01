//! Walking ahead: what a new run does before it first waits is decided before the write that
//! starts it, and written with it. A run of pure nodes is finished in the transaction of its event.
//!
//! ```text
//! prepare: the tree as it was found last ─▶ pure step ─▶ rows       (no transaction)
//! apply:   run, if the tree still stands there ─▶ tasks, triggers   (inside the event's)
//! started: at rest, or outside work to begin                        (after the commit)
//! ```
//!
//! Only the run's number is unknown ahead, so trees that look at it are walked afterwards, as are
//! runs whose step leads to an error, to another run or to a deferral: those draw numbers, or have
//! to read. Nothing is lost when the tree has moved: the run starts as it would have anyway.

use super::Inner;
use super::actors::READY_MAX;
use super::commit::trigger_rows;
use super::start::{StartOutcome, StartRequest};
use super::walk::{Fresh, New};
use crate::context::{Base, SourceData};
use crate::step::state::{Record, State};
use crate::step::{Call, Input, Outcome};
use model::limits;
use model::payload::Payload;
use model::run::{Run, RunState, Trigger};
use model::tree::Tree;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use store::tasks::Written;
use store::{Error, Tx, runs, tasks, triggers};

/// What whoever caused an event may wait for a run; a tree that takes longer is walked afterwards.
const SLOW: Duration = Duration::from_millis(5);
/// After so many walks in a row that were slow or of no use, a tree's version is left alone.
const IN_VAIN_MAX: u32 = 8;

/// A run that was walked ahead.
pub(crate) struct Ahead {
    tree: Arc<Tree>,
    run: Run,
    state: State,
    tasks: Vec<Written>,
    triggers: Vec<Trigger>,
    calls: Vec<Call>,
    payload: Option<Payload>,
}

impl Inner {
    /// Walks a run that is to be started; `None` when that has to be done afterwards.
    pub(crate) fn walk_ahead(&self, request: &StartRequest) -> Option<Ahead> {
        // Whom a run's end has to be told to waits for a run that is walked.
        let is_awaited = request.parent.is_some_and(|parent| parent.awaited);
        if is_awaited || self.actors.backlog() >= READY_MAX || !self.has_room_for_new() {
            return None;
        }
        // What is refused for its depth is refused by the start itself, which says why.
        if request.is_too_deep() || self.is_stopped(&request.space_id) {
            return None;
        }
        let tree = self.plans.head(&request.space_id, &request.tree)?;
        let planned = self.plans.peek(tree.version_id)?;
        let in_vain = &planned.ahead_in_vain;
        if !tree.status.eq_ignore_ascii_case("active")
            || planned.plan.reads_run
            || in_vain.load(Ordering::Relaxed) >= IN_VAIN_MAX
        {
            return None;
        }
        let data = match (&request.data, &request.payload) {
            (Some(text), _) => SourceData::Text(text.as_str().into()),
            (None, Some(payload)) => SourceData::Event(payload.clone()),
            (None, None) if planned.plan.reads_source => return None,
            (None, None) => SourceData::Text("".into()),
        };
        let run = self.new_run(request, &tree, false);
        let base = Base::new(self.about(&run, &planned), data);
        let inputs = vec![Input::Start { originator: run.originator.clone() }];
        let (began, steps) = (self.runtime.elapsed(), limits::STEPS_AHEAD_MAX);
        // A panic is met again, and told, by the run's walker.
        let stepped = self.try_step(&planned.plan, &base, &State::default(), inputs, steps);
        let is_slow = self.runtime.elapsed().saturating_sub(began) > SLOW;
        let usable = stepped.filter(|(_, outcome)| is_usable(outcome));
        if is_slow || usable.is_none() {
            in_vain.fetch_add(1, Ordering::Relaxed);
        } else {
            in_vain.store(0, Ordering::Relaxed);
        }
        let (state, outcome) = usable?;
        Some(self.ahead(request, tree, run, state, outcome))
    }

    fn ahead(
        &self,
        request: &StartRequest,
        tree: Arc<Tree>,
        mut run: Run,
        state: State,
        outcome: Outcome,
    ) -> Ahead {
        let now = self.runtime.now();
        run.state = state.run_state();
        run.engine_state = state.text();
        run.updated_at = now;
        run.finished_at = (run.state == RunState::Complete).then_some(now);
        run.wake_at = state.wake_at();
        if run.state != RunState::Running {
            (run.leased_by, run.leased_until) = (None, None);
        }
        Ahead {
            tree,
            triggers: trigger_rows(&outcome.triggers, run.id, now),
            tasks: outcome.tasks.into_values().map(Record::written).collect(),
            calls: outcome.calls,
            payload: request.payload.clone(),
            run,
            state,
        }
    }
}

/// Whether everything a step led to can be written without the run's number.
fn is_usable(outcome: &Outcome) -> bool {
    outcome.errors.is_empty() && !outcome.calls.iter().any(|call| call.work.is_inside_commit())
}

impl Ahead {
    /// Starts the run with all that it has done; `None` when its tree has moved, or its job has
    /// started a run before.
    pub(crate) fn apply(&self, tx: &mut Tx, engine: &Inner) -> Result<Option<StartOutcome>, Error> {
        let Some(id) = runs::insert_of(tx, &self.run, self.tree.version)? else {
            return Ok(None);
        };
        tasks::upsert(tx, id, &self.tasks)?;
        triggers::insert_all(tx, id, &self.triggers)?;
        let new = if self.run.state == RunState::Running {
            New::Fresh(Box::new(Fresh {
                run: Run { id, ..self.run.clone() },
                payload: self.payload.clone(),
                state: self.state.clone(),
                calls: self.calls.clone(),
            }))
        } else {
            New::AtRest { due: self.run.wake_at }
        };
        engine.keep(id, new);
        Ok(Some(StartOutcome::Started { run: id, title: self.tree.title() }))
    }
}
