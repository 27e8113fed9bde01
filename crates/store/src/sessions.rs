//! Rows of browser sessions. Only the SHA-256 of a token is ever stored.

use model::id::UserId;
use model::people::User;
use model::time::Micros;

use crate::{Error, Sql, Tx, users};

const INSERT: Sql = Sql::both(
    "INSERT INTO sessions (token_hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
);

/// Opens a session.
///
/// # Errors
/// `Constraint` when the user is gone.
pub fn insert(
    tx: &mut Tx,
    token_hash: &str,
    user: &UserId,
    now: Micros,
    expires_at: Micros,
) -> Result<(), Error> {
    let values = [token_hash.into(), user.into(), now.into(), expires_at.into()];
    tx.execute(&INSERT, &values).map(|_| ())
}

const BY_HASH: Sql = users::columns!(
    "SELECT ",
    ", s.expires_at FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.token_hash = $1"
);

/// The user of a session, and when it ends.
///
/// # Errors
/// What the database says.
pub fn by_hash(tx: &mut Tx, token_hash: &str) -> Result<Option<(User, Micros)>, Error> {
    let read = |row: &crate::Row<'_>| Ok((users::read(row)?, row.micros(users::COLUMNS)?));
    tx.query_opt(&BY_HASH, &[token_hash.into()], read)
}

const EXTEND: Sql = Sql::both("UPDATE sessions SET expires_at = $2 WHERE token_hash = $1");

/// Lets a session end later.
///
/// # Errors
/// What the database says.
pub fn extend(tx: &mut Tx, token_hash: &str, expires_at: Micros) -> Result<(), Error> {
    tx.push(&EXTEND, &[token_hash.into(), expires_at.into()])
}

const DELETE: Sql = Sql::both("DELETE FROM sessions WHERE token_hash = $1");

/// Ends a session; whether it was there.
///
/// # Errors
/// What the database says.
pub fn delete(tx: &mut Tx, token_hash: &str) -> Result<bool, Error> {
    Ok(tx.execute(&DELETE, &[token_hash.into()])? == 1)
}

const DELETE_OF: Sql = Sql::both("DELETE FROM sessions WHERE user_id = $1");

/// Ends all sessions of a user.
///
/// # Errors
/// What the database says.
pub fn delete_of(tx: &mut Tx, user: &UserId) -> Result<(), Error> {
    tx.push(&DELETE_OF, &[user.into()])
}

const PURGE: Sql = Sql::both("DELETE FROM sessions WHERE expires_at < $1");

/// Deletes the sessions that ended before `now`.
///
/// # Errors
/// What the database says.
pub fn purge(tx: &mut Tx, now: Micros) -> Result<u64, Error> {
    tx.execute(&PURGE, &[now.into()])
}
