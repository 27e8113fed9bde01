//! Jobs as records: read, list, count, and what people do to them: retry, cancel, edit, create by
//! hand, delete.
//!
//! A retry renders the URL anew from the webhook's present definition while that exists, since
//! what failed is often the link; what is sent stays as it was. Whoever changes a job takes it away
//! from whoever works on it: its epoch grows, and the outcome of an attempt under way is recorded
//! as late.

mod by_hand;
mod change;
mod list;
mod test;

pub use by_hand::NewJob;
pub use change::JobChange;
pub(crate) use change::{Decided, Written};
pub(crate) use list::wanted;
pub use list::{Counts, JobQuery};
pub use test::Sent;

use crate::definitions::kapp_id;
use crate::{Actor, Error, Webhooks};
use model::event::Cause;
use model::id::JobId;
use model::job::Attempt;
use model::limits;
use model::time::Micros;
use model::webhook::Webhook;
pub use store::dashboard::COUNT_MAX;
use store::jobs::Found;

const NOUN: &str = "Webhook Job";
const ADMINISTER: &str = "see or change webhook jobs";

/// One page of a list, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Give it back for the next page; `None` on the last one.
    pub next_page_token: Option<String>,
    /// How far a search looked that no index answers.
    pub looked: Option<Looked>,
}

/// How far a search looked, row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked {
    /// Rows it looked at.
    pub rows: i64,
    /// It looked at everything due at this time or later; `None`: at the whole history.
    pub back_to: Option<Micros>,
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

impl Webhooks {
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
        self.inner.changes.taken(id);
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
pub(crate) fn find(
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
    Page { next_page_token: last.map(|(at, id)| token::write(at, id)), items, looked: None }
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
