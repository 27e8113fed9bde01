//! Webhook jobs: the table is the queue. Every change of a job's state is guarded by the state and
//! epoch it relies on; `false` says that somebody else was there first.

mod claims;
mod queue;
mod search;

pub use claims::{
    Claim, Waiting, adopt, any_void, claim, claim_statements, free_former, free_interrupted,
    free_void, waiting,
};
pub use queue::{Settled, free_unheard, mark_started, release, renew, settle, settle_all};
pub use search::{
    NameAndClass, Query, Scope, Step, URL_STARTS_MAX, count, list, names, plan, step,
};

use model::Audit;
use model::id::{EventId, JobId, KappId, RecoveryId, RunId, SpaceId, TraceId, WebhookId};
use model::job::{ErrorClass, Job, State};
use model::lane::LaneId;
use model::time::Micros;

use crate::events;
use crate::rows::Insert;
use crate::{Error, Lease, Row, Sql, Tx, Value};

static INSERT: Insert = Insert::new(
    "jobs",
    "id, space_id, kapp_id, event_id, webhook_id, trace_id, depth, name, type_name, event, \
     parent_type, parent_id, parent_key, url, state, summary, request_content, response_content, \
     retry_count, scheduled_at, started_at, finished_at, run_id, leased_by, leased_until, epoch, \
     created_at, created_by, updated_at, updated_by, error_class, lane",
);

/// Stores new jobs, several in one statement.
///
/// # Errors
/// What the database says.
pub fn insert<'a>(tx: &mut Tx, jobs: impl IntoIterator<Item = &'a Job>) -> Result<(), Error> {
    let note = |job: &'a Job| {
        note_lease(tx, job);
        values(job)
    };
    let rows: Vec<_> = jobs.into_iter().map(note).collect();
    INSERT.push(tx, &rows)
}

fn note_lease(tx: &mut Tx, job: &Job) {
    if let Some(until) = job.leased_until {
        tx.leases(|| Lease::Job { id: job.id.clone(), epoch: job.epoch, until });
    }
}

fn values(j: &Job) -> Vec<Value<'_>> {
    vec![
        (&j.id).into(),
        (&j.space_id).into(),
        j.kapp_id.as_ref().into(),
        j.event_id.as_ref().into(),
        j.webhook_id.as_ref().into(),
        (&j.trace_id).into(),
        j.depth.into(),
        (&j.name).into(),
        (&j.type_name).into(),
        (&j.event).into(),
        (&j.parent_type).into(),
        (&j.parent_id).into(),
        (&j.parent_key).into(),
        (&j.url).into(),
        j.state.as_str().into(),
        j.summary.as_ref().into(),
        j.request_content.as_ref().into(),
        j.response_content.as_ref().into(),
        j.retry_count.into(),
        j.scheduled_at.into(),
        j.started_at.into(),
        j.finished_at.into(),
        j.run_id.into(),
        j.leased_by.as_ref().into(),
        j.leased_until.into(),
        j.epoch.into(),
        j.audit.created_at.into(),
        (&j.audit.created_by).into(),
        j.audit.updated_at.into(),
        (&j.audit.updated_by).into(),
        class(j.error_class),
        LaneId::of(&j.url, &j.space_id, j.webhook_id.as_ref()).0.into(),
    ]
}

/// A job with the payload of its event, which is what it sends unless it has content of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The job.
    pub job: Job,
    /// The payload of its event as JSON text.
    pub payload: Option<String>,
    /// The slug of its kapp, while that exists.
    pub kapp_slug: Option<String>,
    /// The recovery that dealt with it last.
    pub recovery_id: Option<RecoveryId>,
    /// When retention removed what was sent and received.
    pub payload_removed_at: Option<Micros>,
}

impl Found {
    /// The body it sends.
    pub fn request_content(&self) -> Option<&str> {
        self.job.request_content.as_deref().or(self.payload.as_deref())
    }
}

const BY_ID: Sql = Sql::both(concat!(
    "SELECT j.id, j.space_id, j.kapp_id, j.event_id, j.webhook_id, j.trace_id, j.depth, j.name, \
     j.type_name, j.event, j.parent_type, j.parent_id, j.parent_key, j.url, j.state, j.summary, \
     j.request_content, j.response_content, j.retry_count, j.scheduled_at, j.started_at, \
     j.finished_at, j.run_id, j.leased_by, j.leased_until, j.epoch, j.created_at, j.created_by, \
     j.updated_at, j.updated_by, j.error_class, ",
    events::whole_payload!(),
    ", k.slug, j.recovery_id, j.payload_removed_at FROM jobs j \
     LEFT JOIN events e ON e.id = j.event_id \
     LEFT JOIN kapps k ON k.id = j.kapp_id WHERE j.space_id = $1 AND j.id = $2",
));

