//! Connections to other systems, and the operations that are called through them.

use crate::Audit;
use crate::id::{ConnectionId, OperationId, SpaceId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A connection: where another system is and how it is told who asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// Its id; unique in its space, since an imported connection keeps the id that trees name.
    pub id: ConnectionId,
    /// Its space.
    pub space_id: SpaceId,
    /// The kind of system; `http` is the one that is called.
    pub kind: String,
    /// What people call it; unique in its space.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Where its system is described.
    pub documentation_link: String,
    /// Its settings in the documented shape, each secret sealed.
    pub config: Value,
    /// Its named secrets, each sealed, or null while nobody has given it.
    pub secrets: Map<String, Value>,
    /// How often it was changed.
    pub lock_version: i64,
    /// Who and when.
    pub audit: Audit,
}

/// An operation: one request of a connection, with inputs to fill in and outputs to take.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Its id; unique in its space.
    pub id: OperationId,
    /// The connection it goes through.
    pub connection_id: ConnectionId,
    /// Its space.
    pub space_id: SpaceId,
    /// What people call it; unique in its connection.
    pub name: String,
    /// Notes.
    pub notes: String,
    /// Where it is described.
    pub documentation_link: String,
    /// The request in the documented shape.
    pub config: Value,
    /// Its outputs in the documented shape: expressions by name.
    pub outputs: Value,
    /// The inputs that its request names, in order.
    pub inputs: Vec<Input>,
    /// How often it was changed.
    pub lock_version: i64,
    /// Who and when.
    pub audit: Audit,
}

/// An input of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its name, a final `*` included.
    pub name: String,
    /// Whether the request cannot be made without it.
    pub required: bool,
}

impl Input {
    /// Whether a value that was given under a name is meant for this input: the final `*` marks
    /// what is required and may be left out.
    pub fn is_named(&self, given: &str) -> bool {
        bare(&self.name) == bare(given)
    }
}

/// A name without the mark of what is required.
pub fn bare(name: &str) -> &str {
    name.strip_suffix('*').unwrap_or(name).trim_end()
}
