//! treeXml in and out: `<tree>` with its header, or a bare `<taskTree>`.

use super::{
    Connector, ConnectorKind, Definition, Document, Extra, Field, Header, Message, Node, Parameter,
    Retry, Unreadable, position,
};
use quick_xml::Reader;
use quick_xml::escape::{escape, resolve_predefined_entity, unescape};
use quick_xml::events::{BytesStart, Event};
use std::fmt::Write;
use std::ops::Range;

/// Nested elements at most; a tree needs seven.
const DEPTH_MAX: usize = 64;

/// An element with everything in it.
#[derive(Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    pub(crate) text: String,
    /// Where it stands in the text it was read from.
    pub(crate) span: Range<usize>,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> String {
        self.find_attribute(name).unwrap_or_default().to_owned()
    }

    pub(crate) fn find_attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|c| c.name == name)
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |c| c.name == name)
    }

    /// Items of a list element: `<parameters><parameter/>…`.
    pub(crate) fn items<'a>(
        &'a self,
        list: &str,
        item: &'a str,
    ) -> impl Iterator<Item = &'a Element> {
        self.child(list).into_iter().flat_map(move |l| l.all(item))
    }

    pub(crate) fn text_of(&self, name: &str) -> String {
        self.child(name).map(|c| c.text.trim().to_owned()).unwrap_or_default()
    }

    fn optional(&self, name: &str) -> Option<String> {
        self.child(name).map(|c| c.text.trim().to_owned()).filter(|t| !t.is_empty())
    }

    fn flag(&self, name: &str) -> bool {
        self.text_of(name).eq_ignore_ascii_case("true")
    }
}

/// Elements of each level that are read; others are kept as they were written.
const HEADER: &[&str] =
    &["sourceName", "sourceGroup", "definitionId", "type", "status", "taskTree"];
const TREE: &[&str] = &["name", "author", "notes", "lastID", "taskDefinition", "request"];
const TASK: &[&str] = &[
    "version",
    "configured",
    "defers",
    "deferrable",
    "visible",
    "retry",
    "parameters",
    "messages",
    "dependents",
];
/// Attributes of a parameter that are read.
const PARAMETER: &[&str] =
    &["id", "label", "menu", "required", "tooltip", "dependsOnId", "dependsOnValue"];

/// Reads a `<tree>` or a `<taskTree>`.
pub(super) fn read(text: &str) -> Result<Document, Unreadable> {
    let root = parse(text)?;
    match root.name.as_str() {
        "taskTree" => {
            Ok(Document { header: Header::default(), definition: task_tree(&root, text) })
        }
        "tree" => {
            let inner = root
                .child("taskTree")
                .ok_or_else(|| wrong(text, 0, "the <tree> element holds no <taskTree>"))?;
            let header = Header {
                source: root.optional("sourceName"),
                group: root.optional("sourceGroup"),
                definition_id: root.optional("definitionId"),
                kind: root.optional("type"),
                status: root.optional("status"),
                extra: Extra::of_element(&root, text, &["schema_version"], HEADER),
            };
            Ok(Document { header, definition: task_tree(inner, text) })
        }
        other => {
            let message = format!("treeXml must be a <tree> or a <taskTree>, not a <{other}>");
            Err(wrong(text, 0, &message))
        }
    }
}

/// Reads the results that come with the completion of a deferral.
pub(super) fn read_results(
    text: &str,
) -> Result<serde_json::Map<String, serde_json::Value>, Unreadable> {
    let root = parse(text)?;
    if root.name != "results" {
        let message = format!("results must be a <results>, not a <{}>", root.name);
        return Err(wrong(text, 0, &message));
    }
    let results = root.all("result");
    Ok(results.map(|r| (r.attribute("name"), r.text.as_str().into())).collect())
}

