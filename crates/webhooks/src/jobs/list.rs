//! Which jobs to list: filters, pages, counts.
//!
//! What an index answers is a page at once. Anything else, such as a text in a response, is
//! searched for row by row in short steps, each a read of its own, until the page is full or the
//! time is up; then the page says how far it looked and its token goes on from there.

use super::{ADMINISTER, COUNT_MAX, Looked, Page, page, rows, token};
use crate::definitions::kapp_id;
use crate::{Actor, Error, Webhooks};
use model::id::{EventId, JobId, SpaceId};
use model::job::{ErrorClass, State};
use model::limits;
use model::time::Micros;
use std::time::Duration;
use store::jobs::{Found, Query, Scope, Step};
use url::Url;

/// Which jobs to list.
#[derive(Clone, Debug, Default)]
pub struct JobQuery {
    /// Those of this kapp's webhooks; `None`: of the space's own, or of all.
    pub kapp: Option<String>,
    /// Whether to list the jobs of every kapp as well.
    pub all: bool,
    /// This very job.
    pub id: Option<JobId>,
    /// In these states; empty: in any.
    pub states: Vec<State>,
    /// Whose last attempt failed for one of these reasons; empty: all.
    pub classes: Vec<ErrorClass>,
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
    /// To this scheme, host and port, such as `https://example.com`.
    pub endpoint: Option<String>,
    /// Whose URL contains this text.
    pub url: Option<String>,
    /// Whose name, URL, summary or record contains this text.
    pub text: Option<String>,
    /// Whose request or response contains this text.
    pub content: Option<String>,
    /// Whether `content` may stand in the summary as well.
    pub content_or_summary: bool,
    /// Whether to leave out what was sent and received.
    pub without_bodies: bool,
    /// Rows of a page.
    pub limit: Option<i64>,
    /// The token of an earlier page.
    pub page_token: Option<String>,
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
    /// Whether all of these are the exact numbers; otherwise some are "at least".
    pub is_exact: bool,
}

impl Webhooks {
    /// Lists jobs, newest first. A page may be short, or empty, and still have a token for the
    /// next one: it then says how far it looked.
    ///
    /// # Errors
    /// `Refused` for a bad limit, token or endpoint, `NotFound` for the kapp, `Forbidden`,
    /// `Store`.
    pub async fn jobs(&self, actor: &Actor, query: JobQuery) -> Result<Page<Found>, Error> {
        actor.must_administer(ADMINISTER)?;
        let rows = rows(query.limit)?;
        let mut after = query.page_token.as_deref().map(token::read).transpose()?.map(place);
        let space = actor.space_id.clone();
        let mut wanted = self.read(move |tx| wanted(tx, &space, &query)).await?;
        let began = self.inner.runtime.elapsed();
        let mut found: Vec<Found> = Vec::new();
        let (mut looked, mut bytes) = (0, 0);
        loop {
            // Bodies are read a few at a time, for they may be large.
            let more = rows + 1 - i64::try_from(found.len()).unwrap_or(i64::MAX);
            wanted.limit = if wanted.with_bodies { more.min(BODIES_STEP) } else { more };
            wanted.after.clone_from(&after);
            let Step { found: next, rows: seen, resume } =
                self.step(&actor.space_id, &wanted).await?;
            looked += seen;
            let is_full = next.len() == usize::try_from(wanted.limit).unwrap_or(usize::MAX);
            let last = next.last().map(|found| (found.job.scheduled_at, found.job.id.clone()));
            bytes += next.iter().map(body_bytes).sum::<usize>();
            found.extend(next);
            after = if is_full { last } else { resume };
            let late = self.inner.runtime.elapsed().saturating_sub(began)
                > Duration::from_millis(limits::SEARCH_MS);
            let is_enough = found.len() > usize::try_from(rows).unwrap_or(usize::MAX);
            let is_large = bytes > limits::PAGE_BODY_BYTES_MAX;
            let is_long = looked > 0 && (late || looked >= limits::SEARCH_ROWS_MAX);
            if after.is_none() || is_enough || is_large || is_long {
                break;
            }
        }
        let mut page = page(found, rows, |found| (found.job.scheduled_at, &found.job.id.0));
        if page.next_page_token.is_none() {
            page.next_page_token = after.as_ref().map(|(at, id)| token::write(*at, id.as_str()));
        }
        let back_to = after.map(|(at, _)| at);
        page.looked = (looked > 0).then_some(Looked { rows: looked, back_to });
        Ok(page)
    }

