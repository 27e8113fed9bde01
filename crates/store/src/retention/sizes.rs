//! What history takes up, about. It is measured once, when it is some minutes old, hour by hour:
//! the index counts the rows of a window and a few of them say how large they are. So a look at
//! the sum reads a few thousand numbers, whatever the tables hold.

use model::id::SpaceId;
use model::retention::HOUR_US;
use model::time::Micros;

use super::Sweep;
use crate::{Error, Row, Sql, Tx};

/// Rows that one window counts at most, in the index alone.
const WINDOW_ROWS: i64 = 5_000;

/// A stretch of history that was measured: `[from, to)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The hour since 1970 it belongs to.
    pub hour: i64,
    /// Where the next one begins.
    pub to: Micros,
    /// Rows.
    pub rows: i64,
    /// Bytes of the rows without what they carry, indexes included.
    pub row_bytes: i64,
    /// Bytes of what they carry.
    pub payload_bytes: i64,
}

/// What one hour of a space takes up, of every kind together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// The hour since 1970.
    pub hour: i64,
    /// Bytes.
    pub bytes: i64,
}

/// The statements of one kind.
struct Texts {
    first: Sql,
    end: Sql,
    count: Sql,
    sample: Sql,
}

const JOBS: Texts = Texts {
    first: Sql::both(
        "SELECT min(scheduled_at) FROM jobs WHERE space_id = $1 AND scheduled_at >= $2",
    ),
    end: Sql::both(
        "SELECT scheduled_at FROM jobs WHERE space_id = $1 AND scheduled_at >= $2 \
         AND scheduled_at < $3 ORDER BY scheduled_at LIMIT 1 OFFSET $4",
    ),
    count: Sql::both(
        "SELECT count(*) FROM jobs WHERE space_id = $1 AND scheduled_at >= $2 \
         AND scheduled_at < $3",
    ),
    // A row and its place in five indexes, and that of its event's row in one, are some 900 bytes.
    sample: Sql::both(
        "SELECT count(*), CAST(coalesce(sum(900 + octet_length(url)), 0) AS BIGINT), \
         CAST(coalesce(sum(content + sent), 0) AS BIGINT) FROM (SELECT j.url, \
         coalesce(octet_length(j.request_content), 0) \
         + coalesce(octet_length(j.response_content), 0) AS content, \
         (SELECT coalesce(sum(120 + octet_length(a.detail)), 0) FROM attempts a \
         WHERE a.job_id = j.id) AS sent FROM jobs j WHERE j.space_id = $1 \
         AND j.scheduled_at >= $2 AND j.scheduled_at < $3 ORDER BY j.scheduled_at, j.id \
         LIMIT 40) s",
    ),
};

const EVENTS: Texts = Texts {
    first: Sql::both("SELECT min(created_at) FROM events WHERE space_id = $1 AND created_at >= $2"),
    end: Sql::both(
        "SELECT created_at FROM events WHERE space_id = $1 AND created_at >= $2 \
         AND created_at < $3 ORDER BY created_at LIMIT 1 OFFSET $4",
    ),
    count: Sql::both(
        "SELECT count(*) FROM events WHERE space_id = $1 AND created_at >= $2 AND created_at < $3",
    ),
    sample: Sql::both(
        "SELECT count(*), CAST(coalesce(sum(800 + octet_length(verdicts)), 0) AS BIGINT), \
         CAST(coalesce(sum(octet_length(payload)), 0) AS BIGINT) FROM (SELECT e.verdicts, \
         e.payload FROM events e WHERE e.space_id = $1 AND e.created_at >= $2 \
         AND e.created_at < $3 ORDER BY e.created_at, e.id LIMIT 40) s",
    ),
};

const RUNS: Texts = Texts {
    first: Sql::both(
        "SELECT min(finished_at) FROM runs WHERE space_id = $1 AND finished_at >= $2 \
         AND finished_at IS NOT NULL",
    ),
    end: Sql::both(
        "SELECT finished_at FROM runs WHERE space_id = $1 AND finished_at >= $2 \
         AND finished_at < $3 AND finished_at IS NOT NULL ORDER BY finished_at LIMIT 1 OFFSET $4",
    ),
    count: Sql::both(
        "SELECT count(*) FROM runs WHERE space_id = $1 AND finished_at >= $2 AND finished_at < $3 \
         AND finished_at IS NOT NULL",
    ),
    // What a run carries goes with the run.
    sample: Sql::both(
        "SELECT count(*), CAST(coalesce(sum(800 + own + parts), 0) AS BIGINT), CAST(0 AS BIGINT) \
         FROM (SELECT octet_length(r.engine_state) + coalesce(octet_length(r.source_data), 0) \
         AS own, (SELECT coalesce(sum(300 + octet_length(p.inputs) + octet_length(p.results) \
         + octet_length(p.deferred_results)), 0) FROM (SELECT t.inputs, t.results, \
         t.deferred_results FROM tasks t WHERE t.run_id = r.id LIMIT 1000) p) AS parts FROM runs r \
         WHERE r.space_id = $1 AND r.finished_at >= $2 AND r.finished_at < $3 \
         AND r.finished_at IS NOT NULL ORDER BY r.finished_at, r.id LIMIT 40) s",
    ),
};