/// Finds a job of a space.
///
/// # Errors
/// What the database says.
pub fn by_id(tx: &mut Tx, space: &SpaceId, id: &JobId) -> Result<Option<Found>, Error> {
    tx.query_opt(&BY_ID, &[space.into(), id.into()], found)
}

/// What a person does to a job.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// The job as it was read; its state and epoch guard the change.
    pub job: &'a Job,
    /// The new state.
    pub state: State,
    /// The new URL.
    pub url: &'a str,
    /// When it is due.
    pub scheduled_at: Micros,
    /// When it reached a final state.
    pub finished_at: Option<Micros>,
    /// The outcome in a few words.
    pub summary: Option<&'a str>,
    /// The body received.
    pub response_content: Option<&'a str>,
    /// The run it started.
    pub run_id: Option<RunId>,
    /// Attempts after the first one.
    pub retry_count: i64,
    /// Why its last attempt failed.
    pub error_class: Option<ErrorClass>,
    /// When.
    pub at: Micros,
    /// Who.
    pub by: &'a str,
}

const CHANGE: Sql = Sql::both(
    "UPDATE jobs SET state = $4, url = $5, scheduled_at = $6, finished_at = $7, summary = $8, \
     response_content = $9, run_id = $10, retry_count = $11, updated_at = $12, updated_by = $13, \
     error_class = $14, lane = $15, epoch = epoch + 1, leased_by = NULL, leased_until = NULL \
     WHERE id = $1 AND state = $2 AND epoch = $3",
);

/// Applies what a person does to a job and takes it away from whoever works on it; `false` when it
/// moved since it was read.
///
/// # Errors
/// What the database says.
pub fn change(tx: &mut Tx, c: &Change<'_>) -> Result<bool, Error> {
    let values = [
        (&c.job.id).into(),
        c.job.state.as_str().into(),
        c.job.epoch.into(),
        c.state.as_str().into(),
        c.url.into(),
        c.scheduled_at.into(),
        c.finished_at.into(),
        c.summary.into(),
        c.response_content.into(),
        c.run_id.into(),
        c.retry_count.into(),
        c.at.into(),
        c.by.into(),
        class(c.error_class),
        LaneId::of(c.url, &c.job.space_id, c.job.webhook_id.as_ref()).0.into(),
    ];
    Ok(tx.execute(&CHANGE, &values)? == 1)
}

const DELETE: Sql = Sql::both("DELETE FROM jobs WHERE space_id = $1 AND id = $2");

/// Deletes a job with its attempts; `false` when there is none.
///
/// # Errors
/// What the database says.
pub fn delete(tx: &mut Tx, space: &SpaceId, id: &JobId) -> Result<bool, Error> {
    Ok(tx.execute(&DELETE, &[space.into(), id.into()])? == 1)
}

/// A class as it is stored.
fn class(class: Option<ErrorClass>) -> Value<'static> {
    class.map(ErrorClass::as_str).into()
}

fn found(row: &Row) -> Result<Found, Error> {
    let payload_removed_at = row.opt_micros(34)?;
    Ok(Found {
        job: read(row)?,
        payload: row.opt_text(31)?.filter(|_| payload_removed_at.is_none()),
        kapp_slug: row.opt_text(32)?,
        recovery_id: row.opt_text(33)?.map(RecoveryId),
        payload_removed_at,
    })
}

fn read(row: &Row) -> Result<Job, Error> {
    let state = row.text(14)?;
    Ok(Job {
        id: JobId(row.text(0)?),
        space_id: SpaceId(row.text(1)?),
        kapp_id: row.opt_text(2)?.map(KappId),
        event_id: row.opt_text(3)?.map(EventId),
        webhook_id: row.opt_text(4)?.map(WebhookId),
        trace_id: TraceId(row.text(5)?),
        depth: row.i64(6)?,
        name: row.text(7)?,
        type_name: row.text(8)?,
        event: row.text(9)?,
        parent_type: row.text(10)?,
        parent_id: row.text(11)?,
        parent_key: row.text(12)?,
        url: row.text(13)?,
        state: State::parse(&state)
            .ok_or_else(|| Error::db(format!("\"{state}\" is no state of a job")))?,
        summary: row.opt_text(15)?,
        request_content: row.opt_text(16)?,
        response_content: row.opt_text(17)?,
        retry_count: row.i64(18)?,
        scheduled_at: row.micros(19)?,
        started_at: row.opt_micros(20)?,
        finished_at: row.opt_micros(21)?,
        run_id: row.opt_i64(22)?.map(RunId),
        leased_by: row.opt_text(23)?,
        leased_until: row.opt_micros(24)?,
        epoch: row.i64(25)?,
        audit: Audit {
            created_at: row.micros(26)?,
            created_by: row.text(27)?,
            updated_at: row.micros(28)?,
            updated_by: row.text(29)?,
        },
        error_class: row.opt_text(30)?.as_deref().and_then(ErrorClass::parse),
    })
}
