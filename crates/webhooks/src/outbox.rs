//! Events on their way into a transaction.
//!
//! ```text
//! prepare: snapshot of the webhooks ─▶ verdicts, URLs, job rows      (no transaction)
//! apply:   event row, if the generation still holds ─▶ runs ─▶ job rows   (inside the change's)
//! committed: jobs to their lanes, runs to the engine, streams woken
//! ```
//!
//! A crash before the commit leaves nothing; one after it leaves everything: the jobs are leased
//! to a node that is gone and are taken up when the lease is void.

use crate::cloudevents::About;
use crate::queue::{self, Waiting};
use crate::snapshot::{Compiled, Snapshot};
use crate::target::{self, Target};
use crate::verdict::{self, Decision};
use crate::workflows::{PreparedStart, StartOutcome, StartRequest};
use crate::{Inner, Webhooks, answer};
use expr::js::{Bindings, Template};
use model::Audit;
use model::catalogue::Level;
use model::event::{Event, Verdict, WebhookVerdict};
use model::id::{EventId, JobId, RunId, SpaceId, WebhookId};
use model::job::{Job, State};
use model::limits;
use runtime::changes::Topic;
use std::sync::{Arc, Mutex, PoisonError};
use store::Tx;
use store::events::NewEvent;

/// Events that were prepared and wait for their change to be written.
pub struct Prepared {
    webhooks: Arc<Inner>,
    space_id: SpaceId,
    generation: i64,
    snapshot: Arc<Snapshot>,
    items: Vec<Item>,
    started: Mutex<Vec<RunId>>,
    superseded: Mutex<Vec<JobId>>,
}

/// One event with everything that is written for it.
struct Item {
    event: Event,
    /// The payload, or its first part, as it is stored.
    payload: Arc<str>,
    /// The event that keeps the rest, and how many characters of its payload come before.
    rest_of: Option<(EventId, usize)>,
    verdicts: String,
    /// Jobs that are done when they are written: nowhere, or out.
    jobs: Vec<Arc<Job>>,
    /// Jobs that start a run.
    starts: Vec<Start>,
    /// Jobs that have an order, or make older ones obsolete.
    keyed: Vec<(JobId, WebhookId, Keys)>,
}

/// What a job is ordered and coalesced by.
#[derive(Default)]
struct Keys {
    order: Option<String>,
    coalesce: Option<String>,
}

struct Start {
    job: Job,
    request: StartRequest,
    prepared: Option<Box<dyn PreparedStart>>,
    version: target::Version,
}

impl Webhooks {
    /// Decides which webhooks fire for `events`, which must be of one space, and what is written.
    ///
    /// # Errors
    /// The store's, when the webhooks cannot be read.
    pub async fn prepare(&self, events: Vec<Event>) -> Result<Prepared, store::Error> {
        let Some(space_id) = events.first().map(|event| event.space_id.clone()) else {
            return Err(store::Error::db("there is no event to prepare"));
        };
        let inner = self.inner.clone();
        let snapshot = inner.snapshots.of(&inner.store, &space_id).await?;
        let generation = snapshot.generation;
        let is_slow = snapshot.webhooks.iter().any(Compiled::is_slow);
        let items = if is_slow {
            let (inner, snapshot) = (inner.clone(), snapshot.clone());
            let work = move || inner.items(&snapshot, events);
            let done = self.inner.runtime.spawn_blocking(work).await;
            done.map_err(|error| store::Error::db(format!("preparing an event: {error}")))?
        } else {
            inner.items(&snapshot, events)
        };
        let started = Mutex::default();
        let superseded = Mutex::default();
        let webhooks = inner;
        Ok(Prepared { webhooks, space_id, generation, snapshot, items, started, superseded })
    }
}

impl Inner {
    fn items(&self, snapshot: &Snapshot, events: Vec<Event>) -> Vec<Item> {
        let items = events.into_iter().map(|event| self.item(snapshot, event));
        write_payloads(items.collect())
    }

