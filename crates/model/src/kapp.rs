//! Kapps: collections of forms.

use crate::id::{KappId, SpaceId};
use crate::{Attributes, Audit};

/// A kapp.
#[derive(Clone, Debug, PartialEq)]
pub struct Kapp {
    /// Its id.
    pub id: KappId,
    /// Its space.
    pub space_id: SpaceId,
    /// Unique in the space.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// `Active` unless somebody says otherwise.
    pub status: String,
    /// Its attributes.
    pub attributes: Attributes,
    /// Other documented properties (`formTypes`, `fields`, …), returned as they were given.
    pub properties: serde_json::Map<String, serde_json::Value>,
    /// Grows by one with every change.
    pub version: i64,
    /// Who and when.
    pub audit: Audit,
}
