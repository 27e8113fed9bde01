//! Claims: which jobs a node takes from the table, lane by lane.
//!
//! A job in the table is **free** or leased. Free ones stand in the index `jobs_due`, by lane and
//! time. A look steps from lane to lane along that index and reads the first job of each, so that
//! a million jobs of a lane that is held cost as much as one. What is paused or disabled is never
//! claimed, whatever a node remembers of it. A job that is born leased and ends well never enters
//! that index.
//!
//! Leases that are void (their node is gone) are found along `jobs_leased`, and ended: then the
//! jobs are free like all others. Jobs whose lane is not known, for an older version wrote them,
//! stand in lane 0 until [`adopt`] names it.
//!
//! SQLite keeps no statistics and is told the index by name.

use model::id::{JobId, SpaceId, WebhookId};
use model::job::Job;
use model::lane::LaneId;
use model::time::Micros;

use crate::{Dialect, Error, Sql, Tx};

/// Rows that [`adopt`] and [`free_void`] change at once.
const BATCH: i64 = 500;

/// Who claims, and how much.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The node.
    pub node: &'a str,
    /// The present time, which tells what is due.
    pub now: Micros,
    /// When the lease ends.
    pub until: Micros,
    /// Jobs of one lane at most.
    pub limit: i64,
}

/// A lane with free jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The lane; 0 for jobs whose lane is not known.
    pub lane: LaneId,
    /// When its first free job is, or was, due.
    pub due_at: Micros,
    /// Whether a person holds it: its webhook or its space is paused, or the webhook disabled.
    pub is_held: bool,
}

// The terms of the index `jobs_due`.
macro_rules! free {
    ($job:literal) => {
        concat!(
            $job,
            ".state = 'Queued' AND ",
            $job,
            ".leased_until IS NULL AND ",
            $job,
            ".held IS NULL"
        )
    };
}

macro_rules! is_held {
    ($job:literal) => {
        concat!(
            "(EXISTS (SELECT 1 FROM webhooks w WHERE w.id = ",
            $job,
            ".webhook_id AND (w.paused = TRUE OR w.enabled = FALSE)) \
             OR EXISTS (SELECT 1 FROM delivery_settings d WHERE d.space_id = ",
            $job,
            ".space_id AND d.paused = TRUE))"
        )
    };
}

// The next lane is asked for by order and limit, never by `min()`: a planner that expects few rows
// would read all of them.
macro_rules! looking {
    ($hint:literal) => {
        concat!(
            "WITH RECURSIVE ahead (lane, n) AS (\
             SELECT (SELECT f.lane FROM jobs f ",
            $hint,
            " WHERE ",
            free!("f"),
            " AND f.lane > $1 ORDER BY f.lane, f.scheduled_at, f.id LIMIT 1), \
             CAST(1 AS BIGINT) UNION ALL \
             SELECT (SELECT f.lane FROM jobs f ",
            $hint,
            " WHERE ",
            free!("f"),
            " AND f.lane > a.lane ORDER BY f.lane, f.scheduled_at, f.id LIMIT 1), a.n + 1 \
             FROM ahead a WHERE a.lane IS NOT NULL AND a.n < $2) \
             SELECT a.lane, j.scheduled_at, ",
            is_held!("j"),
            " FROM ahead a CROSS JOIN jobs j WHERE a.lane IS NOT NULL AND j.id = (\
             SELECT f.id FROM jobs f ",
            $hint,
            " WHERE ",
            free!("f"),
            " AND f.lane = a.lane ORDER BY f.scheduled_at, f.id LIMIT 1) ORDER BY a.n"
        )
    };
}

// PostgreSQL knows no hints.
const LOOK: Sql = Sql::per(looking!("INDEXED BY jobs_due"), looking!(""));

/// Steps along the lanes after `after` that have free jobs: `limit` of them at most, in the order
/// of their numbers.
///
/// # Errors
/// What the database says.
pub fn waiting(tx: &mut Tx, after: LaneId, limit: usize) -> Result<Vec<Waiting>, Error> {
    tx.query(&LOOK, &[after.0.into(), limit.into()], |row| {
        Ok(Waiting { lane: LaneId(row.i64(0)?), due_at: row.micros(1)?, is_held: row.bool(2)? })
    })
}

