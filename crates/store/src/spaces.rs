//! Rows of spaces.

use model::Audit;
use model::id::SpaceId;
use model::space::Space;
use serde_json::{Map, Value as Json};

use crate::{Error, Row, Sql, Tx, Value};

/// Reads the four audit columns from `i` on.
pub(crate) fn audit(row: &Row, i: usize) -> Result<Audit, Error> {
    Ok(Audit {
        created_at: row.micros(i)?,
        created_by: row.text(i + 1)?,
        updated_at: row.micros(i + 2)?,
        updated_by: row.text(i + 3)?,
    })
}

/// A JSON object as text.
pub(crate) fn object(map: &Map<String, Json>) -> Value<'static> {
    let text = serde_json::to_string(map).expect("a JSON object has text keys");
    Value::from(text)
}

fn read(row: &Row) -> Result<Space, Error> {
    Ok(Space {
        id: SpaceId(row.text(0)?),
        slug: row.text(1)?,
        name: row.text(2)?,
        attributes: row.json(3)?,
        properties: row.json(4)?,
        version: row.i64(5)?,
        audit: audit(row, 6)?,
    })
}

macro_rules! select {
    ($tail:literal) => {
        Sql::both(concat!(
            "SELECT id, slug, name, attributes, properties, version, ",
            "created_at, created_by, updated_at, updated_by FROM spaces ",
            $tail
        ))
    };
}

const INSERT: Sql = Sql::both(
    "INSERT INTO spaces (id, slug, name, attributes, properties, version, \
     created_at, created_by, updated_at, updated_by) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
);

/// Inserts a space.
///
/// # Errors
/// `Unique` when the slug is taken.
pub fn insert(tx: &mut Tx, space: &Space) -> Result<(), Error> {
    let audit = &space.audit;
    let values = [
        (&space.id).into(),
        (&space.slug).into(),
        (&space.name).into(),
        object(&space.attributes),
        object(&space.properties),
        space.version.into(),
        audit.created_at.into(),
        (&audit.created_by).into(),
        audit.updated_at.into(),
        (&audit.updated_by).into(),
    ];
    tx.execute(&INSERT, &values).map(|_| ())
}

const BY_ID: Sql = select!("WHERE id = $1");

/// The space with an id.
///
/// # Errors
/// What the database says.
pub fn by_id(tx: &mut Tx, id: &SpaceId) -> Result<Option<Space>, Error> {
    tx.query_opt(&BY_ID, &[id.into()], read)
}

const BY_SLUG: Sql = select!("WHERE slug = $1");

/// The space with a slug.
///
/// # Errors
/// What the database says.
pub fn by_slug(tx: &mut Tx, slug: &str) -> Result<Option<Space>, Error> {
    tx.query_opt(&BY_SLUG, &[slug.into()], read)
}

const ALL: Sql = select!("ORDER BY slug");

/// All spaces, by slug.
///
/// # Errors
/// What the database says.
pub fn all(tx: &mut Tx) -> Result<Vec<Space>, Error> {
    tx.query(&ALL, &[], read)
}

const UPDATE: Sql = Sql::both(
    "UPDATE spaces SET name = $3, attributes = $4, properties = $5, version = version + 1, \
     updated_at = $6, updated_by = $7 WHERE id = $1 AND version = $2",
);

/// Overwrites what can change of a space, if it still has version `from`; whether it had.
///
/// # Errors
/// What the database says.
pub fn update(tx: &mut Tx, space: &Space, from: i64) -> Result<bool, Error> {
    let values = [
        (&space.id).into(),
        from.into(),
        (&space.name).into(),
        object(&space.attributes),
        object(&space.properties),
        space.audit.updated_at.into(),
        (&space.audit.updated_by).into(),
    ];
    Ok(tx.execute(&UPDATE, &values)? == 1)
}

const LOCK: Sql = Sql::both("UPDATE spaces SET slug = slug WHERE id = $1");

/// Lets one transaction at a time go on behind this call, for what must hold over several rows of
/// a space: on PostgreSQL two transactions that read what the other is about to change would both
/// be right.
///
/// # Errors
/// What the database says.
pub fn lock(tx: &mut Tx, id: &SpaceId) -> Result<(), Error> {
    tx.execute(&LOCK, &[id.into()]).map(|_| ())
}
