//! The document of an event, in parts that are made, written and kept once.
//!
//! The events of one change differ in their first member, `event`, only, and what surrounds a
//! record (its space, kapp and form) is the same for thousands of changes. So a document is a list
//! of parts that documents share. Each part knows its text, its members, or both; what it lacks it
//! makes when it is first asked.

use crate::Audit;
use crate::space::Space;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use std::sync::{Arc, OnceLock};

/// Some members of a document, next to each other.
#[derive(Debug, Default)]
pub struct Part {
    members: OnceLock<Map<String, Value>>,
    /// The members as JSON, without the braces around them.
    text: OnceLock<Box<str>>,
}

impl Part {
    /// A part of these members.
    pub fn new(members: Map<String, Value>) -> Self {
        Self { members: OnceLock::from(members), text: OnceLock::new() }
    }

    /// A part of what an object is written as; empty when that is not an object.
    pub fn written(object: &impl Serialize) -> Self {
        let text = serde_json::to_string(object).unwrap_or_default();
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        let text = OnceLock::from(Box::from(inner.unwrap_or_default()));
        Self { members: OnceLock::new(), text }
    }

    /// Its members; read from its text when it was made of one.
    pub fn members(&self) -> &Map<String, Value> {
        self.members.get_or_init(|| {
            let text = self.text.get().map_or("", |text| text);
            serde_json::from_str(&format!("{{{text}}}")).unwrap_or_default()
        })
    }

    /// Its members as JSON, without braces.
    pub fn text(&self) -> &str {
        self.text.get_or_init(|| {
            let text = serde_json::to_string(self.members()).unwrap_or_default();
            let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
            Box::from(inner.unwrap_or_default())
        })
    }
}

/// The document of an event: `event` first, then the rest. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Payload {
    parts: Arc<[Arc<Part>]>,
}

impl Payload {
    /// A document of a first part of its own and of parts that other documents may have as well.
    pub fn new(head: Part, rest: &[Arc<Part>]) -> Self {
        let head = std::iter::once(Arc::new(head));
        Self { parts: head.chain(rest.iter().cloned()).collect() }
    }

    /// The same with another part at its end.
    #[must_use]
    pub fn with(&self, part: Part) -> Self {
        let last = std::iter::once(Arc::new(part));
        Self { parts: self.parts.iter().cloned().chain(last).collect() }
    }

    /// A member.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.parts.iter().find_map(|part| part.members().get(name))
    }

    /// All members, in order.
    pub fn members(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.parts.iter().flat_map(|part| part.members())
    }

    /// The document as JSON.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.size());
        for part in self.parts.iter().map(|part| part.text()).filter(|text| !text.is_empty()) {
            text.push(if text.is_empty() { '{' } else { ',' });
            text.push_str(part);
        }
        if text.is_empty() {
            text.push('{');
        }
        text.push('}');
        text
    }

    /// The first part alone as JSON, and how many characters of [`Payload::text`] come before the
    /// rest.
    pub fn head(&self) -> (String, usize) {
        let head = self.parts.first().map_or("", |part| part.text());
        (format!("{{{head}}}"), head.chars().count() + 2)
    }

    /// Whether it differs from another document in its first part only.
    pub fn shares_rest(&self, other: &Self) -> bool {
        let rest =
            |payload: &Self| payload.parts.iter().skip(1).map(Arc::as_ptr).collect::<Vec<_>>();
        self.parts.len() > 1 && rest(self) == rest(other)
    }

    /// Bytes of its text, nearly.
    pub fn size(&self) -> usize {
        self.parts.iter().map(|part| part.text().len() + 2).sum()
    }

    /// The whole as one value.
    pub fn to_value(&self) -> Value {
        let members = self.parts.iter().flat_map(|part| part.members().clone());
        Value::Object(members.collect())
    }
}

impl From<Value> for Payload {
    /// Takes an object apart; anything else becomes the empty document.
    fn from(value: Value) -> Self {
        let Value::Object(mut rest) = value else { return Self::new(Part::default(), &[]) };
        let mut head = Map::new();
        if let Some(event) = rest.shift_remove("event") {
            head.insert("event".to_owned(), event);
        }
        Self::new(Part::new(head), &[Arc::new(Part::new(rest))])
    }
}

impl std::ops::Index<&str> for Payload {
    type Output = Value;

    /// A member; null when there is none.
    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&Value::Null)
    }
}

impl std::fmt::Display for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.parts, &other.parts) || self.to_value() == other.to_value()
    }
}

impl Eq for Payload {}

impl PartialEq<Value> for Payload {
    fn eq(&self, other: &Value) -> bool {
        self.to_value() == *other
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.parts.iter().flat_map(|part| part.members()))
    }
}

/// Adds who created and last changed a record to its document, and when.
pub fn audited(mut document: Value, audit: &Audit) -> Value {
    if let Some(map) = document.as_object_mut() {
        map.insert("createdAt".to_owned(), audit.created_at.iso().into());
        map.insert("createdBy".to_owned(), audit.created_by.as_str().into());
        map.insert("updatedAt".to_owned(), audit.updated_at.iso().into());
        map.insert("updatedBy".to_owned(), audit.updated_by.as_str().into());
    }
    document
}

/// The space as documents carry it. Its other properties stay inside: they hold keys and secrets.
pub fn space(space: &Space) -> Value {
    let document = json!({
        "id": space.id.as_str(), "name": space.name, "slug": space.slug,
        "attributes": space.attributes,
    });
    audited(document, &space.audit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_one_document_however_they_were_made() {
        let whole = json!({"event": {"action": "Ü"}, "form": {"slug": "f"}, "values": {"A": 1}});
        let shared = Arc::new(Part::written(&json!({"form": {"slug": "f"}})));
        let values = json!({"values": {"A": 1}});
        let rest = [shared, Arc::new(Part::new(values.as_object().unwrap().clone()))];
        let head = |action: &str| Part::written(&json!({"event": {"action": action}}));
        let payload = Payload::new(head("Ü"), &rest);
        assert_eq!(payload.text(), whole.to_string());
        assert_eq!(payload, whole);
        assert_eq!(Payload::from(whole.clone()).text(), whole.to_string());
        assert_eq!(payload["form"]["slug"], "f");
        assert_eq!(payload["nothing"], Value::Null);
        let (text, from) = payload.head();
        let (head_text, rest_text) = (&text[..text.len() - 1], &payload.text());
        let after: String = rest_text.chars().skip(from).collect();
        assert_eq!(format!("{head_text},{after}"), whole.to_string());
        assert!(payload.shares_rest(&Payload::new(head("B"), &rest)));
        assert!(!payload.shares_rest(&Payload::from(whole)));
    }

    #[test]
    fn an_empty_part_leaves_no_trace() {
        assert_eq!(Payload::from(json!({})).text(), "{}");
        assert_eq!(Payload::from(json!({"a": 1})).text(), "{\"a\":1}");
        assert_eq!(Payload::from(json!({"event": 1})).text(), "{\"event\":1}");
    }
}
