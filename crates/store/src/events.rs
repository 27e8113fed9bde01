//! Events: one row for each committed change, with its payload and the verdicts of webhooks.

use model::event::{Event, WebhookVerdict};
use model::id::{EventId, JobId, KappId, RunId, SpaceId, TaskId, TraceId};
use model::time::Micros;

use crate::rows::{Insert, ROWS_MAX};
use crate::{Error, Row, Select, Sql, Tx, Value};

/// The payload of the event `e` as SQL: its own, or its first part and the rest of another's. When
/// that one was purged, what is left is the first part.
macro_rules! whole_payload {
    () => {
        "CASE WHEN e.payload_of IS NULL THEN e.payload ELSE coalesce((\
         SELECT substr(e.payload, 1, length(e.payload) - 1) || ',' || \
         substr(h.payload, CAST(e.payload_from AS INTEGER)) FROM events h \
         WHERE h.id = e.payload_of AND length(h.payload) >= e.payload_from), e.payload) END"
    };
}
pub(crate) use whole_payload;

/// An event as it is written: its payload and verdicts already as text.
#[derive(Clone, Debug)]
pub struct NewEvent<'a> {
    /// The event.
    pub event: &'a Event,
    /// Its payload as JSON text; the first part of it, when the rest is another event's.
    pub payload: &'a str,
    /// The event whose payload goes on from there, and how many of its characters come before.
    pub rest_of: Option<(&'a EventId, usize)>,
    /// Its verdicts as JSON text.
    pub verdicts: &'a str,
}

static INSERT: Insert = Insert::new(
    "events",
    "id, space_id, kapp_id, level, type_name, event, entity_type, entity_id, entity_key, label, \
     actor, created_at BIGINT, trace_id, depth BIGINT, cause_event_id, cause_run_id BIGINT, \
     cause_task_id BIGINT, payload, payload_of, payload_from BIGINT, verdicts",
);

// The statement that inserts checks it, which saves a round trip.
const AT_GENERATION: &str = "coalesce((SELECT generation FROM webhook_generations \
     WHERE space_id = $?), 0) = CAST($? AS BIGINT)";

/// Stores the events of a change if their space's webhooks still are at `generation`.
///
/// # Errors
/// `Stale` when they moved, on PostgreSQL perhaps only at the commit; what the database says.
pub fn insert_at(tx: &mut Tx, new: &[NewEvent<'_>], generation: i64) -> Result<(), Error> {
    let rows: Vec<_> = new.iter().map(values).collect();
    let (first, rest) = rows.split_at(rows.len().min(ROWS_MAX));
    let Some(space) = new.first().map(|new| &new.event.space_id) else { return Ok(()) };
    let condition = [space.into(), generation.into()];
    INSERT.guarded(tx, first, (AT_GENERATION, &condition))?;
    INSERT.push(tx, rest)
}

fn values<'a>(new: &NewEvent<'a>) -> Vec<Value<'a>> {
    let e = new.event;
    vec![
        (&e.id).into(),
        (&e.space_id).into(),
        e.kapp_id.as_ref().into(),
        e.level.as_str().into(),
        e.type_name.into(),
        e.event.into(),
        e.entity_type.into(),
        (&e.entity_id).into(),
        (&e.entity_key).into(),
        (&e.label).into(),
        (&e.actor).into(),
        e.at.into(),
        (&e.cause.trace_id).into(),
        e.cause.depth.into(),
        e.cause.event_id.as_ref().into(),
        e.cause.run_id.into(),
        e.cause.task_id.into(),
        new.payload.into(),
        new.rest_of.map(|(event, _)| event).into(),
        new.rest_of.map(|(_, from)| from + 1).into(),
        new.verdicts.into(),
    ]
}

