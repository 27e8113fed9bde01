//! Jobs as records: read, list, count, and what people do to them: retry, cancel, edit, create by
//! hand, delete.
//!
//! A retry renders the URL anew from the webhook's present definition while that exists, since
//! what failed is often the link; what is sent stays as it was. Whoever changes a job takes it away
//! from whoever works on it: its epoch grows, and the outcome of an attempt under way is recorded
//! as late.

mod by_hand;
mod change;

pub use by_hand::NewJob;
pub use change::JobChange;

use crate::definitions::kapp_id;
use crate::{Actor, Error, Webhooks};
use model::event::Cause;
use model::id::{EventId, JobId};
use model::job::{Attempt, State};
use model::limits;
use model::time::Micros;
use model::webhook::Webhook;
pub use store::dashboard::COUNT_MAX;
use store::jobs::{Found, Query, Scope};

const NOUN: &str = "Webhook Job";
const ADMINISTER: &str = "see or change webhook jobs";

/// Which jobs to list.
#[derive(Clone, Debug, Default)]
pub struct JobQuery {
    /// Those of this kapp's webhooks; `None`: of the space's own, or of all.
    pub kapp: Option<String>,
    /// Whether to list the jobs of every kapp as well.
    pub all: bool,
    /// In these states; empty: in any.
    pub states: Vec<State>,
    /// Of the webhook of this name.
    pub webhook: Option<String>,
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
    /// Whose name, URL, summary or record contains this text.
    pub text: Option<String>,
    /// Rows of a page.
    pub limit: Option<i64>,
    /// The token of an earlier page.
    pub page_token: Option<String>,
}

/// One page of a list, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Give it back for the next page; `None` on the last one.
    pub next_page_token: Option<String>,
}

/// A job with everything that is known about it.
#[derive(Clone, Debug)]
pub struct JobDetail {
    /// The job and its payload.
    pub found: Found,
    /// Its attempts, first to last.
    pub attempts: Vec<Attempt>,
    /// Its webhook, while that exists.
    pub webhook: Option<Webhook>,
    /// The state of the run it started.
    pub run_state: Option<String>,
    /// The title of that run's tree.
    pub run_tree: Option<String>,
}

/// How many jobs stand in each state; counting stops at [`COUNT_MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Waiting.
    pub queued: i64,
    /// With an attempt under way.
    pub in_progress: i64,
    /// Given up.
    pub failed: i64,
    /// In any state.
    pub all: i64,
}

impl Webhooks {
    /// Lists jobs, newest first.
    ///
    /// # Errors
    /// `Refused` for a bad limit or token, `NotFound` for the kapp, `Forbidden`, `Store`.
    pub async fn jobs(&self, actor: &Actor, query: JobQuery) -> Result<Page<Found>, Error> {
        actor.must_administer(ADMINISTER)?;
        let rows = rows(query.limit)?;
        let after = query.page_token.as_deref().map(token::read).transpose()?;
        let after = after.map(|(at, id)| (at, JobId(id)));
        let space = actor.space_id.clone();
        let items = self.read(move |tx| {
            let mut wanted = wanted(tx, &space, &query)?;
            wanted.after.clone_from(&after);
            wanted.limit = rows + 1;
            Ok(store::jobs::list(tx, &space, &wanted)?)
        });
        Ok(page(items.await?, rows, |found| (found.job.scheduled_at, &found.job.id.0)))
    }

    /// Counts the jobs a query would list, by state; its own states are ignored.
    ///
    /// # Errors
    /// As [`Webhooks::jobs`].
    pub async fn job_counts(&self, actor: &Actor, query: JobQuery) -> Result<Counts, Error> {
        actor.must_administer(ADMINISTER)?;
        let space = actor.space_id.clone();
        self.read(move |tx| {
            let mut wanted = wanted(tx, &space, &query)?;
            wanted.limit = COUNT_MAX;
            let mut count = |states: &[State]| {
                wanted.states = states.to_vec();
                store::jobs::count(tx, &space, &wanted)
            };
            Ok(Counts {
                queued: count(&[State::Queued])?,
                in_progress: count(&[State::InProgress])?,
                failed: count(&[State::Failed])?,
                all: count(&[])?,
            })
        })
        .await
    }

