//! Connections to other systems, and the operations that are called through them.

use crate::Audit;
use crate::id::{ConnectionId, OperationId, SpaceId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The kind of connections to systems with a web API.
pub const HTTP: &str = "http";
/// The kind of connections to PostgreSQL databases.
pub const POSTGRES: &str = "postgres";

/// A connection: where another system is and how it is told who asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// Its id; unique in its space, since an imported connection keeps the id that trees name.
    pub id: ConnectionId,
    /// Its space.
    pub space_id: SpaceId,
    /// The kind of system: [`HTTP`] or [`POSTGRES`].
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

impl Operation {
    /// Whether a repeat of it could do twice what it does, with nothing that tells a repeat: a
    /// statement that writes. A request carries an `Idempotency-Key`.
    pub fn happens_once(&self) -> bool {
        self.config["configType"] == POSTGRES
            && !self.config["statement"].as_str().is_some_and(only_reads)
    }
}

/// Whether an SQL statement begins with SELECT, comments aside, and so is run in a transaction
/// that cannot write.
pub fn only_reads(statement: &str) -> bool {
    let mut rest = statement.trim_start();
    loop {
        let after = match rest.get(..2) {
            Some("--") => rest.split_once('\n').map(|(_, after)| after),
            // Within another comment, the end of the inner one is taken for that of both. What
            // follows is no SELECT then, and the statement counts as one that writes.
            Some("/*") => rest.split_once("*/").map(|(_, after)| after),
            _ => break,
        };
        rest = after.unwrap_or_default().trim_start();
    }
    let word = rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next();
    word.is_some_and(|word| word.eq_ignore_ascii_case("select"))
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_statement_reads_when_it_begins_with_select() {
        for text in ["select 1", " SELECT\n1", "-- a\n/* b */select(1)", "Select*from a"] {
            assert!(only_reads(text), "{text}");
        }
        for text in ["", "selected", "-- select 1", "/* select 1", "with a as (select 1) select 1"]
        {
            assert!(!only_reads(text), "{text}");
        }
        assert!(!only_reads("/* /* */ */ select 1"), "rather too careful");
    }

    #[test]
    fn only_statements_that_write_happen_once() {
        let operation = |config: Value| Operation {
            id: OperationId("o".into()),
            connection_id: ConnectionId("c".into()),
            space_id: SpaceId("s".into()),
            name: String::new(),
            notes: String::new(),
            documentation_link: String::new(),
            config,
            outputs: Value::Null,
            inputs: Vec::new(),
            lock_version: 1,
            audit: Audit::created(crate::time::Micros(0), "ann"),
        };
        let postgres = |statement: &str| {
            operation(json!({ "configType": "postgres", "statement": statement })).happens_once()
        };
        assert!(postgres("insert into a values (1)") && !postgres("SELECT 1"));
        assert!(!operation(json!({ "configType": "http", "method": "POST" })).happens_once());
    }
}
