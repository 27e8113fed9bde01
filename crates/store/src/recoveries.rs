//! Recoveries. A batch of work and the cursor move in one transaction, guarded by the version the
//! batch was read with: no job is dealt with twice, whoever does it and whenever it dies.

use model::id::{EventId, JobId, RecoveryId, SpaceId, WebhookId};
use model::recovery::{Mode, Recovery, Status};
use model::time::Micros;

use crate::{Error, Row, Select, Sql, Tx, Value};

const INSERT: Sql = Sql::both(
    "INSERT INTO recoveries (id, space_id, mode, filter, ids, note, status, total, \
     is_total_exact, done, skipped, failed, rate_per_second, cursor_at, cursor_id, next_at, \
     version, message, created_at, created_by, finished_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
     $19, $20, $21)",
);

/// Stores a new recovery.
///
/// # Errors
/// What the database says.
pub fn insert(tx: &mut Tx, r: &Recovery) -> Result<(), Error> {
    let ids = r.ids.as_ref().map(json).transpose()?;
    let values = [
        (&r.id).into(),
        (&r.space_id).into(),
        r.mode.as_str().into(),
        json(&r.filter)?,
        ids.unwrap_or(Value::Null),
        r.note.as_ref().into(),
        r.status.as_str().into(),
        r.total.into(),
        r.is_total_exact.into(),
        r.done.into(),
        r.skipped.into(),
        r.failed.into(),
        r.rate_per_second.into(),
        r.cursor.as_ref().map(|(at, _)| *at).into(),
        r.cursor.as_ref().map(|(_, id)| id).into(),
        r.next_at.into(),
        r.version.into(),
        r.message.as_ref().into(),
        r.created_at.into(),
        (&r.created_by).into(),
        r.finished_at.into(),
    ];
    tx.push(&INSERT, &values)
}

fn json(value: &impl serde::Serialize) -> Result<Value<'static>, Error> {
    let text = serde_json::to_string(value);
    text.map(Into::into).map_err(|error| Error::db(format!("a recovery: {error}")))
}

macro_rules! select {
    ($rest:literal) => {
        Sql::both(concat!(
            "SELECT id, space_id, mode, filter, ids, note, status, total, is_total_exact, done, \
             skipped, failed, rate_per_second, cursor_at, cursor_id, next_at, version, message, \
             created_at, created_by, finished_at FROM recoveries ",
            $rest
        ))
    };
}

const BY_ID: Sql = select!("WHERE space_id = $1 AND id = $2");

/// Finds a recovery of a space.
///
/// # Errors
/// What the database says.
pub fn by_id(tx: &mut Tx, space: &SpaceId, id: &RecoveryId) -> Result<Option<Recovery>, Error> {
    tx.query_opt(&BY_ID, &[space.into(), id.into()], read)
}

const LIST: Sql = select!("WHERE space_id = $1");

/// Lists the recoveries of a space, newest first, `limit` at most.
///
/// # Errors
/// What the database says.
pub fn list(
    tx: &mut Tx,
    space: &SpaceId,
    after: Option<&(Micros, String)>,
    limit: i64,
) -> Result<Vec<Recovery>, Error> {
    let mut select = Select::new(&LIST, &[space.into()]);
    if let Some((at, id)) = after {
        select.and_all("(created_at, id) < ($?, $?)", vec![(*at).into(), id.into()]);
    }
    select.end("ORDER BY created_at DESC, id DESC LIMIT $?", limit);
    select.query(tx, read)
}

const RUNNING: Sql = select!(
    "WHERE status = 'Running' \
     AND (leased_until IS NULL OR leased_until <= $1 OR leased_by = $2) \
     ORDER BY next_at, id LIMIT 100"
);

/// The recoveries that run and that no other node works on, those due first.
///
/// # Errors
/// What the database says.
pub fn running(tx: &mut Tx, now: Micros, node: &str) -> Result<Vec<Recovery>, Error> {
    tx.query(&RUNNING, &[now.into(), node.into()], read)
}

const RUNNING_OF: Sql = Sql::both(
    "SELECT count(*) FROM recoveries WHERE status = 'Running' AND space_id = $1 AND mode = $2",
);

/// How many recoveries of a mode run in a space.
///
/// # Errors
/// What the database says.
pub fn running_of(tx: &mut Tx, space: &SpaceId, mode: Mode) -> Result<i64, Error> {
    tx.query_one(&RUNNING_OF, &[space.into(), mode.as_str().into()], |row| row.i64(0))
}

const SET_STATUS: Sql = Sql::both(
    "UPDATE recoveries SET status = $3, finished_at = $4, next_at = $5, leased_by = NULL, \
     leased_until = NULL, version = version + 1 WHERE id = $1 AND version = $2",
);

/// Pauses, resumes or calls off a recovery; `false` when it moved since it was read.
///
/// # Errors
/// What the database says.
pub fn set_status(
    tx: &mut Tx,
    r: &Recovery,
    status: Status,
    finished_at: Option<Micros>,
    now: Micros,
) -> Result<bool, Error> {
    let values =
        [(&r.id).into(), r.version.into(), status.as_str().into(), finished_at.into(), now.into()];
    Ok(tx.execute(&SET_STATUS, &values)? == 1)
}

/// What a batch did.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Jobs sent again, made or called off.
    pub done: i64,
    /// Jobs and events that needed nothing.
    pub skipped: i64,
    /// Jobs that could not be dealt with.
    pub failed: i64,
    /// The last place that was dealt with.
    pub cursor: Option<(Micros, String)>,
    /// When the next batch is due.
    pub next_at: Micros,
    /// Whether that was the last one.
    pub is_last: bool,
    /// What went wrong last.
    pub message: Option<String>,
    /// Who did it.
    pub node: String,
    /// Until when other nodes leave it alone.
    pub leased_until: Micros,
    /// The present time.
    pub now: Micros,
}

