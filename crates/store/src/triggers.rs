//! Rows of triggers. Those that are `New` and not scheduled are a run's inbox: whoever completes a
//! deferral or decides about an error adds one, and the engine takes them in the order of their
//! numbers, in the write that moves the run.

use crate::rows::Insert;
use crate::trees::like;
use crate::{Error, Row, Select, Sql, Tx, Value};
use model::id::{RunId, SpaceId, TriggerId};
use model::run::{Trigger, TriggerStatus};
use model::time::Micros;

/// The result under which a manual trigger keeps its selection criterion.
pub const CRITERION: &str = "selectionCriterion";

macro_rules! select {
    ($tail:literal) => {
        Sql::both(concat!(
            "SELECT g.id, g.run_id, g.action, g.kind, g.status, g.node_id, g.node_name, ",
            "g.loop_index, g.branch_id, g.originator, g.scheduled_at, g.token, g.results, ",
            "g.message, g.created_at, g.updated_at FROM triggers g ",
            $tail
        ))
    };
}

fn read(row: &Row) -> Result<Trigger, Error> {
    let status = row.text(4)?;
    Ok(Trigger {
        id: TriggerId(row.i64(0)?),
        run_id: RunId(row.i64(1)?),
        action: row.text(2)?,
        kind: row.text(3)?,
        status: TriggerStatus::parse(&status)
            .ok_or_else(|| Error::db(format!("{status} is not a trigger status")))?,
        node_id: row.text(5)?,
        node_name: row.text(6)?,
        loop_index: row.text(7)?,
        branch_id: row.i64(8)?,
        originator: row.text(9)?,
        scheduled_at: row.opt_micros(10)?,
        token: row.opt_text(11)?,
        results: row.json(12)?,
        message: row.opt_text(13)?,
        created_at: row.micros(14)?,
        updated_at: row.micros(15)?,
    })
}

static INSERT: Insert = Insert::new(
    "triggers",
    "run_id, action, kind, status, node_id, node_name, loop_index, branch_id, originator, \
     scheduled_at, token, results, message, created_at, updated_at",
);
const INSERT_NUMBERED: Sql = Sql::both(
    "INSERT INTO triggers (run_id, action, kind, status, node_id, node_name, loop_index, \
     branch_id, originator, scheduled_at, token, results, message, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) RETURNING id",
);

fn values(run: RunId, trigger: &Trigger) -> [Value<'_>; 15] {
    let t = trigger;
    [
        run.into(),
        (&t.action).into(),
        (&t.kind).into(),
        t.status.as_str().into(),
        (&t.node_id).into(),
        (&t.node_name).into(),
        (&t.loop_index).into(),
        t.branch_id.into(),
        (&t.originator).into(),
        t.scheduled_at.into(),
        t.token.as_ref().into(),
        (&t.results).into(),
        t.message.as_ref().into(),
        t.created_at.into(),
        t.updated_at.into(),
    ]
}

/// Adds a trigger; its id is drawn by the database.
///
/// # Errors
/// Those of the store.
pub fn insert(tx: &mut Tx, trigger: &Trigger) -> Result<(), Error> {
    insert_all(tx, trigger.run_id, std::slice::from_ref(trigger))
}

/// Adds triggers of a run, sixteen in a statement; their ids are drawn by the database.
///
/// # Errors
/// Those of the store.
pub fn insert_all(tx: &mut Tx, run: RunId, triggers: &[Trigger]) -> Result<(), Error> {
    let rows: Vec<_> = triggers.iter().map(|trigger| values(run, trigger).to_vec()).collect();
    INSERT.push(tx, &rows)
}

/// Adds a trigger and returns its number.
///
/// # Errors
/// Those of the store.
pub fn insert_numbered(tx: &mut Tx, trigger: &Trigger) -> Result<TriggerId, Error> {
    tx.query_one(&INSERT_NUMBERED, &values(trigger.run_id, trigger), |row| {
        Ok(TriggerId(row.i64(0)?))
    })
}