/// An event as it is read, without its payload.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Its id.
    pub id: EventId,
    /// Its space.
    pub space_id: SpaceId,
    /// Its kapp.
    pub kapp_id: Option<KappId>,
    /// The slug of its kapp, while that exists.
    pub kapp_slug: Option<String>,
    /// `Space` or `Kapp`.
    pub level: String,
    /// The catalogue's type name.
    pub type_name: String,
    /// The catalogue's event name.
    pub event: String,
    /// The kind of record.
    pub entity_type: String,
    /// The record's id.
    pub entity_id: String,
    /// What people look it up by.
    pub entity_key: String,
    /// What names it to a person.
    pub label: String,
    /// The username that acted.
    pub actor: String,
    /// When it happened.
    pub created_at: Micros,
    /// Its trace.
    pub trace_id: TraceId,
    /// How deep in the trace.
    pub depth: i64,
    /// The event that led to it.
    pub cause_event_id: Option<EventId>,
    /// The run that led to it.
    pub cause_run_id: Option<RunId>,
    /// The task of that run.
    pub cause_task_id: Option<TaskId>,
    /// What webhooks made of it.
    pub verdicts: Vec<WebhookVerdict>,
    /// How many jobs it has.
    pub jobs: i64,
    /// When retention removed its payload.
    pub payload_removed_at: Option<Micros>,
}

/// Which events to list; newest first.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Of this type.
    pub type_name: Option<String>,
    /// Of this event name.
    pub event: Option<String>,
    /// Of this kapp.
    pub kapp_id: Option<KappId>,
    /// About this kind of record.
    pub entity_type: Option<String>,
    /// About the record of this key.
    pub entity_key: Option<String>,
    /// Whose label, key or actor contains this text, in any case.
    pub text: Option<String>,
    /// Caused by this event.
    pub caused_by: Option<EventId>,
    /// After this place of an earlier page.
    pub after: Option<(Micros, EventId)>,
    /// Rows at most.
    pub limit: i64,
}

const LIST: Sql = Sql::both(
    "SELECT e.id, e.space_id, e.kapp_id, k.slug, e.level, e.type_name, e.event, e.entity_type, \
     e.entity_id, e.entity_key, e.label, e.actor, e.created_at, e.trace_id, e.depth, \
     e.cause_event_id, e.cause_run_id, e.cause_task_id, e.verdicts, \
     (SELECT count(*) FROM jobs j WHERE j.event_id = e.id), e.payload_removed_at \
     FROM events e LEFT JOIN kapps k ON k.id = e.kapp_id WHERE e.space_id = $1",
);

/// Lists events, newest first.
///
/// # Errors
/// What the database says.
pub fn list(tx: &mut Tx, space: &SpaceId, query: &Query) -> Result<Vec<Summary>, Error> {
    let mut select = Select::new(&LIST, &[space.into()]);
    if let Some(type_name) = &query.type_name {
        select.and("e.type_name = $?", type_name);
    }
    if let Some(event) = &query.event {
        select.and("e.event = $?", event);
    }
    if let Some(kapp) = &query.kapp_id {
        select.and("e.kapp_id = $?", kapp);
    }
    if let Some(kind) = &query.entity_type {
        select.and("e.entity_type = $?", kind);
    }
    if let Some(key) = &query.entity_key {
        select.and("e.entity_key = $?", key);
    }
    if let Some(cause) = &query.caused_by {
        select.and("e.cause_event_id = $?", cause);
    }
    if let Some(text) = &query.text {
        let like = like(text);
        select.and_all(
            "(lower(e.label) LIKE $? ESCAPE '\\' OR lower(e.entity_key) LIKE $? ESCAPE '\\' \
             OR lower(e.actor) LIKE $? ESCAPE '\\')",
            vec![like.clone().into(), like.clone().into(), like.into()],
        );
    }
    if let Some((at, id)) = &query.after {
        select.and_all("(e.created_at, e.id) < ($?, $?)", vec![(*at).into(), id.into()]);
    }
    select.end("ORDER BY e.created_at DESC, e.id DESC LIMIT $?", query.limit);
    select.query(tx, summary)
}

/// A pattern that finds `text` anywhere, its own wildcards escaped.
pub(crate) fn like(text: &str) -> String {
    format!("%{}", like_start(text))
}