    /// Reads a job with its attempts, webhook and run. `kapp` must be its scope when given.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn job(
        &self,
        actor: &Actor,
        kapp: Option<&str>,
        id: &JobId,
    ) -> Result<JobDetail, Error> {
        actor.must_administer(ADMINISTER)?;
        let (space, kapp, id) = (actor.space_id.clone(), kapp.map(str::to_owned), id.clone());
        self.read(move |tx| {
            let found = find(tx, &space, kapp.as_deref(), &id)?;
            let webhook = match &found.job.webhook_id {
                Some(id) => store::webhooks::by_id(tx, id)?,
                None => None,
            };
            let run = match found.job.run_id {
                Some(run) => store::events::run(tx, run)?,
                None => None,
            };
            Ok(JobDetail {
                attempts: store::attempts::of_job(tx, &id)?,
                webhook,
                run_state: run.as_ref().map(|run| run.state.clone()),
                run_tree: run.map(|run| run.tree),
                found,
            })
        })
        .await
    }

    /// Deletes a job with its attempts and returns it as it was.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn delete_job(
        &self,
        actor: &Actor,
        kapp: Option<&str>,
        id: &JobId,
    ) -> Result<Found, Error> {
        actor.must_administer(ADMINISTER)?;
        let (space, kapp, wanted) = (actor.space_id.clone(), kapp.map(str::to_owned), id.clone());
        let deleted = self.inner.store.write(move |tx| {
            let found = find(tx, &space, kapp.as_deref(), &wanted)?;
            store::jobs::delete(tx, &space, &wanted)?;
            Ok::<_, Error>(found)
        });
        let found = deleted.await?;
        self.inner.queue.forget(id);
        self.jobs_moved(actor);
        Ok(found)
    }

    /// The cause of what a job made by hand leads to: a trace of its own.
    pub(crate) fn fresh_cause(&self) -> Cause {
        Cause::outside(model::id::TraceId::new(self.inner.runtime.uuid()))
    }

    pub(crate) fn jobs_moved(&self, actor: &Actor) {
        self.inner.changes.publish(&actor.space_id, runtime::changes::Topic::Jobs);
    }
}

/// Finds a job of a space, and of a kapp when one is named.
fn find(
    tx: &mut store::Tx,
    space: &model::id::SpaceId,
    kapp: Option<&str>,
    id: &JobId,
) -> Result<Found, Error> {
    let kapp = kapp_id(tx, space, kapp)?;
    let found = store::jobs::by_id(tx, space, id)?;
    let in_scope = |found: &Found| kapp.is_none() || found.job.kapp_id == kapp;
    found.filter(in_scope).ok_or_else(|| Error::not_found(NOUN, id.as_str()))
}

fn wanted(
    tx: &mut store::Tx,
    space: &model::id::SpaceId,
    query: &JobQuery,
) -> Result<Query, Error> {
    let kapp = kapp_id(tx, space, query.kapp.as_deref())?;
    let scope = match kapp {
        Some(kapp) => Scope::Kapp(kapp),
        None if query.all => Scope::All,
        None => Scope::Space,
    };
    let webhook_ids = match &query.webhook {
        Some(name) => store::webhooks::named(tx, space, name)?,
        None => Vec::new(),
    };
    Ok(Query {
        scope,
        webhook_ids,
        states: query.states.clone(),
        webhook: query.webhook.clone(),
        type_name: query.type_name.clone(),
        event_id: query.event_id.clone(),
        parent: query.parent.clone(),
        start: query.start,
        end: query.end,
        text: query.text.clone().filter(|text| !text.trim().is_empty()),
        after: None,
        limit: 0,
    })
}

/// The rows of a page, within bounds.
pub(crate) fn rows(limit: Option<i64>) -> Result<i64, Error> {
    let max = limits::PAGE_ROWS_MAX;
    match limit.unwrap_or(limits::PAGE_ROWS) {
        rows if (1..=max).contains(&rows) => Ok(rows),
        rows => Err(Error::refused(format!(
            "The limit parameter must be between 1 and {max}, not {rows}"
        ))),
    }
}

/// Cuts the row too many that says whether there is another page.
pub(crate) fn page<T>(
    mut items: Vec<T>,
    rows: i64,
    place: impl Fn(&T) -> (Micros, &str),
) -> Page<T> {
    let rows = usize::try_from(rows).unwrap_or(usize::MAX);
    let more = items.len() > rows;
    items.truncate(rows);
    let last = items.last().filter(|_| more).map(place);
    Page { next_page_token: last.map(|(at, id)| token::write(at, id)), items }
}

/// Page tokens: the place of the last row, opaque to clients.
pub(crate) mod token {
    use crate::Error;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use model::time::Micros;

    pub(crate) fn write(at: Micros, id: &str) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}/{id}", at.0))
    }

    pub(crate) fn read(token: &str) -> Result<(Micros, String), Error> {
        let text = URL_SAFE_NO_PAD.decode(token).ok().and_then(|b| String::from_utf8(b).ok());
        let read = text.as_deref().and_then(|text| {
            let (at, id) = text.split_once('/')?;
            Some((Micros(at.parse().ok()?), id.to_owned()))
        });
        read.ok_or_else(|| Error::refused("The pageToken parameter is not one of this list"))
    }
}