/// Triggers that one reading of an inbox returns at most.
pub const INBOX_ROWS: usize = 1_000;

// The terms of the index `triggers_inbox`, and what is not due left out.
const INBOX: Sql = select!(
    "WHERE g.run_id = $1 AND g.status = 'New' AND (g.scheduled_at IS NULL OR g.kind = 'Manual') \
     AND (g.scheduled_at IS NULL OR g.scheduled_at <= $3) ORDER BY g.id LIMIT $2"
);

/// What waits to be taken by the engine, in order.
///
/// # Errors
/// Those of the store.
pub fn inbox(tx: &mut Tx, run: RunId, now: Micros) -> Result<Vec<Trigger>, Error> {
    tx.query(&INBOX, &[run.into(), INBOX_ROWS.into(), now.into()], read)
}

/// The statement that reads an inbox: for tests of plans.
pub fn inbox_statement() -> Sql {
    INBOX
}

const DUE_BY_HAND: Sql = Sql::both(
    "SELECT g.run_id FROM triggers g JOIN runs r ON r.id = g.run_id \
     WHERE g.status = 'New' AND g.scheduled_at <= $1 AND g.kind = 'Manual' \
     AND r.space_id NOT IN (SELECT space_id FROM stopped_engines) \
     AND NOT EXISTS (SELECT 1 FROM restorations h WHERE h.space_id = r.space_id \
       AND h.are_runs_held = TRUE AND r.created_at <= h.restored_at) \
     ORDER BY g.scheduled_at, g.id LIMIT $2",
);

/// Runs with a node that a person has scheduled and whose time has come, at most `limit`.
///
/// # Errors
/// Those of the store.
pub fn due_by_hand(tx: &mut Tx, now: Micros, limit: i64) -> Result<Vec<RunId>, Error> {
    tx.query(&DUE_BY_HAND, &[now.into(), limit.into()], |row| Ok(RunId(row.i64(0)?)))
}

const HOLD: Sql = Sql::both(
    "UPDATE triggers SET status = $2, updated_at = $4 \
     WHERE id = $1 AND status = $3 AND kind = 'Manual' AND action = 'Root'",
);

/// Moves a manual trigger between `New` and `Paused`; false when it is another's or was taken.
///
/// # Errors
/// Those of the store.
pub fn hold(
    tx: &mut Tx,
    id: TriggerId,
    from: TriggerStatus,
    to: TriggerStatus,
    now: Micros,
) -> Result<bool, Error> {
    let values = [id.into(), to.as_str().into(), from.as_str().into(), now.into()];
    Ok(tx.execute(&HOLD, &values)? == 1)
}

const DELETE: Sql = Sql::both(
    "DELETE FROM triggers WHERE id = $1 AND ((kind = 'Manual' AND action = 'Root' \
     AND status IN ('New', 'Paused')) OR run_id IN \
     (SELECT id FROM runs WHERE state IN ('Complete', 'Cancelled')))",
);

/// Removes a manual trigger that was not taken, or any of a run that is finished; false for
/// others.
///
/// # Errors
/// Those of the store.
pub fn delete(tx: &mut Tx, id: TriggerId) -> Result<bool, Error> {
    Ok(tx.execute(&DELETE, &[id.into()])? == 1)
}

const OF_RUN: Sql = select!("WHERE g.run_id = $1 ORDER BY g.id");

/// All triggers of a run, in order.
///
/// # Errors
/// Those of the store.
pub fn of_run(tx: &mut Tx, run: RunId) -> Result<Vec<Trigger>, Error> {
    tx.query(&OF_RUN, &[run.into()], read)
}

const IS_COMPLETED: Sql = Sql::both(
    "SELECT count(*) FROM triggers WHERE run_id = $1 AND token = $2 AND action = 'Complete' \
     AND kind = 'Deferred'",
);

/// Whether somebody has brought a completion for a token.
///
/// # Errors
/// Those of the store.
pub fn is_completed(tx: &mut Tx, run: RunId, token: &str) -> Result<bool, Error> {
    let count = tx.query_one(&IS_COMPLETED, &[run.into(), token.into()], |row| row.i64(0))?;
    Ok(count > 0)
}