fn texts(kind: Sweep) -> &'static Texts {
    match kind {
        Sweep::Jobs | Sweep::JobPayloads => &JOBS,
        Sweep::Events | Sweep::EventPayloads => &EVENTS,
        Sweep::Runs => &RUNS,
    }
}

/// Measures the next stretch of history from a time on, as far as `until`; nothing when there is
/// none.
///
/// # Errors
/// What the database says.
pub fn measure(
    tx: &mut Tx,
    kind: Sweep,
    space: &SpaceId,
    from: Micros,
    until: Micros,
) -> Result<Option<Window>, Error> {
    let texts = texts(kind);
    let first =
        tx.query_one(&texts.first, &[space.into(), from.into()], |row| row.opt_micros(0))?;
    let Some(first) = first.filter(|first| *first < until) else { return Ok(None) };
    let hour = first.0.div_euclid(HOUR_US);
    let end = until.min(Micros((hour + 1) * HOUR_US));
    let range = [space.into(), first.into(), end.into(), WINDOW_ROWS.into()];
    let full = tx.query_opt(&texts.end, &range, |row| row.micros(0))?;
    // Rows of one instant are measured together, however many they are.
    let to = full.map_or(end, |full| full.max(first.plus_us(1)));
    let range = [space.into(), first.into(), to.into()];
    let rows = tx.query_one(&texts.count, &range, |row| row.i64(0))?;
    let read = |row: &Row<'_>| Ok((row.i64(0)?, row.i64(1)?, row.i64(2)?));
    let (some, row_bytes, payload_bytes) = tx.query_one(&texts.sample, &range, read)?;
    let scaled = |bytes: i64| bytes.saturating_mul(rows) / some.max(1);
    let (row_bytes, payload_bytes) = (scaled(row_bytes), scaled(payload_bytes));
    Ok(Some(Window { hour, to, rows, row_bytes, payload_bytes }))
}

const RECORD: Sql = Sql::both(
    "INSERT INTO retention_sizes (space_id, kind, hour, row_count, row_bytes, payload_bytes) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (space_id, kind, hour) DO UPDATE SET \
     row_count = retention_sizes.row_count + excluded.row_count, \
     row_bytes = retention_sizes.row_bytes + excluded.row_bytes, \
     payload_bytes = retention_sizes.payload_bytes + excluded.payload_bytes",
);

/// Adds a window to its hour.
///
/// # Errors
/// What the database says.
pub fn record(tx: &mut Tx, kind: Sweep, space: &SpaceId, window: &Window) -> Result<(), Error> {
    let values = [
        space.into(),
        kind.as_str().into(),
        window.hour.into(),
        window.rows.into(),
        window.row_bytes.into(),
        window.payload_bytes.into(),
    ];
    tx.push(&RECORD, &values)
}

const OF_SPACE: Sql = Sql::both(
    "SELECT hour, CAST(sum(row_bytes + payload_bytes) AS BIGINT) FROM retention_sizes \
     WHERE space_id = $1 GROUP BY hour ORDER BY hour DESC",
);

/// What each hour of a space takes up, newest first.
///
/// # Errors
/// What the database says.
pub fn of_space(tx: &mut Tx, space: &SpaceId) -> Result<Vec<Size>, Error> {
    tx.query(&OF_SPACE, &[space.into()], |row| Ok(Size { hour: row.i64(0)?, bytes: row.i64(1)? }))
}

const FORGET: Sql =
    Sql::both("DELETE FROM retention_sizes WHERE space_id = $1 AND kind = $2 AND hour < $3");

/// Forgets the hours of a kind that were purged to their end; what stayed in them is open and does
/// not count.
///
/// # Errors
/// What the database says.
pub fn forget(tx: &mut Tx, kind: Sweep, space: &SpaceId, before: Micros) -> Result<(), Error> {
    let hour = before.0.div_euclid(HOUR_US);
    tx.push(&FORGET, &[space.into(), kind.as_str().into(), hour.into()])
}

const FORGET_PAYLOADS: Sql = Sql::both(
    "UPDATE retention_sizes SET payload_bytes = 0 WHERE space_id = $1 AND kind = $2 AND hour < $3 \
     AND payload_bytes > 0",
);

/// Forgets what rows of a kind carried in hours whose payloads were removed.
///
/// # Errors
/// What the database says.
pub fn forget_payloads(
    tx: &mut Tx,
    kind: Sweep,
    space: &SpaceId,
    before: Micros,
) -> Result<(), Error> {
    let hour = before.0.div_euclid(HOUR_US);
    tx.push(&FORGET_PAYLOADS, &[space.into(), kind.as_str().into(), hour.into()])
}
