//! Lanes as people see them: how every endpoint of a webhook is doing on this node, and what can
//! be done about it.

pub use crate::schedule::{LaneState, LaneView};

use crate::holds::{instant, words};
use crate::jobs::{Page, rows, token};
use crate::snapshot::Snapshot;
use crate::{Actor, Error, Webhooks};
use model::id::{KappId, WebhookId};
use model::job::ErrorClass;
use model::lane::LaneId;
use model::time::Micros;
use runtime::changes::Topic;
use std::collections::HashMap;

const ADMINISTER: &str = "see or change lanes";

/// A lane with names and times of day.
#[derive(Clone, Debug)]
pub struct Lane {
    /// Its id.
    pub id: LaneId,
    /// Scheme, host and port.
    pub endpoint: String,
    /// The webhook's name; `None` for jobs made by hand, or when it is gone.
    pub webhook: Option<String>,
    /// The webhook.
    pub webhook_id: Option<WebhookId>,
    /// The slug of the webhook's kapp.
    pub kapp_slug: Option<String>,
    /// What it is doing.
    pub state: LaneState,
    /// That in words.
    pub reason: String,
    /// Until when.
    pub until: Option<Micros>,
    /// Jobs that wait in memory.
    pub waiting: usize,
    /// Deliveries under way.
    pub running: usize,
    /// Deliveries it may have under way on this node: its share.
    pub concurrency: usize,
    /// Starts in a second at most on this node: its share.
    pub rate_per_second: Option<f64>,
    /// Milliseconds that half, and 99 of 100, of the latest attempts took at most.
    pub latency_ms: Option<(f64, f64)>,
    /// Since when the first job waits in memory.
    pub oldest_waiting_at: Option<Micros>,
    /// Deliveries since the lane is known to this node.
    pub delivered: u64,
    /// Failed attempts since then.
    pub failed: u64,
    /// The last failure.
    pub last_error: Option<(ErrorClass, Micros)>,
    /// The node that tells this; every node has lanes of its own.
    pub node: String,
    /// Nodes that share the limits of lanes, this one included.
    pub nodes: usize,
}

/// Which lanes to list.
#[derive(Clone, Debug, Default)]
pub struct LaneQuery {
    /// Of the webhook of this name.
    pub webhook: Option<String>,
    /// In this state.
    pub state: Option<LaneState>,
    /// Whose endpoint or webhook contains this text, in any case.
    pub text: Option<String>,
    /// Rows of a page.
    pub limit: Option<i64>,
    /// The token of an earlier page.
    pub page_token: Option<String>,
}

/// What a person does to a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneAction {
    /// Ends what holds it: the endpoint's pause and the breaker.
    Resume,
    /// Lets one job go, which shows whether the endpoint is back.
    Probe,
}

impl LaneAction {
    /// Reads a name of the API.
    ///
    /// # Errors
    /// `Refused` when there is no such action.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "resume" => Ok(Self::Resume),
            "probe" => Ok(Self::Probe),
            other => Err(Error::refused(format!(
                "There is no action '{other}' on a lane; there are resume, probe"
            ))),
        }
    }
}

impl Webhooks {
    /// Every lane this node knows, of all spaces: for metrics.
    pub fn lane_views(&self) -> Vec<LaneView> {
        let ticks = self.inner.runtime.elapsed();
        self.inner.queue.lock().views(ticks)
    }

    /// Jobs that wait in this node's memory, and deliveries under way: for metrics.
    pub fn load(&self) -> (usize, usize) {
        self.inner.queue.lock().load()
    }

    /// Breakers of this node's lanes that opened since the start: for metrics.
    pub fn breaker_openings(&self) -> u64 {
        self.inner.queue.lock().openings()
    }

