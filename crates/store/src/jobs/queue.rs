//! The queue: jobs are claimed under a lease, settled, released.
//!
//! A lease saves work, the guard carries correctness: a claim raises the epoch, and an outcome is
//! written only where the epoch still is the one that was claimed.
//!
//! What is paused, disabled or held is never claimed, whatever a node remembers of it.
//!
//! The conditions repeat the partial index's own (`state IN (…)`): SQLite uses such an index only
//! when the very same term stands in the statement.

use model::id::{JobId, RunId};
use model::job::{ErrorClass, Job, State};
use model::time::Micros;

use crate::{Error, Sql, Tx};

/// Who claims, and how much.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The node.
    pub node: &'a str,
    /// The present time, which tells what is due.
    pub now: Micros,
    /// The time that leases are compared with; setting this machine's clock does not move it.
    pub lease_now: Micros,
    /// When the lease ends.
    pub until: Micros,
    /// Ids of webhooks whose lanes are full, joined by commas; their jobs stay where they are.
    pub full: &'a str,
    /// Jobs at most.
    pub limit: i64,
}

// SQLite serves one process, so a lease of another node is one of an earlier life of this one and
// void at once. PostgreSQL serves many: leases are waited for, and claimed rows are skipped.
const CLAIM_DUE: Sql = Sql::per(
    "UPDATE jobs SET leased_by = $1, leased_until = $3, epoch = epoch + 1 WHERE id IN (\
     SELECT id FROM jobs WHERE state IN ('Queued', 'In Progress', 'Failed') AND state = 'Queued' \
     AND scheduled_at <= $2 \
     AND (leased_until IS NULL OR leased_until <= $6 OR leased_by <> $1) \
     AND instr($4, coalesce(webhook_id, 'none')) = 0 \
     AND held IS NULL \
     AND NOT EXISTS (SELECT 1 FROM webhooks w WHERE w.id = jobs.webhook_id \
     AND (w.paused = TRUE OR w.enabled = FALSE)) \
     AND NOT EXISTS (SELECT 1 FROM delivery_settings d WHERE d.space_id = jobs.space_id \
     AND d.paused = TRUE) \
     ORDER BY scheduled_at, id LIMIT $5) \
     RETURNING id, space_id, kapp_id, event_id, webhook_id, trace_id, depth, name, type_name, \
     event, parent_type, parent_id, parent_key, url, state, summary, request_content, \
     response_content, retry_count, scheduled_at, started_at, finished_at, run_id, leased_by, \
     leased_until, epoch, created_at, created_by, updated_at, updated_by, error_class",
    "UPDATE jobs SET leased_by = $1, leased_until = $3, epoch = epoch + 1 WHERE id IN (\
     SELECT id FROM jobs WHERE state IN ('Queued', 'In Progress', 'Failed') AND state = 'Queued' \
     AND scheduled_at <= $2 AND (leased_until IS NULL OR leased_until <= $6) \
     AND strpos($4, coalesce(webhook_id, 'none')) = 0 \
     AND held IS NULL \
     AND NOT EXISTS (SELECT 1 FROM webhooks w WHERE w.id = jobs.webhook_id \
     AND (w.paused = TRUE OR w.enabled = FALSE)) \
     AND NOT EXISTS (SELECT 1 FROM delivery_settings d WHERE d.space_id = jobs.space_id \
     AND d.paused = TRUE) \
     ORDER BY scheduled_at, id LIMIT $5 FOR UPDATE SKIP LOCKED) \
     RETURNING id, space_id, kapp_id, event_id, webhook_id, trace_id, depth, name, type_name, \
     event, parent_type, parent_id, parent_key, url, state, summary, request_content, \
     response_content, retry_count, scheduled_at, started_at, finished_at, run_id, leased_by, \
     leased_until, epoch, created_at, created_by, updated_at, updated_by, error_class",
);

/// Leases queued jobs that are due, oldest first.
///
/// # Errors
/// What the database says.
pub fn claim_due(tx: &mut Tx, claim: &Claim<'_>) -> Result<Vec<Job>, Error> {
    claim_by(tx, &CLAIM_DUE, claim)
}