const ADVANCE: Sql = Sql::both(
    "UPDATE recoveries SET done = done + $3, skipped = skipped + $4, failed = failed + $5, \
     cursor_at = $6, cursor_id = $7, next_at = $8, status = $9, finished_at = $10, \
     message = coalesce($11, message), leased_by = $12, leased_until = $13, \
     version = version + 1 WHERE id = $1 AND version = $2 AND status = 'Running'",
);

/// Moves a recovery on after a batch, in the batch's own transaction; `false` when it was paused,
/// called off or moved by another node: then the batch must be undone.
///
/// # Errors
/// What the database says.
pub fn advance(tx: &mut Tx, r: &Recovery, p: &Progress) -> Result<bool, Error> {
    let status = if p.is_last { Status::Complete } else { Status::Running };
    let cursor = p.cursor.as_ref().or(r.cursor.as_ref());
    let values = [
        (&r.id).into(),
        r.version.into(),
        p.done.into(),
        p.skipped.into(),
        p.failed.into(),
        cursor.map(|(at, _)| *at).into(),
        cursor.map(|(_, id)| id).into(),
        p.next_at.into(),
        status.as_str().into(),
        p.is_last.then_some(p.now).into(),
        p.message.as_ref().into(),
        (&p.node).into(),
        p.leased_until.into(),
    ];
    Ok(tx.execute(&ADVANCE, &values)? == 1)
}

const MARK: Sql = Sql::both("UPDATE jobs SET recovery_id = $2 WHERE id = $1");

/// Notes on a job which recovery dealt with it.
///
/// # Errors
/// What the database says.
pub fn mark(tx: &mut Tx, job: &JobId, recovery: &RecoveryId) -> Result<(), Error> {
    tx.push(&MARK, &[job.into(), recovery.into()])
}

// Without its payload nobody can tell what an event would have fired.
const EVENTS: Sql = Sql::both(
    "SELECT id, created_at FROM events WHERE space_id = $1 AND payload_removed_at IS NULL",
);

/// The events of a space between two instants, oldest first, behind a place, `limit` at most.
///
/// # Errors
/// What the database says.
pub fn events(
    tx: &mut Tx,
    space: &SpaceId,
    from: Option<Micros>,
    to: Option<Micros>,
    after: Option<&(Micros, String)>,
    limit: i64,
) -> Result<Vec<(Micros, EventId)>, Error> {
    let mut select = Select::new(&EVENTS, &[space.into()]);
    if let Some((at, id)) = after {
        select.and_all("(created_at, id) > ($?, $?)", vec![(*at).into(), id.into()]);
    } else if let Some(from) = from {
        select.and("created_at >= $?", from);
    }
    if let Some(to) = to {
        select.and("created_at < $?", to);
    }
    select.end("ORDER BY created_at, id LIMIT $?", limit);
    select.query(tx, |row| Ok((row.micros(1)?, EventId(row.text(0)?))))
}

const COUNT_EVENTS: Sql = Sql::both(
    "SELECT count(*) FROM (SELECT 1 AS one FROM events WHERE space_id = $1 \
     AND created_at >= $2 AND created_at < $3 AND payload_removed_at IS NULL LIMIT $4) counted",
);

/// How many events happened between two instants, up to `limit`.
///
/// # Errors
/// What the database says.
pub fn count_events(
    tx: &mut Tx,
    space: &SpaceId,
    from: Micros,
    to: Micros,
    limit: i64,
) -> Result<i64, Error> {
    let values = [space.into(), from.into(), to.into(), limit.into()];
    tx.query_one(&COUNT_EVENTS, &values, |row| row.i64(0))
}

const WEBHOOKS_OF: Sql =
    Sql::both("SELECT webhook_id FROM jobs WHERE event_id = $1 AND webhook_id IS NOT NULL");

/// The webhooks that have a job for an event.
///
/// # Errors
/// What the database says.
pub fn webhooks_of(tx: &mut Tx, event: &EventId) -> Result<Vec<WebhookId>, Error> {
    tx.query(&WEBHOOKS_OF, &[event.into()], |row| row.text(0).map(WebhookId))
}

fn read(row: &Row) -> Result<Recovery, Error> {
    let (mode, status) = (row.text(2)?, row.text(6)?);
    Ok(Recovery {
        id: RecoveryId(row.text(0)?),
        space_id: SpaceId(row.text(1)?),
        mode: Mode::parse(&mode).ok_or_else(|| Error::db(format!("no mode: \"{mode}\"")))?,
        filter: row.json(3)?,
        ids: row.opt_json(4)?,
        note: row.opt_text(5)?,
        status: Status::parse(&status)
            .ok_or_else(|| Error::db(format!("no status of a recovery: \"{status}\"")))?,
        total: row.i64(7)?,
        is_total_exact: row.bool(8)?,
        done: row.i64(9)?,
        skipped: row.i64(10)?,
        failed: row.i64(11)?,
        rate_per_second: row.f64(12)?,
        cursor: row.opt_micros(13)?.zip(row.opt_text(14)?),
        next_at: row.micros(15)?,
        version: row.i64(16)?,
        message: row.opt_text(17)?,
        created_at: row.micros(18)?,
        created_by: row.text(19)?,
        finished_at: row.opt_micros(20)?,
    })
}
