//! Loops: a head that begins iterations, a tail that counts them.
//!
//! An iteration is a place of its own (`/2#0`), with its own branch, gates and results. The head's
//! connectors lead into the body in each iteration, except the one to the tail: it tells which
//! tail is the loop's, and is taken when there is nothing to go through. A tail lets the run
//! through once, outside of the loop, when enough iterations have arrived.

use super::scopes::{self, below, parts};
use super::state::{ErrorKind, Loop, Open, Phase, Place, Record};
use super::{Stepper, keep_latest};
use crate::definition::ConnectorKind;
use crate::handlers::loop_head::{Round, round};
use crate::handlers::{Inputs, Work};
use crate::plan::{Edge, Node};
use model::limits;
use model::run::TaskStatus;
use serde_json::{Map, Value};

impl<'a> Stepper<'a, '_> {
    /// Carries out a loop head whose parameters are evaluated.
    pub(super) fn open_loop(&mut self, node: &'a Node, mut record: Record) {
        let inputs = Inputs { parameters: &record.inputs, token: &record.token, now: self.ctx.now };
        let round = match round(&inputs) {
            Ok(round) => round,
            Err(message) => return self.fail(record, ErrorKind::Handler, &message),
        };
        let count = round.items.len();
        if count > limits::LOOP_ITEMS_MAX {
            let most = limits::LOOP_ITEMS_MAX;
            let message = format!("The loop has {count} items; {most} are allowed.");
            return self.fail(record, ErrorKind::Tree, &message);
        }
        record.results.insert("Count".into(), count.to_string().into());
        let key = self.note_loop(node, &record, round);
        let has_body = node.edges.iter().any(|e| {
            e.kind == ConnectorKind::Complete && !self.plan.node(&e.to).is_some_and(is_tail)
        });
        if count == 0 || !has_body {
            if let Some(around) = self.state.loops.get_mut(&key) {
                around.items.clear();
            }
            self.state.fold(&record.place.loop_index.clone(), node.number);
            return self.close(record);
        }
        let first = self.state.loops.get(&key).map_or(0, |l| l.limit.unwrap_or(l.items.len()));
        for _ in 0..first {
            self.begin_iteration(node, &mut record);
        }
        self.settle_head(&key, record);
    }

    /// Remembers what a loop goes through. One that is entered again while it is under way gets
    /// further iterations; its tail waits for all of them.
    fn note_loop(&mut self, node: &Node, record: &Record, round: Round) -> String {
        let outer = record.place.loop_index.as_str();
        let key = scopes::key(outer, node.number);
        let is_under_way = self.state.loops.get(&key).is_some_and(|l| !l.is_begun())
            || !self.state.busy_iterations(outer, node.number).is_empty();
        if !is_under_way {
            self.state.forget_loop(outer, node.number);
        }
        let around = self.state.loops.entry(key.clone()).or_insert_with(|| Loop {
            name: node.name.clone(),
            branch: record.place.branch,
            ..Loop::default()
        });
        around.seq = record.seq;
        around.first = around.total;
        around.total += round.items.len();
        around.passed = false;
        around.limit = round.limit;
        around.var_name = round.var_name;
        around.items.extend(round.items);
        key
    }

    /// Begins the iteration of the next item.
    fn begin_iteration(&mut self, node: &'a Node, record: &mut Record) {
        let outer = record.place.loop_index.clone();
        let Some(around) = self.state.loops.get_mut(&scopes::key(&outer, node.number)) else {
            return;
        };
        let Some(item) = around.items.pop_front() else { return };
        let index = around.next;
        around.next += 1;
        let mut results = Map::new();
        results.insert("Index".into(), index.saturating_sub(around.first).to_string().into());
        let text = match item {
            Value::String(text) => text,
            other => other.to_string(),
        };
        if !around.var_name.is_empty() {
            results.insert(around.var_name.clone(), text.clone().into());
        }
        results.insert("Value".into(), text.into());
        let place =
            Place { branch: self.next_branch(), loop_index: below(&outer, node.number, index) };
        self.state.put(&place.loop_index, &node.name, Value::Object(results));
        let around = std::mem::replace(&mut record.place, place);
        self.connect(record, ConnectorKind::Complete);
        record.place = around;
    }

    /// Closes a head once all of its iterations have begun; until then it stays open.
    fn settle_head(&mut self, key: &str, mut record: Record) {
        if self.state.loops.get(key).is_none_or(Loop::is_begun) {
            record.status = TaskStatus::Closed;
            record.finished_at = Some(self.ctx.now);
            self.save(record);
        } else {
            record.status = TaskStatus::WorkInProgress;
            self.hold(record, Phase::Looping);
        }
    }

    /// Begins iterations that may begin now; false when there are none.
    pub(super) fn begin_waiting_iterations(&mut self) -> bool {
        let waiting: Vec<(String, i64)> = self
            .state
            .loops
            .iter()
            .filter(|(_, l)| !l.is_begun())
            .map(|(key, l)| (key.clone(), l.seq))
            .collect();
        let mut has_begun = false;
        for (key, seq) in waiting {
            let Some(around) = self.state.loops.get(&key) else { continue };
            let Some((outer, number)) = key.rsplit_once('/') else { continue };
            let outer = if outer.is_empty() { "/" } else { outer };
            let number = number.parse().unwrap_or_default();
            let active = self.state.busy_iterations(outer, number).len();
            let free = around.limit.unwrap_or(usize::MAX).saturating_sub(active);
            let count = free.min(around.items.len());
            let Some(mut open) = (count > 0).then(|| self.state.open.remove(&seq)).flatten() else {
                continue;
            };
            if let Some(node) = self.plan.node(&open.record.node) {
                for _ in 0..count {
                    self.begin_iteration(node, &mut open.record);
                }
                has_begun = true;
            }
            self.settle_head(&key, open.record);
        }
        has_begun
    }

    /// Whether a head looks at a connector now: in an iteration those into the body, outside of
    /// it the one to the tail.
    pub(super) fn is_taken_by_head(&self, node: &Node, record: &Record, edge: &Edge) -> bool {
        self.plan.node(&edge.to).is_some_and(is_tail) != is_iteration_of(node, record)
    }

    /// Keeps a verdict with its task. A head keeps those of its iterations that could differ.
    pub(super) fn note_verdict(&self, node: &Node, record: &mut Record, mut verdict: Value) {
        if node.is(Work::LoopHead) && is_iteration_of(node, record) {
            let same = |v: &Value| v["to"] == verdict["to"] && v["type"] == verdict["type"];
            if verdict["condition"] == "" && record.connectors.iter().any(same) {
                return;
            }
            verdict["loopIndex"] = record.place.loop_index.as_str().into();
        }
        record.connectors.push(verdict);
        keep_latest(&mut record.connectors);
    }

    /// Lets no further iteration begin.
    pub(super) fn end_loops(&mut self) {
        self.state.loops.values_mut().for_each(|l| l.items.clear());
        let looping = |open: &Open| open.phase == Phase::Looping;
        let heads: Vec<i64> =
            self.state.open.iter().filter(|(_, o)| looping(o)).map(|(seq, _)| *seq).collect();
        for seq in heads {
            let Some(mut head) = self.state.open.remove(&seq).map(|open| open.record) else {
                continue;
            };
            head.status = TaskStatus::Closed;
            head.finished_at = Some(self.ctx.now);
            self.save(head);
        }
    }

    /// A connector leads to a loop tail: from its head, or from the body in an iteration.
    pub(super) fn arrive_at_tail(&mut self, node: &'a Node, place: Place, from: &str) {
        let from_head = from
            .rsplit_once('#')
            .and_then(|(id, _)| self.plan.node(id))
            .filter(|head| head.is(Work::LoopHead));
        let found = match from_head {
            Some(_) => None,
            None => parts(&place.loop_index),
        };
        let Some((outer, number, index)) = found else {
            return self.begin(node, place);
        };
        let outer = outer.to_owned();
        let key = scopes::key(&outer, number);
        let total = self.state.loops.get(&key).map_or(0, |l| l.total);
        let at = Place { branch: place.branch, loop_index: outer.clone() };
        // What cannot be evaluated is met again by the tail's own task, which records it.
        let wanted = self.wanted(node, &at, total).unwrap_or(1);
        let Some(around) = self.state.loops.get_mut(&key) else { return };
        around.arrived.insert(index);
        if around.passed || around.arrived.len() < wanted {
            return;
        }
        // Nothing begins any more in a loop that was left early.
        let rest = std::mem::take(&mut around.items);
        let (branch, seq) = (around.branch, around.seq);
        self.state.fold(&outer, number);
        let head = (!rest.is_empty()).then(|| self.state.open.remove(&seq)).flatten();
        if let Some(head) = head {
            self.settle_head(&key, head.record);
        }
        self.begin(node, Place { branch, loop_index: outer });
    }
}

/// Whether a node ends loops.
fn is_tail(node: &Node) -> bool {
    node.is(Work::LoopTail)
}

/// Whether a head's record stands for one of its iterations.
fn is_iteration_of(node: &Node, record: &Record) -> bool {
    parts(&record.place.loop_index).is_some_and(|(_, number, _)| number == node.number)
}
