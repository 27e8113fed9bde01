//! What happened to jobs besides their attempts; and what held many of them at once, told once for
//! the lane, the webhook or the space that was held.

use model::id::JobId;
use model::job::{JobChange, State};
use model::time::Micros;

use crate::{Error, Select, Sql, Tx};

/// Rows that are read for one timeline at most: a lane may have flapped for weeks.
const HOLDS_MAX: i64 = 500;

// A job that was deleted in the meantime gets no row.
const INSERT: Sql = Sql::both(
    "INSERT INTO job_changes (job_id, at, state, reason, actor, attempt) \
     SELECT j.id, CAST($2 AS BIGINT), $3, $4, $5, CAST($6 AS BIGINT) FROM jobs j WHERE j.id = $1",
);

/// Records what happened to jobs.
///
/// # Errors
/// What the database says.
pub fn insert(tx: &mut Tx, changes: &[JobChange]) -> Result<(), Error> {
    changes.iter().try_for_each(|change| {
        let values = [
            (&change.job_id).into(),
            change.at.into(),
            change.state.as_str().into(),
            (&change.reason).into(),
            (&change.actor).into(),
            change.attempt.into(),
        ];
        tx.push(&INSERT, &values)
    })
}

const OF_JOB: Sql = Sql::both(
    "SELECT at, state, reason, actor, attempt FROM job_changes WHERE job_id = $1 ORDER BY id",
);

/// What happened to a job, first to last.
///
/// # Errors
/// What the database says.
pub fn of_job(tx: &mut Tx, job: &JobId) -> Result<Vec<JobChange>, Error> {
    tx.query(&OF_JOB, &[job.into()], |row| {
        let state = row.text(1)?;
        Ok(JobChange {
            job_id: job.clone(),
            at: row.micros(0)?,
            state: State::parse(&state)
                .ok_or_else(|| Error::db(format!("\"{state}\" is no state of a job")))?,
            reason: row.text(2)?,
            actor: row.text(3)?,
            attempt: row.opt_i64(4)?,
        })
    })
}

/// What held, or let go, every job of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// What was held: see [`lane_scope`] and its neighbours.
    pub scope: String,
    /// When.
    pub at: Micros,
    /// What happened, in words.
    pub reason: String,
    /// Who did it: a username, or the node.
    pub actor: String,
}

/// The scope of a lane.
pub fn lane_scope(lane: i64) -> String {
    format!("lane {lane:016x}")
}

/// The scope of a webhook.
pub fn webhook_scope(webhook: &model::id::WebhookId) -> String {
    format!("webhook {webhook}")
}

/// The scope of a space.
pub fn space_scope(space: &model::id::SpaceId) -> String {
    format!("space {space}")
}

const INSERT_HOLD: Sql =
    Sql::both("INSERT INTO hold_changes (scope, at, reason, actor) VALUES ($1, $2, $3, $4)");

/// Records what held, or let go, the jobs of scopes.
///
/// # Errors
/// What the database says.
pub fn insert_holds(tx: &mut Tx, holds: &[Hold]) -> Result<(), Error> {
    holds.iter().try_for_each(|hold| {
        let values =
            [(&hold.scope).into(), hold.at.into(), (&hold.reason).into(), (&hold.actor).into()];
        tx.push(&INSERT_HOLD, &values)
    })
}

const HOLDS: Sql =
    Sql::both("SELECT scope, at, reason, actor FROM hold_changes WHERE at >= $1 AND at <= $2");

/// What happened to scopes between two instants, first to last; the latest when there are many.
///
/// # Errors
/// What the database says.
pub fn holds(tx: &mut Tx, scopes: &[String], from: Micros, to: Micros) -> Result<Vec<Hold>, Error> {
    let mut select = Select::new(&HOLDS, &[from.into(), to.into()]);
    select.and_in("scope", scopes.iter().map(Into::into).collect());
    select.end("ORDER BY at DESC, id DESC LIMIT $?", HOLDS_MAX);
    let mut holds = select.query(tx, |row| {
        Ok(Hold {
            scope: row.text(0)?,
            at: row.micros(1)?,
            reason: row.text(2)?,
            actor: row.text(3)?,
        })
    })?;
    holds.reverse();
    Ok(holds)
}

const PURGE: Sql = Sql::both(
    "DELETE FROM hold_changes WHERE id IN \
     (SELECT id FROM hold_changes WHERE at < $1 ORDER BY at LIMIT $2)",
);

/// Deletes what happened to scopes before an instant, `limit` rows at most; how many.
///
/// # Errors
/// What the database says.
pub fn purge_holds(tx: &mut Tx, before: Micros, limit: i64) -> Result<u64, Error> {
    tx.execute(&PURGE, &[before.into(), limit.into()])
}
