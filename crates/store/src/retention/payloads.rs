//! Removing what jobs and events carry while their rows stay. What events of one change share goes
//! with the last of them.

use model::job::AttemptDetail;
use model::time::Micros;

use super::places;
use crate::{Error, Row, Sql, Tx, Value};

pub(super) const LOOK_JOBS: Sql = Sql::both(concat!(
    "SELECT j.scheduled_at, j.id, CASE WHEN j.payload_removed_at IS NOT NULL THEN 2 WHEN ",
    places::job_may_go!(),
    " THEN 1 ELSE 0 END, 1 + \
     (SELECT count(*) FROM (SELECT 1 AS one FROM attempts a WHERE a.job_id = j.id LIMIT 400) x) \
     FROM jobs j WHERE j.space_id = $1 AND (j.scheduled_at, j.id) > ($2, $3) \
     AND j.scheduled_at < $4 ORDER BY j.scheduled_at, j.id LIMIT $5"
));
const REMOVE_OF_JOBS: Sql = Sql::both(concat!(
    "UPDATE jobs AS j SET payload_removed_at = $7, request_content = NULL, \
     response_content = NULL WHERE j.space_id = $1 AND (j.scheduled_at, j.id) > ($2, $3) \
     AND (j.scheduled_at, j.id) <= ($4, $5) AND j.payload_removed_at IS NULL AND ",
    places::job_may_go!()
));
const ATTEMPTS: Sql = Sql::both(
    "SELECT a.job_id, a.number, a.detail FROM jobs j JOIN attempts a ON a.job_id = j.id \
     WHERE j.space_id = $1 AND (j.scheduled_at, j.id) > ($2, $3) \
     AND (j.scheduled_at, j.id) <= ($4, $5) AND j.payload_removed_at = $6",
);
const STRIP: Sql = Sql::both("UPDATE attempts SET detail = $3 WHERE job_id = $1 AND number = $2");

pub(super) fn remove_of_jobs(
    tx: &mut Tx,
    values: &[Value<'_>; 6],
    now: Micros,
) -> Result<u64, Error> {
    let count = tx.execute(&REMOVE_OF_JOBS, &[values.as_slice(), &[now.into()]].concat())?;
    if count == 0 {
        return Ok(0);
    }
    let [space, from_at, from_id, to_at, to_id, _] = values.clone();
    let attempts = [space, from_at, from_id, to_at, to_id, now.into()];
    let stripped = tx.query(&ATTEMPTS, &attempts, |row: &Row<'_>| {
        Ok((row.text(0)?, row.i64(1)?, strip(row.json(2)?)?))
    })?;
    for (job, number, detail) in &stripped {
        tx.push(&STRIP, &[job.into(), (*number).into(), detail.into()])?;
    }
    Ok(count)
}

/// An attempt without what was sent and received: timings, address, status and class stay.
fn strip(detail: AttemptDetail) -> Result<String, Error> {
    let bare = AttemptDetail {
        request_headers: Vec::new(),
        response_headers: Vec::new(),
        response_body: None,
        ..detail
    };
    serde_json::to_string(&bare)
        .map_err(|error| Error::db(format!("an attempt cannot be written: {error}")))
}

macro_rules! event_payload_may_go {
    () => {
        "e.created_at < $6 \
         AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.event_id = e.id \
         AND j.payload_removed_at IS NULL) \
         AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.event_id = e.id \
         AND r.state IN ('Running', 'Waiting', 'Error')) \
         AND NOT EXISTS (SELECT 1 FROM events o WHERE o.space_id = e.space_id \
         AND o.created_at = e.created_at AND o.payload_of = e.id)"
    };
}

pub(super) const LOOK_EVENTS: Sql = Sql::both(concat!(
    "SELECT e.created_at, e.id, CASE WHEN e.payload_removed_at IS NOT NULL THEN 2 WHEN ",
    event_payload_may_go!(),
    " THEN 1 ELSE 0 END, 1 FROM events e WHERE e.space_id = $1 \
     AND (e.created_at, e.id) > ($2, $3) AND e.created_at < $4 \
     ORDER BY e.created_at, e.id LIMIT $5"
));
// Those that go on with another's payload first, so that both lose it in one transaction. What a
// payload leaves behind can be read as the JSON it was.
const REMOVE_OF_PARTS: Sql = Sql::both(concat!(
    "UPDATE events AS e SET payload_removed_at = $7, payload = '{}', payload_of = NULL, \
     payload_from = NULL WHERE e.space_id = $1 AND (e.created_at, e.id) > ($2, $3) \
     AND (e.created_at, e.id) <= ($4, $5) AND e.payload_removed_at IS NULL \
     AND e.payload_of IS NOT NULL AND ",
    event_payload_may_go!()
));
const REMOVE_OF_EVENTS: Sql = Sql::both(concat!(
    "UPDATE events AS e SET payload_removed_at = $7, payload = '{}' WHERE e.space_id = $1 \
     AND (e.created_at, e.id) > ($2, $3) AND (e.created_at, e.id) <= ($4, $5) \
     AND e.payload_removed_at IS NULL AND ",
    event_payload_may_go!()
));

pub(super) fn remove_of_events(
    tx: &mut Tx,
    values: &[Value<'_>; 6],
    now: Micros,
) -> Result<u64, Error> {
    let values = [values.as_slice(), &[now.into()]].concat();
    Ok(tx.execute(&REMOVE_OF_PARTS, &values)? + tx.execute(&REMOVE_OF_EVENTS, &values)?)
}
