//! Tree definitions: treeJson and treeXml read into one neutral form, and written back out.
//!
//! Reading is tolerant (numbers as text, edges under `connectors` or under each node's
//! `dependents`, single objects where lists are meant); what cannot be read at all is an error with
//! its line and column. The text a client sent is kept beside this form and returned as it was.

mod extra;
mod json;
mod xml;

pub use extra::Extra;
pub(crate) use xml::{Element, parse as parse_xml, write_element};

use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What a tree consists of, independent of the format it was sent in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Definition {
    /// The tree's name as the definition states it.
    pub name: String,
    /// Notes of its author.
    pub notes: String,
    /// The owner's address (`processOwnerEmail`, `author`).
    pub owner_email: String,
    /// Version of the builder that wrote it.
    pub builder_version: String,
    /// Version of the format, usually `1.0`.
    pub schema_version: String,
    /// The definition's own version text.
    pub version: String,
    /// The highest number used in node ids.
    pub last_id: Option<i64>,
    /// Nodes in the order they were given.
    pub nodes: Vec<Node>,
    /// Connectors in the order they were given, each edge once.
    pub connectors: Vec<Connector>,
    /// Inputs of a routine.
    pub inputs: Vec<Field>,
    /// Outputs of a routine.
    pub outputs: Vec<Field>,
    /// What else was written.
    pub extra: Extra,
    /// What else was written around a routine's inputs and outputs.
    pub interface_extra: Extra,
}

/// A node of a tree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// Its id, `{definitionId}_{N}` or `start`.
    pub id: String,
    /// Its name, under which its results are found.
    pub name: String,
    /// The handler or routine it calls.
    pub definition_id: String,
    /// Version of the node's form.
    pub version: String,
    /// Whether the builder regards it as filled in.
    pub configured: bool,
    /// Whether it waits for its completion by token.
    pub defers: bool,
    /// Whether its handler allows that.
    pub deferrable: bool,
    /// Whether it is shown to requesters.
    pub visible: bool,
    /// Place in the picture, from the left.
    pub x: f64,
    /// Place in the picture, from the top.
    pub y: f64,
    /// Message templates.
    pub messages: Vec<Message>,
    /// Parameters, as templates.
    pub parameters: Vec<Parameter>,
    /// How often its work is tried again by itself; an extension of ours.
    pub retry: Option<Retry>,
    /// What else was written.
    pub extra: Extra,
}

/// How a node's work is tried again by itself when it fails.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Retry {
    /// Attempts in all, the first included.
    pub attempts: i64,
    /// Seconds before the second attempt.
    pub first_wait_seconds: f64,
    /// What each wait is multiplied by for the next.
    pub factor: f64,
    /// Seconds of a wait at most.
    pub max_wait_seconds: f64,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 3, first_wait_seconds: 10.0, factor: 3.0, max_wait_seconds: 3_600.0 }
    }
}

/// A message template of a node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// `Create`, `Update` or `Complete`.
    pub kind: String,
    /// ERB text.
    pub value: String,
    /// What else was written.
    pub extra: Extra,
}

/// A parameter of a node, as a template.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameter {
    /// The id by which the handler knows it; case counts.
    pub id: String,
    /// ERB text.
    pub value: String,
    /// What the builder shows.
    pub label: String,
    /// The builder's choices.
    pub menu: String,
    /// Whether it must be filled in.
    pub required: bool,
    /// The builder's hint.
    pub description: String,
    /// The parameter it depends on.
    pub depends_on_id: String,
    /// The value that one must have.
    pub depends_on_value: String,
    /// What else was written.
    pub extra: Extra,
}

/// An edge between two nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Connector {
    /// Id of the node it leaves.
    pub from: String,
    /// Id of the node it enters.
    pub to: String,
    /// When it is looked at.
    pub kind: ConnectorKind,
    /// What the picture shows.
    pub label: String,
    /// A Ruby condition without tags; empty holds always.
    pub value: String,
    /// What else was written.
    pub extra: Extra,
}