    /// Lists the lanes of the actor's space on this node, by endpoint.
    ///
    /// # Errors
    /// `Refused` for a bad limit or token, `Forbidden`, `Store`.
    pub async fn lanes(&self, actor: &Actor, query: LaneQuery) -> Result<Page<Lane>, Error> {
        actor.must_administer(ADMINISTER)?;
        let rows = usize::try_from(rows(query.limit)?).unwrap_or(usize::MAX);
        let after = query.page_token.as_deref().map(token::read).transpose()?;
        let mut lanes = self.lanes_of(actor).await?;
        let text = query.text.as_deref().unwrap_or_default().trim().to_lowercase();
        lanes.retain(|lane| {
            let webhook = lane.webhook.as_deref().unwrap_or_default();
            let is_found = lane.endpoint.contains(&text) || webhook.to_lowercase().contains(&text);
            is_found
                && query.state.is_none_or(|state| lane.state == state)
                && query.webhook.as_deref().is_none_or(|name| name == webhook)
                && after.as_ref().is_none_or(|(id, endpoint)| {
                    (lane.endpoint.as_str(), lane.id.0) > (endpoint.as_str(), id.0)
                })
        });
        lanes.sort_by(|a, b| (&a.endpoint, a.id).cmp(&(&b.endpoint, b.id)));
        let has_more = lanes.len() > rows;
        lanes.truncate(rows);
        let last = lanes.last().filter(|_| has_more);
        let next_page_token = last.map(|lane| token::write(Micros(lane.id.0), &lane.endpoint));
        Ok(Page { items: lanes, next_page_token, looked: None })
    }

    /// Lets a lane of this node go on and returns it as it then is.
    ///
    /// # Errors
    /// `NotFound` for a lane that this node does not know, `Forbidden`, `Store`.
    pub async fn lane_action(
        &self,
        actor: &Actor,
        id: &str,
        action: LaneAction,
    ) -> Result<Lane, Error> {
        actor.must_administer(ADMINISTER)?;
        let missing = || Error::not_found("Lane", id);
        let lane = LaneId::parse(id).ok_or_else(missing)?;
        let ticks = self.inner.runtime.elapsed();
        {
            let mut scheduler = self.inner.queue.lock();
            let known = scheduler.view(lane, ticks);
            known.filter(|view| *view.space() == actor.space_id).ok_or_else(missing)?;
            scheduler.let_go(lane, action == LaneAction::Probe, ticks);
        }
        self.inner.queue.poke();
        self.inner.changes.publish(&actor.space_id, Topic::Lanes);
        let mut lanes = self.lanes_of(actor).await?;
        let at = lanes.iter().position(|known| known.id == lane).ok_or_else(missing)?;
        Ok(lanes.swap_remove(at))
    }

    async fn lanes_of(&self, actor: &Actor) -> Result<Vec<Lane>, Error> {
        let inner = &self.inner;
        let snapshot = inner.snapshots.of(&inner.store, &actor.space_id).await?;
        let space = actor.space_id.clone();
        let kapps = self.read(move |tx| Ok(store::kapps::list(tx, &space)?)).await?;
        let slugs: HashMap<_, _> = kapps.into_iter().map(|kapp| (kapp.id, kapp.slug)).collect();
        let views = self.lane_views().into_iter().filter(|view| *view.space() == actor.space_id);
        Ok(views.map(|view| self.lane(&view, &snapshot, &slugs)).collect())
    }

    fn lane(&self, view: &LaneView, snapshot: &Snapshot, slugs: &HashMap<KappId, String>) -> Lane {
        let (ticks, now) = (self.inner.runtime.elapsed(), self.inner.runtime.now());
        let webhook = view.webhook().and_then(|id| snapshot.by_id(id)).map(|c| &c.webhook);
        let hold = snapshot.hold(view.webhook());
        let at = |ticked| instant(ticked, ticks, now);
        Lane {
            id: view.id,
            endpoint: view.endpoint().to_owned(),
            webhook: webhook.map(|webhook| webhook.name.clone()),
            webhook_id: view.webhook().cloned(),
            kapp_slug: webhook.and_then(|webhook| slugs.get(webhook.kapp_id.as_ref()?).cloned()),
            state: if hold.is_some() { LaneState::Paused } else { view.state },
            until: view.until.filter(|_| hold.is_none()).map(at),
            reason: hold.unwrap_or_else(|| words(view, ticks, now)),
            waiting: view.waiting,
            running: view.running,
            concurrency: view.concurrency,
            rate_per_second: view.rate_per_second,
            latency_ms: view.latency_ms,
            oldest_waiting_at: view.oldest_since.map(at),
            delivered: view.delivered,
            failed: view.failed,
            last_error: view.last_error.map(|(class, ticked)| (class, at(ticked))),
            node: self.inner.settings.node.id().to_string(),
            nodes: self.inner.settings.node.live_nodes(),
        }
    }
}
