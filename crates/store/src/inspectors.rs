//! Request inspectors and what they recorded, bounded by count, bytes and age.

use model::id::{InspectionId, InspectorId, JobId, SpaceId};
use model::inspector::{Inspection, Inspector};
use model::time::Micros;

use crate::spaces::audit;
use crate::{Error, Row, Select, Sql, Tx, Value};

/// Rows that one look at the oldest requests takes.
const OLDEST_ROWS: i64 = 64;

macro_rules! columns {
    ($tail:literal) => {
        Sql::both(concat!(
            "SELECT id, space_id, name, token, status, headers, body, delay_ms, ",
            "last_request_at, created_at, created_by, updated_at, updated_by FROM inspectors ",
            $tail
        ))
    };
}

fn read(row: &Row) -> Result<Inspector, Error> {
    Ok(Inspector {
        id: InspectorId(row.text(0)?),
        space_id: SpaceId(row.text(1)?),
        name: row.text(2)?,
        token: row.text(3)?,
        status: u16::try_from(row.i64(4)?).map_err(|_| Error::db("a status out of range"))?,
        headers: row.json(5)?,
        body: row.text(6)?,
        delay_ms: row.i64(7)?,
        last_request_at: row.opt_micros(8)?,
        audit: audit(row, 9)?,
    })
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::db(format!("writing JSON: {error}")))
}

const INSERT: Sql = Sql::both(
    "INSERT INTO inspectors (id, space_id, name, token, status, headers, body, delay_ms, \
     request_count, request_bytes, created_at, created_by, updated_at, updated_by) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, $9, $10, $11, $12)",
);

/// Stores a new inspector.
///
/// # Errors
/// `Unique` when its space has one of that name.
pub fn insert(tx: &mut Tx, inspector: &Inspector) -> Result<(), Error> {
    let i = inspector;
    let values = [
        (&i.id).into(),
        (&i.space_id).into(),
        (&i.name).into(),
        (&i.token).into(),
        i.status.into(),
        json(&i.headers)?.into(),
        (&i.body).into(),
        i.delay_ms.into(),
        i.audit.created_at.into(),
        (&i.audit.created_by).into(),
        i.audit.updated_at.into(),
        (&i.audit.updated_by).into(),
    ];
    tx.execute(&INSERT, &values).map(|_| ())
}

const UPDATE: Sql = Sql::both(
    "UPDATE inspectors SET name = $2, status = $3, headers = $4, body = $5, delay_ms = $6, \
     updated_at = $7, updated_by = $8 WHERE id = $1",
);

/// Stores what can change of an inspector; whether it was there.
///
/// # Errors
/// `Unique` when another has the new name.
pub fn update(tx: &mut Tx, inspector: &Inspector) -> Result<bool, Error> {
    let i = inspector;
    let values = [
        (&i.id).into(),
        (&i.name).into(),
        i.status.into(),
        json(&i.headers)?.into(),
        (&i.body).into(),
        i.delay_ms.into(),
        i.audit.updated_at.into(),
        (&i.audit.updated_by).into(),
    ];
    Ok(tx.execute(&UPDATE, &values)? == 1)
}

const OF_SPACE: Sql = columns!("WHERE space_id = $1 ORDER BY name, id LIMIT 1000");

/// The inspectors of a space, by name.
///
/// # Errors
/// What the database says.
pub fn of_space(tx: &mut Tx, space: &SpaceId) -> Result<Vec<Inspector>, Error> {
    tx.query(&OF_SPACE, &[space.into()], read)
}

const BY_ID: Sql = columns!("WHERE space_id = $1 AND id = $2");

/// Finds an inspector of a space.
///
/// # Errors
/// What the database says.
pub fn by_id(tx: &mut Tx, space: &SpaceId, id: &InspectorId) -> Result<Option<Inspector>, Error> {
    tx.query_opt(&BY_ID, &[space.into(), id.into()], read)
}

const BY_TOKEN: Sql = columns!("WHERE token = $1");