    fn item(&self, snapshot: &Snapshot, event: Event) -> Item {
        let mut item = Item {
            payload: "".into(),
            rest_of: None,
            verdicts: String::new(),
            jobs: Vec::new(),
            starts: Vec::new(),
            keyed: Vec::new(),
            event,
        };
        let bindings = Bindings::of(item.event.payload.clone());
        let mut verdicts = Vec::new();
        for compiled in &snapshot.webhooks {
            if !is_offered(compiled, &item.event) {
                continue;
            }
            let mut decision = self.decide(compiled, &item.event, &bindings);
            let (url, body) = (decision.url.take(), decision.body.take());
            let fired = url.map(|url| (url, keys(compiled, &bindings)));
            let job_id = fired
                .map(|(url, keys)| self.fire(snapshot, compiled, (url, body), keys, &mut item));
            verdicts.push(WebhookVerdict {
                webhook_id: compiled.webhook.id.clone(),
                webhook: compiled
                    .linked
                    .as_ref()
                    .map_or(&compiled.webhook.name, |l| &l.name)
                    .clone(),
                scope: compiled.webhook.level().as_str().to_owned(),
                verdict: decision.verdict,
                message: decision.message,
                job_id,
            });
        }
        item.verdicts =
            serde_json::to_string(&verdicts).expect("verdicts hold nothing that JSON lacks");
        item
    }

    /// Decides for one webhook; one whose expressions stay slow is moved aside from then on.
    pub(crate) fn decide(
        &self,
        compiled: &Compiled,
        event: &Event,
        bindings: &Bindings,
    ) -> Decision {
        let began = self.runtime.elapsed();
        let with_identity;
        let bindings = if compiled.wants_identity {
            with_identity = Bindings::of(verdict::identified(&event.payload, &event.actor));
            &with_identity
        } else {
            bindings
        };
        let mut decision = verdict::decide(compiled, event, bindings);
        if compiled.outgoing.shapes()
            && let Some(url) = &decision.url
            && target::read(url, self.settings.public_url.as_ref()) == Target::Outside
        {
            let about = About::of_event(event);
            match compiled.outgoing.shape(&about, bindings, || event.payload.to_value()) {
                Ok(body) => decision.body = body,
                Err(message) => decision.refuse(Verdict::TemplateError, message),
            }
        }
        compiled.took(self.runtime.elapsed().saturating_sub(began));
        debug_assert_eq!(decision.url.is_some(), decision.verdict == Verdict::Fired);
        decision
    }

    /// Makes the job of a webhook that fired.
    fn fire(
        &self,
        snapshot: &Snapshot,
        compiled: &Compiled,
        (url, body): (String, Option<String>),
        keys: Keys,
        item: &mut Item,
    ) -> JobId {
        let target = target::read(&url, self.settings.public_url.as_ref());
        let mut job = self.job(compiled, &item.event, url);
        let id = job.id.clone();
        match target {
            Target::Inside(tree, version) => {
                let mut request = start_request(&job, tree, &item.event.actor);
                request.payload = Some(item.event.payload.clone());
                let prepared = self.workflows.prepare(&request);
                item.starts.push(Start { job, request, prepared, version });
            }
            Target::Nowhere => {
                let message = answer::nowhere(&job.url);
                answer::settle_inside(&mut job, &message, None);
                item.jobs.push(Arc::new(job));
            }
            Target::Outside => {
                job.request_content = body;
                let node = &self.settings.node;
                let delay = compiled.webhook.delivery.delay_ms.unwrap_or(0);
                job.scheduled_at = job.scheduled_at.plus_ms(delay);
                // What has its order is claimed from the table when its turn has come.
                let must_wait = delay > 0 || keys.order.is_some();
                let is_held = snapshot.hold(job.webhook_id.as_ref()).is_some();
                let lane = queue::lane_of(&job);
                if !is_held
                    && !must_wait
                    && node.is_present(&self.runtime)
                    && self.queue.has_room(lane, self.runtime.elapsed())
                {
                    job.leased_by = Some(node.id().to_string());
                    job.leased_until = Some(node.lease_end(&self.runtime));
                    job.epoch = 1;
                }
                if keys.order.is_some() || keys.coalesce.is_some() {
                    item.keyed.push((job.id.clone(), compiled.webhook.id.clone(), keys));
                }
                item.jobs.push(Arc::new(job));
            }
        }
        id
    }

