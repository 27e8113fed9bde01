//! Trees on the wire: the documents clients read and the bodies they send.

use crate::error::{Error, Result};
use crate::include::Include;
use crate::input::require_known;
use model::tree::Tree;
use serde_json::{Map, Value, json};
use workflows::definition::Format;
use workflows::trees::{Detail, TreeInput};

/// Properties that clients send; those that are only read are taken and ignored, since clients
/// send back whole trees.
const KNOWN: &[&str] = &[
    "bindings",
    "categories",
    "contentUrl",
    "createdAt",
    "createdBy",
    "definitionId",
    "event",
    "export",
    "filter",
    "groupName",
    "guid",
    "id",
    "inputs",
    "name",
    "notes",
    "outputs",
    "ownerEmail",
    "platformItemId",
    "platformItemType",
    "problems",
    "sourceGroup",
    "sourceName",
    "status",
    "title",
    "treeJson",
    "treeXml",
    "type",
    "updatedAt",
    "updatedBy",
    "versionId",
];

/// Adds all properties of an object to another.
pub(super) fn extend(document: &mut Value, more: Value) {
    if let (Value::Object(document), Value::Object(more)) = (document, more) {
        document.extend(more);
    }
}

/// A tree in a list.
pub(super) fn summary(tree: &Tree, include: &Include) -> Value {
    let mut document = json!({
        "guid": tree.id,
        "title": tree.title(),
        "name": tree.name,
        "sourceName": tree.source,
        "sourceGroup": tree.group,
        "type": tree.kind,
        "status": tree.status,
        "ownerEmail": tree.owner_email,
        "notes": tree.notes,
        "definitionId": tree.definition_id,
        "versionId": tree.version.to_string(),
        "problems": tree.problems,
    });
    if let Some(details) = include.details(&tree.audit) {
        extend(&mut document, json!(details));
        extend(
            &mut document,
            json!({ "id": tree.id, "event": null, "platformItemType": null,
                    "platformItemId": null }),
        );
    }
    if include.has("categories") {
        document["categories"] = json!([]);
    }
    document
}

/// A tree by itself.
pub(super) fn single(detail: &Detail, include: &Include) -> Value {
    let mut document = summary(&detail.tree, include);
    if include.has("treeJson") {
        document["treeJson"] = detail.tree_json();
    }
    if include.has("treeXml") {
        document["treeXml"] = detail.tree_xml().into();
    }
    if include.has("export") {
        document["export"] = detail.export().into();
    }
    if include.has("inputs") || include.has("outputs") {
        let definition = detail.definition();
        document["inputs"] = json!(definition.inputs);
        document["outputs"] = json!(definition.outputs);
    }
    document
}

/// Reads a tree's body.
pub(super) fn read(body: Value) -> Result<TreeInput> {
    let Value::Object(body) = body else {
        return Err(Error::bad_request("A tree must be a JSON object."));
    };
    require_known(&body, KNOWN)?;
    if body.get("contentUrl").is_some_and(|url| !url.is_null()) {
        return Err(Error::bad_request(
            "Trees are not fetched by contentUrl; send treeJson, treeXml or a file.",
        ));
    }
    Ok(TreeInput {
        source: text(&body, "sourceName")?,
        group: match text(&body, "sourceGroup")? {
            Some(group) => Some(group),
            None => text(&body, "groupName")?,
        },
        name: text(&body, "name")?,
        kind: text(&body, "type")?,
        status: text(&body, "status")?,
        definition_id: text(&body, "definitionId")?,
        owner_email: text(&body, "ownerEmail")?,
        notes: text(&body, "notes")?,
        definition: definition(&body)?,
        version: version(&body)?,
    })
}

fn definition(body: &Map<String, Value>) -> Result<Option<(Format, String)>> {
    let json = match body.get("treeJson") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.trim().is_empty() => None,
        Some(Value::String(text)) => Some((Format::Json, text.clone())),
        Some(Value::Object(object)) => {
            let text = serde_json::to_string(object).map_err(|e| Error::internal(&e))?;
            Some((Format::Json, text))
        }
        Some(_) => return Err(Error::bad_request("treeJson must be an object.")),
    };
    let xml = text(body, "treeXml")?.filter(|t| !t.trim().is_empty());
    Ok(json.or(xml.map(|text| (Format::Xml, text))))
}

/// `versionId` travels as text or as a number.
fn version(body: &Map<String, Value>) -> Result<Option<i64>> {
    let number = match body.get("versionId") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(other) => other.as_i64(),
    };
    let number = number.ok_or_else(|| Error::bad_request("versionId must be a whole number."))?;
    Ok(Some(number))
}

fn text(body: &Map<String, Value>, key: &str) -> Result<Option<String>> {
    match body.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Error::bad_request(format!("{key} must be a text."))),
    }
}
