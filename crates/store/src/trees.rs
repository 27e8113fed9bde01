//! Rows of trees and of their versions.

use crate::spaces::audit;
use crate::{Error, Row, Select, Sql, Tx};
use model::id::{SpaceId, TreeId, TreeVersionId};
use model::time::Micros;
use model::tree::Tree;

macro_rules! select {
    ($tail:literal) => {
        Sql::both(concat!(
            "SELECT id, space_id, source, tree_group, name, kind, status, definition_id, ",
            "owner_email, notes, version_id, version, problems, ",
            "created_at, created_by, updated_at, updated_by FROM trees ",
            $tail
        ))
    };
}

fn read(row: &Row) -> Result<Tree, Error> {
    Ok(Tree {
        id: TreeId(row.text(0)?),
        space_id: SpaceId(row.text(1)?),
        source: row.text(2)?,
        group: row.text(3)?,
        name: row.text(4)?,
        kind: row.text(5)?,
        status: row.text(6)?,
        definition_id: row.opt_text(7)?,
        owner_email: row.opt_text(8)?,
        notes: row.opt_text(9)?,
        version_id: TreeVersionId(row.i64(10)?),
        version: row.i64(11)?,
        problems: row.json(12)?,
        audit: audit(row, 13)?,
    })
}

/// One version of a tree's definition, as its client sent it.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// Its id.
    pub id: TreeVersionId,
    /// The tree.
    pub tree_id: TreeId,
    /// Its number, from 0.
    pub version: i64,
    /// `json` or `xml`.
    pub format: String,
    /// The text as it was sent.
    pub definition: String,
}

const INSERT: Sql = Sql::both(
    "INSERT INTO trees (id, space_id, source, tree_group, name, kind, status, definition_id, \
     owner_email, notes, version_id, version, problems, deleted, created_at, created_by, \
     updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, \
     FALSE, $14, $15, $16, $17)",
);

/// Adds a tree; its first version is added after it and put in force by [`update`].
///
/// # Errors
/// `Unique` when its title is taken.
pub fn insert(tx: &mut Tx, tree: &Tree) -> Result<(), Error> {
    let t = tree;
    tx.execute(
        &INSERT,
        &[
            (&t.id).into(),
            (&t.space_id).into(),
            (&t.source).into(),
            (&t.group).into(),
            (&t.name).into(),
            (&t.kind).into(),
            (&t.status).into(),
            t.definition_id.as_ref().into(),
            t.owner_email.as_ref().into(),
            t.notes.as_ref().into(),
            t.version_id.into(),
            t.version.into(),
            serde_json::json!(t.problems).into(),
            t.audit.created_at.into(),
            (&t.audit.created_by).into(),
            t.audit.updated_at.into(),
            (&t.audit.updated_by).into(),
        ],
    )?;
    Ok(())
}

const UPDATE: Sql = Sql::both(
    "UPDATE trees SET source = $3, tree_group = $4, name = $5, kind = $6, status = $7, \
     definition_id = $8, owner_email = $9, notes = $10, version_id = $11, version = $12, \
     problems = $13, updated_at = $14, updated_by = $15 \
     WHERE id = $1 AND version = $2 AND deleted = FALSE",
);

/// Changes a tree that still has version `from`; false when it has moved or is gone.
///
/// # Errors
/// `Unique` when its new title is taken.
pub fn update(tx: &mut Tx, tree: &Tree, from: i64) -> Result<bool, Error> {
    let t = tree;
    let changed = tx.execute(
        &UPDATE,
        &[
            (&t.id).into(),
            from.into(),
            (&t.source).into(),
            (&t.group).into(),
            (&t.name).into(),
            (&t.kind).into(),
            (&t.status).into(),
            t.definition_id.as_ref().into(),
            t.owner_email.as_ref().into(),
            t.notes.as_ref().into(),
            t.version_id.into(),
            t.version.into(),
            serde_json::json!(t.problems).into(),
            t.audit.updated_at.into(),
            (&t.audit.updated_by).into(),
        ],
    )?;
    Ok(changed == 1)
}

const DELETE: Sql = Sql::both(
    "UPDATE trees SET deleted = TRUE, updated_at = $2, updated_by = $3 \
     WHERE id = $1 AND deleted = FALSE",
);

