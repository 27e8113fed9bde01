//! What waits because the database was restored from a copy: nothing of what the copy remembers as
//! unfinished is done again before somebody has decided.
//!
//! Deliveries wait by the pause of their space. Runs wait because whoever claims them looks here;
//! those that begin after the restoration go on as always, and so do schedules once decided.

use model::id::{JobId, RunId, SpaceId};
use model::job::{JobChange, State};
use model::time::Micros;

use crate::job_changes::{self, Hold};
use crate::runs;
use crate::{Error, Row, Sql, Tx};

/// Counting stops here.
pub const COUNT_MAX: i64 = 100_000;

/// What waits in a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restoration {
    /// The space.
    pub space_id: SpaceId,
    /// When it was noticed; what is older waits.
    pub restored_at: Micros,
    /// Why it is taken for restored, in words.
    pub reason: String,
    /// Whether jobs still wait for a decision.
    pub are_jobs_held: bool,
    /// Whether runs and schedules still do.
    pub are_runs_held: bool,
}

/// Who is named for the pause of a restored space.
pub const PAUSED_BY: &str = "a restored backup";

const OF_SPACE: Sql = Sql::both(
    "SELECT space_id, restored_at, reason, are_jobs_held, are_runs_held FROM restorations \
     WHERE space_id = $1",
);

/// What waits in a space; none when nothing does.
///
/// # Errors
/// What the database says.
pub fn of_space(tx: &mut Tx, space: &SpaceId) -> Result<Option<Restoration>, Error> {
    tx.query_opt(&OF_SPACE, &[space.into()], read)
}

fn read(row: &Row) -> Result<Restoration, Error> {
    Ok(Restoration {
        space_id: SpaceId(row.text(0)?),
        restored_at: row.micros(1)?,
        reason: row.text(2)?,
        are_jobs_held: row.bool(3)?,
        are_runs_held: row.bool(4)?,
    })
}

const HOLD: Sql = Sql::both(
    "INSERT INTO restorations (space_id, restored_at, reason, are_jobs_held, are_runs_held) \
     VALUES ($1, $2, $3, TRUE, TRUE) ON CONFLICT (space_id) DO UPDATE SET \
     restored_at = excluded.restored_at, reason = excluded.reason, are_jobs_held = TRUE, \
     are_runs_held = TRUE",
);
const PAUSE_RECOVERIES: Sql =
    Sql::both("UPDATE recoveries SET status = 'Paused' WHERE status = 'Running'");
const PAUSE_RESOLUTIONS: Sql =
    Sql::both("UPDATE resolutions SET status = 'Paused' WHERE status = 'Running'");

/// Holds what waits in every space, and pauses what would set it moving.
///
/// # Errors
/// `Stale` when settings move at the same time, which a repetition mends.
pub fn hold(tx: &mut Tx, now: Micros, reason: &str) -> Result<(), Error> {
    for space in crate::spaces::all(tx)? {
        tx.execute(&HOLD, &[(&space.id).into(), now.into(), reason.into()])?;
        let mut settings = crate::delivery::of_space(tx, &space.id)?;
        if !settings.paused {
            settings.paused = true;
            settings.paused_by = Some(PAUSED_BY.to_owned());
            settings.paused_at = Some(now);
            if !crate::delivery::save(tx, &settings)? {
                return Err(Error::Stale);
            }
            let hold = Hold {
                scope: job_changes::space_scope(&space.id),
                at: now,
                reason: format!("held: {reason}"),
                actor: PAUSED_BY.to_owned(),
            };
            job_changes::insert_holds(tx, &[hold])?;
        }
    }
    tx.push(&PAUSE_RECOVERIES, &[])?;
    tx.push(&PAUSE_RESOLUTIONS, &[])
}

const JOBS_DECIDED: Sql =
    Sql::both("UPDATE restorations SET are_jobs_held = FALSE WHERE space_id = $1");
const RUNS_DECIDED: Sql =
    Sql::both("UPDATE restorations SET are_runs_held = FALSE WHERE space_id = $1");
