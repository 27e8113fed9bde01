//! Rows of kapps.

use model::id::{KappId, SpaceId};
use model::kapp::Kapp;

use crate::spaces::{audit, object};
use crate::{Error, Row, Sql, Tx};

macro_rules! select {
    ($tail:literal) => {
        Sql::both(concat!(
            "SELECT id, space_id, slug, name, status, attributes, properties, version, ",
            "created_at, created_by, updated_at, updated_by FROM kapps ",
            $tail
        ))
    };
}

fn read(row: &Row) -> Result<Kapp, Error> {
    Ok(Kapp {
        id: KappId(row.text(0)?),
        space_id: SpaceId(row.text(1)?),
        slug: row.text(2)?,
        name: row.text(3)?,
        status: row.text(4)?,
        attributes: row.json(5)?,
        properties: row.json(6)?,
        version: row.i64(7)?,
        audit: audit(row, 8)?,
    })
}

const INSERT: Sql = Sql::both(
    "INSERT INTO kapps (id, space_id, slug, name, status, attributes, properties, version, \
     created_at, created_by, updated_at, updated_by) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
);

/// Inserts a kapp.
///
/// # Errors
/// `Unique` when the slug is taken in the space.
pub fn insert(tx: &mut Tx, kapp: &Kapp) -> Result<(), Error> {
    let audit = &kapp.audit;
    let values = [
        (&kapp.id).into(),
        (&kapp.space_id).into(),
        (&kapp.slug).into(),
        (&kapp.name).into(),
        (&kapp.status).into(),
        object(&kapp.attributes),
        object(&kapp.properties),
        kapp.version.into(),
        audit.created_at.into(),
        (&audit.created_by).into(),
        audit.updated_at.into(),
        (&audit.updated_by).into(),
    ];
    tx.execute(&INSERT, &values).map(|_| ())
}

const BY_ID: Sql = select!("WHERE id = $1");

/// The kapp with an id.
///
/// # Errors
/// What the database says.
pub fn by_id(tx: &mut Tx, id: &KappId) -> Result<Option<Kapp>, Error> {
    tx.query_opt(&BY_ID, &[id.into()], read)
}

const BY_SLUG: Sql = select!("WHERE space_id = $1 AND slug = $2");

/// The kapp with a slug in a space.
///
/// # Errors
/// What the database says.
pub fn by_slug(tx: &mut Tx, space: &SpaceId, slug: &str) -> Result<Option<Kapp>, Error> {
    tx.query_opt(&BY_SLUG, &[space.into(), slug.into()], read)
}

const LIST: Sql = select!("WHERE space_id = $1 ORDER BY slug");

/// The kapps of a space, by slug.
///
/// # Errors
/// What the database says.
pub fn list(tx: &mut Tx, space: &SpaceId) -> Result<Vec<Kapp>, Error> {
    tx.query(&LIST, &[space.into()], read)
}

const UPDATE: Sql = Sql::both(
    "UPDATE kapps SET slug = $3, name = $4, status = $5, attributes = $6, properties = $7, \
     version = version + 1, updated_at = $8, updated_by = $9 WHERE id = $1 AND version = $2",
);

/// Overwrites what can change of a kapp, if it still has version `from`; whether it had.
///
/// # Errors
/// `Unique` when the new slug is taken in the space.
pub fn update(tx: &mut Tx, kapp: &Kapp, from: i64) -> Result<bool, Error> {
    let values = [
        (&kapp.id).into(),
        from.into(),
        (&kapp.slug).into(),
        (&kapp.name).into(),
        (&kapp.status).into(),
        object(&kapp.attributes),
        object(&kapp.properties),
        kapp.audit.updated_at.into(),
        (&kapp.audit.updated_by).into(),
    ];
    Ok(tx.execute(&UPDATE, &values)? == 1)
}

const DELETE_SUBMISSIONS: Sql = Sql::both("DELETE FROM submissions WHERE kapp_id = $1");
const DELETE_FORMS: Sql = Sql::both("DELETE FROM forms WHERE kapp_id = $1");
const DELETE_WEBHOOKS: Sql = Sql::both("DELETE FROM webhooks WHERE kapp_id = $1");
const MOVE_GENERATION: Sql =
    Sql::both("UPDATE webhook_generations SET generation = generation + 1 WHERE space_id = $1");
const DELETE: Sql = Sql::both("DELETE FROM kapps WHERE id = $1 AND version = $2");

/// Deletes a kapp with its webhooks, forms and submissions, if it still has version `from`;
/// whether it had. Nothing may be kept of the transaction when it had not.
///
/// # Errors
/// What the database says.
pub fn delete(tx: &mut Tx, kapp: &Kapp, from: i64) -> Result<bool, Error> {
    tx.push(&DELETE_SUBMISSIONS, &[(&kapp.id).into()])?;
    tx.push(&DELETE_FORMS, &[(&kapp.id).into()])?;
    if tx.execute(&DELETE_WEBHOOKS, &[(&kapp.id).into()])? > 0 {
        tx.push(&MOVE_GENERATION, &[(&kapp.space_id).into()])?;
    }
    Ok(tx.execute(&DELETE, &[(&kapp.id).into(), from.into()])? == 1)
}
