//! Attempts: the history of a job's deliveries, one row each.

use model::id::JobId;
use model::job::Attempt;

use crate::{Error, Sql, Tx, Value};

// The number is drawn here, so that late and interrupted attempts get one of their own; a job that
// was deleted in the meantime gets no row.
const INSERT: Sql = Sql::both(
    "INSERT INTO attempts (job_id, number, started_at, duration_ms, url, detail) \
     SELECT j.id, \
     (SELECT coalesce(max(a.number), 0) + 1 FROM attempts a WHERE a.job_id = j.id), \
     CAST($2 AS BIGINT), CAST($3 AS DOUBLE PRECISION), $4, $5 \
     FROM jobs j WHERE j.id = $1",
);

/// Records an attempt; its `number` is ignored, the next free one is taken.
///
/// # Errors
/// What the database says.
pub fn insert(tx: &mut Tx, attempt: &Attempt) -> Result<(), Error> {
    let detail = serde_json::to_string(&attempt.detail)
        .map_err(|error| Error::db(format!("an attempt cannot be written: {error}")))?;
    tx.push(
        &INSERT,
        &[
            (&attempt.job_id).into(),
            attempt.started_at.into(),
            attempt.duration_ms.into(),
            (&attempt.url).into(),
            Value::from(detail),
        ],
    )
}

const OF_JOB: Sql = Sql::both(
    "SELECT number, started_at, duration_ms, url, detail FROM attempts WHERE job_id = $1 \
     ORDER BY number",
);

/// The attempts of a job, first to last.
///
/// # Errors
/// What the database says.
pub fn of_job(tx: &mut Tx, job: &JobId) -> Result<Vec<Attempt>, Error> {
    tx.query(&OF_JOB, &[job.into()], |row| {
        Ok(Attempt {
            job_id: job.clone(),
            number: row.i64(0)?,
            started_at: row.micros(1)?,
            duration_ms: row.f64(2)?,
            url: row.text(3)?,
            detail: row.json(4)?,
        })
    })
}
