//! Handlers that a space has defined.

use model::external_handler::ExternalHandler;
use model::id::SpaceId;

use crate::spaces::audit;
use crate::{Error, Row, Sql, Tx};

macro_rules! columns {
    ($tail:literal) => {
        Sql::both(concat!(
            "SELECT space_id, definition_id, name, description, is_active, parameters, results, ",
            "url, effect, timeout_seconds, sealed, version, created_at, created_by, updated_at, ",
            "updated_by FROM external_handlers ",
            $tail
        ))
    };
}

fn read(row: &Row) -> Result<ExternalHandler, Error> {
    Ok(ExternalHandler {
        space_id: SpaceId(row.text(0)?),
        definition_id: row.text(1)?,
        name: row.text(2)?,
        description: row.text(3)?,
        is_active: row.bool(4)?,
        parameters: row.json(5)?,
        results: row.json(6)?,
        url: row.text(7)?,
        effect: row.text(8)?,
        timeout_seconds: row.i64(9)?,
        sealed: row.text(10)?,
        version: row.i64(11)?,
        audit: audit(row, 12)?,
    })
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::db(format!("writing JSON: {error}")))
}

const INSERT: Sql = Sql::both(
    "INSERT INTO external_handlers (space_id, definition_id, name, description, is_active, \
     parameters, results, url, effect, timeout_seconds, sealed, version, created_at, created_by, \
     updated_at, updated_by) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
);

/// Stores a new handler.
///
/// # Errors
/// `Unique` when the space has one of that id.
pub fn insert(tx: &mut Tx, handler: &ExternalHandler) -> Result<(), Error> {
    let h = handler;
    let values = [
        (&h.space_id).into(),
        (&h.definition_id).into(),
        (&h.name).into(),
        (&h.description).into(),
        h.is_active.into(),
        json(&h.parameters)?.into(),
        json(&h.results)?.into(),
        (&h.url).into(),
        (&h.effect).into(),
        h.timeout_seconds.into(),
        (&h.sealed).into(),
        h.version.into(),
        h.audit.created_at.into(),
        (&h.audit.created_by).into(),
        h.audit.updated_at.into(),
        (&h.audit.updated_by).into(),
    ];
    tx.execute(&INSERT, &values).map(|_| ())
}

const UPDATE: Sql = Sql::both(
    "UPDATE external_handlers SET name = $4, description = $5, is_active = $6, parameters = $7, \
     results = $8, url = $9, effect = $10, timeout_seconds = $11, sealed = $12, version = $13, \
     updated_at = $14, updated_by = $15 \
     WHERE space_id = $1 AND definition_id = $2 AND version = $3",
);

/// Stores a changed handler; `false` when its version is not `from`.
///
/// # Errors
/// What the database says.
pub fn update(tx: &mut Tx, handler: &ExternalHandler, from: i64) -> Result<bool, Error> {
    let h = handler;
    let values = [
        (&h.space_id).into(),
        (&h.definition_id).into(),
        from.into(),
        (&h.name).into(),
        (&h.description).into(),
        h.is_active.into(),
        json(&h.parameters)?.into(),
        json(&h.results)?.into(),
        (&h.url).into(),
        (&h.effect).into(),
        h.timeout_seconds.into(),
        (&h.sealed).into(),
        h.version.into(),
        h.audit.updated_at.into(),
        (&h.audit.updated_by).into(),
    ];
    Ok(tx.execute(&UPDATE, &values)? == 1)
}

const DELETE: Sql =
    Sql::both("DELETE FROM external_handlers WHERE space_id = $1 AND definition_id = $2");

/// Deletes a handler; whether it was there.
///
/// # Errors
/// What the database says.
pub fn delete(tx: &mut Tx, space: &SpaceId, definition: &str) -> Result<bool, Error> {
    Ok(tx.execute(&DELETE, &[space.into(), definition.into()])? == 1)
}

const BY_ID: Sql = columns!("WHERE space_id = $1 AND definition_id = $2");

/// A handler by its id.
///
/// # Errors
/// What the database says.
pub fn by_id(
    tx: &mut Tx,
    space: &SpaceId,
    definition: &str,
) -> Result<Option<ExternalHandler>, Error> {
    tx.query_opt(&BY_ID, &[space.into(), definition.into()], read)
}

const OF_SPACE: Sql = columns!("WHERE space_id = $1 ORDER BY definition_id");

/// The handlers of a space, by id.
///
/// # Errors
/// What the database says.
pub fn of_space(tx: &mut Tx, space: &SpaceId) -> Result<Vec<ExternalHandler>, Error> {
    tx.query(&OF_SPACE, &[space.into()], read)
}

const ALL: Sql = columns!("ORDER BY space_id, definition_id");

/// The handlers of all spaces, for those who seal secrets anew.
///
/// # Errors
/// What the database says.
pub fn all(tx: &mut Tx) -> Result<Vec<ExternalHandler>, Error> {
    tx.query(&ALL, &[], read)
}
