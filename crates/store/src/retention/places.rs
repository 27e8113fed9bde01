//! Looking at history from old to new, and removing what may go. Both texts of a kind carry the
//! same condition, `…_may_go`, whose `$6` is the time before which rows go.

use model::id::SpaceId;
use model::limits::PURGE_ROWS;
use model::time::Micros;

use super::{Sweep, payloads};
use crate::{Error, Row, Sql, Tx, Value};

/// A place in a history: a time, and an id among the rows of that time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The time by which the history is ordered.
    pub at: Micros,
    /// The id as text; empty before all others.
    pub id: String,
}

/// What becomes of a row that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Something about it is open.
    Stays,
    /// It may go.
    Goes,
    /// Its payload has gone before.
    Gone,
}

/// A row that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Where it stands.
    pub place: Place,
    /// What becomes of it.
    pub fate: Fate,
    /// Rows that go with it, itself included, counted up to a few more than one transaction takes.
    pub rows: i64,
}

/// What one transaction removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Jobs, runs or events, or those of them whose payload went.
    pub count: u64,
}

/// What one transaction deals with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Portion {
    /// Everything up to and including a place; of it, so many go, with so many rows.
    UpTo {
        /// The last of it.
        to: Place,
        /// Those that go.
        count: i64,
        /// All rows that go.
        rows: i64,
    },
    /// Only some of what belongs to one row, which is more than a transaction takes.
    Within(Place),
}

/// Cuts off the beginning of what was looked at, with [`PURGE_ROWS`] rows that go at most.
pub fn portion(seen: &[Seen]) -> Option<Portion> {
    let (mut to, mut count, mut rows) = (None, 0, 0);
    for row in seen {
        if row.fate == Fate::Goes {
            if rows + row.rows > PURGE_ROWS {
                let within = || Portion::Within(row.place.clone());
                return Some(to.map_or_else(within, |to: &Place| Portion::UpTo {
                    to: to.clone(),
                    count,
                    rows,
                }));
            }
            (count, rows) = (count + 1, rows + row.rows);
        }
        to = Some(&row.place);
    }
    to.map(|to| Portion::UpTo { to: to.clone(), count, rows })
}

// A job that failed and that others of its order wait for is open.
macro_rules! job_may_go {
    () => {
        "j.state IN ('Complete', 'Failed', 'Cancelled') AND j.leased_until IS NULL \
         AND coalesce(j.finished_at, j.scheduled_at) < $6 \
         AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.job_id = j.id \
         AND r.state IN ('Running', 'Waiting', 'Error')) \
         AND NOT (j.state = 'Failed' AND EXISTS (SELECT 1 FROM order_heads o \
         WHERE o.webhook_id = j.webhook_id AND o.order_key = j.order_key AND o.job_id = j.id))"
    };
}
pub(super) use job_may_go;

const LOOK_JOBS: Sql = Sql::both(concat!(
    "SELECT j.scheduled_at, j.id, CASE WHEN ",
    job_may_go!(),
    " THEN 1 ELSE 0 END, 1 + \
     (SELECT count(*) FROM (SELECT 1 AS one FROM attempts a WHERE a.job_id = j.id LIMIT 600) x) + \
     (SELECT count(*) FROM (SELECT 1 AS one FROM job_changes c WHERE c.job_id = j.id LIMIT 600) y) \
     FROM jobs j WHERE j.space_id = $1 AND (j.scheduled_at, j.id) > ($2, $3) \
     AND j.scheduled_at < $4 ORDER BY j.scheduled_at, j.id LIMIT $5"
));
const REMOVE_JOBS: Sql = Sql::both(concat!(
    "DELETE FROM jobs AS j WHERE j.space_id = $1 AND (j.scheduled_at, j.id) > ($2, $3) \
     AND (j.scheduled_at, j.id) <= ($4, $5) AND ",
    job_may_go!()
));

// `coalesce` keeps SQLite from looking through all open errors instead of those of the run.
macro_rules! run_may_go {
    () => {
        "r.state IN ('Complete', 'Cancelled') AND r.leased_until IS NULL AND r.finished_at < $6 \
         AND NOT EXISTS (SELECT 1 FROM errors e WHERE e.run_id = r.id \
         AND coalesce(e.active, FALSE) = TRUE) \
         AND NOT EXISTS (SELECT 1 FROM runs c WHERE c.parent_id = r.id \
         AND c.state IN ('Running', 'Waiting', 'Error')) \
         AND NOT EXISTS (SELECT 1 FROM runs p WHERE p.id IN (r.parent_id, r.root_id) \
         AND p.state IN ('Running', 'Waiting', 'Error'))"
    };
}

