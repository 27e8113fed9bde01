//! The heart of the engine: from a plan, a run's state and inputs to the next state and records.
//!
//! Pure: no I/O, no clock, no randomness but what the caller hands in. Whoever persists the
//! outcome in one guarded write may be killed at any instant; the next one continues from the
//! state that was written.
//!
//! ```text
//! enter ─▶ evaluate parameters ─▶ act ─┬─ done ───────────────▶ close ─▶ Complete connectors
//!              │                       ├─ outside ─▶ Calling ─▶ Settled ─▶ (defer or close)
//!              ▼                       ├─ defer ──▶ Deferred ─ completed ─▶ close
//!            Failed ◀── error ─────────┴─ wait ───▶ Until ───── due ──────▶ close
//! ```

mod call;
mod gates;
mod loops;
mod messages;
mod repairs;
pub(crate) mod scopes;
pub mod state;

pub use call::{Call, call_again};
use call::{external_call, routine_call};

use crate::check::unknown_handler;
use crate::context::{Base, Scope, ScopeOf};
use crate::definition::ConnectorKind;
use crate::handlers::{Action, Inputs, Work};
use crate::plan::{Awaited, Node, Plan};
use model::id::{ErrorId, RunId};
use model::limits;
use model::run::TaskStatus;
use model::time::Micros;
use serde_json::{Map, Value, json};
use state::{Early, ErrorKind, Open, OpenError, Phase, Place, Record, Resolution, State, Todo};
use std::collections::{BTreeMap, BTreeSet};

/// What makes a run move.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The run begins, started by this.
    Start {
        /// What started it, in words.
        originator: String,
    },
    /// Outside work brought results.
    Done {
        /// The task.
        seq: i64,
        /// Its results.
        results: Map<String, Value>,
    },
    /// Outside work goes on outside: the task waits for its completion by token.
    Deferred {
        /// The task.
        seq: i64,
        /// Its results so far.
        results: Map<String, Value>,
    },
    /// Outside work failed, and repeating it does no harm whatever its effect.
    Setback {
        /// The task.
        seq: i64,
        /// Why.
        message: String,
        /// Milliseconds that have to pass before a repeat.
        wait_ms: i64,
    },
    /// Outside work failed.
    Failed {
        /// The task.
        seq: i64,
        /// Why.
        message: String,
    },
    /// Work that belongs to the run's own write was refused there.
    Refused {
        /// The task.
        seq: i64,
        /// The documented type of the error.
        kind: ErrorKind,
        /// Why.
        message: String,
    },
    /// A run that a task waits for has ended.
    Child {
        /// The task.
        seq: i64,
        /// The run.
        run: RunId,
        /// What it left; `None`: it was called off.
        outputs: Option<Map<String, Value>>,
    },
    /// Somebody completed a deferral.
    Completed {
        /// The deferral's token.
        token: String,
        /// The results that came with it.
        results: Map<String, Value>,
        /// A message.
        message: Option<String>,
    },
    /// Somebody updated a deferral.
    Updated {
        /// The deferral's token.
        token: String,
        /// The results that came with it.
        results: Map<String, Value>,
        /// A message.
        message: Option<String>,
    },
    /// Timers that are due.
    Tick,
    /// Somebody decided about an error.
    Resolved {
        /// The error.
        error: ErrorId,
        /// The decision.
        action: Resolution,
    },
    /// Somebody has a task carried out again after an error, with parameters filled in.
    Edited {
        /// The error.
        error: ErrorId,
        /// Values by parameter.
        inputs: Map<String, Value>,
    },
    /// Somebody ends an open task.
    Decided {
        /// The task.
        seq: i64,
        /// Whether its branch goes on, without results.
        goes_on: bool,
    },
    /// Somebody starts a node by hand.
    Manual {
        /// The node's id.
        node: String,
        /// Where; branch 0 asks for a new one.
        place: Place,
    },
}

/// What a step may know of the world.
pub struct Ctx<'a> {
    /// The time.
    pub now: Micros,
    /// The run's unchanging variables.
    pub base: &'a Base,
    /// Draws a token of 40 hex digits.
    pub token: &'a mut (dyn FnMut() -> String + Send),
    /// Nodes to carry out at most, before the step stops and has to be called again.
    pub steps: usize,
}

