//! The `@`-variables of a run, built from its source data when an expression first asks.
//!
//! Hash keys are Title Case (`createdBy` reads as `Created By`), values and attributes keep their
//! own names. Previous state and changes stand beside an entity: the document's `valuesPrevious`
//! is `@values_previous`, `formPrevious.attributes` is `@form_attributes_previous`.

use crate::step::state::{Record, State};
use expr::ruby::{Context, Variables};
use model::payload::Payload;
use model::time::Micros;
use serde_json::{Map, Value, json};
use std::sync::{Arc, OnceLock};

/// The document a run was started with.
#[derive(Clone, Debug)]
pub enum SourceData {
    /// An event's payload, shared with the event.
    Event(Payload),
    /// A text that a caller sent; usually JSON.
    Text(Arc<str>),
}

impl SourceData {
    /// The document as text.
    pub fn text(&self) -> String {
        match self {
            Self::Event(payload) => payload.text(),
            Self::Text(text) => text.to_string(),
        }
    }
}

/// What identifies a run to its expressions.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The run's number.
    pub run_id: i64,
    /// The source's name.
    pub source: String,
    /// The tree's group.
    pub group: String,
    /// The tree's name.
    pub tree: String,
    /// Id of the record the run is about.
    pub source_id: Option<String>,
    /// The run's inputs.
    pub inputs: Option<Value>,
    /// The IANA time zone of `Time.now` and its kin; blank: UTC.
    pub time_zone: String,
}

/// The variables that stay the same all through a run. Each is made when an expression first asks
/// for it: most look at one or two values of a document of hundreds.
#[derive(Debug)]
pub struct Base {
    about: About,
    data: SourceData,
    document: OnceLock<Document>,
    /// `@source`, which holds the whole document as text.
    source: OnceLock<Value>,
    run: OnceLock<Value>,
    tree: OnceLock<Value>,
}

/// A document with the names by which expressions know its parts.
#[derive(Debug)]
struct Document {
    payload: Payload,
    variables: Vec<Variable>,
}

/// A variable that a document makes.
#[derive(Debug)]
struct Variable {
    name: String,
    /// The top-level entry it is made of.
    key: String,
    of: Part,
    made: OnceLock<Value>,
}

/// What of an entry a variable is.
#[derive(Debug)]
enum Part {
    /// All, as it stands.
    Whole,
    /// The members, under their names in Title Case.
    Members,
    /// The attributes in this member.
    Attributes(&'static str),
}

impl Base {
    /// The variables of a run started with `data`.
    pub fn new(about: About, data: SourceData) -> Self {
        let (document, source) = (OnceLock::new(), OnceLock::new());
        Self { about, data, document, source, run: OnceLock::new(), tree: OnceLock::new() }
    }

    /// The document the run was started with.
    pub fn data(&self) -> &SourceData {
        &self.data
    }

    fn get(&self, name: &str) -> Option<&Value> {
        let about = &self.about;
        match name {
            "source" => Some(self.source.get_or_init(|| {
                json!({ "Name": about.source, "Group": about.group, "Id": about.source_id,
                        "Data": self.data.text() })
            })),
            "run" => Some(self.run.get_or_init(|| json!({ "Id": about.run_id }))),
            "tree" => Some(self.tree.get_or_init(|| json!({ "Name": about.tree }))),
            "inputs" if about.inputs.is_some() => about.inputs.as_ref(),
            _ => self.document().get(name),
        }
    }

    fn document(&self) -> &Document {
        self.document.get_or_init(|| {
            Document::new(match &self.data {
                SourceData::Event(payload) => payload.clone(),
                SourceData::Text(text) => {
                    Payload::from(serde_json::from_str::<Value>(text).unwrap_or_default())
                }
            })
        })
    }
}

/// Whose expressions are evaluated.
#[derive(Clone, Copy)]
pub(crate) enum ScopeOf<'a> {
    /// A task's.
    Task(&'a Record),
    /// A join's or tail's that has no task yet; its name.
    Gate(&'a str),
}

/// The variables at one node.
pub(crate) struct Scope<'a> {
    pub(crate) base: &'a Base,
    pub(crate) state: &'a State,
    pub(crate) loop_index: &'a str,
    of: ScopeOf<'a>,
    /// `@task`; put together when an expression first asks.
    task: OnceLock<Value>,
    /// Inside a loop, what is known there; put together when an expression first asks.
    merged: OnceLock<Value>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(
        base: &'a Base,
        state: &'a State,
        loop_index: &'a str,
        of: ScopeOf<'a>,
    ) -> Self {
        Self { base, state, loop_index, of, task: OnceLock::new(), merged: OnceLock::new() }
    }

    /// What expressions are evaluated in at an instant.
    pub(crate) fn at(&self, now: Micros) -> Context<'_> {
        let zone = self.base.about.time_zone.as_str();
        let timezone = if zone.is_empty() { "UTC" } else { zone };
        Context { timezone, ..Context::new(self, now) }
    }

    fn task(&self) -> &Value {
        self.task.get_or_init(|| match self.of {
            ScopeOf::Task(record) => json!({
                "Id": record.seq,
                "Deferral Token": record.token,
                "Name": record.name,
                "Node Id": record.node,
                "Branch Id": record.place.branch,
                "Loop Index": record.place.loop_index,
            }),
            ScopeOf::Gate(name) => json!({ "Name": name, "Loop Index": self.loop_index }),
        })
    }

    fn results(&self) -> &Value {
        if self.loop_index == "/" {
            return &self.state.results;
        }
        self.merged.get_or_init(|| Value::Object(self.state.known_at(self.loop_index)))
    }
}

