//! Attempts: the history of a job's deliveries, one row each.

use model::id::JobId;
use model::job::Attempt;

use crate::{Dialect, Error, Sql, Tx, Value};
use serde_json::json;

// The number is drawn here, so that late and interrupted attempts get one of their own; a job that
// was deleted in the meantime gets no row.
const INSERT: Sql = Sql::both(
    "INSERT INTO attempts (job_id, number, started_at, duration_ms, url, detail) \
     SELECT j.id, \
     (SELECT coalesce(max(a.number), 0) + 1 FROM attempts a WHERE a.job_id = j.id), \
     CAST($2 AS BIGINT), CAST($3 AS DOUBLE PRECISION), $4, $5 \
     FROM jobs j WHERE j.id = $1",
);

// The same for a job that is known to exist. Without a SELECT to insert from, SQLite needs neither
// a table for what it selects nor a copy of the pages it changes.
const INSERT_OF_KNOWN: Sql = Sql::both(
    "INSERT INTO attempts (job_id, number, started_at, duration_ms, url, detail) \
     VALUES ($1, (SELECT coalesce(max(a.number), 0) + 1 FROM attempts a WHERE a.job_id = $1), \
     $2, $3, $4, $5)",
);

// The same for a list of attempts as JSON; those of one job are numbered in the list's order.
// SQLite has nothing to save: INSERT is called for each.
const INSERT_LIST: Sql = Sql::per(
    "SELECT job_id FROM attempts WHERE job_id = $1",
    "INSERT INTO attempts (job_id, number, started_at, duration_ms, url, detail) \
     SELECT v.job_id, coalesce((SELECT max(a.number) FROM attempts a WHERE a.job_id = v.job_id), \
     0) + row_number() OVER (PARTITION BY v.job_id ORDER BY v.place), \
     v.started_at, v.duration_ms, v.url, v.detail \
     FROM json_to_recordset(CAST(CAST($1 AS TEXT) AS json)) AS v (place BIGINT, job_id TEXT, \
     started_at BIGINT, duration_ms DOUBLE PRECISION, url TEXT, detail TEXT) \
     JOIN jobs j ON j.id = v.job_id",
);

/// Records an attempt of a job that this transaction has just written, as [`insert`].
///
/// # Errors
/// `Constraint` when there is no such job; what the database says.
pub fn insert_of_known(tx: &mut Tx, attempt: &Attempt) -> Result<(), Error> {
    push(tx, &INSERT_OF_KNOWN, attempt)
}

/// Records attempts as [`insert`] does, on PostgreSQL in one statement.
///
/// # Errors
/// What the database says.
pub fn insert_all(tx: &mut Tx, attempts: &[&Attempt]) -> Result<(), Error> {
    if tx.dialect() == Dialect::Sqlite || attempts.is_empty() {
        return attempts.iter().try_for_each(|attempt| insert(tx, attempt));
    }
    let row = |(place, attempt): (usize, &&Attempt)| {
        Ok(json!({
            "place": place, "job_id": attempt.job_id.as_str(),
            "started_at": attempt.started_at.0, "duration_ms": attempt.duration_ms,
            "url": attempt.url, "detail": detail(attempt)?,
        }))
    };
    let rows =
        attempts.iter().enumerate().map(row).collect::<Result<serde_json::Value, Error>>()?;
    tx.push(&INSERT_LIST, &[rows.into()])
}

fn detail(attempt: &Attempt) -> Result<String, Error> {
    serde_json::to_string(&attempt.detail)
        .map_err(|error| Error::db(format!("an attempt cannot be written: {error}")))
}

/// Records an attempt; its `number` is ignored, the next free one is taken.
///
/// # Errors
/// What the database says.
pub fn insert(tx: &mut Tx, attempt: &Attempt) -> Result<(), Error> {
    push(tx, &INSERT, attempt)
}

fn push(tx: &mut Tx, sql: &Sql, attempt: &Attempt) -> Result<(), Error> {
    tx.push(
        sql,
        &[
            (&attempt.job_id).into(),
            attempt.started_at.into(),
            attempt.duration_ms.into(),
            (&attempt.url).into(),
            Value::from(detail(attempt)?),
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
