//! Rows of run errors.

use crate::trees::like;
use crate::{Error, Row, Select, Sql, Tx};
use model::id::{ErrorId, RunId, SpaceId, TriggerId};
use model::run::RunError;
use model::time::Micros;

macro_rules! select {
    ($tail:literal) => {
        Sql::both(concat!(
            "SELECT e.id, e.run_id, e.trigger_id, e.task_seq, e.node_id, e.active, e.kind, ",
            "e.summary, e.detail, e.resolution, e.created_at, e.updated_at FROM errors e ",
            $tail
        ))
    };
}

fn read(row: &Row) -> Result<RunError, Error> {
    Ok(RunError {
        id: ErrorId(row.i64(0)?),
        run_id: RunId(row.i64(1)?),
        trigger_id: row.opt_i64(2)?.map(TriggerId),
        task_seq: row.opt_i64(3)?,
        node_id: row.opt_text(4)?,
        active: row.bool(5)?,
        kind: row.text(6)?,
        summary: row.text(7)?,
        text: row.text(8)?,
        resolution: row.json(9)?,
        created_at: row.micros(10)?,
        updated_at: row.micros(11)?,
    })
}

const INSERT: Sql = Sql::both(
    "INSERT INTO errors (run_id, trigger_id, task_seq, node_id, active, kind, summary, detail, \
     resolution, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
     RETURNING id",
);

/// Adds an error and returns its number; its id is ignored.
///
/// # Errors
/// Those of the store.
pub fn insert(tx: &mut Tx, error: &RunError) -> Result<ErrorId, Error> {
    let e = error;
    tx.query_one(
        &INSERT,
        &[
            e.run_id.into(),
            e.trigger_id.into(),
            e.task_seq.into(),
            e.node_id.as_ref().into(),
            e.active.into(),
            (&e.kind).into(),
            (&e.summary).into(),
            (&e.text).into(),
            (&e.resolution).into(),
            e.created_at.into(),
            e.updated_at.into(),
        ],
        |row| Ok(ErrorId(row.i64(0)?)),
    )
}

const HANDLE: Sql = Sql::both(
    "UPDATE errors SET active = FALSE, resolution = $2, updated_at = $3 \
     WHERE id = $1 AND active = TRUE",
);

/// Notes how an error was dealt with; false when somebody was first.
///
/// # Errors
/// Those of the store.
pub fn handle(
    tx: &mut Tx,
    id: ErrorId,
    resolution: &serde_json::Value,
    now: Micros,
) -> Result<bool, Error> {
    Ok(tx.execute(&HANDLE, &[id.into(), resolution.into(), now.into()])? == 1)
}

const HANDLE_ALL: Sql = Sql::both(
    "UPDATE errors SET active = FALSE, resolution = $2, updated_at = $3 \
     WHERE run_id = $1 AND active = TRUE",
);

/// Closes all errors of a run that was called off.
///
/// # Errors
/// Those of the store.
pub fn handle_all(
    tx: &mut Tx,
    run: RunId,
    resolution: &serde_json::Value,
    now: Micros,
) -> Result<(), Error> {
    tx.push(&HANDLE_ALL, &[run.into(), resolution.into(), now.into()])
}

const BY_ID: Sql = select!("JOIN runs r ON r.id = e.run_id WHERE r.space_id = $1 AND e.id = $2");

/// Finds an error.
///
/// # Errors
/// Those of the store.
pub fn by_id(tx: &mut Tx, space: &SpaceId, id: ErrorId) -> Result<Option<RunError>, Error> {
    tx.query_opt(&BY_ID, &[space.into(), id.into()], read)
}

const OF_RUN: Sql = select!("WHERE e.run_id = $1 ORDER BY e.id");

/// All errors of a run, in order.
///
/// # Errors
/// Those of the store.
pub fn of_run(tx: &mut Tx, run: RunId) -> Result<Vec<RunError>, Error> {
    tx.query(&OF_RUN, &[run.into()], read)
}

/// Which errors to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this run.
    pub run_id: Option<RunId>,
    /// Whether still open.
    pub active: Option<bool>,
    /// The documented type.
    pub kind: Option<String>,
    /// At this node.
    pub node_id: Option<String>,
    /// Of trees of this source.
    pub source: Option<String>,
    /// Of trees of this group.
    pub group: Option<String>,
    /// Of trees whose group holds this.
    pub group_fragment: Option<String>,
    /// Of trees of this name.
    pub tree: Option<String>,
    /// Of trees whose name holds this.
    pub tree_fragment: Option<String>,
    /// Of this tree.
    pub tree_id: Option<String>,
    /// Of runs about this record.
    pub source_record_id: Option<String>,
    /// From this instant on.
    pub start: Option<Micros>,
    /// Before this instant.
    pub end: Option<Micros>,
    /// Only those with a smaller number, for paging.
    pub before: Option<i64>,
}

const LIST: Sql = select!(
    "JOIN runs r ON r.id = e.run_id JOIN trees t ON t.id = r.tree_id WHERE r.space_id = $1"
);

const COUNT: Sql = Sql::both(
    "SELECT count(*) FROM errors e JOIN runs r ON r.id = e.run_id \
     JOIN trees t ON t.id = r.tree_id WHERE r.space_id = $1",
);

fn narrow<'a>(select: &mut Select<'a>, filter: &'a Filter) {
    if let Some(run) = filter.run_id {
        select.and("e.run_id = $?", run);
    }
    if let Some(active) = filter.active {
        select.and("e.active = $?", active);
    }
    if let Some(kind) = &filter.kind {
        select.and("lower(e.kind) = $?", kind.to_lowercase());
    }
    if let Some(node) = &filter.node_id {
        select.and("e.node_id = $?", node);
    }
    if let Some(source) = &filter.source {
        select.and("t.source = $?", source);
    }
    if let Some(group) = &filter.group {
        select.and("t.tree_group = $?", group);
    }
    if let Some(tree) = &filter.tree {
        select.and("t.name = $?", tree);
    }
    if let Some(fragment) = &filter.group_fragment {
        select.and("lower(t.tree_group) LIKE $? ESCAPE '\\'", like(fragment));
    }
    if let Some(fragment) = &filter.tree_fragment {
        select.and("lower(t.name) LIKE $? ESCAPE '\\'", like(fragment));
    }
    if let Some(tree) = &filter.tree_id {
        select.and("r.tree_id = $?", tree);
    }
    if let Some(record) = &filter.source_record_id {
        select.and("r.source_record_id = $?", record);
    }
    if let Some(start) = filter.start {
        select.and("e.created_at >= $?", start);
    }
    if let Some(end) = filter.end {
        select.and("e.created_at < $?", end);
    }
    if let Some(before) = filter.before {
        select.and("e.id < $?", before);
    }
}

/// Counts errors.
///
/// # Errors
/// Those of the store.
pub fn count(tx: &mut Tx, space: &SpaceId, filter: &Filter) -> Result<i64, Error> {
    let mut select = Select::new(&COUNT, &[space.into()]);
    narrow(&mut select, filter);
    Ok(select.query(tx, |row| row.i64(0))?.first().copied().unwrap_or_default())
}

/// Lists errors, newest first.
///
/// # Errors
/// Those of the store.
pub fn list(
    tx: &mut Tx,
    space: &SpaceId,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<RunError>, Error> {
    let mut select = Select::new(&LIST, &[space.into()]);
    narrow(&mut select, filter);
    select.end("ORDER BY e.id DESC LIMIT $?", limit);
    select.query(tx, read)
}