/// A pattern that finds `text` at the beginning, its own wildcards escaped.
pub(crate) fn like_start(text: &str) -> String {
    let mut pattern = String::new();
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

fn summary(row: &Row) -> Result<Summary, Error> {
    Ok(Summary {
        id: EventId(row.text(0)?),
        space_id: SpaceId(row.text(1)?),
        kapp_id: row.opt_text(2)?.map(KappId),
        kapp_slug: row.opt_text(3)?,
        level: row.text(4)?,
        type_name: row.text(5)?,
        event: row.text(6)?,
        entity_type: row.text(7)?,
        entity_id: row.text(8)?,
        entity_key: row.text(9)?,
        label: row.text(10)?,
        actor: row.text(11)?,
        created_at: row.micros(12)?,
        trace_id: TraceId(row.text(13)?),
        depth: row.i64(14)?,
        cause_event_id: row.opt_text(15)?.map(EventId),
        cause_run_id: row.opt_i64(16)?.map(RunId),
        cause_task_id: row.opt_i64(17)?.map(TaskId),
        verdicts: row.json(18)?,
        jobs: row.i64(19)?,
        payload_removed_at: row.opt_micros(20)?,
    })
}

const BY_ID: Sql = Sql::both(concat!(
    "SELECT e.id, e.space_id, e.kapp_id, k.slug, e.level, e.type_name, e.event, e.entity_type, \
     e.entity_id, e.entity_key, e.label, e.actor, e.created_at, e.trace_id, e.depth, \
     e.cause_event_id, e.cause_run_id, e.cause_task_id, e.verdicts, \
     (SELECT count(*) FROM jobs j WHERE j.event_id = e.id), e.payload_removed_at, ",
    whole_payload!(),
    " FROM events e LEFT JOIN kapps k ON k.id = e.kapp_id WHERE e.space_id = $1 AND e.id = $2",
));

/// Finds an event with its payload as JSON text.
///
/// # Errors
/// What the database says.
pub fn by_id(
    tx: &mut Tx,
    space: &SpaceId,
    id: &EventId,
) -> Result<Option<(Summary, String)>, Error> {
    tx.query_opt(&BY_ID, &[space.into(), id.into()], |row| Ok((summary(row)?, row.text(21)?)))
}

const PAYLOAD: Sql = Sql::both(concat!(
    "SELECT ",
    whole_payload!(),
    " FROM events e WHERE e.id = $1 AND e.payload_removed_at IS NULL"
));

const KEPT_CHARS: Sql = Sql::both(
    "SELECT CAST(coalesce(sum(length(payload)), 0) AS BIGINT) FROM events WHERE space_id = $1",
);

/// Counts the characters of payload that a space's events take up in the table, where what the
/// events of a change share counts once.
///
/// # Errors
/// What the database says.
pub fn kept_chars(tx: &mut Tx, space: &SpaceId) -> Result<i64, Error> {
    tx.query_one(&KEPT_CHARS, &[space.into()], |row| row.i64(0))
}

/// The payload of an event as JSON text; nothing when retention removed it.
///
/// # Errors
/// What the database says.
pub fn payload(tx: &mut Tx, id: &EventId) -> Result<Option<String>, Error> {
    tx.query_opt(&PAYLOAD, &[id.into()], |row| row.text(0))
}

/// A run that an event started.
#[derive(Clone, Debug, PartialEq)]
pub struct StartedRun {
    /// Its number.
    pub id: RunId,
    /// The title of its tree.
    pub tree: String,
    /// Its state.
    pub state: String,
    /// The job that started it.
    pub job_id: Option<JobId>,
}

const RUN: Sql = Sql::both(
    "SELECT r.id, t.source, t.tree_group, t.name, r.state, r.job_id FROM runs r \
     LEFT JOIN trees t ON t.id = r.tree_id WHERE r.id = $1",
);

/// The run of a number, in few words.
///
/// # Errors
/// What the database says.
pub fn run(tx: &mut Tx, id: RunId) -> Result<Option<StartedRun>, Error> {
    tx.query_opt(&RUN, &[id.into()], started_run)
}

const RUNS: Sql = Sql::both(
    "SELECT r.id, t.source, t.tree_group, t.name, r.state, r.job_id FROM runs r \
     LEFT JOIN trees t ON t.id = r.tree_id WHERE r.event_id = $1 ORDER BY r.id LIMIT 1000",
);

/// The runs that an event started, first to last, a thousand at most.
///
/// # Errors
/// What the database says.
pub fn runs(tx: &mut Tx, id: &EventId) -> Result<Vec<StartedRun>, Error> {
    tx.query(&RUNS, &[id.into()], started_run)
}

fn started_run(row: &Row) -> Result<StartedRun, Error> {
    let part = |i| row.opt_text(i).map(Option::unwrap_or_default);
    Ok(StartedRun {
        id: RunId(row.i64(0)?),
        tree: format!("{} :: {} :: {}", part(1)?, part(2)?, part(3)?),
        state: row.text(4)?,
        job_id: row.opt_text(5)?.map(JobId),
    })
}
