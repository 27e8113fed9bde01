//! Walking a run: read it (or take it from memory), step, write, call outside, until it waits.

use super::Inner;
use super::actors::Taken;
use super::commit::{Commit, Refusal, trigger_rows};
use super::plans::Planned;
use super::ports::{Answer, OUTCOME_UNKNOWN, Setback};
use crate::context::{About, Base, SourceData};
use crate::handlers::Effect;
use crate::plan::Plan;
use crate::step::state::ErrorKind;
use crate::step::state::{OpenError, Place, Record, Resolution, State};
use crate::step::{Call, Ctx, Input, NewError, Outcome, call_again, step};
use model::id::{ErrorId, RunId};
use model::limits;
use model::payload::Payload;
use model::run::{Run, RunState, Trigger};
use model::time::Micros;
use runtime::backoff::Backoff;
use runtime::changes::Topic;
use serde_json::{Map, Value};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use store::runs::Claim;
use store::{Store, events, runs, tasks, triggers};

/// Waits between attempts of a write that the store could not take.
const STORE_BACKOFF: Backoff = Backoff { first_ms: 50, factor: 3.0, max_ms: 5_000 };

/// A run in memory.
pub(crate) struct Loaded {
    pub(crate) run: Run,
    state: State,
    planned: Arc<Planned>,
    base: Arc<Base>,
    /// Its inbox as it was read with it.
    inbox: Vec<Trigger>,
    /// Outside work that was under way when the run was read.
    pending: Vec<Call>,
    /// Such work that must not be repeated.
    doubtful: Vec<i64>,
    /// Whether everything it has to do before these calls was written with its start.
    is_ahead: bool,
}

impl Loaded {
    /// The name of its tree's source.
    pub(super) fn source(&self) -> &str {
        &self.planned.source
    }
}

/// A run that was started on this node and has not been walked.
pub(crate) struct Fresh {
    pub(crate) run: Run,
    pub(crate) payload: Option<Payload>,
    /// How far its start has walked it.
    pub(crate) state: State,
    /// Outside work that its start led to already.
    pub(crate) calls: Vec<Call>,
}

/// What is known of a run from its start until it is walked.
pub(crate) enum New {
    /// It has to be walked.
    Fresh(Box<Fresh>),
    /// It is finished, or waits.
    AtRest {
        /// When it goes on by itself.
        due: Option<Micros>,
    },
}

impl Inner {
    /// Walks a run until it waits or ends, or has done as much as one commit may hold: then it
    /// is the turn of others.
    pub(super) async fn walk(self: &Arc<Self>, run: RunId) {
        let Taken { mut loaded, mut inbox } = self.actors.take(run);
        let mut attempt = 0;
        let is_done = loop {
            match self.stretch(run, &mut loaded, &mut inbox).await {
                Ok(Next::Again) => attempt = 0,
                Ok(Next::Turn) => break false,
                Ok(Next::Wait) => break true,
                // What outside work has brought is in memory only, so it waits for the store here.
                Err(error) if error.is_temporary() && !self.runtime.is_stopping() => {
                    if attempt == 0 {
                        tracing::warn!(%run, %error, "a run's step could not be stored yet");
                    }
                    loaded = None;
                    let wait = STORE_BACKOFF.wait_ms(attempt, &self.runtime);
                    attempt = attempt.saturating_add(1);
                    tokio::select! {
                        () = self.runtime.sleep_ms(wait) => {}
                        () = self.runtime.stopping() => {}
                    }
                }
                Err(error) => {
                    // Its lease ends in a while and somebody takes it up again.
                    tracing::error!(%run, %error, "a run's step could not be stored");
                    loaded = None;
                    self.actors.forget_calls(run);
                    break true;
                }
            }
        };
        self.actors.give_back(run, loaded, is_done);
    }