    /// The job of a webhook for an event, not leased to anybody.
    pub(crate) fn job(&self, compiled: &Compiled, event: &Event, url: String) -> Job {
        let webhook = &compiled.webhook;
        Job {
            id: JobId::new(self.runtime.uuid()),
            space_id: event.space_id.clone(),
            kapp_id: webhook.kapp_id.clone(),
            event_id: Some(event.id.clone()),
            webhook_id: compiled.linked.is_none().then(|| webhook.id.clone()),
            trace_id: event.cause.trace_id.clone(),
            depth: event.cause.depth,
            name: webhook.name.clone(),
            type_name: event.type_name.to_owned(),
            event: event.event.to_owned(),
            parent_type: event.entity_type.to_owned(),
            parent_id: event.entity_id.clone(),
            parent_key: event.entity_key.clone(),
            url,
            state: State::Queued,
            summary: None,
            request_content: None,
            response_content: None,
            retry_count: 0,
            scheduled_at: event.at,
            started_at: None,
            finished_at: None,
            run_id: None,
            leased_by: None,
            leased_until: None,
            epoch: 0,
            error_class: None,
            audit: Audit::created(event.at, &event.actor),
        }
    }
}

impl Item {
    fn has_fired(&self) -> bool {
        !self.jobs.is_empty() || !self.starts.is_empty()
    }
}

/// Writes the payloads as they are stored. One event of a change keeps all of it, the others only
/// what is their own. What fired keeps all as well, so that whoever delivers it needs one row.
fn write_payloads(mut items: Vec<Item>) -> Vec<Item> {
    let keeper = items.iter().position(Item::has_fired).unwrap_or(0);
    let Some(kept) = items.get(keeper).map(|item| item.event.clone()) else { return items };
    let before = kept.payload.head().1;
    for (i, item) in items.iter_mut().enumerate() {
        let payload = &item.event.payload;
        if i != keeper && !item.has_fired() && payload.shares_rest(&kept.payload) {
            item.payload = payload.head().0.into();
            item.rest_of = Some((kept.id.clone(), before));
        } else {
            item.payload = payload.text().into();
        }
    }
    items
}

/// What the job of a webhook that fired is ordered and coalesced by. A template that fails gives
/// the empty key: such jobs keep their order among each other.
fn keys(compiled: &Compiled, bindings: &Bindings) -> Keys {
    let render = |template: &Option<Template>| {
        let text = template.as_ref()?.render(bindings).unwrap_or_default();
        Some(text.chars().take(limits::NAME_CHARS_MAX).collect())
    };
    if compiled.order_by.is_none() && compiled.coalesce_by.is_none() {
        return Keys::default();
    }
    Keys { order: render(&compiled.order_by), coalesce: render(&compiled.coalesce_by) }
}

/// Whether a webhook is about this kind of event, in this place.
pub(crate) fn is_offered(compiled: &Compiled, event: &Event) -> bool {
    let webhook = &compiled.webhook;
    let in_scope = match webhook.level() {
        Level::Space => true,
        Level::Kapp => webhook.kapp_id == event.kapp_id,
    };
    // A webhook in trouble is not told about itself: that would be one more failure.
    let is_itself = event.entity_type == "Webhook" && event.entity_id == webhook.id.0;
    let of_form = |slug: &String| {
        let form = event.payload.get("form").and_then(|form| form["slug"].as_str());
        form == Some(slug.as_str())
    };
    in_scope
        && webhook.type_name == event.type_name
        && webhook.event == event.event
        && compiled.linked.as_ref().and_then(|l| l.form_slug.as_ref()).is_none_or(of_form)
        && !is_itself
}