/// Finds the inspector behind an address.
///
/// # Errors
/// What the database says.
pub fn by_token(tx: &mut Tx, token: &str) -> Result<Option<Inspector>, Error> {
    tx.query_opt(&BY_TOKEN, &[token.into()], read)
}

const DELETE: Sql = Sql::both("DELETE FROM inspectors WHERE space_id = $1 AND id = $2");

/// Deletes an inspector with everything it recorded; whether it was there.
///
/// # Errors
/// What the database says.
pub fn delete(tx: &mut Tx, space: &SpaceId, id: &InspectorId) -> Result<bool, Error> {
    Ok(tx.execute(&DELETE, &[space.into(), id.into()])? == 1)
}

const RECORD: Sql = Sql::both(
    "INSERT INTO inspections (id, inspector_id, space_id, at, method, path, query, headers, \
     body, size, bytes, address, job_id, signature) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
);
const COUNTED: Sql = Sql::both(
    "UPDATE inspectors SET request_count = request_count + 1, request_bytes = request_bytes + $2, \
     last_request_at = $3 WHERE id = $1 RETURNING request_count, request_bytes",
);

/// What an inspector keeps at most.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Requests.
    pub count_max: i64,
    /// Bytes of bodies and headers.
    pub bytes_max: i64,
    /// Requests from before this time go.
    pub oldest: Micros,
}

/// Records a request and lets go of the oldest ones until the inspector is within its bounds;
/// `false` when the inspector was deleted meanwhile.
///
/// # Errors
/// What the database says.
pub fn record(tx: &mut Tx, inspection: &Inspection, bounds: &Bounds) -> Result<bool, Error> {
    let i = inspection;
    let headers = json(&i.headers)?;
    let bytes = Value::from(headers.len() + i.path.len() + i.query.len() + i.body.len());
    // The inspector's row first: requests to one inspector take turns, those to others do not.
    let counted = [(&i.inspector_id).into(), bytes.clone(), i.at.into()];
    let read = |row: &Row<'_>| Ok((row.i64(0)?, row.i64(1)?));
    let Some((mut count, mut total)) = tx.query_opt(&COUNTED, &counted, read)? else {
        return Ok(false);
    };
    let values = [
        (&i.id).into(),
        (&i.inspector_id).into(),
        (&i.space_id).into(),
        i.at.into(),
        (&i.method).into(),
        (&i.path).into(),
        (&i.query).into(),
        headers.into(),
        i.body.as_slice().into(),
        i.size.into(),
        bytes,
        (&i.address).into(),
        i.job_id.as_ref().into(),
        json(&i.signature)?.into(),
    ];
    tx.push(&RECORD, &values)?;
    loop {
        let old = oldest(tx, &i.inspector_id)?;
        let mut gone = false;
        for (id, at, bytes) in old {
            let is_over = count > bounds.count_max || total > bounds.bytes_max;
            if !(is_over || at < bounds.oldest) || id == i.id {
                return Ok(true);
            }
            forget(tx, &i.inspector_id, &id, bytes)?;
            (count, total, gone) = (count - 1, total - bytes, true);
        }
        if !gone {
            return Ok(true);
        }
    }
}

const OLDEST: Sql = Sql::both(
    "SELECT id, at, bytes FROM inspections WHERE inspector_id = $1 ORDER BY at, id LIMIT $2",
);

fn oldest(tx: &mut Tx, of: &InspectorId) -> Result<Vec<(InspectionId, Micros, i64)>, Error> {
    let read = |row: &Row<'_>| Ok((InspectionId(row.text(0)?), row.micros(1)?, row.i64(2)?));
    tx.query(&OLDEST, &[of.into(), OLDEST_ROWS.into()], read)
}

const FORGET: Sql = Sql::both("DELETE FROM inspections WHERE id = $1");
const UNCOUNTED: Sql = Sql::both(
    "UPDATE inspectors SET request_count = request_count - 1, request_bytes = request_bytes - $2 \
     WHERE id = $1",
);

