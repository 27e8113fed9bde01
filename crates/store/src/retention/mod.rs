//! Retention: history that has become too old, or too much, goes in small transactions.
//!
//! A [`Sweep`] walks one kind of history of a space from old to new, by an index that is there
//! anyway. It [`look`]s at a page of rows on a snapshot, and [`remove`]s those of them that may go
//! in a write of its own, which checks again. What is open is passed by and never goes:
//!
//! * a job that is queued or under way, or whose run is not finished;
//! * a run that is not finished, has an open error, or belongs to one that is not finished;
//! * an event that still has a job or a run, or whose payload another event goes on with.

mod payloads;
mod places;
mod previews;
mod sizes;

pub use places::{Fate, Place, Portion, Removed, Seen, look, portion, remove, trim};
pub use previews::{Preview, preview};
pub use sizes::{Size, Window, forget, forget_payloads, measure, of_space as sizes, record};

use model::id::SpaceId;
use model::retention::Progress;
use model::time::Micros;

use crate::{Dialect, Error, Sql, Tx};

/// What a sweep goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweep {
    /// What finished jobs sent and received; the jobs stay.
    JobPayloads,
    /// The payloads of events; the events stay.
    EventPayloads,
    /// Finished jobs with their attempts and changes.
    Jobs,
    /// Finished runs with their tasks, triggers and errors.
    Runs,
    /// Events.
    Events,
}

impl Sweep {
    /// Every sweep, in the order in which they free each other; payloads last, so that none is
    /// taken from a row that goes as well.
    pub const ALL: [Self; 5] =
        [Self::Jobs, Self::Runs, Self::Events, Self::JobPayloads, Self::EventPayloads];

    /// What metrics and answers call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::JobPayloads => "job_payloads",
            Self::EventPayloads => "event_payloads",
            Self::Jobs => "jobs",
            Self::Runs => "runs",
            Self::Events => "events",
        }
    }
}

const PROGRESS: Sql = Sql::both("SELECT state FROM retention_progress WHERE space_id = $1");

/// How far purging and measuring have come in a space.
///
/// # Errors
/// What the database says.
pub fn progress(tx: &mut Tx, space: &SpaceId) -> Result<Progress, Error> {
    Ok(tx.query_opt(&PROGRESS, &[space.into()], |row| row.json(0))?.unwrap_or_default())
}

const SAVE: Sql = Sql::both(
    "INSERT INTO retention_progress (space_id, state) VALUES ($1, $2) \
     ON CONFLICT (space_id) DO UPDATE SET state = excluded.state",
);

/// Stores how far purging and measuring have come.
///
/// # Errors
/// What the database says.
pub fn save_progress(tx: &mut Tx, space: &SpaceId, progress: &Progress) -> Result<(), Error> {
    let text = serde_json::to_string(progress)
        .map_err(|error| Error::db(format!("progress of retention: {error}")))?;
    tx.push(&SAVE, &[space.into(), text.into()])
}

const OLDEST: Sql = Sql::both(
    "SELECT min(at) FROM (SELECT min(created_at) AS at FROM events WHERE space_id = $1 \
     UNION ALL SELECT min(scheduled_at) FROM jobs WHERE space_id = $1 \
     UNION ALL SELECT min(finished_at) FROM runs WHERE space_id = $1 \
     AND finished_at IS NOT NULL) oldest",
);

/// The time of the oldest row of a space's history; the indexes know it.
///
/// # Errors
/// What the database says.
pub fn oldest(tx: &mut Tx, space: &SpaceId) -> Result<Option<Micros>, Error> {
    tx.query_one(&OLDEST, &[space.into()], |row| row.opt_micros(0))
}

// PostgreSQL reuses what a vacuum found, and has no list of free pages that could be asked for.
const FREE_PAGES: Sql = Sql::per("PRAGMA freelist_count", "SELECT CAST(0 AS BIGINT)");
// Pages of 4 KiB; the pragma takes no parameter. The rows have to be read to their end.
const GIVE_BACK: Sql = Sql::per("PRAGMA incremental_vacuum(250)", "SELECT 1 WHERE 1 = 0");

/// Free pages that SQLite keeps, some 4 MB: history that comes in fills them again.
pub const FREE_PAGES_KEPT: i64 = 1_000;

/// Gives up to 250 free pages of SQLite's file, a megabyte, back to the disk with the next
/// checkpoint; whether more are left.
///
/// # Errors
/// What the database says.
pub fn give_back(tx: &mut Tx) -> Result<bool, Error> {
    if tx.dialect() == Dialect::Postgres || free_pages(tx)? <= FREE_PAGES_KEPT {
        return Ok(false);
    }
    let before = free_pages(tx)?;
    tx.query(&GIVE_BACK, &[], |_| Ok(()))?;
    // A file that was made by other means than Kapok's own gives nothing back.
    let after = free_pages(tx)?;
    Ok(after < before && after > FREE_PAGES_KEPT)
}

fn free_pages(tx: &mut Tx) -> Result<i64, Error> {
    tx.query_one(&FREE_PAGES, &[], |row| row.i64(0))
}