    /// One stretch: everything that can be done without waiting, then one write.
    async fn stretch(
        self: &Arc<Self>,
        id: RunId,
        loaded: &mut Option<Loaded>,
        inbox: &mut Vec<Input>,
    ) -> Result<Next, store::Error> {
        let is_cached = loaded.is_some();
        if !is_cached {
            *loaded = self.load(id, inbox.is_empty()).await?;
        }
        let Some(at) = loaded.as_mut() else {
            inbox.clear();
            self.actors.forget_calls(id);
            return Ok(Next::Wait);
        };
        let pending = std::mem::take(&mut at.pending);
        if std::mem::take(&mut at.is_ahead) {
            for call in pending {
                self.call(at, call);
            }
            let more = !inbox.is_empty() || !at.state.queue.is_empty();
            return Ok(if more { Next::Again } else { Next::Wait });
        }
        let taken: Vec<_> = at.inbox.iter().map(|trigger| trigger.id).collect();
        let inputs = self.inputs(at, inbox);
        // A run that was just read is written even when nothing moves, to let go of its lease.
        let idle = inputs.is_empty() && at.state.queue.is_empty() && pending.is_empty();
        if idle && is_cached {
            return Ok(Next::Wait);
        }
        let (state, mut outcome) = self.compute(at, inputs);
        let now = self.runtime.now();
        let mut new_calls = std::mem::take(&mut outcome.calls);
        new_calls.extend(pending);
        let (inside, outside): (Vec<_>, Vec<_>) =
            new_calls.into_iter().partition(|call| call.work.is_inside_commit());
        let (more, has_errors) = (outcome.more, !outcome.errors.is_empty());
        let inside = self.prepare(at, inside, now).await?;
        let is_final = !has_errors && inside.is_empty();
        let commit = Arc::new(Commit {
            text: is_final.then(|| state.text()),
            tasks: std::mem::take(&mut outcome.tasks).into_values().map(Record::written).collect(),
            triggers: trigger_rows(&outcome.triggers, id, now),
            run_id: id,
            parent: at.run.parent.filter(|parent| parent.awaited),
            planned: Arc::clone(&at.planned),
            engine: super::Workflows { inner: Arc::clone(self) },
            from_version: at.run.version,
            state,
            outcome,
            has_more_inbox: taken.len() >= triggers::INBOX_ROWS,
            taken,
            inside,
            claim: self.claim_at(now),
        });
        let done = match Arc::clone(&commit).write(&self.store).await {
            Ok(done) => done,
            Err(Refusal::Moved) => {
                *loaded = None;
                return Ok(Next::Again);
            }
            Err(Refusal::Store(error)) => return Err(error),
        };
        self.actors.calls_end(id, inbox.iter().filter_map(call_of));
        inbox.clear();
        at.inbox.clear();
        at.doubtful.clear();
        at.run.version += 1;
        at.state = match done.state {
            Some(state) => state,
            // As a rule the writer has let go of it.
            None => Arc::try_unwrap(commit).map_or_else(|c| c.state.clone(), |c| c.state),
        };
        let refused = done.refused.into_iter();
        inbox.extend(refused.map(|(seq, kind, message)| Input::Refused { seq, kind, message }));
        self.tell(&at.run, has_errors);
        for run in done.woken {
            self.actors.wake(run);
        }
        for call in outside {
            self.call(at, call);
        }
        if let Some(due) = at.state.wake_at() {
            self.wake_by(due);
        }
        let again = more || !inbox.is_empty() || !at.state.queue.is_empty() || done.own_inbox;
        if done.own_inbox {
            *loaded = None;
        }
        // What a walker holds for a run would be lost with its turn.
        let gives_turn = more && inbox.is_empty();
        Ok(if gives_turn {
            Next::Turn
        } else if again {
            Next::Again
        } else {
            Next::Wait
        })
    }

    /// What the run reacts to now, in order.
    fn inputs(&self, at: &Loaded, inbox: &[Input]) -> Vec<Input> {
        let mut inputs = Vec::new();
        if !at.state.started {
            inputs.push(Input::Start { originator: at.run.originator.clone() });
        }
        inputs.extend(at.doubtful.iter().map(|seq| Input::Refused {
            seq: *seq,
            kind: ErrorKind::Handler,
            message: format!(
                "{OUTCOME_UNKNOWN} the work was interrupted, and repeating it could do it \
                     twice."
            ),
        }));
        inputs.extend(at.inbox.iter().filter_map(read_trigger));
        inputs.extend(inbox.iter().cloned());
        if at.state.wake_at().is_some_and(|due| due <= self.runtime.now()) {
            inputs.push(Input::Tick);
        }
        inputs
    }

    /// The pure step; a panic in it becomes an error of the run.
    fn compute(&self, at: &Loaded, inputs: Vec<Input>) -> (State, Outcome) {
        let steps = limits::STEPS_PER_COMMIT_MAX;
        let stepped = self.try_step(&at.planned.plan, &at.base, &at.state, inputs, steps);
        stepped.unwrap_or_else(|| {
            tracing::error!(run = %at.run.id, "a step of a run panicked");
            let mut state = at.state.clone();
            state.started = true;
            state.queue.clear();
            let kind = ErrorKind::Unidentified;
            state.errors.push(OpenError { id: None, seq: 0, kind, connector: None });
            let text = "The engine met an unexpected condition; the server's log has it.";
            let error = NewError {
                kind,
                seq: 0,
                node: None,
                summary: text.to_owned(),
                text: text.to_owned(),
            };
            (state, Outcome { errors: vec![error], ..Outcome::default() })
        })
    }