/// What a step leaves to be persisted and carried out.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Tasks to insert or update, by number.
    pub tasks: BTreeMap<i64, Record>,
    /// Triggers to insert.
    pub triggers: Vec<NewTrigger>,
    /// Tokens of scheduled triggers that came due.
    pub due: Vec<String>,
    /// Errors to insert, in the order of the state's errors that have no number yet.
    pub errors: Vec<NewError>,
    /// Outside work to carry out after the commit.
    pub calls: Vec<Call>,
    /// Whether the step stopped at its limit and has to be called again.
    pub more: bool,
}

/// A trigger to insert.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTrigger {
    /// `Root` or `Complete`.
    pub action: &'static str,
    /// `Automatic` or `Manual`.
    pub kind: &'static str,
    /// Whether it waits for its time.
    pub scheduled_at: Option<Micros>,
    /// The node.
    pub node: String,
    /// Its name.
    pub name: String,
    /// Where.
    pub place: Place,
    /// Who made it, in words.
    pub originator: String,
    /// The task it belongs to.
    pub token: Option<String>,
}

/// An error to insert.
#[derive(Clone, Debug, PartialEq)]
pub struct NewError {
    /// The documented type.
    pub kind: ErrorKind,
    /// The task; 0 for the run as a whole.
    pub seq: i64,
    /// The node.
    pub node: Option<String>,
    /// One line.
    pub summary: String,
    /// Everything known.
    pub text: String,
}

/// The result under which the task of a routine call keeps the number of its run.
pub(crate) const RUN_ID: &str = "Run Id";

/// Applies inputs and goes on until everything waits, or the limit of one commit is reached.
pub fn step(plan: &Plan, state: &mut State, inputs: Vec<Input>, ctx: &mut Ctx<'_>) -> Outcome {
    let (out, held) = (Outcome::default(), BTreeSet::new());
    let mut stepper = Stepper { plan, state, ctx, out, held };
    for input in inputs {
        stepper.apply(input);
    }
    stepper.drain();
    stepper.end_step()
}

struct Stepper<'a, 'c> {
    plan: &'a Plan,
    state: &'a mut State,
    ctx: &'a mut Ctx<'c>,
    out: Outcome,
    /// Tasks that were held open; those that still are go into the outcome as they stand then.
    held: BTreeSet<i64>,
}

