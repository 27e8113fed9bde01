//! The `@`-variables of a run, built from its source data when an expression first asks.
//!
//! Hash keys are Title Case (`createdBy` reads as `Created By`), values and attributes keep their
//! own names. Previous state and changes stand beside an entity: the document's `valuesPrevious`
//! is `@values_previous`, `formPrevious.attributes` is `@form_attributes_previous`.

use crate::step::state::State;
use expr::ruby::{Context, Variables};
use model::time::Micros;
use serde_json::{Map, Value, json};
use std::sync::{Arc, OnceLock};

/// The document a run was started with.
#[derive(Clone, Debug)]
pub enum SourceData {
    /// An event's payload, shared with the event.
    Event(Arc<Value>),
    /// A text that a caller sent; usually JSON.
    Text(Arc<str>),
}

impl SourceData {
    /// The document as text.
    pub fn text(&self) -> String {
        match self {
            Self::Event(payload) => payload.to_string(),
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

/// The variables that stay the same all through a run.
#[derive(Debug)]
pub struct Base {
    about: About,
    data: SourceData,
    variables: OnceLock<Map<String, Value>>,
}

impl Base {
    /// The variables of a run started with `data`.
    pub fn new(about: About, data: SourceData) -> Self {
        Self { about, data, variables: OnceLock::new() }
    }

    /// The document the run was started with.
    pub fn data(&self) -> &SourceData {
        &self.data
    }

    fn variables(&self) -> &Map<String, Value> {
        self.variables.get_or_init(|| {
            let mut variables = Map::new();
            match &self.data {
                SourceData::Event(payload) => bind(payload, &mut variables),
                SourceData::Text(text) => {
                    if let Ok(payload) = serde_json::from_str(text) {
                        bind(&payload, &mut variables);
                    }
                }
            }
            let about = &self.about;
            variables.insert(
                "source".into(),
                json!({ "Name": about.source, "Group": about.group, "Id": about.source_id,
                        "Data": self.data.text() }),
            );
            if let Some(inputs) = &about.inputs {
                variables.insert("inputs".into(), inputs.clone());
            }
            variables.insert("run".into(), json!({ "Id": about.run_id }));
            variables.insert("tree".into(), json!({ "Name": about.tree }));
            variables
        })
    }
}

/// The variables at one node.
pub(crate) struct Scope<'a> {
    pub(crate) base: &'a Base,
    pub(crate) state: &'a State,
    pub(crate) loop_index: &'a str,
    pub(crate) task: Value,
    /// Inside a loop, what is known there; put together when an expression first asks.
    merged: OnceLock<Value>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(base: &'a Base, state: &'a State, loop_index: &'a str, task: Value) -> Self {
        Self { base, state, loop_index, task, merged: OnceLock::new() }
    }

    /// What expressions are evaluated in at an instant.
    pub(crate) fn at(&self, now: Micros) -> Context<'_> {
        let zone = self.base.about.time_zone.as_str();
        let timezone = if zone.is_empty() { "UTC" } else { zone };
        Context { timezone, ..Context::new(self, now) }
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
            "task" => Some(&self.task),
            _ => self.base.variables().get(name),
        }
    }
}

/// Makes variables of a document's top-level entries.
fn bind(payload: &Value, variables: &mut Map<String, Value>) {
    let Value::Object(entries) = payload else { return };
    for (key, value) in entries {
        let (entity, suffix) = [("Previous", "_previous"), ("Changes", "_changes")]
            .into_iter()
            .find_map(|(camel, snake)| key.strip_suffix(camel).map(|entity| (entity, snake)))
            .unwrap_or((key.as_str(), ""));
        let name = snake_case(entity);
        let Value::Object(members) = value else {
            variables.insert(format!("{name}{suffix}"), value.clone());
            continue;
        };
        // The parts of a request to a web API keep their own names, as values do.
        if name == "values" || name.starts_with("request_") {
            variables.insert(format!("{name}{suffix}"), value.clone());
            continue;
        }
        let mut own = Map::new();
        for (member, value) in members {
            match member.as_str() {
                "attributes" => {
                    variables.insert(format!("{name}_attributes{suffix}"), attributes(value));
                }
                "profileAttributes" => {
                    let named = format!("{name}_profile_attributes{suffix}");
                    variables.insert(named, attributes(value));
                }
                "origin" | "parent" if value.is_object() || value.is_null() => {
                    let id = value.get("id").cloned().unwrap_or(Value::Null);
                    own.insert(format!("{} Id", title_case(member)), id);
                }
                _ => {
                    own.insert(title_case(member), value.clone());
                }
            }
        }
        variables.insert(format!("{name}{suffix}"), Value::Object(own));
    }
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
            SourceData::Event(Arc::new(payload)),
        );
        let state = State::default();
        let scope = Scope::new(&base, &state, "/", Value::Null);
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
