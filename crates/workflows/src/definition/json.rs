//! treeJson in and out.

use super::Unreadable;
use super::{Connector, ConnectorKind, Definition, Extra, Field, Message, Node, Parameter};
use serde_json::{Map, Value, json};

/// Properties of the tree that are read.
const TREE: &[&str] = &[
    "name",
    "notes",
    "processOwnerEmail",
    "builderVersion",
    "schemaVersion",
    "version",
    "lastId",
    "inputs",
    "outputs",
    "connectors",
    "nodes",
    INTERFACE,
];
/// What was written around a routine's interface in treeXml.
const INTERFACE: &str = "interfaceExtra";
/// Properties of a node that are read.
const NODE: &[&str] = &[
    "id",
    "name",
    "definitionId",
    "version",
    "configured",
    "defers",
    "deferrable",
    "visible",
    "retry",
    "position",
    "x",
    "y",
    "messages",
    "parameters",
    "dependents",
];
/// Properties of a parameter that are read.
const PARAMETER: &[&str] =
    &["id", "value", "label", "menu", "required", "description", "dependsOnId", "dependsOnValue"];
const MESSAGE: &[&str] = &["type", "value"];
const EDGE: &[&str] = &["from", "to", "content", "type", "label", "value"];
const FIELD: &[&str] = &["name", "description", "defaultValue", "required", "type"];

/// Reads treeJson; a JSON string that holds it is read as well.
pub(super) fn read(text: &str) -> Result<Definition, Unreadable> {
    let parsed: Value = serde_json::from_str(text).map_err(|e| Unreadable {
        message: format!("treeJson is not JSON: {}", without_place(&e.to_string())),
        line: e.line().max(1),
        column: e.column().max(1),
    })?;
    let object = match parsed {
        Value::Object(object) => object,
        Value::String(inner) => return read(&inner),
        _ => return Err(wrong("treeJson must be an object")),
    };
    let nodes = match object.get("nodes") {
        Some(Value::Array(nodes)) => nodes.as_slice(),
        None | Some(Value::Null) => &[],
        Some(_) => return Err(wrong("\"nodes\" of treeJson must be a list")),
    };
    let mut definition = Definition {
        name: text_of(&object, "name"),
        notes: text_of(&object, "notes"),
        owner_email: text_of(&object, "processOwnerEmail"),
        builder_version: text_of(&object, "builderVersion"),
        schema_version: text_of(&object, "schemaVersion"),
        version: text_of(&object, "version"),
        last_id: object.get("lastId").and_then(number),
        inputs: fields(object.get("inputs")),
        outputs: fields(object.get("outputs")),
        extra: Extra::of_object(&object, TREE),
        interface_extra: match object.get(INTERFACE) {
            Some(Value::Object(extra)) => Extra::of_object(extra, &[]),
            _ => Extra::default(),
        },
        ..Definition::default()
    };
    for connector in list(object.get("connectors")) {
        let Value::Object(c) = connector else {
            return Err(wrong("each of \"connectors\" must be an object"));
        };
        definition.connectors.push(edge(c, text_of(c, "from"), text_of(c, "to")));
    }
    for node in nodes {
        let Value::Object(node) = node else {
            return Err(wrong("each of \"nodes\" must be an object"));
        };
        let read = read_node(node);
        for dependent in dependents(node.get("dependents")) {
            let to = match dependent.get("content") {
                Some(_) => text_of(dependent, "content"),
                None => text_of(dependent, "to"),
            };
            definition.connectors.push(edge(dependent, read.id.clone(), to.trim().to_owned()));
        }
        definition.nodes.push(read);
    }
    Ok(definition)
}

fn read_node(node: &Map<String, Value>) -> Node {
    let position = node.get("position").and_then(Value::as_object);
    let place = |key: &str| {
        let at = position.and_then(|p| p.get(key)).or_else(|| node.get(key));
        at.and_then(decimal).unwrap_or_default()
    };
    Node {
        id: text_of(node, "id"),
        name: text_of(node, "name"),
        definition_id: text_of(node, "definitionId"),
        version: text_of(node, "version"),
        configured: flag(node, "configured"),
        defers: flag(node, "defers"),
        deferrable: flag(node, "deferrable"),
        visible: flag(node, "visible"),
        retry: node
            .get("retry")
            .filter(|r| r.is_object())
            .map(|r| serde_json::from_value(r.clone()).unwrap_or_default()),
        x: place("x"),
        y: place("y"),
        extra: Extra::of_object(node, NODE),
        messages: objects(node.get("messages"))
            .map(|m| Message {
                kind: text_of(m, "type"),
                value: text_of(m, "value"),
                extra: Extra::of_object(m, MESSAGE),
            })
            .collect(),
        parameters: objects(node.get("parameters"))
            .map(|p| Parameter {
                id: text_of(p, "id"),
                value: text_of(p, "value"),
                label: text_of(p, "label"),
                menu: text_of(p, "menu"),
                required: flag(p, "required"),
                description: text_of(p, "description"),
                depends_on_id: text_of(p, "dependsOnId"),
                depends_on_value: text_of(p, "dependsOnValue"),
                extra: Extra::of_object(p, PARAMETER),
            })
            .collect(),
    }
}

