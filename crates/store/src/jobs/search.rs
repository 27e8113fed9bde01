//! Lists of jobs, newest first, that read a page and not a history.
//!
//! A list is driven by one index (or by one range of it for each state or class asked for), whose
//! order is the order of the list. Conditions that the index does not answer are looked up row by
//! row, over as many rows as the caller allows; how far that went is told, so that a search for
//! something rare is continued rather than kept waiting.

use model::id::{EventId, JobId, KappId, SpaceId, WebhookId};
use model::job::{ErrorClass, State};
use model::time::Micros;

use super::Found;
use crate::events;
use crate::{Dialect, Error, Select, Sql, Tx, Value};

/// Whose jobs a list is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Those of the space's own webhooks.
    #[default]
    Space,
    /// Those of one kapp's webhooks.
    Kapp(KappId),
    /// All of them.
    All,
}

/// Which jobs to list; newest first.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Whose jobs.
    pub scope: Scope,
    /// This very job.
    pub id: Option<JobId>,
    /// In these states; empty: in any.
    pub states: Vec<State>,
    /// Whose last attempt failed for one of these reasons; empty: all.
    pub classes: Vec<ErrorClass>,
    /// Of the webhook of this name; of `webhook_ids`, when there are any.
    pub webhook: Option<String>,
    /// The webhooks of that name, which an index finds; a deleted one is found by name alone.
    pub webhook_ids: Vec<WebhookId>,
    /// Of this type.
    pub type_name: Option<String>,
    /// Of this event.
    pub event_id: Option<EventId>,
    /// About a record: its kind and key.
    pub parent: Option<(String, String)>,
    /// Due at this time or later.
    pub start: Option<Micros>,
    /// Due before this time.
    pub end: Option<Micros>,
    /// Whose URL, with a slash behind it, begins with one of these texts, in any case; at most
    /// [`URL_STARTS_MAX`]; empty: all.
    pub url_starts: Vec<String>,
    /// Whose URL contains this text, in any case.
    pub url: Option<String>,
    /// Whose name, URL, summary or record contains this text, in any case.
    pub text: Option<String>,
    /// Whose request or response contains this text, in any case.
    pub content: Option<String>,
    /// Whether `content` may stand in the summary as well.
    pub content_or_summary: bool,
    /// Whether rows carry what was sent and received.
    pub with_bodies: bool,
    /// Oldest first instead of newest first.
    pub oldest_first: bool,
    /// After this place of an earlier page.
    pub after: Option<(Micros, JobId)>,
    /// Rows at most.
    pub limit: i64,
}

/// What one step of a search found.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// Jobs, newest first, at most as many as were asked for.
    pub found: Vec<Found>,
    /// Rows that were looked at one by one; 0 when an index answered everything.
    pub rows: i64,
    /// Where to go on when fewer were found than asked for; `None` at the end of the history.
    pub resume: Option<(Micros, JobId)>,
}

