//! Mistakes about waiting: junctions behind deferrals, and routines whose outputs are lost.

use crate::definition::ConnectorKind;
use crate::handlers::Work;
use crate::plan::{Awaited, Node, Plan, at};
use model::tree::Problem;
use std::collections::HashSet;

/// Handlers that wait however their node is set.
const ALWAYS_WAIT: &[&str] = &["utilities_defer_v1", "system_wait_v1"];

/// Whether a node may stay open after its work.
pub(super) fn defers(node: &Node) -> bool {
    node.defers || ALWAYS_WAIT.contains(&node.definition_id.as_str())
}

/// Lists mistakes about waiting.
pub(super) fn check(plan: &Plan, problems: &mut Vec<Problem>) {
    for node in &plan.nodes {
        if node.routine == Some(Awaited(false)) {
            let message = "The node calls a routine and is not deferrable: the run goes on at \
                           once, and the routine's outputs are lost. Make it deferrable.";
            problems.push(at(&node.id, None, message));
        }
    }
    for junction in plan.nodes.iter().filter(|n| n.is(Work::Junction)) {
        let upstream = plan.nodes.iter().filter(|n| junction.upstream.contains(&n.id));
        let blocking = upstream.filter(|n| defers(n) && is_reached_while_open(plan, n, junction));
        for node in blocking {
            let message = format!(
                "{} defers on a way to this junction, which stays closed until that is \
                 completed.",
                node.id
            );
            problems.push(at(&junction.id, None, &message));
        }
    }
}

/// Whether a way leads to the junction that does not go through the completion of the node.
fn is_reached_while_open(plan: &Plan, open: &Node, junction: &Node) -> bool {
    let mut seen = HashSet::new();
    let mut ways = vec!["start"];
    while let Some(id) = ways.pop() {
        let Some(node) = plan.node(id) else { continue };
        if node.id == junction.id {
            return true;
        }
        if seen.insert(id) {
            let passes = |kind| node.id != open.id || kind != ConnectorKind::Complete;
            ways.extend(node.edges.iter().filter(|e| passes(e.kind)).map(|e| e.to.as_str()));
        }
    }
    false
}
