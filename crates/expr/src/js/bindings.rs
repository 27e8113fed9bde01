//! The documents that expressions see, and how a name is looked up in them.
//!
//! | function | properties |
//! |---|---|
//! | `identity(…)` | username, displayName, email, groups, teams, sessionToken, anonymous, … |
//! | `space(…)`, `kapp(…)` | name, slug |
//! | `form(…)` | name, slug, type, status, description |
//! | `submission(…)` | id, handle, label, coreState, createdBy, … |
//! | `values('Field')` | every field, by name |
//! | `team(…)`, `user(…)`, `file(…)`, `event(…)` | as documented in [`documented`] |
//!
//! Every function takes a property, or `attribute:Name` (a list of strings, empty when the
//! attribute is missing), and `identity` and `user` also `profileAttribute:Name`; a second argument
//! stands in for null. `values('X')`, `values['X']` and `values.X` are one. A property that is
//! neither documented nor in the document throws an error that lists the allowed ones.
//! The previous state has functions of its own (`valuesPrevious`, `submissionPrevious`, …) and two
//! short forms: `previous('X')`, the value of field or property X before the change, and
//! `changed('X')`, whether it differs now. Both look for X in the values first, then in the
//! event's other entities, or in the one that is named: `changed('submission', 'coreState')`.

use std::sync::Arc;

use model::payload::Payload;
use serde_json::{Map, Value};

/// The binding functions, in the order in which `previous` and `changed` search entities.
pub const FUNCTIONS: &[&str] = &[
    "values",
    "submission",
    "form",
    "team",
    "user",
    "file",
    "kapp",
    "space",
    "identity",
    "event",
    "teamMembership",
    "discussion",
    "invitation",
    "invitee",
    "recipient",
    "webhook",
    "trouble",
    "valuesPrevious",
    "submissionPrevious",
    "formPrevious",
    "teamPrevious",
    "userPrevious",
    "filePrevious",
    "kappPrevious",
    "spacePrevious",
];

/// Returns the documented properties of a binding function; empty for `values`, whose properties
/// are the form's fields, and for functions whose documents are open.
pub fn documented(function: &str) -> &'static [&'static str] {
    match function.strip_suffix("Previous").unwrap_or(function) {
        "identity" => &[
            "username",
            "displayName",
            "email",
            "groups",
            "teams",
            "sessionToken",
            "anonymous",
            "authenticated",
            "spaceAdmin",
        ],
        "space" | "kapp" => &["name", "slug"],
        "form" => &["name", "slug", "type", "status", "description"],
        "submission" => &[
            "anonymous",
            "closedAt",
            "closedBy",
            "coreState",
            "createdAt",
            "createdBy",
            "currentPage",
            "handle",
            "id",
            "label",
            "origin",
            "parent",
            "sessionToken",
            "submittedAt",
            "submittedBy",
            "type",
            "updatedAt",
            "updatedBy",
        ],
        "team" => &["name", "slug", "description"],
        "user" => &[
            "displayName",
            "email",
            "enabled",
            "invitedBy",
            "preferredLocale",
            "spaceAdmin",
            "timezone",
            "username",
        ],
        "file" => &["folder", "name", "path"],
        "event" => &["type", "action", "timestamp"],
        "webhook" => &["name", "scope", "kapp", "type", "event", "endpoint"],
        "trouble" => &["since", "failures", "errorClass", "message", "jobId"],
        _ => &[],
    }
}

/// The document of one event: an object whose keys are the names of binding functions. Cheap to
/// clone.
#[derive(Debug, Clone)]
pub struct Bindings(Document);

#[derive(Debug, Clone)]
enum Document {
    Whole(Arc<Value>),
    Payload(Payload),
}

impl Bindings {
    /// Wraps an event's document, for example its payload with the previous state.
    pub fn new(document: impl Into<Arc<Value>>) -> Bindings {
        Bindings(Document::Whole(document.into()))
    }

    /// Wraps an event's payload.
    pub fn of(payload: Payload) -> Bindings {
        Bindings(Document::Payload(payload))
    }

    fn member(&self, function: &str) -> Option<&Value> {
        match &self.0 {
            Document::Whole(document) => document.get(function),
            Document::Payload(payload) => payload.get(function),
        }
    }

    fn entity(&self, function: &str) -> Option<&Map<String, Value>> {
        self.member(function)?.as_object()
    }

    /// Returns the keys of an entity's document.
    pub(crate) fn keys(&self, function: &str) -> Vec<String> {
        self.entity(function).map(|entity| entity.keys().cloned().collect()).unwrap_or_default()
    }

    /// Looks a property up. `Err` is the sentence to throw.
    pub(crate) fn lookup(&self, function: &str, property: &str) -> Result<Value, String> {
        let Some(entity) = self.entity(function) else {
            return self.missing_entity(function, property);
        };
        if is_values(function) {
            return Ok(entity.get(property).cloned().unwrap_or(Value::Null));
        }
        if let Some(list) = list_property(function, property) {
            let (member, name) = list;
            return Ok(attribute(entity.get(member), name));
        }
        if let Some(value) = entity.get(property) {
            return Ok(value.clone());
        }
        let known = documented(function);
        if known.contains(&property) || known.is_empty() {
            return Ok(Value::Null);
        }
        Err(unknown_property(function, property, entity))
    }