/// What leads through the table in the order of the list.
enum Driver<'a> {
    Id(&'a JobId),
    Event(&'a EventId),
    Record(&'a str),
    Class(ErrorClass),
    GivenUp(State),
    Open(State),
    Webhook(&'a WebhookId),
    Kapp(&'a KappId),
    OfSpace,
    All,
}

/// More webhooks of one name than this are told apart row by row.
const WEBHOOKS_DRIVEN_MAX: usize = 8;

/// The drivers of a query; together they lead to every job it may list, each job once.
fn drivers(query: &Query) -> Vec<Driver<'_>> {
    if let Some(id) = &query.id {
        return vec![Driver::Id(id)];
    }
    if let Some(event) = &query.event_id {
        return vec![Driver::Event(event)];
    }
    if let Some((_, key)) = &query.parent {
        return vec![Driver::Record(key)];
    }
    if !query.classes.is_empty() {
        return distinct(&query.classes).map(|class| Driver::Class(*class)).collect();
    }
    if !query.states.is_empty() && !query.states.contains(&State::Complete) {
        let driver = |state: &State| match state {
            State::Failed | State::Cancelled => Driver::GivenUp(*state),
            _ => Driver::Open(*state),
        };
        return distinct(&query.states).map(driver).collect();
    }
    if (1..=WEBHOOKS_DRIVEN_MAX).contains(&query.webhook_ids.len()) {
        return query.webhook_ids.iter().map(Driver::Webhook).collect();
    }
    match &query.scope {
        Scope::Kapp(kapp) => vec![Driver::Kapp(kapp)],
        Scope::Space => vec![Driver::OfSpace],
        Scope::All => vec![Driver::All],
    }
}

/// The values of a list, each once.
fn distinct<T: PartialEq>(list: &[T]) -> impl Iterator<Item = &T> {
    let is_first = |(at, value): &(usize, &T)| list.iter().position(|v| v == *value) == Some(*at);
    list.iter().enumerate().filter(is_first).map(|(_, value)| value)
}

impl<'a> Driver<'a> {
    /// Leads the statement. SQLite keeps no statistics and is told the index by name; PostgreSQL
    /// has no such clause and needs none, for what it reads is bounded by the range of times.
    fn lead(&self, select: &mut Select<'a>, dialect: Dialect, space: &'a SpaceId) {
        let by = |sqlite: &'static str, postgres: &'static str| match dialect {
            Dialect::Sqlite => sqlite,
            Dialect::Postgres => postgres,
        };
        match self {
            Self::Id(id) => {
                select.end("WHERE j.id = $?", *id);
                select.and("j.space_id = $?", space);
            }
            Self::Event(event) => {
                select.end("WHERE j.event_id = $?", *event);
                select.and("j.space_id = $?", space);
            }
            Self::Record(key) => {
                let (sqlite, postgres) =
                    ("INDEXED BY jobs_record WHERE j.space_id = $?", "WHERE j.space_id = $?");
                select.end(by(sqlite, postgres), space);
                select.and("j.parent_key = $?", *key);
            }
            Self::Class(class) => {
                let (sqlite, postgres) =
                    ("INDEXED BY jobs_of_class WHERE j.space_id = $?", "WHERE j.space_id = $?");
                select.end(by(sqlite, postgres), space);
                select.and("j.error_class = $?", class.as_str());
            }
            Self::GivenUp(state) => {
                let (sqlite, postgres) =
                    ("INDEXED BY jobs_given_up WHERE j.space_id = $?", "WHERE j.space_id = $?");
                select.end(by(sqlite, postgres), space);
                select.and("j.state = $?", state.as_str());
                // The very term of the partial index, without which SQLite cannot use it; behind
                // the other one, or it would be taken for two ranges to be sorted.
                select.and_plain("j.state IN ('Failed', 'Cancelled')");
            }
            Self::Open(state) => {
                let (sqlite, postgres) =
                    ("INDEXED BY jobs_open WHERE j.state = $?", "WHERE j.state = $?");
                select.end(by(sqlite, postgres), state.as_str());
                // The very term of the partial index.
                select.and_plain(
                    "(j.state = 'Queued' OR j.state = 'In Progress' OR j.state = 'Failed')",
                );
            }
            Self::Webhook(id) => {
                let (sqlite, postgres) =
                    ("INDEXED BY jobs_webhook WHERE j.webhook_id = $?", "WHERE j.webhook_id = $?");
                select.end(by(sqlite, postgres), *id);
            }
            Self::Kapp(kapp) => {
                let (sqlite, postgres) =
                    ("INDEXED BY jobs_of_kapp WHERE j.kapp_id = $?", "WHERE j.kapp_id = $?");
                select.end(by(sqlite, postgres), *kapp);
            }
            Self::OfSpace => {
                let (sqlite, postgres) =
                    ("INDEXED BY jobs_of_space WHERE j.space_id = $?", "WHERE j.space_id = $?");
                select.end(by(sqlite, postgres), space);
                select.and_plain("j.kapp_id IS NULL");
            }
            Self::All => {
                let (sqlite, postgres) =
                    ("INDEXED BY jobs_recent WHERE j.space_id = $?", "WHERE j.space_id = $?");
                select.end(by(sqlite, postgres), space);
            }
        }
    }

    /// Whether it leads to so few rows that all of them may be read.
    fn is_narrow(&self) -> bool {
        matches!(self, Self::Id(_) | Self::Event(_))
    }

    /// Adds what the driver does not answer; returns whether there was anything.
    fn conditions(&self, select: &mut Select<'a>, query: &'a Query, space: &'a SpaceId) -> bool {
        let mut any = false;
        // The index of open jobs is that of every space; one webhook's or kapp's is of its own.
        if matches!(self, Self::Open(_) | Self::Webhook(_) | Self::Kapp(_)) {
            any = matches!(self, Self::Open(_));
            select.and("j.space_id = $?", space);
        }
        match &query.scope {
            Scope::Kapp(_) if matches!(self, Self::Kapp(_)) => {}
            Scope::Kapp(kapp) => {
                any = true;
                select.and("j.kapp_id = $?", kapp);
            }
            Scope::Space if !matches!(self, Self::OfSpace) => {
                any = true;
                select.and_plain("j.kapp_id IS NULL");
            }
            Scope::Space | Scope::All => {}
        }
        any | self.narrow(select, query)
    }

    /// The conditions besides the scope.
    fn narrow(&self, select: &mut Select<'a>, query: &'a Query) -> bool {
        let mut any = false;
        if !query.states.is_empty() && !matches!(self, Self::GivenUp(_) | Self::Open(_)) {
            any = true;
            select.and_in("j.state", query.states.iter().map(|s| s.as_str().into()).collect());
        }
        if !query.classes.is_empty() && !matches!(self, Self::Class(_)) {
            any = true;
            let classes = query.classes.iter().map(|class| class.as_str().into());
            select.and_in("j.error_class", classes.collect());
        }
        match &query.webhook {
            Some(_) if matches!(self, Self::Webhook(_)) => {}
            Some(_) if !query.webhook_ids.is_empty() => {
                any = true;
                select.and_in("j.webhook_id", query.webhook_ids.iter().map(Into::into).collect());
            }
            Some(name) => {
                any = true;
                select.and("j.name = $?", name);
            }
            None => {}
        }
        if let Some(type_name) = &query.type_name {
            any = true;
            select.and("j.type_name = $?", type_name);
        }
        if let Some(event) = query.event_id.as_ref().filter(|_| !matches!(self, Self::Event(_))) {
            any = true;
            select.and("j.event_id = $?", event);
        }
        if let Some((kind, key)) = &query.parent {
            any = true;
            select.and("j.parent_type = $?", kind);
            if !matches!(self, Self::Record(_)) {
                select.and("j.parent_key = $?", key);
            }
        }
        any | texts(select, query)
    }
}

/// Conditions on texts, which no index answers.
fn texts<'a>(select: &mut Select<'a>, query: &'a Query) -> bool {
    let mut any = false;
    match query.url_starts.as_slice() {
        [] => {}
        starts => {
            any = true;
            let starts = starts.iter().map(|start| Value::from(crate::events::like_start(start)));
            let mut starts: Vec<Value<'a>> = starts.collect();
            // A fixed number of places keeps the distinct texts few.
            starts.truncate(URL_STARTS_MAX);
            while starts.len() < URL_STARTS_MAX {
                starts.push(starts.first().cloned().unwrap_or_else(|| "".into()));
            }
            select.and_all(
                "(lower(j.url) || '/' LIKE $? ESCAPE '\\' \
                 OR lower(j.url) || '/' LIKE $? ESCAPE '\\' \
                 OR lower(j.url) || '/' LIKE $? ESCAPE '\\' \
                 OR lower(j.url) || '/' LIKE $? ESCAPE '\\')",
                starts,
            );
        }
    }
    if let Some(url) = &query.url {
        any = true;
        select.and("lower(j.url) LIKE $? ESCAPE '\\'", crate::events::like(url));
    }
    if let Some(text) = &query.text {
        any = true;
        let like = crate::events::like(text);
        select.and_all(
            "(lower(j.name) LIKE $? ESCAPE '\\' OR lower(j.url) LIKE $? ESCAPE '\\' \
             OR lower(j.summary) LIKE $? ESCAPE '\\' OR lower(j.parent_key) LIKE $? ESCAPE '\\')",
            vec![like.clone().into(), like.clone().into(), like.clone().into(), like.into()],
        );
    }
    if let Some(content) = &query.content {
        any = true;
        let like = crate::events::like(content);
        let mut values = vec![like.clone().into(), like.clone().into(), like.clone().into()];
        if query.content_or_summary {
            values.push(like.into());
            select.and_all(
                concat!(
                    "(lower(j.response_content) LIKE $? ESCAPE '\\' \
                     OR lower(j.request_content) LIKE $? ESCAPE '\\' \
                     OR (j.request_content IS NULL AND EXISTS (SELECT 1 FROM events e \
                     WHERE e.id = j.event_id AND lower(",
                    events::whole_payload!(),
                    ") LIKE $? ESCAPE '\\')) OR lower(j.summary) LIKE $? ESCAPE '\\')"
                ),
                values,
            );
        } else {
            select.and_all(
                concat!(
                    "(lower(j.response_content) LIKE $? ESCAPE '\\' \
                     OR lower(j.request_content) LIKE $? ESCAPE '\\' \
                     OR (j.request_content IS NULL AND EXISTS (SELECT 1 FROM events e \
                     WHERE e.id = j.event_id AND lower(",
                    events::whole_payload!(),
                    ") LIKE $? ESCAPE '\\')))"
                ),
                values,
            );
        }
    }
    any
}

/// Beginnings of URLs that one statement compares.
pub const URL_STARTS_MAX: usize = 4;

/// The part of the driver's range that a statement reads, up to and including the floor.
fn range<'a>(select: &mut Select<'a>, query: &'a Query, floor: Option<Micros>) {
    let (mut start, mut end) = (query.start, query.end);
    // The narrower of two ends; one term for each, which an index serves.
    if let Some(floor) = floor {
        if query.oldest_first {
            let behind = floor.plus_us(1);
            end = Some(end.map_or(behind, |end| end.min(behind)));
        } else {
            start = start.max(Some(floor));
        }
    }
    if let Some(start) = start {
        select.and("j.scheduled_at >= $?", start);
    }
    if let Some(end) = end {
        select.and("j.scheduled_at < $?", end);
    }
    if let Some((at, id)) = &query.after {
        let after = if query.oldest_first {
            "(j.scheduled_at, j.id) > ($?, $?)"
        } else {
            "(j.scheduled_at, j.id) < ($?, $?)"
        };
        select.and_all(after, vec![(*at).into(), id.into()]);
    }
}

/// Orders by the index, limits the rows, and closes what the base opened.
fn order<'a>(select: &mut Select<'a>, query: &Query, limit: i64, is_inner: bool) {
    let end = match (query.oldest_first, is_inner) {
        (false, false) => "ORDER BY j.scheduled_at DESC, j.id DESC LIMIT $?",
        (true, false) => "ORDER BY j.scheduled_at, j.id LIMIT $?",
        (false, true) => "ORDER BY j.scheduled_at DESC, j.id DESC LIMIT $?) looked",
        (true, true) => "ORDER BY j.scheduled_at, j.id LIMIT $?) looked",
    };
    select.end(end, limit);
}

