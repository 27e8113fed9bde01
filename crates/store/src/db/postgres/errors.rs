//! PostgreSQL's SQLSTATE codes as the store's errors.

use std::error::Error as StdError;
use std::sync::Arc;

use tokio_postgres::error::{DbError, SqlState};

use crate::db::error::Error;

/// The code that `must_hold` raises, a function of the schema.
const MOVED: &str = "KPK01";

/// An error and whether the connection is gone with it.
pub(super) struct Verdict {
    pub(super) error: Error,
    pub(super) lost: bool,
    /// The server itself said so: what it was asked to do, it did not do.
    pub(super) told: bool,
}

/// Tells apart what callers act on.
pub(super) fn classify(error: tokio_postgres::Error) -> Verdict {
    if let Some(said) = error.as_db_error() {
        let lost = is_shutdown(said.code()) || said.severity() == "FATAL";
        let class = if lost {
            Error::Unavailable { message: said.message().to_owned() }
        } else {
            by_code(said)
        };
        let error = match class {
            Error::Db { message, .. } => Error::Db { message, source: Some(Arc::new(error)) },
            class => class,
        };
        return Verdict { error, lost, told: true };
    }
    let io = error.source().is_some_and(<dyn StdError + 'static>::is::<std::io::Error>);
    if error.is_closed() || io {
        let message = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        return Verdict { error: Error::Unavailable { message }, lost: true, told: false };
    }
    // "error serializing parameter 3" says which, its source says why.
    let message = match error.source() {
        Some(why) => format!("{error}: {why}"),
        None => error.to_string(),
    };
    let error = Error::Db { message, source: Some(Arc::new(error)) };
    Verdict { error, lost: false, told: false }
}

fn is_shutdown(code: &SqlState) -> bool {
    [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        SqlState::TOO_MANY_CONNECTIONS,
    ]
    .contains(code)
}

fn by_code(said: &DbError) -> Error {
    let code = said.code();
    if code.code() == MOVED {
        return Error::Stale;
    }
    let constraint = || said.constraint().unwrap_or_default().to_owned();
    if *code == SqlState::UNIQUE_VIOLATION {
        return Error::Unique { constraint: unique(said) };
    }
    if *code == SqlState::FOREIGN_KEY_VIOLATION {
        return Error::Constraint { kind: "foreign key", name: constraint() };
    }
    if *code == SqlState::NOT_NULL_VIOLATION {
        let name = said.column().unwrap_or_default().to_owned();
        return Error::Constraint { kind: "not null", name };
    }
    if code.code().starts_with("23") {
        return Error::Constraint { kind: "check", name: constraint() };
    }
    if [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code) {
        return Error::Retry;
    }
    // A plan whose tables have changed under it; it is prepared again.
    if is_stale_plan(said) {
        return Error::Retry;
    }
    if [SqlState::DISK_FULL, SqlState::OUT_OF_MEMORY].contains(code) {
        return Error::Full;
    }
    if [SqlState::QUERY_CANCELED, SqlState::LOCK_NOT_AVAILABLE].contains(code) {
        return Error::Timeout;
    }
    Error::db(format!("{} ({})", said.message(), code.code()))
}

/// Whether the connection's prepared statements must be forgotten.
pub(super) fn is_stale_plan(said: &DbError) -> bool {
    *said.code() == SqlState::INVALID_SQL_STATEMENT_NAME
        || (*said.code() == SqlState::FEATURE_NOT_SUPPORTED
            && said.message().starts_with("cached plan"))
}

/// `Key (a, b)=(…)` of table t becomes `t(a, b)`, as SQLite's sessions say it; an index over an
/// expression keeps its name.
fn unique(said: &DbError) -> String {
    let columns = said
        .detail()
        .and_then(|detail| detail.strip_prefix("Key ("))
        .and_then(|rest| rest.split_once(")=("))
        .map(|(columns, _)| columns);
    match (said.table(), columns) {
        (Some(table), Some(columns)) if !columns.contains('(') => format!("{table}({columns})"),
        _ => said.constraint().unwrap_or_default().to_owned(),
    }
}
