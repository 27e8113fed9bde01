//! Operations of connections.

use model::connection::Operation;
use model::id::{ConnectionId, OperationId, SpaceId};

use crate::spaces::audit;
use crate::{Error, Row, Sql, Tx};

macro_rules! columns {
    ($tail:literal) => {
        Sql::both(concat!(
            "SELECT id, connection_id, space_id, name, notes, documentation_link, config, ",
            "outputs, inputs, lock_version, created_at, created_by, updated_at, updated_by ",
            "FROM operations ",
            $tail
        ))
    };
}

fn read(row: &Row) -> Result<Operation, Error> {
    Ok(Operation {
        id: OperationId(row.text(0)?),
        connection_id: ConnectionId(row.text(1)?),
        space_id: SpaceId(row.text(2)?),
        name: row.text(3)?,
        notes: row.text(4)?,
        documentation_link: row.text(5)?,
        config: row.json(6)?,
        outputs: row.json(7)?,
        inputs: row.json(8)?,
        lock_version: row.i64(9)?,
        audit: audit(row, 10)?,
    })
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::db(format!("writing JSON: {error}")))
}

const INSERT: Sql = Sql::both(
    "INSERT INTO operations (id, connection_id, space_id, name, notes, documentation_link, \
     config, outputs, inputs, lock_version, created_at, created_by, updated_at, updated_by) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
);

/// Stores a new operation.
///
/// # Errors
/// `Unique` when its space has one of that id, or its connection one of that name.
pub fn insert(tx: &mut Tx, operation: &Operation) -> Result<(), Error> {
    let o = operation;
    let values = [
        (&o.id).into(),
        (&o.connection_id).into(),
        (&o.space_id).into(),
        (&o.name).into(),
        (&o.notes).into(),
        (&o.documentation_link).into(),
        json(&o.config)?.into(),
        json(&o.outputs)?.into(),
        json(&o.inputs)?.into(),
        o.lock_version.into(),
        o.audit.created_at.into(),
        (&o.audit.created_by).into(),
        o.audit.updated_at.into(),
        (&o.audit.updated_by).into(),
    ];
    tx.execute(&INSERT, &values).map(|_| ())
}

const UPDATE: Sql = Sql::both(
    "UPDATE operations SET name = $3, notes = $4, documentation_link = $5, config = $6, \
     outputs = $7, inputs = $8, lock_version = $9, updated_at = $10, updated_by = $11 \
     WHERE space_id = $1 AND id = $2 AND lock_version = $12",
);

/// Stores what can change of an operation, unless it is no longer at lock version `from`; whether
/// it was.
///
/// # Errors
/// `Unique` when another of its connection has the new name.
pub fn update(tx: &mut Tx, operation: &Operation, from: i64) -> Result<bool, Error> {
    let o = operation;
    let values = [
        (&o.space_id).into(),
        (&o.id).into(),
        (&o.name).into(),
        (&o.notes).into(),
        (&o.documentation_link).into(),
        json(&o.config)?.into(),
        json(&o.outputs)?.into(),
        json(&o.inputs)?.into(),
        o.lock_version.into(),
        o.audit.updated_at.into(),
        (&o.audit.updated_by).into(),
        from.into(),
    ];
    Ok(tx.execute(&UPDATE, &values)? == 1)
}

const OF_CONNECTION: Sql =
    columns!("WHERE space_id = $1 AND connection_id = $2 ORDER BY name, id LIMIT 2000");

/// The operations of a connection, by name.
///
/// # Errors
/// What the database says.
pub fn of_connection(
    tx: &mut Tx,
    space: &SpaceId,
    connection: &ConnectionId,
) -> Result<Vec<Operation>, Error> {
    tx.query(&OF_CONNECTION, &[space.into(), connection.into()], read)
}

const BY_ID: Sql = columns!("WHERE space_id = $1 AND id = $2");

/// Finds an operation of a space.
///
/// # Errors
/// What the database says.
pub fn by_id(tx: &mut Tx, space: &SpaceId, id: &str) -> Result<Option<Operation>, Error> {
    tx.query_opt(&BY_ID, &[space.into(), id.into()], read)
}

/// Finds an operation of a connection by its id or, when no id is meant, by its name.
///
/// # Errors
/// What the database says.
pub fn by_key(
    tx: &mut Tx,
    space: &SpaceId,
    connection: &ConnectionId,
    key: &str,
) -> Result<Option<Operation>, Error> {
    let found = match by_id(tx, space, key)? {
        Some(found) => Some(found),
        None => of_connection(tx, space, connection)?.into_iter().find(|found| found.name == key),
    };
    Ok(found.filter(|found| found.connection_id == *connection))
}

const DELETE: Sql = Sql::both("DELETE FROM operations WHERE space_id = $1 AND id = $2");

/// Deletes an operation; whether it was there.
///
/// # Errors
/// What the database says.
pub fn delete(tx: &mut Tx, space: &SpaceId, id: &OperationId) -> Result<bool, Error> {
    Ok(tx.execute(&DELETE, &[space.into(), id.into()])? == 1)
}