impl Variables for Scope<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        match name {
            "results" | "variables" => Some(self.results()),
            "task" => Some(self.task()),
            _ => self.base.get(name),
        }
    }
}

impl Document {
    /// Names the variables of a document's top-level entries.
    fn new(payload: Payload) -> Self {
        let mut variables = Vec::new();
        for (key, value) in payload.members() {
            let (entity, suffix) = [("Previous", "_previous"), ("Changes", "_changes")]
                .into_iter()
                .find_map(|(camel, snake)| key.strip_suffix(camel).map(|entity| (entity, snake)))
                .unwrap_or((key.as_str(), ""));
            let entity = snake_case(entity);
            let mut add = |name: String, of: Part| {
                variables.push(Variable { name, key: key.clone(), of, made: OnceLock::new() });
            };
            // The parts of a request to a web API keep their own names, as values do.
            let is_whole = entity == "values" || entity.starts_with("request_");
            let Some(members) = value.as_object().filter(|_| !is_whole) else {
                add(format!("{entity}{suffix}"), Part::Whole);
                continue;
            };
            for (member, snake) in ATTRIBUTES {
                if members.contains_key(member) {
                    add(format!("{entity}_{snake}{suffix}"), Part::Attributes(member));
                }
            }
            add(format!("{entity}{suffix}"), Part::Members);
        }
        Self { payload, variables }
    }

    /// The last variable of a name.
    fn get(&self, name: &str) -> Option<&Value> {
        let variable = self.variables.iter().rfind(|variable| variable.name == name)?;
        let value = self.payload.get(&variable.key)?;
        Some(match variable.of {
            Part::Whole => value,
            Part::Members => variable.made.get_or_init(|| titled(value)),
            Part::Attributes(member) => {
                variable.made.get_or_init(|| attributes(value.get(member).unwrap_or(&Value::Null)))
            }
        })
    }
}

/// Members that hold attributes, and how the variables of those end.
const ATTRIBUTES: [(&str, &str); 2] =
    [("attributes", "attributes"), ("profileAttributes", "profile_attributes")];

/// An entity's members under their names in Title Case, those apart that hold attributes.
fn titled(entity: &Value) -> Value {
    let mut own = Map::new();
    for (member, value) in entity.as_object().into_iter().flatten() {
        match member.as_str() {
            "attributes" | "profileAttributes" => {}
            "origin" | "parent" if value.is_object() || value.is_null() => {
                let id = value.get("id").cloned().unwrap_or(Value::Null);
                own.insert(format!("{} Id", title_case(member)), id);
            }
            _ => {
                own.insert(title_case(member), value.clone());
            }
        }
    }
    Value::Object(own)
}

/// Attributes as a hash from name to list; the list form `[{name, values}]` is read as well.
fn attributes(value: &Value) -> Value {
    let Value::Array(items) = value else { return value.clone() };
    let pairs = items.iter().filter_map(|item| {
        let name = item.get("name")?.as_str()?.to_owned();
        Some((name, item.get("values").cloned().unwrap_or(Value::Array(Vec::new()))))
    });
    Value::Object(pairs.collect())
}

/// `createdBy` as `Created By`.
fn title_case(camel: &str) -> String {
    let mut title = String::with_capacity(camel.len() + 4);
    for (i, c) in camel.chars().enumerate() {
        if i == 0 {
            title.extend(c.to_uppercase());
        } else {
            if c.is_uppercase() {
                title.push(' ');
            }
            title.push(c);
        }
    }
    title
}

/// `teamMembership` as `team_membership`.
fn snake_case(camel: &str) -> String {
    let mut snake = String::with_capacity(camel.len() + 4);
    for (i, c) in camel.chars().enumerate() {
        if c.is_uppercase() && i > 0 {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_becomes_variables() {
        let payload = json!({
            "event": { "type": "Submission", "action": "Updated", "timestamp": "t" },
            "form": { "slug": "laptop", "attributes": { "Owner": ["ann"] } },
            "formPrevious": { "name": "Old", "attributes": { "Owner": ["bob"] } },
            "submission": { "createdBy": "ann", "coreState": "Draft", "origin": { "id": "o1" },
                            "parent": null },
            "values": { "My Field": "x", "lower": ["a"] },
            "valuesPrevious": { "My Field": null },
            "teamMembership": { "usersAdded": ["ann"] },
        });
        let base = Base::new(
            About { run_id: 7, source: "S".into(), ..About::default() },
            SourceData::Event(Payload::from(payload)),
        );
        let state = State::default();
        let scope = Scope::new(&base, &state, "/", ScopeOf::Gate("gate"));
        let check = |name: &str, pointer: &str, expect: Value| {
            let value = scope.get(name).and_then(|v| v.pointer(pointer)).cloned();
            assert_eq!(value, Some(expect), "{name}{pointer}");
        };
        check("event", "/Action", json!("Updated"));
        check("form", "/Slug", json!("laptop"));
        check("form_attributes", "/Owner", json!(["ann"]));
        check("form_attributes_previous", "/Owner", json!(["bob"]));
        check("form_previous", "/Name", json!("Old"));
        check("submission", "/Created By", json!("ann"));
        check("submission", "/Origin Id", json!("o1"));
        check("submission", "/Parent Id", Value::Null);
        check("values", "/My Field", json!("x"));
        check("values_previous", "/My Field", Value::Null);
        check("team_membership", "/Users Added", json!(["ann"]));
        check("run", "/Id", json!(7));
        check("source", "/Name", json!("S"));
        assert!(scope.get("source").unwrap()["Data"].as_str().unwrap().starts_with('{'));
        assert!(scope.get("nothing").is_none());
    }
}
