//! Plans: a definition compiled for running, and the list of mistakes found on the way.
//!
//! A plan is made of whatever could be read. A mistake does not stop a tree from being stored or
//! run; a run that reaches the place raises the documented error there.

use crate::definition::{self, ConnectorKind, Definition, Field};
use crate::handlers::{self, Handler, Work};
use expr::ruby::{Condition, Erb, Problems};
use model::limits;
use model::tree::Problem;
use std::collections::{HashMap, HashSet};

/// A definition compiled for running.
#[derive(Debug)]
pub struct Plan {
    /// Nodes, in the definition's order; of several with one id the first counts.
    pub(crate) nodes: Vec<Node>,
    /// What it declares to be given.
    pub(crate) inputs: Vec<Field>,
    /// What it declares to leave.
    pub(crate) outputs: Vec<Field>,
    /// Whether an expression may look at what the run was started with.
    pub(crate) reads_source: bool,
    /// Whether an expression may look at the run's number, which is unknown before its start.
    pub(crate) reads_run: bool,
    index: HashMap<String, usize>,
}

/// A node, compiled.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) definition_id: String,
    pub(crate) handler: Option<&'static Handler>,
    /// Whether it names a handler that is not among ours: one that the space may have defined.
    pub(crate) external: bool,
    /// Whether it waits for its completion by token after its work.
    pub(crate) defers: bool,
    /// Whether it calls a routine, and waits for what comes of it.
    pub(crate) routine: Option<Awaited>,
    /// How its work is tried again by itself.
    pub(crate) retry: Option<definition::Retry>,
    pub(crate) parameters: Vec<Parameter>,
    /// Templates of the messages that are left with its tasks; blank ones are left out.
    pub(crate) messages: Vec<Message>,
    pub(crate) edges: Vec<Edge>,
    /// Connectors that enter it.
    pub(crate) incoming: usize,
    /// The number that names its loop in loop indices.
    pub(crate) number: i64,
    /// For a junction: the nodes from which it can be reached.
    pub(crate) upstream: HashSet<String>,
}

/// Whether the task of a routine call waits for its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Awaited(pub(crate) bool);

impl Node {
    /// Whether it takes part in a run in this way.
    pub(crate) fn is(&self, work: Work) -> bool {
        self.handler
            .is_some_and(|h| std::mem::discriminant(&h.work) == std::mem::discriminant(&work))
    }
}

/// A parameter, compiled; the error is what the compiler said.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) id: String,
    pub(crate) template: Result<Erb, String>,
}

/// A message template, compiled.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) kind: ConnectorKind,
    pub(crate) template: Result<Erb, String>,
}

/// A connector, compiled.
#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) to: String,
    pub(crate) kind: ConnectorKind,
    pub(crate) label: String,
    pub(crate) text: String,
    pub(crate) condition: Result<Condition, String>,
}

impl Plan {
    /// Compiles a definition.
    pub fn compile(definition: &Definition) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut plan = Self {
            nodes: Vec::new(),
            inputs: definition.inputs.clone(),
            outputs: definition.outputs.clone(),
            reads_source: reads(definition, |name| !OWN_VARIABLES.contains(&name)),
            reads_run: reads(definition, |name| name == "run"),
            index: HashMap::new(),
        };
        for node in definition.nodes.iter().take(limits::NODES_MAX) {
            if plan.index.contains_key(&node.id) {
                problems.push(at(&node.id, None, "Another node has the same id; it is ignored."));
                continue;
            }
            plan.index.insert(node.id.clone(), plan.nodes.len());
            let number = plan.nodes.len();
            plan.nodes.push(compile_node(node, number, &mut problems));
        }
        if definition.nodes.len() > limits::NODES_MAX {
            let message = format!("A tree has at most {} nodes.", limits::NODES_MAX);
            problems.push(Problem {
                node_id: None,
                place: None,
                line: None,
                column: None,
                message,
            });
        }
        for connector in &definition.connectors {
            plan.connect(connector, &mut problems);
        }
        plan.find_upstream();
        crate::check::structure(definition, &plan, &mut problems);
        (plan, problems)
    }

    /// A node by its id.
    pub(crate) fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.get(*self.index.get(id)?)
    }

    /// A node by its name; of several the first.
    pub(crate) fn node_named(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|n| n.name == name)
    }

    /// Ids of all nodes that can be reached from `start`.
    pub(crate) fn reachable(&self) -> HashSet<&str> {
        let mut seen = HashSet::new();
        let mut open = vec!["start"];
        while let Some(id) = open.pop() {
            let Some(node) = self.node(id) else { continue };
            if seen.insert(node.id.as_str()) {
                open.extend(node.edges.iter().map(|e| e.to.as_str()));
            }
        }
        seen
    }

    fn connect(&mut self, connector: &definition::Connector, problems: &mut Vec<Problem>) {
        let name = |id: &str| self.node(id).map_or_else(|| id.to_owned(), |n| n.name.clone());
        let place = format!("connector to \"{}\"", name(&connector.to));
        let Some(&from) = self.index.get(&connector.from) else {
            let message =
                format!("A connector leaves a node that does not exist: {}", connector.from);
            problems.push(at(&connector.to, Some(&place), &message));
            return;
        };
        match self.index.get(&connector.to) {
            Some(&to) => self.nodes[to].incoming += 1,
            None => {
                let message = format!("It leads to a node that does not exist: {}", connector.to);
                problems.push(at(&connector.from, Some(&place), &message));
            }
        }
        let condition = Condition::compile(&connector.value).map_err(|found| {
            report(&connector.from, &place, &found, problems);
            found.to_string()
        });
        self.nodes[from].edges.push(Edge {
            to: connector.to.clone(),
            kind: connector.kind,
            label: connector.label.clone(),
            text: connector.value.clone(),
            condition,
        });
    }

    /// Walks backwards from each junction.
    fn find_upstream(&mut self) {
        let mut sources: HashMap<&str, Vec<&str>> = HashMap::new();
        for node in &self.nodes {
            for edge in &node.edges {
                sources.entry(edge.to.as_str()).or_default().push(node.id.as_str());
            }
        }
        let mut found = Vec::new();
        for (at, node) in self.nodes.iter().enumerate().filter(|(_, n)| n.is(Work::Junction)) {
            let mut upstream = HashSet::new();
            let mut open = vec![node.id.as_str()];
            while let Some(id) = open.pop() {
                for from in sources.get(id).into_iter().flatten() {
                    if *from != node.id && upstream.insert((*from).to_owned()) {
                        open.push(from);
                    }
                }
            }
            found.push((at, upstream));
        }
        for (at, upstream) in found {
            self.nodes[at].upstream = upstream;
        }
    }
}