macro_rules! take {
    () => {
        "UPDATE jobs SET leased_by = $1, leased_until = $3, epoch = epoch + 1 WHERE id IN ("
    };
}

macro_rules! returning {
    () => {
        ") RETURNING id, space_id, kapp_id, event_id, webhook_id, trace_id, depth, name, \
         type_name, event, parent_type, parent_id, parent_key, url, state, summary, \
         request_content, response_content, retry_count, scheduled_at, started_at, finished_at, \
         run_id, leased_by, leased_until, epoch, created_at, created_by, updated_at, updated_by, \
         error_class"
    };
}

macro_rules! first_of_lane {
    ($hint:literal) => {
        concat!(
            "SELECT f.id FROM jobs f ",
            $hint,
            " WHERE ",
            free!("f"),
            " AND f.lane = l.lane AND f.scheduled_at <= $2 AND NOT ",
            is_held!("f"),
            " ORDER BY f.scheduled_at, f.id LIMIT $5"
        )
    };
}

// Nodes on PostgreSQL claim beside each other: rows that another one is claiming are skipped.
const CLAIM: Sql = Sql::per(
    concat!(
        take!(),
        "SELECT j.id FROM (SELECT value AS lane FROM json_each($4)) l CROSS JOIN jobs j \
         WHERE j.id IN (",
        first_of_lane!("INDEXED BY jobs_due"),
        ")",
        returning!()
    ),
    concat!(
        take!(),
        "SELECT c.id FROM (SELECT CAST(value AS BIGINT) AS lane \
         FROM json_array_elements_text(CAST(CAST($4 AS TEXT) AS JSON))) l CROSS JOIN LATERAL (",
        first_of_lane!(""),
        " FOR UPDATE OF f SKIP LOCKED) c",
        returning!()
    ),
);

/// Leases free jobs of these lanes that are due, oldest first, `limit` of each lane at most.
///
/// # Errors
/// What the database says.
pub fn claim(tx: &mut Tx, claim: &Claim<'_>, lanes: &[LaneId]) -> Result<Vec<Job>, Error> {
    let lanes: Vec<i64> = lanes.iter().map(|lane| lane.0).collect();
    let lanes = serde_json::json!(lanes);
    let values = [
        claim.node.into(),
        claim.now.into(),
        claim.until.into(),
        (&lanes).into(),
        claim.limit.into(),
    ];
    let mut jobs = tx.query(&CLAIM, &values, super::read)?;
    jobs.iter().for_each(|job| super::note_lease(tx, job));
    // RETURNING keeps no order.
    jobs.sort_by(|a, b| (a.scheduled_at, &a.id).cmp(&(b.scheduled_at, &b.id)));
    Ok(jobs)
}

/// The statements of a look and of a claim: for tests of plans.
pub fn claim_statements() -> [Sql; 2] {
    [LOOK, CLAIM]
}

const ANY_VOID: Sql = Sql::both(
    "SELECT id FROM jobs WHERE leased_until IS NOT NULL AND leased_until <= $1 \
     AND state = 'Queued' ORDER BY leased_until LIMIT 1",
);

/// Whether there are leases that ended, of jobs that wait.
///
/// # Errors
/// What the database says.
pub fn any_void(tx: &mut Tx, lease_now: Micros) -> Result<bool, Error> {
    Ok(tx.query_opt(&ANY_VOID, &[lease_now.into()], |_| Ok(()))?.is_some())
}

// The epoch is raised as by a claim, so that whoever held the lease cannot renew it.
const FREE_VOID: Sql = Sql::per(
    "UPDATE jobs SET leased_by = NULL, leased_until = NULL, epoch = epoch + 1 WHERE id IN (\
     SELECT id FROM jobs WHERE leased_until IS NOT NULL AND leased_until <= $1 \
     AND state = 'Queued' ORDER BY leased_until LIMIT $2)",
    "UPDATE jobs SET leased_by = NULL, leased_until = NULL, epoch = epoch + 1 WHERE id IN (\
     SELECT id FROM jobs WHERE leased_until IS NOT NULL AND leased_until <= $1 \
     AND state = 'Queued' ORDER BY leased_until LIMIT $2 FOR UPDATE SKIP LOCKED)",
);

