//! Rows of forms, those of kapps and of the datastore.

use model::form::Form;
use model::id::{FormId, KappId, SpaceId};
use serde_json::Value as Json;

use crate::spaces::{audit, object};
use crate::{Error, Row, Sql, Tx, Value};

macro_rules! select {
    ($tail:literal) => {
        Sql::both(concat!(
            "SELECT id, space_id, kapp_id, slug, name, status, kind, description, notes, ",
            "anonymous, label_expression, attributes, pages, properties, restoration_token, ",
            "version, created_at, created_by, updated_at, updated_by FROM forms ",
            $tail
        ))
    };
}

fn read(row: &Row) -> Result<Form, Error> {
    Ok(Form {
        id: FormId(row.text(0)?),
        space_id: SpaceId(row.text(1)?),
        kapp_id: row.opt_text(2)?.map(KappId),
        slug: row.text(3)?,
        name: row.text(4)?,
        status: row.text(5)?,
        kind: row.opt_text(6)?,
        description: row.opt_text(7)?,
        notes: row.opt_text(8)?,
        anonymous: row.bool(9)?,
        label_expression: row.opt_text(10)?,
        attributes: row.json(11)?,
        pages: row.json(12)?,
        properties: row.json(13)?,
        restoration_token: row.opt_text(14)?,
        version: row.i64(15)?,
        audit: audit(row, 16)?,
    })
}

fn pages(pages: &[Json]) -> Value<'static> {
    Value::from(serde_json::to_string(pages).expect("JSON values are JSON"))
}

const INSERT: Sql = Sql::both(
    "INSERT INTO forms (id, space_id, kapp_id, slug, name, status, kind, description, notes, \
     anonymous, label_expression, attributes, pages, properties, restoration_token, version, \
     created_at, created_by, updated_at, updated_by) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
     $19, $20)",
);

/// Inserts a form.
///
/// # Errors
/// `Unique` when the slug is taken in its kapp, or among the datastore forms.
pub fn insert(tx: &mut Tx, form: &Form) -> Result<(), Error> {
    let audit = &form.audit;
    let values = [
        (&form.id).into(),
        (&form.space_id).into(),
        form.kapp_id.as_ref().into(),
        (&form.slug).into(),
        (&form.name).into(),
        (&form.status).into(),
        form.kind.as_ref().into(),
        form.description.as_ref().into(),
        form.notes.as_ref().into(),
        form.anonymous.into(),
        form.label_expression.as_ref().into(),
        object(&form.attributes),
        pages(&form.pages),
        object(&form.properties),
        form.restoration_token.as_ref().into(),
        form.version.into(),
        audit.created_at.into(),
        (&audit.created_by).into(),
        audit.updated_at.into(),
        (&audit.updated_by).into(),
    ];
    tx.execute(&INSERT, &values).map(|_| ())
}

const BY_ID: Sql = select!("WHERE id = $1");

/// The form with an id, archived or not.
///
/// # Errors
/// What the database says.
pub fn by_id(tx: &mut Tx, id: &FormId) -> Result<Option<Form>, Error> {
    tx.query_opt(&BY_ID, &[id.into()], read)
}

const BY_SLUG: Sql = select!(
    "WHERE space_id = $1 AND coalesce(kapp_id, '') = $2 AND slug = $3 \
     AND restoration_token IS NULL"
);

/// The form with a slug in a kapp, or among the datastore forms; archived ones do not count.
///
/// # Errors
/// What the database says.
pub fn by_slug(
    tx: &mut Tx,
    space: &SpaceId,
    kapp: Option<&KappId>,
    slug: &str,
) -> Result<Option<Form>, Error> {
    tx.query_opt(&BY_SLUG, &[space.into(), scope(kapp), slug.into()], read)
}

fn scope(kapp: Option<&KappId>) -> Value<'_> {
    kapp.map_or("", KappId::as_str).into()
}

const LIST: Sql = select!(
    "WHERE space_id = $1 AND coalesce(kapp_id, '') = $2 AND restoration_token IS NULL \
     ORDER BY slug"
);

/// The forms of a kapp or of the datastore, by slug, without the archived ones.
///
/// # Errors
/// What the database says.
pub fn list(tx: &mut Tx, space: &SpaceId, kapp: Option<&KappId>) -> Result<Vec<Form>, Error> {
    tx.query(&LIST, &[space.into(), scope(kapp)], read)
}