    /// The pure step, of at most so many nodes; `None`: it panicked.
    pub(super) fn try_step(
        &self,
        plan: &Plan,
        base: &Base,
        from: &State,
        inputs: Vec<Input>,
        steps: usize,
    ) -> Option<(State, Outcome)> {
        let mut token = || self.runtime.ordered_token();
        let now = self.runtime.now();
        let stepped = catch_unwind(AssertUnwindSafe(|| {
            let mut state = from.clone();
            let mut ctx = Ctx { now, base, token: &mut token, steps };
            let outcome = step(plan, &mut state, inputs, &mut ctx);
            (state, outcome)
        }));
        stepped.ok()
    }

    /// Reads a run, unless it was started here a moment ago. One whose engine was stopped is let
    /// go of, unless outside work of it is under way here: the outcome of that is still written.
    async fn load(&self, id: RunId, may_wait: bool) -> Result<Option<Loaded>, store::Error> {
        let fresh = self.take_fresh(id);
        let is_fresh = fresh.is_some();
        let (Fresh { run, payload, mut state, calls }, inbox) = match fresh {
            Some(fresh) => (fresh, Vec::new()),
            None => match read_run(&self.store, id, self.runtime.now()).await? {
                Some((run, inbox)) => (known(run)?, inbox),
                None => return Ok(None),
            },
        };
        let mine = run.leased_by.as_deref() == Some(&*self.node.id());
        if run.state == RunState::Cancelled || !mine {
            return Ok(None);
        }
        if may_wait && self.is_stopped(&run.space_id) && !self.actors.is_calling_any(id) {
            let (version, now) = (run.version, self.runtime.now());
            self.store.write(move |tx| runs::put_back(tx, id, version, now)).await?;
            return Ok(None);
        }
        let Some(planned) = self.plans.get(&self.store, run.tree_version_id).await? else {
            return Err(store::Error::db(format!("run #{id} has no tree version")));
        };
        if state.is_trimmed {
            let tasks = self.store.read(move |tx| tasks::of_run(tx, id)).await?;
            state.restore(&tasks);
        }
        let base = self.base(&run, &planned, payload).await?;
        let is_ahead = is_fresh && state.started;
        let (pending, doubtful) = (calls, Vec::new());
        let mut at = Loaded { run, state, planned, base, inbox, pending, doubtful, is_ahead };
        if !is_fresh {
            self.find_interrupted(&mut at).await?;
        }
        Ok(Some(at))
    }

    /// Outside work of a run just read that nobody on this node is doing.
    async fn find_interrupted(&self, at: &mut Loaded) -> Result<(), store::Error> {
        let now = self.runtime.now();
        let (mut pending, mut doubtful) = (Vec::new(), Vec::new());
        for open in at.state.calling() {
            let seq = open.record.seq;
            if self.actors.is_calling(at.run.id, seq) {
                continue;
            }
            let node = at.planned.plan.node(&open.record.node);
            let declared = node.and_then(|n| n.handler).map(|h| h.effect);
            let Some(call) = call_again(&at.planned.plan, open, now) else {
                doubtful.push(seq);
                continue;
            };
            match self.effect(&at.run.space_id, &call, declared).await? {
                Effect::Once => doubtful.push(seq),
                _ => pending.push(call),
            }
        }
        (at.pending, at.doubtful) = (pending, doubtful);
        Ok(())
    }

    async fn base(
        &self,
        run: &Run,
        planned: &Planned,
        payload: Option<Payload>,
    ) -> Result<Arc<Base>, store::Error> {
        let data = match (&run.source_data, payload, &run.event_id) {
            (Some(text), _, _) => SourceData::Text(text.as_str().into()),
            (None, Some(payload), _) => SourceData::Event(payload),
            (None, None, Some(event)) if planned.plan.reads_source => {
                let event = event.clone();
                let text = self.store.read(move |tx| events::payload(tx, &event)).await;
                let text = text.map_err(|e: store::Error| e)?;
                SourceData::Text(text.unwrap_or_default().into())
            }
            _ => SourceData::Text("".into()),
        };
        Ok(Arc::new(Base::new(self.about(run, planned), data)))
    }

    pub(super) fn about(&self, run: &Run, planned: &Planned) -> About {
        About {
            run_id: run.id.0,
            source: planned.source.clone(),
            group: planned.group.clone(),
            tree: planned.name.clone(),
            source_id: run.source_record_id.clone(),
            inputs: run.inputs.clone(),
            time_zone: self.time_zone.clone(),
        }
    }

