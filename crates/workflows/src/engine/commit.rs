//! The one guarded write of a stretch: run, tasks, triggers, errors and deliveries, or nothing.

use super::Workflows;
use super::children::{Inside, tell_parent};
use super::deferrals::{self, Delivered};
use super::plans::Planned;
use super::start::StartOutcome;
use crate::inputs;
use crate::step::Outcome;
use crate::step::state::{ErrorKind, State};
use model::id::{ErrorId, RunId, TriggerId};
use model::run::{Parent, RunError, RunState, Task, Trigger, TriggerStatus};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use store::runs::{Advance, Claim};
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
    pub(super) tasks: Vec<Task>,
    /// Triggers of the inbox that were taken.
    pub(super) taken: Vec<TriggerId>,
    /// Whether the inbox may hold more than was taken.
    pub(super) has_more_inbox: bool,
    /// Work of tasks that is done in this very transaction.
    pub(super) inside: Vec<(i64, Inside)>,
    pub(super) claim: Claim,
}

/// What the write brought.
pub(super) struct Committed {
    /// The state as written: errors numbered, work inside settled.
    pub(super) state: State,
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

    fn apply(&self, tx: &mut Tx) -> Result<Committed, Refusal> {
        let mut done = Committed {
            state: self.state.clone(),
            refused: Vec::new(),
            woken: Vec::new(),
            own_inbox: self.has_more_inbox,
        };
        for task in &self.tasks {
            tasks::upsert(tx, task)?;
        }
        self.write_triggers(tx)?;
        self.write_errors(tx, &mut done.state)?;
        for (seq, inside) in &self.inside {
            self.carry_out(tx, *seq, inside, &mut done)?;
        }
        let state = done.state.run_state();
        if let Some(parent) = self.parent.filter(|_| state == RunState::Complete) {
            let outputs = inputs::outputs(&self.planned.plan.outputs, done.state.outputs.as_ref());
            if tell_parent(tx, parent, self.run_id, Some(&outputs), &self.claim)? {
                done.woken.push(parent.run_id);
            }
        }
        let wake_at = done.state.wake_at();
        let advance = Advance {
            id: self.run_id,
            from_version: self.from_version,
            state,
            engine_state: self.text.clone().unwrap_or_else(|| done.state.text()),
            lease: (state == RunState::Running || self.is_unfinished(&done))
                .then(|| (self.claim.node.clone(), self.claim.until)),
            wake_at: if done.own_inbox { Some(self.claim.now) } else { wake_at },
            now: self.claim.now,
        };
        if runs::advance(tx, &advance)? { Ok(done) } else { Err(Refusal::Moved) }
    }

    /// Whether this node has to go on at once, or waits for a call of its own.
    fn is_unfinished(&self, done: &Committed) -> bool {
        self.outcome.more
            || done.own_inbox
            || !done.state.queue.is_empty()
            || done.state.calling().next().is_some()
    }

    fn write_triggers(&self, tx: &mut Tx) -> Result<(), store::Error> {
        let now = self.claim.now;
        for new in &self.outcome.triggers {
            let status = match new.scheduled_at {
                Some(_) => TriggerStatus::New,
                None => TriggerStatus::Closed,
            };
            triggers::insert(
                tx,
                &Trigger {
                    id: TriggerId(0),
                    run_id: self.run_id,
                    action: new.action.into(),
                    kind: new.kind.into(),
                    status,
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
                },
            )?;
        }
        for token in &self.outcome.due {
            triggers::close_due(tx, self.run_id, token, now)?;
        }
        for id in &self.taken {
            triggers::close(tx, *id, now)?;
        }
        Ok(())
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
        done: &mut Committed,
    ) -> Result<(), store::Error> {
        let mut results = Map::new();
        match inside {
            Inside::Refuse(kind, message) => done.refused.push((seq, *kind, message.clone())),
            Inside::Start(request, result) => match self.engine.start(tx, request)? {
                StartOutcome::Started { run, .. } => {
                    results.insert((*result).into(), run.to_string().into());
                    done.state.settle(seq, results);
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
                        done.state.settle(seq, results);
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
