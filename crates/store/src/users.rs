//! Rows of users.

use model::id::{SpaceId, UserId};
use model::people::User;

use crate::spaces::{audit, object};
use crate::{Error, Row, Sql, Tx};

macro_rules! columns {
    ($head:literal, $tail:literal) => {
        Sql::both(concat!(
            $head,
            "u.id, u.space_id, u.username, u.display_name, u.email, u.enabled, u.space_admin, ",
            "u.password_hash, u.invited_by, u.attributes, u.profile_attributes, u.properties, ",
            "u.version, u.created_at, u.created_by, u.updated_at, u.updated_by ",
            $tail
        ))
    };
}
pub(crate) use columns;

/// How many columns [`read`] takes.
pub(crate) const COLUMNS: usize = 17;

/// Reads a user from the columns of [`columns`], which come first in the row.
pub(crate) fn read(row: &Row) -> Result<User, Error> {
    Ok(User {
        id: UserId(row.text(0)?),
        space_id: SpaceId(row.text(1)?),
        username: row.text(2)?,
        display_name: row.opt_text(3)?,
        email: row.opt_text(4)?,
        enabled: row.bool(5)?,
        space_admin: row.bool(6)?,
        password_hash: row.opt_text(7)?,
        invited_by: row.opt_text(8)?,
        attributes: row.json(9)?,
        profile_attributes: row.json(10)?,
        properties: row.json(11)?,
        version: row.i64(12)?,
        audit: audit(row, 13)?,
    })
}

const INSERT: Sql = Sql::both(
    "INSERT INTO users (id, space_id, username, display_name, email, enabled, space_admin, \
     password_hash, invited_by, attributes, profile_attributes, properties, version, \
     created_at, created_by, updated_at, updated_by) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
);

/// Inserts a user.
///
/// # Errors
/// `Unique` when the username is taken in the space.
pub fn insert(tx: &mut Tx, user: &User) -> Result<(), Error> {
    let audit = &user.audit;
    let values = [
        (&user.id).into(),
        (&user.space_id).into(),
        (&user.username).into(),
        user.display_name.as_ref().into(),
        user.email.as_ref().into(),
        user.enabled.into(),
        user.space_admin.into(),
        user.password_hash.as_ref().into(),
        user.invited_by.as_ref().into(),
        object(&user.attributes),
        object(&user.profile_attributes),
        object(&user.properties),
        user.version.into(),
        audit.created_at.into(),
        (&audit.created_by).into(),
        audit.updated_at.into(),
        (&audit.updated_by).into(),
    ];
    tx.execute(&INSERT, &values).map(|_| ())
}

const BY_ID: Sql = columns!("SELECT ", "FROM users u WHERE u.id = $1");

/// The user with an id.
///
/// # Errors
/// What the database says.
pub fn by_id(tx: &mut Tx, id: &UserId) -> Result<Option<User>, Error> {
    tx.query_opt(&BY_ID, &[id.into()], read)
}

const BY_USERNAME: Sql =
    columns!("SELECT ", "FROM users u WHERE u.space_id = $1 AND u.username = $2");

/// The user with a username in a space.
///
/// # Errors
/// What the database says.
pub fn by_username(tx: &mut Tx, space: &SpaceId, username: &str) -> Result<Option<User>, Error> {
    tx.query_opt(&BY_USERNAME, &[space.into(), username.into()], read)
}

const LIST: Sql = columns!(
    "SELECT ",
    "FROM users u WHERE u.space_id = $1 AND u.username > $2 ORDER BY u.username LIMIT $3"
);

/// At most `limit` users of a space, by username, from behind `after` on.
///
/// # Errors
/// What the database says.
pub fn list(tx: &mut Tx, space: &SpaceId, after: &str, limit: i64) -> Result<Vec<User>, Error> {
    tx.query(&LIST, &[space.into(), after.into(), limit.into()], read)
}

const UPDATE: Sql = Sql::both(
    "UPDATE users SET username = $3, display_name = $4, email = $5, enabled = $6, \
     space_admin = $7, password_hash = $8, invited_by = $9, attributes = $10, \
     profile_attributes = $11, properties = $12, version = version + 1, updated_at = $13, \
     updated_by = $14 WHERE id = $1 AND version = $2",
);

/// Overwrites what can change of a user, if they still have version `from`; whether they had.
///
/// # Errors
/// `Unique` when the new username is taken in the space.
pub fn update(tx: &mut Tx, user: &User, from: i64) -> Result<bool, Error> {
    let values = [
        (&user.id).into(),
        from.into(),
        (&user.username).into(),
        user.display_name.as_ref().into(),
        user.email.as_ref().into(),
        user.enabled.into(),
        user.space_admin.into(),
        user.password_hash.as_ref().into(),
        user.invited_by.as_ref().into(),
        object(&user.attributes),
        object(&user.profile_attributes),
        object(&user.properties),
        user.audit.updated_at.into(),
        (&user.audit.updated_by).into(),
    ];
    Ok(tx.execute(&UPDATE, &values)? == 1)
}

const DELETE: Sql = Sql::both("DELETE FROM users WHERE id = $1 AND version = $2");

/// Deletes a user with their memberships and sessions, if they still have version `from`; whether
/// they had.
///
/// # Errors
/// What the database says.
pub fn delete(tx: &mut Tx, id: &UserId, from: i64) -> Result<bool, Error> {
    Ok(tx.execute(&DELETE, &[id.into(), from.into()])? == 1)
}

const ADMINISTRATORS: Sql = Sql::both(
    "SELECT count(*) FROM users WHERE space_id = $1 AND space_admin = TRUE AND enabled = TRUE",
);

/// How many users administer a space and may sign in.
///
/// # Errors
/// What the database says.
pub fn administrators(tx: &mut Tx, space: &SpaceId) -> Result<i64, Error> {
    tx.query_one(&ADMINISTRATORS, &[space.into()], |row| row.i64(0))
}
