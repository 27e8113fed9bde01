//! Mistakes about results: look-ups that can find nothing, and misused Return nodes.

use super::loops::Around;
use super::{nearest, waits};
use crate::definition::{Definition, Field};
use crate::plan::{Node, Plan, at};
use expr::ruby::Lookup;
use model::tree::Problem;
use std::collections::HashMap;

/// The handler that names a run's outputs.
const RETURN: &str = "system_tree_return_v1";
/// What the answer of a web API consists of.
const ANSWER: [&str; 4] = ["content", "content_type", "response_code", "headers_json"];

/// Lists look-ups of results and inputs that can find nothing.
pub(super) fn check_lookups(plan: &Plan, problems: &mut Vec<Problem>) {
    problems.extend(lookups(plan, &mut |node, place, lookup| {
        let message = match lookup.variable.as_str() {
            "results" | "variables" => wrong_result(plan, lookup),
            "inputs" => wrong_input(plan, lookup),
            _ => None,
        }?;
        let (line, column) = (Some(lookup.line), Some(lookup.column));
        Some(Problem { line, column, ..at(&node.id, Some(place), &message) })
    }));
}

/// What is wrong with a look-up at a place of a node.
pub(crate) type Judge<'j> = dyn FnMut(&Node, &str, &Lookup) -> Option<Problem> + 'j;

/// What `judge` finds wrong with the look-ups of a plan, in the order of its nodes.
pub(crate) fn lookups(plan: &Plan, judge: &mut Judge<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    for node in &plan.nodes {
        let parameters = node.parameters.iter().filter_map(|p| {
            Some((format!("parameter \"{}\"", p.id), p.template.as_ref().ok()?.lookups()))
        });
        let messages = node.messages.iter().filter_map(|m| {
            let lookups = m.template.as_ref().ok()?.lookups();
            Some((format!("message \"{}\"", m.kind.as_str()), lookups))
        });
        let connectors = node.edges.iter().filter_map(|edge| {
            let name = plan.node(&edge.to).map_or(edge.to.as_str(), |n| n.name.as_str());
            let lookups = edge.condition.as_ref().ok()?.lookups();
            Some((format!("connector to \"{name}\""), lookups))
        });
        for (place, lookups) in parameters.chain(messages).chain(connectors) {
            found.extend(lookups.iter().filter_map(|lookup| judge(node, &place, lookup)));
        }
    }
    found
}

fn wrong_result(plan: &Plan, lookup: &Lookup) -> Option<String> {
    let name = lookup.keys.first()?;
    let Some(node) = plan.node_named(name) else {
        let names = plan.nodes.iter().map(|n| n.name.as_str());
        return Some(suggest(&format!("No node is named \"{name}\""), nearest(name, names)));
    };
    let key = lookup.keys.get(1)?;
    // Of a node inside a loop, each iteration has results of its own.
    if key.parse::<u64>().is_ok() {
        return None;
    }
    let keys = known_keys(node)?;
    if keys.iter().any(|known| known == key) {
        return None;
    }
    let near = nearest(key, keys.iter().copied());
    Some(suggest(&format!("\"{name}\" ({}) has no result \"{key}\"", node.definition_id), near))
}

/// All results a node can have; `None` when its handler leaves that open, or a completion may
/// bring others.
fn known_keys(node: &Node) -> Option<Vec<&'static str>> {
    let handler = node.handler?;
    let is_fixed = !handler.results.is_empty() || (!handler.open && !is_loop(node));
    if !is_fixed || is_loop(node) || waits::defers(node) {
        return None;
    }
    Some(handler.results.iter().map(|r| r.name).collect())
}

fn is_loop(node: &Node) -> bool {
    use crate::handlers::Work;
    node.is(Work::LoopHead) || node.is(Work::LoopTail)
}

fn wrong_input(plan: &Plan, lookup: &Lookup) -> Option<String> {
    let name = lookup.keys.first()?;
    if plan.inputs.is_empty() || plan.inputs.iter().any(|input| input.name == *name) {
        return None;
    }
    let near = nearest(name, plan.inputs.iter().map(|input| input.name.as_str()));
    Some(suggest(&format!("The tree declares no input \"{name}\""), near))
}

/// A sentence, with what was probably meant.
fn suggest(what: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("{what}; did you mean \"{near}\"?"),
        None => format!("{what}."),
    }
}

/// Lists misused Return nodes.
pub(super) fn check_returns(
    definition: &Definition,
    plan: &Plan,
    loops: &HashMap<&str, Around<'_>>,
    problems: &mut Vec<Problem>,
) {
    let returns: Vec<&Node> = plan.nodes.iter().filter(|n| n.definition_id == RETURN).collect();
    if returns.is_empty() && !definition.outputs.is_empty() {
        problems.push(Problem {
            node_id: None,
            place: None,
            line: None,
            column: None,
            message: "The routine declares outputs and has no Return node that names them.".into(),
        });
    }
    for node in returns {
        if loops.get(node.id.as_str()).is_some_and(|around| !around.is_empty()) {
            let message = "The Return node is inside a loop: the outputs of the last iteration \
                           that gets here are kept, and no others.";
            problems.push(at(&node.id, None, message));
        }
        if !node.edges.is_empty() {
            let message = "Connectors leave the Return node; what follows it can no longer change \
                           the outputs.";
            problems.push(at(&node.id, None, message));
        }
        let given: Vec<&str> = node.parameters.iter().map(|p| p.id.as_str()).collect();
        if definition.outputs.is_empty() {
            check_answer(node, &given, problems);
        } else {
            check_outputs(node, &given, &definition.outputs, problems);
        }
    }
}

/// A Return that names a part of an answer must name all of it.
fn check_answer(node: &Node, given: &[&str], problems: &mut Vec<Problem>) {
    if !ANSWER.iter().any(|part| given.contains(part)) {
        return;
    }
    for part in ANSWER.iter().filter(|part| !given.contains(part)) {
        let place = format!("parameter \"{part}\"");
        let message = "The answer of a web API needs it, and it is missing.";
        problems.push(at(&node.id, Some(&place), message));
    }
}

/// A routine's Return names its declared outputs and no others.
fn check_outputs(node: &Node, given: &[&str], outputs: &[Field], problems: &mut Vec<Problem>) {
    let declared = || outputs.iter().map(|output| output.name.as_str());
    for name in declared().filter(|name| !given.contains(name)) {
        let message = format!("The declared output \"{name}\" is not named here.");
        problems.push(at(&node.id, None, &message));
    }
    for name in given.iter().filter(|name| !declared().any(|known| known == **name)) {
        let place = format!("parameter \"{name}\"");
        let what = format!("The routine declares no output \"{name}\"");
        problems.push(at(&node.id, Some(&place), &suggest(&what, nearest(name, declared()))));
    }
}
