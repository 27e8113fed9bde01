//! SQLite's result codes as the store's errors.

use std::sync::Arc;

use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::db::error::Error;

/// Tells apart what callers act on; everything else is `Db` with SQLite's own message.
pub(in crate::db) fn classify(error: &rusqlite::Error) -> Error {
    let message = error.to_string();
    let rusqlite::Error::SqliteFailure(failure, detail) = error else {
        return Error::Db { message, source: None };
    };
    let detail = detail.as_deref().unwrap_or_default();
    match failure.code {
        ErrorCode::ConstraintViolation => constraint(failure.extended_code, detail),
        ErrorCode::DiskFull => Error::Full,
        // The disk failed to read or write: nothing of the batch counts as stored.
        ErrorCode::SystemIoFailure => Error::Unavailable { message },
        ErrorCode::OperationInterrupted => Error::Timeout,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Error::Retry,
        _ => Error::Db { message, source: Some(Arc::new(*failure)) },
    }
}

fn constraint(code: i32, detail: &str) -> Error {
    // "UNIQUE constraint failed: t.a, t.b", "… failed: index 'name'", "CHECK … failed: name"
    let name = detail.split_once("failed: ").map_or("", |(_, name)| name);
    match code {
        ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_ROWID => Error::Unique { constraint: unique(name) },
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => {
            Error::Constraint { kind: "foreign key", name: name.to_owned() }
        }
        ffi::SQLITE_CONSTRAINT_NOTNULL => {
            let column = name.split_once('.').map_or(name, |(_, column)| column);
            Error::Constraint { kind: "not null", name: column.to_owned() }
        }
        _ => Error::Constraint { kind: "check", name: name.to_owned() },
    }
}

/// `t.a, t.b` becomes `t(a, b)`; `index 'name'` becomes `name`.
fn unique(name: &str) -> String {
    if let Some(index) = name.strip_prefix("index ") {
        return index.trim_matches('\'').to_owned();
    }
    let Some((table, _)) = name.split_once('.') else { return name.to_owned() };
    let columns: Vec<&str> = name
        .split(", ")
        .map(|column| column.split_once('.').map_or(column, |(_, column)| column))
        .collect();
    format!("{table}({})", columns.join(", "))
}

#[cfg(test)]
mod tests {
    use super::unique;

    #[test]
    fn unique_names_table_and_columns() {
        assert_eq!(unique("webhooks.space_id, webhooks.name"), "webhooks(space_id, name)");
        assert_eq!(unique("index 'users_by_name'"), "users_by_name");
    }
}