/// Writes treeJson, edges both as `connectors` and as `dependents`, as builders expect.
pub(super) fn write(definition: &Definition) -> Value {
    let connectors: Vec<Value> = definition
        .connectors
        .iter()
        .map(|c| {
            let written = json!({ "from": c.from, "to": c.to, "type": c.kind.as_str(),
                                  "label": c.label, "value": c.value });
            with(written, &c.extra)
        })
        .collect();
    let nodes: Vec<Value> =
        definition.nodes.iter().map(|node| write_node(node, &definition.connectors)).collect();
    let mut document = json!({
        "builderVersion": definition.builder_version,
        "schemaVersion": definition.schema_version,
        "version": definition.version,
        "processOwnerEmail": definition.owner_email,
        "lastId": definition.last_id,
        "name": definition.name,
        "notes": definition.notes,
        "connectors": connectors,
        "nodes": nodes,
    });
    for (name, fields) in [("inputs", &definition.inputs), ("outputs", &definition.outputs)] {
        if !fields.is_empty() {
            document[name] = fields.iter().map(|f| with(json!(f), &f.extra)).collect();
        }
    }
    if !definition.interface_extra.is_empty() {
        document[INTERFACE] = with(json!({}), &definition.interface_extra);
    }
    with(document, &definition.extra)
}

/// An object with what else was written.
fn with(mut object: Value, extra: &Extra) -> Value {
    extra.write_to(&mut object);
    object
}

fn write_node(node: &Node, connectors: &[Connector]) -> Value {
    let parameters: Vec<Value> = node
        .parameters
        .iter()
        .map(|p| {
            let written = json!({ "id": p.id, "value": p.value, "label": p.label,
                "menu": p.menu, "required": p.required, "description": p.description,
                "dependsOnId": p.depends_on_id, "dependsOnValue": p.depends_on_value });
            with(written, &p.extra)
        })
        .collect();
    let messages: Vec<Value> = node
        .messages
        .iter()
        .map(|m| with(json!({ "type": m.kind, "value": m.value }), &m.extra))
        .collect();
    let dependents: Vec<Value> = connectors
        .iter()
        .filter(|c| c.from == node.id)
        .map(|c| {
            let written = json!({ "label": c.label, "type": c.kind.as_str(),
                                  "value": c.value, "content": c.to });
            with(written, &c.extra)
        })
        .collect();
    let mut written = json!({
        "id": node.id,
        "name": node.name,
        "definitionId": node.definition_id,
        "version": node.version,
        "configured": node.configured,
        "defers": node.defers,
        "deferrable": node.deferrable,
        "visible": node.visible,
        "position": { "x": whole(node.x), "y": whole(node.y) },
        "messages": messages,
        "parameters": parameters,
        "dependents": { "task": dependents },
    });
    if let Some(retry) = &node.retry {
        written["retry"] = json!(retry);
    }
    with(written, &node.extra)
}

/// Writes whole numbers without a fraction, as builders do.
fn whole(number: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
    if number.fract() == 0.0 && number.abs() < 1e15 { json!(number as i64) } else { json!(number) }
}

fn edge(object: &Map<String, Value>, from: String, to: String) -> Connector {
    Connector {
        from,
        to,
        kind: ConnectorKind::read(&text_of(object, "type")),
        label: text_of(object, "label"),
        value: text_of(object, "value"),
        extra: Extra::of_object(object, EDGE),
    }
}

/// `{"task": […]}`, `{"task": {…}}` or a bare list.
fn dependents(value: Option<&Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let tasks = match value {
        Some(Value::Object(object)) => object.get("task"),
        other => other,
    };
    objects(tasks)
}

fn objects(value: Option<&Value>) -> impl Iterator<Item = &Map<String, Value>> {
    list(value).iter().filter_map(Value::as_object)
}

/// A list; a single object counts as a list of one.
fn list(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(items)) => items,
        Some(single @ Value::Object(_)) => std::slice::from_ref(single),
        _ => &[],
    }
}

fn fields(value: Option<&Value>) -> Vec<Field> {
    objects(value)
        .map(|f| Field {
            name: text_of(f, "name"),
            description: text_of(f, "description"),
            default_value: text_of(f, "defaultValue"),
            required: flag(f, "required"),
            kind: text_of(f, "type"),
            extra: Extra::of_object(f, FIELD),
        })
        .collect()
}

fn text_of(object: &Map<String, Value>, key: &str) -> String {
    match object.get(key) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn flag(object: &Map<String, Value>, key: &str) -> bool {
    match object.get(key) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn decimal(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn wrong(message: &str) -> Unreadable {
    Unreadable { message: message.to_owned(), line: 1, column: 1 }
}

/// serde_json repeats the place in its text; it is reported apart.
fn without_place(message: &str) -> &str {
    message.split(" at line ").next().unwrap_or(message)
}
