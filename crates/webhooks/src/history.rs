//! Events as records: what happened, what webhooks made of it, and what it led to.

use crate::definitions::kapp_id;
use crate::jobs::{Page, page, rows, token};
use crate::{Actor, Error, Webhooks};
use model::id::EventId;
use store::events::{StartedRun, Summary};
use store::jobs::{Found, Scope};

const SEE: &str = "see events";
/// Jobs and caused events shown with one event.
const RELATED_MAX: i64 = 200;

/// Which events to list.
#[derive(Clone, Debug, Default)]
pub struct EventQuery {
    /// Of this type.
    pub type_name: Option<String>,
    /// Of this event name.
    pub event: Option<String>,
    /// Of this kapp.
    pub kapp: Option<String>,
    /// About this kind of record.
    pub parent_type: Option<String>,
    /// About the record of this key.
    pub parent_key: Option<String>,
    /// Whose label, key or actor contains this text.
    pub text: Option<String>,
    /// Rows of a page.
    pub limit: Option<i64>,
    /// The token of an earlier page.
    pub page_token: Option<String>,
}

/// An event with everything it led to.
#[derive(Clone, Debug)]
pub struct EventDetail {
    /// The event.
    pub summary: Summary,
    /// The document that webhooks got, as JSON text.
    pub payload: String,
    /// Its jobs.
    pub jobs: Vec<Found>,
    /// The runs it started.
    pub runs: Vec<StartedRun>,
    /// The events those runs caused.
    pub caused: Vec<Summary>,
}

impl Webhooks {
    /// Lists events, newest first.
    ///
    /// # Errors
    /// `Refused` for a bad limit or token, `NotFound` for the kapp, `Forbidden`, `Store`.
    pub async fn events(&self, actor: &Actor, query: EventQuery) -> Result<Page<Summary>, Error> {
        actor.must_administer(SEE)?;
        let rows = rows(query.limit)?;
        let after = query.page_token.as_deref().map(token::read).transpose()?;
        let after = after.map(|(at, id)| (at, EventId(id)));
        let space = actor.space_id.clone();
        let items = self.read(move |tx| {
            let wanted = store::events::Query {
                type_name: query.type_name.clone(),
                event: query.event.clone(),
                kapp_id: kapp_id(tx, &space, query.kapp.as_deref())?,
                entity_type: query.parent_type.clone(),
                entity_key: query.parent_key.clone(),
                text: query.text.clone().filter(|text| !text.trim().is_empty()),
                caused_by: None,
                after: after.clone(),
                limit: rows + 1,
            };
            Ok(store::events::list(tx, &space, &wanted)?)
        });
        Ok(page(items.await?, rows, |event| (event.created_at, &event.id.0)))
    }

    /// Reads an event with its jobs, runs and the events it caused.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Store`.
    pub async fn event(&self, actor: &Actor, id: &EventId) -> Result<EventDetail, Error> {
        actor.must_administer(SEE)?;
        let (space, id) = (actor.space_id.clone(), id.clone());
        self.read(move |tx| {
            let found = store::events::by_id(tx, &space, &id)?;
            let (summary, payload) = found.ok_or_else(|| Error::not_found("Event", id.as_str()))?;
            let jobs = store::jobs::Query {
                scope: Scope::All,
                event_id: Some(id.clone()),
                with_bodies: true,
                limit: RELATED_MAX,
                ..store::jobs::Query::default()
            };
            let caused = store::events::Query {
                caused_by: Some(id.clone()),
                limit: RELATED_MAX,
                ..store::events::Query::default()
            };
            Ok(EventDetail {
                summary,
                payload,
                jobs: store::jobs::list(tx, &space, &jobs)?,
                runs: store::events::runs(tx, &id)?,
                caused: store::events::list(tx, &space, &caused)?,
            })
        })
        .await
    }
}
