//! Rows of categories and of what is sorted into them.

use crate::spaces::audit;
use crate::{Error, Row, Sql, Tx};
use model::category::{Category, MemberKind};
use model::id::{CategoryId, SpaceId};

macro_rules! select {
    ($tail:literal) => {
        Sql::both(concat!(
            "SELECT id, space_id, name, description, created_at, created_by, updated_at, ",
            "updated_by FROM categories ",
            $tail
        ))
    };
}

fn read(row: &Row) -> Result<Category, Error> {
    Ok(Category {
        id: CategoryId(row.text(0)?),
        space_id: SpaceId(row.text(1)?),
        name: row.text(2)?,
        description: row.text(3)?,
        audit: audit(row, 4)?,
    })
}

const INSERT: Sql = Sql::both(
    "INSERT INTO categories (id, space_id, name, description, created_at, created_by, \
     updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);

/// Adds a category.
///
/// # Errors
/// `Unique` when its name is taken.
pub fn insert(tx: &mut Tx, category: &Category) -> Result<(), Error> {
    let c = category;
    tx.execute(
        &INSERT,
        &[
            (&c.id).into(),
            (&c.space_id).into(),
            (&c.name).into(),
            (&c.description).into(),
            c.audit.created_at.into(),
            (&c.audit.created_by).into(),
            c.audit.updated_at.into(),
            (&c.audit.updated_by).into(),
        ],
    )?;
    Ok(())
}

const UPDATE: Sql = Sql::both(
    "UPDATE categories SET name = $2, description = $3, updated_at = $4, updated_by = $5 \
     WHERE id = $1",
);

/// Changes a category; false when it is gone.
///
/// # Errors
/// `Unique` when its new name is taken.
pub fn update(tx: &mut Tx, category: &Category) -> Result<bool, Error> {
    let c = category;
    let values = [
        (&c.id).into(),
        (&c.name).into(),
        (&c.description).into(),
        c.audit.updated_at.into(),
        (&c.audit.updated_by).into(),
    ];
    Ok(tx.execute(&UPDATE, &values)? == 1)
}

const DELETE: Sql = Sql::both("DELETE FROM categories WHERE id = $1");

/// Removes a category; false when it is gone.
///
/// # Errors
/// Those of the store.
pub fn delete(tx: &mut Tx, id: &CategoryId) -> Result<bool, Error> {
    Ok(tx.execute(&DELETE, &[id.into()])? == 1)
}

const BY_NAME: Sql = select!("WHERE space_id = $1 AND name = $2");

/// Finds a category by its name.
///
/// # Errors
/// Those of the store.
pub fn by_name(tx: &mut Tx, space: &SpaceId, name: &str) -> Result<Option<Category>, Error> {
    tx.query_opt(&BY_NAME, &[space.into(), name.into()], read)
}

const LIST: Sql = select!("WHERE space_id = $1 ORDER BY name LIMIT $2");

/// Categories of a space by name, at most `limit`.
///
/// # Errors
/// Those of the store.
pub fn list(tx: &mut Tx, space: &SpaceId, limit: i64) -> Result<Vec<Category>, Error> {
    tx.query(&LIST, &[space.into(), limit.into()], read)
}

const ADD: Sql = Sql::both(
    "INSERT INTO category_members (category_id, kind, member) VALUES ($1, $2, $3) \
     ON CONFLICT DO NOTHING",
);

/// Sorts something into a category.
///
/// # Errors
/// Those of the store.
pub fn add(tx: &mut Tx, id: &CategoryId, kind: MemberKind, member: &str) -> Result<(), Error> {
    tx.push(&ADD, &[id.into(), kind.as_str().into(), member.into()])
}

const REMOVE: Sql =
    Sql::both("DELETE FROM category_members WHERE category_id = $1 AND kind = $2 AND member = $3");

/// Takes something out of a category; false when it was not in it.
///
/// # Errors
/// Those of the store.
pub fn remove(tx: &mut Tx, id: &CategoryId, kind: MemberKind, member: &str) -> Result<bool, Error> {
    Ok(tx.execute(&REMOVE, &[id.into(), kind.as_str().into(), member.into()])? == 1)
}

const CLEAR: Sql = Sql::both("DELETE FROM category_members WHERE category_id = $1 AND kind = $2");

/// Takes everything of a kind out of a category.
///
/// # Errors
/// Those of the store.
pub fn clear(tx: &mut Tx, id: &CategoryId, kind: MemberKind) -> Result<(), Error> {
    tx.push(&CLEAR, &[id.into(), kind.as_str().into()])
}

/// Something that is sorted into a category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The category's name.
    pub category: String,
    /// What it is.
    pub kind: MemberKind,
    /// Its definition id, or a policy rule's name.
    pub member: String,
}

const MEMBERS: Sql = Sql::both(
    "SELECT c.name, m.kind, m.member FROM category_members m \
     JOIN categories c ON c.id = m.category_id WHERE c.space_id = $1 \
     ORDER BY c.name, m.kind, m.member LIMIT $2",
);

/// Members of all categories of a space, by category, at most `limit`.
///
/// # Errors
/// Those of the store.
pub fn members(tx: &mut Tx, space: &SpaceId, limit: i64) -> Result<Vec<Member>, Error> {
    let found = tx.query(&MEMBERS, &[space.into(), limit.into()], |row| {
        let kind = MemberKind::parse(&row.text(1)?);
        Ok(kind.map(|kind| (row.text(0), kind, row.text(2))))
    })?;
    found
        .into_iter()
        .flatten()
        .map(|(category, kind, member)| Ok(Member { category: category?, kind, member: member? }))
        .collect()
}
