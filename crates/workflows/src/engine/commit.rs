//! The one guarded write of a stretch: run, tasks, triggers, errors and deliveries, or nothing.

use super::Workflows;
use super::children::{Inside, tell_parent};
use super::deferrals::{self, Delivered};
use super::plans::Planned;
use super::start::StartOutcome;
use crate::inputs;
use crate::step::state::{ErrorKind, State};
use crate::step::{NewTrigger, Outcome};
use model::id::{ErrorId, RunId, TriggerId};
use model::run::{Parent, RunError, RunState, Trigger, TriggerStatus};
use model::time::Micros;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use store::runs::{Advance, Claim};
use store::tasks::Written;
use store::{Store, Tx, errors, runs, tasks, triggers};

/// Everything one stretch writes.
pub(super) struct Commit {
    pub(super) run_id: RunId,
    /// The run whose task waits for this one.
    pub(super) parent: Option<Parent>,
    pub(super) planned: Arc<Planned>,
    pub(super) engine: Workflows,
    pub(super) from_version: i64,
    pub(super) state: State,
    /// The state as text, rendered outside of the transaction unless that still changes it.
    pub(super) text: Option<String>,
    pub(super) outcome: Outcome,
    /// The outcome's tasks as rows.
    pub(super) tasks: Vec<Written>,
    /// The outcome's triggers as rows.
    pub(super) triggers: Vec<Trigger>,
    /// What was taken of the inbox.
    pub(super) taken: Vec<TriggerId>,
    /// Whether the inbox may hold more than was taken.
    pub(super) has_more_inbox: bool,
    /// Work of tasks that is done in this very transaction.
    pub(super) inside: Vec<(i64, Inside)>,
    pub(super) claim: Claim,
}

/// What the write brought.
pub(super) struct Committed {
    /// The state as written when that has changed it: errors numbered, work inside settled.
    pub(super) state: Option<State>,
    /// Work that was refused: the task, the type of error and the reason.
    pub(super) refused: Vec<(i64, ErrorKind, String)>,
    /// Other runs that are new, or whose inbox has something new.
    pub(super) woken: Vec<RunId>,
    /// Whether the run's own inbox has.
    pub(super) own_inbox: bool,
}

