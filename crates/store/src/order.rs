//! Order and coalescing: jobs of one webhook that share a key.
//!
//! Of an ordered key one job is the head; it alone may be claimed, the others are held. The head's
//! row is locked by whoever adds a job of the key and by whoever is done with the head, so that
//! none is forgotten. Only jobs with a key pay for any of this.

use model::id::{JobId, WebhookId};
use model::job::{JobChange, State};
use model::time::Micros;

use crate::{Error, Sql, Tx, job_changes};

// On a conflict the row is locked and stays what it is.
const ENTER: Sql = Sql::both(
    "INSERT INTO order_heads (webhook_id, order_key, job_id) VALUES ($1, $2, $3) \
     ON CONFLICT (webhook_id, order_key) DO UPDATE SET job_id = order_heads.job_id \
     RETURNING job_id",
);

const MARK: Sql = Sql::both("UPDATE jobs SET order_key = $2, held = $3 WHERE id = $1");

/// Queues a job that was just stored behind the others of its key.
///
/// # Errors
/// What the database says.
pub fn enter(tx: &mut Tx, webhook: &WebhookId, key: &str, job: &JobId) -> Result<(), Error> {
    let values = [webhook.into(), key.into(), job.into()];
    let head = tx.query_opt(&ENTER, &values, |row| row.text(0))?;
    let held = head.is_some_and(|head| head != job.0).then_some("order");
    tx.push(&MARK, &[job.into(), key.into(), held.into()])
}

const KEY: Sql = Sql::both(
    "SELECT webhook_id, order_key FROM jobs WHERE id = $1 AND order_key IS NOT NULL \
     AND webhook_id IS NOT NULL",
);

/// Lets the next job of a key go when `job`, which is done, was the head.
///
/// # Errors
/// What the database says.
pub fn leave(tx: &mut Tx, job: &JobId, at: Micros, actor: &str) -> Result<(), Error> {
    let key = tx.query_opt(&KEY, &[job.into()], |row| Ok((row.text(0)?, row.text(1)?)))?;
    match key {
        Some((webhook, key)) => advance(tx, &WebhookId(webhook), &key, job, at, actor),
        None => Ok(()),
    }
}

const LOCK: Sql = Sql::both(
    "UPDATE order_heads SET job_id = job_id WHERE webhook_id = $1 AND order_key = $2 \
     AND job_id = $3",
);
const NEXT: Sql = Sql::both(
    "SELECT id FROM jobs WHERE webhook_id = $1 AND order_key = $2 AND held IS NOT NULL \
     AND state = 'Queued' ORDER BY created_at, id LIMIT 1",
);
const MOVE: Sql =
    Sql::both("UPDATE order_heads SET job_id = $3 WHERE webhook_id = $1 AND order_key = $2");
const FREE: Sql = Sql::both("UPDATE jobs SET held = NULL WHERE id = $1");
const CLOSE: Sql = Sql::both("DELETE FROM order_heads WHERE webhook_id = $1 AND order_key = $2");

fn advance(
    tx: &mut Tx,
    webhook: &WebhookId,
    key: &str,
    head: &JobId,
    at: Micros,
    actor: &str,
) -> Result<(), Error> {
    let place = [webhook.into(), key.into()];
    if tx.execute(&LOCK, &[webhook.into(), key.into(), head.into()])? == 0 {
        return Ok(());
    }
    let next = tx.query_opt(&NEXT, &place, |row| row.text(0).map(JobId))?;
    let Some(next) = next else { return tx.push(&CLOSE, &place) };
    tx.push(&MOVE, &[webhook.into(), key.into(), (&next).into()])?;
    tx.push(&FREE, &[(&next).into()])?;
    let change = JobChange {
        job_id: next,
        at,
        state: State::Queued,
        reason: format!("goes on: job {head}, which came before it in its order, is done"),
        actor: actor.to_owned(),
        attempt: None,
    };
    job_changes::insert(tx, &[change])
}

const DONE_HEADS: Sql = Sql::both(
    "SELECT h.webhook_id, h.order_key, h.job_id FROM order_heads h \
     LEFT JOIN jobs j ON j.id = h.job_id \
     WHERE j.id IS NULL OR j.state IN ('Complete', 'Cancelled') LIMIT $1",
);

/// Keys whose head is done, or gone, without having let the next one go: it was cancelled or
/// deleted. Each is a webhook, a key and the head.
///
/// # Errors
/// What the database says.
pub fn done_heads(tx: &mut Tx, limit: i64) -> Result<Vec<(WebhookId, String, JobId)>, Error> {
    tx.query(&DONE_HEADS, &[limit.into()], |row| {
        Ok((WebhookId(row.text(0)?), row.text(1)?, JobId(row.text(2)?)))
    })
}

/// Lets the next jobs go of keys that [`done_heads`] told.
///
/// # Errors
/// What the database says.
pub fn advance_all(
    tx: &mut Tx,
    heads: &[(WebhookId, String, JobId)],
    at: Micros,
    actor: &str,
) -> Result<(), Error> {
    heads.iter().try_for_each(|(webhook, key, head)| advance(tx, webhook, key, head, at, actor))
}

const HELD_BY: Sql = Sql::both(
    "SELECT h.job_id FROM jobs j JOIN order_heads h \
     ON h.webhook_id = j.webhook_id AND h.order_key = j.order_key \
     WHERE j.id = $1 AND j.held IS NOT NULL",
);

/// The job that a held job waits for.
///
/// # Errors
/// What the database says.
pub fn held_by(tx: &mut Tx, job: &JobId) -> Result<Option<JobId>, Error> {
    tx.query_opt(&HELD_BY, &[job.into()], |row| row.text(0).map(JobId))
}

const COALESCE: Sql = Sql::both("UPDATE jobs SET coalesce_key = $2 WHERE id = $1");
const SUPERSEDE: Sql = Sql::both(
    "UPDATE jobs SET state = 'Cancelled', summary = $4, finished_at = $5, updated_at = $5, \
     epoch = epoch + 1, leased_by = NULL, leased_until = NULL \
     WHERE webhook_id = $1 AND coalesce_key = $2 AND coalesce_key IS NOT NULL \
     AND state = 'Queued' AND id <> $3 RETURNING id",
);

/// Cancels the queued jobs of a key that the job, which was just stored, makes obsolete; returns
/// them.
///
/// # Errors
/// What the database says.
pub fn supersede(
    tx: &mut Tx,
    webhook: &WebhookId,
    key: &str,
    job: &JobId,
    at: Micros,
) -> Result<Vec<JobId>, Error> {
    tx.push(&COALESCE, &[job.into(), key.into()])?;
    let reason = format!("superseded by job {job}");
    let summary = format!("Cancelled: {reason}");
    let values = [webhook.into(), key.into(), job.into(), (&summary).into(), at.into()];
    let superseded = tx.query(&SUPERSEDE, &values, |row| row.text(0).map(JobId))?;
    for old in &superseded {
        let change = JobChange {
            job_id: old.clone(),
            at,
            state: State::Cancelled,
            reason: reason.clone(),
            actor: "system".to_owned(),
            attempt: None,
        };
        job_changes::insert(tx, &[change])?;
    }
    Ok(superseded)
}
