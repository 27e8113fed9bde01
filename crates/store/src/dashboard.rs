//! Counts over jobs, runs, errors and events of a space, for the question "is everything all
//! right?". All are bounded: by a window of time on an index, or by a number at which counting
//! stops.

use model::id::SpaceId;
use model::time::Micros;

use crate::runs;
use crate::{Error, Sql, Tx};

/// Counting stops here; the console shows "10 000+".
pub const COUNT_MAX: i64 = 10_000;

/// Jobs of one minute in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Minutes since 1970.
    pub minute: i64,
    /// The state's name.
    pub state: String,
    /// How many.
    pub count: i64,
    /// How many of them started a run.
    pub runs: i64,
}

/// Jobs that one series counts at most; of a busier window only the latest minutes are told.
pub const SERIES_MAX: i64 = 100_000;

const SERIES: Sql = Sql::both(
    "SELECT scheduled_at / 60000000, state, count(*), count(run_id) FROM (\
     SELECT scheduled_at, state, run_id FROM jobs WHERE space_id = $1 AND scheduled_at >= $2 \
     ORDER BY scheduled_at DESC LIMIT $3) counted \
     GROUP BY scheduled_at / 60000000, state ORDER BY 1",
);

/// Jobs due since `since`, by minute and state. When there are more than [`SERIES_MAX`], the
/// earliest minutes, the one cut in the middle included, are left out.
///
/// # Errors
/// What the database says.
pub fn series(tx: &mut Tx, space: &SpaceId, since: Micros) -> Result<Vec<Bucket>, Error> {
    let values = [space.into(), since.into(), SERIES_MAX.into()];
    let mut buckets = tx.query(&SERIES, &values, |row| {
        Ok(Bucket {
            minute: row.i64(0)?,
            state: row.text(1)?,
            count: row.i64(2)?,
            runs: row.i64(3)?,
        })
    })?;
    if buckets.iter().map(|b| b.count).sum::<i64>() >= SERIES_MAX {
        let cut = buckets.first().map(|b| b.minute);
        buckets.retain(|b| Some(b.minute) != cut);
    }
    Ok(buckets)
}

const OPEN_JOBS: Sql = Sql::both(
    "SELECT count(*), min(scheduled_at) FROM (SELECT scheduled_at FROM jobs \
     WHERE (state = 'Queued' OR state = 'In Progress' OR state = 'Failed') \
     AND state = $2 AND space_id = $1 \
     ORDER BY scheduled_at LIMIT $3) counted",
);

/// How many jobs are in an open state (up to [`COUNT_MAX`]), and when the oldest was due.
///
/// # Errors
/// What the database says.
pub fn open_jobs(
    tx: &mut Tx,
    space: &SpaceId,
    state: model::job::State,
) -> Result<(i64, Option<Micros>), Error> {
    let values = [space.into(), state.as_str().into(), COUNT_MAX.into()];
    tx.query_one(&OPEN_JOBS, &values, |row| Ok((row.i64(0)?, row.opt_micros(1)?)))
}

const OPEN_RUNS: Sql = Sql::both(concat!(
    "SELECT state, count(*) FROM (SELECT state FROM runs WHERE ",
    runs::is_open!(""),
    " AND space_id = $1 LIMIT $2) counted GROUP BY state"
));

/// How many runs are in each open state, up to [`COUNT_MAX`] together.
///
/// # Errors
/// What the database says.
pub fn open_runs(tx: &mut Tx, space: &SpaceId) -> Result<Vec<(String, i64)>, Error> {
    tx.query(&OPEN_RUNS, &[space.into(), COUNT_MAX.into()], |row| Ok((row.text(0)?, row.i64(1)?)))
}

// Numbers grow with time, so a range of them bounds what is read without an index on the time.
const RECENT_RUNS: Sql = Sql::both(
    "SELECT count(*) FROM runs WHERE id > (SELECT coalesce(max(id), 0) FROM runs) - $3 \
     AND space_id = $1 AND created_at >= $2 AND state = 'Complete'",
);

/// How many of the latest runs were started since `since` and are complete.
///
/// # Errors
/// What the database says.
pub fn complete_runs(tx: &mut Tx, space: &SpaceId, since: Micros) -> Result<i64, Error> {
    let values = [space.into(), since.into(), COUNT_MAX.into()];
    tx.query_one(&RECENT_RUNS, &values, |row| row.i64(0))
}

const OPEN_ERRORS: Sql = Sql::both(
    "SELECT count(*) FROM (SELECT 1 AS one FROM errors e JOIN runs r ON r.id = e.run_id \
     WHERE e.active = TRUE AND r.space_id = $1 LIMIT $2) counted",
);

/// How many errors of runs are open, up to [`COUNT_MAX`].
///
/// # Errors
/// What the database says.
pub fn open_errors(tx: &mut Tx, space: &SpaceId) -> Result<i64, Error> {
    tx.query_one(&OPEN_ERRORS, &[space.into(), COUNT_MAX.into()], |row| row.i64(0))
}

const EVENTS: Sql = Sql::both(
    "SELECT count(*) FROM (SELECT 1 AS one FROM events \
     WHERE space_id = $1 AND created_at >= $2 LIMIT $3) counted",
);

/// How many events happened since `since`, up to ten times [`COUNT_MAX`].
///
/// # Errors
/// What the database says.
pub fn events(tx: &mut Tx, space: &SpaceId, since: Micros) -> Result<i64, Error> {
    let values = [space.into(), since.into(), (COUNT_MAX * 10).into()];
    tx.query_one(&EVENTS, &values, |row| row.i64(0))
}

/// A webhook whose jobs failed lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// Its name.
    pub webhook: String,
    /// The slug of its kapp.
    pub kapp_slug: Option<String>,
    /// How many of its jobs failed.
    pub failed: i64,
    /// What the latest of them says.
    pub last_error: Option<String>,
}

const FAILING: Sql = Sql::both(
    "SELECT j.name, k.slug, j.summary FROM jobs j LEFT JOIN kapps k ON k.id = j.kapp_id \
     WHERE j.state IN ('Queued', 'In Progress', 'Failed') AND j.state = 'Failed' \
     AND j.scheduled_at >= $2 AND j.space_id = $1 ORDER BY j.scheduled_at DESC, j.id DESC LIMIT $3",
);

/// The webhooks with jobs due since `since` that failed, most failures first.
///
/// # Errors
/// What the database says.
pub fn failing(tx: &mut Tx, space: &SpaceId, since: Micros) -> Result<Vec<Failing>, Error> {
    let values = [space.into(), since.into(), COUNT_MAX.into()];
    let rows =
        tx.query(&FAILING, &values, |row| Ok((row.text(0)?, row.opt_text(1)?, row.opt_text(2)?)))?;
    let mut failing: Vec<Failing> = Vec::new();
    for (webhook, kapp_slug, last_error) in rows {
        let same = |f: &&mut Failing| f.webhook == webhook && f.kapp_slug == kapp_slug;
        match failing.iter_mut().find(same) {
            Some(known) => known.failed += 1,
            None => failing.push(Failing { webhook, kapp_slug, failed: 1, last_error }),
        }
    }
    failing.sort_by_key(|f| std::cmp::Reverse(f.failed));
    Ok(failing)
}