/// The request that starts a job's run.
pub(crate) fn start_request(job: &Job, tree: target::Tree, actor: &str) -> StartRequest {
    StartRequest {
        space_id: job.space_id.clone(),
        tree,
        job_id: Some(job.id.clone()),
        event_id: job.event_id.clone(),
        trace_id: job.trace_id.clone(),
        depth: job.depth,
        record_id: (!job.parent_id.is_empty()).then(|| job.parent_id.clone()),
        data: job.request_content.clone(),
        payload: None,
        at: job.scheduled_at,
        actor: actor.to_owned(),
        originator: format!("Webhook \"{}\" by {actor}", job.name),
    }
}

impl Prepared {
    /// Writes events, jobs and internal runs inside the change's transaction. May be called again
    /// after a rollback.
    ///
    /// # Errors
    /// `Stale` when a webhook of the space moved since the events were prepared; the store's own.
    pub fn apply(&self, tx: &mut Tx) -> Result<(), store::Error> {
        let events = self.items.iter().map(|item| NewEvent {
            event: &item.event,
            payload: &item.payload,
            rest_of: item.rest_of.as_ref().map(|(keeper, before)| (keeper, *before)),
            verdicts: &item.verdicts,
        });
        let events: Vec<NewEvent<'_>> = events.collect();
        store::events::insert_at(tx, &events, self.generation)?;
        let (mut started, mut settled) = (Vec::new(), Vec::new());
        for item in &self.items {
            for start in &item.starts {
                let outcome = match &start.prepared {
                    Some(prepared) => prepared.apply(tx)?,
                    None => self.webhooks.workflows.start(tx, &start.request)?,
                };
                if let StartOutcome::Started { run, .. } = &outcome {
                    started.push(*run);
                }
                let mut job = start.job.clone();
                answer::started(&mut job, &outcome, start.version);
                settled.push(job);
            }
        }
        let waiting = self.items.iter().flat_map(|item| item.jobs.iter().map(|job| &**job));
        store::jobs::insert(tx, settled.iter().chain(waiting))?;
        let mut superseded = Vec::new();
        for item in &self.items {
            for (job, webhook, keys) in &item.keyed {
                if let Some(key) = &keys.coalesce {
                    let at = item.event.at;
                    superseded.extend(store::order::supersede(tx, webhook, key, job, at)?);
                }
                if let Some(key) = &keys.order {
                    store::order::enter(tx, webhook, key, job)?;
                }
            }
        }
        *self.superseded.lock().unwrap_or_else(PoisonError::into_inner) = superseded;
        *self.started.lock().unwrap_or_else(PoisonError::into_inner) = started;
        Ok(())
    }

    /// To be called when the write was refused as stale: what is kept of the webhooks is read anew.
    pub fn stale(&self) {
        self.webhooks.snapshots.forget(&self.space_id, self.generation);
    }

    /// To be called once after the commit: hands jobs to their lanes and runs to the engine, and
    /// tells streams.
    pub fn committed(&self) {
        let inner = &self.webhooks;
        let mut fired = false;
        for item in &self.items {
            fired |= !item.jobs.is_empty() || !item.starts.is_empty();
            for job in item.jobs.iter().filter(|job| job.state == State::Queued) {
                // What is not leased has no room here, or its lane is held: the table keeps it.
                if job.leased_by.is_some() {
                    let own = job.request_content.as_deref().map(Arc::from);
                    let body = own.unwrap_or_else(|| item.payload.clone());
                    let waiting = Waiting::new(job.clone(), Some(body));
                    let policy = self.snapshot.policy(job.webhook_id.as_ref());
                    inner.queue.push(waiting, policy.into(), inner.runtime.elapsed());
                }
            }
        }
        for job in self.superseded.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            inner.queue.forget(&job);
        }
        if self.items.iter().any(|item| !item.keyed.is_empty()) {
            inner.queue.poke();
        }
        inner.changes.publish(&self.space_id, Topic::Events);
        if fired {
            inner.changes.publish(&self.space_id, Topic::Jobs);
        }
        for run in self.started.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            inner.workflows.started(run);
            inner.changes.publish_run(&self.space_id, run);
        }
    }
}
