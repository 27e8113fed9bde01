//! Mistakes about loops: heads without tails, tails without heads, and paths that cross a border.

use crate::definition::ConnectorKind;
use crate::handlers::Work;
use crate::plan::{Edge, Node, Plan, at};
use model::tree::Problem;
use std::collections::{HashMap, HashSet};

/// The loops around a node, outermost first, by their heads' ids.
pub(super) type Around<'p> = Vec<&'p str>;

/// Lists mistakes about loops; returns the loops around each node that can be reached.
pub(super) fn check<'p>(
    plan: &'p Plan,
    problems: &mut Vec<Problem>,
) -> HashMap<&'p str, Around<'p>> {
    for head in plan.nodes.iter().filter(|n| n.is(Work::LoopHead)) {
        check_head(plan, head, problems);
    }
    check_borders(plan, problems)
}

fn leads_to_tail(plan: &Plan, edge: &Edge) -> bool {
    plan.node(&edge.to).is_some_and(|n| n.is(Work::LoopTail))
}

fn check_head(plan: &Plan, head: &Node, problems: &mut Vec<Problem>) {
    let complete = head.edges.iter().filter(|e| e.kind == ConnectorKind::Complete);
    let (tails, body): (Vec<&Edge>, Vec<&Edge>) = complete.partition(|e| leads_to_tail(plan, e));
    if tails.is_empty() {
        let message = "The loop head has no connector to its loop tail; a loop without items ends \
                       the branch here.";
        problems.push(at(&head.id, None, message));
    }
    if tails.len() > 1 {
        problems.push(at(&head.id, None, "The loop head has connectors to several loop tails."));
    }
    if body.is_empty() {
        let message = "The loop head has no connector into the loop: nothing is carried out for \
                       its items.";
        problems.push(at(&head.id, None, message));
        return;
    }
    if !reaches_tail(plan, &body) {
        problems.push(at(&head.id, None, "No path through the loop leads to a loop tail."));
    }
    for edge in tails.iter().filter(|e| !e.text.trim().is_empty()) {
        let place = format!("connector to \"{}\"", edge.to);
        let message = "The connector from a loop head to its tail must have no condition: it is \
                       taken when there are no items.";
        problems.push(at(&head.id, Some(&place), message));
    }
}

fn reaches_tail(plan: &Plan, body: &[&Edge]) -> bool {
    let mut seen = HashSet::new();
    let mut open: Vec<&str> = body.iter().map(|e| e.to.as_str()).collect();
    while let Some(id) = open.pop() {
        let Some(node) = plan.node(id) else { continue };
        if node.is(Work::LoopTail) {
            return true;
        }
        if seen.insert(id) {
            open.extend(node.edges.iter().map(|e| e.to.as_str()));
        }
    }
    false
}

/// Follows all paths with the loops they are in; a node must be in the same ones on every path.
fn check_borders<'p>(plan: &'p Plan, problems: &mut Vec<Problem>) -> HashMap<&'p str, Around<'p>> {
    let mut known: HashMap<&str, Around<'_>> = HashMap::new();
    let mut told: HashSet<&str> = HashSet::new();
    let mut open: Vec<(&str, Around<'_>)> = vec![("start", Vec::new())];
    while let Some((id, around)) = open.pop() {
        let Some(node) = plan.node(id) else { continue };
        if let Some(before) = known.get(node.id.as_str()) {
            if *before != around && told.insert(&node.id) {
                problems.push(at(&node.id, None, &crossed(before, &around)));
            }
            continue;
        }
        for edge in &node.edges {
            let mut inside = around.clone();
            let into_tail = leads_to_tail(plan, edge);
            if node.is(Work::LoopHead) {
                if !into_tail {
                    inside.push(&node.id);
                }
            } else if into_tail {
                check_tail(plan, edge, inside.pop(), &mut told, problems);
            }
            open.push((&edge.to, inside));
        }
        known.insert(&node.id, around);
    }
    known
}

/// A tail must be connected with the head of the loop that a path into it comes from.
fn check_tail<'p>(
    plan: &'p Plan,
    edge: &'p Edge,
    head: Option<&str>,
    told: &mut HashSet<&'p str>,
    problems: &mut Vec<Problem>,
) {
    let Some(head) = head else {
        if told.insert(&edge.to) {
            let message = "A path leads to the loop tail that has passed no loop head.";
            problems.push(at(&edge.to, None, message));
        }
        return;
    };
    let mut tails = plan.node(head).into_iter().flat_map(|n| &n.edges);
    let mut known = tails.clone().filter(|e| leads_to_tail(plan, e));
    if known.next().is_some() && !tails.any(|e| e.to == edge.to) && told.insert(&edge.to) {
        let message =
            format!("A path leads here out of the loop of {head}, whose tail is another.");
        problems.push(at(&edge.to, None, &message));
    }
}

fn crossed(before: &[&str], now: &[&str]) -> String {
    let describe = |around: &[&str]| match around.last() {
        Some(head) => format!("inside the loop of {head}"),
        None => "outside of all loops".to_owned(),
    };
    format!(
        "It is reached from {} and from {}; a loop is left through its tail only.",
        describe(before),
        describe(now)
    )
}
