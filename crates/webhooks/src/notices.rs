//! Notices: a webhook that fails again and again, one that was disabled, one that works again.
//!
//! ```text
//! attempt ─▶ Watch (memory: failures in a row) ── crosses the threshold ─▶ Sign ─▶ the loop below
//!                                              ── succeeds in trouble ───▶ Sign ─▶
//! loop: prepare the event ─▶ one transaction: trouble row, event, its jobs, notice
//! ```
//!
//! Mail goes after the commit ([`mail`]): the notice says how far it has come.
//!
//! Deliveries that go well cost one look at a counter. The row of the trouble decides who tells:
//! two nodes that notice at once write one event. A sign that is lost (a crash, a full channel) is
//! made again by the next failure or success. A webhook is never told about itself.

mod mail;

use crate::jobs::{Page, page, rows, token};
use crate::record::Report;
use crate::{Actor, Error, Inner, Webhooks};
use model::catalogue::{self, Level};
use model::event::{Cause, Event};
use model::id::{EventId, NoticeId, SpaceId, WebhookId};
use model::job::{Attempt, ErrorClass, Job};
use model::notice::{Kind, Mail, Notice, Trouble};
use model::payload::Payload;
use model::webhook::Webhook;
use runtime::changes::Topic;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// Signs that wait to be told; more are made again later.
const SIGNS_MAX: usize = 256;
/// Webhooks whose failures are counted at once.
const WATCHED_MAX: usize = 10_000;
/// How long a webhook that was told about goes unmentioned by this node: the row knows better, but
/// need not be asked at every failure.
const AGAIN: Duration = Duration::from_secs(60);
/// How often the troubles that other nodes found are read.
const LOOK: Duration = Duration::from_secs(30);
/// How often an event is prepared before its notice is left to the next sign.
const TRIES: usize = 4;
/// Who acts in the events.
const ACTOR: &str = "system";

/// Something to be told about a webhook.
#[derive(Clone, Debug)]
pub(crate) struct Sign {
    kind: Kind,
    job: Arc<Job>,
    webhook_id: WebhookId,
    failures: u32,
    error_class: Option<String>,
    message: String,
}

/// Failures in a row of each webhook that fails at present.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    failing: Mutex<HashMap<WebhookId, Health>>,
    /// How many there are, so that a success need not take the lock.
    count: AtomicUsize,
}

#[derive(Debug, Default)]
struct Health {
    in_row: u32,
    /// When this node told of it, or read that another did.
    told: Option<Duration>,
}

impl Watch {
    /// A delivery succeeded; whether its webhook was in trouble.
    fn well(&self, webhook: &WebhookId) -> bool {
        if self.count.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let mut failing = self.lock();
        let was = failing.remove(webhook);
        self.count.store(failing.len(), Ordering::Relaxed);
        was.is_some_and(|health| health.told.is_some())
    }

    /// A delivery failed for the `number`th time; the failures in a row when they are to be told.
    fn badly(&self, webhook: &WebhookId, number: u32, most: u32, now: Duration) -> Option<u32> {
        let mut failing = self.lock();
        if failing.len() >= WATCHED_MAX && !failing.contains_key(webhook) {
            return None;
        }
        let health = failing.entry(webhook.clone()).or_default();
        health.in_row = health.in_row.saturating_add(1).max(number);
        let in_row = health.in_row;
        let is_due = health.told.is_none_or(|told| now.saturating_sub(told) >= AGAIN);
        let tells = in_row >= most && is_due;
        if tells {
            health.told = Some(now);
        }
        self.count.store(failing.len(), Ordering::Relaxed);
        tells.then_some(in_row)
    }

    /// Others found these webhooks in trouble.
    fn learn(&self, troubles: &[Trouble], now: Duration) {
        let mut failing = self.lock();
        for trouble in troubles {
            failing.entry(trouble.webhook_id.clone()).or_default().told.get_or_insert(now);
        }
        self.count.store(failing.len(), Ordering::Relaxed);
    }

