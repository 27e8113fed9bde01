//! The queue: what becomes of jobs that were claimed. They are settled, renewed, released.
//!
//! A lease saves work, the guard carries correctness: a claim raises the epoch, and an outcome is
//! written only where the epoch still is the one that was claimed.

use std::collections::HashSet;

use model::id::{JobId, RunId};
use model::job::{ErrorClass, State};
use model::time::Micros;
use serde_json::json;

use crate::{Dialect, Error, Lease, Sql, Tx};

const MARK_STARTED: Sql = Sql::both(
    "UPDATE jobs SET state = 'In Progress', started_at = coalesce(started_at, $3), \
     updated_at = $3 WHERE id = $1 AND epoch = $2 AND state = 'Queued'",
);

/// Shows that an attempt is under way; nothing when the job moved.
///
/// # Errors
/// What the database says.
pub fn mark_started(tx: &mut Tx, id: &JobId, epoch: i64, at: Micros) -> Result<(), Error> {
    tx.push(&MARK_STARTED, &[id.into(), epoch.into(), at.into()])
}

/// The outcome of an attempt, or what it means for its job.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The job.
    pub id: JobId,
    /// The epoch under which it was claimed.
    pub epoch: i64,
    /// Complete, Failed, or Queued for another attempt.
    pub state: State,
    /// The outcome in a few words.
    pub summary: String,
    /// The body received.
    pub response_content: Option<String>,
    /// Why it failed; `None` for a success.
    pub error_class: Option<ErrorClass>,
    /// Attempts after the first one.
    pub retry_count: i64,
    /// The run it started.
    pub run_id: Option<RunId>,
    /// When it is due again; a job that is over keeps the time it had.
    pub scheduled_at: Micros,
    /// When its first attempt began.
    pub started_at: Micros,
    /// When it reached a final state.
    pub finished_at: Option<Micros>,
    /// The present time.
    pub at: Micros,
}

// A job that is over keeps the time it was due at, which most indexes begin with: an UPDATE that
// names a column writes each of its indexes anew, even with the same value.
const SETTLE_END: Sql = Sql::both(
    "UPDATE jobs SET state = $3, summary = $4, response_content = $5, retry_count = $6, \
     started_at = coalesce(started_at, $7), finished_at = $8, updated_at = $9, \
     leased_by = NULL, leased_until = NULL, run_id = coalesce($10, run_id), error_class = $11 \
     WHERE id = $1 AND epoch = $2 AND state IN ('Queued', 'In Progress')",
);

const SETTLE: Sql = Sql::both(
    "UPDATE jobs SET state = $3, summary = $4, response_content = $5, retry_count = $6, \
     scheduled_at = $7, started_at = coalesce(started_at, $8), finished_at = $9, updated_at = $10, \
     leased_by = NULL, leased_until = NULL, run_id = coalesce($11, run_id), \
     error_class = $12 \
     WHERE id = $1 AND epoch = $2 AND state IN ('Queued', 'In Progress')",
);

/// Writes the outcome of an attempt; `false` when the job was cancelled, deleted or taken over.
///
/// # Errors
/// What the database says.
pub fn settle(tx: &mut Tx, s: &Settled) -> Result<bool, Error> {
    let is_over = s.state.is_final();
    let mut values = vec![
        (&s.id).into(),
        s.epoch.into(),
        s.state.as_str().into(),
        (&s.summary).into(),
        s.response_content.as_ref().into(),
        s.retry_count.into(),
    ];
    if !is_over {
        values.push(s.scheduled_at.into());
    }
    values.extend([
        s.started_at.into(),
        s.finished_at.into(),
        s.at.into(),
        s.run_id.into(),
        super::class(s.error_class),
    ]);
    let sql = if is_over { &SETTLE_END } else { &SETTLE };
    Ok(tx.execute(sql, &values)? == 1)
}

// As SETTLE, for a list of rows as JSON. SQLite has nothing to save: it is called for each.
const SETTLE_LIST: Sql = Sql::per(
    "SELECT id FROM jobs WHERE id = $1",
    "UPDATE jobs j SET state = v.state, summary = v.summary, \
     response_content = v.response_content, retry_count = v.retry_count, \
     scheduled_at = v.scheduled_at, started_at = coalesce(j.started_at, v.started_at), \
     finished_at = v.finished_at, updated_at = v.at, leased_by = NULL, leased_until = NULL, \
     run_id = coalesce(v.run_id, j.run_id), error_class = v.error_class \
     FROM json_to_recordset(CAST(CAST($1 AS TEXT) AS json)) AS v ( \
     id TEXT, epoch BIGINT, state TEXT, summary TEXT, response_content TEXT, \
     retry_count BIGINT, scheduled_at BIGINT, \
     started_at BIGINT, finished_at BIGINT, at BIGINT, run_id BIGINT, error_class TEXT) \
     WHERE j.id = v.id AND j.epoch = v.epoch AND j.state IN ('Queued', 'In Progress') \
     RETURNING j.id, j.epoch",
);