fn compile_node(node: &definition::Node, position: usize, problems: &mut Vec<Problem>) -> Node {
    let handler = handlers::find(&node.definition_id);
    let parameters = node.parameters.iter().map(|p| Parameter {
        id: p.id.clone(),
        template: Erb::compile(&p.value).map_err(|found| {
            report(&node.id, &format!("parameter \"{}\"", p.id), &found, problems);
            found.to_string()
        }),
    });
    let parameters = parameters.collect();
    let messages = node.messages.iter().filter(|m| !m.value.trim().is_empty());
    let messages = messages.map(|m| Message {
        kind: ConnectorKind::read(&m.kind),
        template: Erb::compile(&m.value).map_err(|found| {
            report(&node.id, &format!("message \"{}\"", m.kind), &found, problems);
            found.to_string()
        }),
    });
    Node {
        id: node.id.clone(),
        name: node.name.clone(),
        definition_id: node.definition_id.clone(),
        retry: node.retry,
        messages: messages.collect(),
        parameters,
        defers: node.defers && node.deferrable && node.id != "start",
        routine: (handler.is_none() && is_routine(&node.definition_id))
            .then_some(Awaited(node.defers || node.deferrable)),
        handler,
        external: is_external(&node.definition_id),
        edges: Vec::new(),
        incoming: 0,
        number: number(&node.id, position),
        upstream: HashSet::new(),
    }
}

/// Whether a node calls a routine: those are not among the handlers.
pub(crate) fn is_routine(definition_id: &str) -> bool {
    definition_id.starts_with("routine_")
}

/// Whether a node names a handler that only the space can have defined.
pub(crate) fn is_external(definition_id: &str) -> bool {
    !definition_id.trim().is_empty()
        && !is_routine(definition_id)
        && handlers::find(definition_id).is_none()
}

/// The number at the end of a node's id; its position when it has none.
fn number(id: &str, position: usize) -> i64 {
    let number = id.rsplit('_').next().and_then(|n| n.parse().ok()).filter(|n: &i64| *n >= 0);
    number.unwrap_or_else(|| i64::try_from(position).unwrap_or_default())
}

/// Variables that the run itself makes, and not what it was started with.
const OWN_VARIABLES: [&str; 6] = ["results", "variables", "inputs", "task", "run", "tree"];

/// Whether any text names such a variable, or asks for all of them.
fn reads(definition: &Definition, is_such: impl Fn(&str) -> bool) -> bool {
    let parameters = definition.nodes.iter().flat_map(|n| &n.parameters).map(|p| &p.value);
    let messages = definition.nodes.iter().flat_map(|n| &n.messages).map(|m| &m.value);
    let templates =
        parameters.chain(messages).map(String::as_str).filter(|text| text.contains("<%"));
    let conditions = definition.connectors.iter().map(|c| c.value.as_str());
    templates.chain(conditions).any(|text| {
        text.contains("instance_variable")
            || text.split('@').skip(1).any(|rest| {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
                is_such(&rest[..end.unwrap_or(rest.len())])
            })
    })
}

/// A problem at a node.
pub(crate) fn at(node: &str, place: Option<&str>, message: &str) -> Problem {
    Problem {
        node_id: Some(node.to_owned()),
        place: place.map(str::to_owned),
        line: None,
        column: None,
        message: message.to_owned(),
    }
}

fn report(node: &str, place: &str, found: &Problems, problems: &mut Vec<Problem>) {
    problems.extend(found.0.iter().map(|p| Problem {
        line: Some(p.line),
        column: Some(p.column),
        ..at(node, Some(place), &p.message)
    }));
}

#[cfg(test)]
mod tests;
