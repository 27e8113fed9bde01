//! What trees have to do with connections: which operations their nodes call, and what is wrong
//! with these calls as far as the space's connections tell.

use crate::Workflows;
use crate::check::nearest;
use crate::definition::{self, Definition, Format};
use crate::error::{Error, Result};
use crate::handlers::INTEGRATION_INPUT;
use crate::plan::at;
use model::connection::{Input, Operation};
use model::id::{ConnectionId, SpaceId, TreeId};
use model::tree::Problem;
use store::{Tx, connections, operations, trees};

pub(crate) const HANDLER: &str = "system_integration_v1";

/// A tree that calls operations of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Using {
    /// Its id.
    pub id: TreeId,
    /// Its title.
    pub title: String,
    /// Name and operation of the nodes that do.
    pub nodes: Vec<(String, String)>,
}

/// A node's call of an operation, as it is written.
pub(crate) struct Call {
    node: String,
    name: String,
    connection: String,
    operation: String,
    /// Names of the inputs it fills in, and whether each is blank.
    inputs: Vec<(String, bool)>,
}

/// The calls of a tree.
pub(crate) fn calls(format: Format, text: &str) -> Vec<Call> {
    if !text.contains(HANDLER) {
        return Vec::new();
    }
    definition::read(format, text).map(|document| of(&document.definition)).unwrap_or_default()
}

fn of(definition: &Definition) -> Vec<Call> {
    let nodes = definition.nodes.iter().filter(|node| node.definition_id == HANDLER);
    let call = |node: &definition::Node| {
        let value = |id: &str| {
            let found = node.parameters.iter().find(|parameter| parameter.id == id);
            found.map(|parameter| parameter.value.trim().to_owned()).unwrap_or_default()
        };
        let inputs = node.parameters.iter().filter_map(|parameter| {
            let name = parameter.id.strip_prefix(INTEGRATION_INPUT)?;
            Some((name.to_owned(), parameter.value.trim().is_empty()))
        });
        Call {
            node: node.id.clone(),
            name: node.name.clone(),
            connection: value("connection"),
            operation: value("operation"),
            inputs: inputs.collect(),
        }
    };
    nodes.map(call).collect()
}

/// What is wrong with calls, as far as it can be told before they are made.
///
/// # Errors
/// The store's.
pub(crate) fn problems(tx: &mut Tx, space: &SpaceId, calls: &[Call]) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    let is_known = |text: &str| !text.is_empty() && !text.contains("<%");
    for call in calls.iter().filter(|call| is_known(&call.connection)) {
        let mut say = |parameter: &str, message: String| {
            let place = format!("parameter \"{parameter}\"");
            problems.push(at(&call.node, Some(&place), &message));
        };
        let Some(connection) = connections::by_key(tx, space, &call.connection)? else {
            let known = connections::of_space(tx, space)?;
            let near = nearest(&call.connection, known.iter().map(|c| c.name.as_str()));
            say("connection", missing("connection", &call.connection, near));
            continue;
        };
        if !is_known(&call.operation) {
            continue;
        }
        let known = operations::of_connection(tx, space, &connection.id)?;
        let wanted = |operation: &&Operation| {
            operation.id.as_str() == call.operation || operation.name == call.operation
        };
        let Some(operation) = known.iter().find(wanted) else {
            let near = nearest(&call.operation, known.iter().map(|o| o.name.as_str()));
            let mut message = missing("operation", &call.operation, near);
            message.push_str(&format!(" The connection is \"{}\".", connection.name));
            say("operation", message);
            continue;
        };
        for input in operation.inputs.iter().filter(|input| input.required) {
            let given = call.inputs.iter().find(|(name, _)| input.is_named(name));
            if given.is_none_or(|(_, is_blank)| *is_blank) {
                let message = format!(
                    "The operation \"{}\" requires the input \"{}\", which is blank.",
                    operation.name, input.name
                );
                say(&format!("{INTEGRATION_INPUT}{}", input.name), message);
            }
        }
        for (name, _) in &call.inputs {
            if !operation.inputs.iter().any(|input| input.is_named(name)) {
                say(&format!("{INTEGRATION_INPUT}{name}"), unknown_input(operation, name));
            }
        }
    }
    Ok(problems)
}

fn missing(what: &str, key: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("There is no {what} \"{key}\"; did you mean \"{near}\"?"),
        None => format!("There is no {what} \"{key}\"."),
    }
}

fn unknown_input(operation: &Operation, name: &str) -> String {
    let names = operation.inputs.iter().map(|Input { name, .. }| name.as_str());
    match nearest(name, names) {
        Some(near) => format!(
            "The operation \"{}\" has no such input; did you mean \"{near}\"?",
            operation.name
        ),
        None => format!("The operation \"{}\" has no such input.", operation.name),
    }
}

impl Workflows {
    /// Lists the trees whose nodes call operations of a connection, by title.
    ///
    /// # Errors
    /// The store's.
    pub async fn trees_calling(
        &self,
        space: &SpaceId,
        id: &ConnectionId,
        name: &str,
    ) -> Result<Vec<Using>> {
        let space = space.clone();
        let mentioned = self
            .inner
            .store
            .read(move |tx| Ok::<_, Error>(trees::mentioning(tx, &space, HANDLER)?))
            .await?;
        let is_meant = |call: &Call| call.connection == id.as_str() || call.connection == name;
        let using = mentioned.into_iter().filter_map(|(tree, version)| {
            let calls = calls(Format::parse(&version.format), &version.definition);
            let calls = calls.into_iter().filter(is_meant);
            let nodes: Vec<_> = calls.map(|call| (call.name, call.operation)).collect();
            let title = tree.title();
            (!nodes.is_empty()).then_some(Using { id: tree.id, title, nodes })
        });
        Ok(using.collect())
    }
}
