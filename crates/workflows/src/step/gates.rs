//! Joins and junctions: nodes that wait for several connectors.
//!
//! A join counts its direct incoming connectors. A junction opens when nothing upstream of it, in
//! the same loop iteration, is still to be done: false connectors count as done, deferred nodes,
//! timers and open errors block.

use super::Stepper;
use super::scopes::is_inside;
use super::state::{Gate, Open, Place};
use crate::context::{Scope, ScopeOf};
use crate::handlers::Work;
use crate::plan::Node;

impl<'a> Stepper<'a, '_> {
    pub(super) fn arrive_at_join(&mut self, node: &'a Node, place: Place, from: String) {
        let wanted = match self.wanted(node, &place, node.incoming.max(1)) {
            Ok(wanted) => wanted,
            // The task's own evaluation meets the same mistake and records it.
            Err(()) => return self.begin(node, place),
        };
        let gate = self.gate(node, &place);
        gate.arrived.insert(from);
        if gate.passed || gate.arrived.len() < wanted {
            return;
        }
        gate.passed = true;
        let place = Place { branch: gate.branch, ..place };
        self.begin(node, place);
    }

    /// How many connectors a join waits for, or how many iterations a loop tail.
    pub(super) fn wanted(&self, node: &Node, place: &Place, all: usize) -> Result<usize, ()> {
        let text = |id: &str| -> Result<String, ()> {
            let Some(parameter) = node.parameters.iter().find(|p| p.id == id) else {
                return Ok(String::new());
            };
            let of = ScopeOf::Gate(&node.name);
            let scope = Scope::new(self.ctx.base, self.state, &place.loop_index, of);
            let template = parameter.template.as_ref().map_err(|_| ())?;
            template.render(&scope.at(self.ctx.now)).map_err(|_| ())
        };
        let kind = text("type")?;
        Ok(match kind.trim().to_ascii_lowercase().as_str() {
            "any" => 1,
            "some" => text("number")?.trim().parse().unwrap_or(1).clamp(1, all.max(1)),
            _ => all,
        })
    }

    pub(super) fn arm_junction(&mut self, node: &Node, place: &Place, from: String) {
        let gate = self.gate(node, place);
        gate.passed = false;
        gate.arrived.insert(from);
    }

    fn gate(&mut self, node: &Node, place: &Place) -> &mut Gate {
        let key = format!("{}|{}", place.loop_index, node.id);
        self.state
            .gates
            .entry(key)
            .or_insert_with(|| Gate { branch: place.branch, ..Gate::default() })
    }

    /// Opens one junction that nothing holds back any more; false when there is none.
    pub(super) fn open_junction(&mut self) -> bool {
        let armed: Vec<(String, &'a Node, String)> = self
            .state
            .gates
            .iter()
            .filter(|(_, gate)| !gate.passed)
            .filter_map(|(key, _)| {
                let (loop_index, id) = key.split_once('|')?;
                let node = self.plan.node(id)?;
                node.is(Work::Junction).then(|| (key.clone(), node, loop_index.to_owned()))
            })
            .collect();
        let ready: Vec<_> =
            armed.iter().filter(|(_, node, index)| !self.is_busy(node, index)).collect();
        // Of several, the first that no other armed one leads to; in a circle, simply the first.
        let first = ready
            .iter()
            .find(|(_, node, index)| {
                !armed.iter().any(|(_, other, i)| i == index && node.upstream.contains(&other.id))
            })
            .or(ready.first());
        let Some((key, node, loop_index)) = first else { return false };
        let mut branch = 1;
        if let Some(gate) = self.state.gates.get_mut(key) {
            gate.passed = true;
            gate.arrived.clear();
            branch = gate.branch;
        }
        self.begin(node, Place { branch, loop_index: loop_index.clone() });
        true
    }

    /// Whether anything upstream of a junction is still open in that loop iteration.
    fn is_busy(&self, junction: &Node, loop_index: &str) -> bool {
        let inside = |open: &Open| {
            junction.upstream.contains(&open.record.node)
                && is_inside(&open.record.place.loop_index, loop_index)
        };
        if self.state.open.values().any(inside) {
            return true;
        }
        let leads_here = |to: &String| *to == junction.id || junction.upstream.contains(to);
        let mut errors = self.state.errors.iter().filter_map(|e| e.connector.as_ref());
        errors.any(|(to, at)| is_inside(&at.loop_index, loop_index) && leads_here(to))
    }
}