/// Why the write did not happen.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The run has moved: read it again.
    Moved,
    /// The store could not.
    Store(store::Error),
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl Commit {
    pub(super) async fn write(self: Arc<Self>, store: &Store) -> Result<Committed, Refusal> {
        store.write(move |tx| self.apply(tx)).await
    }

    /// What can be refused comes first: a closure that fails after it has written costs those that
    /// share its commit.
    fn apply(&self, tx: &mut Tx) -> Result<Committed, Refusal> {
        let mut done = Committed {
            state: None,
            refused: Vec::new(),
            woken: Vec::new(),
            own_inbox: self.has_more_inbox,
        };
        if let Some(text) = &self.text {
            self.advance(tx, &self.state, text, &mut done)?;
            tasks::upsert(tx, self.run_id, &self.tasks)?;
            self.write_triggers(tx)?;
            return Ok(done);
        }
        if !runs::hold(tx, self.run_id, self.from_version)? {
            return Err(Refusal::Moved);
        }
        let mut state = self.state.clone();
        tasks::upsert(tx, self.run_id, &self.tasks)?;
        self.write_triggers(tx)?;
        self.write_errors(tx, &mut state)?;
        for (seq, inside) in &self.inside {
            self.carry_out(tx, *seq, inside, &mut state, &mut done)?;
        }
        self.advance(tx, &state, &state.text(), &mut done)?;
        done.state = Some(state);
        Ok(done)
    }

    /// Moves the run, if it still is where the step started from, and tells its parent of its end.
    fn advance(
        &self,
        tx: &mut Tx,
        state: &State,
        text: &str,
        done: &mut Committed,
    ) -> Result<(), Refusal> {
        let name = state.run_state();
        if let Some(parent) = self.parent.filter(|_| name == RunState::Complete) {
            let outputs = inputs::outputs(&self.planned.plan.outputs, state.outputs.as_ref());
            if tell_parent(tx, parent, self.run_id, Some(&outputs), &self.claim)? {
                done.woken.push(parent.run_id);
            }
        }
        let advance = Advance {
            id: self.run_id,
            from_version: self.from_version,
            state: name,
            engine_state: text,
            lease: (name == RunState::Running || self.is_unfinished(state, done))
                .then(|| (self.claim.node.clone(), self.claim.until)),
            wake_at: if done.own_inbox { Some(self.claim.now) } else { state.wake_at() },
            now: self.claim.now,
        };
        if runs::advance(tx, &advance)? { Ok(()) } else { Err(Refusal::Moved) }
    }

    /// Whether this node has to go on at once, or waits for a call of its own.
    fn is_unfinished(&self, state: &State, done: &Committed) -> bool {
        self.outcome.more
            || done.own_inbox
            || !state.queue.is_empty()
            || state.calling().next().is_some()
    }

    fn write_triggers(&self, tx: &mut Tx) -> Result<(), store::Error> {
        let now = self.claim.now;
        triggers::insert_all(tx, self.run_id, &self.triggers)?;
        for token in &self.outcome.due {
            triggers::close_due(tx, self.run_id, token, now)?;
        }
        triggers::close(tx, &self.taken, now)
    }

    /// Inserts errors and notes their numbers in the state, in the order they were made.
    fn write_errors(&self, tx: &mut Tx, state: &mut State) -> Result<(), store::Error> {
        let mut unnumbered = state.errors.iter_mut().filter(|e| e.id.is_none());
        for new in &self.outcome.errors {
            let id = errors::insert(
                tx,
                &RunError {
                    id: ErrorId(0),
                    run_id: self.run_id,
                    trigger_id: None,
                    task_seq: Some(new.seq).filter(|seq| *seq > 0),
                    node_id: new.node.clone(),
                    active: true,
                    kind: new.kind.as_str().into(),
                    summary: new.summary.clone(),
                    text: new.text.clone(),
                    resolution: json!({}),
                    created_at: self.claim.now,
                    updated_at: self.claim.now,
                },
            )?;
            if let Some(open) = unnumbered.next() {
                open.id = Some(id);
            }
        }
        Ok(())
    }

    fn carry_out(
        &self,
        tx: &mut Tx,
        seq: i64,
        inside: &Inside,
        state: &mut State,
        done: &mut Committed,
    ) -> Result<(), store::Error> {
        let mut results = Map::new();
        match inside {
            Inside::Refuse(kind, message) => done.refused.push((seq, *kind, message.clone())),
            Inside::Start(request, result) => match self.engine.start(tx, request)? {
                StartOutcome::Started { run, .. } => {
                    results.insert((*result).into(), run.to_string().into());
                    state.settle(seq, results);
                    done.woken.push(run);
                }
                StartOutcome::Refused { message, .. } => {
                    let kind = match request.parent {
                        Some(Parent { awaited: true, .. }) => ErrorKind::MissingRoutine,
                        _ => ErrorKind::Handler,
                    };
                    done.refused.push((seq, kind, message));
                }
            },
            Inside::Deliver(delivery) => {
                match deferrals::deliver(tx, delivery, &self.claim, Some(self.run_id))? {
                    Delivered::Taken { trigger, run } => {
                        results.insert("trigger_id".into(), Value::from(trigger.0.to_string()));
                        results.insert("run_id".into(), Value::from(run.0.to_string()));
                        state.settle(seq, results);
                        if run == self.run_id {
                            done.own_inbox = true;
                        } else {
                            done.woken.push(run);
                        }
                    }
                    Delivered::Refused { message, .. } => {
                        done.refused.push((seq, ErrorKind::Handler, message));
                    }
                }
            }
        }
        Ok(())
    }
}

/// The rows of triggers that a step made.
pub(super) fn trigger_rows(new: &[NewTrigger], run_id: RunId, now: Micros) -> Vec<Trigger> {
    let row = |new: &NewTrigger| Trigger {
        id: TriggerId(0),
        run_id,
        action: new.action.into(),
        kind: new.kind.into(),
        status: match new.scheduled_at {
            Some(_) => TriggerStatus::New,
            None => TriggerStatus::Closed,
        },
        node_id: new.node.clone(),
        node_name: new.name.clone(),
        loop_index: new.place.loop_index.clone(),
        branch_id: new.place.branch,
        originator: new.originator.clone(),
        scheduled_at: new.scheduled_at,
        token: new.token.clone(),
        results: json!({}),
        message: None,
        created_at: now,
        updated_at: now,
    };
    new.iter().map(row).collect()
}
