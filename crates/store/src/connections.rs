//! Connections; their operations stand in [`crate::operations`].

use model::connection::Connection;
use model::id::{ConnectionId, SpaceId};

use crate::spaces::audit;
use crate::{Error, Row, Sql, Tx};

macro_rules! columns {
    ($tail:literal) => {
        Sql::both(concat!(
            "SELECT id, space_id, kind, name, description, documentation_link, config, secrets, ",
            "lock_version, created_at, created_by, updated_at, updated_by FROM connections ",
            $tail
        ))
    };
}

fn read(row: &Row) -> Result<Connection, Error> {
    Ok(Connection {
        id: ConnectionId(row.text(0)?),
        space_id: SpaceId(row.text(1)?),
        kind: row.text(2)?,
        name: row.text(3)?,
        description: row.text(4)?,
        documentation_link: row.text(5)?,
        config: row.json(6)?,
        secrets: row.json(7)?,
        lock_version: row.i64(8)?,
        audit: audit(row, 9)?,
    })
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::db(format!("writing JSON: {error}")))
}

const INSERT: Sql = Sql::both(
    "INSERT INTO connections (id, space_id, kind, name, description, documentation_link, config, \
     secrets, lock_version, created_at, created_by, updated_at, updated_by) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
);

/// Stores a new connection.
///
/// # Errors
/// `Unique` when its space has one of that id or name.
pub fn insert(tx: &mut Tx, connection: &Connection) -> Result<(), Error> {
    let c = connection;
    let values = [
        (&c.id).into(),
        (&c.space_id).into(),
        (&c.kind).into(),
        (&c.name).into(),
        (&c.description).into(),
        (&c.documentation_link).into(),
        json(&c.config)?.into(),
        json(&c.secrets)?.into(),
        c.lock_version.into(),
        c.audit.created_at.into(),
        (&c.audit.created_by).into(),
        c.audit.updated_at.into(),
        (&c.audit.updated_by).into(),
    ];
    tx.execute(&INSERT, &values).map(|_| ())
}

const UPDATE: Sql = Sql::both(
    "UPDATE connections SET name = $3, description = $4, documentation_link = $5, config = $6, \
     secrets = $7, lock_version = $8, updated_at = $9, updated_by = $10 \
     WHERE space_id = $1 AND id = $2 AND lock_version = $11",
);

/// Stores what can change of a connection, unless it is no longer at lock version `from`; whether
/// it was.
///
/// # Errors
/// `Unique` when another has the new name.
pub fn update(tx: &mut Tx, connection: &Connection, from: i64) -> Result<bool, Error> {
    let c = connection;
    let values = [
        (&c.space_id).into(),
        (&c.id).into(),
        (&c.name).into(),
        (&c.description).into(),
        (&c.documentation_link).into(),
        json(&c.config)?.into(),
        json(&c.secrets)?.into(),
        c.lock_version.into(),
        c.audit.updated_at.into(),
        (&c.audit.updated_by).into(),
        from.into(),
    ];
    Ok(tx.execute(&UPDATE, &values)? == 1)
}

const OF_SPACE: Sql = columns!("WHERE space_id = $1 ORDER BY name, id LIMIT 1000");

/// The connections of a space, by name.
///
/// # Errors
/// What the database says.
pub fn of_space(tx: &mut Tx, space: &SpaceId) -> Result<Vec<Connection>, Error> {
    tx.query(&OF_SPACE, &[space.into()], read)
}

const ALL: Sql = columns!("ORDER BY space_id, id");

/// The connections of every space, to seal their secrets anew.
///
/// # Errors
/// What the database says.
pub fn all(tx: &mut Tx) -> Result<Vec<Connection>, Error> {
    tx.query(&ALL, &[], read)
}

const BY_KEY: Sql = columns!("WHERE space_id = $1 AND (id = $2 OR name = $2) ORDER BY id LIMIT 2");

/// Finds a connection by its id or, when no id is meant, by its name.
///
/// # Errors
/// What the database says.
pub fn by_key(tx: &mut Tx, space: &SpaceId, key: &str) -> Result<Option<Connection>, Error> {
    let found = tx.query(&BY_KEY, &[space.into(), key.into()], read)?;
    let by_id = found.iter().position(|connection| connection.id.as_str() == key);
    Ok(found.into_iter().nth(by_id.unwrap_or(0)))
}

const BY_ID: Sql = columns!("WHERE space_id = $1 AND id = $2");

/// Finds a connection of a space.
///
/// # Errors
/// What the database says.
pub fn by_id(tx: &mut Tx, space: &SpaceId, id: &ConnectionId) -> Result<Option<Connection>, Error> {
    tx.query_opt(&BY_ID, &[space.into(), id.into()], read)
}

const DELETE: Sql = Sql::both("DELETE FROM connections WHERE space_id = $1 AND id = $2");

/// Deletes a connection with its operations; whether it was there.
///
/// # Errors
/// What the database says.
pub fn delete(tx: &mut Tx, space: &SpaceId, id: &ConnectionId) -> Result<bool, Error> {
    Ok(tx.execute(&DELETE, &[space.into(), id.into()])? == 1)
}