/// Takes a tree out of use; its versions stay for the runs that keep them.
///
/// # Errors
/// Those of the store.
pub fn delete(tx: &mut Tx, id: &TreeId, now: Micros, username: &str) -> Result<bool, Error> {
    Ok(tx.execute(&DELETE, &[id.into(), now.into(), username.into()])? == 1)
}

const INSERT_VERSION: Sql = Sql::both(
    "INSERT INTO tree_versions (tree_id, version, format, definition, problems, created_at, \
     created_by) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
);

/// Adds a version of a tree.
///
/// # Errors
/// `Unique` when that number was added meanwhile.
pub fn insert_version(
    tx: &mut Tx,
    tree: &Tree,
    format: &str,
    definition: &str,
) -> Result<TreeVersionId, Error> {
    tx.query_one(
        &INSERT_VERSION,
        &[
            (&tree.id).into(),
            tree.version.into(),
            format.into(),
            definition.into(),
            serde_json::json!(tree.problems).into(),
            tree.audit.updated_at.into(),
            (&tree.audit.updated_by).into(),
        ],
        |row| Ok(TreeVersionId(row.i64(0)?)),
    )
}

const VERSION: Sql =
    Sql::both("SELECT id, tree_id, version, format, definition FROM tree_versions WHERE id = $1");

/// Finds a version.
///
/// # Errors
/// Those of the store.
pub fn version(tx: &mut Tx, id: TreeVersionId) -> Result<Option<Version>, Error> {
    tx.query_opt(&VERSION, &[id.into()], read_version)
}

fn read_version(row: &Row) -> Result<Version, Error> {
    Ok(Version {
        id: TreeVersionId(row.i64(0)?),
        tree_id: TreeId(row.text(1)?),
        version: row.i64(2)?,
        format: row.text(3)?,
        definition: row.text(4)?,
    })
}

const VERSIONS: Sql = Sql::both(
    "SELECT id, version, problems, created_at, created_by FROM tree_versions WHERE tree_id = $1 \
     ORDER BY version DESC LIMIT $2",
);

/// A version in a list, without its definition.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionRow {
    /// Its id.
    pub id: TreeVersionId,
    /// Its number.
    pub version: i64,
    /// Mistakes found in it.
    pub problems: Vec<model::tree::Problem>,
    /// When it was saved.
    pub created_at: Micros,
    /// By whom.
    pub created_by: String,
}

/// Lists the versions of a tree, newest first.
///
/// # Errors
/// Those of the store.
pub fn versions(tx: &mut Tx, tree: &TreeId, limit: i64) -> Result<Vec<VersionRow>, Error> {
    tx.query(&VERSIONS, &[tree.into(), limit.into()], |row| {
        Ok(VersionRow {
            id: TreeVersionId(row.i64(0)?),
            version: row.i64(1)?,
            problems: row.json(2)?,
            created_at: row.micros(3)?,
            created_by: row.text(4)?,
        })
    })
}

const VERSION_OF: Sql = Sql::both(
    "SELECT id, tree_id, version, format, definition FROM tree_versions \
     WHERE tree_id = $1 AND version = $2",
);

/// Finds a version of a tree by its number.
///
/// # Errors
/// Those of the store.
pub fn version_of(tx: &mut Tx, tree: &TreeId, number: i64) -> Result<Option<Version>, Error> {
    tx.query_opt(&VERSION_OF, &[tree.into(), number.into()], read_version)
}

const MENTIONING: Sql = Sql::both(
    "SELECT t.id, t.version_id FROM trees t JOIN tree_versions v ON v.id = t.version_id \
     WHERE t.space_id = $1 AND t.deleted = FALSE AND v.definition LIKE '%' || $2 || '%' \
     ORDER BY t.source, t.tree_group, t.name LIMIT 1000",
);

/// The trees whose present definition holds a text, by title, 1,000 at most.
///
/// # Errors
/// Those of the store.
pub fn mentioning(tx: &mut Tx, space: &SpaceId, text: &str) -> Result<Vec<(Tree, Version)>, Error> {
    let read = |row: &Row<'_>| Ok((TreeId(row.text(0)?), TreeVersionId(row.i64(1)?)));
    let mut found = Vec::new();
    for (id, version_id) in tx.query(&MENTIONING, &[space.into(), text.into()], read)? {
        if let (Some(tree), Some(version)) = (by_id(tx, space, &id)?, version(tx, version_id)?) {
            found.push((tree, version));
        }
    }
    Ok(found)
}