const ARCHIVED: Sql = select!(
    "WHERE space_id = $1 AND coalesce(kapp_id, '') = $2 AND restoration_token IS NOT NULL \
     ORDER BY updated_at DESC, id DESC LIMIT $3"
);

/// The archived forms of a kapp or of the datastore, latest first.
///
/// # Errors
/// What the database says.
pub fn archived(
    tx: &mut Tx,
    space: &SpaceId,
    kapp: Option<&KappId>,
    limit: i64,
) -> Result<Vec<Form>, Error> {
    tx.query(&ARCHIVED, &[space.into(), scope(kapp), limit.into()], read)
}

const BY_TOKEN: Sql =
    select!("WHERE space_id = $1 AND coalesce(kapp_id, '') = $2 AND restoration_token = $3");

/// The archived form with a restoration token.
///
/// # Errors
/// What the database says.
pub fn by_restoration_token(
    tx: &mut Tx,
    space: &SpaceId,
    kapp: Option<&KappId>,
    token: &str,
) -> Result<Option<Form>, Error> {
    tx.query_opt(&BY_TOKEN, &[space.into(), scope(kapp), token.into()], read)
}

const UPDATE: Sql = Sql::both(
    "UPDATE forms SET slug = $3, name = $4, status = $5, kind = $6, description = $7, \
     notes = $8, anonymous = $9, label_expression = $10, attributes = $11, pages = $12, \
     properties = $13, restoration_token = $14, version = version + 1, updated_at = $15, \
     updated_by = $16 WHERE id = $1 AND version = $2",
);

/// Overwrites what can change of a form, if it still has version `from`; whether it had.
///
/// # Errors
/// `Unique` when the new slug is taken.
pub fn update(tx: &mut Tx, form: &Form, from: i64) -> Result<bool, Error> {
    let values = [
        (&form.id).into(),
        from.into(),
        (&form.slug).into(),
        (&form.name).into(),
        (&form.status).into(),
        form.kind.as_ref().into(),
        form.description.as_ref().into(),
        form.notes.as_ref().into(),
        form.anonymous.into(),
        form.label_expression.as_ref().into(),
        object(&form.attributes),
        pages(&form.pages),
        object(&form.properties),
        form.restoration_token.as_ref().into(),
        form.audit.updated_at.into(),
        (&form.audit.updated_by).into(),
    ];
    Ok(tx.execute(&UPDATE, &values)? == 1)
}

/// The versions of a form and of what surrounds it: what a decision made outside of a transaction
/// relies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The form's.
    pub form: i64,
    /// The kapp's; 0 for a datastore form.
    pub kapp: i64,
    /// The space's.
    pub space: i64,
}

const VERSIONS: Sql = Sql::both(
    "SELECT f.version, coalesce(k.version, 0), s.version FROM forms f \
     JOIN spaces s ON s.id = f.space_id LEFT JOIN kapps k ON k.id = f.kapp_id WHERE f.id = $1",
);

// SQLite is asked; PostgreSQL fails the transaction that was sent with it.
const HOLD: Sql = Sql::per(
    "SELECT 1 FROM forms f \
     JOIN spaces s ON s.id = f.space_id LEFT JOIN kapps k ON k.id = f.kapp_id WHERE f.id = $1 \
     AND f.version = $2 AND coalesce(k.version, 0) = $3 AND s.version = $4",
    "SELECT must_hold(EXISTS (SELECT 1 FROM forms f \
     JOIN spaces s ON s.id = f.space_id LEFT JOIN kapps k ON k.id = f.kapp_id WHERE f.id = $1 \
     AND f.version = $2 AND coalesce(k.version, 0) = $3 AND s.version = $4))",
);

/// Refuses the change when a form, its kapp or its space no longer is at these versions.
///
/// # Errors
/// `Stale`, on PostgreSQL perhaps only at the commit; what the database says.
pub fn hold(tx: &mut Tx, form: &FormId, at: Versions) -> Result<(), Error> {
    tx.require_row(&HOLD, &[form.into(), at.form.into(), at.kapp.into(), at.space.into()])
}

/// The present versions of a form, its kapp and its space.
///
/// # Errors
/// What the database says.
pub fn versions(tx: &mut Tx, form: &FormId) -> Result<Option<Versions>, Error> {
    tx.query_opt(&VERSIONS, &[form.into()], |row| {
        Ok(Versions { form: row.i64(0)?, kapp: row.i64(1)?, space: row.i64(2)? })
    })
}