fn task_tree(root: &Element, text: &str) -> Definition {
    let mut definition = Definition {
        name: root.text_of("name"),
        notes: root.text_of("notes"),
        owner_email: root.text_of("author"),
        builder_version: root.attribute("builder_version"),
        schema_version: root.attribute("schema_version"),
        version: root.attribute("version"),
        last_id: root.text_of("lastID").parse().ok(),
        extra: Extra::of_element(
            root,
            text,
            &["builder_version", "schema_version", "version"],
            TREE,
        ),
        ..Definition::default()
    };
    if let Some(interface) = root.child("taskDefinition") {
        let inputs = interface.items("parameters", "parameter");
        definition.inputs = inputs.map(|f| field(f, text, ["id", "name", "label"])).collect();
        let outputs = interface.items("results", "result");
        definition.outputs = outputs.map(|f| field(f, text, ["name", "id", "label"])).collect();
        definition.interface_extra =
            Extra::of_element(interface, text, &[], &["parameters", "results"]);
    }
    for task in root.items("request", "task") {
        let id = task.attribute("id");
        for dependent in task.items("dependents", "task") {
            definition.connectors.push(Connector {
                from: id.clone(),
                to: dependent.text.trim().to_owned(),
                kind: ConnectorKind::read(&dependent.attribute("type")),
                label: dependent.attribute("label"),
                value: dependent.attribute("value"),
                extra: Extra::of_element(dependent, text, &["type", "label", "value"], &[]),
            });
        }
        definition.nodes.push(node(task, id, text));
    }
    definition
}

fn node(task: &Element, id: String, text: &str) -> Node {
    Node {
        id,
        name: task.attribute("name"),
        definition_id: task.attribute("definition_id"),
        version: task.text_of("version"),
        configured: task.flag("configured"),
        defers: task.flag("defers"),
        deferrable: task.flag("deferrable"),
        visible: task.flag("visible"),
        retry: task.child("retry").map(retry),
        x: task.attribute("x").trim().parse().unwrap_or_default(),
        y: task.attribute("y").trim().parse().unwrap_or_default(),
        extra: Extra::of_element(task, text, &["id", "name", "definition_id", "x", "y"], TASK),
        messages: task
            .items("messages", "message")
            .map(|m| Message {
                kind: m.attribute("type"),
                value: m.text.clone(),
                extra: Extra::of_element(m, text, &["type"], &[]),
            })
            .collect(),
        parameters: task
            .items("parameters", "parameter")
            .map(|p| Parameter {
                id: p.attribute("id"),
                value: p.text.clone(),
                label: p.attribute("label"),
                menu: p.attribute("menu"),
                required: p.attribute("required").eq_ignore_ascii_case("true"),
                description: p.attribute("tooltip"),
                depends_on_id: p.attribute("dependsOnId"),
                depends_on_value: p.attribute("dependsOnValue"),
                extra: Extra::of_element(p, text, PARAMETER, &[]),
            })
            .collect(),
    }
}

fn field(element: &Element, text: &str, names: [&str; 3]) -> Field {
    let named = names.into_iter().find(|key| element.find_attribute(key).is_some());
    let known = [named.unwrap_or_default(), "tooltip", "required", "type"];
    Field {
        name: named.map(|key| element.attribute(key)).unwrap_or_default(),
        description: element.attribute("tooltip"),
        default_value: element.text.clone(),
        required: element.attribute("required").eq_ignore_ascii_case("true"),
        kind: element.attribute("type"),
        extra: Extra::of_element(element, text, &known, &[]),
    }
}