const FULL: Sql = Sql::both(concat!(
    "SELECT j.id, j.space_id, j.kapp_id, j.event_id, j.webhook_id, j.trace_id, j.depth, j.name, \
     j.type_name, j.event, j.parent_type, j.parent_id, j.parent_key, j.url, j.state, j.summary, \
     j.request_content, j.response_content, j.retry_count, j.scheduled_at, j.started_at, \
     j.finished_at, j.run_id, j.leased_by, j.leased_until, j.epoch, j.created_at, j.created_by, \
     j.updated_at, j.updated_by, j.error_class, (SELECT ",
    events::whole_payload!(),
    " FROM events e WHERE e.id = j.event_id), \
     (SELECT k.slug FROM kapps k WHERE k.id = j.kapp_id), j.recovery_id, j.payload_removed_at \
     FROM jobs j",
));

// Bodies are most of a row's bytes; a table of jobs shows none of them.
const SUMMARY: Sql = Sql::both(
    "SELECT j.id, j.space_id, j.kapp_id, j.event_id, j.webhook_id, j.trace_id, j.depth, j.name, \
     j.type_name, j.event, j.parent_type, j.parent_id, j.parent_key, j.url, j.state, j.summary, \
     CAST(NULL AS TEXT), CAST(NULL AS TEXT), j.retry_count, j.scheduled_at, j.started_at, \
     j.finished_at, j.run_id, j.leased_by, j.leased_until, j.epoch, j.created_at, j.created_by, \
     j.updated_at, j.updated_by, j.error_class, CAST(NULL AS TEXT), \
     (SELECT k.slug FROM kapps k WHERE k.id = j.kapp_id), j.recovery_id, j.payload_removed_at \
     FROM jobs j",
);

