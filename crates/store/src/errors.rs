//! Rows of run errors.

use crate::trees::like;
use crate::{Error, Row, Select, Sql, Tx};
use model::id::{ErrorId, RunId, SpaceId, TriggerId};
use model::run::RunError;
use model::time::Micros;
use serde::{Deserialize, Serialize};

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

const DELETE: Sql = Sql::both("DELETE FROM errors WHERE id = $1 AND active = FALSE");

/// Removes an error that was dealt with; false when it is open or gone.
///
/// # Errors
/// Those of the store.
pub fn delete(tx: &mut Tx, id: ErrorId) -> Result<bool, Error> {
    Ok(tx.execute(&DELETE, &[id.into()])? == 1)
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
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
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
    /// At nodes of this handler or routine.
    #[serde(default)]
    pub definition_id: Option<String>,
    /// That this trigger led to.
    #[serde(default)]
    pub trigger_id: Option<i64>,
    /// Whether `start` and `end` mean when they were last changed, and order them by it.
    #[serde(default)]
    pub by_change: bool,
    /// Oldest first.
    #[serde(default)]
    pub ascending: bool,
    /// Only those with a smaller number, for paging.
    pub before: Option<i64>,
    /// Whose summary is this.
    pub summary: Option<String>,
    /// These, and no others; empty: all. Those that were not asked for by the other fields are
    /// left out.
    pub ids: Vec<i64>,
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
    if let Some(definition) = &filter.definition_id {
        select.and(
            "EXISTS (SELECT 1 FROM tasks k WHERE k.run_id = e.run_id AND k.seq = e.task_seq \
             AND k.definition_id = $?)",
            definition,
        );
    }
    if let Some(trigger) = filter.trigger_id {
        select.and("e.trigger_id = $?", trigger);
    }
    let (from, to) = if filter.by_change {
        ("e.updated_at >= $?", "e.updated_at < $?")
    } else {
        ("e.created_at >= $?", "e.created_at < $?")
    };
    if let Some(start) = filter.start {
        select.and(from, start);
    }
    if let Some(end) = filter.end {
        select.and(to, end);
    }
    if let Some(summary) = &filter.summary {
        select.and("e.summary = $?", summary);
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
    let order = match (filter.by_change, filter.ascending) {
        (false, false) => "ORDER BY e.id DESC LIMIT $?",
        (false, true) => "ORDER BY e.id LIMIT $?",
        (true, false) => "ORDER BY e.updated_at DESC, e.id DESC LIMIT $?",
        (true, true) => "ORDER BY e.updated_at, e.id LIMIT $?",
    };
    select.end(order, limit);
    select.query(tx, read)
}

/// The numbers of errors that follow one another, from `after` to `upto`, oldest first.
///
/// # Errors
/// Those of the store.
pub fn following(
    tx: &mut Tx,
    space: &SpaceId,
    filter: &Filter,
    after: i64,
    upto: i64,
    limit: i64,
) -> Result<Vec<ErrorId>, Error> {
    let mut select = Select::new(&IDS, &[space.into()]);
    narrow(&mut select, filter);
    select.and("e.id > $?", after);
    select.and("e.id <= $?", upto);
    if !filter.ids.is_empty() {
        let mut ids: Vec<i64> =
            filter.ids.iter().copied().filter(|id| (after + 1..=upto).contains(id)).collect();
        ids.sort_unstable();
        ids.truncate(usize::try_from(limit).unwrap_or_default());
        select.and_in("e.id", ids.into_iter().map(Into::into).collect());
    }
    select.end("ORDER BY e.id LIMIT $?", limit);
    select.query(tx, |row| Ok(ErrorId(row.i64(0)?)))
}

const IDS: Sql = Sql::both(
    "SELECT e.id FROM errors e JOIN runs r ON r.id = e.run_id \
     JOIN trees t ON t.id = r.tree_id WHERE r.space_id = $1",
);

/// The largest number of an error.
///
/// # Errors
/// Those of the store.
pub fn last(tx: &mut Tx) -> Result<i64, Error> {
    tx.query_one(&LAST, &[], |row| row.i64(0))
}

const LAST: Sql = Sql::both("SELECT coalesce(max(id), 0) FROM errors");

/// Errors of one cause.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The documented type.
    pub kind: String,
    /// What they say.
    pub summary: String,
    /// The node.
    pub node_id: Option<String>,
    /// The tree's id.
    pub tree_id: String,
    /// The tree's source, group and name.
    pub tree: [String; 3],
    /// How many there are.
    pub count: i64,
    /// The oldest and the newest.
    pub first_at: Micros,
    /// When the newest happened.
    pub last_at: Micros,
    /// The newest one's number.
    pub last_id: ErrorId,
}

const GROUPS: Sql = Sql::both(
    "SELECT DISTINCT e.kind, e.summary, e.node_id, t.id, t.source, t.tree_group, t.name, \
     count(*) OVER (PARTITION BY e.kind, e.summary, e.node_id, t.id), \
     min(e.created_at) OVER (PARTITION BY e.kind, e.summary, e.node_id, t.id), \
     max(e.created_at) OVER (PARTITION BY e.kind, e.summary, e.node_id, t.id), \
     max(e.id) OVER (PARTITION BY e.kind, e.summary, e.node_id, t.id) \
     FROM errors e JOIN runs r ON r.id = e.run_id JOIN trees t ON t.id = r.tree_id \
     WHERE r.space_id = $1",
);

/// Groups errors by type, tree, node and summary, the largest group first.
///
/// # Errors
/// Those of the store.
pub fn groups(
    tx: &mut Tx,
    space: &SpaceId,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Group>, Error> {
    let mut select = Select::new(&GROUPS, &[space.into()]);
    narrow(&mut select, filter);
    select.end("ORDER BY 8 DESC, 11 DESC LIMIT $?", limit);
    select.query(tx, |row| {
        Ok(Group {
            kind: row.text(0)?,
            summary: row.text(1)?,
            node_id: row.opt_text(2)?,
            tree_id: row.text(3)?,
            tree: [row.text(4)?, row.text(5)?, row.text(6)?],
            count: row.i64(7)?,
            first_at: row.micros(8)?,
            last_at: row.micros(9)?,
            last_id: ErrorId(row.i64(10)?),
        })
    })
}
