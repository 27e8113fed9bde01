//! Rows of web APIs: trees that answer requests.

use crate::spaces::audit;
use crate::{Error, Row, Sql, Tx};
use model::Audit;
use model::id::SpaceId;
use serde_json::Value;

/// A tree that answers requests.
#[derive(Clone, Debug, PartialEq)]
pub struct WebApi {
    /// Its id.
    pub id: String,
    /// Its space.
    pub space_id: SpaceId,
    /// Its kapp's slug; blank: of the space.
    pub kapp_slug: String,
    /// Unique in its kapp or space; the tree's name.
    pub slug: String,
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: String,
    /// Who may call it: `[{endpoint, name}]`.
    pub security_policies: Value,
    /// Who and when.
    pub audit: Audit,
}

macro_rules! select {
    ($tail:literal) => {
        Sql::both(concat!(
            "SELECT id, space_id, kapp_slug, slug, method, security_policies, created_at, ",
            "created_by, updated_at, updated_by FROM web_apis ",
            $tail
        ))
    };
}

fn read(row: &Row) -> Result<WebApi, Error> {
    Ok(WebApi {
        id: row.text(0)?,
        space_id: SpaceId(row.text(1)?),
        kapp_slug: row.text(2)?,
        slug: row.text(3)?,
        method: row.text(4)?,
        security_policies: row.json(5)?,
        audit: audit(row, 6)?,
    })
}

const INSERT: Sql = Sql::both(
    "INSERT INTO web_apis (id, space_id, kapp_slug, slug, method, security_policies, created_at, \
     created_by, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
);

/// Adds a web API.
///
/// # Errors
/// `Unique` when its slug is taken.
pub fn insert(tx: &mut Tx, api: &WebApi) -> Result<(), Error> {
    tx.execute(
        &INSERT,
        &[
            (&api.id).into(),
            (&api.space_id).into(),
            (&api.kapp_slug).into(),
            (&api.slug).into(),
            (&api.method).into(),
            (&api.security_policies).into(),
            api.audit.created_at.into(),
            (&api.audit.created_by).into(),
            api.audit.updated_at.into(),
            (&api.audit.updated_by).into(),
        ],
    )?;
    Ok(())
}

const UPDATE: Sql = Sql::both(
    "UPDATE web_apis SET slug = $2, method = $3, security_policies = $4, updated_at = $5, \
     updated_by = $6 WHERE id = $1",
);

/// Changes a web API; false when it is gone.
///
/// # Errors
/// `Unique` when its new slug is taken.
pub fn update(tx: &mut Tx, api: &WebApi) -> Result<bool, Error> {
    let changed = tx.execute(
        &UPDATE,
        &[
            (&api.id).into(),
            (&api.slug).into(),
            (&api.method).into(),
            (&api.security_policies).into(),
            api.audit.updated_at.into(),
            (&api.audit.updated_by).into(),
        ],
    )?;
    Ok(changed == 1)
}

const DELETE: Sql = Sql::both("DELETE FROM web_apis WHERE id = $1");

/// Removes a web API; its tree stays.
///
/// # Errors
/// Those of the store.
pub fn delete(tx: &mut Tx, id: &str) -> Result<(), Error> {
    tx.push(&DELETE, &[id.into()])
}

const BY_SLUG: Sql = select!("WHERE space_id = $1 AND kapp_slug = $2 AND slug = $3");

/// Finds a web API of a kapp, or with a blank kapp of the space.
///
/// # Errors
/// Those of the store.
pub fn by_slug(
    tx: &mut Tx,
    space: &SpaceId,
    kapp: &str,
    slug: &str,
) -> Result<Option<WebApi>, Error> {
    tx.query_opt(&BY_SLUG, &[space.into(), kapp.into(), slug.into()], read)
}

const LIST: Sql = select!("WHERE space_id = $1 AND kapp_slug = $2 ORDER BY slug LIMIT $3");

/// Lists the web APIs of a kapp, or with a blank kapp of the space, by slug.
///
/// # Errors
/// Those of the store.
pub fn list(tx: &mut Tx, space: &SpaceId, kapp: &str, limit: i64) -> Result<Vec<WebApi>, Error> {
    tx.query(&LIST, &[space.into(), kapp.into(), limit.into()], read)
}