const EXTENT: Sql =
    Sql::both("SELECT count(*), min(due), max(due) FROM (SELECT j.scheduled_at AS due FROM jobs j");

const COUNT: Sql = Sql::both("SELECT count(*) FROM (SELECT 1 AS one FROM jobs j");

/// Lists jobs, newest first, however many rows it takes. For queries that an index answers and for
/// tests; lists that people ask for go by [`step`].
///
/// # Errors
/// What the database says.
pub fn list(tx: &mut Tx, space: &SpaceId, query: &Query) -> Result<Vec<Found>, Error> {
    Ok(step(tx, space, query, i64::MAX)?.found)
}

/// Lists jobs, newest first, looking at `rows` rows (a few more when many are due at the same
/// instant) for conditions that no index answers.
///
/// # Errors
/// What the database says.
pub fn step(tx: &mut Tx, space: &SpaceId, query: &Query, rows: i64) -> Result<Step, Error> {
    let drivers = drivers(query);
    let (looked, floor) = extent(tx, space, query, &drivers, rows)?;
    let mut found = Vec::new();
    for driver in &drivers {
        found.extend(listing(tx.dialect(), space, query, driver, floor).query(tx, super::found)?);
    }
    if drivers.len() > 1 {
        let place = |f: &Found| (f.job.scheduled_at, f.job.id.clone());
        found.sort_by_cached_key(place);
        if !query.oldest_first {
            found.reverse();
        }
        found.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
    }
    // Every row due at the floor was looked at, and no id sorts before the empty one.
    let past = |floor: Micros| if query.oldest_first { floor.plus_us(1) } else { floor };
    let resume = floor.map(|floor| (past(floor), JobId(String::new())));
    Ok(Step { found, rows: looked, resume })
}