    fn missing_entity(&self, function: &str, property: &str) -> Result<Value, String> {
        // A document that is null, and the previous state of something new, have no properties.
        if function.ends_with("Previous") || self.member(function).is_some() {
            return match list_property(function, property) {
                Some(_) => Ok(Value::Array(Vec::new())),
                None => Ok(Value::Null),
            };
        }
        let present: Vec<&str> =
            FUNCTIONS.iter().copied().filter(|name| self.entity(name).is_some()).collect();
        Err(format!(
            "{function}() has no meaning for this event; it offers {}",
            if present.is_empty() { "nothing".to_owned() } else { present.join(", ") }
        ))
    }

    /// Returns a property's value before the change; null when there was none.
    pub(crate) fn previous(&self, function: &str, property: &str) -> Result<Value, String> {
        let function = self.resolve(function, property)?;
        self.lookup(&format!("{function}Previous"), property)
    }

    /// Tells whether a property differs from its value before the change. What is new has changed
    /// when it is not null.
    pub(crate) fn changed(&self, function: &str, property: &str) -> Result<bool, String> {
        let function = self.resolve(function, property)?;
        let now = self.lookup(function, property)?;
        Ok(now != self.lookup(&format!("{function}Previous"), property)?)
    }

    /// Finds the entity that `previous` or `changed` means.
    fn resolve<'a>(&'a self, function: &'a str, property: &str) -> Result<&'a str, String> {
        let candidates = FUNCTIONS.iter().copied().filter(|name| !name.ends_with("Previous"));
        if !function.is_empty() {
            return if candidates.clone().any(|name| name == function) {
                Ok(function)
            } else {
                Err(format!("{function} is not a binding function"))
            };
        }
        let holds = |name: &str| {
            self.entity(name).is_some_and(|entity| match list_property(name, property) {
                Some((member, key)) => has_attribute(entity.get(member), key),
                None => entity.contains_key(property),
            })
        };
        candidates
            .clone()
            .find(|name| holds(name) || holds(&format!("{name}Previous")))
            .or_else(|| candidates.clone().find(|name| self.entity(name).is_some()))
            .ok_or_else(|| format!("nothing in this event has a property {property:?}"))
    }
}

fn is_values(function: &str) -> bool {
    function == "values" || function == "valuesPrevious"
}

/// Splits `attribute:Name` and `profileAttribute:Name` into the document's member and the name.
fn list_property<'a>(function: &str, property: &'a str) -> Option<(&'static str, &'a str)> {
    if is_values(function) {
        return None;
    }
    if let Some(name) = property.strip_prefix("attribute:") {
        return Some(("attributes", name));
    }
    let profiled = matches!(function, "identity" | "user" | "userPrevious");
    let name = property.strip_prefix("profileAttribute:")?;
    profiled.then_some(("profileAttributes", name))
}

/// Reads an attribute from a map of lists or from a list of `{name, values}`.
fn attribute(attributes: Option<&Value>, name: &str) -> Value {
    let found = match attributes {
        Some(Value::Object(map)) => map.get(name),
        Some(Value::Array(list)) => list
            .iter()
            .find(|item| item.get("name").and_then(Value::as_str) == Some(name))
            .and_then(|item| item.get("values")),
        _ => None,
    };
    match found {
        Some(Value::Array(values)) => Value::Array(values.clone()),
        None | Some(Value::Null) => Value::Array(Vec::new()),
        Some(single) => Value::Array(vec![single.clone()]),
    }
}

fn has_attribute(attributes: Option<&Value>, name: &str) -> bool {
    !matches!(attribute(attributes, name), Value::Array(values) if values.is_empty())
}

fn unknown_property(function: &str, property: &str, entity: &Map<String, Value>) -> String {
    let mut allowed: Vec<&str> = documented(function).to_vec();
    let open = |key: &&str| !allowed.contains(key) && !key.to_lowercase().contains("attributes");
    let extra: Vec<&str> = entity.keys().map(String::as_str).filter(open).collect();
    allowed.extend(extra);
    allowed.push("attribute:…");
    if matches!(function, "identity" | "user" | "userPrevious") {
        allowed.push("profileAttribute:…");
    }
    format!("{function}({property:?}) is unknown; {function} has {}", allowed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event() -> Bindings {
        Bindings::new(json!({
            "submission": {"coreState": "Submitted", "attributes": null},
            "submissionPrevious": {"coreState": "Draft"},
            "values": {"A": 1, "B": ["x"]},
            "valuesPrevious": {"A": 1, "C": 3},
            "form": {"slug": "f", "attributes": [{"name": "N", "values": ["v"]}]},
        }))
    }

    #[test]
    fn attributes_are_lists_in_both_layouts() {
        assert_eq!(event().lookup("form", "attribute:N"), Ok(json!(["v"])));
        assert_eq!(event().lookup("form", "attribute:M"), Ok(json!([])));
        assert_eq!(event().lookup("submission", "attribute:M"), Ok(json!([])));
    }

    #[test]
    fn previous_and_changed_find_their_entity() {
        let event = event();
        assert_eq!(event.previous("", "coreState"), Ok(json!("Draft")));
        assert_eq!(event.changed("", "coreState"), Ok(true));
        assert_eq!(event.changed("", "A"), Ok(false));
        assert_eq!(event.changed("", "B"), Ok(true));
        assert_eq!(event.changed("", "C"), Ok(true));
        assert_eq!(event.changed("", "Nothing"), Ok(false));
        assert!(event.changed("nonsense", "A").is_err());
    }

    #[test]
    fn unknown_names_are_errors_that_list_the_known() {
        let message = event().lookup("form", "sluggg").unwrap_err();
        assert!(message.contains("form has name, slug, type"), "{message}");
        let message = event().lookup("user", "username").unwrap_err();
        assert!(message.contains("it offers values, submission, form"), "{message}");
    }
}