    /// Forgets what is known of a webhook: a person enabled it, or its sign was lost.
    pub(crate) fn forget(&self, webhook: &WebhookId) {
        let mut failing = self.lock();
        failing.remove(webhook);
        self.count.store(failing.len(), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<WebhookId, Health>> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where signs wait for the loop.
#[derive(Debug)]
pub(crate) struct Signs {
    sender: mpsc::Sender<Sign>,
    receiver: Mutex<Option<mpsc::Receiver<Sign>>>,
}

impl Default for Signs {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(SIGNS_MAX);
        Self { sender, receiver: Mutex::new(Some(receiver)) }
    }
}

impl Inner {
    /// What the outcome of an attempt says about its webhook, if that is to be told.
    pub(crate) fn sign(
        &self,
        job: &Arc<Job>,
        attempt: &Attempt,
        tries: i64,
        disabled: Option<&str>,
        most: u32,
    ) -> Option<Box<Sign>> {
        let webhook_id = job.webhook_id.clone()?;
        let sign = |kind, failures, message| {
            let (job, error_class) = (job.clone(), attempt.detail.error_class);
            let error_class = error_class.map(|class| class.as_str().to_owned());
            Some(Box::new(Sign { kind, job, webhook_id, failures, error_class, message }))
        };
        if let Some(reason) = disabled {
            return sign(Kind::Disabled, 1, reason.to_owned());
        }
        if attempt.detail.error_class.is_none() {
            let recovers = self.watch.well(job.webhook_id.as_ref()?);
            return recovers.then(|| sign(Kind::Recovered, 0, String::new())).flatten();
        }
        // A fault of our own says nothing about the endpoint.
        if attempt.detail.error_class == Some(ErrorClass::Internal) {
            return None;
        }
        let number = u32::try_from(tries).unwrap_or(u32::MAX).saturating_add(1);
        let now = self.runtime.elapsed();
        let failures = self.watch.badly(job.webhook_id.as_ref()?, number, most, now)?;
        let message = attempt.detail.error.as_deref().unwrap_or("The delivery failed");
        sign(Kind::Failing, failures, message.to_owned())
    }

    /// Hands the signs of recorded attempts to the loop.
    pub(crate) fn notice(&self, reports: &[Report]) {
        for report in reports {
            let Report::Ended { sign: Some(sign), .. } = report else { continue };
            if self.signs.sender.try_send((**sign).clone()).is_err() {
                self.watch.forget(&sign.webhook_id);
            }
        }
    }
}

impl Webhooks {
    /// Starts telling spaces about their webhooks on this node; ends when the runtime stops.
    pub fn notice(&self) {
        let waiting = &self.inner.signs.receiver;
        let Some(mut signs) = waiting.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return;
        };
        let webhooks = self.clone();
        let runtime = self.inner.runtime.clone();
        self.inner.runtime.spawn(async move {
            while !runtime.is_stopping() {
                webhooks.learn().await;
                webhooks.inner.mail_due().await;
                let look = runtime.pause(LOOK);
                tokio::pin!(look);
                loop {
                    tokio::select! {
                        biased;
                        () = runtime.stopping() => return,
                        () = &mut look => break,
                        sign = signs.recv() => match sign {
                            Some(sign) => {
                                webhooks.tell(&sign).await;
                                webhooks.inner.mail_due().await;
                            }
                            None => return,
                        },
                    }
                }
            }
        });
    }

    async fn learn(&self) {
        match self.inner.store.read(store::notices::troubles).await {
            Ok(troubles) => self.inner.watch.learn(&troubles, self.inner.runtime.elapsed()),
            Err(error) => tracing::warn!(%error, "reading which webhooks are in trouble failed"),
        }
    }

    async fn tell(&self, sign: &Sign) {
        for _ in 0..TRIES {
            match self.try_to_tell(sign).await {
                Ok(()) => return,
                Err(store::Error::Stale) => {}
                Err(error) => {
                    let webhook = &sign.webhook_id;
                    tracing::warn!(%error, %webhook, "a notice failed; the next sign repeats it");
                    break;
                }
            }
        }
        self.inner.watch.forget(&sign.webhook_id);
    }

    /// Tells once; nothing when somebody else did.
    async fn try_to_tell(&self, sign: &Sign) -> Result<(), store::Error> {
        let inner = &self.inner;
        let snapshot = inner.snapshots.of(&inner.store, &sign.job.space_id).await?;
        let own = snapshot.by_id(&sign.webhook_id).map(|compiled| compiled.webhook.clone());
        // One that is gone needs no notice.
        let Some(webhook) = own else { return Ok(()) };
        let (space_id, id) = (sign.job.space_id.clone(), sign.webhook_id.clone());
        let kapp_id = webhook.kapp_id.clone();
        let found = inner.store.read(move |tx| {
            let space = store::spaces::by_id(tx, &space_id)?;
            let kapp = match &kapp_id {
                Some(kapp) => store::kapps::by_id(tx, kapp)?.map(|kapp| kapp.slug),
                None => None,
            };
            Ok::<_, store::Error>((space, kapp, store::notices::of_webhook(tx, &id)?))
        });
        let (Some(space), kapp, known) = found.await? else { return Ok(()) };
        let trouble = match (sign.kind, known) {
            (Kind::Failing, Some(_)) | (Kind::Recovered, None) => return Ok(()),
            (Kind::Recovered, Some(known)) => known,
            (Kind::Failing | Kind::Disabled, _) => self.trouble(sign),
        };
        let about = About { sign, webhook: &webhook, kapp, trouble: &trouble };
        let event = self.event_about(&about, &model::payload::space(&space));
        let notice = self.notice_of(&about, &event, &snapshot.settings.notices.mail_to);
        let prepared = Arc::new(self.prepare(vec![event]).await?);
        let written = prepared.clone();
        let kind = sign.kind;
        let told = inner.store.write(move |tx| {
            let is_mine = match kind {
                Kind::Failing | Kind::Disabled => store::notices::open(tx, &trouble)?,
                Kind::Recovered => store::notices::close(tx, &trouble.webhook_id)?,
            };
            if is_mine {
                written.apply(tx)?;
                store::notices::insert(tx, &notice)?;
            }
            Ok::<_, store::Error>(is_mine)
        });
        if told.await? {
            prepared.committed();
            inner.changes.publish(&sign.job.space_id, Topic::Webhooks);
        }
        Ok(())
    }

    fn trouble(&self, sign: &Sign) -> Trouble {
        Trouble {
            webhook_id: sign.webhook_id.clone(),
            space_id: sign.job.space_id.clone(),
            since: self.inner.runtime.now(),
            failures: i64::from(sign.failures),
            is_disabled: sign.kind == Kind::Disabled,
            error_class: sign.error_class.clone(),
            message: sign.message.clone(),
            job_id: sign.job.id.clone(),
        }
    }

    fn event_about(&self, about: &About<'_>, space: &Value) -> Event {
        let About { sign, webhook, trouble, .. } = about;
        let at = self.inner.runtime.now();
        let (type_name, event) = catalogue::find(Level::Space, "Webhook", sign.kind.as_str())
            .expect("the catalogue has the events of webhooks");
        let payload = json!({
            "event": {"action": event, "type": type_name, "timestamp": at.iso()},
            "space": space,
            "webhook": {
                "id": webhook.id.as_str(), "name": webhook.name, "scope": webhook.level().as_str(),
                "kapp": about.kapp, "type": webhook.type_name, "event": webhook.event,
                "endpoint": endpoint(&sign.job.url),
            },
            "trouble": {
                "since": trouble.since.iso(), "failures": trouble.failures,
                "errorClass": trouble.error_class, "message": trouble.message,
                "jobId": trouble.job_id.as_str(),
            },
        });
        Event {
            id: EventId::new(self.inner.runtime.uuid()),
            space_id: sign.job.space_id.clone(),
            kapp_id: None,
            level: Level::Space,
            type_name,
            event,
            entity_type: "Webhook",
            entity_id: webhook.id.0.clone(),
            entity_key: webhook.name.clone(),
            label: webhook.name.clone(),
            actor: ACTOR.to_owned(),
            at,
            cause: Cause {
                trace_id: sign.job.trace_id.clone(),
                depth: sign.job.depth + 1,
                event_id: sign.job.event_id.clone(),
                run_id: None,
                task_id: None,
            },
            payload: Payload::from(payload),
        }
    }

    fn notice_of(&self, about: &About<'_>, event: &Event, mail_to: &[String]) -> Notice {
        let sign = about.sign;
        Notice {
            id: NoticeId::new(self.inner.runtime.uuid()),
            space_id: event.space_id.clone(),
            at: event.at,
            kind: sign.kind,
            webhook_id: sign.webhook_id.clone(),
            webhook: about.webhook.name.clone(),
            message: about.words(),
            event_id: event.id.clone(),
            job_id: sign.job.id.clone(),
            mail_to: mail_to.to_vec(),
            mail: if mail_to.is_empty() { Mail::None } else { Mail::Waiting },
            mail_tries: 0,
            mail_error: None,
        }
    }

    /// The notices of the actor's space, newest first.
    ///
    /// # Errors
    /// `Refused` for a bad limit or token, `Forbidden`, `Store`.
    pub async fn notices(
        &self,
        actor: &Actor,
        limit: Option<i64>,
        page_token: Option<&str>,
    ) -> Result<Page<Notice>, Error> {
        actor.must_administer("see what was told about webhooks")?;
        let rows = rows(limit)?;
        let after = page_token.map(token::read).transpose()?;
        let after = after.map(|(at, id)| (at, NoticeId(id)));
        let space = actor.space_id.clone();
        let items =
            self.read(move |tx| Ok(store::notices::list(tx, &space, after.as_ref(), rows + 1)?));
        Ok(page(items.await?, rows, |notice| (notice.at, notice.id.as_str())))
    }

    /// The webhooks of the actor's space that are in trouble, those first that have been longest.
    ///
    /// # Errors
    /// `Forbidden`, `Store`.
    pub async fn troubles(&self, actor: &Actor) -> Result<Vec<Trouble>, Error> {
        actor.must_administer("see which webhooks are in trouble")?;
        let space: SpaceId = actor.space_id.clone();
        self.read(move |tx| Ok(store::notices::of_space(tx, &space)?)).await
    }
}

/// What is told.
struct About<'a> {
    sign: &'a Sign,
    webhook: &'a Webhook,
    kapp: Option<String>,
    trouble: &'a Trouble,
}

