//! The space: one organisation's platform.

use crate::id::SpaceId;
use crate::{Attributes, Audit};

/// A space.
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    /// Its id.
    pub id: SpaceId,
    /// Its slug; immutable.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its attributes; `Task Source Name` names the workflow source of the conventional trees.
    pub attributes: Attributes,
    /// Other documented properties, returned as they were given.
    pub properties: serde_json::Map<String, serde_json::Value>,
    /// Grows by one with every change.
    pub version: i64,
    /// Who and when.
    pub audit: Audit,
}

/// The space attribute that names the workflow source of the conventional trees.
pub const TASK_SOURCE_ATTRIBUTE: &str = "Task Source Name";
/// The workflow source that a new space has and its attribute names.
pub const TASK_SOURCE_DEFAULT: &str = "Kinetic Request CE";