const LOOK_RUNS: Sql = Sql::both(concat!(
    "SELECT r.finished_at, CAST(r.id AS TEXT), CASE WHEN ",
    run_may_go!(),
    " THEN 1 ELSE 0 END, 1 + \
     (SELECT count(*) FROM (SELECT 1 AS one FROM tasks t WHERE t.run_id = r.id LIMIT 600) x) + \
     (SELECT count(*) FROM (SELECT 1 AS one FROM triggers g WHERE g.run_id = r.id LIMIT 600) y) + \
     (SELECT count(*) FROM (SELECT 1 AS one FROM errors e WHERE e.run_id = r.id LIMIT 600) z) \
     FROM runs r WHERE r.space_id = $1 AND r.finished_at IS NOT NULL \
     AND (r.finished_at, r.id) > ($2, $3) AND r.finished_at < $4 \
     ORDER BY r.finished_at, r.id LIMIT $5"
));
const REMOVE_RUNS: Sql = Sql::both(concat!(
    "DELETE FROM runs AS r WHERE r.space_id = $1 AND r.finished_at IS NOT NULL \
     AND (r.finished_at, r.id) > ($2, $3) AND (r.finished_at, r.id) <= ($4, $5) AND ",
    run_may_go!()
));

// The events of one change have one time, so those that go on with a payload stand beside it.
macro_rules! event_may_go {
    () => {
        "e.created_at < $6 AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.event_id = e.id) \
         AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.event_id = e.id) \
         AND NOT EXISTS (SELECT 1 FROM events o WHERE o.space_id = e.space_id \
         AND o.created_at = e.created_at AND o.payload_of = e.id)"
    };
}

const LOOK_EVENTS: Sql = Sql::both(concat!(
    "SELECT e.created_at, e.id, CASE WHEN ",
    event_may_go!(),
    " THEN 1 ELSE 0 END, 1 FROM events e WHERE e.space_id = $1 \
     AND (e.created_at, e.id) > ($2, $3) AND e.created_at < $4 \
     ORDER BY e.created_at, e.id LIMIT $5"
));
// Those that go on with another's payload first, so that both go in one transaction.
const REMOVE_PARTS: Sql = Sql::both(concat!(
    "DELETE FROM events AS e WHERE e.space_id = $1 AND (e.created_at, e.id) > ($2, $3) \
     AND (e.created_at, e.id) <= ($4, $5) AND e.payload_of IS NOT NULL AND ",
    event_may_go!()
));
const REMOVE_EVENTS: Sql = Sql::both(concat!(
    "DELETE FROM events AS e WHERE e.space_id = $1 AND (e.created_at, e.id) > ($2, $3) \
     AND (e.created_at, e.id) <= ($4, $5) AND ",
    event_may_go!()
));

/// An id as a sweep's rows have it.
pub(super) fn id(sweep: Sweep, place: &Place) -> Value<'_> {
    match sweep {
        Sweep::Runs => place.id.parse::<i64>().unwrap_or(-1).into(),
        _ => (&place.id).into(),
    }
}

/// Looks at up to `limit` rows after a place whose time is before `until`, oldest first.
///
/// # Errors
/// What the database says.
pub fn look(
    tx: &mut Tx,
    sweep: Sweep,
    space: &SpaceId,
    from: &Place,
    until: Micros,
    limit: i64,
) -> Result<Vec<Seen>, Error> {
    let sql = match sweep {
        Sweep::JobPayloads => &payloads::LOOK_JOBS,
        Sweep::EventPayloads => &payloads::LOOK_EVENTS,
        Sweep::Jobs => &LOOK_JOBS,
        Sweep::Runs => &LOOK_RUNS,
        Sweep::Events => &LOOK_EVENTS,
    };
    let values =
        [space.into(), from.at.into(), id(sweep, from), until.into(), limit.into(), until.into()];
    tx.query(sql, &values, |row: &Row<'_>| {
        Ok(Seen {
            place: Place { at: row.micros(0)?, id: row.text(1)? },
            fate: match row.i64(2)? {
                0 => Fate::Stays,
                1 => Fate::Goes,
                _ => Fate::Gone,
            },
            rows: row.i64(3)?,
        })
    })
}