fn listing<'a>(
    dialect: Dialect,
    space: &'a SpaceId,
    query: &'a Query,
    driver: &Driver<'a>,
    floor: Option<Micros>,
) -> Select<'a> {
    let base = if query.with_bodies { &FULL } else { &SUMMARY };
    let mut select = Select::new(base, &[]);
    driver.lead(&mut select, dialect, space);
    driver.conditions(&mut select, query, space);
    range(&mut select, query, floor);
    order(&mut select, query, query.limit, false);
    select
}

/// How many rows a step looks at, and how far back it goes; no end when the history ends before.
fn extent(
    tx: &mut Tx,
    space: &SpaceId,
    query: &Query,
    drivers: &[Driver<'_>],
    rows: i64,
) -> Result<(i64, Option<Micros>), Error> {
    let (mut looked, mut floor) = (0, None);
    for driver in drivers {
        let is_indexed = !driver.conditions(&mut Select::new(&EXTENT, &[]), query, space);
        if is_indexed || driver.is_narrow() || rows == i64::MAX {
            continue;
        }
        let mut select = Select::new(&EXTENT, &[]);
        driver.lead(&mut select, tx.dialect(), space);
        range(&mut select, query, None);
        order(&mut select, query, rows, true);
        let extents =
            select.query(tx, |row| Ok((row.i64(0)?, row.opt_micros(1)?, row.opt_micros(2)?)))?;
        let (count, first, last) = extents.first().copied().unwrap_or_default();
        looked += count;
        if count == rows && query.oldest_first {
            floor = [floor, last].into_iter().flatten().min();
        } else if count == rows {
            floor = floor.max(first);
        }
    }
    Ok((looked, floor))
}

/// Counts jobs up to the query's limit, looking at `rows` rows for conditions that no index
/// answers; and whether that is the exact number.
///
/// # Errors
/// What the database says.
pub fn count(tx: &mut Tx, space: &SpaceId, query: &Query, rows: i64) -> Result<(i64, bool), Error> {
    let drivers = drivers(query);
    let (_, floor) = extent(tx, space, query, &drivers, rows)?;
    let mut total = 0;
    for driver in &drivers {
        let mut select = Select::new(&COUNT, &[]);
        driver.lead(&mut select, tx.dialect(), space);
        driver.conditions(&mut select, query, space);
        range(&mut select, query, floor);
        select.end("LIMIT $?) counted", query.limit);
        total += select.query(tx, |row| row.i64(0))?.first().copied().unwrap_or_default();
    }
    Ok((total.min(query.limit), floor.is_none() && total < query.limit))
}

const NAMES: Sql = Sql::both("SELECT j.name, j.error_class FROM jobs j");

/// A webhook's name, and the class of a job's last failure.
pub type NameAndClass = (String, Option<String>);

/// The webhook's name and the class of the last failure of each job a query lists, looking at
/// `rows` rows for conditions that no index answers; and whether that is all of them.
///
/// # Errors
/// What the database says.
pub fn names(
    tx: &mut Tx,
    space: &SpaceId,
    query: &Query,
    rows: i64,
) -> Result<(Vec<NameAndClass>, bool), Error> {
    let drivers = drivers(query);
    let (_, floor) = extent(tx, space, query, &drivers, rows)?;
    let mut found = Vec::new();
    for driver in &drivers {
        let mut select = Select::new(&NAMES, &[]);
        driver.lead(&mut select, tx.dialect(), space);
        driver.conditions(&mut select, query, space);
        range(&mut select, query, floor);
        select.end("LIMIT $?", query.limit);
        found.extend(select.query(tx, |row| Ok((row.text(0)?, row.opt_text(1)?)))?);
    }
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let is_all = floor.is_none() && found.len() < limit;
    found.truncate(limit);
    Ok((found, is_all))
}

/// How the database would run a query, a line for each step of each statement, for tests.
///
/// # Errors
/// What the database says.
pub fn plan(tx: &mut Tx, space: &SpaceId, query: &Query) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    for driver in drivers(query) {
        lines.extend(listing(tx.dialect(), space, query, &driver, None).plan(tx)?);
    }
    Ok(lines)
}
