//! Rows of schedules: trees that start by the clock.

use crate::spaces::audit;
use crate::{Error, Row, Sql, Tx};
use model::Audit;
use model::id::{RunId, SpaceId};
use model::time::Micros;

/// A tree that starts by the clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Its id.
    pub id: String,
    /// Its space.
    pub space_id: SpaceId,
    /// Unique in the space.
    pub name: String,
    /// The tree's source.
    pub source: String,
    /// The tree's group.
    pub group: String,
    /// The tree's name.
    pub tree: String,
    /// When, as five cron fields.
    pub cron: String,
    /// The IANA time zone in which they are read.
    pub time_zone: String,
    /// The source data of its runs; blank: a document about the schedule.
    pub data: String,
    /// Whether it starts anything.
    pub enabled: bool,
    /// When it starts a run next.
    pub next_at: Option<Micros>,
    /// The time for which it last started one.
    pub last_at: Option<Micros>,
    /// That run.
    pub last_run_id: Option<RunId>,
    /// What came of it, in words.
    pub last_message: Option<String>,
    /// Who and when.
    pub audit: Audit,
}

macro_rules! select {
    ($tail:literal) => {
        Sql::both(concat!(
            "SELECT id, space_id, name, source, tree_group, tree, cron, time_zone, data, enabled, ",
            "next_at, last_at, last_run_id, last_message, created_at, created_by, updated_at, ",
            "updated_by FROM schedules ",
            $tail
        ))
    };
}

fn read(row: &Row) -> Result<Schedule, Error> {
    Ok(Schedule {
        id: row.text(0)?,
        space_id: SpaceId(row.text(1)?),
        name: row.text(2)?,
        source: row.text(3)?,
        group: row.text(4)?,
        tree: row.text(5)?,
        cron: row.text(6)?,
        time_zone: row.text(7)?,
        data: row.text(8)?,
        enabled: row.bool(9)?,
        next_at: row.opt_micros(10)?,
        last_at: row.opt_micros(11)?,
        last_run_id: row.opt_i64(12)?.map(RunId),
        last_message: row.opt_text(13)?,
        audit: audit(row, 14)?,
    })
}

const INSERT: Sql = Sql::both(
    "INSERT INTO schedules (id, space_id, name, source, tree_group, tree, cron, time_zone, data, \
     enabled, next_at, created_at, created_by, updated_at, updated_by) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
);

/// Adds a schedule.
///
/// # Errors
/// `Unique` when its name is taken.
pub fn insert(tx: &mut Tx, schedule: &Schedule) -> Result<(), Error> {
    let s = schedule;
    tx.execute(
        &INSERT,
        &[
            (&s.id).into(),
            (&s.space_id).into(),
            (&s.name).into(),
            (&s.source).into(),
            (&s.group).into(),
            (&s.tree).into(),
            (&s.cron).into(),
            (&s.time_zone).into(),
            (&s.data).into(),
            s.enabled.into(),
            s.next_at.into(),
            s.audit.created_at.into(),
            (&s.audit.created_by).into(),
            s.audit.updated_at.into(),
            (&s.audit.updated_by).into(),
        ],
    )?;
    Ok(())
}

const UPDATE: Sql = Sql::both(
    "UPDATE schedules SET name = $2, source = $3, tree_group = $4, tree = $5, cron = $6, \
     time_zone = $7, data = $8, enabled = $9, next_at = $10, updated_at = $11, updated_by = $12 \
     WHERE id = $1",
);

/// Changes a schedule; false when it is gone.
///
/// # Errors
/// `Unique` when its new name is taken.
pub fn update(tx: &mut Tx, schedule: &Schedule) -> Result<bool, Error> {
    let s = schedule;
    let changed = tx.execute(
        &UPDATE,
        &[
            (&s.id).into(),
            (&s.name).into(),
            (&s.source).into(),
            (&s.group).into(),
            (&s.tree).into(),
            (&s.cron).into(),
            (&s.time_zone).into(),
            (&s.data).into(),
            s.enabled.into(),
            s.next_at.into(),
            s.audit.updated_at.into(),
            (&s.audit.updated_by).into(),
        ],
    )?;
    Ok(changed == 1)
}