const CLOSE: Sql = Sql::per(
    "UPDATE triggers SET status = 'Closed', updated_at = $2 \
     WHERE id IN (SELECT value FROM json_each($1)) AND status = 'New'",
    "UPDATE triggers SET status = 'Closed', updated_at = $2 \
     WHERE id IN (SELECT CAST(value AS BIGINT) \
     FROM json_array_elements_text(CAST(CAST($1 AS TEXT) AS JSON))) AND status = 'New'",
);

/// Notes that these triggers of an inbox were taken: what came meanwhile was not.
///
/// # Errors
/// Those of the store.
pub fn close(tx: &mut Tx, ids: &[TriggerId], now: Micros) -> Result<(), Error> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids: serde_json::Value = ids.iter().map(|id| id.0).collect();
    tx.push(&CLOSE, &[ids.into(), now.into()])
}

const CLOSE_DUE: Sql = Sql::both(
    "UPDATE triggers SET status = 'Closed', updated_at = $3 \
     WHERE run_id = $1 AND token = $2 AND status = 'New' AND scheduled_at IS NOT NULL",
);

/// Notes that the scheduled trigger of a task came due.
///
/// # Errors
/// Those of the store.
pub fn close_due(tx: &mut Tx, run: RunId, token: &str, now: Micros) -> Result<(), Error> {
    tx.push(&CLOSE_DUE, &[run.into(), token.into(), now.into()])
}

const CLOSE_ALL: Sql = Sql::both(
    "UPDATE triggers SET status = 'Closed', updated_at = $2 \
     WHERE run_id = $1 AND status IN ('New', 'Paused')",
);

/// Closes whatever waits in a run that was called off.
///
/// # Errors
/// Those of the store.
pub fn close_all(tx: &mut Tx, run: RunId, now: Micros) -> Result<(), Error> {
    tx.push(&CLOSE_ALL, &[run.into(), now.into()])
}

/// Which triggers to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this run.
    pub run_id: Option<RunId>,
    /// Of trees of this source.
    pub source: Option<String>,
    /// Of trees of this group.
    pub group: Option<String>,
    /// Of trees of this name.
    pub tree: Option<String>,
    /// Of trees of this type.
    pub tree_kind: Option<String>,
    /// Of this branch.
    pub branch_id: Option<i64>,
    /// That carry this decision about an error.
    pub management_action: Option<String>,
    /// That were given this criterion.
    pub selection_criterion: Option<String>,
    /// Which time `start` and `end` mean, and by which they are ordered; `None`: when they were
    /// made.
    pub timeline: Option<Timeline>,
    /// Oldest first.
    pub ascending: bool,
    /// Of this tree.
    pub tree_id: Option<String>,
    /// Of runs about this record.
    pub source_record_id: Option<String>,
    /// Made from this instant on.
    pub start: Option<Micros>,
    /// Made before this instant.
    pub end: Option<Micros>,
    /// `Root`, `Complete`, `Update`.
    pub action: Option<String>,
    /// A status.
    pub status: Option<String>,
    /// A token.
    pub token: Option<String>,
    /// Only those that wait for their time.
    pub scheduled: bool,
    /// Only those with a smaller number, for paging.
    pub before: Option<i64>,
}

/// A time of a trigger other than that of its making.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeline {
    /// When it is due.
    ScheduledAt,
    /// When it last changed.
    UpdatedAt,
}

const LIST: Sql = select!(
    "JOIN runs r ON r.id = g.run_id JOIN trees t ON t.id = r.tree_id WHERE r.space_id = $1"
);

const COUNT: Sql = Sql::both(
    "SELECT count(*) FROM triggers g JOIN runs r ON r.id = g.run_id \
     JOIN trees t ON t.id = r.tree_id WHERE r.space_id = $1",
);

