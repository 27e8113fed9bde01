//! Workflow sources and trees, as records; what a definition means is `workflows::plan`'s.

use crate::Audit;
use crate::id::{SourceId, SpaceId, TreeId, TreeVersionId};
use serde::{Deserialize, Serialize};

/// A source: where a tree's data comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Its id.
    pub id: SourceId,
    /// Its space.
    pub space_id: SpaceId,
    /// Unique in the space.
    pub name: String,
    /// The adapter, such as `Kinetic Request CE`.
    pub kind: String,
    /// `Active` or `Inactive`.
    pub status: String,
    /// The adapter's properties, as given.
    pub properties: serde_json::Value,
    /// Who and when.
    pub audit: Audit,
}

/// A tree or routine; its definition stands in its versions.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// Its id, the guid on the wire.
    pub id: TreeId,
    /// Its space.
    pub space_id: SpaceId,
    /// The source's name; `-` for global routines.
    pub source: String,
    /// The group, such as `Submissions > services > laptop`.
    pub group: String,
    /// The name, such as `Submitted`.
    pub name: String,
    /// `Tree`, `Global Routine` or `Local Routine`.
    pub kind: String,
    /// `Active`, `Inactive` or `Paused`.
    pub status: String,
    /// The id by which nodes call a routine.
    pub definition_id: Option<String>,
    /// Its owner's address.
    pub owner_email: Option<String>,
    /// Notes of its keepers.
    pub notes: Option<String>,
    /// The version in force.
    pub version_id: TreeVersionId,
    /// Number of that version, from 0; the documented `versionId`.
    pub version: i64,
    /// Mistakes found in that version.
    pub problems: Vec<Problem>,
    /// Who and when.
    pub audit: Audit,
}

impl Tree {
    /// `Source :: Group :: Name`; a routine's title is its name alone.
    pub fn title(&self) -> String {
        if self.kind == "Tree" {
            format!("{} :: {} :: {}", self.source, self.group, self.name)
        } else {
            self.name.clone()
        }
    }
}

/// A mistake in a tree's definition, with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The node's id, when it stands at a node.
    pub node_id: Option<String>,
    /// The place in words: `parameter "input"`, `connector to "Notify"`.
    pub place: Option<String>,
    /// Line within that text, from 1.
    pub line: Option<u32>,
    /// Column within that line, from 1.
    pub column: Option<u32>,
    /// What is wrong and what to do.
    pub message: String,
}