    async fn step(&self, space: &SpaceId, wanted: &Query) -> Result<Step, Error> {
        let (space, wanted) = (space.clone(), wanted.clone());
        self.read(move |tx| Ok(store::jobs::step(tx, &space, &wanted, limits::SEARCH_STEP_ROWS)?))
            .await
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
            let mut is_exact = true;
            let mut count = |states: &[State]| {
                wanted.states = states.to_vec();
                let (count, exact) =
                    store::jobs::count(tx, &space, &wanted, limits::COUNT_ROWS_MAX)?;
                is_exact &= exact;
                Ok::<_, Error>(count)
            };
            Ok(Counts {
                queued: count(&[State::Queued])?,
                in_progress: count(&[State::InProgress])?,
                failed: count(&[State::Failed])?,
                all: count(&[])?,
                is_exact,
            })
        })
        .await
    }
}

/// Jobs whose bodies are read at once.
const BODIES_STEP: i64 = 100;

fn place((at, id): (Micros, String)) -> (Micros, JobId) {
    (at, JobId(id))
}

fn body_bytes(found: &Found) -> usize {
    let response = found.job.response_content.as_ref().map_or(0, String::len);
    found.request_content().map_or(0, str::len) + response
}

/// The store's query, its names looked up.
pub(crate) fn wanted(
    tx: &mut store::Tx,
    space: &SpaceId,
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
    let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    Ok(Query {
        scope,
        id: query.id.clone(),
        states: query.states.clone(),
        classes: query.classes.clone(),
        webhook: query.webhook.clone(),
        webhook_ids,
        type_name: query.type_name.clone(),
        event_id: query.event_id.clone(),
        parent: query.parent.clone(),
        start: query.start,
        end: query.end,
        url_starts: query.endpoint.as_deref().map(url_starts).transpose()?.unwrap_or_default(),
        url: given(&query.url),
        text: given(&query.text),
        content: given(&query.content),
        content_or_summary: query.content_or_summary,
        with_bodies: !query.without_bodies,
        oldest_first: false,
        after: None,
        limit: 0,
    })
}

/// How the URLs of an endpoint may begin: a usual port may be named or not.
fn url_starts(endpoint: &str) -> Result<Vec<String>, Error> {
    let refused = || {
        Error::refused(format!(
            "The endpoint parameter must be a scheme, a host and perhaps a port, such as \
             https://example.com, not \"{endpoint}\""
        ))
    };
    let url = Url::parse(endpoint.trim()).map_err(|_| refused())?;
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(refused());
    };
    let mut hosts = vec![format!("{}://{host}:{port}", url.scheme())];
    if url.port().is_none() {
        hosts.push(format!("{}://{host}", url.scheme()));
    }
    Ok(hosts.iter().flat_map(|host| [format!("{host}/"), format!("{host}?")]).collect())
}

#[cfg(test)]
mod tests {
    use super::url_starts;

    #[test]
    fn an_endpoint_is_found_with_and_without_its_usual_port() {
        let starts = url_starts("https://Example.com").unwrap();
        assert_eq!(
            starts,
            [
                "https://example.com:443/",
                "https://example.com:443?",
                "https://example.com/",
                "https://example.com?"
            ]
        );
        assert_eq!(url_starts("http://h:8080/x").unwrap(), ["http://h:8080/", "http://h:8080?"]);
        for wrong in ["example.com", "", "mailto:a@b"] {
            let said = url_starts(wrong).unwrap_err().to_string();
            assert!(said.starts_with("The endpoint parameter must be"), "{said}");
        }
    }
}
