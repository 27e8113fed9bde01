//! What a client wrote beside what is known here: kept, and written back in either format.
//!
//! An unknown property of treeJson travels through treeXml in an element `<jsonExtra>`, an unknown
//! attribute or element of treeXml through treeJson in a property `xmlExtra`.

use super::xml::{Element, in_attribute, in_text};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// The element and the property in which each format carries what is the other's.
const JSON_EXTRA: &str = "jsonExtra";
const XML_EXTRA: &str = "xmlExtra";

/// Parts of a definition that are not known here, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extra {
    /// Properties of treeJson.
    pub properties: Map<String, Value>,
    /// Attributes of treeXml.
    pub attributes: Vec<(String, String)>,
    /// Elements of treeXml, as they were written.
    pub elements: Vec<String>,
}

impl Extra {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.properties.is_empty() && self.attributes.is_empty() && self.elements.is_empty()
    }

    /// Adds what another has beyond this.
    pub(super) fn merge(&mut self, other: Self) {
        for (name, value) in other.properties {
            self.properties.entry(name).or_insert(value);
        }
        for (name, value) in other.attributes {
            if !self.attributes.iter().any(|(known, _)| *known == name) {
                self.attributes.push((name, value));
            }
        }
        for element in other.elements {
            if !self.elements.contains(&element) {
                self.elements.push(element);
            }
        }
    }

    /// What an object has beyond the known properties.
    pub(super) fn of_object(object: &Map<String, Value>, known: &[&str]) -> Self {
        let mut extra = Self::default();
        for (name, value) in object {
            if name == XML_EXTRA {
                extra.read_xml(value);
            } else if !known.contains(&name.as_str()) {
                extra.properties.insert(name.clone(), value.clone());
            }
        }
        extra
    }

    fn read_xml(&mut self, value: &Value) {
        let elements = value["elements"].as_array().into_iter().flatten();
        self.elements = elements.filter_map(|item| item.as_str().map(str::to_owned)).collect();
        let attributes = value["attributes"].as_object().into_iter().flatten();
        self.attributes = attributes
            .filter_map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned())))
            .collect();
    }

    /// What an element of `text` has beyond the known attributes and children.
    pub(super) fn of_element(
        element: &Element,
        text: &str,
        attributes: &[&str],
        children: &[&str],
    ) -> Self {
        let mut extra = Self::default();
        for (name, value) in &element.attributes {
            if !attributes.contains(&name.as_str()) {
                extra.attributes.push((name.clone(), value.clone()));
            }
        }
        for child in &element.children {
            if child.name == JSON_EXTRA {
                extra.properties = serde_json::from_str(child.text.trim()).unwrap_or_default();
            } else if !children.contains(&child.name.as_str())
                && let Some(written) = text.get(child.span.clone())
            {
                extra.elements.push(written.to_owned());
            }
        }
        extra
    }

    /// Writes it into an object.
    pub(super) fn write_to(&self, object: &mut Value) {
        let Value::Object(object) = object else { return };
        for (name, value) in &self.properties {
            object.insert(name.clone(), value.clone());
        }
        if !self.attributes.is_empty() || !self.elements.is_empty() {
            let attributes: Map<String, Value> =
                self.attributes.iter().map(|(n, v)| (n.clone(), v.as_str().into())).collect();
            let xml = json!({ "attributes": attributes, "elements": self.elements });
            object.insert(XML_EXTRA.into(), xml);
        }
    }

    /// Its attributes as they stand in a tag.
    pub(super) fn attributes(&self) -> String {
        let mut out = String::new();
        for (name, value) in &self.attributes {
            let _ = write!(out, " {name}=\"{}\"", in_attribute(value));
        }
        out
    }

    /// Its elements, one after the other.
    pub(super) fn elements(&self) -> String {
        let mut out: String = self.elements.concat();
        if !self.properties.is_empty() {
            let properties = Value::Object(self.properties.clone()).to_string();
            let _ = write!(out, "<{JSON_EXTRA}>{}</{JSON_EXTRA}>", in_text(&properties));
        }
        out
    }
}