const NOTE_ON_TREE: Sql = Sql::both("UPDATE trees SET problems = $2 WHERE version_id = $1");
const NOTE_ON_VERSION: Sql = Sql::both("UPDATE tree_versions SET problems = $2 WHERE id = $1");

/// Notes the mistakes that a version has now, since what it refers to came or went.
///
/// # Errors
/// Those of the store.
pub fn note_problems(
    tx: &mut Tx,
    id: TreeVersionId,
    problems: &[model::tree::Problem],
) -> Result<(), Error> {
    let problems = serde_json::json!(problems);
    tx.push(&NOTE_ON_TREE, &[id.into(), (&problems).into()])?;
    tx.push(&NOTE_ON_VERSION, &[id.into(), (&problems).into()])
}

const DELETED: Sql = select!(
    "WHERE space_id = $1 AND source = $2 AND tree_group = $3 AND name = $4 AND deleted = TRUE \
     ORDER BY updated_at DESC LIMIT 1"
);

/// Finds the tree of a title that was deleted last.
///
/// # Errors
/// Those of the store.
pub fn deleted(
    tx: &mut Tx,
    space: &SpaceId,
    source: &str,
    group: &str,
    name: &str,
) -> Result<Option<Tree>, Error> {
    tx.query_opt(&DELETED, &[space.into(), source.into(), group.into(), name.into()], read)
}

const UNDELETE: Sql = Sql::both(
    "UPDATE trees SET deleted = FALSE, updated_at = $2, updated_by = $3 \
     WHERE id = $1 AND deleted = TRUE",
);

/// Takes a deleted tree into use again; false when it is in use.
///
/// # Errors
/// `Unique` when its title is taken.
pub fn undelete(tx: &mut Tx, id: &TreeId, now: Micros, username: &str) -> Result<bool, Error> {
    Ok(tx.execute(&UNDELETE, &[id.into(), now.into(), username.into()])? == 1)
}

const COUNTS: Sql = Sql::both("SELECT state, count(*) FROM runs WHERE tree_id = $1 GROUP BY state");

/// Counts the runs of a tree by state.
///
/// # Errors
/// Those of the store.
pub fn counts(tx: &mut Tx, tree: &TreeId) -> Result<Vec<(String, i64)>, Error> {
    tx.query(&COUNTS, &[tree.into()], |row| Ok((row.text(0)?, row.i64(1)?)))
}

const RUNS_BY_DAY: Sql = Sql::both(
    "SELECT created_at / 86400000000 AS day, count(*) FROM runs \
     WHERE tree_id = $1 AND created_at >= $2 GROUP BY day ORDER BY day",
);
const ERRORS_BY_DAY: Sql = Sql::both(
    "SELECT e.created_at / 86400000000 AS day, count(*) FROM errors e \
     JOIN runs r ON r.id = e.run_id WHERE r.tree_id = $1 AND e.created_at >= $2 \
     GROUP BY day ORDER BY day",
);
const ACTIVE_ERRORS: Sql = Sql::both(
    "SELECT count(*) FROM errors e JOIN runs r ON r.id = e.run_id \
     WHERE r.tree_id = $1 AND e.active = TRUE",
);

/// How many runs and errors of a tree there were on each day (counted from 1970), and how many of
/// its errors are open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Days {
    /// Runs that were started.
    pub runs: Vec<(i64, i64)>,
    /// Errors that happened.
    pub errors: Vec<(i64, i64)>,
    /// Errors that are open, of whatever day.
    pub active_errors: i64,
}

/// Counts a tree's runs and errors by day.
///
/// # Errors
/// Those of the store.
pub fn days(tx: &mut Tx, tree: &TreeId, from: Micros) -> Result<Days, Error> {
    let values = [tree.into(), from.into()];
    Ok(Days {
        runs: tx.query(&RUNS_BY_DAY, &values, |row| Ok((row.i64(0)?, row.i64(1)?)))?,
        errors: tx.query(&ERRORS_BY_DAY, &values, |row| Ok((row.i64(0)?, row.i64(1)?)))?,
        active_errors: tx.query_one(&ACTIVE_ERRORS, &[tree.into()], |row| row.i64(0))?,
    })
}

const BY_TITLE: Sql = select!(
    "WHERE space_id = $1 AND source = $2 AND tree_group = $3 AND name = $4 AND deleted = FALSE"
);