/// Writes the outcomes of attempts at different jobs, on PostgreSQL in one statement; for each
/// what [`settle`] says.
///
/// # Errors
/// What the database says.
pub fn settle_all(tx: &mut Tx, all: &[&Settled]) -> Result<Vec<bool>, Error> {
    if tx.dialect() == Dialect::Sqlite || all.len() < 2 {
        return all.iter().map(|settled| settle(tx, settled)).collect();
    }
    let row = |s: &&Settled| {
        json!({
            "id": s.id.as_str(), "epoch": s.epoch, "state": s.state.as_str(),
            "summary": s.summary, "response_content": s.response_content,
            "retry_count": s.retry_count, "scheduled_at": s.scheduled_at.0,
            "started_at": s.started_at.0, "finished_at": s.finished_at.map(|at| at.0),
            "at": s.at.0, "run_id": s.run_id.map(|run| run.0),
            "error_class": s.error_class.map(ErrorClass::as_str),
        })
    };
    let rows: serde_json::Value = all.iter().map(row).collect();
    let written = tx.query(&SETTLE_LIST, &[rows.into()], |row| Ok((row.text(0)?, row.i64(1)?)))?;
    let written: HashSet<(String, i64)> = written.into_iter().collect();
    Ok(all.iter().map(|settled| written.contains(&(settled.id.0.clone(), settled.epoch))).collect())
}

const RENEW: Sql = Sql::both(
    "UPDATE jobs SET leased_until = $3 WHERE id = $1 AND epoch = $2 \
     AND state IN ('Queued', 'In Progress')",
);

/// Extends a lease; `false` when the job is no longer this node's.
///
/// # Errors
/// What the database says.
pub fn renew(tx: &mut Tx, id: &JobId, epoch: i64, until: Micros) -> Result<bool, Error> {
    Ok(tx.execute(&RENEW, &[id.into(), epoch.into(), until.into()])? == 1)
}

const RELEASE: Sql =
    Sql::both("UPDATE jobs SET leased_by = NULL, leased_until = NULL WHERE id = $1 AND epoch = $2");

/// Gives a lease back, so that any node may take the job at once.
///
/// # Errors
/// What the database says.
pub fn release(tx: &mut Tx, id: &JobId, epoch: i64) -> Result<(), Error> {
    tx.push(&RELEASE, &[id.into(), epoch.into()])
}

// The epoch is raised as by a claim, so that whoever might hold the lease cannot renew it.
const FREE_UNHEARD: Sql = Sql::per(
    "UPDATE jobs SET leased_by = NULL, leased_until = NULL, epoch = epoch + 1 \
     WHERE leased_by = $1 AND state = 'Queued' AND (id, epoch, leased_until) IN (\
     SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]') \
     FROM json_each($2)) RETURNING id",
    "UPDATE jobs SET leased_by = NULL, leased_until = NULL, epoch = epoch + 1 \
     WHERE leased_by = $1 AND state = 'Queued' AND (id, epoch, leased_until) IN (\
     SELECT value ->> 0, CAST(value ->> 1 AS BIGINT), CAST(value ->> 2 AS BIGINT) \
     FROM json_array_elements(CAST(CAST($2 AS TEXT) AS JSON))) RETURNING id",
);

/// Ends those of these leases that a node has without having heard of it; returns their jobs.
///
/// # Errors
/// What the database says.
pub fn free_unheard(tx: &mut Tx, node: &str, leases: &[Lease]) -> Result<Vec<JobId>, Error> {
    let row = |lease: &Lease| match lease {
        Lease::Job { id, epoch, until } => Some(json!([id.as_str(), epoch, until.0])),
        Lease::Run(_) => None,
    };
    let rows: serde_json::Value = leases.iter().filter_map(row).collect();
    tx.query(&FREE_UNHEARD, &[node.into(), rows.into()], |row| Ok(JobId(row.text(0)?)))
}