/// When a connector is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ConnectorKind {
    /// After the node completes.
    Complete,
    /// As soon as a node enters its deferral.
    Create,
    /// At each update of a deferred node.
    Update,
}

impl ConnectorKind {
    /// The documented name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "Complete",
            Self::Create => "Create",
            Self::Update => "Update",
        }
    }

    /// Reads a name in any case; anything else is `Complete`, as the builder has it.
    pub(crate) fn read(text: &str) -> Self {
        match text.trim().to_ascii_lowercase().as_str() {
            "create" => Self::Create,
            "update" => Self::Update,
            _ => Self::Complete,
        }
    }
}

/// An input or output of a routine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The value it has when none is given.
    pub default_value: String,
    /// Whether a value must be given.
    pub required: bool,
    /// `Text`, `Number`, `Boolean` or `JSON`; blank: any text.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// What else was written.
    #[serde(skip)]
    pub extra: Extra,
}

/// The two formats in which definitions travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `treeJson`.
    Json,
    /// `treeXml`.
    Xml,
}

impl Format {
    /// The name under which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xml => "xml",
        }
    }

    /// The format of a text: JSON begins with a brace.
    pub fn of(text: &str) -> Self {
        if text.trim_start().starts_with('{') { Self::Json } else { Self::Xml }
    }

    /// Reads a stored name; anything but `xml` is JSON.
    pub fn parse(text: &str) -> Self {
        if text == "xml" { Self::Xml } else { Self::Json }
    }
}

/// What an exported `<tree>` says about itself around its definition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Header {
    /// The source's name.
    pub source: Option<String>,
    /// The group.
    pub group: Option<String>,
    /// The id by which nodes call a routine.
    pub definition_id: Option<String>,
    /// `Tree`, `Global Routine` or `Local Routine`.
    pub kind: Option<String>,
    /// `Active`, `Inactive` or `Paused`.
    pub status: Option<String>,
    /// What else was written.
    pub extra: Extra,
}

/// A definition together with what was written around it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// What an export says about the tree.
    pub header: Header,
    /// The tree itself.
    pub definition: Definition,
}

/// A text that is no tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (line {line}, column {column})")]
pub struct Unreadable {
    /// What is wrong.
    pub message: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

/// Reads a definition in either format.
pub fn read(format: Format, text: &str) -> Result<Document, Unreadable> {
    let mut document = match format {
        Format::Json => Document { header: Header::default(), definition: json::read(text)? },
        Format::Xml => xml::read(text)?,
    };
    unite(&mut document.definition.connectors);
    Ok(document)
}

/// Writes a definition as treeJson.
pub fn to_json(definition: &Definition) -> serde_json::Value {
    json::write(definition)
}

/// Writes a definition as `<taskTree>`.
pub fn to_xml(definition: &Definition) -> String {
    xml::write_task_tree(definition)
}

/// Writes a whole `<tree>`, as an export does.
pub fn to_export(document: &Document) -> String {
    xml::write_export(document)
}

/// Reads `<results><result name="X">v</result></results>`.
pub(crate) fn read_results(
    text: &str,
) -> Result<serde_json::Map<String, serde_json::Value>, Unreadable> {
    xml::read_results(text)
}

/// Keeps each edge once: clients send it under `connectors` and under `dependents`.
fn unite(connectors: &mut Vec<Connector>) {
    let mut known: HashMap<_, usize> = HashMap::new();
    let mut united: Vec<Connector> = Vec::with_capacity(connectors.len());
    for connector in connectors.drain(..) {
        let c = &connector;
        let key = (c.from.clone(), c.to.clone(), c.kind, c.value.trim().to_owned());
        match known.get(&key).and_then(|at| united.get_mut(*at)) {
            Some(first) => first.extra.merge(connector.extra),
            None => {
                known.insert(key, united.len());
                united.push(connector);
            }
        }
    }
    *connectors = united;
}

/// Line and column, both from 1, of a byte offset.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    (line, before[start..].chars().count() + 1)
}

#[cfg(test)]
mod tests;