/// Finds a tree in use by source, group and name.
///
/// # Errors
/// Those of the store.
pub fn by_title(
    tx: &mut Tx,
    space: &SpaceId,
    source: &str,
    group: &str,
    name: &str,
) -> Result<Option<Tree>, Error> {
    tx.query_opt(&BY_TITLE, &[space.into(), source.into(), group.into(), name.into()], read)
}

const BY_ID: Sql = select!("WHERE space_id = $1 AND id = $2 AND deleted = FALSE");

/// Finds a tree in use by its id.
///
/// # Errors
/// Those of the store.
pub fn by_id(tx: &mut Tx, space: &SpaceId, id: &TreeId) -> Result<Option<Tree>, Error> {
    tx.query_opt(&BY_ID, &[space.into(), id.into()], read)
}

const OF_RUN: Sql = select!("WHERE id = $1");

/// Finds a tree by its id, even when it is no longer in use.
///
/// # Errors
/// Those of the store.
pub fn any_by_id(tx: &mut Tx, id: &TreeId) -> Result<Option<Tree>, Error> {
    tx.query_opt(&OF_RUN, &[id.into()], read)
}

const ROUTINE: Sql = select!(
    "WHERE space_id = $1 AND (definition_id = $2 OR (kind <> 'Tree' AND name = $2)) \
     AND deleted = FALSE ORDER BY id LIMIT 1"
);

/// Finds a routine in use by its definition id or its name.
///
/// # Errors
/// Those of the store.
pub fn routine(tx: &mut Tx, space: &SpaceId, key: &str) -> Result<Option<Tree>, Error> {
    tx.query_opt(&ROUTINE, &[space.into(), key.into()], read)
}

const CALLED: Sql = select!(
    "WHERE space_id = $1 AND definition_id = $2 AND deleted = FALSE \
     AND (kind = 'Global Routine' OR (kind = 'Local Routine' AND source = $3)) \
     ORDER BY kind DESC, id LIMIT 1"
);

/// Finds the routine that a node of a tree of `source` calls: the source's own before a global
/// one.
///
/// # Errors
/// Those of the store.
pub fn called(
    tx: &mut Tx,
    space: &SpaceId,
    definition_id: &str,
    source: &str,
) -> Result<Option<Tree>, Error> {
    tx.query_opt(&CALLED, &[space.into(), definition_id.into(), source.into()], read)
}

/// Which trees to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The source's name.
    pub source: Option<String>,
    /// Exact groups, any of them.
    pub groups: Vec<String>,
    /// Part of the group.
    pub group_fragment: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// Part of the name.
    pub name_fragment: Option<String>,
    /// The owner's address.
    pub owner_email: Option<String>,
    /// The status.
    pub status: Option<String>,
    /// `Tree`, `Global Routine` or `Local Routine`.
    pub kind: Option<String>,
}

const LIST: Sql = select!("WHERE space_id = $1 AND deleted = FALSE");

/// Lists trees in use by title, at most `limit`.
///
/// # Errors
/// Those of the store.
pub fn list(tx: &mut Tx, space: &SpaceId, filter: &Filter, limit: i64) -> Result<Vec<Tree>, Error> {
    let mut select = Select::new(&LIST, &[space.into()]);
    if let Some(source) = &filter.source {
        select.and("source = $?", source);
    }
    if !filter.groups.is_empty() {
        select.and_in("tree_group", filter.groups.iter().map(Into::into).collect());
    }
    if let Some(fragment) = &filter.group_fragment {
        select.and("lower(tree_group) LIKE $? ESCAPE '\\'", like(fragment));
    }
    if let Some(name) = &filter.name {
        select.and("name = $?", name);
    }
    if let Some(fragment) = &filter.name_fragment {
        select.and("lower(name) LIKE $? ESCAPE '\\'", like(fragment));
    }
    if let Some(email) = &filter.owner_email {
        select.and("owner_email = $?", email);
    }
    if let Some(status) = &filter.status {
        select.and("lower(status) = $?", status.to_lowercase());
    }
    if let Some(kind) = &filter.kind {
        select.and("lower(kind) = $?", kind.to_lowercase());
    }
    select.end("ORDER BY source, tree_group, name, id LIMIT $?", limit);
    select.query(tx, read)
}

/// A pattern that finds a fragment anywhere, in any case.
pub(crate) fn like(fragment: &str) -> String {
    let mut pattern = String::from("%");
    for c in fragment.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