/// Removes what may go after one place up to and including another; what does not, stays.
///
/// # Errors
/// What the database says.
pub fn remove(
    tx: &mut Tx,
    sweep: Sweep,
    space: &SpaceId,
    (from, to): (&Place, &Place),
    before: Micros,
    now: Micros,
) -> Result<Removed, Error> {
    let values =
        [space.into(), from.at.into(), id(sweep, from), to.at.into(), id(sweep, to), before.into()];
    let count = match sweep {
        Sweep::JobPayloads => payloads::remove_of_jobs(tx, &values, now)?,
        Sweep::EventPayloads => payloads::remove_of_events(tx, &values, now)?,
        Sweep::Jobs => tx.execute(&REMOVE_JOBS, &values)?,
        Sweep::Runs => tx.execute(&REMOVE_RUNS, &values)?,
        Sweep::Events => {
            tx.execute(&REMOVE_PARTS, &values)? + tx.execute(&REMOVE_EVENTS, &values)?
        }
    };
    Ok(Removed { count })
}

const TRIM_ATTEMPTS: Sql = Sql::both(
    "DELETE FROM attempts WHERE job_id = $1 AND number IN \
     (SELECT number FROM attempts WHERE job_id = $1 ORDER BY number LIMIT $2)",
);
const TRIM_CHANGES: Sql = Sql::both(
    "DELETE FROM job_changes WHERE id IN \
     (SELECT id FROM job_changes WHERE job_id = $1 ORDER BY id LIMIT $2)",
);
const TRIM_TASKS: Sql = Sql::both(
    "DELETE FROM tasks WHERE id IN \
     (SELECT id FROM tasks WHERE run_id = $1 ORDER BY seq LIMIT $2)",
);
const TRIM_TRIGGERS: Sql = Sql::both(
    "DELETE FROM triggers WHERE id IN \
     (SELECT id FROM triggers WHERE run_id = $1 ORDER BY id LIMIT $2)",
);
const TRIM_ERRORS: Sql = Sql::both(
    "DELETE FROM errors WHERE id IN (SELECT id FROM errors WHERE run_id = $1 ORDER BY id LIMIT $2)",
);

/// Removes some of what belongs to a finished job or run that has more of it than one transaction
/// takes; how many rows.
///
/// # Errors
/// What the database says.
pub fn trim(tx: &mut Tx, sweep: Sweep, place: &Place) -> Result<u64, Error> {
    let parts: &[Sql] = match sweep {
        Sweep::Jobs => &[TRIM_ATTEMPTS, TRIM_CHANGES],
        Sweep::Runs => &[TRIM_TASKS, TRIM_TRIGGERS, TRIM_ERRORS],
        Sweep::JobPayloads | Sweep::EventPayloads | Sweep::Events => &[],
    };
    let mut gone = 0;
    for part in parts {
        let room = PURGE_ROWS.saturating_sub(i64::try_from(gone).unwrap_or(i64::MAX));
        if room > 0 {
            gone += tx.execute(part, &[id(sweep, place), room.into()])?;
        }
    }
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(at: i64, fate: Fate, rows: i64) -> Seen {
        Seen { place: Place { at: Micros(at), id: at.to_string() }, fate, rows }
    }

    fn up_to(at: i64, count: i64, rows: i64) -> Option<Portion> {
        Some(Portion::UpTo { to: seen(at, Fate::Goes, 1).place, count, rows })
    }

    #[test]
    fn a_portion_never_has_more_rows_than_a_transaction_takes() {
        use Fate::{Goes, Gone, Stays};
        assert_eq!(portion(&[]), None);
        assert_eq!(portion(&[seen(1, Stays, 900), seen(2, Gone, 1)]), up_to(2, 0, 0));
        assert_eq!(portion(&[seen(1, Goes, 300), seen(2, Goes, 200)]), up_to(2, 2, 500));
        assert_eq!(portion(&[seen(1, Goes, 300), seen(2, Goes, 201)]), up_to(1, 1, 300));
        // What stays before a large one is passed by first.
        assert_eq!(portion(&[seen(1, Stays, 1), seen(2, Goes, 501)]), up_to(1, 0, 0));
        let within = Some(Portion::Within(seen(2, Goes, 1).place));
        assert_eq!(portion(&[seen(2, Goes, 501)]), within);
    }
}
