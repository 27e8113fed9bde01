//! What would go now, without letting it go: bounded in the rows that it looks at.

use model::id::SpaceId;
use model::limits::PURGE_PREVIEW_ROWS;
use model::retention::Cutoffs;
use model::time::Micros;

use super::Sweep;
use super::places::{Fate, Place, look};
use crate::{Error, Sql, Tx};

/// How many rows of a kind would go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Rows that would go, of those that were looked at.
    pub count: i64,
    /// Whether all were looked at; otherwise it is "at least".
    pub is_exact: bool,
}

// As the sweep, once those before it have let go what belongs to an event.
const EVENTS: Sql = Sql::both(
    "SELECT count(*), CAST(coalesce(sum(goes), 0) AS BIGINT) FROM (SELECT CASE WHEN \
     NOT EXISTS (SELECT 1 FROM jobs j WHERE j.event_id = e.id \
     AND (j.state IN ('Queued', 'In Progress') OR coalesce(j.finished_at, j.scheduled_at) >= $2)) \
     AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.event_id = e.id \
     AND coalesce(r.finished_at, $3) >= $3) THEN 1 ELSE 0 END AS goes \
     FROM events e WHERE e.space_id = $1 AND e.created_at < $2 \
     ORDER BY e.created_at, e.id LIMIT $4) looked",
);
const EVENT_PAYLOADS: Sql = Sql::both(
    "SELECT count(*), CAST(coalesce(sum(goes), 0) AS BIGINT) FROM (SELECT CASE WHEN \
     e.payload_removed_at IS NULL AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.event_id = e.id \
     AND (j.state IN ('Queued', 'In Progress') OR coalesce(j.finished_at, j.scheduled_at) >= $2)) \
     AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.event_id = e.id \
     AND r.state IN ('Running', 'Waiting', 'Error')) THEN 1 ELSE 0 END AS goes \
     FROM events e WHERE e.space_id = $1 AND e.created_at < $2 AND e.created_at >= $3 \
     ORDER BY e.created_at, e.id LIMIT $4) looked",
);

/// How many rows of a space a sweep would let go by these times, after those before it.
///
/// # Errors
/// What the database says.
pub fn preview(
    tx: &mut Tx,
    sweep: Sweep,
    space: &SpaceId,
    cutoffs: &Cutoffs,
) -> Result<Preview, Error> {
    let start = Place { at: Micros(i64::MIN), ..Place::default() };
    let (before, from) = match sweep {
        Sweep::Jobs | Sweep::Events => (cutoffs.history, start),
        Sweep::Runs => (cutoffs.runs, start),
        // What goes whole is not counted as a payload as well.
        Sweep::JobPayloads | Sweep::EventPayloads => {
            (cutoffs.payloads, Place { at: cutoffs.history, ..Place::default() })
        }
    };
    let (looked, count) = match sweep {
        Sweep::Events | Sweep::EventPayloads => {
            let (sql, bound) = match sweep {
                Sweep::Events => (&EVENTS, cutoffs.runs),
                _ => (&EVENT_PAYLOADS, cutoffs.history),
            };
            let values = [space.into(), before.into(), bound.into(), PURGE_PREVIEW_ROWS.into()];
            tx.query_one(sql, &values, |row| Ok((row.i64(0)?, row.i64(1)?)))?
        }
        _ => {
            let seen = look(tx, sweep, space, &from, before, PURGE_PREVIEW_ROWS)?;
            let goes = seen.iter().filter(|seen| seen.fate == Fate::Goes).count();
            let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
            (number(seen.len()), number(goes))
        }
    };
    Ok(Preview { count, is_exact: looked < PURGE_PREVIEW_ROWS })
}
