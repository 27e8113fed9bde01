//! Trees on the wire: the documents clients read and the bodies they send.

use super::actor;
use crate::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::include::Include;
use crate::input::require_known;
use model::category::MemberKind;
use model::tree::Tree;
use serde_json::{Map, Value, json};
use store::linked_workflows::Found;
use workflows::categories::Sorted;
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
        extend(&mut document, json!({ "id": tree.id }));
    }
    document
}

/// What expressions of a tree may look at, by section and label, as pickers insert it.
fn bindings() -> Value {
    let section = |variable: &str, keys: &[&str]| -> Value {
        let pair = |key: &&str| ((*key).to_owned(), format!("<%= @{variable}['{key}'] %>").into());
        Value::Object(keys.iter().map(pair).collect())
    };
    json!({
        "Event": section("event", &["Action", "Timestamp", "Type"]),
        "Source Information": section("source", &["Data", "Group", "Id", "Name"]),
        "Space": section("space", &["Name", "Slug"]),
        "Kapp": section("kapp", &["Name", "Slug"]),
        "Form": section("form", &["Name", "Slug"]),
        "Submission": section(
            "submission",
            &["Core State", "Created By", "Handle", "Id", "Submitted By"],
        ),
        "System": section("run", &["Id"]),
    })
}

/// What documents of trees say beyond the trees themselves, read once for a list.
#[derive(Default)]
pub(super) struct Around {
    categories: Vec<Sorted>,
    workflows: Vec<Found>,
}

impl Around {
    /// Reads what was asked for.
    pub(crate) async fn read(app: &App, caller: &Caller, include: &Include) -> Result<Self> {
        let who = actor(caller);
        let mut around = Self::default();
        if include.has("categories") {
            around.categories = app.workflows.categories(&who).await?;
        }
        if include.has("details") {
            around.workflows = app.workflows.bindings(&who).await?;
        }
        Ok(around)
    }

    /// Adds it to a tree's document.
    pub(super) fn add(&self, tree: &Tree, include: &Include, document: &mut Value) {
        if include.has("categories") {
            let holds = |sorted: &&Sorted| {
                let id = tree.definition_id.as_deref();
                id.is_some_and(|id| sorted.of(MemberKind::Routine).contains(&id))
            };
            document["categories"] = (self.categories.iter().filter(holds))
                .map(|sorted| json!({ "name": sorted.category.name }))
                .collect();
        }
        if include.has("details") {
            let bound = self.workflows.iter().find(|found| found.workflow.id == tree.id);
            extend(document, binding(bound));
        }
    }
}

/// The event that a tree belongs to, as a linked workflow.
fn binding(bound: Option<&Found>) -> Value {
    let Some(bound) = bound.map(|found| &found.workflow) else {
        return json!({ "event": null, "platformItemType": null, "platformItemId": null });
    };
    let (kind, id) = match (&bound.form_id, &bound.kapp_id) {
        (Some(form), _) => ("Form", form.as_str()),
        (None, Some(kapp)) => ("Kapp", kapp.as_str()),
        (None, None) => ("Space", bound.space_id.as_str()),
    };
    json!({ "event": format!("{} {}", bound.type_name, bound.event),
            "platformItemType": kind, "platformItemId": id })
}

/// The tree of a linked workflow; `is_whole` adds its definition.
pub(crate) fn workflow(detail: &Detail, bound: &Found, is_whole: bool) -> Value {
    let names = if is_whole { "details,treeJson,bindings" } else { "details" };
    let mut document = single(detail, &Include::parse(Some(names)));
    extend(&mut document, binding(Some(bound)));
    document
}

/// A tree by itself, with everything that was asked for.
pub(super) async fn whole(
    app: &App,
    caller: &Caller,
    detail: &Detail,
    include: &Include,
) -> Result<Value> {
    let mut document = single(detail, include);
    Around::read(app, caller, include).await?.add(&detail.tree, include, &mut document);
    Ok(document)
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
    if include.has("bindings") {
        document["bindings"] = bindings();
    }
    if include.has("inputs") || include.has("outputs") {
        let definition = detail.definition();
        document["inputs"] = json!(definition.inputs);
        document["outputs"] = json!(definition.outputs);
    }
    document
}

/// Reads a tree's body; what `contentUrl` names is fetched.
pub(crate) async fn read(app: &App, caller: &Caller, body: Value) -> Result<TreeInput> {
    let url = match body.get("contentUrl") {
        None | Some(Value::Null) => None,
        Some(Value::String(url)) => Some(url.trim().to_owned()).filter(|url| !url.is_empty()),
        Some(_) => return Err(Error::bad_request("contentUrl must be a text.")),
    };
    let mut input = parse(body)?;
    if let Some(url) = url {
        let fetched = app.workflows.fetch_definition(&actor(caller), &url).await?;
        input.definition = Some(fetched);
    }
    Ok(input)
}

fn parse(body: Value) -> Result<TreeInput> {
    let Value::Object(body) = body else {
        return Err(Error::bad_request("A tree must be a JSON object."));
    };
    require_known(&body, KNOWN)?;
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