const DELETE: Sql = Sql::both("DELETE FROM schedules WHERE id = $1");

/// Removes a schedule.
///
/// # Errors
/// Those of the store.
pub fn delete(tx: &mut Tx, id: &str) -> Result<(), Error> {
    tx.push(&DELETE, &[id.into()])
}

const BY_NAME: Sql = select!("WHERE space_id = $1 AND name = $2");

/// Finds a schedule.
///
/// # Errors
/// Those of the store.
pub fn by_name(tx: &mut Tx, space: &SpaceId, name: &str) -> Result<Option<Schedule>, Error> {
    tx.query_opt(&BY_NAME, &[space.into(), name.into()], read)
}

const LIST: Sql = select!("WHERE space_id = $1 ORDER BY name LIMIT $2");

/// Lists schedules by name.
///
/// # Errors
/// Those of the store.
pub fn list(tx: &mut Tx, space: &SpaceId, limit: i64) -> Result<Vec<Schedule>, Error> {
    tx.query(&LIST, &[space.into(), limit.into()], read)
}

// Those of a restored copy wait for a decision; see `restorations`.
const DUE: Sql = select!(
    "WHERE next_at <= $1 AND NOT EXISTS (SELECT 1 FROM restorations h \
     WHERE h.space_id = schedules.space_id AND h.are_runs_held = TRUE) ORDER BY next_at LIMIT $2"
);

/// Schedules that are due, of all spaces.
///
/// # Errors
/// Those of the store.
pub fn due(tx: &mut Tx, now: Micros, limit: i64) -> Result<Vec<Schedule>, Error> {
    tx.query(&DUE, &[now.into(), limit.into()], read)
}

const NEXT: Sql = Sql::both(
    "SELECT min(next_at) FROM schedules WHERE next_at IS NOT NULL \
     AND NOT EXISTS (SELECT 1 FROM restorations h WHERE h.space_id = schedules.space_id \
     AND h.are_runs_held = TRUE)",
);

const MISSED: Sql = select!("WHERE space_id = $1 AND next_at <= $2 ORDER BY next_at LIMIT 1000");

/// Schedules of a space that are due, held or not.
///
/// # Errors
/// Those of the store.
pub fn missed(tx: &mut Tx, space: &SpaceId, now: Micros) -> Result<Vec<Schedule>, Error> {
    tx.query(&MISSED, &[space.into(), now.into()], read)
}

/// When the next schedule is due.
///
/// # Errors
/// Those of the store.
pub fn next(tx: &mut Tx) -> Result<Option<Micros>, Error> {
    tx.query_one(&NEXT, &[], |row| row.opt_micros(0))
}

const TAKE: Sql = Sql::both(
    "UPDATE schedules SET next_at = $3, last_at = $4 \
     WHERE id = $1 AND next_at = $2 AND enabled = TRUE",
);

/// Takes a schedule that is due at `due`; false when another node was first or it has changed.
///
/// # Errors
/// Those of the store.
pub fn take(
    tx: &mut Tx,
    id: &str,
    due: Micros,
    next: Option<Micros>,
    at: Micros,
) -> Result<bool, Error> {
    Ok(tx.execute(&TAKE, &[id.into(), due.into(), next.into(), at.into()])? == 1)
}

const TELL: Sql =
    Sql::both("UPDATE schedules SET last_run_id = $2, last_message = $3 WHERE id = $1");

/// Notes what came of a start.
///
/// # Errors
/// Those of the store.
pub fn tell(tx: &mut Tx, id: &str, run: Option<RunId>, message: &str) -> Result<(), Error> {
    tx.push(&TELL, &[id.into(), run.map(|run| run.0).into(), message.into()])
}