const OVER: Sql = Sql::both(
    "DELETE FROM restorations WHERE space_id = $1 AND are_jobs_held = FALSE \
     AND are_runs_held = FALSE",
);

/// Notes that somebody decided about the jobs of a space.
///
/// # Errors
/// What the database says.
pub fn decide_jobs(tx: &mut Tx, space: &SpaceId) -> Result<(), Error> {
    tx.push(&JOBS_DECIDED, &[space.into()])?;
    tx.push(&OVER, &[space.into()])
}

/// Notes that somebody decided about the runs and schedules of a space.
///
/// # Errors
/// What the database says.
pub fn decide_runs(tx: &mut Tx, space: &SpaceId) -> Result<(), Error> {
    tx.push(&RUNS_DECIDED, &[space.into()])?;
    tx.push(&OVER, &[space.into()])
}

const WAITING_JOBS: Sql = Sql::both(
    "SELECT count(*) FROM (SELECT 1 AS one FROM jobs \
     WHERE (state = 'Queued' OR state = 'In Progress' OR state = 'Failed') \
     AND state IN ('Queued', 'In Progress') \
     AND space_id = $1 AND created_at <= $2 LIMIT $3) counted",
);

/// How many jobs of a restored space wait, counted up to [`COUNT_MAX`].
///
/// # Errors
/// What the database says.
pub fn waiting_jobs(tx: &mut Tx, held: &Restoration) -> Result<i64, Error> {
    let values = [(&held.space_id).into(), held.restored_at.into(), COUNT_MAX.into()];
    tx.query_one(&WAITING_JOBS, &values, |row| row.i64(0))
}

const DUE_RUNS: Sql = Sql::both(concat!(
    "SELECT id FROM runs WHERE ",
    runs::is_open!(""),
    " AND space_id = $1 \
     AND created_at <= $2 AND id > $3 AND (leased_until IS NOT NULL OR wake_at <= $2) \
     ORDER BY id LIMIT $4"
));

/// Runs of a restored space that would go on by themselves, after one of them, `limit` at most. A
/// run that waits for a person or a later time is none of them.
///
/// # Errors
/// What the database says.
pub fn due_runs(
    tx: &mut Tx,
    held: &Restoration,
    after: RunId,
    limit: i64,
) -> Result<Vec<RunId>, Error> {
    let values = [(&held.space_id).into(), held.restored_at.into(), after.into(), limit.into()];
    tx.query(&DUE_RUNS, &values, |row| Ok(RunId(row.i64(0)?)))
}

const CANCEL: Sql = Sql::both(
    "UPDATE jobs SET state = 'Cancelled', summary = 'Cancelled after a restore', \
     finished_at = $3, updated_at = $3, updated_by = $4, epoch = epoch + 1, leased_by = NULL, \
     leased_until = NULL, held = NULL \
     WHERE state IN ('Queued', 'In Progress') AND id IN (SELECT id FROM jobs \
     WHERE (state = 'Queued' OR state = 'In Progress' OR state = 'Failed') \
     AND state IN ('Queued', 'In Progress') \
     AND space_id = $1 AND created_at <= $2 ORDER BY state, scheduled_at, id LIMIT $5) \
     RETURNING id",
);

/// Cancels jobs of a restored space that wait, `limit` at most; how many.
///
/// # Errors
/// What the database says.
pub fn cancel_jobs(
    tx: &mut Tx,
    held: &Restoration,
    now: Micros,
    by: &str,
    limit: i64,
) -> Result<usize, Error> {
    let values =
        [(&held.space_id).into(), held.restored_at.into(), now.into(), by.into(), limit.into()];
    let jobs = tx.query(&CANCEL, &values, |row| Ok(JobId(row.text(0)?)))?;
    let told = |job_id: &JobId| JobChange {
        job_id: job_id.clone(),
        at: now,
        state: State::Cancelled,
        reason: "cancelled: it waited in a copy that was restored".to_owned(),
        actor: by.to_owned(),
        attempt: None,
    };
    job_changes::insert(tx, &jobs.iter().map(told).collect::<Vec<_>>())?;
    Ok(jobs.len())
}
