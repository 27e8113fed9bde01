//! External handlers: kinds of nodes that a space defines, whose work is done at a URL of its own.

use crate::Audit;
use crate::id::SpaceId;
use serde::{Deserialize, Serialize};

/// A handler that a space has defined.
#[derive(Clone, Debug, PartialEq)]
pub struct ExternalHandler {
    /// Its space.
    pub space_id: SpaceId,
    /// The id that nodes name; unique in the space.
    pub definition_id: String,
    /// Its name in lists.
    pub name: String,
    /// What it does.
    pub description: String,
    /// Whether it is called; otherwise its nodes fail.
    pub is_active: bool,
    /// The parameters it takes.
    pub parameters: Vec<Parameter>,
    /// The results it leaves.
    pub results: Vec<Outcome>,
    /// Where its work is done; blank when that is not known yet.
    pub url: String,
    /// What a repeat of it does: `repeatable`, `keyed` or `once`.
    pub effect: String,
    /// Seconds it may take to answer.
    pub timeout_seconds: i64,
    /// The secret that signs its calls, sealed.
    pub sealed: String,
    /// Number of its changes, from 0.
    pub version: i64,
    /// Who and when.
    pub audit: Audit,
}

impl ExternalHandler {
    /// Whether it was imported from where its work is done otherwise: it can be called as soon as
    /// somebody gives it a URL.
    pub fn needs_url(&self) -> bool {
        self.url.is_empty()
    }
}

/// A declared parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Its id; case counts.
    pub id: String,
    /// What it means.
    #[serde(default)]
    pub description: String,
    /// Whether it must be filled in.
    #[serde(default)]
    pub required: bool,
    /// The values it may have; empty: any.
    #[serde(default)]
    pub options: Vec<String>,
    /// What a new node is given for it; a node that is there keeps what it has.
    #[serde(default, rename = "defaultValue")]
    pub default_value: String,
}

/// A declared result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Its key under `@results[node]`.
    pub name: String,
    /// What it means.
    #[serde(default)]
    pub description: String,
}
