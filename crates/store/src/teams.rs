//! Rows of teams.

use model::id::{SpaceId, TeamId};
use model::people::Team;

use crate::spaces::{audit, object};
use crate::{Error, Row, Sql, Tx};

macro_rules! columns {
    ($head:literal, $tail:literal) => {
        Sql::both(concat!(
            $head,
            "t.id, t.space_id, t.name, t.slug, t.description, t.attributes, t.properties, ",
            "t.restoration_token, t.version, t.created_at, t.created_by, t.updated_at, ",
            "t.updated_by ",
            $tail
        ))
    };
}
pub(crate) use columns;

/// Reads a team from the columns of [`columns`].
pub(crate) fn read(row: &Row) -> Result<Team, Error> {
    Ok(Team {
        id: TeamId(row.text(0)?),
        space_id: SpaceId(row.text(1)?),
        name: row.text(2)?,
        slug: row.text(3)?,
        description: row.opt_text(4)?,
        attributes: row.json(5)?,
        properties: row.json(6)?,
        restoration_token: row.opt_text(7)?,
        version: row.i64(8)?,
        audit: audit(row, 9)?,
    })
}

const INSERT: Sql = Sql::both(
    "INSERT INTO teams (id, space_id, name, slug, description, attributes, properties, \
     restoration_token, version, created_at, created_by, updated_at, updated_by) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
);

/// Inserts a team.
///
/// # Errors
/// `Unique` when the slug is taken in the space.
pub fn insert(tx: &mut Tx, team: &Team) -> Result<(), Error> {
    let audit = &team.audit;
    let values = [
        (&team.id).into(),
        (&team.space_id).into(),
        (&team.name).into(),
        (&team.slug).into(),
        team.description.as_ref().into(),
        object(&team.attributes),
        object(&team.properties),
        team.restoration_token.as_ref().into(),
        team.version.into(),
        audit.created_at.into(),
        (&audit.created_by).into(),
        audit.updated_at.into(),
        (&audit.updated_by).into(),
    ];
    tx.execute(&INSERT, &values).map(|_| ())
}

const BY_SLUG: Sql = columns!(
    "SELECT ",
    "FROM teams t WHERE t.space_id = $1 AND t.slug = $2 AND t.restoration_token IS NULL"
);

/// The team with a slug; deleted ones do not count.
///
/// # Errors
/// What the database says.
pub fn by_slug(tx: &mut Tx, space: &SpaceId, slug: &str) -> Result<Option<Team>, Error> {
    tx.query_opt(&BY_SLUG, &[space.into(), slug.into()], read)
}

const BY_TOKEN: Sql =
    columns!("SELECT ", "FROM teams t WHERE t.space_id = $1 AND t.restoration_token = $2");

/// The deleted team with a restoration token.
///
/// # Errors
/// What the database says.
pub fn by_restoration_token(
    tx: &mut Tx,
    space: &SpaceId,
    token: &str,
) -> Result<Option<Team>, Error> {
    tx.query_opt(&BY_TOKEN, &[space.into(), token.into()], read)
}

const LIST: Sql = columns!(
    "SELECT ",
    "FROM teams t WHERE t.space_id = $1 AND t.restoration_token IS NULL ORDER BY t.name, t.id"
);

/// The teams of a space, by name, without the deleted ones.
///
/// # Errors
/// What the database says.
pub fn list(tx: &mut Tx, space: &SpaceId) -> Result<Vec<Team>, Error> {
    tx.query(&LIST, &[space.into()], read)
}

const ARCHIVED: Sql = columns!(
    "SELECT ",
    "FROM teams t WHERE t.space_id = $1 AND t.restoration_token IS NOT NULL \
     ORDER BY t.updated_at DESC, t.id DESC LIMIT $2"
);

/// The deleted teams of a space, latest first.
///
/// # Errors
/// What the database says.
pub fn archived(tx: &mut Tx, space: &SpaceId, limit: i64) -> Result<Vec<Team>, Error> {
    tx.query(&ARCHIVED, &[space.into(), limit.into()], read)
}

const UPDATE: Sql = Sql::both(
    "UPDATE teams SET name = $3, slug = $4, description = $5, attributes = $6, properties = $7, \
     restoration_token = $8, version = version + 1, updated_at = $9, updated_by = $10 \
     WHERE id = $1 AND version = $2",
);

/// Overwrites what can change of a team, if it still has version `from`; whether it had.
///
/// # Errors
/// `Unique` when the new slug is taken in the space.
pub fn update(tx: &mut Tx, team: &Team, from: i64) -> Result<bool, Error> {
    let values = [
        (&team.id).into(),
        from.into(),
        (&team.name).into(),
        (&team.slug).into(),
        team.description.as_ref().into(),
        object(&team.attributes),
        object(&team.properties),
        team.restoration_token.as_ref().into(),
        team.audit.updated_at.into(),
        (&team.audit.updated_by).into(),
    ];
    Ok(tx.execute(&UPDATE, &values)? == 1)
}
