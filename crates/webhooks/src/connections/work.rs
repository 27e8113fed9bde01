//! What an operation does, by the kind of its connection.

use super::request::Request;
use super::statement::Statement;
use model::connection::{HTTP, Input, POSTGRES};
use serde_json::{Map, Value};

/// An operation's config, parsed.
#[derive(Debug)]
pub(super) enum Work {
    /// A request to a web API.
    Http(Request),
    /// A statement on a database.
    Postgres(Statement),
}

impl Work {
    /// Reads the config of an operation whose connection is of a kind.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn read(kind: &str, given: &Map<String, Value>) -> Result<Self, Vec<String>> {
        let own = given.get("configType").and_then(Value::as_str).unwrap_or(kind);
        match kind {
            HTTP | POSTGRES if own != kind => Err(vec![format!(
                "The connection is of the type {kind}, so its operations must be too, not {own}"
            )]),
            HTTP => Request::read(given).map(Self::Http),
            POSTGRES => Statement::read(given).map(Self::Postgres),
            other => Err(vec![format!(
                "Operations of the type {other} are not supported by this server"
            )]),
        }
    }

    /// The inputs it names, in order.
    pub(super) fn inputs(&self) -> Vec<Input> {
        match self {
            Self::Http(request) => request.inputs(),
            Self::Postgres(statement) => statement.inputs(),
        }
    }

    /// The secrets it names.
    pub(super) fn secrets(&self) -> Vec<String> {
        match self {
            Self::Http(request) => request.secrets(),
            Self::Postgres(statement) => statement.secrets(),
        }
    }

    /// The document with what was left out filled in.
    pub(super) fn document(&self, given: &Map<String, Value>) -> Value {
        match self {
            Self::Http(request) => request.document(given),
            Self::Postgres(statement) => statement.document(),
        }
    }
}
