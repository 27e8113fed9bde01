//! What an operator watches of all spaces together. Counting stops at a bound, so that a look
//! never reads a history.

use model::time::Micros;

use crate::runs;
use crate::{Error, Sql, Tx};

/// Counting stops here.
pub const COUNT_MAX: i64 = 100_000;

const JOBS: Sql = Sql::both(
    "SELECT count(*), min(scheduled_at) FROM (SELECT scheduled_at FROM jobs \
     WHERE (state = 'Queued' OR state = 'In Progress' OR state = 'Failed') AND state = $1 \
     ORDER BY scheduled_at LIMIT $2) counted",
);

/// How many jobs are in an open state, and when the oldest was due.
///
/// # Errors
/// What the database says.
pub fn open_jobs(tx: &mut Tx, state: model::job::State) -> Result<(i64, Option<Micros>), Error> {
    let values = [state.as_str().into(), COUNT_MAX.into()];
    tx.query_one(&JOBS, &values, |row| Ok((row.i64(0)?, row.opt_micros(1)?)))
}

const RUNS: Sql = Sql::both(concat!(
    "SELECT state, count(*) FROM (SELECT state FROM runs WHERE ",
    runs::is_open!(""),
    " LIMIT $1) counted GROUP BY state"
));

/// How many runs are in each open state.
///
/// # Errors
/// What the database says.
pub fn open_runs(tx: &mut Tx) -> Result<Vec<(String, i64)>, Error> {
    tx.query(&RUNS, &[COUNT_MAX.into()], |row| Ok((row.text(0)?, row.i64(1)?)))
}