fn narrow<'a>(select: &mut Select<'a>, filter: &'a Filter) {
    if let Some(run) = filter.run_id {
        select.and("g.run_id = $?", run);
    }
    let texts: [(&'static str, &'a Option<String>); 6] = [
        ("t.kind = $?", &filter.tree_kind),
        ("t.source = $?", &filter.source),
        ("t.tree_group = $?", &filter.group),
        ("t.name = $?", &filter.tree),
        ("r.tree_id = $?", &filter.tree_id),
        ("r.source_record_id = $?", &filter.source_record_id),
    ];
    for (fragment, value) in texts {
        if let Some(value) = value {
            select.and(fragment, value);
        }
    }
    if let Some(branch) = filter.branch_id {
        select.and("g.branch_id = $?", branch);
    }
    let results = [("action", &filter.management_action), (CRITERION, &filter.selection_criterion)];
    for (name, value) in results {
        if let Some(value) = value {
            let pair = serde_json::json!({ name: value }).to_string();
            let pair = pair.trim_matches(['{', '}']);
            select.and("lower(g.results) LIKE $? ESCAPE '\\'", like(pair));
        }
    }
    let (from, to) = match filter.timeline {
        None => ("g.created_at >= $?", "g.created_at < $?"),
        Some(Timeline::ScheduledAt) => ("g.scheduled_at >= $?", "g.scheduled_at < $?"),
        Some(Timeline::UpdatedAt) => ("g.updated_at >= $?", "g.updated_at < $?"),
    };
    if let Some(start) = filter.start {
        select.and(from, start);
    }
    if let Some(end) = filter.end {
        select.and(to, end);
    }
    if let Some(action) = &filter.action {
        select.and("lower(g.action) = $?", action.to_lowercase());
    }
    if let Some(status) = &filter.status {
        select.and("lower(g.status) = $?", status.to_lowercase());
    }
    if let Some(token) = &filter.token {
        select.and("g.token = $?", token);
    }
    if filter.scheduled {
        select.and_plain("g.status = 'New' AND g.scheduled_at IS NOT NULL");
    }
    if let Some(before) = filter.before {
        select.and("g.id < $?", before);
    }
}

/// Counts triggers.
///
/// # Errors
/// Those of the store.
pub fn count(tx: &mut Tx, space: &SpaceId, filter: &Filter) -> Result<i64, Error> {
    let mut select = Select::new(&COUNT, &[space.into()]);
    narrow(&mut select, filter);
    Ok(select.query(tx, |row| row.i64(0))?.first().copied().unwrap_or_default())
}

/// Lists triggers, newest first.
///
/// # Errors
/// Those of the store.
pub fn list(
    tx: &mut Tx,
    space: &SpaceId,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Trigger>, Error> {
    let mut select = Select::new(&LIST, &[space.into()]);
    narrow(&mut select, filter);
    let order = match (filter.timeline, filter.ascending) {
        (None, false) => "ORDER BY g.id DESC LIMIT $?",
        (None, true) => "ORDER BY g.id LIMIT $?",
        (Some(Timeline::ScheduledAt), false) => "ORDER BY g.scheduled_at DESC, g.id DESC LIMIT $?",
        (Some(Timeline::ScheduledAt), true) => "ORDER BY g.scheduled_at, g.id LIMIT $?",
        (Some(Timeline::UpdatedAt), false) => "ORDER BY g.updated_at DESC, g.id DESC LIMIT $?",
        (Some(Timeline::UpdatedAt), true) => "ORDER BY g.updated_at, g.id LIMIT $?",
    };
    select.end(order, limit);
    select.query(tx, read)
}

const BY_ID: Sql = select!("JOIN runs r ON r.id = g.run_id WHERE r.space_id = $1 AND g.id = $2");

/// Finds a trigger.
///
/// # Errors
/// Those of the store.
pub fn by_id(tx: &mut Tx, space: &SpaceId, id: TriggerId) -> Result<Option<Trigger>, Error> {
    tx.query_opt(&BY_ID, &[space.into(), id.into()], read)
}
