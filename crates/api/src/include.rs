//! The `include` parameter: a comma-separated list of dotted paths that asks for more of a record,
//! such as `details,form.kapp.attributes,attributes[Owner]`.

use model::Attributes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// What was asked for, as a tree: `form.kapp` is `kapp` under `form`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Include {
    children: BTreeMap<String, Include>,
}

impl Include {
    /// Reads the parameter; blanks are ignored, unknown paths ask for nothing.
    pub fn parse(text: Option<&str>) -> Self {
        let mut root = Self::default();
        for path in split(text.unwrap_or_default(), ',') {
            let mut at = &mut root;
            for segment in split(path, '.') {
                at = at.children.entry(segment.trim().to_owned()).or_default();
            }
        }
        root
    }

    /// Whether `name` was asked for, by itself or as the beginning of a path.
    pub fn has(&self, name: &str) -> bool {
        self.children.contains_key(name)
    }

    /// What was asked for below `name`; `None` when `name` was not asked for.
    pub fn below(&self, name: &str) -> Option<&Include> {
        self.children.get(name)
    }

    /// The names inside `attributes[…]`, in order.
    fn picked<'a>(&'a self, property: &str) -> Vec<&'a str> {
        let names = self
            .children
            .keys()
            .filter_map(|key| key.strip_prefix(property)?.strip_prefix('[')?.strip_suffix(']'));
        names.collect()
    }

    /// The list form of `property`, when `property` or `property[Name]` was asked for.
    pub fn attributes(&self, property: &str, attributes: &Attributes) -> Option<Vec<Attribute>> {
        let picked = self.picked(property);
        let all = self.has(property);
        (all || !picked.is_empty()).then(|| {
            let wanted = |name: &&String| all || picked.contains(&name.as_str());
            let names = attributes.keys().filter(wanted);
            names.filter_map(|name| Attribute::of(name, attributes.get(name)?)).collect()
        })
    }

    /// The map form of `property`, when it was asked for as `propertyMap`.
    pub fn attributes_map(&self, property: &str, attributes: &Attributes) -> Option<Attributes> {
        self.has(&format!("{property}Map")).then(|| attributes.clone())
    }

    /// Who and when, for `details`.
    pub fn details(&self, audit: &model::Audit) -> Option<Details> {
        self.has("details").then(|| Details {
            created_at: audit.created_at.iso(),
            created_by: audit.created_by.clone(),
            updated_at: audit.updated_at.iso(),
            updated_by: audit.updated_by.clone(),
        })
    }
}

/// One attribute in the documented list form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Attribute {
    name: String,
    values: Vec<String>,
}

impl Attribute {
    fn of(name: &str, values: &Value) -> Option<Self> {
        let values = values.as_array()?.iter().filter_map(Value::as_str).map(str::to_owned);
        Some(Self { name: name.to_owned(), values: values.collect() })
    }
}

/// Who created and who last changed a record, and when, in ISO 8601.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    created_at: String,
    created_by: String,
    updated_at: String,
    updated_by: String,
}

/// The `include` parameter of a route that takes no other.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct IncludeQuery {
    /// What to add to the record: a comma-separated list such as `details,attributesMap`.
    include: Option<String>,
}

impl IncludeQuery {
    /// Reads it.
    pub fn read(&self) -> Include {
        Include::parse(self.include.as_deref())
    }
}

/// Splits outside brackets, since an attribute's name may hold dots and commas.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_usize, 0_usize);
    for (at, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            c if c == separator && depth == 0 => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_become_a_tree() {
        let include = Include::parse(Some("details, form.kapp.space.attributes,form.details,"));
        assert!(include.has("details"));
        let form = include.below("form").unwrap();
        assert!(form.has("details"));
        assert!(form.below("kapp").unwrap().below("space").unwrap().has("attributes"));
        assert!(!include.has("kapp"));
        assert_eq!(Include::parse(None), Include::default());
    }

    #[test]
    fn attributes_in_three_forms() {
        let attributes = json!({ "Owner, 1st": ["ann"], "Tier": ["a", "b"] });
        let attributes: Attributes = serde_json::from_value(attributes).unwrap();
        let list = |include: &str| {
            let include = Include::parse(Some(include));
            json!(include.attributes("attributes", &attributes))
        };
        assert_eq!(list("details"), json!(null));
        let owner = json!({ "name": "Owner, 1st", "values": ["ann"] });
        let tier = json!({ "name": "Tier", "values": ["a", "b"] });
        assert_eq!(list("attributes[Owner, 1st]"), json!([owner]));
        assert_eq!(list("attributes,attributes[Tier]"), json!([owner, tier]));
        let map = Include::parse(Some("attributesMap"));
        assert_eq!(map.attributes_map("attributes", &attributes), Some(attributes.clone()));
        assert_eq!(map.attributes_map("profileAttributes", &attributes), None);
    }
}
