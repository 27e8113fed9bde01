//! Forms: pages of elements, whose fields are known by name.

use crate::id::{FormId, KappId, SpaceId};
use crate::{Attributes, Audit};

/// A form. Without a kapp it is a datastore form.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// Its id.
    pub id: FormId,
    /// Its space.
    pub space_id: SpaceId,
    /// Its kapp; `None` for a datastore form.
    pub kapp_id: Option<KappId>,
    /// Unique in its kapp, or among the datastore forms, while it is not archived.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// `New`, `Active`, `Inactive` or `Delete`.
    pub status: String,
    /// The form type, such as `Service`.
    pub kind: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Notes of its keepers.
    pub notes: Option<String>,
    /// Whether people who are not signed in may fill it in.
    pub anonymous: bool,
    /// `${…}` template of a submission's label.
    pub label_expression: Option<String>,
    /// Its attributes.
    pub attributes: Attributes,
    /// Its pages as they were given.
    pub pages: Vec<serde_json::Value>,
    /// Other documented properties, returned as they were given.
    pub properties: serde_json::Map<String, serde_json::Value>,
    /// Set while the form is archived (deleted); whoever has it may restore the form.
    pub restoration_token: Option<String>,
    /// Grows by one with every change.
    pub version: i64,
    /// Who and when.
    pub audit: Audit,
}

/// One field of a form, wherever it stands in the pages.
#[derive(Clone, Debug, PartialEq)]
pub struct Field<'a> {
    /// The name by which values are kept.
    pub name: &'a str,
    /// The page it stands on.
    pub page: &'a str,
    /// The element as it was given.
    pub element: &'a serde_json::Value,
}

impl Form {
    /// Whether this is a datastore form.
    pub fn is_datastore(&self) -> bool {
        self.kapp_id.is_none()
    }

    /// All fields, in the order they stand on the pages, sections included.
    pub fn fields(&self) -> Vec<Field<'_>> {
        let mut fields = Vec::new();
        for page in &self.pages {
            let name = page.get("name").and_then(|n| n.as_str()).unwrap_or_default();
            collect(page, name, &mut fields);
        }
        fields
    }
}

fn collect<'a>(parent: &'a serde_json::Value, page: &'a str, fields: &mut Vec<Field<'a>>) {
    let elements = parent.get("elements").and_then(|e| e.as_array());
    for element in elements.into_iter().flatten() {
        match element.get("type").and_then(|t| t.as_str()) {
            Some("field") => {
                if let Some(name) = element.get("name").and_then(|n| n.as_str()) {
                    fields.push(Field { name, page, element });
                }
            }
            _ => collect(element, page, fields),
        }
    }
}