// As above, for jobs whose attempt was under way when their node vanished.
const CLAIM_INTERRUPTED: Sql = Sql::per(
    "UPDATE jobs SET state = 'Queued', leased_by = $1, leased_until = $3, epoch = epoch + 1, \
     error_class = 'interrupted' WHERE id IN (\
     SELECT id FROM jobs WHERE state IN ('Queued', 'In Progress', 'Failed') \
     AND state = 'In Progress' AND scheduled_at <= $2 \
     AND (leased_until IS NULL OR leased_until <= $6 OR leased_by <> $1) \
     AND instr($4, coalesce(webhook_id, 'none')) = 0 \
     AND held IS NULL \
     AND NOT EXISTS (SELECT 1 FROM webhooks w WHERE w.id = jobs.webhook_id \
     AND (w.paused = TRUE OR w.enabled = FALSE)) \
     AND NOT EXISTS (SELECT 1 FROM delivery_settings d WHERE d.space_id = jobs.space_id \
     AND d.paused = TRUE) \
     ORDER BY scheduled_at, id LIMIT $5) \
     RETURNING id, space_id, kapp_id, event_id, webhook_id, trace_id, depth, name, type_name, \
     event, parent_type, parent_id, parent_key, url, state, summary, request_content, \
     response_content, retry_count, scheduled_at, started_at, finished_at, run_id, leased_by, \
     leased_until, epoch, created_at, created_by, updated_at, updated_by, error_class",
    "UPDATE jobs SET state = 'Queued', leased_by = $1, leased_until = $3, epoch = epoch + 1, \
     error_class = 'interrupted' WHERE id IN (\
     SELECT id FROM jobs WHERE state IN ('Queued', 'In Progress', 'Failed') \
     AND state = 'In Progress' AND scheduled_at <= $2 \
     AND (leased_until IS NULL OR leased_until <= $6) \
     AND strpos($4, coalesce(webhook_id, 'none')) = 0 \
     AND held IS NULL \
     AND NOT EXISTS (SELECT 1 FROM webhooks w WHERE w.id = jobs.webhook_id \
     AND (w.paused = TRUE OR w.enabled = FALSE)) \
     AND NOT EXISTS (SELECT 1 FROM delivery_settings d WHERE d.space_id = jobs.space_id \
     AND d.paused = TRUE) \
     ORDER BY scheduled_at, id LIMIT $5 FOR UPDATE SKIP LOCKED) \
     RETURNING id, space_id, kapp_id, event_id, webhook_id, trace_id, depth, name, type_name, \
     event, parent_type, parent_id, parent_key, url, state, summary, request_content, \
     response_content, retry_count, scheduled_at, started_at, finished_at, run_id, leased_by, \
     leased_until, epoch, created_at, created_by, updated_at, updated_by, error_class",
);

/// Leases jobs whose attempt was interrupted by the end of its node.
///
/// # Errors
/// What the database says.
pub fn claim_interrupted(tx: &mut Tx, claim: &Claim<'_>) -> Result<Vec<Job>, Error> {
    claim_by(tx, &CLAIM_INTERRUPTED, claim)
}

fn claim_by(tx: &mut Tx, sql: &Sql, claim: &Claim<'_>) -> Result<Vec<Job>, Error> {
    let values = [
        claim.node.into(),
        claim.now.into(),
        claim.until.into(),
        claim.full.into(),
        claim.limit.into(),
        claim.lease_now.into(),
    ];
    let mut jobs = tx.query(sql, &values, super::read)?;
    // RETURNING keeps no order.
    jobs.sort_by(|a, b| (a.scheduled_at, &a.id).cmp(&(b.scheduled_at, &b.id)));
    Ok(jobs)
}

// Leases of an earlier life of this node are void at once on SQLite; see above.
const NEXT_DUE: Sql = Sql::per(
    "SELECT scheduled_at FROM jobs WHERE state IN ('Queued', 'In Progress', 'Failed') \
     AND state = 'Queued' AND (leased_until IS NULL OR leased_until <= $1 OR leased_by <> $2) \
     AND instr($3, coalesce(webhook_id, 'none')) = 0 \
     AND held IS NULL \
     AND NOT EXISTS (SELECT 1 FROM webhooks w WHERE w.id = jobs.webhook_id \
     AND (w.paused = TRUE OR w.enabled = FALSE)) \
     AND NOT EXISTS (SELECT 1 FROM delivery_settings d WHERE d.space_id = jobs.space_id \
     AND d.paused = TRUE) \
     ORDER BY scheduled_at LIMIT 1",
    "SELECT scheduled_at FROM jobs WHERE state IN ('Queued', 'In Progress', 'Failed') \
     AND state = 'Queued' AND (leased_until IS NULL OR leased_until <= $1) \
     AND $2 <> '' AND strpos($3, coalesce(webhook_id, 'none')) = 0 \
     AND held IS NULL \
     AND NOT EXISTS (SELECT 1 FROM webhooks w WHERE w.id = jobs.webhook_id \
     AND (w.paused = TRUE OR w.enabled = FALSE)) \
     AND NOT EXISTS (SELECT 1 FROM delivery_settings d WHERE d.space_id = jobs.space_id \
     AND d.paused = TRUE) \
     ORDER BY scheduled_at LIMIT 1",
);

/// When the earliest queued job that nobody holds is, or was, due.
///
/// # Errors
/// What the database says.
pub fn next_due(tx: &mut Tx, claim: &Claim<'_>) -> Result<Option<Micros>, Error> {
    let values = [claim.lease_now.into(), claim.node.into(), claim.full.into()];
    tx.query_opt(&NEXT_DUE, &values, |row| row.micros(0))
}

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
    /// When it is (or was) due.
    pub scheduled_at: Micros,
    /// When its first attempt began.
    pub started_at: Micros,
    /// When it reached a final state.
    pub finished_at: Option<Micros>,
    /// The present time.
    pub at: Micros,
}

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
    let values = [
        (&s.id).into(),
        s.epoch.into(),
        s.state.as_str().into(),
        (&s.summary).into(),
        s.response_content.as_ref().into(),
        s.retry_count.into(),
        s.scheduled_at.into(),
        s.started_at.into(),
        s.finished_at.into(),
        s.at.into(),
        s.run_id.into(),
        super::class(s.error_class),
    ];
    Ok(tx.execute(&SETTLE, &values)? == 1)
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