/// Parses into elements; entities are the predefined and numeric ones only.
pub(crate) fn parse(text: &str) -> Result<Element, Unreadable> {
    let mut reader = Reader::from_str(text);
    let mut stack: Vec<Element> = vec![Element::default()];
    loop {
        let at = after(&reader);
        let event = reader.read_event().map_err(|e| {
            let place = usize::try_from(reader.error_position()).unwrap_or(at);
            wrong(text, place, &format!("the XML is not well-formed: {e}"))
        })?;
        match event {
            Event::Start(start) => {
                if stack.len() > DEPTH_MAX {
                    return Err(wrong(text, at, "the XML is nested too deeply"));
                }
                let mut element = open(&start, text, at)?;
                element.span.start = at;
                stack.push(element);
            }
            Event::Empty(start) => {
                let mut element = open(&start, text, at)?;
                element.span = at..after(&reader);
                attach(&mut stack, element);
            }
            Event::End(_) => {
                let mut element = stack.pop().unwrap_or_default();
                element.span.end = after(&reader);
                attach(&mut stack, element);
            }
            Event::Text(t) => {
                let content = t.xml_content().map_err(|e| wrong(text, at, &e.to_string()))?;
                append(&mut stack, &content);
            }
            Event::CData(data) => {
                let content = data.xml_content().map_err(|e| wrong(text, at, &e.to_string()))?;
                append(&mut stack, &content);
            }
            Event::GeneralRef(reference) => {
                let resolved = match reference.resolve_char_ref() {
                    Ok(Some(character)) => Some(character.to_string()),
                    Ok(None) => {
                        let name = reference.decode().unwrap_or_default();
                        resolve_predefined_entity(&name).map(str::to_owned)
                    }
                    Err(_) => None,
                };
                let resolved =
                    resolved.ok_or_else(|| wrong(text, at, "the XML uses an unknown entity"))?;
                append(&mut stack, &resolved);
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    if stack.len() > 1 {
        return Err(wrong(text, text.len(), "the XML ends inside an element"));
    }
    let root = stack.pop().and_then(|mut base| base.children.pop());
    root.ok_or_else(|| wrong(text, 0, "the XML holds no element"))
}

/// Where the reader stands, behind what it has read.
fn after(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn open(start: &BytesStart<'_>, text: &str, at: usize) -> Result<Element, Unreadable> {
    let name = String::from_utf8_lossy(start.local_name().into_inner()).into_owned();
    let mut element = Element { name, ..Element::default() };
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|e| wrong(text, at, &format!("bad attribute: {e}")))?;
        let raw = String::from_utf8_lossy(&attribute.value).into_owned();
        let value = unescape(&raw).map_err(|e| wrong(text, at, &format!("bad attribute: {e}")))?;
        let key = String::from_utf8_lossy(attribute.key.local_name().into_inner()).into_owned();
        element.attributes.push((key, value.into_owned()));
    }
    Ok(element)
}

fn attach(stack: &mut [Element], element: Element) {
    if let Some(parent) = stack.last_mut() {
        parent.children.push(element);
    }
}

fn append(stack: &mut [Element], text: &str) {
    if let Some(element) = stack.last_mut() {
        element.text.push_str(text);
    }
}

fn wrong(text: &str, offset: usize, message: &str) -> Unreadable {
    let (line, column) = position(text, offset);
    Unreadable { message: message.to_owned(), line, column }
}

/// Writes an element with everything in it.
pub(crate) fn write_element(element: &Element) -> String {
    let mut out = format!("<{}", element.name);
    for (name, value) in &element.attributes {
        let _ = write!(out, " {name}=\"{}\"", in_attribute(value));
    }
    out.push('>');
    out.push_str(&escape(element.text.trim()));
    element.children.iter().for_each(|child| out.push_str(&write_element(child)));
    let _ = write!(out, "</{}>", element.name);
    out
}

fn retry(element: &Element) -> Retry {
    let usual = Retry::default();
    let number =
        |name: &str, otherwise: f64| element.attribute(name).trim().parse().unwrap_or(otherwise);
    Retry {
        attempts: element.attribute("attempts").trim().parse().unwrap_or(usual.attempts),
        first_wait_seconds: number("firstWaitSeconds", usual.first_wait_seconds),
        factor: number("factor", usual.factor),
        max_wait_seconds: number("maxWaitSeconds", usual.max_wait_seconds),
    }
}

fn write_retry(retry: &Retry) -> String {
    format!(
        "\n      <retry attempts=\"{}\" firstWaitSeconds=\"{}\" factor=\"{}\" \
         maxWaitSeconds=\"{}\"/>",
        retry.attempts, retry.first_wait_seconds, retry.factor, retry.max_wait_seconds
    )
}

/// Writes a whole `<tree>`.
pub(super) fn write_export(document: &Document) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let header = &document.header;
    let _ = writeln!(out, "<tree schema_version=\"1.0\"{}>", header.extra.attributes());
    let lines = [
        ("sourceName", &header.source),
        ("sourceGroup", &header.group),
        ("definitionId", &header.definition_id),
        ("type", &header.kind),
        ("status", &header.status),
    ];
    for (name, value) in lines {
        if let Some(value) = value {
            let _ = writeln!(out, "  <{name}>{}</{name}>", in_text(value));
        }
    }
    out.push_str(&header.extra.elements());
    out.push_str(&write_task_tree(&document.definition));
    out.push_str("\n</tree>\n");
    out
}

/// Writes a `<taskTree>`.
pub(super) fn write_task_tree(definition: &Definition) -> String {
    let d = definition;
    let mut out = format!(
        "<taskTree builder_version=\"{}\" schema_version=\"{}\" version=\"{}\"{}>",
        in_attribute(&d.builder_version),
        in_attribute(&d.schema_version),
        in_attribute(&d.version),
        d.extra.attributes()
    );
    let _ = write!(
        out,
        "\n  <name>{}</name>\n  <author>{}</author>\n  <notes>{}</notes>\n  <lastID>{}</lastID>",
        in_text(&d.name),
        in_text(&d.owner_email),
        in_text(&d.notes),
        d.last_id.map(|n| n.to_string()).unwrap_or_default()
    );
    out.push_str(&d.extra.elements());
    if !d.inputs.is_empty() || !d.outputs.is_empty() || !d.interface_extra.is_empty() {
        write_interface(&mut out, d);
    }
    out.push_str("\n  <request>");
    for node in &d.nodes {
        write_task(&mut out, node, &d.connectors);
    }
    out.push_str("\n  </request>\n</taskTree>");
    out
}

fn write_interface(out: &mut String, definition: &Definition) {
    let extra = &definition.interface_extra;
    let _ = write!(out, "\n  <taskDefinition{}>\n    <parameters>", extra.attributes());
    for field in &definition.inputs {
        write_field(out, "parameter", "id", field);
    }
    out.push_str("\n    </parameters>\n    <results>");
    for field in &definition.outputs {
        write_field(out, "result", "name", field);
    }
    let _ = write!(out, "\n    </results>{}\n  </taskDefinition>", extra.elements());
}

fn write_field(out: &mut String, tag: &str, name: &str, field: &Field) {
    let kind = match field.kind.as_str() {
        "" => String::new(),
        kind => format!(" type=\"{}\"", in_attribute(kind)),
    };
    let _ = write!(
        out,
        "\n      <{tag} {name}=\"{}\"{kind} required=\"{}\" tooltip=\"{}\"{}>{}{}</{tag}>",
        in_attribute(&field.name),
        field.required,
        in_attribute(&field.description),
        field.extra.attributes(),
        in_text(&field.default_value),
        field.extra.elements()
    );
}

fn write_task(out: &mut String, node: &Node, connectors: &[Connector]) {
    let _ = write!(
        out,
        "\n    <task definition_id=\"{}\" id=\"{}\" name=\"{}\" x=\"{}\" y=\"{}\"{}>\
         \n      <version>{}</version>\n      <configured>{}</configured>\
         \n      <defers>{}</defers>\n      <deferrable>{}</deferrable>\
         \n      <visible>{}</visible>{}{}\n      <parameters>",
        in_attribute(&node.definition_id),
        in_attribute(&node.id),
        in_attribute(&node.name),
        node.x,
        node.y,
        node.extra.attributes(),
        in_text(&node.version),
        node.configured,
        node.defers,
        node.deferrable,
        node.visible,
        node.retry.as_ref().map(write_retry).unwrap_or_default(),
        node.extra.elements()
    );
    for p in &node.parameters {
        let _ = write!(
            out,
            "\n        <parameter id=\"{}\" label=\"{}\" menu=\"{}\" required=\"{}\" \
             tooltip=\"{}\" dependsOnId=\"{}\" dependsOnValue=\"{}\"{}>{}{}</parameter>",
            in_attribute(&p.id),
            in_attribute(&p.label),
            in_attribute(&p.menu),
            p.required,
            in_attribute(&p.description),
            in_attribute(&p.depends_on_id),
            in_attribute(&p.depends_on_value),
            p.extra.attributes(),
            in_text(&p.value),
            p.extra.elements()
        );
    }
    out.push_str("\n      </parameters>\n      <messages>");
    for m in &node.messages {
        let _ = write!(
            out,
            "\n        <message type=\"{}\"{}>{}{}</message>",
            in_attribute(&m.kind),
            m.extra.attributes(),
            in_text(&m.value),
            m.extra.elements()
        );
    }
    out.push_str("\n      </messages>\n      <dependents>");
    for c in connectors.iter().filter(|c| c.from == node.id) {
        let _ = write!(
            out,
            "\n        <task label=\"{}\" type=\"{}\" value=\"{}\"{}>{}{}</task>",
            in_attribute(&c.label),
            c.kind.as_str(),
            in_attribute(&c.value),
            c.extra.attributes(),
            in_text(&c.to),
            c.extra.elements()
        );
    }
    out.push_str("\n      </dependents>\n    </task>");
}

/// Escapes for an attribute; line breaks would be folded into spaces by XML readers.
pub(super) fn in_attribute(text: &str) -> String {
    escape(text).replace('\n', "&#10;").replace('\r', "&#13;").replace('\t', "&#9;")
}

/// Escapes for the text of an element; a carriage return would be read as a line break.
pub(super) fn in_text(text: &str) -> String {
    escape(text).replace('\r', "&#13;")
}
