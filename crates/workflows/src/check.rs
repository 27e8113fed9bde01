//! Mistakes in a tree's structure: what an engine would otherwise swallow in silence.

mod loops;
mod results;
mod waits;

pub(crate) use results::lookups;

use crate::definition::{ConnectorKind, Definition, Node};
use crate::handlers::{self, Handler, javascript};
use crate::plan::{Plan, at, is_external, is_routine};
use model::external_handler::ExternalHandler;
use model::tree::Problem;
use std::collections::{HashMap, HashSet};

/// Edits by which a misspelt name may differ from the one that is suggested.
const TYPO_EDITS_MAX: usize = 4;

/// Lists mistakes of structure.
pub(crate) fn structure(definition: &Definition, plan: &Plan, problems: &mut Vec<Problem>) {
    check_start(definition, plan, problems);
    check_ids(definition, problems);
    check_names(definition, problems);
    let loops = loops::check(plan, problems);
    results::check_returns(definition, plan, &loops, problems);
    waits::check(plan, problems);
    results::check_lookups(plan, problems);
    let reachable = plan.reachable();
    for node in &definition.nodes {
        if !node.id.is_empty() && !reachable.contains(node.id.as_str()) && node.id != "start" {
            problems.push(at(&node.id, None, "No path leads here from the start node."));
        }
        check_node(node, problems);
        check_connectors(definition, node, problems);
    }
}

fn check_start(definition: &Definition, plan: &Plan, problems: &mut Vec<Problem>) {
    let Some(start) = definition.nodes.iter().find(|n| n.id == "start") else {
        problems.push(Problem {
            node_id: None,
            place: None,
            line: None,
            column: None,
            message: "The tree has no start node (its id must be \"start\").".into(),
        });
        return;
    };
    if start.definition_id != "system_start_v1" {
        problems.push(at("start", None, "The start node must be a system_start_v1."));
    }
    if start.defers || start.deferrable {
        problems.push(at("start", None, "The start node cannot defer."));
    }
    if plan.node("start").is_some_and(|n| n.incoming > 0) {
        problems.push(at("start", None, "A connector leads back to the start node."));
    }
}

/// Node ids end in a number that is unique over the tree.
fn check_ids(definition: &Definition, problems: &mut Vec<Problem>) {
    let mut numbers: HashMap<i64, &str> = HashMap::new();
    for node in &definition.nodes {
        if node.id.is_empty() {
            problems.push(at("", None, &format!("The node \"{}\" has no id.", node.name)));
            continue;
        }
        let Some(number) = node.id.rsplit('_').next().and_then(|n| n.parse::<i64>().ok()) else {
            continue;
        };
        if node.id == "start" || node.id == node.definition_id {
            continue;
        }
        match numbers.get(&number) {
            Some(other) if *other != node.id => {
                let message = format!("Its id ends in the same number as that of {other}.");
                problems.push(at(&node.id, None, &message));
            }
            _ => {
                numbers.insert(number, &node.id);
            }
        }
    }
    let highest = numbers.keys().max().copied();
    if let (Some(last), Some(highest)) = (definition.last_id, highest)
        && last < highest
    {
        let message = format!("lastId is {last}, but a node's number is {highest}.");
        problems.push(Problem { node_id: None, place: None, line: None, column: None, message });
    }
}

/// Results are found by a node's name, so two nodes of one name hide each other's.
fn check_names(definition: &Definition, problems: &mut Vec<Problem>) {
    let mut names = HashSet::new();
    for node in &definition.nodes {
        if !node.name.is_empty() && !names.insert(node.name.as_str()) {
            let message = format!(
                "Another node is named \"{}\" too; @results keeps only the later one's.",
                node.name
            );
            problems.push(at(&node.id, None, &message));
        }
    }
}

fn check_node(node: &Node, problems: &mut Vec<Problem>) {
    let Some(handler) = handlers::find(&node.definition_id) else {
        // Whether a routine exists is known where trees are saved.
        if is_routine(&node.definition_id) {
            return;
        }
        problems.push(at(&node.id, None, &unknown_handler(&node.definition_id)));
        return;
    };
    if node.defers && !handler.deferrable && node.id != "start" {
        let message = format!("{} cannot defer; it goes on at once.", handler.id);
        problems.push(at(&node.id, None, &message));
    }
    check_parameters(node, handler, problems);
}

/// Judges nodes of handlers that are not ours by those that the space has defined.
pub(crate) fn external_nodes(
    definition: &Definition,
    externals: &[ExternalHandler],
    problems: &mut Vec<Problem>,
) {
    for node in definition.nodes.iter().filter(|node| is_external(&node.definition_id)) {
        let unknown = unknown_handler(&node.definition_id);
        let is_unknown =
            |p: &Problem| p.node_id.as_deref() == Some(node.id.as_str()) && p.message == unknown;
        let Some(handler) = externals.iter().find(|h| h.definition_id == node.definition_id) else {
            let ours = handlers::ALL.iter().map(|h| h.id);
            let known = ours.chain(externals.iter().map(|h| h.definition_id.as_str()));
            let message = with_nearest(&node.definition_id, known);
            let said = problems.iter_mut().filter(|p| is_unknown(p));
            said.for_each(|problem| problem.message.clone_from(&message));
            continue;
        };
        problems.retain(|problem| !is_unknown(problem));
        if !handler.is_active {
            problems.push(at(&node.id, None, "Its handler is inactive."));
        }
        for declared in &handler.parameters {
            let options: Vec<&str> = declared.options.iter().map(String::as_str).collect();
            check_parameter(node, (&declared.id, declared.required, &options), problems);
        }
        let known: Vec<&str> = handler.parameters.iter().map(|p| p.id.as_str()).collect();
        check_unknown_parameters(node, &known, problems);
    }
}

