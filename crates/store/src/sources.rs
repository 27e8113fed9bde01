//! Rows of workflow sources.

use crate::spaces::audit;
use crate::{Error, Row, Sql, Tx};
use model::id::{SourceId, SpaceId};
use model::tree::Source;

macro_rules! select {
    ($tail:literal) => {
        Sql::both(concat!(
            "SELECT id, space_id, name, kind, status, properties, ",
            "created_at, created_by, updated_at, updated_by FROM sources ",
            $tail
        ))
    };
}

fn read(row: &Row) -> Result<Source, Error> {
    Ok(Source {
        id: SourceId(row.text(0)?),
        space_id: SpaceId(row.text(1)?),
        name: row.text(2)?,
        kind: row.text(3)?,
        status: row.text(4)?,
        properties: row.json(5)?,
        audit: audit(row, 6)?,
    })
}

const INSERT: Sql = Sql::both(
    "INSERT INTO sources (id, space_id, name, kind, status, properties, created_at, created_by, \
     updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
);

/// Adds a source.
///
/// # Errors
/// `Unique` when its name is taken.
pub fn insert(tx: &mut Tx, source: &Source) -> Result<(), Error> {
    let s = source;
    tx.execute(
        &INSERT,
        &[
            (&s.id).into(),
            (&s.space_id).into(),
            (&s.name).into(),
            (&s.kind).into(),
            (&s.status).into(),
            (&s.properties).into(),
            s.audit.created_at.into(),
            (&s.audit.created_by).into(),
            s.audit.updated_at.into(),
            (&s.audit.updated_by).into(),
        ],
    )?;
    Ok(())
}

const UPDATE: Sql = Sql::both(
    "UPDATE sources SET name = $2, kind = $3, status = $4, properties = $5, updated_at = $6, \
     updated_by = $7 WHERE id = $1",
);

/// Changes a source; false when it is gone.
///
/// # Errors
/// `Unique` when its new name is taken.
pub fn update(tx: &mut Tx, source: &Source) -> Result<bool, Error> {
    let s = source;
    let changed = tx.execute(
        &UPDATE,
        &[
            (&s.id).into(),
            (&s.name).into(),
            (&s.kind).into(),
            (&s.status).into(),
            (&s.properties).into(),
            s.audit.updated_at.into(),
            (&s.audit.updated_by).into(),
        ],
    )?;
    Ok(changed == 1)
}

const RENAME_TREES: Sql =
    Sql::both("UPDATE trees SET source = $3 WHERE space_id = $1 AND source = $2");

/// Moves all trees of a source to its new name.
///
/// # Errors
/// Those of the store.
pub fn rename_trees(tx: &mut Tx, space: &SpaceId, from: &str, to: &str) -> Result<(), Error> {
    tx.push(&RENAME_TREES, &[space.into(), from.into(), to.into()])
}

const DELETE: Sql = Sql::both("DELETE FROM sources WHERE id = $1");

/// Removes a source; false when it is gone.
///
/// # Errors
/// Those of the store.
pub fn delete(tx: &mut Tx, id: &SourceId) -> Result<bool, Error> {
    Ok(tx.execute(&DELETE, &[id.into()])? == 1)
}

const BY_NAME: Sql = select!("WHERE space_id = $1 AND name = $2");

/// Finds a source by its name.
///
/// # Errors
/// Those of the store.
pub fn by_name(tx: &mut Tx, space: &SpaceId, name: &str) -> Result<Option<Source>, Error> {
    tx.query_opt(&BY_NAME, &[space.into(), name.into()], read)
}

const LIST: Sql = select!("WHERE space_id = $1 ORDER BY name");

/// All sources of a space, by name; there are few.
///
/// # Errors
/// Those of the store.
pub fn list(tx: &mut Tx, space: &SpaceId) -> Result<Vec<Source>, Error> {
    tx.query(&LIST, &[space.into()], read)
}