impl About<'_> {
    fn words(&self) -> String {
        let message = self.trouble.message.trim_end_matches('.');
        match self.sign.kind {
            Kind::Failing => {
                format!("{} deliveries failed in a row: {message}.", self.trouble.failures)
            }
            Kind::Disabled => {
                format!("{message}. Its jobs wait; enable the webhook to send them.")
            }
            Kind::Recovered => {
                format!("It delivers again; it had failed since {}.", self.trouble.since.iso())
            }
        }
    }
}

/// Where a job goes, without what its path or query may give away.
fn endpoint(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    Some(url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> WebhookId {
        WebhookId(name.to_owned())
    }

    #[test]
    fn the_threshold_is_crossed_once_until_it_works_again() {
        let watch = Watch::default();
        let second = Duration::from_secs(1);
        let badly = |number| watch.badly(&id("a"), number, 3, second);
        assert_eq!((badly(1), badly(1), badly(1)), (None, None, Some(3)));
        assert_eq!(badly(1), None, "it was told");
        assert_eq!(watch.badly(&id("a"), 1, 3, second + AGAIN), Some(5), "the row is asked again");
        assert!(watch.well(&id("a")));
        assert!(!watch.well(&id("a")));
        assert_eq!(badly(1), None, "it counts anew");
        assert_eq!(badly(4), Some(4), "attempts made elsewhere count");
    }

    #[test]
    fn what_others_found_is_known_and_others_stay_apart() {
        let watch = Watch::default();
        assert_eq!(watch.badly(&id("b"), 1, 2, Duration::ZERO), None);
        assert!(!watch.well(&id("b")), "it never was in trouble");
        let trouble = Trouble {
            webhook_id: id("a"),
            space_id: SpaceId("s".to_owned()),
            since: model::time::Micros(1),
            failures: 4,
            is_disabled: false,
            error_class: None,
            message: "no".to_owned(),
            job_id: model::id::JobId("j".to_owned()),
        };
        watch.learn(&[trouble], Duration::ZERO);
        assert_eq!(watch.badly(&id("a"), 9, 2, Duration::ZERO), None, "it was told elsewhere");
        assert!(watch.well(&id("a")));
    }

    #[test]
    fn an_endpoint_is_named_without_its_secrets() {
        let url = "https://user:pass@hooks.example.com/T0/SECRET?key=1";
        assert_eq!(endpoint(url).as_deref(), Some("https://hooks.example.com"));
    }
}
