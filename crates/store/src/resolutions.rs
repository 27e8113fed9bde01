//! Rows of resolutions: decisions about many errors at once, taken one batch after the other.

use crate::{Error, Row, Sql, Tx};
use model::id::SpaceId;
use model::time::Micros;
use serde_json::Value;

/// A decision about many errors, and how far it has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolution {
    /// Its id.
    pub id: String,
    /// The space.
    pub space_id: SpaceId,
    /// `Running`, `Paused`, `Complete` or `Cancelled`.
    pub status: String,
    /// Which errors, as [`crate::errors::Filter`].
    pub filter: Value,
    /// The documented action.
    pub action: String,
    /// Parameters filled in for a retry.
    pub inputs: Value,
    /// A note kept with the errors.
    pub note: String,
    /// Errors it was about when it was made.
    pub total: i64,
    /// Errors that were dealt with.
    pub done: i64,
    /// Errors that were not, for the last reason in `message`.
    pub refused: i64,
    /// Why the last refused one was.
    pub message: Option<String>,
    /// Errors a second at most.
    pub rate_per_second: i64,
    /// The last error it has come to.
    pub cursor: i64,
    /// The last error there was when it was made.
    pub upto: i64,
    /// When its next batch is due.
    pub next_at: Micros,
    /// When it was made.
    pub created_at: Micros,
    /// By whom.
    pub created_by: String,
    /// When it last moved.
    pub updated_at: Micros,
    /// When it ended.
    pub finished_at: Option<Micros>,
}

macro_rules! select {
    ($tail:literal) => {
        Sql::both(concat!(
            "SELECT id, space_id, status, filter, action, inputs, note, total, done, refused, ",
            "message, rate_per_second, cursor_id, upto_id, next_at, created_at, created_by, ",
            "updated_at, finished_at FROM resolutions ",
            $tail
        ))
    };
}

fn read(row: &Row) -> Result<Resolution, Error> {
    Ok(Resolution {
        id: row.text(0)?,
        space_id: SpaceId(row.text(1)?),
        status: row.text(2)?,
        filter: row.json(3)?,
        action: row.text(4)?,
        inputs: row.json(5)?,
        note: row.text(6)?,
        total: row.i64(7)?,
        done: row.i64(8)?,
        refused: row.i64(9)?,
        message: row.opt_text(10)?,
        rate_per_second: row.i64(11)?,
        cursor: row.i64(12)?,
        upto: row.i64(13)?,
        next_at: row.micros(14)?,
        created_at: row.micros(15)?,
        created_by: row.text(16)?,
        updated_at: row.micros(17)?,
        finished_at: row.opt_micros(18)?,
    })
}

const INSERT: Sql = Sql::both(
    "INSERT INTO resolutions (id, space_id, status, filter, action, inputs, note, total, done, \
     refused, message, rate_per_second, cursor_id, upto_id, next_at, created_at, created_by, \
     updated_at, finished_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, \
     $14, $15, $16, $17, $18, $19)",
);

/// Adds a resolution.
///
/// # Errors
/// Those of the store.
pub fn insert(tx: &mut Tx, r: &Resolution) -> Result<(), Error> {
    tx.push(
        &INSERT,
        &[
            (&r.id).into(),
            (&r.space_id).into(),
            (&r.status).into(),
            (&r.filter).into(),
            (&r.action).into(),
            (&r.inputs).into(),
            (&r.note).into(),
            r.total.into(),
            r.done.into(),
            r.refused.into(),
            r.message.as_ref().into(),
            r.rate_per_second.into(),
            r.cursor.into(),
            r.upto.into(),
            r.next_at.into(),
            r.created_at.into(),
            (&r.created_by).into(),
            r.updated_at.into(),
            r.finished_at.into(),
        ],
    )
}

const BY_ID: Sql = select!("WHERE space_id = $1 AND id = $2");

/// Finds a resolution.
///
/// # Errors
/// Those of the store.
pub fn by_id(tx: &mut Tx, space: &SpaceId, id: &str) -> Result<Option<Resolution>, Error> {
    tx.query_opt(&BY_ID, &[space.into(), id.into()], read)
}

const LIST: Sql = select!("WHERE space_id = $1 ORDER BY created_at DESC, id LIMIT $2");

/// Lists resolutions, newest first.
///
/// # Errors
/// Those of the store.
pub fn list(tx: &mut Tx, space: &SpaceId, limit: i64) -> Result<Vec<Resolution>, Error> {
    tx.query(&LIST, &[space.into(), limit.into()], read)
}

const DUE: Sql = select!("WHERE status = 'Running' AND next_at <= $1 ORDER BY next_at LIMIT $2");

/// Resolutions whose next batch is due, of all spaces.
///
/// # Errors
/// Those of the store.
pub fn due(tx: &mut Tx, now: Micros, limit: i64) -> Result<Vec<Resolution>, Error> {
    tx.query(&DUE, &[now.into(), limit.into()], read)
}

const ADVANCE: Sql = Sql::both(
    "UPDATE resolutions SET status = $3, done = $4, refused = $5, message = $6, cursor_id = $7, \
     next_at = $8, updated_at = $9, finished_at = $10 \
     WHERE id = $1 AND cursor_id = $2 AND status = 'Running'",
);

/// Moves a resolution that still stands at `from`; false when another node was first, or a person
/// has paused or cancelled it.
///
/// # Errors
/// Those of the store.
pub fn advance(tx: &mut Tx, r: &Resolution, from: i64) -> Result<bool, Error> {
    let changed = tx.execute(
        &ADVANCE,
        &[
            (&r.id).into(),
            from.into(),
            (&r.status).into(),
            r.done.into(),
            r.refused.into(),
            r.message.as_ref().into(),
            r.cursor.into(),
            r.next_at.into(),
            r.updated_at.into(),
            r.finished_at.into(),
        ],
    )?;
    Ok(changed == 1)
}

const SET_STATUS: Sql = Sql::both(
    "UPDATE resolutions SET status = $3, next_at = $4, updated_at = $4, finished_at = $5 \
     WHERE id = $1 AND status = $2",
);

/// Moves a resolution from one status to another; false when it has another one.
///
/// # Errors
/// Those of the store.
pub fn set_status(tx: &mut Tx, id: &str, from: &str, to: &str, now: Micros) -> Result<bool, Error> {
    let finished = (to == "Cancelled").then_some(now);
    let values = [id.into(), from.into(), to.into(), now.into(), finished.into()];
    Ok(tx.execute(&SET_STATUS, &values)? == 1)
}