/// Ends leases that are over, of jobs that wait, a batch of them.
///
/// # Errors
/// What the database says.
pub fn free_void(tx: &mut Tx, lease_now: Micros) -> Result<(), Error> {
    tx.push(&FREE_VOID, &[lease_now.into(), BATCH.into()])
}

const FREE_FORMER: Sql = Sql::both(
    "UPDATE jobs SET leased_by = NULL, leased_until = NULL, epoch = epoch + 1 \
     WHERE leased_until IS NOT NULL AND leased_by <> $1 AND state = 'Queued'",
);

/// Ends the leases of earlier lives of this node, of jobs that wait. SQLite serves one process, so
/// whoever else holds one there is gone; on PostgreSQL others are other nodes, and what they hold
/// is theirs until it is void.
///
/// # Errors
/// What the database says.
pub fn free_former(tx: &mut Tx, node: &str) -> Result<(), Error> {
    match tx.dialect() {
        Dialect::Sqlite => tx.push(&FREE_FORMER, &[node.into()]),
        Dialect::Postgres => Ok(()),
    }
}

// On SQLite a lease of another name is one of an earlier life.
const FREE_INTERRUPTED: Sql = Sql::per(
    concat!(
        "UPDATE jobs SET state = 'Queued', leased_by = NULL, leased_until = NULL, \
         epoch = epoch + 1, error_class = 'interrupted' WHERE id IN (\
         SELECT id FROM jobs WHERE state = 'In Progress' \
         AND (leased_until IS NULL OR leased_until <= $1 OR leased_by <> $2) LIMIT $3",
        returning!()
    ),
    concat!(
        "UPDATE jobs SET state = 'Queued', leased_by = NULL, leased_until = NULL, \
         epoch = epoch + 1, error_class = 'interrupted' WHERE id IN (\
         SELECT id FROM jobs WHERE state = 'In Progress' \
         AND (leased_until IS NULL OR leased_until <= $1) AND $2 <> '' \
         LIMIT $3 FOR UPDATE SKIP LOCKED",
        returning!()
    ),
);

/// Puts jobs back whose attempt was under way when their node vanished, a batch of them.
///
/// # Errors
/// What the database says.
pub fn free_interrupted(tx: &mut Tx, node: &str, lease_now: Micros) -> Result<Vec<Job>, Error> {
    tx.query(&FREE_INTERRUPTED, &[lease_now.into(), node.into(), BATCH.into()], super::read)
}

const UNNAMED: Sql = Sql::per(
    "SELECT id, url, space_id, webhook_id FROM jobs INDEXED BY jobs_due WHERE lane = 0 \
     AND state = 'Queued' AND leased_until IS NULL AND held IS NULL \
     ORDER BY scheduled_at, id LIMIT $1",
    "SELECT id, url, space_id, webhook_id FROM jobs WHERE lane = 0 \
     AND state = 'Queued' AND leased_until IS NULL AND held IS NULL \
     ORDER BY scheduled_at, id LIMIT $1 FOR UPDATE SKIP LOCKED",
);
const NAME: Sql = Sql::both("UPDATE jobs SET lane = $2 WHERE id = $1");

/// Names the lane of free jobs of which it is not known, a batch of them.
///
/// # Errors
/// What the database says.
pub fn adopt(tx: &mut Tx) -> Result<(), Error> {
    let jobs = tx.query(&UNNAMED, &[BATCH.into()], |row| {
        let (space, webhook) = (SpaceId(row.text(2)?), row.opt_text(3)?.map(WebhookId));
        Ok((JobId(row.text(0)?), LaneId::of(&row.text(1)?, &space, webhook.as_ref())))
    })?;
    jobs.iter().try_for_each(|(job, lane)| tx.push(&NAME, &[job.into(), lane.0.into()]))
}