impl<'a> Stepper<'a, '_> {
    fn apply(&mut self, input: Input) {
        match input {
            Input::Start { originator } => self.start(originator),
            Input::Done { seq, results } => {
                self.state.settle(seq, results);
            }
            Input::Deferred { seq, results } => self.deferred(seq, results),
            Input::Failed { seq, message } => self.failed(seq, &message, None),
            Input::Setback { seq, message, wait_ms } => self.failed(seq, &message, Some(wait_ms)),
            Input::Refused { seq, kind, message } => self.refused(seq, kind, &message),
            Input::Child { seq, run, outputs } => self.child_ended(seq, run, outputs),
            Input::Completed { token, results, message } => {
                self.completed(&token, results, message);
            }
            Input::Updated { token, results, message } => self.updated(&token, results, message),
            Input::Tick => self.tick(),
            Input::Resolved { error, action } => self.resolved(error, action, Map::new()),
            Input::Edited { error, inputs } => {
                self.resolved(error, Resolution::RetryTask, inputs);
            }
            Input::Decided { seq, goes_on } => self.decided(seq, goes_on),
            Input::Manual { node, place } => self.manual(node, place),
        }
    }

    fn start(&mut self, originator: String) {
        if self.state.started {
            return;
        }
        self.state.started = true;
        let place = Place { branch: self.next_branch(), loop_index: "/".into() };
        let name = self.plan.node("start").map(|n| n.name.clone()).unwrap_or_default();
        self.out.triggers.push(NewTrigger {
            action: "Root",
            kind: "Automatic",
            scheduled_at: None,
            node: "start".into(),
            name,
            place: place.clone(),
            originator,
            token: None,
        });
        self.state.queue.push_back(Todo::Enter {
            node: "start".into(),
            place,
            from: String::new(),
        });
    }

    fn manual(&mut self, node: String, mut place: Place) {
        self.state.started = true;
        if place.branch == 0 {
            place.branch = self.next_branch();
        }
        self.state.queue.push_back(Todo::Enter { node, place, from: String::new() });
    }

    /// A task's outside work goes on outside.
    fn deferred(&mut self, seq: i64, results: Map<String, Value>) {
        let calling = |open: &Open| open.phase == Phase::Calling;
        if self.state.open.get(&seq).is_some_and(calling)
            && let Some(Open { mut record, .. }) = self.state.open.remove(&seq)
        {
            record.results = results;
            self.publish(&record);
            self.defer(record);
        }
    }

    /// A task's outside work did not succeed.
    fn refused(&mut self, seq: i64, kind: ErrorKind, message: &str) {
        let calling = |open: &Open| open.phase == Phase::Calling;
        if self.state.open.get(&seq).is_some_and(calling)
            && let Some(open) = self.state.open.remove(&seq)
        {
            self.fail(open.record, kind, message);
        }
    }

    /// A run that a task waits for has ended, perhaps before the task noticed that it waits.
    fn child_ended(&mut self, seq: i64, run: RunId, outputs: Option<Map<String, Value>>) {
        let Some(open) = self.state.open.get(&seq) else { return };
        let started = open.record.results.get(RUN_ID).and_then(Value::as_str);
        let is_settled = open.phase == Phase::Settled && started == Some(&run.to_string());
        if open.phase != Phase::Child(run) && !is_settled {
            return;
        }
        let Some(mut record) = self.state.open.remove(&seq).map(|open| open.record) else { return };
        if is_settled {
            self.connect(&mut record, ConnectorKind::Create);
        }
        match outputs {
            Some(outputs) => {
                record.deferred_results = outputs;
                self.publish(&record);
                self.close(record);
            }
            None => {
                let message = format!("The routine's run #{run} was cancelled.");
                self.fail(record, ErrorKind::Handler, &message);
            }
        }
    }

    fn completed(&mut self, token: &str, results: Map<String, Value>, message: Option<String>) {
        let Some(mut record) = self.take_deferred(token) else {
            return self.keep(token, Early { complete: true, results, message });
        };
        self.note(&mut record, "Complete", message);
        record.deferred_results = results;
        record.deferred = false;
        self.publish(&record);
        self.close(record);
    }

    fn updated(&mut self, token: &str, results: Map<String, Value>, message: Option<String>) {
        let Some(mut record) = self.take_deferred(token) else {
            return self.keep(token, Early { complete: false, results, message });
        };
        self.note(&mut record, "Update", message);
        if !results.is_empty() {
            record.deferred_results.extend(results);
            self.publish(&record);
        }
        self.connect(&mut record, ConnectorKind::Update);
        self.hold(record, Phase::Deferred);
    }

    /// Keeps what came before its task deferred.
    fn keep(&mut self, token: &str, early: Early) {
        let comes_to_defer = |open: &&mut Open| {
            open.record.token == token
                && matches!(
                    open.phase,
                    Phase::Calling | Phase::Settled | Phase::Failed | Phase::Retry(_)
                )
        };
        if let Some(open) = self.state.open.values_mut().find(comes_to_defer) {
            open.record.early.push(early);
        }
    }

    fn take_deferred(&mut self, token: &str) -> Option<Record> {
        let found = |open: &Open| open.phase == Phase::Deferred && open.record.token == token;
        let seq = *self.state.open.iter().find(|(_, open)| found(open))?.0;
        self.state.open.remove(&seq).map(|open| open.record)
    }

    fn note(&self, record: &mut Record, kind: &str, message: Option<String>) {
        if let Some(text) = message.filter(|m| !m.is_empty()) {
            record.messages.push(json!({ "type": kind, "text": text, "at": self.ctx.now.iso() }));
            keep_latest(&mut record.messages);
        }
    }

    fn tick(&mut self) {
        let mut due: Vec<(Micros, i64)> = self
            .state
            .open
            .iter()
            .filter_map(|(seq, open)| match open.phase {
                Phase::Until(at) | Phase::Retry(at) if at <= self.ctx.now => Some((at, *seq)),
                _ => None,
            })
            .collect();
        due.sort_unstable();
        for (_, seq) in due {
            let Some(open) = self.state.open.get_mut(&seq) else { continue };
            self.out.due.push(open.record.token.clone());
            if matches!(open.phase, Phase::Retry(_)) {
                open.phase = Phase::Settled;
                self.state.queue.push_back(Todo::Again { seq, inputs: Map::new() });
            } else if let Some(open) = self.state.open.remove(&seq) {
                self.close(open.record);
            }
        }
    }

    /// Works through the queue; junctions open when nothing else is left to do.
    fn drain(&mut self) {
        let mut steps = 0;
        loop {
            while let Some(todo) = self.state.queue.pop_front() {
                if steps == self.ctx.steps {
                    self.state.queue.push_front(todo);
                    self.out.more = true;
                    return;
                }
                steps += 1;
                self.carry_out(todo);
            }
            if !self.begin_waiting_iterations() && !self.open_junction() {
                return;
            }
        }
    }

    fn carry_out(&mut self, todo: Todo) {
        match todo {
            Todo::Enter { node, place, from } => match self.plan.node(&node) {
                Some(node) => self.enter(node, place, from),
                None => {
                    let message =
                        format!("A connector leads to the node {node}, which does not exist.");
                    self.tree_error(&message);
                }
            },
            Todo::Again { seq, inputs } => {
                if let Some(open) = self.state.open.remove(&seq)
                    && let Some(node) = self.plan.node(&open.record.node)
                {
                    self.execute(node, open.record, &inputs);
                }
            }
            Todo::Leave { seq } => {
                if let Some(open) = self.state.open.remove(&seq)
                    && let Some(node) = self.plan.node(&open.record.node)
                {
                    self.finish(node, open.record);
                }
            }
        }
    }

    fn enter(&mut self, node: &'a Node, place: Place, from: String) {
        match node.handler.map(|h| h.work) {
            Some(Work::Join) if !from.is_empty() => self.arrive_at_join(node, place, from),
            Some(Work::Junction) if !from.is_empty() => self.arm_junction(node, &place, from),
            Some(Work::LoopTail) if !from.is_empty() => self.arrive_at_tail(node, place, &from),
            _ => self.begin(node, place),
        }
    }

    /// Gives a node its task and carries it out.
    fn begin(&mut self, node: &'a Node, place: Place) {
        if self.state.seq >= limits::TASKS_PER_RUN_MAX {
            self.state.queue.clear();
            self.end_loops();
            let message = format!(
                "The run has carried out {} nodes; the tree is likely to run in circles.",
                limits::TASKS_PER_RUN_MAX
            );
            self.tree_error(&message);
            return;
        }
        let record = self.new_record(node, place);
        self.execute(node, record, &Map::new());
    }

    fn new_record(&mut self, node: &Node, place: Place) -> Record {
        self.state.seq += 1;
        Record {
            seq: self.state.seq,
            token: (self.ctx.token)(),
            place,
            node: node.id.clone(),
            name: node.name.clone(),
            definition: node.definition_id.clone(),
            status: TaskStatus::New,
            deferred: false,
            inputs: Map::new(),
            results: Map::new(),
            deferred_results: Map::new(),
            connectors: Vec::new(),
            messages: Vec::new(),
            attempts: 0,
            early: Vec::new(),
            started_at: self.ctx.now,
            finished_at: None,
        }
    }

    fn execute(&mut self, node: &'a Node, mut record: Record, given: &Map<String, Value>) {
        if node.handler.is_none() && node.routine.is_none() && !node.external {
            let message = unknown_handler(&node.definition_id);
            return self.fail(record, ErrorKind::MissingHandler, &message);
        }
        match self.evaluate(node, &record, given) {
            Ok(inputs) => record.inputs = inputs,
            Err(message) => return self.fail(record, ErrorKind::NodeParameter, &message),
        }
        if let Some(awaited) = node.routine {
            let call = routine_call(node, &record, awaited);
            return self.call(record, call);
        }
        if node.external {
            let call = external_call(node, &record);
            return self.call(record, call);
        }
        let Some(handler) = node.handler else { return };
        let act = match handler.work {
            Work::Act(act) => act,
            Work::LoopHead => return self.open_loop(node, record),
            Work::Join | Work::Junction | Work::LoopTail => return self.finish(node, record),
        };
        let inputs = Inputs { parameters: &record.inputs, token: &record.token, now: self.ctx.now };
        match act(&inputs) {
            Ok(Action::Done(results)) => {
                record.results = results;
                self.finish(node, record);
            }
            Ok(Action::Return(outputs)) => {
                record.results.clone_from(&outputs);
                self.state.outputs = Some(outputs);
                self.finish(node, record);
            }
            Ok(Action::Defer(results)) => {
                record.results = results;
                self.publish(&record);
                self.defer(record);
            }
            Ok(Action::Wait(until)) => self.wait(record, until),
            Ok(Action::Outside(work)) => {
                let call = Call { seq: record.seq, key: record.token.clone(), work };
                self.call(record, call);
            }
            Err(message) => self.fail(record, ErrorKind::Handler, &message),
        }
    }

    fn call(&mut self, mut record: Record, call: Call) {
        self.out.calls.push(call);
        record.status = TaskStatus::WorkInProgress;
        self.hold(record, Phase::Calling);
    }

    fn evaluate(
        &self,
        node: &Node,
        record: &Record,
        given: &Map<String, Value>,
    ) -> Result<Map<String, Value>, String> {
        let scope = self.scope(record);
        let context = scope.at(self.ctx.now);
        let mut inputs = Map::new();
        for parameter in &node.parameters {
            if let Some(value) = given.get(&parameter.id) {
                inputs.insert(parameter.id.clone(), value.clone());
                continue;
            }
            let place = |e: &dyn std::fmt::Display| format!("Parameter \"{}\": {e}", parameter.id);
            let template = parameter.template.as_ref().map_err(|e| place(e))?;
            if let Some(text) = template.literal() {
                inputs.insert(parameter.id.clone(), Value::String(text.to_owned()));
                continue;
            }
            // Random values differ between parameters, and are the same when a step is repeated.
            let context = context.with_seed(&[&record.token, &parameter.id]);
            let text = template.render(&context).map_err(|e| place(&e))?;
            inputs.insert(parameter.id.clone(), Value::String(text));
        }
        Ok(inputs)
    }

    fn scope<'s>(&'s self, record: &'s Record) -> Scope<'s> {
        Scope::new(self.ctx.base, self.state, &record.place.loop_index, ScopeOf::Task(record))
    }

    /// A node's work is done: it closes, or waits for its completion by token.
    fn finish(&mut self, node: &Node, mut record: Record) {
        self.publish(&record);
        let run = record.results.get(RUN_ID).and_then(Value::as_str).and_then(|id| id.parse().ok());
        if let (Some(Awaited(true)), Some(run)) = (node.routine, run) {
            self.connect(&mut record, ConnectorKind::Create);
            return self.hold(record, Phase::Child(RunId(run)));
        }
        if node.defers && node.routine.is_none() { self.defer(record) } else { self.close(record) }
    }

    fn defer(&mut self, mut record: Record) {
        record.status = TaskStatus::WorkInProgress;
        record.deferred = true;
        let early = std::mem::take(&mut record.early);
        let token = record.token.clone();
        self.connect(&mut record, ConnectorKind::Create);
        self.hold(record, Phase::Deferred);
        for Early { complete, results, message } in early {
            if complete {
                self.completed(&token, results, message);
            } else {
                self.updated(&token, results, message);
            }
        }
    }

    fn wait(&mut self, mut record: Record, until: Micros) {
        record.status = TaskStatus::WorkInProgress;
        self.publish(&record);
        self.connect(&mut record, ConnectorKind::Create);
        self.out.triggers.push(NewTrigger {
            action: "Complete",
            kind: "Automatic",
            scheduled_at: Some(until),
            node: record.node.clone(),
            name: record.name.clone(),
            place: record.place.clone(),
            originator: "HANDLER Wait".into(),
            token: Some(record.token.clone()),
        });
        self.hold(record, Phase::Until(until));
    }

    fn close(&mut self, mut record: Record) {
        record.status = TaskStatus::Closed;
        record.finished_at = Some(self.ctx.now);
        self.connect(&mut record, ConnectorKind::Complete);
        self.save(record);
    }

    fn save(&mut self, record: Record) {
        self.out.tasks.insert(record.seq, record);
    }

    fn hold(&mut self, record: Record, phase: Phase) {
        self.held.insert(record.seq);
        self.state.open.insert(record.seq, Open { record, phase });
    }

    /// Writes down the tasks that are open, each once: an open task may have been updated a
    /// thousand times in this step, and its record holds all of it.
    fn end_step(mut self) -> Outcome {
        for seq in self.held {
            if let Some(open) = self.state.open.get(&seq) {
                self.out.tasks.insert(seq, open.record.clone());
            }
        }
        self.out
    }

    /// Makes a task's results known to later nodes.
    fn publish(&mut self, record: &Record) {
        let mut results = record.results.clone();
        results.extend(record.deferred_results.clone());
        let head = self.plan.node(&record.node).is_some_and(|n| n.is(Work::LoopHead));
        // A head's results are its iterations' items, known by their index.
        if !head {
            self.state.put(&record.place.loop_index, &record.name, Value::Object(results));
        }
    }

    /// Looks at the connectors of one kind, in order.
    fn connect(&mut self, record: &mut Record, kind: ConnectorKind) {
        let Some(node) = self.plan.node(&record.node) else { return };
        self.leave_messages(node, record, kind);
        let mut keeps_branch = kind == ConnectorKind::Complete;
        for (position, edge) in node.edges.iter().enumerate().filter(|(_, e)| e.kind == kind) {
            if node.is(Work::LoopHead) && !self.is_taken_by_head(node, record, edge) {
                continue;
            }
            let verdict = match &edge.condition {
                Err(message) => Err(message.clone()),
                Ok(condition) => {
                    let scope = self.scope(record);
                    let context = scope.at(self.ctx.now);
                    condition.evaluate(&context).map_err(|e| e.to_string())
                }
            };
            let mut entry = json!({ "to": edge.to, "type": kind.as_str(), "label": edge.label,
                                    "condition": edge.text });
            match verdict {
                Ok(outcome) => {
                    entry["taken"] = outcome.fires.into();
                    entry["value"] = outcome.value.into();
                    if outcome.fires {
                        let place = self.next_place(&record.place, &mut keeps_branch);
                        let from = format!("{}#{position}", record.node);
                        let node = edge.to.clone();
                        self.state.queue.push_back(Todo::Enter { node, place, from });
                    }
                }
                Err(message) => {
                    entry["taken"] = Value::Null;
                    entry["error"] = message.clone().into();
                    let place = self.next_place(&record.place, &mut keeps_branch);
                    let text = format!("Connector to {}: {message}", edge.to);
                    let connector = Some((edge.to.clone(), place));
                    self.error(record, ErrorKind::Connector, &text, connector);
                }
            }
            self.note_verdict(node, record, entry);
        }
    }

    /// The first connector that is taken keeps the branch, each further one opens another.
    fn next_place(&mut self, place: &Place, keeps_branch: &mut bool) -> Place {
        let keeps = std::mem::take(keeps_branch);
        let branch = if keeps { place.branch } else { self.next_branch() };
        Place { branch, loop_index: place.loop_index.clone() }
    }

    fn next_branch(&mut self) -> i64 {
        self.state.branch += 1;
        self.state.branch
    }

    /// A task cannot go on without a person.
    fn fail(&mut self, mut record: Record, kind: ErrorKind, message: &str) {
        record.status = TaskStatus::WorkInProgress;
        self.error(&record, kind, message, None);
        self.hold(record, Phase::Failed);
    }

    fn error(
        &mut self,
        record: &Record,
        kind: ErrorKind,
        message: &str,
        connector: Option<(String, Place)>,
    ) {
        self.state.errors.push(OpenError { id: None, seq: record.seq, kind, connector });
        let first = message.lines().next().unwrap_or_default();
        self.out.errors.push(NewError {
            kind,
            seq: record.seq,
            node: Some(record.node.clone()),
            summary: format!("\"{}\" ({}): {first}", record.name, record.node),
            text: message.to_owned(),
        });
    }

    fn tree_error(&mut self, message: &str) {
        let error = OpenError { id: None, seq: 0, kind: ErrorKind::Tree, connector: None };
        self.state.errors.push(error);
        self.out.errors.push(NewError {
            kind: ErrorKind::Tree,
            seq: 0,
            node: None,
            summary: message.to_owned(),
            text: message.to_owned(),
        });
    }
}

/// Drops the oldest of what an open task has collected, when that is too much.
fn keep_latest(entries: &mut Vec<Value>) {
    if entries.len() > limits::TASK_ENTRIES_MAX {
        entries.remove(0);
    }
}

#[cfg(test)]
pub(crate) mod tests;