    /// Carries out outside work in a task of its own, and brings its outcome to the run.
    fn call(self: &Arc<Self>, at: &Loaded, call: Call) {
        let run = at.run.id;
        if !self.actors.call_begins(run, call.seq) {
            return;
        }
        let behalf = super::behalf(&at.run, call.seq);
        let engine = Arc::clone(self);
        self.runtime.spawn(async move {
            let permit = engine.call_permits.acquire().await;
            if !engine.may_call().await {
                return engine.actors.forget_calls(run);
            }
            let outcome = engine.carry_out(&behalf, &call).await;
            drop(permit);
            let seq = call.seq;
            let input = match outcome {
                Ok(Answer::Done(results)) => Input::Done { seq, results },
                Ok(Answer::Deferred(results)) => Input::Deferred { seq, results },
                Err(setback) => setback.input(seq),
            };
            engine.actors.bring(run, input);
        });
    }

    /// Waits until the others count this node in, for only then it may start anything outside;
    /// false when they have taken its runs over meanwhile, or it stops.
    async fn may_call(&self) -> bool {
        let name = self.node.id();
        tokio::select! {
            biased;
            () = self.node.present(&self.runtime) => name == self.node.id(),
            () = self.runtime.stopping() => false,
        }
    }

    fn tell(&self, run: &Run, has_errors: bool) {
        self.changes.publish_run(&run.space_id, run.id);
        if has_errors {
            self.changes.publish(&run.space_id, Topic::Errors);
        }
    }

    pub(crate) fn claim_at(&self, now: Micros) -> Claim {
        Claim {
            node: self.node.id().to_string(),
            now,
            lease_now: self.node.lease_now(&self.runtime),
            until: self.node.lease_end(&self.runtime),
        }
    }
}

/// Whether a walker goes on with a run.
enum Next {
    /// It goes on at once.
    Again,
    /// It goes on when others have had their turn.
    Turn,
    /// It waits for something, or is finished.
    Wait,
}

async fn read_run(
    store: &Store,
    id: RunId,
    now: Micros,
) -> Result<Option<(Run, Vec<Trigger>)>, store::Error> {
    store
        .read(move |tx| {
            let Some(run) = runs::load(tx, id)? else { return Ok(None) };
            let inbox = triggers::inbox(tx, id, now)?;
            Ok(Some((run, inbox)))
        })
        .await
}

/// A run as the database knows it.
fn known(run: Run) -> Result<Fresh, store::Error> {
    let state = serde_json::from_str(&run.engine_state)
        .map_err(|e| store::Error::db(format!("run #{}: unreadable state: {e}", run.id)))?;
    Ok(Fresh { run, payload: None, state, calls: Vec::new() })
}

/// The task whose outside work an input ends.
fn call_of(input: &Input) -> Option<i64> {
    match input {
        Input::Done { seq, .. }
        | Input::Deferred { seq, .. }
        | Input::Failed { seq, .. }
        | Input::Setback { seq, .. }
        | Input::Refused { seq, .. } => Some(*seq),
        _ => None,
    }
}

/// What a trigger of the inbox asks for.
fn read_trigger(trigger: &Trigger) -> Option<Input> {
    let results =
        || -> Map<String, Value> { trigger.results.as_object().cloned().unwrap_or_default() };
    let token = || trigger.token.clone().unwrap_or_default();
    let message = trigger.message.clone();
    match trigger.action.as_str() {
        "Complete" => Some(Input::Completed { token: token(), results: results(), message }),
        "Update" => Some(Input::Updated { token: token(), results: results(), message }),
        "Child" => {
            let outputs = trigger.results.get("outputs").and_then(Value::as_object).cloned();
            let seq = trigger.results.get("seq")?.as_i64()?;
            let run = RunId(trigger.results.get("run")?.as_i64()?);
            Some(Input::Child { seq, run, outputs })
        }
        "Resolve" => {
            let error = ErrorId(trigger.results.get("error")?.as_i64()?);
            if let Some(inputs) = trigger.results.get("inputs").and_then(Value::as_object) {
                return Some(Input::Edited { error, inputs: inputs.clone() });
            }
            let action = Resolution::parse(trigger.results.get("action")?.as_str()?)?;
            Some(Input::Resolved { error, action })
        }
        "Decide" => Some(Input::Decided {
            seq: trigger.results.get("seq")?.as_i64()?,
            goes_on: trigger.results.get("goesOn")?.as_bool()?,
        }),
        "Root" => Some(Input::Manual {
            node: trigger.node_id.clone(),
            place: Place { branch: trigger.branch_id, loop_index: trigger.loop_index.clone() },
        }),
        _ => None,
    }
}

/// Cuts off results that are too large for a record.
pub(super) fn within_limit(results: Map<String, Value>) -> Result<Map<String, Value>, Setback> {
    let bytes = Value::Object(results.clone()).to_string().len();
    if bytes > limits::RESULTS_BYTES_MAX {
        return Err(Setback::never(format!(
            "The results are {bytes} bytes long; {} are allowed.",
            limits::RESULTS_BYTES_MAX
        )));
    }
    Ok(results)
}