fn forget(tx: &mut Tx, of: &InspectorId, id: &InspectionId, bytes: i64) -> Result<(), Error> {
    tx.push(&FORGET, &[id.into()])?;
    tx.push(&UNCOUNTED, &[of.into(), bytes.into()])
}

const AGED: Sql = Sql::both(
    "SELECT inspector_id, id, bytes FROM inspections WHERE at < $1 ORDER BY at, id LIMIT $2",
);

const AGED_OF_SPACE: Sql = Sql::both(
    "SELECT inspector_id, id, bytes FROM inspections WHERE at < $1 AND space_id = $3 \
     ORDER BY at, id LIMIT $2",
);

/// Deletes up to `limit` requests from before `oldest`, of a space or of all; how many.
///
/// # Errors
/// What the database says.
pub fn purge(
    tx: &mut Tx,
    space: Option<&SpaceId>,
    oldest: Micros,
    limit: i64,
) -> Result<usize, Error> {
    let read =
        |row: &Row<'_>| Ok((InspectorId(row.text(0)?), InspectionId(row.text(1)?), row.i64(2)?));
    let aged = match space {
        None => tx.query(&AGED, &[oldest.into(), limit.into()], read)?,
        Some(space) => {
            tx.query(&AGED_OF_SPACE, &[oldest.into(), limit.into(), space.into()], read)?
        }
    };
    for (of, id, bytes) in &aged {
        forget(tx, of, id, *bytes)?;
    }
    Ok(aged.len())
}

const CLEAR: Sql = Sql::both("DELETE FROM inspections WHERE inspector_id = $1");
const CLEARED: Sql =
    Sql::both("UPDATE inspectors SET request_count = 0, request_bytes = 0 WHERE id = $1");

/// Deletes everything an inspector recorded; how much.
///
/// # Errors
/// What the database says.
pub fn clear(tx: &mut Tx, id: &InspectorId) -> Result<u64, Error> {
    tx.execute(&CLEARED, &[id.into()])?;
    tx.execute(&CLEAR, &[id.into()])
}

const INSPECTIONS: Sql = Sql::both(
    "SELECT id, inspector_id, space_id, at, method, path, query, headers, body, size, address, \
     job_id, signature FROM inspections WHERE inspector_id = $1",
);

/// A page of what an inspector recorded, newest first, after a place of an earlier page.
///
/// # Errors
/// What the database says.
pub fn requests(
    tx: &mut Tx,
    inspector: &InspectorId,
    after: Option<&(Micros, InspectionId)>,
    limit: i64,
) -> Result<Vec<Inspection>, Error> {
    let mut select = Select::new(&INSPECTIONS, &[inspector.into()]);
    if let Some((at, id)) = after {
        select.and_all("(at, id) < ($?, $?)", vec![(*at).into(), id.into()]);
    }
    select.end("ORDER BY at DESC, id DESC LIMIT $?", limit);
    select.query(tx, inspection)
}

const REQUEST: Sql = Sql::both(
    "SELECT id, inspector_id, space_id, at, method, path, query, headers, body, size, address, \
     job_id, signature FROM inspections WHERE inspector_id = $1 AND id = $2",
);

/// Finds one recorded request.
///
/// # Errors
/// What the database says.
pub fn request(
    tx: &mut Tx,
    inspector: &InspectorId,
    id: &InspectionId,
) -> Result<Option<Inspection>, Error> {
    tx.query_opt(&REQUEST, &[inspector.into(), id.into()], inspection)
}

fn inspection(row: &Row) -> Result<Inspection, Error> {
    Ok(Inspection {
        id: InspectionId(row.text(0)?),
        inspector_id: InspectorId(row.text(1)?),
        space_id: SpaceId(row.text(2)?),
        at: row.micros(3)?,
        method: row.text(4)?,
        path: row.text(5)?,
        query: row.text(6)?,
        headers: row.json(7)?,
        body: row.bytes(8)?,
        size: row.i64(9)?,
        address: row.text(10)?,
        job_id: row.opt_text(11)?.map(JobId),
        signature: row.json(12)?,
    })
}