fn check_parameters(node: &Node, handler: &Handler, problems: &mut Vec<Problem>) {
    for declared in handler.parameters {
        check_parameter(node, (declared.id, declared.required, declared.options), problems);
    }
    if handler.id == javascript::ID {
        check_code(node, problems);
    }
    if !handler.open {
        let known: Vec<&str> = handler.parameters.iter().map(|d| d.id).collect();
        check_unknown_parameters(node, &known, problems);
    }
}

/// Judges what a node gives for a declared parameter: its id, whether it is required, and the
/// values it may have.
fn check_parameter(
    node: &Node,
    (id, required, options): (&str, bool, &[&str]),
    problems: &mut Vec<Problem>,
) {
    let given = node.parameters.iter().find(|p| p.id == id);
    let place = format!("parameter \"{id}\"");
    if required && given.is_none_or(|p| p.value.trim().is_empty()) {
        problems.push(at(&node.id, Some(&place), "It is required and blank."));
    }
    let Some(value) = given.map(|p| p.value.trim()) else { return };
    let known = options.iter().any(|o| o.eq_ignore_ascii_case(value));
    if !options.is_empty() && !value.is_empty() && !value.contains("<%") && !known {
        let message = format!("It must be one of {}.", options.join(", "));
        problems.push(at(&node.id, Some(&place), &message));
    }
}

fn check_unknown_parameters(node: &Node, known: &[&str], problems: &mut Vec<Problem>) {
    for given in node.parameters.iter().filter(|given| !known.contains(&given.id.as_str())) {
        let place = format!("parameter \"{}\"", given.id);
        let handler = &node.definition_id;
        let message = match nearest(&given.id, known.iter().copied()) {
            Some(near) => format!("{handler} has no such parameter; did you mean \"{near}\"?"),
            None => format!("{handler} has no such parameter."),
        };
        problems.push(at(&node.id, Some(&place), &message));
    }
}

fn check_code(node: &Node, problems: &mut Vec<Problem>) {
    let code = node.parameters.iter().find(|p| p.id == javascript::CODE);
    if let Some(found) = code.and_then(|code| javascript::problem(&code.value)) {
        let place = format!("parameter \"{}\"", javascript::CODE);
        problems.push(Problem {
            line: Some(found.line),
            column: Some(found.column),
            ..at(&node.id, Some(&place), &found.message)
        });
    }
}

/// Create and Update connectors of a node that never defers are never looked at.
fn check_connectors(definition: &Definition, node: &Node, problems: &mut Vec<Problem>) {
    let always = matches!(node.definition_id.as_str(), "utilities_defer_v1" | "system_wait_v1");
    if always || (node.defers && node.deferrable) {
        return;
    }
    let silent = definition
        .connectors
        .iter()
        .filter(|c| c.from == node.id && c.kind != ConnectorKind::Complete);
    for connector in silent {
        let place = format!("connector to \"{}\"", connector.to);
        let message = format!(
            "{} connectors fire for deferred nodes only, and this node does not defer.",
            connector.kind.as_str()
        );
        problems.push(at(&node.id, Some(&place), &message));
    }
}

/// What a node says whose handler is missing.
pub(crate) fn unknown_handler(id: &str) -> String {
    if id.trim().is_empty() {
        return "The node names no handler.".into();
    }
    if id.starts_with("routine_") {
        return format!("The routine {id} does not exist.");
    }
    with_nearest(id, handlers::ALL.iter().map(|h| h.id))
}

fn with_nearest<'a>(id: &str, known: impl Iterator<Item = &'a str>) -> String {
    match nearest(id, known) {
        Some(near) => format!("The handler {id} does not exist; did you mean {near}?"),
        None => format!("The handler {id} does not exist."),
    }
}

/// The known name with the fewest edits, when it is near enough to be a slip.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = TYPO_EDITS_MAX.min(name.chars().count() / 2);
    known
        .map(|k| (edits(&name.to_lowercase(), &k.to_lowercase()), k))
        .filter(|(edits, _)| *edits <= most)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, k)| k)
}

/// Levenshtein distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, cb) in b.iter().enumerate() {
            let swap = row.get(j).copied().unwrap_or(i) + usize::from(ca != *cb);
            let insert = next.last().copied().unwrap_or(i) + 1;
            let remove = row.get(j + 1).copied().unwrap_or(i) + 1;
            next.push(swap.min(insert).min(remove));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
